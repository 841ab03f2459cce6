
/*
 * ngx_http_realtime_wake.h: waking a worker that sleeps in epoll.
 *
 * One eventfd for each slot, made once by the master before it forks and kept
 * over reloads, so that old and new generations of workers can wake each
 * other.  With the zone a new master takes over the eventfds of the old one.
 */


#ifndef _NGX_HTTP_REALTIME_WAKE_H_INCLUDED_
#define _NGX_HTTP_REALTIME_WAKE_H_INCLUDED_


#include "shm/ngx_http_realtime_zone.h"


/*
 * In the master: makes those that are not there yet, for "workers" processes.
 * They are closed with the last cycle that asked for them.
 */
ngx_int_t ngx_http_realtime_wake_init(ngx_http_realtime_zone_t *z,
    ngx_cycle_t *cycle, ngx_uint_t workers);

/* slots that can be woken; a worker takes no other */
ngx_uint_t ngx_http_realtime_wake_slots(void);

/* the descriptor of a slot, to be watched by its holder */
ngx_socket_t ngx_http_realtime_wake_fd(ngx_uint_t slot);

/*
 * The holder watches for edges and never reads the counter: after a reload
 * with another zone two workers may hold one slot number, and neither is to
 * take a wake-up from the other.
 */
void ngx_http_realtime_wake(ngx_uint_t slot);


#endif /* _NGX_HTTP_REALTIME_WAKE_H_INCLUDED_ */
