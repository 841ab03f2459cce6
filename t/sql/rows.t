#!/usr/bin/env node
'use strict';

/*
 * What may be there once is there once: rows that are sent again, memberships,
 * typing indicators, presence.  The statements are of the kind that a server
 * sends: many rows by one statement, all values as parameters.
 */

const crypto = require('node:crypto');
const postgres = require('../lib/postgres');
const tap = require('../lib/tap');

const { is, isDeeply, like, test } = tap;

const UNIQUE = /duplicate key value violates unique constraint/;
const CHECK = /violates check constraint/;


/* the message of the error that it must end in */
async function failure(db, sql, params) {
    return db.query(sql, params).then(() => 'no error', (e) => e.message);
}


async function again(db) {
    await test('a batch that is sent again is there once', async () => {
        const ids = Array.from({ length: 1000 }, () => crypto.randomUUID());
        const batch = (sql, list) => db.query(sql, [list]);

        for (const part of [ids.slice(0, 600), ids.slice(300), ids]) {
            await batch(`INSERT INTO realtime_events (id, type)
                         SELECT id, 'message' FROM unnest($1::uuid[]) AS id
                         ON CONFLICT DO NOTHING`, part);
            await batch(`INSERT INTO realtime_connections (id, socket_id)
                         SELECT id, id::text FROM unnest($1::uuid[]) AS id
                         ON CONFLICT (id) DO NOTHING`, part);
        }

        is(await db.value('SELECT count(*) FROM realtime_events'), 1000);
        is(await db.value('SELECT count(*) FROM realtime_connections'), 1000);
    });
}


async function memberships(db) {
    const join = `
        INSERT INTO realtime_room_members (room_id, user_id)
        SELECT r.id, m.user_id
        FROM unnest($1::text[], $2::text[]) AS m (room, user_id)
        JOIN realtime_rooms AS r ON r.name = m.room
        ON CONFLICT (room_id, user_id) WHERE left_at IS NULL DO NOTHING`;

    const leave = `
        UPDATE realtime_room_members SET left_at = now()
        FROM realtime_rooms AS r
        WHERE r.id = room_id AND r.name = $1 AND user_id = $2
          AND left_at IS NULL`;

    const count = (where) => db.value(`SELECT count(*)
        FROM realtime_room_members WHERE ${where}`);

    await db.query(`INSERT INTO realtime_rooms (name) VALUES ('a'), ('b')`);

    await test('a user is in a room once', async () => {
        await db.query(join, [['a', 'a', 'b', 'no'],
                              ['anna', 'anna', 'anna', 'anna']]);
        await db.query(join, [['a', 'b'], ['anna', 'ben']]);
        is(await count('left_at IS NULL'), 3, 'active');
        like(await failure(db, `INSERT INTO realtime_room_members
            (room_id, user_id) SELECT id, 'anna' FROM realtime_rooms`), UNIQUE);
    });

    await test('and may leave and come back any number of times', async () => {
        for (let i = 0; i < 3; i++) {
            await db.query(leave, ['a', 'anna']);
            await db.query(join, [['a'], ['anna']]);
        }

        is(await count(`user_id = 'anna' AND left_at IS NULL`), 2, 'active');
        is(await count(`user_id = 'anna'`), 5, 'all');
    });

    await test('also when many join at once', async () => {
        await Promise.all(Array.from({ length: 40 }, (_, i) =>
            db.query(join, [['a', 'b'], [`u${i % 4}`, `u${i % 4}`]])));
        is(await count(`user_id ~ '^u' AND left_at IS NULL`), 8, 'active');
    });

    await test('a room with memberships is not just deleted', async () => {
        like(await failure(db, `DELETE FROM realtime_rooms WHERE name = 'a'`),
             /violates foreign key constraint/);
    });
}


async function typing(db) {
    const start = `
        INSERT INTO realtime_typing
            (room_name, user_id, thread_id, started_at, expires_at)
        SELECT room, user_id, thread_id, now(),
               now() + make_interval(secs => $4)
        FROM unnest($1::text[], $2::text[], $3::text[])
             AS t (room, user_id, thread_id)
        ON CONFLICT (room_name, user_id, COALESCE(thread_id, ''))
        DO UPDATE SET expires_at = excluded.expires_at`;

    await test('typing is renewed, not doubled', async () => {
        for (const seconds of [1, 60]) {
            await db.query(start, [['a', 'a', 'a', 'b'],
                                   ['anna', 'anna', 'ben', 'anna'],
                                   [null, 't', null, null], seconds]);
        }

        isDeeply(await db.query(`
            SELECT room_name AS room, user_id AS who, thread_id AS thread,
                   expires_at > now() + INTERVAL '30 seconds' AS renewed
            FROM realtime_typing ORDER BY 1, 2, 3`), [
            { room: 'a', who: 'anna', thread: 't', renewed: true },
            { room: 'a', who: 'anna', thread: null, renewed: true },
            { room: 'a', who: 'ben', thread: null, renewed: true },
            { room: 'b', who: 'anna', thread: null, renewed: true }
        ]);

        like(await failure(db, `INSERT INTO realtime_typing
            (room_name, user_id, thread_id, expires_at)
            VALUES ('a', 'anna', '', now())`), UNIQUE);
    });
}


async function rules(db) {
    await test('presence is one per user', async () => {
        for (const status of ['online', 'away', 'busy', 'offline']) {
            await db.query(`
                INSERT INTO realtime_presence (user_id, status)
                VALUES ('anna', $1)
                ON CONFLICT (user_id) DO UPDATE SET status = excluded.status`,
                [status]);
            is(await db.value('SELECT status FROM realtime_presence'), status);
        }
    });

    const room = (column) => `INSERT INTO realtime_rooms (name, ${column})
                              VALUES ($1, $1)`;
    const presence = `INSERT INTO realtime_presence (user_id, status)
                      VALUES ('ben', $1)`;

    await test('types, visibilities and statuses are known ones', async () => {
        for (const type of ['channel', 'dm', 'group', 'broadcast']) {
            is(await failure(db, room('type'), [type]), 'no error', type);
        }

        for (const visibility of ['public', 'private']) {
            is(await failure(db, room('visibility'), [visibility]), 'no error');
        }

        for (const odd of ['', 'Channel', 'lobby', 'public ']) {
            like(await failure(db, room('type'), [odd]), CHECK, odd);
            like(await failure(db, room('visibility'), [odd]), CHECK, odd);
            like(await failure(db, presence, [odd]), CHECK, odd);
        }
    });

    await test('what nothing is said about', async () => {
        const [row] = await db.query(`INSERT INTO realtime_rooms (name)
            VALUES ('plain') RETURNING *, created_at = now() AS now`);

        like(row.id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-/, 'id');
        isDeeply([row.type, row.visibility, row.now, row.metadata],
                 ['channel', 'public', true, {}]);
    });
}


tap.run(async () => {
    const pg = await postgres.start();

    await pg.apply();
    await again(pg.db);
    await memberships(pg.db);
    await typing(pg.db);
    await rules(pg.db);
});
