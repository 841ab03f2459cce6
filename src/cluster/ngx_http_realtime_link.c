
#include "cluster/ngx_http_realtime_request.h"


static void ngx_http_realtime_link_begin(ngx_http_realtime_link_t *link,
    ngx_http_realtime_link_state_e state);
static void ngx_http_realtime_link_hold(ngx_http_realtime_link_t *link);
static void ngx_http_realtime_link_take_up(ngx_http_realtime_link_t *link);
static void ngx_http_realtime_link_put_down(ngx_http_realtime_link_t *link);
static ngx_uint_t ngx_http_realtime_link_parting(
    ngx_http_realtime_link_t *link);
static void ngx_http_realtime_link_figures(ngx_http_realtime_link_t *link);
static void ngx_http_realtime_link_ready(ngx_http_realtime_redis_t *redis);
static void ngx_http_realtime_link_down(ngx_http_realtime_redis_t *redis,
    ngx_str_t *reason);
static void ngx_http_realtime_link_drain(ngx_http_realtime_redis_t *redis);
static void ngx_http_realtime_link_listening(ngx_http_realtime_redis_t *redis);
static void ngx_http_realtime_link_deaf(ngx_http_realtime_redis_t *redis,
    ngx_str_t *reason);
static void ngx_http_realtime_link_go_on(ngx_http_realtime_redis_t *redis);


static const ngx_http_realtime_redis_events_t
    ngx_http_realtime_link_publisher =
{
    ngx_http_realtime_link_ready,
    ngx_http_realtime_link_down,
    ngx_http_realtime_link_drain,
    NULL
};


static const ngx_http_realtime_redis_events_t
    ngx_http_realtime_link_subscriber =
{
    ngx_http_realtime_link_listening,
    ngx_http_realtime_link_deaf,
    ngx_http_realtime_link_go_on,
    ngx_http_realtime_receive
};


void
ngx_http_realtime_link_start(ngx_http_realtime_link_t *link,
    ngx_http_realtime_link_conf_t *conf, ngx_http_realtime_hub_t *hub)
{
    ngx_http_realtime_bus_t  *bus = hub->bus;

    link->conf = conf;
    link->hub = hub;
    link->log = hub->log;
    link->shared = &bus->zone->sh->cluster;

    ngx_sprintf(link->own, "rt:bus:%*s%Z",
                (size_t) NGX_HTTP_REALTIME_UID_LEN, link->shared->uid);
    ngx_sprintf(link->mark, "%uL%Z", ngx_http_realtime_lease_word(bus->self));

    ngx_queue_init(&link->held);
    ngx_http_realtime_publish_init(link);
    ngx_http_realtime_subscribe_init(link);
    ngx_http_realtime_overlap_init(link);
    ngx_http_realtime_nodes_init(link);
    ngx_http_realtime_request_init(link);

    ngx_http_realtime_link_watch(link);
}


void
ngx_http_realtime_link_watch(ngx_http_realtime_link_t *link)
{
    ngx_http_realtime_bus_t  *bus = link->hub->bus;

    switch (link->state) {

    case NGX_HTTP_REALTIME_LINK_IDLE:

        if (ngx_http_realtime_lease_claim(bus->zone, bus->self) == NGX_OK) {
            ngx_http_realtime_link_begin(link, NGX_HTTP_REALTIME_LINK_HOLDER);
            ngx_http_realtime_link_hold(link);

        } else if (ngx_http_realtime_lease_inherit(bus->zone, bus->self)
                   == NGX_OK)
        {
            ngx_http_realtime_link_begin(link, NGX_HTTP_REALTIME_LINK_HEIR);
        }

        break;

    case NGX_HTTP_REALTIME_LINK_HEIR:
    case NGX_HTTP_REALTIME_LINK_MARKED:

        if (ngx_http_realtime_lease_claim(bus->zone, bus->self) == NGX_OK) {
            ngx_http_realtime_link_hold(link);

        } else if (ngx_http_realtime_lease_inherit(bus->zone, bus->self)
                   != NGX_OK)
        {
            ngx_http_realtime_link_stop(link);
        }

        break;

    case NGX_HTTP_REALTIME_LINK_HOLDER:
        ngx_http_realtime_subscribe_sweep(link);
        ngx_http_realtime_nodes_watch(link);
        ngx_http_realtime_receive_trim(link);
        break;

    case NGX_HTTP_REALTIME_LINK_PARTING:
        break;
    }
}


