
/*
 * rt_clean_names.c: element names that the parser does not know.
 */


#include "chat/rt_clean_names.h"

#include <gumbo.h>
#include <strings.h>


typedef enum {
    RT_CLEAN_KNOWN = 0,             /* or nothing to be replaced */
    RT_CLEAN_ORDINARY,              /* to browsers an element as any other */
    RT_CLEAN_SECTION,               /* as section and nav */
    RT_CLEAN_PLAIN                  /* as dialog: it just ends paragraphs */
} rt_clean_kind_e;


typedef struct {
    rt_str_t         name;
    rt_clean_kind_e  kind;
} rt_clean_alias_t;


static rt_str_t rt_clean_name_read(const u_char *p, const u_char *last);
static rt_clean_kind_e rt_clean_name_kind(rt_str_t name);
static void rt_clean_name_add(rt_clean_names_t *names, rt_str_t name);
static rt_int_t rt_clean_name_alias(rt_clean_names_t *names, rt_str_t name);
static int rt_clean_name_same(rt_str_t a, rt_str_t b);


/* what gumbo takes for elements of these kinds */

static const rt_clean_alias_t  rt_clean_aliases[] = {
    { rt_string("bdo"), RT_CLEAN_ORDINARY },
    { rt_string("bdi"), RT_CLEAN_ORDINARY },
    { rt_string("acronym"), RT_CLEAN_ORDINARY },
    { rt_string("samp"), RT_CLEAN_ORDINARY },
    { rt_string("dfn"), RT_CLEAN_ORDINARY },
    { rt_string("ins"), RT_CLEAN_ORDINARY },
    { rt_string("del"), RT_CLEAN_ORDINARY },
    { rt_string("kbd"), RT_CLEAN_ORDINARY },
    { rt_string("cite"), RT_CLEAN_ORDINARY },
    { rt_string("abbr"), RT_CLEAN_ORDINARY },
    { rt_string("data"), RT_CLEAN_ORDINARY },
    { rt_string("datalist"), RT_CLEAN_ORDINARY },
    { rt_string("label"), RT_CLEAN_ORDINARY },
    { rt_string("legend"), RT_CLEAN_ORDINARY },
    { rt_string("map"), RT_CLEAN_ORDINARY },
    { rt_string("mark"), RT_CLEAN_ORDINARY },
    { rt_string("meter"), RT_CLEAN_ORDINARY },
    { rt_string("progress"), RT_CLEAN_ORDINARY },
    { rt_string("time"), RT_CLEAN_ORDINARY },
    { rt_string("canvas"), RT_CLEAN_ORDINARY },
    { rt_string("blink"), RT_CLEAN_ORDINARY },
    { rt_string("multicol"), RT_CLEAN_ORDINARY },
    { rt_string("spacer"), RT_CLEAN_ORDINARY },
    { rt_string("q"), RT_CLEAN_ORDINARY },
    { rt_string("hgroup"), RT_CLEAN_SECTION },
    { rt_string("figcaption"), RT_CLEAN_SECTION },
    { rt_string("aside"), RT_CLEAN_SECTION },
    { rt_string("nav"), RT_CLEAN_SECTION },
    { rt_string("main"), RT_CLEAN_PLAIN }
};

/* what browsers take for others than gumbo does */

static const rt_clean_alias_t  rt_clean_changed[] = {
    { rt_string("main"), RT_CLEAN_SECTION },
    { rt_string("dialog"), RT_CLEAN_PLAIN },
    { rt_string("search"), RT_CLEAN_PLAIN },
    { rt_string("menuitem"), RT_CLEAN_ORDINARY },
    { rt_string("isindex"), RT_CLEAN_ORDINARY },

    /* its content goes, so that its name is needed */

    { rt_string("selectedcontent"), RT_CLEAN_KNOWN }
};


void
rt_clean_names(rt_clean_names_t *names, rt_str_t text)
{
    size_t         i;
    rt_str_t       name;
    const u_char  *p, *last;

    names->n = 0;
    names->used = 0;

    last = text.data + text.len;

    for (p = text.data; p < last; p++) {

        if (*p != '<') {
            continue;
        }

        name = rt_clean_name_read(p + 1, last);

        for (i = 0; i < rt_nitems(rt_clean_aliases); i++) {

            if (rt_clean_name_same(name, rt_clean_aliases[i].name)
                && rt_clean_name_kind(name) == RT_CLEAN_KNOWN)
            {
                names->used |= (uint64_t) 1 << i;
            }
        }
    }

    for (p = text.data; p < last; p++) {

        if (*p == '<') {
            name = rt_clean_name_read(p + 1, last);

            if (rt_clean_name_kind(name) != RT_CLEAN_KNOWN) {
                rt_clean_name_add(names, name);
            }
        }
    }
}


