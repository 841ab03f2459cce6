
/*
 * ngx_http_realtime_writer.h: between ~store and ~writer, the two halves of one
 * part: who writes, and when; and what becomes of a batch.
 */


#ifndef _NGX_HTTP_REALTIME_WRITER_H_INCLUDED_
#define _NGX_HTTP_REALTIME_WRITER_H_INCLUDED_


#include "store/ngx_http_realtime_store.h"


/* what comes in that time is written together, ms */
#define NGX_HTTP_REALTIME_STORE_SOON   20

/* rows of what a host left open that are closed at once */
#define NGX_HTTP_REALTIME_STORE_PORTION  4096

/* how often what is stale is looked for, and what was lost is said, s */
#define NGX_HTTP_REALTIME_STORE_CLEAN  60


/* the next batch, if there is anything and nothing is under way */
void ngx_http_realtime_writer_write(ngx_http_realtime_store_t *st);

/* the same in "delay" ms */
void ngx_http_realtime_writer_later(ngx_http_realtime_store_t *st,
    ngx_msec_t delay);

/* one more statement of the segment under way; NGX_ERROR: not taken */
ngx_int_t ngx_http_realtime_writer_query(ngx_http_realtime_store_t *st,
    const char *sql, const char **values, ngx_uint_t n);


#endif /* _NGX_HTTP_REALTIME_WRITER_H_INCLUDED_ */
