
/*
 * rt_clean.h: makes what a member wrote safe to put into a page.
 *
 * The text is read as a browser reads HTML, and written anew: text, and the
 * elements b, i, em, strong and a with their href, data-*, aria-* and (empty)
 * is attributes.  The outcome is what DOMPurify 3 gives for it with
 *
 *     ALLOWED_TAGS: ['b', 'i', 'em', 'strong', 'a'], ALLOWED_ATTR: ['href']
 *
 * It does not know JSON, nor how long a message may be.  The memory that the
 * parser needs (see rt_clean_heap.h) is got and given back within the call.
 */


#ifndef _RT_CLEAN_H_INCLUDED_
#define _RT_CLEAN_H_INCLUDED_


#include "base/rt.h"
#include "base/rt_buf.h"


#define RT_CLEAN_MAX  20000         /* bytes: 5000 of the longest characters */


/* whether "text" needs rt_clean(): all others pass as they are */
int rt_clean_needed(rt_str_t text);

/*
 * Writes "text", valid UTF-8 of up to RT_CLEAN_MAX bytes, to "out", cleaned.
 * What was in "out" stays in front of it.
 *
 * RT_OK; RT_DECLINED when the markup is too much for the parser
 * (rt_clean_cost.h, rt_clean_heap.h) or the text too long; RT_ERROR when the
 * outcome does not fit or memory lacks.  "out" is of no use after the latter
 * two.  The outcome may be longer than the text: "&" becomes "&amp;", and an
 * element that is closed in the wrong place is opened again, with all its
 * attributes; 64 kB are more than a message takes that was not made for it.
 */
rt_int_t rt_clean(rt_str_t text, rt_buf_t *out);

/*
 * For a handler of SIGABRT with SA_NODEFER.  Debian's gumbo has assertions,
 * which end the process.  Those that are known are kept from it
 * (rt_clean_cost.h); should a text find another one, this does not return, and
 * rt_clean() returns RT_DECLINED.  It returns when the signal comes from
 * anywhere else.
 */
void rt_clean_rescue(void);


#endif /* _RT_CLEAN_H_INCLUDED_ */
