
#include "bus/ngx_http_realtime_redis_cluster_inner.h"


static ngx_http_realtime_redis_node_t *ngx_http_realtime_redis_node_new(
    ngx_http_realtime_redis_cluster_t *cluster, ngx_str_t *name,
    ngx_str_t *port);
static ngx_int_t ngx_http_realtime_redis_node_url(
    ngx_http_realtime_redis_node_t *node, ngx_str_t *name, ngx_str_t *port);
static void ngx_http_realtime_redis_node_ready(
    ngx_http_realtime_redis_t *redis);
static void ngx_http_realtime_redis_node_down(
    ngx_http_realtime_redis_t *redis, ngx_str_t *reason);
static void ngx_http_realtime_redis_node_drain(
    ngx_http_realtime_redis_t *redis);
static void ngx_http_realtime_redis_node_push(
    ngx_http_realtime_redis_t *redis, redisReply *reply);


/* of a cluster; it is Redis's own advice not to have more */
#define NGX_HTTP_REALTIME_REDIS_NODE_MAX    1000

/* it may be waited for, ms */
#define NGX_HTTP_REALTIME_REDIS_NODE_RETRY  1000

/* one that was not named is kept for that long after it was used, ms */
#define NGX_HTTP_REALTIME_REDIS_NODE_KEEP   10000


static const ngx_http_realtime_redis_events_t
    ngx_http_realtime_redis_node_events =
{
    ngx_http_realtime_redis_node_ready,
    ngx_http_realtime_redis_node_down,
    ngx_http_realtime_redis_node_drain,
    ngx_http_realtime_redis_node_push
};


ngx_http_realtime_redis_node_t *
ngx_http_realtime_redis_node(ngx_http_realtime_redis_cluster_t *cluster,
    ngx_http_realtime_redis_endpoint_t *endpoint,
    ngx_http_realtime_redis_node_t *asked)
{
    u_char                           digits[NGX_INT_T_LEN];
    ngx_str_t                        name, port;
    ngx_queue_t                     *q;
    ngx_http_realtime_redis_node_t  *node;

    name = endpoint->host;
    port.data = digits;
    port.len = ngx_sprintf(digits, "%ui", endpoint->port) - digits;

    if (name.len == 0) {
        name = ngx_http_realtime_redis_node_host(asked)->name;

        if (ngx_http_realtime_host_is_path(&name)) {
            ngx_str_set(&name, "127.0.0.1");
        }
    }

    for (q = ngx_queue_head(&cluster->nodes);
         q != ngx_queue_sentinel(&cluster->nodes);
         q = ngx_queue_next(q))
    {
        node = ngx_queue_data(q, ngx_http_realtime_redis_node_t, link);

        if (ngx_http_realtime_redis_node_is(
                ngx_http_realtime_redis_node_host(node), &name, &port))
        {
            return node;
        }
    }

    if (cluster->nnodes >= NGX_HTTP_REALTIME_REDIS_NODE_MAX) {
        return NULL;
    }

    node = ngx_http_realtime_redis_node_new(cluster, &name, &port);

    if (node) {
        ngx_queue_insert_tail(&cluster->nodes, &node->link);
        cluster->nnodes++;
    }

    return node;
}


ngx_http_realtime_redis_node_t *
ngx_http_realtime_redis_node_ear(ngx_http_realtime_redis_cluster_t *cluster)
{
    ngx_http_realtime_host_t        *host;
    ngx_http_realtime_redis_node_t  *ear = cluster->ear;

    if (!ngx_http_realtime_redis_ready(&cluster->home.redis)) {
        return NULL;
    }

    host = ngx_http_realtime_redis_node_host(&cluster->home);

    if (ear == NULL) {
        ear = ngx_http_realtime_redis_node_new(cluster, &host->name,
                                               &host->port);
        cluster->ear = ear;
    }

    return ear;
}


