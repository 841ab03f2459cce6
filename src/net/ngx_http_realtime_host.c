
#include "net/ngx_http_realtime_host.h"

#include <netdb.h>


static ngx_http_realtime_host_t *ngx_http_realtime_host_new(
    ngx_http_realtime_hosts_t *hosts, ngx_pool_t *pool, ngx_str_t *name,
    ngx_str_t *port, ngx_str_t *addr);
static ngx_int_t ngx_http_realtime_host_address(
    ngx_http_realtime_hosts_t *hosts, ngx_pool_t *pool,
    ngx_http_realtime_host_t *host, ngx_str_t *addr);
static ngx_int_t ngx_http_realtime_host_lookup(
    ngx_http_realtime_hosts_t *hosts, ngx_conf_t *cf,
    ngx_http_realtime_host_t *host);


ngx_int_t
ngx_http_realtime_hosts_init(ngx_http_realtime_hosts_t *hosts,
    ngx_pool_t *pool, const char *what, const char *port)
{
    hosts->what = what;
    hosts->port.data = (u_char *) port;
    hosts->port.len = ngx_strlen(port);
    hosts->named = 0;

    return ngx_array_init(&hosts->list, pool, 2,
                          sizeof(ngx_http_realtime_host_t));
}


ngx_int_t
ngx_http_realtime_hosts_add(ngx_http_realtime_hosts_t *hosts, ngx_conf_t *cf,
    ngx_str_t *name, ngx_str_t *port, ngx_str_t *addr)
{
    ngx_http_realtime_host_t  *host;

    host = ngx_http_realtime_host_new(hosts, cf->pool, name, port, addr);

    if (host == NULL) {
        return NGX_ERROR;
    }

    return host->named ? ngx_http_realtime_host_lookup(hosts, cf, host)
                       : NGX_OK;
}


ngx_int_t
ngx_http_realtime_hosts_put(ngx_http_realtime_hosts_t *hosts,
    ngx_pool_t *pool, ngx_str_t *name, ngx_str_t *port,
    ngx_http_realtime_hosts_t *known)
{
    ngx_str_t                  addr = ngx_null_string;
    ngx_uint_t                 i;
    ngx_http_realtime_host_t  *host, *k = known->list.elts;

    host = ngx_http_realtime_host_new(hosts, pool, name, port, &addr);

    if (host == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; host->named && i < known->list.nelts; i++) {
        if (k[i].named && k[i].name.len == name->len
            && ngx_strncasecmp(k[i].name.data, name->data, name->len) == 0)
        {
            host->addrs = k[i].addrs;
            break;
        }
    }

    return NGX_OK;
}


static ngx_http_realtime_host_t *
ngx_http_realtime_host_new(ngx_http_realtime_hosts_t *hosts, ngx_pool_t *pool,
    ngx_str_t *name, ngx_str_t *port, ngx_str_t *addr)
{
    ngx_http_realtime_host_t  *host;

    host = ngx_array_push(&hosts->list);
    if (host == NULL) {
        return NULL;
    }

    ngx_memzero(host, sizeof(ngx_http_realtime_host_t));

    port = port->len ? port : &hosts->port;

    if (ngx_http_realtime_host_copy(pool, &host->name, name->data, name->len)
           != NGX_OK
        || ngx_http_realtime_host_copy(pool, &host->port, port->data,
                                       port->len) != NGX_OK
        || ngx_http_realtime_host_address(hosts, pool, host, addr) != NGX_OK)
    {
        hosts->list.nelts--;
        return NULL;
    }

    return host;
}


static ngx_int_t
ngx_http_realtime_host_address(ngx_http_realtime_hosts_t *hosts,
    ngx_pool_t *pool, ngx_http_realtime_host_t *host, ngx_str_t *addr)
{
    u_char      bytes[sizeof(struct in6_addr)];
    ngx_str_t  *s, *name = &host->name;

    if (ngx_array_init(&host->addrs, pool, 1, sizeof(ngx_str_t)) != NGX_OK) {
        return NGX_ERROR;
    }

    host->named = addr->len == 0 && name->len != 0
                  && !ngx_http_realtime_host_is_path(name)
                  && inet_pton(AF_INET, (char *) name->data, bytes) != 1
                  && inet_pton(AF_INET6, (char *) name->data, bytes) != 1;

    if (host->named) {
        hosts->named++;
        return NGX_OK;
    }

    s = ngx_array_push(&host->addrs);
    if (s == NULL) {
        return NGX_ERROR;
    }

    if (addr->len == 0 && name->len != 0
        && !ngx_http_realtime_host_is_path(name))
    {
        *s = *name;
        return NGX_OK;
    }

    return ngx_http_realtime_host_copy(pool, s, addr->data, addr->len);
}


static ngx_int_t
ngx_http_realtime_host_lookup(ngx_http_realtime_hosts_t *hosts,
    ngx_conf_t *cf, ngx_http_realtime_host_t *host)
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
                           "the %s host \"%V\" cannot be resolved now "
                           "(%s): it will be looked up by the \"resolver\" of "
                           "http{}, if there is one", hosts->what, &host->name,
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
            || ngx_http_realtime_host_copy(cf->pool, s, (u_char *) text,
                                           ngx_strlen(text)) != NGX_OK)
        {
            freeaddrinfo(list);
            return NGX_ERROR;
        }
    }

    freeaddrinfo(list);

    return NGX_OK;
}


size_t
ngx_http_realtime_hosts_len(ngx_http_realtime_hosts_t *hosts)
{
    size_t                     size = 0;
    ngx_uint_t                 i;
    ngx_http_realtime_host_t  *host = hosts->list.elts;

    for (i = 0; i < hosts->list.nelts; i++) {
        size += sizeof("[]:,socket") + host[i].name.len + host[i].port.len;
    }

    return size;
}


u_char *
ngx_http_realtime_hosts_text(ngx_http_realtime_hosts_t *hosts, u_char *p)
{
    ngx_str_t                 *name;
    ngx_uint_t                 i, v6;
    ngx_http_realtime_host_t  *host = hosts->list.elts;

    for (i = 0; i < hosts->list.nelts; i++) {

        name = &host[i].name;
        v6 = !ngx_http_realtime_host_is_path(name)
             && ngx_strlchr(name->data, name->data + name->len, ':') != NULL;

        if (name->len == 0) {
            p = ngx_sprintf(p, "socket:%V,", &host[i].port);

        } else {
            p = ngx_sprintf(p, v6 ? "[%V]:%V," : "%V:%V,", name,
                            &host[i].port);
        }
    }

    return hosts->list.nelts ? p - 1 : p;
}


ngx_uint_t
ngx_http_realtime_host_is_port(ngx_str_t *port)
{
    ngx_int_t  n = ngx_atoi(port->data, port->len);

    return n >= 1 && n <= 65535;
}


ngx_int_t
ngx_http_realtime_host_copy(ngx_pool_t *pool, ngx_str_t *to,
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


ngx_uint_t
ngx_http_realtime_host_cut(ngx_str_t *list, ngx_str_t *item)
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
