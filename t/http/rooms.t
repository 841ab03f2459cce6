#!/usr/bin/env node
'use strict';

/*
 * The built-in events: rooms, messages, pings and errors, over every worker;
 * and what realtime_on makes of other events.
 */

const { everyLayout, reference, start } = require('../lib/fixture');
const { Socket } = require('../lib/sio');
const tap = require('../lib/tap');

const { is, isDeeply, like, ok, sleep, test } = tap;

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

let rooms = 0;


/* tests share a server, not rooms */
function room() {
    return `room-${process.pid}-${rooms++}`;
}


/* a connected client, greeting read */
async function client(server, options = {}) {
    const s = await Socket.open(server, options);

    await s.one('connected');

    return s;
}


/* n clients that have joined "roomName", with nothing left to read */
async function members(server, roomName, n, options) {
    const list = [];

    for (let i = 0; i < n; i++) {
        const s = await client(server, options);
        const reply = await s.ask('room:join', { roomName });

        isDeeply(reply, { success: true, data: { roomName,
                                                 memberCount: i + 1 } },
                 'answer to room:join');
        list.push(s);
    }

    for (let i = 0; i < n; i++) {
        await list[i].one('room:joined');

        for (let j = i + 1; j < n; j++) {
            await list[i].one('user:joined');
        }
    }

    return list;
}


/* a refusal: in the ack and as the event "error", the same in both */
async function refused(s, code, event, ...args) {
    const reply = await s.ask(event, ...args);

    is(reply.success, false, 'success');
    is(reply.error.code, code, `code (${JSON.stringify(reply)})`);
    ok(typeof reply.error.message === 'string' && reply.error.message,
       'message');
    isDeeply(await s.one('error'), reply.error, 'the event "error"');

    return reply.error;
}


async function greeting(server) {
    await test('connected: the greeting', async () => {
        const s = await Socket.open(server);
        const data = await s.one('connected');

        isDeeply(Object.keys(data).sort(),
                 ['protocolVersion', 'serverTime', 'socketId'], 'fields');
        is(data.socketId, s.id, 'socketId');
        is(data.protocolVersion, '1.0', 'protocolVersion');
        like(data.serverTime, ISO, 'serverTime');
        ok(Math.abs(Date.parse(data.serverTime) - Date.now()) < 5000,
           'serverTime is now');
    });

    await test('connected: a token is ignored without a key', async () => {
        const s = await Socket.open(server, { auth: { token: 'a.b.c' } });

        await s.one('connected');
        await s.none('authenticated', 100);
    });

    await test('ping: a pong with the time', async () => {
        const s = await client(server);

        s.emit('ping');

        const { timestamp } = await s.one('pong');

        ok(Number.isInteger(timestamp), `timestamp ${timestamp}`);
        ok(Math.abs(timestamp - Date.now()) < 5000, 'timestamp is now');
    });

    await test('ping: with an ack', async () => {
        const s = await client(server);

        is((await s.ask('ping')).success, true, 'success');
        ok((await s.one('pong')).timestamp > 0, 'pong');
    });

    await test('pong: is taken', async () => {
        const s = await client(server);

        is((await s.ask('pong', { timestamp: Date.now() })).success, true,
           'success');
        await s.none('error', 50);
    });

    await test('an event nobody knows: UNKNOWN_EVENT', async () => {
        const s = await client(server);

        await refused(s, 'UNKNOWN_EVENT', 'no:such', { a: 1 });
    });

    await test('UNKNOWN_EVENT without an ack: "error" all the same',
        async () => {
            const s = await client(server);

            s.emit('no:such');
            is((await s.one('error')).code, 'UNKNOWN_EVENT', 'code');
        });

    await test('"error" and "__proto__" are names like any other', async () => {
        const s = await client(server);

        await refused(s, 'UNKNOWN_EVENT', 'error');
        await refused(s, 'UNKNOWN_EVENT', '__proto__');
        await refused(s, 'UNKNOWN_EVENT', '');
    });
}


