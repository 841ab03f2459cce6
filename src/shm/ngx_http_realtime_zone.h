
/*
 * ngx_http_realtime_zone.h: the memory that all workers share.
 *
 * Two shared memory zones, because nginx's master frees exactly one mutex per
 * zone when a worker dies holding it:
 *
 *     NAME        who is there: worker slots, and an arena of records
 *                 (sessions, sockets, rooms, users, ...); its own mutex
 *     NAME_log    the log of deliveries, a ring; its own mutex, taken by
 *                 writers only
 *
 * A third one, NAME_rows (~facts), is there when there is a database, and a
 * fourth one, NAME_peers, where other hosts are.
 *
 * All outlive a reload and, where ~keep can, a binary upgrade.
 *
 * Who holds the state mutex may take that of the log as well, never the other
 * way round: so what is announced stands in the log in the order in which it
 * happened.  Under either: no system call but a futex, no logging, no
 * allocation.
 */


#ifndef _NGX_HTTP_REALTIME_ZONE_H_INCLUDED_
#define _NGX_HTTP_REALTIME_ZONE_H_INCLUDED_


#include "shm/ngx_http_realtime_facts.h"

#include "auth/rt_pid.h"
#include "base/rt_arena.h"
#include "base/rt_hash.h"
#include "base/rt_ring.h"


/* what the arena counts in, bytes */
#define NGX_HTTP_REALTIME_PAGE           4096

#define NGX_HTTP_REALTIME_ZONE_DEFAULT   (64 * 1024 * 1024)
#define NGX_HTTP_REALTIME_ZONE_MIN       (1024 * 1024)

/* worker processes, old and new generations together */
#define NGX_HTTP_REALTIME_SLOTS          256


/* figures that one worker adds up; docs/architecture.md has their meaning */

typedef enum {
    NGX_HTTP_REALTIME_N_OPENED = 0,     /* sessions opened */
    NGX_HTTP_REALTIME_N_CLOSED,         /* sessions closed */
    NGX_HTTP_REALTIME_N_UPGRADED,       /* sessions moved to WebSocket */
    NGX_HTTP_REALTIME_N_REFUSED,        /* handshakes refused */
    NGX_HTTP_REALTIME_N_PACKETS_IN,     /* Engine.IO packets from clients */
    NGX_HTTP_REALTIME_N_PACKETS_OUT,    /* Engine.IO packets to clients */
    NGX_HTTP_REALTIME_N_BROADCASTS,     /* deliveries appended to the log */
    NGX_HTTP_REALTIME_N_SLOW,           /* clients closed: not reading */
    NGX_HTTP_REALTIME_N_LAGGED,         /* times this worker was overtaken */
    NGX_HTTP_REALTIME_N_ERRORS,         /* error events sent */
    NGX_HTTP_REALTIME_N_LATENCIES,      /* round trips that clients told */
    NGX_HTTP_REALTIME_N_LATENCY_MS,     /* their sum */
    NGX_HTTP_REALTIME_N_RECOVERED,      /* sockets that came back */
    NGX_HTTP_REALTIME_N_NOT_RECOVERED,  /* that would have, but had to begin
                                           anew */
    NGX_HTTP_REALTIME_N_COUNTERS
} ngx_http_realtime_counter_e;


/*
 * One for each worker process.  A slot is taken and given back under the
 * state mutex; "pid" 0 is free.  "generation" grows with each taking, so that
 * (slot, generation) names one process for ever.  "cursor", "asleep" and the
 * counters are written by the process itself, "asleep" also by whoever wakes
 * it.
 */

typedef struct {
    _Alignas(64) _Atomic uint32_t   pid;
    uint32_t                        generation;
    uint64_t                        started;    /* of the process: proc(5) */
    _Atomic uint32_t                asleep;     /* wants to be kicked */
    _Atomic uint32_t                leaving;    /* was told to go */
    _Atomic uint64_t                cursor;     /* position in the log */
    _Atomic uint64_t                saved;      /* what its sockets were given
                                                   before this is in their
                                                   records */
    uint32_t                        sessions;   /* owned; state mutex */
    uint64_t                        counters[NGX_HTTP_REALTIME_N_COUNTERS];
} ngx_http_realtime_slot_t;


/* the name of one worker process */

typedef struct {
    uint32_t  slot;
    uint32_t  generation;
} ngx_http_realtime_wid_t;


/* a doubly linked list of records, and what each of them has of it */

typedef struct {
    rt_ref_t  first;
    rt_ref_t  last;
} ngx_http_realtime_chain_t;

typedef struct {
    rt_ref_t  next;
    rt_ref_t  prev;
} ngx_http_realtime_hook_t;


/* where a user stands; each but NONE is a chain at the root */

typedef enum {
    NGX_HTTP_REALTIME_CHAIN_NONE = 0,
    NGX_HTTP_REALTIME_CHAIN_NEWS,       /* the others are to be told */
    NGX_HTTP_REALTIME_CHAIN_LATER,      /* to be told that it has gone, unless
                                           it comes back in time; by due */
    NGX_HTTP_REALTIME_CHAIN_IDLE,       /* not connected, remembered */
    NGX_HTTP_REALTIME_CHAINS
} ngx_http_realtime_chain_e;


