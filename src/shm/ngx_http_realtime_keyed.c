
#include "shm/ngx_http_realtime_keyed.h"


static rt_ref_t ngx_http_realtime_keyed_like(ngx_http_realtime_zone_t *z,
    rt_ref_t ref, uint32_t hash, uint8_t type);


#define ngx_http_realtime_keyed_bucket(z, hash)                               \
    ngx_http_realtime_bucket((z)->sh, keyed_table, hash)

#define ngx_http_realtime_link_at(z, ref, offset)                             \
    ((ngx_http_realtime_hook_t *)                                             \
     ((u_char *) ngx_http_realtime_at(z, ref) + (offset)))


rt_ref_t
ngx_http_realtime_keyed_first(ngx_http_realtime_zone_t *z, uint32_t hash,
    uint8_t type)
{
    return ngx_http_realtime_keyed_like(z,
                                    *ngx_http_realtime_keyed_bucket(z, hash),
                                    hash, type);
}


rt_ref_t
ngx_http_realtime_keyed_next(ngx_http_realtime_zone_t *z, rt_ref_t ref)
{
    ngx_http_realtime_keyed_t  *rec = ngx_http_realtime_at(z, ref);

    return ngx_http_realtime_keyed_like(z, rec->next, rec->hash, rec->type);
}


/* from "ref" on */

static rt_ref_t
ngx_http_realtime_keyed_like(ngx_http_realtime_zone_t *z, rt_ref_t ref,
    uint32_t hash, uint8_t type)
{
    ngx_http_realtime_keyed_t  *rec;

    for ( /* void */ ; ref; ref = rec->next) {
        rec = ngx_http_realtime_at(z, ref);

        if (rec->hash == hash && rec->type == type) {
            break;
        }
    }

    return ref;
}


void
ngx_http_realtime_keyed_link(ngx_http_realtime_zone_t *z, rt_ref_t ref)
{
    rt_ref_t                   *bucket;
    ngx_http_realtime_keyed_t  *rec = ngx_http_realtime_at(z, ref);

    bucket = ngx_http_realtime_keyed_bucket(z, rec->hash);

    rec->next = *bucket;
    *bucket = ref;
}


void
ngx_http_realtime_keyed_unlink(ngx_http_realtime_zone_t *z, rt_ref_t ref)
{
    rt_ref_t                   *link;
    ngx_http_realtime_keyed_t  *rec = ngx_http_realtime_at(z, ref), *other;

    link = ngx_http_realtime_keyed_bucket(z, rec->hash);

    while (*link && *link != ref) {
        other = ngx_http_realtime_at(z, *link);
        link = &other->next;
    }

    if (*link) {
        *link = rec->next;
    }
}


void
ngx_http_realtime_chain_add(ngx_http_realtime_zone_t *z,
    ngx_http_realtime_chain_t *chain, rt_ref_t ref, size_t offset,
    rt_ref_t before)
{
    ngx_http_realtime_hook_t  *link, *other;

    link = ngx_http_realtime_link_at(z, ref, offset);

    link->next = before;
    link->prev = chain->last;

    if (before) {
        other = ngx_http_realtime_link_at(z, before, offset);
        link->prev = other->prev;
        other->prev = ref;

    } else {
        chain->last = ref;
    }

    if (link->prev) {
        other = ngx_http_realtime_link_at(z, link->prev, offset);
        other->next = ref;

    } else {
        chain->first = ref;
    }
}


void
ngx_http_realtime_chain_remove(ngx_http_realtime_zone_t *z,
    ngx_http_realtime_chain_t *chain, rt_ref_t ref, size_t offset)
{
    ngx_http_realtime_hook_t  *link, *other;

    link = ngx_http_realtime_link_at(z, ref, offset);

    if (link->next) {
        other = ngx_http_realtime_link_at(z, link->next, offset);
        other->prev = link->prev;

    } else {
        chain->last = link->prev;
    }

    if (link->prev) {
        other = ngx_http_realtime_link_at(z, link->prev, offset);
        other->next = link->next;

    } else {
        chain->first = link->next;
    }

    link->next = 0;
    link->prev = 0;
}
