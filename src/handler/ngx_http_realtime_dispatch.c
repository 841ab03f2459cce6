
/*
 * The way of an event from its name to what is done.
 */


#include "handler/ngx_http_realtime_events.h"
#include "handler/ngx_http_realtime_lookup.h"


static rt_str_t ngx_http_realtime_dispatch_call(ngx_http_realtime_call_t *call,
    ngx_http_realtime_socket_t *sk, ngx_http_realtime_packet_t *pkt,
    u_char *buf);
static ngx_int_t ngx_http_realtime_dispatch(ngx_http_realtime_call_t *call,
    const ngx_http_realtime_rule_t *rule);


#define ngx_http_realtime_builtin(name, handler)                              \
    { rt_string(name), 0, 1, (ngx_http_realtime_action_t []) {                \
        { NGX_HTTP_REALTIME_ACTION_BUILTIN, { 0, NULL }, handler } } }

/* what is done where a location says nothing else; docs/directives.md */

static const ngx_http_realtime_rule_t  ngx_http_realtime_builtins[] = {

    ngx_http_realtime_builtin("connect", ngx_http_realtime_greet),
    ngx_http_realtime_builtin("room:join", ngx_http_realtime_on_room_join),
    ngx_http_realtime_builtin("room:leave", ngx_http_realtime_on_room_leave),
    ngx_http_realtime_builtin("message:send",
                              ngx_http_realtime_on_message_send),
    ngx_http_realtime_builtin("typing:start",
                              ngx_http_realtime_on_typing_start),
    ngx_http_realtime_builtin("typing:stop", ngx_http_realtime_on_typing_stop),
    ngx_http_realtime_builtin("presence:update",
                              ngx_http_realtime_on_presence_update),
    ngx_http_realtime_builtin("presence:request",
                              ngx_http_realtime_on_presence_request),
    ngx_http_realtime_builtin("ping", ngx_http_realtime_on_ping),
    ngx_http_realtime_builtin("pong", ngx_http_realtime_on_pong)
};

#undef ngx_http_realtime_builtin


/* what clients believe to come from the server */

static const rt_str_t  ngx_http_realtime_own_events[] = {
    rt_string("connected"),
    rt_string("authenticated"),
    rt_string("room:joined"),
    rt_string("room:left"),
    rt_string("user:joined"),
    rt_string("user:left"),
    rt_string("message:new"),
    rt_string("typing:event"),
    rt_string("presence:changed"),
    rt_string("error")
};


void
ngx_http_realtime_on_event(ngx_http_realtime_socket_t *sk,
    ngx_http_realtime_packet_t *pkt)
{
    ngx_http_realtime_on_event_again(sk, pkt, NULL);
}


/* "l" NULL: for the first time */

void
ngx_http_realtime_on_event_again(ngx_http_realtime_socket_t *sk,
    ngx_http_realtime_packet_t *pkt, ngx_http_realtime_lookup_t *l)
{
    u_char                            buf[NGX_HTTP_REALTIME_EVENT_MAX];
    rt_str_t                          name;
    ngx_http_realtime_call_t          call;
    const ngx_http_realtime_rule_t   *rule = NULL;

    /* one that has come back elsewhere: what it still sends is too late */

    if (sk->session->recoverable
        && ngx_http_realtime_socket_rec(sk) == NULL)
    {
        ngx_http_realtime_session_close(sk->session,
                                        NGX_HTTP_REALTIME_CLOSED_FORCED);
        return;
    }

    name = ngx_http_realtime_dispatch_call(&call, sk, pkt, buf);
    call.lookup = l;

    /* answers never overtake one another */

    ngx_http_realtime_catch_up(call.hub, sk->session);

    if (name.len <= sizeof(buf)) {
        rule = ngx_http_realtime_rule_find(sk->session->conf->events, name);
    }

    if (l == NULL && ngx_http_realtime_access_event(&call) != NGX_OK) {
        return;
    }

    if (rule == NULL) {
        ngx_http_realtime_answer_unknown(&call);
        return;
    }

    if (ngx_http_realtime_dispatch(&call, rule) == NGX_OK) {
        ngx_http_realtime_log_event(&call, name);
    }
}


/* what the packet has, and the event's name, in "buf" if it fits */

