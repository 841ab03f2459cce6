
/* base64: RFC 4648's vectors and others, all lengths forth and back */

#include "base/rt_base64.h"
#include "rt_vectors.h"


static void
check_vector(const rt_vector_t *v)
{
    char      hex[RT_VECTOR_MAX];
    ssize_t   i, n;
    u_char   *dst;

    /* memory of just the size that the header asks for */

    dst = malloc(rt_base64_max(v->bytes.len) + 1);
    n = rt_base64_decode(dst, v->bytes);

    (void) strcpy(hex, (n == RT_ERROR) ? "bad" : (n == 0) ? "-" : "");

    for (i = 0; i < n; i++) {
        (void) sprintf(hex + 2 * i, "%02x", dst[i]);
    }

    ok(strcmp(hex, v->expected) == 0, "%s:%u is %s, got %s", v->file,
       v->line, v->expected, hex);

    free(dst);
}


static void
test_there_and_back(void)
{
    int       good;
    u_char    in[100];
    u_char   *text, *url, *back;
    size_t    i, len, n;
    rt_str_t  s;

    for (i = 0; i < sizeof(in); i++) {
        in[i] = (u_char) (i * 89 + 250);
    }

    good = 1;

    for (len = 0; len <= sizeof(in); len++) {
        s = rt_test_copy(rt_str(len, in));
        text = malloc(rt_base64_size(len));
        url = malloc(rt_base64_size(len));
        back = malloc(rt_base64_max(rt_base64_size(len)));

        n = rt_base64_encode(text, s);

        good = good && n == (len + 2) / 3 * 4
               && rt_base64_decode(back, rt_str(n, text)) == (ssize_t) len
               && memcmp(back, in, len) == 0;

        /* without padding it is the same */

        n = (len * 4 + 2) / 3;

        good = good
               && rt_base64_decode(back, rt_str(n, text)) == (ssize_t) len
               && memcmp(back, in, len) == 0;

        /* the other alphabet */

        good = good && rt_base64url_encode(url, s) == n
               && rt_base64url_decode(back, rt_str(n, url)) == (ssize_t) len
               && memcmp(back, in, len) == 0;

        for (i = 0; i < n; i++) {
            good = good && url[i] == ((text[i] == '+') ? '-'
                                      : (text[i] == '/') ? '_' : text[i]);
        }

        free(back);
        free(url);
        free(text);
        rt_test_free(s);
    }

    ok(good, "every length there and back");
}


/* one way to write something: no other text has the same bytes */

static void
test_url_strict(void)
{
    int       c, d;
    u_char    text[4], dst[4], again[8];
    size_t    i, n;
    ssize_t   len;
    unsigned  taken;

    static const rt_str_t  bad[] = {
        rt_string("A"), rt_string("AAAAA"), rt_string("AA=="),
        rt_string("AAA="), rt_string("A==="), rt_string("===="),
        rt_string("="), rt_string("AAAA="), rt_string("AA AA"),
        rt_string(" AAAA"), rt_string("AAAA\n"), rt_string("AA\0A"),
        rt_string("++++"), rt_string("AA//"), rt_string("AB"),
        rt_string("AAB"), rt_string("Zh"), rt_string("Zm9"),
        rt_string("\303\251AA")
    };

    for (i = 0; i < rt_nitems(bad); i++) {
        is_int(rt_base64url_decode(again, bad[i]), RT_ERROR,
               "refused as base64url");
    }

    is_int(rt_base64url_decode(dst, rt_lit("-_-_")), 3, "both of its own");
    ok(memcmp(dst, "\373\377\277", 3) == 0, "their bytes");
    is_int(rt_base64url_decode(dst, rt_str(0, NULL)), 0, "nothing");

    taken = 0;

    for (c = 0; c < 256; c++) {

        for (d = 0; d < 256; d++) {
            text[0] = (u_char) c;
            text[1] = (u_char) d;
            len = rt_base64url_decode(dst, rt_str(2, text));

            if (len == RT_ERROR) {
                continue;
            }

            n = rt_base64url_encode(again, rt_str((size_t) len, dst));
            taken += n == 2 && memcmp(text, again, 2) == 0;
        }
    }

    is_int(taken, 256, "two characters: one text for each byte");
}


static void
test_long(void)
{
    u_char  *in, *text, *back;
    size_t   i, n, len;

    /* more than one piece of those that OpenSSL is given */

    len = 7 * 1024 * 1024 + 1;

    in = malloc(len);
    text = malloc(rt_base64_size(len));
    back = malloc(rt_base64_max(rt_base64_size(len)));

    for (i = 0; i < len; i++) {
        in[i] = (u_char) (i * i >> 3);
    }

    n = rt_base64_encode(text, rt_str(len, in));

    ok(n == (len + 2) / 3 * 4
       && rt_base64_decode(back, rt_str(n, text)) == (ssize_t) len
       && memcmp(back, in, len) == 0, "seven megabytes there and back");

    free(back);
    free(text);
    free(in);
}


int
main(void)
{
    u_char  room[8];

    is_int(rt_base64_decode(room, rt_str(0, NULL)), 0, "nothing decodes");
    is_int((intmax_t) rt_base64_encode(room, rt_str(0, NULL)), 0,
           "nothing encodes");

    rt_vectors("base64.txt", check_vector);

    test_there_and_back();
    test_url_strict();
    test_long();

    return done_testing();
}
