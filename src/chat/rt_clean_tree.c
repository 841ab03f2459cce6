
/*
 * rt_clean_tree.c: writes what may stay of a parsed text.
 */


#include "chat/rt_clean_attr.h"
#include "chat/rt_clean_tree.h"

#include <strings.h>


#define RT_CLEAN_LEVELS  64         /* of the walk, to begin with */


/* an element on the way from the body to where we are */

typedef struct {
    const GumboNode  *node;
    unsigned int      next;         /* of its children */
} rt_clean_level_t;


typedef struct {
    const rt_clean_hidden_t  *hidden;
    rt_clean_heap_t          *heap;
    rt_clean_level_t         *levels;
    size_t                    depth;
    size_t                    room;
    rt_buf_t                 *out;
} rt_clean_walk_t;


static rt_int_t rt_clean_push(rt_clean_walk_t *w, const GumboNode *node);
static rt_int_t rt_clean_enter(rt_clean_walk_t *w, const GumboNode *node);
static void rt_clean_leave(rt_clean_walk_t *w, const GumboNode *node);
static int rt_clean_allowed(const GumboNode *node);
static rt_str_t rt_clean_name(const GumboNode *node);
static int rt_clean_forbidden(const GumboNode *node);
static int rt_clean_ambiguous(rt_clean_walk_t *w, const GumboNode *node);
static int rt_clean_looks(rt_str_t text, int *open);
static void rt_clean_attrs(rt_clean_walk_t *w, const GumboNode *node);
static rt_str_t rt_clean_shown(rt_clean_walk_t *w, const char *text);
static void rt_clean_escape(rt_buf_t *out, rt_str_t text, u_char quote);


/* elements that go with all that is in them */

static const GumboTag  rt_clean_gone[] = {
    GUMBO_TAG_ANNOTATION_XML, GUMBO_TAG_AUDIO, GUMBO_TAG_COLGROUP,
    GUMBO_TAG_DESC, GUMBO_TAG_FOREIGNOBJECT, GUMBO_TAG_HEAD,
    GUMBO_TAG_IFRAME, GUMBO_TAG_MATH, GUMBO_TAG_MI, GUMBO_TAG_MN,
    GUMBO_TAG_MO, GUMBO_TAG_MS, GUMBO_TAG_MTEXT, GUMBO_TAG_NOEMBED,
    GUMBO_TAG_NOFRAMES, GUMBO_TAG_NOSCRIPT, GUMBO_TAG_PLAINTEXT,
    GUMBO_TAG_SCRIPT, GUMBO_TAG_STYLE, GUMBO_TAG_SVG, GUMBO_TAG_TEMPLATE,
    GUMBO_TAG_THEAD, GUMBO_TAG_TITLE, GUMBO_TAG_VIDEO, GUMBO_TAG_XMP
};


rt_int_t
rt_clean_tree(const GumboNode *body, const rt_clean_hidden_t *hidden,
    rt_clean_heap_t *heap, rt_buf_t *out)
{
    rt_clean_walk_t      walk, *w;
    const GumboNode     *node;
    rt_clean_level_t    *level;
    const GumboElement  *element;

    w = &walk;
    memset(w, 0, sizeof(rt_clean_walk_t));

    w->hidden = hidden;
    w->heap = heap;
    w->out = out;

    if (rt_clean_push(w, body) != RT_OK) {
        return RT_ERROR;
    }

    while (w->depth && !w->out->overflow) {
        level = &w->levels[w->depth - 1];
        element = &level->node->v.element;

        if (level->next == element->children.length) {
            rt_clean_leave(w, level->node);
            w->depth--;
            continue;
        }

        node = element->children.data[level->next++];

        if (rt_clean_enter(w, node) != RT_OK) {
            return RT_ERROR;
        }
    }

    return w->out->overflow ? RT_ERROR : RT_OK;
}


