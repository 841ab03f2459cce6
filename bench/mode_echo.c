
/*
 * mode_echo.c: what a question and its answer cost: every client asks, waits
 * for the whole answer, and asks again.
 */


#include "bare.h"
#include "client.h"
#include "hist.h"
#include "nginx_conf.h"
#include "rt_bench.h"
#include "server.h"
#include "table.h"

#include <stdlib.h>


#define RT_ECHO_MSEC        30000
#define RT_ECHO_MAX_ROUNDS  99
#define RT_ECHO_TEXT_MAX    6000

/* as JSON writes it */
#define RT_ECHO_MARKUP                                                        \
    "<b>hi</b> <a href=\\\"https://example.com\\\">x</a>"


typedef enum {
    RT_ECHO_PING = 0,               /* the event, answered by another one */
    RT_ECHO_MESSAGE,                /* a message, to a room of one's own */
    RT_ECHO_QUESTIONS
} rt_echo_question_e;


/* of each question, the first row is what the others are compared with */

typedef struct {
    const char          *name;
    const char          *path;
    rt_echo_question_e   question;
    const char          *markup;    /* a message begins with it */
    int                  token;
} rt_echo_kind_t;


typedef struct {
    double  server[RT_ECHO_MAX_ROUNDS];         /* microseconds of CPU */
    double  bare[RT_ECHO_MAX_ROUNDS];
    double  speed[RT_ECHO_MAX_ROUNDS];
    double  p50[RT_ECHO_MAX_ROUNDS];
    double  p99[RT_ECHO_MAX_ROUNDS];
} rt_echo_figures_t;


typedef struct {
    rt_bench_opts_t         o;
    const rt_echo_kind_t   *kind;
    rt_token_keys_t         keys;
    rt_tokens_t             tokens;
    double                  plain[RT_ECHO_QUESTIONS];   /* first row's CPU */
    rt_server_t             server;
    rt_bare_t               bare;
    rt_fleet_t              fleet[2];   /* at the server, at the bare one */
    uint32_t                total;      /* round trips of this phase */
    uint32_t                asked;
    uint32_t                answered;
    uint32_t               *got;        /* per client: packets of its answer */
    uint64_t               *asked_at;
    char                    room[16];
    int                     learning;
    size_t                  nlearned;
    u_char                  learned[RT_BARE_REPLY_MAX];
    rt_hist_t               hist;
} rt_echo_t;


static rt_int_t rt_echo_open(rt_echo_t *e);
static rt_int_t rt_echo_connect(rt_echo_t *e, uint32_t i, uint16_t port);
static rt_int_t rt_echo_close(rt_echo_t *e, rt_int_t rc);
static rt_int_t rt_echo_kind(rt_echo_t *e, const rt_echo_kind_t *kind,
    rt_table_t *t);
static rt_int_t rt_echo_rounds(rt_echo_t *e, rt_echo_figures_t *fig);
static rt_int_t rt_echo_learn(rt_echo_t *e);
static rt_int_t rt_echo_phase(rt_echo_t *e, uint32_t who, uint32_t clients,
    uint32_t total);
static void rt_echo_ask(rt_echo_t *e, rt_fleet_t *fleet, rt_client_t *c);
static int rt_echo_message(rt_echo_t *e, rt_client_t *c, char *dst,
    size_t size);
static void rt_echo_on_packet(rt_fleet_t *fleet, rt_client_t *c,
    const rt_frame_t *f);
static int rt_echo_is_answer(const rt_echo_kind_t *kind, rt_str_t payload);
static void rt_echo_row(rt_echo_t *e, rt_echo_figures_t *fig, rt_table_t *t);


