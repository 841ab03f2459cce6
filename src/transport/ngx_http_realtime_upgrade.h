
/*
 * ngx_http_realtime_upgrade.h: from polling to WebSocket (Engine.IO 4,
 * "Upgrade").
 *
 *     client            worker with the WebSocket     owner of the session
 *       2probe  ------------->  PROBE  ------------------>  parked GET: "6"
 *       3probe  <-------------  ANSWER 200  <-------------
 *       5  ------------------>  MOVE  ------------------->
 *                               SESSION  <----------------  gives it away
 *
 * When both are one worker nothing is moved, and the session only changes its
 * transport.
 */


#ifndef _NGX_HTTP_REALTIME_UPGRADE_H_INCLUDED_
#define _NGX_HTTP_REALTIME_UPGRADE_H_INCLUDED_


#include "transport/ngx_http_realtime_websocket.h"
#include "shm/ngx_http_realtime_directory.h"


/*
 * Content handler: a WebSocket for the session "sid".  One for a session that
 * has a WebSocket already, or for which another one tries, is closed at once.
 */
ngx_int_t ngx_http_realtime_upgrade(ngx_http_request_t *r,
    ngx_http_realtime_transport_conf_t *conf, rt_str_t sid);

/* a text message on a WebSocket that probes */
void ngx_http_realtime_upgrade_input(ngx_http_realtime_websocket_t *ws,
    rt_str_t text);

/* that WebSocket has gone; NGX_OK if "ws" may be freed */
ngx_int_t ngx_http_realtime_upgrade_gone(ngx_http_realtime_websocket_t *ws);


/* the worker exits: WebSockets that probe are told so */
void ngx_http_realtime_upgrade_shutdown(ngx_http_realtime_transports_t *tp);


/* operations, on the owner's side */

void ngx_http_realtime_upgrade_probed(ngx_http_realtime_session_t *s,
    ngx_http_realtime_entry_t *e, ngx_http_realtime_transports_t *tp);
void ngx_http_realtime_upgrade_ended(ngx_http_realtime_session_t *s);
void ngx_http_realtime_upgrade_give(ngx_http_realtime_session_t *s,
    ngx_http_realtime_entry_t *e, ngx_http_realtime_transports_t *tp);

/* a SESSION for this worker, found in the log at "pos" */
void ngx_http_realtime_upgrade_take(ngx_http_realtime_transports_t *tp,
    ngx_http_realtime_entry_t *e, uint64_t pos);


#endif /* _NGX_HTTP_REALTIME_UPGRADE_H_INCLUDED_ */
