
/*
 * mode_connect.c: what it costs to come and go: TCP, handshake, namespace,
 * with or without a token, close frame.
 */


#include "bare.h"
#include "client.h"
#include "hist.h"
#include "nginx_conf.h"
#include "rt_bench.h"
#include "server.h"
#include "table.h"

#include <stdlib.h>


#define RT_CONNECT_MSEC        30000
#define RT_CONNECT_MAX_ROUNDS  99

/* more connections have the same ones again */
#define RT_CONNECT_TOKENS      10000


typedef struct {
    const char      *name;
    const char      *path;
    rt_token_alg_e   alg;
} rt_connect_row_t;


typedef struct {
    double  server[RT_CONNECT_MAX_ROUNDS];      /* microseconds of CPU */
    double  bare[RT_CONNECT_MAX_ROUNDS];
    double  speed[RT_CONNECT_MAX_ROUNDS];
    double  bare_speed[RT_CONNECT_MAX_ROUNDS];
} rt_connect_figures_t;


typedef struct {
    rt_bench_opts_t          o;
    const rt_connect_row_t  *row;
    rt_token_keys_t          keys;
    rt_tokens_t              tokens;        /* of this row */
    rt_server_t              server;
    rt_bare_t                bare;
    double                   plain;         /* server's CPU, first row */
    rt_connect_figures_t     fig;
    rt_hist_t                hist;
    rt_table_t               table;
} rt_connect_t;


static rt_int_t rt_connect_open(rt_connect_t *ct);
static rt_int_t rt_connect_close(rt_connect_t *ct, rt_int_t rc);
static rt_int_t rt_connect_row(rt_connect_t *ct, const rt_connect_row_t *row);
static rt_int_t rt_connect_rounds(rt_connect_t *ct);
static rt_int_t rt_connect_phase(const rt_connect_t *ct, uint16_t port,
    uint32_t round, rt_hist_t *hist, double *speed);
static void rt_connect_on_ready(rt_fleet_t *fleet, rt_client_t *c);
static void rt_connect_add(rt_connect_t *ct);


/* the first row is what the others are compared with */

static const rt_connect_row_t  rt_connect_rows[] = {
    { "come and go", RT_PATH_DEFAULT, RT_TOKEN_NONE },
    { "token, HS256", RT_PATH_QUIET, RT_TOKEN_HS256 },
    { "token, RS256", RT_PATH_QUIET, RT_TOKEN_RS256 },
    { "token, ES256", RT_PATH_QUIET, RT_TOKEN_ES256 },
    { "token, presence told", RT_PATH_DEFAULT, RT_TOKEN_HS256 }
};


rt_int_t
rt_bench_connect(const rt_bench_opts_t *o)
{
    size_t         i;
    rt_int_t       rc;
    rt_connect_t  *ct;

    if (o->clients > 4096) {
        return rt_bench_fail("connect takes at most 4096 clients at a time");
    }

    ct = calloc(1, sizeof(rt_connect_t));
    if (ct == NULL) {
        return rt_bench_fail("no memory");
    }

    ct->o = *o;
    rt_table_add(&ct->table, "what|ratio|to plain|us/connection|bare us|"
                 "connections/s|bare/s|p50 ms|p99 ms");

    rc = rt_connect_open(ct);

    for (i = 0; i < rt_nitems(rt_connect_rows) && rc == RT_OK; i++) {
        rc = rt_connect_row(ct, &rt_connect_rows[i]);
    }

    if (rc == RT_OK) {
        printf("connect: %u connections, %u at a time, %u worker%s, median of "
               "%u rounds\n", o->messages, o->clients, o->workers,
               o->workers == 1 ? "" : "s", o->rounds);
        rt_table_print(&ct->table);
    }

    rc = rt_connect_close(ct, rc);
    free(ct);

    return rc;
}


/* connections that have ended may not all be gone on the server's side */

static rt_int_t
rt_connect_open(rt_connect_t *ct)
{
    if (ct->o.port == 0) {
        if (rt_token_keys_make(&ct->keys) != RT_OK) {
            return RT_ERROR;
        }

        ct->o.keys = &ct->keys;
    }

    if (rt_server_start(&ct->server, &ct->o, 4 * ct->o.clients + 1000)
        != RT_OK)
    {
        return RT_ERROR;
    }

    return rt_bare_start(&ct->bare);
}


