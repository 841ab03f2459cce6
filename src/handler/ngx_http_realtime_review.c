
#include "handler/ngx_http_realtime_review.h"
#include "handler/ngx_http_realtime_access.h"
#include "handler/ngx_http_realtime_log.h"
#include "hub/ngx_http_realtime_account.h"
#include "hub/ngx_http_realtime_replay.h"

#include "chat/rt_name.h"


/* questions of ours that are under way, while all rooms are looked at */
#define NGX_HTTP_REALTIME_REVIEW_MANY  256

/* how often all is looked at where changes are not heard, s */
#define NGX_HTTP_REALTIME_REVIEW_DEAF  5


/* a question to the database; user empty: about the room as such */

typedef struct {
    ngx_http_realtime_ask_t   ask;          /* first */
    ngx_http_realtime_hub_t  *hub;
    ngx_uint_t                doubt;        /* this socket waits for it: */
    u_char                    sid[RT_ID_LEN];
    u_char                    id[RT_ID_LEN];
} ngx_http_realtime_review_t;


static void ngx_http_realtime_review_go_on(ngx_http_realtime_hub_t *hub);
static void ngx_http_realtime_review_room(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_room_t *room, rt_str_t user);
static ngx_int_t ngx_http_realtime_review_ask(ngx_http_realtime_hub_t *hub,
    rt_str_t room, rt_str_t user, ngx_http_realtime_socket_t *sk);
static void ngx_http_realtime_review_done(ngx_http_realtime_ask_t *ask,
    ngx_int_t rc);
static void ngx_http_realtime_review_sure(ngx_http_realtime_review_t *r,
    ngx_int_t rc);
static void ngx_http_realtime_review_kind(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_room_t *room, ngx_http_realtime_known_t *known);
static void ngx_http_realtime_review_user(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_room_t *room, rt_str_t user,
    ngx_http_realtime_known_t *known);
static void ngx_http_realtime_review_out(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_socket_t *sk, ngx_http_realtime_room_t *room);


/* that of the database; other namespaces have rooms that it does not know */
#define ngx_http_realtime_review_find(hub, name)                              \
    ngx_http_realtime_room_find(&(hub)->rooms, rt_lit("/"), name)


void
ngx_http_realtime_review(ngx_http_realtime_hub_t *hub, rt_str_t name,
    rt_str_t user)
{
    ngx_http_realtime_room_t  *room;

    if (name.len == 0) {
        hub->review.bucket = 0;
        ngx_http_realtime_review_go_on(hub);
        return;
    }

    room = ngx_http_realtime_review_find(hub, name);

    if (room) {
        ngx_http_realtime_review_room(hub, room, user);
    }
}


/*
 * So many at a time that those who want to enter rooms meanwhile get their
 * answers.  A table that grows on the way has what is left behind this bucket.
 */

static void
ngx_http_realtime_review_go_on(ngx_http_realtime_hub_t *hub)
{
    ngx_uint_t                 i;
    ngx_http_realtime_room_t  *room;

    while (hub->review.bucket < hub->rooms.nbuckets
           && hub->review.asked < NGX_HTTP_REALTIME_REVIEW_MANY)
    {
        i = hub->review.bucket++;

        for (room = hub->rooms.buckets[i]; room; room = room->next) {

            if (ngx_http_realtime_account_main(room->nsp)
                && rt_room_name_valid(room->name))
            {
                ngx_http_realtime_review_room(hub, room, rt_lit(""));
            }
        }

        if (hub->review.bucket <= i) {
            return;                     /* there is nobody to ask now */
        }
    }

    if (hub->review.bucket >= hub->rooms.nbuckets) {
        hub->review.bucket = NGX_HTTP_REALTIME_REVIEWED;
    }
}


void
ngx_http_realtime_review_watch(ngx_http_realtime_hub_t *hub)
{
    if (hub->reader == NULL) {
        return;
    }

    if (++hub->review.watched % NGX_HTTP_REALTIME_REVIEW_DEAF == 0
        && hub->review.bucket == NGX_HTTP_REALTIME_REVIEWED
        && !ngx_http_realtime_known_hears(hub->bus->zone))
    {
        hub->review.bucket = 0;
    }

    ngx_http_realtime_review_go_on(hub);
}


