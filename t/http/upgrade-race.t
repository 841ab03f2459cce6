#!/usr/bin/env node
'use strict';

/*
 * From polling to WebSocket while everything else happens: events cut in two,
 * acks that are owed, workers that die, WebSockets that come twice or go at
 * once.  Every case is repeated, so that the worker of the session and that of
 * the WebSocket are different ones as well as the same.
 */

const fs = require('node:fs');
const { reference, start } = require('../lib/fixture');
const eio = require('../lib/eio');
const { Socket } = require('../lib/sio');
const tap = require('../lib/tap');

const { is, isDeeply, ok, sleep, test } = tap;

const ROOM = 'lobby';
const TIMES = 12;

const DIRECTIVES = `
    realtime_on bin relay as bin;
    realtime_on echoed echo as echoed-back;
`;


async function member(server, transport) {
    const s = await Socket.open(server, { transport });

    await s.ask('room:join', { roomName: ROOM });

    return s;
}


/* "fn" TIMES times, some at once */
async function repeat(fn, times = TIMES) {
    for (let i = 0; i < times; i += 6) {
        await Promise.all(Array.from({ length: Math.min(6, times - i) },
                                     (_, n) => fn(i + n)));
    }
}


function heard(s, event) {
    return s.log.filter((e) => e.event === event).length;
}


/*
 * The counts of the zone go down before "user:left" is on its way, so it is
 * waited for as well: whoever came has left, and "s" begins with an empty log.
 */
async function alone(server, s) {
    const present = () => heard(s, 'user:joined') - heard(s, 'user:left');

    await settle(server, 1);
    await tap.until(5000, () => present() === 0,
                    () => `${present()} more came than left`);

    s.log.length = 0;
}


async function probed(server, client) {
    const res = await eio.upgrade(server, { sid: client.sid });

    is(res.status, 101, 'status');
    res.ws.send('2probe');
    is(await res.ws.recv(), '3probe', 'answer to the probe');

    return res.ws;
}


async function paused(client) {
    client.pausing = true;
    await tap.within(5000, client.poller, 'the last poll');
    await client.posting;
}


/* "ws" is the transport from now on; "more" is sent right behind the "5" */
function taken(client, ws, more = []) {
    ws.send('5');
    more.forEach((m) => ws.send(m));
    client.transport = 'websocket';
    client.posts.splice(0).forEach((m) => ws.send(m));
    client.useWebSocket(ws);
}


/* an ack that is not asked for by Socket.call() */
function ackOf(s) {
    const id = s.nextId++;

    const promise = new Promise((resolve, reject) => {
        s.acks.set(id, { resolve, reject });
    });

    promise.catch(() => {});

    return { id, come: () => tap.within(5000, promise, `ack ${id}`) };
}


async function settle(server, n, ms = 5000) {
    let last;

    await tap.until(ms, async () => {
        const m = await server.metrics();
        const sum = m.workers.reduce((total, w) => total + w.sessions, 0);

        last = [m.connections.total, m.sessions.total, sum,
                m.rooms.memberships];

        return last.every((count) => count === n);

    }, () => `sessions and memberships are ${n}, got ${last}`);
}


function bytes(size, seed) {
    return Buffer.alloc(size, seed & 0xff);
}


/* part of the packet goes by POST, the rest by WebSocket */
async function splitEvent(server, witness, i) {
    const s = await member(server, 'polling');
    const ws = await probed(server, s.client);
    const ack = ackOf(s);
    const posted = i % 3;

    const parts = [
        `452-${ack.id}["bin",{"roomName":"${ROOM}","n":${i},"data":`
        + '[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]}]',
        bytes(2000 + i, i), bytes(10, 0x80 + i)
    ];

    await paused(s.client);
    await s.client.polling.send(...parts.slice(0, posted + 1));
    taken(s.client, ws, parts.slice(posted + 1));

    const [reply] = await ack.come();

    is(reply.success, true, 'success');

    const { args } = await witness.events.next(5000, (e) => {
        return e.event === 'bin' && e.args[0].n === i;

    }, `event ${i}`);

    isDeeply(args[0].data, [parts[1], parts[2]], 'attachments');
    s.destroy();
}


