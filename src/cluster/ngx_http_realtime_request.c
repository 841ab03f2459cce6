
#include "cluster/ngx_http_realtime_request.h"


static void ngx_http_realtime_request_publish(void *data,
    rt_adapter_form_e form, rt_str_t nsp, rt_str_t to, rt_str_t bytes);


void
ngx_http_realtime_request_init(ngx_http_realtime_link_t *link)
{
    link->answers.hub = link->hub;
    link->answers.publish = ngx_http_realtime_request_publish;
    link->answers.data = link;
    link->answers.uid = rt_str(NGX_HTTP_REALTIME_UID_LEN, link->shared->uid);

    ngx_http_realtime_answers_init(&link->answers);
}


void
ngx_http_realtime_request(ngx_http_realtime_link_t *link, rt_adapter_t *m)
{
    const char    *why = NULL;
    rt_adapter_t   answer;

    if (m->type != RT_ADAPTER_SERVER_SIDE_EMIT) {

        if (ngx_http_realtime_answer_request(&link->answers, m->nsp, m, &why)
            == NGX_DECLINED)
        {
            ngx_http_realtime_link_refuse(link, m->uid, why);
        }

        return;
    }

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
}


void
ngx_http_realtime_request_answer(ngx_http_realtime_link_t *link, rt_str_t nsp,
    rt_adapter_t *m)
{
    ssize_t      n;
    rt_buf_t     b;
    const char  *why;

    n = rt_adapter_encode(NULL, m, &why);

    if (n < 0
        || ngx_http_realtime_scratch(&link->body, n, link->log) == NULL)
    {
        return;
    }

    rt_buf_init(&b, link->body.data, link->body.size);
    n = rt_adapter_encode(&b, m, &why);

    if (n > 0) {
        ngx_http_realtime_request_publish(link, m->form, nsp, rt_lit(""),
                                          rt_str(n, link->body.data));
    }
}


/* the classic adapter's nodes all listen to what each of them is told */

static void
ngx_http_realtime_request_publish(void *data, rt_adapter_form_e form,
    rt_str_t nsp, rt_str_t to, rt_str_t bytes)
{
    u_char                     text[NGX_HTTP_REALTIME_CHANNEL_MAX];
    rt_buf_t                   channel;
    ngx_http_realtime_link_t  *link = data;

    rt_buf_init(&channel, text, sizeof(text));
    rt_channel_put(&channel, RT_CHANNEL_RESPONSE, link->conf->key, nsp, NULL);

    (void) ngx_http_realtime_link_publish(link, rt_buf_str(&channel), bytes);
}
