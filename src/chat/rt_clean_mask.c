
/*
 * rt_clean_mask.c: takes characters past a parser that does not know them.
 */


#include "chat/rt_clean_mask.h"


#define RT_CLEAN_PLANE1   0x10000
#define RT_CLEAN_WIDTH    (2 * RT_CLEAN_HALF)

#define RT_CLEAN_CHOICES                                                      \
    ((RT_CLEAN_END - RT_CLEAN_PLANE1) / RT_CLEAN_WIDTH)


/* one bit for each block */
typedef uint64_t  rt_clean_used_t[RT_CLEAN_CHOICES / 64];


typedef struct {
    uint32_t  first;
    uint32_t  last;
    uint32_t  offset;               /* of "first", in the block */
} rt_clean_range_t;


static int rt_clean_offset(uint32_t ch);
static void rt_clean_use(rt_clean_used_t used, uint32_t ch);


/* what gumbo refuses, but for the last two characters of every plane */

static const rt_clean_range_t  rt_clean_ranges[] = {
    { 0x01, 0x08, 0 },
    { 0x0b, 0x0b, 8 },
    { 0x0e, 0x1f, 9 },
    { 0x7f, 0x9f, 27 },
    { 0xfdd0, 0xfdef, 60 }
};

#define RT_CLEAN_PLANES  92         /* the offset of U+FFFE; 125 is the last */


uint32_t
rt_clean_next(const u_char **p, const u_char *last)
{
    size_t         i, n;
    uint32_t       ch;
    const u_char  *c;

    c = *p;

    if (*c < 0x80) {
        *p = c + 1;
        return *c;
    }

    n = (*c >= 0xf0) ? 3 : (*c >= 0xe0) ? 2 : 1;

    if (*c < 0xc0 || n >= (size_t) (last - c)) {
        *p = last;
        return 0xfffd;
    }

    ch = *c & (0x3fU >> n);

    for (i = 1; i <= n; i++) {
        ch = (ch << 6) | (c[i] & 0x3fU);
    }

    *p = c + n + 1;

    return ch;
}


void
rt_clean_put(rt_buf_t *b, uint32_t ch)
{
    if (ch < 0x80) {
        rt_buf_char(b, (u_char) ch);
        return;
    }

    if (ch < 0x800) {
        rt_buf_char(b, (u_char) (0xc0 | ch >> 6));

    } else {

        if (ch < 0x10000) {
            rt_buf_char(b, (u_char) (0xe0 | ch >> 12));

        } else {
            rt_buf_char(b, (u_char) (0xf0 | ch >> 18));
            rt_buf_char(b, (u_char) (0x80 | (ch >> 12 & 0x3f)));
        }

        rt_buf_char(b, (u_char) (0x80 | (ch >> 6 & 0x3f)));
    }

    rt_buf_char(b, (u_char) (0x80 | (ch & 0x3f)));
}


uint32_t
rt_clean_reference(const u_char *p, const u_char *last, const u_char **end)
{
    u_char    ch;
    uint32_t  n, base, digit;

    *end = p;

    if (p == last || *p++ != '#') {
        return 0;
    }

    base = 10;

    if (p != last && (*p == 'x' || *p == 'X')) {
        base = 16;
        p++;
    }

    for (n = 0; p != last; p++) {
        ch = *p | 0x20;

        if (*p >= '0' && *p <= '9') {
            digit = *p - '0';

        } else if (base == 16 && ch >= 'a' && ch <= 'f') {
            digit = ch - 'a' + 10U;

        } else {
            break;
        }

        n = n * base + digit;
        n = (n < RT_CLEAN_END) ? n : RT_CLEAN_END;
    }

    *end = p;

    return n;
}


rt_int_t
rt_clean_mask(rt_str_t text, rt_clean_mask_t *mask, int *needed)
{
    uint32_t         ch, ref, i;
    const u_char    *p, *last, *end;
    rt_clean_used_t  used;

    *needed = 0;
    memset(used, 0, sizeof(rt_clean_used_t));

    last = text.data + text.len;

    for (p = text.data; p < last; /* void */) {
        ch = rt_clean_next(&p, last);

        if (rt_clean_offset(ch) >= 0) {
            *needed = 1;

        } else if (ch == '&') {
            ref = rt_clean_reference(p, last, &end);
            rt_clean_use(used, ref);

            *needed |= (ref >= RT_CLEAN_END);

        } else {
            rt_clean_use(used, ch);
        }
    }

    *mask = 0;

    /* the last block of a plane has the two that gumbo refuses */

    for (i = 0; i < RT_CLEAN_CHOICES; i++) {

        if ((i & 255) != 255 && !(used[i / 64] >> (i % 64) & 1)) {
            *mask = RT_CLEAN_PLANE1 + i * RT_CLEAN_WIDTH;
            return RT_OK;
        }
    }

    return RT_DECLINED;
}


uint32_t
rt_clean_hide(rt_clean_mask_t mask, uint32_t ch)
{
    int  offset;

    if (mask == 0) {
        return ch;
    }

    offset = rt_clean_offset(ch);

    return (offset < 0) ? ch : mask + (uint32_t) offset;
}


uint32_t
rt_clean_show(rt_clean_mask_t mask, uint32_t ch)
{
    size_t                   i;
    uint32_t                 offset;
    const rt_clean_range_t  *r;

    if (mask == 0 || ch < mask || ch >= mask + RT_CLEAN_HALF) {
        return ch;
    }

    offset = ch - mask;

    if (offset >= RT_CLEAN_PLANES) {
        offset -= RT_CLEAN_PLANES;
        return (offset / 2) << 16 | 0xfffe | (offset & 1);
    }

    for (i = rt_nitems(rt_clean_ranges) - 1; /* void */; i--) {
        r = &rt_clean_ranges[i];

        if (offset >= r->offset || i == 0) {
            return r->first + (offset - r->offset);
        }
    }
}


/* the place of a character that is to be hidden, or -1 */

static int
rt_clean_offset(uint32_t ch)
{
    size_t                   i;
    const rt_clean_range_t  *r;

    if (ch >= ' ' && ch < 0x7f) {
        return -1;
    }

    if ((ch & 0xfffe) == 0xfffe) {
        return (int) (RT_CLEAN_PLANES + (ch >> 16) * 2 + (ch & 1));
    }

    for (i = 0; i < rt_nitems(rt_clean_ranges); i++) {
        r = &rt_clean_ranges[i];

        if (ch >= r->first && ch <= r->last) {
            return (int) (r->offset + (ch - r->first));
        }
    }

    return -1;
}


static void
rt_clean_use(rt_clean_used_t used, uint32_t ch)
{
    uint32_t  i;

    if (ch >= RT_CLEAN_PLANE1 && ch < RT_CLEAN_END) {
        i = (ch - RT_CLEAN_PLANE1) / RT_CLEAN_WIDTH;
        used[i / 64] |= (uint64_t) 1 << (i % 64);
    }
}
