
#include "bus/ngx_http_realtime_redis_cluster_inner.h"


static void ngx_http_realtime_redis_cluster_home_ready(
    ngx_http_realtime_redis_t *redis);
static void ngx_http_realtime_redis_cluster_home_down(
    ngx_http_realtime_redis_t *redis, ngx_str_t *reason);
static void ngx_http_realtime_redis_cluster_home_drain(
    ngx_http_realtime_redis_t *redis);
static void ngx_http_realtime_redis_cluster_home_push(
    ngx_http_realtime_redis_t *redis, redisReply *reply);
static void ngx_http_realtime_redis_cluster_event_handler(ngx_event_t *ev);
static void ngx_http_realtime_redis_cluster_work(
    ngx_http_realtime_redis_cluster_t *cluster);
static void ngx_http_realtime_redis_cluster_drain(
    ngx_http_realtime_redis_cluster_t *cluster);
static void ngx_http_realtime_redis_cluster_set_timer(
    ngx_http_realtime_redis_cluster_t *cluster);
static void ngx_http_realtime_redis_cluster_free(
    ngx_http_realtime_redis_cluster_t *cluster);


#define NGX_HTTP_REALTIME_REDIS_CLUSTER_HOLD     30000
#define NGX_HTTP_REALTIME_REDIS_CLUSTER_REFRESH  15000

/* between two looks at what waits, ms */
#define NGX_HTTP_REALTIME_REDIS_CLUSTER_TICK     100


static const ngx_http_realtime_redis_events_t
    ngx_http_realtime_redis_cluster_home =
{
    ngx_http_realtime_redis_cluster_home_ready,
    ngx_http_realtime_redis_cluster_home_down,
    ngx_http_realtime_redis_cluster_home_drain,
    ngx_http_realtime_redis_cluster_home_push
};


void
ngx_http_realtime_redis_cluster_init(
    ngx_http_realtime_redis_cluster_t *cluster,
    ngx_http_realtime_redis_cluster_conf_t *conf,
    const ngx_http_realtime_redis_cluster_events_t *on, void *data,
    ngx_log_t *log)
{
    ngx_http_realtime_redis_node_t  *home = &cluster->home;

    ngx_memzero(cluster, sizeof(ngx_http_realtime_redis_cluster_t));

    conf->hold = conf->hold ? conf->hold : NGX_HTTP_REALTIME_REDIS_CLUSTER_HOLD;
    conf->refresh = conf->refresh ? conf->refresh
                                  : NGX_HTTP_REALTIME_REDIS_CLUSTER_REFRESH;

    cluster->conf = conf;
    cluster->on = on;
    cluster->data = data;
    cluster->log = log;

    ngx_queue_init(&cluster->nodes);
    ngx_queue_init(&cluster->dead);
    ngx_queue_init(&cluster->held);
    ngx_queue_init(&cluster->sent);

    cluster->learn.done = ngx_http_realtime_redis_learnt;
    cluster->learn.data = cluster;

    cluster->timer.handler = ngx_http_realtime_redis_cluster_event_handler;
    cluster->timer.data = cluster;
    cluster->timer.log = log;

    cluster->turn.handler = ngx_http_realtime_redis_cluster_event_handler;
    cluster->turn.data = cluster;
    cluster->turn.log = log;

    /* its hosts may become others */

    home->cluster = cluster;
    home->url = *conf->redis->url;
    home->conf = *conf->redis;
    home->conf.url = &home->url;

    ngx_http_realtime_redis_init(&home->redis, &home->conf,
                                 &ngx_http_realtime_redis_cluster_home, home,
                                 log);
}


void
ngx_http_realtime_redis_cluster_open(ngx_http_realtime_redis_cluster_t *cluster)
{
    ngx_http_realtime_redis_open(&cluster->home.redis);
}


void
ngx_http_realtime_redis_cluster_close(
    ngx_http_realtime_redis_cluster_t *cluster)
{
    if (cluster->closed) {
        return;
    }

    cluster->closed = 1;
    cluster->ready = 0;

    if (cluster->timer.timer_set) {
        ngx_del_timer(&cluster->timer);
    }

    ngx_http_realtime_redis_close(&cluster->home.redis);
    ngx_http_realtime_redis_node_close_all(cluster);
    ngx_http_realtime_redis_job_expire(cluster, 1);

    /* what called us may still look at its node */

    if (cluster->inside) {
        ngx_http_realtime_redis_cluster_post(cluster);

    } else {
        ngx_http_realtime_redis_cluster_free(cluster);
    }
}


