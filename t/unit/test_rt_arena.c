
/* the arena: against a model, full, and after deaths at every point */

#define RT_CRASH_POINT()  crash_point()

static void crash_point(void);

#include "base/rt_arena.c"
#include "rt_test.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>


#define RECORDS  400            /* of the model */
#define PAGES    40             /* of the model */
#define STEPS    150            /* of the process that is killed */
#define ROUND    15             /* steps until it frees all it has */
#define CRASHED  77


typedef struct {
    uint8_t   type;
    uint32_t  id;
    uint32_t  size;
    u_char    data[];
} record_t;


/* what the process that is killed was doing with its records */

typedef enum {
    NONE = 0,
    PUBLISHING,
    LIVE,
    FREEING,
    FREED
} state_e;


typedef struct {
    uint32_t  state[STEPS];
    rt_ref_t  ref[STEPS];
} journal_t;


typedef struct {
    rt_arena_t  *arena;
    journal_t   *journal;
    uint32_t     shown[2][STEPS];
    rt_ref_t     last;          /* end of the record before */
    size_t       bytes;
    uint32_t     count;
    uint32_t     drop;          /* free each drop-th in the first pass */
    int          good;
} check_t;


static unsigned  crash_at, crash_seen;


static void
crash_point(void)
{
    if (crash_at != 0 && ++crash_seen == crash_at) {
        _exit(CRASHED);
    }
}


static size_t
rounded(size_t size)
{
    size_t  i;

    for (i = 0; rt_arena_sizes[i] < size; i++) { /* void */ }

    return rt_arena_sizes[i];
}


static u_char
pattern(uint32_t id, size_t i)
{
    return (u_char) (id * 17 + i * 3 + 1);
}


static void
fill(record_t *r, uint32_t id, uint32_t size)
{
    size_t  i;

    r->id = id;
    r->size = size;

    for (i = 0; i < size - sizeof(record_t); i++) {
        r->data[i] = pattern(id, i);
    }
}


static int
whole(const record_t *r, uint32_t id)
{
    size_t  i;

    if (r->id != id || r->size < sizeof(record_t) || r->size > RT_ARENA_MAX) {
        return 0;
    }

    for (i = 0; i < r->size - sizeof(record_t); i++) {
        if (r->data[i] != pattern(id, i)) {
            return 0;
        }
    }

    return 1;
}


static int
is_zero(const void *p, size_t len)
{
    const u_char  *b = p;

    while (len-- > 0) {
        if (b[len] != 0) {
            return 0;
        }
    }

    return 1;
}


static size_t
bytes_used(rt_arena_t *a)
{
    rt_arena_stat_t  st;

    rt_arena_stat(a, &st);

    return st.bytes_used;
}


static size_t
pages_left(rt_arena_t *a)
{
    rt_arena_stat_t  st;

    rt_arena_stat(a, &st);

    return st.pages - st.pages_used;
}


static size_t
pages_used(rt_arena_t *a)
{
    rt_arena_stat_t  st;

    rt_arena_stat(a, &st);

    return st.pages_used;
}


/* the records of the free list of a page, or -1 when it leads elsewhere */

static int
free_records(rt_arena_t *a, uint32_t n)
{
    int       count;
    rt_ref_t  ref;

    count = 0;

    for (ref = a->page[n].free; ref; ref = rt_arena_record(a, ref)->next) {

        if (rt_arena_page_of(a, ref) != n || ++count > 128
            || rt_arena_type(rt_arena_record(a, ref)) != 0)
        {
            return -1;
        }
    }

    return count;
}


/* the pages of a list, or -1 when one is on it that should not be */

static int
listed(rt_arena_t *a, uint32_t n, rt_uint_t class, int partial)
{
    int       count, all;
    uint32_t  prev;

    count = 0;

    for (prev = 0; n; prev = n, n = a->page[n].next) {

        if (n > a->pages || ++count > (int) a->pages
            || rt_arena_class(a, n) != class)
        {
            return -1;
        }

        if (class == RT_ARENA_CLASSES) {
            continue;
        }

        all = RT_ARENA_PAGE / rt_arena_sizes[class];

        if (free_records(a, n) != all - a->page[n].used
            || (a->page[n].used != 0) != partial
            || a->page[n].used == all
            || (partial && a->page[n].prev != prev))
        {
            return -1;
        }
    }

    return count;
}


