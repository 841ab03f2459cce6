
/*
 * mode_idle.c: what a client costs that says nothing: memory, and the CPU of
 * its pings.
 *
 * A process may not open enough files for all clients, so they live in as
 * many processes as it takes.
 */


#include "client.h"
#include "nginx_conf.h"
#include "rt_bench.h"
#include "server.h"
#include "table.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>


#define RT_IDLE_PROCESSES   16
#define RT_IDLE_PER_PROCESS 8000
#define RT_IDLE_ROOM_SIZE   50
#define RT_IDLE_READY_MSEC  60000
#define RT_IDLE_QUIET_MSEC  1500
#define RT_IDLE_SETTLE_MSEC 20000


/* a process of clients tells; the parent reads */

typedef struct {
    _Atomic uint32_t  ready;
    _Atomic uint32_t  failed;
    _Atomic uint64_t  packets;
    _Atomic uint64_t  pings;
    char              why[200];
} rt_idle_figures_t;


typedef struct {
    rt_idle_figures_t  process[RT_IDLE_PROCESSES];
} rt_idle_shared_t;


/* of all processes */

typedef struct {
    uint64_t  ready;
    uint64_t  failed;
    uint64_t  packets;
    uint64_t  pings;
} rt_idle_total_t;


typedef struct {
    rt_server_t        loaded;
    rt_server_t        empty;       /* the same, but nobody comes */
    rt_idle_shared_t  *shared;
    rt_token_keys_t    keys;
    rt_tokens_t        tokens;      /* empty: nobody has one */
    uint32_t           nprocesses;
    pid_t              pids[RT_IDLE_PROCESSES];
    rt_proc_memory_t   before;
    rt_proc_memory_t   after;
    rt_proc_memory_t   none;        /* of "empty", when "after" was read */
    double             connect_sec;
    double             watch_sec;
    double             cpu_msec;
    uint64_t           pings;
} rt_idle_t;


static rt_int_t rt_idle_start(rt_idle_t *idle, rt_bench_opts_t *o);
static rt_int_t rt_idle_stop(rt_idle_t *idle, rt_int_t rc);
static rt_int_t rt_idle_fork(rt_idle_t *idle, const rt_bench_opts_t *o);
static void rt_idle_process(const rt_idle_t *idle, const rt_bench_opts_t *o,
    uint32_t first, uint32_t count, rt_idle_figures_t *fig)
    __attribute__((noreturn));
static rt_int_t rt_idle_measure(rt_idle_t *idle, const rt_bench_opts_t *o);
static rt_int_t rt_idle_wait_ready(rt_idle_t *idle, uint32_t clients);
static void rt_idle_wait_quiet(rt_idle_t *idle);
static void rt_idle_total(const rt_idle_t *idle, rt_idle_total_t *total);
static rt_int_t rt_idle_check(const rt_idle_t *idle);
static void rt_idle_print(const rt_idle_t *idle, const rt_bench_opts_t *o);


rt_int_t
rt_bench_idle(const rt_bench_opts_t *given)
{
    rt_int_t         rc;
    rt_idle_t        idle;
    rt_bench_opts_t  o;

    o = *given;
    memset(&idle, 0, sizeof(idle));

    rc = rt_idle_start(&idle, &o);

    if (rc == RT_OK) {
        rc = rt_idle_measure(&idle, &o);
    }

    if (rc == RT_OK) {
        rt_idle_print(&idle, &o);
    }

    return rt_idle_stop(&idle, rc);
}


static rt_int_t
rt_idle_start(rt_idle_t *idle, rt_bench_opts_t *o)
{
    if (o->clients > RT_IDLE_PROCESSES * RT_IDLE_PER_PROCESS) {
        return rt_bench_fail("idle takes at most %u clients",
                             RT_IDLE_PROCESSES * RT_IDLE_PER_PROCESS);
    }

    idle->shared = mmap(NULL, sizeof(rt_idle_shared_t), PROT_READ|PROT_WRITE,
                        MAP_SHARED|MAP_ANONYMOUS, -1, 0);

    if (idle->shared == MAP_FAILED) {
        idle->shared = NULL;
        return rt_bench_fail("no memory");
    }

    if (o->tokens && o->port) {
        return rt_bench_fail("a server that runs already does not know our "
                             "tokens");
    }

    if (o->tokens) {
        if (rt_token_keys_make(&idle->keys) != RT_OK
            || rt_tokens_make(&idle->tokens, &idle->keys, RT_TOKEN_HS256,
                              o->clients)
               != RT_OK)
        {
            return RT_ERROR;
        }

        o->keys = &idle->keys;
    }

    if (rt_server_start(&idle->loaded, o, o->clients) != RT_OK) {
        return RT_ERROR;
    }

    if (o->port == 0
        && rt_server_start(&idle->empty, o, o->clients) != RT_OK)
    {
        return RT_ERROR;
    }

    rt_bench_sleep(300);

    if (rt_server_memory(&idle->loaded, &idle->before) != RT_OK) {
        return RT_ERROR;
    }

    return rt_idle_fork(idle, o);
}


