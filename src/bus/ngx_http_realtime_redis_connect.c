
#include "bus/ngx_http_realtime_redis_inner.h"

#include <ngx_event_connect.h>


static ngx_int_t ngx_http_realtime_redis_addresses(
    ngx_http_realtime_redis_t *redis, ngx_array_t *addrs);
static ngx_int_t ngx_http_realtime_redis_address(
    ngx_http_realtime_redis_t *redis, ngx_http_realtime_host_t *host,
    ngx_str_t *addr);
static ngx_int_t ngx_http_realtime_redis_socket_address(ngx_pool_t *pool,
    ngx_addr_t *addr, ngx_str_t *path);
static ngx_int_t ngx_http_realtime_redis_try(ngx_http_realtime_redis_t *redis);
static ngx_int_t ngx_http_realtime_redis_greeting(
    ngx_http_realtime_redis_t *redis);


void
ngx_http_realtime_redis_start(ngx_http_realtime_redis_t *redis)
{
    redis->last.len = 0;

    if (!ngx_http_realtime_names_needed(&redis->names)) {
        ngx_http_realtime_redis_connect(redis, NULL);
        return;
    }

    if (ngx_http_realtime_redis_move(redis, NGX_HTTP_REALTIME_REDIS_RESOLVING)
        == NGX_OK
        && ngx_http_realtime_names_ask(&redis->names) == NGX_ERROR)
    {
        ngx_http_realtime_redis_lost(redis, "no memory");
    }
}


void
ngx_http_realtime_redis_connect(void *data, ngx_array_t *addrs)
{
    ngx_int_t                   rc;
    ngx_http_realtime_redis_t  *redis = data;

    rc = ngx_http_realtime_redis_addresses(redis, addrs);

    ngx_http_realtime_names_done(&redis->names);

    if (rc != NGX_OK) {
        redis->addrs.nelts = 0;
        ngx_http_realtime_redis_lost(redis, "no memory");
        return;
    }

    if (redis->addrs.nelts == 0) {
        ngx_http_realtime_redis_lost(redis, "the host cannot be resolved");
        return;
    }

    ngx_http_realtime_redis_connect_next(redis);
}


/* all that all hosts have, in order */

