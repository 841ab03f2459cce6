#!/usr/bin/env node
'use strict';

/*
 * Rooms, typing and presence against a model (t/lib/model.js): users with
 * several devices, on both transports and three workers, do what comes to
 * their minds, and after every step each client has been told what the model
 * says, no more and no less.
 *
 * There are several worlds at once, each in a namespace of its own.  In a
 * world one step follows the other, a step being several things at a time
 * whose order does not matter; a message to all marks its end.  Now and then
 * all stop, and a worker is killed or the configuration reloaded.
 *
 * What a client of a dead worker missed it missed: it comes again as a new
 * one.  Of those who stay everything is exact, but for one thing: in which
 * order a dead worker's typists go is open.
 *
 * REALTIME_SEED      repeats a schedule
 * REALTIME_SECONDS   how long it goes on, 15 unless given
 */

const { reference } = require('../lib/fixture');
const { Client } = require('../lib/eio');
const { ALONE, Model } = require('../lib/model');
const { start } = require('../lib/server');
const { Socket } = require('../lib/sio');
const { SECRET, sign } = require('../lib/tokens');
const tap = require('../lib/tap');

const { is, isDeeply, ok, sleep, test } = tap;

const SECONDS = Number(process.env.REALTIME_SECONDS || 15);
const SEED = Number(process.env.REALTIME_SEED || Date.now() % 1000000);
const WORLDS = 6;
const WORKERS = 3;

/* nothing that happens by itself may be so near when a step begins, ms */
const GUARD = 300;

const TYPING = 2000;
const GRACE = 1000;

/* most things happen in one place */
const ROOMS = ['red', 'red', 'red', 'green', 'blue'];
const THREADS = [undefined, undefined, undefined, '', 'side'];
const STATUSES = ['online', 'away', 'busy', 'offline'];

/* what nginx itself says when a process goes by SIGKILL */
const KILLED = [
    /exited on signal 9/, /shared memory zone .* was locked by/,
    /\[alert\] .*kill\(\d+, \d+\) failed \(3: No such process\)/
];

const NAMESPACES = Array.from({ length: WORLDS }, (_, i) => `/w${i}`);

const LOCATIONS = ['all', 'rooms'].map((scope) => `
    location /${scope}/ {
        realtime on;
        realtime_jwt_secret "${SECRET}";
        realtime_allow_anonymous on;
        realtime_namespace /sync ${NAMESPACES.join(' ')};
        realtime_presence_scope ${scope};
        realtime_typing_timeout ${TYPING}ms;
        realtime_ping_interval 1000ms;
        realtime_ping_timeout 2000ms;
        realtime_limit_connections off;
        realtime_limit_messages off;
        realtime_limit_room off;
    }`).join('\n');


/* mulberry32: numbers below "n" */
function generator(seed) {
    let a = seed >>> 0;

    return (n) => {
        a = (a + 0x6d2b79f5) >>> 0;

        let t = Math.imul(a ^ (a >>> 15), a | 1);

        t ^= t + Math.imul(t ^ (t >>> 7), t | 61);

        return Math.floor(((t ^ (t >>> 14)) >>> 0) / 4294967296 * n);
    };
}


/* one connection of a user, again and again */
class Device {

    constructor(world, user, name) {
        this.world = world;
        this.user = user;
        this.name = name;
        this.s = null;
    }

    get up() {
        return this.s !== null && this.s.client.open;
    }

    async connect(transport) {
        const { server, path, nsp, sync } = this.world;
        const s = new Socket(await tap.keep(() => {
            return Client.open(server, { transport, path });
        }));

        this.s = s;
        this.got = [];

        await s.connect('/sync');
        await this.ask('/sync', 'room:join', { roomName: sync });
        await s.connect(nsp, { token: sign({ userId: this.user }) });
        await tap.within(5000, this.seen('authenticated', nsp), 'a greeting');
    }

    /* what has come already stays in the log */
    seen(event, nsp, wants = () => true) {
        return this.s.events.next(8000, (e) => {
            return e.event === event && e.nsp === nsp && wants(e.args[0]);
        }, `${event} for ${this.name}`);
    }

    ask(nsp, event, payload) {
        const { s } = this;
        const id = s.nextId++;

        const promise = new Promise((resolve, reject) => {
            s.acks.set(id, { resolve: (args) => resolve(args[0]), reject });
        });

        s.packet({ type: 2, nsp, id, data: [event, payload] });

        return tap.within(8000, promise, `the ack of ${event}`);
    }

    /* what the model speaks of, as it has it */
    digest() {
        const { nsp } = this.world;

        for (const e of this.s.log.splice(0)) {
            if (e.nsp !== nsp || !e.event || !/:/.test(e.event)
                || /^room:/.test(e.event))
            {
                continue;
            }

            this.got.push([e.event, e.args[0]]);
        }

        this.s.events.items.length = 0;
    }

