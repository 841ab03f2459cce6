-- 001_tables.sql: the tables, and what they have besides.
--
-- Each file is one transaction and may be run again at any time: what is there
-- is left as it is, what is missing is made.  Where nothing is missing no lock
-- is taken that those who write would have to wait for, so that this may be
-- done while servers run.  Tables that were made by others keep their rows and
-- get what they lack.  All goes into the first schema of the search path.

BEGIN;

-- one at a time; who waits for it must not keep others waiting for tables
DO $$ BEGIN PERFORM pg_advisory_xact_lock(7205759403792793); END $$;

SET LOCAL client_min_messages = warning;
SET LOCAL lock_timeout = '30s';

DO $$
BEGIN
    IF to_regprocedure('gen_random_uuid()') IS NULL THEN
        RAISE EXCEPTION 'there is no gen_random_uuid()'
            USING HINT = 'PostgreSQL 13 has it; in 12 a superuser makes it: '
                         'CREATE EXTENSION pgcrypto';
    END IF;
END
$$;


CREATE TABLE IF NOT EXISTS realtime_schema_version (
    version INTEGER PRIMARY KEY,
    name VARCHAR(255) NOT NULL,
    applied_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT NOW()
);


CREATE TABLE IF NOT EXISTS realtime_connections (
    id UUID PRIMARY KEY,
    socket_id VARCHAR(255) NOT NULL,
    user_id VARCHAR(255),
    device JSONB,
    connected_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
    last_activity TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
    disconnected_at TIMESTAMP WITH TIME ZONE,
    metadata JSONB DEFAULT '{}'
);


CREATE TABLE IF NOT EXISTS realtime_rooms (
    id UUID PRIMARY KEY,
    name VARCHAR(255) NOT NULL UNIQUE,
    type VARCHAR(50),
    visibility VARCHAR(50),
    created_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
    metadata JSONB DEFAULT '{}'
);


CREATE TABLE IF NOT EXISTS realtime_room_members (
    id UUID PRIMARY KEY,
    room_id UUID REFERENCES realtime_rooms(id),
    user_id VARCHAR(255) NOT NULL,
    joined_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
    left_at TIMESTAMP WITH TIME ZONE
);


CREATE TABLE IF NOT EXISTS realtime_presence (
    user_id VARCHAR(255) PRIMARY KEY,
    status VARCHAR(20) NOT NULL,
    custom_status JSONB,
    last_seen TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT NOW()
);


CREATE TABLE IF NOT EXISTS realtime_typing (
    id UUID PRIMARY KEY,
    room_name VARCHAR(255) NOT NULL,
    user_id VARCHAR(255) NOT NULL,
    thread_id VARCHAR(255),
    started_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL
);


CREATE TABLE IF NOT EXISTS realtime_events (
    id UUID PRIMARY KEY,
    type VARCHAR(100) NOT NULL,
    user_id VARCHAR(255),
    room_name VARCHAR(255),
    data JSONB,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT NOW()
);


-- What they have besides.  last_activity is written often and is in no index:
-- where there is room in its page the new version of a row stays there, and no
-- index has to be told.

DO $$
DECLARE
    change TEXT;
