
#include "shm/ngx_http_realtime_records.h"
#include "shm/ngx_http_realtime_away.h"
#include "shm/ngx_http_realtime_keyed.h"
#include "shm/ngx_http_realtime_typists.h"
#include "shm/ngx_http_realtime_users.h"


typedef void (*ngx_http_realtime_relink_pt)(ngx_http_realtime_zone_t *z,
    rt_ref_t ref, void *record);


static void ngx_http_realtime_records_relink(void *ctx, rt_uint_t pass,
    rt_ref_t ref, void *record);
static void ngx_http_realtime_records_empty(void *record);
static void *ngx_http_realtime_records_typed(ngx_http_realtime_zone_t *z,
    rt_ref_t ref, uint8_t type);

static void ngx_http_realtime_records_session(ngx_http_realtime_zone_t *z,
    rt_ref_t ref, void *record);
static void ngx_http_realtime_records_room(ngx_http_realtime_zone_t *z,
    rt_ref_t ref, void *record);
static void ngx_http_realtime_records_keyed(ngx_http_realtime_zone_t *z,
    rt_ref_t ref, void *record);
static void ngx_http_realtime_records_limit(ngx_http_realtime_zone_t *z,
    rt_ref_t ref, void *record);
static void ngx_http_realtime_records_known(ngx_http_realtime_zone_t *z,
    rt_ref_t ref, void *record);
static void ngx_http_realtime_records_custom(ngx_http_realtime_zone_t *z,
    rt_ref_t ref, void *record);
static void ngx_http_realtime_records_socket(ngx_http_realtime_zone_t *z,
    rt_ref_t ref, void *record);
static void ngx_http_realtime_records_occupant(ngx_http_realtime_zone_t *z,
    rt_ref_t ref, void *record);
static void ngx_http_realtime_records_member(ngx_http_realtime_zone_t *z,
    rt_ref_t ref, void *record);
static void ngx_http_realtime_records_typist(ngx_http_realtime_zone_t *z,
    rt_ref_t ref, void *record);
static void ngx_http_realtime_records_thread_end(ngx_http_realtime_zone_t *z,
    rt_ref_t ref, void *record);
static void ngx_http_realtime_records_occupant_end(
    ngx_http_realtime_zone_t *z, rt_ref_t ref, void *record);
static void ngx_http_realtime_records_user_end(ngx_http_realtime_zone_t *z,
    rt_ref_t ref, void *record);
static void ngx_http_realtime_records_room_end(ngx_http_realtime_zone_t *z,
    rt_ref_t ref, void *record);


/*
 * What is done with which records, in the order of the passes; before them one
 * that empties the lists of every record.  Parents come before what hangs on
 * them: a record whose parent has gone is what a removal left behind, and goes
 * too.  The last passes look at what keeps whom.
 */

static const struct {
    rt_uint_t                    pass;
    uint8_t                      type;
    ngx_http_realtime_relink_pt  relink;
} ngx_http_realtime_relinks[] = {

    { 1, NGX_HTTP_REALTIME_RECORD_SESSION, ngx_http_realtime_records_session },
    { 1, NGX_HTTP_REALTIME_RECORD_ROOM, ngx_http_realtime_records_room },
    { 1, NGX_HTTP_REALTIME_RECORD_USER, ngx_http_realtime_records_keyed },
    { 1, NGX_HTTP_REALTIME_RECORD_LIMIT, ngx_http_realtime_records_limit },
    { 1, NGX_HTTP_REALTIME_RECORD_KNOWN, ngx_http_realtime_records_known },

    { 2, NGX_HTTP_REALTIME_RECORD_CUSTOM, ngx_http_realtime_records_custom },
    { 2, NGX_HTTP_REALTIME_RECORD_SOCKET, ngx_http_realtime_records_socket },
    { 2, NGX_HTTP_REALTIME_RECORD_THREAD, ngx_http_realtime_records_keyed },
    { 2, NGX_HTTP_REALTIME_RECORD_OCCUPANT,
      ngx_http_realtime_records_occupant },

    { 3, NGX_HTTP_REALTIME_RECORD_MEMBER, ngx_http_realtime_records_member },
    { 4, NGX_HTTP_REALTIME_RECORD_TYPIST, ngx_http_realtime_records_typist },

    { 5, NGX_HTTP_REALTIME_RECORD_THREAD,
      ngx_http_realtime_records_thread_end },
    { 5, NGX_HTTP_REALTIME_RECORD_OCCUPANT,
      ngx_http_realtime_records_occupant_end },
    { 6, NGX_HTTP_REALTIME_RECORD_USER, ngx_http_realtime_records_user_end },
    { 6, NGX_HTTP_REALTIME_RECORD_ROOM, ngx_http_realtime_records_room_end }
};

