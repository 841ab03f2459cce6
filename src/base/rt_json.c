
/*
 * rt_json.c: JSON text cut without building a tree.
 */


#include "base/rt_json.h"
#include "base/rt_json_chars.h"


/* the largest integer that JavaScript counts exactly, 2^53 - 1 */
#define RT_JSON_MAX_INT  9007199254740991ULL

#define RT_JSON_REPLACEMENT  0xfffd


static const u_char *rt_json_skip(const u_char *p, const u_char *last);
static const u_char *rt_json_skip_string(const u_char *p, const u_char *last);

static rt_int_t rt_json_open_string(rt_json_iter_t *it, rt_str_t v);
static uint32_t rt_json_char(rt_json_iter_t *it);
static uint32_t rt_json_char_escape(rt_json_iter_t *it);
static size_t rt_json_utf8(u_char *dst, uint32_t cp);


rt_json_type_e
rt_json_type(rt_str_t v)
{
    v = rt_json_trim(v);

    if (v.len == 0) {
        return RT_JSON_NONE;
    }

    switch (v.data[0]) {

    case '{':
        return RT_JSON_OBJECT;

    case '[':
        return RT_JSON_ARRAY;

    case '"':
        return RT_JSON_STRING;

    case 't':
        return RT_JSON_TRUE;

    case 'f':
        return RT_JSON_FALSE;

    case 'n':
        return RT_JSON_NULL;

    default:
        return RT_JSON_NUMBER;
    }
}


rt_str_t
rt_json_trim(rt_str_t v)
{
    const u_char  *p, *last;

    if (v.len == 0) {
        return v;
    }

    last = v.data + v.len;
    p = rt_json_space(v.data, last);

    while (last != p && rt_json_is_space(last[-1])) {
        last--;
    }

    return rt_str((size_t) (last - p), p);
}


void
rt_json_each(rt_json_iter_t *it, rt_str_t v)
{
    v = rt_json_trim(v);

    if (v.len < 2 || (v.data[0] != '{' && v.data[0] != '[')) {
        it->pos = NULL;
        it->last = NULL;
        return;
    }

    it->pos = v.data + 1;
    it->last = v.data + v.len - 1;
}


rt_int_t
rt_json_next(rt_json_iter_t *it, rt_str_t *key, rt_str_t *value)
{
    const u_char  *p, *start;

    start = rt_json_space(it->pos, it->last);

    if (start == it->last) {
        return RT_DONE;
    }

    p = rt_json_skip(start, it->last);

    if (key) {
        *key = rt_str(0, NULL);
    }

    *value = rt_str((size_t) (p - start), start);

    p = rt_json_space(p, it->last);

    if (p != it->last && *p == ':') {

        /* a member: what was taken for the value is its key */

        if (key) {
            *key = *value;
        }

        start = rt_json_space(p + 1, it->last);
        p = rt_json_skip(start, it->last);
        *value = rt_str((size_t) (p - start), start);
        p = rt_json_space(p, it->last);
    }

    it->pos = (p != it->last && *p == ',') ? p + 1 : p;

    return RT_OK;
}


rt_int_t
rt_json_token(rt_json_iter_t *it, rt_str_t *token)
{
    const u_char  *p, *start;

    start = rt_json_space(it->pos, it->last);

    if (start == it->last) {
        return RT_DONE;
    }

    if (*start == '"') {
        p = rt_json_skip_string(start, it->last);

    } else {
        p = start + 1;

        if (!rt_json_is_mark(*start)) {

            while (p != it->last && !rt_json_is_mark(*p) && *p != '"'
                   && !rt_json_is_space(*p))
            {
                p++;
            }
        }
    }

    *token = rt_str((size_t) (p - start), start);
    it->pos = p;

    return RT_OK;
}


rt_int_t
rt_json_get(rt_str_t v, rt_str_t name, rt_str_t *value)
{
    rt_int_t        rc;
    rt_str_t        key, member;
    rt_json_iter_t  it;

    if (rt_json_type(v) != RT_JSON_OBJECT) {
        return RT_DECLINED;
    }

    rc = RT_DECLINED;

    rt_json_each(&it, v);

    while (rt_json_next(&it, &key, &member) == RT_OK) {

        if (rt_json_is(key, name)) {
            *value = member;
            rc = RT_OK;
        }
    }

    return rc;
}


