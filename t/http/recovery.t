#!/usr/bin/env node
'use strict';

/*
 * Connection state recovery, packet by packet: who comes back with pid and
 * offset is given what was missed, each message once and in order, and nobody
 * else gets it.  What the reference does wrong has a test each.
 */

const { Socket } = require('../lib/sio');
const { done, got, join, refused, unique } = require('../lib/people');
const {
    CUTS, back, come, complete, connected, cut, dial, elsewhere, everyLayout,
    fresh, has, heard, isReplay, location, pair, required, say, serious, serve,
    settled, test, words
} = require('../lib/recovery');
const tap = require('../lib/tap');
const { sign } = require('../lib/tokens');

const { is, isDeeply, ok, sleep } = tap;

const TRANSPORTS = ['websocket', 'polling'];

/* the log of a zone of 1m is half of it */
const LONG = 'm'.repeat(4900);
const TURN = 110;

const OPTS = {
    server: 'realtime_presence off;',
    locations: location('/elsewhere/', '')
               + location('/echo/', `realtime_on connect echo as auth;
                                     realtime_on message echo as back;`)
};


async function packets(server) {
    await test(server, 'pid in CONNECT, offsets in events, none in acks',
        async () => {
            const roomName = unique('room');
            const [a, b] = [await come(server), await come(server)];

            ok(a.states['/'].pid !== b.states['/'].pid, 'pids differ');
            ok(a.id !== b.id, 'ids differ');
            is(await join(a, roomName), 1, 'memberCount');

            /* Lasting has looked at the events, these are without */

            isDeeply(await a.call('message:send', { roomName, content: 'x' })
                     .then(([reply, ...more]) => [reply.success, more]),
                     [true, []], 'an ack');

            const asked = a.call('shout', 'text');
            const { args, id } = await a.events.next(5000,
                (e) => e.event === 'shout', 'the echo');

            isDeeply(args, ['text'], 'an event with an ack id');
            a.ack(id, 'answer');
            isDeeply(await asked, ['answer'], 'the ack of an echo');
        });

    await test(server, 'an offset is the same bytes for all receivers',
        async () => {
            const roomName = unique('room');
            const list = [];

            for (const transport of [...TRANSPORTS, ...TRANSPORTS]) {
                list.push(await come(server, { transport }));
                await join(list[list.length - 1], roomName);
            }

            await say(list[0], roomName, words('x', 5));

            for (const s of list) {
                await has(s, roomName, 5);
            }

            const offsets = list.map((s) => {
                return s.log.filter((e) => e.event === 'message:new')
                        .map((e) => e.offset);
            });

            is(new Set(offsets[0]).size, 5, 'offsets of five messages');
            offsets.forEach((o) => isDeeply(o, offsets[0], 'offsets'));
        });

    for (const [transport, ways] of Object.entries(CUTS)) {
        for (const how of Object.keys(ways)) {
            await test(server, `${transport}: back after ${how}`, async () => {
                const { alice, bob, roomName } = await pair(server,
                                                            { transport });

                await say(bob, roomName, words('x', 3));
                await has(alice, roomName, 3);
                await cut(server, alice, how);
                await say(bob, roomName, words('x', 2, 3));

                const carol = await come(server);

                await join(carol, roomName);
                await say(carol, roomName, words('x', 1, 5));
                await done(carol, 'room:leave', { roomName });

                const again = await back(server, alice, {
                    on: elsewhere(server, alice)
                });

                isReplay(again, ['message:new', 'message:new', 'user:joined',
                                 'message:new', 'user:left']);

                await say(again, roomName, words('x', 1, 6));
                await complete(roomName, words('x', 7), alice, again);
                await complete(roomName, words('x', 7), bob);
                isDeeply(got(bob, 'user:left').map((e) => e.userId), [null],
                         'who left, as bob was told');
                is(got(bob, 'user:joined').length, 2, 'who came');
            });
        }
    }

    await test(server, 'back without a break that anybody noticed',
        async () => {
            for (const transport of TRANSPORTS) {
                const { alice, bob, roomName } = await pair(server,
                                                            { transport });
                const all = words('x', 60);

                let s = alice;

                const list = [s];

                for (let i = 0; i < 60; i += 10) {
                    await say(bob, roomName, all.slice(i, i + 5));
                    s.destroy();
                    await say(bob, roomName, all.slice(i + 5, i + 10));
                    s = await back(server, s, { on: elsewhere(server, s) });
                    list.push(s);
                }

                await complete(roomName, all, ...list);
                isDeeply(got(bob, 'user:left'), [], 'user:left');
                await bob.client.close();
                await s.client.close();
            }
        });

    await test(server, 'attachments are replayed', async () => {
        for (const transport of TRANSPORTS) {
            const { alice, bob, roomName } = await pair(server, { transport });
            const [one, two] = [Buffer.from([0, 1, 255]), Buffer.alloc(70000)];
            const pic = [{ roomName, a: one, b: [two] }, one, 'text'];

            bob.emit('act', ...pic);
            isDeeply(await alice.next('act'),
                     [{ ...pic[0], userId: bob.user }, ...pic.slice(1)],
                     'before');
            await cut(server, alice);
            bob.emit('act', ...pic);
            await settled(bob);
            bob.emit('act', { roomName, n: 2 });
            await settled(bob);

            const again = await back(server, alice);

            isReplay(again, ['act', 'act'], { large: true });
            isDeeply(await again.next('act'),
                     [{ ...pic[0], userId: bob.user }, ...pic.slice(1)],
                     'after');
            isDeeply(await again.one('act'),
                     { roomName, n: 2, userId: bob.user }, 'the other');
        }
    });
}


