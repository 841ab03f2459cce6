
/*
 * rt_clean_cost.c: which texts are too much for the HTML parser.
 */


#include "chat/rt_clean_cost.h"

#include <strings.h>


/* what could be a tag: places in the text, and its attributes */

typedef struct {
    size_t    start;
    size_t    end;
    uint32_t  attrs;
} rt_clean_tag_t;


typedef struct {
    const u_char  *p;
    const u_char  *last;
} rt_clean_scan_t;


static int rt_clean_is_tag(const u_char *p, const u_char *last);
static void rt_clean_follow(rt_clean_tag_t *tag, rt_str_t text);
static int rt_clean_follow_attr(rt_clean_scan_t *s);
static void rt_clean_until(rt_clean_scan_t *s, int stop);
static void rt_clean_while(rt_clean_scan_t *s, int set);
static uint64_t rt_clean_worst(const rt_clean_tag_t *tags, size_t n);
static int rt_clean_has(rt_str_t text, rt_str_t what);


/* what the bytes are that mean something in a tag */

enum {
    RT_CLEAN_BLANK = 1,
    RT_CLEAN_SLASH = 2,
    RT_CLEAN_CLOSE = 4,
    RT_CLEAN_EQUAL = 8,
    RT_CLEAN_DOUBLE = 16,
    RT_CLEAN_SINGLE = 32
};


static const u_char  rt_clean_class[256] = {
    ['\t'] = RT_CLEAN_BLANK,
    ['\n'] = RT_CLEAN_BLANK,
    ['\f'] = RT_CLEAN_BLANK,
    ['\r'] = RT_CLEAN_BLANK,
    [' '] = RT_CLEAN_BLANK,
    ['/'] = RT_CLEAN_SLASH,
    ['>'] = RT_CLEAN_CLOSE,
    ['='] = RT_CLEAN_EQUAL,
    ['"'] = RT_CLEAN_DOUBLE,
    ['\''] = RT_CLEAN_SINGLE
};


rt_int_t
rt_clean_cost(rt_str_t text)
{
    size_t          i, n, steps;
    rt_clean_tag_t  tags[RT_CLEAN_TAGS];

    n = 0;
    steps = 0;

    for (i = 0; i < text.len; i++) {

        if (text.data[i] != '<'
            || !rt_clean_is_tag(text.data + i, text.data + text.len))
        {
            continue;
        }

        if (n == RT_CLEAN_TAGS) {
            return RT_DECLINED;
        }

        tags[n].start = i;
        rt_clean_follow(&tags[n], text);

        steps += tags[n].end - i;
        n++;

        if (steps > RT_CLEAN_STEPS) {
            return RT_DECLINED;
        }
    }

    return (rt_clean_worst(tags, n) > RT_CLEAN_SQUARES) ? RT_DECLINED : RT_OK;
}


rt_int_t
rt_clean_harmless(rt_str_t text)
{
    return (rt_clean_has(text, rt_lit("<select"))
            && (rt_clean_has(text, rt_lit("<svg"))
                || rt_clean_has(text, rt_lit("<math"))))
           ? RT_DECLINED : RT_OK;
}


/* whether "what", which begins with "<", is in a text, in any case */

static int
rt_clean_has(rt_str_t text, rt_str_t what)
{
    const u_char  *p, *last;

    p = text.data;
    last = text.data + text.len;

    while ((size_t) (last - p) >= what.len) {
        p = memchr(p, '<', (size_t) (last - p) - (what.len - 1));

        if (p == NULL) {
            return 0;
        }

        if (strncasecmp((const char *) p, (const char *) what.data, what.len)
            == 0)
        {
            return 1;
        }

        p++;
    }

    return 0;
}


/* a tag, or something else that becomes a node: a comment */

static int
rt_clean_is_tag(const u_char *p, const u_char *last)
{
    u_char  ch;

    if (last - p < 2) {
        return 0;
    }

    ch = p[1] | 0x20;

    return (ch >= 'a' && ch <= 'z') || p[1] == '/' || p[1] == '!'
           || p[1] == '?';
}


/* from "<" to the ">" behind the attributes, which may hold others in quotes */

static void
rt_clean_follow(rt_clean_tag_t *tag, rt_str_t text)
{
    rt_clean_scan_t  s;

    tag->attrs = 0;

    s.p = text.data + tag->start + 1;
    s.last = text.data + text.len;

    if (*s.p == '/') {
        s.p++;
    }

    rt_clean_until(&s, RT_CLEAN_BLANK | RT_CLEAN_SLASH | RT_CLEAN_CLOSE);

    while (rt_clean_follow_attr(&s)) {
        tag->attrs++;
    }

    tag->end = (size_t) (s.p - text.data);
}


/* one more attribute; 0 when the tag ends here */

static int
rt_clean_follow_attr(rt_clean_scan_t *s)
{
    int  quote;

    rt_clean_while(s, RT_CLEAN_BLANK | RT_CLEAN_SLASH);

    if (s->p == s->last || *s->p == '>') {
        return 0;
    }

    /* a name may begin with "=" */

    s->p++;
    rt_clean_until(s, RT_CLEAN_BLANK | RT_CLEAN_SLASH | RT_CLEAN_CLOSE
                      | RT_CLEAN_EQUAL);
    rt_clean_while(s, RT_CLEAN_BLANK);

    if (s->p == s->last || *s->p != '=') {
        return 1;
    }

    s->p++;
    rt_clean_while(s, RT_CLEAN_BLANK);

    if (s->p == s->last || (*s->p != '"' && *s->p != '\'')) {
        rt_clean_until(s, RT_CLEAN_BLANK | RT_CLEAN_CLOSE);
        return 1;
    }

    quote = rt_clean_class[*s->p++];
    rt_clean_until(s, quote);

    if (s->p != s->last) {
        s->p++;
    }

    return 1;
}


static void
rt_clean_until(rt_clean_scan_t *s, int stop)
{
    while (s->p != s->last && !(rt_clean_class[*s->p] & stop)) {
        s->p++;
    }
}


static void
rt_clean_while(rt_clean_scan_t *s, int set)
{
    while (s->p != s->last && (rt_clean_class[*s->p] & set)) {
        s->p++;
    }
}


/*
 * The largest sum of squares that tags can have together: worst[i] is what
 * the tags from the i-th on come to, with it or without it.
 */

static uint64_t
rt_clean_worst(const rt_clean_tag_t *tags, size_t n)
{
    size_t    i, low, high, middle;
    uint64_t  with, worst[RT_CLEAN_TAGS + 1];

    worst[n] = 0;

    for (i = n; i-- > 0; /* void */) {

        /* the first tag behind this one */

        low = i + 1;
        high = n;

        while (low < high) {
            middle = (low + high) / 2;

            if (tags[middle].start < tags[i].end) {
                low = middle + 1;

            } else {
                high = middle;
            }
        }

        with = (uint64_t) tags[i].attrs * tags[i].attrs + worst[low];
        worst[i] = (with > worst[i + 1]) ? with : worst[i + 1];
    }

    return worst[0];
}
