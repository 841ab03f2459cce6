
#include "hub/ngx_http_realtime_recover.h"
#include "hub/ngx_http_realtime_account.h"
#include "hub/ngx_http_realtime_announce.h"
#include "hub/ngx_http_realtime_presence.h"
#include "hub/ngx_http_realtime_replay.h"
#include "hub/ngx_http_realtime_settle.h"
#include "session/ngx_http_realtime_input.h"
#include "session/ngx_http_realtime_knock.h"
#include "shm/ngx_http_realtime_away.h"

#include "chat/rt_name.h"


static ngx_int_t ngx_http_realtime_recover_claim(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_session_t *s, const ngx_http_realtime_return_t *ret,
    ngx_http_realtime_claim_t *claim);
static ngx_int_t ngx_http_realtime_recover_ask(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_session_t *s, const ngx_http_realtime_return_t *ret,
    const ngx_http_realtime_taken_t *t);
static void ngx_http_realtime_recover_heard(ngx_http_realtime_waiter_t *w,
    ngx_http_realtime_entry_t *e);
static void ngx_http_realtime_recover_unheard(void *ctx,
    ngx_http_realtime_beat_t *beat);
static void ngx_http_realtime_recover_knock(ngx_http_realtime_knock_t *k);
static ngx_int_t ngx_http_realtime_recover_take(ngx_http_realtime_hub_t *hub,
    const ngx_http_realtime_claim_t *claim, ngx_http_realtime_taken_t *t);
static void ngx_http_realtime_recover_oust(ngx_http_realtime_hub_t *hub,
    const ngx_http_realtime_taken_t *t, rt_str_t nsp, rt_str_t id);
static ngx_int_t ngx_http_realtime_recover_open(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_session_t *s, const ngx_http_realtime_return_t *ret,
    ngx_http_realtime_claim_t *claim, ngx_http_realtime_taken_t *t);
static ngx_int_t ngx_http_realtime_recover_room(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_socket_t *sk, const u_char *taken);
static void ngx_http_realtime_recover_knocks(ngx_http_realtime_session_t *s);
static ngx_int_t ngx_http_realtime_recover_admit(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_socket_t *sk);
static ngx_int_t ngx_http_realtime_recover_admits(
    ngx_http_realtime_hub_t *hub, ngx_http_realtime_socket_t *sk,
    ngx_http_realtime_room_t *room);
static void ngx_http_realtime_recover_save_one(void *ctx,
    ngx_http_realtime_session_t *s);


/* who was there for so long did not come to be counted, s */
#define NGX_HTTP_REALTIME_RECOVER_SETTLED  60

/* how long a worker may take to read what has come from one client, ms */
#define NGX_HTTP_REALTIME_RECOVER_ASK      1000

/* of the log, one part in so many may be read before offsets are saved */
#define NGX_HTTP_REALTIME_RECOVER_SAVE     8


ngx_int_t
ngx_http_realtime_recover(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_session_t *s, const ngx_http_realtime_return_t *ret)
{
    ngx_int_t                  rc;
    ngx_http_realtime_claim_t  claim;
    ngx_http_realtime_taken_t  t;

    if (ngx_http_realtime_recover_claim(hub, s, ret, &claim) != NGX_OK) {
        return NGX_DECLINED;
    }

    rc = ngx_http_realtime_recover_take(hub, &claim, &t);

    if (rc == NGX_DECLINED || rc == NGX_ERROR) {
        return rc;
    }

    if (rc == NGX_BUSY) {
        return ngx_http_realtime_recover_ask(hub, s, ret, &t);
    }

    if (rc == NGX_ABORT) {

        /* it begins anew; what it was has gone for good */

        ngx_http_realtime_settle_socket(hub, claim.socket, t.session,
                                        claim.id);
    }

    if (t.live) {
        ngx_http_realtime_recover_oust(hub, &t, ret->nsp,
                                       rt_str(RT_ID_LEN, claim.id));
    }

    if (rc == NGX_ABORT) {
        return NGX_DECLINED;
    }

    rc = ngx_http_realtime_recover_open(hub, s, ret, &claim, &t);

    if (rc == NGX_OK) {
        ngx_http_realtime_count(hub->bus, RECOVERED);

        /* it is no new connection: a reload is not to shut anybody out */

        if (s->client.counted.ref
            && (t.excused || t.age >= NGX_HTTP_REALTIME_RECOVER_SETTLED))
        {
            ngx_http_realtime_client_uncount(hub->bus->zone, &s->client);
        }
    }

    return rc;
}


/* whether the pid is right, and what follows from what was shown */

