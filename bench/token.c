
/*
 * token.c: signs with libcrypto; keys live as long as the process.
 */


#include "token.h"
#include "base/rt_base64.h"
#include "rt_bench.h"

#include <errno.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <time.h>


#define RT_TOKEN_SECONDS   86400

/* bytes of the longest signature, and of either number of one of ES256 */
#define RT_TOKEN_SIGN_MAX  256
#define RT_TOKEN_NUMBER    32


static rt_int_t rt_token_make(char *dst, const rt_token_keys_t *keys,
    rt_token_alg_e alg, uint32_t number, time_t now);
static char *rt_token_part(char *dst, rt_str_t text);
static size_t rt_token_sign(u_char *dst, const rt_token_keys_t *keys,
    rt_token_alg_e alg, rt_str_t text);
static size_t rt_token_plain_ecdsa(u_char *sig, size_t len);


static const char  *rt_token_names[RT_TOKEN_ALGS] = {
    "none", "HS256", "RS256", "ES256"
};


rt_int_t
rt_token_keys_make(rt_token_keys_t *keys)
{
    memset(keys, 0, sizeof(rt_token_keys_t));

    keys->pair[RT_TOKEN_RS256] = EVP_RSA_gen(2048);
    keys->pair[RT_TOKEN_ES256] = EVP_EC_gen("P-256");

    if (keys->pair[RT_TOKEN_RS256] == NULL
        || keys->pair[RT_TOKEN_ES256] == NULL)
    {
        return rt_bench_fail("libcrypto makes no keys");
    }

    return RT_OK;
}


rt_int_t
rt_token_keys_write(const rt_token_keys_t *keys, const char *path)
{
    int     i, good;
    FILE   *f;

    f = fopen(path, "w");
    if (f == NULL) {
        return rt_bench_fail("%s: %s", path, strerror(errno));
    }

    good = 1;

    for (i = 0; i < RT_TOKEN_ALGS; i++) {
        if (keys->pair[i] && PEM_write_PUBKEY(f, keys->pair[i]) != 1) {
            good = 0;
        }
    }

    if (fclose(f) != 0 || !good) {
        return rt_bench_fail("%s: cannot be written", path);
    }

    return RT_OK;
}


void
rt_token_keys_free(rt_token_keys_t *keys)
{
    int  i;

    for (i = 0; i < RT_TOKEN_ALGS; i++) {
        EVP_PKEY_free(keys->pair[i]);
        keys->pair[i] = NULL;
    }
}


rt_int_t
rt_tokens_make(rt_tokens_t *tokens, const rt_token_keys_t *keys,
    rt_token_alg_e alg, uint32_t count)
{
    time_t    now;
    uint32_t  i;

    if (alg == RT_TOKEN_NONE) {
        return RT_OK;
    }

    tokens->text = calloc(count, RT_TOKEN_MAX);
    if (tokens->text == NULL) {
        return rt_bench_fail("no memory for %u tokens", count);
    }

    now = time(NULL);

    for (i = 0; i < count; i++) {
        if (rt_token_make(tokens->text[i], keys, alg, i, now) != RT_OK) {
            return rt_bench_fail("libcrypto does not sign with %s",
                                 rt_token_names[alg]);
        }
    }

    tokens->count = count;

    return RT_OK;
}


void
rt_tokens_free(rt_tokens_t *tokens)
{
    free(tokens->text);
    memset(tokens, 0, sizeof(rt_tokens_t));
}


static rt_int_t
rt_token_make(char *dst, const rt_token_keys_t *keys, rt_token_alg_e alg,
    uint32_t number, time_t now)
{
    int      n;
    char    *p, text[200];
    size_t   len;
    u_char   sig[RT_TOKEN_SIGN_MAX];

    n = snprintf(text, sizeof(text), "{\"alg\":\"%s\",\"typ\":\"JWT\"}",
                 rt_token_names[alg]);

    p = rt_token_part(dst, rt_str((size_t) n, text));
    *p++ = '.';

    n = snprintf(text, sizeof(text), "{\"userId\":\"bench-user-%u\","
                 "\"permissions\":[\"read\",\"write\"],"
                 "\"iat\":%lld,\"exp\":%lld}", number, (long long) now,
                 (long long) now + RT_TOKEN_SECONDS);

    p = rt_token_part(p, rt_str((size_t) n, text));

    len = rt_token_sign(sig, keys, alg, rt_str((size_t) (p - dst), dst));
    if (len == 0) {
        return RT_ERROR;
    }

    *p++ = '.';
    p = rt_token_part(p, rt_str(len, sig));
    *p = '\0';

    return RT_OK;
}


/* the end of what was written */

static char *
rt_token_part(char *dst, rt_str_t text)
{
    return dst + rt_base64url_encode((u_char *) dst, text);
}


/* the length, or 0 */

static size_t
rt_token_sign(u_char *dst, const rt_token_keys_t *keys, rt_token_alg_e alg,
    rt_str_t text)
{
    size_t       len;
    EVP_MD_CTX  *ctx;

    len = 0;

    if (alg == RT_TOKEN_HS256) {
        return EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, RT_TOKEN_SECRET,
                         sizeof(RT_TOKEN_SECRET) - 1, text.data, text.len,
                         dst, RT_TOKEN_SIGN_MAX, &len)
               ? len : 0;
    }

    len = RT_TOKEN_SIGN_MAX;
    ctx = EVP_MD_CTX_new();

    if (ctx == NULL
        || EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, keys->pair[alg])
           != 1
        || EVP_DigestSign(ctx, dst, &len, text.data, text.len) != 1)
    {
        len = 0;
    }

    EVP_MD_CTX_free(ctx);

    return (alg == RT_TOKEN_ES256 && len) ? rt_token_plain_ecdsa(dst, len)
                                          : len;
}


/* JWS wants two numbers side by side (RFC 7518, 3.4), and no DER */

static size_t
rt_token_plain_ecdsa(u_char *sig, size_t len)
{
    size_t         n;
    ECDSA_SIG     *pair;
    const u_char  *p;

    p = sig;
    n = 0;

    pair = d2i_ECDSA_SIG(NULL, &p, (long) len);

    if (pair
        && BN_bn2binpad(ECDSA_SIG_get0_r(pair), sig, RT_TOKEN_NUMBER) > 0
        && BN_bn2binpad(ECDSA_SIG_get0_s(pair), sig + RT_TOKEN_NUMBER,
                        RT_TOKEN_NUMBER) > 0)
    {
        n = 2 * RT_TOKEN_NUMBER;
    }

    ECDSA_SIG_free(pair);

    return n;
}
