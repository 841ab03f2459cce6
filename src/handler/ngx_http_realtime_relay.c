
/*
 * The actions of the event table that know no event: relay, echo, ack.
 */


#include "handler/ngx_http_realtime_events.h"
#include "hub/ngx_http_realtime_ask.h"


static ngx_int_t ngx_http_realtime_relay_target(
    ngx_http_realtime_call_t *call, u_char *own, rt_str_t *target);
static rt_str_t ngx_http_realtime_relay_args(ngx_http_realtime_call_t *call,
    ngx_uint_t targeted);


/* the fields that are set here, without the values */
#define NGX_HTTP_REALTIME_RELAY_MORE  64

/* kinds of acks that clients owe, beside that of hub/ask */
#define NGX_HTTP_REALTIME_ACK_ECHO    1


void
ngx_http_realtime_relay(ngx_http_realtime_call_t *call, rt_str_t as)
{
    u_char                    own[1 + RT_USER_MAX];
    rt_str_t                  target;
    rt_room_ref_t             room;
    ngx_http_realtime_emit_t  m;

    if (ngx_http_realtime_call_room(call, &room) != NGX_OK
        || ngx_http_realtime_relay_target(call, own, &target) != NGX_OK
        || ngx_http_realtime_access_write(call, room.name) != NGX_OK)
    {
        return;
    }

    ngx_memzero(&m, sizeof(m));

    m.nsp = ngx_http_realtime_call_nsp(call);
    m.room = room.name;
    m.except = ngx_http_realtime_socket_id(call->sk);
    m.event = as;
    m.args = ngx_http_realtime_relay_args(call, target.len);
    m.attachments = call->pkt->attachments;
    m.n = call->n;

    if (target.len) {
        m.room = target;
        m.within = room.name;
    }

    if (m.args.len == 0) {
        ngx_http_realtime_answer_error(call, "INTERNAL_ERROR",
                                       "The event could not be passed on");
        return;
    }

    ngx_http_realtime_answer_after(call, &m, rt_lit(""));
}


/*
 * The room that stands for the user who is meant (hub/room), in "own"; empty
 * where nobody is.  One who is not there is reached as nobody is.
 */

static ngx_int_t
ngx_http_realtime_relay_target(ngx_http_realtime_call_t *call, u_char *own,
    rt_str_t *target)
{
    ssize_t       len;
    rt_str_t      value;
    rt_invalid_t  inv;

    *target = rt_lit("");

    if (rt_json_get(call->arg, rt_lit("targetUserId"), &value) != RT_OK
        || rt_json_type(value) == RT_JSON_NULL)
    {
        return NGX_OK;
    }

    len = rt_json_decode(value, own + 1, RT_USER_MAX);

    if (len > 0) {
        own[0] = '@';
        *target = rt_str(len + 1, own);
        return NGX_OK;
    }

    inv.n = 0;
    rt_invalid_add(&inv, "targetUserId",
                   rt_json_type(value) == RT_JSON_STRING
                   ? "String must contain 1 to 255 character(s)"
                   : "Expected string");

    ngx_http_realtime_answer_invalid(call, &inv);

    return NGX_DECLINED;
}


/*
 * The arguments as they came, but for who the sender is, which is for us to
 * say.  Placeholders keep their numbers.
 */

static rt_str_t
ngx_http_realtime_relay_args(ngx_http_realtime_call_t *call,
    ngx_uint_t targeted)
{
    size_t           size;
    u_char          *buf;
    rt_buf_t         b;
    rt_str_t         key, value, user = ngx_http_realtime_call_user(call);
    const u_char    *rest;
    rt_json_iter_t   it;

    size = call->args.len + 2 * user.len + NGX_HTTP_REALTIME_RELAY_MORE;

    buf = ngx_http_realtime_scratch(&call->hub->args, size, call->hub->log);
    if (buf == NULL) {
        return rt_lit("");
    }

    rt_buf_init(&b, buf, size);
    rt_buf_char(&b, '{');

    rt_json_each(&it, call->arg);

    while (rt_json_next(&it, &key, &value) == RT_OK) {

        if (rt_json_is(key, rt_lit("userId"))
            || rt_json_is(key, rt_lit("fromUserId")))
        {
            continue;
        }

        rt_buf_put(&b, key);
        rt_buf_char(&b, ':');
        rt_buf_put(&b, value);
        rt_buf_char(&b, ',');
    }

    if (targeted) {
        rt_buf_put(&b, rt_lit("\"fromUserId\":"));
        rt_buf_put(&b, user);
        rt_buf_char(&b, ',');
    }

    rt_buf_put(&b, rt_lit("\"userId\":"));
    rt_buf_put(&b, user);
    rt_buf_char(&b, '}');

    rest = call->arg.data + call->arg.len;
    rt_buf_put(&b, rt_str(call->args.data + call->args.len - rest, rest));

    return rt_buf_str(&b);
}


void
ngx_http_realtime_echo(ngx_http_realtime_call_t *call, rt_str_t as)
{
    int64_t  id = -1;

    /* who wants an ack gets the one that it gives itself */

    if (call->pkt->sio.has_id) {
        call->pkt->sio.has_id = 0;
        id = ngx_http_realtime_socket_expect_ack(call->sk,
                                                 NGX_HTTP_REALTIME_ACK_ECHO,
                                                 call->pkt->sio.id);
    }

    (void) ngx_http_realtime_socket_send(call->sk, &as, id, call->args,
                                         call->pkt->attachments, call->n);
}


void
ngx_http_realtime_ack(ngx_http_realtime_call_t *call)
{
    ngx_http_realtime_answer_with(call, call->args, call->pkt->attachments,
                                  call->n);
}


void
ngx_http_realtime_on_ack(ngx_http_realtime_socket_t *sk, ngx_uint_t kind,
    uint64_t arg, ngx_http_realtime_packet_t *pkt)
{
    if (ngx_http_realtime_ask_is(kind)) {
        ngx_http_realtime_ask_acked(sk->session->set->data, kind, arg, pkt);
        return;
    }

    if (kind == NGX_HTTP_REALTIME_ACK_ECHO && pkt) {
        (void) ngx_http_realtime_socket_send(sk, NULL, arg,
                                             rt_sio_args(&pkt->sio),
                                             pkt->attachments,
                                             pkt->sio.attachments);
    }
}
