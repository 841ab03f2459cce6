
/*
 * rt_jwt_claims.c: JSON Web Tokens: what the payload says.
 */


#include "auth/rt_jwt.h"
#include "base/rt_json.h"
#include "base/rt_json_chars.h"


/* an exponent beyond makes any number that fits in a token 0 or too large */
#define RT_JWT_EXPONENT_MAX  (2 * RT_JWT_MAX)


/* a claim that names the user, in the order in which they count */

typedef struct {
    rt_str_t     name;
    const char  *not_a_string;
    const char  *bad_characters;
} rt_jwt_user_claim_t;


static const rt_jwt_user_claim_t  rt_jwt_user_claims[] = {
    { rt_string("userId"),
      "The token's userId claim is not a string of 1 to 255 bytes",
      "The token's userId claim has characters that are not allowed" },
    { rt_string("sub"),
      "The token's sub claim is not a string of 1 to 255 bytes",
      "The token's sub claim has characters that are not allowed" }
};


static rt_int_t rt_jwt_times(rt_str_t payload, uint64_t now,
    rt_jwt_claims_t *claims, const char **why);
static rt_int_t rt_jwt_time(rt_str_t payload, rt_str_t name, uint64_t *time);
static uint64_t rt_jwt_date(rt_str_t v);
static ssize_t rt_jwt_exponent(rt_str_t v);

static rt_int_t rt_jwt_parties(const rt_jwt_policy_t *p, rt_str_t payload,
    const char **why);
static int rt_jwt_one_of(rt_str_t v, const rt_str_t *list, rt_uint_t n);
static int rt_jwt_audience(const rt_jwt_policy_t *p, rt_str_t aud);

static rt_int_t rt_jwt_user(rt_str_t payload, u_char *buf, size_t size,
    rt_jwt_claims_t *claims, const char **why);
static int rt_jwt_user_plain(rt_str_t user);

static rt_int_t rt_jwt_rooms(rt_str_t payload, rt_jwt_claims_t *claims,
    const char **why);
static int rt_jwt_room(rt_str_t v);
static rt_int_t rt_jwt_permissions(rt_str_t payload, rt_jwt_claims_t *claims,
    const char **why);


rt_int_t
rt_jwt_claims(const rt_jwt_policy_t *p, rt_str_t payload, uint64_t now,
    u_char *buf, size_t size, rt_jwt_claims_t *claims, const char **why)
{
    memset(claims, 0, sizeof(rt_jwt_claims_t));

    if (rt_jwt_object(payload, buf, size) != RT_OK) {
        *why = "The token's payload is malformed";
        return RT_ERROR;
    }

    if (rt_jwt_times(payload, now, claims, why) != RT_OK
        || rt_jwt_parties(p, payload, why) != RT_OK
        || rt_jwt_user(payload, buf, size, claims, why) != RT_OK
        || rt_jwt_rooms(payload, claims, why) != RT_OK
        || rt_jwt_permissions(payload, claims, why) != RT_OK)
    {
        return RT_ERROR;
    }

    return RT_OK;
}


static rt_int_t
rt_jwt_times(rt_str_t payload, uint64_t now, rt_jwt_claims_t *claims,
    const char **why)
{
    rt_int_t  rc;
    uint64_t  time;

    rc = rt_jwt_time(payload, rt_lit("exp"), &time);

    if (rc == RT_ERROR) {
        *why = "The token's exp claim is not a number";
        return RT_ERROR;
    }

    if (rc == RT_OK && now >= time) {
        *why = "The token has expired";
        return RT_ERROR;
    }

    claims->expires = (rc == RT_OK) ? time : 0;

    rc = rt_jwt_time(payload, rt_lit("nbf"), &time);

    if (rc == RT_ERROR) {
        *why = "The token's nbf claim is not a number";
        return RT_ERROR;
    }

    if (rc == RT_OK && time > now + RT_JWT_LEEWAY) {
        *why = "The token is not valid yet";
        return RT_ERROR;
    }

    rc = rt_jwt_time(payload, rt_lit("iat"), &time);

    if (rc == RT_ERROR) {
        *why = "The token's iat claim is not a number";
        return RT_ERROR;
    }

    if (rc == RT_OK && time > now + RT_JWT_LEEWAY) {
        *why = "The token's iat claim is in the future";
        return RT_ERROR;
    }

    return RT_OK;
}


