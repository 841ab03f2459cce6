
/*
 * Directives of other hosts: where the Redis is, and how nodes speak there.
 */


#include "module/ngx_http_realtime_conf.h"


static ngx_str_t *ngx_http_realtime_redis_option(
    ngx_http_realtime_redis_conf_t *conf, ngx_str_t *value, ngx_str_t *text);
static ngx_int_t ngx_http_realtime_redis_env(ngx_conf_t *cf,
    ngx_http_realtime_main_conf_t *rmcf);
static void ngx_http_realtime_redis_times(ngx_conf_t *cf,
    ngx_http_realtime_link_conf_t *link);


/* ms */
#define NGX_HTTP_REALTIME_REDIS_CONNECT  5000
#define NGX_HTTP_REALTIME_REDIS_COMMAND  10000
#define NGX_HTTP_REALTIME_REDIS_PING     10000
#define NGX_HTTP_REALTIME_REDIS_RETRY    5000


/* of TLS */

static const struct {
    ngx_str_t  name;
    size_t     offset;
} ngx_http_realtime_redis_options[] = {
    { ngx_string("ca="), offsetof(ngx_http_realtime_redis_conf_t, tls_ca) },
    { ngx_string("name="),
      offsetof(ngx_http_realtime_redis_conf_t, tls_name) },
    { ngx_string("certificate="),
      offsetof(ngx_http_realtime_redis_conf_t, tls_certificate) },
    { ngx_string("key="), offsetof(ngx_http_realtime_redis_conf_t, tls_key) }
};


/* off | URL [options] */

