
/*
 * Facts become calls; or, while Redis is away, what this host makes of them.
 */


#include "cluster/ngx_http_realtime_state.h"
#include "hub/ngx_http_realtime_account.h"


static ngx_int_t ngx_http_realtime_state_room(ngx_http_realtime_state_t *st,
    ngx_http_realtime_fact_t *f, uint64_t end);
static ngx_int_t ngx_http_realtime_state_user(ngx_http_realtime_state_t *st,
    ngx_http_realtime_fact_t *f, uint64_t end);
static ngx_int_t ngx_http_realtime_state_typist(ngx_http_realtime_state_t *st,
    ngx_http_realtime_fact_t *f, uint64_t end);
static ngx_int_t ngx_http_realtime_state_socket(ngx_http_realtime_state_t *st,
    ngx_http_realtime_fact_t *f, uint64_t end);
static ngx_int_t ngx_http_realtime_state_put(ngx_http_realtime_state_t *st,
    ngx_int_t script, rt_str_t key, const rt_str_t *args, ngx_uint_t n,
    ngx_http_realtime_fact_t *f, uint64_t end);


#define ngx_http_realtime_state_host(st)                                      \
    rt_str((st)->self.len, (st)->self.name)

/* what expires a connection that nobody refreshes, ms */
#define NGX_HTTP_REALTIME_STATE_CONN  NGX_HTTP_REALTIME_SCRIPT_CONN


ngx_int_t
ngx_http_realtime_state_fact(ngx_http_realtime_state_t *st,
    ngx_http_realtime_fact_t *f, uint64_t end)
{
    switch (f->type) {

    case NGX_HTTP_REALTIME_FACT_JOIN:
    case NGX_HTTP_REALTIME_FACT_LEAVE:
    case NGX_HTTP_REALTIME_FACT_COUNT:
    case NGX_HTTP_REALTIME_FACT_ASK:
    case NGX_HTTP_REALTIME_FACT_UNASK:
        return ngx_http_realtime_state_room(st, f, end);

    case NGX_HTTP_REALTIME_FACT_PRESENCE:
    case NGX_HTTP_REALTIME_FACT_QUERY:
        return ngx_http_realtime_state_user(st, f, end);

    case NGX_HTTP_REALTIME_FACT_TYPING:
        return ngx_http_realtime_state_typist(st, f, end);

    default:
        return ngx_http_realtime_state_socket(st, f, end);
    }
}


static ngx_int_t
ngx_http_realtime_state_room(ngx_http_realtime_state_t *st,
    ngx_http_realtime_fact_t *f, uint64_t end)
{
    u_char      buf[NGX_HTTP_REALTIME_STATE_KEY], count[NGX_INT64_LEN];
    rt_str_t    key, args[4];
    ngx_int_t   script;
    ngx_uint_t  n = 2;

    key = ngx_http_realtime_state_key(buf, "rt:room:",
                                      f->s[NGX_HTTP_REALTIME_FACT_NSP],
                                      f->s[0]);

    args[0] = ngx_http_realtime_state_host(st);
    args[1] = f->s[1];
    args[2] = f->logged ? rt_lit("1") : rt_lit("0");

    switch (f->type) {

    case NGX_HTTP_REALTIME_FACT_JOIN:
    case NGX_HTTP_REALTIME_FACT_ASK:
        script = NGX_HTTP_REALTIME_SCRIPT_ROOM_JOIN;
        args[3] = (f->type == NGX_HTTP_REALTIME_FACT_ASK) ? rt_lit("2")
                                                          : rt_lit("0");
        n = 4;
        break;

    case NGX_HTTP_REALTIME_FACT_COUNT:
        script = NGX_HTTP_REALTIME_SCRIPT_ROOM_ANON;
        args[1] = rt_str(ngx_sprintf(count, "%uL", f->number) - count, count);
        n = 3;
        break;

    default:
        script = NGX_HTTP_REALTIME_SCRIPT_ROOM_LEAVE;
    }

    return ngx_http_realtime_state_put(st, script, key, args, n, f, end);
}


