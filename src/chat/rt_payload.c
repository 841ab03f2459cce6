
/*
 * rt_payload.c: what the built-in events carry.
 */


#include "base/rt_json.h"
#include "chat/rt_payload.h"


/* a field that is looked for, and its JSON once it was found */

typedef struct {
    rt_str_t   name;
    rt_str_t  *value;
} rt_payload_field_t;


static rt_int_t rt_payload_read(rt_str_t arg,
    const rt_payload_field_t *fields, rt_uint_t n, rt_invalid_t *inv);
static void rt_payload_check_room(rt_room_ref_t *room, rt_str_t v,
    rt_invalid_t *inv);
static void rt_payload_check_string(const char *path, rt_str_t v, size_t min,
    size_t max, const char *too_long, rt_invalid_t *inv);
static void rt_payload_check_thread(rt_str_t v, rt_invalid_t *inv);
static void rt_payload_check_object(const char *path, rt_str_t v,
    rt_invalid_t *inv);
static void rt_payload_check_status(rt_presence_t *p, rt_str_t v,
    rt_invalid_t *inv);
static void rt_payload_check_custom(rt_presence_t *p, rt_str_t v,
    rt_invalid_t *inv);
static void rt_payload_put_custom(rt_presence_t *p, rt_str_t said,
    rt_str_t emoji);
static void rt_payload_put_string(rt_buf_t *b, rt_str_t v);


/* what was found in the place of a string, an object or a status */

static const char  *rt_payload_no_string[] = {
    [RT_JSON_NONE] = "Required",
    [RT_JSON_OBJECT] = "Expected string, received object",
    [RT_JSON_ARRAY] = "Expected string, received array",
    [RT_JSON_STRING] = NULL,
    [RT_JSON_NUMBER] = "Expected string, received number",
    [RT_JSON_TRUE] = "Expected string, received boolean",
    [RT_JSON_FALSE] = "Expected string, received boolean",
    [RT_JSON_NULL] = "Expected string, received null"
};

static const char  *rt_payload_no_object[] = {
    [RT_JSON_NONE] = "Required",
    [RT_JSON_OBJECT] = NULL,
    [RT_JSON_ARRAY] = "Expected object, received array",
    [RT_JSON_STRING] = "Expected object, received string",
    [RT_JSON_NUMBER] = "Expected object, received number",
    [RT_JSON_TRUE] = "Expected object, received boolean",
    [RT_JSON_FALSE] = "Expected object, received boolean",
    [RT_JSON_NULL] = "Expected object, received null"
};

#define RT_PAYLOAD_STATUSES  "'online' | 'away' | 'busy' | 'offline'"

static const char  *rt_payload_no_status[] = {
    [RT_JSON_NONE] = "Required",
    [RT_JSON_OBJECT] = "Expected " RT_PAYLOAD_STATUSES ", received object",
    [RT_JSON_ARRAY] = "Expected " RT_PAYLOAD_STATUSES ", received array",
    [RT_JSON_STRING] = NULL,
    [RT_JSON_NUMBER] = "Expected " RT_PAYLOAD_STATUSES ", received number",
    [RT_JSON_TRUE] = "Expected " RT_PAYLOAD_STATUSES ", received boolean",
    [RT_JSON_FALSE] = "Expected " RT_PAYLOAD_STATUSES ", received boolean",
    [RT_JSON_NULL] = "Expected " RT_PAYLOAD_STATUSES ", received null"
};

static const rt_str_t  rt_status_names[] = {
    [RT_STATUS_OFFLINE] = rt_string("offline"),
    [RT_STATUS_ONLINE] = rt_string("online"),
    [RT_STATUS_AWAY] = rt_string("away"),
    [RT_STATUS_BUSY] = rt_string("busy")
};


const rt_str_t *
rt_status_name(rt_status_e status)
{
    return &rt_status_names[status];
}


rt_int_t
rt_payload_room(rt_room_ref_t *room, rt_str_t arg, rt_invalid_t *inv)
{
    rt_str_t            name;
    rt_uint_t           before;
    rt_payload_field_t  fields[] = {
        { rt_string("roomName"), &name }
    };

    before = inv->n;
    room->name = rt_str(0, room->buf);

    if (rt_payload_read(arg, fields, rt_nitems(fields), inv) != RT_OK) {
        return RT_ERROR;
    }

    rt_payload_check_room(room, name, inv);

    return (inv->n == before) ? RT_OK : RT_ERROR;
}


