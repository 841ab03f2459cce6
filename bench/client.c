
/*
 * client.c: one Socket.IO client: from the handshake to the room, and pongs.
 */


#include "client.h"
#include "client_int.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>


/* of a packet: a token is the longest */
#define RT_CLIENT_TEXT_MAX  (RT_TOKEN_MAX + 32)


static void rt_client_connected(rt_fleet_t *fleet, rt_client_t *c);
static void rt_client_read(rt_fleet_t *fleet, rt_client_t *c);
static size_t rt_client_feed(rt_fleet_t *fleet, rt_client_t *c, rt_str_t in);
static size_t rt_client_response(rt_fleet_t *fleet, rt_client_t *c,
    rt_str_t in);
static void rt_client_frame(rt_fleet_t *fleet, rt_client_t *c,
    const rt_frame_t *f);
static void rt_client_packet(rt_fleet_t *fleet, rt_client_t *c,
    const rt_frame_t *f);
static void rt_client_socketio(rt_fleet_t *fleet, rt_client_t *c,
    const rt_frame_t *f);
static void rt_client_enter(rt_fleet_t *fleet, rt_client_t *c);
static void rt_client_join(rt_fleet_t *fleet, rt_client_t *c);
static void rt_client_ready(rt_fleet_t *fleet, rt_client_t *c);
static void rt_client_text(rt_fleet_t *fleet, rt_client_t *c,
    const char *text);
static void rt_client_hold(rt_fleet_t *fleet, rt_client_t *c, rt_str_t rest);
static void rt_client_drop(rt_fleet_t *fleet, rt_client_t *c);


void
rt_client_event(rt_fleet_t *fleet, rt_client_t *c, uint32_t events)
{
    if (c->state == RT_CLIENT_CONNECTING) {
        rt_client_connected(fleet, c);
        return;
    }

    if (c->state != RT_CLIENT_FREE
        && (events & (EPOLLIN|EPOLLHUP|EPOLLERR|EPOLLRDHUP)))
    {
        rt_client_read(fleet, c);
    }
}


static void
rt_client_connected(rt_fleet_t *fleet, rt_client_t *c)
{
    int                 err;
    socklen_t           len;
    struct epoll_event  ee;

    err = 0;
    len = sizeof(err);
    (void) getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &len);

    if (err) {
        rt_client_fail(fleet, c, "connect: %s", strerror(err));
        return;
    }

    ee.events = EPOLLIN|EPOLLRDHUP;
    ee.data.ptr = c;

    if (epoll_ctl(fleet->ep, EPOLL_CTL_MOD, c->fd, &ee) == -1) {
        rt_client_fail(fleet, c, "epoll_ctl: %s", strerror(errno));
        return;
    }

    c->state = RT_CLIENT_HANDSHAKE;

    (void) rt_client_send(fleet, c, rt_str(fleet->nrequest, fleet->request));
}


/* one read a turn: epoll tells again while there is more */

static void
rt_client_read(rt_fleet_t *fleet, rt_client_t *c)
{
    size_t    len, eaten;
    ssize_t   n;
    rt_str_t  in;

    len = c->nheld;

    if (len) {
        memcpy(fleet->scratch, c->held, len);
        free(c->held);
        c->held = NULL;
        c->nheld = 0;
    }

    n = recv(c->fd, fleet->scratch + len, RT_CLIENT_SCRATCH - len, 0);

    if (n == -1 && (errno == EAGAIN || errno == EINTR)) {
        rt_client_hold(fleet, c, rt_str(len, fleet->scratch));
        return;
    }

    if (n <= 0 && c->state == RT_CLIENT_CLOSING) {
        fleet->closed++;
        rt_client_drop(fleet, c);
        return;
    }

    if (n <= 0) {
        rt_client_fail(fleet, c, "the server closed a connection (%s)",
                       n ? strerror(errno) : "end of stream");
        return;
    }

    in = rt_str(len + (size_t) n, fleet->scratch);
    eaten = rt_client_feed(fleet, c, in);

    if (c->state != RT_CLIENT_FREE && eaten < in.len) {
        rt_client_hold(fleet, c, rt_str(in.len - eaten, in.data + eaten));
    }
}


/* returns how many bytes were whole things */

