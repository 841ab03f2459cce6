
/*
 * ngx_http_realtime_redis_cluster.h: one Redis or a Redis Cluster, whichever
 * it is that answers, used as one connection.
 *
 * One host in the URL: the server is asked whether it is of a cluster.
 * Several: they are nodes of one.  In a cluster there is a connection to each
 * master as soon as a command is for it.
 *
 * As with one connection, what subscribes is an object of its own.
 */


#ifndef _NGX_HTTP_REALTIME_REDIS_CLUSTER_H_INCLUDED_
#define _NGX_HTTP_REALTIME_REDIS_CLUSTER_H_INCLUDED_


#include "bus/ngx_http_realtime_redis.h"
#include "bus/ngx_http_realtime_redis_slots.h"


typedef struct ngx_http_realtime_redis_cluster_s
    ngx_http_realtime_redis_cluster_t;
typedef struct ngx_http_realtime_redis_node_s  ngx_http_realtime_redis_node_t;


typedef enum {
    NGX_HTTP_REALTIME_REDIS_UNKNOWN = 0,    /* has not answered */
    NGX_HTTP_REALTIME_REDIS_SINGLE,
    NGX_HTTP_REALTIME_REDIS_CLUSTER
} ngx_http_realtime_redis_mode_e;


/* any may be NULL */

typedef struct {

    /* commands can be sent; there are no subscriptions */
    void  (*ready)(ngx_http_realtime_redis_cluster_t *cluster);

    /*
     * No server, or no node of the cluster, can be reached any more, or an
     * attempt failed; it tries again by itself.  Nothing is under way.
     */
    void  (*down)(ngx_http_realtime_redis_cluster_t *cluster,
                  ngx_str_t *reason);

    /* after ..._cluster_send() has said NGX_AGAIN for too much under way */
    void  (*drain)(ngx_http_realtime_redis_cluster_t *cluster);

    /* as of one connection, of whichever node */
    void  (*push)(ngx_http_realtime_redis_cluster_t *cluster,
                  redisReply *reply);

    /*
     * A node has gone, or slots have moved, and subscriptions with them:
     * subscribe again to everything; those that are left do not mind.  What
     * was published in between is lost.
     */
    void  (*resubscribe)(ngx_http_realtime_redis_cluster_t *cluster);
} ngx_http_realtime_redis_cluster_events_t;


typedef struct {
    ngx_http_realtime_redis_conf_t  *redis;     /* for each connection */
    ngx_str_t                       *scripts;   /* text of Lua; loaded before
                                                   anything is sent */
    ngx_uint_t                       nscripts;
    ngx_msec_t                       hold;      /* how long a command waits for
                                                   its node, ms; 0: 30000 */
    ngx_msec_t                       refresh;   /* slots; 0: 15000 */
} ngx_http_realtime_redis_cluster_conf_t;


struct ngx_http_realtime_redis_node_s {
    ngx_queue_t                          link;
    ngx_http_realtime_redis_cluster_t   *cluster;
    ngx_pool_t                          *pool;      /* it is in there */
    ngx_http_realtime_redis_t            redis;
    ngx_http_realtime_redis_conf_t       conf;
    ngx_http_realtime_redis_url_t        url;
    ngx_uint_t                           learnt;    /* when it was named last:
                                                       cluster->learnings */
    ngx_uint_t                           first;     /* slot of a master */
    ngx_msec_t                           used;
    unsigned                             subscribed:1;
};


typedef struct {
    ngx_http_realtime_redis_node_t      *node;      /* or NULL */
    ngx_uint_t                           held;      /* commands that wait */
    ngx_uint_t                           blocked;   /* in this pass */
} ngx_http_realtime_redis_place_t;


struct ngx_http_realtime_redis_cluster_s {
    ngx_http_realtime_redis_mode_e                   mode;
    ngx_http_realtime_redis_cluster_conf_t          *conf;
    const ngx_http_realtime_redis_cluster_events_t  *on;
    void                                            *data;  /* the owner's */
    ngx_log_t                                       *log;

    /* tells the slots, and takes what has no key; all of a single server */
    ngx_http_realtime_redis_node_t                   home;
    ngx_pool_t                                      *hosts; /* home's */
    ngx_uint_t                                       at;    /* of these */

