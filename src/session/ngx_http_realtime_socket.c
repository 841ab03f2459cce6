
#include "session/ngx_http_realtime_socket.h"
#include "session/ngx_http_realtime_socket_table.h"


static ngx_http_realtime_nsp_t *ngx_http_realtime_nsp_hold(
    ngx_http_realtime_sessions_t *set, rt_str_t name);
static void ngx_http_realtime_nsp_drop(ngx_http_realtime_sessions_t *set,
    ngx_http_realtime_nsp_t *nsp);
static void ngx_http_realtime_socket_end(ngx_http_realtime_socket_t *sk,
    ngx_http_realtime_reason_e reason);
static void ngx_http_realtime_socket_free(ngx_http_realtime_socket_t *sk);
static ngx_int_t ngx_http_realtime_socket_attach(
    ngx_http_realtime_session_t *s, const rt_str_t *attachments, ngx_uint_t n);
static void ngx_http_realtime_socket_expiry_later(
    ngx_http_realtime_socket_t *sk);
static void ngx_http_realtime_socket_expiry_handler(ngx_event_t *ev);


/* clocks may be set: nobody waits longer without looking again, ms */
#define NGX_HTTP_REALTIME_EXPIRY_MAX  60000


ngx_http_realtime_socket_t *
ngx_http_realtime_socket_open(ngx_http_realtime_session_t *s, rt_str_t nsp,
    u_char *id, rt_ref_t ref)
{
    ngx_uint_t                     n;
    ngx_http_realtime_socket_t    *sk;
    ngx_http_realtime_sessions_t  *set = s->set;

    for (n = 0, sk = s->sockets; sk; sk = sk->next) {
        n++;
    }

    if (n >= NGX_HTTP_REALTIME_SOCKETS_MAX) {
        return NULL;
    }

    sk = ngx_calloc(sizeof(ngx_http_realtime_socket_t), set->log);
    if (sk == NULL) {
        return NULL;
    }

    sk->nsp = ngx_http_realtime_nsp_hold(set, nsp);
    if (sk->nsp == NULL) {
        goto failed;
    }

    if (id) {
        ngx_memcpy(sk->id, id, RT_ID_LEN);
        sk->ref = ref;

    } else {
        if (rt_id_make(sk->id) != RT_OK) {
            goto failed;
        }

        sk->ref = ngx_http_realtime_directory_add_socket(set->bus->zone,
                              s->ref, sk->id,
                              s->recoverable
                              ? ngx_http_realtime_session_window(s) : 0,
                              ngx_http_realtime_session_position(s));
        if (sk->ref == 0) {
            ngx_http_realtime_zone_full(set->bus->zone, set->log,
                                        "a client could not connect");
            goto failed;
        }
    }

    sk->session = s;
    sk->next = s->sockets;
    s->sockets = sk;
    ngx_http_realtime_socket_table_add(&set->ids, sk, set->log);
    return sk;

failed:

    if (sk->nsp) {
        ngx_http_realtime_nsp_drop(set, sk->nsp);
    }

    ngx_free(sk);

    return NULL;
}


static ngx_http_realtime_nsp_t *
ngx_http_realtime_nsp_hold(ngx_http_realtime_sessions_t *set, rt_str_t name)
{
    u_char                    *text;
    ngx_uint_t                 i;
    ngx_http_realtime_nsp_t   *nsp, **slot, **list;

    list = set->namespaces.elts;
    slot = NULL;

    for (i = 0; i < set->namespaces.nelts; i++) {

        if (list[i] == NULL) {
            slot = &list[i];

        } else if (rt_str_eq(list[i]->name, name)) {
            list[i]->refs++;
            return list[i];
        }
    }

    if (slot == NULL) {
        slot = ngx_array_push(&set->namespaces);
        if (slot == NULL) {
            return NULL;
        }

        *slot = NULL;
    }

    nsp = ngx_alloc(sizeof(ngx_http_realtime_nsp_t) + name.len, set->log);
    if (nsp == NULL) {
        return NULL;
    }

    text = (u_char *) (nsp + 1);
    ngx_memcpy(text, name.data, name.len);

    nsp->name = rt_str(name.len, text);
    nsp->refs = 1;

    *slot = nsp;

    if (set->on_namespace) {
        set->on_namespace(set, nsp->name);
    }

    return nsp;
}


