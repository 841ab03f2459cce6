
/*
 * ngx_http_realtime_records.h: the records in the arena of the state zone.
 *
 *     session -> socket -> socket ...       what a client has
 *                  |
 *                member ... (next_room)     the rooms that socket is in
 *                  |
 *     room    -> member ... (next, prev)    who is in a room
 *
 *     user    -> socket ...                 all that one user has connected
 *        |
 *        +----> occupant ... -> room        a user in a room, however often
 *        +----> custom                      the custom status
 *
 *     thread  -> typist -> member           who types there, by connection
 *     limit                                 how much somebody did lately
 *     known                                 what the database said of a room,
 *                                           or of a user in it
 *
 * Sockets hang on a session, and a session on a worker (slot and generation):
 * what a dead worker owned is found by walking the sessions.  One whose client
 * has gone and may come back is away: in no table and no worker's, but with
 * all that hangs on it (ngx_http_realtime_away.h).  Users, occupants,
 * threads, limits and what is known of the database are found by their keys
 * (ngx_http_realtime_keyed.h).
 * All links are references; a record counts while its type is set
 * (base/rt_arena.h).
 *
 * What others have been told is kept beside what is: an occupant's and a
 * thread's "told", a user's "told" and "news".  Where the two differ somebody
 * owes an announcement (hub/), also when the one who changed it has died.
 */


#ifndef _NGX_HTTP_REALTIME_RECORDS_H_INCLUDED_
#define _NGX_HTTP_REALTIME_RECORDS_H_INCLUDED_


#include "shm/ngx_http_realtime_zone.h"

#include "base/rt_id.h"
#include "base/rt_limit.h"
#include "chat/rt_payload.h"


typedef enum {
    NGX_HTTP_REALTIME_RECORD_SESSION = 1,
    NGX_HTTP_REALTIME_RECORD_SOCKET,
    NGX_HTTP_REALTIME_RECORD_ROOM,
    NGX_HTTP_REALTIME_RECORD_MEMBER,
    NGX_HTTP_REALTIME_RECORD_USER,
    NGX_HTTP_REALTIME_RECORD_OCCUPANT,
    NGX_HTTP_REALTIME_RECORD_CUSTOM,
    NGX_HTTP_REALTIME_RECORD_THREAD,
    NGX_HTTP_REALTIME_RECORD_TYPIST,
    NGX_HTTP_REALTIME_RECORD_LIMIT,
    NGX_HTTP_REALTIME_RECORD_KNOWN
} ngx_http_realtime_record_e;


typedef enum {
    NGX_HTTP_REALTIME_CARRIER_POLLING = 0,
    NGX_HTTP_REALTIME_CARRIER_WEBSOCKET,
    NGX_HTTP_REALTIME_CARRIER_TRANSIT   /* that it goes to has a WebSocket for
                                           it, and has not got it yet */
} ngx_http_realtime_carrier_e;


typedef struct {
    uint8_t                    type;
    unsigned                   carrier:2;   /* ngx_http_realtime_carrier_e */
    unsigned                   reason:4;    /* it is away, or ends:
                                               ngx_http_realtime_reason_e */
    u_char                     sid[RT_ID_LEN];
    uint16_t                   location;    /* where it was opened */
    rt_ref_t                   next;        /* in the bucket */
    rt_ref_t                   sockets;
    ngx_http_realtime_wid_t    owner;
    union {
        ngx_http_realtime_wid_t  prober;    /* who has a WebSocket that may
                                               take over; generation 0: none */
        uint64_t               from;        /* away: it was given all that
                                               is before this in the log */
    };
    ngx_http_realtime_hook_t   link;        /* away: in its second */
    uint16_t                   window;      /* s that it may be; 0: not */
    uint16_t                   opened;      /* in which second, the low bits */
    uint32_t                   due;         /* away, until this second of the
                                               zone's; 0: it is not */
} ngx_http_realtime_session_rec_t;


typedef struct {
    uint8_t                    type;
    u_char                     id[RT_ID_LEN];
    uint8_t                    typing;      /* typists of this socket */
    uint8_t                    stored;      /* the database knows of it, and is
                                               to know of its end */
    rt_ref_t                   session;
    rt_ref_t                   next;        /* of the session */
    rt_ref_t                   members;
    rt_ref_t                   user;        /* 0: anonymous */
    ngx_http_realtime_hook_t   of_user;
    uint64_t                   began;       /* the same for all rooms */
    uint64_t                   sent;        /* the last offset that it was
                                               given, as of slot->saved or
                                               later; 0: none */
} ngx_http_realtime_socket_rec_t;