static void
ngx_http_realtime_review_room(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_room_t *room, rt_str_t user)
{
    /* first what the room is: where it is public nobody is asked for */

    if (user.len == 0 || (room->kind & NGX_HTTP_REALTIME_ROOM_PRIVATE)) {
        (void) ngx_http_realtime_review_ask(hub, room->name, user, NULL);
    }
}


ngx_int_t
ngx_http_realtime_on_doubt(ngx_http_realtime_socket_t *sk, rt_str_t room)
{
    return ngx_http_realtime_review_ask(sk->session->set->data, room,
                                        sk->who ? sk->who->id : rt_lit(""),
                                        sk);
}


/* what cannot be asked now, or has no answer, is asked later, with all else */

static ngx_int_t
ngx_http_realtime_review_ask(ngx_http_realtime_hub_t *hub, rt_str_t room,
    rt_str_t user, ngx_http_realtime_socket_t *sk)
{
    u_char                      *p;
    ngx_int_t                    rc;
    ngx_http_realtime_review_t  *r;

    if (hub->reader == NULL) {
        return NGX_DONE;
    }

    r = ngx_calloc(sizeof(ngx_http_realtime_review_t) + room.len + user.len,
                   hub->log);
    if (r == NULL) {
        return NGX_DECLINED;
    }

    p = (u_char *) (r + 1);

    r->hub = hub;
    r->ask.kind = NGX_HTTP_REALTIME_ASK_ROOM;
    r->ask.done = ngx_http_realtime_review_done;
    r->ask.member = 1;

    if (sk) {
        r->doubt = 1;
        ngx_memcpy(r->sid, sk->session->sid, RT_ID_LEN);
        ngx_memcpy(r->id, sk->id, RT_ID_LEN);
    }

    r->ask.room = rt_str(room.len, p);
    p = ngx_cpymem(p, room.data, room.len);

    r->ask.user = rt_str(user.len, p);
    ngx_memcpy(p, user.data, user.len);

    rc = ngx_http_realtime_reader_ask(hub->reader, &r->ask);

    if (rc == NGX_OK) {
        hub->review.asked++;
        return NGX_OK;
    }

    ngx_free(r);

    if (rc == NGX_DECLINED) {
        hub->review.bucket = 0;
    }

    return rc;
}


static void
ngx_http_realtime_review_done(ngx_http_realtime_ask_t *ask, ngx_int_t rc)
{
    ngx_http_realtime_hub_t     *hub;
    ngx_http_realtime_room_t    *room;
    ngx_http_realtime_review_t  *r = (ngx_http_realtime_review_t *) ask;

    hub = r->hub;
    room = ngx_http_realtime_review_find(hub, ask->room);

    if (rc == NGX_OK && room) {

        if (ask->user.len) {
            ngx_http_realtime_review_user(hub, room, ask->user, &ask->known);

        } else {
            ngx_http_realtime_review_kind(hub, room, &ask->known);
        }
    }

    if (r->doubt) {
        ngx_http_realtime_review_sure(r, rc);
    }

    ngx_free(r);

    hub->review.asked--;

    if (rc == NGX_ERROR) {
        hub->review.bucket = 0;

    } else {
        ngx_http_realtime_review_go_on(hub);
    }
}


/* a socket that is back; without an answer it may not be in a private room */

static void
ngx_http_realtime_review_sure(ngx_http_realtime_review_t *r, ngx_int_t rc)
{
    ngx_http_realtime_socket_t      *sk = NULL;
    ngx_http_realtime_session_t     *s;
    ngx_http_realtime_membership_t  *m;

    s = ngx_http_realtime_session_find(r->hub->set, rt_str(RT_ID_LEN, r->sid));

    for (sk = s ? s->sockets : NULL; sk; sk = sk->next) {
        if (ngx_memcmp(sk->id, r->id, RT_ID_LEN) == 0) {
            break;
        }
    }

    if (sk == NULL) {
        return;
    }

    m = (rc == NGX_ERROR) ? ngx_http_realtime_room_member(sk, r->ask.room)
                          : NULL;

    if (m && (m->room->kind & NGX_HTTP_REALTIME_ROOM_PRIVATE)
        && !ngx_http_realtime_identity_names(sk->who, r->ask.room))
    {
        ngx_http_realtime_review_out(r->hub, sk, m->room);
    }

    ngx_http_realtime_replay_sure(sk);
}


