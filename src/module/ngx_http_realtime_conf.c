
#include "module/ngx_http_realtime_conf.h"
#include "transport/ngx_http_realtime_handshake.h"


static char *ngx_http_realtime_merge_session(ngx_conf_t *cf,
    ngx_http_realtime_session_conf_t *prev,
    ngx_http_realtime_session_conf_t *conf);
static char *ngx_http_realtime_merge_access(ngx_conf_t *cf,
    ngx_http_realtime_loc_conf_t *prev, ngx_http_realtime_loc_conf_t *conf);
static char *ngx_http_realtime_use_location(ngx_conf_t *cf,
    ngx_http_realtime_loc_conf_t *conf);


void *
ngx_http_realtime_create_main_conf(ngx_conf_t *cf)
{
    /*
     * set by ngx_pcalloc(): no zone, nothing needed, the worker not started
     */

    return ngx_pcalloc(cf->pool, sizeof(ngx_http_realtime_main_conf_t));
}


void *
ngx_http_realtime_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_realtime_loc_conf_t      *conf;
    ngx_http_realtime_session_conf_t  *session;

    conf = ngx_pcalloc(cf->pool, sizeof(ngx_http_realtime_loc_conf_t));
    if (conf == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     session->transports = 0;
     *     session->events = NULL;
     *     conf->events = { NULL, NULL };
     */

    session = &conf->transport.session;

    session->ping_interval = NGX_CONF_UNSET_MSEC;
    session->ping_timeout = NGX_CONF_UNSET_MSEC;
    session->connect_timeout = NGX_CONF_UNSET_MSEC;
    session->upgrade_timeout = NGX_CONF_UNSET_MSEC;
    session->max_payload = NGX_CONF_UNSET_SIZE;
    session->send_buffer = NGX_CONF_UNSET_SIZE;
    session->max_connections = NGX_CONF_UNSET_UINT;
    session->max_rooms = NGX_CONF_UNSET_UINT;
    session->echo = NGX_CONF_UNSET;

    conf->transport.cors.origins = NGX_CONF_UNSET_PTR;
    conf->transport.cors.any = NGX_CONF_UNSET;

    conf->enable = NGX_CONF_UNSET;
    conf->allow_anonymous = NGX_CONF_UNSET;

    return conf;
}


char *
ngx_http_realtime_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    char                          *rv;
    ngx_http_realtime_loc_conf_t  *prev = parent;
    ngx_http_realtime_loc_conf_t  *conf = child;

    ngx_conf_merge_value(conf->enable, prev->enable, 0);

    rv = ngx_http_realtime_merge_session(cf, &prev->transport.session,
                                         &conf->transport.session);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    rv = ngx_http_realtime_merge_access(cf, prev, conf);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    if (conf->events.rules == NULL) {
        conf->events.rules = prev->events.rules;
    }

    if (conf->events.namespaces == NULL) {
        conf->events.namespaces = prev->events.namespaces;
    }

    return conf->enable ? ngx_http_realtime_use_location(cf, conf)
                        : NGX_CONF_OK;
}