async function joining(server) {
    await test('room:join: effects in order', async () => {
        const roomName = room();
        const s = await client(server);
        const data = { roomName, memberCount: 1 };
        const reply = await s.ask('room:join', { roomName });

        isDeeply(reply, { success: true, data }, 'ack');
        isDeeply(s.log.map((e) => e.event || 'ack'),
                 ['connected', 'room:joined', 'ack'], 'order');
        isDeeply(await s.one('room:joined'), data, 'room:joined');
    });

    await test('room:join: others hear of it, the sender does not',
        async () => {
            const roomName = room();
            const [a, b] = await members(server, roomName, 2);
            const c = await client(server);

            await c.ask('room:join', { roomName });

            for (const s of [a, b]) {
                isDeeply(await s.one('user:joined'),
                         { roomName, userId: null }, 'user:joined');
            }

            await c.none('user:joined', 100);
        });

    await test('room:join: without an ack', async () => {
        const roomName = room();
        const s = await client(server);

        s.emit('room:join', { roomName });
        isDeeply(await s.one('room:joined'), { roomName, memberCount: 1 },
                 'room:joined');
    });

    await test('room:join: twice is harmless', async () => {
        const roomName = room();
        const [a, b] = await members(server, roomName, 2);

        isDeeply(await b.ask('room:join', { roomName }),
                 { success: true, data: { roomName, memberCount: 2 } }, 'ack');
        await a.none('user:joined', 100);
    });

    await test('room:join: memberCount over all workers', async () => {
        const roomName = room();

        await members(server, roomName, 12);
    });

    await test('room:leave: effects in order', async () => {
        const roomName = room();
        const [a, b] = await members(server, roomName, 2);

        b.log.length = 0;

        is((await b.ask('room:leave', { roomName })).success, true, 'ack');
        isDeeply(b.log.map((e) => e.event || 'ack'), ['room:left', 'ack'],
                 'order');
        isDeeply(await b.one('room:left'), { roomName }, 'room:left');
        isDeeply(await a.one('user:left'), { roomName, userId: null },
                 'user:left');
        await b.none('user:left', 50);
    });

    await test('room:leave: nothing arrives any more', async () => {
        const roomName = room();
        const [a, b] = await members(server, roomName, 2);

        await b.ask('room:leave', { roomName });
        await a.ask('message:send', { roomName, content: 'x' });
        await a.one('message:new');
        await b.none('message:new', 100);
    });

    await test('room:leave: who is not in it', async () => {
        const roomName = room();
        const [s, other] = [await client(server), await client(server)];

        await other.ask('room:join', { roomName });
        is((await s.ask('room:leave', { roomName })).success, true, 'ack');
        isDeeply(await s.one('room:left'), { roomName }, 'room:left');
        await other.none('user:left', 100);
    });

    await test('room:leave: and join again', async () => {
        const roomName = room();
        const [a, b] = await members(server, roomName, 2);

        await b.ask('room:leave', { roomName });
        await a.one('user:left');
        is((await b.ask('room:join', { roomName })).data.memberCount, 2,
           'memberCount');
        await a.one('user:joined');
    });

    await test('a member that disconnects has left', async () => {
        const roomName = room();
        const [a, b] = await members(server, roomName, 2);

        b.disconnect();
        isDeeply(await a.one('user:left'), { roomName, userId: null },
                 'user:left');
    });

    for (const transport of ['websocket', 'polling']) {
        await test(`a member that closes its ${transport} has left`,
            async () => {
                const [r1, r2] = [room(), room()];
                const [a] = await members(server, r1, 1);
                const b = await client(server, { transport });

                await a.ask('room:join', { roomName: r2 });
                await b.ask('room:join', { roomName: r1 });
                await b.ask('room:join', { roomName: r2 });
                await a.one('user:joined');
                await a.one('user:joined');

                /* a poll that is given up closes, too */
                await sleep(20);
                b.destroy();

                const left = [await a.one('user:left'),
                              await a.one('user:left')];

                isDeeply(left.map((e) => e.roomName).sort(), [r1, r2].sort(),
                         'rooms left');
            });
    }

    await test('the last one out takes the room away', async () => {
        const roomName = room();
        const [a, b] = await members(server, roomName, 2);

        await a.ask('room:leave', { roomName });
        b.destroy();

        await tap.until(2000, async () => {
            const s = await client(server);
            const reply = await s.ask('room:join', { roomName });

            await s.ask('room:leave', { roomName });

            return reply.data.memberCount === 1;
        });
    });
}


