
/*
 * ngx_http_realtime_client.h: who makes a request, as its connection and header
 * say: address and kind of device.
 */


#ifndef _NGX_HTTP_REALTIME_CLIENT_H_INCLUDED_
#define _NGX_HTTP_REALTIME_CLIENT_H_INCLUDED_


#include "transport/ngx_http_realtime_transports.h"


/*
 * Sets address and agent.  The address is the one that nginx goes by (realip);
 * one of IPv4 that came over IPv6 is one of IPv4.
 */
void ngx_http_realtime_client_read(ngx_http_request_t *r,
    ngx_http_realtime_client_t *client);


#endif /* _NGX_HTTP_REALTIME_CLIENT_H_INCLUDED_ */
