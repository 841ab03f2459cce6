
#include "store/ngx_http_realtime_statements.h"


const char  ngx_http_realtime_statement_quiet[] =
    "SELECT set_config('realtime.quiet', 'on', true)";


const char  *ngx_http_realtime_statements_clean[] = {
    "SELECT disconnect_stale_connections()",
    "SELECT realtime_clean_typing()",
    NULL
};


/*
 * Who is a member of a public room is seldom of interest.  Subqueries that
 * are limited are executed by index, row for row, whatever statistics say: as
 * a join with all members they would take as long as there are members.
 */

const char  ngx_http_realtime_statement_rooms[] =
    "SELECT x.o, r.id IS NOT NULL, COALESCE(r.type, 'channel'),"
    " COALESCE(r.visibility, 'public'),"
    " CASE WHEN r.visibility <> 'public' OR x.m IS NOT NULL THEN COALESCE("
    "(SELECT true FROM realtime_room_members AS m"
    " WHERE m.room_id = r.id AND m.user_id = x.u"
    " AND m.left_at IS NULL AND m.host IS NULL LIMIT 1), false)"
    " ELSE false END"
    " FROM unnest($1::text[], $2::text[], $3::text[])"
    " WITH ORDINALITY AS x (n, u, m, o)"
    " LEFT JOIN LATERAL (SELECT id, type, visibility FROM realtime_rooms"
    " WHERE name = x.n LIMIT 1) AS r ON true";


/* names that are none here cannot be entered */

const char  ngx_http_realtime_statement_users[] =
    "SELECT x.o, (SELECT COALESCE(json_agg(l.name ORDER BY l.joined_at,"
    " l.name) FILTER (WHERE l.name COLLATE \"C\" ~ '^[a-z0-9_-]{1,255}$'),"
    " '[]')::text FROM (SELECT r.name, m.joined_at"
    " FROM (SELECT room_id, joined_at FROM realtime_room_members"
    " WHERE user_id = x.u AND left_at IS NULL AND host IS NULL"
    " ORDER BY joined_at LIMIT 1000) AS m"
    " CROSS JOIN LATERAL (SELECT name FROM realtime_rooms"
    " WHERE id = m.room_id LIMIT 1) AS r) AS l),"
    " (SELECT NULLIF(p.custom_status, 'null')::text"
    " FROM realtime_presence AS p WHERE p.user_id = x.u)"
    " FROM unnest($1::text[]) WITH ORDINALITY AS x (u, o)";


