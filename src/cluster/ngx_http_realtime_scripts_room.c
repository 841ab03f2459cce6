
/*
 * ngx_http_realtime_scripts_room.c: who is in a room, over all hosts.
 *
 * A hash.  "u:" and a user: the hosts that have the user, as a list; "a:" and
 * a host: its anonymous sockets; "c:" and a host: its users, so that nobody
 * looks for them where there are none; "n": people; "q": quiet, or not.  A
 * room with nobody in it is not there.
 *
 * While Redis has no memory left only a script that has written already may
 * store: one that takes away begins with PEXPIRE, which is never refused.
 */


#include "cluster/ngx_http_realtime_scripts_inner.h"


#define NGX_HTTP_REALTIME_SCRIPT_ROOM                                         \
    "local life = " NGX_HTTP_REALTIME_SCRIPT_LIFE "\n"                        \
    "\n"                                                                      \
    "local function store(name, n)\n"                                         \
    "    if n > 0 then\n"                                                     \
    "        redis.call('HSET', key, name .. h, n)\n"                         \
    "    else\n"                                                              \
    "        redis.call('HDEL', key, name .. h)\n"                            \
    "    end\n"                                                               \
    "end\n"                                                                   \
    "\n"


/*
 * Takes H away from all users but those to keep: the users that no host has
 * now.  Redis hands over a few thousand arguments at most.
 */

#define NGX_HTTP_REALTIME_SCRIPT_ROOM_MANY                                    \
    "local function many(command, list)\n"                                    \
    "    for i = 1, #list, 1000 do\n"                                         \
    "        redis.call(command, key,\n"                                      \
    "                   unpack(list, i, math.min(i + 999, #list)))\n"         \
    "    end\n"                                                               \
    "end\n"                                                                   \
    "\n"                                                                      \
    "local function drop(keep)\n"                                             \
    "    local gone, del, set = {}, {}, {}\n"                                 \
    "    local all = redis.call('HGETALL', key)\n"                            \
    "    for i = 1, #all, 2 do\n"                                             \
    "        local field, hosts = all[i], all[i + 1]\n"                       \
    "        if string.sub(field, 1, 2) == 'u:' and not keep[field]\n"        \
    "        then\n"                                                          \
    "            local left = without(hosts)\n"                            \
    "            if left == '' then\n"                                        \
    "                del[#del + 1] = field\n"                                 \
    "                gone[#gone + 1] = string.sub(field, 3)\n"                \
    "            elseif left ~= hosts then\n"                                 \
    "                set[#set + 1] = field\n"                                 \
    "                set[#set + 1] = left\n"                                  \
    "            end\n"                                                       \
    "        end\n"                                                           \
    "    end\n"                                                               \
    "    many('HDEL', del)\n"                                                 \
    "    many('HSET', set)\n"                                                 \
    "    return gone\n"                                                       \
    "end\n"                                                                   \
    "\n"


const char  ngx_http_realtime_script_room_join[] =
    NGX_HTTP_REALTIME_SCRIPT_LIST
    NGX_HTTP_REALTIME_SCRIPT_ROOM
    "local user, quiet = 'u:' .. ARGV[2], ARGV[3]\n"
    "local max = tonumber(ARGV[4])\n"
    "local had = redis.call('HMGET', key, user, 'n')\n"
    "local hosts, n = had[1] or '', tonumber(had[2] or 0)\n"
    "\n"
    "if hosts == '' then\n"
    "    if max > 0 and n >= max then\n"
    "        return {0, n, 1}\n"
    "    end\n"
    "    n = n + 1\n"
    "end\n"
    "\n"
    "local list = with(hosts)\n"
    "redis.call('HSET', key, user, list, 'n', n, 'q', quiet)\n"
    "if list ~= hosts then\n"
    "    redis.call('HINCRBY', key, 'c:' .. h, 1)\n"
    "end\n"
    "redis.call('PEXPIRE', key, life)\n"
    "\n"
    "return {begins(list) and 1 or 0, n, 0}\n";


const char  ngx_http_realtime_script_room_leave[] =
    NGX_HTTP_REALTIME_SCRIPT_LIST
    NGX_HTTP_REALTIME_SCRIPT_ROOM
    "local user = 'u:' .. ARGV[2]\n"
    "local had = redis.call('HMGET', key, user, 'n', 'c:' .. h)\n"
    "local hosts, n = had[1] or '', tonumber(had[2] or 0)\n"
    "local list = without(hosts)\n"
    "\n"
    "if list ~= hosts then\n"
    "    redis.call('PEXPIRE', key, life)\n"
    "    store('c:', tonumber(had[3] or 0) - 1)\n"
    "    if list ~= '' then\n"
    "        redis.call('HSET', key, user, list)\n"
    "    elseif n > 1 then\n"
    "        n = redis.call('HINCRBY', key, 'n', -1)\n"
    "        redis.call('HDEL', key, user)\n"
    "    else\n"
    "        n = 0\n"
    "        redis.call('DEL', key)\n"
    "    end\n"
    "end\n"
    "\n"
    "return {list == '' and 1 or 0, n}\n";


