
/*
 * ngx_http_realtime_alarm.h: a timer for the next of many moments, which are by
 * the clock and known to all workers.
 */


#ifndef _NGX_HTTP_REALTIME_ALARM_H_INCLUDED_
#define _NGX_HTTP_REALTIME_ALARM_H_INCLUDED_


#include "shm/ngx_http_realtime.h"


/* made so that it does not keep a worker that is to go */
void ngx_http_realtime_alarm_init(ngx_event_t *ev,
    ngx_event_handler_pt handler, void *data, ngx_log_t *log);

/*
 * Calls the handler at "due", ms since the epoch, or before: a timer that is
 * set is only ever set earlier.  0: there is no such moment.
 */
void ngx_http_realtime_alarm_at(ngx_event_t *ev, uint64_t due);


#endif /* _NGX_HTTP_REALTIME_ALARM_H_INCLUDED_ */
