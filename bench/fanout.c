
/*
 * fanout.c: sends numbered messages and keeps book of who got which.
 */


#include "fanout.h"

#include <stdlib.h>


#define RT_FANOUT_STALL_MSEC  15000
#define RT_FANOUT_BURST       64
#define RT_FANOUT_DIGITS      10
#define RT_FANOUT_TEXT_MAX    6000


static rt_int_t rt_fanout_alloc(rt_fanout_run_t *run);
static rt_int_t rt_fanout_connect(rt_fanout_bench_t *fb, uint32_t i,
    uint16_t port);
static rt_int_t rt_fanout_learn(rt_fanout_bench_t *fb);
static void rt_fanout_begin(rt_fanout_bench_t *fb, uint32_t messages);
static rt_int_t rt_fanout_drive(rt_fanout_bench_t *fb,
    const rt_fanout_phase_t *ph);
static uint32_t rt_fanout_due(const rt_fanout_run_t *run,
    const rt_fanout_phase_t *ph, uint64_t began);
static rt_int_t rt_fanout_send(rt_fanout_bench_t *fb, rt_fleet_t *fleet,
    uint32_t n);
static rt_int_t rt_fanout_missing(rt_fanout_bench_t *fb, rt_fleet_t *fleet);
static void rt_fanout_on_packet(rt_fleet_t *fleet, rt_client_t *c,
    const rt_frame_t *f);
static void rt_fanout_count(rt_fanout_run_t *run, uint32_t client,
    uint64_t seq);


rt_int_t
rt_fanout_open(rt_fanout_bench_t *fb, const rt_bench_opts_t *o)
{
    rt_fanout_run_t  *run;

    run = &fb->run;

    if (o->clients > 8000) {
        return rt_bench_fail("fanout takes at most 8000 clients");
    }

    fb->size = o->size < RT_FANOUT_DIGITS ? RT_FANOUT_DIGITS : o->size;
    run->clients = o->clients + 1;
    run->capacity = 4 * o->messages + 16;

    if (rt_fanout_alloc(run) != RT_OK
        || rt_server_start(&fb->server, o, run->clients) != RT_OK
        || rt_bare_start(&fb->bare) != RT_OK)
    {
        return RT_ERROR;
    }

    fb->bare.plan->fanout = 1;

    if (rt_fanout_connect(fb, 0, fb->server.port) != RT_OK
        || rt_fanout_learn(fb) != RT_OK
        || rt_fanout_connect(fb, 1, fb->bare.port) != RT_OK)
    {
        return RT_ERROR;
    }

    return RT_OK;
}


static rt_int_t
rt_fanout_alloc(rt_fanout_run_t *run)
{
    run->have = calloc(run->capacity, sizeof(uint32_t));
    run->sent_at = calloc(run->capacity, sizeof(uint64_t));
    run->next = calloc(run->clients, sizeof(uint64_t));
    run->seen = calloc(run->clients, (run->capacity + 7) / 8);

    if (run->have == NULL || run->sent_at == NULL || run->next == NULL
        || run->seen == NULL)
    {
        return rt_bench_fail("no memory for %u messages", run->capacity);
    }

    return RT_OK;
}


static rt_int_t
rt_fanout_connect(rt_fanout_bench_t *fb, uint32_t i, uint16_t port)
{
    rt_fleet_t  *fleet;

    fleet = &fb->fleet[i];

    fleet->port = port;
    fleet->count = fb->run.clients;
    fleet->rate = 5000;
    fleet->room = "fan";
    fleet->room_size = (i == 0) ? fb->run.clients : 0;
    fleet->data = fb;
    fleet->on_packet = rt_fanout_on_packet;

    if (rt_fleet_open(fleet) != RT_OK) {
        return RT_ERROR;
    }

    if (rt_fleet_wait_ready(fleet, 30000) != RT_OK) {
        return rt_bench_fail("%s server: %s", i ? "bare" : "the",
                             fleet->why);
    }

    rt_fleet_settle(fleet, 500);

    return RT_OK;
}


static rt_int_t
rt_fanout_learn(rt_fanout_bench_t *fb)
{
    rt_fanout_phase_t  ph;

    memset(&ph, 0, sizeof(ph));
    ph.who = RT_FANOUT_SERVER;
    ph.window = 1;
    ph.messages = 16;

    if (rt_fanout_phase(fb, &ph) != RT_OK) {
        return RT_ERROR;
    }

    fb->frame_len = fb->bare.plan->reply_len;

    return RT_OK;
}


