
#include "hub/ngx_http_realtime_settle.h"
#include "hub/ngx_http_realtime_announce.h"
#include "hub/ngx_http_realtime_presence.h"
#include "hub/ngx_http_realtime_reconcile.h"
#include "shm/ngx_http_realtime_away.h"
#include "shm/ngx_http_realtime_directory.h"
#include "shm/ngx_http_realtime_slot.h"


static ngx_int_t ngx_http_realtime_settle_slot(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_wid_t gone);
static void ngx_http_realtime_settle_session(ngx_http_realtime_hub_t *hub,
    rt_ref_t ref);
static rt_ref_t ngx_http_realtime_settle_member_locked(
    ngx_http_realtime_zone_t *z, rt_ref_t ref);
static ngx_uint_t ngx_http_realtime_settle_crowded(
    ngx_http_realtime_zone_t *z);


/*
 * What is away is given up when of all pages only one in so many is left: half
 * of what is kept for those who connect (shm/spare).  A page comes free only
 * when all its records are, users' a second later: so not all go at once, but
 * one in so many, and at least as many.
 */
#define NGX_HTTP_REALTIME_SETTLE_CROWDED  16


ngx_int_t
ngx_http_realtime_settle(ngx_http_realtime_hub_t *hub, ngx_uint_t neighbour)
{
    ngx_http_realtime_wid_t  gone;

    while (ngx_http_realtime_slot_dead(hub->bus->zone, hub->bus->self.slot,
                                       neighbour, &gone)
           == NGX_OK)
    {
        ngx_log_error(NGX_LOG_NOTICE, hub->log, 0,
                      "realtime: settling what the worker of slot %uD left",
                      gone.slot);

        /*
         * First what it owed when it died, or was about to put right for
         * others: who is dropped takes what is to be told of it along.
         */

        atomic_store(&hub->bus->zone->sh->owing, 1);
        ngx_http_realtime_reconcile(hub);

        if (ngx_http_realtime_settle_slot(hub, gone) != NGX_OK) {
            return NGX_AGAIN;
        }
    }

    return NGX_OK;
}


void
ngx_http_realtime_settle_self(ngx_http_realtime_hub_t *hub)
{
    ngx_http_realtime_wid_t  gone = hub->bus->self;

    ngx_http_realtime_slot_retire(hub->bus->zone, &gone);

    /* what is too much for now is the neighbour's, when we have gone */

    (void) ngx_http_realtime_settle_slot(hub, gone);
}


/*
 * Each session is inherited, and is away then; what its sockets were given is
 * in their records as of slot->saved.  Or it is emptied and removed, each
 * membership taken out and told, one step at a time: whoever goes on after us,
 * should we stop or die here, does the rest, and nothing is told twice.
 */

static ngx_int_t
ngx_http_realtime_settle_slot(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_wid_t gone)
{
    rt_ref_t                   ref;
    uint32_t                   bucket = 0;
    ngx_int_t                  rc;
    ngx_http_realtime_zone_t  *z = hub->bus->zone;

    for ( ;; ) {
        rc = ngx_http_realtime_directory_inherit(z, gone, hub->bus->self,
                                                 &bucket, &ref);
        if (rc == NGX_DONE) {
            break;
        }

        if (rc == NGX_OK) {
            ngx_http_realtime_settle_session(hub, ref);
        }

        if (ngx_http_realtime_bus_behind(hub->bus)) {
            return NGX_AGAIN;
        }
    }

    ngx_http_realtime_settle_told(hub, gone);
    ngx_http_realtime_slot_release(z, gone);

    return NGX_OK;
}


void
ngx_http_realtime_settle_told(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_wid_t gone)
{
    ngx_http_realtime_entry_t  e;

    ngx_memzero(&e, sizeof(e));

    e.type = NGX_HTTP_REALTIME_ENTRY_GONE;
    e.to = gone;

    (void) ngx_http_realtime_bus_append(hub->bus, &e);
}


static void
ngx_http_realtime_settle_session(ngx_http_realtime_hub_t *hub, rt_ref_t ref)
{
    rt_ref_t                   member;
    ngx_http_realtime_zone_t  *z = hub->bus->zone;

    do {
        ngx_http_realtime_zone_lock(z);

        member = ngx_http_realtime_settle_member_locked(z, ref);

        if (member) {
            ngx_http_realtime_depart_locked(hub, member, 1);
        }

        ngx_http_realtime_zone_unlock(z);

    } while (member);

    ngx_http_realtime_bus_kick(hub->bus);

    ngx_http_realtime_directory_remove(z, ref);
    ngx_http_realtime_presence_gone(hub);
}


/* some membership of the session, or 0 */

