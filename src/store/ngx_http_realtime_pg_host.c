
#include "store/ngx_http_realtime_pg_host.h"

#include <netdb.h>


static ngx_int_t ngx_http_realtime_pg_host_resolve(
    ngx_http_realtime_pg_url_t *u, ngx_conf_t *cf,
    ngx_http_realtime_pg_host_t *host, ngx_str_t *addr);
static size_t ngx_http_realtime_pg_host_lists(ngx_http_realtime_pg_url_t *u,
    ngx_array_t *addrs, u_char **lists);
static ngx_int_t ngx_http_realtime_pg_host_lookup(ngx_conf_t *cf,
    ngx_http_realtime_pg_host_t *host);


ngx_int_t
ngx_http_realtime_pg_host_add(ngx_http_realtime_pg_url_t *u, ngx_conf_t *cf,
    ngx_str_t *name, ngx_str_t *port, ngx_str_t *addr)
{
    ngx_str_t                     usual = ngx_string("5432");
    ngx_http_realtime_pg_host_t  *host;

    host = ngx_array_push(&u->hosts);
    if (host == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(host, sizeof(ngx_http_realtime_pg_host_t));

    port = port->len ? port : &usual;

    if (ngx_http_realtime_pg_host_copy(cf->pool, &host->name, name->data,
                                       name->len) != NGX_OK
        || ngx_http_realtime_pg_host_copy(cf->pool, &host->port, port->data,
                                          port->len) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_realtime_pg_host_resolve(u, cf, host, addr);
}


static ngx_int_t
ngx_http_realtime_pg_host_resolve(ngx_http_realtime_pg_url_t *u,
    ngx_conf_t *cf, ngx_http_realtime_pg_host_t *host, ngx_str_t *addr)
{
    u_char      bytes[sizeof(struct in6_addr)];
    ngx_str_t  *s, *name = &host->name;

    if (ngx_array_init(&host->addrs, cf->pool, 1, sizeof(ngx_str_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    host->named = addr->len == 0 && name->len != 0
                  && name->data[0] != '/' && name->data[0] != '@'
                  && inet_pton(AF_INET, (char *) name->data, bytes) != 1
                  && inet_pton(AF_INET6, (char *) name->data, bytes) != 1;

    if (host->named) {
        u->named++;
        return ngx_http_realtime_pg_host_lookup(cf, host);
    }

    s = ngx_array_push(&host->addrs);
    if (s == NULL) {
        return NGX_ERROR;
    }

    if (addr->len == 0 && name->len != 0
        && name->data[0] != '/' && name->data[0] != '@')
    {
        *s = *name;
        return NGX_OK;
    }

    return ngx_http_realtime_pg_host_copy(cf->pool, s, addr->data, addr->len);
}


static ngx_int_t
ngx_http_realtime_pg_host_lookup(ngx_conf_t *cf,
    ngx_http_realtime_pg_host_t *host)
{
    int               rc;
    char              text[NI_MAXHOST];
    ngx_str_t        *s;
    struct addrinfo   hints, *list, *a;

    ngx_memzero(&hints, sizeof(hints));
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_ADDRCONFIG;

    rc = getaddrinfo((char *) host->name.data, NULL, &hints, &list);

    if (rc != 0) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "the PostgreSQL host \"%V\" cannot be resolved now "
                           "(%s): it will be looked up by the \"resolver\" of "
                           "http{}, if there is one", &host->name,
                           gai_strerror(rc));
        return NGX_OK;
    }

    for (a = list; a; a = a->ai_next) {

        if (getnameinfo(a->ai_addr, a->ai_addrlen, text, sizeof(text), NULL,
                        0, NI_NUMERICHOST) != 0)
        {
            continue;
        }

        s = ngx_array_push(&host->addrs);

        if (s == NULL
            || ngx_http_realtime_pg_host_copy(cf->pool, s, (u_char *) text,
                                             ngx_strlen(text)) != NGX_OK)
        {
            freeaddrinfo(list);
            return NGX_ERROR;
        }
    }

    freeaddrinfo(list);

    return NGX_OK;
}


ngx_int_t
ngx_http_realtime_pg_url_params(ngx_http_realtime_pg_url_t *u,
    ngx_array_t *addrs, ngx_pool_t *pool, const char ***keywords,
    const char ***values)
{
    u_char      *lists[3];
    size_t       size;
    ngx_uint_t   i, n = u->keywords.nelts;

    static const char  *names[] = { "host", "hostaddr", "port" };

    size = ngx_http_realtime_pg_host_lists(u, addrs, NULL);

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

    (void) ngx_http_realtime_pg_host_lists(u, addrs, lists);

    return NGX_OK;
}


/*
 * Writes three lists of the same length, a host once for each of its
 * addresses.  Returns how long any of them is at most; 0: there are none.
 */

static size_t
ngx_http_realtime_pg_host_lists(ngx_http_realtime_pg_url_t *u,
    ngx_array_t *addrs, u_char **lists)
{
    size_t                        size = 0;
    ngx_str_t                    *s;
    ngx_uint_t                    i, j;
    ngx_array_t                  *a;
    ngx_http_realtime_pg_host_t  *host = u->hosts.elts;

    for (i = 0; i < u->hosts.nelts; i++) {

        a = addrs ? (ngx_array_t *) addrs->elts + i : &host[i].addrs;
        a = a->nelts ? a : &host[i].addrs;
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


ngx_int_t
ngx_http_realtime_pg_host_copy(ngx_pool_t *pool, ngx_str_t *to,
    const u_char *data, size_t len)
{
    to->data = ngx_pnalloc(pool, len + 1);
    if (to->data == NULL) {
        return NGX_ERROR;
    }

    if (len) {
        ngx_memcpy(to->data, data, len);
    }

    to->data[len] = '\0';
    to->len = len;

    return NGX_OK;
}


/* takes the next of "a,b,c"; whether there are more: list->data is not NULL */

ngx_uint_t
ngx_http_realtime_pg_host_cut(ngx_str_t *list, ngx_str_t *item)
{
    u_char  *comma = NULL;

    *item = *list;

    if (list->data) {
        comma = ngx_strlchr(list->data, list->data + list->len, ',');
    }

    if (comma == NULL) {
        ngx_str_null(list);
        return 0;
    }

    item->len = comma - list->data;
    list->len -= item->len + 1;
    list->data = comma + 1;

    return 1;
}
