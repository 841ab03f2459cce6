
/*
 * server.c: the life of the measured nginx, and what is read from it.
 */


#include "server.h"
#include "nginx_conf.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>


#define RT_SERVER_START_MSEC  10000
#define RT_SERVER_STOP_MSEC   10000


static rt_int_t rt_server_attach(rt_server_t *s, const rt_bench_opts_t *o);
static rt_int_t rt_server_configure(rt_nginx_conf_t *conf,
    const rt_bench_opts_t *o);
static rt_int_t rt_server_write_keys(const rt_server_t *s,
    const rt_bench_opts_t *o);
static rt_int_t rt_server_make_dir(rt_server_t *s);
static rt_int_t rt_server_free_port(rt_server_t *s);
static rt_int_t rt_server_run(rt_server_t *s, const rt_bench_opts_t *o);
static rt_int_t rt_server_await(rt_server_t *s, const rt_bench_opts_t *o);
static int rt_server_dial(uint16_t port);
static rt_int_t rt_server_end_master(rt_server_t *s);
static uint32_t rt_server_show_log(const rt_server_t *s, int alerts_only);
static int rt_server_remove_file(const char *path, const struct stat *st,
    int flag, struct FTW *ftw);
static void rt_server_remove_dir(rt_server_t *s);


rt_int_t
rt_server_start(rt_server_t *s, const rt_bench_opts_t *o, uint32_t clients)
{
    rt_nginx_conf_t  conf;

    memset(s, 0, sizeof(rt_server_t));

    if (o->port) {
        return rt_server_attach(s, o);
    }

    if (access(o->module, R_OK) == -1) {
        return rt_bench_fail("no module at %s: run make first, or use -m",
                             o->module);
    }

    if (rt_server_make_dir(s) != RT_OK || rt_server_free_port(s) != RT_OK) {
        goto failed;
    }

    if (rt_nginx_conf_build(&conf, o, s->dir, s->port, clients) != RT_OK) {
        goto failed;
    }

    if (rt_server_write_keys(s, o) != RT_OK
        || rt_server_configure(&conf, o) != RT_OK)
    {
        goto failed;
    }

    if (rt_server_run(s, o) != RT_OK || rt_server_await(s, o) != RT_OK) {
        goto failed;
    }

    return RT_OK;

failed:

    rt_bench_fail("nginx could not be started");

    if (s->dir[0]) {
        (void) rt_server_show_log(s, 0);
    }

    (void) rt_server_end_master(s);
    rt_server_remove_dir(s);

    return RT_ERROR;
}


/* a build that lacks a directive is measured without it */

static rt_int_t
rt_server_configure(rt_nginx_conf_t *conf, const rt_bench_opts_t *o)
{
    for ( ;; ) {

        if (rt_nginx_conf_write(conf) != RT_OK) {
            return RT_ERROR;
        }

        if (rt_nginx_conf_test(conf, o->nginx) == RT_OK) {
            return RT_OK;
        }

        if (rt_nginx_conf_drop_refused(conf) != RT_OK) {
            return RT_ERROR;
        }
    }
}


static rt_int_t
rt_server_write_keys(const rt_server_t *s, const rt_bench_opts_t *o)
{
    char  path[300];

    if (o->keys == NULL) {
        return RT_OK;
    }

    snprintf(path, sizeof(path), "%s/" RT_NGINX_CONF_KEYS, s->dir);

    return rt_token_keys_write(o->keys, path);
}


/* with no children, the process is a worker itself, as Node's is */

static rt_int_t
rt_server_attach(rt_server_t *s, const rt_bench_opts_t *o)
{
    int  fd;

    s->port = (uint16_t) o->port;

    if (o->pid) {
        s->nworkers = rt_proc_children((pid_t) o->pid, s->workers,
                                       RT_BENCH_MAX_WORKERS);

        if (s->nworkers == 0) {
            s->workers[s->nworkers++] = (pid_t) o->pid;
        }
    }

    fd = rt_server_dial(s->port);

    if (fd == -1) {
        return rt_bench_fail("nobody listens on 127.0.0.1:%u", s->port);
    }

    close(fd);

    return RT_OK;
}


