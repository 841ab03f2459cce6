
#include "hub/ngx_http_realtime_replay.h"
#include "hub/ngx_http_realtime_command.h"


typedef struct {
    ngx_http_realtime_hub_t     *hub;
    ngx_http_realtime_socket_t  *socket;
    ngx_uint_t                   n;         /* entries that may be read */
    uint64_t                     last;      /* the command that ends it, or
                                               0 */
} ngx_http_realtime_replayer_t;


static void ngx_http_realtime_replay_handler(ngx_event_t *ev);
static ngx_uint_t ngx_http_realtime_replay_step(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_replay_t *r, ngx_uint_t *budget);
static void ngx_http_realtime_replay_done(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_socket_t *sk);
static void ngx_http_realtime_replay_let_go(ngx_http_realtime_replay_t *r);
static ngx_int_t ngx_http_realtime_replay_command(
    ngx_http_realtime_replayer_t *rp, ngx_http_realtime_entry_t *e);
static ngx_int_t ngx_http_realtime_replay_one(void *ctx,
    ngx_http_realtime_entry_t *e, uint64_t pos);


/* entries that are read in one turn for all who come back, and for each */
#define NGX_HTTP_REALTIME_REPLAY_BATCH  4096
#define NGX_HTTP_REALTIME_REPLAY_STEP   256

/* what goes out together with a CONNECT: one segment, one polling answer */
#define NGX_HTTP_REALTIME_HELD_BYTES  1200


void
ngx_http_realtime_replay_init(ngx_http_realtime_hub_t *hub)
{
    ngx_queue_init(&hub->replays);

    hub->replay.handler = ngx_http_realtime_replay_handler;
    hub->replay.data = hub;
    hub->replay.log = hub->log;
}


ngx_int_t
ngx_http_realtime_replay_begin(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_socket_t *sk, uint64_t from, uint64_t commands,
    ngx_uint_t connected)
{
    ngx_http_realtime_replay_t  *r;

    r = ngx_calloc(sizeof(ngx_http_realtime_replay_t), hub->log);
    if (r == NULL) {
        return NGX_ERROR;
    }

    r->socket = sk;
    r->from = from;
    r->begin = from;
    r->commands = commands;
    r->connected = connected;

    sk->replay = r;
    sk->session->replaying = 1;

    ngx_queue_insert_tail(&hub->replays, &r->queue);
    ngx_post_event(&hub->replay, &ngx_posted_events);

    return NGX_OK;
}


void
ngx_http_realtime_replay_end(ngx_http_realtime_socket_t *sk)
{
    ngx_http_realtime_socket_t   *other;
    ngx_http_realtime_session_t  *s = sk->session;

    if (sk->replay == NULL) {
        return;
    }

    while (sk->replay->n) {
        ngx_http_realtime_blob_free(sk->replay->held[--sk->replay->n]);
    }

    if (sk->replay->joined) {
        ngx_free(sk->replay->joined);
    }

    ngx_queue_remove(&sk->replay->queue);
    ngx_free(sk->replay);

    sk->replay = NULL;
    s->replaying = 0;

    for (other = s->sockets; other; other = other->next) {
        if (other->replay) {
            s->replaying = 1;
        }
    }
}


ngx_int_t
ngx_http_realtime_replay_joined(ngx_http_realtime_socket_t *sk,
    uint64_t hash, uint64_t since)
{
    size_t                       size;
    ngx_uint_t                   i;
    ngx_http_realtime_replay_t  *r = sk->replay;
    ngx_http_realtime_joined_t  *joined;

    for (i = 0; i < r->njoined; i++) {
        if (r->joined[i].hash == hash) {
            r->joined[i].since = since;     /* left, and joined again */
            return NGX_OK;
        }
    }

    size = r->njoined * sizeof(ngx_http_realtime_joined_t);

    joined = ngx_alloc(size + sizeof(ngx_http_realtime_joined_t),
                       sk->session->set->log);
    if (joined == NULL) {
        return NGX_ERROR;
    }

    if (r->joined) {
        ngx_memcpy(joined, r->joined, size);
        ngx_free(r->joined);
    }

    joined[r->njoined].hash = hash;
    joined[r->njoined].since = since;

    r->joined = joined;
    r->njoined++;

    return NGX_OK;
}


