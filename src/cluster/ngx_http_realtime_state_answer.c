
/*
 * What Redis says to facts is announced to everybody: here by the log, and by
 * what the log has for others.
 */


#include "cluster/ngx_http_realtime_state.h"
#include "hub/ngx_http_realtime_account.h"
#include "shm/ngx_http_realtime_roster.h"


static void ngx_http_realtime_state_answered_room(
    ngx_http_realtime_state_call_t *c, redisReply *reply);
static void ngx_http_realtime_state_answered_user(
    ngx_http_realtime_state_call_t *c, redisReply *reply);
static void ngx_http_realtime_state_counted(ngx_http_realtime_state_call_t *c,
    redisReply *reply);
static void ngx_http_realtime_state_found(ngx_http_realtime_state_call_t *c,
    redisReply *reply);
static void ngx_http_realtime_state_answered_typist(
    ngx_http_realtime_state_call_t *c, redisReply *reply);


void
ngx_http_realtime_state_answered(ngx_http_realtime_state_call_t *c,
    redisReply *reply)
{
    if (reply == NULL) {
        return;
    }

    switch (c->fact.type) {

    case NGX_HTTP_REALTIME_FACT_JOIN:
    case NGX_HTTP_REALTIME_FACT_LEAVE:
    case NGX_HTTP_REALTIME_FACT_COUNT:
    case NGX_HTTP_REALTIME_FACT_ASK:
    case NGX_HTTP_REALTIME_FACT_UNASK:
        ngx_http_realtime_state_answered_room(c, reply);
        break;

    case NGX_HTTP_REALTIME_FACT_PRESENCE:
    case NGX_HTTP_REALTIME_FACT_QUERY:
        ngx_http_realtime_state_answered_user(c, reply);
        break;

    case NGX_HTTP_REALTIME_FACT_TYPING:
        ngx_http_realtime_state_answered_typist(c, reply);
        break;
    }
}


static void
ngx_http_realtime_state_answered_room(ngx_http_realtime_state_call_t *c,
    redisReply *reply)
{
    uint64_t                          total;
    ngx_uint_t                        news, refused;
    ngx_http_realtime_fact_t         *f = &c->fact;
    ngx_http_realtime_announcement_t  a;

    if (f->type == NGX_HTTP_REALTIME_FACT_COUNT) {
        news = 1;
        refused = 0;
        total = ngx_http_realtime_state_number(reply, 0);

    } else {
        news = ngx_http_realtime_state_number(reply, 0);
        total = ngx_http_realtime_state_number(reply, 1);
        refused = ngx_http_realtime_state_number(reply, 2);
    }

    if (f->type == NGX_HTTP_REALTIME_FACT_ASK
        || f->type == NGX_HTTP_REALTIME_FACT_UNASK)
    {
        ngx_http_realtime_state_tell(c->st, f, refused
                                               ? NGX_HTTP_REALTIME_PEERS_NO
                                               : NGX_HTTP_REALTIME_PEERS_YES,
                                     rt_lit(""), rt_lit(""));
        return;
    }

    if (f->type == NGX_HTTP_REALTIME_FACT_JOIN
        || (f->type == NGX_HTTP_REALTIME_FACT_LEAVE && news))
    {
        ngx_http_realtime_account_settled(c->st->hub, f, 1);
    }

    ngx_memzero(&a, sizeof(a));

    a.come = (f->type == NGX_HTTP_REALTIME_FACT_COUNT)
             ? f->s[2].len : (f->type == NGX_HTTP_REALTIME_FACT_JOIN);
    a.nsp = f->s[NGX_HTTP_REALTIME_FACT_NSP];
    a.room = f->s[0];
    a.user = f->s[1];
    a.except = f->s[NGX_HTTP_REALTIME_FACT_SOCKET];

    if (news && !f->logged) {
        ngx_http_realtime_state_moved(c->st, &a, total);

    } else {
        ngx_http_realtime_roster_total(c->st->hub->bus->zone, a.nsp, a.room,
                                       total);
    }

    ngx_http_realtime_state_tell(c->st, f, NGX_HTTP_REALTIME_PEERS_YES,
                                 rt_lit(""), rt_lit(""));
}


