
/*
 * TLS to Redis, as nginx does it to its upstreams.  What the server has to
 * show is looked at before it is told any password.
 */


#include "bus/ngx_http_realtime_redis_inner.h"

#if (NGX_SSL)

#include <openssl/x509v3.h>


static ngx_int_t ngx_http_realtime_redis_tls_files(
    ngx_http_realtime_redis_conf_t *conf, ngx_conf_t *cf);
static ngx_int_t ngx_http_realtime_redis_handshake(
    ngx_http_realtime_redis_t *redis, ngx_str_t *name);
static void ngx_http_realtime_redis_handshake_handler(ngx_connection_t *c);
static ngx_int_t ngx_http_realtime_redis_verify(
    ngx_http_realtime_redis_t *redis, ngx_connection_t *c);
static ngx_int_t ngx_http_realtime_redis_is_for(ngx_connection_t *c,
    ngx_str_t *name);
static ngx_str_t *ngx_http_realtime_redis_server(
    ngx_http_realtime_redis_t *redis);
static ngx_uint_t ngx_http_realtime_redis_is_address(ngx_str_t *name);


#define NGX_HTTP_REALTIME_REDIS_DEPTH  9


ngx_int_t
ngx_http_realtime_redis_tls_init(ngx_http_realtime_redis_conf_t *conf,
    ngx_conf_t *cf)
{
    ngx_pool_cleanup_t  *cln;

    if (!conf->url->tls) {
        return NGX_OK;
    }

    conf->ssl = ngx_pcalloc(cf->pool, sizeof(ngx_ssl_t));
    if (conf->ssl == NULL) {
        return NGX_ERROR;
    }

    conf->ssl->log = cf->log;

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    if (ngx_ssl_create(conf->ssl, NGX_SSL_TLSv1_2|NGX_SSL_TLSv1_3, NULL)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    cln->handler = ngx_ssl_cleanup_ctx;
    cln->data = conf->ssl;

    return ngx_http_realtime_redis_tls_files(conf, cf);
}


static ngx_int_t
ngx_http_realtime_redis_tls_files(ngx_http_realtime_redis_conf_t *conf,
    ngx_conf_t *cf)
{
    if (conf->tls_certificate.len
        && ngx_ssl_certificate(cf, conf->ssl, &conf->tls_certificate,
                               &conf->tls_key, NULL) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (!conf->tls_verify) {
        return NGX_OK;
    }

    if (conf->tls_ca.len) {
        return ngx_ssl_trusted_certificate(cf, conf->ssl, &conf->tls_ca,
                                           NGX_HTTP_REALTIME_REDIS_DEPTH);
    }

    if (SSL_CTX_set_default_verify_paths(conf->ssl->ctx) == 0) {
        ngx_ssl_error(NGX_LOG_EMERG, cf->log, 0,
                      "SSL_CTX_set_default_verify_paths() failed");
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* what is checked and asked for: as the configuration or the URL has it */

static ngx_str_t *
ngx_http_realtime_redis_server(ngx_http_realtime_redis_t *redis)
{
    ngx_http_realtime_redis_addr_t  *addr = redis->addrs.elts;

    return redis->conf->tls_name.len ? &redis->conf->tls_name
                                     : &addr[redis->at].host;
}


static ngx_uint_t
ngx_http_realtime_redis_is_address(ngx_str_t *name)
{
    u_char  bytes[sizeof(struct in6_addr)];

    return inet_pton(AF_INET, (char *) name->data, bytes) == 1
           || inet_pton(AF_INET6, (char *) name->data, bytes) == 1;
}


void
ngx_http_realtime_redis_secure(ngx_http_realtime_redis_t *redis)
{
    if (ngx_http_realtime_redis_move(redis, NGX_HTTP_REALTIME_REDIS_SECURING)
        != NGX_OK)
    {
        return;
    }

    if (ngx_http_realtime_redis_handshake(redis,
            ngx_http_realtime_redis_server(redis)) == NGX_ERROR)
    {
        ngx_http_realtime_redis_lost(redis, NULL);
    }
}


static ngx_int_t
ngx_http_realtime_redis_handshake(ngx_http_realtime_redis_t *redis,
    ngx_str_t *name)
{
    ngx_int_t          rc;
    ngx_connection_t  *c = redis->c;

    if (ngx_ssl_create_connection(redis->conf->ssl, c, NGX_SSL_CLIENT)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* output that waits may move to a larger buffer */

    SSL_set_mode(c->ssl->connection, SSL_MODE_ENABLE_PARTIAL_WRITE
                                     |SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);

    if (!ngx_http_realtime_redis_is_address(name)
        && SSL_set_tlsext_host_name(c->ssl->connection, (char *) name->data)
           == 0)
    {
        ngx_ssl_error(NGX_LOG_ERR, c->log, 0,
                      "SSL_set_tlsext_host_name() failed");
        return NGX_ERROR;
    }

    c->ssl->handler = ngx_http_realtime_redis_handshake_handler;

    rc = ngx_ssl_handshake(c);

    if (rc == NGX_OK) {
        ngx_http_realtime_redis_handshake_handler(c);
        return NGX_OK;
    }

    return rc;
}


static void
ngx_http_realtime_redis_handshake_handler(ngx_connection_t *c)
{
    ngx_http_realtime_redis_t  *redis = c->data;

    if (!c->ssl->handshaked
        || ngx_http_realtime_redis_verify(redis, c) != NGX_OK)
    {
        ngx_http_realtime_redis_lost(redis, NULL);
        return;
    }

    redis->last.len = 0;

    c->read->handler = ngx_http_realtime_redis_event_handler;
    c->write->handler = ngx_http_realtime_redis_event_handler;

    ngx_http_realtime_redis_greet(redis);
}


static ngx_int_t
ngx_http_realtime_redis_verify(ngx_http_realtime_redis_t *redis,
    ngx_connection_t *c)
{
    long        rc;
    ngx_str_t  *name;

    if (!redis->conf->tls_verify) {
        return NGX_OK;
    }

    rc = SSL_get_verify_result(c->ssl->connection);

    if (rc != X509_V_OK) {
        ngx_log_error(NGX_LOG_ERR, c->log, 0,
                      "the server's certificate cannot be verified: %s",
                      X509_verify_cert_error_string(rc));
        return NGX_ERROR;
    }

    name = ngx_http_realtime_redis_server(redis);

    if (ngx_http_realtime_redis_is_for(c, name) != NGX_OK) {
        ngx_log_error(NGX_LOG_ERR, c->log, 0,
                      "the server's certificate is not for \"%V\"", name);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* nginx's check knows names only */

static ngx_int_t
ngx_http_realtime_redis_is_for(ngx_connection_t *c, ngx_str_t *name)
{
    int    rc;
    X509  *cert;

    if (!ngx_http_realtime_redis_is_address(name)) {
        return ngx_ssl_check_host(c, name);
    }

    cert = SSL_get_peer_certificate(c->ssl->connection);
    if (cert == NULL) {
        return NGX_ERROR;
    }

    rc = X509_check_ip_asc(cert, (char *) name->data, 0);

    X509_free(cert);

    return rc == 1 ? NGX_OK : NGX_ERROR;
}


#else /* !NGX_SSL */


ngx_int_t
ngx_http_realtime_redis_tls_init(ngx_http_realtime_redis_conf_t *conf,
    ngx_conf_t *cf)
{
    if (conf->url->tls) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "this nginx has no TLS, which rediss:// needs");
        return NGX_ERROR;
    }

    return NGX_OK;
}


void
ngx_http_realtime_redis_secure(ngx_http_realtime_redis_t *redis)
{
    ngx_http_realtime_redis_lost(redis, "no TLS");
}

#endif
