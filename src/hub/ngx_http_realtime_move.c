
#include "hub/ngx_http_realtime_move.h"
#include "hub/ngx_http_realtime_ask.h"
#include "hub/ngx_http_realtime_command.h"
#include "hub/ngx_http_realtime_recover.h"
#include "hub/ngx_http_realtime_replay.h"
#include "hub/ngx_http_realtime_settle.h"
#include "session/ngx_http_realtime_input.h"
#include "session/ngx_http_realtime_knock.h"
#include "shm/ngx_http_realtime_directory.h"


/*
 * A moved session is a list of items, each a byte of kind and what belongs to
 * it.  The order is that in which the session is built again: items belong to
 * the last socket before them.
 */

typedef enum {
    NGX_HTTP_REALTIME_MOVED_SESSION = 1,
    NGX_HTTP_REALTIME_MOVED_TOKEN,          /* of the handshake */
    NGX_HTTP_REALTIME_MOVED_SOCKET,         /* then the namespace */
    NGX_HTTP_REALTIME_MOVED_IDENTITY,
    NGX_HTTP_REALTIME_MOVED_ROOM,           /* the name */
    NGX_HTTP_REALTIME_MOVED_REPLAY,         /* it is still given what it
                                               missed */
    NGX_HTTP_REALTIME_MOVED_JOINED,         /* but not of this room, before */
    NGX_HTTP_REALTIME_MOVED_ACK,
    NGX_HTTP_REALTIME_MOVED_PARTIAL,        /* the text of the event */
    NGX_HTTP_REALTIME_MOVED_ATTACHMENT,     /* the bytes */
    NGX_HTTP_REALTIME_MOVED_KNOCK,          /* namespace, then payload */
    NGX_HTTP_REALTIME_MOVED_PACKET          /* the payload */
} ngx_http_realtime_moved_e;


typedef struct {
    uint8_t   kind;
    uint8_t   kicked;
    uint8_t   recoverable;
    uint8_t   binary;                       /* PACKET */
    uint32_t  number;                       /* reference, id, kind of room,
                                               how many, or how long */
    uint32_t  more;                         /* last ack id, or kind of ack */
    uint64_t  arg;
    u_char    id[RT_ID_LEN];

    ngx_http_realtime_client_t  client;
} ngx_http_realtime_moved_t;


typedef struct {
    ngx_http_realtime_hub_t        *hub;
    ngx_http_realtime_session_t    *session;
    ngx_http_realtime_socket_t     *socket;
    size_t                          len;    /* of the list in hub->entry */
    ngx_int_t                       rc;
} ngx_http_realtime_mover_t;


static void ngx_http_realtime_move_put(ngx_http_realtime_mover_t *mv,
    ngx_http_realtime_moved_t *item, rt_str_t data);
static void ngx_http_realtime_move_put_socket(ngx_http_realtime_mover_t *mv,
    ngx_http_realtime_socket_t *sk);
static void ngx_http_realtime_move_put_identity(
    ngx_http_realtime_mover_t *mv, const ngx_http_realtime_identity_t *who);
static void ngx_http_realtime_move_put_rest(ngx_http_realtime_mover_t *mv);
static void ngx_http_realtime_move_arrived(ngx_http_realtime_session_t *s,
    uint64_t pos);
static void ngx_http_realtime_move_build_session(
    ngx_http_realtime_session_t *s, ngx_http_realtime_moved_t *item);
static ngx_int_t ngx_http_realtime_move_build(ngx_http_realtime_mover_t *mv,
    ngx_http_realtime_moved_t *item, rt_str_t data);
static ngx_int_t ngx_http_realtime_move_build_socket(
    ngx_http_realtime_mover_t *mv, ngx_http_realtime_moved_t *item,
    rt_str_t data);
static ngx_int_t ngx_http_realtime_move_build_identity(
    ngx_http_realtime_mover_t *mv, rt_str_t data);
static ngx_int_t ngx_http_realtime_move_build_room(
    ngx_http_realtime_mover_t *mv, ngx_http_realtime_moved_t *item,
    rt_str_t data);
static ngx_int_t ngx_http_realtime_move_build_packet(
    ngx_http_realtime_mover_t *mv, ngx_http_realtime_moved_t *item,
    rt_str_t data);
