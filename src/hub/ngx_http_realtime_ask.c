
#include "hub/ngx_http_realtime_ask.h"
#include "hub/ngx_http_realtime_report.h"

#include "base/rt_json.h"


/* an event that is being sent to those who are meant */

typedef struct {
    ngx_http_realtime_entry_t  *entry;
    rt_str_t                    event;
    rt_str_t                    attachments[RT_SIO_MAX_ATTACHMENTS];
    ngx_uint_t                  n;
    uint64_t                    count;          /* of clients */
} ngx_http_realtime_asking_t;


static void ngx_http_realtime_ask_prepare(ngx_http_realtime_asking_t *a,
    ngx_http_realtime_entry_t *e);
static void ngx_http_realtime_ask_each(void *ctx,
    ngx_http_realtime_socket_t *sk);
static void ngx_http_realtime_ask_told(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_entry_t *e, ngx_http_realtime_reply_e kind,
    uint64_t count);


/* who asked, in 32 bits: an ack may move to another worker */
#define ngx_http_realtime_ask_kind(wid)                                       \
    (NGX_HTTP_REALTIME_ACK_ASK | (wid).slot << 8 | (wid).generation << 16)


_Static_assert(NGX_HTTP_REALTIME_SLOTS <= 256, "a slot takes a byte");


void
ngx_http_realtime_ask(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_entry_t *e)
{
    ngx_http_realtime_asking_t  a;

    if (e->number != NGX_HTTP_REALTIME_ASKED_EVENT) {
        ngx_http_realtime_report(hub, e);
        return;
    }

    ngx_http_realtime_ask_prepare(&a, e);
    ngx_http_realtime_choose(hub, e, ngx_http_realtime_ask_each, &a);
    ngx_http_realtime_ask_told(hub, e, NGX_HTTP_REALTIME_REPLY_LAST, a.count);
}


/* where it came from it was not counted; MORE has nothing but that here */

void
ngx_http_realtime_ask_to(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_entry_t *e, ngx_http_realtime_session_t *s)
{
    ngx_http_realtime_asking_t   a;
    ngx_http_realtime_socket_t  *sk;

    sk = ngx_http_realtime_socket_find(s, e->nsp);

    if (e->number == NGX_HTTP_REALTIME_ASKED_EVENT
        && sk && ngx_http_realtime_chosen(e, sk))
    {
        ngx_http_realtime_ask_prepare(&a, e);
        ngx_http_realtime_ask_each(&a, sk);

        if (a.count) {
            ngx_http_realtime_ask_told(hub, e, NGX_HTTP_REALTIME_REPLY_MORE,
                                       a.count);
        }
    }
}


static void
ngx_http_realtime_ask_prepare(ngx_http_realtime_asking_t *a,
    ngx_http_realtime_entry_t *e)
{
    rt_str_t  list = e->packets;

    a->entry = e;
    a->event = rt_lit("");
    a->n = 0;
    a->count = 0;

    (void) ngx_http_realtime_list_next(&list, &a->event, NULL);

    while (a->n < RT_SIO_MAX_ATTACHMENTS
           && ngx_http_realtime_list_next(&list, &a->attachments[a->n], NULL)
              == NGX_OK)
    {
        a->n++;
    }
}


/* what asks for an ack has no offset, and is not given to anybody later */

static void
ngx_http_realtime_ask_each(void *ctx, ngx_http_realtime_socket_t *sk)
{
    int64_t                      id;
    ngx_http_realtime_session_t  *s = sk->session;
    ngx_http_realtime_asking_t   *a = ctx;

    if (sk->replay || !ngx_http_realtime_session_alive(s)
        || ((a->entry->flags & NGX_HTTP_REALTIME_ENTRY_VOLATILE)
            && !ngx_http_realtime_session_takes(s)))
    {
        return;
    }

    id = ngx_http_realtime_socket_expect_ack(sk,
                                  ngx_http_realtime_ask_kind(a->entry->from),
                                  a->entry->handle);
    if (id < 0) {
        return;                         /* it owes too many already */
    }

    if (ngx_http_realtime_socket_send(sk, &a->event, id, rt_lit(""),
                                      a->attachments, a->n)
        == NGX_OK)
    {
        a->count++;
    }
}


static void
ngx_http_realtime_ask_told(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_entry_t *e, ngx_http_realtime_reply_e kind,
    uint64_t count)
{
    ngx_http_realtime_entry_t  reply;

    ngx_memzero(&reply, sizeof(reply));

    reply.type = NGX_HTTP_REALTIME_ENTRY_REPLY;
    reply.to = e->from;
    reply.handle = e->handle;
    reply.number = ngx_http_realtime_reply(kind, count);

    (void) ngx_http_realtime_bus_append(hub->bus, &reply);
}


/* only the first argument counts */

void
ngx_http_realtime_ask_acked(ngx_http_realtime_hub_t *hub, ngx_uint_t kind,
    uint64_t arg, ngx_http_realtime_packet_t *pkt)
{
    u_char                     *p;
    size_t                      size;
    rt_str_t                    key, value;
    ngx_uint_t                  i;
    rt_json_iter_t              it;
    ngx_http_realtime_slot_t   *slot;
    ngx_http_realtime_entry_t   e;

    ngx_memzero(&e, sizeof(e));

    e.to.slot = (kind >> 8) & 0xff;
    slot = &hub->bus->zone->sh->slot[e.to.slot];
    e.to.generation = slot->generation;

    if (pkt == NULL || (e.to.generation & 0xffff) != kind >> 16) {
        return;
    }

    rt_json_each(&it, pkt->sio.data);

    if (rt_json_next(&it, &key, &value) != RT_OK) {
        value = rt_lit("null");
    }

    size = ngx_http_realtime_list_size(value.len);

    for (i = 0; i < pkt->sio.attachments; i++) {
        size += ngx_http_realtime_list_size(pkt->attachments[i].len);
    }

    p = ngx_http_realtime_scratch(&hub->entry, size, hub->log);
    if (p == NULL) {
        return;
    }

    p = ngx_http_realtime_list_put(p, value, 0);

    for (i = 0; i < pkt->sio.attachments; i++) {
        p = ngx_http_realtime_list_put(p, pkt->attachments[i], 1);
    }

    e.type = NGX_HTTP_REALTIME_ENTRY_REPLY;
    e.handle = arg;
    e.number = ngx_http_realtime_reply(NGX_HTTP_REALTIME_REPLY_ACK, 1);
    e.packets = rt_str(size, hub->entry.data);

    (void) ngx_http_realtime_bus_append(hub->bus, &e);
}
