
/*
 * rt_clean.c: makes what a member wrote safe to put into a page.
 */


#include "chat/rt_clean.h"
#include "chat/rt_clean_cost.h"
#include "chat/rt_clean_heap.h"
#include "chat/rt_clean_tree.h"

#include <gumbo.h>
#include <setjmp.h>


typedef struct {
    rt_clean_heap_t    heap;
    rt_clean_hidden_t  hidden;
    jmp_buf            leave;
} rt_clean_ctx_t;


/* why gumbo was left in the middle */

#define RT_CLEAN_NO_MEMORY  1
#define RT_CLEAN_ASSERTION  2


static rt_int_t rt_clean_run(rt_clean_ctx_t *c, rt_str_t text, rt_buf_t *out);
static rt_str_t rt_clean_blank(rt_str_t text);
static rt_int_t rt_clean_prepare(rt_clean_ctx_t *c, rt_str_t text,
    rt_str_t *prepared);
static void rt_clean_conceal(const rt_clean_hidden_t *h, rt_str_t text,
    rt_buf_t *b);
static rt_int_t rt_clean_parse(rt_clean_ctx_t *c, rt_str_t text,
    const GumboNode **body);
static void *rt_clean_gumbo_alloc(void *data, size_t size);
static void rt_clean_gumbo_free(void *data, void *p);


/* the one that parses now; a signal brings no data along */
static rt_clean_ctx_t  *rt_clean_parsing;


int
rt_clean_needed(rt_str_t text)
{
    return text.len && memchr(text.data, '<', text.len) != NULL;
}


rt_int_t
rt_clean(rt_str_t text, rt_buf_t *out)
{
    rt_int_t        rc;
    rt_clean_ctx_t  c;

    if (!rt_clean_needed(text)) {
        rt_buf_put(out, text);
        return out->overflow ? RT_ERROR : RT_OK;
    }

    if (text.len > RT_CLEAN_MAX || rt_clean_cost(text) != RT_OK
        || rt_clean_harmless(text) != RT_OK)
    {
        return RT_DECLINED;
    }

    c.heap = (rt_clean_heap_t) { 0 };

    rc = rt_clean_run(&c, text, out);

    if (rc == RT_ERROR && c.heap.spent) {
        rc = RT_DECLINED;
    }

    rt_clean_heap_done(&c.heap);

    return rc;
}


static rt_int_t
rt_clean_run(rt_clean_ctx_t *c, rt_str_t text, rt_buf_t *out)
{
    rt_int_t          rc;
    rt_str_t          prepared;
    const GumboNode  *body;

    rc = rt_clean_prepare(c, text, &prepared);

    if (rc == RT_OK) {
        rc = rt_clean_parse(c, prepared, &body);
    }

    if (rc != RT_OK) {
        return rc;
    }

    /* a page of frames has none */

    if (body) {
        rt_buf_put(out, rt_clean_blank(text));

        return rt_clean_tree(body, &c->hidden, &c->heap, out);
    }

    return out->overflow ? RT_ERROR : RT_OK;
}


/* what is in front of a text, which DOMPurify keeps and the parser does not */

static rt_str_t
rt_clean_blank(rt_str_t text)
{
    size_t  n;

    for (n = 0; n < text.len; n++) {

        switch (text.data[n]) {

        case '\t':
        case '\n':
        case '\r':
        case ' ':
            continue;
        }

        break;
    }

    return rt_str(n, text.data);
}


/* the text with all replaced that gumbo does not take as browsers do */