static ngx_int_t
ngx_http_realtime_recover_claim(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_session_t *s, const ngx_http_realtime_return_t *ret,
    ngx_http_realtime_claim_t *claim)
{
    ngx_http_realtime_zone_t   *z = hub->bus->zone;
    ngx_http_realtime_knock_t  *k;

    if (rt_pid_ref(ret->pid, &claim->socket) != RT_OK
        || ngx_http_realtime_away_id(z, claim->socket, claim->id) != NGX_OK
        || !rt_pid_is(ret->pid, &z->sh->pid_key, claim->socket, claim->id,
                      ret->nsp))
    {
        return NGX_DECLINED;
    }

    claim->to = s->ref;
    claim->window = ngx_http_realtime_session_window(s);
    claim->location = s->conf->location;
    claim->user = ret->who ? ret->who->id : rt_str(0, NULL);

    /* what it was given since it was asked for may not have come through */

    k = ngx_http_realtime_knock_find(s, ret->nsp);

    claim->asked = (k != NULL);
    claim->from = k ? k->from : 0;
    claim->began = (ret->offset.data == NULL);
    claim->limit = s->conf->recovery_limit;

    /* one that we never gave is nowhere in the log */

    if (rt_offset_read(ret->offset, &z->sh->key, &claim->offset) != RT_OK) {
        claim->offset = (uint64_t) -1;
    }

    return NGX_OK;
}


/*
 * Also when it is this worker that has the session: reading is no part of a
 * call that is reading.
 */

static ngx_int_t
ngx_http_realtime_recover_ask(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_session_t *s, const ngx_http_realtime_return_t *ret,
    const ngx_http_realtime_taken_t *t)
{
    ngx_http_realtime_entry_t   e;
    ngx_http_realtime_knock_t  *k;

    k = ngx_http_realtime_knock_add(s, ret->nsp, ret->auth);
    if (k == NULL) {
        return NGX_ERROR;
    }

    k->from = t->from;
    k->waiter.owner = t->owner;
    k->waiter.since = ngx_http_realtime_bus_head(hub->bus);
    k->waiter.answer = ngx_http_realtime_recover_heard;

    if (ngx_http_realtime_waiter_add(&hub->bus->waiters, &k->waiter, hub->log)
        != NGX_OK
        || ngx_http_realtime_beat_set(&hub->set->beats, &k->beat,
                                      ngx_http_realtime_recover_unheard,
                                      NGX_HTTP_REALTIME_RECOVER_ASK,
                                      ngx_current_msec)
           != NGX_OK)
    {
        ngx_http_realtime_knock_free(k);
        return NGX_ERROR;
    }

    ngx_memzero(&e, sizeof(e));

    e.type = NGX_HTTP_REALTIME_ENTRY_HEAR;
    e.to = t->owner;
    e.handle = k->waiter.handle;
    e.sid = rt_str(RT_ID_LEN, t->sid);

    (void) ngx_http_realtime_bus_append(hub->bus, &e);

    return NGX_AGAIN;
}


/* whatever the answer is: the worker may have died */

static void
ngx_http_realtime_recover_heard(ngx_http_realtime_waiter_t *w,
    ngx_http_realtime_entry_t *e)
{
    ngx_http_realtime_recover_knock(ngx_queue_data(w,
                                          ngx_http_realtime_knock_t, waiter));
}


static void
ngx_http_realtime_recover_unheard(void *ctx, ngx_http_realtime_beat_t *beat)
{
    ngx_http_realtime_recover_knock(ngx_queue_data(beat,
                                          ngx_http_realtime_knock_t, beat));
}


/* while "k" is there it was asked for its namespace */

static void
ngx_http_realtime_recover_knock(ngx_http_realtime_knock_t *k)
{
    rt_sio_packet_t  pkt;

    if (ngx_http_realtime_session_alive(k->session)) {
        ngx_http_realtime_knock_packet(k, &pkt);
        ngx_http_realtime_input_let_in(k->session, &pkt);
    }

    ngx_http_realtime_knock_free(k);
}


static void
ngx_http_realtime_recover_knocks(ngx_http_realtime_session_t *s)
{
    rt_sio_packet_t             pkt;
    ngx_http_realtime_knock_t  *k, *knocks = s->knocks;

    s->knocks = NULL;

    while (knocks) {
        k = knocks;
        knocks = k->next;

        if (ngx_http_realtime_session_alive(s)) {
            ngx_http_realtime_knock_packet(k, &pkt);
            ngx_http_realtime_input_let_in(s, &pkt);
        }

        ngx_http_realtime_knock_free(k);
    }
}


/* the list of rooms is in hub->args */