/* sessions that are away lie in chains by the second in which they are due */
#define NGX_HTTP_REALTIME_AWAY_SECONDS  256


/* places where it is noted what has changed: shm/known */
#define NGX_HTTP_REALTIME_KNOWN_STAMPS  1024


/* places where it is noted which rooms others want sockets to enter, and up to
   where in the log they say so */
#define NGX_HTTP_REALTIME_ENTERED_STAMPS  1024


/* what is limited */

typedef enum {
    NGX_HTTP_REALTIME_LIMIT_MESSAGES = 0,   /* of a user */
    NGX_HTTP_REALTIME_LIMIT_ROOM,           /* of a user in a room */
    NGX_HTTP_REALTIME_LIMIT_CONNECTIONS,    /* of an address */
    NGX_HTTP_REALTIME_LIMIT_EVENTS,         /* of a user, of every kind */
    NGX_HTTP_REALTIME_LIMITS
} ngx_http_realtime_limit_e;


/* characters of what a host is called among others */
#define NGX_HTTP_REALTIME_UID_LEN   6

/* other hosts that are remembered */
#define NGX_HTTP_REALTIME_PEERS     64
#define NGX_HTTP_REALTIME_PEER_LEN  16

/* broadcasts of a host that may come twice, or in another order */
#define NGX_HTTP_REALTIME_PEER_WINDOW  4096


/* which of another host's broadcasts have been taken: cluster/seen */

typedef struct {
    uint64_t          seq;              /* the highest number; 0: none yet */
    uint64_t          first;            /* that came: earlier ones are not
                                           missed */
    uint64_t          heard;            /* when the last one came; ms */
    uint64_t          taken[NGX_HTTP_REALTIME_PEER_WINDOW / 64];
                                        /* a bit for each up to "seq" */
    uint8_t           len;              /* 0: nobody */
    u_char            uid[NGX_HTTP_REALTIME_PEER_LEN];
} ngx_http_realtime_peer_t;


/*
 * What this host and others have of each other.  One worker, the holder of the
 * lease (~lease), speaks to them; what others wrote lies in the log, and what
 * they are to be told is there, too.  Its figures and the peers are the
 * holder's to write.
 */

typedef struct {
    u_char                    uid[NGX_HTTP_REALTIME_UID_LEN];
    _Atomic uint32_t          begun;    /* "published" means something */
    _Atomic uint32_t          connected;
    _Atomic uint32_t          away;     /* Redis was lost, and others have to
                                           come back, too */
    _Atomic uint64_t          nodes;    /* that listened before */
    _Atomic uint64_t          holder;   /* ~lease; 0: nobody */
    _Atomic uint64_t          heir;     /* gets it when the holder gives it */
    _Atomic uint64_t          said;     /* broadcasts for others in the log;
                                           mutex of the log */
    _Atomic uint64_t          published;    /* all before this position of the
                                               log is with them, or lost */
    _Atomic uint64_t          seq;      /* the last of those that were said,
                                           and are */
    _Atomic uint64_t          sent;     /* broadcasts */
    _Atomic uint64_t          received;
    _Atomic uint64_t          lost;     /* that were said and are not sent */
    _Atomic uint64_t          missed;   /* that others said, and are not here */
    _Atomic uint64_t          refused;  /* what cannot be understood, or be
                                           sent */
    _Atomic uint64_t          requests; /* of others */
    ngx_http_realtime_peer_t  peer[NGX_HTTP_REALTIME_PEERS];
} ngx_http_realtime_cluster_t;


/*
 * The root of the state zone.  "dirty" is set while the mutex is held: who
 * finds it set after locking knows that the last holder died inside, and
 * rebuilds lists and tables from the records (ngx_http_realtime_records.h).
 */

