
/*
 * ngx_http_realtime_records.h: the records in the arena of the state zone.
 *
 *     session -> socket -> socket ...       what a client has
 *                  |
 *                member ... (next_room)     the rooms that socket is in
 *                  |
 *     room    -> member ... (next, prev)    who is in a room
 *
 * Everything hangs on a session, and a session on a worker (slot and
 * generation): what a dead worker owned is found by walking the sessions.
 * All links are references; a record counts while its type is set
 * (base/rt_arena.h).
 */


#ifndef _NGX_HTTP_REALTIME_RECORDS_H_INCLUDED_
#define _NGX_HTTP_REALTIME_RECORDS_H_INCLUDED_


#include "shm/ngx_http_realtime_zone.h"

#include "base/rt_id.h"


typedef enum {
    NGX_HTTP_REALTIME_RECORD_SESSION = 1,
    NGX_HTTP_REALTIME_RECORD_SOCKET,
    NGX_HTTP_REALTIME_RECORD_ROOM,
    NGX_HTTP_REALTIME_RECORD_MEMBER
} ngx_http_realtime_record_e;


typedef struct {
    uint8_t                  type;
    uint8_t                  websocket;     /* does not poll (any more) */
    u_char                   sid[RT_ID_LEN];
    rt_ref_t                 next;          /* in the bucket */
    rt_ref_t                 sockets;
    ngx_http_realtime_wid_t  owner;
    ngx_http_realtime_wid_t  prober;        /* who has a WebSocket that may
                                               take over; generation 0: none */
} ngx_http_realtime_session_rec_t;


typedef struct {
    uint8_t   type;
    u_char    id[RT_ID_LEN];
    rt_ref_t  session;
    rt_ref_t  next;                         /* of the session */
    rt_ref_t  members;
} ngx_http_realtime_socket_rec_t;


typedef struct {
    uint8_t   type;
    uint8_t   name_len;
    uint8_t   nsp_len;
    uint32_t  hash;
    rt_ref_t  next;                         /* in the bucket */
    rt_ref_t  members;
    uint32_t  count;                        /* of members */
    u_char    text[];                       /* namespace, then name */
} ngx_http_realtime_room_rec_t;


typedef struct {
    uint8_t   type;
    rt_ref_t  room;
    rt_ref_t  socket;
    rt_ref_t  next;                         /* in the room */
    rt_ref_t  prev;
    rt_ref_t  next_room;                    /* of the socket */
} ngx_http_realtime_member_rec_t;


/* the bucket of a hash; the caller holds the state mutex */
#define ngx_http_realtime_bucket(sh, table, hash)                             \
    (&(sh)->table[(hash) & ((sh)->buckets - 1)])

/* links every table and list anew from the records; the mutex is held */
void ngx_http_realtime_records_rebuild_locked(ngx_http_realtime_zone_t *z);


#endif /* _NGX_HTTP_REALTIME_RECORDS_H_INCLUDED_ */
