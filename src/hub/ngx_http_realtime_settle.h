
/*
 * ngx_http_realtime_settle.h: what nobody has any more.  The sessions of a
 * dead worker are away from now on, as if their clients had gone; those that
 * were away too long end, and the others are told.
 */


#ifndef _NGX_HTTP_REALTIME_SETTLE_H_INCLUDED_
#define _NGX_HTTP_REALTIME_SETTLE_H_INCLUDED_


#include "hub/ngx_http_realtime_emit.h"


/*
 * Settles what dead workers left: their sessions are away, or end.
 * Looks at all slots, or with "neighbour" at those next to this worker's.
 * NGX_AGAIN: more is to be done, when the log has been read.
 */
ngx_int_t ngx_http_realtime_settle(ngx_http_realtime_hub_t *hub,
    ngx_uint_t neighbour);

/*
 * Ends what was away too long, and tells the others; "all": nobody can come
 * back any more.  NGX_AGAIN: more is to be done, when the log has been read.
 */
ngx_int_t ngx_http_realtime_settle_away(ngx_http_realtime_hub_t *hub,
    ngx_uint_t all);

/*
 * Ends the socket, if the record is still that of "id" in the session; the
 * others are told.
 */
void ngx_http_realtime_settle_socket(ngx_http_realtime_hub_t *hub,
    rt_ref_t socket, rt_ref_t session, const u_char *id);

/* nobody is to wait for earlier holders of the slot any more, or for this
   worker's answers that were lost */
void ngx_http_realtime_settle_told(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_wid_t gone);

/*
 * Settles the session "sid" if the directory has it as this worker's and the
 * worker does not know it: one that was lost on its way here.
 */
void ngx_http_realtime_settle_lost(ngx_http_realtime_hub_t *hub, rt_str_t sid);

/* the same for all of them, when part of the log was missed */
void ngx_http_realtime_settle_missed(ngx_http_realtime_hub_t *hub);

/* settles this worker's own slot, when it exits, and gives it back */
void ngx_http_realtime_settle_self(ngx_http_realtime_hub_t *hub);


#endif /* _NGX_HTTP_REALTIME_SETTLE_H_INCLUDED_ */