static void
ngx_http_realtime_nsp_drop(ngx_http_realtime_sessions_t *set,
    ngx_http_realtime_nsp_t *nsp)
{
    ngx_uint_t                 i;
    ngx_http_realtime_nsp_t  **list = set->namespaces.elts;

    if (--nsp->refs) {
        return;
    }

    for (i = 0; i < set->namespaces.nelts; i++) {
        if (list[i] == nsp) {
            list[i] = NULL;
        }
    }

    ngx_free(nsp);
}


void
ngx_http_realtime_socket_identify(ngx_http_realtime_socket_t *sk,
    ngx_http_realtime_identity_t *who)
{
    sk->who = who;
    sk->mute = !who->read;

    who->expiry.handler = ngx_http_realtime_socket_expiry_handler;
    who->expiry.data = sk;
    who->expiry.log = sk->session->set->log;
    who->expiry.cancelable = 1;

    if (who->expires) {
        ngx_http_realtime_socket_expiry_later(sk);
    }
}


static void
ngx_http_realtime_socket_expiry_later(ngx_http_realtime_socket_t *sk)
{
    uint64_t  left = NGX_HTTP_REALTIME_EXPIRY_MAX, now, end;

    now = ngx_http_realtime_now();

    /* 2^48 s are more than anybody means */

    if (sk->who->expires < (uint64_t) 1 << 48) {
        end = sk->who->expires * 1000;
        left = (end > now) ? ngx_min(left, end - now) : 1;
    }

    ngx_add_timer(&sk->who->expiry, left);
}


static void
ngx_http_realtime_socket_expiry_handler(ngx_event_t *ev)
{
    ngx_http_realtime_socket_t  *sk = ev->data;

    if (sk->who->expires > (uint64_t) ngx_time()) {
        ngx_http_realtime_socket_expiry_later(sk);
        return;
    }

    sk->session->set->on_expire(sk);
}


ngx_http_realtime_socket_t *
ngx_http_realtime_socket_find(ngx_http_realtime_session_t *s, rt_str_t nsp)
{
    ngx_http_realtime_socket_t  *sk;

    for (sk = s->sockets; sk; sk = sk->next) {
        if (rt_str_eq(sk->nsp->name, nsp)) {
            return sk;
        }
    }

    return NULL;
}


void
ngx_http_realtime_socket_close(ngx_http_realtime_socket_t *sk)
{
    ngx_http_realtime_socket_end(sk,
                                 ngx_http_realtime_session_alive(sk->session)
                                 ? NGX_HTTP_REALTIME_CLOSED_NSP_BY_CLIENT
                                 : sk->session->reason);
}


static void
ngx_http_realtime_socket_end(ngx_http_realtime_socket_t *sk,
    ngx_http_realtime_reason_e reason)
{
    ngx_http_realtime_ack_t      *ack;
    ngx_http_realtime_session_t  *s = sk->session;

    while (sk->acks) {
        ack = sk->acks;
        sk->acks = ack->next;
        s->set->on_ack(sk, ack->kind, ack->arg, NULL);
        ngx_free(ack);
    }

    s->set->on_leave(sk);

    ngx_http_realtime_directory_remove_socket(s->set->bus->zone, sk->ref,
                                              s->ref, sk->id, reason);
    ngx_http_realtime_socket_free(sk);
}