/* RT_OK, RT_DECLINED where there is no such claim, RT_ERROR for no number */

static rt_int_t
rt_jwt_time(rt_str_t payload, rt_str_t name, uint64_t *time)
{
    rt_str_t  value;

    if (rt_json_get(payload, name, &value) != RT_OK) {
        return RT_DECLINED;
    }

    if (rt_json_type(value) != RT_JSON_NUMBER) {
        return RT_ERROR;
    }

    *time = rt_jwt_date(value);

    return RT_OK;
}


/*
 * The whole seconds of a JSON number, from 0 for what is before the epoch to
 * RT_JWT_LATEST: its digits up to the point, where the exponent puts that.
 */

static uint64_t
rt_jwt_date(rt_str_t v)
{
    size_t    i;
    ssize_t   n, point;
    uint64_t  value;

    if (v.data[0] == '-') {
        return 0;
    }

    for (i = 0; i < v.len && rt_json_is_digit(v.data[i]); i++) { /* void */ }

    point = (ssize_t) i + rt_jwt_exponent(v);
    value = 0;
    i = 0;

    for (n = 0; n < point; n++) {

        if (i < v.len && v.data[i] == '.') {
            i++;
        }

        if (i < v.len && rt_json_is_digit(v.data[i])) {
            value = value * 10 + (uint64_t) (v.data[i] - '0');
            i++;

        } else {
            value *= 10;
        }

        if (value > RT_JWT_LATEST) {
            return RT_JWT_LATEST;
        }
    }

    return value;
}


static ssize_t
rt_jwt_exponent(rt_str_t v)
{
    int      negative;
    size_t   i;
    ssize_t  n;

    for (i = 0; i < v.len && (v.data[i] | 0x20) != 'e'; i++) { /* void */ }

    i++;
    negative = 0;

    if (i < v.len && (v.data[i] == '-' || v.data[i] == '+')) {
        negative = (v.data[i] == '-');
        i++;
    }

    for (n = 0; i < v.len; i++) {
        n = n * 10 + (v.data[i] - '0');

        if (n > RT_JWT_EXPONENT_MAX) {
            n = RT_JWT_EXPONENT_MAX;
        }
    }

    return negative ? -n : n;
}


static rt_int_t
rt_jwt_parties(const rt_jwt_policy_t *p, rt_str_t payload, const char **why)
{
    rt_str_t  value;

    if (p->nissuers
        && (rt_json_get(payload, rt_lit("iss"), &value) != RT_OK
            || !rt_jwt_one_of(value, p->issuers, p->nissuers)))
    {
        *why = "The token's iss claim is not accepted";
        return RT_ERROR;
    }

    if (p->naudiences
        && (rt_json_get(payload, rt_lit("aud"), &value) != RT_OK
            || !rt_jwt_audience(p, value)))
    {
        *why = "The token's aud claim is not accepted";
        return RT_ERROR;
    }

    return RT_OK;
}


static int
rt_jwt_one_of(rt_str_t v, const rt_str_t *list, rt_uint_t n)
{
    rt_uint_t  i;

    for (i = 0; i < n; i++) {

        if (rt_json_is(v, list[i])) {
            return 1;
        }
    }

    return 0;
}


static int
rt_jwt_audience(const rt_jwt_policy_t *p, rt_str_t aud)
{
    int             found;
    rt_str_t        one;
    rt_json_iter_t  it;

    if (rt_json_type(aud) != RT_JSON_ARRAY) {
        return rt_jwt_one_of(aud, p->audiences, p->naudiences);
    }

    found = 0;
    rt_json_each(&it, aud);

    while (rt_json_next(&it, NULL, &one) == RT_OK) {

        if (rt_json_type(one) != RT_JSON_STRING) {
            return 0;
        }

        found |= rt_jwt_one_of(one, p->audiences, p->naudiences);
    }

    return found;
}


