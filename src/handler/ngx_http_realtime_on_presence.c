
/*
 * presence:update and presence:request.
 */


#include "handler/ngx_http_realtime_events.h"
#include "handler/ngx_http_realtime_lookup.h"
#include "hub/ngx_http_realtime_presence.h"


static ngx_int_t ngx_http_realtime_presence_on(ngx_http_realtime_call_t *call);


void
ngx_http_realtime_on_presence_update(ngx_http_realtime_call_t *call)
{
    ngx_int_t      rc;
    rt_invalid_t   inv;
    rt_presence_t  presence;

    if (ngx_http_realtime_presence_on(call) != NGX_OK) {
        return;
    }

    inv.n = 0;

    if (rt_payload_presence(&presence, call->arg, &inv) != RT_OK) {
        ngx_http_realtime_answer_invalid(call, &inv);
        return;
    }

    if (ngx_http_realtime_access_user(call) != NGX_OK) {
        return;
    }

    rc = ngx_http_realtime_presence_update(call->hub, call->sk,
                                           presence.status,
                                           presence.has_custom
                                           ? &presence.custom : NULL);
    if (rc != NGX_OK) {
        ngx_http_realtime_call_full(call, "a status could not be kept");
        return;
    }

    /* the acknowledgement comes behind what the others and we are told */

    ngx_http_realtime_catch_up_now(call->hub, call->sk->session);

    ngx_http_realtime_answer(call, rt_lit(""));
}


void
ngx_http_realtime_on_presence_request(ngx_http_realtime_call_t *call)
{
    rt_buf_t        b;
    u_char          buf[NGX_HTTP_REALTIME_PRESENCE_MAX];
    ngx_int_t       rc;
    ngx_uint_t      scope;
    rt_invalid_t    inv;
    rt_presence_t   last;
    rt_user_ref_t   user;
    ngx_http_realtime_presence_known_t  known;

    if (ngx_http_realtime_presence_on(call) != NGX_OK) {
        return;
    }

    inv.n = 0;

    if (rt_payload_user(&user, call->arg, &inv) != RT_OK) {
        ngx_http_realtime_answer_invalid(call, &inv);
        return;
    }

    rt_buf_init(&b, buf, sizeof(buf));

    scope = ngx_http_realtime_call_conf(call)->presence_scope
            == NGX_HTTP_REALTIME_SCOPE_ROOMS;

    if (ngx_http_realtime_lookup_peers_user(call, user.user, &known)
        == NGX_AGAIN)
    {
        return;
    }

    rc = ngx_http_realtime_presence_query(call->hub, call->sk, user.user,
                                          scope, &known, &b);

    if (rc == NGX_AGAIN) {

        if (ngx_http_realtime_lookup_custom(call, user.user, &last)
            == NGX_AGAIN)
        {
            return;
        }

        known.last = 1;
        known.custom = last.custom;

        rc = ngx_http_realtime_presence_query(call->hub, call->sk, user.user,
                                              scope, &known, &b);
    }

    if (rc != NGX_OK) {
        ngx_http_realtime_answer_error(call, "PERMISSION_DENIED",
                                       "You are in no room with this user");
        return;
    }

    ngx_http_realtime_tell(call, rt_lit("\"presence:changed\""),
                           rt_buf_str(&b));
    ngx_http_realtime_answer(call, rt_buf_str(&b));
}


static ngx_int_t
ngx_http_realtime_presence_on(ngx_http_realtime_call_t *call)
{
    if (ngx_http_realtime_call_conf(call)->presence) {
        return NGX_OK;
    }

    ngx_http_realtime_answer_unknown(call);

    return NGX_DECLINED;
}
