
/*
 * ngx_http_realtime_session.h: one client, whatever carries it.
 *
 * A session belongs to one worker.  It begins with session_open(), ends with
 * session_close() and nothing else, and may move to another worker in between
 * (hub/, transport/).  Whoever has to find it again later keeps its id.
 *
 * Knows nothing of HTTP, frames or rooms: a transport carries it
 * (ngx_http_realtime_transport_t), and what packets mean is for those who set
 * the pointers in ngx_http_realtime_sessions_t.
 */


#ifndef _NGX_HTTP_REALTIME_SESSION_H_INCLUDED_
#define _NGX_HTTP_REALTIME_SESSION_H_INCLUDED_


#include "bus/ngx_http_realtime_bus.h"
#include "session/ngx_http_realtime_beat.h"
#include "session/ngx_http_realtime_outq.h"
#include "shm/ngx_http_realtime_limits.h"
#include "shm/ngx_http_realtime_reason.h"

#include "base/rt_id.h"
#include "chat/rt_agent.h"
#include "proto/rt_sio.h"


#define NGX_HTTP_REALTIME_POLLING    0x0002
#define NGX_HTTP_REALTIME_WEBSOCKET  0x0004


/* what a location says about its sessions */

typedef struct {
    ngx_msec_t    ping_interval;
    ngx_msec_t    ping_timeout;
    ngx_msec_t    connect_timeout;      /* also for announced attachments */
    ngx_msec_t    upgrade_timeout;
    size_t        max_payload;          /* of one message, bytes */
    size_t        send_buffer;          /* what may wait for one client */
    ngx_msec_t    recovery;             /* that a client may be away; 0: off */
    size_t        recovery_limit;       /* of the log that it may miss */
    ngx_msec_t    drain;                /* that going takes, after a reload */
    ngx_uint_t    transports;           /* NGX_HTTP_REALTIME_POLLING, ... */
    ngx_uint_t    max_connections;      /* of the host */
    ngx_uint_t    max_rooms;            /* of one socket */
    ngx_flag_t    echo;                 /* bare Engine.IO */
    uint16_t      location;             /* which one this is */
    void         *events;               /* for handler/ */
} ngx_http_realtime_session_conf_t;


typedef struct ngx_http_realtime_session_s   ngx_http_realtime_session_t;
typedef struct ngx_http_realtime_sessions_s  ngx_http_realtime_sessions_t;
typedef struct ngx_http_realtime_socket_s    ngx_http_realtime_socket_t;
typedef struct ngx_http_realtime_partial_s   ngx_http_realtime_partial_t;
typedef struct ngx_http_realtime_knock_s     ngx_http_realtime_knock_t;
typedef struct ngx_http_realtime_pause_s     ngx_http_realtime_pause_t;


/* what the handshake says of a client */

typedef struct {
    ngx_http_realtime_counted_t  counted;   /* of its address */
    u_char                       address[16];
    uint8_t                      address_len;   /* bytes; 0: a Unix socket */
    uint8_t                      plain;     /* it is to have no offsets */
    uint8_t                      secure;    /* TLS */
    uint32_t                     opened;    /* when; s since the epoch */
    rt_agent_t                   agent;
} ngx_http_realtime_client_t;

/*
 * Who is meant when connections are counted: the first half of an IPv6 address,
 * since nobody has less and many have no more.  Empty: nobody is.
 */
#define ngx_http_realtime_client_who(client)                                  \
    rt_str(ngx_min((client)->address_len, 8), (client)->address)

/* it was counted, and is not to be; once */
void ngx_http_realtime_client_uncount(ngx_http_realtime_zone_t *z,
    ngx_http_realtime_client_t *client);


/* what a transport has to offer */

