#!/usr/bin/env node
'use strict';

/*
 * Workers are killed and replaced while clients talk: who stays connected
 * misses nothing, gets nothing twice, and sees what everybody sees, in one
 * order; who does not comes back.
 *
 * REALTIME_SECONDS   how long it goes on, 8 unless given
 */

const fs = require('node:fs');
const { reference, start } = require('../lib/fixture');
const { Client } = require('../lib/eio');
const { Socket } = require('../lib/sio');
const tap = require('../lib/tap');

const { is, isDeeply, ok, sleep, test } = tap;

const SECONDS = Number(process.env.REALTIME_SECONDS || 8);
const CLIENTS = 60;
const ROOMS = 10;
const WORKERS = 4;

/* sessions whose client has gone with a worker end by the ping timeout */
const PINGS = { pingInterval: 1000, pingTimeout: 1000 };

/* what nginx itself says when a process goes by SIGKILL */
const KILLED = [
    /exited on signal 9/, /shared memory zone .* was locked by/,
    /\[alert\] .*kill\(\d+, \d+\) failed \(3: No such process\)/
];


function random(n) {
    return Math.floor(Math.random() * n);
}


/*
 * What a room's members have seen.  All lists are pieces of one sequence: a
 * message is followed by the same one wherever it is followed by any, and
 * those of one sender are numbered without a gap.
 */
class Room {

    constructor(name) {
        this.name = name;
        this.next = new Map();
        this.wrong = [];
    }

    /* "seen" is what one member knows so far: { last, senders } */
    saw(seen, content) {
        const [sender, number] = content.split(':');
        const n = Number(number);

        if (seen.last !== null) {
            const next = this.next.get(seen.last);

            if (next !== undefined && next !== content) {
                this.wrong.push(`${seen.name}: ${seen.last} is followed by `
                                + `${next}, and by ${content}`);
            }

            this.next.set(seen.last, content);
        }

        if (seen.senders.has(sender) && seen.senders.get(sender) + 1 !== n) {
            this.wrong.push(`${seen.name}: ${sender}:${n} after `
                            + `${seen.senders.get(sender)}`);
        }

        seen.senders.set(sender, n);
        seen.last = content;
    }
}


/* somebody who connects, talks, and connects again */
class Person {

    constructor(server, id, room) {
        this.server = server;
        this.id = id;
        this.room = room;
        this.lives = 0;
        this.sent = 0;
        this.socket = null;
    }

    async live(running) {
        while (running()) {
            try {
                await this.enter();
                await this.talk(running);

            } catch (e) {
                if (!this.socket || this.socket.client.open) {
                    this.trouble = e;
                }
            }

            if (running() && (!this.socket || !this.socket.client.open)) {
                this.leave();
                await sleep(20 + random(80));
            }
        }
    }

    async enter() {
        const kind = (this.id + this.lives) % 3;

        if (this.socket) {
            return;
        }

        const client = await Client.open(this.server, {
            transport: kind ? 'polling' : 'websocket'
        });

        const s = new Socket(client);

        try {
            await s.connect();

            this.seen = {
                name: `${this.id}-${this.lives}`, last: null, senders: new Map()
            };

            s.log.length = 0;
            await s.ask('room:join', { roomName: this.room.name });

            if (kind === 2) {
                await sleep(random(100));
                await client.upgrade();
            }

        } catch (e) {
            client.destroy();
            throw e;
        }

        this.lives++;
        this.count = 0;
        this.socket = s;
    }

    async talk(running) {
        while (running() && this.socket.client.open) {
            const reply = await this.socket.ask('message:send', {
                roomName: this.room.name,
                content: `${this.id}-${this.lives}:${this.count++}`
            });

            is(reply.success, true, 'success');
            this.sent++;
            this.digest();
            await sleep(40 + random(80));
        }
    }

    /* looks at what has come, and forgets it */
    digest() {
        for (const e of this.socket.log) {
            if (e.event === 'message:new') {
                this.room.saw(this.seen, e.args[0].content);
            }
        }

        this.socket.log.length = 0;
        this.socket.events.items.length = 0;
    }

    leave() {
        if (this.socket) {
            this.digest();
            this.socket.destroy();
            this.socket = null;
        }
    }
}


function kill(server) {
    const pids = server.workerPids();

    try {
        process.kill(pids[random(pids.length)], 'SIGKILL');

    } catch (e) {
        return 0;                       /* it went by itself */
    }

    return 1;
}


