
#include "cluster/ngx_http_realtime_request.h"


void
ngx_http_realtime_request(ngx_http_realtime_link_t *link, rt_adapter_t *m)
{
    rt_adapter_t  answer;

    switch (m->type) {

    case RT_ADAPTER_SERVER_SIDE_EMIT:

        if (m->request_id.len == 0) {
            return;
        }

        /* nobody here listens to such events, but an answer is waited for */

        ngx_memzero(&answer, sizeof(answer));

        answer.form = RT_ADAPTER_RESPONSE;
        answer.type = RT_ADAPTER_SERVER_SIDE_EMIT;
        answer.request_id = m->request_id;
        answer.data.bytes = rt_lit("\xc0");

        ngx_http_realtime_request_answer(link, m->nsp, &answer);
        return;

    default:
        return;
    }
}


void
ngx_http_realtime_request_answer(ngx_http_realtime_link_t *link, rt_str_t nsp,
    rt_adapter_t *m)
{
    u_char       text[NGX_HTTP_REALTIME_CHANNEL_MAX];
    ssize_t      n;
    rt_buf_t     channel, b;
    const char  *why;

    n = rt_adapter_encode(NULL, m, &why);

    if (n < 0
        || ngx_http_realtime_scratch(&link->body, n, link->log) == NULL)
    {
        return;
    }

    rt_buf_init(&b, link->body.data, link->body.size);
    n = rt_adapter_encode(&b, m, &why);

    if (n < 0) {
        return;
    }

    rt_buf_init(&channel, text, sizeof(text));
    rt_channel_put(&channel, RT_CHANNEL_RESPONSE, link->conf->key, nsp, NULL);

    (void) ngx_http_realtime_link_publish(link, rt_buf_str(&channel),
                                          rt_str(n, link->body.data));
}
