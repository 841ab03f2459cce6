
#include "bus/ngx_http_realtime_redis_url.h"


/* a URL cut into its parts, not decoded yet */

typedef struct {
    ngx_str_t   userinfo;
    ngx_str_t   hosts;              /* "a:1,b,[::1]:2" */
    ngx_str_t   path;               /* of a socket, or "/db" */
    ngx_str_t   query;
    ngx_uint_t  local;              /* a Unix socket */
    ngx_uint_t  at;                 /* there is a userinfo */
} ngx_http_realtime_redis_cut_t;


typedef struct {
    ngx_str_t   scheme;
    ngx_uint_t  tls;
    ngx_uint_t  local;
} ngx_http_realtime_redis_scheme_t;


static const char *ngx_http_realtime_redis_url_cut(
    ngx_http_realtime_redis_cut_t *cut, ngx_str_t *rest);
static const char *ngx_http_realtime_redis_url_user(
    ngx_http_realtime_redis_url_t *u, ngx_pool_t *pool,
    ngx_http_realtime_redis_cut_t *cut);
static const char *ngx_http_realtime_redis_url_db(
    ngx_http_realtime_redis_url_t *u, ngx_http_realtime_redis_cut_t *cut);
static const char *ngx_http_realtime_redis_url_hosts(
    ngx_http_realtime_redis_url_t *u, ngx_conf_t *cf, ngx_str_t *list);
static const char *ngx_http_realtime_redis_url_host(ngx_str_t *item,
    ngx_str_t *name, ngx_str_t *port);
static const char *ngx_http_realtime_redis_url_socket(
    ngx_http_realtime_redis_url_t *u, ngx_conf_t *cf, ngx_str_t *path);
static const char *ngx_http_realtime_redis_url_decode(ngx_pool_t *pool,
    ngx_str_t *to, ngx_str_t *from);
static const char *ngx_http_realtime_redis_url_same(
    ngx_http_realtime_redis_url_t *u, ngx_http_realtime_redis_url_t *other);


static const char  ngx_http_realtime_redis_no_memory[] = "cannot be parsed: "
                                                         "no memory";

/* the first that fits */

static const ngx_http_realtime_redis_scheme_t
    ngx_http_realtime_redis_schemes[] =
{
    { ngx_string("redis://"), 0, 0 },
    { ngx_string("rediss://"), 1, 0 },
    { ngx_string("redis+unix://"), 0, 1 },
    { ngx_string("redis+unix:"), 0, 1 },
    { ngx_string("unix://"), 0, 1 },
    { ngx_string("unix:"), 0, 1 },
    { ngx_null_string, 0, 0 }
};


ngx_int_t
ngx_http_realtime_redis_url_parse(ngx_http_realtime_redis_url_t *u,
    ngx_conf_t *cf, ngx_str_t *text, const char *source)
{
    ngx_str_t                                rest;
    const char                              *why = "is not a Redis URL";
    ngx_http_realtime_redis_cut_t            cut;
    const ngx_http_realtime_redis_scheme_t  *s;

    ngx_memzero(u, sizeof(ngx_http_realtime_redis_url_t));
    ngx_memzero(&cut, sizeof(ngx_http_realtime_redis_cut_t));

    for (s = ngx_http_realtime_redis_schemes; s->scheme.len; s++) {
        if (text->len >= s->scheme.len
            && ngx_strncasecmp(text->data, s->scheme.data, s->scheme.len) == 0)
        {
            break;
        }
    }

    if (s->scheme.len == 0) {
        goto failed;
    }

    u->tls = s->tls;
    cut.local = s->local;

    rest.data = text->data + s->scheme.len;
    rest.len = text->len - s->scheme.len;

    if (ngx_http_realtime_hosts_init(&u->hosts, cf->pool, "Redis", "6379")
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if ((why = ngx_http_realtime_redis_url_cut(&cut, &rest)) != NULL
        || (why = ngx_http_realtime_redis_url_user(u, cf->pool, &cut)) != NULL
        || (why = ngx_http_realtime_redis_url_db(u, &cut)) != NULL
        || (why = cut.local
                  ? ngx_http_realtime_redis_url_socket(u, cf, &cut.path)
                  : ngx_http_realtime_redis_url_hosts(u, cf, &cut.hosts))
           != NULL)
    {
        goto failed;
    }

    if (u->hosts.list.nelts > 1 && u->db) {
        why = "has several hosts, a cluster, and a database that is not 0";
        goto failed;
    }

    return ngx_http_realtime_redis_url_text(u, cf->pool);

failed:

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "%s %s: expected is redis://user:password@host:port/db,"
                       " rediss:// for TLS, or unix:/path?db=N, with special "
                       "characters as %%XX", source, why);

    return NGX_ERROR;
}