async function offsets(server) {
    await test(server, 'no offset yet: all since the socket began',
        async () => {
            for (const transport of TRANSPORTS) {
                const { alice, bob, roomName } = await pair(server,
                                                            { transport });
                const { pid } = alice.states['/'];

                await say(bob, roomName, words('x', 3));
                await has(alice, roomName, 3);
                await cut(server, alice);
                await say(bob, roomName, words('x', 3, 3));

                const again = await back(server, alice, { from: { pid } });

                isDeeply(heard(again, roomName), words('x', 6), 'messages');
                isDeeply(got(again, 'user:left'), [], 'user:left');
                await say(bob, roomName, words('x', 1, 6));
                await complete(roomName, words('x', 7), again);
            }
        });

    await test(server, 'what was said before somebody joined is not replayed',
        async () => {
            const roomName = unique('room');
            const bob = await come(server, { user: unique('bob') });
            const alice = await come(server, { user: unique('alice') });
            const { ...early } = alice.states['/'];

            await join(bob, roomName);
            await say(bob, roomName, words('before', 2));
            await join(alice, roomName);
            await say(bob, roomName, words('x', 2));
            await has(alice, roomName, 2);

            let s = alice;

            for (const from of [early, { pid: early.pid }]) {
                await cut(server, s);
                s = await back(server, s, { from });
                isDeeply(heard(s, roomName), words('x', 2), 'messages');
            }
        });

    await test(server, 'nor what was said before the socket began',
        async () => {
            const roomName = unique('room');
            const bob = await come(server, { user: unique('bob') });
            const first = await come(server, { user: unique('alice') });
            const { offset } = first.states['/'];

            await join(bob, roomName);
            await say(bob, roomName, words('before', 2));

            const alice = await come(server, { user: first.user });
            const { pid } = alice.states['/'];

            await join(alice, roomName);
            await say(bob, roomName, words('x', 2));

            const s = await come(server, {
                user: alice.user, from: { pid, offset }
            });

            ok(s.recovered, 'recovered');
            isDeeply(heard(s, roomName), words('x', 2), 'messages');
        });

    await test(server, 'what was said after somebody left is not replayed',
        async () => {
            const { alice, bob, roomName } = await pair(server);
            const { ...early } = alice.states['/'];

            await done(alice, 'room:leave', { roomName });
            await say(bob, roomName, words('after', 2));
            await cut(server, alice);

            const again = await back(server, alice, { from: early });

            isDeeply(heard(again, roomName), [], 'messages');
            await refused(again, 'NOT_IN_ROOM', 'message:send',
                          { roomName, content: 'x' });
        });

    await test(server, 'events that end in a string: relayed and echoed',
        async () => {
            for (const transport of TRANSPORTS) {
                const { alice, bob, roomName } = await pair(server,
                                                            { transport });

                await say(bob, roomName, ['x 0']);
                await has(alice, roomName, 1);
                bob.emit('act', { roomName }, 'a string', 'AAAAAAAAA');
                isDeeply(await alice.next('act'),
                         [{ roomName, userId: bob.user }, 'a string',
                          'AAAAAAAAA'], 'relayed');
                alice.emit('shout', 'AAAAAAAAA');
                isDeeply(await alice.next('shout'), ['AAAAAAAAA'], 'echoed');

                await cut(server, alice);
                await say(bob, roomName, words('x', 2, 1));

                const again = await back(server, alice);

                isReplay(again, ['message:new', 'message:new']);
                await complete(roomName, words('x', 3), alice, again);
            }
        });

    await test(server, 'events that nobody keeps move the offset, too',
        async () => {
            const { alice, bob, roomName } = await pair(server);

            await say(bob, roomName, words('x', 4));
            await has(alice, roomName, 4);
            alice.emit('presence:update', {});
            await alice.one('error');
            alice.emit('ping');
            await alice.one('pong');
            await cut(server, alice);
            isReplay(await back(server, alice), []);
        });
}


