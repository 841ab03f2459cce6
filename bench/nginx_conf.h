
/*
 * nginx_conf.h: the configuration of the measured nginx, line by line.
 *
 * Lines that switch something on or off are optional: where the module
 * refuses one, it is left out and the rest is measured.
 */


#ifndef _RT_NGINX_CONF_H_INCLUDED_
#define _RT_NGINX_CONF_H_INCLUDED_


#include "rt_bench.h"


#define RT_NGINX_CONF_LINES  128

/* where o->keys has the public keys */
#define RT_NGINX_CONF_KEYS   "keys.pem"

/*
 * Locations.  The first one is always there and is as it is by default, only
 * that nothing is limited; the others come with o->keys and differ from it in
 * what is said here.
 */
#define RT_PATH_DEFAULT  "/socket.io/"
#define RT_PATH_QUIET    "/quiet/"      /* no presence */
#define RT_PATH_ROOMS    "/rooms/"      /* presence for those in one's rooms */
#define RT_PATH_LIMITED  "/limited/"    /* limits that nobody reaches; quiet */
#define RT_PATH_RAW      "/raw/"        /* content is not cleaned; quiet */
#define RT_PATH_LOGGED   "/logged/"     /* messages go into a database; quiet */
#define RT_PATH_ALL      "/all/"        /* all events do; quiet */


typedef struct {
    char      dir[256];
    unsigned  nlines;
    char      line[RT_NGINX_CONF_LINES][512];
    char      optional[RT_NGINX_CONF_LINES];
} rt_nginx_conf_t;


/* for "clients" connections in all; RT_ERROR when files would not suffice */
rt_int_t rt_nginx_conf_build(rt_nginx_conf_t *conf, const rt_bench_opts_t *o,
    const char *dir, uint16_t port, uint32_t clients);

/* writes DIR/nginx.conf */
rt_int_t rt_nginx_conf_write(const rt_nginx_conf_t *conf);

/* runs "nginx -t"; what it says goes to DIR/error.log */
rt_int_t rt_nginx_conf_test(const rt_nginx_conf_t *conf, const char *nginx);

/*
 * Takes out the optional line that the last test complained about, and says
 * so; RT_DECLINED when the complaint was another.
 */
rt_int_t rt_nginx_conf_drop_refused(rt_nginx_conf_t *conf);

/* in a new process, before nginx: libraries that $REALTIME_PRELOAD names */
void rt_nginx_conf_preload(void);


#endif /* _RT_NGINX_CONF_H_INCLUDED_ */
