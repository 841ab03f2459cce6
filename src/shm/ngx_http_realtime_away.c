
#include "shm/ngx_http_realtime_away.h"
#include "shm/ngx_http_realtime_directory.h"
#include "shm/ngx_http_realtime_keyed.h"


static ngx_int_t ngx_http_realtime_away_owned(ngx_http_realtime_zone_t *z,
    ngx_http_realtime_socket_rec_t *rec,
    const ngx_http_realtime_claim_t *claim);
static ngx_int_t ngx_http_realtime_away_start(ngx_http_realtime_zone_t *z,
    ngx_http_realtime_socket_rec_t *rec,
    const ngx_http_realtime_claim_t *claim, ngx_http_realtime_taken_t *t);
static ngx_int_t ngx_http_realtime_away_rooms(ngx_http_realtime_zone_t *z,
    ngx_http_realtime_socket_rec_t *rec, ngx_http_realtime_taken_t *t);
static void ngx_http_realtime_away_give(ngx_http_realtime_zone_t *z,
    rt_ref_t ref, const ngx_http_realtime_claim_t *claim);


#define NGX_HTTP_REALTIME_AWAY_LINK                                           \
    offsetof(ngx_http_realtime_session_rec_t, link)

#define ngx_http_realtime_away_chain_of(z, second)                            \
    (&(z)->sh->away_chain[(second) % NGX_HTTP_REALTIME_AWAY_SECONDS])


ngx_int_t
ngx_http_realtime_away_begin(ngx_http_realtime_zone_t *z, rt_ref_t ref,
    uint64_t from, uint16_t longest, ngx_http_realtime_reason_e reason)
{
    ngx_int_t  rc;

    ngx_http_realtime_zone_lock(z);

    rc = ngx_http_realtime_away_begin_locked(z, ref, from, longest, reason);

    ngx_http_realtime_zone_unlock(z);

    return rc;
}


ngx_int_t
ngx_http_realtime_away_begin_locked(ngx_http_realtime_zone_t *z, rt_ref_t ref,
    uint64_t from, uint16_t longest, ngx_http_realtime_reason_e reason)
{
    rt_ref_t                          next;
    ngx_http_realtime_socket_rec_t   *socket;
    ngx_http_realtime_session_rec_t  *rec = ngx_http_realtime_at(z, ref);

    if (rec == NULL || rec->type != NGX_HTTP_REALTIME_RECORD_SESSION
        || rec->due || rec->window == 0 || rec->sockets == 0)
    {
        return NGX_DECLINED;
    }

    ngx_http_realtime_directory_unlink_locked(z, ref);

    for (next = rec->sockets; next; next = socket->next) {
        socket = ngx_http_realtime_at(z, next);
        z->sh->sockets--;
    }

    rec->from = from;
    rec->reason = reason;

    /* from this store on it is away, whoever dies */

    atomic_thread_fence(memory_order_release);

    rec->due = ngx_http_realtime_zone_second(z)
               + ngx_min(rec->window, longest);

    ngx_http_realtime_away_link_locked(z, ref);

    return NGX_OK;
}


void
ngx_http_realtime_away_link_locked(ngx_http_realtime_zone_t *z, rt_ref_t ref)
{
    ngx_http_realtime_session_rec_t  *rec = ngx_http_realtime_at(z, ref);

    /* clocks of workers differ a little: not behind what was looked at */

    rec->due = ngx_max(rec->due, z->sh->away_due);

    ngx_http_realtime_chain_add(z,
                                ngx_http_realtime_away_chain_of(z, rec->due),
                                ref, NGX_HTTP_REALTIME_AWAY_LINK, 0);
    z->sh->away++;
}


ngx_int_t
ngx_http_realtime_away_id(ngx_http_realtime_zone_t *z, rt_ref_t socket,
    u_char *id)
{
    ngx_int_t                        rc = NGX_DECLINED;
    ngx_http_realtime_socket_rec_t  *rec;

    ngx_http_realtime_zone_lock(z);

    rec = ngx_http_realtime_at(z, socket);

    if (rec && rec->type == NGX_HTTP_REALTIME_RECORD_SOCKET) {
        ngx_memcpy(id, rec->id, RT_ID_LEN);
        rc = NGX_OK;
    }

    ngx_http_realtime_zone_unlock(z);

    return rc;
}


