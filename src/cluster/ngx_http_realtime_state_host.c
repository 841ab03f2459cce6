
/*
 * Hosts: this one says that it lives, and one that does not any more is purged
 * by the first who claims it: all keys are gone through, and what it had there
 * is taken out and told.
 */


#include "cluster/ngx_http_realtime_state.h"
#include "hub/ngx_http_realtime_account.h"
#include "shm/ngx_http_realtime_roster.h"


static ngx_uint_t ngx_http_realtime_state_taken(
    ngx_http_realtime_state_t *st, redisReply *reply);
static void ngx_http_realtime_state_beaten(ngx_http_realtime_state_call_t *c,
    redisReply *reply);
static void ngx_http_realtime_state_begun(ngx_http_realtime_state_call_t *c,
    redisReply *reply);
static void ngx_http_realtime_state_expired(ngx_http_realtime_state_call_t *c,
    redisReply *reply);
static void ngx_http_realtime_state_scan(ngx_http_realtime_state_t *st);
static void ngx_http_realtime_state_scanned(ngx_http_realtime_state_call_t *c,
    redisReply *reply);
static void ngx_http_realtime_state_purge(ngx_http_realtime_state_t *st,
    rt_str_t key);
static void ngx_http_realtime_state_purged(ngx_http_realtime_state_call_t *c,
    redisReply *reply);
static void ngx_http_realtime_state_purged_room(
    ngx_http_realtime_state_call_t *c, redisReply *reply);
static void ngx_http_realtime_state_offline(ngx_http_realtime_state_call_t *c,
    rt_str_t user);
static void ngx_http_realtime_state_purged_user(
    ngx_http_realtime_state_call_t *c, redisReply *reply);
static void ngx_http_realtime_state_purged_typist(
    ngx_http_realtime_state_call_t *c, redisReply *reply);
static void ngx_http_realtime_state_step(ngx_http_realtime_state_t *st);
static ngx_http_realtime_state_call_t *ngx_http_realtime_state_hosts(
    ngx_http_realtime_state_t *st, ngx_int_t script, const rt_str_t *args,
    ngx_uint_t n);


/* seconds between two heartbeats */
#define NGX_HTTP_REALTIME_STATE_BEAT    2

/* people without a name who are told to be gone, of one host and room */
#define NGX_HTTP_REALTIME_STATE_NAMELESS  1000


static const struct {
    const char  *prefix;
    const char  *pattern;
    ngx_int_t    script;
    void       (*purged)(ngx_http_realtime_state_call_t *c, redisReply *reply);
} ngx_http_realtime_state_stages[] = {
    { "rt:room:", "rt:room:*", NGX_HTTP_REALTIME_SCRIPT_ROOM_PURGE,
      ngx_http_realtime_state_purged_room },
    { "rt:pres:", "rt:pres:*", NGX_HTTP_REALTIME_SCRIPT_PRES_OFF,
      ngx_http_realtime_state_purged_user },
    { "rt:typ:", "rt:typ:*", NGX_HTTP_REALTIME_SCRIPT_TYP_PURGE,
      ngx_http_realtime_state_purged_typist }
};


void
ngx_http_realtime_state_name(ngx_http_realtime_state_t *st, uint32_t number,
    ngx_http_realtime_state_host_t *host)
{
    host->len = ngx_sprintf(host->name, "%*s.%uD",
                            (size_t) NGX_HTTP_REALTIME_UID_LEN,
                            st->link->shared->uid, number)
                - host->name;
}


void
ngx_http_realtime_state_beat(ngx_http_realtime_state_t *st, ngx_uint_t begin)
{
    rt_str_t                         args[3];
    ngx_http_realtime_state_call_t  *c;

    if (!begin && st->known
        && ngx_time() - st->beaten < NGX_HTTP_REALTIME_STATE_BEAT)
    {
        return;
    }

    st->beaten = ngx_time();

    args[0] = rt_str(st->self.len, st->self.name);
    args[1] = rt_lit(NGX_HTTP_REALTIME_STATE_LEASE);
    args[2] = begin ? rt_lit("1") : rt_lit("0");

    c = ngx_http_realtime_state_hosts(st, NGX_HTTP_REALTIME_SCRIPT_HOST_BEAT,
                                      args, 3);
    if (c) {
        c->answered = begin ? ngx_http_realtime_state_begun
                            : ngx_http_realtime_state_beaten;
        ngx_http_realtime_state_send(c);
    }
}


/*
 * Whether Redis knows us: it may have lost what it knew, or somebody has taken
 * us for dead.
 */

