
/*
 * rt_clean_attr.c: which attributes of a cleaned element stay.
 */


#include "chat/rt_clean_attr.h"
#include "chat/rt_clean_mask.h"


#define rt_clean_lower(ch)                                                    \
    (((ch) >= 'A' && (ch) <= 'Z') ? (u_char) ((ch) | 0x20) : (u_char) (ch))

#define rt_clean_letter(ch)                                                   \
    (((ch) | 0x20) >= 'a' && ((ch) | 0x20) <= 'z')

#define rt_clean_digit(ch)  ((ch) >= '0' && (ch) <= '9')


typedef struct {
    uint32_t  first;
    uint32_t  last;
} rt_clean_span_t;


static int rt_clean_is_data(rt_str_t name);
static int rt_clean_is_aria(rt_str_t name);
static int rt_clean_settable(rt_str_t name);
static int rt_clean_breaks_out(rt_str_t value);
static rt_str_t rt_clean_trim(rt_str_t value);
static int rt_clean_in(const rt_clean_span_t *spans, size_t n, uint32_t ch);
static int rt_clean_begins(const u_char *p, const u_char *last,
    rt_str_t lower);


static const rt_str_t  rt_clean_schemes[] = {
    rt_string("ftp"),
    rt_string("ftps"),
    rt_string("http"),
    rt_string("https"),
    rt_string("mailto"),
    rt_string("tel"),
    rt_string("callto"),
    rt_string("sms"),
    rt_string("cid"),
    rt_string("xmpp"),
    rt_string("matrix")
};

/* the ends of elements whose text is no markup */

static const rt_str_t  rt_clean_ends[] = {
    rt_string("</style"),
    rt_string("</script"),
    rt_string("</title"),
    rt_string("</xmp"),
    rt_string("</textarea"),
    rt_string("</noscript"),
    rt_string("</iframe"),
    rt_string("</noembed"),
    rt_string("</noframes")
};

/* what a browser does not see in a URI */

static const rt_clean_span_t  rt_clean_unseen[] = {
    { 0x00, 0x20 },
    { 0xa0, 0xa0 },
    { 0x1680, 0x1680 },
    { 0x180e, 0x180e },
    { 0x2000, 0x2029 },
    { 0x205f, 0x205f },
    { 0x3000, 0x3000 }
};

/* what JavaScript's trim() takes away */

static const rt_clean_span_t  rt_clean_blanks[] = {
    { 0x09, 0x0d },
    { 0x20, 0x20 },
    { 0xa0, 0xa0 },
    { 0x1680, 0x1680 },
    { 0x2000, 0x200a },
    { 0x2028, 0x2029 },
    { 0x202f, 0x202f },
    { 0x205f, 0x205f },
    { 0x3000, 0x3000 },
    { 0xfeff, 0xfeff }
};

/* the characters of an XML name that is not its first, from U+00B7 on */

static const rt_clean_span_t  rt_clean_name_chars[] = {
    { 0xb7, 0xb7 },
    { 0xc0, 0xd6 },
    { 0xd8, 0xf6 },
    { 0xf8, 0x37d },
    { 0x37f, 0x1fff },
    { 0x200c, 0x200d },
    { 0x203f, 0x2040 },
    { 0x2070, 0x218f },
    { 0x2c00, 0x2fef },
    { 0x3001, 0xd7ff },
    { 0xf900, 0xfdcf },
    { 0xfdf0, 0xfffd },
    { 0x10000, 0xeffff }
};


int
rt_clean_attr(rt_str_t name, rt_str_t value, rt_str_t *kept)
{
    *kept = rt_clean_trim(value);

    if (rt_clean_breaks_out(*kept)) {
        return 0;
    }

    if (rt_str_eq(name, rt_lit("href"))) {
        return kept->len == 0 || rt_clean_uri(*kept);
    }

    if (!rt_clean_is_data(name) && !rt_clean_is_aria(name)) {
        return 0;
    }

    /* a value that changes is set anew, which not all names allow */

    return kept->len == value.len || rt_clean_settable(name);
}


int
rt_clean_uri(rt_str_t value)
{
    size_t         i, n;
    u_char         scheme[sizeof("mailto")];
    uint32_t       ch;
    const u_char  *p, *last;

    n = 0;
    last = value.data + value.len;

    for (p = value.data; p < last; /* void */) {
        ch = rt_clean_next(&p, last);

        if (rt_clean_in(rt_clean_unseen, rt_nitems(rt_clean_unseen), ch)) {
            continue;
        }

        if (ch == ':' && n) {

            for (i = 0; i < rt_nitems(rt_clean_schemes); i++) {

                if (rt_str_eq(rt_clean_schemes[i], rt_str(n, scheme))) {
                    return 1;
                }
            }

            return 0;
        }

        if (!rt_clean_letter(ch)
            && (n == 0 || (ch != '+' && ch != '.' && ch != '-')))
        {
            return 1;
        }

        /* one longer than the longest is none of them */

        if (n < sizeof(scheme)) {
            scheme[n++] = rt_clean_lower(ch);
        }
    }

    return n != 0;
}


