
/*
 * ngx_http_realtime_replay.h: a socket that came back is given what it missed.
 *
 * It is read out of the log for this socket, as fast as its client reads; from
 * then on it is one like all others.  While that lasts, nothing else is
 * delivered to it.
 *
 * The reference server sends what was missed before the CONNECT, and
 * socket.io-client keeps it until that comes: also when the connection breaks
 * in between, and then hands it on twice.  So CONNECT comes behind what was
 * missed only as long as both go out in one segment, and before it otherwise.
 */


#ifndef _NGX_HTTP_REALTIME_REPLAY_H_INCLUDED_
#define _NGX_HTTP_REALTIME_REPLAY_H_INCLUDED_


#include "hub/ngx_http_realtime_emit.h"


void ngx_http_realtime_replay_init(ngx_http_realtime_hub_t *hub);

/*
 * "sk" is given what it missed from "from" on, and what others have commanded
 * it to do (~command) from "commands" on is done on the way.  "connected": it
 * was sent its CONNECT already.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_realtime_replay_begin(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_socket_t *sk, uint64_t from, uint64_t commands,
    ngx_uint_t connected);

/*
 * The room with that hash is one that "sk" joined when the log was at "since";
 * what was said there before is not for it.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_realtime_replay_joined(ngx_http_realtime_socket_t *sk,
    uint64_t hash, uint64_t since);

/* whether "sk" was in the room when the entry that ends there was written */
ngx_uint_t ngx_http_realtime_replay_was_in(ngx_http_realtime_socket_t *sk,
    ngx_http_realtime_room_t *room, uint64_t end);

/*
 * A packet that "sk" missed: NGX_OK, it is held back, and "b" has a count
 * more; NGX_DECLINED: it is to be sent.
 */
ngx_int_t ngx_http_realtime_replay_hold(ngx_http_realtime_socket_t *sk,
    ngx_http_realtime_blob_t *b);

/* its CONNECT comes now, before something that is not replayed; the same */
void ngx_http_realtime_replay_connect(ngx_http_realtime_socket_t *sk);

/* one of its doubts is over; harmless otherwise */
void ngx_http_realtime_replay_sure(ngx_http_realtime_socket_t *sk);

/* "sk" is given no more of that; harmless otherwise */
void ngx_http_realtime_replay_end(ngx_http_realtime_socket_t *sk);

/* up-call of the sessions: there is room in the queue again */
void ngx_http_realtime_replay_drained(ngx_http_realtime_session_t *s);


#endif /* _NGX_HTTP_REALTIME_REPLAY_H_INCLUDED_ */
