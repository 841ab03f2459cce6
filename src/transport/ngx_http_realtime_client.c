
#include "transport/ngx_http_realtime_client.h"
#include "transport/ngx_http_realtime_headers.h"


static rt_str_t ngx_http_realtime_client_address(struct sockaddr *sa);


void
ngx_http_realtime_client_read(ngx_http_request_t *r,
    ngx_http_realtime_client_t *client)
{
    rt_str_t    address;
    ngx_str_t  *agent;

    address = ngx_http_realtime_client_address(r->connection->sockaddr);

    ngx_memcpy(client->address, address.data, address.len);
    client->address_len = address.len;
    client->opened = ngx_time();
#if (NGX_HTTP_SSL)
    client->secure = (r->connection->ssl != NULL);
#endif

    agent = ngx_http_realtime_header_in(r, "user-agent");

    if (agent) {
        client->agent = rt_agent_parse(ngx_http_realtime_str(agent));
    }
}


static rt_str_t
ngx_http_realtime_client_address(struct sockaddr *sa)
{
    struct sockaddr_in   *sin;
#if (NGX_HAVE_INET6)
    u_char               *p;
    struct sockaddr_in6  *sin6;
#endif

    switch (sa->sa_family) {

    case AF_INET:
        sin = (struct sockaddr_in *) sa;
        return rt_str(sizeof(sin->sin_addr), &sin->sin_addr);

#if (NGX_HAVE_INET6)
    case AF_INET6:
        sin6 = (struct sockaddr_in6 *) sa;
        p = sin6->sin6_addr.s6_addr;
        return IN6_IS_ADDR_V4MAPPED(&sin6->sin6_addr) ? rt_str(4, p + 12)
                                                      : rt_str(16, p);
#endif

    default:
        return rt_lit("");
    }
}