static rt_int_t
rt_clean_prepare(rt_clean_ctx_t *c, rt_str_t text, rt_str_t *prepared)
{
    int                 needed;
    size_t              room;
    rt_buf_t            b;
    rt_clean_hidden_t  *h;

    h = &c->hidden;
    *prepared = text;

    if (rt_clean_mask(text, &h->mask, &needed) != RT_OK) {
        return RT_DECLINED;
    }

    rt_clean_names(&h->names, text);

    if (!needed && h->names.n == 0) {
        h->mask = 0;
        return RT_OK;
    }

    /* a byte may become a character of four, a name an alias and one more */

    room = text.len * 4 + RT_CLEAN_TAGS * 16;
    rt_buf_init(&b, rt_clean_alloc(&c->heap, room), room);

    if (b.start == NULL) {
        return RT_ERROR;
    }

    rt_clean_conceal(h, text, &b);

    if (b.overflow) {
        return RT_ERROR;
    }

    *prepared = rt_buf_str(&b);

    return RT_OK;
}


/* writes the text with characters and names replaced */

static void
rt_clean_conceal(const rt_clean_hidden_t *h, rt_str_t text, rt_buf_t *b)
{
    uint32_t       ch;
    rt_int_t       i;
    rt_str_t       name;
    const u_char  *p, *last, *end;

    last = text.data + text.len;

    for (p = text.data; p < last; /* void */) {
        ch = rt_clean_next(&p, last);
        rt_clean_put(b, rt_clean_hide(h->mask, ch));

        if (ch == '&' && rt_clean_reference(p, last, &end) == RT_CLEAN_END) {

            /* gumbo lets them overflow, where they are U+FFFD */

            rt_buf_put(b, ((p[1] | 0x20) == 'x') ? rt_lit("#xfffd")
                                                 : rt_lit("#65533"));
            p = end;
            continue;
        }

        if (ch != '<') {
            continue;
        }

        if (p < last && *p == '/') {
            rt_buf_char(b, *p++);
        }

        i = rt_clean_name_at(&h->names, p, last, &name);

        if (i != RT_DECLINED) {
            rt_clean_name_put(&h->names, i, b);
            rt_clean_put(b, h->mask + RT_CLEAN_HALF + (uint32_t) i);
            p += name.len;
        }
    }
}


/* RT_OK and the body, which may be NULL; the tree is in the heap */

static rt_int_t
rt_clean_parse(rt_clean_ctx_t *c, rt_str_t text, const GumboNode **body)
{
    unsigned int      i;
    GumboOptions      options;
    GumboOutput      *output;
    const GumboNode  *node;

    options = kGumboDefaultOptions;
    options.allocator = rt_clean_gumbo_alloc;
    options.deallocator = rt_clean_gumbo_free;
    options.userdata = c;
    options.max_errors = 0;

    *body = NULL;

    /*
     * Gumbo does not look whether it got memory, and has assertions.  To leave
     * it in the middle is safe: it is plain C that keeps nothing but what is
     * in our heap.
     */

    switch (setjmp(c->leave)) {

    case 0:
        break;

    case RT_CLEAN_ASSERTION:
        c->heap.spent = 1;
        /* fall through */

    default:
        rt_clean_parsing = NULL;
        return RT_ERROR;
    }

    rt_clean_parsing = c;

    output = gumbo_parse_with_options(&options, (const char *) text.data,
                                      text.len);

    rt_clean_parsing = NULL;

    for (i = 0; i < output->root->v.element.children.length; i++) {
        node = output->root->v.element.children.data[i];

        if (node->type == GUMBO_NODE_ELEMENT
            && node->v.element.tag == GUMBO_TAG_BODY)
        {
            *body = node;
            break;
        }
    }

    return RT_OK;
}


void
rt_clean_rescue(void)
{
    if (rt_clean_parsing) {
        longjmp(rt_clean_parsing->leave, RT_CLEAN_ASSERTION);
    }
}


static void *
rt_clean_gumbo_alloc(void *data, size_t size)
{
    void            *p;
    rt_clean_ctx_t  *c = data;

    p = rt_clean_alloc(&c->heap, size);

    if (p == NULL) {
        longjmp(c->leave, RT_CLEAN_NO_MEMORY);
    }

    return p;
}


static void
rt_clean_gumbo_free(void *data, void *p)
{
    (void) data;
    (void) p;
}
