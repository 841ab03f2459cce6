
/*
 * typing:start and typing:stop.
 */


#include "handler/ngx_http_realtime_events.h"
#include "hub/ngx_http_realtime_typing.h"


static ngx_int_t ngx_http_realtime_typing_read(ngx_http_realtime_call_t *call,
    rt_typing_t *typing, ngx_http_realtime_thread_t *thread);


void
ngx_http_realtime_on_typing_start(ngx_http_realtime_call_t *call)
{
    rt_typing_t                  typing;
    ngx_msec_t                   timeout;
    ngx_http_realtime_thread_t   thread;

    if (ngx_http_realtime_typing_read(call, &typing, &thread) != NGX_OK
        || ngx_http_realtime_access_write(call, typing.room.name) != NGX_OK)
    {
        return;
    }

    timeout = ngx_http_realtime_call_conf(call)->typing_timeout;

    switch (ngx_http_realtime_typing_start(call->hub, call->sk,
                                           typing.room.name, &thread,
                                           timeout))
    {

    case NGX_OK:
        ngx_http_realtime_answer(call, rt_lit(""));
        return;

    case NGX_BUSY:
        ngx_http_realtime_answer_wait(call, timeout,
                                      "You are typing in too many places.");
        return;

    default:
        ngx_http_realtime_call_full(call, "nobody could be shown as typing");
    }
}


void
ngx_http_realtime_on_typing_stop(ngx_http_realtime_call_t *call)
{
    rt_typing_t                 typing;
    ngx_http_realtime_thread_t  thread;

    if (ngx_http_realtime_typing_read(call, &typing, &thread) != NGX_OK
        || ngx_http_realtime_call_member(call, typing.room.name) == NULL)
    {
        return;
    }

    ngx_http_realtime_typing_stop(call->hub, call->sk, typing.room.name,
                                  &thread);
    ngx_http_realtime_answer(call, rt_lit(""));
}


static ngx_int_t
ngx_http_realtime_typing_read(ngx_http_realtime_call_t *call,
    rt_typing_t *typing, ngx_http_realtime_thread_t *thread)
{
    rt_invalid_t  inv;

    if (!ngx_http_realtime_call_conf(call)->typing) {
        ngx_http_realtime_answer_unknown(call);
        return NGX_DECLINED;
    }

    inv.n = 0;

    if (rt_payload_typing(typing, call->arg, &inv) != RT_OK) {
        ngx_http_realtime_answer_invalid(call, &inv);
        return NGX_DECLINED;
    }

    if (ngx_http_realtime_access_user(call) != NGX_OK) {
        return NGX_DECLINED;
    }

    thread->id = typing->thread;
    thread->named = typing->has_thread;

    return NGX_OK;
}
