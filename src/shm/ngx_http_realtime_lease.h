
/*
 * ngx_http_realtime_lease.h: which of the workers speaks to other hosts (state
 * zone).
 *
 * One holds the lease until it gives it back or dies.  One that is about to go
 * gives it to an heir, which has prepared itself meanwhile.
 *
 * Nothing is locked: a worker is named by its slot and generation, for ever,
 * and that is one word.  All of these may ask the system who lives.
 */


#ifndef _NGX_HTTP_REALTIME_LEASE_H_INCLUDED_
#define _NGX_HTTP_REALTIME_LEASE_H_INCLUDED_


#include "shm/ngx_http_realtime_zone.h"


/* the word for a worker */
#define ngx_http_realtime_lease_word(wid)                                     \
    ((uint64_t) (wid).generation << 32 | ((wid).slot + 1))

/*
 * Takes the lease if nobody who lives has it, or is the heir: NGX_OK, also if
 * "wid" has it; else NGX_BUSY.
 */
ngx_int_t ngx_http_realtime_lease_claim(ngx_http_realtime_zone_t *z,
    ngx_http_realtime_wid_t wid);

/*
 * Is the heir from now on: NGX_OK, also if "wid" is it already; NGX_BUSY if the
 * holder does not go, or there is another heir.
 */
ngx_int_t ngx_http_realtime_lease_inherit(ngx_http_realtime_zone_t *z,
    ngx_http_realtime_wid_t wid);

/* gives back what "wid" has of it, to the heir if there is one */
void ngx_http_realtime_lease_release(ngx_http_realtime_zone_t *z,
    ngx_http_realtime_wid_t wid);

/* the process that has it, or 0 */
uint32_t ngx_http_realtime_lease_pid(ngx_http_realtime_zone_t *z);


#endif /* _NGX_HTTP_REALTIME_LEASE_H_INCLUDED_ */
