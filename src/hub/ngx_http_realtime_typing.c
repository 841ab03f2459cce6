
#include "hub/ngx_http_realtime_typing.h"
#include "hub/ngx_http_realtime_account.h"
#include "hub/ngx_http_realtime_alarm.h"
#include "hub/ngx_http_realtime_peers.h"
#include "shm/ngx_http_realtime_roster.h"


static void ngx_http_realtime_typing_handler(ngx_event_t *ev);
static void ngx_http_realtime_typing_later(ngx_http_realtime_hub_t *hub);
static rt_ref_t ngx_http_realtime_typing_member_locked(
    ngx_http_realtime_hub_t *hub, ngx_http_realtime_socket_t *sk,
    rt_str_t room);
static void ngx_http_realtime_typing_account_locked(
    ngx_http_realtime_hub_t *hub, rt_ref_t member, rt_ref_t thread,
    uint64_t until, rt_str_t socket);
static rt_str_t ngx_http_realtime_typing_users_locked(
    ngx_http_realtime_hub_t *hub, rt_ref_t thread);
static rt_ref_t ngx_http_realtime_typing_expire_locked(
    ngx_http_realtime_hub_t *hub, uint64_t now);
static rt_str_t ngx_http_realtime_typing_args(ngx_http_realtime_hub_t *hub,
    const ngx_http_realtime_typing_news_t *news);


void
ngx_http_realtime_typing_init(ngx_http_realtime_hub_t *hub)
{
    ngx_http_realtime_alarm_init(&hub->typing,
                                 ngx_http_realtime_typing_handler, hub,
                                 hub->log);
}


ngx_int_t
ngx_http_realtime_typing_start(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_socket_t *sk, rt_str_t room,
    const ngx_http_realtime_thread_t *thread, ngx_msec_t timeout)
{
    uint64_t                   until = ngx_http_realtime_now() + timeout;
    rt_ref_t                   member, ref;
    ngx_int_t                  rc = NGX_OK;
    ngx_http_realtime_zone_t  *z = hub->bus->zone;

    ngx_http_realtime_zone_lock(z);

    member = ngx_http_realtime_typing_member_locked(hub, sk, room);

    if (member) {
        rc = ngx_http_realtime_typists_start_locked(z, member, thread, until,
                                                    &ref);
        if (rc == NGX_OK) {
            ngx_http_realtime_typing_account_locked(hub, member, ref, until,
                                           ngx_http_realtime_socket_id(sk));
            ngx_http_realtime_typing_tell_locked(hub, ref,
                                           ngx_http_realtime_socket_id(sk));
        }
    }

    ngx_http_realtime_zone_unlock(z);
    ngx_http_realtime_bus_kick(hub->bus);

    ngx_http_realtime_typing_later(hub);

    return rc;
}


void
ngx_http_realtime_typing_stop(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_socket_t *sk, rt_str_t room,
    const ngx_http_realtime_thread_t *thread)
{
    rt_ref_t                   member, ref;
    ngx_http_realtime_zone_t  *z = hub->bus->zone;

    ngx_http_realtime_zone_lock(z);

    member = ngx_http_realtime_typing_member_locked(hub, sk, room);

    ref = member ? ngx_http_realtime_typists_stop_locked(z, member, thread)
                 : 0;

    if (ref) {
        ngx_http_realtime_typing_account_locked(hub, member, ref, 0,
                                           ngx_http_realtime_socket_id(sk));
        ngx_http_realtime_typing_tell_locked(hub, ref,
                                           ngx_http_realtime_socket_id(sk));
    }

    ngx_http_realtime_zone_unlock(z);
    ngx_http_realtime_bus_kick(hub->bus);
}


static rt_ref_t
ngx_http_realtime_typing_member_locked(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_socket_t *sk, rt_str_t room)
{
    rt_ref_t  ref;

    ref = ngx_http_realtime_roster_find_locked(hub->bus->zone, sk->nsp->name,
                                               room);

    return (ref && ngx_http_realtime_socket_rec(sk))
           ? ngx_http_realtime_roster_member_locked(hub->bus->zone, sk->ref,
                                                    ref)
           : 0;
}


void
ngx_http_realtime_typing_end_locked(ngx_http_realtime_hub_t *hub,
    rt_ref_t member)
{
    rt_ref_t  thread;

    for ( ;; ) {
        thread = ngx_http_realtime_typists_end_locked(hub->bus->zone, member);

        if (thread == 0) {
            return;
        }

        ngx_http_realtime_typing_account_locked(hub, member, thread, 0,
                                                rt_lit(""));
        ngx_http_realtime_typing_tell_locked(hub, thread, rt_lit(""));
    }
}


/* the member's user types in the thread, or, with no socket, does not */

