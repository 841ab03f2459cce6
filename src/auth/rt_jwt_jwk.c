
/*
 * rt_jwt_jwk.c: JSON Web Keys.
 */


#include "auth/rt_jwt_jwk.h"
#include "base/rt_base64.h"
#include "base/rt_json.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/param_build.h>
#include <stdlib.h>


#define RT_JWT_NUMBER_MAX  (RT_JWT_RSA_MAX / 8 + 1)
#define RT_JWT_EC_MAX      48
#define RT_JWT_ED_LEN      32

/* of a secret, which is hashed anyway when it is longer than a block */
#define RT_JWT_OCT_MAX     4096


static rt_int_t rt_jwt_jwk_use(rt_str_t jwk, const char **why);
static rt_int_t rt_jwt_jwk_kind(rt_jwt_key_t *key, rt_str_t jwk,
    const char **why);
static rt_int_t rt_jwt_jwk_alg(rt_jwt_key_t *key, rt_str_t jwk,
    const char **why);
static rt_int_t rt_jwt_jwk_kid(rt_jwt_key_t *key, rt_str_t jwk,
    const char **why);

static rt_int_t rt_jwt_jwk_rsa(rt_jwt_key_t *key, rt_str_t jwk,
    const char **why);
static rt_int_t rt_jwt_jwk_ec(rt_jwt_key_t *key, rt_str_t jwk,
    const char **why);
static rt_int_t rt_jwt_jwk_okp(rt_jwt_key_t *key, rt_str_t jwk,
    const char **why);
static rt_int_t rt_jwt_jwk_oct(rt_jwt_key_t *key, rt_str_t jwk,
    const char **why);

static ssize_t rt_jwt_jwk_bytes(u_char *dst, size_t size, rt_str_t jwk,
    rt_str_t name);
static EVP_PKEY *rt_jwt_jwk_rsa_key(rt_str_t n, rt_str_t e);
static EVP_PKEY *rt_jwt_jwk_ec_key(const char *group, rt_str_t point);
static EVP_PKEY *rt_jwt_jwk_from(const char *type, OSSL_PARAM *params);


rt_int_t
rt_jwt_jwk_read(rt_jwt_key_t *key, rt_str_t jwk, const char **why)
{
    rt_int_t  rc;
    rt_str_t  value;

    memset(key, 0, sizeof(rt_jwt_key_t));

    if (rt_json_type(jwk) != RT_JSON_OBJECT) {
        *why = "a key is not an object";
        return RT_ERROR;
    }

    if (rt_json_get(jwk, rt_lit("d"), &value) == RT_OK) {
        *why = "a private key does not belong here";
        return RT_ERROR;
    }

    rc = rt_jwt_jwk_use(jwk, why);

    if (rc == RT_OK) {
        rc = rt_jwt_jwk_kind(key, jwk, why);
    }

    if (rc == RT_OK) {
        rc = rt_jwt_jwk_alg(key, jwk, why);
    }

    if (rc == RT_OK) {
        rc = rt_jwt_jwk_kid(key, jwk, why);
    }

    if (rc != RT_OK) {
        rt_jwt_jwk_free(key);
    }

    return rc;
}


void
rt_jwt_jwk_free(rt_jwt_key_t *key)
{
    if (key->secret.data) {
        OPENSSL_cleanse((void *) (uintptr_t) key->secret.data,
                        key->secret.len);
        free((void *) (uintptr_t) key->secret.data);
    }

    free((void *) (uintptr_t) key->kid.data);
    EVP_PKEY_free(key->pkey);

    memset(key, 0, sizeof(rt_jwt_key_t));
}


rt_str_t
rt_jwt_jwk_copy(rt_str_t s)
{
    u_char  *p;

    p = malloc(s.len ? s.len : 1);

    if (p && s.len) {
        memcpy(p, s.data, s.len);
    }

    return rt_str(s.len, p);
}


/* "use" and "key_ops" name what a key is for, if they are there */

static rt_int_t
rt_jwt_jwk_use(rt_str_t jwk, const char **why)
{
    rt_str_t        ops, op, use;
    rt_json_iter_t  it;

    *why = "a key is not for checking signatures";

    if (rt_json_get(jwk, rt_lit("use"), &use) == RT_OK
        && !rt_json_is(use, rt_lit("sig")))
    {
        return RT_DECLINED;
    }

    if (rt_json_get(jwk, rt_lit("key_ops"), &ops) != RT_OK) {
        return RT_OK;
    }

    if (rt_json_type(ops) != RT_JSON_ARRAY) {
        return RT_DECLINED;
    }

    rt_json_each(&it, ops);

    while (rt_json_next(&it, NULL, &op) == RT_OK) {

        if (rt_json_is(op, rt_lit("verify"))) {
            return RT_OK;
        }
    }

    return RT_DECLINED;
}


