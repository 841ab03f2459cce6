
#include "store/ngx_http_realtime_reader_inner.h"


static void ngx_http_realtime_reader_configure(
    ngx_http_realtime_reader_t *reader, ngx_http_realtime_store_conf_t *conf);
static ngx_uint_t ngx_http_realtime_reader_stalled(
    ngx_http_realtime_reader_t *reader);
static void ngx_http_realtime_reader_turn_handler(ngx_event_t *ev);
static void ngx_http_realtime_reader_expire_handler(ngx_event_t *ev);
static void ngx_http_realtime_reader_ready(ngx_http_realtime_pg_t *pg);
static void ngx_http_realtime_reader_down(ngx_http_realtime_pg_t *pg,
    ngx_str_t *reason);


static const ngx_http_realtime_pg_events_t  ngx_http_realtime_reader_events = {
    ngx_http_realtime_reader_ready,
    ngx_http_realtime_reader_down,
    NULL,
    NULL
};


/* what may wait in a worker */
#define NGX_HTTP_REALTIME_READER_ASKS     65536

/* how long an answer may take, ms */
#define NGX_HTTP_REALTIME_READER_PATIENCE  2000


ngx_http_realtime_reader_t *
ngx_http_realtime_reader_start(ngx_http_realtime_store_conf_t *conf,
    ngx_http_realtime_zone_t *z, ngx_log_t *log)
{
    ngx_uint_t                   i;
    ngx_http_realtime_reader_t  *reader;

    if (z->rows == NULL) {
        return NULL;
    }

    reader = ngx_calloc(sizeof(ngx_http_realtime_reader_t), log);
    if (reader == NULL) {
        return NULL;
    }

    reader->zone = z;
    reader->log = log;

    for (i = 0; i < NGX_HTTP_REALTIME_READER_KINDS; i++) {
        ngx_queue_init(&reader->waiting[i]);
    }

    for (i = 0; i < NGX_HTTP_REALTIME_READER_BATCHES; i++) {
        reader->batches[i].reader = reader;
        ngx_queue_init(&reader->batches[i].asks);
    }

    reader->turn.handler = ngx_http_realtime_reader_turn_handler;
    reader->turn.data = reader;
    reader->turn.log = log;

    reader->expire.handler = ngx_http_realtime_reader_expire_handler;
    reader->expire.data = reader;
    reader->expire.log = log;
    reader->expire.cancelable = 1;

    ngx_http_realtime_reader_configure(reader, conf);

    return reader;
}


static void
ngx_http_realtime_reader_configure(ngx_http_realtime_reader_t *reader,
    ngx_http_realtime_store_conf_t *conf)
{
    reader->conf = conf->pg;

    /* nobody waits longer; and those who do not come are missed */

    if (reader->conf.statement_timeout == 0
        || reader->conf.statement_timeout > NGX_HTTP_REALTIME_READER_PATIENCE)
    {
        reader->conf.statement_timeout = NGX_HTTP_REALTIME_READER_PATIENCE;
    }

    reader->conf.retry_max = NGX_HTTP_REALTIME_READER_PATIENCE;
    reader->conf.quiet = 1;

    if (conf->min) {
        reader->conf.idle = 0;
    }

    ngx_http_realtime_pg_init(&reader->pg, &reader->conf,
                              &ngx_http_realtime_reader_events, reader,
                              reader->log);
    if (conf->min) {
        ngx_http_realtime_pg_open(&reader->pg);
    }
}


void
ngx_http_realtime_reader_stop(ngx_http_realtime_reader_t *reader)
{
    ngx_uint_t  i, j;

    if (reader == NULL) {
        return;
    }

    reader->stopped = 1;

    ngx_http_realtime_pg_close(&reader->pg);

    for (i = 0; i < NGX_HTTP_REALTIME_READER_KINDS; i++) {
        ngx_http_realtime_reader_end(&reader->waiting[i], NGX_ERROR);
    }

    for (i = 0; i < NGX_HTTP_REALTIME_READER_BATCHES; i++) {
        for (j = 0; j < rt_nitems(reader->batches[i].columns); j++) {
            ngx_http_realtime_column_free(&reader->batches[i].columns[j]);
        }
    }

    if (reader->turn.posted) {
        ngx_delete_posted_event(&reader->turn);
    }

    if (reader->expire.timer_set) {
        ngx_del_timer(&reader->expire);
    }

    ngx_free(reader);
}


ngx_int_t
ngx_http_realtime_reader_ask(ngx_http_realtime_reader_t *reader,
    ngx_http_realtime_ask_t *ask)
{
    if (reader == NULL) {
        return NGX_DONE;
    }

    if (reader->stopped) {
        return NGX_DECLINED;
    }

    if (reader->down) {
        return ngx_http_realtime_reader_none(reader, reader->definite)
               == NGX_DONE ? NGX_DONE : NGX_DECLINED;
    }

    if (reader->n >= NGX_HTTP_REALTIME_READER_ASKS
        || ngx_http_realtime_reader_stalled(reader))
    {
        return NGX_DECLINED;
    }

    ask->reader = reader;
    ask->place = NULL;
    ask->since = ngx_current_msec;

    ngx_queue_insert_tail(&reader->waiting[ask->kind], &ask->link);
    reader->n++;

    ngx_post_event(&reader->turn, &ngx_posted_events);

    if (!reader->expire.timer_set) {
        ngx_add_timer(&reader->expire, NGX_HTTP_REALTIME_READER_PATIENCE);
    }

    return NGX_OK;
}