static ngx_int_t
ngx_http_realtime_state_user(ngx_http_realtime_state_t *st,
    ngx_http_realtime_fact_t *f, uint64_t end)
{
    u_char    buf[NGX_HTTP_REALTIME_STATE_KEY];
    rt_str_t  key, args[4];

    key = ngx_http_realtime_state_key(buf, "rt:pres:",
                                      f->s[NGX_HTTP_REALTIME_FACT_NSP],
                                      f->s[0]);

    args[0] = ngx_http_realtime_state_host(st);

    st->scoped |= (f->s[NGX_HTTP_REALTIME_FACT_ROOMS].data != NULL);

    if (f->type == NGX_HTTP_REALTIME_FACT_QUERY
        || rt_str_eq(f->s[3], rt_lit("found")))
    {
        return ngx_http_realtime_state_put(st,
                                         NGX_HTTP_REALTIME_SCRIPT_PRES_GET,
                                         key, NULL, 0, f, end);
    }

    if (rt_str_eq(f->s[3], rt_lit("off"))) {
        return ngx_http_realtime_state_put(st,
                                         NGX_HTTP_REALTIME_SCRIPT_PRES_OFF,
                                         key, args, 1, f, end);
    }

    args[1] = f->s[1];
    args[2] = f->s[2];
    args[3] = f->s[3];

    return ngx_http_realtime_state_put(st, NGX_HTTP_REALTIME_SCRIPT_PRES_ON,
                                       key, args, 4, f, end);
}


static ngx_int_t
ngx_http_realtime_state_typist(ngx_http_realtime_state_t *st,
    ngx_http_realtime_fact_t *f, uint64_t end)
{
    u_char     buf[NGX_HTTP_REALTIME_STATE_KEY], left[NGX_INT64_LEN];
    rt_buf_t   b;
    rt_str_t   key, args[3];
    uint64_t   now = ngx_http_realtime_now();

    key = ngx_http_realtime_state_key(buf, "rt:typ:",
                                      f->s[NGX_HTTP_REALTIME_FACT_NSP],
                                      f->s[0]);

    /* a thread has any name, but not one that is outside of all */

    b.start = buf;
    b.pos = buf + key.len;
    b.last = buf + sizeof(buf);
    b.overflow = 0;

    rt_buf_put(&b, f->s[2].data ? rt_lit(":=") : rt_lit(":"));
    rt_buf_put(&b, f->s[2]);

    key = rt_buf_str(&b);

    args[0] = ngx_http_realtime_state_host(st);
    args[1] = f->s[1];

    if (f->number <= now) {
        return ngx_http_realtime_state_put(st,
                                         NGX_HTTP_REALTIME_SCRIPT_TYP_STOP,
                                         key, args, 2, f, end);
    }

    args[2] = rt_str(ngx_sprintf(left, "%uL", f->number - now) - left, left);

    return ngx_http_realtime_state_put(st, NGX_HTTP_REALTIME_SCRIPT_TYP_START,
                                       key, args, 3, f, end);
}


static ngx_int_t
ngx_http_realtime_state_socket(ngx_http_realtime_state_t *st,
    ngx_http_realtime_fact_t *f, uint64_t end)
{
    u_char    buf[NGX_HTTP_REALTIME_STATE_KEY], since[NGX_INT64_LEN];
    rt_str_t  key, args[4];

    key = ngx_http_realtime_state_key(buf, "rt:conn:", rt_lit("/"), f->s[0]);

    switch (f->type) {

    case NGX_HTTP_REALTIME_FACT_CONNECT:
        args[0] = ngx_http_realtime_state_host(st);
        args[1] = f->s[2];
        args[2] = f->s[1];
        args[3] = rt_str(ngx_sprintf(since, "%uL", f->time) - since, since);

        return ngx_http_realtime_state_put(st,
                                         NGX_HTTP_REALTIME_SCRIPT_CONN_SET,
                                         key, args, 4, f, end);

    case NGX_HTTP_REALTIME_FACT_ACTIVITY:
        args[0] = rt_lit("PEXPIRE");
        args[1] = key;
        args[2] = rt_lit(NGX_HTTP_REALTIME_STATE_CONN);

        return ngx_http_realtime_state_put(st, -1, key, args, 3, f, end);

    default:
        args[0] = rt_lit("DEL");
        args[1] = key;

        return ngx_http_realtime_state_put(st, -1, key, args, 2, f, end);
    }
}


