
/*
 * rt_arena.c: records of a few sizes in shared memory; see rt_arena.h.
 *
 * Pages are put to use one after the other and never given back.  What a
 * death can leave behind is decided by the order of the stores: a page counts
 * from the store of its class, when its records are all of type 0, and a
 * record from the store of its type.  Everything else can be found out anew.
 */


#include "base/rt_arena.h"

#include <stdatomic.h>


/* a test defines it to end the process at a point of its choice */
#ifndef RT_CRASH_POINT
#define RT_CRASH_POINT()
#endif


#define RT_ARENA_PAGE     4096
#define RT_ARENA_CLASSES  10


struct rt_arena_s {
    uint32_t         pages;
    uint32_t         pages_used;
    uint64_t         bytes_used;
    uint64_t         start;                     /* offset of the first page */
    rt_ref_t         free[RT_ARENA_CLASSES];
    _Atomic uint8_t  class[];                   /* by page, 1.., 0: unused */
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
    32 * RT_ARENA_UNIT
};


static rt_uint_t rt_arena_class(rt_arena_t *a, uint32_t page);
static rt_int_t rt_arena_add_page(rt_arena_t *a, rt_uint_t class);
static void rt_arena_link_page(rt_arena_t *a, uint32_t page,
    rt_uint_t class);


static size_t
rt_arena_start(size_t pages)
{
    return (sizeof(rt_arena_t) + pages + 63) & ~(size_t) 63;
}


/* the first record of a page */

static rt_ref_t
rt_arena_page(rt_arena_t *a, uint32_t page)
{
    return (rt_ref_t) ((a->start + (uint64_t) page * RT_ARENA_PAGE)
                       / RT_ARENA_UNIT);
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
    rt_arena_t  *a;

    if (len / RT_ARENA_UNIT > UINT32_MAX) {
        len = (size_t) UINT32_MAX * RT_ARENA_UNIT;
    }

    pages = len / (RT_ARENA_PAGE + 1);

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

    return a;
}


rt_ref_t
rt_arena_alloc(rt_arena_t *a, size_t size)
{
    rt_ref_t          ref;
    rt_uint_t         class;
    rt_arena_free_t  *record;

    if (size > RT_ARENA_MAX) {
        return 0;
    }

    for (class = 0; rt_arena_sizes[class] < size; class++) { /* void */ }

    if (a->free[class] == 0 && rt_arena_add_page(a, class) != RT_OK) {

        /* no page is left: a longer record does as well */

        do {
            class++;

            if (class == RT_ARENA_CLASSES) {
                return 0;
            }

        } while (a->free[class] == 0);
    }

    ref = a->free[class];
    record = rt_arena_record(a, ref);

    a->free[class] = record->next;
    RT_CRASH_POINT();

    a->bytes_used += rt_arena_sizes[class];
    RT_CRASH_POINT();

    memset(record, 0, rt_arena_sizes[class]);
    RT_CRASH_POINT();

    return ref;
}


static rt_int_t
rt_arena_add_page(rt_arena_t *a, rt_uint_t class)
{
    uint32_t   page;

    if (a->pages_used == a->pages) {
        return RT_DECLINED;
    }

    page = a->pages_used;

    memset(rt_arena_record(a, rt_arena_page(a, page)), 0, RT_ARENA_PAGE);
    RT_CRASH_POINT();

    atomic_store_explicit(&a->class[page], (uint8_t) (class + 1),
                          memory_order_release);
    RT_CRASH_POINT();

    a->pages_used = page + 1;
    RT_CRASH_POINT();

    rt_arena_link_page(a, page, class);

    return RT_OK;
}


/* puts the records of type 0 on the free list, the first one foremost */

static void
rt_arena_link_page(rt_arena_t *a, uint32_t page, rt_uint_t class)
{
    rt_ref_t          ref;
    rt_uint_t         n;
    rt_arena_free_t  *record;

    n = RT_ARENA_PAGE / rt_arena_sizes[class];

    while (n-- > 0) {
        ref = rt_arena_page(a, page)
              + (rt_ref_t) n * (rt_arena_sizes[class] / RT_ARENA_UNIT);
        record = rt_arena_record(a, ref);

        if (rt_arena_type(record) != 0) {
            a->bytes_used += rt_arena_sizes[class];
            continue;
        }

        record->next = a->free[class];
        RT_CRASH_POINT();

        a->free[class] = ref;
        RT_CRASH_POINT();
    }
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
    rt_uint_t         class;
    rt_arena_free_t  *record;

    record = rt_arena_at(a, ref);

    if (record == NULL) {
        return;
    }

    class = rt_arena_class(a, (ref - rt_arena_page(a, 0))
                              / (RT_ARENA_PAGE / RT_ARENA_UNIT));

    if (class == RT_ARENA_CLASSES) {
        return;
    }

    RT_CRASH_POINT();
    atomic_store_explicit(&record->type, 0, memory_order_release);
    RT_CRASH_POINT();

    record->next = a->free[class];
    RT_CRASH_POINT();

    a->free[class] = ref;
    RT_CRASH_POINT();

    a->bytes_used -= rt_arena_sizes[class];
    RT_CRASH_POINT();
}


void *
rt_arena_at(rt_arena_t *a, rt_ref_t ref)
{
    rt_ref_t  first;

    first = rt_arena_page(a, 0);

    if (ref < first
        || (ref - first) / (RT_ARENA_PAGE / RT_ARENA_UNIT) >= a->pages)
    {
        return NULL;
    }

    return rt_arena_record(a, ref);
}


/* the class of a page, or RT_ARENA_CLASSES when it is unused */

static rt_uint_t
rt_arena_class(rt_arena_t *a, uint32_t page)
{
    uint8_t  class;

    class = atomic_load_explicit(&a->class[page], memory_order_relaxed);

    if (class == 0 || class > RT_ARENA_CLASSES) {
        return RT_ARENA_CLASSES;
    }

    return class - 1;
}


static void
rt_arena_pass(rt_arena_t *a, rt_uint_t pass, rt_arena_each_pt each, void *ctx)
{
    rt_ref_t          ref;
    uint32_t          page;
    rt_uint_t         i, class;
    rt_arena_free_t  *record;

    for (page = 0; page < a->pages_used; page++) {
        class = rt_arena_class(a, page);

        if (class == RT_ARENA_CLASSES) {
            continue;
        }

        ref = rt_arena_page(a, page);

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
    uint32_t   page;
    rt_uint_t  pass, class;

    memset(a->free, 0, sizeof(a->free));
    RT_CRASH_POINT();

    a->bytes_used = 0;
    RT_CRASH_POINT();

    page = 0;

    while (page < a->pages && rt_arena_class(a, page) != RT_ARENA_CLASSES) {
        page++;
    }

    a->pages_used = page;
    RT_CRASH_POINT();

    while (page-- > 0) {
        class = rt_arena_class(a, page);
        rt_arena_link_page(a, page, class);
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
