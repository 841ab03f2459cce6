
/*
 * What others say becomes entries of the log, which all workers read.
 *
 * Most of what comes may be for nobody here, or our own: that is found out
 * before anything is decoded.
 */


#include "cluster/ngx_http_realtime_request.h"
#include "hub/ngx_http_realtime_command.h"
#include "shm/ngx_http_realtime_roster.h"
#include "shm/ngx_http_realtime_users.h"

#include "base/rt_json.h"
#include "proto/rt_sio.h"
#include "proto/rt_unpack.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif


/* a message that waits until its heir has the lease; the texts behind it */

typedef struct {
    ngx_queue_t  queue;
    rt_str_t     pattern;
    rt_str_t     channel;
    rt_str_t     bytes;
} ngx_http_realtime_held_t;


/* rooms, and others, that a message may name */
#define NGX_HTTP_REALTIME_RECEIVE_NAMES  65536


static rt_str_t ngx_http_realtime_receive_text(redisReply *reply);
static void ngx_http_realtime_receive_hold(ngx_http_realtime_link_t *link,
    rt_str_t pattern, rt_str_t channel, rt_str_t bytes);
static void ngx_http_realtime_receive_one(ngx_http_realtime_link_t *link,
    rt_str_t pattern, rt_str_t channel, rt_str_t bytes);
static ngx_http_realtime_space_t *ngx_http_realtime_receive_space(
    ngx_http_realtime_link_t *link, rt_str_t pattern, rt_str_t channel);
static void ngx_http_realtime_receive_broadcast(
    ngx_http_realtime_link_t *link, ngx_http_realtime_space_t *sp,
    rt_str_t room, rt_str_t bytes);
static rt_str_t ngx_http_realtime_receive_uid(rt_str_t bytes);
static ngx_uint_t ngx_http_realtime_receive_here(
    ngx_http_realtime_link_t *link, rt_str_t nsp, rt_str_t room);
static ngx_int_t ngx_http_realtime_receive_event(
    ngx_http_realtime_link_t *link, rt_adapter_t *m,
    ngx_http_realtime_emit_t *out, rt_str_t *attachments, const char **why);
static void ngx_http_realtime_receive_people(ngx_http_realtime_link_t *link,
    rt_adapter_t *m, rt_str_t rooms);
static ssize_t ngx_http_realtime_receive_json(ngx_http_realtime_link_t *link,
    rt_str_t in, rt_str_t *attachments, uint32_t *count, const char **why);
static rt_str_t ngx_http_realtime_receive_list(rt_buf_t *b,
    rt_adapter_list_t in);


void
ngx_http_realtime_receive(ngx_http_realtime_redis_t *redis, redisReply *reply)
{
    rt_str_t                   word, pattern, channel, bytes;
    ngx_http_realtime_link_t  *link = redis->data;

    word = ngx_http_realtime_receive_text(reply->element[0]);
    pattern = rt_lit("");

    if (rt_str_eq(word, rt_lit("pmessage")) && reply->elements == 4) {
        pattern = ngx_http_realtime_receive_text(reply->element[1]);
        channel = ngx_http_realtime_receive_text(reply->element[2]);
        bytes = ngx_http_realtime_receive_text(reply->element[3]);

    } else if (rt_str_eq(word, rt_lit("message")) && reply->elements == 3) {
        channel = ngx_http_realtime_receive_text(reply->element[1]);
        bytes = ngx_http_realtime_receive_text(reply->element[2]);

    } else {
        return;
    }

    if (pattern.len == 0
        && rt_str_eq(channel, rt_str(ngx_strlen(link->own), link->own)))
    {
        ngx_http_realtime_link_marked(link, bytes);
        return;
    }

    switch (link->state) {

    case NGX_HTTP_REALTIME_LINK_MARKED:
        ngx_http_realtime_receive_hold(link, pattern, channel, bytes);
        break;

    case NGX_HTTP_REALTIME_LINK_HOLDER:
        ngx_http_realtime_receive_one(link, pattern, channel, bytes);
        break;

    default:                            /* somebody else takes it */

        if (pattern.len == 0) {
            ngx_http_realtime_request_take(link, channel, bytes);
        }
    }
}


static rt_str_t
ngx_http_realtime_receive_text(redisReply *reply)
{
    return (reply->type == REDIS_REPLY_STRING)
           ? rt_str(reply->len, (u_char *) reply->str) : rt_lit("");
}


