
/* the buffer: what fits, what does not, and that overflow sticks */

#include "base/rt_buf.h"
#include "base/rt_json.h"
#include "rt_test.h"

#include <inttypes.h>


typedef struct {
    rt_str_t  text;
    rt_str_t  json;
} escape_case_t;


static const escape_case_t  escape_cases[] = {
    { rt_string(""), rt_string("\"\"") },
    { rt_string("plain"), rt_string("\"plain\"") },
    { rt_string("\""), rt_string("\"\\\"\"") },
    { rt_string("\\"), rt_string("\"\\\\\"") },
    { rt_string("/"), rt_string("\"/\"") },
    { rt_string("\b\t\n\f\r"), rt_string("\"\\b\\t\\n\\f\\r\"") },
    { rt_string("\0\1\037\177"), rt_string("\"\\u0000\\u0001\\u001f\177\"") },
    { rt_string("a\nb"), rt_string("\"a\\nb\"") },
    { rt_string("\xc3\xa9\xe2\x80\xa8"), rt_string("\"\xc3\xa9\xe2\x80\xa8\"") }
};


static const uint64_t  numbers[] = {
    0, 1, 9, 10, 99, 100, 4294967295, 4294967296, 9007199254740991,
    9999999999999999999u, 10000000000000000000u, UINT64_MAX
};


static void
test_put(void)
{
    u_char    mem[4];
    rt_buf_t  b;

    rt_buf_init(&b, mem, sizeof(mem));
    is_int(rt_buf_result(&b), 0, "nothing written yet");

    rt_buf_put(&b, rt_lit("ab"));
    rt_buf_put(&b, rt_str(0, NULL));
    rt_buf_char(&b, 'c');
    is_str(rt_buf_str(&b), rt_lit("abc"), "pieces follow each other");

    rt_buf_char(&b, 'd');
    is_int(rt_buf_result(&b), 4, "exactly full");

    rt_buf_put(&b, rt_str(0, NULL));
    is_int(rt_buf_result(&b), 4, "nothing fits where nothing is left");

    rt_buf_char(&b, 'e');
    is_int(rt_buf_result(&b), RT_ERROR, "a byte too many");
    is_str(rt_buf_str(&b), rt_lit("abcd"), "what was written stays");

    rt_buf_init(&b, mem, sizeof(mem));
    rt_buf_put(&b, rt_lit("abcde"));
    is_str(rt_buf_str(&b), rt_lit(""), "no part of what does not fit");

    rt_buf_put(&b, rt_lit("a"));
    rt_buf_char(&b, 'a');
    rt_buf_u64(&b, 1);
    is_str(rt_buf_str(&b), rt_lit(""), "nothing after an overflow");
    is_int(rt_buf_result(&b), RT_ERROR, "the overflow sticks");

    rt_buf_init(&b, NULL, 0);
    is_int(rt_buf_result(&b), 0, "no memory, nothing written");
    rt_buf_char(&b, 'a');
    is_int(rt_buf_result(&b), RT_ERROR, "no memory");
}


static void
test_u64(void)
{
    char       expected[32];
    u_char     mem[32];
    size_t     i;
    rt_buf_t   b;

    for (i = 0; i < rt_nitems(numbers); i++) {
        (void) snprintf(expected, sizeof(expected), "%" PRIu64, numbers[i]);

        rt_buf_init(&b, mem, sizeof(mem));
        rt_buf_u64(&b, numbers[i]);
        is_str(rt_buf_str(&b), rt_str(strlen(expected), expected), expected);
    }
}


static void
test_json(void)
{
    u_char       mem[64], back[64];
    size_t       i, size;
    ssize_t      n;
    rt_str_t     text;
    rt_buf_t     b;
    const char  *why;

    for (i = 0; i < rt_nitems(escape_cases); i++) {
        text = rt_test_copy(escape_cases[i].text);

        rt_buf_init(&b, mem, sizeof(mem));
        rt_buf_json(&b, text);
        is_str(rt_buf_str(&b), escape_cases[i].json, "escapes");
        is_int(rt_json_check(rt_buf_str(&b), &why), RT_OK, "that is JSON");

        n = rt_json_decode(rt_buf_str(&b), back, sizeof(back));
        is_str(rt_str(n > 0 ? (size_t) n : 0, back), text, "and decodes");

        for (size = 0; size < escape_cases[i].json.len; size++) {
            rt_buf_init(&b, mem, size);
            rt_buf_json(&b, text);

            if (rt_buf_result(&b) != RT_ERROR) {
                break;
            }
        }

        is_int((intmax_t) size, (intmax_t) escape_cases[i].json.len,
               "any smaller buffer overflows");

        rt_test_free(text);
    }
}


int
main(void)
{
    test_put();
    test_u64();
    test_json();

    return done_testing();
}
