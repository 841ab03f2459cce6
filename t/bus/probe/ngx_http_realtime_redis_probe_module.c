
/*
 * ngx_http_realtime_redis_probe_module: one connection to Redis, or a cluster,
 * in the hands of a test.
 *
 *   probe_redis URL [connect=ms] [timeout=ms] [ping=ms] [min=ms] [max=ms]
 *               [output=bytes] [input=bytes] [commands=n] [verify=0|1]
 *               [authority=file] [server=name] [own=file] [key=file];
 *   probe_cluster URL [URL ...] [the same] [hold=ms] [refresh=ms]
 *               [lua=text];
 *   probe;      the location
 *
 * The body of a request: a command a line, its arguments behind tabs ("*N" is
 * an argument of N bytes, %XX is a byte).  The answer has a line for each
 * command.  Arguments: state, open, close; pushes: what has come, and is
 * forgotten then; forget: the commands are forgotten at once; now: no waiting
 * for a connection; masters: a slot of each.
 *
 * With a cluster a line that begins with "@KEY" is for the slot of KEY, others
 * for any node.
 */

#include "bus/ngx_http_realtime_redis_cluster.h"

#include <ngx_http.h>


#define PROBE_PUSHES  65536


typedef struct {
    ngx_http_realtime_redis_url_t       url;
    ngx_http_realtime_redis_conf_t      conf;
    ngx_http_realtime_redis_t           redis;
    ngx_uint_t                          clustered;
    ngx_http_realtime_redis_cluster_conf_t  cluster_conf;
    ngx_http_realtime_redis_cluster_t   cluster;
    ngx_str_t                           script;
    ngx_uint_t                          resubscribes;
    ngx_queue_t                         waiting;
    ngx_uint_t                          readies;
    ngx_uint_t                          downs;
    ngx_uint_t                          drains;
    ngx_uint_t                          pushed;
    ngx_str_t                           reason;
    u_char                              reason_text[512];
    ngx_str_t                           pushes;
    u_char                              pushes_text[PROBE_PUSHES];
} probe_conf_t;


typedef struct {
    ngx_queue_t                         link;
    ngx_http_request_t                 *r;
    ngx_array_t                         commands;   /* of probe_command_t * */
    ngx_uint_t                          at;         /* sent so far */
    ngx_uint_t                          answers;
    ngx_uint_t                          over;
} probe_ctx_t;


typedef struct {
    ngx_http_realtime_redis_command_t   cmd;
    probe_ctx_t                        *ctx;
    ngx_array_t                         args;       /* of ngx_str_t */
    ngx_int_t                           slot;       /* of a cluster */
    ngx_str_t                           answer;
} probe_command_t;


static void probe_ready(ngx_http_realtime_redis_t *redis);
static void probe_down(ngx_http_realtime_redis_t *redis, ngx_str_t *reason);
static void probe_drain(ngx_http_realtime_redis_t *redis);
static void probe_push(ngx_http_realtime_redis_t *redis, redisReply *reply);
static void probe_cluster_ready(ngx_http_realtime_redis_cluster_t *cluster);
static void probe_cluster_down(ngx_http_realtime_redis_cluster_t *cluster,
    ngx_str_t *reason);
static void probe_cluster_drain(ngx_http_realtime_redis_cluster_t *cluster);
static void probe_cluster_push(ngx_http_realtime_redis_cluster_t *cluster,
    redisReply *reply);
static void probe_cluster_resubscribe(
    ngx_http_realtime_redis_cluster_t *cluster);
