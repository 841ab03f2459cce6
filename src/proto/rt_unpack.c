
/*
 * rt_unpack.c: msgpack becomes JSON with attachments.
 */


#include "proto/rt_unpack.h"

#include <math.h>

#include "base/rt_json.h"
#include "base/rt_time.h"
#include "base/rt_utf8.h"
#include "proto/rt_msgpack.h"
#include "proto/rt_number.h"
#include "proto/rt_out.h"


/* the type of timestamps in the standard; and of everything in notepack 2 */
#define RT_UNPACK_TIME  -1
#define RT_UNPACK_OLD   0

/* moments of JavaScript are up to so many ms from 1970 */
#define RT_UNPACK_TIME_MAX  8.64e15

/* 400 years, after which the calendar is the same again */
#define RT_UNPACK_ERA  12622780800000LL

/* "true" less "1" */
#define RT_UNPACK_SPARED  3

#define RT_UNPACK_TWO_32  4294967296.0


typedef struct {
    uint64_t  left;                 /* elements or pairs to come */
    unsigned  map:1;
    unsigned  want_key:1;
    unsigned  some:1;               /* not the first one */
    unsigned  placeholder:1;        /* the value of "_placeholder" comes */
} rt_unpack_level_t;


typedef struct {
    rt_out_t            out;
    rt_str_t           *attachments;
    uint32_t            count;      /* as told, when writing */
    uint32_t            n;          /* attachments so far */
    size_t              fakes;
    const char         *why;
    rt_uint_t           depth;
    rt_unpack_level_t   levels[RT_JSON_MAX_DEPTH + 1];
} rt_unpack_t;


static rt_int_t rt_unpack_walk(rt_unpack_t *u, rt_msgpack_iter_t *it);
static rt_int_t rt_unpack_item(rt_unpack_t *u, const rt_msgpack_t *v);
static rt_int_t rt_unpack_open(rt_unpack_t *u, const rt_msgpack_t *v);
static void rt_unpack_close(rt_unpack_t *u);
static rt_int_t rt_unpack_key(rt_unpack_t *u, const rt_msgpack_t *v);
static rt_int_t rt_unpack_scalar(rt_unpack_t *u, const rt_msgpack_t *v,
    int placeholder);
static void rt_unpack_bool(rt_unpack_t *u, const rt_msgpack_t *v,
    int placeholder);
static rt_int_t rt_unpack_bin(rt_unpack_t *u, rt_str_t bytes);
static rt_int_t rt_unpack_ext(rt_unpack_t *u, const rt_msgpack_t *v);
static void rt_unpack_time(rt_unpack_t *u, double msec);
static void rt_unpack_number(rt_unpack_t *u, const rt_msgpack_t *v);
static void rt_unpack_escaped(rt_out_t *out, rt_str_t s);
static rt_int_t rt_unpack_refuse(rt_unpack_t *u, const char *why);


ssize_t
rt_unpack(rt_buf_t *b, rt_str_t in, rt_str_t *attachments, uint32_t *count,
    const char **why)
{
    rt_unpack_t        u;
    rt_msgpack_iter_t  it;

    rt_out_init(&u.out, b);

    u.attachments = attachments;
    u.count = b ? *count : 0;
    u.n = 0;
    u.fakes = 0;
    u.why = NULL;
    u.depth = 0;

    /* level 0 is outside of the value */

    memset(&u.levels[0], 0, sizeof(rt_unpack_level_t));
    u.levels[0].left = 1;

    rt_msgpack_each(&it, in);

    if (rt_unpack_walk(&u, &it) != RT_OK) {
        *why = u.why;
        return RT_ERROR;
    }

    if (it.pos != it.last) {
        *why = "something follows the msgpack value";
        return RT_ERROR;
    }

    *why = NULL;

    if (b == NULL) {
        *count = u.n;
        u.out.room -= u.n ? RT_UNPACK_SPARED * u.fakes : 0;
    }

    return rt_out_result(&u.out);
}


