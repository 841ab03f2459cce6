
/*
 * rt_adapter.c: messages of Socket.IO's Redis adapters, decoded.
 */


#include "proto/rt_adapter.h"

#include <math.h>

#include "base/rt_json.h"
#include "base/rt_utf8.h"
#include "proto/rt_adapter_map.h"
#include "proto/rt_pack.h"


/* packets that are events, without and with binary data */
#define RT_ADAPTER_EVENT         2
#define RT_ADAPTER_BINARY_EVENT  5


typedef struct {
    rt_adapter_t  *m;
    const char    *why;
} rt_adapter_decoder_t;


static rt_int_t rt_adapter_broadcast(rt_adapter_decoder_t *d, rt_str_t in);
static rt_int_t rt_adapter_request(rt_adapter_decoder_t *d,
    const rt_adapter_map_t *map);
static rt_int_t rt_adapter_response(rt_adapter_decoder_t *d,
    const rt_adapter_map_t *map);
static rt_int_t rt_adapter_sharded(rt_adapter_decoder_t *d,
    const rt_adapter_map_t *map);
static rt_int_t rt_adapter_target(rt_adapter_decoder_t *d,
    const rt_adapter_map_t *map, int old);
static rt_int_t rt_adapter_packet(rt_adapter_decoder_t *d, rt_str_t packet);
static rt_int_t rt_adapter_event(rt_adapter_decoder_t *d, rt_str_t data);
static rt_int_t rt_adapter_opts(rt_adapter_decoder_t *d, rt_str_t opts);
static void rt_adapter_flags(rt_adapter_opts_t *opts, rt_str_t flags);
static void rt_adapter_rt(rt_adapter_opts_t *opts, rt_str_t rt);
static rt_int_t rt_adapter_list(rt_adapter_decoder_t *d, rt_str_t value,
    rt_adapter_list_t *list);
static rt_int_t rt_adapter_need_id(rt_adapter_decoder_t *d);
static rt_int_t rt_adapter_refuse(rt_adapter_decoder_t *d, const char *why);


ssize_t
rt_adapter_unify(rt_buf_t *b, rt_str_t in, const char **why)
{
    *why = NULL;

    if (in.len == 0 || in.data[0] != '{') {
        return 0;
    }

    if (rt_utf8_check(in) != RT_OK) {
        *why = "JSON is no UTF-8";
        return RT_ERROR;
    }

    if (rt_json_check(in, why) != RT_OK) {
        return RT_ERROR;
    }

    return rt_pack(b, in, NULL, 0, why);
}


rt_int_t
rt_adapter_decode(rt_adapter_t *m, rt_adapter_form_e form, rt_str_t in,
    const char **why)
{
    rt_int_t              rc;
    rt_str_t              all;
    rt_adapter_map_t      map;
    rt_msgpack_iter_t     it;
    rt_adapter_decoder_t  d = { m, NULL };

    memset(m, 0, sizeof(rt_adapter_t));
    m->form = form;

    /* from here on no piece of it is malformed */

    rt_msgpack_each(&it, in);

    if (rt_msgpack_value(&it, &all) != RT_OK || it.pos != it.last) {
        *why = "message is no msgpack";
        return RT_ERROR;
    }

    if (form == RT_ADAPTER_BROADCAST) {
        rc = rt_adapter_broadcast(&d, in);

    } else if (rt_adapter_map(&map, in) != RT_OK) {
        rc = rt_adapter_refuse(&d, "message is no object");

    } else {
        m->uid = rt_adapter_str(map.uid);
        m->type = rt_adapter_type(map.type);

        rc = (form == RT_ADAPTER_REQUEST) ? rt_adapter_request(&d, &map)
             : (form == RT_ADAPTER_RESPONSE) ? rt_adapter_response(&d, &map)
             : rt_adapter_sharded(&d, &map);
    }

    *why = d.why;

    return rc;
}


/* [uid, packet, opts] */

