
/*
 * ngx_http_realtime_slot.h: which worker processes there are.
 *
 * nginx's worker numbers repeat over a reload, when two generations run side
 * by side, so a process takes a slot of the zone by its pid.  Liveness is
 * judged by pid and start time (proc(5)), so that a reused pid deceives
 * nobody.
 */


#ifndef _NGX_HTTP_REALTIME_SLOT_H_INCLUDED_
#define _NGX_HTTP_REALTIME_SLOT_H_INCLUDED_


#include "shm/ngx_http_realtime_zone.h"


/*
 * Takes one of the first "n" slots for this process.  NGX_OK with "*wid", or
 * NGX_BUSY when all are taken.
 */
ngx_int_t ngx_http_realtime_slot_claim(ngx_http_realtime_zone_t *z,
    uint32_t n, ngx_http_realtime_wid_t *wid);

/* gives a slot back; nothing may be owned by it any more */
void ngx_http_realtime_slot_release(ngx_http_realtime_zone_t *z,
    ngx_http_realtime_wid_t wid);

/* whether "wid" is the present holder of its slot (not whether it lives) */
ngx_int_t ngx_http_realtime_slot_current(ngx_http_realtime_zone_t *z,
    ngx_http_realtime_wid_t wid);

/* whether a process has a slot that was not told to go */
ngx_uint_t ngx_http_realtime_slot_staying(ngx_http_realtime_zone_t *z);

/*
 * Looks for a slot whose process has died, from the one behind "after" on and
 * round to it again: NGX_OK, or NGX_DONE when there is none.  With
 * "neighbour" it stops at the first that lives: when every worker watches its
 * neighbour, all are watched.  Asks the system, so not under a lock.
 *
 * "*wid" names the slot with a new generation: from now on the dead process
 * is no current holder, and whatever has an earlier generation is to be
 * settled before the slot is released.  Should the caller die meanwhile, the
 * next one finds the slot again.
 */
ngx_int_t ngx_http_realtime_slot_dead(ngx_http_realtime_zone_t *z,
    uint32_t after, ngx_uint_t neighbour, ngx_http_realtime_wid_t *wid);

/* the same for this process's own slot, when it exits */
void ngx_http_realtime_slot_retire(ngx_http_realtime_zone_t *z,
    ngx_http_realtime_wid_t *wid);

/*
 * When a process began, in the system's ticks; 0: there is none, or it is a
 * zombie; or a value that says that this could not be found out.  Both ask the
 * system.
 */
uint64_t ngx_http_realtime_process_started(uint32_t pid);

/* whether the one that began then is there no more */
ngx_int_t ngx_http_realtime_process_died(uint32_t pid, uint64_t started);


#endif /* _NGX_HTTP_REALTIME_SLOT_H_INCLUDED_ */
