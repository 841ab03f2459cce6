
/*
 * bare.c: the bare server and its process.
 */


#include "bare.h"
#include "client_int.h"
#include "proc.h"
#include "rt_bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>


#define RT_BARE_CONNECTIONS  16384
#define RT_BARE_EVENTS       512
#define RT_BARE_SCRATCH      65536
#define RT_BARE_SEQ_LEN      10


#define RT_BARE_101                                                           \
    "HTTP/1.1 101 Switching Protocols\r\n"                                    \
    "Upgrade: websocket\r\n"                                                  \
    "Connection: Upgrade\r\n"                                                 \
    "Sec-WebSocket-Accept: " RT_CLIENT_ACCEPT "\r\n"                          \
    "\r\n"

/* text frames, whose lengths stand in their heads */

#define RT_BARE_OPEN_TEXT                                                     \
    "0{\"sid\":\"AAAAAAAAAAAAAAAAAAAA\",\"upgrades\":[],"                     \
    "\"pingInterval\":25000,\"pingTimeout\":20000,\"maxPayload\":1000000}"

#define RT_BARE_CONNECTED_TEXT  "40{\"sid\":\"AAAAAAAAAAAAAAAAAAAA\"}"

#define RT_BARE_OPEN            "\x81\x6b" RT_BARE_OPEN_TEXT
#define RT_BARE_CONNECTED       "\x81\x20" RT_BARE_CONNECTED_TEXT

_Static_assert(sizeof(RT_BARE_OPEN_TEXT) - 1 == 0x6b
               && sizeof(RT_BARE_CONNECTED_TEXT) - 1 == 0x20,
               "the frames' heads tell their lengths");


typedef struct {
    int       fd;
    uint32_t  slot;                     /* in the loop's list */
    unsigned  upgraded:1;               /* the 101 is out */
    unsigned  entered:1;                /* the first frame has come */
    size_t    nheld;
    u_char    held[RT_BARE_REPLY_MAX];
} rt_bare_conn_t;


typedef struct {
    int               ep;
    int               listener;
    rt_bare_plan_t   *plan;
    uint32_t          nconns;
    rt_bare_conn_t   *conns[RT_BARE_CONNECTIONS];
    uint32_t          nbatch;
    size_t            batch_len;
    u_char            batch[RT_BARE_BATCH_MAX * RT_BARE_REPLY_MAX];
    u_char            scratch[RT_BARE_SCRATCH + RT_BARE_REPLY_MAX];
} rt_bare_loop_t;


static int rt_bare_listen(uint16_t *port);
static void rt_bare_main(int listener, rt_bare_plan_t *plan)
    __attribute__((noreturn));
static void rt_bare_accept(rt_bare_loop_t *loop);
static void rt_bare_read(rt_bare_loop_t *loop, rt_bare_conn_t *c);
static size_t rt_bare_upgrade(rt_bare_conn_t *c, rt_str_t in);
static void rt_bare_message(rt_bare_loop_t *loop, rt_bare_conn_t *c);
static void rt_bare_broadcast(rt_bare_loop_t *loop);
static void rt_bare_send(rt_bare_conn_t *c, const void *data, size_t len);
static void rt_bare_close(rt_bare_loop_t *loop, rt_bare_conn_t *c);


rt_int_t
rt_bare_start(rt_bare_t *b)
{
    int  listener;

    memset(b, 0, sizeof(rt_bare_t));

    listener = rt_bare_listen(&b->port);
    if (listener == -1) {
        return rt_bench_fail("the bare server cannot listen: %s",
                             strerror(errno));
    }

    b->plan = mmap(NULL, sizeof(rt_bare_plan_t), PROT_READ|PROT_WRITE,
                   MAP_SHARED|MAP_ANONYMOUS, -1, 0);

    if (b->plan == MAP_FAILED) {
        b->plan = NULL;
        close(listener);
        return rt_bench_fail("no memory for the bare server");
    }

    b->plan->batch = 1;
    b->pid = fork();

    if (b->pid == 0) {
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        rt_bare_main(listener, b->plan);
    }

    close(listener);

    if (b->pid == -1) {
        b->pid = 0;
        rt_bare_stop(b);
        return rt_bench_fail("fork: %s", strerror(errno));
    }

    return RT_OK;
}


void
rt_bare_stop(rt_bare_t *b)
{
    if (b->pid) {
        (void) kill(b->pid, SIGKILL);
        (void) waitpid(b->pid, NULL, 0);
        b->pid = 0;
    }

    if (b->plan) {
        (void) munmap(b->plan, sizeof(rt_bare_plan_t));
        b->plan = NULL;
    }
}


uint64_t
rt_bare_cpu(const rt_bare_t *b)
{
    return rt_proc_cpu(&b->pid, 1);
}


rt_int_t
rt_bare_prepare(rt_bare_t *b, rt_str_t reply, size_t seq_at)
{
    if (reply.len == 0 || reply.len > RT_BARE_REPLY_MAX) {
        return rt_bench_fail("no frame for the bare server to send");
    }

    memcpy(b->plan->reply, reply.data, reply.len);
    b->plan->reply_len = reply.len;
    b->plan->seq_at = seq_at;

    return RT_OK;
}


static int
rt_bare_listen(uint16_t *port)
{
    int                 fd;
    socklen_t           len;
    struct sockaddr_in  sin;

    memset(&sin, 0, sizeof(sin));
    sin.sin_family = AF_INET;
    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    len = sizeof(sin);

    fd = socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK|SOCK_CLOEXEC, 0);
    if (fd == -1) {
        return -1;
    }

    if (bind(fd, (struct sockaddr *) &sin, sizeof(sin)) == -1
        || listen(fd, 4096) == -1
        || getsockname(fd, (struct sockaddr *) &sin, &len) == -1)
    {
        close(fd);
        return -1;
    }

    *port = ntohs(sin.sin_port);

    return fd;
}


