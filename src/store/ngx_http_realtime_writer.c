
/*
 * One batch after the other: from the ring into the database.
 */


#include "store/ngx_http_realtime_writer.h"


static ngx_int_t ngx_http_realtime_writer_gather(
    ngx_http_realtime_store_t *st);
static ngx_int_t ngx_http_realtime_writer_read(ngx_http_realtime_store_t *st,
    uint64_t *pos, ngx_http_realtime_fact_t *f);
static ngx_int_t ngx_http_realtime_writer_send(ngx_http_realtime_store_t *st);
static ngx_uint_t ngx_http_realtime_writer_wanted(
    ngx_http_realtime_store_t *st, ngx_uint_t i);
static ngx_int_t ngx_http_realtime_writer_prepare(
    ngx_http_realtime_store_t *st);
static void ngx_http_realtime_writer_done(ngx_http_realtime_pg_query_t *q,
    PGresult *res, ngx_int_t rc);
static void ngx_http_realtime_writer_refused(ngx_http_realtime_store_t *st,
    PGresult *res);
static void ngx_http_realtime_writer_finish(ngx_http_realtime_store_t *st);
static ngx_int_t ngx_http_realtime_writer_portion(
    ngx_http_realtime_store_t *st);
static void ngx_http_realtime_writer_failed(ngx_http_realtime_store_t *st);


/* between attempts when the database refuses to do its work, ms */
#define NGX_HTTP_REALTIME_WRITER_RETRY    1000
#define NGX_HTTP_REALTIME_WRITER_PATIENT  30000


/* the next batch, if there is anything and nothing is under way */

void
ngx_http_realtime_writer_write(ngx_http_realtime_store_t *st)
{
    ngx_int_t  rc;

    if (!st->writer || st->pending) {
        return;
    }

    if (!ngx_http_realtime_pg_writable(&st->pg)) {

        /* one that had nothing to do for long; to all others it is harmless */

        if (ngx_http_realtime_facts_waiting(st->rows)) {
            ngx_http_realtime_pg_open(&st->pg);
        }

        return;
    }

    rc = ngx_http_realtime_writer_gather(st);

    if (rc == NGX_OK && st->batch->facts == 0) {

        if (ngx_http_realtime_facts_sleep(st->rows, st->end) != NGX_OK) {
            ngx_http_realtime_writer_later(st, NGX_HTTP_REALTIME_STORE_SOON);
        }

        return;
    }

    if (rc != NGX_OK || ngx_http_realtime_writer_send(st) != NGX_OK) {
        ngx_http_realtime_writer_later(st, NGX_HTTP_REALTIME_WRITER_RETRY);
    }
}


static ngx_int_t
ngx_http_realtime_writer_gather(ngx_http_realtime_store_t *st)
{
    uint64_t                   pos;
    ngx_int_t                  rc;
    ngx_http_realtime_fact_t   f;

    ngx_http_realtime_batch_reset(st->batch, st->rows->sh->seed, st->log);

    st->end = atomic_load(&st->rows->sh->done);
    st->more = 1;

    while (st->batch->facts < st->most) {

        pos = st->end;
        rc = ngx_http_realtime_writer_read(st, &pos, &f);

        if (rc == NGX_AGAIN) {
            st->more = 0;
            return NGX_OK;
        }

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc == NGX_DECLINED) {

            /* nobody writes over what is not done: not to be met */

            ngx_log_error(NGX_LOG_ALERT, st->log, 0,
                          "realtime: no fact in zone \"%V\" at %uL",
                          &st->rows->shm->shm.name, st->end);

            st->end = (pos > st->end) ? pos
                                      : rt_ring_head(st->rows->sh->ring);
            continue;
        }

        if (ngx_http_realtime_batch_add(st->batch, &f) != NGX_OK) {
            return NGX_OK;
        }

        st->end = pos;
    }

    return NGX_OK;
}


/* NGX_ERROR: no memory */

static ngx_int_t
ngx_http_realtime_writer_read(ngx_http_realtime_store_t *st, uint64_t *pos,
    ngx_http_realtime_fact_t *f)
{
    size_t     len;
    u_char    *buf;
    ngx_int_t  rc;

    for ( ;; ) {
        rc = ngx_http_realtime_facts_read(st->rows, pos, st->buf, st->size,
                                         &len, f);
        if (rc != NGX_BUSY) {
            return (rc == NGX_OK || rc == NGX_AGAIN) ? rc : NGX_DECLINED;
        }

        buf = ngx_alloc(ngx_max(len, 65536), st->log);
        if (buf == NULL) {
            return NGX_ERROR;
        }

        if (st->buf) {
            ngx_free(st->buf);
        }

        st->buf = buf;
        st->size = ngx_max(len, 65536);
    }
}


