
/*
 * Subscriptions.  In RESP2 nothing but its first word tells a push from an
 * answer, so what comes is taken for one only where it can be: while there is
 * a subscription, or the oldest command asks for one.
 */


#include "bus/ngx_http_realtime_redis_inner.h"


typedef struct {
    ngx_str_t                        word;
    ngx_http_realtime_redis_push_e   push;
    ngx_uint_t                       space;
} ngx_http_realtime_redis_word_t;


static const ngx_http_realtime_redis_word_t *ngx_http_realtime_redis_word(
    const char *text, size_t len);
static ngx_int_t ngx_http_realtime_redis_confirmed(
    ngx_http_realtime_redis_t *redis, redisReply *reply,
    const ngx_http_realtime_redis_word_t *w);
static void ngx_http_realtime_redis_follow(ngx_http_realtime_redis_t *redis,
    redisReply *reply, const ngx_http_realtime_redis_word_t *w);


static const ngx_http_realtime_redis_word_t
    ngx_http_realtime_redis_words[] =
{
    { ngx_string("message"), NGX_HTTP_REALTIME_REDIS_MESSAGE, 0 },
    { ngx_string("pmessage"), NGX_HTTP_REALTIME_REDIS_MESSAGE, 1 },
    { ngx_string("smessage"), NGX_HTTP_REALTIME_REDIS_MESSAGE, 2 },
    { ngx_string("subscribe"), NGX_HTTP_REALTIME_REDIS_SUBSCRIBE, 0 },
    { ngx_string("psubscribe"), NGX_HTTP_REALTIME_REDIS_SUBSCRIBE, 1 },
    { ngx_string("ssubscribe"), NGX_HTTP_REALTIME_REDIS_SUBSCRIBE, 2 },
    { ngx_string("unsubscribe"), NGX_HTTP_REALTIME_REDIS_UNSUBSCRIBE, 0 },
    { ngx_string("punsubscribe"), NGX_HTTP_REALTIME_REDIS_UNSUBSCRIBE, 1 },
    { ngx_string("sunsubscribe"), NGX_HTTP_REALTIME_REDIS_UNSUBSCRIBE, 2 },
    { ngx_null_string, NGX_HTTP_REALTIME_REDIS_NO_PUSH, 0 }
};


static const ngx_http_realtime_redis_word_t *
ngx_http_realtime_redis_word(const char *text, size_t len)
{
    const ngx_http_realtime_redis_word_t  *w;

    for (w = ngx_http_realtime_redis_words; w->word.len; w++) {
        if (w->word.len == len
            && ngx_strncasecmp(w->word.data, (u_char *) text, len) == 0)
        {
            return w;
        }
    }

    return NULL;
}


void
ngx_http_realtime_redis_push_command(ngx_http_realtime_redis_slot_t *slot,
    ngx_uint_t argc, ngx_str_t *argv)
{
    const ngx_http_realtime_redis_word_t  *w;

    w = ngx_http_realtime_redis_word((char *) argv[0].data, argv[0].len);

    if (w && w->push != NGX_HTTP_REALTIME_REDIS_MESSAGE) {
        slot->push = w->push;
        slot->space = w->space;
        slot->expect = argc - 1;
    }
}


ngx_int_t
ngx_http_realtime_redis_push(ngx_http_realtime_redis_t *redis,
    redisReply *reply)
{
    redisReply                            *first;
    ngx_uint_t                             asked = 0;
    const ngx_http_realtime_redis_word_t  *w;

    if (ngx_http_realtime_redis_busy(redis)) {
        asked = ngx_http_realtime_redis_slot_of(
                    ngx_queue_head(&redis->slots))->push;
    }

    if ((!asked && !ngx_http_realtime_redis_subscriber(redis))
        || reply->type != REDIS_REPLY_ARRAY || reply->elements < 3)
    {
        return NGX_DECLINED;
    }

    first = reply->element[0];

    w = first->type == REDIS_REPLY_STRING
        ? ngx_http_realtime_redis_word(first->str, first->len) : NULL;

    if (w == NULL) {
        return NGX_DECLINED;
    }

    if (w->push != NGX_HTTP_REALTIME_REDIS_MESSAGE) {
        return ngx_http_realtime_redis_confirmed(redis, reply, w);
    }

    if (redis->on->push) {
        redis->on->push(redis, reply);
    }

    return NGX_OK;
}


/* in a cluster subscriptions also end unasked */

static ngx_int_t
ngx_http_realtime_redis_confirmed(ngx_http_realtime_redis_t *redis,
    redisReply *reply, const ngx_http_realtime_redis_word_t *w)
{
    ngx_uint_t                       last = 0;
    ngx_connection_t                *c = redis->c;
    ngx_http_realtime_redis_slot_t  *slot;

    if (ngx_http_realtime_redis_busy(redis)) {

        slot = ngx_http_realtime_redis_slot_of(ngx_queue_head(&redis->slots));

        if (slot->push == w->push && slot->space == w->space) {

            if (slot->expect == 0) {
                slot->expect = ngx_max(redis->subscribed[w->space], 1);
            }

            last = --slot->expect == 0;
        }
    }

    ngx_http_realtime_redis_follow(redis, reply, w);

    redis->since = ngx_current_msec;

    if (redis->on->push) {
        redis->on->push(redis, reply);
    }

    if (redis->c != c) {
        return NGX_DONE;
    }

    return last ? ngx_http_realtime_redis_answer(redis, reply) : NGX_OK;
}


/*
 * Whether it was one more or one less is in the total: to have a channel twice
 * is to have it once.
 */

static void
ngx_http_realtime_redis_follow(ngx_http_realtime_redis_t *redis,
    redisReply *reply, const ngx_http_realtime_redis_word_t *w)
{
    long long    total;
    redisReply  *count = reply->element[2];
    ngx_uint_t  *own = &redis->subscribed[w->space];

    if (count->type != REDIS_REPLY_INTEGER) {
        return;
    }

    total = w->space == 2 ? redis->subscribed[2]
                          : redis->subscribed[0] + redis->subscribed[1];

    if (w->push == NGX_HTTP_REALTIME_REDIS_SUBSCRIBE) {
        *own += count->integer > total;

    } else if (count->integer < total && *own) {
        (*own)--;
    }
}
