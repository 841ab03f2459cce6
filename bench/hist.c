
/*
 * hist.c: log-linear histogram: every power of two is cut into 2^BITS steps.
 */


#include "hist.h"


static uint32_t rt_hist_slot(uint64_t value);
static uint64_t rt_hist_value(uint32_t slot);


void
rt_hist_add(rt_hist_t *h, uint64_t value)
{
    h->count++;
    h->slot[rt_hist_slot(value)]++;

    if (value > h->max) {
        h->max = value;
    }
}


uint64_t
rt_hist_percentile(const rt_hist_t *h, double percent)
{
    uint32_t  i;
    uint64_t  want, seen, value;

    if (h->count == 0) {
        return 0;
    }

    want = (uint64_t) ((double) h->count * percent / 100.0 + 0.999);
    seen = 0;

    for (i = 0; i < RT_HIST_SLOTS; i++) {
        seen += h->slot[i];

        if (h->slot[i] && seen >= want) {
            value = rt_hist_value(i);
            return value < h->max ? value : h->max;
        }
    }

    return h->max;
}


/* values below 2^BITS have a slot each; above, the leading BITS + 1 bits */

static uint32_t
rt_hist_slot(uint64_t value)
{
    uint32_t  shift;

    if (value < (1u << RT_HIST_BITS)) {
        return (uint32_t) value;
    }

    shift = 63 - (uint32_t) __builtin_clzll(value) - RT_HIST_BITS;

    return ((shift + 1) << RT_HIST_BITS)
           + (uint32_t) (value >> shift) - (1u << RT_HIST_BITS);
}


/* the largest value that falls into the slot */

static uint64_t
rt_hist_value(uint32_t slot)
{
    uint32_t  shift;
    uint64_t  lead;

    if (slot < (1u << RT_HIST_BITS)) {
        return slot;
    }

    shift = (slot >> RT_HIST_BITS) - 1;
    lead = (slot & ((1u << RT_HIST_BITS) - 1)) + (1u << RT_HIST_BITS);

    return ((lead + 1) << shift) - 1;
}