const char  ngx_http_realtime_script_room_anon[] =
    NGX_HTTP_REALTIME_SCRIPT_LIST
    NGX_HTTP_REALTIME_SCRIPT_ROOM
    "local count, quiet = tonumber(ARGV[2]), ARGV[3]\n"
    "local had = redis.call('HMGET', key, 'n', 'a:' .. h)\n"
    "local n, anon = tonumber(had[1] or 0), tonumber(had[2] or 0)\n"
    "\n"
    "n = n + count - anon\n"
    "if count <= anon then\n"
    "    redis.call('PEXPIRE', key, life)\n"
    "end\n"
    "if n <= 0 then\n"
    "    redis.call('DEL', key)\n"
    "    return {0}\n"
    "end\n"
    "\n"
    "store('a:', count)\n"
    "redis.call('HSET', key, 'n', n, 'q', quiet)\n"
    "redis.call('PEXPIRE', key, life)\n"
    "\n"
    "return {n}\n";


const char  ngx_http_realtime_script_room_read[] =
    "return {tonumber(redis.call('HGET', KEYS[1], 'n') or 0)}\n";


/* users who are there already are only looked at */

const char  ngx_http_realtime_script_room_sync[] =
    NGX_HTTP_REALTIME_SCRIPT_LIST
    NGX_HTTP_REALTIME_SCRIPT_ROOM
    NGX_HTTP_REALTIME_SCRIPT_ROOM_MANY
    "local quiet, count = ARGV[2], tonumber(ARGV[3])\n"
    "local whole, again = ARGV[4] == '1', ARGV[5] == '1'\n"
    "local had = redis.call('HMGET', key, 'n', 'a:' .. h, 'c:' .. h)\n"
    "local n, anon = tonumber(had[1] or 0), tonumber(had[2] or 0)\n"
    "local users, kept = tonumber(had[3] or 0), 0\n"
    "local fields, keep, set = {}, {}, {}\n"
    "local first, gone = {}, {}\n"
    "\n"
    "local function take(i, hosts)\n"
    "    local field, list = fields[i], with(hosts)\n"
    "    if keep[field] then\n"
    "        return\n"
    "    end\n"
    "    keep[field] = true\n"
    "    kept = kept + 1\n"
    "    if list ~= hosts then\n"
    "        users = users + 1\n"
    "        set[#set + 1] = field\n"
    "        set[#set + 1] = list\n"
    "    end\n"
    "    if hosts == '' then\n"
    "        n = n + 1\n"
    "    end\n"
    "    if hosts == '' or again and begins(list) then\n"
    "        first[#first + 1] = ARGV[i + 5]\n"
    "    end\n"
    "end\n"
    "\n"
    "for i = 1, #ARGV - 5 do\n"
    "    fields[i] = 'u:' .. ARGV[i + 5]\n"
    "end\n"
    "for i = 1, #fields, 1000 do\n"
    "    local lists = redis.call('HMGET', key,\n"
    "        unpack(fields, i, math.min(i + 999, #fields)))\n"
    "    for j = 1, #lists do\n"
    "        take(i + j - 1, lists[j] or '')\n"
    "    end\n"
    "end\n"
    "\n"
    "many('HSET', set)\n"
    "redis.call('PEXPIRE', key, life)\n"
    "if whole and users > kept then\n"
    "    gone = drop(keep)\n"
    "    users = kept\n"
    "end\n"
    "\n"
    "n = n - #gone + count - anon\n"
    "if n <= 0 then\n"
    "    redis.call('DEL', key)\n"
    "    return {0, first, gone}\n"
    "end\n"
    "\n"
    "store('a:', count)\n"
    "store('c:', users)\n"
    "redis.call('HSET', key, 'n', n, 'q', quiet)\n"
    "redis.call('PEXPIRE', key, life)\n"
    "\n"
    "return {n, first, gone}\n";


const char  ngx_http_realtime_script_room_purge[] =
    NGX_HTTP_REALTIME_SCRIPT_LIST
    NGX_HTTP_REALTIME_SCRIPT_ROOM
    NGX_HTTP_REALTIME_SCRIPT_ROOM_MANY
    "local had = redis.call('HMGET', key, 'n', 'a:' .. h, 'c:' .. h, 'q')\n"
    "local n, anon = tonumber(had[1] or 0), tonumber(had[2] or 0)\n"
    "local gone, quiet = {}, tonumber(had[4] or 0)\n"
    "\n"
    "if had[2] or had[3] then\n"
    "    redis.call('PEXPIRE', key, life)\n"
    "    if had[3] then\n"
    "        gone = drop({})\n"
    "    end\n"
    "    n = n - #gone - anon\n"
    "    if n > 0 then\n"
    "        redis.call('HDEL', key, 'a:' .. h, 'c:' .. h)\n"
    "        redis.call('HSET', key, 'n', n)\n"
    "    else\n"
    "        n = 0\n"
    "        redis.call('DEL', key)\n"
    "    end\n"
    "end\n"
    "\n"
    "return {n, gone, anon, quiet}\n";
