
/*
 * ngx_http_realtime_emit.h: one packet to whoever is meant, wherever they
 * are.
 *
 * emit appends to the log; deliver takes an entry of the log to the sockets of
 * this worker.  Emit never delivers and deliver never emits, so everybody
 * sees one order, and nothing goes round in circles.
 */


#ifndef _NGX_HTTP_REALTIME_EMIT_H_INCLUDED_
#define _NGX_HTTP_REALTIME_EMIT_H_INCLUDED_


#include "hub/ngx_http_realtime_room.h"
#include "store/ngx_http_realtime_reader.h"


/* memory that one step uses and the next one uses again; grows, never ends */

typedef struct {
    u_char  *data;
    size_t   size;
} ngx_http_realtime_scratch_t;


/* how far a look at all rooms has come (handler/review) */

typedef struct {
    ngx_uint_t  bucket;             /* the next one of hub->rooms */
    ngx_uint_t  asked;              /* questions under way */
    ngx_uint_t  watched;            /* seconds */
} ngx_http_realtime_reviewed_t;

#define NGX_HTTP_REALTIME_REVIEWED  ((ngx_uint_t) -1)   /* "bucket": all were */


/* what a worker needs to reach people; the one that its parts pass around */

typedef struct {
    ngx_http_realtime_sessions_t  *set;
    ngx_http_realtime_bus_t       *bus;
    ngx_http_realtime_rooms_t      rooms;
    ngx_http_realtime_reader_t    *reader;      /* NULL: there is no database */
    ngx_log_t                     *log;
    uint32_t                       stamp;       /* of the last delivery */
    ngx_http_realtime_scratch_t    entry;       /* being written */
    ngx_http_realtime_scratch_t    args;        /* of an event, the same */
    ngx_http_realtime_scratch_t    clean;       /* of a message, the same */
    ngx_http_realtime_scratch_t    chosen;      /* sockets; hub/command */
    ngx_event_t                    news;        /* presence to be told */
    ngx_event_t                    typing;      /* typists are due */
    ngx_msec_t                     heartbeat;   /* hub/reconcile */
    ngx_queue_t                    replays;     /* hub/replay */
    ngx_event_t                    replay;      /* there is one to go on with */
    ngx_queue_t                    reports;     /* hub/report */
    ngx_event_t                    report;      /* there is one to send */
    size_t                         reported;    /* bytes that wait there */
    ngx_http_realtime_reviewed_t   review;

    /* up: an operation on a session, found while replaying */
    void                         (*on_operation)(void *hub,
                                       ngx_http_realtime_entry_t *e);

    /* up: the socket is to be sent its CONNECT; it has all that it missed */
    void                         (*on_return)(ngx_http_realtime_socket_t *sk);
    void                         (*on_recovered)(
                                       ngx_http_realtime_socket_t *sk);

    /* up: it is back in a room that it may not be in any more */
    ngx_int_t                    (*on_doubt)(ngx_http_realtime_socket_t *sk,
                                       rt_str_t room);
    void                          *data;
} ngx_http_realtime_hub_t;


/* what to emit, and to whom; zeroed but for what is set */

typedef struct {
    rt_str_t         nsp;
    rt_str_t         room;          /* empty: everybody in the namespace */
    rt_str_t         rooms;         /* or a list of them (bus/entry) */
    rt_str_t         within;        /* a room that they must be in, too */
    rt_str_t         except;        /* id of a socket that is left out */
    rt_str_t         excepts;       /* or a list of ids and rooms */
    rt_str_t         event;         /* JSON string: its name */
    rt_str_t         args;          /* JSON, without brackets */
    const rt_str_t  *attachments;
    ngx_uint_t       n;
    uint64_t         people;        /* in the room on all hosts, plus 1; or 0 */
    uint8_t          flags;         /* NGX_HTTP_REALTIME_ENTRY_REMOTE ... */

    /* sent to this session after everybody else, in the same order */
    rt_str_t         reply_sid;
    rt_str_t         reply;         /* an Engine.IO packet */
} ngx_http_realtime_emit_t;


ngx_int_t ngx_http_realtime_hub_init(ngx_http_realtime_hub_t *hub);

/*
 * NGX_OK: it is in the log, and everybody will get it.  NGX_DECLINED: it is
 * too long for the log.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_realtime_emit(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_emit_t *m);

/*
 * The same for who holds the state mutex: what is told then stands in the log
 * in the order in which it happened.  "m" takes at most
 * NGX_HTTP_REALTIME_LOCKED_MAX bytes, without attachments.  The caller kicks
 * the bus when it has given the mutex back.
 */
ngx_int_t ngx_http_realtime_emit_locked(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_emit_t *m);

#define NGX_HTTP_REALTIME_LOCKED_MAX  65536

/*
 * A BROADCAST, found in the log at "pos", to the sockets of this worker: all
 * whose session does not have it yet.
 */
void ngx_http_realtime_deliver(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_entry_t *e, uint64_t pos);

/* the same to the sockets of one session only */
void ngx_http_realtime_deliver_to(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_entry_t *e, ngx_http_realtime_session_t *s);

/* the same to one socket, if it is meant */
void ngx_http_realtime_deliver_one(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_entry_t *e, ngx_http_realtime_socket_t *sk);

/*
 * Delivers to "s" what is in the log already, ahead of the others, if it
 * emitted some of that itself: what it does next must not overtake it.
 */
void ngx_http_realtime_catch_up(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_session_t *s);

/* the same, whoever emitted it */
void ngx_http_realtime_catch_up_now(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_session_t *s);

/* at least "size" bytes, which keep what they had; NULL: no memory */
u_char *ngx_http_realtime_scratch(ngx_http_realtime_scratch_t *sc, size_t size,
    ngx_log_t *log);

/* it is not needed for now: frees it if it has become very large */
void ngx_http_realtime_scratch_trim(ngx_http_realtime_scratch_t *sc);


#endif /* _NGX_HTTP_REALTIME_EMIT_H_INCLUDED_ */
