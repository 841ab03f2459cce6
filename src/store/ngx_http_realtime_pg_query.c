
#include "store/ngx_http_realtime_pg_inner.h"


static ngx_int_t ngx_http_realtime_pg_begin(ngx_http_realtime_pg_t *pg);
static ngx_http_realtime_pg_slot_t *ngx_http_realtime_pg_slot(
    ngx_http_realtime_pg_t *pg);
static void ngx_http_realtime_pg_free(ngx_http_realtime_pg_t *pg,
    ngx_http_realtime_pg_slot_t *slot);
static void ngx_http_realtime_pg_break(ngx_http_realtime_pg_t *pg);
static ngx_int_t ngx_http_realtime_pg_take(ngx_http_realtime_pg_t *pg,
    PGresult *res);
static void ngx_http_realtime_pg_settle(ngx_http_realtime_pg_t *pg);
static void ngx_http_realtime_pg_blame(ngx_http_realtime_pg_t *pg);
static void ngx_http_realtime_pg_answer(ngx_http_realtime_pg_t *pg,
    ngx_uint_t failed);


#define ngx_http_realtime_pg_slot_of(q)                                       \
    (ngx_queue_data(q, ngx_http_realtime_pg_slot_t, link))

/* what a query is beside SQL and parameters, about */
#define NGX_HTTP_REALTIME_PG_OVERHEAD  128


