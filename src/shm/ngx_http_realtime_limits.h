
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


#include "shm/ngx_http_realtime_facts.h"
#include "shm/ngx_http_realtime_records.h"


/* who is counted, where, and what */

typedef struct {
    ngx_http_realtime_limit_e  kind;
    rt_str_t                   who;
    rt_str_t                   where;   /* or empty */
    ngx_uint_t                 here;    /* is at no other host */
} ngx_http_realtime_limited_t;


/* an event that was counted; all zeroes: none */

typedef struct {
    rt_ref_t  ref;
    uint32_t  hash;
} ngx_http_realtime_counted_t;

/*
 * One event.  NGX_OK with "*counted" (or NULL); NGX_BUSY: too many, "*wait" ms
 * to wait; NGX_DECLINED: the table is full.  "now" is ms since the epoch.
 *
 * Other hosts are told, as a fact (shm/~facts), unless that is of no use: what
 * was counted, and that a block has begun.  Nobody is woken for it.
 */
ngx_int_t ngx_http_realtime_limits_take(ngx_http_realtime_zone_t *z,
    const ngx_http_realtime_limited_t *of, const rt_limit_conf_t *conf,
    uint64_t now, uint64_t *wait, ngx_http_realtime_counted_t *counted);

/* it is not to count, if anybody still knows of it; once */
void ngx_http_realtime_limits_give(ngx_http_realtime_zone_t *z,
    const ngx_http_realtime_limited_t *of,
    ngx_http_realtime_counted_t *counted);

/* what all hosts together have counted, if anybody still knows of it here */
void ngx_http_realtime_limits_learn(ngx_http_realtime_zone_t *z,
    const ngx_http_realtime_limited_t *of, const rt_limit_conf_t *conf,
    uint64_t now, const rt_limit_news_t *news);

/* drops an idle one: how many, 0 or 1; the state mutex is held */
ngx_uint_t ngx_http_realtime_limits_forget_locked(ngx_http_realtime_zone_t *z,
    uint64_t now);


#endif /* _NGX_HTTP_REALTIME_LIMITS_H_INCLUDED_ */
