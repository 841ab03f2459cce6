
/*
 * client_int.h: what fleet.c and client.c need of each other.
 */


#ifndef _RT_CLIENT_INT_H_INCLUDED_
#define _RT_CLIENT_INT_H_INCLUDED_


#include "client.h"


/* read at a time; an unfinished frame must fit too */
#define RT_CLIENT_SCRATCH  (256 * 1024)

/* one key for all: what must come back with the 101 is then known, too */
#define RT_CLIENT_ACCEPT   "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

#define RT_CLIENT_REQUEST                                                     \
    "GET %s?EIO=4&transport=websocket HTTP/1.1\r\n"                           \
    "Host: 127.0.0.1:%u\r\n"                                                  \
    "Upgrade: websocket\r\n"                                                  \
    "Connection: Upgrade\r\n"                                                 \
    "Sec-WebSocket-Version: 13\r\n"                                           \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"                         \
    "\r\n"


/* epoll reports "events" for the client */
void rt_client_event(rt_fleet_t *fleet, rt_client_t *c, uint32_t events);

/* counts a failure, keeps the first one's words, drops the connection */
void rt_client_fail(rt_fleet_t *fleet, rt_client_t *c, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));


#endif /* _RT_CLIENT_INT_H_INCLUDED_ */
