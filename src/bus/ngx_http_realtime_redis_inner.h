
/*
 * ngx_http_realtime_redis_inner.h: between the files of one connection to
 * Redis; nobody else's business.
 */


#ifndef _NGX_HTTP_REALTIME_REDIS_INNER_H_INCLUDED_
#define _NGX_HTTP_REALTIME_REDIS_INNER_H_INCLUDED_


#include "bus/ngx_http_realtime_redis.h"


/* commands of our own */

typedef enum {
    NGX_HTTP_REALTIME_REDIS_NOT_OURS = 0,
    NGX_HTTP_REALTIME_REDIS_AUTH,
    NGX_HTTP_REALTIME_REDIS_SELECT,
    NGX_HTTP_REALTIME_REDIS_SETNAME,
    NGX_HTTP_REALTIME_REDIS_PING
} ngx_http_realtime_redis_ours_e;


/* what a push, or a command, does to subscriptions */

typedef enum {
    NGX_HTTP_REALTIME_REDIS_NO_PUSH = 0,
    NGX_HTTP_REALTIME_REDIS_MESSAGE,
    NGX_HTTP_REALTIME_REDIS_SUBSCRIBE,
    NGX_HTTP_REALTIME_REDIS_UNSUBSCRIBE
} ngx_http_realtime_redis_push_e;


struct ngx_http_realtime_redis_slot_s {
    ngx_queue_t                         link;
    ngx_http_realtime_redis_slot_t     *next;       /* spare ones */
    ngx_http_realtime_redis_command_t  *cmd;        /* NULL: nobody waits */
    ngx_http_realtime_redis_ours_e      ours;
    ngx_http_realtime_redis_push_e      push;
    ngx_uint_t                          space;      /* of "subscribed" */
    ngx_uint_t                          expect; /* confirmations; 0: all */
};

#define ngx_http_realtime_redis_slot_of(q)                                    \
    (ngx_queue_data(q, ngx_http_realtime_redis_slot_t, link))


/* redis: the life of it */

/* the only one to write the state */
ngx_int_t ngx_http_realtime_redis_move(ngx_http_realtime_redis_t *redis,
    ngx_http_realtime_redis_state_e to);

/*
 * It cannot be used any more, or could not: the next address, or later again.
 * "reason" NULL: as said before.
 */
void ngx_http_realtime_redis_lost(ngx_http_realtime_redis_t *redis,
    const char *reason);

/* it has answered and can be used */
void ngx_http_realtime_redis_greeted(ngx_http_realtime_redis_t *redis);

/* "text" is the reason, should the connection end; on one line */
void ngx_http_realtime_redis_say(ngx_http_realtime_redis_t *redis,
    const u_char *text, size_t len);

/* a command was refused: a line in the log, if it is the server's state */
void ngx_http_realtime_redis_refused(ngx_http_realtime_redis_t *redis,
    redisReply *reply);

void ngx_http_realtime_redis_set_timer(ngx_http_realtime_redis_t *redis,
    ngx_msec_t delay);

/* the first command is under way, or the last one was answered */
void ngx_http_realtime_redis_busier(ngx_http_realtime_redis_t *redis);
void ngx_http_realtime_redis_idler(ngx_http_realtime_redis_t *redis);


/* connect: until it is ready */

/* a new attempt: names, then the connection */
void ngx_http_realtime_redis_start(ngx_http_realtime_redis_t *redis);

/* names are resolved, as far as they can be; "addrs" may be NULL */
void ngx_http_realtime_redis_connect(void *data, ngx_array_t *addrs);

/* to the address "at", or the first one after it that can be tried */
void ngx_http_realtime_redis_connect_next(ngx_http_realtime_redis_t *redis);

/* bytes can be exchanged: signs in */
void ngx_http_realtime_redis_greet(ngx_http_realtime_redis_t *redis);

/* the answer to a command of ours.  NGX_ERROR: it has been said why */
ngx_int_t ngx_http_realtime_redis_heard(ngx_http_realtime_redis_t *redis,
    ngx_http_realtime_redis_ours_e ours, redisReply *reply);


/* tls */

void ngx_http_realtime_redis_secure(ngx_http_realtime_redis_t *redis);


/* socket */

void ngx_http_realtime_redis_event_handler(ngx_event_t *ev);
void ngx_http_realtime_redis_turn_handler(ngx_event_t *ev);

/* nothing of the connection and what was to be sent is left */
void ngx_http_realtime_redis_drop(ngx_http_realtime_redis_t *redis);

/* room for more output, or NULL */
u_char *ngx_http_realtime_redis_room(ngx_http_realtime_redis_t *redis,
    size_t len);


/* reply */

redisReader *ngx_http_realtime_redis_reader(ngx_http_realtime_redis_t *redis);

/*
 * Takes bytes and hands out what has come whole.  NGX_ERROR: it has been said
 * why; NGX_DONE: the connection went meanwhile.
 */
ngx_int_t ngx_http_realtime_redis_feed(ngx_http_realtime_redis_t *redis,
    u_char *data, size_t len);


/* command */

/* as ..._redis_send(), without asking whether it can be sent */
ngx_int_t ngx_http_realtime_redis_queue(ngx_http_realtime_redis_t *redis,
    ngx_http_realtime_redis_command_t *cmd,
    ngx_http_realtime_redis_ours_e ours, ngx_uint_t argc, ngx_str_t *argv);

/* a reply or a push; returns as ..._redis_feed() */
ngx_int_t ngx_http_realtime_redis_take(ngx_http_realtime_redis_t *redis,
    redisReply *reply);

/* the oldest one is answered */
ngx_int_t ngx_http_realtime_redis_answer(ngx_http_realtime_redis_t *redis,
    redisReply *reply);

/* all that is under way ends with NGX_ERROR */
void ngx_http_realtime_redis_fail(ngx_http_realtime_redis_t *redis);


/* push */

/* of a command: what it does to subscriptions, and how many there are */
void ngx_http_realtime_redis_push_command(ngx_http_realtime_redis_slot_t *slot,
    ngx_uint_t argc, ngx_str_t *argv);

/* NGX_DECLINED: it is no push; otherwise as ..._redis_feed() */
ngx_int_t ngx_http_realtime_redis_push(ngx_http_realtime_redis_t *redis,
    redisReply *reply);


#endif /* _NGX_HTTP_REALTIME_REDIS_INNER_H_INCLUDED_ */
