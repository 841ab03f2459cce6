
/*
 * A request that has been asked of all workers, and waits for what they say.
 */


#include "cluster/ngx_http_realtime_answer.h"


typedef struct {
    ngx_http_realtime_waiter_t    waiter;       /* first; as nobody else owns
                                                   it, it only ends when this
                                                   worker is overtaken */
    ngx_queue_t                   queue;        /* answers->requests */
    ngx_http_realtime_answers_t  *answers;
    ngx_event_t                   timer;
    ngx_msec_t                    until;
    uint32_t                     *workers;      /* generation by slot, of those
                                                   who have not answered */
    uint32_t                      slots;
    uint32_t                      left;         /* of these */
    uint64_t                      count;        /* of clients or values */
    ngx_http_realtime_scratch_t   values;       /* behind room for a head */
    size_t                        len;
    rt_adapter_form_e             form;
    uint8_t                       asked;
    unsigned                      counted:1;    /* the count was published */
    unsigned                      failed:1;
    unsigned                      old:1;        /* only whether there is one */
    rt_str_t                      id;           /* all behind the struct */
    rt_str_t                      uid;
    rt_str_t                      nsp;
} ngx_http_realtime_request_t;


static ngx_http_realtime_request_t *ngx_http_realtime_answer_new(
    ngx_http_realtime_answers_t *a, const rt_adapter_t *m,
    ngx_http_realtime_entry_t *e);
static ngx_int_t ngx_http_realtime_answer_wait(
    ngx_http_realtime_request_t *rq);
static ngx_int_t ngx_http_realtime_answer_ask(
    ngx_http_realtime_request_t *rq, ngx_http_realtime_entry_t *e);
static void ngx_http_realtime_answer_worker(ngx_http_realtime_request_t *rq,
    uint32_t slot);
static void ngx_http_realtime_answer_values(ngx_http_realtime_request_t *rq,
    ngx_http_realtime_entry_t *e);
static void ngx_http_realtime_answer_complete(
    ngx_http_realtime_request_t *rq);
static void ngx_http_realtime_answer_sockets(ngx_http_realtime_request_t *rq);
static void ngx_http_realtime_answer_count(ngx_http_realtime_request_t *rq);
static void ngx_http_realtime_answer_ack(ngx_http_realtime_request_t *rq,
    rt_str_t packets);
static void ngx_http_realtime_answer_publish(ngx_http_realtime_request_t *rq,
    rt_adapter_t *m);
static void ngx_http_realtime_answer_timer(ngx_event_t *ev);
static void ngx_http_realtime_answer_overtaken(ngx_http_realtime_waiter_t *w,
    ngx_http_realtime_entry_t *e);
static void ngx_http_realtime_answer_free(ngx_http_realtime_request_t *rq);


/* how long workers may take to count, and to say who is there; ms */
#define NGX_HTTP_REALTIME_ANSWER_COUNT    1000
#define NGX_HTTP_REALTIME_ANSWER_REPORT   3000

/* how long acks are passed on where nothing is said of it, and at most; ms */
#define NGX_HTTP_REALTIME_ANSWER_DEFAULT  5000
#define NGX_HTTP_REALTIME_ANSWER_LONGEST  300000

/* what is collected for one response, bytes of msgpack */
#define NGX_HTTP_REALTIME_ANSWER_VALUES   (64 * 1024 * 1024)


void
ngx_http_realtime_answers_init(ngx_http_realtime_answers_t *a)
{
    ngx_queue_init(&a->requests);
}


ngx_int_t
ngx_http_realtime_answer_begin(ngx_http_realtime_answers_t *a,
    const rt_adapter_t *m, ngx_http_realtime_entry_t *e, const char **why)
{
    ngx_msec_t                    wait;
    ngx_http_realtime_request_t  *rq;

    if (a->n >= NGX_HTTP_REALTIME_ANSWERS_MAX) {
        *why = "too many requests are under way";
        return NGX_DECLINED;
    }

    rq = ngx_http_realtime_answer_new(a, m, e);
    if (rq == NULL) {
        return NGX_ERROR;
    }

    if (ngx_http_realtime_answer_wait(rq) != NGX_OK) {
        ngx_free(rq);
        return NGX_ERROR;
    }

    wait = NGX_HTTP_REALTIME_ANSWER_REPORT;

    if (rq->asked == NGX_HTTP_REALTIME_ASKED_EVENT) {
        rq->until += m->opts.has_timeout
                     ? ngx_min(m->opts.timeout,
                               NGX_HTTP_REALTIME_ANSWER_LONGEST)
                     : NGX_HTTP_REALTIME_ANSWER_DEFAULT;
        wait = NGX_HTTP_REALTIME_ANSWER_COUNT;
    }

    ngx_add_timer(&rq->timer, wait);

    e->handle = rq->waiter.handle;

    if (ngx_http_realtime_answer_ask(rq, e) != NGX_OK) {
        ngx_http_realtime_answer_free(rq);
        *why = "the request is too long for the log";
        return NGX_DECLINED;
    }

    return NGX_OK;
}


