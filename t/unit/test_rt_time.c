
/* ISO 8601, with gmtime_r() as the judge */

#include "base/rt_time.h"
#include "rt_test.h"

#include <time.h>


#define DAY   86400000ULL
#define LAST  253402300799999ULL


static int
agrees(uint64_t msec)
{
    char       expected[64];
    u_char     got[RT_TIME_ISO_LEN + 1];
    time_t     t;
    struct tm  tm;

    t = (time_t) (msec / 1000);
    (void) gmtime_r(&t, &tm);

    (void) snprintf(expected, sizeof(expected),
                    "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ!", tm.tm_year + 1900,
                    tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
                    tm.tm_sec, (int) (msec % 1000));

    memset(got, '!', sizeof(got));
    rt_time_iso(got, msec);

    if (memcmp(got, expected, sizeof(got)) == 0) {
        return 1;
    }

    printf("# %s, got %.*s\n", expected, (int) sizeof(got), got);

    return 0;
}


/* what rt_time_iso() writes, what is like it, and what is not */

static void
valid(void)
{
    size_t  i;
    u_char  iso[RT_TIME_ISO_LEN];

    static const char  *good[] = {
        "2026-01-02T03:04:05.678Z", "2026-01-02T03:04:05Z",
        "2026-01-02T03:04:05", "2026-12-31T23:59:59.999999999+14:59",
        "2024-02-29T00:00:00-00:30", "2000-02-29T00:00:00Z",
        "0001-01-01T00:00:00Z"
    };

    static const char  *bad[] = {
        "", "2026", "2026-01-02", "2026-01-02 03:04:05",
        "2026-13-02T03:04:05Z",
        "2026-00-02T03:04:05Z", "2026-01-00T03:04:05Z", "2026-01-32T03:04:05Z",
        "2025-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2026-04-31T00:00:00Z",
        "2026-01-02T24:00:00Z", "2026-01-02T03:60:05Z", "2026-01-02T03:04:60Z",
        "2026-01-02T03:04:05.Z", "2026-01-02T03:04:05z",
        "2026-01-02T03:04:05+1",
        "2026-01-02T03:04:05+01:60", "2026-01-02T03:04:05+15:00",
        "2026-01-02T03:04:05ZZ", "2026-01-02T03:04:05.678 ",
        "0000-01-01T00:00:00Z",
        "-026-01-02T03:04:05Z", "2026-01-02T03:04:05;DROP", "now"
    };

    for (i = 0; i < rt_nitems(good); i++) {
        ok(rt_time_valid(rt_str(strlen(good[i]), good[i])), "%s", good[i]);
    }

    for (i = 0; i < rt_nitems(bad); i++) {
        ok(!rt_time_valid(rt_str(strlen(bad[i]), bad[i])), "%s", bad[i]);
    }

    for (i = 0; i < 1000; i++) {
        rt_time_iso(iso, ((uint64_t) rt_test_random(UINT32_MAX) << 16
                          | rt_test_random(65536)) % LAST);

        if (!rt_time_valid(rt_str(sizeof(iso), iso))) {
            break;
        }
    }

    is_int(i, 1000, "what is written is valid");
}


int
main(void)
{
    int       good;
    u_char    got[RT_TIME_ISO_LEN];
    uint64_t  i, day;

    rt_time_iso(got, 0);
    is_str(rt_str(sizeof(got), got), rt_lit("1970-01-01T00:00:00.000Z"),
           "the epoch");

    rt_time_iso(got, 1767323045678);
    is_str(rt_str(sizeof(got), got), rt_lit("2026-01-02T03:04:05.678Z"),
           "a time of day");

    rt_time_iso(got, 951782400000);
    is_str(rt_str(sizeof(got), got), rt_lit("2000-02-29T00:00:00.000Z"),
           "a leap day");

    good = 1;

    for (day = 0; day <= LAST / DAY && good; day++) {
        good = agrees(day * DAY) && agrees(day * DAY + DAY - 1);
    }

    ok(good, "the first and the last moment of every day until 9999");

    good = 1;

    for (i = 0; i < 100000 && good; i++) {
        good = agrees(((uint64_t) rt_test_random(UINT32_MAX) << 16
                       | rt_test_random(65536)) % LAST);
    }

    ok(good, "many moments");

    rt_time_iso(got, LAST + 1);
    is_str(rt_str(sizeof(got), got), rt_lit("9999-12-31T23:59:59.999Z"),
           "what is later");

    rt_time_iso(got, UINT64_MAX);
    is_str(rt_str(sizeof(got), got), rt_lit("9999-12-31T23:59:59.999Z"),
           "the latest");

    valid();

    return done_testing();
}
