
#include "shm/ngx_http_realtime_users.h"
#include "shm/ngx_http_realtime_keyed.h"
#include "shm/ngx_http_realtime_roster.h"
#include "shm/ngx_http_realtime_spare.h"


static rt_ref_t ngx_http_realtime_users_make_locked(
    ngx_http_realtime_zone_t *z, rt_str_t nsp, rt_str_t id, uint32_t hash);
static ngx_int_t ngx_http_realtime_users_set_custom_locked(
    ngx_http_realtime_zone_t *z, rt_ref_t user, rt_str_t custom);
static void ngx_http_realtime_users_chain_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t user, ngx_http_realtime_chain_e chain);
static void ngx_http_realtime_users_settle_locked(
    ngx_http_realtime_zone_t *z, ngx_http_realtime_user_rec_t *user);
static void ngx_http_realtime_users_bound_locked(ngx_http_realtime_zone_t *z);
static void ngx_http_realtime_users_drop_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t user);


/* of all bytes of the arena, users who are not there take at most this part */
#define NGX_HTTP_REALTIME_USERS_SHARE  8

/* what one of them takes, with a custom status */
#define NGX_HTTP_REALTIME_USERS_IDLE   512

#define ngx_http_realtime_users_hash(z, nsp, id)                              \
    ((uint32_t) rt_hash2(&(z)->sh->key, nsp, id))


rt_ref_t
ngx_http_realtime_users_find_locked(ngx_http_realtime_zone_t *z, rt_str_t nsp,
    rt_str_t id)
{
    rt_ref_t                       ref;
    ngx_http_realtime_user_rec_t  *rec;

    ref = ngx_http_realtime_keyed_first(z,
                                   ngx_http_realtime_users_hash(z, nsp, id),
                                   NGX_HTTP_REALTIME_RECORD_USER);

    for ( /* void */ ; ref; ref = ngx_http_realtime_keyed_next(z, ref)) {
        rec = ngx_http_realtime_at(z, ref);

        if (rt_str_eq(nsp, ngx_http_realtime_user_rec_nsp(rec))
            && rt_str_eq(id, ngx_http_realtime_user_rec_id(rec)))
        {
            break;
        }
    }

    return ref;
}


static rt_ref_t
ngx_http_realtime_users_make_locked(ngx_http_realtime_zone_t *z, rt_str_t nsp,
    rt_str_t id, uint32_t hash)
{
    rt_ref_t                       ref;
    ngx_http_realtime_user_rec_t  *rec;

    ref = ngx_http_realtime_spare_alloc(z,
                                       sizeof(ngx_http_realtime_user_rec_t)
                                       + nsp.len + id.len, 1);
    if (ref == 0) {
        return 0;
    }

    rec = ngx_http_realtime_at(z, ref);

    rec->hash = hash;
    rec->nsp_len = nsp.len;
    rec->id_len = id.len;
    ngx_memcpy(rec->text, nsp.data, nsp.len);
    ngx_memcpy(rec->text + nsp.len, id.data, id.len);

    rt_arena_publish(z->sh->arena, ref, NGX_HTTP_REALTIME_RECORD_USER);

    ngx_http_realtime_keyed_link(z, ref);

    return ref;
}


ngx_int_t
ngx_http_realtime_users_attach_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t socket, rt_str_t nsp, rt_str_t id,
    ngx_http_realtime_user_conf_t conf)
{
    rt_ref_t                         ref;
    ngx_http_realtime_user_rec_t    *user;
    ngx_http_realtime_socket_rec_t  *rec;

    ref = ngx_http_realtime_users_find_locked(z, nsp, id);

    if (ref == 0) {
        ref = ngx_http_realtime_users_make_locked(z, nsp, id,
                                   ngx_http_realtime_users_hash(z, nsp, id));
        if (ref == 0) {
            return NGX_DECLINED;
        }
    }

    user = ngx_http_realtime_at(z, ref);
    rec = ngx_http_realtime_at(z, socket);

    user->presence |= conf.presence;

    if (user->sockets.first == 0) {
        user->status = RT_STATUS_ONLINE;
        user->presence = conf.presence;
        user->rooms_only = conf.rooms_only;
        z->sh->users++;
    }

    rec->user = ref;
    ngx_http_realtime_chain_add(z, &user->sockets, socket,
                                NGX_HTTP_REALTIME_USER_SOCKET_LINK, 0);

    ngx_http_realtime_users_place_locked(z, ref);

    return NGX_OK;
}


