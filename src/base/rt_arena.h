
/*
 * rt_arena.h: records of a few fixed sizes in memory that processes share,
 * made so that a process can be killed at any instruction.
 *
 * All calls but rt_arena_at() are made under one lock of the caller.  When a
 * holder of the lock has died, whoever takes it next calls
 * rt_arena_rebuild(): free lists are made anew from the records themselves,
 * and the caller links its own lists and tables anew from what it is shown.
 * For that, a record counts from the store of its type, and no longer from
 * the store of type 0.
 *
 * References are numbers, good in every process; 0 is none.
 */


#ifndef _RT_ARENA_H_INCLUDED_
#define _RT_ARENA_H_INCLUDED_


#include "base/rt.h"


#define RT_ARENA_UNIT   32          /* bytes that a reference counts */
#define RT_ARENA_MAX    1344        /* longest record */


typedef uint32_t  rt_ref_t;


/* the first byte of every record; 0: the record is free or not yet whole */

typedef struct {
    uint8_t  type;
} rt_arena_record_t;


/*
 * At every instant:
 *
 *   - the memory is cut into pages of 4096 bytes; a page is unused or cut
 *     into records of one size (class)
 *   - sizes are RT_ARENA_UNIT times 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 42
 *   - a record is in use, on the free list of its page, or (while the lock
 *     is held, or after a death) neither
 *   - a page without a record in use is there for records of any size; its
 *     class changes only while every record of it, before and after, is of
 *     type 0
 */

typedef struct rt_arena_s  rt_arena_t;


typedef struct {
    size_t  pages;                  /* in all */
    size_t  pages_used;             /* with a record in use */
    size_t  bytes_used;             /* by records in use, rounded to class */
} rt_arena_stat_t;


/* makes an arena of the "len" bytes at "mem" (64-byte aligned), or NULL */
rt_arena_t *rt_arena_init(void *mem, size_t len);

/*
 * A zeroed record of at least "size" bytes, its type still 0; the caller
 * fills it and then stores the type with rt_arena_publish().  0 when the
 * arena is full or "size" over RT_ARENA_MAX.  No call takes longer when
 * there are more records.
 */
#define rt_arena_alloc(a, size)  rt_arena_alloc_keep(a, size, 0)

/* the same, but the last "keep" pages without a record are left so */
rt_ref_t rt_arena_alloc_keep(rt_arena_t *a, size_t size, size_t keep);

/* stores the type (not 0) after everything written to the record before */
void rt_arena_publish(rt_arena_t *a, rt_ref_t ref, uint8_t type);

/* stores type 0, then gives the record back; what is no record is left */
void rt_arena_free(rt_arena_t *a, rt_ref_t ref);

/*
 * The record; NULL for 0 and for a number where no record is now.  One that
 * was freed may be there still, with type 0 or as another one.
 */
void *rt_arena_at(rt_arena_t *a, rt_ref_t ref);

/*
 * After a death: rebuilds the free lists and the statistics; then calls
 * "each" for every record in use, in memory order, "passes" times over (pass
 * counts from 0), so that lists can be emptied in one pass and linked in a
 * later one.  "each" may free the very record it is shown; it allocates none.
 */
void rt_arena_rebuild(rt_arena_t *a, rt_uint_t passes,
    void (*each)(void *ctx, rt_uint_t pass, rt_ref_t ref, void *record),
    void *ctx);

/* calls "each" for every record in use, which it may free */
void rt_arena_walk(rt_arena_t *a,
    void (*each)(void *ctx, rt_uint_t pass, rt_ref_t ref, void *record),
    void *ctx);

void rt_arena_stat(rt_arena_t *a, rt_arena_stat_t *st);


#endif /* _RT_ARENA_H_INCLUDED_ */
