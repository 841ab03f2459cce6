-- The tables, indexes and views as they are without this server.

CREATE TABLE realtime_connections (
    id UUID PRIMARY KEY,
    socket_id VARCHAR(255) NOT NULL,
    user_id VARCHAR(255),
    device JSONB,                          -- {type, os, browser}
    connected_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
    last_activity TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
    disconnected_at TIMESTAMP WITH TIME ZONE,
    metadata JSONB DEFAULT '{}'
);

CREATE TABLE realtime_rooms (
    id UUID PRIMARY KEY,
    name VARCHAR(255) NOT NULL UNIQUE,
    type VARCHAR(50),                      -- channel, dm, group, broadcast
    visibility VARCHAR(50),                -- public, private
    created_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
    metadata JSONB DEFAULT '{}'
);

CREATE TABLE realtime_room_members (
    id UUID PRIMARY KEY,
    room_id UUID REFERENCES realtime_rooms(id),
    user_id VARCHAR(255) NOT NULL,
    joined_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
    left_at TIMESTAMP WITH TIME ZONE
);

CREATE TABLE realtime_presence (
    user_id VARCHAR(255) PRIMARY KEY,
    status VARCHAR(20) NOT NULL,           -- online, away, busy, offline
    custom_status JSONB,                   -- {text, emoji}
    last_seen TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT NOW()
);

CREATE TABLE realtime_typing (
    id UUID PRIMARY KEY,
    room_name VARCHAR(255) NOT NULL,
    user_id VARCHAR(255) NOT NULL,
    thread_id VARCHAR(255),
    started_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL
);

CREATE TABLE realtime_events (
    id UUID PRIMARY KEY,
    type VARCHAR(100) NOT NULL,            -- connect, disconnect, message, error, etc.
    user_id VARCHAR(255),
    room_name VARCHAR(255),
    data JSONB,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT NOW()
);

CREATE INDEX idx_realtime_events_type ON realtime_events(type);
CREATE INDEX idx_realtime_events_created ON realtime_events(created_at DESC);

CREATE VIEW realtime_active_connections AS
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

CREATE VIEW realtime_room_stats AS
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

CREATE VIEW realtime_current_typing AS
SELECT
    room_name,
    user_id,
    thread_id,
    started_at
FROM realtime_typing
WHERE expires_at > NOW()
ORDER BY room_name, started_at;

CREATE VIEW realtime_presence_summary AS
SELECT
    status,
    COUNT(*) AS user_count
FROM realtime_presence
WHERE last_seen > NOW() - INTERVAL '1 hour'
GROUP BY status
ORDER BY user_count DESC;
