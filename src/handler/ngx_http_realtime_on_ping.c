
/*
 * ping and pong, the events: how long the way is.  Engine.IO's own heartbeat
 * is another thing (session/).
 */


#include "handler/ngx_http_realtime_events.h"


void
ngx_http_realtime_on_ping(ngx_http_realtime_call_t *call)
{
    rt_buf_t  b;
    u_char    buf[64];

    rt_buf_init(&b, buf, sizeof(buf));

    rt_buf_put(&b, rt_lit("{\"timestamp\":"));
    rt_buf_u64(&b, ngx_http_realtime_now());
    rt_buf_char(&b, '}');

    ngx_http_realtime_tell(call, rt_lit("\"pong\""), rt_buf_str(&b));
    ngx_http_realtime_answer(call, rt_buf_str(&b));
}


void
ngx_http_realtime_on_pong(ngx_http_realtime_call_t *call)
{
    uint64_t                   sent, now = ngx_http_realtime_now();
    rt_str_t                   value;
    rt_invalid_t               inv;
    ngx_http_realtime_slot_t  *slot = call->hub->bus->slot;

    if (rt_json_get(call->arg, rt_lit("timestamp"), &value) != RT_OK
        || rt_json_u64(value, &sent) != RT_OK)
    {
        inv.n = 0;
        rt_invalid_add(&inv, "timestamp", "Expected number");
        ngx_http_realtime_answer_invalid(call, &inv);
        return;
    }

    /* a clock that is ahead of ours tells nothing */

    if (sent <= now) {
        slot->counters[NGX_HTTP_REALTIME_N_LATENCIES]++;
        slot->counters[NGX_HTTP_REALTIME_N_LATENCY_MS] += now - sent;
    }

    ngx_http_realtime_answer(call, rt_lit(""));
}
