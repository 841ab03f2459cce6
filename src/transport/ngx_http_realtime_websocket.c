
#include "transport/ngx_http_realtime_websocket.h"
#include "transport/ngx_http_realtime_upgrade.h"


static void ngx_http_realtime_websocket_read_handler(ngx_event_t *rev);
static void ngx_http_realtime_websocket_write_handler(ngx_event_t *wev);
static ngx_int_t ngx_http_realtime_websocket_rest(
    ngx_http_realtime_websocket_t *ws);
static ngx_int_t ngx_http_realtime_websocket_read(
    ngx_http_realtime_websocket_t *ws);
static void ngx_http_realtime_websocket_gone(
    ngx_http_realtime_websocket_t *ws);
static void ngx_http_realtime_websocket_flush(ngx_http_realtime_session_t *s);
static ngx_int_t ngx_http_realtime_websocket_send_some(
    ngx_http_realtime_websocket_t *ws, ngx_http_realtime_session_t *s);
static void ngx_http_realtime_websocket_close(ngx_http_realtime_session_t *s);
static ngx_uint_t ngx_http_realtime_websocket_ready(
    ngx_http_realtime_session_t *s);
static ngx_int_t ngx_http_realtime_websocket_hear(
    ngx_http_realtime_session_t *s);
static void ngx_http_realtime_websocket_go_on(ngx_http_realtime_session_t *s);
static void ngx_http_realtime_websocket_lingered(void *ctx,
    ngx_http_realtime_beat_t *beat);


const ngx_http_realtime_transport_t  ngx_http_realtime_websocket = {
    NGX_HTTP_REALTIME_WEBSOCKET,
    ngx_http_realtime_websocket_flush,
    ngx_http_realtime_websocket_close,
    NULL,
    ngx_http_realtime_websocket_ready,
    ngx_http_realtime_websocket_hear,
    ngx_http_realtime_websocket_go_on
};


/* how long a client may take to answer a close frame, ms */
#define NGX_HTTP_REALTIME_LINGER  2000


/* the connection is ours now; called by ~takeover */

void
ngx_http_realtime_websocket_start(ngx_http_realtime_websocket_t *ws)
{
    ngx_connection_t  *c = ws->c;

    c->data = ws;
    c->read->handler = ngx_http_realtime_websocket_read_handler;
    c->write->handler = ngx_http_realtime_websocket_write_handler;

    ngx_http_realtime_websocket_read_handler(c->read);
}


void
ngx_http_realtime_websocket_resume(ngx_http_realtime_websocket_t *ws)
{
    ws->paused = 0;

    ngx_post_event(ws->c->read, &ngx_posted_events);
}


static void
ngx_http_realtime_websocket_read_handler(ngx_event_t *rev)
{
    ngx_connection_t               *c = rev->data;
    ngx_http_realtime_websocket_t  *ws = c->data;

    if (c->close) {

        /* nginx waits no longer: worker_shutdown_timeout */

        if (ws->session) {
            ngx_http_realtime_session_close(ws->session,
                                           NGX_HTTP_REALTIME_CLOSED_SHUTDOWN);
        } else {
            ngx_http_realtime_websocket_drop(ws);
        }

        return;
    }

    if (ngx_http_realtime_websocket_held(ws)) {
        return;                         /* read on resume */
    }

    if ((ws->rest && ngx_http_realtime_websocket_rest(ws) != NGX_OK)
        || ngx_http_realtime_websocket_read(ws) != NGX_OK
        || ngx_handle_read_event(rev, 0) != NGX_OK)
    {
        ngx_http_realtime_websocket_gone(ws);
    }
}


/* what nginx may not have been told of yet counts, too */

static ngx_int_t
ngx_http_realtime_websocket_hear(ngx_http_realtime_session_t *s)
{
    ngx_event_t                    *rev;
    ngx_http_realtime_websocket_t  *ws = s->carrier;

    if (ws->c == NULL) {
        return NGX_OK;
    }

    rev = ws->c->read;
    rev->ready = 1;
    rev->available = -1;

    ngx_http_realtime_websocket_read_handler(rev);

    if (!ngx_http_realtime_session_alive(s) || ws->broken) {
        return NGX_OK;
    }

    /* others had their turn, or a message has begun to arrive */

    return (rev->ready || ngx_http_realtime_websocket_held(ws) || ws->payload
            || ws->message.len)
           ? NGX_AGAIN : NGX_OK;
}


static void
ngx_http_realtime_websocket_go_on(ngx_http_realtime_session_t *s)
{
    ngx_http_realtime_websocket_t  *ws = s->carrier;

    if (ws->c) {
        ngx_post_event(ws->c->read, &ngx_posted_events);
    }
}


