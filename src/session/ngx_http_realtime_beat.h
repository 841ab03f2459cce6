
/*
 * ngx_http_realtime_beat.h: many clients, few timers.
 *
 * All clients of a location wait for the same length of time, so those who
 * wait stand in a queue in the order in which they are due, and one timer of
 * the worker serves all queues.
 */


#ifndef _NGX_HTTP_REALTIME_BEAT_H_INCLUDED_
#define _NGX_HTTP_REALTIME_BEAT_H_INCLUDED_


#include "shm/ngx_http_realtime.h"


typedef struct ngx_http_realtime_beat_s  ngx_http_realtime_beat_t;

/* the beat is out of its queue already */
typedef void (*ngx_http_realtime_beat_pt)(void *ctx,
    ngx_http_realtime_beat_t *beat);


/* embedded in what waits; zeroed at first */

struct ngx_http_realtime_beat_s {
    ngx_queue_t  link;                  /* .next NULL: does not wait */
    ngx_msec_t   due;                   /* as ngx_current_msec */
};


typedef struct {
    ngx_queue_t                queue;
    ngx_msec_t                 delay;
    ngx_msec_t                 early;   /* may be called so much earlier */
    ngx_http_realtime_beat_pt  handler;
} ngx_http_realtime_beat_queue_t;


typedef struct {
    ngx_array_t   queues;               /* of pointers to them */
    ngx_event_t   timer;
    void         *ctx;                  /* for the handlers */
    ngx_pool_t   *pool;
} ngx_http_realtime_beats_t;


/* what lives on the pool lives as long as the worker */
ngx_int_t ngx_http_realtime_beat_init(ngx_http_realtime_beats_t *beats,
    ngx_pool_t *pool, void *ctx, ngx_log_t *log);

/*
 * Calls "handler" when "delay" ms have passed since "from" (ngx_current_msec
 * for now; an earlier moment keeps a deadline absolute).  A beat that waits
 * already is moved.
 */
ngx_int_t ngx_http_realtime_beat_set(ngx_http_realtime_beats_t *beats,
    ngx_http_realtime_beat_t *beat, ngx_http_realtime_beat_pt handler,
    ngx_msec_t delay, ngx_msec_t from);

/* harmless when it does not wait */
void ngx_http_realtime_beat_stop(ngx_http_realtime_beat_t *beat);

#define ngx_http_realtime_beat_waits(b)  ((b)->link.next != NULL)


#endif /* _NGX_HTTP_REALTIME_BEAT_H_INCLUDED_ */
