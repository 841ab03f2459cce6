
#include "shm/ngx_http_realtime_roster.h"
#include "shm/ngx_http_realtime_keyed.h"
#include "shm/ngx_http_realtime_spare.h"
#include "shm/ngx_http_realtime_typists.h"
#include "shm/ngx_http_realtime_users.h"


static rt_ref_t *ngx_http_realtime_roster_lookup_locked(
    ngx_http_realtime_zone_t *z, rt_str_t nsp, rt_str_t name, uint32_t hash);
static rt_ref_t ngx_http_realtime_roster_room_locked(
    ngx_http_realtime_zone_t *z, rt_str_t nsp, rt_str_t name,
    ngx_http_realtime_kind_t kind);
static ngx_int_t ngx_http_realtime_roster_admit_locked(
    ngx_http_realtime_zone_t *z, rt_ref_t room, rt_ref_t socket,
    ngx_http_realtime_entrance_t *in);
static rt_ref_t ngx_http_realtime_roster_occupant_new_locked(
    ngx_http_realtime_zone_t *z, rt_ref_t user, rt_ref_t room);
static rt_ref_t ngx_http_realtime_roster_member_new_locked(
    ngx_http_realtime_zone_t *z, rt_ref_t room, rt_ref_t socket,
    ngx_http_realtime_entrance_t *in);
static void ngx_http_realtime_roster_unlink_locked(
    ngx_http_realtime_zone_t *z, rt_ref_t ref);


#define ngx_http_realtime_roster_hash(z, nsp, name)                           \
    ((uint32_t) rt_hash2(&(z)->sh->key, nsp, name))


ngx_int_t
ngx_http_realtime_roster_enter_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t socket, rt_str_t nsp, rt_str_t name,
    ngx_http_realtime_entrance_t *in)
{
    rt_ref_t                       ref;
    ngx_int_t                      rc;
    ngx_http_realtime_room_rec_t  *room;

    in->occupant = 0;

    ref = ngx_http_realtime_roster_room_locked(z, nsp, name, in->kind);
    if (ref == 0) {
        return NGX_DECLINED;
    }

    room = ngx_http_realtime_at(z, ref);

    if (in->declared) {
        room->kind = in->kind;
    }

    /* whoever is dropped meanwhile does not take the room along */

    room->occupants++;

    rc = ((room->kind & NGX_HTTP_REALTIME_ROOM_PRIVATE) && !in->named)
         ? NGX_ABORT
         : ngx_http_realtime_roster_admit_locked(z, ref, socket, in);

    room->occupants--;

    in->people = room->people + room->elsewhere;
    in->anonymous = room->anonymous;
    in->kind = room->kind;

    if (rc != NGX_OK) {
        ngx_http_realtime_roster_drop_room_locked(z, ref);
    }

    return rc;
}


/* the room, made if it is not there; 0 when the zone is full */

static rt_ref_t
ngx_http_realtime_roster_room_locked(ngx_http_realtime_zone_t *z,
    rt_str_t nsp, rt_str_t name, ngx_http_realtime_kind_t kind)
{
    uint32_t                       hash;
    rt_ref_t                       ref, *link;
    ngx_http_realtime_room_rec_t  *room;

    hash = ngx_http_realtime_roster_hash(z, nsp, name);
    ref = *ngx_http_realtime_roster_lookup_locked(z, nsp, name, hash);

    if (ref) {
        return ref;
    }

    ref = ngx_http_realtime_spare_alloc(z,
                                        sizeof(ngx_http_realtime_room_rec_t)
                                        + nsp.len + name.len, 0);
    if (ref == 0) {
        return 0;
    }

    room = ngx_http_realtime_at(z, ref);

    room->hash = hash;
    room->kind = kind;
    room->nsp_len = nsp.len;
    room->name_len = name.len;
    ngx_memcpy(room->text, nsp.data, nsp.len);
    ngx_memcpy(room->text + nsp.len, name.data, name.len);

    rt_arena_publish(z->sh->arena, ref, NGX_HTTP_REALTIME_RECORD_ROOM);

    /* room may have been made for it by dropping another one: look again */

    link = ngx_http_realtime_roster_lookup_locked(z, nsp, name, hash);
    *link = ref;
    z->sh->rooms++;

    return ref;
}


rt_ref_t
ngx_http_realtime_roster_find_locked(ngx_http_realtime_zone_t *z,
    rt_str_t nsp, rt_str_t name)
{
    return *ngx_http_realtime_roster_lookup_locked(z, nsp, name,
                                ngx_http_realtime_roster_hash(z, nsp, name));
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
                && rt_str_eq(nsp, ngx_http_realtime_room_rec_nsp(room))
                && rt_str_eq(name, ngx_http_realtime_room_rec_name(room))))
        {
            return link;
        }

        link = &room->next;
    }
}


