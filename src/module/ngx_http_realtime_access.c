
/*
 * Directives that say who may connect, what rooms there are, and how much
 * somebody may do.
 */


#include "module/ngx_http_realtime_conf.h"


static rt_jwt_keys_t *ngx_http_realtime_keys(ngx_conf_t *cf,
    ngx_http_realtime_loc_conf_t *rlcf);
static void ngx_http_realtime_keys_cleanup(void *data);
static ngx_int_t ngx_http_realtime_kid(ngx_conf_t *cf, rt_str_t *kid);
static ngx_int_t ngx_http_realtime_read_key(ngx_conf_t *cf, ngx_str_t *path,
    ngx_str_t *text);
static char *ngx_http_realtime_set_names(ngx_conf_t *cf,
    const rt_str_t **names, rt_uint_t *n);
static ngx_int_t ngx_http_realtime_room_param(ngx_conf_t *cf,
    ngx_str_t *value, ngx_http_realtime_kind_t *kind, ngx_uint_t *seen);
static ngx_int_t ngx_http_realtime_limit_time(ngx_conf_t *cf,
    ngx_str_t *value, uint32_t *msec);


/* a shorter secret can be found by trying (RFC 7518, 3.2) */
#define NGX_HTTP_REALTIME_SECRET_MIN  32

#define NGX_HTTP_REALTIME_KEY_MAX     (1024 * 1024)


/* one of each group at most */

static const struct {
    rt_str_t                  name;
    ngx_http_realtime_kind_t  kind;
    ngx_uint_t                group;
} ngx_http_realtime_room_types[] = {
    { rt_string("type=channel"), NGX_HTTP_REALTIME_ROOM_CHANNEL, 1 },
    { rt_string("type=dm"), NGX_HTTP_REALTIME_ROOM_DM, 1 },
    { rt_string("type=group"), NGX_HTTP_REALTIME_ROOM_GROUP, 1 },
    { rt_string("type=broadcast"), NGX_HTTP_REALTIME_ROOM_BROADCAST, 1 },
    { rt_string("visibility=public"), 0, 2 },
    { rt_string("visibility=private"), NGX_HTTP_REALTIME_ROOM_PRIVATE, 2 },
    { rt_string("announce=on"), 0, 4 },
    { rt_string("announce=off"), NGX_HTTP_REALTIME_ROOM_QUIET, 4 }
};


char *
ngx_http_realtime_set_jwt_secret(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    rt_str_t    kid;
    ngx_str_t  *value = cf->args->elts;

    if (ngx_http_realtime_kid(cf, &kid) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return ngx_http_realtime_add_secret(cf, conf, &value[1], kid,
                                        "realtime_jwt_secret");
}


/* never says what the secret is */

char *
ngx_http_realtime_add_secret(ngx_conf_t *cf,
    ngx_http_realtime_loc_conf_t *rlcf, ngx_str_t *secret, rt_str_t kid,
    const char *source)
{
    const char     *why;
    rt_jwt_keys_t  *keys;

    keys = ngx_http_realtime_keys(cf, rlcf);
    if (keys == NULL) {
        return NGX_CONF_ERROR;
    }

    if (rt_jwt_keys_add_secret(keys, ngx_http_realtime_str(secret), kid, &why)
        != RT_OK)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%s: %s", source, why);
        return NGX_CONF_ERROR;
    }

    if (secret->len < NGX_HTTP_REALTIME_SECRET_MIN) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "%s has a secret of %uz bytes: one of fewer than "
                           "%d can be found by trying", source, secret->len,
                           NGX_HTTP_REALTIME_SECRET_MIN);
    }

    return NGX_CONF_OK;
}


