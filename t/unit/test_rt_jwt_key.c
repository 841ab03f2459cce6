
/* keys of tokens: what is taken, for what, and what is refused and why */

#include "auth/rt_jwt_key.h"
#include "rt_files.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>


#define A3_X  "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
#define A3_Y  "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
#define A4_X  "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"

/* RFC 7638, 3.1 and RFC 7517, A.1 */

#define RSA_N                                                                 \
    "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7a" \
    "PFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArw" \
    "l93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0z" \
    "gdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2Nc" \
    "Rwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"

#define RSA_KEY  "{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AQAB\""
#define EC_KEY   "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" A3_X            \
                 "\",\"y\":\"" A3_Y "\""
#define OKP_KEY  "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" A4_X "\""
#define OCT_KEY  "{\"kty\":\"oct\",\"k\":\"c2VjcmV0\""


typedef struct {
    const char  *name;
    const char  *text;
    const char  *why;           /* NULL: taken */
    rt_uint_t    count;
} key_test_t;


static const key_test_t  texts[] = {
    { "RSA (RFC 7638)", RSA_KEY ",\"alg\":\"RS256\",\"kid\":\"2011-04-29\"}",
      NULL, 1 },
    { "EC", EC_KEY "}", NULL, 1 },
    { "OKP (RFC 8037)", OKP_KEY "}", NULL, 1 },
    { "oct", OCT_KEY "}", NULL, 1 },
    { "white space in front", " \r\n\t" OCT_KEY "}\n", NULL, 1 },
    { "use sig", EC_KEY ",\"use\":\"sig\"}", NULL, 1 },
    { "key_ops verify", EC_KEY ",\"key_ops\":[\"sign\",\"verify\"]}", NULL, 1 },
    { "a set of two", "{\"keys\":[" EC_KEY "}," OKP_KEY "}]}", NULL, 2 },
    { "a set with others", "{\"keys\":[" EC_KEY ",\"use\":\"enc\"},"
      RSA_KEY ",\"alg\":\"RSA-OAEP\"},{\"kty\":\"new\"},"
      "{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"" A4_X "\"},"
      "{\"kty\":\"EC\",\"crv\":\"P-521\"}," OKP_KEY "}]}", NULL, 1 },

    { "nothing", "", "there is no key in it, neither PEM nor JWK", 0 },
    { "text", "key", "there is no key in it, neither PEM nor JWK", 0 },
    { "half an object", "{\"kty\":", "it is not JSON", 0 },
    { "not UTF-8", "{\"kty\":\"\xff\"}", "it is not JSON", 0 },
    { "an empty object", "{}", "a key has no \"kty\"", 0 },
    { "keys is no array", "{\"keys\":{}}", "\"keys\" is not an array", 0 },
    { "an empty set", "{\"keys\":[]}", "no key of the set can be used", 0 },
    { "a set of nothing for us", "{\"keys\":[{\"kty\":\"new\"}]}",
      "no key of the set can be used", 0 },
    { "a set of a string", "{\"keys\":[\"a\"]}", "a key is not an object", 0 },
    { "a set whose last is wrong", "{\"keys\":[" EC_KEY "},{}]}",
      "a key has no \"kty\"", 0 },
    { "kty is a number", "{\"kty\":1}", "a key has no \"kty\"", 0 },
    { "kty unknown", "{\"kty\":\"new\"}",
      "a key's \"kty\" is none of RSA, EC, OKP and oct", 0 },
    { "use enc", EC_KEY ",\"use\":\"enc\"}",
      "a key is not for checking signatures", 0 },
    { "use is a number", EC_KEY ",\"use\":1}",
      "a key is not for checking signatures", 0 },
    { "key_ops without verify", EC_KEY ",\"key_ops\":[\"sign\"]}",
      "a key is not for checking signatures", 0 },
    { "key_ops is a string", EC_KEY ",\"key_ops\":\"verify\"}",
      "a key is not for checking signatures", 0 },
    { "alg of another kind", RSA_KEY ",\"alg\":\"HS256\"}",
      "a key's \"alg\" is not supported or not for its kind", 0 },
    { "alg none", OCT_KEY ",\"alg\":\"none\"}",
      "a key's \"alg\" is not supported or not for its kind", 0 },
    { "alg of another curve", EC_KEY ",\"alg\":\"ES384\"}",
      "a key's \"alg\" is not supported or not for its kind", 0 },
    { "kid is a number", OCT_KEY ",\"kid\":1}", "a key's \"kid\" is not a "
      "string", 0 },
    { "private EC", EC_KEY ",\"d\":\"AA\"}",
      "a private key does not belong here", 0 },
    { "private RSA", RSA_KEY ",\"\\u0064\":\"AA\"}",
      "a private key does not belong here", 0 },
    { "private RSA in a set", "{\"keys\":[" EC_KEY "}," RSA_KEY
      ",\"use\":\"enc\",\"d\":\"AA\"}]}",
      "a private key does not belong here", 0 },

    { "RSA without e", "{\"kty\":\"RSA\",\"n\":\"" RSA_N "\"}",
      "an RSA key's \"n\" or \"e\" is missing or malformed", 0 },
    { "RSA, e padded", "{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AQ==\"}",
      "an RSA key's \"n\" or \"e\" is missing or malformed", 0 },
    { "RSA, e is 1", "{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AQ\"}",
      "an RSA key needs 2048 to 16384 bits and an odd exponent above 1", 0 },
    { "RSA, e is even", "{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AQAA\"}",
      "an RSA key needs 2048 to 16384 bits and an odd exponent above 1", 0 },
    { "RSA, e is 0", "{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AA\"}",
      "an RSA key needs 2048 to 16384 bits and an odd exponent above 1", 0 },
    { "RSA, n is short", "{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}",
      "an RSA key needs 2048 to 16384 bits and an odd exponent above 1", 0 },
    { "EC without crv", "{\"kty\":\"EC\",\"x\":\"" A3_X "\"}",
      "an EC key has no \"crv\"", 0 },
    { "EC on another curve", "{\"kty\":\"EC\",\"crv\":\"secp256k1\"}",
      "an EC key's \"crv\" is neither P-256 nor P-384", 0 },
    { "EC without y", "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" A3_X "\"}",
      "an EC key's \"x\" or \"y\" is missing or malformed", 0 },
    { "EC, y a byte short", "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" A3_X
      "\",\"y\":\"" A4_X "AA\"}",
      "an EC key's \"x\" or \"y\" is missing or malformed", 0 },
    { "EC, not on the curve", "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" A3_X
      "\",\"y\":\"" A3_X "\"}", "an EC key is not a point of its curve", 0 },
    { "EC, P-384 with short numbers", "{\"kty\":\"EC\",\"crv\":\"P-384\","
      "\"x\":\"" A3_X "\",\"y\":\"" A3_Y "\"}",
      "an EC key's \"x\" or \"y\" is missing or malformed", 0 },
    { "OKP on another curve", "{\"kty\":\"OKP\",\"crv\":\"Ed448\"}",
      "an OKP key's \"crv\" is not Ed25519", 0 },
    { "OKP too long", "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" A4_X
      "AA\"}", "an OKP key's \"x\" is missing or malformed", 0 },
    { "oct, nothing", "{\"kty\":\"oct\",\"k\":\"\"}",
      "an oct key's \"k\" is missing, empty or malformed", 0 },
    { "oct, not base64url", "{\"kty\":\"oct\",\"k\":\"a+b/\"}",
      "an oct key's \"k\" is missing, empty or malformed", 0 },
    { "oct, a number", "{\"kty\":\"oct\",\"k\":1}",
      "an oct key's \"k\" is missing, empty or malformed", 0 },
    { "oct, a PEM key's text",
      "{\"kty\":\"oct\",\"k\":\"LS0tLS1CRUdJTiBQVUJMSUMgS0VZLS0tLS0\"}",
      "an oct key is the text of a key", 0 },

    { "PEM, unknown block", "-----BEGIN X-----\nAAAA\n-----END X-----\n",
      "a PEM block is neither a public key nor a certificate", 0 },
    { "PEM, half a block", "-----BEGIN PUBLIC KEY-----\nAAAA\n",
      "a PEM block is malformed", 0 },
    { "PEM, bad base64",
      "-----BEGIN PUBLIC KEY-----\n!!!!\n-----END PUBLIC KEY-----\n",
      "a PEM block is malformed", 0 },
    { "PEM, another end",
      "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END CERTIFICATE-----\n",
      "a PEM block is malformed", 0 },
    { "PEM, not a key",
      "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
      "a key is malformed or of an unknown kind", 0 },
    { "PEM, not a certificate",
      "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
      "a key is malformed or of an unknown kind", 0 },
    { "PEM, private, encrypted",
      "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n",
      "a private key does not belong here", 0 }
};