static const rt_echo_kind_t  rt_echo_kinds[] = {
    { "ping, pong", RT_PATH_DEFAULT, RT_ECHO_PING, NULL, 0 },
    { "ping, token", RT_PATH_QUIET, RT_ECHO_PING, NULL, 1 },
    { "message:send, ack", RT_PATH_DEFAULT, RT_ECHO_MESSAGE, NULL, 0 },
    { "message:send, token", RT_PATH_QUIET, RT_ECHO_MESSAGE, NULL, 1 },
    { "message:send, limits", RT_PATH_LIMITED, RT_ECHO_MESSAGE, NULL, 0 },
    { "message:send, limits, token", RT_PATH_LIMITED, RT_ECHO_MESSAGE, NULL,
      1 },
    { "message:send, not cleaned", RT_PATH_RAW, RT_ECHO_MESSAGE, NULL, 0 },
    { "message:send, logged", RT_PATH_LOGGED, RT_ECHO_MESSAGE, NULL, 0 },
    { "message:send, markup", RT_PATH_DEFAULT, RT_ECHO_MESSAGE,
      RT_ECHO_MARKUP, 0 },
    { "message:send, markup not cleaned", RT_PATH_RAW, RT_ECHO_MESSAGE,
      RT_ECHO_MARKUP, 0 }
};


/* how the packets of an answer begin */

static const char  *rt_echo_answers[RT_ECHO_QUESTIONS][2] = {
    { "42[\"pong\"", NULL },
    { "42[\"message:new\"", "431[{\"success\":true" }
};


rt_int_t
rt_bench_echo(const rt_bench_opts_t *o)
{
    size_t       i;
    rt_int_t     rc;
    rt_echo_t   *e;
    rt_table_t   t;

    e = calloc(1, sizeof(rt_echo_t));
    if (e == NULL) {
        return rt_bench_fail("no memory");
    }

    e->o = *o;
    memset(&t, 0, sizeof(t));
    rt_table_add(&t, "round trip|ratio|to plain|us/trip|bare us|trips/s|"
                 "p50 ms|p99 ms");

    rc = rt_echo_open(e);

    for (i = 0; i < rt_nitems(rt_echo_kinds) && rc == RT_OK; i++) {
        rc = rt_echo_kind(e, &rt_echo_kinds[i], &t);
    }

    if (rc == RT_OK) {
        printf("echo: %u clients, %u round trips, %u characters, %u worker%s, "
               "median of %u rounds\n", o->clients, o->messages, o->size,
               o->workers, o->workers == 1 ? "" : "s", o->rounds);
        rt_table_print(&t);
    }

    rc = rt_echo_close(e, rc);
    free(e);

    return rc;
}


static rt_int_t
rt_echo_open(rt_echo_t *e)
{
    rt_bench_opts_t  *o;

    o = &e->o;

    if (o->clients > 8000) {
        return rt_bench_fail("echo takes at most 8000 clients");
    }

    e->got = calloc(o->clients, sizeof(uint32_t));
    e->asked_at = calloc(o->clients, sizeof(uint64_t));

    if (e->got == NULL || e->asked_at == NULL) {
        return rt_bench_fail("no memory");
    }

    if (o->port == 0) {
        if (rt_token_keys_make(&e->keys) != RT_OK
            || rt_tokens_make(&e->tokens, &e->keys, RT_TOKEN_HS256,
                              o->clients)
               != RT_OK)
        {
            return RT_ERROR;
        }

        o->keys = &e->keys;
    }

    /* of two rows' clients, those who leave are still there for a moment */

    if (rt_server_start(&e->server, o, 2 * o->clients) != RT_OK
        || rt_bare_start(&e->bare) != RT_OK
        || rt_echo_connect(e, 1, e->bare.port) != RT_OK)
    {
        return RT_ERROR;
    }

    return RT_OK;
}


/* every row has rooms of its own: old ones may not be empty yet */

static rt_int_t
rt_echo_connect(rt_echo_t *e, uint32_t i, uint16_t port)
{
    rt_fleet_t  *fleet;

    fleet = &e->fleet[i];
    memset(fleet, 0, sizeof(rt_fleet_t));

    fleet->port = port;
    fleet->count = e->o.clients;
    fleet->rate = e->o.rate;
    fleet->data = e;

    if (i == 0) {
        snprintf(e->room, sizeof(e->room), "e%d-",
                 (int) (e->kind - rt_echo_kinds));

        fleet->room = e->room;
        fleet->room_size = 1;
        fleet->path = e->kind->path;
        fleet->tokens = e->kind->token ? &e->tokens : NULL;
    }

    if (rt_fleet_open(fleet) != RT_OK) {
        return RT_ERROR;
    }

    if (rt_fleet_wait_ready(fleet, 30000) != RT_OK) {
        return rt_bench_fail("%s server: %s", i ? "bare" : "the",
                             fleet->why);
    }

    rt_fleet_settle(fleet, 300);
    fleet->on_packet = rt_echo_on_packet;

    return RT_OK;
}