static ngx_int_t
ngx_http_realtime_recover_take(ngx_http_realtime_hub_t *hub,
    const ngx_http_realtime_claim_t *claim, ngx_http_realtime_taken_t *t)
{
    size_t     size = 0;
    ngx_int_t  rc;

    do {
        t->rooms = ngx_http_realtime_scratch(&hub->args, size, hub->log);
        t->size = hub->args.size;

        if (t->rooms == NULL) {
            return NGX_ERROR;
        }

        rc = ngx_http_realtime_away_take(hub->bus->zone, claim, t);
        size = t->size;

    } while (rc == NGX_AGAIN);

    return rc;
}


/* whoever has the session still is told that it has lost the socket */

static void
ngx_http_realtime_recover_oust(ngx_http_realtime_hub_t *hub,
    const ngx_http_realtime_taken_t *t, rt_str_t nsp, rt_str_t id)
{
    rt_str_t                      sid = rt_str(RT_ID_LEN, t->sid);
    ngx_http_realtime_entry_t     e;
    ngx_http_realtime_session_t  *s;

    s = ngx_http_realtime_session_find(hub->set, sid);

    if (s) {
        ngx_http_realtime_recover_evict(s, nsp, id);
        return;
    }

    ngx_memzero(&e, sizeof(e));

    e.type = NGX_HTTP_REALTIME_ENTRY_EVICT;
    e.to = t->owner;
    e.sid = sid;
    e.nsp = nsp;
    e.packets = id;

    (void) ngx_http_realtime_bus_append(hub->bus, &e);
}


void
ngx_http_realtime_recover_evict(ngx_http_realtime_session_t *s, rt_str_t nsp,
    rt_str_t id)
{
    ngx_http_realtime_socket_t  *sk;

    sk = ngx_http_realtime_socket_find(s, nsp);

    if (sk == NULL || !rt_str_eq(id, ngx_http_realtime_socket_id(sk))) {
        return;
    }

    /*
     * What is another session's now is left alone by whoever closes it.  A
     * client that is in other namespaces, too, goes on, and is told.
     */

    if (s->sockets == sk && sk->next == NULL && s->knocks == NULL) {
        ngx_http_realtime_socket_close(sk);
        ngx_http_realtime_session_close(s, NGX_HTTP_REALTIME_CLOSED_FORCED);

    } else {
        ngx_http_realtime_socket_kick(sk);
    }
}


static ngx_int_t
ngx_http_realtime_recover_open(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_session_t *s, const ngx_http_realtime_return_t *ret,
    ngx_http_realtime_claim_t *claim, ngx_http_realtime_taken_t *t)
{
    u_char                      *p = t->rooms, *last = t->rooms + t->size;
    ngx_int_t                    rc;
    ngx_http_realtime_socket_t  *sk;

    sk = ngx_http_realtime_socket_open(s, ret->nsp, claim->id, claim->socket);

    if (sk == NULL) {
        ngx_http_realtime_settle_socket(hub, claim->socket, s->ref,
                                        claim->id);
        return NGX_ERROR;
    }

    sk->sent = claim->began ? 0 : claim->offset;

    if (ret->who) {
        ngx_http_realtime_socket_identify(sk, ret->who);
    }

    rc = ngx_http_realtime_room_join_own(&hub->rooms, sk);

    if (rc == NGX_OK) {
        rc = ngx_http_realtime_replay_begin(hub, sk, t->from, t->commands, 0);
    }

    while (rc == NGX_OK && p < last) {
        rc = ngx_http_realtime_recover_room(hub, sk, p);
        p += ngx_http_realtime_taken_size(p[1]);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_realtime_recover_admit(hub, sk);
    }

    if (rc != NGX_OK) {
        /* the rooms that are not known here yet are told, too */

        ngx_http_realtime_settle_socket(hub, claim->socket, s->ref,
                                        claim->id);

        sk->who = NULL;                 /* the caller's still */
        ngx_http_realtime_socket_close(sk);

        return (rc == NGX_DECLINED) ? NGX_DECLINED : NGX_ERROR;
    }

    return NGX_OK;
}


/* a room of ~away's list */

