#!/usr/bin/env node
'use strict';

/*
 * What Node servers want of the sockets of several workers, or ask them: that
 * they enter rooms, leave them, or go, where that stands in the order of
 * messages; who they are; and what each of them acknowledges.
 */

const { createAdapter } = require('@socket.io/redis-adapter');
const { createClient } = require('@redis/client');
const { Server } = require('socket.io');
const redisServer = require('../lib/redis');
const nginx = require('../lib/server');
const { back, come, cut, dial, elsewhere } = require('../lib/recovery');
const { done, unique } = require('../lib/people');
const { Socket } = require('../lib/sio');
const tap = require('../lib/tap');
const tokens = require('../lib/tokens');

const { is, isDeeply, ok, sleep, test, until } = tap;

const BYTES = Buffer.from([0, 1, 254, 255]);

const LOCATION = `
    location /socket.io/ {
        realtime on;
        realtime_allow_anonymous on;
        realtime_namespace / /custom;
        realtime_limit_messages off;
        realtime_limit_room off;
        realtime_limit_connections off;
    }`;


/* a Node server that has no clients */
async function node(redis) {
    const pub = createClient({ url: redis.url() });
    const sub = pub.duplicate();

    for (const client of [pub, sub]) {
        client.on('error', (e) => tap.diag(`redis: ${e.message}`));
        await client.connect();
        tap.cleanup(() => client.close());
    }

    const io = new Server({ adapter: createAdapter(pub, sub) });

    io.of('/');

    return io;
}


function host(redis, opts = {}) {
    return nginx.start({
        workers: 3, reuseport: true, recovery: '20s',
        server: 'add_header X-Worker $pid always;',
        http: `realtime_redis ${redis.url()};`,
        env: { REALTIME_JWT_SECRET: tokens.SECRET },
        locations: LOCATION,
        ...opts
    });
}


/* until what is said at one end is heard at the other */
async function linked(io, s) {
    await until(10000, async () => {
        io.emit('linked');
        await sleep(20);

        return s.log.some((e) => e.event === 'linked');
    }, 'they hear of each other');

    await settled(io, s);
}


/* until "s" has heard all that was said so far */
async function settled(io, ...all) {
    const word = unique('settled');

    io.emit(word);
    await Promise.all(all.map((s) => s.next(word)));
}


/* users on as many workers as there are */
async function people(server, io, n, options = {}) {
    const list = [];

    for (let i = 0; i < n; i++) {
        const used = list.map((s) => s.worker);

        list.push(await come(server, {
            user: unique('user'),
            on: (pid) => used.length >= server.opts.workers
                         || !used.includes(pid),
            ...options
        }));
    }

    for (const s of list) {
        await linked(io, s);
    }

    return list;
}


function members(io, room) {
    return io.in(room).fetchSockets()
             .then((sockets) => sockets.map((s) => s.id).sort());
}


function ids(...all) {
    return all.map((s) => s.id).sort();
}