/* whether all lists are sound: each page in its place, and the statistics */

static int
sound(rt_arena_t *a)
{
    int        n, pages, full, good;
    size_t     bytes, used;
    uint32_t   i;
    rt_uint_t  class;

    pages = listed(a, a->unused, RT_ARENA_CLASSES, 0);
    good = pages >= 0;

    for (class = 0; class < RT_ARENA_CLASSES; class++) {
        n = listed(a, a->partial[class], class, 1);
        good &= n >= 0;
        pages += n;

        n = listed(a, a->spare[class], class, 0);
        good &= n == 0 || n == 1;
        pages += n;
    }

    bytes = 0;
    used = 0;
    full = 0;

    for (i = 1; i <= a->pages; i++) {
        class = rt_arena_class(a, i);

        if (class == RT_ARENA_CLASSES) {
            continue;
        }

        used += a->page[i].used != 0;
        bytes += (size_t) a->page[i].used * rt_arena_sizes[class];
        full += a->page[i].used == RT_ARENA_PAGE / rt_arena_sizes[class];
    }

    return good && pages + full == (int) a->pages && used == pages_used(a)
           && bytes == bytes_used(a);
}


/* memory that is dirty, as a reused zone may be */

static rt_arena_t *
make_arena(size_t len)
{
    void  *mem;

    mem = aligned_alloc(64, len);
    memset(mem, 0xa5, len);

    return rt_arena_init(mem, len);
}


static void
test_init(void)
{
    size_t            len;
    u_char           *mem;
    rt_arena_t       *a;
    rt_arena_stat_t   st;

    mem = aligned_alloc(64, 65536);

    ok(rt_arena_init(mem, 4096) == NULL, "a page's bytes are not enough");
    ok(rt_arena_init(mem, 0) == NULL, "nor are none");

    for (len = 4096; rt_arena_init(mem, len) == NULL; len++) { /* void */ }

    ok(len < 4096 + 256, "the head is small");

    a = rt_arena_init(mem, 65536);
    rt_arena_stat(a, &st);
    ok(st.pages == 15 && st.pages_used == 0 && st.bytes_used == 0,
       "nothing is used at first");

    ok(rt_arena_at(a, 0) == NULL && rt_arena_at(a, 1) == NULL,
       "no record at 0 nor in the head");
    ok(rt_arena_at(a, 65536 / RT_ARENA_UNIT) == NULL
       && rt_arena_at(a, UINT32_MAX) == NULL, "nor behind the memory");

    free(mem);
}


/* what is a record at a time, and what is none */

static void
test_at(void)
{
    int          good;
    size_t       i, size;
    rt_ref_t     ref, other;
    rt_arena_t  *a;

    good = 1;

    for (i = 0; i < RT_ARENA_CLASSES; i++) {
        a = make_arena(5 * 4096);
        size = rt_arena_sizes[i] / RT_ARENA_UNIT;

        for (ref = 0; ref < 5 * 128; ref++) {
            good &= rt_arena_at(a, ref) == NULL;
        }

        ref = rt_arena_alloc(a, rt_arena_sizes[i]);

        for (other = ref; other < ref + 128; other++) {
            good &= (rt_arena_at(a, other) != NULL)
                    == ((other - ref) % size == 0
                        && other - ref + size <= 128);
        }

        good &= rt_arena_at(a, ref - 1) == NULL
                && rt_arena_at(a, other) == NULL;

        /* of what is no record nothing is freed */

        rt_arena_publish(a, ref, 1);
        rt_arena_free(a, other);
        rt_arena_free(a, ref - 1);

        for (other = 1; other < size; other++) {
            rt_arena_free(a, ref + other);
        }

        good &= sound(a) && bytes_used(a) == rt_arena_sizes[i];
        rt_arena_free(a, ref);
        good &= sound(a) && bytes_used(a) == 0 && rt_arena_at(a, ref) != NULL
                && ((record_t *) rt_arena_at(a, ref))->type == 0;

        free(a);
    }

    ok(good, "a record is where one begins, and nowhere else");
}


