
#include "shm/ngx_http_realtime_inherit.h"


static DIR *ngx_http_realtime_inherit_list(ngx_log_t *log);
static ngx_fd_t ngx_http_realtime_inherit_next(DIR *dir, ngx_str_t *name);
static const char *ngx_http_realtime_inherit_map(
    ngx_http_realtime_keep_t *keep, ngx_shm_zone_t *shm, uint32_t layout);
static ngx_int_t ngx_http_realtime_inherit_read(ngx_fd_t fd,
    ngx_http_realtime_label_t *label);


/* a memfd, and what is before and behind its name in /proc/PID/fd */
#define NGX_HTTP_REALTIME_INHERIT_HEAD  "/memfd:" NGX_HTTP_REALTIME_KEEP_NAME
#define NGX_HTTP_REALTIME_INHERIT_TAIL  " (deleted)"

#define NGX_HTTP_REALTIME_INHERIT_WAKE  "anon_inode:[eventfd]"

/* Linux 4.17; one that does not know it may map elsewhere */
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE  0x100000
#endif


ngx_http_realtime_keep_t *
ngx_http_realtime_inherit_zone(ngx_shm_zone_t *shm, uint32_t layout)
{
    DIR                       *dir;
    const char                *why = NULL;
    ngx_http_realtime_keep_t   keep, *found = NULL;

    dir = ngx_http_realtime_inherit_list(shm->shm.log);
    if (dir == NULL) {
        return NULL;
    }

    ngx_memzero(&keep, sizeof(keep));
    keep.uses = 1;
    keep.adopted = 1;

    for ( ;; ) {
        keep.fd = ngx_http_realtime_inherit_next(dir, &shm->shm.name);

        if (keep.fd == NGX_INVALID_FILE) {
            break;
        }

        why = ngx_http_realtime_inherit_map(&keep, shm, layout);

        if (why == NULL) {
            found = ngx_alloc(sizeof(keep), shm->shm.log);

            if (found) {
                *found = keep;
            }

            break;
        }
    }

    closedir(dir);

    if (why) {
        ngx_log_error(NGX_LOG_NOTICE, shm->shm.log, 0,
                      "realtime zone \"%V\" of the old binary is not taken "
                      "over: %s", &shm->shm.name, why);
    }

    return found;
}


static DIR *
ngx_http_realtime_inherit_list(ngx_log_t *log)
{
    DIR  *dir;

    dir = opendir("/proc/self/fd");

    if (dir == NULL) {
        ngx_log_error(NGX_LOG_NOTICE, log, ngx_errno,
                      "realtime: zones of the old binary cannot be taken "
                      "over: opendir(\"/proc/self/fd\") failed");
    }

    return dir;
}


/* the next zone, of that name unless it is NULL; NGX_INVALID_FILE: no more */

static ngx_fd_t
ngx_http_realtime_inherit_next(DIR *dir, ngx_str_t *name)
{
    size_t          len;
    u_char         *p;
    ssize_t         n;
    struct dirent  *de;
    u_char          link[NGX_HTTP_REALTIME_KEEP_LEN + 64];

    const size_t  head = sizeof(NGX_HTTP_REALTIME_INHERIT_HEAD) - 1;
    const size_t  tail = sizeof(NGX_HTTP_REALTIME_INHERIT_TAIL) - 1;

    while ((de = readdir(dir)) != NULL) {

        n = readlinkat(dirfd(dir), de->d_name, (char *) link, sizeof(link));

        if (n < (ssize_t) (head + tail)
            || ngx_memcmp(link, NGX_HTTP_REALTIME_INHERIT_HEAD, head) != 0
            || ngx_memcmp(link + n - tail, NGX_HTTP_REALTIME_INHERIT_TAIL, tail)
               != 0)
        {
            continue;
        }

        p = link + head;
        len = n - head - tail;

        if (name == NULL
            || (len == name->len && ngx_memcmp(p, name->data, len) == 0))
        {
            return ngx_atoi((u_char *) de->d_name, ngx_strlen(de->d_name));
        }
    }

    return NGX_INVALID_FILE;
}


