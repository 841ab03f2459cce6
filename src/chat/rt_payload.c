
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
static void rt_payload_check_object(const char *path, rt_str_t v,
    rt_invalid_t *inv);


/* what was found in the place of a string or an object */

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
        rt_payload_check_string("threadId", m->thread, 0, RT_THREAD_MAX,
                       "String must contain at most 255 character(s)", inv);
    }

    if (m->metadata.len) {
        rt_payload_check_object("metadata", m->metadata, inv);
    }

    return (inv->n == before) ? RT_OK : RT_ERROR;
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
rt_payload_check_object(const char *path, rt_str_t v, rt_invalid_t *inv)
{
    const char  *wrong;

    wrong = rt_payload_no_object[rt_json_type(v)];

    if (wrong) {
        rt_invalid_add(inv, path, wrong);
    }
}