    /* as clients go */
    break_(kind) {
        const { client } = this.s;

        if (client.ws && kind === 0) {
            client.ws.close(1000);
            client.end('closed');

        } else if (client.ws && kind === 1) {
            client.end('reset');
            client.ws.socket.resetAndDestroy();

        } else if (client.ws || kind === 2) {
            client.destroy();               /* polling: the server waits */

        } else {
            return client.close();
        }

        return undefined;
    }
}


/* a namespace with some users, and the model of what they know */
class World {

    constructor(server, index) {
        this.server = server;
        this.index = index;
        this.nsp = NAMESPACES[index];
        this.sync = `sync-${index}`;
        this.scope = index % 2 ? 'rooms' : 'all';
        this.path = `/${this.scope}/`;
        this.random = generator(SEED * WORLDS + index);
        this.model = new Model({ scope: this.scope, typing: TYPING,
                                 grace: GRACE });
        this.done = {};
        this.steps = 0;
        this.late = 0;
        this.marks = 0;
        this.history = [];

        /* some have one device, some have two */

        this.devices = ['ann1', 'ann2', 'bob1', 'bob2', 'cy1', 'dee1']
            .map((name) => new Device(this, name.slice(0, -1), name));
    }

    get up() {
        return this.devices.filter((d) => d.up);
    }

    pick(list) {
        return list[this.random(list.length)];
    }

    /* the end of all that has been said so far, seen by everybody */
    async mark() {
        const content = `mark-${this.marks++}`;
        const { up } = this;

        if (up.length === 0) {
            return;
        }

        const seen = up.map((d) => {
            return d.seen('message:new', '/sync', (m) => {
                return m.content === content && m.roomName === this.sync;
            });
        });

        await up[0].ask('/sync', 'message:send',
                        { roomName: this.sync, content });
        await Promise.all(seen);
    }

    /*
     * Everybody has been told what the model says, within "ms"; false if
     * something else ended by itself while it was not so for less than "open"
     * ms: what was told then is open.
     */
    async agree(ms, loose, open = ms) {
        const end = Date.now() + ms * tap.scale;

        let since = 0;

        for ( ;; ) {
            await this.mark();

            this.up.forEach((d) => d.digest());

            const wrong = this.model.compare(this.up, loose || {});

            if (wrong === null) {
                this.model.forget();
                this.up.forEach((d) => d.got.splice(0));
                return true;
            }

            since = since || Date.now();

            const late = !loose && this.model.due(Date.now()) > 0;

            if (late && Date.now() - since < open * tap.scale) {
                return false;
            }

            if (late || Date.now() > end) {
                tap.fail(`${this.nsp} (${this.scope}), step ${this.steps}: `
                         + `${wrong}\nbefore:\n`
                         + this.history.slice(-12).join('\n'));
            }

            await sleep(10);
        }
    }

    /* what is about to happen by itself happens now */
    async wait() {
        for ( ;; ) {
            const due = this.model.due(Date.now() + GUARD);

            if (due === 0) {
                return;
            }

            await sleep(Math.max(0, due - Date.now()));
            this.model.pass(due);
            this.history.push(`time passes until ${due}`);

            if (!await this.agree(2500)) {
                await this.resync();
            }
        }
    }

    /* some things at once whose order does not matter */
    async step() {
        const taken = new Set();
        const ops = [];

        await this.wait();

        for (let i = this.random(4); i >= 0; i--) {
            const op = this.choose();

            if (op && !op.takes.some((t) => taken.has(t))
                && !(op.takes.includes(ALONE) && ops.length)
                && !taken.has(ALONE))
            {
                op.takes.forEach((t) => taken.add(t));
                ops.push(op);
            }
        }

        const from = Date.now();

        this.steps++;
        this.history.push(`${from} ${ops.map((op) => op.name).join('; ')}`);

        await Promise.all(ops.map(async (op) => {
            await op.run();
            op.apply(from, Date.now());
            this.done[op.kind] = (this.done[op.kind] || 0) + 1;
        }));

        /* or is this process kept waiting? */

        if (this.model.due(Date.now())
            || !await this.agree(2000, null, GUARD / 2))
        {
            await this.resync();
        }
    }

    /*
     * The step took so long that something ended in the midst of it: what the
     * clients saw of that is open, what they know when it is over is not.
     */
    async resync() {
        this.late++;
        await sleep(TYPING + 500);
        this.model.pass(Infinity);
        await this.agree(4000, { finals: true });
    }

