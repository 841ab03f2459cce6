
/*
 * ngx_http_realtime_probe_module: one connection to PostgreSQL in the hands of
 * a test.
 *
 *   probe_postgres URL [connect=ms] [statement=ms] [idle=ms] [min=ms] [max=ms]
 *                  [output=bytes];
 *   probe;         the location
 *
 * The body of a request: a query a line, its parameters behind tabs ("*N" is a
 * parameter of N bytes), a line ";" where a segment ends.  The answer has a
 * line for each query.  Arguments: state, open, close; forget: the queries are
 * forgotten at once; now: no waiting for a connection.
 */

#include "store/ngx_http_realtime_pg.h"

#include <ngx_http.h>


typedef struct {
    ngx_http_realtime_pg_url_t    url;
    ngx_http_realtime_pg_conf_t   conf;
    ngx_http_realtime_pg_t        pg;
    ngx_queue_t                   waiting;
    ngx_uint_t                    readies;
    ngx_uint_t                    downs;
    ngx_uint_t                    drains;
    ngx_str_t                     reason;
    u_char                        reason_text[512];
    ngx_str_t                     note;
    u_char                        note_text[512];
} probe_conf_t;


typedef struct {
    ngx_queue_t                   link;
    ngx_http_request_t           *r;
    ngx_array_t                   queries;      /* of probe_query_t * */
    ngx_uint_t                    at;           /* sent so far */
    ngx_uint_t                    answers;
    ngx_uint_t                    over;
} probe_ctx_t;


typedef struct {
    ngx_http_realtime_pg_query_t  q;
    probe_ctx_t                  *ctx;
    ngx_uint_t                    last;
    ngx_str_t                     answer;
} probe_query_t;


static void probe_ready(ngx_http_realtime_pg_t *pg);
static void probe_down(ngx_http_realtime_pg_t *pg, ngx_str_t *reason);
static void probe_drain(ngx_http_realtime_pg_t *pg);
static void probe_notify(ngx_http_realtime_pg_t *pg, const char *channel,
    const char *payload);