static rt_int_t
rt_clean_push(rt_clean_walk_t *w, const GumboNode *node)
{
    size_t             room;
    rt_clean_level_t  *levels;

    if (w->depth == w->room) {
        room = w->room ? w->room * 2 : RT_CLEAN_LEVELS;
        levels = rt_clean_alloc(w->heap, room * sizeof(rt_clean_level_t));

        if (levels == NULL) {
            return RT_ERROR;
        }

        if (w->depth) {
            memcpy(levels, w->levels, w->depth * sizeof(rt_clean_level_t));
        }

        w->levels = levels;
        w->room = room;
    }

    w->levels[w->depth].node = node;
    w->levels[w->depth].next = 0;
    w->depth++;

    return RT_OK;
}


/* writes a text or the start of an element, whose children come next */

static rt_int_t
rt_clean_enter(rt_clean_walk_t *w, const GumboNode *node)
{
    switch (node->type) {

    case GUMBO_NODE_TEXT:
    case GUMBO_NODE_WHITESPACE:
        rt_clean_escape(w->out, rt_clean_shown(w, node->v.text.text), 0);
        return RT_OK;

    case GUMBO_NODE_ELEMENT:
        break;

    default:
        return RT_OK;
    }

    if (rt_clean_forbidden(node) || rt_clean_ambiguous(w, node)) {
        return RT_OK;
    }

    if (rt_clean_allowed(node)) {
        rt_buf_char(w->out, '<');
        rt_buf_put(w->out, rt_clean_name(node));
        rt_clean_attrs(w, node);
        rt_buf_char(w->out, '>');
    }

    return rt_clean_push(w, node);
}


static void
rt_clean_leave(rt_clean_walk_t *w, const GumboNode *node)
{
    if (rt_clean_allowed(node)) {
        rt_buf_put(w->out, rt_lit("</"));
        rt_buf_put(w->out, rt_clean_name(node));
        rt_buf_char(w->out, '>');
    }
}


/* of HTML elements: those of SVG and MathML are in forbidden ones */

static int
rt_clean_allowed(const GumboNode *node)
{
    switch (node->v.element.tag) {

    case GUMBO_TAG_A:
    case GUMBO_TAG_B:
    case GUMBO_TAG_EM:
    case GUMBO_TAG_I:
    case GUMBO_TAG_STRONG:
        return 1;

    default:
        return 0;
    }
}


static rt_str_t
rt_clean_name(const GumboNode *node)
{
    const char  *name;

    name = gumbo_normalized_tagname(node->v.element.tag);

    return rt_str(strlen(name), name);
}


/* whether an element goes with all that is in it */

static int
rt_clean_forbidden(const GumboNode *node)
{
    size_t            i;
    GumboStringPiece  name;

    if (node->v.element.tag_namespace != GUMBO_NAMESPACE_HTML
        || (node->parse_flags & GUMBO_INSERTION_FROM_ISINDEX))
    {
        return 1;
    }

    if (node->v.element.tag == GUMBO_TAG_UNKNOWN) {
        name = node->v.element.original_tag;
        gumbo_tag_from_original_text(&name);

        return name.length == sizeof("selectedcontent") - 1
               && strncasecmp(name.data, "selectedcontent", name.length) == 0;
    }

    for (i = 0; i < rt_nitems(rt_clean_gone); i++) {

        if (node->v.element.tag == rt_clean_gone[i]) {
            return 1;
        }
    }

    return 0;
}


/*
 * Whether an element is nothing but text and comments, and its text looks
 * like a tag: DOMPurify takes that for an attempt to be read in another way
 * the next time.
 */

static int
rt_clean_ambiguous(rt_clean_walk_t *w, const GumboNode *node)
{
    int                 comment, looks, open;
    rt_str_t            text;
    unsigned int        i;
    const GumboNode    *child;
    const GumboVector  *children;

    comment = 0;
    looks = 0;
    open = 0;
    children = &node->v.element.children;

    for (i = 0; i < children->length; i++) {
        child = children->data[i];

        switch (child->type) {

        case GUMBO_NODE_COMMENT:
            comment = 1;
            break;

        case GUMBO_NODE_TEXT:
        case GUMBO_NODE_WHITESPACE:
            text = rt_clean_shown(w, child->v.text.text);
            looks |= rt_clean_looks(text, &open);
            break;

        default:
            return 0;
        }
    }

    return comment && looks;
}


/* whether "<" and a word character, "/" or "!" stand in a text; "*open" says
   whether the text before it ended with "<" */

