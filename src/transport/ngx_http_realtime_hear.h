
/*
 * ngx_http_realtime_hear.h: a client may be back elsewhere, and whoever has its
 * session is asked to read what it said last (hub/~recover).
 */


#ifndef _NGX_HTTP_REALTIME_HEAR_H_INCLUDED_
#define _NGX_HTTP_REALTIME_HEAR_H_INCLUDED_


#include "transport/ngx_http_realtime_operation.h"


void ngx_http_realtime_hear_init(ngx_http_realtime_transports_t *tp);

/*
 * Reads it, and answers when all of it is read, and a session that ends by it
 * has ended; not at all when that takes longer than whoever asks will wait.
 * "s" NULL: it has begun to end already.
 */
void ngx_http_realtime_hear(ngx_http_realtime_transports_t *tp,
    ngx_http_realtime_session_t *s, ngx_http_realtime_entry_t *e);


#endif /* _NGX_HTTP_REALTIME_HEAR_H_INCLUDED_ */
