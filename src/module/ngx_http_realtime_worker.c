
#include "module/ngx_http_realtime_worker.h"
#include "bus/ngx_http_realtime_wake.h"
#include "handler/ngx_http_realtime_events.h"
#include "handler/ngx_http_realtime_review.h"
#include "cluster/ngx_http_realtime_answer.h"
#include "hub/ngx_http_realtime_account.h"
#include "hub/ngx_http_realtime_ask.h"
#include "hub/ngx_http_realtime_command.h"
#include "hub/ngx_http_realtime_presence.h"
#include "hub/ngx_http_realtime_reconcile.h"
#include "hub/ngx_http_realtime_recover.h"
#include "hub/ngx_http_realtime_replay.h"
#include "hub/ngx_http_realtime_report.h"
#include "hub/ngx_http_realtime_settle.h"
#include "hub/ngx_http_realtime_typing.h"
#include "shm/ngx_http_realtime_slot.h"
#include "transport/ngx_http_realtime_hear.h"
#include "transport/ngx_http_realtime_hold.h"
#include "transport/ngx_http_realtime_polling.h"
#include "transport/ngx_http_realtime_upgrade.h"
#include "transport/ngx_http_realtime_websocket.h"

static void ngx_http_realtime_worker_wire(ngx_http_realtime_worker_t *w,
    ngx_log_t *log);
static ngx_int_t ngx_http_realtime_worker_open(ngx_http_realtime_worker_t *w);
static void ngx_http_realtime_worker_open_handler(ngx_event_t *ev);
static void ngx_http_realtime_worker_timers(ngx_http_realtime_worker_t *w);
static void ngx_http_realtime_worker_entry(ngx_http_realtime_bus_t *bus,
    ngx_http_realtime_entry_t *e);
static void ngx_http_realtime_worker_operation(void *hub,
    ngx_http_realtime_entry_t *e);
static void ngx_http_realtime_worker_lag(ngx_http_realtime_bus_t *bus);
static void ngx_http_realtime_worker_exit(ngx_http_realtime_bus_t *bus);
static void ngx_http_realtime_worker_wake(ngx_http_realtime_bus_t *bus);
static void ngx_http_realtime_worker_leave_handler(ngx_event_t *ev);
static ngx_msec_t ngx_http_realtime_worker_drain(
    ngx_http_realtime_worker_t *w);
static void ngx_http_realtime_worker_watch_handler(ngx_event_t *ev);
static void ngx_http_realtime_worker_alive(void *ctx,
    ngx_http_realtime_session_t *s);
static void ngx_http_realtime_worker_close_one(void *ctx,
    ngx_http_realtime_session_t *s);
static void ngx_http_realtime_worker_send_away(void *ctx,
    ngx_http_realtime_session_t *s);


/* how often a worker looks whether its neighbour lives, ms */
#define NGX_HTTP_REALTIME_WATCH       1000
#define NGX_HTTP_REALTIME_WATCH_SOON  10        /* settling goes on */

/* how often each connection is told to be alive, in watches */
#define NGX_HTTP_REALTIME_ACTIVITY    60

/* how long clients may take to go when their worker has told them to, ms */
#define NGX_HTTP_REALTIME_PATIENCE  5000

/* how often it looks whether they have, and sends more away, ms */
#define NGX_HTTP_REALTIME_LEAVE     20

/* how long it may take until all are told to go that are to go, ms */
#define NGX_HTTP_REALTIME_TOLD      200

/* how long those who come after us may take to come, ms */
#define NGX_HTTP_REALTIME_FOLLOWED  1000

/* how long somebody who polls may be between two GETs, or not connect, ms */
#define NGX_HTTP_REALTIME_NEXT_POLL  5000

/* what draining may take, halved for each generation after the next one, ms */
#define NGX_HTTP_REALTIME_CROWDED   10000


