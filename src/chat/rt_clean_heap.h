
/*
 * rt_clean_heap.h: the memory of one parse, which is all given back at once.
 *
 * Nothing that the parser frees is used again, so that the tree never has to
 * be taken down (gumbo does that with a recursion as deep as the markup).
 * Memory is zeroed: what the parser leaves unset has one value always.
 */


#ifndef _RT_CLEAN_HEAP_H_INCLUDED_
#define _RT_CLEAN_HEAP_H_INCLUDED_


#include "base/rt.h"


#define RT_CLEAN_BLOCK   (64 * 1024)
/* four times what a message of 5000 characters takes */
#define RT_CLEAN_MEMORY  (1024 * 1024)


typedef struct rt_clean_block_s  rt_clean_block_t;


typedef struct {
    rt_clean_block_t  *blocks;
    u_char            *pos;
    u_char            *last;
    size_t             taken;           /* bytes of all blocks */
    int                spent;           /* RT_CLEAN_MEMORY was too little */
} rt_clean_heap_t;


/*
 * Zeroed, aligned for any type.  NULL when it would be more than
 * RT_CLEAN_MEMORY, or the system has no more.
 */
void *rt_clean_alloc(rt_clean_heap_t *heap, size_t size);

/* gives all back; the heap is empty then, and may be used again */
void rt_clean_heap_done(rt_clean_heap_t *heap);


#endif /* _RT_CLEAN_HEAP_H_INCLUDED_ */
