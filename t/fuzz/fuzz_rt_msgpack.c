
/*
 * Msgpack and JSON: what is taken becomes valid JSON of just the size that was
 * told, and from there on the two are each other's way back.
 */

#include "base/rt_json.h"
#include "base/rt_utf8.h"
#include "proto/rt_msgpack.h"
#include "proto/rt_number.h"
#include "proto/rt_pack.h"
#include "proto/rt_unpack.h"
#include "rt_fuzz.h"


/* the most that is packed: a text may name an attachment many times */
#define ROOM_MAX  (1 << 20)


typedef struct {
    rt_str_t   text;
    rt_str_t  *attachments;
    uint32_t   count;
} json_t;


static int
inside(rt_str_t in, rt_str_t s)
{
    return s.len == 0
           || (s.data >= in.data && s.data + s.len <= in.data + in.len);
}


static void
release(rt_str_t s)
{
    free((void *) (uintptr_t) s.data);
}


/* whether it is JSON at all; if so in memory of just its size */

static int
unpack(rt_str_t in, json_t *json)
{
    u_char      *mem;
    ssize_t      size;
    uint32_t     i;
    rt_buf_t     b;
    const char  *why;

    why = "";
    size = rt_unpack(NULL, in, NULL, &json->count, &why);

    if (size < 0) {
        must(why != NULL);
        return 0;
    }

    mem = rt_fuzz_alloc((size_t) size);
    json->attachments = rt_fuzz_alloc(json->count * sizeof(rt_str_t));

    rt_buf_init(&b, mem, (size_t) size - 1);
    must(rt_unpack(&b, in, json->attachments, &json->count, &why) == RT_ERROR);
    must(why == NULL);

    rt_buf_init(&b, mem, (size_t) size);
    must(rt_unpack(&b, in, json->attachments, &json->count, &why) == size);

    json->text = rt_buf_str(&b);

    must(json->text.len == (size_t) size);
    must(rt_utf8_check(json->text) == RT_OK);
    must(rt_json_check(json->text, &why) == RT_OK);

    for (i = 0; i < json->count; i++) {
        must(inside(in, json->attachments[i]));
    }

    return 1;
}


static void
done(json_t *json)
{
    release(json->text);
    free(json->attachments);
}


/* empty: a placeholder stands for nothing, or it would be too long */

static rt_str_t
pack(const json_t *json)
{
    u_char      *mem;
    ssize_t      room, size;
    rt_buf_t     b;
    const char  *why;

    room = rt_pack(NULL, json->text, json->attachments, json->count, &why);

    if (room < 0 || room > ROOM_MAX) {
        must(room > 0 || (why != NULL && json->count));
        return rt_str(0, NULL);
    }

    mem = rt_fuzz_alloc((size_t) room);

    rt_buf_init(&b, mem, (size_t) room - 1);
    must(rt_pack(&b, json->text, json->attachments, json->count, &why)
         == RT_ERROR);

    rt_buf_init(&b, mem, (size_t) room);
    size = rt_pack(&b, json->text, json->attachments, json->count, &why);

    must(size > 0 && size <= room);
    must(rt_buf_str(&b).len == (size_t) size);
    must(json->count || size == room);

    return rt_buf_str(&b);
}


/* once it has been JSON, nothing is lost any more */

static void
there_and_back(const json_t *json)
{
    json_t     again, more;
    rt_str_t   m, m2;
    uint32_t   i;

    m = pack(json);
    must(m.len > 0);
    must(unpack(m, &again));

    must(rt_str_eq(again.text, json->text));
    must(again.count == json->count);

    for (i = 0; i < json->count; i++) {
        must(rt_str_eq(again.attachments[i], json->attachments[i]));
    }

    m2 = pack(&again);
    must(rt_str_eq(m, m2));

    must(unpack(m2, &more));
    done(&more);
    done(&again);
    release(m2);
    release(m);
}


static void
walk(rt_str_t in)
{
    size_t              n;
    rt_int_t            rc;
    rt_str_t            value;
    rt_msgpack_t        v;
    rt_msgpack_iter_t   it, start;

    rt_msgpack_each(&it, in);
    n = 0;

    do {
        start = it;
        rc = rt_msgpack_next(&it, &v);
        must((rc == RT_OK) == (it.pos != start.pos));
        must(rc != RT_OK || inside(in, v.bytes));
        must(++n <= in.len + 1);

    } while (rc == RT_OK);

    rt_msgpack_each(&it, in);

    while (rt_msgpack_value(&it, &value) == RT_OK) {
        must(value.len > 0 && inside(in, value));
    }
}


static void
check_number(rt_str_t in)
{
    double   d;
    u_char   text[RT_NUMBER_LEN];
    size_t   len;

    if (in.len < sizeof(d)) {
        return;
    }

    memcpy(&d, in.data, sizeof(d));

    if (!(d - d == 0)) {
        return;
    }

    len = rt_number_format(text, d);
    must(len > 0 && len <= 25);
    must(rt_number_parse(rt_str(len, text)) == d);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t       json, again;
    rt_str_t     in, m, bins[2];
    const char  *why;

    in = rt_str(size, data);

    walk(in);
    check_number(in);

    if (unpack(in, &json)) {
        there_and_back(&json);
        done(&json);
    }

    if (rt_utf8_check(in) != RT_OK || rt_json_check(in, &why) != RT_OK) {
        return 0;
    }

    bins[0] = rt_str(size / 2, data);
    bins[1] = rt_str(size % 20, data);

    json.text = in;
    json.attachments = bins;

    for (json.count = 0; json.count <= 2; json.count++) {

        m = pack(&json);

        if (m.len == 0) {
            continue;
        }

        must(unpack(m, &again));
        must(json.count || again.count == 0);
        there_and_back(&again);
        done(&again);
        release(m);
    }

    return 0;
}
