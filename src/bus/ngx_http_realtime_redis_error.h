
/*
 * ngx_http_realtime_redis_error.h: what Redis says is wrong, in one line and
 * with a remedy where there is one.
 *
 * Arguments of commands do not get into what is made here.
 */


#ifndef _NGX_HTTP_REALTIME_REDIS_ERROR_H_INCLUDED_
#define _NGX_HTTP_REALTIME_REDIS_ERROR_H_INCLUDED_


#include "shm/ngx_http_realtime.h"

#include <hiredis/hiredis.h>


/* the same trouble again is not worth another line */

typedef enum {
    NGX_HTTP_REALTIME_REDIS_NO_TROUBLE = 0,
    NGX_HTTP_REALTIME_REDIS_OTHER,

    /* with the server */

    NGX_HTTP_REALTIME_REDIS_PASSWORD,
    NGX_HTTP_REALTIME_REDIS_PASSWORD_UNASKED,
    NGX_HTTP_REALTIME_REDIS_DATABASE,
    NGX_HTTP_REALTIME_REDIS_PROTECTED,
    NGX_HTTP_REALTIME_REDIS_TOO_MANY,
    NGX_HTTP_REALTIME_REDIS_REFUSED,
    NGX_HTTP_REALTIME_REDIS_NO_SOCKET,
    NGX_HTTP_REALTIME_REDIS_NO_RIGHT,
    NGX_HTTP_REALTIME_REDIS_CERTIFICATE,
    NGX_HTTP_REALTIME_REDIS_NAME,
    NGX_HTTP_REALTIME_REDIS_NO_TLS,
    NGX_HTTP_REALTIME_REDIS_CLIENT_CERTIFICATE,
    NGX_HTTP_REALTIME_REDIS_UNRESOLVED,
    NGX_HTTP_REALTIME_REDIS_TIMEOUT,
    NGX_HTTP_REALTIME_REDIS_STRANGE,
    NGX_HTTP_REALTIME_REDIS_SHUT,
    NGX_HTTP_REALTIME_REDIS_NO_CLUSTER,
    NGX_HTTP_REALTIME_REDIS_NO_SLOTS,
    NGX_HTTP_REALTIME_REDIS_ASTRAY,

    /* any command may be answered with these */

    NGX_HTTP_REALTIME_REDIS_NO_PASSWORD,
    NGX_HTTP_REALTIME_REDIS_DENIED,
    NGX_HTTP_REALTIME_REDIS_LOADING,
    NGX_HTTP_REALTIME_REDIS_MASTER_DOWN,
    NGX_HTTP_REALTIME_REDIS_READONLY,
    NGX_HTTP_REALTIME_REDIS_MEMORY,
    NGX_HTTP_REALTIME_REDIS_DISK,
    NGX_HTTP_REALTIME_REDIS_BUSY,
    NGX_HTTP_REALTIME_REDIS_CLUSTER_DOWN
} ngx_http_realtime_redis_trouble_e;


typedef struct {
    ngx_str_t    code;          /* the first word: ERR, MOVED, WRONGTYPE */
    ngx_str_t    message;       /* all of it; lives as long as the reply */
    const char  *remedy;        /* or NULL */
    const char  *known;         /* the words it is known by, or NULL */

    ngx_http_realtime_redis_trouble_e  trouble;
} ngx_http_realtime_redis_error_t;


/* what to do about it, or NULL */
ngx_http_realtime_redis_trouble_e ngx_http_realtime_redis_trouble(
    ngx_str_t *reason, const char **remedy);

/* whether it is the server's state that is wrong, not the command */
#define ngx_http_realtime_redis_general(trouble)                              \
    ((trouble) >= NGX_HTTP_REALTIME_REDIS_NO_PASSWORD)

/* why a command was refused; "reply" is an error */
void ngx_http_realtime_redis_explain(redisReply *reply,
    ngx_http_realtime_redis_error_t *e);


#endif /* _NGX_HTTP_REALTIME_REDIS_ERROR_H_INCLUDED_ */