static void
ngx_http_realtime_redis_cluster_free(
    ngx_http_realtime_redis_cluster_t *cluster)
{
    if (cluster->turn.posted) {
        ngx_delete_posted_event(&cluster->turn);
    }

    ngx_http_realtime_redis_node_free(cluster);

    if (cluster->places) {
        ngx_free(cluster->places);
        cluster->places = NULL;
    }

    if (cluster->hosts) {
        ngx_destroy_pool(cluster->hosts);
        cluster->hosts = NULL;
    }
}


ngx_int_t
ngx_http_realtime_redis_cluster_send(
    ngx_http_realtime_redis_cluster_t *cluster, ngx_int_t slot,
    ngx_http_realtime_redis_command_t *cmd, ngx_uint_t argc, ngx_str_t *argv)
{
    ngx_int_t  rc;

    if (!cluster->ready) {
        ngx_http_realtime_redis_cluster_open(cluster);
        return NGX_AGAIN;
    }

    if (cluster->jobs >= cluster->home.conf.commands
        || cluster->size >= cluster->home.conf.output)
    {
        cluster->full = 1;
        return NGX_AGAIN;
    }

    rc = ngx_http_realtime_redis_job(cluster, slot, cmd, argc, argv);

    if (rc == NGX_AGAIN) {
        cluster->full = 1;
    }

    return rc;
}


ngx_int_t
ngx_http_realtime_redis_cluster_next(ngx_http_realtime_redis_cluster_t *cluster,
    ngx_int_t slot)
{
    ngx_http_realtime_redis_node_t  *node;

    if (cluster->mode != NGX_HTTP_REALTIME_REDIS_CLUSTER) {
        return slot < 0 ? 0 : -1;
    }

    for (slot++; slot < NGX_HTTP_REALTIME_REDIS_SLOTS; slot++) {

        node = cluster->places[slot].node;

        if (node && node->first == (ngx_uint_t) slot) {
            return slot;
        }
    }

    return -1;
}


/* it is not known yet whether this is a cluster */

static void
ngx_http_realtime_redis_cluster_home_ready(ngx_http_realtime_redis_t *redis)
{
    ngx_uint_t                          i;
    ngx_http_realtime_host_t           *host;
    ngx_http_realtime_redis_node_t     *home = redis->data;
    ngx_http_realtime_redis_addr_t     *addr = redis->addrs.elts;
    ngx_http_realtime_redis_cluster_t  *cluster = home->cluster;

    host = home->url.hosts.list.elts;

    for (i = 0; i < home->url.hosts.list.nelts; i++) {
        if (host[i].name.data == addr[redis->at].host.data) {
            cluster->at = i;
        }
    }

    cluster->asked = ngx_current_msec - NGX_HTTP_REALTIME_REDIS_CLUSTER_TICK;
    cluster->stale = 1;

    ngx_http_realtime_redis_learn(cluster);
}


/*
 * In a cluster there are others that can be asked: that is one attempt, at all
 * of them.
 */

static void
ngx_http_realtime_redis_cluster_home_down(ngx_http_realtime_redis_t *redis,
    ngx_str_t *reason)
{
    ngx_http_realtime_redis_node_t     *home = redis->data;
    ngx_http_realtime_redis_cluster_t  *cluster = home->cluster;

    cluster->inside++;
    cluster->learning = 0;

    if (cluster->mode == NGX_HTTP_REALTIME_REDIS_CLUSTER || cluster->useless) {
        ngx_http_realtime_redis_learn_hosts(cluster);
    }

    if (cluster->mode != NGX_HTTP_REALTIME_REDIS_CLUSTER
        || cluster->losses++ != 0)
    {
        cluster->ready = 0;
        cluster->mode = NGX_HTTP_REALTIME_REDIS_UNKNOWN;

        ngx_http_realtime_redis_node_close_all(cluster);
        ngx_http_realtime_redis_job_expire(cluster, 1);

        cluster->again = 0;
        cluster->full = 0;

        if (!cluster->closed && cluster->on->down) {
            cluster->on->down(cluster, reason);
        }
    }

    cluster->inside--;

    if (!cluster->closed) {
        ngx_http_realtime_redis_cluster_post(cluster);
    }
}


