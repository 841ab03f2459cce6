
/*
 * rt_base64.h: base64 (RFC 4648, 4), as Engine.IO's polling wraps binary
 * packets, and base64url without padding (RFC 4648, 5), as ids and tokens are
 * written.
 *
 * Encoding is OpenSSL's work (EVP_EncodeBlock).
 */


#ifndef _RT_BASE64_H_INCLUDED_
#define _RT_BASE64_H_INCLUDED_


#include "base/rt.h"


/* room for the text of "len" bytes, with padding and OpenSSL's final \0 */
#define rt_base64_size(len)     ((((len) + 2) / 3) * 4 + 1)

/* most bytes that "len" characters can stand for */
#define rt_base64_max(len)      ((((len) + 3) / 4) * 3)


/* standard alphabet, padded; "dst" has rt_base64_size() bytes; the length */
size_t rt_base64_encode(u_char *dst, rt_str_t in);

/*
 * Standard alphabet; padding is whole or missing (as Buffer.from(s, "base64")
 * takes it).  "dst" has rt_base64_max() bytes.  The length, or RT_ERROR at a
 * foreign character (also white space), at padding anywhere else, or where a
 * single character is left over.
 */
ssize_t rt_base64_decode(u_char *dst, rt_str_t in);

/* url alphabet, no padding; "dst" has rt_base64_size() bytes; the length */
size_t rt_base64url_encode(u_char *dst, rt_str_t in);

/*
 * Url alphabet, no padding, one way only to write something (as RFC 7515, 2
 * and RFC 4648, 3.5 have it).  "dst" has rt_base64_max() bytes.  The length,
 * or RT_ERROR at a foreign character (also padding), where a single character
 * is left over, or where the last one has bits set that stand for nothing.
 */
ssize_t rt_base64url_decode(u_char *dst, rt_str_t in);


#endif /* _RT_BASE64_H_INCLUDED_ */