static void
test_sizes(void)
{
    int          zero, inside, counted;
    void        *p;
    size_t       size, before;
    rt_ref_t     ref;
    rt_arena_t  *a;

    a = make_arena(400000);
    zero = inside = counted = 1;

    for (size = 0; size <= RT_ARENA_MAX; size++) {
        before = bytes_used(a);
        ref = rt_arena_alloc(a, size);
        p = rt_arena_at(a, ref);

        inside &= ref != 0 && p != NULL && (uintptr_t) p % RT_ARENA_UNIT == 0
                  && (u_char *) p + rounded(size) <= (u_char *) a + 400000;
        zero &= is_zero(p, rounded(size));
        counted &= bytes_used(a) - before == rounded(size);

        memset(p, 0xff, rounded(size));

        if (size % 3) {
            rt_arena_free(a, ref);
            counted &= bytes_used(a) == before;
        }
    }

    ok(inside, "records of every size");
    ok(zero, "are all zero, also when used before");
    ok(counted, "and counted as their class");
    ok(rt_arena_alloc(a, RT_ARENA_MAX + 1) == 0, "one byte over is refused");
    ok(rt_arena_alloc(a, SIZE_MAX) == 0, "so is SIZE_MAX");

    before = bytes_used(a);
    rt_arena_free(a, 0);
    rt_arena_free(a, UINT32_MAX);
    ok(bytes_used(a) == before, "freeing what is no record does nothing");

    free(a);
}


static void
count_record(void *ctx, rt_uint_t pass, rt_ref_t ref, void *record)
{
    check_t  *c = ctx;

    c->good &= pass == 0 && ref >= c->last && whole(record, ref);
    c->last = ref + (rt_ref_t) (rounded(((record_t *) record)->size)
                                / RT_ARENA_UNIT);
    c->count++;
}


/* as many pages are in use as records of the model are in */

static int
model_pages(rt_arena_t *a, const rt_ref_t *refs)
{
    size_t    n;
    u_char    page[PAGES];
    uint32_t  i;

    memset(page, 0, sizeof(page));

    for (i = 0; i < RECORDS; i++) {
        if (refs[i]) {
            page[(refs[i] - rt_arena_first(a, 1)) / 128] = 1;
        }
    }

    n = 0;

    for (i = 0; i < PAGES; i++) {
        n += page[i];
    }

    return n == pages_used(a);
}


/* sizes of all classes; for some time now and then those of one only */

static uint32_t
model_size(size_t n)
{
    if (n / 2000 % 3 == 0) {
        return 16 + rt_test_random(1009);
    }

    return rt_arena_sizes[n / 2000 * 7 % RT_ARENA_CLASSES];
}


/* one random step; what the arena says of it agrees with the model */

static int
model_step(rt_arena_t *a, size_t n, rt_ref_t *refs, uint32_t *live,
    uint32_t *refused)
{
    size_t     used, left;
    uint32_t   i;
    record_t  *r;

    i = rt_test_random(RECORDS);

    if (refs[i] != 0) {
        r = rt_arena_at(a, refs[i]);

        if (r->type != i % 255 + 1 || !whole(r, refs[i])) {
            return 0;
        }

        rt_arena_free(a, refs[i]);
        refs[i] = 0;
        (*live)--;

        return 1;
    }

    used = bytes_used(a);
    left = pages_left(a);
    refs[i] = rt_arena_alloc(a, model_size(n));

    if (refs[i] == 0) {
        (*refused)++;
        return left == 0 && bytes_used(a) == used;
    }

    (*live)++;
    used = bytes_used(a) - used;
    r = rt_arena_at(a, refs[i]);

    if (rounded(used) != used || !is_zero(r, used)) {
        return 0;
    }

    fill(r, refs[i], (uint32_t) used);
    rt_arena_publish(a, refs[i], (uint8_t) (i % 255 + 1));

    return 1;
}


