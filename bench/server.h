
/*
 * server.h: the server that is measured: an nginx of our own in a directory
 * of its own, or one that runs already on this machine.
 */


#ifndef _RT_SERVER_H_INCLUDED_
#define _RT_SERVER_H_INCLUDED_


#include "proc.h"
#include "rt_bench.h"


typedef struct {
    pid_t     master;           /* 0: not ours to end */
    pid_t     workers[RT_BENCH_MAX_WORKERS];
    uint32_t  nworkers;
    uint16_t  port;
    char      dir[256];         /* "" when there is none */
} rt_server_t;


/*
 * Starts nginx with o->workers workers for "clients" connections and waits
 * until it listens.  RT_ERROR, said on stderr with nginx's error log, leaves
 * nothing to stop.
 */
rt_int_t rt_server_start(rt_server_t *s, const rt_bench_opts_t *o,
    uint32_t clients);

/*
 * Ends it and removes its directory.  "rc" is how the measuring went: if not
 * RT_OK, the error log is shown, else only its alerts.  Returns "rc", or
 * RT_ERROR when a worker has died on the way or there were alerts.
 */
rt_int_t rt_server_stop(rt_server_t *s, rt_int_t rc);

/* nanoseconds of CPU of all workers */
uint64_t rt_server_cpu(const rt_server_t *s);

/* memory of all workers */
rt_int_t rt_server_memory(const rt_server_t *s, rt_proc_memory_t *m);

/* what /metrics says about the database; RT_ERROR when it does not */

typedef struct {
    uint64_t  waiting;          /* bytes */
    uint64_t  written;          /* rows, or what is to become some */
    uint64_t  dropped;
    uint64_t  refused;
} rt_server_database_t;

rt_int_t rt_server_database(const rt_server_t *s, rt_server_database_t *d);

/* prints what /metrics says about the shared zone, if it says anything */
void rt_server_print_zone(const rt_server_t *s);


#endif /* _RT_SERVER_H_INCLUDED_ */