static rt_ref_t
ngx_http_realtime_settle_member_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t ref)
{
    ngx_http_realtime_socket_rec_t   *socket;
    ngx_http_realtime_session_rec_t  *rec = ngx_http_realtime_at(z, ref);

    socket = ngx_http_realtime_at(z, rec->sockets);

    while (socket && socket->members == 0) {
        socket = ngx_http_realtime_at(z, socket->next);
    }

    return socket ? socket->members : 0;
}


ngx_int_t
ngx_http_realtime_settle_away(ngx_http_realtime_hub_t *hub, ngx_uint_t all)
{
    rt_ref_t                   ref, member;
    ngx_uint_t                 n = 0, most, pressed, crowded;
    ngx_http_realtime_zone_t  *z = hub->bus->zone;

    pressed = atomic_exchange(&z->sh->pressed, 0);
    most = NGX_HTTP_REALTIME_SETTLE_CROWDED
           + z->sh->away / NGX_HTTP_REALTIME_SETTLE_CROWDED;

    do {
        if (ngx_http_realtime_bus_behind(hub->bus)) {
            return NGX_AGAIN;
        }

        ngx_http_realtime_zone_lock(z);

        crowded = (n < most
                   && (pressed || ngx_http_realtime_settle_crowded(z)));

        ref = ngx_http_realtime_away_over_locked(z, crowded || all);
        member = ref ? ngx_http_realtime_settle_member_locked(z, ref) : 0;

        if (member) {
            ngx_http_realtime_depart_locked(hub, member, 1);

        } else if (ref) {
            ngx_http_realtime_away_drop_locked(z, ref);
        }

        ngx_http_realtime_zone_unlock(z);

        if (member) {
            ngx_http_realtime_bus_kick(hub->bus);

        } else if (ref) {
            n++;
        }

        if (ref && crowded && !all) {
            ngx_http_realtime_zone_full(z, hub->log,
                         "clients that were away cannot have what they had");
        }

    } while (ref);

    if (n) {
        ngx_http_realtime_presence_gone(hub);
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_http_realtime_settle_crowded(ngx_http_realtime_zone_t *z)
{
    rt_arena_stat_t  st;

    rt_arena_stat(z->sh->arena, &st);

    return st.pages - st.pages_used
           < st.pages / NGX_HTTP_REALTIME_SETTLE_CROWDED;
}


void
ngx_http_realtime_settle_socket(ngx_http_realtime_hub_t *hub, rt_ref_t ref,
    rt_ref_t session, const u_char *id)
{
    rt_ref_t                          member;
    ngx_http_realtime_zone_t         *z = hub->bus->zone;
    ngx_http_realtime_socket_rec_t   *rec;
    ngx_http_realtime_session_rec_t  *was;

    do {
        ngx_http_realtime_zone_lock(z);

        rec = ngx_http_realtime_directory_socket(z, ref, session, id);
        member = rec ? rec->members : 0;

        if (member) {
            ngx_http_realtime_depart_locked(hub, member, 1);

        } else if (rec) {
            ngx_http_realtime_directory_drop_socket_locked(z, ref);
            was = ngx_http_realtime_at(z, session);

            if (was->due && was->sockets == 0) {
                ngx_http_realtime_away_drop_locked(z, session);
            }
        }

        ngx_http_realtime_zone_unlock(z);

    } while (member);

    ngx_http_realtime_bus_kick(hub->bus);
    ngx_http_realtime_presence_gone(hub);
}


void
ngx_http_realtime_settle_lost(ngx_http_realtime_hub_t *hub, rt_str_t sid)
{
    ngx_http_realtime_place_t  place;

    if (!ngx_http_realtime_session_known(hub->set, sid)
        && ngx_http_realtime_directory_find(hub->bus->zone, sid, &place)
           == NGX_OK
        && ngx_http_realtime_bus_is_self(hub->bus, place.owner)
        && ngx_http_realtime_away_begin(hub->bus->zone, place.ref, 0,
                                        UINT16_MAX,
                                        NGX_HTTP_REALTIME_CLOSED_LOST)
           != NGX_OK)
    {
        ngx_http_realtime_settle_session(hub, place.ref);
    }
}


/* more sessions than this in one bucket are an accident; they wait */
#define NGX_HTTP_REALTIME_SETTLE_BATCH  64


void
ngx_http_realtime_settle_missed(ngx_http_realtime_hub_t *hub)
{
    u_char      sids[NGX_HTTP_REALTIME_SETTLE_BATCH * RT_ID_LEN];
    uint32_t    bucket;
    ngx_int_t   i, n;

    for (bucket = 0; /* void */ ; bucket++) {

        n = ngx_http_realtime_directory_owned(hub->bus->zone, hub->bus->self,
                                              bucket, sids,
                                              NGX_HTTP_REALTIME_SETTLE_BATCH);
        if (n == NGX_DONE) {
            return;
        }

        for (i = 0; i < n; i++) {
            ngx_http_realtime_settle_lost(hub, rt_str(RT_ID_LEN,
                                                      sids + i * RT_ID_LEN));
        }
    }
}
