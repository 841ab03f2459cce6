
/*
 * Defaults from the environment, read once when the configuration is loaded.
 * An empty variable counts as one that is not set.
 */


#include "module/ngx_http_realtime_conf.h"


static ngx_int_t ngx_http_realtime_env_bad(ngx_conf_t *cf, const char *name,
    ngx_str_t *value, const char *expected);


void
ngx_http_realtime_env_str(const char *name, ngx_str_t *value)
{
    char  *p = getenv(name);

    if (p && *p) {
        value->data = (u_char *) p;
        value->len = ngx_strlen(p);
    }
}


ngx_int_t
ngx_http_realtime_env_number(ngx_conf_t *cf, const char *name,
    ngx_uint_t *value)
{
    ngx_int_t  n;
    ngx_str_t  text = ngx_null_string;

    ngx_http_realtime_env_str(name, &text);

    if (text.len == 0) {
        return NGX_OK;
    }

    n = ngx_atoi(text.data, text.len);

    if (n == NGX_ERROR || n == 0) {
        return ngx_http_realtime_env_bad(cf, name, &text,
                                         "a whole number above 0");
    }

    *value = n;

    return NGX_OK;
}


ngx_int_t
ngx_http_realtime_env_msec(ngx_conf_t *cf, const char *name, ngx_msec_t *value)
{
    ngx_uint_t  n = *value;

    if (ngx_http_realtime_env_number(cf, name, &n) != NGX_OK) {
        return NGX_ERROR;
    }

    *value = n;

    return NGX_OK;
}


ngx_int_t
ngx_http_realtime_env_flag(ngx_conf_t *cf, const char *name, ngx_flag_t *value)
{
    ngx_str_t  text = ngx_null_string;

    ngx_http_realtime_env_str(name, &text);

    if (text.len == 0) {
        return NGX_OK;
    }

    if (ngx_strcasecmp(text.data, (u_char *) "true") == 0
        || ngx_strcmp(text.data, "1") == 0)
    {
        *value = 1;
        return NGX_OK;
    }

    if (ngx_strcasecmp(text.data, (u_char *) "false") == 0
        || ngx_strcmp(text.data, "0") == 0)
    {
        *value = 0;
        return NGX_OK;
    }

    return ngx_http_realtime_env_bad(cf, name, &text, "\"true\" or \"false\"");
}


static ngx_int_t
ngx_http_realtime_env_bad(ngx_conf_t *cf, const char *name, ngx_str_t *value,
    const char *expected)
{
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "the environment variable %s is \"%V\": it must be %s",
                       name, value, expected);

    return NGX_ERROR;
}
