
/*
 * message:send.
 */


#include "handler/ngx_http_realtime_events.h"

#include "base/rt_id.h"
#include "base/rt_time.h"
#include "chat/rt_clean.h"


/*
 * Cleaning, in bytes: what is made of the content (chat/rt_clean.h), and that
 * as JSON, where nothing but quotes, backslashes and control characters grows.
 */
#define NGX_HTTP_REALTIME_CLEAN_TEXT  65536
#define NGX_HTTP_REALTIME_CLEAN_JSON                                          \
    (NGX_HTTP_REALTIME_CLEAN_TEXT * 2 + RT_CLEAN_MAX * RT_BUF_ESCAPED)
#define NGX_HTTP_REALTIME_CLEAN_MAX                                           \
    (RT_CLEAN_MAX + NGX_HTTP_REALTIME_CLEAN_TEXT                              \
     + NGX_HTTP_REALTIME_CLEAN_JSON)

/* around what the client sent */
#define NGX_HTTP_REALTIME_MESSAGE_MAX  512


typedef struct {
    u_char  id[RT_ID_LEN];
    u_char  time[RT_TIME_ISO_LEN];
} ngx_http_realtime_stamp_t;


static ngx_int_t ngx_http_realtime_message_clean(
    ngx_http_realtime_call_t *call, rt_message_t *msg);
static rt_str_t ngx_http_realtime_message_args(ngx_http_realtime_call_t *call,
    rt_message_t *msg, ngx_http_realtime_stamp_t *st);
static rt_str_t ngx_http_realtime_message_data(u_char *buf, size_t size,
    ngx_http_realtime_stamp_t *st);


void
ngx_http_realtime_on_message_send(ngx_http_realtime_call_t *call)
{
    u_char                     data[128];
    uint64_t                   now = ngx_http_realtime_now();
    rt_message_t               msg;
    rt_invalid_t               inv;
    ngx_http_realtime_emit_t   m;
    ngx_http_realtime_stamp_t  st;

    inv.n = 0;

    if (rt_payload_message(&msg, call->arg, &inv) != RT_OK) {
        ngx_http_realtime_answer_invalid(call, &inv);
        return;
    }

    if (ngx_http_realtime_access_write(call, msg.room.name) != NGX_OK
        || ngx_http_realtime_access_message(call, msg.room.name) != NGX_OK)
    {
        return;
    }

    if (ngx_http_realtime_call_conf(call)->sanitize
        && ngx_http_realtime_message_clean(call, &msg) != NGX_OK)
    {
        return;
    }

    rt_time_iso(st.time, now);

    ngx_memzero(&m, sizeof(m));

    if (rt_id_message(st.id, now) == RT_OK) {
        m.args = ngx_http_realtime_message_args(call, &msg, &st);
    }

    if (m.args.len == 0) {
        ngx_http_realtime_answer_error(call, "INTERNAL_ERROR",
                                       "The message could not be passed on");
        return;
    }

    m.nsp = ngx_http_realtime_call_nsp(call);
    m.room = msg.room.name;
    m.event = rt_lit("\"message:new\"");
    m.attachments = call->pkt->attachments;     /* of the metadata */
    m.n = call->n;

    if (ngx_http_realtime_answer_after(call, &m,
                      ngx_http_realtime_message_data(data, sizeof(data), &st))
        == NGX_OK)
    {
        ngx_http_realtime_log_message(call, &msg, rt_str(RT_ID_LEN, st.id),
                                      rt_str(RT_TIME_ISO_LEN, st.time));
    }
}


/*
 * Content without markup stays the bytes that came; else it is what cleaning
 * made of it, as a JSON string in hub->clean.
 */

static ngx_int_t
ngx_http_realtime_message_clean(ngx_http_realtime_call_t *call,
    rt_message_t *msg)
{
    u_char        *buf;
    ssize_t        len;
    rt_buf_t       text, json;
    rt_invalid_t   inv;

    buf = ngx_http_realtime_scratch(&call->hub->clean,
                                    NGX_HTTP_REALTIME_CLEAN_MAX,
                                    call->hub->log);
    if (buf == NULL) {
        ngx_http_realtime_answer_error(call, "INTERNAL_ERROR",
                                       "The message could not be passed on");
        return NGX_ERROR;
    }

    len = rt_json_decode(msg->content, buf, RT_CLEAN_MAX);

    if (len < 0 || !rt_clean_needed(rt_str(len, buf))) {
        return NGX_OK;
    }

    rt_buf_init(&text, buf + RT_CLEAN_MAX, NGX_HTTP_REALTIME_CLEAN_TEXT);

    if (rt_clean(rt_str(len, buf), &text) != RT_OK) {
        inv.n = 0;
        rt_invalid_add(&inv, "content", "Too much markup");
        ngx_http_realtime_answer_invalid(call, &inv);
        return NGX_DECLINED;
    }

    rt_buf_init(&json, text.last, NGX_HTTP_REALTIME_CLEAN_JSON);
    rt_buf_json(&json, rt_buf_str(&text));

    msg->content = rt_buf_str(&json);

    return NGX_OK;
}


/* what the client sent is checked, and goes out as the bytes that came */

static rt_str_t
ngx_http_realtime_message_args(ngx_http_realtime_call_t *call,
    rt_message_t *msg, ngx_http_realtime_stamp_t *st)
{
    size_t     size;
    u_char    *buf;
    rt_buf_t   b;

    size = NGX_HTTP_REALTIME_MESSAGE_MAX
           + ngx_http_realtime_call_user(call).len
           + msg->content.len + msg->thread.len + msg->metadata.len;

    buf = ngx_http_realtime_scratch(&call->hub->args, size, call->hub->log);
    if (buf == NULL) {
        return rt_lit("");
    }

    rt_buf_init(&b, buf, size);

    rt_buf_put(&b, rt_lit("{\"id\":\""));
    rt_buf_put(&b, rt_str(RT_ID_LEN, st->id));
    rt_buf_put(&b, rt_lit("\",\"roomName\":\""));
    rt_buf_put(&b, msg->room.name);
    rt_buf_put(&b, rt_lit("\",\"userId\":"));
    rt_buf_put(&b, ngx_http_realtime_call_user(call));
    rt_buf_put(&b, rt_lit(",\"content\":"));
    rt_buf_put(&b, msg->content);

    if (msg->thread.len) {
        rt_buf_put(&b, rt_lit(",\"threadId\":"));
        rt_buf_put(&b, msg->thread);
    }

    if (msg->metadata.len) {
        rt_buf_put(&b, rt_lit(",\"metadata\":"));
        rt_buf_put(&b, msg->metadata);
    }

    rt_buf_put(&b, rt_lit(",\"timestamp\":\""));
    rt_buf_put(&b, rt_str(RT_TIME_ISO_LEN, st->time));
    rt_buf_put(&b, rt_lit("\"}"));

    return rt_buf_str(&b);
}


static rt_str_t
ngx_http_realtime_message_data(u_char *buf, size_t size,
    ngx_http_realtime_stamp_t *st)
{
    rt_buf_t  b;

    rt_buf_init(&b, buf, size);

    rt_buf_put(&b, rt_lit("{\"id\":\""));
    rt_buf_put(&b, rt_str(RT_ID_LEN, st->id));
    rt_buf_put(&b, rt_lit("\",\"timestamp\":\""));
    rt_buf_put(&b, rt_str(RT_TIME_ISO_LEN, st->time));
    rt_buf_put(&b, rt_lit("\"}"));

    return rt_buf_str(&b);
}