static ngx_int_t
ngx_http_realtime_writer_send(ngx_http_realtime_store_t *st)
{
    ngx_uint_t                            i, n;
    u_char                                portion[NGX_INT_T_LEN + 1];
    const char                           *values[16], *joins;
    const ngx_http_realtime_statement_t  *sql;

    st->nqueries = 0;
    st->result = NGX_OK;
    st->refusing = 0;
    st->closed = 0;

    ngx_sprintf(portion, "%ui%Z", st->portion);

    joins = ngx_http_realtime_batch_ids(st->batch,
                                        NGX_HTTP_REALTIME_LANE_JOIN);

    if (joins == NULL
        || ngx_http_realtime_writer_prepare(st) != NGX_OK
        || ngx_http_realtime_writer_query(st,
                                          ngx_http_realtime_statement_quiet,
                                          NULL, 0)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < ngx_http_realtime_nstatements; i++) {

        sql = &ngx_http_realtime_statements[i];

        if (!ngx_http_realtime_writer_wanted(st, i)) {
            continue;
        }

        (void) ngx_http_realtime_batch_values(st->batch, sql, values);

        n = sql->columns;
        values[n++] = (char *) st->conf->host.data;

        if (sql->extra == NGX_HTTP_REALTIME_EXTRA_JOINS) {
            values[n++] = joins;

        } else if (sql->extra == NGX_HTTP_REALTIME_EXTRA_PORTION) {
            values[n++] = (char *) portion;
        }

        if (ngx_http_realtime_writer_query(st, sql->sql, values, n)
            != NGX_OK)
        {
            return NGX_ERROR;       /* which is the end of the connection */
        }
    }

    ngx_http_realtime_pg_sync(&st->pg);

    return NGX_OK;
}


/* of those that are executed in portions, one at a time */

static ngx_uint_t
ngx_http_realtime_writer_wanted(ngx_http_realtime_store_t *st, ngx_uint_t i)
{
    ngx_uint_t                            k, step = 0;
    const ngx_http_realtime_statement_t  *sql = ngx_http_realtime_statements;

    if (ngx_http_realtime_batch_rows(st->batch, sql[i].lane) == 0) {
        return 0;
    }

    if (sql[i].extra != NGX_HTTP_REALTIME_EXTRA_PORTION) {
        return 1;
    }

    for (k = 0; k < i; k++) {
        step += (sql[k].extra == NGX_HTTP_REALTIME_EXTRA_PORTION);
    }

    return step == st->step;
}


/* a segment that has begun is not to end before its time, as if whole */

