
#include "store/ngx_http_realtime_pg_inner.h"


static void ngx_http_realtime_pg_on_ready(ngx_http_realtime_pg_t *pg);
static void ngx_http_realtime_pg_notices(void *data, const PGresult *res);


void
ngx_http_realtime_pg_start(ngx_http_realtime_pg_t *pg)
{
    pg->last.len = 0;

    if (!ngx_http_realtime_names_needed(&pg->names)) {
        ngx_http_realtime_pg_connect(pg, NULL);
        return;
    }

    if (ngx_http_realtime_pg_move(pg, NGX_HTTP_REALTIME_PG_RESOLVING)
        == NGX_OK
        && ngx_http_realtime_names_ask(&pg->names) == NGX_ERROR)
    {
        ngx_http_realtime_pg_lost(pg, "no memory");
    }
}


void
ngx_http_realtime_pg_connect(void *data, ngx_array_t *addrs)
{
    ngx_int_t                rc = NGX_ERROR;
    ngx_pool_t              *pool;
    const char             **keywords, **values;
    ngx_http_realtime_pg_t  *pg = data;

    pool = ngx_create_pool(1024, pg->log);

    if (pool) {
        rc = ngx_http_realtime_pg_url_params(pg->conf->url, addrs, pool,
                                             &keywords, &values);
    }

    ngx_http_realtime_names_done(&pg->names);

    if (rc == NGX_OK) {
        pg->conn = PQconnectStartParams(keywords, values, 0);
    }

    if (pool) {
        ngx_destroy_pool(pool);
    }

    if (rc == NGX_DECLINED) {
        ngx_http_realtime_pg_lost(pg, "the host cannot be resolved");
        return;
    }

    if (pg->conn == NULL) {
        ngx_http_realtime_pg_lost(pg, "no memory");
        return;
    }

    PQsetNoticeReceiver(pg->conn, ngx_http_realtime_pg_notices, pg);

    if (ngx_http_realtime_pg_move(pg, NGX_HTTP_REALTIME_PG_CONNECTING)
        != NGX_OK)
    {
        return;
    }

    ngx_http_realtime_pg_set_timer(pg, pg->conf->connect_timeout);

    if (PQstatus(pg->conn) == CONNECTION_BAD
        || ngx_http_realtime_pg_watch(pg, 1) != NGX_OK)
    {
        ngx_http_realtime_pg_lost(pg, NULL);
    }
}


/* each step may end with another socket: that of the next host, for example */

void
ngx_http_realtime_pg_poll(ngx_http_realtime_pg_t *pg)
{
    ngx_int_t                  rc = NGX_ERROR;
    PostgresPollingStatusType  step;

    ngx_http_realtime_pg_unwatch(pg);

    step = PQconnectPoll(pg->conn);

    ngx_http_realtime_pg_hush();

    switch (step) {

    case PGRES_POLLING_READING:
        rc = ngx_http_realtime_pg_watch(pg, 0);
        break;

    case PGRES_POLLING_WRITING:
        rc = ngx_http_realtime_pg_watch(pg, 1);
        break;

    case PGRES_POLLING_OK:

        if (PQsetnonblocking(pg->conn, 1) == 0
            && PQenterPipelineMode(pg->conn)
            && ngx_http_realtime_pg_watch(pg, 0) == NGX_OK)
        {
            ngx_http_realtime_pg_on_ready(pg);
            return;
        }

        break;

    default:
        break;
    }

    if (rc != NGX_OK) {
        ngx_http_realtime_pg_lost(pg, NULL);
    }
}


static void
ngx_http_realtime_pg_on_ready(ngx_http_realtime_pg_t *pg)
{
    if (ngx_http_realtime_pg_move(pg, NGX_HTTP_REALTIME_PG_READY) != NGX_OK) {
        return;
    }

    pg->last.len = 0;

    ngx_http_realtime_pg_timer(pg);

    /* what came with the last step is in libpq already */

    ngx_post_event(&pg->turn, &ngx_posted_events);

    if (pg->on->ready) {
        pg->on->ready(pg);
    }
}


/* of an idle connection this is the only way to hear why it ends */

static void
ngx_http_realtime_pg_notices(void *data, const PGresult *res)
{
    ngx_http_realtime_pg_said(data, res);
}
