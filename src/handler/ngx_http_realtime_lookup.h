
/*
 * ngx_http_realtime_lookup.h: what has to be looked up in the database, or be
 * known by other hosts, before an event can be handled.
 *
 * Nobody waits in the meantime but the client that asked: its event stands
 * aside (session/pause) and is handled once more, from the action of its row
 * that asked, when there is an answer.
 */


#ifndef _NGX_HTTP_REALTIME_LOOKUP_H_INCLUDED_
#define _NGX_HTTP_REALTIME_LOOKUP_H_INCLUDED_


#include "handler/ngx_http_realtime_call.h"
#include "hub/ngx_http_realtime_presence.h"
#include "shm/ngx_http_realtime_known.h"


/*
 * What the database says of "room" and, if it is private or "member" is set, of
 * the sender's membership.
 *
 *   NGX_OK        "*known" has it, perhaps from before the database went away
 *   NGX_AGAIN     the event waits: return, nothing was answered
 *   NGX_DONE      there is no database, or it never was of any use
 *   NGX_DECLINED  it is away, and nothing is known
 *   NGX_ERROR     no memory
 */
ngx_int_t ngx_http_realtime_lookup_room(ngx_http_realtime_call_t *call,
    rt_str_t room, ngx_uint_t member, ngx_http_realtime_known_t *known);

/*
 * The custom status that "user" had last, empty where there is none, good until
 * the event was handled.  The same; NGX_DONE also when nobody knows.
 */
ngx_int_t ngx_http_realtime_lookup_custom(ngx_http_realtime_call_t *call,
    rt_str_t user, rt_presence_t *presence);


/*
 * Enters a room (hub/announce), which is as others have it: a dm is asked for
 * before, and who is the first of a user here waits until other hosts know of
 * it, at most for a second.  NGX_AGAIN: the event waits, and what is left to be
 * done then is to say that it has entered; the rest is that of ~announce.
 */
ngx_int_t ngx_http_realtime_lookup_enter(ngx_http_realtime_call_t *call,
    rt_str_t room, ngx_http_realtime_entrance_t *in);

/*
 * What other hosts know of a user: NGX_OK with "*known", where it may be
 * nothing; NGX_AGAIN: the event waits.
 */
ngx_int_t ngx_http_realtime_lookup_peers_user(ngx_http_realtime_call_t *call,
    rt_str_t user, ngx_http_realtime_presence_known_t *known);


/* what the database says of a user who connects */

typedef struct {
    ngx_uint_t     known;               /* it has said something, that is: */
    rt_str_t       rooms;               /* JSON array, or empty */
    rt_presence_t  presence;            /* of it the custom status, or empty */
} ngx_http_realtime_lookup_user_t;

/*
 * Asks about the user of the socket, whose next events wait until "greet" was
 * called, not before this returns; "recovered" is passed on.  NGX_DECLINED:
 * there is nobody to ask now.
 */
ngx_int_t ngx_http_realtime_lookup_user(ngx_http_realtime_socket_t *sk,
    ngx_uint_t recovered,
    void (*greet)(ngx_http_realtime_socket_t *sk, ngx_uint_t recovered,
        ngx_http_realtime_lookup_user_t *found));


/* ~dispatch: where the event goes on that waited */
ngx_uint_t ngx_http_realtime_lookup_action(ngx_http_realtime_lookup_t *l);

/* ~dispatch: the event waits, and is to go on with this action of its row */
void ngx_http_realtime_lookup_wait(ngx_http_realtime_lookup_t *l,
    ngx_uint_t action);


#endif /* _NGX_HTTP_REALTIME_LOOKUP_H_INCLUDED_ */
