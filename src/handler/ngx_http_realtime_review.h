
/*
 * ngx_http_realtime_review.h: whether those who are in a room may still be
 * there, when the database says something else than before.
 *
 * Who may not is out of the room, is told so ("room:left", and an error), and
 * so are the others.  What a location or a token says stands above the database
 * here as well.
 */


#ifndef _NGX_HTTP_REALTIME_REVIEW_H_INCLUDED_
#define _NGX_HTTP_REALTIME_REVIEW_H_INCLUDED_


#include "hub/ngx_http_realtime_announce.h"


/*
 * The sockets of this worker.  "room" empty: all rooms; "user" empty: the room
 * and everybody in it, else that user's membership.
 */
void ngx_http_realtime_review(ngx_http_realtime_hub_t *hub, rt_str_t room,
    rt_str_t user);

/*
 * Once a second: whoever could not be looked after before; and now and then
 * all, where changes are not heard.
 */
void ngx_http_realtime_review_watch(ngx_http_realtime_hub_t *hub);

/*
 * Up-call of hub/recover: the socket is back in a room that its token does not
 * name.  NGX_OK: the database is asked, ..._replay_sure() follows; NGX_DONE:
 * there is none; NGX_DECLINED: it is away.
 */
ngx_int_t ngx_http_realtime_on_doubt(ngx_http_realtime_socket_t *sk,
    rt_str_t room);


#endif /* _NGX_HTTP_REALTIME_REVIEW_H_INCLUDED_ */
