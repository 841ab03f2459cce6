
/*
 * A client connects to a namespace, and leaves it.
 */


#include "handler/ngx_http_realtime_events.h"

#include "hub/ngx_http_realtime_announce.h"
#include "hub/ngx_http_realtime_presence.h"

#include "base/rt_time.h"


/* tokens of one connection that may be refused, and be looked at at all */
#define NGX_HTTP_REALTIME_REFUSED_MAX  8
#define NGX_HTTP_REALTIME_CHECKED_MAX  256


static ngx_http_realtime_socket_t *ngx_http_realtime_connect_open(
    ngx_http_realtime_session_t *s, rt_str_t nsp,
    ngx_http_realtime_identity_t *who);
static void ngx_http_realtime_connect_event(ngx_http_realtime_socket_t *sk,
    rt_str_t auth);
static void ngx_http_realtime_connect_refuse(ngx_http_realtime_session_t *s,
    rt_str_t nsp, const char *message, const char *why);
static void ngx_http_realtime_connect_accept(ngx_http_realtime_socket_t *sk);
static void ngx_http_realtime_greet_user(ngx_http_realtime_call_t *call);


void
ngx_http_realtime_on_connect(ngx_http_realtime_session_t *s,
    rt_sio_packet_t *pkt)
{
    ngx_int_t                      rc;
    const char                    *why;
    ngx_http_realtime_socket_t    *sk;
    ngx_http_realtime_identity_t  *who;

    if (!ngx_http_realtime_nsp_allowed(s->conf->events, pkt->nsp)) {
        ngx_http_realtime_connect_refuse(s, pkt->nsp, "Invalid namespace",
                                         NULL);
        return;
    }

    /* each costs us a signature; connections are counted */

    if (s->refused >= NGX_HTTP_REALTIME_REFUSED_MAX
        || s->checked >= NGX_HTTP_REALTIME_CHECKED_MAX)
    {
        ngx_http_realtime_session_close(s, NGX_HTTP_REALTIME_CLOSED_FORCED);
        return;
    }

    rc = ngx_http_realtime_access_connect(s, pkt->data, &who, &why);

    if (rc == NGX_DECLINED) {
        ngx_log_error(NGX_LOG_INFO, s->set->log, 0,
                      "realtime session %*s: not let in: %s",
                      (size_t) RT_ID_LEN, s->sid, why);

        ngx_http_realtime_connect_refuse(s, pkt->nsp, "AUTHENTICATION_FAILED",
                                         why);
        s->refused++;
        return;
    }

    if (who) {
        s->checked++;
    }

    sk = (rc == NGX_OK) ? ngx_http_realtime_connect_open(s, pkt->nsp, who)
                        : NULL;

    if (sk == NULL) {
        ngx_http_realtime_connect_refuse(s, pkt->nsp, "SERVER_BUSY",
                                         "The server is full");
        return;
    }

    ngx_http_realtime_connect_accept(sk);
    ngx_http_realtime_connect_event(sk, pkt->data);
}


/* takes "who", also when it fails */

static ngx_http_realtime_socket_t *
ngx_http_realtime_connect_open(ngx_http_realtime_session_t *s, rt_str_t nsp,
    ngx_http_realtime_identity_t *who)
{
    ngx_http_realtime_hub_t          *hub = s->set->data;
    ngx_http_realtime_socket_t       *sk;
    ngx_http_realtime_user_conf_t     conf;
    ngx_http_realtime_events_conf_t  *events = s->conf->events;

    sk = ngx_http_realtime_socket_open(s, nsp, NULL, 0);

    if (sk == NULL) {
        ngx_http_realtime_identity_free(who);
        return NULL;
    }

    if (who) {
        ngx_http_realtime_socket_identify(sk, who);
    }

    if (ngx_http_realtime_room_join(&hub->rooms, sk, rt_lit("")) != NGX_OK
        || (who && ngx_http_realtime_room_join(&hub->rooms, sk, who->own)
                   != NGX_OK))
    {
        ngx_http_realtime_socket_close(sk);
        return NULL;
    }

    conf.presence = events->presence;
    conf.rooms_only = (events->presence_scope
                       == NGX_HTTP_REALTIME_SCOPE_ROOMS);

    if (who && ngx_http_realtime_presence_attach(hub, sk, conf) != NGX_OK) {
        ngx_http_realtime_zone_full(hub->bus->zone, hub->log,
                                    "a user could not connect");
        ngx_http_realtime_socket_close(sk);
        return NULL;
    }

    return sk;
}


