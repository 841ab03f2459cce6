
/*
 * ngx_http_realtime_scripts_user.c: what is known of users, over all hosts:
 * their presence, where they type, how much they did, their connections.
 */


#include "cluster/ngx_http_realtime_scripts_inner.h"


/*
 * Presence: a hash.  "on": the hosts that have the user, as a list; "status";
 * "custom", JSON that is not looked into.
 */

const char  ngx_http_realtime_script_pres_on[] =
    NGX_HTTP_REALTIME_SCRIPT_LIST
    "local mode = ARGV[4]\n"
    "local life = " NGX_HTTP_REALTIME_SCRIPT_LIFE "\n"
    "local had = redis.call('HMGET', key, 'on', 'status', 'custom')\n"
    "local hosts, status, custom = had[1] or '', had[2], had[3] or ''\n"
    "local list = with(hosts)\n"
    "local changed = begins(list)\n"
    "\n"
    "if mode == 'set' then\n"
    "    changed = true\n"
    "elseif mode == 'sync' then\n"
    "    changed = hosts == ''\n"
    "end\n"
    "if hosts == '' or mode == 'set' then\n"
    "    status = ARGV[2]\n"
    "    if ARGV[3] ~= '' then\n"
    "        custom = ARGV[3]\n"
    "    end\n"
    "end\n"
    "if list ~= hosts or mode == 'set' then\n"
    "    redis.call('HSET', key, 'on', list, 'status', status,\n"
    "               'custom', custom)\n"
    "end\n"
    "redis.call('PEXPIRE', key, life)\n"
    "\n"
    "return {changed and 1 or 0, status, custom}\n";


/* a user whose custom status is kept is offline, not unknown */

const char  ngx_http_realtime_script_pres_off[] =
    NGX_HTTP_REALTIME_SCRIPT_LIST
    "local had = redis.call('HMGET', key, 'on', 'custom')\n"
    "local hosts, custom = had[1] or '', had[2] or ''\n"
    "local list = without(hosts)\n"
    "local life = " NGX_HTTP_REALTIME_SCRIPT_LIFE "\n"
    "local day = " NGX_HTTP_REALTIME_SCRIPT_DAY "\n"
    "\n"
    "if list ~= hosts then\n"
    "    if list ~= '' then\n"
    "        redis.call('PEXPIRE', key, life)\n"
    "        redis.call('HSET', key, 'on', list)\n"
    "    elseif custom ~= '' then\n"
    "        redis.call('PEXPIRE', key, day)\n"
    "        redis.call('HSET', key, 'status', 'offline')\n"
    "        redis.call('HDEL', key, 'on')\n"
    "    else\n"
    "        redis.call('DEL', key)\n"
    "    end\n"
    "end\n"
    "\n"
    "return {list == '' and 1 or 0, custom, list ~= hosts and 1 or 0}\n";


const char  ngx_http_realtime_script_pres_get[] =
    "local had = redis.call('HMGET', KEYS[1], 'on', 'status', 'custom')\n"
    "return {had[1] and 1 or 0, had[2] or 'offline', had[3] or ''}\n";


/*
 * A thread: a hash.  A host, ":" and a user: in which order it began, and
 * until when it types.  What is over stays until somebody comes by, who then
 * tells; the key lives longer than what it says, so that the users of a host
 * that has vanished are found.
 */

#define NGX_HTTP_REALTIME_SCRIPT_TYP                                          \
    "local key, h = KEYS[1], ARGV[1]\n"                                       \
    "local kept = " NGX_HTTP_REALTIME_SCRIPT_TYPED "\n"                       \
    NGX_HTTP_REALTIME_SCRIPT_NOW                                              \
    "\n"                                                                      \
    /* all that types: { field, user, order, until } by order */              \
    "\n"                                                                      \
    "local function read()\n"                                                 \
    "    local all, out = redis.call('HGETALL', key), {}\n"                   \
    "    for i = 1, #all, 2 do\n"                                             \
    "        local at = string.find(all[i], ':', 1, true)\n"                  \
    "        local order, due = string.match(all[i + 1], '(%d+) (%d+)')\n"    \
    "        out[#out + 1] = {\n"                                             \
    "            field = all[i], user = string.sub(all[i], at + 1),\n"        \
    "            order = tonumber(order), due = tonumber(due)\n"              \
    "        }\n"                                                             \
    "    end\n"                                                               \
    "    table.sort(out, function (a, b)\n"                                   \
    "        return a.order < b.order\n"                                      \
    "    end)\n"                                                              \
    "    return out\n"                                                        \
    "end\n"                                                                   \
    "\n"                                                                      \
    /* users, each once; an entry that "over" says so of is removed */        \
    "\n"                                                                      \
    "local function users(all, over)\n"                                       \
    "    local out, seen = {}, {}\n"                                          \
    "    for _, one in ipairs(all) do\n"                                      \
    "        if over and over(one) then\n"                                    \
    "            redis.call('HDEL', key, one.field)\n"                        \
    "        elseif not seen[one.user] then\n"                                \
    "            seen[one.user] = true\n"                                     \
    "            out[#out + 1] = one.user\n"                                  \
    "        end\n"                                                           \
    "    end\n"                                                               \
    "    return out, seen\n"                                                  \
    "end\n"                                                                   \
    "\n"                                                                      \
    "local function differ(a, b)\n"                                           \
    "    for i = 1, math.max(#a, #b) do\n"                                    \
    "        if a[i] ~= b[i] then\n"                                          \
    "            return true\n"                                               \
    "        end\n"                                                           \
    "    end\n"                                                               \
    "    return false\n"                                                      \
    "end\n"                                                                   \
    "\n"


