
#include "transport/ngx_http_realtime_post.h"
#include "transport/ngx_http_realtime_upgrade.h"
#include "session/ngx_http_realtime_input.h"

#include "base/rt_utf8.h"
#include "proto/rt_eio.h"


/* who waits for answers; a handle of 0: nobody does */

struct ngx_http_realtime_post_s {
    ngx_http_realtime_wid_t   from;         /* who holds the POST */
    uint64_t                  handle;
    ngx_http_realtime_wid_t   to;           /* who has the WebSocket */
    uint64_t                  move;
    rt_str_t                  rest;         /* of the body, behind the struct */
};


static ngx_int_t ngx_http_realtime_post_input(ngx_http_realtime_session_t *s,
    ngx_http_realtime_entry_t *e, rt_str_t body);
static ngx_int_t ngx_http_realtime_post_wait(ngx_http_realtime_session_t *s,
    ngx_http_realtime_entry_t *e, rt_str_t rest);
static void ngx_http_realtime_post_bye(ngx_http_realtime_session_t *s,
    ngx_http_realtime_entry_t *e);
static void ngx_http_realtime_post_gone(void *ctx,
    ngx_http_realtime_beat_t *beat);


/* how far a GET may be behind the POST that closes the session, ms */
#define NGX_HTTP_REALTIME_POST_BYE  100


void
ngx_http_realtime_post(ngx_http_realtime_session_t *s,
    ngx_http_realtime_entry_t *e, ngx_http_realtime_transports_t *tp)
{
    rt_str_t                      body = e->packets;
    ngx_http_realtime_polling_t  *p = s->carrier;

    if (ngx_http_realtime_polling_admit(s, e, tp) != NGX_OK) {
        return;
    }

    if (p->bye) {
        ngx_http_realtime_operation_refuse(tp, e->from, e->handle,
                                           NGX_HTTP_REALTIME_UNKNOWN_SID);
        return;
    }

    if (body.len == 0 || rt_utf8_check(body) != RT_OK) {
        ngx_http_realtime_operation_refuse(tp, e->from, e->handle,
                                           NGX_HTTP_REALTIME_BAD_REQUEST);
        ngx_http_realtime_session_close(s,
                                        NGX_HTTP_REALTIME_CLOSED_BAD_PACKET);
        return;
    }

    if (p->post && p->post->handle) {

        /* two at once, as the reference server has it */

        ngx_http_realtime_operation_refuse(tp, e->from, e->handle,
                                           NGX_HTTP_REALTIME_BAD_REQUEST);
        ngx_http_realtime_session_close(s, NGX_HTTP_REALTIME_CLOSED_FORCED);
        return;
    }

    (void) ngx_http_realtime_post_input(s, e, body);
}


/* NGX_AGAIN: it waits; otherwise the POST was answered, or will be with bye */

static ngx_int_t
ngx_http_realtime_post_input(ngx_http_realtime_session_t *s,
    ngx_http_realtime_entry_t *e, rt_str_t body)
{
    rt_str_t                      packet;
    ngx_int_t                     rc = NGX_OK;
    ngx_http_realtime_polling_t  *p = s->carrier;

    while (rc == NGX_OK && ngx_http_realtime_session_alive(s) && !p->bye
           && !ngx_http_realtime_session_waits(s)
           && rt_eio_payload_next(&body, &packet) == RT_OK)
    {
        if (rt_str_eq(packet, rt_lit("1")) && p->handle == 0) {
            ngx_http_realtime_post_bye(s, e);

        } else {
            rc = ngx_http_realtime_input_text(s, packet);
        }
    }

    if (rc == NGX_OK && ngx_http_realtime_session_alive(s)) {

        if (p->bye) {
            return NGX_OK;              /* answered when the session goes */
        }

        if (ngx_http_realtime_session_waits(s)) {

            if (ngx_http_realtime_post_wait(s, e, body) == NGX_OK) {
                return NGX_AGAIN;
            }

            ngx_http_realtime_session_close(s,
                                            NGX_HTTP_REALTIME_CLOSED_FORCED);
            rc = NGX_ERROR;
        }
    }

    if (rc != NGX_OK) {
        ngx_http_realtime_operation_refuse(p->tp, e->from, e->handle,
                                           NGX_HTTP_REALTIME_BAD_REQUEST);
        return NGX_OK;
    }

    ngx_http_realtime_operation_answer(p->tp, e->from, e->handle, NGX_HTTP_OK,
                                       rt_lit("ok"));
    return NGX_OK;
}


/* for the second time the rest is a part of what is kept already */

