
/*
 * Where the host listens: in the namespaces in which somebody of it is, and in
 * a channel of its own, in which an heir marks from where on it takes what
 * comes.
 */


#include "cluster/ngx_http_realtime_link.h"


static ngx_http_realtime_space_t *ngx_http_realtime_subscribe_make(
    ngx_http_realtime_link_t *link, rt_str_t nsp);
static ngx_int_t ngx_http_realtime_subscribe_ask(
    ngx_http_realtime_link_t *link, ngx_http_realtime_space_t *sp);
static ngx_int_t ngx_http_realtime_subscribe_send(
    ngx_http_realtime_link_t *link, ngx_http_realtime_redis_command_t *cmd,
    const char *verb, ngx_str_t *name);
static void ngx_http_realtime_subscribe_done(
    ngx_http_realtime_redis_command_t *cmd, redisReply *reply, ngx_int_t rc);
static void ngx_http_realtime_subscribe_heard(
    ngx_http_realtime_redis_command_t *cmd, redisReply *reply, ngx_int_t rc);
static void ngx_http_realtime_subscribe_drop(ngx_http_realtime_link_t *link,
    ngx_http_realtime_space_t *sp);


/* how often it is asked who needs what, s */
#define NGX_HTTP_REALTIME_SUBSCRIBE_SWEEP  60

/* and again for what was refused: rights are given, too; s */
#define NGX_HTTP_REALTIME_SUBSCRIBE_AGAIN  5

/* the holder has said all that it knows of */
#define NGX_HTTP_REALTIME_SUBSCRIBE_ALL    1


void
ngx_http_realtime_subscribe_init(ngx_http_realtime_link_t *link)
{
    ngx_rbtree_init(&link->tree, &link->sentinel, ngx_str_rbtree_insert_value);
    ngx_queue_init(&link->spaces);

    link->subscribed.done = ngx_http_realtime_subscribe_done;
    link->subscribed.data = link;
    link->denied = 0;
    link->swept = ngx_time();
}


void
ngx_http_realtime_subscribe_add(ngx_http_realtime_link_t *link, rt_str_t nsp)
{
    ngx_http_realtime_space_t  *sp;

    sp = ngx_http_realtime_subscribe_find(link, nsp);

    if (sp) {
        sp->used = 1;
        return;
    }

    if (link->nspaces == NGX_HTTP_REALTIME_LINK_SPACES) {
        ngx_http_realtime_link_refuse(link,
                      rt_str(NGX_HTTP_REALTIME_UID_LEN, link->shared->uid),
                      "there are too many namespaces to listen to");
        return;
    }

    sp = ngx_http_realtime_subscribe_make(link, nsp);
    if (sp == NULL) {
        return;
    }

    link->nspaces++;
    ngx_queue_insert_tail(&link->spaces, &sp->queue);
    ngx_rbtree_insert(&link->tree, &sp->node.node);

    (void) ngx_http_realtime_subscribe_ask(link, sp);
}


static ngx_http_realtime_space_t *
ngx_http_realtime_subscribe_make(ngx_http_realtime_link_t *link, rt_str_t nsp)
{
    size_t                      size;
    rt_buf_t                    b;
    ngx_uint_t                  i;
    ngx_http_realtime_space_t  *sp;

    /* any character of a pattern may be escaped */

    size = 4 * nsp.len + 3 * link->conf->key.len + 32;

    sp = ngx_calloc(sizeof(ngx_http_realtime_space_t) + size, link->log);
    if (sp == NULL) {
        return NULL;
    }

    rt_buf_init(&b, sp + 1, size);
    rt_buf_put(&b, nsp);

    sp->node.str.data = b.start;
    sp->node.str.len = nsp.len;
    sp->node.node.key = ngx_crc32_long(b.start, nsp.len);

    sp->pattern.data = b.pos;
    rt_channel_put_pattern(&b, link->conf->key, nsp);
    sp->pattern.len = b.pos - sp->pattern.data;

    sp->request.data = b.pos;
    rt_channel_put(&b, RT_CHANNEL_REQUEST, link->conf->key, nsp, NULL);
    sp->request.len = b.pos - sp->request.data;

    for (i = 0; i < 2; i++) {
        sp->hear[i].done = ngx_http_realtime_subscribe_heard;
        sp->hear[i].data = link;
    }

    sp->used = 1;

    return sp;
}