#define NGX_HTTP_REALTIME_STORED        1
#define NGX_HTTP_REALTIME_STORED_EVENT  2   /* its end is to be logged */

/* an offset that was never given: nobody knows what was */
#define NGX_HTTP_REALTIME_SENT_UNKNOWN  ((uint64_t) -1)


typedef struct {
    uint8_t                    type;
    uint8_t                    name_len;
    uint8_t                    nsp_len;
    uint8_t                    kind;        /* ngx_http_realtime_kind_t */
    uint32_t                   hash;
    rt_ref_t                   next;        /* in the bucket */
    rt_ref_t                   members;
    uint32_t                   count;       /* of members */
    uint32_t                   people;      /* users and anonymous sockets */
    uint32_t                   anonymous;   /* of them */
    uint32_t                   elsewhere;   /* people who are on other hosts
                                               only */
    uint32_t                   occupants;   /* records, also of who has left */
    u_char                     text[];      /* namespace, then name */
} ngx_http_realtime_room_rec_t;


typedef struct {
    uint8_t                    type;
    rt_ref_t                   room;
    rt_ref_t                   socket;
    rt_ref_t                   next;        /* in the room */
    rt_ref_t                   prev;
    rt_ref_t                   next_room;   /* of the socket */
    rt_ref_t                   occupant;    /* 0: anonymous */
    rt_ref_t                   typists;
    uint64_t                   since;       /* nothing before this in the log
                                               was for it */
} ngx_http_realtime_member_rec_t;


/* what every record of the keyed table begins with */

typedef struct {
    uint8_t                    type;
    uint8_t                    more[3];     /* of the record's own */
    uint32_t                   hash;
    rt_ref_t                   next;        /* in the bucket */
} ngx_http_realtime_keyed_t;


/* what has happened to a user since others were told */

typedef enum {
    NGX_HTTP_REALTIME_WHY_CONNECT = 0,
    NGX_HTTP_REALTIME_WHY_FOUND,        /* a custom status, in the database */
    NGX_HTTP_REALTIME_WHY_SAID,         /* by the user */
    NGX_HTTP_REALTIME_WHY_CLEARED       /* the same: no custom status */
} ngx_http_realtime_why_e;


typedef struct {
    uint8_t                    type;
    uint8_t                    status;      /* rt_status_e, while connected */
    uint8_t                    told;        /* what the others think */
    unsigned                   chain:2;     /* ngx_http_realtime_chain_e */
    unsigned                   news:1;      /* is to be told in any case */
    unsigned                   presence:1;  /* takes part in it */
    unsigned                   rooms_only:1;    /* told to its rooms */
    unsigned                   why:2;       /* it is news:
                                               ngx_http_realtime_why_e */
    unsigned                   recalled:1;  /* "custom" is what it has, not
                                               only what was said here */
    uint32_t                   hash;
    rt_ref_t                   next;
    ngx_http_realtime_hook_t   link;        /* in that chain */
    ngx_http_realtime_chain_t  sockets;
    ngx_http_realtime_chain_t  occupants;
    rt_ref_t                   custom;
    uint16_t                   nsp_len;
    uint16_t                   id_len;
    uint64_t                   due;         /* LATER: when to tell; ms */
    u_char                     text[];      /* namespace, then id */
} ngx_http_realtime_user_rec_t;


typedef struct {
    uint8_t                    type;
    uint8_t                    told;        /* "user:joined" was, and
                                               "user:left" was not yet */
    uint8_t                    lingers;     /* until all know it is offline */
    uint32_t                   hash;
    rt_ref_t                   next;
    rt_ref_t                   user;
    rt_ref_t                   room;
    ngx_http_realtime_hook_t   of_user;
    uint32_t                   count;       /* members; 0: has left */
} ngx_http_realtime_occupant_rec_t;


typedef struct {
    uint8_t                    type;
    uint16_t                   len;
    rt_ref_t                   user;
    u_char                     text[];      /* a JSON object */
} ngx_http_realtime_custom_rec_t;


typedef struct {
    uint8_t                    type;
    uint8_t                    told;        /* the list as it is */
    uint8_t                    named;       /* has an id, "" perhaps */
    uint32_t                   hash;
    rt_ref_t                   next;
    rt_ref_t                   room;
    ngx_http_realtime_chain_t  typists;     /* in the order they began */
    uint16_t                   len;
    u_char                     text[];      /* the id, UTF-8 */
} ngx_http_realtime_thread_rec_t;