ngx_int_t
ngx_http_realtime_away_take(ngx_http_realtime_zone_t *z,
    const ngx_http_realtime_claim_t *claim, ngx_http_realtime_taken_t *t)
{
    ngx_int_t                        rc;
    ngx_http_realtime_socket_rec_t  *rec;

    ngx_http_realtime_zone_lock(z);

    rec = ngx_http_realtime_at(z, claim->socket);
    rc = ngx_http_realtime_away_owned(z, rec, claim);

    if (rc == NGX_OK) {
        rc = ngx_http_realtime_away_start(z, rec, claim, t);
    }

    if (rc != NGX_DECLINED && t->live && !claim->asked) {
        t->from = (rc == NGX_OK) ? t->from : 0;
        rc = NGX_BUSY;
    }

    if (rc == NGX_OK) {
        rc = ngx_http_realtime_away_rooms(z, rec, t);
    }

    if (rc == NGX_OK) {
        ngx_http_realtime_away_give(z, claim->socket, claim);
    }

    ngx_http_realtime_zone_unlock(z);

    return rc;
}


/* whether the socket is there, and the one who asks may have it */

static ngx_int_t
ngx_http_realtime_away_owned(ngx_http_realtime_zone_t *z,
    ngx_http_realtime_socket_rec_t *rec,
    const ngx_http_realtime_claim_t *claim)
{
    rt_str_t                          id;
    ngx_http_realtime_user_rec_t     *user;
    ngx_http_realtime_session_rec_t  *session;

    if (rec == NULL
        || rec->type != NGX_HTTP_REALTIME_RECORD_SOCKET
        || ngx_memcmp(rec->id, claim->id, RT_ID_LEN) != 0
        || rec->session == claim->to)
    {
        return NGX_DECLINED;
    }

    session = ngx_http_realtime_at(z, rec->session);
    user = ngx_http_realtime_at(z, rec->user);
    id = user ? ngx_http_realtime_user_rec_id(user) : rt_str(0, NULL);

    if (session->location != claim->location
        || session->window == 0
        || !rt_str_eq(id, claim->user)
        || (session->due
            && session->due <= ngx_http_realtime_zone_second(z)))
    {
        return NGX_DECLINED;
    }

    return NGX_OK;
}


/*
 * Where to begin.  As long as the log has what follows the client's offset
 * that is enough.  A client that was given nothing for a long time has an
 * offset that the log has written over: then it is the last one that it was
 * given, and what it may have missed begins where that was last known.
 */

static ngx_int_t
ngx_http_realtime_away_start(ngx_http_realtime_zone_t *z,
    ngx_http_realtime_socket_rec_t *rec,
    const ngx_http_realtime_claim_t *claim, ngx_http_realtime_taken_t *t)
{
    uint64_t                          head, tail, exact;
    ngx_http_realtime_session_rec_t  *session;

    session = ngx_http_realtime_at(z, rec->session);

    ngx_memcpy(t->sid, session->sid, RT_ID_LEN);
    t->owner = session->owner;
    t->session = rec->session;
    t->live = (session->due == 0);
    t->excused = (session->due
                  && ngx_http_realtime_reason_excused(session->reason));
    t->age = (uint16_t) (ngx_http_realtime_zone_second(z) - session->opened);
    t->from = (claim->began || claim->offset < rec->began)
              ? rec->began : claim->offset;

    t->commands = t->live
                  ? atomic_load(&z->sh->slot[session->owner.slot].cursor)
                  : session->from;

    head = rt_ring_head(z->ring);
    tail = rt_ring_tail(z->ring);

    if (t->from > head) {
        return NGX_ABORT;
    }

    if (claim->from) {
        t->from = claim->from;

    } else if (t->from < tail
               && rec->sent == (claim->began ? 0 : claim->offset)
               && session->carrier != NGX_HTTP_REALTIME_CARRIER_TRANSIT)
    {
        exact = t->live
                ? atomic_load(&z->sh->slot[session->owner.slot].saved)
                : session->from;

        t->from = ngx_max(t->from, exact);
    }

    return (t->from < tail || head - t->from > claim->limit) ? NGX_ABORT
                                                             : NGX_OK;
}


