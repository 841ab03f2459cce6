
/*
 * rt_jwt_key.c: the keys that tokens are checked with.
 */


#define _GNU_SOURCE             /* memmem() */

#include "auth/rt_jwt_jwk.h"
#include "auth/rt_jwt_key.h"
#include "base/rt_json.h"
#include "base/rt_utf8.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>


struct rt_jwt_keys_s {
    rt_uint_t     n;
    rt_jwt_key_t  key[RT_JWT_KEYS_MAX];
};


static rt_int_t rt_jwt_keys_push(rt_jwt_keys_t *keys, rt_jwt_key_t *key,
    rt_str_t kid, const char **why);
static void rt_jwt_keys_truncate(rt_jwt_keys_t *keys, rt_uint_t n);

static rt_int_t rt_jwt_keys_add_json(rt_jwt_keys_t *keys, rt_str_t text,
    rt_str_t kid, const char **why);
static rt_int_t rt_jwt_keys_add_jwk(rt_jwt_keys_t *keys, rt_str_t jwk,
    rt_str_t kid, const char **why);
static rt_int_t rt_jwt_keys_add_pem(rt_jwt_keys_t *keys, rt_str_t text,
    rt_str_t kid, const char **why);
static rt_int_t rt_jwt_keys_add_block(rt_jwt_keys_t *keys, const char *name,
    rt_str_t der, rt_str_t kid, const char **why);
static EVP_PKEY *rt_jwt_keys_certified(rt_str_t der);
static int rt_jwt_keys_has(rt_str_t text, const char *word);


rt_jwt_keys_t *
rt_jwt_keys_new(void)
{
    return calloc(1, sizeof(rt_jwt_keys_t));
}


void
rt_jwt_keys_free(rt_jwt_keys_t *keys)
{
    if (keys) {
        rt_jwt_keys_truncate(keys, 0);
        free(keys);
    }
}


rt_uint_t
rt_jwt_keys_count(const rt_jwt_keys_t *keys)
{
    return keys->n;
}


rt_int_t
rt_jwt_keys_add_secret(rt_jwt_keys_t *keys, rt_str_t secret, rt_str_t kid,
    const char **why)
{
    rt_jwt_key_t  key;

    if (secret.len == 0) {
        *why = "the secret is empty";
        return RT_ERROR;
    }

    /* a public key is no secret: whoever reads it could sign */

    if (rt_jwt_keys_has(secret, "-----BEGIN ")) {
        *why = "the secret is the text of a key, use \"realtime_jwt_key\"";
        return RT_ERROR;
    }

    memset(&key, 0, sizeof(rt_jwt_key_t));

    key.algs = RT_JWT_ALGS_HMAC;
    key.secret = rt_jwt_jwk_copy(secret);

    if (key.secret.data == NULL) {
        *why = "no memory";
        return RT_ERROR;
    }

    return rt_jwt_keys_push(keys, &key, kid, why);
}


rt_int_t
rt_jwt_keys_add_text(rt_jwt_keys_t *keys, rt_str_t text, rt_str_t kid,
    const char **why)
{
    rt_int_t   rc;
    rt_uint_t  n;

    n = keys->n;

    (void) ERR_set_mark();

    if (rt_json_type(text) == RT_JSON_OBJECT) {
        rc = rt_jwt_keys_add_json(keys, text, kid, why);

    } else {
        rc = rt_jwt_keys_add_pem(keys, text, kid, why);
    }

    (void) ERR_pop_to_mark();

    if (rc != RT_OK) {
        rt_jwt_keys_truncate(keys, n);
    }

    return rc;
}


rt_int_t
rt_jwt_keys_verify(const rt_jwt_keys_t *keys, rt_jwt_alg_e alg, rt_str_t kid,
    rt_str_t input, rt_str_t sig, const char **why)
{
    int                  named, own;
    rt_int_t             rc;
    rt_uint_t            i;
    const rt_jwt_key_t  *key;

    named = 0;

    for (i = 0; kid.len && i < keys->n; i++) {
        key = &keys->key[i];
        named |= key->kid.len && rt_json_is(kid, key->kid);
    }

    *why = "The token's algorithm is not accepted";
    rc = RT_ERROR;

    (void) ERR_set_mark();

    for (i = 0; i < keys->n; i++) {
        key = &keys->key[i];

        if ((key->algs & rt_jwt_alg_bit(alg)) == 0) {
            continue;
        }

        own = key->kid.len && rt_json_is(kid, key->kid);

        if (kid.len && (named ? !own : key->kid.len != 0)) {
            continue;
        }

        *why = "The token's signature is not valid";
        rc = rt_jwt_alg_verify(alg, key, input, sig);

        if (rc == RT_OK) {
            break;
        }
    }

    (void) ERR_pop_to_mark();

    return rc;
}


/* takes over what "key" points to, also when it fails */

static rt_int_t
rt_jwt_keys_push(rt_jwt_keys_t *keys, rt_jwt_key_t *key, rt_str_t kid,
    const char **why)
{
    if (keys->n == RT_JWT_KEYS_MAX) {
        *why = "there are more than 64 keys";
        rt_jwt_jwk_free(key);
        return RT_ERROR;
    }

    if (key->kid.len == 0) {
        free((void *) (uintptr_t) key->kid.data);
        key->kid = rt_jwt_jwk_copy(kid);

        if (key->kid.data == NULL) {
            *why = "no memory";
            rt_jwt_jwk_free(key);
            return RT_ERROR;
        }
    }

    keys->key[keys->n++] = *key;

    return RT_OK;
}


