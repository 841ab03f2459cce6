
/*
 * Directives whose value has structure.
 */


#include "module/ngx_http_realtime_conf.h"
#include "endpoint/ngx_http_realtime_metrics.h"


static ngx_int_t ngx_http_realtime_set_action(ngx_conf_t *cf,
    ngx_str_t *value, ngx_uint_t *i, ngx_http_realtime_action_t *action);
static ngx_int_t ngx_http_realtime_set_connect(ngx_conf_t *cf,
    ngx_http_realtime_rule_t *rule, ngx_http_realtime_action_t *action);
static ngx_int_t ngx_http_realtime_json_string(ngx_conf_t *cf,
    ngx_str_t *text, rt_str_t *json);
static char *ngx_http_realtime_set_regex(ngx_conf_t *cf, ngx_str_t *pattern,
    ngx_http_realtime_nsp_conf_t *nsp);
static ngx_int_t ngx_http_realtime_metrics_location(ngx_http_request_t *r);


static const struct {
    rt_str_t                    name;
    ngx_http_realtime_action_e  type;
    ngx_uint_t                  as;         /* may be followed by "as NAME" */
} ngx_http_realtime_actions[] = {
    { rt_string("relay"), NGX_HTTP_REALTIME_ACTION_RELAY, 1 },
    { rt_string("echo"), NGX_HTTP_REALTIME_ACTION_ECHO, 1 },
    { rt_string("ack"), NGX_HTTP_REALTIME_ACTION_ACK, 0 },
    { rt_string("drop"), NGX_HTTP_REALTIME_ACTION_DROP, 0 }
};


char *
ngx_http_realtime_set_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ssize_t                         size;
    ngx_str_t                      *value = cf->args->elts;
    ngx_http_realtime_main_conf_t  *rmcf = conf;

    if (rmcf->zone) {
        return "is duplicate";
    }

    size = ngx_parse_size(&value[2]);

    if (size == NGX_ERROR || size < NGX_HTTP_REALTIME_ZONE_MIN) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid size \"%V\" of realtime_zone \"%V\": it "
                           "must be at least 1m", &value[2], &value[1]);
        return NGX_CONF_ERROR;
    }

    rmcf->zone_size = size;
    rmcf->zone = ngx_http_realtime_zone_add(cf, &value[1], size);

    return rmcf->zone ? NGX_CONF_OK : NGX_CONF_ERROR;
}


