
#include "store/ngx_http_realtime_batch.h"

#include "base/rt_buf.h"
#include "base/rt_hash.h"
#include "base/rt_id.h"
#include "base/rt_time.h"



static void ngx_http_realtime_batch_put(ngx_http_realtime_batch_t *b,
    ngx_http_realtime_lane_e lane, const rt_str_t *texts, ngx_uint_t n,
    ngx_uint_t json);
static void ngx_http_realtime_batch_connection(ngx_http_realtime_batch_t *b,
    const ngx_http_realtime_fact_t *f, rt_str_t time);
static void ngx_http_realtime_batch_connected(ngx_http_realtime_batch_t *b,
    const ngx_http_realtime_fact_t *f, rt_str_t id, rt_str_t time);
static void ngx_http_realtime_batch_disconnected(
    ngx_http_realtime_batch_t *b, const ngx_http_realtime_fact_t *f,
    rt_str_t id, rt_str_t time);
static void ngx_http_realtime_batch_event(ngx_http_realtime_batch_t *b,
    const ngx_http_realtime_fact_t *f, const rt_str_t *texts, rt_str_t time);
static void ngx_http_realtime_batch_room(ngx_http_realtime_batch_t *b,
    const ngx_http_realtime_fact_t *f, rt_str_t time);
static void ngx_http_realtime_batch_typing(ngx_http_realtime_batch_t *b,
    const ngx_http_realtime_fact_t *f, rt_str_t time);
static void ngx_http_realtime_batch_leave(ngx_http_realtime_batch_t *b,
    const ngx_http_realtime_fact_t *f, rt_str_t time);
static ngx_http_realtime_stay_t *ngx_http_realtime_batch_stay(
    ngx_http_realtime_batch_t *b, rt_str_t room, rt_str_t user);
static rt_str_t ngx_http_realtime_batch_id(ngx_http_realtime_batch_t *b,
    u_char *buf, const ngx_http_realtime_fact_t *f, ngx_uint_t lane);
static rt_str_t ngx_http_realtime_batch_uuid(u_char *buf,
    const uint64_t *seed, rt_str_t name);


/* no column of the row is JSON */
#define NGX_HTTP_REALTIME_BATCH_TEXT  ((ngx_uint_t) -1)


void
ngx_http_realtime_batch_reset(ngx_http_realtime_batch_t *b,
    const uint64_t *seed, ngx_log_t *log)
{
    ngx_uint_t  i, k;

    for (i = 0; i < NGX_HTTP_REALTIME_LANES; i++) {
        for (k = 0; k < NGX_HTTP_REALTIME_LANE_COLUMNS; k++) {
            ngx_http_realtime_column_reset(&b->columns[i][k]);
        }
    }

    if (b->nstays) {
        ngx_memzero(b->stays, sizeof(b->stays));
        b->nstays = 0;
    }

    b->facts = 0;
    b->bytes = 0;
    b->host = 0;
    b->seed[0] = seed[0];
    b->seed[1] = seed[1];
    b->log = log;
}


ngx_int_t
ngx_http_realtime_batch_add(ngx_http_realtime_batch_t *b,
    const ngx_http_realtime_fact_t *f)
{
    u_char      iso[RT_TIME_ISO_LEN];
    rt_str_t    time = rt_str(sizeof(iso), iso), texts[5];
    ngx_uint_t  i;

    if (b->facts == NGX_HTTP_REALTIME_BATCH_MAX
        || b->bytes >= NGX_HTTP_REALTIME_BATCH_BYTES
        || b->host
        || (f->type == NGX_HTTP_REALTIME_FACT_HOST && b->facts))
    {
        return NGX_DONE;
    }

    rt_time_iso(iso, f->time);

    switch (f->type) {

    case NGX_HTTP_REALTIME_FACT_CONNECT:
    case NGX_HTTP_REALTIME_FACT_ACTIVITY:
    case NGX_HTTP_REALTIME_FACT_DISCONNECT:
        ngx_http_realtime_batch_connection(b, f, time);
        break;

    case NGX_HTTP_REALTIME_FACT_JOIN:
        ngx_http_realtime_batch_room(b, f, time);
        break;

    case NGX_HTTP_REALTIME_FACT_LEAVE:
        ngx_http_realtime_batch_leave(b, f, time);
        break;

    case NGX_HTTP_REALTIME_FACT_PRESENCE:
        texts[0] = f->s[0];
        texts[1] = f->s[1];
        texts[2] = f->s[2];
        texts[3] = f->number ? rt_lit("t") : rt_str(0, NULL);
        texts[4] = time;
        ngx_http_realtime_batch_put(b, NGX_HTTP_REALTIME_LANE_PRESENCE, texts,
                                    5, 2);
        break;

    case NGX_HTTP_REALTIME_FACT_TYPING:
        ngx_http_realtime_batch_typing(b, f, time);
        break;

    case NGX_HTTP_REALTIME_FACT_EVENT:
        ngx_http_realtime_batch_event(b, f, f->s, time);
        break;

    case NGX_HTTP_REALTIME_FACT_HOST:
        texts[0] = f->s[0];
        texts[1] = time;
        ngx_http_realtime_batch_put(b, NGX_HTTP_REALTIME_LANE_HOST, texts, 2,
                                    NGX_HTTP_REALTIME_BATCH_TEXT);
        b->host = 1;
        break;
    }

    b->facts++;

    for (i = 0; i < NGX_HTTP_REALTIME_FACT_STRINGS; i++) {
        b->bytes += f->s[i].len;
    }

    return NGX_OK;
}


