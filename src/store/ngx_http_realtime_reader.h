
/*
 * ngx_http_realtime_reader.h: asks the database, without anybody waiting for
 * it.
 *
 * Each worker has a connection of its own for this, made when it is asked for
 * the first time.  What is asked in one turn of the event loop, and while two
 * queries are under way, goes out together.  Answers about rooms are known to
 * all workers then (shm/~known).
 *
 * A database that is away is an outage, and what is asked ends soon: two
 * seconds after it was asked, or at once where it is known to be away.  One
 * that has never answered and says a definite no is none at all: a wrong
 * password or a missing table is to be put right by somebody, and the server
 * goes on without it.
 */


#ifndef _NGX_HTTP_REALTIME_READER_H_INCLUDED_
#define _NGX_HTTP_REALTIME_READER_H_INCLUDED_


#include "shm/ngx_http_realtime_known.h"


typedef struct ngx_http_realtime_reader_s      ngx_http_realtime_reader_t;
typedef struct ngx_http_realtime_ask_s         ngx_http_realtime_ask_t;

/* ~store has it */
typedef struct ngx_http_realtime_store_conf_s  ngx_http_realtime_store_conf_t;


typedef enum {
    NGX_HTTP_REALTIME_ASK_ROOM = 1,     /* the room, and where it is private,
                                           or with "member", the membership
                                           of the user */
    NGX_HTTP_REALTIME_ASK_USER          /* where the user is a member, and the
                                           custom status */
} ngx_http_realtime_ask_e;


/*
 * Embedded in what waits, zeroed at first.  The strings are the owner's, and
 * stay as they are until it is done or cancelled.  done() is called once:
 *
 *   NGX_OK     the answer is there
 *   NGX_ERROR  there is none: the database is away, or refuses, or takes long
 *   NGX_DONE   there is no such database
 */

struct ngx_http_realtime_ask_s {
    ngx_queue_t                  link;          /* the reader's */
    ngx_http_realtime_ask_e      kind;
    rt_str_t                     room;
    rt_str_t                     user;          /* empty: nobody */
    ngx_uint_t                   member;        /* of ASK_ROOM */
    void                       (*done)(ngx_http_realtime_ask_t *ask,
                                     ngx_int_t rc);

    /* the answer; strings are borrowed while done() runs */
    ngx_http_realtime_known_t    known;         /* of ASK_ROOM */
    ngx_uint_t                   overtaken;     /* it has changed meanwhile */
    rt_str_t                     rooms;         /* of ASK_USER: JSON array of
                                                   names, as joined, 1000 at
                                                   most */
    rt_str_t                     custom;        /* the same: JSON, or empty */

    /* the reader's */
    ngx_http_realtime_reader_t  *reader;        /* NULL: it does not wait */
    ngx_http_realtime_ask_t    **place;         /* in its query */
    ngx_msec_t                   since;
    ngx_int_t                    row;           /* of the result */
};


/*
 * For this worker; NULL where there is no database, or no memory.  "conf" and
 * "z" live as long as the reader.
 */
ngx_http_realtime_reader_t *ngx_http_realtime_reader_start(
    ngx_http_realtime_store_conf_t *conf, ngx_http_realtime_zone_t *z,
    ngx_log_t *log);

/* the worker goes: whatever waits ends with NGX_ERROR; frees.  May be NULL */
void ngx_http_realtime_reader_stop(ngx_http_realtime_reader_t *reader);

/*
 * NGX_OK: done() follows, never from within.  Else nothing follows:
 * NGX_DECLINED: the database is away, or too much is asked already.  NGX_DONE:
 * there is no such database; the same where "reader" is NULL.
 */
ngx_int_t ngx_http_realtime_reader_ask(ngx_http_realtime_reader_t *reader,
    ngx_http_realtime_ask_t *ask);

/* done() will not be called.  Harmless when it does not wait */
void ngx_http_realtime_reader_cancel(ngx_http_realtime_ask_t *ask);


#endif /* _NGX_HTTP_REALTIME_READER_H_INCLUDED_ */
