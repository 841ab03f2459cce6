
/*
 * rt_clean_mask.h: takes characters past a parser that does not know them.
 *
 * Gumbo reads control characters and noncharacters as U+FFFD, where browsers
 * take them as they are.  Each of them is replaced by a character that means
 * nothing to HTML before the parse, and put back after it.  The characters
 * that stand for them are a block of 256 above U+FFFF which the text does not
 * use, neither by itself nor by a reference such as &#65536;.  The second
 * half of the block stands for names (rt_clean_names.h).
 */


#ifndef _RT_CLEAN_MASK_H_INCLUDED_
#define _RT_CLEAN_MASK_H_INCLUDED_


#include "base/rt.h"
#include "base/rt_buf.h"


#define RT_CLEAN_HALF  128          /* of a block */
#define RT_CLEAN_END   0x110000     /* one past the last character */


/* the first character of the block, or 0: there is none */
typedef uint32_t  rt_clean_mask_t;


/*
 * The character that begins at "*p" (before "last"), and moves "*p" past it.
 * The text must be valid UTF-8; when it is not, the rest reads as U+FFFD.
 */
uint32_t rt_clean_next(const u_char **p, const u_char *last);

void rt_clean_put(rt_buf_t *b, uint32_t ch);

/*
 * The character of the numeric reference whose "&" is before "p", and its
 * "*end"; RT_CLEAN_END when it is too high; 0 when there is none.
 */
uint32_t rt_clean_reference(const u_char *p, const u_char *last,
    const u_char **end);

/*
 * RT_OK and the block for "text", or RT_DECLINED: it has so many characters
 * above U+FFFF that none is left.  "*needed" is 1 if it has
 * something to hide, or a reference that is too high.
 */
rt_int_t rt_clean_mask(rt_str_t text, rt_clean_mask_t *mask, int *needed);

/* what stands for "ch", often itself; and back */
uint32_t rt_clean_hide(rt_clean_mask_t mask, uint32_t ch);
uint32_t rt_clean_show(rt_clean_mask_t mask, uint32_t ch);


#endif /* _RT_CLEAN_MASK_H_INCLUDED_ */