static ngx_http_realtime_redis_node_t *
ngx_http_realtime_redis_node_new(ngx_http_realtime_redis_cluster_t *cluster,
    ngx_str_t *name, ngx_str_t *port)
{
    ngx_pool_t                      *pool;
    ngx_http_realtime_redis_node_t  *node;

    pool = ngx_create_pool(4096, cluster->log);
    if (pool == NULL) {
        return NULL;
    }

    node = ngx_pcalloc(pool, sizeof(ngx_http_realtime_redis_node_t));
    if (node == NULL) {
        goto failed;
    }

    node->cluster = cluster;
    node->pool = pool;
    node->first = NGX_HTTP_REALTIME_REDIS_SLOTS;
    node->used = ngx_current_msec;
    node->conf = *cluster->conf->redis;
    node->conf.url = &node->url;
    node->conf.retry_max = ngx_min(node->conf.retry_max,
                                   NGX_HTTP_REALTIME_REDIS_NODE_RETRY);

    if (ngx_http_realtime_redis_node_url(node, name, port) != NGX_OK) {
        goto failed;
    }

    ngx_http_realtime_redis_init(&node->redis, &node->conf,
                                 &ngx_http_realtime_redis_node_events, node,
                                 cluster->log);
    return node;

failed:

    ngx_destroy_pool(pool);

    return NULL;
}


/* it is signed into as the URL says */