ngx_uint_t
ngx_http_realtime_replay_was_in(ngx_http_realtime_socket_t *sk,
    ngx_http_realtime_room_t *room, uint64_t end)
{
    ngx_uint_t                   i;
    ngx_http_realtime_replay_t  *r = sk->replay;

    for (i = 0; i < r->njoined; i++) {
        if (r->joined[i].hash == room->hash) {
            return end > r->joined[i].since;
        }
    }

    return 1;
}


ngx_int_t
ngx_http_realtime_replay_hold(ngx_http_realtime_socket_t *sk,
    ngx_http_realtime_blob_t *b)
{
    ngx_http_realtime_replay_t  *r = sk->replay;

    if (r->connected) {
        return NGX_DECLINED;
    }

    r->bytes += ngx_http_realtime_blob_frame_len(b);

    if (r->n < NGX_HTTP_REALTIME_HELD_MAX
        && r->bytes <= NGX_HTTP_REALTIME_HELD_BYTES)
    {
        r->held[r->n++] = b;
        b->refs++;

        return NGX_OK;
    }

    ngx_http_realtime_replay_connect(sk);

    return NGX_DECLINED;
}


void
ngx_http_realtime_replay_connect(ngx_http_realtime_socket_t *sk)
{
    ngx_http_realtime_hub_t  *hub = sk->session->set->data;

    if (sk->replay && !sk->replay->connected) {
        hub->on_return(sk);
        ngx_http_realtime_replay_let_go(sk->replay);
    }
}


void
ngx_http_realtime_replay_sure(ngx_http_realtime_socket_t *sk)
{
    ngx_http_realtime_hub_t  *hub = sk->session->set->data;

    if (sk->replay && sk->replay->doubts && --sk->replay->doubts == 0) {
        ngx_post_event(&hub->replay, &ngx_posted_events);
    }
}


/* what is held goes out */

static void
ngx_http_realtime_replay_let_go(ngx_http_realtime_replay_t *r)
{
    ngx_uint_t  i, n = r->n;

    r->n = 0;
    r->connected = 1;

    for (i = 0; i < n; i++) {
        ngx_http_realtime_session_send(r->socket->session, r->held[i]);
        ngx_http_realtime_blob_free(r->held[i]);
    }
}


void
ngx_http_realtime_replay_drained(ngx_http_realtime_session_t *s)
{
    ngx_http_realtime_hub_t  *hub = s->set->data;

    ngx_post_event(&hub->replay, &ngx_posted_next_events);
}


/* everybody has a turn; who has a full queue is called on when it drains */

static void
ngx_http_realtime_replay_handler(ngx_event_t *ev)
{
    ngx_uint_t                   more = 0, budget;
    ngx_queue_t                 *q, *next, *last;
    ngx_http_realtime_hub_t     *hub = ev->data;
    ngx_http_realtime_replay_t  *r;

    budget = NGX_HTTP_REALTIME_REPLAY_BATCH;
    last = ngx_queue_last(&hub->replays);

    for (q = ngx_queue_head(&hub->replays);
         q != ngx_queue_sentinel(&hub->replays);
         q = next)
    {
        next = (q == last) ? ngx_queue_sentinel(&hub->replays)
                           : ngx_queue_next(q);

        r = ngx_queue_data(q, ngx_http_realtime_replay_t, queue);

        if (budget == 0) {
            more = 1;
            break;
        }

        more |= ngx_http_realtime_replay_step(hub, r, &budget);
    }

    if (more) {
        ngx_post_event(ev, &ngx_posted_next_events);
    }
}


/* whether there is more that could be done at once; "r" may be gone */