static rt_int_t
rt_server_make_dir(rt_server_t *s)
{
    const char  *tmp;

    tmp = getenv("TMPDIR");

    snprintf(s->dir, sizeof(s->dir), "%.200s/rt-bench-XXXXXX",
             tmp ? tmp : "/tmp");

    if (mkdtemp(s->dir) == NULL) {
        rt_bench_fail("mkdtemp %s: %s", s->dir, strerror(errno));
        s->dir[0] = '\0';
        return RT_ERROR;
    }

    return RT_OK;
}


static rt_int_t
rt_server_free_port(rt_server_t *s)
{
    int                 fd;
    socklen_t           len;
    struct sockaddr_in  sin;

    memset(&sin, 0, sizeof(sin));
    sin.sin_family = AF_INET;
    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    len = sizeof(sin);

    fd = socket(AF_INET, SOCK_STREAM, 0);

    if (fd == -1 || bind(fd, (struct sockaddr *) &sin, sizeof(sin)) == -1
        || getsockname(fd, (struct sockaddr *) &sin, &len) == -1)
    {
        close(fd);
        return rt_bench_fail("no free port: %s", strerror(errno));
    }

    close(fd);
    s->port = ntohs(sin.sin_port);

    return RT_OK;
}


static rt_int_t
rt_server_run(rt_server_t *s, const rt_bench_opts_t *o)
{
    int   fd;
    char  conf[300], log[300];

    snprintf(conf, sizeof(conf), "%s/nginx.conf", s->dir);
    snprintf(log, sizeof(log), "%s/error.log", s->dir);

    s->master = fork();

    if (s->master == -1) {
        s->master = 0;
        return rt_bench_fail("fork: %s", strerror(errno));
    }

    if (s->master) {
        return RT_OK;
    }

    /* ^C is for us: nginx ends when it is told to, or with us */

    (void) setpgid(0, 0);
    (void) prctl(PR_SET_PDEATHSIG, SIGTERM);

    fd = open(log, O_WRONLY|O_CREAT|O_APPEND, 0600);
    (void) dup2(fd, STDERR_FILENO);

    rt_nginx_conf_preload();

    execlp(o->nginx, "nginx", "-p", s->dir, "-c", conf, "-e", log,
           (char *) NULL);

    dprintf(STDERR_FILENO, "%s: %s\n", o->nginx, strerror(errno));
    _exit(127);
}


static rt_int_t
rt_server_await(rt_server_t *s, const rt_bench_opts_t *o)
{
    int       fd;
    uint64_t  deadline;

    deadline = rt_bench_now() + RT_SERVER_START_MSEC * 1000ull;

    while (rt_bench_left(deadline)) {

        if (waitpid(s->master, NULL, WNOHANG) == s->master) {
            s->master = 0;
            return RT_ERROR;
        }

        s->nworkers = rt_proc_children(s->master, s->workers,
                                       RT_BENCH_MAX_WORKERS);

        fd = (s->nworkers == o->workers) ? rt_server_dial(s->port) : -1;

        if (fd != -1) {
            close(fd);
            break;
        }

        rt_bench_sleep(20);
    }

    if (!rt_bench_left(deadline)) {
        return RT_ERROR;
    }

    if (o->verbose) {
        fprintf(stderr, "rt-bench: %s, port %u, first worker %d\n", s->dir,
                s->port, (int) s->workers[0]);
    }

    return RT_OK;
}


static int
rt_server_dial(uint16_t port)
{
    int                 fd;
    struct timeval      tv = { 2, 0 };
    struct sockaddr_in  sin;

    memset(&sin, 0, sizeof(sin));
    sin.sin_family = AF_INET;
    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sin.sin_port = htons(port);

    fd = socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, 0);
    if (fd == -1) {
        return -1;
    }

    (void) setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));

    if (connect(fd, (struct sockaddr *) &sin, sizeof(sin)) == -1) {
        close(fd);
        return -1;
    }

    return fd;
}


rt_int_t
rt_server_stop(rt_server_t *s, rt_int_t rc)
{
    uint32_t  i;

    if (s->master) {
        for (i = 0; i < s->nworkers; i++) {
            if (kill(s->workers[i], 0) == -1) {
                rc = rt_bench_fail("a worker has died on the way");
            }
        }
    }

    if (rt_server_end_master(s) != RT_OK) {
        rc = RT_ERROR;
    }

    if (s->dir[0] && rt_server_show_log(s, rc == RT_OK) && rc == RT_OK) {
        rc = rt_bench_fail("the server's error log has alerts");
    }

    rt_server_remove_dir(s);

    return rc;
}


