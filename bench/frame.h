
/*
 * frame.h: the client's side of WebSocket frames (RFC 6455, 5): what a server
 * sends is read, what a client sends is written, both whole and unfragmented.
 */


#ifndef _RT_FRAME_H_INCLUDED_
#define _RT_FRAME_H_INCLUDED_


#include "base/rt.h"


#define RT_FRAME_TEXT       0x1
#define RT_FRAME_CLOSE      0x8
#define RT_FRAME_PING       0x9
#define RT_FRAME_PONG       0xa

/* head and mask of a frame that a client writes */
#define RT_FRAME_HEAD_MAX   14


/* points into the bytes it was read from */

typedef struct {
    rt_str_t  raw;              /* head and payload */
    rt_str_t  payload;
    u_char    opcode;
    unsigned  masked:1;         /* the payload still is */
} rt_frame_t;


/*
 * Reads the frame at the start of "in".
 *
 *     RT_OK     "f" has it
 *     RT_AGAIN  it is not whole yet
 *     RT_ERROR  a fragment, a reserved bit or an absurd length
 */
rt_int_t rt_frame_read(rt_frame_t *f, rt_str_t in);

/*
 * Writes a masked frame; "dst" has payload.len + RT_FRAME_HEAD_MAX bytes.
 * The length of it all.
 */
size_t rt_frame_write(u_char *dst, u_char opcode, rt_str_t payload);


#endif /* _RT_FRAME_H_INCLUDED_ */
