
/* payloads: taken ones keep their limits, for others there is a reason */

#include "base/rt_json.h"
#include "base/rt_utf8.h"
#include "chat/rt_payload.h"
#include "rt_fuzz.h"


static void
check_reasons(const rt_invalid_t *inv)
{
    u_char       mem[4096];
    rt_buf_t     b;
    const char  *why;

    must(inv->n > 0 && inv->n <= RT_INVALID_MAX);

    rt_buf_init(&b, mem, sizeof(mem));
    rt_invalid_put(inv, &b);

    must(rt_buf_result(&b) != RT_ERROR);
    must(rt_json_check(rt_buf_str(&b), &why) == RT_OK);
}


static void
check_message(const rt_message_t *m, rt_str_t arg)
{
    rt_str_t  value;

    must(rt_room_name_valid(m->room.name));
    must(rt_json_get(arg, rt_lit("roomName"), &value) == RT_OK
         && rt_json_is(value, m->room.name));

    must(rt_json_get(arg, rt_lit("content"), &value) == RT_OK
         && value.data == m->content.data);
    must(rt_json_type(value) == RT_JSON_STRING);
    must(rt_json_length(value) >= 1
         && rt_json_length(value) <= RT_CONTENT_MAX);

    must((rt_json_get(arg, rt_lit("threadId"), &value) == RT_OK)
         == (m->thread.len != 0));
    must(m->thread.len == 0 || rt_json_length(m->thread) <= RT_THREAD_MAX);

    must((rt_json_get(arg, rt_lit("metadata"), &value) == RT_OK)
         == (m->metadata.len != 0));
    must(m->metadata.len == 0
         || rt_json_type(m->metadata) == RT_JSON_OBJECT);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int             room_is_right;
    rt_str_t        arg;
    const char     *why;
    rt_message_t    m;
    rt_invalid_t    inv;
    rt_room_ref_t   room;

    arg = rt_str(size, data);

    if (size && (rt_utf8_check(arg) != RT_OK
                 || rt_json_check(arg, &why) != RT_OK))
    {
        return 0;
    }

    memset(&inv, 0, sizeof(rt_invalid_t));
    room_is_right = (rt_payload_room(&room, arg, &inv) == RT_OK);

    if (!room_is_right) {
        check_reasons(&inv);
    }

    memset(&inv, 0, sizeof(rt_invalid_t));

    if (rt_payload_message(&m, arg, &inv) != RT_OK) {
        check_reasons(&inv);
        return 0;
    }

    must(room_is_right && inv.n == 0);
    must(rt_str_eq(room.name, m.room.name));
    check_message(&m, arg);

    return 0;
}
