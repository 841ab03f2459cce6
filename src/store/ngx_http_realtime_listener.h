
/*
 * ngx_http_realtime_listener.h: hears what others change in the database, and
 * has what was known of it forgotten (shm/~known).
 *
 * The host's writer has it, with a connection of its own.  Several times a
 * second that is asked for a sign of life: what the server has sent before its
 * answer was heard, so whatever is not heard has not changed.
 *
 * A pooler that gives each transaction another server delivers nothing: then
 * nothing is heard.
 */


#ifndef _NGX_HTTP_REALTIME_LISTENER_H_INCLUDED_
#define _NGX_HTTP_REALTIME_LISTENER_H_INCLUDED_


#include "shm/ngx_http_realtime_known.h"
#include "store/ngx_http_realtime_pg.h"


typedef struct {
    ngx_http_realtime_zone_t     *zone;
    ngx_log_t                    *log;
    ngx_http_realtime_pg_t        pg;
    ngx_http_realtime_pg_conf_t   conf;
    ngx_http_realtime_pg_query_t  query;        /* one at a time */
    ngx_event_t                   again;

    /* up; or NULL */
    void                        (*changed)(void *data, rt_str_t room,
                                           rt_str_t user);
    void                         *data;

    unsigned                      hears:1;
    unsigned                      told:1;       /* the log, why it does not */
} ngx_http_realtime_listener_t;


/*
 * "conf" is the writer's.  "changed" and "data" were set: changed() is told
 * what has changed, "room" empty: anything may have; "user" empty: the room, or
 * any member of it.
 */
void ngx_http_realtime_listener_start(ngx_http_realtime_listener_t *l,
    ngx_http_realtime_pg_conf_t *conf, ngx_http_realtime_zone_t *z,
    ngx_log_t *log);

void ngx_http_realtime_listener_stop(ngx_http_realtime_listener_t *l);


#endif /* _NGX_HTTP_REALTIME_LISTENER_H_INCLUDED_ */
