
/*
 * ngx_http_realtime_away.h: sessions whose clients have gone and may come back
 * (state zone).
 *
 * Such a session is in no table and belongs to no worker, but its sockets,
 * memberships and users stay: for others it has not gone yet.  Whoever shows
 * the pid of a socket first takes it into a session of its own, also from a
 * session whose client has not been missed yet.
 *
 * They lie in chains by the second in which they are due, so that coming and
 * going cost the same however many there are, and windows may differ.
 */


#ifndef _NGX_HTTP_REALTIME_AWAY_H_INCLUDED_
#define _NGX_HTTP_REALTIME_AWAY_H_INCLUDED_


#include "shm/ngx_http_realtime_reason.h"
#include "shm/ngx_http_realtime_records.h"


/*
 * The session's client has gone; it was given all that is before "from" in the
 * log (0: nobody knows).  NGX_OK: from now on it is away, at most "longest"
 * seconds.  NGX_DECLINED: it has nothing to come back for, nothing has changed.
 */
ngx_int_t ngx_http_realtime_away_begin(ngx_http_realtime_zone_t *z,
    rt_ref_t session, uint64_t from, uint16_t longest,
    ngx_http_realtime_reason_e reason);
ngx_int_t ngx_http_realtime_away_begin_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t session, uint64_t from, uint16_t longest,
    ngx_http_realtime_reason_e reason);

/* the id of the socket that has the record: NGX_OK, or NGX_DECLINED */
ngx_int_t ngx_http_realtime_away_id(ngx_http_realtime_zone_t *z,
    rt_ref_t socket, u_char *id);


/* who asks for a socket */

typedef struct {
    rt_ref_t                  socket;
    u_char                    id[RT_ID_LEN];    /* that was found there */
    rt_ref_t                  to;               /* the session that takes it */
    uint16_t                  window;           /* s that this may be away */
    uint16_t                  location;
    rt_str_t                  user;             /* empty: anonymous */
    ngx_uint_t                asked;            /* who has it has been */
    uint64_t                  from;             /* taken.from as it was then */
    ngx_uint_t                began;            /* it was given no offset */
    uint64_t                  offset;           /* or has all before this */
    uint64_t                  limit;            /* bytes of the log that it may
                                                   have missed */
} ngx_http_realtime_claim_t;


/* what came of it */

typedef struct {
    uint64_t                  from;     /* what it has to be told begins; 0: it
                                           is not there any more */
    rt_ref_t                  session;  /* that it was in */
    uint64_t                  commands; /* those before this in the log were
                                           carried out where it was */
    ngx_http_realtime_wid_t   owner;    /* who had the session */
    ngx_uint_t                live;     /* and has it still */
    ngx_uint_t                excused;  /* or sent it away */
    ngx_uint_t                age;      /* s since it was opened */
    u_char                    sid[RT_ID_LEN];       /* of that session */
    u_char                   *rooms;    /* in: memory for its rooms; out: each
                                           a kind, a length, since when (8
                                           bytes), a name */
    size_t                    size;     /* in: of that; out: what they take */
} ngx_http_realtime_taken_t;


/*
 * Takes the socket for the session "to":
 *
 *     NGX_OK        it is there, with its memberships and its user
 *     NGX_AGAIN     t->size bytes are needed for the rooms; nothing happened
 *     NGX_BUSY      somebody has it still, and is to be asked first: "*t" says
 *                   who; nothing happened
 *     NGX_DECLINED  there is none any more, or it is somebody else's
 *     NGX_ABORT     it is theirs, but what was missed is not there any more;
 *                   "*t" says where it is, so that it can be settled
 */
ngx_int_t ngx_http_realtime_away_take(ngx_http_realtime_zone_t *z,
    const ngx_http_realtime_claim_t *claim, ngx_http_realtime_taken_t *t);

/*
 * The next session that was away too long, or 0: to be emptied and dropped.
 * Nobody can take anything from it any more.  "crowded": otherwise the one
 * that is due first, since memory is short.  The state mutex is held, as for
 * what follows.
 */
rt_ref_t ngx_http_realtime_away_over_locked(ngx_http_realtime_zone_t *z,
    ngx_uint_t crowded);

/* takes a session out that is away, with its sockets and memberships */
void ngx_http_realtime_away_drop_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t session);

/* puts one where it belongs, when records are linked anew */
void ngx_http_realtime_away_link_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t session);


/* what a room takes in "rooms" */
#define ngx_http_realtime_taken_size(name_len)                                \
    (2 + sizeof(uint64_t) + (name_len))


#endif /* _NGX_HTTP_REALTIME_AWAY_H_INCLUDED_ */
