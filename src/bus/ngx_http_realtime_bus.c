
#include "bus/ngx_http_realtime_bus.h"
#include "bus/ngx_http_realtime_wake.h"
#include "shm/ngx_http_realtime_slot.h"


static void ngx_http_realtime_bus_kick_facts(ngx_http_realtime_facts_t *facts);
static ngx_int_t ngx_http_realtime_bus_watch(ngx_http_realtime_bus_t *bus);
static void ngx_http_realtime_bus_wake_handler(ngx_event_t *rev);
static void ngx_http_realtime_bus_drain_handler(ngx_event_t *ev);
static ngx_int_t ngx_http_realtime_bus_sleep(ngx_http_realtime_bus_t *bus);
static ngx_int_t ngx_http_realtime_bus_read(ngx_http_realtime_bus_t *bus,
    uint64_t *pos, ngx_http_realtime_entry_t *e);
static ngx_int_t ngx_http_realtime_bus_grow(ngx_http_realtime_bus_t *bus,
    size_t size);
static void ngx_http_realtime_bus_lagged(ngx_http_realtime_bus_t *bus);


/* entries read in one go, before connections have their turn again */
#define NGX_HTTP_REALTIME_BUS_BATCH  256

#define NGX_HTTP_REALTIME_BUS_BUF    65536


