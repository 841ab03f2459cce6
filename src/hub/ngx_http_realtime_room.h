
/*
 * ngx_http_realtime_room.h: the sockets of this worker, room by room.
 *
 * Built for fan-out: a room is an array of sockets, a socket has an array of
 * its rooms, and each side knows its place in the other, so that leaving is
 * cheap too.  How many members a room has on the whole host is in the roster
 * (shm/).
 *
 * Every socket is in the room "" of its namespace as well, which stands for
 * all of them, and that of a user in "@" and the user id, which stands for all
 * that the user has here.  These are in no roster, and no client can name
 * them.
 */


#ifndef _NGX_HTTP_REALTIME_ROOM_H_INCLUDED_
#define _NGX_HTTP_REALTIME_ROOM_H_INCLUDED_


#include "session/ngx_http_realtime_socket.h"
#include "shm/ngx_http_realtime_records.h"


typedef struct {
    ngx_http_realtime_socket_t  *socket;
    uint32_t                     index;     /* in socket->rooms */
} ngx_http_realtime_seat_t;


typedef struct ngx_http_realtime_room_s  ngx_http_realtime_room_t;

struct ngx_http_realtime_room_s {
    ngx_http_realtime_room_t  *next;        /* in the bucket */
    ngx_http_realtime_seat_t  *seats;
    uint32_t                   n;
    uint32_t                   size;
    uint64_t                   hash;
    ngx_http_realtime_kind_t   kind;        /* shm/records */
    rt_str_t                   nsp;         /* both behind the struct */
    rt_str_t                   name;
};


struct ngx_http_realtime_membership_s {
    ngx_http_realtime_room_t  *room;
    uint32_t                   index;       /* in room->seats */
};


/* the rooms of a worker; "key" is the zone's */

typedef struct {
    ngx_http_realtime_room_t  **buckets;
    ngx_uint_t                  nbuckets;   /* a power of two */
    ngx_uint_t                  n;
    const rt_hash_key_t        *key;
    ngx_log_t                  *log;
} ngx_http_realtime_rooms_t;


ngx_int_t ngx_http_realtime_rooms_init(ngx_http_realtime_rooms_t *rooms,
    const rt_hash_key_t *key, ngx_log_t *log);

/* the room, or NULL when no socket of this worker is in it */
ngx_http_realtime_room_t *ngx_http_realtime_room_find(
    ngx_http_realtime_rooms_t *rooms, rt_str_t nsp, rt_str_t name);

/* NGX_DECLINED if the socket is in it already; NGX_ERROR: no memory */
ngx_int_t ngx_http_realtime_room_join(ngx_http_realtime_rooms_t *rooms,
    ngx_http_realtime_socket_t *sk, rt_str_t name);

/* those that stand for the namespace and for its user; NGX_ERROR: no memory */
ngx_int_t ngx_http_realtime_room_join_own(ngx_http_realtime_rooms_t *rooms,
    ngx_http_realtime_socket_t *sk);

/* one that no client can name */
#define ngx_http_realtime_room_is_own(name)                                   \
    ((name).len == 0 || (name).data[0] == '@')

/* the rooms that the client has asked for */
#define ngx_http_realtime_rooms_joined(sk)                                    \
    ((sk)->nrooms - ((sk)->who ? 2 : 1))

/* the socket's membership, or NULL */
ngx_http_realtime_membership_t *ngx_http_realtime_room_member(
    ngx_http_realtime_socket_t *sk, rt_str_t name);

/* ends it; a room without sockets goes */
void ngx_http_realtime_room_leave(ngx_http_realtime_rooms_t *rooms,
    ngx_http_realtime_socket_t *sk, ngx_http_realtime_membership_t *m);


#endif /* _NGX_HTTP_REALTIME_ROOM_H_INCLUDED_ */