async function sending(server) {
    await test('message:send: every member, the sender included', async () => {
        const roomName = room();
        const all = await members(server, roomName, 6);
        const reply = await all[0].ask('message:send',
                                       { roomName, content: 'hello' });

        is(reply.success, true, 'success');
        isDeeply(Object.keys(reply.data).sort(), ['id', 'timestamp'], 'data');
        like(reply.data.timestamp, ISO, 'timestamp');
        ok(typeof reply.data.id === 'string' && reply.data.id, 'id');

        for (const s of all) {
            isDeeply(await s.one('message:new'), {
                id: reply.data.id, roomName, userId: null, content: 'hello',
                timestamp: reply.data.timestamp
            }, 'message:new');
        }
    });

    await test('message:send: message:new before the ack', async () => {
        const roomName = room();
        const [a] = await members(server, roomName, 1);

        a.log.length = 0;
        await a.ask('message:send', { roomName, content: 'x' });
        isDeeply(a.log.map((e) => e.event || 'ack'), ['message:new', 'ack'],
                 'order');
    });

    await test('message:send: threadId and metadata', async () => {
        const roomName = room();
        const [a, b] = await members(server, roomName, 2);
        const metadata = { a: [1, { b: null }], c: 'ü' };

        await a.ask('message:send',
                    { roomName, content: 'x', threadId: 't-1', metadata });

        const got = await b.one('message:new');

        is(got.threadId, 't-1', 'threadId');
        isDeeply(got.metadata, metadata, 'metadata');
    });

    await test('message:send: text without < byte for byte', async () => {
        const roomName = room();
        const [a, b] = await members(server, roomName, 2);
        const content = ' & &amp; "quotes" \' \\ \u0000 \t\n ü € \u{1f680} > ';

        await a.ask('message:send', { roomName, content });
        is((await b.one('message:new')).content, content, 'content');
    });

    await test('message:send: ids are all different', async () => {
        const roomName = room();
        const all = await members(server, roomName, 3);
        const ids = new Set();
        const asked = [];

        for (let i = 0; i < 9; i++) {
            asked.push(all[i % 3].ask('message:send',
                                      { roomName, content: `${i}` }));
        }

        for (const reply of await Promise.all(asked)) {
            ids.add(reply.data.id);
        }

        is(ids.size, 9, 'different ids');
    });

    await test('message:send: userId and others are not the client\'s',
        async () => {
            const roomName = room();
            const [a, b] = await members(server, roomName, 2);

            await a.ask('message:send', {
                roomName, content: 'x', userId: 'admin', id: 'mine',
                timestamp: 'never', evil: true
            });

            const got = await b.one('message:new');

            is(got.userId, null, 'userId');
            ok(got.id !== 'mine', 'id');
            like(got.timestamp, ISO, 'timestamp');
            is(got.evil, undefined, 'another field');
        });

    await test('message:send: who is not in the room: NOT_IN_ROOM',
        async () => {
            const roomName = room();
            const [a] = await members(server, roomName, 1);
            const s = await client(server);

            await refused(s, 'NOT_IN_ROOM', 'message:send',
                          { roomName, content: 'x' });
            await a.none('message:new', 100);
        });

    await test('message:send: rooms do not hear each other', async () => {
        const [r1, r2] = [room(), room()];
        const [a] = await members(server, r1, 1);
        const [b] = await members(server, r2, 1);

        await a.ask('message:send', { roomName: r1, content: 'x' });
        await b.none('message:new', 100);
    });

    await test('message:send: over polling as over WebSocket', async () => {
        const roomName = room();
        const [a] = await members(server, roomName, 1);
        const b = await client(server, { transport: 'polling' });

        await b.ask('room:join', { roomName });

        for (const [from, to] of [[a, b], [b, a]]) {
            await from.ask('message:send', { roomName, content: 'x' });
            is((await to.one('message:new')).content, 'x', 'content');
            is((await from.one('message:new')).content, 'x', 'content');
        }
    });

    await test('message:send: after an upgrade', async () => {
        const roomName = room();
        const [a] = await members(server, roomName, 1);
        const b = await client(server, { transport: 'polling' });

        await b.ask('room:join', { roomName });
        await b.client.upgrade();

        for (const [from, to] of [[a, b], [b, a]]) {
            await from.ask('message:send', { roomName, content: 'x' });
            is((await to.one('message:new')).content, 'x', 'content');
            is((await from.one('message:new')).content, 'x', 'content');
        }
    });
}


