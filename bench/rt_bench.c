
/*
 * rt_bench.c: rt-bench, the load generator: options and the table of modes.
 */


#include "rt_bench.h"

#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>


typedef struct {
    const char  *name;
    rt_int_t   (*run)(const rt_bench_opts_t *o);
    uint32_t     clients;
    uint32_t     workers;
    uint32_t     messages;
    uint32_t     rate;
    const char  *help;
} rt_bench_mode_t;


static rt_int_t rt_bench_options(rt_bench_opts_t *o, int argc, char **argv);
static const rt_bench_mode_t *rt_bench_find(const char *name);
static int rt_bench_run(const rt_bench_mode_t *m, const rt_bench_opts_t *given);
static void rt_bench_usage(void);
static void rt_bench_on_signal(int signo);
static int rt_bench_compare(const void *a, const void *b);


static volatile sig_atomic_t  rt_bench_stopped;


static const rt_bench_mode_t  rt_bench_modes[] = {
    { "fanout", rt_bench_fanout, 1000, 1, 128, 50,
      "one sender, CLIENTS receivers in one room" },
    { "echo", rt_bench_echo, 100, 1, 20000, 5000,
      "CLIENTS clients, each waits for its answer and asks again" },
    { "connect", rt_bench_connect, 64, 1, 5000, 1000000,
      "connections made and ended, CLIENTS at a time" },
    { "log", rt_bench_log, 100, 1, 0, 20000,
      "CLIENTS clients, whose messages are written into a database" },
    { "redis", rt_bench_redis, 0, 1, 1000, 500,
      "broadcasts to CLIENTS receivers at each of two hosts; 0: to 1, 16, 64" },
    { "idle", rt_bench_idle, 10000, 2, 0, 3000,
      "CLIENTS clients in rooms of 50 that say nothing" }
};


int
main(int argc, char **argv)
{
    int                     failed;
    size_t                  i;
    struct rlimit           rl;
    rt_bench_opts_t         o;
    const rt_bench_mode_t  *m;

    if (rt_bench_options(&o, argc, argv) != RT_OK) {
        rt_bench_usage();
        return 2;
    }

    (void) signal(SIGINT, rt_bench_on_signal);
    (void) signal(SIGTERM, rt_bench_on_signal);
    (void) signal(SIGPIPE, SIG_IGN);

    if (getrlimit(RLIMIT_NOFILE, &rl) == 0) {
        rl.rlim_cur = rl.rlim_max;
        (void) setrlimit(RLIMIT_NOFILE, &rl);
    }

    if (argv[optind]) {
        m = rt_bench_find(argv[optind]);
        return m ? rt_bench_run(m, &o) : 2;
    }

    failed = 0;

    for (i = 0; i < rt_nitems(rt_bench_modes) && !rt_bench_stopped; i++) {
        failed |= rt_bench_run(&rt_bench_modes[i], &o);
    }

    return failed;
}


static rt_int_t
rt_bench_options(rt_bench_opts_t *o, int argc, char **argv)
{
    int          ch;
    const char  *env;

    memset(o, 0, sizeof(rt_bench_opts_t));

    env = getenv("REALTIME_NGINX");
    o->nginx = env ? env : "nginx";

    env = getenv("REALTIME_MODULE");
    o->module = env ? env : "build/ngx_http_realtime_module.so";

    while ((ch = getopt(argc, argv, "N:M:R:Td:hk:m:n:p:r:s:t:u:vw:")) != -1) {

        switch (ch) {

        case 'N': o->clients = (uint32_t) atoi(optarg); break;
        case 'M': o->messages = (uint32_t) atoi(optarg); break;
        case 'R': o->rate = (uint32_t) atoi(optarg); break;
        case 'T': o->tokens = 1; break;
        case 'k': o->only = optarg; break;
        case 'm': o->module = optarg; break;
        case 'n': o->nginx = optarg; break;
        case 'p': o->pid = (uint32_t) atoi(optarg); break;
        case 'r': o->rounds = (uint32_t) atoi(optarg); break;
        case 's': o->size = (uint32_t) atoi(optarg); break;
        case 't': o->seconds = (uint32_t) atoi(optarg); break;
        case 'u': o->port = (uint32_t) atoi(optarg); break;
        case 'v': o->verbose = 1; break;
        case 'w': o->workers = (uint32_t) atoi(optarg); break;

        case 'd':
            if (o->ndirectives == RT_BENCH_MAX_DIRECTIVES) {
                return RT_ERROR;
            }

            o->directives[o->ndirectives++] = optarg;
            break;

        default:
            return RT_ERROR;
        }
    }

    if (argc - optind > 2
        || (argv[optind] && rt_bench_find(argv[optind]) == NULL))
    {
        return RT_ERROR;
    }

    if (argc - optind == 2) {
        o->clients = (uint32_t) atoi(argv[optind + 1]);
    }

    /* bounds for everything: a bench must not become an outage */

    if (o->clients > 100000 || o->messages > 1000000
        || o->rate > 1000000 || o->rounds > 99 || o->size > 5000
        || o->seconds > 3600 || o->port > 65535
        || o->workers > RT_BENCH_MAX_WORKERS)
    {
        return RT_ERROR;
    }

    return RT_OK;
}