static void
ngx_http_realtime_receive_hold(ngx_http_realtime_link_t *link,
    rt_str_t pattern, rt_str_t channel, rt_str_t bytes)
{
    size_t                     size;
    rt_buf_t                   b;
    ngx_http_realtime_held_t  *held;

    size = pattern.len + channel.len + bytes.len;

    held = (link->held_size + size <= NGX_HTTP_REALTIME_LINK_HELD)
           ? ngx_alloc(sizeof(ngx_http_realtime_held_t) + size, link->log)
           : NULL;

    if (held == NULL) {
        atomic_fetch_add(&link->shared->missed, 1);
        return;
    }

    rt_buf_init(&b, held + 1, size);
    rt_buf_put(&b, pattern);
    rt_buf_put(&b, channel);
    rt_buf_put(&b, bytes);

    held->pattern = rt_str(pattern.len, b.start);
    held->channel = rt_str(channel.len, b.start + pattern.len);
    held->bytes = rt_str(bytes.len, b.start + pattern.len + channel.len);

    link->held_size += size;
    ngx_queue_insert_tail(&link->held, &held->queue);
}


void
ngx_http_realtime_receive_held(ngx_http_realtime_link_t *link)
{
    ngx_queue_t               *q;
    ngx_http_realtime_held_t  *held;

    while (!ngx_queue_empty(&link->held)) {
        q = ngx_queue_head(&link->held);
        held = ngx_queue_data(q, ngx_http_realtime_held_t, queue);

        if (link->state == NGX_HTTP_REALTIME_LINK_HOLDER) {
            ngx_http_realtime_receive_one(link, held->pattern, held->channel,
                                          held->bytes);
        }

        ngx_queue_remove(q);
        ngx_free(held);
    }

    link->held_size = 0;
}


void
ngx_http_realtime_receive_free(ngx_http_realtime_link_t *link)
{
    ngx_http_realtime_receive_held(link);

    link->peer = NULL;
}


static void
ngx_http_realtime_receive_one(ngx_http_realtime_link_t *link,
    rt_str_t pattern, rt_str_t channel, rt_str_t bytes)
{
    rt_str_t                    rest;
    rt_channel_e                kind;
    ngx_http_realtime_space_t  *sp;

    if (pattern.len == 0) {
        ngx_http_realtime_request_take(link, channel, bytes);
        ngx_http_realtime_scratch_trim(&link->unified);
        ngx_http_realtime_scratch_trim(&link->answers.lists);
        return;
    }

    sp = ngx_http_realtime_receive_space(link, pattern, channel);

    if (sp
        && rt_channel_match(channel, link->conf->key,
                            ngx_http_realtime_str(&sp->node.str), &kind, &rest)
           == RT_OK
        && kind == RT_CHANNEL_MAIN)
    {
        ngx_http_realtime_receive_broadcast(link, sp, rest, bytes);
        ngx_http_realtime_scratch_trim(&link->text);
        ngx_http_realtime_scratch_trim(&link->lists);
    }
}


/* that of the pattern: a namespace that has a "#" matches that of another */

static ngx_http_realtime_space_t *
ngx_http_realtime_receive_space(ngx_http_realtime_link_t *link,
    rt_str_t pattern, rt_str_t channel)
{
    rt_str_t                    nsp, rest;
    ngx_queue_t                *q;
    rt_channel_e                kind;
    ngx_http_realtime_space_t  *sp;

    if (rt_channel_parse(channel, link->conf->key, &kind, &nsp, &rest)
        == RT_OK)
    {
        sp = ngx_http_realtime_subscribe_find(link, nsp);

        if (sp && rt_str_eq(pattern, ngx_http_realtime_str(&sp->pattern))) {
            return sp;
        }
    }

    for (q = ngx_queue_head(&link->spaces);
         q != ngx_queue_sentinel(&link->spaces);
         q = ngx_queue_next(q))
    {
        sp = ngx_queue_data(q, ngx_http_realtime_space_t, queue);

        if (rt_str_eq(pattern, ngx_http_realtime_str(&sp->pattern))) {
            return sp;
        }
    }

    return NULL;
}


