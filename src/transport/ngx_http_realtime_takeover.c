
/*
 * From a request to a bare connection: an idle WebSocket costs an eighth of
 * a request that is held for it (docs/architecture.md has the figures).
 */


#include "transport/ngx_http_realtime_websocket.h"

#include "proto/rt_ws_key.h"


/* lives on the heap: the request and its pool go in the middle of it */

typedef struct {
    ngx_event_t                       event;
    ngx_http_request_t               *request;
    ngx_http_realtime_websocket_t    *ws;
    void                            (*start)(ngx_http_realtime_websocket_t *ws,
                                        void *data);
    void                             *data;
} ngx_http_realtime_takeover_t;


static ngx_int_t ngx_http_realtime_takeover_key(ngx_http_request_t *r,
    ngx_str_t *accept);
static ngx_int_t ngx_http_realtime_takeover_answer(ngx_http_request_t *r,
    ngx_str_t *accept);
static void ngx_http_realtime_takeover_handler(ngx_event_t *ev);
static void ngx_http_realtime_takeover_connection(ngx_connection_t *c,
    ngx_http_connection_t *hc);
static void ngx_http_realtime_takeover_buffers(ngx_connection_t *c,
    ngx_http_connection_t *hc);


ngx_int_t
ngx_http_realtime_websocket_accept(ngx_http_request_t *r,
    ngx_http_realtime_transport_conf_t *conf,
    void (*start)(ngx_http_realtime_websocket_t *ws, void *data), void *data)
{
    ngx_int_t                       rc = NGX_HTTP_INTERNAL_SERVER_ERROR;
    ngx_str_t                       accept;
    ngx_log_t                      *log = conf->transports->log;
    ngx_http_realtime_takeover_t   *t;
    ngx_http_realtime_websocket_t  *ws;

    t = ngx_calloc(sizeof(ngx_http_realtime_takeover_t), log);
    ws = ngx_calloc(sizeof(ngx_http_realtime_websocket_t), log);

    if (t == NULL || ws == NULL) {
        goto failed;
    }

    if (ngx_http_realtime_takeover_key(r, &accept) != NGX_OK) {
        rc = ngx_http_realtime_respond_error(r,
                                             NGX_HTTP_REALTIME_BAD_REQUEST);
        goto failed;
    }

    rc = ngx_http_realtime_takeover_answer(r, &accept);

    if (rc != NGX_OK) {
        goto failed;
    }

    ws->tp = conf->transports;
    ws->conf = &conf->session;

    t->request = r;
    t->ws = ws;
    t->start = start;
    t->data = data;
    t->event.handler = ngx_http_realtime_takeover_handler;
    t->event.data = t;
    t->event.log = log;

    /* while the handler runs the request cannot go: its caller ends it */

    r->main->count++;
    ngx_post_event(&t->event, &ngx_posted_events);

    return NGX_DONE;

failed:

    ngx_free(t);
    ngx_free(ws);

    start(NULL, data);

    return rc;
}


/*
 * What answers the key, in memory of the request: the log may ask for it
 * (RFC 6455, 4.2.1).
 */

static ngx_int_t
ngx_http_realtime_takeover_key(ngx_http_request_t *r, ngx_str_t *accept)
{
    ngx_str_t  *key, *version;
    ngx_str_t   want = ngx_string("13");

    version = ngx_http_realtime_header_in(r, "sec-websocket-version");

    if (version == NULL || version->len != want.len
        || ngx_strncmp(version->data, want.data, want.len) != 0)
    {
        (void) ngx_http_realtime_header_out(r, "Sec-WebSocket-Version", &want);
        return NGX_DECLINED;
    }

    key = ngx_http_realtime_header_in(r, "sec-websocket-key");

    accept->len = RT_WS_ACCEPT_LEN;
    accept->data = ngx_pnalloc(r->pool, RT_WS_ACCEPT_LEN);

    if (key == NULL || accept->data == NULL) {
        return NGX_DECLINED;
    }

    return rt_ws_accept(accept->data, ngx_http_realtime_str(key));
}


