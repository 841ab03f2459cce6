
/*
 * rt_bench.h: what every mode of rt-bench shares: options, time, failure.
 */


#ifndef _RT_BENCH_H_INCLUDED_
#define _RT_BENCH_H_INCLUDED_


#include "base/rt.h"
#include "token.h"

#include <stdio.h>


#define RT_BENCH_MAX_DIRECTIVES  8
#define RT_BENCH_MAX_WORKERS     32


/* 0 in a number: the mode's own default */

typedef struct {
    const char  *nginx;
    const char  *module;
    const char  *directives[RT_BENCH_MAX_DIRECTIVES];
    uint32_t     ndirectives;
    const char  *only;              /* the one row to measure, or NULL */
    uint32_t     port;              /* of a server that runs already */
    uint32_t     pid;               /* of that server */
    uint32_t     clients;
    uint32_t     workers;
    uint32_t     messages;
    uint32_t     size;              /* characters of a message */
    uint32_t     seconds;
    uint32_t     rate;
    uint32_t     rounds;
    int          verbose;
    int          tokens;            /* clients of idle have them */

    /* set by modes: nginx takes tokens, and has more locations; or NULL */
    const rt_token_keys_t  *keys;

    /* set by modes: more lines for all of it; or NULL */
    const char             *http;
} rt_bench_opts_t;


/* microseconds of a clock that never goes back */
uint64_t rt_bench_now(void);

/* whether there is time left until "deadline", and nobody pressed ^C */
int rt_bench_left(uint64_t deadline);

void rt_bench_sleep(uint32_t msec);

/* says why on stderr; returns RT_ERROR */
rt_int_t rt_bench_fail(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));

/* whether the row "name" is to be measured */
int rt_bench_wanted(const rt_bench_opts_t *o, const char *name);

/* sorts "v" and returns the one in the middle */
double rt_bench_median(double *v, uint32_t n);

/* "a" divided by "b", 0 where "b" is */
double rt_bench_ratio(double a, double b);

/* the same as text, "-" where "b" is 0: it was not measured */
void rt_bench_ratio_text(char *dst, size_t size, double a, double b);

/*
 * The modes: RT_OK, or RT_ERROR when something did not run or a message was
 * lost, repeated or out of order.  Whatever they started has ended then.
 */
rt_int_t rt_bench_idle(const rt_bench_opts_t *o);
rt_int_t rt_bench_fanout(const rt_bench_opts_t *o);
rt_int_t rt_bench_echo(const rt_bench_opts_t *o);
rt_int_t rt_bench_connect(const rt_bench_opts_t *o);
rt_int_t rt_bench_log(const rt_bench_opts_t *o);
rt_int_t rt_bench_redis(const rt_bench_opts_t *o);


#endif /* _RT_BENCH_H_INCLUDED_ */