ngx_http_realtime_space_t *
ngx_http_realtime_subscribe_find(ngx_http_realtime_link_t *link, rt_str_t nsp)
{
    ngx_str_t  name;

    name.data = (u_char *) nsp.data;
    name.len = nsp.len;

    return (ngx_http_realtime_space_t *)
               ngx_str_rbtree_lookup(&link->tree, &name,
                                     ngx_crc32_long(name.data, name.len));
}


void
ngx_http_realtime_subscribe_entry(ngx_http_realtime_link_t *link,
    ngx_http_realtime_entry_t *e)
{
    ngx_queue_t                *q;
    ngx_http_realtime_space_t  *sp;

    if (link->state == NGX_HTTP_REALTIME_LINK_IDLE
        || link->state == NGX_HTTP_REALTIME_LINK_PARTING)
    {
        return;
    }

    if (e->nsp.len) {
        ngx_http_realtime_subscribe_add(link, e->nsp);
        return;
    }

    if (e->number == NGX_HTTP_REALTIME_SUBSCRIBE_ALL) {
        link->told = 1;
        ngx_http_realtime_subscribe_all(link);
        return;
    }

    /* an heir asks, or this worker itself, which has no use for an answer */

    if (link->state != NGX_HTTP_REALTIME_LINK_HOLDER
        || ngx_http_realtime_bus_is_self(link->hub->bus, e->from))
    {
        return;
    }

    for (q = ngx_queue_head(&link->spaces);
         q != ngx_queue_sentinel(&link->spaces);
         q = ngx_queue_next(q))
    {
        sp = ngx_queue_data(q, ngx_http_realtime_space_t, queue);

        ngx_http_realtime_link_tell(link, NGX_HTTP_REALTIME_ENTRY_NAMESPACE,
                                    ngx_http_realtime_str(&sp->node.str), 0);
    }

    ngx_http_realtime_link_tell(link, NGX_HTTP_REALTIME_ENTRY_NAMESPACE,
                                rt_lit(""), NGX_HTTP_REALTIME_SUBSCRIBE_ALL);
}


void
ngx_http_realtime_subscribe_all(ngx_http_realtime_link_t *link)
{
    ngx_str_t     own;
    ngx_queue_t  *q;

    if (link->state == NGX_HTTP_REALTIME_LINK_PARTING) {
        return;
    }

    for (q = ngx_queue_head(&link->spaces);
         q != ngx_queue_sentinel(&link->spaces);
         q = ngx_queue_next(q))
    {
        if (ngx_http_realtime_subscribe_ask(link,
                  ngx_queue_data(q, ngx_http_realtime_space_t, queue))
            != NGX_OK)
        {
            return;
        }
    }

    /* the last one: when it is confirmed, all are */

    if (link->asked || link->subscribed.slot
        || (link->state == NGX_HTTP_REALTIME_LINK_HEIR && !link->told))
    {
        return;
    }

    own.data = link->own;
    own.len = ngx_strlen(link->own);

    if (ngx_http_realtime_subscribe_send(link, &link->subscribed, "SUBSCRIBE",
                                         &own)
        == NGX_OK)
    {
        link->asked = 1;
    }
}


/* NGX_AGAIN: there is no connection, or no room in it */

static ngx_int_t
ngx_http_realtime_subscribe_ask(ngx_http_realtime_link_t *link,
    ngx_http_realtime_space_t *sp)
{
    ngx_uint_t   i;
    ngx_str_t   *name;

    if (sp->asked) {
        return NGX_OK;
    }

    for (i = 0; i < 2; i++) {
        name = i ? &sp->request : &sp->pattern;

        if (sp->hear[i].slot == NULL
            && ngx_http_realtime_subscribe_send(link, &sp->hear[i],
                                                i ? "SUBSCRIBE" : "PSUBSCRIBE",
                                                name)
               != NGX_OK)
        {
            return NGX_AGAIN;
        }
    }

    sp->asked = 1;

    return NGX_OK;
}


static ngx_int_t
ngx_http_realtime_subscribe_send(ngx_http_realtime_link_t *link,
    ngx_http_realtime_redis_command_t *cmd, const char *verb, ngx_str_t *name)
{
    ngx_str_t  argv[2];

    argv[0].data = (u_char *) verb;
    argv[0].len = ngx_strlen(verb);
    argv[1] = *name;

    return ngx_http_realtime_redis_send(&link->subscriber, cmd, 2, argv);
}


