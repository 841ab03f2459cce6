
/*
 * ngx_http_realtime_batch.h: facts (shm/~facts) become rows of tables, many of
 * them together.
 *
 * Rows of different tables may change places in a batch, and so may those of
 * one connection with those of another.  A membership that begins and ends in
 * a batch is one row.
 */


#ifndef _NGX_HTTP_REALTIME_BATCH_H_INCLUDED_
#define _NGX_HTTP_REALTIME_BATCH_H_INCLUDED_


#include "shm/ngx_http_realtime_reason.h"
#include "shm/ngx_http_realtime_facts.h"
#include "store/ngx_http_realtime_column.h"
#include "store/ngx_http_realtime_statements.h"


/* facts in a batch, at most; a power of two */
#define NGX_HTTP_REALTIME_BATCH_MAX    4096

/* bytes of them; one more may be longer */
#define NGX_HTTP_REALTIME_BATCH_BYTES  (1024 * 1024)


/* who has begun to be in a room, and where its end is to be written */

typedef struct {
    uint64_t                     hash;          /* of both; 0: free */
    size_t                       until;         /* in the column; 0: it has
                                                   ended */
} ngx_http_realtime_stay_t;


typedef struct {
    ngx_http_realtime_column_t   columns[NGX_HTTP_REALTIME_LANES]
                                        [NGX_HTTP_REALTIME_LANE_COLUMNS];
    ngx_http_realtime_stay_t     stays[NGX_HTTP_REALTIME_BATCH_MAX * 2];
    ngx_uint_t                   nstays;
    ngx_uint_t                   facts;
    size_t                       bytes;
    ngx_uint_t                   host;          /* it is a FACT_HOST alone */
    uint64_t                     seed[2];
    ngx_log_t                   *log;
} ngx_http_realtime_batch_t;


/* with the memory of its columns; it was allocated by itself */
void ngx_http_realtime_batch_free(ngx_http_realtime_batch_t *b);

/* empties it; "seed" is that of the rows */
void ngx_http_realtime_batch_reset(ngx_http_realtime_batch_t *b,
    const uint64_t *seed, ngx_log_t *log);

/* NGX_OK: it is in the batch; NGX_DONE: it is for the next one */
ngx_int_t ngx_http_realtime_batch_add(ngx_http_realtime_batch_t *b,
    const ngx_http_realtime_fact_t *f);

/* rows of a lane */
#define ngx_http_realtime_batch_rows(b, lane)  ((b)->columns[lane][0].n)

/*
 * The parameters of a statement for the rows of its lane, without the host;
 * NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_realtime_batch_values(ngx_http_realtime_batch_t *b,
    const ngx_http_realtime_statement_t *st, const char **values);


/* the ids of a lane that begins with them, as a parameter; NULL: no memory */
#define ngx_http_realtime_batch_ids(b, lane)                                  \
    ngx_http_realtime_column_value(&(b)->columns[lane][0], (b)->log)


#endif /* _NGX_HTTP_REALTIME_BATCH_H_INCLUDED_ */
