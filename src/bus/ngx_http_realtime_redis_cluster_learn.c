
/*
 * Which node has which slots.  Home is asked: when it is there, when a node
 * goes or says that a slot is elsewhere, and from time to time.
 */


#include "bus/ngx_http_realtime_redis_cluster_inner.h"


static void ngx_http_realtime_redis_learn_single(
    ngx_http_realtime_redis_cluster_t *cluster, redisReply *reply);
static ngx_uint_t ngx_http_realtime_redis_learn_slots(
    ngx_http_realtime_redis_cluster_t *cluster, redisReply *reply);
static void ngx_http_realtime_redis_learn_range(
    ngx_http_realtime_redis_cluster_t *cluster,
    ngx_http_realtime_redis_range_t *range);
static void ngx_http_realtime_redis_learn_useless(
    ngx_http_realtime_redis_cluster_t *cluster, const char *reason);
static ngx_int_t ngx_http_realtime_redis_learn_all(
    ngx_http_realtime_redis_cluster_t *cluster,
    ngx_http_realtime_hosts_t *hosts, ngx_pool_t *pool);
static ngx_int_t ngx_http_realtime_redis_learn_put(
    ngx_http_realtime_redis_cluster_t *cluster,
    ngx_http_realtime_hosts_t *to, ngx_pool_t *pool,
    ngx_http_realtime_host_t *host);


/* between two questions, ms */
#define NGX_HTTP_REALTIME_REDIS_LEARN_PAUSE  100

/* while commands wait */
#define NGX_HTTP_REALTIME_REDIS_LEARN_WAIT   500

/* hosts that home may try, in all */
#define NGX_HTTP_REALTIME_REDIS_LEARN_HOSTS  64


void
ngx_http_realtime_redis_learn(ngx_http_realtime_redis_cluster_t *cluster)
{
    ngx_msec_t  passed = ngx_current_msec - cluster->asked;
    ngx_str_t   argv[] = { ngx_string("CLUSTER"), ngx_string("SLOTS") };

    if (cluster->mode == NGX_HTTP_REALTIME_REDIS_SINGLE
        || cluster->learning
        || !ngx_http_realtime_redis_ready(&cluster->home.redis))
    {
        return;
    }

    if (passed >= cluster->conf->refresh
        || (!ngx_queue_empty(&cluster->held)
            && passed >= NGX_HTTP_REALTIME_REDIS_LEARN_WAIT))
    {
        cluster->stale = 1;
    }

    if (!cluster->stale || passed < NGX_HTTP_REALTIME_REDIS_LEARN_PAUSE) {
        return;
    }

    if (ngx_http_realtime_redis_send(&cluster->home.redis, &cluster->learn, 2,
                                     argv)
        == NGX_OK)
    {
        cluster->stale = 0;
        cluster->learning = 1;
        cluster->asked = ngx_current_msec;
    }
}


void
ngx_http_realtime_redis_learnt(ngx_http_realtime_redis_command_t *cmd,
    redisReply *reply, ngx_int_t rc)
{
    ngx_http_realtime_redis_cluster_t  *cluster = cmd->data;

    cluster->learning = 0;

    if (rc == NGX_ERROR || cluster->closed) {
        return;
    }

    cluster->inside++;

    if (rc == NGX_DECLINED) {
        ngx_http_realtime_redis_learn_single(cluster, reply);

    } else if (ngx_http_realtime_redis_learn_slots(cluster, reply) == 0) {
        ngx_http_realtime_redis_learn_useless(cluster,
                                   "the server has no slots of a cluster");

    } else {
        ngx_http_realtime_redis_cluster_up(cluster);
    }

    cluster->inside--;
}


/* it has no slots, or does not tell us */

static void
ngx_http_realtime_redis_learn_single(
    ngx_http_realtime_redis_cluster_t *cluster, redisReply *reply)
{
    if (cluster->conf->redis->url->hosts.list.nelts > 1
        || cluster->mode == NGX_HTTP_REALTIME_REDIS_CLUSTER)
    {
        ngx_http_realtime_redis_learn_useless(cluster,
            ngx_strstr(reply->str, "cluster support disabled")
            ? "the server is no node of a cluster"
            : "the server does not tell the slots of a cluster");
        return;
    }

    cluster->mode = NGX_HTTP_REALTIME_REDIS_SINGLE;

    ngx_http_realtime_redis_node_scripts(&cluster->home);
    ngx_http_realtime_redis_cluster_up(cluster);
}


/* how many slots have a master; nothing changes if that is none */

static ngx_uint_t
ngx_http_realtime_redis_learn_slots(ngx_http_realtime_redis_cluster_t *cluster,
    redisReply *reply)
{
    size_t                            size;
    ngx_uint_t                        i, n, total = 0;
    ngx_http_realtime_redis_range_t   range;

    n = ngx_http_realtime_redis_ranges(reply);

    for (i = 0; i < n; i++) {
        if (ngx_http_realtime_redis_range(reply, i, &range) == NGX_OK) {
            total += range.to - range.from + 1;
        }
    }

    if (total && cluster->places == NULL) {
        size = (NGX_HTTP_REALTIME_REDIS_SLOTS + 1)
               * sizeof(ngx_http_realtime_redis_place_t);
        cluster->places = ngx_calloc(size, cluster->log);
    }

    if (total == 0 || cluster->places == NULL) {
        return 0;
    }

    cluster->mode = NGX_HTTP_REALTIME_REDIS_CLUSTER;
    cluster->learnings++;

    for (i = 0; i < NGX_HTTP_REALTIME_REDIS_SLOTS; i++) {
        cluster->places[i].node = NULL;
    }

    for (i = 0; i < n; i++) {
        if (ngx_http_realtime_redis_range(reply, i, &range) == NGX_OK) {
            ngx_http_realtime_redis_learn_range(cluster, &range);
        }
    }

    ngx_http_realtime_redis_node_expire(cluster);

    return total;
}