static rt_int_t
rt_adapter_broadcast(rt_adapter_decoder_t *d, rt_str_t in)
{
    rt_str_t           uid, packet, opts;
    rt_msgpack_t       v;
    rt_msgpack_iter_t  it;

    rt_msgpack_each(&it, in);

    if (rt_msgpack_next(&it, &v) != RT_OK || v.type != RT_MSGPACK_ARRAY
        || rt_msgpack_value(&it, &uid) != RT_OK
        || rt_msgpack_value(&it, &packet) != RT_OK
        || rt_msgpack_value(&it, &opts) != RT_OK)
    {
        return rt_adapter_refuse(d, "broadcast lacks something");
    }

    d->m->type = RT_ADAPTER_NO_TYPE;
    d->m->uid = rt_adapter_str(uid);

    if (rt_adapter_packet(d, packet) != RT_OK) {
        return RT_ERROR;
    }

    return rt_adapter_opts(d, opts);
}


static rt_int_t
rt_adapter_request(rt_adapter_decoder_t *d, const rt_adapter_map_t *map)
{
    rt_adapter_t  *m = d->m;

    m->request_id = rt_adapter_str(map->request_id);

    switch (m->type) {

    case RT_ADAPTER_SOCKETS:

        if (rt_adapter_list(d, map->rooms, &m->rooms) != RT_OK) {
            return RT_ERROR;
        }

        /* fall through */

    case RT_ADAPTER_ALL_ROOMS:
        return rt_adapter_need_id(d);

    case RT_ADAPTER_JOIN:
    case RT_ADAPTER_LEAVE:
    case RT_ADAPTER_DISCONNECT:
        return rt_adapter_target(d, map, 1);

    case RT_ADAPTER_FETCH:

        if (rt_adapter_need_id(d) != RT_OK) {
            return RT_ERROR;
        }

        return rt_adapter_opts(d, map->opts);

    case RT_ADAPTER_SERVER_SIDE_EMIT:
        return rt_adapter_event(d, map->data);

    case RT_ADAPTER_BROADCAST_ASK:

        if (rt_adapter_need_id(d) != RT_OK
            || rt_adapter_packet(d, map->packet) != RT_OK)
        {
            return RT_ERROR;
        }

        return rt_adapter_opts(d, map->opts);

    default:
        return RT_DECLINED;
    }
}


static rt_int_t
rt_adapter_response(rt_adapter_decoder_t *d, const rt_adapter_map_t *map)
{
    rt_adapter_t  *m = d->m;

    m->request_id = rt_adapter_str(map->request_id);

    if (rt_adapter_need_id(d) != RT_OK) {
        return RT_ERROR;
    }

    switch (m->type) {

    case RT_ADAPTER_SERVER_SIDE_EMIT:
        m->data.bytes = map->data;
        return RT_OK;

    case RT_ADAPTER_CLIENT_COUNT:

        if (!rt_adapter_u64(map->client_count, &m->client_count)) {
            return rt_adapter_refuse(d, "response lacks a count");
        }

        return RT_OK;

    case RT_ADAPTER_CLIENT_ACK:
        m->data.bytes = map->packet;
        return RT_OK;

    default:

        /* others have no type; what it is an answer to decides */

        m->type = RT_ADAPTER_NO_TYPE;

        if (rt_adapter_list(d, map->rooms, &m->rooms) != RT_OK) {
            return RT_ERROR;
        }

        return rt_adapter_list(d, map->sockets, &m->sockets);
    }
}