#define NGX_HTTP_REALTIME_RECORDS_PASSES  7


void
ngx_http_realtime_records_rebuild_locked(ngx_http_realtime_zone_t *z)
{
    uint32_t                     i;
    ngx_http_realtime_shared_t  *sh = z->sh;

    ngx_memzero(sh->session_table, 3 * sh->buckets * sizeof(rt_ref_t));
    ngx_memzero(sh->chain, sizeof(sh->chain));
    ngx_memzero(&sh->typing, sizeof(sh->typing));
    ngx_memzero(sh->away_chain, sizeof(sh->away_chain));
    ngx_memzero(sh->limit, sizeof(sh->limit));
    ngx_memzero(&sh->known_chain, sizeof(sh->known_chain));

    for (i = 0; i < NGX_HTTP_REALTIME_SLOTS; i++) {
        sh->slot[i].sessions = 0;
    }

    sh->sessions = 0;
    sh->sockets = 0;
    sh->away = 0;
    sh->rooms = 0;
    sh->memberships = 0;
    sh->users = 0;
    sh->idle = 0;
    sh->typists = 0;
    sh->limits = 0;
    ngx_memzero(sh->limited, sizeof(sh->limited));
    sh->known = 0;

    atomic_store(&sh->waiting, 0);
    atomic_store(&sh->typing_due, 0);

    rt_arena_rebuild(sh->arena, NGX_HTTP_REALTIME_RECORDS_PASSES,
                     ngx_http_realtime_records_relink, z);

    /* who was told what is in the records; somebody has to compare */

    atomic_store(&sh->owing, 1);
}


static void
ngx_http_realtime_records_relink(void *ctx, rt_uint_t pass, rt_ref_t ref,
    void *record)
{
    uint8_t     type = ((rt_arena_record_t *) record)->type;
    ngx_uint_t  i;

    if (pass == 0) {
        ngx_http_realtime_records_empty(record);
        return;
    }

    for (i = 0; i < rt_nitems(ngx_http_realtime_relinks); i++) {
        if (ngx_http_realtime_relinks[i].pass == pass
            && ngx_http_realtime_relinks[i].type == type)
        {
            ngx_http_realtime_relinks[i].relink(ctx, ref, record);
            return;
        }
    }
}


static void
ngx_http_realtime_records_empty(void *record)
{
    ngx_http_realtime_room_rec_t      *room = record;
    ngx_http_realtime_user_rec_t      *user = record;
    ngx_http_realtime_member_rec_t    *member = record;
    ngx_http_realtime_socket_rec_t    *socket = record;
    ngx_http_realtime_thread_rec_t    *thread = record;
    ngx_http_realtime_session_rec_t   *session = record;
    ngx_http_realtime_occupant_rec_t  *occupant = record;

    switch (session->type) {

    case NGX_HTTP_REALTIME_RECORD_SESSION:
        session->sockets = 0;
        break;

    case NGX_HTTP_REALTIME_RECORD_SOCKET:
        socket->members = 0;
        socket->typing = 0;
        break;

    case NGX_HTTP_REALTIME_RECORD_ROOM:
        room->members = 0;
        room->count = 0;
        room->people = 0;
        room->anonymous = 0;
        room->occupants = 0;
        break;

    case NGX_HTTP_REALTIME_RECORD_MEMBER:
        member->typists = 0;
        break;

    case NGX_HTTP_REALTIME_RECORD_USER:
        ngx_memzero(&user->sockets, sizeof(user->sockets));
        ngx_memzero(&user->occupants, sizeof(user->occupants));
        user->chain = NGX_HTTP_REALTIME_CHAIN_NONE;
        break;

    case NGX_HTTP_REALTIME_RECORD_OCCUPANT:
        occupant->count = 0;
        break;

    case NGX_HTTP_REALTIME_RECORD_THREAD:
        ngx_memzero(&thread->typists, sizeof(thread->typists));
        break;
    }
}


/* the record, if it is there and what it should be */

static void *
ngx_http_realtime_records_typed(ngx_http_realtime_zone_t *z, rt_ref_t ref,
    uint8_t type)
{
    rt_arena_record_t  *rec;

    rec = ngx_http_realtime_at(z, ref);

    return (rec && rec->type == type) ? rec : NULL;
}


static void
ngx_http_realtime_records_session(ngx_http_realtime_zone_t *z, rt_ref_t ref,
    void *record)
{
    uint64_t                          hash;
    rt_ref_t                         *bucket;
    ngx_http_realtime_shared_t       *sh = z->sh;
    ngx_http_realtime_session_rec_t  *rec = record;

    if (rec->due) {
        ngx_http_realtime_away_link_locked(z, ref);
        return;
    }

    hash = rt_hash(&sh->key, rt_str(RT_ID_LEN, rec->sid));
    bucket = ngx_http_realtime_bucket(sh, session_table, hash);

    rec->next = *bucket;
    *bucket = ref;

    sh->sessions++;
    sh->slot[rec->owner.slot % NGX_HTTP_REALTIME_SLOTS].sessions++;
}


