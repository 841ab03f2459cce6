
/*
 * ngx_http_realtime_account.h: what happens is told to the database
 * (shm/~facts).
 *
 * Nothing here waits, and nothing can fail as far as clients can see.  All of
 * it is harmless when there is no database.  Rooms, presence and typing are
 * those of the namespace "/": the tables have no others.
 */


#ifndef _NGX_HTTP_REALTIME_ACCOUNT_H_INCLUDED_
#define _NGX_HTTP_REALTIME_ACCOUNT_H_INCLUDED_


#include "hub/ngx_http_realtime_emit.h"


#define ngx_http_realtime_account_on(hub)  ((hub)->bus->zone->rows != NULL)

/* the namespace whose rooms and users the tables have */
#define ngx_http_realtime_account_main(nsp)  rt_str_eq(nsp, rt_lit("/"))

/*
 * The socket has connected, and has a record; from now on its end is told by
 * whoever takes the record away.  "connect" and "disconnect": events are to be
 * logged of the one and of the other.
 */
void ngx_http_realtime_account_connect(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_socket_t *sk, ngx_uint_t connect, ngx_uint_t disconnect);

/* its sockets have shown signs of life */
void ngx_http_realtime_account_alive(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_session_t *s);

/* an event of the audit log; "user" and "room" may be empty, "data" is JSON */
void ngx_http_realtime_account_event(ngx_http_realtime_hub_t *hub,
    rt_str_t type, rt_str_t user, rt_str_t room, rt_str_t data);

/*
 * What a fact for other hosts has come to: somebody is in a room, is not any
 * more, or is offline; its time is when that was.  Where there are other hosts
 * it is told by nobody else.  "everywhere": at all hosts, not at this one only.
 */
void ngx_http_realtime_account_settled(ngx_http_realtime_hub_t *hub,
    const ngx_http_realtime_fact_t *of, ngx_uint_t everywhere);

/* the state mutex is held: */

/*
 * A room is there, and a user in it ("user" empty: somebody anonymous); where
 * there are other hosts only the room.
 */
void ngx_http_realtime_account_join_locked(ngx_http_realtime_hub_t *hub,
    rt_str_t nsp, rt_str_t room, ngx_http_realtime_kind_t kind,
    rt_str_t user);

/* a user is in the room no longer; there nothing, as when one is offline */
void ngx_http_realtime_account_leave_locked(ngx_http_realtime_hub_t *hub,
    rt_str_t nsp, rt_str_t room, rt_str_t user);

/*
 * What the others know of a user now; "custom" is JSON, or empty; NULL: only
 * the database knows.
 */
void ngx_http_realtime_account_presence_locked(ngx_http_realtime_hub_t *hub,
    rt_str_t nsp, rt_str_t user, rt_str_t status, const rt_str_t *custom);

/* "until" 0: not any more; "thread" with "data" NULL: outside of all */
void ngx_http_realtime_account_typing_locked(ngx_http_realtime_hub_t *hub,
    rt_str_t nsp, rt_str_t room, rt_str_t user, rt_str_t thread,
    uint64_t until);


#endif /* _NGX_HTTP_REALTIME_ACCOUNT_H_INCLUDED_ */
