
#include "shm/ngx_http_realtime_directory.h"
#include "shm/ngx_http_realtime_away.h"
#include "shm/ngx_http_realtime_roster.h"
#include "shm/ngx_http_realtime_slot.h"
#include "shm/ngx_http_realtime_spare.h"
#include "shm/ngx_http_realtime_users.h"


static void ngx_http_realtime_directory_stored_locked(
    ngx_http_realtime_zone_t *z, ngx_http_realtime_socket_rec_t *rec);
static ngx_int_t ngx_http_realtime_directory_add_locked(
    ngx_http_realtime_zone_t *z, u_char *sid, ngx_http_realtime_wid_t owner,
    rt_ref_t *ref);
static rt_ref_t *ngx_http_realtime_directory_lookup_locked(
    ngx_http_realtime_zone_t *z, rt_str_t sid);
static ngx_http_realtime_session_rec_t *
    ngx_http_realtime_directory_orphan_locked(ngx_http_realtime_zone_t *z,
    ngx_http_realtime_wid_t of, rt_ref_t *ref);


ngx_int_t
ngx_http_realtime_directory_add(ngx_http_realtime_zone_t *z, u_char *sid,
    ngx_http_realtime_wid_t owner, uint16_t location, ngx_uint_t limit,
    rt_ref_t *ref)
{
    ngx_int_t                         rc;
    ngx_http_realtime_session_rec_t  *rec;

    ngx_http_realtime_zone_lock(z);

    if (z->sh->sessions >= limit) {
        rc = NGX_BUSY;

    } else {
        rc = ngx_http_realtime_directory_add_locked(z, sid, owner, ref);
    }

    if (rc == NGX_OK) {
        rec = ngx_http_realtime_at(z, *ref);
        rec->location = location;
        rec->opened = ngx_http_realtime_zone_second(z);
    }

    ngx_http_realtime_zone_unlock(z);

    return rc;
}


static ngx_int_t
ngx_http_realtime_directory_add_locked(ngx_http_realtime_zone_t *z,
    u_char *sid, ngx_http_realtime_wid_t owner, rt_ref_t *ref)
{
    rt_ref_t                         *bucket;
    ngx_http_realtime_shared_t       *sh = z->sh;
    ngx_http_realtime_session_rec_t  *rec;

    *ref = ngx_http_realtime_spare_alloc(z,
                                    sizeof(ngx_http_realtime_session_rec_t), 1);
    if (*ref == 0) {
        return NGX_DECLINED;
    }

    bucket = ngx_http_realtime_bucket(sh, session_table,
                         rt_hash(&sh->key, rt_str(RT_ID_LEN, sid)));

    rec = ngx_http_realtime_at(z, *ref);

    ngx_memcpy(rec->sid, sid, RT_ID_LEN);
    rec->owner = owner;
    rec->next = *bucket;

    rt_arena_publish(sh->arena, *ref, NGX_HTTP_REALTIME_RECORD_SESSION);

    *bucket = *ref;
    sh->sessions++;
    sh->slot[owner.slot].sessions++;

    return NGX_OK;
}


ngx_int_t
ngx_http_realtime_directory_find(ngx_http_realtime_zone_t *z, rt_str_t sid,
    ngx_http_realtime_place_t *place)
{
    rt_ref_t                         *link;
    ngx_http_realtime_session_rec_t  *rec;

    ngx_http_realtime_zone_lock(z);

    link = ngx_http_realtime_directory_lookup_locked(z, sid);
    rec = ngx_http_realtime_at(z, *link);

    if (rec) {
        place->ref = *link;
        place->owner = rec->owner;
        place->location = rec->location;
    }

    ngx_http_realtime_zone_unlock(z);

    return rec ? NGX_OK : NGX_DECLINED;
}


