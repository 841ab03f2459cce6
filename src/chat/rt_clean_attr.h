
/*
 * rt_clean_attr.h: which attributes of a cleaned element stay, and how they
 * are written.
 *
 * The rules are DOMPurify's: href with a scheme that is harmless or with
 * none, data-* and aria-* with any value; a value loses the blanks around it.
 * Names and values are valid UTF-8, with their real characters (not the ones
 * of rt_clean_mask.h).
 */


#ifndef _RT_CLEAN_ATTR_H_INCLUDED_
#define _RT_CLEAN_ATTR_H_INCLUDED_


#include "base/rt.h"
#include "base/rt_buf.h"


/*
 * Whether the attribute may stay; its value is then "*kept", a part of
 * "value".
 */
int rt_clean_attr(rt_str_t name, rt_str_t value, rt_str_t *kept);

/* whether a value of href names one of the allowed schemes, or none */
int rt_clean_uri(rt_str_t value);


#endif /* _RT_CLEAN_ATTR_H_INCLUDED_ */
