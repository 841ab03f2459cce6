
/*
 * rt_jwt_alg.h: the algorithms of JSON Web Signatures (RFC 7518, RFC 8037),
 * and the check of one signature with one key.
 *
 * A key carries the set of algorithms that it may be used with; nothing that
 * a token says can widen it.  So bytes of a public key are never a secret.
 */


#ifndef _RT_JWT_ALG_H_INCLUDED_
#define _RT_JWT_ALG_H_INCLUDED_


#include "base/rt.h"

#include <openssl/evp.h>


/* bits of a modulus: below it is too weak, above it OpenSSL does not verify */
#define RT_JWT_RSA_MIN  2048
#define RT_JWT_RSA_MAX  16384

/* bytes of the longest signature */
#define RT_JWT_SIGNATURE_MAX  (RT_JWT_RSA_MAX / 8)


typedef enum {
    RT_JWT_UNKNOWN = 0,         /* also "none" */
    RT_JWT_HS256,
    RT_JWT_HS384,
    RT_JWT_HS512,
    RT_JWT_RS256,
    RT_JWT_RS384,
    RT_JWT_RS512,
    RT_JWT_PS256,
    RT_JWT_PS384,
    RT_JWT_PS512,
    RT_JWT_ES256,
    RT_JWT_ES384,
    RT_JWT_EDDSA                /* Ed25519 only */
} rt_jwt_alg_e;


/* sets of algorithms */

#define rt_jwt_alg_bit(alg)  (1u << (alg))

#define RT_JWT_ALGS_HMAC     (rt_jwt_alg_bit(RT_JWT_HS256)                    \
                              | rt_jwt_alg_bit(RT_JWT_HS384)                  \
                              | rt_jwt_alg_bit(RT_JWT_HS512))

#define RT_JWT_ALGS_RSA      (rt_jwt_alg_bit(RT_JWT_RS256)                    \
                              | rt_jwt_alg_bit(RT_JWT_RS384)                  \
                              | rt_jwt_alg_bit(RT_JWT_RS512)                  \
                              | rt_jwt_alg_bit(RT_JWT_PS256)                  \
                              | rt_jwt_alg_bit(RT_JWT_PS384)                  \
                              | rt_jwt_alg_bit(RT_JWT_PS512))


/* either a secret or a public key; which of them decides the algorithms */

typedef struct {
    unsigned   algs;
    rt_str_t   kid;             /* empty: it has none */
    rt_str_t   secret;
    EVP_PKEY  *pkey;
} rt_jwt_key_t;


/* by the JSON string "name", exactly as RFC 7518, 3.1 spells it */
rt_jwt_alg_e rt_jwt_alg(rt_str_t name);

/*
 * The algorithms that a public key is good for, by its kind and its curve.
 * Empty, with a constant "*why", for a kind that is not supported.  RT_ERROR,
 * with a constant "*why", for a key that is too weak to be used.
 */
rt_int_t rt_jwt_alg_of(EVP_PKEY *pkey, unsigned *algs, const char **why);

/*
 * Whether "sig" is the signature of "input": RT_OK, else RT_ERROR, also where
 * the key is not for "alg".  Leaves errors in OpenSSL's queue.
 */
rt_int_t rt_jwt_alg_verify(rt_jwt_alg_e alg, const rt_jwt_key_t *key,
    rt_str_t input, rt_str_t sig);


#endif /* _RT_JWT_ALG_H_INCLUDED_ */
