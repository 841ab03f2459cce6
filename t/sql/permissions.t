#!/usr/bin/env node
'use strict';

/*
 * The grants of docs/database.md are enough for what they are said to be for,
 * and for no more.  The other SQL of that document runs as well.
 */

const fs = require('node:fs');
const path = require('node:path');
const postgres = require('../lib/postgres');
const tap = require('../lib/tap');

const { is, isDeeply, like, ok, test } = tap;

const DOCUMENT = path.join(__dirname, '..', '..', 'docs', 'database.md');
const VECTORS = path.join(__dirname, '..', 'vectors', 'brief.sql');

const ROLES = ['realtime_server', 'realtime_reader', 'realtime_cleaner'];

const MAY = {

    realtime_server: [
        `INSERT INTO realtime_connections (id, socket_id)
            VALUES (gen_random_uuid(), 's') ON CONFLICT (id) DO NOTHING`,
        'UPDATE realtime_connections SET last_activity = now()',
        `SELECT realtime_close_host('here', now(), 1)`,
        'SELECT disconnect_stale_connections()',
        `INSERT INTO realtime_rooms (name) VALUES ('a')
            ON CONFLICT (name) DO NOTHING`,
        `INSERT INTO realtime_room_members (room_id, user_id)
            SELECT id, 'anna' FROM realtime_rooms
            ON CONFLICT (room_id, user_id) WHERE left_at IS NULL DO NOTHING`,
        'UPDATE realtime_room_members SET left_at = now() '
            + 'WHERE left_at IS NULL',
        `INSERT INTO realtime_presence (user_id, status)
            VALUES ('anna', 'online') ON CONFLICT (user_id)
            DO UPDATE SET status = excluded.status`,
        'SELECT status, custom_status FROM realtime_presence',
        `INSERT INTO realtime_typing (room_name, user_id, expires_at)
            VALUES ('a', 'anna', now())
            ON CONFLICT (room_name, user_id, COALESCE(thread_id, ''))
            DO UPDATE SET expires_at = excluded.expires_at`,
        `DELETE FROM realtime_typing WHERE user_id = 'anna'`,
        'SELECT realtime_clean_typing()',
        `INSERT INTO realtime_events (id, type)
            VALUES (gen_random_uuid(), 'connect') ON CONFLICT (id) DO NOTHING`,
        `INSERT INTO realtime_events (id, type)
            VALUES (gen_random_uuid(), 'connect') ON CONFLICT DO NOTHING`,
        'SELECT max(version) FROM realtime_schema_version',
        'LISTEN realtime_changed'
    ],

    realtime_reader: [...vectors()],

    realtime_cleaner: [
        'SELECT disconnect_stale_connections()',
        `SELECT realtime_close_host('here')`,
        'SELECT realtime_clean_typing()',
        `SELECT realtime_delete_events('1 day')`,
        `CALL realtime_retain_events('1 day')`
    ]
};

const MAY_NOT = {

    realtime_server: [
        'SELECT data FROM realtime_events', 'DELETE FROM realtime_events',
        `UPDATE realtime_events SET type = 'x'`,
        'DELETE FROM realtime_connections', 'DELETE FROM realtime_rooms',
        'DELETE FROM realtime_room_members', 'DELETE FROM realtime_presence',
        'TRUNCATE realtime_typing', `SELECT realtime_delete_events('1 day')`,
        'DELETE FROM realtime_schema_version', 'DROP TABLE realtime_typing'
    ],

    realtime_reader: [
        `INSERT INTO realtime_rooms (name) VALUES ('x')`,
        `UPDATE realtime_presence SET status = 'away'`,
        'DELETE FROM realtime_typing', 'SELECT disconnect_stale_connections()'
    ],

    realtime_cleaner: [
        'SELECT * FROM realtime_rooms', 'DELETE FROM realtime_connections',
        `INSERT INTO realtime_events (type) VALUES ('x')`
    ]
};


/* all but those that write or take parameters */
function vectors() {
    return fs.readFileSync(VECTORS, 'utf8').split(/^-- name: .*\n/m).slice(1)
             .filter((sql) => !/\$1|disconnect_stale/.test(sql));
}


