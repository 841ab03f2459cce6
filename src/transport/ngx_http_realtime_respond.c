
#include "transport/ngx_http_realtime_respond.h"


static const struct {
    ngx_uint_t  status;
    rt_str_t    body;
} ngx_http_realtime_errors[] = {

    { NGX_HTTP_BAD_REQUEST,
      rt_string("{\"code\":0,\"message\":\"Transport unknown\"}") },

    { NGX_HTTP_BAD_REQUEST,
      rt_string("{\"code\":1,\"message\":\"Session ID unknown\"}") },

    { NGX_HTTP_BAD_REQUEST,
      rt_string("{\"code\":2,\"message\":\"Bad handshake method\"}") },

    { NGX_HTTP_BAD_REQUEST,
      rt_string("{\"code\":3,\"message\":\"Bad request\"}") },

    { NGX_HTTP_FORBIDDEN,
      rt_string("{\"code\":4,\"message\":\"Forbidden\"}") },

    { NGX_HTTP_BAD_REQUEST,
      rt_string("{\"code\":5,\"message\":\"Unsupported protocol version\"}") },

    { NGX_HTTP_SERVICE_UNAVAILABLE,
      rt_string("{\"code\":\"SERVER_BUSY\","
                "\"message\":\"Too many connections\"}") },

    { NGX_HTTP_SERVICE_UNAVAILABLE,
      rt_string("{\"code\":\"SERVER_BUSY\","
                "\"message\":\"The server is full\"}") },

    { NGX_HTTP_TOO_MANY_REQUESTS,
      rt_string("{\"code\":\"RATE_LIMIT_EXCEEDED\","
                "\"message\":\"Too many new connections from your "
                "address\"}") },

    { NGX_HTTP_SERVICE_UNAVAILABLE,
      rt_string("{\"code\":\"SERVER_BUSY\","
                "\"message\":\"The server is going down\"}") }
};


/* when to come again, unless it is known, s */
#define NGX_HTTP_REALTIME_RETRY  10


ngx_uint_t
ngx_http_realtime_error_status(ngx_http_realtime_error_e error)
{
    return ngx_http_realtime_errors[error].status;
}


rt_str_t
ngx_http_realtime_error_body(ngx_http_realtime_error_e error)
{
    return ngx_http_realtime_errors[error].body;
}


ngx_int_t
ngx_http_realtime_respond(ngx_http_request_t *r, ngx_uint_t status,
    const char *type, rt_str_t body)
{
    ngx_int_t     rc;
    ngx_buf_t    *b;
    ngx_str_t     no_store = ngx_string("no-store");
    ngx_chain_t   out;

    r->headers_out.status = status;
    r->headers_out.content_length_n = body.len;
    r->headers_out.content_type.len = ngx_strlen(type);
    r->headers_out.content_type.data = (u_char *) type;
    r->headers_out.content_type_len = r->headers_out.content_type.len;

    if (ngx_http_realtime_header_out(r, "Cache-Control", &no_store) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (body.len == 0) {
        r->header_only = 1;
    }

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    b = ngx_create_temp_buf(r->pool, body.len);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->last = ngx_cpymem(b->last, body.data, body.len);
    b->last_buf = (r == r->main);
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}


ngx_int_t
ngx_http_realtime_respond_error(ngx_http_request_t *r,
    ngx_http_realtime_error_e error)
{
    ngx_int_t  rc;

    if (error == NGX_HTTP_REALTIME_TOO_MANY
        || error == NGX_HTTP_REALTIME_FULL)
    {
        return ngx_http_realtime_respond_later(r, error,
                                               NGX_HTTP_REALTIME_RETRY);
    }

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    return ngx_http_realtime_respond(r, ngx_http_realtime_error_status(error),
                                     "application/json",
                                     ngx_http_realtime_error_body(error));
}


ngx_int_t
ngx_http_realtime_respond_later(ngx_http_request_t *r,
    ngx_http_realtime_error_e error, ngx_uint_t wait)
{
    ngx_int_t  rc;
    ngx_str_t  later;

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    later.data = ngx_pnalloc(r->pool, NGX_INT_T_LEN);
    if (later.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    later.len = ngx_sprintf(later.data, "%ui", wait) - later.data;

    if (ngx_http_realtime_header_out(r, "Retry-After", &later) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_realtime_respond(r, ngx_http_realtime_error_status(error),
                                     "application/json",
                                     ngx_http_realtime_error_body(error));
}