/* what is owed to the server, and by it, when the session moves */
async function owedAcks(server, i) {
    const s = await member(server, 'polling');
    const calls = [0, 1, 2, 3].map((n) => s.call('echoed', { i, n }));
    const asked = [];

    while (asked.length < calls.length) {
        asked.push(await s.events.next(5000, (e) => {
            return e.event === 'echoed-back';
        }));
    }

    /* one comes before, one crosses, two come after */

    s.ack(asked[0].id, 'ack 0');
    isDeeply(await calls[0], ['ack 0'], 'before');

    const ws = await probed(server, s.client);

    await paused(s.client);
    await s.client.polling.send(`43${asked[1].id}["ack 1"]`);
    taken(s.client, ws, [`43${asked[2].id}["ack 2"]`]);
    isDeeply(await calls[1], ['ack 1'], 'crossing');
    isDeeply(await calls[2], ['ack 2'], 'behind the 5');
    s.ack(asked[3].id, bytes(300, i));
    isDeeply(await calls[3], [bytes(300, i)], 'after');
    isDeeply(await s.events.next(1000, (e) => e.event === 'connected')
             .then((e) => e.args.length), 1, 'nothing else is lost');

    s.destroy();
}


/* rooms entered before are left after, namespaces too */
async function keptRooms(server, witness, i) {
    const s = await member(server, 'polling');
    const own = `own-${i}`;

    await s.ask('room:join', { roomName: own });
    await s.connect('/custom');
    s.emitTo('/custom', 'room:join', { roomName: own });
    await s.client.upgrade();

    const again = await s.ask('room:join', { roomName: own });

    is(again.data.memberCount, 1, 'memberCount');
    is((await s.ask('room:leave', { roomName: own })).success, true, 'left');
    is((await s.ask('message:send', { roomName: own, content: 'x' }))
        .error.code, 'NOT_IN_ROOM', 'code');

    await witness.ask('message:send', { roomName: ROOM, content: `kept ${i}` });

    await s.events.next(5000, (e) => {
        return e.event === 'message:new' && e.nsp === '/'
               && e.args[0].content === `kept ${i}`;

    }, 'a message to the room');

    s.emitTo('/custom', 'message:send', { roomName: own, content: 'custom' });

    await s.events.next(5000, (e) => {
        return e.event === 'message:new' && e.nsp === '/custom';

    }, 'a message in the other namespace');

    s.destroy();
}


/* numbered binary events both ways, all the time */
async function crossing(server, witness) {
    const movers = await Promise.all(Array.from({ length: 10 }, () => {
        return member(server, 'polling');
    }));

    const EACH = 30;
    const event = (from, n) => ({
        roomName: ROOM, from, n, data: [bytes(n * 7, n), bytes(3, n)]
    });

    const talk = async (s, from) => {
        for (let n = 0; n < EACH; n++) {
            s.emit('bin', event(from, n));
            await sleep(3 + Math.random() * 4);
        }
    };

    await Promise.all([
        talk(witness, 'witness'), talk(witness, 'again'),
        ...movers.map((s, i) => talk(s, i)),
        ...movers.map(async (s) => {
            await sleep(20 + Math.random() * 40);
            await s.client.upgrade();
        })
    ]);

    const check = async (s, from) => {
        const got = () => s.log.filter((e) => {
            return e.event === 'bin' && e.args[0].from === from;
        }).map((e) => e.args[0]);

        await tap.until(5000, () => got().length >= EACH,
                        () => `${got().length} of ${EACH} from ${from}`);

        for (const [n, arg] of got().entries()) {
            isDeeply({ ...arg, userId: undefined },
                     { ...event(from, n), userId: undefined },
                     `event ${n} from ${from}`);
        }
    };

    for (const [i, s] of movers.entries()) {
        await check(witness, i);
        await check(s, 'witness');
        await check(s, 'again');
        await check(s, (i + 1) % movers.length);
    }

    movers.forEach((s) => s.destroy());
}


