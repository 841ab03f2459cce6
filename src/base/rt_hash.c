
/*
 * rt_hash.c: SipHash-1-3 (Aumasson, Bernstein) with a secret key.
 *
 * Bytes come in any number of pieces, so that several strings can be hashed
 * without being copied together.
 */


#include "base/rt_hash.h"


typedef struct {
    uint64_t  v0;
    uint64_t  v1;
    uint64_t  v2;
    uint64_t  v3;
    uint64_t  word;                 /* bytes that make no whole word yet */
    uint64_t  len;                  /* all bytes so far */
} rt_hash_t;


static void rt_hash_init(rt_hash_t *h, const rt_hash_key_t *key);
static void rt_hash_update(rt_hash_t *h, rt_str_t s);
static void rt_hash_word(rt_hash_t *h, uint64_t word);
static uint64_t rt_hash_final(rt_hash_t *h);


static inline uint64_t
rt_hash_rotl(uint64_t n, int bits)
{
    return (n << bits) | (n >> (64 - bits));
}


static inline void
rt_hash_round(rt_hash_t *h)
{
    h->v0 += h->v1;
    h->v2 += h->v3;
    h->v1 = rt_hash_rotl(h->v1, 13) ^ h->v0;
    h->v3 = rt_hash_rotl(h->v3, 16) ^ h->v2;
    h->v0 = rt_hash_rotl(h->v0, 32);

    h->v2 += h->v1;
    h->v0 += h->v3;
    h->v1 = rt_hash_rotl(h->v1, 17) ^ h->v2;
    h->v3 = rt_hash_rotl(h->v3, 21) ^ h->v0;
    h->v2 = rt_hash_rotl(h->v2, 32);
}


/* eight bytes as a little-endian number, whatever the machine's order */

static inline uint64_t
rt_hash_load(const u_char *p)
{
    return (uint64_t) p[0]
           | (uint64_t) p[1] << 8
           | (uint64_t) p[2] << 16
           | (uint64_t) p[3] << 24
           | (uint64_t) p[4] << 32
           | (uint64_t) p[5] << 40
           | (uint64_t) p[6] << 48
           | (uint64_t) p[7] << 56;
}


uint64_t
rt_hash(const rt_hash_key_t *key, rt_str_t s)
{
    rt_hash_t  h;

    rt_hash_init(&h, key);
    rt_hash_update(&h, s);

    return rt_hash_final(&h);
}


uint64_t
rt_hash2(const rt_hash_key_t *key, rt_str_t a, rt_str_t b)
{
    rt_hash_t  h;

    /* the first length tells where one string ends, the sum is hashed anyway */

    rt_hash_init(&h, key);
    rt_hash_word(&h, a.len);
    h.len = sizeof(uint64_t);

    rt_hash_update(&h, a);
    rt_hash_update(&h, b);

    return rt_hash_final(&h);
}


static void
rt_hash_init(rt_hash_t *h, const rt_hash_key_t *key)
{
    h->v0 = key->k0 ^ 0x736f6d6570736575ULL;
    h->v1 = key->k1 ^ 0x646f72616e646f6dULL;
    h->v2 = key->k0 ^ 0x6c7967656e657261ULL;
    h->v3 = key->k1 ^ 0x7465646279746573ULL;
    h->word = 0;
    h->len = 0;
}


static void
rt_hash_update(rt_hash_t *h, rt_str_t s)
{
    const u_char  *p, *last;

    if (s.len == 0) {
        return;
    }

    p = s.data;
    last = p + s.len;

    while (p != last) {

        if (h->len % 8 == 0 && last - p >= 8) {
            rt_hash_word(h, rt_hash_load(p));
            h->len += 8;
            p += 8;
            continue;
        }

        h->word |= (uint64_t) *p++ << (h->len % 8 * 8);

        if (++h->len % 8 == 0) {
            rt_hash_word(h, h->word);
            h->word = 0;
        }
    }
}


static void
rt_hash_word(rt_hash_t *h, uint64_t word)
{
    h->v3 ^= word;
    rt_hash_round(h);
    h->v0 ^= word;
}


static uint64_t
rt_hash_final(rt_hash_t *h)
{
    rt_hash_word(h, h->word | h->len << 56);

    h->v2 ^= 0xff;

    rt_hash_round(h);
    rt_hash_round(h);
    rt_hash_round(h);

    return h->v0 ^ h->v1 ^ h->v2 ^ h->v3;
}
