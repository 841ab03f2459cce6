
/*
 * rt_json.h: JSON text (RFC 8259) checked and cut without building a tree.
 *
 * Most JSON here is only passed on: it has to be valid, and pieces of it go
 * out again byte for byte.  So the text is checked once and then walked as
 * slices; strings are decoded only where their characters matter.
 *
 * Takes what JSON.parse() takes: numbers of any size, lone surrogates as
 * escapes, duplicate keys (the last one counts).  Nesting is limited.
 * The text must be valid UTF-8 already (rt_utf8.h).
 */


#ifndef _RT_JSON_H_INCLUDED_
#define _RT_JSON_H_INCLUDED_


#include "base/rt.h"
#include "base/rt_buf.h"


#define RT_JSON_MAX_DEPTH  64


typedef enum {
    RT_JSON_NONE = 0,           /* nothing, or only white space */
    RT_JSON_OBJECT,
    RT_JSON_ARRAY,
    RT_JSON_STRING,
    RT_JSON_NUMBER,
    RT_JSON_TRUE,
    RT_JSON_FALSE,
    RT_JSON_NULL
} rt_json_type_e;


/* a walk over the elements of an array or the members of an object */

typedef struct {
    const u_char  *pos;
    const u_char  *last;
} rt_json_iter_t;


/*
 * RT_OK if "in" is one JSON value, white space around it allowed, nested at
 * most RT_JSON_MAX_DEPTH deep; else RT_ERROR with a constant "*why".
 */
rt_int_t rt_json_check(rt_str_t in, const char **why);

/*
 * All functions below take slices of text that rt_json_check() has passed; on
 * anything else they are safe (they stay inside the slice) but may lie.
 */

/*
 * By the first character that is not white space; what begins no other type
 * is called a number.
 */
rt_json_type_e rt_json_type(rt_str_t v);

/* "v" without white space around it */
rt_str_t rt_json_trim(rt_str_t v);

/* "v" is an array or an object; anything else is walked as empty */
void rt_json_each(rt_json_iter_t *it, rt_str_t v);

/*
 * The next element or member as slices without white space around them:
 * RT_OK, or RT_DONE at the end.  "key" (with its quotes) may be NULL; it is
 * left empty for arrays.
 */
rt_int_t rt_json_next(rt_json_iter_t *it, rt_str_t *key, rt_str_t *value);

/*
 * For walks over all levels at once: the next token from "it->pos" on, a
 * bracket, a comma, a colon, a whole string or another scalar.  RT_OK, or
 * RT_DONE at the end.
 */
rt_int_t rt_json_token(rt_json_iter_t *it, rt_str_t *token);

/*
 * The last member of the object "v" whose decoded key is "name": RT_OK, or
 * RT_DECLINED when there is none or "v" is no object.
 */
rt_int_t rt_json_get(rt_str_t v, rt_str_t name, rt_str_t *value);

/*
 * Decodes the string value "v" to UTF-8 in "dst".  The length, or RT_ERROR
 * where it does not fit or "v" is no string.  The decoded text is never
 * longer than the slice.  A lone surrogate becomes U+FFFD.
 */
ssize_t rt_json_decode(rt_str_t v, u_char *dst, size_t size);

/* what rt_json_decode() gives, without decoding: the length, or RT_ERROR */
ssize_t rt_json_size(rt_str_t v);

/* whether the string value "v" decodes to exactly "text" */
int rt_json_is(rt_str_t v, rt_str_t text);

/* Unicode code points of the string value "v"; a surrogate pair counts one */
size_t rt_json_length(rt_str_t v);

/*
 * An integer from 0 to 2^53-1 written as plain digits: RT_OK, else
 * RT_ERROR.
 */
rt_int_t rt_json_u64(rt_str_t v, uint64_t *n);


#endif /* _RT_JSON_H_INCLUDED_ */
