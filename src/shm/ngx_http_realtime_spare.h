
/*
 * ngx_http_realtime_spare.h: new records, when need be in the place of what
 * the zone can do without: users who are not connected, limits that say
 * nothing any more, what the database can be asked again.
 */


#ifndef _NGX_HTTP_REALTIME_SPARE_H_INCLUDED_
#define _NGX_HTTP_REALTIME_SPARE_H_INCLUDED_


#include "shm/ngx_http_realtime_records.h"


/*
 * As rt_arena_alloc(); the state mutex is held.  Sessions, sockets and users
 * are "vital": the last pages are kept for them, so that those who connect do
 * not find all taken by rooms that others are in.  When there is nothing even
 * for them, sessions that are away are given up a moment later.
 */
rt_ref_t ngx_http_realtime_spare_alloc(ngx_http_realtime_zone_t *z,
    size_t size, ngx_uint_t vital);


#endif /* _NGX_HTTP_REALTIME_SPARE_H_INCLUDED_ */
