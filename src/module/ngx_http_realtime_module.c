
/*
 * Directives, and the module's place in nginx.
 */


#include "module/ngx_http_realtime_conf.h"
#include "bus/ngx_http_realtime_wake.h"


static ngx_int_t ngx_http_realtime_init_module(ngx_cycle_t *cycle);
static ngx_int_t ngx_http_realtime_init_process(ngx_cycle_t *cycle);
static void ngx_http_realtime_exit_process(ngx_cycle_t *cycle);


static ngx_conf_enum_t  ngx_http_realtime_scopes[] = {
    { ngx_string("all"), NGX_HTTP_REALTIME_SCOPE_ALL },
    { ngx_string("rooms"), NGX_HTTP_REALTIME_SCOPE_ROOMS },
    { ngx_null_string, 0 }
};


/* docs/directives.md has them in the same order */

static ngx_command_t  ngx_http_realtime_commands[] = {

    { ngx_string("realtime_zone"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE2,
      ngx_http_realtime_set_zone,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("realtime_postgres"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_realtime_set_postgres,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("realtime_postgres_pool"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_1MORE,
      ngx_http_realtime_set_postgres_pool,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("realtime_redis"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_1MORE,
      ngx_http_realtime_set_redis,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("realtime_redis_adapter"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE12,
      ngx_http_realtime_set_redis_adapter,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("realtime_host"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_realtime_set_host,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("realtime"),
      NGX_HTTP_LOC_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_realtime_loc_conf_t, enable),
      NULL },

    { ngx_string("realtime_ping_interval"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_realtime_set_msec,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_realtime_loc_conf_t, transport.session.ping_interval),
      NULL },

    { ngx_string("realtime_ping_timeout"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_realtime_set_msec,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_realtime_loc_conf_t, transport.session.ping_timeout),
      NULL },

    { ngx_string("realtime_connect_timeout"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_realtime_set_msec,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_realtime_loc_conf_t,
               transport.session.connect_timeout),
      NULL },

    { ngx_string("realtime_upgrade_timeout"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_realtime_set_msec,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_realtime_loc_conf_t,
               transport.session.upgrade_timeout),
      NULL },

    { ngx_string("realtime_max_payload"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_realtime_set_size,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_realtime_loc_conf_t, transport.session.max_payload),
      NULL },

    { ngx_string("realtime_send_buffer"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_realtime_set_size,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_realtime_loc_conf_t, transport.session.send_buffer),
      NULL },

    { ngx_string("realtime_recovery"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE123,
      ngx_http_realtime_set_recovery,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("realtime_drain"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_realtime_set_time,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_realtime_loc_conf_t, transport.session.drain),
      NULL },

    { ngx_string("realtime_max_connections"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_realtime_set_number,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_realtime_loc_conf_t,
               transport.session.max_connections),
      NULL },

    { ngx_string("realtime_max_rooms"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_realtime_set_number,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_realtime_loc_conf_t, transport.session.max_rooms),
      NULL },

    { ngx_string("realtime_transports"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_realtime_set_transports,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_realtime_loc_conf_t, transport.session.transports),
      NULL },

    { ngx_string("realtime_cors_origin"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_realtime_set_cors_origin,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("realtime_allow_anonymous"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_realtime_loc_conf_t, events.access.anonymous),
      NULL },

    { ngx_string("realtime_jwt_secret"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE12,
      ngx_http_realtime_set_jwt_secret,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("realtime_jwt_key"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE12,
      ngx_http_realtime_set_jwt_key,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("realtime_jwt_issuer"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_realtime_set_jwt_issuer,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("realtime_jwt_audience"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_realtime_set_jwt_audience,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("realtime_jwt_token"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_set_complex_value_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_realtime_loc_conf_t, transport.token),
      NULL },

    { ngx_string("realtime_limit_messages"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE123,
      ngx_http_realtime_set_limit,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_realtime_loc_conf_t, events.access.limit_messages),
      NULL },

    { ngx_string("realtime_limit_room"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE123,
      ngx_http_realtime_set_limit,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_realtime_loc_conf_t, events.access.limit_room),
      NULL },

    { ngx_string("realtime_limit_connections"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE123,
      ngx_http_realtime_set_limit,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_realtime_loc_conf_t, transport.limit),
      NULL },

    { ngx_string("realtime_limit_events"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE123,
      ngx_http_realtime_set_limit,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_realtime_loc_conf_t, events.access.limit_events),
      NULL },

    { ngx_string("realtime_namespace"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_realtime_set_namespace,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("realtime_on"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_2MORE,
      ngx_http_realtime_set_on,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("realtime_room"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1234,
      ngx_http_realtime_set_room,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("realtime_room_create"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_realtime_loc_conf_t, events.access.room_create),
      NULL },

    { ngx_string("realtime_sanitize"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_realtime_loc_conf_t, events.sanitize),
      NULL },

    { ngx_string("realtime_presence"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_realtime_loc_conf_t, events.presence),
      NULL },

    { ngx_string("realtime_presence_scope"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_realtime_loc_conf_t, events.presence_scope),
      ngx_http_realtime_scopes },

    { ngx_string("realtime_presence_heartbeat"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_realtime_set_msec,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_realtime_loc_conf_t, presence_heartbeat),
      NULL },

    { ngx_string("realtime_typing"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_realtime_loc_conf_t, events.typing),
      NULL },

    { ngx_string("realtime_typing_timeout"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_realtime_set_msec,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_realtime_loc_conf_t, events.typing_timeout),
      NULL },

    { ngx_string("realtime_log_events"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE12,
      ngx_http_realtime_set_log_events,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("realtime_log_event_types"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_realtime_set_log_event_types,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("realtime_echo"),
      NGX_HTTP_LOC_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_realtime_loc_conf_t, transport.session.echo),
      NULL },

    { ngx_string("realtime_metrics"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_realtime_set_metrics,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_realtime_module_ctx = {
    NULL,                                  /* preconfiguration */
    ngx_http_realtime_postconfiguration,   /* postconfiguration */

    ngx_http_realtime_create_main_conf,    /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_realtime_create_loc_conf,     /* create location configuration */
    ngx_http_realtime_merge_loc_conf       /* merge location configuration */
};


ngx_module_t  ngx_http_realtime_module = {
    NGX_MODULE_V1,
    &ngx_http_realtime_module_ctx,         /* module context */
    ngx_http_realtime_commands,            /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    ngx_http_realtime_init_module,         /* init module */
    ngx_http_realtime_init_process,        /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_http_realtime_exit_process,        /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_int_t
ngx_http_realtime_init_module(ngx_cycle_t *cycle)
{
    ngx_core_conf_t                *ccf;
    ngx_http_realtime_zone_t       *zone;
    ngx_http_realtime_main_conf_t  *rmcf;

    if (ngx_test_config) {
        return NGX_OK;
    }

    rmcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_realtime_module);

    zone = rmcf ? rmcf->zone : NULL;

    ngx_http_realtime_zone_begin(zone, cycle);

    if (zone == NULL) {
        return NGX_OK;
    }

    ccf = (ngx_core_conf_t *) ngx_get_conf(cycle->conf_ctx, ngx_core_module);

    return ngx_http_realtime_wake_init(zone, cycle, ccf->worker_processes);
}


static ngx_int_t
ngx_http_realtime_init_process(ngx_cycle_t *cycle)
{
    ngx_http_realtime_main_conf_t  *rmcf;

    rmcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_realtime_module);

    if (rmcf == NULL || rmcf->zone == NULL
        || (ngx_process != NGX_PROCESS_WORKER
            && ngx_process != NGX_PROCESS_SINGLE))
    {
        return NGX_OK;
    }

    /* whatever fails was logged; the rest of nginx can do without us */

    rmcf->worker.hub.heartbeat = rmcf->heartbeat;
    rmcf->worker.store_conf = &rmcf->store;
    rmcf->worker.link_conf = rmcf->redis ? &rmcf->link : NULL;

    (void) ngx_http_realtime_worker_start(&rmcf->worker, rmcf->zone, cycle);

    return NGX_OK;
}


static void
ngx_http_realtime_exit_process(ngx_cycle_t *cycle)
{
    ngx_http_realtime_main_conf_t  *rmcf;

    rmcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_realtime_module);

    if (rmcf) {
        ngx_http_realtime_worker_stop(&rmcf->worker);
    }
}