static ngx_int_t
ngx_http_realtime_post_wait(ngx_http_realtime_session_t *s,
    ngx_http_realtime_entry_t *e, rt_str_t rest)
{
    u_char                       *copy;
    ngx_http_realtime_post_t     *post, *old;
    ngx_http_realtime_polling_t  *p = s->carrier;

    old = p->post;

    if (old && old->handle) {
        old->rest = rest;
        return NGX_OK;
    }

    post = ngx_calloc(sizeof(ngx_http_realtime_post_t) + rest.len,
                      s->set->log);
    if (post == NULL) {
        return NGX_ERROR;
    }

    if (old) {
        *post = *old;
        ngx_free(old);
    }

    post->from = e->from;
    post->handle = e->handle;
    post->rest = rest;

    if (rest.data) {
        copy = (u_char *) (post + 1);
        ngx_memcpy(copy, rest.data, rest.len);
        post->rest = rt_str(rest.len, copy);
    }

    p->post = post;

    return NGX_OK;
}


void
ngx_http_realtime_post_move(ngx_http_realtime_session_t *s,
    ngx_http_realtime_entry_t *e, ngx_http_realtime_transports_t *tp)
{
    ngx_http_realtime_polling_t  *p = s->carrier;

    if (p->post == NULL) {
        p->post = ngx_calloc(sizeof(ngx_http_realtime_post_t), tp->log);
    }

    if (p->post == NULL || p->post->move) {
        ngx_http_realtime_operation_refuse(tp, e->from, e->handle,
                                           NGX_HTTP_REALTIME_FULL);
        return;
    }

    p->post->to = e->from;
    p->post->move = e->handle;
}


void
ngx_http_realtime_post_go_on(ngx_http_realtime_session_t *s)
{
    ngx_http_realtime_post_t        *post;
    ngx_http_realtime_entry_t        e;
    ngx_http_realtime_polling_t     *p = s->carrier;
    ngx_http_realtime_transports_t  *tp = p->tp;

    post = p->post;

    if (post == NULL) {
        return;
    }

    ngx_memzero(&e, sizeof(e));

    if (post->handle) {

        e.from = post->from;
        e.handle = post->handle;

        if (ngx_http_realtime_post_input(s, &e, post->rest) == NGX_AGAIN) {
            return;
        }

        post->handle = 0;
    }

    e.from = post->to;
    e.handle = post->move;

    if (e.handle == 0 || !ngx_http_realtime_session_alive(s)) {
        ngx_http_realtime_post_end(p);
        return;
    }

    p->post = NULL;
    ngx_free(post);

    ngx_http_realtime_upgrade_give(s, &e, tp);
}


void
ngx_http_realtime_post_end(ngx_http_realtime_polling_t *p)
{
    ngx_http_realtime_post_t  *post = p->post;

    if (post == NULL) {
        return;
    }

    p->post = NULL;

    if (post->handle) {
        ngx_http_realtime_operation_answer(p->tp, post->from, post->handle,
                                           NGX_HTTP_OK, rt_lit("ok"));
    }

    if (post->move) {
        ngx_http_realtime_operation_refuse(p->tp, post->to, post->move,
                                           NGX_HTTP_REALTIME_BAD_REQUEST);
    }

    ngx_free(post);
}


/*
 * The client closes while no GET is parked.  The one that it sent at the same
 * moment may still be on its way, through another worker, and is owed a noop:
 * so the POST is answered only when it has come, or after a while.  To
 * everybody else the client has gone now.
 */

static void
ngx_http_realtime_post_bye(ngx_http_realtime_session_t *s,
    ngx_http_realtime_entry_t *e)
{
    ngx_http_realtime_polling_t  *p = s->carrier;

    p->bye = e->handle;
    p->bye_from = e->from;

    /* who has a pid may come back even so, as with the reference server */

    while (s->sockets && !s->recoverable) {
        ngx_http_realtime_socket_close(s->sockets);
    }

    ngx_http_realtime_outq_clear(&s->outq, &s->set->stock);

    (void) ngx_http_realtime_beat_set(&s->set->beats, &s->grace,
                                      ngx_http_realtime_post_gone,
                                      NGX_HTTP_REALTIME_POST_BYE,
                                      ngx_current_msec);
}


static void
ngx_http_realtime_post_gone(void *ctx, ngx_http_realtime_beat_t *beat)
{
    ngx_http_realtime_session_t  *s;

    s = ngx_queue_data(beat, ngx_http_realtime_session_t, grace);

    ngx_http_realtime_session_close(s, NGX_HTTP_REALTIME_CLOSED_BY_CLIENT);
}
