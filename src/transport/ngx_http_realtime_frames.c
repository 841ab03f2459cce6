
/*
 * A WebSocket's input: bytes to frames to messages (RFC 6455, 5 and 6).
 */


#include "transport/ngx_http_realtime_websocket.h"
#include "transport/ngx_http_realtime_upgrade.h"
#include "session/ngx_http_realtime_input.h"


static ngx_int_t ngx_http_realtime_frame_begin(
    ngx_http_realtime_websocket_t *ws, u_char **p, u_char *last);
static ngx_int_t ngx_http_realtime_frame_payload(
    ngx_http_realtime_websocket_t *ws, u_char **p, u_char *last);
static ngx_int_t ngx_http_realtime_frame_data(
    ngx_http_realtime_websocket_t *ws, rt_str_t piece);
static ngx_int_t ngx_http_realtime_frame_control(
    ngx_http_realtime_websocket_t *ws, rt_str_t piece);
static ngx_int_t ngx_http_realtime_frame_closed(
    ngx_http_realtime_websocket_t *ws, rt_str_t payload);
static ngx_int_t ngx_http_realtime_frame_last(
    ngx_http_realtime_websocket_t *ws, uint16_t code,
    ngx_http_realtime_reason_e reason);
static void ngx_http_realtime_frame_pong(ngx_http_realtime_websocket_t *ws,
    rt_str_t payload);
static ngx_int_t ngx_http_realtime_frame_message(
    ngx_http_realtime_websocket_t *ws, rt_str_t message);
static ngx_int_t ngx_http_realtime_frame_fail(
    ngx_http_realtime_websocket_t *ws, uint16_t code, const char *why);


/* in one message; more are an attack */
#define NGX_HTTP_REALTIME_FRAGMENTS_MAX  16384


