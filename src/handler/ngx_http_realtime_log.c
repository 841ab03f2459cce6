
#include "handler/ngx_http_realtime_log.h"
#include "handler/ngx_http_realtime_events.h"
#include "hub/ngx_http_realtime_account.h"

#include "base/rt_time.h"


static ngx_uint_t ngx_http_realtime_logs(ngx_http_realtime_session_t *s,
    ngx_uint_t type);
static ngx_uint_t ngx_http_realtime_logs_event(
    ngx_http_realtime_log_conf_t *conf, rt_str_t name);
static rt_str_t ngx_http_realtime_log_user(ngx_http_realtime_socket_t *sk);
static ngx_uint_t ngx_http_realtime_log_private(
    ngx_http_realtime_call_t *call, rt_str_t room);
static void ngx_http_realtime_log_when(rt_buf_t *b, rt_str_t metadata);


#define ngx_http_realtime_log_conf(s)                                         \
    (&((ngx_http_realtime_events_conf_t *) (s)->conf->events)->log)

/* bytes of what is put together here, and of what a client sent */
#define NGX_HTTP_REALTIME_LOG_MAX   4096
#define NGX_HTTP_REALTIME_LOG_DATA  65536


void
ngx_http_realtime_log_connect(ngx_http_realtime_socket_t *sk)
{
    ngx_http_realtime_session_t  *s = sk->session;

    ngx_http_realtime_account_connect(s->set->data, sk,
                  ngx_http_realtime_logs(s, NGX_HTTP_REALTIME_LOG_CONNECT),
                  ngx_http_realtime_logs(s, NGX_HTTP_REALTIME_LOG_DISCONNECT));
}


void
ngx_http_realtime_log_refused(ngx_http_realtime_session_t *s,
    const char *code, const char *why)
{
    rt_buf_t  b;
    u_char    buf[NGX_HTTP_REALTIME_LOG_MAX];

    if (!ngx_http_realtime_logs(s, NGX_HTTP_REALTIME_LOG_ERROR)) {
        return;
    }

    rt_buf_init(&b, buf, sizeof(buf));

    rt_buf_put(&b, rt_lit("{\"error_code\":"));
    rt_buf_json(&b, rt_str(ngx_strlen(code), code));
    rt_buf_put(&b, rt_lit(",\"reason\":"));
    rt_buf_json(&b, rt_str(ngx_strlen(why), why));
    rt_buf_char(&b, '}');

    ngx_http_realtime_account_event(s->set->data, rt_lit("connection_error"),
                                    rt_lit(""), rt_lit(""), rt_buf_str(&b));
}


void
ngx_http_realtime_log_error(ngx_http_realtime_socket_t *sk, rt_str_t event,
    rt_str_t error)
{
    rt_buf_t  b;
    rt_str_t  value;
    u_char    buf[NGX_HTTP_REALTIME_LOG_MAX];

    if (!ngx_http_realtime_logs(sk->session, NGX_HTTP_REALTIME_LOG_ERROR)) {
        return;
    }

    rt_buf_init(&b, buf, sizeof(buf));

    rt_buf_put(&b, rt_lit("{\"error_code\":"));

    if (rt_json_get(error, rt_lit("code"), &value) == RT_OK) {
        rt_buf_put(&b, value);

    } else {
        rt_buf_put(&b, rt_lit("null"));
    }

    if (rt_json_get(error, rt_lit("message"), &value) == RT_OK) {
        rt_buf_put(&b, rt_lit(",\"message\":"));
        rt_buf_put(&b, value);
    }

    if (event.len && event.len <= NGX_HTTP_REALTIME_EVENT_MAX) {
        rt_buf_put(&b, rt_lit(",\"event\":"));
        rt_buf_put(&b, event);
    }

    rt_buf_char(&b, '}');

    ngx_http_realtime_account_event(sk->session->set->data, rt_lit("error"),
                                    ngx_http_realtime_log_user(sk),
                                    rt_lit(""), rt_buf_str(&b));
}


/*
 * All that everybody got, but for the room and the user, which have columns of
 * their own; of a private room, only that something was said.
 */

