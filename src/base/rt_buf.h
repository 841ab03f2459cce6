
/*
 * rt_buf.h: writing into memory of the caller.
 *
 * What does not fit is not written, and the overflow sticks: a writer puts
 * piece after piece and asks once, at the end, whether all of it went in.
 */


#ifndef _RT_BUF_H_INCLUDED_
#define _RT_BUF_H_INCLUDED_


#include "base/rt.h"


typedef struct {
    u_char  *start;
    u_char  *pos;
    u_char  *last;              /* one past the memory */
    int      overflow;
} rt_buf_t;


/* "dst" has "size" bytes and must live as long as the buffer is written */
void rt_buf_init(rt_buf_t *b, void *dst, size_t size);

void rt_buf_put(rt_buf_t *b, rt_str_t s);
void rt_buf_char(rt_buf_t *b, u_char ch);

/* decimal digits */
void rt_buf_u64(rt_buf_t *b, uint64_t n);

/* bytes that one takes at most in rt_buf_json() */
#define RT_BUF_ESCAPED  6

/*
 * A JSON string: quotes, and escapes for what RFC 8259, 7 demands.  "s" must
 * be valid UTF-8, which is passed through.
 */
void rt_buf_json(rt_buf_t *b, rt_str_t s);

/* length written, or RT_ERROR when something did not fit */
ssize_t rt_buf_result(const rt_buf_t *b);

/* what was written so far */
rt_str_t rt_buf_str(const rt_buf_t *b);


#endif /* _RT_BUF_H_INCLUDED_ */
