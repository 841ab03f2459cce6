#!/usr/bin/env node
'use strict';

/*
 * Every statement that people run on the tables (t/vectors/brief.sql) runs, and
 * answers what the data says: made up at random, with answers that are worked
 * out here from the same data, by other means.
 */

const fs = require('node:fs');
const path = require('node:path');
const { isDeepStrictEqual } = require('node:util');
const { Random } = require('../lib/random');
const postgres = require('../lib/postgres');
const tap = require('../lib/tap');

const { is, isDeeply, ok, test } = tap;

const VECTORS = path.join(__dirname, '..', 'vectors', 'brief.sql');

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const SEEDS = [1, 2, 3];


/* name -> text */
function statements() {
    const parts = fs.readFileSync(VECTORS, 'utf8').split(/^-- name: /m);

    return new Map(parts.slice(1).map((part) => {
        const at = part.indexOf('\n');

        return [part.slice(0, at), part.slice(at + 1)];
    }));
}


/*
 * Times are "ago": seconds before the transaction.  Some of everything is not
 * there: users without presence, connections without users, rooms without
 * members.
 */
function make(random) {
    const some = (n, fn) => Array.from({ length: n }, (_, i) => fn(i));
    const ago = (max) => Math.round(random.between(0, max) * 1000) / 1000;
    const maybe = (p, value) => (random.next() < p ? value() : null);
    const uuid = () => `00000000-0000-4000-8000-${
        Math.floor(random.next() * 0xffffffffffff).toString(16)
            .padStart(12, '0')}`;

    const users = some(40, (i) => `user_${i}`);
    const user = () => random.pick(users);

    const rooms = some(18, (i) => ({
        id: uuid(), name: `room-${i}`, ago: ago(10 * DAY),
        type: random.pick(['channel', 'dm', 'group', 'broadcast']),
        visibility: random.pick(['public', 'private'])
    }));

    const populated = rooms.slice(0, 15);
    const seen = new Set();

    const members = some(300, () => ({
        id: uuid(), room_id: random.pick(populated).id, user_id: user(),
        ago: ago(40 * DAY), left: maybe(0.4, () => ago(DAY))
    })).filter((m) => {
        const key = `${m.room_id} ${m.user_id}`;

        return m.left !== null || (!seen.has(key) && seen.add(key));
    });

    const presence = users.slice(5).map((user_id) => ({
        user_id, ago: ago(2 * HOUR),
        status: random.pick(['online', 'away', 'busy', 'offline']),
        custom_status: maybe(0.3, () => ({ text: `at ${user_id}` }))
    }));

    const connections = some(400, (i) => ({
        id: uuid(), socket_id: `socket-${i % 390}`, user_id: maybe(0.8, user),
        device: maybe(0.5, () => ({ type: 'web', os: `os ${i}` })),
        ago: ago(random.pick([5 * MINUTE, 2 * HOUR, 2 * DAY])),
        idle: ago(10 * MINUTE), closed: maybe(0.5, () => 0)
    }));

    const typing = some(60, (i) => ({
        id: uuid(), room_name: random.pick(rooms).name, user_id: `user_${i}`,
        thread_id: maybe(0.3, () => `thread ${i}`), ago: ago(5),
        left: random.between(-3, 3)
    }));

    return { users, rooms, members, presence, connections, typing,
             events: some(3000, () => event(random, ago, rooms, user)) };
}


function event(random, ago, rooms, user) {
    const type = random.weighted({
        message: 10, error: 3, connect: 2, disconnect: 2, connection_error: 1
    });

    const e = {
        type, user_id: random.next() < 0.9 ? user() : null, room_name: null,
        ago: ago(random.pick([HOUR, 1.5 * HOUR, 2 * DAY])), data: null
    };

    if (type === 'message') {
        e.room_name = random.pick(rooms).name;
        e.latency = random.next() < 0.7 ? random.between(0.001, 2) : null;
        e.data = {};

    } else if (type === 'error') {
        e.data = { error_code: random.pick(['NOT_IN_ROOM', 'SERVER_BUSY']) };

    } else if (type !== 'connect') {
        e.data = { reason: random.pick(['ping timeout', 'transport close']) };
    }

    return e;
}


