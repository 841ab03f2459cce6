
/*
 * rt_adapter.h: what nodes of a Socket.IO cluster say to each other by Redis.
 *
 * These are the messages of @socket.io/redis-adapter 8 and of
 * @socket.io/redis-emitter 5: broadcasts, requests and responses of the
 * classic adapter, and what the sharded adapter sends.  Nothing is known here
 * of connections, of who is waiting for what, or of channels (rt_channel.h).
 *
 * A message is msgpack or JSON; rt_adapter_unify() makes msgpack of both.
 */


#ifndef _RT_ADAPTER_H_INCLUDED_
#define _RT_ADAPTER_H_INCLUDED_


#include "base/rt.h"
#include "base/rt_buf.h"
#include "proto/rt_msgpack.h"
#include "proto/rt_number.h"


typedef enum {
    RT_ADAPTER_BROADCAST = 0,   /* classic, by msgpack */
    RT_ADAPTER_REQUEST,         /* classic: a type of rt_adapter_request_e */
    RT_ADAPTER_RESPONSE,
    RT_ADAPTER_SHARDED          /* a type of rt_adapter_sharded_e */
} rt_adapter_form_e;


typedef enum {
    RT_ADAPTER_NO_TYPE = -1,    /* of most responses */
    RT_ADAPTER_SOCKETS = 0,
    RT_ADAPTER_ALL_ROOMS,
    RT_ADAPTER_JOIN,
    RT_ADAPTER_LEAVE,
    RT_ADAPTER_DISCONNECT,
    RT_ADAPTER_FETCH,
    RT_ADAPTER_SERVER_SIDE_EMIT,
    RT_ADAPTER_BROADCAST_ASK,   /* a broadcast that is to be acknowledged */
    RT_ADAPTER_CLIENT_COUNT,    /* responses to it */
    RT_ADAPTER_CLIENT_ACK
} rt_adapter_request_e;


typedef enum {
    RT_SHARDED_INITIAL_HEARTBEAT = 1,
    RT_SHARDED_HEARTBEAT,
    RT_SHARDED_BROADCAST,
    RT_SHARDED_JOIN,
    RT_SHARDED_LEAVE,
    RT_SHARDED_DISCONNECT,
    RT_SHARDED_FETCH,
    RT_SHARDED_FETCH_RESPONSE,
    RT_SHARDED_SERVER_SIDE_EMIT,
    RT_SHARDED_SERVER_SIDE_EMIT_RESPONSE,
    RT_SHARDED_CLIENT_COUNT,
    RT_SHARDED_CLIENT_ACK,
    RT_SHARDED_CLOSE
} rt_adapter_sharded_e;


/*
 * A list is an array of msgpack, or empty if there is none: names of rooms,
 * ids of sockets, or sockets.
 */
typedef rt_str_t  rt_adapter_list_t;


typedef struct {
    rt_msgpack_iter_t  it;
    u_char             digits[RT_NUMBER_LEN];
} rt_adapter_iter_t;


/* what an event or an answer is made of; empty: there is none */

typedef struct {
    rt_str_t         bytes;         /* msgpack; with "json" checked JSON text */
    const rt_str_t  *attachments;   /* of JSON text */
    uint32_t         count;
    unsigned         json:1;
} rt_adapter_value_t;


/* who is meant: those in any of "rooms", or all, but not those in "except" */

typedef struct {
    rt_adapter_list_t  rooms;
    rt_adapter_list_t  except;
    uint64_t           timeout;         /* ms */
    unsigned           has_flags:1;     /* all below are "flags" */
    unsigned           has_timeout:1;
    unsigned           has_compress:1;
    unsigned           compress:1;
    unsigned           is_volatile:1;
    unsigned           broadcast:1;
    unsigned           local:1;         /* is never sent */
    unsigned           single:1;        /* expectSingleResponse */

    /* "rt", which only hosts of this server send and look at */

    unsigned           has_seq:1;
    unsigned           has_people:1;
    uint64_t           seq;             /* how many broadcasts of this sender
                                           there were */
    uint64_t           people;          /* "n": in the room, on all hosts */
    rt_str_t           within;          /* "in": a room that they must be in,
                                           too */
} rt_adapter_opts_t;


