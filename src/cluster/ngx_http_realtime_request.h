
/*
 * ngx_http_realtime_request.h: what others ask of this host, and what may be
 * told to its clients.
 *
 * Each host is counted once among the nodes, and owes one answer.
 */


#ifndef _NGX_HTTP_REALTIME_REQUEST_H_INCLUDED_
#define _NGX_HTTP_REALTIME_REQUEST_H_INCLUDED_


#include "cluster/ngx_http_realtime_link.h"


void ngx_http_realtime_request_init(ngx_http_realtime_link_t *link);

/* what was said in a channel for requests */
void ngx_http_realtime_request_take(ngx_http_realtime_link_t *link,
    rt_str_t channel, rt_str_t bytes);

/*
 * A request of another node, decoded; "m->nsp" is set to the namespace of the
 * channel.  All is borrowed.
 */
void ngx_http_realtime_request(ngx_http_realtime_link_t *link,
    rt_adapter_t *m);

/* publishes the response "m", to whoever listens to those of "nsp" */
void ngx_http_realtime_request_answer(ngx_http_realtime_link_t *link,
    rt_str_t nsp, rt_adapter_t *m);

/*
 * ~receive: a broadcast is put into the log.  NGX_OK, else with a constant
 * "*why".
 */
ngx_int_t ngx_http_realtime_receive_message(ngx_http_realtime_link_t *link,
    rt_adapter_t *m, const char **why);

/*
 * ~receive: rooms and except as lists of entries (bus/entry), until the next
 * call.  NGX_ERROR where rooms are given, but none of them is a name, or there
 * is no memory: it is for nobody.
 */
ngx_int_t ngx_http_realtime_receive_lists(ngx_http_realtime_link_t *link,
    rt_adapter_opts_t *opts, rt_str_t *rooms, rt_str_t *except);

/* ~receive: a message that the log could not take, as text: it is noted */
ngx_uint_t ngx_http_realtime_receive_too_long(ngx_http_realtime_link_t *link,
    rt_str_t bytes);


#endif /* _NGX_HTTP_REALTIME_REQUEST_H_INCLUDED_ */
