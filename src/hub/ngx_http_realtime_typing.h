
/*
 * ngx_http_realtime_typing.h: who types is told to those in the room.
 *
 * Typists are in the zone and end there when they are due, by whichever worker
 * sees to it first; a worker that started some has a timer for it.
 */


#ifndef _NGX_HTTP_REALTIME_TYPING_H_INCLUDED_
#define _NGX_HTTP_REALTIME_TYPING_H_INCLUDED_


#include "hub/ngx_http_realtime_emit.h"
#include "shm/ngx_http_realtime_typists.h"


/* what one event names at most; the first to begin are named */
#define NGX_HTTP_REALTIME_TYPING_USERS  100


void ngx_http_realtime_typing_init(ngx_http_realtime_hub_t *hub);

/*
 * The socket, a member of the room, types for "timeout" ms, or goes on typing.
 * The others are told if that is new.  NGX_OK; NGX_BUSY: in too many threads
 * at once; NGX_DECLINED: the zone is full.
 */
ngx_int_t ngx_http_realtime_typing_start(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_socket_t *sk, rt_str_t room,
    const ngx_http_realtime_thread_t *thread, ngx_msec_t timeout);

/* it does not any more; harmless if it did not */
void ngx_http_realtime_typing_stop(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_socket_t *sk, rt_str_t room,
    const ngx_http_realtime_thread_t *thread);

/* the member leaves; the state mutex is held */
void ngx_http_realtime_typing_end_locked(ngx_http_realtime_hub_t *hub,
    rt_ref_t member);

/*
 * Tells those in the room who types in the thread, but for the socket
 * "except", unless they know; the thread may be gone afterwards.
 */
void ngx_http_realtime_typing_tell_locked(ngx_http_realtime_hub_t *hub,
    rt_ref_t thread, rt_str_t except);

typedef struct {
    rt_str_t  nsp;
    rt_str_t  room;
    rt_str_t  thread;                   /* "data" NULL: outside of all */
    rt_str_t  users;                    /* a list (bus/entry) */
    rt_str_t  except;                   /* id of a socket, or empty */
    uint8_t   flags;                    /* emit.h */
} ngx_http_realtime_typing_news_t;

/*
 * "typing:event" to those in the room; the state mutex may be held.  "users"
 * is not in the first half of hub->args.  The caller kicks the bus.
 */
void ngx_http_realtime_typing_announce(ngx_http_realtime_hub_t *hub,
    const ngx_http_realtime_typing_news_t *news);

/* the same of those who type here, whatever "users" is */
void ngx_http_realtime_typing_here(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_typing_news_t *news);

/* ends what is due, whoever started it */
void ngx_http_realtime_typing_expire(ngx_http_realtime_hub_t *hub);


#endif /* _NGX_HTTP_REALTIME_TYPING_H_INCLUDED_ */
