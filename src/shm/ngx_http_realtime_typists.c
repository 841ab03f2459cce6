
#include "shm/ngx_http_realtime_typists.h"
#include "shm/ngx_http_realtime_keyed.h"
#include "shm/ngx_http_realtime_spare.h"


static uint32_t ngx_http_realtime_thread_hash(ngx_http_realtime_zone_t *z,
    rt_ref_t room, const ngx_http_realtime_thread_t *thread);
static rt_ref_t ngx_http_realtime_thread_make_locked(
    ngx_http_realtime_zone_t *z, rt_ref_t room,
    const ngx_http_realtime_thread_t *thread);
static void ngx_http_realtime_thread_drop_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t ref);
static rt_ref_t ngx_http_realtime_typist_find(ngx_http_realtime_zone_t *z,
    rt_ref_t member, rt_ref_t thread);
static ngx_int_t ngx_http_realtime_typist_make_locked(
    ngx_http_realtime_zone_t *z, rt_ref_t member, rt_ref_t thread,
    uint64_t due);
static rt_ref_t ngx_http_realtime_typist_remove_locked(
    ngx_http_realtime_zone_t *z, rt_ref_t ref);
static rt_ref_t ngx_http_realtime_typist_user(ngx_http_realtime_zone_t *z,
    rt_ref_t member);
static void ngx_http_realtime_typists_first_due(ngx_http_realtime_zone_t *z);


ngx_int_t
ngx_http_realtime_typists_start_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t member, const ngx_http_realtime_thread_t *thread, uint64_t due,
    rt_ref_t *ref)
{
    rt_ref_t                         typist;
    ngx_int_t                        rc;
    ngx_http_realtime_member_rec_t  *rec = ngx_http_realtime_at(z, member);
    ngx_http_realtime_typist_rec_t  *t;

    *ref = ngx_http_realtime_typists_find_locked(z, rec->room, thread);

    typist = *ref ? ngx_http_realtime_typist_find(z, member, *ref) : 0;

    if (typist) {
        ngx_http_realtime_chain_remove(z, &z->sh->typing, typist,
                                       NGX_HTTP_REALTIME_TYPIST_DUE_LINK);
        t = ngx_http_realtime_at(z, typist);
        t->due = due;

        ngx_http_realtime_typists_due_locked(z, typist);
        return NGX_OK;
    }

    if (*ref == 0) {
        *ref = ngx_http_realtime_thread_make_locked(z, rec->room, thread);
        if (*ref == 0) {
            return NGX_DECLINED;
        }
    }

    rc = ngx_http_realtime_typist_make_locked(z, member, *ref, due);

    if (rc != NGX_OK) {
        ngx_http_realtime_thread_drop_locked(z, *ref);
    }

    return rc;
}


rt_ref_t
ngx_http_realtime_typists_stop_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t member, const ngx_http_realtime_thread_t *thread)
{
    rt_ref_t                         ref, typist;
    ngx_http_realtime_member_rec_t  *rec = ngx_http_realtime_at(z, member);

    ref = ngx_http_realtime_typists_find_locked(z, rec->room, thread);

    typist = ref ? ngx_http_realtime_typist_find(z, member, ref) : 0;

    return typist ? ngx_http_realtime_typist_remove_locked(z, typist) : 0;
}


rt_ref_t
ngx_http_realtime_typists_end_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t member)
{
    ngx_http_realtime_member_rec_t  *rec = ngx_http_realtime_at(z, member);

    return rec->typists
           ? ngx_http_realtime_typist_remove_locked(z, rec->typists)
           : 0;
}


rt_ref_t
ngx_http_realtime_typists_expire_locked(ngx_http_realtime_zone_t *z,
    uint64_t now)
{
    rt_ref_t                         ref = z->sh->typing.first;
    ngx_http_realtime_typist_rec_t  *rec = ngx_http_realtime_at(z, ref);

    return (rec && rec->due <= now)
           ? ngx_http_realtime_typist_remove_locked(z, ref)
           : 0;
}


static uint32_t
ngx_http_realtime_thread_hash(ngx_http_realtime_zone_t *z, rt_ref_t room,
    const ngx_http_realtime_thread_t *thread)
{
    return rt_hash2(&z->sh->key, rt_str(sizeof(room), &room), thread->id);
}


