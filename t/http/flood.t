#!/usr/bin/env node
'use strict';

/*
 * 100,000 users, rooms and threads that nobody needs, thrown at a zone of 16
 * MB: nothing crashes and nothing grows, what does not fit is refused, and
 * afterwards all is as before.
 *
 * A hundred thousand connections would take longer than the minute that this
 * may.  A user is a user of the zone whatever it came over: a few WebSockets
 * have fifty namespaces each, and every one is connected to and left again
 * and again, with another token each time.
 */

const crypto = require('node:crypto');
const fs = require('node:fs');
const { reference } = require('../lib/fixture');
const { openWebSocket } = require('../lib/eio');
const { Socket } = require('../lib/sio');
const { start } = require('../lib/server');
const tap = require('../lib/tap');

const { is, isDeeply, like, ok, test } = tap;

const MANY = 100000;
const SECRET = 'a secret for a flood of tokens, 32+ bytes';

const NAMESPACES = Array.from({ length: 50 }, (_, i) => `/n${i}`);
const WORKERS = 2;

/* a session is closed when it has shown 256 */
const TOKENS = 250;

/* what is known to be held by a worker besides the zone, MB */
const GROWTH = 16;

/* so many answers are waited for at a time */
const WINDOW = 64;

const LOCATIONS = `
    realtime_jwt_secret "${SECRET}";
    realtime_allow_anonymous on;
    realtime_limit_connections off;
    realtime_max_rooms 200000;
    realtime_typing_timeout 60s;

    location /socket.io/ {
        realtime on;
        realtime_namespace / ${NAMESPACES.join(' ')};
        realtime_limit_messages off;
        realtime_limit_room off;
    }

    location /limited/ {
        realtime on;
        realtime_namespace / ${NAMESPACES.join(' ')};
        realtime_limit_messages 100 2s block=2s;
        realtime_limit_room 10 2s;
    }
`;


function part(object) {
    return Buffer.from(JSON.stringify(object)).toString('base64url');
}


const HEAD = part({ alg: 'HS256', typ: 'JWT' });

function token(userId) {
    const text = `${HEAD}.${part({ userId, exp: 4e9 })}`;
    const mac = crypto.createHmac('sha256', SECRET).update(text);

    return `${text}.${mac.digest('base64url')}`;
}


/* a socket of a pipe; answers come in the order of what was asked */
class Line {

    constructor(pipe, nsp) {
        this.pipe = pipe;
        this.nsp = nsp;
        this.waiting = [];
    }

    /* resolves to "success", or the code of the error */
    connect(userId) {
        this.pipe.send(`0${this.nsp},${userId === undefined ? ''
                         : `{"token":"${token(userId)}"}`}`);

        return this.answer();
    }

    ask(event, payload) {
        this.pipe.send(`2${this.nsp},1${JSON.stringify([event, payload])}`);

        return this.answer();
    }

    leave() {
        this.pipe.send(`1${this.nsp},`);
    }

    answer() {
        return new Promise((resolve) => this.waiting.push(resolve));
    }
}


/* a WebSocket with a socket in each namespace */
class Pipe {

    static async open(server, path) {
        const { ws } = await openWebSocket(server, { path });

        return new Pipe(ws);
    }

    constructor(ws) {
        this.ws = ws;
        this.lines = new Map(NAMESPACES.map((n) => [n, new Line(this, n)]));
        this.closed = false;

        const before = ws.messages.items;

        ws.messages = {
            push: (text) => this.take(text),
            close: (error) => this.end(error)
        };

        before.forEach((text) => this.take(text));
    }

    get list() {
        return [...this.lines.values()];
    }

    send(packet) {
        this.ws.send(`4${packet}`);
    }

    /* events are passed over; CONNECT, CONNECT_ERROR and ACK are answers */
    take(text) {
        if (text[0] === '2') {
            this.ws.send('3');
            return;
        }

        if (text[0] !== '4' || text[1] === '2') {
            return;
        }

        const comma = text.indexOf(',');
        const waiting = this.lines.get(text.slice(2, comma)).waiting.shift();
        const code = /"code":"(\w+)"/.exec(text);

        waiting(code ? code[1] : 'success');
    }

    end(error) {
        if (!this.closed) {
            this.closed = true;

            for (const { waiting } of this.lines.values()) {
                waiting.splice(0).forEach((resolve) => {
                    resolve(`closed: ${error.message}`);
                });
            }
        }
    }

    destroy() {
        this.closed = true;
        this.ws.destroy();
    }
}


/* counts what is resolved to, by what it is */
class Tally {

    constructor() {
        this.of = {};
    }

