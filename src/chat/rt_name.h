
/*
 * rt_name.h: names that clients choose.
 */


#ifndef _RT_NAME_H_INCLUDED_
#define _RT_NAME_H_INCLUDED_


#include "base/rt.h"


#define RT_ROOM_NAME_MAX  255


/* whether "name" is 1 to 255 of a-z 0-9 - _ */
int rt_room_name_valid(rt_str_t name);


#endif /* _RT_NAME_H_INCLUDED_ */
