-- 004_views.sql: what is open, who is where, who types, who is here.

BEGIN;

DO $$ BEGIN PERFORM pg_advisory_xact_lock(7205759403792793); END $$;

SET LOCAL client_min_messages = warning;
SET LOCAL lock_timeout = '30s';


CREATE OR REPLACE VIEW realtime_active_connections AS
SELECT
    c.socket_id,
    c.user_id,
    c.device,
    c.connected_at,
    c.last_activity,
    p.status AS presence_status,
    p.custom_status
FROM realtime_connections c
LEFT JOIN realtime_presence p ON c.user_id = p.user_id
WHERE c.disconnected_at IS NULL
ORDER BY c.connected_at DESC;

COMMENT ON VIEW realtime_active_connections IS
    'open connections, with the presence of their users';


CREATE OR REPLACE VIEW realtime_room_stats AS
SELECT
    r.name,
    r.type,
    r.visibility,
    COUNT(rm.id) AS member_count,
    r.created_at
FROM realtime_rooms r
LEFT JOIN realtime_room_members rm ON r.id = rm.room_id AND rm.left_at IS NULL
GROUP BY r.id, r.name, r.type, r.visibility, r.created_at
ORDER BY member_count DESC;

COMMENT ON VIEW realtime_room_stats IS
    'rooms, with the number of their members';


CREATE OR REPLACE VIEW realtime_current_typing AS
SELECT
    room_name,
    user_id,
    thread_id,
    started_at
FROM realtime_typing
WHERE expires_at > NOW()
ORDER BY room_name, started_at;

COMMENT ON VIEW realtime_current_typing IS
    'typing indicators that have not expired';


CREATE OR REPLACE VIEW realtime_presence_summary AS
SELECT
    status,
    COUNT(*) AS user_count
FROM realtime_presence
WHERE last_seen > NOW() - INTERVAL '1 hour'
GROUP BY status
ORDER BY user_count DESC;

COMMENT ON VIEW realtime_presence_summary IS
    'how many of those seen within an hour have which status';


INSERT INTO realtime_schema_version (version, name) VALUES (4, 'views')
    ON CONFLICT DO NOTHING;

COMMIT;
