
/*
 * hosts.h: a server that is one host, or two that have one Redis; a room of
 * clients at each, and messages to it.  Every receiver is checked.
 */


#ifndef _RT_HOSTS_H_INCLUDED_
#define _RT_HOSTS_H_INCLUDED_


#include "client.h"
#include "hist.h"
#include "redis.h"
#include "rt_bench.h"
#include "server.h"


/* the host where the sender is, and the one that only hears of it */

#define RT_HOSTS_MAX     2

/* of one phase */
#define RT_HOSTS_MESSAGES_MAX  100000


typedef struct rt_hosts_s  rt_hosts_t;

typedef struct {
    rt_server_t   server;
    rt_fleet_t    fleet;        /* of the first one client 0 sends */
    rt_hosts_t   *hosts;
    uint32_t     *next;         /* of each client: what it should hear next */
} rt_host_t;


struct rt_hosts_s {
    uint32_t      n;            /* 1 or 2 */
    rt_host_t     host[RT_HOSTS_MAX];
    rt_redis_t   *redis;

    /* private */

    uint32_t      receivers;    /* at each */
    uint32_t      size;         /* characters of a message */
    uint32_t      base;         /* number of the phase's first message */
    uint32_t      sent;
    uint32_t      done;         /* that everybody has */
    uint32_t      wrong;        /* lost, repeated, or out of order */
    uint64_t      heard;        /* at the second host, ever */
    uint32_t     *have;         /* per message: how many have it */
    uint64_t     *sent_at;
    rt_hist_t     hist;         /* until everybody has it, microseconds */
    char          room[32];
};


typedef struct {
    uint32_t  messages;
    uint32_t  rate;             /* a second, 0: as fast as it goes */
    uint32_t  window;           /* that may be on their way */

    /* results; microseconds of CPU for each broadcast */

    double    cpu[RT_HOSTS_MAX];
    double    redis;
    double    publish;          /* commands for each broadcast */
    double    others;           /* commands a second besides */
    double    p99;              /* milliseconds until everybody has it */
} rt_hosts_phase_t;


/*
 * Connects a room of "receivers" at each host, and the sender; returns when
 * the second host hears what is said at the first one.
 */
rt_int_t rt_hosts_open(rt_hosts_t *h, uint32_t receivers, uint32_t size);

/* RT_ERROR, said on stderr, when messages are missing, or come wrongly */
rt_int_t rt_hosts_phase(rt_hosts_t *h, rt_hosts_phase_t *ph);

/* ends the connections */
void rt_hosts_close(rt_hosts_t *h);


#endif /* _RT_HOSTS_H_INCLUDED_ */
