
#include "handler/ngx_http_realtime_lookup_inner.h"
#include "handler/ngx_http_realtime_events.h"
#include "hub/ngx_http_realtime_account.h"


static ngx_uint_t ngx_http_realtime_lookup_can(ngx_http_realtime_socket_t *sk);
static ngx_int_t ngx_http_realtime_lookup_call(ngx_http_realtime_call_t *call,
    ngx_http_realtime_ask_e kind, rt_str_t room, rt_str_t user,
    ngx_uint_t member);
static ngx_int_t ngx_http_realtime_lookup_begin(ngx_http_realtime_lookup_t *l,
    ngx_http_realtime_socket_t *sk, ngx_http_realtime_packet_t *pkt);
static void ngx_http_realtime_lookup_done(ngx_http_realtime_ask_t *ask,
    ngx_int_t rc);
static ngx_int_t ngx_http_realtime_lookup_again(
    ngx_http_realtime_lookup_t *l);
static void ngx_http_realtime_lookup_greet(ngx_http_realtime_lookup_t *l,
    ngx_http_realtime_socket_t *sk);
static void ngx_http_realtime_lookup_cancel(ngx_http_realtime_pause_t *p);


/* changes that may overtake an answer before nobody can tell any more */
#define NGX_HTTP_REALTIME_LOOKUP_AGAIN  4

/* what is around a custom status for it to be checked as any other one */
#define NGX_HTTP_REALTIME_LOOKUP_STATUS  "{\"status\":\"online\"," \
                                         "\"customStatus\":"


/* the database has answered, whoever was asked since */
#define ngx_http_realtime_lookup_has(call)                                    \
    ((call)->lookup && (call)->lookup->stored)


ngx_int_t
ngx_http_realtime_lookup_room(ngx_http_realtime_call_t *call, rt_str_t room,
    ngx_uint_t member, ngx_http_realtime_known_t *known)
{
    rt_str_t                    user;
    ngx_int_t                   rc;
    ngx_http_realtime_zone_t   *z = call->hub->bus->zone;

    if (!ngx_http_realtime_lookup_has(call)
        && !ngx_http_realtime_lookup_can(call->sk))
    {
        return NGX_DONE;
    }

    user = call->sk->who ? call->sk->who->id : rt_lit("");

    if (!ngx_http_realtime_lookup_has(call)
        && ngx_http_realtime_known_find(z, room, user, member, known)
           == NGX_OK)
    {
        return NGX_OK;
    }

    rc = ngx_http_realtime_lookup_call(call, NGX_HTTP_REALTIME_ASK_ROOM, room,
                                       user, member);

    if (rc == NGX_OK) {
        *known = call->lookup->ask.known;
        return NGX_OK;
    }

    if (rc != NGX_DECLINED) {
        return rc;
    }

    /* what it was is good enough while nobody can say what it is */

    return (ngx_http_realtime_known_find(z, room, user, member, known)
            == NGX_DECLINED) ? NGX_DECLINED : NGX_OK;
}


ngx_int_t
ngx_http_realtime_lookup_custom(ngx_http_realtime_call_t *call, rt_str_t user,
    rt_presence_t *presence)
{
    ngx_int_t  rc;

    presence->has_custom = 0;
    presence->custom = rt_lit("");

    if (!ngx_http_realtime_lookup_has(call)
        && !ngx_http_realtime_lookup_can(call->sk))
    {
        return NGX_DONE;
    }

    rc = ngx_http_realtime_lookup_call(call, NGX_HTTP_REALTIME_ASK_USER,
                                       rt_lit(""), user, 0);

    if (rc == NGX_OK) {
        ngx_http_realtime_lookup_presence(call->lookup->ask.custom, presence);
    }

    return (rc == NGX_DECLINED) ? NGX_DONE : rc;
}


static ngx_uint_t
ngx_http_realtime_lookup_can(ngx_http_realtime_socket_t *sk)
{
    ngx_http_realtime_hub_t  *hub = sk->session->set->data;

    return hub->reader && ngx_http_realtime_account_main(sk->nsp->name);
}