ssize_t
rt_json_decode(rt_str_t v, u_char *dst, size_t size)
{
    size_t          len, n;
    u_char          room[4];
    uint32_t        cp;
    rt_json_iter_t  it;

    if (rt_json_open_string(&it, v) != RT_OK) {
        return RT_ERROR;
    }

    len = 0;

    for ( ;; ) {

        cp = rt_json_char(&it);

        if (cp == RT_JSON_END) {
            return (it.pos == it.last) ? (ssize_t) len : RT_ERROR;
        }

        n = rt_json_utf8(room, cp);

        if (n > size - len) {
            return RT_ERROR;
        }

        memcpy(dst + len, room, n);
        len += n;
    }
}


ssize_t
rt_json_size(rt_str_t v)
{
    size_t          len;
    u_char          room[4];
    uint32_t        cp;
    rt_json_iter_t  it;

    if (rt_json_open_string(&it, v) != RT_OK) {
        return RT_ERROR;
    }

    for (len = 0; /* void */ ; len += rt_json_utf8(room, cp)) {

        cp = rt_json_char(&it);

        if (cp == RT_JSON_END) {
            return (it.pos == it.last) ? (ssize_t) len : RT_ERROR;
        }
    }
}


int
rt_json_is(rt_str_t v, rt_str_t text)
{
    size_t          len, n;
    u_char          room[4];
    uint32_t        cp;
    rt_json_iter_t  it;

    if (rt_json_open_string(&it, v) != RT_OK) {
        return 0;
    }

    /* an escape is longer than what it stands for */

    if ((size_t) (it.last - it.pos) < text.len) {
        return 0;
    }

    len = 0;

    for ( ;; ) {

        cp = rt_json_char(&it);

        if (cp == RT_JSON_END) {
            return it.pos == it.last && len == text.len;
        }

        n = rt_json_utf8(room, cp);

        if (n > text.len - len || memcmp(text.data + len, room, n) != 0) {
            return 0;
        }

        len += n;
    }
}


size_t
rt_json_length(rt_str_t v)
{
    size_t          n;
    rt_json_iter_t  it;

    if (rt_json_open_string(&it, v) != RT_OK) {
        return 0;
    }

    for (n = 0; rt_json_char(&it) != RT_JSON_END; n++) { /* void */ }

    return n;
}


rt_int_t
rt_json_u64(rt_str_t v, uint64_t *n)
{
    size_t    i;
    uint64_t  value;

    v = rt_json_trim(v);

    if (v.len == 0 || (v.len > 1 && v.data[0] == '0')) {
        return RT_ERROR;
    }

    value = 0;

    for (i = 0; i < v.len; i++) {

        if (!rt_json_is_digit(v.data[i])) {
            return RT_ERROR;
        }

        value = value * 10 + (uint64_t) (v.data[i] - '0');

        if (value > RT_JSON_MAX_INT) {
            return RT_ERROR;
        }
    }

    *n = value;

    return RT_OK;
}


/*
 * One past the value at "p".  Moves on unless "p" is at a comma, at a colon or
 * at the end, so that a walk over anything comes to its end.
 */

static const u_char *
rt_json_skip(const u_char *p, const u_char *last)
{
    size_t  depth;

    depth = 0;

    while (p != last) {

        switch (*p) {

        case '"':
            p = rt_json_skip_string(p, last);
            break;

        case '{':
        case '[':
            depth++;
            p++;
            break;

        case '}':
        case ']':
            depth -= (depth != 0);
            p++;
            break;

        case ',':
        case ':':
        case ' ':
        case '\n':
        case '\r':
        case '\t':

            if (depth == 0) {
                return p;
            }

            p++;
            continue;

        default:

            /* a scalar, of which there is more */

            p++;
            continue;
        }

        if (depth == 0) {
            return p;
        }
    }

    return p;
}


