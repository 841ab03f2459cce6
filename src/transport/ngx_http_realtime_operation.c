
#include "transport/ngx_http_realtime_operation.h"
#include "transport/ngx_http_realtime_hear.h"
#include "transport/ngx_http_realtime_post.h"
#include "transport/ngx_http_realtime_upgrade.h"
#include "hub/ngx_http_realtime_recover.h"
#include "shm/ngx_http_realtime_directory.h"


static void ngx_http_realtime_operation_do(ngx_http_realtime_transports_t *tp,
    ngx_http_realtime_session_t *s, ngx_http_realtime_entry_t *e);


ngx_int_t
ngx_http_realtime_operation_send(ngx_http_realtime_transports_t *tp,
    ngx_uint_t type, rt_str_t sid, ngx_http_realtime_waiter_t *w,
    rt_str_t body)
{
    ngx_http_realtime_entry_t     e;
    ngx_http_realtime_place_t     place;
    ngx_http_realtime_session_t  *s;

    ngx_memzero(&e, sizeof(e));

    e.type = type;
    e.from = tp->bus->self;
    e.to = tp->bus->self;
    e.handle = w ? w->handle : 0;
    e.sid = sid;
    e.packets = body;

    if (w) {
        w->owner = tp->bus->self;       /* no other's end is to answer it */
    }

    s = ngx_http_realtime_session_find(tp->set, sid);

    if (s) {
        ngx_http_realtime_operation_do(tp, s, &e);
        return NGX_OK;
    }

    if (ngx_http_realtime_directory_find(tp->bus->zone, sid, &place) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    e.to = place.owner;

    if (w) {
        w->owner = place.owner;
        w->since = ngx_http_realtime_bus_head(tp->bus);
    }

    return ngx_http_realtime_bus_append(tp->bus, &e) == NGX_OK ? NGX_OK
                                                               : NGX_ERROR;
}


void
ngx_http_realtime_operation_take(ngx_http_realtime_transports_t *tp,
    ngx_http_realtime_entry_t *e)
{
    ngx_http_realtime_place_t     place;
    ngx_http_realtime_session_t  *s;

    s = ngx_http_realtime_session_find(tp->set, e->sid);

    if (s) {
        ngx_http_realtime_operation_do(tp, s, e);
        return;
    }

    if (!ngx_http_realtime_bus_is_self(tp->bus, e->to) || e->handle == 0
        || !ngx_http_realtime_entry_asks(e))
    {
        return;
    }

    /*
     * It was for us, but the session is not here.  If it has moved, its new
     * worker sees this entry too, in the log or in the replay.
     */

    if (ngx_http_realtime_directory_find(tp->bus->zone, e->sid, &place)
        == NGX_OK
        && !ngx_http_realtime_bus_is_self(tp->bus, place.owner))
    {
        return;
    }

    if (e->type == NGX_HTTP_REALTIME_ENTRY_HEAR) {
        ngx_http_realtime_hear(tp, NULL, e);
        return;
    }

    ngx_http_realtime_operation_refuse(tp, e->from, e->handle,
                                       NGX_HTTP_REALTIME_UNKNOWN_SID);
}


static void
ngx_http_realtime_operation_do(ngx_http_realtime_transports_t *tp,
    ngx_http_realtime_session_t *s, ngx_http_realtime_entry_t *e)
{
    switch (e->type) {

    case NGX_HTTP_REALTIME_ENTRY_POLL:
        ngx_http_realtime_polling_poll(s, e, tp);
        break;

    case NGX_HTTP_REALTIME_ENTRY_POST:
        ngx_http_realtime_post(s, e, tp);
        break;

    case NGX_HTTP_REALTIME_ENTRY_ABORT:
        ngx_http_realtime_polling_abort(s, e);
        break;

    case NGX_HTTP_REALTIME_ENTRY_RELEASE:
        ngx_http_realtime_polling_release(s, e);
        break;

    case NGX_HTTP_REALTIME_ENTRY_PROBE:
        ngx_http_realtime_upgrade_probed(s, e, tp);
        break;

    case NGX_HTTP_REALTIME_ENTRY_PROBE_END:
        ngx_http_realtime_upgrade_ended(s);
        break;

    case NGX_HTTP_REALTIME_ENTRY_HEAR:
        ngx_http_realtime_hear(tp, s, e);
        break;

    case NGX_HTTP_REALTIME_ENTRY_MOVE:
        ngx_http_realtime_upgrade_give(s, e, tp);
        break;

    case NGX_HTTP_REALTIME_ENTRY_EVICT:
        ngx_http_realtime_recover_evict(s, e->nsp, e->packets);
        break;
    }
}


void
ngx_http_realtime_operation_answer(ngx_http_realtime_transports_t *tp,
    ngx_http_realtime_wid_t to, uint64_t handle, ngx_uint_t status,
    rt_str_t body)
{
    ngx_http_realtime_entry_t  e;

    ngx_memzero(&e, sizeof(e));

    e.type = NGX_HTTP_REALTIME_ENTRY_ANSWER;
    e.to = to;
    e.handle = handle;
    e.number = status;
    e.packets = body;

    if (ngx_http_realtime_bus_is_self(tp->bus, to)) {
        (void) ngx_http_realtime_waiter_answer(&tp->bus->waiters, &e);
        return;
    }

    if (ngx_http_realtime_bus_append(tp->bus, &e) == NGX_OK) {
        return;
    }

    /* too long for the log: whoever waits must not wait for ever */

    e.number = NGX_HTTP_INTERNAL_SERVER_ERROR;
    e.packets = rt_lit("");

    (void) ngx_http_realtime_bus_append(tp->bus, &e);
}


void
ngx_http_realtime_operation_refuse(ngx_http_realtime_transports_t *tp,
    ngx_http_realtime_wid_t to, uint64_t handle,
    ngx_http_realtime_error_e error)
{
    ngx_http_realtime_operation_answer(tp, to, handle,
                                       ngx_http_realtime_error_status(error),
                                       ngx_http_realtime_error_body(error));
}