static rt_int_t
rt_connect_close(rt_connect_t *ct, rt_int_t rc)
{
    rt_bare_stop(&ct->bare);
    rc = rt_server_stop(&ct->server, rc);
    rt_token_keys_free(&ct->keys);

    return rc;
}


/* a server that runs already knows neither our keys nor our locations */

static rt_int_t
rt_connect_row(rt_connect_t *ct, const rt_connect_row_t *row)
{
    uint32_t  n;
    rt_int_t  rc;

    if (!rt_bench_wanted(&ct->o, row->name)
        || (row->alg != RT_TOKEN_NONE && ct->o.keys == NULL))
    {
        return RT_OK;
    }

    ct->row = row;
    n = ct->o.messages;

    rc = rt_tokens_make(&ct->tokens, &ct->keys, row->alg,
                        n < RT_CONNECT_TOKENS ? n : RT_CONNECT_TOKENS);

    if (rc == RT_OK) {
        rc = rt_connect_rounds(ct);
    }

    if (rc == RT_OK) {
        rt_connect_add(ct);
    }

    rt_tokens_free(&ct->tokens);

    return rc;
}


/* the first round warms everything up and is not counted */

static rt_int_t
rt_connect_rounds(rt_connect_t *ct)
{
    uint32_t               round, k;
    uint64_t               cpu, bare;
    rt_hist_t              unused;
    rt_connect_figures_t  *fig;

    fig = &ct->fig;

    for (round = 0; round <= ct->o.rounds; round++) {

        k = round ? round - 1 : 0;

        if (round <= 1) {
            memset(&ct->hist, 0, sizeof(rt_hist_t));
        }

        cpu = rt_server_cpu(&ct->server);

        if (rt_connect_phase(ct, ct->server.port, round, &ct->hist,
                             &fig->speed[k])
            != RT_OK)
        {
            return RT_ERROR;
        }

        cpu = rt_server_cpu(&ct->server) - cpu;
        bare = rt_bare_cpu(&ct->bare);

        if (rt_connect_phase(ct, ct->bare.port, round, &unused,
                             &fig->bare_speed[k])
            != RT_OK)
        {
            return RT_ERROR;
        }

        bare = rt_bare_cpu(&ct->bare) - bare;

        fig->server[k] = (double) cpu / 1000 / ct->o.messages;
        fig->bare[k] = (double) bare / 1000 / ct->o.messages;
    }

    return RT_OK;
}


static rt_int_t
rt_connect_phase(const rt_connect_t *ct, uint16_t port, uint32_t round,
    rt_hist_t *hist, double *speed)
{
    rt_int_t                rc;
    uint64_t                began, deadline;
    rt_fleet_t              fleet;
    const rt_bench_opts_t  *o;

    o = &ct->o;

    memset(&fleet, 0, sizeof(fleet));
    fleet.port = port;
    fleet.path = ct->row->path;
    fleet.tokens = &ct->tokens;
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
        rc = rt_bench_fail("connect (%s): %u of %u connections made and "
                           "ended, %u failed%s%s", ct->row->name,
                           fleet.closed, fleet.total, fleet.failed,
                           fleet.failed ? ": " : "", fleet.why);
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
rt_connect_add(rt_connect_t *ct)
{
    char                   plain[16];
    double                 server, bare;
    uint32_t               n;
    rt_connect_figures_t  *fig;

    n = ct->o.rounds;
    fig = &ct->fig;
    server = rt_bench_median(fig->server, n);
    bare = rt_bench_median(fig->bare, n);

    if (ct->row == rt_connect_rows) {
        ct->plain = server;
    }

    rt_bench_ratio_text(plain, sizeof(plain), server, ct->plain);

    rt_table_add(&ct->table, "%s|%.2f|%s|%.1f|%.1f|%.0f|%.0f|%.2f|%.2f",
                 ct->row->name, rt_bench_ratio(server, bare), plain, server,
                 bare, rt_bench_median(fig->speed, n),
                 rt_bench_median(fig->bare_speed, n),
                 (double) rt_hist_percentile(&ct->hist, 50) / 1000,
                 (double) rt_hist_percentile(&ct->hist, 99) / 1000);
}
