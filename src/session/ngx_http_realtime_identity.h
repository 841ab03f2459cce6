
/*
 * ngx_http_realtime_identity.h: who a socket is, as its token said.
 *
 * Made from claims that were verified; moves with the session.  Knows no
 * tokens.
 */


#ifndef _NGX_HTTP_REALTIME_IDENTITY_H_INCLUDED_
#define _NGX_HTTP_REALTIME_IDENTITY_H_INCLUDED_


#include "shm/ngx_http_realtime.h"

#include "auth/rt_jwt.h"
#include "base/rt_id.h"


/* one allocation; the strings are behind the struct */

typedef struct {
    rt_str_t         id;                    /* user id */
    rt_str_t         json;                  /* the same as a JSON string */
    rt_str_t         own;                   /* "@" and the id: hub/room */
    rt_str_t         rooms;                 /* JSON array; empty: any room */
    uint64_t         expires;               /* s since 1970; 0: never */
    unsigned         has_permissions:1;
    unsigned         read:1;
    unsigned         write:1;
    u_char           session[RT_UUID_LEN];  /* of this connection */
    ngx_event_t      expiry;                /* session/socket */
} ngx_http_realtime_identity_t;


/* NULL: no memory, or no randomness.  "session" NULL: a new one */
ngx_http_realtime_identity_t *ngx_http_realtime_identity_new(
    const rt_jwt_claims_t *claims, const u_char *session, ngx_log_t *log);

/* NULL is harmless */
void ngx_http_realtime_identity_free(ngx_http_realtime_identity_t *who);

/* writes it down, for identity_read(); the length, which may be over "size" */
size_t ngx_http_realtime_identity_write(
    const ngx_http_realtime_identity_t *who, u_char *dst, size_t size);

/* NULL: no memory, or "text" was not written by identity_write() */
ngx_http_realtime_identity_t *ngx_http_realtime_identity_read(rt_str_t text,
    ngx_log_t *log);

/* whether the token lets its holder into the room; NULL is anybody */
ngx_uint_t ngx_http_realtime_identity_admits(
    const ngx_http_realtime_identity_t *who, rt_str_t room);

/* whether the token names the room (where a room is private) */
ngx_uint_t ngx_http_realtime_identity_names(
    const ngx_http_realtime_identity_t *who, rt_str_t room);


#endif /* _NGX_HTTP_REALTIME_IDENTITY_H_INCLUDED_ */
