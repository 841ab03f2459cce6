
#include "transport/ngx_http_realtime_upgrade.h"
#include "transport/ngx_http_realtime_post.h"
#include "hub/ngx_http_realtime_settle.h"
#include "hub/ngx_http_realtime_move.h"


/*
 * What a WebSocket needs while it is not yet a session's transport.  Waits in
 * two states for the owner: for the answer to PROBE, then for the SESSION.
 */

typedef struct {
    ngx_http_realtime_waiter_t       waiter;
    ngx_http_realtime_websocket_t   *ws;        /* ws->probe points back */
    ngx_http_realtime_transports_t  *tp;
    ngx_http_realtime_beat_t         timeout;
    ngx_queue_t                      queue;     /* tp->probes */
    u_char                           sid[RT_ID_LEN];
    unsigned                         probed:1;  /* the owner may know of us */
    unsigned                         moving:1;  /* MOVE was sent */
} ngx_http_realtime_probe_t;


static void ngx_http_realtime_upgrade_start(ngx_http_realtime_websocket_t *ws,
    void *data);
static void ngx_http_realtime_upgrade_refuse(
    ngx_http_realtime_websocket_t *ws, void *data);
static ngx_int_t ngx_http_realtime_upgrade_ask(ngx_http_realtime_probe_t *pr,
    ngx_uint_t type);
static void ngx_http_realtime_upgrade_answer(ngx_http_realtime_waiter_t *w,
    ngx_http_realtime_entry_t *e);
static void ngx_http_realtime_upgrade_fail(ngx_http_realtime_probe_t *pr,
    uint16_t code);
static void ngx_http_realtime_upgrade_timeout(void *ctx,
    ngx_http_realtime_beat_t *beat);
static void ngx_http_realtime_upgrade_free(ngx_http_realtime_probe_t *pr);
static void ngx_http_realtime_upgrade_local(ngx_http_realtime_session_t *s,
    ngx_http_realtime_probe_t *pr);
static ngx_http_realtime_probe_t *ngx_http_realtime_upgrade_waiter(
    ngx_http_realtime_transports_t *tp, uint64_t handle);


#define ngx_http_realtime_probe_sid(pr)  rt_str(RT_ID_LEN, (pr)->sid)


