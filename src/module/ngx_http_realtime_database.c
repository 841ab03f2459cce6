
/*
 * Directives of the database: where it is, and what is written there.
 */


#include "module/ngx_http_realtime_conf.h"

#include "base/rt_utf8.h"


static char *ngx_http_realtime_set_pool_value(ngx_conf_t *cf,
    ngx_http_realtime_store_conf_t *store, ngx_str_t *value);
static ngx_uint_t ngx_http_realtime_pool_is(ngx_str_t *value,
    const ngx_str_t *name, ngx_str_t *text);
static char *ngx_http_realtime_set_pool_time(ngx_conf_t *cf, ngx_str_t *value,
    ngx_str_t *text, ngx_msec_t *field);
static ngx_int_t ngx_http_realtime_database_pool(ngx_conf_t *cf,
    ngx_http_realtime_store_conf_t *store);
static ngx_int_t ngx_http_realtime_database_env(ngx_conf_t *cf,
    ngx_http_realtime_main_conf_t *rmcf);
static ngx_int_t ngx_http_realtime_database_host(ngx_conf_t *cf,
    ngx_http_realtime_store_conf_t *store);
static ngx_int_t ngx_http_realtime_add_log_types(ngx_conf_t *cf,
    ngx_http_realtime_log_conf_t *log, ngx_str_t *list);
static ngx_int_t ngx_http_realtime_add_log_type(ngx_conf_t *cf,
    ngx_http_realtime_log_conf_t *log, ngx_str_t *name);


/* what the server has to say by itself */

static const struct {
    ngx_str_t   name;
    ngx_uint_t  type;
} ngx_http_realtime_log_types[] = {
    { ngx_string("connect"), NGX_HTTP_REALTIME_LOG_CONNECT },
    { ngx_string("disconnect"), NGX_HTTP_REALTIME_LOG_DISCONNECT },
    { ngx_string("error"), NGX_HTTP_REALTIME_LOG_ERROR },
    { ngx_string("message"), NGX_HTTP_REALTIME_LOG_MESSAGE },
    { ngx_string("*"), NGX_HTTP_REALTIME_LOG_ALL }
};


/* times of a pool, and the variables that are their defaults */

static const struct {
    ngx_str_t    name;
    const char  *variable;
    size_t       offset;
    ngx_msec_t   value;
} ngx_http_realtime_pool_times[] = {
    { ngx_string("connect="), "DATABASE_POOL_CONNECTION_TIMEOUT",
      offsetof(ngx_http_realtime_store_conf_t, pg.connect_timeout), 5000 },
    { ngx_string("statement="), "DATABASE_STATEMENT_TIMEOUT",
      offsetof(ngx_http_realtime_store_conf_t, pg.statement_timeout), 10000 },
    { ngx_string("idle="), "DATABASE_POOL_IDLE_TIMEOUT",
      offsetof(ngx_http_realtime_store_conf_t, pg.idle), 0 }
};


/* one connection of a worker is enough: there is no use for "max" */

static const ngx_str_t  ngx_http_realtime_pool_min = ngx_string("min=");
static const ngx_str_t  ngx_http_realtime_pool_max = ngx_string("max=");
static const ngx_str_t  ngx_http_realtime_pool_queue = ngx_string("queue=");


/* off | a URL */

char *
ngx_http_realtime_set_postgres(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t                      *value = cf->args->elts;
    ngx_http_realtime_main_conf_t  *rmcf = conf;

    if (rmcf->database != NGX_CONF_UNSET) {
        return "is duplicate";
    }

    rmcf->database = (ngx_strcmp(value[1].data, "off") != 0);

    return (!rmcf->database
            || ngx_http_realtime_pg_url_parse(&rmcf->store.url, cf, &value[1],
                                              "realtime_postgres")
               == NGX_OK)
           ? NGX_CONF_OK : NGX_CONF_ERROR;
}


