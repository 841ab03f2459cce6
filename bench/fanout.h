
/*
 * fanout.h: a room of clients at the server, the same number at the bare
 * server, and one phase of messages to either; every receiver is checked.
 */


#ifndef _RT_FANOUT_H_INCLUDED_
#define _RT_FANOUT_H_INCLUDED_


#include "bare.h"
#include "client.h"
#include "hist.h"
#include "rt_bench.h"
#include "server.h"


typedef enum {
    RT_FANOUT_SERVER = 0,
    RT_FANOUT_BARE,                 /* a send() for each frame */
    RT_FANOUT_BARE_16,              /* a send() for 16 frames */
    RT_FANOUT_WHO
} rt_fanout_who_e;


typedef struct {
    uint32_t   clients;             /* members of the room, the sender too */
    uint32_t   capacity;            /* messages of the longest phase */
    uint32_t   messages;            /* of this phase */
    uint32_t   sent;
    uint32_t   done;                /* that everybody has, without a gap */
    uint64_t   base;                /* number of the phase's first message */
    uint64_t   checked;             /* deliveries that were looked at, ever */
    uint64_t   lost;                /* ever */
    uint64_t   repeated;
    uint64_t   late;                /* came after a younger message */
    uint32_t  *have;                /* per message: how many have it */
    uint64_t  *sent_at;             /* per message */
    uint64_t  *next;                /* per client: newest seen, plus one */
    u_char    *seen;                /* per client: a bit for each message */
    rt_hist_t  hist;                /* until everybody has it, microseconds */
} rt_fanout_run_t;


typedef struct {
    uint32_t         size;          /* of the content */
    size_t           frame_len;     /* of the frame that the server sends */
    rt_server_t      server;
    rt_bare_t        bare;
    rt_fleet_t       fleet[2];      /* at the server, at the bare server */
    rt_fanout_run_t  run;
} rt_fanout_bench_t;


typedef struct {
    rt_fanout_who_e  who;
    uint32_t         window;        /* messages on their way at a time */
    uint32_t         rate;          /* a second, 0 for as fast as it goes */
    uint32_t         messages;

    /* results */

    double           cpu;           /* server's microseconds per delivery */
    double           speed;         /* deliveries a second */
    double           p50;           /* milliseconds until everybody has it */
    double           p99;
} rt_fanout_phase_t;


/*
 * Starts the servers, connects everybody, has one message sent to learn the
 * server's frame.  "fb" is zeroed; on RT_ERROR too it is to be closed.
 */
rt_int_t rt_fanout_open(rt_fanout_bench_t *fb, const rt_bench_opts_t *o);

/* runs one phase; RT_ERROR, said on stderr, when messages are missing */
rt_int_t rt_fanout_phase(rt_fanout_bench_t *fb, rt_fanout_phase_t *ph);

/* ends everything; "rc" and what is returned as for rt_server_stop() */
rt_int_t rt_fanout_close(rt_fanout_bench_t *fb, rt_int_t rc);


#endif /* _RT_FANOUT_H_INCLUDED_ */