rt_int_t
rt_clean_name_at(const rt_clean_names_t *names, const u_char *p,
    const u_char *last, rt_str_t *name)
{
    rt_uint_t  i;

    if (names->n == 0) {
        return RT_DECLINED;
    }

    *name = rt_clean_name_read(p, last);

    if (name->len == 0 || name->data != p) {
        return RT_DECLINED;
    }

    for (i = 0; i < names->n; i++) {

        if (rt_str_eq(names->items[i].name, *name)) {
            return (rt_int_t) i;
        }
    }

    return RT_DECLINED;
}


void
rt_clean_name_put(const rt_clean_names_t *names, rt_int_t i, rt_buf_t *b)
{
    rt_buf_put(b, rt_clean_aliases[names->items[i].alias].name);
    rt_buf_char(b, '/');
}


void
rt_clean_name_undo(const rt_clean_names_t *names, rt_uint_t i, rt_buf_t *b)
{
    rt_str_t  alias, end;

    if (i >= names->n) {
        return;
    }

    alias = rt_clean_aliases[names->items[i].alias].name;
    end = rt_buf_str(b);

    if (end.len <= alias.len || b->pos[-1] != '/') {
        return;
    }

    end = rt_str(alias.len, b->pos - 1 - alias.len);

    if (rt_str_eq(end, alias)) {
        b->pos -= alias.len + 1;
        rt_buf_put(b, names->items[i].name);
    }
}


/*
 * The name behind "<" or "</", empty where there is none.  Only names of
 * characters that mean nothing in any place count, and what ends them must
 * end them in all places: "<!--<x-->" has the end of a comment.
 */

static rt_str_t
rt_clean_name_read(const u_char *p, const u_char *last)
{
    u_char         ch;
    const u_char  *start;

    if (p < last && *p == '/') {
        p++;
    }

    start = p;

    for ( /* void */ ; p < last; p++) {
        ch = *p | 0x20;

        if ((ch >= 'a' && ch <= 'z')
            || (p != start
                && ((*p >= '0' && *p <= '9') || *p == '_' || *p == '.'
                    || *p == ':' || (*p == '-' && p[-1] != '-'))))
        {
            continue;
        }

        break;
    }

    if (p == last || p == start || p[-1] == '-'
        || p - start > RT_CLEAN_NAME_MAX)
    {
        return rt_str(0, start);
    }

    switch (*p) {

    case '\t':
    case '\n':
    case '\f':
    case '\r':
    case ' ':
    case '/':
    case '>':
        return rt_str((size_t) (p - start), start);

    default:
        return rt_str(0, start);
    }
}


static rt_clean_kind_e
rt_clean_name_kind(rt_str_t name)
{
    size_t  i;

    if (name.len == 0) {
        return RT_CLEAN_KNOWN;
    }

    for (i = 0; i < rt_nitems(rt_clean_changed); i++) {

        if (rt_clean_name_same(name, rt_clean_changed[i].name)) {
            return rt_clean_changed[i].kind;
        }
    }

    return (gumbo_tagn_enum((const char *) name.data, (unsigned) name.len)
            == GUMBO_TAG_UNKNOWN) ? RT_CLEAN_ORDINARY : RT_CLEAN_KNOWN;
}


static void
rt_clean_name_add(rt_clean_names_t *names, rt_str_t name)
{
    rt_int_t    alias;
    rt_uint_t   i;

    for (i = 0; i < names->n; i++) {

        if (rt_str_eq(names->items[i].name, name)) {
            return;
        }
    }

    alias = rt_clean_name_alias(names, name);

    if (alias == RT_DECLINED || names->n == RT_CLEAN_NAMES) {
        return;
    }

    names->used |= (uint64_t) 1 << alias;
    names->items[names->n].name = name;
    names->items[names->n].alias = (rt_uint_t) alias;
    names->n++;
}


/* the alias of another spelling, or the first that is free */

static rt_int_t
rt_clean_name_alias(rt_clean_names_t *names, rt_str_t name)
{
    rt_uint_t        i;
    rt_clean_kind_e  kind;

    for (i = 0; i < names->n; i++) {

        if (rt_clean_name_same(names->items[i].name, name)) {
            return (rt_int_t) names->items[i].alias;
        }
    }

    kind = rt_clean_name_kind(name);

    for (i = 0; i < rt_nitems(rt_clean_aliases); i++) {

        if (rt_clean_aliases[i].kind == kind
            && !(names->used >> i & 1))
        {
            return (rt_int_t) i;
        }
    }

    return RT_DECLINED;
}


/* but for the case of letters */

static int
rt_clean_name_same(rt_str_t a, rt_str_t b)
{
    return a.len == b.len
           && strncasecmp((const char *) a.data, (const char *) b.data, a.len)
              == 0;
}
