
#include "handler/ngx_http_realtime_access.h"
#include "handler/ngx_http_realtime_events.h"
#include "handler/ngx_http_realtime_lookup.h"
#include "shm/ngx_http_realtime_limits.h"
#include "shm/ngx_http_realtime_roster.h"


static rt_str_t ngx_http_realtime_access_token(ngx_http_realtime_session_t *s,
    rt_str_t auth, u_char *buf, size_t size, const char **why);
static const ngx_http_realtime_room_rule_t *ngx_http_realtime_access_rule(
    ngx_http_realtime_access_conf_t *conf, rt_str_t room);
static ngx_int_t ngx_http_realtime_access_found(ngx_http_realtime_call_t *call,
    rt_str_t room, ngx_http_realtime_entrance_t *in, ngx_int_t rc);
static ngx_int_t ngx_http_realtime_access_limit(ngx_http_realtime_call_t *call,
    ngx_http_realtime_limit_e kind, rt_str_t where,
    const rt_limit_conf_t *conf);


#define ngx_http_realtime_access_conf(s)                                      \
    (&((ngx_http_realtime_events_conf_t *) (s)->conf->events)->access)


ngx_int_t
ngx_http_realtime_access_connect(ngx_http_realtime_session_t *s, rt_str_t auth,
    ngx_http_realtime_identity_t **who, const char **why)
{
    u_char                           *buf;
    rt_str_t                          token;
    ngx_int_t                         rc = NGX_DECLINED;
    rt_jwt_claims_t                   claims;
    ngx_http_realtime_access_conf_t  *conf = ngx_http_realtime_access_conf(s);

    *who = NULL;

    if (conf->jwt.keys == NULL) {
        return NGX_OK;              /* a token is ignored, never trusted */
    }

    buf = ngx_alloc(RT_JWT_MAX + RT_JWT_BUF, s->set->log);
    if (buf == NULL) {
        return NGX_ERROR;
    }

    *why = NULL;
    token = ngx_http_realtime_access_token(s, auth, buf, RT_JWT_MAX, why);

    if (*why) {
        goto done;
    }

    if (token.len == 0) {
        *why = "No token was given";
        rc = conf->anonymous ? NGX_OK : NGX_DECLINED;
        goto done;
    }

    if (rt_jwt_verify(&conf->jwt, token, ngx_time(), buf + RT_JWT_MAX,
                      RT_JWT_BUF, &claims, why)
        == RT_OK)
    {
        *who = ngx_http_realtime_identity_new(&claims, NULL, s->set->log);
        rc = *who ? NGX_OK : NGX_ERROR;
    }

done:

    ngx_explicit_memzero(buf, RT_JWT_MAX + RT_JWT_BUF);
    ngx_free(buf);

    return rc;
}


/* that of CONNECT before that of the handshake; empty: there is none */

static rt_str_t
ngx_http_realtime_access_token(ngx_http_realtime_session_t *s, rt_str_t auth,
    u_char *buf, size_t size, const char **why)
{
    ssize_t   len;
    rt_str_t  value;

    if (rt_json_get(auth, rt_lit("token"), &value) != RT_OK
        || rt_json_type(value) == RT_JSON_NULL
        || rt_json_is(value, rt_lit("")))
    {
        return s->token;
    }

    if (rt_json_type(value) != RT_JSON_STRING) {
        *why = "The token must be a string";
        return rt_lit("");
    }

    len = rt_json_decode(value, buf, size);

    if (len < 0) {
        *why = "The token is too long";
        return rt_lit("");
    }

    return rt_str(len, buf);
}


/* exact ones first, then the longest pattern */

static const ngx_http_realtime_room_rule_t *
ngx_http_realtime_access_rule(ngx_http_realtime_access_conf_t *conf,
    rt_str_t room)
{
    ngx_uint_t                      i;
    ngx_http_realtime_room_rule_t  *rules, *found = NULL;

    if (conf->rooms == NULL) {
        return NULL;
    }

    rules = conf->rooms->elts;

    for (i = 0; i < conf->rooms->nelts; i++) {

        if (rt_str_eq(rules[i].pattern, room)) {
            return &rules[i];
        }

        if (rt_room_pattern_match(rules[i].pattern, room)
            && (found == NULL || found->pattern.len < rules[i].pattern.len))
        {
            found = &rules[i];
        }
    }

    return found;
}


