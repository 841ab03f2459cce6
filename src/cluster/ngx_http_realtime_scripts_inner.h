
/*
 * ngx_http_realtime_scripts_inner.h: what the files of scripts share.
 */


#ifndef _NGX_HTTP_REALTIME_SCRIPTS_INNER_H_INCLUDED_
#define _NGX_HTTP_REALTIME_SCRIPTS_INNER_H_INCLUDED_


#include "cluster/ngx_http_realtime_scripts.h"


/*
 * Who has a user: ",H1,H2,", in the order in which they came; nobody: "".
 * The first one is who had to tell that the user is there: so a call whose
 * answer was lost gets the same again.
 */

#define NGX_HTTP_REALTIME_SCRIPT_LIST                                         \
    "local key, h = KEYS[1], ARGV[1]\n"                                       \
    "local tag = ',' .. h .. ','\n"                                           \
    "\n"                                                                      \
    "local function with(list)\n"                                             \
    "    if list == '' then\n"                                                \
    "        return tag\n"                                                    \
    "    end\n"                                                               \
    "    if string.find(list, tag, 1, true) then\n"                           \
    "        return list\n"                                                   \
    "    end\n"                                                               \
    "    return list .. h .. ','\n"                                           \
    "end\n"                                                                   \
    "\n"                                                                      \
    "local function without(list)\n"                                          \
    "    if list == tag then\n"                                               \
    "        return ''\n"                                                     \
    "    end\n"                                                               \
    "    local i, j = string.find(list, tag, 1, true)\n"                      \
    "    if not i then\n"                                                     \
    "        return list\n"                                                   \
    "    end\n"                                                               \
    "    return string.sub(list, 1, i) .. string.sub(list, j + 1)\n"          \
    "end\n"                                                                   \
    "\n"                                                                      \
    "local function begins(list)\n"                                           \
    "    return string.sub(list, 1, #tag) == tag\n"                           \
    "end\n"                                                                   \
    "\n"


#define NGX_HTTP_REALTIME_SCRIPT_NOW                                          \
    "local time = redis.call('TIME')\n"                                       \
    "local now = time[1] * 1000 + math.floor(time[2] / 1000)\n"


extern const char  ngx_http_realtime_script_room_join[];
extern const char  ngx_http_realtime_script_room_leave[];
extern const char  ngx_http_realtime_script_room_anon[];
extern const char  ngx_http_realtime_script_room_read[];
extern const char  ngx_http_realtime_script_room_sync[];
extern const char  ngx_http_realtime_script_room_purge[];

extern const char  ngx_http_realtime_script_pres_on[];
extern const char  ngx_http_realtime_script_pres_off[];
extern const char  ngx_http_realtime_script_pres_get[];

extern const char  ngx_http_realtime_script_typ_start[];
extern const char  ngx_http_realtime_script_typ_stop[];
extern const char  ngx_http_realtime_script_typ_purge[];

extern const char  ngx_http_realtime_script_limit[];
extern const char  ngx_http_realtime_script_conn_set[];

extern const char  ngx_http_realtime_script_host_beat[];
extern const char  ngx_http_realtime_script_host_expired[];
extern const char  ngx_http_realtime_script_host_purging[];
extern const char  ngx_http_realtime_script_host_purged[];
extern const char  ngx_http_realtime_script_host_leave[];


#endif /* _NGX_HTTP_REALTIME_SCRIPTS_INNER_H_INCLUDED_ */