void
ngx_http_realtime_users_detach_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t socket)
{
    rt_ref_t                         ref;
    ngx_http_realtime_user_rec_t    *user;
    ngx_http_realtime_socket_rec_t  *rec;

    rec = ngx_http_realtime_at(z, socket);
    ref = rec->user;
    user = ngx_http_realtime_at(z, ref);

    if (user == NULL) {
        return;
    }

    ngx_http_realtime_chain_remove(z, &user->sockets, socket,
                                   NGX_HTTP_REALTIME_USER_SOCKET_LINK);
    rec->user = 0;

    if (user->sockets.first) {
        return;
    }

    z->sh->users--;

    user->due = ngx_http_realtime_now() + NGX_HTTP_REALTIME_USER_GRACE;

    ngx_http_realtime_users_place_locked(z, ref);
}


ngx_int_t
ngx_http_realtime_users_status_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t ref, rt_status_e status, const rt_str_t *custom)
{
    ngx_http_realtime_user_rec_t  *user;

    if (custom
        && ngx_http_realtime_users_set_custom_locked(z, ref, *custom)
           != NGX_OK)
    {
        return NGX_DECLINED;
    }

    user = ngx_http_realtime_at(z, ref);

    user->recalled |= (custom != NULL);
    user->status = status;
    user->why = (user->custom == 0
                 && (custom || user->why == NGX_HTTP_REALTIME_WHY_CLEARED))
                ? NGX_HTTP_REALTIME_WHY_CLEARED : NGX_HTTP_REALTIME_WHY_SAID;
    user->news = 1;

    ngx_http_realtime_users_place_locked(z, ref);

    return NGX_OK;
}


void
ngx_http_realtime_users_recall_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t ref, rt_str_t custom)
{
    ngx_http_realtime_user_rec_t  *user = ngx_http_realtime_at(z, ref);

    if (user->recalled
        || ngx_http_realtime_users_set_custom_locked(z, ref, custom)
           != NGX_OK)
    {
        return;                         /* full: it stays in the database */
    }

    user = ngx_http_realtime_at(z, ref);

    user->recalled = 1;

    if (user->custom) {
        user->why = ngx_max(user->why, NGX_HTTP_REALTIME_WHY_FOUND);
        user->news = 1;
        ngx_http_realtime_users_place_locked(z, ref);
    }
}


static ngx_int_t
ngx_http_realtime_users_set_custom_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t ref, rt_str_t custom)
{
    rt_ref_t                         fresh = 0, old;
    ngx_http_realtime_user_rec_t    *user;
    ngx_http_realtime_custom_rec_t  *rec;

    if (custom.len > sizeof("{}") - 1) {

        fresh = ngx_http_realtime_spare_alloc(z,
                                     sizeof(ngx_http_realtime_custom_rec_t)
                                     + custom.len, 0);
        if (fresh == 0) {
            return NGX_DECLINED;
        }

        rec = ngx_http_realtime_at(z, fresh);

        rec->user = ref;
        rec->len = custom.len;
        ngx_memcpy(rec->text, custom.data, custom.len);

        rt_arena_publish(z->sh->arena, fresh,
                         NGX_HTTP_REALTIME_RECORD_CUSTOM);
    }

    user = ngx_http_realtime_at(z, ref);

    old = user->custom;
    user->custom = fresh;

    if (old) {
        rt_arena_free(z->sh->arena, old);
    }

    return NGX_OK;
}


