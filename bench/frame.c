
/*
 * frame.c: frames that are never fragmented and fit one buffer.
 */


#include "frame.h"


#define RT_FRAME_FIN     0x80
#define RT_FRAME_MASK    0x80
#define RT_FRAME_MAX     (16 * 1024 * 1024)


rt_int_t
rt_frame_read(rt_frame_t *f, rt_str_t in)
{
    size_t         i, need, bytes;
    uint64_t       length;
    const u_char  *p;

    p = in.data;

    if (in.len < 2) {
        return RT_AGAIN;
    }

    if ((p[0] & 0xf0) != RT_FRAME_FIN) {
        return RT_ERROR;
    }

    length = p[1] & 0x7f;
    bytes = (length == 126) ? 2 : (length == 127) ? 8 : 0;
    need = 2 + bytes + ((p[1] & RT_FRAME_MASK) ? 4 : 0);

    if (in.len < need) {
        return RT_AGAIN;
    }

    if (bytes) {
        length = 0;

        for (i = 0; i < bytes; i++) {
            length = (length << 8) | p[2 + i];
        }
    }

    if (length > RT_FRAME_MAX) {
        return RT_ERROR;
    }

    if (in.len - need < length) {
        return RT_AGAIN;
    }

    f->opcode = p[0] & 0xf;
    f->masked = p[1] >> 7;
    f->raw = rt_str(need + length, p);
    f->payload = rt_str(length, p + need);

    return RT_OK;
}


/* the mask need not be secret here, only not zero, as it is in life */

size_t
rt_frame_write(u_char *dst, u_char opcode, rt_str_t payload)
{
    size_t                i;
    u_char               *p;
    static const uint8_t  mask[4] = { 0x37, 0xfa, 0x21, 0x3d };

    p = dst;
    *p++ = RT_FRAME_FIN | opcode;

    if (payload.len < 126) {
        *p++ = (u_char) (RT_FRAME_MASK | payload.len);

    } else if (payload.len <= 0xffff) {
        *p++ = RT_FRAME_MASK | 126;
        *p++ = (u_char) (payload.len >> 8);
        *p++ = (u_char) payload.len;

    } else {
        *p++ = RT_FRAME_MASK | 127;

        for (i = 0; i < 8; i++) {
            *p++ = (u_char) ((uint64_t) payload.len >> (56 - 8 * i));
        }
    }

    memcpy(p, mask, 4);
    p += 4;

    for (i = 0; i < payload.len; i++) {
        p[i] = payload.data[i] ^ mask[i & 3];
    }

    return (size_t) (p - dst) + payload.len;
}