/* one row; "json" is the column that holds JSON */

static void
ngx_http_realtime_batch_put(ngx_http_realtime_batch_t *b,
    ngx_http_realtime_lane_e lane, const rt_str_t *texts, ngx_uint_t n,
    ngx_uint_t json)
{
    ngx_uint_t  i;

    for (i = 0; i < n; i++) {
        if (i == json) {
            ngx_http_realtime_column_add_json(&b->columns[lane][i], texts[i],
                                              b->log);
        } else {
            ngx_http_realtime_column_add(&b->columns[lane][i], texts[i],
                                         b->log);
        }
    }
}


/* known by its socket, whoever tells of its end */

static void
ngx_http_realtime_batch_connection(ngx_http_realtime_batch_t *b,
    const ngx_http_realtime_fact_t *f, rt_str_t time)
{
    u_char    buf[RT_UUID_LEN];
    rt_str_t  id, texts[2];

    /* the same on all hosts; ids of sockets are random enough */

    static const uint64_t  seed[2] = {
        0x746c616572746c72ULL, 0x736e6f6974636f6eULL
    };

    id = ngx_http_realtime_batch_uuid(buf, seed, f->s[0]);

    if (f->type == NGX_HTTP_REALTIME_FACT_CONNECT) {
        ngx_http_realtime_batch_connected(b, f, id, time);

    } else if (f->type == NGX_HTTP_REALTIME_FACT_DISCONNECT) {
        ngx_http_realtime_batch_disconnected(b, f, id, time);

    } else {
        texts[0] = id;
        texts[1] = time;
        ngx_http_realtime_batch_put(b, NGX_HTTP_REALTIME_LANE_ACTIVITY, texts,
                                    2, NGX_HTTP_REALTIME_BATCH_TEXT);
    }
}


static void
ngx_http_realtime_batch_connected(ngx_http_realtime_batch_t *b,
    const ngx_http_realtime_fact_t *f, rt_str_t id, rt_str_t time)
{
    u_char     worker[NGX_INT32_LEN], data[1024];
    rt_buf_t   json;
    rt_str_t   texts[8] = { id, f->s[0], f->s[2], f->s[1], f->s[3], f->s[4] };

    texts[6] = rt_str(ngx_sprintf(worker, "%uD", f->worker) - worker, worker);
    texts[7] = time;

    ngx_http_realtime_batch_put(b, NGX_HTTP_REALTIME_LANE_CONNECT, texts, 8,
                                5);
    if (!f->logged) {
        return;
    }

    rt_buf_init(&json, data, sizeof(data));

    rt_buf_put(&json, rt_lit("{\"socketId\":"));
    rt_buf_json(&json, f->s[0]);

    if (f->s[3].data) {
        rt_buf_put(&json, rt_lit(",\"address\":"));
        rt_buf_json(&json, f->s[3]);
    }

    if (f->s[1].len < sizeof(data) / 2 / RT_BUF_ESCAPED) {
        rt_buf_put(&json, rt_lit(",\"namespace\":"));
        rt_buf_json(&json, f->s[1]);
    }

    rt_buf_char(&json, '}');

    texts[0] = rt_lit("connect");
    texts[1] = f->s[2];
    texts[2] = rt_str(0, NULL);
    texts[3] = rt_buf_str(&json);

    ngx_http_realtime_batch_event(b, f, texts, time);
}


