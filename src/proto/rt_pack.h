
/*
 * rt_pack.h: JSON with attachments becomes msgpack.
 *
 * Arguments of events are JSON text here, and what is binary in them stands
 * beside it as attachments, with placeholders in the text (Socket.IO's binary
 * events).  Between hosts it is all one msgpack value.
 *
 *     n = rt_pack(NULL, text, attachments, count, &why);
 *     ... n bytes of memory for b ...
 *     n = rt_pack(&b, text, attachments, count, &why);
 */


#ifndef _RT_PACK_H_INCLUDED_
#define _RT_PACK_H_INCLUDED_


#include "base/rt.h"
#include "base/rt_buf.h"


/*
 * Writes "text", which rt_json_check() has passed, as notepack.io writes what
 * JSON.parse() makes of it.  Members keep the order of the text, and keys that
 * are there twice stay: it is for the reader that the last one counts.
 * Integers from 2^64 on are sent as float64, where notepack.io sends another
 * number.
 *
 * An object whose "_placeholder" is true becomes the attachment "num".  Without
 * attachments it is an object like any other.
 *
 * The length written; without "b" the room that it takes, which may be more.
 * RT_ERROR when that does not fit, with "*why" NULL, or when a placeholder
 * stands for nothing, with a constant "*why"; "b" is undefined then.
 */
ssize_t rt_pack(rt_buf_t *b, rt_str_t text, const rt_str_t *attachments,
    uint32_t count, const char **why);


#endif /* _RT_PACK_H_INCLUDED_ */
