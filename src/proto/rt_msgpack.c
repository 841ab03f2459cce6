
/*
 * rt_msgpack.c: msgpack, read piece by piece and written.
 */


#include "proto/rt_msgpack.h"


/* the first bytes; those with a number in them are the lowest of their kind */

enum {
    RT_MSGPACK_FIXMAP = 0x80,
    RT_MSGPACK_FIXARRAY = 0x90,
    RT_MSGPACK_FIXSTR = 0xa0,
    RT_MSGPACK_X_NIL = 0xc0,
    RT_MSGPACK_X_FALSE = 0xc2,
    RT_MSGPACK_X_TRUE = 0xc3,
    RT_MSGPACK_BIN8 = 0xc4,
    RT_MSGPACK_BIN16 = 0xc5,
    RT_MSGPACK_BIN32 = 0xc6,
    RT_MSGPACK_EXT8 = 0xc7,
    RT_MSGPACK_EXT32 = 0xc9,
    RT_MSGPACK_FLOAT32 = 0xca,
    RT_MSGPACK_FLOAT64 = 0xcb,
    RT_MSGPACK_UINT8 = 0xcc,
    RT_MSGPACK_UINT64 = 0xcf,
    RT_MSGPACK_INT8 = 0xd0,
    RT_MSGPACK_INT64 = 0xd3,
    RT_MSGPACK_FIXEXT1 = 0xd4,
    RT_MSGPACK_FIXEXT16 = 0xd8,
    RT_MSGPACK_STR8 = 0xd9,
    RT_MSGPACK_STR16 = 0xda,
    RT_MSGPACK_STR32 = 0xdb,
    RT_MSGPACK_ARRAY16 = 0xdc,
    RT_MSGPACK_ARRAY32 = 0xdd,
    RT_MSGPACK_MAP16 = 0xde,
    RT_MSGPACK_MAP32 = 0xdf,
    RT_MSGPACK_NEGATIVE = 0xe0
};


/* 2^64 and -2^63: from there on integers have no form */
#define RT_MSGPACK_OVER   18446744073709551616.0
#define RT_MSGPACK_UNDER  (-9223372036854775808.0)


static rt_int_t rt_msgpack_read(rt_msgpack_iter_t *it, rt_msgpack_t *v);
static rt_int_t rt_msgpack_read_wide(rt_msgpack_iter_t *it, rt_msgpack_t *v,
    u_char first);
static rt_int_t rt_msgpack_read_number(rt_msgpack_iter_t *it, rt_msgpack_t *v,
    u_char first);
static rt_int_t rt_msgpack_read_ext(rt_msgpack_iter_t *it, rt_msgpack_t *v,
    u_char first);
static rt_int_t rt_msgpack_read_bytes(rt_msgpack_iter_t *it, rt_msgpack_t *v,
    rt_msgpack_type_e type, uint64_t len);
static rt_int_t rt_msgpack_read_many(rt_msgpack_iter_t *it, rt_msgpack_t *v,
    rt_msgpack_type_e type, uint64_t n);
static rt_int_t rt_msgpack_big_endian(rt_msgpack_iter_t *it, size_t width,
    uint64_t *n);
static void rt_msgpack_set_int(rt_msgpack_t *v, int64_t n);
static void rt_msgpack_put_wide(rt_buf_t *b, u_char first, uint64_t n,
    size_t width);


void
rt_msgpack_each(rt_msgpack_iter_t *it, rt_str_t in)
{
    it->pos = in.data;
    it->last = in.len ? in.data + in.len : in.data;
}


rt_int_t
rt_msgpack_next(rt_msgpack_iter_t *it, rt_msgpack_t *v)
{
    rt_msgpack_iter_t  start;

    if (it->pos == it->last) {
        return RT_DONE;
    }

    memset(v, 0, sizeof(rt_msgpack_t));
    start = *it;

    if (rt_msgpack_read(it, v) != RT_OK) {
        *it = start;
        return RT_ERROR;
    }

    return RT_OK;
}


/*
 * Of all that is still to come each takes a byte or more, so that a count that
 * is too large ends this at once, and sums stay small.
 */

