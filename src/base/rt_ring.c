
/*
 * rt_ring.c: the ring of entries that processes share; see rt_ring.h.
 *
 * Before an entry stands a header of 8 bytes: its length and a mark made of
 * its position, so that a position where no entry begins is noticed.  A
 * filler is a header alone, the last one before the end of the memory; it
 * belongs to the entry after it: that entry's position is the filler's.
 */


#include "base/rt_ring.h"


/* a test defines it to end the process at a point of its choice */
#ifndef RT_CRASH_POINT
#define RT_CRASH_POINT()
#endif


#define RT_RING_MIN     4096
#define RT_RING_HEADER  sizeof(uint64_t)
#define RT_RING_FILLER  UINT32_MAX      /* in place of a length */


#define rt_ring_align(n)  (((n) + 7) & ~(uint64_t) 7)


/* an entry as its headers describe it; none of it is to be trusted before */

typedef struct {
    uint64_t       end;                 /* where the next entry begins */
    size_t         len;
    const u_char  *data;
} rt_ring_entry_t;


static rt_int_t rt_ring_entry(rt_ring_t *ring, uint64_t pos, uint64_t head,
    rt_ring_entry_t *entry);
static void rt_ring_make_room(rt_ring_t *ring, uint64_t head, uint64_t end);


static _Atomic uint64_t *
rt_ring_header(rt_ring_t *ring, uint64_t pos)
{
    return (_Atomic uint64_t *) (void *) &ring->data[pos & (ring->size - 1)];
}


static uint64_t
rt_ring_header_value(uint64_t pos, uint32_t len)
{
    return (uint64_t) (uint32_t) (pos >> 3) << 32 | len;
}


rt_ring_t *
rt_ring_init(void *mem, size_t len)
{
    size_t      size;
    rt_ring_t  *ring;

    if (len < offsetof(rt_ring_t, data) + RT_RING_MIN) {
        return NULL;
    }

    len -= offsetof(rt_ring_t, data);
    size = RT_RING_MIN;

    while (size <= len / 2) {
        size *= 2;
    }

    ring = mem;

    ring->size = size;
    atomic_init(&ring->tail, 0);
    atomic_init(&ring->head, 0);

    return ring;
}


u_char *
rt_ring_reserve(rt_ring_t *ring, size_t len)
{
    uint64_t  head, pos, end;

    if (len > rt_ring_max(ring->size) || len >= RT_RING_FILLER) {
        return NULL;
    }

    head = atomic_load_explicit(&ring->head, memory_order_relaxed);

    pos = head;
    end = pos + RT_RING_HEADER + rt_ring_align(len);

    if ((pos ^ (end - 1)) & ~(ring->size - 1)) {

        /* across the end of the memory: begins anew behind a filler */

        pos = (head | (ring->size - 1)) + 1;
        end = pos + RT_RING_HEADER + rt_ring_align(len);
    }

    rt_ring_make_room(ring, head, end);

    if (pos != head) {
        atomic_store_explicit(rt_ring_header(ring, head),
                              rt_ring_header_value(head, RT_RING_FILLER),
                              memory_order_relaxed);
        RT_CRASH_POINT();
    }

    atomic_store_explicit(rt_ring_header(ring, pos),
                          rt_ring_header_value(pos, (uint32_t) len),
                          memory_order_relaxed);
    RT_CRASH_POINT();

    return (u_char *) rt_ring_header(ring, pos) + RT_RING_HEADER;
}


/* moves the tail so far that the bytes up to "end" may be written */

static void
rt_ring_make_room(rt_ring_t *ring, uint64_t head, uint64_t end)
{
    uint64_t         tail;
    rt_ring_entry_t  entry;

    tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);

    if (end - tail <= ring->size) {
        return;
    }

    while (end - tail > ring->size) {

        if (rt_ring_entry(ring, tail, head, &entry) != RT_OK) {

            /* somebody wrote where he should not: give up the old entries */

            tail = head;
            break;
        }

        tail = entry.end;
    }

    atomic_store_explicit(&ring->tail, tail, memory_order_relaxed);
    RT_CRASH_POINT();

    /* who copies a byte that is written from here on sees the new tail */

    atomic_thread_fence(memory_order_release);
}


uint64_t
rt_ring_commit(rt_ring_t *ring)
{
    uint64_t         head;
    rt_ring_entry_t  entry;

    head = atomic_load_explicit(&ring->head, memory_order_relaxed);

    /* the reserved entry ends at most one size behind the head */

    if (rt_ring_entry(ring, head, head + ring->size, &entry) != RT_OK) {
        return head;
    }

    RT_CRASH_POINT();
    atomic_store_explicit(&ring->head, entry.end, memory_order_release);
    RT_CRASH_POINT();

    return head;
}


uint64_t
rt_ring_head(rt_ring_t *ring)
{
    return atomic_load_explicit(&ring->head, memory_order_acquire);
}


uint64_t
rt_ring_tail(rt_ring_t *ring)
{
    return atomic_load_explicit(&ring->tail, memory_order_acquire);
}


/*
 * The entry at "pos", which a writer may be writing over at this moment: only
 * what keeps inside the memory and before "head" is let through.
 */

static rt_int_t
rt_ring_entry(rt_ring_t *ring, uint64_t pos, uint64_t head,
    rt_ring_entry_t *entry)
{
    uint32_t  len;
    uint64_t  header, offset;

    header = atomic_load_explicit(rt_ring_header(ring, pos),
                                  memory_order_relaxed);

    if (header == rt_ring_header_value(pos, RT_RING_FILLER)) {

        pos = (pos | (ring->size - 1)) + 1;
        header = atomic_load_explicit(rt_ring_header(ring, pos),
                                      memory_order_relaxed);
    }

    len = (uint32_t) header;
    offset = (pos & (ring->size - 1)) + RT_RING_HEADER;

    if (header != rt_ring_header_value(pos, len)
        || len > rt_ring_max(ring->size)
        || rt_ring_align((uint64_t) len) > ring->size - offset)
    {
        return RT_ERROR;
    }

    entry->len = len;
    entry->data = ring->data + offset;
    entry->end = pos + RT_RING_HEADER + rt_ring_align((uint64_t) len);

    return entry->end <= head ? RT_OK : RT_ERROR;
}


/* whether the entry at "pos" was still whole when it was last looked at */

static int
rt_ring_is_overtaken(rt_ring_t *ring, uint64_t pos)
{
    atomic_thread_fence(memory_order_acquire);

    return pos < atomic_load_explicit(&ring->tail, memory_order_relaxed);
}


rt_int_t
rt_ring_read(rt_ring_t *ring, uint64_t *pos, u_char *dst, size_t size,
    size_t *len)
{
    rt_int_t         rc;
    uint64_t         head;
    rt_ring_entry_t  entry;

    head = rt_ring_head(ring);

    if (*pos == head) {
        return RT_AGAIN;
    }

    if (*pos > head || (*pos & 7) || rt_ring_is_overtaken(ring, *pos)) {
        return RT_DECLINED;
    }

    rc = rt_ring_entry(ring, *pos, head, &entry);

    if (rc != RT_OK || rt_ring_is_overtaken(ring, *pos)) {
        return RT_DECLINED;
    }

    *len = entry.len;

    if (entry.len > size) {
        return RT_BUSY;
    }

    memcpy(dst, entry.data, entry.len);

    if (rt_ring_is_overtaken(ring, *pos)) {
        return RT_DECLINED;
    }

    *pos = entry.end;

    return RT_OK;
}