static void
test_model(void)
{
    int          good;
    size_t       n;
    check_t      c;
    uint32_t     i, live, refused;
    rt_ref_t     refs[RECORDS];
    rt_arena_t  *a;

    a = make_arena((PAGES + 1) * 4096);
    memset(refs, 0, sizeof(refs));
    good = 1;
    live = 0;
    refused = 0;

    for (n = 0; n < 200000 && good; n++) {
        good = model_step(a, n, refs, &live, &refused)
               && (n % 16 || (model_pages(a, refs) && sound(a)));
    }

    ok(good, "200000 random steps agree with the model");
    ok(refused > 100 && refused < n / 2, "which was full at times");

    memset(&c, 0, sizeof(c));
    c.good = 1;
    rt_arena_walk(a, count_record, &c);
    ok(c.good && c.count == live, "a walk shows each record once, in order");

    for (i = 0; i < RECORDS; i++) {
        rt_arena_free(a, refs[i]);
    }

    ok(bytes_used(a) == 0 && pages_used(a) == 0 && sound(a),
       "nothing is left at the end");

    memset(&c, 0, sizeof(c));
    rt_arena_walk(a, count_record, &c);
    ok(c.count == 0, "and nothing is shown");

    free(a);
}


/* the number of records that the pages in use hold */

static size_t
capacity(rt_arena_t *a)
{
    size_t    n;
    uint32_t  page;

    n = 0;

    for (page = 1; page <= a->pages; page++) {
        n += RT_ARENA_PAGE / rt_arena_sizes[rt_arena_class(a, page)];
    }

    return n;
}


/* takes all that is left, in the shortest records; how many there were */

static size_t
exhaust(rt_arena_t *a)
{
    size_t    n;
    rt_ref_t  ref;

    for (n = 0; n < 1000000; n++) {
        ref = rt_arena_alloc(a, 1);

        if (ref == 0) {
            break;
        }

        rt_arena_publish(a, ref, 255);
    }

    return n;
}


static void
test_full(void)
{
    int              good;
    size_t           i, n;
    rt_ref_t         ref, one;
    rt_arena_t      *a;
    rt_arena_stat_t  st;

    good = 1;

    for (i = 0; i < RT_ARENA_CLASSES; i++) {
        a = make_arena(10 * 4096);
        one = 0;

        for (n = 0; n < 10000; n++) {
            ref = rt_arena_alloc(a, rt_arena_sizes[i]);

            if (ref == 0) {
                break;
            }

            good &= is_zero(rt_arena_at(a, ref), rt_arena_sizes[i]);
            memset(rt_arena_at(a, ref), 0x77, rt_arena_sizes[i]);
            one = ref;
        }

        rt_arena_stat(a, &st);

        good &= n == 9u * (4096 / rt_arena_sizes[i]);
        good &= st.pages == 9 && st.pages_used == 9
                && st.bytes_used == n * rt_arena_sizes[i];
        good &= rt_arena_alloc(a, 1024) == 0 && rt_arena_alloc(a, 1) == 0;

        rt_arena_rebuild(a, 0, NULL, NULL);
        rt_arena_stat(a, &st);
        good &= st.pages_used == 9;

        rt_arena_free(a, one);
        good &= rt_arena_alloc(a, rt_arena_sizes[i]) == one;

        free(a);
    }

    ok(good, "every size until the arena is full, and one given back");

    a = make_arena(2 * 4096);
    one = rt_arena_alloc(a, 1024);
    n = exhaust(a);

    ok(n == 3, "when no page is left, longer records are used");

    rt_arena_free(a, one);
    ok(rt_arena_alloc(a, 33) == one, "and taken back as what they are");

    free(a);
}


/* fills it with records of one class; how many there were */

static size_t
flood(rt_arena_t *a, size_t class, rt_ref_t *refs)
{
    size_t  n;

    for (n = 0; n < 10000; n++) {
        refs[n] = rt_arena_alloc(a, rt_arena_sizes[class]);

        if (refs[n] == 0
            || !is_zero(rt_arena_at(a, refs[n]), rt_arena_sizes[class]))
        {
            break;
        }

        memset(rt_arena_at(a, refs[n]), 0x77, rt_arena_sizes[class]);
    }

    return n;
}