ngx_int_t
ngx_http_realtime_redis_url_add(ngx_http_realtime_redis_url_t *u,
    ngx_conf_t *cf, ngx_str_t *text, const char *source)
{
    ngx_uint_t                      n;
    const char                     *why;
    ngx_http_realtime_host_t       *to;
    ngx_http_realtime_redis_url_t   other;

    if (ngx_http_realtime_redis_url_parse(&other, cf, text, source) != NGX_OK) {
        return NGX_ERROR;
    }

    why = ngx_http_realtime_redis_url_same(u, &other);

    if (why) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "%s %s: several URLs are nodes of one cluster, "
                           "which are signed into in the same way", source,
                           why);
        return NGX_ERROR;
    }

    n = other.hosts.list.nelts;
    to = ngx_array_push_n(&u->hosts.list, n);

    if (to == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(to, other.hosts.list.elts, n * sizeof(ngx_http_realtime_host_t));
    u->hosts.named += other.hosts.named;

    return ngx_http_realtime_redis_url_text(u, cf->pool);
}


static const char *
ngx_http_realtime_redis_url_same(ngx_http_realtime_redis_url_t *u,
    ngx_http_realtime_redis_url_t *other)
{
    if (u->tls != other->tls) {
        return "has TLS and another one has not, or the other way round";
    }

    if (u->user.len != other->user.len
        || u->password.len != other->password.len
        || (u->user.len
            && ngx_memcmp(u->user.data, other->user.data, u->user.len) != 0)
        || (u->password.len
            && ngx_memcmp(u->password.data, other->password.data,
                          u->password.len) != 0))
    {
        return "has a user or a password that is not that of another one";
    }

    if (u->db || other->db) {
        return "has a database, of which a cluster has but number 0";
    }

    return NULL;
}


/* [userinfo@]hosts[/path][?query] */

static const char *
ngx_http_realtime_redis_url_cut(ngx_http_realtime_redis_cut_t *cut,
    ngx_str_t *rest)
{
    u_char  *p, *at, *start = rest->data, *end = rest->data + rest->len;

    p = ngx_strlchr(start, end, '?');

    if (p) {
        cut->query.data = p + 1;
        cut->query.len = end - p - 1;
        end = p;
    }

    at = ngx_strlchr(start, end, '@');

    if (at) {
        cut->at = 1;
        cut->userinfo.data = start;
        cut->userinfo.len = at - start;
        start = at + 1;
    }

    p = ngx_strlchr(start, end, '/');
    p = p ? p : end;

    cut->hosts.data = start;
    cut->hosts.len = p - start;
    cut->path.data = p;
    cut->path.len = end - p;

    /* half of a password may have become a host, a path or a query */

    if (ngx_strlchr(start, end, '@')
        || (cut->query.data
            && ngx_strlchr(cut->query.data, rest->data + rest->len, '@'))
        || ngx_strlchr(cut->userinfo.data,
                       cut->userinfo.data + cut->userinfo.len, '/'))
    {
        return "has an \"@\" too many, or a \"/\" or \"?\" before it";
    }

    if (cut->local && cut->hosts.len) {
        return "has a host where the path of a socket has to be";
    }

    return NULL;
}


static const char *
ngx_http_realtime_redis_url_user(ngx_http_realtime_redis_url_t *u,
    ngx_pool_t *pool, ngx_http_realtime_redis_cut_t *cut)
{
    u_char      *colon;
    ngx_str_t    user, password;
    const char  *why;

    if (!cut->at) {
        return NULL;
    }

    user = cut->userinfo;
    colon = ngx_strlchr(user.data, user.data + user.len, ':');

    if (colon == NULL || colon + 1 == user.data + user.len) {
        return "has an \"@\" but no password, which is between \":\" and "
               "\"@\" also where there is no user";
    }

    password.data = colon + 1;
    password.len = user.data + user.len - password.data;
    user.len = colon - user.data;

    why = ngx_http_realtime_redis_url_decode(pool, &u->user, &user);

    return why ? why : ngx_http_realtime_redis_url_decode(pool, &u->password,
                                                          &password);
}


static const char *
ngx_http_realtime_redis_url_db(ngx_http_realtime_redis_url_t *u,
    ngx_http_realtime_redis_cut_t *cut)
{
    ngx_int_t  n = 0;

    if (cut->query.len) {
        if (cut->query.len < 3 || ngx_strncmp(cut->query.data, "db=", 3) != 0)
        {
            return "has a parameter that is not \"db=N\"";
        }

        n = ngx_atoi(cut->query.data + 3, cut->query.len - 3);
    }

    if (!cut->local && cut->path.len > 1) {
        if (cut->query.len) {
            return "has two databases";
        }

        n = ngx_atoi(cut->path.data + 1, cut->path.len - 1);
    }

    if (n == NGX_ERROR) {
        return "has a database that is not a number";
    }

    u->db = n;

    return NULL;
}


