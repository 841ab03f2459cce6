
#include "shm/ngx_http_realtime_known.h"
#include "shm/ngx_http_realtime_keyed.h"
#include "shm/ngx_http_realtime_spare.h"


static void ngx_http_realtime_known_like(ngx_http_realtime_zone_t *z,
    ngx_http_realtime_known_rec_t *like, rt_str_t room, rt_str_t user);
static ngx_int_t ngx_http_realtime_known_look_locked(
    ngx_http_realtime_zone_t *z, ngx_http_realtime_known_rec_t *like,
    uint32_t room);
static rt_ref_t ngx_http_realtime_known_ref_locked(
    ngx_http_realtime_zone_t *z, ngx_http_realtime_known_rec_t *like);
static ngx_uint_t ngx_http_realtime_known_valid(ngx_http_realtime_zone_t *z,
    ngx_http_realtime_known_rec_t *rec, uint32_t room);
static void ngx_http_realtime_known_make_locked(ngx_http_realtime_zone_t *z,
    ngx_http_realtime_known_rec_t *like, uint32_t room);
static void ngx_http_realtime_known_remove_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t ref);
static uint64_t ngx_http_realtime_known_age(uint64_t since);


/* of all bytes of the arena, one in so many may be facts */
#define NGX_HTTP_REALTIME_KNOWN_SHARE  16

/* how long a fact is fresh by itself, and when changes are heard, ms */
#define NGX_HTTP_REALTIME_KNOWN_FRESH  500
#define NGX_HTTP_REALTIME_KNOWN_LONG   60000

/* how long it counts that they are heard, ms */
#define NGX_HTTP_REALTIME_KNOWN_HEARD  1000

/* clocks of two workers, and of one that was put back a little, differ; ms */
#define NGX_HTTP_REALTIME_KNOWN_SKEW   1000

#define NGX_HTTP_REALTIME_KNOWN_LINK                                          \
    offsetof(ngx_http_realtime_known_rec_t, link)

#define ngx_http_realtime_known_stamp(z, hash)                                \
    ((z)->sh->known_stamp[(hash) % NGX_HTTP_REALTIME_KNOWN_STAMPS])


ngx_int_t
ngx_http_realtime_known_find(ngx_http_realtime_zone_t *z, rt_str_t room,
    rt_str_t user, ngx_uint_t member, ngx_http_realtime_known_t *known)
{
    ngx_int_t                      rc, rc2 = NGX_OK;
    ngx_http_realtime_known_rec_t  of_room, of_user;

    ngx_memzero(known, sizeof(ngx_http_realtime_known_t));

    ngx_http_realtime_known_like(z, &of_room, room, rt_str(0, NULL));
    ngx_http_realtime_known_like(z, &of_user, room, user);

    ngx_http_realtime_zone_lock(z);

    rc = ngx_http_realtime_known_look_locked(z, &of_room, of_room.hash);

    if (rc != NGX_DECLINED && user.len
        && (member || (of_room.kind & NGX_HTTP_REALTIME_ROOM_PRIVATE)))
    {
        rc2 = ngx_http_realtime_known_look_locked(z, &of_user,
                                                  of_room.hash);
        known->member = of_user.yes;
    }

    ngx_http_realtime_zone_unlock(z);

    known->exists = of_room.yes;
    known->kind = of_room.kind;

    /* the worse of the two */

    if (rc == NGX_DECLINED || rc2 == NGX_DECLINED) {
        return NGX_DECLINED;
    }

    return (rc == NGX_OK) ? rc2 : rc;
}


/* a record without links, to be compared with; "user" empty: of the room */

static void
ngx_http_realtime_known_like(ngx_http_realtime_zone_t *z,
    ngx_http_realtime_known_rec_t *like, rt_str_t room, rt_str_t user)
{
    rt_hash_key_t  other;

    /* two hashes with secret keys: 128 bits that nobody can aim */

    other.k0 = ~z->sh->key.k0;
    other.k1 = ~z->sh->key.k1;

    ngx_memzero(like, sizeof(ngx_http_realtime_known_rec_t));

    like->of_user = (user.len != 0);
    like->key[0] = rt_hash2(&z->sh->key, room, user);
    like->key[1] = rt_hash2(&other, room, user);
    like->hash = like->key[0];
}


/*
 * Fills in what is known; "room" is the hash of the room's own fact.  What is
 * found is the latest in its chain from now on.
 */

