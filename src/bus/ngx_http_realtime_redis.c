
#include "bus/ngx_http_realtime_redis_inner.h"


static void ngx_http_realtime_redis_ear(ngx_log_t *log, ngx_uint_t level,
    u_char *buf, size_t len);
static void ngx_http_realtime_redis_timer_handler(ngx_event_t *ev);
static void ngx_http_realtime_redis_check(ngx_http_realtime_redis_t *redis);
static ngx_msec_t ngx_http_realtime_redis_limit(
    ngx_http_realtime_redis_t *redis);
static void ngx_http_realtime_redis_reset(ngx_http_realtime_redis_t *redis);
static void ngx_http_realtime_redis_retry(ngx_http_realtime_redis_t *redis);
static void ngx_http_realtime_redis_log(ngx_http_realtime_redis_t *redis,
    ngx_uint_t was_ready);


#define NGX_HTTP_REALTIME_REDIS_RETRY_MIN  250
#define NGX_HTTP_REALTIME_REDIS_RETRY_MAX  30000
#define NGX_HTTP_REALTIME_REDIS_OUTPUT     (1024 * 1024)
#define NGX_HTTP_REALTIME_REDIS_INPUT      (64 * 1024 * 1024)
#define NGX_HTTP_REALTIME_REDIS_COMMANDS   65536

/* the same refusal is told again after, ms */
#define NGX_HTTP_REALTIME_REDIS_REPEAT     60000


/* what may follow what */

#define to(state)  (1u << NGX_HTTP_REALTIME_REDIS_##state)

static const ngx_uint_t  ngx_http_realtime_redis_next[] = {
    /* IDLE       */  to(RESOLVING)|to(CONNECTING)|to(WAITING)|to(CLOSED),
    /* RESOLVING  */  to(CONNECTING)|to(WAITING)|to(CLOSED),
    /* CONNECTING */  to(CONNECTING)|to(SECURING)|to(GREETING)|to(WAITING)
                      |to(CLOSED),
    /* SECURING   */  to(CONNECTING)|to(GREETING)|to(WAITING)|to(CLOSED),
    /* GREETING   */  to(CONNECTING)|to(READY)|to(WAITING)|to(CLOSED),
    /* READY      */  to(WAITING)|to(CLOSED),
    /* WAITING    */  to(RESOLVING)|to(CONNECTING)|to(WAITING)|to(CLOSED),
    /* CLOSED     */  0
};

#undef to


ngx_int_t
ngx_http_realtime_redis_move(ngx_http_realtime_redis_t *redis,
    ngx_http_realtime_redis_state_e to)
{
    if (!(ngx_http_realtime_redis_next[redis->state] & (1u << to))) {
        ngx_log_error(NGX_LOG_ALERT, redis->log, 0,
                      "realtime redis %V: no way from state %d to %d",
                      &redis->conf->url->text, (int) redis->state, (int) to);
        return NGX_ERROR;
    }

    ngx_log_debug3(NGX_LOG_DEBUG_HTTP, redis->log, 0,
                   "realtime redis %V: state %d to %d",
                   &redis->conf->url->text, (int) redis->state, (int) to);

    redis->state = to;

    return NGX_OK;
}


void
ngx_http_realtime_redis_init(ngx_http_realtime_redis_t *redis,
    ngx_http_realtime_redis_conf_t *conf,
    const ngx_http_realtime_redis_events_t *on, void *data, ngx_log_t *log)
{
    ngx_memzero(redis, sizeof(ngx_http_realtime_redis_t));

#define usual(field, value)                                                   \
    conf->field = conf->field ? conf->field : NGX_HTTP_REALTIME_REDIS_##value

    usual(retry_min, RETRY_MIN);
    usual(retry_max, RETRY_MAX);
    usual(output, OUTPUT);
    usual(input, INPUT);
    usual(commands, COMMANDS);

#undef usual

    redis->conf = conf;
    redis->on = on;
    redis->data = data;
    redis->log = log;

    redis->ear.log_level = ngx_max(log->log_level, NGX_LOG_INFO);
    redis->ear.writer = ngx_http_realtime_redis_ear;
    redis->ear.wdata = redis;

    redis->names.hosts = &conf->url->hosts;
    redis->names.resolver = conf->resolver;
    redis->names.timeout = conf->resolver_timeout;
    redis->names.handler = ngx_http_realtime_redis_connect;
    redis->names.data = redis;
    redis->names.log = log;

    ngx_queue_init(&redis->slots);

    redis->timer.handler = ngx_http_realtime_redis_timer_handler;
    redis->timer.data = redis;
    redis->timer.log = log;
    redis->timer.cancelable = 1;

    redis->turn.handler = ngx_http_realtime_redis_turn_handler;
    redis->turn.data = redis;
    redis->turn.log = log;
}


