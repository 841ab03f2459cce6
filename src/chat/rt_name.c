
/*
 * rt_name.c: names that clients choose.
 */


#include "chat/rt_name.h"


int
rt_room_name_valid(rt_str_t name)
{
    size_t  i;
    u_char  ch;

    if (name.len == 0 || name.len > RT_ROOM_NAME_MAX) {
        return 0;
    }

    for (i = 0; i < name.len; i++) {
        ch = name.data[i];

        if ((ch < 'a' || ch > 'z') && (ch < '0' || ch > '9')
            && ch != '-' && ch != '_')
        {
            return 0;
        }
    }

    return 1;
}