rt_int_t
rt_msgpack_value(rt_msgpack_iter_t *it, rt_str_t *value)
{
    size_t             left;
    rt_int_t           rc;
    rt_msgpack_t       v;
    rt_msgpack_iter_t  start;

    start = *it;
    left = 1;

    do {
        rc = rt_msgpack_next(it, &v);

        if (rc != RT_OK) {
            rc = (it->pos == start.pos) ? rc : RT_ERROR;
            *it = start;
            return rc;
        }

        left--;

        if (v.type == RT_MSGPACK_ARRAY) {
            left += (size_t) v.n;

        } else if (v.type == RT_MSGPACK_MAP) {
            left += 2 * (size_t) v.n;
        }

        if (left > (size_t) (it->last - it->pos)) {
            *it = start;
            return RT_ERROR;
        }

    } while (left);

    *value = rt_str((size_t) (it->pos - start.pos), start.pos);

    return RT_OK;
}


static rt_int_t
rt_msgpack_read(rt_msgpack_iter_t *it, rt_msgpack_t *v)
{
    u_char  first;

    first = *it->pos++;

    if (first < RT_MSGPACK_FIXMAP) {
        v->type = RT_MSGPACK_UINT;
        v->n = first;
        return RT_OK;
    }

    if (first < RT_MSGPACK_FIXARRAY) {
        return rt_msgpack_read_many(it, v, RT_MSGPACK_MAP, first & 0x0f);
    }

    if (first < RT_MSGPACK_FIXSTR) {
        return rt_msgpack_read_many(it, v, RT_MSGPACK_ARRAY, first & 0x0f);
    }

    if (first < RT_MSGPACK_X_NIL) {
        return rt_msgpack_read_bytes(it, v, RT_MSGPACK_STR, first & 0x1f);
    }

    if (first >= RT_MSGPACK_NEGATIVE) {
        rt_msgpack_set_int(v, (int8_t) first);
        return RT_OK;
    }

    if (first >= RT_MSGPACK_FLOAT32 && first <= RT_MSGPACK_INT64) {
        return rt_msgpack_read_number(it, v, first);
    }

    return rt_msgpack_read_wide(it, v, first);
}


/* what has its length, or nothing at all, behind the first byte */

static rt_int_t
rt_msgpack_read_wide(rt_msgpack_iter_t *it, rt_msgpack_t *v, u_char first)
{
    uint64_t  n;

    switch (first) {

    case RT_MSGPACK_X_NIL:
        v->type = RT_MSGPACK_NIL;
        return RT_OK;

    case RT_MSGPACK_X_FALSE:
    case RT_MSGPACK_X_TRUE:
        v->type = RT_MSGPACK_BOOL;
        v->n = (first == RT_MSGPACK_X_TRUE);
        return RT_OK;

    case RT_MSGPACK_BIN8:
    case RT_MSGPACK_BIN16:
    case RT_MSGPACK_BIN32:

        if (rt_msgpack_big_endian(it, (size_t) 1 << (first - RT_MSGPACK_BIN8),
                                  &n)
            != RT_OK)
        {
            return RT_ERROR;
        }

        return rt_msgpack_read_bytes(it, v, RT_MSGPACK_BIN, n);

    case RT_MSGPACK_STR8:
    case RT_MSGPACK_STR16:
    case RT_MSGPACK_STR32:

        if (rt_msgpack_big_endian(it, (size_t) 1 << (first - RT_MSGPACK_STR8),
                                  &n)
            != RT_OK)
        {
            return RT_ERROR;
        }

        return rt_msgpack_read_bytes(it, v, RT_MSGPACK_STR, n);

    case RT_MSGPACK_ARRAY16:
    case RT_MSGPACK_ARRAY32:

        if (rt_msgpack_big_endian(it, (first == RT_MSGPACK_ARRAY16) ? 2 : 4, &n)
            != RT_OK)
        {
            return RT_ERROR;
        }

        return rt_msgpack_read_many(it, v, RT_MSGPACK_ARRAY, n);

    case RT_MSGPACK_MAP16:
    case RT_MSGPACK_MAP32:

        if (rt_msgpack_big_endian(it, (first == RT_MSGPACK_MAP16) ? 2 : 4, &n)
            != RT_OK)
        {
            return RT_ERROR;
        }

        return rt_msgpack_read_many(it, v, RT_MSGPACK_MAP, n);

    default:
        return rt_msgpack_read_ext(it, v, first);
    }
}


