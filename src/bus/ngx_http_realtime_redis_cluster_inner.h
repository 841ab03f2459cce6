
/*
 * ngx_http_realtime_redis_cluster_inner.h: between the files of a cluster;
 * nobody else's business.
 */


#ifndef _NGX_HTTP_REALTIME_REDIS_CLUSTER_INNER_H_INCLUDED_
#define _NGX_HTTP_REALTIME_REDIS_CLUSTER_INNER_H_INCLUDED_


#include "bus/ngx_http_realtime_redis_cluster.h"


/* a command with its arguments, to be sent more than once */

struct ngx_http_realtime_redis_job_s {
    ngx_queue_t                         link;       /* held or sent */
    ngx_http_realtime_redis_cluster_t  *cluster;
    ngx_http_realtime_redis_command_t  *cmd;        /* NULL: nobody waits */
    ngx_http_realtime_redis_command_t   inner;
    ngx_http_realtime_redis_node_t     *node;       /* where it was sent */
    ngx_int_t                           slot;
    ngx_uint_t                          seq;
    ngx_msec_t                          deadline;
    ngx_msec_t                          after;      /* not before */
    ngx_uint_t                          hops;       /* since the last pause */
    ngx_uint_t                          pauses;
    ngx_uint_t                          loads;      /* of scripts */
    size_t                              size;
    unsigned                            ear:1;      /* for cluster->ear */
    unsigned                            held:1;
    ngx_uint_t                          argc;
    ngx_str_t                           argv[];
};


/* cluster */

/* soon, and not from within a callback, ..._cluster_work() is done */
void ngx_http_realtime_redis_cluster_post(
    ngx_http_realtime_redis_cluster_t *cluster);

/* the slots are known, or there are none */
void ngx_http_realtime_redis_cluster_up(
    ngx_http_realtime_redis_cluster_t *cluster);


/* node */

/*
 * The one at that host and port, made when it is not there; an empty host is
 * that of "asked".  NULL: no memory, or too many.
 */
ngx_http_realtime_redis_node_t *ngx_http_realtime_redis_node(
    ngx_http_realtime_redis_cluster_t *cluster,
    ngx_http_realtime_redis_endpoint_t *endpoint,
    ngx_http_realtime_redis_node_t *asked);

/* the subscriber where home is; NULL: not now */
ngx_http_realtime_redis_node_t *ngx_http_realtime_redis_node_ear(
    ngx_http_realtime_redis_cluster_t *cluster);

/* whether a host is that one */
ngx_uint_t ngx_http_realtime_redis_node_is(ngx_http_realtime_host_t *host,
    ngx_str_t *name, ngx_str_t *port);

/* the host that "node" is connected with, or was */
ngx_http_realtime_host_t *ngx_http_realtime_redis_node_host(
    ngx_http_realtime_redis_node_t *node);

/* it has gone: what is under way ends; it is freed by ..._node_free() */
void ngx_http_realtime_redis_node_close(ngx_http_realtime_redis_node_t *node);
void ngx_http_realtime_redis_node_close_all(
    ngx_http_realtime_redis_cluster_t *cluster);

/* those that were not named any more, and of which nothing is wanted */
void ngx_http_realtime_redis_node_expire(
    ngx_http_realtime_redis_cluster_t *cluster);

/* the closed ones; not from within a callback */
void ngx_http_realtime_redis_node_free(
    ngx_http_realtime_redis_cluster_t *cluster);

void ngx_http_realtime_redis_node_scripts(
    ngx_http_realtime_redis_node_t *node);

/* something was pushed by a node, or by home */
void ngx_http_realtime_redis_node_pushed(ngx_http_realtime_redis_node_t *node,
    redisReply *reply);


/* learn */

/* asks for the slots, if that is of use */
void ngx_http_realtime_redis_learn(ngx_http_realtime_redis_cluster_t *cluster);
void ngx_http_realtime_redis_learnt(ngx_http_realtime_redis_command_t *cmd,
    redisReply *reply, ngx_int_t rc);

/* home has no connection: where it is to look for one */
void ngx_http_realtime_redis_learn_hosts(
    ngx_http_realtime_redis_cluster_t *cluster);


/* job */

/* takes what is to be sent; returns as ..._cluster_send() */
ngx_int_t ngx_http_realtime_redis_job(
    ngx_http_realtime_redis_cluster_t *cluster, ngx_int_t slot,
    ngx_http_realtime_redis_command_t *cmd, ngx_uint_t argc, ngx_str_t *argv);

/* sends what waits and can be sent */
void ngx_http_realtime_redis_job_flush(
    ngx_http_realtime_redis_cluster_t *cluster);

/* ends what has waited too long, or everything that waits */
void ngx_http_realtime_redis_job_expire(
    ngx_http_realtime_redis_cluster_t *cluster, ngx_uint_t all);

/* whether "node" was asked to end a subscription to that */
ngx_uint_t ngx_http_realtime_redis_job_ends(
    ngx_http_realtime_redis_node_t *node, redisReply *channel);


#endif /* _NGX_HTTP_REALTIME_REDIS_CLUSTER_INNER_H_INCLUDED_ */