static rt_str_t
ngx_http_realtime_dispatch_call(ngx_http_realtime_call_t *call,
    ngx_http_realtime_socket_t *sk, ngx_http_realtime_packet_t *pkt,
    u_char *buf)
{
    ssize_t         len;
    rt_json_iter_t  it;

    call->hub = sk->session->set->data;
    call->sk = sk;
    call->pkt = pkt;
    call->event = pkt->sio.event;
    call->args = rt_sio_args(&pkt->sio);
    call->n = pkt->sio.attachments;

    /* the first argument is the second element */

    rt_json_each(&it, pkt->sio.data);

    if (rt_json_next(&it, NULL, &call->arg) != RT_OK
        || rt_json_next(&it, NULL, &call->arg) != RT_OK)
    {
        call->arg = rt_lit("");
    }

    len = rt_json_decode(call->event, buf, NGX_HTTP_REALTIME_EVENT_MAX);

    return (len >= 0) ? rt_str(len, buf) : call->event;
}


/* NGX_AGAIN: it waits, and will be handled once more */

static ngx_int_t
ngx_http_realtime_dispatch(ngx_http_realtime_call_t *call,
    const ngx_http_realtime_rule_t *rule)
{
    rt_str_t                     as;
    ngx_uint_t                   i;
    ngx_http_realtime_action_t  *action;
    ngx_http_realtime_lookup_t  *l = call->lookup;

    for (i = l ? ngx_http_realtime_lookup_action(l) : 0; i < rule->n; i++) {

        action = &rule->actions[i];
        as = action->as.len ? action->as : call->event;

        switch (action->type) {

        case NGX_HTTP_REALTIME_ACTION_BUILTIN:
            action->builtin(call);
            break;

        case NGX_HTTP_REALTIME_ACTION_RELAY:
            ngx_http_realtime_relay(call, as);
            break;

        case NGX_HTTP_REALTIME_ACTION_ECHO:
            ngx_http_realtime_echo(call, as);
            break;

        case NGX_HTTP_REALTIME_ACTION_ACK:
            ngx_http_realtime_ack(call);
            break;

        case NGX_HTTP_REALTIME_ACTION_DROP:
            break;
        }

        if (call->lookup != l) {
            ngx_http_realtime_lookup_wait(call->lookup, i);
            return NGX_AGAIN;
        }
    }

    return NGX_OK;
}


const ngx_http_realtime_rule_t *
ngx_http_realtime_rule_find(ngx_http_realtime_events_conf_t *conf,
    rt_str_t name)
{
    ngx_uint_t                       i, n;
    const ngx_http_realtime_rule_t  *rules, *found = NULL;

    n = conf->rules ? conf->rules->nelts : 0;
    rules = n ? conf->rules->elts : NULL;

    for (i = 0; i < n; i++) {
        if (!rules[i].prefix && rt_str_eq(rules[i].name, name)) {
            return &rules[i];
        }
    }

    for (i = 0; i < rt_nitems(ngx_http_realtime_builtins); i++) {
        if (rt_str_eq(ngx_http_realtime_builtins[i].name, name)) {
            return &ngx_http_realtime_builtins[i];
        }
    }

    /* what only the server says is not to come from clients by accident */

    for (i = 0; i < rt_nitems(ngx_http_realtime_own_events); i++) {
        if (rt_str_eq(ngx_http_realtime_own_events[i], name)) {
            return NULL;
        }
    }

    for (i = 0; i < n; i++) {
        if (rules[i].prefix
            && name.len >= rules[i].name.len
            && ngx_memcmp(name.data, rules[i].name.data, rules[i].name.len)
               == 0
            && (found == NULL || found->name.len < rules[i].name.len))
        {
            found = &rules[i];
        }
    }

    return found;
}


ngx_int_t
ngx_http_realtime_nsp_allowed(ngx_http_realtime_events_conf_t *conf,
    rt_str_t nsp)
{
    ngx_uint_t                     i;
    ngx_http_realtime_nsp_conf_t  *list;

    if (conf->namespaces == NULL) {
        return rt_str_eq(nsp, rt_lit("/"));
    }

    list = conf->namespaces->elts;

    for (i = 0; i < conf->namespaces->nelts; i++) {

        if (list[i].match ? list[i].match(list[i].data, nsp)
                          : rt_str_eq(list[i].name, nsp))
        {
            return 1;
        }
    }

    return 0;
}
