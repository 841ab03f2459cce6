
/* payloads: what is taken, what is said about what is not, and the limits */

#include "base/rt_json.h"
#include "chat/rt_payload.h"
#include "rt_vectors.h"


#define ITEM(path, message)                                                   \
    "{\"path\":\"" path "\",\"message\":\"" message "\"}"

#define AT_LEAST  "String must contain at least 1 character(s)"
#define AT_MOST   "String must contain at most 255 character(s)"


/* the details of what is refused */

static const struct {
    const char  *arg;
    const char  *details;
} detail_cases[] = {
    { "", ITEM("", "Required") },
    { "null", ITEM("", "Expected object, received null") },
    { "[]", ITEM("", "Expected object, received array") },
    { "\"a\"", ITEM("", "Expected object, received string") },
    { "1", ITEM("", "Expected object, received number") },
    { "true", ITEM("", "Expected object, received boolean") },
    { "false", ITEM("", "Expected object, received boolean") },
    { "{}", ITEM("roomName", "Required") "," ITEM("content", "Required") },
    { "{\"roomName\":\"\",\"content\":\"\"}",
      ITEM("roomName", AT_LEAST) "," ITEM("content", AT_LEAST) },
    { "{\"roomName\":\"A\",\"content\":null}",
      ITEM("roomName", "Invalid") ","
      ITEM("content", "Expected string, received null") },
    { "{\"roomName\":1,\"content\":true}",
      ITEM("roomName", "Expected string, received number") ","
      ITEM("content", "Expected string, received boolean") },
    { "{\"roomName\":false,\"content\":[]}",
      ITEM("roomName", "Expected string, received boolean") ","
      ITEM("content", "Expected string, received array") },
    { "{\"roomName\":{},\"content\":\"a\",\"threadId\":1,\"metadata\":[]}",
      ITEM("roomName", "Expected string, received object") ","
      ITEM("threadId", "Expected string, received number") ","
      ITEM("metadata", "Expected object, received array") },
    { "{\"roomName\":\"a\",\"content\":\"a\",\"threadId\":null,"
      "\"metadata\":null}",
      ITEM("threadId", "Expected string, received null") ","
      ITEM("metadata", "Expected object, received null") },
    { "{\"roomName\":\"a\",\"content\":\"a\",\"metadata\":\"a\"}",
      ITEM("metadata", "Expected object, received string") },
    { "{\"roomName\":\"a\",\"content\":\"a\",\"metadata\":1}",
      ITEM("metadata", "Expected object, received number") },
    { "{\"roomName\":\"a\",\"content\":\"a\",\"metadata\":true}",
      ITEM("metadata", "Expected object, received boolean") }
};


static rt_str_t
text(const char *p)
{
    return rt_str(strlen(p), p);
}


static void
check_vector(const rt_vector_t *v)
{
    rt_message_t    m;
    rt_invalid_t    inv;
    rt_room_ref_t   room;

    memset(&inv, 0, sizeof(rt_invalid_t));

    ok((rt_payload_message(&m, v->bytes, &inv) == RT_OK)
       == (strcmp(v->expected, "ok") == 0)
       && (inv.n == 0) == (strcmp(v->expected, "ok") == 0),
       "%s:%u is %s", v->file, v->line, v->expected);

    memset(&inv, 0, sizeof(rt_invalid_t));

    ok((rt_payload_room(&room, v->bytes, &inv) == RT_OK)
       == (strcmp(v->expected, "bad") != 0)
       && (inv.n == 0) == (strcmp(v->expected, "bad") != 0),
       "%s:%u has a room", v->file, v->line);
}


static void
test_details(void)
{
    u_char          mem[1024];
    size_t          i;
    rt_str_t        details;
    rt_buf_t        b;
    rt_message_t    m;
    rt_invalid_t    inv;

    for (i = 0; i < rt_nitems(detail_cases); i++) {
        memset(&inv, 0, sizeof(rt_invalid_t));

        is_int(rt_payload_message(&m, text(detail_cases[i].arg), &inv),
               RT_ERROR, detail_cases[i].arg);

        rt_buf_init(&b, mem, sizeof(mem));
        rt_invalid_put(&inv, &b);

        details = rt_buf_str(&b);
        is_str(rt_str(details.len - 2, details.data + 1),
               text(detail_cases[i].details), "details");
    }
}