static const char *
ngx_http_realtime_redis_url_hosts(ngx_http_realtime_redis_url_t *u,
    ngx_conf_t *cf, ngx_str_t *list)
{
    ngx_str_t    item, name, port, addr = ngx_null_string;
    ngx_uint_t   more;
    const char  *why;

    do {
        more = ngx_http_realtime_host_cut(list, &item);

        why = ngx_http_realtime_redis_url_host(&item, &name, &port);
        if (why) {
            return why;
        }

        if (ngx_http_realtime_hosts_add(&u->hosts, cf, &name, &port, &addr)
            != NGX_OK)
        {
            return ngx_http_realtime_redis_no_memory;
        }

    } while (more);

    return NULL;
}


/* "name", "name:port", "[::1]:port" */

static const char *
ngx_http_realtime_redis_url_host(ngx_str_t *item, ngx_str_t *name,
    ngx_str_t *port)
{
    u_char  *p, *end = item->data + item->len;

    *name = *item;
    ngx_str_set(port, "");

    if (item->len && item->data[0] == '[') {

        p = ngx_strlchr(item->data, end, ']');
        if (p == NULL) {
            return "has a \"[\" without its \"]\"";
        }

        name->data++;
        name->len = p - name->data;
        p++;

    } else {
        p = ngx_strlchr(item->data, end, ':');
        p = p ? p : end;
        name->len = p - name->data;
    }

    if (name->len == 0) {
        return "has no host";
    }

    if (ngx_http_realtime_host_is_path(name)) {
        return "has a host that is none";
    }

    if (p == end) {
        return NULL;
    }

    port->data = p + 1;
    port->len = end - port->data;

    if (*p != ':' || !ngx_http_realtime_host_is_port(port)) {
        return "has a port that is not a number from 1 to 65535";
    }

    return NULL;
}


static const char *
ngx_http_realtime_redis_url_socket(ngx_http_realtime_redis_url_t *u,
    ngx_conf_t *cf, ngx_str_t *path)
{
    ngx_str_t    name, none = ngx_null_string;
    const char  *why;

    if (path->len == 0) {
        return "has no path of a socket, which begins with \"/\"";
    }

    why = ngx_http_realtime_redis_url_decode(cf->pool, &name, path);
    if (why) {
        return why;
    }

    if (name.len >= sizeof(((struct sockaddr_un *) NULL)->sun_path)) {
        return "has a path that is too long for a socket";
    }

    if (ngx_http_realtime_hosts_add(&u->hosts, cf, &name, &none, &none)
        != NGX_OK)
    {
        return ngx_http_realtime_redis_no_memory;
    }

    return NULL;
}


static const char *
ngx_http_realtime_redis_url_decode(ngx_pool_t *pool, ngx_str_t *to,
    ngx_str_t *from)
{
    u_char     *p, *end = from->data + from->len;
    ngx_int_t   n;

    to->data = ngx_pnalloc(pool, from->len + 1);
    if (to->data == NULL) {
        return ngx_http_realtime_redis_no_memory;
    }

    to->len = 0;

    for (p = from->data; p < end; p++) {

        if (*p != '%') {
            to->data[to->len++] = *p;
            continue;
        }

        n = end - p > 2 ? ngx_hextoi(p + 1, 2) : NGX_ERROR;

        if (n == NGX_ERROR) {
            return "has a \"%\" that is not followed by two hex digits";
        }

        if (n == 0) {
            return "has a \"%00\"";
        }

        to->data[to->len++] = (u_char) n;
        p += 2;
    }

    to->data[to->len] = '\0';

    return NULL;
}


ngx_int_t
ngx_http_realtime_redis_url_text(ngx_http_realtime_redis_url_t *u,
    ngx_pool_t *pool)
{
    u_char                    *p;
    ngx_http_realtime_host_t  *host = u->hosts.list.elts;

    p = ngx_pnalloc(pool, sizeof("unix:/") + NGX_INT_T_LEN
                          + ngx_http_realtime_hosts_len(&u->hosts));
    if (p == NULL) {
        return NGX_ERROR;
    }

    u->text.data = p;

    if (ngx_http_realtime_host_is_path(&host->name)) {
        p = ngx_sprintf(p, "unix:%V", &host->name);

    } else {
        p = ngx_http_realtime_hosts_text(&u->hosts, p);
    }

    p = ngx_sprintf(p, "/%ui", u->db);
    u->text.len = p - u->text.data;

    return NGX_OK;
}
