
/* Sec-WebSocket-Accept */

#include "proto/rt_ws_key.h"
#include "rt_test.h"


static const rt_str_t  refused[] = {
    rt_string(""),
    rt_string("dGhlIHNhbXBsZSBub25jZQ"),
    rt_string("dGhlIHNhbXBsZSBub25jZQ="),
    rt_string("dGhlIHNhbXBsZSBub25jZQ==="),
    rt_string("dGhlIHNhbXBsZSBub25jZQ== "),
    rt_string(" GhlIHNhbXBsZSBub25jZQ=="),
    rt_string("dGhlIHNhbXBsZSBub25jZWU="),
    rt_string("dGhlIHNhbXBsZSBub25jZWVl"),
    rt_string("dGhlIHNhbXBsZSBub25j-Q=="),
    rt_string("dGhl=HNhbXBsZSBub25jZQ==")
};


int
main(void)
{
    size_t    i;
    u_char    dst[RT_WS_ACCEPT_LEN + 1];
    rt_str_t  key;

    memset(dst, '!', sizeof(dst));

    is_int(rt_ws_accept(dst, rt_lit("dGhlIHNhbXBsZSBub25jZQ==")), RT_OK,
           "the RFC's key");
    is_str(rt_str(sizeof(dst), dst), rt_lit("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=!"),
           "and nothing behind it");

    for (i = 0; i < rt_nitems(refused); i++) {
        key = rt_test_copy(refused[i]);
        is_int(rt_ws_accept(dst, key), RT_ERROR,
               (const char *) refused[i].data);
        rt_test_free(key);
    }

    return done_testing();
}