static const u_char *
rt_json_skip_string(const u_char *p, const u_char *last)
{
    for (p++; p != last; p++) {

        if (*p == '"') {
            return p + 1;
        }

        if (*p == '\\' && ++p == last) {
            break;
        }
    }

    return last;
}


/* sets "it" to what is between the quotes */

static rt_int_t
rt_json_open_string(rt_json_iter_t *it, rt_str_t v)
{
    v = rt_json_trim(v);

    if (v.len < 2 || v.data[0] != '"' || v.data[v.len - 1] != '"') {
        return RT_ERROR;
    }

    it->pos = v.data + 1;
    it->last = v.data + v.len - 1;

    return RT_OK;
}


/*
 * The next code point of a string.  RT_JSON_END with pos == last at its end,
 * and with pos elsewhere at what cannot be in one.
 */

static uint32_t
rt_json_char(rt_json_iter_t *it)
{
    size_t         i, n;
    uint32_t       cp;
    const u_char  *p;

    p = it->pos;

    if (p == it->last) {
        return RT_JSON_END;
    }

    if (*p == '\\') {
        return rt_json_char_escape(it);
    }

    if (*p < 0x80) {
        it->pos++;
        return *p;
    }

    n = (*p >= 0xf0) ? 4 : (*p >= 0xe0) ? 3 : 2;

    if ((size_t) (it->last - p) < n) {
        return RT_JSON_END;
    }

    cp = *p & (0x7fu >> n);

    for (i = 1; i < n; i++) {
        cp = (cp << 6) | (p[i] & 0x3f);
    }

    it->pos += n;

    return cp;
}


static uint32_t
rt_json_char_escape(rt_json_iter_t *it)
{
    uint32_t              cp, low;
    const char           *found;
    const u_char         *p;
    static const char     names[] = "\"\\/bfnrt";
    static const u_char   chars[] = "\"\\/\b\f\n\r\t";

    p = it->pos + 1;

    if (p == it->last) {
        return RT_JSON_END;
    }

    if (*p != 'u') {
        found = memchr(names, *p, sizeof(names) - 1);

        if (found == NULL) {
            return RT_JSON_END;
        }

        it->pos += 2;
        return chars[found - names];
    }

    cp = rt_json_hex4(p + 1, it->last);

    if (cp == RT_JSON_END) {
        return RT_JSON_END;
    }

    it->pos += 6;

    if (cp < 0xd800 || cp > 0xdfff) {
        return cp;
    }

    /* a pair, or else this one stands alone and the next one for itself */

    p = it->pos;

    if (cp > 0xdbff || it->last - p < 6 || p[0] != '\\' || p[1] != 'u') {
        return RT_JSON_REPLACEMENT;
    }

    low = rt_json_hex4(p + 2, it->last);

    if (low < 0xdc00 || low > 0xdfff) {
        return RT_JSON_REPLACEMENT;
    }

    it->pos += 6;

    return 0x10000 + ((cp - 0xd800) << 10) + (low - 0xdc00);
}


static size_t
rt_json_utf8(u_char *dst, uint32_t cp)
{
    if (cp < 0x80) {
        dst[0] = (u_char) cp;
        return 1;
    }

    if (cp < 0x800) {
        dst[0] = (u_char) (0xc0 | (cp >> 6));
        dst[1] = (u_char) (0x80 | (cp & 0x3f));
        return 2;
    }

    if (cp < 0x10000) {
        dst[0] = (u_char) (0xe0 | (cp >> 12));
        dst[1] = (u_char) (0x80 | ((cp >> 6) & 0x3f));
        dst[2] = (u_char) (0x80 | (cp & 0x3f));
        return 3;
    }

    dst[0] = (u_char) (0xf0 | (cp >> 18));
    dst[1] = (u_char) (0x80 | ((cp >> 12) & 0x3f));
    dst[2] = (u_char) (0x80 | ((cp >> 6) & 0x3f));
    dst[3] = (u_char) (0x80 | (cp & 0x3f));
    return 4;
}
