
#include "hub/ngx_http_realtime_report.h"

#include "proto/rt_msgpack.h"

#include <arpa/inet.h>


typedef struct {
    ngx_queue_t                   queue;        /* hub->reports */
    ngx_http_realtime_hub_t      *hub;
    ngx_http_realtime_entry_t    *entry;        /* while it is written */
    ngx_http_realtime_wid_t       to;
    uint64_t                      handle;
    ngx_http_realtime_scratch_t   text;         /* msgpack values */
    size_t                        len;
    size_t                        sent;
    ngx_uint_t                    failed;
} ngx_http_realtime_report_t;


static void ngx_http_realtime_report_rooms(ngx_http_realtime_report_t *r);
static void ngx_http_realtime_report_each(void *ctx,
    ngx_http_realtime_socket_t *sk);
static ngx_int_t ngx_http_realtime_report_begin(ngx_http_realtime_report_t *r,
    rt_buf_t *b, size_t size);
static void ngx_http_realtime_report_end(ngx_http_realtime_report_t *r,
    rt_buf_t *b);
static void ngx_http_realtime_report_socket(ngx_http_realtime_report_t *r,
    ngx_http_realtime_socket_t *sk);
static void ngx_http_realtime_report_put_rooms(rt_buf_t *b,
    ngx_http_realtime_socket_t *sk);
static void ngx_http_realtime_report_put_handshake(rt_buf_t *b,
    ngx_http_realtime_session_t *s);
static void ngx_http_realtime_report_put_url(rt_buf_t *b,
    ngx_http_realtime_session_t *s);
static void ngx_http_realtime_report_put_time(rt_buf_t *b, time_t t);
static void ngx_http_realtime_report_put_address(rt_buf_t *b,
    ngx_http_realtime_client_t *client);
static void ngx_http_realtime_report_handler(ngx_event_t *ev);
static void ngx_http_realtime_report_send(ngx_http_realtime_report_t *r);
static void ngx_http_realtime_report_free(ngx_http_realtime_report_t *r);


/* all that wait to go out, bytes: then the next ones fail */
#define NGX_HTTP_REALTIME_REPORTS_MAX   (64 * 1024 * 1024)

/* of a report in one turn */
#define NGX_HTTP_REALTIME_REPORT_PART   32768

/* what is said of a socket, but for its rooms and its user */
#define NGX_HTTP_REALTIME_REPORT_FIXED  512

/* what a string takes at most */
#define ngx_http_realtime_report_str(len)  ((len) + RT_MSGPACK_HEAD)

#define ngx_http_realtime_report_key(b, name)                                 \
    rt_msgpack_put_str(b, rt_lit(name))


void
ngx_http_realtime_report_init(ngx_http_realtime_hub_t *hub)
{
    ngx_queue_init(&hub->reports);

    hub->report.handler = ngx_http_realtime_report_handler;
    hub->report.data = hub;
    hub->report.log = hub->log;
}


void
ngx_http_realtime_report(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_entry_t *e)
{
    ngx_http_realtime_report_t  *r;

    r = ngx_calloc(sizeof(ngx_http_realtime_report_t), hub->log);
    if (r == NULL) {
        return;                         /* whoever asks waits for a while */
    }

    r->hub = hub;
    r->entry = e;
    r->to = e->from;
    r->handle = e->handle;

    if (e->number == NGX_HTTP_REALTIME_ASKED_ROOMS) {
        ngx_http_realtime_report_rooms(r);
    }

    ngx_http_realtime_choose(hub, e, ngx_http_realtime_report_each, r);

    r->entry = NULL;

    ngx_queue_insert_tail(&hub->reports, &r->queue);
    ngx_post_event(&hub->report, &ngx_posted_events);
}


static void
ngx_http_realtime_report_rooms(ngx_http_realtime_report_t *r)
{
    rt_buf_t                    b;
    ngx_uint_t                  i;
    ngx_http_realtime_room_t   *room;
    ngx_http_realtime_rooms_t  *rooms = &r->hub->rooms;

    for (i = 0; i < rooms->nbuckets; i++) {
        for (room = rooms->buckets[i]; room; room = room->next) {

            if (!ngx_http_realtime_room_is_own(room->name)
                && rt_str_eq(room->nsp, r->entry->nsp)
                && ngx_http_realtime_report_begin(r, &b,
                              ngx_http_realtime_report_str(room->name.len))
                   == NGX_OK)
            {
                rt_msgpack_put_str(&b, room->name);
                ngx_http_realtime_report_end(r, &b);
            }
        }
    }
}