void
ngx_http_realtime_socket_kick(ngx_http_realtime_socket_t *sk)
{
    rt_buf_t                      b;
    u_char                        buf[RT_SIO_MAX_NSP + 64];
    ngx_http_realtime_session_t  *s = sk->session;

    rt_buf_init(&b, buf, sizeof(buf));

    ngx_http_realtime_socket_put_head(&b, sk->nsp->name, RT_SIO_DISCONNECT, 0,
                                      -1);

    ngx_http_realtime_session_send_text(s, rt_buf_str(&b));

    s->kicked = 1;

    ngx_http_realtime_socket_end(sk, NGX_HTTP_REALTIME_CLOSED_NSP_BY_SERVER);

    if (s->sockets == NULL && ngx_http_realtime_session_alive(s)) {
        ngx_http_realtime_session_grace(s);
    }
}


void
ngx_http_realtime_socket_leave(ngx_http_realtime_socket_t *sk)
{
    ngx_http_realtime_ack_t  *ack;

    while (sk->acks) {
        ack = sk->acks;
        sk->acks = ack->next;
        ngx_free(ack);
    }

    sk->session->moved = 1;
    sk->session->set->on_leave(sk);

    ngx_http_realtime_socket_free(sk);
}


static void
ngx_http_realtime_socket_free(ngx_http_realtime_socket_t *sk)
{
    ngx_http_realtime_socket_t   **link;
    ngx_http_realtime_session_t   *s = sk->session;

    for (link = &s->sockets; *link; link = &(*link)->next) {
        if (*link == sk) {
            *link = sk->next;
            break;
        }
    }

    ngx_http_realtime_socket_table_remove(&s->set->ids, sk);
    ngx_http_realtime_nsp_drop(s->set, sk->nsp);
    ngx_http_realtime_identity_free(sk->who);

    ngx_free(sk);
}


uint64_t
ngx_http_realtime_socket_position(ngx_http_realtime_socket_t *sk)
{
    if (sk->replay) {
        return sk->replay->connected ? sk->replay->from : sk->replay->begin;
    }

    return ngx_http_realtime_session_position(sk->session);
}


void
ngx_http_realtime_socket_put_offset(rt_buf_t *b,
    ngx_http_realtime_sessions_t *set, uint64_t pos)
{
    size_t  len;
    u_char  text[RT_OFFSET_MAX];

    len = rt_offset_write(text, &set->bus->zone->sh->key, pos);

    rt_buf_put(b, rt_lit(",\""));
    rt_buf_put(b, rt_str(len, text));
    rt_buf_char(b, '"');
}


/* one that is still being given what it missed is behind all others */

void
ngx_http_realtime_socket_save(ngx_http_realtime_socket_t *sk,
    ngx_uint_t known)
{
    ngx_http_realtime_zone_t        *z = sk->session->set->bus->zone;
    ngx_http_realtime_socket_rec_t  *rec;

    ngx_http_realtime_zone_lock(z);

    rec = ngx_http_realtime_socket_rec(sk);

    if (rec) {
        rec->sent = (known && sk->replay == NULL)
                    ? sk->sent : NGX_HTTP_REALTIME_SENT_UNKNOWN;
    }

    ngx_http_realtime_zone_unlock(z);
}


void
ngx_http_realtime_socket_put_head(rt_buf_t *b, rt_str_t nsp,
    rt_sio_type_e type, ngx_uint_t attachments, int64_t id)
{
    rt_sio_packet_t  pkt;

    ngx_memzero(&pkt, sizeof(pkt));

    pkt.type = type;
    pkt.nsp = nsp;
    pkt.attachments = attachments;
    pkt.has_id = (id >= 0);
    pkt.id = id;

    rt_buf_char(b, '4');
    rt_sio_put_head(b, &pkt);
}


