
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

/* now and then: whoever could not be looked after before */
void ngx_http_realtime_review_go_on(ngx_http_realtime_hub_t *hub);

/*
 * Up-call of hub/recover: the socket is back in a private room that its token
 * does not name.
 */
void ngx_http_realtime_on_doubt(ngx_http_realtime_socket_t *sk, rt_str_t room);


#endif /* _NGX_HTTP_REALTIME_REVIEW_H_INCLUDED_ */
