#!/usr/bin/env node
'use strict';

/*
 * Workers die in the midst of things: while they hold the mutex of the zone,
 * between a change and what is to be told of it.  Whoever is still there puts
 * it right, and in the end everybody knows who is where.
 *
 * To find such a moment a busy worker is stopped and the other one is asked
 * for something that takes the mutex.  No answer: the stopped one has it, and
 * is killed.  All who watch are clients of the other one.
 *
 * REALTIME_SECONDS   how long it goes on, 5 unless given
 */

const http = require('node:http');
const { reference } = require('../lib/fixture');
const { request } = require('../lib/http');
const { Line } = require('../lib/line');
const { start } = require('../lib/server');
const { SECRET } = require('../lib/tokens');
const tap = require('../lib/tap');

const { is, isDeeply, ok, sleep, test } = tap;

const SECONDS = Number(process.env.REALTIME_SECONDS || 5);
const WATCHERS = 4;
const NOISE = 12;
const BATCH = 24;

/* from here on a run that met no half-done work proves too little */
const LONG = 20;

/* no answer for so long, ms: the mutex is held */
const HELD = 40;

const ROOMS = ['one', 'two', 'three'];
const TYPING = 700;

const LOCATIONS = `
    location /socket.io/ {
        add_header X-Worker $pid always;
        realtime on;
        realtime_jwt_secret "${SECRET}";
        realtime_typing_timeout ${TYPING}ms;
        realtime_limit_connections off;
        realtime_limit_messages off;
        realtime_limit_room off;
    }

    location = /worker {
        return 200 $pid;
    }
`;

const KILLED = [
    /exited on signal 9/, /shared memory zone .* was locked by/,
    /\[alert\] .*kill\(\d+, \d+\) failed \(3: No such process\)/
];


function random(n) {
    return Math.floor(Math.random() * n);
}


/* a client on the worker "pid", or with "not" on any other */
function connect(server, userId, pid, { not = false, on } = {}) {
    return Line.open(server, {
        userId, on,
        accept: (headers) => (Number(headers['x-worker']) === pid) !== not
    });
}


/* in every room, and keeps book of what it is told */
class Watcher {

    static async open(server, i, pid) {
        const w = new Watcher();

        w.line = await connect(server, `watcher-${i}`, pid, {
            on: (text) => w.hear(...JSON.parse(text.slice(2)))
        });

        for (const roomName of ROOMS) {
            await w.line.ask('room:join', { roomName });
        }

        return w;
    }

    constructor() {
        this.inside = new Map(ROOMS.map((r) => [r, new Set()]));
        this.lists = new Map();
        this.presence = new Map();
        this.heard = 0;
        this.twice = 0;
    }

    hear(event, arg) {
        this.heard++;

        if (event === 'user:joined' || event === 'user:left') {
            const users = this.inside.get(arg.roomName);
            const come = event === 'user:joined';

            this.twice += users.has(arg.userId) === come;
            come ? users.add(arg.userId) : users.delete(arg.userId);

        } else if (event === 'typing:event') {
            this.lists.set(`${arg.roomName} ${arg.threadId}`, arg.users);

        } else if (event === 'presence:changed') {
            this.presence.set(arg.userId, arg.status);
        }
    }
}


/*
 * Comes, does a lot at once, and comes again when its worker has died, as
 * somebody else: what was not told of the one who died is not made good by
 * what is told of the next.
 */
class Noise {

    constructor(server, i, pid) {
        this.server = server;
        this.i = i;
        this.pid = pid;
        this.lives = 0;
    }

    async connect() {
        this.userId = `noise-${this.i}-${this.lives++}`;
        this.line = await connect(this.server, this.userId, this.pid,
                                  { not: true });
    }

    async live(running) {
        while (running()) {
            try {
                await this.connect();

                while (running()) {
                    await this.batch();
                }

            } catch (e) {
                await sleep(10);
            }
        }
    }

    async batch() {
        const { line } = this;

        line.ws.socket.cork();

        for (let i = 0; i < BATCH; i++) {
            this.act(line, ROOMS[random(ROOMS.length)], random(16));
        }

        line.ws.socket.uncork();

        await line.ask('ping');
    }

    act(line, roomName, n) {
        if (n < 6) {
            line.emit('room:join', { roomName });

        } else if (n < 10) {
            line.emit('room:leave', { roomName });

        } else if (n < 13) {
            line.emit('typing:start', { roomName, threadId: `${n}` });

        } else if (n < 15) {
            line.emit('typing:stop', { roomName, threadId: `${n - 3}` });

        } else if (random(4) === 0) {
            line.emit('presence:update', {
                status: random(2) ? 'away' : 'busy',
                customStatus: { text: 'x'.repeat(1 + random(90)) }
            });
        }
    }
}


/* a connection to the worker that is to live, which it keeps */
async function probe(server) {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const res = await request(server.port, { path: '/worker', agent });

    tap.cleanup(() => agent.destroy());

    return { agent, pid: Number(res.text) };
}


/* whether the state mutex is to be had within HELD ms */
function answers(server, agent) {
    const asked = request(server.port, { path: '/metrics', agent });

    asked.catch(() => {});

    return { asked, free: Promise.race([
        asked.then(() => true), sleep(HELD).then(() => false)
    ]) };
}


/* stops the worker here and there, until it is found holding the mutex */
async function strike(server, agent, pid) {
    for (let i = 0; i < 150; i++) {
        try {
            process.kill(pid, 'SIGSTOP');

            const { asked, free } = answers(server, agent);

            if (!await free) {
                process.kill(pid, 'SIGKILL');
                await asked;
                return true;
            }

            process.kill(pid, 'SIGCONT');

        } catch (e) {
            return false;               /* it went by itself */
        }

        await sleep(random(3));
    }

    process.kill(pid, 'SIGKILL');

    return false;
}


