
/*
 * rt_payload.h: what the built-in events carry, taken from the JSON of their
 * first argument and checked (the limits are the contract's).
 *
 * Every parser looks at all fields, adds what is wrong to "inv", and returns
 * RT_OK if nothing is, else RT_ERROR; messages read as zod's do.  Optional
 * fields may be absent; null or another type is wrong.  "arg" has passed
 * rt_json_check(); an empty "arg" is a missing one.  What is called JSON is
 * a slice of "arg" and can go out again as it is; what is decoded stands in a
 * buffer of the struct, which therefore must not be copied.
 */


#ifndef _RT_PAYLOAD_H_INCLUDED_
#define _RT_PAYLOAD_H_INCLUDED_


#include "base/rt.h"
#include "chat/rt_invalid.h"
#include "chat/rt_name.h"


#define RT_CONTENT_MAX    5000      /* code points */
#define RT_THREAD_MAX     255       /* code points */
#define RT_TEXT_MAX       100       /* code points of customStatus.text */
#define RT_EMOJI_MAX      10        /* code points of customStatus.emoji */

/* bytes of UTF-8 */
#define RT_THREAD_BYTES   (4 * RT_THREAD_MAX)

/* bytes of a custom status; a control character takes six, \u0001 */
#define RT_CUSTOM_MAX                                                         \
    (sizeof("{\"text\":\"\",\"emoji\":\"\"}") - 1                             \
     + 6 * (RT_TEXT_MAX + RT_EMOJI_MAX))

/* it is kept in a record of shared memory beside other things */
_Static_assert(RT_CUSTOM_MAX <= 960, "a custom status fits into a record");


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


/* typing:start, typing:stop; the thread "" is not the same as none */

typedef struct {
    rt_room_ref_t  room;
    int            has_thread;
    rt_str_t       thread;          /* decoded; empty where there is none */
    rt_str_t       thread_json;     /* JSON string, or empty */
    u_char         thread_buf[RT_THREAD_BYTES];
} rt_typing_t;


typedef enum {
    RT_STATUS_OFFLINE = 0,
    RT_STATUS_ONLINE,
    RT_STATUS_AWAY,
    RT_STATUS_BUSY
} rt_status_e;


/*
 * presence:update.  The custom status is a JSON object written anew: "text"
 * and "emoji", in this order, each only if it came.  It may be {}.
 */

typedef struct {
    rt_status_e  status;
    int          has_custom;
    rt_str_t     custom;            /* empty where there is none */
    u_char       custom_buf[RT_CUSTOM_MAX];
} rt_presence_t;


/* presence:request */

typedef struct {
    u_char    buf[RT_USER_MAX];
    rt_str_t  user;                 /* decoded */
} rt_user_ref_t;


/* also when the payload has other fields besides: they are not looked at */
rt_int_t rt_payload_room(rt_room_ref_t *room, rt_str_t arg,
    rt_invalid_t *inv);

rt_int_t rt_payload_message(rt_message_t *m, rt_str_t arg, rt_invalid_t *inv);

rt_int_t rt_payload_typing(rt_typing_t *t, rt_str_t arg, rt_invalid_t *inv);

rt_int_t rt_payload_presence(rt_presence_t *p, rt_str_t arg,
    rt_invalid_t *inv);

rt_int_t rt_payload_user(rt_user_ref_t *u, rt_str_t arg, rt_invalid_t *inv);

/* "offline", "online", "away" or "busy" */
const rt_str_t *rt_status_name(rt_status_e status);


#endif /* _RT_PAYLOAD_H_INCLUDED_ */
