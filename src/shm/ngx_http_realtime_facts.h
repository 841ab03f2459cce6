
/*
 * ngx_http_realtime_facts.h: what others are to know, in the order in which it
 * happened, until they do.
 *
 * A zone of its own holds a ring (base/rt_ring) of facts: NAME_rows what is to
 * be written into the database, NAME_peers what the other hosts are to know by
 * Redis.  Whoever has something to tell appends it and goes on; one worker of
 * the host (store/, cluster/) takes it from there and moves "done" behind what
 * has arrived.  So nobody waits, and what waits outlives the worker that told
 * it and the one that was about to pass it on.
 *
 * Unlike the log this ring never writes over what was not read: what does not
 * fit is dropped, and counted.
 */


#ifndef _NGX_HTTP_REALTIME_FACTS_H_INCLUDED_
#define _NGX_HTTP_REALTIME_FACTS_H_INCLUDED_


#include "shm/ngx_http_realtime_keep.h"

#include "base/rt_limit.h"
#include "base/rt_ring.h"


#define NGX_HTTP_REALTIME_FACTS_DEFAULT  (16 * 1024 * 1024)
#define NGX_HTTP_REALTIME_FACTS_MIN      (256 * 1024)
#define NGX_HTTP_REALTIME_FACTS_MAX      (1024 * 1024 * 1024)


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

    /* the other hosts only; nobody else */

    NGX_HTTP_REALTIME_FACT_COUNT,       /* room: "number" anonymous sockets in
                                           it; type "1": one more, "0": less */
    NGX_HTTP_REALTIME_FACT_ASK,         /* room, and user: may it enter; a dm
                                           holds two.  It is in then */
    NGX_HTTP_REALTIME_FACT_UNASK,       /* room, user: it does not, after all */
    NGX_HTTP_REALTIME_FACT_QUERY,       /* user: how it is */
    NGX_HTTP_REALTIME_FACT_LIMIT,       /* who, where, and how much:
                                           ..._fact_limit_t */
    NGX_HTTP_REALTIME_FACTS
} ngx_http_realtime_fact_e;


/*
 * In the order of what stands above, but for those that only other hosts are
 * told: the namespace; the socket that said it, which is not told; a list of
 * rooms (bus/entry) that it concerns, or empty for all.
 */

#define NGX_HTTP_REALTIME_FACT_NSP      5
#define NGX_HTTP_REALTIME_FACT_SOCKET   6
#define NGX_HTTP_REALTIME_FACT_ROOMS    7
#define NGX_HTTP_REALTIME_FACT_STRINGS  8


/* events that were counted here (shm/limits) */

typedef struct {
    int64_t          events;            /* below 0: they do not count after
                                           all */
    rt_limit_conf_t  conf;              /* of those that do */
    uint32_t         kind;              /* ngx_http_realtime_limit_e */
} ngx_http_realtime_fact_limit_t;


typedef struct {
    uint8_t   type;
    uint8_t   logged;                   /* an event is to be made of it, too */
    uint32_t  worker;                   /* process id */
    uint64_t  time;                     /* ms since the epoch */
    uint64_t  number;
    uint32_t  slot;                     /* the worker that waits for what */
    uint32_t  generation;               /* becomes of it */
    uint64_t  handle;                   /* 0: nobody */
    rt_str_t  s[NGX_HTTP_REALTIME_FACT_STRINGS];    /* "data" NULL: none */
    uint64_t  pos;                      /* read: where it stands */
} ngx_http_realtime_fact_t;


/* in the zone: what the database's part of the module keeps there */

typedef struct {
    _Atomic uint64_t  refused;          /* that the database did not take */
    _Atomic uint64_t  written;
    _Atomic uint32_t  connected;        /* whether the database is there */
    _Atomic uint32_t  failing;          /* it refuses what is written */
    _Atomic uint64_t  complained;       /* that it refuses to be read; ms */
    _Atomic uint32_t  read;             /* it has answered a question */
} ngx_http_realtime_facts_rows_t;


/* and Redis's */