char *
ngx_http_realtime_set_cors_origin(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    char                          *rv;
    ngx_str_t                     *value = cf->args->elts;
    ngx_uint_t                     i;
    ngx_http_realtime_loc_conf_t  *rlcf = conf;

    if (rlcf->transport.cors.origins != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    rlcf->transport.cors.origins = NULL;
    rlcf->transport.cors.any = 0;

    for (i = 1; i < cf->args->nelts; i++) {
        rv = ngx_http_realtime_add_origins(cf, &rlcf->transport.cors,
                                           &value[i], "realtime_cors_origin");
        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    return NGX_CONF_OK;
}


char *
ngx_http_realtime_add_origins(ngx_conf_t *cf,
    ngx_http_realtime_cors_conf_t *cors, ngx_str_t *list, const char *source)
{
    u_char     *p, *end, *last = list->data + list->len;
    ngx_str_t  *origin, one;

    if (cors->origins == NULL) {
        cors->origins = ngx_array_create(cf->pool, 2, sizeof(ngx_str_t));
        if (cors->origins == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    for (p = list->data; p < last; p = end + 1) {

        while (p < last && *p == ' ') {
            p++;
        }

        end = ngx_strlchr(p, last, ',');
        end = end ? end : last;

        one.data = p;
        one.len = end - p;

        while (one.len && p[one.len - 1] == ' ') {
            one.len--;
        }

        if (one.len == 1 && *p == '*') {
            cors->any = 1;
            continue;
        }

        if (!(one.len == 4 && ngx_strncmp(p, "null", 4) == 0)
            && (ngx_strnstr(p, "://", one.len) == NULL
                || p[one.len - 1] == '/'))
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid origin \"%V\" in %s: it must look "
                               "like \"https://example.com\", without a path, "
                               "or be \"*\"", &one, source);
            return NGX_CONF_ERROR;
        }

        origin = ngx_array_push(cors->origins);
        if (origin == NULL) {
            return NGX_CONF_ERROR;
        }

        *origin = one;
    }

    return NGX_CONF_OK;
}


char *
ngx_http_realtime_set_namespace(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    char                          *rv;
    ngx_str_t                     *value = cf->args->elts, pattern;
    ngx_uint_t                     i;
    ngx_http_realtime_nsp_conf_t  *nsp;
    ngx_http_realtime_loc_conf_t  *rlcf = conf;

    if (rlcf->events.namespaces == NULL) {
        rlcf->events.namespaces = ngx_array_create(cf->pool, 2,
                                       sizeof(ngx_http_realtime_nsp_conf_t));
        if (rlcf->events.namespaces == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    for (i = 1; i < cf->args->nelts; i++) {

        nsp = ngx_array_push(rlcf->events.namespaces);
        if (nsp == NULL) {
            return NGX_CONF_ERROR;
        }

        ngx_memzero(nsp, sizeof(ngx_http_realtime_nsp_conf_t));
        nsp->name = ngx_http_realtime_str(&value[i]);

        if (value[i].len && value[i].data[0] == '~') {
            pattern.data = value[i].data + 1;
            pattern.len = value[i].len - 1;

            rv = ngx_http_realtime_set_regex(cf, &pattern, nsp);
            if (rv != NGX_CONF_OK) {
                return rv;
            }

            continue;
        }

        if (value[i].len == 0 || value[i].data[0] != '/'
            || value[i].len > RT_SIO_MAX_NSP)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid value \"%V\" of realtime_namespace: it "
                               "must begin with \"/\" and have at most %d "
                               "characters",
                               &value[i], RT_SIO_MAX_NSP);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


#if (NGX_PCRE)

static ngx_int_t
ngx_http_realtime_match_regex(void *data, rt_str_t name)
{
    ngx_str_t  text;

    text.len = name.len;
    text.data = (u_char *) name.data;

    return ngx_regex_exec((ngx_regex_t *) data, &text, NULL, 0) >= 0;
}


static char *
ngx_http_realtime_set_regex(ngx_conf_t *cf, ngx_str_t *pattern,
    ngx_http_realtime_nsp_conf_t *nsp)
{
    u_char               err[NGX_MAX_CONF_ERRSTR];
    ngx_regex_compile_t  rc;

    ngx_memzero(&rc, sizeof(ngx_regex_compile_t));

    rc.pattern = *pattern;
    rc.pool = cf->pool;
    rc.err.len = NGX_MAX_CONF_ERRSTR;
    rc.err.data = err;

    if (ngx_regex_compile(&rc) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid value \"~%V\" of realtime_namespace: %V",
                           pattern, &rc.err);
        return NGX_CONF_ERROR;
    }

    nsp->match = ngx_http_realtime_match_regex;
    nsp->data = rc.regex;

    return NGX_CONF_OK;
}

#else

static char *
ngx_http_realtime_set_regex(ngx_conf_t *cf, ngx_str_t *pattern,
    ngx_http_realtime_nsp_conf_t *nsp)
{
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "realtime_namespace \"~%V\" needs the PCRE library",
                       pattern);
    return NGX_CONF_ERROR;
}

#endif


char *
ngx_http_realtime_set_on(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t                     *value = cf->args->elts;
    ngx_uint_t                     i;
    ngx_http_realtime_rule_t      *rule;
    ngx_http_realtime_action_t    *action;
    ngx_http_realtime_loc_conf_t  *rlcf = conf;

    if (rlcf->events.rules == NULL) {
        rlcf->events.rules = ngx_array_create(cf->pool, 4,
                                           sizeof(ngx_http_realtime_rule_t));
    }

    rule = rlcf->events.rules ? ngx_array_push(rlcf->events.rules) : NULL;
    action = ngx_pcalloc(cf->pool, cf->args->nelts
                                   * sizeof(ngx_http_realtime_action_t));

    if (rule == NULL || action == NULL) {
        return NGX_CONF_ERROR;
    }

    rule->name = ngx_http_realtime_str(&value[1]);
    rule->prefix = 0;
    rule->actions = action;
    rule->n = 0;

    if (value[1].len == 0 || value[1].len > NGX_HTTP_REALTIME_EVENT_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid event name \"%V\" in realtime_on: it must "
                           "have 1 to %d bytes", &value[1],
                           NGX_HTTP_REALTIME_EVENT_MAX);
        return NGX_CONF_ERROR;
    }

    if (value[1].data[value[1].len - 1] == '*') {
        rule->prefix = 1;
        rule->name.len--;
    }

    for (i = 2; i < cf->args->nelts; i++, rule->n++) {
        if (ngx_http_realtime_set_action(cf, value, &i, &action[rule->n])
            != NGX_OK
            || ngx_http_realtime_set_connect(cf, rule, &action[rule->n])
               != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


/* off | on [time [size]] */

char *
ngx_http_realtime_set_recovery(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ssize_t                            size = NGX_MAX_SIZE_T_VALUE;
    ngx_int_t                          time = NGX_HTTP_REALTIME_RECOVERY;
    ngx_str_t                         *value = cf->args->elts;
    ngx_uint_t                         n = cf->args->nelts;
    ngx_http_realtime_loc_conf_t      *rlcf = conf;
    ngx_http_realtime_session_conf_t  *session = &rlcf->transport.session;

    if (session->recovery != NGX_CONF_UNSET_MSEC) {
        return "is duplicate";
    }

    if (ngx_strcmp(value[1].data, "off") == 0) {
        session->recovery = 0;
        session->recovery_limit = 0;

        return (n == 2) ? NGX_CONF_OK
                        : ngx_http_realtime_bad_value(cf, &value[2],
                                                "nothing, behind \"off\"");
    }

    if (ngx_strcmp(value[1].data, "on") != 0) {
        return ngx_http_realtime_bad_value(cf, &value[1],
                                           "\"on\" or \"off\"");
    }

    if (n > 2) {
        time = ngx_parse_time(&value[2], 0);

        if (time < 1 || (ngx_msec_t) time > NGX_HTTP_REALTIME_RECOVERY_MAX) {
            return ngx_http_realtime_bad_value(cf, &value[2],
                          "a time above 0 and up to 18h, such as \"120s\"");
        }
    }

    if (n > 3) {
        size = ngx_parse_size(&value[3]);

        if (size < 1) {
            return ngx_http_realtime_bad_value(cf, &value[3],
                                       "a size above 0, such as \"16m\"");
        }
    }

    session->recovery = time;
    session->recovery_limit = size;

    return NGX_CONF_OK;
}


/* when a client connects, there is no room yet, and no ack */

static ngx_int_t
ngx_http_realtime_set_connect(ngx_conf_t *cf, ngx_http_realtime_rule_t *rule,
    ngx_http_realtime_action_t *action)
{
    if (!rt_str_eq(rule->name, rt_lit("connect")) || rule->prefix
        || action->type == NGX_HTTP_REALTIME_ACTION_DROP
        || (action->type == NGX_HTTP_REALTIME_ACTION_ECHO && action->as.len))
    {
        return NGX_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid action in realtime_on for the event "
                       "\"connect\": it must be \"echo as NAME\" or \"drop\"");

    return NGX_ERROR;
}


/* an action at value[*i], with its "as NAME" */

static ngx_int_t
ngx_http_realtime_set_action(ngx_conf_t *cf, ngx_str_t *value, ngx_uint_t *i,
    ngx_http_realtime_action_t *action)
{
    ngx_uint_t  n, last = cf->args->nelts - 1;

    for (n = 0; n < rt_nitems(ngx_http_realtime_actions); n++) {
        if (rt_str_eq(ngx_http_realtime_str(&value[*i]),
                      ngx_http_realtime_actions[n].name))
        {
            break;
        }
    }

    if (n == rt_nitems(ngx_http_realtime_actions)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "unknown action \"%V\" in realtime_on for the event "
                           "\"%V\": it must be \"relay\", \"echo\", \"ack\" or "
                           "\"drop\"",
                           &value[*i], &value[1]);
        return NGX_ERROR;
    }

    action->type = ngx_http_realtime_actions[n].type;

    if (*i == last || ngx_strcmp(value[*i + 1].data, "as") != 0) {
        return NGX_OK;
    }

    if (!ngx_http_realtime_actions[n].as || *i + 1 == last
        || value[*i + 2].len == 0)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" in realtime_on for the event \"%V\" cannot "
                           "be followed by \"as\" like this: only \"relay as "
                           "NAME\" and \"echo as NAME\" can",
                           &value[*i], &value[1]);
        return NGX_ERROR;
    }

    *i += 2;

    return ngx_http_realtime_json_string(cf, &value[*i], &action->as);
}


static ngx_int_t
ngx_http_realtime_json_string(ngx_conf_t *cf, ngx_str_t *text, rt_str_t *json)
{
    size_t     size = text->len * RT_BUF_ESCAPED + 2;
    u_char    *p;
    rt_buf_t   b;

    p = ngx_pnalloc(cf->pool, size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    rt_buf_init(&b, p, size);
    rt_buf_json(&b, ngx_http_realtime_str(text));

    *json = rt_buf_str(&b);

    return NGX_OK;
}


char *
ngx_http_realtime_set_metrics(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_core_loc_conf_t       *clcf;
    ngx_http_realtime_main_conf_t  *rmcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    rmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_realtime_module);

    clcf->handler = ngx_http_realtime_metrics_location;
    rmcf->needed = 1;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_realtime_metrics_location(ngx_http_request_t *r)
{
    ngx_http_realtime_main_conf_t  *rmcf;

    rmcf = ngx_http_get_module_main_conf(r, ngx_http_realtime_module);

    return ngx_http_realtime_metrics(r, rmcf->zone);
}
