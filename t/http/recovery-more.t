#!/usr/bin/env node
'use strict';

/*
 * Connection state recovery: what others see while somebody is away, rooms of
 * all kinds, slow clients, several namespaces, more than a send buffer to be
 * told, and what may happen to polling meanwhile.
 */

const { upgrade } = require('../lib/eio');
const {
    done, got, join, refused, statuses, unique
} = require('../lib/people');
const {
    back, come, complete, connected, cut, dial, elsewhere, everyLayout, fresh,
    has, heard, isReplay, location, pair, required, say, serve, settled, test,
    told, words
} = require('../lib/recovery');
const tap = require('../lib/tap');

const { is, isDeeply, like, ok, sleep } = tap;

const TRANSPORTS = ['websocket', 'polling'];
const DENIED = 'ROOM_ACCESS_DENIED';

/* longer than it takes to be called offline when there is no recovery, ms */
const GRACE = 5500;

/* how long after something was sent a connection is cut, ms */
const DELAYS = [1, 9, 4, 13, 0, 6, 11, 2, 14, 7, 3, 10];

/* a message that is not small */
const BIG = 'b'.repeat(200000);

const OPTS = {
    server: `realtime_room hall-* type=broadcast;
             realtime_room dm-* type=dm;
             realtime_room secret-* visibility=private;
             realtime_typing_timeout 1s;`,
    locations: location('/short/', 'realtime_recovery on 2s;')
               + location('/medium/', 'realtime_recovery on 10s;')
               + location('/long/', 'realtime_recovery on 30s;')
               + location('/patient/', 'realtime_send_buffer 256k;')
};


/* a pair of whom bob knows that alice is online */
async function known(server, options) {
    const found = await pair(server, options);
    const { alice, bob } = found;

    await tap.until(5000, () => {
        return statuses(bob, alice.user).length
               && got(bob, 'user:joined').length;

    }, 'alice is online and has joined');

    bob.log.length = 0;

    return found;
}


/* what "s" was told of the coming and going of "user" */
function movements(s, user) {
    return s.log.filter(({ event, args }) => {
        return /^(user:left|user:joined|presence:changed)$/.test(event)
               && args[0].userId === user;

    }).map(({ event, args }) => {
        return event === 'presence:changed' ? args[0].status : event;
    });
}


/* until "s" was told that "user" has gone; a little later it was so once */
async function gone(s, user, rooms = 1) {
    await tap.until(30000, () => {
        const told = movements(s, user);

        return told.includes('offline') && told.includes('user:left');

    }, 'somebody has gone');

    await sleep(300);
    isDeeply(movements(s, user).sort(),
             ['offline', ...Array(rooms).fill('user:left')], 'movements');
}