/* puts the data into the tables, within a transaction */
async function fill(client, data, now) {
    const at = (ago) => new Date((now - ago) * 1000).toISOString();

    const events = data.events.map((e) => {
        if (e.latency) {
            e.client = Math.round((now - e.ago - e.latency) * 1000) / 1000;
            e.data.client_timestamp = new Date(e.client * 1000).toISOString();
        }

        return e;
    });

    const insert = (table, columns, rows, types) => client.query(
        `INSERT INTO ${table} (${columns})
         SELECT ${columns.split(', ').map((c) => COMPUTED[`${table}.${c}`]
                                                || COMPUTED[c] || c)}
         FROM jsonb_to_recordset($1) AS row(${types})`, [JSON.stringify(rows)]);

    await insert('realtime_rooms', 'id, name, type, visibility, created_at',
                 data.rooms, 'id uuid, name text, type text, visibility text,'
                             + ' ago float');
    await insert('realtime_room_members',
                 'id, room_id, user_id, joined_at, left_at', data.members,
                 'id uuid, room_id uuid, user_id text, ago float, '
                 + '"left" float');
    await insert('realtime_presence',
                 'user_id, status, custom_status, last_seen', data.presence,
                 'user_id text, status text, custom_status jsonb, ago float');
    await insert('realtime_connections', 'id, socket_id, user_id, device, '
                 + 'connected_at, last_activity, disconnected_at',
                 data.connections, 'id uuid, socket_id text, user_id text,'
                 + 'device jsonb, ago float, idle float, closed float');
    await insert('realtime_typing', 'id, room_name, user_id, thread_id, '
                 + 'started_at, expires_at', data.typing,
                 'id uuid, room_name text, user_id text, thread_id text,'
                 + 'ago float, "left" float');
    await insert('realtime_events', 'type, user_id, room_name, data, '
                 + 'created_at', events, 'type text, user_id text,'
                 + 'room_name text, data jsonb, ago float');

    return at;
}

const COMPUTED = {
    'created_at': 'now() - make_interval(secs => ago)',
    'joined_at': 'now() - make_interval(secs => ago)',
    'connected_at': 'now() - make_interval(secs => ago)',
    'started_at': 'now() - make_interval(secs => ago)',
    'last_seen': 'now() - make_interval(secs => ago)',
    'last_activity': 'now() - make_interval(secs => idle)',
    'disconnected_at': 'now() - make_interval(secs => closed)',
    'realtime_room_members.left_at': 'now() - make_interval(secs => "left")',
    'realtime_typing.expires_at': 'now() + make_interval(secs => "left")'
};


/* [{ key, rows }] of those with the same key */
function groups(rows, keyOf) {
    const map = new Map();

    for (const row of rows) {
        const key = JSON.stringify(keyOf(row));

        map.set(key, [...(map.get(key) || []), row]);
    }

    return [...map].map(([key, of]) => ({ key: JSON.parse(key), rows: of }));
}


const distinct = (values) => new Set(values.filter((v) => v !== null)).size;
const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;


/* between the two values that are around that place */
function percentile(values, p) {
    const sorted = [...values].sort((a, b) => a - b);
    const place = p * (sorted.length - 1);
    const low = sorted[Math.floor(place)];

    return low + (sorted[Math.ceil(place)] - low) * (place % 1);
}


/*
 * name -> what it answers: rows, and by which columns in which order ("-" is
 * downwards), how many at most
 */
