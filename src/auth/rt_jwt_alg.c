
/*
 * rt_jwt_alg.c: the algorithms of JSON Web Signatures.
 */


#include "auth/rt_jwt_alg.h"
#include "base/rt_json.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/hmac.h>
#include <openssl/objects.h>
#include <openssl/rsa.h>


/* bytes of each of the numbers of an ECDSA signature, and of both in DER */
#define RT_JWT_EC_MAX   48
#define RT_JWT_DER_MAX  (2 * (RT_JWT_EC_MAX + 3) + 3)


typedef struct {
    rt_str_t     name;
    const char  *hash;          /* NULL: the algorithm brings its own */
    int          padding;       /* of RSA, else 0 */
    size_t       half;          /* bytes of r and of s, else 0 */
} rt_jwt_alg_t;


static const rt_jwt_alg_t  rt_jwt_algs[] = {
    [RT_JWT_HS256] = { rt_string("HS256"), "SHA256", 0, 0 },
    [RT_JWT_HS384] = { rt_string("HS384"), "SHA384", 0, 0 },
    [RT_JWT_HS512] = { rt_string("HS512"), "SHA512", 0, 0 },
    [RT_JWT_RS256] = { rt_string("RS256"), "SHA256", RSA_PKCS1_PADDING, 0 },
    [RT_JWT_RS384] = { rt_string("RS384"), "SHA384", RSA_PKCS1_PADDING, 0 },
    [RT_JWT_RS512] = { rt_string("RS512"), "SHA512", RSA_PKCS1_PADDING, 0 },
    [RT_JWT_PS256] = { rt_string("PS256"), "SHA256", RSA_PKCS1_PSS_PADDING, 0 },
    [RT_JWT_PS384] = { rt_string("PS384"), "SHA384", RSA_PKCS1_PSS_PADDING, 0 },
    [RT_JWT_PS512] = { rt_string("PS512"), "SHA512", RSA_PKCS1_PSS_PADDING, 0 },
    [RT_JWT_ES256] = { rt_string("ES256"), "SHA256", 0, 32 },
    [RT_JWT_ES384] = { rt_string("ES384"), "SHA384", 0, 48 },
    [RT_JWT_EDDSA] = { rt_string("EdDSA"), NULL, 0, 0 }
};


static unsigned rt_jwt_alg_of_curve(EVP_PKEY *pkey);
static int rt_jwt_alg_rsa_strong(EVP_PKEY *pkey);

static rt_int_t rt_jwt_alg_hmac(const rt_jwt_alg_t *a, rt_str_t secret,
    rt_str_t input, rt_str_t sig);
static rt_int_t rt_jwt_alg_public(const rt_jwt_alg_t *a, EVP_PKEY *pkey,
    rt_str_t input, rt_str_t sig);
static size_t rt_jwt_alg_der(u_char *der, const u_char *r, size_t half);
static u_char *rt_jwt_alg_der_number(u_char *p, const u_char *n, size_t len);


rt_jwt_alg_e
rt_jwt_alg(rt_str_t name)
{
    rt_uint_t  i;

    for (i = 1; i < rt_nitems(rt_jwt_algs); i++) {

        if (rt_json_is(name, rt_jwt_algs[i].name)) {
            return (rt_jwt_alg_e) i;
        }
    }

    return RT_JWT_UNKNOWN;
}


rt_int_t
rt_jwt_alg_of(EVP_PKEY *pkey, unsigned *algs, const char **why)
{
    *algs = 0;

    switch (EVP_PKEY_get_base_id(pkey)) {

    case EVP_PKEY_RSA:

        if (!rt_jwt_alg_rsa_strong(pkey)) {
            *why = "an RSA key needs 2048 to 16384 bits and an odd exponent "
                   "above 1";
            return RT_ERROR;
        }

        *algs = RT_JWT_ALGS_RSA;
        break;

    case EVP_PKEY_EC:
        *algs = rt_jwt_alg_of_curve(pkey);
        break;

    case EVP_PKEY_ED25519:
        *algs = rt_jwt_alg_bit(RT_JWT_EDDSA);
        break;
    }

    if (*algs == 0) {
        *why = "a key is none of RSA, EC on P-256 or P-384, and Ed25519";
    }

    return RT_OK;
}


static unsigned
rt_jwt_alg_of_curve(EVP_PKEY *pkey)
{
    int     nid;
    char    name[64];
    size_t  len;

    if (EVP_PKEY_get_group_name(pkey, name, sizeof(name), &len) != 1) {
        return 0;
    }

    nid = OBJ_sn2nid(name);

    if (nid == NID_undef) {
        nid = EC_curve_nist2nid(name);
    }

    switch (nid) {

    case NID_X9_62_prime256v1:
        return rt_jwt_alg_bit(RT_JWT_ES256);

    case NID_secp384r1:
        return rt_jwt_alg_bit(RT_JWT_ES384);

    default:
        return 0;
    }
}