static rt_int_t
rt_echo_close(rt_echo_t *e, rt_int_t rc)
{
    rt_fleet_close(&e->fleet[0]);
    rt_fleet_close(&e->fleet[1]);
    rt_bare_stop(&e->bare);
    rc = rt_server_stop(&e->server, rc);

    rt_tokens_free(&e->tokens);
    rt_token_keys_free(&e->keys);
    free(e->got);
    free(e->asked_at);

    return rc;
}


static rt_int_t
rt_echo_kind(rt_echo_t *e, const rt_echo_kind_t *kind, rt_table_t *t)
{
    rt_echo_figures_t  fig;

    if (!rt_bench_wanted(&e->o, kind->name)
        || (e->o.keys == NULL && (kind->token
                                  || strcmp(kind->path, RT_PATH_DEFAULT))))
    {
        return RT_OK;
    }

    e->kind = kind;

    if (rt_echo_connect(e, 0, e->server.port) != RT_OK
        || rt_echo_learn(e) != RT_OK
        || rt_echo_rounds(e, &fig) != RT_OK)
    {
        return RT_ERROR;
    }

    rt_echo_row(e, &fig, t);
    rt_fleet_close(&e->fleet[0]);

    return RT_OK;
}


static rt_int_t
rt_echo_rounds(rt_echo_t *e, rt_echo_figures_t *fig)
{
    uint32_t  round, total, clients;
    uint64_t  began, cpu;

    total = e->o.messages;
    clients = e->o.clients;

    for (round = 0; round < e->o.rounds; round++) {

        cpu = rt_server_cpu(&e->server);
        began = rt_bench_now();

        if (rt_echo_phase(e, 0, clients, total) != RT_OK) {
            return RT_ERROR;
        }

        fig->speed[round] = rt_bench_ratio(total * 1e6,
                               (double) (rt_bench_now() - began));
        fig->p50[round] = (double) rt_hist_percentile(&e->hist, 50) / 1000;
        fig->p99[round] = (double) rt_hist_percentile(&e->hist, 99) / 1000;

        rt_fleet_settle(&e->fleet[0], 20);
        fig->server[round] = (double) (rt_server_cpu(&e->server) - cpu)
                             / 1000 / total;

        cpu = rt_bare_cpu(&e->bare);

        if (rt_echo_phase(e, 1, clients, total) != RT_OK) {
            return RT_ERROR;
        }

        rt_fleet_settle(&e->fleet[1], 20);
        fig->bare[round] = (double) (rt_bare_cpu(&e->bare) - cpu)
                           / 1000 / total;
    }

    return RT_OK;
}


/* one round trip of one client; its bytes are what the bare server sends */

static rt_int_t
rt_echo_learn(rt_echo_t *e)
{
    rt_int_t  rc;

    e->learning = 1;
    e->nlearned = 0;

    rc = rt_echo_phase(e, 0, 1, 1);

    e->learning = 0;

    if (rc != RT_OK) {
        return RT_ERROR;
    }

    return rt_bare_prepare(&e->bare, rt_str(e->nlearned, e->learned), 0);
}


static rt_int_t
rt_echo_phase(rt_echo_t *e, uint32_t who, uint32_t clients, uint32_t total)
{
    uint32_t     i;
    uint64_t     deadline;
    rt_fleet_t  *fleet;

    fleet = &e->fleet[who];

    e->total = total;
    e->asked = 0;
    e->answered = 0;
    memset(&e->hist, 0, sizeof(rt_hist_t));

    rt_fleet_poll(fleet, 0);

    for (i = 0; i < clients && fleet->failed == 0; i++) {
        rt_echo_ask(e, fleet, &fleet->clients[i]);
    }

    deadline = rt_bench_now() + RT_ECHO_MSEC * 1000ull;

    while (e->answered < total && fleet->failed == 0
           && rt_bench_left(deadline))
    {
        rt_fleet_poll(fleet, 100);
    }

    if (e->answered < total) {
        return rt_bench_fail("echo (%s): %u of %u round trips, %u clients "
                             "failed%s%s", e->kind->name, e->answered, total,
                             fleet->failed, fleet->failed ? ": " : "",
                             fleet->why);
    }

    return RT_OK;
}