/*
 * What nginx would log of the connection, at each attempt, is kept as the
 * reason; alerts and debugging go where they belong.
 */

static void
ngx_http_realtime_redis_ear(ngx_log_t *log, ngx_uint_t level, u_char *buf,
    size_t len)
{
    u_char                     *p, *end = buf + len;
    ngx_http_realtime_redis_t  *redis = log->wdata;

    /* time, [level] pid#tid: text */

    p = ngx_strlchr(buf, end, '#');
    p = p ? ngx_strlchr(p, end, ' ') : NULL;
    p = p ? p + 1 : buf;

    while (end > p && end[-1] == '\n') {
        end--;
    }

    if (level > NGX_LOG_ALERT && level < NGX_LOG_DEBUG) {
        if (!redis->told) {
            ngx_http_realtime_redis_say(redis, p, end - p);
        }

        return;
    }

    if (redis->log->log_level >= level) {
        ngx_log_error_core(level, redis->log, 0, "%*s", (size_t) (end - p), p);
    }
}


void
ngx_http_realtime_redis_set_timer(ngx_http_realtime_redis_t *redis,
    ngx_msec_t delay)
{
    /* nginx would keep a timer that differs by less than 300 ms */

    if (redis->timer.timer_set) {
        ngx_del_timer(&redis->timer);
    }

    ngx_add_timer(&redis->timer, delay);
}


void
ngx_http_realtime_redis_open(ngx_http_realtime_redis_t *redis)
{
    /* by the timer: this may be before the event loop, or in redis_send() */

    if (redis->state == NGX_HTTP_REALTIME_REDIS_IDLE
        && !redis->timer.timer_set)
    {
        ngx_add_timer(&redis->timer, 0);
    }
}


static void
ngx_http_realtime_redis_timer_handler(ngx_event_t *ev)
{
    ngx_http_realtime_redis_t  *redis = ev->data;

    switch (redis->state) {

    case NGX_HTTP_REALTIME_REDIS_IDLE:
    case NGX_HTTP_REALTIME_REDIS_WAITING:
        ngx_http_realtime_redis_start(redis);
        return;

    case NGX_HTTP_REALTIME_REDIS_CONNECTING:
        ngx_http_realtime_redis_lost(redis, "no connection in time");
        return;

    case NGX_HTTP_REALTIME_REDIS_SECURING:
        ngx_http_realtime_redis_lost(redis, "no TLS in time");
        return;

    case NGX_HTTP_REALTIME_REDIS_GREETING:
        ngx_http_realtime_redis_lost(redis, "no greeting in time");
        return;

    case NGX_HTTP_REALTIME_REDIS_READY:
        ngx_http_realtime_redis_check(redis);
        return;

    default:
        return;
    }
}


/*
 * The timer is not set anew with each answer: it looks, when it fires, how
 * long it has been quiet.
 */

static void
ngx_http_realtime_redis_check(ngx_http_realtime_redis_t *redis)
{
    ngx_str_t   ping = ngx_string("PING");
    ngx_msec_t  limit, passed;

    if (ngx_http_realtime_redis_busy(redis)) {

        limit = ngx_http_realtime_redis_limit(redis);
        passed = ngx_current_msec - redis->since;

        if (limit && passed >= limit) {
            ngx_http_realtime_redis_lost(redis, "no answer in time");

        } else if (limit) {
            ngx_http_realtime_redis_set_timer(redis, limit - passed);
        }

        return;
    }

    passed = ngx_current_msec - redis->heard;

    if (redis->conf->ping == 0) {
        return;
    }

    if (passed < redis->conf->ping) {
        ngx_http_realtime_redis_set_timer(redis, redis->conf->ping - passed);
        return;
    }

    (void) ngx_http_realtime_redis_queue(redis, NULL,
               NGX_HTTP_REALTIME_REDIS_PING, 1, &ping);
}