static ngx_int_t
ngx_http_realtime_away_rooms(ngx_http_realtime_zone_t *z,
    ngx_http_realtime_socket_rec_t *rec, ngx_http_realtime_taken_t *t)
{
    u_char                          *p = t->rooms;
    size_t                           size = 0;
    rt_ref_t                         ref;
    rt_str_t                         name;
    ngx_http_realtime_room_rec_t    *room;
    ngx_http_realtime_member_rec_t  *member;

    for (ref = rec->members; ref; ref = member->next_room) {
        member = ngx_http_realtime_at(z, ref);
        room = ngx_http_realtime_at(z, member->room);
        name = ngx_http_realtime_room_rec_name(room);

        size += ngx_http_realtime_taken_size(name.len);

        if (size <= t->size) {
            *p++ = room->kind;
            *p++ = name.len;
            p = ngx_cpymem(p, &member->since, sizeof(member->since));
            p = ngx_cpymem(p, name.data, name.len);
        }
    }

    if (size > t->size) {
        t->size = size;
        return NGX_AGAIN;
    }

    t->size = size;

    return NGX_OK;
}


static void
ngx_http_realtime_away_give(ngx_http_realtime_zone_t *z, rt_ref_t ref,
    const ngx_http_realtime_claim_t *claim)
{
    rt_ref_t                          old;
    ngx_http_realtime_socket_rec_t   *rec = ngx_http_realtime_at(z, ref);
    ngx_http_realtime_session_rec_t  *session, *to;

    old = rec->session;
    session = ngx_http_realtime_at(z, old);
    to = ngx_http_realtime_at(z, claim->to);

    ngx_http_realtime_directory_loosen_locked(z, ref);

    /* the socket changes hands with one store, and all else is right before */

    to->window = claim->window;
    rec->sent = NGX_HTTP_REALTIME_SENT_UNKNOWN;

    atomic_thread_fence(memory_order_release);

    rec->session = claim->to;
    rec->next = to->sockets;

    to->sockets = ref;
    z->sh->sockets++;

    if (session->due && session->sockets == 0) {
        ngx_http_realtime_away_drop_locked(z, old);
    }
}


rt_ref_t
ngx_http_realtime_away_over_locked(ngx_http_realtime_zone_t *z,
    ngx_uint_t crowded)
{
    uint32_t                          now, i;
    rt_ref_t                          ref;
    ngx_http_realtime_shared_t       *sh = z->sh;
    ngx_http_realtime_session_rec_t  *rec;

    if (sh->away == 0) {
        return 0;
    }

    now = ngx_http_realtime_zone_second(z);

    if (now >= NGX_HTTP_REALTIME_AWAY_SECONDS) {
        sh->away_due = ngx_max(sh->away_due,
                               now - NGX_HTTP_REALTIME_AWAY_SECONDS + 1);
    }

    for ( ;; ) {
        ref = ngx_http_realtime_away_chain_of(z, sh->away_due)->first;

        for ( /* void */ ; ref; ref = rec->link.next) {
            rec = ngx_http_realtime_at(z, ref);

            if (rec->due <= now) {
                return ref;
            }
        }

        if (sh->away_due >= now) {
            break;
        }

        sh->away_due++;
    }

    for (i = 1; crowded && i <= NGX_HTTP_REALTIME_AWAY_SECONDS; i++) {
        ref = ngx_http_realtime_away_chain_of(z, now + i)->first;

        if (ref) {
            rec = ngx_http_realtime_at(z, ref);
            rec->window = 0;            /* nobody is to come back for it */
            return ref;
        }
    }

    return 0;
}


void
ngx_http_realtime_away_drop_locked(ngx_http_realtime_zone_t *z, rt_ref_t ref)
{
    ngx_http_realtime_session_rec_t  *rec = ngx_http_realtime_at(z, ref);

    while (rec->sockets) {
        ngx_http_realtime_directory_drop_socket_locked(z, rec->sockets);
    }

    ngx_http_realtime_chain_remove(z,
                                ngx_http_realtime_away_chain_of(z, rec->due),
                                ref, NGX_HTTP_REALTIME_AWAY_LINK);
    z->sh->away--;

    rt_arena_free(z->sh->arena, ref);
}