static const key_test_t  files[] = {
    { "rsa.pem", NULL, NULL, 1 },
    { "rsa-pkcs1.pem", NULL, NULL, 1 },
    { "ec256.pem", NULL, NULL, 1 },
    { "ec384.pem", NULL, NULL, 1 },
    { "ec384-cert.pem", NULL, NULL, 1 },
    { "ed25519.pem", NULL, NULL, 1 },
    { "all.pem", NULL, NULL, 4 },
    { "jwks.json", NULL, NULL, 6 },
    { "private.json", NULL, "a private key does not belong here", 0 },
    { "ec384-private.pem", NULL, "a private key does not belong here", 0 },
    { "rsa1024.pem", NULL, "an RSA key needs 2048 to 16384 bits and an odd "
      "exponent above 1", 0 },
    { "ec521.pem", NULL, "a key is none of RSA, EC on P-256 or P-384, and "
      "Ed25519", 0 },
    { "k256.pem", NULL, "a key is none of RSA, EC on P-256 or P-384, and "
      "Ed25519", 0 },
    { "ed448.pem", NULL, "a key is none of RSA, EC on P-256 or P-384, and "
      "Ed25519", 0 }
};


static void
check_text(const char *name, rt_str_t text, const char *expected,
    rt_uint_t count)
{
    int             good;
    rt_int_t        rc;
    const char     *why;
    rt_jwt_keys_t  *keys;

    keys = rt_jwt_keys_new();
    why = NULL;
    rc = rt_jwt_keys_add_text(keys, text, rt_str(0, NULL), &why);

    good = expected ? (rc == RT_ERROR && why && strcmp(why, expected) == 0)
                    : (rc == RT_OK);

    if (!ok(good && rt_jwt_keys_count(keys) == count, "%s", name)) {
        printf("# %d, %lu keys, %s\n", (int) rc,
               (unsigned long) rt_jwt_keys_count(keys), why ? why : "-");
    }

    if (ERR_peek_error() != 0) {
        ok(0, "%s leaves an error", name);
        ERR_clear_error();
    }

    rt_jwt_keys_free(keys);
}