async function away(server) {
    await test(server, 'nobody notices that somebody is away', async () => {
        const { alice, bob, roomName } = await known(server);
        const before = await server.metrics();

        await cut(server, alice);

        const m = await server.metrics();

        is(m.sessions.away, before.sessions.away + 1, 'away');
        is(m.sockets.total, before.sockets.total - 1, 'sockets');
        is(m.connections.total, before.connections.total - 1, 'connections');
        is(m.rooms.memberships, before.rooms.memberships, 'memberships');
        is(await join(bob, roomName), 2, 'memberCount');

        const asked = await done(bob, 'presence:request',
                                 { userId: alice.user });

        is(asked.status, 'online', 'status');
        bob.log.length = 0;
        await sleep(GRACE);

        const again = await back(server, alice);

        is(await join(again, roomName), 2, 'memberCount');
        await sleep(1500);
        await settled(bob);
        isDeeply(movements(bob, alice.user), [], 'movements');

        const after = await server.metrics();

        is(after.sessions.away, before.sessions.away, 'away');
        is(after.sockets.total, before.sockets.total, 'sockets');
        is(after.rooms.memberships, before.rooms.memberships, 'memberships');
        is(after.totals.recovered, before.totals.recovered + 1, 'recovered');
        is(after.totals.notRecovered, before.totals.notRecovered,
           'notRecovered');
    });

    for (const transport of TRANSPORTS) {
        await test(server, `${transport}: who does not come back has gone once`,
            async () => {
                const { alice, bob, roomName } = await known(server, {
                    transport, path: '/short/'
                });

                const second = unique('room');
                const { sessions } = await server.metrics();

                await join(alice, second);
                await join(bob, second);
                await cut(server, alice);
                await gone(bob, alice.user, 2);
                is((await server.metrics()).sessions.away, sessions.away,
                   'away');

                const late = await fresh(server, {
                    user: alice.user, path: '/short/', from: alice.states['/']
                });

                isReplay(late, []);
                is(await join(late, roomName), 2, 'memberCount');
                is(await join(bob, second), 1, 'memberCount');
                is(movements(bob, alice.user).filter((w) => w === 'user:left')
                   .length, 2, 'user:left');
            }, { timeout: 60000 });
    }

    await test(server, 'who recovered is missed anew', async () => {
        const { alice, bob } = await known(server, { path: '/short/' });

        await cut(server, alice);

        const again = await back(server, alice);

        await sleep(3000);
        await settled(again);
        isDeeply(movements(bob, alice.user), [], 'movements so far');
        await cut(server, again);
        await gone(bob, alice.user);
    }, { timeout: 60000 });

    await test(server, 'another device keeps the user there', async () => {
        const { alice, bob, roomName } = await known(server,
                                                     { path: '/short/' });
        const device = await come(server, { user: alice.user });

        await join(device, roomName);
        await cut(server, alice);
        await sleep(4000);
        isDeeply(movements(bob, alice.user), [], 'movements');
        await fresh(server, {
            user: alice.user, path: '/short/', from: alice.states['/']
        });
    }, { timeout: 60000 });

    await test(server, 'close code 1001: a page that has been left',
        async () => {
            const { alice, bob } = await known(server, { path: '/long/' });
            const { sessions } = await server.metrics();
            const start = Date.now();

            alice.client.ws.close(1001);
            await connected(server, sessions.total - 1);
            await gone(bob, alice.user);
            ok(Date.now() - start < 25000, 'sooner than 30 s');
            await fresh(server, {
                user: alice.user, path: '/long/', from: alice.states['/']
            });
        }, { timeout: 60000 });

    await test(server, 'close code 1001: a page that comes back at once',
        async () => {
            const { alice, bob, roomName } = await known(server,
                                                         { path: '/long/' });

            alice.client.ws.close(1001);
            await alice.client.ws.waitClose();
            await say(bob, roomName, ['x 0']);

            const again = await back(server, alice);

            await sleep(GRACE + 2000);
            await complete(roomName, ['x 0'], again);
            isDeeply(movements(bob, alice.user), [], 'movements');
        }, { timeout: 60000 });

    await test(server, 'who is away stops typing', async () => {
        const { alice, bob, roomName } = await known(server);

        await done(alice, 'typing:start', { roomName });
        isDeeply((await bob.one('typing:event')).users, [alice.user], 'users');
        await cut(server, alice);
        isDeeply((await bob.one('typing:event', 10000)).users, [], 'users');

        const again = await back(server, alice);

        await done(again, 'typing:start', { roomName });
        isDeeply((await bob.one('typing:event')).users, [alice.user], 'users');
        isDeeply(movements(bob, alice.user), [], 'movements');
    });
}