/* ends with its parent */

static void
rt_bare_main(int listener, rt_bare_plan_t *plan)
{
    int                  i, n;
    rt_bare_loop_t      *loop;
    struct epoll_event   ee, events[RT_BARE_EVENTS];

    loop = calloc(1, sizeof(rt_bare_loop_t));
    if (loop == NULL) {
        _exit(1);
    }

    loop->plan = plan;
    loop->listener = listener;
    loop->ep = epoll_create1(EPOLL_CLOEXEC);

    ee.events = EPOLLIN;
    ee.data.ptr = NULL;
    (void) epoll_ctl(loop->ep, EPOLL_CTL_ADD, listener, &ee);

    for ( ;; ) {
        n = epoll_wait(loop->ep, events, RT_BARE_EVENTS, -1);

        for (i = 0; i < n; i++) {

            if (events[i].data.ptr) {
                rt_bare_read(loop, events[i].data.ptr);

            } else {
                rt_bare_accept(loop);
            }
        }
    }
}


static void
rt_bare_accept(rt_bare_loop_t *loop)
{
    int                  fd, on;
    rt_bare_conn_t      *c;
    struct epoll_event   ee;

    fd = accept4(loop->listener, NULL, NULL, SOCK_NONBLOCK|SOCK_CLOEXEC);
    if (fd == -1) {
        return;
    }

    c = (loop->nconns < RT_BARE_CONNECTIONS) ? malloc(sizeof(*c)) : NULL;
    if (c == NULL) {
        close(fd);
        return;
    }

    c->fd = fd;
    c->upgraded = 0;
    c->entered = 0;
    c->nheld = 0;
    c->slot = loop->nconns;
    loop->conns[loop->nconns++] = c;

    on = 1;
    (void) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));

    ee.events = EPOLLIN;
    ee.data.ptr = c;
    (void) epoll_ctl(loop->ep, EPOLL_CTL_ADD, fd, &ee);
}


static void
rt_bare_read(rt_bare_loop_t *loop, rt_bare_conn_t *c)
{
    size_t      pos, len;
    ssize_t     n;
    rt_frame_t  f;

    memcpy(loop->scratch, c->held, c->nheld);

    n = recv(c->fd, loop->scratch + c->nheld, RT_BARE_SCRATCH, 0);
    if (n <= 0) {
        rt_bare_close(loop, c);
        return;
    }

    pos = 0;
    len = c->nheld + (size_t) n;
    c->nheld = 0;

    if (!c->upgraded) {
        pos = rt_bare_upgrade(c, rt_str(len, loop->scratch));
    }

    while (c->upgraded
           && rt_frame_read(&f, rt_str(len - pos, loop->scratch + pos))
              == RT_OK)
    {
        pos += f.raw.len;

        if (f.opcode == RT_FRAME_CLOSE) {
            rt_bare_close(loop, c);
            return;
        }

        rt_bare_message(loop, c);
    }

    if (len - pos > RT_BARE_REPLY_MAX) {
        rt_bare_close(loop, c);
        return;
    }

    c->nheld = len - pos;
    memcpy(c->held, loop->scratch + pos, c->nheld);
}


static size_t
rt_bare_upgrade(rt_bare_conn_t *c, rt_str_t in)
{
    const u_char       *end;
    static const char   text[] = RT_BARE_101 RT_BARE_OPEN;

    end = memmem(in.data, in.len, "\r\n\r\n", 4);
    if (end == NULL) {
        return 0;
    }

    c->upgraded = 1;
    rt_bare_send(c, text, sizeof(text) - 1);

    return (size_t) (end + 4 - in.data);
}


/* the first frame of a client asks for the namespace */

static void
rt_bare_message(rt_bare_loop_t *loop, rt_bare_conn_t *c)
{
    int              n;
    char             digits[24];
    u_char          *p;
    rt_bare_plan_t  *plan;

    plan = loop->plan;

    if (!c->entered) {
        c->entered = 1;
        rt_bare_send(c, RT_BARE_CONNECTED, sizeof(RT_BARE_CONNECTED) - 1);
        return;
    }

    if (!plan->fanout) {
        rt_bare_send(c, plan->reply, plan->reply_len);
        return;
    }

    p = loop->batch + loop->batch_len;
    memcpy(p, plan->reply, plan->reply_len);

    n = snprintf(digits, sizeof(digits), "%010u", (unsigned) plan->seq++);
    memcpy(p + plan->seq_at, digits, n < RT_BARE_SEQ_LEN ? 0 : RT_BARE_SEQ_LEN);

    loop->batch_len += plan->reply_len;

    if (++loop->nbatch >= plan->batch) {
        rt_bare_broadcast(loop);
    }
}


/* what all the comparing is about */

static void
rt_bare_broadcast(rt_bare_loop_t *loop)
{
    uint32_t  i;

    for (i = 0; i < loop->nconns; i++) {
        rt_bare_send(loop->conns[i], loop->batch, loop->batch_len);
    }

    loop->nbatch = 0;
    loop->batch_len = 0;
}


/* what does not fit is lost, and counted where it is missed */

static void
rt_bare_send(rt_bare_conn_t *c, const void *data, size_t len)
{
    (void) !send(c->fd, data, len, MSG_DONTWAIT|MSG_NOSIGNAL);
}


static void
rt_bare_close(rt_bare_loop_t *loop, rt_bare_conn_t *c)
{
    rt_bare_conn_t  *last;

    last = loop->conns[--loop->nconns];
    last->slot = c->slot;
    loop->conns[c->slot] = last;

    close(c->fd);
    free(c);
}
