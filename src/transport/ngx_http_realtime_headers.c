
#include "transport/ngx_http_realtime_headers.h"


ngx_str_t *
ngx_http_realtime_header_in(ngx_http_request_t *r, const char *name)
{
    size_t            len = ngx_strlen(name);
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    for (part = &r->headers_in.headers.part; part; part = part->next) {

        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (h[i].key.len == len
                && ngx_strncmp(h[i].lowcase_key, name, len) == 0)
            {
                return &h[i].value;
            }
        }
    }

    return NULL;
}


ngx_int_t
ngx_http_realtime_header_has(ngx_http_request_t *r, const char *name,
    const char *text)
{
    ngx_str_t  *value;

    value = ngx_http_realtime_header_in(r, name);

    return value
           && ngx_strlcasestrn(value->data, value->data + value->len,
                               (u_char *) text, ngx_strlen(text) - 1)
              != NULL;
}


ngx_int_t
ngx_http_realtime_header_out(ngx_http_request_t *r, const char *name,
    ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(h, sizeof(ngx_table_elt_t));

    h->hash = 1;
    h->key.len = ngx_strlen(name);
    h->key.data = (u_char *) name;
    h->value = *value;

    return NGX_OK;
}