/* frees all, from the first, from the last, or some from here and there */

static void
drain(rt_arena_t *a, rt_ref_t *refs, size_t n, size_t order)
{
    size_t    i;
    rt_ref_t  ref;

    while (n-- > 0) {
        i = (order == 0) ? n : rt_test_random((uint32_t) n + 1);
        ref = refs[i];

        if (order == 1) {
            ref = refs[0];
            memmove(refs, refs + 1, n * sizeof(rt_ref_t));

        } else {
            refs[i] = refs[n];
        }

        rt_arena_free(a, ref);
    }
}


/* what one class had another one gets, all of it */

static void
test_classes(void)
{
    int           good;
    size_t        from, to, n, order;
    rt_ref_t     *refs;
    rt_arena_t   *a;

    refs = malloc(10000 * sizeof(rt_ref_t));
    good = 1;

    for (order = 0; order < 3; order++) {
        a = make_arena(10 * 4096);

        for (from = 0; from < RT_ARENA_CLASSES; from++) {
            for (to = 0; to < RT_ARENA_CLASSES; to++) {
                n = flood(a, from, refs);
                good &= n == 9u * (4096 / rt_arena_sizes[from])
                        && pages_used(a) == 9 && sound(a);

                drain(a, refs, n, order);
                good &= pages_used(a) == 0 && bytes_used(a) == 0 && sound(a);

                n = flood(a, to, refs);
                good &= n == 9u * (4096 / rt_arena_sizes[to])
                        && pages_used(a) == 9 && sound(a);

                drain(a, refs, n, order);
                good &= sound(a);
            }
        }

        free(a);
    }

    ok(good, "a full arena becomes one of any other class");

    free(refs);
}


/* while there is room elsewhere a page is not cut anew each time */

static void
test_spare(void)
{
    int          good;
    size_t       i;
    u_char      *end;
    rt_ref_t     ref, one;
    rt_arena_t  *a;

    a = make_arena(10 * 4096);
    one = rt_arena_alloc(a, 1024);
    end = (u_char *) rt_arena_at(a, one) + 3 * 1024 + 512;
    *end = 0x55;
    good = 1;

    rt_arena_free(a, one);

    for (i = 0; i < 100; i++) {
        ref = rt_arena_alloc(a, 1024);
        good &= ref == one && *end == 0x55 && pages_used(a) == 1;
        rt_arena_free(a, ref);
    }

    ok(good && pages_used(a) == 0, "a spare page stays as it is");

    /* it goes to others in need, but only then */

    for (i = 0; i < 8u * 128; i++) {
        good &= rt_arena_alloc(a, 1) != 0;
    }

    ok(good && *end == 0x55 && pages_used(a) == 8 && sound(a),
       "as long as there are others");
    ok(rt_arena_alloc(a, 1) && *end == 0 && pages_used(a) == 9 && sound(a),
       "and no longer");

    free(a);
}


typedef struct {
    rt_arena_t  *arena;
    rt_uint_t    pass;          /* the one in which every "every"th goes */
    uint32_t     every;
    uint32_t     seen[3];
    uint32_t     freed;
} sweep_t;


static void
sweep_record(void *ctx, rt_uint_t pass, rt_ref_t ref, void *record)
{
    sweep_t   *w = ctx;
    record_t  *r = record;

    if (r->type == 0x77 && w->seen[pass]++ % w->every == 0
        && pass == w->pass)
    {
        rt_arena_free(w->arena, ref);
        w->freed++;
    }
}


/* pages become unused under a walk, or under one of three of a rebuild */

