
/* the ring: every size and alignment, readers overtaken, writers killed */

#define RT_CRASH_POINT()  crash_point()

static void crash_point(void);

#include "base/rt_ring.c"
#include "rt_test.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>


#define WRITERS  2
#define READERS  2
#define CRASHED  77


/* what the processes of a test share besides the ring */

typedef struct {
    pthread_mutex_t   lock;
    _Atomic unsigned  written;
    _Atomic uint64_t  seen[READERS];
    _Atomic unsigned  overtaken;
} shared_t;


/* an entry of the tests about processes, followed by bytes made from it */

typedef struct {
    uint32_t  writer;
    uint32_t  seq;
    uint32_t  len;
} entry_t;


static unsigned  crash_at, crash_seen;


static void
crash_point(void)
{
    if (crash_at != 0 && ++crash_seen == crash_at) {
        _exit(CRASHED);
    }
}


static rt_ring_t *
make_ring(size_t size)
{
    void  *mem;

    mem = aligned_alloc(64, offsetof(rt_ring_t, data) + size);

    return rt_ring_init(mem, offsetof(rt_ring_t, data) + size);
}


static void *
share(size_t len)
{
    void  *p;

    p = mmap(NULL, len, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_ANONYMOUS, -1, 0);

    return p == MAP_FAILED ? NULL : p;
}


static u_char
pattern(uint32_t seq, size_t i)
{
    return (u_char) (seq * 31 + i * 7 + (i >> 8));
}


/* an entry of "len" bytes; false when there is no room or it lies badly */

static int
put(rt_ring_t *ring, uint32_t seq, size_t len)
{
    size_t     i;
    u_char    *p;
    uint64_t   head;

    head = rt_ring_head(ring);
    p = rt_ring_reserve(ring, len);

    if (p == NULL || ((uintptr_t) p & 7) != 0 || p < ring->data + 8
        || p + len > ring->data + ring->size)
    {
        return 0;
    }

    for (i = 0; i < len; i++) {
        p[i] = pattern(seq, i);
    }

    return rt_ring_commit(ring) == head;
}


/* the next entry is "seq" of "len" bytes, and no byte behind it is touched */

static int
get(rt_ring_t *ring, uint64_t *pos, uint32_t seq, size_t len)
{
    size_t         i, n;
    static u_char  dst[65536];

    memset(dst, 0xaa, len + 1);

    if (rt_ring_read(ring, pos, dst, sizeof(dst), &n) != RT_OK || n != len) {
        return 0;
    }

    for (i = 0; i < len; i++) {
        if (dst[i] != pattern(seq, i)) {
            return 0;
        }
    }

    return dst[len] == 0xaa;
}


static void
test_init(void)
{
    size_t      len;
    u_char     *mem;
    rt_ring_t  *ring;

    len = offsetof(rt_ring_t, data);
    mem = aligned_alloc(64, 65536);

    ok(rt_ring_init(mem, len + 4095) == NULL, "4095 bytes are not enough");
    ok(rt_ring_init(mem, 0) == NULL, "nor are none");

    ring = rt_ring_init(mem, len + 4096);
    ok(ring != NULL && ring->size == 4096, "4096 are");

    ring = rt_ring_init(mem, len + 8191);
    ok(ring != NULL && ring->size == 4096, "one short of the next power");

    ring = rt_ring_init(mem, len + 8192);
    ok(ring != NULL && ring->size == 8192, "the next power");

    ok(rt_ring_head(ring) == 0 && rt_ring_tail(ring) == 0, "empty at first");

    free(mem);
}


static void
test_sizes(void)
{
    int         good;
    size_t      len, max;
    uint64_t    pos;
    rt_ring_t  *ring;

    ring = make_ring(16384);
    max = rt_ring_max(16384);
    pos = 0;
    good = 1;

    for (len = 0; len <= max; len++) {
        good &= put(ring, (uint32_t) len, len);
        good &= get(ring, &pos, (uint32_t) len, len);
        good &= pos == rt_ring_head(ring);
    }

    ok(good, "entries of every size come back whole");
    ok(rt_ring_reserve(ring, max + 1) == NULL, "one byte over is refused");
    ok(rt_ring_reserve(ring, SIZE_MAX) == NULL, "so is SIZE_MAX");
    ok(rt_ring_reserve(ring, SIZE_MAX - 6) == NULL, "so is nearly SIZE_MAX");
    ok(rt_ring_head(ring) == pos, "a refusal moves nothing");

    free(ring);
}


