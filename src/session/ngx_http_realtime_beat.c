
#include "session/ngx_http_realtime_beat.h"


static ngx_http_realtime_beat_queue_t *ngx_http_realtime_beat_queue(
    ngx_http_realtime_beats_t *beats, ngx_http_realtime_beat_pt handler,
    ngx_msec_t delay);
static void ngx_http_realtime_beat_timer_handler(ngx_event_t *ev);
static void ngx_http_realtime_beat_expire(ngx_http_realtime_beats_t *beats,
    ngx_http_realtime_beat_queue_t *q);
static void ngx_http_realtime_beat_schedule(ngx_http_realtime_beats_t *beats);


/*
 * Long waits are served up to 1 % early, at most 100 ms, so that a wake-up
 * serves many at once.
 */

#define NGX_HTTP_REALTIME_BEAT_EARLY      100
#define NGX_HTTP_REALTIME_BEAT_EARLY_MAX  100

#define ngx_http_realtime_beat_first(q)                                       \
    ngx_queue_data(ngx_queue_head(&(q)->queue), ngx_http_realtime_beat_t, link)


ngx_int_t
ngx_http_realtime_beat_init(ngx_http_realtime_beats_t *beats,
    ngx_pool_t *pool, void *ctx, ngx_log_t *log)
{
    ngx_memzero(beats, sizeof(ngx_http_realtime_beats_t));

    beats->pool = pool;
    beats->ctx = ctx;

    beats->timer.handler = ngx_http_realtime_beat_timer_handler;
    beats->timer.data = beats;
    beats->timer.log = log;
    beats->timer.cancelable = 1;

    return ngx_array_init(&beats->queues, pool, 8,
                          sizeof(ngx_http_realtime_beat_queue_t *));
}


ngx_int_t
ngx_http_realtime_beat_set(ngx_http_realtime_beats_t *beats,
    ngx_http_realtime_beat_t *beat, ngx_http_realtime_beat_pt handler,
    ngx_msec_t delay, ngx_msec_t from)
{
    ngx_queue_t                     *at;
    ngx_http_realtime_beat_t        *other;
    ngx_http_realtime_beat_queue_t  *q;

    ngx_http_realtime_beat_stop(beat);

    q = ngx_http_realtime_beat_queue(beats, handler, delay);
    if (q == NULL) {
        return NGX_ERROR;
    }

    beat->due = from + delay;

    /* nearly always the last one */

    for (at = ngx_queue_last(&q->queue);
         at != ngx_queue_sentinel(&q->queue);
         at = ngx_queue_prev(at))
    {
        other = ngx_queue_data(at, ngx_http_realtime_beat_t, link);

        if ((ngx_msec_int_t) (beat->due - other->due) >= 0) {
            break;
        }
    }

    ngx_queue_insert_after(at, &beat->link);

    if (ngx_http_realtime_beat_first(q) == beat) {
        ngx_http_realtime_beat_schedule(beats);
    }

    return NGX_OK;
}


void
ngx_http_realtime_beat_stop(ngx_http_realtime_beat_t *beat)
{
    if (ngx_http_realtime_beat_waits(beat)) {
        ngx_queue_remove(&beat->link);
        beat->link.next = NULL;
    }
}


/* a worker has a handful of them */

static ngx_http_realtime_beat_queue_t *
ngx_http_realtime_beat_queue(ngx_http_realtime_beats_t *beats,
    ngx_http_realtime_beat_pt handler, ngx_msec_t delay)
{
    ngx_uint_t                        i;
    ngx_http_realtime_beat_queue_t   *q, **queues;

    queues = beats->queues.elts;

    for (i = 0; i < beats->queues.nelts; i++) {
        if (queues[i]->delay == delay && queues[i]->handler == handler) {
            return queues[i];
        }
    }

    q = ngx_palloc(beats->pool, sizeof(ngx_http_realtime_beat_queue_t));
    queues = ngx_array_push(&beats->queues);

    if (q == NULL || queues == NULL) {
        return NULL;
    }

    ngx_queue_init(&q->queue);
    q->delay = delay;
    q->handler = handler;
    q->early = ngx_min(delay / NGX_HTTP_REALTIME_BEAT_EARLY,
                       NGX_HTTP_REALTIME_BEAT_EARLY_MAX);

    *queues = q;

    return q;
}


static void
ngx_http_realtime_beat_timer_handler(ngx_event_t *ev)
{
    ngx_uint_t                        i;
    ngx_http_realtime_beats_t        *beats = ev->data;
    ngx_http_realtime_beat_queue_t  **queues;

    for (i = 0; i < beats->queues.nelts; i++) {
        queues = beats->queues.elts;
        ngx_http_realtime_beat_expire(beats, queues[i]);
    }

    ngx_http_realtime_beat_schedule(beats);
}


static void
ngx_http_realtime_beat_expire(ngx_http_realtime_beats_t *beats,
    ngx_http_realtime_beat_queue_t *q)
{
    ngx_msec_t                 early = 0;
    ngx_http_realtime_beat_t  *beat;

    while (!ngx_queue_empty(&q->queue)) {

        beat = ngx_http_realtime_beat_first(q);

        if ((ngx_msec_int_t) (beat->due - ngx_current_msec)
            > (ngx_msec_int_t) early)
        {
            return;
        }

        /* the first one is on time, those close behind come along */

        early = q->early;

        ngx_http_realtime_beat_stop(beat);
        q->handler(beats->ctx, beat);
    }
}


static void
ngx_http_realtime_beat_schedule(ngx_http_realtime_beats_t *beats)
{
    ngx_uint_t                        i;
    ngx_msec_t                        due = 0;
    ngx_msec_int_t                    delay;
    ngx_http_realtime_beat_t         *beat, *next = NULL;
    ngx_http_realtime_beat_queue_t  **queues = beats->queues.elts;

    for (i = 0; i < beats->queues.nelts; i++) {

        if (ngx_queue_empty(&queues[i]->queue)) {
            continue;
        }

        beat = ngx_http_realtime_beat_first(queues[i]);

        if (next == NULL || (ngx_msec_int_t) (beat->due - due) < 0) {
            next = beat;
            due = beat->due;
        }
    }

    if (beats->timer.timer_set) {

        if (next && beats->timer.timer.key == due) {
            return;
        }

        /* nginx would keep a timer that differs by less than 300 ms */

        ngx_del_timer(&beats->timer);
    }

    if (next) {
        delay = (ngx_msec_int_t) (due - ngx_current_msec);
        ngx_add_timer(&beats->timer, delay > 0 ? (ngx_msec_t) delay : 0);
    }
}
