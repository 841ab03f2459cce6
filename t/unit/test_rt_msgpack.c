
/*
 * Msgpack: what notepack.io sends and reads (t/vectors/msgpack.txt), in both
 * directions and cut at every byte; heads at their limits; placeholders that
 * stand for nothing, for foreign bytes, or for the same bytes many times.
 */

#include "base/rt_json.h"
#include "proto/rt_msgpack.h"
#include "proto/rt_number.h"
#include "proto/rt_pack.h"
#include "proto/rt_unpack.h"
#include "rt_vectors.h"


#define ROOM  65536
#define BINS  64


static u_char    json_mem[ROOM], mem[ROOM];
static rt_str_t  bins[BINS];


static rt_str_t
text(const char *p)
{
    return rt_str(strlen(p), p);
}


/* JSON of msgpack, and "bins"; without data if it is refused */

static rt_str_t
unpack(rt_str_t in, uint32_t *n, const char **why)
{
    ssize_t    size;
    rt_buf_t   b;

    size = rt_unpack(NULL, in, NULL, n, why);

    if (size < 0 || size > ROOM || *n > BINS) {
        return rt_str(0, NULL);
    }

    rt_buf_init(&b, json_mem, (size_t) size);

    if (rt_unpack(&b, in, bins, n, why) != size) {
        *why = "the size differs";
        return rt_str(0, NULL);
    }

    return rt_buf_str(&b);
}


static rt_str_t
pack(const char *json, const rt_str_t *list, uint32_t n, const char **why)
{
    ssize_t    room;
    rt_buf_t   b;

    room = rt_pack(NULL, text(json), list, n, why);

    if (room < 0 || room > ROOM) {
        return rt_str(0, NULL);
    }

    rt_buf_init(&b, mem, (size_t) room);

    if (rt_pack(&b, text(json), list, n, why) < 0) {
        return rt_str(0, NULL);
    }

    return rt_buf_str(&b);
}


static void
check_cuts(const rt_vector_t *v)
{
    size_t       n;
    uint32_t     count;
    rt_str_t     part;
    const char  *why;

    for (n = 0; n < v->bytes.len; n++) {
        part = rt_test_copy(rt_str(n, v->bytes.data));

        if (unpack(part, &count, &why).data) {
            ok(0, "%s:%u cut at %zu is refused", v->file, v->line, n);
        }

        rt_test_free(part);
    }
}


static void
check_vector(const rt_vector_t *v)
{
    char         name[64];
    u_char       expected[RT_VECTOR_MAX];
    size_t       len;
    ssize_t      room;
    rt_buf_t     b;
    uint32_t     n;
    rt_str_t     json;
    const char  *why;

    (void) snprintf(name, sizeof(name), "%s:%u", v->file, v->line);

    why = "";
    json = unpack(v->bytes, &n, &why);

    if (strcmp(v->expected, "bad") == 0) {
        ok(json.data == NULL && why != NULL && why[0], "%s is refused", name);
        return;
    }

    check_cuts(v);
    json = unpack(v->bytes, &n, &why);

    len = rt_vector_decode(expected, v->expected + 1);
    is_str(json, rt_str(len, expected), name);

    if (v->expected[0] != '=' || json.data == NULL) {
        return;
    }

    room = rt_pack(NULL, json, bins, n, &why);
    rt_buf_init(&b, mem, sizeof(mem));

    ok(room >= (ssize_t) v->bytes.len
       && rt_pack(&b, json, bins, n, &why) == (ssize_t) v->bytes.len
       && rt_str_eq(rt_buf_str(&b), v->bytes), "%s comes back", name);

    rt_buf_init(&b, mem, v->bytes.len - 1);

    ok(rt_pack(&b, json, bins, n, &why) == RT_ERROR && why == NULL,
       "%s needs its room", name);
}


