
/*
 * Socket.IO packets: what is taken comes back from its encoding, and holds
 * what the header promises; placeholders are looked for in another way, too.
 */

#include "base/rt_json.h"
#include "base/rt_utf8.h"
#include "proto/rt_sio.h"
#include "rt_fuzz.h"


static int
inside(rt_str_t in, rt_str_t s)
{
    return s.len == 0
           || (s.data >= in.data && s.data + s.len <= in.data + in.len);
}


/* whether all placeholders in "v" stand for attachments */

static int
filled(rt_str_t v, uint32_t attachments)
{
    uint64_t         n;
    rt_str_t         value;
    rt_json_iter_t   it;

    if (rt_json_get(v, rt_lit("_placeholder"), &value) == RT_OK
        && rt_json_type(value) == RT_JSON_TRUE
        && (rt_json_get(v, rt_lit("num"), &value) != RT_OK
            || rt_json_u64(value, &n) != RT_OK || n >= attachments))
    {
        return 0;
    }

    rt_json_each(&it, v);

    while (rt_json_next(&it, NULL, &value) == RT_OK) {

        if (!filled(value, attachments)) {
            return 0;
        }
    }

    return 1;
}


static void
check_shape(const rt_sio_packet_t *pkt)
{
    const char      *why;
    rt_str_t         list;
    rt_json_type_e   type;

    type = rt_json_type(pkt->data);

    must(pkt->data.len == 0 || rt_json_check(pkt->data, &why) == RT_OK);
    must(pkt->nsp.len > 0 && pkt->nsp.len <= RT_SIO_MAX_NSP);
    must(pkt->nsp.data[0] == '/');
    must(memchr(pkt->nsp.data, ',', pkt->nsp.len) == NULL);
    must(!pkt->has_id || pkt->id <= RT_SIO_MAX_ID);
    must(pkt->attachments <= RT_SIO_MAX_ATTACHMENTS);
    must((pkt->attachments != 0) == (pkt->type >= RT_SIO_BINARY_EVENT));

    list = rt_sio_args(pkt);
    must(list.len < pkt->data.len || list.len == 0);

    switch (pkt->type) {

    case RT_SIO_BINARY_EVENT:
        must(filled(pkt->data, pkt->attachments));
        /* fall through */

    case RT_SIO_EVENT:
        must(type == RT_JSON_ARRAY);
        must(rt_json_type(pkt->event) == RT_JSON_STRING
             || rt_json_type(pkt->event) == RT_JSON_NUMBER);
        must(!rt_json_is(pkt->event, rt_lit("connect")));
        must(!rt_json_is(pkt->event, rt_lit("disconnect")));
        break;

    case RT_SIO_BINARY_ACK:
        must(filled(pkt->data, pkt->attachments));
        /* fall through */

    case RT_SIO_ACK:
        must(type == RT_JSON_ARRAY);
        break;

    case RT_SIO_CONNECT:
        must(type == RT_JSON_OBJECT || type == RT_JSON_NONE);
        break;

    case RT_SIO_DISCONNECT:
        must(type == RT_JSON_NONE);
        break;

    case RT_SIO_CONNECT_ERROR:
        must(type == RT_JSON_OBJECT || type == RT_JSON_STRING);
        break;
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    u_char           *mem, *list;
    rt_buf_t          b, l;
    rt_str_t          in;
    const char       *why;
    rt_sio_packet_t   pkt, again;

    in = rt_str(size, data);
    why = NULL;

    if (rt_utf8_check(in) != RT_OK) {
        return 0;
    }

    if (rt_sio_decode(&pkt, in, &why) != RT_OK) {
        must(why != NULL);
        return 0;
    }

    must(inside(in, pkt.data) && inside(in, pkt.event));
    must(inside(in, rt_sio_args(&pkt)));
    check_shape(&pkt);

    mem = rt_fuzz_alloc(size + 64);
    list = rt_fuzz_alloc(size + 64);

    rt_buf_init(&b, mem, size + 64);
    rt_sio_put_head(&b, &pkt);
    rt_buf_put(&b, pkt.data);

    must(rt_buf_result(&b) != RT_ERROR);
    must(rt_sio_decode(&again, rt_buf_str(&b), &why) == RT_OK);

    must(again.type == pkt.type && again.attachments == pkt.attachments);
    must(again.has_id == pkt.has_id && again.id == pkt.id);
    must(rt_str_eq(again.nsp, pkt.nsp) && rt_str_eq(again.data, pkt.data));
    must(rt_str_eq(again.event, pkt.event));

    /* the arguments are the elements of a list again */

    rt_buf_init(&l, list, size + 64);
    rt_buf_char(&l, '[');
    rt_buf_put(&l, rt_sio_args(&pkt));
    rt_buf_char(&l, ']');
    must(rt_json_check(rt_buf_str(&l), &why) == RT_OK);

    free(list);
    free(mem);

    return 0;
}