static rt_int_t
rt_jwt_jwk_kind(rt_jwt_key_t *key, rt_str_t jwk, const char **why)
{
    rt_str_t  kty;

    if (rt_json_get(jwk, rt_lit("kty"), &kty) != RT_OK
        || rt_json_type(kty) != RT_JSON_STRING)
    {
        *why = "a key has no \"kty\"";
        return RT_ERROR;
    }

    if (rt_json_is(kty, rt_lit("RSA"))) {
        return rt_jwt_jwk_rsa(key, jwk, why);
    }

    if (rt_json_is(kty, rt_lit("EC"))) {
        return rt_jwt_jwk_ec(key, jwk, why);
    }

    if (rt_json_is(kty, rt_lit("OKP"))) {
        return rt_jwt_jwk_okp(key, jwk, why);
    }

    if (rt_json_is(kty, rt_lit("oct"))) {
        return rt_jwt_jwk_oct(key, jwk, why);
    }

    *why = "a key's \"kty\" is none of RSA, EC, OKP and oct";

    return RT_DECLINED;
}


static rt_int_t
rt_jwt_jwk_alg(rt_jwt_key_t *key, rt_str_t jwk, const char **why)
{
    rt_str_t  alg;

    if (rt_json_get(jwk, rt_lit("alg"), &alg) != RT_OK) {
        return RT_OK;
    }

    key->algs &= rt_jwt_alg_bit(rt_jwt_alg(alg));

    if (key->algs == 0) {
        *why = "a key's \"alg\" is not supported or not for its kind";
        return RT_DECLINED;
    }

    return RT_OK;
}


static rt_int_t
rt_jwt_jwk_kid(rt_jwt_key_t *key, rt_str_t jwk, const char **why)
{
    u_char   *p;
    ssize_t   n;
    rt_str_t  kid;

    if (rt_json_get(jwk, rt_lit("kid"), &kid) != RT_OK) {
        return RT_OK;
    }

    if (rt_json_type(kid) != RT_JSON_STRING) {
        *why = "a key's \"kid\" is not a string";
        return RT_ERROR;
    }

    p = malloc(kid.len);

    if (p == NULL) {
        *why = "no memory";
        return RT_ERROR;
    }

    n = rt_json_decode(kid, p, kid.len);
    key->kid = rt_str((n == RT_ERROR) ? 0 : (size_t) n, p);

    return RT_OK;
}


static rt_int_t
rt_jwt_jwk_rsa(rt_jwt_key_t *key, rt_str_t jwk, const char **why)
{
    u_char   n[RT_JWT_NUMBER_MAX], e[RT_JWT_NUMBER_MAX];
    ssize_t  n_len, e_len;

    n_len = rt_jwt_jwk_bytes(n, sizeof(n), jwk, rt_lit("n"));
    e_len = rt_jwt_jwk_bytes(e, sizeof(e), jwk, rt_lit("e"));

    if (n_len <= 0 || e_len <= 0) {
        *why = "an RSA key's \"n\" or \"e\" is missing or malformed";
        return RT_ERROR;
    }

    key->pkey = rt_jwt_jwk_rsa_key(rt_str((size_t) n_len, n),
                                   rt_str((size_t) e_len, e));

    if (key->pkey == NULL) {
        *why = "an RSA key is not valid";
        return RT_ERROR;
    }

    return rt_jwt_alg_of(key->pkey, &key->algs, why);
}


static rt_int_t
rt_jwt_jwk_ec(rt_jwt_key_t *key, rt_str_t jwk, const char **why)
{
    size_t    len;
    u_char    point[1 + 2 * RT_JWT_EC_MAX];
    ssize_t   x_len, y_len;
    rt_str_t  crv;

    if (rt_json_get(jwk, rt_lit("crv"), &crv) != RT_OK) {
        *why = "an EC key has no \"crv\"";
        return RT_ERROR;
    }

    if (rt_json_is(crv, rt_lit("P-256"))) {
        len = 32;

    } else if (rt_json_is(crv, rt_lit("P-384"))) {
        len = 48;

    } else {
        *why = "an EC key's \"crv\" is neither P-256 nor P-384";
        return RT_DECLINED;
    }

    point[0] = 0x04;
    x_len = rt_jwt_jwk_bytes(point + 1, len, jwk, rt_lit("x"));
    y_len = rt_jwt_jwk_bytes(point + 1 + len, len, jwk, rt_lit("y"));

    if (x_len != (ssize_t) len || y_len != (ssize_t) len) {
        *why = "an EC key's \"x\" or \"y\" is missing or malformed";
        return RT_ERROR;
    }

    key->pkey = rt_jwt_jwk_ec_key((len == 32) ? "P-256" : "P-384",
                                  rt_str(1 + 2 * len, point));

    if (key->pkey == NULL) {
        *why = "an EC key is not a point of its curve";
        return RT_ERROR;
    }

    return rt_jwt_alg_of(key->pkey, &key->algs, why);
}


