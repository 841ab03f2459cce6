#!/usr/bin/env node
'use strict';

/*
 * The official JavaScript client gets its state back: same id, nothing lost,
 * nothing twice, all in order, before it is told that it has connected.
 */

const { done, join, unique } = require('../lib/people');
const { come, required, say, serve, words } = require('../lib/recovery');
const tap = require('../lib/tap');
const { sign } = require('../lib/tokens');

const { io } = tap.load('socket.io-client');

const { is, isDeeply, ok, sleep, test } = tap;

const KINDS = {
    'polling': ['polling'],
    'websocket': ['websocket'],
    'upgrade': ['polling', 'websocket']
};

/* clients that have never heard of it */
const OLDER = ['socket.io-client-4.0', 'socket.io-client-3.1'];


/* a page: the socket of a user, and all that it was told */
class Page {

    constructor(server, transports, { build = io, nsp = '/', ...options } = {})
    {
        this.user = unique('alice');
        this.auth = { token: sign({ userId: this.user }), extra: [1, null] };
        this.log = [];

        this.socket = build(server.url + nsp, {
            forceNew: true, reconnectionDelay: 50, reconnectionDelayMax: 200,
            auth: this.auth, transports, ...options
        });

        const { socket } = this;

        /* older ones have no onAny() */

        for (const name of ['connected', 'authenticated', 'message:new', 'act',
                            'user:left', 'connect', 'disconnect'])
        {
            socket.on(name, (...args) => this.log.push({ name, args }));
        }

        tap.cleanup(() => {
            socket.io.reconnection(false);
            socket.disconnect();
        });
    }

    static async open(...args) {
        const page = new Page(...args);

        await page.connections(1);

        return page;
    }

    names() {
        return this.log.map((e) => e.name);
    }

    /* until it has connected so many times, and been greeted */
    async connections(n) {
        const { transport } = this.socket.io.engine || {};

        await tap.until(20000, () => {
            return this.names().filter((w) => w === 'authenticated')
                   .length >= n;

        }, () => `connection ${n} by ${transport && transport.name}: `
                 + this.names());

        const upgrades = this.socket.io.opts.transports.length > 1;

        if (upgrades) {
            await tap.until(10000, () => {
                return this.socket.io.engine.transport.name === 'websocket';
            }, 'an upgrade');
        }
    }

    ask(event, payload) {
        return tap.within(5000, new Promise((resolve) => {
            this.socket.emit(event, payload, resolve);
        }), `the ack of ${event}`);
    }

    texts() {
        return this.log.filter((e) => e.name === 'message:new')
                   .map((e) => e.args[0].content);
    }

    async has(contents) {
        await tap.until(10000, () => this.texts().length >= contents.length,
                        () => `${contents.length}, got ${this.texts()}`);
        await this.ask('pong', { timestamp: 1 });
        isDeeply(this.texts(), contents, 'messages');
    }
}


async function scene(server, transports, options) {
    const roomName = unique('room');
    const bob = await come(server, { user: unique('bob') });
    const page = await Page.open(server, transports, options);

    await join(bob, roomName);
    is((await page.ask('room:join', { roomName })).success, true, 'success');

    return { page, bob, roomName };
}


/*
 * Not in the turn in which an answer came: the client would forget that it has
 * got those events, and be told them again.  One who upgrades would wait for
 * such a turn, so the upgrade has to be over.
 */
async function close({ socket }) {
    const { engine } = socket.io;

    await tap.until(10000, () => !engine.upgrading, 'the end of the upgrade');
    engine.close();
}


/* how connections end */
const CUTS = {
    'engine.close()': close,

    'a broken connection': ({ socket }) => {
        const { transport } = socket.io.engine;

        transport.name === 'websocket' ? transport.ws.terminate()
                                       : transport.onError('a test');
    }
};