typedef struct {
    ngx_uint_t    type;                 /* NGX_HTTP_REALTIME_POLLING, ... */

    /*
     * Sends what waits in s->outq as far as it will go; called once per turn
     * of the event loop.  May call session_close().
     */
    void        (*flush)(ngx_http_realtime_session_t *s);

    /* says good-bye as s->reason has it, and forgets the session */
    void        (*close)(ngx_http_realtime_session_t *s);

    /* whether the client could be told now; NULL: it always can */
    ngx_uint_t  (*listens)(ngx_http_realtime_session_t *s);

    /* whether what is queued now would leave with the next flush */
    ngx_uint_t  (*ready)(ngx_http_realtime_session_t *s);

    /*
     * Reads what has come from the client: NGX_OK, or NGX_AGAIN when there is
     * more of it.  NULL: it was read as it came.
     */
    ngx_int_t   (*hear)(ngx_http_realtime_session_t *s);

    /*
     * Goes on with what the client says: nothing was taken from it while
     * ngx_http_realtime_session_waits().
     */
    void        (*go_on)(ngx_http_realtime_session_t *s);
} ngx_http_realtime_transport_t;


typedef enum {
    NGX_HTTP_REALTIME_SESSION_NEW = 0,
    NGX_HTTP_REALTIME_SESSION_OPEN,
    NGX_HTTP_REALTIME_SESSION_UPGRADING,      /* a WebSocket probes */
    NGX_HTTP_REALTIME_SESSION_CLOSING,        /* in set->closing */
    NGX_HTTP_REALTIME_SESSION_GONE
} ngx_http_realtime_session_state_e;


struct ngx_http_realtime_session_s {
    ngx_http_realtime_session_t          *next;       /* in the bucket */
    ngx_http_realtime_sessions_t         *set;
    ngx_http_realtime_session_conf_t     *conf;
    const ngx_http_realtime_transport_t  *transport;
    void                                 *carrier;    /* the transport's own */
    ngx_http_realtime_socket_t           *sockets;
    ngx_http_realtime_partial_t          *partial;    /* attachments to come */
    ngx_http_realtime_knock_t            *knocks;     /* CONNECTs that wait */
    ngx_http_realtime_pause_t            *pauses;     /* events that do */
    ngx_http_realtime_outq_t              outq;
    ngx_http_realtime_beat_t              beat;       /* ping, or its pong */
    ngx_http_realtime_beat_t              grace;      /* for CONNECT, or
                                                         attachments */
    ngx_queue_t                           queue;      /* set->dirty, closing */
    uint64_t                              from;       /* it has all of the log
                                                         before this */
    uint64_t                              emitted;    /* its last entry ends
                                                         here, or before */
    rt_str_t                              token;      /* of the handshake;
                                                         allocated */
    ngx_http_realtime_client_t            client;
    rt_ref_t                              ref;        /* in the directory */
    u_char                                sid[RT_ID_LEN];
    uint8_t                               state;
    uint8_t                               reason;
    uint8_t                               refused;    /* tokens; handler/ */
    uint16_t                              checked;    /* the same */
    unsigned                              dirty:1;
    unsigned                              pinged:1;   /* pong outstanding */
    unsigned                              kicked:1;   /* has been sent a
                                                         DISCONNECT */
    unsigned                              moved:1;    /* to another worker, or
                                                         it is away */
    unsigned                              arriving:1; /* from one: replaying */
    unsigned                              recoverable:1;  /* it has, and pids */
    unsigned                              replaying:1;  /* for some socket */
    unsigned                              parting:1;  /* its client said that
                                                         it will not be back */
};


/* one event or ack with its attachments, as it came; all borrowed */

typedef struct {
    rt_sio_packet_t  sio;
    rt_str_t         text;                  /* that it was decoded from */
    rt_str_t         attachments[RT_SIO_MAX_ATTACHMENTS];
} ngx_http_realtime_packet_t;


/* whole seconds that a session may be away */
#define ngx_http_realtime_session_window(s)                                   \
    ((uint16_t) (((s)->conf->recovery + 999) / 1000))