static rt_int_t
rt_unpack_walk(rt_unpack_t *u, rt_msgpack_iter_t *it)
{
    rt_int_t      rc;
    rt_msgpack_t  v;

    do {
        rc = rt_msgpack_next(it, &v);

        if (rc != RT_OK) {
            return rt_unpack_refuse(u, (rc == RT_DONE)
                                       ? "msgpack ends early"
                                       : "msgpack is malformed");
        }

        if (rt_unpack_item(u, &v) != RT_OK) {
            return RT_ERROR;
        }

        rt_unpack_close(u);

    } while (u->levels[0].left || u->depth);

    return RT_OK;
}


/* a key, or a value with what stands before it */

static rt_int_t
rt_unpack_item(rt_unpack_t *u, const rt_msgpack_t *v)
{
    int                 placeholder;
    rt_unpack_level_t  *level;

    level = &u->levels[u->depth];

    if (level->some && (!level->map || level->want_key)) {
        rt_out_put(&u->out, rt_lit(","));
    }

    if (level->want_key) {
        level->want_key = 0;
        return rt_unpack_key(u, v);
    }

    placeholder = level->placeholder;

    level->some = 1;
    level->want_key = level->map;
    level->placeholder = 0;
    level->left--;

    if (v->type == RT_MSGPACK_ARRAY || v->type == RT_MSGPACK_MAP) {
        return rt_unpack_open(u, v);
    }

    return rt_unpack_scalar(u, v, placeholder);
}


static rt_int_t
rt_unpack_open(rt_unpack_t *u, const rt_msgpack_t *v)
{
    rt_unpack_level_t  *level;

    if (u->depth == RT_JSON_MAX_DEPTH) {
        return rt_unpack_refuse(u, "msgpack is nested too deep");
    }

    level = &u->levels[++u->depth];

    memset(level, 0, sizeof(rt_unpack_level_t));

    level->left = v->n;
    level->map = (v->type == RT_MSGPACK_MAP);
    level->want_key = level->map;

    rt_out_put(&u->out, level->map ? rt_lit("{") : rt_lit("["));

    return RT_OK;
}


/* all that has come to its end */

static void
rt_unpack_close(rt_unpack_t *u)
{
    rt_unpack_level_t  *level;

    for (level = &u->levels[u->depth]; u->depth && level->left == 0; level--) {
        rt_out_put(&u->out, level->map ? rt_lit("}") : rt_lit("]"));
        u->depth--;
    }
}


static rt_int_t
rt_unpack_key(rt_unpack_t *u, const rt_msgpack_t *v)
{
    switch (v->type) {

    case RT_MSGPACK_STR:
    case RT_MSGPACK_BIN:
        u->levels[u->depth].placeholder =
            rt_str_eq(v->bytes, rt_lit("_placeholder")) ? 1 : 0;

        rt_unpack_string(&u->out, v->bytes);
        break;

    case RT_MSGPACK_NIL:
        rt_out_put(&u->out, rt_lit("\"null\""));
        break;

    case RT_MSGPACK_BOOL:
        rt_out_put(&u->out, v->n ? rt_lit("\"true\"") : rt_lit("\"false\""));
        break;

    case RT_MSGPACK_FLOAT:

        if (!isfinite(v->f)) {
            rt_out_put(&u->out, isnan(v->f) ? rt_lit("\"NaN\"")
                                : (v->f > 0) ? rt_lit("\"Infinity\"")
                                : rt_lit("\"-Infinity\""));
            break;
        }

        /* fall through */

    case RT_MSGPACK_UINT:
    case RT_MSGPACK_INT:
        rt_out_put(&u->out, rt_lit("\""));
        rt_unpack_number(u, v);
        rt_out_put(&u->out, rt_lit("\""));
        break;

    default:
        return rt_unpack_refuse(u, "a key of msgpack is no string");
    }

    rt_out_put(&u->out, rt_lit(":"));

    return RT_OK;
}


