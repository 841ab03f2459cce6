
#include "store/ngx_http_realtime_listener.h"

#include "base/rt_json.h"
#include "base/rt_utf8.h"


static void ngx_http_realtime_listener_ask(ngx_http_realtime_listener_t *l,
    const char *sql, ngx_http_realtime_pg_done_pt done);
static void ngx_http_realtime_listener_handler(ngx_event_t *ev);
static void ngx_http_realtime_listener_backend(
    ngx_http_realtime_pg_query_t *q, PGresult *res, ngx_int_t rc);
static void ngx_http_realtime_listener_listens(
    ngx_http_realtime_pg_query_t *q, PGresult *res, ngx_int_t rc);
static void ngx_http_realtime_listener_alive(ngx_http_realtime_pg_query_t *q,
    PGresult *res, ngx_int_t rc);
static void ngx_http_realtime_listener_refused(
    ngx_http_realtime_listener_t *l, PGresult *res, ngx_int_t rc);
static void ngx_http_realtime_listener_deaf(ngx_http_realtime_listener_t *l);
static void ngx_http_realtime_listener_ready(ngx_http_realtime_pg_t *pg);
static void ngx_http_realtime_listener_down(ngx_http_realtime_pg_t *pg,
    ngx_str_t *reason);
static void ngx_http_realtime_listener_notify(ngx_http_realtime_pg_t *pg,
    const char *channel, const char *payload);
static rt_str_t ngx_http_realtime_listener_name(rt_str_t payload,
    rt_str_t key, u_char *buf);


#define NGX_HTTP_REALTIME_LISTENER_CHANNEL  "realtime_changed"

/* between two signs of life, and how long one may take, ms */
#define NGX_HTTP_REALTIME_LISTENER_BEAT     250
#define NGX_HTTP_REALTIME_LISTENER_TIMEOUT  2000

/* when it looks whether it can hear after all, ms */
#define NGX_HTTP_REALTIME_LISTENER_AGAIN    60000

#define NGX_HTTP_REALTIME_LISTENER_RETRY    2000

/* a name of 255 characters in UTF-8 */
#define NGX_HTTP_REALTIME_LISTENER_NAME     1020


static const ngx_http_realtime_pg_events_t
    ngx_http_realtime_listener_events =
{
    ngx_http_realtime_listener_ready,
    ngx_http_realtime_listener_down,
    NULL,
    ngx_http_realtime_listener_notify
};


void
ngx_http_realtime_listener_start(ngx_http_realtime_listener_t *l,
    ngx_http_realtime_pg_conf_t *conf, ngx_http_realtime_zone_t *z,
    ngx_log_t *log)
{
    l->zone = z;
    l->log = log;
    l->hears = 0;
    l->told = 0;

    ngx_memzero(&l->query, sizeof(ngx_http_realtime_pg_query_t));
    ngx_memzero(&l->again, sizeof(ngx_event_t));

    l->conf = *conf;
    l->conf.statement_timeout = NGX_HTTP_REALTIME_LISTENER_TIMEOUT;
    l->conf.retry_max = NGX_HTTP_REALTIME_LISTENER_RETRY;
    l->conf.idle = 0;
    l->conf.quiet = 1;

    l->again.handler = ngx_http_realtime_listener_handler;
    l->again.data = l;
    l->again.log = log;
    l->again.cancelable = 1;

    ngx_http_realtime_pg_init(&l->pg, &l->conf,
                              &ngx_http_realtime_listener_events, l, log);
    ngx_http_realtime_pg_open(&l->pg);
}


void
ngx_http_realtime_listener_stop(ngx_http_realtime_listener_t *l)
{
    ngx_http_realtime_pg_forget(&l->query);
    ngx_http_realtime_listener_deaf(l);
    ngx_http_realtime_pg_close(&l->pg);
}


static void
ngx_http_realtime_listener_ask(ngx_http_realtime_listener_t *l,
    const char *sql, ngx_http_realtime_pg_done_pt done)
{
    ngx_memzero(&l->query, sizeof(ngx_http_realtime_pg_query_t));

    l->query.sql = sql;
    l->query.done = done;
    l->query.data = l;

    /* whatever else it says, down() follows */

    if (ngx_http_realtime_pg_send(&l->pg, &l->query) == NGX_OK) {
        ngx_http_realtime_pg_sync(&l->pg);
    }
}


static void
ngx_http_realtime_listener_handler(ngx_event_t *ev)
{
    ngx_http_realtime_listener_t  *l = ev->data;

    if (!ngx_http_realtime_pg_ready(&l->pg)) {
        return;
    }

    if (l->hears) {
        ngx_http_realtime_listener_ask(l, "SELECT 1",
                                       ngx_http_realtime_listener_alive);
        return;
    }

    ngx_http_realtime_listener_ask(l, "SELECT pg_backend_pid()",
                                   ngx_http_realtime_listener_backend);
}


static void
ngx_http_realtime_listener_ready(ngx_http_realtime_pg_t *pg)
{
    ngx_http_realtime_listener_t  *l = pg->data;

    ngx_http_realtime_listener_handler(&l->again);
}


static void
ngx_http_realtime_listener_down(ngx_http_realtime_pg_t *pg, ngx_str_t *reason)
{
    ngx_http_realtime_listener_deaf(pg->data);
}


/* a pooler's number for the connection is not that of any server */