static void
test_wrap(void)
{
    int          good;
    size_t       i, off;
    uint64_t     pos;
    rt_ring_t   *ring;

    static const size_t  lens[] = {
        0, 1, 7, 8, 9, 100, 1015, 1016, 1017, 1023, 1024
    };

    ring = make_ring(4096);
    good = 1;

    for (off = 0; off < 4096; off += 8) {
        for (i = 0; i < rt_nitems(lens); i++) {
            rt_ring_init(ring, offsetof(rt_ring_t, data) + 4096);

            while (rt_ring_head(ring) < off) {
                good &= put(ring, 0, 0);
            }

            pos = rt_ring_head(ring);

            good &= put(ring, 1, lens[i]) && put(ring, 2, lens[i]);
            good &= get(ring, &pos, 1, lens[i]) && get(ring, &pos, 2, lens[i]);
            good &= pos == rt_ring_head(ring);
        }
    }

    ok(good, "two entries of several sizes at every alignment");

    free(ring);
}


static void
test_full(void)
{
    int         good;
    size_t      i;
    rt_ring_t  *ring;

    ring = make_ring(4096);
    good = 1;

    for (i = 0; i < 4; i++) {
        good &= put(ring, 0, 1024 - 8);
    }

    ok(good && rt_ring_head(ring) == 4096 && rt_ring_tail(ring) == 0,
       "every byte of the ring is used");

    ok(put(ring, 0, 0) && rt_ring_tail(ring) == 1024,
       "and no more is given up than must be");

    free(ring);
}


static void
test_overtaken(void)
{
    int         good;
    size_t      len;
    u_char      dst[1024];
    uint32_t    seq, first;
    uint64_t    pos, old, tail;
    rt_ring_t  *ring;
    uint64_t    start[2000];

    ring = make_ring(4096);
    old = 0;
    good = 1;

    for (seq = 0; seq < rt_nitems(start); seq++) {
        start[seq] = rt_ring_head(ring);
        good &= put(ring, seq, seq * 37 % 1025);

        tail = rt_ring_tail(ring);
        good &= rt_ring_head(ring) - tail <= ring->size;

        /* the tail is where an entry began; from there all can be read */

        for (first = seq; start[first] > tail; first--) { /* void */ }

        pos = tail;
        good &= start[first] == tail;

        while (first <= seq) {
            good &= get(ring, &pos, first, first * 37 % 1025);
            first++;
        }

        good &= pos == rt_ring_head(ring);

        if (tail > old) {
            pos = old;
            good &= rt_ring_read(ring, &pos, dst, 1024, &len) == RT_DECLINED
                    && pos == old;
            old = tail;
        }
    }

    ok(good, "what is before the tail is refused, the rest can be read");

    free(ring);
}


static void
test_answers(void)
{
    int         good;
    size_t      len;
    u_char      dst[64];
    uint64_t    pos, start;
    rt_ring_t  *ring;

    ring = make_ring(4096);
    pos = 0;

    ok(rt_ring_read(ring, &pos, dst, 64, &len) == RT_AGAIN && pos == 0,
       "an empty ring");

    (void) rt_ring_reserve(ring, 24);
    ok(rt_ring_read(ring, &pos, dst, 64, &len) == RT_AGAIN, "reserved only");

    put(ring, 5, 40);
    ok(rt_ring_read(ring, &pos, dst, 39, &len) == RT_BUSY && len == 40
       && pos == 0, "the buffer is too small");
    ok(rt_ring_read(ring, &pos, dst, 40, &len) == RT_OK && len == 40
       && pos == rt_ring_head(ring) && dst[39] == pattern(5, 39),
       "the buffer fits; what was reserved before is forgotten");
    ok(rt_ring_read(ring, &pos, dst, 64, &len) == RT_AGAIN, "nothing more");

    start = pos;
    memset(rt_ring_reserve(ring, 40), 0, 40);
    rt_ring_commit(ring);
    good = 1;

    for (pos = start + 1; pos < start + 128; pos++) {
        if (pos != rt_ring_head(ring)) {
            good &= rt_ring_read(ring, &pos, dst, 64, &len) == RT_DECLINED;
        }
    }

    ok(good, "positions where no entry begins");

    pos = UINT64_MAX - 7;
    ok(rt_ring_read(ring, &pos, dst, 64, &len) == RT_DECLINED, "far ahead");

    free(ring);
}


