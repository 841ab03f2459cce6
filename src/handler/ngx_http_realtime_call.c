
#include "handler/ngx_http_realtime_log.h"


static void ngx_http_realtime_answer_failure(ngx_http_realtime_call_t *call,
    rt_str_t error);


/* what an error holds besides its details */
#define NGX_HTTP_REALTIME_ERROR_MAX  2048


void
ngx_http_realtime_tell(ngx_http_realtime_call_t *call, rt_str_t name,
    rt_str_t args)
{
    (void) ngx_http_realtime_socket_send(call->sk, &name, -1, args, NULL, 0);
}


void
ngx_http_realtime_answer_with(ngx_http_realtime_call_t *call, rt_str_t args,
    const rt_str_t *attachments, ngx_uint_t n)
{
    if (call->pkt->sio.has_id) {
        call->pkt->sio.has_id = 0;

        (void) ngx_http_realtime_socket_send(call->sk, NULL,
                                             call->pkt->sio.id, args,
                                             attachments, n);
    }
}


void
ngx_http_realtime_answer(ngx_http_realtime_call_t *call, rt_str_t data)
{
    rt_buf_t  b;
    u_char    buf[NGX_HTTP_REALTIME_ANSWER_MAX + 256];

    if (!call->pkt->sio.has_id) {
        return;
    }

    rt_buf_init(&b, buf, sizeof(buf));
    rt_buf_put(&b, rt_lit("{\"success\":true"));

    if (data.len) {
        rt_buf_put(&b, rt_lit(",\"data\":"));
        rt_buf_put(&b, data);
    }

    rt_buf_char(&b, '}');

    ngx_http_realtime_answer_with(call, rt_buf_str(&b), NULL, 0);
}


ngx_int_t
ngx_http_realtime_answer_after(ngx_http_realtime_call_t *call,
    ngx_http_realtime_emit_t *m, rt_str_t data)
{
    rt_buf_t  b;
    u_char    buf[NGX_HTTP_REALTIME_ANSWER_MAX + 256];

    if (call->pkt->sio.has_id) {
        rt_buf_init(&b, buf, sizeof(buf));

        ngx_http_realtime_socket_put_head(&b, ngx_http_realtime_call_nsp(call),
                                          RT_SIO_ACK, 0, call->pkt->sio.id);

        rt_buf_put(&b, rt_lit("[{\"success\":true"));

        if (data.len) {
            rt_buf_put(&b, rt_lit(",\"data\":"));
            rt_buf_put(&b, data);
        }

        rt_buf_put(&b, rt_lit("}]"));

        m->reply_sid = ngx_http_realtime_session_sid(call->sk->session);
        m->reply = rt_buf_str(&b);
    }

    /* one that came back elsewhere while we looked at what it sent */

    if (call->sk->session->recoverable
        && ngx_http_realtime_socket_rec(call->sk) == NULL)
    {
        return NGX_DECLINED;
    }

    if (ngx_http_realtime_emit(call->hub, m) != NGX_OK) {
        ngx_http_realtime_answer_error(call, "SERVER_BUSY",
                             "The server could not pass this on; try again");
        return NGX_DECLINED;
    }

    call->pkt->sio.has_id = 0;
    call->sk->session->emitted = ngx_http_realtime_bus_head(call->hub->bus);

    return NGX_OK;
}


void
ngx_http_realtime_answer_error(ngx_http_realtime_call_t *call,
    const char *code, const char *message)
{
    rt_buf_t  b;
    u_char    buf[NGX_HTTP_REALTIME_ERROR_MAX];

    rt_buf_init(&b, buf, sizeof(buf));

    rt_buf_put(&b, rt_lit("{\"code\":"));
    rt_buf_json(&b, rt_str(ngx_strlen(code), code));
    rt_buf_put(&b, rt_lit(",\"message\":"));
    rt_buf_json(&b, rt_str(ngx_strlen(message), message));
    rt_buf_char(&b, '}');

    ngx_http_realtime_answer_failure(call, rt_buf_str(&b));
}


void
ngx_http_realtime_answer_wait(ngx_http_realtime_call_t *call, uint64_t wait,
    const char *message)
{
    rt_buf_t  b;
    u_char    buf[NGX_HTTP_REALTIME_ERROR_MAX];

    rt_buf_init(&b, buf, sizeof(buf));

    rt_buf_put(&b, rt_lit("{\"code\":\"RATE_LIMIT_EXCEEDED\",\"message\":"));
    rt_buf_json(&b, rt_str(ngx_strlen(message), message));
    rt_buf_put(&b, rt_lit(",\"retryAfter\":"));
    rt_buf_u64(&b, (wait + 999) / 1000);
    rt_buf_char(&b, '}');

    ngx_http_realtime_answer_failure(call, rt_buf_str(&b));
}


void
ngx_http_realtime_answer_unknown(ngx_http_realtime_call_t *call)
{
    ngx_http_realtime_answer_error(call, "UNKNOWN_EVENT",
                                   "There is no such event");
}


void
ngx_http_realtime_call_full(ngx_http_realtime_call_t *call, const char *what)
{
    ngx_http_realtime_zone_full(call->hub->bus->zone, call->hub->log, what);

    ngx_http_realtime_answer_error(call, "SERVER_BUSY", "The server is full");
}


void
ngx_http_realtime_answer_invalid(ngx_http_realtime_call_t *call,
    rt_invalid_t *inv)
{
    rt_buf_t  b;
    u_char    buf[NGX_HTTP_REALTIME_ERROR_MAX];

    rt_buf_init(&b, buf, sizeof(buf));

    rt_buf_put(&b, rt_lit("{\"code\":\"VALIDATION_ERROR\",\"message\":"
                          "\"The payload is not valid\",\"details\":"));
    rt_invalid_put(inv, &b);
    rt_buf_char(&b, '}');

    ngx_http_realtime_answer_failure(call, rt_buf_str(&b));
}


static void
ngx_http_realtime_answer_failure(ngx_http_realtime_call_t *call,
    rt_str_t error)
{
    rt_buf_t  b;
    u_char    buf[NGX_HTTP_REALTIME_ERROR_MAX + 64];

    ngx_http_realtime_count(call->hub->bus, ERRORS);
    ngx_http_realtime_log_error(call->sk, call->event, error);

    ngx_http_realtime_tell(call, rt_lit("\"error\""), error);

    if (!call->pkt->sio.has_id) {
        return;
    }

    rt_buf_init(&b, buf, sizeof(buf));

    rt_buf_put(&b, rt_lit("{\"success\":false,\"error\":"));
    rt_buf_put(&b, error);
    rt_buf_char(&b, '}');

    ngx_http_realtime_answer_with(call, rt_buf_str(&b), NULL, 0);
}


ngx_int_t
ngx_http_realtime_call_room(ngx_http_realtime_call_t *call,
    rt_room_ref_t *room)
{
    rt_invalid_t  inv;

    inv.n = 0;

    if (rt_payload_room(room, call->arg, &inv) == RT_OK) {
        return NGX_OK;
    }

    ngx_http_realtime_answer_invalid(call, &inv);

    return NGX_DECLINED;
}


ngx_http_realtime_membership_t *
ngx_http_realtime_call_member(ngx_http_realtime_call_t *call, rt_str_t room)
{
    ngx_http_realtime_membership_t  *m;

    m = ngx_http_realtime_room_member(call->sk, room);

    if (m == NULL) {
        ngx_http_realtime_answer_error(call, "NOT_IN_ROOM",
                                       "You are not in this room");
    }

    return m;
}
