
/*
 * ngx_http_realtime_keyed.h: finding records by their keys, and stringing them
 * together (state zone).
 *
 * One table holds all records that begin as ngx_http_realtime_keyed_t: users,
 * occupants, threads, limits, what is known of the database.  The table knows
 * hash and type; whether a record is the one that was meant is for the caller
 * to see.
 *
 * The state mutex is held throughout.
 */


#ifndef _NGX_HTTP_REALTIME_KEYED_H_INCLUDED_
#define _NGX_HTTP_REALTIME_KEYED_H_INCLUDED_


#include "shm/ngx_http_realtime_records.h"


/* the first record of "type" with "hash", or 0 */
rt_ref_t ngx_http_realtime_keyed_first(ngx_http_realtime_zone_t *z,
    uint32_t hash, uint8_t type);

/* the next one like "ref", or 0 */
rt_ref_t ngx_http_realtime_keyed_next(ngx_http_realtime_zone_t *z,
    rt_ref_t ref);

void ngx_http_realtime_keyed_link(ngx_http_realtime_zone_t *z, rt_ref_t ref);
void ngx_http_realtime_keyed_unlink(ngx_http_realtime_zone_t *z, rt_ref_t ref);


/*
 * Chains; "offset" is where a record has its ngx_http_realtime_hook_t.  Adds
 * before the record "before", at the end with 0.
 */
void ngx_http_realtime_chain_add(ngx_http_realtime_zone_t *z,
    ngx_http_realtime_chain_t *chain, rt_ref_t ref, size_t offset,
    rt_ref_t before);

void ngx_http_realtime_chain_remove(ngx_http_realtime_zone_t *z,
    ngx_http_realtime_chain_t *chain, rt_ref_t ref, size_t offset);


#endif /* _NGX_HTTP_REALTIME_KEYED_H_INCLUDED_ */
