
#include "transport/ngx_http_realtime_hold.h"

#include "base/rt_id.h"


typedef struct {
    ngx_http_realtime_waiter_t       waiter;
    ngx_http_realtime_transports_t  *tp;
    ngx_http_request_t              *request;
    u_char                           sid[RT_ID_LEN];
    unsigned                         get:1;
    unsigned                         inside:1;  /* of a handler: its caller
                                                   runs what is posted */
} ngx_http_realtime_hold_t;


static ngx_http_realtime_hold_t *ngx_http_realtime_hold_new(
    ngx_http_request_t *r, ngx_http_realtime_transports_t *tp, rt_str_t sid);
static void ngx_http_realtime_hold_send(ngx_http_realtime_hold_t *hold,
    ngx_uint_t type, rt_str_t body);
static void ngx_http_realtime_hold_body_handler(ngx_http_request_t *r);
static rt_str_t ngx_http_realtime_hold_body(ngx_http_request_t *r);
static void ngx_http_realtime_hold_answer(ngx_http_realtime_waiter_t *w,
    ngx_http_realtime_entry_t *e);
static void ngx_http_realtime_hold_cleanup(void *data);
static void ngx_http_realtime_hold_each(void *ctx,
    ngx_http_realtime_waiter_t *w);


ngx_int_t
ngx_http_realtime_hold_get(ngx_http_request_t *r,
    ngx_http_realtime_transports_t *tp, rt_str_t sid)
{
    ngx_int_t                  rc;
    ngx_http_realtime_hold_t  *hold;

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    hold = ngx_http_realtime_hold_new(r, tp, sid);
    if (hold == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    hold->get = 1;

    /* notices a client that goes away */

    r->read_event_handler = ngx_http_test_reading;
    r->write_event_handler = ngx_http_request_empty_handler;
    r->main->count++;

    ngx_http_realtime_hold_send(hold, NGX_HTTP_REALTIME_ENTRY_POLL,
                                rt_lit(""));

    return NGX_DONE;
}


ngx_int_t
ngx_http_realtime_hold_post(ngx_http_request_t *r,
    ngx_http_realtime_transports_t *tp, rt_str_t sid)
{
    ngx_int_t                  rc;
    ngx_http_realtime_hold_t  *hold;

    hold = ngx_http_realtime_hold_new(r, tp, sid);
    if (hold == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_http_set_ctx(r, hold, ngx_http_realtime_module);

    r->request_body_in_single_buf = 1;

    rc = ngx_http_read_client_request_body(r,
                                         ngx_http_realtime_hold_body_handler);

    return (rc >= NGX_HTTP_SPECIAL_RESPONSE) ? rc : NGX_DONE;
}


/* in the table from the start, so that the cleanup always fits */

static ngx_http_realtime_hold_t *
ngx_http_realtime_hold_new(ngx_http_request_t *r,
    ngx_http_realtime_transports_t *tp, rt_str_t sid)
{
    ngx_http_cleanup_t        *cln;
    ngx_http_realtime_hold_t  *hold;

    hold = ngx_pcalloc(r->pool, sizeof(ngx_http_realtime_hold_t));
    cln = ngx_http_cleanup_add(r, 0);

    if (hold == NULL || cln == NULL) {
        return NULL;
    }

    hold->tp = tp;
    hold->request = r;
    hold->waiter.answer = ngx_http_realtime_hold_answer;
    ngx_memcpy(hold->sid, sid.data, RT_ID_LEN);

    cln->handler = ngx_http_realtime_hold_cleanup;
    cln->data = hold;

    return hold;
}


/* what cannot be sent is answered at once */

static void
ngx_http_realtime_hold_send(ngx_http_realtime_hold_t *hold, ngx_uint_t type,
    rt_str_t body)
{
    ngx_int_t                        rc;
    ngx_http_request_t              *r = hold->request;
    ngx_http_realtime_transports_t  *tp = hold->tp;

    /* an answer may come at once: the request stays until we are through */

    r->main->count++;

    ngx_http_realtime_transports_stay(tp);

    rc = ngx_http_realtime_waiter_add(&tp->bus->waiters, &hold->waiter,
                                      tp->log);

    if (rc == NGX_OK) {
        hold->inside = 1;
        rc = ngx_http_realtime_operation_send(tp, type,
                                              rt_str(RT_ID_LEN, hold->sid),
                                              &hold->waiter, body);
        hold->inside = 0;
    }

    if (rc != NGX_OK) {
        ngx_http_realtime_waiter_remove(&tp->bus->waiters, &hold->waiter);

        ngx_http_finalize_request(r, rc == NGX_DECLINED
                   ? ngx_http_realtime_respond_error(r,
                                               NGX_HTTP_REALTIME_UNKNOWN_SID)
                   : NGX_HTTP_INTERNAL_SERVER_ERROR);
    }

    ngx_http_finalize_request(r, NGX_DONE);
}


static void
ngx_http_realtime_hold_body_handler(ngx_http_request_t *r)
{
    rt_str_t                   body;
    ngx_http_realtime_hold_t  *hold;

    hold = ngx_http_get_module_ctx(r, ngx_http_realtime_module);

    /* the reference server ends the session for it: an empty body does too */

    body = ngx_http_realtime_header_has(r, "content-type",
                                        "application/octet-stream")
           ? rt_lit("") : ngx_http_realtime_hold_body(r);

    if (body.data == NULL) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    r->read_event_handler = ngx_http_test_reading;
    r->write_event_handler = ngx_http_request_empty_handler;

    ngx_http_realtime_hold_send(hold, NGX_HTTP_REALTIME_ENTRY_POST, body);
}


/* the body in one piece; "data" NULL: no memory, or it went to a file */

static rt_str_t
ngx_http_realtime_hold_body(ngx_http_request_t *r)
{
    size_t        n, len = 0;
    u_char       *p, *body;
    ngx_chain_t  *cl, *bufs;

    bufs = r->request_body ? r->request_body->bufs : NULL;

    for (cl = bufs; cl; cl = cl->next) {
        if (cl->buf->in_file) {
            return rt_str(0, NULL);
        }

        len += cl->buf->last - cl->buf->pos;
    }

    if (len == 0) {
        return rt_lit("");
    }

    if (bufs->next == NULL) {
        return rt_str(len, bufs->buf->pos);
    }

    body = ngx_pnalloc(r->pool, len + 1);
    p = body;

    for (cl = bufs; cl && p; cl = cl->next) {

        n = cl->buf->last - cl->buf->pos;

        if (n) {                        /* an empty one may have no memory */
            p = ngx_cpymem(p, cl->buf->pos, n);
        }
    }

    return rt_str(len, body);
}


static void
ngx_http_realtime_hold_answer(ngx_http_realtime_waiter_t *w,
    ngx_http_realtime_entry_t *e)
{
    const char                *type = "application/json";
    ngx_uint_t                 inside;
    ngx_connection_t          *c;
    ngx_http_request_t        *r;
    ngx_http_realtime_hold_t  *hold;

    hold = (ngx_http_realtime_hold_t *) w;
    inside = hold->inside;
    r = hold->request;
    c = r->connection;

    if (e->number == NGX_HTTP_OK) {
        type = hold->get ? "text/plain; charset=UTF-8" : "text/html";
    }

    ngx_http_finalize_request(r, ngx_http_realtime_respond(r, e->number, type,
                                                           e->packets));

    if (!inside) {
        ngx_http_run_posted_requests(c);
    }
}


static void
ngx_http_realtime_hold_cleanup(void *data)
{
    ngx_http_realtime_hold_t  *hold = data;

    if (hold->waiter.handle == 0) {
        return;
    }

    /* the client has gone, and with its GET the session */

    if (hold->get) {
        (void) ngx_http_realtime_operation_send(hold->tp,
                                            NGX_HTTP_REALTIME_ENTRY_ABORT,
                                            rt_str(RT_ID_LEN, hold->sid),
                                            &hold->waiter, rt_lit(""));
    }

    ngx_http_realtime_waiter_remove(&hold->tp->bus->waiters, &hold->waiter);
}


/* for each parked GET */

typedef struct {
    ngx_http_realtime_transports_t  *tp;
    ngx_uint_t                       type;      /* of the operation */
} ngx_http_realtime_hold_each_t;


void
ngx_http_realtime_hold_abort(ngx_http_realtime_transports_t *tp)
{
    ngx_http_realtime_hold_each_t  each;

    each.tp = tp;
    each.type = NGX_HTTP_REALTIME_ENTRY_ABORT;

    ngx_http_realtime_waiter_each(&tp->bus->waiters,
                                  ngx_http_realtime_hold_each, &each);
}


void
ngx_http_realtime_hold_release(ngx_http_realtime_transports_t *tp)
{
    ngx_http_realtime_hold_each_t  each;

    each.tp = tp;
    each.type = NGX_HTTP_REALTIME_ENTRY_RELEASE;

    ngx_http_realtime_waiter_each(&tp->bus->waiters,
                                  ngx_http_realtime_hold_each, &each);
}


static void
ngx_http_realtime_hold_each(void *ctx, ngx_http_realtime_waiter_t *w)
{
    ngx_http_realtime_hold_t       *hold;
    ngx_http_realtime_hold_each_t  *each = ctx;

    if (w->answer != ngx_http_realtime_hold_answer) {
        return;
    }

    hold = (ngx_http_realtime_hold_t *) w;

    if (hold->get) {
        (void) ngx_http_realtime_operation_send(each->tp, each->type,
                                            rt_str(RT_ID_LEN, hold->sid), w,
                                            rt_lit(""));
    }
}
