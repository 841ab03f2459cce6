
/*
 * JSON: a text that is taken can be walked and written anew, and that is the
 * same JSON; anything else is walked without leaving it.
 */

#include "base/rt_json.h"
#include "base/rt_utf8.h"
#include "rt_fuzz.h"


static void write_value(rt_buf_t *b, rt_str_t v);


static void
write_string(rt_buf_t *b, rt_str_t v)
{
    u_char   *text;
    size_t    i, points;
    ssize_t   n;

    text = rt_fuzz_alloc(v.len);
    n = rt_json_decode(v, text, v.len);

    must(n >= 0 && (size_t) n + 2 <= v.len);
    must(rt_json_size(v) == n);
    must(rt_utf8_check(rt_str((size_t) n, text)) == RT_OK);
    must(rt_json_is(v, rt_str((size_t) n, text)));
    must(n == 0 || !rt_json_is(v, rt_str((size_t) n - 1, text)));
    must(n == 0 || rt_json_decode(v, text, (size_t) n - 1) == RT_ERROR);

    points = 0;

    for (i = 0; i < (size_t) n; i++) {
        points += (text[i] & 0xc0) != 0x80;
    }

    must(rt_json_length(v) == points);

    rt_buf_json(b, rt_str((size_t) n, text));
    free(text);
}


static void
write_members(rt_buf_t *b, rt_str_t v, int object)
{
    int              first;
    rt_str_t         key, value;
    rt_json_iter_t   it;

    first = 1;
    rt_json_each(&it, v);

    while (rt_json_next(&it, &key, &value) == RT_OK) {

        must(object == (key.len != 0));
        must(value.len != 0);

        if (!first) {
            rt_buf_char(b, ',');
        }

        if (object) {
            write_string(b, key);
            rt_buf_char(b, ':');
        }

        write_value(b, value);
        first = 0;
    }
}


/* the value without white space, its strings decoded and encoded */

static void
write_value(rt_buf_t *b, rt_str_t v)
{
    must(rt_str_eq(v, rt_json_trim(v)));

    switch (rt_json_type(v)) {

    case RT_JSON_OBJECT:
        rt_buf_char(b, '{');
        write_members(b, v, 1);
        rt_buf_char(b, '}');
        break;

    case RT_JSON_ARRAY:
        rt_buf_char(b, '[');
        write_members(b, v, 0);
        rt_buf_char(b, ']');
        break;

    case RT_JSON_STRING:
        write_string(b, v);
        break;

    default:
        rt_buf_put(b, v);
    }
}


static size_t
count_tokens(rt_str_t v)
{
    size_t           n, len;
    rt_str_t         token;
    rt_json_iter_t   it;

    it.pos = v.data;
    it.last = v.len ? v.data + v.len : v.data;
    len = 0;

    for (n = 0; rt_json_token(&it, &token) == RT_OK; n++) {
        must(token.len > 0);
        len += token.len;
    }

    must(len <= v.len);

    return n;
}


/* a walk over what is no JSON: it ends, and stays inside */

static void
walk(rt_str_t v, int depth)
{
    u_char          *text;
    ssize_t          n;
    uint64_t         number;
    rt_str_t         key, value;
    rt_json_iter_t   it;

    text = rt_fuzz_alloc(v.len);
    n = rt_json_decode(v, text, v.len);
    must(n == RT_ERROR || (size_t) n <= v.len);
    must(rt_json_size(v) == n);
    free(text);

    must(rt_json_length(v) <= v.len);
    (void) rt_json_u64(v, &number);
    (void) rt_json_get(v, rt_lit("a"), &value);
    (void) count_tokens(v);

    rt_json_each(&it, v);

    while (depth && rt_json_next(&it, &key, &value) == RT_OK) {
        must(value.len == 0 || (value.data >= v.data
                                && value.data + value.len
                                   <= v.data + v.len));
        walk(key, 0);
        walk(value, depth - 1);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    u_char      *mem;
    size_t       room;
    rt_str_t     in, again;
    rt_buf_t     b, b2;
    const char  *why;

    in = rt_str(size, data);
    why = NULL;

    walk(in, 3);

    if (rt_json_check(in, &why) != RT_OK) {
        must(why != NULL);
        return 0;
    }

    must(why == NULL);

    if (rt_utf8_check(in) != RT_OK) {
        return 0;
    }

    /* an escape of one byte takes at most six */

    room = 6 * size + 16;
    mem = rt_fuzz_alloc(2 * room);

    rt_buf_init(&b, mem, room);
    write_value(&b, rt_json_trim(in));
    must(rt_buf_result(&b) != RT_ERROR);

    again = rt_buf_str(&b);

    must(rt_json_check(again, &why) == RT_OK);
    must(rt_json_type(again) == rt_json_type(in));
    must(count_tokens(again) == count_tokens(in));

    rt_buf_init(&b2, mem + room, room);
    write_value(&b2, again);
    must(rt_str_eq(rt_buf_str(&b2), again));

    /* anything behind it is too much */

    rt_buf_char(&b, ']');
    must(rt_json_check(rt_buf_str(&b), &why) == RT_ERROR);

    free(mem);

    return 0;
}
