#!/usr/bin/env node
'use strict';

/*
 * A worker that stands still while others write more than the log holds: it
 * cannot know what it missed, so its clients are sent away, and nobody else
 * notices.
 */

const http = require('node:http');
const { reference, start } = require('../lib/fixture');
const eio = require('../lib/eio');
const { Socket } = require('../lib/sio');
const tap = require('../lib/tap');
const { WebSocket } = require('../lib/ws');

const { is, isDeeply, like, ok, sleep, test } = tap;

const ROOM = 'lobby';
const QUIET = { pingInterval: 25000, pingTimeout: 20000 };

/* the log of a zone of 1m is half of it */
const LONG = 'm'.repeat(4900);
const OVERFLOW = 180;


/* sessions that each worker owns, by its pid */
async function owned(server) {
    const { workers } = await server.metrics();

    return new Map(workers.map((w) => [w.pid, w.sessions]));
}


/* the same, when nobody is about to go any more */
async function steady(server) {
    let last = await owned(server);

    for ( ;; ) {
        await sleep(60);

        const now = await owned(server);

        if ([...now].every(([pid, n]) => last.get(pid) === n)) {
            return now;
        }

        last = now;
    }
}


/* "open" makes a session: the pid of its owner */
async function ownerOf(server, open) {
    const before = await steady(server);
    const client = await open();
    const after = await owned(server);

    for (const [pid, n] of after) {
        if (n > (before.get(pid) || 0)) {
            return { client, pid };
        }
    }

    return tap.fail('no worker has the new session');
}


async function member(server, transport) {
    const { client, pid } = await ownerOf(server, () => {
        return Socket.open(server, { transport });
    });

    await client.ask('room:join', { roomName: ROOM });
    client.owner = pid;

    return client;
}


/* members on all workers, by both transports */
async function members(server, n) {
    const list = [];

    for (let i = 0; i < n; i++) {
        list.push(await member(server, i % 3 === 2 ? 'polling' : 'websocket'));
    }

    return list;
}


/* the worker of the most sessions of that transport */
function busiest(list, transport) {
    const n = new Map();

    for (const s of list) {
        if (s.client.transport === transport) {
            n.set(s.owner, (n.get(s.owner) || 0) + 1);
        }
    }

    return [...n].sort((a, b) => b[1] - a[1])[0][0];
}


async function stopped(pid, fn) {
    process.kill(pid, 'SIGSTOP');

    try {
        await fn();

    } finally {
        process.kill(pid, 'SIGCONT');
    }
}


/* more than the log holds; "others" keep up with it */
async function overflow(s, word, others = []) {
    const BATCH = 15;
    const acks = [];

    for (let i = 0; i < OVERFLOW; i++) {
        acks.push(s.ask('message:send', {
            roomName: ROOM, content: `${word}:${i} ${LONG}`
        }));

        if (i % BATCH === BATCH - 1) {
            await tap.until(5000, () => {
                return others.every((o) => heard(o, word).includes(i));

            }, `all have heard ${i}`);
        }
    }

    for (const reply of await Promise.all(acks)) {
        is(reply.success, true, 'success');
    }
}


function heard(s, word) {
    return s.log.filter((e) => e.event === 'message:new')
            .map((e) => e.args[0].content)
            .filter((c) => c.startsWith(`${word}:`))
            .map((c) => Number(c.slice(word.length + 1).split(' ')[0]));
}


function upTo(n) {
    return Array.from({ length: n }, (_, i) => i);
}


async function settle(server, n) {
    let last;

    await tap.until(5000, async () => {
        const m = await server.metrics();
        const sum = m.workers.reduce((total, w) => total + w.sessions, 0);

        last = [m.connections.total, m.sessions.total, m.sockets.total,
                m.rooms.memberships, sum];

        return last.every((count) => count === n);

    }, () => `sessions, sockets, memberships are ${n}, got ${last}`);
}


async function oneLag(server, list, round) {
    const name = `round ${round}`;
    const victim = busiest(list, round % 2 ? 'websocket' : 'polling');
    const theirs = list.filter((s) => s.owner === victim);
    const others = list.filter((s) => s.owner !== victim);

    const sockets = others.filter((s) => s.client.transport === 'websocket');
    const [sender] = sockets;
    const lagged = (await server.metrics()).totals.lagged;
    const word = `lag ${round}`;

    list.forEach((s) => {
        s.log.length = 0;
    });

    await test(`${name}: more than the log holds while one stands still`,
        async () => {
            ok(theirs.length > 0 && sender, `${theirs.length} on it`);
            await stopped(victim, () => overflow(sender, word, sockets));
        }, { timeout: 20000 });

    await test(`${name}: its clients are closed`, async () => {
        await Promise.all(theirs.map((s) => s.waitClose(3000)));
    });

    await test(`${name}: and were told nothing wrong`, async () => {
        for (const s of theirs) {
            const got = heard(s, word);

            isDeeply(got, upTo(got.length), 'a beginning, in order');
            ok(got.length < OVERFLOW, 'not all');
        }
    });

    /* a GET that waited at the worker is lost, whoever owned its session */
    const left = [];

    await test(`${name}: the others saw everything, in order`, async () => {
        await sender.ask('message:send', {
            roomName: ROOM, content: `${word}:${OVERFLOW} end`
        });

        await sleep(200);

        for (const s of others) {
            if (s.client.open) {
                await tap.until(3000, () => {
                    return heard(s, word).includes(OVERFLOW);

                }, 'the end');

                isDeeply(heard(s, word), upTo(OVERFLOW + 1), 'messages');
                left.push(s);

            } else {
                is(s.client.transport, 'polling', 'transport of one closed');
            }
        }

        ok(left.length >= others.length / 2, `${left.length} left`);
    });

    await test(`${name}: it is counted, and logged`, async () => {
        const { totals } = await server.metrics();

        is(totals.lagged, lagged + 1, 'lagged');
        like(server.errorLog(), /overtaken in the log .*realtime_zone/, 'log');
    });

    await test(`${name}: the counts are right`, async () => {
        await settle(server, left.length);
    });

    await test(`${name}: those left hear who is gone`, async () => {
        for (const s of left) {
            await tap.until(3000, () => {
                return s.log.filter((e) => e.event === 'user:left').length
                       === list.length - left.length;

            }, 'user:left for each');
        }
    });

    return left;
}


