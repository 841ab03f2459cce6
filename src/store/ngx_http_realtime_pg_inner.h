
/*
 * ngx_http_realtime_pg_inner.h: between the files of one connection to
 * PostgreSQL; nobody else's business.
 */


#ifndef _NGX_HTTP_REALTIME_PG_INNER_H_INCLUDED_
#define _NGX_HTTP_REALTIME_PG_INNER_H_INCLUDED_


#include "store/ngx_http_realtime_pg.h"


struct ngx_http_realtime_pg_slot_s {
    ngx_queue_t                    link;
    ngx_http_realtime_pg_slot_t   *next;        /* spare ones */
    ngx_http_realtime_pg_query_t  *query;       /* NULL: ours, or forgotten */
    PGresult                      *res;
    ngx_uint_t                     last;        /* of its segment */
};

/*
 * Names are resolved, as far as they can be; "addrs" may be NULL.  "data" is
 * the connection.
 */
void ngx_http_realtime_pg_connect(void *data, ngx_array_t *addrs);

/* the next step of connecting */
void ngx_http_realtime_pg_poll(ngx_http_realtime_pg_t *pg);

/* "reason" NULL: what libpq says */
void ngx_http_realtime_pg_lost(ngx_http_realtime_pg_t *pg, const char *reason);

/* reads, writes, and hands out results */
void ngx_http_realtime_pg_turn(ngx_http_realtime_pg_t *pg);

/* hands out what has come whole; nothing is read */
ngx_int_t ngx_http_realtime_pg_results(ngx_http_realtime_pg_t *pg);

/* all that is under way ends with NGX_ERROR */
void ngx_http_realtime_pg_fail(ngx_http_realtime_pg_t *pg);

/* keeps the reason when the server ends the connection with it */
void ngx_http_realtime_pg_said(ngx_http_realtime_pg_t *pg,
    const PGresult *res);

/* sets the timer that fits the state of READY */
void ngx_http_realtime_pg_timer(ngx_http_realtime_pg_t *pg);

/* the only one to write the state */
ngx_int_t ngx_http_realtime_pg_move(ngx_http_realtime_pg_t *pg,
    ngx_http_realtime_pg_state_e to);

/* a new attempt: names, then the connection */
void ngx_http_realtime_pg_start(ngx_http_realtime_pg_t *pg);

void ngx_http_realtime_pg_set_timer(ngx_http_realtime_pg_t *pg,
    ngx_msec_t delay);

/* libpq's socket in our events, for writing or for reading */
ngx_int_t ngx_http_realtime_pg_watch(ngx_http_realtime_pg_t *pg,
    ngx_uint_t write);

/* besides reading */
ngx_int_t ngx_http_realtime_pg_want_write(ngx_http_realtime_pg_t *pg,
    ngx_uint_t want);

/* before libpq may close it; harmless when it is not watched */
void ngx_http_realtime_pg_unwatch(ngx_http_realtime_pg_t *pg);

/* errors of OpenSSL that libpq leaves would alarm nginx, who looks there too */
void ngx_http_realtime_pg_hush(void);

/* "text" is the reason, should the connection end; on one line */
void ngx_http_realtime_pg_say(ngx_http_realtime_pg_t *pg, const char *text);


#endif /* _NGX_HTTP_REALTIME_PG_INNER_H_INCLUDED_ */
