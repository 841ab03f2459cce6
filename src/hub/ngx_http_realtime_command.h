
/*
 * ngx_http_realtime_command.h: what another server wants this host's sockets
 * to do: enter rooms, leave them, go.
 *
 * A COMMAND stands in the log like a broadcast, and every worker carries it
 * out for its own sockets where it stands: who hears what is said before and
 * behind it follows from that.  The other server is trusted: neither the token
 * nor the database is asked, and any name will do that is not one of ours.
 *
 * A socket that is still being given what it missed does it on the way, where
 * it stands (~replay), and so does one that was away; to go it goes at once.
 */


#ifndef _NGX_HTTP_REALTIME_COMMAND_H_INCLUDED_
#define _NGX_HTTP_REALTIME_COMMAND_H_INCLUDED_


#include "hub/ngx_http_realtime_choose.h"


/* whoever is meant is to go */
#define ngx_http_realtime_command_ends(e)                                     \
    ((e)->number >= NGX_HTTP_REALTIME_COMMAND_DISCONNECT)

/*
 * Appends a COMMAND.  NGX_OK, or NGX_DECLINED if it is too long for the log.
 */
ngx_int_t ngx_http_realtime_command_emit(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_entry_t *e);

/*
 * Whether somebody may be about to enter that room: a COMMAND to do so can
 * still be read in the log, by one who comes back at the latest.  May be wrong
 * about what is not so.
 */
ngx_uint_t ngx_http_realtime_command_expected(ngx_http_realtime_zone_t *z,
    rt_str_t nsp, rt_str_t room);

/*
 * A COMMAND that was read from the log, for all sockets of this worker.  If it
 * means so many that others would be overtaken by what is told of it, the rest
 * is said once more, by their ids.
 */
void ngx_http_realtime_command(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_entry_t *e);

/* the same for one socket, if it is meant; not one that is to go */
void ngx_http_realtime_command_one(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_entry_t *e, ngx_http_realtime_socket_t *sk);

/* the same for one session, which has arrived from another worker */
void ngx_http_realtime_command_to(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_entry_t *e, ngx_http_realtime_session_t *s);

/* the socket goes, and with _COMMAND_CLOSE its whole session */
void ngx_http_realtime_command_end(ngx_http_realtime_socket_t *sk,
    ngx_uint_t command);


#endif /* _NGX_HTTP_REALTIME_COMMAND_H_INCLUDED_ */
