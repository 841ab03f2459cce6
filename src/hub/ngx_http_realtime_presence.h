
/*
 * ngx_http_realtime_presence.h: who is connected, and how they say they are,
 * told to the others.
 *
 * Whoever changes something puts the user among the news (shm/users); telling
 * takes from there, as much as the budget allows.  A user who changed back
 * before it was told is no news.  So a great many who come or go at once cost
 * what the budget says and no more, and the last state of each is told in the
 * end, by whichever worker is there.
 */


#ifndef _NGX_HTTP_REALTIME_PRESENCE_H_INCLUDED_
#define _NGX_HTTP_REALTIME_PRESENCE_H_INCLUDED_


#include "hub/ngx_http_realtime_emit.h"
#include "shm/ngx_http_realtime_users.h"


/* deliveries of presence a second, over all workers, and at once */
#define NGX_HTTP_REALTIME_PRESENCE_RATE   200000
#define NGX_HTTP_REALTIME_PRESENCE_BURST  50000


void ngx_http_realtime_presence_init(ngx_http_realtime_hub_t *hub);

/* the socket is one of sk->who: NGX_OK; NGX_DECLINED: the zone is full */
ngx_int_t ngx_http_realtime_presence_attach(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_socket_t *sk, ngx_http_realtime_user_conf_t conf);

/*
 * The user of the socket has a new status, and custom status unless that is
 * NULL: NGX_OK; NGX_DECLINED: the zone is full.
 */
ngx_int_t ngx_http_realtime_presence_update(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_socket_t *sk, rt_status_e status,
    const rt_str_t *custom);

/*
 * The custom status that the user of the socket had last, as the database has
 * it; it counts unless the user has said something of it since.
 */
void ngx_http_realtime_presence_recall(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_socket_t *sk, rt_str_t custom);

/* what is known of a user from elsewhere */

typedef struct {
    ngx_uint_t  online;                 /* somewhere, with this: */
    rt_str_t    status;
    ngx_uint_t  last;                   /* else it had this: */
    rt_str_t    custom;                 /* JSON, or empty */
} ngx_http_realtime_presence_known_t;

/*
 * Writes the presence of the user "id" as an object.  NGX_OK; NGX_DECLINED:
 * it is nothing to "sk", which shares no room with the user ("rooms_only");
 * NGX_AGAIN: the custom status is not known here, and not from elsewhere.
 */
ngx_int_t ngx_http_realtime_presence_query(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_socket_t *sk, rt_str_t id, ngx_uint_t rooms_only,
    const ngx_http_realtime_presence_known_t *known, rt_buf_t *b);

/* bytes that the object takes at most */
#define NGX_HTTP_REALTIME_PRESENCE_MAX                                        \
    (RT_USER_MAX * RT_BUF_ESCAPED + RT_CUSTOM_MAX + 128)

typedef struct {
    rt_str_t  nsp;
    rt_str_t  user;
    rt_str_t  status;
    rt_str_t  custom;                   /* JSON, or empty */
    rt_str_t  rooms;                    /* a list (bus/entry); empty: all */
    uint8_t   flags;                    /* emit.h */
} ngx_http_realtime_presence_news_t;

/*
 * "presence:changed"; the state mutex may be held.  The caller kicks the bus.
 */
void ngx_http_realtime_presence_announce(ngx_http_realtime_hub_t *hub,
    const ngx_http_realtime_presence_news_t *news);

/* tells what there is to tell */
void ngx_http_realtime_presence_tell(ngx_http_realtime_hub_t *hub);

/* the same of those, too, who might come back: nobody waits for them */
void ngx_http_realtime_presence_end(ngx_http_realtime_hub_t *hub);

/* a user may be about to go: sees to it that the others are told in time */
void ngx_http_realtime_presence_gone(ngx_http_realtime_hub_t *hub);


#endif /* _NGX_HTTP_REALTIME_PRESENCE_H_INCLUDED_ */
