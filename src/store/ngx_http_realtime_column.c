
#include "store/ngx_http_realtime_column.h"

#include "base/rt_utf8.h"


static ngx_int_t ngx_http_realtime_column_grow(ngx_http_realtime_column_t *c,
    size_t more, ngx_log_t *log);
static u_char *ngx_http_realtime_column_text(u_char *p, rt_str_t text);
static u_char *ngx_http_realtime_column_json(u_char *p, rt_str_t json);
static u_char *ngx_http_realtime_column_escaped(u_char *p, rt_str_t escape,
    ngx_uint_t bad);
static size_t ngx_http_realtime_column_number(const u_char *p,
    const u_char *last, ngx_uint_t *bad);
static size_t ngx_http_realtime_column_escape(const u_char *p,
    const u_char *last, ngx_uint_t *bad);
static ngx_int_t ngx_http_realtime_column_hex(const u_char *p,
    const u_char *last);


/* U+FFFD, as UTF-8 and as JSON in an array */
#define NGX_HTTP_REALTIME_COLUMN_BAD       "\xef\xbf\xbd"
#define NGX_HTTP_REALTIME_COLUMN_BAD_JSON  "\\\\ufffd"

/* numbers that are longer, or have longer exponents, become text */
#define NGX_HTTP_REALTIME_COLUMN_NUMBER    15000
#define NGX_HTTP_REALTIME_COLUMN_EXPONENT  3

/* bytes that one byte takes at most: a bad one */
#define NGX_HTTP_REALTIME_COLUMN_MAX       3


void
ngx_http_realtime_column_reset(ngx_http_realtime_column_t *c)
{
    c->len = 0;
    c->n = 0;
    c->failed = 0;
}


void
ngx_http_realtime_column_add(ngx_http_realtime_column_t *c, rt_str_t text,
    ngx_log_t *log)
{
    u_char  *p;

    if (ngx_http_realtime_column_grow(c, text.len, log) != NGX_OK) {
        return;
    }

    p = c->data + c->len;
    *p++ = c->n++ ? ',' : '{';

    if (text.data == NULL) {
        p = ngx_cpymem(p, "NULL", 4);

    } else {
        *p++ = '"';
        p = ngx_http_realtime_column_text(p, text);
        *p++ = '"';
    }

    c->len = p - c->data;
}


void
ngx_http_realtime_column_add_json(ngx_http_realtime_column_t *c,
    rt_str_t json, ngx_log_t *log)
{
    u_char  *p;

    if (json.data == NULL) {
        ngx_http_realtime_column_add(c, json, log);
        return;
    }

    if (ngx_http_realtime_column_grow(c, json.len, log) != NGX_OK) {
        return;
    }

    p = c->data + c->len;
    *p++ = c->n++ ? ',' : '{';
    *p++ = '"';
    p = ngx_http_realtime_column_json(p, json);
    *p++ = '"';

    c->len = p - c->data;
}


const char *
ngx_http_realtime_column_value(ngx_http_realtime_column_t *c, ngx_log_t *log)
{
    u_char  *p;

    if (ngx_http_realtime_column_grow(c, 0, log) != NGX_OK) {
        return NULL;
    }

    p = c->data + c->len;

    if (c->n == 0) {
        *p++ = '{';
    }

    *p++ = '}';
    *p = '\0';

    return (char *) c->data;
}


/* room for an element of "more" bytes and what stands around it */

static ngx_int_t
ngx_http_realtime_column_grow(ngx_http_realtime_column_t *c, size_t more,
    ngx_log_t *log)
{
    size_t   size;
    u_char  *p;

    more = more * NGX_HTTP_REALTIME_COLUMN_MAX + 16;

    if (c->failed) {
        return NGX_ERROR;
    }

    if (c->len + more <= c->size) {
        return NGX_OK;
    }

    size = ngx_max(c->size * 2, c->len + more);

    p = ngx_alloc(size, log);
    if (p == NULL) {
        c->failed = 1;
        return NGX_ERROR;
    }

    if (c->data) {
        ngx_memcpy(p, c->data, c->len);
        ngx_free(c->data);
    }

    c->data = p;
    c->size = size;

    return NGX_OK;
}


