
#include "shm/ngx_http_realtime_records.h"


static void ngx_http_realtime_records_relink(void *ctx, rt_uint_t pass,
    rt_ref_t ref, void *record);
static void ngx_http_realtime_records_empty(ngx_http_realtime_zone_t *z,
    void *record);
static void ngx_http_realtime_records_session(ngx_http_realtime_zone_t *z,
    rt_ref_t ref, ngx_http_realtime_session_rec_t *rec);
static void ngx_http_realtime_records_socket(ngx_http_realtime_zone_t *z,
    rt_ref_t ref, ngx_http_realtime_socket_rec_t *rec);
static void ngx_http_realtime_records_member(ngx_http_realtime_zone_t *z,
    rt_ref_t ref, ngx_http_realtime_member_rec_t *rec);
static void *ngx_http_realtime_records_typed(ngx_http_realtime_zone_t *z,
    rt_ref_t ref, uint8_t type);
static void ngx_http_realtime_records_room(ngx_http_realtime_zone_t *z,
    rt_ref_t ref, ngx_http_realtime_room_rec_t *rec);


/*
 * Passes: 0 empties the lists of every record; 1 puts sessions into their
 * table and slots; 2 links sockets, 3 members; 4 drops rooms that nobody is
 * in any more and puts the others into their table.  A record whose parent
 * has gone is what a removal left behind, and goes too.
 */

#define NGX_HTTP_REALTIME_RECORDS_PASSES  5


void
ngx_http_realtime_records_rebuild_locked(ngx_http_realtime_zone_t *z)
{
    size_t                       len;
    uint32_t                     i;
    ngx_http_realtime_shared_t  *sh = z->sh;

    len = sh->buckets * sizeof(rt_ref_t);

    ngx_memzero(sh->session_table, len);
    ngx_memzero(sh->room_table, len);

    for (i = 0; i < NGX_HTTP_REALTIME_SLOTS; i++) {
        sh->slot[i].sessions = 0;
    }

    sh->sessions = 0;
    sh->sockets = 0;
    sh->rooms = 0;
    sh->memberships = 0;

    rt_arena_rebuild(sh->arena, NGX_HTTP_REALTIME_RECORDS_PASSES,
                     ngx_http_realtime_records_relink, z);
}


static void
ngx_http_realtime_records_relink(void *ctx, rt_uint_t pass, rt_ref_t ref,
    void *record)
{
    uint8_t                    type = ((rt_arena_record_t *) record)->type;
    ngx_http_realtime_zone_t  *z = ctx;

    if (pass == 0) {
        ngx_http_realtime_records_empty(z, record);

    } else if (pass == 1 && type == NGX_HTTP_REALTIME_RECORD_SESSION) {
        ngx_http_realtime_records_session(z, ref, record);

    } else if (pass == 2 && type == NGX_HTTP_REALTIME_RECORD_SOCKET) {
        ngx_http_realtime_records_socket(z, ref, record);

    } else if (pass == 3 && type == NGX_HTTP_REALTIME_RECORD_MEMBER) {
        ngx_http_realtime_records_member(z, ref, record);

    } else if (pass == 4 && type == NGX_HTTP_REALTIME_RECORD_ROOM) {
        ngx_http_realtime_records_room(z, ref, record);
    }
}


static void
ngx_http_realtime_records_empty(ngx_http_realtime_zone_t *z, void *record)
{
    ngx_http_realtime_room_rec_t     *room = record;
    ngx_http_realtime_socket_rec_t   *socket = record;
    ngx_http_realtime_session_rec_t  *session = record;

    switch (session->type) {

    case NGX_HTTP_REALTIME_RECORD_SESSION:
        session->sockets = 0;
        break;

    case NGX_HTTP_REALTIME_RECORD_SOCKET:
        socket->members = 0;
        break;

    case NGX_HTTP_REALTIME_RECORD_ROOM:
        room->members = 0;
        room->count = 0;
        break;
    }
}


static void
ngx_http_realtime_records_session(ngx_http_realtime_zone_t *z, rt_ref_t ref,
    ngx_http_realtime_session_rec_t *rec)
{
    uint64_t                     hash;
    rt_ref_t                    *bucket;
    ngx_http_realtime_shared_t  *sh = z->sh;

    hash = rt_hash(&sh->key, rt_str(RT_ID_LEN, rec->sid));
    bucket = ngx_http_realtime_bucket(sh, session_table, hash);

    rec->next = *bucket;
    *bucket = ref;

    sh->sessions++;
    sh->slot[rec->owner.slot % NGX_HTTP_REALTIME_SLOTS].sessions++;
}


static void
ngx_http_realtime_records_socket(ngx_http_realtime_zone_t *z, rt_ref_t ref,
    ngx_http_realtime_socket_rec_t *rec)
{
    ngx_http_realtime_session_rec_t  *session;

    session = ngx_http_realtime_records_typed(z, rec->session,
                                          NGX_HTTP_REALTIME_RECORD_SESSION);
    if (session == NULL) {
        rt_arena_free(z->sh->arena, ref);
        return;
    }

    rec->next = session->sockets;
    session->sockets = ref;

    z->sh->sockets++;
}


static void
ngx_http_realtime_records_member(ngx_http_realtime_zone_t *z, rt_ref_t ref,
    ngx_http_realtime_member_rec_t *rec)
{
    ngx_http_realtime_room_rec_t    *room;
    ngx_http_realtime_member_rec_t  *first;
    ngx_http_realtime_socket_rec_t  *socket;

    room = ngx_http_realtime_records_typed(z, rec->room,
                                           NGX_HTTP_REALTIME_RECORD_ROOM);
    socket = ngx_http_realtime_records_typed(z, rec->socket,
                                           NGX_HTTP_REALTIME_RECORD_SOCKET);

    if (room == NULL || socket == NULL) {
        rt_arena_free(z->sh->arena, ref);
        return;
    }

    rec->next_room = socket->members;
    socket->members = ref;

    rec->prev = 0;
    rec->next = room->members;

    first = ngx_http_realtime_at(z, rec->next);

    if (first) {
        first->prev = ref;
    }

    room->members = ref;
    room->count++;

    z->sh->memberships++;
}


static void *
ngx_http_realtime_records_typed(ngx_http_realtime_zone_t *z, rt_ref_t ref,
    uint8_t type)
{
    rt_arena_record_t  *rec;

    rec = ngx_http_realtime_at(z, ref);

    return (rec && rec->type == type) ? rec : NULL;
}


static void
ngx_http_realtime_records_room(ngx_http_realtime_zone_t *z, rt_ref_t ref,
    ngx_http_realtime_room_rec_t *rec)
{
    rt_ref_t  *bucket;

    if (rec->count == 0) {
        rt_arena_free(z->sh->arena, ref);
        return;
    }

    bucket = ngx_http_realtime_bucket(z->sh, room_table, rec->hash);

    rec->next = *bucket;
    *bucket = ref;

    z->sh->rooms++;
}
