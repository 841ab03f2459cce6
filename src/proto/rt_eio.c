
/*
 * rt_eio.c: Engine.IO packets (protocol revision 4).
 */


#include "base/rt_buf.h"
#include "proto/rt_eio.h"


rt_int_t
rt_eio_decode(rt_eio_packet_t *pkt, rt_str_t in, const char **why)
{
    u_char  type;

    if (in.len == 0) {
        *why = "packet is empty";
        return RT_ERROR;
    }

    type = in.data[0];

    if (type == 'b') {
        pkt->type = RT_EIO_MESSAGE;
        pkt->binary = 1;

    } else if (type >= '0' && type <= '0' + RT_EIO_NOOP) {
        pkt->type = (rt_eio_type_e) (type - '0');
        pkt->binary = 0;

    } else {
        *why = "packet type is unknown";
        return RT_ERROR;
    }

    pkt->data = rt_str(in.len - 1, in.data + 1);

    return RT_OK;
}


rt_int_t
rt_eio_payload_next(rt_str_t *rest, rt_str_t *packet)
{
    const u_char  *separator;

    if (rest->data == NULL) {
        return RT_DONE;
    }

    separator = rest->len ? memchr(rest->data, RT_EIO_SEPARATOR, rest->len)
                          : NULL;

    if (separator == NULL) {
        *packet = *rest;
        *rest = rt_str(0, NULL);
        return RT_OK;
    }

    *packet = rt_str((size_t) (separator - rest->data), rest->data);
    *rest = rt_str(rest->len - packet->len - 1, separator + 1);

    return RT_OK;
}


ssize_t
rt_eio_write_open(const rt_eio_open_t *open, u_char *dst, size_t size)
{
    rt_buf_t  b;

    rt_buf_init(&b, dst, size);

    rt_buf_put(&b, rt_lit("0{\"sid\":"));
    rt_buf_json(&b, open->sid);

    if (open->websocket) {
        rt_buf_put(&b, rt_lit(",\"upgrades\":[\"websocket\"]"));

    } else {
        rt_buf_put(&b, rt_lit(",\"upgrades\":[]"));
    }

    rt_buf_put(&b, rt_lit(",\"pingInterval\":"));
    rt_buf_u64(&b, open->ping_interval);

    rt_buf_put(&b, rt_lit(",\"pingTimeout\":"));
    rt_buf_u64(&b, open->ping_timeout);

    rt_buf_put(&b, rt_lit(",\"maxPayload\":"));
    rt_buf_u64(&b, open->max_payload);

    rt_buf_char(&b, '}');

    return rt_buf_result(&b);
}
