
/*
 * ngx_http_realtime_socket.h: a session in one namespace, what Socket.IO
 * calls a socket: its id, its packets, its acks.
 */


#ifndef _NGX_HTTP_REALTIME_SOCKET_H_INCLUDED_
#define _NGX_HTTP_REALTIME_SOCKET_H_INCLUDED_


#include "session/ngx_http_realtime_identity.h"
#include "session/ngx_http_realtime_session.h"
#include "shm/ngx_http_realtime_directory.h"

#include "proto/rt_offset.h"


/* a namespace that has sockets in this worker; counted by them */

typedef struct {
    rt_str_t    name;                   /* behind the struct */
    ngx_uint_t  refs;
} ngx_http_realtime_nsp_t;


typedef struct ngx_http_realtime_replay_s      ngx_http_realtime_replay_t;
typedef struct ngx_http_realtime_ack_s         ngx_http_realtime_ack_t;
typedef struct ngx_http_realtime_membership_s  ngx_http_realtime_membership_t;

/* an ack that the client owes us */

struct ngx_http_realtime_ack_s {
    ngx_http_realtime_ack_t  *next;
    uint64_t                  arg;      /* of whoever asked for it */
    uint32_t                  id;
    uint32_t                  kind;     /* the same; both may move */
};


struct ngx_http_realtime_socket_s {
    ngx_http_realtime_socket_t      *next;          /* of the session */
    ngx_http_realtime_socket_t      *next_id;       /* in the bucket */
    ngx_http_realtime_session_t     *session;
    ngx_http_realtime_nsp_t         *nsp;
    ngx_http_realtime_membership_t  *rooms;         /* hub/ */
    uint32_t                         nrooms;
    uint32_t                         rooms_size;
    ngx_http_realtime_ack_t         *acks;
    uint32_t                         nacks;
    uint32_t                         last_ack;      /* id */
    rt_ref_t                         ref;           /* in the directory */
    uint32_t                         stamp;         /* last delivery, hub/ */
    ngx_http_realtime_identity_t    *who;           /* NULL: anonymous */
    ngx_http_realtime_replay_t      *replay;        /* hub/replay; or NULL */
    uint64_t                         sent;          /* last offset that it was
                                                       given; 0: none */
    unsigned                         mute:1;        /* may not read rooms */
    u_char                           id[RT_ID_LEN];
};


/* namespaces that one client may be in */
#define NGX_HTTP_REALTIME_SOCKETS_MAX  64

/* packets that are held back until it is known how many there are */
#define NGX_HTTP_REALTIME_HELD_MAX  12

/* a room that it joined behind where that begins */

typedef struct {
    uint64_t                     hash;          /* of the name */
    uint64_t                     since;
} ngx_http_realtime_joined_t;


/*
 * What a socket that came back has missed, and has not been given yet: nothing
 * else is delivered to it.
 */

struct ngx_http_realtime_replay_s {
    ngx_queue_t                  queue;         /* hub/replay */
    ngx_http_realtime_socket_t  *socket;
    uint64_t                     from;          /* it has all before this, or
                                                   it is held */
    uint64_t                     begin;         /* of what is held */
    uint64_t                     commands;      /* those that are before this
                                                   have been carried out */
    ngx_uint_t                   connected;     /* its CONNECT was sent */
    ngx_uint_t                   doubts;        /* rooms that it may not be in:
                                                   it waits for answers */
    ngx_http_realtime_joined_t  *joined;        /* allocated, or NULL */
    ngx_uint_t                   njoined;
    ngx_uint_t                   n;
    size_t                       bytes;
    ngx_http_realtime_blob_t    *held[NGX_HTTP_REALTIME_HELD_MAX];
};


/* acks that one client may owe */
#define NGX_HTTP_REALTIME_ACKS_MAX  256


#define ngx_http_realtime_socket_id(sk)  rt_str(RT_ID_LEN, (sk)->id)


/*
 * A socket of "s" in the namespace "nsp".  "id" NULL: a new one, entered into
 * the directory; else one that is there as "ref".  NULL: no memory,
 * the zone is full, or "s" has too many.
 */
