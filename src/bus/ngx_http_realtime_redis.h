
/*
 * ngx_http_realtime_redis.h: one connection to Redis, on nginx's events.
 *
 * hiredis writes commands and takes answers apart; reading and writing, names,
 * timers and TLS are nginx's.  Commands are pipelined, and what is sent in one
 * turn of the event loop leaves in one piece.
 *
 * It is also a subscriber, as soon as SUBSCRIBE or a relative was sent.
 */


#ifndef _NGX_HTTP_REALTIME_REDIS_H_INCLUDED_
#define _NGX_HTTP_REALTIME_REDIS_H_INCLUDED_


#include "bus/ngx_http_realtime_redis_error.h"
#include "bus/ngx_http_realtime_redis_url.h"
#include "net/ngx_http_realtime_names.h"


typedef struct ngx_http_realtime_redis_s          ngx_http_realtime_redis_t;
typedef struct ngx_http_realtime_redis_command_s
    ngx_http_realtime_redis_command_t;
typedef struct ngx_http_realtime_redis_slot_s
    ngx_http_realtime_redis_slot_t;
typedef struct ngx_http_realtime_redis_job_s
    ngx_http_realtime_redis_job_t;


typedef enum {
    NGX_HTTP_REALTIME_REDIS_IDLE = 0,       /* not opened yet */
    NGX_HTTP_REALTIME_REDIS_RESOLVING,
    NGX_HTTP_REALTIME_REDIS_CONNECTING,
    NGX_HTTP_REALTIME_REDIS_SECURING,       /* TLS begins */
    NGX_HTTP_REALTIME_REDIS_GREETING,       /* signs in */
    NGX_HTTP_REALTIME_REDIS_READY,
    NGX_HTTP_REALTIME_REDIS_WAITING,        /* to try again */
    NGX_HTTP_REALTIME_REDIS_CLOSED          /* for good */
} ngx_http_realtime_redis_state_e;


/*
 * What became of a command, exactly once and in order, never from within
 * ..._redis_send().  "reply" is freed behind it.
 *
 *   NGX_OK        the answer
 *   NGX_DECLINED  an error: see ..._redis_explain(reply)
 *   NGX_ERROR     the connection was lost, it may have been executed or not;
 *                 "reply" is NULL
 */
typedef void (*ngx_http_realtime_redis_done_pt)(
    ngx_http_realtime_redis_command_t *cmd, redisReply *reply, ngx_int_t rc);


/*
 * Embedded in what waits, and its owner's until it is sent; "link" is for the
 * owner's queue.
 */

struct ngx_http_realtime_redis_command_s {
    ngx_queue_t                       link;
    ngx_http_realtime_redis_done_pt   done;
    void                             *data;

    /* NULL: not under way */

    ngx_http_realtime_redis_slot_t   *slot;
    ngx_http_realtime_redis_job_t    *job;      /* of a cluster */
};


/* any may be NULL */

typedef struct {

    /* nothing of an earlier connection is left, subscriptions neither */
    void  (*ready)(ngx_http_realtime_redis_t *redis);

    /* lost, or an attempt that failed; it tries again by itself */
    void  (*down)(ngx_http_realtime_redis_t *redis, ngx_str_t *reason);

    /* after ..._redis_send() has said NGX_AGAIN for too much under way */
    void  (*drain)(ngx_http_realtime_redis_t *redis);

    /*
     * "message", "pmessage" or "smessage", or that a subscription began or
     * ended: an array of three or four; freed behind it
     */
    void  (*push)(ngx_http_realtime_redis_t *redis, redisReply *reply);
} ngx_http_realtime_redis_events_t;


/* times in ms */

typedef struct {
    ngx_http_realtime_redis_url_t  *url;
    ngx_str_t                       name;       /* for CLIENT LIST */
    ngx_resolver_t                 *resolver;   /* of http{}, or NULL */
    ngx_msec_t                      resolver_timeout;
    ngx_msec_t                      connect_timeout;    /* for each address */
    ngx_msec_t                      command_timeout;    /* 0: none */
    ngx_msec_t                      ping;       /* of silence; 0: none */
    ngx_msec_t                      retry_min;  /* 0: 250 */
    ngx_msec_t                      retry_max;  /* 0: 30000 */
    size_t                          output;     /* unsent bytes; 0: 1 MB */
    size_t                          input;      /* an answer; 0: 64 MB */
    ngx_uint_t                      commands;   /* under way; 0: 65536 */

    /* TLS; see ..._redis_tls_init() */

    ngx_flag_t                      tls_verify;
    ngx_str_t                       tls_ca;     /* file; empty: the system's */
    ngx_str_t                       tls_name;   /* empty: the host's */
    ngx_str_t                       tls_certificate;    /* ours; or empty */
    ngx_str_t                       tls_key;
    ngx_ssl_t                      *ssl;

    ngx_flag_t                      quiet;      /* another one says in the log
                                                   what is wrong */
} ngx_http_realtime_redis_conf_t;


/* an address that a host has */

typedef struct {
    struct sockaddr                *sockaddr;
    socklen_t                       socklen;
    ngx_str_t                       text;       /* address and port */
    ngx_str_t                       host;
} ngx_http_realtime_redis_addr_t;


