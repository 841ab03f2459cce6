
#include "endpoint/ngx_http_realtime_metrics.h"

#include "shm/ngx_http_realtime_lease.h"

#include "base/rt_buf.h"


/* a figure, and its place in the answer */

typedef struct {
    const char  *name;
    ngx_uint_t   counter;
} ngx_http_realtime_figure_t;


static void ngx_http_realtime_metrics_put(rt_buf_t *b,
    ngx_http_realtime_zone_t *zone);
static void ngx_http_realtime_metrics_database(rt_buf_t *b,
    ngx_http_realtime_facts_t *rows);
static void ngx_http_realtime_metrics_redis(rt_buf_t *b,
    ngx_http_realtime_zone_t *zone);
static void ngx_http_realtime_metrics_figures(rt_buf_t *b,
    ngx_http_realtime_shared_t *sh);
static void ngx_http_realtime_metrics_workers(rt_buf_t *b,
    ngx_http_realtime_zone_t *zone);
static void ngx_http_realtime_metrics_field(rt_buf_t *b, const char *text,
    uint64_t n);


static const ngx_http_realtime_figure_t  ngx_http_realtime_figures[] = {
    { "opened", NGX_HTTP_REALTIME_N_OPENED },
    { "closed", NGX_HTTP_REALTIME_N_CLOSED },
    { "upgraded", NGX_HTTP_REALTIME_N_UPGRADED },
    { "refused", NGX_HTTP_REALTIME_N_REFUSED },
    { "packetsIn", NGX_HTTP_REALTIME_N_PACKETS_IN },
    { "packetsOut", NGX_HTTP_REALTIME_N_PACKETS_OUT },
    { "broadcasts", NGX_HTTP_REALTIME_N_BROADCASTS },
    { "slowClients", NGX_HTTP_REALTIME_N_SLOW },
    { "lagged", NGX_HTTP_REALTIME_N_LAGGED },
    { "errors", NGX_HTTP_REALTIME_N_ERRORS },
    { "latencies", NGX_HTTP_REALTIME_N_LATENCIES },
    { "latencyMs", NGX_HTTP_REALTIME_N_LATENCY_MS },
    { "recovered", NGX_HTTP_REALTIME_N_RECOVERED },
    { "notRecovered", NGX_HTTP_REALTIME_N_NOT_RECOVERED }
};


/* what the rest of the answer takes, and each worker in it */
#define NGX_HTTP_REALTIME_METRICS_SIZE    2048
#define NGX_HTTP_REALTIME_METRICS_WORKER  160


ngx_int_t
ngx_http_realtime_metrics(ngx_http_request_t *r,
    ngx_http_realtime_zone_t *zone)
{
    size_t        size;
    rt_buf_t      text;
    ngx_int_t     rc;
    ngx_buf_t    *b;
    ngx_chain_t   out;

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return NGX_HTTP_NOT_ALLOWED;
    }

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    size = NGX_HTTP_REALTIME_METRICS_SIZE
           + zone->sh->slots_used * NGX_HTTP_REALTIME_METRICS_WORKER;

    b = ngx_create_temp_buf(r->pool, size);
    if (b == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rt_buf_init(&text, b->last, size);
    ngx_http_realtime_metrics_put(&text, zone);

    b->last += rt_buf_str(&text).len;
    b->last_buf = (r == r->main);
    b->last_in_chain = 1;

    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_length_n = b->last - b->pos;
    ngx_str_set(&r->headers_out.content_type, "application/json");
    r->headers_out.content_type_len = r->headers_out.content_type.len;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    out.buf = b;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}


static void
ngx_http_realtime_metrics_put(rt_buf_t *b, ngx_http_realtime_zone_t *zone)
{
    rt_arena_stat_t              st;
    ngx_http_realtime_shared_t  *sh = zone->sh;

    ngx_http_realtime_zone_lock(zone);
    rt_arena_stat(sh->arena, &st);
    ngx_http_realtime_zone_unlock(zone);

    ngx_http_realtime_metrics_field(b, "{\"uptime\":",
                          (ngx_http_realtime_now() - sh->started) / 1000);

    ngx_http_realtime_metrics_field(b, ",\"connections\":{\"total\":",
                                    sh->sessions);
    ngx_http_realtime_metrics_field(b, "},\"sessions\":{\"total\":",
                                    sh->sessions);
    ngx_http_realtime_metrics_field(b, ",\"away\":", sh->away);
    ngx_http_realtime_metrics_field(b, "},\"sockets\":{\"total\":",
                                    sh->sockets);
    ngx_http_realtime_metrics_field(b, "},\"rooms\":{\"total\":", sh->rooms);
    ngx_http_realtime_metrics_field(b, ",\"memberships\":", sh->memberships);

    ngx_http_realtime_metrics_field(b, "},\"users\":{\"total\":", sh->users);
    ngx_http_realtime_metrics_field(b, ",\"idle\":", sh->idle);
    ngx_http_realtime_metrics_field(b, ",\"typing\":", sh->typists);

    ngx_http_realtime_metrics_field(b, "},\"limits\":{\"total\":",
                                    sh->limits);

    ngx_http_realtime_metrics_field(b, "},\"zone\":{\"bytesUsed\":",
                                    st.bytes_used);
    ngx_http_realtime_metrics_field(b, ",\"pages\":", st.pages);
    ngx_http_realtime_metrics_field(b, ",\"pagesUsed\":", st.pages_used);
    ngx_http_realtime_metrics_field(b, ",\"repairs\":", sh->repairs);

    ngx_http_realtime_metrics_field(b, "},\"log\":{\"head\":",
                                    rt_ring_head(zone->ring));
    ngx_http_realtime_metrics_field(b, ",\"tail\":",
                                    rt_ring_tail(zone->ring));

    rt_buf_put(b, rt_lit("},"));
    ngx_http_realtime_metrics_database(b, zone->rows);
    ngx_http_realtime_metrics_redis(b, zone);
    ngx_http_realtime_metrics_figures(b, sh);
    ngx_http_realtime_metrics_workers(b, zone);
    rt_buf_put(b, rt_lit("}\n"));
}