static void
ngx_http_realtime_batch_disconnected(ngx_http_realtime_batch_t *b,
    const ngx_http_realtime_fact_t *f, rt_str_t id, rt_str_t time)
{
    u_char       data[256];
    rt_buf_t     json;
    rt_str_t     texts[4];
    const char  *reason = ngx_http_realtime_reason_name(f->number);

    texts[0] = id;
    texts[1] = rt_str(ngx_strlen(reason), reason);
    texts[2] = time;

    ngx_http_realtime_batch_put(b, NGX_HTTP_REALTIME_LANE_DISCONNECT, texts,
                                3, NGX_HTTP_REALTIME_BATCH_TEXT);
    if (!f->logged) {
        return;
    }

    rt_buf_init(&json, data, sizeof(data));

    rt_buf_put(&json, rt_lit("{\"socketId\":"));
    rt_buf_json(&json, f->s[0]);
    rt_buf_put(&json, rt_lit(",\"reason\":"));
    rt_buf_json(&json, texts[1]);
    rt_buf_char(&json, '}');

    texts[0] = rt_lit("disconnect");
    texts[1] = f->s[1];
    texts[2] = rt_str(0, NULL);
    texts[3] = rt_buf_str(&json);

    ngx_http_realtime_batch_event(b, f, texts, time);
}


/* type, user, room, data */

static void
ngx_http_realtime_batch_event(ngx_http_realtime_batch_t *b,
    const ngx_http_realtime_fact_t *f, const rt_str_t *texts, rt_str_t time)
{
    u_char    buf[RT_UUID_LEN];
    rt_str_t  row[6];

    row[0] = ngx_http_realtime_batch_id(b, buf, f,
                                        NGX_HTTP_REALTIME_LANE_EVENT);
    row[1] = texts[0];
    row[2] = texts[1];
    row[3] = texts[2];
    row[4] = texts[3];
    row[5] = time;

    ngx_http_realtime_batch_put(b, NGX_HTTP_REALTIME_LANE_EVENT, row, 6, 4);
}


static void
ngx_http_realtime_batch_room(ngx_http_realtime_batch_t *b,
    const ngx_http_realtime_fact_t *f, rt_str_t time)
{
    u_char    buf[RT_UUID_LEN];
    rt_str_t  row[6];

    ngx_http_realtime_column_t  *until;

    row[0] = ngx_http_realtime_batch_id(b, buf, f,
                                        NGX_HTTP_REALTIME_LANE_ROOM);
    row[1] = f->s[0];
    row[2] = f->s[1];
    row[3] = f->s[2];
    row[4] = time;

    ngx_http_realtime_batch_put(b, NGX_HTTP_REALTIME_LANE_ROOM, row, 5,
                                NGX_HTTP_REALTIME_BATCH_TEXT);

    if (f->s[3].data) {
        row[0] = ngx_http_realtime_batch_id(b, buf, f,
                                            NGX_HTTP_REALTIME_LANE_JOIN);
        row[2] = f->s[3];
        row[3] = time;
        row[4] = rt_lit(NGX_HTTP_REALTIME_LANE_STAYS);
        row[5] = f->number ? rt_lit("t") : rt_str(0, NULL);

        ngx_http_realtime_batch_put(b, NGX_HTTP_REALTIME_LANE_JOIN, row, 6,
                                    NGX_HTTP_REALTIME_BATCH_TEXT);

        /* before the quote at its end */

        until = &b->columns[NGX_HTTP_REALTIME_LANE_JOIN][4];

        ngx_http_realtime_batch_stay(b, f->s[0], f->s[3])->until =
            until->len - 1 - row[4].len;
    }
}


/* one that began in this batch ends there */

static void
ngx_http_realtime_batch_leave(ngx_http_realtime_batch_t *b,
    const ngx_http_realtime_fact_t *f, rt_str_t time)
{
    rt_str_t                     row[4] = { f->s[0], f->s[1], time };
    ngx_http_realtime_stay_t    *stay;
    ngx_http_realtime_column_t  *until;

    stay = ngx_http_realtime_batch_stay(b, f->s[0], f->s[1]);

    row[3] = f->number ? rt_lit("t") : rt_str(0, NULL);

    if (f->number || stay->until == 0) {
        ngx_http_realtime_batch_put(b, NGX_HTTP_REALTIME_LANE_LEAVE, row, 4,
                                    NGX_HTTP_REALTIME_BATCH_TEXT);
    }

    if (stay->until == 0) {
        return;
    }

    until = &b->columns[NGX_HTTP_REALTIME_LANE_JOIN][4];

    if (!until->failed) {
        ngx_memcpy(until->data + stay->until, time.data, time.len);
    }

    stay->until = 0;
}