async function recovering(server, transports) {
    for (const [how, cut] of Object.entries(CUTS)) {
        await test(`back after ${how}`, async () => {
            const { page, bob, roomName } = await scene(server, transports);
            const { socket } = page;
            const { id } = socket;

            is(socket.recovered, false, 'recovered');
            isDeeply(page.log.find((e) => e.name === 'authenticated')
                     .args[0].userId, page.user, 'userId');

            for (let i = 0; i < 3; i++) {
                await say(bob, roomName, words('x', 2, 5 * i));
                await page.has(words('x', 5 * i + 2));
                page.log = page.log.filter((e) => e.name === 'message:new');

                const n = page.log.length;

                socket.io.reconnectionDelay(400);
                socket.io.reconnectionDelayMax(400);
                await cut(page);
                await say(bob, roomName, words('x', 3, 5 * i + 2));
                await page.connections(1);

                is(socket.recovered, true, 'recovered');
                is(socket.id, id, 'id');
                isDeeply(socket.auth, page.auth, 'auth');
                isDeeply(page.names().slice(n), [
                    'disconnect', 'message:new', 'message:new', 'message:new',
                    'connect', 'connected', 'authenticated'
                ], 'in order');

                const [hello, who] = page.log.slice(-2).map((e) => e.args[0]);

                is(hello.socketId, id, 'socketId');
                is(hello.recovered, true, 'connected.recovered');
                is(who.userId, page.user, 'userId');
                is(who.recovered, true, 'authenticated.recovered');
            }

            is((await page.ask('message:send', { roomName, content: 'x 15' }))
               .success, true, 'success');
            await page.has(words('x', 16));
            isDeeply(bob.log.filter((e) => e.event === 'user:left'), [],
                     'user:left');
        }, { timeout: 30000 });
    }

    await test('disconnect() and connect(): another socket', async () => {
        const { page, bob, roomName } = await scene(server, transports);
        const { id } = page.socket;

        page.socket.disconnect();
        await bob.one('user:left');
        await sleep(100);
        await say(bob, roomName, ['x 0']);
        page.socket.connect();
        await page.connections(2);
        ok(!page.socket.recovered, 'not recovered');
        ok(page.socket.id !== id, 'another id');
        isDeeply(page.texts(), [], 'messages');
    });

    await test('events that end in a string, attachments', async () => {
        const { page, bob, roomName } = await scene(server, transports);
        const bytes = Buffer.from([1, 2, 255]);

        bob.emit('act', { roomName, bytes }, 'text');
        await done(bob, 'pong', { timestamp: 1 });
        await tap.until(5000, () => page.names().includes('act'), 'act');
        page.socket.io.engine.close();
        bob.emit('act', { roomName, bytes }, 'more');
        await page.connections(2);
        ok(page.socket.recovered, 'recovered');

        const acts = page.log.filter((e) => e.name === 'act');

        isDeeply(acts.map((e) => e.args.slice(0, 2)), ['text', 'more'].map(
            (text) => [{ roomName, bytes, userId: bob.user }, text]), 'acts');
    });

    await test('cut again and again while it is told', async () => {
        const { page, bob, roomName } = await scene(server, transports);
        const { socket } = page;
        const cuts = [20, 41, 60, 79];
        const seen = [];

        socket.on('act', ({ n }) => {
            seen.push(n);

            if (cuts.includes(n)) {
                setTimeout(() => close(page));
            }
        });

        await close(page);

        for (let n = 0; n < 100; n++) {
            bob.emit('act', { roomName, n }, 'b'.repeat(20000));
        }

        await tap.until(20000, () => seen.includes(99), 'all');
        await page.connections(2);
        ok(socket.recovered, 'recovered');
        isDeeply(seen, Array.from({ length: 100 }, (_, n) => n), 'events');
    }, { timeout: 30000 });

    await test('a recovered namespace beside another one', async () => {
        const { page, bob, roomName } = await scene(server, transports);
        const other = page.socket.io.socket('/custom', {
            auth: { token: sign({ userId: page.user }) }
        });

        await tap.until(5000, () => other.connected, 'the other');

        const ids = [page.socket.id, other.id];

        page.socket.io.engine.close();
        await tap.until(5000, () => !other.connected, 'cut');
        await say(bob, roomName, ['x 0']);
        await page.connections(2);
        await tap.until(5000, () => other.connected, 'the other');
        isDeeply([page.socket.id, other.id], ids, 'ids');
        isDeeply([page.socket.recovered, other.recovered], [true, true],
                 'recovered');
        await page.has(['x 0']);
    });
}


