#!/usr/bin/env node
'use strict';

/*
 * Connection state recovery against those who want more than is theirs, and
 * against bad luck: nobody reads what was said before it was let in, takes
 * recovery from others, or is forgotten without a word; and no corner of log,
 * zone or limits makes a gap that nobody is told of.
 */

const fs = require('node:fs');
const { Polling, decode, upgrade } = require('../lib/eio');
const { got, join, unique } = require('../lib/people');
const { reference } = require('../lib/fixture');
const {
    back, come, complete, connected, cut, dial, has, heard, location, pair,
    say, serve, settled, test, words
} = require('../lib/recovery');
const server_ = require('../lib/server');
const { DISCONNECT } = require('../lib/sio');
const tap = require('../lib/tap');
const { sign } = require('../lib/tokens');
const { frame } = require('../lib/ws');

const { is, isDeeply, ok, sleep } = tap;

const TRANSPORTS = ['websocket', 'polling'];

/* the log of a zone of 1m is half of it */
const SMALL = 'realtime_zone small 1m; realtime_max_payload 32k;';
const LONG = 'm'.repeat(4900);
const TURN = 110;
const LOG = 512 * 1024;

/* a worker notes what it has given once in so much of the log */
const NOTED = LOG / 8;

/* CONNECTs that are refused, or show a pid, until a session is closed */
const REFUSED = 8;
const CHECKED = 256;

/* longer than the server takes to look for those whose time is over, ms */
const LOOK = 1600;


/* three times round the log of a small zone, for others */
async function flood(server) {
    const s = await come(server);
    const roomName = unique('other');

    await join(s, roomName);

    for (let i = 0; i < 3 * TURN; i += 10) {
        await say(s, roomName, words(LONG, 10));
    }

    await s.client.close();
}


/* what "fn" sends over a WebSocket is one write, over polling one POST */
function atOnce(s, fn) {
    const { ws } = s.client;

    if (ws) {
        ws.socket.cork();
    }

    const promises = fn();

    if (ws) {
        ws.socket.uncork();
    }

    return Promise.all(promises);
}


/* nobody gets what a room was told before they were in it */
async function history(server) {
    for (const transport of TRANSPORTS) {
        await test(server, `${transport}: back, and in a room, in one write`,
            async () => {
                const roomName = unique('secret');
                const bob = await come(server);
                const alice = await come(server, { transport });
                const early = { ...alice.states['/'] };

                await join(bob, roomName);
                await say(bob, roomName, words('secret', 5));
                await cut(server, alice);

                const s = await dial(server, { transport });

                await atOnce(s, () => [s.enter({ from: early }),
                                       join(s, roomName)]);

                ok(s.recovered, 'recovered');
                await say(bob, roomName, ['x 0']);
                await complete(roomName, ['x 0'], s);

                /* nor if it breaks again */

                await cut(server, s);

                const third = await back(server, s, { from: early });

                await settled(third);
                isDeeply(heard(third, roomName), ['x 0'], 'messages');
            });
    }

    await test(server, 'out of a room and in again while it is told',
        () => stalled(server));
}


/* somebody who does not poll is told no more; then it does */
async function stalled(server) {
    const { alice, bob, roomName } = await pair(server);
    const { pid, offset } = alice.states['/'];
    const token = sign({ userId: alice.user });

    await cut(server, alice);
    await say(bob, roomName, words(LONG, 150));

    const p = new Polling(server);
    const room = JSON.stringify({ roomName });

    await p.open();
    await p.send(`40${JSON.stringify({ pid, offset, token })}`);
    await p.send(`42["room:leave",${room}]`);
    await tap.until(5000, () => got(bob, 'user:left').length, 'user:left');
    await say(bob, roomName, words('hidden', 5));
    await p.send(`42["room:join",${room}]`);
    await tap.until(5000, () => got(bob, 'user:joined').length > 1,
                    'user:joined');
    await say(bob, roomName, ['the end']);

    let text = '';

    while (!text.includes('the end')) {
        text += (await p.poll()).join('\n');
    }

    ok(text.includes(`"pid":"${pid}"`), 'recovered');
    ok(!text.includes('hidden'), 'nothing from when it was not there');
    await p.post('1');
}


/* a quiet client that began with polling, upgraded at another worker */
async function transit() {
    const server = await serve({
        workers: 4, reuseport: true, http: SMALL, name: 'transit'
    });

    await test(server, 'quiet after an upgrade at another worker', async () => {
        const alice = await moved(server, unique('alice'));
        const bob = await come(server);
        const roomName = unique('room');

        await join(bob, roomName);
        await join(alice, roomName);
        await say(bob, roomName, ['x 0']);
        await has(alice, roomName, 1);
        await flood(server);
        await connected(server, 2);
        await cut(server, alice);
        await say(bob, roomName, ['x 1']);
        await complete(roomName, words('x', 2), alice,
                       await back(server, alice));
    }, { timeout: 60000 });

    await server.stop();
}