static ngx_int_t
ngx_http_realtime_known_look_locked(ngx_http_realtime_zone_t *z,
    ngx_http_realtime_known_rec_t *like, uint32_t room)
{
    rt_ref_t                        ref;
    uint64_t                        age;
    ngx_http_realtime_shared_t     *sh = z->sh;
    ngx_http_realtime_known_rec_t  *rec;

    ref = ngx_http_realtime_known_ref_locked(z, like);

    if (ref == 0) {
        return NGX_DECLINED;
    }

    rec = ngx_http_realtime_at(z, ref);
    age = ngx_http_realtime_known_age(rec->time);

    if (!ngx_http_realtime_known_valid(z, rec, room)) {
        ngx_http_realtime_known_remove_locked(z, ref);
        return NGX_DECLINED;
    }

    ngx_http_realtime_chain_remove(z, &sh->known_chain, ref,
                                   NGX_HTTP_REALTIME_KNOWN_LINK);
    ngx_http_realtime_chain_add(z, &sh->known_chain, ref,
                                NGX_HTTP_REALTIME_KNOWN_LINK, 0);

    like->yes = rec->yes;
    like->kind = rec->kind;

    if (age < NGX_HTTP_REALTIME_KNOWN_FRESH) {
        return NGX_OK;
    }

    return (age < NGX_HTTP_REALTIME_KNOWN_LONG && rec->mark >= sh->known_from
            && ngx_http_realtime_known_age(sh->known_heard)
               < NGX_HTTP_REALTIME_KNOWN_HEARD)
           ? NGX_OK : NGX_AGAIN;
}


static rt_ref_t
ngx_http_realtime_known_ref_locked(ngx_http_realtime_zone_t *z,
    ngx_http_realtime_known_rec_t *like)
{
    rt_ref_t                        ref;
    ngx_http_realtime_known_rec_t  *rec;

    ref = ngx_http_realtime_keyed_first(z, like->hash,
                                        NGX_HTTP_REALTIME_RECORD_KNOWN);

    while (ref) {
        rec = ngx_http_realtime_at(z, ref);

        if (rec->of_user == like->of_user
            && ngx_memcmp(rec->key, like->key, sizeof(like->key)) == 0)
        {
            break;
        }

        ref = ngx_http_realtime_keyed_next(z, ref);
    }

    return ref;
}


/* nothing that concerns it has changed since the database was asked */

static ngx_uint_t
ngx_http_realtime_known_valid(ngx_http_realtime_zone_t *z,
    ngx_http_realtime_known_rec_t *rec, uint32_t room)
{
    return rec->mark >= z->sh->known_all
           && rec->mark >= ngx_http_realtime_known_stamp(z, room)
           && rec->mark >= ngx_http_realtime_known_stamp(z, rec->hash);
}


uint64_t
ngx_http_realtime_known_mark(ngx_http_realtime_zone_t *z)
{
    uint64_t  mark;

    ngx_http_realtime_zone_lock(z);

    mark = z->sh->known_seq;

    ngx_http_realtime_zone_unlock(z);

    return mark;
}


ngx_int_t
ngx_http_realtime_known_put(ngx_http_realtime_zone_t *z, rt_str_t room,
    rt_str_t user, ngx_uint_t member, const ngx_http_realtime_known_t *known,
    uint64_t mark)
{
    ngx_uint_t                     valid;
    ngx_http_realtime_known_rec_t  of_room, of_user;

    ngx_http_realtime_known_like(z, &of_room, room, rt_str(0, NULL));
    ngx_http_realtime_known_like(z, &of_user, room, user);

    of_room.kind = known->kind;
    of_room.yes = known->exists;
    of_room.mark = mark;

    of_user.yes = known->member;
    of_user.mark = mark;

    ngx_http_realtime_zone_lock(z);

    valid = ngx_http_realtime_known_valid(z, &of_room, of_room.hash)
            && ngx_http_realtime_known_valid(z, &of_user, of_room.hash);

    ngx_http_realtime_known_make_locked(z, &of_room, of_room.hash);

    if (user.len && known->exists
        && (member || (known->kind & NGX_HTTP_REALTIME_ROOM_PRIVATE)))
    {
        ngx_http_realtime_known_make_locked(z, &of_user, of_room.hash);
    }

    ngx_http_realtime_zone_unlock(z);

    return valid ? NGX_OK : NGX_DECLINED;
}


/* instead of the one that is there: a record never changes, so it is whole */

