
#include "store/ngx_http_realtime_pg_inner.h"


static void ngx_http_realtime_pg_timer_handler(ngx_event_t *ev);
static void ngx_http_realtime_pg_turn_handler(ngx_event_t *ev);
static void ngx_http_realtime_pg_salvage(ngx_http_realtime_pg_t *pg);
static void ngx_http_realtime_pg_reset(ngx_http_realtime_pg_t *pg);
static void ngx_http_realtime_pg_retry(ngx_http_realtime_pg_t *pg);
static void ngx_http_realtime_pg_log(ngx_http_realtime_pg_t *pg,
    ngx_uint_t was_ready);


#define NGX_HTTP_REALTIME_PG_RETRY_MIN  250
#define NGX_HTTP_REALTIME_PG_RETRY_MAX  30000
#define NGX_HTTP_REALTIME_PG_OUTPUT     (1024 * 1024)

/* the server times out first, if it can; ms */
#define NGX_HTTP_REALTIME_PG_GRACE      1000


/* what may follow what */

#define to(state)  (1u << NGX_HTTP_REALTIME_PG_##state)

static const ngx_uint_t  ngx_http_realtime_pg_next[] = {
    /* IDLE       */  to(RESOLVING)|to(CONNECTING)|to(WAITING)|to(CLOSED),
    /* RESOLVING  */  to(CONNECTING)|to(WAITING)|to(CLOSED),
    /* CONNECTING */  to(READY)|to(WAITING)|to(CLOSED),
    /* READY      */  to(IDLE)|to(WAITING)|to(CLOSED),
    /* WAITING    */  to(RESOLVING)|to(CONNECTING)|to(WAITING)|to(CLOSED),
    /* CLOSED     */  0
};

#undef to


ngx_int_t
ngx_http_realtime_pg_move(ngx_http_realtime_pg_t *pg,
    ngx_http_realtime_pg_state_e to)
{
    if (!(ngx_http_realtime_pg_next[pg->state] & (1u << to))) {
        ngx_log_error(NGX_LOG_ALERT, pg->log, 0,
                      "realtime postgres %V: no way from state %d to %d",
                      &pg->conf->url->text, (int) pg->state, (int) to);
        return NGX_ERROR;
    }

    ngx_log_debug3(NGX_LOG_DEBUG_HTTP, pg->log, 0,
                   "realtime postgres %V: state %d to %d",
                   &pg->conf->url->text, (int) pg->state, (int) to);

    pg->state = to;

    return NGX_OK;
}


void
ngx_http_realtime_pg_init(ngx_http_realtime_pg_t *pg,
    ngx_http_realtime_pg_conf_t *conf, const ngx_http_realtime_pg_events_t *on,
    void *data, ngx_log_t *log)
{
    ngx_memzero(pg, sizeof(ngx_http_realtime_pg_t));

    if (conf->retry_min == 0) {
        conf->retry_min = NGX_HTTP_REALTIME_PG_RETRY_MIN;
    }

    if (conf->retry_max == 0) {
        conf->retry_max = NGX_HTTP_REALTIME_PG_RETRY_MAX;
    }

    if (conf->output == 0) {
        conf->output = NGX_HTTP_REALTIME_PG_OUTPUT;
    }

    pg->conf = conf;
    pg->on = on;
    pg->data = data;
    pg->log = log;

    ngx_queue_init(&pg->slots);
    pg->next = ngx_queue_sentinel(&pg->slots);

    *ngx_sprintf((u_char *) pg->timeout, "%M", conf->statement_timeout) = 0;

    pg->names.hosts = &conf->url->hosts;
    pg->names.resolver = conf->resolver;
    pg->names.timeout = conf->resolver_timeout;
    pg->names.handler = ngx_http_realtime_pg_connect;
    pg->names.data = pg;
    pg->names.log = log;

    pg->timer.handler = ngx_http_realtime_pg_timer_handler;
    pg->timer.data = pg;
    pg->timer.log = log;
    pg->timer.cancelable = 1;

    pg->turn.handler = ngx_http_realtime_pg_turn_handler;
    pg->turn.data = pg;
    pg->turn.log = log;
}


