
#include "bus/ngx_http_realtime_waiter.h"


static ngx_int_t ngx_http_realtime_waiter_grow(ngx_http_realtime_waiters_t *t,
    ngx_log_t *log);


ngx_int_t
ngx_http_realtime_waiter_add(ngx_http_realtime_waiters_t *t,
    ngx_http_realtime_waiter_t *w, ngx_log_t *log)
{
    uint32_t                           i;
    ngx_http_realtime_waiter_place_t  *place;

    if (t->free == 0 && ngx_http_realtime_waiter_grow(t, log) != NGX_OK) {
        return NGX_ERROR;
    }

    i = t->free;
    place = &t->places[i - 1];
    t->free = place->next_free;

    place->waiter = w;
    place->generation++;
    t->used++;

    w->handle = ((uint64_t) place->generation << 32) | i;

    return NGX_OK;
}


static ngx_int_t
ngx_http_realtime_waiter_grow(ngx_http_realtime_waiters_t *t, ngx_log_t *log)
{
    uint32_t                           i, n;
    ngx_http_realtime_waiter_place_t  *places;

    n = t->n ? t->n * 2 : 64;

    places = ngx_alloc(n * sizeof(ngx_http_realtime_waiter_place_t), log);
    if (places == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(places, n * sizeof(ngx_http_realtime_waiter_place_t));

    if (t->n) {
        ngx_memcpy(places, t->places,
                   t->n * sizeof(ngx_http_realtime_waiter_place_t));
        ngx_free(t->places);
    }

    for (i = n; i > t->n; i--) {
        places[i - 1].next_free = t->free;
        t->free = i;
    }

    t->places = places;
    t->n = n;

    return NGX_OK;
}


void
ngx_http_realtime_waiter_remove(ngx_http_realtime_waiters_t *t,
    ngx_http_realtime_waiter_t *w)
{
    uint32_t  i;

    if (w->handle == 0) {
        return;
    }

    i = (uint32_t) w->handle;

    t->places[i - 1].waiter = NULL;
    t->places[i - 1].next_free = t->free;
    t->free = i;
    t->used--;

    w->handle = 0;
}


ngx_http_realtime_waiter_t *
ngx_http_realtime_waiter_find(ngx_http_realtime_waiters_t *t, uint64_t handle)
{
    uint32_t                     i;
    ngx_http_realtime_waiter_t  *w;

    i = (uint32_t) handle;

    if (i == 0 || i > t->n) {
        return NULL;
    }

    w = t->places[i - 1].waiter;

    return (w && w->handle == handle) ? w : NULL;
}


ngx_int_t
ngx_http_realtime_waiter_answer(ngx_http_realtime_waiters_t *t,
    ngx_http_realtime_entry_t *e)
{
    ngx_http_realtime_waiter_t  *w;

    w = ngx_http_realtime_waiter_find(t, e->handle);

    if (w == NULL) {
        return NGX_DECLINED;
    }

    ngx_http_realtime_waiter_remove(t, w);

    w->answer(w, e);

    return NGX_OK;
}


void
ngx_http_realtime_waiter_gone(ngx_http_realtime_waiters_t *t,
    ngx_http_realtime_wid_t gone, uint64_t pos, ngx_uint_t status)
{
    uint32_t                     i;
    ngx_http_realtime_entry_t    e;
    ngx_http_realtime_waiter_t  *w;

    for (i = 0; i < t->n; i++) {
        w = t->places[i].waiter;

        if (w == NULL
            || w->owner.slot != gone.slot
            || w->owner.generation >= gone.generation
            || w->since > pos)
        {
            continue;
        }

        ngx_memzero(&e, sizeof(e));
        e.type = NGX_HTTP_REALTIME_ENTRY_ANSWER;
        e.handle = w->handle;
        e.number = status;

        (void) ngx_http_realtime_waiter_answer(t, &e);
    }
}


void
ngx_http_realtime_waiter_each(ngx_http_realtime_waiters_t *t,
    void (*each)(void *ctx, ngx_http_realtime_waiter_t *w), void *ctx)
{
    uint32_t  i;

    for (i = 0; i < t->n; i++) {
        if (t->places[i].waiter) {
            each(ctx, t->places[i].waiter);
        }
    }
}
