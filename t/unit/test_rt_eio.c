
/* Engine.IO packets, payloads and the open packet */

#define _GNU_SOURCE

#include "base/rt_json.h"
#include "proto/rt_eio.h"
#include "rt_vectors.h"


static const struct {
    const char     *text;
    const char     *data;
    rt_eio_type_e   type;
    unsigned        binary;
} packet_cases[] = {
    { "0{}", "{}", RT_EIO_OPEN, 0 },
    { "1", "", RT_EIO_CLOSE, 0 },
    { "2probe", "probe", RT_EIO_PING, 0 },
    { "3probe", "probe", RT_EIO_PONG, 0 },
    { "42[\"a\"]", "2[\"a\"]", RT_EIO_MESSAGE, 0 },
    { "4", "", RT_EIO_MESSAGE, 0 },
    { "5", "", RT_EIO_UPGRADE, 0 },
    { "6", "", RT_EIO_NOOP, 0 },
    { "bAQID", "AQID", RT_EIO_MESSAGE, 1 },
    { "b", "", RT_EIO_MESSAGE, 1 }
};


static rt_str_t
text(const char *p)
{
    return rt_str(strlen(p), p);
}


/* the number of packets, or -1; puts them together again in "b" */

static int
count(rt_str_t payload, rt_buf_t *b)
{
    int               n;
    rt_str_t          packet;
    const char       *why;
    rt_eio_packet_t   pkt;

    for (n = 0; rt_eio_payload_next(&payload, &packet) == RT_OK; n++) {

        if (rt_eio_decode(&pkt, packet, &why) != RT_OK) {
            return -1;
        }

        if (n) {
            rt_buf_char(b, RT_EIO_SEPARATOR);
        }

        rt_buf_char(b, pkt.binary ? 'b' : (u_char) ('0' + pkt.type));
        rt_buf_put(b, pkt.data);
    }

    return n;
}


static void
check_vector(const rt_vector_t *v)
{
    int        n;
    u_char     mem[RT_VECTOR_MAX];
    size_t     cut;
    rt_str_t   part;
    rt_buf_t   b;

    rt_buf_init(&b, mem, sizeof(mem));
    n = count(v->bytes, &b);

    ok((n == -1) ? strcmp(v->expected, "bad") == 0 : atoi(v->expected) == n,
       "%s:%u is %s", v->file, v->line, v->expected);

    if (n != -1) {
        is_str(rt_buf_str(&b), v->bytes, "and comes back");
    }

    for (cut = 0; cut < v->bytes.len; cut++) {
        part = rt_test_copy(rt_str(cut, v->bytes.data));
        rt_buf_init(&b, mem, sizeof(mem));
        (void) count(part, &b);
        rt_test_free(part);
    }
}


static void
test_packets(void)
{
    size_t            i;
    const char       *why;
    rt_eio_packet_t   pkt;

    for (i = 0; i < rt_nitems(packet_cases); i++) {

        if (is_int(rt_eio_decode(&pkt, text(packet_cases[i].text), &why),
                   RT_OK, packet_cases[i].text))
        {
            is_int(pkt.type, packet_cases[i].type, "type");
            is_int(pkt.binary, packet_cases[i].binary, "binary");
            is_str(pkt.data, text(packet_cases[i].data), "data");
        }
    }

    why = "";
    ok(rt_eio_decode(&pkt, rt_str(0, NULL), &why) == RT_ERROR && why[0],
       "no packet at all");
}


static void
test_payload(void)
{
    rt_str_t  rest, packet;

    rest = rt_lit("\x1e" "a\x1e");

    ok(rt_eio_payload_next(&rest, &packet) == RT_OK && packet.len == 0
       && rest.len == 2, "empty in front");
    ok(rt_eio_payload_next(&rest, &packet) == RT_OK
       && rt_str_eq(packet, rt_lit("a")) && rest.len == 0
       && rest.data != NULL, "one in the middle");
    ok(rt_eio_payload_next(&rest, &packet) == RT_OK && packet.len == 0
       && rest.data == NULL, "empty at the end");
    ok(rt_eio_payload_next(&rest, &packet) == RT_DONE
       && rt_eio_payload_next(&rest, &packet) == RT_DONE, "used up");
}


static void
test_open(void)
{
    size_t          size;
    u_char          mem[256];
    ssize_t         n;
    rt_str_t        expected;
    const char     *why;
    rt_eio_open_t   open;

    open.sid = rt_lit("lv_VI97HAXpY6yYWAAAC");
    open.ping_interval = 25000;
    open.ping_timeout = 20000;
    open.max_payload = 1000000;
    open.websocket = 1;

    expected = rt_lit("0{\"sid\":\"lv_VI97HAXpY6yYWAAAC\","
                      "\"upgrades\":[\"websocket\"],\"pingInterval\":25000,"
                      "\"pingTimeout\":20000,\"maxPayload\":1000000}");

    n = rt_eio_write_open(&open, mem, sizeof(mem));
    is_str(rt_str((size_t) n, mem), expected, "open packet");

    for (size = 0; size < expected.len; size++) {

        if (rt_eio_write_open(&open, mem, size) != RT_ERROR) {
            break;
        }
    }

    is_int((intmax_t) size, (intmax_t) expected.len, "needs its length");

    open.ping_interval = UINT64_MAX;
    open.ping_timeout = UINT64_MAX;
    open.max_payload = UINT64_MAX;
    n = rt_eio_write_open(&open, mem, sizeof(mem));
    ok(n > 0, "256 bytes always do");

    open.websocket = 0;
    n = rt_eio_write_open(&open, mem, sizeof(mem));
    ok(n > 0 && rt_json_check(rt_str((size_t) n - 1, mem + 1), &why) == RT_OK
       && memmem(mem, (size_t) n, ",\"upgrades\":[],", 15) != NULL,
       "without upgrades");
}


int
main(void)
{
    rt_vectors("eio.txt", check_vector);

    test_packets();
    test_payload();
    test_open();

    return done_testing();
}
