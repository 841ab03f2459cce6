
/*
 * rt_number.c: numbers as JavaScript reads and writes them.
 */


#include "proto/rt_number.h"

#include <float.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/rt_buf.h"


/* more digits than any double, or the middle between two, has */
#define RT_NUMBER_DIGITS  800

/* no exponent that fits a packet comes near, and sums stay in an int64_t */
#define RT_NUMBER_EXPONENT  1000000000000LL

/* the bits of a double that are 0 in a power of two */
#define RT_NUMBER_FRACTION  0xfffffffffffffULL


/* digits, with a point before the first of them, and a power of ten */

typedef struct {
    u_char  digits[DBL_DECIMAL_DIG];
    int     n;
    int     exponent;
} rt_number_t;


static int64_t rt_number_exponent(const u_char *p, const u_char *last);
static void rt_number_shortest(rt_number_t *number, double d);
static int rt_number_try(rt_number_t *number, double d, int digits);
static double rt_number_value(const rt_number_t *number);


double
rt_number_parse(rt_str_t text)
{
    int            n, more, fraction;
    char           digits[RT_NUMBER_DIGITS + 32];
    double         d;
    int64_t        exponent;
    const u_char  *p, *last;

    n = 0;
    more = 0;
    fraction = 0;
    exponent = 0;

    p = text.data;
    last = text.len ? p + text.len : p;

    for ( /* void */ ; p != last && (*p | 0x20) != 'e'; p++) {

        if (*p < '0' || *p > '9') {
            fraction |= (*p == '.');
            continue;
        }

        exponent -= fraction;

        if (n == RT_NUMBER_DIGITS) {
            more |= (*p != '0');
            exponent++;

        } else if (n || *p != '0') {
            digits[n++] = (char) *p;
        }
    }

    if (more) {
        digits[n++] = '1';
        exponent--;
    }

    /* without a point, which has another look in other locales */

    exponent += rt_number_exponent(p, last);
    exponent = (exponent > 9999) ? 9999 : exponent;
    exponent = (exponent < -9999) ? -9999 : exponent;

    (void) snprintf(digits + n, 16, "e%d", (int) exponent);
    d = n ? strtod(digits, NULL) : 0.0;

    return (text.len && text.data[0] == '-') ? -d : d;
}


/* "p" is at the letter, or at the end */

static int64_t
rt_number_exponent(const u_char *p, const u_char *last)
{
    int      negative;
    int64_t  n;

    n = 0;
    negative = 0;

    for ( /* void */ ; p != last; p++) {

        if (*p == '-') {
            negative = 1;

        } else if (*p >= '0' && *p <= '9' && n < RT_NUMBER_EXPONENT) {
            n = n * 10 + (*p - '0');
        }
    }

    return negative ? -n : n;
}


size_t
rt_number_format(u_char *dst, double d)
{
    int          i, point;
    rt_buf_t     b;
    rt_number_t  number;

    rt_buf_init(&b, dst, RT_NUMBER_LEN);

    if (d < 0) {
        rt_buf_char(&b, '-');
        d = -d;
    }

    if (d <= (double) RT_NUMBER_MAX_INT && d == (double) (uint64_t) d) {
        rt_buf_u64(&b, (uint64_t) d);
        return (size_t) rt_buf_result(&b);
    }

    rt_number_shortest(&number, d);
    point = number.exponent;

    if (point > 21 || point <= -6) {
        number.exponent = 1;

    } else if (point <= 0) {
        rt_buf_put(&b, rt_str((size_t) (2 - point), "0.00000"));
        number.exponent = number.n;
    }

    for (i = 0; i < number.n || i < number.exponent; i++) {

        if (i == number.exponent) {
            rt_buf_char(&b, '.');
        }

        rt_buf_char(&b, (i < number.n) ? number.digits[i] : '0');
    }

    if (point > 21 || point <= -6) {
        rt_buf_put(&b, (point > 0) ? rt_lit("e+") : rt_lit("e-"));
        rt_buf_u64(&b, (uint64_t) ((point > 0) ? point - 1 : 1 - point));
    }

    return (size_t) rt_buf_result(&b);
}


/*
 * A number that has up to 15 digits is among the first 15 of its double, with
 * zeros behind it; that does not hold of those near zero.
 */

static void
rt_number_shortest(rt_number_t *number, double d)
{
    int  n;

    n = (d < DBL_MIN) ? 1 : DBL_DIG;

    while (!rt_number_try(number, d, n) && n < DBL_DECIMAL_DIG) {
        n++;
    }

    while (number->n > 1 && number->digits[number->n - 1] == '0') {
        number->n--;
    }
}


/*
 * Whether so many digits are enough.  Below a power of two doubles are closer
 * to each other than above: there the nearest digits may be those of another
 * one, and the next ones right.
 */

static int
rt_number_try(rt_number_t *number, double d, int digits)
{
    int       i;
    char      text[64];
    char     *p;
    uint64_t  bits;

    (void) snprintf(text, sizeof(text), "%.*e", digits - 1, d);

    number->n = 0;

    for (p = text; *p && *p != 'e'; p++) {

        if (*p >= '0' && *p <= '9' && number->n < digits) {
            number->digits[number->n++] = (u_char) *p;
        }
    }

    number->exponent = *p ? atoi(p + 1) + 1 : 1;

    if (rt_number_value(number) == d) {
        return 1;
    }

    memcpy(&bits, &d, sizeof(bits));

    if (bits & RT_NUMBER_FRACTION) {
        return 0;
    }

    for (i = number->n - 1; i > 0 && number->digits[i] == '9'; i--) {
        number->digits[i] = '0';
    }

    number->digits[i]++;

    return number->digits[i] <= '9' && rt_number_value(number) == d;
}


static double
rt_number_value(const rt_number_t *number)
{
    char  text[64];

    memcpy(text, number->digits, (size_t) number->n);
    (void) snprintf(text + number->n, 16, "e%d", number->exponent - number->n);

    return strtod(text, NULL);
}
