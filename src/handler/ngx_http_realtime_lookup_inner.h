
/*
 * ngx_http_realtime_lookup_inner.h: what the files of ~lookup share: an event
 * that waits for the database, or for other hosts.
 */


#ifndef _NGX_HTTP_REALTIME_LOOKUP_INNER_H_INCLUDED_
#define _NGX_HTTP_REALTIME_LOOKUP_INNER_H_INCLUDED_


#include "handler/ngx_http_realtime_lookup.h"
#include "bus/ngx_http_realtime_waiter.h"
#include "session/ngx_http_realtime_pause.h"
#include "store/ngx_http_realtime_reader.h"


struct ngx_http_realtime_lookup_s {
    ngx_http_realtime_pause_t     pause;    /* first: it is found by this */
    ngx_http_realtime_ask_t       ask;
    ngx_int_t                     rc;       /* of the answer */
    ngx_uint_t                    asked;    /* again */
    ngx_uint_t                    action;
    ngx_uint_t                    recovered;
    void                        (*greet)(ngx_http_realtime_socket_t *sk,
                                      ngx_uint_t recovered,
                                      ngx_http_realtime_lookup_user_t *found);

    /* ~lookup_peers */

    ngx_http_realtime_waiter_t    waiter;
    ngx_event_t                   timer;
    rt_str_t                      nsp;
    u_char                        nsp_text[UINT8_MAX];
    ngx_http_realtime_presence_known_t  known;  /* of a user */
    u_char                        custom[RT_CUSTOM_MAX];

    unsigned                      stored:1;     /* the database was asked */
    unsigned                      told:1;       /* other hosts were */
    unsigned                      refused:1;    /* and they said no */
    unsigned                      dm:1;         /* a place in a dm is taken */
};


/* with copies of the names, and of what an earlier one of "call" has */
ngx_http_realtime_lookup_t *ngx_http_realtime_lookup_new(
    ngx_http_realtime_call_t *call, ngx_http_realtime_ask_e kind,
    rt_str_t room, rt_str_t user, ngx_log_t *log);

/* the event is handled once more, and "l" is freed */
void ngx_http_realtime_lookup_go_on(ngx_http_realtime_lookup_t *l);

/* a custom status that somebody else has written */
void ngx_http_realtime_lookup_presence(rt_str_t custom,
    rt_presence_t *presence);

/* it waits for other hosts no longer */
void ngx_http_realtime_lookup_peers_end(ngx_http_realtime_lookup_t *l);


#endif /* _NGX_HTTP_REALTIME_LOOKUP_INNER_H_INCLUDED_ */
