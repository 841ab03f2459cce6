
/*
 * mode_redis.c: what it costs to have a Redis: an nginx without, two nginx
 * hosts with one, and two Node servers with @socket.io/redis-adapter at the
 * same; the same messages, in turn.
 */


#include "hosts.h"
#include "rt_bench.h"
#include "table.h"

#include <stdlib.h>


#define RT_REDIS_MAX_ROUNDS  99

/* URL of the Redis; ports and process ids of the Node servers */
#define RT_REDIS_ENV         "RT_BENCH_REDIS"
#define RT_REDIS_ENV_NODES   "RT_BENCH_NODES"
#define RT_REDIS_NODES       "%u:%u,%u:%u"

/* the number of receivers that can be another one */
#define RT_REDIS_USUAL       16

/* what does not keep up may be so far behind */
#define RT_REDIS_BEHIND      256

/* keys apart: nobody hears the others */
#define RT_REDIS_OFF         "realtime_redis off;"
#define RT_REDIS_ON          "realtime_redis %s; "                             \
                             "realtime_redis_adapter classic key=rt-bench;"


typedef enum {
    RT_REDIS_WITHOUT = 0,
    RT_REDIS_NGINX,
    RT_REDIS_NODE,
    RT_REDIS_KINDS
} rt_redis_kind_e;


typedef struct {
    double  cpu[RT_HOSTS_MAX][RT_REDIS_MAX_ROUNDS];
    double  to_without[RT_REDIS_MAX_ROUNDS];
    double  to_node[RT_HOSTS_MAX][RT_REDIS_MAX_ROUNDS];
    double  redis[RT_REDIS_MAX_ROUNDS];
    double  publish[RT_REDIS_MAX_ROUNDS];
    double  others[RT_REDIS_MAX_ROUNDS];
    double  p99[RT_REDIS_MAX_ROUNDS];
} rt_redis_figures_t;


typedef struct {
    uint32_t  receivers;
    uint32_t  window;           /* as fast as it goes; 0: so many a second */
} rt_redis_row_t;


typedef struct {
    rt_bench_opts_t      o;
    rt_redis_t           redis;
    rt_hosts_t           hosts[RT_REDIS_KINDS];
    rt_redis_figures_t   figures[RT_REDIS_KINDS];
    rt_table_t           table;
} rt_redis_bench_t;


static rt_int_t rt_redis_start(rt_redis_bench_t *rb, const char *url);
static rt_int_t rt_redis_start_nginx(rt_redis_bench_t *rb, rt_redis_kind_e kind,
    const char *http);
static rt_int_t rt_redis_start_nodes(rt_redis_bench_t *rb);
static rt_int_t rt_redis_rows(rt_redis_bench_t *rb);
static rt_int_t rt_redis_rounds(rt_redis_bench_t *rb,
    const rt_redis_row_t *row);
static rt_int_t rt_redis_round(rt_redis_bench_t *rb, const rt_redis_row_t *row,
    uint32_t first, uint32_t round);
static void rt_redis_add(rt_redis_bench_t *rb, const char *name);
static rt_int_t rt_redis_print(rt_redis_bench_t *rb);


static const char  *rt_redis_names[RT_REDIS_KINDS] = { "nginx without",
                                                       "nginx", "Node" };

static const rt_redis_row_t  rt_redis_row[] = {
    { 1, 0 },
    { RT_REDIS_USUAL, 0 },
    { 64, 0 },
    { RT_REDIS_USUAL, 64 }
};


rt_int_t
rt_bench_redis(const rt_bench_opts_t *o)
{
    uint32_t           i, k;
    rt_int_t           rc;
    const char        *url;
    rt_redis_bench_t  *rb;

    url = getenv(RT_REDIS_ENV);

    if (url == NULL) {
        printf("redis: left out, there is no Redis: \"make bench-redis\"\n");
        return RT_OK;
    }

    if (o->messages > RT_HOSTS_MESSAGES_MAX) {
        return rt_bench_fail("redis takes at most %u messages",
                             RT_HOSTS_MESSAGES_MAX);
    }

    rb = calloc(1, sizeof(rt_redis_bench_t));
    if (rb == NULL) {
        return rt_bench_fail("no memory");
    }

    rb->o = *o;

    rc = rt_redis_start(rb, url);

    if (rc == RT_OK) {
        rc = rt_redis_rows(rb);
    }

    if (rc == RT_OK) {
        rc = rt_redis_print(rb);
    }

    for (k = 0; k < RT_REDIS_KINDS; k++) {
        rt_hosts_close(&rb->hosts[k]);

        for (i = 0; i < rb->hosts[k].n; i++) {
            rc = rt_server_stop(&rb->hosts[k].host[i].server, rc);
        }
    }

    rt_redis_close(&rb->redis);
    free(rb);

    return rc;
}


