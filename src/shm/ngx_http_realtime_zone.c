
#include "shm/ngx_http_realtime_zone.h"
#include "shm/ngx_http_realtime_inherit.h"
#include "shm/ngx_http_realtime_records.h"

#include "base/rt_id.h"

#include <openssl/rand.h>


static ngx_shm_zone_t *ngx_http_realtime_zone_shm(ngx_conf_t *cf,
    ngx_str_t *name, size_t size, ngx_http_realtime_zone_t *z);
static ngx_int_t ngx_http_realtime_zone_init(ngx_shm_zone_t *shm, void *data);
static ngx_int_t ngx_http_realtime_zone_adopt(ngx_http_realtime_zone_t *z);
static void ngx_http_realtime_zone_renewed(ngx_http_realtime_zone_t *z);
static ngx_shm_zone_t *ngx_http_realtime_zone_find(ngx_cycle_t *cycle,
    ngx_str_t *name);
static ngx_http_realtime_shared_t *ngx_http_realtime_zone_make(
    ngx_shm_zone_t *shm, ngx_slab_pool_t *pool);
static uint32_t ngx_http_realtime_zone_buckets(size_t size);
static ngx_int_t ngx_http_realtime_zone_init_log(ngx_shm_zone_t *shm,
    void *data);
static void *ngx_http_realtime_zone_rest(ngx_slab_pool_t *pool, size_t *len);
static void ngx_http_realtime_zone_cleanup(void *data);


ngx_http_realtime_zone_t *
ngx_http_realtime_zone_add(ngx_conf_t *cf, ngx_str_t *name, size_t size)
{
    size_t                     log;
    ngx_str_t                  log_name;
    ngx_pool_cleanup_t        *cln;
    ngx_http_realtime_zone_t  *z;

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    z = ngx_pcalloc(cf->pool, sizeof(ngx_http_realtime_zone_t));

    if (cln == NULL || z == NULL) {
        return NULL;
    }

    cln->handler = ngx_http_realtime_zone_cleanup;
    cln->data = z;
    z->old = cf->cycle->old_cycle;

    log_name.len = name->len + sizeof("_log") - 1;
    log_name.data = ngx_pnalloc(cf->pool, log_name.len);
    if (log_name.data == NULL) {
        return NULL;
    }

    ngx_sprintf(log_name.data, "%V_log", name);

    log = ngx_http_realtime_zone_log_size(size);

    z->shm = ngx_http_realtime_zone_shm(cf, name, size - log, z);
    z->log_shm = ngx_http_realtime_zone_shm(cf, &log_name, log, z);

    if (z->shm == NULL || z->log_shm == NULL) {
        return NULL;
    }

    z->shm->init = ngx_http_realtime_zone_init;
    z->log_shm->init = ngx_http_realtime_zone_init_log;

    return z;
}


/* the ring takes a power of two; the rest holds the slab pool's own tables */

size_t
ngx_http_realtime_zone_log_size(size_t size)
{
    size_t  ring;

    for (ring = 65536; ring * 2 <= size / 2; ring *= 2) { /* void */ }

    return ring + ring / ngx_pagesize * sizeof(ngx_slab_page_t)
           + 8 * ngx_pagesize;
}


static ngx_shm_zone_t *
ngx_http_realtime_zone_shm(ngx_conf_t *cf, ngx_str_t *name, size_t size,
    ngx_http_realtime_zone_t *z)
{
    ngx_shm_zone_t  *shm;

    shm = ngx_shared_memory_add(cf, name, size, &ngx_http_realtime_module);
    if (shm == NULL) {
        return NULL;
    }

    if (shm->data) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "realtime zone \"%V\" is already in use", name);
        return NULL;
    }

    shm->data = z;

    return shm;
}


/*
 * "data" is the old cycle's, which had the zone under the same tag: so it is of
 * the same code, and of the same layout.
 */

static ngx_int_t
ngx_http_realtime_zone_init(ngx_shm_zone_t *shm, void *data)
{
    ngx_http_realtime_zone_t  *z = shm->data, *old = data;

    if (old) {
        z->keep = ngx_http_realtime_keep_share(old->keep);

    } else if (ngx_http_realtime_zone_adopt(z) != NGX_OK) {

        ngx_http_realtime_zone_renewed(z);

        z->keep = ngx_http_realtime_keep_make(shm,
                                              NGX_HTTP_REALTIME_ZONE_LAYOUT);
        if (z->keep == NULL) {
            return NGX_ERROR;
        }

        /* comes next: slots of two zones are not to meet in one log */

        z->log_shm->noreuse = 1;
    }

    z->pool = (ngx_slab_pool_t *) shm->shm.addr;
    z->sh = z->pool->data;

    if (z->sh == NULL) {
        z->sh = ngx_http_realtime_zone_make(shm, z->pool);
    }

    return z->sh ? NGX_OK : NGX_ERROR;
}


/* both zones of the old binary, or none */

