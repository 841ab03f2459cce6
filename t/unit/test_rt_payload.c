
/* payloads: what is taken, what is said about what is not, and the limits */

#include "base/rt_json.h"
#include "chat/rt_payload.h"
#include "rt_vectors.h"


#define ITEM(path, message)                                                   \
    "{\"path\":\"" path "\",\"message\":\"" message "\"}"

#define AT_LEAST  "String must contain at least 1 character(s)"
#define AT_MOST   "String must contain at most 255 character(s)"
#define STATUSES  "'online' | 'away' | 'busy' | 'offline'"


/* the details of what is refused */

static const struct {
    const char  *event;
    const char  *arg;
    const char  *details;
} detail_cases[] = {
    { "message",
      "", ITEM("", "Required") },
    { "message",
      "null", ITEM("", "Expected object, received null") },
    { "message",
      "[]", ITEM("", "Expected object, received array") },
    { "message",
      "\"a\"", ITEM("", "Expected object, received string") },
    { "message",
      "1", ITEM("", "Expected object, received number") },
    { "message",
      "true", ITEM("", "Expected object, received boolean") },
    { "message",
      "false", ITEM("", "Expected object, received boolean") },
    { "message",
      "{}", ITEM("roomName", "Required") "," ITEM("content", "Required") },
    { "message",
      "{\"roomName\":\"\",\"content\":\"\"}",
      ITEM("roomName", AT_LEAST) "," ITEM("content", AT_LEAST) },
    { "message",
      "{\"roomName\":\"A\",\"content\":null}",
      ITEM("roomName", "Invalid") ","
      ITEM("content", "Expected string, received null") },
    { "message",
      "{\"roomName\":1,\"content\":true}",
      ITEM("roomName", "Expected string, received number") ","
      ITEM("content", "Expected string, received boolean") },
    { "message",
      "{\"roomName\":false,\"content\":[]}",
      ITEM("roomName", "Expected string, received boolean") ","
      ITEM("content", "Expected string, received array") },
    { "message",
      "{\"roomName\":{},\"content\":\"a\",\"threadId\":1,\"metadata\":[]}",
      ITEM("roomName", "Expected string, received object") ","
      ITEM("threadId", "Expected string, received number") ","
      ITEM("metadata", "Expected object, received array") },
    { "message",
      "{\"roomName\":\"a\",\"content\":\"a\",\"threadId\":null,"
      "\"metadata\":null}",
      ITEM("threadId", "Expected string, received null") ","
      ITEM("metadata", "Expected object, received null") },
    { "message",
      "{\"roomName\":\"a\",\"content\":\"a\",\"metadata\":\"a\"}",
      ITEM("metadata", "Expected object, received string") },
    { "message",
      "{\"roomName\":\"a\",\"content\":\"a\",\"metadata\":1}",
      ITEM("metadata", "Expected object, received number") },
    { "message",
      "{\"roomName\":\"a\",\"content\":\"a\",\"metadata\":true}",
      ITEM("metadata", "Expected object, received boolean") },

    { "typing", "", ITEM("", "Required") },
    { "typing", "1", ITEM("", "Expected object, received number") },
    { "typing", "{}", ITEM("roomName", "Required") },
    { "typing", "{\"roomName\":\"\",\"threadId\":null}",
      ITEM("roomName", AT_LEAST) ","
      ITEM("threadId", "Expected string, received null") },
    { "typing", "{\"roomName\":\"A\",\"threadId\":{}}",
      ITEM("roomName", "Invalid") ","
      ITEM("threadId", "Expected string, received object") },

    { "presence", "", ITEM("", "Required") },
    { "presence", "\"online\"",
      ITEM("", "Expected object, received string") },
    { "presence", "{}", ITEM("status", "Required") },
    { "presence", "{\"status\":\"\"}",
      ITEM("status", "Invalid enum value. Expected " STATUSES) },
    { "presence", "{\"status\":\"ONLINE\",\"customStatus\":null}",
      ITEM("status", "Invalid enum value. Expected " STATUSES) ","
      ITEM("customStatus", "Expected object, received null") },
    { "presence", "{\"status\":{},\"customStatus\":[]}",
      ITEM("status", "Expected " STATUSES ", received object") ","
      ITEM("customStatus", "Expected object, received array") },
    { "presence", "{\"status\":[],\"customStatus\":\"a\"}",
      ITEM("status", "Expected " STATUSES ", received array") ","
      ITEM("customStatus", "Expected object, received string") },
    { "presence", "{\"status\":1,\"customStatus\":{\"text\":1}}",
      ITEM("status", "Expected " STATUSES ", received number") ","
      ITEM("customStatus.text", "Expected string, received number") },
    { "presence", "{\"status\":true}",
      ITEM("status", "Expected " STATUSES ", received boolean") },
    { "presence", "{\"status\":false}",
      ITEM("status", "Expected " STATUSES ", received boolean") },
    { "presence", "{\"customStatus\":{\"emoji\":true,\"text\":null},"
      "\"status\":null}",
      ITEM("status", "Expected " STATUSES ", received null") ","
      ITEM("customStatus.text", "Expected string, received null") ","
      ITEM("customStatus.emoji", "Expected string, received boolean") },
    { "presence", "{\"status\":\"away\",\"customStatus\":"
      "{\"emoji\":\"12345678901\"}}",
      ITEM("customStatus.emoji",
           "String must contain at most 10 character(s)") },

    { "user", "", ITEM("", "Required") },
    { "user", "[]", ITEM("", "Expected object, received array") },
    { "user", "{}", ITEM("userId", "Required") },
    { "user", "{\"userId\":null}",
      ITEM("userId", "Expected string, received null") },
    { "user", "{\"userId\":\"\"}", ITEM("userId", AT_LEAST) },
    { "user", "{\"userId\":\"a\\n\"}", ITEM("userId", "Invalid") }
};


