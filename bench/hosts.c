
/*
 * hosts.c: "say" to a room whose members are at one host or two.
 */


#include "hosts.h"

#include <poll.h>
#include <stdlib.h>


#define RT_HOSTS_TEXT_MAX  6000
#define RT_HOSTS_FORMAT    "42[\"say\",{\"roomName\":\"%s0\",\"n\":\"%0*u\"}]"
#define RT_HOSTS_EVENT     "42[\"say\","
#define RT_HOSTS_NUMBER    "\"n\":\""

/* until the hosts know each other, and until everybody has everything, ms */
#define RT_HOSTS_PATIENCE  20000


static rt_int_t rt_hosts_connect(rt_hosts_t *h, uint32_t i);
static rt_int_t rt_hosts_meet(rt_hosts_t *h);
static rt_int_t rt_hosts_drive(rt_hosts_t *h, const rt_hosts_phase_t *ph);
static rt_int_t rt_hosts_send(rt_hosts_t *h);
static void rt_hosts_poll(rt_hosts_t *h, int msec);
static void rt_hosts_settle(rt_hosts_t *h, uint32_t msec);
static void rt_hosts_on_packet(rt_fleet_t *fleet, rt_client_t *c,
    const rt_frame_t *f);


rt_int_t
rt_hosts_open(rt_hosts_t *h, uint32_t receivers, uint32_t size)
{
    uint32_t  i;

    h->receivers = receivers;
    h->size = size;
    h->base = 0;
    h->sent = 0;
    h->heard = 0;
    h->have = calloc(RT_HOSTS_MESSAGES_MAX, sizeof(uint32_t));
    h->sent_at = calloc(RT_HOSTS_MESSAGES_MAX, sizeof(uint64_t));

    if (h->have == NULL || h->sent_at == NULL) {
        return rt_bench_fail("no memory");
    }

    snprintf(h->room, sizeof(h->room), "room-%u-", receivers);

    for (i = 0; i < h->n; i++) {
        if (rt_hosts_connect(h, i) != RT_OK) {
            return RT_ERROR;
        }
    }

    return rt_hosts_meet(h);
}


static rt_int_t
rt_hosts_connect(rt_hosts_t *h, uint32_t i)
{
    rt_host_t   *host = &h->host[i];
    rt_fleet_t  *fleet = &host->fleet;

    memset(fleet, 0, sizeof(rt_fleet_t));

    fleet->port = host->server.port;
    fleet->count = h->receivers + (i == 0);
    fleet->rate = 3000;
    fleet->room = h->room;
    fleet->room_size = h->receivers + 1;
    fleet->data = host;

    host->hosts = h;
    host->next = calloc(fleet->count, sizeof(uint32_t));

    if (host->next == NULL) {
        return rt_bench_fail("no memory");
    }

    if (rt_fleet_open(fleet) != RT_OK) {
        return RT_ERROR;
    }

    if (rt_fleet_wait_ready(fleet, RT_HOSTS_PATIENCE) != RT_OK) {
        return rt_bench_fail("redis: %s", fleet->why);
    }

    return RT_OK;
}


/* what is said before they know each other need not be heard */

static rt_int_t
rt_hosts_meet(rt_hosts_t *h)
{
    uint32_t  i, k;
    uint64_t  deadline;

    rt_hosts_settle(h, 300);

    h->host[0].fleet.on_packet = rt_hosts_on_packet;
    h->host[1].fleet.on_packet = rt_hosts_on_packet;

    deadline = rt_bench_now() + RT_HOSTS_PATIENCE * 1000ull;

    while (h->n > 1 && h->heard < h->receivers) {

        if (!rt_bench_left(deadline)) {
            return rt_bench_fail("redis: a host does not hear the other one");
        }

        if (rt_hosts_send(h) != RT_OK) {
            return RT_ERROR;
        }

        rt_hosts_settle(h, 100);
    }

    rt_hosts_settle(h, 500);
    h->base += h->sent;

    for (i = 0; i < h->n; i++) {
        for (k = 0; k < h->host[i].fleet.count; k++) {
            h->host[i].next[k] = h->base;
        }
    }

    return RT_OK;
}


rt_int_t
rt_hosts_phase(rt_hosts_t *h, rt_hosts_phase_t *ph)
{
    double            seconds;
    uint32_t          i;
    uint64_t          began, cpu[RT_HOSTS_MAX], redis;
    rt_redis_calls_t  before, after;

    memset(h->have, 0, ph->messages * sizeof(uint32_t));
    memset(&h->hist, 0, sizeof(rt_hist_t));

    h->sent = 0;
    h->done = 0;
    h->wrong = 0;

    if (rt_redis_calls(h->redis, &before) != RT_OK) {
        return RT_ERROR;
    }

    redis = rt_redis_cpu(h->redis);
    began = rt_bench_now();

    for (i = 0; i < h->n; i++) {
        cpu[i] = rt_server_cpu(&h->host[i].server);
    }

    if (rt_hosts_drive(h, ph) != RT_OK) {
        return RT_ERROR;
    }

    /* Redis's answers are read, too */

    rt_hosts_settle(h, 50);

    for (i = 0; i < h->n; i++) {
        ph->cpu[i] = (double) (rt_server_cpu(&h->host[i].server) - cpu[i])
                     / 1000 / ph->messages;
    }

    seconds = (double) (rt_bench_now() - began) / 1e6;
    ph->redis = (double) (rt_redis_cpu(h->redis) - redis) / 1000
                / ph->messages;

    if (rt_redis_calls(h->redis, &after) != RT_OK) {
        return RT_ERROR;
    }

    ph->publish = (double) (after.publish - before.publish) / ph->messages;
    ph->others = (double) (after.others - before.others) / seconds;
    ph->p99 = (double) rt_hist_percentile(&h->hist, 99) / 1000;

    h->base += ph->messages;

    return RT_OK;
}