static rt_int_t
rt_redis_start(rt_redis_bench_t *rb, const char *url)
{
    char              http[512];
    rt_bench_opts_t  *o = &rb->o;

    if (rt_redis_open(&rb->redis, url) != RT_OK) {
        return RT_ERROR;
    }

    if (o->ndirectives + 2 > RT_BENCH_MAX_DIRECTIVES) {
        return rt_bench_fail("redis: too many directives");
    }

    /* Node's adapter does not recover anybody either */

    o->directives[o->ndirectives++] = "realtime_on say relay";
    o->directives[o->ndirectives++] = "realtime_recovery off";

    snprintf(http, sizeof(http), RT_REDIS_ON, url);

    if (rt_redis_start_nginx(rb, RT_REDIS_WITHOUT, RT_REDIS_OFF) != RT_OK
        || rt_redis_start_nginx(rb, RT_REDIS_NGINX, http) != RT_OK
        || rt_redis_start_nginx(rb, RT_REDIS_NGINX, http) != RT_OK)
    {
        return RT_ERROR;
    }

    return rt_redis_start_nodes(rb);
}


/* one more host */

static rt_int_t
rt_redis_start_nginx(rt_redis_bench_t *rb, rt_redis_kind_e kind,
    const char *http)
{
    rt_hosts_t       *h = &rb->hosts[kind];
    rt_bench_opts_t   o = rb->o;

    o.http = http;
    h->redis = &rb->redis;

    if (rt_server_start(&h->host[h->n].server, &o, 4096) != RT_OK) {
        return RT_ERROR;
    }

    h->n++;

    return RT_OK;
}


static rt_int_t
rt_redis_start_nodes(rt_redis_bench_t *rb)
{
    uint32_t          port[RT_HOSTS_MAX], pid[RT_HOSTS_MAX];
    rt_hosts_t       *h = &rb->hosts[RT_REDIS_NODE];
    const char       *nodes;
    rt_bench_opts_t   o = rb->o;

    nodes = getenv(RT_REDIS_ENV_NODES);

    if (nodes == NULL
        || sscanf(nodes, RT_REDIS_NODES, &port[0], &pid[0], &port[1], &pid[1])
           != 4)
    {
        return rt_bench_fail("no Node servers in %s", RT_REDIS_ENV_NODES);
    }

    h->redis = &rb->redis;

    for (h->n = 0; h->n < RT_HOSTS_MAX; h->n++) {
        o.port = port[h->n];
        o.pid = pid[h->n];

        if (rt_server_start(&h->host[h->n].server, &o, 0) != RT_OK) {
            return RT_ERROR;
        }
    }

    return RT_OK;
}


static rt_int_t
rt_redis_rows(rt_redis_bench_t *rb)
{
    int              n;
    char             name[64];
    uint32_t         i, k;
    rt_redis_row_t   row;

    rt_table_add(&rb->table, "receivers|server|to without|to Node|us|"
                 "hears: to Node|us|Redis us|PUBLISH|others/s|p99 ms");

    for (i = 0; i < rt_nitems(rt_redis_row); i++) {
        row = rt_redis_row[i];

        if (rb->o.clients) {

            if (row.receivers != RT_REDIS_USUAL) {
                continue;
            }

            row.receivers = rb->o.clients;
        }

        n = snprintf(name, sizeof(name), "%u", row.receivers);

        if (row.window) {
            snprintf(name + n, sizeof(name) - n, ", window %u", row.window);
        }

        if (!rt_bench_wanted(&rb->o, name)) {
            continue;
        }

        for (k = 0; k < RT_REDIS_KINDS; k++) {
            if (rt_hosts_open(&rb->hosts[k], row.receivers, rb->o.size)
                != RT_OK)
            {
                return RT_ERROR;
            }
        }

        if (rt_redis_rounds(rb, &row) != RT_OK) {
            return RT_ERROR;
        }

        rt_redis_add(rb, name);

        for (k = 0; k < RT_REDIS_KINDS; k++) {
            rt_hosts_close(&rb->hosts[k]);
        }
    }

    return RT_OK;
}


/* one that warms up, whose figures the next one replaces; in turn */

