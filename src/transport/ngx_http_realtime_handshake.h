
/*
 * ngx_http_realtime_handshake.h: the content handler of a realtime location:
 * what a request wants, and whether it may.
 */


#ifndef _NGX_HTTP_REALTIME_HANDSHAKE_H_INCLUDED_
#define _NGX_HTTP_REALTIME_HANDSHAKE_H_INCLUDED_


#include "transport/ngx_http_realtime_transports.h"


ngx_int_t ngx_http_realtime_handshake(ngx_http_request_t *r);


#endif /* _NGX_HTTP_REALTIME_HANDSHAKE_H_INCLUDED_ */
