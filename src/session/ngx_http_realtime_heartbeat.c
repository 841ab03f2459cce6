
/*
 * Is the client still there?  Pings and their pongs (Engine.IO 4,
 * "Heartbeat"), and the time it has to say what it wants.
 */


#include "session/ngx_http_realtime_session.h"


static void ngx_http_realtime_session_ping(void *ctx,
    ngx_http_realtime_beat_t *beat);
static void ngx_http_realtime_session_no_pong(void *ctx,
    ngx_http_realtime_beat_t *beat);
static void ngx_http_realtime_session_no_grace(void *ctx,
    ngx_http_realtime_beat_t *beat);


ngx_int_t
ngx_http_realtime_session_ping_later(ngx_http_realtime_session_t *s)
{
    return ngx_http_realtime_beat_set(&s->set->beats, &s->beat,
                                      ngx_http_realtime_session_ping,
                                      s->conf->ping_interval,
                                      ngx_current_msec);
}


static void
ngx_http_realtime_session_ping(void *ctx, ngx_http_realtime_beat_t *beat)
{
    ngx_http_realtime_session_t  *s;

    s = ngx_queue_data(beat, ngx_http_realtime_session_t, beat);

    s->pinged = 1;

    /* the deadline counts from when the ping was due, not from now */

    (void) ngx_http_realtime_beat_set(&s->set->beats, &s->beat,
                                      ngx_http_realtime_session_no_pong,
                                      s->conf->ping_timeout, beat->due);

    ngx_http_realtime_session_send_text(s, rt_lit("2"));
}


static void
ngx_http_realtime_session_no_pong(void *ctx, ngx_http_realtime_beat_t *beat)
{
    ngx_http_realtime_session_t  *s;

    s = ngx_queue_data(beat, ngx_http_realtime_session_t, beat);

    /* its pong may be among what is not read now, and it waits for a ping */

    if (ngx_http_realtime_session_waits(s)
        && ngx_http_realtime_beat_set(&s->set->beats, &s->beat,
                                      ngx_http_realtime_session_no_pong,
                                      s->conf->ping_timeout, ngx_current_msec)
           == NGX_OK)
    {
        ngx_http_realtime_session_send_text(s, rt_lit("2"));
        return;
    }

    ngx_http_realtime_session_close(s, NGX_HTTP_REALTIME_CLOSED_PING_TIMEOUT);
}


void
ngx_http_realtime_session_alive_now(ngx_http_realtime_session_t *s)
{
    if (!s->pinged) {
        return;
    }

    s->pinged = 0;

    (void) ngx_http_realtime_session_ping_later(s);
}


ngx_int_t
ngx_http_realtime_session_expired(ngx_http_realtime_session_t *s)
{
    return s->pinged && !ngx_http_realtime_session_waits(s)
           && (ngx_msec_int_t) (ngx_current_msec - s->beat.due) >= 0;
}


void
ngx_http_realtime_session_grace(ngx_http_realtime_session_t *s)
{
    (void) ngx_http_realtime_beat_set(&s->set->beats, &s->grace,
                                      ngx_http_realtime_session_no_grace,
                                      s->conf->connect_timeout,
                                      ngx_current_msec);
}


static void
ngx_http_realtime_session_no_grace(void *ctx, ngx_http_realtime_beat_t *beat)
{
    ngx_http_realtime_session_t  *s;

    s = ngx_queue_data(beat, ngx_http_realtime_session_t, grace);

    ngx_log_error(NGX_LOG_INFO, s->set->log, 0,
                  "realtime session %*s: closed, %s did not come in time "
                  "(realtime_connect_timeout)", (size_t) RT_ID_LEN, s->sid,
                  s->partial ? "attachments" : "CONNECT");

    ngx_http_realtime_session_close(s, NGX_HTTP_REALTIME_CLOSED_FORCED);
}