static rt_int_t
rt_adapter_sharded(rt_adapter_decoder_t *d, const rt_adapter_map_t *outer)
{
    rt_adapter_t      *m = d->m;
    rt_adapter_map_t   map;

    m->nsp = rt_adapter_str(outer->nsp);

    if (m->type == RT_SHARDED_INITIAL_HEARTBEAT
        || m->type == RT_SHARDED_HEARTBEAT || m->type == RT_SHARDED_CLOSE)
    {
        return RT_OK;
    }

    if (m->type < RT_SHARDED_BROADCAST || m->type > RT_SHARDED_CLIENT_ACK) {
        return RT_DECLINED;
    }

    if (rt_adapter_map(&map, outer->data) != RT_OK) {
        return rt_adapter_refuse(d, "message lacks its data");
    }

    m->request_id = rt_adapter_str(map.request_id);

    if (m->type >= RT_SHARDED_FETCH && m->type != RT_SHARDED_SERVER_SIDE_EMIT
        && rt_adapter_need_id(d) != RT_OK)
    {
        return RT_ERROR;
    }

    switch (m->type) {

    case RT_SHARDED_BROADCAST:

        /* there the namespace stands outside only */

        if (rt_adapter_packet(d, map.packet) != RT_OK) {
            return RT_ERROR;
        }

        m->nsp = rt_adapter_str(outer->nsp);

        return rt_adapter_opts(d, map.opts);

    case RT_SHARDED_JOIN:
    case RT_SHARDED_LEAVE:
    case RT_SHARDED_DISCONNECT:
        return rt_adapter_target(d, &map, 0);

    case RT_SHARDED_FETCH:
        return rt_adapter_opts(d, map.opts);

    case RT_SHARDED_FETCH_RESPONSE:
        return rt_adapter_list(d, map.sockets, &m->sockets);

    case RT_SHARDED_SERVER_SIDE_EMIT:
        return rt_adapter_event(d, map.packet);

    case RT_SHARDED_CLIENT_COUNT:

        if (!rt_adapter_u64(map.client_count, &m->client_count)) {
            return rt_adapter_refuse(d, "response lacks a count");
        }

        return RT_OK;

    default:
        m->data.bytes = map.packet;
        return RT_OK;
    }
}


/* whom JOIN, LEAVE and DISCONNECT mean, and what is to be done */

static rt_int_t
rt_adapter_target(rt_adapter_decoder_t *d, const rt_adapter_map_t *map,
    int old)
{
    rt_adapter_t  *m = d->m;

    m->close = rt_adapter_is(map->close) ? 1 : 0;

    if (rt_adapter_list(d, map->rooms, &m->rooms) != RT_OK) {
        return RT_ERROR;
    }

    if (!old || rt_adapter_is(map->opts)) {
        return rt_adapter_opts(d, map->opts);
    }

    m->sid = rt_adapter_str(map->sid);
    m->room = rt_adapter_str(map->room);

    return m->sid.len ? RT_OK
                      : rt_adapter_refuse(d, "request tells no socket");
}


/* {type, data, nsp} */

static rt_int_t
rt_adapter_packet(rt_adapter_decoder_t *d, rt_str_t packet)
{
    int               type;
    rt_adapter_map_t  map;

    if (rt_adapter_map(&map, packet) != RT_OK) {
        return rt_adapter_refuse(d, "broadcast lacks a packet");
    }

    type = rt_adapter_type(map.type);

    if (type != RT_ADAPTER_EVENT && type != RT_ADAPTER_BINARY_EVENT) {
        return rt_adapter_refuse(d, "packet is no event");
    }

    d->m->nsp = map.nsp.len ? rt_adapter_str(map.nsp) : rt_lit("/");

    return rt_adapter_event(d, map.data);
}


/* [name, arguments ...] */

static rt_int_t
rt_adapter_event(rt_adapter_decoder_t *d, rt_str_t data)
{
    rt_msgpack_t       v;
    rt_msgpack_iter_t  it;

    rt_msgpack_each(&it, data);

    if (rt_msgpack_next(&it, &v) != RT_OK || v.type != RT_MSGPACK_ARRAY
        || v.n == 0 || rt_msgpack_next(&it, &v) != RT_OK
        || (v.type != RT_MSGPACK_STR && v.type != RT_MSGPACK_UINT
            && v.type != RT_MSGPACK_INT
            && (v.type != RT_MSGPACK_FLOAT || !isfinite(v.f))))
    {
        return rt_adapter_refuse(d, "event has no name");
    }

    d->m->data.bytes = data;

    return RT_OK;
}


/* {rooms, except, flags} */

