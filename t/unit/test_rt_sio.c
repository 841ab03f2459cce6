
/*
 * Socket.IO packets: what is taken and what is not (t/vectors/sio.txt), what
 * comes out of it, and that what is encoded decodes to the same.
 */

#include "base/rt_json.h"
#include "proto/rt_sio.h"
#include "rt_vectors.h"


typedef struct {
    const char     *text;
    const char     *nsp;
    const char     *data;
    const char     *event;
    const char     *args;
    rt_sio_type_e   type;
    uint32_t        attachments;
    int64_t         id;             /* -1: none */
} packet_case_t;


static const packet_case_t  packet_cases[] = {
    { "0", "/", "", "", "", RT_SIO_CONNECT, 0, -1 },
    { "0{\"a\":1}", "/", "{\"a\":1}", "", "", RT_SIO_CONNECT, 0, -1 },
    { "0/", "/", "", "", "", RT_SIO_CONNECT, 0, -1 },
    { "0/admin", "/admin", "", "", "", RT_SIO_CONNECT, 0, -1 },
    { "0/admin,", "/admin", "", "", "", RT_SIO_CONNECT, 0, -1 },
    { "0/admin,{}", "/admin", "{}", "", "", RT_SIO_CONNECT, 0, -1 },
    { "0/admin?x=1/2,{}", "/admin?x=1/2", "{}", "", "", RT_SIO_CONNECT, 0, -1 },
    { "0/?x=1,{}", "/?x=1", "{}", "", "", RT_SIO_CONNECT, 0, -1 },
    { "1", "/", "", "", "", RT_SIO_DISCONNECT, 0, -1 },
    { "1/admin", "/admin", "", "", "", RT_SIO_DISCONNECT, 0, -1 },
    { "1/admin,", "/admin", "", "", "", RT_SIO_DISCONNECT, 0, -1 },
    { "2[\"a\"]", "/", "[\"a\"]", "\"a\"", "", RT_SIO_EVENT, 0, -1 },
    { "2[\"a\",1]", "/", "[\"a\",1]", "\"a\"", "1", RT_SIO_EVENT, 0, -1 },
    { "2[ \"a\" , 1 , [ ] ] ", "/", "[ \"a\" , 1 , [ ] ] ", "\"a\"",
      "1 , [ ]", RT_SIO_EVENT, 0, -1 },
    { "2[5,{\"a\":1},\"]\"]", "/", "[5,{\"a\":1},\"]\"]", "5",
      "{\"a\":1},\"]\"", RT_SIO_EVENT, 0, -1 },
    { "20[\"a\"]", "/", "[\"a\"]", "\"a\"", "", RT_SIO_EVENT, 0, 0 },
    { "2007[\"a\"]", "/", "[\"a\"]", "\"a\"", "", RT_SIO_EVENT, 0, 7 },
    { "29007199254740991[\"a\"]", "/", "[\"a\"]", "\"a\"", "", RT_SIO_EVENT,
      0, 9007199254740991 },
    { "2/a,12[\"b,c\"]", "/a", "[\"b,c\"]", "\"b,c\"", "", RT_SIO_EVENT, 0,
      12 },
    { "312[]", "/", "[]", "", "", RT_SIO_ACK, 0, 12 },
    { "3/a,1[ 1,\"b\" ]", "/a", "[ 1,\"b\" ]", "", "1,\"b\"", RT_SIO_ACK, 0,
      1 },
    { "4/a,{\"message\":\"x\"}", "/a", "{\"message\":\"x\"}", "", "",
      RT_SIO_CONNECT_ERROR, 0, -1 },
    { "52-[\"a\"]", "/", "[\"a\"]", "\"a\"", "", RT_SIO_BINARY_EVENT, 2, -1 },
    { "51-/a,3[\"b\",{\"_placeholder\":true,\"num\":0}]", "/a",
      "[\"b\",{\"_placeholder\":true,\"num\":0}]", "\"b\"",
      "{\"_placeholder\":true,\"num\":0}", RT_SIO_BINARY_EVENT, 1, 3 },
    { "610-3[1]", "/", "[1]", "", "1", RT_SIO_BINARY_ACK, 10, 3 }
};


static int
is_packet(const rt_sio_packet_t *a, const rt_sio_packet_t *b)
{
    return a->type == b->type
           && a->attachments == b->attachments
           && a->has_id == b->has_id
           && (!a->has_id || a->id == b->id)
           && rt_str_eq(a->nsp, b->nsp)
           && rt_str_eq(a->data, b->data)
           && rt_str_eq(a->event, b->event);
}


/* decode, encode, decode: the same packet, and then the same bytes */

static int
comes_back(const rt_sio_packet_t *pkt)
{
    u_char            mem[2][RT_VECTOR_MAX];
    rt_buf_t          b[2];
    const char       *why;
    rt_sio_packet_t   again;

    rt_buf_init(&b[0], mem[0], sizeof(mem[0]));
    rt_sio_put_head(&b[0], pkt);
    rt_buf_put(&b[0], pkt->data);

    if (rt_buf_result(&b[0]) == RT_ERROR
        || rt_sio_decode(&again, rt_buf_str(&b[0]), &why) != RT_OK
        || !is_packet(pkt, &again))
    {
        return 0;
    }

    rt_buf_init(&b[1], mem[1], sizeof(mem[1]));
    rt_sio_put_head(&b[1], &again);
    rt_buf_put(&b[1], again.data);

    return rt_str_eq(rt_buf_str(&b[0]), rt_buf_str(&b[1]));
}