/* NGX_OK: the answer is in call->lookup */

static ngx_int_t
ngx_http_realtime_lookup_call(ngx_http_realtime_call_t *call,
    ngx_http_realtime_ask_e kind, rt_str_t room, rt_str_t user,
    ngx_uint_t member)
{
    ngx_int_t                    rc;
    ngx_http_realtime_lookup_t  *l = call->lookup;

    if (ngx_http_realtime_lookup_has(call)) {
        return (l->rc == NGX_ERROR) ? NGX_DECLINED : l->rc;
    }

    l = ngx_http_realtime_lookup_new(call, kind, room, user, call->hub->log);
    if (l == NULL) {
        return NGX_ERROR;
    }

    l->ask.member = member;
    l->stored = 1;

    rc = ngx_http_realtime_lookup_begin(l, call->sk, call->pkt);

    if (rc == NGX_OK) {
        call->lookup = l;
        return NGX_AGAIN;
    }

    return rc;
}


ngx_http_realtime_lookup_t *
ngx_http_realtime_lookup_new(ngx_http_realtime_call_t *call,
    ngx_http_realtime_ask_e kind, rt_str_t room, rt_str_t user, ngx_log_t *log)
{
    u_char                      *p;
    ngx_http_realtime_lookup_t  *l, *old = call ? call->lookup : NULL;

    l = ngx_calloc(sizeof(ngx_http_realtime_lookup_t) + room.len + user.len,
                   log);
    if (l == NULL) {
        return NULL;
    }

    p = (u_char *) (l + 1);

    l->ask.kind = kind;
    l->ask.room = rt_str(room.len, p);
    p = ngx_cpymem(p, room.data, room.len);

    l->ask.user = rt_str(user.len, p);
    ngx_memcpy(p, user.data, user.len);

    if (old) {
        l->ask.known = old->ask.known;
        l->rc = old->rc;
        l->stored = old->stored;
        l->told = old->told;
        l->refused = old->refused;
        l->known = old->known;
        l->known.custom.data = l->custom;
        ngx_memcpy(l->custom, old->custom, sizeof(l->custom));
    }

    l->ask.done = ngx_http_realtime_lookup_done;
    l->pause.cancel = ngx_http_realtime_lookup_cancel;

    return l;
}


/* the reader's verdict; "l" is freed unless that is NGX_OK */

static ngx_int_t
ngx_http_realtime_lookup_begin(ngx_http_realtime_lookup_t *l,
    ngx_http_realtime_socket_t *sk, ngx_http_realtime_packet_t *pkt)
{
    ngx_int_t                 rc;
    ngx_http_realtime_hub_t  *hub = sk->session->set->data;

    rc = ngx_http_realtime_reader_ask(hub->reader, &l->ask);

    if (rc == NGX_OK
        && ngx_http_realtime_pause_begin(&l->pause, sk, pkt) != NGX_OK)
    {
        ngx_http_realtime_reader_cancel(&l->ask);
        rc = NGX_ERROR;
    }

    if (rc != NGX_OK) {
        ngx_free(l);
    }

    return rc;
}


static void
ngx_http_realtime_lookup_done(ngx_http_realtime_ask_t *ask, ngx_int_t rc)
{
    ngx_http_realtime_lookup_t  *l;

    l = ngx_queue_data(ask, ngx_http_realtime_lookup_t, ask);

    if (rc == NGX_OK && ask->overtaken) {

        /* nobody enters by what is over, and stays */

        if (l->asked++ < NGX_HTTP_REALTIME_LOOKUP_AGAIN
            && ngx_http_realtime_lookup_again(l) == NGX_OK)
        {
            return;
        }

        rc = NGX_ERROR;
    }

    l->rc = rc;

    ngx_http_realtime_lookup_go_on(l);
}


