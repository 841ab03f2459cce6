
/*
 * rt_offset.h: how far a client has everything (connection state recovery): a
 * position in the log as text, the last argument of events, the same for all
 * who get one.
 *
 * A position is a multiple of 8.  Its eighth in base 64, most significant
 * digit first, with the alphabet of base64url; then 4 characters of a keyed
 * hash of it, because clients show positions to us and not every number is
 * one.  That keeps out mistakes and guesses, it is no signature: whoever can
 * try 16 million times finds one.
 */


#ifndef _RT_OFFSET_H_INCLUDED_
#define _RT_OFFSET_H_INCLUDED_


#include "base/rt.h"
#include "base/rt_hash.h"


/* characters of the longest text: 61 bits take 11 digits */
#define RT_OFFSET_MAX  15


/* writes the text of "pos"; its length, at most RT_OFFSET_MAX */
size_t rt_offset_write(u_char *dst, const rt_hash_key_t *key, uint64_t pos);

/*
 * RT_OK and the position, or RT_ERROR, and "*pos" is left, for all that
 * rt_offset_write() does not write.
 */
rt_int_t rt_offset_read(rt_str_t text, const rt_hash_key_t *key,
    uint64_t *pos);


#endif /* _RT_OFFSET_H_INCLUDED_ */
