
#include "shm/ngx_http_realtime_limits.h"
#include "shm/ngx_http_realtime_keyed.h"
#include "shm/ngx_http_realtime_spare.h"


static void ngx_http_realtime_limits_tell(ngx_http_realtime_zone_t *z,
    const ngx_http_realtime_limited_t *of, const rt_limit_conf_t *conf,
    int64_t events);
static void ngx_http_realtime_limits_key(ngx_http_realtime_zone_t *z,
    const ngx_http_realtime_limited_t *of,
    ngx_http_realtime_limit_rec_t *like);
static rt_ref_t ngx_http_realtime_limits_find_locked(
    ngx_http_realtime_zone_t *z, const ngx_http_realtime_limit_rec_t *like);
static rt_ref_t ngx_http_realtime_limits_use_locked(
    ngx_http_realtime_zone_t *z, const ngx_http_realtime_limit_rec_t *like,
    uint64_t now);
static rt_ref_t ngx_http_realtime_limits_make_locked(
    ngx_http_realtime_zone_t *z, const ngx_http_realtime_limit_rec_t *like,
    uint64_t now);
static ngx_uint_t ngx_http_realtime_limits_drop_locked(
    ngx_http_realtime_zone_t *z, ngx_uint_t kind, uint64_t now,
    ngx_uint_t any);


/* of all bytes of the arena, one in so many may be limits of one kind */
#define NGX_HTTP_REALTIME_LIMITS_SHARE  16

/* how many are looked at for one that says nothing any more */
#define NGX_HTTP_REALTIME_LIMITS_LOOKS  4

#define NGX_HTTP_REALTIME_LIMITS_LINK                                         \
    offsetof(ngx_http_realtime_limit_rec_t, link)


ngx_int_t
ngx_http_realtime_limits_take(ngx_http_realtime_zone_t *z,
    const ngx_http_realtime_limited_t *of, const rt_limit_conf_t *conf,
    uint64_t now, uint64_t *wait, ngx_http_realtime_counted_t *counted)
{
    int64_t                         events = 0;
    rt_ref_t                        ref;
    ngx_int_t                       rc = NGX_DECLINED;
    rt_limit_t                      was;
    ngx_http_realtime_limit_rec_t   like, *rec;

    ngx_http_realtime_limits_key(z, of, &like);

    ngx_http_realtime_zone_lock(z);

    ref = ngx_http_realtime_limits_use_locked(z, &like, now);
    rec = ngx_http_realtime_at(z, ref);

    if (rec) {
        was = rec->limit;
        rc = rt_limit_take(&rec->limit, conf, now, wait);

        if (rc == NGX_OK) {
            events = 1;

        } else if (rec->limit.blocked && (!was.blocked || was.ends <= now)) {

            /* it begins: more than any window holds */

            events = (int64_t) conf->points + 1;
        }

        if (counted) {
            counted->ref = ref;
            counted->hash = like.hash;
        }
    }

    ngx_http_realtime_zone_unlock(z);

    if (events) {
        ngx_http_realtime_limits_tell(z, of, conf, events);
    }

    return rc;
}


void
ngx_http_realtime_limits_give(ngx_http_realtime_zone_t *z,
    const ngx_http_realtime_limited_t *of,
    ngx_http_realtime_counted_t *counted)
{
    ngx_uint_t                      given = 0;
    ngx_http_realtime_limit_rec_t  *rec;

    static const rt_limit_conf_t  none;

    ngx_http_realtime_zone_lock(z);

    rec = ngx_http_realtime_at(z, counted->ref);

    if (rec && rec->type == NGX_HTTP_REALTIME_RECORD_LIMIT
        && rec->hash == counted->hash)
    {
        rt_limit_give(&rec->limit);
        given = 1;
    }

    ngx_http_realtime_zone_unlock(z);

    ngx_memzero(counted, sizeof(*counted));

    if (given) {
        ngx_http_realtime_limits_tell(z, of, &none, -1);
    }
}


void
ngx_http_realtime_limits_learn(ngx_http_realtime_zone_t *z,
    const ngx_http_realtime_limited_t *of, const rt_limit_conf_t *conf,
    uint64_t now, const rt_limit_news_t *news)
{
    ngx_http_realtime_limit_rec_t  like, *rec;

    ngx_http_realtime_limits_key(z, of, &like);

    ngx_http_realtime_zone_lock(z);

    rec = ngx_http_realtime_at(z,
                               ngx_http_realtime_limits_find_locked(z, &like));
    if (rec) {
        rt_limit_learn(&rec->limit, conf, now, news);
    }

    ngx_http_realtime_zone_unlock(z);
}


static void
ngx_http_realtime_limits_tell(ngx_http_realtime_zone_t *z,
    const ngx_http_realtime_limited_t *of, const rt_limit_conf_t *conf,
    int64_t events)
{
    ngx_http_realtime_fact_t        f;
    ngx_http_realtime_fact_limit_t  limit;

    if (z->peers == NULL || of->here
        || atomic_load_explicit(&z->peers->sh->peers.away,
                                memory_order_relaxed))
    {
        return;
    }

    ngx_memzero(&limit, sizeof(limit));
    ngx_memzero(&f, sizeof(f));

    limit.kind = of->kind;
    limit.events = events;
    limit.conf = *conf;

    f.type = NGX_HTTP_REALTIME_FACT_LIMIT;
    f.s[0] = of->who;
    f.s[1] = of->where;
    f.s[2] = rt_str(sizeof(limit), &limit);

    ngx_http_realtime_facts_put(z->peers, &f);
}


/* two hashes with secret keys: 128 bits that nobody can aim */

