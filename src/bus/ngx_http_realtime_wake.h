
/*
 * ngx_http_realtime_wake.h: waking a worker that sleeps in epoll.
 *
 * One eventfd for each slot, made once by the master before it forks and kept
 * over reloads, so that old and new generations of workers can wake each
 * other.
 */


#ifndef _NGX_HTTP_REALTIME_WAKE_H_INCLUDED_
#define _NGX_HTTP_REALTIME_WAKE_H_INCLUDED_


#include "shm/ngx_http_realtime_zone.h"


/* in the master: makes those that are not there yet, "workers" for now */
ngx_int_t ngx_http_realtime_wake_init(ngx_log_t *log, ngx_uint_t workers);

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
