
/*
 * ngx_http_realtime_waiter.h: what in this worker waits for an answer of
 * another one (or of itself).
 *
 * The other side gets a handle, a number of table place and generation, never
 * a pointer: an answer that comes too late finds nobody.
 */


#ifndef _NGX_HTTP_REALTIME_WAITER_H_INCLUDED_
#define _NGX_HTTP_REALTIME_WAITER_H_INCLUDED_


#include "bus/ngx_http_realtime_entry.h"


typedef struct ngx_http_realtime_waiter_s  ngx_http_realtime_waiter_t;

/*
 * "e" is an ANSWER or a SESSION; its strings do not outlive the call.  The
 * waiter is out of the table already.
 */
typedef void (*ngx_http_realtime_answer_pt)(ngx_http_realtime_waiter_t *w,
    ngx_http_realtime_entry_t *e);


/* embedded in what waits; zeroed at first */

struct ngx_http_realtime_waiter_s {
    uint64_t                     handle;        /* 0: does not wait */
    ngx_http_realtime_wid_t      owner;         /* who is to answer */
    uint64_t                     since;         /* head of the log then */
    ngx_http_realtime_answer_pt  answer;
};


typedef struct {
    ngx_http_realtime_waiter_t  *waiter;
    uint32_t                     generation;
    uint32_t                     next_free;
} ngx_http_realtime_waiter_place_t;


/* all zeroes is an empty table */

typedef struct {
    ngx_http_realtime_waiter_place_t  *places;
    uint32_t                           n;
    uint32_t                           used;
    uint32_t                           free;    /* index plus 1; 0: none */
} ngx_http_realtime_waiters_t;


/* gives "w" a handle */
ngx_int_t ngx_http_realtime_waiter_add(ngx_http_realtime_waiters_t *t,
    ngx_http_realtime_waiter_t *w, ngx_log_t *log);

/* harmless when it does not wait */
void ngx_http_realtime_waiter_remove(ngx_http_realtime_waiters_t *t,
    ngx_http_realtime_waiter_t *w);

/* who waits under "handle", or NULL */
ngx_http_realtime_waiter_t *ngx_http_realtime_waiter_find(
    ngx_http_realtime_waiters_t *t, uint64_t handle);

/* hands the answer to who waits for it, if it still does: NGX_OK */
ngx_int_t ngx_http_realtime_waiter_answer(ngx_http_realtime_waiters_t *t,
    ngx_http_realtime_entry_t *e);

/*
 * Answers with a status all that waited for an earlier holder of the slot when
 * its end was told in the log, at "pos".
 */
void ngx_http_realtime_waiter_gone(ngx_http_realtime_waiters_t *t,
    ngx_http_realtime_wid_t gone, uint64_t pos, ngx_uint_t status);

/* calls "each" for all that wait */
void ngx_http_realtime_waiter_each(ngx_http_realtime_waiters_t *t,
    void (*each)(void *ctx, ngx_http_realtime_waiter_t *w), void *ctx);


#endif /* _NGX_HTTP_REALTIME_WAITER_H_INCLUDED_ */