/* most that this may be, ms */
#define NGX_HTTP_REALTIME_RECOVERY_MAX  ((ngx_msec_t) 18 * 60 * 60 * 1000)


/* the sockets of one worker by their ids (~socket_table) */

typedef struct {
    ngx_http_realtime_socket_t     **buckets;
    ngx_uint_t                       nbuckets;        /* a power of two */
    ngx_uint_t                       n;
} ngx_http_realtime_socket_table_t;


/* the sessions of one worker */

struct ngx_http_realtime_sessions_s {
    ngx_http_realtime_bus_t         *bus;
    ngx_log_t                       *log;
    ngx_http_realtime_session_t    **buckets;
    ngx_uint_t                       nbuckets;        /* a power of two */
    ngx_uint_t                       n;
    ngx_queue_t                      dirty;
    ngx_queue_t                      closing;
    ngx_event_t                      flush;
    ngx_event_t                      reap;
    ngx_http_realtime_beats_t        beats;
    ngx_http_realtime_outq_stock_t   stock;
    ngx_array_t                      namespaces;      /* socket.h */
    ngx_http_realtime_socket_table_t  ids;

    /* up; set by module/ */

    void     (*on_connect)(ngx_http_realtime_session_t *s,
                 rt_sio_packet_t *pkt);
    void     (*on_event)(ngx_http_realtime_socket_t *sk,
                 ngx_http_realtime_packet_t *pkt);
    void     (*on_leave)(ngx_http_realtime_socket_t *sk);

    /* the token of the socket has expired */
    void     (*on_expire)(ngx_http_realtime_socket_t *sk);

    /* a socket of it waits for what it missed, and the queue has room */
    void     (*on_drained)(ngx_http_realtime_session_t *s);

    /* "pkt" is the client's ACK; NULL when it has gone without one */
    void     (*on_ack)(ngx_http_realtime_socket_t *sk, ngx_uint_t kind,
                 uint64_t arg, ngx_http_realtime_packet_t *pkt);

    /* the first socket of this worker is in it; or NULL */
    void     (*on_namespace)(ngx_http_realtime_sessions_t *set, rt_str_t nsp);

    void      *data;
};


#define ngx_http_realtime_session_sid(s)  rt_str(RT_ID_LEN, (s)->sid)

/*
 * It has been given all that is before this in the log; what is replayed on
 * arrival is behind what the worker reads.
 */
#define ngx_http_realtime_session_position(s)                                 \
    ((s)->arriving ? (s)->from : ngx_max((s)->from, (s)->set->bus->cursor))

/* what is queued now goes out at the end of this turn, as far as one sees */
#define ngx_http_realtime_session_takes(s)                                    \
    ((s)->transport && !(s)->arriving && (s)->transport->ready(s))

/* it has said something that waits: the rest is to wait as well */
#define ngx_http_realtime_session_waits(s)  ((s)->pauses != NULL)

#define ngx_http_realtime_session_alive(s)                                    \
    ((s)->state == NGX_HTTP_REALTIME_SESSION_OPEN                             \
     || (s)->state == NGX_HTTP_REALTIME_SESSION_UPGRADING)


/* "set" was zeroed; bus, log and the pointers are set */
ngx_int_t ngx_http_realtime_sessions_init(ngx_http_realtime_sessions_t *set,
    ngx_pool_t *pool);

/*
 * A new session, in the directory and with a ping to come.  NGX_OK with
 * "*out"; NGX_BUSY over max_connections, NGX_DECLINED when the zone is full,
 * NGX_ERROR without memory or randomness.
 */
ngx_int_t ngx_http_realtime_session_open(ngx_http_realtime_sessions_t *set,
    ngx_http_realtime_session_conf_t *conf,
    const ngx_http_realtime_transport_t *transport, void *carrier,
    ngx_http_realtime_session_t **out);

/*
 * A session that another worker gave away; it is in the directory as "ref"
 * already.  NULL: no memory.
 */