static void
ngx_http_realtime_report_each(void *ctx, ngx_http_realtime_socket_t *sk)
{
    rt_buf_t                     b;
    ngx_http_realtime_report_t  *r = ctx;

    if (!ngx_http_realtime_session_alive(sk->session)) {
        return;
    }

    if (r->entry->number == NGX_HTTP_REALTIME_ASKED_SOCKETS) {
        ngx_http_realtime_report_socket(r, sk);
        return;
    }

    if (ngx_http_realtime_report_begin(r, &b,
                                   ngx_http_realtime_report_str(RT_ID_LEN))
        == NGX_OK)
    {
        rt_msgpack_put_str(&b, ngx_http_realtime_socket_id(sk));
        ngx_http_realtime_report_end(r, &b);
    }
}


/* room for one more value of at most "size" bytes */

static ngx_int_t
ngx_http_realtime_report_begin(ngx_http_realtime_report_t *r, rt_buf_t *b,
    size_t size)
{
    if (r->failed
        || r->hub->reported + size > NGX_HTTP_REALTIME_REPORTS_MAX
        || ngx_http_realtime_scratch(&r->text, r->len + size, r->hub->log)
           == NULL)
    {
        r->failed = 1;
        return NGX_ERROR;
    }

    rt_buf_init(b, r->text.data + r->len, size);

    return NGX_OK;
}


static void
ngx_http_realtime_report_end(ngx_http_realtime_report_t *r, rt_buf_t *b)
{
    size_t  len = rt_buf_str(b).len;

    r->len += len;
    r->hub->reported += len;
}


static void
ngx_http_realtime_report_socket(ngx_http_realtime_report_t *r,
    ngx_http_realtime_socket_t *sk)
{
    size_t    size;
    uint32_t  i;
    rt_buf_t  b;

    size = NGX_HTTP_REALTIME_REPORT_FIXED
           + ngx_http_realtime_report_str(sk->who ? sk->who->id.len : 0);

    for (i = 0; i < sk->nrooms; i++) {
        size += ngx_http_realtime_report_str(sk->rooms[i].room->name.len);
    }

    if (ngx_http_realtime_report_begin(r, &b, size) != NGX_OK) {
        return;
    }

    rt_msgpack_put_map(&b, 4);

    ngx_http_realtime_report_key(&b, "id");
    rt_msgpack_put_str(&b, ngx_http_realtime_socket_id(sk));

    ngx_http_realtime_report_key(&b, "handshake");
    ngx_http_realtime_report_put_handshake(&b, sk->session);

    ngx_http_realtime_report_key(&b, "rooms");
    ngx_http_realtime_report_put_rooms(&b, sk);

    ngx_http_realtime_report_key(&b, "data");
    rt_msgpack_put_map(&b, sk->who ? 1 : 0);

    if (sk->who) {
        ngx_http_realtime_report_key(&b, "userId");
        rt_msgpack_put_str(&b, sk->who->id);
    }

    ngx_http_realtime_report_end(r, &b);
}


static void
ngx_http_realtime_report_put_rooms(rt_buf_t *b, ngx_http_realtime_socket_t *sk)
{
    uint32_t  i, n = 1;

    for (i = 0; i < sk->nrooms; i++) {
        n += !ngx_http_realtime_room_is_own(sk->rooms[i].room->name);
    }

    rt_msgpack_put_array(b, n);
    rt_msgpack_put_str(b, ngx_http_realtime_socket_id(sk));

    for (i = 0; i < sk->nrooms; i++) {
        if (!ngx_http_realtime_room_is_own(sk->rooms[i].room->name)) {
            rt_msgpack_put_str(b, sk->rooms[i].room->name);
        }
    }
}


/* the order is the reference server's */

static void
ngx_http_realtime_report_put_handshake(rt_buf_t *b,
    ngx_http_realtime_session_t *s)
{
    ngx_http_realtime_client_t  *client = &s->client;

    rt_msgpack_put_map(b, 9);

    ngx_http_realtime_report_key(b, "headers");
    rt_msgpack_put_map(b, 0);

    ngx_http_realtime_report_key(b, "time");
    ngx_http_realtime_report_put_time(b, client->opened);

    ngx_http_realtime_report_key(b, "address");
    ngx_http_realtime_report_put_address(b, client);

    ngx_http_realtime_report_key(b, "xdomain");
    rt_msgpack_put_bool(b, 0);

    ngx_http_realtime_report_key(b, "secure");
    rt_msgpack_put_bool(b, client->secure);

    ngx_http_realtime_report_key(b, "issued");
    rt_msgpack_put_uint(b, (uint64_t) client->opened * 1000);

    ngx_http_realtime_report_put_url(b, s);

    ngx_http_realtime_report_key(b, "auth");
    rt_msgpack_put_map(b, 0);
}


