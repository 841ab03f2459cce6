
#include "hub/ngx_http_realtime_choose.h"
#include "hub/ngx_http_realtime_replay.h"


/* a packet of the log as blobs, made for the first who gets it */

typedef struct {
    ngx_http_realtime_hub_t   *hub;
    ngx_http_realtime_entry_t *entry;
    ngx_http_realtime_blob_t  *text[2];     /* without an offset, and with */
    ngx_http_realtime_blob_t  *attachments[RT_SIO_MAX_ATTACHMENTS];
    ngx_uint_t                 n;           /* of these */
    uint64_t                   pos;         /* of the entry */
} ngx_http_realtime_delivery_t;


/* how far a session gets ahead of the others */

typedef struct {
    ngx_http_realtime_session_t  *session;
    uint64_t                      end;
} ngx_http_realtime_ahead_t;


static void ngx_http_realtime_emit_entry(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_emit_t *m, ngx_http_realtime_entry_t *e);
static size_t ngx_http_realtime_emit_size(ngx_http_realtime_emit_t *m);
static u_char *ngx_http_realtime_emit_packets(ngx_http_realtime_emit_t *m,
    u_char *p);
static void ngx_http_realtime_deliver_each(void *ctx,
    ngx_http_realtime_socket_t *sk);
static ngx_int_t ngx_http_realtime_catch_up_one(void *ctx,
    ngx_http_realtime_entry_t *e, uint64_t pos);
static void ngx_http_realtime_deliver_send(ngx_http_realtime_delivery_t *d,
    ngx_http_realtime_socket_t *sk);
static void ngx_http_realtime_deliver_blob(ngx_http_realtime_socket_t *sk,
    ngx_http_realtime_blob_t *b);
static ngx_int_t ngx_http_realtime_delivery_make(
    ngx_http_realtime_delivery_t *d, ngx_uint_t offset);
static ngx_http_realtime_blob_t *ngx_http_realtime_delivery_text(
    ngx_http_realtime_sessions_t *set, ngx_http_realtime_entry_t *e,
    rt_str_t packet, ngx_uint_t offset);
static void ngx_http_realtime_delivery_init(ngx_http_realtime_delivery_t *d,
    ngx_http_realtime_hub_t *hub, ngx_http_realtime_entry_t *e, uint64_t pos);
static void ngx_http_realtime_delivery_free(ngx_http_realtime_delivery_t *d);


/* the least that a scratch is made with */
#define NGX_HTTP_REALTIME_SCRATCH  8192

/* what is kept of it between one use and the next, bytes */
#define NGX_HTTP_REALTIME_SCRATCH_KEPT  (1024 * 1024)


ngx_int_t
ngx_http_realtime_hub_init(ngx_http_realtime_hub_t *hub)
{
    /* nothing is allocated under the state mutex */

    if (ngx_http_realtime_scratch(&hub->entry, NGX_HTTP_REALTIME_LOCKED_MAX,
                                  hub->log)
        == NULL
        || ngx_http_realtime_scratch(&hub->args, NGX_HTTP_REALTIME_LOCKED_MAX,
                                     hub->log)
           == NULL)
    {
        return NGX_ERROR;
    }

    hub->review.bucket = NGX_HTTP_REALTIME_REVIEWED;

    return ngx_http_realtime_rooms_init(&hub->rooms, &hub->bus->zone->sh->key,
                                        hub->log);
}


u_char *
ngx_http_realtime_scratch(ngx_http_realtime_scratch_t *sc, size_t size,
    ngx_log_t *log)
{
    u_char  *data;

    if (size <= sc->size && sc->data) {
        return sc->data;
    }

    size = ngx_max(size, sc->size * 2);
    size = ngx_max(size, NGX_HTTP_REALTIME_SCRATCH);

    data = ngx_alloc(size, log);
    if (data == NULL) {
        return NULL;
    }

    if (sc->data) {
        ngx_memcpy(data, sc->data, sc->size);
        ngx_free(sc->data);
    }

    sc->data = data;
    sc->size = size;

    return data;
}