static void probe_body(ngx_http_request_t *r);
static char *probe_postgres(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static char *probe_location(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static void *probe_create(ngx_conf_t *cf);
static char *probe_init_main(ngx_conf_t *cf, void *conf);
static ngx_int_t probe_init_process(ngx_cycle_t *cycle);
static void probe_exit_process(ngx_cycle_t *cycle);


static ngx_command_t  probe_commands[] = {

    { ngx_string("probe_postgres"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_1MORE,
      probe_postgres, NGX_HTTP_MAIN_CONF_OFFSET, 0, NULL },

    { ngx_string("probe"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      probe_location, NGX_HTTP_LOC_CONF_OFFSET, 0, NULL },

      ngx_null_command
};


static ngx_http_module_t  probe_ctx = {
    .create_main_conf = probe_create,
    .init_main_conf = probe_init_main
};


static ngx_module_t  ngx_http_realtime_probe_module = {
    NGX_MODULE_V1,
    &probe_ctx,
    probe_commands,
    NGX_HTTP_MODULE,
    NULL,
    NULL,
    probe_init_process,
    NULL,
    NULL,
    probe_exit_process,
    NULL,
    NGX_MODULE_V1_PADDING
};


ngx_module_t  *ngx_modules[] = { &ngx_http_realtime_probe_module, NULL };
char  *ngx_module_names[] = { "ngx_http_realtime_probe_module", NULL };
char  *ngx_module_order[] = { NULL };


static const ngx_http_realtime_pg_events_t  probe_events = {
    probe_ready, probe_down, probe_drain, probe_notify
};


static void
probe_answer(probe_ctx_t *ctx)
{
    u_char           *p;
    size_t            size = 0;
    ngx_buf_t        *b;
    ngx_uint_t        i;
    ngx_chain_t       out;
    probe_query_t   **pq = ctx->queries.elts;

    ctx->over = 1;

    for (i = 0; i < ctx->queries.nelts; i++) {
        size += pq[i]->answer.len + 1;
    }

    b = ngx_create_temp_buf(ctx->r->pool, size + 1);
    if (b == NULL) {
        ngx_http_finalize_request(ctx->r, NGX_ERROR);
        return;
    }

    for (p = b->pos, i = 0; i < ctx->queries.nelts; i++) {
        p = ngx_sprintf(p, "%V\n", &pq[i]->answer);
    }

    b->last = p;
    b->last_buf = 1;
    out.buf = b;
    out.next = NULL;

    ctx->r->headers_out.status = NGX_HTTP_OK;
    ctx->r->headers_out.content_length_n = p - b->pos;

    ngx_http_send_header(ctx->r);
    ngx_http_finalize_request(ctx->r, ngx_http_output_filter(ctx->r, &out));
}


static void
probe_done(ngx_http_realtime_pg_query_t *q, PGresult *res, ngx_int_t rc)
{
    u_char                        *p;
    probe_query_t                 *pq = q->data;
    ngx_http_realtime_pg_error_t   e;

    p = ngx_pnalloc(pq->ctx->r->pool, 1024);
    pq->answer.data = p;

    if (rc == NGX_OK) {
        p = ngx_snprintf(p, 1024, "OK %d %s", PQntuples(res),
                         PQntuples(res) ? PQgetvalue(res, 0, 0) : "");

    } else if (rc == NGX_DECLINED) {
        ngx_http_realtime_pg_explain(res, &e);
        p = ngx_snprintf(p, 1024, "DECLINED %s %V|%s", e.sqlstate, &e.message,
                         e.remedy ? e.remedy : "");

    } else {
        p = ngx_sprintf(p, rc == NGX_ABORT ? "ABORT" : "ERROR");
    }

    pq->answer.len = p - pq->answer.data;

    if (++pq->ctx->answers == pq->ctx->queries.nelts && !pq->ctx->over) {
        probe_answer(pq->ctx);
        ngx_http_run_posted_requests(pq->ctx->r->connection);
    }
}


/* sends what has not been sent yet */

static void
probe_send(probe_conf_t *pcf, probe_ctx_t *ctx)
{
    ngx_int_t         rc;
    probe_query_t   **pq = ctx->queries.elts;

    while (ctx->at < ctx->queries.nelts) {

        rc = ngx_http_realtime_pg_send(&pcf->pg, &pq[ctx->at]->q);

        if (rc == NGX_OK) {
            if (pq[ctx->at++]->last) {
                ngx_http_realtime_pg_sync(&pcf->pg);
            }

            continue;
        }

        if (ctx->r->args.len == 3) {
            ngx_str_set(&pq[ctx->at]->answer, "AGAIN");
            ctx->queries.nelts = ctx->at + 1;

            if (++ctx->answers == ctx->queries.nelts) {
                probe_answer(ctx);
            }

            return;
        }

        ngx_queue_insert_tail(&pcf->waiting, &ctx->link);
        return;
    }
}


static void
probe_resume(probe_conf_t *pcf)
{
    ngx_queue_t   again;
    probe_ctx_t  *ctx;

    ngx_queue_init(&again);

    if (!ngx_queue_empty(&pcf->waiting)) {
        ngx_queue_add(&again, &pcf->waiting);
        ngx_queue_init(&pcf->waiting);
    }

    while (!ngx_queue_empty(&again)) {
        ctx = ngx_queue_data(ngx_queue_head(&again), probe_ctx_t, link);
        ngx_queue_remove(&ctx->link);
        ctx->link.next = NULL;
        probe_send(pcf, ctx);
    }
}


static void
probe_ready(ngx_http_realtime_pg_t *pg)
{
    probe_conf_t  *pcf = pg->data;

    pcf->readies++;
    probe_resume(pcf);
}


static void
probe_down(ngx_http_realtime_pg_t *pg, ngx_str_t *reason)
{
    probe_conf_t  *pcf = pg->data;

    pcf->downs++;
    pcf->reason.data = pcf->reason_text;
    pcf->reason.len = ngx_min(reason->len, sizeof(pcf->reason_text));
    ngx_memcpy(pcf->reason.data, reason->data, pcf->reason.len);
}


static void
probe_drain(ngx_http_realtime_pg_t *pg)
{
    probe_conf_t  *pcf = pg->data;

    pcf->drains++;
    probe_resume(pcf);
}


static void
probe_notify(ngx_http_realtime_pg_t *pg, const char *channel,
    const char *payload)
{
    u_char        *p;
    probe_conf_t  *pcf = pg->data;

    p = ngx_snprintf(pcf->note_text, sizeof(pcf->note_text), "%s:%s", channel,
                     payload);
    pcf->note.data = pcf->note_text;
    pcf->note.len = p - pcf->note_text;
}


static void
probe_cleanup(void *data)
{
    ngx_uint_t        i;
    probe_ctx_t      *ctx = data;
    probe_query_t   **pq = ctx->queries.elts;

    ctx->over = 1;

    if (ctx->link.next) {
        ngx_queue_remove(&ctx->link);
    }

    for (i = 0; i < ctx->queries.nelts; i++) {
        ngx_http_realtime_pg_forget(&pq[i]->q);
    }
}


static ngx_int_t
probe_state(ngx_http_request_t *r, probe_conf_t *pcf)
{
    probe_ctx_t      *ctx;
    probe_query_t   **pq;

    static const char  *states[] = { "idle", "resolving", "connecting",
                                     "ready", "waiting", "closed" };

    ctx = ngx_pcalloc(r->pool, sizeof(probe_ctx_t));
    ctx->r = r;
    ngx_array_init(&ctx->queries, r->pool, 1, sizeof(void *));
    pq = ngx_array_push(&ctx->queries);
    *pq = ngx_pcalloc(r->pool, sizeof(probe_query_t));

    (*pq)->answer.data = ngx_pnalloc(r->pool, 2048);
    (*pq)->answer.len = ngx_sprintf((*pq)->answer.data,
        "state=%s\nreadies=%ui\ndowns=%ui\ndrains=%ui\nbusy=%d\nnote=%V\n"
        "text=%V\nreason=%V", states[pcf->pg.state], pcf->readies, pcf->downs,
        pcf->drains, (int) ngx_http_realtime_pg_busy(&pcf->pg), &pcf->note,
        &pcf->url.text, &pcf->reason) - (*pq)->answer.data;

    r->main->count++;
    probe_answer(ctx);

    return NGX_DONE;
}


static ngx_int_t
probe_handler(ngx_http_request_t *r)
{
    ngx_int_t      rc;
    probe_conf_t  *pcf;

    pcf = ngx_http_get_module_main_conf(r, ngx_http_realtime_probe_module);

    if (r->args.len == 4 && ngx_strncmp(r->args.data, "open", 4) == 0) {
        ngx_http_realtime_pg_open(&pcf->pg);
        return probe_state(r, pcf);
    }

    if (r->args.len == 5 && ngx_strncmp(r->args.data, "close", 5) == 0) {
        ngx_http_realtime_pg_close(&pcf->pg);
        return probe_state(r, pcf);
    }

    if (r->args.len == 5 && ngx_strncmp(r->args.data, "state", 5) == 0) {
        return probe_state(r, pcf);
    }

    r->request_body_in_single_buf = 1;

    rc = ngx_http_read_client_request_body(r, probe_body);

    return rc >= NGX_HTTP_SPECIAL_RESPONSE ? rc : NGX_DONE;
}


/* a value, or "*N" */

static const char *
probe_value(ngx_pool_t *pool, char *text)
{
    char       *big;
    ngx_int_t   n;

    n = text[0] == '*' ? ngx_atoi((u_char *) text + 1, ngx_strlen(text) - 1)
                       : 0;
    if (n <= 0) {
        return text;
    }

    big = ngx_palloc(pool, n + 1);
    ngx_memset(big, 'x', n);
    big[n] = '\0';

    return big;
}


static void
probe_line(probe_ctx_t *ctx, char *line)
{
    char           **at = &line, *field;
    probe_query_t   *pq, **to;

    pq = ngx_pcalloc(ctx->r->pool, sizeof(probe_query_t));
    to = ngx_array_push(&ctx->queries);
    *to = pq;

    pq->ctx = ctx;
    pq->q.done = probe_done;
    pq->q.data = pq;
    pq->q.sql = strsep(at, "\t");

    while ((field = strsep(at, "\t")) != NULL) {
        pq->q.values[pq->q.n++] = probe_value(ctx->r->pool, field);
    }
}


static void
probe_body(ngx_http_request_t *r)
{
    char                *text, *line;
    ngx_buf_t           *b;
    ngx_uint_t           i;
    probe_ctx_t         *ctx;
    probe_conf_t        *pcf;
    probe_query_t      **pq;
    ngx_pool_cleanup_t  *cln;

    pcf = ngx_http_get_module_main_conf(r, ngx_http_realtime_probe_module);

    b = r->request_body->bufs->buf;
    text = ngx_pcalloc(r->pool, b->last - b->pos + 1);
    ngx_memcpy(text, b->pos, b->last - b->pos);

    ctx = ngx_pcalloc(r->pool, sizeof(probe_ctx_t));
    ctx->r = r;
    ngx_array_init(&ctx->queries, r->pool, 4, sizeof(void *));

    cln = ngx_pool_cleanup_add(r->pool, 0);
    cln->handler = probe_cleanup;
    cln->data = ctx;

    while ((line = strsep(&text, "\n")) != NULL) {

        if (ngx_strcmp(line, ";") == 0) {
            pq = ctx->queries.elts;
            pq[ctx->queries.nelts - 1]->last = 1;

        } else if (*line) {
            probe_line(ctx, line);
        }
    }

    pq = ctx->queries.elts;
    pq[ctx->queries.nelts - 1]->last = 1;

    probe_send(pcf, ctx);

    if (r->args.len == 6) {
        for (i = 0; i < ctx->queries.nelts; i++) {
            ngx_http_realtime_pg_forget(&pq[i]->q);
            ngx_str_set(&pq[i]->answer, "FORGOTTEN");
        }

        probe_answer(ctx);
    }
}


static void *
probe_create(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(probe_conf_t));
}


static char *
probe_postgres(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    u_char        *eq;
    ngx_int_t      n;
    ngx_str_t     *value = cf->args->elts;
    ngx_uint_t     i;
    probe_conf_t  *pcf = conf;

    pcf->conf.url = &pcf->url;
    pcf->conf.connect_timeout = 2000;
    pcf->conf.retry_min = 50;
    pcf->conf.retry_max = 200;

    for (i = 2; i < cf->args->nelts; i++) {
        eq = (u_char *) ngx_strchr(value[i].data, '=');
        n = ngx_atoi(eq + 1, value[i].data + value[i].len - eq - 1);

        switch (value[i].data[0]) {
        case 'c': pcf->conf.connect_timeout = n; break;
        case 's': pcf->conf.statement_timeout = n; break;
        case 'i': pcf->conf.idle = n; break;
        case 'o': pcf->conf.output = n; break;
        default: pcf->conf.retry_max = n; break;
        }
    }

    if (ngx_http_realtime_pg_url_parse(&pcf->url, cf, &value[1],
                                       "\"probe_postgres\"") != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
probe_location(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = probe_handler;

    return NGX_CONF_OK;
}


static char *
probe_init_main(ngx_conf_t *cf, void *conf)
{
    probe_conf_t              *pcf = conf;
    ngx_http_conf_ctx_t       *ctx = cf->ctx;
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ctx->loc_conf[ngx_http_core_module.ctx_index];

    if (clcf->resolver && clcf->resolver->connections.nelts) {
        pcf->conf.resolver = clcf->resolver;
        pcf->conf.resolver_timeout = 2000;
    }

    return NGX_CONF_OK;
}


static ngx_int_t
probe_init_process(ngx_cycle_t *cycle)
{
    probe_conf_t  *pcf;

    pcf = ngx_http_cycle_get_module_main_conf(cycle,
                                              ngx_http_realtime_probe_module);
    ngx_queue_init(&pcf->waiting);

    if (pcf->conf.url) {
        ngx_http_realtime_pg_init(&pcf->pg, &pcf->conf, &probe_events, pcf,
                                  cycle->log);
        ngx_http_realtime_pg_open(&pcf->pg);
    }

    return NGX_OK;
}


static void
probe_exit_process(ngx_cycle_t *cycle)
{
    probe_conf_t  *pcf;

    pcf = ngx_http_cycle_get_module_main_conf(cycle,
                                              ngx_http_realtime_probe_module);

    if (pcf->conf.url) {
        ngx_http_realtime_pg_close(&pcf->pg);
    }
}
