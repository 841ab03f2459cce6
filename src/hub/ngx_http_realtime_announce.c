
#include "hub/ngx_http_realtime_announce.h"
#include "hub/ngx_http_realtime_account.h"
#include "hub/ngx_http_realtime_peers.h"
#include "hub/ngx_http_realtime_replay.h"
#include "hub/ngx_http_realtime_typing.h"

#include "chat/rt_name.h"


static void ngx_http_realtime_announce_entered_locked(
    ngx_http_realtime_hub_t *hub, ngx_http_realtime_socket_t *sk,
    rt_str_t room, ngx_http_realtime_entrance_t *in);
static void ngx_http_realtime_announce_left_locked(
    ngx_http_realtime_hub_t *hub, ngx_http_realtime_departure_t *d);
static void ngx_http_realtime_announce_occupant_locked(
    ngx_http_realtime_hub_t *hub, rt_ref_t occupant);
static void ngx_http_realtime_depart_from(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_socket_t *sk, ngx_http_realtime_membership_t *m,
    ngx_uint_t closing);


/* an event's arguments: a room, a user, and what holds them */
#define NGX_HTTP_REALTIME_ANNOUNCE_MAX                                        \
    ((RT_ROOM_NAME_MAX + RT_USER_MAX) * RT_BUF_ESCAPED + 64)


