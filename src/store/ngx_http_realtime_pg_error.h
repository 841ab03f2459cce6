
/*
 * ngx_http_realtime_pg_error.h: what PostgreSQL says is wrong, in one line and
 * with a remedy where there is one.
 *
 * Values of parameters do not get into what is made here.
 */


#ifndef _NGX_HTTP_REALTIME_PG_ERROR_H_INCLUDED_
#define _NGX_HTTP_REALTIME_PG_ERROR_H_INCLUDED_


#include "shm/ngx_http_realtime.h"

#include <libpq-fe.h>


/* the same trouble again is not worth another line */

typedef enum {
    NGX_HTTP_REALTIME_PG_NO_TROUBLE = 0,
    NGX_HTTP_REALTIME_PG_OTHER,
    NGX_HTTP_REALTIME_PG_PASSWORD,
    NGX_HTTP_REALTIME_PG_NO_PASSWORD,
    NGX_HTTP_REALTIME_PG_HBA,
    NGX_HTTP_REALTIME_PG_DENIED,
    NGX_HTTP_REALTIME_PG_DATABASE,
    NGX_HTTP_REALTIME_PG_ROLE,
    NGX_HTTP_REALTIME_PG_REFUSED,
    NGX_HTTP_REALTIME_PG_NO_SOCKET,
    NGX_HTTP_REALTIME_PG_CERTIFICATE,
    NGX_HTTP_REALTIME_PG_NAME,
    NGX_HTTP_REALTIME_PG_NO_TLS,
    NGX_HTTP_REALTIME_PG_TOO_MANY,
    NGX_HTTP_REALTIME_PG_STARTING,
    NGX_HTTP_REALTIME_PG_UNRESOLVED
} ngx_http_realtime_pg_trouble_e;


typedef struct {
    char         sqlstate[6];       /* ends with a zero byte; may be empty */
    ngx_str_t    message;           /* lives as long as the result */
    const char  *remedy;            /* or NULL */
} ngx_http_realtime_pg_error_t;


/*
 * Why a connection failed, by what libpq or the server says of it, and what to
 * do about it, or NULL.
 */
ngx_http_realtime_pg_trouble_e ngx_http_realtime_pg_trouble(ngx_str_t *reason,
    const char **remedy);

/*
 * Whether it is a definite no: somebody has to put right what the URL says, or
 * what the server thinks of it.
 */
ngx_uint_t ngx_http_realtime_pg_definite(ngx_http_realtime_pg_trouble_e t);

/* why a query was refused */
void ngx_http_realtime_pg_explain(PGresult *res,
    ngx_http_realtime_pg_error_t *e);


#endif /* _NGX_HTTP_REALTIME_PG_ERROR_H_INCLUDED_ */
