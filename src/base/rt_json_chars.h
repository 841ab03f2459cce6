
/*
 * rt_json_chars.h: the characters of JSON, for rt_json.c and rt_json_check.c.
 */


#ifndef _RT_JSON_CHARS_H_INCLUDED_
#define _RT_JSON_CHARS_H_INCLUDED_


#include "base/rt.h"


/* no character: the text ends here, or what stands here is no string */
#define RT_JSON_END  UINT32_MAX


static inline int
rt_json_is_space(u_char ch)
{
    return ch == ' ' || ch == '\n' || ch == '\r' || ch == '\t';
}


static inline int
rt_json_is_digit(u_char ch)
{
    return ch >= '0' && ch <= '9';
}


static inline int
rt_json_is_mark(u_char ch)
{
    return ch == ',' || ch == ':' || ch == '{' || ch == '}' || ch == '['
           || ch == ']';
}


/* the value of a hexadecimal digit, or -1 */

static inline int
rt_json_hex(u_char ch)
{
    if (rt_json_is_digit(ch)) {
        return ch - '0';
    }

    ch |= 0x20;

    return (ch >= 'a' && ch <= 'f') ? ch - 'a' + 10 : -1;
}


static inline const u_char *
rt_json_space(const u_char *p, const u_char *last)
{
    while (p != last && rt_json_is_space(*p)) {
        p++;
    }

    return p;
}


/* four hexadecimal digits, or RT_JSON_END */

static inline uint32_t
rt_json_hex4(const u_char *p, const u_char *last)
{
    int       i, digit;
    uint32_t  n;

    if (last - p < 4) {
        return RT_JSON_END;
    }

    n = 0;

    for (i = 0; i < 4; i++) {

        digit = rt_json_hex(p[i]);

        if (digit < 0) {
            return RT_JSON_END;
        }

        n = (n << 4) | (uint32_t) digit;
    }

    return n;
}


#endif /* _RT_JSON_CHARS_H_INCLUDED_ */