static rt_int_t
rt_server_end_master(rt_server_t *s)
{
    uint64_t  deadline;

    if (s->master == 0) {
        return RT_OK;
    }

    (void) kill(s->master, SIGTERM);
    deadline = rt_bench_now() + RT_SERVER_STOP_MSEC * 1000ull;

    while (rt_bench_now() < deadline) {

        if (waitpid(s->master, NULL, WNOHANG) == s->master) {
            s->master = 0;
            return RT_OK;
        }

        rt_bench_sleep(20);
    }

    (void) kill(s->master, SIGKILL);
    (void) waitpid(s->master, NULL, 0);
    s->master = 0;

    return rt_bench_fail("nginx did not end in time and was killed");
}


/* the lines that count, at most 20; how many there were */

static uint32_t
rt_server_show_log(const rt_server_t *s, int alerts_only)
{
    char      path[300], line[1024];
    FILE     *f;
    uint32_t  n;

    snprintf(path, sizeof(path), "%s/error.log", s->dir);

    f = fopen(path, "r");
    if (f == NULL) {
        return 0;
    }

    n = 0;

    while (fgets(line, sizeof(line), f) != NULL) {

        if (alerts_only && strstr(line, "[alert]") == NULL
            && strstr(line, "[emerg]") == NULL
            && strstr(line, "Sanitizer") == NULL
            && strstr(line, "runtime error") == NULL)
        {
            continue;
        }

        if (n++ < 20) {
            fprintf(stderr, "  error log: %s", line);
        }
    }

    fclose(f);

    return n;
}


static void
rt_server_remove_dir(rt_server_t *s)
{
    if (s->dir[0]) {
        (void) nftw(s->dir, rt_server_remove_file, 8, FTW_DEPTH|FTW_PHYS);
        s->dir[0] = '\0';
    }
}


static int
rt_server_remove_file(const char *path, const struct stat *st, int flag,
    struct FTW *ftw)
{
    (void) st;
    (void) flag;
    (void) ftw;

    return remove(path);
}


uint64_t
rt_server_cpu(const rt_server_t *s)
{
    return rt_proc_cpu(s->workers, s->nworkers);
}


rt_int_t
rt_server_memory(const rt_server_t *s, rt_proc_memory_t *m)
{
    if (rt_proc_memory(s->workers, s->nworkers, m) != RT_OK) {
        return rt_bench_fail("cannot read the workers' smaps_rollup");
    }

    return RT_OK;
}


void
rt_server_print_zone(const rt_server_t *s)
{
    int                fd;
    char               line[1024];
    FILE              *f;
    static const char  request[] = "GET /metrics?format=prometheus HTTP/1.0"
                                   "\r\nHost: 127.0.0.1\r\n\r\n";

    fd = rt_server_dial(s->port);
    if (fd == -1) {
        return;
    }

    f = fdopen(fd, "r");
    if (f == NULL) {
        close(fd);
        return;
    }

    if (send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) > 0) {
        while (fgets(line, sizeof(line), f) != NULL) {
            if (line[0] != '#' && strstr(line, "zone")
                && strncmp(line, "realtime_", 9) == 0)
            {
                printf("  %s", line);
            }
        }
    }

    fclose(f);
}


rt_int_t
rt_server_database(const rt_server_t *s, rt_server_database_t *d)
{
    int                fd;
    char               text[16384], *p;
    size_t             len = 0;
    ssize_t            n;
    static const char  request[] = "GET /metrics HTTP/1.0\r\n"
                                   "Host: 127.0.0.1\r\n\r\n";

    fd = rt_server_dial(s->port);
    if (fd == -1) {
        return RT_ERROR;
    }

    if (send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) > 0) {
        do {
            n = read(fd, text + len, sizeof(text) - 1 - len);
            len += n > 0 ? (size_t) n : 0;
        } while (n > 0 && len < sizeof(text) - 1);
    }

    close(fd);
    text[len] = '\0';

    p = strstr(text, "\"bytesWaiting\":");

    if (p == NULL
        || sscanf(p, "\"bytesWaiting\":%lu,\"written\":%lu,\"dropped\":%lu,"
                  "\"refused\":%lu", &d->waiting, &d->written, &d->dropped,
                  &d->refused)
           != 4)
    {
        return RT_ERROR;
    }

    return RT_OK;
}