static rt_int_t
rt_jwt_user(rt_str_t payload, u_char *buf, size_t size,
    rt_jwt_claims_t *claims, const char **why)
{
    ssize_t                     n;
    rt_str_t                    value;
    rt_uint_t                   i;
    const rt_jwt_user_claim_t  *c;

    for (i = 0; i < rt_nitems(rt_jwt_user_claims); i++) {
        c = &rt_jwt_user_claims[i];

        if (rt_json_get(payload, c->name, &value) == RT_OK) {
            break;
        }
    }

    if (i == rt_nitems(rt_jwt_user_claims)) {
        *why = "The token has no userId or sub claim";
        return RT_ERROR;
    }

    n = rt_json_decode(value, buf, size);

    if (n <= 0 || n > RT_USER_MAX) {
        *why = c->not_a_string;
        return RT_ERROR;
    }

    claims->user = rt_str((size_t) n, buf);

    if (!rt_jwt_user_plain(claims->user)) {
        *why = c->bad_characters;
        return RT_ERROR;
    }

    return RT_OK;
}


/*
 * No control characters.  And no U+FFFD, which stands for any lone surrogate:
 * users who differ in nothing else would be one.
 */

static int
rt_jwt_user_plain(rt_str_t user)
{
    size_t  i;

    for (i = 0; i < user.len; i++) {

        if (user.data[i] < 0x20 || user.data[i] == 0x7f) {
            return 0;
        }

        if (user.data[i] == 0xef && user.len - i >= 3
            && memcmp(user.data + i, "\xef\xbf\xbd", 3) == 0)
        {
            return 0;
        }
    }

    return 1;
}


static rt_int_t
rt_jwt_rooms(rt_str_t payload, rt_jwt_claims_t *claims, const char **why)
{
    rt_str_t        room, rooms;
    rt_uint_t       n;
    rt_json_iter_t  it;

    if (rt_json_get(payload, rt_lit("rooms"), &rooms) != RT_OK) {
        return RT_OK;
    }

    *why = "The token's rooms claim is not an array of room names";

    if (rt_json_type(rooms) != RT_JSON_ARRAY) {
        return RT_ERROR;
    }

    rt_json_each(&it, rooms);

    for (n = 0; rt_json_next(&it, NULL, &room) == RT_OK; n++) {

        if (n == RT_JWT_ROOMS) {
            *why = "The token's rooms claim has too many rooms";
            return RT_ERROR;
        }

        if (!rt_jwt_room(room)) {
            return RT_ERROR;
        }
    }

    claims->rooms = rooms;

    return RT_OK;
}


/* whether it is a string, and that a room's name or a pattern of names */

static int
rt_jwt_room(rt_str_t v)
{
    size_t   i, n;
    u_char   ch, name[RT_JWT_ROOM_MAX + 1];
    ssize_t  len;

    len = rt_json_decode(v, name, sizeof(name));

    if (len <= 0) {
        return 0;
    }

    n = (size_t) len;

    if (name[n - 1] == '*') {
        n--;

    } else if (n > RT_JWT_ROOM_MAX) {
        return 0;
    }

    for (i = 0; i < n; i++) {
        ch = name[i];

        if ((ch < 'a' || ch > 'z') && !rt_json_is_digit(ch)
            && ch != '-' && ch != '_')
        {
            return 0;
        }
    }

    return 1;
}


static rt_int_t
rt_jwt_permissions(rt_str_t payload, rt_jwt_claims_t *claims, const char **why)
{
    rt_str_t        permission, permissions;
    rt_json_iter_t  it;

    if (rt_json_get(payload, rt_lit("permissions"), &permissions) != RT_OK) {
        claims->read = 1;
        claims->write = 1;
        return RT_OK;
    }

    *why = "The token's permissions claim is not an array of strings";

    if (rt_json_type(permissions) != RT_JSON_ARRAY) {
        return RT_ERROR;
    }

    claims->has_permissions = 1;
    rt_json_each(&it, permissions);

    while (rt_json_next(&it, NULL, &permission) == RT_OK) {

        if (rt_json_type(permission) != RT_JSON_STRING) {
            return RT_ERROR;
        }

        claims->read |= (unsigned) rt_json_is(permission, rt_lit("read")) & 1;
        claims->write |= (unsigned) rt_json_is(permission, rt_lit("write")) & 1;
    }

    return RT_OK;
}