    add(outcome) {
        this.of[outcome] = (this.of[outcome] || 0) + 1;
    }

    toString() {
        return JSON.stringify(this.of);
    }

    /* all done, and refused in one way only */
    check(n, full) {
        const { success = 0, SERVER_BUSY: busy = 0 } = this.of;

        is(success + busy, n, `done or refused, of ${this}`);
        ok(success, `done, of ${this}`);

        if (full !== undefined) {
            is(busy > 0, full, `whether any were refused: ${this}`);
        }
    }
}


/* "one(i, tap)" for each i under "n", "each" at a time on every tap */
async function flood(lines, n, each, one) {
    let next = 0;

    const worker = async (line) => {
        while (next < n) {
            await one(next++, line);
        }
    };

    await Promise.all(lines.flatMap((t) => {
        return Array.from({ length: each }, () => worker(t));
    }));
}


/* MB that each worker has for itself; the zone is not among them */
function memory(server) {
    return server.workerPids().map((pid) => {
        const text = fs.readFileSync(`/proc/${pid}/status`, 'latin1');

        return Number(/RssAnon:\s+(\d+)/.exec(text)[1]) / 1024;
    });
}


/* prints what happened, and makes sure that nothing has grown */
async function measure(server, what, tally, since) {
    const m = await server.metrics();
    const now = memory(server);
    const mb = (list) => list.map((n) => n.toFixed(1)).join(' and ');

    tap.diag(`${what}: ${tally} in ${((Date.now() - since) / 1000).toFixed(1)}`
             + ` s; zone ${(m.zone.bytesUsed / 1048576).toFixed(1)} MB, `
             + `${m.zone.pagesUsed} of ${m.zone.pages} pages; `
             + `users ${m.users.total} idle ${m.users.idle} limits `
             + `${m.limits.total} rooms ${m.rooms.total}; workers `
             + `${mb(now)} MB`);

    /* a sanitizer keeps what was freed */

    if (!process.env.REALTIME_PRELOAD) {
        now.forEach((n, i) => {
            ok(n < server.memory[i] + GROWTH,
               `memory of a worker: ${n} MB, ${server.memory[i]} at first`);
        });
    }

    is(m.zone.repairs, 0, 'repairs');
    isDeeply(server.workerPids(), server.pids, 'workers');

    return m;
}


async function open(server, n, path) {
    const pipes = [];

    for (let i = 0; i < n; i++) {
        pipes.push(await Pipe.open(server, path));
    }

    return pipes;
}


/* all sockets and what they held are gone */
async function drained(server) {
    let m;

    await tap.until(8000, async () => {
        m = await server.metrics();

        return m.sockets.total === 0 && m.sessions.total === 0
               && m.rooms.total === 0 && m.rooms.memberships === 0
               && m.users.total === 0 && m.users.typing === 0;

    }, () => `nothing is left, but ${JSON.stringify(m)}`);
}


/* "one(i, tap)" for MANY users; a connection may show so many tokens */
async function crowd(server, one) {
    for (let from = 0; from < MANY; from += 2 * TOKENS) {
        const pipes = await open(server, 2, '/limited/');

        await Promise.all(pipes.map((p, i) => {
            const first = from + i * TOKENS;
            const n = Math.max(0, Math.min(TOKENS, MANY - first));

            return flood(p.list, n, 1, (k, t) => one(first + k, t));
        }));

        pipes.forEach((p) => p.destroy());
    }
}


/* each connects, says how it is, joins, sends a message, and goes */
async function users(server) {
    const tally = { connect: new Tally(), update: new Tally(),
                    join: new Tally(), message: new Tally() };
    const since = Date.now();

    await crowd(server, async (i, t) => {
        const connected = await t.connect(`user-${i}`);

        tally.connect.add(connected);

        if (connected !== 'success') {
            return;
        }

        const roomName = `of-${i}`;

        const done = [
            t.ask('presence:update', {
                status: 'busy', customStatus: { text: `number ${i}` }
            }),
            t.ask('room:join', { roomName }),
            t.ask('message:send', { roomName, content: 'here I am' })
        ];

        t.leave();

        const [update, join, message] = await Promise.all(done);

        tally.update.add(update);
        tally.join.add(join);
        tally.message.add(message === 'NOT_IN_ROOM' && join !== 'success'
                          ? 'SERVER_BUSY' : message);
    });

    await measure(server, 'users', Object.values(tally).join(' '), since);

    tally.connect.check(MANY);

    for (const name of ['update', 'join']) {
        tally[name].check(tally.connect.of.success);
    }

    tally.message.check(tally.connect.of.success, true);
}


