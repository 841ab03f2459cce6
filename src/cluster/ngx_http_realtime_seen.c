
/*
 * Hosts of this server count what they say, also what is for nobody here: so
 * it shows what did not come, and what has come already.
 */


#include "cluster/ngx_http_realtime_link.h"


static ngx_http_realtime_peer_t *ngx_http_realtime_seen_peer(
    ngx_http_realtime_link_t *link, rt_str_t uid);


ngx_int_t
ngx_http_realtime_seen(ngx_http_realtime_link_t *link, rt_str_t uid,
    rt_str_t bytes)
{
    uint64_t                   seq;
    ngx_http_realtime_peer_t  *peer;

    if (uid.len == 0 || uid.len > NGX_HTTP_REALTIME_PEER_LEN
        || rt_adapter_seq(bytes, &seq) != RT_OK)
    {
        return NGX_OK;
    }

    peer = ngx_http_realtime_seen_peer(link, uid);

    if (peer->seq && seq <= peer->seq) {
        return NGX_DECLINED;
    }

    if (peer->seq && seq > peer->seq + 1) {
        atomic_fetch_add(&link->shared->missed, seq - peer->seq - 1);
    }

    peer->seq = seq;
    peer->heard = ngx_http_realtime_now();

    return NGX_OK;
}


/* the one that was silent longest is forgotten */

static ngx_http_realtime_peer_t *
ngx_http_realtime_seen_peer(ngx_http_realtime_link_t *link, rt_str_t uid)
{
    ngx_uint_t                 i;
    ngx_http_realtime_peer_t  *peer = link->peer, *oldest;

    if (peer && rt_str_eq(uid, rt_str(peer->len, peer->uid))) {
        return peer;
    }

    oldest = &link->shared->peer[0];

    for (i = 0; i < NGX_HTTP_REALTIME_PEERS; i++) {
        peer = &link->shared->peer[i];

        if (peer->len == 0) {
            oldest = peer;
            break;
        }

        if (rt_str_eq(uid, rt_str(peer->len, peer->uid))) {
            link->peer = peer;
            return peer;
        }

        if (peer->heard < oldest->heard) {
            oldest = peer;
        }
    }

    peer = oldest;

    peer->seq = 0;
    peer->len = uid.len;
    ngx_memcpy(peer->uid, uid.data, uid.len);

    link->peer = peer;

    return peer;
}