static ngx_int_t ngx_http_realtime_move_next(rt_str_t *list,
    ngx_http_realtime_moved_t *item, rt_str_t *data);
static ngx_int_t ngx_http_realtime_move_replay(void *ctx,
    ngx_http_realtime_entry_t *e, uint64_t pos);


ngx_int_t
ngx_http_realtime_move_give(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_session_t *s, ngx_http_realtime_wid_t to,
    uint64_t handle)
{
    ngx_http_realtime_socket_t  *sk;
    ngx_http_realtime_entry_t    e;
    ngx_http_realtime_mover_t    mv = { hub, s, NULL, 0, NGX_OK };
    ngx_http_realtime_moved_t    item;

    ngx_memzero(&item, sizeof(item));

    item.kind = NGX_HTTP_REALTIME_MOVED_SESSION;
    item.number = s->ref;
    item.kicked = s->kicked;
    item.recoverable = s->recoverable;
    item.more = s->refused | s->checked << 8;
    item.arg = s->from;
    item.client = s->client;

    ngx_http_realtime_move_put(&mv, &item, ngx_http_realtime_session_sid(s));

    if (s->token.len) {
        item.kind = NGX_HTTP_REALTIME_MOVED_TOKEN;
        ngx_http_realtime_move_put(&mv, &item, s->token);
    }

    for (sk = s->sockets; sk; sk = sk->next) {
        ngx_http_realtime_move_put_socket(&mv, sk);
    }

    ngx_http_realtime_move_put_rest(&mv);

    if (mv.rc != NGX_OK
        || ngx_http_realtime_directory_move(hub->bus->zone, s->ref, to, 1)
           != NGX_OK)
    {
        return NGX_DECLINED;
    }

    ngx_memzero(&e, sizeof(e));

    e.type = NGX_HTTP_REALTIME_ENTRY_SESSION;
    e.to = to;
    e.handle = handle;
    e.number = hub->bus->cursor;
    e.packets = rt_str(mv.len, hub->entry.data);

    if (ngx_http_realtime_bus_append(hub->bus, &e) != NGX_OK) {
        (void) ngx_http_realtime_directory_move(hub->bus->zone, s->ref,
                                                hub->bus->self, 0);
        return NGX_DECLINED;
    }

    ngx_http_realtime_session_leave(s);

    return NGX_OK;
}


static void
ngx_http_realtime_move_put(ngx_http_realtime_mover_t *mv,
    ngx_http_realtime_moved_t *item, rt_str_t data)
{
    size_t   size;
    u_char  *p;

    size = ngx_http_realtime_list_size(sizeof(*item) + data.len);

    if (mv->rc != NGX_OK
        || ngx_http_realtime_scratch(&mv->hub->entry, mv->len + size,
                                     mv->hub->log) == NULL)
    {
        mv->rc = NGX_ERROR;
        return;
    }

    p = mv->hub->entry.data + mv->len;

    p = ngx_http_realtime_list_head(p, sizeof(*item) + data.len, 0);
    p = ngx_cpymem(p, item, sizeof(*item));

    if (data.len) {
        ngx_memcpy(p, data.data, data.len);
    }

    mv->len += size;
}


static void
ngx_http_realtime_move_put_socket(ngx_http_realtime_mover_t *mv,
    ngx_http_realtime_socket_t *sk)
{
    uint32_t                    i;
    ngx_http_realtime_ack_t    *ack;
    ngx_http_realtime_moved_t   item;

    ngx_memzero(&item, sizeof(item));

    item.kind = NGX_HTTP_REALTIME_MOVED_SOCKET;
    item.number = sk->ref;
    item.more = sk->last_ack;
    item.arg = sk->sent;
    ngx_memcpy(item.id, sk->id, RT_ID_LEN);

    ngx_http_realtime_move_put(mv, &item, sk->nsp->name);

    if (sk->who) {
        ngx_http_realtime_move_put_identity(mv, sk->who);
    }

    item.kind = NGX_HTTP_REALTIME_MOVED_ROOM;

    for (i = 0; i < sk->nrooms; i++) {
        item.number = sk->rooms[i].room->kind;
        ngx_http_realtime_move_put(mv, &item, sk->rooms[i].room->name);
    }

    if (sk->replay) {
        item.kind = NGX_HTTP_REALTIME_MOVED_REPLAY;
        item.number = sk->replay->connected;
        item.arg = ngx_http_realtime_socket_position(sk);
        ngx_http_realtime_move_put(mv, &item,
                                   rt_str(sizeof(uint64_t),
                                          &sk->replay->commands));

        item.kind = NGX_HTTP_REALTIME_MOVED_JOINED;

        for (i = 0; i < sk->replay->njoined; i++) {
            item.arg = sk->replay->joined[i].since;
            ngx_http_realtime_move_put(mv, &item,
                                       rt_str(sizeof(uint64_t),
                                              &sk->replay->joined[i].hash));
        }
    }

    item.kind = NGX_HTTP_REALTIME_MOVED_ACK;

    for (ack = sk->acks; ack; ack = ack->next) {
        item.number = ack->id;
        item.more = ack->kind;
        item.arg = ack->arg;

        ngx_http_realtime_move_put(mv, &item, rt_lit(""));
    }
}