static rt_int_t
rt_idle_stop(rt_idle_t *idle, rt_int_t rc)
{
    uint32_t  i;

    for (i = 0; i < idle->nprocesses; i++) {
        (void) kill(idle->pids[i], SIGKILL);
        (void) waitpid(idle->pids[i], NULL, 0);
    }

    rc = rt_server_stop(&idle->loaded, rc);

    if (rt_server_stop(&idle->empty, RT_OK) != RT_OK) {
        rc = RT_ERROR;
    }

    rt_tokens_free(&idle->tokens);
    rt_token_keys_free(&idle->keys);

    if (idle->shared) {
        (void) munmap(idle->shared, sizeof(rt_idle_shared_t));
    }

    return rc;
}


static rt_int_t
rt_idle_fork(rt_idle_t *idle, const rt_bench_opts_t *o)
{
    pid_t     pid;
    uint32_t  n, first, count;

    n = (o->clients + RT_IDLE_PER_PROCESS - 1) / RT_IDLE_PER_PROCESS;
    first = 0;

    while (idle->nprocesses < n) {

        count = (o->clients - first) / (n - idle->nprocesses);

        fflush(stdout);
        pid = fork();

        if (pid == -1) {
            return rt_bench_fail("fork: %s", strerror(errno));
        }

        if (pid == 0) {
            rt_idle_process(idle, o, first, count,
                            &idle->shared->process[idle->nprocesses]);
        }

        idle->pids[idle->nprocesses++] = pid;
        first += count;
    }

    return RT_OK;
}


static void
rt_idle_process(const rt_idle_t *idle, const rt_bench_opts_t *o,
    uint32_t first, uint32_t count, rt_idle_figures_t *fig)
{
    rt_fleet_t  fleet;

    (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void) signal(SIGINT, SIG_IGN);
    (void) signal(SIGTERM, SIG_DFL);

    memset(&fleet, 0, sizeof(fleet));
    fleet.tokens = &idle->tokens;
    fleet.path = o->tokens ? RT_PATH_ROOMS : RT_PATH_DEFAULT;
    fleet.port = idle->loaded.port;
    fleet.count = count;
    fleet.first = first;
    fleet.rate = (uint32_t) ((uint64_t) o->rate * count / o->clients) + 1;
    fleet.room = "r";
    fleet.room_size = RT_IDLE_ROOM_SIZE;

    if (rt_fleet_open(&fleet) != RT_OK) {
        _exit(1);
    }

    for ( ;; ) {
        rt_fleet_poll(&fleet, 100);

        if (fleet.failed && fig->failed == 0) {
            memcpy(fig->why, fleet.why, sizeof(fig->why));
        }

        fig->ready = fleet.ready;
        fig->packets = fleet.packets;
        fig->pings = fleet.pings;
        fig->failed = fleet.failed;
    }
}


static rt_int_t
rt_idle_measure(rt_idle_t *idle, const rt_bench_opts_t *o)
{
    uint64_t         began, cpu, deadline;
    rt_idle_total_t  total;

    began = rt_bench_now();

    if (rt_idle_wait_ready(idle, o->clients) != RT_OK) {
        return RT_ERROR;
    }

    idle->connect_sec = (double) (rt_bench_now() - began) / 1e6;

    rt_idle_wait_quiet(idle);

    if (rt_server_memory(&idle->loaded, &idle->after) != RT_OK
        || rt_server_memory(&idle->empty, &idle->none) != RT_OK)
    {
        return RT_ERROR;
    }

    rt_idle_total(idle, &total);
    idle->pings = total.pings;

    cpu = rt_server_cpu(&idle->loaded);
    began = rt_bench_now();
    deadline = began + o->seconds * 1000000ull;

    while (rt_bench_left(deadline) && total.failed == 0) {
        rt_bench_sleep(100);
        rt_idle_total(idle, &total);
    }

    idle->watch_sec = (double) (rt_bench_now() - began) / 1e6;
    idle->cpu_msec = (double) (rt_server_cpu(&idle->loaded) - cpu) / 1e6;
    idle->pings = total.pings - idle->pings;

    return rt_idle_check(idle);
}