struct ngx_http_realtime_redis_s {
    ngx_http_realtime_redis_state_e          state;
    ngx_http_realtime_redis_conf_t          *conf;
    const ngx_http_realtime_redis_events_t  *on;
    void                                    *data;      /* the owner's */
    ngx_log_t                               *log;
    ngx_log_t                                ear;   /* what nginx says of it */

    ngx_http_realtime_names_t                names;
    ngx_pool_t                              *pool;      /* of addresses */
    ngx_array_t                              addrs; /* .._redis_addr_t */
    ngx_uint_t                               at;

    ngx_connection_t                        *c;
    redisReader                             *reader;
    redisReplyObjectFunctions               *make;  /* hiredis's own */
    redisReplyObjectFunctions                counted;
    size_t                                   size;  /* of the answer read now */
    ngx_event_t                              timer;
    ngx_event_t                              turn;  /* posted: see to it soon */

    u_char                                  *out;
    size_t                                   out_pos;
    size_t                                   out_last;
    size_t                                   out_size;

    ngx_queue_t                              slots;     /* under way */
    ngx_uint_t                               n;     /* how many these are */
    ngx_http_realtime_redis_slot_t          *spare;
    ngx_uint_t                               subscribed[3];
    ngx_msec_t                               since; /* the oldest waits */
    ngx_msec_t                               heard;     /* anything */

    ngx_uint_t                               tries;
    ngx_http_realtime_redis_trouble_e        trouble;   /* as logged */
    ngx_http_realtime_redis_trouble_e        refusal;   /* as logged */
    ngx_msec_t                               refused;   /* when that was */
    ngx_str_t                                last;  /* what was wrong last */
    u_char                                   said[512];

    unsigned                                 full:1;
    unsigned                                 down:1;    /* as logged */
    unsigned                                 broken:1;  /* found in a call */
    unsigned                                 told:1;    /* why it may end */
};

/* subscribed: to channels, patterns and shard channels */


/*
 * While the configuration is read: makes conf->ssl if the URL wants TLS.
 * NGX_ERROR has been logged.
 */
ngx_int_t ngx_http_realtime_redis_tls_init(
    ngx_http_realtime_redis_conf_t *conf, ngx_conf_t *cf);

/* "on", "conf" and what "data" points to live as long as "redis" */
void ngx_http_realtime_redis_init(ngx_http_realtime_redis_t *redis,
    ngx_http_realtime_redis_conf_t *conf,
    const ngx_http_realtime_redis_events_t *on, void *data, ngx_log_t *log);

/* connects soon, and again and again until it is closed */
void ngx_http_realtime_redis_open(ngx_http_realtime_redis_t *redis);

/*
 * Closes at once and for good: what is under way ends with NGX_ERROR, in this
 * call.  Harmless when it is closed.
 */
void ngx_http_realtime_redis_close(ngx_http_realtime_redis_t *redis);

/*
 * The server is of no use: its connection is given up, as if it were lost, and
 * another attempt follows.  Harmless when it is not ready.
 */
void ngx_http_realtime_redis_renew(ngx_http_realtime_redis_t *redis,
    const char *reason);

/*
 * Sends a command; "cmd" NULL: nobody wants to know what becomes of it.  The
 * arguments may go when it is back, "cmd" when it is done or forgotten.
 *
 * NGX_AGAIN: it was not taken, as there is no connection (one is made; ready()
 * follows) or too much is under way (drain() follows).  NGX_ERROR: not taken,
 * and the connection will be given up; down() follows.
 *
 * A command that subscribes or unsubscribes is done, with the last
 * confirmation, when all have gone to push().  What makes another connection
 * of it is not to be sent: AUTH, SELECT, HELLO, RESET, QUIT, MONITOR, CLIENT
 * REPLY.
 */
ngx_int_t ngx_http_realtime_redis_send(ngx_http_realtime_redis_t *redis,
    ngx_http_realtime_redis_command_t *cmd, ngx_uint_t argc, ngx_str_t *argv);

/* its owner goes: done() will not be called.  Harmless when not under way */
void ngx_http_realtime_redis_forget(ngx_http_realtime_redis_command_t *cmd);

#define ngx_http_realtime_redis_ready(redis)                                  \
    ((redis)->state == NGX_HTTP_REALTIME_REDIS_READY && !(redis)->broken)

/* whether a command can be sent now */
#define ngx_http_realtime_redis_writable(redis)                               \
    (ngx_http_realtime_redis_ready(redis)                                     \
     && (redis)->n < (redis)->conf->commands                                  \
     && (redis)->out_last - (redis)->out_pos < (redis)->conf->output)

/* whether anything is under way */
#define ngx_http_realtime_redis_busy(redis)                                   \
    (!ngx_queue_empty(&(redis)->slots))

#define ngx_http_realtime_redis_subscriber(redis)                             \
    ((redis)->subscribed[0] || (redis)->subscribed[1]                         \
     || (redis)->subscribed[2])


#endif /* _NGX_HTTP_REALTIME_REDIS_H_INCLUDED_ */
