
/*
 * ngx_http_realtime_headers.h: header fields of requests and answers.
 */


#ifndef _NGX_HTTP_REALTIME_HEADERS_H_INCLUDED_
#define _NGX_HTTP_REALTIME_HEADERS_H_INCLUDED_


#include "shm/ngx_http_realtime.h"

#include <ngx_http.h>


/*
 * The value of a request's field, or NULL; "name" in lower case.  nginx keeps
 * only some of them at hand, and not the same ones in every version.
 */
ngx_str_t *ngx_http_realtime_header_in(ngx_http_request_t *r,
    const char *name);

/* whether a field holds "text" somewhere, without regard to case */
ngx_int_t ngx_http_realtime_header_has(ngx_http_request_t *r,
    const char *name, const char *text);

/* adds a field to the answer; "name" is a constant, "value" is borrowed */
ngx_int_t ngx_http_realtime_header_out(ngx_http_request_t *r,
    const char *name, ngx_str_t *value);


#endif /* _NGX_HTTP_REALTIME_HEADERS_H_INCLUDED_ */
