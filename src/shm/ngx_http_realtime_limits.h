
/*
 * ngx_http_realtime_limits.h: who did how much lately, over all workers (state
 * zone).
 *
 * A bounded table for each kind: what was not used for longest and says nothing
 * any more goes first, and when all say something nobody new is let in; but
 * where addresses are counted the oldest goes in any case.
 */


#ifndef _NGX_HTTP_REALTIME_LIMITS_H_INCLUDED_
#define _NGX_HTTP_REALTIME_LIMITS_H_INCLUDED_


#include "shm/ngx_http_realtime_records.h"


/* an event that was counted; all zeroes: none */

typedef struct {
    rt_ref_t  ref;
    uint32_t  hash;
} ngx_http_realtime_counted_t;

/*
 * One event of whoever "who" and "where" (may be empty) name together.
 * NGX_OK with "*counted" (or NULL); NGX_BUSY: too many, "*wait" ms to wait;
 * NGX_DECLINED: the table is full.  "now" is ms since the epoch.
 */
ngx_int_t ngx_http_realtime_limits_take(ngx_http_realtime_zone_t *z,
    ngx_http_realtime_limit_e kind, rt_str_t who, rt_str_t where,
    const rt_limit_conf_t *conf, uint64_t now, uint64_t *wait,
    ngx_http_realtime_counted_t *counted);

/* it is not to count, if anybody still knows of it; once */
void ngx_http_realtime_limits_give(ngx_http_realtime_zone_t *z,
    ngx_http_realtime_counted_t *counted);

/* drops an idle one: how many, 0 or 1; the state mutex is held */
ngx_uint_t ngx_http_realtime_limits_forget_locked(ngx_http_realtime_zone_t *z,
    uint64_t now);


#endif /* _NGX_HTTP_REALTIME_LIMITS_H_INCLUDED_ */
