
/*
 * ngx_http_realtime_redis_slots.h: what Redis Cluster says of its slots, read
 * with care.  It knows no connections.
 */


#ifndef _NGX_HTTP_REALTIME_REDIS_SLOTS_H_INCLUDED_
#define _NGX_HTTP_REALTIME_REDIS_SLOTS_H_INCLUDED_


#include "shm/ngx_http_realtime.h"

#include <hiredis/hiredis.h>


#define NGX_HTTP_REALTIME_REDIS_SLOTS  16384


/* borrowed; an empty host is the one that was asked */

typedef struct {
    ngx_str_t    host;          /* address or name */
    ngx_uint_t   port;
} ngx_http_realtime_redis_endpoint_t;


typedef struct {
    ngx_uint_t   from;          /* slots, both included */
    ngx_uint_t   to;
    ngx_uint_t   n;             /* endpoints: the master, then replicas */
    redisReply  *reply;
} ngx_http_realtime_redis_range_t;


typedef enum {
    NGX_HTTP_REALTIME_REDIS_STAY = 0,   /* an error like others */
    NGX_HTTP_REALTIME_REDIS_MOVED,      /* the slot is elsewhere */
    NGX_HTTP_REALTIME_REDIS_ASK,        /* this key is, for now */
    NGX_HTTP_REALTIME_REDIS_LATER       /* the same again, by and by */
} ngx_http_realtime_redis_redirect_e;


/* the slot of a key or of a shard channel; of "{...}" in it, if it has that */
ngx_uint_t ngx_http_realtime_redis_hash_slot(const u_char *key, size_t len);

/* the number of ranges in an answer to CLUSTER SLOTS; 0 if it is none */
ngx_uint_t ngx_http_realtime_redis_ranges(redisReply *reply);

/* NGX_DECLINED: it makes no sense, or has no master */
ngx_int_t ngx_http_realtime_redis_range(redisReply *reply, ngx_uint_t i,
    ngx_http_realtime_redis_range_t *range);

/* the j-th of a range.  NGX_DECLINED: it makes no sense */
ngx_int_t ngx_http_realtime_redis_endpoint(
    ngx_http_realtime_redis_range_t *range, ngx_uint_t j,
    ngx_http_realtime_redis_endpoint_t *endpoint);

/* what an error asks for; "slot" and "to" are set by MOVED and ASK */
ngx_http_realtime_redis_redirect_e ngx_http_realtime_redis_redirect(
    redisReply *reply, ngx_uint_t *slot,
    ngx_http_realtime_redis_endpoint_t *to);


#endif /* _NGX_HTTP_REALTIME_REDIS_SLOTS_H_INCLUDED_ */