static char *
ngx_http_realtime_merge_session(ngx_conf_t *cf,
    ngx_http_realtime_session_conf_t *prev,
    ngx_http_realtime_session_conf_t *conf)
{
    ngx_msec_t  interval = 25000, timeout = 20000;
    ngx_uint_t  connections = 10000, buffer = 1024 * 1024;

    if (ngx_http_realtime_env_msec(cf, "REALTIME_PING_INTERVAL", &interval)
        != NGX_OK
        || ngx_http_realtime_env_msec(cf, "REALTIME_PING_TIMEOUT", &timeout)
           != NGX_OK
        || ngx_http_realtime_env_number(cf, "REALTIME_MAX_CONNECTIONS",
                                        &connections)
           != NGX_OK
        || ngx_http_realtime_env_number(cf,
                             "REALTIME_REDIS_MAX_MEMORY_PER_CONNECTION",
                             &buffer)
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    ngx_conf_merge_msec_value(conf->ping_interval, prev->ping_interval,
                              interval);
    ngx_conf_merge_msec_value(conf->ping_timeout, prev->ping_timeout, timeout);
    ngx_conf_merge_msec_value(conf->connect_timeout, prev->connect_timeout,
                              45000);
    ngx_conf_merge_msec_value(conf->upgrade_timeout, prev->upgrade_timeout,
                              10000);
    ngx_conf_merge_size_value(conf->max_payload, prev->max_payload, 1000000);
    ngx_conf_merge_size_value(conf->send_buffer, prev->send_buffer, buffer);
    ngx_conf_merge_uint_value(conf->max_connections, prev->max_connections,
                              connections);
    ngx_conf_merge_uint_value(conf->max_rooms, prev->max_rooms, 1000);
    ngx_conf_merge_value(conf->echo, prev->echo, 0);

    ngx_conf_merge_bitmask_value(conf->transports, prev->transports,
                                 (NGX_CONF_BITMASK_SET
                                  |NGX_HTTP_REALTIME_POLLING
                                  |NGX_HTTP_REALTIME_WEBSOCKET));

    if (conf->send_buffer > NGX_HTTP_REALTIME_SIZE_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the environment variable "
                           "REALTIME_REDIS_MAX_MEMORY_PER_CONNECTION is %uz: "
                           "it must be at most %d", conf->send_buffer,
                           NGX_HTTP_REALTIME_SIZE_MAX);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_realtime_merge_access(ngx_conf_t *cf,
    ngx_http_realtime_loc_conf_t *prev, ngx_http_realtime_loc_conf_t *conf)
{
    ngx_str_t                       list = ngx_null_string;
    ngx_flag_t                      anonymous = 0;
    ngx_http_realtime_cors_conf_t  *cors = &conf->transport.cors;

    if (ngx_http_realtime_env_flag(cf, "REALTIME_ALLOW_ANONYMOUS", &anonymous)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    ngx_conf_merge_value(conf->allow_anonymous, prev->allow_anonymous,
                         anonymous);

    if (cors->origins == NGX_CONF_UNSET_PTR) {
        *cors = prev->transport.cors;
    }

    if (cors->origins == NGX_CONF_UNSET_PTR) {

        cors->origins = NULL;
        cors->any = 0;

        ngx_http_realtime_env_str("REALTIME_CORS_ORIGIN", &list);

        if (list.len) {
            return ngx_http_realtime_add_origins(cf, cors, &list,
                               "the environment variable REALTIME_CORS_ORIGIN");
        }
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_realtime_use_location(ngx_conf_t *cf,
    ngx_http_realtime_loc_conf_t *conf)
{
    ngx_http_core_loc_conf_t          *clcf;
    ngx_http_realtime_main_conf_t     *rmcf;
    ngx_http_realtime_session_conf_t  *session = &conf->transport.session;

    if (!session->echo && !conf->allow_anonymous) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "nobody could connect to this realtime location: "
                           "add \"realtime_allow_anonymous on\"");
        return NGX_CONF_ERROR;
    }

    rmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_realtime_module);
    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    session->events = &conf->events;
    conf->transport.transports = &rmcf->worker.transports;

    rmcf->needed = 1;
    rmcf->max_payload = ngx_max(rmcf->max_payload, session->max_payload);

    if (clcf->handler == NULL) {
        clcf->handler = ngx_http_realtime_handshake;
    }

    /* a POST is bounded by realtime_max_payload, and never goes to a file */

    clcf->client_max_body_size = session->max_payload;
    clcf->client_body_buffer_size = session->max_payload;

    return NGX_CONF_OK;
}


ngx_int_t
ngx_http_realtime_postconfiguration(ngx_conf_t *cf)
{
    size_t                          most;
    ngx_str_t                       name = ngx_string("realtime");
    ngx_http_realtime_main_conf_t  *rmcf;

    rmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_realtime_module);

    if (!rmcf->needed) {
        return NGX_OK;
    }

    if (rmcf->zone == NULL) {
        rmcf->zone_size = NGX_HTTP_REALTIME_ZONE_DEFAULT;
        rmcf->zone = ngx_http_realtime_zone_add(cf, &name, rmcf->zone_size);

        if (rmcf->zone == NULL) {
            return NGX_ERROR;
        }
    }

    /* a message that is passed on has to fit into the log, with its address */

    most = rt_ring_max(ngx_http_realtime_zone_log_size(rmcf->zone_size)) / 2;

    if (rmcf->max_payload > most) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "realtime_max_payload %uz is too large for "
                           "realtime_zone \"%V\" of %uz bytes: at most %uz "
                           "with this size, or make the zone larger",
                           rmcf->max_payload, &rmcf->zone->shm->shm.name,
                           rmcf->zone_size, most);
        return NGX_ERROR;
    }

    return NGX_OK;
}
