#!/usr/bin/env node
'use strict';

/*
 * Many clients come, join, talk, type, change their presence, leave, lose
 * their connections and get them back, and go in every way there is: at the
 * end the tables say exactly that, row for row.
 *
 * REALTIME_CLIENTS  about so many connections, 220
 */

const { fork } = require('node:child_process');
const path = require('node:path');
const ledger = require('../lib/ledger');
const { reference } = require('../lib/fixture');
const { unique } = require('../lib/people');
const { come } = require('../lib/recovery');
const tap = require('../lib/tap');

const { is, isDeeply, ok, test, until } = tap;

const CLIENTS = Number(process.env.REALTIME_CLIENTS) || 220;

/* of those whose private rooms are logged, too */
const FEW = 40;

/* connections of a person, on average, and people of a process at most */
const EACH = 11 / 6;
const CROWD = 1000;
const WORKERS = 4;

/* people of ten rooms: who is heard by thousands has the clients for a limit */
const HALLS = 120;

/*
 * Processes of many clients are slow, above all when each of them hears of
 * everybody; how long all may take to be gone, ms
 */
const LONG = CLIENTS > 500;

const [PACE, SCOPE, PARTING] = LONG
    ? [{ recovery: '120s', pingInterval: 60000, pingTimeout: 60000 },
       'realtime_presence_scope rooms;', 500000]
    : [{ recovery: '4s', pingInterval: 4000, pingTimeout: 3000 }, '', 60000];

const TIMEOUT = { timeout: 60000 + CLIENTS * 120 };

/* what a clock that is read once in a turn of the loop may be behind, ms */
const BEHIND = 2000;

const DIRECTIVES = `
    realtime_room group-* type=group;
    realtime_room staff-* type=channel visibility=private;
    realtime_drain 1s;
`;

const TYPES = {
    hall: ['channel', 'public'],
    group: ['group', 'public'],
    staff: ['channel', 'private']
};


/* processes of people; each answer is all books in one */
class Crowds {

    constructor(server, { clients, contents }) {
        const people = Math.ceil(clients / EACH);
        const n = Math.max(2, Math.ceil(people / CROWD));
        const each = Math.ceil(people / n);

        this.children = Array.from({ length: n }, (_, k) => {
            const child = fork(path.join(__dirname, 'crowd.js'), {
                stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
                env: { ...process.env, ...(LONG && { REALTIME_PATIENCE: 12 }) }
            });

            child.options = {
                first: k * each, n: each, port: server.port, path: server.path,
                workers: WORKERS, contents,
                spread: Math.max(1, Math.round(people / HALLS))
            };

            tap.keep(() => tap.cleanup(() => child.kill()));

            return child;
        });
    }

    async all(what) {
        const books = await Promise.all(this.children.map((child) => {
            return new Promise((resolve, reject) => {
                child.once('message', ({ error, book }) => {
                    if (error) {
                        reject(new Error(error));
                    }

                    resolve(book);
                });

                child.once('exit', () => reject(new Error('a crowd died')));
                child.send({ what, options: child.options });
            });
        }));

        const book = {};

        for (const name of ['connections', 'rooms', 'stays', 'events',
                            'messages', 'errors', 'typing', 'presence'])
        {
            book[name] = books.flatMap((b) => b[name]);
        }

        return book;
    }
}


/* what is in one list and not in the other; both are lists of anything */
function differ(got, expected, what) {
    const count = new Map();

    const note = (list, n) => list.forEach((item) => {
        const key = JSON.stringify(item);

        count.set(key, (count.get(key) || 0) + n);
    });

    note(expected, 1);
    note(got, -1);

    const off = [...count].filter(([, n]) => n !== 0);

    isDeeply({
        missing: off.filter(([, n]) => n > 0).slice(0, 5),
        unknown: off.filter(([, n]) => n < 0).slice(0, 5)
    }, { missing: [], unknown: [] }, `${what}, ${off.length} of them`);

    is(got.length, expected.length, `number: ${what}`);
}


async function connections(pg, book, { open }) {
    const rows = await pg.query(`
        SELECT socket_id, user_id, namespace, address, device,
               disconnect_reason, disconnected_at IS NULL AS open, host, worker,
               last_activity >= connected_at AS lives, disconnected_at
        FROM realtime_connections`);

    differ(
        rows.map((r) => [r.socket_id, r.user_id, r.namespace, r.address,
                         r.device.type, r.device.os, r.device.browser,
                         r.open, r.disconnect_reason, r.lives]),
        book.connections.map((c) => [
            c.id, c.user, c.nsp, '127.0.0.1', c.device.type, c.device.os,
            c.device.browser, open, open ? null : c.reason, true
        ]), 'connections');
}


async function rooms(pg, book) {
    differ(await pg.query('SELECT name, type, visibility FROM realtime_rooms'),
           [...new Set(book.rooms)].map((name) => {
               const [type, visibility] = TYPES[name.split('-')[0]]
                                          || TYPES.hall;

               return { name, type, visibility };
           }), 'rooms');
}


