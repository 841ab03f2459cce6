
/*
 * ngx_http_realtime_blob.h: one packet, encoded once, shared by all who get
 * it.
 *
 * Holds the payload with the head of its WebSocket frame right before it: a
 * WebSocket sends the frame, polling takes the payload.  Counted; a queue
 * that holds a blob holds one count.
 */


#ifndef _NGX_HTTP_REALTIME_BLOB_H_INCLUDED_
#define _NGX_HTTP_REALTIME_BLOB_H_INCLUDED_


#include "shm/ngx_http_realtime.h"

#include "proto/rt_ws.h"


typedef struct {
    uint32_t  refs;
    uint32_t  len;                      /* of the payload */
    uint8_t   head_len;
    uint8_t   opcode;                   /* RT_WS_TEXT, _BINARY or control */
    u_char    data[RT_WS_HEAD_MAX];     /* the head, at the end; then payload */
} ngx_http_realtime_blob_t;


#define ngx_http_realtime_blob_payload(b)  ((b)->data + RT_WS_HEAD_MAX)

#define ngx_http_realtime_blob_frame(b)                                       \
    ((b)->data + RT_WS_HEAD_MAX - (b)->head_len)

#define ngx_http_realtime_blob_frame_len(b)  ((size_t) (b)->head_len + (b)->len)


/*
 * A blob with one count, held by the caller, and room for "len" bytes of
 * payload, to be filled before it is shared.  NULL: no memory.
 */
ngx_http_realtime_blob_t *ngx_http_realtime_blob_new(uint8_t opcode,
    size_t len, ngx_log_t *log);

/* the same with the payload copied in */
ngx_http_realtime_blob_t *ngx_http_realtime_blob_copy(uint8_t opcode,
    rt_str_t payload, ngx_log_t *log);

/* shortens the payload, before the blob is shared */
void ngx_http_realtime_blob_cut(ngx_http_realtime_blob_t *b, size_t len);

/* one count goes, and the blob with the last one; NULL is harmless */
void ngx_http_realtime_blob_free(ngx_http_realtime_blob_t *b);


#endif /* _NGX_HTTP_REALTIME_BLOB_H_INCLUDED_ */
