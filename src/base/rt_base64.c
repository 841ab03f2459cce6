
/*
 * rt_base64.c: base64 and base64url (RFC 4648, 4 and 5).
 *
 * Decoding is not left to EVP_DecodeBlock(), which skips white space, takes
 * padding anywhere and wants it at the end.
 */


#include "base/rt_base64.h"

#include <openssl/evp.h>


/* EVP_EncodeBlock() counts in int; a multiple of 3, so that pieces join */
#define RT_BASE64_PIECE  (3 * 1024 * 1024)

#define RT_BASE64_FOREIGN  64


static ssize_t rt_base64_bits(u_char *dst, rt_str_t in, const char *last,
    unsigned *left);
static unsigned rt_base64_value(u_char ch, const char *last);


size_t
rt_base64_encode(u_char *dst, rt_str_t in)
{
    size_t   n;
    u_char  *p;

    p = dst;

    while (in.len) {
        n = (in.len < RT_BASE64_PIECE) ? in.len : RT_BASE64_PIECE;

        p += EVP_EncodeBlock(p, in.data, (int) n);

        in.len -= n;
        in.data += n;
    }

    return (size_t) (p - dst);
}


ssize_t
rt_base64_decode(u_char *dst, rt_str_t in)
{
    unsigned  left;

    /* padding counts only where it makes the length whole */

    if (in.len && in.len % 4 == 0 && in.data[in.len - 1] == '=') {
        in.len -= (in.data[in.len - 2] == '=') ? 2 : 1;
    }

    return rt_base64_bits(dst, in, "+/", &left);
}


size_t
rt_base64url_encode(u_char *dst, rt_str_t in)
{
    size_t  i, n;

    n = rt_base64_encode(dst, in);

    while (n && dst[n - 1] == '=') {
        n--;
    }

    for (i = 0; i < n; i++) {

        if (dst[i] == '+') {
            dst[i] = '-';

        } else if (dst[i] == '/') {
            dst[i] = '_';
        }
    }

    return n;
}


ssize_t
rt_base64url_decode(u_char *dst, rt_str_t in)
{
    ssize_t   n;
    unsigned  left;

    n = rt_base64_bits(dst, in, "-_", &left);

    return (left == 0) ? n : RT_ERROR;
}


/*
 * Decodes whole and partial groups; "last" are the last two characters of the
 * alphabet.  "*left" is what the final character has more than is needed.
 */

static ssize_t
rt_base64_bits(u_char *dst, rt_str_t in, const char *last, unsigned *left)
{
    size_t    i, n;
    unsigned  value;
    uint32_t  bits;

    *left = 0;

    if (in.len % 4 == 1) {
        return RT_ERROR;
    }

    bits = 0;
    n = 0;

    for (i = 0; i < in.len; i++) {

        value = rt_base64_value(in.data[i], last);

        if (value == RT_BASE64_FOREIGN) {
            return RT_ERROR;
        }

        bits = (bits << 6) | value;

        switch (i % 4) {

        case 1:
            dst[n++] = (u_char) (bits >> 4);
            break;

        case 2:
            dst[n++] = (u_char) (bits >> 2);
            break;

        case 3:
            dst[n++] = (u_char) bits;
            break;
        }
    }

    if (in.len % 4) {
        *left = bits & ((in.len % 4 == 2) ? 0xf : 0x3);
    }

    return (ssize_t) n;
}


static unsigned
rt_base64_value(u_char ch, const char *last)
{
    if (ch >= 'A' && ch <= 'Z') {
        return ch - 'A';
    }

    if (ch >= 'a' && ch <= 'z') {
        return ch - 'a' + 26u;
    }

    if (ch >= '0' && ch <= '9') {
        return ch - '0' + 52u;
    }

    if (ch == (u_char) last[0]) {
        return 62;
    }

    return (ch == (u_char) last[1]) ? 63 : RT_BASE64_FOREIGN;
}