static rt_str_t
text(const char *p)
{
    return rt_str(strlen(p), p);
}


/* whether the event named so takes the argument; its fields are dropped */

static rt_int_t
take(const char *name, rt_str_t arg, rt_invalid_t *inv)
{
    union {
        rt_room_ref_t  room;
        rt_message_t   message;
        rt_typing_t    typing;
        rt_presence_t  presence;
        rt_user_ref_t  user;
    } u;

    memset(inv, 0, sizeof(rt_invalid_t));

    switch (name[0]) {

    case 'r':
        return rt_payload_room(&u.room, arg, inv);

    case 'm':
        return rt_payload_message(&u.message, arg, inv);

    case 't':
        return rt_payload_typing(&u.typing, arg, inv);

    case 'p':
        return rt_payload_presence(&u.presence, arg, inv);

    default:
        return rt_payload_user(&u.user, arg, inv);
    }
}


static void
check_vector(const rt_vector_t *v)
{
    size_t             i;
    rt_int_t           rc;
    const char        *sep;
    rt_buf_t           b;
    rt_invalid_t       inv;
    u_char             mem[64];
    static const char *names[] = { "room", "message", "typing", "presence",
                                   "user" };

    rt_buf_init(&b, mem, sizeof(mem));
    sep = "";

    for (i = 0; i < rt_nitems(names); i++) {
        rc = take(names[i], v->bytes, &inv);

        if (rc == RT_OK) {
            rt_buf_put(&b, text(sep));
            rt_buf_put(&b, text(names[i]));
            sep = ",";
        }

        if ((rc == RT_OK) != (inv.n == 0)) {
            rt_buf_put(&b, rt_lit("!"));
        }
    }

    is_str(sep[0] ? rt_buf_str(&b) : rt_lit("none"), text(v->expected),
           v->file);
}


