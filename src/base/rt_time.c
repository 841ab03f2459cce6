
/*
 * rt_time.c: points in time as JavaScript writes them.
 */


#include "base/rt_time.h"


#define RT_TIME_DAY   86400000ULL

/* 9999-12-31T23:59:59.999Z */
#define RT_TIME_LAST  253402300799999ULL

/* days from 0000-03-01, where a year with its leap day at the end begins */
#define RT_TIME_EPOCH_DAY  719468

#define RT_TIME_DAYS_400  146097
#define RT_TIME_DAYS_100  36524
#define RT_TIME_DAYS_4    1461


static u_char *rt_time_digits(u_char *p, unsigned n, int digits);


void
rt_time_iso(u_char *dst, uint64_t msec)
{
    u_char    *p;
    unsigned   day, year, era, month, ms;

    if (msec > RT_TIME_LAST) {
        msec = RT_TIME_LAST;
    }

    day = (unsigned) (msec / RT_TIME_DAY) + RT_TIME_EPOCH_DAY;
    ms = (unsigned) (msec % RT_TIME_DAY);

    era = day / RT_TIME_DAYS_400;
    day %= RT_TIME_DAYS_400;

    /* the year in its era: leap days that have passed do not count */

    year = (day - day / (RT_TIME_DAYS_4 - 1) + day / RT_TIME_DAYS_100
            - day / (RT_TIME_DAYS_400 - 1)) / 365;

    day -= 365 * year + year / 4 - year / 100;
    year += 400 * era;

    /* from March on, months have 31 30 31 30 31 days, over and over */

    month = (5 * day + 2) / 153;
    day -= (153 * month + 2) / 5;

    if (month < 10) {
        month += 3;

    } else {
        month -= 9;
        year++;
    }

    p = rt_time_digits(dst, year, 4);
    *p++ = '-';
    p = rt_time_digits(p, month, 2);
    *p++ = '-';
    p = rt_time_digits(p, day + 1, 2);
    *p++ = 'T';
    p = rt_time_digits(p, ms / 3600000, 2);
    *p++ = ':';
    p = rt_time_digits(p, ms / 60000 % 60, 2);
    *p++ = ':';
    p = rt_time_digits(p, ms / 1000 % 60, 2);
    *p++ = '.';
    p = rt_time_digits(p, ms % 1000, 3);
    *p = 'Z';
}


static u_char *
rt_time_digits(u_char *p, unsigned n, int digits)
{
    int  i;

    for (i = digits - 1; i >= 0; i--) {
        p[i] = (u_char) ('0' + n % 10);
        n /= 10;
    }

    return p + digits;
}