static void
test_placeholders(void)
{
    size_t     i;
    uint32_t   n;
    rt_str_t   m, json, list[2] = { rt_string("A"), rt_string("BC") };

    const char  *why;

    static const struct {
        const char  *json;
        const char  *msgpack;       /* NULL: refused with attachments */
    } cases[] = {
        { "[{\"_placeholder\":true,\"num\":1}]", "\x91\xc4\x02" "BC" },
        { "[{\"num\":0,\"x\":[\"yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\"],"
          "\"_placeholder\":true}]", "\x91\xc4\x01" "A" },
        { "{\"_placeholder\":true,\"num\":0}", "\xc4\x01" "A" },
        { "{\"_placeh\\u006flder\":true,\"num\":0}", "\xc4\x01" "A" },
        { "[{\"_placeholder\":true,\"num\":9,\"num\":1}]",
          "\x91\xc4\x02" "BC" },
        { "[{\"_placeholder\":false,\"num\":0}]",
          "\x91\x82\xac_placeholder\xc2\xa3num\x00" },
        { "[{\"_placeholder\":true,\"_placeholder\":1,\"num\":7}]",
          "\x91\x83\xac_placeholder\xc3\xac_placeholder\x01\xa3num\x07" },
        { "[{\"_placeholder\":[true]}]", "\x91\x81\xac_placeholder\x91\xc3" },
        { "[\"_placeholder\",true]", "\x92\xac_placeholder\xc3" },
        { "[{\"_placeholder\":true,\"num\":2}]", NULL },
        { "[{\"_placeholder\":true,\"num\":-1}]", NULL },
        { "[{\"_placeholder\":true,\"num\":0.5}]", NULL },
        { "[{\"_placeholder\":true,\"num\":\"0\"}]", NULL },
        { "[{\"_placeholder\":true,\"num\":[0]}]", NULL },
        { "[{\"_placeholder\":true}]", NULL },
        { "[{\"_placeholder\":true,\"num\":4294967296}]", NULL }
    };

    for (i = 0; i < rt_nitems(cases); i++) {
        m = pack(cases[i].json, list, 2, &why);

        if (cases[i].msgpack == NULL) {
            ok(m.data == NULL && why != NULL, "%s is refused", cases[i].json);

        } else {
            ok(m.len && memcmp(m.data, cases[i].msgpack, m.len) == 0, "%s",
               cases[i].json);
        }

        /* without attachments it is an object like any other */

        m = pack(cases[i].json, NULL, 0, &why);

        ok(m.data != NULL, "%s is plain", cases[i].json);

        json = unpack(m, &n, &why);
        is_int(n, 0, "no attachment");
        ok(json.data != NULL, "and comes back");
    }
}


static void
test_many_times(void)
{
    char         json[8192];
    size_t       i, len;
    ssize_t      room;
    rt_str_t     big = { 1 << 30, NULL };
    const char  *why;

    len = (size_t) snprintf(json, sizeof(json), "[0");

    for (i = 0; i < 200; i++) {
        len += (size_t) snprintf(json + len, sizeof(json) - len,
                                 ",{\"_placeholder\":true,\"num\":0}");
    }

    (void) snprintf(json + len, sizeof(json) - len, "]");

    room = rt_pack(NULL, text(json), &big, 1, &why);

    ok(room > 200LL * (1 << 30) && room < 201LL * (1 << 30),
       "one attachment 200 times is counted, not written");
}


static void
test_heads(void)
{
    size_t              i;
    u_char              room[16];
    rt_buf_t            b;
    rt_msgpack_t        v;
    rt_msgpack_iter_t   it;

    static const struct {
        size_t       n;
        const char  *str;
        const char  *bin;
        const char  *array;
        const char  *map;
    } cases[] = {
        { 1, "\xa1", "\xc4\x01", "\x91", "\x81" },
        { 15, "\xaf", "\xc4\x0f", "\x9f", "\x8f" },
        { 16, "\xb0", "\xc4\x10", "\xdc\0\x10", "\xde\0\x10" },
        { 31, "\xbf", "\xc4\x1f", "\xdc\0\x1f", "\xde\0\x1f" },
        { 32, "\xd9\x20", "\xc4\x20", "\xdc\0\x20", "\xde\0\x20" },
        { 255, "\xd9\xff", "\xc4\xff", "\xdc\0\xff", "\xde\0\xff" },
        { 256, "\xda\1\0", "\xc5\1\0", "\xdc\1\0", "\xde\1\0" },
        { 65535, "\xda\xff\xff", "\xc5\xff\xff", "\xdc\xff\xff",
          "\xde\xff\xff" },
        { 65536, "\xdb\0\1\0\0", "\xc6\0\1\0\0", "\xdd\0\1\0\0",
          "\xdf\0\1\0\0" },
        { UINT32_MAX, "\xdb\xff\xff\xff\xff", "\xc6\xff\xff\xff\xff",
          "\xdd\xff\xff\xff\xff", "\xdf\xff\xff\xff\xff" }
    };

    for (i = 0; i < rt_nitems(cases); i++) {

#define check_head(put, expected)                                             \
        rt_buf_init(&b, room, sizeof(room));                                  \
        put(&b, cases[i].n);                                                  \
        ok(memcmp(room, expected, rt_buf_str(&b).len) == 0, #put " %zu",      \
           cases[i].n);                                                       \
        rt_msgpack_each(&it, rt_buf_str(&b));                                 \
        ok(rt_msgpack_next(&it, &v) == RT_ERROR && it.pos == room,            \
           "nothing follows it");

        check_head(rt_msgpack_put_str_head, cases[i].str);
        check_head(rt_msgpack_put_bin_head, cases[i].bin);
        check_head(rt_msgpack_put_array, cases[i].array);
        check_head(rt_msgpack_put_map, cases[i].map);
    }

    /* half a head is another one */

    rt_buf_init(&b, room, 2);
    rt_msgpack_put_uint(&b, 65535);
    is_int(rt_buf_result(&b), RT_ERROR, "no room");
    is_int((intmax_t) rt_buf_str(&b).len, 0, "nothing was written");
}


