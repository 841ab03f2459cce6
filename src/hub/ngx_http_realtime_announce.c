
#include "hub/ngx_http_realtime_announce.h"
#include "hub/ngx_http_realtime_account.h"
#include "hub/ngx_http_realtime_replay.h"
#include "hub/ngx_http_realtime_typing.h"

#include "chat/rt_name.h"


static void ngx_http_realtime_announce_locked(ngx_http_realtime_hub_t *hub,
    rt_str_t event, rt_str_t nsp, rt_str_t room, rt_str_t user,
    rt_str_t except);
static void ngx_http_realtime_announce_occupant_locked(
    ngx_http_realtime_hub_t *hub, rt_str_t event, rt_ref_t occupant);
static void ngx_http_realtime_depart_from(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_socket_t *sk, ngx_http_realtime_membership_t *m,
    ngx_uint_t closing);


/* an event's arguments: a room, a user, and what holds them */
#define NGX_HTTP_REALTIME_ANNOUNCE_MAX                                        \
    ((RT_ROOM_NAME_MAX + RT_USER_MAX) * RT_BUF_ESCAPED + 64)


/* "user" empty: anonymous */

static void
ngx_http_realtime_announce_locked(ngx_http_realtime_hub_t *hub,
    rt_str_t event, rt_str_t nsp, rt_str_t room, rt_str_t user,
    rt_str_t except)
{
    rt_buf_t                  b;
    u_char                    args[NGX_HTTP_REALTIME_ANNOUNCE_MAX];
    ngx_http_realtime_emit_t  m;

    rt_buf_init(&b, args, sizeof(args));

    rt_buf_put(&b, rt_lit("{\"roomName\":"));
    rt_buf_json(&b, room);
    rt_buf_put(&b, rt_lit(",\"userId\":"));

    if (user.len) {
        rt_buf_json(&b, user);

    } else {
        rt_buf_put(&b, rt_lit("null"));
    }

    rt_buf_char(&b, '}');

    ngx_memzero(&m, sizeof(m));

    m.nsp = nsp;
    m.room = room;
    m.except = except;
    m.event = event;
    m.args = rt_buf_str(&b);

    (void) ngx_http_realtime_emit_locked(hub, &m);
}


ngx_int_t
ngx_http_realtime_enter(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_socket_t *sk, rt_str_t room,
    ngx_http_realtime_entrance_t *in)
{
    ngx_int_t                        rc;
    ngx_http_realtime_zone_t        *z = hub->bus->zone;
    ngx_http_realtime_membership_t  *m;

    rc = ngx_http_realtime_room_join(&hub->rooms, sk, room);
    if (rc != NGX_OK) {
        return rc;
    }

    m = &sk->rooms[sk->nrooms - 1];         /* the latest is the last */

    /* what it is still being given from before is not for it, either */

    in->since = in->since ? in->since
                          : ngx_http_realtime_session_position(sk->session);
    if (sk->replay
        && ngx_http_realtime_replay_joined(sk, m->room->hash, in->since)
           != NGX_OK)
    {
        ngx_http_realtime_room_leave(&hub->rooms, sk, m);
        return NGX_ERROR;
    }

    ngx_http_realtime_zone_lock(z);

    rc = ngx_http_realtime_socket_rec(sk)
         ? ngx_http_realtime_roster_enter_locked(z, sk->ref, sk->nsp->name,
                                                 room, in)
         : NGX_DECLINED;

    if (rc == NGX_OK && in->first) {

        if (in->people > 1 && !(in->kind & NGX_HTTP_REALTIME_ROOM_QUIET)) {
            ngx_http_realtime_announce_locked(hub,
                              rt_lit("\"user:joined\""), sk->nsp->name, room,
                              sk->who ? sk->who->id : rt_lit(""),
                              ngx_http_realtime_socket_id(sk));
        }

        ngx_http_realtime_roster_told_locked(z, in->occupant);

        ngx_http_realtime_account_join_locked(hub, sk->nsp->name, room,
                                              in->kind,
                                              sk->who ? sk->who->id
                                                      : rt_lit(""));
    }

    ngx_http_realtime_zone_unlock(z);
    ngx_http_realtime_bus_kick(hub->bus);

    if (rc != NGX_OK) {
        ngx_http_realtime_room_leave(&hub->rooms, sk, m);
        return (rc == NGX_DECLINED) ? NGX_ERROR : rc;
    }

    m->room->kind = in->kind;

    return NGX_OK;
}