static ngx_int_t
ngx_http_realtime_roster_admit_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t ref, rt_ref_t socket, ngx_http_realtime_entrance_t *in)
{
    ngx_http_realtime_room_rec_t      *room;
    ngx_http_realtime_socket_rec_t    *who = ngx_http_realtime_at(z, socket);
    ngx_http_realtime_occupant_rec_t  *occupant = NULL;

    room = ngx_http_realtime_at(z, ref);

    if (who->user) {
        in->occupant = ngx_http_realtime_roster_occupant_new_locked(z,
                                                             who->user, ref);
        if (in->occupant == 0) {
            return NGX_DECLINED;
        }

        occupant = ngx_http_realtime_at(z, in->occupant);
    }

    if ((occupant == NULL || occupant->count == 0)
        && ngx_http_realtime_room_type(room->kind)
           == NGX_HTTP_REALTIME_ROOM_DM
        && !in->asked
        && room->people + room->elsewhere >= 2)
    {
        if (occupant && !occupant->told) {
            ngx_http_realtime_roster_drop_occupant_locked(z, in->occupant);
        }

        return NGX_BUSY;
    }

    if (ngx_http_realtime_roster_member_new_locked(z, ref, socket, in) == 0)
    {
        if (occupant && occupant->count == 0 && !occupant->told) {
            ngx_http_realtime_roster_drop_occupant_locked(z, in->occupant);
        }

        return NGX_DECLINED;
    }

    in->first = (occupant == NULL || !occupant->told);

    if (occupant == NULL || occupant->count++ == 0) {
        room->people++;
    }

    if (occupant == NULL) {
        room->anonymous++;
    }

    return NGX_OK;
}


/* the user in the room, made if it is not there; 0: the zone is full */

static rt_ref_t
ngx_http_realtime_roster_occupant_new_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t user, rt_ref_t room)
{
    rt_ref_t                           ref;
    ngx_http_realtime_room_rec_t      *where;
    ngx_http_realtime_user_rec_t      *who;
    ngx_http_realtime_occupant_rec_t  *rec;

    ref = ngx_http_realtime_roster_occupant_locked(z, user, room);

    if (ref) {
        return ref;
    }

    ref = ngx_http_realtime_spare_alloc(z,
                                    sizeof(ngx_http_realtime_occupant_rec_t),
                                    0);
    if (ref == 0) {
        return 0;
    }

    rec = ngx_http_realtime_at(z, ref);
    where = ngx_http_realtime_at(z, room);
    who = ngx_http_realtime_at(z, user);

    rec->hash = ngx_http_realtime_roster_occupant_hash(z, user, room);
    rec->user = user;
    rec->room = room;

    rt_arena_publish(z->sh->arena, ref, NGX_HTTP_REALTIME_RECORD_OCCUPANT);

    ngx_http_realtime_keyed_link(z, ref);
    ngx_http_realtime_chain_add(z, &who->occupants, ref,
                                NGX_HTTP_REALTIME_USER_OCCUPANT_LINK, 0);
    where->occupants++;

    return ref;
}


static rt_ref_t
ngx_http_realtime_roster_member_new_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t room, rt_ref_t socket, ngx_http_realtime_entrance_t *in)
{
    rt_ref_t                         ref;
    ngx_http_realtime_room_rec_t    *where;
    ngx_http_realtime_member_rec_t  *rec, *first;
    ngx_http_realtime_socket_rec_t  *who;

    ref = ngx_http_realtime_spare_alloc(z,
                                      sizeof(ngx_http_realtime_member_rec_t),
                                      0);
    if (ref == 0) {
        return 0;
    }

    rec = ngx_http_realtime_at(z, ref);
    where = ngx_http_realtime_at(z, room);
    who = ngx_http_realtime_at(z, socket);
    first = ngx_http_realtime_at(z, where->members);

    rec->room = room;
    rec->socket = socket;
    rec->occupant = in->occupant;
    rec->since = in->since;
    rec->next = where->members;
    rec->next_room = who->members;

    rt_arena_publish(z->sh->arena, ref, NGX_HTTP_REALTIME_RECORD_MEMBER);

    if (first) {
        first->prev = ref;
    }

    where->members = ref;
    who->members = ref;

    where->count++;
    z->sh->memberships++;

    return ref;
}


rt_ref_t
ngx_http_realtime_roster_member_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t socket, rt_ref_t room)
{
    rt_ref_t                         ref;
    ngx_http_realtime_member_rec_t  *rec;
    ngx_http_realtime_socket_rec_t  *who = ngx_http_realtime_at(z, socket);

    for (ref = who->members; ref; ref = rec->next_room) {
        rec = ngx_http_realtime_at(z, ref);

        if (rec->room == room) {
            break;
        }
    }

    return ref;
}


