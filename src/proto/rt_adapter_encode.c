
/*
 * rt_adapter_encode.c: messages of Socket.IO's Redis adapters, encoded.
 *
 * The same functions write msgpack and JSON.  An object is opened with the
 * number of its members, which msgpack wants to know first.
 */


#include "proto/rt_adapter.h"

#include "proto/rt_out.h"
#include "proto/rt_pack.h"
#include "proto/rt_unpack.h"


#define RT_ADAPTER_EVENT  2


typedef struct {
    rt_out_t             out;
    const rt_adapter_t  *m;
    const char          *why;
    unsigned             json:1;
    unsigned             some:1;    /* a comma is needed */
    unsigned             failed:1;
} rt_adapter_encoder_t;


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

static void rt_adapter_open(rt_adapter_encoder_t *e, size_t n);
static void rt_adapter_close(rt_adapter_encoder_t *e);
static void rt_adapter_put_key(rt_adapter_encoder_t *e, const char *name);
static void rt_adapter_put_id(rt_adapter_encoder_t *e);
static void rt_adapter_put_str(rt_adapter_encoder_t *e, const char *name,
    rt_str_t s);
static void rt_adapter_put_u64(rt_adapter_encoder_t *e, const char *name,
    uint64_t n);
static void rt_adapter_put_bool(rt_adapter_encoder_t *e, const char *name,
    int is);
static void rt_adapter_put_list(rt_adapter_encoder_t *e, const char *name,
    rt_adapter_list_t list);
static void rt_adapter_put_value(rt_adapter_encoder_t *e, const char *name,
    const rt_adapter_value_t *value);
static void rt_adapter_put_string(rt_adapter_encoder_t *e, rt_str_t s);


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
    const rt_adapter_opts_t  *opts = &e->m->opts;

    rt_adapter_open(e, opts->has_flags ? 3 : 2);
    rt_adapter_put_list(e, "rooms", opts->rooms);

    if (opts->has_flags && e->m->emitter) {
        rt_adapter_put_flags(e);
    }

    rt_adapter_put_list(e, "except", opts->except);

    if (opts->has_flags && !e->m->emitter) {
        rt_adapter_put_flags(e);
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


static void
rt_adapter_open(rt_adapter_encoder_t *e, size_t n)
{
    u_char    head[RT_MSGPACK_HEAD];
    rt_buf_t  b;

    if (e->json) {
        rt_out_put(&e->out, rt_lit("{"));
        e->some = 0;
        return;
    }

    rt_buf_init(&b, head, sizeof(head));
    rt_msgpack_put_map(&b, n);
    rt_out_put(&e->out, rt_buf_str(&b));
}


static void
rt_adapter_close(rt_adapter_encoder_t *e)
{
    if (e->json) {
        rt_out_put(&e->out, rt_lit("}"));
        e->some = 1;
    }
}


static void
rt_adapter_put_key(rt_adapter_encoder_t *e, const char *name)
{
    if (e->json && e->some) {
        rt_out_put(&e->out, rt_lit(","));
    }

    rt_adapter_put_string(e, rt_str(strlen(name), name));

    if (e->json) {
        rt_out_put(&e->out, rt_lit(":"));
    }

    e->some = 1;
}


static void
rt_adapter_put_id(rt_adapter_encoder_t *e)
{
    if (e->m->request_id.len) {
        rt_adapter_put_str(e, "requestId", e->m->request_id);
    }
}


static void
rt_adapter_put_str(rt_adapter_encoder_t *e, const char *name, rt_str_t s)
{
    rt_adapter_put_key(e, name);
    rt_adapter_put_string(e, s);
}


static void
rt_adapter_put_u64(rt_adapter_encoder_t *e, const char *name, uint64_t n)
{
    u_char    digits[RT_NUMBER_LEN];
    rt_buf_t  b;

    rt_adapter_put_key(e, name);
    rt_buf_init(&b, digits, sizeof(digits));

    if (e->json) {
        rt_buf_u64(&b, n);

    } else {
        rt_msgpack_put_uint(&b, n);
    }

    rt_out_put(&e->out, rt_buf_str(&b));
}


static void
rt_adapter_put_bool(rt_adapter_encoder_t *e, const char *name, int is)
{
    rt_adapter_put_key(e, name);

    if (e->json) {
        rt_out_put(&e->out, is ? rt_lit("true") : rt_lit("false"));

    } else {
        rt_out_put(&e->out, is ? rt_lit("\xc3") : rt_lit("\xc2"));
    }
}


static void
rt_adapter_put_list(rt_adapter_encoder_t *e, const char *name,
    rt_adapter_list_t list)
{
    rt_adapter_value_t  value = { list, NULL, 0, 0 };

    if (list.len == 0) {
        value.bytes = rt_lit("\x90");
    }

    rt_adapter_put_value(e, name, &value);
}


/* what is in its form already goes as it is */

static void
rt_adapter_put_value(rt_adapter_encoder_t *e, const char *name,
    const rt_adapter_value_t *value)
{
    ssize_t   n;
    uint32_t  none;

    if (value->bytes.len == 0) {
        e->why = "message lacks its data";
        e->failed = 1;
        return;
    }

    rt_adapter_put_key(e, name);

    if (value->json == e->json) {
        rt_out_put(&e->out, value->bytes);
        return;
    }

    if (value->json) {
        n = rt_pack(e->out.b, value->bytes, value->attachments, value->count,
                    &e->why);

    } else {
        none = 0;
        n = rt_unpack(e->out.b, value->bytes, NULL, &none, &e->why);
    }

    if (n < 0) {
        e->failed = 1;
        return;
    }

    rt_out_count(&e->out, (size_t) n);
}


static void
rt_adapter_put_string(rt_adapter_encoder_t *e, rt_str_t s)
{
    u_char    head[RT_MSGPACK_HEAD];
    rt_buf_t  b;

    if (e->json) {
        rt_unpack_string(&e->out, s);
        return;
    }

    rt_buf_init(&b, head, sizeof(head));
    rt_msgpack_put_str_head(&b, s.len);
    rt_out_put(&e->out, rt_buf_str(&b));
    rt_out_put(&e->out, s);
}
