
#include "transport/ngx_http_realtime_cors.h"
#include "transport/ngx_http_realtime_respond.h"


static ngx_int_t ngx_http_realtime_cors_listed(
    ngx_http_realtime_cors_conf_t *conf, ngx_str_t *origin);
static ngx_int_t ngx_http_realtime_cors_same(ngx_http_request_t *r,
    ngx_str_t *origin);


ngx_int_t
ngx_http_realtime_cors(ngx_http_request_t *r,
    ngx_http_realtime_cors_conf_t *conf)
{
    ngx_str_t  *origin;
    ngx_str_t   vary = ngx_string("Origin"), yes = ngx_string("true");

    origin = ngx_http_realtime_header_in(r, "origin");

    if (origin == NULL) {
        return NGX_OK;
    }

    if (!ngx_http_realtime_cors_listed(conf, origin)) {
        return ngx_http_realtime_cors_same(r, origin) ? NGX_OK : NGX_DECLINED;
    }

    if (ngx_http_realtime_header_out(r, "Access-Control-Allow-Origin", origin)
        != NGX_OK
        || ngx_http_realtime_header_out(r, "Access-Control-Allow-Credentials",
                                    &yes)
           != NGX_OK
        || ngx_http_realtime_header_out(r, "Vary", &vary) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_realtime_cors_listed(ngx_http_realtime_cors_conf_t *conf,
    ngx_str_t *origin)
{
    ngx_str_t   *list;
    ngx_uint_t   i;

    if (conf->any) {
        return 1;
    }

    if (conf->origins == NULL) {
        return 0;
    }

    list = conf->origins->elts;

    for (i = 0; i < conf->origins->nelts; i++) {
        if (list[i].len == origin->len
            && ngx_strncasecmp(list[i].data, origin->data, origin->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


/*
 * "https://host:port" against Host.  The scheme is left out: behind a proxy
 * that ends TLS it is not ours to know.
 */

static ngx_int_t
ngx_http_realtime_cors_same(ngx_http_request_t *r, ngx_str_t *origin)
{
    u_char     *p, *last = origin->data + origin->len;
    ngx_str_t  *host;

    host = ngx_http_realtime_header_in(r, "host");

    p = ngx_strnstr(origin->data, "://", origin->len);

    if (p == NULL || host == NULL) {
        return 0;
    }

    p += 3;

    return (size_t) (last - p) == host->len
           && ngx_strncasecmp(p, host->data, host->len) == 0;
}


ngx_int_t
ngx_http_realtime_cors_is_preflight(ngx_http_request_t *r)
{
    return r->method == NGX_HTTP_OPTIONS
           && ngx_http_realtime_header_in(r, "origin")
           && ngx_http_realtime_header_in(r,
                                          "access-control-request-method");
}


ngx_int_t
ngx_http_realtime_cors_preflight(ngx_http_request_t *r)
{
    ngx_str_t  *fields;
    ngx_str_t   methods = ngx_string("GET,POST");
    ngx_str_t   day = ngx_string("86400");

    fields = ngx_http_realtime_header_in(r, "access-control-request-headers");

    if (ngx_http_realtime_header_out(r, "Access-Control-Allow-Methods",
                                     &methods)
        != NGX_OK
        || ngx_http_realtime_header_out(r, "Access-Control-Max-Age", &day)
           != NGX_OK
        || (fields
            && ngx_http_realtime_header_out(r, "Access-Control-Allow-Headers",
                                        fields)
               != NGX_OK))
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_realtime_respond(r, NGX_HTTP_NO_CONTENT, "text/plain",
                                     rt_lit(""));
}