BEGIN
    FOR change IN
        SELECT format('ALTER TABLE %I ADD COLUMN %I %s', of_table, name, type)
        FROM (VALUES
            ('realtime_connections', 'host', 'VARCHAR(255)'),
            ('realtime_connections', 'worker', 'INTEGER'),
            ('realtime_connections', 'namespace', 'VARCHAR(255)'),
            ('realtime_connections', 'address', 'VARCHAR(64)'),
            ('realtime_connections', 'disconnect_reason', 'VARCHAR(64)'),
            ('realtime_room_members', 'host', 'VARCHAR(255)')
        ) AS columns (of_table, name, type)
        WHERE NOT EXISTS (SELECT FROM pg_attribute
                          WHERE attrelid = of_table::regclass
                            AND attname = name)

        UNION ALL

        SELECT format('ALTER TABLE %I ALTER COLUMN %I SET DEFAULT %s',
                      of_table, name, value)
        FROM (VALUES
            ('realtime_connections', 'id', 'gen_random_uuid()'),
            ('realtime_rooms', 'id', 'gen_random_uuid()'),
            ('realtime_rooms', 'type', $v$'channel'$v$),
            ('realtime_rooms', 'visibility', $v$'public'$v$),
            ('realtime_room_members', 'id', 'gen_random_uuid()'),
            ('realtime_typing', 'id', 'gen_random_uuid()'),
            ('realtime_events', 'id', 'gen_random_uuid()')
        ) AS defaults (of_table, name, value)
        WHERE NOT EXISTS (SELECT FROM pg_attribute
                          WHERE attrelid = of_table::regclass
                            AND attname = name AND atthasdef)

        UNION ALL

        SELECT 'ALTER TABLE realtime_connections SET (fillfactor = 85)'
        WHERE NOT EXISTS (SELECT FROM pg_class
                          WHERE oid = 'realtime_connections'::regclass
                            AND reloptions::TEXT LIKE '%fillfactor=%')
    LOOP
        EXECUTE change;
    END LOOP;
END
$$;


-- A rule that rows of before break holds for new ones all the same: it stays
-- NOT VALID until they are corrected and this file is run again.

DO $$
DECLARE
    rule RECORD;
BEGIN
    FOR rule IN
        SELECT * FROM (VALUES
            ('realtime_rooms', 'realtime_rooms_type_check',
             $r$type IN ('channel', 'dm', 'group', 'broadcast')$r$),
            ('realtime_rooms', 'realtime_rooms_visibility_check',
             $r$visibility IN ('public', 'private')$r$),
            ('realtime_presence', 'realtime_presence_status_check',
             $r$status IN ('online', 'away', 'busy', 'offline')$r$)
        ) AS rules (of_table, name, condition)
    LOOP
        IF NOT EXISTS (SELECT FROM pg_constraint
                       WHERE conrelid = rule.of_table::regclass
                         AND conname = rule.name)
        THEN
            EXECUTE format('ALTER TABLE %I ADD CONSTRAINT %I CHECK (%s) '
                           'NOT VALID',
                           rule.of_table, rule.name, rule.condition);
        END IF;

        CONTINUE WHEN (SELECT convalidated FROM pg_constraint
                       WHERE conrelid = rule.of_table::regclass
                         AND conname = rule.name);

        BEGIN
            EXECUTE format('ALTER TABLE %I VALIDATE CONSTRAINT %I',
                           rule.of_table, rule.name);
        EXCEPTION WHEN check_violation THEN
            RAISE WARNING 'there are rows in % for which "%" does not hold',
                rule.of_table, rule.condition;
        END;
    END LOOP;
END
$$;


COMMENT ON TABLE realtime_schema_version IS
    'which files of sql/ have been run, and when for the first time';
COMMENT ON TABLE realtime_connections IS
    'connections, open ones and those that were';
COMMENT ON COLUMN realtime_connections.host IS
    'name of the host whose nginx has the connection';
COMMENT ON COLUMN realtime_connections.worker IS
    'process id of the nginx worker that has the connection';
COMMENT ON COLUMN realtime_connections.namespace IS
    'Socket.IO namespace';
COMMENT ON COLUMN realtime_connections.address IS
    'address of the client';
COMMENT ON COLUMN realtime_connections.disconnect_reason IS
    'why the connection was closed, in the words of Socket.IO; '
    '"stale" and "host gone" when it was closed by a function';
COMMENT ON TABLE realtime_rooms IS
    'rooms; no type is a channel, no visibility is public';
COMMENT ON TABLE realtime_room_members IS
    'memberships; those without left_at are active, one per room and user';
COMMENT ON COLUMN realtime_room_members.host IS
    'name of the host whose server made it and will end it; those without one '
    'were made by somebody else and stay until somebody ends them';
COMMENT ON TABLE realtime_presence IS
    'presence of each user';
COMMENT ON TABLE realtime_typing IS
    'who types where, until expires_at';
COMMENT ON TABLE realtime_events IS
    'audit log';

INSERT INTO realtime_schema_version (version, name) VALUES (1, 'tables')
    ON CONFLICT DO NOTHING;

COMMIT;
