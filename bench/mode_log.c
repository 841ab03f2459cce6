
/*
 * mode_log.c: what it costs to write every message into a database: so many
 * a second, whoever has been answered or not, some seconds long; without and
 * with, one after the other.
 */


#include "client.h"
#include "hist.h"
#include "nginx_conf.h"
#include "rt_bench.h"
#include "server.h"
#include "table.h"

#include <stdlib.h>


#define RT_LOG_MAX_ROUNDS  99
#define RT_LOG_TEXT_MAX    6000
#define RT_LOG_ANSWER      "43"
#define RT_LOG_FORMAT      "42%u[\"message:send\",{\"roomName\":\"%s\","       \
                           "\"content\":\"%0*u\"}]"

/* sent at once, for those who were late */
#define RT_LOG_BURST       256

/* until all are answered, and until all are written, ms */
#define RT_LOG_PATIENCE    20000

/* which message of a client it is, as the acknowledgement says */
#define RT_LOG_IDS         4096


typedef enum {
    RT_LOG_PLAIN = 0,
    RT_LOG_LOGGED,
    RT_LOG_KINDS
} rt_log_kind_e;


typedef struct {
    double  cpu[RT_LOG_MAX_ROUNDS];         /* microseconds per message */
    double  speed[RT_LOG_MAX_ROUNDS];       /* messages a second */
    double  p50[RT_LOG_MAX_ROUNDS];
    double  p99[RT_LOG_MAX_ROUNDS];
    double  behind[RT_LOG_MAX_ROUNDS];      /* ms until all was written */
} rt_log_figures_t;


typedef struct {
    rt_bench_opts_t    o;
    rt_token_keys_t    keys;
    rt_server_t        server;
    rt_fleet_t         fleet[RT_LOG_KINDS];
    rt_log_figures_t   figures[RT_LOG_KINDS];
    double             ratio[RT_LOG_MAX_ROUNDS];
    uint32_t           asked;
    uint32_t           answered;
    uint32_t           refused;
    uint32_t          *next;                /* id, of each client */
    uint64_t          *asked_at;            /* RT_LOG_IDS of each client */
    uint64_t           logged;              /* in all rounds */
    rt_hist_t          hist;
} rt_log_t;


static rt_int_t rt_log_open(rt_log_t *l);
static rt_int_t rt_log_connect(rt_log_t *l, rt_log_kind_e kind);
static rt_int_t rt_log_rounds(rt_log_t *l);
static rt_int_t rt_log_phase(rt_log_t *l, rt_log_kind_e kind, uint32_t round);
static rt_int_t rt_log_drive(rt_log_t *l, rt_fleet_t *fleet, uint32_t total);
static rt_int_t rt_log_send(rt_log_t *l, rt_fleet_t *fleet);
static rt_int_t rt_log_written(rt_log_t *l, uint64_t since,
    const rt_server_database_t *before, uint32_t total, double *ms);
static void rt_log_on_packet(rt_fleet_t *fleet, rt_client_t *c,
    const rt_frame_t *f);
static void rt_log_print(rt_log_t *l);


static const char  *rt_log_names[RT_LOG_KINDS] = { "not logged", "logged" };
static const char  *rt_log_paths[RT_LOG_KINDS] = { RT_PATH_QUIET,
                                                   RT_PATH_ALL };
static const char  *rt_log_rooms[RT_LOG_KINDS] = { "plain-", "logged-" };


rt_int_t
rt_bench_log(const rt_bench_opts_t *o)
{
    rt_int_t   rc;
    rt_log_t  *l;

    if (getenv("DATABASE_URL") == NULL) {
        printf("log: left out, there is no database: \"make bench-postgres "
               "T=log\"\n");
        return RT_OK;
    }

    l = calloc(1, sizeof(rt_log_t));
    if (l == NULL) {
        return rt_bench_fail("no memory");
    }

    l->o = *o;

    rc = rt_log_open(l);

    if (rc == RT_OK) {
        rc = rt_log_rounds(l);
    }

    if (rc == RT_OK) {
        rt_log_print(l);
    }

    rt_fleet_close(&l->fleet[RT_LOG_PLAIN]);
    rt_fleet_close(&l->fleet[RT_LOG_LOGGED]);
    rc = rt_server_stop(&l->server, rc);

    rt_token_keys_free(&l->keys);
    free(l->next);
    free(l->asked_at);
    free(l);

    return rc;
}