void
ngx_http_realtime_scratch_trim(ngx_http_realtime_scratch_t *sc)
{
    if (sc->size > NGX_HTTP_REALTIME_SCRATCH_KEPT) {
        ngx_free(sc->data);
        sc->data = NULL;
        sc->size = 0;
    }
}


ngx_int_t
ngx_http_realtime_emit(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_emit_t *m)
{
    ngx_http_realtime_entry_t  e;

    if (ngx_http_realtime_scratch(&hub->entry, ngx_http_realtime_emit_size(m),
                                  hub->log)
        == NULL)
    {
        return NGX_ERROR;
    }

    ngx_http_realtime_emit_entry(hub, m, &e);

    return ngx_http_realtime_bus_append(hub->bus, &e);
}


ngx_int_t
ngx_http_realtime_emit_locked(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_emit_t *m)
{
    ngx_http_realtime_entry_t  e;

    if (ngx_http_realtime_emit_size(m) > hub->entry.size) {
        return NGX_DECLINED;
    }

    ngx_http_realtime_emit_entry(hub, m, &e);

    return ngx_http_realtime_bus_put(hub->bus, &e);
}


static void
ngx_http_realtime_emit_entry(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_emit_t *m, ngx_http_realtime_entry_t *e)
{
    u_char  *p = hub->entry.data;

    ngx_memzero(e, sizeof(ngx_http_realtime_entry_t));

    e->type = NGX_HTTP_REALTIME_ENTRY_BROADCAST;
    e->nsp = m->nsp;
    e->sid = m->reply_sid;
    e->reply = m->reply;
    e->rooms = m->rooms;
    e->within = m->within;
    e->except = m->excepts;
    e->flags = m->flags;
    e->handle = m->people;

    if (m->room.len) {
        e->rooms.data = p;
        p = ngx_http_realtime_list_put(p, m->room, 0);
        e->rooms.len = p - e->rooms.data;
    }

    if (m->except.len) {
        e->except.data = p;
        p = ngx_http_realtime_list_put(p, m->except, 0);
        e->except.len = p - e->except.data;
    }

    e->packets.data = p;
    p = ngx_http_realtime_emit_packets(m, p);
    e->packets.len = p - e->packets.data;

    ngx_http_realtime_count(hub->bus, BROADCASTS);
}


#define ngx_http_realtime_emit_packet_size(m)                                 \
    (ngx_http_realtime_socket_head_size((m)->nsp.len) + 4 + (m)->event.len    \
     + (m)->args.len)


static size_t
ngx_http_realtime_emit_size(ngx_http_realtime_emit_t *m)
{
    size_t      size;
    ngx_uint_t  i;

    size = ngx_http_realtime_list_size(m->room.len)
           + ngx_http_realtime_list_size(m->except.len)
           + ngx_http_realtime_list_size(
                                      ngx_http_realtime_emit_packet_size(m));

    for (i = 0; i < m->n; i++) {
        size += ngx_http_realtime_list_size(m->attachments[i].len);
    }

    return size;
}


/* the list of packets at "p", one past it */

static u_char *
ngx_http_realtime_emit_packets(ngx_http_realtime_emit_t *m, u_char *p)
{
    size_t      len;
    rt_buf_t    b;
    ngx_uint_t  i;

    /* the text is written in place, its length afterwards */

    rt_buf_init(&b, p + ngx_http_realtime_list_size(0),
                ngx_http_realtime_emit_packet_size(m));

    ngx_http_realtime_socket_put_head(&b, m->nsp, RT_SIO_EVENT, m->n, -1);
    rt_buf_char(&b, '[');
    rt_buf_put(&b, m->event);

    if (m->args.len) {
        rt_buf_char(&b, ',');
        rt_buf_put(&b, m->args);
    }

    rt_buf_char(&b, ']');

    len = rt_buf_str(&b).len;

    p = ngx_http_realtime_list_head(p, len, 0) + len;

    for (i = 0; i < m->n; i++) {
        p = ngx_http_realtime_list_put(p, m->attachments[i], 1);
    }

    return p;
}


