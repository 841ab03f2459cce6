
#include "shm/ngx_http_realtime_facts.h"
#include "shm/ngx_http_realtime_inherit.h"
#include "shm/ngx_http_realtime_slot.h"

#include <openssl/rand.h>


/* what a fact begins with in the ring; then the strings */

typedef struct {
    uint8_t   type;
    uint8_t   logged;
    uint16_t  strings;                          /* a bit for each */
    uint32_t  worker;
    uint64_t  time;
    uint64_t  number;
    uint32_t  slot;
    uint32_t  generation;
    uint64_t  handle;
    uint32_t  len[NGX_HTTP_REALTIME_FACT_STRINGS];
} ngx_http_realtime_fact_head_t;


/* attempts to lock before it is asked whether the holder lives */
#define NGX_HTTP_REALTIME_FACTS_DOUBT  1024


static ngx_int_t ngx_http_realtime_facts_init(ngx_shm_zone_t *shm, void *data);
static ngx_int_t ngx_http_realtime_facts_keep(ngx_http_realtime_facts_t *facts,
    ngx_shm_zone_t *shm);
static ngx_http_realtime_facts_shared_t *ngx_http_realtime_facts_make(
    ngx_shm_zone_t *shm, ngx_slab_pool_t *pool);
static void ngx_http_realtime_facts_cleanup(void *data);
static void ngx_http_realtime_facts_lock(ngx_http_realtime_facts_t *facts);
static size_t ngx_http_realtime_facts_encode(
    const ngx_http_realtime_fact_t *f, u_char *dst);
static ngx_int_t ngx_http_realtime_facts_decode(ngx_http_realtime_fact_t *f,
    u_char *p, size_t len);


ngx_http_realtime_facts_t *
ngx_http_realtime_facts_add(ngx_conf_t *cf, ngx_str_t *name,
    const char *suffix, size_t size, const char *remedy)
{
    size_t                     ring;
    ngx_str_t                  full;
    ngx_pool_cleanup_t        *cln;
    ngx_http_realtime_facts_t  *facts;

    /* the rest holds the slab pool's own tables */

    for (ring = 65536; ring < size; ring *= 2) { /* void */ }

    size = ring + ring / ngx_pagesize * sizeof(ngx_slab_page_t)
           + 8 * ngx_pagesize;

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    facts = ngx_pcalloc(cf->pool, sizeof(ngx_http_realtime_facts_t));
    full.len = name->len + ngx_strlen(suffix);
    full.data = ngx_pnalloc(cf->pool, full.len);

    if (cln == NULL || facts == NULL || full.data == NULL) {
        return NULL;
    }

    ngx_sprintf(full.data, "%V%s", name, suffix);

    cln->handler = ngx_http_realtime_facts_cleanup;
    cln->data = facts;

    facts->remedy = remedy;
    facts->old = cf->cycle->old_cycle;
    facts->shm = ngx_shared_memory_add(cf, &full, size,
                                      &ngx_http_realtime_module);
    if (facts->shm == NULL) {
        return NULL;
    }

    facts->shm->data = facts;
    facts->shm->init = ngx_http_realtime_facts_init;

    return facts;
}


static ngx_int_t
ngx_http_realtime_facts_init(ngx_shm_zone_t *shm, void *data)
{
    ngx_http_realtime_facts_t  *facts = shm->data, *old = data;

    if (old) {
        facts->keep = ngx_http_realtime_keep_share(old->keep);

    } else if (ngx_http_realtime_facts_keep(facts, shm) != NGX_OK) {
        return NGX_ERROR;
    }

    facts->pool = (ngx_slab_pool_t *) shm->shm.addr;
    facts->sh = facts->pool->data;

    if (facts->sh == NULL) {
        facts->sh = ngx_http_realtime_facts_make(shm, facts->pool);
        facts->pool->data = facts->sh;

        /* where others may have clients still, nothing is closed for them */

        if (facts->sh) {
            atomic_store(&facts->sh->begun, ngx_inherited
                                           || !ngx_is_init_cycle(facts->old));
        }
    }

    facts->old = NULL;

    return facts->sh ? NGX_OK : NGX_ERROR;
}


/* that of the old binary, or new memory */

static ngx_int_t
ngx_http_realtime_facts_keep(ngx_http_realtime_facts_t *facts,
    ngx_shm_zone_t *shm)
{
    if (ngx_inherited && !ngx_test_config && ngx_is_init_cycle(facts->old)) {

        facts->keep = ngx_http_realtime_inherit_zone(shm,
                                               NGX_HTTP_REALTIME_ZONE_LAYOUT);
        if (facts->keep) {
            ngx_http_realtime_keep_move(facts->keep, shm);
            return NGX_OK;
        }
    }

    facts->keep = ngx_http_realtime_keep_make(shm,
                                             NGX_HTTP_REALTIME_ZONE_LAYOUT);

    return facts->keep ? NGX_OK : NGX_ERROR;
}