    ngx_http_realtime_redis_node_t                  *ear;   /* subscribes to
                                                               what has no
                                                               slot */
    ngx_queue_t                                      nodes;
    ngx_uint_t                                       nnodes;
    ngx_queue_t                                      dead;  /* to be freed */

    /* of slots, and one for what has none; NULL: no cluster */
    ngx_http_realtime_redis_place_t                 *places;

    ngx_queue_t                                      held;  /* in order */
    ngx_queue_t                                      sent;
    ngx_uint_t                                       jobs;
    size_t                                           size;  /* of these */
    ngx_uint_t                                       seq;
    ngx_uint_t                                       passes;

    ngx_http_realtime_redis_command_t                learn;
    ngx_msec_t                                       asked; /* for slots */
    ngx_uint_t                                       learnings;
    ngx_uint_t                                       losses;

    ngx_event_t                                      timer;
    ngx_event_t                                      turn;
    ngx_uint_t                                       inside;    /* callbacks */

    unsigned                                         ready:1;
    unsigned                                         full:1;
    unsigned                                         learning:1;
    unsigned                                         stale:1;
    unsigned                                         useless:1;
    unsigned                                         again:1;
    unsigned                                         closed:1;
};


/* what is given lives as long as "cluster" */
void ngx_http_realtime_redis_cluster_init(
    ngx_http_realtime_redis_cluster_t *cluster,
    ngx_http_realtime_redis_cluster_conf_t *conf,
    const ngx_http_realtime_redis_cluster_events_t *on, void *data,
    ngx_log_t *log);

/* connects soon, and again and again until it is closed */
void ngx_http_realtime_redis_cluster_open(
    ngx_http_realtime_redis_cluster_t *cluster);

/*
 * Closes at once and for good: what is under way ends with NGX_ERROR, in this
 * call.  Harmless when it is closed.  From within a callback: "cluster" has to
 * stay where it is until the next turn of the event loop.
 */
void ngx_http_realtime_redis_cluster_close(
    ngx_http_realtime_redis_cluster_t *cluster);

/*
 * As ..._redis_send(), to the node that has the slot (see
 * ..._redis_hash_slot()), or to any, always the same while it is there, if
 * "slot" is -1.  Only one channel, or channels of one slot, with SSUBSCRIBE.
 *
 * In a cluster a command waits for its node if it has to: up to conf->hold
 * until it is sent, and again when the node wants it later.  Redirections are
 * followed.  NGX_ERROR comes also without down(), when a node goes: it was
 * executed or not, and may be sent again at once.
 *
 * Commands for a slot are executed in order, unless it moves meanwhile.
 */
ngx_int_t ngx_http_realtime_redis_cluster_send(
    ngx_http_realtime_redis_cluster_t *cluster, ngx_int_t slot,
    ngx_http_realtime_redis_command_t *cmd, ngx_uint_t argc, ngx_str_t *argv);

/* its owner goes: done() will not be called.  Harmless when not under way */
void ngx_http_realtime_redis_cluster_forget(
    ngx_http_realtime_redis_command_t *cmd);

/*
 * For commands to every master (SCAN): a slot of the first one, if "slot" is
 * -1, and of the next one behind that.  -1: no more.
 */
ngx_int_t ngx_http_realtime_redis_cluster_next(
    ngx_http_realtime_redis_cluster_t *cluster, ngx_int_t slot);

#define ngx_http_realtime_redis_cluster_ready(cluster)  ((cluster)->ready)

/* whether anything is under way */
#define ngx_http_realtime_redis_cluster_busy(cluster)  ((cluster)->jobs != 0)

/* whether a command can be sent now */
#define ngx_http_realtime_redis_cluster_writable(cluster)                     \
    ((cluster)->ready                                                         \
     && (cluster)->jobs < (cluster)->home.conf.commands                       \
     && (cluster)->size < (cluster)->home.conf.output                         \
     && ((cluster)->mode != NGX_HTTP_REALTIME_REDIS_SINGLE                    \
         || ngx_http_realtime_redis_writable(&(cluster)->home.redis)))


#endif /* _NGX_HTTP_REALTIME_REDIS_CLUSTER_H_INCLUDED_ */
