
#include "cluster/ngx_http_realtime_request.h"


static ngx_int_t ngx_http_realtime_request_decode(
    ngx_http_realtime_link_t *link, rt_adapter_t *m, rt_str_t bytes,
    const char **why);
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
ngx_http_realtime_request_take(ngx_http_realtime_link_t *link,
    rt_str_t channel, rt_str_t bytes)
{
    rt_str_t                    nsp, rest;
    const char                 *why;
    rt_adapter_t                m;
    rt_channel_e                kind;
    ngx_http_realtime_space_t  *sp;

    /* it ends with the last "#" */

    if (rt_channel_parse(channel, link->conf->key, &kind, &nsp, &rest) != RT_OK
        || kind != RT_CHANNEL_REQUEST)
    {
        return;
    }

    sp = ngx_http_realtime_subscribe_find(link,
                   rt_str(channel.data + channel.len - 1 - nsp.data,
                          nsp.data));
    if (sp == NULL) {
        return;
    }

    if (ngx_http_realtime_request_decode(link, &m, bytes, &why) != NGX_OK) {
        ngx_http_realtime_link_refuse(link, rt_lit(""), why);
        return;
    }

    m.nsp = ngx_http_realtime_str(&sp->node.str);

    if (rt_str_eq(m.uid, rt_str(NGX_HTTP_REALTIME_UID_LEN,
                                link->shared->uid)))
    {
        return;
    }

    if (link->state == NGX_HTTP_REALTIME_LINK_HOLDER) {
        atomic_fetch_add(&link->shared->requests, 1);
        ngx_http_realtime_request(link, &m);
    }

    ngx_http_realtime_overlap_request(link, &m);
}


static ngx_int_t
ngx_http_realtime_request_decode(ngx_http_realtime_link_t *link,
    rt_adapter_t *m, rt_str_t bytes, const char **why)
{
    ssize_t   n;
    rt_buf_t  b;

    if (ngx_http_realtime_receive_too_long(link, bytes)) {
        *why = "it is too long for the log";
        return NGX_ERROR;
    }

    n = rt_adapter_unify(NULL, bytes, why);

    if (n > 0) {

        if (ngx_http_realtime_scratch(&link->unified, n, link->log) == NULL) {
            *why = "no memory";
            return NGX_ERROR;
        }

        rt_buf_init(&b, link->unified.data, link->unified.size);
        n = rt_adapter_unify(&b, bytes, why);
        bytes = rt_str(ngx_max(n, 0), link->unified.data);
    }

    return (n < 0
            || rt_adapter_decode(m, RT_ADAPTER_REQUEST, bytes, why)
               == RT_ERROR)
           ? NGX_ERROR : NGX_OK;
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
