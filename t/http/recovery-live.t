#!/usr/bin/env node
'use strict';

/*
 * Who comes back while nobody knows that the old connection is over: what the
 * client said there last is heard first, a good-bye above all.  Its worker is
 * held up by a signal, so that there is something unread.  What is not read in
 * time, because the machine is busy, is not heard: so tests go by the clock.
 */

const { done, got, join, unique } = require('../lib/people');
const {
    come, complete, dial, elsewhere, has, heard, pair, required, say, serve, settled,
    test
} = require('../lib/recovery');
const { CONNECT, DISCONNECT, EVENT } = require('../lib/sio');
const tap = require('../lib/tap');
const { sign } = require('../lib/tokens');

const { is, isDeeply, ok, sleep } = tap;

const TRANSPORTS = ['websocket', 'polling'];

/* ms in which everything else has happened that is going to */
const A_WHILE = 300;


/* alice's worker does not run while "fn" does */
async function holding({ worker }, fn) {
    process.kill(worker, 'SIGSTOP');

    try {
        await fn();

    } finally {
        process.kill(worker, 'SIGCONT');
    }
}


/* alice, and the connection that she will come back on, elsewhere */
async function twice(server, transport) {
    const { alice, bob, roomName } = await pair(server);

    const next = await dial(server, {
        transport, on: elsewhere(server, alice)
    });

    await tap.until(5000, () => got(bob, 'user:joined').length,
                    'bob knows that she has come');
    bob.log.length = 0;

    return { alice, bob, next, roomName };
}


/* whether she was recovered; what she said before that has not been heard */
function enters(next, alice) {
    return next.enter({ user: alice.user, from: { ...alice.states['/'] } });
}


async function farewells(server) {
    const goodbyes = {
        'a DISCONNECT': (s) => s.disconnect(),

        'a DISCONNECT and a close frame': (s) => {
            s.disconnect();
            s.client.ws.close(1000);
        },

        'a bad packet': (s) => s.client.packet('x'),

        'a bad packet and a close frame': (s) => {
            s.client.packet('x');
            s.client.ws.close(1000);
        }
    };

    for (const [name, goodbye] of Object.entries(goodbyes)) {
        for (const transport of TRANSPORTS) {
            await test(server, `${transport}: unread, ${name}`, async () => {
                const { alice, bob, next, roomName } = await twice(server,
                                                                  transport);
                let entered;

                await holding(alice, async () => {
                    await goodbye(alice);
                    entered = enters(next, alice);
                    await sleep(A_WHILE);
                    isDeeply(next.states, {}, 'nothing yet');
                });

                ok(!await entered, 'it begins anew');
                is(await join(next, roomName), 2, 'memberCount');
                await settled(bob);
                is(got(bob, 'user:left').length, 1, 'user:left');
                is(got(bob, 'user:joined').length, 1, 'user:joined');
            });
        }
    }
}


async function words(server) {
    for (const transport of TRANSPORTS) {
        await test(server, `${transport}: unread, a message`, async () => {
            const { alice, bob, next, roomName } = await twice(server,
                                                              transport);
            let entered;

            await holding(alice, async () => {
                alice.handle = () => {};
                alice.packet({ type: EVENT, nsp: '/', data: [
                    'message:send', { roomName, content: 'unread' }
                ] });
                entered = enters(next, alice);
                await sleep(A_WHILE);
            });

            ok(await entered, 'recovered');
            await say(bob, roomName, ['read']);
            await complete(roomName, ['unread', 'read'], next);
            isDeeply(heard(bob, roomName), ['unread', 'read'], 'bob');
            isDeeply(got(bob, 'user:left'), [], 'user:left');
        });
    }
}


/* more than is read in one go, and in the midst of a message */
async function much(server) {
    for (const bye of [true, false]) {
        for (const size of [200000, 1500000]) {
            await test(server, `unread, ${size} bytes`
                               + (bye ? ', and a DISCONNECT' : ''), async () => {
                const { alice, bob, next, roomName } = await twice(server,
                                                                  'websocket');
                const n = size / 4000;
                let entered;

                await holding(alice, async () => {
                    alice.handle = () => {};

                    for (let i = 0; i < n; i++) {
                        alice.packet({ type: EVENT, nsp: '/', data: [
                            'message:send',
                            { roomName, content: `${i} `.padEnd(3900, 'x') }
                        ] });
                    }

                    if (bye) {
                        alice.disconnect();
                    }

                    await sleep(A_WHILE);
                    entered = enters(next, alice);
                    await sleep(A_WHILE);
                });

                is(await entered, !bye, 'recovered');
                await has(bob, roomName, n);
                is(heard(bob, roomName).length, n, 'messages');
            });
        }
    }
}