ngx_int_t
ngx_http_realtime_directory_probe(ngx_http_realtime_zone_t *z, rt_str_t sid,
    ngx_http_realtime_wid_t prober)
{
    ngx_int_t                         rc = NGX_DECLINED;
    ngx_http_realtime_session_rec_t  *rec;

    ngx_http_realtime_zone_lock(z);

    rec = ngx_http_realtime_at(z,
                          *ngx_http_realtime_directory_lookup_locked(z, sid));

    if (rec) {
        rc = NGX_BUSY;

        /* one whose worker has died tries no more */

        if (!rec->carrier
            && (rec->prober.generation == 0
                || !ngx_http_realtime_slot_current(z, rec->prober)))
        {
            rec->prober = prober;
            rc = NGX_OK;
        }
    }

    ngx_http_realtime_zone_unlock(z);

    return rc;
}


void
ngx_http_realtime_directory_unprobe(ngx_http_realtime_zone_t *z, rt_str_t sid,
    ngx_http_realtime_wid_t prober)
{
    ngx_http_realtime_session_rec_t  *rec;

    ngx_http_realtime_zone_lock(z);

    rec = ngx_http_realtime_at(z,
                          *ngx_http_realtime_directory_lookup_locked(z, sid));

    if (rec && rec->prober.slot == prober.slot
        && rec->prober.generation == prober.generation)
    {
        rec->prober.generation = 0;
    }

    ngx_http_realtime_zone_unlock(z);
}


void
ngx_http_realtime_directory_websocket(ngx_http_realtime_zone_t *z,
    rt_ref_t ref)
{
    ngx_http_realtime_session_rec_t  *rec;

    ngx_http_realtime_zone_lock(z);

    rec = ngx_http_realtime_at(z, ref);
    rec->carrier = NGX_HTTP_REALTIME_CARRIER_WEBSOCKET;

    ngx_http_realtime_zone_unlock(z);
}


/* the link that leads to the record, or the empty one at the end */

static rt_ref_t *
ngx_http_realtime_directory_lookup_locked(ngx_http_realtime_zone_t *z,
    rt_str_t sid)
{
    rt_ref_t                         *link;
    ngx_http_realtime_session_rec_t  *rec;

    link = ngx_http_realtime_bucket(z->sh, session_table,
                                    rt_hash(&z->sh->key, sid));

    for ( ;; ) {
        rec = ngx_http_realtime_at(z, *link);

        if (rec == NULL || rt_str_eq(sid, rt_str(RT_ID_LEN, rec->sid))) {
            return link;
        }

        link = &rec->next;
    }
}


ngx_int_t
ngx_http_realtime_directory_move(ngx_http_realtime_zone_t *z, rt_ref_t ref,
    ngx_http_realtime_wid_t to, ngx_uint_t websocket)
{
    ngx_int_t                         rc;
    ngx_http_realtime_shared_t       *sh = z->sh;
    ngx_http_realtime_session_rec_t  *rec;

    ngx_http_realtime_zone_lock(z);

    rec = ngx_http_realtime_at(z, ref);
    rc = NGX_DECLINED;

    /* a slot that is being settled has another generation already */

    if (ngx_http_realtime_slot_current(z, to)) {
        sh->slot[rec->owner.slot].sessions--;
        sh->slot[to.slot].sessions++;
        rec->owner = to;
        rec->carrier = websocket ? NGX_HTTP_REALTIME_CARRIER_TRANSIT
                                   : NGX_HTTP_REALTIME_CARRIER_POLLING;
        rc = NGX_OK;
    }

    ngx_http_realtime_zone_unlock(z);

    return rc;
}


void
ngx_http_realtime_directory_remove(ngx_http_realtime_zone_t *z, rt_ref_t ref)
{
    ngx_http_realtime_session_rec_t  *rec;

    ngx_http_realtime_zone_lock(z);

    rec = ngx_http_realtime_at(z, ref);

    if (rec && rec->type == NGX_HTTP_REALTIME_RECORD_SESSION
        && rec->due == 0)
    {
        while (rec->sockets) {
            ngx_http_realtime_directory_drop_socket_locked(z, rec->sockets);
        }

        ngx_http_realtime_directory_unlink_locked(z, ref);
        rt_arena_free(z->sh->arena, ref);
    }

    ngx_http_realtime_zone_unlock(z);
}


