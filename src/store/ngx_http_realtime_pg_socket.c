
#include "store/ngx_http_realtime_pg_inner.h"

#include <openssl/err.h>
#include <openssl/ssl.h>


static void ngx_http_realtime_pg_event_handler(ngx_event_t *ev);
static ngx_int_t ngx_http_realtime_pg_notified(ngx_http_realtime_pg_t *pg);
static ngx_uint_t ngx_http_realtime_pg_pending(ngx_http_realtime_pg_t *pg);


static void
ngx_http_realtime_pg_event_handler(ngx_event_t *ev)
{
    ngx_connection_t        *c = ev->data;
    ngx_http_realtime_pg_t  *pg = c->data;

    if (pg->state == NGX_HTTP_REALTIME_PG_CONNECTING) {
        ngx_http_realtime_pg_poll(pg);

    } else if (pg->state == NGX_HTTP_REALTIME_PG_READY) {
        ngx_http_realtime_pg_turn(pg);
    }
}


/*
 * Level-triggered: libpq reads as much as it likes at a time and does not say
 * whether there is more.
 */

ngx_int_t
ngx_http_realtime_pg_watch(ngx_http_realtime_pg_t *pg, ngx_uint_t write)
{
    int                fd = PQsocket(pg->conn);
    ngx_connection_t  *c;

    if (fd == -1) {
        return NGX_ERROR;
    }

    c = ngx_get_connection(fd, pg->log);
    if (c == NULL) {
        ngx_http_realtime_pg_say(pg, "worker_connections are not enough");
        return NGX_ERROR;
    }

    c->data = pg;
    c->read->handler = ngx_http_realtime_pg_event_handler;
    c->write->handler = ngx_http_realtime_pg_event_handler;
    c->read->log = pg->log;
    c->write->log = pg->log;

    /* not one of those that nginx misses when it ends */

    c->read->channel = 1;

    pg->c = c;

    if (write) {
        return ngx_http_realtime_pg_want_write(pg, 1);
    }

    return ngx_add_event(c->read, NGX_READ_EVENT, NGX_LEVEL_EVENT);
}


ngx_int_t
ngx_http_realtime_pg_want_write(ngx_http_realtime_pg_t *pg, ngx_uint_t want)
{
    ngx_event_t  *wev = pg->c->write;

    if (want && !wev->active) {
        return ngx_add_event(wev, NGX_WRITE_EVENT, NGX_LEVEL_EVENT);
    }

    if (!want && wev->active) {
        return ngx_del_event(wev, NGX_WRITE_EVENT, 0);
    }

    return NGX_OK;
}


/* the descriptor is libpq's, which may have closed it already */

void
ngx_http_realtime_pg_unwatch(ngx_http_realtime_pg_t *pg)
{
    ngx_uint_t         flags;
    ngx_connection_t  *c = pg->c;

    if (c == NULL) {
        return;
    }

    pg->c = NULL;

    ngx_http_realtime_pg_hush();

    flags = PQsocket(pg->conn) == c->fd ? 0 : NGX_CLOSE_EVENT;

    if (ngx_del_conn) {
        ngx_del_conn(c, flags);

    } else {

        if (c->read->active || c->read->disabled) {
            ngx_del_event(c->read, NGX_READ_EVENT, flags);
        }

        if (c->write->active || c->write->disabled) {
            ngx_del_event(c->write, NGX_WRITE_EVENT, flags);
        }
    }

    if (c->read->posted) {
        ngx_delete_posted_event(c->read);
    }

    if (c->write->posted) {
        ngx_delete_posted_event(c->write);
    }

    c->read->closed = 1;
    c->write->closed = 1;

    ngx_free_connection(c);

    c->fd = (ngx_socket_t) -1;
}


void
ngx_http_realtime_pg_hush(void)
{
    ERR_clear_error();
}


void
ngx_http_realtime_pg_turn(ngx_http_realtime_pg_t *pg)
{
    int        more;
    PGconn    *conn = pg->conn;
    ngx_int_t  rc;

    do {
        /* in this order: to write, libpq may have to read */

        more = PQflush(conn);

        if (more == 0) {
            pg->queued = 0;
        }

        if (pg->broken || more == -1 || !PQconsumeInput(conn)) {
            ngx_http_realtime_pg_lost(pg, NULL);
            return;
        }

        rc = ngx_http_realtime_pg_results(pg);

        if (rc == NGX_OK) {
            rc = ngx_http_realtime_pg_notified(pg);
        }

        if (rc == NGX_DONE) {
            return;
        }

        if (rc != NGX_OK) {
            ngx_http_realtime_pg_lost(pg, NULL);
            return;
        }

    } while (ngx_http_realtime_pg_pending(pg));

    if (ngx_http_realtime_pg_want_write(pg, more) != NGX_OK) {
        ngx_http_realtime_pg_lost(pg, "no events");
        return;
    }

    if (more == 0 && pg->full) {
        pg->full = 0;

        if (pg->on->drain) {
            pg->on->drain(pg);
        }
    }
}


static ngx_int_t
ngx_http_realtime_pg_notified(ngx_http_realtime_pg_t *pg)
{
    PGconn    *conn = pg->conn;
    PGnotify  *n;

    while ((n = PQnotifies(conn)) != NULL) {

        if (pg->on->notify) {
            pg->on->notify(pg, n->relname, n->extra);
        }

        PQfreemem(n);

        if (pg->conn != conn) {
            return NGX_DONE;
        }
    }

    return NGX_OK;
}


/* what TLS has decrypted is no event of the socket any more */

static ngx_uint_t
ngx_http_realtime_pg_pending(ngx_http_realtime_pg_t *pg)
{
    SSL  *ssl = PQsslStruct(pg->conn, "OpenSSL");

    return ssl && SSL_pending(ssl) > 0;
}