/* "connect" is an event of the table, its argument what auth was sent */

static void
ngx_http_realtime_connect_event(ngx_http_realtime_socket_t *sk, rt_str_t auth)
{
    ngx_uint_t                        i;
    ngx_http_realtime_call_t          call;
    ngx_http_realtime_packet_t        none;
    const ngx_http_realtime_rule_t   *rule;

    ngx_memzero(&none, sizeof(none));
    ngx_memzero(&call, sizeof(call));

    call.hub = sk->session->set->data;
    call.sk = sk;
    call.pkt = &none;
    call.event = rt_lit("\"connect\"");
    call.args = auth.len ? auth : rt_lit("{}");
    call.arg = call.args;

    rule = ngx_http_realtime_rule_find(sk->session->conf->events,
                                       rt_lit("connect"));

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


/* "why" NULL: the message is all there is to say, as in the reference */

static void
ngx_http_realtime_connect_refuse(ngx_http_realtime_session_t *s, rt_str_t nsp,
    const char *message, const char *why)
{
    rt_buf_t  b;
    u_char    buf[RT_SIO_MAX_NSP + 512];

    rt_buf_init(&b, buf, sizeof(buf));

    ngx_http_realtime_socket_put_head(&b, nsp, RT_SIO_CONNECT_ERROR, 0, -1);
    rt_buf_put(&b, rt_lit("{\"message\":"));
    rt_buf_json(&b, rt_str(ngx_strlen(message), message));

    if (why) {
        rt_buf_put(&b, rt_lit(",\"data\":{\"code\":"));
        rt_buf_json(&b, rt_str(ngx_strlen(message), message));
        rt_buf_put(&b, rt_lit(",\"message\":"));
        rt_buf_json(&b, rt_str(ngx_strlen(why), why));
        rt_buf_char(&b, '}');
    }

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

    if (call->sk->who) {
        ngx_http_realtime_greet_user(call);
    }
}


static void
ngx_http_realtime_greet_user(ngx_http_realtime_call_t *call)
{
    size_t                         size;
    u_char                        *buf;
    rt_buf_t                       b;
    ngx_http_realtime_identity_t  *who = call->sk->who;

    size = who->json.len + who->rooms.len + 128;

    buf = ngx_http_realtime_scratch(&call->hub->args, size, call->hub->log);
    if (buf == NULL) {
        return;
    }

    rt_buf_init(&b, buf, size);

    rt_buf_put(&b, rt_lit("{\"userId\":"));
    rt_buf_put(&b, who->json);
    rt_buf_put(&b, rt_lit(",\"sessionId\":\""));
    rt_buf_put(&b, rt_str(RT_UUID_LEN, who->session));
    rt_buf_put(&b, rt_lit("\",\"rooms\":"));
    rt_buf_put(&b, who->rooms.len ? who->rooms : rt_lit("[]"));
    rt_buf_char(&b, '}');

    ngx_http_realtime_tell(call, rt_lit("\"authenticated\""), rt_buf_str(&b));
}


/* the token is good no longer, and so is the socket */

void
ngx_http_realtime_on_expire(ngx_http_realtime_socket_t *sk)
{
    rt_str_t  event = rt_lit("\"error\"");

    ngx_http_realtime_count(sk->session->set->bus, ERRORS);

    (void) ngx_http_realtime_socket_send(sk, &event, -1,
                      rt_lit("{\"code\":\"TOKEN_EXPIRED\","
                             "\"message\":\"The token has expired\"}"),
                      NULL, 0);

    ngx_http_realtime_socket_kick(sk);
}


void
ngx_http_realtime_on_leave(ngx_http_realtime_socket_t *sk)
{
    ngx_http_realtime_hub_t  *hub = sk->session->set->data;

    ngx_http_realtime_depart_all(hub, sk);

    if (sk->who && !sk->session->moved) {
        ngx_http_realtime_presence_gone(hub);
    }
}