rt_status_e
ngx_http_realtime_users_effective(ngx_http_realtime_user_rec_t *user)
{
    return (user->sockets.first && user->presence) ? user->status
                                                   : RT_STATUS_OFFLINE;
}


rt_str_t
ngx_http_realtime_users_how(ngx_http_realtime_user_rec_t *user)
{
    if (ngx_http_realtime_users_effective(user) == RT_STATUS_OFFLINE) {
        return rt_lit("off");
    }

    switch (user->why) {

    case NGX_HTTP_REALTIME_WHY_CONNECT:
        return rt_lit("connect");

    case NGX_HTTP_REALTIME_WHY_FOUND:
        return rt_lit("found");

    default:
        return rt_lit("set");
    }
}


rt_str_t
ngx_http_realtime_users_custom(ngx_http_realtime_zone_t *z,
    ngx_http_realtime_user_rec_t *user)
{
    ngx_http_realtime_custom_rec_t  *rec;

    rec = ngx_http_realtime_at(z, user->custom);

    return rec ? rt_str(rec->len, rec->text) : rt_lit("");
}


ngx_uint_t
ngx_http_realtime_users_lingers(ngx_http_realtime_user_rec_t *user)
{
    return user->rooms_only
           && user->told != RT_STATUS_OFFLINE
           && user->sockets.first == user->sockets.last;
}


void
ngx_http_realtime_users_place_locked(ngx_http_realtime_zone_t *z, rt_ref_t ref)
{
    ngx_http_realtime_chain_e      chain = NGX_HTTP_REALTIME_CHAIN_NONE;
    ngx_http_realtime_user_rec_t  *user = ngx_http_realtime_at(z, ref);

    if (user->sockets.first == 0) {

        user->news = 0;

        if (user->told != RT_STATUS_OFFLINE) {
            chain = NGX_HTTP_REALTIME_CHAIN_LATER;

        } else if (user->custom) {
            chain = NGX_HTTP_REALTIME_CHAIN_IDLE;

        } else {
            ngx_http_realtime_users_drop_locked(z, ref);
            return;
        }

    } else if (user->news
               || ngx_http_realtime_users_effective(user) != user->told)
    {
        chain = NGX_HTTP_REALTIME_CHAIN_NEWS;
    }

    if (chain != user->chain) {
        ngx_http_realtime_users_chain_locked(z, ref, chain);
    }

    if (chain == NGX_HTTP_REALTIME_CHAIN_NONE
        || chain == NGX_HTTP_REALTIME_CHAIN_IDLE)
    {
        ngx_http_realtime_users_settle_locked(z, user);
    }

    if (chain == NGX_HTTP_REALTIME_CHAIN_IDLE) {
        ngx_http_realtime_users_bound_locked(z);
    }
}


/* nobody in the rooms that it has left is to be told anything any more */

static void
ngx_http_realtime_users_settle_locked(ngx_http_realtime_zone_t *z,
    ngx_http_realtime_user_rec_t *user)
{
    rt_ref_t                           ref, next;
    ngx_http_realtime_occupant_rec_t  *occupant;

    for (ref = user->occupants.first; ref; ref = next) {
        occupant = ngx_http_realtime_at(z, ref);
        next = occupant->of_user.next;

        if (occupant->count == 0 && !occupant->told) {
            ngx_http_realtime_roster_drop_occupant_locked(z, ref);
        }
    }
}


/* who has been away for longest is forgotten first */

static void
ngx_http_realtime_users_bound_locked(ngx_http_realtime_zone_t *z)
{
    rt_arena_stat_t  st;

    rt_arena_stat(z->sh->arena, &st);

    while (z->sh->idle * NGX_HTTP_REALTIME_USERS_IDLE
           > st.pages * NGX_HTTP_REALTIME_PAGE / NGX_HTTP_REALTIME_USERS_SHARE)
    {
        (void) ngx_http_realtime_users_forget_locked(z);
    }
}


