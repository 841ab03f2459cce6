
/* UTF-8: vectors at every cut, and every code point there is */

#include "base/rt_utf8.h"
#include "rt_vectors.h"


static void
check_vector(const rt_vector_t *v)
{
    int        bad, good;
    size_t     n, cut;
    rt_utf8_t  state;

    bad = (strcmp(v->expected, "bad") == 0);

    ok((rt_utf8_check(v->bytes) == RT_OK) == (v->expected[0] == 'o'),
       "%s:%u is %s", v->file, v->line, v->expected);

    /* in two pieces: refused with the last byte, not before */

    good = 1;

    for (cut = 0; cut < v->bytes.len; cut++) {
        state = 0;

        good = good && rt_utf8_feed(&state, v->bytes.data, cut) == RT_OK
               && rt_utf8_feed(&state, v->bytes.data + cut,
                               v->bytes.len - cut) == (bad ? RT_ERROR : RT_OK)
               && (bad || (state == 0) == (v->expected[0] == 'o'));
    }

    state = 0;

    for (n = 0; n < v->bytes.len; n++) {
        good = good && rt_utf8_feed(&state, v->bytes.data + n, 1)
                       == ((bad && n == v->bytes.len - 1) ? RT_ERROR : RT_OK);
    }

    ok(good, "%s:%u at every cut", v->file, v->line);
}


/* writes "cp" as "n" bytes, be it right or wrong */

static void
encode(u_char *dst, uint32_t cp, size_t n)
{
    size_t               i;
    static const u_char  leads[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

    for (i = n - 1; i > 0; i--) {
        dst[i] = (u_char) (0x80 | (cp & 0x3f));
        cp >>= 6;
    }

    dst[0] = (u_char) (leads[n] | cp);
}


static void
test_code_points(void)
{
    u_char    bytes[4];
    size_t    n, right;
    uint32_t  cp, wrong;

    wrong = 0;

    for (cp = 0; cp <= 0x1fffff; cp++) {

        right = (cp < 0x80) ? 1 : (cp < 0x800) ? 2 : (cp < 0x10000) ? 3 : 4;

        if ((cp >= 0xd800 && cp <= 0xdfff) || cp > 0x10ffff) {
            right = 0;
        }

        for (n = 1; n <= 4; n++) {

            if (n < 4 && cp >= 1u << (n == 1 ? 7 : n * 5 + 1)) {
                continue;
            }

            encode(bytes, cp, n);
            wrong += (rt_utf8_check(rt_str(n, bytes)) == RT_OK)
                     != (n == right);
        }
    }

    is_int(wrong, 0, "every code point in every length");
}


int
main(void)
{
    is_int(rt_utf8_check(rt_str(0, NULL)), RT_OK, "nothing at all");

    rt_vectors("utf8.txt", check_vector);
    test_code_points();

    return done_testing();
}
