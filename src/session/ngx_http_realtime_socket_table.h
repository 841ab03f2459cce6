
/*
 * ngx_http_realtime_socket_table.h: the sockets of a worker by their ids.
 *
 * To Socket.IO each socket's id is a room with this one socket in it: whatever
 * means a room may mean that.  Ids are random and made here, so no key is
 * needed for their hash.
 */


#ifndef _NGX_HTTP_REALTIME_SOCKET_TABLE_H_INCLUDED_
#define _NGX_HTTP_REALTIME_SOCKET_TABLE_H_INCLUDED_


#include "session/ngx_http_realtime_socket.h"


/* NGX_ERROR: no memory */
ngx_int_t ngx_http_realtime_socket_table_init(
    ngx_http_realtime_socket_table_t *t, ngx_log_t *log);

/* without memory the chains just get longer */
void ngx_http_realtime_socket_table_add(ngx_http_realtime_socket_table_t *t,
    ngx_http_realtime_socket_t *sk, ngx_log_t *log);

void ngx_http_realtime_socket_table_remove(
    ngx_http_realtime_socket_table_t *t, ngx_http_realtime_socket_t *sk);

/*
 * The socket with that id in the namespace, or NULL; the latest, where one has
 * come back before the end of its old session was known.
 */
ngx_http_realtime_socket_t *ngx_http_realtime_socket_table_find(
    ngx_http_realtime_socket_table_t *t, rt_str_t nsp, rt_str_t id);


#endif /* _NGX_HTTP_REALTIME_SOCKET_TABLE_H_INCLUDED_ */