static ngx_int_t
ngx_http_realtime_redis_node_url(ngx_http_realtime_redis_node_t *node,
    ngx_str_t *name, ngx_str_t *port)
{
    ngx_http_realtime_redis_url_t  *u = node->cluster->conf->redis->url;

    node->url = *u;

    if (ngx_http_realtime_hosts_init(&node->url.hosts, node->pool, "Redis",
                                     "6379") != NGX_OK
        || ngx_http_realtime_hosts_put(&node->url.hosts, node->pool, name,
                                       port, &u->hosts) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_realtime_redis_url_text(&node->url, node->pool);
}


ngx_uint_t
ngx_http_realtime_redis_node_is(ngx_http_realtime_host_t *host,
    ngx_str_t *name, ngx_str_t *port)
{
    return host->name.len == name->len && host->port.len == port->len
           && ngx_strncasecmp(host->name.data, name->data, name->len) == 0
           && ngx_memcmp(host->port.data, port->data, port->len) == 0;
}


ngx_http_realtime_host_t *
ngx_http_realtime_redis_node_host(ngx_http_realtime_redis_node_t *node)
{
    ngx_http_realtime_host_t           *host = node->url.hosts.list.elts;
    ngx_http_realtime_redis_cluster_t  *cluster = node->cluster;

    return node == &cluster->home ? &host[cluster->at] : host;
}


void
ngx_http_realtime_redis_node_close(ngx_http_realtime_redis_node_t *node)
{
    ngx_http_realtime_redis_cluster_t  *cluster = node->cluster;

    if (node == cluster->ear) {
        cluster->ear = NULL;

    } else {
        ngx_queue_remove(&node->link);
        cluster->nnodes--;
    }

    ngx_queue_insert_tail(&cluster->dead, &node->link);

    if (node->subscribed) {
        node->subscribed = 0;
        cluster->again = 1;
    }

    cluster->inside++;
    ngx_http_realtime_redis_close(&node->redis);
    cluster->inside--;
}


void
ngx_http_realtime_redis_node_close_all(
    ngx_http_realtime_redis_cluster_t *cluster)
{
    ngx_uint_t    i;
    ngx_queue_t  *q;

    for (i = 0; cluster->places && i < NGX_HTTP_REALTIME_REDIS_SLOTS; i++) {
        cluster->places[i].node = NULL;
    }

    if (cluster->ear) {
        ngx_http_realtime_redis_node_close(cluster->ear);
    }

    /* callbacks may come here, too */

    while (!ngx_queue_empty(&cluster->nodes)) {
        q = ngx_queue_head(&cluster->nodes);
        ngx_http_realtime_redis_node_close(
            ngx_queue_data(q, ngx_http_realtime_redis_node_t, link));
    }
}


void
ngx_http_realtime_redis_node_expire(ngx_http_realtime_redis_cluster_t *cluster)
{
    ngx_queue_t                     *q, *next;
    ngx_http_realtime_host_t        *host;
    ngx_http_realtime_redis_node_t  *node;

    host = ngx_http_realtime_redis_node_host(&cluster->home);

    if (cluster->ear
        && !ngx_http_realtime_redis_node_is(
               ngx_http_realtime_redis_node_host(cluster->ear), &host->name,
               &host->port))
    {
        ngx_http_realtime_redis_node_close(cluster->ear);
    }

    for (q = ngx_queue_head(&cluster->nodes);
         q != ngx_queue_sentinel(&cluster->nodes);
         q = next)
    {
        next = ngx_queue_next(q);
        node = ngx_queue_data(q, ngx_http_realtime_redis_node_t, link);

        /* nothing is under way there: nobody is called */

        if (node->learnt != cluster->learnings
            && !ngx_http_realtime_redis_busy(&node->redis)
            && (node->redis.state == NGX_HTTP_REALTIME_REDIS_WAITING
                || ngx_current_msec - node->used
                   > NGX_HTTP_REALTIME_REDIS_NODE_KEEP))
        {
            ngx_http_realtime_redis_node_close(node);
        }
    }
}


void
ngx_http_realtime_redis_node_free(ngx_http_realtime_redis_cluster_t *cluster)
{
    ngx_queue_t                     *q;
    ngx_http_realtime_redis_node_t  *node;

    while (!ngx_queue_empty(&cluster->dead)) {
        q = ngx_queue_head(&cluster->dead);
        ngx_queue_remove(q);
        node = ngx_queue_data(q, ngx_http_realtime_redis_node_t, link);
        ngx_destroy_pool(node->pool);
    }
}


void
ngx_http_realtime_redis_node_scripts(ngx_http_realtime_redis_node_t *node)
{
    ngx_str_t                                argv[3];
    ngx_uint_t                               i;
    ngx_http_realtime_redis_cluster_conf_t  *conf = node->cluster->conf;

    ngx_str_set(&argv[0], "SCRIPT");
    ngx_str_set(&argv[1], "LOAD");

    for (i = 0; i < conf->nscripts; i++) {
        argv[2] = conf->scripts[i];
        (void) ngx_http_realtime_redis_send(&node->redis, NULL, 3, argv);
    }
}


static void
ngx_http_realtime_redis_node_ready(ngx_http_realtime_redis_t *redis)
{
    ngx_http_realtime_redis_node_t  *node = redis->data;

    ngx_http_realtime_redis_node_scripts(node);
    ngx_http_realtime_redis_cluster_post(node->cluster);
}


/* another one may have its slots by now */

static void
ngx_http_realtime_redis_node_down(ngx_http_realtime_redis_t *redis,
    ngx_str_t *reason)
{
    ngx_http_realtime_redis_node_t     *node = redis->data;
    ngx_http_realtime_redis_cluster_t  *cluster = node->cluster;

    if (node->subscribed) {
        node->subscribed = 0;
        cluster->again = 1;
    }

    cluster->stale = 1;
    ngx_http_realtime_redis_cluster_post(cluster);
}


static void
ngx_http_realtime_redis_node_drain(ngx_http_realtime_redis_t *redis)
{
    ngx_http_realtime_redis_node_t  *node = redis->data;

    ngx_http_realtime_redis_cluster_post(node->cluster);
}


static void
ngx_http_realtime_redis_node_push(ngx_http_realtime_redis_t *redis,
    redisReply *reply)
{
    ngx_http_realtime_redis_node_pushed(redis->data, reply);
}


/* "ssubscribe", "unsubscribe", "smessage"; a slot that moves ends its own */

void
ngx_http_realtime_redis_node_pushed(ngx_http_realtime_redis_node_t *node,
    redisReply *reply)
{
    redisReply                         *word = reply->element[0];
    ngx_http_realtime_redis_cluster_t  *cluster = node->cluster;

    if (ngx_strstr(word->str, "subscribe")) {

        if (ngx_strstr(word->str, "unsub") == NULL) {
            node->subscribed = 1;

        } else if (!ngx_http_realtime_redis_job_ends(node,
                                                     reply->element[1]))
        {
            cluster->again = 1;
            cluster->stale = 1;
            ngx_http_realtime_redis_cluster_post(cluster);
        }
    }

    if (cluster->on->push) {
        cluster->inside++;
        cluster->on->push(cluster, reply);
        cluster->inside--;
    }
}
