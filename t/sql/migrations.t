#!/usr/bin/env node
'use strict';

/*
 * sql/*.sql make the same schema whatever was there before: nothing, a part of
 * it, tables of others with rows in them, or all of it, and also when several
 * run them at once.
 */

const fs = require('node:fs');
const path = require('node:path');
const postgres = require('../lib/postgres');
const tap = require('../lib/tap');

const { is, isDeeply, like, ok, test } = tap;

const BRIEF = fs.readFileSync(
    path.join(__dirname, '..', 'vectors', 'brief-schema.sql'), 'utf8');

const FILES = postgres.migrations();

/* what the tables have besides */
const ADDED = {
    realtime_connections: [
        'host character varying(255)', 'worker integer',
        'namespace character varying(255)', 'address character varying(64)',
        'disconnect_reason character varying(64)'
    ],
    realtime_room_members: ['host character varying(255)']
};

const TABLES = ['realtime_connections', 'realtime_rooms',
                'realtime_room_members', 'realtime_presence',
                'realtime_typing', 'realtime_events'];

const VIEWS = ['realtime_active_connections', 'realtime_room_stats',
               'realtime_current_typing', 'realtime_presence_summary'];


/* "name type" of all columns, in order; with "not null" of the table's own */
async function columns(db, table) {
    const rows = await db.query(`
        SELECT attname || ' ' || format_type(atttypid, atttypmod)
               || CASE WHEN attnotnull THEN ' not null' ELSE '' END AS text
        FROM pg_attribute
        WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped
        ORDER BY attnum`, [table]);

    return rows.map((row) => row.text);
}


async function defaults(db) {
    return db.query(`
        SELECT table_name || '.' || column_name AS name, column_default AS value
        FROM information_schema.columns
        WHERE table_schema = 'public' AND column_default IS NOT NULL
        ORDER BY 1`);
}


async function empty(pg, dump) {
    const db = await pg.createDatabase();
    const brief = await pg.createDatabase();

    await brief.query(BRIEF);
    await db.apply();

    await test('the columns are those of the description, and some', async () =>
    {
        for (const table of TABLES) {
            isDeeply(await columns(db, table),
                     [...await columns(brief, table), ...ADDED[table] || []],
                     table);
        }

        for (const view of VIEWS) {
            isDeeply(await columns(db, view), await columns(brief, view), view);
        }
    });

    await test('defaults are those of the description, and some', async () => {
        const ids = TABLES.filter((t) => t !== 'realtime_presence')
            .map((table) => ({
                name: `${table}.id`, value: 'gen_random_uuid()'
            }));

        const types = [['type', 'channel'], ['visibility', 'public']]
            .map(([name, value]) => ({
                name: `realtime_rooms.${name}`,
                value: `'${value}'::character varying`
            }));

        const all = [...await defaults(brief), ...ids, ...types, {
            name: 'realtime_schema_version.applied_at', value: 'now()'
        }];

        isDeeply(await defaults(db), all.sort((a, b) => (a.name < b.name ? -1
                                                                         : 1)));
    });

    await test('the version table says which files were run', async () => {
        isDeeply(await db.query(`SELECT version, name, applied_at <= now() AS t
                                 FROM realtime_schema_version ORDER BY 1`),
                 FILES.map((file) => {
                     const [, version, name]
                         = path.basename(file).match(/^(\d+)_(.*)\.sql$/);

                     return { version: Number(version), name, t: true };
                 }));
    });

    await test('run again they change nothing', async () => {
        await db.query(`
            INSERT INTO realtime_rooms (name) VALUES ('here');
            INSERT INTO realtime_room_members (room_id, user_id)
                SELECT id, 'anna' FROM realtime_rooms;
            INSERT INTO realtime_events (type) VALUES ('connect')`);

        const rows = () => Promise.all(['schema_version', 'rooms',
                                        'room_members', 'events'].map((table) =>
            db.query(`SELECT * FROM realtime_${table} ORDER BY 1`)));

        const before = await rows();

        await db.apply();
        await db.apply([...FILES].reverse());
        isDeeply(await rows(), before, 'rows');
        is(await db.dump(), dump, 'schema');
    });
}


/* the same by psql, which sends one statement after the other */
async function byPsql(pg, dump) {
    await test('psql runs them, and has nothing to say', async () => {
        const db = await pg.createDatabase();

        for (let i = 0; i < 2; i++) {
            const res = await db.psql(['-q', '-v', 'ON_ERROR_STOP=1',
                                       ...FILES.flatMap((f) => ['-f', f])]);

            isDeeply(res, { code: 0, stdout: '', stderr: '' });
        }

        is(await db.dump(), dump, 'schema');
    });

    await test('a file that fails leaves nothing behind', async () => {
        const db = await pg.createDatabase();

        await db.query('CREATE TABLE realtime_rooms (id INTEGER)');

        const res = await db.psql(['-q', '-f', FILES[0]]);

        like(res.stderr, /ERROR: .*"realtime_rooms"/, 'what psql says');
        is(await db.value(`SELECT count(*) FROM pg_class
                           WHERE relname ~ '^realtime_'`), 1, 'relations');
    });
}


