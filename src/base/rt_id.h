
/*
 * rt_id.h: ids.  Session and socket ids are 20 characters of base64url, as
 * the reference server makes them: 15 random bytes (120 bits), unguessable.
 * Message ids sort by time: 48 bits of milliseconds, then 72 random bits.
 *
 * Randomness is fetched for many ids at once and dropped in a forked child, so
 * that no two processes give out the same.  Not for threads.
 */


#ifndef _RT_ID_H_INCLUDED_
#define _RT_ID_H_INCLUDED_


#include "base/rt.h"


#define RT_ID_LEN    20
#define RT_UUID_LEN  36


/* writes RT_ID_LEN characters; RT_ERROR when the system has no randomness */
rt_int_t rt_id_make(u_char *dst);

/* writes a random UUID (RFC 9562, version 4) of RT_UUID_LEN characters */
rt_int_t rt_id_uuid(u_char *dst);

/* whether "s" has the form of an id: it may then be looked up */
int rt_id_valid(rt_str_t s);

/*
 * A message id of RT_ID_LEN characters from an alphabet in ASCII order, so
 * that ids sort as bytes by "msec" (since the epoch).
 */
rt_int_t rt_id_message(u_char *dst, uint64_t msec);


#endif /* _RT_ID_H_INCLUDED_ */
