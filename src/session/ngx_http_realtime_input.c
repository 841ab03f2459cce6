
#include "session/ngx_http_realtime_input.h"
#include "session/ngx_http_realtime_knock.h"

#include "base/rt_base64.h"
#include "proto/rt_eio.h"


static ngx_int_t ngx_http_realtime_input_message(
    ngx_http_realtime_session_t *s, rt_str_t packet);
static ngx_int_t ngx_http_realtime_input_base64(
    ngx_http_realtime_session_t *s, rt_str_t text);
static ngx_int_t ngx_http_realtime_input_echo(ngx_http_realtime_session_t *s,
    uint8_t opcode, rt_str_t packet);
static ngx_int_t ngx_http_realtime_input_packet(
    ngx_http_realtime_session_t *s, ngx_http_realtime_packet_t *pkt);
static ngx_int_t ngx_http_realtime_input_connect(
    ngx_http_realtime_session_t *s, rt_sio_packet_t *sio);
static ngx_int_t ngx_http_realtime_input_begin(ngx_http_realtime_session_t *s,
    rt_str_t message, ngx_uint_t want);
static ngx_int_t ngx_http_realtime_input_whole(ngx_http_realtime_session_t *s,
    ngx_http_realtime_partial_t *p);
static ngx_int_t ngx_http_realtime_input_refuse(
    ngx_http_realtime_session_t *s, const char *why);


ngx_int_t
ngx_http_realtime_input_text(ngx_http_realtime_session_t *s, rt_str_t packet)
{
    const char       *why;
    rt_eio_packet_t   pkt;

    if (!ngx_http_realtime_session_alive(s)) {
        return NGX_OK;
    }

    if (rt_eio_decode(&pkt, packet, &why) != RT_OK) {
        return ngx_http_realtime_input_refuse(s, why);
    }

    if (pkt.binary) {
        return ngx_http_realtime_input_base64(s, pkt.data);
    }

    ngx_http_realtime_count(s->set->bus, PACKETS_IN);
    ngx_http_realtime_session_alive_now(s);

    switch (pkt.type) {

    case RT_EIO_MESSAGE:

        if (s->conf->echo) {
            return ngx_http_realtime_input_echo(s, RT_WS_TEXT, packet);
        }

        return ngx_http_realtime_input_message(s, pkt.data);

    case RT_EIO_PONG:
    case RT_EIO_NOOP:
        return NGX_OK;

    case RT_EIO_CLOSE:
        ngx_http_realtime_session_close(s, NGX_HTTP_REALTIME_CLOSED_BY_CLIENT);
        return NGX_OK;

    default: /* OPEN, PING, UPGRADE: not for a client to send here */
        return ngx_http_realtime_input_refuse(s, "unexpected packet type");
    }
}


static ngx_int_t
ngx_http_realtime_input_base64(ngx_http_realtime_session_t *s, rt_str_t text)
{
    u_char     *buf;
    ssize_t     n;
    ngx_int_t   rc;

    buf = ngx_alloc(rt_base64_max(text.len) + 1, s->set->log);
    if (buf == NULL) {
        ngx_http_realtime_session_close(s, NGX_HTTP_REALTIME_CLOSED_FORCED);
        return NGX_ERROR;
    }

    n = rt_base64_decode(buf, text);

    rc = (n >= 0) ? ngx_http_realtime_input_binary(s, rt_str(n, buf))
                  : ngx_http_realtime_input_refuse(s, "bad base64");

    ngx_free(buf);

    return rc;
}


static ngx_int_t
ngx_http_realtime_input_echo(ngx_http_realtime_session_t *s, uint8_t opcode,
    rt_str_t packet)
{
    ngx_http_realtime_blob_t  *b;

    b = ngx_http_realtime_blob_copy(opcode, packet, s->set->log);
    if (b == NULL) {
        return NGX_ERROR;
    }

    ngx_http_realtime_session_send(s, b);
    ngx_http_realtime_blob_free(b);

    return NGX_OK;
}


static ngx_int_t
ngx_http_realtime_input_message(ngx_http_realtime_session_t *s,
    rt_str_t message)
{
    const char                  *why;
    ngx_http_realtime_packet_t   pkt;

    if (s->partial) {
        return ngx_http_realtime_input_refuse(s,
                                      "text packet instead of an attachment");
    }

    if (rt_sio_decode(&pkt.sio, message, &why) != RT_OK) {
        return ngx_http_realtime_input_refuse(s, why);
    }

    pkt.text = message;

    if (pkt.sio.attachments) {
        return ngx_http_realtime_input_begin(s, message, pkt.sio.attachments);
    }

    return ngx_http_realtime_input_packet(s, &pkt);
}


static ngx_int_t
ngx_http_realtime_input_packet(ngx_http_realtime_session_t *s,
    ngx_http_realtime_packet_t *pkt)
{
    ngx_http_realtime_socket_t  *sk;

    if (pkt->sio.type == RT_SIO_CONNECT) {
        return ngx_http_realtime_input_connect(s, &pkt->sio);
    }

    sk = ngx_http_realtime_socket_find(s, pkt->sio.nsp);

    if (sk == NULL) {

        /* it may have crossed our DISCONNECT on the wire */

        return s->kicked ? NGX_OK
                         : ngx_http_realtime_input_refuse(s,
                                     "packet for a namespace not joined");
    }

    switch (pkt->sio.type) {

    case RT_SIO_EVENT:
    case RT_SIO_BINARY_EVENT:
        s->set->on_event(sk, pkt);
        return NGX_OK;

    case RT_SIO_ACK:
    case RT_SIO_BINARY_ACK:
        ngx_http_realtime_socket_acked(sk, pkt);
        return NGX_OK;

    case RT_SIO_DISCONNECT:
        ngx_http_realtime_socket_close(sk);
        return NGX_OK;

    default:
        return ngx_http_realtime_input_refuse(s,
                                              "CONNECT_ERROR from a client");
    }
}


