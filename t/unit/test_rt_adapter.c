
/*
 * Messages of the Redis adapters: what the packages publish, and what others
 * might (t/vectors/adapter.txt), decoded, encoded to the same bytes, and cut
 * at every byte; lists; names of channels.
 */

#include "base/rt_json.h"
#include "proto/rt_adapter.h"
#include "proto/rt_channel.h"
#include "proto/rt_unpack.h"
#include "rt_vectors.h"


#define ROOM  65536


static u_char  unified[ROOM], encoded[ROOM], described[ROOM];


static rt_int_t
decode(rt_adapter_t *m, rt_adapter_form_e form, rt_str_t in, const char **why)
{
    ssize_t    n;
    rt_buf_t   b;

    rt_buf_init(&b, unified, sizeof(unified));
    n = rt_adapter_unify(&b, in, why);

    if (n < 0) {
        return RT_ERROR;
    }

    return rt_adapter_decode(m, form, n ? rt_buf_str(&b) : in, why);
}


static rt_str_t
encode(const rt_adapter_t *m, const char **why)
{
    ssize_t    room, n;
    rt_buf_t   b;

    room = rt_adapter_encode(NULL, m, why);

    if (room < 0 || room > ROOM) {
        return rt_str(0, NULL);
    }

    rt_buf_init(&b, encoded, (size_t) room);
    n = rt_adapter_encode(&b, m, why);

    /* a placeholder is written before it is taken back */

    if (n != room && (n < 0 || n > room || m->data.count == 0)) {
        *why = "the size differs";
        return rt_str(0, NULL);
    }

    return rt_buf_str(&b);
}


static void
put_list(rt_buf_t *b, rt_adapter_list_t list)
{
    int                   some;
    rt_str_t              name, value;
    rt_adapter_iter_t     it, values;
    rt_adapter_socket_t   s;

    rt_buf_char(b, '[');
    some = 0;

    rt_adapter_each(&it, list);
    rt_adapter_each(&values, list);

    while (rt_adapter_next_value(&values, &value) == RT_OK) {

        if (rt_adapter_decode_socket(&s, value) == RT_OK) {
            name = s.id;

        } else if (rt_adapter_next(&it, &name) != RT_OK) {
            break;
        }

        if (some++) {
            rt_buf_char(b, ',');
        }

        rt_buf_json(b, name);
    }

    rt_buf_put(b, rt_lit("],"));
}


static void
put_flags(rt_buf_t *b, const rt_adapter_opts_t *opts)
{
    rt_str_t  comma;
    size_t    i;

    const struct {
        const char  *name;
        unsigned     is;
    } flags[] = {
        { "volatile", opts->is_volatile },
        { "compress", opts->has_compress && opts->compress },
        { "broadcast", opts->broadcast },
        { "local", opts->local },
        { "expectSingleResponse", opts->single }
    };

    comma = rt_str(0, NULL);
    rt_buf_char(b, '[');

    for (i = 0; i < rt_nitems(flags); i++) {

        if (flags[i].is) {
            rt_buf_put(b, comma);
            rt_buf_json(b, rt_str(strlen(flags[i].name), flags[i].name));
            comma = rt_lit(",");
        }
    }

    rt_buf_put(b, rt_lit("],"));
}


static void
put_number(rt_buf_t *b, int none, uint64_t n)
{
    if (none) {
        rt_buf_put(b, rt_lit("-1"));

    } else {
        rt_buf_u64(b, n);
    }
}


/* as make-redis.js describes it */

static rt_str_t
describe(const rt_adapter_t *m)
{
    rt_buf_t     b;
    uint32_t     n;
    rt_str_t     bins[16];
    const char  *why;

    rt_buf_init(&b, described, sizeof(described));

    rt_buf_char(&b, '[');
    put_number(&b, m->type < 0, (uint64_t) m->type);
    rt_buf_char(&b, ',');
    rt_buf_json(&b, m->uid);
    rt_buf_char(&b, ',');
    rt_buf_json(&b, m->nsp);
    rt_buf_char(&b, ',');
    rt_buf_json(&b, m->request_id);
    rt_buf_char(&b, ',');
    put_list(&b, m->opts.rooms);
    put_list(&b, m->opts.except);
    put_flags(&b, &m->opts);
    put_number(&b, !m->opts.has_timeout, m->opts.timeout);
    rt_buf_char(&b, ',');
    put_list(&b, m->rooms);
    put_list(&b, m->sockets);
    rt_buf_u64(&b, m->client_count);
    rt_buf_put(&b, m->close ? rt_lit(",true,") : rt_lit(",false,"));
    rt_buf_json(&b, m->sid);
    rt_buf_char(&b, ',');
    rt_buf_json(&b, m->room);
    rt_buf_char(&b, ']');

    if (m->data.bytes.len
        && rt_unpack(NULL, m->data.bytes, NULL, &n, &why) > 0
        && n <= rt_nitems(bins))
    {
        (void) rt_unpack(&b, m->data.bytes, bins, &n, &why);
    }

    return rt_buf_str(&b);
}


