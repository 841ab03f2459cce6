
/*
 * rt_ws_key.h: Sec-WebSocket-Key and Sec-WebSocket-Accept (RFC 6455, 4.2.2).
 */


#ifndef _RT_WS_KEY_H_INCLUDED_
#define _RT_WS_KEY_H_INCLUDED_


#include "base/rt.h"


#define RT_WS_ACCEPT_LEN  28


/*
 * Writes RT_WS_ACCEPT_LEN characters; RT_ERROR if "key" is not the base64 of
 * 16 bytes.
 */
rt_int_t rt_ws_accept(u_char *dst, rt_str_t key);


#endif /* _RT_WS_KEY_H_INCLUDED_ */
