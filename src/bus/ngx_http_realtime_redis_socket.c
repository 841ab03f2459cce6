
#include "bus/ngx_http_realtime_redis_inner.h"


static void ngx_http_realtime_redis_connected(
    ngx_http_realtime_redis_t *redis);
static void ngx_http_realtime_redis_read(ngx_http_realtime_redis_t *redis);
static void ngx_http_realtime_redis_ended(ngx_http_realtime_redis_t *redis,
    ssize_t n);
static void ngx_http_realtime_redis_write(ngx_http_realtime_redis_t *redis);
static void ngx_http_realtime_redis_drain(ngx_http_realtime_redis_t *redis);


#define NGX_HTTP_REALTIME_REDIS_CHUNK  16384

/* others have their turn after that much */
#define NGX_HTTP_REALTIME_REDIS_TURN   (1024 * 1024)

/* a larger buffer is not kept when it is empty */
#define NGX_HTTP_REALTIME_REDIS_KEEP   65536


void
ngx_http_realtime_redis_event_handler(ngx_event_t *ev)
{
    ngx_connection_t           *c = ev->data;
    ngx_http_realtime_redis_t  *redis = c->data;

    if (redis->state == NGX_HTTP_REALTIME_REDIS_CONNECTING) {
        ngx_http_realtime_redis_connected(redis);

    } else if (ev->write) {
        ngx_http_realtime_redis_write(redis);

    } else {
        ngx_http_realtime_redis_read(redis);
    }
}


void
ngx_http_realtime_redis_turn_handler(ngx_event_t *ev)
{
    ngx_http_realtime_redis_t  *redis = ev->data;

    if (redis->broken) {
        ngx_http_realtime_redis_lost(redis, NULL);
        return;
    }

    ngx_http_realtime_redis_write(redis);
}


static void
ngx_http_realtime_redis_connected(ngx_http_realtime_redis_t *redis)
{
    int                              err = 0;
    socklen_t                        len = sizeof(int);
    ngx_connection_t                *c = redis->c;
    ngx_http_realtime_redis_addr_t  *addr = redis->addrs.elts;

    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, (void *) &err, &len) == -1) {
        err = ngx_socket_errno;
    }

    if (err) {
        ngx_log_error(NGX_LOG_ERR, c->log, err, "connect() to %V failed",
                      &addr[redis->at].text);
        ngx_http_realtime_redis_lost(redis, NULL);
        return;
    }

    if (redis->conf->url->tls) {
        ngx_http_realtime_redis_secure(redis);

    } else {
        ngx_http_realtime_redis_greet(redis);
    }
}


static void
ngx_http_realtime_redis_read(ngx_http_realtime_redis_t *redis)
{
    u_char             buf[NGX_HTTP_REALTIME_REDIS_CHUNK];
    size_t             total = 0;
    ssize_t            n;
    ngx_int_t          rc;
    ngx_connection_t  *c = redis->c;

    while (total < NGX_HTTP_REALTIME_REDIS_TURN) {

        n = c->recv(c, buf, sizeof(buf));

        if (n == NGX_AGAIN) {
            break;
        }

        if (n <= 0) {
            ngx_http_realtime_redis_ended(redis, n);
            return;
        }

        total += n;
        redis->heard = ngx_current_msec;

        rc = ngx_http_realtime_redis_feed(redis, buf, n);

        if (rc == NGX_DONE) {
            return;
        }

        if (rc != NGX_OK) {
            ngx_http_realtime_redis_lost(redis, NULL);
            return;
        }
    }

    if (total >= NGX_HTTP_REALTIME_REDIS_TURN) {
        ngx_post_event(c->read, &ngx_posted_next_events);

    } else if (ngx_handle_read_event(c->read, 0) != NGX_OK) {
        ngx_http_realtime_redis_lost(redis, "no events");
        return;
    }

    ngx_http_realtime_redis_drain(redis);
}


static void
ngx_http_realtime_redis_ended(ngx_http_realtime_redis_t *redis, ssize_t n)
{
    const char  *reason = NULL;

    if (redis->state == NGX_HTTP_REALTIME_REDIS_GREETING) {

        if (!redis->told) {
            reason = "the server closed the connection before it answered";
        }

    } else if (n == 0) {
        reason = "the server closed the connection";
    }

    ngx_http_realtime_redis_lost(redis, reason);
}