/* nothing where there is none */

static void
ngx_http_realtime_metrics_database(rt_buf_t *b,
    ngx_http_realtime_facts_t *rows)
{
    if (rows == NULL) {
        return;
    }

    rt_buf_put(b, atomic_load(&rows->sh->rows.connected)
                  ? rt_lit("\"database\":{\"connected\":true")
                  : rt_lit("\"database\":{\"connected\":false"));

    ngx_http_realtime_metrics_field(b, ",\"writer\":",
                                    atomic_load(&rows->sh->pid));
    ngx_http_realtime_metrics_field(b, ",\"bytesWaiting\":",
                                    ngx_http_realtime_facts_waiting(rows));
    ngx_http_realtime_metrics_field(b, ",\"written\":",
                                    atomic_load(&rows->sh->rows.written));
    ngx_http_realtime_metrics_field(b, ",\"dropped\":",
                                    atomic_load(&rows->sh->dropped));
    ngx_http_realtime_metrics_field(b, ",\"refused\":",
                                    atomic_load(&rows->sh->rows.refused));

    rt_buf_put(b, rt_lit("},"));
}


/* the same */

static void
ngx_http_realtime_metrics_redis(rt_buf_t *b, ngx_http_realtime_zone_t *zone)
{
    ngx_http_realtime_cluster_t  *cl = &zone->sh->cluster;

    if (!zone->clustered) {
        return;
    }

    rt_buf_put(b, atomic_load(&cl->connected)
                  ? rt_lit("\"redis\":{\"connected\":true")
                  : rt_lit("\"redis\":{\"connected\":false"));

    ngx_http_realtime_metrics_field(b, ",\"linker\":",
                                    ngx_http_realtime_lease_pid(zone));
    ngx_http_realtime_metrics_field(b, ",\"nodes\":",
                                    atomic_load(&cl->nodes));
    ngx_http_realtime_metrics_field(b, ",\"published\":",
                                    atomic_load(&cl->sent));
    ngx_http_realtime_metrics_field(b, ",\"received\":",
                                    atomic_load(&cl->received));
    ngx_http_realtime_metrics_field(b, ",\"lost\":",
                                    atomic_load(&cl->lost));
    ngx_http_realtime_metrics_field(b, ",\"missed\":",
                                    atomic_load(&cl->missed));
    ngx_http_realtime_metrics_field(b, ",\"refused\":",
                                    atomic_load(&cl->refused));
    ngx_http_realtime_metrics_field(b, ",\"requests\":",
                                    atomic_load(&cl->requests));

    rt_buf_put(b, rt_lit("},"));
}


/* slots keep their figures when their worker goes: sums never shrink */

static void
ngx_http_realtime_metrics_figures(rt_buf_t *b, ngx_http_realtime_shared_t *sh)
{
    uint64_t    sum;
    uint32_t    slot;
    ngx_uint_t  i;

    rt_buf_put(b, rt_lit("\"totals\":{"));

    for (i = 0; i < rt_nitems(ngx_http_realtime_figures); i++) {

        sum = 0;

        for (slot = 0; slot < sh->slots_used; slot++) {
            sum += sh->slot[slot].counters[
                                       ngx_http_realtime_figures[i].counter];
        }

        rt_buf_put(b, i ? rt_lit(",\"") : rt_lit("\""));
        rt_buf_put(b, rt_str(ngx_strlen(ngx_http_realtime_figures[i].name),
                             ngx_http_realtime_figures[i].name));
        ngx_http_realtime_metrics_field(b, "\":", sum);
    }

    rt_buf_put(b, rt_lit("},"));
}


static void
ngx_http_realtime_metrics_workers(rt_buf_t *b, ngx_http_realtime_zone_t *zone)
{
    uint32_t                   i;
    uint64_t                   head, cursor;
    ngx_uint_t                 n = 0;
    ngx_http_realtime_slot_t  *slot;

    head = rt_ring_head(zone->ring);

    rt_buf_put(b, rt_lit("\"workers\":["));

    for (i = 0; i < zone->sh->slots_used; i++) {

        slot = &zone->sh->slot[i];

        if (atomic_load(&slot->pid) == 0) {
            continue;
        }

        cursor = atomic_load(&slot->cursor);

        rt_buf_put(b, n++ ? rt_lit(",{") : rt_lit("{"));
        ngx_http_realtime_metrics_field(b, "\"slot\":", i);
        ngx_http_realtime_metrics_field(b, ",\"pid\":",
                                        atomic_load(&slot->pid));
        ngx_http_realtime_metrics_field(b, ",\"sessions\":", slot->sessions);
        ngx_http_realtime_metrics_field(b, ",\"lagBytes\":",
                                        head > cursor ? head - cursor : 0);
        rt_buf_put(b, atomic_load(&slot->leaving)
                      ? rt_lit(",\"leaving\":true}")
                      : rt_lit(",\"leaving\":false}"));
    }

    rt_buf_char(b, ']');
}


static void
ngx_http_realtime_metrics_field(rt_buf_t *b, const char *text, uint64_t n)
{
    rt_buf_put(b, rt_str(ngx_strlen(text), text));
    rt_buf_u64(b, n);
}
