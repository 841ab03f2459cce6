
/*
 * hist.h: how long things took: a histogram with steps of about 3 per cent.
 */


#ifndef _RT_HIST_H_INCLUDED_
#define _RT_HIST_H_INCLUDED_


#include <stdint.h>


#define RT_HIST_BITS   5            /* of precision */
#define RT_HIST_SLOTS  ((64 - RT_HIST_BITS) << RT_HIST_BITS)


/* all zeroes is an empty histogram */

typedef struct {
    uint64_t  count;
    uint64_t  max;
    uint64_t  slot[RT_HIST_SLOTS];
} rt_hist_t;


void rt_hist_add(rt_hist_t *h, uint64_t value);

/* the value that "percent" of all do not exceed; 0 when there is none */
uint64_t rt_hist_percentile(const rt_hist_t *h, double percent);


#endif /* _RT_HIST_H_INCLUDED_ */