static void
ngx_http_realtime_move_put_identity(ngx_http_realtime_mover_t *mv,
    const ngx_http_realtime_identity_t *who)
{
    u_char                      text[RT_JWT_MAX + 1024];
    size_t                      len;
    ngx_http_realtime_moved_t   item;

    ngx_memzero(&item, sizeof(item));

    item.kind = NGX_HTTP_REALTIME_MOVED_IDENTITY;

    len = ngx_http_realtime_identity_write(who, text, sizeof(text));
    if (len > sizeof(text)) {
        mv->rc = NGX_ERROR;
        return;
    }

    ngx_http_realtime_move_put(mv, &item, rt_str(len, text));
}


static void
ngx_http_realtime_move_put_rest(ngx_http_realtime_mover_t *mv)
{
    uint32_t                         i;
    ngx_uint_t                       n;
    ngx_http_realtime_blob_t        *b;
    ngx_http_realtime_knock_t       *k;
    ngx_http_realtime_moved_t        item;
    ngx_http_realtime_partial_t     *p = mv->session->partial;
    ngx_http_realtime_outq_chunk_t  *chunk;

    ngx_memzero(&item, sizeof(item));

    if (p) {
        item.kind = NGX_HTTP_REALTIME_MOVED_PARTIAL;
        item.number = p->want;
        ngx_http_realtime_move_put(mv, &item, p->text);

        item.kind = NGX_HTTP_REALTIME_MOVED_ATTACHMENT;

        for (n = 0; n < p->have; n++) {
            ngx_http_realtime_move_put(mv, &item, p->attachments[n]);
        }
    }

    item.kind = NGX_HTTP_REALTIME_MOVED_KNOCK;

    for (k = mv->session->knocks; k; k = k->next) {
        item.number = k->nsp_len;
        ngx_http_realtime_move_put(mv, &item, k->text);
    }

    item.kind = NGX_HTTP_REALTIME_MOVED_PACKET;

    for (chunk = mv->session->outq.head; chunk; chunk = chunk->next) {
        for (i = chunk->first; i < chunk->last; i++) {
            b = chunk->blobs[i];
            item.binary = (b->opcode == RT_WS_BINARY);
            ngx_http_realtime_move_put(mv, &item,
                           rt_str(b->len, ngx_http_realtime_blob_payload(b)));
        }
    }
}


