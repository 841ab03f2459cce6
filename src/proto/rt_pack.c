
/*
 * rt_pack.c: JSON with attachments becomes msgpack.
 *
 * One walk over the tokens.  How many elements an array has is known at its
 * end only, and so is whether an object is a placeholder: a head of one byte is
 * written, and made longer then, or what was written is taken back.
 */


#include "proto/rt_pack.h"

#include "base/rt_json.h"
#include "proto/rt_msgpack.h"
#include "proto/rt_number.h"
#include "proto/rt_out.h"


/* digits of an integer that is surely exact */
#define RT_PACK_DIGITS  15


typedef struct {
    size_t    start;                /* in the output */
    size_t    n;
    uint64_t  num;

    enum {
        RT_PACK_KEY_OTHER = 0,
        RT_PACK_KEY_PLACEHOLDER,
        RT_PACK_KEY_NUM
    }         key;                  /* of the value to come */

    unsigned  object:1;
    unsigned  want_key:1;
    unsigned  placeholder:1;        /* "_placeholder" is true */
    unsigned  has_num:1;
} rt_pack_level_t;


typedef struct {
    rt_out_t         out;
    const rt_str_t  *attachments;
    uint32_t         count;
    const char      *why;
    rt_uint_t        depth;
    rt_pack_level_t  levels[RT_JSON_MAX_DEPTH + 1];
} rt_pack_t;


static rt_int_t rt_pack_token(rt_pack_t *p, rt_str_t token);
static rt_int_t rt_pack_open(rt_pack_t *p, rt_str_t token);
static rt_int_t rt_pack_close(rt_pack_t *p);
static void rt_pack_set_level(rt_pack_level_t *level, rt_str_t token);
static void rt_pack_key(rt_pack_t *p, rt_str_t token);
static void rt_pack_scalar(rt_pack_t *p, rt_str_t token);
static void rt_pack_string(rt_pack_t *p, rt_str_t token);
static void rt_pack_number(rt_buf_t *b, rt_str_t token);
static void rt_pack_take_back(rt_pack_t *p, const rt_pack_level_t *level);
static void rt_pack_head(rt_pack_t *p, const rt_pack_level_t *level);


ssize_t
rt_pack(rt_buf_t *b, rt_str_t text, const rt_str_t *attachments,
    uint32_t count, const char **why)
{
    rt_str_t        token;
    rt_pack_t       p;
    rt_json_iter_t  it;

    rt_out_init(&p.out, b);

    p.attachments = attachments;
    p.count = count;
    p.why = NULL;
    p.depth = 0;

    /* level 0 is outside of the value */

    memset(&p.levels[0], 0, sizeof(rt_pack_level_t));

    it.pos = text.data;
    it.last = text.len ? text.data + text.len : text.data;

    while (rt_json_token(&it, &token) == RT_OK) {

        if (rt_pack_token(&p, token) != RT_OK) {
            *why = p.why;
            return RT_ERROR;
        }
    }

    *why = NULL;

    return rt_out_result(&p.out);
}


static rt_int_t
rt_pack_token(rt_pack_t *p, rt_str_t token)
{
    rt_pack_level_t  *level;

    level = &p->levels[p->depth];

    switch (token.data[0]) {

    case '{':
    case '[':
        rt_pack_set_level(level, token);
        return rt_pack_open(p, token);

    case '}':
    case ']':
        return rt_pack_close(p);

    case ',':
        level->want_key = level->object;
        return RT_OK;

    case ':':
        return RT_OK;

    default:

        if (level->want_key) {
            rt_pack_key(p, token);
            return RT_OK;
        }

        rt_pack_set_level(level, token);
        rt_pack_scalar(p, token);
        return RT_OK;
    }
}


static rt_int_t
rt_pack_open(rt_pack_t *p, rt_str_t token)
{
    rt_pack_level_t  *level;

    if (p->depth == RT_JSON_MAX_DEPTH) {
        p->why = "JSON is nested too deep";
        return RT_ERROR;
    }

    level = &p->levels[++p->depth];

    memset(level, 0, sizeof(rt_pack_level_t));

    level->start = p->out.len;
    level->object = (token.data[0] == '{');
    level->want_key = level->object;

    rt_out_put(&p->out, rt_lit("\x80"));

    return RT_OK;
}


static rt_int_t
rt_pack_close(rt_pack_t *p)
{
    u_char            head[RT_MSGPACK_HEAD];
    rt_buf_t          b;
    rt_pack_level_t  *level;

    if (p->depth == 0) {
        return RT_OK;
    }

    level = &p->levels[p->depth--];

    if (p->count == 0 || !level->placeholder) {
        rt_pack_head(p, level);
        return RT_OK;
    }

    if (!level->has_num || level->num >= p->count) {
        p->why = "placeholder stands for nothing";
        return RT_ERROR;
    }

    rt_pack_take_back(p, level);

    rt_buf_init(&b, head, sizeof(head));
    rt_msgpack_put_bin_head(&b, p->attachments[level->num].len);
    rt_out_put(&p->out, rt_buf_str(&b));
    rt_out_put(&p->out, p->attachments[level->num]);

    return RT_OK;
}