/* what is said to be there does not answer */

static ngx_uint_t
ngx_http_realtime_reader_stalled(ngx_http_realtime_reader_t *reader)
{
    ngx_uint_t                         i;
    ngx_http_realtime_reader_batch_t  *b;

    for (i = 0; i < NGX_HTTP_REALTIME_READER_BATCHES; i++) {
        b = &reader->batches[i];

        if (b->busy && ngx_current_msec - b->sent
                       > NGX_HTTP_REALTIME_READER_STALLED)
        {
            return 1;
        }
    }

    return 0;
}


void
ngx_http_realtime_reader_cancel(ngx_http_realtime_ask_t *ask)
{
    if (ask->reader == NULL) {
        return;
    }

    if (ask->place) {
        *ask->place = NULL;
        ask->place = NULL;
    }

    ngx_queue_remove(&ask->link);

    ask->reader->n--;
    ask->reader = NULL;
}


static void
ngx_http_realtime_reader_turn_handler(ngx_event_t *ev)
{
    ngx_http_realtime_reader_flush(ev->data);
}


void
ngx_http_realtime_reader_end(ngx_queue_t *asks, ngx_int_t rc)
{
    ngx_queue_t               ended;
    ngx_http_realtime_ask_t  *ask;

    /* what done() asks is not among them */

    if (ngx_queue_empty(asks)) {
        return;
    }

    ngx_queue_init(&ended);
    ngx_queue_add(&ended, asks);
    ngx_queue_init(asks);

    while (!ngx_queue_empty(&ended)) {
        ask = ngx_queue_data(ngx_queue_head(&ended), ngx_http_realtime_ask_t,
                             link);
        ngx_http_realtime_reader_cancel(ask);
        ask->done(ask, rc);
    }
}


/* in each queue the first one is the oldest */

static void
ngx_http_realtime_reader_expire_handler(ngx_event_t *ev)
{
    ngx_uint_t                   i;
    ngx_msec_t                   age, oldest = 0;
    ngx_queue_t                 *q;
    ngx_http_realtime_ask_t     *ask;
    ngx_http_realtime_reader_t  *reader = ev->data;

    for (i = 0; i < NGX_HTTP_REALTIME_READER_KINDS
                    + NGX_HTTP_REALTIME_READER_BATCHES; i++)
    {
        q = (i < NGX_HTTP_REALTIME_READER_KINDS)
            ? &reader->waiting[i]
            : &reader->batches[i - NGX_HTTP_REALTIME_READER_KINDS].asks;

        while (!ngx_queue_empty(q)) {

            ask = ngx_queue_data(ngx_queue_head(q), ngx_http_realtime_ask_t,
                                 link);
            age = ngx_current_msec - ask->since;

            if (age < NGX_HTTP_REALTIME_READER_PATIENCE) {
                oldest = ngx_max(oldest, age);
                break;
            }

            ngx_http_realtime_reader_cancel(ask);
            ask->done(ask, NGX_ERROR);
        }
    }

    /* done() may have asked */

    if (ev->timer_set) {
        ngx_del_timer(ev);
    }

    if (reader->n) {
        ngx_add_timer(ev, NGX_HTTP_REALTIME_READER_PATIENCE - oldest);
    }
}


static void
ngx_http_realtime_reader_ready(ngx_http_realtime_pg_t *pg)
{
    ngx_http_realtime_reader_t  *reader = pg->data;

    reader->down = 0;
    reader->hung = 0;
    reader->ready = 1;

    ngx_http_realtime_reader_flush(reader);
}


static void
ngx_http_realtime_reader_down(ngx_http_realtime_pg_t *pg, ngx_str_t *reason)
{
    ngx_int_t                        rc;
    ngx_uint_t                       i;
    const char                      *remedy;
    ngx_http_realtime_reader_t      *reader = pg->data;
    ngx_http_realtime_pg_trouble_e   trouble;

    /* one that was lost may be back at once */

    if (reader->ready && !reader->hung) {
        reader->ready = 0;
        return;
    }

    reader->ready = 0;

    trouble = ngx_http_realtime_pg_trouble(reason, &remedy);

    reader->down = 1;
    reader->definite = ngx_http_realtime_pg_definite(trouble);

    rc = ngx_http_realtime_reader_none(reader, reader->definite);

    for (i = 0; i < NGX_HTTP_REALTIME_READER_KINDS; i++) {
        ngx_http_realtime_reader_end(&reader->waiting[i], rc);
    }
}


ngx_int_t
ngx_http_realtime_reader_none(ngx_http_realtime_reader_t *reader,
    ngx_uint_t definite)
{
    return (definite && atomic_load(&reader->zone->rows->sh->rows.read) == 0)
           ? NGX_DONE : NGX_ERROR;
}
