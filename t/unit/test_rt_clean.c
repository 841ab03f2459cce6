
/* cleaning: what stays of a text, and what is too much */

#include "chat/rt_clean.h"
#include "chat/rt_clean_attr.h"
#include "chat/rt_clean_cost.h"
#include "chat/rt_clean_heap.h"
#include "chat/rt_clean_mask.h"
#include "rt_vectors.h"


static u_char  out_mem[1 << 20];


static rt_str_t
text(const char *p)
{
    return rt_str(strlen(p), p);
}


static rt_int_t
clean(rt_str_t s, rt_str_t *cleaned)
{
    rt_int_t  rc;
    rt_buf_t  b;
    rt_str_t  copy;

    copy = rt_test_copy(s);
    rt_buf_init(&b, out_mem, sizeof(out_mem));

    rc = rt_clean(copy, &b);
    *cleaned = rt_buf_str(&b);

    rt_test_free(copy);

    return rc;
}


static void
check_vector(const rt_vector_t *v)
{
    u_char    mem[RT_VECTOR_MAX];
    size_t    n;
    rt_str_t  cleaned;

    n = strcmp(v->expected, "-") ? rt_vector_decode(mem, v->expected) : 0;

    if (clean(v->bytes, &cleaned) != RT_OK
        || !rt_str_eq(cleaned, rt_str(n, mem)))
    {
        printf("# %s:%u\n", v->file, v->line);
        is_str(cleaned, rt_str(n, mem), "a vector");
        return;
    }

    ok(1, "%s:%u", v->file, v->line);
}


static void
test_plain(void)
{
    rt_buf_t  b;
    rt_str_t  cleaned;

    ok(!rt_clean_needed(text("a > b & c")), "text without <");
    ok(!rt_clean_needed(rt_str(0, NULL)), "no text");
    ok(rt_clean_needed(text("a < b")), "text with <");

    is_int(clean(text("a > b & \"c\"\r\n\001"), &cleaned), RT_OK, "plain");
    is_str(cleaned, text("a > b & \"c\"\r\n\001"), "passes as it is");

    rt_buf_init(&b, out_mem, sizeof(out_mem));
    rt_buf_put(&b, rt_lit("before "));
    is_int(rt_clean(text("<b>x"), &b), RT_OK, "behind something");
    is_str(rt_buf_str(&b), text("before <b>x</b>"), "which stays");
}


/* every size of the output: RT_ERROR as long as it does not fit */

static void
test_room(void)
{
    int        wrong;
    size_t     i, len;
    u_char    *mem;
    rt_buf_t   b;
    rt_str_t   s;

    s = text(" <b>x&amp;</b><a href=\"https://a\" is=x data-y=1>\302\240</a>");
    rt_buf_init(&b, out_mem, sizeof(out_mem));
    is_int(rt_clean(s, &b), RT_OK, "with room");

    len = rt_buf_str(&b).len;
    wrong = 0;

    for (i = 0; i <= len; i++) {
        mem = malloc(i ? i : 1);

        rt_buf_init(&b, mem, i);
        wrong += (rt_clean(s, &b) != ((i < len) ? RT_ERROR : RT_OK));

        free(mem);
    }

    is_int(wrong, 0, "with less and less");
}


/* "head", then "n" times "piece" with its number for a %zu */

static rt_int_t
repeated(const char *head, size_t n, const char *piece)
{
    char      *mem;
    size_t     i, len;
    rt_int_t   rc;
    rt_str_t   cleaned;

    mem = malloc(RT_CLEAN_MAX * 2);
    len = (size_t) sprintf(mem, "%s", head);

    for (i = 0; i < n; i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        len += (size_t) sprintf(mem + len, piece, i);
#pragma GCC diagnostic pop
    }

    rc = clean(rt_str(len, mem), &cleaned);
    free(mem);

    return rc;
}


static void
test_limits(void)
{
    is_int(repeated("", RT_CLEAN_TAGS, "<i>"), RT_OK, "the most tags");
    is_int(repeated("", RT_CLEAN_TAGS + 1, "<i>"), RT_DECLINED, "one more");
    is_int(repeated("", RT_CLEAN_TAGS + 1, "< 3"), RT_OK, "these are none");

    is_int(repeated("<b", 894, " x%zu"), RT_OK, "many attributes");
    is_int(repeated("<b", 895, " x%zu"), RT_DECLINED, "too many");
    is_int(repeated("<b '<i ", 895, " x%zu"), RT_DECLINED, "in a quote");
    is_int(repeated("<b>", 895, " x%zu"), RT_OK, "these are words");

    is_int(repeated("", 600, "<b/x=yyyyyyyyy"), RT_DECLINED,
           "tags that do not end");
    is_int(repeated("", 600, "<b/x=yyyyyyyy>"), RT_OK, "and that do");

    is_int(repeated("<b>", RT_CLEAN_MAX - 3, "x"), RT_OK, "the longest");
    is_int(repeated("<b>", RT_CLEAN_MAX - 2, "x"), RT_DECLINED, "too long");

    is_int(repeated("<p><i><b><u><s><em>", 300, "<p>x"), RT_OK,
           "formatting that goes on");
    is_int(repeated("<p><u 1><u 2><u 3><u 4><u 5><u 6><u 7><u 8><u 9><u a>"
                    "<u b><u c><u d><u e><u f><u g><u h><u i><u j><u k>",
                    300, "<p>x"),
           RT_DECLINED, "and takes too much memory");

    is_int(repeated("<table><svg></svg>", 1, "<select>"), RT_DECLINED,
           "svg and select");
    is_int(repeated("<SELECT>", 1, "<MaTh>"), RT_DECLINED, "in any case");
    is_int(repeated("<select>", 1, "svg math"), RT_OK, "select alone");
}


