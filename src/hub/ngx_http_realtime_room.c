
#include "hub/ngx_http_realtime_room.h"


static ngx_http_realtime_room_t **ngx_http_realtime_room_lookup(
    ngx_http_realtime_rooms_t *rooms, rt_str_t nsp, rt_str_t name,
    uint64_t hash);
static ngx_http_realtime_room_t *ngx_http_realtime_room_make(
    ngx_http_realtime_rooms_t *rooms, rt_str_t nsp, rt_str_t name);
static void ngx_http_realtime_room_drop(ngx_http_realtime_rooms_t *rooms,
    ngx_http_realtime_room_t *room);
static void ngx_http_realtime_rooms_grow(ngx_http_realtime_rooms_t *rooms);
static ngx_int_t ngx_http_realtime_room_reserve(void **array, uint32_t n,
    uint32_t *size, size_t item, ngx_log_t *log);


#define NGX_HTTP_REALTIME_ROOM_BUCKETS  256


ngx_int_t
ngx_http_realtime_rooms_init(ngx_http_realtime_rooms_t *rooms,
    const rt_hash_key_t *key, ngx_log_t *log)
{
    rooms->key = key;
    rooms->log = log;
    rooms->n = 0;
    rooms->nbuckets = NGX_HTTP_REALTIME_ROOM_BUCKETS;
    rooms->buckets = ngx_calloc(rooms->nbuckets
                                * sizeof(ngx_http_realtime_room_t *), log);

    return rooms->buckets ? NGX_OK : NGX_ERROR;
}


ngx_http_realtime_room_t *
ngx_http_realtime_room_find(ngx_http_realtime_rooms_t *rooms, rt_str_t nsp,
    rt_str_t name)
{
    return *ngx_http_realtime_room_lookup(rooms, nsp, name,
                                          rt_hash2(rooms->key, nsp, name));
}


/* the link that leads to the room, or the empty one at the end */

static ngx_http_realtime_room_t **
ngx_http_realtime_room_lookup(ngx_http_realtime_rooms_t *rooms, rt_str_t nsp,
    rt_str_t name, uint64_t hash)
{
    ngx_http_realtime_room_t  **link;

    link = &rooms->buckets[hash & (rooms->nbuckets - 1)];

    for ( /* void */ ; *link; link = &(*link)->next) {
        if ((*link)->hash == hash
            && rt_str_eq((*link)->name, name)
            && rt_str_eq((*link)->nsp, nsp))
        {
            break;
        }
    }

    return link;
}


ngx_int_t
ngx_http_realtime_room_join(ngx_http_realtime_rooms_t *rooms,
    ngx_http_realtime_socket_t *sk, rt_str_t name)
{
    ngx_http_realtime_room_t  *room;

    if (ngx_http_realtime_room_member(sk, name)) {
        return NGX_DECLINED;
    }

    room = ngx_http_realtime_room_find(rooms, sk->nsp->name, name);

    if (room == NULL) {
        room = ngx_http_realtime_room_make(rooms, sk->nsp->name, name);
        if (room == NULL) {
            return NGX_ERROR;
        }
    }

    if (ngx_http_realtime_room_reserve((void **) &room->seats, room->n,
                                       &room->size,
                                       sizeof(ngx_http_realtime_seat_t),
                                       rooms->log)
        != NGX_OK
        || ngx_http_realtime_room_reserve((void **) &sk->rooms, sk->nrooms,
                                       &sk->rooms_size,
                                       sizeof(ngx_http_realtime_membership_t),
                                       rooms->log)
           != NGX_OK)
    {
        if (room->n == 0) {
            ngx_http_realtime_room_drop(rooms, room);
        }

        return NGX_ERROR;
    }

    room->seats[room->n].socket = sk;
    room->seats[room->n].index = sk->nrooms;

    sk->rooms[sk->nrooms].room = room;
    sk->rooms[sk->nrooms].index = room->n;

    room->n++;
    sk->nrooms++;

    return NGX_OK;
}


ngx_int_t
ngx_http_realtime_room_join_own(ngx_http_realtime_rooms_t *rooms,
    ngx_http_realtime_socket_t *sk)
{
    ngx_int_t  rc;

    rc = ngx_http_realtime_room_join(rooms, sk, rt_lit(""));

    if (rc == NGX_OK && sk->who) {
        rc = ngx_http_realtime_room_join(rooms, sk, sk->who->own);
    }

    return rc;
}