static ngx_http_realtime_request_t *
ngx_http_realtime_answer_new(ngx_http_realtime_answers_t *a,
    const rt_adapter_t *m, ngx_http_realtime_entry_t *e)
{
    size_t                        workers;
    u_char                       *p;
    uint32_t                      slots = a->hub->bus->zone->sh->slots_used;
    ngx_http_realtime_request_t  *rq;

    /* more may come, up to the end of the array */

    slots = ngx_min(slots + 16, NGX_HTTP_REALTIME_SLOTS);
    workers = slots * sizeof(uint32_t);

    rq = ngx_calloc(sizeof(ngx_http_realtime_request_t) + workers
                    + m->request_id.len + m->uid.len + e->nsp.len,
                    a->hub->log);
    if (rq == NULL) {
        return NULL;
    }

    rq->answers = a;
    rq->workers = (uint32_t *) (rq + 1);
    rq->slots = slots;

    p = (u_char *) rq->workers + workers;

    rq->id = rt_str(m->request_id.len, p);
    p = ngx_cpymem(p, m->request_id.data, m->request_id.len);
    rq->uid = rt_str(m->uid.len, p);

    if (m->uid.len) {
        p = ngx_cpymem(p, m->uid.data, m->uid.len);
    }

    rq->nsp = rt_str(e->nsp.len, p);
    ngx_memcpy(p, e->nsp.data, e->nsp.len);

    rq->form = m->form;
    rq->asked = e->number;
    rq->old = (m->sid.len != 0);
    rq->until = ngx_current_msec;
    rq->len = RT_MSGPACK_HEAD;

    rq->timer.handler = ngx_http_realtime_answer_timer;
    rq->timer.data = rq;
    rq->timer.log = a->hub->log;
    rq->timer.cancelable = 1;

    return rq;
}


