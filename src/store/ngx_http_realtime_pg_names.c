
/*
 * Host names of a URL, looked up by nginx's resolver before each attempt to
 * connect.  Where that has no answer, the addresses that were found when the
 * configuration was read have to do.
 */


#include "store/ngx_http_realtime_pg_inner.h"


struct ngx_http_realtime_pg_names_s {
    ngx_pool_t              *pool;
    ngx_array_t              addrs;     /* of arrays, one for each host */
    ngx_resolver_ctx_t     **ctx;       /* the same; NULL: not under way */
    ngx_uint_t               waiting;
};


static ngx_int_t ngx_http_realtime_pg_names_ask(ngx_http_realtime_pg_t *pg,
    ngx_uint_t i);
static void ngx_http_realtime_pg_names_handler(ngx_resolver_ctx_t *ctx);
static void ngx_http_realtime_pg_names_take(
    ngx_http_realtime_pg_names_t *names, ngx_array_t *addrs,
    ngx_resolver_ctx_t *ctx);
static void ngx_http_realtime_pg_names_one(ngx_http_realtime_pg_t *pg);


ngx_int_t
ngx_http_realtime_pg_resolve(ngx_http_realtime_pg_t *pg)
{
    ngx_uint_t                     i, n = pg->conf->url->hosts.nelts;
    ngx_pool_t                    *pool;
    ngx_array_t                   *a;
    ngx_http_realtime_pg_host_t   *host = pg->conf->url->hosts.elts;
    ngx_http_realtime_pg_names_t  *names;

    pool = ngx_create_pool(1024, pg->log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    names = ngx_pcalloc(pool, sizeof(ngx_http_realtime_pg_names_t));

    if (names == NULL
        || ngx_array_init(&names->addrs, pool, n, sizeof(ngx_array_t))
           != NGX_OK
        || (names->ctx = ngx_pcalloc(pool, n * sizeof(void *))) == NULL)
    {
        ngx_destroy_pool(pool);
        return NGX_ERROR;
    }

    names->pool = pool;
    names->waiting = 1;
    pg->names = names;

    a = ngx_array_push_n(&names->addrs, n);
    ngx_memzero(a, n * sizeof(ngx_array_t));

    for (i = 0; i < n; i++) {
        if (host[i].named
            && ngx_http_realtime_pg_names_ask(pg, i) != NGX_OK)
        {
            ngx_http_realtime_pg_resolve_done(pg);
            return NGX_ERROR;
        }
    }

    /* all answers may have been there at once */

    ngx_http_realtime_pg_names_one(pg);

    return NGX_AGAIN;
}


static ngx_int_t
ngx_http_realtime_pg_names_ask(ngx_http_realtime_pg_t *pg, ngx_uint_t i)
{
    ngx_resolver_ctx_t            *ctx;
    ngx_http_realtime_pg_host_t   *host = pg->conf->url->hosts.elts;
    ngx_http_realtime_pg_names_t  *names = pg->names;

    ctx = ngx_resolve_start(pg->conf->resolver, NULL);

    if (ctx == NULL) {
        return NGX_ERROR;
    }

    if (ctx == NGX_NO_RESOLVER) {
        return NGX_OK;
    }

    ctx->name = host[i].name;
    ctx->handler = ngx_http_realtime_pg_names_handler;
    ctx->data = pg;
    ctx->timeout = pg->conf->resolver_timeout;
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
ngx_http_realtime_pg_names_handler(ngx_resolver_ctx_t *ctx)
{
    ngx_uint_t                     i;
    ngx_array_t                   *addrs;
    ngx_http_realtime_pg_t        *pg = ctx->data;
    ngx_http_realtime_pg_names_t  *names = pg->names;

    addrs = names->addrs.elts;

    for (i = 0; i < names->addrs.nelts; i++) {
        if (names->ctx[i] == ctx) {
            names->ctx[i] = NULL;
            ngx_http_realtime_pg_names_take(names, &addrs[i], ctx);
            break;
        }
    }

    ngx_resolve_name_done(ctx);
    ngx_http_realtime_pg_names_one(pg);
}


static void
ngx_http_realtime_pg_names_take(ngx_http_realtime_pg_names_t *names,
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
ngx_http_realtime_pg_names_one(ngx_http_realtime_pg_t *pg)
{
    if (--pg->names->waiting == 0) {
        ngx_http_realtime_pg_connect(pg, &pg->names->addrs);
    }
}


void
ngx_http_realtime_pg_resolve_done(ngx_http_realtime_pg_t *pg)
{
    ngx_uint_t                     i;
    ngx_http_realtime_pg_names_t  *names = pg->names;

    if (names == NULL) {
        return;
    }

    pg->names = NULL;

    for (i = 0; i < names->addrs.nelts; i++) {
        if (names->ctx[i]) {
            ngx_resolve_name_done(names->ctx[i]);
        }
    }

    ngx_destroy_pool(names->pool);
}