static int
rt_clean_looks(rt_str_t text, int *open)
{
    size_t  i;
    u_char  ch;

    for (i = 0; i < text.len; i++) {
        ch = text.data[i];

        if (*open && ch < 0x80
            && (ch == '/' || ch == '!' || ch == '_'
                || (ch >= '0' && ch <= '9')
                || ((ch | 0x20) >= 'a' && (ch | 0x20) <= 'z')))
        {
            return 1;
        }

        *open = (ch == '<');
    }

    return 0;
}


/* "is" cannot be taken from an element: it stays, empty, behind the others */

static void
rt_clean_attrs(rt_clean_walk_t *w, const GumboNode *node)
{
    int                   is;
    rt_str_t              name, value, kept;
    unsigned int          i;
    const GumboVector    *attrs;
    const GumboAttribute  *attr;

    is = 0;
    attrs = &node->v.element.attributes;

    for (i = 0; i < attrs->length; i++) {
        attr = attrs->data[i];

        name = rt_clean_shown(w, attr->name);
        value = rt_clean_shown(w, attr->value);

        if (rt_clean_attr(name, value, &kept)) {
            rt_buf_char(w->out, ' ');
            rt_buf_put(w->out, name);
            rt_buf_put(w->out, rt_lit("=\""));
            rt_clean_escape(w->out, kept, '"');
            rt_buf_char(w->out, '"');

        } else if (rt_str_eq(name, rt_lit("is"))) {
            is = 1;
        }
    }

    if (is) {
        rt_buf_put(w->out, rt_lit(" is=\"\""));
    }
}


/* a string of the tree with what was hidden in it */

static rt_str_t
rt_clean_shown(rt_clean_walk_t *w, const char *text)
{
    size_t                    room;
    uint32_t                  ch;
    rt_buf_t                  b;
    const u_char             *p, *last;
    rt_clean_mask_t           mask;
    const rt_clean_hidden_t  *h;

    h = w->hidden;
    mask = h->mask;

    p = (const u_char *) text;
    last = p + strlen(text);

    if (mask == 0 || p == last) {
        return rt_str((size_t) (last - p), p);
    }

    room = (size_t) (last - p);

    if (h->names.n) {

        /* a name may be longer than what stands for it */

        for ( /* void */ ; p < last; p++) {
            room += (*p >= 0xf0) ? RT_CLEAN_NAME_MAX : 0;
        }

        p = (const u_char *) text;
    }

    rt_buf_init(&b, rt_clean_alloc(w->heap, room), room);

    while (b.start && p < last) {
        ch = rt_clean_next(&p, last);

        if (ch >= mask + RT_CLEAN_HALF && ch < mask + 2 * RT_CLEAN_HALF) {
            rt_clean_name_undo(&h->names, ch - mask - RT_CLEAN_HALF, &b);

        } else {
            rt_clean_put(&b, rt_clean_show(mask, ch));
        }
    }

    if (b.start == NULL || b.overflow) {
        w->out->overflow = 1;
        return rt_str(0, text);
    }

    return rt_buf_str(&b);
}


/* as innerHTML writes it: in a value "<" and ">" stand for themselves */

static void
rt_clean_escape(rt_buf_t *out, rt_str_t text, u_char quote)
{
    rt_str_t       entity;
    const u_char  *p, *run, *last;

    run = text.data;
    last = text.data + text.len;

    for (p = run; p < last; p++) {
        entity = rt_str(0, NULL);

        switch (*p) {

        case '&':
            entity = rt_lit("&amp;");
            break;

        case '"':
            entity = quote ? rt_lit("&quot;") : entity;
            break;

        case '<':
            entity = quote ? entity : rt_lit("&lt;");
            break;

        case '>':
            entity = quote ? entity : rt_lit("&gt;");
            break;

        case 0xc2:
            if (last - p > 1 && p[1] == 0xa0) {
                entity = rt_lit("&nbsp;");
            }

            break;
        }

        if (entity.len == 0) {
            continue;
        }

        rt_buf_put(out, rt_str((size_t) (p - run), run));
        rt_buf_put(out, entity);

        p += (*p == 0xc2);
        run = p + 1;
    }

    rt_buf_put(out, rt_str((size_t) (last - run), run));
}
