
/*
 * ngx_http_realtime_directory.h: which sessions there are, and which worker
 * owns each (state zone).
 *
 * Any worker may get any request of a session: the id leads to the owner.
 */


#ifndef _NGX_HTTP_REALTIME_DIRECTORY_H_INCLUDED_
#define _NGX_HTTP_REALTIME_DIRECTORY_H_INCLUDED_


#include "shm/ngx_http_realtime_reason.h"
#include "shm/ngx_http_realtime_records.h"


/*
 * Enters a new session.  NGX_OK with "*ref"; NGX_BUSY when there are "limit"
 * sessions already; NGX_DECLINED when the zone is full.
 */
ngx_int_t ngx_http_realtime_directory_add(ngx_http_realtime_zone_t *z,
    u_char *sid, ngx_http_realtime_wid_t owner, uint16_t location,
    ngx_uint_t limit, rt_ref_t *ref);

/* what the directory says of a session */

typedef struct {
    rt_ref_t                 ref;
    ngx_http_realtime_wid_t  owner;
    uint16_t                 location;
} ngx_http_realtime_place_t;


/* NGX_OK with "*place", or NGX_DECLINED if there is no session "sid" */
ngx_int_t ngx_http_realtime_directory_find(ngx_http_realtime_zone_t *z,
    rt_str_t sid, ngx_http_realtime_place_t *place);

/*
 * A WebSocket of "prober" came for the session: NGX_OK; NGX_BUSY when it has
 * one, or another one tries already; NGX_DECLINED if there is no such session.
 */
ngx_int_t ngx_http_realtime_directory_probe(ngx_http_realtime_zone_t *z,
    rt_str_t sid, ngx_http_realtime_wid_t prober);

/* that WebSocket does not try any more */
void ngx_http_realtime_directory_unprobe(ngx_http_realtime_zone_t *z,
    rt_str_t sid, ngx_http_realtime_wid_t prober);

/* the session has a WebSocket from now on */
void ngx_http_realtime_directory_websocket(ngx_http_realtime_zone_t *z,
    rt_ref_t ref);

/*
 * Gives the session to another worker, where it has a WebSocket, or back to
 * one where it has none.  NGX_DECLINED if that worker has gone: the session
 * stays where it was.
 */
ngx_int_t ngx_http_realtime_directory_move(ngx_http_realtime_zone_t *z,
    rt_ref_t ref, ngx_http_realtime_wid_t to, ngx_uint_t websocket);

/* takes the session out, with its sockets and memberships */
void ngx_http_realtime_directory_remove(ngx_http_realtime_zone_t *z,
    rt_ref_t ref);

/*
 * A socket of the session, which may be away for "window" seconds from now on
 * (0: not), and is told what comes after "began" in the log; 0 when the zone
 * is full.
 */
rt_ref_t ngx_http_realtime_directory_add_socket(ngx_http_realtime_zone_t *z,
    rt_ref_t session, u_char *id, uint16_t window, uint64_t began);

/*
 * The record "socket" if it is still that of "id" in the session, or NULL: its
 * client has come back in another session.  The state mutex is held; without
 * it the answer is a glance that may be out of date.
 */
ngx_http_realtime_socket_rec_t *ngx_http_realtime_directory_socket(
    ngx_http_realtime_zone_t *z, rt_ref_t socket, rt_ref_t session,
    const u_char *id);

/* takes the socket out, with its memberships, if it is still that one */
void ngx_http_realtime_directory_remove_socket(ngx_http_realtime_zone_t *z,
    rt_ref_t socket, rt_ref_t session, const u_char *id,
    ngx_http_realtime_reason_e reason);

/* the same for whoever it is; the state mutex is held */
void ngx_http_realtime_directory_drop_socket_locked(
    ngx_http_realtime_zone_t *z, rt_ref_t socket);

/* takes the socket off its session's list; the record stays */
void ngx_http_realtime_directory_loosen_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t socket);

/* takes the session out of its table; the record stays */
void ngx_http_realtime_directory_unlink_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t ref);

/*
 * The ids of sessions of "owner" in one bucket, RT_ID_LEN bytes each, at most
 * "max" of them; how many.  NGX_DONE: there is no such bucket.
 */
ngx_int_t ngx_http_realtime_directory_owned(ngx_http_realtime_zone_t *z,
    ngx_http_realtime_wid_t owner, uint32_t bucket, u_char *sids,
    ngx_uint_t max);

/*
 * Takes care of the next session whose owner was an earlier holder of the slot
 * "of" than the one it names.  NGX_AGAIN: it is away now.  NGX_OK with "*ref":
 * it cannot be, and belongs to "heir", who is to settle and remove it.
 * NGX_DONE: there is none.  "*bucket" is where to go on, 0 at first.
 */
ngx_int_t ngx_http_realtime_directory_inherit(ngx_http_realtime_zone_t *z,
    ngx_http_realtime_wid_t of, ngx_http_realtime_wid_t heir,
    uint32_t *bucket, rt_ref_t *ref);


#endif /* _NGX_HTTP_REALTIME_DIRECTORY_H_INCLUDED_ */