function model(d, now) {
    const down = (step) => (ago) => Math.floor((now - ago) / step) * step;
    const hour = down(HOUR);
    const status = new Map(d.presence.map((p) => [p.user_id, p]));
    const open = d.connections.filter((c) => c.closed === null);
    const statusOf = (user) => (status.get(user) || { status: null }).status;
    const active = d.members.filter((m) => m.left === null);
    const within = (s, ...types) => d.events.filter((e) => e.ago < s
                                                && types.includes(e.type));
    const recent = within(HOUR, 'message');
    const inside = (room) => active.filter((m) => m.room_id === room.id);

    const bucket = ({ ago }) => (ago < MINUTE ? '< 1 min'
        : ago < 5 * MINUTE ? '1-5 min' : ago < 15 * MINUTE ? '5-15 min'
        : ago < HOUR ? '15-60 min' : '> 1 hour');

    const answers = {

        'Active connections by status': [
            groups(open, (c) => statusOf(c.user_id)).map(({ key, rows }) => ({
                status: key, avg_idle_seconds: mean(rows.map((c) => c.idle)),
                connection_count: distinct(rows.map((c) => c.socket_id))
            }))],

        'Connection duration distribution': [
            groups(open, bucket).map(({ key, rows }) => ({
                duration_bucket: key, connection_count: rows.length
            })), 'duration_bucket'],

        'Peak concurrent connections (hourly)': [
            groups(d.connections.filter((c) => c.ago < DAY), (c) => hour(c.ago))
                .map(({ key, rows }) => ({
                    hour: key, connections: rows.length
                })), '-hour'],

        'Messages per minute (last hour)': [
            groups(recent, (e) => down(MINUTE)(e.ago))
                .map(({ key, rows }) => ({
                    minute: key, message_count: rows.length
                })).sort((a, b) => b.minute - a.minute).slice(0, 60),
            '-minute'],

        'Top active rooms by message count': [
            groups(recent, (e) => e.room_name).map(({ key, rows }) => ({
                room_name: key, message_count: rows.length,
                unique_users: distinct(rows.map((e) => e.user_id))
            })), '-message_count'],

        'Message latency (if timestamps stored)': [
            groups(recent.filter((e) => e.latency), (e) => e.room_name)
                .map(({ key, rows }) => {
                    const late = rows.map((e) => now - e.ago - e.client);

                    return { room_name: key, avg_latency_seconds: mean(late),
                             p95_latency: percentile(late, 0.95) };
                })],

        'Room activity summary': [
            d.rooms.map((room) => ({
                name: room.name, type: room.type,
                member_count: inside(room).length,
                online_count: inside(room).filter((m) =>
                    statusOf(m.user_id) === 'online').length,
                messages_24h: within(DAY, 'message').filter((e) =>
                    e.room_name === room.name).length
            })), '-messages_24h'],

        'Room growth (new members per day)': [
            groups(d.members.filter((m) => m.ago < 30 * DAY), (m) => [
                new Date((now - m.ago) * 1000).toISOString().slice(0, 10),
                m.room_id
            ]).map(({ key: [date, room_id], rows }) => ({
                date, room_id, new_members: rows.length
            })), '-date', '-new_members'],

        'Error frequency by type': [
            groups(within(DAY, 'error'), (e) => e.data.error_code)
                .map(({ key, rows }) => ({
                    error_code: key, error_count: rows.length,
                    affected_users: distinct(rows.map((e) => e.user_id)),
                    last_occurrence: now - Math.min(...rows.map((e) => e.ago))
                })), '-error_count'],

        'Connection failures': [
            groups(within(DAY, 'disconnect', 'connection_error'),
                   (e) => [hour(e.ago), e.data.reason])
                .map(({ key: [at, failure_reason], rows }) => ({
                    hour: at, failure_count: rows.length, failure_reason
                })), '-hour', '-failure_count'],

        'Active connections gauge': [
            groups(open, (c) => statusOf(c.user_id)).map(({ key, rows }) => ({
                status: key, count: rows.length
            }))],

        'Active rooms gauge': [
            groups(d.rooms.filter((r) => inside(r).length), (r) => r.type)
                .map(({ key, rows }) => ({ type: key, count: rows.length }))],

        'Open connections': [[{ count: open.length }]],

        'Stale connections': [[{
            disconnect_stale_connections:
                open.filter((c) => c.idle > 5 * MINUTE).length
        }]],

        'realtime_active_connections': [
            open.map((c) => ({
                socket_id: c.socket_id, user_id: c.user_id, device: c.device,
                connected_at: now - c.ago, last_activity: now - c.idle,
                presence_status: statusOf(c.user_id),
                custom_status: (status.get(c.user_id)
                                || { custom_status: null }).custom_status
            })), '-connected_at'],

        'realtime_room_stats': [
            d.rooms.map((r) => ({
                name: r.name, type: r.type, visibility: r.visibility,
                member_count: inside(r).length, created_at: now - r.ago
            })), '-member_count'],

        'realtime_current_typing': [
            d.typing.filter((t) => t.left > 0).map((t) => ({
                room_name: t.room_name, user_id: t.user_id,
                thread_id: t.thread_id, started_at: now - t.ago
            })), 'room_name', 'started_at'],

        'realtime_presence_summary': [
            groups(d.presence.filter((p) => p.ago < HOUR), (p) => p.status)
                .map(({ key, rows }) => ({
                    status: key, user_count: rows.length
                })), '-user_count']
    };

    return answers;
}