/*
 * Tables of others, with rows that break the rules: they stay, and what was
 * there twice is settled.
 */
async function overTheirs(pg, dump) {
    const db = await pg.createDatabase();

    await db.query(BRIEF);
    await db.query(`
        INSERT INTO realtime_rooms (id, name, type, visibility) VALUES
            (gen_random_uuid(), 'good', 'group', 'private'),
            (gen_random_uuid(), 'none', NULL, NULL);
        INSERT INTO realtime_room_members (id, room_id, user_id, joined_at,
                                           left_at)
            SELECT gen_random_uuid(), id, u, now() - make_interval(days => d), l
            FROM realtime_rooms, (VALUES
                ('anna', 3, NULL), ('anna', 9, NULL), ('anna', 5, NULL),
                ('anna', 20, now()), ('ben', 1, NULL)) AS v (u, d, l);
        INSERT INTO realtime_room_members (id, user_id) VALUES
            (gen_random_uuid(), 'nowhere'), (gen_random_uuid(), 'nowhere');
        INSERT INTO realtime_presence (user_id, status) VALUES
            ('anna', 'online');
        INSERT INTO realtime_typing (id, room_name, user_id, thread_id,
                                     expires_at)
            SELECT gen_random_uuid(), 'good', u, t,
                   TIMESTAMP WITH TIME ZONE '2020-01-01 UTC'
                   + make_interval(secs => s)
            FROM (VALUES ('anna', NULL, 1), ('anna', '', 3), ('anna', NULL, 2),
                         ('anna', 't', 1), ('ben', NULL, 1)) AS v (u, t, s);
        INSERT INTO realtime_events (id, type) VALUES
            (gen_random_uuid(), 'connect')`);

    await db.apply();

    await test('over the tables of others it is the same schema', async () => {
        is(await db.dump(), dump);
    });

    await test('of active memberships the oldest stays', async () => {
        isDeeply(await db.query(`
            SELECT name, user_id, round(extract(epoch FROM now() - joined_at)
                                        / 86400)::integer AS days
            FROM realtime_room_members
            LEFT JOIN realtime_rooms AS r ON r.id = room_id
            WHERE left_at IS NULL ORDER BY name, user_id`), [
            { name: 'good', user_id: 'anna', days: 9 },
            { name: 'good', user_id: 'ben', days: 1 },
            { name: 'none', user_id: 'anna', days: 9 },
            { name: 'none', user_id: 'ben', days: 1 },
            { name: null, user_id: 'nowhere', days: 0 },
            { name: null, user_id: 'nowhere', days: 0 }
        ]);

        is(await db.value('SELECT count(*) FROM realtime_room_members'), 12,
           'all rows are still there');
    });

    await test('of typing indicators the last one stays', async () => {
        isDeeply(await db.query(`
            SELECT user_id, COALESCE(thread_id, '') AS thread,
                   extract(second FROM expires_at)::integer AS s
            FROM realtime_typing ORDER BY 1, 2`), [
            { user_id: 'anna', thread: '', s: 3 },
            { user_id: 'anna', thread: 't', s: 1 },
            { user_id: 'ben', thread: '', s: 1 }
        ]);
    });

    await test('other rows are as they were', async () => {
        isDeeply(await db.query(`SELECT name, type, visibility
                                 FROM realtime_rooms ORDER BY 1`), [
            { name: 'good', type: 'group', visibility: 'private' },
            { name: 'none', type: null, visibility: null }
        ]);

        is(await db.value('SELECT count(*) FROM realtime_events'), 1, 'events');
    });
}