static void
test_walk(void)
{
    rt_str_t            value, in;
    rt_msgpack_t        v;
    rt_msgpack_iter_t   it;

    in = rt_lit("\x92\x01\x81\xa1\x61\x90\xc0\x92\x01");
    rt_msgpack_each(&it, in);

    is_int(rt_msgpack_value(&it, &value), RT_OK, "a whole value");
    is_str(value, rt_lit("\x92\x01\x81\xa1\x61\x90"), "with all in it");
    is_int(rt_msgpack_value(&it, &value), RT_OK, "the next one");
    is_str(value, rt_lit("\xc0"), "nil");
    is_int(rt_msgpack_value(&it, &value), RT_ERROR, "one that is cut off");
    ok(*it.pos == 0x92, "stays there");

    is_int(rt_msgpack_next(&it, &v), RT_ERROR, "its head tells of too many");

    rt_msgpack_each(&it, rt_str(0, NULL));
    is_int(rt_msgpack_next(&it, &v), RT_DONE, "nothing");
    is_int(rt_msgpack_value(&it, &value), RT_DONE, "nothing");
}


/* the deepest that JSON may be, and a level more */

static void
test_depth(void)
{
    char         json[2 * RT_JSON_MAX_DEPTH + 3];
    u_char       deep[RT_JSON_MAX_DEPTH + 1];
    size_t       n;
    uint32_t     count;
    rt_str_t     m;
    const char  *why;

    memset(deep, 0x91, sizeof(deep));

    for (n = RT_JSON_MAX_DEPTH; n <= RT_JSON_MAX_DEPTH + 1; n++) {

        memset(json, '[', n);
        memset(json + n, ']', n);
        json[2 * n] = '\0';

        m = pack(json, NULL, 0, &why);
        deep[n - 1] = 0x90;

        if (n == RT_JSON_MAX_DEPTH) {
            is_str(m, rt_str(n, deep), "deep JSON");
            is_str(unpack(rt_str(n, deep), &count, &why), text(json), "and");

        } else {
            ok(m.data == NULL, "deeper JSON");
            ok(unpack(rt_str(n, deep), &count, &why).data == NULL, "and");
        }

        deep[n - 1] = 0x91;
    }
}


/* heads that have to be made longer, one in another */

static void
test_long(void)
{
    char         json[ROOM];
    size_t       i, len;
    uint32_t     n;
    rt_str_t     m, again;
    const char  *why;

    len = 0;

    for (i = 0; i < 40; i++) {
        len += (size_t) snprintf(json + len, sizeof(json) - len,
                                 "[1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,{\"k\":");
    }

    len += (size_t) snprintf(json + len, sizeof(json) - len, "null");

    for (i = 0; i < 40; i++) {
        len += (size_t) snprintf(json + len, sizeof(json) - len, "}]");
    }

    m = pack(json, NULL, 0, &why);
    ok(m.data == NULL, "80 levels");

    json[0] = '\0';
    len = 0;

    for (i = 0; i < 30; i++) {
        len += (size_t) snprintf(json + len, sizeof(json) - len,
                                 "[1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,{\"k\":");
    }

    len += (size_t) snprintf(json + len, sizeof(json) - len, "null");

    for (i = 0; i < 30; i++) {
        len += (size_t) snprintf(json + len, sizeof(json) - len, "}]");
    }

    m = pack(json, NULL, 0, &why);
    ok(m.len > 3 && memcmp(m.data, "\xdc\0\x10", 3) == 0, "60 levels");

    again = unpack(m, &n, &why);
    is_str(again, text(json), "come back");
}


static void
test_numbers(void)
{
    size_t   i;
    u_char   dst[RT_NUMBER_LEN];
    double   d;

    static const char *const  cases[] = {
        "0", "1", "-1", "0.5", "-0.000001", "1e-7", "1.5e-7", "1e+21",
        "100000000000000000000", "1.7976931348623157e+308", "5e-324",
        "7.120236347223045e-307", "2.2250738585072014e-308",
        "123456789.125", "9007199254740992", "0.1", "-4.35",
        "-1.2345678901234567e+100"
    };

    for (i = 0; i < rt_nitems(cases); i++) {
        d = rt_number_parse(text(cases[i]));
        is_str(rt_str(rt_number_format(dst, d), dst), text(cases[i]),
               cases[i]);
    }

    ok(rt_number_parse(rt_lit("1e309")) > 1e308, "too large");
    ok(rt_number_parse(rt_lit("1e99999999999999999999")) > 1e308, "by far");
    ok(rt_number_parse(rt_lit("1e-99999999999999999999")) == 0, "too small");
    ok(rt_number_parse(rt_lit("0e99999")) == 0, "zero");
    ok(rt_number_parse(rt_str(0, NULL)) == 0, "nothing");
}


int
main(void)
{
    rt_vectors("msgpack.txt", check_vector);

    test_placeholders();
    test_many_times();
    test_heads();
    test_walk();
    test_depth();
    test_long();
    test_numbers();

    return done_testing();
}
