
#include "session/ngx_http_realtime_pause.h"


static ngx_http_realtime_partial_t *ngx_http_realtime_pause_copy(
    ngx_http_realtime_packet_t *pkt, ngx_log_t *log);


ngx_int_t
ngx_http_realtime_pause_begin(ngx_http_realtime_pause_t *p,
    ngx_http_realtime_socket_t *sk, ngx_http_realtime_packet_t *pkt)
{
    ngx_http_realtime_session_t  *s = sk->session;

    p->packet = NULL;

    if (pkt) {
        p->packet = ngx_http_realtime_pause_copy(pkt, s->set->log);

        if (p->packet == NULL) {
            return NGX_ERROR;
        }
    }

    ngx_memcpy(p->id, sk->id, RT_ID_LEN);

    p->session = s;
    p->next = s->pauses;
    s->pauses = p;

    return NGX_OK;
}


static ngx_http_realtime_partial_t *
ngx_http_realtime_pause_copy(ngx_http_realtime_packet_t *pkt, ngx_log_t *log)
{
    ngx_uint_t                    i;
    ngx_http_realtime_partial_t  *copy;

    copy = ngx_http_realtime_partial_new(pkt->text, pkt->sio.attachments, log);

    for (i = 0; copy && i < pkt->sio.attachments; i++) {

        if (ngx_http_realtime_partial_add(copy, pkt->attachments[i], log)
            != NGX_OK)
        {
            ngx_http_realtime_partial_free(copy);
            return NULL;
        }
    }

    return copy;
}


ngx_http_realtime_socket_t *
ngx_http_realtime_pause_socket(ngx_http_realtime_pause_t *p)
{
    ngx_http_realtime_socket_t  *sk;

    if (!ngx_http_realtime_session_alive(p->session)) {
        return NULL;
    }

    for (sk = p->session->sockets; sk; sk = sk->next) {
        if (ngx_memcmp(sk->id, p->id, RT_ID_LEN) == 0) {
            return sk;
        }
    }

    return NULL;
}


void
ngx_http_realtime_pause_packet(ngx_http_realtime_pause_t *p,
    ngx_http_realtime_packet_t *pkt)
{
    const char  *why;

    /* it was decoded before, and is the same */

    (void) rt_sio_decode(&pkt->sio, p->packet->text, &why);

    pkt->text = p->packet->text;
    ngx_memcpy(pkt->attachments, p->packet->attachments,
               sizeof(pkt->attachments));
}


void
ngx_http_realtime_pause_end(ngx_http_realtime_pause_t *p)
{
    ngx_http_realtime_pause_t    **link;
    ngx_http_realtime_session_t   *s = p->session;

    for (link = &s->pauses; *link != p; link = &(*link)->next) { /* void */ }

    *link = p->next;

    ngx_http_realtime_partial_free(p->packet);
    p->packet = NULL;

    if (s->pauses == NULL && ngx_http_realtime_session_alive(s)
        && s->transport)
    {
        ngx_http_realtime_session_alive_now(s);
        s->transport->go_on(s);
    }
}