void
ngx_http_realtime_log_message(ngx_http_realtime_call_t *call,
    const rt_message_t *msg, rt_str_t id, rt_str_t time)
{
    size_t       size;
    u_char      *p;
    rt_buf_t     b;
    ngx_uint_t   private, hidden;

    if (!ngx_http_realtime_logs(call->sk->session,
                                NGX_HTTP_REALTIME_LOG_MESSAGE))
    {
        return;
    }

    size = msg->content.len + msg->thread.len + msg->metadata.len
           + NGX_HTTP_REALTIME_LOG_MAX;

    p = ngx_http_realtime_scratch(&call->hub->args, size, call->hub->log);
    if (p == NULL) {
        return;
    }

    private = ngx_http_realtime_log_private(call, msg->room.name);
    hidden = private
             && !ngx_http_realtime_log_conf(call->sk->session)->contents;

    rt_buf_init(&b, p, size);

    rt_buf_put(&b, rt_lit("{\"id\":\""));
    rt_buf_put(&b, id);
    rt_buf_put(&b, rt_lit("\",\"timestamp\":\""));
    rt_buf_put(&b, time);
    rt_buf_put(&b, private ? rt_lit("\",\"private\":true")
                           : rt_lit("\",\"private\":false"));

    if (msg->thread.len) {
        rt_buf_put(&b, rt_lit(",\"threadId\":"));
        rt_buf_put(&b, msg->thread);
    }

    if (!hidden) {
        rt_buf_put(&b, rt_lit(",\"content\":"));
        rt_buf_put(&b, msg->content);
    }

    if (msg->metadata.len) {
        ngx_http_realtime_log_when(&b, msg->metadata);
    }

    if (msg->metadata.len && !hidden) {
        rt_buf_put(&b, rt_lit(",\"metadata\":"));
        rt_buf_put(&b, msg->metadata);
    }

    rt_buf_char(&b, '}');

    ngx_http_realtime_account_event(call->hub, rt_lit("message"),
                                    ngx_http_realtime_log_user(call->sk),
                                    msg->room.name, rt_buf_str(&b));
}


/* when the client sent it, if it says so in a way that SQL understands */

static void
ngx_http_realtime_log_when(rt_buf_t *b, rt_str_t metadata)
{
    ssize_t   len;
    u_char    text[64];
    rt_str_t  value;
    uint64_t  msec;

    if (rt_json_get(metadata, rt_lit("client_timestamp"), &value) != RT_OK) {
        return;
    }

    if (rt_json_u64(value, &msec) == RT_OK) {
        rt_time_iso(text, msec);
        len = RT_TIME_ISO_LEN;

    } else {
        len = (rt_json_type(value) == RT_JSON_STRING)
              ? rt_json_decode(value, text, sizeof(text)) : -1;

        if (len < 0 || !rt_time_valid(rt_str(len, text))) {
            return;
        }
    }

    rt_buf_put(b, rt_lit(",\"client_timestamp\":"));
    rt_buf_json(b, rt_str(len, text));
}


void
ngx_http_realtime_log_event(ngx_http_realtime_call_t *call, rt_str_t name)
{
    rt_str_t                       data = call->arg;
    rt_invalid_t                   inv;
    rt_room_ref_t                  room;
    ngx_http_realtime_session_t   *s = call->sk->session;
    ngx_http_realtime_log_conf_t  *conf = ngx_http_realtime_log_conf(s);

    if (!ngx_http_realtime_account_on(call->hub) || !conf->enable
        || !ngx_http_realtime_logs_event(conf, name))
    {
        return;
    }

    inv.n = 0;

    if (rt_payload_room(&room, call->arg, &inv) != RT_OK) {
        room.name = rt_lit("");
    }

    if (data.len > NGX_HTTP_REALTIME_LOG_DATA
        || (!conf->contents && ngx_http_realtime_log_private(call, room.name)))
    {
        data = rt_lit("");
    }

    ngx_http_realtime_account_event(call->hub, name,
                                    ngx_http_realtime_log_user(call->sk),
                                    room.name, data);
}


static ngx_uint_t
ngx_http_realtime_logs(ngx_http_realtime_session_t *s, ngx_uint_t type)
{
    ngx_http_realtime_log_conf_t  *conf = ngx_http_realtime_log_conf(s);

    return s->set->bus->zone->rows != NULL && conf->enable
           && (conf->types & (type|NGX_HTTP_REALTIME_LOG_ALL)) != 0;
}


/* message:send is a message, which has its own row */

static ngx_uint_t
ngx_http_realtime_logs_event(ngx_http_realtime_log_conf_t *conf,
    rt_str_t name)
{
    ngx_uint_t   i;
    rt_str_t    *names;

    if (rt_str_eq(name, rt_lit("message:send"))) {
        return 0;
    }

    if (conf->types & NGX_HTTP_REALTIME_LOG_ALL) {
        return 1;
    }

    names = conf->events ? conf->events->elts : NULL;

    for (i = 0; names && i < conf->events->nelts; i++) {
        if (rt_str_eq(names[i], name)) {
            return 1;
        }
    }

    return 0;
}


static rt_str_t
ngx_http_realtime_log_user(ngx_http_realtime_socket_t *sk)
{
    return sk->who ? sk->who->id : rt_lit("");
}


static ngx_uint_t
ngx_http_realtime_log_private(ngx_http_realtime_call_t *call, rt_str_t room)
{
    ngx_http_realtime_membership_t  *m;

    if (room.len == 0) {
        return 0;
    }

    m = ngx_http_realtime_room_member(call->sk, room);

    return m == NULL || (m->room->kind & NGX_HTTP_REALTIME_ROOM_PRIVATE);
}
