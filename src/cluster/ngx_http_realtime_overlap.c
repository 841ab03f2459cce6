
/*
 * While the link is handed over two of this host listen.  Node counts both, and
 * waits for an answer of each: the second one is empty.
 *
 * Who asks for sockets counts first, and asks then: by that time it may be one
 * again.  So the heir answers twice for a while longer.  An answer too many
 * does no harm if it is the last one, and so it is late.
 *
 * Who waits for acks asks first and counts at once, and one answer too many is
 * as bad as none: so whoever hears it and has nothing to do with it answers.
 */


#include "cluster/ngx_http_realtime_request.h"


/* the texts behind it */

typedef struct {
    ngx_queue_t        queue;
    ngx_msec_t         due;
    rt_adapter_form_e  form;
    rt_str_t           nsp;
    rt_str_t           to;
    rt_str_t           bytes;
} ngx_http_realtime_late_t;


/* until others have answered, ms */
#define NGX_HTTP_REALTIME_OVERLAP_LATE   1000

/* between counting and asking, ms */
#define NGX_HTTP_REALTIME_OVERLAP_AFTER  1000

/* until the publisher is there, ms */
#define NGX_HTTP_REALTIME_OVERLAP_SOON   50


static ngx_uint_t ngx_http_realtime_overlap_answer(rt_adapter_t *answer,
    const rt_adapter_t *m);
static void ngx_http_realtime_overlap_put(ngx_http_realtime_link_t *link,
    const rt_adapter_t *m, rt_adapter_t *answer);
static void ngx_http_realtime_overlap_handler(ngx_event_t *ev);
static void ngx_http_realtime_overlap_next(ngx_http_realtime_link_t *link);


void
ngx_http_realtime_overlap_init(ngx_http_realtime_link_t *link)
{
    ngx_queue_init(&link->late);

    link->overlap.handler = ngx_http_realtime_overlap_handler;
    link->overlap.data = link;
    link->overlap.log = link->log;
    link->overlap.cancelable = 1;
}


void
ngx_http_realtime_overlap_begin(ngx_http_realtime_link_t *link)
{
    link->inherited = 1;
    link->inherited_at = ngx_current_msec;
}


void
ngx_http_realtime_overlap_request(ngx_http_realtime_link_t *link,
    const rt_adapter_t *m)
{
    ngx_uint_t    acks;
    rt_adapter_t  answer;

    if (!ngx_http_realtime_overlap_answer(&answer, m)) {
        return;
    }

    acks = (answer.type == RT_ADAPTER_CLIENT_COUNT);

    switch (link->state) {

    case NGX_HTTP_REALTIME_LINK_HEIR:
        break;

    case NGX_HTTP_REALTIME_LINK_HOLDER:

        if (link->inherited
            && ngx_current_msec - link->inherited_at
               >= NGX_HTTP_REALTIME_OVERLAP_AFTER)
        {
            link->inherited = 0;
        }

        if (!link->inherited || acks) {
            return;
        }

        break;

    default:

        if (!acks) {
            return;                     /* the heir does */
        }
    }

    ngx_http_realtime_overlap_put(link, m, &answer);
}


/* whether anybody counts on it */

static ngx_uint_t
ngx_http_realtime_overlap_answer(rt_adapter_t *answer, const rt_adapter_t *m)
{
    static const rt_str_t  nothing = rt_string("\x90");

    if (m->form != RT_ADAPTER_REQUEST || m->request_id.len == 0) {
        return 0;
    }

    ngx_memzero(answer, sizeof(rt_adapter_t));

    answer->form = RT_ADAPTER_RESPONSE;
    answer->type = RT_ADAPTER_NO_TYPE;
    answer->request_id = m->request_id;

    switch (m->type) {

    case RT_ADAPTER_ALL_ROOMS:
        answer->rooms = nothing;
        return 1;

    case RT_ADAPTER_SOCKETS:
    case RT_ADAPTER_FETCH:
        answer->sockets = nothing;
        return 1;

    case RT_ADAPTER_SERVER_SIDE_EMIT:
        answer->type = RT_ADAPTER_SERVER_SIDE_EMIT;
        answer->data.bytes = rt_lit("\xc0");
        return 1;

    case RT_ADAPTER_BROADCAST_ASK:
        answer->type = RT_ADAPTER_CLIENT_COUNT;
        return 1;
    }

    return 0;
}


static void
ngx_http_realtime_overlap_put(ngx_http_realtime_link_t *link,
    const rt_adapter_t *m, rt_adapter_t *answer)
{
    ssize_t                    n;
    rt_buf_t                   b;
    const char                *why;
    ngx_http_realtime_late_t  *late;

    n = rt_adapter_encode(NULL, answer, &why);

    if (n < 0 || link->nlate == NGX_HTTP_REALTIME_ANSWERS_MAX) {
        return;
    }

    late = ngx_alloc(sizeof(ngx_http_realtime_late_t) + n + m->nsp.len
                     + m->uid.len, link->log);
    if (late == NULL) {
        return;
    }

    rt_buf_init(&b, late + 1, n + m->nsp.len + m->uid.len);

    late->bytes = rt_str(rt_adapter_encode(&b, answer, &why), b.start);
    late->nsp = rt_str(m->nsp.len, b.pos);
    rt_buf_put(&b, m->nsp);
    late->to = rt_str(m->uid.len, b.pos);
    rt_buf_put(&b, m->uid);

    late->form = m->form;
    late->due = ngx_current_msec;
    link->nlate++;

    if (answer->type == RT_ADAPTER_CLIENT_COUNT) {
        ngx_queue_insert_head(&link->late, &late->queue);

    } else {
        late->due += NGX_HTTP_REALTIME_OVERLAP_LATE;
        ngx_queue_insert_tail(&link->late, &late->queue);
    }

    ngx_http_realtime_overlap_next(link);
}


static void
ngx_http_realtime_overlap_handler(ngx_event_t *ev)
{
    ngx_http_realtime_overlap_next(ev->data);
}


static void
ngx_http_realtime_overlap_next(ngx_http_realtime_link_t *link)
{
    ngx_queue_t               *q;
    ngx_msec_int_t             left;
    ngx_http_realtime_late_t  *late;

    if (link->overlap.timer_set) {
        ngx_del_timer(&link->overlap);
    }

    while (!ngx_queue_empty(&link->late)) {
        q = ngx_queue_head(&link->late);
        late = ngx_queue_data(q, ngx_http_realtime_late_t, queue);
        left = (ngx_msec_int_t) (late->due - ngx_current_msec);

        if (left > 0) {
            ngx_add_timer(&link->overlap, left);
            return;
        }

        if (!ngx_http_realtime_redis_ready(&link->publisher)) {
            ngx_add_timer(&link->overlap, NGX_HTTP_REALTIME_OVERLAP_SOON);
            return;
        }

        link->answers.publish(link->answers.data, late->form, late->nsp,
                              late->to, late->bytes);

        ngx_queue_remove(q);
        ngx_free(late);
        link->nlate--;
    }
}


void
ngx_http_realtime_overlap_free(ngx_http_realtime_link_t *link)
{
    ngx_queue_t  *q;

    if (link->overlap.timer_set) {
        ngx_del_timer(&link->overlap);
    }

    while (!ngx_queue_empty(&link->late)) {
        q = ngx_queue_head(&link->late);
        ngx_queue_remove(q);
        ngx_free(ngx_queue_data(q, ngx_http_realtime_late_t, queue));
    }

    link->nlate = 0;
    link->inherited = 0;
}