/* polls until a packet comes that starts so */
async function pollUntil(p, start) {
    while (!(await p.poll()).some((t) => t.startsWith(start))) { /* more */ }
}


/*
 * Bursts from all workers in the moment of the "5": what lies in the log
 * between the old worker's leave and the new one's start.
 */
async function bursts(server, senders, i) {
    const EACH = 25;
    const s = await member(server, 'polling');
    const ws = await probed(server, s.client);

    const burst = (k) => {
        for (let n = 0; n < EACH; n++) {
            senders[k].emit('message:send', {
                roomName: ROOM, content: `${i}.${k}:${n}`
            });
        }
    };

    await paused(s.client);
    burst(0);
    taken(s.client, ws);

    for (let k = 1; k < senders.length; k++) {
        burst(k);
        await (k % 2 ? null : new Promise((resolve) => setImmediate(resolve)));
    }

    for (let k = 0; k < senders.length; k++) {
        const got = () => s.log.filter((e) => e.event === 'message:new')
                           .map((e) => e.args[0].content)
                           .filter((c) => c.startsWith(`${i}.${k}:`));

        await tap.until(2000, () => got().length >= EACH,
                        () => `${got().length} of ${EACH} from ${k}`);

        isDeeply(got(), Array.from({ length: EACH },
                                   (_, n) => `${i}.${k}:${n}`), 'messages');
    }

    await s.client.close();
}


/* { status, text } of the GET that was held when the "5" came */
async function withoutProbe(server, i) {
    const p = new eio.Polling(server);

    await p.open();
    await p.send('40');
    await pollUntil(p, '42["connected"');

    const held = p.get();
    const { ws } = await eio.upgrade(server, { sid: p.sid });

    await sleep(20);
    ws.send('5');
    ws.send(`420["room:join",{"roomName":"${ROOM}"}]`);
    ws.send(`421["message:send",{"roomName":"${ROOM}","content":"5 ${i}"}]`);

    for (const start of ['42["room:joined"', '430[{"success":true',
                         '42["message:new"', '431[{"success":true'])
    {
        while (!(await ws.recv()).startsWith(start)) { /* others' doings */ }
    }

    ws.destroy();

    return tap.within(2000, held, 'the GET\'s answer');
}


async function twoProbes(server, i) {
    const s = await member(server, 'polling');

    const both = await Promise.all([0, 1].map(async () => {
        return (await eio.upgrade(server, { sid: s.client.sid })).ws;
    }));

    both.forEach((ws) => ws.send('2probe'));

    const won = await Promise.race(both.map((ws) => {
        return ws.messages.next(5000).then(() => ws, () => new Promise(() => {}));
    }));

    const lost = both.find((ws) => ws !== won);

    await lost.waitClose();
    is(lost.messages.length, 0, 'messages to the second');
    await paused(s.client);

    if (i % 2) {

        /* the first one gives up: polling goes on, and may try again */

        won.destroy();
        s.client.pausing = false;
        s.client.poller = s.client.pollLoop();
        is((await s.ask('ping')).success, true, 'by polling');

        await tap.until(3000, async () => {
            const { ws } = await eio.upgrade(server, { sid: s.client.sid });

            ws.send('2probe');

            const answer = await ws.recv().catch(() => null);

            ws.destroy();

            return answer === '3probe';
        });

    } else {
        taken(s.client, won);
        is((await s.ask('ping')).success, true, 'by WebSocket');
    }

    await s.client.close();
}


