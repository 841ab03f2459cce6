
#include "store/ngx_http_realtime_pg_url.h"

#include <libpq-fe.h>


typedef struct {
    const char  *keyword;
    const char  *value;
} ngx_http_realtime_pg_default_t;


static ngx_int_t ngx_http_realtime_pg_url_options(
    ngx_http_realtime_pg_url_t *u, ngx_conf_t *cf, PQconninfoOption *options,
    const char *source);
static ngx_int_t ngx_http_realtime_pg_url_keep(ngx_http_realtime_pg_url_t *u,
    ngx_pool_t *pool, const char *keyword, const char *value);
static ngx_int_t ngx_http_realtime_pg_url_defaults(
    ngx_http_realtime_pg_url_t *u, ngx_pool_t *pool);
static ngx_int_t ngx_http_realtime_pg_url_hosts(ngx_http_realtime_pg_url_t *u,
    ngx_conf_t *cf, ngx_http_realtime_pg_parts_t *parts, const char *hostaddr,
    const char *source);
static ngx_int_t ngx_http_realtime_pg_url_text(ngx_http_realtime_pg_url_t *u,
    ngx_pool_t *pool, ngx_str_t *dbname);
static ngx_uint_t ngx_http_realtime_pg_url_at(ngx_str_t *s, size_t from);
static ngx_int_t ngx_http_realtime_pg_url_others(
    ngx_http_realtime_pg_url_t *u, ngx_conf_t *cf,
    ngx_http_realtime_pg_parts_t *parts);
static const char *ngx_http_realtime_pg_url_find(PQconninfoOption *options,
    const char *keyword);
static ngx_int_t ngx_http_realtime_pg_url_bad(ngx_conf_t *cf,
    const char *source, const char *what);


#define NGX_HTTP_REALTIME_PG_EXPECTED                                         \
    "expected is postgresql://user:password@host:port/dbname, with special "  \
    "characters as %%XX"


/*
 * Kerberos blocks.  A server that went without a word is noticed in a minute,
 * also by a connection that only listens.
 */

static const ngx_http_realtime_pg_default_t  ngx_http_realtime_pg_defaults[] = {
    { "gssencmode", "disable" },
    { "application_name", "ngx_http_realtime" },
    { "client_encoding", "UTF8" },
    { "keepalives_idle", "30" },
    { "keepalives_interval", "10" },
    { "keepalives_count", "3" },
    { NULL, NULL }
};


ngx_int_t
ngx_http_realtime_pg_url_parse(ngx_http_realtime_pg_url_t *u, ngx_conf_t *cf,
    ngx_str_t *text, const char *source)
{
    char              *why = NULL;
    ngx_int_t          rc;
    ngx_str_t          copy;
    PQconninfoOption  *options;

    if (ngx_http_realtime_host_copy(cf->pool, &copy, text->data, text->len)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_strlchr(text->data, text->data + text->len, '=') == NULL
        && ngx_strncmp(copy.data, "postgresql://", 13) != 0
        && ngx_strncmp(copy.data, "postgres://", 11) != 0)
    {
        return ngx_http_realtime_pg_url_bad(cf, source,
                                            "is not a PostgreSQL URL");
    }

    options = PQconninfoParse((char *) copy.data, &why);

    if (options == NULL) {

        /* what libpq says repeats parts of the text, passwords too */

        rc = ngx_http_realtime_pg_url_bad(cf, source,
                 why == NULL ? "cannot be parsed: no memory"
                 : ngx_strstr(why, "invalid URI query parameter")
                   || ngx_strstr(why, "invalid connection option")
                 ? "has a parameter that libpq does not know"
                 : ngx_strstr(why, "percent-encoded")
                 ? "has a \"%\" that is not followed by two hex digits"
                 : "cannot be parsed");

        PQfreemem(why);
        return rc;
    }

    rc = ngx_http_realtime_pg_url_options(u, cf, options, source);

    PQconninfoFree(options);

    return rc;
}