static ngx_int_t
ngx_http_realtime_zone_adopt(ngx_http_realtime_zone_t *z)
{
    if (!ngx_inherited || ngx_test_config || !ngx_is_init_cycle(z->old)) {
        return NGX_DECLINED;
    }

    z->keep = ngx_http_realtime_inherit_zone(z->shm,
                                             NGX_HTTP_REALTIME_ZONE_LAYOUT);
    if (z->keep == NULL) {
        return NGX_DECLINED;
    }

    z->log_keep = ngx_http_realtime_inherit_zone(z->log_shm,
                                               NGX_HTTP_REALTIME_ZONE_LAYOUT);
    if (z->log_keep == NULL) {
        ngx_http_realtime_keep_release(z->keep);
        z->keep = NULL;
        return NGX_DECLINED;
    }

    ngx_http_realtime_keep_move(z->keep, z->shm);

    return NGX_OK;
}


/* why those who are connected will not meet those who come */

static void
ngx_http_realtime_zone_renewed(ngx_http_realtime_zone_t *z)
{
    ngx_shm_zone_t  *shm;

    shm = ngx_http_realtime_zone_find(z->old, &z->shm->shm.name);

    if (shm) {
        ngx_log_error(NGX_LOG_NOTICE, z->shm->shm.log, 0,
                      "realtime zone \"%V\" is replaced by an empty one: %s",
                      &z->shm->shm.name,
                      shm->tag != z->shm->tag
                      ? "the module is another file"
                      : "its size was changed");
    }
}


static ngx_shm_zone_t *
ngx_http_realtime_zone_find(ngx_cycle_t *cycle, ngx_str_t *name)
{
    ngx_uint_t        i;
    ngx_shm_zone_t   *shm;
    ngx_list_part_t  *part;

    for (part = &cycle->shared_memory.part; part; part = part->next) {

        shm = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (shm[i].shm.name.len == name->len
                && ngx_memcmp(shm[i].shm.name.data, name->data, name->len)
                   == 0)
            {
                return &shm[i];
            }
        }
    }

    return NULL;
}


static ngx_http_realtime_shared_t *
ngx_http_realtime_zone_make(ngx_shm_zone_t *shm, ngx_slab_pool_t *pool)
{
    void                        *mem;
    size_t                       len;
    u_char                       id[RT_ID_LEN];
    uint32_t                     n;
    ngx_http_realtime_shared_t  *sh;

    mem = ngx_http_realtime_zone_rest(pool, &len);
    if (mem == NULL) {
        goto failed;
    }

    sh = mem;
    n = ngx_http_realtime_zone_buckets(len);

    if (len < sizeof(*sh) + 3 * n * sizeof(rt_ref_t) + ngx_pagesize) {
        goto failed;
    }

    ngx_memzero(sh, sizeof(*sh) + 3 * n * sizeof(rt_ref_t));

    sh->layout = NGX_HTTP_REALTIME_ZONE_LAYOUT;
    sh->buckets = n;
    sh->started = ngx_http_realtime_now();
    sh->session_table = (rt_ref_t *) (sh + 1);
    sh->room_table = sh->session_table + n;
    sh->keyed_table = sh->room_table + n;

    mem = ngx_align_ptr(sh->keyed_table + n, 64);
    len -= (u_char *) mem - (u_char *) sh;

    sh->arena = rt_arena_init(mem, len);

    if (sh->arena == NULL
        || RAND_bytes((u_char *) &sh->key, sizeof(sh->key)) != 1
        || RAND_bytes((u_char *) &sh->pid_key, sizeof(sh->pid_key)) != 1
        || rt_id_make(id) != RT_OK)
    {
        goto failed;
    }

    ngx_memcpy(sh->cluster.uid, id, NGX_HTTP_REALTIME_UID_LEN);

    pool->data = sh;

    return sh;

failed:

    ngx_log_error(NGX_LOG_EMERG, shm->shm.log, 0,
                  "realtime zone \"%V\" of %uz bytes could not be set up: "
                  "give realtime_zone a larger size",
                  &shm->shm.name, shm->shm.size);
    return NULL;
}


/* a bucket for every 512 bytes of the zone, about one a session */

static uint32_t
ngx_http_realtime_zone_buckets(size_t size)
{
    uint32_t  n;

    for (n = 256; n < size / 512; n *= 2) { /* void */ }

    return n;
}