/* a small log that is written over */
async function quiet() {
    await everyLayout({
        ...OPTS, name: 'small',
        http: 'realtime_zone small 1m; realtime_max_payload 32k;'

    }, async (server) => {

        /* other people's room, three times round the log */
        const flood = async (word, roomName = unique('other')) => {
            const s = await come(server);
            const { log } = await server.metrics();

            await join(s, roomName);

            for (let i = 0; i < 3 * TURN; i += 10) {
                await say(s, roomName, words(`${word} ${LONG}`, 10));
            }

            ok((await server.metrics()).log.tail > log.head, 'turned over');
            s.disconnect();
            await settled(s).catch(() => {});
            await s.client.close();
        };

        for (const transport of TRANSPORTS) {
            await test(server, `${transport}: quiet while the log turns over`,
                async () => {
                    const { alice, bob, roomName } = await pair(server,
                                                                { transport });

                    await say(bob, roomName, ['x 0']);
                    await has(alice, roomName, 1);
                    await flood('noise');
                    await connected(server, 2);
                    await cut(server, alice);
                    await say(bob, roomName, words('x', 2, 1));

                    const again = await back(server, alice, {
                        on: elsewhere(server, alice)
                    });

                    await complete(roomName, words('x', 3), alice, again);
                }, { timeout: 60000 });

            await test(server, `${transport}: what others wrote over is told`,
                async () => {
                    const { alice, bob, roomName } = await pair(server,
                                                                { transport });

                    await cut(server, alice);
                    await say(bob, roomName, ['x 0']);
                    await flood('noise');

                    const again = await fresh(server, {
                        user: alice.user, from: alice.states['/'], transport
                    });

                    isReplay(again, []);
                    isDeeply(await bob.one('user:left'),
                             { roomName, userId: alice.user }, 'user:left');
                }, { timeout: 60000 });

            await test(server, `${transport}: a gap is told`, async () => {
                const { alice, bob, roomName } = await pair(server,
                                                            { transport });
                const { totals } = await server.metrics();

                await say(bob, roomName, ['x 0']);
                await has(alice, roomName, 1);
                await cut(server, alice);
                await flood('gap', roomName);
                await tap.until(5000, () => got(bob, 'user:left').length === 1,
                                'the one who flooded has left');

                const again = await fresh(server, {
                    user: alice.user, from: alice.states['/'], transport
                });

                isReplay(again, []);
                await tap.until(5000, () => got(bob, 'user:left').length > 1,
                                'the old one has left');
                is(await join(again, roomName), 2, 'memberCount');
                await say(bob, roomName, ['x 1']);
                await has(again, roomName, 1);
                isDeeply(heard(again, roomName), ['x 1'], 'messages');
                await settled(bob);
                isDeeply(got(bob, 'user:left').map((e) => e.userId),
                         [null, alice.user], 'who left, once');

                const now = (await server.metrics()).totals;

                is(now.notRecovered, totals.notRecovered + 1, 'notRecovered');
                is(now.recovered, totals.recovered, 'recovered');
            }, { timeout: 60000 });
        }
    });
}