static rt_int_t
rt_hosts_drive(rt_hosts_t *h, const rt_hosts_phase_t *ph)
{
    uint32_t     due, failed = 0;
    uint64_t     began, deadline;
    rt_fleet_t  *a = &h->host[0].fleet, *b = &h->host[1].fleet;

    began = rt_bench_now();
    deadline = began + RT_HOSTS_PATIENCE * 1000ull
               + (ph->rate ? ph->messages * 1000000ull / ph->rate : 0);

    while (h->done < ph->messages && failed == 0 && rt_bench_left(deadline)) {

        due = ph->messages;

        if (ph->rate) {
            due = (uint32_t) ((rt_bench_now() - began) * ph->rate / 1000000);
            due = due < ph->messages ? due : ph->messages;
        }

        while (h->sent < due && h->sent - h->done < ph->window) {
            if (rt_hosts_send(h) != RT_OK) {
                break;
            }
        }

        rt_hosts_poll(h, 1);
        failed = a->failed + (h->n > 1 ? b->failed : 0);
    }

    if (h->done < ph->messages || h->wrong || failed) {
        return rt_bench_fail("redis: %u of %u messages came to everybody, %u "
                             "times one was lost, repeated or out of order, "
                             "%u clients failed%s%s%s", h->done, ph->messages,
                             h->wrong, failed, failed ? ": " : "", a->why,
                             h->n > 1 ? b->why : "");
    }

    return RT_OK;
}


static rt_int_t
rt_hosts_send(rt_hosts_t *h)
{
    int          len;
    char         text[RT_HOSTS_TEXT_MAX];
    size_t       n;
    u_char       frame[RT_HOSTS_TEXT_MAX + RT_FRAME_HEAD_MAX];
    rt_fleet_t  *fleet = &h->host[0].fleet;

    len = snprintf(text, sizeof(text), RT_HOSTS_FORMAT, h->room,
                   (int) h->size, h->base + h->sent);

    n = rt_frame_write(frame, RT_FRAME_TEXT, rt_str((size_t) len, text));

    h->sent_at[h->sent++] = rt_bench_now();

    return rt_client_send(fleet, &fleet->clients[0], rt_str(n, frame));
}


/* until something happens at any host */

static void
rt_hosts_poll(rt_hosts_t *h, int msec)
{
    uint32_t       i;
    struct pollfd  pfd[RT_HOSTS_MAX];

    for (i = 0; i < h->n; i++) {
        pfd[i].fd = h->host[i].fleet.ep;
        pfd[i].events = POLLIN;
        pfd[i].revents = 0;
    }

    (void) poll(pfd, h->n, msec);

    for (i = 0; i < h->n; i++) {
        rt_fleet_poll(&h->host[i].fleet, 0);
    }
}


static void
rt_hosts_settle(rt_hosts_t *h, uint32_t msec)
{
    uint64_t  deadline;

    deadline = rt_bench_now() + msec * 1000ull;

    while (rt_bench_left(deadline)) {
        rt_hosts_poll(h, 10);
    }
}


static void
rt_hosts_on_packet(rt_fleet_t *fleet, rt_client_t *c, const rt_frame_t *f)
{
    u_char      *p;
    uint32_t     n, i;
    rt_host_t   *host = fleet->data;
    rt_hosts_t  *h = host->hosts;

    if (!rt_bench_begins(f->payload, RT_HOSTS_EVENT)) {
        return;
    }

    p = memmem(f->payload.data, f->payload.len, RT_HOSTS_NUMBER,
               sizeof(RT_HOSTS_NUMBER) - 1);
    if (p == NULL) {
        h->wrong++;
        return;
    }

    h->heard += (host == &h->host[1]);

    /* no text ends with its number: there is a quote behind it */

    n = (uint32_t) strtoul((char *) p + sizeof(RT_HOSTS_NUMBER) - 1, NULL, 10);
    i = n - h->base;

    if (n != host->next[c->index]++ || i >= h->sent) {
        h->wrong++;
        return;
    }

    if (++h->have[i] == h->n * h->receivers) {
        h->done++;
        rt_hist_add(&h->hist, rt_bench_now() - h->sent_at[i]);
    }
}


void
rt_hosts_close(rt_hosts_t *h)
{
    uint32_t  i;

    for (i = 0; i < h->n; i++) {
        rt_fleet_close(&h->host[i].fleet);
        free(h->host[i].next);
        h->host[i].next = NULL;
    }

    free(h->have);
    free(h->sent_at);
    h->have = NULL;
    h->sent_at = NULL;
}