static ngx_int_t
ngx_http_realtime_state_put(ngx_http_realtime_state_t *st, ngx_int_t script,
    rt_str_t key, const rt_str_t *args, ngx_uint_t n,
    ngx_http_realtime_fact_t *f, uint64_t end)
{
    ngx_http_realtime_state_call_t  *c;

    c = ngx_http_realtime_state_call(st, script, key, args, n, f);
    if (c == NULL) {
        return NGX_ERROR;
    }

    c->end = end;
    c->answered = ngx_http_realtime_state_answered;

    ngx_http_realtime_state_send(c);

    return NGX_OK;
}


/* others may know more than this host; it goes by what it knows */

void
ngx_http_realtime_state_local(ngx_http_realtime_state_t *st,
    ngx_http_realtime_fact_t *f)
{
    ngx_http_realtime_announcement_t   a;
    ngx_http_realtime_typing_news_t    typing;
    ngx_http_realtime_presence_news_t  news;

    if (f->type == NGX_HTTP_REALTIME_FACT_JOIN
        || f->type == NGX_HTTP_REALTIME_FACT_LEAVE
        || (f->type == NGX_HTTP_REALTIME_FACT_PRESENCE
            && rt_str_eq(f->s[3], rt_lit("off"))))
    {
        ngx_http_realtime_account_settled(st->hub, f, 0);
    }

    switch (f->type) {

    case NGX_HTTP_REALTIME_FACT_JOIN:
    case NGX_HTTP_REALTIME_FACT_LEAVE:
    case NGX_HTTP_REALTIME_FACT_COUNT:

        if (f->logged) {
            break;
        }

        ngx_memzero(&a, sizeof(a));

        a.come = (f->type == NGX_HTTP_REALTIME_FACT_COUNT)
                 ? f->s[2].len : (f->type == NGX_HTTP_REALTIME_FACT_JOIN);
        a.nsp = f->s[NGX_HTTP_REALTIME_FACT_NSP];
        a.room = f->s[0];
        a.user = f->s[1];
        a.except = f->s[NGX_HTTP_REALTIME_FACT_SOCKET];
        a.flags = NGX_HTTP_REALTIME_ENTRY_LOCAL;

        ngx_http_realtime_announce(st->hub, &a);
        break;

    case NGX_HTTP_REALTIME_FACT_PRESENCE:

        ngx_memzero(&news, sizeof(news));

        news.nsp = f->s[NGX_HTTP_REALTIME_FACT_NSP];
        news.user = f->s[0];
        news.status = f->s[1];
        news.custom = rt_str_eq(f->s[2], rt_lit("{}")) ? rt_lit("") : f->s[2];
        news.rooms = f->s[NGX_HTTP_REALTIME_FACT_ROOMS];
        news.flags = NGX_HTTP_REALTIME_ENTRY_LOCAL;

        if (news.rooms.data == NULL || news.rooms.len) {
            ngx_http_realtime_presence_announce(st->hub, &news);
        }

        break;

    case NGX_HTTP_REALTIME_FACT_TYPING:

        ngx_memzero(&typing, sizeof(typing));

        typing.nsp = f->s[NGX_HTTP_REALTIME_FACT_NSP];
        typing.room = f->s[0];
        typing.thread = f->s[2];
        typing.except = f->s[NGX_HTTP_REALTIME_FACT_SOCKET];
        typing.flags = NGX_HTTP_REALTIME_ENTRY_LOCAL;

        ngx_http_realtime_typing_here(st->hub, &typing);
        break;
    }

    ngx_http_realtime_state_tell(st, f, NGX_HTTP_REALTIME_PEERS_UNKNOWN,
                                 rt_lit(""), rt_lit(""));
}