async function size() {
    const server = await serve({
        ...OPTS, workers: 2, reuseport: true, name: 'size',
        directives: 'realtime_recovery on 60s 64k;'
    });

    await test(server, 'no more of the log than the directive says',
        async () => {
            const { alice, bob, roomName } = await pair(server);

            await cut(server, alice);
            await say(bob, roomName, words(LONG.slice(0, 4000), 5));

            const again = await back(server, alice);

            is(heard(again, roomName).length, 5, 'messages');
            await cut(server, again);
            await say(bob, roomName, words(LONG.slice(0, 4000), 30));

            const third = await fresh(server, {
                user: alice.user, from: again.states['/']
            });

            isReplay(third, []);
            isDeeply(await bob.one('user:left'),
                     { roomName, userId: alice.user }, 'user:left');
        });

    await server.stop();
}


/* one pid and many who show it */
async function holders(server) {
    await test(server, 'a pid has one holder: who comes later takes it over',
        async () => {
            for (const transport of TRANSPORTS) {
                const { alice, bob, roomName } = await pair(server,
                                                            { transport });
                const n = (await server.metrics()).sockets.total;
                const list = [alice];

                for (let i = 0; i < 5; i++) {
                    const last = list[list.length - 1];

                    await say(bob, roomName, [`x ${2 * i}`]);

                    const next = await back(server, last, {
                        on: elsewhere(server, last),
                        transport: TRANSPORTS[i % 2]
                    });

                    await last.waitClose();
                    await say(bob, roomName, [`x ${2 * i + 1}`]);
                    await has(next, roomName, 1);
                    is((await server.metrics()).sockets.total, n, 'sockets');
                    is(await join(bob, roomName), 2, 'memberCount');
                    list.push(next);
                }

                await complete(roomName, words('x', 10), ...list);
                isDeeply(got(bob, 'user:left'), [], 'user:left');
                is(got(bob, 'user:joined').length, 1, 'user:joined');
            }
        });

    await test(server, 'a pid shown by many at once has one holder in the end',
        async () => {
            for (let round = 0; round < 6; round++) {
                await race(server, round);
            }
        }, { timeout: 60000 });
}


async function race(server, round) {
    const { alice, bob, roomName } = await pair(server);
    const from = { ...alice.states['/'] };
    const list = [];

    for (let i = 0; i < 8; i++) {
        list.push(await dial(server, { transport: TRANSPORTS[i % 2] }));
    }

    if (round % 2) {
        await cut(server, alice);
    }

    await say(bob, roomName, words('x', 3));

    /* those who lose hear nothing more, or are somebody else */

    await Promise.all(list.map((s) => {
        return s.enter({ user: alice.user, from }).catch(() => {});
    }));

    await say(bob, roomName, words('x', 3, 3));
    await tap.until(5000, async () => {
        const { sessions } = await server.metrics();

        return sessions.total === 1 + list.filter((s) => s.client.open).length;

    }, 'all who were closed know');

    const holders = list.filter((s) => {
        return s.client.open && s.states['/'].pid === from.pid;
    });

    is(holders.length, 1, 'holders');
    ok(!alice.client.open || round % 2, 'the first has gone');

    await complete(roomName, words('x', 6), holders[0]);
    is(await join(bob, roomName), 2, 'memberCount');
    isDeeply(got(bob, 'user:left'), [], 'user:left');
    is(got(bob, 'user:joined').length, 1, 'user:joined');

    await Promise.all([bob, ...list].map((s) => s.client.close()));
    await connected(server, 0);
}