/* nobody else may be there */
async function moved(server, user) {
    for (let i = 0; i < 40; i++) {
        const s = await dial(server, { transport: 'polling' });

        await s.client.upgrade();

        const { workers } = await server.metrics();

        if (workers.find((w) => w.sessions).pid !== s.worker) {
            await s.enter({ user });
            return s;
        }

        await s.client.close();
        await connected(server, 0);
    }

    return tap.fail('no upgrade to another worker');
}


/* the official client handles events before a close packet when it is back */
async function closePacket(server) {
    await test(server, 'a close packet has no events before it', async () => {
        const { alice, bob, roomName } = await pair(server);
        const p = new Polling(server);

        await p.open();
        await p.send(`40${JSON.stringify({
            token: sign({ userId: alice.user })
        })}`);

        const hello = (await p.poll()).find((text) => /^40/.test(text));
        const { pid } = JSON.parse(hello.slice(2));

        await p.send(`420["room:join",{"roomName":"${roomName}"}]`);

        for (let text = ''; !text.includes('"room:joined"'); ) {
            text = (await p.poll()).join('\n');
        }

        /* a GET waits; what comes for it and what ends it come at once */

        const parked = p.get();
        const bad = '40/custom,{"token":"bad"}';

        await sleep(100);
        await p.post(['42["shout","x"]', ...Array(REFUSED + 9).fill(bad)]);

        const res = await tap.within(5000, parked, 'the answer');

        isDeeply(decode(res.text), ['1'], 'the last packets');

        await say(bob, roomName, ['x 0']);

        const again = await come(server, { user: alice.user, from: { pid } });

        ok(again.recovered, 'recovered');
        isDeeply(heard(again, roomName), ['x 0'], 'messages');
    });
}


/* who comes back is no newcomer, as far as addresses are counted */
async function newcomers() {
    const path = '/few/';
    const server = await serve({
        workers: 4, reuseport: true, name: 'newcomers',
        directives: 'realtime_drain 200ms;',
        locations: `location ${path} {
                        realtime on;
                        realtime_drain 200ms;
                        realtime_allow_anonymous on;
                        realtime_limit_connections 6 60s;
                    }\n`
    });

    await test(server, 'a reload shuts nobody out', async () => {
        const list = [];

        for (let i = 0; i < 5; i++) {
            list.push(await come(server, { path }));
        }

        await server.reload();

        for (const s of list) {
            await s.waitClose(15000);
            await back(server, s);
        }

        is((await upgrade(server, {}, { path })).status, 101, 'the sixth');
        is((await upgrade(server, {}, { path })).status, 429, 'the seventh');
    }, { timeout: 30000 });

    await server.stop();
}


async function tiny(server) {
    await test(server, 'recovery with a send buffer of one byte', async () => {
        for (const transport of TRANSPORTS) {
            const alice = await come(server, { path: '/tiny/', transport });

            await cut(server, alice);
            await back(server, alice);
        }
    });
}


/* each look at the log is paid for with a handshake, in the end */
async function greedy(server) {
    await test(server, 'one pid claimed again and again', async () => {
        const first = await come(server);
        const { pid } = first.states['/'];
        const { totals } = await server.metrics();
        const list = [await come(server, { nsp: '/custom' }),
                      await come(server, { nsp: '/custom' })];

        let n = 0;

        for ( ;; n++) {
            const s = list[n % 2];

            ok(n <= 2 * CHECKED, 'an end');

            try {
                await s.enter({ from: { pid } });

                /* whoever had it goes on without */
                if (n) {
                    is((await list[(n + 1) % 2].reply()).type, DISCONNECT,
                       'type');
                }

            } catch (e) {
                ok(!s.client.open, `closed: ${e.message}`);
                break;
            }
        }

        ok(n > CHECKED / 2, `${n} recoveries`);
        is((await server.metrics()).totals.recovered, totals.recovered + n,
           'recovered');
    }, { timeout: 30000 });
}


/* connections that keep rooms with long names until so much is in use, or all */
async function crowd(server, most) {
    for ( ;; ) {
        const s = await come(server);
        const names = Array.from({ length: 90 }, () => {
            return unique('x'.repeat(100));
        });

        const replies = await Promise.all(names.map((roomName) => {
            return s.ask('room:join', { roomName });
        }));

        const { zone } = await server.metrics();

        if (zone.pagesUsed >= zone.pages * most
            || replies.some((reply) => !reply.success))
        {
            return zone;
        }
    }
}


async function crowded() {
    const server = await serve({ workers: 1, http: SMALL, name: 'crowded' });

    await test(server, 'rooms do not take recovery from others', async () => {
        const { alice, bob, roomName } = await pair(server);
        const { pages, pagesUsed } = await crowd(server, 1);

        ok(pagesUsed > pages * 0.86, `${pagesUsed} of ${pages} pages`);
        await cut(server, alice);
        await sleep(LOOK);
        await say(bob, roomName, ['x 0']);
        await complete(roomName, ['x 0'], alice, await back(server, alice));
        isDeeply(got(bob, 'user:left'), [], 'user:left');
    });

    await server.stop();
}


