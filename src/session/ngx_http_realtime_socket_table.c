
#include "session/ngx_http_realtime_socket_table.h"


static ngx_http_realtime_socket_t **ngx_http_realtime_socket_table_bucket(
    ngx_http_realtime_socket_table_t *t, const u_char *id);
static void ngx_http_realtime_socket_table_grow(
    ngx_http_realtime_socket_table_t *t, ngx_log_t *log);


#define NGX_HTTP_REALTIME_SOCKET_BUCKETS  256


ngx_int_t
ngx_http_realtime_socket_table_init(ngx_http_realtime_socket_table_t *t,
    ngx_log_t *log)
{
    t->n = 0;
    t->nbuckets = NGX_HTTP_REALTIME_SOCKET_BUCKETS;
    t->buckets = ngx_calloc(t->nbuckets
                            * sizeof(ngx_http_realtime_socket_t *), log);

    return t->buckets ? NGX_OK : NGX_ERROR;
}


static ngx_http_realtime_socket_t **
ngx_http_realtime_socket_table_bucket(ngx_http_realtime_socket_table_t *t,
    const u_char *id)
{
    uint32_t  hash;

    ngx_memcpy(&hash, id, sizeof(hash));
    hash *= 2654435761u;

    return &t->buckets[(hash >> 8) & (t->nbuckets - 1)];
}


void
ngx_http_realtime_socket_table_add(ngx_http_realtime_socket_table_t *t,
    ngx_http_realtime_socket_t *sk, ngx_log_t *log)
{
    ngx_http_realtime_socket_t  **bucket;

    if (t->n >= t->nbuckets) {
        ngx_http_realtime_socket_table_grow(t, log);
    }

    bucket = ngx_http_realtime_socket_table_bucket(t, sk->id);

    sk->next_id = *bucket;
    *bucket = sk;
    t->n++;
}


static void
ngx_http_realtime_socket_table_grow(ngx_http_realtime_socket_table_t *t,
    ngx_log_t *log)
{
    ngx_uint_t                    i, n = t->nbuckets;
    ngx_http_realtime_socket_t   *sk, **old = t->buckets, **bucket, **fresh;

    fresh = ngx_calloc(n * 2 * sizeof(ngx_http_realtime_socket_t *), log);
    if (fresh == NULL) {
        return;
    }

    t->nbuckets = n * 2;
    t->buckets = fresh;

    for (i = 0; i < n; i++) {
        while (old[i]) {
            sk = old[i];
            old[i] = sk->next_id;

            bucket = ngx_http_realtime_socket_table_bucket(t, sk->id);
            sk->next_id = *bucket;
            *bucket = sk;
        }
    }

    ngx_free(old);
}


void
ngx_http_realtime_socket_table_remove(ngx_http_realtime_socket_table_t *t,
    ngx_http_realtime_socket_t *sk)
{
    ngx_http_realtime_socket_t  **link;

    link = ngx_http_realtime_socket_table_bucket(t, sk->id);

    for ( /* void */ ; *link; link = &(*link)->next_id) {

        if (*link == sk) {
            *link = sk->next_id;
            t->n--;
            return;
        }
    }
}


ngx_http_realtime_socket_t *
ngx_http_realtime_socket_table_find(ngx_http_realtime_socket_table_t *t,
    rt_str_t nsp, rt_str_t id)
{
    ngx_http_realtime_socket_t  *sk;

    if (id.len != RT_ID_LEN) {
        return NULL;
    }

    sk = *ngx_http_realtime_socket_table_bucket(t, id.data);

    while (sk
           && (!rt_str_eq(id, ngx_http_realtime_socket_id(sk))
               || !rt_str_eq(nsp, sk->nsp->name)))
    {
        sk = sk->next_id;
    }

    return sk;
}