ngx_http_realtime_session_t *
ngx_http_realtime_move_take(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_session_conf_t *conf,
    const ngx_http_realtime_transport_t *transport, void *carrier,
    ngx_http_realtime_entry_t *e, uint64_t pos)
{
    uint64_t                      from = e->number;
    rt_str_t                      list = e->packets, data;
    ngx_http_realtime_mover_t     mv = { hub, NULL, NULL, 0, NGX_OK };
    ngx_http_realtime_moved_t     item;
    ngx_http_realtime_session_t  *s;

    if (ngx_http_realtime_move_next(&list, &item, &data) != NGX_OK) {
        return NULL;
    }

    s = ngx_http_realtime_session_adopt(hub->set, conf, data, item.number);
    if (s == NULL) {
        ngx_http_realtime_settle_lost(hub, data);
        return NULL;
    }

    ngx_http_realtime_move_build_session(s, &item);

    s->arriving = 1;
    s->from = ngx_max(item.arg, e->number);
    s->transport = transport;
    s->carrier = carrier;
    mv.session = s;

    while (ngx_http_realtime_move_next(&list, &item, &data) == NGX_OK) {
        if (ngx_http_realtime_move_build(&mv, &item, data) != NGX_OK) {
            mv.rc = NGX_ERROR;
            break;
        }
    }

    ngx_http_realtime_recover_taken(s);

    if (mv.rc != NGX_OK
        || ngx_http_realtime_bus_replay(hub->bus, &from, pos,
                                        ngx_http_realtime_move_replay, &mv)
           != NGX_OK)
    {
        ngx_log_error(NGX_LOG_WARN, hub->log, 0,
                      "realtime session %*s: could not be moved to this "
                      "worker, its client has to reconnect",
                      (size_t) RT_ID_LEN, s->sid);

        ngx_http_realtime_session_close(s, NGX_HTTP_REALTIME_CLOSED_FORCED);
        return s;
    }

    ngx_http_realtime_move_arrived(s, pos);

    return s;
}


static void
ngx_http_realtime_move_arrived(ngx_http_realtime_session_t *s, uint64_t pos)
{
    s->arriving = 0;
    s->from = ngx_max(s->from, pos);

    /* what it was given stands in its records before it counts as arrived */

    ngx_http_realtime_recover_save(s);
    ngx_http_realtime_directory_websocket(s->set->bus->zone, s->ref);

    if ((s->sockets == NULL && !s->conf->echo) || s->partial) {
        ngx_http_realtime_session_grace(s);
    }

    ngx_http_realtime_recover_arrived(s);
}


static void
ngx_http_realtime_move_build_session(ngx_http_realtime_session_t *s,
    ngx_http_realtime_moved_t *item)
{
    s->kicked = item->kicked;
    s->recoverable = item->recoverable;
    s->client = item->client;
    s->refused = item->more & 0xff;
    s->checked = item->more >> 8;
}


void
ngx_http_realtime_move_refuse(ngx_http_realtime_hub_t *hub,
    ngx_http_realtime_entry_t *e)
{
    rt_str_t                   list = e->packets, sid;
    ngx_http_realtime_moved_t  item;

    if (ngx_http_realtime_move_next(&list, &item, &sid) == NGX_OK) {
        ngx_http_realtime_settle_lost(hub, sid);
    }
}


static ngx_int_t
ngx_http_realtime_move_next(rt_str_t *list, ngx_http_realtime_moved_t *item,
    rt_str_t *data)
{
    rt_str_t  whole;

    if (ngx_http_realtime_list_next(list, &whole, NULL) != NGX_OK
        || whole.len < sizeof(*item))
    {
        return NGX_DONE;
    }

    ngx_memcpy(item, whole.data, sizeof(*item));

    *data = rt_str(whole.len - sizeof(*item), whole.data + sizeof(*item));

    return NGX_OK;
}


static ngx_int_t
ngx_http_realtime_move_build(ngx_http_realtime_mover_t *mv,
    ngx_http_realtime_moved_t *item, rt_str_t data)
{
    uint64_t                      word = 0;
    ngx_http_realtime_hub_t      *hub = mv->hub;
    ngx_http_realtime_session_t  *s = mv->session;

    ngx_memcpy(&word, data.data, ngx_min(data.len, sizeof(word)));

    switch (item->kind) {

    case NGX_HTTP_REALTIME_MOVED_SOCKET:
        return ngx_http_realtime_move_build_socket(mv, item, data);

    case NGX_HTTP_REALTIME_MOVED_TOKEN:
        return ngx_http_realtime_session_set_token(s, data);

    case NGX_HTTP_REALTIME_MOVED_IDENTITY:
        return ngx_http_realtime_move_build_identity(mv, data);

    case NGX_HTTP_REALTIME_MOVED_ROOM:
        return ngx_http_realtime_move_build_room(mv, item, data);

    case NGX_HTTP_REALTIME_MOVED_REPLAY:
        return ngx_http_realtime_replay_begin(hub, mv->socket, item->arg,
                                              word, item->number);

    case NGX_HTTP_REALTIME_MOVED_JOINED:
        return ngx_http_realtime_replay_joined(mv->socket, word, item->arg);

    case NGX_HTTP_REALTIME_MOVED_ACK:
        return ngx_http_realtime_socket_add_ack(mv->socket, item->number,
                                                item->more, item->arg);

    case NGX_HTTP_REALTIME_MOVED_PARTIAL:
        s->partial = ngx_http_realtime_partial_new(data, item->number,
                                                   hub->log);
        return s->partial ? NGX_OK : NGX_ERROR;

    case NGX_HTTP_REALTIME_MOVED_ATTACHMENT:
        return ngx_http_realtime_partial_add(s->partial, data, hub->log);

    case NGX_HTTP_REALTIME_MOVED_KNOCK:
        return ngx_http_realtime_knock_add(s, rt_str(item->number, data.data),
                                           rt_str(data.len - item->number,
                                                  data.data + item->number))
               ? NGX_OK : NGX_ERROR;

    case NGX_HTTP_REALTIME_MOVED_PACKET:
        return ngx_http_realtime_move_build_packet(mv, item, data);
    }

    return NGX_ERROR;
}


