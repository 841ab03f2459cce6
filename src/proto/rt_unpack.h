
/*
 * rt_unpack.h: msgpack becomes JSON with attachments.
 *
 * The way back of rt_pack.h: what comes from another host, as it goes to
 * clients.
 *
 *     n = rt_unpack(NULL, value, NULL, &count, &why);
 *     ... n bytes of memory for b, attachments[count] ...
 *     n = rt_unpack(&b, value, attachments, &count, &why);
 */


#ifndef _RT_UNPACK_H_INCLUDED_
#define _RT_UNPACK_H_INCLUDED_


#include "base/rt.h"
#include "base/rt_buf.h"
#include "proto/rt_out.h"


/*
 * Writes the msgpack value that fills "in" as JSON.stringify() writes what
 * notepack.io makes of it; the members keep their order.  Nested at most
 * RT_JSON_MAX_DEPTH deep.
 *
 * bin        a placeholder; the bytes are the next of "attachments", a slice
 *            of "in".  So is ext 0 of any length, an ArrayBuffer of notepack
 *            2, but not a fixext
 * str        what is no UTF-8 becomes U+FFFD
 * float      null if it is not finite
 * integers   beyond 2^53 the double that JavaScript would have
 * timestamps, also the one of notepack 2: an ISO 8601 string, or null if it is
 *            no time to JavaScript
 * other ext  null; undefined of notepack 2 is one
 * keys       as JavaScript makes a string of them; an array, a map or an ext
 *            is refused
 *
 * Where there are attachments an object that looks like a placeholder would be
 * taken for one, and drop its reader's connection or show it somebody else's
 * bytes: "_placeholder":true is 1 there.
 *
 * The length written.  Without "b" the room that it takes, and "*count" is set
 * to the number of attachments, which the second call wants to be told.
 * RT_ERROR when it does not fit, with "*why" NULL, or when "in" is not to be
 * had as JSON, with a constant "*why".
 */
ssize_t rt_unpack(rt_buf_t *b, rt_str_t in, rt_str_t *attachments,
    uint32_t *count, const char **why);

/*
 * A JSON string of bytes that may be no UTF-8: as the decoder of JavaScript
 * reads them.
 */
void rt_unpack_string(rt_out_t *out, rt_str_t s);


#endif /* _RT_UNPACK_H_INCLUDED_ */
