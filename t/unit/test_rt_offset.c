
/* offsets: positions there and back, and nothing else comes back */

#include "proto/rt_offset.h"
#include "rt_vectors.h"


#define ALPHABET                                                              \
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


static const rt_hash_key_t  key = {
    0x0706050403020100, 0x0f0e0d0c0b0a0908
};

static const rt_hash_key_t  other = {
    0x0706050403020100, 0x0f0e0d0c0b0a0909
};


static void
check_vector(const rt_vector_t *v)
{
    u_char     text[RT_OFFSET_MAX];
    size_t     len;
    uint64_t   pos, untouched;
    rt_int_t   rc;

    untouched = 12345;
    pos = untouched;
    rc = rt_offset_read(v->bytes, &key, &pos);

    if (strcmp(v->expected, "bad") == 0) {
        ok(rc == RT_ERROR && pos == untouched, "%s:%u is refused", v->file,
           v->line);
        return;
    }

    ok(rc == RT_OK && pos == strtoull(v->expected, NULL, 10),
       "%s:%u is %s, got %ju", v->file, v->line, v->expected,
       (uintmax_t) pos);

    len = rt_offset_write(text, &key, strtoull(v->expected, NULL, 10));

    is_str(rt_str(len, text), v->bytes, "and is written so");

    ok(rt_offset_read(v->bytes, &other, &pos) == RT_ERROR,
       "under another key it is nothing");
}


/* in memory of just the length; no digit more than it takes */

static void
test_there_and_back(void)
{
    int       good;
    u_char    text[RT_OFFSET_MAX + 1];
    size_t    bits, i, len, digits;
    uint64_t  units, pos;
    rt_str_t  s;

    good = 1;

    for (bits = 0; bits <= 61; bits++) {

        for (i = 0; i < 40; i++) {
            units = ((uint64_t) 1 << bits) - 1;

            if (i) {
                units &= (uint64_t) rt_test_random(UINT32_MAX) << 32
                         | rt_test_random(UINT32_MAX);
            }

            for (digits = 1, pos = units; pos >= 64; pos /= 64) {
                digits++;
            }

            memset(text, '!', sizeof(text));
            len = rt_offset_write(text, &key, units * 8);

            s = rt_test_copy(rt_str(len, text));
            pos = 1;

            good = good && len == digits + 4 && text[len] == '!'
                   && rt_offset_read(s, &key, &pos) == RT_OK
                   && pos == units * 8;

            rt_test_free(s);
        }
    }

    ok(good, "positions of every size there and back");

    len = rt_offset_write(text, &key, UINT64_MAX - 7);
    is_int((intmax_t) len, RT_OFFSET_MAX, "the last one is the longest");
}


/* of all texts that differ in one character none is read */

static void
test_one_character(void)
{
    int       c;
    u_char    right[RT_OFFSET_MAX], text[RT_OFFSET_MAX];
    size_t    i, len;
    uint64_t  pos;
    unsigned  taken;

    len = rt_offset_write(right, &key, (uint64_t) 1234567890123456784);
    taken = 0;

    for (i = 0; i < len; i++) {

        for (c = 0; c < 256; c++) {
            memcpy(text, right, len);
            text[i] = (u_char) c;

            taken += rt_offset_read(rt_str(len, text), &key, &pos) == RT_OK;
        }
    }

    is_int(taken, (intmax_t) len, "one character changed, and all is wrong");
}


/* of all tags of one position there is one */

static void
test_tags(void)
{
    u_char    right[RT_OFFSET_MAX], text[RT_OFFSET_MAX];
    size_t    i, len;
    uint64_t  pos;
    unsigned  n, taken;

    len = rt_offset_write(right, &key, 8);
    is_int((intmax_t) len, 5, "a short one");

    memcpy(text, right, len);
    taken = 0;

    /* its last two characters as they are: 4096 of all */

    for (n = 0; n < 4096; n++) {
        text[1] = (u_char) ALPHABET[n % 64];
        text[2] = (u_char) ALPHABET[n / 64];

        taken += rt_offset_read(rt_str(len, text), &key, &pos) == RT_OK;
    }

    is_int(taken, 1, "one of 4096 tags");

    /* every length but the right one, and none at all */

    for (i = 0, taken = 0; i < len; i++) {
        taken += rt_offset_read(rt_str(i, i ? right : NULL), &key, &pos)
                 == RT_OK;
    }

    is_int(taken, 0, "nothing shorter");
}


int
main(void)
{
    rt_vectors("offset.txt", check_vector);

    test_there_and_back();
    test_one_character();
    test_tags();

    return done_testing();
}
