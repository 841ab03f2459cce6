
#include "cluster/ngx_http_realtime_state.h"
#include "shm/ngx_http_realtime_roster.h"


static void ngx_http_realtime_state_up(ngx_http_realtime_link_t *link);
static void ngx_http_realtime_state_down(ngx_http_realtime_link_t *link);
static void ngx_http_realtime_state_people(ngx_http_realtime_link_t *link,
    rt_str_t nsp, rt_str_t room, uint64_t people);
static void ngx_http_realtime_state_handler(ngx_event_t *ev);
static ngx_int_t ngx_http_realtime_state_take(ngx_http_realtime_state_t *st);
static ngx_int_t ngx_http_realtime_state_read(ngx_http_realtime_state_t *st,
    uint64_t *pos, ngx_http_realtime_fact_t *f);
static void ngx_http_realtime_state_pass(ngx_http_realtime_state_t *st,
    uint64_t end);


#define ngx_http_realtime_state_peers(st)  (&(st)->facts->sh->peers)


void
ngx_http_realtime_state_start(ngx_http_realtime_state_t *st,
    ngx_http_realtime_link_t *link, ngx_http_realtime_hub_t *hub)
{
    ngx_uint_t  i;

    st->link = link;
    st->hub = hub;
    st->facts = hub->bus->zone->peers;
    st->log = hub->log;

    ngx_queue_init(&st->calls);

    for (i = 0; i < NGX_HTTP_REALTIME_SCRIPTS; i++) {
        (void) ngx_http_realtime_script_sha1(&ngx_http_realtime_scripts[i],
                                             st->sha1[i]);
    }

    st->soon.handler = ngx_http_realtime_state_handler;
    st->soon.data = st;
    st->soon.log = st->log;
    st->soon.cancelable = 1;

    ngx_http_realtime_state_limit_start(st);

    link->on_up = ngx_http_realtime_state_up;
    link->on_down = ngx_http_realtime_state_down;
    link->on_people = ngx_http_realtime_state_people;
    link->data = st;
}


void
ngx_http_realtime_state_watch(ngx_http_realtime_state_t *st)
{
    if (st->facts == NULL) {
        return;
    }

    if (st->link->state != NGX_HTTP_REALTIME_LINK_HOLDER) {
        ngx_http_realtime_state_stop(st);
        return;
    }

    if (!st->active) {

        if (ngx_http_realtime_facts_claim(st->facts, st->hub->bus->self.slot)
            != NGX_OK)
        {
            return;
        }

        st->active = 1;
        st->since = ngx_current_msec;
        st->pos = atomic_load(&st->facts->sh->done);
        st->dropped = atomic_load(&st->facts->sh->dropped);
    }

    if (!st->up && ngx_http_realtime_link_up(st->link)
        && (ngx_msec_int_t) (ngx_current_msec - st->since) > 0)
    {
        ngx_http_realtime_state_up(st->link);
    }

    if (!st->up
        && ngx_current_msec - st->since >= NGX_HTTP_REALTIME_STATE_GRACE)
    {
        atomic_store(&ngx_http_realtime_state_peers(st)->away, 1);
    }

    if (st->known) {

        /* what did not fit into the ring is not known there */

        if (st->dropped != atomic_load(&st->facts->sh->dropped)) {
            st->dropped = atomic_load(&st->facts->sh->dropped);
            ngx_http_realtime_state_renew(st);

        } else {
            ngx_http_realtime_state_beat(st, 0);
            ngx_http_realtime_state_bury(st);
        }

        if (!st->syncing
            && ngx_time() - st->refreshed >= NGX_HTTP_REALTIME_STATE_REFRESH)
        {
            st->syncing = 1;
            st->bucket = 0;
        }
    }

    ngx_http_realtime_state_later(st);
}


/* the link has a connection again, or for the first time */

