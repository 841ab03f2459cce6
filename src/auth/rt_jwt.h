
/*
 * rt_jwt.h: JSON Web Tokens (RFC 7519) as signatures in compact form (RFC
 * 7515): is it ours, is it for us, is it good now, and what does it grant.
 *
 * Stricter than the RFCs where they leave room: base64url has one way to write
 * something, no member stands twice in the header or in the payload, nothing
 * that "crit" could ask for is understood, keys that a header brings along or
 * points to are not looked at.  The signature is checked before anything in
 * the payload is.
 *
 * Knows no clock: "now" is in seconds since the epoch.  Allocates nothing that
 * outlives a call (OpenSSL does while it checks), and leaves nothing in
 * OpenSSL's queue of errors.  A reason names a claim at most and never quotes
 * a token, so that it may be sent to the client and written to a log.
 */


#ifndef _RT_JWT_H_INCLUDED_
#define _RT_JWT_H_INCLUDED_


#include "auth/rt_jwt_key.h"
#include "base/rt.h"


/* bytes of the longest token */
#define RT_JWT_MAX      16384

/* bytes of the caller's memory: a part of a token, and strings of it */
#define RT_JWT_BUF      (2 * RT_JWT_MAX)

/* members of a header or a payload */
#define RT_JWT_MEMBERS  64

/* names in the claim "rooms", and bytes of one of them, without a final * */
#define RT_JWT_ROOMS    1000
#define RT_JWT_ROOM_MAX 255

/*
 * Seconds that other hosts' clocks may be ahead, for nbf and iat.  There is
 * none for exp: a live socket ends at that moment.
 */
#define RT_JWT_LEEWAY   5

/* later dates, also such as no clock will show, are this: the end of 9999 */
#define RT_JWT_LATEST   253402300799ULL


/* empty lists: any issuer, any audience */

typedef struct {
    rt_jwt_keys_t   *keys;
    const rt_str_t  *issuers;
    rt_uint_t        nissuers;
    const rt_str_t  *audiences;
    rt_uint_t        naudiences;
} rt_jwt_policy_t;


typedef struct {
    rt_str_t         user;      /* "userId", or else "sub": UTF-8, 1 to
                                   RT_USER_MAX bytes, no control character */
    uint64_t         expires;   /* seconds since the epoch; 0: never */
    rt_str_t         rooms;     /* a JSON array of room names and of patterns
                                   (a name's beginning, or nothing, and a *);
                                   empty: no such claim */

    unsigned         has_permissions:1;
    unsigned         read:1;    /* both 1 where there is no such claim */
    unsigned         write:1;
} rt_jwt_claims_t;


/*
 * Checks all of a token.  RT_OK, and "*claims" point into "buf", which has
 * "size" bytes, at least RT_JWT_BUF.  RT_ERROR with a constant "*why".
 */
rt_int_t rt_jwt_verify(const rt_jwt_policy_t *p, rt_str_t token, uint64_t now,
    u_char *buf, size_t size, rt_jwt_claims_t *claims, const char **why);

/*
 * The first half of it: the form, the header and the signature.  RT_OK, and
 * "*payload" is what was signed, decoded in "buf", whatever it may be; it ends
 * within the first half of RT_JWT_BUF bytes.  RT_ERROR with a constant "*why".
 */
rt_int_t rt_jwt_signature(const rt_jwt_keys_t *keys, rt_str_t token,
    u_char *buf, size_t size, rt_str_t *payload, const char **why);

/*
 * The other half: what a payload says, whoever said it.  "buf", which has
 * "size" bytes, at least as many as the payload, holds the user; the rooms are
 * in the payload.  RT_OK, or RT_ERROR with a constant "*why".
 */
rt_int_t rt_jwt_claims(const rt_jwt_policy_t *p, rt_str_t payload,
    uint64_t now, u_char *buf, size_t size, rt_jwt_claims_t *claims,
    const char **why);

/*
 * Whether "text" is a JSON object, in UTF-8, with at most RT_JWT_MEMBERS
 * members whose names differ: RT_OK, else RT_ERROR.  "buf" has at least as
 * many bytes as the text.
 */
rt_int_t rt_jwt_object(rt_str_t text, u_char *buf, size_t size);


#endif /* _RT_JWT_H_INCLUDED_ */