ngx_int_t
ngx_http_realtime_pg_send(ngx_http_realtime_pg_t *pg,
    ngx_http_realtime_pg_query_t *q)
{
    ngx_uint_t                    i;
    ngx_http_realtime_pg_slot_t  *slot;

    if (!ngx_http_realtime_pg_ready(pg)) {
        ngx_http_realtime_pg_open(pg);
        return NGX_AGAIN;
    }

    if (!pg->segment) {

        if (!ngx_http_realtime_pg_writable(pg)) {
            pg->full = 1;
            return NGX_AGAIN;
        }

        if (ngx_http_realtime_pg_begin(pg) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    slot = ngx_http_realtime_pg_slot(pg);

    if (slot == NULL
        || !PQsendQueryParams(pg->conn, q->sql, q->n, q->types, q->values,
                              q->lengths, q->formats, 0))
    {
        if (slot) {
            ngx_http_realtime_pg_free(pg, slot);
        }

        ngx_http_realtime_pg_break(pg);
        return NGX_ERROR;
    }

    slot->query = q;
    q->slot = slot;

    pg->queued += NGX_HTTP_REALTIME_PG_OVERHEAD + ngx_strlen(q->sql);

    for (i = 0; i < q->n; i++) {
        if (q->values[i]) {
            pg->queued += q->formats[i] ? (size_t) q->lengths[i]
                                        : ngx_strlen(q->values[i]);
        }
    }

    return NGX_OK;
}


/*
 * The server's own timeout, for this transaction only: a session may be
 * somebody else's before and after.  It holds for each of the queries behind
 * it, as each is timed by itself.
 */

static ngx_int_t
ngx_http_realtime_pg_begin(ngx_http_realtime_pg_t *pg)
{
    const char                   *value = pg->timeout;
    ngx_http_realtime_pg_slot_t  *slot;

    if (pg->conf->statement_timeout == 0) {
        pg->segment = 1;
        return NGX_OK;
    }

    slot = ngx_http_realtime_pg_slot(pg);

    if (slot && PQsendQueryParams(pg->conn,
                    "SELECT set_config('statement_timeout', $1, true)", 1,
                    NULL, &value, NULL, NULL, 0))
    {
        pg->queued += NGX_HTTP_REALTIME_PG_OVERHEAD;
        pg->segment = 1;
        return NGX_OK;
    }

    if (slot) {
        ngx_http_realtime_pg_free(pg, slot);
    }

    ngx_http_realtime_pg_break(pg);

    return NGX_ERROR;
}


/* at the end of the queue */

static ngx_http_realtime_pg_slot_t *
ngx_http_realtime_pg_slot(ngx_http_realtime_pg_t *pg)
{
    ngx_http_realtime_pg_slot_t  *slot = pg->spare;

    if (slot) {
        pg->spare = slot->next;
        ngx_memzero(slot, sizeof(ngx_http_realtime_pg_slot_t));

    } else {
        slot = ngx_calloc(sizeof(ngx_http_realtime_pg_slot_t), pg->log);
        if (slot == NULL) {
            return NULL;
        }
    }

    if (!ngx_http_realtime_pg_busy(pg)) {

        /* the clock of the oldest one starts */

        ngx_queue_insert_tail(&pg->slots, &slot->link);
        ngx_http_realtime_pg_timer(pg);

    } else {
        ngx_queue_insert_tail(&pg->slots, &slot->link);
    }

    if (pg->next == ngx_queue_sentinel(&pg->slots)) {
        pg->next = &slot->link;
    }

    return slot;
}


static void
ngx_http_realtime_pg_free(ngx_http_realtime_pg_t *pg,
    ngx_http_realtime_pg_slot_t *slot)
{
    if (pg->next == &slot->link) {
        pg->next = ngx_queue_next(&slot->link);
    }

    ngx_queue_remove(&slot->link);
    PQclear(slot->res);

    slot->next = pg->spare;
    pg->spare = slot;
}


/* no callbacks from here: the caller is not prepared */

static void
ngx_http_realtime_pg_break(ngx_http_realtime_pg_t *pg)
{
    pg->broken = 1;
    ngx_post_event(&pg->turn, &ngx_posted_events);
}


void
ngx_http_realtime_pg_sync(ngx_http_realtime_pg_t *pg)
{
    ngx_queue_t  *last;

    if (!pg->segment || !ngx_http_realtime_pg_ready(pg)) {
        return;
    }

    pg->segment = 0;

    last = ngx_queue_last(&pg->slots);
    ngx_http_realtime_pg_slot_of(last)->last = 1;

    /* this writes as much as the socket takes, and may have to read then */

    if (!PQpipelineSync(pg->conn)) {
        ngx_http_realtime_pg_break(pg);
        return;
    }

    ngx_post_event(&pg->turn, &ngx_posted_events);
}


void
ngx_http_realtime_pg_forget(ngx_http_realtime_pg_query_t *q)
{
    if (q->slot) {
        q->slot->query = NULL;
        q->slot = NULL;
    }
}


ngx_int_t
ngx_http_realtime_pg_results(ngx_http_realtime_pg_t *pg)
{
    PGconn      *conn = pg->conn;
    PGresult    *res;
    ngx_uint_t   nulls = 0;

    /* one NULL ends the results of a query, more the results of all */

    while (!PQisBusy(conn) && nulls < 3) {

        res = PQgetResult(conn);

        if (res == NULL) {
            nulls++;
            continue;
        }

        nulls = 0;

        if (ngx_http_realtime_pg_take(pg, res) != NGX_OK) {
            return NGX_ERROR;
        }

        if (pg->conn != conn) {
            return NGX_DONE;
        }
    }

    return PQstatus(conn) == CONNECTION_OK ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_http_realtime_pg_take(ngx_http_realtime_pg_t *pg, PGresult *res)
{
    ngx_queue_t                  *before;
    ngx_http_realtime_pg_slot_t  *slot;

    switch (PQresultStatus(res)) {

    case PGRES_PIPELINE_SYNC:
        PQclear(res);
        ngx_http_realtime_pg_settle(pg);
        return NGX_OK;

    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_EMPTY_QUERY:
    case PGRES_PIPELINE_ABORTED:
        break;

    case PGRES_FATAL_ERROR:

        if (PQresultErrorField(res, PG_DIAG_SQLSTATE) != NULL) {
            ngx_http_realtime_pg_said(pg, res);
            pg->failed = 1;
            break;
        }

        /* libpq's own: the connection is gone */

        /* fall through */

    default:

        /* libpq would answer COPY for ever */

        PQclear(res);
        return NGX_ERROR;
    }

    /* behind the last result: the commit has failed */

    before = ngx_queue_prev(pg->next);

    if (before != ngx_queue_sentinel(&pg->slots)
        && ngx_http_realtime_pg_slot_of(before)->last)
    {
        slot = ngx_http_realtime_pg_slot_of(before);

    } else if (pg->next != ngx_queue_sentinel(&pg->slots)) {
        slot = ngx_http_realtime_pg_slot_of(pg->next);
        pg->next = ngx_queue_next(pg->next);

    } else {
        PQclear(res);
        return NGX_ERROR;
    }

    PQclear(slot->res);
    slot->res = res;

    ngx_http_realtime_pg_timer(pg);

    return NGX_OK;
}


/* a transaction has ended: all of its queries hear of it */

static void
ngx_http_realtime_pg_settle(ngx_http_realtime_pg_t *pg)
{
    PGconn      *conn = pg->conn;
    ngx_uint_t   last, level, failed = pg->failed;

    pg->failed = 0;
    pg->tries = 0;

    /* a pooler lets in whoever comes, also when there is no server behind it */

    if (pg->down) {
        pg->down = 0;
        pg->trouble = NGX_HTTP_REALTIME_PG_NO_TROUBLE;

        level = pg->conf->quiet ? NGX_LOG_DEBUG : NGX_LOG_NOTICE;

        ngx_log_error(level, pg->log, 0, "realtime postgres %V: connected",
                      &pg->conf->url->text);
    }

    if (failed) {
        ngx_http_realtime_pg_blame(pg);
    }

    do {
        if (!ngx_http_realtime_pg_busy(pg)) {
            return;
        }

        last = ngx_http_realtime_pg_slot_of(ngx_queue_head(&pg->slots))->last;

        ngx_http_realtime_pg_answer(pg, failed);

    } while (!last && pg->conn == conn);

    if (pg->conn == conn) {
        ngx_http_realtime_pg_timer(pg);
    }
}


/* a refusal that nobody waits for is that of the next one in its segment */

static void
ngx_http_realtime_pg_blame(ngx_http_realtime_pg_t *pg)
{
    PGresult                     *res = NULL;
    ngx_queue_t                  *q;
    ngx_http_realtime_pg_slot_t  *slot;

    for (q = ngx_queue_head(&pg->slots);
         q != ngx_queue_sentinel(&pg->slots);
         q = ngx_queue_next(q))
    {
        slot = ngx_http_realtime_pg_slot_of(q);

        if (res && slot->query) {
            PQclear(slot->res);
            slot->res = res;
            return;
        }

        if (slot->query == NULL
            && PQresultStatus(slot->res) == PGRES_FATAL_ERROR)
        {
            res = slot->res;
            slot->res = NULL;
        }

        if (slot->last) {
            break;
        }
    }

    PQclear(res);
}


static void
ngx_http_realtime_pg_answer(ngx_http_realtime_pg_t *pg, ngx_uint_t failed)
{
    PGresult                      *res;
    ngx_int_t                      rc = NGX_OK;
    ngx_http_realtime_pg_slot_t   *slot;
    ngx_http_realtime_pg_query_t  *q;

    slot = ngx_http_realtime_pg_slot_of(ngx_queue_head(&pg->slots));

    q = slot->query;
    res = slot->res;
    slot->res = NULL;

    ngx_http_realtime_pg_free(pg, slot);

    if (q == NULL) {
        PQclear(res);
        return;
    }

    q->slot = NULL;

    if (failed) {
        rc = PQresultStatus(res) == PGRES_FATAL_ERROR && res ? NGX_DECLINED
                                                             : NGX_ABORT;
    }

    q->done(q, rc == NGX_ABORT ? NULL : res, rc);

    PQclear(res);
}


void
ngx_http_realtime_pg_fail(ngx_http_realtime_pg_t *pg)
{
    ngx_http_realtime_pg_slot_t   *slot;
    ngx_http_realtime_pg_query_t  *q;

    while (ngx_http_realtime_pg_busy(pg)) {

        slot = ngx_http_realtime_pg_slot_of(ngx_queue_head(&pg->slots));
        q = slot->query;

        ngx_http_realtime_pg_free(pg, slot);

        if (q) {
            q->slot = NULL;
            q->done(q, NULL, NGX_ERROR);
        }
    }

    while (pg->spare) {
        slot = pg->spare;
        pg->spare = slot->next;
        ngx_free(slot);
    }
}
