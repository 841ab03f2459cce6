
/*
 * ngx_http_realtime_metrics.h: figures of all workers, summed from the zone,
 * as JSON.
 */


#ifndef _NGX_HTTP_REALTIME_METRICS_H_INCLUDED_
#define _NGX_HTTP_REALTIME_METRICS_H_INCLUDED_


#include "shm/ngx_http_realtime_zone.h"

#include <ngx_http.h>


/* content handler of a location with realtime_metrics */
ngx_int_t ngx_http_realtime_metrics(ngx_http_request_t *r,
    ngx_http_realtime_zone_t *zone);


#endif /* _NGX_HTTP_REALTIME_METRICS_H_INCLUDED_ */
