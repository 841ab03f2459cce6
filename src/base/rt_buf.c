
/*
 * rt_buf.c: writing into memory of the caller.
 */


#include "base/rt_buf.h"


void
rt_buf_init(rt_buf_t *b, void *dst, size_t size)
{
    b->start = dst;
    b->pos = dst;
    b->last = (size == 0) ? dst : (u_char *) dst + size;
    b->overflow = 0;
}


void
rt_buf_put(rt_buf_t *b, rt_str_t s)
{
    if (b->overflow || s.len > (size_t) (b->last - b->pos)) {
        b->overflow = 1;
        return;
    }

    if (s.len) {
        memcpy(b->pos, s.data, s.len);
        b->pos += s.len;
    }
}


void
rt_buf_char(rt_buf_t *b, u_char ch)
{
    if (b->overflow || b->pos == b->last) {
        b->overflow = 1;
        return;
    }

    *b->pos++ = ch;
}


void
rt_buf_u64(rt_buf_t *b, uint64_t n)
{
    u_char  *p, digits[sizeof("18446744073709551615") - 1];

    p = digits + sizeof(digits);

    do {
        *--p = (u_char) ('0' + n % 10);
        n /= 10;
    } while (n);

    rt_buf_put(b, rt_str((size_t) (digits + sizeof(digits) - p), p));
}


/* the escape of a byte that may not stand in a JSON string; "room" has 6 */

static rt_str_t
rt_buf_escape(u_char *room, u_char ch)
{
    static const u_char  hex[] = "0123456789abcdef";

    room[0] = '\\';

    switch (ch) {

    case '"':
    case '\\':
        room[1] = ch;
        return rt_str(2, room);

    case '\b':
        room[1] = 'b';
        return rt_str(2, room);

    case '\t':
        room[1] = 't';
        return rt_str(2, room);

    case '\n':
        room[1] = 'n';
        return rt_str(2, room);

    case '\f':
        room[1] = 'f';
        return rt_str(2, room);

    case '\r':
        room[1] = 'r';
        return rt_str(2, room);

    default:
        room[1] = 'u';
        room[2] = '0';
        room[3] = '0';
        room[4] = hex[ch >> 4];
        room[5] = hex[ch & 0xf];
        return rt_str(6, room);
    }
}


void
rt_buf_json(rt_buf_t *b, rt_str_t s)
{
    u_char         room[6];
    const u_char  *p, *run, *last;

    rt_buf_char(b, '"');

    run = s.data;
    last = (s.len == 0) ? s.data : s.data + s.len;

    for (p = run; p != last; p++) {

        if (*p >= 0x20 && *p != '"' && *p != '\\') {
            continue;
        }

        rt_buf_put(b, rt_str((size_t) (p - run), run));
        rt_buf_put(b, rt_buf_escape(room, *p));
        run = p + 1;
    }

    rt_buf_put(b, rt_str((size_t) (last - run), run));
    rt_buf_char(b, '"');
}


ssize_t
rt_buf_result(const rt_buf_t *b)
{
    return b->overflow ? RT_ERROR : b->pos - b->start;
}


rt_str_t
rt_buf_str(const rt_buf_t *b)
{
    return rt_str((size_t) (b->pos - b->start), b->start);
}
