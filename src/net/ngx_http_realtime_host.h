
/*
 * ngx_http_realtime_host.h: the hosts of a URL, as names, addresses or paths
 * of Unix sockets.
 *
 * Looking up a name may take its time while the configuration is read; later
 * it would block, and nginx's resolver does it: see ngx_http_realtime_names.h.
 */


#ifndef _NGX_HTTP_REALTIME_HOST_H_INCLUDED_
#define _NGX_HTTP_REALTIME_HOST_H_INCLUDED_


#include "shm/ngx_http_realtime.h"


/* all strings end with a zero byte that is not counted */

typedef struct {
    ngx_str_t     name;             /* name, address or path; may be empty */
    ngx_str_t     port;
    ngx_array_t   addrs;            /* of ngx_str_t; one, empty, for a path */
    ngx_uint_t    named;            /* has to be resolved */
} ngx_http_realtime_host_t;


typedef struct {
    const char   *what;             /* whose hosts: for messages */
    ngx_str_t     port;             /* the usual one */
    ngx_array_t   list;             /* of ngx_http_realtime_host_t */
    ngx_uint_t    named;            /* those that have to be resolved */
} ngx_http_realtime_hosts_t;


ngx_int_t ngx_http_realtime_hosts_init(ngx_http_realtime_hosts_t *hosts,
    ngx_pool_t *pool, const char *what, const char *port);

/*
 * Strings are copied; "port" and "addr", an address that was given with the
 * name, may be empty.  A name that cannot be resolved is a warning.
 */
ngx_int_t ngx_http_realtime_hosts_add(ngx_http_realtime_hosts_t *hosts,
    ngx_conf_t *cf, ngx_str_t *name, ngx_str_t *port, ngx_str_t *addr);

/*
 * The same while the server runs: a name is not looked up here, and what was
 * found of it when the configuration was read is taken from "known".
 */
ngx_int_t ngx_http_realtime_hosts_put(ngx_http_realtime_hosts_t *hosts,
    ngx_pool_t *pool, ngx_str_t *name, ngx_str_t *port,
    ngx_http_realtime_hosts_t *known);

/* how long "host:port,host:port" is at most */
size_t ngx_http_realtime_hosts_len(ngx_http_realtime_hosts_t *hosts);

/* writes that: for logs.  Returns its end */
u_char *ngx_http_realtime_hosts_text(ngx_http_realtime_hosts_t *hosts,
    u_char *p);

/* whether it is a path, of a file or an abstract one */
#define ngx_http_realtime_host_is_path(name)                                  \
    ((name)->len != 0 && ((name)->data[0] == '/' || (name)->data[0] == '@'))

/* whether it is a number from 1 to 65535 */
ngx_uint_t ngx_http_realtime_host_is_port(ngx_str_t *port);

/* with a zero byte behind */
ngx_int_t ngx_http_realtime_host_copy(ngx_pool_t *pool, ngx_str_t *to,
    const u_char *data, size_t len);

/* takes the next of "a,b,c"; whether there are more: list->data is not NULL */
ngx_uint_t ngx_http_realtime_host_cut(ngx_str_t *list, ngx_str_t *item);


#endif /* _NGX_HTTP_REALTIME_HOST_H_INCLUDED_ */