static rt_int_t
rt_unpack_scalar(rt_unpack_t *u, const rt_msgpack_t *v, int placeholder)
{
    switch (v->type) {

    case RT_MSGPACK_BOOL:
        rt_unpack_bool(u, v, placeholder);
        return RT_OK;

    case RT_MSGPACK_UINT:
    case RT_MSGPACK_INT:
    case RT_MSGPACK_FLOAT:
        rt_unpack_number(u, v);
        return RT_OK;

    case RT_MSGPACK_STR:
        rt_unpack_string(&u->out, v->bytes);
        return RT_OK;

    case RT_MSGPACK_BIN:
        return rt_unpack_bin(u, v->bytes);

    case RT_MSGPACK_EXT:
        return rt_unpack_ext(u, v);

    default:
        rt_out_put(&u->out, rt_lit("null"));
        return RT_OK;
    }
}


static void
rt_unpack_bool(rt_unpack_t *u, const rt_msgpack_t *v, int placeholder)
{
    if (!v->n) {
        rt_out_put(&u->out, rt_lit("false"));
        return;
    }

    u->fakes += placeholder;

    rt_out_put(&u->out, (placeholder && u->count) ? rt_lit("1")
                                                  : rt_lit("true"));
}


static rt_int_t
rt_unpack_bin(rt_unpack_t *u, rt_str_t bytes)
{
    u_char    digits[RT_NUMBER_LEN];
    rt_buf_t  b;

    if (u->n == UINT32_MAX || (u->out.b && u->n == u->count)) {
        return rt_unpack_refuse(u, "msgpack has too many attachments");
    }

    rt_buf_init(&b, digits, sizeof(digits));
    rt_buf_u64(&b, u->n);

    rt_out_put(&u->out, rt_lit("{\"_placeholder\":true,\"num\":"));
    rt_out_put(&u->out, rt_buf_str(&b));
    rt_out_put(&u->out, rt_lit("}"));

    if (u->out.b) {
        u->attachments[u->n] = bytes;
    }

    u->n++;

    return RT_OK;
}


static rt_int_t
rt_unpack_ext(rt_unpack_t *u, const rt_msgpack_t *v)
{
    size_t    i;
    double    high, nsec;
    uint64_t  n;

    n = 0;
    nsec = 0;

    /* the last 8 bytes, and what stands before them in a timestamp of 12 */

    for (i = 0; i < v->bytes.len && v->bytes.len <= 12; i++) {

        if (i == 4 && v->bytes.len == 12) {
            nsec = (double) n;
            n = 0;
        }

        n = (n << 8) | v->bytes.data[i];
    }

    high = (double) (int32_t) (n >> 32) * RT_UNPACK_TWO_32;

    if (v->i == RT_UNPACK_OLD && !v->n) {
        return rt_unpack_bin(u, v->bytes);
    }

    if (v->i == RT_UNPACK_OLD && v->bytes.len == 8) {
        rt_unpack_time(u, high + (double) (uint32_t) n);

    } else if (v->i == RT_UNPACK_TIME && v->bytes.len == 4) {
        rt_unpack_time(u, (double) n * 1e3);

    } else if (v->i == RT_UNPACK_TIME && v->bytes.len == 8) {
        rt_unpack_time(u, (double) (n & 0x3ffffffffULL) * 1e3
                          + (double) (n >> 34) / 1e6);

    } else if (v->i == RT_UNPACK_TIME && v->bytes.len == 12) {
        rt_unpack_time(u, (high + (double) (uint32_t) n) * 1e3 + nsec / 1e6);

    } else {
        rt_out_put(&u->out, rt_lit("null"));
    }

    return RT_OK;
}


/* as Date.prototype.toISOString(), with six digits and a sign where needed */

