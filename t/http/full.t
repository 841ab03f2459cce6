#!/usr/bin/env node
'use strict';

/*
 * What happens when there is no room: the zone is full of sessions and rooms,
 * or realtime_max_connections is reached.
 */

const { reference, start } = require('../lib/fixture');
const eio = require('../lib/eio');
const { CONNECT_ERROR, Socket } = require('../lib/sio');
const tap = require('../lib/tap');

const { is, isDeeply, like, ok, sleep, test } = tap;

const ROOM = 'lobby';
const QUIET = { pingInterval: 25000, pingTimeout: 20000, workers: 4 };
const TRY_AGAIN_LATER = 1013;

/* more than a zone of this size holds */
const PLENTY = 6000;

/* that many clients fill it with rooms */
const HOGS = 10;


async function member(server, transport) {
    const s = await Socket.open(server, { transport });

    await s.ask('room:join', { roomName: ROOM });

    return s;
}


/* in flight at a time: "fn" is called with 0, 1, ... until it answers false */
async function repeat(width, fn) {
    let n = 0;
    let going = true;

    await Promise.all(Array.from({ length: width }, async () => {
        while (going && n < PLENTY) {
            if (!await fn(n++)) {
                going = false;
            }
        }
    }));

    return n;
}


/* they join rooms with long names until there is no place for another */
async function joinAll(hogs) {
    const refusals = [];
    let joined = 0;

    await repeat(16, async (i) => {
        const reply = await hogs[i % hogs.length].ask('room:join', {
            roomName: `${i}-`.padEnd(255, 'r')
        });

        if (reply.success) {
            joined++;
        } else {
            refusals.push(reply.error);
        }

        return reply.success;
    });

    return { joined, refusals };
}


/* opens polling sessions until one is refused */
async function openAll(server) {
    const sessions = [];
    const refusals = [];

    await repeat(8, async () => {
        const p = new eio.Polling(server);
        const res = await p.get();

        if (res.status === 200) {
            p.sid = JSON.parse(res.text.slice(1)).sid;
            sessions.push(p);
        } else {
            refusals.push(res);
        }

        return res.status === 200;
    });

    return { sessions, refusals };
}


function refused(res) {
    is(res.status, 503, 'status');
    like(res.headers['content-type'], /^application\/json/, 'type');
    like(res.headers['retry-after'], /^[1-9]\d*$/, 'Retry-After');

    const body = JSON.parse(res.text);

    is(body.code, 'SERVER_BUSY', 'code');
    is(typeof body.message, 'string', 'type of the message');
}


/* a WebSocket handshake without a session: refused before or after the 101 */
async function noWebSocket(server) {
    const res = await eio.upgrade(server);

    if (res.status !== 101) {
        refused(res);
        return;
    }

    is((await res.ws.waitCloseFrame(2000)).code, TRY_AGAIN_LATER, 'code');
    await res.ws.waitClose();
    is(res.ws.messages.length, 0, 'messages before the end');
}


function inUse(m) {
    return {
        sessions: m.sessions.total, connections: m.connections.total,
        sockets: m.sockets.total, rooms: m.rooms.total,
        memberships: m.rooms.memberships, bytes: m.zone.bytesUsed,
        owned: m.workers.reduce((sum, w) => sum + w.sessions, 0)
    };
}


async function settle(server, want, ms = 5000) {
    let last;

    await tap.until(ms, async () => {
        last = JSON.stringify(inUse(await server.metrics()));

        return last === JSON.stringify(want);

    }, () => `${JSON.stringify(want)}, got ${last}`);
}


/* everybody of the room speaks, everybody hears */
async function talk(list, word) {
    for (const [i, s] of list.entries()) {
        const { success } = await s.ask('message:send', {
            roomName: ROOM, content: `${word} ${i}`
        });

        is(success, true, 'success');
    }

    for (const s of list) {
        for (let i = 0; i < list.length; i++) {
            is((await s.one('message:new')).content, `${word} ${i}`,
               'content');
        }
    }
}


