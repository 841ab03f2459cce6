
/*
 * rt_sio.h: Socket.IO packets (protocol revision 5), text side.
 *
 *     <type>[<attachments>-][<namespace>,][<ack id>][<JSON>]
 *
 * Knows nothing of Engine.IO, transports or sessions.  The JSON is checked
 * and carried, not rebuilt.
 */


#ifndef _RT_SIO_H_INCLUDED_
#define _RT_SIO_H_INCLUDED_


#include "base/rt.h"
#include "base/rt_buf.h"


#define RT_SIO_MAX_ATTACHMENTS  10
#define RT_SIO_MAX_NSP          128

/* largest ack id: what JavaScript counts exactly, 2^53 - 1 */
#define RT_SIO_MAX_ID           9007199254740991ULL


typedef enum {
    RT_SIO_CONNECT = 0,
    RT_SIO_DISCONNECT,
    RT_SIO_EVENT,
    RT_SIO_ACK,
    RT_SIO_CONNECT_ERROR,
    RT_SIO_BINARY_EVENT,
    RT_SIO_BINARY_ACK
} rt_sio_type_e;


typedef struct {
    rt_sio_type_e  type;
    rt_str_t       nsp;             /* "/" when the packet names none */
    rt_str_t       data;            /* JSON text, may be empty */
    rt_str_t       event;           /* events: the name, a slice of "data",
                                       a JSON string or number */
    uint64_t       id;              /* valid when has_id */
    uint32_t       attachments;     /* BINARY_EVENT and BINARY_ACK: 1 to
                                       RT_SIO_MAX_ATTACHMENTS, else 0 */
    unsigned       has_id:1;
} rt_sio_packet_t;


/*
 * Decodes the packet that fills "in" (valid UTF-8) from end to end and checks
 * its payload: an object or nothing for CONNECT, nothing for DISCONNECT, an
 * array that starts with a name that is not reserved for events, an array for
 * acks, a string or an object for CONNECT_ERROR; in binary packets each
 * placeholder must stand for an announced attachment.  An ack without an id
 * is taken: it answers nothing.  On RT_OK the strings in "pkt" point into "in"
 * (or to a constant "/").  On RT_ERROR "*why" is a constant string fit for the
 * log, and "pkt" is undefined.
 */
rt_int_t rt_sio_decode(rt_sio_packet_t *pkt, rt_str_t in, const char **why);

/*
 * The arguments of an event (what follows its name) or of an ack, as JSON
 * text without the brackets; empty when there are none.
 */
rt_str_t rt_sio_args(const rt_sio_packet_t *pkt);

/*
 * Whether clients would drop their connection over an event of that name, a
 * JSON string: it means something to Socket.IO itself.
 */
int rt_sio_is_reserved(rt_str_t event);

/*
 * Puts everything up to the JSON: type, attachments, namespace, ack id.  Of
 * EVENT and BINARY_EVENT, and of ACK and BINARY_ACK, the number of attachments
 * says which is put: a client drops its connection at "50-".
 */
void rt_sio_put_head(rt_buf_t *b, const rt_sio_packet_t *pkt);


#endif /* _RT_SIO_H_INCLUDED_ */
