
/*
 * ngx_http_realtime_events.h: the event table of a location.
 *
 * Maps names of events to what is done: the built-in handlers are its
 * defaults, and each row can be replaced ("realtime_on").  Also who may
 * connect to what.
 */


#ifndef _NGX_HTTP_REALTIME_EVENTS_H_INCLUDED_
#define _NGX_HTTP_REALTIME_EVENTS_H_INCLUDED_


#include "handler/ngx_http_realtime_access.h"
#include "handler/ngx_http_realtime_log.h"


typedef enum {
    NGX_HTTP_REALTIME_ACTION_BUILTIN = 0,
    NGX_HTTP_REALTIME_ACTION_RELAY,     /* to the other members of the room */
    NGX_HTTP_REALTIME_ACTION_ECHO,      /* back to the sender */
    NGX_HTTP_REALTIME_ACTION_ACK,       /* the arguments, as the ack */
    NGX_HTTP_REALTIME_ACTION_DROP       /* nothing */
} ngx_http_realtime_action_e;


typedef struct {
    ngx_http_realtime_action_e   type;
    rt_str_t                     as;        /* JSON string; empty: the name
                                               under which it came */
    ngx_http_realtime_call_pt    builtin;
} ngx_http_realtime_action_t;


typedef struct {
    rt_str_t                     name;
    unsigned                     prefix:1;  /* "name*" */
    ngx_uint_t                   n;
    ngx_http_realtime_action_t  *actions;
} ngx_http_realtime_rule_t;


/* part of the location's configuration; arrays are NULL when empty */

typedef struct {
    ngx_array_t                      *rules;        /* ..._rule_t */
    ngx_array_t                      *namespaces;   /* ..._nsp_conf_t */
    ngx_http_realtime_access_conf_t   access;
    ngx_http_realtime_log_conf_t      log;

    ngx_flag_t                        sanitize;
    ngx_flag_t                        presence;
    ngx_uint_t                        presence_scope;   /* below */
    ngx_flag_t                        typing;
    ngx_msec_t                        typing_timeout;
} ngx_http_realtime_events_conf_t;


#define NGX_HTTP_REALTIME_SCOPE_ALL    0
#define NGX_HTTP_REALTIME_SCOPE_ROOMS  1

#define ngx_http_realtime_call_conf(call)                                     \
    ((ngx_http_realtime_events_conf_t *) (call)->sk->session->conf->events)


typedef struct {
    rt_str_t      name;                     /* exact, unless "match" */
    ngx_int_t   (*match)(void *data, rt_str_t name);
    void         *data;
} ngx_http_realtime_nsp_conf_t;


/* longest name of an event that can be in the table, bytes */
#define NGX_HTTP_REALTIME_EVENT_MAX  255


/*
 * The row for "name": an exact one, of the location before a built-in one;
 * then the one with the longest prefix; or NULL.  Names of events that the
 * server sends take an exact row: no prefix lets clients forge them.
 */
const ngx_http_realtime_rule_t *ngx_http_realtime_rule_find(
    ngx_http_realtime_events_conf_t *conf, rt_str_t name);

/* whether clients may connect to the namespace */
ngx_int_t ngx_http_realtime_nsp_allowed(ngx_http_realtime_events_conf_t *conf,
    rt_str_t nsp);


/* up-calls of the sessions (session.h); "data" of the set is the hub */

void ngx_http_realtime_on_connect(ngx_http_realtime_session_t *s,
    rt_sio_packet_t *pkt);
void ngx_http_realtime_on_event(ngx_http_realtime_socket_t *sk,
    ngx_http_realtime_packet_t *pkt);
void ngx_http_realtime_on_leave(ngx_http_realtime_socket_t *sk);
void ngx_http_realtime_on_expire(ngx_http_realtime_socket_t *sk);
void ngx_http_realtime_on_return(ngx_http_realtime_socket_t *sk);
void ngx_http_realtime_on_recovered(ngx_http_realtime_socket_t *sk);
void ngx_http_realtime_on_ack(ngx_http_realtime_socket_t *sk, ngx_uint_t kind,
    uint64_t arg, ngx_http_realtime_packet_t *pkt);


/* ~dispatch: an event that waited for what "l" has now */
void ngx_http_realtime_on_event_again(ngx_http_realtime_socket_t *sk,
    ngx_http_realtime_packet_t *pkt, ngx_http_realtime_lookup_t *l);


/* built-in handlers */

void ngx_http_realtime_greet(ngx_http_realtime_call_t *call);
void ngx_http_realtime_on_room_join(ngx_http_realtime_call_t *call);
void ngx_http_realtime_on_room_leave(ngx_http_realtime_call_t *call);
void ngx_http_realtime_on_message_send(ngx_http_realtime_call_t *call);
void ngx_http_realtime_on_typing_start(ngx_http_realtime_call_t *call);
void ngx_http_realtime_on_typing_stop(ngx_http_realtime_call_t *call);
void ngx_http_realtime_on_presence_update(ngx_http_realtime_call_t *call);
void ngx_http_realtime_on_presence_request(ngx_http_realtime_call_t *call);
void ngx_http_realtime_on_ping(ngx_http_realtime_call_t *call);
void ngx_http_realtime_on_pong(ngx_http_realtime_call_t *call);


/* actions; "as" is the JSON string to emit under */

void ngx_http_realtime_relay(ngx_http_realtime_call_t *call, rt_str_t as);
void ngx_http_realtime_echo(ngx_http_realtime_call_t *call, rt_str_t as);
void ngx_http_realtime_ack(ngx_http_realtime_call_t *call);


#endif /* _NGX_HTTP_REALTIME_EVENTS_H_INCLUDED_ */
