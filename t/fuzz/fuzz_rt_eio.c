
/* Engine.IO payloads: put together again, the packets are the payload */

#include "proto/rt_eio.h"
#include "base/rt_buf.h"
#include "rt_fuzz.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    u_char           *mem;
    size_t            n;
    rt_buf_t          b;
    rt_str_t          rest, packet;
    const char       *why;
    rt_eio_packet_t   pkt;

    mem = rt_fuzz_alloc(size);
    rt_buf_init(&b, mem, size);
    rest = rt_str(size, data);

    for (n = 0; rt_eio_payload_next(&rest, &packet) == RT_OK; n++) {

        must(n <= size);

        if (n) {
            rt_buf_char(&b, RT_EIO_SEPARATOR);
        }

        why = NULL;

        if (rt_eio_decode(&pkt, packet, &why) != RT_OK) {
            must(why != NULL);
            rt_buf_put(&b, packet);
            continue;
        }

        must(pkt.type <= RT_EIO_NOOP);
        must(!pkt.binary || pkt.type == RT_EIO_MESSAGE);

        rt_buf_char(&b, pkt.binary ? 'b' : (u_char) ('0' + pkt.type));
        rt_buf_put(&b, pkt.data);
    }

    must(rest.data == NULL);
    must(rt_buf_result(&b) == (ssize_t) size);
    must(size == 0 || memcmp(mem, data, size) == 0);

    free(mem);

    return 0;
}
