
/*
 * rt_adapter_encode.c: messages of Socket.IO's Redis adapters, encoded.
 *
 * What stands in them, and in which order; how it is written is rt_adapter_out.
 */


#include "proto/rt_adapter.h"

#include "proto/rt_adapter_out.h"
#include "proto/rt_unpack.h"


#define RT_ADAPTER_EVENT  2


static rt_int_t rt_adapter_choose(rt_adapter_encoder_t *e);
static int rt_adapter_is_binary(rt_adapter_encoder_t *e, rt_str_t value);

static void rt_adapter_put_broadcast(rt_adapter_encoder_t *e);
static void rt_adapter_put_request(rt_adapter_encoder_t *e);
static void rt_adapter_put_response(rt_adapter_encoder_t *e);
static void rt_adapter_put_sharded(rt_adapter_encoder_t *e);
static void rt_adapter_put_sharded_data(rt_adapter_encoder_t *e);
static void rt_adapter_put_packet(rt_adapter_encoder_t *e, int nsp);
static void rt_adapter_put_opts(rt_adapter_encoder_t *e);
static void rt_adapter_put_flags(rt_adapter_encoder_t *e);
static void rt_adapter_put_rt(rt_adapter_encoder_t *e);


ssize_t
rt_adapter_encode(rt_buf_t *b, const rt_adapter_t *m, const char **why)
{
    rt_adapter_encoder_t  e;

    memset(&e, 0, sizeof(rt_adapter_encoder_t));
    rt_out_init(&e.out, b);
    e.m = m;

    if (rt_adapter_choose(&e) != RT_OK) {
        *why = e.why;
        return RT_ERROR;
    }

    switch (m->form) {

    case RT_ADAPTER_BROADCAST:
        rt_adapter_put_broadcast(&e);
        break;

    case RT_ADAPTER_REQUEST:
        rt_adapter_put_request(&e);
        break;

    case RT_ADAPTER_RESPONSE:
        rt_adapter_put_response(&e);
        break;

    case RT_ADAPTER_SHARDED:
        rt_adapter_put_sharded(&e);
        break;
    }

    *why = e.why;

    return e.failed ? RT_ERROR : rt_out_result(&e.out);
}


/* JSON or msgpack */

static rt_int_t
rt_adapter_choose(rt_adapter_encoder_t *e)
{
    int                  binary;
    const rt_adapter_t  *m = e->m;

    if (m->form == RT_ADAPTER_BROADCAST
        || (m->form == RT_ADAPTER_REQUEST
            && m->type == RT_ADAPTER_BROADCAST_ASK)
        || (m->form == RT_ADAPTER_RESPONSE
            && m->type == RT_ADAPTER_CLIENT_ACK))
    {
        return RT_OK;
    }

    binary = m->data.json ? m->data.count != 0
                          : rt_adapter_is_binary(e, m->data.bytes);

    binary |= rt_adapter_is_binary(e, m->sockets);

    e->json = !binary;

    return e->failed ? RT_ERROR : RT_OK;
}


static int
rt_adapter_is_binary(rt_adapter_encoder_t *e, rt_str_t value)
{
    uint32_t  n;

    if (value.len == 0) {
        return 0;
    }

    if (rt_unpack(NULL, value, NULL, &n, &e->why) < 0) {
        e->failed = 1;
        return 0;
    }

    return n != 0;
}


static void
rt_adapter_put_broadcast(rt_adapter_encoder_t *e)
{
    rt_out_put(&e->out, rt_lit("\x93"));
    rt_adapter_put_string(e, e->m->uid);
    rt_adapter_put_packet(e, 1);
    rt_adapter_put_opts(e);
}


