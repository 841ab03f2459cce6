
#include "transport/ngx_http_realtime_handshake.h"
#include "transport/ngx_http_realtime_client.h"
#include "transport/ngx_http_realtime_cors.h"
#include "transport/ngx_http_realtime_hold.h"
#include "transport/ngx_http_realtime_polling.h"
#include "transport/ngx_http_realtime_upgrade.h"
#include "shm/ngx_http_realtime_directory.h"
#include "shm/ngx_http_realtime_limits.h"

#include "auth/rt_jwt.h"
#include "proto/rt_eio.h"


/* what the query string asks for; "transport" is 0 when it is unknown */

typedef struct {
    ngx_uint_t  transport;
    rt_str_t    sid;
    ngx_uint_t  has_sid;
    ngx_uint_t  version;                /* EIO; 0 when it is no number */
    ngx_uint_t  upgrade;                /* by its header fields */

    ngx_http_realtime_client_t  client;
} ngx_http_realtime_query_t;


static ngx_int_t ngx_http_realtime_query(ngx_http_request_t *r,
    ngx_http_realtime_query_t *q);
static ngx_int_t ngx_http_realtime_query_arg(ngx_http_request_t *r,
    const char *name, rt_str_t *value);
static ngx_int_t ngx_http_realtime_query_upgrade(ngx_http_request_t *r);
static ngx_int_t ngx_http_realtime_query_plain(ngx_http_request_t *r,
    ngx_http_realtime_query_t *q);
static ngx_int_t ngx_http_realtime_handshake_known(ngx_http_request_t *r,
    ngx_http_realtime_transport_conf_t *conf, ngx_http_realtime_query_t *q);
static ngx_int_t ngx_http_realtime_handshake_new(ngx_http_request_t *r,
    ngx_http_realtime_transport_conf_t *conf, ngx_http_realtime_query_t *q);
static ngx_int_t ngx_http_realtime_handshake_limit(ngx_http_request_t *r,
    ngx_http_realtime_transport_conf_t *conf, ngx_http_realtime_query_t *q,
    uint64_t *wait);
static ngx_int_t ngx_http_realtime_handshake_token(ngx_http_request_t *r,
    ngx_http_realtime_transport_conf_t *conf, rt_str_t *token);
static ngx_int_t ngx_http_realtime_handshake_polling(ngx_http_request_t *r,
    ngx_http_realtime_transport_conf_t *conf, ngx_http_realtime_query_t *q,
    rt_str_t token);
static ngx_int_t ngx_http_realtime_handshake_accept(ngx_http_request_t *r,
    ngx_http_realtime_transport_conf_t *conf, ngx_http_realtime_query_t *q,
    rt_str_t token);
static void ngx_http_realtime_handshake_websocket(
    ngx_http_realtime_websocket_t *ws, void *data);
static rt_str_t ngx_http_realtime_handshake_open(
    ngx_http_realtime_session_t *s, u_char *buf, size_t size);


#define NGX_HTTP_REALTIME_OPEN_MAX  256


/* what is kept of the request while it becomes a WebSocket */

typedef struct {
    ngx_http_realtime_client_t  client;
    rt_str_t                    token;      /* behind the struct */
} ngx_http_realtime_handshake_t;


/* the order of the checks is the reference server's */

