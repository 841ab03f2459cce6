
/*
 * ngx_http_realtime_choose.h: which sockets of this worker an entry of the log
 * means.
 *
 * Those in any of "rooms", or all of "nsp"; of these only who is in "within",
 * too; and nobody who is in one of "except".  A room is one that sockets have
 * joined, or stands for a user ("@" and the id), or is the id of a socket.
 */


#ifndef _NGX_HTTP_REALTIME_CHOOSE_H_INCLUDED_
#define _NGX_HTTP_REALTIME_CHOOSE_H_INCLUDED_


#include "hub/ngx_http_realtime_emit.h"


typedef void (*ngx_http_realtime_choose_pt)(void *ctx,
    ngx_http_realtime_socket_t *sk);


/*
 * Calls "each" once for each of them, also for one that is still being given
 * what it missed; nobody may enter or leave a room meanwhile, or go.
 */
void ngx_http_realtime_choose(ngx_http_realtime_hub_t *hub,
    const ngx_http_realtime_entry_t *e, ngx_http_realtime_choose_pt each,
    void *ctx);

/*
 * Whether it is one of them; when it is being given what it missed, whether it
 * was when that was said.
 */
ngx_int_t ngx_http_realtime_chosen(const ngx_http_realtime_entry_t *e,
    ngx_http_realtime_socket_t *sk);


#endif /* _NGX_HTTP_REALTIME_CHOOSE_H_INCLUDED_ */
