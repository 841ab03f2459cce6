
/*
 * ngx_http_realtime_call.h: one event of a client while it is handled, and
 * the answers to it.
 *
 * Every event gets one answer in the shape of the contract: the ack
 * {"success":true,"data"?} or {"success":false,"error"}, and for a failure
 * the event "error" with that same error before it.
 */


#ifndef _NGX_HTTP_REALTIME_CALL_H_INCLUDED_
#define _NGX_HTTP_REALTIME_CALL_H_INCLUDED_


#include "hub/ngx_http_realtime_announce.h"

#include "base/rt_json.h"
#include "chat/rt_payload.h"


typedef struct ngx_http_realtime_lookup_s  ngx_http_realtime_lookup_t;


typedef struct {
    ngx_http_realtime_hub_t     *hub;
    ngx_http_realtime_socket_t  *sk;
    ngx_http_realtime_packet_t  *pkt;
    rt_str_t                     event;         /* JSON string, as it came */
    rt_str_t                     args;          /* JSON, without brackets */
    rt_str_t                     arg;           /* the first of them */
    ngx_uint_t                   n;             /* attachments */
    ngx_http_realtime_lookup_t  *lookup;        /* it waits; or it did, and
                                                   this is the answer */
} ngx_http_realtime_call_t;


typedef void (*ngx_http_realtime_call_pt)(ngx_http_realtime_call_t *call);


#define ngx_http_realtime_call_nsp(call)  ((call)->sk->nsp->name)

/* bytes of an answer's data */
#define NGX_HTTP_REALTIME_ANSWER_MAX  4096


/* the event "name" (a JSON string) with "args" to the sender */
void ngx_http_realtime_tell(ngx_http_realtime_call_t *call, rt_str_t name,
    rt_str_t args);

/*
 * The ack with "args" (JSON, without brackets) and what belongs to them.  An
 * event has one answer: the first one; this one and those below are nothing
 * when there was one already, or none was asked for.
 */
void ngx_http_realtime_answer_with(ngx_http_realtime_call_t *call,
    rt_str_t args, const rt_str_t *attachments, ngx_uint_t n);

/* the ack of success now; "data" is a JSON object or empty */
void ngx_http_realtime_answer(ngx_http_realtime_call_t *call, rt_str_t data);

/*
 * Emits "m", and the ack of success right after it in everybody's order; an
 * error, and NGX_DECLINED, if it cannot be emitted.  "data" as above, at most
 * NGX_HTTP_REALTIME_ANSWER_MAX bytes.
 */
ngx_int_t ngx_http_realtime_answer_after(ngx_http_realtime_call_t *call,
    ngx_http_realtime_emit_t *m, rt_str_t data);

/* "code" and "message" are constants */
void ngx_http_realtime_answer_error(ngx_http_realtime_call_t *call,
    const char *code, const char *message);

/* VALIDATION_ERROR with its details */
void ngx_http_realtime_answer_invalid(ngx_http_realtime_call_t *call,
    rt_invalid_t *inv);

/* RATE_LIMIT_EXCEEDED: again in "wait" ms; "message" is a constant */
void ngx_http_realtime_answer_wait(ngx_http_realtime_call_t *call,
    uint64_t wait, const char *message);

/* UNKNOWN_EVENT */
void ngx_http_realtime_answer_unknown(ngx_http_realtime_call_t *call);

/* SERVER_BUSY, and a line in the error log: "what" happened */
void ngx_http_realtime_call_full(ngx_http_realtime_call_t *call,
    const char *what);

/* the sender's user id as JSON, null for an anonymous one */
#define ngx_http_realtime_call_user(call)                                     \
    ((call)->sk->who ? (call)->sk->who->json : rt_lit("null"))

/* the room that the payload names: NGX_OK, or an error was answered */
ngx_int_t ngx_http_realtime_call_room(ngx_http_realtime_call_t *call,
    rt_room_ref_t *room);

/* the sender's membership of the room, or NULL and an error was answered */
ngx_http_realtime_membership_t *ngx_http_realtime_call_member(
    ngx_http_realtime_call_t *call, rt_str_t room);


#endif /* _NGX_HTTP_REALTIME_CALL_H_INCLUDED_ */
