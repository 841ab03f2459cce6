
/*
 * ngx_http_realtime_names.h: host names of a URL, looked up by nginx's
 * resolver, all at once.
 *
 * Where that has no answer, the addresses that were found when the
 * configuration was read have to do.
 */


#ifndef _NGX_HTTP_REALTIME_NAMES_H_INCLUDED_
#define _NGX_HTTP_REALTIME_NAMES_H_INCLUDED_


#include "net/ngx_http_realtime_host.h"


/*
 * Embedded in what waits.  "addrs" are arrays of ngx_str_t, one for each host,
 * and live until ..._names_done(): see ..._names_of().
 */

typedef struct {
    ngx_http_realtime_hosts_t  *hosts;
    ngx_resolver_t             *resolver;       /* of http{}, or NULL */
    ngx_msec_t                  timeout;
    ngx_log_t                  *log;
    void                       *data;
    void                      (*handler)(void *data, ngx_array_t *addrs);

    /* while it is under way */

    ngx_pool_t                 *pool;
    ngx_array_t                 addrs;
    ngx_resolver_ctx_t        **ctx;            /* NULL: not under way */
    ngx_uint_t                  waiting;
} ngx_http_realtime_names_t;


/* whether there is anything to look up, and somebody who can */
#define ngx_http_realtime_names_needed(n)                                     \
    ((n)->resolver != NULL && (n)->hosts->named != 0)

/* the handler is called later, perhaps from within; NGX_ERROR: it is not */
ngx_int_t ngx_http_realtime_names_ask(ngx_http_realtime_names_t *names);

/* the handler will not be called any more.  Harmless when nothing was asked */
void ngx_http_realtime_names_done(ngx_http_realtime_names_t *names);

/* the addresses of one of the hosts; "addrs" may be NULL */
ngx_array_t *ngx_http_realtime_names_of(ngx_http_realtime_hosts_t *hosts,
    ngx_array_t *addrs, ngx_uint_t i);


#endif /* _NGX_HTTP_REALTIME_NAMES_H_INCLUDED_ */
