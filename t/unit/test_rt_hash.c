
/* SipHash-1-3, with OpenSSL's as the judge */

#include "base/rt_hash.h"
#include "rt_test.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>


#define LONGEST  600


/* SipHash-c-d of "s" with the key 00 01 .. 0f */

static uint64_t
judge(rt_str_t s, unsigned c, unsigned d)
{
    u_char        key[16], out[8];
    size_t        i, n;
    uint64_t      hash;
    EVP_MAC      *mac;
    OSSL_PARAM    params[4];
    EVP_MAC_CTX  *ctx;

    n = sizeof(out);

    for (i = 0; i < sizeof(key); i++) {
        key[i] = (u_char) i;
    }

    params[0] = OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &n);
    params[1] = OSSL_PARAM_construct_uint(OSSL_MAC_PARAM_C_ROUNDS, &c);
    params[2] = OSSL_PARAM_construct_uint(OSSL_MAC_PARAM_D_ROUNDS, &d);
    params[3] = OSSL_PARAM_construct_end();

    mac = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
    ctx = EVP_MAC_CTX_new(mac);

    if (EVP_MAC_init(ctx, key, sizeof(key), params) != 1
        || EVP_MAC_update(ctx, s.data, s.len) != 1
        || EVP_MAC_final(ctx, out, &n, sizeof(out)) != 1)
    {
        exit(2);
    }

    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(mac);

    hash = 0;

    for (i = sizeof(out); i > 0; i--) {
        hash = hash << 8 | out[i - 1];
    }

    return hash;
}


static const rt_hash_key_t  key = {
    0x0706050403020100, 0x0f0e0d0c0b0a0908
};


static void check_two(u_char *bytes);


int
main(void)
{
    int                         good;
    u_char                      bytes[LONGEST + 8];
    size_t                      i, len;
    rt_str_t                    s;
    static const rt_hash_key_t  other = {
        0x0706050403020100, 0x0f0e0d0c0b0a0909
    };

    for (i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (u_char) i;
    }

    ok(judge(rt_str(15, bytes), 2, 4) == 0xa129ca6149be45e5,
       "the judge knows SipHash-2-4's published vector");
    ok(rt_hash(&key, rt_str(0, NULL)) == 0xabac0158050fc4dc,
       "SipHash-1-3 of nothing");

    good = 1;

    for (len = 0; len <= LONGEST; len++) {
        s = rt_test_copy(rt_str(len, bytes));
        good = good && rt_hash(&key, s) == judge(s, 1, 3);
        rt_test_free(s);
    }

    ok(good, "SipHash-1-3 of every length");
    ok(rt_hash(&key, rt_lit("a")) != rt_hash(&other, rt_lit("a")),
       "another key, another hash");

    check_two(bytes);

    return done_testing();
}


/* two strings: the length of the first in 8 bytes, and both */

static void
check_two(u_char *bytes)
{
    int       good = 1, good2 = 1;
    size_t    len, cut;
    rt_str_t  a, b;

    for (len = 0; len < 40; len++) {
        for (cut = 0; cut <= len; cut++) {

            memset(bytes, 0, 8);
            bytes[0] = (u_char) cut;

            a = rt_test_copy(rt_str(cut, bytes + 8));
            b = rt_test_copy(rt_str(len - cut, bytes + 8 + cut));

            good = good && rt_hash2(&key, a, b)
                           == judge(rt_str(8 + len, bytes), 1, 3);
            good2 = good2
                    && (cut == 0 || rt_hash2(&key, a, b)
                                    != rt_hash2(&key, rt_str(0, NULL),
                                                rt_str(len, bytes + 8)));

            rt_test_free(a);
            rt_test_free(b);
        }
    }

    ok(good, "two strings, every length and cut");
    ok(good2, "where one ends makes a difference");
}
