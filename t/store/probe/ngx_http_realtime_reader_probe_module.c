
/*
 * ngx_http_realtime_reader_probe_module: the reader, the listener and what is
 * known, in the hands of a test.
 *
 *   probe_reader URL [statement=ms] [connect=ms] [idle=ms] [min=n];
 *   probe_reader_ask;      the location
 *
 * The body of a request: a line for each thing to do, all of them in one turn;
 * fields are behind tabs and may have %XX:
 *
 *   room NAME USER     asks
 *   user USER          the same
 *   find NAME USER     what is known
 *   drop NAME USER
 *   repair             the zone, as if somebody had died in it
 *
 * The answer has a line for each of them.  Argument: cancel: what was asked is
 * cancelled at once.
 */

#include "store/ngx_http_realtime_store.h"

#include <ngx_http.h>


typedef struct {
    ngx_http_realtime_store_conf_t   conf;
    ngx_http_realtime_store_t        store;
    ngx_http_realtime_zone_t        *zone;
    ngx_http_realtime_reader_t      *reader;
    ngx_event_t                      watch;
} probe_conf_t;


typedef struct {
    ngx_http_request_t              *r;
    ngx_array_t                      lines;     /* of probe_line_t * */
    ngx_uint_t                       waits;
    ngx_uint_t                       begun;
} probe_ctx_t;


typedef struct {
    ngx_http_realtime_ask_t          ask;
    probe_ctx_t                     *ctx;
    ngx_str_t                        answer;
} probe_line_t;


