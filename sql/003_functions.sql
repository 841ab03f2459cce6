-- 003_functions.sql: cleaning, and the triggers that tell the servers what has
-- changed.

BEGIN;

DO $$ BEGIN PERFORM pg_advisory_xact_lock(7205759403792793); END $$;

SET LOCAL client_min_messages = warning;
SET LOCAL lock_timeout = '30s';


-- Rows that somebody else has locked are passed over: that somebody is about
-- to close or delete them, or they are not stale at all.  So none of these
-- waits, and none can end in a deadlock with a server that writes.

CREATE OR REPLACE FUNCTION
    disconnect_stale_connections(older_than INTERVAL DEFAULT '5 minutes')
    RETURNS INTEGER
    LANGUAGE plpgsql
AS $$
DECLARE
    closed INTEGER;
BEGIN
    UPDATE realtime_connections
    SET disconnected_at = NOW(), disconnect_reason = 'stale'
    WHERE id IN (
        SELECT id
        FROM realtime_connections
        WHERE disconnected_at IS NULL
          AND COALESCE(last_activity, connected_at, '-infinity')
              < NOW() - older_than
        FOR UPDATE SKIP LOCKED
    );

    GET DIAGNOSTICS closed = ROW_COUNT;
    RETURN closed;
END
$$;

COMMENT ON FUNCTION disconnect_stale_connections(INTERVAL) IS
    'closes open connections without activity for so long; how many';


CREATE OR REPLACE FUNCTION
    realtime_close_host(host TEXT,
                        before TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
                        worker INTEGER DEFAULT NULL)
    RETURNS INTEGER
    LANGUAGE plpgsql
AS $$
DECLARE
    closed INTEGER;
BEGIN
    UPDATE realtime_connections
    SET disconnected_at = NOW(), disconnect_reason = 'host gone'
    WHERE id IN (
        SELECT c.id
        FROM realtime_connections AS c
        WHERE c.disconnected_at IS NULL
          AND c.host = realtime_close_host.host
          AND COALESCE(c.connected_at, '-infinity') < before
          AND (realtime_close_host.worker IS NULL
               OR c.worker = realtime_close_host.worker)
        FOR UPDATE SKIP LOCKED
    );

    GET DIAGNOSTICS closed = ROW_COUNT;
    RETURN closed;
END
$$;

COMMENT ON FUNCTION
    realtime_close_host(TEXT, TIMESTAMP WITH TIME ZONE, INTEGER) IS
    'closes what a host that is gone, or one worker of it, left open from '
    'before that time; how many';


CREATE OR REPLACE FUNCTION realtime_clean_typing()
    RETURNS INTEGER
    LANGUAGE plpgsql
AS $$
DECLARE
    deleted INTEGER;
BEGIN
    DELETE FROM realtime_typing
    WHERE id IN (
        SELECT id
        FROM realtime_typing
        WHERE expires_at <= NOW()
        FOR UPDATE SKIP LOCKED
    );

    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END
$$;

COMMENT ON FUNCTION realtime_clean_typing() IS
    'deletes typing indicators that have expired; how many';


CREATE OR REPLACE FUNCTION
    realtime_delete_events(older_than INTERVAL, at_most BIGINT DEFAULT NULL)
    RETURNS BIGINT
    LANGUAGE plpgsql
AS $$
DECLARE
    batch CONSTANT BIGINT := 5000;
    deleted BIGINT := 0;
    n BIGINT;
BEGIN
    LOOP
        DELETE FROM realtime_events
        WHERE id IN (
            SELECT id
            FROM realtime_events
            WHERE created_at < NOW() - older_than
            ORDER BY created_at
            LIMIT LEAST(batch, at_most - deleted)
            FOR UPDATE SKIP LOCKED
        );

        GET DIAGNOSTICS n = ROW_COUNT;
        EXIT WHEN n = 0;

        deleted := deleted + n;
    END LOOP;

    RETURN deleted;
END
$$;

COMMENT ON FUNCTION realtime_delete_events(INTERVAL, BIGINT) IS
    'deletes events that are older, the oldest first, not more than so many; '
    'how many';


-- A function is one transaction: what it deleted stays locked, and its trace
-- in the tables, until the end of all.  A procedure may commit in between.

DO $body$
BEGIN
    EXECUTE format($create$
        CREATE OR REPLACE PROCEDURE
            realtime_retain_events(keep INTERVAL, batch BIGINT DEFAULT 10000)
            LANGUAGE plpgsql
        AS $$
        BEGIN
            WHILE %I.realtime_delete_events(keep, batch) > 0 LOOP
                COMMIT;
            END LOOP;
        END
        $$
    $create$, current_schema());
