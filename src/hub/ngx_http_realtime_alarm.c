
#include "hub/ngx_http_realtime_alarm.h"


void
ngx_http_realtime_alarm_init(ngx_event_t *ev, ngx_event_handler_pt handler,
    void *data, ngx_log_t *log)
{
    ev->handler = handler;
    ev->data = data;
    ev->log = log;
    ev->cancelable = 1;
}


void
ngx_http_realtime_alarm_at(ngx_event_t *ev, uint64_t due)
{
    uint64_t  now = ngx_http_realtime_now();

    if (due == 0) {
        return;
    }

    due = (due > now) ? due - now : 1;

    /* nginx leaves a timer alone that is to be changed by a little only */

    if (ev->timer_set) {
        if ((ngx_msec_int_t) (ev->timer.key - ngx_current_msec)
            <= (ngx_msec_int_t) due)
        {
            return;
        }

        ngx_del_timer(ev);
    }

    ngx_add_timer(ev, due);
}