ngx_int_t
ngx_http_realtime_socket_send(ngx_http_realtime_socket_t *sk, rt_str_t *event,
    int64_t id, rt_str_t args, const rt_str_t *attachments, ngx_uint_t n)
{
    size_t                        size;
    rt_buf_t                      buf;
    ngx_http_realtime_blob_t     *b;
    ngx_http_realtime_session_t  *s = sk->session;

    size = ngx_http_realtime_socket_head_size(sk->nsp->name.len) + 4
           + (event ? event->len : 0) + args.len
           + NGX_HTTP_REALTIME_OFFSET_SIZE;

    b = ngx_http_realtime_blob_new(RT_WS_TEXT, size, s->set->log);
    if (b == NULL) {
        return NGX_ERROR;
    }

    rt_buf_init(&buf, ngx_http_realtime_blob_payload(b), size);

    ngx_http_realtime_socket_put_head(&buf, sk->nsp->name,
                                      event ? RT_SIO_EVENT : RT_SIO_ACK, n,
                                      id);
    rt_buf_char(&buf, '[');

    if (event) {
        rt_buf_put(&buf, *event);

        if (args.len) {
            rt_buf_char(&buf, ',');
        }
    }

    rt_buf_put(&buf, args);

    if (event && id < 0 && s->recoverable) {
        sk->sent = ngx_http_realtime_socket_position(sk);
        ngx_http_realtime_socket_put_offset(&buf, s->set, sk->sent);
    }

    rt_buf_char(&buf, ']');

    ngx_http_realtime_blob_cut(b, rt_buf_str(&buf).len);

    ngx_http_realtime_session_send(s, b);
    ngx_http_realtime_blob_free(b);

    return ngx_http_realtime_socket_attach(s, attachments, n);
}


/* what belongs to the packet that was queued last */

static ngx_int_t
ngx_http_realtime_socket_attach(ngx_http_realtime_session_t *s,
    const rt_str_t *attachments, ngx_uint_t n)
{
    ngx_uint_t                 i;
    ngx_http_realtime_blob_t  *b;

    for (i = 0; i < n; i++) {
        b = ngx_http_realtime_blob_copy(RT_WS_BINARY, attachments[i],
                                        s->set->log);
        if (b == NULL) {
            /* half an event would mislead the client */
            ngx_http_realtime_session_close(s,
                                           NGX_HTTP_REALTIME_CLOSED_FORCED);
            return NGX_ERROR;
        }

        ngx_http_realtime_session_send(s, b);
        ngx_http_realtime_blob_free(b);
    }

    return NGX_OK;
}


int64_t
ngx_http_realtime_socket_expect_ack(ngx_http_realtime_socket_t *sk,
    ngx_uint_t kind, uint64_t arg)
{
    uint32_t  id = sk->last_ack;

    if (ngx_http_realtime_socket_add_ack(sk, id, kind, arg) != NGX_OK) {
        return -1;
    }

    sk->last_ack++;

    return id;
}


ngx_int_t
ngx_http_realtime_socket_add_ack(ngx_http_realtime_socket_t *sk, uint32_t id,
    ngx_uint_t kind, uint64_t arg)
{
    ngx_http_realtime_ack_t  *ack;

    if (sk->nacks >= NGX_HTTP_REALTIME_ACKS_MAX) {
        return NGX_BUSY;
    }

    ack = ngx_alloc(sizeof(ngx_http_realtime_ack_t), sk->session->set->log);
    if (ack == NULL) {
        return NGX_ERROR;
    }

    ack->id = id;
    ack->kind = kind;
    ack->arg = arg;
    ack->next = sk->acks;

    sk->acks = ack;
    sk->nacks++;

    return NGX_OK;
}


void
ngx_http_realtime_socket_acked(ngx_http_realtime_socket_t *sk,
    ngx_http_realtime_packet_t *pkt)
{
    ngx_http_realtime_ack_t  *ack, **link;

    for (link = &sk->acks; *link; link = &(*link)->next) {

        ack = *link;

        if (pkt->sio.has_id && ack->id == pkt->sio.id) {
            *link = ack->next;
            sk->nacks--;
            sk->session->set->on_ack(sk, ack->kind, ack->arg, pkt);
            ngx_free(ack);
            return;
        }
    }
}
