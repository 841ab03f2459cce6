
/*
 * WebSocket heads: the same in one piece and byte by byte; what is taken keeps
 * the rules; our own heads are read back; masks and close payloads.
 */

#include "proto/rt_ws.h"
#include "rt_fuzz.h"


/* eats frames up to the first that is refused or unfinished */

static rt_int_t
eat(rt_ws_head_t *h, rt_str_t in, size_t step, size_t *frames)
{
    size_t         skip;
    rt_int_t       rc;
    const u_char  *pos, *end, *last;

    pos = in.data;
    last = in.data + in.len;
    rc = RT_AGAIN;
    *frames = 0;

    while (pos != last) {

        end = ((size_t) (last - pos) < step) ? last : pos + step;
        rc = rt_ws_parse_head(h, &pos, end);

        if (rc == RT_AGAIN) {
            must(pos == end);
            continue;
        }

        if (rc != RT_OK) {
            return rc;
        }

        (*frames)++;

        must(h->state == 0);
        must(!(h->opcode & 0x8) || (h->fin && h->length <= RT_WS_CONTROL_MAX));
        must((h->opcode & 0x8) || h->length <= h->limit);
        must(!h->rsv1 || h->allow_rsv1);

        skip = (h->length < (uint64_t) (last - pos)) ? (size_t) h->length
                                                     : (size_t) (last - pos);
        pos += skip;
    }

    return rc;
}


static void
check_mask(rt_str_t in, uint64_t offset)
{
    u_char        *out;
    size_t         i, half;
    const u_char  *mask;

    if (in.len < 4) {
        return;
    }

    mask = in.data;
    half = in.data[0] % in.len;
    out = rt_fuzz_alloc(in.len);

    rt_ws_unmask(out, in.data, half, mask, offset);
    rt_ws_unmask(out + half, in.data + half, in.len - half, mask,
                 offset + half);

    for (i = 0; i < in.len; i++) {
        must(out[i] == (in.data[i] ^ mask[(offset + i) % 4]));
    }

    rt_ws_unmask(out, out, in.len, mask, offset);
    must(memcmp(out, in.data, in.len) == 0);

    free(out);
}


/* what we write, with a mask put behind it, is read back */

static void
check_written(uint64_t length, uint8_t opcode)
{
    u_char         head[RT_WS_HEAD_MAX + 4];
    size_t         n;
    const u_char  *pos;
    rt_ws_head_t   h;

    n = rt_ws_write_head(head, opcode, length, 0);
    must(n == rt_ws_head_size(length) && n <= RT_WS_HEAD_MAX);

    head[1] |= 0x80;
    memset(head + n, 0x5a, 4);
    memset(&h, 0, sizeof(rt_ws_head_t));
    h.limit = UINT64_MAX;
    pos = head;

    must(rt_ws_parse_head(&h, &pos, head + n + 4) == RT_OK);
    must(pos == head + n + 4);
    must(h.length == length && h.opcode == opcode && h.fin && !h.rsv1);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t         n[3];
    rt_int_t       rc;
    rt_str_t       in;
    uint16_t       code;
    uint64_t       length;
    rt_ws_head_t   h[3];

    if (size == 0) {
        return 0;
    }

    memset(h, 0, sizeof(h));

    /* the first byte is not taken away: seeds are frames */

    h[0].limit = 100000;
    h[0].allow_rsv1 = size & 1;
    h[1] = h[0];
    h[2] = h[0];
    in = rt_str(size, data);

    rc = eat(&h[0], in, size, &n[0]);
    must(rc == eat(&h[1], in, 1, &n[1]) && n[0] == n[1]);
    must(rc == eat(&h[2], in, 3, &n[2]) && n[0] == n[2]);
    must(memcmp(&h[0], &h[1], sizeof(rt_ws_head_t)) == 0);
    must(memcmp(&h[0], &h[2], sizeof(rt_ws_head_t)) == 0);
    must(rc == RT_OK || rc == RT_AGAIN || rc == RT_WS_PROTOCOL_ERROR
         || rc == RT_WS_TOO_BIG);

    length = 0;
    memcpy(&length, data, (size < 8) ? size : 8);
    check_written(length >> 1, RT_WS_BINARY);
    check_written(length % 200000, RT_WS_TEXT);
    check_mask(in, length);

    rc = rt_ws_parse_close(in, &code);
    must(rc != RT_OK || (code >= 1000 && code < 5000 && size >= 2));
    must(rc == RT_OK || rc == RT_WS_PROTOCOL_ERROR || rc == RT_WS_BAD_DATA);

    return 0;
}
