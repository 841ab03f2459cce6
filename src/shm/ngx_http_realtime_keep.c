
#include "shm/ngx_http_realtime_keep.h"

#include <openssl/rand.h>


static ngx_int_t ngx_http_realtime_keep_open(ngx_http_realtime_keep_t *keep,
    ngx_shm_zone_t *shm);
static ngx_fd_t ngx_http_realtime_keep_create(ngx_shm_zone_t *shm);
static u_char *ngx_http_realtime_keep_hint(void);
static ngx_int_t ngx_http_realtime_keep_pool(ngx_shm_zone_t *shm,
    u_char *addr);


/* Linux 6.3; without it the system log has a complaint */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL  0x0008U
#endif


_Static_assert(sizeof(ngx_http_realtime_label_t) <= 4096,
               "a label fits into a page");


/*
 * What is used of a pool is its mutex and "data".  The version of nginx does
 * not matter: a newer one is what binary upgrades are for.
 */

static const uint16_t  ngx_http_realtime_keep_pools[4] = {
    sizeof(ngx_slab_pool_t), offsetof(ngx_slab_pool_t, mutex),
    offsetof(ngx_slab_pool_t, data), sizeof(ngx_shmtx_t)
};


ngx_http_realtime_keep_t *
ngx_http_realtime_keep_make(ngx_shm_zone_t *shm, uint32_t layout)
{
    ngx_http_realtime_keep_t   *keep;
    ngx_http_realtime_label_t  *label;

    keep = ngx_calloc(sizeof(ngx_http_realtime_keep_t), shm->shm.log);
    if (keep == NULL) {
        return NULL;
    }

    keep->uses = 1;
    keep->fd = NGX_INVALID_FILE;

    if (ngx_http_realtime_keep_open(keep, shm) != NGX_OK) {
        ngx_log_error(NGX_LOG_NOTICE, shm->shm.log, 0,
                      "realtime zone \"%V\" will not outlive a binary upgrade",
                      &shm->shm.name);
    }

    keep->label = ngx_http_realtime_keep_map(keep->fd, shm->shm.size);

    if (keep->label == NULL) {
        ngx_log_error(NGX_LOG_EMERG, shm->shm.log, ngx_errno,
                      "realtime zone \"%V\": mmap() failed", &shm->shm.name);
        ngx_http_realtime_keep_release(keep);
        return NULL;
    }

    label = keep->label;
    label->layout = layout;
    ngx_memcpy(label->pool, ngx_http_realtime_keep_pools, sizeof(label->pool));
    label->size = shm->shm.size;
    label->addr = (uintptr_t) shm->shm.addr;
    label->magic = NGX_HTTP_REALTIME_KEEP_MAGIC;

    return keep;
}


/* the zone as nginx made it is only given up when the new one is complete */

static ngx_int_t
ngx_http_realtime_keep_open(ngx_http_realtime_keep_t *keep,
    ngx_shm_zone_t *shm)
{
    u_char    *addr;
    ngx_fd_t   fd;

    if (ngx_test_config) {
        return NGX_OK;
    }

    fd = ngx_http_realtime_keep_create(shm);
    if (fd == NGX_INVALID_FILE) {
        return NGX_ERROR;
    }

    addr = mmap(ngx_http_realtime_keep_hint(), shm->shm.size,
                PROT_READ|PROT_WRITE, MAP_SHARED, fd, 0);

    if (addr == MAP_FAILED) {
        ngx_log_error(NGX_LOG_WARN, shm->shm.log, ngx_errno,
                      "realtime zone \"%V\": mmap() of %uz bytes failed",
                      &shm->shm.name, shm->shm.size);
        (void) ngx_close_file(fd);
        return NGX_ERROR;
    }

    if (ngx_http_realtime_keep_pool(shm, addr) != NGX_OK) {
        (void) munmap(addr, shm->shm.size);
        (void) ngx_close_file(fd);
        return NGX_ERROR;
    }

    ngx_shm_free(&shm->shm);

    shm->shm.addr = addr;
    keep->fd = fd;

    return NGX_OK;
}


