
/*
 * nginx_conf.c: makes the configuration, and finds what nginx -t dislikes.
 */


#include "nginx_conf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>


/* files that a worker needs besides its clients */
#define RT_NGINX_CONF_SPARE  300

#define RT_LIMITS_OFF                                                         \
    "realtime_limit_messages off;", "realtime_limit_room off;"

#define RT_LIMITS_HIGH                                                        \
    "realtime_limit_messages 1000000000 60s;",                                \
    "realtime_limit_room 1000000000 1s;"


typedef struct {
    const char  *path;
    const char  *settings[6];
} rt_nginx_conf_location_t;


static rt_int_t rt_nginx_conf_files(const rt_bench_opts_t *o,
    uint32_t clients, uint32_t *files);
static void rt_nginx_conf_add(rt_nginx_conf_t *conf, int optional,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void rt_nginx_conf_http(rt_nginx_conf_t *conf,
    const rt_bench_opts_t *o, const char *dir);
static void rt_nginx_conf_location(rt_nginx_conf_t *conf,
    const rt_bench_opts_t *o, uint32_t k);
static void rt_nginx_conf_setting(rt_nginx_conf_t *conf,
    const rt_bench_opts_t *o, const char *line);


static const char  *rt_nginx_conf_temp[] = { "client_body", "proxy", "fastcgi",
                                             "uwsgi", "scgi" };

static const rt_nginx_conf_location_t  rt_nginx_conf_locations[] = {
    { RT_PATH_DEFAULT, { RT_LIMITS_OFF } },
    { RT_PATH_QUIET, { RT_LIMITS_OFF, "realtime_presence off;" } },
    { RT_PATH_ROOMS, { RT_LIMITS_OFF, "realtime_presence_scope rooms;" } },
    { RT_PATH_LIMITED, { RT_LIMITS_HIGH, "realtime_presence off;" } },
    { RT_PATH_RAW, { RT_LIMITS_OFF, "realtime_presence off;",
                     "realtime_sanitize off;" } },
    { RT_PATH_LOGGED, { RT_LIMITS_OFF, "realtime_presence off;",
                        "realtime_log_event_types message;" } },
    { RT_PATH_ALL, { RT_LIMITS_OFF, "realtime_presence off;",
                     "realtime_log_event_types *;" } }
};


rt_int_t
rt_nginx_conf_build(rt_nginx_conf_t *conf, const rt_bench_opts_t *o,
    const char *dir, uint16_t port, uint32_t clients)
{
    char      module[4096];
    uint32_t  i, files = 0;

    memset(conf, 0, sizeof(rt_nginx_conf_t));
    snprintf(conf->dir, sizeof(conf->dir), "%s", dir);

    if (rt_nginx_conf_files(o, clients, &files) != RT_OK) {
        return RT_ERROR;
    }

    if (realpath(o->module, module) == NULL || strlen(module) > 400) {
        return rt_bench_fail("module %s: bad path", o->module);
    }

    if (geteuid() == 0) {
        rt_nginx_conf_add(conf, 0, "user root;");
    }

    rt_nginx_conf_add(conf, 0, "load_module %s;", module);
    rt_nginx_conf_add(conf, 0, "daemon off;");
    rt_nginx_conf_add(conf, 0, "pid %s/nginx.pid;", dir);
    rt_nginx_conf_add(conf, 0, "error_log %s/error.log warn;", dir);
    rt_nginx_conf_add(conf, 0, "worker_processes %u;", o->workers);
    rt_nginx_conf_add(conf, 0, "worker_rlimit_nofile %u;", files);
    rt_nginx_conf_add(conf, 0, "events { worker_connections %u; }", files);
    rt_nginx_conf_add(conf, 0, "http {");
    rt_nginx_conf_add(conf, 0, "access_log off;");
    rt_nginx_conf_http(conf, o, dir);
    rt_nginx_conf_add(conf, 0, "server {");
    rt_nginx_conf_add(conf, 0, "listen 127.0.0.1:%u backlog=4096%s;", port,
                      o->workers > 1 ? " reuseport" : "");

    if (o->keys) {
        rt_nginx_conf_add(conf, 0, "realtime_jwt_secret %s;",
                          RT_TOKEN_SECRET);
        rt_nginx_conf_add(conf, 0, "realtime_jwt_key %s/%s;", dir,
                          RT_NGINX_CONF_KEYS);
    }

    for (i = 0; i < (o->keys ? rt_nitems(rt_nginx_conf_locations) : 1); i++) {
        rt_nginx_conf_location(conf, o, i);
    }

    rt_nginx_conf_add(conf, 0, "location = /metrics {");
    rt_nginx_conf_add(conf, 1, "realtime_metrics;");
    rt_nginx_conf_add(conf, 0, "}");
    rt_nginx_conf_add(conf, 0, "}");
    rt_nginx_conf_add(conf, 0, "}");

    return RT_OK;
}


static void
rt_nginx_conf_http(rt_nginx_conf_t *conf, const rt_bench_opts_t *o,
    const char *dir)
{
    uint32_t  i;

    for (i = 0; i < rt_nitems(rt_nginx_conf_temp); i++) {
        rt_nginx_conf_add(conf, 0, "%s_temp_path %s/%s;",
                          rt_nginx_conf_temp[i], dir, rt_nginx_conf_temp[i]);
    }

    if (o->http) {
        rt_nginx_conf_add(conf, 0, "%s", o->http);
    }
}


static void
rt_nginx_conf_location(rt_nginx_conf_t *conf, const rt_bench_opts_t *o,
    uint32_t k)
{
    uint32_t                         i;
    const rt_nginx_conf_location_t  *loc;

    loc = &rt_nginx_conf_locations[k];

    rt_nginx_conf_add(conf, 0, "location %s {", loc->path);
    rt_nginx_conf_add(conf, 0, "realtime on;");
    rt_nginx_conf_add(conf, 0, "realtime_allow_anonymous on;");
    rt_nginx_conf_setting(conf, o, "realtime_max_connections 20000;");
    rt_nginx_conf_setting(conf, o, "realtime_max_rooms 20000;");
    rt_nginx_conf_setting(conf, o, "realtime_limit_connections off;");

    for (i = 0; i < rt_nitems(loc->settings) && loc->settings[i]; i++) {
        rt_nginx_conf_setting(conf, o, loc->settings[i]);
    }

    for (i = 0; i < o->ndirectives; i++) {
        rt_nginx_conf_add(conf, 0, "%s;", o->directives[i]);
    }

    rt_nginx_conf_add(conf, 0, "}");
}


/* not what was given as an option: a directive may not be repeated */

static void
rt_nginx_conf_setting(rt_nginx_conf_t *conf, const rt_bench_opts_t *o,
    const char *line)
{
    size_t    len;
    uint32_t  i;

    len = strcspn(line, " ") + 1;

    for (i = 0; i < o->ndirectives; i++) {
        if (strncmp(o->directives[i], line, len) == 0) {
            return;
        }
    }

    rt_nginx_conf_add(conf, 1, "%s", line);
}


/* reuseport shares connections out by hash: some workers get more */

static rt_int_t
rt_nginx_conf_files(const rt_bench_opts_t *o, uint32_t clients,
    uint32_t *files)
{
    uint32_t       need;
    struct rlimit  rl;

    need = clients / o->workers;

    if (o->workers > 1) {
        need += need / 8 + 64;
    }

    need += RT_NGINX_CONF_SPARE;

    if (getrlimit(RLIMIT_NOFILE, &rl) == -1 || need > rl.rlim_max) {
        return rt_bench_fail("a worker would need %u open files, and may have "
                             "%lu: use more workers", need,
                             (unsigned long) rl.rlim_max);
    }

    *files = need;

    return RT_OK;
}


static void
rt_nginx_conf_add(rt_nginx_conf_t *conf, int optional, const char *fmt, ...)
{
    va_list  args;

    if (conf->nlines == RT_NGINX_CONF_LINES) {
        return;
    }

    va_start(args, fmt);
    (void) vsnprintf(conf->line[conf->nlines], sizeof(conf->line[0]), fmt,
                     args);
    va_end(args);

    conf->optional[conf->nlines++] = (char) optional;
}


rt_int_t
rt_nginx_conf_write(const rt_nginx_conf_t *conf)
{
    char      path[300];
    FILE     *f;
    unsigned  i;

    snprintf(path, sizeof(path), "%s/nginx.conf", conf->dir);

    f = fopen(path, "w");
    if (f == NULL) {
        return rt_bench_fail("%s: %s", path, strerror(errno));
    }

    for (i = 0; i < conf->nlines; i++) {
        fprintf(f, "%s\n", conf->line[i]);
    }

    if (fclose(f) != 0) {
        return rt_bench_fail("%s: %s", path, strerror(errno));
    }

    return RT_OK;
}


rt_int_t
rt_nginx_conf_test(const rt_nginx_conf_t *conf, const char *nginx)
{
    int    fd, status;
    char   path[300], log[300];
    pid_t  pid;

    snprintf(path, sizeof(path), "%s/nginx.conf", conf->dir);
    snprintf(log, sizeof(log), "%s/error.log", conf->dir);

    pid = fork();

    if (pid == 0) {
        fd = open(log, O_WRONLY|O_CREAT|O_TRUNC, 0600);
        (void) dup2(fd, STDERR_FILENO);

        rt_nginx_conf_preload();

        execlp(nginx, "nginx", "-t", "-q", "-p", conf->dir, "-c", path, "-e",
               "stderr", (char *) NULL);

        dprintf(STDERR_FILENO, "%s: %s\n", nginx, strerror(errno));
        _exit(127);
    }

    if (pid == -1 || waitpid(pid, &status, 0) != pid) {
        return RT_ERROR;
    }

    return (WIFEXITED(status) && WEXITSTATUS(status) == 0) ? RT_OK : RT_ERROR;
}


void
rt_nginx_conf_preload(void)
{
    const char  *libs;

    libs = getenv("REALTIME_PRELOAD");

    if (libs && libs[0]) {
        (void) setenv("LD_PRELOAD", libs, 1);
    }
}


/* complaints end with "in FILE:LINE" */

rt_int_t
rt_nginx_conf_drop_refused(rt_nginx_conf_t *conf)
{
    char      path[300], line[1024], *p;
    FILE     *f;
    unsigned  n;

    snprintf(path, sizeof(path), "%s/error.log", conf->dir);

    f = fopen(path, "r");
    if (f == NULL) {
        return RT_DECLINED;
    }

    n = 0;

    while (n == 0 && fgets(line, sizeof(line), f) != NULL) {
        p = strstr(line, "[emerg]") ? strrchr(line, ':') : NULL;
        n = p ? (unsigned) atoi(p + 1) : 0;
    }

    fclose(f);

    if (n == 0 || n > conf->nlines || !conf->optional[n - 1]) {
        return RT_DECLINED;
    }

    fprintf(stderr, "rt-bench: measured without \"%s\"\n", conf->line[n - 1]);
    conf->line[n - 1][0] = '\0';
    conf->optional[n - 1] = 0;

    return RT_OK;
}