rt_int_t
rt_payload_message(rt_message_t *m, rt_str_t arg, rt_invalid_t *inv)
{
    rt_str_t            name;
    rt_uint_t           before;
    rt_payload_field_t  fields[] = {
        { rt_string("roomName"), &name },
        { rt_string("content"), &m->content },
        { rt_string("threadId"), &m->thread },
        { rt_string("metadata"), &m->metadata }
    };

    before = inv->n;
    m->room.name = rt_str(0, m->room.buf);

    if (rt_payload_read(arg, fields, rt_nitems(fields), inv) != RT_OK) {
        return RT_ERROR;
    }

    rt_payload_check_room(&m->room, name, inv);

    rt_payload_check_string("content", m->content, 1, RT_CONTENT_MAX,
                       "String must contain at most 5000 character(s)", inv);

    if (m->thread.len) {
        rt_payload_check_thread(m->thread, inv);
    }

    if (m->metadata.len) {
        rt_payload_check_object("metadata", m->metadata, inv);
    }

    return (inv->n == before) ? RT_OK : RT_ERROR;
}


rt_int_t
rt_payload_typing(rt_typing_t *t, rt_str_t arg, rt_invalid_t *inv)
{
    ssize_t             n;
    rt_str_t            name;
    rt_uint_t           before;
    rt_payload_field_t  fields[] = {
        { rt_string("roomName"), &name },
        { rt_string("threadId"), &t->thread_json }
    };

    before = inv->n;
    t->room.name = rt_str(0, t->room.buf);
    t->thread = rt_str(0, t->thread_buf);
    t->has_thread = 0;

    if (rt_payload_read(arg, fields, rt_nitems(fields), inv) != RT_OK) {
        return RT_ERROR;
    }

    rt_payload_check_room(&t->room, name, inv);

    if (t->thread_json.len) {
        rt_payload_check_thread(t->thread_json, inv);
    }

    if (inv->n != before) {
        return RT_ERROR;
    }

    if (t->thread_json.len) {
        n = rt_json_decode(t->thread_json, t->thread_buf,
                           sizeof(t->thread_buf));
        if (n == RT_ERROR) {
            rt_invalid_add(inv, "threadId", "Invalid");
            return RT_ERROR;
        }

        t->thread.len = (size_t) n;
        t->has_thread = 1;
    }

    return RT_OK;
}


rt_int_t
rt_payload_presence(rt_presence_t *p, rt_str_t arg, rt_invalid_t *inv)
{
    rt_str_t            status, custom;
    rt_uint_t           before;
    rt_payload_field_t  fields[] = {
        { rt_string("status"), &status },
        { rt_string("customStatus"), &custom }
    };

    before = inv->n;
    p->status = RT_STATUS_OFFLINE;
    p->custom = rt_str(0, p->custom_buf);
    p->has_custom = 0;

    if (rt_payload_read(arg, fields, rt_nitems(fields), inv) != RT_OK) {
        return RT_ERROR;
    }

    rt_payload_check_status(p, status, inv);

    if (custom.len) {
        rt_payload_check_custom(p, custom, inv);
    }

    return (inv->n == before) ? RT_OK : RT_ERROR;
}


rt_int_t
rt_payload_user(rt_user_ref_t *u, rt_str_t arg, rt_invalid_t *inv)
{
    ssize_t             n;
    rt_str_t            id;
    rt_uint_t           before;
    const char         *too_long;
    rt_payload_field_t  fields[] = {
        { rt_string("userId"), &id }
    };

    before = inv->n;
    too_long = "String must contain at most 255 character(s)";
    u->user = rt_str(0, u->buf);

    if (rt_payload_read(arg, fields, rt_nitems(fields), inv) != RT_OK) {
        return RT_ERROR;
    }

    rt_payload_check_string("userId", id, 1, RT_USER_MAX, too_long, inv);

    if (inv->n != before) {
        return RT_ERROR;
    }

    n = rt_json_decode(id, u->buf, sizeof(u->buf));

    if (n == RT_ERROR) {
        rt_invalid_add(inv, "userId", too_long);
        return RT_ERROR;
    }

    if (!rt_user_valid(rt_str((size_t) n, u->buf))) {
        rt_invalid_add(inv, "userId", "Invalid");
        return RT_ERROR;
    }

    u->user.len = (size_t) n;

    return RT_OK;
}


/* finds the fields in one walk; one that is not there is left empty */

static rt_int_t
rt_payload_read(rt_str_t arg, const rt_payload_field_t *fields, rt_uint_t n,
    rt_invalid_t *inv)
{
    rt_str_t        key, value;
    rt_uint_t       i;
    const char     *wrong;
    rt_json_iter_t  it;

    for (i = 0; i < n; i++) {
        *fields[i].value = rt_str(0, NULL);
    }

    wrong = rt_payload_no_object[rt_json_type(arg)];

    if (wrong) {
        rt_invalid_add(inv, "", wrong);
        return RT_ERROR;
    }

    rt_json_each(&it, arg);

    while (rt_json_next(&it, &key, &value) == RT_OK) {

        for (i = 0; i < n; i++) {

            if (rt_json_is(key, fields[i].name)) {
                *fields[i].value = value;
                break;
            }
        }
    }

    return RT_OK;
}