void
ngx_http_realtime_roster_leave_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t member, ngx_uint_t closing, ngx_http_realtime_departure_t *d)
{
    u_char                            *p;
    rt_ref_t                           ref;
    ngx_http_realtime_room_rec_t      *room;
    ngx_http_realtime_user_rec_t      *user;
    ngx_http_realtime_member_rec_t    *rec = ngx_http_realtime_at(z, member);
    ngx_http_realtime_socket_rec_t    *socket;
    ngx_http_realtime_occupant_rec_t  *occupant;

    ref = rec->occupant;
    room = ngx_http_realtime_at(z, rec->room);
    socket = ngx_http_realtime_at(z, rec->socket);
    user = ngx_http_realtime_at(z, socket->user);
    occupant = ngx_http_realtime_at(z, ref);

    p = ngx_cpymem(d->text, room->text, room->nsp_len + room->name_len);

    ngx_memcpy(d->id, socket->id, RT_ID_LEN);
    d->nsp = rt_str(room->nsp_len, d->text);
    d->room = rt_str(room->name_len, d->text + room->nsp_len);
    d->user = rt_str(0, p);
    d->left = room->count - 1;
    d->quiet = room->kind & NGX_HTTP_REALTIME_ROOM_QUIET;
    d->occupant = 0;
    d->last = 1;

    if (user && occupant) {
        d->user.len = user->id_len;
        ngx_memcpy(p, ngx_http_realtime_user_rec_id(user).data, user->id_len);

        occupant->count--;
        d->last = (occupant->count == 0 && occupant->told);

        if (occupant->count == 0) {
            room->people--;
            occupant->lingers = closing
                                && ngx_http_realtime_users_lingers(user);
            d->occupant = ref;
        }

    } else {
        room->people--;
        room->anonymous--;
    }

    d->anonymous = room->anonymous;

    ngx_http_realtime_roster_unlink_locked(z, member);
}


/* out of all lists; the room goes if nothing keeps it */

static void
ngx_http_realtime_roster_unlink_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t ref)
{
    rt_ref_t                        *link, where;
    ngx_http_realtime_room_rec_t    *room;
    ngx_http_realtime_member_rec_t  *rec, *next, *prev, *other;
    ngx_http_realtime_socket_rec_t  *socket;

    rec = ngx_http_realtime_at(z, ref);

    while (ngx_http_realtime_typists_end_locked(z, ref)) {
        atomic_store(&z->sh->owing, 1);
    }

    where = rec->room;
    room = ngx_http_realtime_at(z, where);
    socket = ngx_http_realtime_at(z, rec->socket);
    next = ngx_http_realtime_at(z, rec->next);
    prev = ngx_http_realtime_at(z, rec->prev);

    link = &socket->members;

    while (*link && *link != ref) {
        other = ngx_http_realtime_at(z, *link);
        link = &other->next_room;
    }

    if (*link) {
        *link = rec->next_room;
    }

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

    rt_arena_free(z->sh->arena, ref);

    ngx_http_realtime_roster_drop_room_locked(z, where);
}


void
ngx_http_realtime_roster_told_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t occupant)
{
    ngx_http_realtime_occupant_rec_t  *rec;

    rec = ngx_http_realtime_at(z, occupant);

    if (rec) {
        rec->told = 1;
    }
}


void
ngx_http_realtime_roster_gone_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t occupant)
{
    ngx_http_realtime_occupant_rec_t  *rec;

    rec = ngx_http_realtime_at(z, occupant);

    if (rec) {
        rec->told = 0;

        if (!rec->lingers) {
            ngx_http_realtime_roster_drop_occupant_locked(z, occupant);
        }
    }
}


void
ngx_http_realtime_roster_drop_occupant_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t ref)
{
    ngx_http_realtime_room_rec_t      *room;
    ngx_http_realtime_user_rec_t      *user;
    ngx_http_realtime_occupant_rec_t  *rec = ngx_http_realtime_at(z, ref);

    room = ngx_http_realtime_at(z, rec->room);
    user = ngx_http_realtime_at(z, rec->user);

    ngx_http_realtime_keyed_unlink(z, ref);
    ngx_http_realtime_chain_remove(z, &user->occupants, ref,
                                   NGX_HTTP_REALTIME_USER_OCCUPANT_LINK);

    room->occupants--;
    ngx_http_realtime_roster_drop_room_locked(z, rec->room);

    rt_arena_free(z->sh->arena, ref);
}


void
ngx_http_realtime_roster_drop_room_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t ref)
{
    rt_ref_t                      *link;
    ngx_http_realtime_room_rec_t  *room;

    room = ngx_http_realtime_at(z, ref);

    if (room->count || room->occupants) {
        return;
    }

    link = ngx_http_realtime_roster_lookup_locked(z,
                                    ngx_http_realtime_room_rec_nsp(room),
                                    ngx_http_realtime_room_rec_name(room),
                                    room->hash);
    *link = room->next;
    z->sh->rooms--;
    rt_arena_free(z->sh->arena, ref);
}