static rt_int_t
rt_idle_wait_ready(rt_idle_t *idle, uint32_t clients)
{
    uint64_t         deadline;
    rt_idle_total_t  total;

    deadline = rt_bench_now() + RT_IDLE_READY_MSEC * 1000ull;

    do {
        rt_bench_sleep(50);
        rt_idle_total(idle, &total);

    } while (total.ready < clients && total.failed == 0
             && rt_bench_left(deadline));

    if (total.failed) {
        return rt_idle_check(idle);
    }

    if (total.ready < clients) {
        return rt_bench_fail("only %lu of %u clients are ready",
                             (unsigned long) total.ready, clients);
    }

    return RT_OK;
}


/* joins are told to the members: wait until all have been heard */

static void
rt_idle_wait_quiet(rt_idle_t *idle)
{
    uint64_t         now, since, deadline, packets;
    rt_idle_total_t  total;

    packets = 0;
    since = rt_bench_now();
    deadline = since + RT_IDLE_SETTLE_MSEC * 1000ull;

    while (rt_bench_left(deadline)) {

        now = rt_bench_now();

        rt_idle_total(idle, &total);

        if (total.packets != packets) {
            packets = total.packets;
            since = now;
        }

        if (now - since > RT_IDLE_QUIET_MSEC * 1000ull) {
            break;
        }

        rt_bench_sleep(50);
    }
}


static void
rt_idle_total(const rt_idle_t *idle, rt_idle_total_t *total)
{
    uint32_t                  i;
    const rt_idle_figures_t  *fig;

    memset(total, 0, sizeof(rt_idle_total_t));

    for (i = 0; i < idle->nprocesses; i++) {
        fig = &idle->shared->process[i];

        total->ready += fig->ready;
        total->failed += fig->failed;
        total->packets += fig->packets;
        total->pings += fig->pings;
    }
}


static rt_int_t
rt_idle_check(const rt_idle_t *idle)
{
    uint32_t                  i;
    const rt_idle_figures_t  *fig;

    for (i = 0; i < idle->nprocesses; i++) {
        fig = &idle->shared->process[i];

        if (fig->failed) {
            return rt_bench_fail("%u clients failed: %s", fig->failed,
                                 fig->why);
        }
    }

    return RT_OK;
}


static void
rt_idle_print(const rt_idle_t *idle, const rt_bench_opts_t *o)
{
    double      n, cpu;
    rt_table_t  t;

    memset(&t, 0, sizeof(t));
    n = o->clients;
    cpu = rt_bench_ratio(idle->cpu_msec, idle->watch_sec);

    printf("idle: %u clients%s in rooms of %u, %u worker%s\n", o->clients,
           o->tokens ? " with tokens" : "", RT_IDLE_ROOM_SIZE,
           idle->loaded.nworkers,
           idle->loaded.nworkers == 1 ? "" : "s");

    rt_table_add(&t, "bytes of worker PSS per client, against before|%.0f",
                 ((double) idle->after.pss - (double) idle->before.pss) / n);

    if (idle->empty.nworkers) {
        rt_table_add(&t, "  against an nginx that holds no clients|%.0f",
                     ((double) idle->after.pss - (double) idle->none.pss) / n);
    }

    rt_table_add(&t, "  of them heap|%.0f",
                 ((double) idle->after.anon - (double) idle->before.anon) / n);
    rt_table_add(&t, "  of them shared zone|%.0f",
                 ((double) idle->after.shmem - (double) idle->before.shmem)
                 / n);
    rt_table_add(&t, "CPU of the workers, ms per second|%.2f", cpu);
    rt_table_add(&t, "  %% of a core|%.2f", cpu / 10);
    rt_table_add(&t, "  microseconds per ping and pong|%.2f",
                 rt_bench_ratio(idle->cpu_msec * 1000, (double) idle->pings));
    rt_table_add(&t, "pings a second, over %.0f s|%.1f", idle->watch_sec,
                 rt_bench_ratio((double) idle->pings, idle->watch_sec));
    rt_table_add(&t, "worker PSS before, MB|%.2f",
                 (double) idle->before.pss / 1e6);
    rt_table_add(&t, "worker PSS after, MB|%.2f",
                 (double) idle->after.pss / 1e6);
    rt_table_add(&t, "seconds to connect and join|%.1f", idle->connect_sec);

    rt_table_print(&t);
    rt_server_print_zone(&idle->loaded);
}