/* how long the oldest command may take; 0: for ever */

static ngx_msec_t
ngx_http_realtime_redis_limit(ngx_http_realtime_redis_t *redis)
{
    ngx_queue_t  *q = ngx_queue_head(&redis->slots);

    if (redis->conf->command_timeout) {
        return redis->conf->command_timeout;
    }

    return ngx_http_realtime_redis_slot_of(q)->ours
           ? redis->conf->connect_timeout : 0;
}


void
ngx_http_realtime_redis_busier(ngx_http_realtime_redis_t *redis)
{
    ngx_msec_t      limit;
    ngx_msec_int_t  left;

    redis->since = ngx_current_msec;

    if (redis->state != NGX_HTTP_REALTIME_REDIS_READY) {
        return;
    }

    /* a worker that has been told to go waits for answers, not for idleness */

    redis->timer.cancelable = 0;

    limit = ngx_http_realtime_redis_limit(redis);

    if (limit == 0) {
        return;
    }

    if (redis->timer.timer_set) {
        left = (ngx_msec_int_t) (redis->timer.timer.key - ngx_current_msec);

        if (left <= (ngx_msec_int_t) limit) {
            return;
        }
    }

    ngx_http_realtime_redis_set_timer(redis, limit);
}


void
ngx_http_realtime_redis_idler(ngx_http_realtime_redis_t *redis)
{
    if (redis->state != NGX_HTTP_REALTIME_REDIS_READY) {
        return;
    }

    redis->timer.cancelable = 1;

    if (redis->conf->ping && !redis->timer.timer_set) {
        ngx_http_realtime_redis_set_timer(redis, redis->conf->ping);
    }
}


void
ngx_http_realtime_redis_greeted(ngx_http_realtime_redis_t *redis)
{
    ngx_uint_t  level;

    if (ngx_http_realtime_redis_move(redis, NGX_HTTP_REALTIME_REDIS_READY)
        != NGX_OK)
    {
        return;
    }

    if (redis->down) {
        level = redis->conf->quiet ? NGX_LOG_DEBUG : NGX_LOG_NOTICE;

        ngx_log_error(level, redis->log, 0, "realtime redis %V: connected",
                      &redis->conf->url->text);
    }

    redis->down = 0;
    redis->trouble = NGX_HTTP_REALTIME_REDIS_NO_TROUBLE;
    redis->refusal = NGX_HTTP_REALTIME_REDIS_NO_TROUBLE;
    redis->last.len = 0;
    redis->told = 0;

    if (redis->timer.timer_set) {
        ngx_del_timer(&redis->timer);
    }

    ngx_http_realtime_redis_idler(redis);

    if (redis->on->ready) {
        redis->on->ready(redis);
    }
}


void
ngx_http_realtime_redis_lost(ngx_http_realtime_redis_t *redis,
    const char *reason)
{
    ngx_uint_t  ready = redis->state == NGX_HTTP_REALTIME_REDIS_READY;

    if (reason) {
        ngx_http_realtime_redis_say(redis, (u_char *) reason,
                                    ngx_strlen(reason));

    } else if (redis->last.len == 0) {
        ngx_http_realtime_redis_say(redis, (u_char *) "no memory", 9);
    }

    if (!ready && redis->at + 1 < redis->addrs.nelts) {
        ngx_http_realtime_redis_drop(redis);
        ngx_http_realtime_redis_fail(redis);
        redis->at++;
        ngx_http_realtime_redis_connect_next(redis);
        return;
    }

    if (ngx_http_realtime_redis_move(redis, NGX_HTTP_REALTIME_REDIS_WAITING)
        != NGX_OK)
    {
        return;
    }

    ngx_http_realtime_redis_reset(redis);
    ngx_http_realtime_redis_retry(redis);
    ngx_http_realtime_redis_log(redis, ready);
    ngx_http_realtime_redis_fail(redis);

    if (redis->state == NGX_HTTP_REALTIME_REDIS_WAITING && redis->on->down) {
        redis->on->down(redis, &redis->last);
    }
}


/* nothing of a connection is left but what was under way */

