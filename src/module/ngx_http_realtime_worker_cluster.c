
/*
 * Who speaks to other hosts while workers come and go: whoever stays; where
 * nobody does, those who go.
 */


#include "module/ngx_http_realtime_worker.h"


static ngx_uint_t ngx_http_realtime_worker_stays(
    ngx_http_realtime_worker_t *w);
static void ngx_http_realtime_worker_namespace(
    ngx_http_realtime_sessions_t *set, rt_str_t nsp);


void
ngx_http_realtime_worker_cluster_start(ngx_http_realtime_worker_t *w)
{
    if (w->link_conf == NULL) {

        /* what is said from now on is not for those who may come later */

        atomic_store(&w->bus.zone->sh->cluster.begun, 0);
        return;
    }

    w->sessions.on_namespace = ngx_http_realtime_worker_namespace;

    ngx_http_realtime_state_start(&w->state, &w->link, &w->hub);
    ngx_http_realtime_link_start(&w->link, w->link_conf, &w->hub);
}


void
ngx_http_realtime_worker_cluster_stop(ngx_http_realtime_worker_t *w)
{
    if (w->link_conf) {
        ngx_http_realtime_state_stop(&w->state);
        ngx_http_realtime_link_stop(&w->link);
    }
}


void
ngx_http_realtime_worker_cluster_watch(ngx_http_realtime_worker_t *w)
{
    if (w->link_conf && ngx_http_realtime_worker_stays(w)) {
        ngx_http_realtime_link_watch(&w->link);
    }

    if (w->link_conf) {
        ngx_http_realtime_state_watch(&w->state);
    }
}


/* it is not told to go, or nobody stays who could do it */

static ngx_uint_t
ngx_http_realtime_worker_stays(ngx_http_realtime_worker_t *w)
{
    return !w->transports.exiting || w->drain == 0
           || ngx_http_realtime_zone_given_up(w->bus.zone);
}


ngx_uint_t
ngx_http_realtime_worker_cluster_part(ngx_http_realtime_worker_t *w,
    ngx_uint_t n)
{
    if (w->link_conf == NULL) {
        return 0;
    }

    return ngx_http_realtime_state_farewell(&w->state,
                                 n == 0 && ngx_http_realtime_worker_stays(w))
           | ngx_http_realtime_link_farewell(&w->link,
                                        !ngx_http_realtime_worker_stays(w),
                                        n == 0);
}


void
ngx_http_realtime_worker_cluster_entry(ngx_http_realtime_worker_t *w,
    ngx_http_realtime_entry_t *e)
{
    ngx_uint_t                 i;
    ngx_http_realtime_nsp_t  **nsp = w->sessions.namespaces.elts;

    if (w->link_conf == NULL) {
        return;
    }

    switch (e->type) {

    case NGX_HTTP_REALTIME_ENTRY_LINK:
        ngx_http_realtime_worker_cluster_watch(w);
        break;

    case NGX_HTTP_REALTIME_ENTRY_NAMESPACE:

        ngx_http_realtime_subscribe_entry(&w->link, e);

        if (e->nsp.len || e->number) {
            break;
        }

        for (i = 0; i < w->sessions.namespaces.nelts; i++) {
            if (nsp[i]) {
                ngx_http_realtime_worker_namespace(&w->sessions, nsp[i]->name);
            }
        }

        break;
    }

    ngx_http_realtime_publish_entry(&w->link, e, w->bus.pos);
}


/* somebody of this worker is in it: one of them listens there */

static void
ngx_http_realtime_worker_namespace(ngx_http_realtime_sessions_t *set,
    rt_str_t nsp)
{
    ngx_http_realtime_entry_t  e;

    ngx_memzero(&e, sizeof(e));

    e.type = NGX_HTTP_REALTIME_ENTRY_NAMESPACE;
    e.nsp = nsp;

    (void) ngx_http_realtime_bus_append(set->bus, &e);
}
