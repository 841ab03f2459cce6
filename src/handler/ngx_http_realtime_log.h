
/*
 * ngx_http_realtime_log.h: which events go into the audit log of the database,
 * and what of them.
 *
 * Tokens never do, what is said in private rooms only if asked for.
 */


#ifndef _NGX_HTTP_REALTIME_LOG_H_INCLUDED_
#define _NGX_HTTP_REALTIME_LOG_H_INCLUDED_


#include "handler/ngx_http_realtime_call.h"


/* what the server itself has to say has a bit each */

#define NGX_HTTP_REALTIME_LOG_SET         0x01  /* somebody chose */
#define NGX_HTTP_REALTIME_LOG_CONNECT     0x02
#define NGX_HTTP_REALTIME_LOG_DISCONNECT  0x04
#define NGX_HTTP_REALTIME_LOG_ERROR       0x08  /* and connection_error */
#define NGX_HTTP_REALTIME_LOG_MESSAGE     0x10
#define NGX_HTTP_REALTIME_LOG_ALL         0x20


/* part of the location's configuration */

typedef struct {
    ngx_flag_t    enable;
    ngx_flag_t    contents;             /* of private rooms, too */
    ngx_uint_t    types;                /* of the above; 0: not set */
    ngx_array_t  *events;               /* of rt_str_t: names of others; NULL */
} ngx_http_realtime_log_conf_t;


/* the socket has connected; its end will be told by itself */
void ngx_http_realtime_log_connect(ngx_http_realtime_socket_t *sk);

/* somebody was not let in; "code" and "why" are constants */
void ngx_http_realtime_log_refused(ngx_http_realtime_session_t *s,
    const char *code, const char *why);

/* an error was sent: a JSON object with "code" and "message" */
void ngx_http_realtime_log_error(ngx_http_realtime_socket_t *sk,
    rt_str_t event, rt_str_t error);

/* a message was accepted as "id" at "time" (ISO 8601) */
void ngx_http_realtime_log_message(ngx_http_realtime_call_t *call,
    const rt_message_t *msg, rt_str_t id, rt_str_t time);

/* any other event, "name" is decoded */
void ngx_http_realtime_log_event(ngx_http_realtime_call_t *call,
    rt_str_t name);


#endif /* _NGX_HTTP_REALTIME_LOG_H_INCLUDED_ */
