
/*
 * All that is here is written, under the name that the host has now: when it is
 * a new one, and from time to time, so that it lives on.
 *
 * The tables of the zone are gone through bucket by bucket.  When one is read
 * all facts have been taken: so what comes behind it is what happened since.
 */


#include "cluster/ngx_http_realtime_state.h"
#include "hub/ngx_http_realtime_account.h"
#include "shm/ngx_http_realtime_roster.h"
#include "shm/ngx_http_realtime_users.h"


static ngx_int_t ngx_http_realtime_state_snapshot(
    ngx_http_realtime_state_t *st, size_t *need);
static size_t ngx_http_realtime_state_snap_room(ngx_http_realtime_state_t *st,
    ngx_http_realtime_room_rec_t *room, size_t at);
static size_t ngx_http_realtime_state_snap_user(ngx_http_realtime_state_t *st,
    ngx_http_realtime_user_rec_t *user, size_t at);
static size_t ngx_http_realtime_state_snap(ngx_http_realtime_state_t *st,
    size_t at, rt_str_t s, ngx_uint_t begin);
static ngx_int_t ngx_http_realtime_state_write(ngx_http_realtime_state_t *st,
    size_t size);
static ngx_int_t ngx_http_realtime_state_write_room(
    ngx_http_realtime_state_t *st, rt_str_t *list);
static ngx_int_t ngx_http_realtime_state_write_users(
    ngx_http_realtime_state_t *st, rt_str_t key, rt_str_t *args, ngx_uint_t n,
    ngx_http_realtime_fact_t *f);
static ngx_int_t ngx_http_realtime_state_write_user(
    ngx_http_realtime_state_t *st, rt_str_t *list);
static void ngx_http_realtime_state_synced(ngx_http_realtime_state_call_t *c,
    redisReply *reply);


/* buckets that are read at once, unless what they have is too much */
#define NGX_HTTP_REALTIME_STATE_BUCKETS  512
#define NGX_HTTP_REALTIME_STATE_PORTION  65536

/* of a call of ROOM_SYNC, before the users */
#define NGX_HTTP_REALTIME_STATE_SYNC_ARGS  9

/* users of a room in one call */
#define NGX_HTTP_REALTIME_STATE_USERS    500


ngx_uint_t
ngx_http_realtime_state_unsynced(ngx_http_realtime_state_t *st,
    const ngx_http_realtime_fact_t *f)
{
    uint32_t                   hash;
    ngx_http_realtime_zone_t  *z = st->hub->bus->zone;

    if (!st->syncing || atomic_load(&st->facts->sh->peers.synced)) {
        return 0;
    }

    switch (f->type) {

    case NGX_HTTP_REALTIME_FACT_JOIN:
    case NGX_HTTP_REALTIME_FACT_LEAVE:
    case NGX_HTTP_REALTIME_FACT_COUNT:
    case NGX_HTTP_REALTIME_FACT_ASK:
    case NGX_HTTP_REALTIME_FACT_UNASK:
    case NGX_HTTP_REALTIME_FACT_PRESENCE:
    case NGX_HTTP_REALTIME_FACT_QUERY:
        hash = (uint32_t) rt_hash2(&z->sh->key,
                                   f->s[NGX_HTTP_REALTIME_FACT_NSP], f->s[0]);

        return (hash & (z->sh->buckets - 1)) >= st->bucket;

    default:
        return 0;
    }
}


ngx_int_t
ngx_http_realtime_state_sync(ngx_http_realtime_state_t *st)
{
    size_t     need = NGX_HTTP_REALTIME_STATE_PORTION;
    ngx_int_t  rc;

    if (st->n >= NGX_HTTP_REALTIME_STATE_WINDOW / 2) {
        return NGX_BUSY;                /* answers go on with it */
    }

    do {
        if (ngx_http_realtime_scratch(&st->snapshot, need, st->log) == NULL) {
            return NGX_BUSY;
        }

        rc = ngx_http_realtime_state_snapshot(st, &need);

    } while (rc == NGX_DECLINED);

    if (rc == NGX_AGAIN) {
        return NGX_AGAIN;
    }

    if (ngx_http_realtime_state_write(st, need) != NGX_OK) {
        ngx_http_realtime_state_away(st);
        return NGX_BUSY;
    }

    return (st->bucket == st->hub->bus->zone->sh->buckets) ? NGX_DONE
                                                           : NGX_AGAIN;
}