/* as a reader may find it while others write: it stays inside the memory */

static void
test_garbage(void)
{
    int         good;
    size_t      i, n, len;
    u_char      dst[1024];
    uint64_t    pos, old;
    rt_int_t    rc;
    rt_ring_t  *ring;

    ring = make_ring(4096);
    srandom(1);
    good = 1;

    for (n = 0; n < 200000; n++) {

        for (i = 0; i < 8; i++) {
            ring->data[(size_t) random() % 4096] = (u_char) random();
        }

        pos = (uint64_t) random() % 1024 * 8;
        old = pos;

        atomic_store(&ring->tail, pos - (pos & 4095));
        atomic_store(&ring->head, pos + (uint64_t) random() % 512 * 8);

        if (n % 2) {
            atomic_store(rt_ring_header(ring, pos),
                         rt_ring_header_value(pos, n % 8 == 1 ? RT_RING_FILLER
                                              : (uint32_t) random() % 1030));
        }

        rc = rt_ring_read(ring, &pos, dst, sizeof(dst), &len);

        good &= rc == RT_OK ? len <= 1024 && pos > old && pos <= ring->head
                            : rc != RT_BUSY && pos == old;

        pos = old + 1 + n % 7;
        good &= rt_ring_read(ring, &pos, dst, 1024, &len) == RT_DECLINED;
    }

    ok(good, "garbage in the memory");

    atomic_store(&ring->tail, 4096);
    atomic_store(&ring->head, 8192);
    memset(ring->data, 0xff, 4096);

    pos = 8192;
    ok(put(ring, 9, 30) && rt_ring_tail(ring) == 8192 && get(ring, &pos, 9, 30),
       "a writer gives up entries that make no sense");

    free(ring);
}


static void
write_entry(rt_ring_t *ring, uint32_t writer, uint32_t seq)
{
    size_t    i;
    u_char   *p;
    entry_t   e;

    e.writer = writer;
    e.seq = seq;
    e.len = (uint32_t) sizeof(e) + seq * 13 % 300;

    p = rt_ring_reserve(ring, e.len);

    memcpy(p, &e, sizeof(e));

    for (i = sizeof(e); i < e.len; i++) {
        p[i] = pattern(seq + writer, i);
    }

    crash_point();
    rt_ring_commit(ring);
}


/* whether the bytes are what write_entry() made, newer than the last ones */

static int
check_entry(const u_char *p, size_t len, uint32_t *next, int gaps)
{
    size_t   i;
    entry_t  e;

    if (len < sizeof(e)) {
        return 0;
    }

    memcpy(&e, p, sizeof(e));

    if (e.len != len || e.writer >= WRITERS || e.seq < next[e.writer]
        || (!gaps && e.seq != next[e.writer]))
    {
        return 0;
    }

    for (i = sizeof(e); i < len; i++) {
        if (p[i] != pattern(e.seq + e.writer, i)) {
            return 0;
        }
    }

    next[e.writer] = e.seq + 1;

    return 1;
}


static void
run_writer(rt_ring_t *ring, shared_t *sh, uint32_t writer, uint32_t n)
{
    uint32_t  seq;

    for (seq = 0; seq < n; seq++) {
        pthread_mutex_lock(&sh->lock);
        write_entry(ring, writer, seq);
        pthread_mutex_unlock(&sh->lock);
    }

    atomic_fetch_add(&sh->written, 1);

    _exit(0);
}


/* reads until all writers are done and nothing is left; 0 is a good end */

static void
run_reader(rt_ring_t *ring, shared_t *sh, unsigned reader, int gaps)
{
    int       last;
    size_t    i, len;
    u_char    dst[1024];
    uint64_t  pos, sum;
    rt_int_t  rc;
    uint32_t  next[WRITERS] = { 0, 0 };

    pos = 0;
    sum = 0;
    last = 0;

    for ( ;; ) {
        rc = rt_ring_read(ring, &pos, dst, sizeof(dst), &len);

        if (rc == RT_OK) {
            if (!check_entry(dst, len, next, gaps)) {
                _exit(1);
            }

            for (i = 0; i < len; i++) {
                sum = sum * 1099511628211 + dst[i] + 1;
            }

        } else if (rc == RT_DECLINED && gaps) {
            atomic_fetch_add(&sh->overtaken, 1);
            pos = rt_ring_tail(ring);

        } else if (rc != RT_AGAIN) {
            _exit(2);

        } else if (last) {
            break;

        } else {
            last = (atomic_load(&sh->written) == WRITERS);
        }
    }

    sh->seen[reader] = sum;

    _exit(0);
}


