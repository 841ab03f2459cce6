
#include "session/ngx_http_realtime_outq.h"


static ngx_http_realtime_outq_chunk_t *ngx_http_realtime_outq_chunk(
    ngx_http_realtime_outq_stock_t *stock, ngx_log_t *log);


/* chunks kept for the next burst; the rest goes back to the system */
#define NGX_HTTP_REALTIME_OUTQ_STOCK  4096


ngx_int_t
ngx_http_realtime_outq_add(ngx_http_realtime_outq_t *q,
    ngx_http_realtime_outq_stock_t *stock, ngx_http_realtime_blob_t *b,
    ngx_log_t *log)
{
    ngx_http_realtime_outq_chunk_t  *chunk = q->tail;

    if (chunk == NULL || chunk->last == NGX_HTTP_REALTIME_OUTQ_PLACES) {

        chunk = ngx_http_realtime_outq_chunk(stock, log);
        if (chunk == NULL) {
            return NGX_ERROR;
        }

        if (q->tail) {
            q->tail->next = chunk;

        } else {
            q->head = chunk;
        }

        q->tail = chunk;
    }

    chunk->blobs[chunk->last++] = b;
    b->refs++;
    q->bytes += ngx_http_realtime_blob_frame_len(b);

    return NGX_OK;
}


static ngx_http_realtime_outq_chunk_t *
ngx_http_realtime_outq_chunk(ngx_http_realtime_outq_stock_t *stock,
    ngx_log_t *log)
{
    ngx_http_realtime_outq_chunk_t  *chunk = stock->free;

    if (chunk) {
        stock->free = chunk->next;
        stock->n--;

    } else {
        chunk = ngx_alloc(sizeof(ngx_http_realtime_outq_chunk_t), log);
        if (chunk == NULL) {
            return NULL;
        }
    }

    chunk->next = NULL;
    chunk->first = 0;
    chunk->last = 0;

    return chunk;
}


ngx_http_realtime_blob_t *
ngx_http_realtime_outq_first(ngx_http_realtime_outq_t *q)
{
    return q->head ? q->head->blobs[q->head->first] : NULL;
}


size_t
ngx_http_realtime_outq_behind(ngx_http_realtime_outq_t *q)
{
    ngx_http_realtime_blob_t  *b;

    b = ngx_http_realtime_outq_first(q);

    return b ? q->bytes - ngx_http_realtime_blob_frame_len(b) : 0;
}


void
ngx_http_realtime_outq_pop(ngx_http_realtime_outq_t *q,
    ngx_http_realtime_outq_stock_t *stock)
{
    ngx_http_realtime_blob_t        *b;
    ngx_http_realtime_outq_chunk_t  *chunk = q->head;

    b = chunk->blobs[chunk->first++];

    q->bytes -= ngx_http_realtime_blob_frame_len(b);
    q->sent = 0;

    ngx_http_realtime_blob_free(b);

    if (chunk->first < chunk->last) {
        return;
    }

    q->head = chunk->next;

    if (q->head == NULL) {
        q->tail = NULL;
    }

    if (stock->n == NGX_HTTP_REALTIME_OUTQ_STOCK) {
        ngx_free(chunk);
        return;
    }

    chunk->next = stock->free;
    stock->free = chunk;
    stock->n++;
}


size_t
ngx_http_realtime_outq_gather(ngx_http_realtime_outq_t *q, u_char *dst,
    size_t size)
{
    size_t                           n, len, skip = q->sent;
    uint32_t                         i;
    ngx_http_realtime_blob_t        *b;
    ngx_http_realtime_outq_chunk_t  *chunk;

    len = 0;

    for (chunk = q->head; chunk; chunk = chunk->next) {
        for (i = chunk->first; i < chunk->last; i++) {

            if (len == size) {
                return len;
            }

            b = chunk->blobs[i];
            n = ngx_min(ngx_http_realtime_blob_frame_len(b) - skip,
                        size - len);

            ngx_memcpy(dst + len, ngx_http_realtime_blob_frame(b) + skip, n);

            len += n;
            skip = 0;
        }
    }

    return len;
}


void
ngx_http_realtime_outq_consume(ngx_http_realtime_outq_t *q,
    ngx_http_realtime_outq_stock_t *stock, size_t n)
{
    size_t                     rest;
    ngx_http_realtime_blob_t  *b;

    for ( ;; ) {

        b = ngx_http_realtime_outq_first(q);

        if (b == NULL || n == 0) {
            return;
        }

        rest = ngx_http_realtime_blob_frame_len(b) - q->sent;

        if (n < rest) {
            q->sent += n;
            return;
        }

        n -= rest;
        ngx_http_realtime_outq_pop(q, stock);
    }
}


void
ngx_http_realtime_outq_clear(ngx_http_realtime_outq_t *q,
    ngx_http_realtime_outq_stock_t *stock)
{
    while (!ngx_http_realtime_outq_empty(q)) {
        ngx_http_realtime_outq_pop(q, stock);
    }
}
