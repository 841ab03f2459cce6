
#include "transport/ngx_http_realtime_post.h"

#include "base/rt_base64.h"
#include "proto/rt_eio.h"


static void ngx_http_realtime_polling_flush(ngx_http_realtime_session_t *s);
static void ngx_http_realtime_polling_close(ngx_http_realtime_session_t *s);
static ngx_uint_t ngx_http_realtime_polling_listens(
    ngx_http_realtime_session_t *s);
static void ngx_http_realtime_polling_waited(void *ctx,
    ngx_http_realtime_beat_t *beat);
static void ngx_http_realtime_polling_answer(ngx_http_realtime_polling_t *p,
    rt_str_t body);
static rt_str_t ngx_http_realtime_polling_gather(
    ngx_http_realtime_session_t *s, rt_str_t last);
static size_t ngx_http_realtime_polling_size(ngx_http_realtime_session_t *s,
    ngx_uint_t *n);
static u_char *ngx_http_realtime_polling_put(u_char *p,
    ngx_http_realtime_blob_t *b);
static void ngx_http_realtime_polling_lost_one(void *ctx,
    ngx_http_realtime_session_t *s);


const ngx_http_realtime_transport_t  ngx_http_realtime_polling = {
    NGX_HTTP_REALTIME_POLLING,
    ngx_http_realtime_polling_flush,
    ngx_http_realtime_polling_close,
    ngx_http_realtime_polling_listens,
    ngx_http_realtime_polling_listens,
    NULL,
    ngx_http_realtime_post_go_on
};


/* python-engineio refuses an answer with more packets */
#define NGX_HTTP_REALTIME_POLLING_PACKETS  16

/* how long a GET that comes while a WebSocket probes is kept, ms */
#define NGX_HTTP_REALTIME_POLLING_WAIT     100


ngx_int_t
ngx_http_realtime_polling_open(ngx_http_realtime_transports_t *tp,
    ngx_http_realtime_session_conf_t *conf, ngx_http_realtime_session_t **s)
{
    ngx_int_t                     rc;
    ngx_http_realtime_polling_t  *p;

    p = ngx_calloc(sizeof(ngx_http_realtime_polling_t), tp->log);
    if (p == NULL) {
        return NGX_ERROR;
    }

    p->tp = tp;

    rc = ngx_http_realtime_session_open(tp->set, conf,
                                        &ngx_http_realtime_polling, p, s);
    if (rc != NGX_OK) {
        ngx_free(p);
        return rc;
    }

    p->session = *s;

    return NGX_OK;
}


ngx_int_t
ngx_http_realtime_polling_admit(ngx_http_realtime_session_t *s,
    ngx_http_realtime_entry_t *e, ngx_http_realtime_transports_t *tp)
{
    if (s->transport != &ngx_http_realtime_polling) {
        ngx_http_realtime_operation_refuse(tp, e->from, e->handle,
                                           NGX_HTTP_REALTIME_BAD_REQUEST);
        return NGX_DECLINED;
    }

    if (ngx_http_realtime_session_expired(s)) {
        ngx_http_realtime_operation_refuse(tp, e->from, e->handle,
                                           NGX_HTTP_REALTIME_UNKNOWN_SID);
        ngx_http_realtime_session_close(s,
                                       NGX_HTTP_REALTIME_CLOSED_PING_TIMEOUT);
        return NGX_DECLINED;
    }

    return NGX_OK;
}


void
ngx_http_realtime_polling_poll(ngx_http_realtime_session_t *s,
    ngx_http_realtime_entry_t *e, ngx_http_realtime_transports_t *tp)
{
    ngx_http_realtime_polling_t  *p = s->carrier;

    if (ngx_http_realtime_polling_admit(s, e, tp) != NGX_OK) {
        return;
    }

    if (p->handle) {

        /* two at once: the first is told to close, the second is refused */

        ngx_http_realtime_operation_refuse(tp, e->from, e->handle,
                                           NGX_HTTP_REALTIME_BAD_REQUEST);
        ngx_http_realtime_session_close(s, NGX_HTTP_REALTIME_CLOSED_FORCED);
        return;
    }

    p->from = e->from;
    p->handle = e->handle;
    p->late = (s->state == NGX_HTTP_REALTIME_SESSION_UPGRADING);

    if (p->bye) {
        ngx_http_realtime_polling_answer(p, rt_lit("6"));
        ngx_http_realtime_session_close(s, NGX_HTTP_REALTIME_CLOSED_BY_CLIENT);

    } else if (!ngx_http_realtime_outq_empty(&s->outq)) {
        ngx_http_realtime_session_touch(s);

    } else if (p->late) {

        /* sent home so that the upgrade can go on, unless it just did */

        (void) ngx_http_realtime_beat_set(&s->set->beats, &p->wait,
                                          ngx_http_realtime_polling_waited,
                                          NGX_HTTP_REALTIME_POLLING_WAIT,
                                          ngx_current_msec);
    }
}


