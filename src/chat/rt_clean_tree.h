
/*
 * rt_clean_tree.h: writes what may stay of a parsed text.
 *
 * The tree is walked without recursion.  Of elements that are not allowed the
 * content stays, unless it is of a kind that is not meant to be read as HTML
 * (scripts, styles, SVG and so on).
 */


#ifndef _RT_CLEAN_TREE_H_INCLUDED_
#define _RT_CLEAN_TREE_H_INCLUDED_


#include "base/rt.h"
#include "base/rt_buf.h"
#include "chat/rt_clean_heap.h"
#include "chat/rt_clean_mask.h"
#include "chat/rt_clean_names.h"

#include <gumbo.h>


/* what was replaced in the text; mask 0: nothing */

typedef struct {
    rt_clean_mask_t   mask;
    rt_clean_names_t  names;
} rt_clean_hidden_t;


/*
 * Writes the content of "body" to "out", with what was hidden; memory for the
 * way through the tree comes from "heap".  RT_OK, or RT_ERROR when the output
 * does not fit or memory lacks.
 */
rt_int_t rt_clean_tree(const GumboNode *body,
    const rt_clean_hidden_t *hidden, rt_clean_heap_t *heap, rt_buf_t *out);


#endif /* _RT_CLEAN_TREE_H_INCLUDED_ */