static void
ngx_http_realtime_redis_reset(ngx_http_realtime_redis_t *redis)
{
    if (redis->timer.timer_set) {
        ngx_del_timer(&redis->timer);
    }

    redis->timer.cancelable = 1;

    ngx_http_realtime_names_done(&redis->names);
    ngx_http_realtime_redis_drop(redis);

    if (redis->pool) {
        ngx_destroy_pool(redis->pool);
        redis->pool = NULL;
    }

    redis->addrs.nelts = 0;
    redis->at = 0;
}


/* full jitter: many workers of many hosts do not come back at once */

static void
ngx_http_realtime_redis_retry(ngx_http_realtime_redis_t *redis)
{
    ngx_msec_t  delay = redis->conf->retry_min;
    ngx_uint_t  i;

    for (i = 0; i < redis->tries && delay < redis->conf->retry_max; i++) {
        delay *= 2;
    }

    delay = ngx_min(delay, redis->conf->retry_max);
    redis->tries++;

    ngx_add_timer(&redis->timer, 1 + (ngx_msec_t) ngx_random() % delay);
}


void
ngx_http_realtime_redis_close(ngx_http_realtime_redis_t *redis)
{
    if (redis->state == NGX_HTTP_REALTIME_REDIS_CLOSED
        || ngx_http_realtime_redis_move(redis, NGX_HTTP_REALTIME_REDIS_CLOSED)
           != NGX_OK)
    {
        return;
    }

    ngx_http_realtime_redis_reset(redis);
    ngx_http_realtime_redis_fail(redis);
}


void
ngx_http_realtime_redis_renew(ngx_http_realtime_redis_t *redis,
    const char *reason)
{
    if (redis->state == NGX_HTTP_REALTIME_REDIS_READY) {
        ngx_http_realtime_redis_lost(redis, reason);
    }
}


void
ngx_http_realtime_redis_say(ngx_http_realtime_redis_t *redis,
    const u_char *text, size_t len)
{
    size_t  i;

    len = ngx_min(len, sizeof(redis->said));

    for (i = 0; i < len; i++) {
        redis->said[i] = text[i] < 0x20 || text[i] == 0x7f ? ' ' : text[i];
    }

    redis->last.data = redis->said;
    redis->last.len = len;
}


/* when it changes: hours of the same trouble are one line */

static void
ngx_http_realtime_redis_log(ngx_http_realtime_redis_t *redis,
    ngx_uint_t was_ready)
{
    ngx_uint_t                          level;
    const char                         *remedy;
    ngx_http_realtime_redis_trouble_e   trouble;

    trouble = ngx_http_realtime_redis_trouble(&redis->last, &remedy);

    if (redis->down && trouble == redis->trouble) {
        return;
    }

    level = redis->conf->quiet ? NGX_LOG_DEBUG : NGX_LOG_ERR;

    ngx_log_error(level, redis->log, 0, "realtime redis %V: %s: %V%s%s",
                  &redis->conf->url->text,
                  was_ready ? "connection lost" : "no connection",
                  &redis->last, remedy ? "; " : "", remedy ? remedy : "");

    redis->down = 1;
    redis->trouble = trouble;
}


void
ngx_http_realtime_redis_refused(ngx_http_realtime_redis_t *redis,
    redisReply *reply)
{
    ngx_uint_t                        level;
    ngx_http_realtime_redis_error_t   e;

    ngx_http_realtime_redis_explain(reply, &e);

    if (!ngx_http_realtime_redis_general(e.trouble)
        || (e.trouble == redis->refusal
            && ngx_current_msec - redis->refused
               < NGX_HTTP_REALTIME_REDIS_REPEAT))
    {
        return;
    }

    redis->refusal = e.trouble;
    redis->refused = ngx_current_msec;

    ngx_http_realtime_redis_say(redis, e.message.data, e.message.len);

    level = redis->conf->quiet ? NGX_LOG_DEBUG : NGX_LOG_ERR;

    ngx_log_error(level, redis->log, 0,
                  "realtime redis %V: a command was refused: %V%s%s",
                  &redis->conf->url->text, &redis->last,
                  e.remedy ? "; " : "", e.remedy ? e.remedy : "");

    redis->last.len = 0;
}