/* the SQL of the document, the grants and the rest */
function blocks() {
    const all = [...fs.readFileSync(DOCUMENT, 'utf8')
        .matchAll(/^```sql\n(.*?)^```/gms)].map((match) => match[1]);

    return [all.filter((sql) => /^GRANT/.test(sql)),
            all.filter((sql) => !/^GRANT/.test(sql))];
}


/* tables, columns and functions that the document tells of */
async function told(pg) {
    const text = fs.readFileSync(DOCUMENT, 'utf8');

    await test('the document has every column with its type', async () => {
        const short = { 'timestamp with time zone': 'time' };

        for (const { table, name, type } of await pg.query(`
            SELECT relname AS table, attname AS name,
                   format_type(atttypid, atttypmod) AS type
            FROM pg_attribute JOIN pg_class AS c ON c.oid = attrelid
            WHERE relname ~ '^realtime_' AND relkind = 'r' AND attnum > 0
              AND relname <> 'realtime_schema_version'`))
        {
            const at = text.indexOf(`### ${table}\n`);
            const part = text.slice(at, text.indexOf('\n#', at + 5));

            const word = (short[type] || type.toUpperCase())
                .replace('CHARACTER VARYING', 'VARCHAR');

            ok(new RegExp(`^\\| \\*?\`${name}\`\\*? \\| `
                          + `${word.replace(/[()]/g, '\\$&')} \\|`, 'm')
                .test(part), `${table}.${name} ${word}`);
        }
    });

    await test('the document has all functions, views and files', async () => {
        for (const { name } of await pg.query(`
            SELECT proname AS name FROM pg_proc
            WHERE pronamespace = 'public'::regnamespace
              AND prorettype <> 'trigger'::regtype
              AND proname <> 'realtime_notify'
            UNION ALL
            SELECT relname FROM pg_class WHERE relkind = 'v'
              AND relnamespace = 'public'::regnamespace`))
        {
            like(text, new RegExp(`^\\| \`${name}\\b`, 'm'), name);
        }

        for (const file of postgres.migrations()) {
            const name = path.basename(file);

            like(text, new RegExp(`^\\| ${parseInt(name, 10)} \\| `
                                  + `\`${name}\` \\|`, 'm'), name);
        }
    });
}


tap.run(async () => {
    const pg = await postgres.start();
    const [grants, others] = blocks();

    await pg.apply();

    for (const role of ROLES) {
        await pg.admin(`CREATE ROLE ${role} LOGIN PASSWORD '${pg.password}'`);
    }

    await test('the SQL of the document runs', async () => {
        is(grants.length, 2, 'blocks of grants');
        ok(others.length > 3, 'other blocks');

        for (const sql of grants) {
            await pg.query(sql);
        }

        for (const sql of others.filter((text) => !/^ALTER ROLE/.test(text))) {

            /* CALL is not for the transaction that several make together */
            const parts = /BEGIN/.test(sql) ? [sql] : sql.split(/;\n/);

            for (const part of parts) {
                await pg.query(part);
            }
        }

        for (const sql of others.filter((text) => /^ALTER ROLE/.test(text))) {
            await pg.admin(sql);
        }
    });

    for (const role of ROLES) {
        await test(`${role} may do what it is for`, async () => {
            const client = await pg.client(role);

            for (const sql of MAY[role]) {
                await client.query(sql);
            }
        });

        await test(`${role} may do nothing else`, async () => {
            const client = await pg.client(role);

            for (const sql of MAY_NOT[role]) {
                like(await client.query(sql).then(() => 'done',
                                                  (e) => e.message),
                     /permission denied|must be owner/, sql);
            }
        });
    }

    await test('a role without grants may do nothing at all', async () => {
        await pg.admin(`CREATE ROLE nobody_in_particular LOGIN
                        PASSWORD '${pg.password}'`);

        const client = await pg.client('nobody_in_particular');
        const could = [];

        for (const sql of Object.values(MAY).flat()) {
            await client.query(sql).then(() => could.push(sql), () => {});
        }

        isDeeply(could, ['LISTEN realtime_changed']);
    });

    await told(pg);
});