void
ngx_http_realtime_pg_set_timer(ngx_http_realtime_pg_t *pg, ngx_msec_t delay)
{
    /* nginx would keep a timer that differs by less than 300 ms */

    if (pg->timer.timer_set) {
        ngx_del_timer(&pg->timer);
    }

    ngx_add_timer(&pg->timer, delay);
}


void
ngx_http_realtime_pg_timer(ngx_http_realtime_pg_t *pg)
{
    /* a worker that has been told to go waits for answers, not for idleness */

    pg->timer.cancelable = !ngx_http_realtime_pg_busy(pg);

    if (ngx_http_realtime_pg_busy(pg)) {

        if (pg->conf->statement_timeout) {
            ngx_http_realtime_pg_set_timer(pg, pg->conf->statement_timeout
                                               + NGX_HTTP_REALTIME_PG_GRACE);
            return;
        }

    } else if (pg->conf->idle) {
        ngx_http_realtime_pg_set_timer(pg, pg->conf->idle);
        return;
    }

    if (pg->timer.timer_set) {
        ngx_del_timer(&pg->timer);
    }
}


void
ngx_http_realtime_pg_open(ngx_http_realtime_pg_t *pg)
{
    /* by the timer: this may be before the event loop, or in pg_send() */

    if (pg->state == NGX_HTTP_REALTIME_PG_IDLE && !pg->timer.timer_set) {
        ngx_add_timer(&pg->timer, 0);
    }
}


static void
ngx_http_realtime_pg_timer_handler(ngx_event_t *ev)
{
    ngx_http_realtime_pg_t  *pg = ev->data;

    switch (pg->state) {

    case NGX_HTTP_REALTIME_PG_IDLE:
    case NGX_HTTP_REALTIME_PG_WAITING:
        ngx_http_realtime_pg_start(pg);
        return;

    case NGX_HTTP_REALTIME_PG_CONNECTING:
        ngx_http_realtime_pg_lost(pg, "no connection in time");
        return;

    case NGX_HTTP_REALTIME_PG_READY:

        if (ngx_http_realtime_pg_busy(pg)) {
            ngx_http_realtime_pg_lost(pg, "no answer in time");
            return;
        }

        if (ngx_http_realtime_pg_move(pg, NGX_HTTP_REALTIME_PG_IDLE)
            == NGX_OK)
        {
            ngx_http_realtime_pg_reset(pg);
        }

        return;

    default:
        return;
    }
}


static void
ngx_http_realtime_pg_turn_handler(ngx_event_t *ev)
{
    ngx_http_realtime_pg_t  *pg = ev->data;

    if (pg->state == NGX_HTTP_REALTIME_PG_READY) {
        ngx_http_realtime_pg_turn(pg);
    }
}


void
ngx_http_realtime_pg_said(ngx_http_realtime_pg_t *pg, const PGresult *res)
{
    char  *severity;

    severity = PQresultErrorField(res, PG_DIAG_SEVERITY_NONLOCALIZED);

    if (severity && ngx_strcmp(severity, "FATAL") == 0) {
        ngx_http_realtime_pg_say(pg,
                     PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY));
    }
}


void
ngx_http_realtime_pg_lost(ngx_http_realtime_pg_t *pg, const char *reason)
{
    ngx_uint_t  ready = pg->state == NGX_HTTP_REALTIME_PG_READY;

    if (pg->conn && ready) {
        ngx_http_realtime_pg_salvage(pg);

        if (pg->state != NGX_HTTP_REALTIME_PG_READY) {
            return;
        }
    }

    if (reason) {
        pg->last.len = 0;
    }

    if (pg->last.len == 0) {
        ngx_http_realtime_pg_say(pg, reason ? reason
                                            : PQerrorMessage(pg->conn));
    }

    if (ngx_http_realtime_pg_move(pg, NGX_HTTP_REALTIME_PG_WAITING) != NGX_OK) {
        return;
    }

    ngx_http_realtime_pg_reset(pg);
    ngx_http_realtime_pg_retry(pg);
    ngx_http_realtime_pg_log(pg, ready);
    ngx_http_realtime_pg_fail(pg);

    if (pg->state == NGX_HTTP_REALTIME_PG_WAITING && pg->on->down) {
        pg->on->down(pg, &pg->last);
    }
}


