
/*
 * rt_adapter_out.c: the pieces of messages, as msgpack or as JSON.
 */


#include "proto/rt_adapter_out.h"

#include "proto/rt_pack.h"
#include "proto/rt_unpack.h"


void
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


void
rt_adapter_close(rt_adapter_encoder_t *e)
{
    if (e->json) {
        rt_out_put(&e->out, rt_lit("}"));
        e->some = 1;
    }
}


void
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


void
rt_adapter_put_id(rt_adapter_encoder_t *e)
{
    if (e->m->request_id.len) {
        rt_adapter_put_str(e, "requestId", e->m->request_id);
    }
}


void
rt_adapter_put_str(rt_adapter_encoder_t *e, const char *name, rt_str_t s)
{
    rt_adapter_put_key(e, name);
    rt_adapter_put_string(e, s);
}


void
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


void
rt_adapter_put_bool(rt_adapter_encoder_t *e, const char *name, int is)
{
    rt_adapter_put_key(e, name);

    if (e->json) {
        rt_out_put(&e->out, is ? rt_lit("true") : rt_lit("false"));

    } else {
        rt_out_put(&e->out, is ? rt_lit("\xc3") : rt_lit("\xc2"));
    }
}


void
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

void
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


void
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
