
/*
 * ngx_http_realtime_input.h: a packet on its way in, from any transport.
 *
 * Engine.IO's own packets end here; messages are decoded as Socket.IO, binary
 * ones collected until an event is whole, and handed up in the order in which
 * they came.
 */


#ifndef _NGX_HTTP_REALTIME_INPUT_H_INCLUDED_
#define _NGX_HTTP_REALTIME_INPUT_H_INCLUDED_


#include "session/ngx_http_realtime_socket.h"


/* an event that waits for attachments; its text and theirs are copies */

struct ngx_http_realtime_partial_s {
    rt_str_t    text;
    rt_str_t    attachments[RT_SIO_MAX_ATTACHMENTS];
    ngx_uint_t  want;
    ngx_uint_t  have;
};


/*
 * One Engine.IO packet as text (valid UTF-8), or the bytes of a binary
 * message.  NGX_OK also when the session ends by it in an orderly way;
 * NGX_ERROR when the packet is bad: it was logged, and the session is closed.
 * "packet" is borrowed for the call.
 */
ngx_int_t ngx_http_realtime_input_text(ngx_http_realtime_session_t *s,
    rt_str_t packet);
ngx_int_t ngx_http_realtime_input_binary(ngx_http_realtime_session_t *s,
    rt_str_t data);

/* a CONNECT to a namespace where the session has no socket yet */
void ngx_http_realtime_input_let_in(ngx_http_realtime_session_t *s,
    rt_sio_packet_t *sio);

/* a partial event as it was elsewhere; NULL: no memory */
ngx_http_realtime_partial_t *ngx_http_realtime_partial_new(rt_str_t text,
    ngx_uint_t want, ngx_log_t *log);

/* one more attachment, copied */
ngx_int_t ngx_http_realtime_partial_add(ngx_http_realtime_partial_t *p,
    rt_str_t data, ngx_log_t *log);

/* NULL is harmless */
void ngx_http_realtime_partial_free(ngx_http_realtime_partial_t *p);


#endif /* _NGX_HTTP_REALTIME_INPUT_H_INCLUDED_ */