static u_char *
ngx_http_realtime_column_text(u_char *p, rt_str_t text)
{
    size_t      i;
    u_char      ch;
    ngx_uint_t  valid = (rt_utf8_check(text) == RT_OK);

    for (i = 0; i < text.len; i++) {

        ch = text.data[i];

        if (ch == '\0' || (ch >= 0x80 && !valid)) {
            p = ngx_cpymem(p, NGX_HTTP_REALTIME_COLUMN_BAD,
                           sizeof(NGX_HTTP_REALTIME_COLUMN_BAD) - 1);
            continue;
        }

        if (ch == '"' || ch == '\\') {
            *p++ = '\\';
        }

        *p++ = ch;
    }

    return p;
}


/* is valid, and so is its UTF-8: only escapes can be bad */

static u_char *
ngx_http_realtime_column_json(u_char *p, rt_str_t json)
{
    size_t         n;
    ngx_uint_t     bad, text = 0;
    const u_char  *s = json.data, *last = json.data + json.len;

    while (s < last) {

        if (*s == '"') {
            *p++ = '\\';
            *p++ = *s++;
            text = !text;

        } else if (*s == '\\') {
            n = ngx_http_realtime_column_escape(s, last, &bad);
            p = ngx_http_realtime_column_escaped(p, rt_str(n, s), bad);
            s += n;

        } else if (!text && (*s == '-' || (*s >= '0' && *s <= '9'))) {
            n = ngx_http_realtime_column_number(s, last, &bad);
            p = bad ? ngx_cpymem(p, "\\\"", 2) : p;
            p = ngx_cpymem(p, s, n);
            p = bad ? ngx_cpymem(p, "\\\"", 2) : p;
            s += n;

        } else {
            *p++ = *s++;
        }
    }

    return p;
}


static u_char *
ngx_http_realtime_column_escaped(u_char *p, rt_str_t escape, ngx_uint_t bad)
{
    size_t  i;

    if (bad) {
        return ngx_cpymem(p, NGX_HTTP_REALTIME_COLUMN_BAD_JSON,
                          sizeof(NGX_HTTP_REALTIME_COLUMN_BAD_JSON) - 1);
    }

    for (i = 0; i < escape.len; i++) {

        if (escape.data[i] == '"' || escape.data[i] == '\\') {
            *p++ = '\\';
        }

        *p++ = escape.data[i];
    }

    return p;
}


/* its length; "bad" if it may be more than NUMERIC of PostgreSQL can be */

static size_t
ngx_http_realtime_column_number(const u_char *p, const u_char *last,
    ngx_uint_t *bad)
{
    size_t         digits = 0;
    ngx_uint_t     exponent = 0;
    const u_char  *s;

    for (s = p; s < last; s++) {

        if (*s == 'e' || *s == 'E') {
            exponent = 1;

        } else if (*s >= '0' && *s <= '9') {
            digits += exponent;

        } else if (*s != '-' && *s != '+' && *s != '.') {
            break;
        }
    }

    *bad = (digits > NGX_HTTP_REALTIME_COLUMN_EXPONENT
            || s - p > NGX_HTTP_REALTIME_COLUMN_NUMBER);

    return s - p;
}


/* bytes of the escape, two of them where they are a pair */

static size_t
ngx_http_realtime_column_escape(const u_char *p, const u_char *last,
    ngx_uint_t *bad)
{
    ngx_int_t  ch, low;

    *bad = 0;

    if (last - p < 2) {
        return last - p;
    }

    if (p[1] != 'u') {
        return 2;
    }

    ch = ngx_http_realtime_column_hex(p, last);

    if (ch == NGX_ERROR) {
        return 2;
    }

    if (ch >= 0xd800 && ch <= 0xdbff) {

        low = ngx_http_realtime_column_hex(p + 6, last);

        if (low >= 0xdc00 && low <= 0xdfff) {
            return 12;
        }
    }

    *bad = (ch == 0 || (ch >= 0xd800 && ch <= 0xdfff));

    return 6;
}


/* of backslash, "u" and four digits; NGX_ERROR: it is none */

static ngx_int_t
ngx_http_realtime_column_hex(const u_char *p, const u_char *last)
{
    if (last - p < 6 || p[0] != '\\' || p[1] != 'u') {
        return NGX_ERROR;
    }

    return ngx_hextoi((u_char *) p + 2, 4);
}


void
ngx_http_realtime_column_free(ngx_http_realtime_column_t *c)
{
    if (c->data) {
        ngx_free(c->data);
    }

    ngx_memzero(c, sizeof(ngx_http_realtime_column_t));
}
