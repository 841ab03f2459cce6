
/*
 * ngx_http_realtime_outq.h: what waits to go out to one client, in order.
 *
 * An idle client has none of it: the places come from a stock that all
 * clients of the worker share, and go back as soon as they are empty.
 */


#ifndef _NGX_HTTP_REALTIME_OUTQ_H_INCLUDED_
#define _NGX_HTTP_REALTIME_OUTQ_H_INCLUDED_


#include "session/ngx_http_realtime_blob.h"


#define NGX_HTTP_REALTIME_OUTQ_PLACES  14

typedef struct ngx_http_realtime_outq_chunk_s  ngx_http_realtime_outq_chunk_t;

struct ngx_http_realtime_outq_chunk_s {
    ngx_http_realtime_outq_chunk_t  *next;
    uint32_t                         first;     /* place taken, not yet sent */
    uint32_t                         last;      /* place free */
    ngx_http_realtime_blob_t        *blobs[NGX_HTTP_REALTIME_OUTQ_PLACES];
};


/* free chunks of one worker; all zeroes is an empty stock */

typedef struct {
    ngx_http_realtime_outq_chunk_t  *free;
    ngx_uint_t                       n;
} ngx_http_realtime_outq_stock_t;


/* all zeroes is an empty queue */

typedef struct {
    ngx_http_realtime_outq_chunk_t  *head;
    ngx_http_realtime_outq_chunk_t  *tail;
    uint32_t                         bytes;     /* of frames that wait */
    uint32_t                         sent;      /* of the first frame, gone */
} ngx_http_realtime_outq_t;


#define ngx_http_realtime_outq_empty(q)  ((q)->head == NULL)

/* bytes that wait behind the first frame */
size_t ngx_http_realtime_outq_behind(ngx_http_realtime_outq_t *q);


/* the queue takes a count of its own; NGX_ERROR: no memory */
ngx_int_t ngx_http_realtime_outq_add(ngx_http_realtime_outq_t *q,
    ngx_http_realtime_outq_stock_t *stock, ngx_http_realtime_blob_t *b,
    ngx_log_t *log);

/* the first blob, still held by the queue; NULL when it is empty */
ngx_http_realtime_blob_t *ngx_http_realtime_outq_first(
    ngx_http_realtime_outq_t *q);

/* takes the first blob out and gives its count back */
void ngx_http_realtime_outq_pop(ngx_http_realtime_outq_t *q,
    ngx_http_realtime_outq_stock_t *stock);

/*
 * Copies frames, from the first byte that was not sent, into "dst" as long as
 * they fit, the last one in part if need be; the length.
 */
size_t ngx_http_realtime_outq_gather(ngx_http_realtime_outq_t *q, u_char *dst,
    size_t size);

/* "n" bytes of frames have been sent; whole frames leave the queue */
void ngx_http_realtime_outq_consume(ngx_http_realtime_outq_t *q,
    ngx_http_realtime_outq_stock_t *stock, size_t n);

void ngx_http_realtime_outq_clear(ngx_http_realtime_outq_t *q,
    ngx_http_realtime_outq_stock_t *stock);


#endif /* _NGX_HTTP_REALTIME_OUTQ_H_INCLUDED_ */