static void
ngx_http_realtime_link_begin(ngx_http_realtime_link_t *link,
    ngx_http_realtime_link_state_e state)
{
    link->state = state;
    link->going = 0;
    link->told = 0;

    ngx_http_realtime_redis_init(&link->publisher, &link->conf->publisher,
                                 &ngx_http_realtime_link_publisher, link,
                                 link->log);
    ngx_http_realtime_redis_init(&link->subscriber, &link->conf->subscriber,
                                 &ngx_http_realtime_link_subscriber, link,
                                 link->log);

    ngx_http_realtime_redis_open(&link->publisher);
    ngx_http_realtime_redis_open(&link->subscriber);

    /* everybody says where somebody is */

    ngx_http_realtime_subscribe_add(link, rt_lit("/"));
    ngx_http_realtime_link_tell(link, NGX_HTTP_REALTIME_ENTRY_NAMESPACE,
                                rt_lit(""), 0);
}


/* the lease is this worker's */

static void
ngx_http_realtime_link_hold(ngx_http_realtime_link_t *link)
{
    if (link->state != NGX_HTTP_REALTIME_LINK_HOLDER) {
        ngx_http_realtime_overlap_begin(link);
    }

    link->state = NGX_HTTP_REALTIME_LINK_HOLDER;

    ngx_http_realtime_receive_held(link);
    ngx_http_realtime_subscribe_all(link);
    ngx_http_realtime_link_take_up(link);
}


static void
ngx_http_realtime_link_take_up(ngx_http_realtime_link_t *link)
{
    ngx_http_realtime_link_figures(link);

    if (link->up || !ngx_http_realtime_link_up(link)) {
        return;
    }

    link->up = 1;

    if (ngx_http_realtime_nodes_wait(link) == NGX_OK) {
        ngx_http_realtime_publish_start(link);
    }

    if (link->on_up) {
        link->on_up(link);
    }
}


static void
ngx_http_realtime_link_put_down(ngx_http_realtime_link_t *link)
{
    ngx_http_realtime_publish_stop(link);
    ngx_http_realtime_nodes_stop(link);
    ngx_http_realtime_link_figures(link);

    if (link->up) {
        link->up = 0;

        if (link->on_down) {
            link->on_down(link);
        }
    }
}


static void
ngx_http_realtime_link_figures(ngx_http_realtime_link_t *link)
{
    if (link->state == NGX_HTTP_REALTIME_LINK_HOLDER) {
        atomic_store(&link->shared->connected,
                     ngx_http_realtime_redis_ready(&link->publisher)
                     && ngx_http_realtime_redis_ready(&link->subscriber));
    }
}


void
ngx_http_realtime_link_tell(ngx_http_realtime_link_t *link, ngx_uint_t type,
    rt_str_t nsp, uint64_t number)
{
    ngx_http_realtime_entry_t  e;

    ngx_memzero(&e, sizeof(e));

    e.type = type;
    e.nsp = nsp;
    e.number = number;

    (void) ngx_http_realtime_bus_append(link->hub->bus, &e);
}


static void
ngx_http_realtime_link_ready(ngx_http_realtime_redis_t *redis)
{
    ngx_http_realtime_link_t  *link = redis->data;

    switch (link->state) {

    case NGX_HTTP_REALTIME_LINK_HEIR:
        ngx_http_realtime_link_listens(link);
        break;

    case NGX_HTTP_REALTIME_LINK_HOLDER:
        ngx_http_realtime_link_take_up(link);
        break;

    default:
        break;
    }
}


static void
ngx_http_realtime_link_down(ngx_http_realtime_redis_t *redis,
    ngx_str_t *reason)
{
    ngx_http_realtime_link_t  *link = redis->data;

    if (link->up) {
        atomic_store(&link->shared->away, 1);
    }

    ngx_http_realtime_link_put_down(link);
}