/* who cannot be kept has gone, and the others know */
async function full() {
    const server = await serve({
        workers: 1, http: SMALL, name: 'full',
        directives: 'realtime_presence off;'
    });

    await test(server, 'a full zone: all who are given up are announced',
        async () => {
            const bob = await come(server);
            const roomName = unique('room');
            const list = [];

            await join(bob, roomName);

            for (let i = 0; i < 40; i++) {
                const user = i % 2 ? unique('user') : null;

                list.push(await come(server, { user }));
                await join(list[i], roomName);
            }

            await crowd(server, 0.78);

            const { sessions: { total } } = await server.metrics();

            list.forEach((s) => s.destroy());
            await connected(server, total - list.length);

            /* so many at once that nobody looks in between */

            await rush(server);
            await tap.until(15000, async () => {
                return got(bob, 'user:left').length >= list.length;

            }, () => `all have left, not ${got(bob, 'user:left').length}`);

            await settled(bob);

            const who = got(bob, 'user:left').map((e) => e.userId);

            isDeeply(who.sort(), list.map((s) => s.user).sort(), 'who left');
            is(await join(bob, roomName), 1, 'memberCount');
        }, { timeout: 30000 });

    await server.stop();
}


/* newcomers until the zone is full, who wait until all can come at once */
async function rush(server) {
    const [worker] = server.workerPids();

    let refused = 0;

    tap.cleanup(() => process.kill(worker, 'SIGCONT'));

    for (let i = 0; i < 10 && !refused; i++) {
        process.kill(worker, 'SIGSTOP');

        const all = Array.from({ length: 500 }, () => newcomer(server));

        await sleep(200);
        process.kill(worker, 'SIGCONT');
        refused = (await Promise.all(all)).filter((found) => !found).length;
    }

    ok(refused, 'the zone is full');
}


/* whether there is room for one more */
async function newcomer(server) {
    const token = sign({ userId: unique('user') });
    const early = frame(`40${JSON.stringify({ token })}`);
    const { ws } = await upgrade(server, {}, { early });

    if (!ws) {
        return false;
    }

    /* a session, or not; a socket, or not */

    const answers = [ws.recv(), ws.recv()];

    return Promise.all(answers).then(([, text]) => /^40/.test(text),
                                     () => false);
}


/*
 * The entry at which a worker notes how far it has come, or the one behind it,
 * is for a quiet client that is not there any more, though nobody knows.
 */
async function edge() {
    for (const shift of [0, 1]) {
        const server = await serve({
            workers: 1, http: SMALL, name: `edge ${shift}`
        });

        await test(server, `${shift} behind the entry of a note`, async () => {
            const [alice, bob] = [await come(server), await come(server)];
            const roomName = unique('room');

            await join(bob, roomName);
            await join(alice, roomName);

            const from = { ...alice.states['/'] };

            await turn(server, shift);
            await say(bob, roomName, [`x ${LONG}`]);

            const again = await come(server, { from });

            ok(again.recovered, 'recovered');
            isDeeply(heard(again, roomName), [`x ${LONG}`], 'messages');
        });

        await server.stop();
    }
}


/* others talk until the log is written over, and the next entry is the one */
async function turn(server, shift) {
    const s = await come(server);
    const roomName = unique('other');
    const head = async () => (await server.metrics()).log.head;

    await join(s, roomName);

    let [saved, before, now] = [0, 0, await head()];

    const start = now;

    while (before === 0 || now < start + LOG + NOTED
           || 2 * now - before - saved < NOTED)
    {
        await say(s, roomName, [LONG.slice(0, 1000)]);
        [before, now] = [now, await head()];

        if (now - saved >= NOTED) {
            saved = now;
        }
    }

    await say(s, roomName, words(LONG.slice(0, 1000), shift));
}


/* more generations of workers than there is room for */
async function generations() {
    const server = await serve({
        workers: 4, reuseport: true, name: 'generations'
    });

    server.allowed.push(/worker slots are taken/);

    await test(server, 'many reloads in a row: served in the end', async () => {
        for (let i = 0; i < 9; i++) {

            /* old workers stay for those who are there */

            await Promise.all(Array.from({ length: 32 },
                                         () => newcomer(server)));

            server.signal('SIGHUP');
            await sleep(400);
        }

        await tap.until(25000, async () => {
            const answers = await Promise.all(
                Array.from({ length: 40 }, () => upgrade(server)));

            answers.forEach(({ ws }) => ws && ws.destroy());

            return answers.every(({ status }) => status === 101);

        }, 'all are served');
    }, { timeout: 60000 });

    await server.stop();
}


if (reference) {
    tap.skipAll('nginx only');
}

if (!server_.knows('realtime_recovery')) {
    tap.missing(`no recovery in ${fs.realpathSync(server_.MODULE)}`);
}

tap.run(async () => {
    const server = await serve({
        workers: 1, name: 'wide',
        locations: location('/tiny/', 'realtime_send_buffer 1;')
    });

    await history(server);
    await closePacket(server);
    await tiny(server);
    await greedy(server);
    await server.stop();

    await transit();
    await newcomers();
    await full();
    await crowded();
    await edge();
    await generations();
});