static void
ngx_http_realtime_batch_typing(ngx_http_realtime_batch_t *b,
    const ngx_http_realtime_fact_t *f, rt_str_t time)
{
    u_char    buf[RT_UUID_LEN], iso[RT_TIME_ISO_LEN];
    rt_str_t  row[6];

    row[0] = ngx_http_realtime_batch_id(b, buf, f,
                                        NGX_HTTP_REALTIME_LANE_TYPING);
    row[1] = f->s[0];
    row[2] = f->s[1];
    row[3] = f->s[2];
    row[4] = time;
    row[5] = rt_str(0, NULL);

    if (f->number) {
        rt_time_iso(iso, f->number);
        row[5] = rt_str(sizeof(iso), iso);
    }

    ngx_http_realtime_batch_put(b, NGX_HTTP_REALTIME_LANE_TYPING, row, 6,
                                NGX_HTTP_REALTIME_BATCH_TEXT);
}


/* where the user's stay in the room is noted, or will be */

static ngx_http_realtime_stay_t *
ngx_http_realtime_batch_stay(ngx_http_realtime_batch_t *b, rt_str_t room,
    rt_str_t user)
{
    uint64_t       hash;
    ngx_uint_t     i;
    rt_hash_key_t  key = { b->seed[0], b->seed[1] };

    /* what nobody can foresee has no doubles */

    hash = rt_hash(&key, room);
    key.k0 ^= hash;
    hash = rt_hash(&key, user);
    hash = hash ? hash : 1;

    i = hash & (rt_nitems(b->stays) - 1);

    while (b->stays[i].hash && b->stays[i].hash != hash) {
        i = (i + 1) & (rt_nitems(b->stays) - 1);
    }

    if (b->stays[i].hash == 0) {
        b->stays[i].hash = hash;
        b->stays[i].until = 0;
        b->nstays++;
    }

    return &b->stays[i];
}


/* the same whenever, and by whichever worker, the fact is written */

static rt_str_t
ngx_http_realtime_batch_id(ngx_http_realtime_batch_t *b, u_char *buf,
    const ngx_http_realtime_fact_t *f, ngx_uint_t lane)
{
    uint64_t  name[2] = { f->pos, lane };

    return ngx_http_realtime_batch_uuid(buf, b->seed,
                                        rt_str(sizeof(name), name));
}


/* RFC 9562, 5.8: version 8, of two hashes with different keys */

static rt_str_t
ngx_http_realtime_batch_uuid(u_char *buf, const uint64_t *seed, rt_str_t name)
{
    u_char         hash[16], *p = buf;
    uint64_t       half;
    ngx_uint_t     i;
    rt_hash_key_t  key;

    for (i = 0; i < 2; i++) {
        key.k0 = seed[0];
        key.k1 = seed[1] + i;

        half = rt_hash(&key, name);
        ngx_memcpy(hash + i * sizeof(half), &half, sizeof(half));
    }

    hash[6] = (hash[6] & 0x0f) | 0x80;
    hash[8] = (hash[8] & 0x3f) | 0x80;

    for (i = 0; i < 16; i++) {

        if (i == 4 || i == 6 || i == 8 || i == 10) {
            *p++ = '-';
        }

        p = ngx_hex_dump(p, &hash[i], 1);
    }

    return rt_str(RT_UUID_LEN, buf);
}


ngx_int_t
ngx_http_realtime_batch_values(ngx_http_realtime_batch_t *b,
    const ngx_http_realtime_statement_t *st, const char **values)
{
    ngx_uint_t  i;

    for (i = 0; i < st->columns; i++) {
        values[i] = ngx_http_realtime_column_value(&b->columns[st->lane][i],
                                                   b->log);
        if (values[i] == NULL) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


void
ngx_http_realtime_batch_free(ngx_http_realtime_batch_t *b)
{
    ngx_uint_t  i, k;

    for (i = 0; i < NGX_HTTP_REALTIME_LANES; i++) {
        for (k = 0; k < NGX_HTTP_REALTIME_LANE_COLUMNS; k++) {
            ngx_http_realtime_column_free(&b->columns[i][k]);
        }
    }

    ngx_free(b);
}