/* whichever byte is cut off or changed, nothing happens that should not */

static void
test_damage(const char *file)
{
    u_char         *p;
    size_t          i, n;
    rt_str_t        text, copy;
    const char     *why;
    rt_jwt_keys_t  *keys;

    text = rt_file(file);
    keys = rt_jwt_keys_new();
    n = 0;

    for (i = 0; i < text.len; i++) {
        copy = rt_test_copy(rt_str(i, text.data));
        n += rt_jwt_keys_add_text(keys, copy, rt_str(0, NULL), &why) == RT_OK;
        rt_test_free(copy);

        copy = rt_test_copy(text);
        p = (u_char *) (uintptr_t) copy.data;
        p[i] ^= (u_char) (1 << rt_test_random(8));
        (void) rt_jwt_keys_add_text(keys, copy, rt_str(0, NULL), &why);
        rt_test_free(copy);
    }

    ok(n <= 2, "%s, cut: %lu taken", file, (unsigned long) n);
    ok(ERR_peek_error() == 0, "%s, damaged: no error is left", file);

    rt_test_free(text);
    rt_jwt_keys_free(keys);
}


static void
test_secrets(void)
{
    rt_str_t        pem;
    rt_uint_t       i;
    const char     *why;
    rt_jwt_keys_t  *keys;

    keys = rt_jwt_keys_new();
    pem = rt_file("rsa.pem");

    is_int(rt_jwt_keys_add_secret(keys, rt_str(0, NULL), rt_str(0, NULL),
                                  &why), RT_ERROR, "an empty secret");
    is_str(rt_str(strlen(why), why), rt_lit("the secret is empty"), "why");

    is_int(rt_jwt_keys_add_secret(keys, pem, rt_str(0, NULL), &why), RT_ERROR,
           "a PEM key as a secret");
    is_str(rt_str(strlen(why), why),
           rt_lit("the secret is the text of a key, use \"realtime_jwt_key\""),
           "why");

    is_int((intmax_t) rt_jwt_keys_count(keys), 0, "neither is there");

    for (i = 0; i < RT_JWT_KEYS_MAX; i++) {
        (void) rt_jwt_keys_add_secret(keys, rt_lit("s"), rt_lit("k"), &why);
    }

    is_int((intmax_t) rt_jwt_keys_count(keys), RT_JWT_KEYS_MAX, "64 keys");
    is_int(rt_jwt_keys_add_secret(keys, rt_lit("s"), rt_lit("k"), &why),
           RT_ERROR, "not one more");
    is_int(rt_jwt_keys_add_text(keys, pem, rt_lit("k"), &why), RT_ERROR,
           "nor of a file");
    is_str(rt_str(strlen(why), why), rt_lit("there are more than 64 keys"),
           "why");

    rt_test_free(pem);
    rt_jwt_keys_free(keys);
    rt_jwt_keys_free(NULL);
}


