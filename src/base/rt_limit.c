
/*
 * rt_limit.c: counts events and says when there are too many.
 */


#include "base/rt_limit.h"


rt_int_t
rt_limit_take(rt_limit_t *l, const rt_limit_conf_t *conf, uint64_t now,
    uint64_t *wait)
{
    uint64_t  latest;

    latest = now + (l->blocked ? conf->block : conf->period);

    if (l->ends > latest) {
        l->ends = latest;
    }

    if (l->ends <= now) {
        l->count = 0;
        l->blocked = 0;
        l->ends = now + conf->period;
    }

    if (!l->blocked) {

        if (l->count < conf->points) {
            l->count++;
            return RT_OK;
        }

        if (conf->block) {
            l->ends = now + conf->block;
            l->blocked = 1;
        }
    }

    *wait = l->ends - now;

    return RT_BUSY;
}


void
rt_limit_give(rt_limit_t *l)
{
    if (l->count && !l->blocked) {
        l->count--;
    }
}


void
rt_limit_learn(rt_limit_t *l, const rt_limit_conf_t *conf, uint64_t now,
    const rt_limit_news_t *news)
{
    uint64_t  ends = now + news->left;

    if (news->blocked) {
        l->blocked = 1;

    } else if (l->ends <= now || ends > l->ends + conf->period / 2) {
        l->count = 0;                   /* the others' window is a new one */
        l->blocked = 0;

    } else if (l->blocked) {
        return;                         /* they do not know of it yet */
    }

    if (l->count < news->count) {
        l->count = news->count;
    }

    l->ends = ends;
}


int
rt_limit_idle(const rt_limit_t *l, uint64_t now)
{
    return l->ends <= now;
}