ngx_http_realtime_socket_t *ngx_http_realtime_socket_open(
    ngx_http_realtime_session_t *s, rt_str_t nsp, u_char *id, rt_ref_t ref);

/*
 * The socket is "who", and owns it; set->on_expire is called when the token
 * does.
 */
void ngx_http_realtime_socket_identify(ngx_http_realtime_socket_t *sk,
    ngx_http_realtime_identity_t *who);

/* the socket of "s" in "nsp", or NULL */
ngx_http_realtime_socket_t *ngx_http_realtime_socket_find(
    ngx_http_realtime_session_t *s, rt_str_t nsp);

/*
 * Takes the socket out: it leaves its rooms, its acks are given up.  Sends
 * nothing.
 */
void ngx_http_realtime_socket_close(ngx_http_realtime_socket_t *sk);

/* the same after a DISCONNECT to the client, whose session may stay */
void ngx_http_realtime_socket_kick(ngx_http_realtime_socket_t *sk);

/* the socket's record in the zone, NULL if it has come back elsewhere */
#define ngx_http_realtime_socket_rec(sk)                                      \
    ngx_http_realtime_directory_socket((sk)->session->set->bus->zone,         \
                                       (sk)->ref, (sk)->session->ref,         \
                                       (sk)->id)

/* it has been given all that is before this in the log */
uint64_t ngx_http_realtime_socket_position(ngx_http_realtime_socket_t *sk);

/* puts the offset of a log position behind an event's arguments */
void ngx_http_realtime_socket_put_offset(rt_buf_t *b,
    ngx_http_realtime_sessions_t *set, uint64_t pos);

/* bytes that this takes at most: ,"..." */
#define NGX_HTTP_REALTIME_OFFSET_SIZE  (RT_OFFSET_MAX + 3)

/*
 * Writes what it was given last into its record; not "known": there may have
 * been more that was not even queued.
 */
void ngx_http_realtime_socket_save(ngx_http_realtime_socket_t *sk,
    ngx_uint_t known);

/*
 * Closes it without a word to the others, and without touching the directory:
 * the socket lives on in another worker.
 */
void ngx_http_realtime_socket_leave(ngx_http_realtime_socket_t *sk);

/*
 * Puts the head of an Engine.IO message with a Socket.IO packet of this
 * socket: what is left to put is JSON.  "id" < 0: none.
 */
void ngx_http_realtime_socket_put_head(rt_buf_t *b, rt_str_t nsp,
    rt_sio_type_e type, ngx_uint_t attachments, int64_t id);

/* bytes that the head takes at most */
#define ngx_http_realtime_socket_head_size(nsp_len)  ((nsp_len) + 32)

/*
 * Sends an event (or, with "event" NULL, the ack "id") to the client: "args"
 * is JSON without brackets, with placeholders for "n" attachments.  An event
 * that asks for no ack takes an offset along, for a client that has a pid.
 */
ngx_int_t ngx_http_realtime_socket_send(ngx_http_realtime_socket_t *sk,
    rt_str_t *event, int64_t id, rt_str_t args, const rt_str_t *attachments,
    ngx_uint_t n);

/*
 * A new ack id: set->on_ack is called with "kind" and "arg" when the client
 * answers, or when it has gone.  -1 when the client owes too many.
 */
int64_t ngx_http_realtime_socket_expect_ack(ngx_http_realtime_socket_t *sk,
    ngx_uint_t kind, uint64_t arg);

/* an ack that the client owed elsewhere; its id is kept */
ngx_int_t ngx_http_realtime_socket_add_ack(ngx_http_realtime_socket_t *sk,
    uint32_t id, ngx_uint_t kind, uint64_t arg);

/* an ACK came; one that nobody waits for is ignored */
void ngx_http_realtime_socket_acked(ngx_http_realtime_socket_t *sk,
    ngx_http_realtime_packet_t *pkt);


#endif /* _NGX_HTTP_REALTIME_SOCKET_H_INCLUDED_ */
