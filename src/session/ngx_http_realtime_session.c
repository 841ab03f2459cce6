
#include "session/ngx_http_realtime_session.h"
#include "session/ngx_http_realtime_input.h"
#include "session/ngx_http_realtime_knock.h"
#include "session/ngx_http_realtime_pause.h"
#include "session/ngx_http_realtime_socket_table.h"
#include "shm/ngx_http_realtime_away.h"
#include "shm/ngx_http_realtime_directory.h"


static ngx_http_realtime_session_t *ngx_http_realtime_session_new(
    ngx_http_realtime_sessions_t *set, ngx_http_realtime_session_conf_t *conf);
static ngx_http_realtime_session_t **ngx_http_realtime_session_bucket(
    ngx_http_realtime_sessions_t *set, u_char *sid);
static ngx_http_realtime_session_t *ngx_http_realtime_session_lookup(
    ngx_http_realtime_sessions_t *set, rt_str_t sid);
static ngx_int_t ngx_http_realtime_session_link(
    ngx_http_realtime_session_t *s);
static void ngx_http_realtime_session_unlink(ngx_http_realtime_session_t *s);
static ngx_int_t ngx_http_realtime_session_start(
    ngx_http_realtime_session_t *s);
static void ngx_http_realtime_session_reap_handler(ngx_event_t *ev);
static void ngx_http_realtime_session_finish(ngx_http_realtime_session_t *s);
static ngx_int_t ngx_http_realtime_session_depart(
    ngx_http_realtime_session_t *s);
static void ngx_http_realtime_session_free(ngx_http_realtime_session_t *s);


#define NGX_HTTP_REALTIME_SESSION_BUCKETS  1024


/* who said that it will not be back may be wrong; s */
#define NGX_HTTP_REALTIME_SESSION_PARTING  5


/* what may follow what */

#define to(state)  (1u << NGX_HTTP_REALTIME_SESSION_##state)

static const ngx_uint_t  ngx_http_realtime_session_next[] = {
    /* NEW       */  to(OPEN)|to(GONE),
    /* OPEN      */  to(UPGRADING)|to(CLOSING)|to(GONE),
    /* UPGRADING */  to(OPEN)|to(CLOSING)|to(GONE),
    /* CLOSING   */  to(GONE),
    /* GONE      */  0
};

#undef to