/* who loses the race for a socket of one of its namespaces is told so */
async function rivals(server) {
    await test(server, 'one pid on three connections with other namespaces',
        async () => {
            const alice = await come(server, {
                user: unique('alice'), nsp: '/custom'
            });

            const from = { ...alice.states['/custom'] };
            const on = elsewhere(server, alice);
            const first = await dial(server, { on });
            const all = [first];

            while (all.length < 3) {
                all.push(await dial(server, { on: (w) => w === first.worker }));
            }

            await Promise.all(all.map((s) => s.enter({ user: alice.user })));

            await holding(alice, async () => {
                for (const s of all) {
                    s.packet({ type: CONNECT, nsp: '/custom', data: {
                        ...from, token: sign({ userId: alice.user })
                    } });
                }

                await sleep(A_WHILE);
            });

            /* who is let in may lose it again before the next one is */

            const last = await Promise.all(all.map(async (s) => {
                const { type, data } = await s.reply('/custom');

                if (type === DISCONNECT) {
                    return type;
                }

                is(data.pid, from.pid, 'pid');

                return s.reply('/custom', 2500).then((r) => r.type,
                                                     () => CONNECT);
            }));

            isDeeply(last.sort(), [CONNECT, DISCONNECT, DISCONNECT],
                     'one has it, the others know');
            await Promise.all(all.map((s) => done(s, 'pong', { timestamp: 0 })));
        });
}


/* nobody waits for ever */
async function deaf(server) {
    await test(server, 'a worker that does not answer', async () => {
        const { alice, bob, next, roomName } = await twice(server,
                                                          'websocket');

        await holding(alice, async () => {
            ok(await enters(next, alice), 'recovered');
        });

        await alice.waitClose();
        await say(bob, roomName, ['x']);
        await complete(roomName, ['x'], next);
        isDeeply(got(bob, 'user:left'), [], 'user:left');
        is((await server.metrics()).sockets.total, 2, 'sockets');
    });

    for (const transport of TRANSPORTS) {
        await test(server, `${transport}: a worker that dies over it`,
            async () => {
                const { alice, bob, next, roomName } = await twice(server,
                                                                  transport);

                process.kill(alice.worker, 'SIGSTOP');

                const entered = enters(next, alice);

                await sleep(A_WHILE);
                await server.killWorker(alice.worker);
                ok(await entered, 'recovered');
                await say(bob, roomName, ['x']);
                await complete(roomName, ['x'], next);
                isDeeply(got(bob, 'user:left'), [], 'user:left');
            });
    }
}


/* the session that waits goes to another worker meanwhile */
async function moving(server) {
    await test(server, 'an upgrade while it waits', async () => {
        for (let i = 0; i < 8; i++) {
            const { alice, bob, next, roomName } = await twice(server,
                                                              'polling');
            let entered, upgraded;

            await holding(alice, async () => {
                entered = enters(next, alice);
                upgraded = next.client.upgrade();
                await sleep(A_WHILE);
            });

            ok(await entered, 'recovered');
            await upgraded;
            is(next.client.transport, 'websocket', 'transport');
            await say(bob, roomName, ['x']);
            await complete(roomName, ['x'], next);
            isDeeply(got(bob, 'user:left'), [], 'user:left');
            await Promise.all([bob, next].map((s) => s.client.close()));
        }
    }, { timeout: 60000 });

    await test(server, 'one who goes while it waits', async () => {
        const { alice, bob, next, roomName } = await twice(server,
                                                          'websocket');
        await holding(alice, async () => {
            enters(next, alice).catch(() => {});
            await sleep(A_WHILE);
            next.destroy();
        });

        await done(alice, 'message:send', { roomName, content: 'still there' });
        await has(bob, roomName, 1);
    });

    await test(server, 'two CONNECTs while it waits', async () => {
        const { alice, next } = await twice(server, 'websocket');
        const { pid, offset } = alice.states['/'];
        const token = sign({ userId: alice.user });

        await holding(alice, async () => {
            const packet = `40${JSON.stringify({ pid, offset, token })}`;

            next.client.packet(packet);
            next.client.packet(packet);
            await next.waitClose();
        });
    });
}


/* the official client, which does not wait between the two */
async function official(server) {
    const { io } = tap.load('socket.io-client');

    for (const transports of [['websocket'], ['polling'],
                              ['polling', 'websocket']]) {

        await test(server, `socket.io-client: disconnect().connect(), `
                           + `${transports}`, async () => {
            const socket = io(server.url, {
                transports, forceNew: true,
                auth: { token: sign({ userId: unique('carol') }) }
            });

            tap.cleanup(() => socket.disconnect());

            let greeted = new Promise((r) => { socket.once('connected', r); });

            for (let i = 0; i < 15; i++) {
                const hello = await tap.within(5000, greeted, 'the greeting');

                is(hello.recovered, undefined, 'recovered');
                greeted = new Promise((r) => { socket.once('connected', r); });

                if (i % 3) {
                    socket.emit('shout', { x: 'x'.repeat(i % 3 === 1 ? 1000
                                                                     : 900000) });
                }

                socket.disconnect().connect();
            }

            await greeted;
        }, { timeout: 60000 });
    }
}


required();

tap.run(async () => {
    const server = await serve({ workers: 4, reuseport: true });

    await farewells(server);
    await words(server);
    await much(server);
    await rivals(server);
    await deaf(server);
    await moving(server);
    await official(server);
    await server.stop();
}, { clock: true });