ngx_int_t
ngx_http_realtime_websocket_feed(ngx_http_realtime_websocket_t *ws, u_char *p,
    u_char *last)
{
    ngx_int_t  rc;

    while (p < last && !ws->broken) {

        if (ngx_http_realtime_websocket_held(ws)) {
            ws->rest = 1;
            return ngx_http_realtime_hoard_add(&ws->message, p, last - p,
                                               ws->tp->log);
        }

        if (!ws->payload) {
            rc = ngx_http_realtime_frame_begin(ws, &p, last);

            if (rc != NGX_OK || ws->broken) {
                return (rc == NGX_AGAIN) ? NGX_OK : rc;
            }
        }

        /* also for a frame without payload, with nothing left to read */

        rc = ngx_http_realtime_frame_payload(ws, &p, last);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_realtime_frame_begin(ngx_http_realtime_websocket_t *ws, u_char **p,
    u_char *last)
{
    ngx_int_t      rc;
    const u_char  *pos = *p;

    ws->head.limit = ws->conf->max_payload - ws->message.len;

    rc = rt_ws_parse_head(&ws->head, &pos, last);

    *p = (u_char *) pos;

    if (rc == RT_AGAIN) {
        return NGX_AGAIN;
    }

    if (rc != RT_OK) {
        return ngx_http_realtime_frame_fail(ws, (uint16_t) rc,
                        rc == RT_WS_TOO_BIG ? "message over the limit"
                                            : "bad frame");
    }

    ws->payload = 1;
    ws->got = 0;

    if (ws->head.opcode >= RT_WS_CLOSE) {
        return NGX_OK;
    }

    if (ws->head.opcode != RT_WS_CONTINUATION) {
        ws->opcode = ws->head.opcode;
        ws->utf8 = 0;
        ws->fragments = 0;
    }

    if (++ws->fragments > NGX_HTTP_REALTIME_FRAGMENTS_MAX) {
        return ngx_http_realtime_frame_fail(ws, RT_WS_TOO_BIG,
                                            "too many fragments");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_realtime_frame_payload(ngx_http_realtime_websocket_t *ws, u_char **p,
    u_char *last)
{
    size_t     n;
    rt_str_t   piece;

    n = ngx_min((uint64_t) (last - *p), ws->head.length - ws->got);

    rt_ws_unmask(*p, *p, n, ws->head.mask, ws->got);

    piece = rt_str(n, *p);

    *p += n;
    ws->got += n;

    if (ws->got == ws->head.length) {
        ws->payload = 0;
    }

    return (ws->head.opcode >= RT_WS_CLOSE)
           ? ngx_http_realtime_frame_control(ws, piece)
           : ngx_http_realtime_frame_data(ws, piece);
}


/*
 * A message that came in one piece is taken where it lies; otherwise its
 * pieces are gathered.
 */

static ngx_int_t
ngx_http_realtime_frame_data(ngx_http_realtime_websocket_t *ws, rt_str_t piece)
{
    ngx_int_t                  rc;
    ngx_uint_t                 end;
    ngx_http_realtime_hoard_t  whole;

    end = (!ws->payload && ws->head.fin);

    if (ws->opcode == RT_WS_TEXT
        && (rt_utf8_feed(&ws->utf8, piece.data, piece.len) != RT_OK
            || (end && ws->utf8 != 0)))
    {
        return ngx_http_realtime_frame_fail(ws, RT_WS_BAD_DATA,
                                            "text is not UTF-8");
    }

    if (end && ws->message.len == 0) {
        return ngx_http_realtime_frame_message(ws, piece);
    }

    if (ws->lingering) {
        return NGX_OK;
    }

    if (ngx_http_realtime_hoard_add(&ws->message, (u_char *) piece.data,
                                    piece.len, ws->tp->log)
        != NGX_OK)
    {
        return NGX_DONE;
    }

    if (!end) {
        return NGX_OK;
    }

    whole = ws->message;
    ngx_memzero(&ws->message, sizeof(ws->message));

    rc = ngx_http_realtime_frame_message(ws, rt_str(whole.len, whole.data));

    ngx_http_realtime_hoard_free(&whole);

    return rc;
}


static ngx_int_t
ngx_http_realtime_frame_message(ngx_http_realtime_websocket_t *ws,
    rt_str_t message)
{
    if (ws->lingering) {
        return NGX_OK;
    }

    if (ws->session == NULL) {

        if (ws->opcode == RT_WS_TEXT) {
            ngx_http_realtime_upgrade_input(ws, message);
            return NGX_OK;
        }

        return ngx_http_realtime_frame_fail(ws, RT_WS_NORMAL,
                                            "binary message while probing");
    }

    /* what is bad closes the session, and the session this */

    if (ws->opcode == RT_WS_TEXT) {
        (void) ngx_http_realtime_input_text(ws->session, message);

    } else {
        (void) ngx_http_realtime_input_binary(ws->session, message);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_realtime_frame_control(ngx_http_realtime_websocket_t *ws,
    rt_str_t piece)
{
    ngx_int_t                   rc = NGX_OK;
    rt_str_t                    payload = piece;
    ngx_http_realtime_hoard_t  *h = &ws->control;

    if (ws->payload || h->len) {

        if (ngx_http_realtime_hoard_add(h, (u_char *) piece.data, piece.len,
                                        ws->tp->log)
            != NGX_OK)
        {
            return NGX_DONE;
        }

        if (ws->payload) {
            return NGX_OK;
        }

        payload = rt_str(h->len, h->data);
    }

    switch (ws->head.opcode) {

    case RT_WS_CLOSE:
        rc = ngx_http_realtime_frame_closed(ws, payload);
        break;

    case RT_WS_PING:
        ngx_http_realtime_frame_pong(ws, payload);
        break;
    }

    ngx_http_realtime_hoard_free(h);

    return rc;
}


/* the close handshake (RFC 6455, 7.1): the code is sent back */

static ngx_int_t
ngx_http_realtime_frame_closed(ngx_http_realtime_websocket_t *ws,
    rt_str_t payload)
{
    ngx_int_t  rc;
    uint16_t   code;

    rc = rt_ws_parse_close(payload, &code);

    if (rc != RT_OK) {
        return ngx_http_realtime_frame_fail(ws, (uint16_t) rc,
                                            "bad close frame");
    }

    ws->closed = 1;

    /* what browsers say when somebody leaves the page */

    if (ws->session && code == RT_WS_GOING_AWAY) {
        ws->session->parting = 1;
    }

    return ngx_http_realtime_frame_last(ws, code,
                                        NGX_HTTP_REALTIME_CLOSED_BY_CLIENT);
}


static void
ngx_http_realtime_frame_pong(ngx_http_realtime_websocket_t *ws,
    rt_str_t payload)
{
    ngx_http_realtime_blob_t  *b;

    if (ws->lingering) {
        return;
    }

    if (ws->session == NULL) {
        (void) ngx_http_realtime_websocket_say(ws, RT_WS_PONG, payload);
        return;
    }

    b = ngx_http_realtime_blob_copy(RT_WS_PONG, payload, ws->tp->log);

    if (b) {
        ngx_http_realtime_session_send(ws->session, b);
        ngx_http_realtime_blob_free(b);
    }
}


static ngx_int_t
ngx_http_realtime_frame_fail(ngx_http_realtime_websocket_t *ws, uint16_t code,
    const char *why)
{
    ngx_log_error(NGX_LOG_INFO, ws->c->log, 0,
                  "realtime websocket: closed with %ui: %s",
                  (ngx_uint_t) code, why);

    return ngx_http_realtime_frame_last(ws, code,
                                        NGX_HTTP_REALTIME_CLOSED_BAD_PACKET);
}


/* nothing is parsed any more: a close frame is due, or was sent already */

static ngx_int_t
ngx_http_realtime_frame_last(ngx_http_realtime_websocket_t *ws, uint16_t code,
    ngx_http_realtime_reason_e reason)
{
    ws->broken = 1;

    if (ws->lingering) {
        return NGX_DONE;
    }

    ws->code = code;

    if (ws->session) {
        ngx_http_realtime_session_close(ws->session, reason);

    } else {
        ngx_http_realtime_websocket_end(ws, code);
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_realtime_hoard_add(ngx_http_realtime_hoard_t *h, u_char *data,
    size_t len, ngx_log_t *log)
{
    size_t   size;
    u_char  *p;

    if (h->len + len > h->size) {

        /* by doubling: what a head promises is not yet worth memory */

        size = ngx_max(h->len + len, h->size * 2);

        p = ngx_alloc(size, log);
        if (p == NULL) {
            return NGX_ERROR;
        }

        if (h->data) {
            ngx_memcpy(p, h->data, h->len);
            ngx_free(h->data);
        }

        h->data = p;
        h->size = size;
    }

    if (len) {
        ngx_memcpy(h->data + h->len, data, len);
    }

    h->len += len;

    return NGX_OK;
}


void
ngx_http_realtime_hoard_free(ngx_http_realtime_hoard_t *h)
{
    if (h->data) {
        ngx_free(h->data);
    }

    ngx_memzero(h, sizeof(ngx_http_realtime_hoard_t));
}
