
/*
 * rt_utf8.c: is it UTF-8 (RFC 3629), checked as the bytes come.
 */


#include "base/rt_utf8.h"


#define RT_UTF8_HIGH_BITS  0x8080808080808080ULL


/* what has to come next */

enum {
    RT_UTF8_START = 0,
    RT_UTF8_TAIL1,                  /* one byte 80-BF */
    RT_UTF8_TAIL2,
    RT_UTF8_TAIL3,
    RT_UTF8_AFTER_E0,               /* A0-BF: less would be overlong */
    RT_UTF8_AFTER_ED,               /* 80-9F: more would be a surrogate */
    RT_UTF8_AFTER_F0,               /* 90-BF: less would be overlong */
    RT_UTF8_AFTER_F4                /* 80-8F: more is over U+10FFFF */
};


typedef struct {
    u_char     low;
    u_char     high;
    rt_utf8_t  next;
} rt_utf8_step_t;


static const rt_utf8_step_t  rt_utf8_steps[] = {
    { 0x00, 0x7f, RT_UTF8_START },
    { 0x80, 0xbf, RT_UTF8_START },
    { 0x80, 0xbf, RT_UTF8_TAIL1 },
    { 0x80, 0xbf, RT_UTF8_TAIL2 },
    { 0xa0, 0xbf, RT_UTF8_TAIL1 },
    { 0x80, 0x9f, RT_UTF8_TAIL1 },
    { 0x90, 0xbf, RT_UTF8_TAIL2 },
    { 0x80, 0x8f, RT_UTF8_TAIL2 }
};


static rt_int_t rt_utf8_lead(rt_utf8_t *state, u_char ch);
static const u_char *rt_utf8_ascii(const u_char *p, const u_char *last);


rt_int_t
rt_utf8_feed(rt_utf8_t *state, const u_char *p, size_t len)
{
    const u_char          *last;
    const rt_utf8_step_t  *step;

    if (len == 0) {
        return RT_OK;
    }

    last = p + len;

    while (p != last) {

        if (*state == RT_UTF8_START) {

            p = rt_utf8_ascii(p, last);

            if (p == last) {
                break;
            }

            if (rt_utf8_lead(state, *p++) != RT_OK) {
                return RT_ERROR;
            }

            continue;
        }

        step = &rt_utf8_steps[*state];

        if (*p < step->low || *p > step->high) {
            return RT_ERROR;
        }

        *state = step->next;
        p++;
    }

    return RT_OK;
}


rt_int_t
rt_utf8_check(rt_str_t s)
{
    rt_utf8_t  state;

    state = RT_UTF8_START;

    if (rt_utf8_feed(&state, s.data, s.len) != RT_OK) {
        return RT_ERROR;
    }

    return (state == RT_UTF8_START) ? RT_OK : RT_ERROR;
}


/* the first byte of a character that has more than one */

static rt_int_t
rt_utf8_lead(rt_utf8_t *state, u_char ch)
{
    if (ch >= 0xc2 && ch <= 0xdf) {
        *state = RT_UTF8_TAIL1;
        return RT_OK;
    }

    if (ch >= 0xe0 && ch <= 0xef) {
        *state = (ch == 0xe0) ? RT_UTF8_AFTER_E0
                 : (ch == 0xed) ? RT_UTF8_AFTER_ED : RT_UTF8_TAIL2;
        return RT_OK;
    }

    if (ch >= 0xf0 && ch <= 0xf4) {
        *state = (ch == 0xf0) ? RT_UTF8_AFTER_F0
                 : (ch == 0xf4) ? RT_UTF8_AFTER_F4 : RT_UTF8_TAIL3;
        return RT_OK;
    }

    return RT_ERROR;
}


/* the first byte that is not ASCII, or "last" */

static const u_char *
rt_utf8_ascii(const u_char *p, const u_char *last)
{
    uint64_t  word;

    while ((size_t) (last - p) >= sizeof(word)) {

        memcpy(&word, p, sizeof(word));

        if (word & RT_UTF8_HIGH_BITS) {
            break;
        }

        p += sizeof(word);
    }

    while (p != last && *p < 0x80) {
        p++;
    }

    return p;
}