static ngx_http_realtime_facts_shared_t *
ngx_http_realtime_facts_make(ngx_shm_zone_t *shm, ngx_slab_pool_t *pool)
{
    void                             *mem;
    size_t                            len;
    ngx_http_realtime_facts_shared_t  *sh;

    len = (size_t) pool->pfree * ngx_pagesize;
    sh = ngx_slab_alloc(pool, len);

    if (sh == NULL
        || RAND_bytes((u_char *) sh->seed, sizeof(sh->seed)) != 1)
    {
        goto failed;
    }

    mem = ngx_align_ptr(sh + 1, 64);

    sh->ring = rt_ring_init(mem, len - ((u_char *) mem - (u_char *) sh));

    if (sh->ring == NULL) {
        goto failed;
    }

    sh->started = ngx_http_realtime_now();

    return sh;

failed:

    ngx_log_error(NGX_LOG_EMERG, shm->shm.log, 0,
                  "realtime zone \"%V\" of %uz bytes could not be set up: %s",
                  &shm->shm.name, shm->shm.size,
                  ((ngx_http_realtime_facts_t *) shm->data)->remedy);
    return NULL;
}


static void
ngx_http_realtime_facts_cleanup(void *data)
{
    ngx_http_realtime_facts_t  *facts = data;

    if (facts->keep) {
        ngx_http_realtime_keep_release(facts->keep);
    }
}


void
ngx_http_realtime_facts_put(ngx_http_realtime_facts_t *facts,
    ngx_http_realtime_fact_t *f)
{
    size_t                            len;
    u_char                           *p = NULL;
    ngx_uint_t                        given;
    ngx_http_realtime_facts_shared_t  *sh;

    if (facts == NULL) {
        return;
    }

    sh = facts->sh;
    given = (f->time != 0);
    f->time = given ? f->time : ngx_http_realtime_now();
    f->worker = ngx_pid;

    len = ngx_http_realtime_facts_encode(f, NULL);

    ngx_http_realtime_facts_lock(facts);

    /* clocks of workers differ a little, and may be set: times never go back */

    if (!given) {
        f->time = ngx_max(f->time, sh->latest);
        sh->latest = f->time;
    }

    /* an entry has a head of its own, and may have a filler before it */

    if (len <= rt_ring_max(sh->ring->size)
        && rt_ring_head(sh->ring) - atomic_load(&sh->done) + 2 * len + 64
           <= sh->ring->size)
    {
        p = rt_ring_reserve(sh->ring, len);
    }

    if (p) {
        (void) ngx_http_realtime_facts_encode(f, p);
        (void) rt_ring_commit(sh->ring);
    }

    ngx_shmtx_unlock(&facts->pool->mutex);

    if (p == NULL) {
        atomic_fetch_add(&sh->dropped, 1);
    }
}


/*
 * nginx's master frees the mutexes of the zones that its own configuration has:
 * not that of one that was given up, whose workers still go.
 */

static void
ngx_http_realtime_facts_lock(ngx_http_realtime_facts_t *facts)
{
    ngx_pid_t     pid;
    ngx_uint_t    n;
    ngx_shmtx_t  *mutex = &facts->pool->mutex;

    for (n = 1; !ngx_shmtx_trylock(mutex); n++) {

        pid = (ngx_pid_t) *mutex->lock;

        if (n % NGX_HTTP_REALTIME_FACTS_DOUBT == 0 && pid
            && kill(pid, 0) == -1 && ngx_errno == NGX_ESRCH)
        {
            (void) ngx_shmtx_force_unlock(mutex, pid);
        }

        ngx_sched_yield();
    }
}


/* pairs with ngx_http_realtime_facts_sleep() */

ngx_int_t
ngx_http_realtime_facts_wakes(ngx_http_realtime_facts_t *facts)
{
    ngx_http_realtime_facts_shared_t  *sh = facts->sh;

    atomic_thread_fence(memory_order_seq_cst);

    return (atomic_load_explicit(&sh->asleep, memory_order_relaxed)
            && atomic_exchange(&sh->asleep, 0))
           ? (ngx_int_t) atomic_load(&sh->slot) : -1;
}


/* "dst" NULL: the bytes that it takes */

