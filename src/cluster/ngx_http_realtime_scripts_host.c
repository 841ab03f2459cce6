
/*
 * ngx_http_realtime_scripts_host.c: which hosts there are.
 *
 * A sorted set by the time when something is over.  "a:" and a host: its
 * lease; "p:" and a host: it is being purged, and somebody's claim; "z:" and a
 * host: one that was taken for dead has written again, and has to be purged
 * again unless it does so itself.
 *
 * Hosts go on while Redis has no memory left: else all were taken for dead.
 */


#include "cluster/ngx_http_realtime_scripts_inner.h"


/* PEXPIRE first: see scripts_room.c */

#define NGX_HTTP_REALTIME_SCRIPT_HOST                                         \
    "local key = KEYS[1]\n"                                                   \
    NGX_HTTP_REALTIME_SCRIPT_NOW                                              \
    "\n"                                                                      \
    "local function put(member, score)\n"                                     \
    "    local life = " NGX_HTTP_REALTIME_SCRIPT_HOSTS "\n"                   \
    "    redis.call('PEXPIRE', key, life)\n"                                  \
    "    redis.call('ZADD', key, string.format('%.0f', score), member)\n"     \
    "    redis.call('PEXPIRE', key, life)\n"                                  \
    "end\n"                                                                   \
    "\n"


const char  ngx_http_realtime_script_host_beat[] =
    NGX_HTTP_REALTIME_SCRIPT_HOST
    "local h, due = ARGV[1], now + tonumber(ARGV[2])\n"
    "local begin = ARGV[3] == '1'\n"
    "\n"
    "local function is(kind)\n"
    "    return redis.call('ZSCORE', key, kind .. h)\n"
    "end\n"
    "\n"
    "if is('a:') or begin and not is('p:') and not is('z:') then\n"
    "    put('a:' .. h, due)\n"
    "    return {1}\n"
    "end\n"
    "if not begin then\n"
    "    put('z:' .. h, due)\n"
    "end\n"
    "\n"
    "return {0}\n";


const char  ngx_http_realtime_script_host_expired[] =
    NGX_HTTP_REALTIME_SCRIPT_HOST
    "local self, due = ARGV[1], now + tonumber(ARGV[2])\n"
    "local over = redis.call('ZRANGEBYSCORE', key, '-inf',\n"
    "                        string.format('%.0f', now))\n"
    "\n"
    "for _, member in ipairs(over) do\n"
    "    local h = string.sub(member, 3)\n"
    "    if h ~= self then\n"
    "        redis.call('ZREM', key, member)\n"
    "        put('p:' .. h, due)\n"
    "        return {h}\n"
    "    end\n"
    "end\n"
    "\n"
    "return {}\n";


const char  ngx_http_realtime_script_host_purging[] =
    NGX_HTTP_REALTIME_SCRIPT_HOST
    "local member, due = 'p:' .. ARGV[1], now + tonumber(ARGV[2])\n"
    "\n"
    "if redis.call('ZSCORE', key, member) then\n"
    "    put(member, due)\n"
    "    return {1}\n"
    "end\n"
    "\n"
    "return {0}\n";


const char  ngx_http_realtime_script_host_purged[] =
    "local key, h = KEYS[1], ARGV[1]\n"
    "\n"
    "redis.call('ZREM', key, 'p:' .. h)\n"
    "if ARGV[2] == '1' then\n"
    "    redis.call('ZREM', key, 'a:' .. h, 'z:' .. h)\n"
    "end\n"
    "\n"
    "return {}\n";


const char  ngx_http_realtime_script_host_leave[] =
    NGX_HTTP_REALTIME_SCRIPT_HOST
    "local member = 'a:' .. ARGV[1]\n"
    "\n"
    "if redis.call('ZSCORE', key, member) then\n"
    "    put(member, 0)\n"
    "end\n"
    "\n"
    "return {}\n";