    choose() {
        const { up } = this;
        const down = this.devices.filter((d) => !d.up);

        if (up.length < 2 || (down.length && this.random(8) === 0)) {
            return this.coming(this.pick(down));
        }

        const d = this.pick(up);
        const n = this.random(100);

        return n < 24 ? this.joining(d)
             : n < 32 ? this.leaving(d)
             : n < 52 ? this.typing(d, 'start')
             : n < 66 ? this.typing(d, 'stop')
             : n < 78 ? this.status(d)
             : n < 88 ? this.asking(d)
             : n < 91 ? this.upgrading(d)
             : this.going(d);
    }

    /* "run" is what the device does and checks, "apply" what that means */
    op(kind, d, more, takes, run, apply) {
        return {
            kind, run, apply, takes: [`user ${d.user}`, ...takes],
            name: `${d.name} ${kind} ${more}`
        };
    }

    coming(d) {
        const transport = this.pick(['polling', 'websocket']);

        return this.op('connects', d, transport, [ALONE],
                       () => d.connect(transport),
                       () => this.model.connect(d));
    }

    joining(d) {
        const roomName = this.pick(ROOMS);

        return this.op('joins', d, roomName, [roomName], async () => {
            const reply = await d.ask(this.nsp, 'room:join', { roomName });

            isDeeply(reply, { success: true, data: {
                roomName, memberCount: this.model.people(roomName, d.user)
            } }, `${d.name} joins`);
        }, () => this.model.join(d, roomName));
    }

    /* mostly a room that it is in */
    place(d) {
        const inside = ROOMS.filter((r) => this.model.has(d, r));

        return this.pick(inside.length && this.random(8) ? inside : ROOMS);
    }

    leaving(d) {
        const roomName = this.place(d);
        const inside = this.model.has(d, roomName);

        return this.op('leaves', d, roomName, [roomName], async () => {
            const reply = await d.ask(this.nsp, 'room:leave', { roomName });

            is(reply.success, true, `${d.name} leaves ${roomName}`);
        }, () => inside && this.model.leave(d, roomName));
    }

    /* often one in which the user types already, with whatever device */
    thread(d) {
        const own = this.model.typing(d.user).filter((e) => {
            return this.model.has(d, e.roomName);
        });

        return own.length && this.random(2) ? this.pick(own)
               : { roomName: this.place(d), threadId: this.pick(THREADS) };
    }

    typing(d, what) {
        const { roomName, threadId } = this.thread(d);
        const inside = this.model.has(d, roomName);

        return this.op(`typing:${what}`, d, `${roomName} ${threadId}`,
                       [roomName], async () => {
            const reply = await d.ask(this.nsp, `typing:${what}`,
                                      { roomName, threadId });

            is(reply.success, inside, `${d.name} types in ${roomName}`);
        }, (from, to) => {
            return inside && this.model[what](d, roomName, threadId, from, to);
        });
    }

    status(d) {
        const payload = { status: this.pick(STATUSES) };
        const n = this.random(4);

        if (n === 0) {
            payload.customStatus = {};

        } else if (n === 1) {
            payload.customStatus = { text: `mood ${this.random(1000)}` };
        }

        return this.op('is', d, JSON.stringify(payload),
                       this.model.roomsOf(d.user), async () => {
            const reply = await d.ask(this.nsp, 'presence:update', payload);

            is(reply.success, true, `${d.name} has a status`);
        }, () => this.model.update(d, payload));
    }

    asking(d) {
        const user = this.pick(this.devices).user;

        return this.op('asks for', d, user,
                       [`user ${user}`, ...this.model.roomsOf(user),
                        ...this.model.roomsOf(d.user)], async () => {
            const reply = await d.ask(this.nsp, 'presence:request',
                                      { userId: user });
            const expected = this.model.request(d, user);

            if (expected) {
                isDeeply(reply.data, expected, `${d.name} asks for ${user}`);
            } else {
                is(reply.error.code, 'PERMISSION_DENIED', 'code');
            }
        }, () => this.model.answer(d, user));
    }

    /* for others it is as if nothing happened */
    upgrading(d) {
        if (d.s.client.transport === 'websocket') {
            return null;
        }

        return this.op('upgrades', d, '', [], () => d.s.client.upgrade(),
                       () => {});
    }

    going(d) {
        const other = this.up.find((o) => o !== d);
        const kind = this.random(4);

        return this.op('goes', d, kind, [ALONE], async () => {
            const noticed = other.seen('user:left', '/sync');

            if (kind === 3) {
                d.s.disconnect(this.nsp);
            }

            await d.break_(kind);
            await noticed;
        }, (from, to) => this.model.disconnect(d, from, to));
    }
}


