
/*
 * A client connects to a namespace, and leaves it.
 */


#include "handler/ngx_http_realtime_events.h"
#include "handler/ngx_http_realtime_lookup.h"

#include "hub/ngx_http_realtime_announce.h"
#include "hub/ngx_http_realtime_presence.h"
#include "hub/ngx_http_realtime_recover.h"
#include "hub/ngx_http_realtime_replay.h"

#include "base/rt_time.h"


/* tokens of one connection that may be refused, and be looked at at all */
#define NGX_HTTP_REALTIME_REFUSED_MAX  8
#define NGX_HTTP_REALTIME_CHECKED_MAX  256


static const rt_str_t  ngx_http_realtime_greet_recovered =
    rt_string(",\"recovered\":true}");


static ngx_int_t ngx_http_realtime_connect_again(
    ngx_http_realtime_session_t *s, rt_sio_packet_t *pkt,
    ngx_http_realtime_identity_t *who);
static ngx_int_t ngx_http_realtime_connect_anew(
    ngx_http_realtime_session_t *s, rt_sio_packet_t *pkt,
    ngx_http_realtime_identity_t *who);
static ngx_http_realtime_socket_t *ngx_http_realtime_connect_open(
    ngx_http_realtime_session_t *s, rt_str_t nsp,
    ngx_http_realtime_identity_t *who);
static rt_str_t ngx_http_realtime_connect_auth(ngx_http_realtime_hub_t *hub,
    rt_str_t auth);
static void ngx_http_realtime_connect_event(ngx_http_realtime_socket_t *sk,
    rt_str_t auth);
static void ngx_http_realtime_connect_refuse(ngx_http_realtime_session_t *s,
    rt_str_t nsp, const char *message, const char *why);
static void ngx_http_realtime_connect_accept(ngx_http_realtime_socket_t *sk);
static void ngx_http_realtime_greet_with(ngx_http_realtime_call_t *call,
    ngx_uint_t recovered);
static void ngx_http_realtime_greet_user(ngx_http_realtime_socket_t *sk,
    ngx_uint_t recovered, ngx_http_realtime_lookup_user_t *found);
static void ngx_http_realtime_greet_rooms(rt_buf_t *b, rt_str_t granted,
    rt_str_t more);


void
ngx_http_realtime_on_connect(ngx_http_realtime_session_t *s,
    rt_sio_packet_t *pkt)
{
    ngx_int_t                      rc;
    const char                    *why;
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

    if (rc == NGX_OK) {
        rc = ngx_http_realtime_connect_again(s, pkt, who);
    }

    if (rc == NGX_DECLINED) {
        rc = ngx_http_realtime_connect_anew(s, pkt, who);
    }

    if (rc != NGX_OK) {
        ngx_http_realtime_identity_free(who);
    }

    if (rc == NGX_ERROR) {
        ngx_http_realtime_connect_refuse(s, pkt->nsp, "SERVER_BUSY",
                                         "The server is full");
    }
}


/*
 * What the client shows to have its socket again.  NGX_OK: it has, and "who"
 * is taken; NGX_DECLINED: it begins anew; NGX_ERROR: no memory; NGX_AGAIN: this
 * is to be done once more.
 */

static ngx_int_t
ngx_http_realtime_connect_again(ngx_http_realtime_session_t *s,
    rt_sio_packet_t *pkt, ngx_http_realtime_identity_t *who)
{
    u_char                      pid[RT_PID_LEN], offset[RT_OFFSET_MAX];
    ssize_t                     len;
    rt_str_t                    value;
    ngx_int_t                   rc;
    ngx_http_realtime_return_t  ret;

    if (s->sockets == NULL) {
        s->recoverable = (s->conf->recovery > 0 && !s->client.plain);
    }

    if (!s->recoverable
        || rt_json_get(pkt->data, rt_lit("pid"), &value) != RT_OK
        || rt_json_type(value) != RT_JSON_STRING)
    {
        return NGX_DECLINED;
    }

    s->checked++;                       /* it costs us a look at the log */

    len = rt_json_decode(value, pid, sizeof(pid));

    ret.nsp = pkt->nsp;
    ret.who = who;
    ret.auth = pkt->data;
    ret.pid = rt_str(ngx_max(len, 0), pid);
    ret.offset = rt_str(0, NULL);

    if (rt_json_get(pkt->data, rt_lit("offset"), &value) == RT_OK
        && rt_json_type(value) != RT_JSON_NULL)
    {
        len = (rt_json_type(value) == RT_JSON_STRING)
              ? rt_json_decode(value, offset, sizeof(offset)) : -1;

        ret.offset = rt_str(ngx_max(len, 0), offset);
    }

    rc = ngx_http_realtime_recover(s->set->data, s, &ret);

    if (rc == NGX_DECLINED || rc == NGX_ERROR) {
        ngx_http_realtime_count(s->set->bus, NOT_RECOVERED);
    }

    return rc;
}