async function validation(server) {
    const long = (n) => 'x'.repeat(n);

    const bad = [
        ['room:join', [], ''],
        ['room:join', [null], ''],
        ['room:join', ['general'], ''],
        ['room:join', [[]], ''],
        ['room:join', [{}], 'roomName'],
        ['room:join', [{ roomName: '' }], 'roomName'],
        ['room:join', [{ roomName: 7 }], 'roomName'],
        ['room:join', [{ roomName: null }], 'roomName'],
        ['room:join', [{ roomName: 'General' }], 'roomName'],
        ['room:join', [{ roomName: 'a b' }], 'roomName'],
        ['room:join', [{ roomName: 'a.b' }], 'roomName'],
        ['room:join', [{ roomName: 'ä' }], 'roomName'],
        ['room:join', [{ roomName: 'a\u0000' }], 'roomName'],
        ['room:join', [{ roomName: long(256) }], 'roomName'],
        ['room:leave', [{}], 'roomName'],
        ['message:send', [{ roomName: 'a' }], 'content'],
        ['message:send', [{ roomName: 'a', content: '' }], 'content'],
        ['message:send', [{ roomName: 'a', content: 7 }], 'content'],
        ['message:send', [{ roomName: 'a', content: long(5001) }], 'content'],
        ['message:send', [{ content: 'x' }], 'roomName'],
        ['message:send', [{ roomName: 'a', content: 'x', threadId: 7 }],
         'threadId'],
        ['message:send', [{ roomName: 'a', content: 'x', metadata: 'm' }],
         'metadata'],
        ['message:send', [{ roomName: 'a', content: 'x', metadata: [] }],
         'metadata']
    ];

    await test('VALIDATION_ERROR: details name what is wrong', async () => {
        const s = await client(server);

        for (const [event, args, path] of bad) {
            const what = `${event} ${JSON.stringify(args).slice(0, 60)}`;
            const { details } = await refused(s, 'VALIDATION_ERROR', event,
                                              ...args);

            ok(Array.isArray(details), `details of ${what}`);
            isDeeply(details.map((d) => d.path), [path], `path, ${what}`);

            for (const d of details) {
                isDeeply(Object.keys(d).sort(), ['message', 'path'], 'keys');
                ok(typeof d.message === 'string' && d.message, 'message');
            }
        }
    });

    await test('VALIDATION_ERROR: every mistake at once', async () => {
        const s = await client(server);
        const { details } = await refused(s, 'VALIDATION_ERROR',
            'message:send', { roomName: '!', content: '', metadata: 1 });

        isDeeply(details.map((d) => d.path).sort(),
                 ['content', 'metadata', 'roomName'], 'paths');
    });

    await test('the longest names and texts are taken', async () => {
        const s = await client(server);
        const roomName = (room() + '-_09az' + 'x'.repeat(255)).slice(0, 255);
        const content = '\u{1f680}'.repeat(5000);

        is((await s.ask('room:join', { roomName })).success, true, 'join');
        is((await s.ask('message:send', { roomName, content })).success, true,
           'send');
        ok((await s.one('message:new')).content === content, 'content');
    });

    await test('names with escapes are the same names', async () => {
        const roomName = room();
        const [a] = await members(server, roomName, 1);
        const b = await client(server);
        const escaped = [...roomName].map((c) => {
            return '\\u00' + c.charCodeAt(0).toString(16);
        }).join('');

        b.client.send(`2["room:join",{"roomName":"${escaped}"}]`);
        isDeeply(await b.one('room:joined'), { roomName, memberCount: 2 },
                 'room:joined');
        await a.one('user:joined');
    });
}