/* not a word of what the client put there: it may be a secret */

static void
ngx_http_realtime_report_put_url(rt_buf_t *b, ngx_http_realtime_session_t *s)
{
    ngx_uint_t  polls;

    polls = s->transport && s->transport->type == NGX_HTTP_REALTIME_POLLING;

    ngx_http_realtime_report_key(b, "url");
    rt_msgpack_put_str(b, polls
                          ? rt_lit("/socket.io/?EIO=4&transport=polling")
                          : rt_lit("/socket.io/?EIO=4&transport=websocket"));

    ngx_http_realtime_report_key(b, "query");
    rt_msgpack_put_map(b, 2);

    ngx_http_realtime_report_key(b, "EIO");
    rt_msgpack_put_str(b, rt_lit("4"));

    ngx_http_realtime_report_key(b, "transport");
    rt_msgpack_put_str(b, polls ? rt_lit("polling") : rt_lit("websocket"));
}


/* as JavaScript writes a Date in that time zone */

static void
ngx_http_realtime_report_put_time(rt_buf_t *b, time_t t)
{
    u_char              text[80], *p;
    ngx_tm_t            tm;
    static const char  *days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri",
                                   "Sat" };
    static const char  *months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov",
                                     "Dec" };

    ngx_gmtime(t, &tm);

    p = ngx_snprintf(text, sizeof(text),
                     "%s %s %02d %4d %02d:%02d:%02d GMT+0000 "
                     "(Coordinated Universal Time)",
                     days[tm.ngx_tm_wday], months[tm.ngx_tm_mon - 1],
                     tm.ngx_tm_mday, tm.ngx_tm_year, tm.ngx_tm_hour,
                     tm.ngx_tm_min, tm.ngx_tm_sec);

    rt_msgpack_put_str(b, rt_str(p - text, text));
}


static void
ngx_http_realtime_report_put_address(rt_buf_t *b,
    ngx_http_realtime_client_t *client)
{
    char  text[INET6_ADDRSTRLEN] = "";

    if (client->address_len) {
        (void) inet_ntop(client->address_len == 4 ? AF_INET : AF_INET6,
                         client->address, text, sizeof(text));
    }

    rt_msgpack_put_str(b, rt_str(ngx_strlen(text), text));
}


/* a portion of the first one */

static void
ngx_http_realtime_report_handler(ngx_event_t *ev)
{
    ngx_http_realtime_hub_t  *hub = ev->data;

    if (ngx_queue_empty(&hub->reports)) {
        return;
    }

    if (!ngx_http_realtime_bus_behind(hub->bus)) {
        ngx_http_realtime_report_send(
                                ngx_queue_data(ngx_queue_head(&hub->reports),
                                               ngx_http_realtime_report_t,
                                               queue));
    }

    if (!ngx_queue_empty(&hub->reports)) {
        ngx_post_event(ev, &ngx_posted_next_events);
    }
}


/* whole values, as portions of several workers come one after the other */

static void
ngx_http_realtime_report_send(ngx_http_realtime_report_t *r)
{
    rt_str_t                    value;
    ngx_uint_t                  n = 0;
    rt_msgpack_iter_t           it;
    ngx_http_realtime_entry_t   e;

    ngx_memzero(&e, sizeof(e));

    e.type = NGX_HTTP_REALTIME_ENTRY_REPLY;
    e.to = r->to;
    e.handle = r->handle;
    e.packets = rt_str(0, r->text.data + r->sent);

    rt_msgpack_each(&it, rt_str(r->len - r->sent, r->text.data + r->sent));

    while (!r->failed
           && e.packets.len < NGX_HTTP_REALTIME_REPORT_PART
           && rt_msgpack_value(&it, &value) == RT_OK)
    {
        e.packets.len += value.len;
        n++;
    }

    r->sent += e.packets.len;

    e.number = ngx_http_realtime_reply(r->failed
                                       ? NGX_HTTP_REALTIME_REPLY_FAILED
                                       : r->sent < r->len
                                         ? NGX_HTTP_REALTIME_REPLY_MORE
                                         : NGX_HTTP_REALTIME_REPLY_LAST, n);

    if (ngx_http_realtime_bus_append(r->hub->bus, &e) != NGX_OK
        || r->failed || r->sent == r->len)
    {
        ngx_http_realtime_report_free(r);
    }
}


static void
ngx_http_realtime_report_free(ngx_http_realtime_report_t *r)
{
    r->hub->reported -= r->len;

    ngx_queue_remove(&r->queue);

    if (r->text.data) {
        ngx_free(r->text.data);
    }

    ngx_free(r);
}