static void
ngx_http_realtime_limits_key(ngx_http_realtime_zone_t *z,
    const ngx_http_realtime_limited_t *of, ngx_http_realtime_limit_rec_t *like)
{
    rt_hash_key_t  other;

    other.k0 = ~z->sh->key.k0;
    other.k1 = ~z->sh->key.k1;

    ngx_memzero(like, sizeof(*like));

    like->kind = of->kind;
    like->key[0] = rt_hash2(&z->sh->key, of->who, of->where);
    like->key[1] = rt_hash2(&other, of->who, of->where);
    like->hash = like->key[0];
}


static rt_ref_t
ngx_http_realtime_limits_find_locked(ngx_http_realtime_zone_t *z,
    const ngx_http_realtime_limit_rec_t *like)
{
    rt_ref_t                        ref;
    ngx_http_realtime_limit_rec_t  *rec;

    ref = ngx_http_realtime_keyed_first(z, like->hash,
                                        NGX_HTTP_REALTIME_RECORD_LIMIT);

    while (ref) {
        rec = ngx_http_realtime_at(z, ref);

        if (rec->kind == like->kind
            && ngx_memcmp(rec->key, like->key, sizeof(like->key)) == 0)
        {
            break;
        }

        ref = ngx_http_realtime_keyed_next(z, ref);
    }

    return ref;
}


/* made if it is not there; the latest in its chain from now on */

static rt_ref_t
ngx_http_realtime_limits_use_locked(ngx_http_realtime_zone_t *z,
    const ngx_http_realtime_limit_rec_t *like, uint64_t now)
{
    rt_ref_t                    ref;
    ngx_http_realtime_chain_t  *chain = &z->sh->limit[like->kind];

    ref = ngx_http_realtime_limits_find_locked(z, like);

    if (ref) {
        ngx_http_realtime_chain_remove(z, chain, ref,
                                       NGX_HTTP_REALTIME_LIMITS_LINK);

    } else {
        ref = ngx_http_realtime_limits_make_locked(z, like, now);
        if (ref == 0) {
            return 0;
        }
    }

    ngx_http_realtime_chain_add(z, chain, ref, NGX_HTTP_REALTIME_LIMITS_LINK,
                                0);

    return ref;
}


static rt_ref_t
ngx_http_realtime_limits_make_locked(ngx_http_realtime_zone_t *z,
    const ngx_http_realtime_limit_rec_t *like, uint64_t now)
{
    rt_ref_t                        ref;
    rt_arena_stat_t                 st;
    ngx_http_realtime_limit_rec_t  *rec;

    rt_arena_stat(z->sh->arena, &st);

    /* two idle ones go for one that comes, so the table shrinks by itself */

    if (ngx_http_realtime_limits_drop_locked(z, like->kind, now, 0)) {
        (void) ngx_http_realtime_limits_drop_locked(z, like->kind, now, 0);
    }

    /* many addresses are easily had: none of them is to shut out the others */

    if (z->sh->limited[like->kind] * sizeof(ngx_http_realtime_limit_rec_t)
        > st.pages * NGX_HTTP_REALTIME_PAGE / NGX_HTTP_REALTIME_LIMITS_SHARE
        && !ngx_http_realtime_limits_drop_locked(z, like->kind, now,
                      like->kind == NGX_HTTP_REALTIME_LIMIT_CONNECTIONS))
    {
        return 0;
    }

    ref = ngx_http_realtime_spare_alloc(z,
                                     sizeof(ngx_http_realtime_limit_rec_t), 0);
    if (ref == 0) {
        return 0;
    }

    rec = ngx_http_realtime_at(z, ref);

    rec->kind = like->kind;
    rec->hash = like->hash;
    ngx_memcpy(rec->key, like->key, sizeof(like->key));

    rt_arena_publish(z->sh->arena, ref, NGX_HTTP_REALTIME_RECORD_LIMIT);

    ngx_http_realtime_keyed_link(z, ref);
    z->sh->limits++;
    z->sh->limited[like->kind]++;

    return ref;
}


ngx_uint_t
ngx_http_realtime_limits_forget_locked(ngx_http_realtime_zone_t *z,
    uint64_t now)
{
    ngx_uint_t  kind;

    for (kind = 0; kind < NGX_HTTP_REALTIME_LIMITS; kind++) {
        if (ngx_http_realtime_limits_drop_locked(z, kind, now, 0)) {
            return 1;
        }
    }

    return 0;
}


/*
 * The first of the chain was not used for longest, but it may say something for
 * longer than others do: then it goes to the end, out of the way.  "any": the
 * first goes, whatever it says.
 */

static ngx_uint_t
ngx_http_realtime_limits_drop_locked(ngx_http_realtime_zone_t *z,
    ngx_uint_t kind, uint64_t now, ngx_uint_t any)
{
    rt_ref_t                        ref;
    ngx_uint_t                      i;
    ngx_http_realtime_chain_t      *chain = &z->sh->limit[kind];
    ngx_http_realtime_limit_rec_t  *rec;

    for (i = 0; i < NGX_HTTP_REALTIME_LIMITS_LOOKS; i++) {

        ref = chain->first;
        rec = ngx_http_realtime_at(z, ref);

        if (rec == NULL) {
            return 0;
        }

        ngx_http_realtime_chain_remove(z, chain, ref,
                                       NGX_HTTP_REALTIME_LIMITS_LINK);

        if (any || rt_limit_idle(&rec->limit, now)) {
            ngx_http_realtime_keyed_unlink(z, ref);
            z->sh->limits--;
            z->sh->limited[kind]--;

            rt_arena_free(z->sh->arena, ref);
            return 1;
        }

        ngx_http_realtime_chain_add(z, chain, ref,
                                    NGX_HTTP_REALTIME_LIMITS_LINK, 0);
    }

    return 0;
}