async function order(server) {
    await test('join, send, leave in one go: done in that order', async () => {
        const roomName = room();
        const [a] = await members(server, roomName, 1);
        const b = await client(server);

        b.log.length = 0;
        b.emit('room:join', { roomName });
        b.emit('message:send', { roomName, content: '1' });
        b.emit('message:send', { roomName, content: '2' });
        b.emit('room:leave', { roomName });
        b.emit('message:send', { roomName, content: '3' });

        is((await b.one('error')).code, 'NOT_IN_ROOM', 'code of the last');

        isDeeply(b.log.map((e) => e.event), [
            'room:joined', 'message:new', 'message:new', 'room:left', 'error'
        ], 'the sender\'s view');

        await a.one('user:left');

        isDeeply(a.log.slice(-4).map((e) => e.event), [
            'user:joined', 'message:new', 'message:new', 'user:left'
        ], 'the other\'s view');
    });

    await test('a member sees no message from before its join', async () => {
        const roomName = room();
        const [a] = await members(server, roomName, 1);
        const b = await client(server);

        b.log.length = 0;

        for (let i = 0; i < 20; i++) {
            a.emit('message:send', { roomName, content: `${i}` });
        }

        const joined = b.ask('room:join', { roomName });

        for (let i = 20; i < 40; i++) {
            a.emit('message:send', { roomName, content: `${i}` });
        }

        await joined;
        await a.ask('message:send', { roomName, content: 'end' });

        while ((await b.one('message:new')).content !== 'end') {
            /* up to the last */
        }

        is(b.log[0].event, 'room:joined', 'first of the events');

        const got = b.log.filter((e) => e.event === 'message:new')
                     .map((e) => e.args[0].content);
        const all = a.log.filter((e) => e.event === 'message:new')
                     .map((e) => e.args[0].content);

        isDeeply(got, all.slice(all.length - got.length), 'without a gap');
    });
}


async function actions(server) {
    await test('relay: to the other members, userId by the server',
        async () => {
            const roomName = room();
            const [a, b, c] = await members(server, roomName, 3);

            a.emit('cursor:move', { roomName, x: 1, y: [2], userId: 'admin' });

            for (const s of [b, c]) {
                isDeeply(await s.one('cursor:move'),
                         { roomName, x: 1, y: [2], userId: null }, 'payload');
            }

            await a.none('cursor:move', 100);
        });

    await test('relay: whatever tricks the client plays with userId',
        async () => {
            const roomName = room();
            const [a, b] = await members(server, roomName, 2);
            const tricks = [
                `{"userId":"admin","roomName":"${roomName}"}`,
                `{"roomName":"${roomName}","userId":"admin"}`,
                `{"userId":"x","roomName":"${roomName}","userId":"admin"}`,
                `{"user\\u0049d":"admin","roomName":"${roomName}"}`,
                `{"roomName":"${roomName}" , "userId" : {"a":[1]} }`,
                `{"roomName":"${roomName}","fromUserId":"admin"}`
            ];

            for (const json of tricks) {
                a.client.send(`2["cursor:move",${json}]`);

                const got = await b.one('cursor:move');

                is(got.userId, null, `userId of ${json}`);
                ok(got.fromUserId !== 'admin', `fromUserId of ${json}`);
                is(got.roomName, roomName, 'roomName');
            }
        });

    await test('relay: under another name', async () => {
        const roomName = room();
        const [a, b] = await members(server, roomName, 2);

        a.emit('draw', { roomName, n: 1 });
        isDeeply(await b.one('drawn'), { roomName, n: 1, userId: null },
                 'payload');
    });

    await test('relay: an ack', async () => {
        const roomName = room();
        const [a, b] = await members(server, roomName, 2);
        const reply = await a.ask('cursor:move', { roomName });

        is(reply.success, true, 'success');
        await b.one('cursor:move');
    });

    await test('relay: attachments', async () => {
        const roomName = room();
        const [a, b] = await members(server, roomName, 2);
        const data = Buffer.from([0, 1, 2, 255]);
        const other = Buffer.alloc(70000, 3);

        a.emit('cursor:move', { roomName, data, deep: [{ other }] });
        isDeeply(await b.one('cursor:move'),
                 { roomName, data, deep: [{ other }], userId: null },
                 'payload');
    });

    await test('relay: attachments to a polling client', async () => {
        const roomName = room();
        const [a] = await members(server, roomName, 1);
        const b = await client(server, { transport: 'polling' });
        const data = Buffer.from([0, 1, 2, 255]);

        await b.ask('room:join', { roomName });
        a.emit('cursor:move', { roomName, data });
        isDeeply(await b.one('cursor:move'), { roomName, data, userId: null },
                 'payload');
    });

    await test('relay: who is not in the room: NOT_IN_ROOM', async () => {
        const roomName = room();
        const [a] = await members(server, roomName, 1);
        const s = await client(server);

        await refused(s, 'NOT_IN_ROOM', 'cursor:move', { roomName });
        await a.none('cursor:move', 100);
    });

    await test('relay: without a room: VALIDATION_ERROR', async () => {
        const s = await client(server);

        await refused(s, 'VALIDATION_ERROR', 'cursor:move', { x: 1 });
    });

    await test('a prefix with *', async () => {
        const roomName = room();
        const [a, b] = await members(server, roomName, 2);

        for (const name of ['game:start', 'game:', 'game:a:b']) {
            a.emit(name, { roomName });
            isDeeply(await b.one(name), { roomName, userId: null }, name);
        }

        await refused(a, 'UNKNOWN_EVENT', 'game', { roomName });
    });

    await test('an exact name wins over a prefix', async () => {
        const roomName = room();
        const [a, b] = await members(server, roomName, 2);

        a.emit('game:drop', { roomName });
        await b.none('game:drop', 100);
    });

    await test('drop: nothing comes of it', async () => {
        const s = await client(server);

        s.emit('secret', { a: 1 });
        await s.none('error', 100);
    });

    await test('echo: all arguments, under another name', async () => {
        const s = await client(server);
        const args = [1, 'two', { three: [Buffer.from([3])] }, null];

        s.emit('say', ...args);
        isDeeply(await s.next('said'), args, 'arguments');
    });

    await test('echo: without "as" it keeps its name', async () => {
        const s = await client(server);

        s.emit('again', 1);
        isDeeply(await s.next('again'), [1], 'arguments');
    });

    await test('ack: all arguments', async () => {
        const s = await client(server);
        const args = [1, 'two', { three: [Buffer.from([3])] }, null];

        isDeeply(await s.call('mirror', ...args), args, 'arguments');
    });

    await test('ack: nothing if none was asked for', async () => {
        const s = await client(server);

        s.emit('mirror', 1);
        isDeeply(await s.call('mirror', 2), [2], 'arguments');
    });

    await test('echo with an ack id: asks the client, passes it on',
        async () => {
            const s = await client(server);
            const answer = s.call('say', 'question');
            const event = await s.events.next(2000,
                                              (e) => e.event === 'said');

            isDeeply(event.args, ['question'], 'arguments');
            ok(Number.isInteger(event.id), `ack id ${event.id}`);
            s.ack(event.id, 'answer', 42);
            isDeeply(await answer, ['answer', 42], 'answer');
        });

    await test('echo with an ack id: several at a time', async () => {
        const s = await client(server);
        const answers = [1, 2, 3].map((n) => s.call('say', n));
        const events = [];

        while (events.length < 3) {
            events.push(await s.events.next(2000, (e) => e.event === 'said'));
        }

        for (const event of events.reverse()) {
            s.ack(event.id, event.args[0] * 10);
        }

        isDeeply(await Promise.all(answers), [[10], [20], [30]], 'answers');
    });

    await test('a built-in event that is turned off', async () => {
        const s = await client(server);

        s.emit('pong', { timestamp: 1 });
        isDeeply(await s.next('ponged'), [{ timestamp: 1 }], 'replaced');
    });
}


