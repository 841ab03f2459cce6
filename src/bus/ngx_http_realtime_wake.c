
#include "bus/ngx_http_realtime_wake.h"
#include "shm/ngx_http_realtime_inherit.h"

#include <sys/eventfd.h>


static void ngx_http_realtime_wake_adopt(ngx_http_realtime_label_t *label);
static void ngx_http_realtime_wake_cleanup(void *data);


_Static_assert(NGX_HTTP_REALTIME_SLOTS == NGX_HTTP_REALTIME_KEEP_WAKES,
               "a label has place for all eventfds");


/*
 * Descriptors are inherited, so they belong to the master process and not to
 * any one cycle; workers never write here.
 */

static ngx_socket_t  ngx_http_realtime_wake_fds[NGX_HTTP_REALTIME_SLOTS];
static ngx_uint_t    ngx_http_realtime_wake_n;
static ngx_uint_t    ngx_http_realtime_wake_uses;       /* cycles */


/*
 * Eight generations of workers at once: old ones may take their time to go.
 * Not many, since every worker has all of them open.
 */

#define NGX_HTTP_REALTIME_WAKE_GENERATIONS  8
#define NGX_HTTP_REALTIME_WAKE_MIN          32


ngx_int_t
ngx_http_realtime_wake_init(ngx_http_realtime_zone_t *z, ngx_cycle_t *cycle,
    ngx_uint_t workers)
{
    int                         flags;
    ngx_uint_t                  i, n;
    ngx_socket_t                fd;
    ngx_pool_cleanup_t         *cln;
    ngx_http_realtime_label_t  *label = z->keep->label;

    cln = ngx_pool_cleanup_add(cycle->pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    cln->handler = ngx_http_realtime_wake_cleanup;
    ngx_http_realtime_wake_uses++;

    if (ngx_http_realtime_wake_n == 0 && z->keep->adopted) {
        ngx_http_realtime_wake_adopt(label);
    }

    n = ngx_max(workers * NGX_HTTP_REALTIME_WAKE_GENERATIONS,
                NGX_HTTP_REALTIME_WAKE_MIN);
    n = ngx_min(n, NGX_HTTP_REALTIME_SLOTS);

    /* a new master has no use for them without the zone */

    flags = EFD_NONBLOCK;
    flags |= z->keep->fd == NGX_INVALID_FILE ? EFD_CLOEXEC : 0;

    while (ngx_http_realtime_wake_n < n) {

        fd = eventfd(0, flags);

        if (fd == (ngx_socket_t) -1) {
            ngx_log_error(NGX_LOG_EMERG, cycle->log, ngx_errno,
                          "realtime: eventfd() failed");
            return NGX_ERROR;
        }

        ngx_http_realtime_wake_fds[ngx_http_realtime_wake_n++] = fd;
    }

    for (i = 0; i < ngx_http_realtime_wake_n; i++) {
        label->wake[i] = ngx_http_realtime_wake_fds[i];
    }

    label->wakes = ngx_http_realtime_wake_n;

    return NGX_OK;
}


/*
 * They have kept their numbers over exec().  Of what the label names more than
 * the old master had, another master wrote that is gone.
 */

static void
ngx_http_realtime_wake_adopt(ngx_http_realtime_label_t *label)
{
    ngx_uint_t  i, n;

    n = ngx_min(label->wakes, NGX_HTTP_REALTIME_SLOTS);

    for (i = 0; i < n; i++) {
        if (!ngx_http_realtime_inherit_is_wake(label->wake[i])) {
            break;
        }

        ngx_http_realtime_wake_fds[i] = label->wake[i];
    }

    ngx_http_realtime_wake_n = i;
}


static void
ngx_http_realtime_wake_cleanup(void *data)
{
    if (--ngx_http_realtime_wake_uses) {
        return;
    }

    while (ngx_http_realtime_wake_n) {
        (void) ngx_close_file(
                   ngx_http_realtime_wake_fds[--ngx_http_realtime_wake_n]);
    }
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
