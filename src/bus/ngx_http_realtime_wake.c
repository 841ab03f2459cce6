
#include "bus/ngx_http_realtime_wake.h"

#include <sys/eventfd.h>


/*
 * Descriptors are inherited, so they belong to the master process and not to
 * any one cycle; workers never write here.
 */

static ngx_socket_t  ngx_http_realtime_wake_fds[NGX_HTTP_REALTIME_SLOTS];
static ngx_uint_t    ngx_http_realtime_wake_n;


/*
 * Eight generations of workers at once: old ones may take their time to go.
 * Not many, since every worker has all of them open.
 */

#define NGX_HTTP_REALTIME_WAKE_GENERATIONS  8
#define NGX_HTTP_REALTIME_WAKE_MIN          32


ngx_int_t
ngx_http_realtime_wake_init(ngx_log_t *log, ngx_uint_t workers)
{
    ngx_uint_t    n;
    ngx_socket_t  fd;

    n = ngx_max(workers * NGX_HTTP_REALTIME_WAKE_GENERATIONS,
                NGX_HTTP_REALTIME_WAKE_MIN);
    n = ngx_min(n, NGX_HTTP_REALTIME_SLOTS);

    while (ngx_http_realtime_wake_n < n) {

        fd = eventfd(0, EFD_NONBLOCK|EFD_CLOEXEC);

        if (fd == (ngx_socket_t) -1) {
            ngx_log_error(NGX_LOG_EMERG, log, ngx_errno,
                          "realtime: eventfd() failed");
            return NGX_ERROR;
        }

        ngx_http_realtime_wake_fds[ngx_http_realtime_wake_n++] = fd;
    }

    return NGX_OK;
}


ngx_uint_t
ngx_http_realtime_wake_slots(void)
{
    return ngx_http_realtime_wake_n;
}


ngx_socket_t
ngx_http_realtime_wake_fd(ngx_uint_t slot)
{
    return ngx_http_realtime_wake_fds[slot];
}


void
ngx_http_realtime_wake(ngx_uint_t slot)
{
    uint64_t  one = 1;

    if (slot >= ngx_http_realtime_wake_n) {
        return;
    }

    /* it can only fail when the counter is full, which wakes as well */

    if (write(ngx_http_realtime_wake_fds[slot], &one, sizeof(one)) == -1) {
        return;
    }
}