/* maps what keep->fd has; returns what is against it, or NULL */

static const char *
ngx_http_realtime_inherit_map(ngx_http_realtime_keep_t *keep,
    ngx_shm_zone_t *shm, uint32_t layout)
{
    u_char                     *addr;
    const char                 *why;
    ngx_slab_pool_t            *pool;
    ngx_http_realtime_label_t   label;

    if (ngx_http_realtime_inherit_read(keep->fd, &label) != NGX_OK) {
        return "it has another layout";
    }

    why = ngx_http_realtime_keep_differs(&label, shm, layout);
    if (why) {
        return why;
    }

    if (lseek(keep->fd, 0, SEEK_END)
        != ngx_http_realtime_keep_end(label.size) + (off_t) ngx_pagesize)
    {
        return "it is not complete";
    }

    addr = mmap((void *) (uintptr_t) label.addr, shm->shm.size,
                PROT_READ|PROT_WRITE, MAP_SHARED|MAP_FIXED_NOREPLACE,
                keep->fd, 0);

    if (addr == MAP_FAILED) {
        return "its address is taken";
    }

    pool = (ngx_slab_pool_t *) addr;

    if ((uintptr_t) addr != label.addr || pool->addr != addr) {
        (void) munmap(addr, shm->shm.size);
        return "its address is taken";
    }

    keep->label = ngx_http_realtime_keep_map(keep->fd, shm->shm.size);

    if (keep->label == NULL) {
        (void) munmap(addr, shm->shm.size);
        return "no memory";
    }

    keep->found = addr;

    return NULL;
}


static ngx_int_t
ngx_http_realtime_inherit_read(ngx_fd_t fd, ngx_http_realtime_label_t *label)
{
    ngx_file_info_t  fi;

    if (ngx_fd_info(fd, &fi) == NGX_FILE_ERROR
        || ngx_file_size(&fi) < (off_t) ngx_pagesize
        || pread(fd, label, sizeof(*label),
                 ngx_file_size(&fi) - (off_t) ngx_pagesize)
           != (ssize_t) sizeof(*label)
        || label->magic != NGX_HTTP_REALTIME_KEEP_MAGIC)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


void
ngx_http_realtime_inherit_sweep(ngx_http_realtime_keep_t **keeps, ngx_uint_t n,
    ngx_log_t *log)
{
    DIR                        *dir;
    ngx_fd_t                    fd;
    ngx_uint_t                  i, wakes;
    ngx_http_realtime_label_t   label;

    dir = ngx_http_realtime_inherit_list(log);
    if (dir == NULL) {
        return;
    }

    for ( ;; ) {
        fd = ngx_http_realtime_inherit_next(dir, NULL);

        if (fd == NGX_INVALID_FILE) {
            break;
        }

        for (i = 0; i < n && !(keeps[i] && keeps[i]->fd == fd); i++) {
            /* void */
        }

        if (i < n) {
            continue;
        }

        /* eventfds are one set for all zones of a master */

        wakes = 0;

        if (!(keeps[0] && keeps[0]->adopted)
            && ngx_http_realtime_inherit_read(fd, &label) == NGX_OK)
        {
            wakes = ngx_min(label.wakes, NGX_HTTP_REALTIME_KEEP_WAKES);
        }

        for (i = 0; i < wakes; i++) {
            if (ngx_http_realtime_inherit_is_wake(label.wake[i])) {
                (void) ngx_close_file(label.wake[i]);
            }
        }

        (void) ngx_close_file(fd);
    }

    closedir(dir);
}


ngx_int_t
ngx_http_realtime_inherit_is_wake(ngx_fd_t fd)
{
    ssize_t  n;
    u_char   name[sizeof("/proc/self/fd/") + NGX_INT_T_LEN];
    u_char   link[sizeof(NGX_HTTP_REALTIME_INHERIT_WAKE)];

    ngx_sprintf(name, "/proc/self/fd/%d%Z", fd);

    n = readlink((char *) name, (char *) link, sizeof(link));

    return n == sizeof(link) - 1
           && ngx_memcmp(link, NGX_HTTP_REALTIME_INHERIT_WAKE, n) == 0;
}