char *
ngx_http_realtime_set_redis(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t                       *value = cf->args->elts, text, *field;
    ngx_uint_t                       i;
    ngx_http_realtime_main_conf_t   *rmcf = conf;
    ngx_http_realtime_redis_conf_t  *redis = &rmcf->link.publisher;

    if (rmcf->redis != NGX_CONF_UNSET) {
        return "is duplicate";
    }

    rmcf->redis = (ngx_strcmp(value[1].data, "off") != 0);

    if (rmcf->redis
        && ngx_http_realtime_redis_url_parse(&rmcf->link.url, cf, &value[1],
                                             "realtime_redis")
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    for (i = 2; i < cf->args->nelts; i++) {

        field = ngx_http_realtime_redis_option(redis, &value[i], &text);

        if (field && text.len) {
            *field = text;
            continue;
        }

        if (ngx_strcmp(value[i].data, "verify=off") == 0) {
            redis->tls_verify = 0;
            continue;
        }

        if (ngx_strstr(value[i].data, ":/")) {
            return "has several URLs, but a Redis Cluster is not supported "
                   "yet: give it one";
        }

        return ngx_http_realtime_bad_value(cf, &value[i], "\"ca=file\", "
                 "\"name=host\", \"certificate=file\", \"key=file\" or "
                 "\"verify=off\"");
    }

    if ((redis->tls_certificate.len != 0) != (redis->tls_key.len != 0)) {
        return "needs both \"certificate=\" and \"key=\", or none of them";
    }

    return NGX_CONF_OK;
}


/* the field that is set by it, and to what; or NULL */

static ngx_str_t *
ngx_http_realtime_redis_option(ngx_http_realtime_redis_conf_t *conf,
    ngx_str_t *value, ngx_str_t *text)
{
    ngx_uint_t        i;
    const ngx_str_t  *name;

    for (i = 0; i < rt_nitems(ngx_http_realtime_redis_options); i++) {

        name = &ngx_http_realtime_redis_options[i].name;

        if (value->len >= name->len
            && ngx_strncmp(value->data, name->data, name->len) == 0)
        {
            text->data = value->data + name->len;
            text->len = value->len - name->len;

            return (ngx_str_t *) ((char *) conf
                                  + ngx_http_realtime_redis_options[i].offset);
        }
    }

    return NULL;
}


/* classic | sharded [key=] */

char *
ngx_http_realtime_set_redis_adapter(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_str_t                      *value = cf->args->elts;
    ngx_http_realtime_main_conf_t  *rmcf = conf;

    if (rmcf->adapter) {
        return "is duplicate";
    }

    rmcf->adapter = 1;

    if (ngx_strcmp(value[1].data, "sharded") == 0) {
        return "\"sharded\" is not supported yet: use \"classic\"";
    }

    if (ngx_strcmp(value[1].data, "classic") != 0) {
        return ngx_http_realtime_bad_value(cf, &value[1],
                                           "\"classic\" or \"sharded\"");
    }

    if (cf->args->nelts == 2) {
        return NGX_CONF_OK;
    }

    if (value[2].len <= 4
        || ngx_strncmp(value[2].data, "key=", 4) != 0
        || value[2].len - 4 > NGX_HTTP_REALTIME_LINK_KEY_MAX)
    {
        return ngx_http_realtime_bad_value(cf, &value[2],
                                  "\"key=\" and 1 to 128 characters");
    }

    rmcf->link.key = rt_str(value[2].len - 4, value[2].data + 4);

    return NGX_CONF_OK;
}


ngx_int_t
ngx_http_realtime_redis_conf_init(ngx_conf_t *cf,
    ngx_http_realtime_main_conf_t *rmcf)
{
    ngx_http_realtime_link_conf_t  *link = &rmcf->link;

    if (ngx_http_realtime_redis_env(cf, rmcf) != NGX_OK) {
        return NGX_ERROR;
    }

    if (!rmcf->redis) {
        return NGX_OK;
    }

    if (link->key.len == 0) {
        link->key = rt_lit(RT_CHANNEL_KEY);
    }

    link->publisher.url = &link->url;
    ngx_http_realtime_redis_times(cf, link);

    if (ngx_http_realtime_redis_tls_init(&link->publisher, cf) != NGX_OK) {
        return NGX_ERROR;
    }

    /* one of them says what is wrong */

    link->subscriber = link->publisher;
    link->subscriber.quiet = 1;

    rmcf->zone->clustered = 1;

    rmcf->zone->peers = ngx_http_realtime_facts_add(cf,
                                       &rmcf->zone->shm->shm.name, "_peers",
                                       NGX_HTTP_REALTIME_FACTS_DEFAULT, "");

    return rmcf->zone->peers ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_http_realtime_redis_env(ngx_conf_t *cf,
    ngx_http_realtime_main_conf_t *rmcf)
{
    ngx_str_t  url = ngx_null_string;

    if (rmcf->redis != NGX_CONF_UNSET) {
        return NGX_OK;
    }

    ngx_http_realtime_env_str("REALTIME_REDIS_URL", &url);

    rmcf->redis = (url.len != 0);

    return rmcf->redis
           ? ngx_http_realtime_redis_url_parse(&rmcf->link.url, cf, &url,
                              "the environment variable REALTIME_REDIS_URL")
           : NGX_OK;
}


static void
ngx_http_realtime_redis_times(ngx_conf_t *cf,
    ngx_http_realtime_link_conf_t *link)
{
    ngx_http_core_loc_conf_t        *clcf;
    ngx_http_realtime_redis_conf_t  *redis = &link->publisher;

    ngx_str_set(&redis->name, "realtime");

    redis->connect_timeout = NGX_HTTP_REALTIME_REDIS_CONNECT;
    redis->command_timeout = NGX_HTTP_REALTIME_REDIS_COMMAND;
    redis->ping = NGX_HTTP_REALTIME_REDIS_PING;
    redis->retry_max = NGX_HTTP_REALTIME_REDIS_RETRY;

    /* one without servers is there by itself */

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->resolver && clcf->resolver->connections.nelts) {
        redis->resolver = clcf->resolver;
        redis->resolver_timeout = clcf->resolver_timeout;
    }
}
