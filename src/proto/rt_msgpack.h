
/*
 * rt_msgpack.h: msgpack, read piece by piece and written.
 *
 * Reading takes every form that there is.  Writing sends the one that
 * notepack.io sends, which the Redis adapters of Socket.IO use: the shortest
 * one of integers and lengths, float64 for all other numbers.
 *
 * Nothing is allocated and nothing recurses; strings are borrowed from what is
 * read, and need not be UTF-8.
 */


#ifndef _RT_MSGPACK_H_INCLUDED_
#define _RT_MSGPACK_H_INCLUDED_


#include "base/rt.h"
#include "base/rt_buf.h"


/* the longest that precedes the bytes of a value, or is one without bytes */
#define RT_MSGPACK_HEAD  9


typedef enum {
    RT_MSGPACK_NIL = 0,
    RT_MSGPACK_BOOL,
    RT_MSGPACK_UINT,
    RT_MSGPACK_INT,             /* below zero */
    RT_MSGPACK_FLOAT,
    RT_MSGPACK_STR,
    RT_MSGPACK_BIN,
    RT_MSGPACK_ARRAY,
    RT_MSGPACK_MAP,
    RT_MSGPACK_EXT
} rt_msgpack_type_e;


/* one value; of an array or a map, its head */

typedef struct {
    rt_msgpack_type_e  type;
    uint64_t           n;       /* UINT; BOOL; elements of ARRAY, or pairs of
                                   MAP, which all may be there; a fixext is 1,
                                   any other EXT 0 */
    int64_t            i;       /* INT; the type of EXT */
    double             f;       /* FLOAT */
    rt_str_t           bytes;   /* STR, BIN, EXT */
} rt_msgpack_t;


typedef struct {
    const u_char  *pos;
    const u_char  *last;
} rt_msgpack_iter_t;


void rt_msgpack_each(rt_msgpack_iter_t *it, rt_str_t in);

/*
 * The next value, or the head of the next array or map, whose elements follow
 * then: RT_OK; RT_DONE at the end; RT_ERROR where something is cut off, or no
 * msgpack, and "it" stays there.
 */
rt_int_t rt_msgpack_next(rt_msgpack_iter_t *it, rt_msgpack_t *v);

/* the next value with all that is in it, however deep; as above */
rt_int_t rt_msgpack_value(rt_msgpack_iter_t *it, rt_str_t *value);


void rt_msgpack_put_nil(rt_buf_t *b);
void rt_msgpack_put_bool(rt_buf_t *b, int is);
void rt_msgpack_put_uint(rt_buf_t *b, uint64_t n);
void rt_msgpack_put_int(rt_buf_t *b, int64_t n);

/* as an integer if it is one that has a form */
void rt_msgpack_put_number(rt_buf_t *b, double d);

/* a head: "n" bytes, elements or pairs follow; fewer than 2^32 */
void rt_msgpack_put_str_head(rt_buf_t *b, size_t n);
void rt_msgpack_put_bin_head(rt_buf_t *b, size_t n);
void rt_msgpack_put_array(rt_buf_t *b, size_t n);
void rt_msgpack_put_map(rt_buf_t *b, size_t n);

void rt_msgpack_put_str(rt_buf_t *b, rt_str_t s);
void rt_msgpack_put_bin(rt_buf_t *b, rt_str_t s);


#endif /* _RT_MSGPACK_H_INCLUDED_ */
