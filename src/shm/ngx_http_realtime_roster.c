
#include "shm/ngx_http_realtime_roster.h"


static rt_ref_t *ngx_http_realtime_roster_lookup_locked(
    ngx_http_realtime_zone_t *z, rt_str_t nsp, rt_str_t name, uint32_t hash);
static rt_ref_t ngx_http_realtime_roster_room_locked(
    ngx_http_realtime_zone_t *z, rt_str_t nsp, rt_str_t name);
static ngx_int_t ngx_http_realtime_roster_enter_locked(
    ngx_http_realtime_zone_t *z, rt_ref_t room, rt_ref_t socket);
static void ngx_http_realtime_roster_unlink_locked(
    ngx_http_realtime_zone_t *z, rt_ref_t *link);
static void ngx_http_realtime_roster_drop_room_locked(
    ngx_http_realtime_zone_t *z, rt_ref_t ref);


#define ngx_http_realtime_roster_hash(z, nsp, name)                           \
    ((uint32_t) rt_hash2(&(z)->sh->key, nsp, name))

#define ngx_http_realtime_roster_nsp(room)   rt_str((room)->nsp_len,          \
                                                    (room)->text)

#define ngx_http_realtime_roster_name(room)  rt_str((room)->name_len,         \
                                              (room)->text + (room)->nsp_len)


ngx_int_t
ngx_http_realtime_roster_enter(ngx_http_realtime_zone_t *z, rt_ref_t socket,
    rt_str_t nsp, rt_str_t name, ngx_uint_t *count)
{
    rt_ref_t                       ref;
    ngx_int_t                      rc = NGX_DECLINED;
    ngx_http_realtime_room_rec_t  *room;

    ngx_http_realtime_zone_lock(z);

    ref = ngx_http_realtime_roster_room_locked(z, nsp, name);

    if (ref) {
        rc = ngx_http_realtime_roster_enter_locked(z, ref, socket);
        room = ngx_http_realtime_at(z, ref);
        *count = room->count;

        if (room->count == 0) {
            ngx_http_realtime_roster_drop_room_locked(z, ref);
        }
    }

    ngx_http_realtime_zone_unlock(z);

    return rc;
}


/* the room, made if it is not there; 0 when the zone is full */

static rt_ref_t
ngx_http_realtime_roster_room_locked(ngx_http_realtime_zone_t *z,
    rt_str_t nsp, rt_str_t name)
{
    uint32_t                       hash;
    rt_ref_t                       ref, *link;
    ngx_http_realtime_room_rec_t  *room;

    hash = ngx_http_realtime_roster_hash(z, nsp, name);
    link = ngx_http_realtime_roster_lookup_locked(z, nsp, name, hash);

    if (*link) {
        return *link;
    }

    ref = rt_arena_alloc(z->sh->arena, sizeof(ngx_http_realtime_room_rec_t)
                                       + nsp.len + name.len);
    if (ref == 0) {
        return 0;
    }

    room = ngx_http_realtime_at(z, ref);

    room->hash = hash;
    room->nsp_len = nsp.len;
    room->name_len = name.len;
    ngx_memcpy(room->text, nsp.data, nsp.len);
    ngx_memcpy(room->text + nsp.len, name.data, name.len);

    rt_arena_publish(z->sh->arena, ref, NGX_HTTP_REALTIME_RECORD_ROOM);

    *link = ref;
    z->sh->rooms++;

    return ref;
}


static rt_ref_t *
ngx_http_realtime_roster_lookup_locked(ngx_http_realtime_zone_t *z,
    rt_str_t nsp, rt_str_t name, uint32_t hash)
{
    rt_ref_t                      *link;
    ngx_http_realtime_room_rec_t  *room;

    link = ngx_http_realtime_bucket(z->sh, room_table, hash);

    for ( ;; ) {
        room = ngx_http_realtime_at(z, *link);

        if (room == NULL
            || (room->hash == hash
                && rt_str_eq(nsp, ngx_http_realtime_roster_nsp(room))
                && rt_str_eq(name, ngx_http_realtime_roster_name(room))))
        {
            return link;
        }

        link = &room->next;
    }
}


static ngx_int_t
ngx_http_realtime_roster_enter_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t room, rt_ref_t socket)
{
    rt_ref_t                         ref;
    ngx_http_realtime_room_rec_t    *in;
    ngx_http_realtime_member_rec_t  *rec, *first;
    ngx_http_realtime_socket_rec_t  *who;

    ref = rt_arena_alloc(z->sh->arena, sizeof(ngx_http_realtime_member_rec_t));
    if (ref == 0) {
        return NGX_DECLINED;
    }

    rec = ngx_http_realtime_at(z, ref);
    in = ngx_http_realtime_at(z, room);
    who = ngx_http_realtime_at(z, socket);
    first = ngx_http_realtime_at(z, in->members);

    rec->room = room;
    rec->socket = socket;
    rec->next = in->members;
    rec->next_room = who->members;

    rt_arena_publish(z->sh->arena, ref, NGX_HTTP_REALTIME_RECORD_MEMBER);

    if (first) {
        first->prev = ref;
    }

    in->members = ref;
    who->members = ref;

    in->count++;
    z->sh->memberships++;

    return NGX_OK;
}