static size_t
ngx_http_realtime_facts_encode(const ngx_http_realtime_fact_t *f, u_char *dst)
{
    size_t                          len = sizeof(ngx_http_realtime_fact_head_t);
    ngx_uint_t                      i;
    ngx_http_realtime_fact_head_t   head;

    if (dst == NULL) {

        for (i = 0; i < NGX_HTTP_REALTIME_FACT_STRINGS; i++) {
            len += f->s[i].len;
        }

        return len;
    }

    ngx_memzero(&head, sizeof(head));

    head.type = f->type;
    head.logged = f->logged;
    head.worker = f->worker;
    head.time = f->time;
    head.number = f->number;
    head.slot = f->slot;
    head.generation = f->generation;
    head.handle = f->handle;

    for (i = 0; i < NGX_HTTP_REALTIME_FACT_STRINGS; i++) {

        if (f->s[i].data) {
            head.strings |= 1u << i;
        }

        head.len[i] = f->s[i].len;

        if (f->s[i].len) {
            ngx_memcpy(dst + len, f->s[i].data, f->s[i].len);
        }

        len += f->s[i].len;
    }

    ngx_memcpy(dst, &head, sizeof(head));

    return len;
}


ngx_int_t
ngx_http_realtime_facts_read(ngx_http_realtime_facts_t *facts, uint64_t *pos,
    u_char *buf, size_t size, size_t *len, ngx_http_realtime_fact_t *f)
{
    uint64_t   at = *pos;
    ngx_int_t  rc;

    rc = rt_ring_read(facts->sh->ring, pos, buf, size, len);

    if (rc != NGX_OK) {
        return rc;
    }

    f->pos = at;

    return ngx_http_realtime_facts_decode(f, buf, *len);
}


static ngx_int_t
ngx_http_realtime_facts_decode(ngx_http_realtime_fact_t *f, u_char *p,
    size_t len)
{
    size_t                         at = sizeof(ngx_http_realtime_fact_head_t);
    ngx_uint_t                     i;
    ngx_http_realtime_fact_head_t  head;

    if (len < at) {
        return NGX_ERROR;
    }

    ngx_memcpy(&head, p, sizeof(head));

    f->type = head.type;
    f->logged = head.logged;
    f->worker = head.worker;
    f->time = head.time;
    f->number = head.number;
    f->slot = head.slot;
    f->generation = head.generation;
    f->handle = head.handle;

    for (i = 0; i < NGX_HTTP_REALTIME_FACT_STRINGS; i++) {

        if (head.len[i] > len - at) {
            return NGX_ERROR;
        }

        f->s[i] = rt_str(head.len[i],
                         (head.strings & (1u << i)) ? p + at : NULL);
        at += head.len[i];
    }

    return NGX_OK;
}


void
ngx_http_realtime_facts_done(ngx_http_realtime_facts_t *facts, uint64_t pos)
{
    atomic_store(&facts->sh->done, pos);
}


uint64_t
ngx_http_realtime_facts_waiting(ngx_http_realtime_facts_t *facts)
{
    return rt_ring_head(facts->sh->ring) - atomic_load(&facts->sh->done);
}


ngx_int_t
ngx_http_realtime_facts_claim(ngx_http_realtime_facts_t *facts, uint32_t slot)
{
    uint32_t                          pid;
    uint64_t                          process, own;
    ngx_int_t                         rc = NGX_BUSY;
    ngx_http_realtime_facts_shared_t  *sh = facts->sh;

    pid = atomic_load(&sh->pid);
    process = sh->process;
    own = ngx_http_realtime_process_started(ngx_pid);

    /* or of one that had the same pid, and has died */

    if (pid == (uint32_t) ngx_pid && process == own) {
        return NGX_OK;
    }

    if (pid && pid != (uint32_t) ngx_pid
        && !ngx_http_realtime_process_died(pid, process))
    {
        return NGX_BUSY;
    }

    ngx_http_realtime_facts_lock(facts);

    if (atomic_load(&sh->pid) == pid) {
        sh->process = own;
        atomic_store(&sh->slot, slot);
        atomic_store(&sh->pid, ngx_pid);
        rc = NGX_OK;
    }

    ngx_shmtx_unlock(&facts->pool->mutex);

    return rc;
}


ngx_int_t
ngx_http_realtime_facts_given_up(ngx_http_realtime_facts_t *facts)
{
    return (atomic_load(&facts->keep->label->epoch)
            & NGX_HTTP_REALTIME_KEEP_GIVEN_UP) != 0;
}


void
ngx_http_realtime_facts_release(ngx_http_realtime_facts_t *facts)
{
    if (atomic_load(&facts->sh->pid) == (uint32_t) ngx_pid) {
        atomic_store(&facts->sh->asleep, 0);
        atomic_store(&facts->sh->pid, 0);
    }
}


ngx_int_t
ngx_http_realtime_facts_sleep(ngx_http_realtime_facts_t *facts, uint64_t pos)
{
    atomic_store(&facts->sh->asleep, 1);
    atomic_thread_fence(memory_order_seq_cst);

    if (rt_ring_head(facts->sh->ring) == pos) {
        return NGX_OK;
    }

    atomic_store(&facts->sh->asleep, 0);

    return NGX_AGAIN;
}
