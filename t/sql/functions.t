#!/usr/bin/env node
'use strict';

/*
 * The functions that clean up: what they take, what they leave, that they wait
 * for nobody, and what they say about how much it was.
 */

const postgres = require('../lib/postgres');
const tap = require('../lib/tap');

const { is, isDeeply, like, ok, test } = tap;

const STALE = 'SELECT disconnect_stale_connections()';


/* open connections: s1 idle for a minute, s2 for two, ... */
async function connections(db, n) {
    await db.query('TRUNCATE realtime_connections');
    await db.query(`
        INSERT INTO realtime_connections
            (socket_id, host, worker, connected_at, last_activity)
        SELECT 's' || n, 'host-' || n % 2, n % 3,
               now() - make_interval(mins => n + 10),
               now() - make_interval(mins => n)
        FROM generate_series(1, $1) AS n`, [n]);
}


/* "s1 s2 ..." */
async function open(db) {
    return db.value(`
        SELECT coalesce(string_agg(socket_id, ' '
                                   ORDER BY length(socket_id), socket_id), '')
        FROM realtime_connections WHERE disconnected_at IS NULL`);
}


async function stale(db) {
    await test('stale connections: five minutes by default', async () => {
        await connections(db, 9);
        is(await db.value(STALE), 5, 'closed');
        is(await open(db), 's1 s2 s3 s4', 'open');

        isDeeply(await db.query(`
            SELECT DISTINCT disconnect_reason AS reason,
                   disconnected_at > now() - INTERVAL '10 seconds' AS now,
                   last_activity < now() - INTERVAL '5 minutes' AS kept
            FROM realtime_connections WHERE disconnected_at IS NOT NULL`),
            [{ reason: 'stale', now: true, kept: true }]);

        is(await db.value(STALE), 0, 'again');
    });

    await test('stale connections: any other time', async () => {
        await connections(db, 9);
        is(await db.value(`SELECT disconnect_stale_connections('150 seconds')`),
           7, 'closed');
        is(await open(db), 's1 s2', 'open');
    });

    await test('stale connections: those that closed stay closed', async () => {
        await connections(db, 9);
        await db.query(`UPDATE realtime_connections
                        SET disconnected_at = '2020-01-01',
                            disconnect_reason = 'ping timeout'
                        WHERE socket_id = 's9'`);
        is(await db.value(STALE), 4, 'closed');
        is(await db.value(`SELECT disconnect_reason FROM realtime_connections
                           WHERE socket_id = 's9'`), 'ping timeout', 'reason');
    });

    await test('stale connections: without activity the start counts',
        async () => {
            await connections(db, 2);
            await db.query('UPDATE realtime_connections '
                           + 'SET last_activity = NULL');
            await db.query(`UPDATE realtime_connections SET connected_at = now()
                            WHERE socket_id = 's2'`);
            is(await db.value(STALE), 1);
            is(await open(db), 's2', 'open');
        });

    await test('stale connections: what somebody writes is left', async () => {
        await connections(db, 9);

        const client = await db.client();

        await client.query(`BEGIN; UPDATE realtime_connections
            SET last_activity = now() WHERE socket_id IN ('s7', 's8')`);
        is(await db.value(STALE), 3, 'closed');
        await client.query('COMMIT');
        is(await open(db), 's1 s2 s3 s4 s7 s8', 'open');
    });
}


async function host(db) {
    await test('a host that is gone: its connections alone', async () => {
        await connections(db, 9);
        is(await db.value(`SELECT realtime_close_host('host-1')`), 5, 'closed');
        is(await open(db), 's2 s4 s6 s8', 'open');
        is(await db.value(`SELECT DISTINCT disconnect_reason
            FROM realtime_connections WHERE disconnected_at IS NOT NULL`),
           'host gone', 'reason');
        is(await db.value(`SELECT realtime_close_host('host-2')`), 0, 'other');
    });

    await test('a host that is gone: those of before a time', async () => {
        await connections(db, 9);

        is(await db.value(`SELECT realtime_close_host('host-1',
            now() - INTERVAL '930 seconds')`), 2, 'closed');
        is(await open(db), 's1 s2 s3 s4 s5 s6 s8', 'open');
    });

    await test('a host that is gone: those of one worker', async () => {
        await connections(db, 9);
        is(await db.value(`SELECT realtime_close_host('host-1', now(), 1)`), 2,
           'closed');
        is(await open(db), 's2 s3 s4 s5 s6 s8 s9', 'open');
    });
}