/*
 * NGX_OK with "*need" bytes; NGX_AGAIN: there are facts to be taken before;
 * NGX_DECLINED: so many are needed.
 */

static ngx_int_t
ngx_http_realtime_state_snapshot(ngx_http_realtime_state_t *st, size_t *need)
{
    size_t                      at = 0, before;
    rt_ref_t                    ref;
    uint32_t                    i;
    ngx_int_t                   rc = NGX_OK;
    ngx_uint_t                  n;
    ngx_http_realtime_zone_t   *z = st->hub->bus->zone;
    ngx_http_realtime_keyed_t  *rec;
    ngx_http_realtime_room_rec_t  *room;

    st->snapped = ngx_http_realtime_now();

    ngx_http_realtime_zone_lock(z);

    if (rt_ring_head(st->facts->sh->ring) != st->pos) {
        ngx_http_realtime_zone_unlock(z);
        return NGX_AGAIN;
    }

    for (n = 0; n < NGX_HTTP_REALTIME_STATE_BUCKETS
                && st->bucket < z->sh->buckets;
         n++, st->bucket++)
    {
        i = st->bucket;
        before = at;

        for (ref = z->sh->room_table[i]; ref; ref = room->next) {
            room = ngx_http_realtime_at(z, ref);
            at = ngx_http_realtime_state_snap_room(st, room, at);
        }

        for (ref = z->sh->keyed_table[i]; ref; ref = rec->next) {
            rec = ngx_http_realtime_at(z, ref);

            if (rec->type == NGX_HTTP_REALTIME_RECORD_USER) {
                at = ngx_http_realtime_state_snap_user(st, (void *) rec, at);
            }
        }

        if (at <= st->snapshot.size) {
            continue;
        }

        /* what was read fits; if it is nothing there has to be more room */

        rc = before ? NGX_OK : NGX_DECLINED;
        at = before ? before : at;
        break;
    }

    ngx_http_realtime_zone_unlock(z);

    *need = at;

    return rc;
}


/* a room, or a user, begins with an item that has a flag */

static size_t
ngx_http_realtime_state_snap_room(ngx_http_realtime_state_t *st,
    ngx_http_realtime_room_rec_t *room, size_t at)
{
    u_char                            count[NGX_INT64_LEN];
    rt_ref_t                          ref;
    ngx_http_realtime_zone_t         *z = st->hub->bus->zone;
    ngx_http_realtime_user_rec_t     *user;
    ngx_http_realtime_member_rec_t   *member;
    ngx_http_realtime_socket_rec_t   *socket;

    if (room->count == 0) {
        return at;
    }

    at = ngx_http_realtime_state_snap(st, at, rt_lit("R"), 1);
    at = ngx_http_realtime_state_snap(st, at,
                                      ngx_http_realtime_room_rec_nsp(room), 0);
    at = ngx_http_realtime_state_snap(st, at,
                                      ngx_http_realtime_room_rec_name(room), 0);
    at = ngx_http_realtime_state_snap(st, at,
                            (room->kind & NGX_HTTP_REALTIME_ROOM_QUIET)
                            ? rt_lit("1") : rt_lit("0"), 0);
    at = ngx_http_realtime_state_snap(st, at,
                       rt_str(ngx_sprintf(count, "%uD", room->anonymous)
                              - count, count), 0);

    for (ref = room->members; ref; ref = member->next) {
        member = ngx_http_realtime_at(z, ref);
        socket = ngx_http_realtime_at(z, member->socket);
        user = member->occupant ? ngx_http_realtime_at(z, socket->user) : NULL;

        if (user) {
            at = ngx_http_realtime_state_snap(st, at,
                                      ngx_http_realtime_user_rec_id(user), 0);
        }
    }

    return at;
}


