
#include "hub/ngx_http_realtime_presence.h"
#include "hub/ngx_http_realtime_account.h"
#include "hub/ngx_http_realtime_alarm.h"
#include "hub/ngx_http_realtime_peers.h"
#include "shm/ngx_http_realtime_roster.h"


static void ngx_http_realtime_presence_handler(ngx_event_t *ev);
static void ngx_http_realtime_presence_unlock(ngx_http_realtime_hub_t *hub);
static uint64_t ngx_http_realtime_presence_tell_locked(
    ngx_http_realtime_hub_t *hub);
static ngx_int_t ngx_http_realtime_presence_allowed_locked(
    ngx_http_realtime_hub_t *hub, uint64_t now);
static void ngx_http_realtime_presence_tell_one_locked(
    ngx_http_realtime_hub_t *hub, ngx_http_realtime_user_rec_t *user);
static rt_str_t ngx_http_realtime_presence_rooms_locked(
    ngx_http_realtime_hub_t *hub, ngx_http_realtime_user_rec_t *user,
    rt_ref_t *from);
static void ngx_http_realtime_presence_put(rt_buf_t *b, rt_str_t id,
    rt_str_t status, rt_str_t custom);


/* told without giving the mutex back */
#define NGX_HTTP_REALTIME_PRESENCE_BATCH  64

/* when there is more than that, or the budget is used up, ms */
#define NGX_HTTP_REALTIME_PRESENCE_SOON   20


void
ngx_http_realtime_presence_init(ngx_http_realtime_hub_t *hub)
{
    ngx_http_realtime_alarm_init(&hub->news,
                                 ngx_http_realtime_presence_handler, hub,
                                 hub->log);
}


ngx_int_t
ngx_http_realtime_presence_attach(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_socket_t *sk, ngx_http_realtime_user_conf_t conf)
{
    ngx_int_t                  rc;
    ngx_http_realtime_zone_t  *z = hub->bus->zone;

    ngx_http_realtime_zone_lock(z);

    rc = ngx_http_realtime_users_attach_locked(z, sk->ref, sk->nsp->name,
                                               sk->who->id, conf);
    ngx_http_realtime_presence_unlock(hub);

    return rc;
}


ngx_int_t
ngx_http_realtime_presence_update(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_socket_t *sk, rt_status_e status,
    const rt_str_t *custom)
{
    ngx_int_t                        rc = NGX_DECLINED;
    ngx_http_realtime_zone_t        *z = hub->bus->zone;
    ngx_http_realtime_socket_rec_t  *rec;

    ngx_http_realtime_zone_lock(z);

    rec = ngx_http_realtime_socket_rec(sk);

    if (rec && rec->user) {
        rc = ngx_http_realtime_users_status_locked(z, rec->user, status,
                                                   custom);
    }

    ngx_http_realtime_presence_unlock(hub);

    return rc;
}


void
ngx_http_realtime_presence_recall(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_socket_t *sk, rt_str_t custom)
{
    ngx_http_realtime_zone_t        *z = hub->bus->zone;
    ngx_http_realtime_socket_rec_t  *rec;

    ngx_http_realtime_zone_lock(z);

    rec = ngx_http_realtime_socket_rec(sk);

    if (rec && rec->user) {
        ngx_http_realtime_users_recall_locked(z, rec->user, custom);
    }

    ngx_http_realtime_presence_unlock(hub);
}


ngx_int_t
ngx_http_realtime_presence_query(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_socket_t *sk, rt_str_t id, ngx_uint_t rooms_only,
    const ngx_http_realtime_presence_known_t *known, rt_buf_t *b)
{
    rt_ref_t                         ref;
    rt_str_t                         custom;
    ngx_int_t                        rc = NGX_OK;
    rt_status_e                      status;
    ngx_http_realtime_zone_t        *z = hub->bus->zone;
    ngx_http_realtime_user_rec_t    *user;
    ngx_http_realtime_socket_rec_t  *rec;

    ngx_http_realtime_zone_lock(z);

    ref = ngx_http_realtime_users_find_locked(z, sk->nsp->name, id);
    rec = ngx_http_realtime_socket_rec(sk);
    user = ngx_http_realtime_at(z, ref);

    status = user ? ngx_http_realtime_users_effective(user)
                  : RT_STATUS_OFFLINE;

    /* who may not know is told nothing, not even that there is nobody */

    if (rooms_only
        && (rec == NULL || rec->user == 0
            || (rec->user != ref
                && (ref == 0
                    || !ngx_http_realtime_roster_meet_locked(z, rec->user,
                                                             ref)))))
    {
        rc = NGX_DECLINED;

    } else if (known->online) {
        ngx_http_realtime_presence_put(b, id, known->status, known->custom);

    } else if (!known->last && (user == NULL || !user->recalled)) {
        rc = NGX_AGAIN;

    } else {
        custom = (user && user->recalled)
                 ? ngx_http_realtime_users_custom(z, user) : known->custom;

        ngx_http_realtime_presence_put(b, id, *rt_status_name(status),
                                       custom);
    }

    ngx_http_realtime_zone_unlock(z);

    return rc;
}