ngx_int_t
ngx_http_realtime_upgrade(ngx_http_request_t *r,
    ngx_http_realtime_transport_conf_t *conf, rt_str_t sid)
{
    ngx_int_t                        rc;
    ngx_http_realtime_probe_t       *pr;
    ngx_http_realtime_transports_t  *tp = conf->transports;

    pr = ngx_calloc(sizeof(ngx_http_realtime_probe_t), tp->log);
    if (pr == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_http_realtime_directory_probe(tp->bus->zone, sid, tp->bus->self);

    if (rc != NGX_OK) {
        ngx_free(pr);

        return (rc == NGX_BUSY)
               ? ngx_http_realtime_websocket_accept(r, conf,
                                           ngx_http_realtime_upgrade_refuse,
                                           NULL)
               : ngx_http_realtime_respond_error(r,
                                           NGX_HTTP_REALTIME_UNKNOWN_SID);
    }

    pr->tp = tp;
    pr->waiter.answer = ngx_http_realtime_upgrade_answer;
    ngx_memcpy(pr->sid, sid.data, RT_ID_LEN);

    return ngx_http_realtime_websocket_accept(r, conf,
                                              ngx_http_realtime_upgrade_start,
                                              pr);
}


static void
ngx_http_realtime_upgrade_start(ngx_http_realtime_websocket_t *ws, void *data)
{
    ngx_http_realtime_probe_t  *pr = data;

    if (ws == NULL) {
        ngx_http_realtime_directory_unprobe(pr->tp->bus->zone,
                                            ngx_http_realtime_probe_sid(pr),
                                            pr->tp->bus->self);
        ngx_free(pr);
        return;
    }

    pr->ws = ws;
    ws->probe = pr;
    ngx_queue_insert_tail(&pr->tp->probes, &pr->queue);

    (void) ngx_http_realtime_beat_set(&pr->tp->set->beats, &pr->timeout,
                                      ngx_http_realtime_upgrade_timeout,
                                      ws->conf->upgrade_timeout,
                                      ngx_current_msec);

    ngx_http_realtime_websocket_start(ws);
}


static void
ngx_http_realtime_upgrade_refuse(ngx_http_realtime_websocket_t *ws,
    void *data)
{
    if (ws) {
        ngx_http_realtime_websocket_end(ws, 0);
        ngx_http_realtime_websocket_start(ws);
    }
}


static void
ngx_http_realtime_upgrade_timeout(void *ctx, ngx_http_realtime_beat_t *beat)
{
    ngx_http_realtime_probe_t  *pr;

    pr = ngx_queue_data(beat, ngx_http_realtime_probe_t, timeout);

    if (pr->moving) {
        /* the session may be on its way to us: it is the owner's turn */
        return;
    }

    ngx_http_realtime_upgrade_fail(pr, 0);
}


/* anything but "2probe" and "5" ends this WebSocket; polling goes on */

void
ngx_http_realtime_upgrade_input(ngx_http_realtime_websocket_t *ws,
    rt_str_t text)
{
    ngx_uint_t                  type;
    ngx_http_realtime_probe_t  *pr = ws->probe;

    if (rt_str_eq(text, rt_lit("2probe")) && !pr->probed) {
        type = NGX_HTTP_REALTIME_ENTRY_PROBE;
        pr->probed = 1;

    } else if (rt_str_eq(text, rt_lit("5"))) {
        type = NGX_HTTP_REALTIME_ENTRY_MOVE;
        pr->moving = 1;

    } else {
        ngx_http_realtime_upgrade_fail(pr, 0);
        return;
    }

    /* what comes behind is for after the answer */

    ws->paused = 1;

    if (ngx_http_realtime_upgrade_ask(pr, type) != NGX_OK) {
        pr->moving = 0;
        ngx_http_realtime_upgrade_fail(pr, 0);
    }
}


static ngx_int_t
ngx_http_realtime_upgrade_ask(ngx_http_realtime_probe_t *pr, ngx_uint_t type)
{
    ngx_http_realtime_transports_stay(pr->tp);

    if (ngx_http_realtime_waiter_add(&pr->tp->bus->waiters, &pr->waiter,
                                     pr->tp->log)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_realtime_operation_send(pr->tp, type,
                                            ngx_http_realtime_probe_sid(pr),
                                            &pr->waiter, rt_lit(""));
}


/* the owner's answer to PROBE, or its refusal of MOVE */

static void
ngx_http_realtime_upgrade_answer(ngx_http_realtime_waiter_t *w,
    ngx_http_realtime_entry_t *e)
{
    ngx_http_realtime_probe_t      *pr = (ngx_http_realtime_probe_t *) w;
    ngx_http_realtime_websocket_t  *ws = pr->ws;

    if (pr->moving) {

        /* the owner may have died between giving and sending */

        ngx_http_realtime_settle_lost(pr->tp->hub,
                                      ngx_http_realtime_probe_sid(pr));
    }

    if (ws->c == NULL) {

        /* dropped meanwhile, and kept for this answer only */

        ngx_http_realtime_upgrade_free(pr);
        ngx_free(ws);
        return;
    }

    if (e->number != NGX_HTTP_OK || pr->moving) {

        /* refused, perhaps for the sake of another one: not ours to end */

        pr->moving = 0;
        pr->probed = 0;
        ngx_http_realtime_upgrade_fail(pr, 0);
        return;
    }

    if (ngx_http_realtime_websocket_say(ws, RT_WS_TEXT, rt_lit("3probe"))
        != NGX_OK)
    {
        ngx_http_realtime_upgrade_fail(pr, 0);
        return;
    }

    ngx_http_realtime_websocket_resume(ws);
}


void
ngx_http_realtime_upgrade_shutdown(ngx_http_realtime_transports_t *tp)
{
    ngx_queue_t                *q, *next;
    ngx_http_realtime_probe_t  *pr;

    for (q = ngx_queue_head(&tp->probes);
         q != ngx_queue_sentinel(&tp->probes);
         q = next)
    {
        next = ngx_queue_next(q);
        pr = ngx_queue_data(q, ngx_http_realtime_probe_t, queue);

        if (!pr->moving && pr->ws->c) {
            ngx_http_realtime_upgrade_fail(pr, RT_WS_GOING_AWAY);
        }
    }
}


static void
ngx_http_realtime_upgrade_fail(ngx_http_realtime_probe_t *pr, uint16_t code)
{
    ngx_http_realtime_websocket_t  *ws = pr->ws;

    ngx_http_realtime_upgrade_free(pr);
    ngx_http_realtime_websocket_end(ws, code);
}


/* the owner need not wait for us any more */

static void
ngx_http_realtime_upgrade_free(ngx_http_realtime_probe_t *pr)
{
    if (pr->probed && !pr->moving) {
        (void) ngx_http_realtime_operation_send(pr->tp,
                                       NGX_HTTP_REALTIME_ENTRY_PROBE_END,
                                       ngx_http_realtime_probe_sid(pr), NULL,
                                       rt_lit(""));
    }

    ngx_http_realtime_directory_unprobe(pr->tp->bus->zone,
                                        ngx_http_realtime_probe_sid(pr),
                                        pr->tp->bus->self);

    ngx_http_realtime_waiter_remove(&pr->tp->bus->waiters, &pr->waiter);
    ngx_http_realtime_beat_stop(&pr->timeout);
    ngx_queue_remove(&pr->queue);

    pr->ws->probe = NULL;

    ngx_free(pr);
}


ngx_int_t
ngx_http_realtime_upgrade_gone(ngx_http_realtime_websocket_t *ws)
{
    ngx_http_realtime_probe_t  *pr = ws->probe;

    if (pr->moving && pr->waiter.handle) {
        return NGX_BUSY;
    }

    ngx_http_realtime_upgrade_free(pr);

    return NGX_OK;
}


void
ngx_http_realtime_upgrade_probed(ngx_http_realtime_session_t *s,
    ngx_http_realtime_entry_t *e, ngx_http_realtime_transports_t *tp)
{
    ngx_http_realtime_polling_t  *p;

    p = s->carrier;

    if (s->transport != &ngx_http_realtime_polling || p->bye
        || s->state != NGX_HTTP_REALTIME_SESSION_OPEN
        || !(s->conf->transports & NGX_HTTP_REALTIME_WEBSOCKET)
        || ngx_http_realtime_session_move(s,
                                          NGX_HTTP_REALTIME_SESSION_UPGRADING)
           != NGX_OK)
    {
        ngx_http_realtime_operation_refuse(tp, e->from, e->handle,
                                           NGX_HTTP_REALTIME_BAD_REQUEST);
        return;
    }

    p->prober = e->from;

    ngx_http_realtime_polling_noop(s);

    ngx_http_realtime_operation_answer(tp, e->from, e->handle, NGX_HTTP_OK,
                                       rt_lit(""));
}


void
ngx_http_realtime_upgrade_ended(ngx_http_realtime_session_t *s)
{
    if (s->state == NGX_HTTP_REALTIME_SESSION_UPGRADING) {
        (void) ngx_http_realtime_session_move(s,
                                              NGX_HTTP_REALTIME_SESSION_OPEN);
    }
}


void
ngx_http_realtime_upgrade_give(ngx_http_realtime_session_t *s,
    ngx_http_realtime_entry_t *e, ngx_http_realtime_transports_t *tp)
{
    ngx_http_realtime_probe_t    *pr;
    ngx_http_realtime_polling_t  *carrier = s->carrier;

    if (s->transport != &ngx_http_realtime_polling || carrier->bye
        || !(s->conf->transports & NGX_HTTP_REALTIME_WEBSOCKET))
    {
        ngx_http_realtime_operation_refuse(tp, e->from, e->handle,
                                           NGX_HTTP_REALTIME_BAD_REQUEST);
        return;
    }

    if (ngx_http_realtime_session_waits(s)) {
        ngx_http_realtime_post_move(s, e, tp);
        return;
    }

    ngx_http_realtime_count(tp->bus, UPGRADED);

    if (ngx_http_realtime_bus_is_self(tp->bus, e->from)) {

        pr = ngx_http_realtime_upgrade_waiter(tp, e->handle);

        if (pr) {
            ngx_http_realtime_upgrade_local(s, pr);
        }

        return;
    }

    /* while it still polls: a parked GET is not to be left behind */

    ngx_http_realtime_polling_home(s);

    if (ngx_http_realtime_move_give(tp->hub, s, e->from, e->handle)
        == NGX_OK)
    {
        ngx_http_realtime_beat_stop(&carrier->wait);
        ngx_free(carrier);
        return;
    }

    ngx_http_realtime_upgrade_ended(s);
    ngx_http_realtime_operation_refuse(tp, e->from, e->handle,
                                       NGX_HTTP_REALTIME_FULL);
}


static ngx_http_realtime_probe_t *
ngx_http_realtime_upgrade_waiter(ngx_http_realtime_transports_t *tp,
    uint64_t handle)
{
    ngx_http_realtime_waiter_t  *w;

    w = ngx_http_realtime_waiter_find(&tp->bus->waiters, handle);

    if (w == NULL || w->answer != ngx_http_realtime_upgrade_answer) {
        return NULL;
    }

    return (ngx_http_realtime_probe_t *) w;
}


static void
ngx_http_realtime_upgrade_local(ngx_http_realtime_session_t *s,
    ngx_http_realtime_probe_t *pr)
{
    ngx_http_realtime_websocket_t  *ws = pr->ws;

    ngx_http_realtime_polling_leave(s);
    ngx_http_realtime_upgrade_ended(s);
    ngx_http_realtime_directory_websocket(ws->tp->bus->zone, s->ref);
    ngx_http_realtime_upgrade_free(pr);

    s->transport = &ngx_http_realtime_websocket;
    s->carrier = ws;
    ws->session = s;

    ngx_http_realtime_session_touch(s);

    ngx_http_realtime_websocket_resume(ws);
}


void
ngx_http_realtime_upgrade_take(ngx_http_realtime_transports_t *tp,
    ngx_http_realtime_entry_t *e, uint64_t pos)
{
    ngx_http_realtime_probe_t      *pr;
    ngx_http_realtime_session_t    *s;
    ngx_http_realtime_websocket_t  *ws;

    pr = ngx_http_realtime_upgrade_waiter(tp, e->handle);

    if (pr == NULL) {

        /* who waited gave up when this worker was overtaken */

        ngx_http_realtime_move_refuse(tp->hub, e);
        return;
    }

    ws = pr->ws;

    ngx_http_realtime_upgrade_free(pr);

    s = ngx_http_realtime_move_take(tp->hub, ws->conf,
                                    &ngx_http_realtime_websocket, ws, e, pos);

    if (s == NULL) {

        if (ws->c) {
            ngx_http_realtime_websocket_end(ws, 0);

        } else {
            ngx_free(ws);
        }

        return;
    }

    ws->session = s;

    if (ws->c == NULL) {
        ngx_http_realtime_session_close(s, NGX_HTTP_REALTIME_CLOSED_TRANSPORT);
        return;
    }

    ngx_http_realtime_session_touch(s);
    ngx_http_realtime_websocket_resume(ws);
}