/* times are seconds, figures are numbers, whatever type they came in */
function plain(row) {
    return Object.fromEntries(Object.entries(row).map(([name, value]) => {
        if (value instanceof Date) {
            return [name, value.getTime() / 1000];
        }

        return [name, /^-?\d+\.\d+$/.test(value) ? Number(value) : value];
    }));
}


/* a Date has no more than milliseconds */
function alike(a, b) {
    if (typeof a === 'number' && typeof b === 'number') {
        return Math.abs(a - b) < 0.002;
    }

    return isDeepStrictEqual(a, b);
}


/* the rows in the order that is told, as far as it is */
function inOrder(rows, columns) {
    for (let i = 1; i < rows.length; i++) {
        for (const column of columns) {
            const name = column.replace('-', '');
            const [a, b] = [rows[i - 1][name], rows[i][name]];

            if (a !== b) {
                ok(column === name ? a < b : a > b, `${column}: ${a}, ${b}`);
                break;
            }
        }
    }
}


/* each row has its own among those that are expected */
function same(got, rows, columns) {
    const left = [...rows];

    for (const row of got) {
        const at = left.findIndex((r) => isDeepStrictEqual(
            Object.keys(r).sort(), Object.keys(row).sort())
            && Object.keys(r).every((name) => alike(r[name], row[name])));

        ok(at !== -1, `${JSON.stringify(row)}, of ${JSON.stringify(left)}`);
        left.splice(at, 1);
    }

    isDeeply(left, [], 'rows that are missing');
    inOrder(got, columns);
}


async function answers(pg, seed, sql) {
    const client = await pg.client();
    const data = make(new Random(seed));

    await client.query('BEGIN');

    const now = Number((await client.query(
        'SELECT extract(epoch FROM now()) AS now')).rows[0].now);

    await fill(client, data, now);

    const expected = model(data, now);

    isDeeply([...sql.keys()].filter((name) => !expected[name]),
             ['Room membership of a user'], 'statements without an answer');

    for (const [name, [rows, ...columns]] of Object.entries(expected)) {
        await test(`seed ${seed}: ${name}`, async () => {
            await client.query('SAVEPOINT here');

            const got = (await client.query(sql.get(name))).rows;

            await client.query('ROLLBACK TO here');

            ok(rows.length, 'an answer to compare with');
            same(got.map(plain), rows, columns);
        });
    }

    await test(`seed ${seed}: Room membership of a user`, async () => {
        for (const room of data.rooms) {
            for (const user of data.users) {
                const { rows } = await client.query(
                    sql.get('Room membership of a user'), [room.name, user]);

                const there = data.members.some((m) => m.left === null
                    && m.room_id === room.id && m.user_id === user);

                is(rows.length, there ? 1 : 0, `${user} in ${room.name}`);
            }
        }
    });

    await client.query('ROLLBACK');
}