/* all worlds rest: a worker dies, and who stays knows everything after it */
async function kill(server, worlds) {
    const pids = server.workerPids();
    const from = Date.now();
    const before = worlds.map((w) => w.up);

    await server.killWorker(pids[worlds[0].random(pids.length)]);
    await settled(server, worlds);

    const to = Date.now();

    await Promise.all(worlds.map(async (w, i) => {
        const dead = before[i].filter((d) => !d.up);
        const loose = { shrink: true, users: new Set() };

        for (const { user } of dead) {
            if (w.scope === 'rooms'
                && dead.filter((d) => d.user === user).length > 1)
            {
                loose.users.add(user);      /* which was last is open */
            }
        }

        dead.forEach((d) => w.model.disconnect(d, from, to));
        w.history.push(`a worker dies with ${dead.map((d) => d.name)}`);
        await sleep(Math.max(GRACE, TYPING) + 20);
        w.model.pass(Infinity);
        await w.agree(5000, loose);
    }));

    return before.flat().filter((d) => !d.up).length;
}


/* the server knows of nobody who has gone, and answers all who have not */
async function settled(server, worlds) {
    let m;

    await tap.until(15000, async () => {
        m = await server.metrics();

        const pids = m.workers.map((w) => w.pid);

        return pids.length === WORKERS
               && server.workerPids().every((pid) => pids.includes(pid))
               && m.sockets.total === 2 * worlds.flatMap((w) => w.up).length;

    }, () => `settled: ${worlds.flatMap((w) => w.up).length} devices, `
             + JSON.stringify(m));

    await Promise.all(worlds.map((w) => w.mark()));
}


async function reload(server, worlds) {
    await server.reload();
    await tap.until(8000, () => worlds.every((w) => w.up.length === 0),
                    'all are sent away');
    await settled(server, worlds);
    await sleep(GRACE + 200);

    for (const w of worlds) {
        w.devices.forEach((d) => w.model.disconnect(d, 0, 0));
        w.model.pass(Infinity);
        w.model.forget();
        w.history.push('reload');
    }
}


async function run(server) {
    const worlds = NAMESPACES.map((_, i) => new World(server, i));
    const end = Date.now() + SECONDS * 1000;
    const random = generator(SEED);
    const done = { kills: 0, reloads: 0, lost: 0 };

    while (Date.now() < end) {
        const pause = Math.min(end, Date.now() + 1500 + random(2000));

        await Promise.all(worlds.map(async (w) => {
            while (Date.now() < pause) {
                await w.step();
            }

            await w.wait();
        }));

        if (random(3)) {
            done.lost += await kill(server, worlds);
            done.kills++;
        } else {
            await reload(server, worlds);
            done.reloads++;
        }
    }

    const steps = worlds.reduce((n, w) => n + w.steps, 0);
    const late = worlds.reduce((n, w) => n + w.late, 0);
    const kinds = {};

    for (const w of worlds) {
        Object.entries(w.done).forEach(([kind, n]) => {
            kinds[kind] = (kinds[kind] || 0) + n;
        });
    }

    tap.diag(`${steps} steps, ${late} of them too slow; ${done.kills} kills of`
             + ` workers with ${done.lost} devices, ${done.reloads} reloads`);
    tap.diag(JSON.stringify(kinds));

    ok(late * 10 < steps, `steps that prove less: ${late} of ${steps}`);
    ok(done.kills + done.reloads, 'workers went');

    return worlds;
}


async function nothing(server, worlds, before) {
    let m;

    await Promise.all(worlds.flatMap((w) => w.up.map((d) => {
        return d.s.client.close();
    })));

    await tap.until(10000, async () => {
        m = await server.metrics();

        return m.sessions.total === 0 && m.sockets.total === 0
               && m.rooms.total === 0 && m.rooms.memberships === 0
               && m.users.total === 0 && m.users.typing === 0
               && m.workers.every((w) => w.sessions === 0)
               && m.zone.bytesUsed - before.zone.bytesUsed < 65536;

    }, () => JSON.stringify(m));

    is(m.zone.repairs, 0, 'repairs');
    is(m.totals.lagged, 0, 'lagged');
}


if (reference) {
    tap.skipAll('nginx only');
}

tap.run(async () => {
    const server = await start({
        workers: WORKERS, server: LOCATIONS, name: 'model'
    });

    let worlds = [];

    const before = await server.metrics();

    server.allowed.push(...KILLED);
    tap.diag(`REALTIME_SEED=${SEED}`);

    await test('everybody is told what the model says, after every step',
        async () => {
            worlds = await run(server);
        }, { timeout: (SECONDS + 60) * 1000 });

    await test('and nothing is left', () => nothing(server, worlds, before),
               { timeout: 15000 });

    await server.stop();
}, { timeout: (SECONDS + 600) * 1000 });