typedef struct {
    uint8_t                    type;
    rt_ref_t                   member;
    rt_ref_t                   thread;
    rt_ref_t                   next;        /* of the member */
    ngx_http_realtime_hook_t   of_thread;
    ngx_http_realtime_hook_t   by_due;
    uint64_t                   due;         /* ms since the epoch */
} ngx_http_realtime_typist_rec_t;


typedef struct {
    uint8_t                    type;
    uint8_t                    kind;        /* ngx_http_realtime_limit_e */
    uint32_t                   hash;
    rt_ref_t                   next;
    ngx_http_realtime_hook_t   link;        /* by use */
    uint64_t                   key[2];
    rt_limit_t                 limit;
} ngx_http_realtime_limit_rec_t;


typedef struct {
    uint8_t                    type;
    uint8_t                    kind;        /* of a room */
    unsigned                   of_user:1;   /* in a room, else of the room */
    unsigned                   yes:1;       /* it exists, or is a member */
    uint32_t                   hash;
    rt_ref_t                   next;
    ngx_http_realtime_hook_t   link;        /* by use */
    uint64_t                   key[2];
    uint64_t                   mark;        /* known_seq when it was asked */
    uint64_t                   time;        /* of the answer; ms */
} ngx_http_realtime_known_rec_t;


_Static_assert(offsetof(ngx_http_realtime_keyed_t, hash)
               == offsetof(ngx_http_realtime_user_rec_t, hash)
               && offsetof(ngx_http_realtime_keyed_t, hash)
                  == offsetof(ngx_http_realtime_occupant_rec_t, hash)
               && offsetof(ngx_http_realtime_keyed_t, hash)
                  == offsetof(ngx_http_realtime_thread_rec_t, hash)
               && offsetof(ngx_http_realtime_keyed_t, hash)
                  == offsetof(ngx_http_realtime_limit_rec_t, hash)
               && offsetof(ngx_http_realtime_keyed_t, hash)
                  == offsetof(ngx_http_realtime_known_rec_t, hash),
               "records of the keyed table begin alike");


_Static_assert(sizeof(ngx_http_realtime_session_rec_t) <= 2 * RT_ARENA_UNIT
               && sizeof(ngx_http_realtime_socket_rec_t) <= 2 * RT_ARENA_UNIT,
               "what every client has is small");


_Static_assert(sizeof(ngx_http_realtime_thread_rec_t) + RT_THREAD_BYTES
               <= RT_ARENA_MAX
               && sizeof(ngx_http_realtime_custom_rec_t) + RT_CUSTOM_MAX
                  <= RT_ARENA_MAX
               && sizeof(ngx_http_realtime_user_rec_t) + UINT8_MAX
                  + RT_USER_MAX <= RT_ARENA_MAX,
               "what clients may send fits into a record");


/* what a room is; kept in one byte of its record */

typedef enum {
    NGX_HTTP_REALTIME_ROOM_CHANNEL = 0,
    NGX_HTTP_REALTIME_ROOM_DM,              /* of two */
    NGX_HTTP_REALTIME_ROOM_GROUP,
    NGX_HTTP_REALTIME_ROOM_BROADCAST        /* few write */
} ngx_http_realtime_room_type_e;

typedef uint8_t  ngx_http_realtime_kind_t;

#define NGX_HTTP_REALTIME_ROOM_PRIVATE    0x80
#define NGX_HTTP_REALTIME_ROOM_QUIET      0x40  /* nobody is told who comes */

#define ngx_http_realtime_room_type(kind)                                     \
    ((kind) & ~(NGX_HTTP_REALTIME_ROOM_PRIVATE|NGX_HTTP_REALTIME_ROOM_QUIET))


/* the bucket of a hash; the caller holds the state mutex */
#define ngx_http_realtime_bucket(sh, table, hash)                             \
    (&(sh)->table[(hash) & ((sh)->buckets - 1)])

#define ngx_http_realtime_room_rec_nsp(room)                                  \
    rt_str((room)->nsp_len, (room)->text)

#define ngx_http_realtime_room_rec_name(room)                                 \
    rt_str((room)->name_len, (room)->text + (room)->nsp_len)

#define ngx_http_realtime_user_rec_nsp(user)                                  \
    rt_str((user)->nsp_len, (user)->text)

#define ngx_http_realtime_user_rec_id(user)                                   \
    rt_str((user)->id_len, (user)->text + (user)->nsp_len)


/* links every table and list anew from the records; the mutex is held */
void ngx_http_realtime_records_rebuild_locked(ngx_http_realtime_zone_t *z);


#endif /* _NGX_HTTP_REALTIME_RECORDS_H_INCLUDED_ */