void
ngx_http_realtime_deliver(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_entry_t *e, uint64_t pos)
{
    ngx_http_realtime_session_t   *s;
    ngx_http_realtime_delivery_t   d;

    ngx_http_realtime_delivery_init(&d, hub, e, pos);
    ngx_http_realtime_choose(hub, e, ngx_http_realtime_deliver_each, &d);
    ngx_http_realtime_delivery_free(&d);

    if (e->reply.len == 0) {
        return;
    }

    s = ngx_http_realtime_session_find(hub->set, e->sid);

    if (s && pos >= s->from) {
        ngx_http_realtime_session_send_text(s, e->reply);
    }
}


static void
ngx_http_realtime_deliver_each(void *ctx, ngx_http_realtime_socket_t *sk)
{
    ngx_http_realtime_delivery_t  *d = ctx;

    if (d->pos >= sk->session->from && sk->replay == NULL) {
        ngx_http_realtime_deliver_send(d, sk);
    }
}


void
ngx_http_realtime_deliver_to(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_entry_t *e, ngx_http_realtime_session_t *s)
{
    ngx_http_realtime_socket_t    *sk;

    for (sk = s->sockets; sk; sk = sk->next) {
        if (sk->replay == NULL) {
            ngx_http_realtime_deliver_one(hub, e, sk);
        }
    }

    if (e->reply.len
        && rt_str_eq(e->sid, ngx_http_realtime_session_sid(s)))
    {
        ngx_http_realtime_session_send_text(s, e->reply);
    }
}


void
ngx_http_realtime_deliver_one(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_entry_t *e, ngx_http_realtime_socket_t *sk)
{
    ngx_http_realtime_delivery_t  d;

    if (ngx_http_realtime_chosen(e, sk)) {
        ngx_http_realtime_delivery_init(&d, hub, e, 0);
        ngx_http_realtime_deliver_send(&d, sk);
        ngx_http_realtime_delivery_free(&d);
    }
}


void
ngx_http_realtime_catch_up(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_session_t *s)
{
    uint64_t                    from;
    ngx_http_realtime_ahead_t   ahead;

    from = ngx_max(hub->bus->cursor, s->from);

    if (s->emitted <= from || s->arriving) {
        return;
    }

    ahead.session = s;
    ahead.end = ngx_http_realtime_bus_head(hub->bus);

    if (ngx_http_realtime_bus_replay(hub->bus, &from, ahead.end,
                                     ngx_http_realtime_catch_up_one, &ahead)
        != NGX_OK)
    {
        ngx_http_realtime_session_close(s, NGX_HTTP_REALTIME_CLOSED_FORCED);
        return;
    }

    /* one that was closed over it was not given the rest */

    if (ngx_http_realtime_session_alive(s)) {
        s->from = ngx_max(s->from, ahead.end);
    }
}


void
ngx_http_realtime_catch_up_now(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_session_t *s)
{
    s->emitted = ngx_http_realtime_bus_head(hub->bus);

    ngx_http_realtime_catch_up(hub, s);
}


/* what it is commanded to do is done when all do it: it stops before that */

static ngx_int_t
ngx_http_realtime_catch_up_one(void *ctx, ngx_http_realtime_entry_t *e,
    uint64_t pos)
{
    ngx_http_realtime_ahead_t    *ahead = ctx;
    ngx_http_realtime_socket_t   *sk;
    ngx_http_realtime_session_t  *s = ahead->session;

    if (e->type == NGX_HTTP_REALTIME_ENTRY_BROADCAST) {
        ngx_http_realtime_deliver_to(s->set->data, e, s);

    } else if (e->type == NGX_HTTP_REALTIME_ENTRY_COMMAND) {

        sk = ngx_http_realtime_socket_find(s, e->nsp);

        if (sk && ngx_http_realtime_chosen(e, sk)) {
            ahead->end = pos;
            return NGX_DONE;
        }
    }

    return NGX_OK;
}


