
/*
 * A call of a script, from its making until it is answered.
 */


#include "cluster/ngx_http_realtime_state.h"


static void ngx_http_realtime_state_done(
    ngx_http_realtime_redis_command_t *cmd, redisReply *reply, ngx_int_t rc);
static ngx_int_t ngx_http_realtime_state_failed(
    ngx_http_realtime_state_call_t *c, redisReply *reply);
static void ngx_http_realtime_state_finish(ngx_http_realtime_state_call_t *c);
static void ngx_http_realtime_state_copy_fact(
    ngx_http_realtime_state_call_t *c, u_char *p,
    const ngx_http_realtime_fact_t *f);
static u_char *ngx_http_realtime_state_copy(u_char *p, rt_str_t s,
    ngx_str_t *dst);


/* EVALSHA, the name, how many keys, the key */
#define NGX_HTTP_REALTIME_STATE_ARGS  4


ngx_http_realtime_state_call_t *
ngx_http_realtime_state_call(ngx_http_realtime_state_t *st, ngx_int_t script,
    rt_str_t key, const rt_str_t *args, ngx_uint_t n,
    const ngx_http_realtime_fact_t *f)
{
    size_t                           size;
    u_char                          *p;
    ngx_uint_t                       i;
    ngx_str_t                       *argv;
    ngx_http_realtime_state_call_t  *c;

    size = sizeof(ngx_http_realtime_state_call_t)
           + (n + NGX_HTTP_REALTIME_STATE_ARGS) * sizeof(ngx_str_t)
           + NGX_HTTP_REALTIME_SCRIPT_HEX + key.len;

    for (i = 0; i < n; i++) {
        size += args[i].len;
    }

    for (i = 0; f && i < NGX_HTTP_REALTIME_FACT_STRINGS; i++) {
        size += f->s[i].len;
    }

    c = ngx_calloc(size, st->log);
    if (c == NULL) {
        return NULL;
    }

    c->st = st;
    c->script = script;
    c->cmd.done = ngx_http_realtime_state_done;
    c->cmd.data = c;
    c->argv = argv = (ngx_str_t *) (c + 1);

    p = (u_char *) (argv + n + NGX_HTTP_REALTIME_STATE_ARGS);

    if (script >= 0) {
        ngx_str_set(&argv[0], "EVALSHA");
        argv[1].data = p;
        argv[1].len = NGX_HTTP_REALTIME_SCRIPT_HEX;
        ngx_str_set(&argv[2], "1");
        p = ngx_cpymem(p, st->sha1[script], NGX_HTTP_REALTIME_SCRIPT_HEX);
        p = ngx_http_realtime_state_copy(p, key, &argv[3]);
        c->argc = NGX_HTTP_REALTIME_STATE_ARGS;
    }

    for (i = 0; i < n; i++) {
        p = ngx_http_realtime_state_copy(p, args[i], &argv[c->argc++]);
    }

    if (f) {
        ngx_http_realtime_state_copy_fact(c, p, f);
    }

    return c;
}


static void
ngx_http_realtime_state_copy_fact(ngx_http_realtime_state_call_t *c, u_char *p,
    const ngx_http_realtime_fact_t *f)
{
    ngx_uint_t  i;

    c->fact = *f;

    for (i = 0; i < NGX_HTTP_REALTIME_FACT_STRINGS; i++) {
        if (f->s[i].data) {
            c->fact.s[i].data = p;
            p = ngx_cpymem(p, f->s[i].data, f->s[i].len);
        }
    }
}


static u_char *
ngx_http_realtime_state_copy(u_char *p, rt_str_t s, ngx_str_t *dst)
{
    dst->data = p;
    dst->len = s.len;

    return s.len ? ngx_cpymem(p, s.data, s.len) : p;
}


void
ngx_http_realtime_state_send(ngx_http_realtime_state_call_t *c)
{
    ngx_http_realtime_state_t  *st = c->st;

    if (!c->again) {
        ngx_queue_insert_tail(&st->calls, &c->queue);
        st->n++;
    }

    if (ngx_http_realtime_link_send(st->link, &c->cmd, c->argc, c->argv)
        != NGX_OK)
    {
        /* so much is not under way unless the link is about to break */

        ngx_http_realtime_state_away(st);
    }
}


static void
ngx_http_realtime_state_done(ngx_http_realtime_redis_command_t *cmd,
    redisReply *reply, ngx_int_t rc)
{
    ngx_http_realtime_state_t       *st;
    ngx_http_realtime_state_call_t  *c = cmd->data;

    st = c->st;

    if (rc == NGX_ERROR) {
        return;                         /* on_down() follows, and forgets it */
    }

    if (rc == NGX_DECLINED
        && ngx_http_realtime_state_failed(c, reply) != NGX_OK)
    {
        return;
    }

    if (rc == NGX_OK) {
        st->trouble = NGX_HTTP_REALTIME_REDIS_NO_TROUBLE;
    }

    if (c->answered) {
        c->answered(c, rc == NGX_OK ? reply : NULL);
    }

    ngx_http_realtime_state_finish(c);

    ngx_http_realtime_bus_kick(st->hub->bus);
    ngx_http_realtime_state_later(st);
}


/* NGX_OK: what it is about is done with; NGX_DONE: somebody goes on */

