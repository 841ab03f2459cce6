
/*
 * rt_hash.h: SipHash-1-3 with a secret key, for tables whose keys clients
 * choose (rooms, namespaces, event names): nobody can aim at one bucket.
 */


#ifndef _RT_HASH_H_INCLUDED_
#define _RT_HASH_H_INCLUDED_


#include "base/rt.h"


typedef struct {
    uint64_t  k0;
    uint64_t  k1;
} rt_hash_key_t;


uint64_t rt_hash(const rt_hash_key_t *key, rt_str_t s);

/*
 * One hash over two strings, that of their concatenation behind the length of
 * "a" in 8 bytes: where one ends and the other begins makes a difference.
 */
uint64_t rt_hash2(const rt_hash_key_t *key, rt_str_t a, rt_str_t b);


#endif /* _RT_HASH_H_INCLUDED_ */
