
/*
 * fleet.c: many clients: the bounded rate of connecting, the loop, the end.
 */


#include "client.h"
#include "client_int.h"
#include "rt_bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>


#define RT_FLEET_EVENTS   512

/* connections that may be on their way at a time: accept queues are short */
#define RT_FLEET_PENDING  64

/* a source address has 28,000 ports at best: move on well before */
#define RT_FLEET_PER_ADDRESS  10000


static void rt_fleet_start_due(rt_fleet_t *fleet);
static void rt_fleet_start_one(rt_fleet_t *fleet);
static int rt_fleet_socket(rt_fleet_t *fleet);


rt_int_t
rt_fleet_open(rt_fleet_t *fleet)
{
    uint32_t  i;

    if (fleet->total == 0) {
        fleet->total = fleet->count;
    }

    fleet->ep = epoll_create1(EPOLL_CLOEXEC);
    fleet->clients = calloc(fleet->count, sizeof(rt_client_t));
    fleet->free = calloc(fleet->count, sizeof(uint32_t));
    fleet->scratch = malloc(RT_CLIENT_SCRATCH);

    if (fleet->ep == -1 || fleet->clients == NULL || fleet->free == NULL
        || fleet->scratch == NULL)
    {
        rt_fleet_close(fleet);
        return rt_bench_fail("no memory for %u clients", fleet->count);
    }

    /* handed out from the end: client 0 comes first */

    for (i = 0; i < fleet->count; i++) {
        fleet->clients[i].fd = -1;
        fleet->clients[i].index = i;
        fleet->free[i] = fleet->count - 1 - i;
    }

    fleet->nfree = fleet->count;
    fleet->began = rt_bench_now();
    fleet->nrequest = (size_t) snprintf(fleet->request,
                          sizeof(fleet->request), RT_CLIENT_REQUEST,
                          fleet->path ? fleet->path : "/socket.io/",
                          fleet->port);

    return RT_OK;
}


void
rt_fleet_poll(rt_fleet_t *fleet, int msec)
{
    int                 i, n;
    struct epoll_event  events[RT_FLEET_EVENTS];

    if (fleet->started < fleet->total) {
        rt_fleet_start_due(fleet);

        if (msec > 5) {
            msec = 5;
        }
    }

    n = epoll_wait(fleet->ep, events, RT_FLEET_EVENTS, msec);

    for (i = 0; i < n; i++) {
        rt_client_event(fleet, events[i].data.ptr, events[i].events);
    }
}


rt_int_t
rt_fleet_wait_ready(rt_fleet_t *fleet, uint32_t msec)
{
    uint64_t  deadline;

    deadline = rt_bench_now() + msec * 1000ull;

    while (fleet->ready < fleet->total && fleet->failed == 0
           && rt_bench_left(deadline))
    {
        rt_fleet_poll(fleet, 50);
    }

    if (fleet->ready == fleet->total) {
        return RT_OK;
    }

    if (fleet->failed == 0) {
        snprintf(fleet->why, sizeof(fleet->why),
                 "%u of %u clients were not ready in time",
                 fleet->total - fleet->ready, fleet->total);
    }

    return RT_ERROR;
}


void
rt_fleet_settle(rt_fleet_t *fleet, uint32_t msec)
{
    uint64_t  deadline;

    deadline = rt_bench_now() + msec * 1000ull;

    while (rt_bench_left(deadline)) {
        rt_fleet_poll(fleet, 10);
    }
}


void
rt_fleet_close(rt_fleet_t *fleet)
{
    uint32_t  i;

    if (fleet->clients == NULL) {
        return;
    }

    for (i = 0; i < fleet->count; i++) {
        if (fleet->clients[i].state != RT_CLIENT_FREE) {
            close(fleet->clients[i].fd);
        }

        free(fleet->clients[i].held);
    }

    close(fleet->ep);
    free(fleet->clients);
    free(fleet->free);
    free(fleet->scratch);

    fleet->clients = NULL;
}


static void
rt_fleet_start_due(rt_fleet_t *fleet)
{
    uint64_t  due;

    due = (rt_bench_now() - fleet->began) * fleet->rate / 1000000 + 1;

    while (fleet->started < fleet->total && fleet->started < due
           && fleet->pending < RT_FLEET_PENDING && fleet->nfree)
    {
        rt_fleet_start_one(fleet);
    }
}


static void
rt_fleet_start_one(rt_fleet_t *fleet)
{
    rt_client_t         *c;
    struct epoll_event   ee;

    c = &fleet->clients[fleet->free[--fleet->nfree]];

    fleet->pending++;
    c->state = RT_CLIENT_CONNECTING;
    c->since = rt_bench_now();
    c->fd = rt_fleet_socket(fleet);
    c->number = fleet->started++;

    if (c->fd == -1) {
        rt_client_fail(fleet, c, "connect: %s", strerror(errno));
        return;
    }

    ee.events = EPOLLOUT;
    ee.data.ptr = c;

    if (epoll_ctl(fleet->ep, EPOLL_CTL_ADD, c->fd, &ee) == -1) {
        rt_client_fail(fleet, c, "epoll_ctl: %s", strerror(errno));
    }
}


static int
rt_fleet_socket(rt_fleet_t *fleet)
{
    int                 fd, on;
    struct sockaddr_in  sin;

    fd = socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK|SOCK_CLOEXEC, 0);
    if (fd == -1) {
        return -1;
    }

    on = 1;
    (void) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    (void) setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on,
                      sizeof(on));

    memset(&sin, 0, sizeof(sin));
    sin.sin_family = AF_INET;
    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK
                                + (fleet->first + fleet->started)
                                  / RT_FLEET_PER_ADDRESS);

    if (bind(fd, (struct sockaddr *) &sin, sizeof(sin)) == -1) {
        goto failed;
    }

    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sin.sin_port = htons(fleet->port);

    if (connect(fd, (struct sockaddr *) &sin, sizeof(sin)) == -1
        && errno != EINPROGRESS)
    {
        goto failed;
    }

    return fd;

failed:

    on = errno;
    close(fd);
    errno = on;

    return -1;
}