/* replicas are but places where home may be */

static void
ngx_http_realtime_redis_learn_range(ngx_http_realtime_redis_cluster_t *cluster,
    ngx_http_realtime_redis_range_t *range)
{
    ngx_uint_t                           i, slot;
    ngx_http_realtime_redis_node_t      *node;
    ngx_http_realtime_redis_endpoint_t   endpoint;

    for (i = 0; i < range->n; i++) {

        if (ngx_http_realtime_redis_endpoint(range, i, &endpoint) != NGX_OK) {
            continue;
        }

        node = ngx_http_realtime_redis_node(cluster, &endpoint,
                                            &cluster->home);
        if (node == NULL) {
            continue;
        }

        if (node->learnt != cluster->learnings) {
            node->learnt = cluster->learnings;
            node->first = NGX_HTTP_REALTIME_REDIS_SLOTS;
        }

        if (i == 0) {
            node->first = ngx_min(node->first, range->from);

            for (slot = range->from; slot <= range->to; slot++) {
                cluster->places[slot].node = node;
            }
        }
    }
}


static void
ngx_http_realtime_redis_learn_useless(
    ngx_http_realtime_redis_cluster_t *cluster, const char *reason)
{
    cluster->useless = 1;

    ngx_http_realtime_redis_renew(&cluster->home.redis, reason);
}


/*
 * Where it was, the hosts of the URL, the nodes that are known; where it was
 * comes last if that was of no use.
 */

void
ngx_http_realtime_redis_learn_hosts(ngx_http_realtime_redis_cluster_t *cluster)
{
    ngx_pool_t                 *pool;
    ngx_http_realtime_hosts_t   hosts;

    pool = ngx_create_pool(1024, cluster->log);

    if (pool == NULL) {
        return;
    }

    if (ngx_http_realtime_hosts_init(&hosts, pool, "Redis", "6379") != NGX_OK
        || ngx_http_realtime_redis_learn_all(cluster, &hosts, pool) != NGX_OK)
    {
        ngx_destroy_pool(pool);
        return;
    }

    if (cluster->hosts) {
        ngx_destroy_pool(cluster->hosts);
    }

    cluster->hosts = pool;
    cluster->at = 0;
    cluster->home.url.hosts = hosts;
}


static ngx_int_t
ngx_http_realtime_redis_learn_all(ngx_http_realtime_redis_cluster_t *cluster,
    ngx_http_realtime_hosts_t *hosts, ngx_pool_t *pool)
{
    ngx_int_t                        rc = NGX_OK;
    ngx_uint_t                       i;
    ngx_queue_t                     *q;
    ngx_http_realtime_host_t        *was, *host;
    ngx_http_realtime_hosts_t       *seeds = &cluster->conf->redis->url->hosts;
    ngx_http_realtime_redis_node_t  *node;

    was = ngx_http_realtime_redis_node_host(&cluster->home);
    host = seeds->list.elts;

    if (!cluster->useless) {
        rc = ngx_http_realtime_redis_learn_put(cluster, hosts, pool, was);
    }

    for (i = 0; rc == NGX_OK && i < seeds->list.nelts; i++) {
        rc = ngx_http_realtime_redis_learn_put(cluster, hosts, pool, &host[i]);
    }

    for (q = ngx_queue_head(&cluster->nodes);
         rc == NGX_OK && q != ngx_queue_sentinel(&cluster->nodes);
         q = ngx_queue_next(q))
    {
        node = ngx_queue_data(q, ngx_http_realtime_redis_node_t, link);
        host = ngx_http_realtime_redis_node_host(node);
        rc = ngx_http_realtime_redis_learn_put(cluster, hosts, pool, host);
    }

    if (rc == NGX_OK && cluster->useless) {
        cluster->useless = 0;
        rc = ngx_http_realtime_redis_learn_put(cluster, hosts, pool, was);
    }

    return rc;
}


/* once, and not that of no use before its time */

static ngx_int_t
ngx_http_realtime_redis_learn_put(ngx_http_realtime_redis_cluster_t *cluster,
    ngx_http_realtime_hosts_t *to, ngx_pool_t *pool,
    ngx_http_realtime_host_t *host)
{
    ngx_uint_t                 i;
    ngx_http_realtime_host_t  *h = to->list.elts;

    if (cluster->useless) {
        h = ngx_http_realtime_redis_node_host(&cluster->home);

        if (ngx_http_realtime_redis_node_is(h, &host->name, &host->port)) {
            return NGX_OK;
        }

        h = to->list.elts;
    }

    for (i = 0; i < to->list.nelts; i++) {
        if (ngx_http_realtime_redis_node_is(&h[i], &host->name, &host->port)) {
            return NGX_OK;
        }
    }

    if (i == NGX_HTTP_REALTIME_REDIS_LEARN_HOSTS) {
        return NGX_OK;
    }

    return ngx_http_realtime_hosts_put(to, pool, &host->name, &host->port,
                                  &cluster->conf->redis->url->hosts);
}
