
/*
 * rt_clean_heap.c: the memory of one parse, which is all given back at once.
 */


#include "chat/rt_clean_heap.h"

#include <stdlib.h>


#define RT_CLEAN_ALIGN  16


struct rt_clean_block_s {
    rt_clean_block_t  *next;
    uint64_t           reserved;        /* keeps what follows aligned */
};


void *
rt_clean_alloc(rt_clean_heap_t *heap, size_t size)
{
    size_t             room;
    u_char            *p;
    rt_clean_block_t  *block;

    if (size > RT_CLEAN_MEMORY) {
        heap->spent = 1;
        return NULL;
    }

    size = (size + RT_CLEAN_ALIGN - 1) & ~(size_t) (RT_CLEAN_ALIGN - 1);

    if (heap->blocks == NULL || size > (size_t) (heap->last - heap->pos)) {
        room = (size > RT_CLEAN_BLOCK) ? size : RT_CLEAN_BLOCK;

        if (room > RT_CLEAN_MEMORY - heap->taken) {
            heap->spent = 1;
            return NULL;
        }

        block = calloc(1, sizeof(rt_clean_block_t) + room);

        if (block == NULL) {
            return NULL;
        }

        block->next = heap->blocks;
        heap->blocks = block;
        heap->taken += room;
        heap->pos = (u_char *) block + sizeof(rt_clean_block_t);
        heap->last = heap->pos + room;
    }

    p = heap->pos;
    heap->pos += size;

    return p;
}


void
rt_clean_heap_done(rt_clean_heap_t *heap)
{
    rt_clean_block_t  *block;

    while (heap->blocks) {
        block = heap->blocks;
        heap->blocks = block->next;
        free(block);
    }

    heap->pos = NULL;
    heap->last = NULL;
    heap->taken = 0;
    heap->spent = 0;
}
