
/*
 * ngx_http_realtime_roster.h: who is in which room, over all workers (state
 * zone).
 *
 * A room is there as long as somebody is in it.
 */


#ifndef _NGX_HTTP_REALTIME_ROSTER_H_INCLUDED_
#define _NGX_HTTP_REALTIME_ROSTER_H_INCLUDED_


#include "shm/ngx_http_realtime_records.h"


/*
 * Enters "socket" into a room, which is made if need be.  NGX_OK with the
 * number of members; NGX_DECLINED when the zone is full.  The caller sees to
 * it that the socket is not in the room yet.
 */
ngx_int_t ngx_http_realtime_roster_enter(ngx_http_realtime_zone_t *z,
    rt_ref_t socket, rt_str_t nsp, rt_str_t room, ngx_uint_t *count);

/* "*left": members that stay; NGX_DECLINED if it was not there */
ngx_int_t ngx_http_realtime_roster_leave(ngx_http_realtime_zone_t *z,
    rt_ref_t socket, rt_str_t nsp, rt_str_t room, ngx_uint_t *left);

/* members of the room; 0 if there is no such room */
ngx_uint_t ngx_http_realtime_roster_count(ngx_http_realtime_zone_t *z,
    rt_str_t nsp, rt_str_t room);

/* the first membership of a socket goes; the state mutex is held */
void ngx_http_realtime_roster_remove_locked(ngx_http_realtime_zone_t *z,
    ngx_http_realtime_socket_rec_t *socket);


/* a departure that is to be announced; strings are copies in "text" */

typedef struct {
    u_char    id[RT_ID_LEN];            /* of the socket */
    rt_str_t  nsp;
    rt_str_t  room;
    uint32_t  left;                     /* members that stay */
    u_char    text[512];
} ngx_http_realtime_departure_t;


/*
 * Takes one membership of the session out and says which: NGX_OK, or NGX_DONE
 * when the session has none (left).
 */
ngx_int_t ngx_http_realtime_roster_depart(ngx_http_realtime_zone_t *z,
    rt_ref_t session, ngx_http_realtime_departure_t *d);


#endif /* _NGX_HTTP_REALTIME_ROSTER_H_INCLUDED_ */
