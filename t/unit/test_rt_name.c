
/* names and patterns of rooms, users: every byte there is, every length */

#include "chat/rt_name.h"
#include "rt_test.h"


static void
test_room(void)
{
    int       good;
    u_char    name[RT_ROOM_NAME_MAX + 1];
    unsigned  i;
    rt_str_t  s;

    good = 1;

    for (i = 0; i < 256; i++) {
        memset(name, 'a', sizeof(name));
        name[i % 3] = (u_char) i;

        good = good && rt_room_name_valid(rt_str(3, name))
               == (i != 0 && strchr("abcdefghijklmnopqrstuvwxyz0123456789-_",
                                    (int) i) != NULL);
    }

    ok(good, "every byte");

    memset(name, 'a', sizeof(name));
    good = 1;

    for (i = 0; i <= sizeof(name); i++) {
        s = rt_test_copy(rt_str(i, name));
        good = good && rt_room_name_valid(s)
                       == (i >= 1 && i <= RT_ROOM_NAME_MAX);
        rt_test_free(s);
    }

    ok(good, "every length");
}


static rt_str_t
text(const char *p)
{
    return rt_str(strlen(p), p);
}


static void
test_pattern(void)
{
    int       good;
    u_char    name[RT_ROOM_NAME_MAX + 2];
    size_t    i;
    rt_str_t  s;
    static const struct {
        const char  *pattern;
        const char  *name;
        int          match;
    } cases[] = {
        { "*", "a", 1 },
        { "a*", "a", 1 },
        { "a*", "ab", 1 },
        { "a*", "b", 0 },
        { "a*", "ba", 0 },
        { "ab*", "a", 0 },
        { "ab*", "abc", 1 },
        { "ab*", "acb", 0 },
        { "a", "a", 1 },
        { "a", "ab", 0 },
        { "ab", "a", 0 },
        { "a-_9*", "a-_9", 1 }
    };
    static const char  *bad[] = { "", "A", "A*", "**", "a**", "*a", "a*b",
                                  "a *", " *", "\xc3\xa9*" };

    for (i = 0; i < rt_nitems(cases); i++) {
        s = rt_test_copy(text(cases[i].name));
        ok(rt_room_pattern_valid(text(cases[i].pattern))
           && rt_room_pattern_match(text(cases[i].pattern), s)
              == cases[i].match,
           "%s and %s", cases[i].pattern, cases[i].name);
        rt_test_free(s);
    }

    for (i = 0; i < rt_nitems(bad); i++) {
        ok(!rt_room_pattern_valid(text(bad[i])), "no pattern: %s", bad[i]);
    }

    memset(name, 'a', sizeof(name));
    good = 1;

    for (i = 0; i < sizeof(name); i++) {
        name[i] = '*';
        s = rt_test_copy(rt_str(i + 1, name));
        good = good && rt_room_pattern_valid(s) == (i <= RT_ROOM_NAME_MAX);
        name[i] = 'a';
        good = good && rt_room_pattern_match(s, rt_str(i, name));
        rt_test_free(s);
    }

    ok(good, "every length of a pattern");
}


static void
test_user(void)
{
    int       good;
    u_char    id[RT_USER_MAX + 1];
    unsigned  i;
    rt_str_t  s;

    good = 1;

    for (i = 0; i < 256; i++) {
        memset(id, 'a', sizeof(id));
        id[i % 3] = (u_char) i;

        good = good && rt_user_valid(rt_str(3, id)) == (i >= 32 && i != 127);
    }

    ok(good, "every byte of a user's id");

    memset(id, 'a', sizeof(id));

    for (i = 0; i <= sizeof(id); i++) {
        s = rt_test_copy(rt_str(i, id));
        good = good && rt_user_valid(s) == (i >= 1 && i <= RT_USER_MAX);
        rt_test_free(s);
    }

    ok(good, "every length of a user's id");
}


int
main(void)
{
    test_room();
    test_pattern();
    test_user();

    return done_testing();
}
