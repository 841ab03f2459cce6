
/*
 * rt_fuzz.h: what the fuzz targets share.
 *
 * A target checks properties: it aborts where one does not hold.
 */


#ifndef _RT_FUZZ_H_INCLUDED_
#define _RT_FUZZ_H_INCLUDED_


#include "base/rt.h"

#include <stdio.h>
#include <stdlib.h>


#define must(condition)                                                       \
    do {                                                                      \
        if (!(condition)) {                                                   \
            fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__,  \
                    #condition);                                              \
            abort();                                                          \
        }                                                                     \
    } while (0)


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static inline void *
rt_fuzz_alloc(size_t size)
{
    void  *p;

    p = malloc(size ? size : 1);
    must(p != NULL);

    return p;
}


#endif /* _RT_FUZZ_H_INCLUDED_ */
