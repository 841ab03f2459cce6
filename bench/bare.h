
/*
 * bare.h: the least that a server could do, to compare with: one process,
 * epoll, and prepared bytes sent by a plain loop of send().
 *
 * It speaks just enough for the clients of client.h to become ready, reads no
 * JSON, unmasks nothing, keeps no rooms.
 */


#ifndef _RT_BARE_H_INCLUDED_
#define _RT_BARE_H_INCLUDED_


#include "base/rt.h"


#define RT_BARE_REPLY_MAX  8192
#define RT_BARE_BATCH_MAX  64


/* shared with the process; changed only while it has nothing to do */

typedef struct {
    int       fanout;           /* to everybody; else to the sender alone */
    uint32_t  batch;            /* frames in one send(), of fanout */
    uint64_t  seq;              /* of the next message, of fanout */
    size_t    seq_at;           /* where the reply has its 10 digits */
    size_t    reply_len;
    u_char    reply[RT_BARE_REPLY_MAX];
} rt_bare_plan_t;


typedef struct {
    pid_t            pid;
    uint16_t         port;
    rt_bare_plan_t  *plan;
} rt_bare_t;


/* starts the process; RT_ERROR, said on stderr, leaves nothing to stop */
rt_int_t rt_bare_start(rt_bare_t *b);

void rt_bare_stop(rt_bare_t *b);

/* nanoseconds of CPU that it has had */
uint64_t rt_bare_cpu(const rt_bare_t *b);

/* makes "reply" the answer to every message */
rt_int_t rt_bare_prepare(rt_bare_t *b, rt_str_t reply, size_t seq_at);


#endif /* _RT_BARE_H_INCLUDED_ */