static size_t
rt_client_feed(rt_fleet_t *fleet, rt_client_t *c, rt_str_t in)
{
    size_t      pos;
    rt_int_t    rc;
    rt_frame_t  f;

    pos = 0;

    if (c->state == RT_CLIENT_HANDSHAKE) {
        pos = rt_client_response(fleet, c, in);
    }

    while (c->state > RT_CLIENT_HANDSHAKE && pos < in.len) {

        rc = rt_frame_read(&f, rt_str(in.len - pos, in.data + pos));

        if (rc == RT_AGAIN) {
            break;
        }

        if (rc == RT_ERROR) {
            rt_client_fail(fleet, c, "a frame that cannot be (%02x %02x)",
                           in.data[pos], in.data[pos + 1]);
            break;
        }

        pos += f.raw.len;
        rt_client_frame(fleet, c, &f);
    }

    return pos;
}


static size_t
rt_client_response(rt_fleet_t *fleet, rt_client_t *c, rt_str_t in)
{
    const u_char  *end;

    end = memmem(in.data, in.len, "\r\n\r\n", 4);
    if (end == NULL) {
        return 0;
    }

    if (!rt_bench_begins(in, "HTTP/1.1 101 ")
        || memmem(in.data, in.len, RT_CLIENT_ACCEPT,
                  sizeof(RT_CLIENT_ACCEPT) - 1) == NULL)
    {
        rt_client_fail(fleet, c, "handshake: %.*s", (int) in.len, in.data);
        return 0;
    }

    c->state = RT_CLIENT_OPENING;

    return (size_t) (end + 4 - in.data);
}


static void
rt_client_frame(rt_fleet_t *fleet, rt_client_t *c, const rt_frame_t *f)
{
    size_t  n;
    u_char  pong[RT_FRAME_HEAD_MAX + 125];

    if (c->state == RT_CLIENT_CLOSING) {
        return;
    }

    switch (f->opcode) {

    case RT_FRAME_TEXT:
        rt_client_packet(fleet, c, f);
        break;

    case RT_FRAME_PING:
        n = rt_frame_write(pong, RT_FRAME_PONG,
                           rt_str(f->payload.len & 0x7f, f->payload.data));
        (void) rt_client_send(fleet, c, rt_str(n, pong));
        break;

    case RT_FRAME_CLOSE:
        rt_client_fail(fleet, c, "the server sent a close frame, code %d",
                       f->payload.len < 2 ? 0
                       : f->payload.data[0] << 8 | f->payload.data[1]);
        break;

    default:
        break;
    }
}


/* Engine.IO: "0" open, "1" close, "2" ping, "4" message, "6" noop */

static void
rt_client_packet(rt_fleet_t *fleet, rt_client_t *c, const rt_frame_t *f)
{
    switch (f->payload.len ? f->payload.data[0] : '\0') {

    case '0':
        rt_client_enter(fleet, c);
        break;

    case '1':
        rt_client_fail(fleet, c, "the server sent a close packet");
        break;

    case '2':
        fleet->pings++;
        rt_client_text(fleet, c, "3");
        break;

    case '4':
        rt_client_socketio(fleet, c, f);
        break;

    default:
        break;
    }
}


static void
rt_client_socketio(rt_fleet_t *fleet, rt_client_t *c, const rt_frame_t *f)
{
    if (c->state == RT_CLIENT_ENTERING && rt_bench_begins(f->payload, "40")) {
        rt_client_join(fleet, c);
        return;
    }

    if (c->state == RT_CLIENT_JOINING && rt_bench_begins(f->payload, "430[")) {

        if (rt_bench_begins(f->payload, "430[{\"success\":true")) {
            rt_client_ready(fleet, c);
            return;
        }

        rt_client_fail(fleet, c, "room:join: %.*s", (int) f->payload.len,
                       f->payload.data);
        return;
    }

    if (rt_bench_begins(f->payload, "44")
        || rt_bench_begins(f->payload, "41"))
    {
        rt_client_fail(fleet, c, "refused: %.*s", (int) f->payload.len,
                       f->payload.data);
        return;
    }

    fleet->packets++;

    if (fleet->on_packet) {
        fleet->on_packet(fleet, c, f);
    }
}


