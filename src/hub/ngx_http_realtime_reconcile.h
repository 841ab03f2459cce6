
/*
 * ngx_http_realtime_reconcile.h: what the others were told, compared with what
 * is.
 *
 * Whoever changes something tells it under the same hold of the state mutex.
 * If it dies in between, the records still say both (shm/records), and this
 * is where the rest is told.
 */


#ifndef _NGX_HTTP_REALTIME_RECONCILE_H_INCLUDED_
#define _NGX_HTTP_REALTIME_RECONCILE_H_INCLUDED_


#include "hub/ngx_http_realtime_emit.h"


/*
 * Compares all if somebody may have died so, or if nobody has for
 * hub->heartbeat ms.
 */
void ngx_http_realtime_reconcile(ngx_http_realtime_hub_t *hub);


#endif /* _NGX_HTTP_REALTIME_RECONCILE_H_INCLUDED_ */
