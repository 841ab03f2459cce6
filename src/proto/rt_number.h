
/*
 * rt_number.h: numbers as JavaScript reads and writes them.
 *
 * Whatever the locale.
 */


#ifndef _RT_NUMBER_H_INCLUDED_
#define _RT_NUMBER_H_INCLUDED_


#include "base/rt.h"


/* the longest that is written: "-1.2345678901234567e+308" */
#define RT_NUMBER_LEN  32

/* the largest integer below which none is left out, 2^53 - 1 */
#define RT_NUMBER_MAX_INT  9007199254740991ULL


/*
 * The double that is nearest to a JSON number, as JSON.parse() has it: what is
 * too large is infinite.
 */
double rt_number_parse(rt_str_t text);

/*
 * Writes the finite "d" as Number.prototype.toString() does: the fewest digits
 * that are read as "d" again.  The length, at most RT_NUMBER_LEN.
 */
size_t rt_number_format(u_char *dst, double d);


#endif /* _RT_NUMBER_H_INCLUDED_ */
