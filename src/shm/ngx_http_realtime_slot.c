
#include "shm/ngx_http_realtime_slot.h"


/* could not be found out: no descriptor is free, for example */
#define NGX_HTTP_REALTIME_STARTED_UNKNOWN  UINT64_MAX


static ngx_int_t ngx_http_realtime_slot_bury(ngx_http_realtime_zone_t *z,
    ngx_http_realtime_wid_t *wid, uint32_t pid);


ngx_int_t
ngx_http_realtime_slot_claim(ngx_http_realtime_zone_t *z, uint32_t n,
    ngx_http_realtime_wid_t *wid)
{
    uint32_t                     i;
    uint64_t                     started;
    ngx_http_realtime_slot_t    *slot;
    ngx_http_realtime_shared_t  *sh = z->sh;

    started = ngx_http_realtime_process_started(ngx_pid);

    ngx_http_realtime_zone_lock(z);

    n = ngx_min(n, NGX_HTTP_REALTIME_SLOTS);

    for (i = 0; i < n; i++) {
        if (atomic_load(&sh->slot[i].pid) == 0) {
            break;
        }
    }

    if (i == n) {
        ngx_http_realtime_zone_unlock(z);
        return NGX_BUSY;
    }

    slot = &sh->slot[i];

    slot->generation++;
    slot->started = started;
    atomic_store(&slot->asleep, 0);
    atomic_store(&slot->leaving, 0);
    atomic_store(&slot->pid, ngx_pid);

    if (sh->slots_used <= i) {
        sh->slots_used = i + 1;
    }

    wid->slot = i;
    wid->generation = slot->generation;

    ngx_http_realtime_zone_unlock(z);

    return NGX_OK;
}


void
ngx_http_realtime_slot_release(ngx_http_realtime_zone_t *z,
    ngx_http_realtime_wid_t wid)
{
    ngx_http_realtime_zone_lock(z);

    if (ngx_http_realtime_slot_current(z, wid)) {
        atomic_store(&z->sh->slot[wid.slot].asleep, 0);
        atomic_store(&z->sh->slot[wid.slot].pid, 0);
    }

    ngx_http_realtime_zone_unlock(z);
}


ngx_int_t
ngx_http_realtime_slot_current(ngx_http_realtime_zone_t *z,
    ngx_http_realtime_wid_t wid)
{
    ngx_http_realtime_slot_t  *slot;

    slot = &z->sh->slot[wid.slot % NGX_HTTP_REALTIME_SLOTS];

    return slot->generation == wid.generation && atomic_load(&slot->pid) != 0;
}


ngx_uint_t
ngx_http_realtime_slot_staying(ngx_http_realtime_zone_t *z)
{
    uint32_t  i;

    for (i = 0; i < z->sh->slots_used; i++) {
        if (atomic_load(&z->sh->slot[i].pid)
            && !atomic_load(&z->sh->slot[i].leaving))
        {
            return 1;
        }
    }

    return 0;
}


ngx_int_t
ngx_http_realtime_slot_dead(ngx_http_realtime_zone_t *z, uint32_t after,
    ngx_uint_t neighbour, ngx_http_realtime_wid_t *wid)
{
    uint32_t                   i, n, pid;
    ngx_http_realtime_slot_t  *slot;

    n = z->sh->slots_used;

    for (i = 1; i < n; i++) {

        wid->slot = (after + i) % n;
        slot = &z->sh->slot[wid->slot];

        wid->generation = slot->generation;
        pid = atomic_load(&slot->pid);

        if (pid == 0) {
            continue;
        }

        if (ngx_http_realtime_process_died(pid, slot->started)
            && ngx_http_realtime_slot_bury(z, wid, pid))
        {
            return NGX_OK;
        }

        if (neighbour) {
            break;
        }
    }

    return NGX_DONE;
}


/* a new generation, unless somebody else was faster */

static ngx_int_t
ngx_http_realtime_slot_bury(ngx_http_realtime_zone_t *z,
    ngx_http_realtime_wid_t *wid, uint32_t pid)
{
    ngx_int_t                  same;
    ngx_http_realtime_slot_t  *slot = &z->sh->slot[wid->slot];

    ngx_http_realtime_zone_lock(z);

    same = (slot->generation == wid->generation
            && atomic_load(&slot->pid) == pid);

    if (same) {
        wid->generation = ++slot->generation;
    }

    ngx_http_realtime_zone_unlock(z);

    return same;
}


void
ngx_http_realtime_slot_retire(ngx_http_realtime_zone_t *z,
    ngx_http_realtime_wid_t *wid)
{
    ngx_http_realtime_zone_lock(z);

    wid->generation = ++z->sh->slot[wid->slot].generation;

    ngx_http_realtime_zone_unlock(z);
}


ngx_int_t
ngx_http_realtime_process_died(uint32_t pid, uint64_t started)
{
    uint64_t  now;

    if (started == 0 || started == NGX_HTTP_REALTIME_STARTED_UNKNOWN) {
        return kill(pid, 0) == -1 && ngx_errno == NGX_ESRCH;    /* no proc */
    }

    now = ngx_http_realtime_process_started(pid);

    return now != NGX_HTTP_REALTIME_STARTED_UNKNOWN && now != started;
}


/* field 22 of /proc/PID/stat */

uint64_t
ngx_http_realtime_process_started(uint32_t pid)
{
    char                 state;
    u_char              *p;
    ssize_t              n;
    ngx_fd_t             fd;
    unsigned long long   started;
    u_char               buf[1024];

    ngx_snprintf(buf, sizeof(buf), "/proc/%uD/stat%Z", pid);

    fd = ngx_open_file(buf, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);
    if (fd == NGX_INVALID_FILE) {
        return ngx_errno == NGX_ENOENT ? 0 : NGX_HTTP_REALTIME_STARTED_UNKNOWN;
    }

    n = ngx_read_fd(fd, buf, sizeof(buf) - 1);
    ngx_close_file(fd);

    if (n <= 0) {
        return ngx_errno == NGX_ESRCH ? 0 : NGX_HTTP_REALTIME_STARTED_UNKNOWN;
    }

    buf[n] = '\0';

    /* the name before the last ")" may hold anything */

    p = (u_char *) strrchr((char *) buf, ')');

    if (p == NULL
        || sscanf((char *) p + 1, " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u "
                  "%*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
                  &state, &started) != 2
        || state == 'Z' || state == 'X')
    {
        return 0;
    }

    return started;
}