static void
rt_echo_ask(rt_echo_t *e, rt_fleet_t *fleet, rt_client_t *c)
{
    int     len;
    char    text[RT_ECHO_TEXT_MAX];
    size_t  n;
    u_char  frame[RT_ECHO_TEXT_MAX + RT_FRAME_HEAD_MAX];

    if (e->asked == e->total) {
        return;
    }

    e->asked++;
    e->got[c->index] = 0;
    e->asked_at[c->index] = rt_bench_now();

    len = (e->kind->question == RT_ECHO_PING)
          ? snprintf(text, sizeof(text), "42[\"ping\"]")
          : rt_echo_message(e, c, text, sizeof(text));

    n = rt_frame_write(frame, RT_FRAME_TEXT, rt_str((size_t) len, text));

    (void) rt_client_send(fleet, c, rt_str(n, frame));
}


/* markup is as long as other messages are, if they are long enough */

static int
rt_echo_message(rt_echo_t *e, rt_client_t *c, char *dst, size_t size)
{
    char         room[64];
    size_t       len;
    const char  *markup;

    markup = e->kind->markup ? e->kind->markup : "";
    len = strlen(markup);

    (void) rt_client_room(&e->fleet[0], c, room, sizeof(room));

    return snprintf(dst, size,
                    "421[\"message:send\",{\"roomName\":\"%s\","
                    "\"content\":\"%s%0*u\"}]", room, markup,
                    e->o.size > len ? (int) (e->o.size - len) : 1, 0);
}


static void
rt_echo_on_packet(rt_fleet_t *fleet, rt_client_t *c, const rt_frame_t *f)
{
    rt_echo_t  *e;

    e = fleet->data;

    if (e->kind == NULL || !rt_echo_is_answer(e->kind, f->payload)) {
        return;
    }

    if (e->learning && e->nlearned + f->raw.len <= sizeof(e->learned)) {
        memcpy(e->learned + e->nlearned, f->raw.data, f->raw.len);
        e->nlearned += f->raw.len;
    }

    if (++e->got[c->index] < (e->kind->question == RT_ECHO_PING ? 1 : 2)) {
        return;
    }

    e->answered++;
    rt_hist_add(&e->hist, rt_bench_now() - e->asked_at[c->index]);

    rt_echo_ask(e, fleet, c);
}


static int
rt_echo_is_answer(const rt_echo_kind_t *kind, rt_str_t payload)
{
    const char  **answers;

    answers = rt_echo_answers[kind->question];

    return rt_bench_begins(payload, answers[0])
           || (answers[1] && rt_bench_begins(payload, answers[1]));
}


static void
rt_echo_row(rt_echo_t *e, rt_echo_figures_t *fig, rt_table_t *t)
{
    char                 plain[16];
    double               server, bare, *first;
    uint32_t             n;
    rt_echo_question_e   question;

    n = e->o.rounds;
    server = rt_bench_median(fig->server, n);
    bare = rt_bench_median(fig->bare, n);

    question = e->kind->question;
    first = &e->plain[question];

    if (e->kind == rt_echo_kinds || e->kind[-1].question != question) {
        *first = server;
    }

    rt_bench_ratio_text(plain, sizeof(plain), server, *first);

    rt_table_add(t, "%s|%.2f|%s|%.2f|%.2f|%.0f|%.2f|%.2f", e->kind->name,
                 rt_bench_ratio(server, bare), plain, server, bare,
                 rt_bench_median(fig->speed, n), rt_bench_median(fig->p50, n),
                 rt_bench_median(fig->p99, n));
}