static void
ngx_http_realtime_deliver_send(ngx_http_realtime_delivery_t *d,
    ngx_http_realtime_socket_t *sk)
{
    ngx_uint_t                    i, offset;
    ngx_http_realtime_session_t  *s = sk->session;

    if (!ngx_http_realtime_session_alive(s)) {
        return;
    }

    offset = s->recoverable;

    if (d->entry->flags & NGX_HTTP_REALTIME_ENTRY_VOLATILE) {

        if (!ngx_http_realtime_session_takes(s)) {
            return;
        }

        offset = 0;                     /* nobody misses it */
    }

    if (d->text[offset] == NULL
        && ngx_http_realtime_delivery_make(d, offset) != NGX_OK)
    {
        /* never a silent gap: who cannot get it has to come again */
        ngx_http_realtime_session_close(s, NGX_HTTP_REALTIME_CLOSED_FORCED);
        return;
    }

    if (offset) {
        sk->sent = d->entry->end;
    }

    ngx_http_realtime_deliver_blob(sk, d->text[offset]);

    for (i = 0; i < d->n; i++) {
        ngx_http_realtime_deliver_blob(sk, d->attachments[i]);
    }
}


static void
ngx_http_realtime_deliver_blob(ngx_http_realtime_socket_t *sk,
    ngx_http_realtime_blob_t *b)
{
    if (sk->replay == NULL
        || ngx_http_realtime_replay_hold(sk, b) == NGX_DECLINED)
    {
        ngx_http_realtime_session_send(sk->session, b);
    }
}


static ngx_int_t
ngx_http_realtime_delivery_make(ngx_http_realtime_delivery_t *d,
    ngx_uint_t offset)
{
    rt_str_t                       list = d->entry->packets, packet;
    ngx_http_realtime_blob_t      *b;
    ngx_http_realtime_sessions_t  *set = d->hub->set;

    if (ngx_http_realtime_list_next(&list, &packet, NULL) != NGX_OK) {
        return NGX_ERROR;
    }

    d->text[offset] = ngx_http_realtime_delivery_text(set, d->entry, packet,
                                                      offset);

    if (d->text[offset] == NULL) {
        return NGX_ERROR;
    }

    if (d->text[!offset]) {
        return NGX_OK;                  /* so there are the attachments */
    }

    while (d->n < rt_nitems(d->attachments)
           && ngx_http_realtime_list_next(&list, &packet, NULL) == NGX_OK)
    {
        b = ngx_http_realtime_blob_copy(RT_WS_BINARY, packet, set->log);

        if (b == NULL) {
            ngx_http_realtime_delivery_free(d);
            return NGX_ERROR;
        }

        d->attachments[d->n++] = b;
    }

    return NGX_OK;
}


/* the offset says that whoever gets this has all that is before it as well */

static ngx_http_realtime_blob_t *
ngx_http_realtime_delivery_text(ngx_http_realtime_sessions_t *set,
    ngx_http_realtime_entry_t *e, rt_str_t packet, ngx_uint_t offset)
{
    rt_buf_t                   buf;
    ngx_http_realtime_blob_t  *b;

    if (!offset || packet.len == 0) {
        return ngx_http_realtime_blob_copy(RT_WS_TEXT, packet, set->log);
    }

    b = ngx_http_realtime_blob_new(RT_WS_TEXT, packet.len
                                   + NGX_HTTP_REALTIME_OFFSET_SIZE, set->log);
    if (b == NULL) {
        return NULL;
    }

    rt_buf_init(&buf, ngx_http_realtime_blob_payload(b),
                packet.len + NGX_HTTP_REALTIME_OFFSET_SIZE);

    rt_buf_put(&buf, rt_str(packet.len - 1, packet.data));
    ngx_http_realtime_socket_put_offset(&buf, set, e->end);
    rt_buf_char(&buf, ']');

    ngx_http_realtime_blob_cut(b, rt_buf_str(&buf).len);

    return b;
}


static void
ngx_http_realtime_delivery_init(ngx_http_realtime_delivery_t *d,
    ngx_http_realtime_hub_t *hub, ngx_http_realtime_entry_t *e, uint64_t pos)
{
    d->hub = hub;
    d->entry = e;
    d->text[0] = NULL;
    d->text[1] = NULL;
    d->n = 0;
    d->pos = pos;
}


static void
ngx_http_realtime_delivery_free(ngx_http_realtime_delivery_t *d)
{
    while (d->n) {
        ngx_http_realtime_blob_free(d->attachments[--d->n]);
    }

    ngx_http_realtime_blob_free(d->text[0]);
    ngx_http_realtime_blob_free(d->text[1]);

    d->text[0] = NULL;
    d->text[1] = NULL;
}
