
/*
 * rt_name.c: names of rooms and users, and patterns.
 */


#include "chat/rt_name.h"


static int rt_room_chars_valid(rt_str_t name);


int
rt_room_name_valid(rt_str_t name)
{
    return name.len != 0 && rt_room_chars_valid(name);
}


static int
rt_room_chars_valid(rt_str_t name)
{
    size_t  i;
    u_char  ch;

    if (name.len > RT_ROOM_NAME_MAX) {
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


int
rt_room_pattern_valid(rt_str_t pattern)
{
    if (pattern.len && pattern.data[pattern.len - 1] == '*') {
        return rt_room_chars_valid(rt_str(pattern.len - 1, pattern.data));
    }

    return rt_room_name_valid(pattern);
}


int
rt_room_pattern_match(rt_str_t pattern, rt_str_t name)
{
    size_t  len;

    if (pattern.len == 0 || pattern.data[pattern.len - 1] != '*') {
        return rt_str_eq(pattern, name);
    }

    len = pattern.len - 1;

    return name.len >= len
           && rt_str_eq(rt_str(len, pattern.data), rt_str(len, name.data));
}


int
rt_user_valid(rt_str_t id)
{
    size_t  i;

    if (id.len == 0 || id.len > RT_USER_MAX) {
        return 0;
    }

    for (i = 0; i < id.len; i++) {

        if (id.data[i] < 0x20 || id.data[i] == 0x7f) {
            return 0;
        }
    }

    return 1;
}