static void
test_details(void)
{
    u_char          mem[1024];
    size_t          i;
    rt_str_t        details;
    rt_buf_t        b;
    rt_invalid_t    inv;

    for (i = 0; i < rt_nitems(detail_cases); i++) {
        is_int(take(detail_cases[i].event, text(detail_cases[i].arg), &inv),
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


/* what an event says of "before", "n" times "ch", and "after" */

static rt_int_t
parse_long(const char *event, const char *before, const char *ch, size_t n,
    const char *after, const char **message)
{
    u_char         *mem;
    size_t          i;
    rt_int_t        rc;
    rt_buf_t        b;
    const char     *why;
    rt_invalid_t    inv;

    mem = malloc(65536);
    rt_buf_init(&b, mem, 65536);
    rt_buf_put(&b, text(before));

    for (i = 0; i < n; i++) {
        rt_buf_put(&b, text(ch));
    }

    rt_buf_put(&b, text(after));

    if (rt_buf_result(&b) == RT_ERROR
        || rt_json_check(rt_buf_str(&b), &why) != RT_OK)
    {
        exit(2);
    }

    rc = take(event, rt_buf_str(&b), &inv);
    *message = inv.n ? inv.items[0].message : "";

    free(mem);

    return rc;
}


static const struct {
    const char  *event;
    const char  *before;
    const char  *after;
    size_t       max;
    int          ascii;             /* or else it is not valid */
    const char  *message;
} limit_cases[] = {
    { "room", "{\"roomName\":\"", "\"}", 255, 1, AT_MOST },
    { "message", "{\"content\":\"b\",\"roomName\":\"", "\"}", 255, 1,
      AT_MOST },
    { "message", "{\"roomName\":\"a\",\"content\":\"", "\"}", 5000, 0,
      "String must contain at most 5000 character(s)" },
    { "message", "{\"roomName\":\"a\",\"content\":\"b\",\"threadId\":\"",
      "\"}", 255, 0, AT_MOST },
    { "typing", "{\"roomName\":\"", "\"}", 255, 1, AT_MOST },
    { "typing", "{\"roomName\":\"a\",\"threadId\":\"", "\"}", 255, 0,
      AT_MOST },
    { "presence", "{\"status\":\"away\",\"customStatus\":{\"text\":\"",
      "\"}}", 100, 0, "String must contain at most 100 character(s)" },
    { "presence", "{\"status\":\"away\",\"customStatus\":{\"emoji\":\"",
      "\"}}", 10, 0, "String must contain at most 10 character(s)" }
};


static void
test_limits(void)
{
    size_t              i, j;
    const char         *message, *ch;
    static const char  *chars[] = { "a", "\\u0061", "\xf0\x9f\x98\x80",
                                    "\\ud83d\\ude00", "\xc3\xa9", "\\u0001" };

    for (i = 0; i < rt_nitems(limit_cases); i++) {
        for (j = 0; j < rt_nitems(chars); j++) {
            ch = chars[j];

            if (limit_cases[i].ascii && j > 1) {
                is_int(parse_long(limit_cases[i].event, limit_cases[i].before,
                                  ch, limit_cases[i].max,
                                  limit_cases[i].after, &message), RT_ERROR,
                       "a long room name that is not ASCII");
                is_str(text(message), rt_lit("Invalid"), "is invalid");

            } else {
                is_int(parse_long(limit_cases[i].event, limit_cases[i].before,
                                  ch, limit_cases[i].max,
                                  limit_cases[i].after, &message), RT_OK,
                       "as long as may be");
            }

            is_int(parse_long(limit_cases[i].event, limit_cases[i].before, ch,
                              limit_cases[i].max + 1, limit_cases[i].after,
                              &message), RT_ERROR, "one character more");
            is_str(text(message), text(limit_cases[i].message),
                   limit_cases[i].before);
        }
    }
}


/* users' ids are counted in bytes */

static void
test_user_limit(void)
{
    size_t              i;
    const char         *message;
    static const struct {
        const char  *ch;
        size_t       max;
    } cases[] = {
        { "a", 255 },
        { "\\u0061", 255 },
        { "\xc3\xa9", 127 },
        { "\\u00e9", 127 },
        { "\xf0\x9f\x98\x80", 63 },
        { "\\ud83d\\ude00", 63 },
        { "\\ud800", 85 }
    };

    for (i = 0; i < rt_nitems(cases); i++) {
        is_int(parse_long("user", "{\"userId\":\"", cases[i].ch,
                          cases[i].max, "\"}", &message), RT_OK,
               "a user's id as long as may be");
        is_int(parse_long("user", "{\"userId\":\"", cases[i].ch,
                          cases[i].max + 1, "\"}", &message), RT_ERROR,
               "one character more");
        is_str(text(message), text(AT_MOST), cases[i].ch);
    }
}


static void
test_typing(void)
{
    size_t        i;
    u_char        arg[2048];
    rt_buf_t      b;
    rt_typing_t   t;
    rt_invalid_t  inv;

    memset(&inv, 0, sizeof(rt_invalid_t));

    is_int(rt_payload_typing(&t, rt_lit("{\"roomName\":\"a\\u0062\","
                             "\"threadId\": \"t\\u0000\\u00e9\" }"), &inv),
           RT_OK, "typing");
    is_str(t.room.name, rt_lit("ab"), "in a room");
    is_int(t.has_thread, 1, "in a thread");
    is_str(t.thread, rt_lit("t\0\xc3\xa9"), "which is decoded");
    is_str(t.thread_json, rt_lit("\"t\\u0000\\u00e9\""),
           "and there as it came");

    is_int(rt_payload_typing(&t, rt_lit("{\"roomName\":\"a\","
                             "\"threadId\":\"\"}"), &inv), RT_OK,
           "typing in the thread without a name");
    ok(t.has_thread && t.thread.len == 0, "which is a thread");
    is_str(t.thread_json, rt_lit("\"\""), "as it came");

    is_int(rt_payload_typing(&t, rt_lit("{\"roomName\":\"a\"}"), &inv), RT_OK,
           "typing in no thread");
    ok(!t.has_thread && t.thread.len == 0 && t.thread_json.len == 0,
       "which is none");

    rt_buf_init(&b, arg, sizeof(arg));
    rt_buf_put(&b, rt_lit("{\"roomName\":\"a\",\"threadId\":\""));

    for (i = 0; i < RT_THREAD_MAX; i++) {
        rt_buf_put(&b, rt_lit("\xf0\x9f\x98\x80"));
    }

    rt_buf_put(&b, rt_lit("\"}"));

    is_int(rt_payload_typing(&t, rt_buf_str(&b), &inv), RT_OK,
           "typing in the longest thread");
    is_int((intmax_t) t.thread.len, RT_THREAD_BYTES, "that fits");
    is_int((intmax_t) inv.n, 0, "nothing was wrong");

    is_int(rt_payload_typing(&t, rt_lit("{}"), &inv), RT_ERROR, "no room");
    ok(t.room.name.len == 0 && t.thread.len == 0, "no name either");
}


static void
test_presence(void)
{
    size_t         i;
    rt_invalid_t   inv;
    rt_presence_t  p;
    static const struct {
        const char   *arg;
        rt_status_e   status;
        const char   *name;
        const char   *custom;
    } cases[] = {
        { "{\"status\":\"online\"}", RT_STATUS_ONLINE, "online", NULL },
        { "{\"status\":\"away\"}", RT_STATUS_AWAY, "away", NULL },
        { "{\"status\":\"busy\"}", RT_STATUS_BUSY, "busy", NULL },
        { "{\"status\":\"offline\"}", RT_STATUS_OFFLINE, "offline", NULL },
        { "{\"status\":\"b\\u0075sy\",\"customStatus\":{}}", RT_STATUS_BUSY,
          "busy", "{}" },
        { "{\"status\":\"busy\",\"customStatus\":{\"z\":1,\"emoji\": \"e\" ,"
          "\"y\":{\"text\":\"n\"},\"text\":\"t\"}}", RT_STATUS_BUSY, "busy",
          "{\"text\":\"t\",\"emoji\":\"e\"}" },
        { "{\"status\":\"busy\",\"customStatus\":{\"emoji\":\"\"}}",
          RT_STATUS_BUSY, "busy", "{\"emoji\":\"\"}" },
        { "{\"status\":\"busy\",\"customStatus\":{\"text\":\"\"}}",
          RT_STATUS_BUSY, "busy", "{\"text\":\"\"}" },
        { "{\"status\":\"busy\",\"customStatus\":{\"text\":"
          "\"\\u0041\\u0001\\u001f\\n\\\"\\\\\\/\\ud83d\\ude00\\ud800\"}}",
          RT_STATUS_BUSY, "busy", "{\"text\":\"A\\u0001\\u001f\\n\\\"\\\\/"
          "\xf0\x9f\x98\x80\xef\xbf\xbd\"}" }
    };

    memset(&inv, 0, sizeof(rt_invalid_t));

    for (i = 0; i < rt_nitems(cases); i++) {
        is_int(rt_payload_presence(&p, text(cases[i].arg), &inv), RT_OK,
               cases[i].arg);
        is_int(p.status, cases[i].status, "status");
        is_str(*rt_status_name(p.status), text(cases[i].name), "its name");
        is_int(p.has_custom, cases[i].custom != NULL, "a custom status");
        is_str(p.custom, text(cases[i].custom ? cases[i].custom : ""),
               "written anew");
    }

    is_int((intmax_t) inv.n, 0, "nothing was wrong");

    is_int(rt_payload_presence(&p, rt_lit("{\"status\":\"busy\","
                               "\"customStatus\":{\"text\":\"t\","
                               "\"emoji\":1}}"), &inv), RT_ERROR,
           "a wrong emoji");
    ok(!p.has_custom && p.custom.len == 0, "and no custom status");
}


/* nothing that is taken takes more, and there is what takes as much */

static void
test_custom_max(void)
{
    size_t         i;
    u_char         arg[2048];
    rt_buf_t       b;
    const char    *why;
    rt_invalid_t   inv;
    rt_presence_t  p;

    memset(&inv, 0, sizeof(rt_invalid_t));
    rt_buf_init(&b, arg, sizeof(arg));
    rt_buf_put(&b, rt_lit("{\"status\":\"busy\",\"customStatus\":{"
                          "\"text\":\""));

    for (i = 0; i < RT_TEXT_MAX; i++) {
        rt_buf_put(&b, rt_lit("\\u001f"));
    }

    rt_buf_put(&b, rt_lit("\",\"emoji\":\""));

    for (i = 0; i < RT_EMOJI_MAX; i++) {
        rt_buf_put(&b, rt_lit("\\u0000"));
    }

    rt_buf_put(&b, rt_lit("\"}}"));

    is_int(rt_payload_presence(&p, rt_buf_str(&b), &inv), RT_OK,
           "the longest custom status");
    is_int((intmax_t) p.custom.len, RT_CUSTOM_MAX, "fits, just so");
    is_int(rt_json_check(p.custom, &why), RT_OK, "and is JSON");
}


static void
test_user(void)
{
    rt_invalid_t   inv;
    rt_user_ref_t  u;

    memset(&inv, 0, sizeof(rt_invalid_t));

    is_int(rt_payload_user(&u, rt_lit("{\"userId\" : \"\\u0041\\u00e9 \\\"\","
                           "\"x\":1}"), &inv), RT_OK, "a user");
    is_str(u.user, rt_lit("A\xc3\xa9 \""), "decoded");
    is_int((intmax_t) inv.n, 0, "nothing was wrong");

    is_int(rt_payload_user(&u, rt_lit("{}"), &inv), RT_ERROR, "no user");
    is_int((intmax_t) u.user.len, 0, "no id either");
}


int
main(void)
{
    rt_vectors("payload.txt", check_vector);

    test_details();
    test_fields();
    test_limits();
    test_user_limit();
    test_typing();
    test_presence();
    test_custom_max();
    test_user();

    return done_testing();
}
