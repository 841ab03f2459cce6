
/*
 * rt_ring.h: an append-only ring of entries in memory that processes share:
 * one total order, any number of readers, each with a position of its own.
 *
 * Writers take turns under a lock of the caller.  Readers take no lock and
 * never hold a writer up: a reader that falls behind by more than the ring is
 * told so (RT_DECLINED).  A writer that dies leaves nothing visible: an entry
 * counts from the one store of "head" that follows it.
 *
 * A position is a count of bytes since the ring was made; it never wraps.
 */


#ifndef _RT_RING_H_INCLUDED_
#define _RT_RING_H_INCLUDED_


#include "base/rt.h"

#include <stdatomic.h>


/*
 * At every instant:
 *
 *   - entries lie in [tail, head), 8-byte aligned, none across the end of the
 *     memory: what is left there is covered by a filler
 *   - the bytes of [tail, head) are never written
 *   - tail grows before bytes below it are overwritten, head after bytes
 *     below it are whole
 *   - only the holder of the lock stores either
 */

typedef struct {
    _Alignas(64) _Atomic uint64_t  head;
    _Alignas(64) _Atomic uint64_t  tail;
    uint64_t                       size;        /* of data, a power of two */
    _Alignas(64) u_char            data[];
} rt_ring_t;


/* longest entry that a ring of "size" bytes takes */
#define rt_ring_max(size)  ((size) / 4)


/*
 * Makes a ring of the "len" bytes at "mem" (64-byte aligned): the largest
 * power of two of data that fits.  NULL when that is under 4096 bytes.
 */
rt_ring_t *rt_ring_init(void *mem, size_t len);

/*
 * Under the lock: room for an entry of "len" bytes, 8-byte aligned, to be
 * filled and then committed, or forgotten.  NULL when it is too long.
 */
u_char *rt_ring_reserve(rt_ring_t *ring, size_t len);

/* under the lock: makes the reserved entry visible; its position */
uint64_t rt_ring_commit(rt_ring_t *ring);

/* where the next entry will begin, or one past the newest */
uint64_t rt_ring_head(rt_ring_t *ring);

/* the oldest position that can still be read */
uint64_t rt_ring_tail(rt_ring_t *ring);

/*
 * Copies the entry at "*pos" to "dst" and moves "*pos" behind it.
 *
 *     RT_OK        "*len" bytes are in "dst"
 *     RT_BUSY      "dst" is too small: "*len" is needed, "*pos" stays
 *     RT_AGAIN     "*pos" is the head, nothing more
 *     RT_DECLINED  overtaken: the entry is gone, "*pos" stays
 */
rt_int_t rt_ring_read(rt_ring_t *ring, uint64_t *pos, u_char *dst,
    size_t size, size_t *len);


#endif /* _RT_RING_H_INCLUDED_ */
