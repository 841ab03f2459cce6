
/*
 * rt.h: types and return codes of the parts that know nothing of nginx.
 *
 * The codes have the values of nginx's own, so that nginx-side code passes
 * them through; shm/ngx_http_realtime.h checks that.
 */


#ifndef _RT_H_INCLUDED_
#define _RT_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>


#define RT_OK        0
#define RT_ERROR    -1
#define RT_AGAIN    -2
#define RT_BUSY     -3
#define RT_DONE     -4
#define RT_DECLINED -5


/* bytes of a user's id, in a token as in a payload */
#define RT_USER_MAX  255


typedef intptr_t   rt_int_t;
typedef uintptr_t  rt_uint_t;


/* borrowed bytes: "data" belongs to somebody else and may lack a final \0 */

typedef struct {
    size_t         len;
    const u_char  *data;
} rt_str_t;


/* a literal, also as an initialiser of static tables */
#define rt_string(text)  { sizeof(text) - 1, (const u_char *) text }

#define rt_nitems(a)  (sizeof(a) / sizeof((a)[0]))


static inline rt_str_t
rt_str(size_t len, const void *data)
{
    rt_str_t  s = { len, data };

    return s;
}


/* the string of a literal, as an expression */
#define rt_lit(text)  rt_str(sizeof(text) - 1, text)


static inline int
rt_str_eq(rt_str_t a, rt_str_t b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}


#endif /* _RT_H_INCLUDED_ */