/* tells what there is to tell, and gives the state mutex back */

static void
ngx_http_realtime_presence_unlock(ngx_http_realtime_hub_t *hub)
{
    uint64_t  due;

    due = ngx_http_realtime_presence_tell_locked(hub);

    ngx_http_realtime_zone_unlock(hub->bus->zone);

    ngx_http_realtime_bus_kick(hub->bus);
    ngx_http_realtime_alarm_at(&hub->news, due);
}


static void
ngx_http_realtime_presence_put(rt_buf_t *b, rt_str_t id, rt_str_t status,
    rt_str_t custom)
{
    rt_buf_put(b, rt_lit("{\"userId\":"));
    rt_buf_json(b, id);
    rt_buf_put(b, rt_lit(",\"status\":\""));
    rt_buf_put(b, status);
    rt_buf_char(b, '"');

    if (custom.len) {
        rt_buf_put(b, rt_lit(",\"customStatus\":"));
        rt_buf_put(b, custom);
    }

    rt_buf_char(b, '}');
}


static void
ngx_http_realtime_presence_handler(ngx_event_t *ev)
{
    ngx_http_realtime_presence_tell(ev->data);
}


void
ngx_http_realtime_presence_tell(ngx_http_realtime_hub_t *hub)
{
    ngx_http_realtime_zone_t  *z = hub->bus->zone;

    if (atomic_load_explicit(&z->sh->waiting, memory_order_relaxed) == 0) {
        return;
    }

    ngx_http_realtime_zone_lock(z);

    ngx_http_realtime_presence_unlock(hub);
}


void
ngx_http_realtime_presence_end(ngx_http_realtime_hub_t *hub)
{
    uint64_t                   due;
    rt_ref_t                   ref;
    ngx_http_realtime_zone_t  *z = hub->bus->zone;

    do {
        ngx_http_realtime_zone_lock(z);

        ref = ngx_http_realtime_users_news_locked(z, INT64_MAX, &due);
        if (ref) {
            ngx_http_realtime_presence_tell_one_locked(hub,
                                              ngx_http_realtime_at(z, ref));
            ngx_http_realtime_users_told_locked(z, ref);
        }

        ngx_http_realtime_zone_unlock(z);

    } while (ref);

    ngx_http_realtime_bus_kick(hub->bus);
}


/* when there is more to tell, ms since the epoch; 0: never */

static uint64_t
ngx_http_realtime_presence_tell_locked(ngx_http_realtime_hub_t *hub)
{
    uint64_t                   due, now = ngx_http_realtime_now();
    rt_ref_t                   ref;
    ngx_uint_t                 n = 0;
    ngx_http_realtime_zone_t  *z = hub->bus->zone;

    for ( ;; ) {
        ref = ngx_http_realtime_users_news_locked(z, now, &due);

        if (ref == 0) {
            return due;
        }

        if (n++ == NGX_HTTP_REALTIME_PRESENCE_BATCH
            || !ngx_http_realtime_presence_allowed_locked(hub, now))
        {
            return now + NGX_HTTP_REALTIME_PRESENCE_SOON;
        }

        ngx_http_realtime_presence_tell_one_locked(hub,
                                              ngx_http_realtime_at(z, ref));
        ngx_http_realtime_users_told_locked(z, ref);
    }
}


/* a budget that may be overdrawn by one who is told, and fills with time */

static ngx_int_t
ngx_http_realtime_presence_allowed_locked(ngx_http_realtime_hub_t *hub,
    uint64_t now)
{
    ngx_http_realtime_shared_t  *sh = hub->bus->zone->sh;

    if (now > sh->budget_since) {

        sh->budget += ngx_min(now - sh->budget_since, 1000)
                      * (NGX_HTTP_REALTIME_PRESENCE_RATE / 1000);

        sh->budget = ngx_min(sh->budget, NGX_HTTP_REALTIME_PRESENCE_BURST);
        sh->budget_since = now;

    } else if (sh->budget_since - now > 1000) {

        /* set back; less than that is another worker's turn of its loop */

        sh->budget_since = now;
    }

    return sh->budget > 0 && !ngx_http_realtime_bus_behind(hub->bus);
}