static void
ngx_http_realtime_users_chain_locked(ngx_http_realtime_zone_t *z, rt_ref_t ref,
    ngx_http_realtime_chain_e chain)
{
    ngx_http_realtime_shared_t    *sh = z->sh;
    ngx_http_realtime_user_rec_t  *user = ngx_http_realtime_at(z, ref);

    switch (user->chain) {

    case NGX_HTTP_REALTIME_CHAIN_NONE:
        break;

    case NGX_HTTP_REALTIME_CHAIN_IDLE:
        sh->idle--;
        break;

    default:
        sh->waiting--;
    }

    if (user->chain != NGX_HTTP_REALTIME_CHAIN_NONE) {
        ngx_http_realtime_chain_remove(z, &sh->chain[user->chain], ref,
                                       NGX_HTTP_REALTIME_USER_LINK);
    }

    user->chain = chain;

    if (chain == NGX_HTTP_REALTIME_CHAIN_NONE) {
        return;
    }

    ngx_http_realtime_chain_add(z, &sh->chain[chain], ref,
                                NGX_HTTP_REALTIME_USER_LINK, 0);

    if (chain == NGX_HTTP_REALTIME_CHAIN_IDLE) {
        sh->idle++;

    } else {
        sh->waiting++;
    }
}


/* it is in no room, or only as somebody who has left */

static void
ngx_http_realtime_users_drop_locked(ngx_http_realtime_zone_t *z, rt_ref_t ref)
{
    ngx_http_realtime_user_rec_t  *user = ngx_http_realtime_at(z, ref);

    ngx_http_realtime_users_chain_locked(z, ref, NGX_HTTP_REALTIME_CHAIN_NONE);

    while (user->occupants.first) {
        ngx_http_realtime_roster_drop_occupant_locked(z,
                                                      user->occupants.first);
    }

    if (user->custom) {
        rt_arena_free(z->sh->arena, user->custom);
    }

    ngx_http_realtime_keyed_unlink(z, ref);
    rt_arena_free(z->sh->arena, ref);
}


rt_ref_t
ngx_http_realtime_users_news_locked(ngx_http_realtime_zone_t *z, uint64_t now,
    uint64_t *due)
{
    rt_ref_t                       ref;
    ngx_http_realtime_user_rec_t  *user;

    ref = z->sh->chain[NGX_HTTP_REALTIME_CHAIN_NEWS].first;

    if (ref) {
        *due = now;
        return ref;
    }

    ref = z->sh->chain[NGX_HTTP_REALTIME_CHAIN_LATER].first;

    if (ref == 0) {
        *due = 0;
        return 0;
    }

    user = ngx_http_realtime_at(z, ref);

    /* a clock that was set back makes nobody wait longer than that */

    *due = ngx_min(user->due, now + NGX_HTTP_REALTIME_USER_GRACE);

    return (*due <= now) ? ref : 0;
}


void
ngx_http_realtime_users_told_locked(ngx_http_realtime_zone_t *z, rt_ref_t ref)
{
    ngx_http_realtime_user_rec_t  *user = ngx_http_realtime_at(z, ref);

    user->told = ngx_http_realtime_users_effective(user);
    user->news = 0;
    user->why = NGX_HTTP_REALTIME_WHY_CONNECT;

    ngx_http_realtime_users_place_locked(z, ref);
}


ngx_uint_t
ngx_http_realtime_users_forget_locked(ngx_http_realtime_zone_t *z)
{
    rt_ref_t  ref = z->sh->chain[NGX_HTTP_REALTIME_CHAIN_IDLE].first;

    if (ref == 0) {
        return 0;
    }

    ngx_http_realtime_users_drop_locked(z, ref);

    return 1;
}
