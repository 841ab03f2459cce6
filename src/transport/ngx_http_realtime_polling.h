
/*
 * ngx_http_realtime_polling.h: HTTP long-polling, the owner's side.
 *
 * Knows the parked GET as a handle only: the request itself may be held by
 * another worker (~hold).
 */


#ifndef _NGX_HTTP_REALTIME_POLLING_H_INCLUDED_
#define _NGX_HTTP_REALTIME_POLLING_H_INCLUDED_


#include "transport/ngx_http_realtime_operation.h"


typedef struct ngx_http_realtime_post_s  ngx_http_realtime_post_t;


/* what polling adds to a session; s->carrier */

typedef struct {
    ngx_http_realtime_transports_t  *tp;
    ngx_http_realtime_session_t     *session;
    ngx_http_realtime_wid_t          from;      /* who holds the GET */
    uint64_t                         handle;    /* 0: no GET is parked */
    ngx_http_realtime_beat_t         wait;      /* of a GET while probed */
    unsigned                         late:1;    /* it came after the probe */
    ngx_http_realtime_wid_t          prober;    /* who holds the WebSocket
                                                   that probes, if one does */
    ngx_http_realtime_wid_t          bye_from;  /* who holds the POST that */
    uint64_t                         bye;       /* closes; 0: none does */
    ngx_http_realtime_post_t        *post;      /* that waits (~post) */
} ngx_http_realtime_polling_t;


extern const ngx_http_realtime_transport_t  ngx_http_realtime_polling;


/* a new session that polls; as ngx_http_realtime_session_open() */
ngx_int_t ngx_http_realtime_polling_open(ngx_http_realtime_transports_t *tp,
    ngx_http_realtime_session_conf_t *conf, ngx_http_realtime_session_t **s);

/* operations: the entry has "from" and "handle" */
void ngx_http_realtime_polling_poll(ngx_http_realtime_session_t *s,
    ngx_http_realtime_entry_t *e, ngx_http_realtime_transports_t *tp);
void ngx_http_realtime_polling_abort(ngx_http_realtime_session_t *s,
    ngx_http_realtime_entry_t *e);
void ngx_http_realtime_polling_release(ngx_http_realtime_session_t *s,
    ngx_http_realtime_entry_t *e);

/* whether it polls and is alive, also by the clock; if not "e" is refused */
ngx_int_t ngx_http_realtime_polling_admit(ngx_http_realtime_session_t *s,
    ngx_http_realtime_entry_t *e, ngx_http_realtime_transports_t *tp);

/*
 * The WebSocket takes over.  A parked GET gets a noop, whatever waits; one that
 * came after the probe was sent by a client that should not poll any more, and
 * is refused.
 */
void ngx_http_realtime_polling_home(ngx_http_realtime_session_t *s);

/* a WebSocket of this worker takes over: the same, and the carrier goes */
void ngx_http_realtime_polling_leave(ngx_http_realtime_session_t *s);

/*
 * Earlier holders of the slot than "gone" names have died: the GETs that they
 * held are lost, and the WebSockets that probed there.
 */
void ngx_http_realtime_polling_lost(ngx_http_realtime_transports_t *tp,
    ngx_http_realtime_wid_t gone);

/* a parked GET gets a noop, if nothing waits to be sent */
void ngx_http_realtime_polling_noop(ngx_http_realtime_session_t *s);


#endif /* _NGX_HTTP_REALTIME_POLLING_H_INCLUDED_ */