static void
test_sweep(void)
{
    int           good;
    size_t        class, n, kind, left;
    sweep_t       w;
    rt_ref_t     *refs;
    rt_arena_t   *a;

    refs = malloc(10000 * sizeof(rt_ref_t));
    good = 1;

    for (kind = 0; kind < 12; kind++) {
        for (class = 0; class < RT_ARENA_CLASSES; class++) {
            a = make_arena(10 * 4096);
            n = flood(a, class, refs);

            memset(&w, 0, sizeof(w));
            w.arena = a;
            w.every = (uint32_t) kind / 4 + 1;

            if (kind % 4 == 3) {
                rt_arena_walk(a, sweep_record, &w);

            } else {
                w.pass = kind % 4;
                rt_arena_rebuild(a, 3, sweep_record, &w);
            }

            left = n - (n + w.every - 1) / w.every;

            good &= w.freed == n - left && w.seen[w.pass] == n && sound(a)
                    && bytes_used(a) == left * rt_arena_sizes[class];
            good &= kind % 4 == 3
                    || w.seen[2] == (w.pass == 2 ? n : left);
            good &= w.every != 1 || (pages_used(a) == 0 && exhaust(a) == 1152);

            free(a);
        }
    }

    ok(good, "records go while they are shown, and their pages with them");

    free(refs);
}


/* what check_records() must see of the record of a step */

static int
may_be(const journal_t *j, uint32_t step, uint32_t shown)
{
    switch (j->state[step]) {

    case LIVE:
        return shown == 1;

    case PUBLISHING:
    case FREEING:
        return shown <= 1;

    default:
        return shown == 0;
    }
}


static void
check_record(void *ctx, rt_uint_t pass, rt_ref_t ref, void *record)
{
    size_t     size;
    check_t   *c = ctx;
    uint32_t   id;
    record_t  *r = record;

    id = r->id;

    if (pass > 1 || id >= STEPS || !whole(r, id)
        || c->journal->ref[id] != ref)
    {
        c->good = 0;
        return;
    }

    c->shown[pass][id]++;

    if (pass == 0 && c->drop != 0 && id % c->drop == 0) {
        c->journal->state[id] = FREEING;
        rt_arena_free(c->arena, ref);
        c->journal->state[id] = FREED;
        return;
    }

    size = rt_arena_sizes[rt_arena_class(c->arena,
                                         rt_arena_page_of(c->arena, ref))];

    c->good &= r->size <= size;

    if (pass == 1) {
        c->bytes += size;
        c->count++;
    }
}


/* the invariants, and the journal's records, each once and no other */

static int
check_records(rt_arena_t *a, journal_t *j)
{
    size_t    n;
    check_t   c;
    uint32_t  i;

    memset(&c, 0, sizeof(c));
    c.arena = a;
    c.journal = j;
    c.good = 1;

    rt_arena_rebuild(a, 2, check_record, &c);

    for (i = 0; i < STEPS; i++) {
        c.good &= may_be(j, i, c.shown[0][i]);
        c.good &= c.shown[0][i] == c.shown[1][i];
    }

    c.good &= bytes_used(a) == c.bytes && sound(a);

    /* every record is in use or free, and none is both */

    n = exhaust(a);
    c.good &= pages_left(a) == 0 && n + c.count == capacity(a) && sound(a);

    for (i = 0; i < STEPS; i++) {
        if (c.shown[1][i]) {
            c.good &= whole(rt_arena_at(a, j->ref[i]), i);
        }
    }

    return c.good;
}


/* allocates, fills, publishes and frees, and says so before and after */

static void
run_steps(rt_arena_t *a, journal_t *j)
{
    uint32_t   i, size, old;
    rt_ref_t   ref;

    for (i = 0; i < STEPS; i++) {
        size = (uint32_t) sizeof(record_t) + i * 53 % 300;
        ref = rt_arena_alloc(a, size);

        if (ref == 0) {
            _exit(1);
        }

        j->ref[i] = ref;
        fill(rt_arena_at(a, ref), i, size);

        j->state[i] = PUBLISHING;
        rt_arena_publish(a, ref, (uint8_t) (i + 1));
        j->state[i] = LIVE;

        old = i * 29 % STEPS;

        if (i % 3 && j->state[old] == LIVE) {
            j->state[old] = FREEING;
            rt_arena_free(a, j->ref[old]);
            j->state[old] = FREED;
        }
    }
}


/*
 * Fills the arena with records of one size after the other and frees them,
 * so that pages become full, partial, spare and unused and change their
 * class, also that of a spare one.
 */

