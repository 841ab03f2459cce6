
/*
 * ngx_http_realtime_entry.h: what stands in the log.
 *
 * An entry is a broadcast (to the sockets of a namespace, of rooms, but for
 * some), or an operation on one session wherever it lives, or an answer to one
 * worker.  All workers read all entries and skip what is not theirs.
 *
 * Entries never leave the host, and the log does not outlive the master
 * process: integers are in host order, and there is no version in them.
 */


#ifndef _NGX_HTTP_REALTIME_ENTRY_H_INCLUDED_
#define _NGX_HTTP_REALTIME_ENTRY_H_INCLUDED_


#include "shm/ngx_http_realtime_zone.h"


typedef enum {

    /* packets to the sockets that "nsp", "rooms" and "except" choose */
    NGX_HTTP_REALTIME_ENTRY_BROADCAST = 1,

    /* to the owner of session "sid"; "from" and "handle" wait for an ANSWER */
    NGX_HTTP_REALTIME_ENTRY_POLL,       /* a GET is parked */
    NGX_HTTP_REALTIME_ENTRY_POST,       /* "packets" holds the body */
    NGX_HTTP_REALTIME_ENTRY_PROBE,      /* a WebSocket probes */
    NGX_HTTP_REALTIME_ENTRY_HEAR,       /* what its client said is to be read:
                                           it seems to be back elsewhere */
    NGX_HTTP_REALTIME_ENTRY_MOVE,       /* the session goes to "from" */

    /* to the owner of session "sid"; nobody waits */
    NGX_HTTP_REALTIME_ENTRY_ABORT,      /* the client dropped its GET */
    NGX_HTTP_REALTIME_ENTRY_RELEASE,    /* the worker wants the GET answered */
    NGX_HTTP_REALTIME_ENTRY_PROBE_END,  /* the probing WebSocket has gone */

    /* to worker "to", what waits under "handle"; "number" is an HTTP status */
    NGX_HTTP_REALTIME_ENTRY_ANSWER,
    NGX_HTTP_REALTIME_ENTRY_SESSION,    /* "packets" holds a moved session,
                                           "number" where to replay from */

    /* to the owner of session "sid": the socket in "nsp" whose id is "packets"
       is to go, whether it has come back elsewhere or cannot; nobody waits */
    NGX_HTTP_REALTIME_ENTRY_EVICT,

    /* earlier holders of slot "to" than its generation have been settled */
    NGX_HTTP_REALTIME_ENTRY_GONE,

    /* the database has changed: the room "within", and of it only the member
       whose user id is "packets"; each may be empty, and means all then */
    NGX_HTTP_REALTIME_ENTRY_CHANGED,

    /* who speaks to other hosts goes, or has gone: another one is to */
    NGX_HTTP_REALTIME_ENTRY_LINK,

    /* somebody is in "nsp"; empty: whoever has somebody is to say where */
    NGX_HTTP_REALTIME_ENTRY_NAMESPACE,

    /* to the sockets that a BROADCAST would go to: "number" is a command_e,
       "packets" the rooms to enter or leave */
    NGX_HTTP_REALTIME_ENTRY_COMMAND,

    /* to all workers: "number" is an asked_e, about those sockets; "from" and
       "handle" wait for REPLYs.  "packets" of an event: first what is between
       its brackets, then attachments */
    NGX_HTTP_REALTIME_ENTRY_ASK,

    /* one of several to worker "to", where "handle" waits: "number" has a
       reply_e and a count, "packets" is what belongs to it */
    NGX_HTTP_REALTIME_ENTRY_REPLY

} ngx_http_realtime_entry_e;


typedef enum {
    NGX_HTTP_REALTIME_COMMAND_JOIN = 1,
    NGX_HTTP_REALTIME_COMMAND_LEAVE,
    NGX_HTTP_REALTIME_COMMAND_DISCONNECT,   /* from the namespace */
    NGX_HTTP_REALTIME_COMMAND_CLOSE         /* the whole connection */
} ngx_http_realtime_command_e;


typedef enum {
    NGX_HTTP_REALTIME_ASKED_EVENT = 1,      /* to be acknowledged */
    NGX_HTTP_REALTIME_ASKED_SOCKETS,        /* who they are */
    NGX_HTTP_REALTIME_ASKED_IDS,
    NGX_HTTP_REALTIME_ASKED_ROOMS           /* names, of all of "nsp" */
} ngx_http_realtime_asked_e;