typedef struct {
    _Atomic uint32_t  incarnation;      /* of this host, from 1 on */
    _Atomic uint32_t  purge;            /* all before this one is purged */
    _Atomic uint32_t  synced;           /* all that is here is known there */
    _Atomic uint32_t  away;             /* Redis is: nobody waits for it */
    _Atomic uint64_t  counted;          /* position: limits before it are not
                                           counted once more */
} ngx_http_realtime_facts_peers_t;


typedef struct {
    uint64_t          seed[2];          /* random; of the ids of rows */
    uint64_t          started;          /* ms since the epoch */
    uint64_t          latest;           /* time of a fact; the same */
    _Atomic uint64_t  done;             /* all before this has arrived, or was
                                           given up */
    _Atomic uint64_t  dropped;          /* facts that did not fit */
    _Atomic uint32_t  begun;            /* it was said that nothing is left of
                                           earlier: FACT_HOST */

    union {
        ngx_http_realtime_facts_rows_t   rows;
        ngx_http_realtime_facts_peers_t  peers;
    };

    /* who passes them on; pid 0: nobody */
    _Atomic uint32_t  pid;
    uint64_t          process;          /* its start time */
    _Atomic uint32_t  asleep;           /* it has read everything */
    _Atomic uint32_t  slot;             /* and is woken there */

    rt_ring_t        *ring;
} ngx_http_realtime_facts_shared_t;


typedef struct {
    ngx_http_realtime_facts_shared_t  *sh;
    ngx_slab_pool_t                  *pool;
    ngx_shm_zone_t                   *shm;
    const char                       *remedy;   /* when it is too small */
    ngx_http_realtime_keep_t         *keep;
    ngx_cycle_t                      *old;
} ngx_http_realtime_facts_t;


/*
 * While the configuration is read: asks for the zone "name" + "suffix", where
 * "size" bytes may wait, or as much as makes a power of two.  "remedy": what
 * helps if it is too small, a constant.  NULL after a logged error.
 */
ngx_http_realtime_facts_t *ngx_http_realtime_facts_add(ngx_conf_t *cf,
    ngx_str_t *name, const char *suffix, size_t size, const char *remedy);

/*
 * Appends a fact; "worker" is set here, and "time" unless it is there.
 * Harmless without a zone ("facts" NULL).  The mutex of the state zone may be
 * held.
 */
void ngx_http_realtime_facts_put(ngx_http_realtime_facts_t *facts,
    ngx_http_realtime_fact_t *f);

/* the slot of a reader that sleeps though there is something, or -1 */
ngx_int_t ngx_http_realtime_facts_wakes(ngx_http_realtime_facts_t *facts);

/*
 * The fact at "*pos", and "*pos" behind it: NGX_OK with strings in "buf";
 * NGX_BUSY: "*len" bytes are needed; NGX_AGAIN: there is no more.
 */
ngx_int_t ngx_http_realtime_facts_read(ngx_http_realtime_facts_t *facts,
    uint64_t *pos, u_char *buf, size_t size, size_t *len,
    ngx_http_realtime_fact_t *f);

/* all before "pos" has arrived, or was given up */
void ngx_http_realtime_facts_done(ngx_http_realtime_facts_t *facts,
    uint64_t pos);

/* bytes that wait */
uint64_t ngx_http_realtime_facts_waiting(ngx_http_realtime_facts_t *facts);

/*
 * Makes this process the one that passes them on, unless another one is that
 * lives: NGX_OK (also
 * if it is already), or NGX_BUSY.  Asks the system, so not under a lock.
 */
ngx_int_t ngx_http_realtime_facts_claim(ngx_http_realtime_facts_t *facts,
    uint32_t slot);

/* whether its master has given this zone up for another one */
ngx_int_t ngx_http_realtime_facts_given_up(ngx_http_realtime_facts_t *facts);

/* it is not any more */
void ngx_http_realtime_facts_release(ngx_http_realtime_facts_t *facts);

/*
 * It has read up to "pos" and wants to be woken: NGX_OK, or NGX_AGAIN:
 * something came meanwhile.
 */
ngx_int_t ngx_http_realtime_facts_sleep(ngx_http_realtime_facts_t *facts,
    uint64_t pos);


#endif /* _NGX_HTTP_REALTIME_FACTS_H_INCLUDED_ */
