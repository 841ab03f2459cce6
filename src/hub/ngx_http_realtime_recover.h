
/*
 * ngx_http_realtime_recover.h: a client comes back, and has what it had
 * (connection state recovery, socket.io-protocol 5 as socket.io 4.6 and later
 * speak it).
 *
 * A socket is taken from where it was (shm/~away), with its rooms, and is
 * given what it missed (~replay).  Where its connection is not known to be
 * over, what has come over that is read first: the client may have said
 * good-bye there.
 *
 * Also what makes that possible: each socket's last offset is written into
 * its record now and then.
 */


#ifndef _NGX_HTTP_REALTIME_RECOVER_H_INCLUDED_
#define _NGX_HTTP_REALTIME_RECOVER_H_INCLUDED_


#include "hub/ngx_http_realtime_emit.h"


/* what the client showed */

typedef struct {
    rt_str_t                       nsp;
    rt_str_t                       pid;
    rt_str_t                       offset;  /* "data" NULL: it was given none */
    rt_str_t                       auth;    /* the CONNECT's whole payload */
    ngx_http_realtime_identity_t  *who;     /* NULL: anonymous */
} ngx_http_realtime_return_t;


/*
 * NGX_OK: "s" has the socket again, and owns ret->who; hub->on_recovered is
 * called, in an event of its own, when it has been given what it missed.
 * NGX_AGAIN: it is not known yet, set->on_connect is called once more.
 * NGX_DECLINED: there is nothing that this client could have back.
 * NGX_ERROR: there was, but no memory is left for it.
 */
ngx_int_t ngx_http_realtime_recover(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_session_t *s, const ngx_http_realtime_return_t *ret);

/* sockets that have come back elsewhere while "s" was on its way go */
void ngx_http_realtime_recover_taken(ngx_http_realtime_session_t *s);

/*
 * "s" has arrived from another worker: what it waited for there, answers and
 * CONNECTs, begins anew.
 */
void ngx_http_realtime_recover_arrived(ngx_http_realtime_session_t *s);

/* an EVICT: the socket "id" in "nsp" has gone from "s", one way or another */
void ngx_http_realtime_recover_evict(ngx_http_realtime_session_t *s,
    rt_str_t nsp, rt_str_t id);

/* writes into their records what the sockets of "s" were given last */
void ngx_http_realtime_recover_save(ngx_http_realtime_session_t *s);

/* the same for all sessions, whenever much of the log has been read */
void ngx_http_realtime_recover_save_all(ngx_http_realtime_hub_t *hub);


#endif /* _NGX_HTTP_REALTIME_RECOVER_H_INCLUDED_ */