/* "token" is, or begins, an element or a member's value; the last one counts */

static void
rt_pack_set_level(rt_pack_level_t *level, rt_str_t token)
{
    switch (level->key) {

    case RT_PACK_KEY_PLACEHOLDER:
        level->placeholder = rt_str_eq(token, rt_lit("true")) ? 1 : 0;
        break;

    case RT_PACK_KEY_NUM:
        level->has_num = (rt_json_u64(token, &level->num) == RT_OK);
        break;

    default:
        break;
    }

    level->key = RT_PACK_KEY_OTHER;
    level->n++;
}


static void
rt_pack_key(rt_pack_t *p, rt_str_t token)
{
    rt_pack_level_t  *level;

    level = &p->levels[p->depth];
    level->want_key = 0;

    if (rt_json_is(token, rt_lit("_placeholder"))) {
        level->key = RT_PACK_KEY_PLACEHOLDER;

    } else if (rt_json_is(token, rt_lit("num"))) {
        level->key = RT_PACK_KEY_NUM;
    }

    rt_pack_string(p, token);
}


static void
rt_pack_scalar(rt_pack_t *p, rt_str_t token)
{
    u_char    head[RT_MSGPACK_HEAD];
    rt_buf_t  b;

    rt_buf_init(&b, head, sizeof(head));

    switch (token.data[0]) {

    case '"':
        rt_pack_string(p, token);
        return;

    case 't':
    case 'f':
        rt_msgpack_put_bool(&b, token.data[0] == 't');
        break;

    case 'n':
        rt_msgpack_put_nil(&b);
        break;

    default:
        rt_pack_number(&b, token);
        break;
    }

    rt_out_put(&p->out, rt_buf_str(&b));
}


static void
rt_pack_string(rt_pack_t *p, rt_str_t token)
{
    u_char     head[RT_MSGPACK_HEAD];
    ssize_t    len;
    rt_buf_t   b, *dst;
    rt_str_t   s;

    s = rt_str(token.len - 2, token.data + 1);

    if (token.len < 2) {
        s.len = 0;

    } else if (memchr(s.data, '\\', s.len)) {
        len = rt_json_size(token);
        s = rt_str((len < 0) ? 0 : (size_t) len, NULL);
    }

    rt_buf_init(&b, head, sizeof(head));
    rt_msgpack_put_str_head(&b, s.len);
    rt_out_put(&p->out, rt_buf_str(&b));

    if (s.data || s.len == 0) {
        rt_out_put(&p->out, s);
        return;
    }

    /* decoded where it is to lie */

    dst = p->out.b;

    rt_out_count(&p->out, s.len);

    if (dst == NULL || dst->overflow) {
        return;
    }

    len = rt_json_decode(token, dst->pos, (size_t) (dst->last - dst->pos));

    if (len < 0) {
        dst->overflow = 1;
        return;
    }

    dst->pos += len;
}


static void
rt_pack_number(rt_buf_t *b, rt_str_t token)
{
    int64_t        n;
    const u_char  *p, *last;

    p = token.data;
    last = p + token.len;

    if (token.len <= RT_PACK_DIGITS) {

        p += (*p == '-');

        for (n = 0; p != last && *p >= '0' && *p <= '9'; p++) {
            n = n * 10 + (*p - '0');
        }

        if (p == last) {
            rt_msgpack_put_int(b, (token.data[0] == '-') ? -n : n);
            return;
        }
    }

    rt_msgpack_put_number(b, rt_number_parse(token));
}


static void
rt_pack_take_back(rt_pack_t *p, const rt_pack_level_t *level)
{
    if (p->out.b && !p->out.b->overflow) {
        p->out.b->pos -= p->out.len - level->start;
    }

    p->out.len = level->start;
}


/* the head in its place: what lies behind it moves if it is a longer one */

static void
rt_pack_head(rt_pack_t *p, const rt_pack_level_t *level)
{
    u_char     head[RT_MSGPACK_HEAD], *start;
    size_t     body;
    rt_buf_t   b, *dst;

    rt_buf_init(&b, head, sizeof(head));

    if (level->object) {
        rt_msgpack_put_map(&b, level->n);

    } else {
        rt_msgpack_put_array(&b, level->n);
    }

    body = p->out.len - level->start - 1;

    /* makes room, or finds that there is none */

    rt_out_put(&p->out, rt_str(rt_buf_str(&b).len - 1, head));

    dst = p->out.b;

    if (dst && !dst->overflow) {
        start = dst->pos - (p->out.len - level->start);
        memmove(start + rt_buf_str(&b).len, start + 1, body);
        memcpy(start, head, rt_buf_str(&b).len);
    }
}
