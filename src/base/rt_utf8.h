
/*
 * rt_utf8.h: is it UTF-8 (RFC 3629), checked as the bytes come.
 *
 * Overlong forms, surrogates and code points over U+10FFFF are refused at the
 * first byte that cannot be right (RFC 6455, 8.1 wants to fail early).
 */


#ifndef _RT_UTF8_H_INCLUDED_
#define _RT_UTF8_H_INCLUDED_


#include "base/rt.h"


/* 0 is the state between two characters, also the initial one */
typedef uint8_t  rt_utf8_t;


/*
 * Goes on from "*state" with "len" more bytes.  RT_OK, or RT_ERROR at a byte
 * that cannot follow; the state is then undefined.
 */
rt_int_t rt_utf8_feed(rt_utf8_t *state, const u_char *p, size_t len);

/* RT_OK if "s" is valid from end to end, else RT_ERROR */
rt_int_t rt_utf8_check(rt_str_t s);


#endif /* _RT_UTF8_H_INCLUDED_ */
