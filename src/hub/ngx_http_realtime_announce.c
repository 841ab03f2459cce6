
#include "hub/ngx_http_realtime_announce.h"
#include "shm/ngx_http_realtime_directory.h"
#include "shm/ngx_http_realtime_roster.h"
#include "shm/ngx_http_realtime_slot.h"


static ngx_int_t ngx_http_realtime_announce(ngx_http_realtime_hub_t *hub,
    rt_str_t event, rt_str_t nsp, rt_str_t room, rt_str_t except);
static void ngx_http_realtime_depart_from(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_socket_t *sk, ngx_http_realtime_membership_t *m);
static ngx_int_t ngx_http_realtime_settle_slot(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_wid_t gone);
static void ngx_http_realtime_settle_session(ngx_http_realtime_hub_t *hub,
    rt_ref_t ref);


ngx_int_t
ngx_http_realtime_announce_joined(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_socket_t *sk, rt_str_t room)
{
    return ngx_http_realtime_announce(hub, rt_lit("\"user:joined\""),
                                      sk->nsp->name, room,
                                      ngx_http_realtime_socket_id(sk));
}


ngx_int_t
ngx_http_realtime_announce_left(ngx_http_realtime_hub_t *hub, rt_str_t nsp,
    rt_str_t room, rt_str_t id)
{
    return ngx_http_realtime_announce(hub, rt_lit("\"user:left\""), nsp, room,
                                      id);
}


static ngx_int_t
ngx_http_realtime_announce(ngx_http_realtime_hub_t *hub, rt_str_t event,
    rt_str_t nsp, rt_str_t room, rt_str_t except)
{
    rt_buf_t                  b;
    u_char                    args[1024];
    ngx_http_realtime_emit_t  m;

    /* names of rooms are ASCII without quotes: none grows when escaped */

    rt_buf_init(&b, args, sizeof(args));
    rt_buf_put(&b, rt_lit("{\"roomName\":"));
    rt_buf_json(&b, room);
    rt_buf_put(&b, rt_lit(",\"userId\":null}"));

    ngx_memzero(&m, sizeof(m));

    m.nsp = nsp;
    m.room = room;
    m.except = except;
    m.event = event;
    m.args = rt_buf_str(&b);

    return ngx_http_realtime_emit(hub, &m);
}


ngx_int_t
ngx_http_realtime_enter(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_socket_t *sk, rt_str_t room, ngx_uint_t *count)
{
    ngx_int_t  rc;

    rc = ngx_http_realtime_room_join(&hub->rooms, sk, room);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_http_realtime_roster_enter(hub->bus->zone, sk->ref,
                                        sk->nsp->name, room, count);
    if (rc != NGX_OK) {
        ngx_http_realtime_room_leave(&hub->rooms, sk,
                                     ngx_http_realtime_room_member(sk, room));
        return NGX_ERROR;
    }

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

    ngx_http_realtime_depart_from(hub, sk, m);

    return NGX_OK;
}


/* an empty room has nobody to be told */

static void
ngx_http_realtime_depart_from(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_socket_t *sk, ngx_http_realtime_membership_t *m)
{
    rt_str_t    name = m->room->name;
    ngx_uint_t  left = 0;

    if (name.len && !sk->session->moved) {

        (void) ngx_http_realtime_roster_leave(hub->bus->zone, sk->ref,
                                              sk->nsp->name, name, &left);

        /* told before the room, and its name with it, may go */

        if (left) {
            (void) ngx_http_realtime_announce_left(hub, sk->nsp->name, name,
                                           ngx_http_realtime_socket_id(sk));
        }
    }

    ngx_http_realtime_room_leave(&hub->rooms, sk, m);
}


void
ngx_http_realtime_depart_all(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_socket_t *sk)
{
    while (sk->nrooms) {
        ngx_http_realtime_depart_from(hub, sk, &sk->rooms[sk->nrooms - 1]);
    }
}