ngx_int_t
ngx_http_realtime_sessions_init(ngx_http_realtime_sessions_t *set,
    ngx_pool_t *pool)
{
    size_t  size;

    set->nbuckets = NGX_HTTP_REALTIME_SESSION_BUCKETS;
    size = set->nbuckets * sizeof(ngx_http_realtime_session_t *);

    set->buckets = ngx_calloc(size, set->log);
    if (set->buckets == NULL
        || ngx_http_realtime_socket_table_init(&set->ids, set->log) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_queue_init(&set->dirty);
    ngx_queue_init(&set->closing);

    set->flush.handler = ngx_http_realtime_sessions_flush;
    set->flush.data = set;
    set->flush.log = set->log;

    set->reap.handler = ngx_http_realtime_session_reap_handler;
    set->reap.data = set;
    set->reap.log = set->log;

    if (ngx_array_init(&set->namespaces, pool, 4,
                       sizeof(ngx_http_realtime_nsp_t *))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_realtime_beat_init(&set->beats, pool, set, set->log);
}


ngx_int_t
ngx_http_realtime_session_open(ngx_http_realtime_sessions_t *set,
    ngx_http_realtime_session_conf_t *conf,
    const ngx_http_realtime_transport_t *transport, void *carrier,
    ngx_http_realtime_session_t **out)
{
    ngx_int_t                     rc = NGX_ERROR;
    ngx_http_realtime_session_t  *s;

    s = ngx_http_realtime_session_new(set, conf);

    if (s == NULL || rt_id_make(s->sid) != RT_OK
        || ngx_http_realtime_session_link(s) != NGX_OK)
    {
        goto failed;
    }

    rc = ngx_http_realtime_directory_add(set->bus->zone, s->sid,
                                         set->bus->self, conf->location,
                                         conf->max_connections, &s->ref);
    if (rc != NGX_OK) {
        goto failed;
    }

    if (ngx_http_realtime_session_start(s) != NGX_OK) {
        ngx_http_realtime_directory_remove(set->bus->zone, s->ref);
        rc = NGX_ERROR;
        goto failed;
    }

    s->transport = transport;
    s->carrier = carrier;

    ngx_http_realtime_count(set->bus, OPENED);

    *out = s;

    return NGX_OK;

failed:

    if (s) {
        ngx_http_realtime_session_free(s);
    }

    ngx_http_realtime_count(set->bus, REFUSED);

    return rc;
}


ngx_http_realtime_session_t *
ngx_http_realtime_session_adopt(ngx_http_realtime_sessions_t *set,
    ngx_http_realtime_session_conf_t *conf, rt_str_t sid, rt_ref_t ref)
{
    ngx_http_realtime_session_t  *s;

    s = ngx_http_realtime_session_new(set, conf);
    if (s == NULL) {
        return NULL;
    }

    ngx_memcpy(s->sid, sid.data, RT_ID_LEN);

    if (ngx_http_realtime_session_link(s) != NGX_OK
        || ngx_http_realtime_session_start(s) != NGX_OK)
    {
        ngx_http_realtime_session_free(s);
        return NULL;
    }

    s->ref = ref;

    return s;
}


static ngx_http_realtime_session_t *
ngx_http_realtime_session_new(ngx_http_realtime_sessions_t *set,
    ngx_http_realtime_session_conf_t *conf)
{
    ngx_http_realtime_session_t  *s;

    s = ngx_calloc(sizeof(ngx_http_realtime_session_t), set->log);

    if (s) {
        s->set = set;
        s->conf = conf;
    }

    return s;
}


/* from new to open */

static ngx_int_t
ngx_http_realtime_session_start(ngx_http_realtime_session_t *s)
{
    if (ngx_http_realtime_session_move(s, NGX_HTTP_REALTIME_SESSION_OPEN)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_realtime_session_ping_later(s);
}


/* ids are random: their first bytes are hash enough */

static ngx_http_realtime_session_t **
ngx_http_realtime_session_bucket(ngx_http_realtime_sessions_t *set,
    u_char *sid)
{
    uint32_t  hash;

    ngx_memcpy(&hash, sid, sizeof(hash));
    hash *= 2654435761u;

    return &set->buckets[(hash >> 8) & (set->nbuckets - 1)];
}


static ngx_int_t
ngx_http_realtime_session_link(ngx_http_realtime_session_t *s)
{
    ngx_uint_t                      i, n;
    ngx_http_realtime_session_t    *other, **old, **bucket;
    ngx_http_realtime_sessions_t   *set = s->set;

    if (set->n >= set->nbuckets) {

        n = set->nbuckets;
        old = set->buckets;

        bucket = ngx_calloc(n * 2 * sizeof(ngx_http_realtime_session_t *),
                            set->log);
        if (bucket == NULL) {
            return NGX_ERROR;
        }

        set->buckets = bucket;
        set->nbuckets = n * 2;

        for (i = 0; i < n; i++) {
            while (old[i]) {
                other = old[i];
                old[i] = other->next;

                bucket = ngx_http_realtime_session_bucket(set, other->sid);
                other->next = *bucket;
                *bucket = other;
            }
        }

        ngx_free(old);
    }

    bucket = ngx_http_realtime_session_bucket(set, s->sid);

    s->next = *bucket;
    *bucket = s;
    set->n++;

    return NGX_OK;
}


static void
ngx_http_realtime_session_unlink(ngx_http_realtime_session_t *s)
{
    ngx_http_realtime_session_t  **link;

    link = ngx_http_realtime_session_bucket(s->set, s->sid);

    for ( /* void */ ; *link; link = &(*link)->next) {

        if (*link == s) {
            *link = s->next;
            s->set->n--;
            return;
        }
    }
}


ngx_http_realtime_session_t *
ngx_http_realtime_session_find(ngx_http_realtime_sessions_t *set, rt_str_t sid)
{
    ngx_http_realtime_session_t  *s;

    s = ngx_http_realtime_session_lookup(set, sid);

    return (s && ngx_http_realtime_session_alive(s)) ? s : NULL;
}


ngx_int_t
ngx_http_realtime_session_known(ngx_http_realtime_sessions_t *set,
    rt_str_t sid)
{
    return ngx_http_realtime_session_lookup(set, sid) != NULL;
}


static ngx_http_realtime_session_t *
ngx_http_realtime_session_lookup(ngx_http_realtime_sessions_t *set,
    rt_str_t sid)
{
    ngx_http_realtime_session_t  *s;

    if (sid.len != RT_ID_LEN) {
        return NULL;
    }

    s = *ngx_http_realtime_session_bucket(set, (u_char *) sid.data);

    while (s && ngx_memcmp(s->sid, sid.data, RT_ID_LEN) != 0) {
        s = s->next;
    }

    return s;
}


ngx_int_t
ngx_http_realtime_session_move(ngx_http_realtime_session_t *s,
    ngx_http_realtime_session_state_e to)
{
    if (!(ngx_http_realtime_session_next[s->state] & (1u << to))) {
        ngx_log_error(NGX_LOG_ALERT, s->set->log, 0,
                      "realtime session %*s: no way from state %d to %d",
                      (size_t) RT_ID_LEN, s->sid, (int) s->state, (int) to);
        return NGX_ERROR;
    }

    ngx_log_debug4(NGX_LOG_DEBUG_HTTP, s->set->log, 0,
                   "realtime session %*s: state %d to %d",
                   (size_t) RT_ID_LEN, s->sid, (int) s->state, (int) to);

    s->state = to;

    return NGX_OK;
}


void
ngx_http_realtime_session_close(ngx_http_realtime_session_t *s,
    ngx_http_realtime_reason_e reason)
{
    if (!ngx_http_realtime_session_alive(s)) {
        return;
    }

    (void) ngx_http_realtime_session_move(s,
                                          NGX_HTTP_REALTIME_SESSION_CLOSING);

    s->reason = reason;

    /* nothing is queued for it any more, not even of the entry being read */

    if (!s->arriving) {
        s->from = ngx_max(s->from, s->set->bus->pos);
    }

    ngx_http_realtime_beat_stop(&s->beat);
    ngx_http_realtime_beat_stop(&s->grace);

    if (s->dirty) {
        ngx_queue_remove(&s->queue);
        s->dirty = 0;
    }

    ngx_queue_insert_tail(&s->set->closing, &s->queue);
    ngx_post_event(&s->set->reap, &ngx_posted_events);
}


static void
ngx_http_realtime_session_reap_handler(ngx_event_t *ev)
{
    ngx_queue_t                   *q;
    ngx_http_realtime_sessions_t  *set = ev->data;

    while (!ngx_queue_empty(&set->closing)) {

        if (ngx_http_realtime_bus_behind(set->bus)) {
            ngx_post_event(ev, &ngx_posted_next_events);
            return;
        }

        q = ngx_queue_head(&set->closing);
        ngx_queue_remove(q);

        ngx_http_realtime_session_finish(
                    ngx_queue_data(q, ngx_http_realtime_session_t, queue));
    }
}


static void
ngx_http_realtime_session_finish(ngx_http_realtime_session_t *s)
{
    ngx_log_debug3(NGX_LOG_DEBUG_HTTP, s->set->log, 0,
                   "realtime session %*s: closed: %s", (size_t) RT_ID_LEN,
                   s->sid, ngx_http_realtime_reason_name(s->reason));

    /* away or gone for everybody before the client is told */

    if (ngx_http_realtime_session_depart(s) == NGX_OK) {
        while (s->sockets) {
            ngx_http_realtime_socket_leave(s->sockets);
        }

    } else {
        while (s->sockets) {
            ngx_http_realtime_socket_close(s->sockets);
        }

        ngx_http_realtime_directory_remove(s->set->bus->zone, s->ref);
    }

    ngx_http_realtime_count(s->set->bus, CLOSED);

    if (s->transport) {
        s->transport->close(s);
    }

    ngx_http_realtime_session_free(s);
}


/* the client has gone; NGX_OK: it may come back, and its sockets stay */

static ngx_int_t
ngx_http_realtime_session_depart(ngx_http_realtime_session_t *s)
{
    ngx_http_realtime_socket_t  *sk;

    if (!s->recoverable || s->sockets == NULL
        || s->reason == NGX_HTTP_REALTIME_CLOSED_BAD_PACKET)
    {
        return NGX_DECLINED;
    }

    for (sk = s->sockets; sk; sk = sk->next) {
        ngx_http_realtime_socket_save(sk, 1);

        /* what others have commanded it to do is still to be done */

        if (sk->replay) {
            s->from = ngx_min(s->from,
                              ngx_max(sk->replay->commands,
                                      ngx_http_realtime_socket_position(sk)));
        }
    }

    return ngx_http_realtime_away_begin(s->set->bus->zone, s->ref, s->from,
                                        s->parting
                                        ? NGX_HTTP_REALTIME_SESSION_PARTING
                                        : UINT16_MAX, s->reason);
}


void
ngx_http_realtime_session_leave(ngx_http_realtime_session_t *s)
{
    while (s->sockets) {
        ngx_http_realtime_socket_leave(s->sockets);
    }

    ngx_http_realtime_session_free(s);
}


/* fits every state */

static void
ngx_http_realtime_session_free(ngx_http_realtime_session_t *s)
{
    (void) ngx_http_realtime_session_move(s, NGX_HTTP_REALTIME_SESSION_GONE);

    ngx_http_realtime_session_unlink(s);
    ngx_http_realtime_beat_stop(&s->beat);
    ngx_http_realtime_beat_stop(&s->grace);
    ngx_http_realtime_outq_clear(&s->outq, &s->set->stock);
    ngx_http_realtime_partial_free(s->partial);

    while (s->pauses) {
        s->pauses->cancel(s->pauses);
    }

    while (s->knocks) {
        ngx_http_realtime_knock_free(s->knocks);
    }

    if (s->dirty) {
        ngx_queue_remove(&s->queue);
    }

    if (s->token.data) {
        ngx_free((void *) s->token.data);
    }

    ngx_free(s);
}


ngx_int_t
ngx_http_realtime_session_set_token(ngx_http_realtime_session_t *s,
    rt_str_t token)
{
    u_char  *copy;

    if (token.len == 0) {
        return NGX_OK;
    }

    copy = ngx_alloc(token.len, s->set->log);
    if (copy == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(copy, token.data, token.len);
    s->token = rt_str(token.len, copy);

    return NGX_OK;
}


void
ngx_http_realtime_sessions_part(ngx_http_realtime_sessions_t *set,
    ngx_uint_t part, ngx_uint_t parts,
    void (*each)(void *ctx, ngx_http_realtime_session_t *s), void *ctx)
{
    ngx_uint_t                    i;
    ngx_http_realtime_session_t  *s, *next;

    for (i = part; i < set->nbuckets; i += parts) {
        for (s = set->buckets[i]; s; s = next) {
            next = s->next;
            each(ctx, s);
        }
    }
}


void
ngx_http_realtime_client_uncount(ngx_http_realtime_zone_t *z,
    ngx_http_realtime_client_t *client)
{
    ngx_http_realtime_limited_t  of;

    ngx_memzero(&of, sizeof(of));

    of.kind = NGX_HTTP_REALTIME_LIMIT_CONNECTIONS;
    of.who = ngx_http_realtime_client_who(client);

    ngx_http_realtime_limits_give(z, &of, &client->counted);
}
