
/*
 * What the log has for others, in its order: each broadcast is one PUBLISH.
 *
 * As long as it keeps up an entry is sent as it is read.  What was not sent
 * then, because there was no connection, too much was under way, or another
 * worker had the lease, is read from the log again.
 */


#include "cluster/ngx_http_realtime_link.h"

#include "proto/rt_msgpack.h"


/* a PUBLISH that is under way; "link" of the command is the queue's */

typedef struct {
    ngx_http_realtime_redis_command_t  cmd;
    uint64_t                           end;     /* of the entry */
    uint64_t                           seq;
} ngx_http_realtime_post_t;


/* entries that are read again in one go */
#define NGX_HTTP_REALTIME_PUBLISH_BATCH  256

/* what a message has besides lists, arguments and their attachments */
#define NGX_HTTP_REALTIME_PUBLISH_MORE   512


static void ngx_http_realtime_publish_begin(ngx_http_realtime_link_t *link);
static void ngx_http_realtime_publish_catch_up(ngx_event_t *ev);
static ngx_int_t ngx_http_realtime_publish_again(void *ctx,
    ngx_http_realtime_entry_t *e, uint64_t pos);
static ngx_int_t ngx_http_realtime_publish_one(ngx_http_realtime_link_t *link,
    ngx_http_realtime_entry_t *e);
static ngx_int_t ngx_http_realtime_publish_encode(
    ngx_http_realtime_link_t *link, ngx_http_realtime_entry_t *e,
    rt_str_t *body, const char **why);
static ngx_int_t ngx_http_realtime_publish_event(ngx_http_realtime_entry_t *e,
    rt_adapter_value_t *data, rt_str_t *attachments);
static rt_str_t ngx_http_realtime_publish_list(rt_buf_t *b, rt_str_t list);
static ngx_int_t ngx_http_realtime_publish_write(
    ngx_http_realtime_link_t *link, rt_adapter_t *m, size_t size,
    rt_str_t *body, const char **why);
static ngx_int_t ngx_http_realtime_publish_send(ngx_http_realtime_link_t *link,
    ngx_http_realtime_entry_t *e, rt_str_t body);
static rt_str_t ngx_http_realtime_publish_channel(
    ngx_http_realtime_link_t *link, ngx_http_realtime_entry_t *e,
    rt_buf_t *b);
static void ngx_http_realtime_publish_done(
    ngx_http_realtime_redis_command_t *cmd, redisReply *reply, ngx_int_t rc);
static void ngx_http_realtime_publish_passed(ngx_http_realtime_link_t *link);
static void ngx_http_realtime_publish_complain(
    ngx_http_realtime_link_t *link);


void
ngx_http_realtime_publish_init(ngx_http_realtime_link_t *link)
{
    ngx_queue_init(&link->posts);

    link->catch_up.handler = ngx_http_realtime_publish_catch_up;
    link->catch_up.data = link;
    link->catch_up.log = link->log;
}


void
ngx_http_realtime_publish_start(ngx_http_realtime_link_t *link)
{
    if (!atomic_load(&link->shared->begun)) {
        ngx_http_realtime_publish_begin(link);
    }

    link->at = atomic_load(&link->shared->published);
    link->seq = atomic_load(&link->shared->seq);
    link->lost = atomic_load(&link->shared->lost);
    link->publishing = 1;

    ngx_http_realtime_publish_go_on(link);
}


/* what was said before there was anybody to hear it is not for others */

static void
ngx_http_realtime_publish_begin(ngx_http_realtime_link_t *link)
{
    ngx_http_realtime_zone_t  *z = link->hub->bus->zone;

    ngx_shmtx_lock(&z->log_pool->mutex);

    atomic_store(&link->shared->seq, atomic_load(&link->shared->said));
    atomic_store(&link->shared->published, rt_ring_head(z->ring));
    atomic_store(&link->shared->begun, 1);

    ngx_shmtx_unlock(&z->log_pool->mutex);
}


void
ngx_http_realtime_publish_stop(ngx_http_realtime_link_t *link)
{
    link->publishing = 0;

    if (link->catch_up.posted) {
        ngx_delete_posted_event(&link->catch_up);
    }
}


void
ngx_http_realtime_publish_free(ngx_http_realtime_link_t *link)
{
    ngx_queue_t  *q;

    while (!ngx_queue_empty(&link->posts)) {
        q = ngx_queue_head(&link->posts);
        ngx_queue_remove(q);
        ngx_free(ngx_queue_data(q, ngx_http_realtime_post_t, cmd.link));
    }
}


