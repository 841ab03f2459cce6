
/* names of rooms: every byte there is, and every length */

#include "chat/rt_name.h"
#include "rt_test.h"


int
main(void)
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

    return done_testing();
}
