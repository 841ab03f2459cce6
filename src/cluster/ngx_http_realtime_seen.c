
/*
 * Hosts of this server count what they say, also what is for nobody here: so
 * it shows what did not come, and what has come already.
 *
 * Twice comes what was under way when its sender's connection was lost or its
 * worker died, and channels of a cluster overtake each other: both only within
 * a window.  A number outside of it is a new beginning, as anybody can say any
 * number in the name of a host.
 */


#include "cluster/ngx_http_realtime_link.h"


static ngx_int_t ngx_http_realtime_seen_late(ngx_http_realtime_link_t *link,
    ngx_http_realtime_peer_t *peer, uint64_t seq);
static void ngx_http_realtime_seen_next(ngx_http_realtime_link_t *link,
    ngx_http_realtime_peer_t *peer, uint64_t seq);
static ngx_http_realtime_peer_t *ngx_http_realtime_seen_peer(
    ngx_http_realtime_link_t *link, rt_str_t uid);


/* more are never missed at a time: then it is another count */
#define NGX_HTTP_REALTIME_SEEN_JUMP  (16 * 1024 * 1024)


/* what may be under way is what may come again */
_Static_assert(NGX_HTTP_REALTIME_PEER_WINDOW >= NGX_HTTP_REALTIME_LINK_WINDOW,
               "the window of peers is too small");


#define ngx_http_realtime_seen_word(peer, seq)                                \
    (peer)->taken[(seq) % NGX_HTTP_REALTIME_PEER_WINDOW / 64]

#define ngx_http_realtime_seen_bit(seq)  ((uint64_t) 1 << (seq) % 64)


ngx_int_t
ngx_http_realtime_seen(ngx_http_realtime_link_t *link, rt_str_t uid,
    rt_str_t bytes)
{
    uint64_t                   seq;
    ngx_http_realtime_peer_t  *peer;

    if (uid.len == 0 || uid.len > NGX_HTTP_REALTIME_PEER_LEN
        || rt_adapter_seq(bytes, &seq) != RT_OK || seq == 0)
    {
        return NGX_OK;
    }

    peer = ngx_http_realtime_seen_peer(link, uid);

    if (seq <= peer->seq && peer->seq - seq < NGX_HTTP_REALTIME_PEER_WINDOW) {
        return ngx_http_realtime_seen_late(link, peer, seq);
    }

    ngx_http_realtime_seen_next(link, peer, seq);
    peer->heard = ngx_http_realtime_now();

    return NGX_OK;
}


static ngx_int_t
ngx_http_realtime_seen_late(ngx_http_realtime_link_t *link,
    ngx_http_realtime_peer_t *peer, uint64_t seq)
{
    if (ngx_http_realtime_seen_word(peer, seq)
        & ngx_http_realtime_seen_bit(seq))
    {
        return NGX_DECLINED;
    }

    ngx_http_realtime_seen_word(peer, seq) |= ngx_http_realtime_seen_bit(seq);

    if (seq > peer->first) {
        atomic_fetch_sub(&link->shared->missed, 1);
    }

    return NGX_OK;
}


/* the highest one comes last: should it end here, nothing is taken for seen */

static void
ngx_http_realtime_seen_next(ngx_http_realtime_link_t *link,
    ngx_http_realtime_peer_t *peer, uint64_t seq)
{
    uint64_t  i;

    if (seq < peer->seq || peer->seq == 0
        || seq - peer->seq > NGX_HTTP_REALTIME_SEEN_JUMP)
    {
        peer->seq = 0;
        peer->first = seq;

    } else {
        atomic_fetch_add(&link->shared->missed, seq - peer->seq - 1);
    }

    if (seq - peer->seq >= NGX_HTTP_REALTIME_PEER_WINDOW || peer->seq == 0) {
        ngx_memzero(peer->taken, sizeof(peer->taken));

    } else {
        for (i = peer->seq + 1; i < seq; i++) {
            ngx_http_realtime_seen_word(peer, i)
                                             &= ~ngx_http_realtime_seen_bit(i);
        }
    }

    ngx_http_realtime_seen_word(peer, seq) |= ngx_http_realtime_seen_bit(seq);
    peer->seq = seq;
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
