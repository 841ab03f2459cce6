
/*
 * rt_limit.h: counts events and says when there are too many.
 *
 * A window of fixed length begins with the first event.  When all its points
 * are taken, what comes is refused until the window ends, or, with a block
 * time, for that long from the first refusal; the next event then begins a
 * new window.  What is refused is not counted and puts nothing off.
 *
 * It knows neither who is counted nor where; calls for the same rt_limit_t
 * are made one at a time.  Whatever a caller that died has left behind in it
 * is over when a window or a block is.
 */


#ifndef _RT_LIMIT_H_INCLUDED_
#define _RT_LIMIT_H_INCLUDED_


#include "base/rt.h"


typedef struct {
    uint32_t  points;               /* events a window; 0: none at all */
    uint32_t  period;               /* ms, not 0 */
    uint32_t  block;                /* ms; 0: until the window ends */
} rt_limit_conf_t;


/* all zeroes is fresh */

typedef struct {
    uint64_t  ends;                 /* of window or block, ms since 1970 */
    uint32_t  count;                /* events of the window */
    uint32_t  blocked;
} rt_limit_t;


/* what is known of the same events where those of others are counted, too */

typedef struct {
    uint64_t  left;                 /* ms, not 0, of window or block */
    uint32_t  count;
    int       blocked;
} rt_limit_news_t;


/*
 * An event at "now", in ms since 1970: RT_OK when it was counted, or RT_BUSY
 * when there are too many: "*wait" is then the time in ms, not 0, after which
 * there is room again.  A clock that was put back makes nobody wait longer
 * than a whole period or block; so does a "conf" with shorter ones.
 */
rt_int_t rt_limit_take(rt_limit_t *l, const rt_limit_conf_t *conf,
    uint64_t now, uint64_t *wait);

/* an event that was counted is not to count */
void rt_limit_give(rt_limit_t *l);

/*
 * It counts at least as many events as others do, until their window ends, or
 * is blocked as long.  A window that ends much later is another one: what was
 * counted before it does not count.
 */
void rt_limit_learn(rt_limit_t *l, const rt_limit_conf_t *conf, uint64_t now,
    const rt_limit_news_t *news);

/*
 * Whether "l" says nothing any more: window and block are over, it may be
 * forgotten.  With a clock that was put back this may come later.
 */
int rt_limit_idle(const rt_limit_t *l, uint64_t now);


#endif /* _RT_LIMIT_H_INCLUDED_ */
