
/*
 * rt_test.h: TAP for the unit tests of the parts that need no nginx.
 */


#ifndef _RT_TEST_H_INCLUDED_
#define _RT_TEST_H_INCLUDED_


#include "base/rt.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>


static int  rt_test_count, rt_test_failures;


__attribute__((format(printf, 2, 3)))
static inline int
ok(int good, const char *fmt, ...)
{
    va_list  args;

    printf("%sok %d - ", good ? "" : "not ", ++rt_test_count);

    va_start(args, fmt);
    vprintf(fmt, args);
    va_end(args);

    printf("\n");
    rt_test_failures += !good;

    return good;
}


static inline int
is_int(intmax_t got, intmax_t expected, const char *name)
{
    if (ok(got == expected, "%s", name)) {
        return 1;
    }

    printf("#      got: %jd\n# expected: %jd\n", got, expected);

    return 0;
}


static inline int
is_str(rt_str_t got, rt_str_t expected, const char *name)
{
    if (ok(rt_str_eq(got, expected), "%s", name)) {
        return 1;
    }

    printf("#      got: %.*s\n# expected: %.*s\n", (int) got.len,
           got.len ? (const char *) got.data : "", (int) expected.len,
           expected.len ? (const char *) expected.data : "");

    return 0;
}


/* a string in memory of just its size, so that ASan sees one byte too many */

static inline rt_str_t
rt_test_copy(rt_str_t s)
{
    u_char  *p;

    p = malloc(s.len ? s.len : 1);

    if (p == NULL) {
        exit(2);
    }

    if (s.len) {
        memcpy(p, s.data, s.len);
    }

    return rt_str(s.len, p);
}


static inline void
rt_test_free(rt_str_t s)
{
    free((void *) (uintptr_t) s.data);
}


/* numbers that look random, the same in every run */

static inline uint32_t
rt_test_random(uint32_t n)
{
    static uint64_t  state = 0x9e3779b97f4a7c15ULL;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;

    return (uint32_t) (state >> 32) % n;
}


/* the exit status of main() */

static inline int
done_testing(void)
{
    printf("1..%d\n", rt_test_count);

    return rt_test_failures ? 1 : 0;
}


#endif /* _RT_TEST_H_INCLUDED_ */