static const rt_bench_mode_t *
rt_bench_find(const char *name)
{
    size_t  i;

    for (i = 0; i < rt_nitems(rt_bench_modes); i++) {
        if (strcmp(rt_bench_modes[i].name, name) == 0) {
            return &rt_bench_modes[i];
        }
    }

    return NULL;
}


/* what was not given is the mode's own */

static int
rt_bench_run(const rt_bench_mode_t *m, const rt_bench_opts_t *given)
{
    int              failed;
    uint64_t         began;
    rt_bench_opts_t  o;

    o = *given;

    if (m->run == rt_bench_log && o.seconds == 0) {
        o.seconds = 5;
    }

    o.clients = o.clients ? o.clients : m->clients;
    o.workers = o.workers ? o.workers : m->workers;
    o.messages = o.messages ? o.messages : m->messages;
    o.rate = o.rate ? o.rate : m->rate;
    o.size = o.size ? o.size : 64;
    o.rounds = o.rounds ? o.rounds : 3;
    o.seconds = o.seconds ? o.seconds : 26;

    began = rt_bench_now();
    failed = m->run(&o) != RT_OK;

    printf("  (%s took %.1f s%s)\n\n", m->name,
           (double) (rt_bench_now() - began) / 1e6,
           failed ? ", FAILED" : "");

    return failed;
}


static void
rt_bench_usage(void)
{
    size_t  i;

    fprintf(stderr,
            "usage: rt-bench [options] [MODE [CLIENTS]]\n\n"
            "  -N CLIENTS    how many\n"
            "  -w WORKERS    of nginx\n"
            "  -M MESSAGES   how many, or round trips, or connections\n"
            "  -s SIZE       characters of a message (64)\n"
            "  -R RATE       messages a second (fanout, log, redis), "
            "connections a second (others)\n"
            "  -T            clients have tokens (idle)\n"
            "  -r ROUNDS     repetitions, of which the median counts (3)\n"
            "  -t SECONDS    that idle clients are watched (26), or messages"
            " sent (log, 5)\n"
            "  -k ROW        only the row whose name begins so (not idle)"
            "\n"
            "  -d DIRECTIVE  added to the location, without its semicolon\n"
            "  -m MODULE     $REALTIME_MODULE, or build/ngx_http_realtime_"
            "module.so\n"
            "  -n NGINX      $REALTIME_NGINX, or nginx in the PATH\n"
            "  -u PORT       of a server that already runs on 127.0.0.1\n"
            "  -p PID        of that server\n"
            "  -v            says where nginx is while it runs\n\n"
            "modes, all of them when none is given:\n\n");

    for (i = 0; i < rt_nitems(rt_bench_modes); i++) {
        fprintf(stderr, "  %-8s  %s (%u)\n", rt_bench_modes[i].name,
                rt_bench_modes[i].help, rt_bench_modes[i].clients);
    }
}


static void
rt_bench_on_signal(int signo)
{
    rt_bench_stopped = signo;
}


uint64_t
rt_bench_now(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000000 + (uint64_t) ts.tv_nsec / 1000;
}


int
rt_bench_left(uint64_t deadline)
{
    return !rt_bench_stopped && rt_bench_now() < deadline;
}


void
rt_bench_sleep(uint32_t msec)
{
    struct timespec  ts;

    ts.tv_sec = msec / 1000;
    ts.tv_nsec = (long) (msec % 1000) * 1000000;

    (void) nanosleep(&ts, NULL);
}


rt_int_t
rt_bench_fail(const char *fmt, ...)
{
    va_list  args;

    fflush(stdout);
    fprintf(stderr, "rt-bench: ");

    va_start(args, fmt);
    (void) vfprintf(stderr, fmt, args);
    va_end(args);

    fprintf(stderr, "\n");

    return RT_ERROR;
}


int
rt_bench_wanted(const rt_bench_opts_t *o, const char *name)
{
    return o->only == NULL || strncmp(name, o->only, strlen(o->only)) == 0;
}


double
rt_bench_median(double *v, uint32_t n)
{
    if (n == 0) {
        return 0;
    }

    qsort(v, n, sizeof(double), rt_bench_compare);

    return (n & 1) ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}


static int
rt_bench_compare(const void *a, const void *b)
{
    double  x, y;

    x = *(const double *) a;
    y = *(const double *) b;

    return (x > y) - (x < y);
}


double
rt_bench_ratio(double a, double b)
{
    return b > 0 ? a / b : 0;
}


void
rt_bench_ratio_text(char *dst, size_t size, double a, double b)
{
    if (b > 0) {
        snprintf(dst, size, "%.2f", a / b);

    } else {
        snprintf(dst, size, "-");
    }
}
