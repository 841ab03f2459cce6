
/*
 * ngx_http_realtime_statements.h: all SQL.
 *
 * Each statement takes many rows as arrays, so that one is enough for a batch,
 * and says nothing of a session: any server behind a pooler will do.  Each that
 * writes may be executed again, when nobody knows whether it was: then it
 * changes nothing.
 */


#ifndef _NGX_HTTP_REALTIME_STATEMENTS_H_INCLUDED_
#define _NGX_HTTP_REALTIME_STATEMENTS_H_INCLUDED_


#include "shm/ngx_http_realtime.h"


/* groups of rows that one or two statements write, in the order of writing */

typedef enum {
    NGX_HTTP_REALTIME_LANE_CONNECT = 0, /* id, socket, user, namespace,
                                           address, device, worker, time */
    NGX_HTTP_REALTIME_LANE_ACTIVITY,    /* id, time */
    NGX_HTTP_REALTIME_LANE_DISCONNECT,  /* id, reason, time */
    NGX_HTTP_REALTIME_LANE_ROOM,        /* id, name, type, visibility, time */
    NGX_HTTP_REALTIME_LANE_LEAVE,       /* room, user, time, whether everywhere;
                                           of a stay that began in an earlier
                                           batch, or at another host */
    NGX_HTTP_REALTIME_LANE_JOIN,        /* id, room, user, time, until, whether
                                           other hosts have told this one */
    NGX_HTTP_REALTIME_LANE_PRESENCE,    /* user, status, custom, whether
                                           that is known, time */
    NGX_HTTP_REALTIME_LANE_TYPING,      /* id, room, user, thread, time,
                                           until */
    NGX_HTTP_REALTIME_LANE_EVENT,       /* id, type, user, room, data, time */
    NGX_HTTP_REALTIME_LANE_HOST,        /* reason, time */
    NGX_HTTP_REALTIME_LANES
} ngx_http_realtime_lane_e;

#define NGX_HTTP_REALTIME_LANE_COLUMNS  8

/* "until" of a stay that has not ended: as long as any other time */
#define NGX_HTTP_REALTIME_LANE_STAYS  "9999-12-31T23:59:59.999Z"


/* the last parameter */

typedef enum {
    NGX_HTTP_REALTIME_EXTRA_NONE = 0,
    NGX_HTTP_REALTIME_EXTRA_JOINS,      /* the ids of LANE_JOIN */
    NGX_HTTP_REALTIME_EXTRA_PORTION     /* rows, at most: it is to be executed
                                           until there are none */
} ngx_http_realtime_extra_e;


typedef struct {
    ngx_http_realtime_lane_e   lane;
    ngx_uint_t                 columns; /* $1, ...; then: the host */
    ngx_http_realtime_extra_e  extra;
    const char                *sql;
} ngx_http_realtime_statement_t;


extern const ngx_http_realtime_statement_t
    ngx_http_realtime_statements[];
extern const ngx_uint_t  ngx_http_realtime_nstatements;

/* before all of them: what they change needs not be told to this server */
extern const char  ngx_http_realtime_statement_quiet[];

/* now and then, each by itself */
extern const char  *ngx_http_realtime_statements_clean[];


/*
 * Questions; a row for each element of the arrays, with its number from 1 on
 * as "o".  What a server wrote of those who were in a room is no membership.
 */

/*
 * rooms, users, whether members are of interest in any case: o, whether it is
 * there, type, visibility, whether a member
 */
extern const char  ngx_http_realtime_statement_rooms[];

/* users: o, rooms (JSON), custom status (JSON) or NULL */
extern const char  ngx_http_realtime_statement_users[];


#endif /* _NGX_HTTP_REALTIME_STATEMENTS_H_INCLUDED_ */