void
ngx_http_realtime_lookup_go_on(ngx_http_realtime_lookup_t *l)
{
    ngx_http_realtime_packet_t   pkt;
    ngx_http_realtime_socket_t  *sk;

    sk = ngx_http_realtime_pause_socket(&l->pause);

    if (sk && l->greet) {
        ngx_http_realtime_lookup_greet(l, sk);

    } else if (sk) {
        ngx_http_realtime_pause_packet(&l->pause, &pkt);
        ngx_http_realtime_on_event_again(sk, &pkt, l);
    }

    ngx_http_realtime_lookup_peers_end(l);
    ngx_http_realtime_pause_end(&l->pause);
    ngx_free(l);
}


static ngx_int_t
ngx_http_realtime_lookup_again(ngx_http_realtime_lookup_t *l)
{
    ngx_http_realtime_hub_t  *hub = l->pause.session->set->data;

    l->ask.overtaken = 0;

    return ngx_http_realtime_reader_ask(hub->reader, &l->ask);
}


ngx_int_t
ngx_http_realtime_lookup_user(ngx_http_realtime_socket_t *sk,
    ngx_uint_t recovered,
    void (*greet)(ngx_http_realtime_socket_t *sk, ngx_uint_t recovered,
        ngx_http_realtime_lookup_user_t *found))
{
    ngx_http_realtime_hub_t     *hub = sk->session->set->data;
    ngx_http_realtime_lookup_t  *l;

    if (!ngx_http_realtime_lookup_can(sk)) {
        return NGX_DECLINED;
    }

    l = ngx_http_realtime_lookup_new(NULL, NGX_HTTP_REALTIME_ASK_USER,
                                     rt_lit(""), sk->who->id, hub->log);
    if (l == NULL) {
        return NGX_DECLINED;
    }

    l->recovered = recovered;
    l->greet = greet;

    return (ngx_http_realtime_lookup_begin(l, sk, NULL) == NGX_OK)
           ? NGX_OK : NGX_DECLINED;
}


static void
ngx_http_realtime_lookup_greet(ngx_http_realtime_lookup_t *l,
    ngx_http_realtime_socket_t *sk)
{
    ngx_http_realtime_lookup_user_t  found;

    found.known = (l->rc == NGX_OK);
    found.rooms = rt_lit("");

    if (found.known) {
        found.rooms = l->ask.rooms;
        ngx_http_realtime_lookup_presence(l->ask.custom, &found.presence);
    }

    l->greet(sk, l->recovered, &found);
}


/* others may have written it: it has to be one that a client could have set */

void
ngx_http_realtime_lookup_presence(rt_str_t custom, rt_presence_t *presence)
{
    u_char        buf[4096];
    rt_buf_t      b;
    const char   *why;
    rt_invalid_t  inv;

    inv.n = 0;

    if (custom.len == 0
        || custom.len > sizeof(buf) - sizeof(NGX_HTTP_REALTIME_LOOKUP_STATUS))
    {
        goto none;
    }

    rt_buf_init(&b, buf, sizeof(buf));

    rt_buf_put(&b, rt_lit(NGX_HTTP_REALTIME_LOOKUP_STATUS));
    rt_buf_put(&b, custom);
    rt_buf_char(&b, '}');

    if (rt_json_check(rt_buf_str(&b), &why) != RT_OK
        || rt_payload_presence(presence, rt_buf_str(&b), &inv) != RT_OK)
    {
        goto none;
    }

    return;

none:

    presence->has_custom = 0;
    presence->custom = rt_lit("");
}


static void
ngx_http_realtime_lookup_cancel(ngx_http_realtime_pause_t *p)
{
    ngx_http_realtime_lookup_t  *l = (ngx_http_realtime_lookup_t *) p;

    ngx_http_realtime_reader_cancel(&l->ask);
    ngx_http_realtime_lookup_peers_end(l);
    ngx_http_realtime_pause_end(p);

    ngx_free(l);
}


ngx_uint_t
ngx_http_realtime_lookup_action(ngx_http_realtime_lookup_t *l)
{
    return l->action;
}


void
ngx_http_realtime_lookup_wait(ngx_http_realtime_lookup_t *l,
    ngx_uint_t action)
{
    l->action = action;
}
