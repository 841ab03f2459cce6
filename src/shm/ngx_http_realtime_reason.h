
/*
 * ngx_http_realtime_reason.h: why a session, or a socket of it, has ended.
 */


#ifndef _NGX_HTTP_REALTIME_REASON_H_INCLUDED_
#define _NGX_HTTP_REALTIME_REASON_H_INCLUDED_


#include "shm/ngx_http_realtime.h"


/* the first ones are a session's; kept in four bits */

typedef enum {
    NGX_HTTP_REALTIME_CLOSED_BY_CLIENT = 0,   /* it said so */
    NGX_HTTP_REALTIME_CLOSED_TRANSPORT,       /* the connection is gone */
    NGX_HTTP_REALTIME_CLOSED_PING_TIMEOUT,
    NGX_HTTP_REALTIME_CLOSED_BAD_PACKET,
    NGX_HTTP_REALTIME_CLOSED_FORCED,          /* a limit or a timeout */
    NGX_HTTP_REALTIME_CLOSED_SLOW,            /* does not read */
    NGX_HTTP_REALTIME_CLOSED_SHUTDOWN,
    NGX_HTTP_REALTIME_CLOSED_NSP_BY_CLIENT,   /* a DISCONNECT came */
    NGX_HTTP_REALTIME_CLOSED_NSP_BY_SERVER,   /* or was sent */
    NGX_HTTP_REALTIME_CLOSED_LOST             /* its worker died, or could not
                                                 take it */
} ngx_http_realtime_reason_e;

/* the client had no part in it, and is to have no harm from coming back */
#define ngx_http_realtime_reason_excused(reason)                              \
    ((reason) == NGX_HTTP_REALTIME_CLOSED_SHUTDOWN                            \
     || (reason) == NGX_HTTP_REALTIME_CLOSED_LOST)


/* the names are the reference server's, as far as it has them */
const char *ngx_http_realtime_reason_name(ngx_uint_t reason);


#endif /* _NGX_HTTP_REALTIME_REASON_H_INCLUDED_ */