static ngx_int_t
ngx_http_realtime_recover_room(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_socket_t *sk, const u_char *taken)
{
    uint64_t                   since;
    rt_str_t                   name;
    ngx_http_realtime_kind_t   kind = taken[0];
    ngx_http_realtime_room_t  *room;

    ngx_memcpy(&since, taken + 2, sizeof(since));
    name = rt_str(taken[1], taken + 2 + sizeof(since));

    if (ngx_http_realtime_room_join(&hub->rooms, sk, name) != NGX_OK) {
        return NGX_ERROR;
    }

    room = sk->rooms[sk->nrooms - 1].room;
    room->kind = kind;

    if (since > sk->replay->from
        && ngx_http_realtime_replay_joined(sk, room->hash, since) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


/*
 * What the new token does not admit is left; the last takes a free place.
 * NGX_DECLINED: it is in a private room, and nobody can say that it may be.
 */

static ngx_int_t
ngx_http_realtime_recover_admit(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_socket_t *sk)
{
    uint32_t                   i;
    ngx_int_t                  rc;
    ngx_http_realtime_room_t  *room;

    for (i = sk->nrooms; i > 0; i--) {

        room = sk->rooms[i - 1].room;

        if (ngx_http_realtime_room_is_own(room->name)) {
            continue;
        }

        rc = ngx_http_realtime_recover_admits(hub, sk, room);

        if (rc == NGX_DECLINED) {
            return NGX_DECLINED;
        }

        if (rc != NGX_OK) {
            (void) ngx_http_realtime_depart(hub, sk, room->name);
        }
    }

    return NGX_OK;
}


/*
 * NGX_ABORT: it is to leave.  What a room was when the client went says little
 * of what it is; whoever has to be asked is, and nothing is replayed until
 * there is an answer.
 */

static ngx_int_t
ngx_http_realtime_recover_admits(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_socket_t *sk, ngx_http_realtime_room_t *room)
{
    ngx_int_t                  rc, asked;
    ngx_uint_t                 private;
    ngx_http_realtime_known_t  known;

    /* one that no client can name: it was put there by another server */

    if (!rt_room_name_valid(room->name)) {
        return NGX_OK;
    }

    if (!ngx_http_realtime_identity_admits(sk->who, room->name)) {
        return NGX_ABORT;
    }

    if (ngx_http_realtime_identity_names(sk->who, room->name)) {
        return NGX_OK;
    }

    private = room->kind & NGX_HTTP_REALTIME_ROOM_PRIVATE;

    if (hub->reader == NULL || !ngx_http_realtime_account_main(room->nsp)) {
        return private ? NGX_ABORT : NGX_OK;
    }

    rc = ngx_http_realtime_known_find(hub->bus->zone, room->name,
                                      sk->who ? sk->who->id : rt_lit(""),
                                      private, &known);

    if (rc != NGX_DECLINED && known.exists) {
        private |= known.kind & NGX_HTTP_REALTIME_ROOM_PRIVATE;
    }

    if (rc == NGX_OK) {
        return (private && !known.member) ? NGX_DECLINED : NGX_OK;
    }

    asked = hub->on_doubt(sk, room->name);

    if (asked == NGX_OK) {
        sk->replay->doubts++;
        return NGX_OK;
    }

    if (asked == NGX_DONE) {
        return private ? NGX_ABORT : NGX_OK;
    }

    /* it is away: as it was then, as far as anybody knows */

    return (private && (rc == NGX_DECLINED || !known.member)) ? NGX_DECLINED
                                                              : NGX_OK;
}


void
ngx_http_realtime_recover_taken(ngx_http_realtime_session_t *s)
{
    ngx_http_realtime_socket_t  *sk, *next;

    for (sk = s->sockets; sk; sk = next) {
        next = sk->next;

        if (ngx_http_realtime_socket_rec(sk) == NULL) {
            ngx_http_realtime_socket_close(sk);
        }
    }
}


void
ngx_http_realtime_recover_arrived(ngx_http_realtime_session_t *s)
{
    ngx_http_realtime_socket_t  *sk;

    /* whoever was asked where it comes from tells nobody here */

    for (sk = s->sockets; sk; sk = sk->next) {
        if (sk->replay
            && ngx_http_realtime_recover_admit(s->set->data, sk) != NGX_OK)
        {
            ngx_http_realtime_session_close(s,
                                            NGX_HTTP_REALTIME_CLOSED_FORCED);
            return;
        }
    }

    ngx_http_realtime_recover_knocks(s);
}


void
ngx_http_realtime_recover_save(ngx_http_realtime_session_t *s)
{
    ngx_http_realtime_socket_t  *sk;

    for (sk = s->sockets; sk; sk = sk->next) {
        ngx_http_realtime_socket_save(sk, ngx_http_realtime_session_alive(s));
    }
}


void
ngx_http_realtime_recover_save_all(ngx_http_realtime_hub_t *hub)
{
    ngx_http_realtime_bus_t  *bus = hub->bus;

    /* the entry that is being read has not been given to anybody yet */

    if (bus->pos - atomic_load_explicit(&bus->slot->saved,
                                        memory_order_relaxed)
        < bus->zone->ring->size / NGX_HTTP_REALTIME_RECOVER_SAVE)
    {
        return;
    }

    ngx_http_realtime_sessions_each(hub->set,
                                    ngx_http_realtime_recover_save_one, hub);

    atomic_store(&bus->slot->saved, bus->pos);
}


static void
ngx_http_realtime_recover_save_one(void *ctx, ngx_http_realtime_session_t *s)
{
    if (s->recoverable) {
        ngx_http_realtime_recover_save(s);
    }
}