static ngx_int_t
ngx_http_realtime_state_failed(ngx_http_realtime_state_call_t *c,
    redisReply *reply)
{
    ngx_http_realtime_state_t        *st = c->st;
    ngx_http_realtime_redis_error_t   e;

    ngx_http_realtime_redis_explain(reply, &e);

    if (c->script >= 0 && !c->again
        && ngx_strncmp(reply->str, "NOSCRIPT", 8) == 0)
    {
        c->again = 1;

        ngx_str_set(&c->argv[0], "EVAL");
        c->argv[1].data = (u_char *) ngx_http_realtime_scripts[c->script].text;
        c->argv[1].len = ngx_strlen(c->argv[1].data);

        ngx_http_realtime_state_send(c);
        return NGX_DONE;
    }

    if (ngx_http_realtime_redis_general(e.trouble)) {

        if (e.trouble != st->trouble) {
            st->trouble = e.trouble;

            ngx_log_error(NGX_LOG_ERR, st->log, 0,
                          "realtime redis %V: what this host knows is kept to "
                          "itself, it cannot be written: %V%s%s",
                          &st->link->conf->url.text, &e.message,
                          e.remedy ? ": " : "", e.remedy ? e.remedy : "");
        }

        ngx_http_realtime_state_away(st);
        return NGX_DONE;
    }

    if (ngx_time() != st->complained) {
        st->complained = ngx_time();

        ngx_log_error(NGX_LOG_ERR, st->log, 0,
                      "realtime redis %V: %s of \"%V\" is refused: %V",
                      &st->link->conf->url.text,
                      c->script >= 0 ? ngx_http_realtime_scripts[c->script].name
                                     : "a command",
                      &c->argv[c->script >= 0 ? 3 : 1], &e.message);
    }

    if (c->end) {
        ngx_http_realtime_state_local(st, &c->fact);
    }

    return NGX_OK;
}


/* facts are done in their order */

static void
ngx_http_realtime_state_finish(ngx_http_realtime_state_call_t *c)
{
    ngx_queue_t                *q;
    ngx_http_realtime_state_t  *st = c->st;

    c->done = 1;

    while (!ngx_queue_empty(&st->calls)) {

        q = ngx_queue_head(&st->calls);
        c = ngx_queue_data(q, ngx_http_realtime_state_call_t, queue);

        if (!c->done) {
            return;
        }

        if (c->end) {
            ngx_http_realtime_facts_done(st->facts, c->end);
        }

        ngx_queue_remove(q);
        st->n--;
        ngx_free(c);
    }
}


void
ngx_http_realtime_state_forget(ngx_http_realtime_state_t *st)
{
    ngx_queue_t                     *q;
    ngx_http_realtime_state_call_t  *c;

    while (!ngx_queue_empty(&st->calls)) {
        q = ngx_queue_head(&st->calls);
        c = ngx_queue_data(q, ngx_http_realtime_state_call_t, queue);

        ngx_http_realtime_redis_forget(&c->cmd);
        ngx_queue_remove(q);
        ngx_free(c);
    }

    ngx_http_realtime_state_limit_forget(st);

    st->n = 0;
    st->purging = 0;
    st->dead.len = 0;
    st->asked = 0;
    st->pos = atomic_load(&st->facts->sh->done);
}


rt_str_t
ngx_http_realtime_state_key(u_char *dst, const char *prefix, rt_str_t nsp,
    rt_str_t name)
{
    rt_buf_t  b;

    rt_buf_init(&b, dst, NGX_HTTP_REALTIME_STATE_KEY);

    rt_buf_put(&b, rt_str(ngx_strlen(prefix), prefix));

    if (!rt_str_eq(nsp, rt_lit("/"))) {
        rt_buf_put(&b, nsp);
        rt_buf_char(&b, '#');
    }

    rt_buf_put(&b, name);

    return rt_buf_str(&b);
}


void
ngx_http_realtime_state_parse(rt_str_t key, rt_str_t *nsp, rt_str_t *name)
{
    u_char  *p = NULL;

    if (key.len && key.data[0] == '/') {
        p = ngx_strlchr((u_char *) key.data, (u_char *) key.data + key.len,
                        '#');
    }

    if (p == NULL) {
        *nsp = rt_lit("/");
        *name = key;
        return;
    }

    *nsp = rt_str(p - key.data, key.data);
    *name = rt_str(key.len - nsp->len - 1, p + 1);
}


redisReply *
ngx_http_realtime_state_list(redisReply *reply, ngx_uint_t i)
{
    return (reply && reply->type == REDIS_REPLY_ARRAY && i < reply->elements)
           ? reply->element[i] : NULL;
}


uint64_t
ngx_http_realtime_state_number(redisReply *reply, ngx_uint_t i)
{
    redisReply  *e = ngx_http_realtime_state_list(reply, i);

    return (e && e->type == REDIS_REPLY_INTEGER && e->integer > 0) ? e->integer
                                                                   : 0;
}


rt_str_t
ngx_http_realtime_state_text(redisReply *reply, ngx_uint_t i)
{
    redisReply  *e = ngx_http_realtime_state_list(reply, i);

    return (e && e->type == REDIS_REPLY_STRING) ? rt_str(e->len, e->str)
                                                : rt_lit("");
}
