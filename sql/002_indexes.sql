-- 002_indexes.sql: what is looked for, and what must be there only once.

BEGIN;

DO $$ BEGIN PERFORM pg_advisory_xact_lock(7205759403792793); END $$;

SET LOCAL client_min_messages = warning;
SET LOCAL lock_timeout = '30s';


-- CREATE INDEX IF NOT EXISTS has those who write wait even when it exists

DO $$
DECLARE
    index RECORD;
BEGIN
    FOR index IN
        SELECT * FROM (VALUES

            -- open ones, all or of a host or worker; those of a time
            ('realtime_connections_open',
             'realtime_connections (host, worker) '
             'WHERE disconnected_at IS NULL'),
            ('realtime_connections_connected',
             'realtime_connections (connected_at)'),

            -- those of a room, to delete it; active ones of a user; new ones
            ('realtime_room_members_room',
             'realtime_room_members (room_id)'),
            ('realtime_room_members_user',
             'realtime_room_members (user_id) WHERE left_at IS NULL'),
            ('realtime_room_members_joined',
             'realtime_room_members (joined_at)'),

            -- those seen lately
            ('realtime_presence_seen',
             'realtime_presence (last_seen)'),

            -- those that have expired
            ('realtime_typing_expires',
             'realtime_typing (expires_at)'),

            -- of a type, of a room, in order of time.  None by user: it would
            -- take a third of what is needed to write an event, as users are
            -- many and each is in another place of it.
            ('idx_realtime_events_type',
             'realtime_events (type)'),
            ('idx_realtime_events_created',
             'realtime_events (created_at DESC)'),
            ('realtime_events_type_created',
             'realtime_events (type, created_at)'),
            ('realtime_events_room_created',
             'realtime_events (room_name, created_at) '
             'WHERE room_name IS NOT NULL')

        ) AS indexes (name, definition)
        WHERE to_regclass(quote_ident(current_schema()) || '.' || name) IS NULL
    LOOP
        EXECUTE format('CREATE INDEX %I ON %s', index.name, index.definition);
    END LOOP;
END
$$;


-- A user is in a room once.  Of several active memberships the oldest stays,
-- the others end now.

DO $$
BEGIN
    IF to_regclass(quote_ident(current_schema())
                   || '.realtime_room_members_active') IS NOT NULL
    THEN
        RETURN;
    END IF;

    LOCK TABLE realtime_room_members IN SHARE ROW EXCLUSIVE MODE;

    UPDATE realtime_room_members AS m
    SET left_at = NOW()
    FROM (
        SELECT id, ROW_NUMBER() OVER (PARTITION BY room_id, user_id
                                      ORDER BY joined_at, id) AS nth
        FROM realtime_room_members
        WHERE left_at IS NULL AND room_id IS NOT NULL
    ) AS active
    WHERE active.id = m.id AND active.nth > 1;

    CREATE UNIQUE INDEX realtime_room_members_active
        ON realtime_room_members (room_id, user_id) WHERE left_at IS NULL;
END
$$;


-- A user types once in a thread, or in a room outside of all threads.  Of
-- several indicators the one that lasts longest stays.

DO $$
BEGIN
    IF to_regclass(quote_ident(current_schema())
                   || '.realtime_typing_once') IS NOT NULL
    THEN
        RETURN;
    END IF;

    LOCK TABLE realtime_typing IN SHARE ROW EXCLUSIVE MODE;

    DELETE FROM realtime_typing AS t
    USING (
        SELECT id, ROW_NUMBER() OVER (PARTITION BY room_name, user_id,
                                                   COALESCE(thread_id, '')
                                      ORDER BY expires_at DESC, id) AS nth
        FROM realtime_typing
    ) AS indicators
    WHERE indicators.id = t.id AND indicators.nth > 1;

    CREATE UNIQUE INDEX realtime_typing_once
        ON realtime_typing (room_name, user_id, (COALESCE(thread_id, '')));
END
$$;


INSERT INTO realtime_schema_version (version, name) VALUES (2, 'indexes')
    ON CONFLICT DO NOTHING;

COMMIT;
