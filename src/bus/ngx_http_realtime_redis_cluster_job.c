
/*
 * Commands, their arguments kept until they are done: what waits for its node,
 * and what is sent again.  Those that wait are in the order of the owner.
 */


#include "bus/ngx_http_realtime_redis_cluster_inner.h"


static ngx_http_realtime_redis_job_t *ngx_http_realtime_redis_job_new(
    ngx_http_realtime_redis_cluster_t *cluster, ngx_uint_t argc,
    ngx_str_t *argv);
static void ngx_http_realtime_redis_job_free(
    ngx_http_realtime_redis_job_t *job);
static ngx_uint_t ngx_http_realtime_redis_job_word(ngx_str_t *word,
    const char *end);
static ngx_http_realtime_redis_place_t *ngx_http_realtime_redis_job_place(
    ngx_http_realtime_redis_job_t *job);
static ngx_http_realtime_redis_node_t *ngx_http_realtime_redis_job_node(
    ngx_http_realtime_redis_job_t *job);
static ngx_int_t ngx_http_realtime_redis_job_send(
    ngx_http_realtime_redis_job_t *job, ngx_http_realtime_redis_node_t *node,
    ngx_uint_t asking);
static void ngx_http_realtime_redis_job_hold(
    ngx_http_realtime_redis_job_t *job);
static void ngx_http_realtime_redis_job_release(
    ngx_http_realtime_redis_job_t *job);
static void ngx_http_realtime_redis_job_done(
    ngx_http_realtime_redis_command_t *inner, redisReply *reply, ngx_int_t rc);
static ngx_int_t ngx_http_realtime_redis_job_again(
    ngx_http_realtime_redis_job_t *job, ngx_http_realtime_redis_node_t *node,
    redisReply *reply);
static ngx_int_t ngx_http_realtime_redis_job_script(
    ngx_http_realtime_redis_job_t *job, ngx_http_realtime_redis_node_t *node);
static ngx_int_t ngx_http_realtime_redis_job_later(
    ngx_http_realtime_redis_job_t *job);
static void ngx_http_realtime_redis_job_end(ngx_http_realtime_redis_job_t *job,
    redisReply *reply, ngx_int_t rc);


#define ngx_http_realtime_redis_job_of(q)                                     \
    (ngx_queue_data(q, ngx_http_realtime_redis_job_t, link))

/* redirections that are followed at once; those after them take their time */
#define NGX_HTTP_REALTIME_REDIS_JOB_HOPS   5

/* times a script is loaded anew for one command */
#define NGX_HTTP_REALTIME_REDIS_JOB_LOADS  2

/* ms: that, twice that, and so on */
#define NGX_HTTP_REALTIME_REDIS_JOB_PAUSE  50
#define NGX_HTTP_REALTIME_REDIS_JOB_PAUSES 5


ngx_int_t
ngx_http_realtime_redis_job(ngx_http_realtime_redis_cluster_t *cluster,
    ngx_int_t slot, ngx_http_realtime_redis_command_t *cmd, ngx_uint_t argc,
    ngx_str_t *argv)
{
    ngx_int_t                         rc;
    ngx_http_realtime_redis_job_t    *job;
    ngx_http_realtime_redis_node_t   *node;
    ngx_http_realtime_redis_place_t  *place;

    job = ngx_http_realtime_redis_job_new(cluster, argc, argv);
    if (job == NULL) {
        return NGX_AGAIN;
    }

    job->cmd = cmd;
    job->slot = slot;
    job->seq = cluster->seq++;
    job->deadline = ngx_current_msec + cluster->conf->hold;
    job->ear = slot < 0 && ngx_http_realtime_redis_job_word(&argv[0],
                                                            "subscribe");
    place = ngx_http_realtime_redis_job_place(job);
    node = ngx_http_realtime_redis_job_node(job);

    rc = node && (place == NULL || place->held == 0)
         ? ngx_http_realtime_redis_job_send(job, node, 0) : NGX_AGAIN;

    if (rc != NGX_OK && place == NULL) {
        ngx_http_realtime_redis_job_free(job);
        return rc;
    }

    if (cmd) {
        cmd->job = job;
    }

    if (rc != NGX_OK) {
        ngx_http_realtime_redis_job_hold(job);
        ngx_http_realtime_redis_cluster_post(cluster);
    }

    return NGX_OK;
}


