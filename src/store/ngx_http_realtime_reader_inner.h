
/*
 * ngx_http_realtime_reader_inner.h: between ~reader and ~reader_query, the two
 * halves of one part: who waits, and for how long; and what is asked.
 */


#ifndef _NGX_HTTP_REALTIME_READER_INNER_H_INCLUDED_
#define _NGX_HTTP_REALTIME_READER_INNER_H_INCLUDED_


#include "store/ngx_http_realtime_column.h"
#include "store/ngx_http_realtime_store.h"


/* queries under way at once, and what each of them asks at most */
#define NGX_HTTP_REALTIME_READER_BATCHES  2
#define NGX_HTTP_REALTIME_READER_BATCH    256

/* a query without an answer for so long: nothing more is asked, ms */
#define NGX_HTTP_REALTIME_READER_STALLED   1000

#define NGX_HTTP_REALTIME_READER_KINDS     (NGX_HTTP_REALTIME_ASK_USER + 1)


/* one query */

typedef struct {
    ngx_http_realtime_reader_t   *reader;
    ngx_http_realtime_pg_query_t  query;
    ngx_http_realtime_ask_e       kind;
    ngx_queue_t                   asks;         /* in the order of asking */
    ngx_http_realtime_ask_t      *at[NGX_HTTP_REALTIME_READER_BATCH];
    ngx_http_realtime_column_t    columns[3];
    ngx_msec_t                    sent;
    uint64_t                      mark;         /* shm/~known */
    ngx_uint_t                    busy;
} ngx_http_realtime_reader_batch_t;


struct ngx_http_realtime_reader_s {
    ngx_http_realtime_zone_t         *zone;
    ngx_log_t                        *log;
    ngx_http_realtime_pg_t            pg;
    ngx_http_realtime_pg_conf_t       conf;
    ngx_queue_t                       waiting[NGX_HTTP_REALTIME_READER_KINDS];
    ngx_uint_t                        n;        /* of all that wait */
    ngx_http_realtime_reader_batch_t  batches[
                                          NGX_HTTP_REALTIME_READER_BATCHES];
    ngx_event_t                       turn;     /* posted: to be sent */
    ngx_event_t                       expire;
    time_t                            refused;  /* for the first time */

    unsigned                          ready:1;
    unsigned                          hung:1;       /* before it was lost */
    unsigned                          down:1;       /* and an attempt has
                                                       failed */
    unsigned                          definite:1;   /* by a definite no */
    unsigned                          stopped:1;
};


/* sends what waits, as far as it can be sent now */
void ngx_http_realtime_reader_flush(ngx_http_realtime_reader_t *reader);

/* all of them are done */
void ngx_http_realtime_reader_end(ngx_queue_t *asks, ngx_int_t rc);

/*
 * What there is without an answer: NGX_DONE, no such database, where there has
 * never been one and it is a definite no; else NGX_ERROR.
 */
ngx_int_t ngx_http_realtime_reader_none(ngx_http_realtime_reader_t *reader,
    ngx_uint_t definite);


#endif /* _NGX_HTTP_REALTIME_READER_INNER_H_INCLUDED_ */