/* with an exponent of 1 anybody could sign */

static int
rt_jwt_alg_rsa_strong(EVP_PKEY *pkey)
{
    int      bits, good;
    BIGNUM  *e;

    bits = EVP_PKEY_get_bits(pkey);

    if (bits < RT_JWT_RSA_MIN || bits > RT_JWT_RSA_MAX) {
        return 0;
    }

    e = NULL;

    if (EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e) != 1) {
        return 0;
    }

    good = BN_is_odd(e) && !BN_is_one(e);
    BN_free(e);

    return good;
}


rt_int_t
rt_jwt_alg_verify(rt_jwt_alg_e alg, const rt_jwt_key_t *key, rt_str_t input,
    rt_str_t sig)
{
    const rt_jwt_alg_t  *a;

    if ((key->algs & rt_jwt_alg_bit(alg)) == 0) {
        return RT_ERROR;
    }

    a = &rt_jwt_algs[alg];

    if (rt_jwt_alg_bit(alg) & RT_JWT_ALGS_HMAC) {
        return rt_jwt_alg_hmac(a, key->secret, input, sig);
    }

    return rt_jwt_alg_public(a, key->pkey, input, sig);
}


static rt_int_t
rt_jwt_alg_hmac(const rt_jwt_alg_t *a, rt_str_t secret, rt_str_t input,
    rt_str_t sig)
{
    size_t  len;
    u_char  mac[EVP_MAX_MD_SIZE];

    /* only a secret may come here: an empty one would make any token good */

    if (secret.len == 0
        || EVP_Q_mac(NULL, "HMAC", NULL, a->hash, NULL, secret.data,
                     secret.len, input.data, input.len, mac, sizeof(mac), &len)
           == NULL)
    {
        return RT_ERROR;
    }

    if (sig.len != len || CRYPTO_memcmp(mac, sig.data, len) != 0) {
        return RT_ERROR;
    }

    return RT_OK;
}


static rt_int_t
rt_jwt_alg_public(const rt_jwt_alg_t *a, EVP_PKEY *pkey, rt_str_t input,
    rt_str_t sig)
{
    u_char         der[RT_JWT_DER_MAX];
    rt_int_t       rc;
    EVP_MD_CTX    *ctx;
    EVP_PKEY_CTX  *pctx;

    if (pkey == NULL) {
        return RT_ERROR;
    }

    if (a->half) {

        if (sig.len != 2 * a->half) {
            return RT_ERROR;
        }

        sig = rt_str(rt_jwt_alg_der(der, sig.data, a->half), der);
    }

    ctx = EVP_MD_CTX_new();

    if (ctx == NULL) {
        return RT_ERROR;
    }

    rc = RT_ERROR;

    if (EVP_DigestVerifyInit_ex(ctx, &pctx, a->hash, NULL, NULL, pkey, NULL)
        != 1)
    {
        goto done;
    }

    if (a->padding && EVP_PKEY_CTX_set_rsa_padding(pctx, a->padding) != 1) {
        goto done;
    }

    if (a->padding == RSA_PKCS1_PSS_PADDING
        && EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST) != 1)
    {
        goto done;
    }

    if (EVP_DigestVerify(ctx, sig.data, sig.len, input.data, input.len) == 1) {
        rc = RT_OK;
    }

done:

    EVP_MD_CTX_free(ctx);

    return rc;
}


/* r and s, one behind the other, as a SEQUENCE of two INTEGERs: its length */

static size_t
rt_jwt_alg_der(u_char *der, const u_char *r, size_t half)
{
    u_char  *p;

    /* less than 128 bytes are in it, so that one byte tells how many */

    p = rt_jwt_alg_der_number(der + 2, r, half);
    p = rt_jwt_alg_der_number(p, r + half, half);

    der[0] = 0x30;
    der[1] = (u_char) (p - der - 2);

    return (size_t) (p - der);
}


/* without zeros in front, save for one that keeps the number positive */

static u_char *
rt_jwt_alg_der_number(u_char *p, const u_char *n, size_t len)
{
    while (len > 1 && *n == 0) {
        n++;
        len--;
    }

    *p++ = 0x02;

    if (*n & 0x80) {
        *p++ = (u_char) (len + 1);
        *p++ = 0;

    } else {
        *p++ = (u_char) len;
    }

    memcpy(p, n, len);

    return p + len;
}
