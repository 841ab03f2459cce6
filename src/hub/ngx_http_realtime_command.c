
#include "hub/ngx_http_realtime_command.h"
#include "hub/ngx_http_realtime_announce.h"
#include "hub/ngx_http_realtime_replay.h"

#include "base/rt_utf8.h"
#include "chat/rt_name.h"


typedef struct {
    ngx_http_realtime_hub_t    *hub;
    ngx_http_realtime_entry_t  *entry;
    ngx_uint_t                  n;
    ngx_int_t                   rc;
} ngx_http_realtime_meant_t;


static void ngx_http_realtime_command_collect(void *ctx,
    ngx_http_realtime_socket_t *sk);
static void ngx_http_realtime_command_rooms(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_entry_t *e, ngx_http_realtime_socket_t *sk);
static ngx_int_t ngx_http_realtime_command_names(rt_str_t name,
    ngx_http_realtime_socket_t *sk);
static void ngx_http_realtime_command_join(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_entry_t *e, ngx_http_realtime_socket_t *sk,
    rt_str_t name);
static void ngx_http_realtime_command_leave(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_entry_t *e, ngx_http_realtime_socket_t *sk,
    rt_str_t name);
static void ngx_http_realtime_command_again(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_entry_t *e, ngx_http_realtime_socket_t **sockets,
    ngx_uint_t n);


/* sockets that do it in any case, however much is unread */
#define NGX_HTTP_REALTIME_COMMAND_BATCH  256


#define ngx_http_realtime_command_stamp(z, nsp, room)                         \
    (&(z)->sh->entered[rt_hash2(&(z)->sh->key, nsp, room)                     \
                       % NGX_HTTP_REALTIME_ENTERED_STAMPS])


ngx_int_t
ngx_http_realtime_command_emit(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_entry_t *e)
{
    rt_str_t                   list = e->packets, name;
    ngx_http_realtime_zone_t  *z = hub->bus->zone;

    if (ngx_http_realtime_bus_append(hub->bus, e) != NGX_OK) {
        return NGX_DECLINED;
    }

    if (e->number == NGX_HTTP_REALTIME_COMMAND_JOIN) {
        while (ngx_http_realtime_list_next(&list, &name, NULL) == NGX_OK) {
            atomic_store(ngx_http_realtime_command_stamp(z, e->nsp, name),
                         ngx_http_realtime_bus_head(hub->bus));
        }
    }

    return NGX_OK;
}


ngx_uint_t
ngx_http_realtime_command_expected(ngx_http_realtime_zone_t *z, rt_str_t nsp,
    rt_str_t room)
{
    return atomic_load(ngx_http_realtime_command_stamp(z, nsp, room))
           > rt_ring_tail(z->ring);
}


void
ngx_http_realtime_command(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_entry_t *e)
{
    ngx_uint_t                    i;
    ngx_http_realtime_meant_t     meant = { hub, e, 0, NGX_OK };
    ngx_http_realtime_socket_t  **sockets;

    /* they move between rooms: first it is seen who is in them */

    ngx_http_realtime_choose(hub, e, ngx_http_realtime_command_collect,
                             &meant);

    if (meant.rc != NGX_OK) {
        ngx_log_error(NGX_LOG_CRIT, hub->log, 0,
                      "realtime: no memory for what another server wants: "
                      "some sockets did not enter a room, leave it, or go");
    }

    sockets = (ngx_http_realtime_socket_t **) hub->chosen.data;

    for (i = 0; i < meant.n; i++) {

        if (i >= NGX_HTTP_REALTIME_COMMAND_BATCH
            && ngx_http_realtime_bus_behind(hub->bus))
        {
            ngx_http_realtime_command_again(hub, e, sockets + i, meant.n - i);
            return;
        }

        if (ngx_http_realtime_command_ends(e)) {
            ngx_http_realtime_command_end(sockets[i], e->number);

        } else {
            ngx_http_realtime_command_rooms(hub, e, sockets[i]);
        }
    }
}


/*
 * Whoever takes back what ends here finds this in the log; to be ended by it
 * first leaves nothing to take.
 */

static void
ngx_http_realtime_command_collect(void *ctx, ngx_http_realtime_socket_t *sk)
{
    u_char                     *data;
    ngx_http_realtime_hub_t    *hub;
    ngx_http_realtime_meant_t  *meant = ctx;

    hub = meant->hub;

    if (!ngx_http_realtime_command_ends(meant->entry)
        && (sk->replay
            || (!ngx_http_realtime_session_alive(sk->session)
                && hub->bus->pos >= sk->session->from)))
    {
        return;
    }

    data = ngx_http_realtime_scratch(&hub->chosen,
                                     (meant->n + 1) * sizeof(sk), hub->log);
    if (data == NULL) {
        meant->rc = NGX_ERROR;
        return;
    }

    ((ngx_http_realtime_socket_t **) data)[meant->n++] = sk;
}


void
ngx_http_realtime_command_one(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_entry_t *e, ngx_http_realtime_socket_t *sk)
{
    if (ngx_http_realtime_chosen(e, sk)) {
        ngx_http_realtime_command_rooms(hub, e, sk);
    }
}