static void
ngx_http_realtime_receive_broadcast(ngx_http_realtime_link_t *link,
    ngx_http_realtime_space_t *sp, rt_str_t room, rt_str_t bytes)
{
    rt_str_t       uid, nsp = ngx_http_realtime_str(&sp->node.str);
    const char    *why;
    rt_adapter_t   m;

    uid = ngx_http_realtime_receive_uid(bytes);

    if (rt_str_eq(uid, rt_str(NGX_HTTP_REALTIME_UID_LEN, link->shared->uid))
        || ngx_http_realtime_seen(link, uid, bytes) != NGX_OK
        || (room.data && !ngx_http_realtime_receive_here(link, nsp, room)))
    {
        return;
    }

    if (ngx_http_realtime_receive_too_long(link, bytes)) {
        ngx_http_realtime_link_refuse(link, uid, "it is too long for the log");
        return;
    }

    if (rt_adapter_decode(&m, RT_ADAPTER_BROADCAST, bytes, &why) != RT_OK) {
        ngx_http_realtime_link_refuse(link, uid, why);
        return;
    }

    if (!rt_str_eq(m.nsp, nsp)) {
        return;                 /* another namespace's, see above */
    }

    if (ngx_http_realtime_receive_message(link, &m, &why) != NGX_OK) {
        ngx_http_realtime_link_refuse(link, uid, why);
        return;
    }

    atomic_fetch_add(&link->shared->received, 1);
}


/* as text it might fit, but that is not worth converting all of it */

ngx_uint_t
ngx_http_realtime_receive_too_long(ngx_http_realtime_link_t *link,
    rt_str_t bytes)
{
    if (bytes.len <= rt_ring_max(link->hub->bus->zone->ring->size)) {
        return 0;
    }

    link->huge = 1;

    return 1;
}


/* glibc keeps up to 64 MB of what was freed once such pieces were in use */

void
ngx_http_realtime_receive_trim(ngx_http_realtime_link_t *link)
{
    if (link->huge) {
        link->huge = 0;

#ifdef __GLIBC__
        (void) malloc_trim(0);
#endif
    }
}


/* the first of three */

static rt_str_t
ngx_http_realtime_receive_uid(rt_str_t bytes)
{
    rt_msgpack_t       v;
    rt_msgpack_iter_t  it;

    rt_msgpack_each(&it, bytes);

    if (rt_msgpack_next(&it, &v) == RT_OK && v.type == RT_MSGPACK_ARRAY
        && rt_msgpack_next(&it, &v) == RT_OK && v.type == RT_MSGPACK_STR)
    {
        return v.bytes;
    }

    return rt_lit("");
}


/*
 * Whether anybody is in the room, or about to be; of ids of sockets the
 * workers know.
 */

static ngx_uint_t
ngx_http_realtime_receive_here(ngx_http_realtime_link_t *link, rt_str_t nsp,
    rt_str_t room)
{
    rt_ref_t                   found;
    ngx_http_realtime_zone_t  *z = link->hub->bus->zone;

    if (rt_id_valid(room)
        || ngx_http_realtime_command_expected(z, nsp, room))
    {
        return 1;
    }

    ngx_http_realtime_zone_lock(z);

    if (room.len && room.data[0] == '@') {
        found = ngx_http_realtime_users_find_locked(z, nsp,
                                         rt_str(room.len - 1, room.data + 1));

    } else {
        found = ngx_http_realtime_roster_find_locked(z, nsp, room);
    }

    ngx_http_realtime_zone_unlock(z);

    return found != 0;
}


ngx_int_t
ngx_http_realtime_receive_message(ngx_http_realtime_link_t *link,
    rt_adapter_t *m, const char **why)
{
    rt_str_t                  attachments[RT_SIO_MAX_ATTACHMENTS];
    ngx_http_realtime_emit_t  out;

    ngx_memzero(&out, sizeof(out));

    out.nsp = m->nsp;
    out.within = m->opts.within;
    out.attachments = attachments;
    out.flags = NGX_HTTP_REALTIME_ENTRY_REMOTE;

    if (m->opts.is_volatile) {
        out.flags |= NGX_HTTP_REALTIME_ENTRY_VOLATILE;
    }

    if (ngx_http_realtime_receive_event(link, m, &out, attachments, why)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_http_realtime_receive_lists(link, &m->opts, &out.rooms,
                                        &out.excepts)
        != NGX_OK)
    {
        *why = "it is for rooms without names, or for too many";
        return NGX_ERROR;
    }

    ngx_http_realtime_receive_people(link, m, out.rooms);

    *why = "it could not be put into the log";

    return ngx_http_realtime_emit(link->hub, &out);
}