/* ways of going for good */
async function farewells(server) {
    const ways = {
        'DISCONNECT': (s) => s.disconnect(),

        'DISCONNECT after an earlier break': async (s) => {
            await cut(server, s);
            (await back(server, s)).disconnect();
        },

        'a bad packet': (s) => s.client.send('9nonsense'),

        'CONNECT twice': (s) => {
            const { pid, offset } = s.states['/'];
            const token = sign({ userId: s.user });

            s.packet({ type: 0, data: { pid, offset, token } });
        }
    };

    for (const [name, leave] of Object.entries(ways)) {
        for (const transport of TRANSPORTS) {
            await test(server, `${transport}: no recovery after ${name}`,
                async () => {
                    const { alice, bob, roomName } = await pair(server,
                                                                { transport });

                    await leave(alice);
                    isDeeply(await bob.one('user:left'),
                             { roomName, userId: alice.user }, 'user:left');
                    await say(bob, roomName, ['x 0']);

                    const again = await fresh(server, {
                        user: alice.user, from: alice.states['/']
                    });

                    isReplay(again, []);
                    is(await join(again, roomName), 2, 'memberCount');
                });
        }
    }

    await test(server, 'no recovery after TOKEN_EXPIRED', async () => {
        const exp = Math.floor(Date.now() / 1000) + 2;
        const { alice, bob, roomName } = await pair(server,
                                                    { claims: { exp } });

        is((await alice.one('error')).code, 'TOKEN_EXPIRED', 'code');
        is((await alice.reply()).type, 1, 'type of the last packet');
        isDeeply(await bob.one('user:left'), { roomName, userId: alice.user },
                 'user:left');
        await fresh(server, { user: alice.user, from: alice.states['/'] });
    });
}


async function killed(server) {
    await test(server, 'a worker is killed: its clients miss nothing',
        async () => {
            const { alice, bob, roomName } = await pair(server);
            const carol = await come(server, {
                user: unique('carol'), transport: 'polling',
                on: (worker) => worker === alice.worker
            });

            await join(carol, roomName);
            await say(bob, roomName, words('x', 20));
            await server.killWorker(alice.worker);
            await Promise.all([alice.waitClose(), carol.waitClose(30000)]);

            const alone = bob.worker === alice.worker;
            const sender = alone ? await back(server, bob) : bob;

            await say(sender, roomName, words('x', 20, 20));

            const a = await back(server, alice);
            const c = await back(server, carol);

            await say(sender, roomName, words('x', 20, 40));
            await complete(roomName, words('x', 60), alice, a);
            await complete(roomName, words('x', 60), carol, c);
            await complete(roomName, words('x', 60), bob,
                           ...(alone ? [sender] : []));
            is(await join(a, roomName), 3, 'memberCount');

            for (const s of [bob, sender]) {
                isDeeply(got(s, 'user:left'), [], 'user:left');
            }

            server.allowed.push(/shared memory zone .* was locked by/);
        }, { timeout: 60000 });
}


/* a client that comes back by itself, again and again */
class Faithful {

    constructor(server, s) {
        this.server = server;
        this.list = [s];
        this.running = true;
        this.watching = this.watch();
    }

    get last() {
        return this.list[this.list.length - 1];
    }

    async watch() {
        while (this.running) {
            await this.last.closed;

            if (this.running) {
                this.list.push(await back(this.server, this.last));
            }
        }
    }

    async stop() {
        this.running = false;
        this.last.destroy();
        await this.watching;
    }
}