static void
rt_adapter_put_request(rt_adapter_encoder_t *e)
{
    int                  old, opts, rooms, one;
    const rt_adapter_t  *m = e->m;

    old = (m->sid.len != 0);
    opts = !old && m->type >= RT_ADAPTER_JOIN
           && m->type != RT_ADAPTER_SERVER_SIDE_EMIT;
    rooms = !old && (m->type == RT_ADAPTER_SOCKETS
                     || m->type == RT_ADAPTER_JOIN
                     || m->type == RT_ADAPTER_LEAVE);

    /* one of "data", "packet", "close", "room" */

    one = old || m->type == RT_ADAPTER_DISCONNECT
          || m->type >= RT_ADAPTER_SERVER_SIDE_EMIT;

    rt_adapter_open(e, (size_t) ((m->uid.len != 0) + (m->request_id.len != 0)
                                 + 1 + old + opts + rooms + one));

    if (m->uid.len) {
        rt_adapter_put_str(e, "uid", m->uid);
    }

    rt_adapter_put_id(e);
    rt_adapter_put_u64(e, "type", (uint64_t) m->type);

    if (m->type == RT_ADAPTER_BROADCAST_ASK) {
        rt_adapter_put_key(e, "packet");
        rt_adapter_put_packet(e, 1);
    }

    if (opts) {
        rt_adapter_put_key(e, "opts");
        rt_adapter_put_opts(e);
    }

    if (rooms) {
        rt_adapter_put_list(e, "rooms", m->rooms);
    }

    if (old) {
        rt_adapter_put_str(e, "sid", m->sid);
    }

    if (m->type == RT_ADAPTER_DISCONNECT) {
        rt_adapter_put_bool(e, "close", m->close);

    } else if (old) {
        rt_adapter_put_str(e, "room", m->room);
    }

    if (m->type == RT_ADAPTER_SERVER_SIDE_EMIT) {
        rt_adapter_put_value(e, "data", &m->data);
    }

    rt_adapter_close(e);
}


static void
rt_adapter_put_response(rt_adapter_encoder_t *e)
{
    const rt_adapter_t  *m = e->m;

    rt_adapter_open(e, (size_t) ((m->type != RT_ADAPTER_NO_TYPE)
                                 + (m->request_id.len != 0)
                                 + (m->type == RT_ADAPTER_CLIENT_COUNT)
                                 + (m->data.bytes.len != 0)
                                 + (m->sockets.len != 0)
                                 + (m->rooms.len != 0)));

    if (m->type != RT_ADAPTER_NO_TYPE) {
        rt_adapter_put_u64(e, "type", (uint64_t) m->type);
    }

    rt_adapter_put_id(e);

    if (m->type == RT_ADAPTER_CLIENT_COUNT) {
        rt_adapter_put_u64(e, "clientCount", m->client_count);
    }

    if (m->data.bytes.len) {
        rt_adapter_put_value(e, (m->type == RT_ADAPTER_CLIENT_ACK) ? "packet"
                                                                   : "data",
                             &m->data);
    }

    if (m->sockets.len) {
        rt_adapter_put_list(e, "sockets", m->sockets);
    }

    if (m->rooms.len) {
        rt_adapter_put_list(e, "rooms", m->rooms);
    }

    rt_adapter_close(e);
}


static void
rt_adapter_put_sharded(rt_adapter_encoder_t *e)
{
    int                  data;
    const rt_adapter_t  *m = e->m;

    data = (m->type >= RT_SHARDED_BROADCAST && m->type < RT_SHARDED_CLOSE);

    rt_adapter_open(e, data ? 4 : 3);
    rt_adapter_put_u64(e, "type", (uint64_t) m->type);

    if (data) {
        rt_adapter_put_key(e, "data");
        rt_adapter_put_sharded_data(e);
    }

    rt_adapter_put_str(e, "uid", m->uid);
    rt_adapter_put_str(e, "nsp", m->nsp);
    rt_adapter_close(e);
}