ngx_int_t
ngx_http_realtime_settle(ngx_http_realtime_hub_t *hub, ngx_uint_t neighbour)
{
    ngx_http_realtime_wid_t  gone;

    while (ngx_http_realtime_slot_dead(hub->bus->zone, hub->bus->self.slot,
                                       neighbour, &gone)
           == NGX_OK)
    {
        ngx_log_error(NGX_LOG_NOTICE, hub->log, 0,
                      "realtime: settling what the worker of slot %uD left",
                      gone.slot);

        if (ngx_http_realtime_settle_slot(hub, gone) != NGX_OK) {
            return NGX_AGAIN;
        }
    }

    return NGX_OK;
}


void
ngx_http_realtime_settle_self(ngx_http_realtime_hub_t *hub)
{
    ngx_http_realtime_wid_t  gone = hub->bus->self;

    ngx_http_realtime_slot_retire(hub->bus->zone, &gone);

    /* what is too much for now is the neighbour's, when we have gone */

    (void) ngx_http_realtime_settle_slot(hub, gone);
}


/*
 * Each session is inherited, emptied and removed, each membership taken out
 * and told, one step at a time: whoever goes on after us, should we stop or
 * die here, does the rest, and nothing is told twice.
 */

static ngx_int_t
ngx_http_realtime_settle_slot(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_wid_t gone)
{
    rt_ref_t                   ref;
    uint32_t                   bucket = 0;
    ngx_http_realtime_zone_t  *z = hub->bus->zone;

    while (ngx_http_realtime_directory_inherit(z, gone, hub->bus->self,
                                               &bucket, &ref)
           == NGX_OK)
    {
        ngx_http_realtime_settle_session(hub, ref);

        if (ngx_http_realtime_bus_behind(hub->bus)) {
            return NGX_AGAIN;
        }
    }

    ngx_http_realtime_announce_gone(hub, gone);
    ngx_http_realtime_slot_release(z, gone);

    return NGX_OK;
}


void
ngx_http_realtime_announce_gone(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_wid_t gone)
{
    ngx_http_realtime_entry_t  e;

    ngx_memzero(&e, sizeof(e));

    e.type = NGX_HTTP_REALTIME_ENTRY_GONE;
    e.to = gone;

    (void) ngx_http_realtime_bus_append(hub->bus, &e);
}


static void
ngx_http_realtime_settle_session(ngx_http_realtime_hub_t *hub, rt_ref_t ref)
{
    ngx_http_realtime_zone_t       *z = hub->bus->zone;
    ngx_http_realtime_departure_t   d;

    while (ngx_http_realtime_roster_depart(z, ref, &d) == NGX_OK) {
        if (d.left) {
            (void) ngx_http_realtime_announce_left(hub, d.nsp, d.room,
                                                   rt_str(RT_ID_LEN, d.id));
        }
    }

    ngx_http_realtime_directory_remove(z, ref);
}


void
ngx_http_realtime_settle_lost(ngx_http_realtime_hub_t *hub, rt_str_t sid)
{
    ngx_http_realtime_place_t  place;

    if (!ngx_http_realtime_session_known(hub->set, sid)
        && ngx_http_realtime_directory_find(hub->bus->zone, sid, &place)
           == NGX_OK
        && ngx_http_realtime_bus_is_self(hub->bus, place.owner))
    {
        ngx_http_realtime_settle_session(hub, place.ref);
    }
}


/* more sessions than this in one bucket are an accident; they wait */
#define NGX_HTTP_REALTIME_SETTLE_BATCH  64


void
ngx_http_realtime_settle_missed(ngx_http_realtime_hub_t *hub)
{
    u_char      sids[NGX_HTTP_REALTIME_SETTLE_BATCH * RT_ID_LEN];
    uint32_t    bucket;
    ngx_int_t   i, n;

    for (bucket = 0; /* void */ ; bucket++) {

        n = ngx_http_realtime_directory_owned(hub->bus->zone, hub->bus->self,
                                              bucket, sids,
                                              NGX_HTTP_REALTIME_SETTLE_BATCH);
        if (n == NGX_DONE) {
            return;
        }

        for (i = 0; i < n; i++) {
            ngx_http_realtime_settle_lost(hub, rt_str(RT_ID_LEN,
                                                      sids + i * RT_ID_LEN));
        }
    }
}
