
/*
 * message:send.
 */


#include "handler/ngx_http_realtime_events.h"

#include "base/rt_id.h"
#include "base/rt_time.h"


/* around what the client sent */
#define NGX_HTTP_REALTIME_MESSAGE_MAX  512


typedef struct {
    u_char  id[RT_ID_LEN];
    u_char  time[RT_TIME_ISO_LEN];
} ngx_http_realtime_stamp_t;


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

    if (ngx_http_realtime_call_member(call, msg.room.name) != NGX_OK) {
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

    ngx_http_realtime_answer_after(call, &m,
                     ngx_http_realtime_message_data(data, sizeof(data), &st));
}


/* what the client sent is checked, and goes out as the bytes that came */

static rt_str_t
ngx_http_realtime_message_args(ngx_http_realtime_call_t *call,
    rt_message_t *msg, ngx_http_realtime_stamp_t *st)
{
    size_t     size;
    u_char    *buf;
    rt_buf_t   b;

    size = NGX_HTTP_REALTIME_MESSAGE_MAX + msg->content.len + msg->thread.len
           + msg->metadata.len;

    buf = ngx_http_realtime_scratch(&call->hub->args, size, call->hub->log);
    if (buf == NULL) {
        return rt_lit("");
    }

    rt_buf_init(&b, buf, size);

    rt_buf_put(&b, rt_lit("{\"id\":\""));
    rt_buf_put(&b, rt_str(RT_ID_LEN, st->id));
    rt_buf_put(&b, rt_lit("\",\"roomName\":\""));
    rt_buf_put(&b, msg->room.name);
    rt_buf_put(&b, rt_lit("\",\"userId\":null,\"content\":"));
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