static ngx_int_t
ngx_http_realtime_takeover_answer(ngx_http_request_t *r, ngx_str_t *accept)
{
    ngx_int_t  rc;
    ngx_str_t  upgrade = ngx_string("websocket");

    if (ngx_http_realtime_header_out(r, "Upgrade", &upgrade) != NGX_OK
        || ngx_http_realtime_header_out(r, "Sec-WebSocket-Accept", accept)
           != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->headers_out.status = NGX_HTTP_SWITCHING_PROTOCOLS;
    ngx_str_set(&r->headers_out.status_line, "101 Switching Protocols");
    r->headers_out.content_length_n = -1;
    r->keepalive = 0;
    r->limit_rate = 0;
    r->limit_rate_set = 1;

    rc = ngx_http_send_header(r);

    if (rc != NGX_OK) {
        return (rc > NGX_OK) ? rc : NGX_ERROR;
    }

    if (ngx_http_send_special(r, NGX_HTTP_FLUSH) == NGX_ERROR) {
        return NGX_ERROR;
    }

    /* nothing was sent on this connection yet that could be in the way */

    return (r->out || r->connection->buffered) ? NGX_ERROR : NGX_OK;
}


static void
ngx_http_realtime_takeover_handler(ngx_event_t *ev)
{
    u_char                         *pos, *last;
    ngx_int_t                       rc;
    ngx_connection_t               *c;
    ngx_http_request_t             *r;
    ngx_http_connection_t          *hc;
    ngx_http_realtime_takeover_t   *t = ev->data;
    ngx_http_realtime_websocket_t  *ws = t->ws;

    r = t->request;
    c = r->connection;
    hc = r->http_connection;

    /* the first frames may have come with the request */

    pos = r->header_in->pos;
    last = r->header_in->last;

    ws->rest = 1;
    rc = ngx_http_realtime_hoard_add(&ws->message, pos, last - pos,
                                     ws->tp->log);

    ngx_http_free_request(r, 0);

    ngx_http_realtime_takeover_connection(c, hc);

    ws->c = c;

    if (rc == NGX_OK && !c->error) {
        t->start(ws, t->data);

    } else {
        t->start(NULL, t->data);
        ngx_http_realtime_websocket_drop(ws);
    }

    ngx_free(t);
}


/* nothing of the request is left in it */

static void
ngx_http_realtime_takeover_connection(ngx_connection_t *c,
    ngx_http_connection_t *hc)
{
    c->destroyed = 0;
    c->log->handler = NULL;
    c->log->data = NULL;
    c->log->action = NULL;

    ngx_http_realtime_takeover_buffers(c, hc);

    if (c->read->timer_set) {
        ngx_del_timer(c->read);
    }

    if (c->write->timer_set) {
        ngx_del_timer(c->write);
    }

    (void) ngx_tcp_nodelay(c);

#if (NGX_HTTP_SSL)
    if (c->ssl) {
        /* what could not be written is gathered again, with more behind it */
        SSL_set_mode(c->ssl->connection, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
        ngx_ssl_free_buffer(c);
    }
#endif
}


/* of the request's header; the connection keeps its pool, and no more */

static void
ngx_http_realtime_takeover_buffers(ngx_connection_t *c,
    ngx_http_connection_t *hc)
{
    ngx_chain_t  *cl;

    for (cl = hc->busy; cl; cl = cl->next) {
        (void) ngx_pfree(c->pool, cl->buf->start);
    }

    for (cl = hc->free; cl; cl = cl->next) {
        (void) ngx_pfree(c->pool, cl->buf->start);
    }

    hc->busy = NULL;
    hc->free = NULL;
    hc->nbusy = 0;

    if (c->buffer && c->buffer->start) {
        (void) ngx_pfree(c->pool, c->buffer->start);
        c->buffer = NULL;
    }
}