async function rooms(server) {
    await test(server, 'rooms of all kinds are as before', async () => {
        const [hall, dm, secret] = [unique('hall'), unique('dm'),
                                    unique('secret')];
        const all = { rooms: [hall, dm, secret] };

        const [alice, bob] = [
            await come(server, { user: unique('alice'), claims: all }),
            await come(server, {
                user: unique('bob'),
                claims: { ...all, permissions: ['read', 'write'] }
            })
        ];

        const carol = await come(server, { user: unique('carol') });

        for (const roomName of all.rooms) {
            is(await join(alice, roomName), 1, 'memberCount');
            is(await join(bob, roomName), 2, 'memberCount');
        }

        const check = async (a) => {
            await refused(carol, DENIED, 'room:join', { roomName: dm });
            await refused(carol, DENIED, 'room:join', { roomName: secret });

            if (a) {
                await refused(a, 'PERMISSION_DENIED', 'message:send',
                              { roomName: hall, content: 'x' });
                await say(a, dm, ['from alice']);
                await say(a, secret, ['from alice']);
            }
        };

        let s = alice;

        for (let i = 0; i < 3; i++) {
            await check(s);
            await cut(server, s);
            await check(null);

            for (const roomName of all.rooms) {
                is(await join(bob, roomName), 2, 'memberCount');
                await say(bob, roomName, [`x ${i}`]);
            }

            s = await back(server, s, {
                claims: all, on: elsewhere(server, s)
            });

            isReplay(s, Array(3).fill('message:new'));
        }

        await check(s);
        isDeeply(got(bob, 'user:left'), [], 'user:left');
    });

    await test(server, 'one\'s own relayed events do not come back',
        async () => {
            for (const transport of TRANSPORTS) {
                const { alice, bob, roomName } = await pair(server,
                                                            { transport });
                const { ...from } = alice.states['/'];

                alice.emit('act', { roomName, n: 0 });
                await settled(alice);
                bob.emit('act', { roomName, n: 1 });
                await alice.next('act');
                await cut(server, alice);
                bob.emit('act', { roomName, n: 2 });
                await settled(bob);

                const again = await back(server, alice, { from });

                again.emit('act', { roomName, n: 3 });
                await settled(again);
                isDeeply(got(again, 'act').map((e) => e.n), [1, 2], 'acts');
                isDeeply([(await bob.one('act')).n, (await bob.one('act')).n],
                         [0, 3], 'acts that bob sees');
            }
        });

    await test(server, 'events for one user are replayed to that user only',
        async () => {
            const { alice, bob, roomName } = await pair(server);
            const carol = await come(server, { user: unique('carol') });

            await join(carol, roomName);
            await cut(server, alice);
            await cut(server, carol);
            bob.emit('act', { roomName, targetUserId: alice.user, n: 1 });
            bob.emit('act', { roomName, targetUserId: carol.user, n: 2 });
            bob.emit('act', { roomName, n: 3 });
            await settled(bob);

            const [a, c] = [await back(server, alice),
                            await back(server, carol)];

            isDeeply(got(a, 'act').map((e) => e.n), [1, 3], 'alice\'s');
            isDeeply(got(c, 'act').map((e) => e.n), [2, 3], 'carol\'s');
        });
}


/* bob's big relayed events, numbered */
async function acts(bob, roomName, n, first = 0) {
    for (let i = first; i < first + n; i++) {
        bob.emit('act', { roomName, n: i }, BIG);

        if (i % 10 === 9) {
            await settled(bob);
        }
    }

    await settled(bob);
}


async function actors(n, ...sockets) {
    const count = () => sockets.flatMap((s) => got(s, 'act')).map((e) => e.n);

    await tap.until(20000, () => count().length >= n,
                    () => `${n} events, not ${count().length}`);
    await settled(sockets[sockets.length - 1]);
    isDeeply(count(), Array.from({ length: n }, (_, i) => i), 'events');
}


