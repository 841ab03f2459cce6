
/*
 * ngx_http_realtime_peers.h: what happens here is told to the other hosts, as
 * facts (shm/~facts).
 *
 * Where there are other hosts nothing is announced when it happens: whoever
 * passes the facts on (cluster/) does it, when it is known what it means to all
 * of them.  The fact stands for it meanwhile, and survives whoever told it.
 */


#ifndef _NGX_HTTP_REALTIME_PEERS_H_INCLUDED_
#define _NGX_HTTP_REALTIME_PEERS_H_INCLUDED_


#include "hub/ngx_http_realtime_emit.h"


/* there may be other hosts */
#define ngx_http_realtime_peers_on(hub)  ((hub)->bus->zone->peers != NULL)

/* and they can be asked now */
#define ngx_http_realtime_peers_there(hub)                                    \
    (ngx_http_realtime_peers_on(hub)                                          \
     && !atomic_load_explicit(&(hub)->bus->zone->peers->sh->peers.away,       \
                              memory_order_relaxed))


/* what who waits is answered: "number" of the ANSWER */

#define NGX_HTTP_REALTIME_PEERS_UNKNOWN  0
#define NGX_HTTP_REALTIME_PEERS_YES      1      /* also: is online */
#define NGX_HTTP_REALTIME_PEERS_NO       2

/* "packets", of FACT_QUERY: a list of the status and the custom status */


/* somebody in a room, or who comes or goes */

typedef struct {
    rt_str_t                  nsp;
    rt_str_t                  room;
    ngx_http_realtime_kind_t  kind;     /* of the room */
    rt_str_t                  user;     /* empty: anonymous */
    rt_str_t                  socket;   /* its id: is not told; or empty */
    ngx_uint_t                anonymous;    /* sockets there now */
    uint64_t                  handle;   /* who waits, or 0 */
} ngx_http_realtime_peers_move_t;


/*
 * The state mutex is held.  A user's first socket here has come, or the last
 * one has left; an anonymous one in any case.
 */
void ngx_http_realtime_peers_join_locked(ngx_http_realtime_hub_t *hub,
    const ngx_http_realtime_peers_move_t *m);
void ngx_http_realtime_peers_leave_locked(ngx_http_realtime_hub_t *hub,
    const ngx_http_realtime_peers_move_t *m);

/*
 * A user here has another presence; the same.  "status" NULL: none; "how" is
 * the script's word for what has happened; "rooms" a list (bus/entry) of those
 * who are told, empty: all.
 */
void ngx_http_realtime_peers_presence_locked(ngx_http_realtime_hub_t *hub,
    rt_str_t nsp, rt_str_t user, rt_str_t status, rt_str_t custom,
    rt_str_t how, rt_str_t rooms);

/*
 * A user types until then, or, with 0, does not any more; the same.  "thread"
 * with "data" NULL: outside of all.
 */
void ngx_http_realtime_peers_typing_locked(ngx_http_realtime_hub_t *hub,
    rt_str_t nsp, rt_str_t room, rt_str_t user, rt_str_t thread,
    uint64_t until, rt_str_t socket);

/* whether the user may enter a dm; if so it is taken to be in: FACT_ASK */
void ngx_http_realtime_peers_ask(ngx_http_realtime_hub_t *hub,
    const ngx_http_realtime_peers_move_t *m);

/* it does not enter after all, unless it is there by another socket */
void ngx_http_realtime_peers_unask(ngx_http_realtime_hub_t *hub, rt_str_t nsp,
    rt_str_t room, rt_str_t user);

/* how a user is, wherever */
void ngx_http_realtime_peers_query(ngx_http_realtime_hub_t *hub, rt_str_t nsp,
    rt_str_t user, uint64_t handle);


#endif /* _NGX_HTTP_REALTIME_PEERS_H_INCLUDED_ */