static ngx_int_t
ngx_http_realtime_pg_url_options(ngx_http_realtime_pg_url_t *u,
    ngx_conf_t *cf, PQconninfoOption *options, const char *source)
{
    const char                    *value;
    PQconninfoOption              *o;
    ngx_http_realtime_pg_parts_t   parts;

    static const char  *ours[] = { "host", "hostaddr", "port", "dbname",
                                   "user", "password", "connect_timeout" };
    ngx_uint_t  i;

    ngx_str_t  *fields[] = { &parts.host, NULL, &parts.port, &parts.dbname,
                             &parts.user, &parts.password };

    ngx_memzero(u, sizeof(ngx_http_realtime_pg_url_t));
    ngx_memzero(&parts, sizeof(parts));

    if (ngx_http_realtime_pg_url_find(options, "service")) {
        return ngx_http_realtime_pg_url_bad(cf, source,
                                            "names a service, of which the "
                                            "host could not be looked up");
    }

    for (i = 0; i < 6; i++) {
        value = ngx_http_realtime_pg_url_find(options, ours[i]);

        if (value && fields[i]) {
            fields[i]->data = (u_char *) value;
            fields[i]->len = ngx_strlen(value);
        }
    }

    value = ngx_http_realtime_pg_url_find(options, "connect_timeout");

    if (value && ngx_atoi((u_char *) value, ngx_strlen(value)) > 0) {
        u->connect_timeout = 1000 * ngx_atoi((u_char *) value,
                                             ngx_strlen(value));
    }

    for (o = options; o->keyword; o++) {

        for (i = 0; i < 7; i++) {
            if (ngx_strcmp(o->keyword, ours[i]) == 0) {
                break;
            }
        }

        if (i == 7 && o->val && *o->val
            && ngx_http_realtime_pg_url_keep(u, cf->pool, o->keyword, o->val)
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    value = ngx_http_realtime_pg_url_find(options, "hostaddr");

    return ngx_http_realtime_pg_url_hosts(u, cf, &parts, value, source);
}


ngx_int_t
ngx_http_realtime_pg_url_parts(ngx_http_realtime_pg_url_t *u, ngx_conf_t *cf,
    ngx_http_realtime_pg_parts_t *parts, const char *source)
{
    ngx_memzero(u, sizeof(ngx_http_realtime_pg_url_t));

    return ngx_http_realtime_pg_url_hosts(u, cf, parts, NULL, source);
}


static ngx_int_t
ngx_http_realtime_pg_url_hosts(ngx_http_realtime_pg_url_t *u, ngx_conf_t *cf,
    ngx_http_realtime_pg_parts_t *parts, const char *hostaddr,
    const char *source)
{
    ngx_str_t   hosts, ports, addrs, name, addr;
    ngx_str_t   port = ngx_string("");
    ngx_uint_t  more, n = 0, nports = 0;

    if (ngx_http_realtime_hosts_init(&u->hosts, cf->pool, "PostgreSQL", "5432")
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    hosts = parts->host;
    ports = parts->port;
    addrs.data = (u_char *) hostaddr;
    addrs.len = hostaddr ? ngx_strlen(hostaddr) : 0;

    do {
        more = ngx_http_realtime_host_cut(&hosts, &name);
        more |= ngx_http_realtime_host_cut(&addrs, &addr);

        /* half of a password may have become a name */

        if (ngx_http_realtime_pg_url_at(&name, 1)
            || ngx_http_realtime_pg_url_at(&parts->dbname, 0))
        {
            return ngx_http_realtime_pg_url_bad(cf, source,
                                                "has an \"@\" too many");
        }

        if (nports == 0 || ports.data) {
            (void) ngx_http_realtime_host_cut(&ports, &port);
            nports++;
        }

        if (port.len && !ngx_http_realtime_host_is_port(&port)) {
            return ngx_http_realtime_pg_url_bad(cf, source,
                       "has a port that is not a number from 1 to 65535");
        }

        if (ngx_http_realtime_hosts_add(&u->hosts, cf, &name, &port, &addr)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        n++;

    } while (more);

    if (nports > 1 && (nports != n || ports.data)) {
        return ngx_http_realtime_pg_url_bad(cf, source,
                                            "has not one port for each host");
    }

    return ngx_http_realtime_pg_url_others(u, cf, parts);
}


/* an abstract socket begins with one */

static ngx_uint_t
ngx_http_realtime_pg_url_at(ngx_str_t *s, size_t from)
{
    return s->len > from
           && ngx_strlchr(s->data + from, s->data + s->len, '@') != NULL;
}


static ngx_int_t
ngx_http_realtime_pg_url_others(ngx_http_realtime_pg_url_t *u, ngx_conf_t *cf,
    ngx_http_realtime_pg_parts_t *parts)
{
    if (ngx_http_realtime_pg_url_keep(u, cf->pool, "dbname",
                                      (char *) parts->dbname.data) != NGX_OK
        || ngx_http_realtime_pg_url_keep(u, cf->pool, "user",
                                         (char *) parts->user.data) != NGX_OK
        || ngx_http_realtime_pg_url_keep(u, cf->pool, "password",
                                         (char *) parts->password.data)
           != NGX_OK
        || ngx_http_realtime_pg_url_defaults(u, cf->pool) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_realtime_pg_url_text(u, cf->pool,
               parts->dbname.len ? &parts->dbname : &parts->user);
}


/* what is not given does not become an empty value: it has a default */

static ngx_int_t
ngx_http_realtime_pg_url_keep(ngx_http_realtime_pg_url_t *u, ngx_pool_t *pool,
    const char *keyword, const char *value)
{
    ngx_str_t     copy;
    const char  **k, **v;

    if (value == NULL || *value == '\0') {
        return NGX_OK;
    }

    if (u->keywords.elts == NULL
        && (ngx_array_init(&u->keywords, pool, 8, sizeof(char *)) != NGX_OK
            || ngx_array_init(&u->values, pool, 8, sizeof(char *)) != NGX_OK))
    {
        return NGX_ERROR;
    }

    k = ngx_array_push(&u->keywords);
    v = ngx_array_push(&u->values);

    if (k == NULL || v == NULL
        || ngx_http_realtime_host_copy(pool, &copy, (u_char *) value,
                                         ngx_strlen(value)) != NGX_OK)
    {
        return NGX_ERROR;
    }

    *v = (char *) copy.data;

    if (ngx_http_realtime_host_copy(pool, &copy, (u_char *) keyword,
                                      ngx_strlen(keyword)) != NGX_OK)
    {
        return NGX_ERROR;
    }

    *k = (char *) copy.data;

    return NGX_OK;
}


static ngx_int_t
ngx_http_realtime_pg_url_defaults(ngx_http_realtime_pg_url_t *u,
    ngx_pool_t *pool)
{
    ngx_uint_t                             i;
    const char                           **k;
    const ngx_http_realtime_pg_default_t  *d;

    for (d = ngx_http_realtime_pg_defaults; d->keyword; d++) {

        k = u->keywords.elts;

        for (i = 0; i < u->keywords.nelts; i++) {
            if (ngx_strcmp(k[i], d->keyword) == 0) {
                break;
            }
        }

        if (i == u->keywords.nelts
            && ngx_http_realtime_pg_url_keep(u, pool, d->keyword, d->value)
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_realtime_pg_url_text(ngx_http_realtime_pg_url_t *u, ngx_pool_t *pool,
    ngx_str_t *dbname)
{
    u_char  *p;

    p = ngx_pnalloc(pool, ngx_http_realtime_hosts_len(&u->hosts) + 1
                          + dbname->len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    u->text.data = p;

    p = ngx_http_realtime_hosts_text(&u->hosts, p);
    *p++ = '/';

    if (dbname->len) {
        p = ngx_cpymem(p, dbname->data, dbname->len);
    }

    u->text.len = p - u->text.data;

    return NGX_OK;
}


static const char *
ngx_http_realtime_pg_url_find(PQconninfoOption *options, const char *keyword)
{
    PQconninfoOption  *o;

    for (o = options; o->keyword; o++) {
        if (ngx_strcmp(o->keyword, keyword) == 0) {
            return o->val && *o->val ? o->val : NULL;
        }
    }

    return NULL;
}


static ngx_int_t
ngx_http_realtime_pg_url_bad(ngx_conf_t *cf, const char *source,
    const char *what)
{
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "%s %s: " NGX_HTTP_REALTIME_PG_EXPECTED, source, what);

    return NGX_ERROR;
}
