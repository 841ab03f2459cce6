
/*
 * ngx_http_realtime_websocket.h: a WebSocket (RFC 6455) on a connection that
 * was taken over from its request.
 *
 * The request, its pool and its buffers are gone; what is left of the
 * connection is its descriptor, TLS and this struct.  Frames are parsed in
 * the worker's own scratch memory; a private buffer exists only while a
 * message is incomplete.
 */


#ifndef _NGX_HTTP_REALTIME_WEBSOCKET_H_INCLUDED_
#define _NGX_HTTP_REALTIME_WEBSOCKET_H_INCLUDED_


#include "transport/ngx_http_realtime_operation.h"

#include "base/rt_utf8.h"
#include "proto/rt_ws.h"


typedef struct ngx_http_realtime_websocket_s  ngx_http_realtime_websocket_t;


/* bytes that wait: of a message, a control frame, or not yet parsed */

typedef struct {
    u_char  *data;
    size_t   len;
    size_t   size;
} ngx_http_realtime_hoard_t;


struct ngx_http_realtime_websocket_s {
    ngx_http_realtime_transports_t    *tp;
    ngx_connection_t                  *c;           /* NULL: closed */
    ngx_http_realtime_session_conf_t  *conf;
    ngx_http_realtime_session_t       *session;     /* NULL: none (yet) */
    void                              *probe;       /* upgrade: the same */

    rt_ws_head_t                       head;
    uint64_t                           got;         /* of the payload */
    uint32_t                           fragments;
    uint16_t                           code;        /* to close with; 0: none */
    uint8_t                            opcode;      /* of the message */
    rt_utf8_t                          utf8;
    ngx_http_realtime_hoard_t          message;
    ngx_http_realtime_hoard_t          control;
    ngx_http_realtime_beat_t           beat;        /* lingering */

    unsigned                           payload:1;   /* inside a frame */
    unsigned                           paused:1;    /* takes no input */
    unsigned                           rest:1;      /* "message" holds bytes
                                                       not yet parsed */
    unsigned                           broken:1;    /* not to be parsed on */
    unsigned                           closed:1;    /* got a close frame */
    unsigned                           lingering:1; /* sent one, the rest is
                                                       thrown away */
};


extern const ngx_http_realtime_transport_t  ngx_http_realtime_websocket;


/* nothing is to be taken from the client for now */
#define ngx_http_realtime_websocket_held(ws)                                  \
    ((ws)->paused                                                             \
     || ((ws)->session                                                        \
         && ngx_http_realtime_session_waits((ws)->session)))


/*
 * ~takeover: answers 101 and takes the connection over after this call.
 * "start" is called then, outside the request; it sets "session" or "probe",
 * and calls websocket_start().  Without a takeover it is called with NULL, to
 * free "data".  The result is for nginx.
 */
ngx_int_t ngx_http_realtime_websocket_accept(ngx_http_request_t *r,
    ngx_http_realtime_transport_conf_t *conf,
    void (*start)(ngx_http_realtime_websocket_t *ws, void *data), void *data);

/* the connection is in place: handlers are set, what is there is read */
void ngx_http_realtime_websocket_start(ngx_http_realtime_websocket_t *ws);

/*
 * Sends a frame of at most RT_WS_CONTROL_MAX bytes at once, outside any queue:
 * while probing.  NGX_ERROR: it did not go out whole.
 */
ngx_int_t ngx_http_realtime_websocket_say(ngx_http_realtime_websocket_t *ws,
    uint8_t opcode, rt_str_t payload);

/*
 * ~frames: takes bytes that came.  NGX_DONE: the connection is to be dropped.
 * "p" is unmasked in place.
 */
ngx_int_t ngx_http_realtime_websocket_feed(ngx_http_realtime_websocket_t *ws,
    u_char *p, u_char *last);

/* NGX_ERROR: no memory */
ngx_int_t ngx_http_realtime_hoard_add(ngx_http_realtime_hoard_t *h,
    u_char *data, size_t len, ngx_log_t *log);
void ngx_http_realtime_hoard_free(ngx_http_realtime_hoard_t *h);

/* input goes on, in this turn, from what was read and not parsed */
void ngx_http_realtime_websocket_resume(ngx_http_realtime_websocket_t *ws);

/* sends a close frame and goes; the session and the probe are forgotten */
void ngx_http_realtime_websocket_end(ngx_http_realtime_websocket_t *ws,
    uint16_t code);

/*
 * The process ends before its clients have gone: nginx is not to take their
 * connections for a leak.
 */
void ngx_http_realtime_websocket_abandon(ngx_cycle_t *cycle);

/* the connection goes at once; "ws" is freed unless a probe still needs it */
void ngx_http_realtime_websocket_drop(ngx_http_realtime_websocket_t *ws);


#endif /* _NGX_HTTP_REALTIME_WEBSOCKET_H_INCLUDED_ */