/* each stay of a user is a row, and at the time of it */
async function stays(pg, book) {
    const rows = await pg.query(`
        SELECT name, user_id, joined_at, left_at
        FROM realtime_room_members AS m
        JOIN realtime_rooms AS r ON r.id = m.room_id
        ORDER BY joined_at, left_at`);

    differ(rows.map((r) => [r.name, r.user_id, r.left_at === null]),
           book.stays.map((s) => [s.roomName, s.user, s.left === null]),
           'memberships');

    const lists = new Map();

    for (const r of rows) {
        const key = `${r.name} ${r.user_id}`;

        lists.set(key, [...(lists.get(key) || []), r]);
    }

    for (const s of book.stays) {
        const r = lists.get(`${s.roomName} ${s.user}`).shift();

        ok(r.joined_at >= s.from - BEHIND && r.joined_at <= s.entered,
           `${s.user} joined at ${s.from}: ${r.joined_at}`);

        if (s.left !== null) {
            ok(r.left_at >= s.left[0] - BEHIND
               && (s.left[1] === null || r.left_at <= s.left[1]),
               `${s.user} left at ${s.left}: ${r.left_at}`);
        }
    }
}


async function presence(pg, book, { gone }) {
    differ(
        (await pg.query('SELECT * FROM realtime_presence')).map((r) => [
            r.user_id, r.status, r.custom_status && r.custom_status.text,
            r.custom_status && r.custom_status.emoji
        ]),
        book.presence.map((p) => [
            p.user, gone ? 'offline' : p.status, p.custom && p.custom.text,
            p.custom && p.custom.emoji
        ]), 'presence');
}


async function messages(pg, book, contents) {
    const rows = await pg.query(`
        SELECT user_id, room_name, data, created_at,
               (data->>'client_timestamp')::timestamptz AS parsed
        FROM realtime_events WHERE type = 'message' ORDER BY created_at`);

    differ(
        rows.map(({ user_id: user, room_name: room, data }) => [
            data.id, data.timestamp, user, room,
            data.content === undefined ? null : data.content,
            data.client_timestamp === undefined ? null : data.client_timestamp,
            data.private
        ]),
        book.messages.map((m) => [m.id, m.at, m.user, m.roomName, m.content,
                                  m.when, m.hidden]),
        'messages');

    isDeeply(rows.filter((r) => !contents && r.data.private
                                && r.data.metadata !== undefined), [],
             'metadata of private rooms');

    isDeeply(rows.filter((r) => Math.abs(r.created_at
                                         - Date.parse(r.data.timestamp))
                                > BEHIND), [], 'times that are off');
}


/* each person said one thing after the other: so they are in the table */
async function order(pg, book) {
    const rows = await pg.query(`
        SELECT data->>'id' AS id, created_at FROM realtime_events
        WHERE type = 'message'`);

    const at = new Map(rows.map((r) => [r.id, r.created_at]));
    const last = new Map();

    for (const m of book.messages.filter((one) => one.user !== null)) {
        ok(at.get(m.id) >= (last.get(m.user) || 0), `order of ${m.id}`);
        last.set(m.user, at.get(m.id));
    }
}


async function events(pg, book) {
    const rows = await pg.query(`
        SELECT type, user_id, room_name FROM realtime_events
        WHERE type <> 'message'`);

    differ(rows.map((r) => [r.type, r.user_id, r.room_name]), book.events,
           'events');

    differ((await pg.query(`
        SELECT data->>'error_code' AS code, user_id FROM realtime_events
        WHERE type = 'error'`)).map((r) => [r.code, r.user_id])
        .filter(([code]) => code !== 'TOKEN_EXPIRED'),
    book.errors, 'errors');

    differ((await pg.query(`
        SELECT data->>'socketId' AS id, data->>'reason' AS reason
        FROM realtime_events WHERE type = 'disconnect'`))
        .map((r) => [r.id, r.reason]),
    book.connections.map((c) => [c.id, c.reason]), 'disconnects');

    differ((await pg.query(`
        SELECT data->>'socketId' AS id, data->>'namespace' AS nsp
        FROM realtime_events WHERE type = 'connect'`))
        .map((r) => [r.id, r.nsp]),
    book.connections.map((c) => [c.id, c.nsp]), 'connects');
}


async function typing(pg, book) {
    differ((await pg.query(`
        SELECT room_name, user_id, thread_id FROM realtime_typing`))
        .map((r) => [r.room_name, r.user_id, r.thread_id]),
    book.typing, 'who types');
}