/* bytes that were read while input was paused, or with the request */

static ngx_int_t
ngx_http_realtime_websocket_rest(ngx_http_realtime_websocket_t *ws)
{
    ngx_int_t                  rc;
    ngx_http_realtime_hoard_t  rest = ws->message;

    ngx_memzero(&ws->message, sizeof(ws->message));
    ws->rest = 0;

    rc = ngx_http_realtime_websocket_feed(ws, rest.data, rest.data + rest.len);

    ngx_http_realtime_hoard_free(&rest);

    return rc;
}


static ngx_int_t
ngx_http_realtime_websocket_read(ngx_http_realtime_websocket_t *ws)
{
    ssize_t                          n;
    ngx_connection_t                *c = ws->c;
    ngx_http_realtime_transports_t  *tp = ws->tp;

    if (ngx_http_realtime_websocket_held(ws)) {
        return NGX_OK;
    }

    do {
        if (ngx_http_realtime_bus_behind(tp->bus)) {

            /* what is in the log already comes first */

            ngx_post_event(c->read, &ngx_posted_next_events);
            return NGX_OK;
        }

        n = c->recv(c, tp->in, NGX_HTTP_REALTIME_SCRATCH_SIZE);

        if (n == NGX_AGAIN) {
            return NGX_OK;
        }

        if (n == 0 || n == NGX_ERROR
            || ngx_http_realtime_websocket_feed(ws, tp->in, tp->in + n)
               != NGX_OK)
        {
            return NGX_DONE;
        }

        if (n == NGX_HTTP_REALTIME_SCRATCH_SIZE) {

            /* much of it: others first */

            ngx_post_event(c->read, &ngx_posted_next_events);
            return NGX_OK;
        }

    } while (c->read->ready && !ngx_http_realtime_websocket_held(ws));

    return NGX_OK;
}


/* the client does not read or write any more */

static void
ngx_http_realtime_websocket_gone(ngx_http_realtime_websocket_t *ws)
{
    if (ws->session) {
        ws->broken = 1;
        ngx_http_realtime_session_close(ws->session,
                                        NGX_HTTP_REALTIME_CLOSED_TRANSPORT);
        return;
    }

    ngx_http_realtime_websocket_drop(ws);
}


static void
ngx_http_realtime_websocket_write_handler(ngx_event_t *wev)
{
    ngx_connection_t               *c = wev->data;
    ngx_http_realtime_websocket_t  *ws = c->data;

    if (ws->session && ngx_http_realtime_session_alive(ws->session)) {
        ngx_http_realtime_websocket_flush(ws->session);
    }
}


static void
ngx_http_realtime_websocket_flush(ngx_http_realtime_session_t *s)
{
    ngx_int_t                       rc;
    ngx_http_realtime_websocket_t  *ws = s->carrier;

    if (ws->c == NULL) {
        return;
    }

    do {
        rc = ngx_http_realtime_websocket_send_some(ws, s);
    } while (rc == NGX_OK);

    if (rc == NGX_ERROR
        || (rc == NGX_AGAIN
            && ngx_handle_write_event(ws->c->write, 0) != NGX_OK))
    {
        ws->broken = 1;
        ngx_http_realtime_session_close(s, NGX_HTTP_REALTIME_CLOSED_TRANSPORT);
        return;
    }

    ngx_http_realtime_session_sent(s);
}


/* the system took all that it was given so far */

static ngx_uint_t
ngx_http_realtime_websocket_ready(ngx_http_realtime_session_t *s)
{
    ngx_http_realtime_websocket_t  *ws = s->carrier;

    return ws->c && ws->c->write->ready;
}


/* NGX_DONE: nothing is left to send */

static ngx_int_t
ngx_http_realtime_websocket_send_some(ngx_http_realtime_websocket_t *ws,
    ngx_http_realtime_session_t *s)
{
    u_char                    *p;
    size_t                     len;
    ssize_t                    n;
    ngx_http_realtime_blob_t  *b;

    b = ngx_http_realtime_outq_first(&s->outq);

    if (b == NULL) {
        return NGX_DONE;
    }

    /* one that waits alone, or is long, goes out from where it lies */

    len = ngx_http_realtime_blob_frame_len(b) - s->outq.sent;
    p = ngx_http_realtime_blob_frame(b) + s->outq.sent;

    if (len < NGX_HTTP_REALTIME_SCRATCH_SIZE
        && len < s->outq.bytes - s->outq.sent)
    {
        p = ws->tp->out;
        len = ngx_http_realtime_outq_gather(&s->outq, p,
                                            NGX_HTTP_REALTIME_SCRATCH_SIZE);
    }

    n = ws->c->send(ws->c, p, len);

    if (n == NGX_ERROR || n == 0) {
        return NGX_ERROR;
    }

    if (n == NGX_AGAIN) {
        return NGX_AGAIN;
    }

    ngx_http_realtime_outq_consume(&s->outq, &s->set->stock, n);

    return ((size_t) n < len) ? NGX_AGAIN : NGX_OK;
}


