
/*
 * rt_arena.c: records of a few sizes in shared memory; see rt_arena.h.
 *
 * A page is on the list of its class while some of its records are free and
 * some are in use; on none while all are in use; and while none is, it is the
 * one spare page of its class, so that a record that comes and goes cuts no
 * page each time, or else unused.  What is spare goes to other classes when
 * nothing is unused.
 *
 * What a death can leave behind is decided by the order of the stores: a page
 * counts from the store of its class, when its records are all of type 0, and
 * a record from the store of its type.  Everything else can be found out anew.
 */


#include "base/rt_arena.h"

#include <stdatomic.h>


/* a test defines it to end the process at a point of its choice */
#ifndef RT_CRASH_POINT
#define RT_CRASH_POINT()
#endif


#define RT_ARENA_PAGE     4096
#define RT_ARENA_UNITS    (RT_ARENA_PAGE / RT_ARENA_UNIT)
#define RT_ARENA_CLASSES  11


/* links are numbers of pages, which count from 1; 0 is none */

typedef struct {
    _Atomic uint8_t   class;                    /* from 1; 0: unused */
    uint16_t          used;                     /* records not free */
    rt_ref_t          free;
    uint32_t          next;                     /* of any list */
    uint32_t          prev;                     /* of that of the class */
} rt_arena_page_t;


struct rt_arena_s {
    uint32_t          pages;
    uint32_t          pages_used;
    uint64_t          bytes_used;
    uint64_t          start;                    /* offset of the first page */
    uint32_t          unused;                   /* lists of pages, see above */
    uint32_t          partial[RT_ARENA_CLASSES];
    uint32_t          spare[RT_ARENA_CLASSES];
    rt_arena_page_t   page[];
};


typedef struct {
    _Atomic uint8_t  type;
    rt_ref_t         next;                      /* while it is free */
} rt_arena_free_t;


typedef void (*rt_arena_each_pt)(void *ctx, rt_uint_t pass, rt_ref_t ref,
    void *record);


static const uint16_t  rt_arena_sizes[RT_ARENA_CLASSES] = {
    1 * RT_ARENA_UNIT,  2 * RT_ARENA_UNIT,  3 * RT_ARENA_UNIT,
    4 * RT_ARENA_UNIT,  6 * RT_ARENA_UNIT,  8 * RT_ARENA_UNIT,
    12 * RT_ARENA_UNIT, 16 * RT_ARENA_UNIT, 24 * RT_ARENA_UNIT,
    32 * RT_ARENA_UNIT, 42 * RT_ARENA_UNIT
};


static uint32_t rt_arena_find(rt_arena_t *a, rt_uint_t class, size_t keep);
static uint32_t rt_arena_take_page(rt_arena_t *a, rt_uint_t class);
static void rt_arena_give_page(rt_arena_t *a, uint32_t n);
static void rt_arena_link_records(rt_arena_t *a, uint32_t n);
static void rt_arena_link_page(rt_arena_t *a, uint32_t n);
static void rt_arena_unlink_page(rt_arena_t *a, uint32_t n);
static uint32_t rt_arena_page_of(rt_arena_t *a, rt_ref_t ref);


static size_t
rt_arena_start(size_t pages)
{
    return (sizeof(rt_arena_t) + (pages + 1) * sizeof(rt_arena_page_t) + 63)
           & ~(size_t) 63;
}


/* the first record of a page */

static rt_ref_t
rt_arena_first(rt_arena_t *a, uint32_t n)
{
    return (rt_ref_t) ((a->start + (uint64_t) (n - 1) * RT_ARENA_PAGE)
                       / RT_ARENA_UNIT);
}


/* the class of a page, or RT_ARENA_CLASSES when it is unused */

static rt_uint_t
rt_arena_class(rt_arena_t *a, uint32_t n)
{
    uint8_t  class;

    class = atomic_load_explicit(&a->page[n].class, memory_order_relaxed);

    if (class == 0 || class > RT_ARENA_CLASSES) {
        return RT_ARENA_CLASSES;
    }

    return class - 1;
}