tap.run(async () => {
    const redis = await redisServer.start();
    const server = await host(redis);
    const io = await node(redis);

    await test('sockets enter a room and leave it', async () => {
        const all = await people(server, io, 3);
        const room = unique('room');
        const [a, b, c] = all;

        io.in([a.id, b.id]).socketsJoin(room);
        io.to(room).emit('in', 1);
        await settled(io, ...all);

        isDeeply(await members(io, room), ids(a, b), 'who is in it');
        isDeeply(await a.next('in'), [1], 'what follows is for it');
        isDeeply(await b.next('in'), [1], 'and for it');
        await c.none('in', 0);

        io.in(room).except(b.id).socketsLeave(room);
        io.to(room).emit('in', 2);
        await settled(io, ...all);

        isDeeply(await members(io, room), ids(b), 'who is in it still');
        isDeeply(await b.next('in'), [2], 'what follows is for it alone');
        await a.none('in', 0);
    });

    await test('others in the room hear of it', async () => {
        const [a, b] = await people(server, io, 2);
        const roomName = unique('room');

        await done(a, 'room:join', { roomName });
        io.in(b.id).socketsJoin(roomName);
        isDeeply(await a.one('user:joined'), { roomName, userId: b.user },
                 'user:joined');

        await done(b, 'message:send', { roomName, content: 'hello' });
        is((await a.one('message:new')).content, 'hello', 'it may write there');

        io.in(b.id).socketsLeave(roomName);
        isDeeply(await a.one('user:left'), { roomName, userId: b.user },
                 'user:left');
    });

    await test('rooms may have any name, but not that of a user', async () => {
        const [a, b] = await people(server, io, 2);

        for (const name of ['a "quoted" \\ one', '\u00fc \u{1f600}', 'UP#', '\n',
                            '17', 'x'.repeat(20), 'y'.repeat(255)]) {
            io.in([a.id, b.id]).socketsJoin(name);
            io.to(name).emit('odd', name);
            isDeeply(await a.next('odd'), [name], 'a message to it');
            isDeeply(await b.next('odd'), [name], 'and to the other');
            isDeeply(await members(io, name), ids(a, b), 'who is in it');
        }

        await settled(io, a, b);

        /* when one is told of the other may be in the room as well */
        const told = [a, b].map((x) => x.log.filter((e) =>
            e.event === 'user:joined').map((e) => e.args[0].roomName));

        is(new Set(told.flat()).size, 7, 'user:joined for each');
        ok(told.every((names) => new Set(names).size === names.length),
           'once');
        ok(told.flat().includes('a "quoted" \\ one'), 'with its name');

        io.in(a.id).socketsJoin([`@${b.user}`, a.id, '', 'z'.repeat(256)]);
        io.to(`@${b.user}`).emit('for-b');
        io.to(b.id).emit('for-b');
        await settled(io, a, b);
        await a.none('for-b', 0);
        await b.next('for-b');
        await b.next('for-b');
    });

    await test('to sockets, to users, and except rooms', async () => {
        const all = await people(server, io, 3);
        const room = unique('room');
        const [a, b, c] = all;

        io.in([a.id, b.id]).socketsJoin(room);
        io.to(a.id).emit('only', 'a');
        io.to(`@${b.user}`).emit('only', 'b');
        io.except(room).emit('only', 'c');
        io.to(room).except(`@${a.user}`).emit('only', 'b again');
        io.to([room, a.id, `@${a.user}`]).emit('only', 'once');
        await settled(io, ...all);

        const got = all.map((s) => s.log.filter((e) => e.event === 'only')
                                    .map((e) => e.args[0]));

        isDeeply(got, [['a', 'once'], ['b', 'b again', 'once'], ['c']],
                 'who hears what');
        ok(c.log.length, 'all are there');
    });

    await test('sockets go', async () => {
        const [a, b] = await people(server, io, 2);

        await b.connect('/custom');
        io.in(a.id).disconnectSockets();
        is((await a.reply('/')).type, 1, 'a DISCONNECT');
        ok(a.client.open, 'its connection stays');

        io.in(b.id).disconnectSockets(true);
        is((await b.reply('/')).type, 1, 'a DISCONNECT');
        is((await b.reply('/custom')).type, 1, 'one in each namespace');
        await b.waitClose(5000);
    });

    await test('acks of several workers', async () => {
        const all = await people(server, io, 3);
        const room = unique('room');

        io.in(all.map((s) => s.id)).socketsJoin(room);
        await settled(io, ...all);

        const asked = io.to(room).timeout(4000).emitWithAck('ask', BYTES, 'x');

        for (const [i, s] of all.entries()) {
            const { args, id } = await s.events.next(5000,
                (e) => e.event === 'ask', 'the question');

            isDeeply(args, [BYTES, 'x'], 'arguments');
            s.ack(id, i === 0 ? { bytes: BYTES } : `answer ${i}`, 'more');
        }

        const answers = await asked;

        is(answers.length, 3, 'number of answers');
        ok(answers.some((x) => x.bytes && Buffer.compare(x.bytes, BYTES) === 0),
           'a binary answer');
        ok(answers.includes('answer 1') && answers.includes('answer 2'),
           'the others');
    });

    await test('who does not answer is missed', async () => {
        const [a, b] = await people(server, io, 2);

        const asked = io.to([a.id, b.id]).timeout(1000).emitWithAck('ask')
            .catch((e) => e);

        const { id } = await a.events.next(5000, (e) => e.event === 'ask',
                                           'the question');

        a.ack(id, 1);
        isDeeply((await asked).responses, [1], 'what there is');
        isDeeply(await io.to('nobody').timeout(1000).emitWithAck('ask'), [],
                 'nobody is asked');
    });

    await test('recovery: what a client was to do while it was away',
        async () => {
            const [a, b] = await people(server, io, 2);
            const room = unique('room');
            const other = unique('room');

            io.in([a.id, b.id]).socketsJoin(room);
            io.to(room).emit('said', 1);
            isDeeply(await a.next('said'), [1], 'before');
            await settled(io, a, b);

            await cut(server, a);
            io.to(room).emit('said', 2);
            io.in(a.id).socketsLeave(room);
            io.to(room).emit('said', 3);
            io.in(a.id).socketsJoin(other);
            io.to(other).emit('said', 4);
            await settled(io, b);

            const c = await back(server, a, { on: elsewhere(server, a) });

            isDeeply(await c.next('said'), [2], 'before it left');
            isDeeply(await c.next('said'), [4], 'after it entered');
            isDeeply(await members(io, room), ids(b), 'it has left');
            isDeeply(await members(io, other), ids(c), 'it has entered');

            io.to(room).emit('said', 5);
            io.to(other).emit('said', 6);
            isDeeply(await c.next('said'), [6], 'later');

            /* what was done is not done once more */

            io.in(c.id).socketsLeave(other);
            await settled(io, c);
            await done(c, 'room:join', { roomName: other });
            await cut(server, c);

            const d = await back(server, c);

            isDeeply(await members(io, other), ids(d), 'it is in it again');
        });

    await test('recovery: to go while it is away', async () => {
        const [a, b] = await people(server, io, 2);

        await cut(server, a);
        io.in(a.id).disconnectSockets();
        await settled(io, b);

        const { pid, offset } = a.states['/'];
        const c = await dial(server);
        const auth = { token: tokens.sign({ userId: a.user }) };

        c.packet({ type: 0, nsp: '/', data: { pid, offset, ...auth } });
        is((await c.reply('/')).data.pid, pid, 'it is recovered');
        is((await c.reply('/')).type, 1, 'and is sent away');
    });

    await test('volatile events are not given to who comes back', async () => {
        const [a] = await people(server, io, 1);
        const plain = await Socket.open(server);
        const room = unique('room');

        io.in([a.id, plain.id]).socketsJoin(room);
        await settled(io, a);
        await cut(server, a);

        io.to(room).volatile.emit('now', 1);
        isDeeply(await plain.next('now'), [1], 'it has no offset');
        io.to(room).emit('kept', 2);
        await plain.next('kept');

        const b = await back(server, a);

        isDeeply(await b.next('kept'), [2], 'another one');
        await b.none('now', 0);
        plain.destroy();
    });

    await test('who changes its transport, and its worker, misses nothing',
        async () => {
            const room = unique('room');
            const all = [];

            for (let i = 0; i < 20; i++) {
                all.push(await come(server, {
                    user: unique('user'), transport: 'polling'
                }));
            }

            await linked(io, all[0]);

            const upgraded = all.map(async (s, i) => {
                await sleep(i * 15);
                await s.client.upgrade();
            });

            for (let k = 0; k < 100; k++) {
                io.in(all.map((s) => s.id)).socketsJoin(room);
                io.to(room).emit('in', k);
                io.in(room).socketsLeave(room);
                io.to(room).emit('out', k);
                await sleep(4);
            }

            await Promise.all(upgraded);
            await settled(io, ...all);

            for (const s of all) {
                const got = s.log.filter((e) => /^(in|out)$/.test(e.event))
                    .map((e) => `${e.event} ${e.args[0]}`);

                isDeeply(got, Array.from({ length: 100 }, (_, k) => `in ${k}`),
                         'what it heard');
            }
        });

    await test('a worker that hangs, and is killed', async () => {
        const { linker } = (await server.metrics()).redis;
        const all = await people(server, io, 3);
        const [a, b] = all.filter((s) => s.worker !== linker);

        process.kill(a.worker, 'SIGSTOP');

        const asked = io.to([a.id, b.id]).timeout(1500).emitWithAck('ask')
            .catch((e) => e);
        const { id } = await b.events.next(5000, (e) => e.event === 'ask',
                                           'the question');
        const found = io.in([a.id, b.id]).fetchSockets();

        b.ack(id, 1);
        await sleep(50);
        server.allowed.push(/exited on signal 9/);
        process.kill(a.worker, 'SIGKILL');

        const answers = await asked;

        isDeeply(answers.responses || answers, [1], 'who lives');
        isDeeply((await found).map((s) => s.id), [b.id], 'who is there');
    });

    await test('more sockets than can be told of at once', async () => {
        const room = unique('room');

        const small = await host(redis, {
            name: 'a small log', workers: 1, recovery: undefined,
            http: `realtime_redis ${redis.url()}; realtime_zone small 1m;`,
            locations: LOCATION.replace('realtime on;',
                                        'realtime on; realtime_max_payload 16k;')
        });

        const all = [];

        for (let i = 0; i < 400; i++) {
            all.push(await Socket.open(small));
        }

        await linked(io, all[0]);

        io.in(all.map((s) => s.id)).socketsJoin(room);

        /* who is busy does not answer in time: it is asked once more */

        await until(30000, async () => {
            return (await members(io, room).catch(() => [])).length === 400;
        }, 'all are in it');

        is((await small.metrics()).totals.lagged, 0, 'nobody was overtaken');

        io.in(room).socketsLeave(room);

        await until(30000, async () => {
            return (await members(io, room).catch(() => [0])).length === 0;
        }, 'all have left it');

        ok(all.every((s) => s.client.open), 'their connections stay');
        is((await small.metrics()).totals.lagged, 0, 'nobody was overtaken');
        all.forEach((s) => s.destroy());
    }, { timeout: 60000 });
});