static void
rt_jwt_keys_truncate(rt_jwt_keys_t *keys, rt_uint_t n)
{
    while (keys->n > n) {
        rt_jwt_jwk_free(&keys->key[--keys->n]);
    }
}


static rt_int_t
rt_jwt_keys_add_json(rt_jwt_keys_t *keys, rt_str_t text, rt_str_t kid,
    const char **why)
{
    rt_int_t        rc;
    rt_str_t        set, jwk;
    rt_uint_t       n;
    rt_json_iter_t  it;

    if (rt_utf8_check(text) != RT_OK || rt_json_check(text, why) != RT_OK) {
        *why = "it is not JSON";
        return RT_ERROR;
    }

    if (rt_json_get(text, rt_lit("keys"), &set) != RT_OK) {
        rc = rt_jwt_keys_add_jwk(keys, text, kid, why);

        return (rc == RT_OK) ? RT_OK : RT_ERROR;
    }

    if (rt_json_type(set) != RT_JSON_ARRAY) {
        *why = "\"keys\" is not an array";
        return RT_ERROR;
    }

    n = keys->n;
    rt_json_each(&it, set);

    while (rt_json_next(&it, NULL, &jwk) == RT_OK) {

        if (rt_jwt_keys_add_jwk(keys, jwk, kid, why) == RT_ERROR) {
            return RT_ERROR;
        }
    }

    if (keys->n == n) {
        *why = "no key of the set can be used";
        return RT_ERROR;
    }

    return RT_OK;
}


/* RT_DECLINED: it is of no use, though nothing is wrong with it */

static rt_int_t
rt_jwt_keys_add_jwk(rt_jwt_keys_t *keys, rt_str_t jwk, rt_str_t kid,
    const char **why)
{
    rt_int_t      rc;
    rt_jwt_key_t  key;

    rc = rt_jwt_jwk_read(&key, jwk, why);

    if (rc != RT_OK) {
        return rc;
    }

    if (rt_jwt_keys_has(key.secret, "-----BEGIN ")) {
        *why = "an oct key is the text of a key";
        rt_jwt_jwk_free(&key);
        return RT_ERROR;
    }

    return rt_jwt_keys_push(keys, &key, kid, why);
}


static rt_int_t
rt_jwt_keys_add_pem(rt_jwt_keys_t *keys, rt_str_t text, rt_str_t kid,
    const char **why)
{
    BIO        *bio;
    char       *name, *header;
    long        len;
    u_char     *der;
    rt_int_t    rc;
    rt_uint_t   n;

    if (rt_jwt_keys_has(text, "PRIVATE KEY-----")) {
        *why = "a private key does not belong here";
        return RT_ERROR;
    }

    bio = (text.len > INT_MAX) ? NULL
                               : BIO_new_mem_buf(text.data, (int) text.len);

    if (bio == NULL) {
        *why = "no memory";
        return RT_ERROR;
    }

    n = keys->n;
    rc = RT_OK;

    while (rc == RT_OK && PEM_read_bio(bio, &name, &header, &der, &len) == 1) {

        rc = rt_jwt_keys_add_block(keys, name, rt_str((size_t) len, der), kid,
                                   why);
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_free(der);
    }

    BIO_free(bio);

    if (rc != RT_OK) {
        return RT_ERROR;
    }

    /* the end is where no other block begins */

    if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
        *why = "a PEM block is malformed";
        return RT_ERROR;
    }

    if (keys->n == n) {
        *why = "there is no key in it, neither PEM nor JWK";
        return RT_ERROR;
    }

    return RT_OK;
}


static rt_int_t
rt_jwt_keys_add_block(rt_jwt_keys_t *keys, const char *name, rt_str_t der,
    rt_str_t kid, const char **why)
{
    const u_char  *p;
    rt_jwt_key_t   key;

    memset(&key, 0, sizeof(rt_jwt_key_t));
    p = der.data;

    if (strcmp(name, PEM_STRING_PUBLIC) == 0) {
        key.pkey = d2i_PUBKEY(NULL, &p, (long) der.len);

    } else if (strcmp(name, PEM_STRING_RSA_PUBLIC) == 0) {
        key.pkey = d2i_PublicKey(EVP_PKEY_RSA, NULL, &p, (long) der.len);

    } else if (strcmp(name, PEM_STRING_X509) == 0
               || strcmp(name, PEM_STRING_X509_OLD) == 0)
    {
        key.pkey = rt_jwt_keys_certified(der);

    } else {
        *why = "a PEM block is neither a public key nor a certificate";
        return RT_ERROR;
    }

    if (key.pkey == NULL) {
        *why = "a key is malformed or of an unknown kind";
        return RT_ERROR;
    }

    if (rt_jwt_alg_of(key.pkey, &key.algs, why) != RT_OK || key.algs == 0) {
        rt_jwt_jwk_free(&key);
        return RT_ERROR;
    }

    return rt_jwt_keys_push(keys, &key, kid, why);
}


static EVP_PKEY *
rt_jwt_keys_certified(rt_str_t der)
{
    X509          *x509;
    EVP_PKEY      *pkey;
    const u_char  *p;

    p = der.data;
    x509 = d2i_X509(NULL, &p, (long) der.len);

    if (x509 == NULL) {
        return NULL;
    }

    pkey = X509_get_pubkey(x509);
    X509_free(x509);

    return pkey;
}


static int
rt_jwt_keys_has(rt_str_t text, const char *word)
{
    return text.len && memmem(text.data, text.len, word, strlen(word)) != NULL;
}