async function lagging() {
    const server = await start('chat', {
        ...QUIET, workers: 4, reuseport: true, maxPayload: 20000, name: 'lag',
        directives: 'realtime_send_buffer 4m;',
        http: 'realtime_zone small 1m;'
    });

    let list = await members(server, 18);

    for (let round = 1; round <= 3; round++) {
        list = await oneLag(server, list, round);

        const missing = 18 - list.length;

        await test(`round ${round}: clients come back and go on`, async () => {
            list = list.concat(await tap.keep(() => members(server, missing)));

            for (const [i, s] of list.entries()) {
                const { success } = await s.ask('message:send', {
                    roomName: ROOM, content: `back ${round}:${i}`
                });

                is(success, true, 'success');
            }

            for (const s of list) {
                await tap.until(3000, () => {
                    return heard(s, `back ${round}`).length === list.length;
                });

                isDeeply(heard(s, `back ${round}`), upTo(list.length), 'all');
            }
        });
    }

    await Promise.all(list.map((s) => s.client.close()));

    await test('nothing is left in the end', async () => {
        await settle(server, 0);
    });

    await server.stop();
}


/* opens sessions until one is owned by another worker than "pid" */
async function elsewhere(server, pid) {
    for ( ;; ) {
        const p = new eio.Polling(server);
        const found = await ownerOf(server, () => p.open());

        if (found.pid !== pid) {
            return { p, pid: found.pid };
        }

        await p.send('1');
    }
}


/*
 * A polling session of a worker that stands still, asked for by way of the
 * other one while it does: "act" gets it, and what it resolves to is waited
 * for after the worker goes on.
 */
async function orphan(server, act) {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const first = new eio.Polling(server, { agent });

    /* whoever is about to go is not to be counted */
    await sleep(100);

    const talker = await ownerOf(server, () => Socket.open(server));
    const { p, pid } = await elsewhere(server, talker.pid);

    tap.cleanup(() => agent.destroy());

    /* a connection that stays belongs to the owner of what it opens */

    for ( ;; ) {
        const { pid: its } = await ownerOf(server, () => first.open());

        await first.send('1');
        first.sid = undefined;

        if (its !== pid) {
            break;
        }

        agent.destroy();
    }

    p.options.agent = agent;

    await p.send('40');
    await p.poll();
    await talker.client.ask('room:join', { roomName: ROOM });

    const work = {};

    await stopped(pid, async () => {
        work.done = act(p);
        work.done.catch(() => {});
        await sleep(100);
        await overflow(talker.client, 'orphan', [talker.client]);
    });

    const res = await tap.within(4000, work.done, 'an end');

    await talker.client.client.close();

    return res;
}


/*
 * By the connection that is there already: the kernel may hand a new one to the
 * worker that stands still.
 */
function webSocket(server, p) {
    const req = http.request({
        port: server.port, path: p.uri('websocket'), agent: p.options.agent,
        headers: {
            'Connection': 'Upgrade', 'Upgrade': 'websocket',
            'Sec-WebSocket-Version': '13',
            'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAA=='
        }
    });

    return tap.within(5000, new Promise((resolve, reject) => {
        req.on('error', reject);
        req.on('response', (res) => {
            reject(new Error(`status ${res.statusCode}`));
        });

        req.on('upgrade', (res, socket, head) => {
            const ws = new WebSocket(socket);

            ws.feed(head);
            resolve(ws);
        });

        req.end();
    }), 'an upgrade');
}


async function orphans() {
    const server = await start('chat', {
        ...QUIET, workers: 2, maxPayload: 20000, name: 'requests',
        directives: `realtime_send_buffer 4m;
                     realtime_upgrade_timeout 1s;`,
        http: 'realtime_zone small 1m;'
    });

    await test('a GET that the owner never saw is answered', async () => {
        const res = await orphan(server, (p) => p.get());

        ok(res.status === 400 || res.text === '1', res.text);
    }, { timeout: 20000 });

    await test('a POST that the owner never saw is answered', async () => {
        const res = await orphan(server, (p) => p.post('42["ping"]'));

        is(res.status, 400, 'status');
    }, { timeout: 20000 });

    await test('a WebSocket that probed then is closed', async () => {
        await orphan(server, async (p) => {
            const ws = await webSocket(server, p);

            ws.send('2probe');

            return ws.closed;
        });
    }, { timeout: 20000 });

    await test('a WebSocket that took over then is closed', async () => {
        await orphan(server, async (p) => {
            const ws = await webSocket(server, p);

            ws.send('5');

            return ws.closed;
        });
    }, { timeout: 20000 });

    await test('no session is left of them', async () => {
        await settle(server, 0);
    });

    await server.stop();
}


if (reference) {
    tap.skipAll('nginx only');
}

tap.run(async () => {
    await lagging();
    await orphans();
});