ngx_int_t
ngx_http_realtime_handshake(ngx_http_request_t *r)
{
    ngx_int_t                            rc;
    ngx_http_realtime_query_t            q;
    ngx_http_realtime_transport_conf_t  *conf;

    conf = ngx_http_get_module_loc_conf(r, ngx_http_realtime_module);

    if (r != r->main) {
        return NGX_HTTP_BAD_REQUEST;    /* nobody connects by a subrequest */
    }

    if (!conf->transports->ready) {
        return ngx_http_realtime_respond_error(r, NGX_HTTP_REALTIME_FULL);
    }

    rc = ngx_http_realtime_cors(r, &conf->cors);

    if (rc == NGX_DECLINED) {
        return ngx_http_realtime_respond_error(r,
                                               NGX_HTTP_REALTIME_FORBIDDEN);
    }

    if (rc != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ngx_http_realtime_cors_is_preflight(r)) {
        return ngx_http_realtime_cors_preflight(r);
    }

    if (ngx_http_realtime_query(r, &q) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (!(q.transport & conf->session.transports)) {
        return ngx_http_realtime_respond_error(r,
                                       NGX_HTTP_REALTIME_UNKNOWN_TRANSPORT);
    }

    return q.has_sid ? ngx_http_realtime_handshake_known(r, conf, &q)
                     : ngx_http_realtime_handshake_new(r, conf, &q);
}


static ngx_int_t
ngx_http_realtime_query(ngx_http_request_t *r, ngx_http_realtime_query_t *q)
{
    ngx_int_t  n;
    rt_str_t   value;

    ngx_memzero(q, sizeof(ngx_http_realtime_query_t));

    if (ngx_http_realtime_query_arg(r, "transport", &value) != NGX_OK
        || ngx_http_realtime_query_arg(r, "sid", &q->sid) != NGX_OK)
    {
        return NGX_ERROR;
    }

    q->has_sid = (q->sid.data != NULL);

    if (rt_str_eq(value, rt_lit("polling"))) {
        q->transport = NGX_HTTP_REALTIME_POLLING;

    } else if (rt_str_eq(value, rt_lit("websocket"))) {
        q->transport = NGX_HTTP_REALTIME_WEBSOCKET;
    }

    if (ngx_http_realtime_query_arg(r, "EIO", &value) != NGX_OK) {
        return NGX_ERROR;
    }

    n = value.data ? ngx_atoi((u_char *) value.data, value.len) : 0;

    q->version = (n > 0) ? n : 0;
    q->upgrade = ngx_http_realtime_query_upgrade(r);

    return NGX_OK;
}


/*
 * python-socketio does not recover, and hands all that an event has to its
 * handlers: an offset would be an argument too many for most of them.  What it
 * sends as "t" is a time with a fraction (python-engineio 3 and 4); nobody
 * else does.
 */

static ngx_int_t
ngx_http_realtime_query_plain(ngx_http_request_t *r,
    ngx_http_realtime_query_t *q)
{
    size_t      i;
    rt_str_t    time;
    ngx_uint_t  dots = 0;

    if (ngx_http_realtime_query_arg(r, "t", &time) != NGX_OK) {
        return NGX_ERROR;
    }

    for (i = 0; i < time.len; i++) {
        if (time.data[i] == '.') {
            dots++;

        } else if (time.data[i] < '0' || time.data[i] > '9') {
            return NGX_OK;
        }
    }

    q->client.plain = (dots == 1);

    return NGX_OK;
}


/* decoded; "data" NULL when it is not there; the last one counts */

static ngx_int_t
ngx_http_realtime_query_arg(ngx_http_request_t *r, const char *name,
    rt_str_t *value)
{
    size_t   len = ngx_strlen(name);
    u_char  *p, *end, *eq, *dst, *src, *last = r->args.data + r->args.len;

    *value = rt_str(0, NULL);

    for (p = r->args.data; p && p < last; p = end + 1) {

        end = ngx_strlchr(p, last, '&');
        end = end ? end : last;

        eq = ngx_strlchr(p, end, '=');
        eq = eq ? eq : end;

        if ((size_t) (eq - p) != len || ngx_strncmp(p, name, len) != 0) {
            continue;
        }

        src = (eq < end) ? eq + 1 : end;

        dst = ngx_pnalloc(r->pool, end - src + 1);
        if (dst == NULL) {
            return NGX_ERROR;
        }

        value->data = dst;
        ngx_unescape_uri(&dst, &src, end - src, 0);
        value->len = dst - value->data;
    }

    return NGX_OK;
}


/* Connection: upgrade and Upgrade: websocket, on HTTP/1.1 */

static ngx_int_t
ngx_http_realtime_query_upgrade(ngx_http_request_t *r)
{
    ngx_str_t  *upgrade;

    upgrade = ngx_http_realtime_header_in(r, "upgrade");

    return upgrade
           && upgrade->len == sizeof("websocket") - 1
           && ngx_strncasecmp(upgrade->data, (u_char *) "websocket",
                              sizeof("websocket") - 1)
              == 0
           && ngx_http_realtime_header_has(r, "connection", "upgrade")
           && r->http_version == NGX_HTTP_VERSION_11
           && r->method == NGX_HTTP_GET;
}


static ngx_int_t
ngx_http_realtime_handshake_known(ngx_http_request_t *r,
    ngx_http_realtime_transport_conf_t *conf, ngx_http_realtime_query_t *q)
{
    ngx_http_realtime_place_t        place;
    ngx_http_realtime_transports_t  *tp = conf->transports;

    if (!rt_id_valid(q->sid)
        || ngx_http_realtime_directory_find(tp->bus->zone, q->sid, &place)
           != NGX_OK
        || place.location != conf->session.location)
    {
        return ngx_http_realtime_respond_error(r,
                                               NGX_HTTP_REALTIME_UNKNOWN_SID);
    }

    if (q->transport == NGX_HTTP_REALTIME_WEBSOCKET) {
        return q->upgrade ? ngx_http_realtime_upgrade(r, conf, q->sid)
                          : ngx_http_realtime_respond_error(r,
                                               NGX_HTTP_REALTIME_BAD_REQUEST);
    }

    if (q->upgrade) {
        return ngx_http_realtime_respond_error(r,
                                               NGX_HTTP_REALTIME_BAD_REQUEST);
    }

    switch (r->method) {

    case NGX_HTTP_GET:
        return ngx_http_realtime_hold_get(r, tp, q->sid);

    case NGX_HTTP_POST:
        return ngx_http_realtime_hold_post(r, tp, q->sid);
    }

    /* as the reference server has it */

    return NGX_HTTP_INTERNAL_SERVER_ERROR;
}


static ngx_int_t
ngx_http_realtime_handshake_new(ngx_http_request_t *r,
    ngx_http_realtime_transport_conf_t *conf, ngx_http_realtime_query_t *q)
{
    uint64_t   wait;
    rt_str_t   token;
    ngx_int_t  rc;

    if (r->method != NGX_HTTP_GET) {
        return ngx_http_realtime_respond_error(r,
                                               NGX_HTTP_REALTIME_BAD_METHOD);
    }

    if (conf->transports->closed) {
        return ngx_http_realtime_respond_later(r, NGX_HTTP_REALTIME_LEAVING,
                                               1);
    }

    /* one whose connection was made before others took over has its turn */

    ngx_http_realtime_transports_stay(conf->transports);

    if (q->version != 4) {
        return ngx_http_realtime_respond_error(r,
                                               NGX_HTTP_REALTIME_BAD_VERSION);
    }

    if ((q->transport == NGX_HTTP_REALTIME_WEBSOCKET) != q->upgrade) {
        return ngx_http_realtime_respond_error(r,
                                               NGX_HTTP_REALTIME_BAD_REQUEST);
    }

    rc = ngx_http_realtime_handshake_limit(r, conf, q, &wait);

    if (rc == NGX_BUSY) {
        return ngx_http_realtime_respond_later(r, NGX_HTTP_REALTIME_TOO_FAST,
                                               (wait + 999) / 1000);
    }

    if (rc != NGX_OK) {
        return ngx_http_realtime_respond_error(r, NGX_HTTP_REALTIME_FULL);
    }

    if (ngx_http_realtime_query_plain(r, q) != NGX_OK
        || ngx_http_realtime_handshake_token(r, conf, &token) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (q->transport == NGX_HTTP_REALTIME_POLLING) {
        return ngx_http_realtime_handshake_polling(r, conf, q, token);
    }

    if (conf->transports->bus->zone->sh->sessions
        >= conf->session.max_connections)
    {
        ngx_http_realtime_count(conf->transports->bus, REFUSED);
        return ngx_http_realtime_respond_error(r, NGX_HTTP_REALTIME_TOO_MANY);
    }

    return ngx_http_realtime_handshake_accept(r, conf, q, token);
}


static ngx_int_t
ngx_http_realtime_handshake_limit(ngx_http_request_t *r,
    ngx_http_realtime_transport_conf_t *conf, ngx_http_realtime_query_t *q,
    uint64_t *wait)
{
    ngx_int_t                     rc;
    ngx_http_realtime_zone_t     *z = conf->transports->bus->zone;
    ngx_http_realtime_limited_t   of;

    ngx_http_realtime_client_read(r, &q->client);

    ngx_memzero(&of, sizeof(of));

    of.kind = NGX_HTTP_REALTIME_LIMIT_CONNECTIONS;
    of.who = ngx_http_realtime_client_who(&q->client);

    if (of.who.len == 0 || conf->limit.period == 0) {
        return NGX_OK;
    }

    rc = ngx_http_realtime_limits_take(z, &of, &conf->limit,
                                       ngx_http_realtime_now(), wait,
                                       &q->client.counted);

    ngx_http_realtime_bus_kick(conf->transports->bus);

    if (rc == NGX_DECLINED) {
        ngx_http_realtime_zone_full(z, r->connection->log,
                                    "a connection could not be counted");
    }

    return rc;
}


/* in the request's memory; empty: there is none */

static ngx_int_t
ngx_http_realtime_handshake_token(ngx_http_request_t *r,
    ngx_http_realtime_transport_conf_t *conf, rt_str_t *token)
{
    ngx_str_t  value = ngx_null_string;

    if (conf->token
        && ngx_http_complex_value(r, conf->token, &value) != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* $http_authorization (RFC 6750, 2.1) */

    if (value.len >= sizeof("Bearer ") - 1
        && ngx_strncasecmp(value.data, (u_char *) "Bearer ",
                           sizeof("Bearer ") - 1)
           == 0)
    {
        value.data += sizeof("Bearer ") - 1;
        value.len -= sizeof("Bearer ") - 1;
    }

    if (value.len > RT_JWT_MAX) {
        value.len = RT_JWT_MAX + 1;     /* is too long as well */
    }

    *token = ngx_http_realtime_str(&value);

    return NGX_OK;
}


static ngx_int_t
ngx_http_realtime_handshake_accept(ngx_http_request_t *r,
    ngx_http_realtime_transport_conf_t *conf, ngx_http_realtime_query_t *q,
    rt_str_t token)
{
    ngx_http_realtime_handshake_t  *hs;

    /* the request does not live until there is a WebSocket */

    hs = ngx_alloc(sizeof(ngx_http_realtime_handshake_t) + token.len,
                   conf->transports->log);
    if (hs == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    hs->client = q->client;
    hs->token = rt_str(token.len, hs + 1);

    if (token.len) {
        ngx_memcpy(hs + 1, token.data, token.len);
    }

    return ngx_http_realtime_websocket_accept(r, conf,
                                       ngx_http_realtime_handshake_websocket,
                                       hs);
}


static ngx_int_t
ngx_http_realtime_handshake_polling(ngx_http_request_t *r,
    ngx_http_realtime_transport_conf_t *conf, ngx_http_realtime_query_t *q,
    rt_str_t token)
{
    ngx_int_t                     rc;
    u_char                        buf[NGX_HTTP_REALTIME_OPEN_MAX];
    ngx_http_realtime_session_t  *s;

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_http_realtime_polling_open(conf->transports, &conf->session, &s);

    if (rc == NGX_BUSY) {
        return ngx_http_realtime_respond_error(r, NGX_HTTP_REALTIME_TOO_MANY);
    }

    if (rc != NGX_OK) {
        ngx_http_realtime_zone_full(conf->transports->bus->zone,
                                    r->connection->log,
                                    "there is no room for another session");
        return ngx_http_realtime_respond_error(r, NGX_HTTP_REALTIME_FULL);
    }

    s->client = q->client;

    if (ngx_http_realtime_session_set_token(s, token) != NGX_OK) {
        ngx_http_realtime_session_close(s, NGX_HTTP_REALTIME_CLOSED_FORCED);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (!conf->session.echo) {
        ngx_http_realtime_session_grace(s);
    }

    return ngx_http_realtime_respond(r, NGX_HTTP_OK,
                                     "text/plain; charset=UTF-8",
                                     ngx_http_realtime_handshake_open(s, buf,
                                                               sizeof(buf)));
}


static void
ngx_http_realtime_handshake_websocket(ngx_http_realtime_websocket_t *ws,
    void *data)
{
    ngx_int_t                       rc;
    u_char                          buf[NGX_HTTP_REALTIME_OPEN_MAX];
    ngx_http_realtime_session_t    *s;
    ngx_http_realtime_handshake_t  *hs = data;

    if (ws == NULL) {
        ngx_free(hs);
        return;
    }

    rc = ngx_http_realtime_session_open(ws->tp->set, ws->conf,
                                        &ngx_http_realtime_websocket, ws, &s);

    if (rc == NGX_OK) {
        s->client = hs->client;

        if (ngx_http_realtime_session_set_token(s, hs->token) != NGX_OK) {
            ngx_http_realtime_session_close(s,
                                            NGX_HTTP_REALTIME_CLOSED_FORCED);
        }
    }

    ngx_free(hs);

    if (rc != NGX_OK) {
        if (rc == NGX_DECLINED) {
            ngx_http_realtime_zone_full(ws->tp->bus->zone, ws->c->log,
                                    "there is no room for another session");
        }

        ngx_http_realtime_websocket_end(ws, RT_WS_TRY_AGAIN_LATER);
        ngx_http_realtime_websocket_start(ws);
        return;
    }

    ws->session = s;

    ngx_http_realtime_directory_websocket(ws->tp->bus->zone, s->ref);

    if (!ws->conf->echo) {
        ngx_http_realtime_session_grace(s);
    }

    ngx_http_realtime_session_send_text(s,
                     ngx_http_realtime_handshake_open(s, buf, sizeof(buf)));

    ngx_http_realtime_websocket_start(ws);
}


static rt_str_t
ngx_http_realtime_handshake_open(ngx_http_realtime_session_t *s, u_char *buf,
    size_t size)
{
    ssize_t         len;
    rt_eio_open_t   open;

    open.sid = ngx_http_realtime_session_sid(s);
    open.ping_interval = s->conf->ping_interval;
    open.ping_timeout = s->conf->ping_timeout;
    open.max_payload = s->conf->max_payload;
    open.websocket = (s->transport->type == NGX_HTTP_REALTIME_POLLING
                      && (s->conf->transports & NGX_HTTP_REALTIME_WEBSOCKET));

    len = rt_eio_write_open(&open, buf, size);

    return rt_str(len > 0 ? (size_t) len : 0, buf);
}
