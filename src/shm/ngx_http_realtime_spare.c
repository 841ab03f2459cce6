
#include "shm/ngx_http_realtime_spare.h"
#include "shm/ngx_http_realtime_known.h"
#include "shm/ngx_http_realtime_limits.h"
#include "shm/ngx_http_realtime_users.h"


/*
 * Records that go at once when memory is short: so many that a page comes
 * free now and then, which any other kind of record can use.
 */
#define NGX_HTTP_REALTIME_SPARE_BATCH    128

/* of all pages, one in so many is left to what is vital */
#define NGX_HTTP_REALTIME_SPARE_RESERVE  8


static rt_ref_t ngx_http_realtime_spare_try(ngx_http_realtime_zone_t *z,
    size_t size, ngx_uint_t vital);


rt_ref_t
ngx_http_realtime_spare_alloc(ngx_http_realtime_zone_t *z, size_t size,
    ngx_uint_t vital)
{
    rt_ref_t    ref;
    ngx_uint_t  i, n;

    ref = ngx_http_realtime_spare_try(z, size, vital);

    while (ref == 0) {

        n = 0;

        for (i = 0; i < NGX_HTTP_REALTIME_SPARE_BATCH; i++) {
            n += ngx_http_realtime_users_forget_locked(z);
            n += ngx_http_realtime_limits_forget_locked(z,
                                                    ngx_http_realtime_now());
            n += ngx_http_realtime_known_forget_locked(z);
        }

        if (n == 0) {
            break;
        }

        ref = ngx_http_realtime_spare_try(z, size, vital);
    }

    /* who is away is given up by who can tell the others (hub/settle) */

    if (ref == 0 && vital && z->sh->away) {
        atomic_store(&z->sh->pressed, 1);
    }

    return ref;
}


static rt_ref_t
ngx_http_realtime_spare_try(ngx_http_realtime_zone_t *z, size_t size,
    ngx_uint_t vital)
{
    rt_arena_stat_t  st;

    if (vital) {
        return rt_arena_alloc(z->sh->arena, size);
    }

    rt_arena_stat(z->sh->arena, &st);

    return rt_arena_alloc_keep(z->sh->arena, size,
                               st.pages / NGX_HTTP_REALTIME_SPARE_RESERVE);
}