static void
test_processes(size_t size, uint32_t n, int gaps, const char *name)
{
    int                  good, status;
    size_t               len;
    unsigned             i;
    shared_t            *sh;
    rt_ring_t           *ring;
    pthread_mutexattr_t  attr;

    len = offsetof(rt_ring_t, data) + size;

    sh = share(sizeof(shared_t));
    ring = rt_ring_init(share(len), len);

    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(&sh->lock, &attr);

    fflush(stdout);

    for (i = 0; i < WRITERS + READERS; i++) {

        if (fork() == 0) {
            alarm(60);

            if (i < READERS) {
                run_reader(ring, sh, i, gaps);
            }

            run_writer(ring, sh, i - READERS, n);
        }
    }

    good = 1;

    for (i = 0; i < WRITERS + READERS; i++) {
        good &= wait(&status) > 0 && status == 0;
    }

    ok(good, "%s", name);

    if (!gaps) {
        ok(sh->seen[0] == sh->seen[1] && sh->seen[0] != 0,
           "in the same order for all");

    } else {
        ok(sh->overtaken > 0, "although readers were overtaken");
    }

    munmap(sh, sizeof(shared_t));
    munmap(ring, len);
}


/* writes until it is killed; "written" is behind by one at most */

static void
run_victim(rt_ring_t *ring, shared_t *sh, unsigned point)
{
    uint32_t  seq;

    crash_at = point;
    crash_seen = 0;

    for (seq = 0; seq < 60; seq++) {
        write_entry(ring, 0, seq);
        atomic_store(&sh->written, seq + 1);
    }

    _exit(0);
}


/* what a dead writer left can be read, and others go on writing */

static int
check_after_death(rt_ring_t *ring, uint32_t written)
{
    size_t    len;
    u_char    dst[1024];
    entry_t   e;
    uint32_t  i, first, next[WRITERS] = { 0, 0 };
    uint64_t  pos;

    pos = rt_ring_tail(ring);

    while (rt_ring_read(ring, &pos, dst, sizeof(dst), &len) == RT_OK) {
        memcpy(&e, dst, sizeof(e));
        first = next[0];

        if (!check_entry(dst, len, next, first == 0)) {
            return 0;
        }
    }

    if (pos != rt_ring_head(ring) || next[0] < written
        || next[0] > written + 1)
    {
        return 0;
    }

    for (i = 0; i < 60; i++) {
        write_entry(ring, 1, i);

        if (rt_ring_read(ring, &pos, dst, sizeof(dst), &len) != RT_OK
            || !check_entry(dst, len, next, 0))
        {
            return 0;
        }
    }

    return rt_ring_read(ring, &pos, dst, sizeof(dst), &len) == RT_AGAIN;
}


static void
test_death(void)
{
    int         good, status;
    pid_t       pid;
    size_t      len;
    unsigned    point;
    shared_t   *sh;
    rt_ring_t  *ring;

    len = offsetof(rt_ring_t, data) + 4096;

    sh = share(sizeof(shared_t));
    ring = share(len);
    good = 1;
    point = 0;

    fflush(stdout);

    do {
        point++;
        rt_ring_init(ring, len);
        atomic_store(&sh->written, 0);

        pid = fork();

        if (pid == 0) {
            run_victim(ring, sh, point);
        }

        good &= waitpid(pid, &status, 0) == pid && WIFEXITED(status);
        good &= check_after_death(ring, atomic_load(&sh->written));

    } while (good && WEXITSTATUS(status) == CRASHED);

    ok(good, "a writer is killed at every point");
    ok(point > 200, "and there are many");

    munmap(sh, sizeof(shared_t));
    munmap(ring, len);
}


int
main(void)
{
    test_init();
    test_sizes();
    test_wrap();
    test_full();
    test_overtaken();
    test_answers();
    test_garbage();

    test_processes(4 << 20, 5000, 0, "processes write and read all");
    test_processes(4096, 20000, 1, "processes read only what is whole");

    test_death();

    return done_testing();
}
