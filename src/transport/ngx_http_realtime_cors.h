
/*
 * ngx_http_realtime_cors.h: which pages may talk to us (RFC 6454; Fetch,
 * "CORS protocol").
 *
 * A browser sends Origin with every cross-origin request and every WebSocket
 * handshake.  It has to be the server's own (the Host header) or one that
 * realtime_cors_origin names, for all transports alike.
 */


#ifndef _NGX_HTTP_REALTIME_CORS_H_INCLUDED_
#define _NGX_HTTP_REALTIME_CORS_H_INCLUDED_


#include "transport/ngx_http_realtime_transports.h"


/*
 * Checks the Origin of a request and adds what a browser wants to see to the
 * answer.  NGX_OK, also without an Origin; NGX_DECLINED when it is not
 * allowed; NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_realtime_cors(ngx_http_request_t *r,
    ngx_http_realtime_cors_conf_t *conf);

/* answers a preflight that ngx_http_realtime_cors() let pass */
ngx_int_t ngx_http_realtime_cors_preflight(ngx_http_request_t *r);

/* whether the request is a preflight */
ngx_int_t ngx_http_realtime_cors_is_preflight(ngx_http_request_t *r);


#endif /* _NGX_HTTP_REALTIME_CORS_H_INCLUDED_ */
