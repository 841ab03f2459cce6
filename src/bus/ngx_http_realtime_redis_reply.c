
/*
 * Bytes become answers.  hiredis has no bounds but the depth of arrays, so
 * whatever it makes is counted here before it makes it.
 */


#include "bus/ngx_http_realtime_redis_inner.h"


/* of elements in an array */

#if (HIREDIS_MAJOR > 0)
typedef size_t  ngx_http_realtime_redis_count_t;
#else
typedef int  ngx_http_realtime_redis_count_t;
#endif


static ngx_int_t ngx_http_realtime_redis_count(
    ngx_http_realtime_redis_t *redis, size_t len);
static void *ngx_http_realtime_redis_string(const redisReadTask *task,
    char *str, size_t len);
static void *ngx_http_realtime_redis_array(const redisReadTask *task,
    ngx_http_realtime_redis_count_t n);
static void *ngx_http_realtime_redis_integer(const redisReadTask *task,
    long long value);
static void *ngx_http_realtime_redis_nil(const redisReadTask *task);
static ngx_int_t ngx_http_realtime_redis_incomplete(
    ngx_http_realtime_redis_t *redis);
static ngx_int_t ngx_http_realtime_redis_strange(
    ngx_http_realtime_redis_t *redis);


/* what malloc() takes for itself, about */
#define NGX_HTTP_REALTIME_REDIS_OVERHEAD  32

/* of a line: a status, an error, or how long something is */
#define NGX_HTTP_REALTIME_REDIS_LINE      65536


redisReader *
ngx_http_realtime_redis_reader(ngx_http_realtime_redis_t *redis)
{
    redisReader  *reader;

    reader = redisReaderCreate();
    if (reader == NULL) {
        return NULL;
    }

    /* ours count and call hiredis's own, which have no names */

    redis->make = reader->fn;
    redis->counted = *reader->fn;

    redis->counted.createString = ngx_http_realtime_redis_string;
    redis->counted.createArray = ngx_http_realtime_redis_array;
    redis->counted.createInteger = ngx_http_realtime_redis_integer;
    redis->counted.createNil = ngx_http_realtime_redis_nil;

    reader->fn = &redis->counted;
    reader->privdata = redis;

    return reader;
}


static ngx_int_t
ngx_http_realtime_redis_count(ngx_http_realtime_redis_t *redis, size_t len)
{
    redis->size += sizeof(redisReply) + len + NGX_HTTP_REALTIME_REDIS_OVERHEAD;

    return redis->size > redis->conf->input ? NGX_ERROR : NGX_OK;
}


static void *
ngx_http_realtime_redis_string(const redisReadTask *task, char *str,
    size_t len)
{
    ngx_http_realtime_redis_t  *redis = task->privdata;

    return ngx_http_realtime_redis_count(redis, len) == NGX_OK
           ? redis->make->createString(task, str, len) : NULL;
}


static void *
ngx_http_realtime_redis_array(const redisReadTask *task,
    ngx_http_realtime_redis_count_t n)
{
    ngx_http_realtime_redis_t  *redis = task->privdata;

    return ngx_http_realtime_redis_count(redis, n * sizeof(void *)) == NGX_OK
           ? redis->make->createArray(task, n) : NULL;
}


static void *
ngx_http_realtime_redis_integer(const redisReadTask *task, long long value)
{
    ngx_http_realtime_redis_t  *redis = task->privdata;

    return ngx_http_realtime_redis_count(redis, 0) == NGX_OK
           ? redis->make->createInteger(task, value) : NULL;
}


static void *
ngx_http_realtime_redis_nil(const redisReadTask *task)
{
    ngx_http_realtime_redis_t  *redis = task->privdata;

    return ngx_http_realtime_redis_count(redis, 0) == NGX_OK
           ? redis->make->createNil(task) : NULL;
}


ngx_int_t
ngx_http_realtime_redis_feed(ngx_http_realtime_redis_t *redis, u_char *data,
    size_t len)
{
    void              *reply;
    ngx_int_t          rc;
    ngx_connection_t  *c = redis->c;

    if (redisReaderFeed(redis->reader, (char *) data, len) != REDIS_OK) {
        return ngx_http_realtime_redis_strange(redis);
    }

    for ( ;; ) {

        if (redisReaderGetReply(redis->reader, &reply) != REDIS_OK) {
            return ngx_http_realtime_redis_strange(redis);
        }

        if (reply == NULL) {
            return ngx_http_realtime_redis_incomplete(redis);
        }

        redis->size = 0;

        rc = ngx_http_realtime_redis_take(redis, reply);

        freeReplyObject(reply);

        if (redis->c != c) {
            return NGX_DONE;
        }

        if (rc != NGX_OK) {
            return rc;
        }
    }
}


/* the bytes that hiredis keeps until there are more */

static ngx_int_t
ngx_http_realtime_redis_incomplete(ngx_http_realtime_redis_t *redis)
{
    char    *rest = redis->reader->buf + redis->reader->pos;
    size_t   len = redis->reader->len - redis->reader->pos;

    if (redis->size + len > redis->conf->input) {
        redis->size = redis->conf->input + 1;
        return ngx_http_realtime_redis_strange(redis);
    }

    /* it would look for the end of the line again and again */

    if (len > NGX_HTTP_REALTIME_REDIS_LINE
        && memchr(rest, '\n', NGX_HTTP_REALTIME_REDIS_LINE) == NULL)
    {
        ngx_http_realtime_redis_say(redis, (u_char *)
            "the answer is not understood: a line without end", 48);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_realtime_redis_strange(ngx_http_realtime_redis_t *redis)
{
    u_char  text[256], *p;

    if (redis->size > redis->conf->input) {
        p = ngx_snprintf(text, sizeof(text), "an answer of more than %uz "
                         "bytes", redis->conf->input);

    } else {
        p = ngx_snprintf(text, sizeof(text), "the answer is not understood: "
                         "%s", redis->reader->errstr);
    }

    ngx_http_realtime_redis_say(redis, text, p - text);

    return NGX_ERROR;
}
