
/*
 * Who writes into the database while workers come and go: whoever stays; where
 * nobody does, those who go.
 */


#include "module/ngx_http_realtime_worker.h"
#include "hub/ngx_http_realtime_presence.h"
#include "hub/ngx_http_realtime_settle.h"


static ngx_uint_t ngx_http_realtime_worker_upgrade(void);


ngx_uint_t
ngx_http_realtime_worker_part(ngx_http_realtime_worker_t *w, ngx_uint_t n)
{
    if (!ngx_http_realtime_worker_writes(w)) {
        ngx_http_realtime_store_stop(&w->store);
        return 0;
    }

    /* whoever is away has nowhere to come back to, and that is to be told */

    if (n == 0
        && (w->drain == 0 || ngx_http_realtime_zone_given_up(w->bus.zone))
        && ngx_http_realtime_settle_away(&w->hub, 1) != NGX_OK)
    {
        return 1;
    }

    if (n == 0 && w->drain == 0) {
        ngx_http_realtime_presence_end(&w->hub);
    }

    /* the name may be that of others who stay, with other memory */

    return n ? 0 : ngx_http_realtime_store_farewell(&w->store, w->drain == 0
                                       && !ngx_http_realtime_worker_upgrade());
}


/* there are two masters, with one name */

static ngx_uint_t
ngx_http_realtime_worker_upgrade(void)
{
    ngx_file_info_t   fi;
    ngx_core_conf_t  *ccf;

    ccf = (ngx_core_conf_t *) ngx_get_conf(ngx_cycle->conf_ctx,
                                           ngx_core_module);

    return ngx_file_info(ccf->oldpid.data, &fi) != NGX_FILE_ERROR;
}


ngx_uint_t
ngx_http_realtime_worker_writes(ngx_http_realtime_worker_t *w)
{
    ngx_http_realtime_facts_t  *rows = w->bus.zone->rows;

    return rows
           && (!w->transports.exiting || w->drain == 0
               || ngx_http_realtime_facts_given_up(rows));
}


void
ngx_http_realtime_worker_changed(void *data, rt_str_t room, rt_str_t user)
{
    ngx_http_realtime_entry_t    e;
    ngx_http_realtime_worker_t  *w = data;

    ngx_memzero(&e, sizeof(e));

    e.type = NGX_HTTP_REALTIME_ENTRY_CHANGED;
    e.within = room;
    e.packets = user;

    (void) ngx_http_realtime_bus_append(&w->bus, &e);
}
