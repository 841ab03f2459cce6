
/*
 * rt_time.h: points in time as JavaScript writes them.
 */


#ifndef _RT_TIME_H_INCLUDED_
#define _RT_TIME_H_INCLUDED_


#include "base/rt.h"


#define RT_TIME_ISO_LEN  (sizeof("2026-01-02T03:04:05.678Z") - 1)


/*
 * Writes RT_TIME_ISO_LEN characters: "msec" since the epoch in UTC, as
 * Date.prototype.toISOString() does for the years 1970 to 9999; what is later
 * is written as the last moment of 9999.
 */
void rt_time_iso(u_char *dst, uint64_t msec);

/*
 * Whether "text" is a date and time of ISO 8601 with seconds, as toISOString()
 * and its like write it: fraction and zone ("Z" or "+01:30") may be missing.
 * What is 1 is also a timestamp to SQL.
 */
int rt_time_valid(rt_str_t text);


#endif /* _RT_TIME_H_INCLUDED_ */