/* both say that they take over; one does */
async function twoTakeovers(server, i) {
    const s = await member(server, 'polling');

    const both = await Promise.all([0, 1].map(async () => {
        return (await eio.upgrade(server, { sid: s.client.sid })).ws;
    }));

    s.client.pausing = true;
    both.forEach((ws) => ws.send('5'));
    both.forEach((ws) => ws.send('42["ping"]'));

    if (i % 3 === 0) {
        both[1].destroy();
    }

    const ends = await Promise.all(both.map((ws) => {
        return ws.messages.next(3000).then(() => 'taken', () => 'closed');
    }));

    ok(ends.filter((e) => e === 'taken').length <= 1, `${ends}`);
    ok(i % 3 === 0 || ends.includes('taken'), `${ends}`);
    both.forEach((ws) => ws.destroy());
    s.destroy();
}


async function dropped(server, i) {
    const s = await member(server, 'polling');
    const ws = await probed(server, s.client);

    await paused(s.client);
    ws.send('5');

    if (i % 3) {
        await sleep(i % 3);
    }

    ws.destroy();
    s.client.end('dropped');
}


async function cases(server) {
    const witness = await member(server, 'websocket');

    await test('a binary event, half by POST and half by WebSocket',
        () => repeat((i) => splitEvent(server, witness, i), 24));

    await test('acks that are owed while the session moves',
        () => repeat((i) => owedAcks(server, i)));

    await test('rooms and namespaces entered before',
        () => repeat((i) => keptRooms(server, witness, i)));

    for (let wave = 0; wave < 3; wave++) {
        await test(`binary events crossing the upgrade, wave ${wave + 1}`,
            async () => {
                await alone(server, witness);
                await crossing(server, witness);
            });
    }

    await test('bursts in the moment of the "5"', async () => {
        const senders = await Promise.all(Array.from({ length: 6 }, () => {
            return member(server, 'websocket');
        }));

        for (let i = 0; i < 40; i++) {
            await bursts(server, senders, i);
        }

        senders.forEach((s) => s.destroy());
    }, { timeout: 30000 });

    await test('"5" without a probe',
        async () => {
            let noops = 0;

            await repeat(async (i) => {
                const res = await withoutProbe(server, i);

                /* a GET that was late finds a session that does not poll */

                if (res.status === 200) {
                    is(res.text, '6', 'the GET that was held');
                    noops++;
                } else {
                    is(res.status, 400, 'status of one that was late');
                }
            });

            ok(noops > TIMES / 2, `${noops} noops`);
        });

    await test('two WebSockets probe at once',
        () => repeat((i) => twoProbes(server, i)));

    await test('two WebSockets take over at once',
        () => repeat((i) => twoTakeovers(server, i), 24));

    await test('dropped right after the "5"', async () => {
        await alone(server, witness);
        await repeat((i) => dropped(server, i), 24);
        await settle(server, 1);

        await tap.until(5000, () => heard(witness, 'user:left') === 24,
                        () => `user:left ${heard(witness, 'user:left')} times`);

        is(heard(witness, 'user:joined'), 24, 'user:joined');
    });

    witness.destroy();

    await test('nothing is left', async () => {
        await settle(server, 0);
    });
}


/* the process that holds the other end of "socket" */
function holder(server, socket) {
    const hex = (port) => port.toString(16).toUpperCase().padStart(4, '0');
    const ends = [`:${hex(server.port)}`, `:${hex(socket.localPort)}`];

    const line = fs.readFileSync('/proc/net/tcp', 'latin1').split('\n')
        .map((l) => l.trim().split(/\s+/))
        .find((f) => f[1] && f[1].endsWith(ends[0]) && f[2].endsWith(ends[1]));

    return line && server.workerPids().find((pid) => {
        return fs.readdirSync(`/proc/${pid}/fd`).some((fd) => {
            try {
                return fs.readlinkSync(`/proc/${pid}/fd/${fd}`)
                       === `socket:[${line[9]}]`;

            } catch (e) {
                return false;
            }
        });
    });
}


