
/*
 * A client connects to a namespace, and leaves it.
 */


#include "handler/ngx_http_realtime_events.h"

#include "base/rt_time.h"


static void ngx_http_realtime_connect_refuse(ngx_http_realtime_session_t *s,
    rt_str_t nsp, const char *message);
static void ngx_http_realtime_connect_accept(ngx_http_realtime_socket_t *sk);


void
ngx_http_realtime_on_connect(ngx_http_realtime_session_t *s,
    rt_sio_packet_t *pkt)
{
    ngx_uint_t                        i;
    ngx_http_realtime_hub_t          *hub = s->set->data;
    ngx_http_realtime_call_t          call;
    ngx_http_realtime_packet_t        none;
    ngx_http_realtime_socket_t       *sk;
    const ngx_http_realtime_rule_t   *rule;

    if (!ngx_http_realtime_nsp_allowed(s->conf->events, pkt->nsp)) {
        ngx_http_realtime_connect_refuse(s, pkt->nsp, "Invalid namespace");
        return;
    }

    sk = ngx_http_realtime_socket_open(s, pkt->nsp, NULL, 0);

    if (sk == NULL
        || ngx_http_realtime_room_join(&hub->rooms, sk, rt_lit("")) != NGX_OK)
    {
        if (sk) {
            ngx_http_realtime_socket_close(sk);
        }

        ngx_http_realtime_connect_refuse(s, pkt->nsp, "SERVER_BUSY");
        return;
    }

    ngx_http_realtime_connect_accept(sk);

    /* "connect" is an event of the table, its argument what auth was sent */

    ngx_memzero(&none, sizeof(none));
    ngx_memzero(&call, sizeof(call));

    call.hub = hub;
    call.sk = sk;
    call.pkt = &none;
    call.event = rt_lit("\"connect\"");
    call.args = pkt->data.len ? pkt->data : rt_lit("{}");
    call.arg = call.args;

    rule = ngx_http_realtime_rule_find(s->conf->events, rt_lit("connect"));

    for (i = 0; i < rule->n; i++) {

        if (rule->actions[i].type == NGX_HTTP_REALTIME_ACTION_BUILTIN) {
            rule->actions[i].builtin(&call);

        } else if (rule->actions[i].type == NGX_HTTP_REALTIME_ACTION_ECHO) {
            ngx_http_realtime_echo(&call, rule->actions[i].as);
        }
    }
}


static void
ngx_http_realtime_connect_accept(ngx_http_realtime_socket_t *sk)
{
    rt_buf_t  b;
    u_char    buf[RT_SIO_MAX_NSP + 64];

    rt_buf_init(&b, buf, sizeof(buf));

    ngx_http_realtime_socket_put_head(&b, sk->nsp->name, RT_SIO_CONNECT, 0,
                                      -1);
    rt_buf_put(&b, rt_lit("{\"sid\":\""));
    rt_buf_put(&b, ngx_http_realtime_socket_id(sk));
    rt_buf_put(&b, rt_lit("\"}"));

    ngx_http_realtime_session_send_text(sk->session, rt_buf_str(&b));
}


static void
ngx_http_realtime_connect_refuse(ngx_http_realtime_session_t *s, rt_str_t nsp,
    const char *message)
{
    rt_buf_t  b;
    u_char    buf[RT_SIO_MAX_NSP + 256];

    rt_buf_init(&b, buf, sizeof(buf));

    ngx_http_realtime_socket_put_head(&b, nsp, RT_SIO_CONNECT_ERROR, 0, -1);
    rt_buf_put(&b, rt_lit("{\"message\":"));
    rt_buf_json(&b, rt_str(ngx_strlen(message), message));
    rt_buf_char(&b, '}');

    ngx_http_realtime_session_send_text(s, rt_buf_str(&b));
}


void
ngx_http_realtime_greet(ngx_http_realtime_call_t *call)
{
    rt_buf_t  b;
    u_char    iso[RT_TIME_ISO_LEN];
    u_char    buf[256];

    rt_time_iso(iso, ngx_http_realtime_now());

    rt_buf_init(&b, buf, sizeof(buf));

    rt_buf_put(&b, rt_lit("{\"socketId\":\""));
    rt_buf_put(&b, ngx_http_realtime_socket_id(call->sk));
    rt_buf_put(&b, rt_lit("\",\"serverTime\":\""));
    rt_buf_put(&b, rt_str(RT_TIME_ISO_LEN, iso));
    rt_buf_put(&b, rt_lit("\",\"protocolVersion\":\"1.0\"}"));

    ngx_http_realtime_tell(call, rt_lit("\"connected\""), rt_buf_str(&b));
}


void
ngx_http_realtime_on_leave(ngx_http_realtime_socket_t *sk)
{
    ngx_http_realtime_depart_all(sk->session->set->data, sk);
}