ngx_uint_t
ngx_http_realtime_publish_waits(ngx_http_realtime_zone_t *z)
{
    ngx_http_realtime_cluster_t  *cl = &z->sh->cluster;

    return atomic_load(&cl->begun)
           && atomic_load(&cl->seq) != atomic_load(&cl->said)
           && atomic_load(&cl->published) != rt_ring_head(z->ring);
}


void
ngx_http_realtime_publish_entry(ngx_http_realtime_link_t *link,
    ngx_http_realtime_entry_t *e, uint64_t pos)
{
    if (!link->publishing || pos < link->at) {
        return;                 /* or it was read again ahead of this */
    }

    if (pos > link->at || ngx_http_realtime_publish_one(link, e) != NGX_OK) {
        ngx_http_realtime_publish_go_on(link);
    }
}


void
ngx_http_realtime_publish_go_on(ngx_http_realtime_link_t *link)
{
    /* what this worker has not read yet comes to publish_entry() */

    if (link->publishing
        && link->at < link->hub->bus->cursor
        && link->under_way < NGX_HTTP_REALTIME_LINK_WINDOW
        && ngx_http_realtime_redis_writable(&link->publisher))
    {
        ngx_post_event(&link->catch_up, &ngx_posted_next_events);
    }
}


static void
ngx_http_realtime_publish_catch_up(ngx_event_t *ev)
{
    uint64_t                   from, to;
    ngx_int_t                  rc;
    ngx_http_realtime_link_t  *link = ev->data;
    ngx_http_realtime_bus_t   *bus = link->hub->bus;

    if (!link->publishing) {
        return;
    }

    link->turn = 0;
    from = link->at;
    to = bus->cursor;

    rc = ngx_http_realtime_bus_replay(bus, &from, to,
                                      ngx_http_realtime_publish_again, link);

    if (rc == NGX_DECLINED) {

        /* written over: the numbers of those that follow tell how many */

        link->at = ngx_max(link->at, rt_ring_tail(bus->zone->ring));
    }

    if (link->at < to) {
        ngx_http_realtime_publish_go_on(link);
        return;
    }

    ngx_http_realtime_publish_complain(link);
}


static ngx_int_t
ngx_http_realtime_publish_again(void *ctx, ngx_http_realtime_entry_t *e,
    uint64_t pos)
{
    ngx_http_realtime_link_t  *link = ctx;

    if (link->turn++ == NGX_HTTP_REALTIME_PUBLISH_BATCH) {
        return NGX_AGAIN;
    }

    return ngx_http_realtime_publish_one(link, e);
}


/* NGX_AGAIN: not now */

