#!/usr/bin/env node
'use strict';

/*
 * Clients that reset, crowd and flood, and reloads that change what the
 * workers share: whoever does nothing wrong notices nothing.
 */

const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { connect, request } = require('../lib/http');
const { reference, start } = require('../lib/fixture');
const eio = require('../lib/eio');
const { Socket } = require('../lib/sio');
const tap = require('../lib/tap');
const { frame } = require('../lib/ws');

const { is, isDeeply, like, ok, sleep, test } = tap;

const ROOM = 'lobby';
const QUIET = { pingInterval: 25000, pingTimeout: 20000 };


async function member(server, transport) {
    const s = await Socket.open(server, { transport });

    await s.ask('room:join', { roomName: ROOM });

    return s;
}


/* members by both transports; they stay when the test is over */
function members(server, transports) {
    return tap.keep(() => {
        return Promise.all(transports.map((t) => member(server, t)));
    });
}


function times(n, value) {
    return Array.from({ length: n }, (_, i) => {
        return typeof value === 'function' ? value(i) : value;
    });
}


/* n transports, every third of them polling */
function mixed(n) {
    return times(n, (i) => (i % 3 === 2 ? 'polling' : 'websocket'));
}


async function say(s, content, more) {
    const reply = await s.ask('message:send', {
        roomName: ROOM, content, ...more
    });

    is(reply.success, true, 'success');
}


/* messages "word N" that "s" got: N of each */
function heard(s, word) {
    return s.log.filter((e) => e.event === 'message:new')
            .map((e) => e.args[0].content)
            .filter((content) => content.startsWith(`${word} `))
            .map((content) => Number(content.slice(word.length + 1)));
}


/* all of "list" got the first n messages of "word", in order */
async function allHeard(list, word, n) {
    await tap.until(5000, () => {
        return list.every((s) => heard(s, word).length >= n);

    }, () => `${n} of "${word}", got ${list.map((s) => {
        return heard(s, word).length;
    })}`);

    for (const s of list) {
        isDeeply(heard(s, word), times(n, (i) => i), word);
    }
}


/* everybody of the room speaks, everybody hears */
async function talk(list, word) {
    for (const [i, s] of list.entries()) {
        await say(s, `${word} ${i}`);
    }

    await allHeard(list, word, list.length);
}


/* the metrics, over a connection that is there already */
async function metrics(server, agent) {
    const res = await tap.within(3000, request(server.port, {
        path: '/metrics', agent
    }), '/metrics');

    is(res.status, 200, 'status of /metrics');

    return res.json();
}


/* until n sessions are left, and the workers are those that run */
async function settle(server, n, agent) {
    let last;

    await tap.until(5000, async () => {
        const m = await metrics(server, agent);
        const owned = m.workers.reduce((sum, w) => sum + w.sessions, 0);
        const pids = m.workers.map((w) => w.pid).sort();

        last = [m.connections.total, m.sessions.total, m.sockets.total,
                m.rooms.memberships, owned];

        return last.every((count) => count === n)
               && `${pids}` === `${server.workerPids().sort()}`;

    }, () => `sessions, sockets, memberships are ${n}, got ${last}`);
}


/* changes the configuration of a server that runs */
async function reconfigure(server, from, to) {
    const file = path.join(server.dir, 'nginx.conf');
    const text = fs.readFileSync(file, 'utf8');

    like(text, from, 'configuration');
    fs.writeFileSync(file, text.replace(from, to));

    return server.reload();
}


/* n POSTs of a session on a connection that is reset at once */
async function resetPosts(server, n) {
    const p = new eio.Polling(server);

    await p.open();
    await p.send('40');

    const socket = await connect(server.port);

    const post = `POST ${p.uri()} HTTP/1.1\r\nHost: localhost\r\n`
                 + 'Content-Type: text/plain\r\nContent-Length: 1\r\n\r\n3';

    socket.write(post.repeat(n));
    socket.resetAndDestroy();
}


async function resets() {
    const server = await start('chat', {
        ...QUIET, workers: 1, name: 'resets'
    });

    const pids = server.workerPids();
    const list = await members(server, mixed(3));

    await test('resets: POSTs that are answered meanwhile', async () => {
        for (let i = 0; i < 60; i++) {
            await resetPosts(server, i % 2 ? 5 : 1);
        }
    });

    await test('resets: the worker goes on, and the others', async () => {
        await talk(list, 'after');
        isDeeply(server.workerPids(), pids, 'workers');
    });

    await server.stop();
}


