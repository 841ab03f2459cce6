
/*
 * ngx_http_realtime_announce.h: who came into a room and who left it, told to
 * the others; and the settling of what a dead worker left behind, which is
 * telling the same for its clients.
 */


#ifndef _NGX_HTTP_REALTIME_ANNOUNCE_H_INCLUDED_
#define _NGX_HTTP_REALTIME_ANNOUNCE_H_INCLUDED_


#include "hub/ngx_http_realtime_emit.h"


/* "user:joined" to the other members */
ngx_int_t ngx_http_realtime_announce_joined(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_socket_t *sk, rt_str_t room);

/* "user:left" to the other members; "id" is the socket that left */
ngx_int_t ngx_http_realtime_announce_left(ngx_http_realtime_hub_t *hub,
    rt_str_t nsp, rt_str_t room, rt_str_t id);

/* enters a room everywhere: here and in the roster; "*count": its members */
ngx_int_t ngx_http_realtime_enter(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_socket_t *sk, rt_str_t room, ngx_uint_t *count);

/*
 * Leaves it everywhere, and tells those who stay; NGX_DECLINED if it was not
 * in it.
 */
ngx_int_t ngx_http_realtime_depart(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_socket_t *sk, rt_str_t room);

/* leaves all rooms; quietly, and here only, when the session moves */
void ngx_http_realtime_depart_all(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_socket_t *sk);

/*
 * Settles what dead workers left: their sessions end, the others are told.
 * Looks at all slots, or with "neighbour" at those next to this worker's.
 * NGX_AGAIN: more is to be done, when the log has been read.
 */
ngx_int_t ngx_http_realtime_settle(ngx_http_realtime_hub_t *hub,
    ngx_uint_t neighbour);

/* nobody is to wait for earlier holders of the slot any more, or for this
   worker's answers that were lost */
void ngx_http_realtime_announce_gone(ngx_http_realtime_hub_t *hub,
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


#endif /* _NGX_HTTP_REALTIME_ANNOUNCE_H_INCLUDED_ */
