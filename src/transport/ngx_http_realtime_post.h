
/*
 * ngx_http_realtime_post.h: what a client posts, the owner's side.
 *
 * While something that it said waits (session/pause) the rest of the body does
 * too, and the POST is not answered: so no other one comes.
 */


#ifndef _NGX_HTTP_REALTIME_POST_H_INCLUDED_
#define _NGX_HTTP_REALTIME_POST_H_INCLUDED_


#include "transport/ngx_http_realtime_polling.h"


/* the operation; the entry has "from", "handle" and the body */
void ngx_http_realtime_post(ngx_http_realtime_session_t *s,
    ngx_http_realtime_entry_t *e, ngx_http_realtime_transports_t *tp);

/* MOVE of a session that waits: it moves when it does not any more */
void ngx_http_realtime_post_move(ngx_http_realtime_session_t *s,
    ngx_http_realtime_entry_t *e, ngx_http_realtime_transports_t *tp);

/* go_on() of the transport */
void ngx_http_realtime_post_go_on(ngx_http_realtime_session_t *s);

/* the session ends: nobody is left waiting */
void ngx_http_realtime_post_end(ngx_http_realtime_polling_t *p);


#endif /* _NGX_HTTP_REALTIME_POST_H_INCLUDED_ */
