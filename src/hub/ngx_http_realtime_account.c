
#include "hub/ngx_http_realtime_account.h"

#include "chat/rt_name.h"


static void ngx_http_realtime_account_put(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_fact_t *f);
static rt_str_t ngx_http_realtime_account_user(ngx_http_realtime_socket_t *sk);


static const rt_str_t  ngx_http_realtime_account_types[] = {
    rt_string("channel"),
    rt_string("dm"),
    rt_string("group"),
    rt_string("broadcast")
};


void
ngx_http_realtime_account_connect(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_socket_t *sk, ngx_uint_t connect, ngx_uint_t disconnect)
{
    rt_buf_t                         b;
    u_char                           device[RT_AGENT_JSON_MAX];
    u_char                           address[NGX_SOCKADDR_STRLEN];
    ngx_http_realtime_fact_t         f;
    ngx_http_realtime_zone_t        *z = hub->bus->zone;
    ngx_http_realtime_client_t      *client = &sk->session->client;
    ngx_http_realtime_socket_rec_t  *rec;

    if (!ngx_http_realtime_account_on(hub) && z->peers == NULL) {
        return;
    }

    rt_buf_init(&b, device, sizeof(device));
    rt_agent_put(&b, client->agent);

    ngx_memzero(&f, sizeof(f));

    f.type = NGX_HTTP_REALTIME_FACT_CONNECT;
    f.logged = connect;
    f.s[0] = ngx_http_realtime_socket_id(sk);
    f.s[1] = sk->nsp->name;
    f.s[2] = ngx_http_realtime_account_user(sk);
    f.s[4] = rt_buf_str(&b);

    if (client->address_len) {
        f.s[3] = rt_str(ngx_inet_ntop(client->address_len == 4 ? AF_INET
                                                               : AF_INET6,
                                      client->address, address,
                                      sizeof(address)),
                        address);
    }

    ngx_http_realtime_zone_lock(z);

    rec = ngx_http_realtime_socket_rec(sk);

    if (rec) {
        rec->stored = NGX_HTTP_REALTIME_STORED
                      | (disconnect ? NGX_HTTP_REALTIME_STORED_EVENT : 0);

        ngx_http_realtime_facts_put(z->rows, &f);
        ngx_http_realtime_facts_put(z->peers, &f);
    }

    ngx_http_realtime_zone_unlock(z);
    ngx_http_realtime_bus_kick(hub->bus);
}


void
ngx_http_realtime_account_alive(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_session_t *s)
{
    ngx_http_realtime_fact_t     f;
    ngx_http_realtime_socket_t  *sk;

    for (sk = s->sockets; sk; sk = sk->next) {
        ngx_memzero(&f, sizeof(f));

        f.type = NGX_HTTP_REALTIME_FACT_ACTIVITY;
        f.s[0] = ngx_http_realtime_socket_id(sk);

        ngx_http_realtime_account_put(hub, &f);
    }
}


void
ngx_http_realtime_account_event(ngx_http_realtime_hub_t *hub, rt_str_t type,
    rt_str_t user, rt_str_t room, rt_str_t data)
{
    ngx_http_realtime_fact_t  f;

    ngx_memzero(&f, sizeof(f));

    f.type = NGX_HTTP_REALTIME_FACT_EVENT;
    f.s[0] = type;
    f.s[1] = user.len ? user : rt_str(0, NULL);
    f.s[2] = room.len ? room : rt_str(0, NULL);
    f.s[3] = data.len ? data : rt_str(0, NULL);

    ngx_http_realtime_account_put(hub, &f);
}


void
ngx_http_realtime_account_join_locked(ngx_http_realtime_hub_t *hub,
    rt_str_t nsp, rt_str_t room, ngx_http_realtime_kind_t kind, rt_str_t user)
{
    ngx_http_realtime_fact_t  f;

    /* rooms with other names are no rooms to the database */

    if (!ngx_http_realtime_account_main(nsp) || !rt_room_name_valid(room)) {
        return;
    }

    ngx_memzero(&f, sizeof(f));

    f.type = NGX_HTTP_REALTIME_FACT_JOIN;
    f.s[0] = room;
    f.s[1] = ngx_http_realtime_account_types[ngx_http_realtime_room_type(kind)];
    f.s[2] = (kind & NGX_HTTP_REALTIME_ROOM_PRIVATE) ? rt_lit("private")
                                                     : rt_lit("public");

    /* of other hosts, too, it is known later who is in it */

    f.s[3] = (user.len && hub->bus->zone->peers == NULL) ? user
                                                         : rt_str(0, NULL);

    ngx_http_realtime_facts_put(hub->bus->zone->rows, &f);
}