async function storm(server, agent, pid, noise) {
    const end = Date.now() + SECONDS * 1000;
    const done = { kills: 0, held: 0 };

    let running = true;

    const lives = noise.map((n) => n.live(() => running));

    while (Date.now() < end) {
        await sleep(200 + random(100));

        const victim = server.workerPids().find((p) => p !== pid);

        if (victim) {
            done.held += await strike(server, agent, victim);
            done.kills++;
        }
    }

    running = false;
    await tap.within(20000, Promise.all(lives), 'the end of the noise');

    return done;
}


/* half of them stay, in the first room only, and all others go */
async function rest(server, noise) {
    const stay = noise.filter((n, i) => i % 2 === 0);

    noise.filter((n) => !stay.includes(n)).forEach((n) => n.line.destroy());

    for (const n of stay) {
        if (!n.line.open) {
            await n.connect();
        }

        for (const roomName of ROOMS) {
            await n.line.ask(roomName === ROOMS[0] ? 'room:join' : 'room:leave',
                             { roomName });
        }

        await n.line.ask('presence:update', { status: 'busy' });
    }

    return stay.map((n) => n.userId);
}


/* what is wrong with what the watcher knows, or null */
function mistaken(w, stay) {
    for (const [roomName, users] of w.inside) {
        const others = [...users].filter((u) => /^noise/.test(u)).sort();
        const expected = roomName === ROOMS[0] ? [...stay].sort() : [];

        if (others.join() !== expected.join()) {
            return `in ${roomName}: ${others}, not ${expected}`;
        }
    }

    for (const [thread, users] of w.lists) {
        if (users.length) {
            return `in ${thread} still type ${users}`;
        }
    }

    for (const userId of stay) {
        if (w.presence.get(userId) !== 'busy') {
            return `${userId} is ${w.presence.get(userId)}`;
        }
    }

    for (const [userId, status] of w.presence) {
        if (/^noise/.test(userId) && !stay.includes(userId)
            && status !== 'offline')
        {
            return `${userId}, who has gone, is ${status}`;
        }
    }

    return null;
}


async function pictures(server, watchers, stay) {
    let wrong;

    await tap.until(8000, () => {
        wrong = watchers.map((w) => mistaken(w, stay));

        return wrong.every((text) => text === null);

    }, () => wrong.find((text) => text !== null));

    for (const w of watchers) {
        for (const userId of stay) {
            const { data } = await w.line.ask('presence:request', { userId });

            is(data.status, w.presence.get(userId), 'status');
        }
    }

    const counts = ROOMS.map((r, i) => WATCHERS + (i ? 0 : stay.length));

    for (const [i, roomName] of ROOMS.entries()) {
        const { data } = await watchers[0].line.ask('room:join', { roomName });

        isDeeply(data, { roomName, memberCount: counts[i] }, 'a join');
    }

    const { sockets, rooms, users } = await server.metrics();

    is(sockets.total, WATCHERS + stay.length, 'sockets');
    is(rooms.memberships, WATCHERS * ROOMS.length + stay.length, 'memberships');
    is(users.total, WATCHERS + stay.length, 'users');
    is(users.typing, 0, 'typists');
}


async function nothing(server) {
    let m;

    await tap.until(8000, async () => {
        m = await server.metrics();

        return m.sessions.total === 0 && m.sockets.total === 0
               && m.rooms.total === 0 && m.rooms.memberships === 0
               && m.users.total === 0
               && m.zone.bytesUsed < 16384 + 512 * m.users.idle;

    }, () => JSON.stringify(m));
}


if (reference) {
    tap.skipAll('nginx only');
}

tap.run(async () => {
    const server = await start({
        workers: 2, path: '/socket.io/', server: LOCATIONS, name: 'deaths'
    });

    server.allowed.push(...KILLED);

    const { agent, pid } = await probe(server);
    const watchers = [];
    const noise = Array.from({ length: NOISE },
                             (_, i) => new Noise(server, i, pid));

    let done;
    let stay;

    for (let i = 0; i < WATCHERS; i++) {
        watchers.push(await Watcher.open(server, i, pid));
    }

    await test(`workers are killed in the midst of things for ${SECONDS} s`,
        async () => {
            done = await tap.keep(() => storm(server, agent, pid, noise));
            ok(done.kills, 'kills');
            ok(watchers.every((w) => w.line.open), 'all watch');
        }, { timeout: (SECONDS + 30) * 1000 });

    const { zone } = await server.metrics();

    tap.diag(`${done.kills} kills, ${done.held} of them where nothing went on,`
             + ` ${zone.repairs} repairs; ${watchers[0].heard} events heard, `
             + `${watchers.map((w) => w.twice)} of them twice; `
             + `${noise.reduce((n, c) => n + c.lives, 0)} connections`);

    await test('those who stay know everything', async () => {
        stay = await tap.keep(() => rest(server, noise));
        await pictures(server, watchers, stay);
    }, { timeout: 20000 });

    await test('a change is told twice at most when its teller died', () => {
        ok(watchers.every((w) => w.twice <= zone.repairs), 'told twice');

        return Promise.resolve();
    });

    if (SECONDS >= LONG) {
        await test('workers have died with work half done', async () => {
            ok(zone.repairs > 0, 'repairs');
        });
    }

    watchers.forEach((w) => w.line.destroy());
    noise.forEach((n) => n.line.destroy());

    await test('and nothing is left', () => nothing(server));
    await server.stop();
}, { timeout: (SECONDS + 600) * 1000 });
