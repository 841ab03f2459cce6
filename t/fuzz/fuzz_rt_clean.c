
/*
 * cleaning: the outcome is read again, by rules of its own that are far
 * stricter than HTML's: nothing else than allowed tags, attributes and
 * references may be in it
 */

#include "base/rt_utf8.h"
#include "chat/rt_clean.h"
#include "rt_fuzz.h"


#define OUT_MAX  (1 << 21)


/* what is open; an element cannot be in itself more often than there are
   tags */

static char      open_tags[OUT_MAX / 3];
static size_t    depth;


static int
begins(const u_char **p, const u_char *last, const char *what)
{
    size_t  n;

    n = strlen(what);

    if ((size_t) (last - *p) < n || memcmp(*p, what, n) != 0) {
        return 0;
    }

    *p += n;

    return 1;
}


/* "&" is the begin of one of five references */

static void
check_reference(const u_char *p, const u_char *last, int quoted)
{
    must(begins(&p, last, "&amp;") || begins(&p, last, "&nbsp;")
         || (quoted ? begins(&p, last, "&quot;")
                    : (begins(&p, last, "&lt;") || begins(&p, last, "&gt;"))));
}


/*
 * The address of href: in another way than rt_clean_uri() does it.  What a
 * browser takes for a scheme must be a good one.
 */

static void
check_href(const u_char *p, const u_char *last)
{
    size_t              i, n;
    char                scheme[32];
    static const char  *good[] = { "ftp", "ftps", "http", "https", "mailto",
                                   "tel", "callto", "sms", "cid", "xmpp",
                                   "matrix" };

    /* the URL standard: C0 and blanks in front, TAB and LF anywhere */

    while (p < last && *p <= ' ') {
        p++;
    }

    for (n = 0; p < last; p++) {

        if (*p == '\t' || *p == '\n' || *p == '\r') {
            continue;
        }

        if (*p == ':' && n) {
            scheme[n] = '\0';

            for (i = 0; i < rt_nitems(good); i++) {
                if (strcmp(scheme, good[i]) == 0) {
                    return;
                }
            }

            must(i < rt_nitems(good));
        }

        if (*p >= 'A' && *p <= 'Z') {
            scheme[n] = (char) (*p | 0x20);

        } else if ((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9' && n)
                   || (strchr("+-.", *p) && *p && n))
        {
            scheme[n] = (char) *p;

        } else {
            return;
        }

        /* a digit ends what DOMPurify takes for a scheme; of the known
           schemes none has one, and browsers run none that does */

        if (*p >= '0' && *p <= '9') {
            return;
        }

        n += (n < sizeof(scheme) - 2);
    }
}


static const u_char *
check_attrs(const u_char *p, const u_char *last)
{
    int            href;
    const u_char  *name, *value;

    while (begins(&p, last, " ")) {
        name = p;
        href = begins(&p, last, "href=");

        if (!href) {
            must(begins(&p, last, "is=\"\"") || begins(&p, last, "data-")
                 || begins(&p, last, "aria-"));

            if (p[-1] == '"') {
                continue;
            }

            for ( /* void */ ; p < last && *p != '='; p++) {
                must(*p > ' ' && *p != '<' && *p != '>' && *p != '/'
                     && *p != '"' && *p != '\'' && *p != 0x7f);
            }

            must(p - name > 5 && p < last);
            p++;
        }

        must(begins(&p, last, "\""));

        for (value = p; p < last && *p != '"'; p++) {

            if (*p == '&') {
                check_reference(p, last, 1);
            }
        }

        must(p < last);

        if (href) {
            check_href(value, p);
        }

        p++;
    }

    return p;
}


static const u_char *
check_tag(const u_char *p, const u_char *last)
{
    int                 closes;
    size_t              i;
    const u_char       *name;
    static const char  *tags[] = { "a", "b", "em", "i", "strong" };

    closes = begins(&p, last, "/");

    for (i = 0; i < rt_nitems(tags); i++) {
        name = p;

        if (begins(&name, last, tags[i]) && name < last
            && (*name == '>' || (*name == ' ' && !closes)))
        {
            break;
        }
    }

    must(i < rt_nitems(tags));

    if (closes) {
        must(depth > 0 && open_tags[--depth] == tags[i][0]);

    } else {
        must(depth < sizeof(open_tags));
        open_tags[depth++] = tags[i][0];
        name = check_attrs(name, last);
    }

    must(begins(&name, last, ">"));

    return name;
}


static void
check_outcome(rt_str_t s)
{
    const u_char  *p, *last;

    depth = 0;
    last = s.data + s.len;

    for (p = s.data; p < last; /* void */) {

        if (begins(&p, last, "<")) {
            p = check_tag(p, last);
            continue;
        }

        must(*p != '>' && *p != '\0');

        if (*p == '&') {
            check_reference(p, last, 0);
        }

        p++;
    }

    must(depth == 0);
    must(rt_utf8_check(s) == RT_OK);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    u_char         *text;
    rt_int_t        rc;
    rt_buf_t        out;
    static u_char   mem[OUT_MAX];

    if (rt_utf8_check(rt_str(size, data)) != RT_OK) {
        return 0;
    }

    text = rt_fuzz_alloc(size);
    memcpy(text, data, size);

    rt_buf_init(&out, mem, sizeof(mem));
    rc = rt_clean(rt_str(size, text), &out);

    if (!rt_clean_needed(rt_str(size, text))) {
        must(rc == RT_OK);
        must(rt_str_eq(rt_buf_str(&out), rt_str(size, text)));

    } else if (rc == RT_OK) {
        check_outcome(rt_buf_str(&out));

    } else {
        must(rc == RT_DECLINED || rc == RT_ERROR);
    }

    /* where there is no room nothing is written past it */

    rt_buf_init(&out, mem, size / 2);
    (void) rt_clean(rt_str(size, text), &out);

    free(text);

    return 0;
}