static ngx_int_t
ngx_http_realtime_redis_addresses(ngx_http_realtime_redis_t *redis,
    ngx_array_t *addrs)
{
    ngx_str_t                  *s;
    ngx_uint_t                  i, j;
    ngx_array_t                *a;
    ngx_http_realtime_host_t   *host;
    ngx_http_realtime_hosts_t  *hosts = &redis->conf->url->hosts;

    redis->at = 0;
    redis->pool = ngx_create_pool(1024, redis->log);

    if (redis->pool == NULL
        || ngx_array_init(&redis->addrs, redis->pool, 4,
                          sizeof(ngx_http_realtime_redis_addr_t)) != NGX_OK)
    {
        return NGX_ERROR;
    }

    host = hosts->list.elts;

    for (i = 0; i < hosts->list.nelts; i++) {

        a = ngx_http_realtime_names_of(hosts, addrs, i);
        s = a->elts;

        for (j = 0; j < a->nelts; j++) {
            if (ngx_http_realtime_redis_address(redis, &host[i], &s[j])
                == NGX_ERROR)
            {
                return NGX_ERROR;
            }
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_realtime_redis_address(ngx_http_realtime_redis_t *redis,
    ngx_http_realtime_host_t *host, ngx_str_t *addr)
{
    ngx_int_t                        rc;
    ngx_addr_t                       parsed;
    ngx_http_realtime_redis_addr_t  *to;

    if (ngx_http_realtime_host_is_path(&host->name)) {
        rc = ngx_http_realtime_redis_socket_address(redis->pool, &parsed,
                                                    &host->name);
    } else {
        rc = ngx_parse_addr(redis->pool, &parsed, addr->data, addr->len);
    }

    if (rc != NGX_OK) {

        /* an address with a scope, for example */

        return rc;
    }

    to = ngx_array_push(&redis->addrs);
    if (to == NULL) {
        return NGX_ERROR;
    }

    to->sockaddr = parsed.sockaddr;
    to->socklen = parsed.socklen;
    to->host = host->name;

    if (parsed.sockaddr->sa_family != AF_UNIX) {
        ngx_inet_set_port(parsed.sockaddr, (in_port_t)
                          ngx_atoi(host->port.data, host->port.len));
    }

    to->text.data = ngx_pnalloc(redis->pool, NGX_SOCKADDR_STRLEN);
    if (to->text.data == NULL) {
        return NGX_ERROR;
    }

    to->text.len = ngx_sock_ntop(to->sockaddr, to->socklen, to->text.data,
                                 NGX_SOCKADDR_STRLEN, 1);

    return NGX_OK;
}


static ngx_int_t
ngx_http_realtime_redis_socket_address(ngx_pool_t *pool, ngx_addr_t *addr,
    ngx_str_t *path)
{
    struct sockaddr_un  *saun;

    saun = ngx_pcalloc(pool, sizeof(struct sockaddr_un));
    if (saun == NULL) {
        return NGX_ERROR;
    }

    /* that it fits was seen to when the URL was parsed */

    saun->sun_family = AF_UNIX;
    (void) ngx_cpystrn((u_char *) saun->sun_path, path->data,
                       sizeof(saun->sun_path));

    addr->sockaddr = (struct sockaddr *) saun;
    addr->socklen = sizeof(struct sockaddr_un);

    return NGX_OK;
}


void
ngx_http_realtime_redis_connect_next(ngx_http_realtime_redis_t *redis)
{
    for ( /* void */ ; redis->at < redis->addrs.nelts; redis->at++) {

        if (ngx_http_realtime_redis_move(redis,
                                         NGX_HTTP_REALTIME_REDIS_CONNECTING)
            != NGX_OK)
        {
            return;
        }

        redis->last.len = 0;

        switch (ngx_http_realtime_redis_try(redis)) {

        case NGX_AGAIN:
            ngx_http_realtime_redis_set_timer(redis,
                                              redis->conf->connect_timeout);
            return;

        case NGX_OK:

            /* by the event of writing, as if it had taken its time */

            ngx_http_realtime_redis_set_timer(redis,
                                              redis->conf->connect_timeout);
            ngx_post_event(redis->c->write, &ngx_posted_events);
            return;

        default:
            ngx_http_realtime_redis_drop(redis);
            break;
        }
    }

    ngx_http_realtime_redis_lost(redis, NULL);
}


static ngx_int_t
ngx_http_realtime_redis_try(ngx_http_realtime_redis_t *redis)
{
    ngx_int_t                        rc;
    ngx_connection_t                *c;
    ngx_peer_connection_t            peer;
    ngx_http_realtime_redis_addr_t  *addr = redis->addrs.elts;

    addr += redis->at;

    ngx_memzero(&peer, sizeof(ngx_peer_connection_t));

    peer.sockaddr = addr->sockaddr;
    peer.socklen = addr->socklen;
    peer.name = &addr->text;
    peer.get = ngx_event_get_peer;
    peer.log = &redis->ear;
    peer.log_error = NGX_ERROR_ERR;

    rc = ngx_event_connect_peer(&peer);

    c = peer.connection;

    if (c == NULL) {
        return NGX_ERROR;
    }

    redis->c = c;

    c->data = redis;
    c->read->handler = ngx_http_realtime_redis_event_handler;
    c->write->handler = ngx_http_realtime_redis_event_handler;

    /* not one of those that nginx misses when it ends */

    c->read->channel = 1;

    if (rc != NGX_OK && rc != NGX_AGAIN) {
        return NGX_ERROR;
    }

    if (addr->sockaddr->sa_family != AF_UNIX && ngx_tcp_nodelay(c) != NGX_OK) {
        return NGX_ERROR;
    }

    c->pool = ngx_create_pool(256, &redis->ear);
    redis->reader = ngx_http_realtime_redis_reader(redis);

    return c->pool && redis->reader ? rc : NGX_ERROR;
}


void
ngx_http_realtime_redis_greet(ngx_http_realtime_redis_t *redis)
{
    if (ngx_http_realtime_redis_move(redis, NGX_HTTP_REALTIME_REDIS_GREETING)
        != NGX_OK)
    {
        return;
    }

    if (ngx_http_realtime_redis_greeting(redis) != NGX_OK) {
        ngx_http_realtime_redis_lost(redis, "no memory");
        return;
    }

    /* what a server says without being asked may have come already */

    if (redis->c->read->ready) {
        ngx_post_event(redis->c->read, &ngx_posted_events);
    }
}


/* the PING tells whether the server is of use: it may still be loading */

static ngx_int_t
ngx_http_realtime_redis_greeting(ngx_http_realtime_redis_t *redis)
{
    u_char                          digits[NGX_INT_T_LEN];
    ngx_str_t                       argv[3];
    ngx_uint_t                      n = 0;
    ngx_http_realtime_redis_url_t  *u = redis->conf->url;

    if (u->password.len) {
        ngx_str_set(&argv[n], "AUTH");
        n++;

        if (u->user.len) {
            argv[n++] = u->user;
        }

        argv[n++] = u->password;

        if (ngx_http_realtime_redis_queue(redis, NULL,
                NGX_HTTP_REALTIME_REDIS_AUTH, n, argv) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (u->db) {
        ngx_str_set(&argv[0], "SELECT");
        argv[1].data = digits;
        argv[1].len = ngx_sprintf(digits, "%ui", u->db) - digits;

        if (ngx_http_realtime_redis_queue(redis, NULL,
                NGX_HTTP_REALTIME_REDIS_SELECT, 2, argv) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (redis->conf->name.len) {
        ngx_str_set(&argv[0], "CLIENT");
        ngx_str_set(&argv[1], "SETNAME");
        argv[2] = redis->conf->name;

        if (ngx_http_realtime_redis_queue(redis, NULL,
                NGX_HTTP_REALTIME_REDIS_SETNAME, 3, argv) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    ngx_str_set(&argv[0], "PING");

    return ngx_http_realtime_redis_queue(redis, NULL,
               NGX_HTTP_REALTIME_REDIS_PING, 1, argv);
}


ngx_int_t
ngx_http_realtime_redis_heard(ngx_http_realtime_redis_t *redis,
    ngx_http_realtime_redis_ours_e ours, redisReply *reply)
{
    ngx_str_t                        *password = &redis->conf->url->password;
    ngx_http_realtime_redis_error_t   e;

    /* later there is but a PING, and any answer to it will do */

    if (redis->state != NGX_HTTP_REALTIME_REDIS_GREETING) {
        return NGX_OK;
    }

    if (reply->type == REDIS_REPLY_ERROR) {

        ngx_http_realtime_redis_explain(reply, &e);

        /* whatever it is that answers: it knows the password now */

        if (password->len
            && ngx_strnstr(e.message.data, (char *) password->data,
                           e.message.len))
        {
            e.message.data = (u_char *) (e.known ? e.known
                                                 : "AUTH was refused");
            e.message.len = ngx_strlen(e.message.data);
        }

        ngx_http_realtime_redis_say(redis, e.message.data, e.message.len);
        redis->told = 1;

        /* a name is not worth a connection, and who may not ask is heard */

        if (ours != NGX_HTTP_REALTIME_REDIS_SETNAME
            && (ours != NGX_HTTP_REALTIME_REDIS_PING
                || e.trouble != NGX_HTTP_REALTIME_REDIS_DENIED))
        {
            return NGX_ERROR;
        }
    }

    if (ours == NGX_HTTP_REALTIME_REDIS_PING) {
        ngx_http_realtime_redis_greeted(redis);
    }

    return NGX_OK;
}