static void
ngx_http_realtime_state_up(ngx_http_realtime_link_t *link)
{
    ngx_uint_t                        i;
    ngx_str_t                         argv[3];
    ngx_http_realtime_state_t        *st = link->data;
    ngx_http_realtime_facts_peers_t  *peers;

    if (!st->active) {
        ngx_http_realtime_state_watch(st);
    }

    if (!st->active || st->up) {
        return;
    }

    peers = ngx_http_realtime_state_peers(st);

    st->up = 1;

    for (i = 0; i < NGX_HTTP_REALTIME_SCRIPTS; i++) {
        ngx_str_set(&argv[0], "SCRIPT");
        ngx_str_set(&argv[1], "LOAD");
        argv[2].data = (u_char *) ngx_http_realtime_scripts[i].text;
        argv[2].len = ngx_strlen(argv[2].data);

        (void) ngx_http_realtime_link_send(link, NULL, 3, argv);
    }

    if (atomic_load(&peers->incarnation) == 0 || atomic_load(&peers->away)
        || !atomic_load(&peers->synced))
    {
        ngx_http_realtime_state_renew(st);
        return;
    }

    ngx_http_realtime_state_name(st, atomic_load(&peers->incarnation),
                                 &st->self);
    ngx_http_realtime_state_beat(st, 0);
}


void
ngx_http_realtime_state_renew(ngx_http_realtime_state_t *st)
{
    uint32_t                          number;
    ngx_http_realtime_facts_peers_t  *peers;

    peers = ngx_http_realtime_state_peers(st);

    /* what was sent under the old name is written again under the new one */

    ngx_http_realtime_state_forget(st);

    atomic_store(&peers->synced, 0);

    number = atomic_fetch_add(&peers->incarnation, 1) + 1;
    ngx_http_realtime_state_name(st, number, &st->self);

    st->renew = 0;
    st->old = number - 1;
    st->known = 0;
    st->syncing = 1;
    st->bucket = 0;

    ngx_http_realtime_state_beat(st, 1);
}


static void
ngx_http_realtime_state_down(ngx_http_realtime_link_t *link)
{
    ngx_http_realtime_state_t  *st = link->data;

    if (!st->active) {
        return;
    }

    ngx_http_realtime_state_forget(st);

    if (link->state != NGX_HTTP_REALTIME_LINK_HOLDER) {
        ngx_http_realtime_state_stop(st);
        return;
    }

    st->up = 0;
    st->known = 0;
    st->since = ngx_current_msec;
}


void
ngx_http_realtime_state_away(ngx_http_realtime_state_t *st)
{
    ngx_http_realtime_state_forget(st);

    st->up = 0;
    st->known = 0;
    st->since = ngx_current_msec;

    atomic_store(&ngx_http_realtime_state_peers(st)->away, 1);

    ngx_http_realtime_state_later(st);
}


static void
ngx_http_realtime_state_people(ngx_http_realtime_link_t *link, rt_str_t nsp,
    rt_str_t room, uint64_t people)
{
    ngx_http_realtime_roster_total(link->hub->bus->zone, nsp, room, people);

    ngx_http_realtime_state_count(link->data, nsp, room);
}


void
ngx_http_realtime_state_later(ngx_http_realtime_state_t *st)
{
    if (!st->soon.posted) {
        ngx_post_event(&st->soon, &ngx_posted_next_events);
    }
}


void
ngx_http_realtime_state_poke(ngx_http_realtime_state_t *st)
{
    if (st->active) {
        ngx_http_realtime_state_later(st);
    }
}


static void
ngx_http_realtime_state_handler(ngx_event_t *ev)
{
    ngx_int_t                         rc;
    ngx_http_realtime_state_t        *st = ev->data;
    ngx_http_realtime_facts_peers_t  *peers;

    if (!st->active) {
        return;
    }

    peers = ngx_http_realtime_state_peers(st);

    /* not from within an answer */

    if (st->renew && st->up) {
        ngx_http_realtime_state_renew(st);
    }

    rc = ngx_http_realtime_state_take(st);

    if (rc == NGX_DONE && st->known && st->syncing) {

        rc = ngx_http_realtime_state_sync(st);

        if (rc == NGX_DONE) {
            st->syncing = 0;
            st->refreshed = ngx_time();

            if (!atomic_exchange(&peers->synced, 1)) {
                atomic_store(&peers->away, 0);
                ngx_http_realtime_state_purge_own(st, st->old);
            }
        }
    }

    ngx_http_realtime_bus_kick(st->hub->bus);

    if (rc == NGX_AGAIN) {
        ngx_http_realtime_state_later(st);
    }
}


/* NGX_DONE: there is none; NGX_AGAIN: more; NGX_BUSY: somebody else goes on */

