
#include "bus/ngx_http_realtime_redis_slots.h"


static ngx_int_t ngx_http_realtime_redis_host_ok(const char *data, size_t len);
static void ngx_http_realtime_redis_metadata(redisReply *node,
    ngx_http_realtime_redis_endpoint_t *endpoint);
static ngx_int_t ngx_http_realtime_redis_target(u_char *p, u_char *end,
    ngx_uint_t *slot, ngx_http_realtime_redis_endpoint_t *to);


/* a name of the DNS has no more */
#define NGX_HTTP_REALTIME_REDIS_HOST  253


/* CRC-16 of XMODEM, half a byte at once */

static const uint16_t  ngx_http_realtime_redis_crc[16] = {
    0x0000, 0x1021, 0x2042, 0x3063, 0x4084, 0x50a5, 0x60c6, 0x70e7,
    0x8108, 0x9129, 0xa14a, 0xb16b, 0xc18c, 0xd1ad, 0xe1ce, 0xf1ef
};


ngx_uint_t
ngx_http_realtime_redis_hash_slot(const u_char *key, size_t len)
{
    u_char     *open, *close;
    uint16_t    crc = 0;
    ngx_uint_t  i;

    open = ngx_strlchr((u_char *) key, (u_char *) key + len, '{');

    if (open) {
        close = ngx_strlchr(open + 1, (u_char *) key + len, '}');

        if (close && close != open + 1) {
            key = open + 1;
            len = close - key;
        }
    }

    for (i = 0; i < len; i++) {
        crc = (uint16_t) (crc << 4)
              ^ ngx_http_realtime_redis_crc[(crc >> 12) ^ (key[i] >> 4)];
        crc = (uint16_t) (crc << 4)
              ^ ngx_http_realtime_redis_crc[(crc >> 12) ^ (key[i] & 15)];
    }

    return crc % NGX_HTTP_REALTIME_REDIS_SLOTS;
}


ngx_uint_t
ngx_http_realtime_redis_ranges(redisReply *reply)
{
    if (reply->type != REDIS_REPLY_ARRAY) {
        return 0;
    }

    return ngx_min(reply->elements, NGX_HTTP_REALTIME_REDIS_SLOTS);
}


ngx_int_t
ngx_http_realtime_redis_range(redisReply *reply, ngx_uint_t i,
    ngx_http_realtime_redis_range_t *range)
{
    redisReply                          *r = reply->element[i];
    ngx_http_realtime_redis_endpoint_t   master;

    if (r->type != REDIS_REPLY_ARRAY || r->elements < 3
        || r->element[0]->type != REDIS_REPLY_INTEGER
        || r->element[1]->type != REDIS_REPLY_INTEGER
        || r->element[0]->integer < 0
        || r->element[0]->integer > r->element[1]->integer
        || r->element[1]->integer >= NGX_HTTP_REALTIME_REDIS_SLOTS)
    {
        return NGX_DECLINED;
    }

    range->from = r->element[0]->integer;
    range->to = r->element[1]->integer;
    range->n = r->elements - 2;
    range->reply = r;

    return ngx_http_realtime_redis_endpoint(range, 0, &master);
}


ngx_int_t
ngx_http_realtime_redis_endpoint(ngx_http_realtime_redis_range_t *range,
    ngx_uint_t j, ngx_http_realtime_redis_endpoint_t *endpoint)
{
    redisReply  *host, *node = range->reply->element[2 + j];

    if (node->type != REDIS_REPLY_ARRAY || node->elements < 2
        || node->element[1]->type != REDIS_REPLY_INTEGER
        || node->element[1]->integer < 1
        || node->element[1]->integer > 65535)
    {
        return NGX_DECLINED;
    }

    host = node->element[0];
    endpoint->port = node->element[1]->integer;
    ngx_str_set(&endpoint->host, "");

    if (host->type == REDIS_REPLY_NIL) {
        return NGX_OK;
    }

    if (host->type != REDIS_REPLY_STRING) {
        return NGX_DECLINED;
    }

    /* it has been told to use names, and has none */

    if (host->len == 1 && host->str[0] == '?') {
        ngx_http_realtime_redis_metadata(node, endpoint);
        return NGX_OK;
    }

    endpoint->host.data = (u_char *) host->str;
    endpoint->host.len = host->len;

    return ngx_http_realtime_redis_host_ok(host->str, host->len);
}