rt_ref_t
ngx_http_realtime_typists_find_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t room, const ngx_http_realtime_thread_t *thread)
{
    rt_ref_t                         ref;
    ngx_http_realtime_thread_rec_t  *rec;

    ref = ngx_http_realtime_keyed_first(z,
                             ngx_http_realtime_thread_hash(z, room, thread),
                             NGX_HTTP_REALTIME_RECORD_THREAD);

    for ( /* void */ ; ref; ref = ngx_http_realtime_keyed_next(z, ref)) {
        rec = ngx_http_realtime_at(z, ref);

        if (rec->room == room
            && rec->named == thread->named
            && rt_str_eq(rt_str(rec->len, rec->text), thread->id))
        {
            break;
        }
    }

    return ref;
}


static rt_ref_t
ngx_http_realtime_thread_make_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t room, const ngx_http_realtime_thread_t *thread)
{
    rt_ref_t                         ref;
    ngx_http_realtime_thread_rec_t  *rec;

    ref = ngx_http_realtime_spare_alloc(z,
                                       sizeof(ngx_http_realtime_thread_rec_t)
                                       + thread->id.len, 0);
    if (ref == 0) {
        return 0;
    }

    rec = ngx_http_realtime_at(z, ref);

    rec->hash = ngx_http_realtime_thread_hash(z, room, thread);
    rec->told = 1;
    rec->named = thread->named;
    rec->room = room;
    rec->len = thread->id.len;

    if (thread->id.len) {
        ngx_memcpy(rec->text, thread->id.data, thread->id.len);
    }

    rt_arena_publish(z->sh->arena, ref, NGX_HTTP_REALTIME_RECORD_THREAD);

    ngx_http_realtime_keyed_link(z, ref);

    return ref;
}


/* unless somebody types there */

static void
ngx_http_realtime_thread_drop_locked(ngx_http_realtime_zone_t *z, rt_ref_t ref)
{
    ngx_http_realtime_thread_rec_t  *rec = ngx_http_realtime_at(z, ref);

    if (rec->typists.first == 0) {
        ngx_http_realtime_keyed_unlink(z, ref);
        rt_arena_free(z->sh->arena, ref);
    }
}


static rt_ref_t
ngx_http_realtime_typist_find(ngx_http_realtime_zone_t *z, rt_ref_t member,
    rt_ref_t thread)
{
    rt_ref_t                         ref;
    ngx_http_realtime_member_rec_t  *rec = ngx_http_realtime_at(z, member);
    ngx_http_realtime_typist_rec_t  *typist;

    for (ref = rec->typists; ref; ref = typist->next) {
        typist = ngx_http_realtime_at(z, ref);

        if (typist->thread == thread) {
            break;
        }
    }

    return ref;
}


static ngx_int_t
ngx_http_realtime_typist_make_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t member, rt_ref_t thread, uint64_t due)
{
    rt_ref_t                         ref, user;
    ngx_http_realtime_member_rec_t  *in = ngx_http_realtime_at(z, member);
    ngx_http_realtime_socket_rec_t  *socket;
    ngx_http_realtime_thread_rec_t  *rec;
    ngx_http_realtime_typist_rec_t  *typist;

    socket = ngx_http_realtime_at(z, in->socket);

    if (socket->typing >= NGX_HTTP_REALTIME_TYPISTS_MAX) {
        return NGX_BUSY;
    }

    ref = ngx_http_realtime_spare_alloc(z,
                                     sizeof(ngx_http_realtime_typist_rec_t), 0);
    if (ref == 0) {
        return NGX_DECLINED;
    }

    typist = ngx_http_realtime_at(z, ref);
    rec = ngx_http_realtime_at(z, thread);
    user = ngx_http_realtime_typist_user(z, member);

    typist->member = member;
    typist->thread = thread;
    typist->due = due;
    typist->next = in->typists;

    if (!ngx_http_realtime_typists_shown_locked(z, thread, user)) {
        rec->told = 0;
    }

    rt_arena_publish(z->sh->arena, ref, NGX_HTTP_REALTIME_RECORD_TYPIST);

    in->typists = ref;
    socket->typing++;
    z->sh->typists++;

    ngx_http_realtime_chain_add(z, &rec->typists, ref,
                                NGX_HTTP_REALTIME_TYPIST_THREAD_LINK, 0);
    ngx_http_realtime_typists_due_locked(z, ref);

    return NGX_OK;
}


