
/*
 * client.h: a fleet of Socket.IO clients over WebSocket, in one epoll loop.
 *
 * A client connects at the fleet's bounded rate, shakes hands, opens the main
 * namespace, joins a room where the fleet has rooms, and is then ready; pings
 * are answered all the time.  What else comes is shown to the owner.
 */


#ifndef _RT_CLIENT_H_INCLUDED_
#define _RT_CLIENT_H_INCLUDED_


#include "frame.h"
#include "token.h"


typedef enum {
    RT_CLIENT_FREE = 0,
    RT_CLIENT_CONNECTING,       /* TCP */
    RT_CLIENT_HANDSHAKE,        /* waits for the 101 */
    RT_CLIENT_OPENING,          /* waits for Engine.IO's open packet */
    RT_CLIENT_ENTERING,         /* waits for the namespace */
    RT_CLIENT_JOINING,          /* waits for the room's ack */
    RT_CLIENT_READY,
    RT_CLIENT_CLOSING           /* said good-bye, waits for the end */
} rt_client_state_e;


typedef struct rt_client_s  rt_client_t;
typedef struct rt_fleet_s   rt_fleet_t;


struct rt_client_s {
    int                fd;
    uint32_t           index;   /* in the fleet */
    uint32_t           number;  /* of all that ever began to connect */
    rt_client_state_e  state;
    uint64_t           since;   /* when it began to connect */
    u_char            *held;    /* an unfinished frame, or NULL */
    size_t             nheld;
};


struct rt_fleet_s {

    /* set by the owner before rt_fleet_open() */

    const rt_tokens_t  *tokens; /* one for each, in turn; NULL: nobody */

    uint16_t      port;
    uint32_t      count;        /* clients at a time */
    uint32_t      total;        /* clients in all, "count" if 0 */
    uint32_t      first;        /* number of the first one, for room names */
    uint32_t      rate;         /* new connections a second */
    uint32_t      room_size;    /* 0: nobody joins anything */
    const char   *room;         /* rooms are "<room><number / room_size>" */
    const char   *path;         /* "/socket.io/" if NULL */
    void         *data;
    void        (*on_ready)(rt_fleet_t *fleet, rt_client_t *c);
    void        (*on_packet)(rt_fleet_t *fleet, rt_client_t *c,
                             const rt_frame_t *f);

    /* figures */

    uint32_t      started;
    uint32_t      ready;        /* that have been ready, ever */
    uint32_t      closed;       /* by us, in good order */
    uint32_t      failed;
    uint64_t      packets;      /* events and acks */
    uint64_t      pings;
    char          why[200];     /* of the first failure */

    /* private */

    int           ep;
    uint32_t      pending;      /* on their way to being ready */
    uint32_t      nfree;
    uint32_t     *free;
    rt_client_t  *clients;
    u_char       *scratch;
    uint64_t      began;
    char          request[256];
    size_t        nrequest;
};


/* nothing is connected yet; RT_ERROR when there is no memory */
rt_int_t rt_fleet_open(rt_fleet_t *fleet);

/*
 * Starts connections that are due, then waits up to "msec" for something to
 * happen and handles it.
 */
void rt_fleet_poll(rt_fleet_t *fleet, int msec);

/*
 * Polls until all are ready: RT_OK, or RT_ERROR with "why" when one has
 * failed or "msec" have passed.
 */
rt_int_t rt_fleet_wait_ready(rt_fleet_t *fleet, uint32_t msec);

/* a moment in which only pings and stragglers are served */
void rt_fleet_settle(rt_fleet_t *fleet, uint32_t msec);

/* drops all connections; a fleet that was never opened is left alone */
void rt_fleet_close(rt_fleet_t *fleet);

/*
 * Sends prepared frames.  A socket that does not take them all at once counts
 * as a failure of this client: RT_ERROR, and it is gone.
 */
rt_int_t rt_client_send(rt_fleet_t *fleet, rt_client_t *c, rt_str_t frames);

/* sends a close frame; the client is free again when the server hangs up */
void rt_client_leave(rt_fleet_t *fleet, rt_client_t *c);

/* the name of the room of client "c"; the length */
int rt_client_room(rt_fleet_t *fleet, rt_client_t *c, char *dst, size_t size);

/* whether "s" begins with the text "head" */
int rt_bench_begins(rt_str_t s, const char *head);


#endif /* _RT_CLIENT_H_INCLUDED_ */
