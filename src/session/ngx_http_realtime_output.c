
/*
 * What goes out to a client: queued packet by packet, sent once per turn of
 * the event loop.
 */


#include "session/ngx_http_realtime_session.h"


void
ngx_http_realtime_session_send(ngx_http_realtime_session_t *s,
    ngx_http_realtime_blob_t *b)
{
    if (!ngx_http_realtime_session_alive(s)) {
        return;
    }

    if (ngx_http_realtime_outq_add(&s->outq, &s->set->stock, b, s->set->log)
        != NGX_OK)
    {
        ngx_http_realtime_session_close(s, NGX_HTTP_REALTIME_CLOSED_FORCED);
        return;
    }

    ngx_http_realtime_count(s->set->bus, PACKETS_OUT);

    if (s->outq.bytes <= s->conf->send_buffer) {
        ngx_http_realtime_session_touch(s);
        return;
    }

    /* much came in one turn: has it had a chance to leave at all? */

    if (s->transport) {
        s->transport->flush(s);
    }

    ngx_http_realtime_session_touch(s);

    /* a message that is too long by itself may go all the same */

    if (ngx_http_realtime_outq_behind(&s->outq) > s->conf->send_buffer
        && ngx_http_realtime_session_alive(s))
    {
        ngx_log_error(NGX_LOG_INFO, s->set->log, 0,
                      "realtime session %*s: closed, %uD bytes wait for a "
                      "client that does not read (realtime_send_buffer)",
                      (size_t) RT_ID_LEN, s->sid, s->outq.bytes);

        ngx_http_realtime_count(s->set->bus, SLOW);
        ngx_http_realtime_session_close(s, NGX_HTTP_REALTIME_CLOSED_SLOW);
    }
}


void
ngx_http_realtime_session_send_text(ngx_http_realtime_session_t *s,
    rt_str_t packet)
{
    ngx_http_realtime_blob_t  *b;

    b = ngx_http_realtime_blob_copy(RT_WS_TEXT, packet, s->set->log);

    if (b == NULL) {
        ngx_http_realtime_session_close(s, NGX_HTTP_REALTIME_CLOSED_FORCED);
        return;
    }

    ngx_http_realtime_session_send(s, b);
    ngx_http_realtime_blob_free(b);
}


void
ngx_http_realtime_session_touch(ngx_http_realtime_session_t *s)
{
    if (s->dirty || !ngx_http_realtime_session_alive(s)) {
        return;
    }

    s->dirty = 1;
    ngx_queue_insert_tail(&s->set->dirty, &s->queue);

    ngx_post_event(&s->set->flush, &ngx_posted_events);
}


void
ngx_http_realtime_sessions_flush(ngx_event_t *ev)
{
    ngx_queue_t                   *q;
    ngx_http_realtime_session_t   *s;
    ngx_http_realtime_sessions_t  *set = ev->data;

    while (!ngx_queue_empty(&set->dirty)) {
        q = ngx_queue_head(&set->dirty);
        ngx_queue_remove(q);

        s = ngx_queue_data(q, ngx_http_realtime_session_t, queue);
        s->dirty = 0;

        if (s->transport) {
            s->transport->flush(s);
        }
    }
}
