
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
static int rt_time_take(rt_str_t *text, const char *before, int digits,
    unsigned low, unsigned high, unsigned *n);
static int rt_time_zone(rt_str_t text);


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


int
rt_time_valid(rt_str_t text)
{
    unsigned  year, month, day, n, leap;

    static const u_char  days[] = {
        31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31
    };

    if (!rt_time_take(&text, "", 4, 1, 9999, &year)
        || !rt_time_take(&text, "-", 2, 1, 12, &month))
    {
        return 0;
    }

    leap = (month == 2 && year % 4 == 0
            && (year % 100 != 0 || year % 400 == 0));

    if (!rt_time_take(&text, "-", 2, 1, days[month - 1] + leap, &day)
        || !rt_time_take(&text, "T", 2, 0, 23, &n)
        || !rt_time_take(&text, ":", 2, 0, 59, &n)
        || !rt_time_take(&text, ":", 2, 0, 59, &n))
    {
        return 0;
    }

    if (text.len && text.data[0] == '.') {

        if (!rt_time_take(&text, ".", 1, 0, 9, &n)) {
            return 0;
        }

        while (rt_time_take(&text, "", 1, 0, 9, &n)) { /* void */ }
    }

    return rt_time_zone(text);
}


static int
rt_time_zone(rt_str_t text)
{
    unsigned  n;

    if (text.len == 0 || rt_str_eq(text, rt_lit("Z"))) {
        return 1;
    }

    return rt_time_take(&text, text.data[0] == '-' ? "-" : "+", 2, 0, 14, &n)
           && rt_time_take(&text, ":", 2, 0, 59, &n)
           && text.len == 0;
}


/* takes what stands before a number, and the number, if it is in its bounds */

static int
rt_time_take(rt_str_t *text, const char *before, int digits, unsigned low,
    unsigned high, unsigned *n)
{
    size_t         len = strlen(before);
    const u_char  *p = text->data;

    if (text->len < len + (size_t) digits || memcmp(p, before, len) != 0) {
        return 0;
    }

    p += len;

    for (*n = 0; digits; digits--, p++) {

        if (*p < '0' || *p > '9') {
            return 0;
        }

        *n = *n * 10 + (unsigned) (*p - '0');
    }

    text->len -= (size_t) (p - text->data);
    text->data = p;

    return *n >= low && *n <= high;
}