static ngx_int_t
ngx_http_realtime_writer_prepare(ngx_http_realtime_store_t *st)
{
    ngx_uint_t   i;
    const char  *values[16];

    for (i = 0; i < ngx_http_realtime_nstatements; i++) {
        if (ngx_http_realtime_batch_values(st->batch,
                                           &ngx_http_realtime_statements[i],
                                           values)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_realtime_writer_query(ngx_http_realtime_store_t *st, const char *sql,
    const char **values, ngx_uint_t n)
{
    ngx_uint_t                     i;
    ngx_http_realtime_pg_query_t  *q = &st->queries[st->nqueries++];

    ngx_memzero(q, sizeof(ngx_http_realtime_pg_query_t));

    q->sql = sql;
    q->n = n;
    q->done = ngx_http_realtime_writer_done;
    q->data = st;

    for (i = 0; i < n; i++) {
        q->values[i] = values[i];
    }

    if (ngx_http_realtime_pg_send(&st->pg, q) != NGX_OK) {
        return NGX_ERROR;
    }

    st->pending++;

    return NGX_OK;
}


static void
ngx_http_realtime_writer_done(ngx_http_realtime_pg_query_t *q, PGresult *res,
    ngx_int_t rc)
{
    ngx_http_realtime_store_t  *st = q->data;

    if (rc == NGX_DECLINED) {
        ngx_http_realtime_writer_refused(st, res);
    }

    /* that another one has failed says nothing of this one */

    if (rc != NGX_OK && (st->result == NGX_OK || st->result == NGX_ABORT)) {
        st->result = rc;
    }

    if (rc == NGX_OK && st->batch->host && q->n) {
        st->closed += ngx_atoi((u_char *) PQcmdTuples(res),
                               ngx_strlen(PQcmdTuples(res)));
    }

    if (--st->pending == 0) {
        ngx_http_realtime_writer_finish(st);
    }
}


/*
 * Class 22 and 23 (PostgreSQL, Appendix A) are about data, and so is what is
 * too long or too complex for the server: whatever is tried, that fact stays
 * bad.
 */

static void
ngx_http_realtime_writer_refused(ngx_http_realtime_store_t *st, PGresult *res)
{
    ngx_http_realtime_pg_error_t  e;

    ngx_http_realtime_pg_explain(res, &e);

    st->refusing = (ngx_strncmp(e.sqlstate, "22", 2) == 0
                    || ngx_strncmp(e.sqlstate, "23", 2) == 0
                    || ngx_strncmp(e.sqlstate, "54", 2) == 0);

    if (st->refusing) {

        /* the one, when it is found; the others are counted */

        if (st->batch->facts > 1
            || (st->told
                && ngx_time() - st->told < NGX_HTTP_REALTIME_STORE_CLEAN))
        {
            return;
        }

        st->told = ngx_time();

    } else if (ngx_strcmp(e.sqlstate, st->error) == 0) {
        return;

    } else {
        ngx_memcpy(st->error, e.sqlstate, sizeof(st->error));
    }

    ngx_log_error(NGX_LOG_ERR, st->log, 0,
                  "realtime postgres %V: %s: %V (SQLSTATE %s)%s%s",
                  &st->conf->url.text,
                  st->refusing ? "a row is refused"
                               : "rows wait, they cannot be written",
                  &e.message, e.sqlstate, e.remedy ? ": " : "",
                  e.remedy ? e.remedy : "");
}


static void
ngx_http_realtime_writer_finish(ngx_http_realtime_store_t *st)
{
    if (!st->writer) {
        return;
    }

    if (st->result != NGX_OK) {
        ngx_http_realtime_writer_failed(st);
        return;
    }

    /* a smaller batch than the one that failed may well do without its fault */

    if (st->end >= st->stuck) {

        if (st->retry) {
            ngx_log_error(NGX_LOG_NOTICE, st->log, 0,
                          "realtime postgres %V: rows are written again",
                          &st->conf->url.text);
            st->retry = 0;
        }

        st->error[0] = '\0';
        atomic_store(&st->rows->sh->rows.failing, 0);
    }

    if (st->batch->host
        && ngx_http_realtime_writer_portion(st) != NGX_OK)
    {
        ngx_http_realtime_writer_later(st, 1);
        return;
    }

    ngx_http_realtime_facts_done(st->rows, st->end);
    atomic_fetch_add(&st->rows->sh->rows.written, st->batch->facts);

    st->most = ngx_min(st->most * 2, NGX_HTTP_REALTIME_BATCH_MAX);

    /* what did not fit, or has to come later, follows at once */

    if (st->more || st->batch->facts >= NGX_HTTP_REALTIME_BATCH_MAX / 4) {
        ngx_http_realtime_writer_later(st, 1);

    } else {
        ngx_http_realtime_writer_later(st, NGX_HTTP_REALTIME_STORE_SOON);
    }
}


/*
 * A portion of what the host left open has been closed: NGX_OK, nothing is
 * left; NGX_AGAIN: there may be more.
 */

static ngx_int_t
ngx_http_realtime_writer_portion(ngx_http_realtime_store_t *st)
{
    ngx_uint_t  i;

    if (st->closed) {
        return NGX_AGAIN;
    }

    st->step++;

    for (i = 0; i < ngx_http_realtime_nstatements; i++) {
        if (ngx_http_realtime_writer_wanted(st, i)) {
            return NGX_AGAIN;
        }
    }

    st->step = 0;
    st->portion = NGX_HTTP_REALTIME_STORE_PORTION;

    return NGX_OK;
}


static void
ngx_http_realtime_writer_failed(ngx_http_realtime_store_t *st)
{
    /* cleaning up has no facts, and another time */

    if (st->batch->facts == 0) {
        return;
    }

    /* it may have been too much for the time that it had */

    if (!st->refusing && st->batch->host) {
        st->portion = ngx_max(st->portion / 2, 1);

    } else if (!st->refusing) {
        st->most = ngx_max(st->batch->facts / 2, 1);
    }

    if (st->result == NGX_ERROR) {
        return;                         /* goes on when it is ready again */
    }

    if (!st->refusing) {
        st->stuck = ngx_max(st->stuck, st->end);
        atomic_store(&st->rows->sh->rows.failing, 1);
        st->retry = st->retry ? ngx_min(st->retry * 2,
                                        NGX_HTTP_REALTIME_WRITER_PATIENT)
                              : NGX_HTTP_REALTIME_WRITER_RETRY;
        ngx_http_realtime_writer_later(st, st->retry);
        return;
    }

    /* which one it is, is found by halves */

    if (st->batch->facts > 1) {
        st->most = st->batch->facts / 2;

    } else {
        ngx_http_realtime_facts_done(st->rows, st->end);
        atomic_fetch_add(&st->rows->sh->rows.refused, 1);
        st->most = 1;
        st->step = 0;
    }

    ngx_http_realtime_writer_later(st, 1);
}


void
ngx_http_realtime_writer_later(ngx_http_realtime_store_t *st, ngx_msec_t delay)
{
    if (st->writer) {
        ngx_add_timer(&st->soon, delay);
    }
}
