
/*
 * ngx_http_realtime_operation.h: what a request wants of a session, taken to
 * the worker that owns it.
 *
 * A request may reach any worker.  It looks up the owner, waits
 * (bus/~waiter), and the owner answers: through the log, or by a plain call
 * when the two are the same worker.  The owner's side is written once, for
 * both.
 */


#ifndef _NGX_HTTP_REALTIME_OPERATION_H_INCLUDED_
#define _NGX_HTTP_REALTIME_OPERATION_H_INCLUDED_


#include "transport/ngx_http_realtime_respond.h"


/*
 * Sends the operation "type" (NGX_HTTP_REALTIME_ENTRY_POLL, ...) to whoever
 * owns the session "sid" now.  "w" waits for an answer already, or is NULL;
 * "body" is for POST.  NGX_DECLINED: there is no such session (any more);
 * NGX_ERROR: it could not be sent.
 *
 * The owner is looked up here, and not earlier: should it die from now on,
 * that is told in the log behind this, when "w" is in its table.
 */
ngx_int_t ngx_http_realtime_operation_send(ngx_http_realtime_transports_t *tp,
    ngx_uint_t type, rt_str_t sid, ngx_http_realtime_waiter_t *w,
    rt_str_t body);

/* an operation from the log: carried out if its session lives here */
void ngx_http_realtime_operation_take(ngx_http_realtime_transports_t *tp,
    ngx_http_realtime_entry_t *e);

/* the owner's answer to "handle" of the worker "to" */
void ngx_http_realtime_operation_answer(ngx_http_realtime_transports_t *tp,
    ngx_http_realtime_wid_t to, uint64_t handle, ngx_uint_t status,
    rt_str_t body);

/* the same for an error */
void ngx_http_realtime_operation_refuse(ngx_http_realtime_transports_t *tp,
    ngx_http_realtime_wid_t to, uint64_t handle,
    ngx_http_realtime_error_e error);


#endif /* _NGX_HTTP_REALTIME_OPERATION_H_INCLUDED_ */
