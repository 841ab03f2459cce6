
/*
 * ngx_http_realtime_rows.h: what is to be written into the database, in the
 * order in which it happened, until it has been written.
 *
 * A zone of its own, NAME_rows, holds a ring (base/rt_ring) of facts.  Whoever
 * has something to tell appends it and goes on; one worker of the host, the
 * writer (store/), takes them from there and moves "done" behind what the
 * database has.  So nobody waits for the database, and what waits outlives the
 * worker that told it and the one that was about to write it.
 *
 * Unlike the log this ring never writes over what was not read: what does not
 * fit is dropped, and counted.
 */


#ifndef _NGX_HTTP_REALTIME_ROWS_H_INCLUDED_
#define _NGX_HTTP_REALTIME_ROWS_H_INCLUDED_


#include "shm/ngx_http_realtime_keep.h"

#include "base/rt_ring.h"


#define NGX_HTTP_REALTIME_ROWS_DEFAULT  (16 * 1024 * 1024)
#define NGX_HTTP_REALTIME_ROWS_MIN      (256 * 1024)
#define NGX_HTTP_REALTIME_ROWS_MAX      (1024 * 1024 * 1024)


/* what may be known of it; the strings of each stand behind it, in order */

typedef enum {
    NGX_HTTP_REALTIME_FACT_CONNECT = 1, /* id of the socket, namespace, user,
                                           address, device (JSON) */
    NGX_HTTP_REALTIME_FACT_ACTIVITY,    /* id */
    NGX_HTTP_REALTIME_FACT_DISCONNECT,  /* id, user; "number": the reason */
    NGX_HTTP_REALTIME_FACT_JOIN,        /* room, type, visibility, user */
    NGX_HTTP_REALTIME_FACT_LEAVE,       /* room, user */
    NGX_HTTP_REALTIME_FACT_PRESENCE,    /* user, status, custom status;
                                           "number": the latter is known */
    NGX_HTTP_REALTIME_FACT_TYPING,      /* room, user, thread; "number": until
                                           when, 0: no more */
    NGX_HTTP_REALTIME_FACT_EVENT,       /* type, user, room, data (JSON) */
    NGX_HTTP_REALTIME_FACT_HOST,        /* reason: whatever this host has open
                                           from before is not open any more */
    NGX_HTTP_REALTIME_FACTS
} ngx_http_realtime_fact_e;

#define NGX_HTTP_REALTIME_FACT_STRINGS  5


typedef struct {
    uint8_t   type;
    uint8_t   logged;                   /* an event is to be made of it, too */
    uint32_t  worker;                   /* process id */
    uint64_t  time;                     /* ms since the epoch */
    uint64_t  number;
    rt_str_t  s[NGX_HTTP_REALTIME_FACT_STRINGS];    /* "data" NULL: none */
    uint64_t  pos;                      /* read: where it stands */
} ngx_http_realtime_fact_t;


/* in the zone */

typedef struct {
    uint64_t          seed[2];          /* of the ids of its rows */
    uint64_t          started;          /* ms since the epoch */
    uint64_t          latest;           /* time of a fact; the same */
    _Atomic uint64_t  done;             /* all before this is written, or given
                                           up */
    _Atomic uint64_t  dropped;          /* facts that did not fit */
    _Atomic uint64_t  refused;          /* that the database did not take */
    _Atomic uint64_t  written;
    _Atomic uint32_t  connected;        /* whether the database is there */
    _Atomic uint32_t  failing;          /* it refuses what is written */
    _Atomic uint64_t  complained;       /* that it refuses to be read; ms */
    _Atomic uint32_t  read;             /* it has answered a question */
    _Atomic uint32_t  begun;            /* FACT_HOST was said at the start */

    /* the writer; pid 0: nobody */
    _Atomic uint32_t  pid;
    uint64_t          process;          /* its start time */
    _Atomic uint32_t  asleep;           /* it has read everything */
    _Atomic uint32_t  slot;             /* and is woken there */

    rt_ring_t        *ring;
} ngx_http_realtime_rows_shared_t;


typedef struct {
    ngx_http_realtime_rows_shared_t  *sh;
    ngx_slab_pool_t                  *pool;
    ngx_shm_zone_t                   *shm;
    ngx_http_realtime_keep_t         *keep;
    ngx_cycle_t                      *old;
} ngx_http_realtime_rows_t;


/*
 * While the configuration is read: asks for the zone NAME_rows, where "size"
 * bytes may wait, or as much as makes a power of two.  NULL after a logged
 * error.
 */
ngx_http_realtime_rows_t *ngx_http_realtime_rows_add(ngx_conf_t *cf,
    ngx_str_t *name, size_t size);

/*
 * Appends a fact; "worker" is set here, and "time" unless it is there.
 * Harmless without a zone ("rows" NULL).  The mutex of the state zone may be
 * held.
 */
void ngx_http_realtime_rows_put(ngx_http_realtime_rows_t *rows,
    ngx_http_realtime_fact_t *f);

/* the slot of a writer that sleeps though there is something, or -1 */
ngx_int_t ngx_http_realtime_rows_wakes(ngx_http_realtime_rows_t *rows);

/*
 * The fact at "*pos", and "*pos" behind it: NGX_OK with strings in "buf";
 * NGX_BUSY: "*len" bytes are needed; NGX_AGAIN: there is no more.
 */
ngx_int_t ngx_http_realtime_rows_read(ngx_http_realtime_rows_t *rows,
    uint64_t *pos, u_char *buf, size_t size, size_t *len,
    ngx_http_realtime_fact_t *f);

/* all before "pos" is written, or given up */
void ngx_http_realtime_rows_done(ngx_http_realtime_rows_t *rows, uint64_t pos);

/* bytes that wait */
uint64_t ngx_http_realtime_rows_waiting(ngx_http_realtime_rows_t *rows);

/*
 * Makes this process the writer, unless another one is that lives: NGX_OK (also
 * if it is already), or NGX_BUSY.  Asks the system, so not under a lock.
 */
ngx_int_t ngx_http_realtime_rows_claim(ngx_http_realtime_rows_t *rows,
    uint32_t slot);

/* whether its master has given this zone up for another one */
ngx_int_t ngx_http_realtime_rows_given_up(ngx_http_realtime_rows_t *rows);

/* it is not the writer any more */
void ngx_http_realtime_rows_release(ngx_http_realtime_rows_t *rows);

/*
 * The writer has read up to "pos" and wants to be woken: NGX_OK, or NGX_AGAIN:
 * something came meanwhile.
 */
ngx_int_t ngx_http_realtime_rows_sleep(ngx_http_realtime_rows_t *rows,
    uint64_t pos);


#endif /* _NGX_HTTP_REALTIME_ROWS_H_INCLUDED_ */