static rt_int_t
rt_msgpack_read_number(rt_msgpack_iter_t *it, rt_msgpack_t *v, u_char first)
{
    float     single;
    size_t    width;
    uint32_t  bits;
    uint64_t  n;

    if (first <= RT_MSGPACK_FLOAT64) {
        width = (first == RT_MSGPACK_FLOAT32) ? 4 : 8;

    } else {
        width = (size_t) 1 << ((first - RT_MSGPACK_UINT8) & 3);
    }

    if (rt_msgpack_big_endian(it, width, &n) != RT_OK) {
        return RT_ERROR;
    }

    if (first == RT_MSGPACK_FLOAT32) {
        bits = (uint32_t) n;
        memcpy(&single, &bits, sizeof(single));
        v->type = RT_MSGPACK_FLOAT;
        v->f = (double) single;

    } else if (first == RT_MSGPACK_FLOAT64) {
        v->type = RT_MSGPACK_FLOAT;
        memcpy(&v->f, &n, sizeof(v->f));

    } else if (first <= RT_MSGPACK_UINT64) {
        v->type = RT_MSGPACK_UINT;
        v->n = n;

    } else {

        /* the sign bit of the width becomes that of 64 bits */

        n <<= 64 - 8 * width;
        rt_msgpack_set_int(v, (int64_t) n >> (64 - 8 * width));
    }

    return RT_OK;
}


static rt_int_t
rt_msgpack_read_ext(rt_msgpack_iter_t *it, rt_msgpack_t *v, u_char first)
{
    uint64_t  n;

    if (first >= RT_MSGPACK_FIXEXT1 && first <= RT_MSGPACK_FIXEXT16) {
        n = (uint64_t) 1 << (first - RT_MSGPACK_FIXEXT1);
        v->n = 1;

    } else if (first < RT_MSGPACK_EXT8 || first > RT_MSGPACK_EXT32
               || rt_msgpack_big_endian(it,
                                        (size_t) 1 << (first - RT_MSGPACK_EXT8),
                                        &n)
                  != RT_OK)
    {
        return RT_ERROR;
    }

    if (it->pos == it->last) {
        return RT_ERROR;
    }

    v->i = (int8_t) *it->pos++;

    return rt_msgpack_read_bytes(it, v, RT_MSGPACK_EXT, n);
}


static rt_int_t
rt_msgpack_read_bytes(rt_msgpack_iter_t *it, rt_msgpack_t *v,
    rt_msgpack_type_e type, uint64_t len)
{
    if (len > (uint64_t) (it->last - it->pos)) {
        return RT_ERROR;
    }

    v->type = type;
    v->bytes = rt_str((size_t) len, it->pos);
    it->pos += len;

    return RT_OK;
}


static rt_int_t
rt_msgpack_read_many(rt_msgpack_iter_t *it, rt_msgpack_t *v,
    rt_msgpack_type_e type, uint64_t n)
{
    uint64_t  least;

    least = (type == RT_MSGPACK_MAP) ? 2 * n : n;

    if (least > (uint64_t) (it->last - it->pos)) {
        return RT_ERROR;
    }

    v->type = type;
    v->n = n;

    return RT_OK;
}


static rt_int_t
rt_msgpack_big_endian(rt_msgpack_iter_t *it, size_t width, uint64_t *n)
{
    if ((size_t) (it->last - it->pos) < width) {
        return RT_ERROR;
    }

    for (*n = 0; width; width--) {
        *n = (*n << 8) | *it->pos++;
    }

    return RT_OK;
}


static void
rt_msgpack_set_int(rt_msgpack_t *v, int64_t n)
{
    if (n < 0) {
        v->type = RT_MSGPACK_INT;
        v->i = n;

    } else {
        v->type = RT_MSGPACK_UINT;
        v->n = (uint64_t) n;
    }
}


void
rt_msgpack_put_nil(rt_buf_t *b)
{
    rt_buf_char(b, RT_MSGPACK_X_NIL);
}


void
rt_msgpack_put_bool(rt_buf_t *b, int is)
{
    rt_buf_char(b, is ? RT_MSGPACK_X_TRUE : RT_MSGPACK_X_FALSE);
}


void
rt_msgpack_put_uint(rt_buf_t *b, uint64_t n)
{
    if (n < RT_MSGPACK_FIXMAP) {
        rt_buf_char(b, (u_char) n);

    } else if (n <= UINT8_MAX) {
        rt_msgpack_put_wide(b, RT_MSGPACK_UINT8, n, 1);

    } else if (n <= UINT16_MAX) {
        rt_msgpack_put_wide(b, RT_MSGPACK_UINT8 + 1, n, 2);

    } else if (n <= UINT32_MAX) {
        rt_msgpack_put_wide(b, RT_MSGPACK_UINT8 + 2, n, 4);

    } else {
        rt_msgpack_put_wide(b, RT_MSGPACK_UINT64, n, 8);
    }
}


