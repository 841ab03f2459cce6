
/*
 * ngx_http_realtime_users.h: who is connected, over all workers, and what the
 * others know of it (state zone).
 *
 * A user is a user id in a namespace.  The record is there while the user has
 * a socket, or has something to be remembered (a custom status), or the others
 * are still to be told that it has gone.
 *
 * The state mutex is held throughout.
 */


#ifndef _NGX_HTTP_REALTIME_USERS_H_INCLUDED_
#define _NGX_HTTP_REALTIME_USERS_H_INCLUDED_


#include "shm/ngx_http_realtime_records.h"

#include "chat/rt_payload.h"


/* how a socket's location has its users */

typedef struct {
    unsigned  presence:1;
    unsigned  rooms_only:1;             /* presence goes to shared rooms */
} ngx_http_realtime_user_conf_t;


/* the user, or 0 */
rt_ref_t ngx_http_realtime_users_find_locked(ngx_http_realtime_zone_t *z,
    rt_str_t nsp, rt_str_t id);

/*
 * The socket is one of the user's: NGX_OK, or NGX_DECLINED when the zone is
 * full.  With the first one the user is online, and that is news.
 */
ngx_int_t ngx_http_realtime_users_attach_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t socket, rt_str_t nsp, rt_str_t id,
    ngx_http_realtime_user_conf_t conf);

/*
 * The socket is none any more (harmless for an anonymous one).  With the last
 * one the user is offline; the others are told after a while.
 */
void ngx_http_realtime_users_detach_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t socket);

/*
 * A new status, which is news in any case.  "custom" NULL leaves the custom
 * status as it is, an empty one or "{}" takes it away.  NGX_DECLINED: the zone
 * is full, nothing has changed.
 */
ngx_int_t ngx_http_realtime_users_status_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t user, rt_status_e status, const rt_str_t *custom);

/*
 * The custom status that the user had last, unless something was said of it
 * here already; it is news if there is one.
 */
void ngx_http_realtime_users_recall_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t user, rt_str_t custom);

/* what it is now */
rt_status_e ngx_http_realtime_users_effective(
    ngx_http_realtime_user_rec_t *user);

/*
 * What has become of it since others were told: "off"; "set" by the user;
 * "found": a custom status of the database's; else "connect".
 */
rt_str_t ngx_http_realtime_users_how(ngx_http_realtime_user_rec_t *user);

/* the custom status, a JSON object, or empty */
rt_str_t ngx_http_realtime_users_custom(ngx_http_realtime_zone_t *z,
    ngx_http_realtime_user_rec_t *user);

/*
 * Who is to be told of next, or 0; "*due" is when somebody will be, 0 for
 * nobody.  "now" is ms since the epoch.
 */
rt_ref_t ngx_http_realtime_users_news_locked(ngx_http_realtime_zone_t *z,
    uint64_t now, uint64_t *due);

/* the others have been told; the record may be gone afterwards */
void ngx_http_realtime_users_told_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t user);

/* drops a user who is not connected: how many, 0 or 1 */
ngx_uint_t ngx_http_realtime_users_forget_locked(ngx_http_realtime_zone_t *z);

/*
 * Whether rooms that the user's last socket leaves, as it closes, are to be
 * told that the user is offline: their occupant stays until then.
 */
ngx_uint_t ngx_http_realtime_users_lingers(ngx_http_realtime_user_rec_t *user);

/* puts a user into the chain where it belongs, or drops it */
void ngx_http_realtime_users_place_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t user);


#define NGX_HTTP_REALTIME_USER_LINK                                           \
    offsetof(ngx_http_realtime_user_rec_t, link)

#define NGX_HTTP_REALTIME_USER_SOCKET_LINK                                    \
    offsetof(ngx_http_realtime_socket_rec_t, of_user)

#define NGX_HTTP_REALTIME_USER_OCCUPANT_LINK                                  \
    offsetof(ngx_http_realtime_occupant_rec_t, of_user)

/* how long the others are not told that a user has gone, ms */
#define NGX_HTTP_REALTIME_USER_GRACE  1000


#endif /* _NGX_HTTP_REALTIME_USERS_H_INCLUDED_ */
