
/* the arena: against a model, full, and after deaths at every point */

#define RT_CRASH_POINT()  crash_point()

static void crash_point(void);

#include "base/rt_arena.c"
#include "rt_test.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>


#define RECORDS  400            /* of the model */
#define STEPS    150            /* of the process that is killed */
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


/* one random step; what the arena says of it agrees with the model */

static int
model_step(rt_arena_t *a, rt_ref_t *refs, uint32_t *live, uint32_t *refused)
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
    refs[i] = rt_arena_alloc(a, 16 + rt_test_random(1009));

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

    a = make_arena(30 * 4096);
    memset(refs, 0, sizeof(refs));
    good = 1;
    live = 0;
    refused = 0;

    for (n = 0; n < 200000 && good; n++) {
        good = model_step(a, refs, &live, &refused);
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

    ok(bytes_used(a) == 0, "nothing is left at the end");

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

    for (page = 0; page < a->pages_used; page++) {
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
                          (ref - rt_arena_page(c->arena, 0)) / 128)];

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

    c.good &= bytes_used(a) == c.bytes;

    /* every record is in use or free, and none is both */

    n = exhaust(a);
    c.good &= pages_left(a) == 0 && n + c.count == capacity(a);

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


static void
test_death(void)
{
    int          good, rc;
    void        *mem;
    size_t       len;
    unsigned     point;
    journal_t   *j;
    rt_arena_t  *a;

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
    good = 1;
    point = 0;

    do {
        point++;
        memset(mem, 0xa5, len);
        memset(j, 0, sizeof(journal_t));

        a = rt_arena_init(mem, len);
        rc = die(a, j, run_steps, point);
        good &= (rc == CRASHED || rc == 0) && check_records(a, j);

    } while (good && rc == CRASHED);

    ok(good, "a process is killed at every point (%u)", point);
    ok(point > 1000, "and there are many");

    good = 1;
    point = 0;

    do {
        point++;
        memset(mem, 0xa5, len);
        memset(j, 0, sizeof(journal_t));

        a = rt_arena_init(mem, len);
        good &= die(a, j, run_steps, 700) == CRASHED;
        rc = die(a, j, run_rebuild, point);
        good &= (rc == CRASHED || rc == 0) && check_records(a, j);

    } while (good && rc == CRASHED);

    ok(good, "and so is the one that mends it (%u)", point);
    ok(point > 500, "which has many points too");

    munmap(mem, len);
    munmap(j, sizeof(journal_t));
}


int
main(void)
{
    test_init();
    test_sizes();
    test_model();
    test_full();
    test_death();

    return done_testing();
}
