
/* WebSocket frames: heads at every cut, masks, what we write, close payloads */

#include "proto/rt_ws.h"
#include "rt_vectors.h"


#define LIMIT  100000


static void
head_init(rt_ws_head_t *h, const char *expected)
{
    memset(h, 0, sizeof(rt_ws_head_t));

    h->limit = LIMIT;
    h->allow_rsv1 = strstr(expected, "+r") != NULL;
    h->fragmented = strstr(expected, "+f") != NULL;
}


/* feeds the pieces before "a", up to "b", and behind it */

static rt_int_t
feed(rt_ws_head_t *h, rt_str_t in, size_t a, size_t b, size_t *eaten)
{
    size_t         i;
    rt_int_t       rc;
    rt_str_t       piece;
    const u_char  *pos;
    const size_t   cuts[] = { 0, a, b, in.len };

    rc = RT_AGAIN;
    *eaten = 0;

    for (i = 0; i < 3 && rc == RT_AGAIN; i++) {
        piece = rt_test_copy(rt_str(cuts[i + 1] - cuts[i], in.data + cuts[i]));

        pos = piece.data;
        rc = rt_ws_parse_head(h, &pos, piece.data + piece.len);
        *eaten = cuts[i] + (size_t) (pos - piece.data);

        rt_test_free(piece);
    }

    return rc;
}


static void
check_vector(const rt_vector_t *v)
{
    int            good;
    size_t         a, b, eaten;
    rt_int_t       rc, expected;
    rt_ws_head_t   h, whole;

    expected = (strncmp(v->expected, "ok", 2) == 0) ? RT_OK
               : (strncmp(v->expected, "again", 5) == 0) ? RT_AGAIN
               : atoi(v->expected);

    head_init(&whole, v->expected);
    rc = feed(&whole, v->bytes, v->bytes.len, v->bytes.len, &eaten);

    ok(rc == expected && eaten == v->bytes.len, "%s:%u is %s", v->file,
       v->line, v->expected);

    good = 1;

    for (a = 0; a <= v->bytes.len; a++) {
        for (b = a; b <= v->bytes.len; b++) {
            head_init(&h, v->expected);

            good = good && feed(&h, v->bytes, a, b, &eaten) == expected
                   && eaten == v->bytes.len
                   && memcmp(&h, &whole, sizeof(rt_ws_head_t)) == 0;
        }
    }

    ok(good, "%s:%u at every cut", v->file, v->line);
}


static void
test_head(void)
{
    size_t                i;
    const u_char         *pos;
    rt_ws_head_t          h;
    static const struct {
        rt_str_t  frames;
        unsigned  fragmented;       /* afterwards */
    } sequences[] = {
        { rt_string("\x81\x80\1\2\3\4\x81\x80\1\2\3\4"), 0 },
        { rt_string("\x01\x80\1\2\3\4"), 1 },
        { rt_string("\x01\x80\1\2\3\4\x89\x80\1\2\3\4"), 1 },
        { rt_string("\x01\x80\1\2\3\4\x00\x80\1\2\3\4\x8a\x80\1\2\3\4"), 1 },
        { rt_string("\x02\x80\1\2\3\4\x89\x80\1\2\3\4\x80\x80\1\2\3\4"), 0 },
        { rt_string("\x01\x80\1\2\3\4\x80\x80\1\2\3\4\x82\x80\1\2\3\4"), 0 }
    };

    head_init(&h, "");
    pos = (const u_char *) "\x81\xfe\x12\x34\xa1\xb2\xc3\xd4payload";

    ok(rt_ws_parse_head(&h, &pos, pos + 15) == RT_OK && *pos == 'p',
       "stops at the payload");
    ok(h.fin && h.opcode == RT_WS_TEXT && !h.rsv1, "flags and opcode");
    is_int((intmax_t) h.length, 0x1234, "length");
    ok(memcmp(h.mask, "\xa1\xb2\xc3\xd4", 4) == 0, "mask");

    for (i = 0; i < rt_nitems(sequences); i++) {
        head_init(&h, "");
        pos = sequences[i].frames.data;

        while (rt_ws_parse_head(&h, &pos, sequences[i].frames.data
                                          + sequences[i].frames.len) == RT_OK)
        {
            /* void */
        }

        ok(pos == sequences[i].frames.data + sequences[i].frames.len
           && h.fragmented == sequences[i].fragmented, "fragments %zu", i);
    }

    head_init(&h, "");
    h.limit = 10;
    pos = (const u_char *) "\x89\xfd\1\2\3\4";
    is_int(rt_ws_parse_head(&h, &pos, pos + 6), RT_OK,
           "no limit for control frames");

    head_init(&h, "");
    h.limit = 10;
    pos = (const u_char *) "\x81\x8b";
    is_int(rt_ws_parse_head(&h, &pos, pos + 2), RT_WS_TOO_BIG,
           "over the limit before the mask has come");
}


