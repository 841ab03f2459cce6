
#include "net/ngx_http_realtime_names.h"


static ngx_int_t ngx_http_realtime_names_one(ngx_http_realtime_names_t *names,
    ngx_uint_t i);
static void ngx_http_realtime_names_handler(ngx_resolver_ctx_t *ctx);
static void ngx_http_realtime_names_take(ngx_http_realtime_names_t *names,
    ngx_array_t *addrs, ngx_resolver_ctx_t *ctx);
static void ngx_http_realtime_names_less(ngx_http_realtime_names_t *names);


ngx_int_t
ngx_http_realtime_names_ask(ngx_http_realtime_names_t *names)
{
    ngx_uint_t                 i, n = names->hosts->list.nelts;
    ngx_array_t               *a;
    ngx_http_realtime_host_t  *host = names->hosts->list.elts;

    names->pool = ngx_create_pool(1024, names->log);
    if (names->pool == NULL) {
        return NGX_ERROR;
    }

    names->ctx = ngx_pcalloc(names->pool, n * sizeof(void *));

    if (names->ctx == NULL
        || ngx_array_init(&names->addrs, names->pool, n, sizeof(ngx_array_t))
           != NGX_OK)
    {
        goto failed;
    }

    names->waiting = 1;

    a = ngx_array_push_n(&names->addrs, n);
    ngx_memzero(a, n * sizeof(ngx_array_t));

    for (i = 0; i < n; i++) {
        if (host[i].named && ngx_http_realtime_names_one(names, i) != NGX_OK) {
            goto failed;
        }
    }

    /* all answers may have been there at once */

    ngx_http_realtime_names_less(names);

    return NGX_OK;

failed:

    ngx_http_realtime_names_done(names);

    return NGX_ERROR;
}


static ngx_int_t
ngx_http_realtime_names_one(ngx_http_realtime_names_t *names, ngx_uint_t i)
{
    ngx_resolver_ctx_t        *ctx;
    ngx_http_realtime_host_t  *host = names->hosts->list.elts;

    ctx = ngx_resolve_start(names->resolver, NULL);

    if (ctx == NULL) {
        return NGX_ERROR;
    }

    if (ctx == NGX_NO_RESOLVER) {
        return NGX_OK;
    }

    ctx->name = host[i].name;
    ctx->handler = ngx_http_realtime_names_handler;
    ctx->data = names;
    ctx->timeout = names->timeout;
    ctx->cancelable = 1;

    names->ctx[i] = ctx;
    names->waiting++;

    if (ngx_resolve_name(ctx) != NGX_OK) {

        /* it has freed the context */

        names->ctx[i] = NULL;
        names->waiting--;
    }

    return NGX_OK;
}


static void
ngx_http_realtime_names_handler(ngx_resolver_ctx_t *ctx)
{
    ngx_uint_t                  i;
    ngx_array_t                *addrs;
    ngx_http_realtime_names_t  *names = ctx->data;

    addrs = names->addrs.elts;

    for (i = 0; i < names->addrs.nelts; i++) {
        if (names->ctx[i] == ctx) {
            names->ctx[i] = NULL;
            ngx_http_realtime_names_take(names, &addrs[i], ctx);
            break;
        }
    }

    ngx_resolve_name_done(ctx);
    ngx_http_realtime_names_less(names);
}


static void
ngx_http_realtime_names_take(ngx_http_realtime_names_t *names,
    ngx_array_t *addrs, ngx_resolver_ctx_t *ctx)
{
    ngx_str_t   *s;
    ngx_uint_t   i;

    if (ctx->state != NGX_OK
        || ngx_array_init(addrs, names->pool, ctx->naddrs, sizeof(ngx_str_t))
           != NGX_OK)
    {
        return;
    }

    for (i = 0; i < ctx->naddrs; i++) {

        s = ngx_array_push(addrs);

        s->data = ngx_pnalloc(names->pool, NGX_SOCKADDR_STRLEN + 1);
        if (s->data == NULL) {
            addrs->nelts--;
            return;
        }

        s->len = ngx_sock_ntop(ctx->addrs[i].sockaddr, ctx->addrs[i].socklen,
                               s->data, NGX_SOCKADDR_STRLEN, 0);
        s->data[s->len] = '\0';
    }
}


static void
ngx_http_realtime_names_less(ngx_http_realtime_names_t *names)
{
    if (--names->waiting == 0) {
        names->handler(names->data, &names->addrs);
    }
}


void
ngx_http_realtime_names_done(ngx_http_realtime_names_t *names)
{
    ngx_uint_t   i;
    ngx_pool_t  *pool = names->pool;

    if (pool == NULL) {
        return;
    }

    names->pool = NULL;

    for (i = 0; names->ctx && i < names->hosts->list.nelts; i++) {
        if (names->ctx[i]) {
            ngx_resolve_name_done(names->ctx[i]);
        }
    }

    ngx_destroy_pool(pool);
}


ngx_array_t *
ngx_http_realtime_names_of(ngx_http_realtime_hosts_t *hosts,
    ngx_array_t *addrs, ngx_uint_t i)
{
    ngx_array_t               *a;
    ngx_http_realtime_host_t  *host = hosts->list.elts;

    a = addrs ? (ngx_array_t *) addrs->elts + i : &host[i].addrs;

    return a->nelts ? a : &host[i].addrs;
}