static ngx_int_t
ngx_http_realtime_move_build_socket(ngx_http_realtime_mover_t *mv,
    ngx_http_realtime_moved_t *item, rt_str_t data)
{
    mv->socket = ngx_http_realtime_socket_open(mv->session, data, item->id,
                                               item->number);
    if (mv->socket == NULL) {
        return NGX_ERROR;
    }

    mv->socket->last_ack = item->more;
    mv->socket->sent = item->arg;

    return NGX_OK;
}


static ngx_int_t
ngx_http_realtime_move_build_identity(ngx_http_realtime_mover_t *mv,
    rt_str_t data)
{
    ngx_http_realtime_identity_t  *who;

    who = ngx_http_realtime_identity_read(data, mv->hub->log);

    if (who == NULL) {
        return NGX_ERROR;
    }

    ngx_http_realtime_socket_identify(mv->socket, who);

    return NGX_OK;
}


static ngx_int_t
ngx_http_realtime_move_build_room(ngx_http_realtime_mover_t *mv,
    ngx_http_realtime_moved_t *item, rt_str_t data)
{
    ngx_http_realtime_room_t  *room;

    if (ngx_http_realtime_room_join(&mv->hub->rooms, mv->socket, data)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* the latest is the last; who is here already knows better */

    room = mv->socket->rooms[mv->socket->nrooms - 1].room;

    room->kind = (room->n == 1) ? item->number : room->kind;

    return NGX_OK;
}


static ngx_int_t
ngx_http_realtime_move_build_packet(ngx_http_realtime_mover_t *mv,
    ngx_http_realtime_moved_t *item, rt_str_t data)
{
    ngx_http_realtime_blob_t  *b;

    b = ngx_http_realtime_blob_copy(item->binary ? RT_WS_BINARY : RT_WS_TEXT,
                                    data, mv->hub->log);
    if (b == NULL) {
        return NGX_ERROR;
    }

    ngx_http_realtime_session_send(mv->session, b);
    ngx_http_realtime_blob_free(b);

    return NGX_OK;
}


static ngx_int_t
ngx_http_realtime_move_replay(void *ctx, ngx_http_realtime_entry_t *e,
    uint64_t pos)
{
    ngx_http_realtime_mover_t    *mv = ctx;
    ngx_http_realtime_session_t  *s = mv->session;

    if (e->type == NGX_HTTP_REALTIME_ENTRY_BROADCAST) {

        if (pos >= s->from) {
            ngx_http_realtime_deliver_to(mv->hub, e, s);
        }

    } else if (e->type == NGX_HTTP_REALTIME_ENTRY_COMMAND) {
        ngx_http_realtime_command_to(mv->hub, e, s);

    } else if (e->type == NGX_HTTP_REALTIME_ENTRY_ASK) {
        ngx_http_realtime_ask_to(mv->hub, e, s);

    } else if (e->type == NGX_HTTP_REALTIME_ENTRY_CHANGED) {
        mv->hub->review.bucket = 0;     /* for nobody, on its way */

    } else if (rt_str_eq(e->sid, ngx_http_realtime_session_sid(s))) {
        mv->hub->on_operation(mv->hub, e);
    }

    if (ngx_http_realtime_session_alive(s)) {
        s->from = ngx_max(s->from, e->end);
    }

    return NGX_OK;
}
