
/*
 * rt_clean_names.h: element names that the parser does not know.
 *
 * Gumbo 0.10.1 takes all names that it does not know for one and the same,
 * and knows some (main, menuitem) in a way that HTML has left since.  Such a
 * name is replaced, before the parse, by one that the parser treats as
 * browsers treat the other, and that the text does not use: "<foo>" becomes
 * "<bdo/X>".  X is a character that the text does not have (one of the block
 * of rt_clean_mask.h): it tells what was there where the "tag" turns out to
 * be text, a part of an attribute's value, say.  As a part of a tag it is an
 * attribute, of an element that is not written.
 */


#ifndef _RT_CLEAN_NAMES_H_INCLUDED_
#define _RT_CLEAN_NAMES_H_INCLUDED_


#include "base/rt.h"
#include "base/rt_buf.h"


#define RT_CLEAN_NAMES     100      /* what is over stays as it is */
#define RT_CLEAN_NAME_MAX  64


typedef struct {
    rt_str_t    name;               /* as it is spelled, in the text */
    rt_uint_t   alias;              /* number of what stands for it */
} rt_clean_name_t;


typedef struct {
    rt_clean_name_t  items[RT_CLEAN_NAMES];
    rt_uint_t        n;
    uint64_t         used;          /* a bit for each alias */
} rt_clean_names_t;


/* finds the names in "text", which must live as long as they */
void rt_clean_names(rt_clean_names_t *names, rt_str_t text);

/*
 * The number of the name at "p", which is behind "<" or "</", or RT_DECLINED
 * when it is not to be replaced; "*name" is the name.
 */
rt_int_t rt_clean_name_at(const rt_clean_names_t *names, const u_char *p,
    const u_char *last, rt_str_t *name);

/* what is written for the name, without X */
void rt_clean_name_put(const rt_clean_names_t *names, rt_int_t i,
    rt_buf_t *b);

/* takes that from the end of "b", and puts the name there */
void rt_clean_name_undo(const rt_clean_names_t *names, rt_uint_t i,
    rt_buf_t *b);


#endif /* _RT_CLEAN_NAMES_H_INCLUDED_ */