static ngx_uint_t
ngx_http_realtime_state_taken(ngx_http_realtime_state_t *st, redisReply *reply)
{
    if (reply && !ngx_http_realtime_state_number(reply, 0)) {
        st->renew = 1;
        return 0;
    }

    return reply != NULL;
}


static void
ngx_http_realtime_state_beaten(ngx_http_realtime_state_call_t *c,
    redisReply *reply)
{
    ngx_http_realtime_state_t  *st = c->st;

    if (ngx_http_realtime_state_taken(st, reply) && !st->known) {
        st->known = 1;
        atomic_store(&st->facts->sh->peers.away, 0);
    }
}


static void
ngx_http_realtime_state_begun(ngx_http_realtime_state_call_t *c,
    redisReply *reply)
{
    ngx_http_realtime_state_t  *st = c->st;

    if (ngx_http_realtime_state_taken(st, reply)) {
        st->known = 1;
    }
}


void
ngx_http_realtime_state_bury(ngx_http_realtime_state_t *st)
{
    rt_str_t                         args[2];
    ngx_http_realtime_state_call_t  *c;

    args[1] = rt_lit(NGX_HTTP_REALTIME_STATE_CLAIM);

    if (st->dead.len) {

        /* it takes long: so that nobody else begins */

        args[0] = rt_str(st->dead.len, st->dead.name);

        c = ngx_http_realtime_state_hosts(st,
                                    NGX_HTTP_REALTIME_SCRIPT_HOST_PURGING,
                                    args, 2);
        if (c) {
            ngx_http_realtime_state_send(c);
        }

        return;
    }

    if (st->asked) {
        return;
    }

    args[0] = rt_str(st->self.len, st->self.name);

    c = ngx_http_realtime_state_hosts(st,
                                      NGX_HTTP_REALTIME_SCRIPT_HOST_EXPIRED,
                                      args, 2);
    if (c) {
        st->asked = 1;
        c->answered = ngx_http_realtime_state_expired;
        ngx_http_realtime_state_send(c);
    }
}


static void
ngx_http_realtime_state_expired(ngx_http_realtime_state_call_t *c,
    redisReply *reply)
{
    rt_str_t                    host;
    ngx_http_realtime_state_t  *st = c->st;

    st->asked = 0;

    host = ngx_http_realtime_state_text(reply, 0);

    if (host.len == 0 || host.len > sizeof(st->dead.name) || st->dead.len) {
        return;
    }

    ngx_memcpy(st->dead.name, host.data, host.len);
    st->dead.len = host.len;

    /* an old one of ours was told here already */

    st->own = (host.len > NGX_HTTP_REALTIME_UID_LEN
               && ngx_memcmp(host.data, st->link->shared->uid,
                             NGX_HTTP_REALTIME_UID_LEN)
                  == 0);

    ngx_log_error(NGX_LOG_NOTICE, st->log, 0,
                  "realtime redis %V: purging what the host %*s left",
                  &st->link->conf->url.text, host.len, host.data);

    st->stage = 0;
    ngx_memcpy(st->cursor, "0", sizeof("0"));

    ngx_http_realtime_state_scan(st);
}


void
ngx_http_realtime_state_purge_own(ngx_http_realtime_state_t *st,
    uint32_t number)
{
    if (number == 0 || st->dead.len) {
        return;                         /* its lease ends, too */
    }

    ngx_http_realtime_state_name(st, number, &st->dead);

    st->own = 1;
    st->stage = 0;
    ngx_memcpy(st->cursor, "0", sizeof("0"));

    ngx_http_realtime_state_scan(st);
}


static void
ngx_http_realtime_state_scan(ngx_http_realtime_state_t *st)
{
    rt_str_t                         args[6];
    const char                      *pattern;
    ngx_http_realtime_state_call_t  *c;

    pattern = ngx_http_realtime_state_stages[st->stage].pattern;

    args[0] = rt_lit("SCAN");
    args[1] = rt_str(ngx_strlen(st->cursor), st->cursor);
    args[2] = rt_lit("MATCH");
    args[3] = rt_str(ngx_strlen(pattern), pattern);
    args[4] = rt_lit("COUNT");
    args[5] = rt_lit("200");

    c = ngx_http_realtime_state_call(st, -1, rt_lit(""), args, 6, NULL);
    if (c == NULL) {
        st->dead.len = 0;               /* somebody claims it later */
        return;
    }

    st->purging++;
    c->answered = ngx_http_realtime_state_scanned;
    ngx_http_realtime_state_send(c);
}