static void
rt_client_enter(rt_fleet_t *fleet, rt_client_t *c)
{
    char                text[RT_CLIENT_TEXT_MAX];
    const rt_tokens_t  *tokens;

    tokens = fleet->tokens;
    c->state = RT_CLIENT_ENTERING;

    if (tokens == NULL || tokens->count == 0) {
        rt_client_text(fleet, c, "40");
        return;
    }

    snprintf(text, sizeof(text), "40{\"token\":\"%s\"}",
             tokens->text[(fleet->first + c->number) % tokens->count]);

    rt_client_text(fleet, c, text);
}


static void
rt_client_join(rt_fleet_t *fleet, rt_client_t *c)
{
    char  room[64], text[160];

    if (fleet->room_size == 0) {
        rt_client_ready(fleet, c);
        return;
    }

    (void) rt_client_room(fleet, c, room, sizeof(room));

    snprintf(text, sizeof(text), "420[\"room:join\",{\"roomName\":\"%s\"}]",
             room);

    c->state = RT_CLIENT_JOINING;
    rt_client_text(fleet, c, text);
}


static void
rt_client_ready(rt_fleet_t *fleet, rt_client_t *c)
{
    c->state = RT_CLIENT_READY;
    fleet->pending--;
    fleet->ready++;

    if (fleet->on_ready) {
        fleet->on_ready(fleet, c);
    }
}


int
rt_client_room(rt_fleet_t *fleet, rt_client_t *c, char *dst, size_t size)
{
    return snprintf(dst, size, "%.32s%u", fleet->room,
                    (fleet->first + c->index)
                    / (fleet->room_size ? fleet->room_size : 1));
}


static void
rt_client_text(rt_fleet_t *fleet, rt_client_t *c, const char *text)
{
    size_t  n;
    u_char  frame[RT_FRAME_HEAD_MAX + RT_CLIENT_TEXT_MAX];

    n = rt_frame_write(frame, RT_FRAME_TEXT, rt_str(strlen(text), text));

    (void) rt_client_send(fleet, c, rt_str(n, frame));
}


rt_int_t
rt_client_send(rt_fleet_t *fleet, rt_client_t *c, rt_str_t frames)
{
    ssize_t  n;

    n = send(c->fd, frames.data, frames.len, MSG_DONTWAIT|MSG_NOSIGNAL);

    if (n == (ssize_t) frames.len) {
        return RT_OK;
    }

    rt_client_fail(fleet, c, "send: %s",
                   n == -1 ? strerror(errno) : "the socket is full");

    return RT_ERROR;
}


void
rt_client_leave(rt_fleet_t *fleet, rt_client_t *c)
{
    size_t                n;
    u_char                frame[RT_FRAME_HEAD_MAX + 2];
    static const u_char   normal[] = { 0x03, 0xe8 };

    n = rt_frame_write(frame, RT_FRAME_CLOSE, rt_str(2, normal));

    if (rt_client_send(fleet, c, rt_str(n, frame)) == RT_OK) {
        c->state = RT_CLIENT_CLOSING;
    }
}


static void
rt_client_hold(rt_fleet_t *fleet, rt_client_t *c, rt_str_t rest)
{
    if (rest.len == 0) {
        return;
    }

    c->held = (rest.len < RT_CLIENT_SCRATCH) ? malloc(rest.len) : NULL;

    if (c->held == NULL) {
        rt_client_fail(fleet, c, "a frame of over %zu bytes", rest.len);
        return;
    }

    memcpy(c->held, rest.data, rest.len);
    c->nheld = rest.len;
}


void
rt_client_fail(rt_fleet_t *fleet, rt_client_t *c, const char *fmt, ...)
{
    va_list  args;

    if (fleet->failed++ == 0) {
        va_start(args, fmt);
        (void) vsnprintf(fleet->why, sizeof(fleet->why), fmt, args);
        va_end(args);
    }

    rt_client_drop(fleet, c);
}


static void
rt_client_drop(rt_fleet_t *fleet, rt_client_t *c)
{
    if (c->state == RT_CLIENT_FREE) {
        return;
    }

    if (c->state < RT_CLIENT_READY) {
        fleet->pending--;
    }

    if (c->fd != -1) {
        close(c->fd);
        c->fd = -1;
    }

    free(c->held);
    c->held = NULL;
    c->nheld = 0;

    c->state = RT_CLIENT_FREE;
    fleet->free[fleet->nfree++] = c->index;
}


int
rt_bench_begins(rt_str_t s, const char *head)
{
    size_t  len;

    len = strlen(head);

    return s.len >= len && memcmp(s.data, head, len) == 0;
}