/* an HMAC by RFC 4231, test case 2, so that nothing here makes it */

static const u_char  mac[32] =
    "\x5b\xdc\xc1\x46\xbf\x60\x75\x4e\x6a\x04\x24\x26\x08\x95\x75\xc7"
    "\x5a\x00\x3f\x08\x9d\x27\x39\x83\x9d\xec\x58\xb9\x64\xec\x38\x43";


static void
check_kid(rt_jwt_keys_t *keys, const char *kid, rt_int_t expected,
    const char *name)
{
    const char  *why;

    is_int(rt_jwt_keys_verify(keys, RT_JWT_HS256, rt_str(strlen(kid), kid),
                              rt_lit("what do ya want for nothing?"),
                              rt_str(32, mac), &why), expected, name);
}


static void
test_kids(void)
{
    const char     *why;
    rt_jwt_keys_t  *keys;

    keys = rt_jwt_keys_new();

    check_kid(keys, "", RT_ERROR, "no keys");

    (void) rt_jwt_keys_add_secret(keys, rt_lit("other"), rt_lit("b"), &why);
    (void) rt_jwt_keys_add_secret(keys, rt_lit("Jefe"), rt_lit("a"), &why);

    check_kid(keys, "", RT_OK, "no kid: every key");
    check_kid(keys, "\"a\"", RT_OK, "the key's kid");
    check_kid(keys, "\"\\u0061\"", RT_OK, "the same in another way");
    check_kid(keys, "\"b\"", RT_ERROR, "another key's kid");
    check_kid(keys, "\"c\"", RT_ERROR, "nobody's kid");
    check_kid(keys, "\"\"", RT_ERROR, "an empty kid");

    (void) rt_jwt_keys_add_secret(keys, rt_lit("Jefe"), rt_str(0, NULL), &why);

    check_kid(keys, "\"b\"", RT_ERROR, "another key's kid still is");
    check_kid(keys, "\"c\"", RT_OK, "nobody's kid: a key without one");
    check_kid(keys, "\"\"", RT_OK, "so is an empty kid");

    (void) rt_jwt_keys_add_secret(keys, rt_lit("Jefe"), rt_lit("b"), &why);

    check_kid(keys, "\"b\"", RT_OK, "two keys of one kid");

    rt_jwt_keys_free(keys);
}