async function reloaded(server) {
    await test(server, 'a reload: nobody misses anything', async () => {
        const { alice, bob, roomName } = await pair(server);
        const carol = await come(server, {
            user: unique('carol'), transport: 'polling'
        });

        await join(carol, roomName);

        const all = [alice, bob, carol].map((s) => new Faithful(server, s));
        const old = server.workerPids();
        const speaker = await come(server);

        await join(speaker, roomName);

        const mouth = new Faithful(server, speaker);

        let n = 0;

        const talk = async (until) => {
            while (!until()) {
                const { last } = mouth;

                try {
                    await say(last, roomName, [`x ${n}`]);
                    n++;

                } catch (e) {

                    /* it may have been said: then it comes before CONNECT */

                    await tap.until(10000, () => mouth.last !== last, 'back');

                    n += mouth.list.some((s) => {
                        return heard(s, roomName).includes(`x ${n}`);
                    });
                }

                await sleep(5);
            }
        };

        await server.reload();
        await talk(() => !server.workerPids().some((pid) => old.includes(pid)));

        const end = n + 20;

        await talk(() => n >= end);

        for (const { list } of all) {
            ok(list.length > 1, 'was sent away');
            await complete(roomName, words('x', n), ...list);
            isDeeply(list.flatMap((s) => got(s, 'user:left')), [], 'user:left');
        }

        await Promise.all([mouth, ...all].map((f) => f.stop()));
    }, { timeout: 60000 });
}


async function refusals(server) {
    await test(server, 'an expired token: refused, and a good one recovers',
        async () => {
            const { alice, bob, roomName } = await pair(server);
            const from = alice.states['/'];
            const s = await dial(server);

            await cut(server, alice);
            await connected(server, 2);

            for (const exp of [1, Math.floor(Date.now() / 1000) - 3600]) {
                let error = {};

                try {
                    await s.connect('/', {
                        pid: from.pid, offset: from.offset,
                        token: sign({ userId: alice.user, exp })
                    });

                } catch (e) {
                    error = e;
                }

                is(error.message, 'AUTHENTICATION_FAILED', 'message');
            }

            await say(bob, roomName, ['x 0']);
            isDeeply(s.trace, [], 'nothing came');
            await s.enter({ user: alice.user, from });
            ok(s.recovered, 'recovered');
            isDeeply(heard(s, roomName), ['x 0'], 'messages');
        });

    await test(server, 'others do not get a session, and its user does',
        async () => {
            const { alice, bob, roomName } = await pair(server);
            const guest = await come(server);

            await join(guest, roomName);
            await cut(server, alice);
            await cut(server, guest);
            await say(bob, roomName, ['x 0']);

            const rows = [
                [alice, unique('mallory')], [alice, bob.user], [alice, null],
                [guest, bob.user], [guest, alice.user]
            ];

            for (const [whose, user] of rows) {
                for (const from of [whose.states['/'],
                                    { pid: whose.states['/'].pid }])
                {
                    const s = await fresh(server, { user, from });

                    isReplay(s, []);
                    await refused(s, 'NOT_IN_ROOM', 'message:send',
                                  { roomName, content: 'x' });
                    await s.client.close();
                }
            }

            for (const s of [alice, guest]) {
                isDeeply(heard(await back(server, s), roomName), ['x 0'],
                         'messages');
            }
        });

    await test(server, 'a room that the token admits no more is left',
        async () => {
            const [stay, go] = [unique('stay'), unique('go')];
            const bob = await come(server, { user: unique('bob') });
            const alice = await come(server, {
                user: unique('alice'), claims: { rooms: [stay, go] }
            });

            for (const s of [bob, alice]) {
                await join(s, stay);
                await join(s, go);
            }

            await cut(server, alice);
            await say(bob, go, ['x 0']);
            await say(bob, stay, ['x 1']);

            const again = await back(server, alice,
                                     { claims: { rooms: [stay] } });

            isReplay(again, ['message:new']);
            isDeeply(await bob.one('user:left'),
                     { roomName: go, userId: alice.user }, 'user:left');
            await say(bob, go, ['x 2']);
            await say(bob, stay, ['x 3']);
            await complete(stay, ['x 1', 'x 3'], again);
            isDeeply(heard(again, go), [], 'messages of the other');
            is(await join(bob, go), 1, 'memberCount');
            is(await join(bob, stay), 2, 'memberCount');
            is((await again.ask('message:send',
                                { roomName: go, content: 'x' })).success,
               false, 'success');

            /* nor does it come back with a token that would admit it */

            await cut(server, again);

            const third = await back(server, again,
                                     { claims: { rooms: [stay, go] } });

            await refused(third, 'NOT_IN_ROOM', 'message:send',
                          { roomName: go, content: 'x' });
            is(got(bob, 'user:left').length, 1, 'user:left, once');
        });
}