/* resolves to how often what was done */
async function chaos(server) {
    const end = Date.now() + SECONDS * 1000;
    const done = { kills: 0, reloads: 0 };

    await sleep(500);

    while (Date.now() < end) {
        if (random(4)) {
            done.kills += kill(server);
        } else {
            server.signal('SIGHUP');
            done.reloads++;
        }

        await sleep(200 + random(700));
    }

    return done;
}


async function counts(server) {
    const m = await server.metrics();

    return [m.connections.total, m.sessions.total, m.sockets.total,
            m.rooms.memberships,
            m.workers.reduce((sum, w) => sum + w.sessions, 0)];
}


async function settle(server, n) {
    let last;

    await tap.until(8000, async () => {
        last = await counts(server);

        return last.every((count) => count === n);

    }, () => `sessions, sockets, memberships are ${n}, got ${last}`);
}


/* nothing is done any more: all are there, and get the same last words */
async function calm(server, people) {
    await test('everybody is there again', async () => {
        await Promise.all(people.map(async (p) => {
            for (let i = 0; i < 200 && !(p.socket && p.socket.client.open);
                 i++)
            {
                p.leave();
                await tap.keep(() => p.enter()).catch(() => sleep(100));
            }
        }));

        await settle(server, CLIENTS);
    }, { timeout: 30000 });

    await test('and hears everybody', async () => {
        const words = people.map((p) => `${p.id}-end:0`);

        await Promise.all(people.map((p, i) => p.socket.ask('message:send', {
            roomName: p.room.name, content: words[i]
        })));

        await Promise.all(people.map((p) => tap.until(5000, () => {
            p.digest();

            return people.every((other, i) => other.room !== p.room
                   || p.seen.senders.has(words[i].split(':')[0]));
        })));
    });
}


async function run(server) {
    const rooms = Array.from({ length: ROOMS }, (_, i) => {
        return new Room(`room-${i}`);
    });

    const people = Array.from({ length: CLIENTS }, (_, i) => {
        return new Person(server, i, rooms[i % ROOMS]);
    });

    const before = (await server.metrics()).zone;

    let running = true;
    let done;

    await test(`${CLIENTS} clients in ${ROOMS} rooms for ${SECONDS} s`,
        async () => {
            const lives = people.map((p) => p.live(() => running));

            done = await chaos(server);
            running = false;
            await tap.within(20000, Promise.all(lives), 'the end of talks');

            const sum = (name) => people.reduce((n, p) => n + p[name], 0);

            tap.diag(`${done.kills} kills, ${done.reloads} reloads, `
                     + `${sum('lives')} connections, ${sum('sent')} messages`);

            ok(done.kills, 'workers were killed');
            ok(sum('sent') > CLIENTS * SECONDS, 'messages');
        }, { timeout: (SECONDS + 60) * 1000 });

    await tap.until(10000, () => server.workerPids().length === WORKERS,
                    'as many workers as before');

    await calm(server, people);

    await test('nothing missed, doubled or out of order', async () => {
        isDeeply(rooms.flatMap((r) => r.wrong).slice(0, 10), [], 'faults');
        ok(rooms.every((r) => r.next.size), 'something was seen');
    });

    await test('the counts are right, all workers run', async () => {
        const { workers, rooms: r } = await server.metrics();

        isDeeply(await counts(server), Array(5).fill(CLIENTS), 'counts');
        is(r.total, ROOMS, 'rooms');

        isDeeply(workers.map((w) => w.pid).sort(),
                 server.workerPids().sort(), 'workers');

        ok(workers.every((w) => fs.existsSync(`/proc/${w.pid}`)), 'alive');
    });

    people.forEach((p) => p.leave());

    await test('nothing is left', async () => {
        await settle(server, 0);

        const { rooms: r, zone, totals } = await server.metrics();

        is(r.total, 0, 'rooms');
        is(zone.bytesUsed, before.bytesUsed, 'bytes of the zone');
        is(totals.lagged, 0, 'lagged');
    });

    await test('nobody was refused anything', async () => {
        const held = people.filter((p) => p.trouble).map((p) => p.trouble);

        tap.diag(`${held.length} had trouble: ${held.slice(0, 3)}`);
        ok(!held.some((e) => /success/.test(e.message)), `${held}`);
    });
}


if (reference) {
    tap.skipAll('nginx only');
}

tap.run(async () => {
    const server = await start('chat', {
        ...PINGS, workers: WORKERS, name: 'chaos'
    });

    server.allowed.push(...KILLED);
    await run(server);
    await server.stop();
}, { timeout: (SECONDS + 120) * 1000 });