static void
ngx_http_realtime_polling_waited(void *ctx, ngx_http_realtime_beat_t *beat)
{
    ngx_http_realtime_polling_t  *p;

    p = ngx_queue_data(beat, ngx_http_realtime_polling_t, wait);

    ngx_http_realtime_polling_noop(p->session);
}


static void
ngx_http_realtime_polling_flush(ngx_http_realtime_session_t *s)
{
    rt_str_t                      body;
    ngx_http_realtime_polling_t  *p = s->carrier;

    if (p->handle == 0 || ngx_http_realtime_outq_empty(&s->outq)) {
        return;
    }

    body = ngx_http_realtime_polling_gather(s, rt_lit(""));

    if (body.data) {
        ngx_http_realtime_polling_answer(p, body);
        ngx_free((void *) body.data);
        ngx_http_realtime_session_sent(s);
    }
}


/* a parked GET is answered; nobody's turn until the next one */

static void
ngx_http_realtime_polling_answer(ngx_http_realtime_polling_t *p, rt_str_t body)
{
    uint64_t  handle = p->handle;

    p->handle = 0;
    ngx_http_realtime_beat_stop(&p->wait);

    ngx_http_realtime_operation_answer(p->tp, p->from, handle, NGX_HTTP_OK,
                                       body);
}


/*
 * The first packets of the queue, and "last" if it is not empty, as a body
 * that the caller frees; "data" NULL: no memory, the session was closed.
 */

static rt_str_t
ngx_http_realtime_polling_gather(ngx_http_realtime_session_t *s, rt_str_t last)
{
    size_t       size;
    u_char      *body, *p;
    ngx_uint_t   n;

    size = ngx_http_realtime_polling_size(s, &n) + 1 + last.len;

    body = ngx_alloc(size, s->set->log);
    if (body == NULL) {
        ngx_http_realtime_session_close(s, NGX_HTTP_REALTIME_CLOSED_FORCED);
        return rt_str(0, NULL);
    }

    p = body;

    while (n--) {
        p = ngx_http_realtime_polling_put(p,
                                    ngx_http_realtime_outq_first(&s->outq));
        ngx_http_realtime_outq_pop(&s->outq, &s->set->stock);

        if (n || last.len) {
            *p++ = RT_EIO_SEPARATOR;
        }
    }

    if (last.len) {
        p = ngx_cpymem(p, last.data, last.len);
    }

    return rt_str(p - body, body);
}


/*
 * Room for the first packets with a separator each; "*n": how many, so that
 * the answer fits into the log, should it have to go to another worker.
 */

static size_t
ngx_http_realtime_polling_size(ngx_http_realtime_session_t *s, ngx_uint_t *n)
{
    size_t                           len, size = 0, most;
    uint32_t                         i;
    ngx_http_realtime_blob_t        *b;
    ngx_http_realtime_outq_chunk_t  *chunk;

    *n = 0;
    most = rt_ring_max(s->set->bus->zone->ring->size) / 2;

    for (chunk = s->outq.head; chunk; chunk = chunk->next) {
        for (i = chunk->first; i < chunk->last; i++) {

            b = chunk->blobs[i];
            len = 2 + ((b->opcode == RT_WS_BINARY) ? rt_base64_size(b->len)
                                                   : b->len);

            if (*n == NGX_HTTP_REALTIME_POLLING_PACKETS
                || (*n && size + len > most))
            {
                return size;
            }

            size += len;
            (*n)++;
        }
    }

    return size;
}


static u_char *
ngx_http_realtime_polling_put(u_char *p, ngx_http_realtime_blob_t *b)
{
    rt_str_t  payload;

    payload = rt_str(b->len, ngx_http_realtime_blob_payload(b));

    if (b->opcode == RT_WS_BINARY) {
        *p++ = 'b';
        return p + rt_base64_encode(p, payload);
    }

    return ngx_cpymem(p, payload.data, payload.len);
}


/*
 * The client dropped a GET that had not been answered, or whose answer was on
 * its way and lost with it: a gap, either way.
 */

void
ngx_http_realtime_polling_abort(ngx_http_realtime_session_t *s,
    ngx_http_realtime_entry_t *e)
{
    ngx_http_realtime_polling_t  *p = s->carrier;

    if (s->transport != &ngx_http_realtime_polling) {
        return;
    }

    if (p->handle == e->handle && p->from.slot == e->from.slot) {
        p->handle = 0;
    }

    ngx_http_realtime_session_close(s, NGX_HTTP_REALTIME_CLOSED_TRANSPORT);
}