/* the same text with another character at "i" */
function changed(text, i) {
    const abc = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
                + '0123456789-_';
    const at = abc.indexOf(text[i]);

    return text.slice(0, i) + abc[(at + 1 + i % 62) % 64] + text.slice(i + 1);
}


/* pids that nobody has given to the client */
function badPids({ pid, offset }, other) {
    const list = [...pid].map((c, i) => ({ pid: changed(pid, i), offset }));
    const long = 'A'.repeat(20000);

    const wrong = [
        '', ' ', 'A', pid.slice(1), pid.slice(0, -1), `${pid}A`, ` ${pid}`,
        `${pid}\0`, 'A'.repeat(20), '-'.repeat(20), '_'.repeat(20), '\u00e9',
        '+'.repeat(20), '/'.repeat(20), '='.repeat(20), pid.toLowerCase(),
        long, 0, 1, -1, 1e300, true, false, null, [], [pid], {}, { pid },
        [[[[]]]], { length: 20 }
    ];

    list.push(...wrong.map((w) => ({ pid: w, offset })));
    list.push({ pid: other.pid.slice(0, 10) + pid.slice(10), offset });
    list.push({ pid: pid.slice(0, 10) + other.pid.slice(10), offset });
    list.push({ pid: offset, offset: pid }, { offset });

    return list;
}


function badOffsets({ pid, offset }) {
    return [
        ...[...offset].map((c, i) => changed(offset, i)),
        '', ' ', 'A', offset.slice(1), offset.slice(0, -1), `${offset}A`,
        `A${offset}`, ` ${offset}`, `${offset}\0`, '0', '1', '-1',
        'A'.repeat(9), '_'.repeat(15), '_'.repeat(11), '\u00e9', pid,
        'A'.repeat(20000), 0, 1, -1, 2 ** 53, 1e300, true, false, [], [offset],
        {}, { offset }
    ];
}


async function forged(server) {
    for (const live of [true, false]) {
        const when = live ? 'while it lives' : 'while away';

        await test(server, `forged pids, ${when}`, async () => {
            const { alice, bob, roomName } = await pair(server);
            const other = await come(server);
            const from = alice.states['/'];
            const lines = serious(server).length;

            await say(bob, roomName, ['x 0']);

            if (!live) {
                await cut(server, alice);
            }

            const s = await dial(server);

            for (const wrong of badPids(from, other.states['/'])) {
                const what = JSON.stringify(wrong).slice(0, 99);

                ok(!await s.enter({ user: alice.user, from: wrong }), what);
                isReplay(s, []);
                is(s.rooms.length, 0, 'rooms');
                await refused(s, 'NOT_IN_ROOM', 'message:send',
                              { roomName, content: 'x' });
                s.disconnect();
                s.trace.length = 0;
            }

            /* and nothing has happened to whose they were */

            isDeeply(got(bob, 'user:left'), [], 'user:left');

            if (live) {
                ok(alice.client.open, 'it lives');
                await complete(roomName, ['x 0'], alice);
            } else {
                await complete(roomName, ['x 0'], alice,
                               await back(server, alice));
            }

            isDeeply(serious(server).slice(lines), [], 'the error log');
        }, { timeout: 60000 });

        await test(server, `forged offsets, ${when}`, async () => {
            const { alice, bob, roomName } = await pair(server);
            const lines = serious(server).length;
            const list = badOffsets(alice.states['/']);

            for (const offset of list) {
                const what = JSON.stringify(offset).slice(0, 99);
                const victim = await come(server, { user: unique('user') });
                const { user } = victim;
                const { pid } = victim.states['/'];
                const s = await dial(server);

                await join(victim, roomName);
                await say(bob, roomName, ['x 0']);

                if (!live) {
                    await cut(server, victim);
                }

                ok(!await s.enter({ user, from: { pid, offset } }), what);
                isReplay(s, []);
                isDeeply(await bob.one('user:left'), { roomName, userId: user },
                         `user:left with ${what}`);

                /* what it was is there no more */

                s.disconnect();
                await s.enter({
                    user, from: { pid, offset: victim.states['/'].offset }
                });

                ok(!s.recovered, what);
                s.destroy();
            }

            await settled(bob);
            is(got(bob, 'user:left').length, list.length, 'user:left');
            isDeeply(serious(server).slice(lines), [], 'the error log');
        }, { timeout: 60000 });
    }

    await test(server, 'a pid is good in its namespace and location only',
        async () => {
            const user = unique('alice');
            const a = await come(server, { user });
            const b = await come(server, { user, nsp: '/custom' });
            const c = await come(server, { user, path: '/elsewhere/' });

            for (const s of [a, b, c]) {
                await cut(server, s);
            }

            const [pa, pb, pc] = [a.states['/'], b.states['/custom'],
                                  c.states['/']];

            const rows = [
                [pa, { nsp: '/custom' }], [pa, { path: '/elsewhere/' }],
                [pb, {}], [pb, { nsp: '/other' }], [pc, {}],
                [pb, { nsp: '/custom', path: '/elsewhere/' }]
            ];

            for (const [from, where] of rows) {
                for (const f of [from, { pid: from.pid },
                                 { ...from, offset: pa.offset }])
                {
                    await fresh(server, { user, from: f, ...where });
                }
            }

            await back(server, a);
            await back(server, b, { nsp: '/custom' });
            await back(server, c);
        });
}


