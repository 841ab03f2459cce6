
#include "transport/ngx_http_realtime_hear.h"
#include "shm/ngx_http_realtime_directory.h"


/* who waits for an answer */

typedef struct {
    ngx_queue_t              queue;             /* tp->heard */
    ngx_http_realtime_wid_t  to;
    uint64_t                 handle;
    ngx_msec_t               since;
    u_char                   sid[RT_ID_LEN];
} ngx_http_realtime_heard_t;


static void ngx_http_realtime_hear_handler(ngx_event_t *ev);
static ngx_int_t ngx_http_realtime_hear_one(ngx_http_realtime_session_t *s,
    ngx_msec_t since);
static ngx_uint_t ngx_http_realtime_hear_moved(
    ngx_http_realtime_transports_t *tp, rt_str_t sid);
static void ngx_http_realtime_hear_answer(ngx_http_realtime_transports_t *tp,
    ngx_http_realtime_wid_t to, uint64_t handle);


/* whoever asks does not wait longer, ms */
#define NGX_HTTP_REALTIME_HEAR_MAX    1000

/* how long a client that polls may need for another request, ms */
#define NGX_HTTP_REALTIME_HEAR_POST   250

/* when there is more to come, ms */
#define NGX_HTTP_REALTIME_HEAR_AGAIN  10


void
ngx_http_realtime_hear_init(ngx_http_realtime_transports_t *tp)
{
    ngx_queue_init(&tp->heard);

    tp->hear.handler = ngx_http_realtime_hear_handler;
    tp->hear.data = tp;
    tp->hear.log = tp->log;
}


void
ngx_http_realtime_hear(ngx_http_realtime_transports_t *tp,
    ngx_http_realtime_session_t *s, ngx_http_realtime_entry_t *e)
{
    ngx_http_realtime_heard_t  *h;

    (void) ngx_http_realtime_hear_one(s, ngx_current_msec);

    h = ngx_alloc(sizeof(ngx_http_realtime_heard_t), tp->log);

    if (h == NULL) {
        ngx_http_realtime_hear_answer(tp, e->from, e->handle);
        return;
    }

    h->to = e->from;
    h->handle = e->handle;
    h->since = ngx_current_msec;
    ngx_memcpy(h->sid, e->sid.data, RT_ID_LEN);

    ngx_queue_insert_tail(&tp->heard, &h->queue);
    ngx_post_event(&tp->hear, &ngx_posted_events);
}


/* behind whatever ends sessions in this turn */

static void
ngx_http_realtime_hear_handler(ngx_event_t *ev)
{
    rt_str_t                         sid;
    ngx_uint_t                       again = 0;
    ngx_queue_t                     *q, *next;
    ngx_http_realtime_heard_t       *h;
    ngx_http_realtime_session_t     *s;
    ngx_http_realtime_transports_t  *tp = ev->data;

    for (q = ngx_queue_head(&tp->heard);
         q != ngx_queue_sentinel(&tp->heard);
         q = next)
    {
        next = ngx_queue_next(q);
        h = ngx_queue_data(q, ngx_http_realtime_heard_t, queue);

        sid = rt_str(RT_ID_LEN, h->sid);
        s = ngx_http_realtime_session_find(tp->set, sid);

        if (ngx_current_msec - h->since < NGX_HTTP_REALTIME_HEAR_MAX
            && (ngx_http_realtime_hear_one(s, h->since) != NGX_OK
                || !ngx_queue_empty(&tp->set->closing)
                || (s == NULL && ngx_http_realtime_hear_moved(tp, sid))))
        {
            again = 1;
            continue;
        }

        ngx_queue_remove(q);
        ngx_http_realtime_hear_answer(tp, h->to, h->handle);
        ngx_free(h);
    }

    if (again) {
        ngx_add_timer(ev, NGX_HTTP_REALTIME_HEAR_AGAIN);
    }
}


/*
 * NGX_AGAIN: there is more to come.  A client that changes its transport keeps
 * what it has to say until it has, and one that polls until its last request
 * was answered.
 */

static ngx_int_t
ngx_http_realtime_hear_one(ngx_http_realtime_session_t *s, ngx_msec_t since)
{
    if (s == NULL) {
        return NGX_OK;
    }

    if (s->arriving || s->state == NGX_HTTP_REALTIME_SESSION_UPGRADING
        || ngx_http_realtime_session_waits(s))
    {
        return NGX_AGAIN;
    }

    if (s->transport->hear == NULL) {
        return (ngx_current_msec - since < NGX_HTTP_REALTIME_HEAR_POST)
               ? NGX_AGAIN : NGX_OK;
    }

    return s->transport->hear(s);
}


/* what it says goes to its new worker, which has until nobody waits any more */

static ngx_uint_t
ngx_http_realtime_hear_moved(ngx_http_realtime_transports_t *tp, rt_str_t sid)
{
    ngx_http_realtime_place_t  place;

    return ngx_http_realtime_directory_find(tp->bus->zone, sid, &place)
           == NGX_OK
           && !ngx_http_realtime_bus_is_self(tp->bus, place.owner);
}


/* which says that it was done, and no more */

static void
ngx_http_realtime_hear_answer(ngx_http_realtime_transports_t *tp,
    ngx_http_realtime_wid_t to, uint64_t handle)
{
    ngx_http_realtime_operation_answer(tp, to, handle, NGX_HTTP_OK,
                                       rt_lit(""));
}