static void
run_pages(rt_arena_t *a, journal_t *j)
{
    uint32_t               i, k, old;
    static const uint32_t  sizes[] = { 768, 1024, 512, 384, 1024, 768 };

    for (i = 0; i < STEPS; i++) {
        j->ref[i] = rt_arena_alloc(a, sizes[i / ROUND % rt_nitems(sizes)]);

        if (j->ref[i]) {
            fill(rt_arena_at(a, j->ref[i]), i,
                 sizes[i / ROUND % rt_nitems(sizes)]);

            j->state[i] = PUBLISHING;
            rt_arena_publish(a, j->ref[i], (uint8_t) (i + 1));
            j->state[i] = LIVE;
        }

        for (k = 0; i % ROUND == ROUND - 1 && k < ROUND; k++) {
            old = i - (k * 7 + i / ROUND) % ROUND;

            if (j->state[old] == LIVE) {
                j->state[old] = FREEING;
                rt_arena_free(a, j->ref[old]);
                j->state[old] = FREED;
            }
        }
    }
}


static void
run_rebuild(rt_arena_t *a, journal_t *j)
{
    check_t  c;

    memset(&c, 0, sizeof(c));
    c.arena = a;
    c.journal = j;
    c.drop = 5;
    c.good = 1;

    rt_arena_rebuild(a, 2, check_record, &c);

    if (!c.good) {
        _exit(1);
    }
}


/* a child that dies at "point" of what it runs; its exit code */

static int
die(rt_arena_t *a, journal_t *j, void (*run)(rt_arena_t *a, journal_t *j),
    unsigned point)
{
    int    status;
    pid_t  pid;

    pid = fork();

    if (pid == 0) {
        crash_at = point;
        run(a, j);
        _exit(0);
    }

    if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status)) {
        return -1;
    }

    return WEXITSTATUS(status);
}


/* after each death of one that does "run" in new memory all is mended */

static unsigned
deaths(void *mem, size_t len, journal_t *j,
    void (*run)(rt_arena_t *a, journal_t *j), unsigned midst)
{
    int          good, rc;
    unsigned     point;
    rt_arena_t  *a;

    good = 1;
    point = 0;

    do {
        point++;
        memset(mem, 0xa5, len);
        memset(j, 0, sizeof(journal_t));
        a = rt_arena_init(mem, len);

        if (midst) {

            /* the one that dies is the one that mends it */

            good &= die(a, j, run, midst) == CRASHED;
            rc = die(a, j, run_rebuild, point);

        } else {
            rc = die(a, j, run, point);
        }

        good &= (rc == CRASHED || rc == 0) && check_records(a, j);

    } while (good && rc == CRASHED);

    ok(good, midst ? "and so is the one that mends it (%u)"
                   : "a process is killed at every point (%u)", point);

    return point;
}


static void
test_death(void)
{
    void       *mem;
    size_t      len;
    unsigned    i, n;
    journal_t  *j;

    len = 16 * 4096;
    mem = mmap(NULL, len, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_ANONYMOUS,
               -1, 0);
    j = mmap(NULL, sizeof(journal_t), PROT_READ|PROT_WRITE,
             MAP_SHARED|MAP_ANONYMOUS, -1, 0);

    if (mem == MAP_FAILED || j == MAP_FAILED) {
        ok(0, "shared memory");
        return;
    }

    fflush(stdout);

    n = deaths(mem, len, j, run_steps, 0);
    ok(n > 1000, "and there are many points");

    n = deaths(mem, len, j, run_steps, 700);
    ok(n > 500, "which has many too");

    /* three pages */

    n = deaths(mem, 4 * 4096, j, run_pages, 0);
    ok(n > 1000, "there are many with pages");

    for (i = 1; i < 8; i++) {
        (void) deaths(mem, 4 * 4096, j, run_pages, n * i / 8);
    }

    munmap(mem, len);
    munmap(j, sizeof(journal_t));
}


int
main(void)
{
    test_init();
    test_at();
    test_sizes();
    test_model();
    test_full();
    test_classes();
    test_spare();
    test_sweep();
    test_death();

    return done_testing();
}