/* a key is for its own algorithms, and "alg" makes them fewer */

static void
test_algs(void)
{
    rt_int_t        rc;
    rt_str_t        text, input;
    const char     *why;
    rt_jwt_key_t    key;
    rt_jwt_alg_e    alg;
    rt_jwt_keys_t  *keys;

    input = rt_lit("what do ya want for nothing?");

    memset(&key, 0, sizeof(key));
    key.secret = rt_lit("Jefe");

    for (alg = RT_JWT_UNKNOWN; alg <= RT_JWT_EDDSA; alg++) {
        key.algs = rt_jwt_alg_bit(alg);

        is_int(rt_jwt_alg_verify(RT_JWT_HS256, &key, input, rt_str(32, mac)),
               (alg == RT_JWT_HS256) ? RT_OK : RT_ERROR,
               "a secret for one algorithm");
    }

    keys = rt_jwt_keys_new();
    text = rt_lit("{\"kty\":\"oct\",\"k\":\"SmVmZQ\",\"alg\":\"HS512\"}");

    is_int(rt_jwt_keys_add_text(keys, text, rt_str(0, NULL), &why), RT_OK,
           "an oct key for HS512");
    check_kid(keys, "", RT_ERROR, "is not for HS256");
    rt_jwt_keys_free(keys);

    keys = rt_jwt_keys_new();
    text = rt_file("all.pem");
    (void) rt_jwt_keys_add_text(keys, text, rt_str(0, NULL), &why);

    for (alg = RT_JWT_UNKNOWN; alg <= RT_JWT_EDDSA; alg++) {
        rc = rt_jwt_keys_verify(keys, alg, rt_str(0, NULL), rt_lit("x"),
                                rt_str(0, NULL), &why);

        ok(rc == RT_ERROR
           && (strstr(why, "algorithm") != NULL) == (alg <= RT_JWT_HS512),
           "public keys, algorithm %d: %s", (int) alg, why);
    }

    rt_test_free(text);
    rt_jwt_keys_free(keys);
}


static void
test_der(void)
{
    BIO            *bio;
    int             len;
    u_char         *der;
    EVP_PKEY       *pkey;
    rt_str_t        text;

    text = rt_file("rsa.pem");
    bio = BIO_new_mem_buf(text.data, (int) text.len);
    pkey = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    der = NULL;
    len = i2d_PUBKEY(pkey, &der);

    check_text("DER", rt_str((size_t) len, der),
               "there is no key in it, neither PEM nor JWK", 0);

    OPENSSL_free(der);
    EVP_PKEY_free(pkey);
    BIO_free(bio);
    rt_test_free(text);
}


int
main(void)
{
    rt_str_t   text;
    rt_uint_t  i;

    for (i = 0; i < rt_nitems(texts); i++) {
        text = rt_test_copy(rt_str(strlen(texts[i].text), texts[i].text));
        check_text(texts[i].name, text, texts[i].why, texts[i].count);
        rt_test_free(text);
    }

    for (i = 0; i < rt_nitems(files); i++) {
        text = rt_file(files[i].name);
        check_text(files[i].name, text, files[i].why, files[i].count);
        rt_test_free(text);
    }

    test_damage("ec256.pem");
    test_damage("ec384-cert.pem");
    test_damage("jwks.json");
    test_secrets();
    test_kids();
    test_algs();
    test_der();

    return done_testing();
}