static rt_arena_free_t *
rt_arena_record(rt_arena_t *a, rt_ref_t ref)
{
    return (void *) ((u_char *) a + (uint64_t) ref * RT_ARENA_UNIT);
}


static uint8_t
rt_arena_type(rt_arena_free_t *record)
{
    return atomic_load_explicit(&record->type, memory_order_relaxed);
}


rt_arena_t *
rt_arena_init(void *mem, size_t len)
{
    size_t       pages;
    uint32_t     n;
    rt_arena_t  *a;

    if (len / RT_ARENA_UNIT > UINT32_MAX) {
        len = (size_t) UINT32_MAX * RT_ARENA_UNIT;
    }

    pages = len / (RT_ARENA_PAGE + sizeof(rt_arena_page_t));

    while (pages > 0 && rt_arena_start(pages) + pages * RT_ARENA_PAGE > len) {
        pages--;
    }

    if (pages == 0) {
        return NULL;
    }

    a = mem;

    memset(a, 0, rt_arena_start(pages));

    a->pages = (uint32_t) pages;
    a->start = rt_arena_start(pages);

    for (n = a->pages; n > 0; n--) {
        rt_arena_give_page(a, n);
    }

    return a;
}


rt_ref_t
rt_arena_alloc_keep(rt_arena_t *a, size_t size, size_t keep)
{
    rt_ref_t          ref;
    uint32_t          n;
    rt_uint_t         class;
    rt_arena_page_t  *page;
    rt_arena_free_t  *record;

    if (size > RT_ARENA_MAX) {
        return 0;
    }

    for (class = 0; rt_arena_sizes[class] < size; class++) { /* void */ }

    n = rt_arena_find(a, class, keep);

    if (n == 0) {
        return 0;
    }

    class = rt_arena_class(a, n);
    page = &a->page[n];
    ref = page->free;
    record = rt_arena_record(a, ref);

    page->free = record->next;
    RT_CRASH_POINT();

    page->used++;
    RT_CRASH_POINT();

    if (page->free == 0) {
        rt_arena_unlink_page(a, n);
    }

    a->bytes_used += rt_arena_sizes[class];
    RT_CRASH_POINT();

    memset(record, 0, rt_arena_sizes[class]);
    RT_CRASH_POINT();

    return ref;
}


/* a page of the class's list, or of that of a larger one; 0: full */

static uint32_t
rt_arena_find(rt_arena_t *a, rt_uint_t class, size_t keep)
{
    uint32_t  n;

    if (a->partial[class]) {
        return a->partial[class];
    }

    n = (a->pages - a->pages_used > keep) ? rt_arena_take_page(a, class) : 0;

    if (n) {
        a->pages_used++;
        RT_CRASH_POINT();

        rt_arena_link_page(a, n);
        return n;
    }

    /* no page is left: a longer record does as well */

    while (++class < RT_ARENA_CLASSES) {

        if (a->partial[class]) {
            return a->partial[class];
        }
    }

    return 0;
}


/* a page without a record in use, cut for the class and on no list */

static uint32_t
rt_arena_take_page(rt_arena_t *a, rt_uint_t class)
{
    uint32_t   n, *list;
    rt_uint_t  from;

    list = a->spare[class] ? &a->spare[class] : &a->unused;

    for (from = 0; *list == 0; from++) {

        if (from == RT_ARENA_CLASSES) {
            return 0;
        }

        list = &a->spare[from];
    }

    n = *list;

    *list = a->page[n].next;
    RT_CRASH_POINT();

    if (rt_arena_class(a, n) == class) {
        return n;
    }

    /* no byte of it may be taken for a type when the class is stored */

    memset(rt_arena_record(a, rt_arena_first(a, n)), 0, RT_ARENA_PAGE);
    RT_CRASH_POINT();

    atomic_store_explicit(&a->page[n].class, (uint8_t) (class + 1),
                          memory_order_release);
    RT_CRASH_POINT();

    rt_arena_link_records(a, n);

    return n;
}


