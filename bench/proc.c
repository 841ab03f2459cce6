
/*
 * proc.c: readers of /proc/PID/stat, task/TID/schedstat and smaps_rollup.
 */


#include "proc.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>


static pid_t rt_proc_parent(pid_t pid);
static uint64_t rt_proc_cpu_one(pid_t pid);
static rt_int_t rt_proc_memory_one(pid_t pid, rt_proc_memory_t *m);


uint32_t
rt_proc_children(pid_t parent, pid_t *pids, uint32_t max)
{
    DIR            *dir;
    pid_t           pid;
    uint32_t        n;
    struct dirent  *de;

    dir = opendir("/proc");
    if (dir == NULL) {
        return 0;
    }

    n = 0;

    while (n < max && (de = readdir(dir)) != NULL) {
        pid = (pid_t) atoi(de->d_name);

        if (pid > 0 && rt_proc_parent(pid) == parent) {
            pids[n++] = pid;
        }
    }

    closedir(dir);

    return n;
}


/* the name in parentheses may hold anything: what counts is the last ")" */

static pid_t
rt_proc_parent(pid_t pid)
{
    int    ppid;
    char   path[64], line[512], *p;
    FILE  *f;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int) pid);

    f = fopen(path, "r");
    if (f == NULL) {
        return -1;
    }

    p = fgets(line, sizeof(line), f);
    fclose(f);

    if (p == NULL || (p = strrchr(line, ')')) == NULL
        || sscanf(p + 1, " %*c %d", &ppid) != 1)
    {
        return -1;
    }

    return ppid;
}


uint64_t
rt_proc_cpu(const pid_t *pids, uint32_t n)
{
    uint32_t  i;
    uint64_t  sum;

    sum = 0;

    for (i = 0; i < n; i++) {
        sum += rt_proc_cpu_one(pids[i]);
    }

    return sum;
}


static uint64_t
rt_proc_cpu_one(pid_t pid)
{
    DIR            *dir;
    FILE           *f;
    char            path[300];
    uint64_t        ns, sum;
    struct dirent  *de;

    snprintf(path, sizeof(path), "/proc/%d/task", (int) pid);

    dir = opendir(path);
    if (dir == NULL) {
        return 0;
    }

    sum = 0;

    while ((de = readdir(dir)) != NULL) {

        snprintf(path, sizeof(path), "/proc/%d/task/%.20s/schedstat",
                 (int) pid, de->d_name);

        f = (de->d_name[0] != '.') ? fopen(path, "r") : NULL;
        if (f == NULL) {
            continue;
        }

        if (fscanf(f, "%" SCNu64, &ns) == 1) {
            sum += ns;
        }

        fclose(f);
    }

    closedir(dir);

    return sum;
}


rt_int_t
rt_proc_memory(const pid_t *pids, uint32_t n, rt_proc_memory_t *m)
{
    uint32_t  i;

    memset(m, 0, sizeof(rt_proc_memory_t));

    for (i = 0; i < n; i++) {
        if (rt_proc_memory_one(pids[i], m) != RT_OK) {
            return RT_ERROR;
        }
    }

    return RT_OK;
}


static rt_int_t
rt_proc_memory_one(pid_t pid, rt_proc_memory_t *m)
{
    FILE      *f;
    char       path[64], line[256];
    uint64_t   kb;

    snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int) pid);

    f = fopen(path, "r");
    if (f == NULL) {
        return RT_ERROR;
    }

    while (fgets(line, sizeof(line), f) != NULL) {

        if (sscanf(line, "Pss: %" SCNu64, &kb) == 1) {
            m->pss += kb * 1024;

        } else if (sscanf(line, "Pss_Anon: %" SCNu64, &kb) == 1) {
            m->anon += kb * 1024;

        } else if (sscanf(line, "Pss_Shmem: %" SCNu64, &kb) == 1) {
            m->shmem += kb * 1024;
        }
    }

    fclose(f);

    return RT_OK;
}
