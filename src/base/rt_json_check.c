
/*
 * rt_json_check.c: is it JSON.
 */


#include "base/rt_json.h"
#include "base/rt_json_chars.h"


/*
 * Where a check stands.  Bit n of "objects" tells whether level n (from 1 at
 * bit 0) is an object, so nothing recurses and nothing is allocated.
 */

typedef struct {
    const u_char  *pos;
    const u_char  *last;
    const char    *why;
    uint64_t       objects;
    rt_uint_t      depth;
} rt_json_cursor_t;


_Static_assert(RT_JSON_MAX_DEPTH <= 64, "one bit a level");


static rt_int_t rt_json_check_value(rt_json_cursor_t *c);
static rt_int_t rt_json_check_close(rt_json_cursor_t *c);
static rt_int_t rt_json_check_open(rt_json_cursor_t *c);
static rt_int_t rt_json_check_key(rt_json_cursor_t *c);
static rt_int_t rt_json_check_string(rt_json_cursor_t *c);
static rt_int_t rt_json_check_number(rt_json_cursor_t *c);
static rt_int_t rt_json_check_digits(rt_json_cursor_t *c);
static rt_int_t rt_json_check_word(rt_json_cursor_t *c, rt_str_t word);
static rt_int_t rt_json_refuse(rt_json_cursor_t *c, const char *why);


rt_int_t
rt_json_check(rt_str_t in, const char **why)
{
    rt_json_cursor_t  c = { in.data, in.data, NULL, 0, 0 };

    if (in.len) {
        c.last = in.data + in.len;
    }

    do {
        if (rt_json_check_value(&c) != RT_OK
            || rt_json_check_close(&c) != RT_OK)
        {
            *why = c.why;
            return RT_ERROR;
        }

    } while (c.depth);

    if (c.pos != c.last) {
        *why = "something follows the JSON value";
        return RT_ERROR;
    }

    return RT_OK;
}


/* a scalar, or any number of opening brackets and then a scalar or nothing */

static rt_int_t
rt_json_check_value(rt_json_cursor_t *c)
{
    rt_int_t  rc;

    do {
        c->pos = rt_json_space(c->pos, c->last);

        if (c->pos == c->last) {
            return rt_json_refuse(c, "JSON ends early");
        }

        switch (*c->pos) {

        case '{':
        case '[':
            rc = rt_json_check_open(c);
            break;

        case '"':
            rc = rt_json_check_string(c);
            break;

        case 't':
            rc = rt_json_check_word(c, rt_lit("true"));
            break;

        case 'f':
            rc = rt_json_check_word(c, rt_lit("false"));
            break;

        case 'n':
            rc = rt_json_check_word(c, rt_lit("null"));
            break;

        default:
            rc = rt_json_check_number(c);
            break;
        }

    } while (rc == RT_AGAIN);

    return rc;
}


/*
 * After a value: closes what ends here, and goes on to where the next value
 * begins.  RT_OK there and at the end.
 */

static rt_int_t
rt_json_check_close(rt_json_cursor_t *c)
{
    u_char    ch;
    uint64_t  object;

    for ( ;; ) {

        c->pos = rt_json_space(c->pos, c->last);

        if (c->depth == 0) {
            return RT_OK;
        }

        if (c->pos == c->last) {
            return rt_json_refuse(c, "JSON ends early");
        }

        object = (c->objects >> (c->depth - 1)) & 1;
        ch = *c->pos++;

        if (ch == ',') {
            return object ? rt_json_check_key(c) : RT_OK;
        }

        if (ch != (object ? '}' : ']')) {
            return rt_json_refuse(c, "JSON lacks a comma or a bracket");
        }

        c->depth--;
    }
}


/* RT_AGAIN: a value has to follow; RT_OK: it was empty and is closed */

