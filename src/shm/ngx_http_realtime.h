
/*
 * ngx_http_realtime.h: nginx and the pure parts together.
 *
 * Every file that needs nginx starts here; the codes and types of the two
 * worlds are tied to each other in this place only.
 */


#ifndef _NGX_HTTP_REALTIME_H_INCLUDED_
#define _NGX_HTTP_REALTIME_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "base/rt.h"


_Static_assert(RT_OK == NGX_OK && RT_ERROR == NGX_ERROR
               && RT_AGAIN == NGX_AGAIN && RT_BUSY == NGX_BUSY
               && RT_DONE == NGX_DONE && RT_DECLINED == NGX_DECLINED,
               "rt_* codes pass through as NGX_* codes");


/* borrowed bytes of an ngx_str_t */
#define ngx_http_realtime_str(s)  rt_str((s)->len, (s)->data)

/* milliseconds since the epoch, as of this turn of the event loop */
#define ngx_http_realtime_now()                                               \
    ((uint64_t) ngx_cached_time->sec * 1000 + ngx_cached_time->msec)


extern ngx_module_t  ngx_http_realtime_module;


#endif /* _NGX_HTTP_REALTIME_H_INCLUDED_ */