char *
ngx_http_realtime_set_jwt_key(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    rt_str_t        kid;
    ngx_str_t      *value = cf->args->elts, text;
    const char     *why;
    rt_jwt_keys_t  *keys;

    keys = ngx_http_realtime_keys(cf, conf);

    if (keys == NULL
        || ngx_http_realtime_kid(cf, &kid) != NGX_OK
        || ngx_http_realtime_read_key(cf, &value[1], &text) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (rt_jwt_keys_add_text(keys, ngx_http_realtime_str(&text), kid, &why)
        != RT_OK)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "no key in \"%V\" of realtime_jwt_key: %s",
                           &value[1], why);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* those of this level; made for the first one */

static rt_jwt_keys_t *
ngx_http_realtime_keys(ngx_conf_t *cf, ngx_http_realtime_loc_conf_t *rlcf)
{
    rt_jwt_policy_t     *jwt = &rlcf->events.access.jwt;
    ngx_pool_cleanup_t  *cln;

    if (jwt->keys) {
        return jwt->keys;
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NULL;
    }

    jwt->keys = rt_jwt_keys_new();

    cln->handler = ngx_http_realtime_keys_cleanup;
    cln->data = jwt->keys;

    return jwt->keys;
}


static void
ngx_http_realtime_keys_cleanup(void *data)
{
    rt_jwt_keys_free(data);
}


/* "kid=ID" is the second argument, or there is none */

static ngx_int_t
ngx_http_realtime_kid(ngx_conf_t *cf, rt_str_t *kid)
{
    ngx_str_t  *value = cf->args->elts;

    *kid = rt_lit("");

    if (cf->args->nelts == 2) {
        return NGX_OK;
    }

    if (value[2].len <= sizeof("kid=") - 1
        || ngx_strncmp(value[2].data, "kid=", sizeof("kid=") - 1) != 0)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\" of %V: it must be "
                           "\"kid=ID\"", &value[2], &value[0]);
        return NGX_ERROR;
    }

    *kid = rt_str(value[2].len - (sizeof("kid=") - 1),
                  value[2].data + sizeof("kid=") - 1);

    return NGX_OK;
}


static ngx_int_t
ngx_http_realtime_read_key(ngx_conf_t *cf, ngx_str_t *path, ngx_str_t *text)
{
    ssize_t     n;
    ngx_fd_t    fd;
    ngx_int_t   rc = NGX_ERROR;

    if (ngx_conf_full_name(cf->cycle, path, 1) != NGX_OK) {
        return NGX_ERROR;
    }

    text->data = ngx_pnalloc(cf->pool, NGX_HTTP_REALTIME_KEY_MAX);
    if (text->data == NULL) {
        return NGX_ERROR;
    }

    fd = ngx_open_file(path->data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_open_file_n " \"%V\" of realtime_jwt_key "
                           "failed", path);
        return NGX_ERROR;
    }

    n = ngx_read_fd(fd, text->data, NGX_HTTP_REALTIME_KEY_MAX);

    if (n == NGX_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_read_fd_n " \"%V\" of realtime_jwt_key failed",
                           path);

    } else if (n == NGX_HTTP_REALTIME_KEY_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" of realtime_jwt_key is too long for a "
                           "file of keys: at most %d bytes", path,
                           NGX_HTTP_REALTIME_KEY_MAX - 1);

    } else {
        text->len = n;
        rc = NGX_OK;
    }

    if (ngx_close_file(fd) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, ngx_errno,
                           ngx_close_file_n " \"%V\" failed", path);
    }

    return rc;
}


char *
ngx_http_realtime_set_jwt_issuer(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_realtime_loc_conf_t  *rlcf = conf;
    rt_jwt_policy_t               *jwt = &rlcf->events.access.jwt;

    return ngx_http_realtime_set_names(cf, &jwt->issuers, &jwt->nissuers);
}


char *
ngx_http_realtime_set_jwt_audience(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_realtime_loc_conf_t  *rlcf = conf;
    rt_jwt_policy_t               *jwt = &rlcf->events.access.jwt;

    return ngx_http_realtime_set_names(cf, &jwt->audiences, &jwt->naudiences);
}


static char *
ngx_http_realtime_set_names(ngx_conf_t *cf, const rt_str_t **names,
    rt_uint_t *n)
{
    rt_str_t    *list;
    ngx_str_t   *value = cf->args->elts;
    ngx_uint_t   i;

    if (*names) {
        return "is duplicate";
    }

    *n = cf->args->nelts - 1;

    list = ngx_palloc(cf->pool, *n * sizeof(rt_str_t));
    if (list == NULL) {
        return NGX_CONF_ERROR;
    }

    for (i = 0; i < *n; i++) {
        list[i] = ngx_http_realtime_str(&value[i + 1]);
    }

    *names = list;

    return NGX_CONF_OK;
}


