
#include "transport/ngx_http_realtime_hear.h"


/* who waits for an answer */

typedef struct {
    ngx_queue_t              queue;             /* tp->heard */
    ngx_http_realtime_wid_t  to;
    uint64_t                 handle;
} ngx_http_realtime_heard_t;


static void ngx_http_realtime_hear_handler(ngx_event_t *ev);
static void ngx_http_realtime_hear_answer(ngx_http_realtime_transports_t *tp,
    ngx_http_realtime_wid_t to, uint64_t handle);


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

    /*
     * A client that changes its transport keeps what it has to say until it
     * has: whoever asked waits as long as it can.
     */

    if (s && s->state == NGX_HTTP_REALTIME_SESSION_UPGRADING) {
        return;
    }

    if (s && s->transport && s->transport->hear && !s->arriving) {
        s->transport->hear(s);
    }

    h = ngx_alloc(sizeof(ngx_http_realtime_heard_t), tp->log);

    if (h == NULL) {
        ngx_http_realtime_hear_answer(tp, e->from, e->handle);
        return;
    }

    h->to = e->from;
    h->handle = e->handle;

    ngx_queue_insert_tail(&tp->heard, &h->queue);
    ngx_post_event(&tp->hear, &ngx_posted_events);
}


static void
ngx_http_realtime_hear_handler(ngx_event_t *ev)
{
    ngx_queue_t                     *q;
    ngx_http_realtime_heard_t       *h;
    ngx_http_realtime_transports_t  *tp = ev->data;

    if (!ngx_queue_empty(&tp->set->closing)) {
        ngx_post_event(ev, &ngx_posted_next_events);
        return;
    }

    while (!ngx_queue_empty(&tp->heard)) {
        q = ngx_queue_head(&tp->heard);
        ngx_queue_remove(q);

        h = ngx_queue_data(q, ngx_http_realtime_heard_t, queue);

        ngx_http_realtime_hear_answer(tp, h->to, h->handle);
        ngx_free(h);
    }
}


/* which says that it was done, and no more */

static void
ngx_http_realtime_hear_answer(ngx_http_realtime_transports_t *tp,
    ngx_http_realtime_wid_t to, uint64_t handle)
{
    ngx_http_realtime_operation_answer(tp, to, handle, NGX_HTTP_OK,
                                       rt_lit(""));
}