static void
ngx_http_realtime_typing_account_locked(ngx_http_realtime_hub_t *hub,
    rt_ref_t member, rt_ref_t thread, uint64_t until, rt_str_t id)
{
    rt_str_t                         name;
    ngx_http_realtime_zone_t        *z = hub->bus->zone;
    ngx_http_realtime_room_rec_t    *room;
    ngx_http_realtime_user_rec_t    *user;
    ngx_http_realtime_member_rec_t  *rec = ngx_http_realtime_at(z, member);
    ngx_http_realtime_socket_rec_t  *socket;
    ngx_http_realtime_thread_rec_t  *t = ngx_http_realtime_at(z, thread);

    if (!ngx_http_realtime_account_on(hub) && !ngx_http_realtime_peers_on(hub))
    {
        return;
    }

    socket = ngx_http_realtime_at(z, rec->socket);
    user = ngx_http_realtime_at(z, socket->user);
    room = ngx_http_realtime_at(z, t->room);

    if (user == NULL
        || (until == 0
            && ngx_http_realtime_typists_shown_locked(z, thread,
                                                      socket->user)))
    {
        return;
    }

    name = t->named ? rt_str(t->len, t->text) : rt_str(0, NULL);

    ngx_http_realtime_account_typing_locked(hub,
                                    ngx_http_realtime_room_rec_nsp(room),
                                    ngx_http_realtime_room_rec_name(room),
                                    ngx_http_realtime_user_rec_id(user),
                                    name, until);

    if (ngx_http_realtime_peers_on(hub)) {
        ngx_http_realtime_peers_typing_locked(hub,
                                    ngx_http_realtime_room_rec_nsp(room),
                                    ngx_http_realtime_room_rec_name(room),
                                    ngx_http_realtime_user_rec_id(user),
                                    name, until, id);
    }
}


void
ngx_http_realtime_typing_tell_locked(ngx_http_realtime_hub_t *hub,
    rt_ref_t thread, rt_str_t except)
{
    ngx_http_realtime_zone_t         *z = hub->bus->zone;
    ngx_http_realtime_room_rec_t     *room;
    ngx_http_realtime_thread_rec_t   *rec = ngx_http_realtime_at(z, thread);
    ngx_http_realtime_typing_news_t   news;

    if (!rec->told && !ngx_http_realtime_peers_on(hub)) {

        room = ngx_http_realtime_at(z, rec->room);

        ngx_memzero(&news, sizeof(news));

        news.nsp = ngx_http_realtime_room_rec_nsp(room);
        news.room = ngx_http_realtime_room_rec_name(room);
        news.thread = rec->named ? rt_str(rec->len, rec->text)
                                 : rt_str(0, NULL);
        news.users = ngx_http_realtime_typing_users_locked(hub, thread);
        news.except = except;

        ngx_http_realtime_typing_announce(hub, &news);
    }

    ngx_http_realtime_typists_told_locked(z, thread);
}


/* a list, behind the arguments */

static rt_str_t
ngx_http_realtime_typing_users_locked(ngx_http_realtime_hub_t *hub,
    rt_ref_t thread)
{
    u_char                        *p, *start, *last;
    rt_str_t                       id;
    rt_ref_t                       users[NGX_HTTP_REALTIME_TYPING_USERS];
    ngx_uint_t                     i, n;
    ngx_http_realtime_zone_t      *z = hub->bus->zone;
    ngx_http_realtime_user_rec_t  *user;

    n = ngx_http_realtime_typists_users_locked(z, thread, users,
                                               rt_nitems(users));

    start = hub->args.data + NGX_HTTP_REALTIME_LOCKED_MAX / 2;
    last = hub->args.data + NGX_HTTP_REALTIME_LOCKED_MAX;

    for (i = 0, p = start; i < n; i++) {
        user = ngx_http_realtime_at(z, users[i]);
        id = ngx_http_realtime_user_rec_id(user);

        if ((size_t) (last - p) < ngx_http_realtime_list_size(id.len)) {
            break;
        }

        p = ngx_http_realtime_list_put(p, id, 0);
    }

    return rt_str(p - start, start);
}


void
ngx_http_realtime_typing_here(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_typing_news_t *news)
{
    rt_ref_t                    room, thread = 0;
    ngx_http_realtime_zone_t   *z = hub->bus->zone;
    ngx_http_realtime_thread_t  name;

    name.id = news->thread;
    name.named = (news->thread.data != NULL);

    ngx_http_realtime_zone_lock(z);

    room = ngx_http_realtime_roster_find_locked(z, news->nsp, news->room);

    if (room) {
        thread = ngx_http_realtime_typists_find_locked(z, room, &name);
    }

    news->users = thread ? ngx_http_realtime_typing_users_locked(hub, thread)
                         : rt_lit("");

    ngx_http_realtime_zone_unlock(z);

    ngx_http_realtime_typing_announce(hub, news);
}