/* puts a page without a record in use aside: spare[] has one a class */

static void
rt_arena_give_page(rt_arena_t *a, uint32_t n)
{
    uint32_t   *list;
    rt_uint_t   class;

    class = rt_arena_class(a, n);

    if (class != RT_ARENA_CLASSES && a->spare[class] == 0) {
        list = &a->spare[class];

    } else {
        list = &a->unused;

        atomic_store_explicit(&a->page[n].class, 0, memory_order_release);
        RT_CRASH_POINT();
    }

    a->page[n].next = *list;
    RT_CRASH_POINT();

    *list = n;
    RT_CRASH_POINT();
}


/* makes the page's free list of the records of type 0, the first foremost */

static void
rt_arena_link_records(rt_arena_t *a, uint32_t n)
{
    rt_ref_t          ref;
    rt_uint_t         i, class;
    rt_arena_page_t  *page;
    rt_arena_free_t  *record;

    class = rt_arena_class(a, n);
    page = &a->page[n];

    page->free = 0;
    page->used = 0;
    RT_CRASH_POINT();

    for (i = RT_ARENA_PAGE / rt_arena_sizes[class]; i-- > 0; /* void */) {
        ref = rt_arena_first(a, n)
              + (rt_ref_t) i * (rt_arena_sizes[class] / RT_ARENA_UNIT);
        record = rt_arena_record(a, ref);

        if (rt_arena_type(record) != 0) {
            page->used++;
            continue;
        }

        record->next = page->free;
        RT_CRASH_POINT();

        page->free = ref;
        RT_CRASH_POINT();
    }
}


/* puts a page on the list of its class, foremost */

static void
rt_arena_link_page(rt_arena_t *a, uint32_t n)
{
    uint32_t         *first;
    rt_arena_page_t  *page;

    first = &a->partial[rt_arena_class(a, n)];
    page = &a->page[n];

    page->prev = 0;
    page->next = *first;
    RT_CRASH_POINT();

    if (page->next) {
        a->page[page->next].prev = n;
        RT_CRASH_POINT();
    }

    *first = n;
    RT_CRASH_POINT();
}


static void
rt_arena_unlink_page(rt_arena_t *a, uint32_t n)
{
    rt_arena_page_t  *page;

    page = &a->page[n];

    if (page->next) {
        a->page[page->next].prev = page->prev;
        RT_CRASH_POINT();
    }

    if (page->prev) {
        a->page[page->prev].next = page->next;

    } else {
        a->partial[rt_arena_class(a, n)] = page->next;
    }

    RT_CRASH_POINT();
}


void
rt_arena_publish(rt_arena_t *a, rt_ref_t ref, uint8_t type)
{
    RT_CRASH_POINT();
    atomic_store_explicit(&rt_arena_record(a, ref)->type, type,
                          memory_order_release);
    RT_CRASH_POINT();
}


void
rt_arena_free(rt_arena_t *a, rt_ref_t ref)
{
    uint32_t          n;
    rt_uint_t         class;
    rt_arena_page_t  *page;
    rt_arena_free_t  *record;

    n = rt_arena_page_of(a, ref);

    if (n == 0) {
        return;
    }

    class = rt_arena_class(a, n);
    page = &a->page[n];
    record = rt_arena_record(a, ref);

    RT_CRASH_POINT();
    atomic_store_explicit(&record->type, 0, memory_order_release);
    RT_CRASH_POINT();

    if (page->free == 0) {
        rt_arena_link_page(a, n);
    }

    record->next = page->free;
    RT_CRASH_POINT();

    page->free = ref;
    RT_CRASH_POINT();

    a->bytes_used -= rt_arena_sizes[class];
    RT_CRASH_POINT();

    page->used--;
    RT_CRASH_POINT();

    if (page->used) {
        return;
    }

    rt_arena_unlink_page(a, n);

    a->pages_used--;
    RT_CRASH_POINT();

    rt_arena_give_page(a, n);
}


