
#include "shm/ngx_http_realtime_reason.h"


static const char  *ngx_http_realtime_reason_names[] = {
    "transport close",
    "transport error",
    "ping timeout",
    "parse error",
    "forced close",
    "transport close",
    "server shutting down",
    "client namespace disconnect",
    "server namespace disconnect",
    "lost by its worker"
};


const char *
ngx_http_realtime_reason_name(ngx_uint_t reason)
{
    return reason < rt_nitems(ngx_http_realtime_reason_names)
           ? ngx_http_realtime_reason_names[reason] : "unknown";
}