void
ngx_http_realtime_state_moved(ngx_http_realtime_state_t *st,
    ngx_http_realtime_announcement_t *a, uint64_t total)
{
    ngx_http_realtime_roster_total(st->hub->bus->zone, a->nsp, a->room, total);

    /* also who is alone there: servers of another kind do not count */

    a->people = total + 1;
    ngx_http_realtime_announce(st->hub, a);
}


void
ngx_http_realtime_state_count(ngx_http_realtime_state_t *st, rt_str_t nsp,
    rt_str_t room)
{
    u_char                           buf[NGX_HTTP_REALTIME_STATE_KEY];
    rt_str_t                         key;
    ngx_http_realtime_fact_t         f;
    ngx_http_realtime_state_call_t  *c;

    if (!st->known || st->n >= NGX_HTTP_REALTIME_STATE_WINDOW / 2) {
        return;
    }

    ngx_memzero(&f, sizeof(f));

    f.s[NGX_HTTP_REALTIME_FACT_NSP] = nsp;
    f.s[0] = room;

    key = ngx_http_realtime_state_key(buf, "rt:room:", nsp, room);

    c = ngx_http_realtime_state_call(st, NGX_HTTP_REALTIME_SCRIPT_ROOM_READ,
                                     key, NULL, 0, &f);
    if (c) {
        c->answered = ngx_http_realtime_state_counted;
        ngx_http_realtime_state_send(c);
    }
}


static void
ngx_http_realtime_state_counted(ngx_http_realtime_state_call_t *c,
    redisReply *reply)
{
    if (reply) {
        ngx_http_realtime_roster_total(c->st->hub->bus->zone,
                                       c->fact.s[NGX_HTTP_REALTIME_FACT_NSP],
                                       c->fact.s[0],
                                       ngx_http_realtime_state_number(reply,
                                                                      0));
    }
}


static void
ngx_http_realtime_state_answered_user(ngx_http_realtime_state_call_t *c,
    redisReply *reply)
{
    rt_str_t                           status, custom;
    ngx_uint_t                         changed;
    ngx_http_realtime_fact_t          *f = &c->fact;
    ngx_http_realtime_presence_news_t  news;

    changed = ngx_http_realtime_state_number(reply, 0);
    status = ngx_http_realtime_state_text(reply, 1);
    custom = ngx_http_realtime_state_text(reply, 2);

    if (f->type == NGX_HTTP_REALTIME_FACT_QUERY) {
        ngx_http_realtime_state_tell(c->st, f, changed
                                               ? NGX_HTTP_REALTIME_PEERS_YES
                                               : NGX_HTTP_REALTIME_PEERS_NO,
                                     status, custom);
        return;
    }

    if (c->script == NGX_HTTP_REALTIME_SCRIPT_PRES_GET) {
        ngx_http_realtime_state_found(c, reply);
        return;
    }

    if (c->script == NGX_HTTP_REALTIME_SCRIPT_PRES_OFF) {
        custom = status;
        status = rt_lit("offline");

        if (changed) {
            ngx_http_realtime_account_settled(c->st->hub, f, 1);
        }
    }

    ngx_memzero(&news, sizeof(news));

    news.nsp = f->s[NGX_HTTP_REALTIME_FACT_NSP];
    news.user = f->s[0];
    news.status = status;
    news.custom = rt_str_eq(custom, rt_lit("{}")) ? rt_lit("") : custom;
    news.rooms = f->s[NGX_HTTP_REALTIME_FACT_ROOMS];
    news.flags = c->flags;

    if (changed && (news.rooms.data == NULL || news.rooms.len)) {
        ngx_http_realtime_presence_announce(c->st->hub, &news);
    }
}