static rt_int_t
rt_jwt_jwk_okp(rt_jwt_key_t *key, rt_str_t jwk, const char **why)
{
    u_char    x[RT_JWT_ED_LEN];
    rt_str_t  crv;

    if (rt_json_get(jwk, rt_lit("crv"), &crv) != RT_OK
        || !rt_json_is(crv, rt_lit("Ed25519")))
    {
        *why = "an OKP key's \"crv\" is not Ed25519";
        return RT_DECLINED;
    }

    if (rt_jwt_jwk_bytes(x, sizeof(x), jwk, rt_lit("x")) != RT_JWT_ED_LEN) {
        *why = "an OKP key's \"x\" is missing or malformed";
        return RT_ERROR;
    }

    key->pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, x,
                                            sizeof(x));

    if (key->pkey == NULL) {
        *why = "an OKP key is not valid";
        return RT_ERROR;
    }

    return rt_jwt_alg_of(key->pkey, &key->algs, why);
}


static rt_int_t
rt_jwt_jwk_oct(rt_jwt_key_t *key, rt_str_t jwk, const char **why)
{
    u_char   k[RT_JWT_OCT_MAX];
    ssize_t  n;

    n = rt_jwt_jwk_bytes(k, sizeof(k), jwk, rt_lit("k"));

    if (n <= 0) {
        *why = "an oct key's \"k\" is missing, empty or malformed";
        return RT_ERROR;
    }

    key->secret = rt_jwt_jwk_copy(rt_str((size_t) n, k));
    key->algs = RT_JWT_ALGS_HMAC;

    OPENSSL_cleanse(k, sizeof(k));

    if (key->secret.data == NULL) {
        *why = "no memory";
        return RT_ERROR;
    }

    return RT_OK;
}


/* the member "name", of base64url, in at most "size" bytes; or RT_ERROR */

static ssize_t
rt_jwt_jwk_bytes(u_char *dst, size_t size, rt_str_t jwk, rt_str_t name)
{
    u_char    text[rt_base64_size(RT_JWT_OCT_MAX)];
    u_char    bytes[rt_base64_max(sizeof(text))];
    ssize_t   n;
    rt_str_t  value;

    if (rt_json_get(jwk, name, &value) != RT_OK) {
        return RT_ERROR;
    }

    n = rt_json_decode(value, text, sizeof(text));

    if (n == RT_ERROR) {
        return RT_ERROR;
    }

    n = rt_base64url_decode(bytes, rt_str((size_t) n, text));

    if (n != RT_ERROR) {

        if ((size_t) n > size) {
            n = RT_ERROR;

        } else {
            memcpy(dst, bytes, (size_t) n);
        }
    }

    /* it may have been a secret */

    OPENSSL_cleanse(text, sizeof(text));
    OPENSSL_cleanse(bytes, sizeof(bytes));

    return n;
}


static EVP_PKEY *
rt_jwt_jwk_rsa_key(rt_str_t n, rt_str_t e)
{
    BIGNUM          *bn, *be;
    EVP_PKEY        *pkey;
    OSSL_PARAM      *params;
    OSSL_PARAM_BLD  *bld;

    pkey = NULL;
    params = NULL;

    bn = BN_bin2bn(n.data, (int) n.len, NULL);
    be = BN_bin2bn(e.data, (int) e.len, NULL);
    bld = OSSL_PARAM_BLD_new();

    if (bn && be && bld
        && OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, bn) == 1
        && OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, be) == 1)
    {
        params = OSSL_PARAM_BLD_to_param(bld);
    }

    if (params) {
        pkey = rt_jwt_jwk_from("RSA", params);
    }

    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(bld);
    BN_free(be);
    BN_free(bn);

    return pkey;
}


static EVP_PKEY *
rt_jwt_jwk_ec_key(const char *group, rt_str_t point)
{
    OSSL_PARAM  params[3];

    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
                                                 (char *) (uintptr_t) group,
                                                 0);
    params[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY,
                                              (void *) (uintptr_t) point.data,
                                                  point.len);
    params[2] = OSSL_PARAM_construct_end();

    return rt_jwt_jwk_from("EC", params);
}


/* a public key that OpenSSL finds to be one */

static EVP_PKEY *
rt_jwt_jwk_from(const char *type, OSSL_PARAM *params)
{
    EVP_PKEY      *pkey;
    EVP_PKEY_CTX  *ctx;

    pkey = NULL;
    ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);

    if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1
        || EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
    {
        EVP_PKEY_CTX_free(ctx);
        return NULL;
    }

    EVP_PKEY_CTX_free(ctx);

    return pkey;
}