static ngx_fd_t
ngx_http_realtime_keep_create(ngx_shm_zone_t *shm)
{
    ngx_fd_t  fd;
    u_char    name[NGX_HTTP_REALTIME_KEEP_LEN + 1];

    if (sizeof(NGX_HTTP_REALTIME_KEEP_NAME) + shm->shm.name.len > sizeof(name))
    {
        return NGX_INVALID_FILE;
    }

    ngx_sprintf(name, NGX_HTTP_REALTIME_KEEP_NAME "%V%Z", &shm->shm.name);

    /* no close-on-exec: that is what it is for */

    fd = memfd_create((char *) name, MFD_NOEXEC_SEAL);

    if (fd == NGX_INVALID_FILE && ngx_errno == NGX_EINVAL) {
        fd = memfd_create((char *) name, 0);
    }

    if (fd == NGX_INVALID_FILE) {
        ngx_log_error(NGX_LOG_WARN, shm->shm.log, ngx_errno,
                      "realtime zone \"%V\": memfd_create() failed",
                      &shm->shm.name);
        return NGX_INVALID_FILE;
    }

    if (ftruncate(fd, ngx_http_realtime_keep_end(shm->shm.size) + ngx_pagesize)
        == -1)
    {
        ngx_log_error(NGX_LOG_WARN, shm->shm.log, ngx_errno,
                      "realtime zone \"%V\": ftruncate() failed",
                      &shm->shm.name);
        (void) ngx_close_file(fd);
        return NGX_INVALID_FILE;
    }

    return fd;
}


/*
 * Somewhere between program and libraries, where systems with 47 bits or more
 * put nothing by themselves: there the address is free in a new master, too,
 * whatever it has loaded.  If not, or here, the system chooses another.
 */

static u_char *
ngx_http_realtime_keep_hint(void)
{
#if (NGX_PTR_SIZE == 8)

    uint64_t  random;

    if (RAND_bytes((u_char *) &random, sizeof(random)) != 1) {
        return NULL;
    }

    random = (1ULL << 45) + (random & ((1ULL << 45) - 1));

    return (u_char *) (random & ~((uint64_t) ngx_pagesize - 1));

#else

    return NULL;

#endif
}


/* what nginx does to the memory of a new zone */

static ngx_int_t
ngx_http_realtime_keep_pool(ngx_shm_zone_t *shm, u_char *addr)
{
#if (NGX_HAVE_ATOMIC_OPS)

    ngx_slab_pool_t  *pool = (ngx_slab_pool_t *) addr;

    pool->end = addr + shm->shm.size;
    pool->min_shift = 3;
    pool->addr = addr;

    if (ngx_shmtx_create(&pool->mutex, &pool->lock, NULL) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_slab_init(pool);

    return NGX_OK;

#else

    return NGX_ERROR;                   /* mutexes are files */

#endif
}


off_t
ngx_http_realtime_keep_end(size_t size)
{
    return ngx_align(size, ngx_pagesize);
}


ngx_http_realtime_label_t *
ngx_http_realtime_keep_map(ngx_fd_t fd, size_t size)
{
    ngx_http_realtime_label_t  *label;

    if (fd == NGX_INVALID_FILE) {
        label = mmap(NULL, ngx_pagesize, PROT_READ|PROT_WRITE,
                     MAP_SHARED|MAP_ANON, -1, 0);
    } else {
        label = mmap(NULL, ngx_pagesize, PROT_READ|PROT_WRITE, MAP_SHARED, fd,
                     ngx_http_realtime_keep_end(size));
    }

    return label == MAP_FAILED ? NULL : label;
}


const char *
ngx_http_realtime_keep_differs(ngx_http_realtime_label_t *label,
    ngx_shm_zone_t *shm, uint32_t layout)
{
    if (label->layout != layout) {
        return "it has another layout";
    }

    if (ngx_memcmp(label->pool, ngx_http_realtime_keep_pools,
                   sizeof(label->pool))
        != 0)
    {
        return "this nginx has other slab pools";
    }

    if (label->size != shm->shm.size) {
        return "it has another size";
    }

    return NULL;
}


void
ngx_http_realtime_keep_move(ngx_http_realtime_keep_t *keep,
    ngx_shm_zone_t *shm)
{
    ngx_shm_free(&shm->shm);

    shm->shm.addr = keep->found;
    keep->found = NULL;
}


ngx_http_realtime_keep_t *
ngx_http_realtime_keep_share(ngx_http_realtime_keep_t *keep)
{
    keep->uses++;

    return keep;
}


void
ngx_http_realtime_keep_release(ngx_http_realtime_keep_t *keep)
{
    ngx_http_realtime_label_t  *label = keep->label;

    if (--keep->uses) {
        return;
    }

    /* a master that goes on has given this zone up for another */

    if (label && ngx_process == NGX_PROCESS_MASTER
        && !ngx_terminate && !ngx_quit)
    {
        atomic_fetch_or(&label->epoch, NGX_HTTP_REALTIME_KEEP_GIVEN_UP);
    }

    if (keep->found) {
        (void) munmap(keep->found, label->size);

    } else if (keep->fd != NGX_INVALID_FILE) {
        (void) ngx_close_file(keep->fd);        /* else sweep() will */
    }

    if (label) {
        (void) munmap(label, ngx_pagesize);
    }

    ngx_free(keep);
}
