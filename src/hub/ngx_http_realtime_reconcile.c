
#include "hub/ngx_http_realtime_reconcile.h"
#include "hub/ngx_http_realtime_announce.h"
#include "hub/ngx_http_realtime_presence.h"
#include "hub/ngx_http_realtime_typing.h"


static void ngx_http_realtime_reconcile_bucket_locked(
    ngx_http_realtime_hub_t *hub, uint32_t bucket);
static ngx_int_t ngx_http_realtime_reconcile_one_locked(
    ngx_http_realtime_hub_t *hub, rt_ref_t ref);
static ngx_int_t ngx_http_realtime_reconcile_occupant_locked(
    ngx_http_realtime_hub_t *hub, rt_ref_t ref);
static ngx_int_t ngx_http_realtime_reconcile_user_locked(
    ngx_http_realtime_hub_t *hub, rt_ref_t ref);
static ngx_int_t ngx_http_realtime_reconcile_thread_locked(
    ngx_http_realtime_hub_t *hub, rt_ref_t ref);


/* buckets that are looked at without giving the mutex back */
#define NGX_HTTP_REALTIME_RECONCILE_BATCH  256


void
ngx_http_realtime_reconcile(ngx_http_realtime_hub_t *hub)
{
    uint32_t                     i;
    uint64_t                     now = ngx_http_realtime_now();
    ngx_http_realtime_zone_t    *z = hub->bus->zone;
    ngx_http_realtime_shared_t  *sh = z->sh;

    if (!atomic_exchange(&sh->owing, 0)
        && now - sh->compared < hub->heartbeat)
    {
        return;
    }

    sh->compared = now;

    for (i = 0; i < sh->buckets; i++) {

        if (i % NGX_HTTP_REALTIME_RECONCILE_BATCH == 0) {

            if (i) {
                ngx_http_realtime_zone_unlock(z);
            }

            ngx_http_realtime_zone_lock(z);
        }

        ngx_http_realtime_reconcile_bucket_locked(hub, i);
    }

    ngx_http_realtime_zone_unlock(z);

    ngx_http_realtime_bus_kick(hub->bus);
    ngx_http_realtime_presence_tell(hub);
}


/* what is put right may take other records along: begin again then */

static void
ngx_http_realtime_reconcile_bucket_locked(ngx_http_realtime_hub_t *hub,
    uint32_t bucket)
{
    rt_ref_t                    ref;
    ngx_http_realtime_zone_t   *z = hub->bus->zone;
    ngx_http_realtime_keyed_t  *rec;

again:

    for (ref = z->sh->keyed_table[bucket]; ref; ref = rec->next) {

        rec = ngx_http_realtime_at(z, ref);

        if (ngx_http_realtime_reconcile_one_locked(hub, ref)) {
            goto again;
        }
    }
}


/* whether there was anything to put right */

static ngx_int_t
ngx_http_realtime_reconcile_one_locked(ngx_http_realtime_hub_t *hub,
    rt_ref_t ref)
{
    ngx_http_realtime_keyed_t  *rec;

    rec = ngx_http_realtime_at(hub->bus->zone, ref);

    switch (rec->type) {

    case NGX_HTTP_REALTIME_RECORD_OCCUPANT:
        return ngx_http_realtime_reconcile_occupant_locked(hub, ref);

    case NGX_HTTP_REALTIME_RECORD_USER:
        return ngx_http_realtime_reconcile_user_locked(hub, ref);

    case NGX_HTTP_REALTIME_RECORD_THREAD:
        return ngx_http_realtime_reconcile_thread_locked(hub, ref);
    }

    return 0;
}


static ngx_int_t
ngx_http_realtime_reconcile_occupant_locked(ngx_http_realtime_hub_t *hub,
    rt_ref_t ref)
{
    ngx_http_realtime_zone_t          *z = hub->bus->zone;
    ngx_http_realtime_occupant_rec_t  *rec = ngx_http_realtime_at(z, ref);

    if (rec->count && !rec->told) {
        ngx_http_realtime_announce_come_locked(hub, ref);
        return 1;
    }

    if (rec->count == 0 && rec->told) {
        ngx_http_realtime_announce_gone_locked(hub, ref);
        return 1;
    }

    if (rec->count == 0 && !rec->lingers) {
        ngx_http_realtime_roster_drop_occupant_locked(z, ref);
        return 1;
    }

    return 0;
}


static ngx_int_t
ngx_http_realtime_reconcile_user_locked(ngx_http_realtime_hub_t *hub,
    rt_ref_t ref)
{
    rt_ref_t                           occupant;
    ngx_http_realtime_zone_t          *z = hub->bus->zone;
    ngx_http_realtime_user_rec_t      *user = ngx_http_realtime_at(z, ref);
    ngx_http_realtime_occupant_rec_t  *rec;

    /* the rooms first: a user who is dropped takes its occupants along */

    for (occupant = user->occupants.first; occupant;
         occupant = rec->of_user.next)
    {
        rec = ngx_http_realtime_at(z, occupant);

        if (ngx_http_realtime_reconcile_occupant_locked(hub, occupant)) {
            return 1;
        }
    }

    if (user->chain != NGX_HTTP_REALTIME_CHAIN_NONE
        || (user->sockets.first
            && !user->news
            && ngx_http_realtime_users_effective(user) == user->told))
    {
        return 0;
    }

    ngx_http_realtime_users_place_locked(z, ref);

    return 1;
}


static ngx_int_t
ngx_http_realtime_reconcile_thread_locked(ngx_http_realtime_hub_t *hub,
    rt_ref_t ref)
{
    ngx_http_realtime_room_rec_t    *room;
    ngx_http_realtime_thread_rec_t  *rec;

    rec = ngx_http_realtime_at(hub->bus->zone, ref);

    if (rec->told && rec->typists.first) {
        return 0;
    }

    /* its last typist may have gone untold, and the room after that */

    room = ngx_http_realtime_at(hub->bus->zone, rec->room);

    if (room->type != NGX_HTTP_REALTIME_RECORD_ROOM || room->count == 0) {
        ngx_http_realtime_typists_told_locked(hub->bus->zone, ref);
        return 1;
    }

    ngx_http_realtime_typing_tell_locked(hub, ref, rt_lit(""));

    return 1;
}
