
/*
 * ngx_http_realtime_access.h: who may connect, which rooms they may enter and
 * how much they may say.
 */


#ifndef _NGX_HTTP_REALTIME_ACCESS_H_INCLUDED_
#define _NGX_HTTP_REALTIME_ACCESS_H_INCLUDED_


#include "handler/ngx_http_realtime_call.h"
#include "shm/ngx_http_realtime_roster.h"


/* a room, or a family of them, as the location has it */

typedef struct {
    rt_str_t                  pattern;      /* a name, or its beginning and * */
    ngx_http_realtime_kind_t  kind;
} ngx_http_realtime_room_rule_t;


/* part of the location's configuration; "rooms" is NULL when empty */

typedef struct {
    rt_jwt_policy_t           jwt;          /* keys NULL: there are none */
    ngx_flag_t                anonymous;
    ngx_array_t              *rooms;        /* ngx_http_realtime_room_rule_t */
    ngx_flag_t                room_create;

    /* a period of 0 is off */

    rt_limit_conf_t           limit_messages;   /* of a user */
    rt_limit_conf_t           limit_room;       /* of a user in a room */
    rt_limit_conf_t           limit_events;     /* of a user, of every kind */
} ngx_http_realtime_access_conf_t;


/*
 * Whose CONNECT it is: "auth" is its payload, JSON or empty.  NGX_OK with
 * "*who", which is NULL for an anonymous client; NGX_DECLINED with a constant
 * "*why"; NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_realtime_access_connect(ngx_http_realtime_session_t *s,
    rt_str_t auth, ngx_http_realtime_identity_t **who, const char **why);

/*
 * Whether the sender may enter: NGX_OK; NGX_AGAIN: the event waits (~lookup);
 * NGX_DECLINED: an error was answered.
 */
ngx_int_t ngx_http_realtime_access_room(ngx_http_realtime_call_t *call,
    rt_str_t room, ngx_http_realtime_entrance_t *in);

/* whether the location says what the room is, and "*kind" (or NULL) then */
ngx_uint_t ngx_http_realtime_access_declares(ngx_http_realtime_session_t *s,
    rt_str_t room, ngx_http_realtime_kind_t *kind);

/* whether the sender is in the room, and may write there; the same */
ngx_int_t ngx_http_realtime_access_write(ngx_http_realtime_call_t *call,
    rt_str_t room);

/* whether the sender is a user; the same */
ngx_int_t ngx_http_realtime_access_user(ngx_http_realtime_call_t *call);

/* one message to the room counts: NGX_OK, or an error was answered */
ngx_int_t ngx_http_realtime_access_message(ngx_http_realtime_call_t *call,
    rt_str_t room);

/* one event of any kind counts; the same */
ngx_int_t ngx_http_realtime_access_event(ngx_http_realtime_call_t *call);


#endif /* _NGX_HTTP_REALTIME_ACCESS_H_INCLUDED_ */