const ngx_http_realtime_statement_t  ngx_http_realtime_statements[] = {

    { NGX_HTTP_REALTIME_LANE_CONNECT, 8, 0,

      "INSERT INTO realtime_connections (id, socket_id, user_id, namespace,"
      " address, device, worker, connected_at, last_activity, host)"
      " SELECT i::uuid, s, u, n::varchar(255), a, d::jsonb, w::integer,"
      " t::timestamptz, t::timestamptz, $9"
      " FROM unnest($1::text[], $2::text[], $3::text[], $4::text[],"
      " $5::text[], $6::text[], $7::text[], $8::text[])"
      " AS x (i, s, u, n, a, d, w, t)"
      " ON CONFLICT DO NOTHING" },

    /* somebody took it for stale, and was wrong */

    { NGX_HTTP_REALTIME_LANE_ACTIVITY, 2, 0,

      "UPDATE realtime_connections AS c"
      " SET last_activity = GREATEST(c.last_activity, x.t),"
      " disconnected_at = NULL, disconnect_reason = NULL"
      " FROM (SELECT i::uuid AS i, MAX(t)::timestamptz AS t"
      " FROM unnest($1::text[], $2::text[]) AS a (i, t) GROUP BY 1) AS x"
      " WHERE c.id = x.i AND (c.disconnected_at IS NULL"
      " OR c.disconnect_reason = 'stale')"
      " AND $3::text IS NOT NULL" },

    /* the summary of presence is about those who were seen lately */

    { NGX_HTTP_REALTIME_LANE_ACTIVITY, 2, 0,

      "UPDATE realtime_presence AS p SET last_seen = x.t"
      " FROM (SELECT c.user_id, MAX(a.t)::timestamptz AS t"
      " FROM unnest($1::text[], $2::text[]) AS a (i, t)"
      " JOIN realtime_connections AS c ON c.id = a.i::uuid"
      " WHERE c.user_id IS NOT NULL GROUP BY 1) AS x"
      " WHERE p.user_id = x.user_id AND p.status <> 'offline'"
      " AND p.last_seen < x.t - INTERVAL '10 minutes'"
      " AND $3::text IS NOT NULL" },

    { NGX_HTTP_REALTIME_LANE_DISCONNECT, 3, 0,

      "UPDATE realtime_connections AS c"
      " SET disconnected_at = x.t::timestamptz,"
      " last_activity = GREATEST(c.last_activity, x.t::timestamptz),"
      " disconnect_reason = x.r"
      " FROM unnest($1::text[], $2::text[], $3::text[]) AS x (i, r, t)"
      " WHERE c.id = x.i::uuid AND (c.disconnected_at IS NULL"
      " OR c.disconnect_reason = 'stale')"
      " AND $4::text IS NOT NULL" },

    { NGX_HTTP_REALTIME_LANE_ROOM, 5, 0,

      "INSERT INTO realtime_rooms (id, name, type, visibility, created_at)"
      " SELECT DISTINCT ON (n) i::uuid, n, k, v, t::timestamptz"
      " FROM unnest($1::text[], $2::text[], $3::text[], $4::text[],"
      " $5::text[]) WITH ORDINALITY AS x (i, n, k, v, t, o)"
      " WHERE NOT EXISTS (SELECT FROM realtime_rooms AS r WHERE r.name = n)"
      " AND $6::text IS NOT NULL"
      " ORDER BY n, o"
      " ON CONFLICT DO NOTHING" },

    /*
     * Those that were not made by a server are there until somebody ends them.
     * A batch of a writer that died may come to PostgreSQL's mind after those
     * of the next one: it has nothing to say of what began later; nor has one
     * that is sent again of what began in it.
     */

    { NGX_HTTP_REALTIME_LANE_LEAVE, 4, NGX_HTTP_REALTIME_EXTRA_JOINS,

      "UPDATE realtime_room_members AS m SET left_at = x.t::timestamptz"
      " FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])"
      " AS x (n, u, t, e)"
      " JOIN realtime_rooms AS r ON r.name = x.n"
      " WHERE m.room_id = r.id AND m.user_id = x.u"
      " AND m.left_at IS NULL"
      " AND (m.host = $5 OR x.e IS NOT NULL AND m.host IS NOT NULL)"
      " AND m.joined_at <= x.t::timestamptz"
      " AND m.id <> ALL ($6::text[]::uuid[])" },

    /* a batch that is sent again may be longer: what was a stay has ended */

    { NGX_HTTP_REALTIME_LANE_JOIN, 5, 0,

      "UPDATE realtime_room_members AS m SET left_at = x.l::timestamptz"
      " FROM unnest($1::text[], $2::text[], $3::text[], $4::text[],"
      " $5::text[]) AS x (i, n, u, t, l)"
      " WHERE m.id = x.i::uuid AND m.left_at IS NULL"
      " AND x.l <> '" NGX_HTTP_REALTIME_LANE_STAYS "'"
      " AND $6::text IS NOT NULL" },

    /*
     * Hosts write when they like: the latest to which a user has come has the
     * row, so that what another one writes late of its end, as if it were
     * still its own, does not end it.
     */

    { NGX_HTTP_REALTIME_LANE_JOIN, 6, 0,

      "UPDATE realtime_room_members AS m SET left_at = x.t::timestamptz"
      " FROM unnest($1::text[], $2::text[], $3::text[], $4::text[],"
      " $5::text[], $6::text[]) AS x (i, n, u, t, l, e)"
      " JOIN realtime_rooms AS r ON r.name = x.n"
      " WHERE m.room_id = r.id AND m.user_id = x.u"
      " AND m.left_at IS NULL AND m.host <> $7"
      " AND m.joined_at < x.t::timestamptz AND x.e IS NOT NULL" },

    { NGX_HTTP_REALTIME_LANE_JOIN, 5, 0,

      "INSERT INTO realtime_room_members (id, room_id, user_id, joined_at,"
      " left_at, host)"
      " SELECT x.i::uuid, r.id, x.u, x.t::timestamptz,"
      " NULLIF(x.l, '" NGX_HTTP_REALTIME_LANE_STAYS "')::timestamptz, $6"
      " FROM unnest($1::text[], $2::text[], $3::text[], $4::text[],"
      " $5::text[]) AS x (i, n, u, t, l)"
      " JOIN realtime_rooms AS r ON r.name = x.n"
      " ON CONFLICT DO NOTHING" },

    /* who has not said anything of it yet keeps the custom status */

    { NGX_HTTP_REALTIME_LANE_PRESENCE, 5, 0,

      "INSERT INTO realtime_presence (user_id, status, custom_status,"
      " last_seen, updated_at)"
      " SELECT x.u, x.s, CASE WHEN x.k THEN x.c::jsonb"
      " ELSE p.custom_status END, x.t::timestamptz, x.t::timestamptz"
      " FROM (SELECT u, (array_agg(s ORDER BY t DESC, o DESC))[1] AS s,"
      " (array_agg(c ORDER BY o DESC) FILTER (WHERE k IS NOT NULL))[1] AS c,"
      " COUNT(k) > 0 AS k, MAX(t) AS t"
      " FROM unnest($1::text[], $2::text[], $3::text[], $4::text[],"
      " $5::text[]) WITH ORDINALITY AS a (u, s, c, k, t, o) GROUP BY u) AS x"
      " LEFT JOIN realtime_presence AS p ON p.user_id = x.u"
      " WHERE $6::text IS NOT NULL"
      " ORDER BY x.u"
      " ON CONFLICT (user_id) DO UPDATE SET status = EXCLUDED.status,"
      " custom_status = EXCLUDED.custom_status,"
      " last_seen = EXCLUDED.last_seen, updated_at = EXCLUDED.updated_at"
      " WHERE realtime_presence.updated_at <= EXCLUDED.updated_at" },

    { NGX_HTTP_REALTIME_LANE_TYPING, 6, 0,

      "INSERT INTO realtime_typing (id, room_name, user_id, thread_id,"
      " started_at, expires_at)"
      " SELECT i::uuid, n, u, h, t::timestamptz, e::timestamptz"
      " FROM (SELECT DISTINCT ON (n, u, COALESCE(h, '')) *"
      " FROM unnest($1::text[], $2::text[], $3::text[], $4::text[],"
      " $5::text[], $6::text[]) WITH ORDINALITY AS a (i, n, u, h, t, e, o)"
      " ORDER BY n, u, COALESCE(h, ''), o DESC) AS x"
      " WHERE e IS NOT NULL AND $7::text IS NOT NULL"
      " ON CONFLICT (room_name, user_id, (COALESCE(thread_id, '')))"
      " DO UPDATE SET expires_at = EXCLUDED.expires_at, started_at ="
      " CASE WHEN realtime_typing.expires_at < EXCLUDED.started_at"
      " THEN EXCLUDED.started_at ELSE realtime_typing.started_at END" },

    { NGX_HTTP_REALTIME_LANE_TYPING, 6, 0,

      "DELETE FROM realtime_typing AS d"
      " USING (SELECT DISTINCT ON (n, u, COALESCE(h, '')) *"
      " FROM unnest($1::text[], $2::text[], $3::text[], $4::text[],"
      " $5::text[], $6::text[]) WITH ORDINALITY AS a (i, n, u, h, t, e, o)"
      " ORDER BY n, u, COALESCE(h, ''), o DESC) AS x"
      " WHERE x.e IS NULL AND d.room_name = x.n AND d.user_id = x.u"
      " AND COALESCE(d.thread_id, '') = COALESCE(x.h, '')"
      " AND $7::text IS NOT NULL" },

    { NGX_HTTP_REALTIME_LANE_EVENT, 6, 0,

      "INSERT INTO realtime_events (id, type, user_id, room_name, data,"
      " created_at)"
      " SELECT i::uuid, k::varchar(100), u, n, d::jsonb, t::timestamptz"
      " FROM unnest($1::text[], $2::text[], $3::text[], $4::text[],"
      " $5::text[], $6::text[]) AS x (i, k, u, n, d, t)"
      " WHERE $7::text IS NOT NULL"
      " ON CONFLICT DO NOTHING" },

    /*
     * However much that is, each is done in portions: a statement that takes
     * too long is one that never ends.
     */

    { NGX_HTTP_REALTIME_LANE_HOST, 2, NGX_HTTP_REALTIME_EXTRA_PORTION,

      "UPDATE realtime_connections AS c"
      " SET disconnected_at = ($2::text[])[1]::timestamptz,"
      " disconnect_reason = ($1::text[])[1]"
      " WHERE c.disconnected_at IS NULL AND c.id IN"
      " (SELECT id FROM realtime_connections"
      " WHERE host = $3 AND disconnected_at IS NULL"
      " AND connected_at < ($2::text[])[1]::timestamptz LIMIT $4::bigint)" },

    { NGX_HTTP_REALTIME_LANE_HOST, 2, NGX_HTTP_REALTIME_EXTRA_PORTION,

      "UPDATE realtime_room_members AS m"
      " SET left_at = ($2::text[])[1]::timestamptz"
      " WHERE m.left_at IS NULL AND m.id IN"
      " (SELECT id FROM realtime_room_members"
      " WHERE host = $3 AND left_at IS NULL"
      " AND joined_at < ($2::text[])[1]::timestamptz LIMIT $4::bigint)"
      " AND $1::text IS NOT NULL" },

    { NGX_HTTP_REALTIME_LANE_HOST, 2, NGX_HTTP_REALTIME_EXTRA_PORTION,

      "UPDATE realtime_presence AS p"
      " SET status = 'offline', updated_at = ($2::text[])[1]::timestamptz"
      " WHERE p.status <> 'offline' AND p.user_id IN"
      " (SELECT user_id FROM realtime_presence AS s"
      " WHERE status <> 'offline'"
      " AND updated_at < ($2::text[])[1]::timestamptz"
      " AND NOT EXISTS (SELECT FROM realtime_connections AS c"
      " WHERE c.user_id = s.user_id AND c.disconnected_at IS NULL)"
      " LIMIT $4::bigint)"
      " AND $1::text IS NOT NULL AND $3::text IS NOT NULL" }
};

const ngx_uint_t  ngx_http_realtime_nstatements =
    rt_nitems(ngx_http_realtime_statements);