/* one of the database's counts where there is none yet */

static void
ngx_http_realtime_state_found(ngx_http_realtime_state_call_t *c,
    redisReply *reply)
{
    rt_str_t                         key, args[4];
    ngx_http_realtime_state_t       *st = c->st;
    ngx_http_realtime_state_call_t  *next;

    if (ngx_http_realtime_state_text(reply, 2).len) {
        return;
    }

    key = rt_str(c->argv[3].len, c->argv[3].data);

    args[0] = rt_str(st->self.len, st->self.name);
    args[1] = ngx_http_realtime_state_number(reply, 0)
              ? ngx_http_realtime_state_text(reply, 1) : c->fact.s[1];
    args[2] = c->fact.s[2];
    args[3] = rt_lit("set");

    next = ngx_http_realtime_state_call(st, NGX_HTTP_REALTIME_SCRIPT_PRES_ON,
                                        key, args, 4, &c->fact);
    if (next) {
        next->answered = ngx_http_realtime_state_answered;
        ngx_http_realtime_state_send(next);
    }
}


static void
ngx_http_realtime_state_answered_typist(ngx_http_realtime_state_call_t *c,
    redisReply *reply)
{
    ngx_http_realtime_fact_t         *f = &c->fact;
    ngx_http_realtime_typing_news_t   news;

    if (!ngx_http_realtime_state_number(reply, 0)) {
        return;
    }

    ngx_memzero(&news, sizeof(news));

    news.nsp = f->s[NGX_HTTP_REALTIME_FACT_NSP];
    news.room = f->s[0];
    news.thread = f->s[2];
    news.except = f->s[NGX_HTTP_REALTIME_FACT_SOCKET];

    ngx_http_realtime_state_typing(c->st, &news,
                                   ngx_http_realtime_state_list(reply, 1));
}


void
ngx_http_realtime_state_typing(ngx_http_realtime_state_t *st,
    ngx_http_realtime_typing_news_t *news, redisReply *users)
{
    u_char      *p, *start, *last;
    rt_str_t     id;
    ngx_uint_t   i;

    /* behind the arguments */

    start = st->hub->args.data + NGX_HTTP_REALTIME_LOCKED_MAX / 2;
    last = st->hub->args.data + NGX_HTTP_REALTIME_LOCKED_MAX;
    p = start;

    for (i = 0; users && users->type == REDIS_REPLY_ARRAY
                && i < users->elements && i < NGX_HTTP_REALTIME_TYPING_USERS;
         i++)
    {
        id = ngx_http_realtime_state_text(users, i);

        if ((size_t) (last - p) < ngx_http_realtime_list_size(id.len)) {
            break;
        }

        p = ngx_http_realtime_list_put(p, id, 0);
    }

    news->users = rt_str(p - start, start);

    ngx_http_realtime_typing_announce(st->hub, news);
}


void
ngx_http_realtime_state_tell(ngx_http_realtime_state_t *st,
    const ngx_http_realtime_fact_t *f, ngx_uint_t number, rt_str_t status,
    rt_str_t custom)
{
    u_char                     *p, buf[2048];
    ngx_http_realtime_entry_t   e;

    if (f->handle == 0) {
        return;
    }

    ngx_memzero(&e, sizeof(e));

    e.type = NGX_HTTP_REALTIME_ENTRY_ANSWER;
    e.to.slot = f->slot;
    e.to.generation = f->generation;
    e.handle = f->handle;
    e.number = number;

    if (status.len + custom.len + 2 * ngx_http_realtime_list_size(0)
        <= sizeof(buf))
    {
        p = ngx_http_realtime_list_put(buf, status, 0);
        p = ngx_http_realtime_list_put(p, custom, 0);
        e.packets = rt_str(p - buf, buf);
    }

    (void) ngx_http_realtime_bus_append(st->hub->bus, &e);
}