ngx_int_t
ngx_http_realtime_roster_leave(ngx_http_realtime_zone_t *z, rt_ref_t socket,
    rt_str_t nsp, rt_str_t name, ngx_uint_t *left)
{
    rt_ref_t                         room, *link;
    ngx_int_t                        rc = NGX_DECLINED;
    ngx_http_realtime_room_rec_t    *from;
    ngx_http_realtime_member_rec_t  *rec;
    ngx_http_realtime_socket_rec_t  *who;

    ngx_http_realtime_zone_lock(z);

    room = *ngx_http_realtime_roster_lookup_locked(z, nsp, name,
                               ngx_http_realtime_roster_hash(z, nsp, name));

    who = ngx_http_realtime_at(z, socket);
    link = &who->members;

    while (room && *link) {
        rec = ngx_http_realtime_at(z, *link);

        if (rec->room == room) {
            from = ngx_http_realtime_at(z, room);
            *left = from->count - 1;

            ngx_http_realtime_roster_unlink_locked(z, link);
            rc = NGX_OK;
            break;
        }

        link = &rec->next_room;
    }

    ngx_http_realtime_zone_unlock(z);

    return rc;
}


void
ngx_http_realtime_roster_remove_locked(ngx_http_realtime_zone_t *z,
    ngx_http_realtime_socket_rec_t *socket)
{
    ngx_http_realtime_roster_unlink_locked(z, &socket->members);
}


/* "link" is where the socket's list leads to the membership */

static void
ngx_http_realtime_roster_unlink_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t *link)
{
    rt_ref_t                         ref = *link;
    ngx_http_realtime_room_rec_t    *room;
    ngx_http_realtime_member_rec_t  *rec, *next, *prev;

    rec = ngx_http_realtime_at(z, ref);
    room = ngx_http_realtime_at(z, rec->room);
    next = ngx_http_realtime_at(z, rec->next);
    prev = ngx_http_realtime_at(z, rec->prev);

    *link = rec->next_room;

    if (next) {
        next->prev = rec->prev;
    }

    if (prev) {
        prev->next = rec->next;

    } else {
        room->members = rec->next;
    }

    room->count--;
    z->sh->memberships--;

    if (room->count == 0) {
        ngx_http_realtime_roster_drop_room_locked(z, rec->room);
    }

    rt_arena_free(z->sh->arena, ref);
}


static void
ngx_http_realtime_roster_drop_room_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t ref)
{
    rt_ref_t                      *link;
    ngx_http_realtime_room_rec_t  *room;

    room = ngx_http_realtime_at(z, ref);

    link = ngx_http_realtime_roster_lookup_locked(z,
                                    ngx_http_realtime_roster_nsp(room),
                                    ngx_http_realtime_roster_name(room),
                                    room->hash);
    *link = room->next;
    z->sh->rooms--;

    rt_arena_free(z->sh->arena, ref);
}


ngx_uint_t
ngx_http_realtime_roster_count(ngx_http_realtime_zone_t *z, rt_str_t nsp,
    rt_str_t name)
{
    ngx_uint_t                     n = 0;
    ngx_http_realtime_room_rec_t  *room;

    ngx_http_realtime_zone_lock(z);

    room = ngx_http_realtime_at(z, *ngx_http_realtime_roster_lookup_locked(z,
                    nsp, name, ngx_http_realtime_roster_hash(z, nsp, name)));

    if (room) {
        n = room->count;
    }

    ngx_http_realtime_zone_unlock(z);

    return n;
}


ngx_int_t
ngx_http_realtime_roster_depart(ngx_http_realtime_zone_t *z,
    rt_ref_t session, ngx_http_realtime_departure_t *d)
{
    ngx_int_t                         rc = NGX_DONE;
    ngx_http_realtime_room_rec_t     *room;
    ngx_http_realtime_member_rec_t   *member;
    ngx_http_realtime_socket_rec_t   *socket;
    ngx_http_realtime_session_rec_t  *rec;

    ngx_http_realtime_zone_lock(z);

    rec = ngx_http_realtime_at(z, session);
    socket = ngx_http_realtime_at(z, rec->sockets);

    while (socket && socket->members == 0) {
        socket = ngx_http_realtime_at(z, socket->next);
    }

    if (socket) {
        member = ngx_http_realtime_at(z, socket->members);
        room = ngx_http_realtime_at(z, member->room);

        ngx_memcpy(d->id, socket->id, RT_ID_LEN);
        ngx_memcpy(d->text, room->text, room->nsp_len + room->name_len);
        d->nsp = rt_str(room->nsp_len, d->text);
        d->room = rt_str(room->name_len, d->text + room->nsp_len);
        d->left = room->count - 1;

        ngx_http_realtime_roster_unlink_locked(z, &socket->members);
        rc = NGX_OK;
    }

    ngx_http_realtime_zone_unlock(z);

    return rc;
}