/*
 * To all, or to those in the same rooms, each once unless the rooms are too
 * many for one entry.
 */

static void
ngx_http_realtime_presence_tell_one_locked(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_user_rec_t *user)
{
    rt_str_t                           id, nsp, status, custom, rooms;
    rt_ref_t                           from = user->occupants.first;
    ngx_http_realtime_zone_t          *z = hub->bus->zone;
    ngx_http_realtime_presence_news_t  news;

    if (!user->presence && user->told == RT_STATUS_OFFLINE) {
        return;
    }

    id = ngx_http_realtime_user_rec_id(user);
    nsp = ngx_http_realtime_user_rec_nsp(user);
    status = *rt_status_name(ngx_http_realtime_users_effective(user));
    custom = ngx_http_realtime_users_custom(z, user);

    ngx_http_realtime_account_presence_locked(hub, nsp, id, status,
                                              user->recalled ? &custom : NULL);

    if (!user->rooms_only) {
        z->sh->budget -= z->sh->sockets;
    }

    do {
        rooms = user->rooms_only
                ? ngx_http_realtime_presence_rooms_locked(hub, user, &from)
                : rt_lit("");

        if (ngx_http_realtime_peers_on(hub)) {
            ngx_http_realtime_peers_presence_locked(hub, nsp, id, status,
                                   user->why == NGX_HTTP_REALTIME_WHY_CLEARED
                                   ? rt_lit("{}") : custom,
                                   ngx_http_realtime_users_how(user),
                                   user->rooms_only ? rooms
                                                    : rt_str(0, NULL));
            continue;
        }

        if (user->rooms_only && rooms.len == 0) {
            break;
        }

        ngx_memzero(&news, sizeof(news));

        news.nsp = nsp;
        news.user = id;
        news.status = status;
        news.custom = custom;
        news.rooms = rooms;

        ngx_http_realtime_presence_announce(hub, &news);

    } while (user->rooms_only && from);
}


void
ngx_http_realtime_presence_announce(ngx_http_realtime_hub_t *hub,
    const ngx_http_realtime_presence_news_t *news)
{
    rt_buf_t                  b;
    ngx_http_realtime_emit_t  m;

    rt_buf_init(&b, hub->args.data, NGX_HTTP_REALTIME_PRESENCE_MAX);

    ngx_http_realtime_presence_put(&b, news->user, news->status,
                                   news->custom);

    ngx_memzero(&m, sizeof(m));

    m.nsp = news->nsp;
    m.rooms = news->rooms;
    m.event = rt_lit("\"presence:changed\"");
    m.args = rt_buf_str(&b);
    m.flags = news->flags;

    (void) ngx_http_realtime_emit_locked(hub, &m);
}


/* as many of them as fit, behind the arguments; "*from": the next one, or 0 */

static rt_str_t
ngx_http_realtime_presence_rooms_locked(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_user_rec_t *user, rt_ref_t *from)
{
    u_char                            *p, *start, *last;
    rt_str_t                           name;
    ngx_http_realtime_zone_t          *z = hub->bus->zone;
    ngx_http_realtime_room_rec_t      *room;
    ngx_http_realtime_occupant_rec_t  *rec;

    start = hub->args.data + NGX_HTTP_REALTIME_PRESENCE_MAX;
    last = hub->args.data + NGX_HTTP_REALTIME_LOCKED_MAX;
    p = start;

    for ( /* void */ ; *from; *from = rec->of_user.next) {

        rec = ngx_http_realtime_at(z, *from);
        room = ngx_http_realtime_at(z, rec->room);
        name = ngx_http_realtime_room_rec_name(room);

        if (room->count == 0 && !ngx_http_realtime_peers_on(hub)) {
            continue;
        }

        if ((size_t) (last - p) < ngx_http_realtime_list_size(name.len)) {
            break;
        }

        p = ngx_http_realtime_list_put(p, name, 0);
        z->sh->budget -= room->count;
    }

    return rt_str(p - start, start);
}


void
ngx_http_realtime_presence_gone(ngx_http_realtime_hub_t *hub)
{
    ngx_http_realtime_alarm_at(&hub->news, ngx_http_realtime_now()
                                           + NGX_HTTP_REALTIME_USER_GRACE);
}
