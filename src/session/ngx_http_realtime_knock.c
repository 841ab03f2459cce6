
#include "session/ngx_http_realtime_knock.h"


ngx_http_realtime_knock_t *
ngx_http_realtime_knock_add(ngx_http_realtime_session_t *s, rt_str_t nsp,
    rt_str_t data)
{
    u_char                     *p;
    ngx_http_realtime_knock_t  *k;

    k = ngx_calloc(sizeof(ngx_http_realtime_knock_t) + nsp.len + data.len,
                   s->set->log);
    if (k == NULL) {
        return NULL;
    }

    p = (u_char *) (k + 1);

    k->text = rt_str(nsp.len + data.len, p);
    k->nsp_len = nsp.len;

    p = ngx_cpymem(p, nsp.data, nsp.len);

    if (data.len) {
        ngx_memcpy(p, data.data, data.len);
    }

    k->session = s;
    k->next = s->knocks;
    s->knocks = k;

    return k;
}


ngx_http_realtime_knock_t *
ngx_http_realtime_knock_find(ngx_http_realtime_session_t *s, rt_str_t nsp)
{
    ngx_http_realtime_knock_t  *k;

    for (k = s->knocks; k; k = k->next) {
        if (rt_str_eq(rt_str(k->nsp_len, k->text.data), nsp)) {
            return k;
        }
    }

    return NULL;
}


void
ngx_http_realtime_knock_packet(ngx_http_realtime_knock_t *k,
    rt_sio_packet_t *pkt)
{
    ngx_memzero(pkt, sizeof(rt_sio_packet_t));

    pkt->type = RT_SIO_CONNECT;
    pkt->nsp = rt_str(k->nsp_len, k->text.data);
    pkt->data = rt_str(k->text.len - k->nsp_len, k->text.data + k->nsp_len);
}


void
ngx_http_realtime_knock_free(ngx_http_realtime_knock_t *k)
{
    ngx_http_realtime_knock_t    **link;
    ngx_http_realtime_session_t   *s = k->session;

    for (link = &s->knocks; *link; link = &(*link)->next) {

        if (*link == k) {
            *link = k->next;
            break;
        }
    }

    ngx_http_realtime_waiter_remove(&s->set->bus->waiters, &k->waiter);
    ngx_http_realtime_beat_stop(&k->beat);

    ngx_free(k);
}