static ngx_int_t
ngx_http_realtime_publish_one(ngx_http_realtime_link_t *link,
    ngx_http_realtime_entry_t *e)
{
    rt_str_t     body;
    const char  *why;

    if (ngx_http_realtime_entry_public(e) && e->number > link->seq) {

        if (link->under_way >= NGX_HTTP_REALTIME_LINK_WINDOW) {
            return NGX_AGAIN;
        }

        if (ngx_http_realtime_publish_encode(link, e, &body, &why) != NGX_OK) {
            ngx_http_realtime_link_refuse(link,
                       rt_str(NGX_HTTP_REALTIME_UID_LEN, link->shared->uid),
                       why);

        } else if (ngx_http_realtime_publish_send(link, e, body) != NGX_OK) {
            return NGX_AGAIN;
        }

        ngx_http_realtime_scratch_trim(&link->names);
        ngx_http_realtime_scratch_trim(&link->body);

        if (e->number > link->seq + 1) {
            atomic_fetch_add(&link->shared->lost, e->number - link->seq - 1);
        }

        link->seq = e->number;
    }

    link->at = e->end;

    if (link->under_way == 0) {
        ngx_http_realtime_publish_passed(link);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_realtime_publish_encode(ngx_http_realtime_link_t *link,
    ngx_http_realtime_entry_t *e, rt_str_t *body, const char **why)
{
    size_t         size;
    rt_buf_t       b;
    rt_str_t       attachments[RT_SIO_MAX_ATTACHMENTS];
    rt_adapter_t   m;

    *why = "no memory";

    /* an item of a list has four bytes in front of it already */

    size = 2 * (e->rooms.len + e->except.len) + 2 * RT_MSGPACK_HEAD;

    if (ngx_http_realtime_scratch(&link->names, size, link->log) == NULL) {
        return NGX_ERROR;
    }

    rt_buf_init(&b, link->names.data, link->names.size);
    ngx_memzero(&m, sizeof(m));

    m.form = RT_ADAPTER_BROADCAST;
    m.type = RT_ADAPTER_NO_TYPE;
    m.uid = rt_str(NGX_HTTP_REALTIME_UID_LEN, link->shared->uid);
    m.nsp = e->nsp;
    m.data.attachments = attachments;
    m.opts.rooms = ngx_http_realtime_publish_list(&b, e->rooms);
    m.opts.except = ngx_http_realtime_publish_list(&b, e->except);
    m.opts.within = e->within;
    m.opts.has_flags = 1;
    m.opts.is_volatile = (e->flags & NGX_HTTP_REALTIME_ENTRY_VOLATILE) ? 1 : 0;
    m.opts.has_seq = 1;
    m.opts.seq = e->number;
    m.opts.has_people = (e->handle != 0);
    m.opts.people = e->handle ? e->handle - 1 : 0;

    if (ngx_http_realtime_publish_event(e, &m.data, attachments) != NGX_OK) {
        *why = "its text is no event";
        return NGX_ERROR;
    }

    return ngx_http_realtime_publish_write(link, &m,
                                           size + 2 * e->packets.len
                                           + e->within.len + e->nsp.len
                                           + NGX_HTTP_REALTIME_PUBLISH_MORE,
                                           body, why);
}


/* the JSON of the first packet, without what stands before it, and the rest */

static ngx_int_t
ngx_http_realtime_publish_event(ngx_http_realtime_entry_t *e,
    rt_adapter_value_t *data, rt_str_t *attachments)
{
    rt_str_t       list = e->packets, packet;
    const u_char  *p, *last;

    if (ngx_http_realtime_list_next(&list, &packet, NULL) != NGX_OK) {
        return NGX_ERROR;
    }

    last = packet.data + packet.len;

    /* 42["..."], 42/nsp,["..."], 451-/nsp,["..."]: a namespace has any name */

    p = packet.data + ngx_min(packet.len, 2);

    if (packet.len > 1 && packet.data[1] == '5') {
        while (p != last && *p++ != '-') { /* void */ }
    }

    if (!rt_str_eq(e->nsp, rt_lit("/"))) {
        p += ngx_min((size_t) (last - p), e->nsp.len + 1);
    }

    if (p == last || *p != '[') {
        return NGX_ERROR;
    }

    data->json = 1;
    data->bytes = rt_str(last - p, p);

    while (data->count < RT_SIO_MAX_ATTACHMENTS
           && ngx_http_realtime_list_next(&list, &attachments[data->count],
                                          NULL)
              == NGX_OK)
    {
        data->count++;
    }

    return NGX_OK;
}


/* the names as an array of msgpack */

static rt_str_t
ngx_http_realtime_publish_list(rt_buf_t *b, rt_str_t list)
{
    size_t     n;
    u_char    *start = b->pos;
    rt_str_t   rest = list, name;

    for (n = 0; ngx_http_realtime_list_next(&rest, &name, NULL) == NGX_OK; n++)
    {
        /* void */
    }

    rt_msgpack_put_array(b, n);

    while (ngx_http_realtime_list_next(&list, &name, NULL) == NGX_OK) {
        rt_msgpack_put_str(b, name);
    }

    return rt_str(b->pos - start, start);
}


/* at the first attempt unless there are many fractions */

static ngx_int_t
ngx_http_realtime_publish_write(ngx_http_realtime_link_t *link,
    rt_adapter_t *m, size_t size, rt_str_t *body, const char **why)
{
    ssize_t     n = RT_ERROR;
    rt_buf_t    b;
    ngx_uint_t  i;

    for (i = 0; i < 2; i++) {

        if (ngx_http_realtime_scratch(&link->body, size, link->log) == NULL) {
            *why = "no memory";
            return NGX_ERROR;
        }

        rt_buf_init(&b, link->body.data, link->body.size);

        n = rt_adapter_encode(&b, m, why);

        if (n >= 0) {
            *body = rt_str(n, link->body.data);
            return NGX_OK;
        }

        if (*why) {
            return NGX_ERROR;
        }

        n = rt_adapter_encode(NULL, m, why);

        if (n < 0) {
            return NGX_ERROR;
        }

        size = n;
    }

    *why = "it is too long";

    return NGX_ERROR;
}


static ngx_int_t
ngx_http_realtime_publish_send(ngx_http_realtime_link_t *link,
    ngx_http_realtime_entry_t *e, rt_str_t body)
{
    u_char                     text[NGX_HTTP_REALTIME_CHANNEL_MAX];
    rt_buf_t                   b;
    rt_str_t                   channel;
    ngx_str_t                  argv[3];
    ngx_queue_t               *q;
    ngx_http_realtime_post_t  *post;

    if (ngx_queue_empty(&link->posts)) {

        post = ngx_alloc(sizeof(ngx_http_realtime_post_t), link->log);
        if (post == NULL) {
            return NGX_ERROR;
        }

    } else {
        q = ngx_queue_head(&link->posts);
        ngx_queue_remove(q);
        post = ngx_queue_data(q, ngx_http_realtime_post_t, cmd.link);
    }

    rt_buf_init(&b, text, sizeof(text));
    channel = ngx_http_realtime_publish_channel(link, e, &b);

    post->cmd.done = ngx_http_realtime_publish_done;
    post->cmd.data = link;
    post->cmd.slot = NULL;
    post->end = e->end;
    post->seq = e->number;

    ngx_str_set(&argv[0], "PUBLISH");
    argv[1].data = (u_char *) channel.data;
    argv[1].len = channel.len;
    argv[2].data = (u_char *) body.data;
    argv[2].len = body.len;

    if (ngx_http_realtime_redis_send(&link->publisher, &post->cmd, 3, argv)
        != NGX_OK)
    {
        ngx_queue_insert_head(&link->posts, &post->cmd.link);
        return NGX_AGAIN;
    }

    link->under_way++;

    return NGX_OK;
}


/* one room has a channel of its own, unless its name is out of all bounds */

static rt_str_t
ngx_http_realtime_publish_channel(ngx_http_realtime_link_t *link,
    ngx_http_realtime_entry_t *e, rt_buf_t *b)
{
    rt_str_t  list = e->rooms, room;

    if (ngx_http_realtime_list_next(&list, &room, NULL) == NGX_OK
        && list.len == 0)
    {
        rt_channel_put(b, RT_CHANNEL_MAIN, link->conf->key, e->nsp, &room);

        if (!b->overflow) {
            return rt_buf_str(b);
        }

        rt_buf_init(b, b->start, b->last - b->start);
    }

    rt_channel_put(b, RT_CHANNEL_MAIN, link->conf->key, e->nsp, NULL);

    return rt_buf_str(b);
}


static void
ngx_http_realtime_publish_done(ngx_http_realtime_redis_command_t *cmd,
    redisReply *reply, ngx_int_t rc)
{
    ngx_http_realtime_link_t  *link = cmd->data;
    ngx_http_realtime_post_t  *post = (ngx_http_realtime_post_t *) cmd;

    ngx_queue_insert_head(&link->posts, &cmd->link);
    link->under_way--;

    if (rc == NGX_ERROR) {
        return;                         /* sent again, with the same number */
    }

    atomic_fetch_add(rc == NGX_OK ? &link->shared->sent
                                  : &link->shared->refused, 1);

    /* should it end here, the next one passes over what has been sent */

    atomic_store(&link->shared->seq, post->seq);
    atomic_store(&link->shared->published, post->end);

    if (link->under_way) {
        if (link->under_way == NGX_HTTP_REALTIME_LINK_WINDOW / 2) {
            ngx_http_realtime_publish_go_on(link);
        }

        return;
    }

    if (link->publishing) {
        ngx_http_realtime_publish_passed(link);
        ngx_http_realtime_publish_go_on(link);

    } else if (link->state == NGX_HTTP_REALTIME_LINK_PARTING) {
        ngx_http_realtime_publish_passed(link);
        ngx_http_realtime_link_parted(link);
    }
}


/* everything that was read is with the others */

static void
ngx_http_realtime_publish_passed(ngx_http_realtime_link_t *link)
{
    atomic_store(&link->shared->seq, link->seq);
    atomic_store(&link->shared->published, link->at);
}


static void
ngx_http_realtime_publish_complain(ngx_http_realtime_link_t *link)
{
    uint64_t  lost;

    lost = atomic_load(&link->shared->lost);

    if (lost != link->lost) {
        ngx_log_error(NGX_LOG_WARN, link->log, 0,
                      "realtime redis %V: %uL broadcasts were not published, "
                      "as the log has been written over meanwhile; raise the "
                      "size of realtime_zone \"%V\"",
                      &link->conf->url.text, lost - link->lost,
                      &link->hub->bus->zone->shm->shm.name);

        link->lost = lost;
    }
}