/* the last one of a test, whose own doings are in no book */
async function settled(pg, server) {
    const clerk = await come(server, { user: unique('clerk') });

    await ledger.written(pg, clerk);
    await clerk.leave();
    await until(ledger.WRITTEN, () => pg.value(`
        SELECT disconnected_at IS NOT NULL FROM realtime_connections
        WHERE socket_id = $1`, [clerk.id]), 'the clerk has gone');

    await until(ledger.WRITTEN, () => pg.value(`
        SELECT status = 'offline' FROM realtime_presence
        WHERE user_id = $1`, [clerk.user]), 'and is offline');

    for (const [table, column] of [
        ['realtime_connections', 'user_id'], ['realtime_presence', 'user_id'],
        ['realtime_events', 'user_id'], ['realtime_room_members', 'user_id'],
        ['realtime_rooms', 'name']
    ]) {
        await pg.query(`DELETE FROM ${table} WHERE ${column} = $1`,
                       [column === 'name' ? ledger.HALL : clerk.user]);
    }
}


async function reconcile(name, { clients, contents }) {
    const pg = await ledger.database();

    const server = await ledger.serve(pg, {
        workers: WORKERS, name, ...PACE,
        server: `
            ${DIRECTIVES}
            ${SCOPE}
            realtime_typing_timeout 300s;
            realtime_log_events on ${contents ? 'contents' : ''};`
    });

    const crowds = new Crowds(server, { clients, contents });
    let book;

    await test(`${name}: they come and join`, async () => {
        book = await crowds.all('open');
        await settled(pg, server);
        await connections(pg, book, { open: true });
        await rooms(pg, book);
        await stays(pg, book);
    }, TIMEOUT);

    await test(`${name}: they talk, type, leave and come back`, async () => {
        book = await crowds.all('talk');
        await settled(pg, server);
        await connections(pg, book, { open: true });
        await stays(pg, book);
        await presence(pg, book, { gone: false });
        await typing(pg, book);
        await messages(pg, book, contents);
        await order(pg, book);
    }, TIMEOUT);

    await test(`${name}: whoever is away is there still`, async () => {
        await crowds.all('lose');

        const { sessions } = await server.metrics();

        ok(sessions.away > 0, 'some are away');
        book = await crowds.all('return');
        await settled(pg, server);
        await connections(pg, book, { open: true });
        await stays(pg, book);
    }, TIMEOUT);

    await test(`${name}: they go, and all that was is there`, async () => {
        book = await crowds.all('end');
        await until(PARTING, async () => {
            const { sessions } = await server.metrics();

            return sessions.total + sessions.away === 0;
        }, 'all have gone');

        await until(10000, async () => await pg.value(`
            SELECT count(*) FROM realtime_presence WHERE status <> 'offline'`)
            === 0, 'all are offline');

        await settled(pg, server);
        await connections(pg, book, { open: false });
        await rooms(pg, book);
        await stays(pg, book);
        await presence(pg, book, { gone: true });
        await typing(pg, { typing: [] });
        await messages(pg, book, contents);
        await order(pg, book);
        await events(pg, book);
        await ledger.consistent(pg);

        tap.diag(`${book.connections.length} connections, `
            + `${book.stays.length} stays, ${book.messages.length} messages, `
            + `${book.events.length} other events`);
    }, TIMEOUT);

    await test(`${name}: nothing was lost or refused`, async () => {
        isDeeply(ledger.lost(server), [], 'lines of the error log');
    });

    await server.stop();
}


/* a row that PostgreSQL refuses takes no other one with it */
async function refused() {
    const pg = await ledger.database();
    const server = await ledger.serve(pg, { name: 'hostile' });

    await test('hostile: what PostgreSQL has no room for', async () => {
        const s = await come(server, { user: `${'é'.repeat(127)}x` });
        const roomName = 'r'.repeat(255);
        const contents = [];

        await s.ask('room:join', { roomName });

        for (const json of [
            '1e200000', '-1e-200000', '1E400', '7'.repeat(140000),
            `${'['.repeat(50)}1${']'.repeat(50)}`,
            '"\\u0000"', '"\\ud800"', '"\\udc00\\ud800"',
            `{"${'k'.repeat(3000)}":1}`, '12345678901234567890123456789.5'
        ]) {
            const id = s.nextId++;
            const content = `with ${json.slice(0, 12)} "1e200000"`;

            const answer = new Promise((resolve, reject) => {
                s.acks.set(id, { resolve, reject });
            });

            s.client.send(`2${id}["message:send",{"roomName":"${roomName}",`
                + `"content":${JSON.stringify(content)},"metadata":{"x":`
                + `${json}}}]`);

            const [reply] = await answer;

            if (reply.success) {
                contents.push(content);
            }
        }

        tap.diag(`${contents.length} were accepted`);
        await ledger.written(pg, s);
        await ledger.numbers(pg, roomName, contents);
        isDeeply(ledger.lost(server), [], 'lines of the error log');
    }, TIMEOUT);

    await server.stop();
}


if (reference) {
    tap.skipAll('nginx only');
}

tap.run(async () => {
    await Promise.all([
        reconcile('reconcile', { clients: CLIENTS, contents: false }),
        reconcile('contents', { clients: FEW, contents: true }),
        refused()
    ]);
}, { timeout: 600000 + CLIENTS * 500 });