/* the last to set a custom status are remembered, the first are not */
async function remembered(server) {
    const s = await Socket.open(server, { nsp: '/n0', path: '/limited/' });
    const has = async (i) => {
        const id = `user-${i}`;
        let found = 0;

        for (const nsp of NAMESPACES) {
            if (!s.sids[nsp]) {
                await s.connect(nsp);
            }

            s.packet({ type: 2, nsp, id: s.nextId,
                       data: ['presence:request', { userId: id }] });

            const reply = await new Promise((resolve, reject) => {
                s.acks.set(s.nextId++, { resolve, reject });
            });

            is(reply[0].success, true, 'success');
            is(reply[0].data.status, 'offline', `status of ${id}`);
            found += reply[0].data.customStatus !== undefined;
        }

        return found;
    };

    is(await has(0), 0, 'custom statuses of the first');
    is(await has(MANY - 1), 1, 'custom statuses of the last');

    const { users: u, zone } = await server.metrics();

    ok(u.idle > 100, `users who are remembered: ${u.idle}`);
    ok(u.idle * 512 <= zone.pages * 4096 / 8, `not too many: ${u.idle}`);

    s.destroy();
}


/* who has never been there takes no place */
async function strangers(server) {
    const pipes = await open(server, 2);
    const lines = pipes.map((p) => p.list[0]);
    const tally = new Tally();
    const before = await server.metrics();
    const since = Date.now();

    await Promise.all(lines.map((t) => t.connect('asker')));

    await flood(lines, MANY, WINDOW, async (i, t) => {
        tally.add(await t.ask('presence:request', { userId: `nobody-${i}` }));
    });

    const m = await measure(server, 'strangers', tally, since);

    tally.check(MANY, false);
    ok(m.zone.bytesUsed < before.zone.bytesUsed + 4096, 'bytes of the zone');
    pipes.forEach((p) => p.destroy());
}


async function rooms(server) {
    const pipes = await open(server, 2);
    const lines = pipes.flatMap((p) => p.list.slice(0, 10));
    const tally = new Tally();
    const after = new Tally();
    const since = Date.now();

    await Promise.all(lines.map((t, i) => t.connect(`member-${i}`)));

    await flood(lines, MANY, WINDOW, async (i, t) => {
        tally.add(await t.ask('room:join', { roomName: `room-${i}` }));
    });

    const m = await measure(server, 'rooms', tally, since);

    tally.check(MANY, true);
    is(m.rooms.total, tally.of.success, 'rooms');
    is(m.rooms.memberships, tally.of.success, 'memberships');

    await test('a full zone refuses threads and custom statuses too',
        () => crowded(server, lines));

    /* one after the other leaves what it can, and there is place again */

    lines[0].leave();
    await lines[1].ask('room:leave', { roomName: 'room-1' });
    is(await lines[0].connect('again'), 'success', 'a connection');

    await flood([lines[0]], 500, WINDOW, async (i, t) => {
        after.add(await t.ask('room:join', { roomName: `again-${i}` }));
    });

    after.check(500, false);

    pipes.forEach((p) => p.destroy());
}


/* attempts of every kind: each refused, or done in the last free places */
async function crowded(server, lines) {
    const [pipe] = await open(server, 1);
    const tally = new Tally();

    for (const t of pipe.list) {
        for (let i = 0; i < 5; i++) {
            const outcome = await t.connect(`late-${i}`);

            tally.add(outcome);

            if (outcome === 'success') {
                t.leave();
            }
        }
    }

    for (const t of lines) {
        tally.add(await t.ask('presence:update', {
            status: 'away', customStatus: { text: 'x'.repeat(100) }
        }));

        const reply = await t.ask('typing:start', {
            roomName: 'room-0', threadId: 'y'.repeat(255)
        });

        tally.add(reply === 'NOT_IN_ROOM' ? 'SERVER_BUSY' : reply);
    }

    tap.diag(`a full zone: ${tally}`);
    is((tally.of.success || 0) + (tally.of.SERVER_BUSY || 0),
       5 * NAMESPACES.length + 2 * lines.length, `done or refused: ${tally}`);
    ok(tally.of.SERVER_BUSY, `refused: ${tally}`);
    ok(tally.of.success, `those who connect are let in: ${tally}`);

    pipe.destroy();
}


