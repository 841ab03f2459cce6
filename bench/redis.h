
/*
 * redis.h: what a Redis on this machine says about itself.
 */


#ifndef _RT_REDIS_H_INCLUDED_
#define _RT_REDIS_H_INCLUDED_


#include "base/rt.h"


typedef struct {
    int    fd;
    pid_t  pid;                 /* of redis-server */
} rt_redis_t;


/* commands since it was started, but for those of this connection */

typedef struct {
    uint64_t  publish;
    uint64_t  others;
} rt_redis_calls_t;


/*
 * Connects to redis://:PASSWORD@ADDRESS:PORT.  RT_ERROR, said on stderr,
 * leaves nothing to close.
 */
rt_int_t rt_redis_open(rt_redis_t *r, const char *url);

void rt_redis_close(rt_redis_t *r);

/* RT_ERROR is said on stderr */
rt_int_t rt_redis_calls(rt_redis_t *r, rt_redis_calls_t *calls);

/* nanoseconds of CPU of all its threads */
uint64_t rt_redis_cpu(const rt_redis_t *r);


#endif /* _RT_REDIS_H_INCLUDED_ */