/*
 * One message; strings are raw bytes, and empty where there is none.
 * What a type does not have is not looked at when it is encoded.
 */

typedef struct {
    rt_adapter_form_e   form;
    int                 type;
    rt_str_t            uid;            /* of the sender */
    rt_str_t            nsp;            /* of broadcasts, "/" if it is missing,
                                           and of all that is sharded */
    rt_str_t            request_id;
    rt_adapter_value_t  data;           /* the array of an event, or the one
                                           argument of an answer */
    rt_adapter_opts_t   opts;
    rt_adapter_list_t   rooms;          /* to join or leave; the answer */
    rt_adapter_list_t   sockets;        /* the answer */
    rt_str_t            sid;            /* old form of JOIN, LEAVE, DISCONNECT:
                                           this socket instead of "opts" */
    rt_str_t            room;           /* old form of JOIN and LEAVE */
    uint64_t            client_count;
    unsigned            close:1;
    unsigned            emitter:1;      /* encode as the emitter does */
} rt_adapter_t;


/* one of the sockets that a FETCH is answered with */

typedef struct {
    rt_str_t            id;
    rt_adapter_list_t   rooms;
    rt_str_t            handshake;      /* msgpack, as what follows */
    rt_str_t            data;
} rt_adapter_socket_t;


/*
 * Makes msgpack of a message that is JSON: the length written, without "b" the
 * room that it takes; 0 if "in" is no JSON and to be decoded as it is; RT_ERROR
 * with a constant "*why", which is NULL when it does not fit.
 */
ssize_t rt_adapter_unify(rt_buf_t *b, rt_str_t in, const char **why);

/*
 * Decodes the msgpack that fills "in"; what is borrowed points into it, or to a
 * constant "/".  Members may come in any order, unknown ones are passed over,
 * and lists, flags and the namespace may be missing.
 *
 * RT_OK; RT_DECLINED for a type that is not known; RT_ERROR with a constant
 * "*why" if this is no message, "m" is undefined then.  What would mean
 * everybody only because something else is missing is no message.
 */
rt_int_t rt_adapter_decode(rt_adapter_t *m, rt_adapter_form_e form,
    rt_str_t in, const char **why);

/*
 * The number of a broadcast, which nobody has looked at yet: RT_OK, or
 * RT_DECLINED if it does not end in one.
 */
rt_int_t rt_adapter_seq(rt_str_t in, uint64_t *seq);

/* decodes one of "sockets" in the same way */
rt_int_t rt_adapter_decode_socket(rt_adapter_socket_t *s, rt_str_t in);

/*
 * How many the list has.  0 means everybody where rooms are given: this is to
 * be asked, not whether a walk finds any.
 */
uint64_t rt_adapter_count(rt_adapter_list_t list);

void rt_adapter_each(rt_adapter_iter_t *it, rt_adapter_list_t list);

/*
 * The next name of the list, valid until the next call: RT_OK, or RT_DONE.
 * Numbers are written in decimal; what is no name otherwise is passed over.
 */
rt_int_t rt_adapter_next(rt_adapter_iter_t *it, rt_str_t *name);

/* the next of the list, whatever it is, as msgpack */
rt_int_t rt_adapter_next_value(rt_adapter_iter_t *it, rt_str_t *value);

/*
 * Encodes as the Node packages do: the same order, and JSON or msgpack as
 * there; but what has binary data is always msgpack, also where those make a
 * ruin of it.  The packet's type is 2.
 *
 * The length written, without "b" the room that it takes; RT_ERROR if it does
 * not fit, with "*why" NULL, or if "data" or a list cannot be encoded, with a
 * constant "*why".
 */
ssize_t rt_adapter_encode(rt_buf_t *b, const rt_adapter_t *m,
    const char **why);


#endif /* _RT_ADAPTER_H_INCLUDED_ */