END
$body$;

COMMENT ON PROCEDURE realtime_retain_events(INTERVAL, BIGINT) IS
    'deletes events that are older, and commits after each batch';


-- Channel realtime_changed.  What was known of ... is to be forgotten:
--
--     {"room": name, "user": id}   the membership of a user
--     {"room": name}               a room and all memberships of it
--     {"all": true}                everything
--
-- A statement sends one notification per room, that of the user when it is
-- about one user; one for all when there are more than a thousand rooms.  A
-- name has 255 characters, which as JSON are far less than the 8000 bytes that
-- a notification may have.  Who writes is never made to fail: not by what is
-- wrong here, and as these run with the rights of their owner, not by what the
-- writer may not read.
--
-- Who sets realtime.quiet to "on" for a transaction sends none with it.

CREATE OR REPLACE FUNCTION realtime_notify(rooms TEXT[], users TEXT[])
    RETURNS VOID
    LANGUAGE plpgsql
AS $$
DECLARE
    room TEXT;
    n INTEGER := 0;
BEGIN
    IF CARDINALITY(rooms) > 1000 THEN
        PERFORM pg_notify('realtime_changed', '{"all": true}');
        RETURN;
    END IF;

    FOREACH room IN ARRAY rooms LOOP
        n := n + 1;

        PERFORM pg_notify('realtime_changed',
            CASE WHEN users[n] IS NULL
                 THEN jsonb_build_object('room', room)
                 ELSE jsonb_build_object('room', room, 'user', users[n])
            END::TEXT);
    END LOOP;
END
$$;

COMMENT ON FUNCTION realtime_notify(TEXT[], TEXT[]) IS
    'tells the servers that these rooms, or of each the one user, changed';


CREATE OR REPLACE FUNCTION realtime_rooms_changed()
    RETURNS TRIGGER
    LANGUAGE plpgsql SECURITY DEFINER
AS $$
DECLARE
    rooms TEXT[];
BEGIN
    IF current_setting('realtime.quiet', true) = 'on' THEN
        RETURN NULL;
    END IF;

    CASE TG_OP
    WHEN 'INSERT' THEN
        SELECT ARRAY_AGG(DISTINCT name) INTO rooms FROM rows_after;

    WHEN 'DELETE' THEN
        SELECT ARRAY_AGG(DISTINCT name) INTO rooms FROM rows_before;

    WHEN 'UPDATE' THEN
        SELECT ARRAY_AGG(DISTINCT name) INTO rooms
        FROM (
            (SELECT id, name, type, visibility FROM rows_before
             EXCEPT ALL
             SELECT id, name, type, visibility FROM rows_after)
            UNION ALL
            (SELECT id, name, type, visibility FROM rows_after
             EXCEPT ALL
             SELECT id, name, type, visibility FROM rows_before)
        ) AS changed;

    ELSE
        PERFORM pg_notify('realtime_changed', '{"all": true}');
        RETURN NULL;
    END CASE;

    PERFORM realtime_notify(COALESCE(rooms, '{}'), '{}');
    RETURN NULL;

EXCEPTION WHEN OTHERS THEN
    RAISE WARNING 'the servers are not told of a change: %', SQLERRM;
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION realtime_rooms_changed() IS
    'trigger: notifies of rooms that came, went, or are of another kind';


CREATE OR REPLACE FUNCTION realtime_room_members_changed()
    RETURNS TRIGGER
    LANGUAGE plpgsql SECURITY DEFINER
AS $$
DECLARE
    room_ids UUID[];
    user_ids TEXT[];
    rooms TEXT[];
    users TEXT[];
