
/*
 * ngx_http_realtime_inherit.h: what a new master has from the old one after a
 * binary upgrade.
 *
 * Zones are found among the open descriptors by their names (~keep), and
 * mapped where they were, since nginx's slab pool and what lies in it point
 * into themselves.  What does not fit is left alone and never misread.
 */


#ifndef _NGX_HTTP_REALTIME_INHERIT_H_INCLUDED_
#define _NGX_HTTP_REALTIME_INHERIT_H_INCLUDED_


#include "shm/ngx_http_realtime_keep.h"


/*
 * The memory that the old master had for such a zone, mapped again; the caller
 * has one use of it.  NULL when there is none, or none that fits, which is
 * logged.
 */
ngx_http_realtime_keep_t *ngx_http_realtime_inherit_zone(ngx_shm_zone_t *shm,
    uint32_t layout);

/*
 * Closes what the old master kept and this one has no use for.  "keeps", of
 * which any may be NULL, are what it has; the first one has the eventfds.
 */
void ngx_http_realtime_inherit_sweep(ngx_http_realtime_keep_t **keeps,
    ngx_uint_t n, ngx_log_t *log);

/* whether "fd" is open, and an eventfd */
ngx_int_t ngx_http_realtime_inherit_is_wake(ngx_fd_t fd);


#endif /* _NGX_HTTP_REALTIME_INHERIT_H_INCLUDED_ */
