
/*
 * ngx_http_realtime_conf.h: the module's configuration, put together from
 * what each part declares for itself.
 */


#ifndef _NGX_HTTP_REALTIME_CONF_H_INCLUDED_
#define _NGX_HTTP_REALTIME_CONF_H_INCLUDED_


#include "module/ngx_http_realtime_worker.h"
#include "handler/ngx_http_realtime_events.h"


typedef struct {
    ngx_http_realtime_zone_t    *zone;
    size_t                       zone_size;
    size_t                       max_payload;   /* the largest anywhere */
    ngx_uint_t                   needed;        /* a location is in use */
    ngx_msec_t                   heartbeat;     /* shortest of them all */
    ngx_flag_t                   database;      /* there is one */
    ngx_uint_t                   pool;          /* was set */
    ngx_http_realtime_store_conf_t  store;
    ngx_flag_t                   redis;         /* there is one */
    ngx_uint_t                   adapter;       /* was set */
    ngx_http_realtime_link_conf_t  link;
    ngx_array_t                  locations;     /* uint16_t, one for each */
    ngx_http_realtime_worker_t   worker;        /* of this process */
} ngx_http_realtime_main_conf_t;


/* begins with what transport/ takes it for */

typedef struct {
    ngx_http_realtime_transport_conf_t  transport;
    ngx_http_realtime_events_conf_t     events;
    ngx_flag_t                          enable;
    ngx_msec_t                          presence_heartbeat;
    ngx_flag_t                          limited;    /* transport.limit is not
                                                       the default */
} ngx_http_realtime_loc_conf_t;


void *ngx_http_realtime_create_main_conf(ngx_conf_t *cf);
void *ngx_http_realtime_create_loc_conf(ngx_conf_t *cf);
char *ngx_http_realtime_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);

/* after everything was read: makes the zone if nobody named one */
ngx_int_t ngx_http_realtime_postconfiguration(ngx_conf_t *cf);


/* most that a size may be; sums of a few fit into 32 bits */
#define NGX_HTTP_REALTIME_SIZE_MAX  (256 * 1024 * 1024)


/* how long a client may be away if nobody says otherwise, ms */
#define NGX_HTTP_REALTIME_RECOVERY  120000


/* directives with one plain value, at cmd->offset; ~values */

char *ngx_http_realtime_set_msec(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_realtime_set_time(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_realtime_set_size(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_realtime_set_number(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_realtime_set_transports(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* says which value of the directive is wrong, and what it must be */
char *ngx_http_realtime_bad_value(ngx_conf_t *cf, ngx_str_t *value,
    const char *expected);


/* directives with structure; ~setters */

char *ngx_http_realtime_set_zone(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_realtime_set_cors_origin(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_realtime_set_namespace(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_realtime_set_on(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_realtime_set_recovery(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_realtime_set_metrics(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


/* who may do what, and how often; ~access */

char *ngx_http_realtime_set_jwt_secret(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_realtime_set_jwt_key(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_realtime_set_jwt_issuer(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_realtime_set_jwt_audience(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_realtime_set_room(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_realtime_set_limit(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* the database; ~database */

char *ngx_http_realtime_set_postgres(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_realtime_set_postgres_pool(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_realtime_set_host(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_realtime_set_log_events(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_realtime_set_log_event_types(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);

ngx_int_t ngx_http_realtime_merge_log(ngx_conf_t *cf,
    ngx_http_realtime_log_conf_t *prev, ngx_http_realtime_log_conf_t *conf);

/* after everything was read, when there is a zone */
ngx_int_t ngx_http_realtime_database_init(ngx_conf_t *cf,
    ngx_http_realtime_main_conf_t *rmcf);

/* other hosts; ~redis */

char *ngx_http_realtime_set_redis(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_realtime_set_redis_adapter(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* after everything was read, when there is a zone */
ngx_int_t ngx_http_realtime_redis_conf_init(ngx_conf_t *cf,
    ngx_http_realtime_main_conf_t *rmcf);

/* a secret from wherever "source" says */
char *ngx_http_realtime_add_secret(ngx_conf_t *cf,
    ngx_http_realtime_loc_conf_t *rlcf, ngx_str_t *secret, rt_str_t kid,
    const char *source);

/* "points" 0: off */
void ngx_http_realtime_merge_limit(rt_limit_conf_t *conf,
    rt_limit_conf_t *prev, uint32_t points, uint32_t period, uint32_t block);

/* the period of a limit that was not set */
#define NGX_HTTP_REALTIME_LIMIT_UNSET  ((uint32_t) -1)


/* adds the origins of a comma-separated list; NGX_CONF_OK or the error */
char *ngx_http_realtime_add_origins(ngx_conf_t *cf,
    ngx_http_realtime_cors_conf_t *cors, ngx_str_t *list, const char *source);


/* defaults from the environment; ~env */

/* ms; NGX_ERROR after a logged error */
ngx_int_t ngx_http_realtime_env_msec(ngx_conf_t *cf, const char *name,
    ngx_msec_t *value);
ngx_int_t ngx_http_realtime_env_number(ngx_conf_t *cf, const char *name,
    ngx_uint_t *value);
ngx_int_t ngx_http_realtime_env_flag(ngx_conf_t *cf, const char *name,
    ngx_flag_t *value);
/* "value" is left alone when the variable is not set */
void ngx_http_realtime_env_str(const char *name, ngx_str_t *value);


#endif /* _NGX_HTTP_REALTIME_CONF_H_INCLUDED_ */
