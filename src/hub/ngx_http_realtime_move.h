
/*
 * ngx_http_realtime_move.h: a session goes to another worker.
 *
 * The giver writes down what the session is and where it stood in the log;
 * the taker builds it again and reads, for this session alone, what lies
 * between there and here.  So nothing is lost and nothing comes twice.
 */


#ifndef _NGX_HTTP_REALTIME_MOVE_H_INCLUDED_
#define _NGX_HTTP_REALTIME_MOVE_H_INCLUDED_


#include "hub/ngx_http_realtime_emit.h"


/*
 * Gives "s" to the worker "to", where "handle" waits for it.  NGX_OK: it is
 * no longer here.  NGX_DECLINED: that worker has gone, or the session is too
 * large for the log; it stays.  Call it from an entry of the log only: the
 * cursor is the position that the taker replays from.
 */
ngx_int_t ngx_http_realtime_move_give(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_session_t *s, ngx_http_realtime_wid_t to,
    uint64_t handle);

/*
 * Takes the session that "e" brings, found in the log at "pos"; "s" NULL: it
 * could not be built, and is out of the directory as well.  Otherwise it is
 * carried by "transport", even when something was missing and it is closing.
 */
ngx_http_realtime_session_t *ngx_http_realtime_move_take(
    ngx_http_realtime_hub_t *hub, ngx_http_realtime_session_conf_t *conf,
    const ngx_http_realtime_transport_t *transport, void *carrier,
    ngx_http_realtime_entry_t *e, uint64_t pos);


/* nobody waits for the session that "e" brings: it ends */
void ngx_http_realtime_move_refuse(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_entry_t *e);


#endif /* _NGX_HTTP_REALTIME_MOVE_H_INCLUDED_ */