static void
ngx_http_realtime_redis_write(ngx_http_realtime_redis_t *redis)
{
    ssize_t            n;
    ngx_connection_t  *c = redis->c;

    if (redis->state != NGX_HTTP_REALTIME_REDIS_GREETING
        && redis->state != NGX_HTTP_REALTIME_REDIS_READY)
    {
        return;
    }

    while (redis->out_pos < redis->out_last && c->write->ready) {

        n = c->send(c, redis->out + redis->out_pos,
                    redis->out_last - redis->out_pos);

        if (n == NGX_AGAIN) {
            break;
        }

        if (n < 0) {

            /* answers may be there that came before the end */

            redis->broken = 1;
            redis->out_pos = redis->out_last;
            ngx_post_event(&redis->turn, &ngx_posted_events);
            ngx_http_realtime_redis_read(redis);
            return;
        }

        redis->out_pos += n;
    }

    if (redis->out_pos == redis->out_last) {
        redis->out_pos = 0;
        redis->out_last = 0;

        if (redis->out_size > NGX_HTTP_REALTIME_REDIS_KEEP) {
            ngx_free(redis->out);
            redis->out = NULL;
            redis->out_size = 0;
        }
    }

    if (ngx_handle_write_event(c->write, 0) != NGX_OK) {
        ngx_http_realtime_redis_lost(redis, "no events");
        return;
    }

    ngx_http_realtime_redis_drain(redis);
}


/* not before there is some room, so that it is worth it */

static void
ngx_http_realtime_redis_drain(ngx_http_realtime_redis_t *redis)
{
    if (!redis->full || !ngx_http_realtime_redis_ready(redis)
        || redis->out_last - redis->out_pos > redis->conf->output / 2
        || redis->n > redis->conf->commands / 2)
    {
        return;
    }

    redis->full = 0;

    if (redis->on->drain) {
        redis->on->drain(redis);
    }
}


void
ngx_http_realtime_redis_drop(ngx_http_realtime_redis_t *redis)
{
    ngx_pool_t        *pool;
    ngx_connection_t  *c = redis->c;

    if (redis->turn.posted) {
        ngx_delete_posted_event(&redis->turn);
    }

    redis->c = NULL;

    if (c) {

#if (NGX_SSL)

        if (c->ssl) {
            c->ssl->no_wait_shutdown = 1;
            c->ssl->no_send_shutdown =
                           redis->state != NGX_HTTP_REALTIME_REDIS_CLOSED;
            (void) ngx_ssl_shutdown(c);
        }

#endif

        pool = c->pool;
        ngx_close_connection(c);

        if (pool) {
            ngx_destroy_pool(pool);
        }
    }

    if (redis->reader) {
        redisReaderFree(redis->reader);
        redis->reader = NULL;
    }

    if (redis->out) {
        ngx_free(redis->out);
        redis->out = NULL;
    }

    redis->out_pos = 0;
    redis->out_last = 0;
    redis->out_size = 0;

    ngx_memzero(redis->subscribed, sizeof(redis->subscribed));

    redis->full = 0;
    redis->broken = 0;
    redis->told = 0;
}


u_char *
ngx_http_realtime_redis_room(ngx_http_realtime_redis_t *redis, size_t len)
{
    size_t   size, used = redis->out_last - redis->out_pos;
    u_char  *p;

    if (redis->out_size - redis->out_last >= len) {
        return redis->out + redis->out_last;
    }

    size = ngx_max(redis->out_size, 4096);

    while (size < 2 * (used + len)) {
        size *= 2;
    }

    p = size > redis->out_size ? ngx_alloc(size, redis->log) : redis->out;

    if (p == NULL) {
        return NULL;
    }

    if (used) {
        ngx_memmove(p, redis->out + redis->out_pos, used);
    }

    if (p != redis->out && redis->out) {
        ngx_free(redis->out);
    }

    redis->out = p;
    redis->out_pos = 0;
    redis->out_last = used;
    redis->out_size = size;

    return p + used;
}