const char  ngx_http_realtime_script_typ_start[] =
    NGX_HTTP_REALTIME_SCRIPT_TYP
    "local field = h .. ':' .. ARGV[2]\n"
    "local timeout = tonumber(ARGV[3])\n"
    "local due = string.format('%.0f', now + timeout)\n"
    "local had = redis.call('HGET', key, field)\n"
    "local before, order, changed, list\n"
    "\n"
    /* it still does: nobody else is looked at */
    "\n"
    "if had then\n"
    "    order = string.match(had, '%d+')\n"
    "    list = {}\n"
    "else\n"
    "    before = read()\n"
    "    order = 1\n"
    "    if #before > 0 then\n"
    "        order = before[#before].order + 1\n"
    "    end\n"
    "end\n"
    "\n"
    "redis.call('HSET', key, field, order .. ' ' .. due)\n"
    "if redis.call('PTTL', key) < timeout + kept then\n"
    "    redis.call('PEXPIRE', key, timeout + kept)\n"
    "end\n"
    "\n"
    "if not had then\n"
    "    list = users(read(), function (one)\n"
    "        return one.due <= now\n"
    "    end)\n"
    "    changed = differ(users(before), list)\n"
    "end\n"
    "\n"
    "return {changed and 1 or 0, changed and list or {}}\n";


const char  ngx_http_realtime_script_typ_stop[] =
    NGX_HTTP_REALTIME_SCRIPT_TYP
    "local field, user = h .. ':' .. ARGV[2], ARGV[2]\n"
    "local all = read()\n"
    "local before = users(all)\n"
    "local list, seen = users(all, function (one)\n"
    "    return one.field == field or one.due <= now\n"
    "end)\n"
    "\n"
    "if seen[user] and not differ(before, list) then\n"
    "    return {0, {}}\n"
    "end\n"
    "\n"
    "return {1, list}\n";


const char  ngx_http_realtime_script_typ_purge[] =
    NGX_HTTP_REALTIME_SCRIPT_TYP
    "local all = read()\n"
    "local before = users(all)\n"
    "local list = users(all, function (one)\n"
    "    return string.sub(one.field, 1, #h + 1) == h .. ':'\n"
    "           or one.due <= now\n"
    "end)\n"
    "\n"
    "if differ(before, list) then\n"
    "    return {1, list}\n"
    "end\n"
    "\n"
    "return {0, {}}\n";


/*
 * A limit: a number, or "blocked"; it lives as long as the window or the
 * block.
 */

const char  ngx_http_realtime_script_limit[] =
    "local key, n = KEYS[1], tonumber(ARGV[1])\n"
    "local window, max = tonumber(ARGV[2]), tonumber(ARGV[3])\n"
    "local block = tonumber(ARGV[4])\n"
    "local count, left = redis.call('GET', key), redis.call('PTTL', key)\n"
    "local blocked, latest = count == 'blocked', window\n"
    "\n"
    "if blocked then\n"
    "    count, latest = max, block\n"
    "end\n"
    "count = tonumber(count or 0)\n"
    "if n < 0 then\n"
    "    n = math.max(n, -count)\n"
    "    if n < 0 and left > 0 and not blocked then\n"
    "        count = redis.call('INCRBY', key, n)\n"
    "    end\n"
    "    return {count, math.max(left, 0), 0}\n"
    "end\n"
    "if left > latest or left == -1 then\n"
    "    left = latest\n"
    "    redis.call('PEXPIRE', key, left)\n"
    "end\n"
    "\n"
    "local fresh = left <= 0\n"
    "if fresh then\n"
    "    count, left, blocked = 0, window, false\n"
    "end\n"
    "if blocked then\n"
    "    return {count, left, left}\n"
    "end\n"
    "\n"
    "local take = math.max(0, math.min(n, max - count))\n"
    "count = count + take\n"
    "if take < n and block > 0 then\n"
    "    left = block\n"
    "    redis.call('SET', key, 'blocked', 'PX', left)\n"
    "elseif fresh then\n"
    "    redis.call('SET', key, count, 'PX', left)\n"
    "elseif take > 0 then\n"
    "    redis.call('INCRBY', key, take)\n"
    "end\n"
    "\n"
    "return {count, left, take < n and left or 0}\n";


/* a connection: a hash, for whoever wants to know where a socket is */

const char  ngx_http_realtime_script_conn_set[] =
    "local key, life = KEYS[1], " NGX_HTTP_REALTIME_SCRIPT_CONN "\n"
    "\n"
    "redis.call('HSET', key, 'host', ARGV[1], 'user', ARGV[2],\n"
    "           'nsp', ARGV[3], 'since', ARGV[4])\n"
    "redis.call('PEXPIRE', key, life)\n"
    "\n"
    "return {}\n";