const EVENTS = `
    realtime_on cursor:move relay;
    realtime_on draw relay as drawn;
    realtime_on game:* relay;
    realtime_on game:drop drop;
    realtime_on secret drop;
    realtime_on say echo as said;
    realtime_on again echo;
    realtime_on mirror ack;
    realtime_on pong echo as ponged;
`;


async function counts(server) {
    await test('counts go back to nothing', async () => {
        await tap.until(3000, async () => {
            const { rooms: r, connections, sessions } = await server.metrics();

            return r.total === 0 && r.memberships === 0
                   && connections.total === 0 && sessions.total === 0;

        }, 'no rooms, no sessions');
    });
}


tap.run(async () => {
    await everyLayout('chat', {}, async (server) => {
        await greeting(server);
        await joining(server);
        await sending(server);
        await validation(server);
        await order(server);
        await counts(server);
    });

    if (!reference) {
        await everyLayout('chat', { directives: EVENTS }, async (server) => {
            await actions(server);
            await counts(server);
        });

        await test('the counts of /metrics', async () => {
            const server = await start('chat', { workers: 2, name: 'counts' });
            const [r1, r2] = [room(), room()];
            const [a, b] = await members(server, r1, 2);

            await a.ask('room:join', { roomName: r2 });

            const { connections, sessions, rooms: r } = await server.metrics();

            is(connections.total, 2, 'connections.total');
            is(sessions.total, 2, 'sessions.total');
            isDeeply([r.total, r.memberships], [2, 3], 'rooms');
            b.destroy();
        });
    }
});