static size_t
ngx_http_realtime_state_snap_user(ngx_http_realtime_state_t *st,
    ngx_http_realtime_user_rec_t *user, size_t at)
{
    rt_ref_t                           ref;
    ngx_http_realtime_zone_t          *z = st->hub->bus->zone;
    ngx_http_realtime_room_rec_t      *room;
    ngx_http_realtime_occupant_rec_t  *rec;

    if (ngx_http_realtime_users_effective(user) == RT_STATUS_OFFLINE) {
        return at;
    }

    at = ngx_http_realtime_state_snap(st, at, rt_lit("U"), 1);
    at = ngx_http_realtime_state_snap(st, at,
                                      ngx_http_realtime_user_rec_nsp(user), 0);
    at = ngx_http_realtime_state_snap(st, at,
                                      ngx_http_realtime_user_rec_id(user), 0);
    at = ngx_http_realtime_state_snap(st, at,
              *rt_status_name(ngx_http_realtime_users_effective(user)), 0);
    at = ngx_http_realtime_state_snap(st, at,
                               ngx_http_realtime_users_custom(z, user), 0);
    at = ngx_http_realtime_state_snap(st, at, user->rooms_only ? rt_lit("1")
                                                               : rt_lit("0"),
                                      0);

    for (ref = user->rooms_only ? user->occupants.first : 0; ref;
         ref = rec->of_user.next)
    {
        rec = ngx_http_realtime_at(z, ref);
        room = ngx_http_realtime_at(z, rec->room);
        at = ngx_http_realtime_state_snap(st, at,
                                     ngx_http_realtime_room_rec_name(room), 0);
    }

    return at;
}


/* where it would end, also if that is too far */

static size_t
ngx_http_realtime_state_snap(ngx_http_realtime_state_t *st, size_t at,
    rt_str_t s, ngx_uint_t begin)
{
    size_t  end = at + ngx_http_realtime_list_size(s.len);

    if (end <= st->snapshot.size) {
        (void) ngx_http_realtime_list_put(st->snapshot.data + at, s, begin);
    }

    return end;
}


static ngx_int_t
ngx_http_realtime_state_write(ngx_http_realtime_state_t *st, size_t size)
{
    rt_str_t   list = rt_str(size, st->snapshot.data), what;
    ngx_int_t  rc = NGX_OK;

    while (rc == NGX_OK && st->known
           && ngx_http_realtime_list_next(&list, &what, NULL) == NGX_OK)
    {
        rc = rt_str_eq(what, rt_lit("R"))
             ? ngx_http_realtime_state_write_room(st, &list)
             : ngx_http_realtime_state_write_user(st, &list);
    }

    return rc;
}


static ngx_int_t
ngx_http_realtime_state_write_room(ngx_http_realtime_state_t *st,
    rt_str_t *list)
{
    u_char                     buf[NGX_HTTP_REALTIME_STATE_KEY];
    rt_str_t                   rest, item, key;
    rt_str_t                   args[NGX_HTTP_REALTIME_STATE_USERS + 5];
    ngx_int_t                  rc;
    ngx_uint_t                 n = 5, flag;
    ngx_http_realtime_fact_t   f;

    ngx_memzero(&f, sizeof(f));

    (void) ngx_http_realtime_list_next(list,
                                       &f.s[NGX_HTTP_REALTIME_FACT_NSP], NULL);
    (void) ngx_http_realtime_list_next(list, &f.s[0], NULL);
    (void) ngx_http_realtime_list_next(list, &args[1], NULL);
    (void) ngx_http_realtime_list_next(list, &args[2], NULL);

    f.type = NGX_HTTP_REALTIME_FACT_JOIN;
    f.time = st->snapped;
    f.logged = rt_str_eq(args[1], rt_lit("1"));

    args[0] = rt_str(st->self.len, st->self.name);
    args[3] = rt_lit("0");
    args[4] = rt_lit("0");

    key = ngx_http_realtime_state_key(buf, "rt:room:",
                                      f.s[NGX_HTTP_REALTIME_FACT_NSP],
                                      f.s[0]);

    for ( ;; ) {
        rest = *list;

        if (ngx_http_realtime_list_next(&rest, &item, &flag) != NGX_OK
            || flag)
        {
            break;
        }

        *list = rest;
        args[n++] = item;

        if (n == rt_nitems(args)) {
            rc = ngx_http_realtime_state_write_users(st, key, args, n, &f);

            if (rc != NGX_OK) {
                return rc;
            }

            n = 5;
        }
    }

    return ngx_http_realtime_state_write_users(st, key, args, n, &f);
}