static void
test_fields(void)
{
    rt_message_t   m;
    rt_invalid_t   inv;
    rt_room_ref_t  room;

    memset(&inv, 0, sizeof(rt_invalid_t));

    is_int(rt_payload_message(&m, rt_lit("{\"roomName\":\"a\\u0062\","
                              "\"content\" : \"c\\n\" ,\"threadId\":\"t\","
                              "\"metadata\":{ \"x\":1}}"), &inv), RT_OK,
           "a message");
    is_str(m.room.name, rt_lit("ab"), "room, decoded");
    is_str(m.content, rt_lit("\"c\\n\""), "content, as it came");
    is_str(m.thread, rt_lit("\"t\""), "thread");
    is_str(m.metadata, rt_lit("{ \"x\":1}"), "metadata");

    is_int(rt_payload_message(&m, rt_lit("{\"roomName\":\"a\","
                              "\"content\":\"b\"}"), &inv), RT_OK,
           "a short message");
    is_int((intmax_t) (m.thread.len + m.metadata.len), 0, "without the rest");

    is_int(rt_payload_room(&room, rt_lit("{\"x\":1,\"roomName\":\"a\"}"),
                           &inv), RT_OK, "a room");
    is_str(room.name, rt_lit("a"), "its name");
    is_int((intmax_t) inv.n, 0, "nothing was wrong");

    /* what was wrong before is none of this call's business */

    rt_invalid_add(&inv, "", "before");
    is_int(rt_payload_room(&room, rt_lit("{\"roomName\":\"a\"}"), &inv),
           RT_OK, "right after something wrong");
    is_int(rt_payload_room(&room, rt_lit("{}"), &inv), RT_ERROR,
           "wrong after something wrong");
    is_int((intmax_t) inv.n, 2, "they add up");
}


/* a message where "field" is "n" times the JSON character "ch" */

static rt_int_t
parse_long(const char *field, const char *ch, size_t n, const char **message)
{
    u_char         *mem;
    size_t          i;
    rt_int_t        rc;
    rt_buf_t        b;
    const char     *why;
    rt_message_t    m;
    rt_invalid_t    inv;

    mem = malloc(65536);
    rt_buf_init(&b, mem, 65536);
    rt_buf_put(&b, rt_lit("{\"roomName\":\"a\",\"content\":\"b\",\""));
    rt_buf_put(&b, text(field));
    rt_buf_put(&b, rt_lit("\":\""));

    for (i = 0; i < n; i++) {
        rt_buf_put(&b, text(ch));
    }

    rt_buf_put(&b, rt_lit("\"}"));

    memset(&inv, 0, sizeof(rt_invalid_t));

    if (rt_buf_result(&b) == RT_ERROR
        || rt_json_check(rt_buf_str(&b), &why) != RT_OK)
    {
        exit(2);
    }

    rc = rt_payload_message(&m, rt_buf_str(&b), &inv);
    *message = inv.n ? inv.items[0].message : "";

    free(mem);

    return rc;
}


static void
test_limits(void)
{
    size_t              i, j;
    const char         *message, *ch;
    static const char  *chars[] = { "a", "\\u0061", "\xf0\x9f\x98\x80",
                                    "\\ud83d\\ude00", "\xc3\xa9" };
    static const struct {
        const char  *field;
        size_t       max;
        const char  *message;
    } cases[] = {
        { "roomName", 255, AT_MOST },
        { "content", 5000, "String must contain at most 5000 character(s)" },
        { "threadId", 255, AT_MOST }
    };

    for (i = 0; i < rt_nitems(cases); i++) {
        for (j = 0; j < rt_nitems(chars); j++) {
            ch = chars[j];

            if (i == 0 && j > 1) {
                is_int(parse_long("roomName", ch, 255, &message), RT_ERROR,
                       "a long room name that is not ASCII");
                is_str(text(message), rt_lit("Invalid"), "is invalid");

            } else {
                is_int(parse_long(cases[i].field, ch, cases[i].max, &message),
                       RT_OK, "as long as may be");
            }

            is_int(parse_long(cases[i].field, ch, cases[i].max + 1, &message),
                   RT_ERROR, "one character more");
            is_str(text(message), text(cases[i].message), cases[i].field);
        }
    }
}


int
main(void)
{
    rt_vectors("payload.txt", check_vector);

    test_details();
    test_fields();
    test_limits();

    return done_testing();
}
