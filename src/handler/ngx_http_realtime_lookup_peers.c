
/*
 * What an event has to wait for that other hosts know: Redis is asked by
 * whoever has the link to it, and answers by the log.
 */


#include "handler/ngx_http_realtime_lookup_inner.h"
#include "hub/ngx_http_realtime_peers.h"


static ngx_http_realtime_lookup_t *ngx_http_realtime_lookup_peers_new(
    ngx_http_realtime_call_t *call, rt_str_t room);
static ngx_int_t ngx_http_realtime_lookup_peers_wait(
    ngx_http_realtime_call_t *call, ngx_http_realtime_lookup_t *l);
static ngx_int_t ngx_http_realtime_lookup_peers_dm(
    ngx_http_realtime_call_t *call, rt_str_t room,
    ngx_http_realtime_entrance_t *in);
static void ngx_http_realtime_lookup_peers_drop(ngx_http_realtime_lookup_t *l);
static void ngx_http_realtime_lookup_peers_answer(
    ngx_http_realtime_waiter_t *waiter, ngx_http_realtime_entry_t *e);
static void ngx_http_realtime_lookup_peers_known(
    ngx_http_realtime_lookup_t *l, ngx_http_realtime_entry_t *e);
static void ngx_http_realtime_lookup_peers_late(ngx_event_t *ev);


/* how long anybody waits for other hosts, ms */
#define NGX_HTTP_REALTIME_LOOKUP_PEERS  1000


ngx_int_t
ngx_http_realtime_lookup_enter(ngx_http_realtime_call_t *call, rt_str_t room,
    ngx_http_realtime_entrance_t *in)
{
    ngx_int_t                    rc;
    ngx_http_realtime_lookup_t  *l;

    rc = ngx_http_realtime_lookup_peers_dm(call, room, in);

    if (rc != NGX_OK) {
        return rc;
    }

    l = ngx_http_realtime_lookup_peers_new(call, room);
    in->handle = l ? l->waiter.handle : 0;

    rc = ngx_http_realtime_enter(call->hub, call->sk, room, in);

    if (l && (rc != NGX_OK || !in->first)) {
        ngx_http_realtime_lookup_peers_drop(l);
        return rc;
    }

    return l ? ngx_http_realtime_lookup_peers_wait(call, l) : rc;
}


/* NGX_OK: it may enter, or there is nobody to ask */

static ngx_int_t
ngx_http_realtime_lookup_peers_dm(ngx_http_realtime_call_t *call,
    rt_str_t room, ngx_http_realtime_entrance_t *in)
{
    ngx_http_realtime_lookup_t      *l = call->lookup;
    ngx_http_realtime_peers_move_t   m;

    in->asked = 0;

    if (ngx_http_realtime_room_type(in->kind) != NGX_HTTP_REALTIME_ROOM_DM
        || call->sk->who == NULL)
    {
        return NGX_OK;
    }

    if (l && l->told) {
        in->asked = l->dm;
        return l->refused ? NGX_BUSY : NGX_OK;
    }

    l = ngx_http_realtime_lookup_peers_new(call, room);
    if (l == NULL) {
        return NGX_OK;
    }

    ngx_memzero(&m, sizeof(m));

    m.nsp = ngx_http_realtime_call_nsp(call);
    m.room = room;
    m.kind = in->kind;
    m.user = call->sk->who->id;
    m.handle = l->waiter.handle;

    l->dm = 1;

    ngx_http_realtime_peers_ask(call->hub, &m);

    return ngx_http_realtime_lookup_peers_wait(call, l);
}


ngx_int_t
ngx_http_realtime_lookup_peers_user(ngx_http_realtime_call_t *call,
    rt_str_t user, ngx_http_realtime_presence_known_t *known)
{
    ngx_http_realtime_lookup_t  *l = call->lookup;

    ngx_memzero(known, sizeof(ngx_http_realtime_presence_known_t));

    if (l && l->told) {
        *known = l->known;
        return NGX_OK;
    }

    l = ngx_http_realtime_lookup_peers_new(call, rt_lit(""));
    if (l == NULL) {
        return NGX_OK;
    }

    ngx_http_realtime_peers_query(call->hub, ngx_http_realtime_call_nsp(call),
                                  user, l->waiter.handle);

    return (ngx_http_realtime_lookup_peers_wait(call, l) == NGX_AGAIN)
           ? NGX_AGAIN : NGX_OK;
}


/* NULL: nobody can be asked now */

