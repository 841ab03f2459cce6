
/*
 * proc.h: what /proc tells about a set of processes.
 */


#ifndef _RT_PROC_H_INCLUDED_
#define _RT_PROC_H_INCLUDED_


#include "base/rt.h"


/* bytes */

typedef struct {
    uint64_t  pss;
    uint64_t  anon;             /* of it: heap and stacks */
    uint64_t  shmem;            /* of it: shared zones */
} rt_proc_memory_t;


/* the children of "parent", at most "max"; how many there are */
uint32_t rt_proc_children(pid_t parent, pid_t *pids, uint32_t max);

/* nanoseconds on a CPU, of all threads that live, user and system together */
uint64_t rt_proc_cpu(const pid_t *pids, uint32_t n);

/* the sum over all of them; RT_ERROR when one cannot be read */
rt_int_t rt_proc_memory(const pid_t *pids, uint32_t n, rt_proc_memory_t *m);


#endif /* _RT_PROC_H_INCLUDED_ */
