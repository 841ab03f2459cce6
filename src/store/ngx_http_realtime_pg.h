
/*
 * ngx_http_realtime_pg.h: one connection to PostgreSQL, on nginx's events.
 *
 * libpq in pipeline mode: several queries are under way at once, and nothing
 * ever waits for the network, for a name or for a lock.  It knows no SQL of
 * ours and presumes nothing of a session: PgBouncer may give each transaction
 * another server.
 *
 * Queries are sent in segments.  A segment is one transaction; what became of
 * its queries is told when the transaction has ended, so NGX_OK means that it
 * is committed.
 */


#ifndef _NGX_HTTP_REALTIME_PG_H_INCLUDED_
#define _NGX_HTTP_REALTIME_PG_H_INCLUDED_


#include "net/ngx_http_realtime_names.h"
#include "store/ngx_http_realtime_pg_error.h"
#include "store/ngx_http_realtime_pg_url.h"

#include <libpq-fe.h>


#define NGX_HTTP_REALTIME_PG_PARAMS  16


typedef struct ngx_http_realtime_pg_s        ngx_http_realtime_pg_t;
typedef struct ngx_http_realtime_pg_query_s  ngx_http_realtime_pg_query_t;
typedef struct ngx_http_realtime_pg_slot_s   ngx_http_realtime_pg_slot_t;


typedef enum {
    NGX_HTTP_REALTIME_PG_IDLE = 0,      /* unused so far, or for long */
    NGX_HTTP_REALTIME_PG_RESOLVING,
    NGX_HTTP_REALTIME_PG_CONNECTING,
    NGX_HTTP_REALTIME_PG_READY,
    NGX_HTTP_REALTIME_PG_WAITING,       /* to try again */
    NGX_HTTP_REALTIME_PG_CLOSED         /* for good */
} ngx_http_realtime_pg_state_e;


/*
 * What became of a query, exactly once and in order, never from within
 * ..._pg_send() and ..._pg_sync().  "res" is freed behind it.
 *
 *   NGX_OK        it is committed
 *   NGX_DECLINED  the server refused it: see ..._pg_explain(res)
 *   NGX_ABORT     undone or not executed: another one of its segment failed
 *   NGX_ERROR     the connection was lost, it may be committed or not
 *
 * "res" is NULL in the latter two.
 */
typedef void (*ngx_http_realtime_pg_done_pt)(ngx_http_realtime_pg_query_t *q,
    PGresult *res, ngx_int_t rc);


/*
 * Embedded in what waits, and its owner's until it is sent; "link" is for the
 * owner's queue.  SQL and parameters may go when ..._pg_send() is back, the
 * query itself when it is done or forgotten.
 */

struct ngx_http_realtime_pg_query_s {
    ngx_queue_t                    link;
    const char                    *sql;         /* one statement */
    ngx_uint_t                     n;           /* parameters */
    const char                    *values[NGX_HTTP_REALTIME_PG_PARAMS];
    int                            lengths[NGX_HTTP_REALTIME_PG_PARAMS];
    int                            formats[NGX_HTTP_REALTIME_PG_PARAMS];
    Oid                            types[NGX_HTTP_REALTIME_PG_PARAMS];

    ngx_http_realtime_pg_done_pt   done;
    void                          *data;

    ngx_http_realtime_pg_slot_t   *slot;        /* NULL: it is not under way */
};

/*
 * values: NULL is SQL's NULL; text ends with a zero byte.  lengths: of binary
 * values.  formats: 0 text, 1 binary.  types: 0 lets the server decide.
 */


/* any may be NULL */

typedef struct {
    void  (*ready)(ngx_http_realtime_pg_t *pg);

    /* lost, or an attempt that failed; it tries again by itself */
    void  (*down)(ngx_http_realtime_pg_t *pg, ngx_str_t *reason);

    /* after ..._pg_send() has said NGX_AGAIN for too much output */
    void  (*drain)(ngx_http_realtime_pg_t *pg);

    void  (*notify)(ngx_http_realtime_pg_t *pg, const char *channel,
                    const char *payload);
} ngx_http_realtime_pg_events_t;