rt_int_t
rt_fanout_close(rt_fanout_bench_t *fb, rt_int_t rc)
{
    rt_fleet_close(&fb->fleet[0]);
    rt_fleet_close(&fb->fleet[1]);
    rt_bare_stop(&fb->bare);
    rc = rt_server_stop(&fb->server, rc);

    free(fb->run.have);
    free(fb->run.sent_at);
    free(fb->run.next);
    free(fb->run.seen);

    return rc;
}


rt_int_t
rt_fanout_phase(rt_fanout_bench_t *fb, rt_fanout_phase_t *ph)
{
    double        deliveries;
    uint64_t      cpu, began, took;
    rt_fleet_t   *fleet, *other;

    fleet = &fb->fleet[ph->who != RT_FANOUT_SERVER];
    other = &fb->fleet[ph->who == RT_FANOUT_SERVER];

    if (other->clients) {
        rt_fleet_poll(other, 0);
    }

    rt_fanout_begin(fb, ph->messages);

    fb->bare.plan->batch = (ph->who == RT_FANOUT_BARE_16) ? 16 : 1;
    fb->bare.plan->seq = fb->run.base;

    cpu = ph->who ? rt_bare_cpu(&fb->bare) : rt_server_cpu(&fb->server);
    began = rt_bench_now();

    if (rt_fanout_drive(fb, ph) != RT_OK) {
        return RT_ERROR;
    }

    took = rt_bench_now() - began;

    /* repeated messages would come now; the server puts its things away */

    rt_fleet_settle(fleet, 30);

    cpu = (ph->who ? rt_bare_cpu(&fb->bare) : rt_server_cpu(&fb->server))
          - cpu;

    deliveries = (double) fb->run.clients * ph->messages;

    ph->cpu = (double) cpu / 1000 / deliveries;
    ph->speed = rt_bench_ratio(deliveries * 1e6, (double) took);
    ph->p50 = (double) rt_hist_percentile(&fb->run.hist, 50) / 1000;
    ph->p99 = (double) rt_hist_percentile(&fb->run.hist, 99) / 1000;

    return RT_OK;
}


static void
rt_fanout_begin(rt_fanout_bench_t *fb, uint32_t messages)
{
    rt_fanout_run_t  *run;

    run = &fb->run;

    run->base += run->messages;
    run->messages = messages;
    run->sent = 0;
    run->done = 0;

    memset(run->have, 0, run->capacity * sizeof(uint32_t));
    memset(run->seen, 0, (size_t) run->clients * ((run->capacity + 7) / 8));
    memset(&run->hist, 0, sizeof(rt_hist_t));
}


static rt_int_t
rt_fanout_drive(rt_fanout_bench_t *fb, const rt_fanout_phase_t *ph)
{
    uint32_t          n, done;
    uint64_t          began, deadline;
    rt_fleet_t       *fleet;
    rt_fanout_run_t  *run;

    run = &fb->run;
    fleet = &fb->fleet[ph->who != RT_FANOUT_SERVER];

    began = rt_bench_now();
    deadline = began + RT_FANOUT_STALL_MSEC * 1000ull;
    done = 0;

    while (run->done < run->messages && fleet->failed == 0
           && rt_bench_left(deadline))
    {
        n = rt_fanout_due(run, ph, began);

        if (n && rt_fanout_send(fb, fleet, n) != RT_OK) {
            break;
        }

        rt_fleet_poll(fleet, ph->rate ? 1 : 100);

        if (run->done != done) {
            done = run->done;
            deadline = rt_bench_now() + RT_FANOUT_STALL_MSEC * 1000ull;
        }
    }

    if (run->done == run->messages) {
        run->checked += (uint64_t) run->done * run->clients;
        return RT_OK;
    }

    return rt_fanout_missing(fb, fleet);
}


/* how many messages may go out now */

static uint32_t
rt_fanout_due(const rt_fanout_run_t *run, const rt_fanout_phase_t *ph,
    uint64_t began)
{
    uint64_t  upto, paced;

    upto = (uint64_t) run->done + ph->window;

    if (ph->rate) {
        paced = (rt_bench_now() - began) * ph->rate / 1000000 + 1;
        upto = paced < upto ? paced : upto;
    }

    if (upto > run->messages) {
        upto = run->messages;
    }

    if (upto - run->sent > RT_FANOUT_BURST) {
        return RT_FANOUT_BURST;
    }

    return (uint32_t) upto - run->sent;
}


