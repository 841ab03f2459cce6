
/*
 * How many nodes listen.  When Redis was away all of them come back, each in
 * its own time, and Redis keeps nothing for those who are late: what was said
 * meanwhile waits in the log until as many are there as before, or for a while.
 */


#include "cluster/ngx_http_realtime_link.h"


static void ngx_http_realtime_nodes_ask(ngx_http_realtime_link_t *link);
static void ngx_http_realtime_nodes_done(
    ngx_http_realtime_redis_command_t *cmd, redisReply *reply, ngx_int_t rc);
static void ngx_http_realtime_nodes_handler(ngx_event_t *ev);


/* how often it is asked while something waits, ms */
#define NGX_HTTP_REALTIME_NODES_SOON  50

/* longer than it takes others to try again, ms */
#define NGX_HTTP_REALTIME_NODES_WAIT  7000


void
ngx_http_realtime_nodes_init(ngx_http_realtime_link_t *link)
{
    link->count.done = ngx_http_realtime_nodes_done;
    link->count.data = link;

    link->soon.handler = ngx_http_realtime_nodes_handler;
    link->soon.data = link;
    link->soon.log = link->log;
    link->soon.cancelable = 1;
}


ngx_int_t
ngx_http_realtime_nodes_wait(ngx_http_realtime_link_t *link)
{
    if (!atomic_load(&link->shared->away)) {
        return NGX_OK;
    }

    if (!link->waiting) {
        link->waiting = 1;
        link->since = ngx_current_msec;
    }

    ngx_http_realtime_nodes_ask(link);

    return NGX_AGAIN;
}


void
ngx_http_realtime_nodes_watch(ngx_http_realtime_link_t *link)
{
    if (!link->waiting) {
        ngx_http_realtime_nodes_ask(link);
    }
}


void
ngx_http_realtime_nodes_stop(ngx_http_realtime_link_t *link)
{
    link->waiting = 0;

    ngx_http_realtime_redis_forget(&link->count);

    if (link->soon.timer_set) {
        ngx_del_timer(&link->soon);
    }
}


static void
ngx_http_realtime_nodes_ask(ngx_http_realtime_link_t *link)
{
    u_char     text[NGX_HTTP_REALTIME_CHANNEL_MAX];
    rt_buf_t   b;
    ngx_str_t  argv[3];

    if (link->count.slot || link->soon.timer_set) {
        return;
    }

    rt_buf_init(&b, text, sizeof(text));
    rt_channel_put(&b, RT_CHANNEL_REQUEST, link->conf->key, rt_lit("/"), NULL);

    ngx_str_set(&argv[0], "PUBSUB");
    ngx_str_set(&argv[1], "NUMSUB");
    argv[2].data = b.start;
    argv[2].len = b.pos - b.start;

    if (ngx_http_realtime_link_send(link, &link->count, 3, argv) == NGX_AGAIN
        && link->waiting)
    {
        ngx_add_timer(&link->soon, NGX_HTTP_REALTIME_NODES_SOON);
    }
}


static void
ngx_http_realtime_nodes_done(ngx_http_realtime_redis_command_t *cmd,
    redisReply *reply, ngx_int_t rc)
{
    uint64_t                   n = 0;
    ngx_http_realtime_link_t  *link = cmd->data;

    if (rc == NGX_ERROR) {
        return;
    }

    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2
        && reply->element[1]->type == REDIS_REPLY_INTEGER
        && reply->element[1]->integer > 0)
    {
        n = reply->element[1]->integer;
    }

    if (!link->waiting) {
        atomic_store(&link->shared->nodes, n);
        return;
    }

    if (n < atomic_load(&link->shared->nodes)
        && ngx_current_msec - link->since < NGX_HTTP_REALTIME_NODES_WAIT)
    {
        ngx_add_timer(&link->soon, NGX_HTTP_REALTIME_NODES_SOON);
        return;
    }

    link->waiting = 0;
    atomic_store(&link->shared->away, 0);

    ngx_http_realtime_publish_start(link);
}


static void
ngx_http_realtime_nodes_handler(ngx_event_t *ev)
{
    ngx_http_realtime_nodes_ask(ev->data);
}
