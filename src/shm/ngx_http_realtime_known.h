
/*
 * ngx_http_realtime_known.h: what the database said of rooms and members, as
 * far as somebody asked (state zone).
 *
 * Each room, and each user in a private room, is a fact of its own, under 128
 * bits of a keyed hash.  The table is bounded: what was not asked for longest
 * goes first, and all of it before anybody is refused memory.
 *
 * Forgetting needs no search.  Changes are counted; a stamp says which of them
 * concerned a room last, or a user in it, or everything, and a fact has the
 * mark of what was counted before the database was asked.  It is none any more
 * when a stamp of its own is newer, also when its answer is still on its way.
 */


#ifndef _NGX_HTTP_REALTIME_KNOWN_H_INCLUDED_
#define _NGX_HTTP_REALTIME_KNOWN_H_INCLUDED_


#include "shm/ngx_http_realtime_records.h"


typedef struct {
    ngx_http_realtime_kind_t  kind;     /* its type, and _PRIVATE */
    unsigned                  exists:1; /* the room is in the database */
    unsigned                  member:1; /* the user is a member, if that was
                                           of interest */
} ngx_http_realtime_known_t;


/* whether changes of the database are heard of */

typedef enum {
    NGX_HTTP_REALTIME_HEARD_NOT = 0,    /* not any more */
    NGX_HTTP_REALTIME_HEARD_STILL,      /* to be said again within a second */
    NGX_HTTP_REALTIME_HEARD_NOW         /* from now on */
} ngx_http_realtime_heard_e;


/*
 * NGX_OK: as it is.  NGX_AGAIN: as it was, it may have changed; good enough
 * while the database is away.  NGX_DECLINED: unknown.  Of a private room the
 * membership of "user" has to be known, too, and of any one when "member" is
 * set; where "user" is empty, an anonymous client, it is no member.
 *
 * "As it is" means half a second old at most, or a minute where changes have
 * been heard all the time.  That a room is not there is not kept: the server
 * creates rooms itself, and anybody can think of names.
 */
ngx_int_t ngx_http_realtime_known_find(ngx_http_realtime_zone_t *z,
    rt_str_t room, rt_str_t user, ngx_uint_t member,
    ngx_http_realtime_known_t *known);

/* before asking: what is put with it counts unless it was dropped meanwhile */
uint64_t ngx_http_realtime_known_mark(ngx_http_realtime_zone_t *z);

/*
 * "member" as above: whether the database was asked.  NGX_DECLINED: something
 * that concerns it has changed since "mark", and it counts for nothing.
 */
ngx_int_t ngx_http_realtime_known_put(ngx_http_realtime_zone_t *z,
    rt_str_t room, rt_str_t user, ngx_uint_t member,
    const ngx_http_realtime_known_t *known, uint64_t mark);

/*
 * It has changed.  "room" empty: everything; "user" empty: the room and all
 * memberships of it, else that one.
 */
void ngx_http_realtime_known_drop(ngx_http_realtime_zone_t *z, rt_str_t room,
    rt_str_t user);

/*
 * "state" is a ngx_http_realtime_heard_e.  Nobody has to say that it has
 * died: what was heard counts for a second.
 */
void ngx_http_realtime_known_heard(ngx_http_realtime_zone_t *z,
    ngx_uint_t state);

/* whether changes are heard; a glance, without the mutex */
ngx_uint_t ngx_http_realtime_known_hears(ngx_http_realtime_zone_t *z);

/* drops the oldest: how many, 0 or 1; the state mutex is held */
ngx_uint_t ngx_http_realtime_known_forget_locked(ngx_http_realtime_zone_t *z);


#endif /* _NGX_HTTP_REALTIME_KNOWN_H_INCLUDED_ */