void
ngx_http_realtime_typing_announce(ngx_http_realtime_hub_t *hub,
    const ngx_http_realtime_typing_news_t *news)
{
    ngx_http_realtime_emit_t  m;

    ngx_memzero(&m, sizeof(m));

    m.nsp = news->nsp;
    m.room = news->room;
    m.except = news->except;
    m.event = rt_lit("\"typing:event\"");
    m.args = ngx_http_realtime_typing_args(hub, news);
    m.flags = news->flags;

    (void) ngx_http_realtime_emit_locked(hub, &m);
}


/* what is too long to be told ends with the last user that fits */

static rt_str_t
ngx_http_realtime_typing_args(ngx_http_realtime_hub_t *hub,
    const ngx_http_realtime_typing_news_t *news)
{
    rt_buf_t    b, before;
    rt_str_t    list = news->users, id;
    ngx_uint_t  i;

    rt_buf_init(&b, hub->args.data, NGX_HTTP_REALTIME_LOCKED_MAX / 2);

    rt_buf_put(&b, rt_lit("{\"roomName\":\""));
    rt_buf_put(&b, news->room);
    rt_buf_char(&b, '"');

    if (news->thread.data) {
        rt_buf_put(&b, rt_lit(",\"threadId\":"));
        rt_buf_json(&b, news->thread);
    }

    rt_buf_put(&b, rt_lit(",\"users\":["));

    for (i = 0; ngx_http_realtime_list_next(&list, &id, NULL) == NGX_OK; i++) {
        before = b;

        if (i) {
            rt_buf_char(&b, ',');
        }

        rt_buf_json(&b, id);

        if (b.overflow || b.last - b.pos < (ssize_t) sizeof("]}")) {
            b = before;
            break;
        }
    }

    rt_buf_put(&b, rt_lit("]}"));

    return rt_buf_str(&b);
}


static void
ngx_http_realtime_typing_handler(ngx_event_t *ev)
{
    ngx_http_realtime_typing_expire(ev->data);
}


void
ngx_http_realtime_typing_expire(ngx_http_realtime_hub_t *hub)
{
    uint64_t                   due, now = ngx_http_realtime_now();
    rt_ref_t                   thread;
    ngx_http_realtime_zone_t  *z = hub->bus->zone;

    due = atomic_load_explicit(&z->sh->typing_due, memory_order_relaxed);

    if (due == 0) {
        return;
    }

    if (due <= now) {
        ngx_http_realtime_zone_lock(z);

        for ( ;; ) {
            thread = ngx_http_realtime_typing_expire_locked(hub, now);

            if (thread == 0) {
                break;
            }

            ngx_http_realtime_typing_tell_locked(hub, thread, rt_lit(""));
        }

        ngx_http_realtime_zone_unlock(z);
        ngx_http_realtime_bus_kick(hub->bus);
    }

    ngx_http_realtime_typing_later(hub);
}


/* the database knows by itself when it is over, and other hosts do not */

static rt_ref_t
ngx_http_realtime_typing_expire_locked(ngx_http_realtime_hub_t *hub,
    uint64_t now)
{
    rt_ref_t                         ref, thread, member = 0;
    ngx_http_realtime_zone_t        *z = hub->bus->zone;
    ngx_http_realtime_room_rec_t    *room;
    ngx_http_realtime_user_rec_t    *user;
    ngx_http_realtime_member_rec_t  *rec;
    ngx_http_realtime_socket_rec_t  *socket;
    ngx_http_realtime_thread_rec_t  *t;
    ngx_http_realtime_typist_rec_t  *typist;

    ref = z->sh->typing.first;
    typist = ngx_http_realtime_at(z, ref);

    if (typist) {
        member = typist->member;
    }

    thread = ngx_http_realtime_typists_expire_locked(z, now);

    if (thread == 0 || !ngx_http_realtime_peers_on(hub)) {
        return thread;
    }

    t = ngx_http_realtime_at(z, thread);
    rec = ngx_http_realtime_at(z, member);
    socket = ngx_http_realtime_at(z, rec->socket);
    user = ngx_http_realtime_at(z, socket->user);
    room = ngx_http_realtime_at(z, t->room);

    if (user
        && !ngx_http_realtime_typists_shown_locked(z, thread, socket->user))
    {
        ngx_http_realtime_peers_typing_locked(hub,
                                    ngx_http_realtime_room_rec_nsp(room),
                                    ngx_http_realtime_room_rec_name(room),
                                    ngx_http_realtime_user_rec_id(user),
                                    t->named ? rt_str(t->len, t->text)
                                             : rt_str(0, NULL),
                                    0, rt_lit(""));
    }

    return thread;
}


static void
ngx_http_realtime_typing_later(ngx_http_realtime_hub_t *hub)
{
    ngx_http_realtime_alarm_at(&hub->typing,
                    atomic_load_explicit(&hub->bus->zone->sh->typing_due,
                                         memory_order_relaxed));
}