static void
ngx_http_realtime_listener_backend(ngx_http_realtime_pg_query_t *q,
    PGresult *res, ngx_int_t rc)
{
    ngx_http_realtime_listener_t  *l = q->data;

    if (rc != NGX_OK) {
        ngx_http_realtime_listener_refused(l, res, rc);
        return;
    }

    if (ngx_atoi((u_char *) PQgetvalue(res, 0, 0), PQgetlength(res, 0, 0))
        == PQbackendPID(l->pg.conn))
    {
        ngx_http_realtime_listener_ask(l,
                               "LISTEN " NGX_HTTP_REALTIME_LISTENER_CHANNEL,
                               ngx_http_realtime_listener_listens);
        return;
    }

    if (!l->told) {
        l->told = 1;

        ngx_log_error(NGX_LOG_NOTICE, l->log, 0,
                      "realtime postgres %V: through a pooler it is not heard "
                      "what others change, so what is known of rooms and "
                      "members counts for half a second; with a URL of the "
                      "server itself it would be heard",
                      &l->conf.url->text);
    }

    ngx_add_timer(&l->again, NGX_HTTP_REALTIME_LISTENER_AGAIN);
}


static void
ngx_http_realtime_listener_listens(ngx_http_realtime_pg_query_t *q,
    PGresult *res, ngx_int_t rc)
{
    ngx_http_realtime_listener_t  *l = q->data;

    if (rc != NGX_OK) {
        ngx_http_realtime_listener_refused(l, res, rc);
        return;
    }

    l->hears = 1;
    l->told = 0;

    ngx_http_realtime_known_heard(l->zone, NGX_HTTP_REALTIME_HEARD_NOW);

    /* whatever has changed before was not heard */

    if (l->changed) {
        l->changed(l->data, rt_lit(""), rt_lit(""));
    }

    ngx_add_timer(&l->again, NGX_HTTP_REALTIME_LISTENER_BEAT);
}


static void
ngx_http_realtime_listener_alive(ngx_http_realtime_pg_query_t *q,
    PGresult *res, ngx_int_t rc)
{
    ngx_http_realtime_listener_t  *l = q->data;

    if (rc == NGX_ERROR || !l->hears) {
        return;
    }

    /* a server that refuses has heard us as well, and sent all before */

    ngx_http_realtime_known_heard(l->zone, NGX_HTTP_REALTIME_HEARD_STILL);
    ngx_add_timer(&l->again, NGX_HTTP_REALTIME_LISTENER_BEAT);
}


static void
ngx_http_realtime_listener_refused(ngx_http_realtime_listener_t *l,
    PGresult *res, ngx_int_t rc)
{
    ngx_http_realtime_pg_error_t  e;

    if (rc == NGX_ERROR) {
        return;                         /* lost: down() follows */
    }

    if (!l->told && res) {
        l->told = 1;

        ngx_http_realtime_pg_explain(res, &e);

        ngx_log_error(NGX_LOG_NOTICE, l->log, 0,
                      "realtime postgres %V: it is not heard what others "
                      "change: %V (SQLSTATE %s)%s%s", &l->conf.url->text,
                      &e.message, e.sqlstate, e.remedy ? ": " : "",
                      e.remedy ? e.remedy : "");
    }

    ngx_add_timer(&l->again, NGX_HTTP_REALTIME_LISTENER_AGAIN);
}


static void
ngx_http_realtime_listener_deaf(ngx_http_realtime_listener_t *l)
{
    if (l->again.timer_set) {
        ngx_del_timer(&l->again);
    }

    if (l->hears) {
        l->hears = 0;
        ngx_http_realtime_known_heard(l->zone, NGX_HTTP_REALTIME_HEARD_NOT);
    }
}


/* what is not understood may be about anything */

static void
ngx_http_realtime_listener_notify(ngx_http_realtime_pg_t *pg,
    const char *channel, const char *payload)
{
    u_char                         names[2][NGX_HTTP_REALTIME_LISTENER_NAME];
    rt_str_t                       json, room, user;
    const char                    *why;
    ngx_http_realtime_listener_t  *l = pg->data;

    if (ngx_strcmp(channel, NGX_HTTP_REALTIME_LISTENER_CHANNEL) != 0) {
        return;
    }

    json = rt_str(ngx_strlen(payload), payload);

    if (rt_utf8_check(json) != RT_OK || rt_json_check(json, &why) != RT_OK) {
        json.len = 0;
    }

    room = ngx_http_realtime_listener_name(json, rt_lit("room"), names[0]);
    user = ngx_http_realtime_listener_name(json, rt_lit("user"), names[1]);

    if (room.len == 0) {
        user.len = 0;
    }

    ngx_http_realtime_known_drop(l->zone, room, user);

    if (l->changed) {
        l->changed(l->data, room, user);
    }
}


/* empty where there is none, or no such name can be */

static rt_str_t
ngx_http_realtime_listener_name(rt_str_t payload, rt_str_t key, u_char *buf)
{
    ssize_t   len;
    rt_str_t  value;

    if (rt_json_get(payload, key, &value) != RT_OK) {
        return rt_str(0, NULL);
    }

    len = rt_json_decode(value, buf, NGX_HTTP_REALTIME_LISTENER_NAME);

    return (len > 0) ? rt_str(len, buf) : rt_str(0, NULL);
}
