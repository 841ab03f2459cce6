
/*
 * ngx_http_realtime_respond.h: HTTP answers.
 */


#ifndef _NGX_HTTP_REALTIME_RESPOND_H_INCLUDED_
#define _NGX_HTTP_REALTIME_RESPOND_H_INCLUDED_


#include "transport/ngx_http_realtime_headers.h"
#include "transport/ngx_http_realtime_transports.h"


/* Engine.IO's error codes, as the reference server gives them */

typedef enum {
    NGX_HTTP_REALTIME_UNKNOWN_TRANSPORT = 0,
    NGX_HTTP_REALTIME_UNKNOWN_SID,
    NGX_HTTP_REALTIME_BAD_METHOD,
    NGX_HTTP_REALTIME_BAD_REQUEST,
    NGX_HTTP_REALTIME_FORBIDDEN,
    NGX_HTTP_REALTIME_BAD_VERSION,
    NGX_HTTP_REALTIME_TOO_MANY,             /* ours: no room for a session */
    NGX_HTTP_REALTIME_FULL,                 /* ours: the zone is full */
    NGX_HTTP_REALTIME_TOO_FAST,             /* ours: realtime_limit_... */
    NGX_HTTP_REALTIME_LEAVING               /* ours: nginx is to stop */
} ngx_http_realtime_error_e;


/* the status and the JSON body of an error */
ngx_uint_t ngx_http_realtime_error_status(ngx_http_realtime_error_e error);
rt_str_t ngx_http_realtime_error_body(ngx_http_realtime_error_e error);

/*
 * Sends a whole answer; "type" is a content type, and "body" is copied.  The
 * result is for ngx_http_finalize_request(), or to be returned by a content
 * handler.
 */
ngx_int_t ngx_http_realtime_respond(ngx_http_request_t *r, ngx_uint_t status,
    const char *type, rt_str_t body);

ngx_int_t ngx_http_realtime_respond_error(ngx_http_request_t *r,
    ngx_http_realtime_error_e error);

/* the same, to come again in "wait" seconds */
ngx_int_t ngx_http_realtime_respond_later(ngx_http_request_t *r,
    ngx_http_realtime_error_e error, ngx_uint_t wait);


#endif /* _NGX_HTTP_REALTIME_RESPOND_H_INCLUDED_ */
