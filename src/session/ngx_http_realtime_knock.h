
/*
 * ngx_http_realtime_knock.h: a CONNECT that waits.
 *
 * A client that shows a pid may have a session that nobody knows to be over,
 * and may have said there what decides whether it can be had back: a
 * DISCONNECT, or more events.  So the CONNECT waits until that was read
 * (hub/recover).
 */


#ifndef _NGX_HTTP_REALTIME_KNOCK_H_INCLUDED_
#define _NGX_HTTP_REALTIME_KNOCK_H_INCLUDED_


#include "session/ngx_http_realtime_session.h"


struct ngx_http_realtime_knock_s {
    ngx_http_realtime_knock_t    *next;         /* of the session */
    ngx_http_realtime_session_t  *session;
    ngx_http_realtime_waiter_t    waiter;       /* for who has the other one */
    ngx_http_realtime_beat_t      beat;         /* but not for ever */
    uint64_t                      from;         /* it has all of the log before
                                                   this; 0: nobody knows */
    rt_str_t                      text;         /* namespace, then payload */
    size_t                        nsp_len;
};


/* another one, copied, that waits for nothing yet; NULL: no memory */
ngx_http_realtime_knock_t *ngx_http_realtime_knock_add(
    ngx_http_realtime_session_t *s, rt_str_t nsp, rt_str_t data);

/* the one for "nsp", or NULL */
ngx_http_realtime_knock_t *ngx_http_realtime_knock_find(
    ngx_http_realtime_session_t *s, rt_str_t nsp);

/* the packet, in the memory of "k" */
void ngx_http_realtime_knock_packet(ngx_http_realtime_knock_t *k,
    rt_sio_packet_t *pkt);

/* it waits no longer, and is the session's no longer */
void ngx_http_realtime_knock_free(ngx_http_realtime_knock_t *k);


#endif /* _NGX_HTTP_REALTIME_KNOCK_H_INCLUDED_ */