/* where clients are greeted in another way there is nothing to recover */
async function echoed(server) {
    await test(server, 'connect echo: no pid, no offsets, none echoed',
        async () => {
            const path = '/echo/';
            const { pid, offset } = (await come(server)).states['/'];

            const rows = [
                [undefined, {}], [{ a: '123' }, { a: '123' }],
                [{ pid, offset, a: 1 }, { a: 1 }],
                [{ pid }, {}], [{ offset: 1, a: 1 }, { a: 1 }]
            ];

            for (const transport of TRANSPORTS) {
                for (const [auth, expected] of rows) {
                    const s = await Socket.open(server, {
                        path, transport, nsp: null
                    });

                    s.packet({ type: 0, data: auth });

                    const { data } = await s.reply();

                    isDeeply(Object.keys(data), ['sid'], 'members of CONNECT');
                    isDeeply(await s.next('auth'), [expected], 'auth');
                    s.emit('message', 1, 'text');
                    isDeeply(await s.next('back'), [1, 'text'], 'an echo');
                    await s.client.close();
                }
            }
        });
}


async function off() {
    const server = await serve({
        ...OPTS, workers: 1, name: 'off', recovery: false
    });

    await test(server, 'realtime_recovery off: as if there were none',
        async () => {
            const roomName = unique('room');
            const { sessions } = await server.metrics();

            for (const transport of TRANSPORTS) {
                const from = { pid: 'A'.repeat(20), offset: 'AAAAAAAAA' };
                const s = await Socket.open(server, { transport, nsp: null });

                s.packet({ type: 0, data: from });
                isDeeply(Object.keys((await s.reply()).data), ['sid'],
                         'members of CONNECT');
                isDeeply(Object.keys(await s.one('connected')),
                         ['socketId', 'serverTime', 'protocolVersion'],
                         'members of connected');
                await join(s, roomName);
                await s.one('room:joined');
                await done(s, 'message:send', { roomName, content: 'x' });
                await s.one('message:new');
                s.emit('shout', 'x');
                isDeeply(await s.next('shout'), ['x'], 'an echo');
            }

            is(sessions.away, 0, 'away');
        });

    await server.stop();
}


required();

tap.run(async () => {
    await everyLayout({
        ...OPTS, directives: 'realtime_drain 1s;'

    }, async (server) => {
        await packets(server);
        await offsets(server);
        await holders(server);
        await farewells(server);
        await refusals(server);
        await forged(server);
        await echoed(server);
        await killed(server);
        await reloaded(server);
    });

    await quiet();
    await size();
    await off();
});