ngx_uint_t
ngx_http_realtime_access_declares(ngx_http_realtime_session_t *s,
    rt_str_t room, ngx_http_realtime_kind_t *kind)
{
    const ngx_http_realtime_room_rule_t  *rule;

    rule = ngx_http_realtime_access_rule(ngx_http_realtime_access_conf(s),
                                         room);
    if (rule == NULL) {
        return 0;
    }

    if (kind) {
        *kind = rule->kind;
    }

    return 1;
}


ngx_int_t
ngx_http_realtime_access_room(ngx_http_realtime_call_t *call, rt_str_t room,
    ngx_http_realtime_entrance_t *in)
{
    ngx_int_t                             rc = NGX_DONE;
    ngx_http_realtime_known_t             known;
    ngx_http_realtime_identity_t         *who = call->sk->who;
    const ngx_http_realtime_room_rule_t  *rule;

    rule = ngx_http_realtime_access_rule(
                   ngx_http_realtime_access_conf(call->sk->session), room);

    in->kind = rule ? rule->kind : NGX_HTTP_REALTIME_ROOM_CHANNEL;
    in->declared = (rule != NULL);
    in->named = ngx_http_realtime_identity_names(who, room);

    if (!ngx_http_realtime_identity_admits(who, room)) {
        ngx_http_realtime_answer_error(call, "ROOM_ACCESS_DENIED",
                                       "Your token does not name this room");
        return NGX_DECLINED;
    }

    /* the location's word and the token's stand above the database's */

    ngx_memzero(&known, sizeof(known));

    if (rule == NULL
        || ((rule->kind & NGX_HTTP_REALTIME_ROOM_PRIVATE) && !in->named))
    {
        rc = ngx_http_realtime_lookup_room(call, room, rule != NULL, &known);
    }

    if (rc == NGX_OK) {

        in->named |= known.member;

        if (rule == NULL && known.exists) {
            in->kind = known.kind;
            in->declared = 1;
        }
    }

    return ngx_http_realtime_access_found(call, room, in, rc);
}


/* "rc" is what lookup_room() said, NGX_DONE where it was not asked */

static ngx_int_t
ngx_http_realtime_access_found(ngx_http_realtime_call_t *call, rt_str_t room,
    ngx_http_realtime_entrance_t *in, ngx_int_t rc)
{
    ngx_uint_t                        people;
    ngx_http_realtime_kind_t          kind;
    ngx_http_realtime_access_conf_t  *conf;

    if (rc == NGX_AGAIN) {
        return NGX_AGAIN;
    }

    conf = ngx_http_realtime_access_conf(call->sk->session);

    if (rc != NGX_DECLINED && rc != NGX_ERROR
        && (in->declared || conf->room_create))
    {
        return NGX_OK;
    }

    people = ngx_http_realtime_roster_count(call->hub->bus->zone,
                                            ngx_http_realtime_call_nsp(call),
                                            room, &kind);

    /* a public room with somebody in it is known in any case */

    if (people && !in->declared
        && (rc == NGX_DONE || rc == NGX_OK || in->named
            || !(kind & NGX_HTTP_REALTIME_ROOM_PRIVATE)))
    {
        return NGX_OK;
    }

    if (rc == NGX_DONE || rc == NGX_OK) {
        ngx_http_realtime_answer_error(call, "ROOM_NOT_FOUND",
                                       "There is no such room");
        return NGX_DECLINED;
    }

    ngx_http_realtime_answer_error(call, "SERVER_BUSY",
                    "Nobody can tell now who may enter this room; try again");

    return NGX_DECLINED;
}