void
ngx_http_realtime_directory_unlink_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t ref)
{
    rt_ref_t                         *link;
    ngx_http_realtime_session_rec_t  *rec = ngx_http_realtime_at(z, ref);

    link = ngx_http_realtime_directory_lookup_locked(z,
                                              rt_str(RT_ID_LEN, rec->sid));
    *link = rec->next;

    z->sh->sessions--;
    z->sh->slot[rec->owner.slot].sessions--;
}


rt_ref_t
ngx_http_realtime_directory_add_socket(ngx_http_realtime_zone_t *z,
    rt_ref_t session, u_char *id, uint16_t window, uint64_t began)
{
    rt_ref_t                          ref;
    ngx_http_realtime_socket_rec_t   *rec;
    ngx_http_realtime_session_rec_t  *owner;

    ngx_http_realtime_zone_lock(z);

    ref = ngx_http_realtime_spare_alloc(z,
                                     sizeof(ngx_http_realtime_socket_rec_t), 1);

    if (ref) {
        rec = ngx_http_realtime_at(z, ref);
        owner = ngx_http_realtime_at(z, session);

        ngx_memcpy(rec->id, id, RT_ID_LEN);
        rec->session = session;
        rec->next = owner->sockets;
        rec->began = began;

        rt_arena_publish(z->sh->arena, ref, NGX_HTTP_REALTIME_RECORD_SOCKET);

        owner->sockets = ref;
        owner->window = window;
        z->sh->sockets++;
    }

    ngx_http_realtime_zone_unlock(z);

    return ref;
}


ngx_http_realtime_socket_rec_t *
ngx_http_realtime_directory_socket(ngx_http_realtime_zone_t *z,
    rt_ref_t socket, rt_ref_t session, const u_char *id)
{
    ngx_http_realtime_socket_rec_t  *rec;

    rec = ngx_http_realtime_at(z, socket);

    if (rec == NULL
        || rec->type != NGX_HTTP_REALTIME_RECORD_SOCKET
        || rec->session != session
        || ngx_memcmp(rec->id, id, RT_ID_LEN) != 0)
    {
        return NULL;
    }

    return rec;
}


void
ngx_http_realtime_directory_remove_socket(ngx_http_realtime_zone_t *z,
    rt_ref_t socket, rt_ref_t session, const u_char *id,
    ngx_http_realtime_reason_e reason)
{
    ngx_http_realtime_session_rec_t  *rec;

    ngx_http_realtime_zone_lock(z);

    if (ngx_http_realtime_directory_socket(z, socket, session, id)) {
        rec = ngx_http_realtime_at(z, session);
        rec->reason = reason;

        ngx_http_realtime_directory_drop_socket_locked(z, socket);
    }

    ngx_http_realtime_zone_unlock(z);
}


void
ngx_http_realtime_directory_drop_socket_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t ref)
{
    ngx_http_realtime_departure_t    d;
    ngx_http_realtime_socket_rec_t  *rec = ngx_http_realtime_at(z, ref);

    /* whoever cares has taken the memberships out before, and told others;
       what is left is told by who compares (hub/reconcile) */

    while (rec->members) {
        ngx_http_realtime_roster_leave_locked(z, rec->members, 1, &d);

        if (d.last) {
            atomic_store(&z->sh->owing, 1);

        } else {
            ngx_http_realtime_roster_gone_locked(z, d.occupant);
        }
    }

    ngx_http_realtime_directory_stored_locked(z, rec);
    ngx_http_realtime_users_detach_locked(z, ref);
    ngx_http_realtime_directory_loosen_locked(z, ref);

    rt_arena_free(z->sh->arena, ref);
}


/* the database knows that it began */

static void
ngx_http_realtime_directory_stored_locked(ngx_http_realtime_zone_t *z,
    ngx_http_realtime_socket_rec_t *rec)
{
    ngx_http_realtime_fact_t          f;
    ngx_http_realtime_user_rec_t     *user;
    ngx_http_realtime_session_rec_t  *session;

    if (!rec->stored) {
        return;
    }

    user = ngx_http_realtime_at(z, rec->user);
    session = ngx_http_realtime_at(z, rec->session);

    ngx_memzero(&f, sizeof(f));

    f.type = NGX_HTTP_REALTIME_FACT_DISCONNECT;
    f.logged = (rec->stored & NGX_HTTP_REALTIME_STORED_EVENT) != 0;
    f.number = session->reason;
    f.s[0] = rt_str(RT_ID_LEN, rec->id);

    if (user) {
        f.s[1] = ngx_http_realtime_user_rec_id(user);
    }

    ngx_http_realtime_facts_put(z->rows, &f);
    ngx_http_realtime_facts_put(z->peers, &f);
    rec->stored = 0;
}