ngx_int_t
ngx_http_realtime_depart(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_socket_t *sk, rt_str_t room)
{
    ngx_http_realtime_membership_t  *m;

    m = ngx_http_realtime_room_member(sk, room);

    if (m == NULL) {
        return NGX_DECLINED;
    }

    ngx_http_realtime_depart_from(hub, sk, m, 0);

    return NGX_OK;
}


static void
ngx_http_realtime_depart_from(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_socket_t *sk, ngx_http_realtime_membership_t *m,
    ngx_uint_t closing)
{
    rt_ref_t                   room, member;
    ngx_http_realtime_zone_t  *z = hub->bus->zone;

    if (!ngx_http_realtime_room_is_own(m->room->name) && !sk->session->moved) {

        ngx_http_realtime_zone_lock(z);

        room = ngx_http_realtime_roster_find_locked(z, sk->nsp->name,
                                                    m->room->name);
        member = (room && ngx_http_realtime_socket_rec(sk))
                 ? ngx_http_realtime_roster_member_locked(z, sk->ref, room)
                 : 0;
        if (member) {
            ngx_http_realtime_depart_locked(hub, member, closing);
        }

        ngx_http_realtime_zone_unlock(z);
        ngx_http_realtime_bus_kick(hub->bus);
    }

    ngx_http_realtime_room_leave(&hub->rooms, sk, m);
}


void
ngx_http_realtime_depart_all(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_socket_t *sk)
{
    while (sk->nrooms) {
        ngx_http_realtime_depart_from(hub, sk, &sk->rooms[sk->nrooms - 1], 1);
    }
}


/* an empty room has nobody to be told */

void
ngx_http_realtime_depart_locked(ngx_http_realtime_hub_t *hub, rt_ref_t member,
    ngx_uint_t closing)
{
    ngx_http_realtime_zone_t       *z = hub->bus->zone;
    ngx_http_realtime_departure_t   d;

    ngx_http_realtime_typing_end_locked(hub, member);

    ngx_http_realtime_roster_leave_locked(z, member, closing, &d);

    if (d.last && d.left && !d.quiet) {
        ngx_http_realtime_announce_locked(hub, rt_lit("\"user:left\""), d.nsp,
                                          d.room, d.user,
                                          rt_str(RT_ID_LEN, d.id));
    }

    if (d.last) {
        ngx_http_realtime_account_leave_locked(hub, d.nsp, d.room, d.user);
    }

    ngx_http_realtime_roster_gone_locked(z, d.occupant);
}


void
ngx_http_realtime_announce_gone_locked(ngx_http_realtime_hub_t *hub,
    rt_ref_t occupant)
{
    ngx_http_realtime_announce_occupant_locked(hub, rt_lit("\"user:left\""),
                                               occupant);
    ngx_http_realtime_roster_gone_locked(hub->bus->zone, occupant);
}


void
ngx_http_realtime_announce_come_locked(ngx_http_realtime_hub_t *hub,
    rt_ref_t occupant)
{
    ngx_http_realtime_announce_occupant_locked(hub, rt_lit("\"user:joined\""),
                                               occupant);
    ngx_http_realtime_roster_told_locked(hub->bus->zone, occupant);
}


static void
ngx_http_realtime_announce_occupant_locked(ngx_http_realtime_hub_t *hub,
    rt_str_t event, rt_ref_t occupant)
{
    ngx_http_realtime_zone_t          *z = hub->bus->zone;
    ngx_http_realtime_room_rec_t      *room;
    ngx_http_realtime_user_rec_t      *user;
    ngx_http_realtime_occupant_rec_t  *rec = ngx_http_realtime_at(z, occupant);

    room = ngx_http_realtime_at(z, rec->room);
    user = ngx_http_realtime_at(z, rec->user);

    /* whoever died over it may not have come to tell the database, either */

    if (rec->count) {
        ngx_http_realtime_account_join_locked(hub,
                                      ngx_http_realtime_room_rec_nsp(room),
                                      ngx_http_realtime_room_rec_name(room),
                                      room->kind,
                                      ngx_http_realtime_user_rec_id(user));
    } else {
        ngx_http_realtime_account_leave_locked(hub,
                                      ngx_http_realtime_room_rec_nsp(room),
                                      ngx_http_realtime_room_rec_name(room),
                                      ngx_http_realtime_user_rec_id(user));
    }

    if (room->kind & NGX_HTTP_REALTIME_ROOM_QUIET) {
        return;
    }

    ngx_http_realtime_announce_locked(hub, event,
                                      ngx_http_realtime_room_rec_nsp(room),
                                      ngx_http_realtime_room_rec_name(room),
                                      ngx_http_realtime_user_rec_id(user),
                                      rt_lit(""));
}