async function fill(server, list, round) {
    let hogs;
    let rooms;
    let idle;

    await test(`${round}: rooms until the zone is full`, async () => {
        hogs = await tap.keep(() => Promise.all(Array.from({ length: HOGS },
            () => Socket.open(server))));

        rooms = await joinAll(hogs);

        ok(rooms.joined > 300, `${rooms.joined} rooms`);
        ok(rooms.refusals.length > 0, 'refusals');

        for (const error of rooms.refusals) {
            is(error.code, 'SERVER_BUSY', 'code');
            is(typeof error.message, 'string', 'message');
        }

        const errors = hogs.map((s) => s.log.filter((e) => {
            return e.event === 'error' && e.args[0].code === 'SERVER_BUSY';
        }).length);

        is(errors.reduce((a, b) => a + b), rooms.refusals.length,
           'events "error"');
    }, { timeout: 20000 });

    await test(`${round}: sessions until the zone is full`, async () => {
        idle = await openAll(server);
        ok(idle.refusals.length > 0, `${idle.sessions.length} sessions`);
        idle.refusals.forEach(refused);
    }, { timeout: 20000 });

    await test(`${round}: WebSockets are closed`, async () => {
        for (let i = 0; i < 8; i++) {
            await noWebSocket(server);
        }
    });

    await test(`${round}: nobody new in a namespace`, async () => {
        let error;

        for (const p of idle.sessions) {
            await p.send('40');

            const packets = await p.poll();

            if (packets[0].startsWith(`4${CONNECT_ERROR}`)) {
                error = JSON.parse(packets[0].slice(2));
                break;
            }
        }

        is(error && error.message, 'SERVER_BUSY', 'CONNECT_ERROR');
    }, { timeout: 20000 });

    await test(`${round}: those who are in go on`, async () => {
        await talk(list, round);
    });

    await test(`${round}: and may move to a WebSocket`, async () => {
        const s = list.find((c) => c.client.transport === 'polling');

        if (s) {
            await tap.keep(() => s.client.upgrade());
        }

        await talk(list, 'moved');
    });

    return { hogs, idle: idle.sessions, rooms: rooms.joined };
}


async function empty(server, list, full) {
    await test('rooms are left: others can be joined', async () => {
        for (const s of full.hogs) {
            await s.client.close();
            await sleep(20);
        }

        await tap.until(5000, async () => {
            const { success } = await list[0].ask('room:join', {
                roomName: 'another'
            });

            return success;
        });

        await list[0].ask('room:leave', { roomName: 'another' });
    });

    await test('new clients of both transports are taken', async () => {
        const more = await Promise.all(['websocket', 'polling'].map((t) => {
            return member(server, t);
        }));

        await talk([...list, ...more], 'new');
        await Promise.all(more.map((s) => s.client.close()));
    });

    await Promise.all(full.idle.map((p) => p.post('1')));
}


async function zone() {
    const server = await start('chat', {
        ...QUIET, name: 'zone', maxPayload: 20000,
        http: 'realtime_zone small 1m;'
    });

    const nothing = inUse(await server.metrics());
    const rooms = [];

    for (let round = 1; round <= 2; round++) {
        const list = await Promise.all(['websocket', 'websocket', 'polling']
            .map((t) => member(server, t)));

        const full = await fill(server, list, `round ${round}`);

        rooms.push(full.rooms);
        await empty(server, list, full);
        await Promise.all(list.map((s) => s.client.close()));

        await test(`round ${round}: back to nothing`, async () => {
            await settle(server, nothing);
            is(nothing.sessions + nothing.rooms + nothing.sockets, 0, 'none');
        });
    }

    await test('as many rooms the second time', async () => {
        ok(Math.abs(rooms[0] - rooms[1]) < 32, `${rooms}`);
    });

    await test('the log names the directive', async () => {
        const log = server.errorLog();

        for (const what of [/could not join a room: .*realtime_zone/,
                            /no room for another session: .*realtime_zone/,
                            /could not connect: .*realtime_zone/])
        {
            like(log, what, 'error log');
        }
    });

    await test('refusals are counted', async () => {
        ok((await server.metrics()).totals.refused >= 16, 'refused');
    });

    await server.stop();
}


