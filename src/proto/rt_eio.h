
/*
 * rt_eio.h: Engine.IO packets (protocol revision 4).
 *
 *     WebSocket text frame    <type><data>
 *     WebSocket binary frame  <data>, always a message
 *     polling                 <packet> ( 0x1e <packet> )*
 *                             a binary message is "b" and base64
 *
 * Knows nothing of transports, sessions or what a message holds.
 */


#ifndef _RT_EIO_H_INCLUDED_
#define _RT_EIO_H_INCLUDED_


#include "base/rt.h"


#define RT_EIO_SEPARATOR  0x1e


typedef enum {
    RT_EIO_OPEN = 0,
    RT_EIO_CLOSE,
    RT_EIO_PING,
    RT_EIO_PONG,
    RT_EIO_MESSAGE,
    RT_EIO_UPGRADE,
    RT_EIO_NOOP
} rt_eio_type_e;


typedef struct {
    rt_eio_type_e  type;
    rt_str_t       data;            /* after the type; base64 when "binary" */
    unsigned       binary:1;        /* "b" form: data is still base64 */
} rt_eio_packet_t;


/* what the open packet tells the client; times in ms, sizes in bytes */

typedef struct {
    rt_str_t   sid;
    uint64_t   ping_interval;
    uint64_t   ping_timeout;
    uint64_t   max_payload;
    unsigned   websocket:1;         /* offer the upgrade */
} rt_eio_open_t;


/*
 * Decodes one text packet; strings point into "in".  RT_ERROR with "*why" on
 * an unknown type or an empty packet.
 */
rt_int_t rt_eio_decode(rt_eio_packet_t *pkt, rt_str_t in, const char **why);

/*
 * Cuts the next packet off a polling payload: RT_OK with "*packet" (may be
 * empty), RT_DONE when "*rest" was used up.  A fresh payload must not be
 * empty.  "*rest" is moved on; its "data" is NULL after the last packet.
 */
rt_int_t rt_eio_payload_next(rt_str_t *rest, rt_str_t *packet);

/*
 * Writes the open packet, type included.  The length, or RT_ERROR where it
 * does not fit; 256 bytes always do.
 */
ssize_t rt_eio_write_open(const rt_eio_open_t *open, u_char *dst,
    size_t size);


#endif /* _RT_EIO_H_INCLUDED_ */
