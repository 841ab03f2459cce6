#!/usr/bin/env node
'use strict';

/*
 * The end of nginx with clients connected: they are told, whatever they are
 * doing, no connection is reset, and nothing waits for clients who do not
 * answer.
 */

const { reference, start } = require('../lib/fixture');
const { Polling, openWebSocket } = require('../lib/eio');
const {
    CLOSED, DIRECTIVES, Flock, content, silent, told
} = require('../lib/flock');
const { request } = require('../lib/http');
const { serious } = require('../lib/recovery');
const nginx = require('../lib/server');
const tap = require('../lib/tap');

const { io } = tap.load('socket.io-client');

const { is, isDeeply, like, ok, sleep, test } = tap;

const LAYOUTS = [
    { name: '1 worker', workers: 1 },
    { name: '4 workers', workers: 4, reuseport: true }
];

const TRANSPORTS = {
    'polling': ['polling'],
    'websocket': ['websocket'],
    'upgrade': ['polling', 'websocket']
};

const CLIENTS = 120;
const HOWS = ['websocket', 'polling', 'upgrade'];

/* a drain that nobody waits for, and how long the end may take, ms */
const DRAIN = 'realtime_drain 300s;';
const END = 30000;

const TIMEOUT = { timeout: 60000 };


function run(opts) {
    return start('chat', {
        recovery: true, ...opts, directives: `${DIRECTIVES} ${DRAIN}`
    });
}


/* within a time, with all its workers, and without a word in its log */
async function quits(server) {
    const pids = server.workerPids();

    is(await server.quit(END), 0, 'exit code');
    isDeeply(pids.filter(nginx.alive), [], 'workers');
    isDeeply(serious(server), [], 'lines of the error log');
}


async function flocks(layout) {
    const server = await run(layout);
    const flock = await Flock.start(server, { n: CLIENTS, hows: HOWS });

    await test('QUIT: everybody is told, nobody is cut', async () => {
        await flock.stay();
        await quits(server);

        let people;

        await tap.until(10000, async () => {
            people = await flock.now();

            return people.every((p) => p.breaks.length);

        }, () => JSON.stringify(people.filter((p) => !p.breaks.length)));

        content(people);
        isDeeply(people.map((p) => p.breaks[0].how), people.map((_, i) => {
            return i % 3 === 1 ? CLOSED : 1001;
        }), 'how each was told');
        silent(people);
    }, TIMEOUT);

    await server.stop();
}


/* what the official client of each transport says */
async function official(layout) {
    const server = await run(layout);
    const said = [];
    const sockets = [];

    await test('QUIT: "transport close", say socket.io-clients', async () => {
        for (let i = 0; i < 12; i++) {
            const name = Object.keys(TRANSPORTS)[i % 3];

            sockets.push(await dial(server, name, (why) => {
                said.push(`${name}: ${why}`);
            }));
        }

        await sleep(300);
        await quits(server);
        await tap.until(10000, () => said.length >= sockets.length,
                        () => `${sockets.length} ends, not ${said}`);

        isDeeply(said.sort(), sockets.map((_, i) => {
            return `${Object.keys(TRANSPORTS)[i % 3]}: transport close`;
        }).sort(), 'reasons');
    }, TIMEOUT);

    sockets.forEach((s) => s.disconnect());
    await server.stop();
}


/* connected, greeted, and on the last of its transports */
async function dial(server, name, on) {
    const transports = TRANSPORTS[name];
    const socket = io(server.url, {
        transports, forceNew: true, reconnection: false
    });

    const greeted = new Promise((resolve) => {
        socket.once('connected', resolve);
    });

    tap.cleanup(() => socket.disconnect());
    socket.on('disconnect', on);
    await tap.within(10000, greeted, 'the greeting');
    await tap.until(10000, () => socket.io.engine.transport.name
                                 === transports[transports.length - 1]);

    return socket;
}


/* whoever does not answer, or is somewhere in between */
async function halves(layout) {
    const server = await run(layout);

    await test('QUIT: clients who do not answer', async () => {
        const silent = [];

        for (let i = 0; i < 8; i++) {
            const { ws } = await openWebSocket(server);

            ws.replyClose = false;
            ws.send('40');
            silent.push(ws);

            /* between two polls; with a request of which a part has come */

            const p = new Polling(server);

            await p.open();
            await p.send('40');
            await p.poll();
        }

        const half = request(server.port, {
            path: `${server.path}?EIO=4&transport=polling`, method: 'POST',
            headers: { 'Content-Length': 10 }, body: '4'
        });

        tap.cleanup(() => half.abort());
        half.catch(() => {});

        await sleep(300);
        await quits(server);

        for (const ws of silent) {
            is((await ws.waitClose()).code, 1001, 'code');
        }
    }, TIMEOUT);

    await server.stop();
}


/* at once, even when clients are being sent away one by one */
async function terminated(layout, signal) {
    const server = await run(layout);
    const flock = await Flock.start(server, { n: CLIENTS, hows: HOWS });

    await test(`${signal} in the midst of a drain`, async () => {
        const old = await server.reload();

        await sleep(2000);
        ok(old.some(nginx.alive), 'old workers are there');
        await flock.stay();

        const pids = [...old, ...server.workerPids()];

        server.signal(signal);
        is(await tap.within(END, server.ended, 'the end'), 0, 'exit code');
        isDeeply(pids.filter(nginx.alive), [], 'workers');

        const lines = serious(server).filter((l) => !/\[warn\]/.test(l));

        isDeeply(lines, [], 'lines of the error log');

        let people;

        await tap.until(10000, async () => {
            people = await flock.now();

            return people.every((p) => p.breaks.length);

        }, () => JSON.stringify(people.filter((p) => !p.breaks.length)));

        if (signal === 'SIGQUIT') {
            content(people);
            told(people);
        }
    }, TIMEOUT);

    await server.stop();
}


if (reference) {
    tap.skipAll('nginx only');
}

if (!nginx.knows('realtime_recovery')) {
    tap.missing(`no recovery in ${nginx.MODULE}`);
}

tap.run(async () => {
    for (const { name, ...layout } of LAYOUTS) {
        await tap.group(name, async () => {
            await flocks(layout);
            await official(layout);
            await halves(layout);
            await terminated(layout, 'SIGTERM');
            await terminated(layout, 'SIGQUIT');
        });
    }
});