BEGIN
    IF current_setting('realtime.quiet', true) = 'on' THEN
        RETURN NULL;
    END IF;

    IF TG_OP = 'TRUNCATE' THEN
        PERFORM pg_notify('realtime_changed', '{"all": true}');
        RETURN NULL;
    END IF;

    -- Only what makes or ends an active membership is of interest: what a
    -- server writes of those who are in a room is none.

    CASE TG_OP
    WHEN 'INSERT' THEN
        SELECT ARRAY_AGG(room_id), ARRAY_AGG(user_id) INTO room_ids, user_ids
        FROM rows_after
        WHERE left_at IS NULL AND host IS NULL;

    WHEN 'DELETE' THEN
        SELECT ARRAY_AGG(room_id), ARRAY_AGG(user_id) INTO room_ids, user_ids
        FROM rows_before
        WHERE left_at IS NULL AND host IS NULL;

    ELSE
        SELECT ARRAY_AGG(room_id), ARRAY_AGG(user_id) INTO room_ids, user_ids
        FROM (
            (SELECT room_id, user_id FROM rows_before
             WHERE left_at IS NULL AND host IS NULL
             EXCEPT
             SELECT room_id, user_id FROM rows_after
             WHERE left_at IS NULL AND host IS NULL)
            UNION ALL
            (SELECT room_id, user_id FROM rows_after
             WHERE left_at IS NULL AND host IS NULL
             EXCEPT
             SELECT room_id, user_id FROM rows_before
             WHERE left_at IS NULL AND host IS NULL)
        ) AS changed;
    END CASE;

    SELECT ARRAY_AGG(room), ARRAY_AGG(only_user) INTO rooms, users
    FROM (
        SELECT r.name AS room,
               CASE WHEN COUNT(DISTINCT changed.user_id) = 1
                    THEN MIN(changed.user_id)
               END AS only_user
        FROM UNNEST(room_ids, user_ids) AS changed (room_id, user_id)
        JOIN realtime_rooms AS r ON r.id = changed.room_id
        GROUP BY r.name
    ) AS by_room;

    PERFORM realtime_notify(COALESCE(rooms, '{}'), COALESCE(users, '{}'));
    RETURN NULL;

EXCEPTION WHEN OTHERS THEN
    RAISE WARNING 'the servers are not told of a change: %', SQLERRM;
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION realtime_room_members_changed() IS
    'trigger: notifies of active memberships that began or ended';


-- Who is in a room already, as a server has written, becomes a member by what
-- is there: a user has one active row for a room.

CREATE OR REPLACE FUNCTION realtime_room_members_keep()
    RETURNS TRIGGER
    LANGUAGE plpgsql SECURITY DEFINER
AS $$
BEGIN
    UPDATE realtime_room_members
    SET host = NULL
    WHERE room_id = NEW.room_id AND user_id = NEW.user_id
      AND left_at IS NULL AND host IS NOT NULL;

    IF FOUND THEN
        RETURN NULL;
    END IF;

    RETURN NEW;
END
$$;

COMMENT ON FUNCTION realtime_room_members_keep() IS
    'trigger: a membership of somebody who is in the room replaces that stay';


REVOKE EXECUTE ON FUNCTION realtime_rooms_changed(),
    realtime_room_members_changed(), realtime_room_members_keep() FROM PUBLIC;


-- whoever calls them, and whatever is in that one's search path

DO $$
DECLARE
    name TEXT;
BEGIN
    FOREACH name IN ARRAY ARRAY[
        'disconnect_stale_connections(interval)',
        'realtime_close_host(text, timestamp with time zone, integer)',
        'realtime_clean_typing()',
        'realtime_delete_events(interval, bigint)',
        'realtime_notify(text[], text[])',
        'realtime_rooms_changed()',
        'realtime_room_members_changed()',
        'realtime_room_members_keep()'
    ] LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp',
                       name, current_schema());
    END LOOP;
END
$$;


-- a trigger that sees the rows of a statement can be for one operation only

DO $$
DECLARE
    of_table TEXT;
    operation TEXT;
    name TEXT;
BEGIN
    FOREACH of_table IN ARRAY ARRAY['realtime_rooms', 'realtime_room_members']
    LOOP
        FOREACH operation IN ARRAY
            ARRAY['insert', 'update', 'delete', 'truncate']
        LOOP
            name := of_table || '_' || operation;

            CONTINUE WHEN EXISTS (SELECT FROM pg_trigger
                                  WHERE tgrelid = of_table::regclass
                                    AND tgname = name);

            EXECUTE format('CREATE TRIGGER %I AFTER %s ON %I %s '
                           'FOR EACH STATEMENT EXECUTE FUNCTION %I()',
                name, operation, of_table,
                CASE operation
                WHEN 'insert' THEN 'REFERENCING NEW TABLE AS rows_after'
                WHEN 'delete' THEN 'REFERENCING OLD TABLE AS rows_before'
                WHEN 'update' THEN 'REFERENCING OLD TABLE AS rows_before '
                                   'NEW TABLE AS rows_after'
                ELSE ''
                END,
                of_table || '_changed');
        END LOOP;
    END LOOP;
END
$$;


DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_trigger
                   WHERE tgrelid = 'realtime_room_members'::regclass
                     AND tgname = 'realtime_room_members_keep')
    THEN
        CREATE TRIGGER realtime_room_members_keep
            BEFORE INSERT ON realtime_room_members FOR EACH ROW
            WHEN (NEW.host IS NULL AND NEW.left_at IS NULL)
            EXECUTE FUNCTION realtime_room_members_keep();
    END IF;
END
$$;


INSERT INTO realtime_schema_version (version, name) VALUES (3, 'functions')
    ON CONFLICT DO NOTHING;

COMMIT;