static rt_int_t
rt_json_check_open(rt_json_cursor_t *c)
{
    u_char    end;
    uint64_t  bit;

    if (c->depth == RT_JSON_MAX_DEPTH) {
        return rt_json_refuse(c, "JSON is nested too deep");
    }

    bit = (uint64_t) 1 << c->depth;
    end = (*c->pos == '{') ? '}' : ']';

    c->pos = rt_json_space(c->pos + 1, c->last);

    if (c->pos != c->last && *c->pos == end) {
        c->pos++;
        return RT_OK;
    }

    c->depth++;

    if (end == ']') {
        c->objects &= ~bit;
        return RT_AGAIN;
    }

    c->objects |= bit;

    return (rt_json_check_key(c) == RT_OK) ? RT_AGAIN : RT_ERROR;
}


static rt_int_t
rt_json_check_key(rt_json_cursor_t *c)
{
    c->pos = rt_json_space(c->pos, c->last);

    if (c->pos == c->last || *c->pos != '"') {
        return rt_json_refuse(c, "JSON object lacks a key");
    }

    if (rt_json_check_string(c) != RT_OK) {
        return RT_ERROR;
    }

    c->pos = rt_json_space(c->pos, c->last);

    if (c->pos == c->last || *c->pos != ':') {
        return rt_json_refuse(c, "JSON object lacks a colon");
    }

    c->pos++;

    return RT_OK;
}


static rt_int_t
rt_json_check_string(rt_json_cursor_t *c)
{
    u_char         ch;
    const u_char  *p;

    p = c->pos + 1;

    while (p != c->last) {

        ch = *p++;

        if (ch == '"') {
            c->pos = p;
            return RT_OK;
        }

        if (ch < 0x20) {
            return rt_json_refuse(c, "JSON string has a control character");
        }

        if (ch != '\\') {
            continue;
        }

        if (p == c->last) {
            break;
        }

        ch = *p++;

        if (ch == 'u') {
            if (rt_json_hex4(p, c->last) == RT_JSON_END) {
                return rt_json_refuse(c, "JSON string has a bad \\u escape");
            }

            p += 4;

        } else if (ch == '\0' || strchr("\"\\/bfnrt", ch) == NULL) {
            return rt_json_refuse(c, "JSON string has an unknown escape");
        }
    }

    return rt_json_refuse(c, "JSON string is not closed");
}


static rt_int_t
rt_json_check_number(rt_json_cursor_t *c)
{
    if (*c->pos == '-') {
        c->pos++;
    }

    if (c->pos != c->last && *c->pos == '0') {
        c->pos++;

    } else if (rt_json_check_digits(c) != RT_OK) {
        return rt_json_refuse(c, "JSON has an unknown value");
    }

    if (c->pos != c->last && *c->pos == '.') {
        c->pos++;

        if (rt_json_check_digits(c) != RT_OK) {
            return rt_json_refuse(c, "JSON number lacks digits");
        }
    }

    if (c->pos == c->last || (*c->pos | 0x20) != 'e') {
        return RT_OK;
    }

    c->pos++;

    if (c->pos != c->last && (*c->pos == '+' || *c->pos == '-')) {
        c->pos++;
    }

    if (rt_json_check_digits(c) != RT_OK) {
        return rt_json_refuse(c, "JSON number lacks digits");
    }

    return RT_OK;
}


/* one digit or more */

static rt_int_t
rt_json_check_digits(rt_json_cursor_t *c)
{
    const u_char  *start;

    start = c->pos;

    while (c->pos != c->last && rt_json_is_digit(*c->pos)) {
        c->pos++;
    }

    return (c->pos == start) ? RT_ERROR : RT_OK;
}


static rt_int_t
rt_json_check_word(rt_json_cursor_t *c, rt_str_t word)
{
    if ((size_t) (c->last - c->pos) < word.len
        || memcmp(c->pos, word.data, word.len) != 0)
    {
        return rt_json_refuse(c, "JSON has an unknown value");
    }

    c->pos += word.len;

    return RT_OK;
}


static rt_int_t
rt_json_refuse(rt_json_cursor_t *c, const char *why)
{
    c->why = why;

    return RT_ERROR;
}