static rt_adapter_form_e
form_of(char letter)
{
    switch (letter) {

    case 'b':
    case 'e':
        return RT_ADAPTER_BROADCAST;

    case 'r':
    case 'q':
        return RT_ADAPTER_REQUEST;

    case 'p':
        return RT_ADAPTER_RESPONSE;

    default:
        return RT_ADAPTER_SHARDED;
    }
}


static void
check_cuts(const rt_vector_t *v)
{
    size_t         n;
    rt_str_t       part;
    const char    *why;
    rt_adapter_t   m;

    for (n = 0; n < v->bytes.len; n++) {
        part = rt_test_copy(rt_str(n, v->bytes.data));
        why = "";

        if (decode(&m, form_of(v->expected[0]), part, &why) != RT_ERROR) {
            ok(0, "%s:%u cut at %zu is refused", v->file, v->line, n);
        }

        rt_test_free(part);
    }
}


static void
check_vector(const rt_vector_t *v)
{
    char           name[64];
    u_char         expected[RT_VECTOR_MAX];
    size_t         len;
    rt_int_t       rc;
    rt_str_t       again;
    const char    *why;
    rt_adapter_t   m;

    (void) snprintf(name, sizeof(name), "%s:%u", v->file, v->line);

    why = NULL;
    rc = decode(&m, form_of(v->expected[0]), v->bytes, &why);

    if (v->expected[1] == '!' || v->expected[1] == '?') {
        is_int(rc, (v->expected[1] == '!') ? RT_ERROR : RT_DECLINED, name);
        ok((rc == RT_ERROR) == (why != NULL), "%s says why", name);
        return;
    }

    if (!is_int(rc, RT_OK, name)) {
        printf("# %s\n", why ? why : "");
        return;
    }

    len = rt_vector_decode(expected, v->expected + 2);
    is_str(describe(&m), rt_str(len, expected), name);

    m.emitter = (v->expected[0] == 'e');
    again = encode(&m, &why);

    if (v->expected[1] == '=') {
        is_str(again, v->bytes, name);

    } else {
        ok(again.data != NULL
           && decode(&m, m.form, again, &why) == RT_OK,
           "%s comes back", name);
        is_str(describe(&m), rt_str(len, expected), name);
    }

    check_cuts(v);
}


static void
test_lists(void)
{
    rt_str_t            name, list;
    rt_adapter_iter_t   it;

    list = rt_lit("\x99\xa1" "a\xc0\x05\x80\xff\xc4\x01" "b\xcb\x7f\xf0\0\0\0\0"
                  "\0\0\xcb\x3f\xf8\0\0\0\0\0\0\xa0");

    is_int((intmax_t) rt_adapter_count(list), 9, "all count");

    rt_adapter_each(&it, list);

    rt_adapter_next(&it, &name);
    is_str(name, rt_lit("a"), "a name");
    rt_adapter_next(&it, &name);
    is_str(name, rt_lit("5"), "a number");
    rt_adapter_next(&it, &name);
    is_str(name, rt_lit("-1"), "another one");
    rt_adapter_next(&it, &name);
    is_str(name, rt_lit("b"), "bytes");
    rt_adapter_next(&it, &name);
    is_str(name, rt_lit("1.5"), "a fraction");
    is_int(rt_adapter_next(&it, &name), RT_OK, "an empty name");
    is_int((intmax_t) name.len, 0, "is one");
    is_int(rt_adapter_next(&it, &name), RT_DONE, "the end");

    rt_adapter_each(&it, rt_str(0, NULL));
    is_int(rt_adapter_next(&it, &name), RT_DONE, "no list");
    is_int((intmax_t) rt_adapter_count(rt_str(0, NULL)), 0, "no list");
    is_int((intmax_t) rt_adapter_count(rt_lit("\xa0")), 0, "no array");
}


/* what is here goes as it is, what a client sent is packed on the way */

