
/*
 * tokens: any bytes as a token, and as a header and a payload that are signed
 * here, so that what comes behind the signature is reached; and as keys.
 */

#include "auth/rt_jwt.h"
#include "base/rt_base64.h"
#include "base/rt_json.h"
#include "base/rt_utf8.h"
#include "rt_fuzz.h"

#include <openssl/err.h>


#define NOW     2000000000ULL
#define SECRET  "a secret of the tests, which everybody may know"
#define HEADER  "{\"alg\":\"HS256\"}"


/* those of t/vectors/jwt, so that its tokens are taken */

static const char  public_keys[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MCowBQYDK2VwAyEAWvVGAzw0fwBQlV3vQS858GQ3waWAS6H5ARLzrVxsrYg=\n"
    "-----END PUBLIC KEY-----\n"
    "-----BEGIN PUBLIC KEY-----\n"
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAECTiH15wnWJolzcoeB/w5eYfZPe2w\n"
    "8Bw7XHFiUrAdLcE+oFvNOl2SxnmGetGVG/aqDOExhbyDDn3KiizcA4Q+Bg==\n"
    "-----END PUBLIC KEY-----\n";


static const rt_str_t  nobody[] = { rt_string("nobody") };

static rt_jwt_keys_t    *keys;
static rt_jwt_keys_t    *others;


static void
load_keys(void)
{
    const char  *why;

    keys = rt_jwt_keys_new();
    others = rt_jwt_keys_new();
    must(keys && others);

    must(rt_jwt_keys_add_secret(keys, rt_lit(SECRET), rt_str(0, NULL), &why)
         == RT_OK);
    must(rt_jwt_keys_add_text(keys, rt_lit(public_keys), rt_str(0, NULL), &why)
         == RT_OK);
    must(rt_jwt_keys_add_secret(others, rt_lit("x"), rt_str(0, NULL), &why)
         == RT_OK);
}


static void
check_claims(const rt_jwt_claims_t *c)
{
    size_t           i;
    rt_str_t         room;
    rt_uint_t        n;
    rt_json_iter_t   it;

    must(c->user.len >= 1 && c->user.len <= RT_USER_MAX);
    must(rt_utf8_check(c->user) == RT_OK);

    for (i = 0; i < c->user.len; i++) {
        must(c->user.data[i] >= 0x20 && c->user.data[i] != 0x7f);
    }

    must(c->expires == 0 || c->expires > NOW);
    must(c->expires <= RT_JWT_LATEST);
    must(c->has_permissions || (c->read && c->write));

    if (c->rooms.len == 0) {
        return;
    }

    must(rt_json_type(c->rooms) == RT_JSON_ARRAY);
    rt_json_each(&it, c->rooms);

    for (n = 0; rt_json_next(&it, NULL, &room) == RT_OK; n++) {
        must(rt_json_type(room) == RT_JSON_STRING);
        must(rt_json_length(room) >= 1 && rt_json_length(room) <= 256);
    }

    must(n <= RT_JWT_ROOMS);
}


static rt_int_t
verify(rt_str_t token, const char **why)
{
    u_char           *buf;
    rt_int_t          rc;
    rt_jwt_claims_t   claims;
    rt_jwt_policy_t   policy = { .keys = keys };

    buf = rt_fuzz_alloc(RT_JWT_BUF);
    *why = NULL;

    rc = rt_jwt_verify(&policy, token, NOW, buf, RT_JWT_BUF, &claims, why);

    must(rc == RT_OK || rc == RT_ERROR);
    must(rc == RT_OK || *why != NULL);
    must(ERR_peek_error() == 0);

    if (rc == RT_OK) {
        check_claims(&claims);

        /* not with other keys, not from nobody, not for nobody, not later */

        must(claims.expires == 0
             || rt_jwt_verify(&policy, token, claims.expires, buf, RT_JWT_BUF,
                              &claims, why) == RT_ERROR);

        policy.keys = others;
        must(rt_jwt_verify(&policy, token, NOW, buf, RT_JWT_BUF, &claims, why)
             == RT_ERROR);

        policy.keys = keys;
        policy.audiences = nobody;
        policy.naudiences = 1;
        (void) rt_jwt_verify(&policy, token, NOW, buf, RT_JWT_BUF, &claims,
                             why);
    }

    free(buf);

    return rc;
}


/* "header" and "payload" as they are, in base64url, and signed */

static rt_str_t
sign(rt_str_t header, rt_str_t payload)
{
    size_t   n, len;
    u_char  *p, mac[32];

    p = rt_fuzz_alloc(rt_base64_size(header.len) + rt_base64_size(payload.len)
                      + rt_base64_size(sizeof(mac)) + 2);

    n = rt_base64url_encode(p, header);
    p[n++] = '.';
    n += rt_base64url_encode(p + n, payload);

    must(EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, SECRET,
                   sizeof(SECRET) - 1, p, n, mac, sizeof(mac), &len) != NULL);

    p[n++] = '.';
    n += rt_base64url_encode(p + n, rt_str(len, mac));

    return rt_str(n, p);
}


static void
check_signed(rt_str_t header, rt_str_t payload)
{
    u_char           *buf;
    rt_int_t          rc;
    rt_str_t          token, got;
    const char       *why, *direct;
    rt_jwt_claims_t   claims;
    rt_jwt_policy_t   policy = { .keys = keys };

    token = sign(header, payload);
    rc = verify(token, &why);

    if (rt_str_eq(header, rt_lit(HEADER)) && token.len <= RT_JWT_MAX) {

        /* the payload comes back, and it alone decides */

        buf = rt_fuzz_alloc(RT_JWT_BUF);

        must(rt_jwt_signature(keys, token, buf, RT_JWT_BUF, &got, &direct)
             == RT_OK);
        must(rt_str_eq(got, payload));
        must(rt_jwt_claims(&policy, payload, NOW, buf, payload.len, &claims,
                           &direct) == rc);
        must(rc == RT_OK || why == direct);

        free(buf);
    }

    free((void *) (uintptr_t) token.data);
}


static void
check_keys(rt_str_t text)
{
    rt_int_t        rc;
    const char     *why;
    rt_jwt_keys_t  *some;

    some = rt_jwt_keys_new();
    must(some != NULL);

    why = NULL;
    rc = rt_jwt_keys_add_text(some, text, rt_lit("kid"), &why);

    must((rc == RT_OK) == (rt_jwt_keys_count(some) != 0));
    must(rc == RT_OK || why != NULL);
    must(ERR_peek_error() == 0);

    rt_jwt_keys_free(some);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    rt_str_t       in;
    const char    *why;
    const u_char  *end;

    if (keys == NULL) {
        load_keys();
    }

    in = rt_str(size, data);

    (void) verify(in, &why);
    check_keys(in);
    check_signed(rt_lit(HEADER), in);

    end = size ? memchr(data, '\n', size) : NULL;

    if (end) {
        check_signed(rt_str((size_t) (end - data), data),
                     rt_str(size - (size_t) (end - data) - 1, end + 1));
        check_signed(rt_lit(HEADER),
                     rt_str(size - (size_t) (end - data) - 1, end + 1));
    }

    return 0;
}