static void
test_deep(void)
{
    rt_str_t  cleaned;

    is_int(repeated("", RT_CLEAN_TAGS, "<div>"), RT_OK, "deep");
    is_int(repeated("", RT_CLEAN_TAGS, "<b id=%zu>"), RT_OK, "deep markup");
    is_int(repeated("", RT_CLEAN_TAGS / 2, "<table><td>"), RT_OK,
           "deep tables");

    is_int(clean(text("<b><i><b><i><b><i>x"), &cleaned), RT_OK, "nested");
    is_str(cleaned, text("<b><i><b><i><b><i>x</i></b></i></b></i></b>"),
           "closed again");
}


static void
test_uri(void)
{
    size_t              i;
    static const char  *good[] = { "http:", "HTTPS://a", "mailto:a", "x", "/",
                                   "#a:b", "?", "ht tp:x", "1:x", ":", "a/b:c",
                                   "matrix:x", "\303\251:x", "+:x" };
    static const char  *bad[] = { "", " ", "javascript:x", "java\tscript:x",
                                  "\001javascript:x", "x:", "httpx:", "data:x",
                                  "\302\240javascript:x", "x+y.z-:",
                                  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:" };

    for (i = 0; i < rt_nitems(good); i++) {
        ok(rt_clean_uri(text(good[i])), "good: %s", good[i]);
    }

    for (i = 0; i < rt_nitems(bad); i++) {
        ok(!rt_clean_uri(text(bad[i])), "bad: %zu", i);
    }
}


/* characters of every block but one, and the ones to hide */

static void
test_mask(void)
{
    int              needed;
    uint32_t         ch, block;
    rt_buf_t         b;
    rt_clean_mask_t  mask;

    for (ch = 0; ch < RT_CLEAN_END; ch++) {

        if (rt_clean_show(0x20000, rt_clean_hide(0x20000, ch)) != ch
            && (ch < 0x20000 || ch >= 0x20100))
        {
            break;
        }
    }

    is_int(ch, RT_CLEAN_END, "what is hidden comes back");

    rt_buf_init(&b, out_mem, sizeof(out_mem));

    for (block = 0x10000; block < RT_CLEAN_END; block += 256) {

        if (block != 0x54300) {
            rt_clean_put(&b, block + 7);
        }
    }

    is_int(rt_clean_mask(rt_buf_str(&b), &mask, &needed), RT_OK, "a mask");
    is_int(mask, 0x54300, "is the block that is left");
    is_int(needed, 0, "and not needed");

    rt_buf_put(&b, rt_lit("\001&#x54301;"));
    is_int(rt_clean_mask(rt_buf_str(&b), &mask, &needed), RT_DECLINED,
           "no block is left");
    is_int(needed, 1, "but needed");
}


static void
test_heap(void)
{
    size_t           i, n;
    u_char          *p, *q;
    rt_clean_heap_t  heap;

    memset(&heap, 0, sizeof(rt_clean_heap_t));

    p = rt_clean_alloc(&heap, 1);
    q = rt_clean_alloc(&heap, 100000);
    ok(p && q && (uintptr_t) p % 16 == 0 && (uintptr_t) q % 16 == 0,
       "memory is aligned");

    for (i = 0, n = 0; i < 100000; i++) {
        n += q[i];
    }

    is_int((intmax_t) n, 0, "and zeroed");

    for (i = 0; i < 5000 && rt_clean_alloc(&heap, 1000); i++);

    ok(i > 800 && i < RT_CLEAN_MEMORY / 1000, "it ends");
    is_int(heap.spent, 1, "as planned");

    rt_clean_heap_done(&heap);
    ok(heap.blocks == NULL && heap.spent == 0, "all is given back");
    ok(rt_clean_alloc(&heap, RT_CLEAN_MEMORY + 1) == NULL, "too much at once");
    rt_clean_heap_done(&heap);
}


int
main(void)
{
    rt_vectors("clean.txt", check_vector);

    test_plain();
    test_room();
    test_limits();
    test_deep();
    test_uri();
    test_mask();
    test_heap();

    return done_testing();
}