/* each begun and ended, then as many at once as there may be */
async function threads(server) {
    const pipes = await open(server, 8);
    const lines = pipes.flatMap((p) => p.list);
    const tally = new Tally();
    const held = new Tally();
    const roomName = 'threads';
    let since = Date.now();

    await Promise.all(lines.map((t, i) => t.connect(`typist-${i}`)));
    await Promise.all(lines.map((t) => t.ask('room:join', { roomName })));

    await flood(lines.slice(0, NAMESPACES.length), MANY, 8, async (i, t) => {
        const done = [
            t.ask('typing:start', { roomName, threadId: `thread-${i}` }),
            t.ask('typing:stop', { roomName, threadId: `thread-${i}` })
        ];

        (await Promise.all(done)).forEach((outcome) => tally.add(outcome));
    });

    await measure(server, 'threads', tally, since);
    tally.check(2 * MANY, false);

    since = Date.now();

    /* 255 characters of four bytes each; a socket may have 16 */

    const wide = (n) => String.fromCodePoint(0x1f600 + n % 64).repeat(250);

    await flood(lines, lines.length * 16, 1, async (i, t) => {
        held.add(await t.ask('typing:start', {
            roomName, threadId: wide(i) + String(i).padStart(5)
        }));
    });

    const m = await measure(server, 'held threads', held, since);

    const { RATE_LIMIT_EXCEEDED: limited = 0 } = held.of;

    is((held.of.success || 0) + (held.of.SERVER_BUSY || 0) + limited,
       lines.length * 16, `answers: ${held}`);
    ok(held.of.SERVER_BUSY, `refused: ${held}`);
    is(m.users.typing, held.of.success, 'typists');

    pipes.forEach((p) => p.destroy());
}


/* five users on two transports do everything there is to do */
async function chat(server) {
    const roomName = 'afterwards';
    const everybody = [];

    for (let i = 0; i < 5; i++) {
        const s = await Socket.open(server, {
            nsp: '/', auth: { token: token(`fresh-${i}`) },
            path: i === 4 ? '/limited/' : '/socket.io/',
            transport: i % 2 ? 'polling' : 'websocket'
        });

        is((await s.one('authenticated')).userId, `fresh-${i}`, 'userId');

        const reply = await s.ask('room:join', { roomName });

        isDeeply(reply.data, { roomName, memberCount: i + 1 }, 'a join');
        everybody.push(s);
    }

    const [first, second] = everybody;
    const all = (event, check) => Promise.all(everybody.map(async (s) => {
        check(await s.one(event));
    }));

    for (let i = 1; i < 5; i++) {
        is((await first.one('user:joined')).userId, `fresh-${i}`, 'joined');
    }

    await everybody[4].ask('message:send', { roomName, content: 'all well?' });
    await all('message:new', (m) => is(m.content, 'all well?', 'content'));

    await first.ask('typing:start', { roomName, threadId: 't' });
    isDeeply(await second.one('typing:event'),
             { roomName, threadId: 't', users: ['fresh-0'] }, 'typing');

    everybody.forEach((s) => s.events.items.splice(0));

    await first.ask('presence:update', {
        status: 'away', customStatus: { text: 'a walk' }
    });
    await all('presence:changed', (p) => {
        isDeeply(p, { userId: 'fresh-0', status: 'away',
                      customStatus: { text: 'a walk' } }, 'presence');
    });

    await first.ask('room:leave', { roomName });
    isDeeply(await second.one('user:left'), { roomName, userId: 'fresh-0' },
             'left');

    await Promise.all(everybody.map((s) => s.client.close()));
}


if (reference) {
    tap.skipAll('nginx only');
}

tap.run(async () => {
    const server = await start({
        path: '/socket.io/', workers: WORKERS, name: 'flood',
        http: 'realtime_zone z 16m;', server: LOCATIONS
    });

    const long = { timeout: 60000 };

    await test('a chat before', () => chat(server));
    await tap.until(5000, () => drained(server).then(() => true));

    server.memory = memory(server);
    server.pids = server.workerPids();

    await test(`${MANY} users with custom statuses, rooms and messages`,
               () => users(server), long);
    await test('the last are remembered', () => remembered(server));
    await test(`${MANY} users who are asked for`, () => strangers(server),
               long);
    await test(`${MANY} rooms`, () => rooms(server), long);
    await test('and nothing is left of them', () => drained(server));
    await test(`${MANY} threads`, () => threads(server), long);
    await test('and nothing is left of those', () => drained(server));

    await test('the log says what to raise', async () => {
        const warnings = server.errorLog().split('\n')
                               .filter((text) => /\[warn\]/.test(text));

        tap.diag(`${warnings.length} warnings`);

        ok(warnings.length < 1000, `warnings: ${warnings.length}`);

        for (const what of ['a client could not join',
                            'nobody could be shown'])
        {
            like(warnings.filter((text) => text.includes(what)).pop(),
                 /raise the size of realtime_zone "z"/, what);
        }
    });

    await tap.sleep(2500);
    await test('a chat afterwards', () => chat(server));

    await server.stop();
});