static ngx_http_realtime_redis_job_t *
ngx_http_realtime_redis_job_new(ngx_http_realtime_redis_cluster_t *cluster,
    ngx_uint_t argc, ngx_str_t *argv)
{
    size_t                          size;
    u_char                         *p;
    ngx_uint_t                      i;
    ngx_http_realtime_redis_job_t  *job;

    size = sizeof(ngx_http_realtime_redis_job_t) + argc * sizeof(ngx_str_t);

    for (i = 0; i < argc; i++) {
        size += argv[i].len;
    }

    job = ngx_alloc(size, cluster->log);
    if (job == NULL) {
        return NULL;
    }

    ngx_memzero(job, sizeof(ngx_http_realtime_redis_job_t));

    job->cluster = cluster;
    job->size = size;
    job->inner.done = ngx_http_realtime_redis_job_done;
    job->inner.data = job;
    job->argc = argc;

    p = (u_char *) &job->argv[argc];

    for (i = 0; i < argc; i++) {
        job->argv[i].data = p;
        job->argv[i].len = argv[i].len;

        if (argv[i].len) {
            p = ngx_cpymem(p, argv[i].data, argv[i].len);
        }
    }

    cluster->jobs++;
    cluster->size += size;

    return job;
}


static void
ngx_http_realtime_redis_job_free(ngx_http_realtime_redis_job_t *job)
{
    job->cluster->jobs--;
    job->cluster->size -= job->size;

    ngx_free(job);
}


static ngx_uint_t
ngx_http_realtime_redis_job_word(ngx_str_t *word, const char *end)
{
    size_t  len = ngx_strlen(end);

    return word->len >= len
           && ngx_strncasecmp(word->data + word->len - len, (u_char *) end,
                              len) == 0;
}


/* NULL: there is but one server, and no waiting */

static ngx_http_realtime_redis_place_t *
ngx_http_realtime_redis_job_place(ngx_http_realtime_redis_job_t *job)
{
    ngx_http_realtime_redis_cluster_t  *cluster = job->cluster;

    if (cluster->mode != NGX_HTTP_REALTIME_REDIS_CLUSTER) {
        return NULL;
    }

    return &cluster->places[job->slot < 0 ? NGX_HTTP_REALTIME_REDIS_SLOTS
                                          : job->slot];
}


static ngx_http_realtime_redis_node_t *
ngx_http_realtime_redis_job_node(ngx_http_realtime_redis_job_t *job)
{
    ngx_http_realtime_redis_cluster_t  *cluster = job->cluster;

    if (cluster->mode != NGX_HTTP_REALTIME_REDIS_CLUSTER) {
        return &cluster->home;
    }

    if (job->slot >= 0) {
        return cluster->places[job->slot].node;
    }

    return job->ear ? ngx_http_realtime_redis_node_ear(cluster)
                    : &cluster->home;
}


/* opens the connection if need be, for the next time */