/* a polling session with nothing in flight, and its owner */
async function quiet(server) {
    const count = async () => new Map((await server.metrics()).workers.map(
        (w) => [w.pid, w.sessions]));

    const p = new eio.Polling(server);
    const before = await count();

    await p.open();

    const after = await count();
    const owner = [...after].find(([pid, n]) => n > (before.get(pid) || 0));

    if (!owner) {

        /* another one went at the same time */

        await p.post('1');
        return quiet(server);
    }

    p.owner = owner[0];

    await p.send('40', `42["room:join",{"roomName":"${ROOM}"}]`);
    await pollUntil(p, '42["room:joined"');

    return p;
}


/* probing from a worker that is not the session's own */
async function apart(server) {
    for ( ;; ) {
        const p = await quiet(server);
        const ws = await probed(server, p);
        const prober = holder(server, ws.socket);

        if (prober && prober !== p.owner) {
            return { p, ws, prober };
        }

        ws.destroy();
        await p.post('1');
    }
}


async function deaths(server) {
    for (let i = 0; i < 3; i++) {
        await test(`the owner dies between the probe and the "5", ${i + 1}`,
            async () => {
                const { p, ws } = await apart(server);

                await server.killWorker(p.owner);

                /* before and after it is known that the owner has gone */

                if (i) {
                    await sleep(i * 700);
                }

                ws.send('5');
                await ws.waitClose(4000);
                await settle(server, 0);
            });

        await test(`the owner dies right after the "5", ${i + 1}`,
            async () => {
                const { p, ws } = await apart(server);

                ws.send('5');

                if (i) {
                    await sleep(i);
                }

                await server.killWorker(p.owner);
                ws.send('42["ping"]');

                /* given away in time, or not */

                const end = await Promise.race([
                    ws.recv().then(() => 'alive'),
                    ws.waitClose(4000).then(() => 'closed')
                ]).catch(() => 'closed');

                await settle(server, end === 'alive' ? 1 : 0);
                ws.destroy();
                await settle(server, 0);
            });

        await test(`the prober dies: polling goes on, ${i + 1}`, async () => {
            const { p, ws, prober } = await apart(server);

            await server.killWorker(prober);
            await ws.waitClose();

            const talker = await Socket.open(server);

            await talker.ask('room:join', { roomName: ROOM });
            await talker.ask('message:send', { roomName: ROOM, content: 'x' });

            const got = [];

            await tap.until(3000, async () => {
                got.push(...await p.poll());

                return got.some((t) => t.startsWith('42["message:new"'));

            }, () => `a message: ${got}`);

            let next;

            await tap.until(4000, async () => {
                next = (await eio.upgrade(server, { sid: p.sid })).ws;
                next.send('2probe');

                return await next.recv().catch(() => null) === '3probe';

            }, 'another probe');

            next.send('5');
            next.send('420["ping"]');

            for ( ;; ) {
                const text = await next.recv();

                if (text.startsWith('430')) {
                    break;
                }
            }

            talker.destroy();
            next.destroy();
            await settle(server, 0);
        });

        await test(`the prober dies right after the "5", ${i + 1}`,
            async () => {
                const { ws, prober } = await apart(server);

                ws.send('5');

                if (i) {
                    await sleep(i);
                }

                await server.killWorker(prober);
                await ws.waitClose();

                /* moved to the dead, or still polling: that times out */

                await settle(server, 0, 6000);
            });
    }
}


if (reference) {
    tap.skipAll('nginx only');
}

tap.run(async () => {
    const server = await start('chat', {
        pingInterval: 25000, pingTimeout: 20000, workers: 4, name: 'races',
        directives: `${DIRECTIVES} realtime_namespace / /custom;`
    });

    await cases(server);
    await server.stop();

    const mortal = await start('chat', {
        pingInterval: 900, pingTimeout: 900, workers: 4, name: 'deaths'
    });

    await deaths(mortal);
    await mortal.stop();
});