/* times in ms */

typedef struct {
    ngx_http_realtime_pg_url_t  *url;
    ngx_resolver_t              *resolver;      /* of http{}, or NULL */
    ngx_msec_t                   resolver_timeout;
    ngx_msec_t                   connect_timeout;
    ngx_msec_t                   statement_timeout;     /* 0: none */
    ngx_msec_t                   idle;          /* 0: stays connected */
    ngx_msec_t                   retry_min;     /* 0: 250 */
    ngx_msec_t                   retry_max;     /* 0: 30000 */
    size_t                       output;        /* 0: 1 MB */
    ngx_flag_t                   quiet;         /* another one says in the log
                                                   what is wrong */
} ngx_http_realtime_pg_conf_t;


struct ngx_http_realtime_pg_s {
    ngx_http_realtime_pg_state_e          state;
    ngx_http_realtime_pg_conf_t          *conf;
    const ngx_http_realtime_pg_events_t  *on;
    void                                 *data;         /* the owner's */
    ngx_log_t                            *log;

    PGconn                               *conn;
    ngx_connection_t                     *c;    /* its socket in our events */
    ngx_http_realtime_names_t             names;
    ngx_event_t                           timer;
    ngx_event_t                           turn; /* posted: see to it soon */

    ngx_queue_t                           slots;        /* under way */
    ngx_queue_t                          *next; /* whose result comes next */
    ngx_http_realtime_pg_slot_t          *spare;
    size_t                                queued;       /* bytes, at most */
    char                                  timeout[NGX_INT64_LEN + 1];

    ngx_uint_t                            tries;
    ngx_http_realtime_pg_trouble_e        trouble;      /* as logged */
    ngx_str_t                             last; /* what the server said last */
    u_char                                said[512];

    unsigned                              segment:1;    /* lacks its end */
    unsigned                              failed:1;     /* the one read now */
    unsigned                              full:1;
    unsigned                              down:1;       /* as logged */
    unsigned                              broken:1;     /* found in a call */
};


/* "on", "conf" and what "data" points to live as long as "pg" */
void ngx_http_realtime_pg_init(ngx_http_realtime_pg_t *pg,
    ngx_http_realtime_pg_conf_t *conf, const ngx_http_realtime_pg_events_t *on,
    void *data, ngx_log_t *log);

/* connects soon, and again and again until it is closed */
void ngx_http_realtime_pg_open(ngx_http_realtime_pg_t *pg);

/*
 * Closes at once and for good: what is under way ends with NGX_ERROR, in this
 * call.  Harmless when it is closed.
 */
void ngx_http_realtime_pg_close(ngx_http_realtime_pg_t *pg);

/*
 * Puts a query into the current segment.  NGX_AGAIN: it was not taken, as
 * there is no connection (one is made; ready() follows) or too much output
 * waits (drain() follows; only before a segment).  NGX_ERROR: not taken, and
 * the connection will be given up; down() follows.
 */
ngx_int_t ngx_http_realtime_pg_send(ngx_http_realtime_pg_t *pg,
    ngx_http_realtime_pg_query_t *q);

/* ends the segment, in the same turn of the event loop in which it began */
void ngx_http_realtime_pg_sync(ngx_http_realtime_pg_t *pg);

/* its owner goes: done() will not be called.  Harmless when not under way */
void ngx_http_realtime_pg_forget(ngx_http_realtime_pg_query_t *q);

#define ngx_http_realtime_pg_ready(pg)                                        \
    ((pg)->state == NGX_HTTP_REALTIME_PG_READY && !(pg)->broken)

/* whether a segment can be begun now */
#define ngx_http_realtime_pg_writable(pg)                                     \
    (ngx_http_realtime_pg_ready(pg) && (pg)->queued < (pg)->conf->output)

/* whether anything is under way */
#define ngx_http_realtime_pg_busy(pg)  (!ngx_queue_empty(&(pg)->slots))


#endif /* _NGX_HTTP_REALTIME_PG_H_INCLUDED_ */