char *
ngx_http_realtime_set_room(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t                        *value = cf->args->elts;
    ngx_uint_t                        i, seen = 0;
    ngx_http_realtime_loc_conf_t     *rlcf = conf;
    ngx_http_realtime_room_rule_t    *rule;
    ngx_http_realtime_access_conf_t  *access = &rlcf->events.access;

    if (!rt_room_pattern_valid(ngx_http_realtime_str(&value[1]))) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid name \"%V\" of realtime_room: it must be "
                           "1 to 255 of a-z 0-9 - _, or the beginning of such "
                           "a name and \"*\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    if (access->rooms == NULL) {
        access->rooms = ngx_array_create(cf->pool, 4,
                                       sizeof(ngx_http_realtime_room_rule_t));
        if (access->rooms == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    rule = access->rooms->elts;

    for (i = 0; i < access->rooms->nelts; i++) {
        if (rt_str_eq(rule[i].pattern, ngx_http_realtime_str(&value[1]))) {
            return "is duplicate";
        }
    }

    rule = ngx_array_push(access->rooms);
    if (rule == NULL) {
        return NGX_CONF_ERROR;
    }

    rule->pattern = ngx_http_realtime_str(&value[1]);
    rule->kind = 0;

    for (i = 2; i < cf->args->nelts; i++) {
        if (ngx_http_realtime_room_param(cf, &value[i], &rule->kind, &seen)
            != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


/* "*seen" are the groups that were named already */

static ngx_int_t
ngx_http_realtime_room_param(ngx_conf_t *cf, ngx_str_t *value,
    ngx_http_realtime_kind_t *kind, ngx_uint_t *seen)
{
    ngx_uint_t  i;

    for (i = 0; i < rt_nitems(ngx_http_realtime_room_types); i++) {

        if (!rt_str_eq(ngx_http_realtime_room_types[i].name,
                       ngx_http_realtime_str(value)))
        {
            continue;
        }

        if (*seen & ngx_http_realtime_room_types[i].group) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "parameter \"%V\" of realtime_room comes after "
                               "another one of its kind", value);
            return NGX_ERROR;
        }

        *seen |= ngx_http_realtime_room_types[i].group;
        *kind |= ngx_http_realtime_room_types[i].kind;

        return NGX_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid parameter \"%V\" of realtime_room: it must be "
                       "\"type=\" and channel, dm, group or broadcast, "
                       "\"visibility=\" and public or private, or "
                       "\"announce=\" and on or off", value);
    return NGX_ERROR;
}


/* "off", or a number, a time, and perhaps "block=" and a time */

char *
ngx_http_realtime_set_limit(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_int_t         n;
    ngx_str_t        *value = cf->args->elts, *bad, block;
    ngx_uint_t        nelts = cf->args->nelts;
    rt_limit_conf_t  *limit = (rt_limit_conf_t *) ((char *) conf
                                                   + cmd->offset);

    if (limit->period != NGX_HTTP_REALTIME_LIMIT_UNSET) {
        return "is duplicate";
    }

    ngx_memzero(limit, sizeof(rt_limit_conf_t));

    if (nelts == 2 && ngx_strcmp(value[1].data, "off") == 0) {
        return NGX_CONF_OK;
    }

    bad = &value[1];
    n = ngx_atoi(value[1].data, value[1].len);

    if (n <= 0 || n > NGX_MAX_INT32_VALUE || nelts == 2) {
        goto invalid;
    }

    limit->points = n;
    bad = &value[2];

    if (ngx_http_realtime_limit_time(cf, &value[2], &limit->period)
        != NGX_OK)
    {
        goto invalid;
    }

    if (nelts == 3) {
        return NGX_CONF_OK;
    }

    bad = &value[3];
    block = value[3];

    if (ngx_strncmp(block.data, "block=", sizeof("block=") - 1) != 0) {
        goto invalid;
    }

    block.data += sizeof("block=") - 1;
    block.len -= sizeof("block=") - 1;

    if (ngx_http_realtime_limit_time(cf, &block, &limit->block) == NGX_OK) {
        return NGX_CONF_OK;
    }

invalid:

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid value \"%V\" of %V: it must be \"off\", or a "
                       "number above 0, a time and perhaps another one, as in "
                       "\"100 60s block=300s\"", bad, &value[0]);
    return NGX_CONF_ERROR;
}


static ngx_int_t
ngx_http_realtime_limit_time(ngx_conf_t *cf, ngx_str_t *value, uint32_t *msec)
{
    ngx_int_t  n;

    n = ngx_parse_time(value, 0);

    if (n == NGX_ERROR || n == 0 || n > NGX_MAX_INT32_VALUE) {
        return NGX_ERROR;
    }

    *msec = n;

    return NGX_OK;
}


/*
 * What a limit is unless its directive says so here or further out: the
 * variable, if it has one, or what the brief has.
 */

void
ngx_http_realtime_merge_limit(rt_limit_conf_t *conf, rt_limit_conf_t *prev,
    uint32_t points, uint32_t period, uint32_t block)
{
    if (conf->period == NGX_HTTP_REALTIME_LIMIT_UNSET) {
        *conf = *prev;
    }

    if (conf->period == NGX_HTTP_REALTIME_LIMIT_UNSET) {
        conf->points = points;
        conf->period = points ? period : 0;
        conf->block = block;
    }
}
