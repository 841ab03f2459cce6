
/*
 * ngx_http_realtime_pg_host.h: the hosts of a URL, between the files that make
 * one and use one.
 */


#ifndef _NGX_HTTP_REALTIME_PG_HOST_H_INCLUDED_
#define _NGX_HTTP_REALTIME_PG_HOST_H_INCLUDED_


#include "store/ngx_http_realtime_pg_url.h"


/* "addr" is the hostaddr that was given with the name, or empty */
ngx_int_t ngx_http_realtime_pg_host_add(ngx_http_realtime_pg_url_t *u,
    ngx_conf_t *cf, ngx_str_t *name, ngx_str_t *port, ngx_str_t *addr);

/* with a zero byte behind */
ngx_int_t ngx_http_realtime_pg_host_copy(ngx_pool_t *pool, ngx_str_t *to,
    const u_char *data, size_t len);

/* takes the next of "a,b,c"; whether there are more */
ngx_uint_t ngx_http_realtime_pg_host_cut(ngx_str_t *list, ngx_str_t *item);


#endif /* _NGX_HTTP_REALTIME_PG_HOST_H_INCLUDED_ */
