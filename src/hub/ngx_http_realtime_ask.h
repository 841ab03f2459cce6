
/*
 * ngx_http_realtime_ask.h: what another server wants to know of this host's
 * sockets.
 *
 * Every worker answers an ASK for its own sockets, in REPLYs to the worker that
 * wrote it (cluster/~answer): who they are; or how many were sent an event,
 * and then what each of their clients acknowledges it with.
 */


#ifndef _NGX_HTTP_REALTIME_ASK_H_INCLUDED_
#define _NGX_HTTP_REALTIME_ASK_H_INCLUDED_


#include "hub/ngx_http_realtime_choose.h"


/* an ASK that was read from the log */
void ngx_http_realtime_ask(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_entry_t *e);

/* the same for one session that has arrived from another worker */
void ngx_http_realtime_ask_to(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_entry_t *e, ngx_http_realtime_session_t *s);

/*
 * The ack of such an event: "kind" and "arg" are what the client was asked
 * with, "pkt" what it says, or NULL if it has gone.
 */
void ngx_http_realtime_ask_acked(ngx_http_realtime_hub_t *hub, ngx_uint_t kind,
    uint64_t arg, ngx_http_realtime_packet_t *pkt);

/* whether an ack of that kind is one */
#define ngx_http_realtime_ask_is(kind)                                        \
    (((kind) & 0xff) == NGX_HTTP_REALTIME_ACK_ASK)

#define NGX_HTTP_REALTIME_ACK_ASK  2


#endif /* _NGX_HTTP_REALTIME_ASK_H_INCLUDED_ */
