
/*
 * ngx_http_realtime_answer.h: what other servers ask of this host.
 *
 * One worker of the host answers for all of them.  What is to be done is put
 * into the log, for everybody (hub/~command).  What is to be known is asked of
 * all workers, by the log as well (hub/~ask): a request waits until each that
 * lives has said all, or has gone, or the time is up.
 *
 * Knows nothing of Redis: bytes come decoded, and go to "publish".
 */


#ifndef _NGX_HTTP_REALTIME_ANSWER_H_INCLUDED_
#define _NGX_HTTP_REALTIME_ANSWER_H_INCLUDED_


#include "hub/ngx_http_realtime_emit.h"

#include "proto/rt_adapter.h"


/* requests under way, and those that are left out then */
#define NGX_HTTP_REALTIME_ANSWERS_MAX  1024


/* "hub", "publish" and "data" are set by whoever has it; else zeroed */

typedef struct {
    ngx_http_realtime_hub_t      *hub;
    ngx_queue_t                   requests;
    ngx_uint_t                    n;
    ngx_http_realtime_scratch_t   lists;
    ngx_http_realtime_scratch_t   bytes;

    /*
     * A response for whoever asked, in the form in which it did: "to" is its
     * uid, empty if it has none.  Own responses of the sharded form carry
     * "uid".  "bytes" are borrowed for the call.
     */
    void                        (*publish)(void *data, rt_adapter_form_e form,
                                      rt_str_t nsp, rt_str_t to,
                                      rt_str_t bytes);
    void                         *data;
    rt_str_t                      uid;
} ngx_http_realtime_answers_t;


void ngx_http_realtime_answers_init(ngx_http_realtime_answers_t *a);

/*
 * Does, or begins to answer, the request "m" in the namespace "nsp", both
 * borrowed for the call: JOIN, LEAVE, DISCONNECT, FETCH, ALL_ROOMS, SOCKETS and
 * BROADCAST_ASK of the classic adapter, and those of the sharded one, where a
 * BROADCAST with a request id is one.
 *
 * NGX_OK.  NGX_DECLINED with a constant "*why": it is dropped, as it is too
 * long, makes no sense, or too many are under way.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_realtime_answer_request(ngx_http_realtime_answers_t *a,
    rt_str_t nsp, const rt_adapter_t *m, const char **why);

/* ~answer_wait: "e" is to be asked of all workers, and its answer is "m"'s */
ngx_int_t ngx_http_realtime_answer_begin(ngx_http_realtime_answers_t *a,
    const rt_adapter_t *m, ngx_http_realtime_entry_t *e, const char **why);

/* a REPLY in the log that is for this worker */
void ngx_http_realtime_answer_reply(ngx_http_realtime_bus_t *bus,
    ngx_http_realtime_entry_t *e);

/* a GONE in the log: nobody waits for that worker any more */
void ngx_http_realtime_answer_gone(ngx_http_realtime_answers_t *a,
    ngx_http_realtime_wid_t gone);


#endif /* _NGX_HTTP_REALTIME_ANSWER_H_INCLUDED_ */