async function brokenRules(pg, dump) {
    await test('rows that break a rule stay, new ones may not', async () => {
        const db = await pg.createDatabase();

        await db.query(BRIEF);
        await db.query(`
            INSERT INTO realtime_rooms (id, name, type, visibility)
                VALUES (gen_random_uuid(), 'odd', 'lobby', 'hidden');
            INSERT INTO realtime_presence VALUES ('anna', 'asleep')`);

        const res = await db.psql(['-q', '-v', 'ON_ERROR_STOP=1',
                                   ...FILES.flatMap((f) => ['-f', f])]);

        is(res.code, 0, 'exit code');
        is((res.stderr.match(/WARNING/g) || []).length, 3, 'warnings');

        for (const sql of [
            `INSERT INTO realtime_rooms (name, type) VALUES ('n', 'lobby')`,
            `INSERT INTO realtime_rooms (name, visibility)
                VALUES ('n', 'hidden')`,
            `INSERT INTO realtime_presence VALUES ('ben', 'asleep')`
        ]) {
            like(await db.query(sql).catch((e) => e.message),
                 /violates check constraint/, sql);
        }

        await db.query(`
            UPDATE realtime_rooms SET type = 'group', visibility = 'private';
            UPDATE realtime_presence SET status = 'away'`);
        await db.apply();
        is(await db.dump(), dump, 'once they are corrected');
    });
}


/* a statement that takes away one thing, for each thing that there is */
const THINGS = `
    SELECT format('ALTER TABLE %I DROP COLUMN %I CASCADE', relname, attname) AS sql
    FROM pg_attribute JOIN pg_class AS c ON c.oid = attrelid
    WHERE relname IN ('realtime_connections', 'realtime_room_members')
      AND attname IN ('host', 'worker', 'namespace', 'address',
                      'disconnect_reason')
    UNION ALL
    SELECT format('DROP INDEX %I', relname)
    FROM pg_class JOIN pg_index AS i ON indexrelid = pg_class.oid
    WHERE relname ~ '^(idx_)?realtime_'
      AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
    UNION ALL
    SELECT format('DROP TRIGGER %I ON %s', tgname, tgrelid::regclass)
    FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL
    SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass,
                  conname)
    FROM pg_constraint WHERE contype = 'c' AND conname ~ '^realtime_'
    UNION ALL
    SELECT format('DROP VIEW %I', relname)
    FROM pg_class WHERE relkind = 'v' AND relname ~ '^realtime_'
    UNION ALL
    SELECT format('DROP ROUTINE %s CASCADE', p.oid::regprocedure)
    FROM pg_proc AS p WHERE proname ~ '^(realtime_|disconnect_stale)'
    UNION ALL
    SELECT 'ALTER TABLE realtime_connections RESET (fillfactor)'
    UNION ALL
    SELECT format('ALTER TABLE %I ALTER COLUMN %I DROP DEFAULT', table_name,
                  column_name)
    FROM information_schema.columns
    WHERE table_schema = 'public'
      AND (column_name = 'id' AND column_default IS NOT NULL
           OR table_name = 'realtime_rooms'
              AND column_name IN ('type', 'visibility'))`;


/* all that there is, as text: quicker than pg_dump */
const SNAPSHOT = `
    SELECT array_agg(text ORDER BY text) FROM (
        SELECT format('%s %s %s %s', attrelid::regclass, attname,
                      format_type(atttypid, atttypmod), (
                          SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef
                          WHERE adrelid = attrelid AND adnum = attnum)) AS text
        FROM pg_attribute JOIN pg_class AS c ON c.oid = attrelid
        WHERE relname ~ '^realtime_' AND attnum > 0 AND NOT attisdropped
        UNION ALL
        SELECT pg_get_indexdef(indexrelid)
        FROM pg_index JOIN pg_class AS c ON c.oid = indrelid
        WHERE relname ~ '^realtime_'
        UNION ALL
        SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
        UNION ALL
        SELECT format('%s %s %s', conrelid::regclass, conname,
                      pg_get_constraintdef(oid))
        FROM pg_constraint WHERE conname ~ '^realtime_'
        UNION ALL
        SELECT format('%s %s', relname, pg_get_viewdef(oid))
        FROM pg_class WHERE relkind = 'v' AND relname ~ '^realtime_'
        UNION ALL
        SELECT pg_get_functiondef(oid) || proacl::text
        FROM pg_proc WHERE proname ~ '^(realtime_|disconnect_stale)'
        UNION ALL
        SELECT format('%s %s', relname, reloptions)
        FROM pg_class WHERE relname ~ '^realtime_'
        UNION ALL
        SELECT description FROM pg_description
        WHERE objoid IN (SELECT oid FROM pg_proc WHERE proname ~ '^realtime_')
    ) AS things`;


async function inPart(pg, dump) {
    const db = await pg.createDatabase();

    await db.apply();

    const whole = await db.value(SNAPSHOT);
    const things = await db.query(THINGS);

    await test(`any of ${things.length} things that is missing comes back`,
        async () => {
            ok(things.length > 40, `${things.length} things`);

            for (const { sql } of things) {
                await db.query(sql);
                ok((await db.value(SNAPSHOT)).join() !== whole.join(), sql);
                await db.apply();
                isDeeply(await db.value(SNAPSHOT), whole, sql);
            }
        }, { timeout: 60000 });

    for (let n = 1; n < FILES.length; n++) {
        await test(`after ${n} of the files all of them`, async () => {
            const half = await pg.createDatabase();

            await half.apply(FILES.slice(0, n));
            await half.apply();
            is(await half.dump(), dump);
        });
    }
}


