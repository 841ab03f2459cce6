
#include "store/ngx_http_realtime_pg_url.h"

#include "net/ngx_http_realtime_names.h"


static size_t ngx_http_realtime_pg_params_lists(ngx_http_realtime_pg_url_t *u,
    ngx_array_t *addrs, u_char **lists);


ngx_int_t
ngx_http_realtime_pg_url_params(ngx_http_realtime_pg_url_t *u,
    ngx_array_t *addrs, ngx_pool_t *pool, const char ***keywords,
    const char ***values)
{
    u_char      *lists[3];
    size_t       size;
    ngx_uint_t   i, n = u->keywords.nelts;

    static const char  *names[] = { "host", "hostaddr", "port" };

    size = ngx_http_realtime_pg_params_lists(u, addrs, NULL);

    if (size == 0) {
        return NGX_DECLINED;
    }

    *keywords = ngx_pcalloc(pool, (n + 4) * sizeof(char *));
    *values = ngx_pcalloc(pool, (n + 4) * sizeof(char *));

    if (*keywords == NULL || *values == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(*keywords, u->keywords.elts, n * sizeof(char *));
    ngx_memcpy(*values, u->values.elts, n * sizeof(char *));

    for (i = 0; i < 3; i++) {

        lists[i] = ngx_pnalloc(pool, size);
        if (lists[i] == NULL) {
            return NGX_ERROR;
        }

        (*keywords)[n + i] = names[i];
        (*values)[n + i] = (char *) lists[i];
    }

    (void) ngx_http_realtime_pg_params_lists(u, addrs, lists);

    return NGX_OK;
}


/*
 * Writes three lists of the same length, a host once for each of its
 * addresses.  Returns how long any of them is at most; 0: there are none.
 */

static size_t
ngx_http_realtime_pg_params_lists(ngx_http_realtime_pg_url_t *u,
    ngx_array_t *addrs, u_char **lists)
{
    size_t                     size = 0;
    ngx_str_t                 *s;
    ngx_uint_t                 i, j;
    ngx_array_t               *a;
    ngx_http_realtime_host_t  *host = u->hosts.list.elts;

    for (i = 0; i < u->hosts.list.nelts; i++) {

        a = ngx_http_realtime_names_of(&u->hosts, addrs, i);
        s = a->elts;

        for (j = 0; j < a->nelts; j++) {

            size += host[i].name.len + s[j].len + host[i].port.len + 1;

            if (lists) {
                lists[0] = ngx_sprintf(lists[0], "%V,", &host[i].name);
                lists[1] = ngx_sprintf(lists[1], "%V,", &s[j]);
                lists[2] = ngx_sprintf(lists[2], "%V,", &host[i].port);
            }
        }
    }

    for (i = 0; lists && i < 3; i++) {
        lists[i][-1] = '\0';
    }

    return size;
}
