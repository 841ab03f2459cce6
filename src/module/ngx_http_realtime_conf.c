
#include "module/ngx_http_realtime_conf.h"
#include "transport/ngx_http_realtime_handshake.h"


static void ngx_http_realtime_unset_session(
    ngx_http_realtime_session_conf_t *session);
static char *ngx_http_realtime_merge_session(ngx_conf_t *cf,
    ngx_http_realtime_session_conf_t *prev,
    ngx_http_realtime_session_conf_t *conf);
static char *ngx_http_realtime_merge_cors(ngx_conf_t *cf,
    ngx_http_realtime_cors_conf_t *prev, ngx_http_realtime_cors_conf_t *conf);
static char *ngx_http_realtime_merge_access(ngx_conf_t *cf,
    ngx_http_realtime_loc_conf_t *prev, ngx_http_realtime_loc_conf_t *conf);
static void ngx_http_realtime_merge_rate(ngx_http_realtime_loc_conf_t *prev,
    ngx_http_realtime_loc_conf_t *conf, ngx_uint_t rate);
static char *ngx_http_realtime_merge_events(ngx_conf_t *cf,
    ngx_http_realtime_loc_conf_t *prev, ngx_http_realtime_loc_conf_t *conf);
static char *ngx_http_realtime_use_location(ngx_conf_t *cf,
    ngx_http_realtime_loc_conf_t *conf);
static void ngx_http_realtime_tie_location(
    ngx_http_realtime_main_conf_t *rmcf, ngx_http_realtime_loc_conf_t *conf);
static ngx_int_t ngx_http_realtime_name_location(ngx_conf_t *cf,
    ngx_http_realtime_main_conf_t *rmcf, ngx_http_core_loc_conf_t *clcf,
    uint16_t *number);


void *
ngx_http_realtime_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_realtime_main_conf_t  *rmcf;

    rmcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_realtime_main_conf_t));
    if (rmcf == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc(): no zone, nothing needed, the worker not started
     */

    rmcf->database = NGX_CONF_UNSET;
    rmcf->redis = NGX_CONF_UNSET;
    rmcf->link.publisher.tls_verify = 1;
    rmcf->store.pg.connect_timeout = NGX_CONF_UNSET_MSEC;
    rmcf->store.pg.statement_timeout = NGX_CONF_UNSET_MSEC;
    rmcf->store.pg.idle = NGX_CONF_UNSET_MSEC;
    rmcf->store.min = NGX_CONF_UNSET_UINT;

    return rmcf;
}


void *
ngx_http_realtime_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_realtime_loc_conf_t     *conf;
    ngx_http_realtime_events_conf_t  *events;

    conf = ngx_pcalloc(cf->pool, sizeof(ngx_http_realtime_loc_conf_t));
    if (conf == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     session->transports = 0;
     *     session->events = NULL;
     *     conf->transport.token = NULL;
     *     conf->events.rules = NULL;
     *     conf->events.namespaces = NULL;
     *     conf->events.log = { 0, 0, 0, NULL };
     *     conf->events.access.jwt = { NULL, NULL, 0, NULL, 0 };
     *     conf->events.access.rooms = NULL;
     */

    ngx_http_realtime_unset_session(&conf->transport.session);

    conf->transport.cors.origins = NGX_CONF_UNSET_PTR;
    conf->transport.cors.any = NGX_CONF_UNSET;

    conf->transport.limit.period = NGX_HTTP_REALTIME_LIMIT_UNSET;

    events = &conf->events;

    events->access.anonymous = NGX_CONF_UNSET;
    events->access.room_create = NGX_CONF_UNSET;
    events->access.limit_messages.period = NGX_HTTP_REALTIME_LIMIT_UNSET;
    events->access.limit_room.period = NGX_HTTP_REALTIME_LIMIT_UNSET;
    events->access.limit_events.period = NGX_HTTP_REALTIME_LIMIT_UNSET;
    events->log.enable = NGX_CONF_UNSET;
    events->sanitize = NGX_CONF_UNSET;
    events->presence = NGX_CONF_UNSET;
    events->presence_scope = NGX_CONF_UNSET_UINT;
    events->typing = NGX_CONF_UNSET;
    events->typing_timeout = NGX_CONF_UNSET_MSEC;

    conf->enable = NGX_CONF_UNSET;
    conf->presence_heartbeat = NGX_CONF_UNSET_MSEC;
    conf->limited = NGX_CONF_UNSET;

    return conf;
}


