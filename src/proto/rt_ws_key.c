
/*
 * rt_ws_key.c: Sec-WebSocket-Key and Sec-WebSocket-Accept (RFC 6455, 4.2.2).
 */


#include "base/rt_base64.h"
#include "proto/rt_ws_key.h"

#include <openssl/evp.h>


#define RT_WS_KEY_LEN    24
#define RT_WS_NONCE_LEN  16
#define RT_WS_SHA1_LEN   20

#define RT_WS_GUID       "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


rt_int_t
rt_ws_accept(u_char *dst, rt_str_t key)
{
    u_char        text[RT_WS_KEY_LEN + sizeof(RT_WS_GUID) - 1];
    u_char        nonce[rt_base64_max(RT_WS_KEY_LEN)];
    u_char        sha1[RT_WS_SHA1_LEN], accept[RT_WS_ACCEPT_LEN + 1];
    unsigned int  n;

    if (key.len != RT_WS_KEY_LEN
        || rt_base64_decode(nonce, key) != RT_WS_NONCE_LEN)
    {
        return RT_ERROR;
    }

    memcpy(text, key.data, RT_WS_KEY_LEN);
    memcpy(text + RT_WS_KEY_LEN, RT_WS_GUID, sizeof(RT_WS_GUID) - 1);

    if (EVP_Digest(text, sizeof(text), sha1, &n, EVP_sha1(), NULL) != 1) {
        return RT_ERROR;
    }

    (void) rt_base64_encode(accept, rt_str(RT_WS_SHA1_LEN, sha1));
    memcpy(dst, accept, RT_WS_ACCEPT_LEN);

    return RT_OK;
}
