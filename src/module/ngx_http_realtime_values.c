
/*
 * Directives with one plain value.  nginx's own setters take them; what they
 * refuse is said with the name, the value and what is expected.
 */


#include "module/ngx_http_realtime_conf.h"


static char *ngx_http_realtime_value(ngx_conf_t *cf, char *rv,
    ngx_uint_t good, const char *expected);


char *
ngx_http_realtime_set_msec(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char        *rv;
    ngx_msec_t  *field = (ngx_msec_t *) ((char *) conf + cmd->offset);

    rv = ngx_conf_set_msec_slot(cf, cmd, conf);

    return ngx_http_realtime_value(cf, rv, *field > 0,
                                   "a time above 0, such as \"25s\"");
}


/* the same, 0 among them */

char *
ngx_http_realtime_set_time(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    return ngx_http_realtime_value(cf, ngx_conf_set_msec_slot(cf, cmd, conf),
                                   1, "a time, such as \"10s\"");
}


char *
ngx_http_realtime_set_size(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char    *rv;
    size_t  *field = (size_t *) ((char *) conf + cmd->offset);

    rv = ngx_conf_set_size_slot(cf, cmd, conf);

    return ngx_http_realtime_value(cf, rv, *field > 0
                                   && *field <= NGX_HTTP_REALTIME_SIZE_MAX,
                                   "a size from 1 to 256m, such as \"1m\"");
}


char *
ngx_http_realtime_set_number(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char       *rv;
    ngx_int_t  *field = (ngx_int_t *) ((char *) conf + cmd->offset);

    rv = ngx_conf_set_num_slot(cf, cmd, conf);

    return ngx_http_realtime_value(cf, rv, *field > 0,
                                   "a whole number above 0");
}


char *
ngx_http_realtime_set_transports(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_str_t   *value = cf->args->elts;
    ngx_uint_t   i;
    ngx_uint_t  *field = (ngx_uint_t *) ((char *) conf + cmd->offset);

    if (*field) {
        return "is duplicate";
    }

    *field = NGX_CONF_BITMASK_SET;

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_strcmp(value[i].data, "polling") == 0) {
            *field |= NGX_HTTP_REALTIME_POLLING;

        } else if (ngx_strcmp(value[i].data, "websocket") == 0) {
            *field |= NGX_HTTP_REALTIME_WEBSOCKET;

        } else {
            return ngx_http_realtime_bad_value(cf, &value[i],
                                           "\"polling\" and/or \"websocket\"");
        }
    }

    return NGX_CONF_OK;
}


/* what nginx's setter returned, and whether the value makes sense */

static char *
ngx_http_realtime_value(ngx_conf_t *cf, char *rv, ngx_uint_t good,
    const char *expected)
{
    ngx_str_t  *value = cf->args->elts;

    if (rv == NGX_CONF_OK && good) {
        return NGX_CONF_OK;
    }

    if (rv != NGX_CONF_OK && rv != NGX_CONF_ERROR
        && ngx_strcmp(rv, "is duplicate") == 0)
    {
        return rv;
    }

    return ngx_http_realtime_bad_value(cf, &value[1], expected);
}


char *
ngx_http_realtime_bad_value(ngx_conf_t *cf, ngx_str_t *value,
    const char *expected)
{
    ngx_str_t  *name = cf->args->elts;

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid value \"%V\" of \"%V\": it must be %s",
                       value, name, expected);

    return NGX_CONF_ERROR;
}
