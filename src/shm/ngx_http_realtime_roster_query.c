
/*
 * What is asked of the roster, and changes nobody's place in it.
 */


#include "shm/ngx_http_realtime_roster.h"
#include "shm/ngx_http_realtime_keyed.h"


static ngx_uint_t ngx_http_realtime_roster_shorter(ngx_http_realtime_zone_t *z,
    rt_ref_t one, rt_ref_t other);


uint32_t
ngx_http_realtime_roster_occupant_hash(ngx_http_realtime_zone_t *z,
    rt_ref_t user, rt_ref_t room)
{
    return rt_hash2(&z->sh->key, rt_str(sizeof(user), &user),
                    rt_str(sizeof(room), &room));
}


rt_ref_t
ngx_http_realtime_roster_occupant_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t user, rt_ref_t room)
{
    rt_ref_t                           ref;
    ngx_http_realtime_occupant_rec_t  *rec;

    ref = ngx_http_realtime_keyed_first(z,
                     ngx_http_realtime_roster_occupant_hash(z, user, room),
                     NGX_HTTP_REALTIME_RECORD_OCCUPANT);

    for ( /* void */ ; ref; ref = ngx_http_realtime_keyed_next(z, ref)) {
        rec = ngx_http_realtime_at(z, ref);

        if (rec->user == user && rec->room == room) {
            break;
        }
    }

    return ref;
}


ngx_uint_t
ngx_http_realtime_roster_count(ngx_http_realtime_zone_t *z, rt_str_t nsp,
    rt_str_t name, ngx_http_realtime_kind_t *kind)
{
    ngx_uint_t                     n;
    ngx_http_realtime_room_rec_t  *room;

    ngx_http_realtime_zone_lock(z);

    room = ngx_http_realtime_at(z,
                         ngx_http_realtime_roster_find_locked(z, nsp, name));
    n = room ? room->people + room->elsewhere : 0;

    if (room && kind) {
        *kind = room->kind;
    }

    ngx_http_realtime_zone_unlock(z);

    return n;
}


void
ngx_http_realtime_roster_kind(ngx_http_realtime_zone_t *z, rt_str_t nsp,
    rt_str_t name, ngx_http_realtime_kind_t kind)
{
    ngx_http_realtime_room_rec_t  *room;

    ngx_http_realtime_zone_lock(z);

    room = ngx_http_realtime_at(z,
                         ngx_http_realtime_roster_find_locked(z, nsp, name));
    if (room) {
        room->kind = kind;
    }

    ngx_http_realtime_zone_unlock(z);
}


void
ngx_http_realtime_roster_total(ngx_http_realtime_zone_t *z, rt_str_t nsp,
    rt_str_t name, ngx_uint_t total)
{
    ngx_http_realtime_room_rec_t  *room;

    ngx_http_realtime_zone_lock(z);

    room = ngx_http_realtime_at(z,
                         ngx_http_realtime_roster_find_locked(z, nsp, name));
    if (room) {
        room->elsewhere = (total > room->people) ? total - room->people : 0;
    }

    ngx_http_realtime_zone_unlock(z);
}


ngx_uint_t
ngx_http_realtime_roster_meet_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t one, rt_ref_t other)
{
    rt_ref_t                           ref, there;
    ngx_http_realtime_user_rec_t      *user;
    ngx_http_realtime_occupant_rec_t  *rec, *rec2;

    if (ngx_http_realtime_roster_shorter(z, other, one)) {
        return ngx_http_realtime_roster_meet_locked(z, other, one);
    }

    user = ngx_http_realtime_at(z, one);

    for (ref = user->occupants.first; ref; ref = rec->of_user.next) {

        rec = ngx_http_realtime_at(z, ref);
        there = ngx_http_realtime_roster_occupant_locked(z, other, rec->room);
        rec2 = ngx_http_realtime_at(z, there);

        if (rec->count && rec2 && rec2->count) {
            return 1;
        }
    }

    return 0;
}


/* whether "one" is in fewer rooms; in as many steps as those are */

static ngx_uint_t
ngx_http_realtime_roster_shorter(ngx_http_realtime_zone_t *z, rt_ref_t one,
    rt_ref_t other)
{
    ngx_http_realtime_user_rec_t      *user, *user2;
    ngx_http_realtime_occupant_rec_t  *rec, *rec2;

    user = ngx_http_realtime_at(z, one);
    user2 = ngx_http_realtime_at(z, other);

    rec = ngx_http_realtime_at(z, user->occupants.first);
    rec2 = ngx_http_realtime_at(z, user2->occupants.first);

    while (rec && rec2) {
        rec = ngx_http_realtime_at(z, rec->of_user.next);
        rec2 = ngx_http_realtime_at(z, rec2->of_user.next);
    }

    return rec == NULL && rec2 != NULL;
}
