
#include "bus/ngx_http_realtime_entry.h"


#define NGX_HTTP_REALTIME_ENTRY_STRINGS  7


/* what an entry begins with; the strings follow in the order of "len" */

typedef struct {
    uint8_t                  type;
    uint8_t                  flags;
    ngx_http_realtime_wid_t  from;
    ngx_http_realtime_wid_t  to;
    uint64_t                 handle;
    uint64_t                 number;
    uint32_t                 len[NGX_HTTP_REALTIME_ENTRY_STRINGS];
} ngx_http_realtime_entry_head_t;


#define ngx_http_realtime_entry_strings(e)                                    \
    { &(e)->sid, &(e)->nsp, &(e)->rooms, &(e)->within, &(e)->except,          \
      &(e)->packets, &(e)->reply }


size_t
ngx_http_realtime_entry_size(const ngx_http_realtime_entry_t *e)
{
    return sizeof(ngx_http_realtime_entry_head_t) + e->sid.len + e->nsp.len
           + e->rooms.len + e->within.len + e->except.len + e->packets.len
           + e->reply.len;
}


void
ngx_http_realtime_entry_encode(const ngx_http_realtime_entry_t *e, u_char *dst)
{
    ngx_uint_t                       i;
    const rt_str_t                  *s[] = ngx_http_realtime_entry_strings(e);
    ngx_http_realtime_entry_head_t   head;

    ngx_memzero(&head, sizeof(head));

    head.type = e->type;
    head.flags = e->flags;
    head.from = e->from;
    head.to = e->to;
    head.handle = e->handle;
    head.number = e->number;

    for (i = 0; i < NGX_HTTP_REALTIME_ENTRY_STRINGS; i++) {
        head.len[i] = s[i]->len;
    }

    dst = ngx_cpymem(dst, &head, sizeof(head));

    for (i = 0; i < NGX_HTTP_REALTIME_ENTRY_STRINGS; i++) {
        if (s[i]->len) {
            dst = ngx_cpymem(dst, s[i]->data, s[i]->len);
        }
    }
}


ngx_int_t
ngx_http_realtime_entry_decode(ngx_http_realtime_entry_t *e, rt_str_t in)
{
    ngx_uint_t                      i;
    rt_str_t                       *s[] = ngx_http_realtime_entry_strings(e);
    ngx_http_realtime_entry_head_t  head;

    if (in.len < sizeof(head)) {
        return NGX_ERROR;
    }

    ngx_memcpy(&head, in.data, sizeof(head));

    e->type = head.type;
    e->flags = head.flags;
    e->from = head.from;
    e->to = head.to;
    e->handle = head.handle;
    e->number = head.number;

    in = rt_str(in.len - sizeof(head), in.data + sizeof(head));

    for (i = 0; i < NGX_HTTP_REALTIME_ENTRY_STRINGS; i++) {

        if (head.len[i] > in.len) {
            return NGX_ERROR;
        }

        *s[i] = rt_str(head.len[i], in.data);
        in = rt_str(in.len - head.len[i], in.data + head.len[i]);
    }

    return NGX_OK;
}


u_char *
ngx_http_realtime_list_head(u_char *dst, size_t len, ngx_uint_t flag)
{
    uint32_t  word;

    word = ((uint32_t) len << 1) | (flag ? 1 : 0);

    return ngx_cpymem(dst, &word, sizeof(word));
}


u_char *
ngx_http_realtime_list_put(u_char *dst, rt_str_t item, ngx_uint_t flag)
{
    dst = ngx_http_realtime_list_head(dst, item.len, flag);

    return item.len ? ngx_cpymem(dst, item.data, item.len) : dst;
}


ngx_int_t
ngx_http_realtime_list_next(rt_str_t *list, rt_str_t *item, ngx_uint_t *flag)
{
    size_t    len;
    uint32_t  word;

    if (list->len < sizeof(word)) {
        return NGX_DONE;
    }

    ngx_memcpy(&word, list->data, sizeof(word));

    len = ngx_min(word >> 1, list->len - sizeof(word));

    *item = rt_str(len, list->data + sizeof(word));
    *list = rt_str(list->len - sizeof(word) - len, item->data + len);

    if (flag) {
        *flag = word & 1;
    }

    return NGX_OK;
}