static void
check_vector(const rt_vector_t *v)
{
    size_t            n;
    rt_int_t          rc;
    rt_str_t          part;
    const char       *why;
    rt_sio_packet_t   pkt;

    why = "";
    rc = rt_sio_decode(&pkt, v->bytes, &why);

    ok((rc == RT_OK) == (strcmp(v->expected, "ok") == 0)
       && (rc == RT_OK) == (why[0] == '\0'),
       "%s:%u is %s %s", v->file, v->line, v->expected, why);

    if (rc == RT_OK) {
        ok(comes_back(&pkt), "%s:%u comes back", v->file, v->line);
    }

    /* a packet cut short is another packet: it may be taken, but not overrun */

    for (n = 0; n < v->bytes.len; n++) {
        part = rt_test_copy(rt_str(n, v->bytes.data));

        if (rt_sio_decode(&pkt, part, &why) == RT_OK) {
            (void) rt_sio_args(&pkt);

            if (!comes_back(&pkt)) {
                ok(0, "%s:%u cut at %zu comes back", v->file, v->line, n);
            }
        }

        rt_test_free(part);
    }
}


static rt_str_t
text(const char *p)
{
    return rt_str(strlen(p), p);
}


static void
test_packets(void)
{
    size_t                i;
    rt_str_t              in;
    const char           *why;
    rt_sio_packet_t       pkt;
    const packet_case_t  *t;

    for (i = 0; i < rt_nitems(packet_cases); i++) {
        t = &packet_cases[i];
        in = rt_test_copy(text(t->text));

        if (is_int(rt_sio_decode(&pkt, in, &why), RT_OK, t->text)) {
            is_int(pkt.type, t->type, "type");
            is_int(pkt.attachments, t->attachments, "attachments");
            is_int(pkt.has_id ? (int64_t) pkt.id : -1, t->id, "ack id");
            is_str(pkt.nsp, text(t->nsp), "namespace");
            is_str(pkt.data, text(t->data), "data");
            is_str(pkt.event, text(t->event), "event");
            is_str(rt_sio_args(&pkt), text(t->args), "arguments");
        }

        rt_test_free(in);
    }
}


static void
test_limits(void)
{
    size_t            len;
    u_char            mem[256];
    rt_buf_t          b;
    const char       *why;
    rt_sio_packet_t   pkt;

    ok(rt_sio_decode(&pkt, rt_str(0, NULL), &why) == RT_ERROR,
       "no packet at all");

    /* with everything that looks like a query */

    for (len = RT_SIO_MAX_NSP; len <= RT_SIO_MAX_NSP + 1; len++) {
        rt_buf_init(&b, mem, sizeof(mem));
        rt_buf_put(&b, rt_lit("0/"));

        while (rt_buf_str(&b).len <= len) {
            rt_buf_char(&b, (rt_buf_str(&b).len == 9) ? '?' : 'n');
        }

        is_int(rt_sio_decode(&pkt, rt_buf_str(&b), &why),
               (len > RT_SIO_MAX_NSP) ? RT_ERROR : RT_OK, "long namespace");
    }
}


static void
test_put_head(void)
{
    size_t            i;
    u_char            mem[64];
    rt_buf_t          b;
    rt_sio_packet_t   pkt;
    static const struct {
        rt_sio_type_e   type;
        const char     *nsp;
        uint32_t        attachments;
        uint64_t        id;
        unsigned        has_id;
        const char     *head;
    } cases[] = {
        { RT_SIO_CONNECT, "/", 0, 0, 0, "0" },
        { RT_SIO_CONNECT, "/a", 0, 0, 0, "0/a," },
        { RT_SIO_DISCONNECT, "/a", 0, 0, 0, "1/a," },
        { RT_SIO_EVENT, "/", 0, 5, 0, "2" },
        { RT_SIO_EVENT, "", 0, 0, 0, "2" },
        { RT_SIO_EVENT, "/a", 0, 0, 1, "2/a,0" },
        { RT_SIO_EVENT, "/a", 2, 12, 1, "52-/a,12" },
        { RT_SIO_BINARY_EVENT, "/", 0, 0, 0, "2" },
        { RT_SIO_BINARY_EVENT, "/", 1, 0, 0, "51-" },
        { RT_SIO_BINARY_ACK, "/a", 0, 5, 1, "3/a,5" },
        { RT_SIO_ACK, "/", 0, RT_SIO_MAX_ID, 1, "39007199254740991" },
        { RT_SIO_ACK, "/", 10, 1, 1, "610-1" },
        { RT_SIO_BINARY_ACK, "/a", 1, 1, 1, "61-/a,1" },
        { RT_SIO_CONNECT_ERROR, "/a", 0, 0, 0, "4/a," }
    };

    for (i = 0; i < rt_nitems(cases); i++) {
        memset(&pkt, 0, sizeof(rt_sio_packet_t));

        pkt.type = cases[i].type;
        pkt.nsp = text(cases[i].nsp);
        pkt.attachments = cases[i].attachments;
        pkt.id = cases[i].id;
        pkt.has_id = cases[i].has_id & 1;

        rt_buf_init(&b, mem, sizeof(mem));
        rt_sio_put_head(&b, &pkt);
        is_str(rt_buf_str(&b), text(cases[i].head), cases[i].head);
    }
}


int
main(void)
{
    rt_vectors("sio.txt", check_vector);

    test_packets();
    test_limits();
    test_put_head();

    return done_testing();
}
