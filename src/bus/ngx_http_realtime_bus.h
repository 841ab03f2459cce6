
/*
 * ngx_http_realtime_bus.h: this worker's end of the log.
 *
 * Whoever has something for others appends it; every worker, the writer
 * included, reads the log from its own cursor and hands each entry to
 * "on_entry".  Knows nothing of what entries mean.
 */


#ifndef _NGX_HTTP_REALTIME_BUS_H_INCLUDED_
#define _NGX_HTTP_REALTIME_BUS_H_INCLUDED_


#include "bus/ngx_http_realtime_entry.h"
#include "bus/ngx_http_realtime_waiter.h"


typedef struct ngx_http_realtime_bus_s  ngx_http_realtime_bus_t;

/* bus->pos is where the entry begins in the log */
typedef void (*ngx_http_realtime_entry_pt)(ngx_http_realtime_bus_t *bus,
    ngx_http_realtime_entry_t *e);

/* this worker was overtaken: entries are lost to it */
typedef void (*ngx_http_realtime_lag_pt)(ngx_http_realtime_bus_t *bus);


struct ngx_http_realtime_bus_s {
    ngx_http_realtime_zone_t    *zone;
    ngx_http_realtime_wid_t      self;
    ngx_http_realtime_slot_t    *slot;
    ngx_log_t                   *log;
    ngx_http_realtime_waiters_t  waiters;

    uint64_t                     cursor;    /* behind the entry being read */
    ngx_event_t                  drain;
    ngx_connection_t            *wake;      /* the eventfd of the slot */
    u_char                      *buf;       /* the entry being read */
    size_t                       buf_size;
    uint64_t                     pos;       /* where it begins; between two
                                               entries the cursor */

    ngx_http_realtime_entry_pt   on_entry;
    ngx_http_realtime_lag_pt     on_lag;
    void                       (*on_exit)(ngx_http_realtime_bus_t *bus);
    void                       (*on_wake)(ngx_http_realtime_bus_t *bus);
    void                        *data;      /* of whoever set the pointers */
};


/*
 * Takes a slot and starts to read at the head of the log.  The caller has
 * zeroed "bus" and set zone, log and the pointers.  "on_exit" is called once,
 * when nginx begins a graceful shutdown of this worker, "on_wake" (or NULL)
 * with every wake-up, also those that are not for the log.  NGX_BUSY: all
 * slots are taken for now.
 */
ngx_int_t ngx_http_realtime_bus_open(ngx_http_realtime_bus_t *bus);

/*
 * Appends an entry ("from" is set here) and wakes whoever sleeps.
 * NGX_DECLINED if it is too long for the log; what was too long is logged.
 */
ngx_int_t ngx_http_realtime_bus_append(ngx_http_realtime_bus_t *bus,
    ngx_http_realtime_entry_t *e);

/*
 * The same in two steps, for who holds the state mutex: put appends, and says
 * nothing of what is too long; kick wakes the sleepers, after the mutex was
 * given back, and those who pass facts on (shm/~facts) with
 * them.
 */
ngx_int_t ngx_http_realtime_bus_put(ngx_http_realtime_bus_t *bus,
    ngx_http_realtime_entry_t *e);
void ngx_http_realtime_bus_kick(ngx_http_realtime_bus_t *bus);

/* one past the newest entry */
#define ngx_http_realtime_bus_head(bus)  rt_ring_head((bus)->zone->ring)

/*
 * Calls "each" for the entries in [*from, to), beside the reading that may be
 * going on, until it answers something else than NGX_OK; "*from" is then
 * behind the last one.  NGX_DECLINED when the log has been overwritten there.
 */
ngx_int_t ngx_http_realtime_bus_replay(ngx_http_realtime_bus_t *bus,
    uint64_t *from, uint64_t to,
    ngx_int_t (*each)(void *ctx, ngx_http_realtime_entry_t *e, uint64_t pos),
    void *ctx);

/*
 * This worker has much to read.  Whoever has many announcements to make should
 * let it read first, and the others with it: nobody waits for a reader that
 * falls behind.
 */
#define ngx_http_realtime_bus_behind(bus)                                     \
    (ngx_http_realtime_bus_head(bus) - (bus)->cursor                          \
     > (bus)->zone->ring->size / 8)

/* "wid" is this worker */
#define ngx_http_realtime_bus_is_self(bus, wid)                               \
    ((wid).slot == (bus)->self.slot                                           \
     && (wid).generation == (bus)->self.generation)

/* adds to a figure of this worker */
#define ngx_http_realtime_count(bus, name)                                    \
    (bus)->slot->counters[NGX_HTTP_REALTIME_N_##name]++


#endif /* _NGX_HTTP_REALTIME_BUS_H_INCLUDED_ */