static ngx_int_t
ngx_http_realtime_state_take(ngx_http_realtime_state_t *st)
{
    uint64_t                   pos;
    ngx_int_t                  rc;
    ngx_uint_t                 n, away;
    ngx_http_realtime_fact_t   f;

    for (n = 0; n < NGX_HTTP_REALTIME_STATE_BATCH; n++) {

        away = atomic_load(&ngx_http_realtime_state_peers(st)->away);

        if (st->known ? st->n >= NGX_HTTP_REALTIME_STATE_WINDOW : !away) {
            return NGX_BUSY;
        }

        pos = st->pos;
        rc = ngx_http_realtime_state_read(st, &pos, &f);

        if (rc == NGX_AGAIN) {
            return (ngx_http_realtime_facts_sleep(st->facts, st->pos)
                    == NGX_OK) ? NGX_DONE : NGX_AGAIN;
        }

        if (rc == NGX_ERROR) {
            return NGX_BUSY;
        }

        if (rc == NGX_OK) {

            if (f.type == NGX_HTTP_REALTIME_FACT_LIMIT) {
                ngx_http_realtime_state_limit(st, &f, pos);

            } else if (!st->known
                       || ngx_http_realtime_state_unsynced(st, &f))
            {
                ngx_http_realtime_state_local(st, &f);

            } else {
                if (ngx_http_realtime_state_fact(st, &f, pos) != NGX_OK) {
                    return NGX_BUSY;
                }

                st->pos = pos;
                continue;
            }
        }

        st->pos = pos;
        ngx_http_realtime_state_pass(st, pos);
    }

    return NGX_AGAIN;
}


/* NGX_ERROR: no memory; NGX_DECLINED: it cannot be read */

static ngx_int_t
ngx_http_realtime_state_read(ngx_http_realtime_state_t *st, uint64_t *pos,
    ngx_http_realtime_fact_t *f)
{
    size_t     len;
    u_char    *buf;
    uint64_t   from = *pos;
    ngx_int_t  rc;

    for ( ;; ) {
        rc = ngx_http_realtime_facts_read(st->facts, pos, st->buf, st->size,
                                          &len, f);
        if (rc != NGX_BUSY) {
            break;
        }

        buf = ngx_alloc(ngx_max(len, 16384), st->log);
        if (buf == NULL) {
            return NGX_ERROR;
        }

        if (st->buf) {
            ngx_free(st->buf);
        }

        st->buf = buf;
        st->size = ngx_max(len, 16384);
    }

    if (rc == NGX_OK || rc == NGX_AGAIN) {
        return rc;
    }

    ngx_log_error(NGX_LOG_ALERT, st->log, 0,
                  "realtime: no fact in zone \"%V\" at %uL",
                  &st->facts->shm->shm.name, from);

    if (*pos <= from) {
        *pos = rt_ring_head(st->facts->sh->ring);
    }

    return NGX_DECLINED;
}


/* nothing becomes of what is before "end", but for what is under way */

static void
ngx_http_realtime_state_pass(ngx_http_realtime_state_t *st, uint64_t end)
{
    ngx_queue_t                     *q;
    ngx_http_realtime_state_call_t  *c;

    for (q = ngx_queue_last(&st->calls);
         q != ngx_queue_sentinel(&st->calls);
         q = ngx_queue_prev(q))
    {
        c = ngx_queue_data(q, ngx_http_realtime_state_call_t, queue);

        if (c->end) {
            c->end = end;
            return;
        }
    }

    ngx_http_realtime_facts_done(st->facts, end);
}


ngx_uint_t
ngx_http_realtime_state_farewell(ngx_http_realtime_state_t *st,
    ngx_uint_t last)
{
    if (!st->active || !last) {
        return 0;
    }

    ngx_http_realtime_state_later(st);

    if (st->known && !st->parted && !ngx_http_realtime_facts_waiting(st->facts))
    {
        st->parted = 1;
        ngx_http_realtime_state_leave(st);
    }

    return st->known
           && (ngx_http_realtime_facts_waiting(st->facts) || st->n);
}


void
ngx_http_realtime_state_stop(ngx_http_realtime_state_t *st)
{
    if (!st->active) {
        return;
    }

    ngx_http_realtime_state_forget(st);

    st->active = 0;
    st->up = 0;
    st->known = 0;

    if (st->soon.posted) {
        ngx_delete_posted_event(&st->soon);
    }

    ngx_http_realtime_facts_release(st->facts);
}
