
/*
 * rt_out.h: writing, or only counting what would be written.
 *
 * What writes to it runs twice: for the room that is needed, then for good.
 */


#ifndef _RT_OUT_H_INCLUDED_
#define _RT_OUT_H_INCLUDED_


#include "base/rt_buf.h"


typedef struct {
    rt_buf_t  *b;               /* NULL: count only */
    size_t     len;             /* of what is written by now */
    size_t     room;            /* the most that it ever was */
} rt_out_t;


static inline void
rt_out_init(rt_out_t *out, rt_buf_t *b)
{
    out->b = b;
    out->len = 0;
    out->room = 0;
}


/* "n" bytes that are written in another way */

static inline void
rt_out_count(rt_out_t *out, size_t n)
{
    out->len += n;

    if (out->len > out->room) {
        out->room = out->len;
    }
}


static inline void
rt_out_put(rt_out_t *out, rt_str_t s)
{
    rt_out_count(out, s.len);

    if (out->b) {
        rt_buf_put(out->b, s);
    }
}


/* RT_ERROR when something did not fit, else the length, or when only counted
   the room that is needed */

static inline ssize_t
rt_out_result(const rt_out_t *out)
{
    if (out->b == NULL) {
        return (ssize_t) out->room;
    }

    return out->b->overflow ? RT_ERROR : (ssize_t) out->len;
}


#endif /* _RT_OUT_H_INCLUDED_ */