void
rt_msgpack_put_int(rt_buf_t *b, int64_t n)
{
    if (n >= 0) {
        rt_msgpack_put_uint(b, (uint64_t) n);

    } else if (n >= -0x20) {
        rt_buf_char(b, (u_char) n);

    } else if (n >= INT8_MIN) {
        rt_msgpack_put_wide(b, RT_MSGPACK_INT8, (uint64_t) n, 1);

    } else if (n >= INT16_MIN) {
        rt_msgpack_put_wide(b, RT_MSGPACK_INT8 + 1, (uint64_t) n, 2);

    } else if (n >= INT32_MIN) {
        rt_msgpack_put_wide(b, RT_MSGPACK_INT8 + 2, (uint64_t) n, 4);

    } else {
        rt_msgpack_put_wide(b, RT_MSGPACK_INT64, (uint64_t) n, 8);
    }
}


void
rt_msgpack_put_number(rt_buf_t *b, double d)
{
    uint64_t  bits;

    if (d >= 0 && d < RT_MSGPACK_OVER && d == (double) (uint64_t) d) {
        rt_msgpack_put_uint(b, (uint64_t) d);
        return;
    }

    if (d < 0 && d >= RT_MSGPACK_UNDER && d == (double) (int64_t) d) {
        rt_msgpack_put_int(b, (int64_t) d);
        return;
    }

    memcpy(&bits, &d, sizeof(bits));
    rt_msgpack_put_wide(b, RT_MSGPACK_FLOAT64, bits, 8);
}


void
rt_msgpack_put_str_head(rt_buf_t *b, size_t n)
{
    if (n < 0x20) {
        rt_buf_char(b, (u_char) (RT_MSGPACK_FIXSTR | n));

    } else if (n <= UINT8_MAX) {
        rt_msgpack_put_wide(b, RT_MSGPACK_STR8, n, 1);

    } else if (n <= UINT16_MAX) {
        rt_msgpack_put_wide(b, RT_MSGPACK_STR16, n, 2);

    } else {
        rt_msgpack_put_wide(b, RT_MSGPACK_STR32, n, 4);
    }
}


void
rt_msgpack_put_bin_head(rt_buf_t *b, size_t n)
{
    if (n <= UINT8_MAX) {
        rt_msgpack_put_wide(b, RT_MSGPACK_BIN8, n, 1);

    } else if (n <= UINT16_MAX) {
        rt_msgpack_put_wide(b, RT_MSGPACK_BIN16, n, 2);

    } else {
        rt_msgpack_put_wide(b, RT_MSGPACK_BIN32, n, 4);
    }
}


void
rt_msgpack_put_array(rt_buf_t *b, size_t n)
{
    if (n < 0x10) {
        rt_buf_char(b, (u_char) (RT_MSGPACK_FIXARRAY | n));

    } else if (n <= UINT16_MAX) {
        rt_msgpack_put_wide(b, RT_MSGPACK_ARRAY16, n, 2);

    } else {
        rt_msgpack_put_wide(b, RT_MSGPACK_ARRAY32, n, 4);
    }
}


void
rt_msgpack_put_map(rt_buf_t *b, size_t n)
{
    if (n < 0x10) {
        rt_buf_char(b, (u_char) (RT_MSGPACK_FIXMAP | n));

    } else if (n <= UINT16_MAX) {
        rt_msgpack_put_wide(b, RT_MSGPACK_MAP16, n, 2);

    } else {
        rt_msgpack_put_wide(b, RT_MSGPACK_MAP32, n, 4);
    }
}


void
rt_msgpack_put_str(rt_buf_t *b, rt_str_t s)
{
    rt_msgpack_put_str_head(b, s.len);
    rt_buf_put(b, s);
}


void
rt_msgpack_put_bin(rt_buf_t *b, rt_str_t s)
{
    rt_msgpack_put_bin_head(b, s.len);
    rt_buf_put(b, s);
}


/* all or nothing: a head that is cut off would be another one */

static void
rt_msgpack_put_wide(rt_buf_t *b, u_char first, uint64_t n, size_t width)
{
    size_t  i;
    u_char  head[RT_MSGPACK_HEAD];

    head[0] = first;

    for (i = width; i; i--) {
        head[i] = (u_char) n;
        n >>= 8;
    }

    rt_buf_put(b, rt_str(width + 1, head));
}
