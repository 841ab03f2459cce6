
/*
 * ngx_http_realtime_transports.h: what the transports of a worker share, and
 * what a location says about them.
 */


#ifndef _NGX_HTTP_REALTIME_TRANSPORTS_H_INCLUDED_
#define _NGX_HTTP_REALTIME_TRANSPORTS_H_INCLUDED_


#include "hub/ngx_http_realtime_emit.h"

#include <ngx_http.h>


/* read and written in pieces of this size; nothing of it is per connection */
#define NGX_HTTP_REALTIME_SCRATCH_SIZE  65536


typedef struct {
    ngx_http_realtime_hub_t       *hub;
    ngx_http_realtime_sessions_t  *set;
    ngx_http_realtime_bus_t       *bus;
    ngx_log_t                     *log;
    u_char                        *in;          /* bytes just received */
    u_char                        *out;         /* bytes being gathered */
    ngx_queue_t                    probes;      /* WebSockets that probe */
    ngx_uint_t                     lingering;   /* closing WebSockets */
    ngx_queue_t                    heard;       /* ~hear: to be answered */
    ngx_event_t                    hear;
    ngx_event_t                   *leave;       /* exiting: looks whether all
                                                   have gone */
    unsigned                       ready:1;     /* this worker has a slot */
    unsigned                       exiting:1;
    unsigned                       closed:1;    /* and nobody comes after it */
} ngx_http_realtime_transports_t;


/* somebody waits: a process that exits does not do so yet */
#define ngx_http_realtime_transports_stay(tp)                                 \
    do {                                                                      \
        if ((tp)->exiting && !(tp)->leave->timer_set) {                       \
            ngx_add_timer((tp)->leave, 1);                                    \
        }                                                                     \
    } while (0)


/* origins that may connect besides the server's own; part of the location */

typedef struct {
    ngx_array_t  *origins;                      /* of ngx_str_t; NULL: none */
    ngx_flag_t    any;
} ngx_http_realtime_cors_conf_t;


/* the location's configuration begins with this */

typedef struct {
    ngx_http_realtime_session_conf_t   session;
    ngx_http_realtime_cors_conf_t      cors;
    ngx_http_complex_value_t          *token;   /* where CONNECT has none */
    rt_limit_conf_t                    limit;   /* sessions of an address;
                                                   a period of 0 is off */
    ngx_http_realtime_transports_t    *transports;
} ngx_http_realtime_transport_conf_t;


#endif /* _NGX_HTTP_REALTIME_TRANSPORTS_H_INCLUDED_ */
