
/*
 * token.h: JSON Web Tokens for clients, made in advance, and the keys that the
 * measured nginx checks them with.
 */


#ifndef _RT_TOKEN_H_INCLUDED_
#define _RT_TOKEN_H_INCLUDED_


#include "base/rt.h"

#include <openssl/types.h>


/* bytes of a token with its final \0; one of RS256 is the longest */
#define RT_TOKEN_MAX     1024

/* for HS256; it opens nothing but an nginx that ends with the measuring */
#define RT_TOKEN_SECRET  "what-rt-bench-signs-its-tokens-with"


typedef enum {
    RT_TOKEN_NONE = 0,
    RT_TOKEN_HS256,
    RT_TOKEN_RS256,                 /* 2048 bits */
    RT_TOKEN_ES256,
    RT_TOKEN_ALGS
} rt_token_alg_e;


/* NULL where an algorithm has no key pair; all zeroes can be freed */

typedef struct {
    EVP_PKEY  *pair[RT_TOKEN_ALGS];
} rt_token_keys_t;


/* all zeroes is an empty list, which can be freed */

typedef struct {
    uint32_t    count;
    char      (*text)[RT_TOKEN_MAX];    /* each with a final \0 */
} rt_tokens_t;


/* makes the key pairs; on RT_ERROR too they are to be freed */
rt_int_t rt_token_keys_make(rt_token_keys_t *keys);

/* writes the public keys, as PEM, to a new file */
rt_int_t rt_token_keys_write(const rt_token_keys_t *keys, const char *path);

void rt_token_keys_free(rt_token_keys_t *keys);

/*
 * Makes "count" tokens, good for a day, of the users "bench-user-0" and so on;
 * none for RT_TOKEN_NONE.  "tokens" is zeroed; on RT_ERROR too it is to be
 * freed.
 */
rt_int_t rt_tokens_make(rt_tokens_t *tokens, const rt_token_keys_t *keys,
    rt_token_alg_e alg, uint32_t count);

void rt_tokens_free(rt_tokens_t *tokens);


#endif /* _RT_TOKEN_H_INCLUDED_ */
