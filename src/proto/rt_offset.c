
/*
 * rt_offset.c: how far a client has everything.
 */


#include "proto/rt_offset.h"


#define RT_OFFSET_TAG   4           /* characters of the hash */
#define RT_OFFSET_UNIT  8           /* all positions are multiples of it */
#define RT_OFFSET_BASE  64


static const u_char  rt_offset_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";


size_t
rt_offset_write(u_char *dst, const rt_hash_key_t *key, uint64_t pos)
{
    size_t    i, n;
    u_char    text[RT_OFFSET_MAX - RT_OFFSET_TAG];
    uint64_t  left, hash;

    left = pos / RT_OFFSET_UNIT;
    n = sizeof(text);

    do {
        text[--n] = rt_offset_digits[left % RT_OFFSET_BASE];
        left /= RT_OFFSET_BASE;
    } while (left);

    memcpy(dst, text + n, sizeof(text) - n);
    n = sizeof(text) - n;

    hash = rt_hash(key, rt_str(n, dst));

    for (i = 0; i < RT_OFFSET_TAG; i++) {
        dst[n++] = rt_offset_digits[hash % RT_OFFSET_BASE];
        hash /= RT_OFFSET_BASE;
    }

    return n;
}


rt_int_t
rt_offset_read(rt_str_t text, const rt_hash_key_t *key, uint64_t *pos)
{
    size_t         i, len;
    u_char         right[RT_OFFSET_MAX];
    uint64_t       value;
    const u_char  *digit;

    if (text.len <= RT_OFFSET_TAG || text.len > RT_OFFSET_MAX) {
        return RT_ERROR;
    }

    value = 0;

    for (i = 0; i < text.len - RT_OFFSET_TAG; i++) {

        digit = memchr(rt_offset_digits, text.data[i], RT_OFFSET_BASE);

        if (digit == NULL) {
            return RT_ERROR;
        }

        value = value * RT_OFFSET_BASE + (uint64_t) (digit - rt_offset_digits);
    }

    value *= RT_OFFSET_UNIT;

    /* one way to write it: without zeros in front, nor more than fits */

    len = rt_offset_write(right, key, value);

    if (!rt_str_eq(rt_str(len, right), text)) {
        return RT_ERROR;
    }

    *pos = value;

    return RT_OK;
}
