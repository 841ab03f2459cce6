
/*
 * How much users and addresses did is counted over all hosts: what happens here
 * is added up for a moment, so that one call counts many events, and none waits
 * for it.
 *
 * An event is counted there once or, if the worker or the connection that has
 * it is lost, not at all: too little rather than somebody shut out for what
 * nobody did.
 */


#include "cluster/ngx_http_realtime_state.h"
#include "shm/ngx_http_realtime_limits.h"


/* of one key; the strings lie behind it */

typedef struct {
    ngx_str_node_t                  sn;         /* by key */
    ngx_queue_t                     queue;
    rt_str_t                        who;
    rt_str_t                        where;
    ngx_http_realtime_fact_limit_t  limit;
} ngx_http_realtime_state_count_t;


static ngx_int_t ngx_http_realtime_state_limit_fits(
    ngx_http_realtime_state_t *st, const ngx_http_realtime_fact_t *f,
    uint64_t end, ngx_http_realtime_fact_limit_t *limit);
static rt_str_t ngx_http_realtime_state_limit_key(u_char *dst,
    const ngx_http_realtime_fact_t *f, ngx_uint_t kind);
static ngx_http_realtime_state_count_t *ngx_http_realtime_state_limit_add(
    ngx_http_realtime_state_t *st, rt_str_t key, uint32_t hash,
    const ngx_http_realtime_fact_t *f);
static void ngx_http_realtime_state_limit_drop(ngx_http_realtime_state_t *st,
    ngx_http_realtime_state_count_t *one);
static void ngx_http_realtime_state_limit_handler(ngx_event_t *ev);
static ngx_http_realtime_state_call_t *ngx_http_realtime_state_limit_call(
    ngx_http_realtime_state_t *st, ngx_http_realtime_state_count_t *one);
static void ngx_http_realtime_state_limited(ngx_http_realtime_state_call_t *c,
    redisReply *reply);


/* how long is added up, ms */
#define NGX_HTTP_REALTIME_STATE_MOMENT  100

/* keys in that time; what is more counts here only */
#define NGX_HTTP_REALTIME_STATE_COUNTS  4096


static const char  *ngx_http_realtime_state_limits[] = {
    "rl:messages:",
    "rl:room:",
    "rl:connections:",
    "rl:events:"
};

_Static_assert(rt_nitems(ngx_http_realtime_state_limits)
               == NGX_HTTP_REALTIME_LIMITS, "each kind has a prefix");


void
ngx_http_realtime_state_limit_start(ngx_http_realtime_state_t *st)
{
    ngx_rbtree_init(&st->limits, &st->nobody, ngx_str_rbtree_insert_value);
    ngx_queue_init(&st->counts);

    st->count.handler = ngx_http_realtime_state_limit_handler;
    st->count.data = st;
    st->count.log = st->log;
    st->count.cancelable = 1;
}


void
ngx_http_realtime_state_limit(ngx_http_realtime_state_t *st,
    const ngx_http_realtime_fact_t *f, uint64_t end)
{
    u_char                            buf[NGX_HTTP_REALTIME_STATE_KEY];
    rt_str_t                          key;
    uint32_t                          hash;
    ngx_str_t                         name;
    ngx_http_realtime_fact_limit_t    limit;
    ngx_http_realtime_state_count_t  *one;

    if (ngx_http_realtime_state_limit_fits(st, f, end, &limit) != NGX_OK) {
        return;
    }

    key = ngx_http_realtime_state_limit_key(buf, f, limit.kind);
    hash = (uint32_t) rt_hash2(&st->hub->bus->zone->sh->key, key, rt_lit(""));

    name.len = key.len;
    name.data = (u_char *) key.data;

    one = (ngx_http_realtime_state_count_t *)
              ngx_str_rbtree_lookup(&st->limits, &name, hash);

    if (one == NULL) {
        one = ngx_http_realtime_state_limit_add(st, key, hash, f);
        if (one == NULL) {
            return;
        }

        one->limit = limit;

    } else {
        one->limit.events += limit.events;

        if (limit.conf.period) {
            one->limit.conf = limit.conf;
        }
    }

    if (!st->count.timer_set) {
        ngx_add_timer(&st->count, NGX_HTTP_REALTIME_STATE_MOMENT);
    }
}