/*
 * Answers that came before the end are handed out.  With its socket shut down
 * libpq finds an end wherever it would wait.
 */

static void
ngx_http_realtime_pg_salvage(ngx_http_realtime_pg_t *pg)
{
    int  fd = PQsocket(pg->conn);

    ngx_http_realtime_pg_unwatch(pg);

    /* pg_send() says NGX_AGAIN from here on */

    pg->broken = 1;

    if (fd != -1) {
        (void) shutdown(fd, SHUT_RDWR);
    }

    (void) ngx_http_realtime_pg_results(pg);
}


/* nothing of a connection is left but what was under way */

static void
ngx_http_realtime_pg_reset(ngx_http_realtime_pg_t *pg)
{
    PGconn  *conn = pg->conn;

    if (pg->timer.timer_set) {
        ngx_del_timer(&pg->timer);
    }

    pg->timer.cancelable = 1;

    if (pg->turn.posted) {
        ngx_delete_posted_event(&pg->turn);
    }

    ngx_http_realtime_names_done(&pg->names);

    if (conn) {
        ngx_http_realtime_pg_unwatch(pg);
        pg->conn = NULL;
        PQfinish(conn);
        ngx_http_realtime_pg_hush();
    }

    pg->queued = 0;
    pg->segment = 0;
    pg->failed = 0;
    pg->full = 0;
    pg->broken = 0;
}


/* full jitter: many workers of many hosts do not come back at once */

static void
ngx_http_realtime_pg_retry(ngx_http_realtime_pg_t *pg)
{
    ngx_msec_t  delay = pg->conf->retry_min;
    ngx_uint_t  i;

    for (i = 0; i < pg->tries && delay < pg->conf->retry_max; i++) {
        delay *= 2;
    }

    delay = ngx_min(delay, pg->conf->retry_max);
    pg->tries++;

    ngx_add_timer(&pg->timer, 1 + (ngx_msec_t) ngx_random() % delay);
}


void
ngx_http_realtime_pg_close(ngx_http_realtime_pg_t *pg)
{
    if (pg->state == NGX_HTTP_REALTIME_PG_CLOSED
        || ngx_http_realtime_pg_move(pg, NGX_HTTP_REALTIME_PG_CLOSED)
           != NGX_OK)
    {
        return;
    }

    ngx_http_realtime_pg_reset(pg);
    ngx_http_realtime_pg_fail(pg);
}


/* what was said last, on one line */

void
ngx_http_realtime_pg_say(ngx_http_realtime_pg_t *pg, const char *text)
{
    u_char  *p = pg->said, *end = pg->said + sizeof(pg->said);

    for ( /* void */ ; text && *text && p < end; text++) {

        if (*text == '\n') {
            if (text[1] == '\0') {
                break;
            }

            *p++ = ';';

        } else {
            *p++ = (*text == '\t') ? ' ' : *text;
        }
    }

    pg->last.data = pg->said;
    pg->last.len = p - pg->said;
}


/* when it changes: hours of the same trouble are one line */

static void
ngx_http_realtime_pg_log(ngx_http_realtime_pg_t *pg, ngx_uint_t was_ready)
{
    ngx_uint_t                       level;
    const char                      *remedy;
    ngx_http_realtime_pg_trouble_e   trouble;

    trouble = ngx_http_realtime_pg_trouble(&pg->last, &remedy);

    if (pg->down && trouble == pg->trouble) {
        return;
    }

    level = pg->conf->quiet ? NGX_LOG_DEBUG : NGX_LOG_ERR;

    ngx_log_error(level, pg->log, 0,
                  "realtime postgres %V: %s: %V%s%s", &pg->conf->url->text,
                  was_ready ? "connection lost" : "no connection", &pg->last,
                  remedy ? "; " : "", remedy ? remedy : "");

    pg->down = 1;
    pg->trouble = trouble;
}
