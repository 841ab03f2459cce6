
/*
 * Questions become queries, and rows become answers.
 */


#include "store/ngx_http_realtime_reader_inner.h"
#include "store/ngx_http_realtime_statements.h"


static ngx_queue_t *ngx_http_realtime_reader_next(
    ngx_http_realtime_reader_t *reader);
static ngx_int_t ngx_http_realtime_reader_send(
    ngx_http_realtime_reader_batch_t *b, ngx_queue_t *waiting);
static ngx_int_t ngx_http_realtime_reader_columns(
    ngx_http_realtime_reader_batch_t *b, ngx_queue_t *waiting);
static void ngx_http_realtime_reader_take(
    ngx_http_realtime_reader_batch_t *b, ngx_queue_t *waiting);
static void ngx_http_realtime_reader_answered(ngx_http_realtime_pg_query_t *q,
    PGresult *res, ngx_int_t rc);
static void ngx_http_realtime_reader_return(
    ngx_http_realtime_reader_batch_t *b);
static ngx_int_t ngx_http_realtime_reader_refused(
    ngx_http_realtime_reader_t *reader, PGresult *res);
static void ngx_http_realtime_reader_complain(
    ngx_http_realtime_reader_t *reader, ngx_http_realtime_pg_error_t *e);
static void ngx_http_realtime_reader_rows(ngx_http_realtime_reader_batch_t *b,
    PGresult *res);
static void ngx_http_realtime_reader_room(ngx_http_realtime_reader_batch_t *b,
    ngx_http_realtime_ask_t *ask, PGresult *res);
static rt_str_t ngx_http_realtime_reader_text(PGresult *res, ngx_int_t row,
    ngx_int_t column);


/* how often it is said why queries are refused, ms */
#define NGX_HTTP_REALTIME_READER_COMPLAIN  60000

/* how long the writer has to find out by itself, s */
#define NGX_HTTP_REALTIME_READER_DOUBT     2


/* by ngx_http_realtime_room_type_e; unknown ones are the first */

static const rt_str_t  ngx_http_realtime_reader_types[] = {
    rt_string("channel"),
    rt_string("dm"),
    rt_string("group"),
    rt_string("broadcast")
};


void
ngx_http_realtime_reader_flush(ngx_http_realtime_reader_t *reader)
{
    ngx_uint_t                         i;
    ngx_queue_t                       *waiting;
    ngx_http_realtime_reader_batch_t  *b;

    for (i = 0; i < NGX_HTTP_REALTIME_READER_BATCHES; i++) {

        b = &reader->batches[i];
        waiting = ngx_http_realtime_reader_next(reader);

        if (waiting == NULL) {
            return;
        }

        if (!ngx_http_realtime_pg_writable(&reader->pg)) {
            ngx_http_realtime_pg_open(&reader->pg);
            return;                     /* ready() follows, or down() */
        }

        if (!b->busy && ngx_http_realtime_reader_send(b, waiting) != NGX_OK) {
            return;
        }
    }
}


/* those who ask the same, and of whom one has waited longest; or NULL */

static ngx_queue_t *
ngx_http_realtime_reader_next(ngx_http_realtime_reader_t *reader)
{
    ngx_uint_t                i;
    ngx_queue_t              *q, *next = NULL;
    ngx_msec_t                since = 0;
    ngx_http_realtime_ask_t  *ask;

    for (i = 0; i < NGX_HTTP_REALTIME_READER_KINDS; i++) {

        q = &reader->waiting[i];

        if (ngx_queue_empty(q)) {
            continue;
        }

        ask = ngx_queue_data(ngx_queue_head(q), ngx_http_realtime_ask_t, link);

        if (next == NULL || (ngx_msec_int_t) (ask->since - since) < 0) {
            next = q;
            since = ask->since;
        }
    }

    return next;
}


/* NGX_ERROR: they still wait */

static ngx_int_t
ngx_http_realtime_reader_send(ngx_http_realtime_reader_batch_t *b,
    ngx_queue_t *waiting)
{
    ngx_http_realtime_reader_t    *reader = b->reader;
    ngx_http_realtime_pg_query_t  *q = &b->query;

    ngx_memzero(q, sizeof(ngx_http_realtime_pg_query_t));

    if (ngx_http_realtime_reader_columns(b, waiting) != NGX_OK) {
        return NGX_ERROR;
    }

    q->done = ngx_http_realtime_reader_answered;
    q->data = b;
    q->sql = (b->kind == NGX_HTTP_REALTIME_ASK_ROOM)
             ? ngx_http_realtime_statement_rooms
             : ngx_http_realtime_statement_users;

    b->mark = ngx_http_realtime_known_mark(reader->zone);

    if (ngx_http_realtime_pg_send(&reader->pg, q) != NGX_OK) {
        return NGX_ERROR;
    }

    b->busy = 1;
    b->sent = ngx_current_msec;

    ngx_http_realtime_reader_take(b, waiting);
    ngx_http_realtime_pg_sync(&reader->pg);

    return NGX_OK;
}