static void
ngx_http_realtime_state_scanned(ngx_http_realtime_state_call_t *c,
    redisReply *reply)
{
    rt_str_t                    cursor;
    redisReply                 *keys;
    ngx_uint_t                  i;
    ngx_http_realtime_state_t  *st = c->st;

    cursor = ngx_http_realtime_state_text(reply, 0);
    keys = ngx_http_realtime_state_list(reply, 1);

    if (cursor.len == 0 || cursor.len >= sizeof(st->cursor)) {
        cursor = rt_lit("0");
    }

    ngx_memcpy(st->cursor, cursor.data, cursor.len);
    st->cursor[cursor.len] = '\0';

    for (i = 0; keys && keys->type == REDIS_REPLY_ARRAY && st->dead.len
                && i < keys->elements;
         i++)
    {
        ngx_http_realtime_state_purge(st, ngx_http_realtime_state_text(keys,
                                                                       i));
    }

    ngx_http_realtime_state_step(st);
}


static void
ngx_http_realtime_state_purge(ngx_http_realtime_state_t *st, rt_str_t key)
{
    size_t                           len;
    rt_str_t                         args[1];
    ngx_http_realtime_fact_t         f;
    ngx_http_realtime_state_call_t  *c;

    len = ngx_strlen(ngx_http_realtime_state_stages[st->stage].prefix);

    if (key.len <= len) {
        return;
    }

    ngx_memzero(&f, sizeof(f));

    ngx_http_realtime_state_parse(rt_str(key.len - len, key.data + len),
                                  &f.s[NGX_HTTP_REALTIME_FACT_NSP], &f.s[0]);

    args[0] = rt_str(st->dead.len, st->dead.name);

    c = ngx_http_realtime_state_call(st,
                          ngx_http_realtime_state_stages[st->stage].script,
                          key, args, 1, &f);
    if (c == NULL) {
        return;
    }

    st->purging++;
    c->flags = st->own ? NGX_HTTP_REALTIME_ENTRY_ABROAD : 0;
    c->answered = ngx_http_realtime_state_purged;
    ngx_http_realtime_state_send(c);
}


static void
ngx_http_realtime_state_purged(ngx_http_realtime_state_call_t *c,
    redisReply *reply)
{
    if (reply) {
        ngx_http_realtime_state_stages[c->st->stage].purged(c, reply);
    }

    ngx_http_realtime_state_step(c->st);
}


static void
ngx_http_realtime_state_purged_room(ngx_http_realtime_state_call_t *c,
    redisReply *reply)
{
    uint64_t                          total, nameless;
    redisReply                       *gone;
    ngx_uint_t                        i;
    ngx_http_realtime_fact_t          f;
    ngx_http_realtime_announcement_t  a;

    ngx_memzero(&a, sizeof(a));

    a.nsp = c->fact.s[NGX_HTTP_REALTIME_FACT_NSP];
    a.room = c->fact.s[0];
    a.flags = c->flags;

    total = ngx_http_realtime_state_number(reply, 0);
    gone = ngx_http_realtime_state_list(reply, 1);

    f = c->fact;
    f.type = NGX_HTTP_REALTIME_FACT_LEAVE;

    for (i = 0; gone && gone->type == REDIS_REPLY_ARRAY && i < gone->elements;
         i++)
    {
        f.s[1] = ngx_http_realtime_state_text(gone, i);
        ngx_http_realtime_account_settled(c->st->hub, &f, 1);
    }

    nameless = ngx_http_realtime_state_number(reply, 2);

    ngx_http_realtime_roster_total(c->st->hub->bus->zone, a.nsp, a.room,
                                   total);

    if (ngx_http_realtime_state_number(reply, 3)) {
        return;                         /* quiet */
    }

    for (i = 0; gone && gone->type == REDIS_REPLY_ARRAY && i < gone->elements;
         i++)
    {
        a.user = ngx_http_realtime_state_text(gone, i);
        ngx_http_realtime_state_moved(c->st, &a, total);

        if (c->st->scoped) {
            ngx_http_realtime_state_offline(c, a.user);
        }
    }

    a.user = rt_lit("");

    for (i = 0; !c->st->own && i < nameless
                && i < NGX_HTTP_REALTIME_STATE_NAMELESS;
         i++)
    {
        ngx_http_realtime_state_moved(c->st, &a, total);
    }
}


/* to the room that the call was about */