static rt_int_t
rt_log_open(rt_log_t *l)
{
    rt_bench_opts_t  *o = &l->o;

    if (o->clients > 4000) {
        return rt_bench_fail("log takes at most 4000 clients");
    }

    l->next = calloc(o->clients, sizeof(uint32_t));
    l->asked_at = calloc((size_t) o->clients * RT_LOG_IDS, sizeof(uint64_t));

    if (l->next == NULL || l->asked_at == NULL) {
        return rt_bench_fail("no memory");
    }

    if (rt_token_keys_make(&l->keys) != RT_OK) {
        return RT_ERROR;
    }

    o->keys = &l->keys;

    if (rt_server_start(&l->server, o, 2 * o->clients) != RT_OK
        || rt_log_connect(l, RT_LOG_PLAIN) != RT_OK
        || rt_log_connect(l, RT_LOG_LOGGED) != RT_OK)
    {
        return RT_ERROR;
    }

    return RT_OK;
}


static rt_int_t
rt_log_connect(rt_log_t *l, rt_log_kind_e kind)
{
    rt_fleet_t  *fleet = &l->fleet[kind];

    fleet->port = l->server.port;
    fleet->count = l->o.clients;
    fleet->rate = 3000;
    fleet->room = rt_log_rooms[kind];
    fleet->room_size = 1;
    fleet->path = rt_log_paths[kind];
    fleet->data = l;

    if (rt_fleet_open(fleet) != RT_OK) {
        return RT_ERROR;
    }

    if (rt_fleet_wait_ready(fleet, 30000) != RT_OK) {
        return rt_bench_fail("log: %s", fleet->why);
    }

    rt_fleet_settle(fleet, 300);
    fleet->on_packet = rt_log_on_packet;

    return RT_OK;
}


static rt_int_t
rt_log_rounds(rt_log_t *l)
{
    uint32_t  i, k;

    /* one that warms up, whose figures the next one replaces */

    for (i = 0; i <= l->o.rounds; i++) {
        for (k = 0; k < RT_LOG_KINDS; k++) {
            if (rt_log_phase(l, k, i ? i - 1 : 0) != RT_OK) {
                return RT_ERROR;
            }
        }

        k = i ? i - 1 : 0;
        l->ratio[k] = rt_bench_ratio(l->figures[RT_LOG_LOGGED].cpu[k],
                                     l->figures[RT_LOG_PLAIN].cpu[k]);
    }

    return RT_OK;
}


/* the writer's time after the last answer belongs to the messages as well */

static rt_int_t
rt_log_phase(rt_log_t *l, rt_log_kind_e kind, uint32_t round)
{
    double                 ms = 0;
    uint32_t               total = l->o.rate * l->o.seconds;
    uint64_t               began, ended, cpu;
    rt_fleet_t            *fleet = &l->fleet[kind];
    rt_log_figures_t      *fig = &l->figures[kind];
    rt_server_database_t   before;

    if (rt_server_database(&l->server, &before) != RT_OK) {
        return rt_bench_fail("log: no figures of the database");
    }

    memset(&l->hist, 0, sizeof(rt_hist_t));
    cpu = rt_server_cpu(&l->server);
    began = rt_bench_now();

    if (rt_log_drive(l, fleet, total) != RT_OK) {
        return RT_ERROR;
    }

    ended = rt_bench_now();

    if (kind == RT_LOG_LOGGED) {
        if (rt_log_written(l, ended, &before, total, &ms) != RT_OK) {
            return RT_ERROR;
        }

        l->logged += total;
    }

    rt_fleet_settle(fleet, 50);

    fig->cpu[round] = (double) (rt_server_cpu(&l->server) - cpu) / 1000
                      / total;
    fig->speed[round] = rt_bench_ratio(total * 1e6, (double) (ended - began));
    fig->p50[round] = (double) rt_hist_percentile(&l->hist, 50) / 1000;
    fig->p99[round] = (double) rt_hist_percentile(&l->hist, 99) / 1000;
    fig->behind[round] = ms;

    return RT_OK;
}


static rt_int_t
rt_log_drive(rt_log_t *l, rt_fleet_t *fleet, uint32_t total)
{
    uint32_t  due, n;
    uint64_t  began, deadline;

    l->asked = 0;
    l->answered = 0;
    l->refused = 0;

    began = rt_bench_now();
    deadline = began + (l->o.seconds * 1000ull + RT_LOG_PATIENCE) * 1000;

    while (l->answered < total && fleet->failed == 0
           && rt_bench_left(deadline))
    {
        due = (uint32_t) ((rt_bench_now() - began) * l->o.rate / 1000000);
        due = due < total ? due : total;

        for (n = 0; l->asked < due && n < RT_LOG_BURST; n++) {
            if (rt_log_send(l, fleet) != RT_OK) {
                break;
            }
        }

        rt_fleet_poll(fleet, l->asked < due ? 0 : 1);
    }

    if (l->answered < total || l->refused || fleet->failed) {
        return rt_bench_fail("log: %u of %u messages were answered, %u "
                             "refused, %u clients failed%s%s", l->answered,
                             total, l->refused, fleet->failed,
                             fleet->failed ? ": " : "", fleet->why);
    }

    return RT_OK;
}