ngx_int_t
ngx_http_realtime_bus_open(ngx_http_realtime_bus_t *bus)
{
    if (ngx_http_realtime_slot_claim(bus->zone,
                                     ngx_http_realtime_wake_slots(),
                                     &bus->self)
        != NGX_OK)
    {
        return NGX_BUSY;
    }

    bus->slot = &bus->zone->sh->slot[bus->self.slot];
    bus->cursor = rt_ring_head(bus->zone->ring);
    atomic_store(&bus->slot->cursor, bus->cursor);
    atomic_store(&bus->slot->saved, bus->cursor);
    bus->pos = bus->cursor;

    bus->drain.handler = ngx_http_realtime_bus_drain_handler;
    bus->drain.data = bus;
    bus->drain.log = bus->log;

    if (ngx_http_realtime_bus_grow(bus, NGX_HTTP_REALTIME_BUS_BUF) != NGX_OK
        || ngx_http_realtime_bus_watch(bus) != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* the first drain puts this worker to sleep properly */

    ngx_post_event(&bus->drain, &ngx_posted_events);

    return NGX_OK;
}


static ngx_int_t
ngx_http_realtime_bus_watch(ngx_http_realtime_bus_t *bus)
{
    ngx_connection_t  *c;

    c = ngx_get_connection(ngx_http_realtime_wake_fd(bus->self.slot),
                           bus->log);
    if (c == NULL) {
        return NGX_ERROR;
    }

    c->data = bus;
    c->log = bus->log;
    c->read->log = bus->log;
    c->write->log = bus->log;
    c->read->handler = ngx_http_realtime_bus_wake_handler;

    /* nobody's connection: it is left open when the worker exits */
    c->read->channel = 1;

    /* and idle, so that nginx tells it about a graceful shutdown */
    c->idle = 1;

    if (ngx_add_event(c->read, NGX_READ_EVENT, NGX_CLEAR_EVENT) != NGX_OK) {
        ngx_free_connection(c);
        return NGX_ERROR;
    }

    bus->wake = c;

    return NGX_OK;
}


static void
ngx_http_realtime_bus_wake_handler(ngx_event_t *rev)
{
    ngx_connection_t         *c = rev->data;
    ngx_http_realtime_bus_t  *bus = c->data;

    if (c->close) {
        c->close = 0;
        c->idle = 0;
        bus->on_exit(bus);
        return;
    }

    ngx_post_event(&bus->drain, &ngx_posted_events);

    if (bus->on_wake) {
        bus->on_wake(bus);
    }
}


ngx_int_t
ngx_http_realtime_bus_append(ngx_http_realtime_bus_t *bus,
    ngx_http_realtime_entry_t *e)
{
    if (ngx_http_realtime_bus_put(bus, e) != NGX_OK) {
        ngx_log_error(NGX_LOG_WARN, bus->log, 0,
                      "realtime: an entry of %uz bytes is too long for the "
                      "log: raise the size of realtime_zone \"%V\"",
                      ngx_http_realtime_entry_size(e),
                      &bus->zone->shm->shm.name);
        return NGX_DECLINED;
    }

    ngx_http_realtime_bus_kick(bus);

    return NGX_OK;
}


ngx_int_t
ngx_http_realtime_bus_put(ngx_http_realtime_bus_t *bus,
    ngx_http_realtime_entry_t *e)
{
    u_char                    *p;
    ngx_http_realtime_zone_t  *z = bus->zone;

    e->from = bus->self;

    ngx_shmtx_lock(&z->log_pool->mutex);

    p = rt_ring_reserve(z->ring, ngx_http_realtime_entry_size(e));

    if (p) {

        /* a gap where one is killed here, but no number twice */

        if (ngx_http_realtime_entry_public(e)) {
            e->number = atomic_fetch_add(&z->sh->cluster.said, 1) + 1;
        }

        ngx_http_realtime_entry_encode(e, p);
        (void) rt_ring_commit(z->ring);
    }

    ngx_shmtx_unlock(&z->log_pool->mutex);

    return p ? NGX_OK : NGX_DECLINED;
}


/*
 * Pairs with ngx_http_realtime_bus_sleep(): either the reader sees the new
 * head, or we see its flag.
 */

void
ngx_http_realtime_bus_kick(ngx_http_realtime_bus_t *bus)
{
    uint32_t                     i, n;
    ngx_http_realtime_shared_t  *sh = bus->zone->sh;

    atomic_thread_fence(memory_order_seq_cst);

    n = sh->slots_used;

    for (i = 0; i < n; i++) {

        if (!atomic_load_explicit(&sh->slot[i].asleep, memory_order_relaxed)
            || !atomic_exchange(&sh->slot[i].asleep, 0))
        {
            continue;
        }

        if (i == bus->self.slot) {
            ngx_post_event(&bus->drain, &ngx_posted_events);

        } else {
            ngx_http_realtime_wake(i);
        }
    }

    ngx_http_realtime_bus_kick_facts(bus->zone->rows);
    ngx_http_realtime_bus_kick_facts(bus->zone->peers);
}


static void
ngx_http_realtime_bus_kick_facts(ngx_http_realtime_facts_t *facts)
{
    ngx_int_t  slot;

    slot = facts ? ngx_http_realtime_facts_wakes(facts) : -1;

    if (slot >= 0) {
        ngx_http_realtime_wake(slot);
    }
}


static void
ngx_http_realtime_bus_drain_handler(ngx_event_t *ev)
{
    ngx_int_t                  rc;
    ngx_uint_t                 n;
    ngx_http_realtime_bus_t   *bus = ev->data;
    ngx_http_realtime_entry_t  e;

    /* connections have to wait where they write more than is read */

    for (n = 0;
         n < NGX_HTTP_REALTIME_BUS_BATCH || ngx_http_realtime_bus_behind(bus);
         n++)
    {

        bus->pos = bus->cursor;
        rc = ngx_http_realtime_bus_read(bus, &bus->cursor, &e);

        if (rc == NGX_OK) {
            bus->on_entry(bus, &e);
            bus->pos = bus->cursor;
            continue;
        }

        if (rc == NGX_DECLINED) {
            ngx_http_realtime_bus_lagged(bus);

        } else if (ngx_http_realtime_bus_sleep(bus) == NGX_OK) {
            return;
        }
    }

    atomic_store_explicit(&bus->slot->cursor, bus->cursor,
                          memory_order_relaxed);

    ngx_post_event(&bus->drain, &ngx_posted_next_events);
}


/* NGX_AGAIN: something came meanwhile */

static ngx_int_t
ngx_http_realtime_bus_sleep(ngx_http_realtime_bus_t *bus)
{
    atomic_store_explicit(&bus->slot->cursor, bus->cursor,
                          memory_order_relaxed);

    atomic_store(&bus->slot->asleep, 1);
    atomic_thread_fence(memory_order_seq_cst);

    if (rt_ring_head(bus->zone->ring) == bus->cursor) {
        return NGX_OK;
    }

    atomic_store(&bus->slot->asleep, 0);

    return NGX_AGAIN;
}


static ngx_int_t
ngx_http_realtime_bus_read(ngx_http_realtime_bus_t *bus, uint64_t *pos,
    ngx_http_realtime_entry_t *e)
{
    size_t     len;
    ngx_int_t  rc;

    rc = rt_ring_read(bus->zone->ring, pos, bus->buf, bus->buf_size, &len);

    if (rc == NGX_BUSY) {
        if (ngx_http_realtime_bus_grow(bus, len) != NGX_OK) {
            return NGX_DECLINED;
        }

        rc = rt_ring_read(bus->zone->ring, pos, bus->buf, bus->buf_size, &len);
    }

    if (rc != NGX_OK) {
        return (rc == NGX_AGAIN) ? NGX_AGAIN : NGX_DECLINED;
    }

    if (ngx_http_realtime_entry_decode(e, rt_str(len, bus->buf)) != NGX_OK) {
        ngx_log_error(NGX_LOG_ALERT, bus->log, 0,
                      "realtime: no entry in the log before %uL", *pos);
        return NGX_DECLINED;
    }

    e->end = *pos;

    return NGX_OK;
}


static ngx_int_t
ngx_http_realtime_bus_grow(ngx_http_realtime_bus_t *bus, size_t size)
{
    u_char  *buf;

    buf = ngx_alloc(size, bus->log);
    if (buf == NULL) {
        return NGX_ERROR;
    }

    if (bus->buf) {
        ngx_free(bus->buf);
    }

    bus->buf = buf;
    bus->buf_size = size;

    return NGX_OK;
}


static void
ngx_http_realtime_bus_lagged(ngx_http_realtime_bus_t *bus)
{
    uint64_t  head;

    head = rt_ring_head(bus->zone->ring);

    ngx_log_error(NGX_LOG_ERR, bus->log, 0,
                  "realtime: this worker was overtaken in the log by %uL "
                  "bytes: its clients have to reconnect; raise the size of "
                  "realtime_zone \"%V\"",
                  head - bus->cursor, &bus->zone->shm->shm.name);

    ngx_http_realtime_count(bus, LAGGED);

    bus->cursor = head;
    bus->on_lag(bus);
}


ngx_int_t
ngx_http_realtime_bus_replay(ngx_http_realtime_bus_t *bus, uint64_t *from,
    uint64_t to,
    ngx_int_t (*each)(void *ctx, ngx_http_realtime_entry_t *e, uint64_t pos),
    void *ctx)
{
    u_char                    *buf = bus->buf;
    size_t                     size = bus->buf_size;
    uint64_t                   pos;
    ngx_int_t                  rc = NGX_OK;
    ngx_http_realtime_entry_t  e;

    /* the entry that made us replay is still in use: read beside it */

    bus->buf = NULL;

    if (ngx_http_realtime_bus_grow(bus, NGX_HTTP_REALTIME_BUS_BUF) != NGX_OK) {
        rc = NGX_DECLINED;
    }

    while (rc == NGX_OK && *from < to) {
        pos = *from;
        rc = ngx_http_realtime_bus_read(bus, from, &e);

        if (rc == NGX_OK && each(ctx, &e, pos) != NGX_OK) {
            break;
        }
    }

    if (bus->buf) {
        ngx_free(bus->buf);
    }

    bus->buf = buf;
    bus->buf_size = size;

    return (rc == NGX_OK || rc == NGX_AGAIN) ? NGX_OK : NGX_DECLINED;
}