static ngx_int_t
ngx_http_realtime_redis_job_send(ngx_http_realtime_redis_job_t *job,
    ngx_http_realtime_redis_node_t *node, ngx_uint_t asking)
{
    ngx_int_t                           rc;
    ngx_str_t                           argv = ngx_string("ASKING");
    ngx_http_realtime_redis_cluster_t  *cluster = job->cluster;

    node->used = ngx_current_msec;

    /* the two may not be parted */

    if (asking) {
        if (!ngx_http_realtime_redis_ready(&node->redis)
            || node->redis.n + 1 >= node->conf.commands
            || node->redis.out_last - node->redis.out_pos
               >= node->conf.output / 2)
        {
            ngx_http_realtime_redis_open(&node->redis);
            return NGX_AGAIN;
        }

        rc = ngx_http_realtime_redis_send(&node->redis, NULL, 1, &argv);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    rc = ngx_http_realtime_redis_send(&node->redis, &job->inner, job->argc,
                                      job->argv);
    if (rc == NGX_OK) {
        job->node = node;
        ngx_queue_insert_tail(&cluster->sent, &job->link);
    }

    return rc;
}


/* in order: one that comes back was before those that have come meanwhile */

static void
ngx_http_realtime_redis_job_hold(ngx_http_realtime_redis_job_t *job)
{
    ngx_queue_t                        *q;
    ngx_http_realtime_redis_cluster_t  *cluster = job->cluster;

    for (q = ngx_queue_last(&cluster->held);
         q != ngx_queue_sentinel(&cluster->held);
         q = ngx_queue_prev(q))
    {
        if (ngx_http_realtime_redis_job_of(q)->seq < job->seq) {
            break;
        }
    }

    ngx_queue_insert_after(q, &job->link);

    job->held = 1;
    ngx_http_realtime_redis_job_place(job)->held++;
}


static void
ngx_http_realtime_redis_job_release(ngx_http_realtime_redis_job_t *job)
{
    ngx_uint_t                          i;
    ngx_http_realtime_redis_cluster_t  *cluster = job->cluster;

    ngx_queue_remove(&job->link);

    if (job->held) {
        i = job->slot < 0 ? NGX_HTTP_REALTIME_REDIS_SLOTS
                          : (ngx_uint_t) job->slot;
        cluster->places[i].held--;
        job->held = 0;
    }

    job->node = NULL;
}


void
ngx_http_realtime_redis_job_flush(ngx_http_realtime_redis_cluster_t *cluster)
{
    ngx_queue_t                      *q, *next;
    ngx_http_realtime_redis_job_t    *job;
    ngx_http_realtime_redis_node_t   *node;
    ngx_http_realtime_redis_place_t  *place;

    if (cluster->mode != NGX_HTTP_REALTIME_REDIS_CLUSTER) {
        return;
    }

    cluster->passes++;

    for (q = ngx_queue_head(&cluster->held);
         q != ngx_queue_sentinel(&cluster->held);
         q = next)
    {
        next = ngx_queue_next(q);
        job = ngx_http_realtime_redis_job_of(q);
        place = ngx_http_realtime_redis_job_place(job);

        if (place->blocked == cluster->passes) {
            continue;
        }

        node = (ngx_msec_int_t) (ngx_current_msec - job->after) >= 0
               ? ngx_http_realtime_redis_job_node(job) : NULL;

        if (node == NULL) {
            place->blocked = cluster->passes;
            continue;
        }

        ngx_http_realtime_redis_job_release(job);

        if (ngx_http_realtime_redis_job_send(job, node, 0) != NGX_OK) {
            ngx_http_realtime_redis_job_hold(job);
            place->blocked = cluster->passes;
        }
    }
}


void
ngx_http_realtime_redis_job_expire(ngx_http_realtime_redis_cluster_t *cluster,
    ngx_uint_t all)
{
    ngx_http_realtime_redis_job_t  *job;

    cluster->inside++;

    /* callbacks may send, forget or close */

    while (!ngx_queue_empty(&cluster->held)) {

        job = ngx_http_realtime_redis_job_of(ngx_queue_head(&cluster->held));

        if (!all
            && (ngx_msec_int_t) (ngx_current_msec - job->deadline) < 0)
        {
            break;
        }

        ngx_http_realtime_redis_job_release(job);
        ngx_http_realtime_redis_job_end(job, NULL, NGX_ERROR);
    }

    cluster->inside--;
}


ngx_uint_t
ngx_http_realtime_redis_job_ends(ngx_http_realtime_redis_node_t *node,
    redisReply *channel)
{
    ngx_uint_t                          i;
    ngx_queue_t                        *q;
    ngx_http_realtime_redis_job_t      *job;
    ngx_http_realtime_redis_cluster_t  *cluster = node->cluster;

    for (q = ngx_queue_head(&cluster->sent);
         q != ngx_queue_sentinel(&cluster->sent);
         q = ngx_queue_next(q))
    {
        job = ngx_http_realtime_redis_job_of(q);

        if (job->node != node
            || !ngx_http_realtime_redis_job_word(&job->argv[0], "unsubscribe"))
        {
            continue;
        }

        if (job->argc == 1 || channel->type != REDIS_REPLY_STRING) {
            return 1;
        }

        for (i = 1; i < job->argc; i++) {
            if (job->argv[i].len == channel->len
                && ngx_memcmp(job->argv[i].data, channel->str, channel->len)
                   == 0)
            {
                return 1;
            }
        }
    }

    return 0;
}


static void
ngx_http_realtime_redis_job_done(ngx_http_realtime_redis_command_t *inner,
    redisReply *reply, ngx_int_t rc)
{
    ngx_http_realtime_redis_job_t      *job = inner->data;
    ngx_http_realtime_redis_node_t     *node = job->node;
    ngx_http_realtime_redis_cluster_t  *cluster = job->cluster;

    ngx_http_realtime_redis_job_release(job);

    if (rc == NGX_DECLINED && !cluster->closed
        && ngx_http_realtime_redis_job_again(job, node, reply) == NGX_OK)
    {
        return;
    }

    cluster->inside++;
    ngx_http_realtime_redis_job_end(job, reply, rc);
    cluster->inside--;
}


/* NGX_DECLINED: that was the answer */

static ngx_int_t
ngx_http_realtime_redis_job_again(ngx_http_realtime_redis_job_t *job,
    ngx_http_realtime_redis_node_t *node, redisReply *reply)
{
    ngx_uint_t                           slot;
    ngx_http_realtime_redis_node_t      *to;
    ngx_http_realtime_redis_cluster_t   *cluster = job->cluster;
    ngx_http_realtime_redis_redirect_e   redirect;
    ngx_http_realtime_redis_endpoint_t   endpoint;

    if (ngx_strncmp(reply->str, "NOSCRIPT", 8) == 0) {
        return ngx_http_realtime_redis_job_script(job, node);
    }

    if (cluster->mode != NGX_HTTP_REALTIME_REDIS_CLUSTER
        || (ngx_msec_int_t) (ngx_current_msec - job->deadline) >= 0)
    {
        return NGX_DECLINED;
    }

    redirect = ngx_http_realtime_redis_redirect(reply, &slot, &endpoint);

    if (redirect == NGX_HTTP_REALTIME_REDIS_STAY) {
        return NGX_DECLINED;
    }

    cluster->stale |= redirect != NGX_HTTP_REALTIME_REDIS_ASK;
    ngx_http_realtime_redis_cluster_post(cluster);

    if (redirect == NGX_HTTP_REALTIME_REDIS_LATER
        || job->hops >= NGX_HTTP_REALTIME_REDIS_JOB_HOPS
        || (to = ngx_http_realtime_redis_node(cluster, &endpoint, node))
           == NULL)
    {
        return ngx_http_realtime_redis_job_later(job);
    }

    job->hops++;
    job->slot = slot;
    job->ear = 0;

    if (redirect == NGX_HTTP_REALTIME_REDIS_MOVED) {
        cluster->places[slot].node = to;
    }

    if (cluster->places[slot].held
        || ngx_http_realtime_redis_job_send(job, to,
               redirect == NGX_HTTP_REALTIME_REDIS_ASK) != NGX_OK)
    {
        ngx_http_realtime_redis_job_hold(job);
    }

    return NGX_OK;
}


/* it was not lost with a connection: somebody did SCRIPT FLUSH */

static ngx_int_t
ngx_http_realtime_redis_job_script(ngx_http_realtime_redis_job_t *job,
    ngx_http_realtime_redis_node_t *node)
{
    if (job->cluster->conf->nscripts == 0
        || job->loads >= NGX_HTTP_REALTIME_REDIS_JOB_LOADS
        || !ngx_http_realtime_redis_writable(&node->redis))
    {
        return NGX_DECLINED;
    }

    job->loads++;
    ngx_http_realtime_redis_node_scripts(node);

    return ngx_http_realtime_redis_job_send(job, node, 0) == NGX_OK
           ? NGX_OK : NGX_DECLINED;
}


/* NGX_DECLINED: there is not enough time left */

static ngx_int_t
ngx_http_realtime_redis_job_later(ngx_http_realtime_redis_job_t *job)
{
    ngx_uint_t  n;

    n = ngx_min(job->pauses, NGX_HTTP_REALTIME_REDIS_JOB_PAUSES);

    job->pauses++;
    job->hops = 0;
    job->after = ngx_current_msec + (NGX_HTTP_REALTIME_REDIS_JOB_PAUSE << n);

    if ((ngx_msec_int_t) (job->deadline - job->after) < 0) {
        return NGX_DECLINED;
    }

    ngx_http_realtime_redis_job_hold(job);

    return NGX_OK;
}


static void
ngx_http_realtime_redis_job_end(ngx_http_realtime_redis_job_t *job,
    redisReply *reply, ngx_int_t rc)
{
    ngx_http_realtime_redis_command_t  *cmd = job->cmd;
    ngx_http_realtime_redis_cluster_t  *cluster = job->cluster;

    ngx_http_realtime_redis_job_free(job);

    if (cluster->full && !cluster->closed) {
        ngx_http_realtime_redis_cluster_post(cluster);
    }

    if (cmd) {
        cmd->job = NULL;
        cmd->done(cmd, reply, rc);
    }
}


void
ngx_http_realtime_redis_cluster_forget(ngx_http_realtime_redis_command_t *cmd)
{
    if (cmd->job) {
        cmd->job->cmd = NULL;
        cmd->job = NULL;
    }
}