void *
rt_arena_at(rt_arena_t *a, rt_ref_t ref)
{
    return rt_arena_page_of(a, ref) ? rt_arena_record(a, ref) : NULL;
}


/* the page where "ref" is a record, in use or not; 0: it is none */

static uint32_t
rt_arena_page_of(rt_arena_t *a, rt_ref_t ref)
{
    rt_ref_t   first, at;
    uint32_t   n, units;
    rt_uint_t  class;

    first = rt_arena_first(a, 1);

    if (ref < first || (ref - first) / RT_ARENA_UNITS >= a->pages) {
        return 0;
    }

    n = (ref - first) / RT_ARENA_UNITS + 1;
    class = rt_arena_class(a, n);

    if (class == RT_ARENA_CLASSES) {
        return 0;
    }

    /*
     * Who holds on to what is gone must not find a type in the middle of
     * what is there now.
     */

    at = (ref - first) % RT_ARENA_UNITS;
    units = rt_arena_sizes[class] / RT_ARENA_UNIT;

    return (at % units == 0 && at + units <= RT_ARENA_UNITS) ? n : 0;
}


static void
rt_arena_pass(rt_arena_t *a, rt_uint_t pass, rt_arena_each_pt each, void *ctx)
{
    rt_ref_t          ref;
    uint32_t          n;
    rt_uint_t         i, class;
    rt_arena_free_t  *record;

    for (n = 1; n <= a->pages; n++) {
        class = rt_arena_class(a, n);

        if (class == RT_ARENA_CLASSES) {
            continue;
        }

        /* freed by "each" the page may become unused, all types are 0 then */

        ref = rt_arena_first(a, n);

        for (i = 0; i < RT_ARENA_PAGE / rt_arena_sizes[class]; i++) {
            record = rt_arena_record(a, ref);

            if (rt_arena_type(record) != 0) {
                each(ctx, pass, ref, record);
                RT_CRASH_POINT();
            }

            ref += rt_arena_sizes[class] / RT_ARENA_UNIT;
        }
    }
}


void
rt_arena_rebuild(rt_arena_t *a, rt_uint_t passes,
    void (*each)(void *ctx, rt_uint_t pass, rt_ref_t ref, void *record),
    void *ctx)
{
    uint32_t          n;
    rt_uint_t         pass, class;
    rt_arena_page_t  *page;

    memset(a->partial, 0, sizeof(a->partial));
    memset(a->spare, 0, sizeof(a->spare));
    a->unused = 0;
    RT_CRASH_POINT();

    a->bytes_used = 0;
    a->pages_used = 0;
    RT_CRASH_POINT();

    for (n = a->pages; n > 0; n--) {
        class = rt_arena_class(a, n);
        page = &a->page[n];

        if (class != RT_ARENA_CLASSES) {
            rt_arena_link_records(a, n);
        }

        if (class == RT_ARENA_CLASSES || page->used == 0) {
            rt_arena_give_page(a, n);
            continue;
        }

        if (page->free) {
            rt_arena_link_page(a, n);
        }

        a->bytes_used += (uint64_t) page->used * rt_arena_sizes[class];
        a->pages_used++;
        RT_CRASH_POINT();
    }

    for (pass = 0; pass < passes; pass++) {
        rt_arena_pass(a, pass, each, ctx);
    }
}


void
rt_arena_walk(rt_arena_t *a,
    void (*each)(void *ctx, rt_uint_t pass, rt_ref_t ref, void *record),
    void *ctx)
{
    rt_arena_pass(a, 0, each, ctx);
}


void
rt_arena_stat(rt_arena_t *a, rt_arena_stat_t *st)
{
    st->pages = a->pages;
    st->pages_used = a->pages_used;
    st->bytes_used = a->bytes_used;
}
