
/*
 * ngx_http_realtime_announce.h: who comes into a room and who leaves it,
 * everywhere: here, in the roster, and told to the others.
 *
 * What happens and what is told of it stand in one order: the roster changes
 * and the entry is appended under the state mutex.  Where there are other hosts
 * it is told when they know (~peers).
 */


#ifndef _NGX_HTTP_REALTIME_ANNOUNCE_H_INCLUDED_
#define _NGX_HTTP_REALTIME_ANNOUNCE_H_INCLUDED_


#include "hub/ngx_http_realtime_emit.h"
#include "shm/ngx_http_realtime_roster.h"


typedef struct {
    ngx_uint_t  come;                   /* or it has left */
    rt_str_t    nsp;
    rt_str_t    room;
    rt_str_t    user;                   /* empty: anonymous */
    rt_str_t    except;                 /* id of a socket; or empty */
    uint64_t    people;                 /* emit.h */
    uint8_t     flags;
} ngx_http_realtime_announcement_t;


/*
 * "user:joined" or "user:left" to those in the room; the state mutex may be
 * held.  The caller kicks the bus.
 */
void ngx_http_realtime_announce(ngx_http_realtime_hub_t *hub,
    const ngx_http_realtime_announcement_t *a);

/*
 * Enters a room, and tells the others if they have one more now.  NGX_OK with
 * what is in "*in"; NGX_DECLINED: it was in the room, "*in" is not touched;
 * NGX_BUSY: a dm has its two already; NGX_ABORT: it is private; NGX_ERROR: no
 * memory, or the zone is full.  What is given in "*in" is ~roster.h's.
 */
ngx_int_t ngx_http_realtime_enter(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_socket_t *sk, rt_str_t room,
    ngx_http_realtime_entrance_t *in);

/*
 * Leaves it everywhere, and tells those who stay; NGX_DECLINED if it was not
 * in it.
 */
ngx_int_t ngx_http_realtime_depart(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_socket_t *sk, rt_str_t room);

/*
 * The socket closes: it leaves all rooms.  Quietly, and here only, when the
 * session moves.
 */
void ngx_http_realtime_depart_all(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_socket_t *sk);

/* takes one membership out and tells the others; the state mutex is held */
void ngx_http_realtime_depart_locked(ngx_http_realtime_hub_t *hub,
    rt_ref_t member, ngx_uint_t closing);

/* "user:left" for an occupant who has left; the state mutex is held */
void ngx_http_realtime_announce_gone_locked(ngx_http_realtime_hub_t *hub,
    rt_ref_t occupant);

/* "user:joined" for one that is there; the state mutex is held */
void ngx_http_realtime_announce_come_locked(ngx_http_realtime_hub_t *hub,
    rt_ref_t occupant);


#endif /* _NGX_HTTP_REALTIME_ANNOUNCE_H_INCLUDED_ */
