
/*
 * redis.c: asks Redis by inline commands; only INFO's answer is read.
 */


#include "redis.h"
#include "proc.h"
#include "rt_bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>


#define RT_REDIS_TEXT_MAX  65536


static rt_int_t rt_redis_dial(rt_redis_t *r, const char *address,
    uint16_t port);
static rt_int_t rt_redis_ask(rt_redis_t *r, const char *command, char *text,
    size_t size);
static size_t rt_redis_whole(const char *text);


rt_int_t
rt_redis_open(rt_redis_t *r, const char *url)
{
    char      password[128], address[64], text[RT_REDIS_TEXT_MAX], *p;
    uint16_t  port;

    memset(r, 0, sizeof(rt_redis_t));

    if (sscanf(url, "redis://:%127[^@]@%63[0-9.]:%hu", password, address,
               &port)
        != 3)
    {
        return rt_bench_fail("not as redis://:PASSWORD@ADDRESS:PORT");
    }

    if (rt_redis_dial(r, address, port) != RT_OK) {
        return RT_ERROR;
    }

    snprintf(text, sizeof(text), "AUTH %s\r\n", password);

    if (rt_redis_ask(r, text, text, sizeof(text)) != RT_OK
        || rt_redis_ask(r, "INFO server\r\n", text, sizeof(text)) != RT_OK)
    {
        rt_redis_close(r);
        return RT_ERROR;
    }

    p = strstr(text, "\nprocess_id:");
    r->pid = p ? (pid_t) atoi(p + sizeof("\nprocess_id:") - 1) : 0;

    return RT_OK;
}


static rt_int_t
rt_redis_dial(rt_redis_t *r, const char *address, uint16_t port)
{
    struct timeval      tv = { 10, 0 };
    struct sockaddr_in  sin;

    memset(&sin, 0, sizeof(sin));
    sin.sin_family = AF_INET;
    sin.sin_addr.s_addr = inet_addr(address);
    sin.sin_port = htons(port);

    r->fd = socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, 0);

    if (r->fd == -1
        || setsockopt(r->fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) == -1
        || connect(r->fd, (struct sockaddr *) &sin, sizeof(sin)) == -1)
    {
        rt_bench_fail("Redis: %s", strerror(errno));
        rt_redis_close(r);
        return RT_ERROR;
    }

    return RT_OK;
}


void
rt_redis_close(rt_redis_t *r)
{
    if (r->fd > 0) {
        close(r->fd);
    }

    r->fd = 0;
}


/* "command" may be in "text" */

static rt_int_t
rt_redis_ask(rt_redis_t *r, const char *command, char *text, size_t size)
{
    size_t   len = strlen(command);
    ssize_t  n;

    if (send(r->fd, command, len, MSG_NOSIGNAL) != (ssize_t) len) {
        return rt_bench_fail("Redis: %s", strerror(errno));
    }

    len = 0;

    do {
        n = recv(r->fd, text + len, size - 1 - len, 0);
        len += n > 0 ? (size_t) n : 0;
        text[len] = '\0';

    } while (n > 0 && len < size - 1 && len < rt_redis_whole(text));

    if (len == 0 || len < rt_redis_whole(text) || text[0] == '-') {
        return rt_bench_fail("Redis: no answer%s%.100s", len ? ": " : "",
                             text);
    }

    return RT_OK;
}


/* how long an answer is that begins so: a line, or "$", a length, and it */

static size_t
rt_redis_whole(const char *text)
{
    const char  *line;

    line = strstr(text, "\r\n");

    if (line == NULL) {
        return RT_REDIS_TEXT_MAX;
    }

    return (size_t) (line + 2 - text)
           + (text[0] == '$' ? (size_t) atoi(text + 1) + 2 : 0);
}


/* cmdstat_NAME:calls=N,... in each line */

rt_int_t
rt_redis_calls(rt_redis_t *r, rt_redis_calls_t *calls)
{
    char       text[RT_REDIS_TEXT_MAX], name[64], *p;
    uint64_t   n;

    memset(calls, 0, sizeof(rt_redis_calls_t));

    if (rt_redis_ask(r, "INFO commandstats\r\n", text, sizeof(text))
        != RT_OK)
    {
        return RT_ERROR;
    }

    for (p = text; (p = strstr(p, "cmdstat_")) != NULL; p++) {

        if (sscanf(p, "cmdstat_%63[^:]:calls=%lu", name, &n) != 2) {
            continue;
        }

        if (strcmp(name, "publish") == 0) {
            calls->publish += n;

        } else if (strcmp(name, "info") != 0) {
            calls->others += n;
        }
    }

    return RT_OK;
}


uint64_t
rt_redis_cpu(const rt_redis_t *r)
{
    return rt_proc_cpu(&r->pid, 1);
}
