
/*
 * ngx_http_realtime_pg_url.h: where a PostgreSQL is and how to sign in there,
 * made while the configuration is read.
 *
 * Looking up a name may take its time then; libpq would do it again in the
 * worker, and block.  So host names become addresses here, which go to libpq
 * as "hostaddr" next to "host": the certificate is still checked against the
 * name.
 *
 * The password is in the values for libpq and nowhere else.
 */


#ifndef _NGX_HTTP_REALTIME_PG_URL_H_INCLUDED_
#define _NGX_HTTP_REALTIME_PG_URL_H_INCLUDED_


#include "net/ngx_http_realtime_host.h"


typedef struct {
    ngx_http_realtime_hosts_t   hosts;
    ngx_array_t                 keywords;   /* of const char *: the others */
    ngx_array_t                 values;     /* of const char * */
    ngx_str_t                   text;       /* for logs: host:port/dbname */
    ngx_msec_t                  connect_timeout;    /* as given, or 0 */
} ngx_http_realtime_pg_url_t;


typedef struct {
    ngx_str_t     host;
    ngx_str_t     port;
    ngx_str_t     dbname;
    ngx_str_t     user;
    ngx_str_t     password;
} ngx_http_realtime_pg_parts_t;


/*
 * From a URL or "key=value ..."; "source" (a directive, a variable) is for
 * messages.  NGX_ERROR when it is wrong, which has been logged.  A name that
 * cannot be resolved is a warning.
 */
ngx_int_t ngx_http_realtime_pg_url_parse(ngx_http_realtime_pg_url_t *u,
    ngx_conf_t *cf, ngx_str_t *text, const char *source);

/* the same from parts, of which any may be empty */
ngx_int_t ngx_http_realtime_pg_url_parts(ngx_http_realtime_pg_url_t *u,
    ngx_conf_t *cf, ngx_http_realtime_pg_parts_t *parts, const char *source);

/*
 * What PQconnectStartParams() takes, on "pool".  "addrs" are arrays of
 * ngx_str_t, one for each host; where one is empty, or without "addrs", the
 * addresses of the configuration are used.  NGX_DECLINED when no host has any.
 */
ngx_int_t ngx_http_realtime_pg_url_params(ngx_http_realtime_pg_url_t *u,
    ngx_array_t *addrs, ngx_pool_t *pool, const char ***keywords,
    const char ***values);


#endif /* _NGX_HTTP_REALTIME_PG_URL_H_INCLUDED_ */