ngx_int_t
ngx_http_realtime_worker_start(ngx_http_realtime_worker_t *w,
    ngx_http_realtime_zone_t *zone, ngx_cycle_t *cycle)
{
    ngx_int_t                        rc;
    ngx_http_realtime_hub_t         *hub = &w->hub;
    ngx_http_realtime_transports_t  *tp = &w->transports;

    w->bus.zone = zone;

    ngx_http_realtime_worker_wire(w, cycle->log);

    tp->in = ngx_palloc(cycle->pool, NGX_HTTP_REALTIME_SCRATCH_SIZE);
    tp->out = ngx_palloc(cycle->pool, NGX_HTTP_REALTIME_SCRATCH_SIZE);
    ngx_queue_init(&tp->probes);
    ngx_http_realtime_hear_init(tp);

    if (tp->in == NULL || tp->out == NULL
        || ngx_http_realtime_sessions_init(&w->sessions, cycle->pool)
           != NGX_OK
        || ngx_http_realtime_hub_init(hub) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_realtime_worker_rescue();
    ngx_http_realtime_replay_init(hub);
    ngx_http_realtime_report_init(hub);
    ngx_http_realtime_presence_init(hub);
    ngx_http_realtime_typing_init(hub);
    ngx_http_realtime_worker_timers(w);

    rc = ngx_http_realtime_worker_open(w);

    if (rc == NGX_BUSY) {

        /* until then handshakes get 503, and clients try again */

        ngx_log_error(NGX_LOG_EMERG, cycle->log, 0,
                      "realtime: all %ui worker slots are taken: too many "
                      "old worker processes still run, limit them with "
                      "worker_shutdown_timeout or realtime_drain",
                      ngx_http_realtime_wake_slots());

        ngx_add_timer(&w->open, NGX_HTTP_REALTIME_WATCH);
    }

    return rc;
}


/* the parts get to know each other */

static void
ngx_http_realtime_worker_wire(ngx_http_realtime_worker_t *w, ngx_log_t *log)
{
    ngx_http_realtime_hub_t         *hub = &w->hub;
    ngx_http_realtime_bus_t         *bus = &w->bus;
    ngx_http_realtime_sessions_t    *set = &w->sessions;
    ngx_http_realtime_transports_t  *tp = &w->transports;

    bus->log = log;
    bus->on_entry = ngx_http_realtime_worker_entry;
    bus->on_lag = ngx_http_realtime_worker_lag;
    bus->on_exit = ngx_http_realtime_worker_exit;
    bus->on_wake = ngx_http_realtime_worker_wake;
    bus->data = w;

    set->bus = bus;
    set->log = log;
    set->on_connect = ngx_http_realtime_on_connect;
    set->on_event = ngx_http_realtime_on_event;
    set->on_leave = ngx_http_realtime_on_leave;
    set->on_expire = ngx_http_realtime_on_expire;
    set->on_drained = ngx_http_realtime_replay_drained;
    set->on_ack = ngx_http_realtime_on_ack;
    set->data = hub;

    hub->set = set;
    hub->bus = bus;
    hub->log = log;
    hub->on_operation = ngx_http_realtime_worker_operation;
    hub->on_return = ngx_http_realtime_on_return;
    hub->on_recovered = ngx_http_realtime_on_recovered;
    hub->on_doubt = ngx_http_realtime_on_doubt;
    hub->data = tp;

    tp->hub = hub;
    tp->set = set;
    tp->bus = bus;
    tp->log = log;
    tp->leave = &w->leave;
}


/* NGX_BUSY: there is no slot yet */

static ngx_int_t
ngx_http_realtime_worker_open(ngx_http_realtime_worker_t *w)
{
    ngx_int_t  rc;

    rc = ngx_http_realtime_bus_open(&w->bus);

    if (rc == NGX_OK) {
        w->store.listener.changed = ngx_http_realtime_worker_changed;
        w->store.listener.data = w;

        ngx_http_realtime_store_start(&w->store, w->store_conf, w->bus.zone,
                                      w->bus.self.slot, w->bus.log);

        w->reader = ngx_http_realtime_reader_start(w->store_conf, w->bus.zone,
                                                   w->bus.log);
        w->hub.reader = w->reader;

        ngx_http_realtime_worker_cluster_start(w);

        rc = ngx_http_realtime_settle(&w->hub, 0);

        ngx_add_timer(&w->watch, rc == NGX_OK ? NGX_HTTP_REALTIME_WATCH
                                              : NGX_HTTP_REALTIME_WATCH_SOON);
        w->transports.ready = 1;
        rc = NGX_OK;
    }

    return rc;
}


static void
ngx_http_realtime_worker_open_handler(ngx_event_t *ev)
{
    ngx_http_realtime_worker_t  *w = ev->data;

    switch (ngx_http_realtime_worker_open(w)) {

    case NGX_OK:
        ngx_log_error(NGX_LOG_NOTICE, ev->log, 0,
                      "realtime: a worker slot is free again");
        break;

    case NGX_BUSY:
        ngx_add_timer(ev, NGX_HTTP_REALTIME_WATCH);
        break;
    }
}


static void
ngx_http_realtime_worker_timers(ngx_http_realtime_worker_t *w)
{
    w->open.handler = ngx_http_realtime_worker_open_handler;
    w->open.data = w;
    w->open.log = w->bus.log;
    w->open.cancelable = 1;

    w->leave.handler = ngx_http_realtime_worker_leave_handler;
    w->leave.data = w;
    w->leave.log = w->bus.log;

    w->watch.handler = ngx_http_realtime_worker_watch_handler;
    w->watch.data = w;
    w->watch.log = w->bus.log;
    w->watch.cancelable = 1;
}


void
ngx_http_realtime_worker_stop(ngx_http_realtime_worker_t *w)
{
    if (w->transports.ready) {
        w->transports.ready = 0;
        ngx_http_realtime_reader_stop(w->reader);
        w->hub.reader = w->reader = NULL;
        ngx_http_realtime_settle_self(&w->hub);
        ngx_http_realtime_store_stop(&w->store);
        ngx_http_realtime_worker_cluster_stop(w);
        ngx_http_realtime_websocket_abandon((ngx_cycle_t *) ngx_cycle);
    }
}


/* every entry of the log comes by here */

static void
ngx_http_realtime_worker_entry(ngx_http_realtime_bus_t *bus,
    ngx_http_realtime_entry_t *e)
{
    ngx_http_realtime_worker_t  *w = bus->data;

    ngx_http_realtime_recover_save_all(&w->hub);
    ngx_http_realtime_worker_cluster_entry(w, e);

    switch (e->type) {

    case NGX_HTTP_REALTIME_ENTRY_BROADCAST:
        if (!(e->flags & NGX_HTTP_REALTIME_ENTRY_ABROAD)) {
            ngx_http_realtime_deliver(&w->hub, e, bus->pos);
        }

        break;

    case NGX_HTTP_REALTIME_ENTRY_ANSWER:
        if (ngx_http_realtime_bus_is_self(bus, e->to)) {
            (void) ngx_http_realtime_waiter_answer(&bus->waiters, e);
        }
        break;

    case NGX_HTTP_REALTIME_ENTRY_SESSION:
        if (ngx_http_realtime_bus_is_self(bus, e->to)) {
            ngx_http_realtime_upgrade_take(&w->transports, e, bus->pos);
        }
        break;

    case NGX_HTTP_REALTIME_ENTRY_GONE:
        if (e->to.slot != bus->self.slot) {
            ngx_http_realtime_waiter_gone(&bus->waiters, e->to, bus->pos,
                                          NGX_HTTP_BAD_REQUEST);
            ngx_http_realtime_polling_lost(&w->transports, e->to);
            ngx_http_realtime_answer_gone(&w->link.answers, e->to);
        }

        break;

    case NGX_HTTP_REALTIME_ENTRY_COMMAND:
        ngx_http_realtime_command(&w->hub, e);
        break;

    case NGX_HTTP_REALTIME_ENTRY_ASK:
        ngx_http_realtime_ask(&w->hub, e);
        break;

    case NGX_HTTP_REALTIME_ENTRY_REPLY:
        if (ngx_http_realtime_bus_is_self(bus, e->to)) {
            ngx_http_realtime_answer_reply(bus, e);
        }
        break;

    case NGX_HTTP_REALTIME_ENTRY_CHANGED:
        ngx_http_realtime_review(&w->hub, e->within, e->packets);
        break;

    case NGX_HTTP_REALTIME_ENTRY_LINK:
    case NGX_HTTP_REALTIME_ENTRY_NAMESPACE:
        break;

    default:
        ngx_http_realtime_operation_take(&w->transports, e);
    }
}


static void
ngx_http_realtime_worker_operation(void *hub, ngx_http_realtime_entry_t *e)
{
    ngx_http_realtime_hub_t  *h = hub;

    ngx_http_realtime_operation_take(h->data, e);
}


static void
ngx_http_realtime_worker_lag(ngx_http_realtime_bus_t *bus)
{
    ngx_uint_t                   reason = NGX_HTTP_REALTIME_CLOSED_FORCED;
    ngx_http_realtime_wid_t      all, self = bus->self;
    ngx_http_realtime_worker_t  *w = bus->data;

    /* answers may be among what was lost: nobody here is left waiting */

    ngx_http_realtime_hold_abort(&w->transports);

    for (all.slot = 0; all.slot < NGX_HTTP_REALTIME_SLOTS; all.slot++) {
        all.generation = (uint32_t) -1;
        ngx_http_realtime_waiter_gone(&bus->waiters, all, (uint64_t) -1,
                                      NGX_HTTP_BAD_REQUEST);
    }

    ngx_http_realtime_sessions_each(&w->sessions,
                                    ngx_http_realtime_worker_close_one,
                                    &reason);

    /* questions as well: nobody elsewhere waits for us */

    self.generation++;
    ngx_http_realtime_settle_told(&w->hub, self);

    /* and no session that was given to us meanwhile is left over */

    ngx_http_realtime_settle_missed(&w->hub);
}


static void
ngx_http_realtime_worker_wake(ngx_http_realtime_bus_t *bus)
{
    ngx_http_realtime_worker_t  *w = bus->data;

    ngx_http_realtime_store_poke(&w->store);
    ngx_http_realtime_state_poke(&w->state);
}


/* nginx begins a graceful shutdown; a timer keeps the process until we went */

static void
ngx_http_realtime_worker_exit(ngx_http_realtime_bus_t *bus)
{
    ngx_http_realtime_worker_t  *w = bus->data;

    atomic_store(&bus->slot->leaving, 1);

    w->transports.exiting = 1;
    w->going = ngx_current_msec;
    w->patience = NGX_HTTP_REALTIME_PATIENCE;

    ngx_add_timer(&w->leave, 1);
}


static void
ngx_http_realtime_worker_leave_handler(ngx_event_t *ev)
{
    ngx_uint_t                   n;
    ngx_http_realtime_worker_t  *w = ev->data;

    /* until all have been told that are */

    if (ngx_current_msec - w->going < NGX_HTTP_REALTIME_TOLD) {
        ngx_add_timer(&w->leave, NGX_HTTP_REALTIME_LEAVE);
        return;
    }

    w->drain = ngx_http_realtime_worker_drain(w);
    w->transports.closed = (w->drain == 0);
    w->staying = 0;

    ngx_http_realtime_sessions_each(&w->sessions,
                                    ngx_http_realtime_worker_send_away, w);

    /* where all go, whoever has the session says so */

    if (w->drain
        || ngx_current_msec - w->going > NGX_HTTP_REALTIME_FOLLOWED)
    {
        ngx_http_realtime_hold_release(&w->transports);
    }

    ngx_http_realtime_upgrade_shutdown(&w->transports);

    n = w->sessions.n + w->transports.lingering + w->bus.waiters.used;
    n += ngx_http_realtime_worker_part(w, n);
    n += ngx_http_realtime_worker_cluster_part(w, n);

    if (n == 0 || w->staying) {
        w->patience = NGX_HTTP_REALTIME_PATIENCE;

    } else {
        w->patience -= NGX_HTTP_REALTIME_LEAVE;
    }

    if (n && w->patience > 0) {
        ngx_add_timer(&w->leave, NGX_HTTP_REALTIME_LEAVE);
    }
}


/*
 * How long that may take at most, ms; 0: nobody stays, so there is nothing to
 * wait for.  Who stays may have come after us or, when a binary upgrade is
 * taken back, before.  It takes less when others still go, or nginx's own
 * patience would run out.
 */

static ngx_msec_t
ngx_http_realtime_worker_drain(ngx_http_realtime_worker_t *w)
{
    uint32_t                   n;
    ngx_msec_t                 drain = NGX_MAX_INT32_VALUE;
    ngx_core_conf_t           *ccf;
    ngx_http_realtime_zone_t  *z = w->bus.zone;

    if (!ngx_http_realtime_zone_given_up(z)
        && !ngx_http_realtime_slot_staying(z)
        && (!ngx_http_realtime_zone_succeeded(z)
            || ngx_current_msec - w->going > NGX_HTTP_REALTIME_FOLLOWED))
    {
        return 0;
    }

    ccf = (ngx_core_conf_t *) ngx_get_conf(ngx_cycle->conf_ctx,
                                           ngx_core_module);

    if (ccf->shutdown_timeout) {
        drain = ccf->shutdown_timeout * 9 / 10;
    }

    n = ngx_http_realtime_zone_generations(z);

    if (n > 1) {
        drain = ngx_min(drain, (ngx_msec_t) NGX_HTTP_REALTIME_CROWDED
                               >> ngx_min(n - 1, 8));
    }

    return ngx_max(drain, 1);
}


/* ids are random: each client has its own moment between now and the end */

static void
ngx_http_realtime_worker_send_away(void *ctx, ngx_http_realtime_session_t *s)
{
    uint16_t                     turn;
    ngx_msec_t                   moment, now;
    ngx_http_realtime_worker_t  *w = ctx;

    ngx_memcpy(&turn, s->sid, sizeof(turn));
    turn = (uint16_t) (turn * 40503u);

    now = ngx_current_msec - w->going;
    moment = (uint64_t) ngx_min(s->conf->drain, w->drain) * turn / UINT16_MAX;

    /*
     * One who polls is told with the next GET, which others will pass on; one
     * who has just come may connect first.
     */

    if (w->drain
        && (s->sockets == NULL
            || (s->transport && s->transport->listens
                && !s->transport->listens(s))))
    {
        moment += NGX_HTTP_REALTIME_NEXT_POLL;
    }

    if (now < moment) {
        w->staying++;
        return;
    }

    ngx_http_realtime_session_close(s, NGX_HTTP_REALTIME_CLOSED_SHUTDOWN);
}


static void
ngx_http_realtime_worker_close_one(void *ctx, ngx_http_realtime_session_t *s)
{
    ngx_uint_t  *reason = ctx;

    ngx_http_realtime_session_close(s, *reason);
}


static void
ngx_http_realtime_worker_watch_handler(ngx_event_t *ev)
{
    ngx_int_t                    rc;
    ngx_http_realtime_worker_t  *w = ev->data;

    rc = ngx_http_realtime_settle(&w->hub, 1);

    if (rc == NGX_OK) {
        rc = ngx_http_realtime_settle_away(&w->hub, 0);
    }

    /* what others may have died over, or gone without */

    ngx_http_realtime_reconcile(&w->hub);
    ngx_http_realtime_typing_expire(&w->hub);
    ngx_http_realtime_presence_tell(&w->hub);
    ngx_http_realtime_review_watch(&w->hub);

    if (w->bus.zone->rows || w->bus.zone->peers) {
        ngx_http_realtime_sessions_part(&w->sessions,
                                  w->watched++ % NGX_HTTP_REALTIME_ACTIVITY,
                                  NGX_HTTP_REALTIME_ACTIVITY,
                                  ngx_http_realtime_worker_alive, w);

        if (ngx_http_realtime_worker_writes(w)) {
            ngx_http_realtime_store_watch(&w->store);
        }
    }

    ngx_http_realtime_worker_cluster_watch(w);

    /* whatever may have happened to a wake-up */

    if (ngx_http_realtime_bus_head(&w->bus) != w->bus.cursor) {
        ngx_post_event(&w->bus.drain, &ngx_posted_events);
    }

    ngx_add_timer(&w->watch, rc == NGX_OK ? NGX_HTTP_REALTIME_WATCH
                                          : NGX_HTTP_REALTIME_WATCH_SOON);
}


static void
ngx_http_realtime_worker_alive(void *ctx, ngx_http_realtime_session_t *s)
{
    ngx_http_realtime_worker_t  *w = ctx;

    if (ngx_http_realtime_session_alive(s)) {
        ngx_http_realtime_account_alive(&w->hub, s);
    }
}