static ngx_http_realtime_lookup_t *
ngx_http_realtime_lookup_peers_new(ngx_http_realtime_call_t *call,
    rt_str_t room)
{
    ngx_http_realtime_lookup_t  *l;

    if (!ngx_http_realtime_peers_there(call->hub)) {
        return NULL;
    }

    l = ngx_http_realtime_lookup_new(call, NGX_HTTP_REALTIME_ASK_ROOM, room,
                                     call->sk->who ? call->sk->who->id
                                                   : rt_lit(""),
                                     call->hub->log);
    if (l == NULL) {
        return NULL;
    }

    /* whoever has the link may change: a timer is who gives up */

    l->waiter.owner.generation = (uint32_t) -1;
    l->waiter.answer = ngx_http_realtime_lookup_peers_answer;

    l->timer.handler = ngx_http_realtime_lookup_peers_late;
    l->timer.data = l;
    l->timer.log = call->hub->log;

    if (ngx_http_realtime_waiter_add(&call->hub->bus->waiters, &l->waiter,
                                     call->hub->log)
        != NGX_OK)
    {
        ngx_free(l);
        return NULL;
    }

    l->pause.session = call->sk->session;
    l->nsp = rt_str(ngx_http_realtime_call_nsp(call).len, l->nsp_text);
    ngx_memcpy(l->nsp_text, ngx_http_realtime_call_nsp(call).data, l->nsp.len);

    return l;
}


/* NGX_AGAIN: it does; else nobody can */

static ngx_int_t
ngx_http_realtime_lookup_peers_wait(ngx_http_realtime_call_t *call,
    ngx_http_realtime_lookup_t *l)
{
    if (ngx_http_realtime_pause_begin(&l->pause, call->sk, call->pkt)
        != NGX_OK)
    {
        ngx_http_realtime_lookup_peers_drop(l);
        return NGX_OK;
    }

    ngx_add_timer(&l->timer, NGX_HTTP_REALTIME_LOOKUP_PEERS);

    call->lookup = l;

    return NGX_AGAIN;
}


static void
ngx_http_realtime_lookup_peers_drop(ngx_http_realtime_lookup_t *l)
{
    ngx_http_realtime_lookup_peers_end(l);
    ngx_free(l);
}


void
ngx_http_realtime_lookup_peers_end(ngx_http_realtime_lookup_t *l)
{
    ngx_http_realtime_hub_t  *hub = l->pause.session->set->data;

    ngx_http_realtime_waiter_remove(&hub->bus->waiters, &l->waiter);

    if (l->timer.timer_set) {
        ngx_del_timer(&l->timer);
    }

    if (l->dm) {
        l->dm = 0;
        ngx_http_realtime_peers_unask(hub, l->nsp, l->ask.room, l->ask.user);
    }
}


static void
ngx_http_realtime_lookup_peers_answer(ngx_http_realtime_waiter_t *waiter,
    ngx_http_realtime_entry_t *e)
{
    ngx_http_realtime_lookup_t  *l;

    l = ngx_queue_data(waiter, ngx_http_realtime_lookup_t, waiter);

    l->told = 1;
    l->refused = (l->dm && e->number == NGX_HTTP_REALTIME_PEERS_NO);

    if (l->refused || e->number == NGX_HTTP_REALTIME_PEERS_UNKNOWN) {
        l->dm = 0;
    }

    if (e->packets.len) {
        ngx_http_realtime_lookup_peers_known(l, e);
    }

    ngx_http_realtime_lookup_go_on(l);
}


static void
ngx_http_realtime_lookup_peers_known(ngx_http_realtime_lookup_t *l,
    ngx_http_realtime_entry_t *e)
{
    rt_str_t        list = e->packets, status, custom;
    ngx_uint_t      i;
    rt_presence_t   presence;

    if (ngx_http_realtime_list_next(&list, &status, NULL) != NGX_OK
        || ngx_http_realtime_list_next(&list, &custom, NULL) != NGX_OK)
    {
        return;
    }

    ngx_http_realtime_lookup_presence(custom, &presence);

    custom = presence.custom;

    if (custom.len <= sizeof(l->custom)) {
        ngx_memcpy(l->custom, custom.data, custom.len);
        l->known.custom = rt_str(custom.len, l->custom);
    }

    for (i = RT_STATUS_OFFLINE; i <= RT_STATUS_BUSY; i++) {
        if (rt_str_eq(status, *rt_status_name(i))) {
            l->known.status = *rt_status_name(i);
            l->known.online = (e->number == NGX_HTTP_REALTIME_PEERS_YES);
        }
    }

    l->known.last = (custom.len != 0);
}


/* nobody knows any better than this worker */

static void
ngx_http_realtime_lookup_peers_late(ngx_event_t *ev)
{
    ngx_http_realtime_lookup_t  *l = ev->data;

    l->told = 1;

    ngx_http_realtime_lookup_go_on(l);
}
