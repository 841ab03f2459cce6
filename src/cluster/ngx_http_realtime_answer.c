
/*
 * What a request comes to: an entry of the log.
 */


#include "cluster/ngx_http_realtime_answer.h"
#include "hub/ngx_http_realtime_command.h"

#include "chat/rt_name.h"
#include "proto/rt_unpack.h"


/* what a request comes to */

typedef struct {
    uint8_t  type;                      /* of the entry; 0: to nothing */
    uint8_t  number;                    /* its */
} ngx_http_realtime_wanted_t;


static ngx_http_realtime_wanted_t ngx_http_realtime_answer_wanted(
    const rt_adapter_t *m);
static ngx_int_t ngx_http_realtime_answer_entry(
    ngx_http_realtime_answers_t *a, const rt_adapter_t *m,
    ngx_http_realtime_entry_t *e, const char **why);
static ngx_int_t ngx_http_realtime_answer_put(ngx_http_realtime_answers_t *a,
    size_t *len, rt_str_t name);
static ngx_int_t ngx_http_realtime_answer_names(
    ngx_http_realtime_answers_t *a, size_t *len, rt_adapter_list_t list,
    const char **why);
static ngx_int_t ngx_http_realtime_answer_event(
    ngx_http_realtime_answers_t *a, size_t *len, rt_str_t event,
    const char **why);
static ngx_int_t ngx_http_realtime_answer_command(
    ngx_http_realtime_answers_t *a, const rt_adapter_t *m,
    ngx_http_realtime_entry_t *e, const char **why);


/* names that one request may have in each of its lists */
#define NGX_HTTP_REALTIME_ANSWER_NAMES  4096


