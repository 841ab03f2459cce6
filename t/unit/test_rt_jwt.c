
/*
 * JSON Web Tokens: the RFCs' examples, tokens of the usual libraries, and
 * hundreds that must be refused for the reason that they were made for.
 */

#include "auth/rt_jwt.h"
#include "base/rt_base64.h"
#include "rt_files.h"
#include "rt_vectors.h"

#include <openssl/err.h>


#define NOW     2000000000ULL
#define SECRET  "a secret of the tests, which everybody may know"

/* RFC 7515, A.1 to A.3, RFC 8037, A.4 */

#define RFC_PAYLOAD                                                           \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmN" \
    "vbS9pc19yb290Ijp0cnVlfQ"

#define RFC_TEXT                                                              \
    "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n "                          \
    "\"http://example.com/is_root\":true}"

typedef struct {
    const char  *name;
    const char  *key;
    const char  *token;
    const char  *payload;
} rfc_t;


static const rfc_t  rfcs[] = {
    { "RFC 7515, A.1 (HS256)",
      "{\"kty\":\"oct\",\"k\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1"
      "qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow\"}",
      "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." RFC_PAYLOAD
      ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", RFC_TEXT },

    { "RFC 7515, A.2 (RS256)",
      "{\"kty\":\"RSA\",\"n\":\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9"
      "k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD"
      "1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdb"
      "BYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4L"
      "T6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb5"
      "4h4FRWyuXpoQ\",\"e\":\"AQAB\"}",
      "eyJhbGciOiJSUzI1NiJ9." RFC_PAYLOAD
      ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm"
      "4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f"
      "_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOL"
      "n6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUT"
      "I8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw", RFC_TEXT },

    { "RFC 7515, A.3 (ES256)",
      "{\"kty\":\"EC\",\"crv\":\"P-256\","
      "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
      "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}",
      "eyJhbGciOiJFUzI1NiJ9." RFC_PAYLOAD
      ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxf"
      "KTUJqPP3-Kg6NU1Q", RFC_TEXT },

    { "RFC 8037, A.4 (Ed25519)",
      "{\"kty\":\"OKP\",\"crv\":\"Ed25519\","
      "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}",
      "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
      ".hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9"
      "g7sVvpAr_MuM0KAg", "Example of Ed25519 signing" }
};


static rt_jwt_keys_t          *all_keys;

static const rt_str_t          issuers[] = {
    rt_string("somebody else"), rt_string("https://issuer.example")
};

static const rt_str_t          audiences[] = {
    rt_string("realtime"), rt_string("another")
};

static rt_jwt_policy_t         anybody;
static rt_jwt_policy_t         parties;


static void
load_keys(void)
{
    rt_str_t     pem;
    const char  *why;

    all_keys = rt_jwt_keys_new();
    pem = rt_file("all.pem");

    ok(rt_jwt_keys_add_secret(all_keys, rt_lit(SECRET), rt_str(0, NULL), &why)
       == RT_OK
       && rt_jwt_keys_add_text(all_keys, pem, rt_str(0, NULL), &why) == RT_OK,
       "the keys are there");

    rt_test_free(pem);

    anybody = (rt_jwt_policy_t) { .keys = all_keys };
    parties = (rt_jwt_policy_t) { all_keys, issuers, 2, audiences, 2 };
}


/* in memory of just the size that the header asks for */

static rt_int_t
verify(const rt_jwt_policy_t *p, rt_str_t token, rt_jwt_claims_t *claims,
    u_char **buf, const char **why)
{
    rt_int_t  rc;

    *buf = malloc(RT_JWT_BUF);
    *why = NULL;

    rc = rt_jwt_verify(p, token, NOW, *buf, RT_JWT_BUF, claims, why);

    if (ERR_peek_error() != 0) {
        ok(0, "no error is left in OpenSSL's queue");
        ERR_clear_error();
    }

    return rc;
}


static int
refused(const rt_jwt_policy_t *p, rt_str_t token, const char **why)
{
    u_char           *buf;
    rt_int_t          rc;
    rt_str_t          copy;
    rt_jwt_claims_t   claims;

    copy = rt_test_copy(token);
    rc = verify(p, copy, &claims, &buf, why);

    free(buf);
    rt_test_free(copy);

    return rc == RT_ERROR && *why != NULL;
}


static void
test_rfcs(void)
{
    u_char         *buf;
    rt_int_t        rc;
    rt_str_t        payload, key;
    rt_uint_t       i, j;
    const char     *why;
    const rfc_t    *r;
    rt_jwt_keys_t  *keys;

    buf = malloc(RT_JWT_BUF);

    for (i = 0; i < rt_nitems(rfcs); i++) {
        r = &rfcs[i];
        keys = rt_jwt_keys_new();
        key = rt_str(strlen(r->key), r->key);

        is_int(rt_jwt_keys_add_text(keys, key, rt_str(0, NULL), &why), RT_OK,
               r->name);

        payload = rt_str(0, NULL);
        rc = rt_jwt_signature(keys, rt_str(strlen(r->token), r->token), buf,
                              RT_JWT_BUF, &payload, &why);

        is_int(rc, RT_OK, "its signature");
        is_str(payload, rt_str(strlen(r->payload), r->payload), "its payload");

        for (j = 0; j < rt_nitems(rfcs); j++) {
            rc = rt_jwt_signature(keys, rt_str(strlen(rfcs[j].token),
                                               rfcs[j].token),
                                  buf, RT_JWT_BUF, &payload, &why);
            is_int(rc, (i == j) ? RT_OK : RT_ERROR, "its key and the others");
        }

        rt_jwt_keys_free(keys);
    }

    is_int(rt_jwt_signature(all_keys, rt_lit("a.b.c"), buf, RT_JWT_BUF - 1,
                            &payload, &why), RT_ERROR, "too little memory");
    is_str(rt_str(strlen(why), why), rt_lit("The token does not fit"), "why");
    free(buf);
}


/* "<user>,<expires>,<rooms>,<rights>", as make.js writes it */

static void
describe(char *dst, size_t size, const rt_jwt_claims_t *c)
{
    char         rooms[256], user[1024];
    size_t       i, n;
    const char  *rights;

    for (i = 0, n = 0; i < c->user.len; i++) {

        if (c->user.data[i] > 0x20 && c->user.data[i] < 0x7f) {
            user[n++] = (char) c->user.data[i];

        } else {
            n += (size_t) sprintf(user + n, "%%%02X", c->user.data[i]);
        }
    }

    user[n] = '\0';

    for (i = 0, n = 0; i < c->rooms.len; i++) {

        if (strchr("[]\"", c->rooms.data[i]) == NULL) {
            rooms[n++] = (c->rooms.data[i] == ',') ? '+'
                                                  : (char) c->rooms.data[i];
        }
    }

    rooms[n] = '\0';

    rights = c->read ? (c->write ? "read+write" : "read")
                     : (c->write ? "write" : "none");

    if (!c->has_permissions) {
        rights = (c->read && c->write) ? "all" : "wrong";
    }

    (void) snprintf(dst, size, "%s,%lu,%s,%s", user,
                    (unsigned long) c->expires,
                    c->rooms.len == 0 ? "any" : n ? rooms : "none", rights);
}


static void
check_good(const rt_vector_t *v)
{
    char              got[2048];
    u_char           *buf;
    size_t            i, n;
    rt_int_t          rc;
    rt_str_t          cut;
    const char       *why;
    rt_jwt_claims_t   claims;

    rc = verify(&anybody, v->bytes, &claims, &buf, &why);

    if (rc == RT_OK) {
        describe(got, sizeof(got), &claims);

    } else {
        (void) snprintf(got, sizeof(got), "%s", why);
    }

    ok(strcmp(got, v->expected) == 0, "%s:%u is %s, got %s", v->file, v->line,
       v->expected, got);

    free(buf);

    ok(refused(&parties, v->bytes, &why) && strstr(why, "iss claim"),
       "%s:%u has no issuer", v->file, v->line);

    /* cut anywhere, it is nothing */

    n = 0;

    for (i = 0; i < v->bytes.len; i++) {
        cut = rt_str(i, v->bytes.data);
        n += (size_t) refused(&anybody, cut, &why);
    }

    ok(n == v->bytes.len, "%s:%u cut at each byte", v->file, v->line);
}


/* one bit of each byte, or the next letter, which base64url has too */

static void
check_flipped(const rt_vector_t *v)
{
    u_char      *p;
    size_t       i, n;
    u_char       ch;
    rt_str_t     copy;
    const char  *why;

    if (v->line > 40) {
        return;
    }

    copy = rt_test_copy(v->bytes);
    p = (u_char *) (uintptr_t) copy.data;
    n = 0;

    for (i = 0; i < copy.len; i++) {
        ch = p[i];

        p[i] = (u_char) (ch ^ (1 << rt_test_random(8)));
        n += (size_t) refused(&anybody, copy, &why);

        p[i] = (u_char) ((ch == 'z') ? 'a' : (ch == '9') ? '0' : ch + 1);
        n += (size_t) refused(&anybody, copy, &why);

        p[i] = ch;
    }

    ok(n == 2 * copy.len, "%s:%u with each byte changed", v->file, v->line);
    rt_test_free(copy);
}


static unsigned  hostile;


static void
check_hostile(const rt_vector_t *v)
{
    int          good;
    char         expected[RT_VECTOR_MAX], *p;
    const char  *why;

    (void) strcpy(expected, v->expected);

    for (p = expected; *p; p++) {
        *p = (*p == '_') ? ' ' : *p;
    }

    good = refused(&parties, v->bytes, &why);

    ok(good && strcmp(why, expected) == 0, "%s:%u: %s, got %s", v->file,
       v->line, expected, good ? why : "nothing");

    hostile++;
}


/* claims by themselves: what a signature would only hide */

static rt_int_t
claim(const char *text, rt_jwt_claims_t *claims, const char **why)
{
    u_char    *buf;
    rt_int_t   rc;
    rt_str_t   payload;

    payload = rt_test_copy(rt_str(strlen(text), text));
    buf = malloc(payload.len + 1);

    rc = rt_jwt_claims(&anybody, payload, NOW, buf, payload.len, claims, why);

    /* the strings go with their memory, numbers stay */

    free(buf);
    rt_test_free(payload);

    return rc;
}


typedef struct {
    const char  *number;
    uint64_t     expires;       /* 0: it has expired */
} date_t;


static const date_t  dates[] = {
    { "2000000001", 2000000001 },
    { "2000000000", 0 },
    { "2000000000.999", 0 },
    { "2000000001.999", 2000000001 },
    { "2000000001.0", 2000000001 },
    { "2.000000001e9", 2000000001 },
    { "2.0000000019e9", 2000000001 },
    { "20.00000001E+8", 2000000001 },
    { "0.2000000001e10", 2000000001 },
    { "0.0000000002000000001e019", 2000000001 },
    { "20000000010000e-4", 2000000001 },
    { "20000000010000E-04", 2000000001 },
    { "3e9", 3000000000 },
    { "253402300799", RT_JWT_LATEST },
    { "253402300800", RT_JWT_LATEST },
    { "18446744073709551615", RT_JWT_LATEST },
    { "18446744073709551616", RT_JWT_LATEST },
    { "18446744075709551617", RT_JWT_LATEST },
    { "99999999999999999999999999999999999999999999999", RT_JWT_LATEST },
    { "1e400", RT_JWT_LATEST },
    { "1e99999999999999999999", RT_JWT_LATEST },
    { "0.1e18446744073709551627", RT_JWT_LATEST },
    { "0", 0 },
    { "-0", 0 },
    { "-1", 0 },
    { "-9999999999", 0 },
    { "-1e400", 0 },
    { "1e-400", 0 },
    { "1e-99999999999999999999", 0 },
    { "9999999999e-5", 0 },
    { "0e400", 0 },
    { "0.0e99999", 0 }
};


static void
test_dates(void)
{
    char              text[256];
    rt_int_t          rc;
    rt_uint_t         i;
    const char       *why;
    rt_jwt_claims_t   claims;

    for (i = 0; i < rt_nitems(dates); i++) {
        (void) snprintf(text, sizeof(text), "{\"sub\":\"a\",\"exp\":%s}",
                        dates[i].number);
        why = "";
        rc = claim(text, &claims, &why);

        if (dates[i].expires) {
            ok(rc == RT_OK && claims.expires == dates[i].expires, "exp %s: %lu",
               dates[i].number, (unsigned long) claims.expires);
        } else {
            ok(rc == RT_ERROR && strstr(why, "expired"), "exp %s has expired",
               dates[i].number);
        }
    }

    is_int(claim("{\"sub\":\"a\",\"nbf\":2000000005}", &claims, &why), RT_OK,
           "nbf within the leeway");
    is_int(claim("{\"sub\":\"a\",\"nbf\":2000000006}", &claims, &why), RT_ERROR,
           "nbf beyond the leeway");
    is_int(claim("{\"sub\":\"a\",\"iat\":2000000005}", &claims, &why), RT_OK,
           "iat within the leeway");
    is_int(claim("{\"sub\":\"a\",\"iat\":2000000006}", &claims, &why), RT_ERROR,
           "iat beyond the leeway");
    is_int(claim("{\"sub\":\"a\",\"nbf\":-1e9,\"iat\":-0.5}", &claims, &why),
           RT_OK, "nbf and iat before the epoch");
}


static void
test_parties(void)
{
    u_char            buf[256];
    rt_str_t          text;
    rt_uint_t         i;
    const char       *why;
    rt_jwt_claims_t   claims;

    static const rt_str_t  good[] = {
        rt_string("{\"sub\":\"a\",\"iss\":\"https://issuer.example\","
                  "\"aud\":\"realtime\"}"),
        rt_string("{\"sub\":\"a\",\"iss\":\"https:\\/\\/issuer.example\","
                  "\"aud\":[\"x\",\"realtim\\u0065\"]}"),
        rt_string("{\"sub\":\"a\",\"iss\":\"somebody else\","
                  "\"aud\":[\"another\"]}"),
        rt_string("{\"sub\":\"a\",\"iss\":\"somebody else\","
                  "\"aud\":[\"realtime\",\"x\"]}")
    };

    for (i = 0; i < rt_nitems(good); i++) {
        text = good[i];
        is_int(rt_jwt_claims(&parties, text, NOW, buf, sizeof(buf), &claims,
                             &why), RT_OK, "issuer and audience");
    }

    text = rt_lit("{\"sub\":\"a\",\"iss\":1,\"aud\":null}");
    is_int(rt_jwt_claims(&anybody, text, NOW, buf, sizeof(buf), &claims, &why),
           RT_OK, "neither is asked for");

    text = rt_lit("{\"sub\":\"a\",\"iss\":\"realtime\",\"aud\":\"realtime\"}");
    is_int(rt_jwt_claims(&parties, text, NOW, buf, sizeof(buf), &claims, &why),
           RT_ERROR, "the audience is no issuer");
}


/* limits: the last that is good, and the first that is not */

static void
test_limits(void)
{
    char             *text;
    size_t            n;
    rt_uint_t         i, over;
    const char       *why;
    rt_jwt_claims_t   claims;

    text = malloc(65536);

    for (over = 0; over < 2; over++) {

        n = (size_t) sprintf(text, "{\"sub\":\"a\"");

        for (i = 1; i < RT_JWT_MEMBERS + over; i++) {
            n += (size_t) sprintf(text + n, ",\"m%d\":1", (int) i);
        }

        (void) sprintf(text + n, "}");
        is_int(claim(text, &claims, &why), over ? RT_ERROR : RT_OK, "members");

        n = (size_t) sprintf(text, "{\"sub\":\"a\",\"rooms\":[\"r\"");

        for (i = 1; i < RT_JWT_ROOMS + over; i++) {
            n += (size_t) sprintf(text + n, ",\"r\"");
        }

        (void) sprintf(text + n, "]}");
        is_int(claim(text, &claims, &why), over ? RT_ERROR : RT_OK, "rooms");

        (void) sprintf(text, "{\"sub\":\"a\",\"rooms\":[\"%0*d\"]}",
                       (int) (RT_JWT_ROOM_MAX + over), 0);
        is_int(claim(text, &claims, &why), over ? RT_ERROR : RT_OK, "a room");

        (void) sprintf(text, "{\"sub\":\"a\",\"rooms\":[\"%0*d*\"]}",
                       (int) (RT_JWT_ROOM_MAX + over), 0);
        is_int(claim(text, &claims, &why), over ? RT_ERROR : RT_OK, "rooms *");

        (void) sprintf(text, "{\"sub\":\"%0*d\"}", (int) (RT_USER_MAX + over),
                       0);
        is_int(claim(text, &claims, &why), over ? RT_ERROR : RT_OK, "a user");

        n = (size_t) sprintf(text, "{\"sub\":\"");

        for (i = 0; i < RT_USER_MAX + over; i++) {
            n += (size_t) sprintf(text + n, "\\u0061");
        }

        (void) sprintf(text + n, "\"}");
        is_int(claim(text, &claims, &why), over ? RT_ERROR : RT_OK,
               "a user in escapes");
    }

    free(text);
}


static void
test_long(void)
{
    u_char      *p;
    const char  *why;

    p = malloc(RT_JWT_MAX + 1);

    memset(p, 'A', RT_JWT_MAX + 1);
    memcpy(p, "eyJhbGciOiJSUzI1NiJ9.AAAA.", 26);

    ok(refused(&anybody, rt_str(RT_JWT_MAX, p), &why)
       && strstr(why, "signature"), "the longest token");
    ok(refused(&anybody, rt_str(RT_JWT_MAX + 1, p), &why)
       && strstr(why, "too long"), "one byte more");

    memset(p, 'A', RT_JWT_MAX);
    memcpy(p + RT_JWT_MAX - 2, "..", 2);

    ok(refused(&anybody, rt_str(RT_JWT_MAX, p), &why)
       && strstr(why, "header"), "the longest header");

    free(p);
}


int
main(void)
{
    load_keys();

    test_rfcs();
    rt_vectors("jwt/good.txt", check_good);
    rt_vectors("jwt/good.txt", check_flipped);
    rt_vectors("jwt/hostile.txt", check_hostile);
    ok(hostile >= 60, "%u hostile tokens", hostile);
    test_dates();
    test_parties();
    test_limits();
    test_long();

    rt_jwt_keys_free(all_keys);

    return done_testing();
}
