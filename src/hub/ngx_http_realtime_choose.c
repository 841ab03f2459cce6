
#include "hub/ngx_http_realtime_choose.h"
#include "hub/ngx_http_realtime_replay.h"
#include "session/ngx_http_realtime_socket_table.h"


typedef struct {
    ngx_http_realtime_hub_t          *hub;
    const ngx_http_realtime_entry_t  *entry;
    ngx_http_realtime_choose_pt       each;
    void                             *ctx;
    ngx_uint_t                        rooms;    /* "except" names some */
} ngx_http_realtime_chooser_t;


static void ngx_http_realtime_choose_room(ngx_http_realtime_chooser_t *c,
    rt_str_t name);
static void ngx_http_realtime_choose_one(ngx_http_realtime_chooser_t *c,
    ngx_http_realtime_socket_t *sk);
static ngx_uint_t ngx_http_realtime_choose_excepts_rooms(
    ngx_http_realtime_hub_t *hub, const ngx_http_realtime_entry_t *e);
static ngx_int_t ngx_http_realtime_choose_excepted(
    const ngx_http_realtime_entry_t *e, ngx_http_realtime_socket_t *sk,
    ngx_uint_t rooms);
static ngx_int_t ngx_http_realtime_choose_in(
    const ngx_http_realtime_entry_t *e, ngx_http_realtime_socket_t *sk,
    rt_str_t name);


/* it may not read what is said in rooms: there is none for it */
#define ngx_http_realtime_choose_mute(e, sk)                                  \
    ((sk)->mute && (e)->rooms.len                                             \
     && ((e)->type == NGX_HTTP_REALTIME_ENTRY_BROADCAST                       \
         || ((e)->type == NGX_HTTP_REALTIME_ENTRY_ASK                         \
             && (e)->number == NGX_HTTP_REALTIME_ASKED_EVENT)))


void
ngx_http_realtime_choose(ngx_http_realtime_hub_t *hub,
    const ngx_http_realtime_entry_t *e, ngx_http_realtime_choose_pt each,
    void *ctx)
{
    rt_str_t                     list = e->rooms, name;
    ngx_http_realtime_socket_t  *sk;
    ngx_http_realtime_chooser_t  c = { hub, e, each, ctx, 0 };

    c.rooms = ngx_http_realtime_choose_excepts_rooms(hub, e);

    hub->stamp++;

    if (list.len == 0) {
        ngx_http_realtime_choose_room(&c, rt_lit(""));
        return;
    }

    while (ngx_http_realtime_list_next(&list, &name, NULL) == NGX_OK) {

        /* one without a name would be everybody */

        if (name.len == 0) {
            continue;
        }

        sk = ngx_http_realtime_socket_table_find(&hub->set->ids, e->nsp, name);

        if (sk) {
            ngx_http_realtime_choose_one(&c, sk);
        }

        ngx_http_realtime_choose_room(&c, name);
    }
}


static void
ngx_http_realtime_choose_room(ngx_http_realtime_chooser_t *c, rt_str_t name)
{
    uint32_t                   i;
    ngx_http_realtime_room_t  *room;

    room = ngx_http_realtime_room_find(&c->hub->rooms, c->entry->nsp, name);

    if (room == NULL) {
        return;
    }

    for (i = 0; i < room->n; i++) {
        ngx_http_realtime_choose_one(c, room->seats[i].socket);
    }
}


static inline void
ngx_http_realtime_choose_one(ngx_http_realtime_chooser_t *c,
    ngx_http_realtime_socket_t *sk)
{
    if (sk->stamp == c->hub->stamp) {
        return;                         /* in two of the rooms */
    }

    sk->stamp = c->hub->stamp;

    if (!ngx_http_realtime_choose_excepted(c->entry, sk, c->rooms)) {
        c->each(c->ctx, sk);
    }
}


/*
 * Nearly always "except" is the id of the sender.  So each of many is asked
 * for its rooms only if one of the names is a room here.
 */

static ngx_uint_t
ngx_http_realtime_choose_excepts_rooms(ngx_http_realtime_hub_t *hub,
    const ngx_http_realtime_entry_t *e)
{
    rt_str_t  list = e->except, name;

    while (ngx_http_realtime_list_next(&list, &name, NULL) == NGX_OK) {
        if (ngx_http_realtime_room_find(&hub->rooms, e->nsp, name)) {
            return 1;
        }
    }

    return 0;
}


ngx_int_t
ngx_http_realtime_chosen(const ngx_http_realtime_entry_t *e,
    ngx_http_realtime_socket_t *sk)
{
    rt_str_t    list = e->rooms, name;
    ngx_uint_t  in = (list.len == 0);

    if (!rt_str_eq(e->nsp, sk->nsp->name)
        || (e->flags & NGX_HTTP_REALTIME_ENTRY_ABROAD))
    {
        return 0;
    }

    while (!in
           && ngx_http_realtime_list_next(&list, &name, NULL) == NGX_OK)
    {
        in = name.len && ngx_http_realtime_choose_in(e, sk, name);
    }

    return in && !ngx_http_realtime_choose_excepted(e, sk, 1);
}


static ngx_int_t
ngx_http_realtime_choose_excepted(const ngx_http_realtime_entry_t *e,
    ngx_http_realtime_socket_t *sk, ngx_uint_t rooms)
{
    rt_str_t  list = e->except, name;

    if (ngx_http_realtime_choose_mute(e, sk)) {
        return 1;
    }

    if (e->within.len && !ngx_http_realtime_choose_in(e, sk, e->within)) {
        return 1;
    }

    while (ngx_http_realtime_list_next(&list, &name, NULL) == NGX_OK) {
        if (rooms ? ngx_http_realtime_choose_in(e, sk, name)
                  : rt_str_eq(name, ngx_http_realtime_socket_id(sk)))
        {
            return 1;
        }
    }

    return 0;
}


/* whether it is in the room, and was when that was said */

static ngx_int_t
ngx_http_realtime_choose_in(const ngx_http_realtime_entry_t *e,
    ngx_http_realtime_socket_t *sk, rt_str_t name)
{
    ngx_http_realtime_membership_t  *m;

    if (rt_str_eq(name, ngx_http_realtime_socket_id(sk))) {
        return 1;
    }

    m = ngx_http_realtime_room_member(sk, name);

    return m && (sk->replay == NULL
                 || ngx_http_realtime_replay_was_in(sk, m->room, e->end));
}
