
#include "session/ngx_http_realtime_blob.h"


ngx_http_realtime_blob_t *
ngx_http_realtime_blob_new(uint8_t opcode, size_t len, ngx_log_t *log)
{
    ngx_http_realtime_blob_t  *b;

    b = ngx_alloc(sizeof(ngx_http_realtime_blob_t) + len, log);
    if (b == NULL) {
        return NULL;
    }

    b->refs = 1;
    b->opcode = opcode;

    ngx_http_realtime_blob_cut(b, len);

    return b;
}


void
ngx_http_realtime_blob_cut(ngx_http_realtime_blob_t *b, size_t len)
{
    size_t  head;

    head = rt_ws_head_size(len);

    b->len = (uint32_t) len;
    b->head_len = (uint8_t) head;

    (void) rt_ws_write_head(b->data + RT_WS_HEAD_MAX - head, b->opcode, len,
                            0);
}


ngx_http_realtime_blob_t *
ngx_http_realtime_blob_copy(uint8_t opcode, rt_str_t payload, ngx_log_t *log)
{
    ngx_http_realtime_blob_t  *b;

    b = ngx_http_realtime_blob_new(opcode, payload.len, log);

    if (b && payload.len) {
        ngx_memcpy(ngx_http_realtime_blob_payload(b), payload.data,
                   payload.len);
    }

    return b;
}


void
ngx_http_realtime_blob_free(ngx_http_realtime_blob_t *b)
{
    if (b && --b->refs == 0) {
        ngx_free(b);
    }
}