#define command(name)                                                         \
    { NGX_HTTP_REALTIME_ENTRY_COMMAND, NGX_HTTP_REALTIME_COMMAND_##name }
#define asked(name)                                                           \
    { NGX_HTTP_REALTIME_ENTRY_ASK, NGX_HTTP_REALTIME_ASKED_##name }

static const ngx_http_realtime_wanted_t  ngx_http_realtime_answer_types[] = {
    /* SOCKETS          */  asked(IDS),
    /* ALL_ROOMS        */  asked(ROOMS),
    /* JOIN             */  command(JOIN),
    /* LEAVE            */  command(LEAVE),
    /* DISCONNECT       */  command(DISCONNECT),
    /* FETCH            */  asked(SOCKETS),
    /* SERVER_SIDE_EMIT */  { 0, 0 },
    /* BROADCAST_ASK    */  asked(EVENT)
};

static const ngx_http_realtime_wanted_t  ngx_http_realtime_answer_sharded[] = {
    /* no type           */  { 0, 0 },
    /* INITIAL_HEARTBEAT */  { 0, 0 },
    /* HEARTBEAT         */  { 0, 0 },
    /* BROADCAST         */  asked(EVENT),
    /* JOIN              */  command(JOIN),
    /* LEAVE             */  command(LEAVE),
    /* DISCONNECT        */  command(DISCONNECT),
    /* FETCH             */  asked(SOCKETS)
};

#undef command
#undef asked


static ngx_http_realtime_wanted_t
ngx_http_realtime_answer_wanted(const rt_adapter_t *m)
{
    static const ngx_http_realtime_wanted_t  nothing = { 0, 0 };

    if (m->type < 0) {
        return nothing;
    }

    if (m->form == RT_ADAPTER_REQUEST
        && m->type < (int) rt_nitems(ngx_http_realtime_answer_types))
    {
        return ngx_http_realtime_answer_types[m->type];
    }

    if (m->form == RT_ADAPTER_SHARDED
        && m->type < (int) rt_nitems(ngx_http_realtime_answer_sharded))
    {
        return ngx_http_realtime_answer_sharded[m->type];
    }

    return nothing;
}


ngx_int_t
ngx_http_realtime_answer_request(ngx_http_realtime_answers_t *a, rt_str_t nsp,
    const rt_adapter_t *m, const char **why)
{
    ngx_int_t                   rc;
    ngx_http_realtime_entry_t   e;
    ngx_http_realtime_wanted_t  wanted = ngx_http_realtime_answer_wanted(m);

    ngx_memzero(&e, sizeof(e));

    e.type = wanted.type;
    e.number = wanted.number;
    e.flags = NGX_HTTP_REALTIME_ENTRY_REMOTE;
    e.nsp = nsp;

    if (e.type == 0) {
        *why = "there is no such request";
        return NGX_DECLINED;
    }

    if (e.type == NGX_HTTP_REALTIME_ENTRY_ASK && m->request_id.len == 0) {
        *why = "the request has no id";
        return NGX_DECLINED;
    }

    if (m->opts.is_volatile) {
        e.flags |= NGX_HTTP_REALTIME_ENTRY_VOLATILE;
    }

    rc = ngx_http_realtime_answer_entry(a, m, &e, why);

    if (rc != NGX_OK) {
        return rc;
    }

    return (e.type == NGX_HTTP_REALTIME_ENTRY_COMMAND)
           ? ngx_http_realtime_answer_command(a, m, &e, why)
           : ngx_http_realtime_answer_begin(a, m, &e, why);
}


static ngx_int_t
ngx_http_realtime_answer_command(ngx_http_realtime_answers_t *a,
    const rt_adapter_t *m, ngx_http_realtime_entry_t *e, const char **why)
{
    ngx_int_t                  rc = NGX_OK;
    ngx_http_realtime_entry_t  ask;

    if (e->number == NGX_HTTP_REALTIME_COMMAND_DISCONNECT && m->close) {
        e->number = NGX_HTTP_REALTIME_COMMAND_CLOSE;
    }

    /* the old form wants to know whether the socket is here: while it is */

    if (m->sid.len && m->request_id.len) {
        ask = *e;
        ask.type = NGX_HTTP_REALTIME_ENTRY_ASK;
        ask.number = NGX_HTTP_REALTIME_ASKED_IDS;
        ask.packets = rt_lit("");

        rc = ngx_http_realtime_answer_begin(a, m, &ask, why);
    }

    if (ngx_http_realtime_command_emit(a->hub, e) != NGX_OK) {
        *why = "the request is too long for the log";
        return NGX_DECLINED;
    }

    return rc;
}


/* all that the entry points to is in a->lists */

static ngx_int_t
ngx_http_realtime_answer_entry(ngx_http_realtime_answers_t *a,
    const rt_adapter_t *m, ngx_http_realtime_entry_t *e, const char **why)
{
    size_t     rooms = 0, except, len;
    ngx_int_t  rc;

    if (m->sid.len) {
        rc = ngx_http_realtime_answer_put(a, &rooms, m->sid);

    } else {
        rc = ngx_http_realtime_answer_names(a, &rooms,
                  (e->number == NGX_HTTP_REALTIME_ASKED_IDS
                   && e->type == NGX_HTTP_REALTIME_ENTRY_ASK)
                  ? m->rooms : m->opts.rooms, why);
    }

    except = rooms;

    if (rc == NGX_OK && m->sid.len == 0) {
        rc = ngx_http_realtime_answer_names(a, &except, m->opts.except, why);
    }

    len = except;

    if (rc != NGX_OK) {
        return rc;
    }

    if (e->type == NGX_HTTP_REALTIME_ENTRY_ASK) {
        if (e->number == NGX_HTTP_REALTIME_ASKED_EVENT) {
            rc = ngx_http_realtime_answer_event(a, &len, m->data.bytes, why);
        }

    } else if (m->sid.len) {
        rc = ngx_http_realtime_answer_put(a, &len, m->room);

    } else {
        rc = ngx_http_realtime_answer_names(a, &len, m->rooms, why);
    }

    e->rooms = rt_str(rooms, a->lists.data);
    e->except = rt_str(except - rooms, a->lists.data + rooms);
    e->packets = rt_str(len - except, a->lists.data + except);

    return rc;
}


static ngx_int_t
ngx_http_realtime_answer_put(ngx_http_realtime_answers_t *a, size_t *len,
    rt_str_t name)
{
    u_char  *p;

    p = ngx_http_realtime_scratch(&a->lists,
                                  *len + ngx_http_realtime_list_size(name.len),
                                  a->hub->log);
    if (p == NULL) {
        return NGX_ERROR;
    }

    p = ngx_http_realtime_list_put(p + *len, name, 0);
    *len = p - a->lists.data;

    return NGX_OK;
}


/*
 * Who names rooms does not mean everybody, also when none of them could be
 * here: so such a name is in the list without its characters.
 */

static ngx_int_t
ngx_http_realtime_answer_names(ngx_http_realtime_answers_t *a, size_t *len,
    rt_adapter_list_t list, const char **why)
{
    rt_str_t           name;
    rt_adapter_iter_t  it;

    if (rt_adapter_count(list) > NGX_HTTP_REALTIME_ANSWER_NAMES) {
        *why = "it names too many rooms";
        return NGX_DECLINED;
    }

    rt_adapter_each(&it, list);

    while (rt_adapter_next(&it, &name) == RT_OK) {

        /* longer ones are nobody's, but for "@" and a user id */

        if (name.len > RT_ROOM_NAME_MAX + 1) {
            name.len = 0;
        }

        if (ngx_http_realtime_answer_put(a, len, name) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (rt_adapter_count(list) && *len == 0) {
        return ngx_http_realtime_answer_put(a, len, rt_lit(""));
    }

    return NGX_OK;
}


/* as an ASK has it: what is between the brackets, then attachments */

static ngx_int_t
ngx_http_realtime_answer_event(ngx_http_realtime_answers_t *a, size_t *len,
    rt_str_t event, const char **why)
{
    u_char    *p;
    ssize_t    n;
    uint32_t   count, i;
    rt_buf_t   b;
    rt_str_t   attachments[RT_SIO_MAX_ATTACHMENTS];

    n = rt_unpack(NULL, event, NULL, &count, why);

    if (n < 0) {
        return NGX_DECLINED;
    }

    if (count > RT_SIO_MAX_ATTACHMENTS) {
        *why = "the event has too many attachments";
        return NGX_DECLINED;
    }

    p = ngx_http_realtime_scratch(&a->lists,
                                  *len + ngx_http_realtime_list_size(n),
                                  a->hub->log);
    if (p == NULL) {
        return NGX_ERROR;
    }

    /* the head of the item takes the place of "[", and the next one that of
       "]" */

    p += *len;
    rt_buf_init(&b, p + ngx_http_realtime_list_size(0) - 1, n);

    n = rt_unpack(&b, event, attachments, &count, why);

    if (n < 4 || ngx_strncmp(rt_buf_str(&b).data, "[\"", 2) != 0) {
        *why = "the event has no name";
        return NGX_DECLINED;
    }

    p = ngx_http_realtime_list_head(p, n - 2, 0) + n - 2;
    *len = p - a->lists.data;

    for (i = 0; i < count; i++) {
        if (ngx_http_realtime_answer_put(a, len, attachments[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}