static void
ngx_http_realtime_unset_session(ngx_http_realtime_session_conf_t *session)
{
    session->ping_interval = NGX_CONF_UNSET_MSEC;
    session->ping_timeout = NGX_CONF_UNSET_MSEC;
    session->connect_timeout = NGX_CONF_UNSET_MSEC;
    session->upgrade_timeout = NGX_CONF_UNSET_MSEC;
    session->max_payload = NGX_CONF_UNSET_SIZE;
    session->send_buffer = NGX_CONF_UNSET_SIZE;
    session->max_connections = NGX_CONF_UNSET_UINT;
    session->max_rooms = NGX_CONF_UNSET_UINT;
    session->echo = NGX_CONF_UNSET;
    session->recovery = NGX_CONF_UNSET_MSEC;
    session->recovery_limit = NGX_CONF_UNSET_SIZE;
    session->drain = NGX_CONF_UNSET_MSEC;
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

    rv = ngx_http_realtime_merge_cors(cf, &prev->transport.cors,
                                      &conf->transport.cors);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    rv = ngx_http_realtime_merge_access(cf, prev, conf);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    rv = ngx_http_realtime_merge_events(cf, prev, conf);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    /* what "if" makes of a location is still that one */

    conf->transport.session.location = prev->transport.session.location;

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
    ngx_conf_merge_msec_value(conf->recovery, prev->recovery,
                              NGX_HTTP_REALTIME_RECOVERY);
    ngx_conf_merge_size_value(conf->recovery_limit, prev->recovery_limit,
                              NGX_MAX_SIZE_T_VALUE);
    ngx_conf_merge_msec_value(conf->drain, prev->drain, 10000);

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
ngx_http_realtime_merge_cors(ngx_conf_t *cf,
    ngx_http_realtime_cors_conf_t *prev, ngx_http_realtime_cors_conf_t *conf)
{
    ngx_str_t  list = ngx_null_string;

    if (conf->origins == NGX_CONF_UNSET_PTR) {
        *conf = *prev;
    }

    if (conf->origins != NGX_CONF_UNSET_PTR) {
        return NGX_CONF_OK;
    }

    conf->origins = NULL;
    conf->any = 0;

    ngx_http_realtime_env_str("REALTIME_CORS_ORIGIN", &list);

    return list.len
           ? ngx_http_realtime_add_origins(cf, conf, &list,
                               "the environment variable REALTIME_CORS_ORIGIN")
           : NGX_CONF_OK;
}


static char *
ngx_http_realtime_merge_access(ngx_conf_t *cf,
    ngx_http_realtime_loc_conf_t *prev, ngx_http_realtime_loc_conf_t *conf)
{
    ngx_flag_t                        anonymous = 0;
    ngx_uint_t                        rate = 100;
    ngx_http_realtime_access_conf_t  *outer = &prev->events.access;
    ngx_http_realtime_access_conf_t  *access = &conf->events.access;

    if (ngx_http_realtime_env_flag(cf, "REALTIME_ALLOW_ANONYMOUS", &anonymous)
        != NGX_OK
        || ngx_http_realtime_env_number(cf, "REALTIME_RATE_LIMIT", &rate)
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    ngx_conf_merge_value(access->anonymous, outer->anonymous, anonymous);
    ngx_conf_merge_value(access->room_create, outer->room_create, 1);

    if (access->jwt.keys == NULL) {
        access->jwt.keys = outer->jwt.keys;
    }

    if (access->jwt.issuers == NULL) {
        access->jwt.issuers = outer->jwt.issuers;
        access->jwt.nissuers = outer->jwt.nissuers;
    }

    if (access->jwt.audiences == NULL) {
        access->jwt.audiences = outer->jwt.audiences;
        access->jwt.naudiences = outer->jwt.naudiences;
    }

    if (conf->transport.token == NULL) {
        conf->transport.token = prev->transport.token;
    }

    if (access->rooms == NULL) {
        access->rooms = outer->rooms;
    }

    ngx_http_realtime_merge_limit(&access->limit_messages,
                                  &outer->limit_messages, 100, 60000, 300000);
    ngx_http_realtime_merge_limit(&access->limit_room, &outer->limit_room, 10,
                                  1000, 0);
    ngx_http_realtime_merge_limit(&access->limit_events, &outer->limit_events,
                                  0, 0, 0);

    ngx_http_realtime_merge_rate(prev, conf, rate);

    return NGX_CONF_OK;
}


/*
 * Probes and protocol tests come often: the default of an echo is another one,
 * so a default is never taken from further out.
 */

static void
ngx_http_realtime_merge_rate(ngx_http_realtime_loc_conf_t *prev,
    ngx_http_realtime_loc_conf_t *conf, ngx_uint_t rate)
{
    rt_limit_conf_t  *limit = &conf->transport.limit;
    rt_limit_conf_t  *outer = &prev->transport.limit;

    if (prev->limited == NGX_CONF_UNSET) {
        prev->limited = (outer->period != NGX_HTTP_REALTIME_LIMIT_UNSET);
    }

    conf->limited = prev->limited
                    || limit->period != NGX_HTTP_REALTIME_LIMIT_UNSET;

    ngx_http_realtime_merge_limit(limit, conf->limited ? outer : limit,
                                  conf->transport.session.echo ? 0 : rate,
                                  60000, 0);
}


static char *
ngx_http_realtime_merge_events(ngx_conf_t *cf,
    ngx_http_realtime_loc_conf_t *prev, ngx_http_realtime_loc_conf_t *conf)
{
    ngx_flag_t                        presence = 1, typing = 1;
    ngx_msec_t                        heartbeat = 30000, timeout = 3000;
    ngx_http_realtime_events_conf_t  *outer = &prev->events;
    ngx_http_realtime_events_conf_t  *events = &conf->events;

    if (ngx_http_realtime_env_flag(cf, "REALTIME_ENABLE_PRESENCE", &presence)
        != NGX_OK
        || ngx_http_realtime_env_flag(cf, "REALTIME_ENABLE_TYPING", &typing)
           != NGX_OK
        || ngx_http_realtime_env_msec(cf, "REALTIME_PRESENCE_HEARTBEAT",
                                      &heartbeat)
           != NGX_OK
        || ngx_http_realtime_env_msec(cf, "REALTIME_TYPING_TIMEOUT", &timeout)
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (ngx_http_realtime_merge_log(cf, &outer->log, &events->log) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (events->rules == NULL) {
        events->rules = outer->rules;
    }

    if (events->namespaces == NULL) {
        events->namespaces = outer->namespaces;
    }

    ngx_conf_merge_value(events->sanitize, outer->sanitize, 1);
    ngx_conf_merge_value(events->presence, outer->presence, presence);
    ngx_conf_merge_uint_value(events->presence_scope, outer->presence_scope,
                              NGX_HTTP_REALTIME_SCOPE_ALL);
    ngx_conf_merge_msec_value(conf->presence_heartbeat,
                              prev->presence_heartbeat, heartbeat);
    ngx_conf_merge_value(events->typing, outer->typing, typing);
    ngx_conf_merge_msec_value(events->typing_timeout, outer->typing_timeout,
                              timeout);
    return NGX_CONF_OK;
}


static char *
ngx_http_realtime_use_location(ngx_conf_t *cf,
    ngx_http_realtime_loc_conf_t *conf)
{
    ngx_str_t                          secret = ngx_null_string;
    ngx_http_core_loc_conf_t          *clcf;
    ngx_http_realtime_main_conf_t     *rmcf;
    ngx_http_realtime_access_conf_t   *access = &conf->events.access;
    ngx_http_realtime_session_conf_t  *session = &conf->transport.session;

    ngx_http_realtime_env_str("REALTIME_JWT_SECRET", &secret);

    if (access->jwt.keys == NULL
        && secret.len
        && ngx_http_realtime_add_secret(cf, conf, &secret, rt_lit(""),
                               "the environment variable REALTIME_JWT_SECRET")
           != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (access->jwt.keys == NULL && !access->anonymous && !session->echo) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "nobody could connect to this realtime location: "
                           "add \"realtime_jwt_secret\" or "
                           "\"realtime_jwt_key\", or "
                           "\"realtime_allow_anonymous on\"");
        return NGX_CONF_ERROR;
    }

    rmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_realtime_module);
    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (!clcf->noname
        && ngx_http_realtime_name_location(cf, rmcf, clcf, &session->location)
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    ngx_http_realtime_tie_location(rmcf, conf);

    if (clcf->handler == NULL) {
        clcf->handler = ngx_http_realtime_handshake;
    }

    /* a POST is bounded by realtime_max_payload, and never goes to a file */

    clcf->client_max_body_size = session->max_payload;
    clcf->client_body_buffer_size = session->max_payload;

    return NGX_CONF_OK;
}


/* the parts of the configuration get to know each other */

static void
ngx_http_realtime_tie_location(ngx_http_realtime_main_conf_t *rmcf,
    ngx_http_realtime_loc_conf_t *conf)
{
    const ngx_http_realtime_rule_t    *rule;
    ngx_http_realtime_session_conf_t  *session = &conf->transport.session;

    session->events = &conf->events;
    conf->transport.transports = &rmcf->worker.transports;

    rmcf->needed = 1;
    rmcf->max_payload = ngx_max(rmcf->max_payload, session->max_payload);
    rmcf->heartbeat = rmcf->heartbeat
                      ? ngx_min(rmcf->heartbeat, conf->presence_heartbeat)
                      : conf->presence_heartbeat;

    /* offsets begin with our greeting: without it clients get none */

    rule = ngx_http_realtime_rule_find(&conf->events, rt_lit("connect"));

    if (session->echo
        || rule->actions[0].type != NGX_HTTP_REALTIME_ACTION_BUILTIN)
    {
        session->recovery = 0;
    }
}


/*
 * A number for the location that stays over a reload: a session is served
 * where it was opened, under the rules it was opened with, and nowhere else.
 * Locations of the same names are told apart by their order.
 */

static ngx_int_t
ngx_http_realtime_name_location(ngx_conf_t *cf,
    ngx_http_realtime_main_conf_t *rmcf, ngx_http_core_loc_conf_t *clcf,
    uint16_t *number)
{
    uint32_t                   hash;
    uint16_t                  *taken, id;
    ngx_uint_t                 i;
    ngx_http_core_srv_conf_t  *cscf;

    cscf = ngx_http_conf_get_module_srv_conf(cf, ngx_http_core_module);

    ngx_crc32_init(hash);
    ngx_crc32_update(&hash, cscf->server_name.data, cscf->server_name.len);
    ngx_crc32_update(&hash, (u_char *) " ", 1);
    ngx_crc32_update(&hash, clcf->name.data, clcf->name.len);
    ngx_crc32_final(hash);

    id = hash ^ (hash >> 16);

    if (rmcf->locations.elts == NULL
        && ngx_array_init(&rmcf->locations, cf->pool, 4, sizeof(uint16_t))
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    taken = rmcf->locations.elts;

    for (i = 0; i < rmcf->locations.nelts; i++) {
        if (taken[i] == id) {
            id++;
            i = -1;
        }
    }

    taken = ngx_array_push(&rmcf->locations);
    if (taken == NULL) {
        return NGX_ERROR;
    }

    *taken = id;
    *number = id;

    return NGX_OK;
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

    return ngx_http_realtime_database_init(cf, rmcf) == NGX_OK
           ? ngx_http_realtime_redis_conf_init(cf, rmcf) : NGX_ERROR;
}