static rt_ref_t
ngx_http_realtime_typist_remove_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t ref)
{
    rt_ref_t                         thread, user, *link;
    ngx_http_realtime_member_rec_t  *member;
    ngx_http_realtime_socket_rec_t  *socket;
    ngx_http_realtime_thread_rec_t  *rec;
    ngx_http_realtime_typist_rec_t  *typist, *other;

    typist = ngx_http_realtime_at(z, ref);
    thread = typist->thread;
    member = ngx_http_realtime_at(z, typist->member);
    socket = ngx_http_realtime_at(z, member->socket);
    rec = ngx_http_realtime_at(z, thread);
    user = ngx_http_realtime_typist_user(z, typist->member);

    link = &member->typists;

    while (*link && *link != ref) {
        other = ngx_http_realtime_at(z, *link);
        link = &other->next;
    }

    if (*link) {
        *link = typist->next;
    }

    ngx_http_realtime_chain_remove(z, &rec->typists, ref,
                                   NGX_HTTP_REALTIME_TYPIST_THREAD_LINK);
    ngx_http_realtime_chain_remove(z, &z->sh->typing, ref,
                                   NGX_HTTP_REALTIME_TYPIST_DUE_LINK);

    if (!ngx_http_realtime_typists_shown_locked(z, thread, user)) {
        rec->told = 0;
    }

    socket->typing--;
    z->sh->typists--;

    ngx_http_realtime_typists_first_due(z);
    rt_arena_free(z->sh->arena, ref);

    return thread;
}


static rt_ref_t
ngx_http_realtime_typist_user(ngx_http_realtime_zone_t *z, rt_ref_t member)
{
    ngx_http_realtime_member_rec_t  *rec = ngx_http_realtime_at(z, member);
    ngx_http_realtime_socket_rec_t  *socket;

    socket = ngx_http_realtime_at(z, rec->socket);

    return socket->user;
}


ngx_uint_t
ngx_http_realtime_typists_shown_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t thread, rt_ref_t user)
{
    rt_ref_t                         ref;
    ngx_http_realtime_thread_rec_t  *rec = ngx_http_realtime_at(z, thread);
    ngx_http_realtime_typist_rec_t  *typist;

    for (ref = rec->typists.first; ref; ref = typist->of_thread.next) {
        typist = ngx_http_realtime_at(z, ref);

        if (ngx_http_realtime_typist_user(z, typist->member) == user) {
            return 1;
        }
    }

    return 0;
}


/* nearly all wait equally long: the place is at the end, or near it */

void
ngx_http_realtime_typists_due_locked(ngx_http_realtime_zone_t *z, rt_ref_t ref)
{
    rt_ref_t                         at, before = 0;
    ngx_http_realtime_typist_rec_t  *rec = ngx_http_realtime_at(z, ref);
    ngx_http_realtime_typist_rec_t  *other;

    for (at = z->sh->typing.last; at; at = other->by_due.prev) {
        other = ngx_http_realtime_at(z, at);

        if (other->due <= rec->due) {
            break;
        }

        before = at;
    }

    ngx_http_realtime_chain_add(z, &z->sh->typing, ref,
                                NGX_HTTP_REALTIME_TYPIST_DUE_LINK, before);

    ngx_http_realtime_typists_first_due(z);
}


static void
ngx_http_realtime_typists_first_due(ngx_http_realtime_zone_t *z)
{
    ngx_http_realtime_typist_rec_t  *first;

    first = ngx_http_realtime_at(z, z->sh->typing.first);

    atomic_store_explicit(&z->sh->typing_due, first ? first->due : 0,
                          memory_order_relaxed);
}


ngx_uint_t
ngx_http_realtime_typists_users_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t thread, rt_ref_t *users, ngx_uint_t max)
{
    rt_ref_t                         ref, user;
    ngx_uint_t                       i, n = 0;
    ngx_http_realtime_thread_rec_t  *rec = ngx_http_realtime_at(z, thread);
    ngx_http_realtime_typist_rec_t  *typist;

    for (ref = rec->typists.first; ref && n < max;
         ref = typist->of_thread.next)
    {
        typist = ngx_http_realtime_at(z, ref);
        user = ngx_http_realtime_typist_user(z, typist->member);

        for (i = 0; i < n && users[i] != user; i++) { /* void */ }

        if (i == n) {
            users[n++] = user;
        }
    }

    return n;
}


void
ngx_http_realtime_typists_told_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t thread)
{
    ngx_http_realtime_thread_rec_t  *rec = ngx_http_realtime_at(z, thread);

    rec->told = 1;

    ngx_http_realtime_thread_drop_locked(z, thread);
}