static int
rt_clean_is_data(rt_str_t name)
{
    uint32_t       ch;
    const u_char  *p, *last;

    if (name.len <= 5 || memcmp(name.data, "data-", 5) != 0) {
        return 0;
    }

    last = name.data + name.len;

    for (p = name.data + 5; p < last; /* void */) {
        ch = rt_clean_next(&p, last);

        if (ch < 0xb7 && !rt_clean_letter(ch) && !rt_clean_digit(ch)
            && ch != '-' && ch != '_' && ch != '.')
        {
            return 0;
        }
    }

    return 1;
}


static int
rt_clean_is_aria(rt_str_t name)
{
    uint32_t       ch;
    const u_char  *p, *last;

    if (name.len <= 5 || memcmp(name.data, "aria-", 5) != 0) {
        return 0;
    }

    last = name.data + name.len;

    for (p = name.data + 5; p < last; /* void */) {
        ch = rt_clean_next(&p, last);

        /* the Kelvin sign is a k in lower case */

        if (!rt_clean_letter(ch) && !rt_clean_digit(ch)
            && ch != '-' && ch != '_' && ch != 0x212a)
        {
            return 0;
        }
    }

    return 1;
}


/* whether DOM's setAttribute() takes a name that begins with a letter */

static int
rt_clean_settable(rt_str_t name)
{
    uint32_t       ch;
    const u_char  *p, *last;

    last = name.data + name.len;

    for (p = name.data; p < last; /* void */) {
        ch = rt_clean_next(&p, last);

        if (ch >= 0x80
            && !rt_clean_in(rt_clean_name_chars,
                            rt_nitems(rt_clean_name_chars), ch))
        {
            return 0;
        }
    }

    return 1;
}


/* whether a value holds what could end a comment or an element around it */

static int
rt_clean_breaks_out(rt_str_t value)
{
    size_t         i, n;
    const u_char  *p, *last;

    p = value.data;
    last = value.data + value.len;

    for (p = memchr(p, '>', value.len); p; /* void */) {
        n = (size_t) (p - value.data);

        if ((n >= 1 && p[-1] == ']')
            || (n >= 2 && memcmp(p - 2, "--", 2) == 0)
            || (n >= 3 && memcmp(p - 3, "--!", 3) == 0))
        {
            return 1;
        }

        p++;
        p = memchr(p, '>', (size_t) (last - p));
    }

    for (p = memchr(value.data, '<', value.len); p; /* void */) {

        for (i = 0; i < rt_nitems(rt_clean_ends); i++) {

            if (rt_clean_begins(p, last, rt_clean_ends[i])) {
                return 1;
            }
        }

        p++;
        p = memchr(p, '<', (size_t) (last - p));
    }

    return 0;
}


static rt_str_t
rt_clean_trim(rt_str_t value)
{
    uint32_t       ch;
    const u_char  *p, *from, *last;

    from = value.data;
    last = value.data + value.len;

    for (p = from; p < last; from = p) {
        ch = rt_clean_next(&p, last);

        if (!rt_clean_in(rt_clean_blanks, rt_nitems(rt_clean_blanks), ch)) {
            break;
        }
    }

    while (last > from) {

        /* to the first byte of the last character */

        for (p = last - 1; p > from && (*p & 0xc0) == 0x80; p--);

        ch = rt_clean_next(&p, last);

        if (!rt_clean_in(rt_clean_blanks, rt_nitems(rt_clean_blanks), ch)) {
            break;
        }

        for (last--; last > from && (*last & 0xc0) == 0x80; last--);
    }

    return rt_str((size_t) (last - from), from);
}


static int
rt_clean_in(const rt_clean_span_t *spans, size_t n, uint32_t ch)
{
    size_t  i;

    for (i = 0; i < n; i++) {

        if (ch <= spans[i].last) {
            return ch >= spans[i].first;
        }
    }

    return 0;
}


/* whether the text begins with "lower", in any case of its letters */

static int
rt_clean_begins(const u_char *p, const u_char *last, rt_str_t lower)
{
    size_t  i;

    if (lower.len > (size_t) (last - p)) {
        return 0;
    }

    for (i = 0; i < lower.len; i++) {

        if (rt_clean_lower(p[i]) != lower.data[i]) {
            return 0;
        }
    }

    return 1;
}