static void
rt_payload_check_room(rt_room_ref_t *room, rt_str_t v, rt_invalid_t *inv)
{
    ssize_t    n;
    rt_uint_t  before;

    before = inv->n;

    rt_payload_check_string("roomName", v, 1, RT_ROOM_NAME_MAX,
                       "String must contain at most 255 character(s)", inv);

    if (inv->n != before) {
        return;
    }

    /* where 255 characters do not fit, some are not ASCII */

    n = rt_json_decode(v, room->buf, sizeof(room->buf));

    if (n == RT_ERROR || !rt_room_name_valid(rt_str((size_t) n, room->buf))) {
        rt_invalid_add(inv, "roomName", "Invalid");
        return;
    }

    room->name = rt_str((size_t) n, room->buf);
}


/* "min" is 0 or 1, lengths are code points */

static void
rt_payload_check_string(const char *path, rt_str_t v, size_t min, size_t max,
    const char *too_long, rt_invalid_t *inv)
{
    size_t       len;
    const char  *wrong;

    wrong = rt_payload_no_string[rt_json_type(v)];

    if (wrong) {
        rt_invalid_add(inv, path, wrong);
        return;
    }

    len = rt_json_length(v);

    if (len < min) {
        rt_invalid_add(inv, path,
                       "String must contain at least 1 character(s)");

    } else if (len > max) {
        rt_invalid_add(inv, path, too_long);
    }
}


static void
rt_payload_check_thread(rt_str_t v, rt_invalid_t *inv)
{
    rt_payload_check_string("threadId", v, 0, RT_THREAD_MAX,
                       "String must contain at most 255 character(s)", inv);
}


static void
rt_payload_check_object(const char *path, rt_str_t v, rt_invalid_t *inv)
{
    const char  *wrong;

    wrong = rt_payload_no_object[rt_json_type(v)];

    if (wrong) {
        rt_invalid_add(inv, path, wrong);
    }
}


static void
rt_payload_check_status(rt_presence_t *p, rt_str_t v, rt_invalid_t *inv)
{
    size_t       i;
    const char  *wrong;

    wrong = rt_payload_no_status[rt_json_type(v)];

    if (wrong) {
        rt_invalid_add(inv, "status", wrong);
        return;
    }

    for (i = 0; i < rt_nitems(rt_status_names); i++) {

        if (rt_json_is(v, rt_status_names[i])) {
            p->status = (rt_status_e) i;
            return;
        }
    }

    rt_invalid_add(inv, "status",
                   "Invalid enum value. Expected " RT_PAYLOAD_STATUSES);
}


static void
rt_payload_check_custom(rt_presence_t *p, rt_str_t v, rt_invalid_t *inv)
{
    rt_str_t            said, emoji;
    rt_uint_t           before;
    rt_payload_field_t  fields[] = {
        { rt_string("text"), &said },
        { rt_string("emoji"), &emoji }
    };

    before = inv->n;

    rt_payload_check_object("customStatus", v, inv);

    if (inv->n != before
        || rt_payload_read(v, fields, rt_nitems(fields), inv) != RT_OK)
    {
        return;
    }

    if (said.len) {
        rt_payload_check_string("customStatus.text", said, 0, RT_TEXT_MAX,
                       "String must contain at most 100 character(s)", inv);
    }

    if (emoji.len) {
        rt_payload_check_string("customStatus.emoji", emoji, 0, RT_EMOJI_MAX,
                       "String must contain at most 10 character(s)", inv);
    }

    if (inv->n == before) {
        rt_payload_put_custom(p, said, emoji);
    }
}


/* what was escaped without need is not any more, so that it surely fits */

static void
rt_payload_put_custom(rt_presence_t *p, rt_str_t said, rt_str_t emoji)
{
    rt_buf_t  b;

    rt_buf_init(&b, p->custom_buf, sizeof(p->custom_buf));

    rt_buf_char(&b, '{');

    if (said.len) {
        rt_buf_put(&b, rt_lit("\"text\":"));
        rt_payload_put_string(&b, said);
    }

    if (emoji.len) {
        rt_buf_put(&b, said.len ? rt_lit(",\"emoji\":")
                                : rt_lit("\"emoji\":"));
        rt_payload_put_string(&b, emoji);
    }

    rt_buf_char(&b, '}');

    p->custom = rt_buf_str(&b);
    p->has_custom = 1;
}


/* "v" has at most RT_TEXT_MAX code points */

static void
rt_payload_put_string(rt_buf_t *b, rt_str_t v)
{
    ssize_t  n;
    u_char   text[4 * RT_TEXT_MAX];

    n = rt_json_decode(v, text, sizeof(text));

    rt_buf_json(b, rt_str((n == RT_ERROR) ? 0 : (size_t) n, text));
}
