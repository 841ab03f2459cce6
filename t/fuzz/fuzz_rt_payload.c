
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


/* what was refused has reasons, what was taken has none */

static int
taken(rt_int_t rc, const rt_invalid_t *inv)
{
    if (rc != RT_OK) {
        must(rc == RT_ERROR);
        check_reasons(inv);
        return 0;
    }

    must(inv->n == 0);

    return 1;
}


static void
check_typing(const rt_typing_t *t, rt_str_t arg)
{
    rt_str_t  value;

    must(rt_room_name_valid(t->room.name));

    if (rt_json_get(arg, rt_lit("threadId"), &value) != RT_OK) {
        must(!t->has_thread && t->thread.len == 0
             && t->thread_json.len == 0);
        return;
    }

    must(t->has_thread && t->thread_json.data == value.data);
    must(rt_json_length(value) <= RT_THREAD_MAX);
    must(t->thread.len <= RT_THREAD_BYTES && t->thread.data == t->thread_buf);
    must(rt_json_is(value, t->thread) && rt_utf8_check(t->thread) == RT_OK);
}


/* one field of the custom status says what that of the payload says */

static size_t
check_custom(const rt_presence_t *p, rt_str_t said, rt_str_t name, size_t max)
{
    ssize_t   n;
    u_char    mem[4 * RT_TEXT_MAX];
    rt_str_t  from, to;

    if (rt_json_get(said, name, &from) != RT_OK) {
        must(rt_json_get(p->custom, name, &to) != RT_OK);
        return 0;
    }

    must(rt_json_get(p->custom, name, &to) == RT_OK);
    must(rt_json_type(from) == RT_JSON_STRING
         && rt_json_type(to) == RT_JSON_STRING);
    must(rt_json_length(from) <= max);

    n = rt_json_decode(from, mem, sizeof(mem));

    must(n >= 0 && rt_json_is(to, rt_str((size_t) n, mem)));

    return 1;
}


static void
check_presence(const rt_presence_t *p, rt_str_t arg)
{
    size_t          n;
    rt_str_t        key, value;
    const char     *why;
    rt_json_iter_t  it;

    must(rt_json_get(arg, rt_lit("status"), &value) == RT_OK
         && rt_json_is(value, *rt_status_name(p->status)));

    if (rt_json_get(arg, rt_lit("customStatus"), &value) != RT_OK) {
        must(!p->has_custom && p->custom.len == 0);
        return;
    }

    must(p->has_custom && p->custom.len <= RT_CUSTOM_MAX);
    must(rt_json_type(p->custom) == RT_JSON_OBJECT
         && rt_json_check(p->custom, &why) == RT_OK
         && rt_utf8_check(p->custom) == RT_OK);

    n = check_custom(p, value, rt_lit("text"), RT_TEXT_MAX)
        + check_custom(p, value, rt_lit("emoji"), RT_EMOJI_MAX);

    rt_json_each(&it, p->custom);

    while (rt_json_next(&it, &key, &value) == RT_OK) {
        n--;
    }

    must(n == 0);
}


static void
check_others(rt_str_t arg, int room_is_right)
{
    rt_str_t       value;
    rt_typing_t    t;
    rt_invalid_t   inv;
    rt_presence_t  p;
    rt_user_ref_t  u;

    memset(&inv, 0, sizeof(rt_invalid_t));

    if (taken(rt_payload_typing(&t, arg, &inv), &inv)) {
        must(room_is_right);
        check_typing(&t, arg);
    }

    memset(&inv, 0, sizeof(rt_invalid_t));

    if (taken(rt_payload_presence(&p, arg, &inv), &inv)) {
        check_presence(&p, arg);
    }

    memset(&inv, 0, sizeof(rt_invalid_t));

    if (taken(rt_payload_user(&u, arg, &inv), &inv)) {
        must(rt_user_valid(u.user) && rt_utf8_check(u.user) == RT_OK);
        must(rt_json_get(arg, rt_lit("userId"), &value) == RT_OK
             && rt_json_is(value, u.user));
    }
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
    room_is_right = taken(rt_payload_room(&room, arg, &inv), &inv);

    check_others(arg, room_is_right);

    memset(&inv, 0, sizeof(rt_invalid_t));

    if (taken(rt_payload_message(&m, arg, &inv), &inv)) {
        must(room_is_right && rt_str_eq(room.name, m.room.name));
        check_message(&m, arg);
    }

    return 0;
}