typedef enum {
    NGX_HTTP_REALTIME_REPLY_MORE = 0,       /* a part, as msgpack values */
    NGX_HTTP_REALTIME_REPLY_LAST,           /* there is no more of these; how
                                               many there were */
    NGX_HTTP_REALTIME_REPLY_FAILED,         /* nor are they of use */
    NGX_HTTP_REALTIME_REPLY_ACK             /* of a client: a list, its first
                                               argument, then attachments */
} ngx_http_realtime_reply_e;

#define ngx_http_realtime_reply(kind, count)                                  \
    ((uint64_t) (count) << 2 | (kind))
#define ngx_http_realtime_reply_kind(e)   ((e)->number & 3)
#define ngx_http_realtime_reply_count(e)  ((e)->number >> 2)

/* "handle" waits for an answer to this very entry */
#define ngx_http_realtime_entry_asks(e)                                       \
    ((e)->type >= NGX_HTTP_REALTIME_ENTRY_POLL                                \
     && (e)->type <= NGX_HTTP_REALTIME_ENTRY_MOVE)


/* of a BROADCAST, and of what is asked of all workers */

#define NGX_HTTP_REALTIME_ENTRY_REMOTE    0x01  /* another host has said it:
                                                   not for others */
#define NGX_HTTP_REALTIME_ENTRY_LOCAL     0x02  /* not for other hosts */
#define NGX_HTTP_REALTIME_ENTRY_VOLATILE  0x04  /* whoever cannot take it now
                                                   does without it */
#define NGX_HTTP_REALTIME_ENTRY_ABROAD    0x08  /* for other hosts only */


typedef struct {
    uint8_t                  type;
    uint8_t                  flags;     /* NGX_HTTP_REALTIME_ENTRY_REMOTE ... */
    uint64_t                 end;       /* read: where the next one begins */
    ngx_http_realtime_wid_t  from;      /* who wrote it */
    ngx_http_realtime_wid_t  to;
    uint64_t                 handle;    /* of a broadcast: people in the room
                                           on all hosts, plus 1; or 0 */
    uint64_t                 number;    /* of a broadcast for other hosts: how
                                           many of them there were */
    rt_str_t                 sid;       /* session, or who gets "reply" */
    rt_str_t                 nsp;
    rt_str_t                 rooms;     /* list; empty: all of the namespace */
    rt_str_t                 within;    /* a room that they must be in, too */
    rt_str_t                 except;    /* list of socket ids and rooms */
    rt_str_t                 packets;   /* list, the first one text */
    rt_str_t                 reply;     /* a text packet to "sid" after it */
} ngx_http_realtime_entry_t;


/* other hosts are to have it */
#define ngx_http_realtime_entry_public(e)                                     \
    ((e)->type == NGX_HTTP_REALTIME_ENTRY_BROADCAST                           \
     && !((e)->flags & (NGX_HTTP_REALTIME_ENTRY_REMOTE                        \
                        |NGX_HTTP_REALTIME_ENTRY_LOCAL)))

/* bytes that the entry takes in the log */
size_t ngx_http_realtime_entry_size(const ngx_http_realtime_entry_t *e);

/* writes those bytes */
void ngx_http_realtime_entry_encode(const ngx_http_realtime_entry_t *e,
    u_char *dst);

/* strings point into "in"; NGX_ERROR if "in" is no entry */
ngx_int_t ngx_http_realtime_entry_decode(ngx_http_realtime_entry_t *e,
    rt_str_t in);


/* Lists: each item is four bytes of length and a flag, then the bytes. */

#define ngx_http_realtime_list_size(len)  (sizeof(uint32_t) + (len))

/* puts the head of an item of "len" bytes at "dst"; one past it */
u_char *ngx_http_realtime_list_head(u_char *dst, size_t len, ngx_uint_t flag);

/* puts an item at "dst"; one past it */
u_char *ngx_http_realtime_list_put(u_char *dst, rt_str_t item,
    ngx_uint_t flag);

/* takes the first item off "*list": NGX_OK, or NGX_DONE when it is empty */
ngx_int_t ngx_http_realtime_list_next(rt_str_t *list, rt_str_t *item,
    ngx_uint_t *flag);


#endif /* _NGX_HTTP_REALTIME_ENTRY_H_INCLUDED_ */