void
ngx_http_realtime_on_return(ngx_http_realtime_socket_t *sk)
{
    ngx_http_realtime_connect_accept(sk);
}


/* the greeting comes behind all that it missed, in any case */

void
ngx_http_realtime_on_recovered(ngx_http_realtime_socket_t *sk)
{
    ngx_http_realtime_call_t  call;

    ngx_memzero(&call, sizeof(call));

    call.hub = sk->session->set->data;
    call.sk = sk;

    ngx_http_realtime_greet_with(&call, 1);
}


static ngx_int_t
ngx_http_realtime_connect_anew(ngx_http_realtime_session_t *s,
    rt_sio_packet_t *pkt, ngx_http_realtime_identity_t *who)
{
    ngx_http_realtime_socket_t  *sk;

    sk = ngx_http_realtime_connect_open(s, pkt->nsp, who);

    if (sk == NULL) {
        return NGX_ERROR;
    }

    ngx_http_realtime_log_connect(sk);
    ngx_http_realtime_connect_accept(sk);
    ngx_http_realtime_connect_event(sk, pkt->data);

    return NGX_OK;
}


/* NULL: the zone is full, or no memory; "who" is the caller's then */

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
        return NULL;
    }

    if (who) {
        ngx_http_realtime_socket_identify(sk, who);
    }

    if (ngx_http_realtime_room_join_own(&hub->rooms, sk) != NGX_OK) {
        goto failed;
    }

    conf.presence = events->presence;
    conf.rooms_only = (events->presence_scope
                       == NGX_HTTP_REALTIME_SCOPE_ROOMS);

    if (who && ngx_http_realtime_presence_attach(hub, sk, conf) != NGX_OK) {
        ngx_http_realtime_zone_full(hub->bus->zone, hub->log,
                                    "a user could not connect");
        goto failed;
    }

    return sk;

failed:

    sk->who = NULL;
    ngx_http_realtime_socket_close(sk);

    return NULL;
}


/* what auth was sent, without what is between the client and us */

static rt_str_t
ngx_http_realtime_connect_auth(ngx_http_realtime_hub_t *hub, rt_str_t auth)
{
    u_char          *p;
    rt_buf_t         b;
    rt_str_t         key, value;
    ngx_uint_t       n = 0;
    rt_json_iter_t   it;

    if (rt_json_get(auth, rt_lit("pid"), &value) != RT_OK
        && rt_json_get(auth, rt_lit("offset"), &value) != RT_OK)
    {
        return auth.len ? auth : rt_lit("{}");
    }

    p = ngx_http_realtime_scratch(&hub->args, auth.len, hub->log);
    if (p == NULL) {
        return rt_lit("{}");
    }

    rt_buf_init(&b, p, auth.len);
    rt_buf_char(&b, '{');

    rt_json_each(&it, auth);

    while (rt_json_next(&it, &key, &value) == RT_OK) {

        if (rt_json_is(key, rt_lit("pid"))
            || rt_json_is(key, rt_lit("offset")))
        {
            continue;
        }

        if (n++) {
            rt_buf_char(&b, ',');
        }

        rt_buf_put(&b, key);
        rt_buf_char(&b, ':');
        rt_buf_put(&b, value);
    }

    rt_buf_char(&b, '}');

    return rt_buf_str(&b);
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
    call.args = ngx_http_realtime_connect_auth(call.hub, auth);
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
    rt_buf_t                   b;
    u_char                     pid[RT_PID_LEN], buf[RT_SIO_MAX_NSP + 128];
    ngx_http_realtime_zone_t  *z = sk->session->set->bus->zone;

    rt_buf_init(&b, buf, sizeof(buf));

    ngx_http_realtime_socket_put_head(&b, sk->nsp->name, RT_SIO_CONNECT, 0,
                                      -1);
    rt_buf_put(&b, rt_lit("{\"sid\":\""));
    rt_buf_put(&b, ngx_http_realtime_socket_id(sk));

    if (sk->session->recoverable
        && rt_pid_make(pid, &z->sh->pid_key, sk->ref, sk->id, sk->nsp->name)
           == RT_OK)
    {
        rt_buf_put(&b, rt_lit("\",\"pid\":\""));
        rt_buf_put(&b, rt_str(RT_PID_LEN, pid));
    }

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

    ngx_http_realtime_log_refused(s, message, why ? why : message);

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
    ngx_http_realtime_greet_with(call, 0);
}


