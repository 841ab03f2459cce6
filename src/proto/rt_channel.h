
/*
 * rt_channel.h: the names of the Redis channels of Socket.IO's adapters.
 *
 *     <key>#<namespace>#            broadcasts; all of the sharded adapter
 *     <key>#<namespace>#<room>#     broadcasts to one room
 *     <key>#<namespace>#<uid>#      sharded: responses to one node
 *     <key>-request#<namespace>#
 *     <key>-response#<namespace>#
 *     <key>-response#<namespace>#<uid>#
 *
 * Nothing is escaped in them: where a name has a "#" in it, only who knows the
 * namespace can tell what is the room.
 */


#ifndef _RT_CHANNEL_H_INCLUDED_
#define _RT_CHANNEL_H_INCLUDED_


#include "base/rt.h"
#include "base/rt_buf.h"


/* what "key" is unless somebody configures another one */
#define RT_CHANNEL_KEY  "socket.io"


typedef enum {
    RT_CHANNEL_MAIN = 0,
    RT_CHANNEL_REQUEST,
    RT_CHANNEL_RESPONSE
} rt_channel_e;


/* "rest" is the room or the uid, or NULL */
void rt_channel_put(rt_buf_t *b, rt_channel_e kind, rt_str_t key, rt_str_t nsp,
    const rt_str_t *rest);

/*
 * The pattern of all main channels of a namespace, with and without a room,
 * for PSUBSCRIBE: characters that mean something in patterns are escaped.
 */
void rt_channel_put_pattern(rt_buf_t *b, rt_str_t key, rt_str_t nsp);

/*
 * What "name" is, if it is a channel of this namespace: RT_OK, and "rest" is
 * the room or the uid, which may hold any characters, or has no data if there
 * is none; else RT_DECLINED.
 */
rt_int_t rt_channel_match(rt_str_t name, rt_str_t key, rt_str_t nsp,
    rt_channel_e *kind, rt_str_t *rest);

/* the same when the namespace is not known: it ends at the first "#" */
rt_int_t rt_channel_parse(rt_str_t name, rt_str_t key, rt_channel_e *kind,
    rt_str_t *nsp, rt_str_t *rest);

/*
 * Whether the sharded adapter takes a room for the id of a socket, which in its
 * mode "dynamic" has no channel of its own: 20 units of UTF-16.
 */
int rt_channel_is_private(rt_str_t room);


#endif /* _RT_CHANNEL_H_INCLUDED_ */