static void
ngx_http_realtime_link_drain(ngx_http_realtime_redis_t *redis)
{
    ngx_http_realtime_link_t  *link = redis->data;

    ngx_http_realtime_publish_go_on(link);

    if (link->on_drain) {
        link->on_drain(link);
    }
}


static void
ngx_http_realtime_link_listening(ngx_http_realtime_redis_t *redis)
{
    ngx_http_realtime_link_t  *link = redis->data;

    ngx_http_realtime_link_figures(link);
    ngx_http_realtime_subscribe_all(link);
}


static void
ngx_http_realtime_link_deaf(ngx_http_realtime_redis_t *redis,
    ngx_str_t *reason)
{
    ngx_http_realtime_link_t  *link = redis->data;

    link->listens = 0;

    ngx_http_realtime_link_figures(link);
    ngx_http_realtime_subscribe_lost(link);
}


static void
ngx_http_realtime_link_go_on(ngx_http_realtime_redis_t *redis)
{
    ngx_http_realtime_subscribe_all(redis->data);
}


/* an heir says from where on it takes what comes */

void
ngx_http_realtime_link_listens(ngx_http_realtime_link_t *link)
{
    ngx_str_t  argv[3];

    if (link->state != NGX_HTTP_REALTIME_LINK_HEIR
        || !ngx_http_realtime_redis_ready(&link->publisher)
        || !link->listens)
    {
        return;
    }

    ngx_str_set(&argv[0], "PUBLISH");
    argv[1].data = link->own;
    argv[1].len = ngx_strlen(link->own);
    argv[2].data = link->mark;
    argv[2].len = ngx_strlen(link->mark);

    (void) ngx_http_realtime_redis_send(&link->publisher, NULL, 3, argv);
}


void
ngx_http_realtime_link_marked(ngx_http_realtime_link_t *link, rt_str_t text)
{
    ngx_int_t  word;

    word = ngx_atoi((u_char *) text.data, text.len);

    if (word <= 0 || (uint64_t) word != atomic_load(&link->shared->heir)) {
        return;
    }

    if (link->state == NGX_HTTP_REALTIME_LINK_HEIR
        && rt_str_eq(text, rt_str(ngx_strlen(link->mark), link->mark)))
    {
        link->state = NGX_HTTP_REALTIME_LINK_MARKED;
        return;
    }

    if (link->state == NGX_HTTP_REALTIME_LINK_HOLDER) {
        link->state = NGX_HTTP_REALTIME_LINK_PARTING;

        ngx_http_realtime_link_put_down(link);
        ngx_http_realtime_subscribe_part(link);

        if (link->under_way == 0) {
            ngx_http_realtime_link_parted(link);
        }
    }
}


/* never from within the callback of a connection that this closes */

void
ngx_http_realtime_link_parted(ngx_http_realtime_link_t *link)
{
    ngx_http_realtime_bus_t  *bus = link->hub->bus;

    ngx_http_realtime_lease_release(bus->zone, bus->self);
    ngx_http_realtime_link_tell(link, NGX_HTTP_REALTIME_ENTRY_LINK,
                                rt_lit(""), 0);
}


ngx_uint_t
ngx_http_realtime_link_farewell(ngx_http_realtime_link_t *link,
    ngx_uint_t stay, ngx_uint_t idle)
{
    ngx_uint_t                waits;
    ngx_http_realtime_bus_t  *bus = link->hub->bus;

    waits = ngx_http_realtime_publish_waits(bus->zone);

    if (link->state == NGX_HTTP_REALTIME_LINK_IDLE) {

        /* who had it may have gone before those who had more to say */

        if (!stay && idle && waits) {
            ngx_http_realtime_link_watch(link);
        }

        return !stay && link->state != NGX_HTTP_REALTIME_LINK_IDLE;
    }

    if (link->going == 0) {
        link->going = ngx_current_msec;

        if (stay) {
            ngx_http_realtime_link_tell(link, NGX_HTTP_REALTIME_ENTRY_LINK,
                                        rt_lit(""), 0);
        }
    }

    if (!stay) {
        return idle && waits
               && (ngx_http_realtime_redis_ready(&link->publisher)
                   || ngx_current_msec - link->going
                      < NGX_HTTP_REALTIME_LINK_LAST);
    }

    /* no marker comes by what is not there */

    if (link->state == NGX_HTTP_REALTIME_LINK_HOLDER
        && ngx_http_realtime_redis_ready(&link->publisher)
        && ngx_http_realtime_redis_ready(&link->subscriber)
        && ngx_current_msec - link->going < NGX_HTTP_REALTIME_LINK_PATIENCE)
    {
        return 1;
    }

    if (link->state == NGX_HTTP_REALTIME_LINK_PARTING
        && ngx_http_realtime_link_parting(link))
    {
        return 1;
    }

    ngx_http_realtime_link_stop(link);

    return 0;
}