static void
ngx_http_realtime_records_room(ngx_http_realtime_zone_t *z, rt_ref_t ref,
    void *record)
{
    rt_ref_t                      *bucket;
    ngx_http_realtime_room_rec_t  *rec = record;

    bucket = ngx_http_realtime_bucket(z->sh, room_table, rec->hash);

    rec->next = *bucket;
    *bucket = ref;

    z->sh->rooms++;
}


static void
ngx_http_realtime_records_keyed(ngx_http_realtime_zone_t *z, rt_ref_t ref,
    void *record)
{
    ngx_http_realtime_keyed_link(z, ref);
}


static void
ngx_http_realtime_records_limit(ngx_http_realtime_zone_t *z, rt_ref_t ref,
    void *record)
{
    ngx_uint_t                      kind;
    ngx_http_realtime_limit_rec_t  *rec = record;

    kind = rec->kind % NGX_HTTP_REALTIME_LIMITS;

    ngx_http_realtime_keyed_link(z, ref);
    ngx_http_realtime_chain_add(z, &z->sh->limit[kind], ref,
                                offsetof(ngx_http_realtime_limit_rec_t, link),
                                0);
    z->sh->limits++;
    z->sh->limited[kind]++;
}


static void
ngx_http_realtime_records_known(ngx_http_realtime_zone_t *z, rt_ref_t ref,
    void *record)
{
    ngx_http_realtime_keyed_link(z, ref);
    ngx_http_realtime_chain_add(z, &z->sh->known_chain, ref,
                                offsetof(ngx_http_realtime_known_rec_t, link),
                                0);
    z->sh->known++;
}


static void
ngx_http_realtime_records_custom(ngx_http_realtime_zone_t *z, rt_ref_t ref,
    void *record)
{
    ngx_http_realtime_user_rec_t    *user;
    ngx_http_realtime_custom_rec_t  *rec = record;

    user = ngx_http_realtime_records_typed(z, rec->user,
                                           NGX_HTTP_REALTIME_RECORD_USER);

    if (user == NULL || user->custom != ref) {
        rt_arena_free(z->sh->arena, ref);
    }
}


static void
ngx_http_realtime_records_socket(ngx_http_realtime_zone_t *z, rt_ref_t ref,
    void *record)
{
    ngx_http_realtime_user_rec_t     *user;
    ngx_http_realtime_socket_rec_t   *rec = record;
    ngx_http_realtime_session_rec_t  *session;

    session = ngx_http_realtime_records_typed(z, rec->session,
                                          NGX_HTTP_REALTIME_RECORD_SESSION);
    if (session == NULL) {
        rt_arena_free(z->sh->arena, ref);
        return;
    }

    rec->next = session->sockets;
    session->sockets = ref;

    if (session->due == 0) {
        z->sh->sockets++;
    }

    user = ngx_http_realtime_records_typed(z, rec->user,
                                           NGX_HTTP_REALTIME_RECORD_USER);
    if (user == NULL) {
        rec->user = 0;
        return;
    }

    if (user->sockets.first == 0) {
        z->sh->users++;
    }

    ngx_http_realtime_chain_add(z, &user->sockets, ref,
                                NGX_HTTP_REALTIME_USER_SOCKET_LINK, 0);
}


static void
ngx_http_realtime_records_occupant(ngx_http_realtime_zone_t *z, rt_ref_t ref,
    void *record)
{
    ngx_http_realtime_room_rec_t      *room;
    ngx_http_realtime_user_rec_t      *user;
    ngx_http_realtime_occupant_rec_t  *rec = record;

    room = ngx_http_realtime_records_typed(z, rec->room,
                                           NGX_HTTP_REALTIME_RECORD_ROOM);
    user = ngx_http_realtime_records_typed(z, rec->user,
                                           NGX_HTTP_REALTIME_RECORD_USER);

    if (room == NULL || user == NULL) {
        rt_arena_free(z->sh->arena, ref);
        return;
    }

    ngx_http_realtime_keyed_link(z, ref);
    ngx_http_realtime_chain_add(z, &user->occupants, ref,
                                NGX_HTTP_REALTIME_USER_OCCUPANT_LINK, 0);
    room->occupants++;
}