/* { "ip", "10.0.0.1" } */

static void
ngx_http_realtime_redis_metadata(redisReply *node,
    ngx_http_realtime_redis_endpoint_t *endpoint)
{
    size_t       i;
    redisReply  *more, *name, *value;

    if (node->elements < 4 || node->element[3]->type != REDIS_REPLY_ARRAY) {
        return;
    }

    more = node->element[3];

    for (i = 0; i + 1 < more->elements; i += 2) {

        name = more->element[i];
        value = more->element[i + 1];

        if (name->type == REDIS_REPLY_STRING
            && value->type == REDIS_REPLY_STRING
            && name->len == 2 && ngx_strncmp(name->str, "ip", 2) == 0
            && ngx_http_realtime_redis_host_ok(value->str, value->len)
               == NGX_OK)
        {
            endpoint->host.data = (u_char *) value->str;
            endpoint->host.len = value->len;
        }
    }
}


/* no path of a socket, and nothing that a log would not show */

static ngx_int_t
ngx_http_realtime_redis_host_ok(const char *data, size_t len)
{
    size_t  i;

    if (len > NGX_HTTP_REALTIME_REDIS_HOST) {
        return NGX_DECLINED;
    }

    for (i = 0; i < len; i++) {
        if (data[i] <= ' ' || data[i] > '~' || data[i] == '/'
            || data[i] == '@' || data[i] == ',')
        {
            return NGX_DECLINED;
        }
    }

    return NGX_OK;
}


ngx_http_realtime_redis_redirect_e
ngx_http_realtime_redis_redirect(redisReply *reply, ngx_uint_t *slot,
    ngx_http_realtime_redis_endpoint_t *to)
{
    u_char  *p = (u_char *) reply->str, *end = p + reply->len;

    if (ngx_strncmp(p, "TRYAGAIN", 8) == 0
        || ngx_strncmp(p, "CLUSTERDOWN", 11) == 0
        || ngx_strncmp(p, "LOADING", 7) == 0
        || ngx_strncmp(p, "MASTERDOWN", 10) == 0)
    {
        return NGX_HTTP_REALTIME_REDIS_LATER;
    }

    if (ngx_strncmp(p, "MOVED ", 6) == 0) {
        return ngx_http_realtime_redis_target(p + 6, end, slot, to) == NGX_OK
               ? NGX_HTTP_REALTIME_REDIS_MOVED : NGX_HTTP_REALTIME_REDIS_STAY;
    }

    if (ngx_strncmp(p, "ASK ", 4) == 0) {
        return ngx_http_realtime_redis_target(p + 4, end, slot, to) == NGX_OK
               ? NGX_HTTP_REALTIME_REDIS_ASK : NGX_HTTP_REALTIME_REDIS_STAY;
    }

    return NGX_HTTP_REALTIME_REDIS_STAY;
}


/* "3999 10.0.0.1:6379"; an address of IPv6 has no brackets */

static ngx_int_t
ngx_http_realtime_redis_target(u_char *p, u_char *end, ngx_uint_t *slot,
    ngx_http_realtime_redis_endpoint_t *to)
{
    u_char     *blank, *colon;
    ngx_int_t   n, port;

    blank = ngx_strlchr(p, end, ' ');

    if (blank == NULL) {
        return NGX_DECLINED;
    }

    for (colon = end; colon > blank && *colon != ':'; colon--) { /* void */ }

    n = ngx_atoi(p, blank - p);
    port = colon > blank ? ngx_atoi(colon + 1, end - colon - 1) : NGX_ERROR;

    if (n < 0 || n >= NGX_HTTP_REALTIME_REDIS_SLOTS || port < 1
        || port > 65535)
    {
        return NGX_DECLINED;
    }

    *slot = n;
    to->port = port;
    to->host.data = blank + 1;
    to->host.len = colon - blank - 1;

    if (to->host.len == 1 && to->host.data[0] == '?') {
        to->host.len = 0;
    }

    return ngx_http_realtime_redis_host_ok((char *) to->host.data,
                                           to->host.len);
}