static rt_int_t
rt_adapter_opts(rt_adapter_decoder_t *d, rt_str_t opts)
{
    rt_adapter_map_t  map;

    if (rt_adapter_map(&map, opts) != RT_OK) {
        return rt_adapter_refuse(d, "message tells nobody");
    }

    if (rt_adapter_list(d, map.rooms, &d->m->opts.rooms) != RT_OK
        || rt_adapter_list(d, map.except, &d->m->opts.except) != RT_OK)
    {
        return RT_ERROR;
    }

    rt_adapter_flags(&d->m->opts, map.flags);
    rt_adapter_rt(&d->m->opts, map.rt);

    return RT_OK;
}


static void
rt_adapter_flags(rt_adapter_opts_t *opts, rt_str_t flags)
{
    rt_adapter_map_t  map;

    if (rt_adapter_map(&map, flags) != RT_OK) {
        return;
    }

    opts->has_flags = 1;
    opts->is_volatile = rt_adapter_is(map.is_volatile) ? 1 : 0;
    opts->broadcast = rt_adapter_is(map.broadcast) ? 1 : 0;
    opts->local = rt_adapter_is(map.local) ? 1 : 0;
    opts->single = rt_adapter_is(map.single) ? 1 : 0;
    opts->has_compress = (map.compress.len != 0);
    opts->compress = rt_adapter_is(map.compress) ? 1 : 0;
    opts->has_timeout = rt_adapter_u64(map.timeout, &opts->timeout) ? 1 : 0;
}


static void
rt_adapter_rt(rt_adapter_opts_t *opts, rt_str_t rt)
{
    rt_adapter_map_t  map;

    if (rt_adapter_map(&map, rt) != RT_OK) {
        return;
    }

    opts->has_seq = rt_adapter_u64(map.seq, &opts->seq) ? 1 : 0;
    opts->has_people = rt_adapter_u64(map.n, &opts->people) ? 1 : 0;
    opts->within = rt_adapter_str(map.in);
}


/* absent, undefined and null are empty lists; anything else is an array */

static rt_int_t
rt_adapter_list(rt_adapter_decoder_t *d, rt_str_t value,
    rt_adapter_list_t *list)
{
    rt_msgpack_t  v;

    switch (rt_adapter_get(&v, value)) {

    case RT_MSGPACK_NIL:
        return RT_OK;

    case RT_MSGPACK_ARRAY:
        *list = value;
        return RT_OK;

    default:
        return rt_adapter_refuse(d, "list is no array");
    }
}


static rt_int_t
rt_adapter_need_id(rt_adapter_decoder_t *d)
{
    return d->m->request_id.len ? RT_OK
           : rt_adapter_refuse(d, "message lacks the request's id");
}


static rt_int_t
rt_adapter_refuse(rt_adapter_decoder_t *d, const char *why)
{
    d->why = why;

    return RT_ERROR;
}


rt_int_t
rt_adapter_decode_socket(rt_adapter_socket_t *s, rt_str_t in)
{
    rt_msgpack_t      v;
    rt_adapter_map_t  map;

    memset(s, 0, sizeof(rt_adapter_socket_t));

    if (rt_adapter_map(&map, in) != RT_OK || rt_adapter_str(map.id).len == 0) {
        return RT_ERROR;
    }

    s->id = rt_adapter_str(map.id);
    s->handshake = map.handshake;
    s->data = map.data;

    if (rt_adapter_get(&v, map.rooms) == RT_MSGPACK_ARRAY) {
        s->rooms = map.rooms;
    }

    return RT_OK;
}


rt_int_t
rt_adapter_seq(rt_str_t in, uint64_t *seq)
{
    size_t             n;
    rt_str_t           key = rt_string("\xa3seq");
    rt_msgpack_t       v;
    rt_msgpack_iter_t  it;

    /* the number takes 1, 2, 3, 5 or 9 bytes */

    for (n = 1; n <= 9 && n + key.len <= in.len; n++) {

        if (memcmp(in.data + in.len - n - key.len, key.data, key.len) != 0) {
            continue;
        }

        rt_msgpack_each(&it, rt_str(n, in.data + in.len - n));

        if (rt_msgpack_next(&it, &v) == RT_OK && v.type == RT_MSGPACK_UINT
            && it.pos == it.last)
        {
            *seq = v.n;
            return RT_OK;
        }
    }

    return RT_DECLINED;
}
