
/*
 * rt_ws.h: WebSocket frames (RFC 6455, 5), one head at a time.
 *
 * Knows bytes only: no sockets, no memory.  A head may come in any number of
 * pieces.  Errors are the close code that the peer has earned (7.4.1).
 */


#ifndef _RT_WS_H_INCLUDED_
#define _RT_WS_H_INCLUDED_


#include "base/rt.h"


#define RT_WS_CONTINUATION     0x0
#define RT_WS_TEXT             0x1
#define RT_WS_BINARY           0x2
#define RT_WS_CLOSE            0x8
#define RT_WS_PING             0x9
#define RT_WS_PONG             0xa

#define RT_WS_NORMAL           1000
#define RT_WS_GOING_AWAY       1001
#define RT_WS_PROTOCOL_ERROR   1002
#define RT_WS_BAD_DATA         1007
#define RT_WS_TOO_BIG          1009
#define RT_WS_TRY_AGAIN_LATER  1013    /* IANA's registry of close codes */

/* longest head that a server writes: no mask */
#define RT_WS_HEAD_MAX         10

/* most payload of a control frame (RFC 6455, 5.5) */
#define RT_WS_CONTROL_MAX      125


typedef struct {
    uint64_t  limit;            /* longest payload taken; set by the owner */
    uint64_t  length;           /* of the payload */
    uint8_t   mask[4];
    uint8_t   opcode;
    uint8_t   state;            /* 0: before a head */
    uint8_t   need;             /* bytes of a field still to come */
    unsigned  fin:1;
    unsigned  rsv1:1;           /* the frame has it set */
    unsigned  allow_rsv1:1;     /* negotiated (RFC 7692); set by the owner */
    unsigned  fragmented:1;     /* a data message is unfinished; kept here */
} rt_ws_head_t;


/*
 * Eats bytes of a client's frame head from "*pos" up to "last".
 *
 *     RT_OK     the head is complete, "*pos" is at the payload
 *     RT_AGAIN  all was eaten, call again with more
 *     > 0       the close code that the peer has earned
 *
 * Checks: reserved bits and opcodes, masking (5.1), control frames not
 * fragmented and not over 125 bytes (5.5), minimal length forms (5.2), the
 * sequence of fragments (5.4), "limit" (RT_WS_TOO_BIG; not for control
 * frames).
 */
rt_int_t rt_ws_parse_head(rt_ws_head_t *h, const u_char **pos,
    const u_char *last);

/*
 * Unmasks "len" bytes from "src" to "dst" (which may be the same); "offset"
 * is how much of the payload came before them.
 */
void rt_ws_unmask(u_char *dst, const u_char *src, size_t len,
    const uint8_t mask[4], uint64_t offset);

/* writes the head of a server's unfragmented frame; the length of the head */
size_t rt_ws_write_head(u_char *dst, uint8_t opcode, uint64_t length,
    int rsv1);

/* how long that head will be */
size_t rt_ws_head_size(uint64_t length);

/*
 * Checks the payload of a close frame: RT_OK with "*code" (0 if there is
 * none), or the close code that it earns (RFC 6455, 5.5.1, 7.4).
 */
rt_int_t rt_ws_parse_close(rt_str_t payload, uint16_t *code);


#endif /* _RT_WS_H_INCLUDED_ */