static void
ngx_http_realtime_known_make_locked(ngx_http_realtime_zone_t *z,
    ngx_http_realtime_known_rec_t *like, uint32_t room)
{
    rt_ref_t                        ref;
    rt_arena_stat_t                 st;
    ngx_http_realtime_known_rec_t  *rec;

    if (!ngx_http_realtime_known_valid(z, like, room)) {
        return;
    }

    ref = ngx_http_realtime_known_ref_locked(z, like);

    if (ref) {
        rec = ngx_http_realtime_at(z, ref);

        if (rec->mark > like->mark) {
            return;
        }

        ngx_http_realtime_known_remove_locked(z, ref);
    }

    if (!like->of_user && !like->yes) {
        return;
    }

    rt_arena_stat(z->sh->arena, &st);

    if (z->sh->known * sizeof(ngx_http_realtime_known_rec_t)
        > st.pages * NGX_HTTP_REALTIME_PAGE / NGX_HTTP_REALTIME_KNOWN_SHARE)
    {
        (void) ngx_http_realtime_known_forget_locked(z);
    }

    ref = ngx_http_realtime_spare_alloc(z,
                                     sizeof(ngx_http_realtime_known_rec_t), 0);
    if (ref == 0) {
        return;
    }

    rec = ngx_http_realtime_at(z, ref);

    rec->of_user = like->of_user;
    rec->kind = like->kind;
    rec->yes = like->yes;
    rec->hash = like->hash;
    rec->mark = like->mark;
    rec->time = ngx_http_realtime_now();
    ngx_memcpy(rec->key, like->key, sizeof(like->key));

    rt_arena_publish(z->sh->arena, ref, NGX_HTTP_REALTIME_RECORD_KNOWN);

    ngx_http_realtime_keyed_link(z, ref);
    ngx_http_realtime_chain_add(z, &z->sh->known_chain, ref,
                                NGX_HTTP_REALTIME_KNOWN_LINK, 0);
    z->sh->known++;
}


static void
ngx_http_realtime_known_remove_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t ref)
{
    ngx_http_realtime_keyed_unlink(z, ref);
    ngx_http_realtime_chain_remove(z, &z->sh->known_chain, ref,
                                   NGX_HTTP_REALTIME_KNOWN_LINK);
    z->sh->known--;

    rt_arena_free(z->sh->arena, ref);
}


ngx_uint_t
ngx_http_realtime_known_forget_locked(ngx_http_realtime_zone_t *z)
{
    rt_ref_t  ref = z->sh->known_chain.first;

    if (ref == 0) {
        return 0;
    }

    ngx_http_realtime_known_remove_locked(z, ref);

    return 1;
}


/*
 * The stamp before the count: who dies in between has hidden more than it was
 * to, until the next change or the next who hears is counted.
 */

void
ngx_http_realtime_known_drop(ngx_http_realtime_zone_t *z, rt_str_t room,
    rt_str_t user)
{
    uint64_t                       *stamp;
    ngx_http_realtime_known_rec_t   like;

    ngx_http_realtime_known_like(z, &like, room, user);

    ngx_http_realtime_zone_lock(z);

    stamp = room.len ? &ngx_http_realtime_known_stamp(z, like.hash)
                     : &z->sh->known_all;

    *stamp = z->sh->known_seq + 1;
    z->sh->known_seq = *stamp;

    ngx_http_realtime_zone_unlock(z);
}


/*
 * Several may hear, while one writer follows the other: who says so later heard
 * later, so what is said of the time since then is true of all.
 */

void
ngx_http_realtime_known_heard(ngx_http_realtime_zone_t *z, ngx_uint_t state)
{
    ngx_http_realtime_shared_t  *sh = z->sh;

    ngx_http_realtime_zone_lock(z);

    if (state == NGX_HTTP_REALTIME_HEARD_NOW) {
        sh->known_from = ++sh->known_seq;
    }

    sh->known_heard = (state == NGX_HTTP_REALTIME_HEARD_NOT)
                      ? 0 : ngx_http_realtime_now();

    ngx_http_realtime_zone_unlock(z);
}


ngx_uint_t
ngx_http_realtime_known_hears(ngx_http_realtime_zone_t *z)
{
    return ngx_http_realtime_known_age(z->sh->known_heard)
           < NGX_HTTP_REALTIME_KNOWN_HEARD;
}


/* with a clock that was put back nobody knows: as old as can be */

static uint64_t
ngx_http_realtime_known_age(uint64_t since)
{
    uint64_t  now = ngx_http_realtime_now();

    if (now >= since) {
        return now - since;
    }

    return (since - now <= NGX_HTTP_REALTIME_KNOWN_SKEW) ? 0 : (uint64_t) -1;
}