async function typing(db) {
    await test('typing: what has expired goes', async () => {
        await db.query(`
            INSERT INTO realtime_typing (room_name, user_id, expires_at)
            SELECT 'r', n, now() + make_interval(secs => n * 10)
            FROM generate_series(-3, 2) AS n`);
        is(await db.value('SELECT realtime_clean_typing()'), 4, 'deleted');
        is(await db.value(`SELECT string_agg(user_id, ' ' ORDER BY user_id)
                           FROM realtime_typing`), '1 2', 'left');
        is(await db.value('SELECT realtime_clean_typing()'), 0, 'again');
    });
}


/* one a minute, the first a minute ago */
async function events(db, n) {
    await db.query('TRUNCATE realtime_events');
    await db.query(`
        INSERT INTO realtime_events (type, data, created_at)
        SELECT 'message', jsonb_build_object('n', n),
               now() - make_interval(mins => n)
        FROM generate_series(1, $1) AS n`, [n]);
}


async function left(db) {
    const [row] = await db.query(`SELECT count(*) AS n,
        max((data->>'n')::int) AS oldest FROM realtime_events`);

    return [row.n, row.oldest];
}


async function retention(db) {
    await test('events: the old ones go, however many', async () => {
        await events(db, 12345);
        is(await db.value(`SELECT realtime_delete_events('100.5 minutes')`),
           12245, 'deleted');
        isDeeply(await left(db), [100, 100], 'left');
        is(await db.value(`SELECT realtime_delete_events('1 day')`), 0, 'more');
    });

    await test('events: not more than were asked for, the oldest first',
        async () => {
            await events(db, 12345);

            for (const [most, then] of [[1, 12344], [0, 12344], [7000, 5344]]) {
                is(await db.value(
                    `SELECT realtime_delete_events('1 hour', $1)`, [most]),
                   most, 'deleted');
                isDeeply(await left(db), [then, then], 'left');
            }
        });

    await test('events: two at once do not wait for each other', async () => {
        await events(db, 100);

        const client = await db.client();

        await client.query(`BEGIN;
            SELECT realtime_delete_events('1 minute', 40)`);
        is(await db.value(`SELECT realtime_delete_events('1 minute', 50)`), 50,
           'deleted by the other');
        await client.query('COMMIT');
        isDeeply(await left(db), [10, 10], 'left');
    });

    await test('events: the procedure commits in between', async () => {
        await events(db, 1000);

        /* the first three batches pass, the fourth does not */
        await db.query(`
            CREATE FUNCTION stop() RETURNS TRIGGER LANGUAGE plpgsql AS $$
            BEGIN
                IF (OLD.data->>'n')::int <= 700 THEN
                    RAISE 'no further';
                END IF;
                RETURN OLD;
            END $$;
            CREATE TRIGGER stop BEFORE DELETE ON realtime_events
                FOR EACH ROW EXECUTE FUNCTION stop()`);

        like(await db.query(`CALL realtime_retain_events('1 hour', 100)`)
            .catch((e) => e.message), /no further/, 'answer');
        isDeeply(await left(db), [700, 700], 'left');
        await db.query('DROP TRIGGER stop ON realtime_events');
        await db.query(`CALL realtime_retain_events('9.5 minutes')`);
        isDeeply(await left(db), [9, 9], 'left at the end');
    });
}


async function documented(db) {
    await test('each function and each table says what it is', async () => {
        const names = await db.query(`
            SELECT oid::regprocedure::text AS name,
                   obj_description(oid, 'pg_proc') AS text
            FROM pg_proc WHERE pronamespace = 'public'::regnamespace
            UNION ALL
            SELECT oid::regclass::text, obj_description(oid, 'pg_class')
            FROM pg_class WHERE relkind IN ('r', 'v')
              AND relnamespace = 'public'::regnamespace`);

        ok(names.length >= 18, `${names.length} things`);
        isDeeply(names.filter((n) => !n.text), [], 'without a comment');
    });
}


tap.run(async () => {
    const pg = await postgres.start();

    await pg.apply();
    await documented(pg);
    await stale(pg.db);
    await host(pg.db);
    await typing(pg.db);
    await retention(pg.db);
});