ngx_int_t
ngx_http_realtime_access_write(ngx_http_realtime_call_t *call, rt_str_t room)
{
    ngx_uint_t                            type;
    ngx_http_realtime_identity_t         *who = call->sk->who;
    ngx_http_realtime_membership_t       *m;
    const ngx_http_realtime_room_rule_t  *rule;

    m = ngx_http_realtime_call_member(call, room);

    if (m == NULL) {
        return NGX_DECLINED;
    }

    /* as it is declared here, and as it was when this worker saw it first */

    rule = ngx_http_realtime_access_rule(
                   ngx_http_realtime_access_conf(call->sk->session), room);
    type = ngx_http_realtime_room_type(rule ? rule->kind : m->room->kind);

    if (who && !who->write) {
        ngx_http_realtime_answer_error(call, "PERMISSION_DENIED",
                                       "Your token does not let you write");
        return NGX_DECLINED;
    }

    if (type == NGX_HTTP_REALTIME_ROOM_BROADCAST
        && (who == NULL || !who->has_permissions))
    {
        ngx_http_realtime_answer_error(call, "PERMISSION_DENIED",
                   "Only those whose token lets them write may do so here");
        return NGX_DECLINED;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_realtime_access_user(ngx_http_realtime_call_t *call)
{
    if (call->sk->who) {
        return NGX_OK;
    }

    ngx_http_realtime_answer_error(call, "PERMISSION_DENIED",
                                   "This is for authenticated users");
    return NGX_DECLINED;
}


ngx_int_t
ngx_http_realtime_access_message(ngx_http_realtime_call_t *call,
    rt_str_t room)
{
    ngx_http_realtime_access_conf_t  *conf;

    conf = ngx_http_realtime_access_conf(call->sk->session);

    if (ngx_http_realtime_access_limit(call,
                                       NGX_HTTP_REALTIME_LIMIT_MESSAGES,
                                       rt_lit(""), &conf->limit_messages)
        != NGX_OK)
    {
        return NGX_DECLINED;
    }

    return ngx_http_realtime_access_limit(call, NGX_HTTP_REALTIME_LIMIT_ROOM,
                                          room, &conf->limit_room);
}


ngx_int_t
ngx_http_realtime_access_event(ngx_http_realtime_call_t *call)
{
    ngx_http_realtime_access_conf_t  *conf;

    conf = ngx_http_realtime_access_conf(call->sk->session);

    return ngx_http_realtime_access_limit(call,
                                          NGX_HTTP_REALTIME_LIMIT_EVENTS,
                                          rt_lit(""), &conf->limit_events);
}


/*
 * Over all connections of a user; an anonymous client is its session, whose id
 * no user id looks like to this table: "@" comes before the latter.
 */

static ngx_int_t
ngx_http_realtime_access_limit(ngx_http_realtime_call_t *call,
    ngx_http_realtime_limit_e kind, rt_str_t where,
    const rt_limit_conf_t *conf)
{
    uint64_t                      wait;
    ngx_int_t                     rc;
    ngx_http_realtime_limited_t   of;

    if (conf->period == 0) {
        return NGX_OK;
    }

    of.kind = kind;
    of.here = (call->sk->who == NULL);
    of.who = of.here ? ngx_http_realtime_session_sid(call->sk->session)
                     : call->sk->who->own;
    of.where = where;

    rc = ngx_http_realtime_limits_take(call->hub->bus->zone, &of, conf,
                                       ngx_http_realtime_now(), &wait, NULL);

    /* a message that is sent wakes whoever tells other hosts, too */

    if (rc == NGX_BUSY || kind == NGX_HTTP_REALTIME_LIMIT_EVENTS) {
        ngx_http_realtime_bus_kick(call->hub->bus);
    }

    switch (rc) {

    case NGX_OK:
        return NGX_OK;

    case NGX_BUSY:
        ngx_http_realtime_answer_wait(call, wait,
                               kind == NGX_HTTP_REALTIME_LIMIT_EVENTS
                               ? "Too many events. Please slow down."
                               : "Too many messages. Please slow down.");
        return NGX_DECLINED;

    default:
        ngx_http_realtime_call_full(call, "what somebody sends could not be "
                                          "counted");
        return NGX_DECLINED;
    }
}