async function atOnce(pg, dump) {
    for (const [name, before] of [['nothing', ''], ['others\' tables', BRIEF]])
    {
        await test(`four at once, over ${name}`, async () => {
            const db = await pg.createDatabase();

            await db.query(before);
            await Promise.all([1, 2, 3, 4].map(() => db.apply()));
            is(await db.dump(), dump);
        });
    }

    for (const [n, file] of FILES.entries()) {
        await test(`a second one waits for ${path.basename(file)}`, async () => {
            const db = await pg.createDatabase();
            const first = await db.client();

            await db.apply(FILES.slice(0, n));
            await first.query(fs.readFileSync(file, 'utf8')
                                .replace(/^COMMIT;$/m, ''));

            const second = db.apply(FILES.slice(n));

            await tap.until(5000, async () => (await pg.admin(
                `SELECT 1 FROM pg_stat_activity WHERE datname = $1
                 AND wait_event_type = 'Lock'`, [db.name])).length);

            await first.query('COMMIT');
            await second;
            await db.apply();
            is(await db.dump(), dump);
        });
    }
}


/* transactions of servers are short; those of people may be long */
async function amidWrites(pg) {
    await test('who writes does not wait for files run again', async () => {
        const db = await pg.createDatabase();

        await db.apply();

        const writer = await db.client();

        await writer.query(`
            BEGIN;
            INSERT INTO realtime_rooms (name) VALUES ('r');
            INSERT INTO realtime_room_members (room_id, user_id)
                SELECT id, 'anna' FROM realtime_rooms;
            INSERT INTO realtime_connections (socket_id) VALUES ('s');
            INSERT INTO realtime_presence VALUES ('anna', 'online');
            INSERT INTO realtime_typing (room_name, user_id, expires_at)
                VALUES ('r', 'anna', now());
            INSERT INTO realtime_events (type) VALUES ('connect')`);

        await db.apply();
        await writer.query('COMMIT');
        is(await db.value('SELECT count(*) FROM realtime_events'), 1, 'events');
    });
}


async function elsewhere(pg) {
    await test('in a schema of its own, for whatever search path', async () => {
        const db = await pg.createDatabase();

        await db.apply();
        await db.query(`CREATE SCHEMA "my chat"`);

        const client = await new postgres.Database(pg, db.name).client();

        await client.query('SET search_path = "my chat", public');

        for (const file of FILES) {
            await client.query(fs.readFileSync(file, 'utf8'));
        }

        await client.query('RESET search_path');

        const counts = `SELECT nspname, relkind, count(*)
            FROM pg_class JOIN pg_namespace AS n ON n.oid = relnamespace
            WHERE relname ~ '^(idx_)?realtime' GROUP BY 1, 2 ORDER BY 1, 2`;

        const { rows } = await client.query(counts);
        const of = (name) => rows.filter((row) => row.nspname === name)
                                 .map((row) => [row.relkind, row.count]);

        isDeeply(of('my chat'), of('public'), 'relations in both');

        await client.query(`
            INSERT INTO "my chat".realtime_rooms (name) VALUES ('there');
            INSERT INTO "my chat".realtime_events (type, created_at)
                VALUES ('connect', now() - INTERVAL '1 day');
            INSERT INTO realtime_events (type, created_at)
                VALUES ('connect', now() - INTERVAL '1 day')`);

        const one = await client.query(
            `SELECT "my chat".realtime_delete_events('1 hour') AS n`);

        is(one.rows[0].n, 1, 'events deleted');
        await client.query(`CALL "my chat".realtime_retain_events('1 hour')`);
        is(await db.value('SELECT count(*) FROM realtime_events'), 1,
           'those of the other schema are still there');
    });
}


tap.run(async () => {
    const pg = await postgres.start();

    await pg.apply();

    const dump = await pg.db.dump();

    await empty(pg, dump);
    await byPsql(pg, dump);
    await overTheirs(pg, dump);
    await brokenRules(pg, dump);
    await inPart(pg, dump);
    await atOnce(pg, dump);
    await amidWrites(pg);
    await elsewhere(pg);

    await test('the server and its tests need no superuser', async () => {
        isDeeply(await pg.query(`SELECT rolsuper, rolcreaterole, rolcreatedb
                                 FROM pg_roles WHERE rolname = current_user`),
                 [{ rolsuper: false, rolcreaterole: false,
                    rolcreatedb: false }]);
    });
}, { timeout: 180000 });