static void
test_unmask(void)
{
    int                   good;
    u_char                in[40], out[40];
    size_t                i, len, at;
    static const uint8_t  mask[4] = { 0x37, 0xfa, 0x21, 0x3d };

    memcpy(in, "\x7f\x9f\x4d\x51\x58", 5);
    rt_ws_unmask(in, in, 5, mask, 0);
    ok(memcmp(in, "Hello", 5) == 0, "the RFC's example, in place");

    for (i = 0; i < sizeof(in); i++) {
        in[i] = (u_char) (i * 37 + 11);
    }

    good = 1;

    for (at = 0; at < 13; at++) {
        for (len = 0; len + at <= sizeof(in) - 1; len++) {
            memset(out, 0xee, sizeof(out));
            rt_ws_unmask(out, in + at, len, mask, 0xfffffffffffffff8u + at);

            for (i = 0; i < sizeof(out); i++) {
                good = good && out[i] == ((i < len)
                                          ? (in[at + i] ^ mask[(at + i) % 4])
                                          : 0xee);
            }
        }
    }

    ok(good, "every offset and length");
}


static void
test_write(void)
{
    size_t                i, n;
    u_char                head[RT_WS_HEAD_MAX];
    static const struct {
        uint64_t  length;
        rt_str_t  head;
    } cases[] = {
        { 0, rt_string("\x81\x00") },
        { 125, rt_string("\x81\x7d") },
        { 126, rt_string("\x81\x7e\x00\x7e") },
        { 65535, rt_string("\x81\x7e\xff\xff") },
        { 65536, rt_string("\x81\x7f\0\0\0\0\0\x01\0\0") },
        { 0x0102030405060708, rt_string("\x81\x7f\1\2\3\4\5\6\7\x08") }
    };

    for (i = 0; i < rt_nitems(cases); i++) {
        n = rt_ws_write_head(head, RT_WS_TEXT, cases[i].length, 0);

        ok(rt_str_eq(rt_str(n, head), cases[i].head)
           && rt_ws_head_size(cases[i].length) == n, "head %zu", i);
    }

    (void) rt_ws_write_head(head, RT_WS_BINARY, 1, 1);
    is_int(head[0], 0xc2, "RSV1 and another opcode");

    (void) rt_ws_write_head(head, RT_WS_CLOSE, 2, 0);
    is_int(head[0], 0x88, "close");
}


static void
test_close(void)
{
    unsigned              n;
    uint16_t              code;
    rt_int_t              rc;
    u_char                payload[2];
    size_t                i;
    static const struct {
        rt_str_t  payload;
        rt_int_t  rc;
        uint16_t  code;
    } cases[] = {
        { rt_string(""), RT_OK, 0 },
        { rt_string("\x03"), RT_WS_PROTOCOL_ERROR, 0 },
        { rt_string("\x03\xe8" "bye"), RT_OK, 1000 },
        { rt_string("\x03\xe8\xc3\xa9"), RT_OK, 1000 },
        { rt_string("\x03\xe8\xc3"), RT_WS_BAD_DATA, 0 },
        { rt_string("\x03\xe8\xff"), RT_WS_BAD_DATA, 0 },
        { rt_string("\x03\xec\xff"), RT_WS_PROTOCOL_ERROR, 0 }
    };

    for (i = 0; i < rt_nitems(cases); i++) {
        code = 1;
        rc = rt_ws_parse_close(cases[i].payload, &code);

        ok(rc == cases[i].rc && (rc != RT_OK || code == cases[i].code),
           "close payload %zu", i);
    }

    for (n = 0; n < 65536; n++) {
        payload[0] = (u_char) (n >> 8);
        payload[1] = (u_char) n;
        rc = rt_ws_parse_close(rt_str(2, payload), &code);

        if (rc != ((n >= 1000 && n <= 1014 && n != 1004 && n != 1005
                    && n != 1006) || (n >= 3000 && n <= 4999)
                   ? RT_OK : RT_WS_PROTOCOL_ERROR)
            || (rc == RT_OK && code != n))
        {
            break;
        }
    }

    is_int(n, 65536, "every close code");
}


int
main(void)
{
    rt_vectors("ws.txt", check_vector);

    test_head();
    test_unmask();
    test_write();
    test_close();

    return done_testing();
}
