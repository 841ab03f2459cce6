
/*
 * rt_invalid.h: what is wrong with a payload, collected for the "details" of
 * a VALIDATION_ERROR: an array of {path, message}.
 */


#ifndef _RT_INVALID_H_INCLUDED_
#define _RT_INVALID_H_INCLUDED_


#include "base/rt.h"
#include "base/rt_buf.h"


#define RT_INVALID_MAX  8


typedef struct {
    const char  *path;
    const char  *message;
} rt_invalid_item_t;


typedef struct {
    rt_invalid_item_t  items[RT_INVALID_MAX];
    rt_uint_t          n;
} rt_invalid_t;


/*
 * Both strings are constants; "path" is "" for the payload as a whole.  What
 * is more than RT_INVALID_MAX is dropped.  "inv" was zeroed by the caller.
 */
void rt_invalid_add(rt_invalid_t *inv, const char *path, const char *message);

/* puts [{"path":...,"message":...},...] */
void rt_invalid_put(const rt_invalid_t *inv, rt_buf_t *b);


#endif /* _RT_INVALID_H_INCLUDED_ */
