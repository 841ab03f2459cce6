
/*
 * ngx_http_realtime_scripts.c: the table of scripts.
 */


#include "cluster/ngx_http_realtime_scripts_inner.h"

#include <openssl/evp.h>


#define NGX_HTTP_REALTIME_SCRIPT_SHA1  (NGX_HTTP_REALTIME_SCRIPT_HEX / 2)


const ngx_http_realtime_script_t
ngx_http_realtime_scripts[NGX_HTTP_REALTIME_SCRIPTS] = {
    { "room_join", 4, ngx_http_realtime_script_room_join },
    { "room_leave", 2, ngx_http_realtime_script_room_leave },
    { "room_anon", 3, ngx_http_realtime_script_room_anon },
    { "room_read", 0, ngx_http_realtime_script_room_read },
    { "room_sync", 5, ngx_http_realtime_script_room_sync },
    { "room_purge", 1, ngx_http_realtime_script_room_purge },
    { "pres_on", 4, ngx_http_realtime_script_pres_on },
    { "pres_off", 1, ngx_http_realtime_script_pres_off },
    { "pres_get", 0, ngx_http_realtime_script_pres_get },
    { "typ_start", 3, ngx_http_realtime_script_typ_start },
    { "typ_stop", 2, ngx_http_realtime_script_typ_stop },
    { "typ_purge", 1, ngx_http_realtime_script_typ_purge },
    { "limit", 4, ngx_http_realtime_script_limit },
    { "conn_set", 4, ngx_http_realtime_script_conn_set },
    { "host_beat", 3, ngx_http_realtime_script_host_beat },
    { "host_expired", 2, ngx_http_realtime_script_host_expired },
    { "host_purging", 2, ngx_http_realtime_script_host_purging },
    { "host_purged", 2, ngx_http_realtime_script_host_purged },
    { "host_leave", 1, ngx_http_realtime_script_host_leave }
};


rt_int_t
ngx_http_realtime_script_sha1(const ngx_http_realtime_script_t *script,
    u_char *dst)
{
    u_char        sha1[NGX_HTTP_REALTIME_SCRIPT_SHA1];
    unsigned int  i, n;

    static const char  hex[] = "0123456789abcdef";

    if (EVP_Digest(script->text, strlen(script->text), sha1, &n, EVP_sha1(),
                   NULL)
        != 1)
    {
        return RT_ERROR;
    }

    for (i = 0; i < NGX_HTTP_REALTIME_SCRIPT_SHA1; i++) {
        *dst++ = (u_char) hex[sha1[i] >> 4];
        *dst++ = (u_char) hex[sha1[i] & 0xf];
    }

    return RT_OK;
}