static void
test_data(void)
{
    rt_str_t       bin = rt_string("xy");
    const char    *why;
    rt_adapter_t   m;

    memset(&m, 0, sizeof(rt_adapter_t));

    m.form = RT_ADAPTER_SHARDED;
    m.type = RT_SHARDED_BROADCAST;
    m.uid = rt_lit("u\"\xff");
    m.nsp = rt_lit("/");
    m.data.json = 1;
    m.data.bytes = rt_lit("[ \"e\", {\"_placeholder\":true,\"num\":0}]");

    is_str(encode(&m, &why),
           rt_lit("{\"type\":3,\"data\":{\"packet\":{\"type\":2,\"data\":"
                  "[ \"e\", {\"_placeholder\":true,\"num\":0}]},\"opts\":"
                  "{\"rooms\":[],\"except\":[]}},"
                  "\"uid\":\"u\\\"\xef\xbf\xbd\",\"nsp\":\"/\"}"), "JSON");

    m.data.attachments = &bin;
    m.data.count = 1;
    m.opts.has_flags = 1;
    m.uid = rt_lit("u");

    is_str(encode(&m, &why),
           rt_lit("\x84\xa4type\x03\xa4" "data\x82\xa6packet\x82\xa4type\x02"
                  "\xa4" "data\x92\xa1" "e\xc4\x02xy\xa4opts\x83\xa5rooms\x90"
                  "\xa6" "except\x90\xa5" "flags\x80\xa3uid\xa1u\xa3nsp\xa1/"),
           "msgpack where there is an attachment");

    m.data.bytes = rt_lit("[\"e\",{\"_placeholder\":true,\"num\":1}]");
    ok(encode(&m, &why).data == NULL && why != NULL, "stands for nothing");

    m.data.bytes = rt_str(0, NULL);
    ok(encode(&m, &why).data == NULL && why != NULL, "no event");

    m.form = RT_ADAPTER_REQUEST;
    m.type = RT_ADAPTER_SERVER_SIDE_EMIT;
    m.data.json = 0;
    m.data.bytes = rt_lit("\x92\xa1" "e\xc4\x01x");

    is_str(encode(&m, &why),
           rt_lit("\x83\xa3uid\xa1u\xa4type\x06\xa4" "data\x92\xa1" "e\xc4\x01"
                  "x"), "a request with binary data");

    m.data.bytes = rt_lit("\x92\xa1" "e\x81\x90\xc0");
    ok(encode(&m, &why).data == NULL && why != NULL, "no JSON");
}


/* what only hosts of this server say to each other */

static void
test_rt(void)
{
    uint64_t       seq;
    rt_str_t       bytes;
    const char    *why;
    rt_adapter_t   m, again;

    memset(&m, 0, sizeof(rt_adapter_t));

    m.form = RT_ADAPTER_BROADCAST;
    m.type = RT_ADAPTER_NO_TYPE;
    m.uid = rt_lit("u");
    m.nsp = rt_lit("/");
    m.data.json = 1;
    m.data.bytes = rt_lit("[1]");
    m.opts.has_flags = 1;
    m.opts.has_seq = 1;
    m.opts.seq = 300;
    m.opts.within = rt_lit("r");
    m.opts.has_people = 1;

    bytes = encode(&m, &why);

    is_str(bytes,
           rt_lit("\x93\xa1u\x83\xa4type\x02\xa4" "data\x91\x01\xa3nsp\xa1/\x84"
                  "\xa5rooms\x90\xa6" "except\x90\xa5" "flags\x80\xa2rt\x83\xa2"
                  "in\xa1r\xa1n\x00\xa3seq\xcd\x01\x2c"), "with all of it");

    is_int(rt_adapter_seq(bytes, &seq), RT_OK, "its number is found");
    is_int((intmax_t) seq, 300, "without decoding");
    is_int(rt_adapter_seq(rt_lit("\xa3seq"), &seq), RT_DECLINED, "no number");
    is_int(rt_adapter_seq(rt_lit("\xa3seq\xa1x"), &seq), RT_DECLINED,
           "another type");
    is_int(rt_adapter_seq(rt_lit("seq"), &seq), RT_DECLINED, "too short");

    is_int(decode(&again, m.form, bytes, &why), RT_OK, "comes back");
    ok(again.opts.has_seq && again.opts.seq == 300, "its number");
    ok(again.opts.has_people && again.opts.people == 0, "how many people");
    is_str(again.opts.within, rt_lit("r"), "the room within");

    m.form = RT_ADAPTER_SHARDED;
    m.type = RT_SHARDED_BROADCAST;
    m.opts.has_people = 0;
    m.opts.within = rt_str(0, NULL);

    is_str(encode(&m, &why),
           rt_lit("{\"type\":3,\"data\":{\"packet\":{\"type\":2,\"data\":[1]},"
                  "\"opts\":{\"rooms\":[],\"except\":[],\"flags\":{},\"rt\":"
                  "{\"seq\":300}}},\"uid\":\"u\",\"nsp\":\"/\"}"), "JSON");

    bytes = rt_lit("\x93\xa1u\x82\xa4type\x02\xa4" "data\x91\x01\x81\xa2rt\x83"
                   "\xa3seq\xff\xa2in\x05\xa1n\xa1x");

    is_int(decode(&again, RT_ADAPTER_BROADCAST, bytes, &why), RT_OK,
           "of other types");
    ok(!again.opts.has_seq && !again.opts.has_people
       && again.opts.within.len == 0, "none of it");
}