void
ngx_http_realtime_polling_lost(ngx_http_realtime_transports_t *tp,
    ngx_http_realtime_wid_t gone)
{
    ngx_http_realtime_sessions_each(tp->set,
                                    ngx_http_realtime_polling_lost_one, &gone);
}


static void
ngx_http_realtime_polling_lost_one(void *ctx, ngx_http_realtime_session_t *s)
{
    ngx_http_realtime_wid_t      *gone = ctx;
    ngx_http_realtime_polling_t  *p = s->carrier;

    if (s->transport != &ngx_http_realtime_polling) {
        return;
    }

    if (p->handle && p->from.slot == gone->slot
        && p->from.generation < gone->generation)
    {
        p->handle = 0;
        ngx_http_realtime_session_close(s, NGX_HTTP_REALTIME_CLOSED_TRANSPORT);
        return;
    }

    if (s->state == NGX_HTTP_REALTIME_SESSION_UPGRADING
        && p->prober.slot == gone->slot
        && p->prober.generation < gone->generation)
    {
        (void) ngx_http_realtime_session_move(s,
                                              NGX_HTTP_REALTIME_SESSION_OPEN);
    }
}


void
ngx_http_realtime_polling_release(ngx_http_realtime_session_t *s,
    ngx_http_realtime_entry_t *e)
{
    ngx_http_realtime_polling_t  *p = s->carrier;

    if (s->transport == &ngx_http_realtime_polling
        && p->handle == e->handle
        && p->from.slot == e->from.slot)
    {
        ngx_http_realtime_polling_answer(p, rt_lit("6"));
    }
}


void
ngx_http_realtime_polling_noop(ngx_http_realtime_session_t *s)
{
    ngx_http_realtime_polling_t  *p = s->carrier;

    if (p->handle == 0) {
        return;
    }

    if (ngx_http_realtime_outq_empty(&s->outq)) {
        ngx_http_realtime_polling_answer(p, rt_lit("6"));

    } else {
        ngx_http_realtime_polling_flush(s);
    }
}


void
ngx_http_realtime_polling_home(ngx_http_realtime_session_t *s)
{
    uint64_t                      handle;
    ngx_http_realtime_polling_t  *p = s->carrier;

    ngx_http_realtime_beat_stop(&p->wait);

    if (p->handle && p->late) {
        handle = p->handle;
        p->handle = 0;

        ngx_http_realtime_operation_refuse(p->tp, p->from, handle,
                                           NGX_HTTP_REALTIME_BAD_REQUEST);

    } else if (p->handle) {
        ngx_http_realtime_polling_answer(p, rt_lit("6"));
    }
}


void
ngx_http_realtime_polling_leave(ngx_http_realtime_session_t *s)
{
    ngx_http_realtime_polling_home(s);

    ngx_free(s->carrier);

    s->carrier = NULL;
    s->transport = NULL;
}


static ngx_uint_t
ngx_http_realtime_polling_listens(ngx_http_realtime_session_t *s)
{
    ngx_http_realtime_polling_t  *p = s->carrier;

    return p->handle != 0;
}


/* what waited goes out before the close packet */

static void
ngx_http_realtime_polling_close(ngx_http_realtime_session_t *s)
{
    rt_str_t                      body;
    ngx_http_realtime_polling_t  *p = s->carrier;

    if (p->handle == 0) {
        /* nobody to tell */

    } else if (s->reason == NGX_HTTP_REALTIME_CLOSED_BY_CLIENT) {
        ngx_http_realtime_polling_answer(p, rt_lit("6"));

    } else {

        /*
         * Events before a close packet: socket.io-client hands them on when
         * it has come back, and those again that it is given then.
         */

        if (s->recoverable) {
            ngx_http_realtime_outq_clear(&s->outq, &s->set->stock);
        }

        body = ngx_http_realtime_polling_gather(s, rt_lit("1"));

        if (body.data) {
            ngx_http_realtime_polling_answer(p, body);
            ngx_free((void *) body.data);
        }
    }

    ngx_http_realtime_beat_stop(&p->wait);

    ngx_http_realtime_post_end(p);

    if (p->bye) {
        ngx_http_realtime_operation_answer(p->tp, p->bye_from, p->bye,
                                           NGX_HTTP_OK, rt_lit("ok"));
    }

    ngx_free(p);

    s->carrier = NULL;
    s->transport = NULL;
}