async function large(server) {
    for (const transport of TRANSPORTS) {
        for (const path of ['/socket.io/', '/patient/']) {
            await test(server, `${transport}, ${path}: 8 MB were missed`,
                async () => {
                    const { alice, bob, roomName }
                        = await pair(server, { transport, path });

                    await cut(server, alice);
                    await acts(bob, roomName, 40);

                    /* and more comes meanwhile */

                    const [again] = await Promise.all([
                        back(server, alice), acts(bob, roomName, 10, 40)
                    ]);

                    await actors(50, again);
                    isReplay(again, Array(told(again).indexOf('connected') - 1)
                             .fill('act'), { large: true });
                    ok(told(again).indexOf('connected') > 40, '40 at least');

                    for (const e of again.log.filter((e) => e.event === 'act'))
                    {
                        ok(e.args[1] === BIG, 'an event as it was');
                    }
                }, { timeout: 60000 });
        }
    }

    await test(server, 'a client that does not read is closed, misses nothing',
        async () => {
            const { alice, bob, roomName } = await pair(server,
                                                        { path: '/patient/' });
            const { totals } = await server.metrics();

            await acts(bob, roomName, 2);
            await tap.until(10000, () => got(alice, 'act').length === 2, 'two');
            alice.client.ws.socket.pause();
            await acts(bob, roomName, 100, 2);
            await tap.until(10000, async () => {
                const now = (await server.metrics()).totals;

                return now.slowClients > totals.slowClients;

            }, 'slowClients');

            alice.destroy();
            isDeeply(got(bob, 'user:left'), [], 'user:left');
            await actors(102, alice, await back(server, alice));
        }, { timeout: 60000 });

    for (const transport of TRANSPORTS) {
        for (const part of [true, false]) {
            await test(server, `${transport}: cut while it is told, comes with `
                       + (part ? 'what it got' : 'what it had before'),
                () => interrupted(server, transport, part),
                { timeout: 60000 });
        }
    }
}


async function interrupted(server, transport, part) {
    const { alice, bob, roomName } = await pair(server, { transport });
    const list = [];

    let from = { ...alice.states['/'] };

    alice.destroy();
    await acts(bob, roomName, 30);

    for (let i = 0; i < 5; i++) {
        const s = await dial(server, { transport });
        const handle = s.handle.bind(s);

        s.handle = (pkt) => {
            if (s.client.open) {
                handle(pkt);
            }

            if (got(s, 'act').length === 3) {
                s.destroy();
            }
        };

        s.enter({ user: alice.user, from }).catch(() => {});
        await s.waitClose();
        isDeeply(told(s), ['CONNECT', 'act', 'act', 'act'], 'events');

        if (part) {
            from = { ...from, ...s.states['/'] };
            list.push(s);
        }
    }

    await actors(30, ...list, await back(server, alice, { from }));
}


