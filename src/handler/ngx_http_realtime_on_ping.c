
/*
 * ping and pong, the events: how long the way is.  Engine.IO's own heartbeat
 * is another thing (session/).
 */


#include "handler/ngx_http_realtime_events.h"


static double ngx_http_realtime_pong_number(rt_str_t value);


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
    double                     sent;
    uint64_t                   now = ngx_http_realtime_now();
    rt_str_t                   value;
    rt_invalid_t               inv;
    ngx_http_realtime_slot_t  *slot = call->hub->bus->slot;

    inv.n = 0;

    if (rt_json_get(call->arg, rt_lit("timestamp"), &value) != RT_OK) {
        rt_invalid_add(&inv, "timestamp", "Required");
        ngx_http_realtime_answer_invalid(call, &inv);
        return;
    }

    sent = ngx_http_realtime_pong_number(value);

    if (sent < 0) {
        rt_invalid_add(&inv, "timestamp", "Expected number");
        ngx_http_realtime_answer_invalid(call, &inv);
        return;
    }

    /* a clock that is ahead of ours tells nothing */

    if (sent <= now) {
        slot->counters[NGX_HTTP_REALTIME_N_LATENCIES]++;
        slot->counters[NGX_HTTP_REALTIME_N_LATENCY_MS] += now
                                                          - (uint64_t) sent;
    }

    ngx_http_realtime_answer(call, rt_lit(""));
}


/* with a fraction perhaps, as other languages than JavaScript have it */

static double
ngx_http_realtime_pong_number(rt_str_t value)
{
    char  text[64];

    if (rt_json_type(value) != RT_JSON_NUMBER || value.len >= sizeof(text)) {
        return -1;
    }

    ngx_memcpy(text, value.data, value.len);
    text[value.len] = '\0';

    return strtod(text, NULL);
}