static void
ngx_http_realtime_greet_with(ngx_http_realtime_call_t *call,
    ngx_uint_t recovered)
{
    rt_buf_t                      b;
    u_char                        iso[RT_TIME_ISO_LEN];
    u_char                        buf[256];
    ngx_http_realtime_socket_t   *sk = call->sk;

    rt_time_iso(iso, ngx_http_realtime_now());

    rt_buf_init(&b, buf, sizeof(buf));

    rt_buf_put(&b, rt_lit("{\"socketId\":\""));
    rt_buf_put(&b, ngx_http_realtime_socket_id(sk));
    rt_buf_put(&b, rt_lit("\",\"serverTime\":\""));
    rt_buf_put(&b, rt_str(RT_TIME_ISO_LEN, iso));
    rt_buf_put(&b, rt_lit("\",\"protocolVersion\":\"1.0\""));
    rt_buf_put(&b, recovered ? ngx_http_realtime_greet_recovered
                             : rt_lit("}"));

    ngx_http_realtime_tell(call, rt_lit("\"connected\""), rt_buf_str(&b));

    if (sk->who
        && ngx_http_realtime_lookup_user(sk, recovered,
                                         ngx_http_realtime_greet_user)
           != NGX_OK)
    {
        ngx_http_realtime_greet_user(sk, recovered, NULL);
    }
}


/* "found" NULL: nobody knows more than the token */

static void
ngx_http_realtime_greet_user(ngx_http_realtime_socket_t *sk,
    ngx_uint_t recovered, ngx_http_realtime_lookup_user_t *found)
{
    size_t                         size;
    u_char                        *buf;
    rt_buf_t                       b;
    rt_str_t                       rooms, event = rt_lit("\"authenticated\"");
    ngx_http_realtime_hub_t       *hub = sk->session->set->data;
    ngx_http_realtime_identity_t  *who = sk->who;

    rooms = found ? found->rooms : rt_lit("");

    size = who->json.len + who->rooms.len + rooms.len + 128;

    buf = ngx_http_realtime_scratch(&hub->args, size, hub->log);
    if (buf == NULL) {
        return;
    }

    rt_buf_init(&b, buf, size);

    rt_buf_put(&b, rt_lit("{\"userId\":"));
    rt_buf_put(&b, who->json);
    rt_buf_put(&b, rt_lit(",\"sessionId\":\""));
    rt_buf_put(&b, rt_str(RT_UUID_LEN, who->session));
    rt_buf_put(&b, rt_lit("\",\"rooms\":["));
    ngx_http_realtime_greet_rooms(&b, who->rooms, rooms);
    rt_buf_char(&b, ']');
    rt_buf_put(&b, recovered ? ngx_http_realtime_greet_recovered
                             : rt_lit("}"));

    (void) ngx_http_realtime_socket_send(sk, &event, -1, rt_buf_str(&b), NULL,
                                         0);

    if (found && found->known) {
        ngx_http_realtime_presence_recall(hub, sk, found->presence.custom);
    }
}


/* two arrays of names become one, without brackets and each name once */

static void
ngx_http_realtime_greet_rooms(rt_buf_t *b, rt_str_t granted, rt_str_t more)
{
    rt_str_t        room, other;
    ngx_uint_t      n = 0;
    rt_json_iter_t  it, in;

    if (granted.len) {
        rt_json_each(&it, granted);

        while (rt_json_next(&it, NULL, &room) == RT_OK) {
            if (n++) {
                rt_buf_char(b, ',');
            }

            rt_buf_put(b, room);
        }
    }

    if (more.len == 0) {
        return;
    }

    rt_json_each(&it, more);

    while (rt_json_next(&it, NULL, &room) == RT_OK) {

        if (granted.len) {
            rt_json_each(&in, granted);

            do {
                if (rt_json_next(&in, NULL, &other) != RT_OK) {
                    other = rt_lit("");
                }

            } while (other.len && !rt_str_eq(room, other));

            if (other.len) {
                continue;
            }
        }

        if (n++) {
            rt_buf_char(b, ',');
        }

        rt_buf_put(b, room);
    }
}


/* the token is good no longer, and so is the socket */

void
ngx_http_realtime_on_expire(ngx_http_realtime_socket_t *sk)
{
    rt_str_t  event = rt_lit("\"error\"");
    rt_str_t  error = rt_lit("{\"code\":\"TOKEN_EXPIRED\","
                             "\"message\":\"The token has expired\"}");

    ngx_http_realtime_count(sk->session->set->bus, ERRORS);
    ngx_http_realtime_log_error(sk, rt_lit(""), error);

    (void) ngx_http_realtime_socket_send(sk, &event, -1, error, NULL, 0);

    ngx_http_realtime_socket_kick(sk);
}


void
ngx_http_realtime_on_leave(ngx_http_realtime_socket_t *sk)
{
    ngx_http_realtime_hub_t  *hub = sk->session->set->data;

    ngx_http_realtime_replay_end(sk);
    ngx_http_realtime_depart_all(hub, sk);

    if (sk->who && !sk->session->moved) {
        ngx_http_realtime_presence_gone(hub);
    }
}