/* one that is read once more has been counted, perhaps by another worker */

static ngx_int_t
ngx_http_realtime_state_limit_fits(ngx_http_realtime_state_t *st,
    const ngx_http_realtime_fact_t *f, uint64_t end,
    ngx_http_realtime_fact_limit_t *limit)
{
    ngx_http_realtime_facts_peers_t  *peers = &st->facts->sh->peers;

    if (end <= atomic_load(&peers->counted)) {
        return NGX_DECLINED;
    }

    atomic_store(&peers->counted, end);

    if (!st->known || f->s[2].len != sizeof(*limit)) {
        return NGX_DECLINED;
    }

    ngx_memcpy(limit, f->s[2].data, sizeof(*limit));

    return (limit->kind < NGX_HTTP_REALTIME_LIMITS) ? NGX_OK : NGX_DECLINED;
}


/* a user's name stands behind "@" here, an address is bytes */

static rt_str_t
ngx_http_realtime_state_limit_key(u_char *dst,
    const ngx_http_realtime_fact_t *f, ngx_uint_t kind)
{
    u_char    address[16], text[NGX_SOCKADDR_STRLEN];
    size_t    len;
    rt_buf_t  b;
    rt_str_t  who = f->s[0];

    const char  *prefix = ngx_http_realtime_state_limits[kind];

    rt_buf_init(&b, dst, NGX_HTTP_REALTIME_STATE_KEY);
    rt_buf_put(&b, rt_str(ngx_strlen(prefix), prefix));

    if (kind == NGX_HTTP_REALTIME_LIMIT_CONNECTIONS) {

        ngx_memzero(address, sizeof(address));
        ngx_memcpy(address, who.data, ngx_min(who.len, sizeof(address)));

        len = ngx_inet_ntop(who.len == 4 ? AF_INET : AF_INET6, address, text,
                            sizeof(text));

        rt_buf_put(&b, rt_str(len, text));
        rt_buf_put(&b, who.len == 4 ? rt_lit("") : rt_lit("/64"));

        return rt_buf_str(&b);
    }

    if (kind == NGX_HTTP_REALTIME_LIMIT_ROOM) {
        rt_buf_put(&b, f->s[1]);
        rt_buf_char(&b, ':');
    }

    if (who.len) {
        rt_buf_put(&b, rt_str(who.len - 1, who.data + 1));
    }

    return rt_buf_str(&b);
}


static ngx_http_realtime_state_count_t *
ngx_http_realtime_state_limit_add(ngx_http_realtime_state_t *st, rt_str_t key,
    uint32_t hash, const ngx_http_realtime_fact_t *f)
{
    u_char                           *p;
    ngx_http_realtime_state_count_t  *one;

    if (st->ncounts == NGX_HTTP_REALTIME_STATE_COUNTS) {
        return NULL;
    }

    one = ngx_alloc(sizeof(ngx_http_realtime_state_count_t) + key.len
                    + f->s[0].len + f->s[1].len, st->log);
    if (one == NULL) {
        return NULL;
    }

    p = (u_char *) (one + 1);

    one->sn.node.key = hash;
    one->sn.str.len = key.len;
    one->sn.str.data = p;
    p = ngx_cpymem(p, key.data, key.len);

    one->who = rt_str(f->s[0].len, p);
    p = ngx_cpymem(p, f->s[0].data, f->s[0].len);

    one->where = rt_str(f->s[1].len, p);

    if (f->s[1].len) {
        ngx_memcpy(p, f->s[1].data, f->s[1].len);
    }

    ngx_rbtree_insert(&st->limits, &one->sn.node);
    ngx_queue_insert_tail(&st->counts, &one->queue);
    st->ncounts++;

    return one;
}


static void
ngx_http_realtime_state_limit_drop(ngx_http_realtime_state_t *st,
    ngx_http_realtime_state_count_t *one)
{
    ngx_rbtree_delete(&st->limits, &one->sn.node);
    ngx_queue_remove(&one->queue);
    st->ncounts--;

    ngx_free(one);
}