static ngx_uint_t
ngx_http_realtime_replay_step(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_replay_t *r, ngx_uint_t *budget)
{
    uint64_t                       to;
    ngx_int_t                      rc = NGX_OK;
    ngx_uint_t                     most;
    ngx_http_realtime_socket_t    *sk = r->socket;
    ngx_http_realtime_session_t   *s = sk->session;
    ngx_http_realtime_replayer_t   ctx = { hub, sk, 0, 0 };

    if (r->doubts || !ngx_http_realtime_session_alive(s)
        || s->outq.bytes >= ngx_http_realtime_session_refill(s))
    {
        return 0;
    }

    to = ngx_http_realtime_session_position(s);
    most = ngx_min(*budget, NGX_HTTP_REALTIME_REPLAY_STEP);

    ctx.n = most;

    if (r->from < to) {
        rc = ngx_http_realtime_bus_replay(hub->bus, &r->from, to,
                                          ngx_http_realtime_replay_one, &ctx);
    }

    *budget -= most - ctx.n;

    if (ctx.last) {
        ngx_http_realtime_command_end(sk, ctx.last);
        return 0;
    }

    if (rc != NGX_OK) {
        ngx_log_error(NGX_LOG_INFO, hub->log, 0,
                      "realtime session %*s: closed, the log was faster than "
                      "the client that came back to read it",
                      (size_t) RT_ID_LEN, s->sid);

        ngx_http_realtime_session_close(s, NGX_HTTP_REALTIME_CLOSED_FORCED);
        return 0;
    }

    if (!ngx_http_realtime_session_alive(s)) {
        return 0;
    }

    if (r->from < to) {

        /* others first */

        ngx_queue_remove(&r->queue);
        ngx_queue_insert_tail(&hub->replays, &r->queue);

        return s->outq.bytes < ngx_http_realtime_session_refill(s);
    }

    ngx_http_realtime_replay_done(hub, sk);

    return 0;
}


/* from now on it is one like all others */

static void
ngx_http_realtime_replay_done(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_socket_t *sk)
{
    if (!sk->replay->connected) {
        ngx_http_realtime_replay_let_go(sk->replay);
        hub->on_return(sk);
    }

    ngx_http_realtime_replay_end(sk);
    ngx_http_realtime_socket_save(sk, 1);

    hub->on_recovered(sk);
}


/* NGX_DONE: it is to go */

static ngx_int_t
ngx_http_realtime_replay_command(ngx_http_realtime_replayer_t *rp,
    ngx_http_realtime_entry_t *e)
{
    if (ngx_http_realtime_command_ends(e)) {
        rp->last = ngx_http_realtime_chosen(e, rp->socket) ? e->number : 0;

    } else {
        ngx_http_realtime_command_one(rp->hub, e, rp->socket);
    }

    rp->socket->replay->commands = e->end;

    return rp->last ? NGX_DONE : NGX_OK;
}


static ngx_int_t
ngx_http_realtime_replay_one(void *ctx, ngx_http_realtime_entry_t *e,
    uint64_t pos)
{
    ngx_http_realtime_replayer_t  *rp = ctx;
    ngx_http_realtime_session_t   *s = rp->socket->session;

    if (e->type == NGX_HTTP_REALTIME_ENTRY_BROADCAST
        && !(e->flags & NGX_HTTP_REALTIME_ENTRY_VOLATILE))
    {
        ngx_http_realtime_deliver_one(rp->hub, e, rp->socket);

    } else if (e->type == NGX_HTTP_REALTIME_ENTRY_COMMAND
               && pos >= rp->socket->replay->commands
               && ngx_http_realtime_replay_command(rp, e) != NGX_OK)
    {
        return NGX_DONE;
    }

    return (--rp->n
            && ngx_http_realtime_session_alive(s)
            && s->outq.bytes < ngx_http_realtime_session_refill(s))
           ? NGX_OK : NGX_DONE;
}