async function namespaces(server) {
    const names = ['/', '/custom', '/other'];

    const everywhere = async (options) => {
        const s = await dial(server, options);

        for (const nsp of names) {
            await s.enter({ ...options, nsp });
        }

        return s;
    };

    for (const order of [['/custom', '/'], ['/', '/custom']]) {
        await test(server, `namespaces: ${order} recovered, another one not`,
            async () => {
                const roomName = unique('room');
                const path = '/medium/';
                const bob = await everywhere({ user: unique('bob') });
                const alice = await everywhere({ user: unique('alice'), path });

                for (const nsp of names) {
                    await bob.askIn(nsp, 'room:join', { roomName });
                    await alice.askIn(nsp, 'room:join', { roomName });
                }

                await cut(server, alice);

                for (const nsp of names) {
                    for (const n of [0, 1]) {
                        await bob.askIn(nsp, 'message:send', {
                            roomName, content: `${nsp} ${n}`
                        });
                    }
                }

                const { user } = alice;
                const t = await dial(server, { path });

                await t.enter({ user, nsp: '/other' });

                for (const nsp of order) {
                    await t.enter({ user, nsp, from: alice.states[nsp] });
                    ok(t.recovered, `${nsp} recovered`);
                }

                isDeeply(heard(t, roomName), order.flatMap((nsp) => {
                    return [`${nsp} 0`, `${nsp} 1`];
                }), 'messages');

                const left = () => bob.log.filter((e) => {
                    return e.event === 'user:left';
                });

                await tap.until(30000, () => left().length, 'user:left');

                for (const nsp of names) {
                    const { memberCount } = await bob.askIn(nsp, 'room:join',
                                                            { roomName });

                    is(memberCount, nsp === '/other' ? 1 : 2, 'memberCount');
                }

                isDeeply(left().map((e) => [e.nsp, e.args[0].userId]),
                         [['/other', user]], 'who left');
            }, { timeout: 60000 });
    }

    await test(server, 'namespaces: one is left, the others recovered',
        async () => {
            const user = unique('alice');
            const alice = await everywhere({ user });

            alice.disconnect('/custom');
            await alice.askIn('/', 'pong', { timestamp: 1 });
            await cut(server, alice);

            const t = await dial(server);

            for (const nsp of names) {
                await t.enter({ user, nsp, from: alice.states[nsp] });
                is(t.recovered, nsp !== '/custom', `${nsp} recovered`);
            }
        });

    await test(server, 'two sockets that were apart recover on one connection',
        async () => {
            const user = unique('alice');
            const bob = await everywhere({ user: unique('bob') });
            const a = await come(server, { user });
            const b = await come(server, { user, nsp: '/custom' });
            const roomName = unique('room');

            await a.askIn('/', 'room:join', { roomName });
            await b.askIn('/custom', 'room:join', { roomName });
            await bob.askIn('/', 'room:join', { roomName });
            await bob.askIn('/custom', 'room:join', { roomName });
            await cut(server, a);

            const t = await dial(server);

            await t.enter({ user, from: a.states['/'] });
            ok(t.recovered, 'the first');
            await t.enter({ user, nsp: '/custom', from: b.states['/custom'] });
            ok(t.recovered, 'the second, whose connection still lives');

            for (const nsp of ['/', '/custom']) {
                await bob.askIn(nsp, 'message:send', {
                    roomName, content: nsp
                });
            }

            await has(t, roomName, 2);
            isDeeply(heard(t, roomName).sort(), ['/', '/custom'], 'messages');
            isDeeply(heard(b, roomName), [], 'messages of the old one');
        });
}


async function polling(server) {
    await test(server, 'polling: answers that are lost', async () => {
        const { alice, bob, roomName } = await pair(server, {
            transport: 'polling'
        });

        const list = [alice];
        const n = 20;

        for (let i = 0; i < DELAYS.length; i++) {
            const last = list[list.length - 1];
            const said = say(bob, roomName, words('x', n, n * i));

            await sleep(DELAYS[i]);
            last.destroy();
            await said;
            list.push(await back(server, last, {
                on: elsewhere(server, last)
            }));
        }

        await complete(roomName, words('x', DELAYS.length * n), ...list);
        isDeeply(got(bob, 'user:left'), [], 'user:left');
    });

    await test(server, 'polling: a long answer, lost half-way', async () => {
        const { alice, bob, roomName } = await pair(server, {
            transport: 'polling'
        });

        const list = [alice];

        for (let i = 0; i < 6; i++) {
            const last = list[list.length - 1];
            const said = acts(bob, roomName, 4, 4 * i);

            await sleep(DELAYS[2 * i]);
            last.destroy();
            await said;
            list.push(await back(server, last));
        }

        await actors(24, ...list);
    });

    await test(server, 'an upgrade while it is told what it missed',
        async () => {
            const { alice, bob, roomName } = await pair(server, {
                transport: 'polling'
            });

            const list = [alice];
            const n = 15;

            for (let i = 0; i < 6; i++) {
                const last = list[list.length - 1];

                await cut(server, last);
                await acts(bob, roomName, n, n * i);

                const s = await dial(server, { transport: 'polling' });

                await Promise.all([
                    s.enter({ user: alice.user, from: last.states['/'] }),
                    i % 2 ? sleep(i).then(() => s.client.upgrade())
                          : s.client.upgrade()
                ]);

                ok(s.recovered, 'recovered');
                is(s.client.transport, 'websocket', 'transport');
                list.push(s);
                await actors(n * (i + 1), ...list);
            }

            isDeeply(got(bob, 'user:left'), [], 'user:left');
        }, { timeout: 60000 });

    await test(server, 'from each transport to the other', async () => {
        const { alice, bob, roomName } = await pair(server);
        const list = [alice];

        for (let i = 0; i < 6; i++) {
            const last = list[list.length - 1];

            await say(bob, roomName, [`x ${2 * i}`]);
            await cut(server, last);
            await say(bob, roomName, [`x ${2 * i + 1}`]);
            list.push(await back(server, last, {
                transport: TRANSPORTS[(i + 1) % 2]
            }));
        }

        await complete(roomName, words('x', 12), ...list);
    });
}