/* plans of a database with a lot in it */
const PLANS = {
    realtime_connections_open: `SELECT id FROM realtime_connections
        WHERE disconnected_at IS NULL AND host = 'host-1' AND worker = 3`,
    realtime_connections_connected: `SELECT count(*) FROM realtime_connections
        WHERE connected_at > now() - INTERVAL '1 minute'`,
    realtime_room_members_active: `SELECT 1 FROM realtime_room_members
        WHERE room_id = '${'0'.repeat(32)}' AND user_id = 'user-1'
        AND left_at IS NULL`,
    realtime_room_members_user: `SELECT room_id FROM realtime_room_members
        WHERE user_id = 'user-1' AND left_at IS NULL`,
    realtime_room_members_room: `SELECT 1 FROM realtime_room_members
        WHERE room_id = '${'0'.repeat(32)}'`,
    realtime_room_members_joined: `SELECT count(*) FROM realtime_room_members
        WHERE joined_at > now() - INTERVAL '1 minute'`,
    realtime_presence_seen: `SELECT count(*) FROM realtime_presence
        WHERE last_seen > now() - INTERVAL '1 minute'`,
    realtime_typing_expires: `SELECT id FROM realtime_typing
        WHERE expires_at <= now() - INTERVAL '1 day'`,
    realtime_typing_once: `SELECT 1 FROM realtime_typing
        WHERE room_name = 'room-1' AND user_id = 'user-1'
        AND COALESCE(thread_id, '') = ''`,
    realtime_events_type_created: `SELECT id FROM realtime_events
        WHERE type = 'error' ORDER BY created_at DESC LIMIT 10`,
    realtime_events_room_created: `SELECT id FROM realtime_events
        WHERE room_name = 'room-1' ORDER BY created_at DESC LIMIT 10`,
    idx_realtime_events_created: `SELECT id FROM realtime_events
        ORDER BY created_at LIMIT 10`
};


async function plans(pg) {
    const series = 'generate_series(1, 20000) AS n';
    const time = 'now() - make_interval(secs => n * 5)';

    await pg.query(`
        INSERT INTO realtime_rooms (name) SELECT 'room-' || n
            FROM generate_series(1, 200) AS n;
        INSERT INTO realtime_connections (socket_id, host, worker,
                                          connected_at, disconnected_at)
            SELECT n, 'host-' || n % 9, n % 7, ${time},
                   CASE WHEN n % 5 > 0 THEN now() END FROM ${series};
        INSERT INTO realtime_room_members (room_id, user_id, joined_at)
            SELECT id, 'user-' || n, ${time} FROM realtime_rooms,
                   generate_series(1, 100) AS n;
        INSERT INTO realtime_presence (user_id, status, last_seen)
            SELECT 'user-' || n, 'online', ${time} FROM ${series};
        INSERT INTO realtime_typing (room_name, user_id, expires_at)
            SELECT 'room-' || n % 200, 'user-' || n / 200, ${time}
            FROM ${series};
        INSERT INTO realtime_events (type, user_id, room_name, created_at)
            SELECT CASE WHEN n % 50 = 0 THEN 'error' ELSE 'message' END,
                   'user-' || n % 900, 'room-' || n % 200, ${time}
            FROM ${series};
        ANALYZE`);

    for (const [index, sql] of Object.entries(PLANS)) {
        await test(`${index} is used`, async () => {
            const plan = (await pg.query(`EXPLAIN ${sql}`))
                .map((row) => row['QUERY PLAN']).join('\n');

            ok(plan.includes(index), plan);
        });
    }
}


tap.run(async () => {
    const pg = await postgres.start();
    const sql = statements();

    await pg.apply();

    for (const seed of SEEDS) {
        await answers(pg, seed, sql);
    }

    await plans(pg);
});