static void
ngx_http_realtime_redis_cluster_home_drain(ngx_http_realtime_redis_t *redis)
{
    ngx_http_realtime_redis_node_t  *home = redis->data;

    ngx_http_realtime_redis_cluster_post(home->cluster);
}


static void
ngx_http_realtime_redis_cluster_home_push(ngx_http_realtime_redis_t *redis,
    redisReply *reply)
{
    ngx_http_realtime_redis_node_pushed(redis->data, reply);
}


void
ngx_http_realtime_redis_cluster_up(ngx_http_realtime_redis_cluster_t *cluster)
{
    cluster->losses = 0;

    if (!cluster->ready && !cluster->closed) {
        cluster->ready = 1;

        if (cluster->on->ready) {
            cluster->on->ready(cluster);
        }
    }

    if (!cluster->closed) {
        ngx_http_realtime_redis_cluster_post(cluster);
    }
}


void
ngx_http_realtime_redis_cluster_post(ngx_http_realtime_redis_cluster_t *cluster)
{
    ngx_post_event(&cluster->turn, &ngx_posted_events);
}


static void
ngx_http_realtime_redis_cluster_event_handler(ngx_event_t *ev)
{
    ngx_http_realtime_redis_cluster_t  *cluster = ev->data;

    if (cluster->closed) {
        ngx_http_realtime_redis_cluster_free(cluster);
        return;
    }

    ngx_http_realtime_redis_node_free(cluster);

    cluster->inside++;
    ngx_http_realtime_redis_cluster_work(cluster);
    cluster->inside--;

    if (cluster->closed) {
        ngx_http_realtime_redis_cluster_free(cluster);
        return;
    }

    ngx_http_realtime_redis_cluster_set_timer(cluster);
}


static void
ngx_http_realtime_redis_cluster_work(ngx_http_realtime_redis_cluster_t *cluster)
{
    if (cluster->again && cluster->ready) {
        cluster->again = 0;

        if (cluster->on->resubscribe) {
            cluster->on->resubscribe(cluster);
        }
    }

    if (!cluster->closed) {
        ngx_http_realtime_redis_learn(cluster);
        ngx_http_realtime_redis_job_flush(cluster);
        ngx_http_realtime_redis_job_expire(cluster, 0);
    }

    if (!cluster->closed) {
        ngx_http_realtime_redis_cluster_drain(cluster);
    }
}


/* not before there is some room, so that it is worth it */

static void
ngx_http_realtime_redis_cluster_drain(
    ngx_http_realtime_redis_cluster_t *cluster)
{
    if (!cluster->full || !ngx_http_realtime_redis_cluster_writable(cluster)
        || cluster->jobs > cluster->home.conf.commands / 2
        || cluster->size > cluster->home.conf.output / 2)
    {
        return;
    }

    cluster->full = 0;

    if (cluster->on->drain) {
        cluster->on->drain(cluster);
    }
}


static void
ngx_http_realtime_redis_cluster_set_timer(
    ngx_http_realtime_redis_cluster_t *cluster)
{
    ngx_uint_t  waits = !ngx_queue_empty(&cluster->held) || cluster->full;
    ngx_msec_t  delay;

    if (cluster->timer.timer_set) {
        ngx_del_timer(&cluster->timer);
    }

    if (cluster->mode == NGX_HTTP_REALTIME_REDIS_UNKNOWN
        || (cluster->mode == NGX_HTTP_REALTIME_REDIS_SINGLE && !waits))
    {
        return;
    }

    delay = waits || cluster->stale ? NGX_HTTP_REALTIME_REDIS_CLUSTER_TICK
                                    : cluster->conf->refresh;

    /* a worker that has been told to go waits for answers, not for idleness */

    cluster->timer.cancelable = !waits;

    ngx_add_timer(&cluster->timer, delay);
}