typedef struct {
    uint32_t                  layout;
    _Atomic uint32_t          dirty;
    uint32_t                  slots_used;       /* highest slot ever, plus 1 */
    uint32_t                  buckets;          /* a power of two */
    rt_hash_key_t             key;
    rt_pid_key_t              pid_key;
    uint64_t                  sessions;         /* not those that are away */
    uint64_t                  sockets;          /* the same */
    uint64_t                  away;             /* sessions */
    _Atomic uint32_t          pressed;          /* some of them are to be given
                                                   up: memory was short */
    uint32_t                  away_due;         /* all before this second of
                                                   the zone's are over */
    uint64_t                  rooms;
    uint64_t                  memberships;
    uint64_t                  users;            /* that are connected */
    uint64_t                  idle;             /* users in IDLE */
    uint64_t                  typists;
    uint64_t                  limits;
    uint64_t                  limited[NGX_HTTP_REALTIME_LIMITS];
    uint64_t                  known;            /* facts of the database */
    uint64_t                  repairs;
    _Atomic uint32_t          owing;            /* after a repair: somebody
                                                   may not have been told */
    _Atomic uint32_t          waiting;          /* users in NEWS and LATER */
    _Atomic uint64_t          typing_due;       /* of the first typist; ms */
    int64_t                   budget;           /* for news (hub/presence) */
    uint64_t                  budget_since;
    uint64_t                  compared;         /* ms; hub/reconcile */
    uint64_t                  known_seq;        /* changes, and beginnings of
                                                   hearing them, so far */
    uint64_t                  known_all;        /* that concerned everything */
    uint64_t                  known_from;       /* changes are heard of since,
                                                   if they still are: */
    uint64_t                  known_heard;      /* when that was said; ms */
    uint64_t                  known_stamp[NGX_HTTP_REALTIME_KNOWN_STAMPS];
    uint64_t                  started;          /* ms since the epoch */
    rt_arena_t               *arena;
    rt_ref_t                 *session_table;
    rt_ref_t                 *room_table;
    rt_ref_t                 *keyed_table;
    ngx_http_realtime_chain_t  chain[NGX_HTTP_REALTIME_CHAINS];
    ngx_http_realtime_chain_t  typing;          /* by due */
    ngx_http_realtime_chain_t  away_chain[NGX_HTTP_REALTIME_AWAY_SECONDS];
    ngx_http_realtime_chain_t  limit[NGX_HTTP_REALTIME_LIMITS];
    ngx_http_realtime_chain_t  known_chain;     /* by use */
    ngx_http_realtime_cluster_t  cluster;
    _Atomic uint64_t          entered[NGX_HTTP_REALTIME_ENTERED_STAMPS];
                                                /* hub/command */
    ngx_http_realtime_slot_t  slot[NGX_HTTP_REALTIME_SLOTS];
} ngx_http_realtime_shared_t;


/* what was said last, and when: zone_full() */

typedef struct {
    const char  *what;
    time_t       when;
} ngx_http_realtime_complaint_t;


/* what a process knows of the zones; filled when they are made or inherited */

typedef struct {
    ngx_http_realtime_shared_t  *sh;
    ngx_slab_pool_t             *pool;
    ngx_slab_pool_t             *log_pool;
    rt_ring_t                   *ring;
    ngx_shm_zone_t              *shm;
    ngx_shm_zone_t              *log_shm;
    ngx_http_realtime_keep_t    *keep;
    ngx_http_realtime_keep_t    *log_keep;
    ngx_http_realtime_facts_t   *rows;      /* NULL: there is no database */
    ngx_http_realtime_facts_t   *peers;     /* NULL: there is no Redis */
    ngx_uint_t                   clustered; /* there are other hosts */
    ngx_cycle_t                 *old;       /* until the cycle has begun */
    uint32_t                     epoch;     /* of the cycle */
    ngx_http_realtime_complaint_t  complaints[16];   /* that it is full */
} ngx_http_realtime_zone_t;


/*
 * While the configuration is read: asks for the two zones, "size" bytes
 * together.  NULL after a logged error.
 */
ngx_http_realtime_zone_t *ngx_http_realtime_zone_add(ngx_conf_t *cf,
    ngx_str_t *name, size_t size);

/*
 * In the master, when the configuration has been read and nothing can fail any
 * more: a new epoch begins.  "z" is NULL when there is no zone.
 */
void ngx_http_realtime_zone_begin(ngx_http_realtime_zone_t *z,
    ngx_cycle_t *cycle);

/*
 * In a worker: whether another configuration came after the one that it works
 * with, of this master or of one that shares the zone.  So when it is told to
 * go: whether others stay.
 */
ngx_int_t ngx_http_realtime_zone_succeeded(ngx_http_realtime_zone_t *z);

/* how many configurations came after it; 0 for those of another zone */
uint32_t ngx_http_realtime_zone_generations(ngx_http_realtime_zone_t *z);

/* whether its master has given this zone up for another one */
ngx_int_t ngx_http_realtime_zone_given_up(ngx_http_realtime_zone_t *z);

/* bytes of a zone of "size" bytes that go to the log */
size_t ngx_http_realtime_zone_log_size(size_t size);

/*
 * The state mutex.  Locking repairs what a process left half done that died
 * under the lock.
 */
void ngx_http_realtime_zone_lock(ngx_http_realtime_zone_t *z);
void ngx_http_realtime_zone_unlock(ngx_http_realtime_zone_t *z);

/* seconds that the zone has been there, from 1 on, as of this turn */
uint32_t ngx_http_realtime_zone_second(ngx_http_realtime_zone_t *z);

/*
 * Says in the error log that the zone is full, "what" could not be done for
 * it (a constant) and what helps, at most once a second for each of those.
 */
void ngx_http_realtime_zone_full(ngx_http_realtime_zone_t *z, ngx_log_t *log,
    const char *what);


#define ngx_http_realtime_at(z, ref)  rt_arena_at((z)->sh->arena, ref)


#endif /* _NGX_HTTP_REALTIME_ZONE_H_INCLUDED_ */