static ngx_int_t
ngx_http_realtime_zone_init_log(ngx_shm_zone_t *shm, void *data)
{
    void                      *mem;
    size_t                     len;
    ngx_http_realtime_zone_t  *z = shm->data, *old = data;

    if (old) {
        z->log_keep = ngx_http_realtime_keep_share(old->log_keep);

    } else if (z->log_keep) {
        ngx_http_realtime_keep_move(z->log_keep, shm);

    } else {
        z->log_keep = ngx_http_realtime_keep_make(shm,
                                               NGX_HTTP_REALTIME_ZONE_LAYOUT);
        if (z->log_keep == NULL) {
            return NGX_ERROR;
        }
    }

    z->log_pool = (ngx_slab_pool_t *) shm->shm.addr;
    z->ring = z->log_pool->data;

    if (z->ring) {
        return NGX_OK;
    }

    mem = ngx_http_realtime_zone_rest(z->log_pool, &len);

    z->ring = mem ? rt_ring_init(mem, len) : NULL;
    z->log_pool->data = z->ring;

    if (z->ring == NULL) {
        ngx_log_error(NGX_LOG_EMERG, shm->shm.log, 0,
                      "realtime zone \"%V\" is too small", &shm->shm.name);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* all pages of a fresh slab pool in one piece: only its mutex is used */

static void *
ngx_http_realtime_zone_rest(ngx_slab_pool_t *pool, size_t *len)
{
    *len = (size_t) pool->pfree * ngx_pagesize;

    return ngx_slab_alloc(pool, *len);
}


static void
ngx_http_realtime_zone_cleanup(void *data)
{
    ngx_http_realtime_zone_t  *z = data;

    if (z->keep) {
        ngx_http_realtime_keep_release(z->keep);
    }

    if (z->log_keep) {
        ngx_http_realtime_keep_release(z->log_keep);
    }
}


void
ngx_http_realtime_zone_begin(ngx_http_realtime_zone_t *z, ngx_cycle_t *cycle)
{
    ngx_shm_zone_t            *shm;
    ngx_http_realtime_keep_t  *keeps[4] = { NULL, NULL, NULL, NULL };

    if (z) {
        keeps[0] = z->keep;
        keeps[1] = z->log_keep;
        keeps[2] = z->rows ? z->rows->keep : NULL;
        keeps[3] = z->peers ? z->peers->keep : NULL;
    }

    if (ngx_inherited && ngx_is_init_cycle(cycle->old_cycle)) {
        ngx_http_realtime_inherit_sweep(keeps, rt_nitems(keeps), cycle->log);
    }

    if (z == NULL) {
        return;
    }

    /*
     * nginx asks the new zone whether it may be what the old one was, and the
     * old one, from now on, whether it is still in use.
     */

    if (z->log_shm->noreuse) {
        z->log_shm->noreuse = 0;

        shm = ngx_http_realtime_zone_find(cycle->old_cycle,
                                          &z->log_shm->shm.name);
        if (shm) {
            shm->noreuse = 1;
        }
    }

    z->old = NULL;
    z->epoch = atomic_fetch_add(&z->keep->label->epoch, 1) + 1;
}


ngx_int_t
ngx_http_realtime_zone_succeeded(ngx_http_realtime_zone_t *z)
{
    return atomic_load(&z->keep->label->epoch) != z->epoch;
}


uint32_t
ngx_http_realtime_zone_generations(ngx_http_realtime_zone_t *z)
{
    return (atomic_load(&z->keep->label->epoch) - z->epoch)
           & ~NGX_HTTP_REALTIME_KEEP_GIVEN_UP;
}


ngx_int_t
ngx_http_realtime_zone_given_up(ngx_http_realtime_zone_t *z)
{
    return (atomic_load(&z->keep->label->epoch)
            & NGX_HTTP_REALTIME_KEEP_GIVEN_UP) != 0;
}


void
ngx_http_realtime_zone_lock(ngx_http_realtime_zone_t *z)
{
    ngx_shmtx_lock(&z->pool->mutex);

    if (atomic_load_explicit(&z->sh->dirty, memory_order_relaxed)) {
        z->sh->repairs++;
        ngx_http_realtime_records_rebuild_locked(z);
    }

    atomic_store(&z->sh->dirty, 1);
}


void
ngx_http_realtime_zone_unlock(ngx_http_realtime_zone_t *z)
{
    atomic_store(&z->sh->dirty, 0);

    ngx_shmtx_unlock(&z->pool->mutex);
}


uint32_t
ngx_http_realtime_zone_second(ngx_http_realtime_zone_t *z)
{
    uint64_t  now = ngx_http_realtime_now();

    return (now > z->sh->started) ? (now - z->sh->started) / 1000 + 1 : 1;
}


void
ngx_http_realtime_zone_full(ngx_http_realtime_zone_t *z, ngx_log_t *log,
    const char *what)
{
    ngx_uint_t                      i;
    ngx_http_realtime_complaint_t  *c;

    for (i = 0; i < rt_nitems(z->complaints); i++) {
        c = &z->complaints[i];

        if (c->what == NULL || c->what == what) {
            break;
        }
    }

    if (i == rt_nitems(z->complaints)
        || (c->what == what && c->when == ngx_time()))
    {
        return;
    }

    c->what = what;
    c->when = ngx_time();

    ngx_log_error(NGX_LOG_WARN, log, 0,
                  "realtime: the zone is full, %s: raise the size of "
                  "realtime_zone \"%V\"", what, &z->shm->shm.name);
}