static void
ngx_http_realtime_state_offline(ngx_http_realtime_state_call_t *c,
    rt_str_t user)
{
    u_char                             buf[UINT8_MAX + sizeof(uint32_t)];
    ngx_http_realtime_presence_news_t  news;

    if (c->fact.s[0].len > UINT8_MAX) {
        return;
    }

    ngx_memzero(&news, sizeof(news));

    news.nsp = c->fact.s[NGX_HTTP_REALTIME_FACT_NSP];
    news.user = user;
    news.status = rt_lit("offline");
    news.flags = c->flags;
    news.rooms = rt_str(ngx_http_realtime_list_put(buf, c->fact.s[0], 0) - buf,
                        buf);

    ngx_http_realtime_presence_announce(c->st->hub, &news);
}


static void
ngx_http_realtime_state_purged_user(ngx_http_realtime_state_call_t *c,
    redisReply *reply)
{
    ngx_http_realtime_fact_t           f;
    ngx_http_realtime_presence_news_t  news;

    if (!ngx_http_realtime_state_number(reply, 0)
        || !ngx_http_realtime_state_number(reply, 2))
    {
        return;
    }

    f = c->fact;
    f.type = NGX_HTTP_REALTIME_FACT_PRESENCE;

    ngx_http_realtime_account_settled(c->st->hub, &f, 1);

    /* where only those in the same rooms may know, these were told */

    if (c->st->scoped) {
        return;
    }

    ngx_memzero(&news, sizeof(news));

    news.nsp = c->fact.s[NGX_HTTP_REALTIME_FACT_NSP];
    news.user = c->fact.s[0];
    news.status = rt_lit("offline");
    news.custom = ngx_http_realtime_state_text(reply, 1);
    news.flags = c->flags;

    if (rt_str_eq(news.custom, rt_lit("{}"))) {
        news.custom = rt_lit("");
    }

    ngx_http_realtime_presence_announce(c->st->hub, &news);
}


static void
ngx_http_realtime_state_purged_typist(ngx_http_realtime_state_call_t *c,
    redisReply *reply)
{
    u_char                           *p;
    rt_str_t                          name = c->fact.s[0];
    ngx_http_realtime_typing_news_t   news;

    p = ngx_strlchr((u_char *) name.data, (u_char *) name.data + name.len,
                    ':');

    if (p == NULL || !ngx_http_realtime_state_number(reply, 0)) {
        return;
    }

    ngx_memzero(&news, sizeof(news));

    news.nsp = c->fact.s[NGX_HTTP_REALTIME_FACT_NSP];
    news.room = rt_str(p - name.data, name.data);
    news.flags = c->flags;

    name = rt_str(name.len - news.room.len - 1, p + 1);

    if (name.len && name.data[0] == '=') {
        news.thread = rt_str(name.len - 1, name.data + 1);
    }

    ngx_http_realtime_state_typing(c->st, &news,
                                   ngx_http_realtime_state_list(reply, 1));
}


/* one call less: the next page, the next kind of keys, or the end */

static void
ngx_http_realtime_state_step(ngx_http_realtime_state_t *st)
{
    rt_str_t                         args[2];
    ngx_http_realtime_state_call_t  *c;

    if (st->dead.len == 0 || --st->purging) {
        return;
    }

    if (ngx_strcmp(st->cursor, "0") != 0) {
        ngx_http_realtime_state_scan(st);
        return;
    }

    if (++st->stage < rt_nitems(ngx_http_realtime_state_stages)) {
        ngx_http_realtime_state_scan(st);
        return;
    }

    args[0] = rt_str(st->dead.len, st->dead.name);
    args[1] = st->own ? rt_lit("1") : rt_lit("0");

    c = ngx_http_realtime_state_hosts(st,
                                      NGX_HTTP_REALTIME_SCRIPT_HOST_PURGED,
                                      args, 2);
    st->dead.len = 0;

    if (c) {
        ngx_http_realtime_state_send(c);
    }
}


void
ngx_http_realtime_state_leave(ngx_http_realtime_state_t *st)
{
    rt_str_t                         args[1];
    ngx_http_realtime_state_call_t  *c;

    args[0] = rt_str(st->self.len, st->self.name);

    c = ngx_http_realtime_state_hosts(st, NGX_HTTP_REALTIME_SCRIPT_HOST_LEAVE,
                                      args, 1);
    if (c) {
        ngx_http_realtime_state_send(c);
    }
}


static ngx_http_realtime_state_call_t *
ngx_http_realtime_state_hosts(ngx_http_realtime_state_t *st, ngx_int_t script,
    const rt_str_t *args, ngx_uint_t n)
{
    return ngx_http_realtime_state_call(st, script, rt_lit("rt:hosts"), args,
                                        n, NULL);
}