static ngx_int_t
ngx_http_realtime_reader_columns(ngx_http_realtime_reader_batch_t *b,
    ngx_queue_t *waiting)
{
    ngx_uint_t                   n;
    ngx_log_t                   *log = b->reader->log;
    ngx_queue_t                 *q;
    ngx_http_realtime_ask_t     *ask;
    ngx_http_realtime_column_t  *c = b->columns;

    for (n = 0; n < rt_nitems(b->columns); n++) {
        ngx_http_realtime_column_reset(&c[n]);
    }

    for (n = 0, q = ngx_queue_head(waiting);
         q != ngx_queue_sentinel(waiting)
         && n < NGX_HTTP_REALTIME_READER_BATCH;
         n++, q = ngx_queue_next(q))
    {
        ask = ngx_queue_data(q, ngx_http_realtime_ask_t, link);
        b->kind = ask->kind;

        if (ask->kind == NGX_HTTP_REALTIME_ASK_ROOM) {
            ngx_http_realtime_column_add(&c[0], ask->room, log);
            ngx_http_realtime_column_add(&c[1], ask->user.len ? ask->user
                                                      : rt_str(0, NULL), log);
            ngx_http_realtime_column_add(&c[2], ask->member ? rt_lit("t")
                                                      : rt_str(0, NULL), log);
        } else {
            ngx_http_realtime_column_add(&c[0], ask->user, log);
        }
    }

    b->query.n = (b->kind == NGX_HTTP_REALTIME_ASK_ROOM) ? 3 : 1;

    for (n = 0; n < b->query.n; n++) {
        b->query.values[n] = ngx_http_realtime_column_value(&c[n], log);

        if (b->query.values[n] == NULL) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* those that were sent, each in the place of its number */

static void
ngx_http_realtime_reader_take(ngx_http_realtime_reader_batch_t *b,
    ngx_queue_t *waiting)
{
    ngx_uint_t                n;
    ngx_queue_t              *q;
    ngx_http_realtime_ask_t  *ask;

    ngx_memzero(b->at, sizeof(b->at));

    for (n = 0; n < b->columns[0].n; n++) {

        q = ngx_queue_head(waiting);
        ngx_queue_remove(q);
        ngx_queue_insert_tail(&b->asks, q);

        ask = ngx_queue_data(q, ngx_http_realtime_ask_t, link);
        ask->place = &b->at[n];
        ask->row = -1;
        b->at[n] = ask;
    }
}


static void
ngx_http_realtime_reader_answered(ngx_http_realtime_pg_query_t *q,
    PGresult *res, ngx_int_t rc)
{
    ngx_http_realtime_reader_t        *reader;
    ngx_http_realtime_reader_batch_t  *b = q->data;

    reader = b->reader;

    if (rc == NGX_OK) {
        if (atomic_load(&reader->zone->rows->sh->rows.read) == 0) {
            atomic_store(&reader->zone->rows->sh->rows.read, 1);
        }

        reader->refused = 0;
        ngx_http_realtime_reader_rows(b, res);

    } else if (rc == NGX_DECLINED) {
        rc = ngx_http_realtime_reader_refused(reader, res);

    } else {

        /* they may wait for another connection, unless that one hung */

        reader->hung |= (ngx_current_msec - b->sent
                         > NGX_HTTP_REALTIME_READER_STALLED);

        if (!reader->stopped && !reader->hung) {
            ngx_http_realtime_reader_return(b);
        }

        rc = NGX_ERROR;
    }

    /* without an answer of their own */

    ngx_http_realtime_reader_end(&b->asks, rc == NGX_OK ? NGX_ERROR : rc);

    b->busy = 0;

    if (!reader->stopped) {
        ngx_post_event(&reader->turn, &ngx_posted_events);
    }
}


/* before those that came later */

static void
ngx_http_realtime_reader_return(ngx_http_realtime_reader_batch_t *b)
{
    ngx_queue_t              *q;
    ngx_http_realtime_ask_t  *ask;

    while (!ngx_queue_empty(&b->asks)) {

        q = ngx_queue_last(&b->asks);
        ask = ngx_queue_data(q, ngx_http_realtime_ask_t, link);
        ask->place = NULL;

        ngx_queue_remove(q);
        ngx_queue_insert_head(&b->reader->waiting[ask->kind], q);
    }
}


/*
 * What is not there (PostgreSQL, Appendix A: 42P01, class 3F) holds no private
 * rooms; what may not be read does.
 */

static ngx_int_t
ngx_http_realtime_reader_refused(ngx_http_realtime_reader_t *reader,
    PGresult *res)
{
    ngx_http_realtime_pg_error_t  e;

    ngx_http_realtime_pg_explain(res, &e);

    ngx_http_realtime_reader_complain(reader, &e);

    return ngx_http_realtime_reader_none(reader,
                                  ngx_strcmp(e.sqlstate, "42P01") == 0
                                  || ngx_strncmp(e.sqlstate, "3F", 2) == 0);
}


/* once a minute for all workers, and not where the writer has said so */

static void
ngx_http_realtime_reader_complain(ngx_http_realtime_reader_t *reader,
    ngx_http_realtime_pg_error_t *e)
{
    uint64_t                          now, told;
    ngx_http_realtime_facts_shared_t  *sh = reader->zone->rows->sh;

    if (reader->refused == 0) {
        reader->refused = ngx_time();
    }

    now = ngx_http_realtime_now();
    told = atomic_load(&sh->rows.complained);

    if (atomic_load(&sh->rows.failing)
        || ngx_time() - reader->refused < NGX_HTTP_REALTIME_READER_DOUBT
        || (told && now - told < NGX_HTTP_REALTIME_READER_COMPLAIN)
        || !atomic_compare_exchange_strong(&sh->rows.complained, &told, now))
    {
        return;
    }

    ngx_log_error(NGX_LOG_ERR, reader->log, 0,
                  "realtime postgres %V: rooms and members cannot be read: %V "
                  "(SQLSTATE %s)%s%s", &reader->conf.url->text, &e->message,
                  e->sqlstate, e->remedy ? ": " : "",
                  e->remedy ? e->remedy : "");
}


/* done() may ask again, and cancel any other one */

static void
ngx_http_realtime_reader_rows(ngx_http_realtime_reader_batch_t *b,
    PGresult *res)
{
    int                       row;
    rt_str_t                  number;
    ngx_int_t                 o;
    ngx_http_realtime_ask_t  *ask;

    for (row = 0; row < PQntuples(res); row++) {

        number = ngx_http_realtime_reader_text(res, row, 0);
        o = ngx_atoi((u_char *) number.data, number.len);

        if (o < 1 || o > NGX_HTTP_REALTIME_READER_BATCH || b->at[o - 1] == NULL)
        {
            continue;
        }

        ask = b->at[o - 1];
        ask->row = row;

        ngx_http_realtime_reader_cancel(ask);

        if (b->kind == NGX_HTTP_REALTIME_ASK_ROOM) {
            ngx_http_realtime_reader_room(b, ask, res);

        } else {
            ask->rooms = ngx_http_realtime_reader_text(res, row, 1);
            ask->custom = ngx_http_realtime_reader_text(res, row, 2);
        }

        ask->done(ask, NGX_OK);
    }
}


/* words that nobody knows mean what lets in least */

static void
ngx_http_realtime_reader_room(ngx_http_realtime_reader_batch_t *b,
    ngx_http_realtime_ask_t *ask, PGresult *res)
{
    rt_str_t                    type, visibility;
    ngx_uint_t                  i;
    ngx_http_realtime_known_t  *known = &ask->known;

    ngx_memzero(known, sizeof(ngx_http_realtime_known_t));

    known->exists = (*PQgetvalue(res, ask->row, 1) == 't');

    if (known->exists) {

        type = ngx_http_realtime_reader_text(res, ask->row, 2);
        visibility = ngx_http_realtime_reader_text(res, ask->row, 3);

        for (i = 0; i < rt_nitems(ngx_http_realtime_reader_types); i++) {
            if (rt_str_eq(type, ngx_http_realtime_reader_types[i])) {
                known->kind = i;
            }
        }

        if (!rt_str_eq(visibility, rt_lit("public"))) {
            known->kind |= NGX_HTTP_REALTIME_ROOM_PRIVATE;
        }

        if (ask->member || (known->kind & NGX_HTTP_REALTIME_ROOM_PRIVATE)) {
            known->member = (*PQgetvalue(res, ask->row, 4) == 't');
        }
    }

    ask->overtaken = (ngx_http_realtime_known_put(b->reader->zone, ask->room,
                                               ask->user, ask->member, known,
                                               b->mark)
                      != NGX_OK);
}


static rt_str_t
ngx_http_realtime_reader_text(PGresult *res, ngx_int_t row, ngx_int_t column)
{
    return rt_str(PQgetlength(res, row, column),
                  (u_char *) PQgetvalue(res, row, column));
}
