
/*
 * ngx_http_realtime_hold.h: requests that wait for the owner of their
 * session: a GET until there is something for the client, a POST until its
 * packets have been taken.
 */


#ifndef _NGX_HTTP_REALTIME_HOLD_H_INCLUDED_
#define _NGX_HTTP_REALTIME_HOLD_H_INCLUDED_


#include "transport/ngx_http_realtime_operation.h"


/* content handlers for a request with a session id; "sid" is copied */

ngx_int_t ngx_http_realtime_hold_get(ngx_http_request_t *r,
    ngx_http_realtime_transports_t *tp, rt_str_t sid);
ngx_int_t ngx_http_realtime_hold_post(ngx_http_request_t *r,
    ngx_http_realtime_transports_t *tp, rt_str_t sid);

/*
 * Answers may have been lost on their way here: the sessions of parked GETs,
 * which may think that they were answered, are to end.
 */
void ngx_http_realtime_hold_abort(ngx_http_realtime_transports_t *tp);

/* the worker exits: parked GETs of sessions elsewhere are to be answered */
void ngx_http_realtime_hold_release(ngx_http_realtime_transports_t *tp);


#endif /* _NGX_HTTP_REALTIME_HOLD_H_INCLUDED_ */