static ngx_http_realtime_room_t *
ngx_http_realtime_room_make(ngx_http_realtime_rooms_t *rooms, rt_str_t nsp,
    rt_str_t name)
{
    u_char                     *text;
    ngx_http_realtime_room_t   *room, **link;

    if (rooms->n >= rooms->nbuckets) {
        ngx_http_realtime_rooms_grow(rooms);
    }

    room = ngx_calloc(sizeof(ngx_http_realtime_room_t) + nsp.len + name.len,
                      rooms->log);
    if (room == NULL) {
        return NULL;
    }

    text = (u_char *) (room + 1);
    room->nsp = rt_str(nsp.len, text);
    text = ngx_cpymem(text, nsp.data, nsp.len);

    room->name = rt_str(name.len, text);

    if (name.len) {
        ngx_memcpy(text, name.data, name.len);
    }

    room->hash = rt_hash2(rooms->key, nsp, name);

    link = &rooms->buckets[room->hash & (rooms->nbuckets - 1)];
    room->next = *link;
    *link = room;
    rooms->n++;

    return room;
}


/* without memory the chains just get longer */

static void
ngx_http_realtime_rooms_grow(ngx_http_realtime_rooms_t *rooms)
{
    ngx_uint_t                  i, n = rooms->nbuckets;
    ngx_http_realtime_room_t   *room, **old = rooms->buckets, **link, **fresh;

    fresh = ngx_calloc(n * 2 * sizeof(ngx_http_realtime_room_t *), rooms->log);
    if (fresh == NULL) {
        return;
    }

    rooms->nbuckets = n * 2;
    rooms->buckets = fresh;

    for (i = 0; i < n; i++) {
        while (old[i]) {
            room = old[i];
            old[i] = room->next;

            link = &fresh[room->hash & (rooms->nbuckets - 1)];
            room->next = *link;
            *link = room;
        }
    }

    ngx_free(old);
}


static void
ngx_http_realtime_room_drop(ngx_http_realtime_rooms_t *rooms,
    ngx_http_realtime_room_t *room)
{
    ngx_http_realtime_room_t  **link;

    link = ngx_http_realtime_room_lookup(rooms, room->nsp, room->name,
                                         room->hash);
    *link = room->next;
    rooms->n--;

    if (room->seats) {
        ngx_free(room->seats);
    }

    ngx_free(room);
}


/* room for one more: from 1 on by halves, since most have one or two */

static ngx_int_t
ngx_http_realtime_room_reserve(void **array, uint32_t n, uint32_t *size,
    size_t item, ngx_log_t *log)
{
    void      *p;
    uint32_t   more;

    if (n < *size) {
        return NGX_OK;
    }

    more = *size + *size / 2 + 2;

    p = ngx_alloc(more * item, log);
    if (p == NULL) {
        return NGX_ERROR;
    }

    if (*array) {
        ngx_memcpy(p, *array, n * item);
        ngx_free(*array);
    }

    *array = p;
    *size = more;

    return NGX_OK;
}


ngx_http_realtime_membership_t *
ngx_http_realtime_room_member(ngx_http_realtime_socket_t *sk, rt_str_t name)
{
    uint32_t  i;

    for (i = 0; i < sk->nrooms; i++) {
        if (rt_str_eq(sk->rooms[i].room->name, name)) {
            return &sk->rooms[i];
        }
    }

    return NULL;
}


/* the last one takes the place that becomes free, on both sides */

void
ngx_http_realtime_room_leave(ngx_http_realtime_rooms_t *rooms,
    ngx_http_realtime_socket_t *sk, ngx_http_realtime_membership_t *m)
{
    uint32_t                   seat = m->index, own = m - sk->rooms;
    ngx_http_realtime_room_t  *room = m->room, *other;

    room->n--;

    if (seat != room->n) {
        room->seats[seat] = room->seats[room->n];
        room->seats[seat].socket->rooms[room->seats[seat].index].index = seat;
    }

    sk->nrooms--;

    if (own != sk->nrooms) {
        sk->rooms[own] = sk->rooms[sk->nrooms];
        other = sk->rooms[own].room;
        other->seats[sk->rooms[own].index].index = own;
    }

    if (sk->nrooms == 0) {
        ngx_free(sk->rooms);
        sk->rooms = NULL;
        sk->rooms_size = 0;
    }

    if (room->n == 0) {
        ngx_http_realtime_room_drop(rooms, room);
    }
}
