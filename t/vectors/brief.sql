-- Statements that people run on the tables, each below its name.  Their answers
-- are worked out again in t/sql/brief.t.

-- name: Active connections by status
SELECT
    p.status,
    COUNT(DISTINCT c.socket_id) AS connection_count,
    AVG(EXTRACT(EPOCH FROM (NOW() - c.last_activity))) AS avg_idle_seconds
FROM realtime_connections c
LEFT JOIN realtime_presence p ON c.user_id = p.user_id
WHERE c.disconnected_at IS NULL
GROUP BY p.status;

-- name: Connection duration distribution
SELECT
    CASE
        WHEN duration < INTERVAL '1 minute' THEN '< 1 min'
        WHEN duration < INTERVAL '5 minutes' THEN '1-5 min'
        WHEN duration < INTERVAL '15 minutes' THEN '5-15 min'
        WHEN duration < INTERVAL '1 hour' THEN '15-60 min'
        ELSE '> 1 hour'
    END AS duration_bucket,
    COUNT(*) AS connection_count
FROM (
    SELECT NOW() - connected_at AS duration
    FROM realtime_connections
    WHERE disconnected_at IS NULL
) AS durations
GROUP BY duration_bucket
ORDER BY duration_bucket;

-- name: Peak concurrent connections (hourly)
SELECT
    DATE_TRUNC('hour', connected_at) AS hour,
    COUNT(*) AS connections
FROM realtime_connections
WHERE connected_at > NOW() - INTERVAL '24 hours'
GROUP BY hour
ORDER BY hour DESC;

-- name: Messages per minute (last hour)
SELECT
    DATE_TRUNC('minute', created_at) AS minute,
    COUNT(*) AS message_count
FROM realtime_events
WHERE type = 'message'
  AND created_at > NOW() - INTERVAL '1 hour'
GROUP BY minute
ORDER BY minute DESC
LIMIT 60;

-- name: Top active rooms by message count
SELECT
    room_name,
    COUNT(*) AS message_count,
    COUNT(DISTINCT user_id) AS unique_users
FROM realtime_events
WHERE type = 'message'
  AND created_at > NOW() - INTERVAL '1 hour'
GROUP BY room_name
ORDER BY message_count DESC
LIMIT 20;

-- name: Message latency (if timestamps stored)
SELECT
    room_name,
    AVG(EXTRACT(EPOCH FROM (created_at - (data->>'client_timestamp')::TIMESTAMP))) AS avg_latency_seconds,
    PERCENTILE_CONT(0.95) WITHIN GROUP (ORDER BY EXTRACT(EPOCH FROM (created_at - (data->>'client_timestamp')::TIMESTAMP))) AS p95_latency
FROM realtime_events
WHERE type = 'message'
  AND data->>'client_timestamp' IS NOT NULL
  AND created_at > NOW() - INTERVAL '1 hour'
GROUP BY room_name;

-- name: Room activity summary
SELECT
    r.name,
    r.type,
    COUNT(DISTINCT rm.user_id) AS member_count,
    COUNT(DISTINCT CASE WHEN p.status = 'online' THEN rm.user_id END) AS online_count,
    (
        SELECT COUNT(*)
        FROM realtime_events e
        WHERE e.room_name = r.name
          AND e.type = 'message'
          AND e.created_at > NOW() - INTERVAL '24 hours'
    ) AS messages_24h
FROM realtime_rooms r
LEFT JOIN realtime_room_members rm ON r.id = rm.room_id AND rm.left_at IS NULL
LEFT JOIN realtime_presence p ON rm.user_id = p.user_id
GROUP BY r.id, r.name, r.type
ORDER BY messages_24h DESC;

-- name: Room growth (new members per day)
SELECT
    DATE(joined_at) AS date,
    room_id,
    COUNT(*) AS new_members
FROM realtime_room_members
WHERE joined_at > NOW() - INTERVAL '30 days'
GROUP BY DATE(joined_at), room_id
ORDER BY date DESC, new_members DESC;

-- name: Error frequency by type
SELECT
    data->>'error_code' AS error_code,
    COUNT(*) AS error_count,
    COUNT(DISTINCT user_id) AS affected_users,
    MAX(created_at) AS last_occurrence
FROM realtime_events
WHERE type = 'error'
  AND created_at > NOW() - INTERVAL '24 hours'
GROUP BY error_code
ORDER BY error_count DESC;

-- name: Connection failures
SELECT
    DATE_TRUNC('hour', created_at) AS hour,
    COUNT(*) AS failure_count,
    data->>'reason' AS failure_reason
FROM realtime_events
WHERE type IN ('disconnect', 'connection_error')
  AND created_at > NOW() - INTERVAL '24 hours'
GROUP BY hour, failure_reason
ORDER BY hour DESC, failure_count DESC;

-- name: Room membership of a user
SELECT 1 FROM realtime_room_members rm
     JOIN realtime_rooms r ON r.id = rm.room_id
     WHERE r.name = $1 AND rm.user_id = $2 AND rm.left_at IS NULL;

-- name: Active connections gauge
SELECT p.status, COUNT(*) AS count
FROM realtime_connections c
LEFT JOIN realtime_presence p ON c.user_id = p.user_id
WHERE c.disconnected_at IS NULL
GROUP BY p.status;

-- name: Active rooms gauge
SELECT r.type, COUNT(*) AS count
FROM realtime_rooms r
WHERE EXISTS (
  SELECT 1 FROM realtime_room_members rm
  WHERE rm.room_id = r.id AND rm.left_at IS NULL
)
GROUP BY r.type;

-- name: Open connections
SELECT COUNT(*) FROM realtime_connections WHERE disconnected_at IS NULL;

-- name: Stale connections
SELECT disconnect_stale_connections();

-- name: realtime_active_connections
SELECT * FROM realtime_active_connections;

-- name: realtime_room_stats
SELECT * FROM realtime_room_stats;

-- name: realtime_current_typing
SELECT * FROM realtime_current_typing;

-- name: realtime_presence_summary
SELECT * FROM realtime_presence_summary;
