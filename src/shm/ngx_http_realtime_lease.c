
#include "shm/ngx_http_realtime_lease.h"
#include "shm/ngx_http_realtime_slot.h"


static ngx_http_realtime_slot_t *ngx_http_realtime_lease_slot(
    ngx_http_realtime_zone_t *z, uint64_t word);
static ngx_uint_t ngx_http_realtime_lease_lives(ngx_http_realtime_zone_t *z,
    uint64_t word);


ngx_int_t
ngx_http_realtime_lease_claim(ngx_http_realtime_zone_t *z,
    ngx_http_realtime_wid_t wid)
{
    uint64_t                      holder, heir, own;
    ngx_http_realtime_cluster_t  *cl = &z->sh->cluster;

    own = ngx_http_realtime_lease_word(wid);
    holder = atomic_load(&cl->holder);
    heir = atomic_load(&cl->heir);

    if (holder != own) {

        if (ngx_http_realtime_lease_lives(z, holder)
            || (heir != own && ngx_http_realtime_lease_lives(z, heir))
            || !atomic_compare_exchange_strong(&cl->holder, &holder, own))
        {
            return NGX_BUSY;
        }
    }

    if (heir == own) {
        (void) atomic_compare_exchange_strong(&cl->heir, &heir, 0);
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_realtime_lease_inherit(ngx_http_realtime_zone_t *z,
    ngx_http_realtime_wid_t wid)
{
    uint64_t                      heir, own;
    ngx_http_realtime_slot_t     *slot;
    ngx_http_realtime_cluster_t  *cl = &z->sh->cluster;

    own = ngx_http_realtime_lease_word(wid);
    heir = atomic_load(&cl->heir);

    if (heir == own) {
        return NGX_OK;
    }

    slot = ngx_http_realtime_lease_slot(z, atomic_load(&cl->holder));

    if (slot == NULL || !atomic_load(&slot->leaving)
        || ngx_http_realtime_lease_lives(z, heir))
    {
        return NGX_BUSY;
    }

    return atomic_compare_exchange_strong(&cl->heir, &heir, own) ? NGX_OK
                                                                 : NGX_BUSY;
}


void
ngx_http_realtime_lease_release(ngx_http_realtime_zone_t *z,
    ngx_http_realtime_wid_t wid)
{
    uint64_t                      heir, own;
    ngx_http_realtime_cluster_t  *cl = &z->sh->cluster;

    own = ngx_http_realtime_lease_word(wid);
    heir = own;

    (void) atomic_compare_exchange_strong(&cl->heir, &heir, 0);

    heir = atomic_load(&cl->heir);

    if (!ngx_http_realtime_lease_lives(z, heir)) {
        heir = 0;
    }

    (void) atomic_compare_exchange_strong(&cl->holder, &own, heir);
}


uint32_t
ngx_http_realtime_lease_pid(ngx_http_realtime_zone_t *z)
{
    ngx_http_realtime_slot_t  *slot;

    slot = ngx_http_realtime_lease_slot(z, atomic_load(&z->sh->cluster.holder));

    return slot ? atomic_load(&slot->pid) : 0;
}


/* that of the worker, which may have died; NULL: it is nobody's any more */

static ngx_http_realtime_slot_t *
ngx_http_realtime_lease_slot(ngx_http_realtime_zone_t *z, uint64_t word)
{
    uint32_t                   n = (uint32_t) word;
    ngx_http_realtime_slot_t  *slot;

    if (n == 0 || n > NGX_HTTP_REALTIME_SLOTS) {
        return NULL;
    }

    slot = &z->sh->slot[n - 1];

    return (slot->generation == (uint32_t) (word >> 32)
            && atomic_load(&slot->pid))
           ? slot : NULL;
}


static ngx_uint_t
ngx_http_realtime_lease_lives(ngx_http_realtime_zone_t *z, uint64_t word)
{
    ngx_http_realtime_slot_t  *slot;

    slot = ngx_http_realtime_lease_slot(z, word);

    return slot && !ngx_http_realtime_process_died(atomic_load(&slot->pid),
                                                   slot->started);
}