/* a namespace with a "#" is found by who knows it */

static void
test_odd_channels(void)
{
    size_t         i;
    u_char         room[128];
    rt_buf_t       b;
    rt_str_t       name, nsp, rest, key = rt_string(RT_CHANNEL_KEY);
    rt_channel_e   kind;

    static const char *const  others[] = {
        "", "socket.io", "socket.io#", "socket.io#/", "socket.io#/#x",
        "socket.io-other#/#", "other#/#", "socket.io#/a", "socket.io-request/#"
    };

    for (i = 0; i < rt_nitems(others); i++) {
        name = rt_str(strlen(others[i]), others[i]);
        is_int(rt_channel_parse(name, key, &kind, &nsp, &rest), RT_DECLINED,
               others[i]);
    }

    is_int(rt_channel_match(rt_lit("socket.io#/a#b#r#"), key, rt_lit("/a#b"),
                            &kind, &rest), RT_OK, "odd namespace");
    is_str(rest, rt_lit("r"), "its room");

    rt_buf_init(&b, room, sizeof(room));
    rt_channel_put_pattern(&b, key, rt_lit("/a*[b]?\\"));
    is_str(rt_buf_str(&b), rt_lit("socket.io#/a\\*\\[b\\]\\?\\\\#*"),
           "pattern");

    ok(rt_channel_is_private(rt_lit("AAAAAAAAAAAAAAAAAAAA")), "20 characters");
    ok(!rt_channel_is_private(rt_lit("AAAAAAAAAAAAAAAAAAA")), "19");
    ok(rt_channel_is_private(rt_lit("AAAAAAAAAAAAAAAAA\xc3\xa9"
                                    "\xf0\x9f\x98\x80")), "units of UTF-16");
}


static void
test_channels(void)
{
    size_t         i;
    u_char         room[128];
    rt_buf_t       b;
    rt_str_t       name, nsp, rest, key = rt_string(RT_CHANNEL_KEY);
    rt_channel_e   kind;

    static const struct {
        const char    *name;
        rt_channel_e   kind;
        const char    *nsp;
        const char    *rest;        /* NULL: none */
    } cases[] = {
        { "socket.io#/#", RT_CHANNEL_MAIN, "/", NULL },
        { "socket.io#/#room1#", RT_CHANNEL_MAIN, "/", "room1" },
        { "socket.io#/admin#a#b#", RT_CHANNEL_MAIN, "/admin", "a#b" },
        { "socket.io#/###", RT_CHANNEL_MAIN, "/", "#" },
        { "socket.io#/##", RT_CHANNEL_MAIN, "/", "" },
        { "socket.io-request#/#", RT_CHANNEL_REQUEST, "/", NULL },
        { "socket.io-response#/#", RT_CHANNEL_RESPONSE, "/", NULL },
        { "socket.io-response#/a#uid123#", RT_CHANNEL_RESPONSE, "/a", "uid123" }
    };

    for (i = 0; i < rt_nitems(cases); i++) {
        name = rt_str(strlen(cases[i].name), cases[i].name);
        rest = rt_str(0, NULL);

        if (cases[i].rest) {
            rest = rt_str(strlen(cases[i].rest), cases[i].rest);
        }

        rt_buf_init(&b, room, sizeof(room));
        rt_channel_put(&b, cases[i].kind, key,
                       rt_str(strlen(cases[i].nsp), cases[i].nsp),
                       cases[i].rest ? &rest : NULL);
        is_str(rt_buf_str(&b), name, cases[i].name);

        is_int(rt_channel_parse(name, key, &kind, &nsp, &rest), RT_OK,
               "is parsed");
        is_int(kind, cases[i].kind, "kind");
        is_str(nsp, rt_str(strlen(cases[i].nsp), cases[i].nsp), "namespace");
        is_str(rest, rt_str(cases[i].rest ? strlen(cases[i].rest) : 0,
                            cases[i].rest), "rest");
        ok((rest.data != NULL) == (cases[i].rest != NULL), "or none");

        is_int(rt_channel_match(name, key, nsp, &kind, &rest), RT_OK,
               "and found");
        is_int(rt_channel_match(name, key, rt_lit("/x"), &kind, &rest),
               RT_DECLINED, "but not elsewhere");
    }

    test_odd_channels();
}


int
main(void)
{
    rt_vectors("adapter.txt", check_vector);

    test_lists();
    test_data();
    test_rt();
    test_channels();

    return done_testing();
}