async function fewDescriptors() {
    const server = await start('chat', {
        ...QUIET, workers: 2, reuseport: true, name: 'descriptors'
    });

    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

    tap.cleanup(() => agent.destroy());

    await reconfigure(server, /worker_rlimit_nofile \d+/,
                      'worker_rlimit_nofile 120');

    const list = await members(server, times(8, 'websocket'));

    await settle(server, 8, agent);

    await test('descriptors: none is free, those who are in go on',
        async () => {
            await Promise.all(times(300, () => connect(server.port)));

            /* workers look after each other once in a second */

            for (let i = 0; i < 3; i++) {
                await sleep(900);
                await settle(server, 8, agent);
                await talk(list, `crowd${i}`);
            }

            like(server.errorLog(), /accept4?\(\) failed \(24:/, 'log');
        }, { timeout: 15000 });

    await test('descriptors: there are some again', async () => {
        await talk(list, 'again');
        await Promise.all(list.map((s) => s.client.close()));
        await settle(server, 0, agent);

        const more = await Promise.all(mixed(6).map((t) => {
            return member(server, t);
        }));

        await talk(more, 'more');
        await settle(server, 6, agent);
    });

    await server.stop();
}


/*
 * Old workers stay as long as their clients do not answer the close frame;
 * receivers write nothing, so that only a wake-up makes their workers read.
 */
async function zoneSize() {
    const server = await start('chat', {
        ...QUIET, workers: 4, reuseport: true, name: 'zone size',
        http: 'realtime_zone sturdy 16m;'
    });

    for (let round = 1; round <= 3; round++) {
        await test(`zone size: nobody is deaf after reload ${round}`,
            async () => {
                const old = await Promise.all(times(12, () => {
                    return member(server, 'websocket');
                }));

                old.forEach((s) => {
                    s.client.ws.replyClose = false;
                });

                const pids = await reconfigure(server, /sturdy \d+m/,
                                               `sturdy ${16 + round}m`);

                ok(pids.some((pid) => fs.existsSync(`/proc/${pid}`)),
                   'an old worker is there');

                const list = await Promise.all(times(12, () => {
                    return member(server, 'websocket');
                }));

                for (let i = 0; i < 40; i++) {
                    await say(list[0], `size ${i}`);
                    await allHeard(list, 'size', i + 1);
                }

                old.concat(list).forEach((s) => s.destroy());
            }, { timeout: 20000 });
    }

    await server.stop();
}


async function probing() {
    const server = await start('chat', {
        ...QUIET, workers: 2, reuseport: true, name: 'probes'
    });

    let probes;

    await test('probes: SIGQUIT, exit code 0', async () => {
        probes = await tap.keep(() => Promise.all(times(12, async (i) => {
            const p = new eio.Polling(server);

            await p.open();

            const { ws } = await eio.upgrade(server, { sid: p.sid });

            if (i % 2) {
                ws.send('2probe');
                is(await ws.recv(), '3probe', 'answer');
            }

            return ws;
        })));

        is(await server.quit(4000), 0, 'exit code');
    });

    await test('probes: the WebSockets are closed', async () => {
        await Promise.all(probes.map((ws) => ws.waitClose(1000)));
    });

    await server.stop();
}


/* joins and leaves, n in one piece, then a ping */
function piece(roomName, n) {
    const frames = times(n, (i) => {
        const event = i % 2 ? 'room:leave' : 'room:join';

        return frame(`42${JSON.stringify([event, { roomName }])}`);
    });

    return Buffer.concat([...frames, frame('42["ping"]')]);
}


/* all write before the first one reads; resolves to the room:left of each */
async function flood(server, pieces) {
    const list = await Promise.all(pieces.map(() => Socket.open(server)));

    for (const [i, s] of list.entries()) {
        s.client.ws.socket.pause();
        s.client.ws.raw(pieces[i]);
    }

    await sleep(200);

    return Promise.all(list.map(async (s) => {
        s.client.ws.socket.resume();
        await s.one('pong', 15000);

        return s.log.filter((e) => e.event === 'room:left').length;
    }));
}


async function floods() {
    const CLIENTS = 16;
    const EACH = 3000;

    const server = await start('chat', {
        ...QUIET, workers: 2, reuseport: true, maxPayload: 100000,
        name: 'flood', directives: 'realtime_send_buffer 16m;',
        http: 'realtime_zone sturdy 8m;'
    });

    const list = await members(server, mixed(6));

    await test('flood: others get their messages meanwhile', async () => {
        let going = true;
        let n = 0;

        /* somebody has to be told, or nothing is written */

        for (let i = 0; i < CLIENTS; i++) {
            await list[0].ask('room:join', { roomName: `f${i}` });
        }

        const pieces = times(CLIENTS, (i) => piece(`f${i}`, EACH));

        const work = flood(server, pieces).finally(() => {
            going = false;
        });

        work.catch(() => {});

        while (going) {
            await say(list[0], `flood ${n++}`);
            await sleep(20);
        }

        isDeeply(await work, times(CLIENTS, EACH / 2), 'left');
        await allHeard(list, 'flood', n);
    }, { timeout: 20000 });

    await test('flood: who is in their rooms hears of each', async () => {
        let last;

        await tap.until(5000, () => {
            last = ['user:joined', 'user:left'].map((event) => {
                return list[0].log.filter((e) => {
                    return e.event === event && e.args[0].roomName !== ROOM;
                }).length;
            });

            return last.every((n) => n >= CLIENTS * EACH / 2);

        }, () => `${CLIENTS * EACH / 2} of each, got ${last}`);

        isDeeply(last, times(2, CLIENTS * EACH / 2), 'joined and left');
    });

    await test('flood: nobody was overtaken', async () => {
        is((await server.metrics()).totals.lagged, 0, 'lagged');
        await talk(list, 'after');
    });

    await server.stop();
}


/* polling sessions on connections that stay: one for each worker, by pid */
async function ofEachWorker(server, n) {
    const found = new Map();
    let before = new Map();

    while (found.size < n) {
        const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
        const p = new eio.Polling(server, { agent });

        tap.cleanup(() => agent.destroy());
        await p.open();

        const { workers } = await server.metrics();

        for (const w of workers) {
            if (w.sessions > (before.get(w.pid) || 0)) {
                found.set(w.pid, p);
            }
        }

        before = new Map(workers.map((w) => [w.pid, w.sessions]));
    }

    return [...found.values()];
}


/* what waits is longer than an entry of the log, and than the log */
async function longPolls() {
    const MESSAGES = 30;

    const server = await start('chat', {
        ...QUIET, workers: 2, reuseport: true, maxPayload: 20000,
        name: 'long polls', http: 'realtime_zone sturdy 1m;'
    });

    await test('long polls: by way of another worker', async () => {
        const [p, other] = await ofEachWorker(server, 2);
        const sender = await member(server);
        const metadata = { y: 'y'.repeat(19000) };
        const got = [];

        p.options.agent = other.options.agent;
        await p.send('40');
        await p.poll();
        await p.send(`42["room:join",{"roomName":"${ROOM}"}]`);

        for (let i = 0; i < MESSAGES; i++) {
            await say(sender, `${i}`, { metadata });
        }

        while (got.length < MESSAGES) {
            for (const packet of await p.poll()) {
                const [name, arg] = JSON.parse(packet.slice(2));

                if (name === 'message:new') {
                    isDeeply(arg.metadata, metadata, 'metadata');
                    got.push(Number(arg.content));
                }
            }
        }

        isDeeply(got, times(MESSAGES, (i) => i), 'messages in order');
    });

    await server.stop();
}


/* "list" talks until it is sent away */
function chatter(list) {
    return list.map(async (s, i) => {
        for (let n = 0; s.client.open; n++) {
            await say(s, `old${i} ${n}`).catch(() => {});
            await sleep(10);
        }
    });
}


async function workerCounts() {
    const server = await start('chat', {
        ...QUIET, workers: 2, name: 'workers'
    });

    let list = await members(server, mixed(9));

    for (const workers of [6, 1, 2]) {
        await test(`workers: a reload to ${workers}, nobody is deaf`,
            async () => {
                const talks = chatter(list);

                await sleep(100);
                server.opts.workers = workers;
                await reconfigure(server, /worker_processes \d+/,
                                  `worker_processes ${workers}`);

                const fresh = await members(server, mixed(9));

                await talk(fresh, 'fresh');
                await Promise.all(list.map((s) => s.waitClose()));
                await Promise.all(talks);
                list = fresh;
                await talk(list, 'later');
            });

        await test(`workers: ${workers}, counts are right`, async () => {
            await tap.until(10000, () => {
                return server.workerPids().length === workers;

            }, 'old workers have gone');

            await settle(server, list.length);
        });
    }

    await server.stop();
}


/* "/" is one of them */
async function namespaces() {
    const MOST = 64;

    const server = await start('chat', {
        ...QUIET, workers: 2, name: 'namespaces',
        directives: 'realtime_namespace / ~^/n[0-9]+$;'
    });

    for (const transport of ['websocket', 'polling']) {
        await test(`namespaces: ${transport}, one too many`, async () => {
            const s = await Socket.open(server, { transport });

            await Promise.all(times(MOST - 1, (i) => s.connect(`/n${i}`)));

            for (let i = MOST - 1; i < MOST + 2; i++) {
                const e = await s.connect(`/n${i}`).catch((err) => err);

                is(e.message, 'SERVER_BUSY', 'CONNECT_ERROR');
            }

            for (const nsp of Object.keys(s.sids)) {
                s.emitTo(nsp, 'ping');
                await s.events.next(5000, (e) => {
                    return e.nsp === nsp && e.event === 'pong';

                }, `pong of ${nsp}`);
            }

            is(Object.keys(s.sids).length, MOST, 'namespaces');

            /* one out, one in */

            s.disconnect('/n0');
            await s.connect(`/n${MOST}`);
            await talk([await member(server), await member(server)], 'rest');
        });
    }

    await server.stop();
}


if (reference) {
    tap.skipAll('nginx only');
}

tap.run(async () => {
    await Promise.all([fewDescriptors(), resets(), probing()]);
    await Promise.all([zoneSize(), longPolls()]);
    await floods();
    await Promise.all([workerCounts(), namespaces()]);
});
