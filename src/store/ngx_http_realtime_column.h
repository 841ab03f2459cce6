
/*
 * ngx_http_realtime_column.h: a parameter of a statement that writes many rows:
 * PostgreSQL's text[] as text (Arrays, 8.15.6), one element for each row.
 *
 * What PostgreSQL cannot keep is replaced by U+FFFD: U+0000, in JSON lone
 * surrogates too, and bytes that are not UTF-8.  All else is kept byte for
 * byte.
 */


#ifndef _NGX_HTTP_REALTIME_COLUMN_H_INCLUDED_
#define _NGX_HTTP_REALTIME_COLUMN_H_INCLUDED_


#include "shm/ngx_http_realtime.h"


/* zeroed at first; memory is kept for the next time */

typedef struct {
    u_char      *data;
    size_t       len;
    size_t       size;
    ngx_uint_t   n;                     /* elements */
    ngx_uint_t   failed;                /* no memory: of no use any more */
} ngx_http_realtime_column_t;


/* no elements */
void ngx_http_realtime_column_reset(ngx_http_realtime_column_t *c);

/* one more element; "data" NULL: SQL's NULL */
void ngx_http_realtime_column_add(ngx_http_realtime_column_t *c, rt_str_t text,
    ngx_log_t *log);

/* the same of text that is JSON */
void ngx_http_realtime_column_add_json(ngx_http_realtime_column_t *c,
    rt_str_t json, ngx_log_t *log);

/* the parameter, ending with a zero byte; NULL: no memory */
const char *ngx_http_realtime_column_value(ngx_http_realtime_column_t *c,
    ngx_log_t *log);

void ngx_http_realtime_column_free(ngx_http_realtime_column_t *c);


#endif /* _NGX_HTTP_REALTIME_COLUMN_H_INCLUDED_ */