/*
 * A room that is not in the database, and was not private, is one that somebody
 * made by entering.
 */

static void
ngx_http_realtime_review_kind(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_room_t *room, ngx_http_realtime_known_t *known)
{
    uint32_t                      i;
    rt_str_t                      last = rt_lit("");
    ngx_http_realtime_kind_t      kind, own;
    ngx_http_realtime_socket_t   *sk;

    kind = known->exists ? known->kind : room->kind;

    for (i = room->n; i > 0; i--) {

        sk = room->seats[i - 1].socket;

        own = kind;

        if (!ngx_http_realtime_access_declares(sk->session, room->name, &own)
            && room->kind != kind)
        {
            room->kind = kind;
            ngx_http_realtime_roster_kind(hub->bus->zone, room->nsp,
                                          room->name, kind);
        }

        if (!(own & NGX_HTTP_REALTIME_ROOM_PRIVATE)
            || ngx_http_realtime_identity_names(sk->who, room->name))
        {
            continue;
        }

        if (sk->who == NULL) {

            /* the last one takes the room along */

            ngx_http_realtime_review_out(hub, sk, room);

            if (i == 1) {
                return;
            }

        } else if (!rt_str_eq(sk->who->id, last)) {
            last = sk->who->id;
            (void) ngx_http_realtime_review_ask(hub, room->name, last, NULL);
        }
    }
}


/* all that one user has here are in the room "@" and the id */

static void
ngx_http_realtime_review_user(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_room_t *room, rt_str_t user,
    ngx_http_realtime_known_t *known)
{
    u_char                        text[1 + RT_USER_MAX];
    uint32_t                      i;
    ngx_uint_t                    last;
    ngx_http_realtime_kind_t      kind;
    ngx_http_realtime_room_t     *own;
    ngx_http_realtime_socket_t   *sk;

    if (known->member || user.len > RT_USER_MAX) {
        return;
    }

    text[0] = '@';
    ngx_memcpy(text + 1, user.data, user.len);

    own = ngx_http_realtime_review_find(hub, rt_str(1 + user.len, text));

    for (i = own ? own->n : 0; i > 0; i--) {

        sk = own->seats[i - 1].socket;
        kind = known->exists ? known->kind : room->kind;

        (void) ngx_http_realtime_access_declares(sk->session, room->name,
                                                 &kind);

        if (!(kind & NGX_HTTP_REALTIME_ROOM_PRIVATE)
            || ngx_http_realtime_identity_names(sk->who, room->name)
            || ngx_http_realtime_room_member(sk, room->name) == NULL)
        {
            continue;
        }

        last = (room->n == 1);

        ngx_http_realtime_review_out(hub, sk, room);

        if (last) {
            return;                     /* it took the room along */
        }
    }
}


static void
ngx_http_realtime_review_out(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_socket_t *sk, ngx_http_realtime_room_t *room)
{
    rt_buf_t  b;
    rt_str_t  name, event;
    u_char    buf[RT_ROOM_NAME_MAX + 64], copy[RT_ROOM_NAME_MAX];
    rt_str_t  error = rt_lit("{\"code\":\"ROOM_ACCESS_DENIED\","
                             "\"message\":\"You are not a member of this "
                             "room any more\"}");

    name = rt_str(room->name.len, copy);
    ngx_memcpy(copy, room->name.data, room->name.len);

    ngx_http_realtime_replay_connect(sk);
    (void) ngx_http_realtime_depart(hub, sk, name);

    rt_buf_init(&b, buf, sizeof(buf));

    rt_buf_put(&b, rt_lit("{\"roomName\":\""));
    rt_buf_put(&b, name);
    rt_buf_put(&b, rt_lit("\"}"));

    event = rt_lit("\"room:left\"");
    (void) ngx_http_realtime_socket_send(sk, &event, -1, rt_buf_str(&b), NULL,
                                         0);

    ngx_http_realtime_count(hub->bus, ERRORS);
    ngx_http_realtime_log_error(sk, rt_lit(""), error);

    event = rt_lit("\"error\"");
    (void) ngx_http_realtime_socket_send(sk, &event, -1, error, NULL, 0);
}