void
ngx_http_realtime_state_limit_forget(ngx_http_realtime_state_t *st)
{
    ngx_queue_t  *q;

    while (!ngx_queue_empty(&st->counts)) {
        q = ngx_queue_head(&st->counts);

        ngx_http_realtime_state_limit_drop(st,
                 ngx_queue_data(q, ngx_http_realtime_state_count_t, queue));
    }

    if (st->count.timer_set) {
        ngx_del_timer(&st->count);
    }
}


/* other facts are not to wait for all of them */

static void
ngx_http_realtime_state_limit_handler(ngx_event_t *ev)
{
    ngx_queue_t                      *q;
    ngx_http_realtime_state_t        *st = ev->data;
    ngx_http_realtime_state_call_t   *c;
    ngx_http_realtime_state_count_t  *one;

    while (!ngx_queue_empty(&st->counts)
           && st->n < NGX_HTTP_REALTIME_STATE_WINDOW / 2)
    {
        q = ngx_queue_head(&st->counts);
        one = ngx_queue_data(q, ngx_http_realtime_state_count_t, queue);

        c = one->limit.events ? ngx_http_realtime_state_limit_call(st, one)
                              : NULL;

        ngx_http_realtime_state_limit_drop(st, one);

        if (c) {
            ngx_http_realtime_state_send(c);    /* may forget the others */
        }
    }

    if (!ngx_queue_empty(&st->counts)) {
        ngx_add_timer(&st->count, NGX_HTTP_REALTIME_STATE_MOMENT);
    }
}


static ngx_http_realtime_state_call_t *
ngx_http_realtime_state_limit_call(ngx_http_realtime_state_t *st,
    ngx_http_realtime_state_count_t *one)
{
    u_char                           n[4][NGX_INT64_LEN];
    rt_str_t                         args[4];
    rt_limit_conf_t                 *conf = &one->limit.conf;
    ngx_http_realtime_fact_t         f;
    ngx_http_realtime_state_call_t  *c;

    ngx_memzero(&f, sizeof(f));

    f.type = NGX_HTTP_REALTIME_FACT_LIMIT;
    f.s[0] = one->who;
    f.s[1] = one->where;
    f.s[2] = rt_str(sizeof(one->limit), &one->limit);

    args[0] = rt_str(ngx_sprintf(n[0], "%L", one->limit.events) - n[0], n[0]);
    args[1] = rt_str(ngx_sprintf(n[1], "%uD", conf->period) - n[1], n[1]);
    args[2] = rt_str(ngx_sprintf(n[2], "%uD", conf->points) - n[2], n[2]);
    args[3] = rt_str(ngx_sprintf(n[3], "%uD", conf->block) - n[3], n[3]);

    c = ngx_http_realtime_state_call(st, NGX_HTTP_REALTIME_SCRIPT_LIMIT,
                                     rt_str(one->sn.str.len, one->sn.str.data),
                                     args, 4, &f);
    if (c) {
        c->answered = ngx_http_realtime_state_limited;
    }

    return c;
}


static void
ngx_http_realtime_state_limited(ngx_http_realtime_state_call_t *c,
    redisReply *reply)
{
    rt_limit_news_t                 news;
    ngx_http_realtime_limited_t     of;
    ngx_http_realtime_fact_limit_t  limit;

    if (reply == NULL) {
        return;
    }

    ngx_memzero(&of, sizeof(of));
    ngx_memcpy(&limit, c->fact.s[2].data, sizeof(limit));

    of.kind = limit.kind;
    of.who = c->fact.s[0];
    of.where = c->fact.s[1];

    news.count = (uint32_t) ngx_min(ngx_http_realtime_state_number(reply, 0),
                                    limit.conf.points);
    news.left = ngx_http_realtime_state_number(reply, 1);
    news.blocked = (limit.conf.block
                    && ngx_http_realtime_state_number(reply, 2));

    if (limit.events > 0 && news.left) {
        ngx_http_realtime_limits_learn(c->st->hub->bus->zone, &of, &limit.conf,
                                       ngx_http_realtime_now(), &news);
    }
}