void
ngx_http_realtime_directory_loosen_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t ref)
{
    rt_ref_t                         *link;
    ngx_http_realtime_socket_rec_t   *rec, *other;
    ngx_http_realtime_session_rec_t  *session;

    rec = ngx_http_realtime_at(z, ref);
    session = ngx_http_realtime_at(z, rec->session);

    link = &session->sockets;

    while (*link && *link != ref) {
        other = ngx_http_realtime_at(z, *link);
        link = &other->next;
    }

    if (*link) {
        *link = rec->next;
    }

    if (session->due == 0) {
        z->sh->sockets--;
    }
}


ngx_int_t
ngx_http_realtime_directory_inherit(ngx_http_realtime_zone_t *z,
    ngx_http_realtime_wid_t of, ngx_http_realtime_wid_t heir,
    uint32_t *bucket, rt_ref_t *ref)
{
    ngx_int_t                         rc = NGX_DONE;
    ngx_http_realtime_shared_t       *sh = z->sh;
    ngx_http_realtime_session_rec_t  *rec = NULL;

    ngx_http_realtime_zone_lock(z);

    for ( /* void */ ; *bucket < sh->buckets; (*bucket)++) {

        *ref = sh->session_table[*bucket];
        rec = ngx_http_realtime_directory_orphan_locked(z, of, ref);

        if (rec == NULL) {
            continue;
        }

        rc = ngx_http_realtime_away_begin_locked(z, *ref,
                                 atomic_load(&sh->slot[of.slot].saved),
                                 UINT16_MAX, NGX_HTTP_REALTIME_CLOSED_LOST);
        if (rc == NGX_OK) {
            rc = NGX_AGAIN;
            break;
        }

        sh->slot[of.slot].sessions--;
        sh->slot[heir.slot].sessions++;
        rec->owner = heir;
        rec->reason = NGX_HTTP_REALTIME_CLOSED_LOST;
        rc = NGX_OK;
        break;
    }

    ngx_http_realtime_zone_unlock(z);

    return rc;
}


ngx_int_t
ngx_http_realtime_directory_owned(ngx_http_realtime_zone_t *z,
    ngx_http_realtime_wid_t owner, uint32_t bucket, u_char *sids,
    ngx_uint_t max)
{
    ngx_int_t                         n = 0;
    ngx_http_realtime_session_rec_t  *rec;

    if (bucket >= z->sh->buckets) {
        return NGX_DONE;
    }

    ngx_http_realtime_zone_lock(z);

    rec = ngx_http_realtime_at(z, z->sh->session_table[bucket]);

    for ( /* void */ ; rec && (ngx_uint_t) n < max;
         rec = ngx_http_realtime_at(z, rec->next))
    {
        if (rec->owner.slot == owner.slot
            && rec->owner.generation == owner.generation)
        {
            ngx_memcpy(sids + n++ * RT_ID_LEN, rec->sid, RT_ID_LEN);
        }
    }

    ngx_http_realtime_zone_unlock(z);

    return n;
}


/* goes along the bucket from "*ref"; NULL at its end */

static ngx_http_realtime_session_rec_t *
ngx_http_realtime_directory_orphan_locked(ngx_http_realtime_zone_t *z,
    ngx_http_realtime_wid_t of, rt_ref_t *ref)
{
    ngx_http_realtime_session_rec_t  *rec;

    for ( ;; ) {
        rec = ngx_http_realtime_at(z, *ref);

        if (rec == NULL
            || (rec->owner.slot == of.slot
                && rec->owner.generation < of.generation))
        {
            return rec;
        }

        *ref = rec->next;
    }
}
