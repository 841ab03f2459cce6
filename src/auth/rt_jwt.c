
/*
 * rt_jwt.c: JSON Web Tokens: the form, the header and the signature.
 */


#include "auth/rt_jwt.h"
#include "base/rt_base64.h"
#include "base/rt_json.h"
#include "base/rt_utf8.h"

#include <strings.h>


/* three parts in base64url, with dots between them */

typedef struct {
    rt_str_t      header;
    rt_str_t      payload;
    rt_str_t      signature;
    rt_str_t      input;        /* what is signed: the first two, as they are */
} rt_jwt_parts_t;


typedef struct {
    rt_jwt_alg_e  alg;
    rt_str_t      kid;          /* a JSON string; empty: none */
} rt_jwt_header_t;


static rt_int_t rt_jwt_split(rt_jwt_parts_t *parts, rt_str_t token,
    const char **why);
static rt_int_t rt_jwt_header(rt_jwt_header_t *h, rt_str_t part, u_char *buf,
    const char **why);
static int rt_jwt_type_known(rt_str_t typ);


rt_int_t
rt_jwt_verify(const rt_jwt_policy_t *p, rt_str_t token, uint64_t now,
    u_char *buf, size_t size, rt_jwt_claims_t *claims, const char **why)
{
    rt_str_t  payload;

    if (rt_jwt_signature(p->keys, token, buf, size, &payload, why) != RT_OK) {
        return RT_ERROR;
    }

    return rt_jwt_claims(p, payload, now, buf + RT_JWT_MAX, size - RT_JWT_MAX,
                         claims, why);
}


rt_int_t
rt_jwt_signature(const rt_jwt_keys_t *keys, rt_str_t token, u_char *buf,
    size_t size, rt_str_t *payload, const char **why)
{
    u_char           sig[rt_base64_max(RT_JWT_SIGNATURE_MAX * 4 / 3 + 4)];
    ssize_t          n;
    rt_jwt_parts_t   parts;
    rt_jwt_header_t  header;

    if (size < RT_JWT_BUF) {
        *why = "The token does not fit";
        return RT_ERROR;
    }

    if (rt_jwt_split(&parts, token, why) != RT_OK
        || rt_jwt_header(&header, parts.header, buf, why) != RT_OK)
    {
        return RT_ERROR;
    }

    n = RT_ERROR;

    if (rt_base64_max(parts.signature.len) <= sizeof(sig)) {
        n = rt_base64url_decode(sig, parts.signature);
    }

    /* an algorithm that no key has is named first, whatever comes with it */

    if (rt_jwt_keys_verify(keys, header.alg, header.kid, parts.input,
                           rt_str((n == RT_ERROR) ? 0 : (size_t) n, sig), why)
        != RT_OK)
    {
        return RT_ERROR;
    }

    n = rt_base64url_decode(buf, parts.payload);

    if (n == RT_ERROR) {
        *why = "The token's payload is malformed";
        return RT_ERROR;
    }

    *payload = rt_str((size_t) n, buf);

    return RT_OK;
}


rt_int_t
rt_jwt_object(rt_str_t text, u_char *buf, size_t size)
{
    ssize_t          n;
    rt_str_t         key, value, names[RT_JWT_MEMBERS];
    rt_uint_t        i, count;
    const char      *why;
    rt_json_iter_t   it;

    if (rt_utf8_check(text) != RT_OK || rt_json_check(text, &why) != RT_OK
        || rt_json_type(text) != RT_JSON_OBJECT)
    {
        return RT_ERROR;
    }

    count = 0;
    rt_json_each(&it, text);

    while (rt_json_next(&it, &key, &value) == RT_OK) {

        n = rt_json_decode(key, buf, size);

        if (count == RT_JWT_MEMBERS || n == RT_ERROR) {
            return RT_ERROR;
        }

        names[count] = rt_str((size_t) n, buf);

        for (i = 0; i < count; i++) {

            if (rt_str_eq(names[i], names[count])) {
                return RT_ERROR;
            }
        }

        count++;
        buf += n;
        size -= (size_t) n;
    }

    return RT_OK;
}


static rt_int_t
rt_jwt_split(rt_jwt_parts_t *parts, rt_str_t token, const char **why)
{
    const u_char  *first, *second, *last;

    if (token.len == 0) {
        *why = "The token is empty";
        return RT_ERROR;
    }

    if (token.len > RT_JWT_MAX) {
        *why = "The token is too long";
        return RT_ERROR;
    }

    last = token.data + token.len;
    first = memchr(token.data, '.', token.len);
    second = NULL;

    if (first) {
        second = memchr(first + 1, '.', (size_t) (last - first - 1));
    }

    if (second == NULL
        || memchr(second + 1, '.', (size_t) (last - second - 1)) != NULL)
    {
        *why = "The token does not have three parts";
        return RT_ERROR;
    }

    parts->header = rt_str((size_t) (first - token.data), token.data);
    parts->payload = rt_str((size_t) (second - first - 1), first + 1);
    parts->signature = rt_str((size_t) (last - second - 1), second + 1);
    parts->input = rt_str((size_t) (second - token.data), token.data);

    return RT_OK;
}


/* the kid stays in "buf", whose two halves hold the text and its names */

static rt_int_t
rt_jwt_header(rt_jwt_header_t *h, rt_str_t part, u_char *buf, const char **why)
{
    ssize_t   n;
    rt_str_t  text, alg, typ, any;

    *why = "The token's header is malformed";

    n = rt_base64url_decode(buf, part);
    text = rt_str((n == RT_ERROR) ? 0 : (size_t) n, buf);

    if (rt_jwt_object(text, buf + RT_JWT_MAX, RT_JWT_MAX) != RT_OK) {
        return RT_ERROR;
    }

    if (rt_json_get(text, rt_lit("alg"), &alg) != RT_OK
        || rt_json_type(alg) != RT_JSON_STRING)
    {
        return RT_ERROR;
    }

    h->alg = rt_jwt_alg(alg);
    h->kid = rt_str(0, NULL);

    if (rt_json_get(text, rt_lit("kid"), &h->kid) == RT_OK
        && rt_json_type(h->kid) != RT_JSON_STRING)
    {
        return RT_ERROR;
    }

    if (rt_json_get(text, rt_lit("typ"), &typ) == RT_OK) {

        if (rt_json_type(typ) != RT_JSON_STRING) {
            return RT_ERROR;
        }

        if (!rt_jwt_type_known(typ)) {
            *why = "The token's type is not JWT";
            return RT_ERROR;
        }
    }

    /* b64 (RFC 7797) would have the payload read in another way */

    if (rt_json_get(text, rt_lit("crit"), &any) == RT_OK
        || rt_json_get(text, rt_lit("b64"), &any) == RT_OK)
    {
        *why = "The token has an extension that is not supported";
        return RT_ERROR;
    }

    return RT_OK;
}


/* RFC 7515, 4.1.9: "application/" is left out mostly, and case is no matter */

static int
rt_jwt_type_known(rt_str_t typ)
{
    size_t       n;
    char         text[sizeof("application/at+jwt")];
    ssize_t      len;
    const char  *name;

    len = rt_json_decode(typ, (u_char *) text, sizeof(text) - 1);

    if (len == RT_ERROR) {
        return 0;
    }

    text[len] = '\0';

    n = sizeof("application/") - 1;
    name = (strncasecmp(text, "application/", n) == 0) ? text + n : text;

    /* a \0 within would hide the rest */

    return strlen(text) == (size_t) len
           && (strcasecmp(name, "JWT") == 0 || strcasecmp(name, "at+jwt") == 0);
}