/* all in one write, as a client with much to say would */

static rt_int_t
rt_fanout_send(rt_fanout_bench_t *fb, rt_fleet_t *fleet, uint32_t n)
{
    int               len;
    char              text[RT_FANOUT_TEXT_MAX];
    size_t            total;
    uint32_t          i;
    rt_fanout_run_t  *run;
    static u_char     burst[RT_FANOUT_BURST
                            * (RT_FANOUT_TEXT_MAX + RT_FRAME_HEAD_MAX)];

    run = &fb->run;
    total = 0;

    for (i = 0; i < n; i++) {
        len = snprintf(text, sizeof(text),
                       "42[\"message:send\",{\"roomName\":\"fan0\","
                       "\"content\":\"%010u%0*u\"}]",
                       (unsigned) (run->base + run->sent),
                       (int) (fb->size - RT_FANOUT_DIGITS), 0);

        total += rt_frame_write(burst + total, RT_FRAME_TEXT,
                                rt_str((size_t) len, text));

        run->sent_at[run->sent++] = rt_bench_now();
    }

    return rt_client_send(fleet, &fleet->clients[0], rt_str(total, burst));
}


static rt_int_t
rt_fanout_missing(rt_fanout_bench_t *fb, rt_fleet_t *fleet)
{
    uint32_t          i;
    uint64_t          lost;
    rt_fanout_run_t  *run;

    run = &fb->run;
    lost = 0;

    for (i = 0; i < run->sent; i++) {
        lost += run->clients - run->have[i];
    }

    run->lost += lost;

    return rt_bench_fail("fanout stopped after %u of %u messages: %lu "
                         "deliveries missing, %lu repeated, %lu late; %u "
                         "clients failed%s%s", run->done, run->messages,
                         (unsigned long) lost, (unsigned long) run->repeated,
                         (unsigned long) run->late, fleet->failed,
                         fleet->failed ? ": " : "", fleet->why);
}


static void
rt_fanout_on_packet(rt_fleet_t *fleet, rt_client_t *c, const rt_frame_t *f)
{
    size_t               i;
    uint64_t             seq;
    const u_char        *p, *last;
    rt_fanout_bench_t   *fb;
    static const char    content[] = "\"content\":\"";

    fb = fleet->data;

    if (!rt_bench_begins(f->payload, "42[\"message:new\"")) {
        return;
    }

    last = f->payload.data + f->payload.len;
    p = memmem(f->payload.data, f->payload.len, content, sizeof(content) - 1);

    if (p == NULL || last - p < (ssize_t) sizeof(content) + RT_FANOUT_DIGITS) {
        return;
    }

    p += sizeof(content) - 1;

    if (fleet == &fb->fleet[0] && fb->bare.plan->reply_len == 0) {
        (void) rt_bare_prepare(&fb->bare, f->raw,
                               (size_t) (p - f->raw.data));
    }

    seq = 0;

    for (i = 0; i < RT_FANOUT_DIGITS; i++) {
        seq = seq * 10 + (p[i] - '0');
    }

    rt_fanout_count(&fb->run, c->index, seq);
}


static void
rt_fanout_count(rt_fanout_run_t *run, uint32_t client, uint64_t seq)
{
    u_char    *seen, bit;
    uint64_t   k, now;

    k = seq - run->base;

    if (seq < run->base || k >= run->sent) {
        run->repeated++;
        return;
    }

    seen = run->seen + (size_t) client * ((run->capacity + 7) / 8) + k / 8;
    bit = (u_char) (1 << (k & 7));

    if (*seen & bit) {
        run->repeated++;
        return;
    }

    *seen |= bit;
    run->have[k]++;

    if (seq < run->next[client]) {
        run->late++;

    } else {
        run->next[client] = seq + 1;
    }

    if (run->have[run->done] < run->clients) {
        return;
    }

    now = rt_bench_now();

    while (run->done < run->sent && run->have[run->done] == run->clients) {
        rt_hist_add(&run->hist, now - run->sent_at[run->done]);
        run->done++;
    }
}