static void probe_body(ngx_http_request_t *r);
static char *probe_reader(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static char *probe_location(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static void *probe_create(ngx_conf_t *cf);
static ngx_int_t probe_init_module(ngx_cycle_t *cycle);
static ngx_int_t probe_init_process(ngx_cycle_t *cycle);
static void probe_exit_process(ngx_cycle_t *cycle);


static ngx_command_t  probe_commands[] = {

    { ngx_string("probe_reader"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_1MORE,
      probe_reader, NGX_HTTP_MAIN_CONF_OFFSET, 0, NULL },

    { ngx_string("probe_reader_ask"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      probe_location, NGX_HTTP_LOC_CONF_OFFSET, 0, NULL },

      ngx_null_command
};


static ngx_http_module_t  probe_ctx = {
    .create_main_conf = probe_create
};


/* its zones are tagged with it, so it has the server's name */

ngx_module_t  ngx_http_realtime_module = {
    NGX_MODULE_V1,
    &probe_ctx,
    probe_commands,
    NGX_HTTP_MODULE,
    NULL,
    probe_init_module,
    probe_init_process,
    NULL,
    NULL,
    probe_exit_process,
    NULL,
    NGX_MODULE_V1_PADDING
};


ngx_module_t  *ngx_modules[] = { &ngx_http_realtime_module, NULL };
char  *ngx_module_names[] = { "ngx_http_realtime_reader_probe_module", NULL };
char  *ngx_module_order[] = { NULL };


static void
probe_answer(probe_ctx_t *ctx)
{
    u_char         *p;
    size_t          size = 0;
    ngx_buf_t      *b;
    ngx_uint_t      i;
    ngx_chain_t     out;
    probe_line_t  **line = ctx->lines.elts;

    for (i = 0; i < ctx->lines.nelts; i++) {
        size += line[i]->answer.len + 1;
    }

    b = ngx_create_temp_buf(ctx->r->pool, size + 1);
    if (b == NULL) {
        ngx_http_finalize_request(ctx->r, NGX_ERROR);
        return;
    }

    for (p = b->pos, i = 0; i < ctx->lines.nelts; i++) {
        p = ngx_sprintf(p, "%V\n", &line[i]->answer);
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
probe_say(probe_line_t *line, const char *rc,
    const ngx_http_realtime_known_t *known)
{
    u_char  *p;

    p = ngx_pnalloc(line->ctx->r->pool, 128);
    line->answer.data = p;

    p = ngx_sprintf(p, "%s", rc);

    if (known) {
        p = ngx_sprintf(p, known->exists ? " %d%s%s" : " none",
                 ngx_http_realtime_room_type(known->kind),
                 (known->kind & NGX_HTTP_REALTIME_ROOM_PRIVATE) ? " private"
                                                                : "",
                 known->member ? " member" : "");
    }

    line->answer.len = p - line->answer.data;
}


static void
probe_done(ngx_http_realtime_ask_t *ask, ngx_int_t rc)
{
    probe_ctx_t   *ctx;
    probe_line_t  *line = (probe_line_t *) ask;

    ctx = line->ctx;

    if (rc != NGX_OK) {
        probe_say(line, rc == NGX_DONE ? "DONE" : "ERROR", NULL);

    } else if (ask->kind == NGX_HTTP_REALTIME_ASK_ROOM) {
        probe_say(line, "OK", &ask->known);

    } else {
        line->answer.data = ngx_pnalloc(ctx->r->pool,
                                        ask->rooms.len + ask->custom.len + 8);
        line->answer.len = ngx_sprintf(line->answer.data, "OK %*s %*s",
                                       ask->rooms.len, ask->rooms.data,
                                       ask->custom.len, ask->custom.data)
                           - line->answer.data;
    }

    if (--ctx->waits == 0 && ctx->begun) {
        probe_answer(ctx);
        ngx_http_run_posted_requests(ctx->r->connection);
    }
}


static void
probe_ask(probe_conf_t *pcf, probe_line_t *line)
{
    line->ask.done = probe_done;

    switch (ngx_http_realtime_reader_ask(pcf->reader, &line->ask)) {

    case NGX_OK:
        line->ctx->waits++;

        if (line->ctx->r->args.len) {
            ngx_http_realtime_reader_cancel(&line->ask);
            line->ctx->waits--;
            probe_say(line, "cancelled", NULL);
        }

        return;

    case NGX_DONE:
        probe_say(line, "done", NULL);
        return;

    default:
        probe_say(line, "declined", NULL);
    }
}


static void
probe_line(probe_conf_t *pcf, probe_ctx_t *ctx, char *text)
{
    char           *verb = strsep(&text, "\t"), *field;
    u_char         *src, *dst;
    rt_str_t        f[2] = { rt_string(""), rt_string("") };
    ngx_int_t       rc;
    ngx_uint_t      i;
    probe_line_t   *line, **to;

    line = ngx_pcalloc(ctx->r->pool, sizeof(probe_line_t));
    line->ctx = ctx;
    to = ngx_array_push(&ctx->lines);
    *to = line;

    for (i = 0; i < 2 && (field = strsep(&text, "\t")) != NULL; i++) {
        src = dst = (u_char *) field;
        ngx_unescape_uri(&dst, &src, ngx_strlen(field), 0);
        f[i] = rt_str(dst - (u_char *) field, field);
    }

    if (verb[0] == 'd') {
        ngx_http_realtime_known_drop(pcf->zone, f[0], f[1]);
        probe_say(line, "dropped", NULL);
        return;
    }

    if (verb[0] == 'r' && verb[1] == 'e') {
        atomic_store(&pcf->zone->sh->dirty, 1);
        probe_say(line, "repaired", NULL);
        return;
    }

    if (verb[0] == 'f') {
        rc = ngx_http_realtime_known_find(pcf->zone, f[0], f[1], 0,
                                          &line->ask.known);
        probe_say(line, rc == NGX_OK ? "fresh" : rc == NGX_AGAIN ? "stale"
                                                                 : "unknown",
                  rc == NGX_DECLINED ? NULL : &line->ask.known);
        return;
    }

    line->ask.kind = (verb[0] == 'r') ? NGX_HTTP_REALTIME_ASK_ROOM
                                      : NGX_HTTP_REALTIME_ASK_USER;
    line->ask.room = f[0];
    line->ask.user = (verb[0] == 'r') ? f[1] : f[0];

    probe_ask(pcf, line);
}


static void
probe_cleanup(void *data)
{
    ngx_uint_t      i;
    probe_ctx_t    *ctx = data;
    probe_line_t  **line = ctx->lines.elts;

    for (i = 0; i < ctx->lines.nelts; i++) {
        ngx_http_realtime_reader_cancel(&line[i]->ask);
    }
}


static void
probe_body(ngx_http_request_t *r)
{
    char                *text, *line;
    u_char              *p;
    ngx_chain_t         *cl;
    probe_ctx_t         *ctx;
    probe_conf_t        *pcf;
    ngx_pool_cleanup_t  *cln;

    pcf = ngx_http_get_module_main_conf(r, ngx_http_realtime_module);

    text = ngx_pcalloc(r->pool, r->headers_in.content_length_n + 1);
    p = (u_char *) text;

    for (cl = r->request_body->bufs; cl; cl = cl->next) {
        p = ngx_cpymem(p, cl->buf->pos, cl->buf->last - cl->buf->pos);
    }

    ctx = ngx_pcalloc(r->pool, sizeof(probe_ctx_t));
    ctx->r = r;
    ngx_array_init(&ctx->lines, r->pool, 4, sizeof(void *));

    cln = ngx_pool_cleanup_add(r->pool, 0);
    cln->handler = probe_cleanup;
    cln->data = ctx;

    while ((line = strsep(&text, "\n")) != NULL) {
        if (*line) {
            probe_line(pcf, ctx, line);
        }
    }

    ctx->begun = 1;

    if (ctx->waits == 0) {
        probe_answer(ctx);
    }
}


static ngx_int_t
probe_handler(ngx_http_request_t *r)
{
    ngx_int_t  rc;

    rc = ngx_http_read_client_request_body(r, probe_body);

    return rc >= NGX_HTTP_SPECIAL_RESPONSE ? rc : NGX_DONE;
}


static void *
probe_create(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(probe_conf_t));
}


static char *
probe_reader(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    u_char        *eq;
    ngx_int_t      n;
    ngx_str_t     *value = cf->args->elts, name = ngx_string("probe");
    ngx_uint_t     i;
    probe_conf_t  *pcf = conf;

    pcf->conf.pg.url = &pcf->conf.url;
    pcf->conf.pg.connect_timeout = 2000;
    ngx_str_set(&pcf->conf.host, "probe");

    for (i = 2; i < cf->args->nelts; i++) {
        eq = (u_char *) ngx_strchr(value[i].data, '=');
        n = ngx_atoi(eq + 1, value[i].data + value[i].len - eq - 1);

        switch (value[i].data[0]) {
        case 'c': pcf->conf.pg.connect_timeout = n; break;
        case 's': pcf->conf.pg.statement_timeout = n; break;
        case 'i': pcf->conf.pg.idle = n; break;
        default: pcf->conf.min = n; break;
        }
    }

    if (ngx_http_realtime_pg_url_parse(&pcf->conf.url, cf, &value[1],
                                       "\"probe_reader\"") != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    pcf->zone = ngx_http_realtime_zone_add(cf, &name, 2 * 1024 * 1024);

    if (pcf->zone == NULL) {
        return NGX_CONF_ERROR;
    }

    pcf->zone->rows = ngx_http_realtime_facts_add(cf, &name, "_rows",
                                           NGX_HTTP_REALTIME_FACTS_MIN, "");

    return pcf->zone->rows ? NGX_CONF_OK : NGX_CONF_ERROR;
}


static char *
probe_location(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = probe_handler;

    return NGX_CONF_OK;
}


static ngx_int_t
probe_init_module(ngx_cycle_t *cycle)
{
    probe_conf_t  *pcf;

    pcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_realtime_module);
    ngx_http_realtime_zone_begin(pcf->zone, cycle);

    return NGX_OK;
}


static void
probe_watch(ngx_event_t *ev)
{
    probe_conf_t  *pcf = ev->data;

    ngx_http_realtime_store_watch(&pcf->store);
    ngx_add_timer(ev, 1000);
}


static ngx_int_t
probe_init_process(ngx_cycle_t *cycle)
{
    probe_conf_t  *pcf;

    pcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_realtime_module);

    if (pcf->zone == NULL) {
        return NGX_OK;
    }

    ngx_http_realtime_store_start(&pcf->store, &pcf->conf, pcf->zone,
                                  ngx_worker, cycle->log);
    pcf->reader = ngx_http_realtime_reader_start(&pcf->conf, pcf->zone,
                                                 cycle->log);

    pcf->watch.handler = probe_watch;
    pcf->watch.data = pcf;
    pcf->watch.log = cycle->log;
    pcf->watch.cancelable = 1;

    ngx_add_timer(&pcf->watch, 1000);

    return NGX_OK;
}


static void
probe_exit_process(ngx_cycle_t *cycle)
{
    probe_conf_t  *pcf;

    pcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_realtime_module);

    if (pcf->zone) {
        ngx_http_realtime_reader_stop(pcf->reader);
        ngx_http_realtime_store_stop(&pcf->store);
        pcf->reader = NULL;
    }
}
