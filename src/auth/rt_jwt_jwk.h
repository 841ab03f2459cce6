
/*
 * rt_jwt_jwk.h: JSON Web Keys (RFC 7517; RFC 7518, 6; RFC 8037).
 */


#ifndef _RT_JWT_JWK_H_INCLUDED_
#define _RT_JWT_JWK_H_INCLUDED_


#include "auth/rt_jwt_alg.h"


/*
 * Reads the checked JSON value "jwk" into "*key".  RT_OK; or, with a constant
 * "*why", RT_DECLINED for a good key that is of no use here (another kind, not
 * for signatures), which a set may hold; or RT_ERROR for what nobody should
 * trust: a malformed, weak or private key.
 *
 * Only after RT_OK the caller owns what "*key" points to; rt_jwt_jwk_free()
 * wipes and frees it.
 */
rt_int_t rt_jwt_jwk_read(rt_jwt_key_t *key, rt_str_t jwk, const char **why);

void rt_jwt_jwk_free(rt_jwt_key_t *key);

/* bytes of one's own, or "data" is NULL: no memory; never so when empty */
rt_str_t rt_jwt_jwk_copy(rt_str_t s);


#endif /* _RT_JWT_JWK_H_INCLUDED_ */
