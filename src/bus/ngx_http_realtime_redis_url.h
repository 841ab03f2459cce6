
/*
 * ngx_http_realtime_redis_url.h: where a Redis is and how to sign in there,
 * made while the configuration is read.
 *
 *   redis://[user:password@]host[:port][,host[:port]...][/db]
 *   rediss://...                                  the same over TLS
 *   unix:/path[?db=N]                             a Unix socket
 *   redis+unix://[user:password@]/path[?db=N]     the same
 *
 * Several hosts are nodes of one cluster, which has database 0 only.  A
 * password alone is ":password@".  User, password and path may have %XX.
 * Neither of them gets into a message.
 */


#ifndef _NGX_HTTP_REALTIME_REDIS_URL_H_INCLUDED_
#define _NGX_HTTP_REALTIME_REDIS_URL_H_INCLUDED_


#include "net/ngx_http_realtime_host.h"


typedef struct {
    ngx_http_realtime_hosts_t   hosts;
    ngx_str_t                   user;       /* may be empty */
    ngx_str_t                   password;   /* empty: there is none */
    ngx_uint_t                  db;
    ngx_uint_t                  tls;
    ngx_str_t                   text;       /* for logs: host:port/db */
} ngx_http_realtime_redis_url_t;


/*
 * "source" (a directive, a variable) is for messages.  NGX_ERROR when it is
 * wrong, which has been logged.  A name that cannot be resolved is a warning.
 */
ngx_int_t ngx_http_realtime_redis_url_parse(ngx_http_realtime_redis_url_t *u,
    ngx_conf_t *cf, ngx_str_t *text, const char *source);

/* adds the hosts of another URL: nodes of the same cluster */
ngx_int_t ngx_http_realtime_redis_url_add(ngx_http_realtime_redis_url_t *u,
    ngx_conf_t *cf, ngx_str_t *text, const char *source);

/* writes u->text anew */
ngx_int_t ngx_http_realtime_redis_url_text(ngx_http_realtime_redis_url_t *u,
    ngx_pool_t *pool);


#endif /* _NGX_HTTP_REALTIME_REDIS_URL_H_INCLUDED_ */
