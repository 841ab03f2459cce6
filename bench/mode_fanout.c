
/*
 * mode_fanout.c: what a delivery costs: one message, many receivers.
 *
 * The same clients get the same frames twice: from the server, and from the
 * bare server's loop of send().  The server's CPU divided by the bare one's is
 * the figure: it leaves out how fast the machine and its kernel are.
 */


#include "fanout.h"
#include "table.h"

#include <stdlib.h>


#define RT_FANOUT_MAX_ROUNDS  99


typedef struct {
    const char  *name;
    uint32_t     window;            /* messages on their way at a time */
    uint32_t     times;             /* of -M */
    int          paced;
    int          crowded;           /* frames come 16 at a time and more */
} rt_fanout_pace_t;


/* figures of one pace, a value for each round */

typedef struct {
    double  cpu[RT_FANOUT_WHO][RT_FANOUT_MAX_ROUNDS];
    double  speed[RT_FANOUT_MAX_ROUNDS];
    double  p50[RT_FANOUT_MAX_ROUNDS];
    double  p99[RT_FANOUT_MAX_ROUNDS];
} rt_fanout_figures_t;


static rt_int_t rt_fanout_rounds(const rt_bench_opts_t *o,
    rt_fanout_bench_t *fb);
static rt_int_t rt_fanout_pace(const rt_bench_opts_t *o,
    rt_fanout_bench_t *fb, const rt_fanout_pace_t *pace, uint32_t round,
    rt_fanout_figures_t *fig);
static void rt_fanout_row(rt_table_t *t, const rt_bench_opts_t *o,
    const rt_fanout_pace_t *pace, rt_fanout_figures_t *fig, uint32_t rounds);
static void rt_fanout_print(const rt_bench_opts_t *o,
    const rt_fanout_bench_t *fb, const rt_table_t *t);


static const rt_fanout_pace_t  rt_fanout_paces[] = {
    { "lock-step", 1, 1, 0, 0 },
    { "paced", 1024, 1, 1, 0 },
    { "window 16", 16, 4, 0, 1 },
    { "window 64", 64, 4, 0, 1 }
};


rt_int_t
rt_bench_fanout(const rt_bench_opts_t *o)
{
    rt_int_t            rc;
    rt_fanout_bench_t  *fb;

    fb = calloc(1, sizeof(rt_fanout_bench_t));
    if (fb == NULL) {
        return rt_bench_fail("no memory");
    }

    rc = rt_fanout_open(fb, o);

    if (rc == RT_OK) {
        rc = rt_fanout_rounds(o, fb);
    }

    rc = rt_fanout_close(fb, rc);
    free(fb);

    return rc;
}


/* rounds go through all paces, so that a slow minute hits all of them */

static rt_int_t
rt_fanout_rounds(const rt_bench_opts_t *o, rt_fanout_bench_t *fb)
{
    size_t                i;
    rt_int_t              rc;
    uint32_t              round;
    rt_table_t            table;
    rt_fanout_figures_t  *fig;

    fig = calloc(rt_nitems(rt_fanout_paces), sizeof(rt_fanout_figures_t));
    if (fig == NULL) {
        return rt_bench_fail("no memory");
    }

    rc = RT_OK;

    for (round = 0; round < o->rounds && rc == RT_OK; round++) {
        for (i = 0; i < rt_nitems(rt_fanout_paces) && rc == RT_OK; i++) {
            rc = rt_fanout_pace(o, fb, &rt_fanout_paces[i], round, &fig[i]);
        }
    }

    if (rc == RT_OK) {
        memset(&table, 0, sizeof(table));
        rt_table_add(&table, "pace|ratio|ratio 16|us/delivery|bare us|"
                     "bare 16 us|deliveries/s|p50 ms|p99 ms");

        for (i = 0; i < rt_nitems(rt_fanout_paces); i++) {
            rt_fanout_row(&table, o, &rt_fanout_paces[i], &fig[i], round);
        }

        rt_fanout_print(o, fb, &table);
    }

    free(fig);

    if (rc == RT_OK && (fb->run.lost || fb->run.repeated || fb->run.late)) {
        return rt_bench_fail("messages were lost, repeated or out of order");
    }

    return rc;
}