/* clients in turn */

static rt_int_t
rt_log_send(rt_log_t *l, rt_fleet_t *fleet)
{
    int           len;
    char          text[RT_LOG_TEXT_MAX], room[64];
    size_t        n;
    u_char        frame[RT_LOG_TEXT_MAX + RT_FRAME_HEAD_MAX];
    uint32_t      i = l->asked % l->o.clients, id;
    rt_client_t  *c = &fleet->clients[i];

    id = l->next[i]++ % RT_LOG_IDS;

    (void) rt_client_room(fleet, c, room, sizeof(room));

    len = snprintf(text, sizeof(text), RT_LOG_FORMAT, id, room,
                   (int) l->o.size, l->asked);

    n = rt_frame_write(frame, RT_FRAME_TEXT, rt_str((size_t) len, text));

    l->asked_at[(size_t) i * RT_LOG_IDS + id] = rt_bench_now();
    l->asked++;

    return rt_client_send(fleet, c, rt_str(n, frame));
}


/* until all is, and all of it */

static rt_int_t
rt_log_written(rt_log_t *l, uint64_t since,
    const rt_server_database_t *before, uint32_t total, double *ms)
{
    uint64_t              deadline;
    rt_server_database_t  now;

    deadline = since + RT_LOG_PATIENCE * 1000ull;

    do {
        if (rt_server_database(&l->server, &now) != RT_OK) {
            return rt_bench_fail("log: no figures of the database");
        }

        if (now.dropped != before->dropped
            || now.refused != before->refused)
        {
            return rt_bench_fail("log: %lu rows were dropped, %lu refused",
                                 now.dropped - before->dropped,
                                 now.refused - before->refused);
        }

        if (now.waiting == 0 && now.written - before->written >= total) {
            *ms = (double) (rt_bench_now() - since) / 1000;
            return RT_OK;
        }

        rt_bench_sleep(2);

    } while (rt_bench_left(deadline));

    return rt_bench_fail("log: %lu of %u messages are written",
                         now.written - before->written, total);
}


/* "43" and the id: an acknowledgement; what is no success is an object */

static void
rt_log_on_packet(rt_fleet_t *fleet, rt_client_t *c, const rt_frame_t *f)
{
    size_t     i;
    uint32_t   id = 0;
    rt_log_t  *l = fleet->data;

    if (!rt_bench_begins(f->payload, RT_LOG_ANSWER)) {
        return;
    }

    for (i = sizeof(RT_LOG_ANSWER) - 1;
         i < f->payload.len && f->payload.data[i] >= '0'
         && f->payload.data[i] <= '9';
         i++)
    {
        id = id * 10 + (f->payload.data[i] - '0');
    }

    if (!rt_bench_begins(rt_str(f->payload.len - i, f->payload.data + i),
                         "[{\"success\":true"))
    {
        l->refused++;
    }

    l->answered++;

    rt_hist_add(&l->hist, rt_bench_now()
                - l->asked_at[(size_t) c->index * RT_LOG_IDS
                              + id % RT_LOG_IDS]);
}


static void
rt_log_print(rt_log_t *l)
{
    char               ratio[16];
    uint32_t           k, n = l->o.rounds;
    rt_table_t         t;
    rt_log_figures_t  *fig;

    memset(&t, 0, sizeof(t));
    rt_table_add(&t, "messages|to plain|us/message|messages/s|p50 ms|p99 ms|"
                 "written after ms");

    snprintf(ratio, sizeof(ratio), "%.3f", rt_bench_median(l->ratio, n));

    for (k = 0; k < RT_LOG_KINDS; k++) {
        fig = &l->figures[k];

        rt_table_add(&t, "%s|%s|%.2f|%.0f|%.2f|%.2f|%.0f", rt_log_names[k],
                     k == RT_LOG_PLAIN ? "1.000" : ratio,
                     rt_bench_median(fig->cpu, n),
                     rt_bench_median(fig->speed, n),
                     rt_bench_median(fig->p50, n),
                     rt_bench_median(fig->p99, n),
                     rt_bench_median(fig->behind, n));
    }

    printf("log: %u clients, %u messages a second for %u s, %u characters, "
           "%u worker%s, median of %u rounds\n", l->o.clients, l->o.rate,
           l->o.seconds, l->o.size, l->o.workers,
           l->o.workers == 1 ? "" : "s", n);
    rt_table_print(&t);
    printf("  %lu messages were logged, nothing was dropped or refused\n",
           l->logged);
}