char *
ngx_http_realtime_set_postgres_pool(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    char                           *rv;
    ngx_str_t                      *value = cf->args->elts;
    ngx_uint_t                      i;
    ngx_http_realtime_main_conf_t  *rmcf = conf;

    if (rmcf->pool) {
        return "is duplicate";
    }

    rmcf->pool = 1;

    for (i = 1; i < cf->args->nelts; i++) {
        rv = ngx_http_realtime_set_pool_value(cf, &rmcf->store, &value[i]);

        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_realtime_set_pool_value(ngx_conf_t *cf,
    ngx_http_realtime_store_conf_t *store, ngx_str_t *value)
{
    off_t       size;
    ngx_int_t   n;
    ngx_str_t   text;
    ngx_uint_t  i, min;

    for (i = 0; i < rt_nitems(ngx_http_realtime_pool_times); i++) {
        if (ngx_http_realtime_pool_is(value,
                                    &ngx_http_realtime_pool_times[i].name,
                                    &text))
        {
            return ngx_http_realtime_set_pool_time(cf, value, &text,
                              (ngx_msec_t *) ((char *) store
                                  + ngx_http_realtime_pool_times[i].offset));
        }
    }

    min = ngx_http_realtime_pool_is(value, &ngx_http_realtime_pool_min, &text);

    if (min
        || ngx_http_realtime_pool_is(value, &ngx_http_realtime_pool_max,
                                     &text))
    {
        n = ngx_atoi(text.data, text.len);

        if (n == NGX_ERROR) {
            return ngx_http_realtime_bad_value(cf, value, "a whole number");
        }

        store->min = min ? (ngx_uint_t) n : store->min;

        return NGX_CONF_OK;
    }

    if (!ngx_http_realtime_pool_is(value, &ngx_http_realtime_pool_queue,
                                   &text))
    {
        return ngx_http_realtime_bad_value(cf, value, "\"min=\", \"max=\", "
                 "\"idle=\", \"connect=\", \"statement=\" or \"queue=\"");
    }

    size = ngx_parse_offset(&text);

    if (size < NGX_HTTP_REALTIME_FACTS_MIN
        || size > NGX_HTTP_REALTIME_FACTS_MAX)
    {
        return ngx_http_realtime_bad_value(cf, value,
                                  "a size from 256k to 1g, such as \"16m\"");
    }

    store->queue = size;

    return NGX_CONF_OK;
}


/* "text" is what follows the name */

static ngx_uint_t
ngx_http_realtime_pool_is(ngx_str_t *value, const ngx_str_t *name,
    ngx_str_t *text)
{
    if (value->len < name->len
        || ngx_strncmp(value->data, name->data, name->len) != 0)
    {
        return 0;
    }

    text->data = value->data + name->len;
    text->len = value->len - name->len;

    return 1;
}


static char *
ngx_http_realtime_set_pool_time(ngx_conf_t *cf, ngx_str_t *value,
    ngx_str_t *text, ngx_msec_t *field)
{
    ngx_int_t  n;

    n = ngx_parse_time(text, 0);

    if (n == NGX_ERROR) {
        return ngx_http_realtime_bad_value(cf, value,
                                           "a time, such as \"5s\"");
    }

    *field = n;

    return NGX_CONF_OK;
}


char *
ngx_http_realtime_set_host(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t                      *value = cf->args->elts;
    ngx_http_realtime_main_conf_t  *rmcf = conf;

    if (rmcf->store.host.data) {
        return "is duplicate";
    }

    if (value[1].len == 0 || value[1].len > 255
        || rt_utf8_check(ngx_http_realtime_str(&value[1])) != RT_OK)
    {
        return ngx_http_realtime_bad_value(cf, &value[1],
                                    "a name of 1 to 255 bytes, in UTF-8");
    }

    rmcf->store.host = value[1];        /* ends with a zero byte */

    return NGX_CONF_OK;
}


/* off | on [contents] */

char *
ngx_http_realtime_set_log_events(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_str_t                     *value = cf->args->elts;
    ngx_http_realtime_loc_conf_t  *rlcf = conf;
    ngx_http_realtime_log_conf_t  *log = &rlcf->events.log;

    if (log->enable != NGX_CONF_UNSET) {
        return "is duplicate";
    }

    if (ngx_strcmp(value[1].data, "on") == 0) {
        log->enable = 1;

    } else if (ngx_strcmp(value[1].data, "off") == 0) {
        log->enable = 0;

    } else {
        return ngx_http_realtime_bad_value(cf, &value[1],
                                           "\"on\" or \"off\"");
    }

    log->contents = 0;

    if (cf->args->nelts > 2) {

        if (!log->enable || ngx_strcmp(value[2].data, "contents") != 0) {
            return ngx_http_realtime_bad_value(cf, &value[2],
                                               "\"contents\", behind \"on\"");
        }

        log->contents = 1;
    }

    return NGX_CONF_OK;
}


char *
ngx_http_realtime_set_log_event_types(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_str_t                     *value = cf->args->elts;
    ngx_uint_t                     i;
    ngx_http_realtime_loc_conf_t  *rlcf = conf;

    if (rlcf->events.log.types) {
        return "is duplicate";
    }

    for (i = 1; i < cf->args->nelts; i++) {
        if (ngx_http_realtime_add_log_types(cf, &rlcf->events.log, &value[i])
            != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


/* separated by commas */

static ngx_int_t
ngx_http_realtime_add_log_types(ngx_conf_t *cf,
    ngx_http_realtime_log_conf_t *log, ngx_str_t *list)
{
    u_char     *p = list->data, *last = list->data + list->len, *end;
    ngx_str_t   name;

    log->types |= NGX_HTTP_REALTIME_LOG_SET;

    for ( /* void */ ; p < last; p = end + 1) {

        end = ngx_strlchr(p, last, ',');
        end = end ? end : last;

        name.data = p;
        name.len = end - p;

        while (name.len && name.data[0] == ' ') {
            name.data++;
            name.len--;
        }

        while (name.len && name.data[name.len - 1] == ' ') {
            name.len--;
        }

        if (name.len
            && ngx_http_realtime_add_log_type(cf, log, &name) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_realtime_add_log_type(ngx_conf_t *cf,
    ngx_http_realtime_log_conf_t *log, ngx_str_t *name)
{
    rt_str_t    *event;
    ngx_uint_t   i;

    for (i = 0; i < rt_nitems(ngx_http_realtime_log_types); i++) {

        if (name->len == ngx_http_realtime_log_types[i].name.len
            && ngx_strncmp(name->data,
                           ngx_http_realtime_log_types[i].name.data, name->len)
               == 0)
        {
            log->types |= ngx_http_realtime_log_types[i].type;
            return NGX_OK;
        }
    }

    if (log->events == NULL) {
        log->events = ngx_array_create(cf->pool, 4, sizeof(rt_str_t));
        if (log->events == NULL) {
            return NGX_ERROR;
        }
    }

    event = ngx_array_push(log->events);
    if (event == NULL) {
        return NGX_ERROR;
    }

    *event = ngx_http_realtime_str(name);

    return NGX_OK;
}


ngx_int_t
ngx_http_realtime_merge_log(ngx_conf_t *cf,
    ngx_http_realtime_log_conf_t *prev, ngx_http_realtime_log_conf_t *conf)
{
    ngx_str_t   list = ngx_string("connect,disconnect,error");
    ngx_flag_t  enable = 1;

    if (ngx_http_realtime_env_flag(cf, "REALTIME_LOG_EVENTS", &enable)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (conf->enable == NGX_CONF_UNSET) {
        conf->enable = prev->enable;
        conf->contents = prev->contents;
    }

    if (conf->enable == NGX_CONF_UNSET) {
        conf->enable = enable;
        conf->contents = 0;
    }

    if (conf->types == 0) {
        conf->types = prev->types;
        conf->events = prev->events;
    }

    if (conf->types) {
        return NGX_OK;
    }

    ngx_http_realtime_env_str("REALTIME_LOG_EVENT_TYPES", &list);

    return ngx_http_realtime_add_log_types(cf, conf, &list);
}


ngx_int_t
ngx_http_realtime_database_init(ngx_conf_t *cf,
    ngx_http_realtime_main_conf_t *rmcf)
{
    ngx_http_core_loc_conf_t  *clcf;

    if (ngx_http_realtime_database_env(cf, rmcf) != NGX_OK) {
        return NGX_ERROR;
    }

    if (!rmcf->database) {
        return NGX_OK;
    }

    if (ngx_http_realtime_database_pool(cf, &rmcf->store) != NGX_OK
        || ngx_http_realtime_database_host(cf, &rmcf->store) != NGX_OK)
    {
        return NGX_ERROR;
    }

    rmcf->store.pg.url = &rmcf->store.url;

    /* one without servers is there by itself */

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->resolver && clcf->resolver->connections.nelts) {
        rmcf->store.pg.resolver = clcf->resolver;
        rmcf->store.pg.resolver_timeout = clcf->resolver_timeout;
    }

    rmcf->zone->rows = ngx_http_realtime_facts_add(cf,
                        &rmcf->zone->shm->shm.name, "_rows",
                        rmcf->store.queue,
                        "give realtime_postgres_pool a larger \"queue\"");

    return rmcf->zone->rows ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_http_realtime_database_env(ngx_conf_t *cf,
    ngx_http_realtime_main_conf_t *rmcf)
{
    ngx_str_t                      url = ngx_null_string;
    ngx_http_realtime_pg_parts_t   parts;

    if (rmcf->database != NGX_CONF_UNSET) {
        return NGX_OK;
    }

    ngx_http_realtime_env_str("DATABASE_URL", &url);

    if (url.len) {
        rmcf->database = 1;
        return ngx_http_realtime_pg_url_parse(&rmcf->store.url, cf, &url,
                                  "the environment variable DATABASE_URL");
    }

    ngx_memzero(&parts, sizeof(parts));

    ngx_http_realtime_env_str("POSTGRES_HOST", &parts.host);
    ngx_http_realtime_env_str("POSTGRES_PORT", &parts.port);
    ngx_http_realtime_env_str("POSTGRES_DB", &parts.dbname);
    ngx_http_realtime_env_str("POSTGRES_USER", &parts.user);
    ngx_http_realtime_env_str("POSTGRES_PASSWORD", &parts.password);

    rmcf->database = (parts.host.len != 0);

    return rmcf->database
           ? ngx_http_realtime_pg_url_parts(&rmcf->store.url, cf, &parts,
                                  "the environment variables POSTGRES_HOST, "
                                  "...")
           : NGX_OK;
}


static ngx_int_t
ngx_http_realtime_database_pool(ngx_conf_t *cf,
    ngx_http_realtime_store_conf_t *store)
{
    ngx_str_t    min = ngx_null_string;
    ngx_uint_t   i;
    ngx_msec_t   value, *field;

    for (i = 0; i < rt_nitems(ngx_http_realtime_pool_times); i++) {

        field = (ngx_msec_t *) ((char *) store
                                + ngx_http_realtime_pool_times[i].offset);

        value = ngx_http_realtime_pool_times[i].value;

        if (*field != NGX_CONF_UNSET_MSEC) {
            continue;
        }

        if (ngx_http_realtime_env_msec(cf,
                                    ngx_http_realtime_pool_times[i].variable,
                                    &value)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        *field = value;
    }

    if (store->queue == 0) {
        store->queue = NGX_HTTP_REALTIME_FACTS_DEFAULT;
    }

    if (store->min != NGX_CONF_UNSET_UINT) {
        return NGX_OK;
    }

    store->min = 0;

    ngx_http_realtime_env_str("DATABASE_POOL_MIN", &min);

    return (min.len == 1 && min.data[0] == '0')
           ? NGX_OK
           : ngx_http_realtime_env_number(cf, "DATABASE_POOL_MIN",
                                          &store->min);
}


/*
 * The same whenever this nginx is started, and another one than that of others
 * on this machine: no two have one pid file.
 */

static ngx_int_t
ngx_http_realtime_database_host(ngx_conf_t *cf,
    ngx_http_realtime_store_conf_t *store)
{
    size_t            len;
    u_char           *p;
    uint32_t          hash;
    ngx_str_t         pid;
    ngx_core_conf_t  *ccf;

    if (store->host.data) {
        return NGX_OK;
    }

    ccf = (ngx_core_conf_t *) ngx_get_conf(cf->cycle->conf_ctx,
                                           ngx_core_module);
    pid = ccf->pid;

    if (pid.len == 0) {
        ngx_str_set(&pid, NGX_PID_PATH);
    }

    if (ngx_conf_full_name(cf->cycle, &pid, 0) != NGX_OK) {
        return NGX_ERROR;
    }

    hash = ngx_crc32_long(pid.data, pid.len);
    len = ngx_min(cf->cycle->hostname.len, 240);

    p = ngx_pnalloc(cf->pool, len + sizeof(":00000000"));
    if (p == NULL) {
        return NGX_ERROR;
    }

    store->host.data = p;
    store->host.len = ngx_sprintf(p, "%*s:%08xD%Z", len,
                                  cf->cycle->hostname.data, hash)
                      - p - 1;

    return NGX_OK;
}