/* the server, the bare loop, and for windows the loop with 16 in one send */

static rt_int_t
rt_fanout_pace(const rt_bench_opts_t *o, rt_fanout_bench_t *fb,
    const rt_fanout_pace_t *pace, uint32_t round, rt_fanout_figures_t *fig)
{
    uint32_t           who;
    rt_fanout_phase_t  ph;

    if (!rt_bench_wanted(o, pace->name)) {
        return RT_OK;
    }

    for (who = 0; who < RT_FANOUT_WHO; who++) {

        if (who == RT_FANOUT_BARE_16 && !pace->crowded) {
            continue;
        }

        memset(&ph, 0, sizeof(ph));
        ph.who = who;
        ph.window = pace->window;
        ph.rate = pace->paced ? o->rate : 0;
        ph.messages = (o->messages * pace->times + 15) / 16 * 16;

        if (pace->paced && ph.messages > 2 * o->rate) {
            ph.messages = 2 * o->rate;
        }

        if (rt_fanout_phase(fb, &ph) != RT_OK) {
            return RT_ERROR;
        }

        fig->cpu[who][round] = ph.cpu;

        if (who == RT_FANOUT_SERVER) {
            fig->speed[round] = ph.speed;
            fig->p50[round] = ph.p50;
            fig->p99[round] = ph.p99;
        }
    }

    return RT_OK;
}


static void
rt_fanout_row(rt_table_t *t, const rt_bench_opts_t *o,
    const rt_fanout_pace_t *pace, rt_fanout_figures_t *fig, uint32_t rounds)
{
    char    name[32], ratio16[16], cpu16[16];
    double  server, bare, bare16;

    if (!rt_bench_wanted(o, pace->name)) {
        return;
    }

    server = rt_bench_median(fig->cpu[RT_FANOUT_SERVER], rounds);
    bare = rt_bench_median(fig->cpu[RT_FANOUT_BARE], rounds);
    bare16 = rt_bench_median(fig->cpu[RT_FANOUT_BARE_16], rounds);

    snprintf(name, sizeof(name), "%s", pace->name);

    if (pace->paced) {
        snprintf(name, sizeof(name), "%u a second", o->rate);
    }

    snprintf(ratio16, sizeof(ratio16), "-");
    snprintf(cpu16, sizeof(cpu16), "-");

    if (bare16 > 0) {
        snprintf(ratio16, sizeof(ratio16), "%.2f", server / bare16);
        snprintf(cpu16, sizeof(cpu16), "%.2f", bare16);
    }

    rt_table_add(t, "%s|%.2f|%s|%.2f|%.2f|%s|%.0f|%.2f|%.2f", name,
                 rt_bench_ratio(server, bare), ratio16, server, bare, cpu16,
                 rt_bench_median(fig->speed, rounds),
                 rt_bench_median(fig->p50, rounds),
                 rt_bench_median(fig->p99, rounds));
}


static void
rt_fanout_print(const rt_bench_opts_t *o, const rt_fanout_bench_t *fb,
    const rt_table_t *t)
{
    printf("fanout: 1 sender, %u receivers, %u characters (frame of %zu "
           "bytes), %u worker%s, median of %u rounds\n", o->clients, fb->size,
           fb->frame_len, o->workers, o->workers == 1 ? "" : "s", o->rounds);

    rt_table_print(t);

    printf("  %lu deliveries checked: %lu lost, %lu repeated, %lu out of "
           "order\n", (unsigned long) fb->run.checked,
           (unsigned long) fb->run.lost, (unsigned long) fb->run.repeated,
           (unsigned long) fb->run.late);
}