static void
ngx_http_realtime_records_member(ngx_http_realtime_zone_t *z, rt_ref_t ref,
    void *record)
{
    ngx_http_realtime_room_rec_t      *room;
    ngx_http_realtime_member_rec_t    *rec = record, *first;
    ngx_http_realtime_socket_rec_t    *socket;
    ngx_http_realtime_occupant_rec_t  *occupant;

    room = ngx_http_realtime_records_typed(z, rec->room,
                                           NGX_HTTP_REALTIME_RECORD_ROOM);
    socket = ngx_http_realtime_records_typed(z, rec->socket,
                                           NGX_HTTP_REALTIME_RECORD_SOCKET);
    occupant = ngx_http_realtime_records_typed(z, rec->occupant,
                                         NGX_HTTP_REALTIME_RECORD_OCCUPANT);

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

    if (occupant == NULL) {
        rec->occupant = 0;
        room->anonymous++;
    }

    if (occupant == NULL || occupant->count++ == 0) {
        room->people++;
    }

    z->sh->memberships++;
}


static void
ngx_http_realtime_records_typist(ngx_http_realtime_zone_t *z, rt_ref_t ref,
    void *record)
{
    ngx_http_realtime_member_rec_t  *member;
    ngx_http_realtime_socket_rec_t  *socket;
    ngx_http_realtime_thread_rec_t  *thread;
    ngx_http_realtime_typist_rec_t  *rec = record;

    member = ngx_http_realtime_records_typed(z, rec->member,
                                           NGX_HTTP_REALTIME_RECORD_MEMBER);
    thread = ngx_http_realtime_records_typed(z, rec->thread,
                                           NGX_HTTP_REALTIME_RECORD_THREAD);

    if (thread) {
        thread->told = 0;       /* who began first is known no more */
    }

    if (member == NULL || thread == NULL) {
        rt_arena_free(z->sh->arena, ref);
        return;
    }

    socket = ngx_http_realtime_at(z, member->socket);
    socket->typing++;
    z->sh->typists++;

    rec->next = member->typists;
    member->typists = ref;

    ngx_http_realtime_chain_add(z, &thread->typists, ref,
                                NGX_HTTP_REALTIME_TYPIST_THREAD_LINK, 0);
    ngx_http_realtime_typists_due_locked(z, ref);
}


static void
ngx_http_realtime_records_thread_end(ngx_http_realtime_zone_t *z,
    rt_ref_t ref, void *record)
{
    ngx_http_realtime_room_rec_t    *room;
    ngx_http_realtime_thread_rec_t  *rec = record;

    room = ngx_http_realtime_records_typed(z, rec->room,
                                           NGX_HTTP_REALTIME_RECORD_ROOM);

    if (rec->typists.first == 0
        && (rec->told || room == NULL || room->count == 0))
    {
        ngx_http_realtime_keyed_unlink(z, ref);
        rt_arena_free(z->sh->arena, ref);
    }
}


static void
ngx_http_realtime_records_occupant_end(ngx_http_realtime_zone_t *z,
    rt_ref_t ref, void *record)
{
    ngx_http_realtime_room_rec_t      *room;
    ngx_http_realtime_user_rec_t      *user;
    ngx_http_realtime_occupant_rec_t  *rec = record;

    if (rec->count || rec->told || rec->lingers) {
        return;
    }

    room = ngx_http_realtime_at(z, rec->room);
    user = ngx_http_realtime_at(z, rec->user);

    ngx_http_realtime_keyed_unlink(z, ref);
    ngx_http_realtime_chain_remove(z, &user->occupants, ref,
                                   NGX_HTTP_REALTIME_USER_OCCUPANT_LINK);
    room->occupants--;

    rt_arena_free(z->sh->arena, ref);
}


/* where users stand, and who is kept by nothing, is seen to by who compares */

static void
ngx_http_realtime_records_user_end(ngx_http_realtime_zone_t *z, rt_ref_t ref,
    void *record)
{
    ngx_http_realtime_user_rec_t  *rec = record;

    if (ngx_http_realtime_records_typed(z, rec->custom,
                                        NGX_HTTP_REALTIME_RECORD_CUSTOM)
        == NULL)
    {
        rec->custom = 0;
    }
}


static void
ngx_http_realtime_records_room_end(ngx_http_realtime_zone_t *z, rt_ref_t ref,
    void *record)
{
    rt_ref_t                      *link;
    ngx_http_realtime_room_rec_t  *rec = record, *other;

    if (rec->count || rec->occupants) {
        return;
    }

    link = ngx_http_realtime_bucket(z->sh, room_table, rec->hash);

    while (*link && *link != ref) {
        other = ngx_http_realtime_at(z, *link);
        link = &other->next;
    }

    if (*link) {
        *link = rec->next;
    }

    z->sh->rooms--;

    rt_arena_free(z->sh->arena, ref);
}