/*
 * Says one number after the other until it is "over", and one more has been
 * accepted since; resolves to those that were.  What was written to a dying
 * connection is not, or nobody knows.
 */
async function speak(socket, roomName, over) {
    const said = [];

    let n = 0;
    let enough = 100;

    /* what is sent while there is no connection waits in the client */

    while (!over() || !said.some((k) => k >= enough)) {
        const k = n++;

        socket.emit('act', { roomName, n: k }, ({ success }) => {
            is(success, true, `success of ${k}`);
            said.push(k);
        });

        if (!over()) {
            enough = Math.max(100, n);
        }

        await sleep(10);
    }

    return [...said];
}


/* not more than one worker at a time */
async function workers(server, transports) {
    const faults = {
        'a reload': async () => {
            const old = await server.reload();

            await tap.until(30000, () => {
                return !server.workerPids().some((pid) => old.includes(pid));
            }, 'the end of the old workers');
        },

        'the death of all workers, one by one': async () => {
            for (const pid of server.workerPids()) {
                await server.killWorker(pid);
            }
        }
    };

    for (const [name, fault] of Object.entries(faults)) {
        await test(`${name}: nothing is lost`, async () => {
            const { page, roomName } = await scene(server, transports);
            const { id } = page.socket;
            const speaker = await Page.open(server, ['websocket']);

            await speaker.ask('room:join', { roomName });

            let over = false;

            const faulty = fault().finally(() => {
                over = true;
            });

            faulty.catch(() => {});

            const said = await speak(speaker.socket, roomName, () => over);

            await faulty;

            const got = () => page.log.filter((e) => e.name === 'act')
                              .map((e) => e.args[0].n);
            const last = said[said.length - 1];

            await tap.until(20000, () => {
                return got().includes(last) && page.socket.connected
                       && page.names().filter((w) => w === 'connect')
                          .length > 1;
            }, () => `${last} and a break: ${page.names().slice(-5)}`);

            is(page.socket.id, id, 'id');
            ok(page.socket.recovered, 'recovered');

            const list = got();
            const all = new Set([...list, ...said]);

            isDeeply(list, [...all].sort((a, b) => a - b),
                     'all that was accepted, in order, once');
        }, { timeout: 60000 });
    }
}


async function older(server) {
    for (const name of OLDER) {
        for (const [kind, transports] of Object.entries(KINDS)) {
            await test(`${name}, ${kind}: goes on without`, async () => {
                const { page, bob, roomName } = await scene(server, transports,
                    { build: tap.load(name).io });

                await say(bob, roomName, ['x 0']);
                await page.has(['x 0']);
                page.socket.io.engine.close();
                await page.connections(2);
                await page.ask('room:join', { roomName });
                await say(bob, roomName, ['x 1']);
                await page.has(['x 0', 'x 1']);
            }, { timeout: 20000 });
        }
    }
}


required();

tap.run(async () => {
    const server = await serve({
        workers: 4, reuseport: true, directives: 'realtime_drain 1s;'
    });

    server.allowed.push(/shared memory zone .* was locked by/);

    for (const [kind, transports] of Object.entries(KINDS)) {
        await tap.group(kind, async () => {
            await recovering(server, transports);
            await workers(server, transports);
        });
    }

    await older(server);
});