/* those who were on a killed worker and do not come back */
async function deserted() {
    const server = await serve({
        ...OPTS, workers: 4, reuseport: true, name: 'deserted'
    });

    await test(server, 'a worker is killed: who does not come has gone once',
        async () => {
            const { alice, bob } = await known(server, { path: '/short/' });
            const { sessions } = await server.metrics();

            server.allowed.push(/shared memory zone .* was locked by/);
            await server.killWorker(alice.worker);
            await gone(bob, alice.user);

            const m = await server.metrics();

            is(m.sessions.away, sessions.away, 'away');
            is(m.sockets.total, 1, 'sockets');
            is(m.rooms.memberships, 1, 'memberships');
            await fresh(server, {
                user: alice.user, path: '/short/', from: alice.states['/']
            });
        }, { timeout: 60000 });

    await test(server, 'nothing is left when nobody comes back', async () => {
        const list = [];

        for (let i = 0; i < 12; i++) {
            const s = await come(server, {
                user: unique('user'), path: '/short/',
                transport: TRANSPORTS[i % 2]
            });

            await join(s, unique('room'));
            list.push(s);
        }

        await Promise.all(list.map((s) => s.client.close()));

        let m;

        await tap.until(30000, async () => {
            m = await server.metrics();

            return m.sessions.total === 0 && m.sessions.away === 0
                   && m.sockets.total === 0 && m.rooms.total === 0
                   && m.rooms.memberships === 0 && m.users.total === 0;

        }, () => JSON.stringify(m));
    }, { timeout: 60000 });

    await server.stop();
}


/* a reload takes its time, the end does not */
async function quits() {
    for (const what of ['sockets', 'probes']) {
        const server = await serve({
            ...OPTS, workers: 2, reuseport: true, name: `${what} at the end`,
            directives: 'realtime_drain 60s;'
        });

        await test(server, `SIGQUIT: ${what} are told at once`, async () => {
            const list = [];
            const probes = [];

            for (let i = 0; i < 6; i++) {
                const s = await dial(server, { transport: TRANSPORTS[i % 2] });

                if (what === 'sockets') {
                    await s.enter({ user: unique('user') });
                    list.push(s);

                } else if (i % 2) {
                    const { ws } = await upgrade(server, { sid: s.client.sid });

                    ws.send('2probe');
                    is(await ws.recv(), '3probe', 'answer');
                    probes.push(ws);
                }
            }

            /* a poll is under way, and not between two */

            await sleep(300);
            is(await server.quit(20000), 0, 'exit code');

            for (const s of list) {
                like(await s.waitClose(),
                     s.client.ws ? /closed with 1001/ : /close packet/, 'why');
            }

            await Promise.all(probes.map((ws) => ws.waitClose()));
        }, { timeout: 60000 });

        await server.stop();
    }
}


required();

tap.run(async () => {
    await everyLayout(OPTS, async (server) => {
        await away(server);
        await rooms(server);
        await large(server);
        await namespaces(server);
        await polling(server);
    });

    await deserted();
    await quits();
});