static void probe_body(ngx_http_request_t *r);
static char *probe_redis(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static char *probe_location(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static void *probe_create(ngx_conf_t *cf);
static char *probe_init_main(ngx_conf_t *cf, void *conf);
static ngx_int_t probe_init_process(ngx_cycle_t *cycle);
static void probe_exit_process(ngx_cycle_t *cycle);


static ngx_command_t  probe_commands[] = {

    { ngx_string("probe_redis"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_1MORE,
      probe_redis, NGX_HTTP_MAIN_CONF_OFFSET, 0, NULL },

    { ngx_string("probe_cluster"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_1MORE,
      probe_redis, NGX_HTTP_MAIN_CONF_OFFSET, 0, NULL },

    { ngx_string("probe"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      probe_location, NGX_HTTP_LOC_CONF_OFFSET, 0, NULL },

      ngx_null_command
};


static ngx_http_module_t  probe_module_ctx = {
    .create_main_conf = probe_create,
    .init_main_conf = probe_init_main
};


static ngx_module_t  ngx_http_realtime_redis_probe_module = {
    NGX_MODULE_V1,
    &probe_module_ctx,
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


ngx_module_t  *ngx_modules[] = { &ngx_http_realtime_redis_probe_module, NULL };
char  *ngx_module_names[] = { "ngx_http_realtime_redis_probe_module", NULL };
char  *ngx_module_order[] = { NULL };


static const ngx_http_realtime_redis_events_t  probe_events = {
    probe_ready, probe_down, probe_drain, probe_push
};


static const ngx_http_realtime_redis_cluster_events_t  probe_cluster_events = {
    probe_cluster_ready, probe_cluster_down, probe_cluster_drain,
    probe_cluster_push, probe_cluster_resubscribe
};


static void
probe_answer(probe_ctx_t *ctx)
{
    u_char            *p;
    size_t             size = 0;
    ngx_buf_t         *b;
    ngx_uint_t         i;
    ngx_chain_t        out;
    probe_command_t  **pc = ctx->commands.elts;

    ctx->over = 1;

    for (i = 0; i < ctx->commands.nelts; i++) {
        size += pc[i]->answer.len + 1;
    }

    b = ngx_create_temp_buf(ctx->r->pool, size + 1);
    if (b == NULL) {
        ngx_http_finalize_request(ctx->r, NGX_ERROR);
        return;
    }

    for (p = b->pos, i = 0; i < ctx->commands.nelts; i++) {
        p = ngx_sprintf(p, "%V\n", &pc[i]->answer);
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


/* long strings are told by their length, and whether they are all "x" */

static u_char *
probe_reply(u_char *p, u_char *last, redisReply *reply)
{
    size_t  i;

    switch (reply->type) {

    case REDIS_REPLY_NIL:
        return ngx_slprintf(p, last, "nil");

    case REDIS_REPLY_INTEGER:
        return ngx_slprintf(p, last, "%L", (int64_t) reply->integer);

    case REDIS_REPLY_ARRAY:
        p = ngx_slprintf(p, last, "[");

        for (i = 0; i < reply->elements; i++) {
            p = i ? ngx_slprintf(p, last, ",") : p;
            p = probe_reply(p, last, reply->element[i]);
        }

        return ngx_slprintf(p, last, "]");

    default:

        if (reply->len > 200) {
            for (i = 0; i < reply->len && reply->str[i] == 'x'; i++) {
                /* void */
            }

            return ngx_slprintf(p, last, i == reply->len ? "x*%uz" : "?*%uz",
                                reply->len);
        }

        for (i = 0; i < reply->len; i++) {
            p = ngx_slprintf(p, last, reply->str[i] < ' ' || reply->str[i] > 126
                             ? "%%%02xd" : "%c", reply->str[i] & 0xff);
        }

        return p;
    }
}


static void
probe_done(ngx_http_realtime_redis_command_t *cmd, redisReply *reply,
    ngx_int_t rc)
{
    u_char                           *p, *last;
    probe_command_t                  *pc = cmd->data;
    ngx_http_realtime_redis_error_t   e;

    p = ngx_pnalloc(pc->ctx->r->pool, 1024);
    last = p + 1024;
    pc->answer.data = p;

    if (rc == NGX_OK) {
        p = ngx_slprintf(p, last, "OK ");
        p = probe_reply(p, last, reply);

    } else if (rc == NGX_DECLINED) {
        ngx_http_realtime_redis_explain(reply, &e);
        p = ngx_slprintf(p, last, "DECLINED %V|%V|%s", &e.code, &e.message,
                         e.remedy ? e.remedy : "");

    } else {
        p = ngx_slprintf(p, last, "ERROR");
    }

    pc->answer.len = p - pc->answer.data;

    if (++pc->ctx->answers == pc->ctx->commands.nelts && !pc->ctx->over) {
        probe_answer(pc->ctx);
        ngx_http_run_posted_requests(pc->ctx->r->connection);
    }
}


static void
probe_open(probe_conf_t *pcf)
{
    if (pcf->clustered) {
        ngx_http_realtime_redis_cluster_open(&pcf->cluster);

    } else {
        ngx_http_realtime_redis_open(&pcf->redis);
    }
}


static void
probe_close(probe_conf_t *pcf)
{
    if (pcf->clustered) {
        ngx_http_realtime_redis_cluster_close(&pcf->cluster);

    } else {
        ngx_http_realtime_redis_close(&pcf->redis);
    }
}


/* sends what has not been sent yet */

static void
probe_send(probe_conf_t *pcf, probe_ctx_t *ctx)
{
    ngx_int_t          rc;
    probe_command_t  **pc = ctx->commands.elts;

    while (ctx->at < ctx->commands.nelts) {

        rc = pcf->clustered
             ? ngx_http_realtime_redis_cluster_send(&pcf->cluster,
                   pc[ctx->at]->slot, &pc[ctx->at]->cmd,
                   pc[ctx->at]->args.nelts, pc[ctx->at]->args.elts)
             : ngx_http_realtime_redis_send(&pcf->redis, &pc[ctx->at]->cmd,
                   pc[ctx->at]->args.nelts, pc[ctx->at]->args.elts);

        if (rc == NGX_OK) {
            ctx->at++;
            continue;
        }

        if (ctx->r->args.len == 3) {
            ngx_str_set(&pc[ctx->at]->answer, "AGAIN");
            ctx->commands.nelts = ctx->at + 1;

            if (++ctx->answers == ctx->commands.nelts) {
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
probe_is_ready(probe_conf_t *pcf)
{
    pcf->readies++;
    probe_resume(pcf);
}


static void
probe_ready(ngx_http_realtime_redis_t *redis)
{
    probe_is_ready(redis->data);
}


static void
probe_cluster_ready(ngx_http_realtime_redis_cluster_t *cluster)
{
    probe_is_ready(cluster->data);
}


static void
probe_is_down(probe_conf_t *pcf, ngx_str_t *reason)
{
    pcf->downs++;
    pcf->reason.data = pcf->reason_text;
    pcf->reason.len = ngx_min(reason->len, sizeof(pcf->reason_text));
    ngx_memcpy(pcf->reason.data, reason->data, pcf->reason.len);
}


static void
probe_down(ngx_http_realtime_redis_t *redis, ngx_str_t *reason)
{
    probe_is_down(redis->data, reason);
}


static void
probe_cluster_down(ngx_http_realtime_redis_cluster_t *cluster,
    ngx_str_t *reason)
{
    probe_is_down(cluster->data, reason);
}


static void
probe_drains(probe_conf_t *pcf)
{
    pcf->drains++;
    probe_resume(pcf);
}


static void
probe_drain(ngx_http_realtime_redis_t *redis)
{
    probe_drains(redis->data);
}


static void
probe_cluster_drain(ngx_http_realtime_redis_cluster_t *cluster)
{
    probe_drains(cluster->data);
}


/* one that says "close" closes the connection, from within */

static void
probe_pushed(probe_conf_t *pcf, redisReply *reply)
{
    u_char      *p, *last;
    redisReply  *text = reply->element[reply->elements - 1];

    last = pcf->pushes_text + PROBE_PUSHES - 1;

    p = probe_reply(pcf->pushes_text + pcf->pushes.len, last, reply);
    *p++ = '\n';

    pcf->pushes.data = pcf->pushes_text;
    pcf->pushes.len = ngx_min(p, last) - pcf->pushes_text;
    pcf->pushed++;

    if (text->type == REDIS_REPLY_STRING && ngx_strcmp(text->str, "close") == 0)
    {
        probe_close(pcf);
    }
}


static void
probe_push(ngx_http_realtime_redis_t *redis, redisReply *reply)
{
    probe_pushed(redis->data, reply);
}


static void
probe_cluster_push(ngx_http_realtime_redis_cluster_t *cluster,
    redisReply *reply)
{
    probe_pushed(cluster->data, reply);
}


static void
probe_cluster_resubscribe(ngx_http_realtime_redis_cluster_t *cluster)
{
    probe_conf_t  *pcf = cluster->data;

    pcf->resubscribes++;
}


/* those that wait would wait for ever */

static void
probe_refuse(probe_conf_t *pcf)
{
    ngx_queue_t         *q;
    probe_ctx_t         *ctx;
    ngx_connection_t    *c;

    while (!ngx_queue_empty(&pcf->waiting)) {

        q = ngx_queue_head(&pcf->waiting);
        ctx = ngx_queue_data(q, probe_ctx_t, link);
        ngx_queue_remove(q);
        ctx->link.next = NULL;

        c = ctx->r->connection;
        ngx_http_finalize_request(ctx->r, NGX_HTTP_SERVICE_UNAVAILABLE);
        ngx_http_run_posted_requests(c);
    }
}


static void
probe_cleanup(void *data)
{
    ngx_uint_t         i;
    probe_ctx_t       *ctx = data;
    probe_command_t  **pc = ctx->commands.elts;

    ctx->over = 1;

    if (ctx->link.next) {
        ngx_queue_remove(&ctx->link);
    }

    for (i = 0; i < ctx->commands.nelts; i++) {
        ngx_http_realtime_redis_forget(&pc[i]->cmd);
        ngx_http_realtime_redis_cluster_forget(&pc[i]->cmd);
    }
}


static ngx_int_t
probe_text(ngx_http_request_t *r, u_char *text, size_t len)
{
    probe_ctx_t       *ctx;
    probe_command_t  **pc;

    ctx = ngx_pcalloc(r->pool, sizeof(probe_ctx_t));
    ctx->r = r;
    ngx_array_init(&ctx->commands, r->pool, 1, sizeof(void *));
    pc = ngx_array_push(&ctx->commands);
    *pc = ngx_pcalloc(r->pool, sizeof(probe_command_t));

    (*pc)->answer.data = text;
    (*pc)->answer.len = len;

    r->main->count++;
    probe_answer(ctx);

    return NGX_DONE;
}


static ngx_int_t
probe_cluster_state(ngx_http_request_t *r, probe_conf_t *pcf)
{
    u_char                             *text, *p;
    ngx_int_t                           slot = -1;
    ngx_http_realtime_redis_cluster_t  *cluster = &pcf->cluster;

    static const char  *modes[] = { "unknown", "single", "cluster" };

    text = ngx_pnalloc(r->pool, 16384);

    p = ngx_sprintf(text, "state=%s\nmode=%s\nreadies=%ui\ndowns=%ui\n"
        "drains=%ui\nunder=%ui\npushed=%ui\nresubscribes=%ui\nnodes=%ui\n"
        "text=%V\nreason=%V\nmasters=", cluster->closed ? "closed"
        : ngx_http_realtime_redis_cluster_ready(cluster) ? "ready" : "waiting",
        modes[cluster->mode], pcf->readies, pcf->downs, pcf->drains,
        cluster->jobs, pcf->pushed, pcf->resubscribes, cluster->nnodes,
        &pcf->url.text, &pcf->reason);

    while (!cluster->closed
           && (slot = ngx_http_realtime_redis_cluster_next(cluster, slot))
              >= 0)
    {
        p = ngx_sprintf(p, "%i,", slot);
    }

    return probe_text(r, text, p - text);
}


static ngx_int_t
probe_state(ngx_http_request_t *r, probe_conf_t *pcf)
{
    u_char  *text, *p;

    static const char  *states[] = { "idle", "resolving", "connecting",
                                     "securing", "greeting", "ready",
                                     "waiting", "closed" };

    if (pcf->clustered) {
        return probe_cluster_state(r, pcf);
    }

    text = ngx_pnalloc(r->pool, 2048);

    p = ngx_sprintf(text, "state=%s\nreadies=%ui\ndowns=%ui\ndrains=%ui\n"
        "busy=%d\nunder=%ui\npushed=%ui\nsubscribed=%ui,%ui,%ui\ntext=%V\n"
        "reason=%V", states[pcf->redis.state], pcf->readies, pcf->downs,
        pcf->drains, (int) ngx_http_realtime_redis_busy(&pcf->redis),
        pcf->redis.n, pcf->pushed, pcf->redis.subscribed[0],
        pcf->redis.subscribed[1], pcf->redis.subscribed[2], &pcf->url.text,
        &pcf->reason);

    return probe_text(r, text, p - text);
}


static ngx_int_t
probe_handler(ngx_http_request_t *r)
{
    size_t         len;
    u_char        *text;
    ngx_int_t      rc;
    probe_conf_t  *pcf;

    pcf = ngx_http_get_module_main_conf(r,
                                        ngx_http_realtime_redis_probe_module);

    if (r->args.len == 4 && ngx_strncmp(r->args.data, "open", 4) == 0) {
        probe_open(pcf);
        return probe_state(r, pcf);
    }

    if (r->args.len == 5 && ngx_strncmp(r->args.data, "close", 5) == 0) {
        probe_close(pcf);
        probe_refuse(pcf);
        return probe_state(r, pcf);
    }

    if (r->args.len == 5 && ngx_strncmp(r->args.data, "state", 5) == 0) {
        return probe_state(r, pcf);
    }

    if (r->args.len == 6 && ngx_strncmp(r->args.data, "pushes", 6) == 0) {
        len = pcf->pushes.len;
        pcf->pushes.len = 0;
        text = ngx_pnalloc(r->pool, len + 1);
        ngx_memcpy(text, pcf->pushes_text, len);
        return probe_text(r, text, len);
    }

    rc = ngx_http_read_client_request_body(r, probe_body);

    return rc >= NGX_HTTP_SPECIAL_RESPONSE ? rc : NGX_DONE;
}


/* a value, or "*N" */

static void
probe_value(ngx_pool_t *pool, ngx_str_t *to, char *text)
{
    u_char     *p;
    ngx_int_t   n;

    n = text[0] == '*' ? ngx_atoi((u_char *) text + 1, ngx_strlen(text) - 1)
                       : 0;
    if (n > 0) {
        to->data = ngx_palloc(pool, n);
        to->len = n;
        ngx_memset(to->data, 'x', n);
        return;
    }

    p = to->data = ngx_pnalloc(pool, ngx_strlen(text) + 1);

    for ( /* void */ ; *text; text++) {
        if (*text == '%') {
            *p++ = (u_char) ngx_hextoi((u_char *) text + 1, 2);
            text += 2;

        } else {
            *p++ = *text;
        }
    }

    to->len = p - to->data;
}


static void
probe_line(probe_ctx_t *ctx, char *line)
{
    char             *field, **at = &line;
    probe_command_t  *pc, **to;

    pc = ngx_pcalloc(ctx->r->pool, sizeof(probe_command_t));
    to = ngx_array_push(&ctx->commands);
    *to = pc;

    pc->ctx = ctx;
    pc->cmd.done = probe_done;
    pc->cmd.data = pc;

    ngx_array_init(&pc->args, ctx->r->pool, 4, sizeof(ngx_str_t));

    pc->slot = -1;

    while ((field = strsep(at, "\t")) != NULL) {

        if (*field == '@') {
            pc->slot = ngx_http_realtime_redis_hash_slot((u_char *) field + 1,
                                                        ngx_strlen(field + 1));
            continue;
        }

        probe_value(ctx->r->pool, ngx_array_push(&pc->args), field);
    }
}


static void
probe_body(ngx_http_request_t *r)
{
    char                *text, *line;
    size_t               size = 0;
    ngx_uint_t           i;
    ngx_chain_t         *cl;
    probe_ctx_t         *ctx;
    probe_conf_t        *pcf;
    probe_command_t    **pc;
    ngx_pool_cleanup_t  *cln;

    pcf = ngx_http_get_module_main_conf(r,
                                        ngx_http_realtime_redis_probe_module);

    for (cl = r->request_body->bufs; cl; cl = cl->next) {
        size += cl->buf->last - cl->buf->pos;
    }

    line = text = ngx_pcalloc(r->pool, size + 1);

    for (cl = r->request_body->bufs; cl; cl = cl->next) {
        line = (char *) ngx_cpymem(line, cl->buf->pos,
                                   cl->buf->last - cl->buf->pos);
    }

    ctx = ngx_pcalloc(r->pool, sizeof(probe_ctx_t));
    ctx->r = r;
    ngx_array_init(&ctx->commands, r->pool, 4, sizeof(void *));

    cln = ngx_pool_cleanup_add(r->pool, 0);
    cln->handler = probe_cleanup;
    cln->data = ctx;

    while ((line = strsep(&text, "\n")) != NULL) {
        if (*line) {
            probe_line(ctx, line);
        }
    }

    probe_send(pcf, ctx);

    if (r->args.len == 6) {
        pc = ctx->commands.elts;

        for (i = 0; i < ctx->commands.nelts; i++) {
            ngx_http_realtime_redis_forget(&pc[i]->cmd);
            ngx_http_realtime_redis_cluster_forget(&pc[i]->cmd);
            ngx_str_set(&pc[i]->answer, "FORGOTTEN");
        }

        probe_answer(ctx);
    }
}


static void *
probe_create(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(probe_conf_t));
}


static void
probe_option(probe_conf_t *pcf, ngx_str_t *option)
{
    ngx_int_t   n;
    ngx_str_t   value;
    ngx_uint_t  i;

    ngx_http_realtime_redis_conf_t  *conf = &pcf->conf;

    struct {
        const char  *name;
        ngx_msec_t  *to;
    } numbers[] = {
        { "connect", &conf->connect_timeout },
        { "timeout", &conf->command_timeout }, { "ping", &conf->ping },
        { "min", &conf->retry_min }, { "max", &conf->retry_max },
        { "output", &conf->output }, { "input", &conf->input },
        { "commands", &conf->commands },
        { "hold", &pcf->cluster_conf.hold },
        { "refresh", &pcf->cluster_conf.refresh },
        { "verify", (ngx_msec_t *) &conf->tls_verify }, { NULL, NULL }
    };

    struct {
        const char  *name;
        ngx_str_t   *to;
    } strings[] = {
        { "authority", &conf->tls_ca }, { "server", &conf->tls_name },
        { "own", &conf->tls_certificate }, { "key", &conf->tls_key },
        { "name", &conf->name }, { "lua", &pcf->script }, { NULL, NULL }
    };

    value.data = (u_char *) ngx_strchr(option->data, '=') + 1;
    value.len = option->data + option->len - value.data;

    n = ngx_atoi(value.data, value.len);

    for (i = 0; numbers[i].name; i++) {
        if (ngx_strncmp(option->data, numbers[i].name,
                        ngx_strlen(numbers[i].name)) == 0)
        {
            *numbers[i].to = n;
        }
    }

    for (i = 0; strings[i].name; i++) {
        if (ngx_strncmp(option->data, strings[i].name,
                        ngx_strlen(strings[i].name)) == 0)
        {
            *strings[i].to = value;
        }
    }
}


static char *
probe_redis(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t     *value = cf->args->elts;
    ngx_uint_t     i;
    probe_conf_t  *pcf = conf;

    pcf->conf.url = &pcf->url;
    pcf->conf.connect_timeout = 2000;
    pcf->conf.retry_min = 50;
    pcf->conf.retry_max = 200;
    pcf->conf.tls_verify = 1;
    ngx_str_set(&pcf->conf.name, "probe");

    if (ngx_http_realtime_redis_url_parse(&pcf->url, cf, &value[1],
                                          "\"probe_redis\"") != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    for (i = 2; i < cf->args->nelts; i++) {

        if (ngx_strncmp(value[i].data, "redis", 5) != 0) {
            probe_option(pcf, &value[i]);

        } else if (ngx_http_realtime_redis_url_add(&pcf->url, cf, &value[i],
                                                   "\"probe_cluster\"")
                   != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    pcf->clustered = value[0].len == sizeof("probe_cluster") - 1;
    pcf->cluster_conf.redis = &pcf->conf;
    pcf->cluster_conf.scripts = &pcf->script;
    pcf->cluster_conf.nscripts = pcf->script.len != 0;

    if (ngx_http_realtime_redis_tls_init(&pcf->conf, cf) != NGX_OK) {
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
                                       ngx_http_realtime_redis_probe_module);
    ngx_queue_init(&pcf->waiting);

    if (pcf->clustered) {
        ngx_http_realtime_redis_cluster_init(&pcf->cluster, &pcf->cluster_conf,
                                             &probe_cluster_events, pcf,
                                             cycle->log);
        probe_open(pcf);

    } else if (pcf->conf.url) {
        ngx_http_realtime_redis_init(&pcf->redis, &pcf->conf, &probe_events,
                                     pcf, cycle->log);
        probe_open(pcf);
    }

    return NGX_OK;
}


static void
probe_exit_process(ngx_cycle_t *cycle)
{
    probe_conf_t  *pcf;

    pcf = ngx_http_cycle_get_module_main_conf(cycle,
                                       ngx_http_realtime_redis_probe_module);

    if (pcf->conf.url) {
        probe_close(pcf);
    }
}