void
ngx_http_realtime_account_leave_locked(ngx_http_realtime_hub_t *hub,
    rt_str_t nsp, rt_str_t room, rt_str_t user)
{
    ngx_http_realtime_fact_t  f;

    if (user.len == 0 || !ngx_http_realtime_account_main(nsp)
        || !rt_room_name_valid(room) || hub->bus->zone->peers)
    {
        return;
    }

    ngx_memzero(&f, sizeof(f));

    f.type = NGX_HTTP_REALTIME_FACT_LEAVE;
    f.s[0] = room;
    f.s[1] = user;

    ngx_http_realtime_facts_put(hub->bus->zone->rows, &f);
}


void
ngx_http_realtime_account_presence_locked(ngx_http_realtime_hub_t *hub,
    rt_str_t nsp, rt_str_t user, rt_str_t status, const rt_str_t *custom)
{
    ngx_http_realtime_fact_t  f;

    if (!ngx_http_realtime_account_main(nsp)
        || (hub->bus->zone->peers && rt_str_eq(status, rt_lit("offline"))))
    {
        return;
    }

    ngx_memzero(&f, sizeof(f));

    f.type = NGX_HTTP_REALTIME_FACT_PRESENCE;
    f.s[0] = user;
    f.s[1] = status;
    f.number = (custom != NULL);
    f.s[2] = (custom && custom->len) ? *custom : rt_str(0, NULL);

    ngx_http_realtime_facts_put(hub->bus->zone->rows, &f);
}


void
ngx_http_realtime_account_settled(ngx_http_realtime_hub_t *hub,
    const ngx_http_realtime_fact_t *of, ngx_uint_t everywhere)
{
    ngx_http_realtime_kind_t  kind = (ngx_http_realtime_kind_t) of->number;
    ngx_http_realtime_fact_t  f;

    if (!ngx_http_realtime_account_main(of->s[NGX_HTTP_REALTIME_FACT_NSP])) {
        return;
    }

    ngx_memzero(&f, sizeof(f));

    f.type = of->type;
    f.time = of->time;
    f.number = everywhere;
    f.s[0] = of->s[0];

    if (of->type == NGX_HTTP_REALTIME_FACT_PRESENCE) {
        f.number = 0;                   /* no news of the custom status */
        f.s[1] = rt_lit("offline");

    } else if (!rt_room_name_valid(of->s[0])) {
        return;

    } else if (of->type == NGX_HTTP_REALTIME_FACT_LEAVE) {
        f.s[1] = of->s[1];

    } else {
        f.s[1] = ngx_http_realtime_account_types[
                                            ngx_http_realtime_room_type(kind)];
        f.s[2] = (kind & NGX_HTTP_REALTIME_ROOM_PRIVATE) ? rt_lit("private")
                                                         : rt_lit("public");
        f.s[3] = of->s[1];
    }

    ngx_http_realtime_facts_put(hub->bus->zone->rows, &f);
}


void
ngx_http_realtime_account_typing_locked(ngx_http_realtime_hub_t *hub,
    rt_str_t nsp, rt_str_t room, rt_str_t user, rt_str_t thread,
    uint64_t until)
{
    ngx_http_realtime_fact_t  f;

    if (!ngx_http_realtime_account_main(nsp)) {
        return;
    }

    ngx_memzero(&f, sizeof(f));

    f.type = NGX_HTTP_REALTIME_FACT_TYPING;
    f.number = until;
    f.s[0] = room;
    f.s[1] = user;
    f.s[2] = thread;

    ngx_http_realtime_facts_put(hub->bus->zone->rows, &f);
}


static void
ngx_http_realtime_account_put(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_fact_t *f)
{
    ngx_http_realtime_facts_put(hub->bus->zone->rows, f);

    if (f->type == NGX_HTTP_REALTIME_FACT_ACTIVITY) {
        ngx_http_realtime_facts_put(hub->bus->zone->peers, f);
    }

    ngx_http_realtime_bus_kick(hub->bus);
}


static rt_str_t
ngx_http_realtime_account_user(ngx_http_realtime_socket_t *sk)
{
    return sk->who ? sk->who->id : rt_str(0, NULL);
}