static ngx_int_t
ngx_http_realtime_answer_wait(ngx_http_realtime_request_t *rq)
{
    ngx_http_realtime_answers_t  *a = rq->answers;

    rq->waiter.owner = a->hub->bus->self;
    rq->waiter.since = ngx_http_realtime_bus_head(a->hub->bus);
    rq->waiter.answer = ngx_http_realtime_answer_overtaken;

    if (ngx_http_realtime_waiter_add(&a->hub->bus->waiters, &rq->waiter,
                                     a->hub->log)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_queue_insert_tail(&a->requests, &rq->queue);
    a->n++;

    return NGX_OK;
}


/* those who have a slot when it is said read it, sooner or later */

static ngx_int_t
ngx_http_realtime_answer_ask(ngx_http_realtime_request_t *rq,
    ngx_http_realtime_entry_t *e)
{
    uint32_t                   i;
    ngx_int_t                  rc;
    ngx_http_realtime_bus_t   *bus = rq->answers->hub->bus;
    ngx_http_realtime_slot_t  *slot = bus->zone->sh->slot;

    e->type = NGX_HTTP_REALTIME_ENTRY_ASK;

    ngx_http_realtime_zone_lock(bus->zone);

    for (i = 0; i < ngx_min(rq->slots, bus->zone->sh->slots_used); i++) {
        if (atomic_load(&slot[i].pid)) {
            rq->workers[i] = slot[i].generation;
            rq->left++;
        }
    }

    rc = ngx_http_realtime_bus_put(bus, e);

    ngx_http_realtime_zone_unlock(bus->zone);
    ngx_http_realtime_bus_kick(bus);

    return rc;
}


void
ngx_http_realtime_answer_reply(ngx_http_realtime_bus_t *bus,
    ngx_http_realtime_entry_t *e)
{
    ngx_http_realtime_waiter_t   *w;
    ngx_http_realtime_request_t  *rq;

    w = ngx_http_realtime_waiter_find(&bus->waiters, e->handle);

    if (w == NULL || w->answer != ngx_http_realtime_answer_overtaken) {
        return;                         /* too late */
    }

    rq = (ngx_http_realtime_request_t *) w;

    switch (ngx_http_realtime_reply_kind(e)) {

    case NGX_HTTP_REALTIME_REPLY_ACK:
        ngx_http_realtime_answer_ack(rq, e->packets);
        return;

    case NGX_HTTP_REALTIME_REPLY_FAILED:
        rq->failed = 1;
        break;

    default:
        ngx_http_realtime_answer_values(rq, e);
    }

    if (ngx_http_realtime_reply_kind(e) != NGX_HTTP_REALTIME_REPLY_MORE
        && e->from.slot < rq->slots
        && rq->workers[e->from.slot] == e->from.generation)
    {
        ngx_http_realtime_answer_worker(rq, e->from.slot);
    }
}


void
ngx_http_realtime_answer_gone(ngx_http_realtime_answers_t *a,
    ngx_http_realtime_wid_t gone)
{
    ngx_queue_t                  *q, *next;
    ngx_http_realtime_request_t  *rq;

    if (a->n == 0) {
        return;                         /* it may not even be initialized */
    }

    for (q = ngx_queue_head(&a->requests);
         q != ngx_queue_sentinel(&a->requests);
         q = next)
    {
        next = ngx_queue_next(q);
        rq = ngx_queue_data(q, ngx_http_realtime_request_t, queue);

        if (gone.slot < rq->slots && rq->workers[gone.slot]
            && rq->workers[gone.slot] < gone.generation)
        {
            ngx_http_realtime_answer_worker(rq, gone.slot);
        }
    }
}


/* that worker has said all; "rq" may be gone */

static void
ngx_http_realtime_answer_worker(ngx_http_realtime_request_t *rq, uint32_t slot)
{
    rq->workers[slot] = 0;

    if (--rq->left == 0 && !rq->counted) {
        ngx_http_realtime_answer_complete(rq);
    }
}


static void
ngx_http_realtime_answer_values(ngx_http_realtime_request_t *rq,
    ngx_http_realtime_entry_t *e)
{
    size_t   len = rq->len + e->packets.len;
    u_char  *p;

    rq->count += ngx_http_realtime_reply_count(e);

    if (e->packets.len == 0 || rq->failed) {
        return;
    }

    p = (len > NGX_HTTP_REALTIME_ANSWER_VALUES)
        ? NULL
        : ngx_http_realtime_scratch(&rq->values, len, rq->answers->hub->log);

    if (p == NULL) {
        rq->failed = 1;
        return;
    }

    ngx_memcpy(p + rq->len, e->packets.data, e->packets.len);
    rq->len = len;
}


/* all have answered, or had the time for it; "rq" may be gone */

static void
ngx_http_realtime_answer_complete(ngx_http_realtime_request_t *rq)
{
    ngx_msec_int_t  left;

    if (rq->asked == NGX_HTTP_REALTIME_ASKED_EVENT) {

        ngx_http_realtime_answer_count(rq);

        left = (ngx_msec_int_t) (rq->until - ngx_current_msec);

        if (left > 0 && rq->count) {
            ngx_add_timer(&rq->timer, left);
            return;
        }

    } else if (rq->failed) {
        ngx_log_error(NGX_LOG_WARN, rq->answers->hub->log, 0,
                      "realtime: what another server asks of this host's "
                      "sockets is too much to be said: it gets no answer");

    } else {
        ngx_http_realtime_answer_sockets(rq);
    }

    ngx_http_realtime_answer_free(rq);
}


static void
ngx_http_realtime_answer_sockets(ngx_http_realtime_request_t *rq)
{
    size_t        n;
    u_char        head[RT_MSGPACK_HEAD], *p;
    rt_buf_t      b;
    rt_str_t      list;
    rt_adapter_t  m;

    if (rq->old && rq->count == 0) {
        return;
    }

    p = ngx_http_realtime_scratch(&rq->values, rq->len,
                                  rq->answers->hub->log);
    if (p == NULL) {
        return;
    }

    rt_buf_init(&b, head, sizeof(head));
    rt_msgpack_put_array(&b, rq->count);

    n = rt_buf_str(&b).len;
    p += RT_MSGPACK_HEAD - n;
    ngx_memcpy(p, head, n);

    list = rt_str(rq->len - RT_MSGPACK_HEAD + n, p);

    ngx_memzero(&m, sizeof(m));

    m.type = (rq->form == RT_ADAPTER_SHARDED) ? (int) RT_SHARDED_FETCH_RESPONSE
                                              : (int) RT_ADAPTER_NO_TYPE;

    if (rq->old) {
        /* the id alone */

    } else if (rq->asked == NGX_HTTP_REALTIME_ASKED_ROOMS) {
        m.rooms = list;

    } else {
        m.sockets = list;
    }

    ngx_http_realtime_answer_publish(rq, &m);
}


static void
ngx_http_realtime_answer_count(ngx_http_realtime_request_t *rq)
{
    rt_adapter_t  m;

    rq->counted = 1;

    ngx_memzero(&m, sizeof(m));

    m.type = (rq->form == RT_ADAPTER_SHARDED) ? (int) RT_SHARDED_CLIENT_COUNT
                                              : (int) RT_ADAPTER_CLIENT_COUNT;
    m.client_count = rq->count;

    ngx_http_realtime_answer_publish(rq, &m);
}


/* what a client says before all are counted is told at once, as Node does */

static void
ngx_http_realtime_answer_ack(ngx_http_realtime_request_t *rq, rt_str_t packets)
{
    rt_str_t      attachments[RT_SIO_MAX_ATTACHMENTS];
    rt_adapter_t  m;

    ngx_memzero(&m, sizeof(m));

    m.type = (rq->form == RT_ADAPTER_SHARDED) ? (int) RT_SHARDED_CLIENT_ACK
                                              : (int) RT_ADAPTER_CLIENT_ACK;

    if (ngx_http_realtime_list_next(&packets, &m.data.bytes, NULL) != NGX_OK) {
        return;
    }

    while (m.data.count < RT_SIO_MAX_ATTACHMENTS
           && ngx_http_realtime_list_next(&packets,
                                          &attachments[m.data.count], NULL)
              == NGX_OK)
    {
        m.data.count++;
    }

    m.data.json = 1;
    m.data.attachments = attachments;

    ngx_http_realtime_answer_publish(rq, &m);
}


static void
ngx_http_realtime_answer_publish(ngx_http_realtime_request_t *rq,
    rt_adapter_t *m)
{
    ssize_t                       n;
    rt_buf_t                      b;
    const char                   *why = NULL;
    ngx_http_realtime_answers_t  *a = rq->answers;

    m->form = (rq->form == RT_ADAPTER_SHARDED) ? RT_ADAPTER_SHARDED
                                               : RT_ADAPTER_RESPONSE;
    m->uid = a->uid;
    m->nsp = rq->nsp;
    m->request_id = rq->id;

    n = rt_adapter_encode(NULL, m, &why);

    if (n > 0
        && ngx_http_realtime_scratch(&a->bytes, n, a->hub->log) != NULL)
    {
        rt_buf_init(&b, a->bytes.data, n);
        n = rt_adapter_encode(&b, m, &why);

        if (n > 0) {
            a->publish(a->data, rq->form, rq->nsp, rq->uid,
                       rt_str(n, a->bytes.data));
            ngx_http_realtime_scratch_trim(&a->bytes);
            return;
        }
    }

    ngx_log_error(NGX_LOG_WARN, a->hub->log, 0,
                  "realtime: an answer to another server cannot be told: %s",
                  why ? why : "no memory is left");
}


static void
ngx_http_realtime_answer_timer(ngx_event_t *ev)
{
    ngx_http_realtime_request_t  *rq = ev->data;

    if (rq->counted) {
        ngx_http_realtime_answer_free(rq);

    } else {
        ngx_http_realtime_answer_complete(rq);
    }
}


/* answers may be among what was lost: what there is goes out */

static void
ngx_http_realtime_answer_overtaken(ngx_http_realtime_waiter_t *w,
    ngx_http_realtime_entry_t *e)
{
    ngx_http_realtime_request_t  *rq = (ngx_http_realtime_request_t *) w;

    if (!rq->counted) {
        rq->until = ngx_current_msec;
        ngx_http_realtime_answer_complete(rq);

    } else {
        ngx_http_realtime_answer_free(rq);
    }
}


static void
ngx_http_realtime_answer_free(ngx_http_realtime_request_t *rq)
{
    ngx_http_realtime_answers_t  *a = rq->answers;

    if (rq->timer.timer_set) {
        ngx_del_timer(&rq->timer);
    }

    ngx_http_realtime_waiter_remove(&a->hub->bus->waiters, &rq->waiter);
    ngx_queue_remove(&rq->queue);
    a->n--;

    if (rq->values.data) {
        ngx_free(rq->values.data);
    }

    ngx_free(rq);
}
