
/*
 * rt_jwt_key.h: the keys that tokens are checked with.
 *
 * Reads what an operator has: a secret, PEM, JSON Web Keys.  Knows no files,
 * no clock (a certificate's dates are not looked at) and no tokens; each key
 * decides which algorithms it may be used with (rt_jwt_alg.h).
 *
 * A function that fails has a constant "*why", which quotes nothing of a key,
 * and leaves nothing in OpenSSL's queue of errors.
 */


#ifndef _RT_JWT_KEY_H_INCLUDED_
#define _RT_JWT_KEY_H_INCLUDED_


#include "auth/rt_jwt_alg.h"


/* a token without a kid is tried with every key: one of them pays for many */
#define RT_JWT_KEYS_MAX  64


typedef struct rt_jwt_keys_s  rt_jwt_keys_t;


/* NULL: no memory */
rt_jwt_keys_t *rt_jwt_keys_new(void);

/* secrets are wiped; "keys" may be NULL */
void rt_jwt_keys_free(rt_jwt_keys_t *keys);

rt_uint_t rt_jwt_keys_count(const rt_jwt_keys_t *keys);

/*
 * A shared secret for HS256, HS384 and HS512; it is copied.  With an empty
 * "kid" it is for tokens without a kid and for those whose kid no key has.
 * RT_OK, or RT_ERROR: it is empty, or the text of a PEM key.
 */
rt_int_t rt_jwt_keys_add_secret(rt_jwt_keys_t *keys, rt_str_t secret,
    rt_str_t kid, const char **why);

/*
 * All keys of a file's text: PEM public keys and certificates (each of them,
 * so no chains), a JWK, or a JWK Set.  "kid", which may be empty, is for those
 * that do not have their own.
 *
 * RSA from 2048 bits on, EC on P-256 and P-384, Ed25519; in JWKs also oct.  A
 * JWK's "alg" limits it to that one; what "use" or "key_ops" do not give to
 * the checking of signatures, and kinds that are not supported, are left out
 * of a set.
 *
 * RT_OK: there is at least one key more.  RT_ERROR: there are none more; the
 * text has no key, a private one, or one that is malformed or weak.
 */
rt_int_t rt_jwt_keys_add_text(rt_jwt_keys_t *keys, rt_str_t text, rt_str_t kid,
    const char **why);

/*
 * Whether "sig" is a signature of "input" by one of the keys.  "kid" is a JSON
 * string, or empty.  Keys that have this kid are the only ones to try; where
 * none has it, those without a kid are; where the token has none, all are.
 * RT_OK, or RT_ERROR with a "*why" that is fit for the client.
 */
rt_int_t rt_jwt_keys_verify(const rt_jwt_keys_t *keys, rt_jwt_alg_e alg,
    rt_str_t kid, rt_str_t input, rt_str_t sig, const char **why);


#endif /* _RT_JWT_KEY_H_INCLUDED_ */