ngx_http_realtime_session_t *ngx_http_realtime_session_adopt(
    ngx_http_realtime_sessions_t *set, ngx_http_realtime_session_conf_t *conf,
    rt_str_t sid, rt_ref_t ref);

/* a session of this worker that has not begun to end, or NULL */
ngx_http_realtime_session_t *ngx_http_realtime_session_find(
    ngx_http_realtime_sessions_t *set, rt_str_t sid);

/* whether this worker has the session, also one that is about to end */
ngx_int_t ngx_http_realtime_session_known(ngx_http_realtime_sessions_t *set,
    rt_str_t sid);

/*
 * The only way to end a session; harmless the second time.  What has to be
 * done for it happens after the caller, in an event of its own: "s" stays
 * valid until then.
 */
void ngx_http_realtime_session_close(ngx_http_realtime_session_t *s,
    ngx_http_realtime_reason_e reason);

/* ends it here without a word: it lives on in another worker */
void ngx_http_realtime_session_leave(ngx_http_realtime_session_t *s);

/* the only place where s->state is written */
ngx_int_t ngx_http_realtime_session_move(ngx_http_realtime_session_t *s,
    ngx_http_realtime_session_state_e to);

/*
 * Queues a packet, to be sent at the end of this turn.  Takes a count of its
 * own.  A client for which more than send_buffer waits is closed.
 */
void ngx_http_realtime_session_send(ngx_http_realtime_session_t *s,
    ngx_http_realtime_blob_t *b);

/* queues a copy of "packet" */
void ngx_http_realtime_session_send_text(ngx_http_realtime_session_t *s,
    rt_str_t packet);

/* asks for a flush at the end of this turn */
void ngx_http_realtime_session_touch(ngx_http_realtime_session_t *s);

/* handler of set->flush: the end of the turn */
void ngx_http_realtime_sessions_flush(ngx_event_t *ev);

/*
 * What may wait for a client that gets what it missed, bytes.  Nobody shares
 * it, and many may come back at once.
 */
#define ngx_http_realtime_session_refill(s)                                   \
    ngx_min((s)->conf->send_buffer / 2 + 1, 65536)

/* transports: something has been sent */
#define ngx_http_realtime_session_sent(s)                                     \
    do {                                                                      \
        if ((s)->replaying                                                    \
            && (s)->outq.bytes < ngx_http_realtime_session_refill(s))         \
        {                                                                     \
            (s)->set->on_drained(s);                                          \
        }                                                                     \
    } while (0)

/* ~heartbeat: a ping after ping_interval */
ngx_int_t ngx_http_realtime_session_ping_later(ngx_http_realtime_session_t *s);

/*
 * The token that came with the handshake, in case CONNECT brings none; copied.
 * NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_realtime_session_set_token(ngx_http_realtime_session_t *s,
    rt_str_t token);

/* the client gave a sign of life */
void ngx_http_realtime_session_alive_now(ngx_http_realtime_session_t *s);

/* whether its pong is overdue, by the clock */
ngx_int_t ngx_http_realtime_session_expired(ngx_http_realtime_session_t *s);

/* closes it unless a CONNECT or its attachments come in time */
void ngx_http_realtime_session_grace(ngx_http_realtime_session_t *s);

/* calls "each" for all sessions of the worker, also those that end */
#define ngx_http_realtime_sessions_each(set, each, ctx)                       \
    ngx_http_realtime_sessions_part(set, 0, 1, each, ctx)

/* the same for about one in "parts" of them, "part" says which */
void ngx_http_realtime_sessions_part(ngx_http_realtime_sessions_t *set,
    ngx_uint_t part, ngx_uint_t parts,
    void (*each)(void *ctx, ngx_http_realtime_session_t *s), void *ctx);


#endif /* _NGX_HTTP_REALTIME_SESSION_H_INCLUDED_ */