static ngx_uint_t
ngx_http_realtime_link_parting(ngx_http_realtime_link_t *link)
{
    if ((link->under_way || link->listens)
        && ngx_current_msec - link->going < NGX_HTTP_REALTIME_LINK_PATIENCE)
    {
        return 1;
    }

    /* what was asked before is answered here */

    return link->under_way == 0
           && ngx_http_realtime_redis_ready(&link->publisher)
           && (link->answers.n || link->nlate);
}


void
ngx_http_realtime_link_stop(ngx_http_realtime_link_t *link)
{
    ngx_http_realtime_link_state_e   state = link->state;

    if (state == NGX_HTTP_REALTIME_LINK_IDLE) {
        return;
    }

    ngx_http_realtime_link_put_down(link);

    if (state == NGX_HTTP_REALTIME_LINK_HOLDER) {
        atomic_store(&link->shared->connected, 0);
    }

    link->state = NGX_HTTP_REALTIME_LINK_IDLE;

    ngx_http_realtime_redis_close(&link->publisher);
    ngx_http_realtime_redis_close(&link->subscriber);

    ngx_http_realtime_publish_free(link);
    ngx_http_realtime_subscribe_free(link);
    ngx_http_realtime_receive_free(link);
    ngx_http_realtime_overlap_free(link);

    ngx_http_realtime_link_parted(link);
}


ngx_int_t
ngx_http_realtime_link_send(ngx_http_realtime_link_t *link,
    ngx_http_realtime_redis_command_t *cmd, ngx_uint_t argc, ngx_str_t *argv)
{
    if (!ngx_http_realtime_link_up(link)) {
        return NGX_AGAIN;
    }

    return ngx_http_realtime_redis_send(&link->publisher, cmd, argc, argv);
}


ngx_int_t
ngx_http_realtime_link_publish(ngx_http_realtime_link_t *link,
    rt_str_t channel, rt_str_t bytes)
{
    ngx_str_t  argv[3];

    ngx_str_set(&argv[0], "PUBLISH");
    argv[1].data = (u_char *) channel.data;
    argv[1].len = channel.len;
    argv[2].data = (u_char *) bytes.data;
    argv[2].len = bytes.len;

    return ngx_http_realtime_redis_ready(&link->publisher)
           ? ngx_http_realtime_redis_send(&link->publisher, NULL, 3, argv)
           : NGX_AGAIN;
}


void
ngx_http_realtime_link_refuse(ngx_http_realtime_link_t *link, rt_str_t uid,
    const char *why)
{
    size_t  i, len;
    u_char  text[NGX_HTTP_REALTIME_PEER_LEN];

    atomic_fetch_add(&link->shared->refused, 1);

    if (link->complained == ngx_time()) {
        return;
    }

    link->complained = ngx_time();
    len = ngx_min(uid.len, sizeof(text));

    for (i = 0; i < len; i++) {
        text[i] = (uid.data[i] > 0x20 && uid.data[i] < 0x7f) ? uid.data[i]
                                                             : '?';
    }

    ngx_log_error(NGX_LOG_WARN, link->log, 0,
                  "realtime redis %V: a message from \"%*s\" is dropped: %s",
                  &link->conf->url.text, len, text, why);
}
