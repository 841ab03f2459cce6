
#include "store/ngx_http_realtime_writer.h"


static ngx_int_t ngx_http_realtime_store_begin(ngx_http_realtime_store_t *st);
static void ngx_http_realtime_store_host(ngx_http_realtime_store_t *st,
    rt_str_t reason, uint64_t time);
static void ngx_http_realtime_store_handler(ngx_event_t *ev);
static void ngx_http_realtime_store_clean(ngx_http_realtime_store_t *st);
static void ngx_http_realtime_store_complain(ngx_http_realtime_store_t *st);
static void ngx_http_realtime_store_ready(ngx_http_realtime_pg_t *pg);
static void ngx_http_realtime_store_down(ngx_http_realtime_pg_t *pg,
    ngx_str_t *reason);


static const ngx_http_realtime_pg_events_t  ngx_http_realtime_store_events = {
    ngx_http_realtime_store_ready,
    ngx_http_realtime_store_down,
    NULL,
    NULL
};


void
ngx_http_realtime_store_start(ngx_http_realtime_store_t *st,
    ngx_http_realtime_store_conf_t *conf, ngx_http_realtime_zone_t *z,
    uint32_t slot, ngx_log_t *log)
{
    if (z->rows == NULL) {
        return;
    }

    st->conf = conf;
    st->slot = slot;
    st->log = log;
    st->most = NGX_HTTP_REALTIME_BATCH_MAX;

    st->soon.handler = ngx_http_realtime_store_handler;
    st->soon.data = st;
    st->soon.log = log;
    st->soon.cancelable = 1;

    st->rows = z->rows;
    st->zone = z;

    ngx_http_realtime_store_watch(st);
}


void
ngx_http_realtime_store_watch(ngx_http_realtime_store_t *st)
{
    if (st->rows == NULL) {
        return;
    }

    if (!st->writer && ngx_http_realtime_store_begin(st) != NGX_OK) {
        return;
    }

    ngx_http_realtime_store_poke(st);
    ngx_http_realtime_store_clean(st);
    ngx_http_realtime_store_complain(st);
}


/* NGX_BUSY: somebody else is the writer; NGX_ERROR: no memory */

static ngx_int_t
ngx_http_realtime_store_begin(ngx_http_realtime_store_t *st)
{
    if (ngx_http_realtime_facts_claim(st->rows, st->slot) != NGX_OK) {
        return NGX_BUSY;
    }

    st->batch = ngx_calloc(sizeof(ngx_http_realtime_batch_t), st->log);

    if (st->batch == NULL) {
        ngx_http_realtime_facts_release(st->rows);
        return NGX_ERROR;
    }

    st->writer = 1;
    st->step = 0;
    st->portion = NGX_HTTP_REALTIME_STORE_PORTION;
    st->cleaned = ngx_time();
    st->dropped = atomic_load(&st->rows->sh->dropped);
    st->refused = atomic_load(&st->rows->sh->rows.refused);

    ngx_http_realtime_pg_init(&st->pg, &st->conf->pg,
                              &ngx_http_realtime_store_events, st, st->log);
    ngx_http_realtime_pg_open(&st->pg);

    ngx_http_realtime_listener_start(&st->listener, &st->conf->pg, st->zone,
                                     st->log);

    /* what an earlier nginx of this name had open is not open any more */

    if (atomic_load(&st->rows->sh->begun) == 0) {
        ngx_http_realtime_store_host(st, rt_lit("host gone"),
                                     st->rows->sh->started);
        atomic_store(&st->rows->sh->begun, 1);
    }

    return NGX_OK;
}


static void
ngx_http_realtime_store_host(ngx_http_realtime_store_t *st, rt_str_t reason,
    uint64_t time)
{
    ngx_http_realtime_fact_t  f;

    ngx_memzero(&f, sizeof(f));

    f.type = NGX_HTTP_REALTIME_FACT_HOST;
    f.time = time;
    f.s[0] = reason;

    ngx_http_realtime_facts_put(st->rows, &f);
}


ngx_uint_t
ngx_http_realtime_store_farewell(ngx_http_realtime_store_t *st,
    ngx_uint_t last)
{
    if (st->rows == NULL) {
        return 0;
    }

    /* the writer may have gone before those who had more to tell */

    if (!st->writer && ngx_http_realtime_facts_waiting(st->rows)) {
        (void) ngx_http_realtime_store_begin(st);
    }

    if (st->writer && last && !st->parted) {
        st->parted = 1;
        ngx_http_realtime_store_host(st, rt_lit("server shutting down"), 0);
    }

    ngx_http_realtime_store_poke(st);

    return ngx_http_realtime_facts_waiting(st->rows) != 0;
}


