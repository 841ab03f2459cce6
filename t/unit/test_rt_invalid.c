
/* what is wrong with a payload, as JSON */

#include "base/rt_json.h"
#include "chat/rt_invalid.h"
#include "rt_test.h"


int
main(void)
{
    int               i;
    u_char            mem[1024];
    rt_buf_t          b;
    rt_str_t          item;
    const char       *why;
    rt_invalid_t      inv;
    rt_json_iter_t    it;

    memset(&inv, 0, sizeof(rt_invalid_t));

    rt_buf_init(&b, mem, sizeof(mem));
    rt_invalid_put(&inv, &b);
    is_str(rt_buf_str(&b), rt_lit("[]"), "nothing is wrong");

    rt_invalid_add(&inv, "", "Required");
    rt_invalid_add(&inv, "customStatus.text", "a \"b\"");

    rt_buf_init(&b, mem, sizeof(mem));
    rt_invalid_put(&inv, &b);
    is_str(rt_buf_str(&b),
           rt_lit("[{\"path\":\"\",\"message\":\"Required\"},"
                  "{\"path\":\"customStatus.text\",\"message\":"
                  "\"a \\\"b\\\"\"}]"), "two things are");

    rt_buf_init(&b, mem, rt_buf_str(&b).len - 1);
    rt_invalid_put(&inv, &b);
    is_int(rt_buf_result(&b), RT_ERROR, "a byte too little");

    for (i = 0; i < 3 * RT_INVALID_MAX; i++) {
        rt_invalid_add(&inv, "path", "more");
    }

    rt_buf_init(&b, mem, sizeof(mem));
    rt_invalid_put(&inv, &b);
    is_int(rt_json_check(rt_buf_str(&b), &why), RT_OK, "still JSON");

    rt_json_each(&it, rt_buf_str(&b));

    for (i = 0; rt_json_next(&it, NULL, &item) == RT_OK; i++) { /* void */ }

    is_int(i, RT_INVALID_MAX, "no more than fit");

    return done_testing();
}