/*
 * As JSON in link->text; the length.  Most have no attachments and get little
 * longer: they need not be measured before.
 */

static ssize_t
ngx_http_realtime_receive_json(ngx_http_realtime_link_t *link, rt_str_t in,
    rt_str_t *attachments, uint32_t *count, const char **why)
{
    ssize_t   n;
    rt_buf_t  b;

    *why = "no memory";

    if (ngx_http_realtime_scratch(&link->text, 2 * in.len, link->log)
        == NULL)
    {
        return NGX_ERROR;
    }

    rt_buf_init(&b, link->text.data, link->text.size);
    *count = 0;

    n = rt_unpack(&b, in, attachments, count, why);

    if (n >= 0) {
        return n;
    }

    n = rt_unpack(NULL, in, NULL, count, why);

    if (n < 0) {
        return NGX_ERROR;
    }

    if (*count > RT_SIO_MAX_ATTACHMENTS) {
        *why = "its event has too many attachments";
        return NGX_ERROR;
    }

    if (ngx_http_realtime_scratch(&link->text, n, link->log) == NULL) {
        *why = "no memory";
        return NGX_ERROR;
    }

    rt_buf_init(&b, link->text.data, link->text.size);

    n = rt_unpack(&b, in, attachments, count, why);

    if (n < 0) {
        *why = *why ? *why : "its event does not fit";
    }

    return n;
}


/* the array of the event, without its brackets, as "event" */

static ngx_int_t
ngx_http_realtime_receive_event(ngx_http_realtime_link_t *link,
    rt_adapter_t *m, ngx_http_realtime_emit_t *out, rt_str_t *attachments,
    const char **why)
{
    ssize_t          n;
    uint32_t         count;
    rt_str_t         name;
    rt_json_iter_t   it;

    n = ngx_http_realtime_receive_json(link, m->data.bytes, attachments,
                                       &count, why);
    if (n < 0) {
        return NGX_ERROR;
    }

    /* an array with a name, as was seen to when it was decoded */

    rt_json_each(&it, rt_str(n, link->text.data));

    if (rt_json_next(&it, NULL, &name) != RT_OK || rt_sio_is_reserved(name)) {
        *why = "the name of its event is reserved";
        return NGX_ERROR;
    }

    out->event = rt_str(n - 2, link->text.data + 1);
    out->n = count;

    return NGX_OK;
}


/* what it says of its room, for whoever counts */

static void
ngx_http_realtime_receive_people(ngx_http_realtime_link_t *link,
    rt_adapter_t *m, rt_str_t rooms)
{
    rt_str_t  name;

    if (m->opts.has_people && link->on_people
        && ngx_http_realtime_list_next(&rooms, &name, NULL) == NGX_OK)
    {
        link->on_people(link, m->nsp, name, m->opts.people);
    }
}


ngx_int_t
ngx_http_realtime_receive_lists(ngx_http_realtime_link_t *link,
    rt_adapter_opts_t *opts, rt_str_t *rooms, rt_str_t *except)
{
    size_t    n;
    rt_buf_t  b;

    n = rt_adapter_count(opts->rooms) + rt_adapter_count(opts->except);

    if (n > NGX_HTTP_REALTIME_RECEIVE_NAMES) {
        return NGX_ERROR;
    }

    /* a number of one byte may become one of 24 */

    n = opts->rooms.len + opts->except.len
        + n * ngx_http_realtime_list_size(RT_NUMBER_LEN);

    if (ngx_http_realtime_scratch(&link->lists, n, link->log) == NULL) {
        return NGX_ERROR;
    }

    rt_buf_init(&b, link->lists.data, link->lists.size);

    *rooms = ngx_http_realtime_receive_list(&b, opts->rooms);
    *except = ngx_http_realtime_receive_list(&b, opts->except);

    /* where none of them is a name it is for nobody, and not for all */

    return (rooms->len || rt_adapter_count(opts->rooms) == 0) ? NGX_OK
                                                              : NGX_ERROR;
}


static rt_str_t
ngx_http_realtime_receive_list(rt_buf_t *b, rt_adapter_list_t in)
{
    u_char             *start = b->pos;
    rt_str_t            name;
    rt_adapter_iter_t   it;

    rt_adapter_each(&it, in);

    while (rt_adapter_next(&it, &name) == RT_OK) {
        if (name.len) {
            b->pos = ngx_http_realtime_list_put(b->pos, name, 0);
        }
    }

    return rt_str(b->pos - start, start);
}