/* user:left for all of its rooms at once is longer than the log */
async function manyRooms() {
    const server = await start('chat', {
        ...QUIET, name: 'many rooms', maxPayload: 20000,
        http: 'realtime_zone small 1m;'
    });

    await test('one who was in very many rooms leaves: others stay',
        async () => {
            const list = await Promise.all(['websocket', 'websocket',
                'polling', 'websocket'].map((t) => member(server, t)));

            const hog = await Socket.open(server);

            await joinAll([hog]);
            await hog.client.close();
            await sleep(300);

            is(list.filter((s) => s.client.open).length, list.length, 'open');
            await talk(list, 'after');
            is((await server.metrics()).totals.lagged, 0, 'lagged');
        }, { timeout: 20000 });

    await server.stop();
}


/* a session by either transport, or the refusal */
async function attempt(server, i) {
    if (i % 2) {
        const p = new eio.Polling(server);
        const res = await p.get();

        if (res.status !== 200) {
            refused(res);
            return null;
        }

        p.sid = JSON.parse(res.text.slice(1)).sid;

        return { end: () => p.post('1') };
    }

    const res = await eio.upgrade(server);

    if (res.status !== 101) {
        refused(res);
        return null;
    }

    const first = await Promise.race([
        res.ws.recv(), res.ws.closing
    ]);

    if (typeof first === 'string') {
        return { end: () => res.ws.destroy() };
    }

    is(first.code, TRY_AGAIN_LATER, 'close code');

    return null;
}


async function connections() {
    const LIMIT = 20;

    const server = await start('chat', {
        ...QUIET, name: 'connections', reuseport: true,
        directives: `realtime_max_connections ${LIMIT};`
    });

    const nothing = inUse(await server.metrics());
    let members;
    let tried = 0;

    const both = async (n) => {
        const list = await Promise.all(Array.from({ length: n }, (_, i) => {
            return tap.keep(() => attempt(server, i));
        }));

        tried += n;

        return list.filter((s) => s);
    };

    await test('as many as are allowed, whoever they ask', async () => {
        members = await tap.keep(() => Promise.all([
            member(server, 'websocket'), member(server, 'polling')
        ]));

        const list = await both(80);
        const { sessions } = await server.metrics();

        is(list.length, LIMIT - members.length, 'taken');
        is(sessions.total, LIMIT, 'sessions');
        members.others = list;
    });

    await test('no more, of either transport', async () => {
        is((await both(12)).length, 0, 'taken');
    });

    await test('those who are in talk, and upgrade', async () => {
        await talk(members, 'full');
        await tap.keep(() => members[1].client.upgrade());
        await talk(members, 'upgraded');
        is((await server.metrics()).sessions.total, LIMIT, 'sessions');
    });

    await test('one goes, one comes', async () => {
        for (let i = 0; i < 6; i++) {
            await members.others.pop().end();

            await tap.until(3000, async () => {
                return (await server.metrics()).sessions.total === LIMIT - 1;
            });

            const s = await tap.keep(() => attempt(server, i));

            ok(s, 'taken');
            is(await attempt(server, i), null, 'the next one');
            members.others.push(s);
        }
    });

    await test('every refusal is counted', async () => {
        const { refused: n } = (await server.metrics()).totals;

        is(n, tried - (LIMIT - 2) + 6, 'refused');
    });

    await test('it is a limit for the whole host', async () => {
        await Promise.all(members.others.map((s) => s.end()));
        await Promise.all(members.map((s) => s.client.close()));
        await settle(server, nothing);
        isDeeply((await both(8)).length, 8, 'taken');
    });

    await server.stop();
}


if (reference) {
    tap.skipAll('nginx only');
}

tap.run(async () => {
    await zone();
    await manyRooms();
    await connections();
});