static rt_int_t
rt_redis_rounds(rt_redis_bench_t *rb, const rt_redis_row_t *row)
{
    uint32_t             i, k, n, r;
    rt_redis_figures_t  *f, *node = &rb->figures[RT_REDIS_NODE];

    for (i = 0; i <= rb->o.rounds; i++) {
        r = i ? i - 1 : 0;

        if (rt_redis_round(rb, row, i, r) != RT_OK) {
            return RT_ERROR;
        }

        for (k = 0; k < RT_REDIS_KINDS; k++) {
            f = &rb->figures[k];

            f->to_without[r] = rt_bench_ratio(f->cpu[0][r],
                               rb->figures[RT_REDIS_WITHOUT].cpu[0][r]);

            for (n = 0; n < RT_HOSTS_MAX; n++) {
                f->to_node[n][r] = rt_bench_ratio(f->cpu[n][r],
                                                  node->cpu[n][r]);
            }
        }
    }

    return RT_OK;
}


static rt_int_t
rt_redis_round(rt_redis_bench_t *rb, const rt_redis_row_t *row, uint32_t first,
    uint32_t round)
{
    uint32_t             i, k, n;
    rt_hosts_phase_t     ph;
    rt_redis_figures_t  *f;

    for (i = 0; i < RT_REDIS_KINDS; i++) {
        k = (first + i) % RT_REDIS_KINDS;

        memset(&ph, 0, sizeof(ph));

        ph.messages = rb->o.messages;
        ph.rate = row->window ? 0 : rb->o.rate;
        ph.window = row->window ? row->window : RT_REDIS_BEHIND;

        if (rt_hosts_phase(&rb->hosts[k], &ph) != RT_OK) {
            return RT_ERROR;
        }

        f = &rb->figures[k];

        for (n = 0; n < RT_HOSTS_MAX; n++) {
            f->cpu[n][round] = ph.cpu[n];
        }

        f->redis[round] = ph.redis;
        f->publish[round] = ph.publish;
        f->others[round] = ph.others;
        f->p99[round] = ph.p99;
    }

    return RT_OK;
}


static void
rt_redis_add(rt_redis_bench_t *rb, const char *name)
{
    char                 hears[64], redis[64];
    uint32_t             k, n = rb->o.rounds;
    rt_redis_figures_t  *f;

    for (k = 0; k < RT_REDIS_KINDS; k++) {
        f = &rb->figures[k];

        snprintf(hears, sizeof(hears), "-|-");
        snprintf(redis, sizeof(redis), "-|-|-");

        if (k != RT_REDIS_WITHOUT) {
            snprintf(hears, sizeof(hears), "%.3f|%.1f",
                     rt_bench_median(f->to_node[1], n),
                     rt_bench_median(f->cpu[1], n));
            snprintf(redis, sizeof(redis), "%.1f|%.3f|%.1f",
                     rt_bench_median(f->redis, n),
                     rt_bench_median(f->publish, n),
                     rt_bench_median(f->others, n));
        }

        rt_table_add(&rb->table, "%s|%s|%.2f|%.3f|%.1f|%s|%s|%.2f", name,
                     rt_redis_names[k], rt_bench_median(f->to_without, n),
                     rt_bench_median(f->to_node[0], n),
                     rt_bench_median(f->cpu[0], n), hears, redis,
                     rt_bench_median(f->p99, n));
    }
}


/* memory as it is now: without clients, who were there before */

static rt_int_t
rt_redis_print(rt_redis_bench_t *rb)
{
    uint32_t           i, k;
    rt_hosts_t        *h;
    rt_proc_memory_t   m;

    printf("redis: %u broadcasts, %u a second or in a window, %u characters, "
           "%u worker%s, median of %u rounds\n", rb->o.messages, rb->o.rate,
           rb->o.size, rb->o.workers, rb->o.workers == 1 ? "" : "s",
           rb->o.rounds);
    rt_table_print(&rb->table);
    printf("  us: of CPU for each broadcast; memory of a server, MB of PSS:");

    for (k = 0; k < RT_REDIS_KINDS; k++) {
        h = &rb->hosts[k];

        for (i = 0; i < h->n; i++) {
            if (rt_server_memory(&h->host[i].server, &m) != RT_OK) {
                return RT_ERROR;
            }

            printf(" %s %.1f", i ? "and" : rt_redis_names[k],
                   (double) m.pss / 1e6);
        }

        printf(",");
    }

    if (rt_proc_memory(&rb->redis.pid, 1, &m) != RT_OK) {
        return rt_bench_fail("cannot read the memory of Redis");
    }

    printf(" Redis %.1f\n", (double) m.pss / 1e6);

    return RT_OK;
}
