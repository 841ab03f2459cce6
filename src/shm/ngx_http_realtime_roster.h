
/*
 * ngx_http_realtime_roster.h: who is in which room, over all workers (state
 * zone).
 *
 * Members are sockets; people are users, with however many sockets, and
 * anonymous sockets.  A room is there as long as somebody is in it.
 *
 * The state mutex is held throughout.
 */


#ifndef _NGX_HTTP_REALTIME_ROSTER_H_INCLUDED_
#define _NGX_HTTP_REALTIME_ROSTER_H_INCLUDED_


#include "shm/ngx_http_realtime_records.h"


/* what entering came to */

typedef struct {
    ngx_http_realtime_kind_t  kind;     /* in: of a room that is made;
                                           out: of the room */
    ngx_uint_t                declared; /* in: of one that is there, too */
    ngx_uint_t                named;    /* in: may enter a private one */
    ngx_uint_t                asked;    /* in: it is a dm that has room, as
                                           all hosts have it */
    uint64_t                  handle;   /* in: who waits until other hosts
                                           know, or 0 */
    uint64_t                  since;    /* in: is told what comes after this
                                           in the log; 0: from now on */
    ngx_uint_t                people;   /* with the one who came, on all hosts
                                           as far as it is known */
    ngx_uint_t                anonymous;    /* of them, here */
    rt_ref_t                  occupant; /* 0: anonymous */
    ngx_uint_t                first;    /* the others have one more */
} ngx_http_realtime_entrance_t;


/*
 * Enters "socket" into a room, which is made if need be.  NGX_OK;
 * NGX_DECLINED when the zone is full; NGX_BUSY when it is a dm of two others;
 * NGX_ABORT when it is private, which another location may have declared.
 * The caller sees to it that the socket is not in the room yet.
 */
ngx_int_t ngx_http_realtime_roster_enter_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t socket, rt_str_t nsp, rt_str_t room,
    ngx_http_realtime_entrance_t *in);

/* the room, or 0 */
rt_ref_t ngx_http_realtime_roster_find_locked(ngx_http_realtime_zone_t *z,
    rt_str_t nsp, rt_str_t room);

/* the socket's membership of the room, or 0 */
rt_ref_t ngx_http_realtime_roster_member_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t socket, rt_ref_t room);

/* the user in the room, perhaps as one who has left; or 0 */
rt_ref_t ngx_http_realtime_roster_occupant_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t user, rt_ref_t room);

/* where it is found in the keyed table */
uint32_t ngx_http_realtime_roster_occupant_hash(ngx_http_realtime_zone_t *z,
    rt_ref_t user, rt_ref_t room);

/*
 * People in the room, on all hosts as far as it is known, if any "*kind" (or
 * NULL), too; takes the mutex itself.
 */
ngx_uint_t ngx_http_realtime_roster_count(ngx_http_realtime_zone_t *z,
    rt_str_t nsp, rt_str_t room, ngx_http_realtime_kind_t *kind);

/* as many people are in the room on all hosts, if anybody is here; the same */
void ngx_http_realtime_roster_total(ngx_http_realtime_zone_t *z, rt_str_t nsp,
    rt_str_t room, ngx_uint_t total);

/* the room, if it is there, is of that kind from now on; the same */
void ngx_http_realtime_roster_kind(ngx_http_realtime_zone_t *z, rt_str_t nsp,
    rt_str_t room, ngx_http_realtime_kind_t kind);


/* a departure that is to be announced; strings are copies in "text" */

typedef struct {
    rt_ref_t    occupant;               /* 0: anonymous, or others of the user
                                           stay */
    ngx_uint_t  last;                   /* the others have one less */
    ngx_uint_t  quiet;                  /* and need not know */
    ngx_uint_t  left;                   /* members that stay */
    ngx_uint_t  anonymous;              /* of them */
    u_char      id[RT_ID_LEN];          /* of the socket */
    rt_str_t    nsp;
    rt_str_t    room;
    rt_str_t    user;                   /* empty: anonymous */
    u_char      text[1024];
} ngx_http_realtime_departure_t;


/*
 * Takes a membership out, which types no more, and says what is to be
 * announced.  "closing": the socket leaves all its rooms.  An occupant that
 * is named in "d" is to be given to roster_gone_locked().
 */
void ngx_http_realtime_roster_leave_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t member, ngx_uint_t closing, ngx_http_realtime_departure_t *d);

/* "user:joined" has been told */
void ngx_http_realtime_roster_told_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t occupant);

/* "user:left" has been told */
void ngx_http_realtime_roster_gone_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t occupant);

/* the occupant has left, whoever knows of it: nothing is kept */
void ngx_http_realtime_roster_drop_occupant_locked(
    ngx_http_realtime_zone_t *z, rt_ref_t occupant);

/* whether two users are in a room together */
ngx_uint_t ngx_http_realtime_roster_meet_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t one, rt_ref_t other);

/* whether anything keeps the room; if not it goes */
void ngx_http_realtime_roster_drop_room_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t room);


#endif /* _NGX_HTTP_REALTIME_ROSTER_H_INCLUDED_ */