void
ngx_http_realtime_command_to(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_entry_t *e, ngx_http_realtime_session_t *s)
{
    ngx_http_realtime_socket_t  *sk;

    sk = ngx_http_realtime_socket_find(s, e->nsp);

    if (sk == NULL) {
        return;
    }

    if (!ngx_http_realtime_command_ends(e)) {
        if (sk->replay == NULL) {
            ngx_http_realtime_command_one(hub, e, sk);
        }

    } else if (ngx_http_realtime_chosen(e, sk)) {
        ngx_http_realtime_command_end(sk, e->number);
    }
}


static void
ngx_http_realtime_command_rooms(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_entry_t *e, ngx_http_realtime_socket_t *sk)
{
    rt_str_t  list = e->packets, name;

    while (ngx_http_realtime_list_next(&list, &name, NULL) == NGX_OK) {

        if (!ngx_http_realtime_command_names(name, sk)) {
            continue;
        }

        if (e->number == NGX_HTTP_REALTIME_COMMAND_JOIN) {
            ngx_http_realtime_command_join(hub, e, sk, name);

        } else {
            ngx_http_realtime_command_leave(hub, e, sk, name);
        }
    }
}


/* rooms of its own are nobody's business, and names go into JSON */

static ngx_int_t
ngx_http_realtime_command_names(rt_str_t name, ngx_http_realtime_socket_t *sk)
{
    return !ngx_http_realtime_room_is_own(name)
           && name.len <= RT_ROOM_NAME_MAX
           && !rt_str_eq(name, ngx_http_realtime_socket_id(sk))
           && rt_utf8_check(name) == RT_OK;
}


static void
ngx_http_realtime_command_join(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_entry_t *e, ngx_http_realtime_socket_t *sk,
    rt_str_t name)
{
    ngx_int_t                     rc;
    ngx_http_realtime_entrance_t  in;

    ngx_memzero(&in, sizeof(in));

    in.named = 1;
    in.since = e->end;

    rc = ngx_http_realtime_enter(hub, sk, name, &in);

    if (rc == NGX_BUSY || rc == NGX_ERROR) {
        ngx_log_error(NGX_LOG_INFO, hub->log, 0,
                      "realtime session %*s: could not enter the room \"%*s\" "
                      "as another server wants: %s",
                      (size_t) RT_ID_LEN, sk->session->sid, name.len,
                      name.data,
                      rc == NGX_BUSY ? "it is a dm of two others"
                                     : "no memory is left");
    }
}


/* on its way it may have come to where it was not in there yet */

static void
ngx_http_realtime_command_leave(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_entry_t *e, ngx_http_realtime_socket_t *sk,
    rt_str_t name)
{
    ngx_http_realtime_membership_t  *m;

    m = ngx_http_realtime_room_member(sk, name);

    if (m && (sk->replay == NULL
              || ngx_http_realtime_replay_was_in(sk, m->room, e->end)))
    {
        (void) ngx_http_realtime_depart(hub, sk, name);
    }
}


void
ngx_http_realtime_command_end(ngx_http_realtime_socket_t *sk,
    ngx_uint_t command)
{
    ngx_http_realtime_session_t  *s = sk->session;

    /* with what it was being given, if it does not know yet that it is back */

    ngx_http_realtime_replay_connect(sk);
    ngx_http_realtime_socket_kick(sk);

    if (command != NGX_HTTP_REALTIME_COMMAND_CLOSE) {
        return;
    }

    while (s->sockets) {
        ngx_http_realtime_socket_kick(s->sockets);
    }

    if (s->transport && ngx_http_realtime_session_alive(s)) {
        s->transport->flush(s);
    }

    /* one that polls is told with its next GET, and is gone after that */

    if (ngx_http_realtime_outq_empty(&s->outq)) {
        ngx_http_realtime_session_close(s, NGX_HTTP_REALTIME_CLOSED_FORCED);
    }
}


/* the entry is not needed any more; neither is what it was written in */

static void
ngx_http_realtime_command_again(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_entry_t *e, ngx_http_realtime_socket_t **sockets,
    ngx_uint_t n)
{
    u_char                     *p;
    size_t                      item, most;
    ngx_uint_t                  i, part;
    ngx_http_realtime_entry_t   rest = *e;

    item = ngx_http_realtime_list_size(RT_ID_LEN);
    most = hub->bus->zone->ring->size / 16 / item + 1;

    rest.except = rt_lit("");
    rest.within = rt_lit("");

    while (n) {
        part = ngx_min(n, most);

        p = ngx_http_realtime_scratch(&hub->entry, part * item, hub->log);
        if (p == NULL) {
            return;
        }

        for (i = 0; i < part; i++) {
            p = ngx_http_realtime_list_put(p,
                                     ngx_http_realtime_socket_id(sockets[i]),
                                     0);
        }

        rest.rooms = rt_str(part * item, hub->entry.data);

        if (ngx_http_realtime_command_emit(hub, &rest) != NGX_OK) {
            return;
        }

        sockets += part;
        n -= part;
    }
}