static void
rt_unpack_time(rt_unpack_t *u, double msec)
{
    int       i, year;
    u_char    text[RT_TIME_ISO_LEN], before[7];
    int64_t   t, era;
    rt_str_t  number;

    if (!(fabs(msec) <= RT_UNPACK_TIME_MAX)) {
        rt_out_put(&u->out, rt_lit("null"));
        return;
    }

    t = (int64_t) msec;

    era = t / RT_UNPACK_ERA - (t % RT_UNPACK_ERA < 0);
    t -= era * RT_UNPACK_ERA;

    rt_time_iso(text, (uint64_t) t);

    year = (text[0] - '0') * 1000 + (text[1] - '0') * 100 + (text[2] - '0') * 10
           + (text[3] - '0') + (int) era * 400;

    before[0] = (year < 0) ? '-' : '+';
    number = (year < 0 || year > 9999) ? rt_str(7, before)
                                       : rt_str(4, before + 3);

    for (i = 6, year = (year < 0) ? -year : year; i > 0; i--, year /= 10) {
        before[i] = (u_char) ('0' + year % 10);
    }

    rt_out_put(&u->out, rt_lit("\""));
    rt_out_put(&u->out, number);
    rt_out_put(&u->out, rt_str(sizeof(text) - 4, text + 4));
    rt_out_put(&u->out, rt_lit("\""));
}


static void
rt_unpack_number(rt_unpack_t *u, const rt_msgpack_t *v)
{
    double  d;
    u_char  text[RT_NUMBER_LEN];

    d = (v->type == RT_MSGPACK_UINT) ? (double) v->n
        : (v->type == RT_MSGPACK_INT) ? (double) v->i : v->f;

    if (!isfinite(d)) {
        rt_out_put(&u->out, rt_lit("null"));
        return;
    }

    rt_out_put(&u->out, rt_str(rt_number_format(text, d), text));
}


/* one U+FFFD for each longest piece that could have begun a character, or else
   for a byte */

void
rt_unpack_string(rt_out_t *out, rt_str_t s)
{
    rt_utf8_t      state;
    const u_char  *p, *start, *good, *last;

    rt_out_put(out, rt_lit("\""));

    if (rt_utf8_check(s) == RT_OK) {
        rt_unpack_escaped(out, s);
        rt_out_put(out, rt_lit("\""));
        return;
    }

    start = good = p = s.data;
    last = p + s.len;
    state = 0;

    while (p != last) {

        if (rt_utf8_feed(&state, p, 1) == RT_OK) {
            p++;
            good = (state == 0) ? p : good;
            continue;
        }

        rt_unpack_escaped(out, rt_str((size_t) (good - start), start));
        rt_out_put(out, rt_lit("\xef\xbf\xbd"));

        p += (p == good);
        start = good = p;
        state = 0;
    }

    rt_unpack_escaped(out, rt_str((size_t) (good - start), start));
    rt_out_put(out, (good == last) ? rt_lit("\"")
                                   : rt_lit("\xef\xbf\xbd\""));
}


/* what rt_buf_json() writes between the quotes */

static void
rt_unpack_escaped(rt_out_t *out, rt_str_t s)
{
    u_char         room[RT_BUF_ESCAPED + 2];
    rt_buf_t       b;
    const u_char  *p, *run, *last;

    run = s.data;
    last = s.len ? s.data + s.len : s.data;

    for (p = run; p != last; p++) {

        if (*p >= 0x20 && *p != '"' && *p != '\\') {
            continue;
        }

        rt_buf_init(&b, room, sizeof(room));
        rt_buf_json(&b, rt_str(1, p));

        rt_out_put(out, rt_str((size_t) (p - run), run));
        rt_out_put(out, rt_str(rt_buf_str(&b).len - 2, room + 1));
        run = p + 1;
    }

    rt_out_put(out, rt_str((size_t) (last - run), run));
}


static rt_int_t
rt_unpack_refuse(rt_unpack_t *u, const char *why)
{
    u->why = why;

    return RT_ERROR;
}