static void
ngx_http_realtime_subscribe_done(ngx_http_realtime_redis_command_t *cmd,
    redisReply *reply, ngx_int_t rc)
{
    ngx_http_realtime_link_t  *link = cmd->data;

    if (rc == NGX_OK) {
        link->listens = (link->state != NGX_HTTP_REALTIME_LINK_PARTING);
        ngx_http_realtime_link_listens(link);

    } else if (rc == NGX_DECLINED) {
        link->denied = ngx_time();
    }
}


static void
ngx_http_realtime_subscribe_heard(ngx_http_realtime_redis_command_t *cmd,
    redisReply *reply, ngx_int_t rc)
{
    ngx_http_realtime_link_t  *link = cmd->data;

    if (rc == NGX_DECLINED) {
        link->denied = ngx_time();
    }
}


/* the last one: when it is confirmed, nothing follows */

void
ngx_http_realtime_subscribe_part(ngx_http_realtime_link_t *link)
{
    ngx_str_t                   own;
    ngx_queue_t                *q;
    ngx_http_realtime_space_t  *sp;

    for (q = ngx_queue_head(&link->spaces);
         q != ngx_queue_sentinel(&link->spaces);
         q = ngx_queue_next(q))
    {
        sp = ngx_queue_data(q, ngx_http_realtime_space_t, queue);

        (void) ngx_http_realtime_subscribe_send(link, NULL, "UNSUBSCRIBE",
                                                &sp->request);
    }

    own.data = link->own;
    own.len = ngx_strlen(link->own);

    if (ngx_http_realtime_subscribe_send(link, &link->subscribed,
                                         "UNSUBSCRIBE", &own)
        != NGX_OK)
    {
        link->listens = 0;
    }
}


void
ngx_http_realtime_subscribe_lost(ngx_http_realtime_link_t *link)
{
    ngx_queue_t                *q;
    ngx_http_realtime_space_t  *sp;

    link->asked = 0;
    link->denied = 0;

    for (q = ngx_queue_head(&link->spaces);
         q != ngx_queue_sentinel(&link->spaces);
         q = ngx_queue_next(q))
    {
        sp = ngx_queue_data(q, ngx_http_realtime_space_t, queue);
        sp->asked = 0;
    }
}


void
ngx_http_realtime_subscribe_sweep(ngx_http_realtime_link_t *link)
{
    ngx_queue_t                *q, *next;
    ngx_http_realtime_space_t  *sp;

    if (link->denied
        && ngx_time() - link->denied >= NGX_HTTP_REALTIME_SUBSCRIBE_AGAIN)
    {
        /* whatever is heard already is asked for once more, to no avail */

        ngx_http_realtime_subscribe_lost(link);
        ngx_http_realtime_subscribe_all(link);
    }

    if (ngx_time() - link->swept < NGX_HTTP_REALTIME_SUBSCRIBE_SWEEP) {
        return;
    }

    link->swept = ngx_time();

    for (q = ngx_queue_head(&link->spaces);
         q != ngx_queue_sentinel(&link->spaces);
         q = next)
    {
        next = ngx_queue_next(q);
        sp = ngx_queue_data(q, ngx_http_realtime_space_t, queue);

        if (!sp->used && sp->node.str.len > 1) {
            (void) ngx_http_realtime_subscribe_send(link, NULL, "PUNSUBSCRIBE",
                                                    &sp->pattern);
            (void) ngx_http_realtime_subscribe_send(link, NULL, "UNSUBSCRIBE",
                                                    &sp->request);
            ngx_http_realtime_subscribe_drop(link, sp);
            continue;
        }

        sp->used = 0;
    }

    /* whoever is still somewhere says so until the next time */

    ngx_http_realtime_link_tell(link, NGX_HTTP_REALTIME_ENTRY_NAMESPACE,
                                rt_lit(""), 0);
}


static void
ngx_http_realtime_subscribe_drop(ngx_http_realtime_link_t *link,
    ngx_http_realtime_space_t *sp)
{
    ngx_http_realtime_redis_forget(&sp->hear[0]);
    ngx_http_realtime_redis_forget(&sp->hear[1]);

    ngx_queue_remove(&sp->queue);
    ngx_rbtree_delete(&link->tree, &sp->node.node);
    ngx_free(sp);

    link->nspaces--;
}


void
ngx_http_realtime_subscribe_free(ngx_http_realtime_link_t *link)
{
    while (!ngx_queue_empty(&link->spaces)) {
        ngx_http_realtime_subscribe_drop(link,
            ngx_queue_data(ngx_queue_head(&link->spaces),
                           ngx_http_realtime_space_t, queue));
    }

    link->asked = 0;
    link->denied = 0;
    link->listens = 0;
}
