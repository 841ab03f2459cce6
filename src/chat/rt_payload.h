
/*
 * rt_payload.h: what the built-in events carry, taken from the JSON of their
 * first argument and checked (the limits are the contract's).
 *
 * Every parser looks at all fields, adds what is wrong to "inv", and returns
 * RT_OK if nothing is, else RT_ERROR; messages read as zod's do.  Optional
 * fields may be absent; null or another type is wrong.  "arg" has passed
 * rt_json_check(); an empty "arg" is a missing one.  Slices point into "arg";
 * JSON slices can go out again as they are.
 */


#ifndef _RT_PAYLOAD_H_INCLUDED_
#define _RT_PAYLOAD_H_INCLUDED_


#include "base/rt.h"
#include "chat/rt_invalid.h"
#include "chat/rt_name.h"


#define RT_CONTENT_MAX    5000      /* code points */
#define RT_THREAD_MAX     255       /* code points */


/* room:join, room:leave, and the roomName of everything else */

typedef struct {
    u_char    buf[RT_ROOM_NAME_MAX];
    rt_str_t  name;                 /* points into "buf" */
} rt_room_ref_t;


typedef struct {
    rt_room_ref_t  room;
    rt_str_t       content;         /* JSON string */
    rt_str_t       thread;          /* JSON string, or empty */
    rt_str_t       metadata;        /* JSON object, or empty */
} rt_message_t;


/* also when the payload has other fields besides: they are not looked at */
rt_int_t rt_payload_room(rt_room_ref_t *room, rt_str_t arg,
    rt_invalid_t *inv);

rt_int_t rt_payload_message(rt_message_t *m, rt_str_t arg, rt_invalid_t *inv);


#endif /* _RT_PAYLOAD_H_INCLUDED_ */
