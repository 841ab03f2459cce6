
/*
 * rt_ws.c: WebSocket frames (RFC 6455, 5), one head at a time.
 */


#include "base/rt_utf8.h"
#include "proto/rt_ws.h"


#define RT_WS_FIN     0x80
#define RT_WS_RSV1    0x40
#define RT_WS_RSV23   0x30
#define RT_WS_MASKED  0x80


static rt_int_t rt_ws_read_first(rt_ws_head_t *h, u_char ch);
static rt_int_t rt_ws_read_second(rt_ws_head_t *h, u_char ch);
static rt_int_t rt_ws_check_length(const rt_ws_head_t *h, uint64_t least);


static inline int
rt_ws_is_control(uint8_t opcode)
{
    return (opcode & 0x8) != 0;
}


rt_int_t
rt_ws_parse_head(rt_ws_head_t *h, const u_char **pos, const u_char *last)
{
    u_char    ch;
    rt_int_t  rc;
    enum {
        sw_first = 0,               /* FIN, RSV, opcode */
        sw_second,                  /* MASK, 7 bits of length */
        sw_length16,
        sw_length64,
        sw_mask
    };

    while (*pos != last) {

        ch = *(*pos)++;
        rc = RT_OK;

        switch (h->state) {

        case sw_first:
            rc = rt_ws_read_first(h, ch);
            h->state = sw_second;
            break;

        case sw_second:
            rc = rt_ws_read_second(h, ch);

            if (h->length == 126) {
                h->state = sw_length16;
                h->need = 2;
                h->length = 0;

            } else if (h->length == 127) {
                h->state = sw_length64;
                h->need = 8;
                h->length = 0;

            } else {
                h->state = sw_mask;
                h->need = 4;
            }

            break;

        case sw_length16:
        case sw_length64:
            h->length = (h->length << 8) | ch;

            if (--h->need == 0) {
                rc = rt_ws_check_length(h, (h->state == sw_length16) ? 126
                                                                     : 65536);
                h->state = sw_mask;
                h->need = 4;
            }

            break;

        default: /* sw_mask */
            h->mask[4 - h->need] = ch;

            if (--h->need == 0) {
                h->state = sw_first;

                if (!rt_ws_is_control(h->opcode)) {
                    h->fragmented = !h->fin;
                }

                return RT_OK;
            }

            break;
        }

        if (rc != RT_OK) {
            return rc;
        }
    }

    return RT_AGAIN;
}


static rt_int_t
rt_ws_read_first(rt_ws_head_t *h, u_char ch)
{
    h->fin = (ch & RT_WS_FIN) != 0;
    h->rsv1 = (ch & RT_WS_RSV1) != 0;
    h->opcode = ch & 0xf;

    if (ch & RT_WS_RSV23) {
        return RT_WS_PROTOCOL_ERROR;
    }

    switch (h->opcode) {

    case RT_WS_CONTINUATION:

        /* RSV1 stands on the first frame of a message (RFC 7692, 6) */

        if (h->rsv1 || !h->fragmented) {
            return RT_WS_PROTOCOL_ERROR;
        }

        return RT_OK;

    case RT_WS_TEXT:
    case RT_WS_BINARY:

        if ((h->rsv1 && !h->allow_rsv1) || h->fragmented) {
            return RT_WS_PROTOCOL_ERROR;
        }

        return RT_OK;

    case RT_WS_CLOSE:
    case RT_WS_PING:
    case RT_WS_PONG:

        if (h->rsv1 || !h->fin) {
            return RT_WS_PROTOCOL_ERROR;
        }

        return RT_OK;

    default:
        return RT_WS_PROTOCOL_ERROR;
    }
}


static rt_int_t
rt_ws_read_second(rt_ws_head_t *h, u_char ch)
{
    h->length = ch & 0x7f;

    if (!(ch & RT_WS_MASKED)) {
        return RT_WS_PROTOCOL_ERROR;
    }

    if (rt_ws_is_control(h->opcode)) {
        return (h->length > RT_WS_CONTROL_MAX) ? RT_WS_PROTOCOL_ERROR : RT_OK;
    }

    return (h->length < 126) ? rt_ws_check_length(h, 0) : RT_OK;
}


/* "least": what this form of the length is for */

static rt_int_t
rt_ws_check_length(const rt_ws_head_t *h, uint64_t least)
{
    if (h->length < least || h->length > INT64_MAX) {
        return RT_WS_PROTOCOL_ERROR;
    }

    return (h->length > h->limit) ? RT_WS_TOO_BIG : RT_OK;
}


void
rt_ws_unmask(u_char *dst, const u_char *src, size_t len,
    const uint8_t mask[4], uint64_t offset)
{
    size_t    i;
    uint8_t   turned[8];
    uint64_t  word, key;

    for (i = 0; i < sizeof(turned); i++) {
        turned[i] = mask[(offset + i) & 3];
    }

    memcpy(&key, turned, sizeof(key));

    while (len >= sizeof(word)) {
        memcpy(&word, src, sizeof(word));
        word ^= key;
        memcpy(dst, &word, sizeof(word));

        src += sizeof(word);
        dst += sizeof(word);
        len -= sizeof(word);
    }

    for (i = 0; i < len; i++) {
        dst[i] = src[i] ^ turned[i];
    }
}


size_t
rt_ws_write_head(u_char *dst, uint8_t opcode, uint64_t length, int rsv1)
{
    int     shift;
    size_t  n;

    dst[0] = (u_char) (RT_WS_FIN | (rsv1 ? RT_WS_RSV1 : 0) | opcode);

    if (length < 126) {
        dst[1] = (u_char) length;
        return 2;
    }

    dst[1] = (length < 65536) ? 126 : 127;
    n = 2;

    for (shift = (length < 65536) ? 8 : 56; shift >= 0; shift -= 8) {
        dst[n++] = (u_char) (length >> shift);
    }

    return n;
}


size_t
rt_ws_head_size(uint64_t length)
{
    return (length < 126) ? 2 : (length < 65536) ? 4 : 10;
}


rt_int_t
rt_ws_parse_close(rt_str_t payload, uint16_t *code)
{
    uint16_t  n;

    *code = 0;

    if (payload.len == 0) {
        return RT_OK;
    }

    if (payload.len == 1) {
        return RT_WS_PROTOCOL_ERROR;
    }

    n = (uint16_t) (payload.data[0] << 8 | payload.data[1]);

    /* 1004 to 1006 never stand in a frame; 1012 to 1014 came after the RFC */

    if (n < 1000 || (n >= 1004 && n <= 1006) || (n >= 1015 && n < 3000)
        || n >= 5000)
    {
        return RT_WS_PROTOCOL_ERROR;
    }

    if (rt_utf8_check(rt_str(payload.len - 2, payload.data + 2)) != RT_OK) {
        return RT_WS_BAD_DATA;
    }

    *code = n;

    return RT_OK;
}
