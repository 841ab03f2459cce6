
/*
 * ngx_http_realtime_report.h: who this worker's sockets are, for another
 * server.
 *
 * A report is written down at once, where the ASK stands in the log, and goes
 * out in REPLYs, a portion at a time: it may be long, and others read the log,
 * too.
 */


#ifndef _NGX_HTTP_REALTIME_REPORT_H_INCLUDED_
#define _NGX_HTTP_REALTIME_REPORT_H_INCLUDED_


#include "hub/ngx_http_realtime_choose.h"


void ngx_http_realtime_report_init(ngx_http_realtime_hub_t *hub);

/*
 * Answers an ASK for sockets, ids or rooms, which means every one of "nsp".
 * What is said of a socket:
 *
 *     id, rooms        its own id is one of them
 *     handshake        time, issued, address, secure; "url" and "query" say no
 *                      more than the transport that it has now, "headers" and
 *                      "auth" are {}, "xdomain" is false: what a client shows
 *                      is nobody else's business
 *     data             {"userId":...}, or {} for one that is anonymous
 */
void ngx_http_realtime_report(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_entry_t *e);


#endif /* _NGX_HTTP_REALTIME_REPORT_H_INCLUDED_ */