static void
rt_adapter_put_sharded_data(rt_adapter_encoder_t *e)
{
    size_t               id;
    const rt_adapter_t  *m = e->m;

    id = (m->request_id.len != 0);

    switch (m->type) {

    case RT_SHARDED_BROADCAST:
        rt_adapter_open(e, 2 + id);
        rt_adapter_put_key(e, "packet");
        rt_adapter_put_packet(e, 0);
        rt_adapter_put_id(e);
        rt_adapter_put_key(e, "opts");
        rt_adapter_put_opts(e);
        break;

    case RT_SHARDED_JOIN:
    case RT_SHARDED_LEAVE:
        rt_adapter_open(e, 2);
        rt_adapter_put_key(e, "opts");
        rt_adapter_put_opts(e);
        rt_adapter_put_list(e, "rooms", m->rooms);
        break;

    case RT_SHARDED_DISCONNECT:
        rt_adapter_open(e, 2);
        rt_adapter_put_key(e, "opts");
        rt_adapter_put_opts(e);
        rt_adapter_put_bool(e, "close", m->close);
        break;

    case RT_SHARDED_FETCH:
        rt_adapter_open(e, 1 + id);
        rt_adapter_put_key(e, "opts");
        rt_adapter_put_opts(e);
        rt_adapter_put_id(e);
        break;

    case RT_SHARDED_FETCH_RESPONSE:
        rt_adapter_open(e, 1 + id);
        rt_adapter_put_id(e);
        rt_adapter_put_list(e, "sockets", m->sockets);
        break;

    case RT_SHARDED_CLIENT_COUNT:
        rt_adapter_open(e, 1 + id);
        rt_adapter_put_id(e);
        rt_adapter_put_u64(e, "clientCount", m->client_count);
        break;

    default:
        rt_adapter_open(e, id + (m->data.bytes.len != 0));
        rt_adapter_put_id(e);

        if (m->data.bytes.len) {
            rt_adapter_put_value(e, "packet", &m->data);
        }

        break;
    }

    rt_adapter_close(e);
}


static void
rt_adapter_put_packet(rt_adapter_encoder_t *e, int nsp)
{
    rt_adapter_open(e, nsp ? 3 : 2);
    rt_adapter_put_u64(e, "type", RT_ADAPTER_EVENT);
    rt_adapter_put_value(e, "data", &e->m->data);

    if (nsp) {
        rt_adapter_put_str(e, "nsp", e->m->nsp);
    }

    rt_adapter_close(e);
}


static void
rt_adapter_put_opts(rt_adapter_encoder_t *e)
{
    int                       rt;
    const rt_adapter_opts_t  *opts = &e->m->opts;

    rt = opts->has_seq || opts->has_people || opts->within.len;

    rt_adapter_open(e, (size_t) (2 + opts->has_flags + rt));
    rt_adapter_put_list(e, "rooms", opts->rooms);

    if (opts->has_flags && e->m->emitter) {
        rt_adapter_put_flags(e);
    }

    rt_adapter_put_list(e, "except", opts->except);

    if (opts->has_flags && !e->m->emitter) {
        rt_adapter_put_flags(e);
    }

    if (rt) {
        rt_adapter_put_rt(e);
    }

    rt_adapter_close(e);
}


static void
rt_adapter_put_flags(rt_adapter_encoder_t *e)
{
    const rt_adapter_opts_t  *opts = &e->m->opts;

    rt_adapter_put_key(e, "flags");

    rt_adapter_open(e, (size_t) opts->is_volatile + opts->has_compress
                       + opts->broadcast + opts->has_timeout + opts->single);

    if (opts->is_volatile) {
        rt_adapter_put_bool(e, "volatile", 1);
    }

    if (opts->has_compress) {
        rt_adapter_put_bool(e, "compress", opts->compress);
    }

    if (opts->broadcast) {
        rt_adapter_put_bool(e, "broadcast", 1);
    }

    if (opts->has_timeout) {
        rt_adapter_put_u64(e, "timeout", opts->timeout);
    }

    if (opts->single) {
        rt_adapter_put_bool(e, "expectSingleResponse", 1);
    }

    rt_adapter_close(e);
}


/* what only hosts of this server know; Node's adapters pass over it */

static void
rt_adapter_put_rt(rt_adapter_encoder_t *e)
{
    const rt_adapter_opts_t  *opts = &e->m->opts;

    rt_adapter_put_key(e, "rt");

    rt_adapter_open(e, (size_t) (opts->has_seq + (opts->within.len != 0)
                                 + opts->has_people));

    if (opts->within.len) {
        rt_adapter_put_str(e, "in", opts->within);
    }

    if (opts->has_people) {
        rt_adapter_put_u64(e, "n", opts->people);
    }

    /* the last one: rt_adapter_seq() */

    if (opts->has_seq) {
        rt_adapter_put_u64(e, "seq", opts->seq);
    }

    rt_adapter_close(e);
}