static ngx_int_t
ngx_http_realtime_input_connect(ngx_http_realtime_session_t *s,
    rt_sio_packet_t *sio)
{
    if (ngx_http_realtime_socket_find(s, sio->nsp)
        || ngx_http_realtime_knock_find(s, sio->nsp))
    {
        return ngx_http_realtime_input_refuse(s,
                                     "CONNECT to a namespace joined already");
    }

    ngx_http_realtime_input_let_in(s, sio);

    return NGX_OK;
}


void
ngx_http_realtime_input_let_in(ngx_http_realtime_session_t *s,
    rt_sio_packet_t *sio)
{
    s->set->on_connect(s, sio);

    if (s->sockets) {
        ngx_http_realtime_beat_stop(&s->grace);
    }
}


static ngx_int_t
ngx_http_realtime_input_begin(ngx_http_realtime_session_t *s,
    rt_str_t message, ngx_uint_t want)
{
    s->partial = ngx_http_realtime_partial_new(message, want, s->set->log);

    if (s->partial == NULL) {
        ngx_http_realtime_session_close(s, NGX_HTTP_REALTIME_CLOSED_FORCED);
        return NGX_ERROR;
    }

    ngx_http_realtime_session_grace(s);

    return NGX_OK;
}


ngx_int_t
ngx_http_realtime_input_binary(ngx_http_realtime_session_t *s, rt_str_t data)
{
    ngx_http_realtime_partial_t  *p;

    if (!ngx_http_realtime_session_alive(s)) {
        return NGX_OK;
    }

    ngx_http_realtime_count(s->set->bus, PACKETS_IN);
    ngx_http_realtime_session_alive_now(s);

    if (s->conf->echo) {
        return ngx_http_realtime_input_echo(s, RT_WS_BINARY, data);
    }

    p = s->partial;

    if (p == NULL) {
        return ngx_http_realtime_input_refuse(s,
                                           "attachment not announced");
    }

    if (ngx_http_realtime_partial_add(p, data, s->set->log) != NGX_OK) {
        ngx_http_realtime_session_close(s, NGX_HTTP_REALTIME_CLOSED_FORCED);
        return NGX_ERROR;
    }

    if (p->have < p->want) {
        return NGX_OK;
    }

    s->partial = NULL;

    if (s->sockets) {
        ngx_http_realtime_beat_stop(&s->grace);
    }

    return ngx_http_realtime_input_whole(s, p);
}


static ngx_int_t
ngx_http_realtime_input_whole(ngx_http_realtime_session_t *s,
    ngx_http_realtime_partial_t *p)
{
    ngx_int_t                    rc;
    const char                  *why;
    ngx_http_realtime_packet_t   pkt;

    rc = rt_sio_decode(&pkt.sio, p->text, &why);

    if (rc == NGX_OK) {
        pkt.text = p->text;
        ngx_memcpy(pkt.attachments, p->attachments, sizeof(pkt.attachments));
        rc = ngx_http_realtime_input_packet(s, &pkt);

    } else {
        rc = ngx_http_realtime_input_refuse(s, why);
    }

    ngx_http_realtime_partial_free(p);

    return rc;
}


static ngx_int_t
ngx_http_realtime_input_refuse(ngx_http_realtime_session_t *s,
    const char *why)
{
    ngx_log_error(NGX_LOG_INFO, s->set->log, 0,
                  "realtime session %*s: client sent a bad packet: %s",
                  (size_t) RT_ID_LEN, s->sid, why);

    ngx_http_realtime_session_close(s, NGX_HTTP_REALTIME_CLOSED_BAD_PACKET);

    return NGX_ERROR;
}


ngx_http_realtime_partial_t *
ngx_http_realtime_partial_new(rt_str_t text, ngx_uint_t want, ngx_log_t *log)
{
    u_char                       *copy;
    ngx_http_realtime_partial_t  *p;

    p = ngx_calloc(sizeof(ngx_http_realtime_partial_t) + text.len, log);
    if (p == NULL) {
        return NULL;
    }

    copy = (u_char *) (p + 1);
    ngx_memcpy(copy, text.data, text.len);

    p->text = rt_str(text.len, copy);
    p->want = want;

    return p;
}


ngx_int_t
ngx_http_realtime_partial_add(ngx_http_realtime_partial_t *p, rt_str_t data,
    ngx_log_t *log)
{
    u_char  *copy;

    copy = ngx_alloc(data.len + 1, log);
    if (copy == NULL) {
        return NGX_ERROR;
    }

    if (data.len) {
        ngx_memcpy(copy, data.data, data.len);
    }

    p->attachments[p->have++] = rt_str(data.len, copy);

    return NGX_OK;
}


void
ngx_http_realtime_partial_free(ngx_http_realtime_partial_t *p)
{
    ngx_uint_t  i;

    if (p == NULL) {
        return;
    }

    for (i = 0; i < p->have; i++) {
        ngx_free((void *) p->attachments[i].data);
    }

    ngx_free(p);
}
