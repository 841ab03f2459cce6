
/*
 * ngx_http_realtime_pause.h: what a client says has to wait.
 *
 * An event may need something that this worker has to ask for.  Then it stands
 * aside, and the transport takes nothing more from the client until all that
 * stands aside is over: so everything is handled in the order in which it was
 * sent, and a client that waits cannot pile things up here.
 *
 * Part of what waits (handler/lookup), which owns it.
 */


#ifndef _NGX_HTTP_REALTIME_PAUSE_H_INCLUDED_
#define _NGX_HTTP_REALTIME_PAUSE_H_INCLUDED_


#include "session/ngx_http_realtime_input.h"


struct ngx_http_realtime_pause_s {
    ngx_http_realtime_pause_t     *next;        /* of the session */
    ngx_http_realtime_session_t   *session;
    ngx_http_realtime_partial_t   *packet;      /* a copy; NULL: no event */
    u_char                         id[RT_ID_LEN];   /* of the socket */

    /* the session ends: has to end the pause */
    void                         (*cancel)(ngx_http_realtime_pause_t *p);
};


/*
 * The event "pkt" of the socket waits from now on; NULL: something else of its.
 * NGX_ERROR: no memory, and it does not.
 */
ngx_int_t ngx_http_realtime_pause_begin(ngx_http_realtime_pause_t *p,
    ngx_http_realtime_socket_t *sk, ngx_http_realtime_packet_t *pkt);

/* the socket that it is about, or NULL: it has gone meanwhile */
ngx_http_realtime_socket_t *ngx_http_realtime_pause_socket(
    ngx_http_realtime_pause_t *p);

/* the event again, in the memory of "p" */
void ngx_http_realtime_pause_packet(ngx_http_realtime_pause_t *p,
    ngx_http_realtime_packet_t *pkt);

/* it waits no longer; when it was the last one its transport goes on */
void ngx_http_realtime_pause_end(ngx_http_realtime_pause_t *p);


#endif /* _NGX_HTTP_REALTIME_PAUSE_H_INCLUDED_ */
