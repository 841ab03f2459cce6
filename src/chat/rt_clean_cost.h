
/*
 * rt_clean_cost.h: which texts are too much for the HTML parser.
 *
 * Its work grows with the square of the number of tags, for many a tag is
 * compared with all elements that are open, and with the square of the
 * number of attributes of a tag, for each is compared with the ones before.
 * (What grows with the memory it takes is limited by rt_clean_heap.h.)
 *
 * What is a tag depends on what stands before it (a quote, a comment, a
 * script), so that every "<" that could begin one is followed as if it did,
 * and the worst set of tags that do not overlap counts.
 */


#ifndef _RT_CLEAN_COST_H_INCLUDED_
#define _RT_CLEAN_COST_H_INCLUDED_


#include "base/rt.h"


/* a message of 5000 characters that has as many is nothing but tags */
#define RT_CLEAN_TAGS     700

/* all tags' attributes, squared: a "<b" without ">" may stand before 890
   words, each of which is one */
#define RT_CLEAN_SQUARES  800000

/* bytes looked at for this, some of them often */
#define RT_CLEAN_STEPS    500000


/* RT_OK, or RT_DECLINED when the text is more work than these */
rt_int_t rt_clean_cost(rt_str_t text);

/*
 * RT_OK, or RT_DECLINED when a text has both an svg or math element and a
 * select: gumbo 0.10.1 takes an SVG element for the select, and then ends the
 * process with an assertion.
 */
rt_int_t rt_clean_harmless(rt_str_t text);


#endif /* _RT_CLEAN_COST_H_INCLUDED_ */
