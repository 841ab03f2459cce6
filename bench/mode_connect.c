
/*
 * mode_connect.c: what it costs to come and go: TCP, handshake, namespace,
 * close frame.
 */


#include "bare.h"
#include "client.h"
#include "hist.h"
#include "rt_bench.h"
#include "server.h"
#include "table.h"


#define RT_CONNECT_MSEC        30000
#define RT_CONNECT_MAX_ROUNDS  99


typedef struct {
    double  server[RT_CONNECT_MAX_ROUNDS];      /* microseconds of CPU */
    double  bare[RT_CONNECT_MAX_ROUNDS];
    double  speed[RT_CONNECT_MAX_ROUNDS];
    double  bare_speed[RT_CONNECT_MAX_ROUNDS];
} rt_connect_figures_t;


static rt_int_t rt_connect_rounds(const rt_bench_opts_t *o,
    const rt_server_t *s, const rt_bare_t *b);
static rt_int_t rt_connect_phase(const rt_bench_opts_t *o, uint16_t port,
    uint32_t round, rt_hist_t *hist, double *speed);
static void rt_connect_on_ready(rt_fleet_t *fleet, rt_client_t *c);
static void rt_connect_print(const rt_bench_opts_t *o,
    rt_connect_figures_t *fig, const rt_hist_t *hist);


rt_int_t
rt_bench_connect(const rt_bench_opts_t *o)
{
    rt_int_t     rc;
    rt_bare_t    b;
    rt_server_t  s;

    if (o->clients > 4096) {
        return rt_bench_fail("connect takes at most 4096 clients at a time");
    }

    /* connections that have ended may not all be gone on the server's side */

    if (rt_server_start(&s, o, 4 * o->clients + 1000) != RT_OK) {
        return RT_ERROR;
    }

    rc = rt_bare_start(&b);

    if (rc == RT_OK) {
        rc = rt_connect_rounds(o, &s, &b);
        rt_bare_stop(&b);
    }

    return rt_server_stop(&s, rc);
}


/* the first round warms everything up and is not counted */

static rt_int_t
rt_connect_rounds(const rt_bench_opts_t *o, const rt_server_t *s,
    const rt_bare_t *b)
{
    uint32_t              round, k;
    uint64_t              cpu, bare;
    rt_hist_t             hist, unused;
    rt_connect_figures_t  fig;

    memset(&hist, 0, sizeof(hist));

    for (round = 0; round <= o->rounds; round++) {

        k = round ? round - 1 : 0;

        if (round == 1) {
            memset(&hist, 0, sizeof(hist));
        }

        cpu = rt_server_cpu(s);

        if (rt_connect_phase(o, s->port, round, &hist, &fig.speed[k])
            != RT_OK)
        {
            return RT_ERROR;
        }

        cpu = rt_server_cpu(s) - cpu;
        bare = rt_bare_cpu(b);

        if (rt_connect_phase(o, b->port, round, &unused, &fig.bare_speed[k])
            != RT_OK)
        {
            return RT_ERROR;
        }

        bare = rt_bare_cpu(b) - bare;

        fig.server[k] = (double) cpu / 1000 / o->messages;
        fig.bare[k] = (double) bare / 1000 / o->messages;
    }

    rt_connect_print(o, &fig, &hist);

    return RT_OK;
}


static rt_int_t
rt_connect_phase(const rt_bench_opts_t *o, uint16_t port, uint32_t round,
    rt_hist_t *hist, double *speed)
{
    rt_int_t    rc;
    uint64_t    began, deadline;
    rt_fleet_t  fleet;

    memset(&fleet, 0, sizeof(fleet));
    fleet.port = port;
    fleet.count = o->clients;
    fleet.total = o->messages;
    fleet.first = round * o->messages;
    fleet.rate = o->rate;
    fleet.data = hist;
    fleet.on_ready = rt_connect_on_ready;

    if (rt_fleet_open(&fleet) != RT_OK) {
        return RT_ERROR;
    }

    began = rt_bench_now();
    deadline = began + RT_CONNECT_MSEC * 1000ull;

    while (fleet.closed < fleet.total && fleet.failed == 0
           && rt_bench_left(deadline))
    {
        rt_fleet_poll(&fleet, 100);
    }

    *speed = rt_bench_ratio((double) fleet.closed * 1e6,
                            (double) (rt_bench_now() - began));
    rc = RT_OK;

    if (fleet.closed < fleet.total) {
        rc = rt_bench_fail("connect: %u of %u connections made and ended, %u "
                           "failed%s%s", fleet.closed, fleet.total,
                           fleet.failed, fleet.failed ? ": " : "", fleet.why);
    }

    rt_fleet_close(&fleet);
    rt_bench_sleep(50);

    return rc;
}


static void
rt_connect_on_ready(rt_fleet_t *fleet, rt_client_t *c)
{
    rt_hist_add(fleet->data, rt_bench_now() - c->since);
    rt_client_leave(fleet, c);
}


static void
rt_connect_print(const rt_bench_opts_t *o, rt_connect_figures_t *fig,
    const rt_hist_t *hist)
{
    double      server, bare;
    rt_table_t  t;

    memset(&t, 0, sizeof(t));

    server = rt_bench_median(fig->server, o->rounds);
    bare = rt_bench_median(fig->bare, o->rounds);

    printf("connect: %u connections, %u at a time, %u worker%s, median of %u "
           "rounds\n", o->messages, o->clients, o->workers,
           o->workers == 1 ? "" : "s", o->rounds);

    rt_table_add(&t, "what|ratio|us/connection|bare us|connections/s|bare/s|"
                 "p50 ms|p99 ms");
    rt_table_add(&t, "come and go|%.2f|%.1f|%.1f|%.0f|%.0f|%.2f|%.2f",
                 rt_bench_ratio(server, bare), server, bare,
                 rt_bench_median(fig->speed, o->rounds),
                 rt_bench_median(fig->bare_speed, o->rounds),
                 (double) rt_hist_percentile(hist, 50) / 1000,
                 (double) rt_hist_percentile(hist, 99) / 1000);

    rt_table_print(&t);
}
