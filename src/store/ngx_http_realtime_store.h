
/*
 * ngx_http_realtime_store.h: one worker of the host writes into the database
 * what all of them have told (shm/~facts).
 *
 * One batch is under way at a time, as one transaction, and only when it is
 * committed its facts are done with.  So they are written in order and once,
 * whether the database, the connection or the writer itself dies meanwhile:
 * whoever goes on sends the batch again, and rows that are there already stay
 * as they are.
 *
 * Whoever writes hears what others change (~listener), too.
 */


#ifndef _NGX_HTTP_REALTIME_STORE_H_INCLUDED_
#define _NGX_HTTP_REALTIME_STORE_H_INCLUDED_


#include "store/ngx_http_realtime_batch.h"
#include "store/ngx_http_realtime_listener.h"
#include "store/ngx_http_realtime_reader.h"


/* statements of a batch, and what goes before them */
#define NGX_HTTP_REALTIME_STORE_QUERIES  20


struct ngx_http_realtime_store_conf_s {
    ngx_http_realtime_pg_url_t    url;
    ngx_http_realtime_pg_conf_t   pg;
    ngx_uint_t                    min;          /* not 0: workers are connected
                                                   for reading from the start */
    ngx_str_t                     host;         /* ends with a zero byte */
    size_t                        queue;        /* bytes that may wait */
};


typedef struct {
    ngx_http_realtime_store_conf_t  *conf;
    ngx_http_realtime_facts_t        *rows;
    ngx_http_realtime_zone_t        *zone;
    uint32_t                         slot;      /* where it is woken */
    ngx_log_t                       *log;

    ngx_http_realtime_pg_t           pg;
    ngx_http_realtime_listener_t     listener;
    ngx_http_realtime_pg_query_t     queries[NGX_HTTP_REALTIME_STORE_QUERIES];
    ngx_uint_t                       nqueries;
    ngx_uint_t                       pending;   /* of them */
    ngx_int_t                        result;    /* of the batch so far */
    ngx_http_realtime_batch_t       *batch;
    uint64_t                         end;       /* of the batch */
    ngx_uint_t                       most;      /* facts of the next one */
    ngx_uint_t                       step;      /* of a FACT_HOST: statements
                                                   that have nothing to do */
    ngx_uint_t                       portion;   /* of it: rows at most */
    ngx_uint_t                       closed;    /* of it: in this portion */
    u_char                          *buf;       /* a fact */
    size_t                           size;

    ngx_event_t                      soon;
    ngx_msec_t                       retry;     /* after an error; ms */
    uint64_t                         stuck;     /* end of what failed */
    char                             error[6];  /* SQLSTATE, as logged */
    time_t                           cleaned;
    time_t                           complained;
    time_t                           told;      /* which row was refused */
    uint64_t                         dropped;   /* as logged */
    uint64_t                         refused;

    unsigned                         writer:1;
    unsigned                         refusing:1;    /* it is about the data */
    unsigned                         parted:1;      /* farewell was said */
    unsigned                         more:1;        /* there is, behind it */
} ngx_http_realtime_store_t;


/*
 * Without rows in the zone there is no database, and nothing of this does
 * anything.  "log" and "slot" are the worker's.
 */
void ngx_http_realtime_store_start(ngx_http_realtime_store_t *st,
    ngx_http_realtime_store_conf_t *conf, ngx_http_realtime_zone_t *z,
    uint32_t slot, ngx_log_t *log);

/*
 * About once a second: becomes the writer if nobody is, writes what may have
 * been told without a word, cleans up.
 */
void ngx_http_realtime_store_watch(ngx_http_realtime_store_t *st);

/* it was woken: there may be something to write */
void ngx_http_realtime_store_poke(ngx_http_realtime_store_t *st);

/*
 * This worker has nothing more to tell; "last": and the host ends now, with
 * all that it has open.  Whether facts wait: nobody may go then, as the last
 * one has to write them.
 */
ngx_uint_t ngx_http_realtime_store_farewell(ngx_http_realtime_store_t *st,
    ngx_uint_t last);

/* the worker goes: somebody else may be the writer */
void ngx_http_realtime_store_stop(ngx_http_realtime_store_t *st);


#endif /* _NGX_HTTP_REALTIME_STORE_H_INCLUDED_ */
