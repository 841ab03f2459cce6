
/*
 * ngx_http_realtime_worker.h: wiring.  What a worker process consists of, and
 * who calls whom.
 */


#ifndef _NGX_HTTP_REALTIME_WORKER_H_INCLUDED_
#define _NGX_HTTP_REALTIME_WORKER_H_INCLUDED_


#include "cluster/ngx_http_realtime_state.h"
#include "hub/ngx_http_realtime_announce.h"
#include "store/ngx_http_realtime_store.h"
#include "transport/ngx_http_realtime_transports.h"


/* all that a worker has; nothing else in the module changes */

typedef struct {
    ngx_http_realtime_bus_t         bus;
    ngx_http_realtime_sessions_t    sessions;
    ngx_http_realtime_hub_t         hub;
    ngx_http_realtime_transports_t  transports;
    ngx_http_realtime_store_t       store;
    ngx_http_realtime_reader_t     *reader;     /* NULL: no database */
    ngx_http_realtime_store_conf_t  *store_conf;
    ngx_http_realtime_state_t       state;
    ngx_http_realtime_link_t        link;
    ngx_http_realtime_link_conf_t  *link_conf;  /* NULL: no other hosts */
    ngx_event_t                     open;       /* until there is a slot */
    ngx_event_t                     watch;      /* on the neighbour */
    ngx_uint_t                      watched;    /* times */
    ngx_event_t                     leave;      /* while shutting down */
    ngx_msec_t                      going;      /* shutting down since */
    ngx_msec_int_t                  patience;   /* ms left to the clients */
    ngx_uint_t                      staying;    /* whose turn has not come */
    ngx_msec_t                      drain;      /* that this takes at most */
} ngx_http_realtime_worker_t;


/* NGX_ERROR: realtime locations of this worker answer 503 */
ngx_int_t ngx_http_realtime_worker_start(ngx_http_realtime_worker_t *w,
    ngx_http_realtime_zone_t *zone, ngx_cycle_t *cycle);

/* ~worker_rescue: a message that trips up the HTML parser is not to end it */
void ngx_http_realtime_worker_rescue(void);

/* ~worker_store */

/* whether this worker may write: it stays, or nobody who does can */
ngx_uint_t ngx_http_realtime_worker_writes(ngx_http_realtime_worker_t *w);

/*
 * A worker that goes still has "n" clients and others who wait.  Whether it has
 * to stay for what is to be written.
 */
ngx_uint_t ngx_http_realtime_worker_part(ngx_http_realtime_worker_t *w,
    ngx_uint_t n);

/* the database has changed; told to all workers */
void ngx_http_realtime_worker_changed(void *data, rt_str_t room,
    rt_str_t user);

/* ~worker_cluster; all are harmless where there are no other hosts */

void ngx_http_realtime_worker_cluster_start(ngx_http_realtime_worker_t *w);
void ngx_http_realtime_worker_cluster_stop(ngx_http_realtime_worker_t *w);

/* every entry of the log */
void ngx_http_realtime_worker_cluster_entry(ngx_http_realtime_worker_t *w,
    ngx_http_realtime_entry_t *e);

/* about once a second */
void ngx_http_realtime_worker_cluster_watch(ngx_http_realtime_worker_t *w);

/* as ..._worker_part(): whether it has to stay for what others are to hear */
ngx_uint_t ngx_http_realtime_worker_cluster_part(
    ngx_http_realtime_worker_t *w, ngx_uint_t n);

/* when the process exits, however politely */
void ngx_http_realtime_worker_stop(ngx_http_realtime_worker_t *w);


#endif /* _NGX_HTTP_REALTIME_WORKER_H_INCLUDED_ */