void
ngx_http_realtime_announce(ngx_http_realtime_hub_t *hub,
    const ngx_http_realtime_announcement_t *a)
{
    rt_buf_t                  b;
    u_char                    args[NGX_HTTP_REALTIME_ANNOUNCE_MAX];
    ngx_http_realtime_emit_t  m;

    rt_buf_init(&b, args, sizeof(args));

    rt_buf_put(&b, rt_lit("{\"roomName\":"));
    rt_buf_json(&b, a->room);
    rt_buf_put(&b, rt_lit(",\"userId\":"));

    if (a->user.len) {
        rt_buf_json(&b, a->user);

    } else {
        rt_buf_put(&b, rt_lit("null"));
    }

    rt_buf_char(&b, '}');

    ngx_memzero(&m, sizeof(m));

    m.nsp = a->nsp;
    m.room = a->room;
    m.except = a->except;
    m.event = a->come ? rt_lit("\"user:joined\"") : rt_lit("\"user:left\"");
    m.args = rt_buf_str(&b);
    m.people = a->people;
    m.flags = a->flags;

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
        ngx_http_realtime_announce_entered_locked(hub, sk, room, in);
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


static void
ngx_http_realtime_announce_entered_locked(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_socket_t *sk, rt_str_t room,
    ngx_http_realtime_entrance_t *in)
{
    rt_str_t                          user;
    ngx_http_realtime_announcement_t  a;
    ngx_http_realtime_peers_move_t    m;

    user = sk->who ? sk->who->id : rt_lit("");

    if (ngx_http_realtime_peers_on(hub)) {
        ngx_memzero(&m, sizeof(m));

        m.nsp = sk->nsp->name;
        m.room = room;
        m.kind = in->kind;
        m.user = user;
        m.socket = ngx_http_realtime_socket_id(sk);
        m.anonymous = in->anonymous;
        m.handle = in->handle;

        ngx_http_realtime_peers_join_locked(hub, &m);

    } else if (in->people > 1 && !(in->kind & NGX_HTTP_REALTIME_ROOM_QUIET)) {
        ngx_memzero(&a, sizeof(a));

        a.come = 1;
        a.nsp = sk->nsp->name;
        a.room = room;
        a.user = user;
        a.except = ngx_http_realtime_socket_id(sk);

        ngx_http_realtime_announce(hub, &a);
    }

    ngx_http_realtime_roster_told_locked(hub->bus->zone, in->occupant);

    ngx_http_realtime_account_join_locked(hub, sk->nsp->name, room, in->kind,
                                          user);
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


void
ngx_http_realtime_depart_locked(ngx_http_realtime_hub_t *hub, rt_ref_t member,
    ngx_uint_t closing)
{
    ngx_http_realtime_zone_t       *z = hub->bus->zone;
    ngx_http_realtime_departure_t   d;

    ngx_http_realtime_typing_end_locked(hub, member);

    ngx_http_realtime_roster_leave_locked(z, member, closing, &d);

    if (d.last) {
        ngx_http_realtime_announce_left_locked(hub, &d);
    }

    ngx_http_realtime_roster_gone_locked(z, d.occupant);
}


/* an empty room has nobody to be told */

static void
ngx_http_realtime_announce_left_locked(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_departure_t *d)
{
    ngx_http_realtime_announcement_t  a;
    ngx_http_realtime_peers_move_t    m;

    if (ngx_http_realtime_peers_on(hub)) {
        ngx_memzero(&m, sizeof(m));

        m.nsp = d->nsp;
        m.room = d->room;
        m.kind = d->quiet;
        m.user = d->user;
        m.socket = rt_str(RT_ID_LEN, d->id);
        m.anonymous = d->anonymous;

        ngx_http_realtime_peers_leave_locked(hub, &m);

    } else if (d->left && !d->quiet) {
        ngx_memzero(&a, sizeof(a));

        a.nsp = d->nsp;
        a.room = d->room;
        a.user = d->user;
        a.except = rt_str(RT_ID_LEN, d->id);

        ngx_http_realtime_announce(hub, &a);
    }

    ngx_http_realtime_account_leave_locked(hub, d->nsp, d->room, d->user);
}


void
ngx_http_realtime_announce_gone_locked(ngx_http_realtime_hub_t *hub,
    rt_ref_t occupant)
{
    ngx_http_realtime_announce_occupant_locked(hub, occupant);
    ngx_http_realtime_roster_gone_locked(hub->bus->zone, occupant);
}


void
ngx_http_realtime_announce_come_locked(ngx_http_realtime_hub_t *hub,
    rt_ref_t occupant)
{
    ngx_http_realtime_announce_occupant_locked(hub, occupant);
    ngx_http_realtime_roster_told_locked(hub->bus->zone, occupant);
}


/* for one that is there, or for one that has left */

static void
ngx_http_realtime_announce_occupant_locked(ngx_http_realtime_hub_t *hub,
    rt_ref_t occupant)
{
    ngx_http_realtime_zone_t          *z = hub->bus->zone;
    ngx_http_realtime_room_rec_t      *room;
    ngx_http_realtime_user_rec_t      *user;
    ngx_http_realtime_peers_move_t     m;
    ngx_http_realtime_occupant_rec_t  *rec = ngx_http_realtime_at(z, occupant);
    ngx_http_realtime_announcement_t   a;

    room = ngx_http_realtime_at(z, rec->room);
    user = ngx_http_realtime_at(z, rec->user);

    ngx_memzero(&a, sizeof(a));
    ngx_memzero(&m, sizeof(m));

    a.come = (rec->count != 0);
    m.nsp = a.nsp = ngx_http_realtime_room_rec_nsp(room);
    m.room = a.room = ngx_http_realtime_room_rec_name(room);
    m.user = a.user = ngx_http_realtime_user_rec_id(user);
    m.kind = room->kind;

    /* whoever died over it may not have come to tell others, either */

    if (a.come) {
        ngx_http_realtime_account_join_locked(hub, a.nsp, a.room, room->kind,
                                              a.user);
    } else {
        ngx_http_realtime_account_leave_locked(hub, a.nsp, a.room, a.user);
    }

    if (!ngx_http_realtime_peers_on(hub)) {

        if (!(room->kind & NGX_HTTP_REALTIME_ROOM_QUIET)) {
            ngx_http_realtime_announce(hub, &a);
        }

    } else if (a.come) {
        ngx_http_realtime_peers_join_locked(hub, &m);

    } else {
        ngx_http_realtime_peers_leave_locked(hub, &m);
    }
}
