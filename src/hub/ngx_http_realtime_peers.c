
#include "hub/ngx_http_realtime_peers.h"
#include "shm/ngx_http_realtime_roster.h"
#include "shm/ngx_http_realtime_users.h"


static void ngx_http_realtime_peers_move(ngx_http_realtime_hub_t *hub,
    const ngx_http_realtime_peers_move_t *m, ngx_http_realtime_fact_e type);
static void ngx_http_realtime_peers_put(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_fact_t *f, uint64_t handle);


void
ngx_http_realtime_peers_join_locked(ngx_http_realtime_hub_t *hub,
    const ngx_http_realtime_peers_move_t *m)
{
    ngx_http_realtime_peers_move(hub, m, NGX_HTTP_REALTIME_FACT_JOIN);
}


void
ngx_http_realtime_peers_leave_locked(ngx_http_realtime_hub_t *hub,
    const ngx_http_realtime_peers_move_t *m)
{
    ngx_http_realtime_peers_move(hub, m, NGX_HTTP_REALTIME_FACT_LEAVE);
}


void
ngx_http_realtime_peers_ask(ngx_http_realtime_hub_t *hub,
    const ngx_http_realtime_peers_move_t *m)
{
    ngx_http_realtime_peers_move(hub, m, NGX_HTTP_REALTIME_FACT_ASK);
    ngx_http_realtime_bus_kick(hub->bus);
}


static void
ngx_http_realtime_peers_move(ngx_http_realtime_hub_t *hub,
    const ngx_http_realtime_peers_move_t *m, ngx_http_realtime_fact_e type)
{
    ngx_http_realtime_fact_t  f;

    ngx_memzero(&f, sizeof(f));

    f.type = type;
    f.logged = (m->kind & NGX_HTTP_REALTIME_ROOM_QUIET) ? 1 : 0;
    f.s[NGX_HTTP_REALTIME_FACT_NSP] = m->nsp;
    f.s[NGX_HTTP_REALTIME_FACT_SOCKET] = m->socket;
    f.number = m->kind;
    f.s[0] = m->room;
    f.s[1] = m->user;

    if (m->user.len == 0) {
        f.type = NGX_HTTP_REALTIME_FACT_COUNT;
        f.number = m->anonymous;
        f.s[2] = (type == NGX_HTTP_REALTIME_FACT_LEAVE) ? rt_lit("")
                                                        : rt_lit("1");
    }

    ngx_http_realtime_peers_put(hub, &f, m->handle);
}


static void
ngx_http_realtime_peers_put(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_fact_t *f, uint64_t handle)
{
    f->handle = handle;
    f->slot = hub->bus->self.slot;
    f->generation = hub->bus->self.generation;

    ngx_http_realtime_facts_put(hub->bus->zone->peers, f);
}


void
ngx_http_realtime_peers_unask(ngx_http_realtime_hub_t *hub, rt_str_t nsp,
    rt_str_t room, rt_str_t user)
{
    rt_ref_t                           where, who;
    ngx_http_realtime_zone_t          *z = hub->bus->zone;
    ngx_http_realtime_fact_t           f;
    ngx_http_realtime_occupant_rec_t  *rec = NULL;

    ngx_memzero(&f, sizeof(f));

    f.type = NGX_HTTP_REALTIME_FACT_UNASK;
    f.s[NGX_HTTP_REALTIME_FACT_NSP] = nsp;
    f.s[0] = room;
    f.s[1] = user;

    ngx_http_realtime_zone_lock(z);

    where = ngx_http_realtime_roster_find_locked(z, nsp, room);
    who = ngx_http_realtime_users_find_locked(z, nsp, user);

    if (where && who) {
        rec = ngx_http_realtime_at(z,
                     ngx_http_realtime_roster_occupant_locked(z, who, where));
    }

    if (rec == NULL || rec->count == 0) {
        ngx_http_realtime_peers_put(hub, &f, 0);
    }

    ngx_http_realtime_zone_unlock(z);
    ngx_http_realtime_bus_kick(hub->bus);
}


void
ngx_http_realtime_peers_presence_locked(ngx_http_realtime_hub_t *hub,
    rt_str_t nsp, rt_str_t user, rt_str_t status, rt_str_t custom,
    rt_str_t how, rt_str_t rooms)
{
    ngx_http_realtime_fact_t  f;

    ngx_memzero(&f, sizeof(f));

    f.type = NGX_HTTP_REALTIME_FACT_PRESENCE;
    f.s[NGX_HTTP_REALTIME_FACT_NSP] = nsp;
    f.s[NGX_HTTP_REALTIME_FACT_ROOMS] = rooms;
    f.s[0] = user;
    f.s[1] = status;
    f.s[2] = custom;
    f.s[3] = how;

    ngx_http_realtime_peers_put(hub, &f, 0);
}


void
ngx_http_realtime_peers_typing_locked(ngx_http_realtime_hub_t *hub,
    rt_str_t nsp, rt_str_t room, rt_str_t user, rt_str_t thread,
    uint64_t until, rt_str_t socket)
{
    ngx_http_realtime_fact_t  f;

    ngx_memzero(&f, sizeof(f));

    f.type = NGX_HTTP_REALTIME_FACT_TYPING;
    f.number = until;
    f.s[NGX_HTTP_REALTIME_FACT_NSP] = nsp;
    f.s[NGX_HTTP_REALTIME_FACT_SOCKET] = socket;
    f.s[0] = room;
    f.s[1] = user;
    f.s[2] = thread;

    ngx_http_realtime_peers_put(hub, &f, 0);
}


void
ngx_http_realtime_peers_query(ngx_http_realtime_hub_t *hub, rt_str_t nsp,
    rt_str_t user, uint64_t handle)
{
    ngx_http_realtime_fact_t  f;

    ngx_memzero(&f, sizeof(f));

    f.type = NGX_HTTP_REALTIME_FACT_QUERY;
    f.s[NGX_HTTP_REALTIME_FACT_NSP] = nsp;
    f.s[0] = user;

    ngx_http_realtime_peers_put(hub, &f, handle);
    ngx_http_realtime_bus_kick(hub->bus);
}