void
ngx_http_realtime_store_stop(ngx_http_realtime_store_t *st)
{
    if (!st->writer) {
        return;
    }

    st->writer = 0;

    if (st->soon.timer_set) {
        ngx_del_timer(&st->soon);
    }

    ngx_http_realtime_store_complain(st);
    ngx_http_realtime_pg_close(&st->pg);
    ngx_http_realtime_listener_stop(&st->listener);
    atomic_store(&st->rows->sh->rows.connected, 0);
    ngx_http_realtime_facts_release(st->rows);

    ngx_http_realtime_batch_free(st->batch);
    st->batch = NULL;
}


void
ngx_http_realtime_store_poke(ngx_http_realtime_store_t *st)
{
    if (st->writer && st->pending == 0 && !st->soon.timer_set) {
        ngx_http_realtime_writer_later(st, NGX_HTTP_REALTIME_STORE_SOON);
    }
}


static void
ngx_http_realtime_store_handler(ngx_event_t *ev)
{
    ngx_http_realtime_writer_write(ev->data);
}


static void
ngx_http_realtime_store_clean(ngx_http_realtime_store_t *st)
{
    ngx_uint_t  i;

    if (ngx_time() - st->cleaned < NGX_HTTP_REALTIME_STORE_CLEAN
        || st->pending || st->retry
        || ngx_http_realtime_facts_waiting(st->rows)
        || !ngx_http_realtime_pg_writable(&st->pg))
    {
        return;                 /* who is alive may not be known yet */
    }

    /* as a batch without facts */

    st->cleaned = ngx_time();
    st->nqueries = 0;
    st->result = NGX_OK;
    st->refusing = 0;
    st->end = atomic_load(&st->rows->sh->done);

    ngx_http_realtime_batch_reset(st->batch, st->rows->sh->seed, st->log);

    for (i = 0; ngx_http_realtime_statements_clean[i]; i++) {
        if (ngx_http_realtime_writer_query(st,
                                 ngx_http_realtime_statements_clean[i], NULL,
                                 0)
            != NGX_OK)
        {
            break;
        }
    }

    if (i) {
        ngx_http_realtime_pg_sync(&st->pg);
    }
}


/* what is lost is said, not too often, and by a writer that goes */

static void
ngx_http_realtime_store_complain(ngx_http_realtime_store_t *st)
{
    uint64_t                          dropped, refused;
    ngx_http_realtime_facts_shared_t  *sh = st->rows->sh;

    dropped = atomic_load(&sh->dropped);
    refused = atomic_load(&sh->rows.refused);

    if ((dropped == st->dropped && refused == st->refused)
        || (st->writer
            && ngx_time() - st->complained < NGX_HTTP_REALTIME_STORE_CLEAN))
    {
        return;
    }

    if (dropped != st->dropped) {
        ngx_log_error(NGX_LOG_WARN, st->log, 0,
                      "realtime postgres %V: %uL rows more were dropped, %uL "
                      "in all: %uL bytes wait; raise \"queue\" of "
                      "realtime_postgres_pool, or see why they are not "
                      "written",
                      &st->conf->url.text, dropped - st->dropped, dropped,
                      ngx_http_realtime_facts_waiting(st->rows));
    }

    if (refused != st->refused) {
        ngx_log_error(NGX_LOG_WARN, st->log, 0,
                      "realtime postgres %V: %uL rows more were refused by "
                      "the database, %uL in all", &st->conf->url.text,
                      refused - st->refused, refused);
    }

    st->dropped = dropped;
    st->refused = refused;
    st->complained = ngx_time();
}


static void
ngx_http_realtime_store_ready(ngx_http_realtime_pg_t *pg)
{
    ngx_http_realtime_store_t  *st = pg->data;

    atomic_store(&st->rows->sh->rows.connected, 1);

    ngx_http_realtime_store_poke(st);
}


/* a batch that was under way has ended with NGX_ERROR */

static void
ngx_http_realtime_store_down(ngx_http_realtime_pg_t *pg, ngx_str_t *reason)
{
    ngx_http_realtime_store_t  *st = pg->data;

    atomic_store(&st->rows->sh->rows.connected, 0);
}