static void
ngx_http_realtime_websocket_close(ngx_http_realtime_session_t *s)
{
    ngx_int_t                       rc;
    ngx_http_realtime_websocket_t  *ws = s->carrier;

    s->carrier = NULL;
    s->transport = NULL;
    ws->session = NULL;

    if (ws->c == NULL || s->reason == NGX_HTTP_REALTIME_CLOSED_TRANSPORT) {
        ngx_http_realtime_websocket_drop(ws);
        return;
    }

    do {
        rc = ngx_http_realtime_websocket_send_some(ws, s);
    } while (rc == NGX_OK);

    if (rc != NGX_DONE) {

        /* in the midst of a frame, or gone: nothing can be said any more */

        ws->c->error = 1;
        ngx_http_realtime_websocket_drop(ws);
        return;
    }

    if (ws->code == 0 && s->reason == NGX_HTTP_REALTIME_CLOSED_SHUTDOWN) {
        ws->code = RT_WS_GOING_AWAY;
    }

    ngx_http_realtime_websocket_end(ws, ws->code);
}


ngx_int_t
ngx_http_realtime_websocket_say(ngx_http_realtime_websocket_t *ws,
    uint8_t opcode, rt_str_t payload)
{
    size_t  n;
    u_char  frame[RT_WS_HEAD_MAX + RT_WS_CONTROL_MAX];

    n = rt_ws_write_head(frame, opcode, payload.len, 0);

    if (payload.len) {
        ngx_memcpy(frame + n, payload.data, payload.len);
    }

    n += payload.len;

    return ws->c->send(ws->c, frame, n) == (ssize_t) n ? NGX_OK : NGX_ERROR;
}


/*
 * "ws" stays until the client has answered, gone, or not done so in time; a
 * client that closed first has nothing more to say.  Not freed here: callers
 * may be in the midst of its input.
 */

void
ngx_http_realtime_websocket_end(ngx_http_realtime_websocket_t *ws,
    uint16_t code)
{
    size_t      n;
    u_char      frame[RT_WS_HEAD_MAX + 2];
    ngx_msec_t  linger = NGX_HTTP_REALTIME_LINGER;

    if (ws->lingering) {
        return;
    }

    ws->lingering = 1;
    ws->paused = 0;
    ws->tp->lingering++;

    n = rt_ws_write_head(frame, RT_WS_CLOSE, code ? 2 : 0, 0);

    if (code) {
        frame[n++] = code >> 8;
        frame[n++] = code & 0xff;
    }

    if (ws->c->send(ws->c, frame, n) != (ssize_t) n || ws->closed) {
        linger = 0;

    } else if (ws->broken) {

        /* no answer that we would understand: just do not cut off ours */

        (void) ngx_shutdown_socket(ws->c->fd, NGX_WRITE_SHUTDOWN);
    }

    (void) ngx_http_realtime_beat_set(&ws->tp->set->beats, &ws->beat,
                                      ngx_http_realtime_websocket_lingered,
                                      linger, ngx_current_msec);
}


static void
ngx_http_realtime_websocket_lingered(void *ctx,
    ngx_http_realtime_beat_t *beat)
{
    ngx_http_realtime_websocket_drop(ngx_queue_data(beat,
                                     ngx_http_realtime_websocket_t, beat));
}


void
ngx_http_realtime_websocket_drop(ngx_http_realtime_websocket_t *ws)
{
    ngx_connection_t  *c = ws->c;

    if (ws->lingering) {
        ws->lingering = 0;
        ws->tp->lingering--;
    }

    ngx_http_realtime_beat_stop(&ws->beat);
    ngx_http_realtime_hoard_free(&ws->message);
    ngx_http_realtime_hoard_free(&ws->control);

    if (c) {
        ws->c = NULL;
        ngx_http_close_connection(c);
    }

    if (ws->probe && ngx_http_realtime_upgrade_gone(ws) != NGX_OK) {
        return;                         /* a session is on its way to it */
    }

    ngx_free(ws);
}


void
ngx_http_realtime_websocket_abandon(ngx_cycle_t *cycle)
{
    ngx_uint_t         i;
    ngx_connection_t  *c = cycle->connections;

    for (i = 0; i < cycle->connection_n; i++) {
        if (c[i].fd != (ngx_socket_t) -1 && c[i].read
            && c[i].read->handler == ngx_http_realtime_websocket_read_handler)
        {
            c[i].read->channel = 1;
        }
    }
}
