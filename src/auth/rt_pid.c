
/*
 * rt_pid.c: what a client shows to get back what it had.
 */


#include "auth/rt_pid.h"
#include "base/rt_base64.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>


#define RT_PID_BYTES   15
#define RT_PID_REF     4            /* of them; the rest is of the HMAC */
#define RT_PID_SHA256  32


static rt_int_t rt_pid_hmac(u_char *mac, const rt_pid_key_t *key,
    rt_str_t input);


rt_int_t
rt_pid_make(u_char *dst, const rt_pid_key_t *key, rt_ref_t ref,
    const u_char *id, rt_str_t nsp)
{
    size_t   i;
    u_char  *p, input[RT_PID_REF + RT_ID_LEN + RT_PID_MAX_NSP];
    u_char   bytes[RT_PID_BYTES], mac[RT_PID_SHA256];
    u_char   text[rt_base64_size(RT_PID_BYTES)];

    if (nsp.len > RT_PID_MAX_NSP) {
        return RT_ERROR;
    }

    for (i = 0; i < RT_PID_REF; i++) {
        bytes[i] = (u_char) (ref >> (24 - 8 * i));
    }

    /* all but the last has one length: no two inputs are the same bytes */

    p = input;

    memcpy(p, bytes, RT_PID_REF);
    p += RT_PID_REF;

    memcpy(p, id, RT_ID_LEN);
    p += RT_ID_LEN;

    if (nsp.len) {
        memcpy(p, nsp.data, nsp.len);
        p += nsp.len;
    }

    if (rt_pid_hmac(mac, key, rt_str((size_t) (p - input), input)) != RT_OK) {
        return RT_ERROR;
    }

    memcpy(bytes + RT_PID_REF, mac, RT_PID_BYTES - RT_PID_REF);

    (void) rt_base64url_encode(text, rt_str(sizeof(bytes), bytes));
    memcpy(dst, text, RT_PID_LEN);

    return RT_OK;
}


rt_int_t
rt_pid_ref(rt_str_t pid, rt_ref_t *ref)
{
    u_char  bytes[rt_base64_max(RT_PID_LEN)];

    if (pid.len != RT_PID_LEN
        || rt_base64url_decode(bytes, pid) != RT_PID_BYTES)
    {
        return RT_ERROR;
    }

    *ref = (rt_ref_t) bytes[0] << 24 | (rt_ref_t) bytes[1] << 16
           | (rt_ref_t) bytes[2] << 8 | bytes[3];

    return RT_OK;
}


int
rt_pid_is(rt_str_t pid, const rt_pid_key_t *key, rt_ref_t ref,
    const u_char *id, rt_str_t nsp)
{
    u_char  right[RT_PID_LEN];

    return pid.len == RT_PID_LEN
           && rt_pid_make(right, key, ref, id, nsp) == RT_OK
           && CRYPTO_memcmp(pid.data, right, RT_PID_LEN) == 0;
}


/* writes RT_PID_SHA256 bytes */

static rt_int_t
rt_pid_hmac(u_char *mac, const rt_pid_key_t *key, rt_str_t input)
{
    size_t   len;
    u_char  *made;

    (void) ERR_set_mark();

    made = EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, key->key,
                     sizeof(key->key), input.data, input.len, mac,
                     RT_PID_SHA256, &len);

    (void) ERR_pop_to_mark();

    return (made && len == RT_PID_SHA256) ? RT_OK : RT_ERROR;
}