static ngx_int_t
ngx_http_realtime_state_write_users(ngx_http_realtime_state_t *st,
    rt_str_t key, rt_str_t *args, ngx_uint_t n, ngx_http_realtime_fact_t *f)
{
    ngx_http_realtime_state_call_t  *c;

    c = ngx_http_realtime_state_call(st, NGX_HTTP_REALTIME_SCRIPT_ROOM_SYNC,
                                     key, args, n, f);
    if (c == NULL) {
        return NGX_ERROR;
    }

    c->answered = ngx_http_realtime_state_synced;
    ngx_http_realtime_state_send(c);

    return NGX_OK;
}


static ngx_int_t
ngx_http_realtime_state_write_user(ngx_http_realtime_state_t *st,
    rt_str_t *list)
{
    u_char                          *p, buf[NGX_HTTP_REALTIME_STATE_KEY];
    rt_str_t                         rest, item, key, args[4], only;
    ngx_uint_t                       flag;
    ngx_http_realtime_fact_t         f;
    ngx_http_realtime_state_call_t  *c;

    ngx_memzero(&f, sizeof(f));

    (void) ngx_http_realtime_list_next(list,
                                       &f.s[NGX_HTTP_REALTIME_FACT_NSP], NULL);
    (void) ngx_http_realtime_list_next(list, &f.s[0], NULL);
    (void) ngx_http_realtime_list_next(list, &args[1], NULL);
    (void) ngx_http_realtime_list_next(list, &args[2], NULL);
    (void) ngx_http_realtime_list_next(list, &only, NULL);

    f.type = NGX_HTTP_REALTIME_FACT_PRESENCE;
    args[0] = rt_str(st->self.len, st->self.name);
    args[3] = rt_lit("sync");

    /* the rooms are a list already */

    p = (u_char *) list->data;

    for (rest = *list;
         ngx_http_realtime_list_next(&rest, &item, &flag) == NGX_OK && !flag;
         *list = rest)
    {
        /* void */
    }

    if (rt_str_eq(only, rt_lit("1"))) {
        f.s[NGX_HTTP_REALTIME_FACT_ROOMS] = rt_str(list->data - p, p);
    }

    key = ngx_http_realtime_state_key(buf, "rt:pres:",
                                      f.s[NGX_HTTP_REALTIME_FACT_NSP],
                                      f.s[0]);

    c = ngx_http_realtime_state_call(st, NGX_HTTP_REALTIME_SCRIPT_PRES_ON, key,
                                     args, 4, &f);
    if (c == NULL) {
        return NGX_ERROR;
    }

    c->flags = NGX_HTTP_REALTIME_ENTRY_ABROAD;
    c->answered = ngx_http_realtime_state_answered;
    ngx_http_realtime_state_send(c);

    return NGX_OK;
}


/* who is new to the others, and known here */

static void
ngx_http_realtime_state_synced(ngx_http_realtime_state_call_t *c,
    redisReply *reply)
{
    uint64_t                           total;
    redisReply                        *first;
    ngx_uint_t                         i;
    ngx_http_realtime_fact_t           f;
    ngx_http_realtime_announcement_t   a;

    if (reply == NULL) {
        return;
    }

    /* the host that had written so may have gone */

    for (i = NGX_HTTP_REALTIME_STATE_SYNC_ARGS; i < c->argc; i++) {
        f = c->fact;
        f.s[1] = rt_str(c->argv[i].len, c->argv[i].data);
        ngx_http_realtime_account_settled(c->st->hub, &f, 0);
    }

    ngx_memzero(&a, sizeof(a));

    a.come = 1;
    a.nsp = c->fact.s[NGX_HTTP_REALTIME_FACT_NSP];
    a.room = c->fact.s[0];
    a.flags = NGX_HTTP_REALTIME_ENTRY_ABROAD;

    total = ngx_http_realtime_state_number(reply, 0);
    first = ngx_http_realtime_state_list(reply, 1);

    ngx_http_realtime_roster_total(c->st->hub->bus->zone, a.nsp, a.room,
                                   total);

    if (first == NULL || first->type != REDIS_REPLY_ARRAY || c->fact.logged) {
        return;
    }

    for (i = 0; i < first->elements; i++) {
        a.user = ngx_http_realtime_state_text(first, i);
        ngx_http_realtime_state_moved(c->st, &a, total);
    }
}
