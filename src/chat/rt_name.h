
/*
 * rt_name.h: names that clients choose, users' ids, and patterns of names
 * that operators and tokens write.
 */


#ifndef _RT_NAME_H_INCLUDED_
#define _RT_NAME_H_INCLUDED_


#include "base/rt.h"


#define RT_ROOM_NAME_MAX  255


/* whether "name" is 1 to 255 of a-z 0-9 - _ */
int rt_room_name_valid(rt_str_t name);

/* whether "pattern" is a room name, or what one begins with and then a * */
int rt_room_pattern_valid(rt_str_t pattern);

/* whether the valid "pattern" means the room of this valid name */
int rt_room_pattern_match(rt_str_t pattern, rt_str_t name);

/*
 * Whether "id" has 1 to RT_USER_MAX bytes and none of U+0000 to U+001F and
 * U+007F among them.  It is UTF-8 already (rt_utf8.h).
 */
int rt_user_valid(rt_str_t id);


#endif /* _RT_NAME_H_INCLUDED_ */
