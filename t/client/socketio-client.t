#!/usr/bin/env node
'use strict';

/*
 * The official JavaScript client, several versions of it, over every
 * transport.
 */

const { reference, start } = require('../lib/fixture');
const tap = require('../lib/tap');

const { is, isDeeply, like, ok, sleep, test } = tap;

const VERSIONS = {
    '4.8': 'socket.io-client',
    '4.0': 'socket.io-client-4.0',
    '3.1': 'socket.io-client-3.1'
};

const TRANSPORTS = {
    'polling': ['polling'],
    'websocket': ['websocket'],
    'upgrade': ['polling', 'websocket']
};

const DEFAULTS = { pingInterval: 25000, pingTimeout: 20000 };


/* the arguments of the next "event" of a socket or manager */
function once(emitter, event, ms = 5000) {
    const promise = new Promise((resolve) => {
        emitter.once(event, (...args) => resolve(args));
    });

    return tap.within(ms, promise, `the event "${event}"`);
}


function ask(socket, ...args) {
    const promise = new Promise((resolve) => {
        socket.emit(...args, (...reply) => resolve(reply));
    });

    return tap.within(5000, promise, 'the ack');
}


/* a socket of its own connection, closed when the test is over */
function client(io, server, options = {}) {
    const { nsp = '/', ...rest } = options;

    const socket = io(server.url + nsp, {
        forceNew: true, reconnection: false, ...rest
    });

    tap.cleanup(() => {
        socket.io.reconnection(false);
        socket.disconnect();
        socket.io.engine.close();
    });

    return socket;
}


async function eachTransport(io, server, transports) {
    const connected = async (options) => {
        const socket = client(io, server, { transports, ...options });
        const auth = once(socket, 'auth');

        socket.on('connect_error', (e) => socket.emit('failed', e));
        await once(socket, 'connect');
        isDeeply(await auth, [(options && options.auth) || {}], 'auth');

        if (transports.length > 1
            && socket.io.engine.transport.name === 'polling')
        {
            await once(socket.io.engine, 'upgrade');
        }

        is(socket.io.engine.transport.name,
           transports[transports.length - 1], 'transport');

        return socket;
    };

    await test('connects', async () => {
        const socket = await connected();

        ok(socket.connected, 'connected');
        like(socket.id, /^.{16,}$/, 'id');
    });

    await test('its auth payload arrives', async () => {
        await connected({ auth: { token: 'abc', n: [1, null] } });
    });

    await test('events there and back', async () => {
        const socket = await connected();
        const args = [1, '2', { three: [true, null] }, 'ü\u{1f680}'];
        const back = once(socket, 'message-back');

        socket.emit('message', ...args);
        isDeeply(await back, args, 'arguments');
    });

    await test('acks', async () => {
        const socket = await connected();

        isDeeply(await ask(socket, 'message-with-ack', 1, { a: 'b' }),
                 [1, { a: 'b' }], 'arguments');
    });

    await test('binary data there and back', async () => {
        const socket = await connected();
        const bytes = Buffer.from([0, 1, 2, 254, 255]);
        const back = once(socket, 'message-back');

        socket.emit('message', bytes, { deep: [bytes] });
        isDeeply(await back, [bytes, { deep: [bytes] }], 'arguments');
    });

    await test('binary acks', async () => {
        const socket = await connected();
        const bytes = Buffer.alloc(100000, 0xab);

        isDeeply(await ask(socket, 'message-with-ack', bytes, 'x'),
                 [bytes, 'x'], 'arguments');
    });

    await test('300 messages in order', async () => {
        const socket = await connected();
        const got = [];

        socket.on('message-back', (n) => got.push(n));

        for (let i = 0; i < 300; i++) {
            socket.emit('message', i);
        }

        await ask(socket, 'message-with-ack');
        isDeeply(got, Array.from({ length: 300 }, (_, i) => i), 'messages');
    });

    await test('messages sent before and while it connects', async () => {
        const socket = client(io, server, { transports });
        const got = [];

        socket.on('message-back', (n) => got.push(n));

        for (let i = 0; i < 60; i++) {
            socket.emit('message', i);
            await sleep(2);
        }

        await ask(socket, 'message-with-ack');
        isDeeply(got, Array.from({ length: 60 }, (_, i) => i), 'messages');
    });

    await test('a namespace', async () => {
        const socket = await connected({ nsp: '/custom' });

        isDeeply(await ask(socket, 'message-with-ack', 1), [1], 'arguments');
    });

    await test('two namespaces over one connection', async () => {
        const one = await connected();
        const two = one.io.socket('/custom', {});

        await once(two, 'connect');
        isDeeply(await ask(two, 'message-with-ack', 2), [2], 'of /custom');
        isDeeply(await ask(one, 'message-with-ack', 1), [1], 'of /');
        two.disconnect();
        isDeeply(await ask(one, 'message-with-ack', 3), [3], 'of / after');
    });

    await test('an unknown namespace is refused', async () => {
        const socket = client(io, server, { transports, nsp: '/random' });
        const [error] = await once(socket, 'connect_error');

        is(error.message, 'Invalid namespace', 'message');
    });

    await test('disconnects and connects again', async () => {
        const socket = await connected();
        const { id } = socket;

        socket.disconnect();
        ok(!socket.connected, 'disconnected');

        /* older clients cannot connect while they still close */
        await sleep(100);
        await once(socket.connect(), 'connect');
        ok(socket.id !== id, 'another id');
        isDeeply(await ask(socket, 'message-with-ack', 1), [1], 'arguments');
    });
}


async function reconnecting(io, transports) {
    if (reference) {
        return;
    }

    await test('reconnects when its worker dies', async () => {
        const server = await start('socketio', {
            ...DEFAULTS, workers: 1, recovery: true, name: 'killed'
        });

        const socket = client(io, server, {
            transports, reconnection: true, reconnectionDelay: 100
        });

        await once(socket, 'connect');

        const gone = once(socket, 'disconnect');

        await sleep(200);
        await server.killWorker(server.workerPids()[0]);
        await gone;
        await tap.until(5000, () => socket.connected, 'connected again');
        isDeeply(await ask(socket, 'message-with-ack', 1), [1], 'arguments');
        socket.io.reconnection(false);
        socket.disconnect();
        await server.stop();
    }, { timeout: 15000 });
}


async function tooOld(server) {
    const io = tap.load('socket.io-client-2.5');

    for (const [name, transports] of Object.entries(TRANSPORTS)) {
        await test(`2.5, ${name}: is refused`, async () => {
            const socket = io(server.url, {
                transports, forceNew: true, reconnection: false
            });

            tap.cleanup(() => socket.close());

            let connected = false;

            socket.on('connect', () => {
                connected = true;
            });

            const ends = ['connect_error', 'error', 'disconnect'];

            await Promise.race(ends.map((event) => once(socket, event)));
            await sleep(100);
            ok(!connected, 'not connected');
        });
    }
}


tap.run(async () => {
    const server = await start('socketio', {
        ...DEFAULTS, workers: 4, reuseport: true, recovery: true
    });

    for (const [version, name] of Object.entries(VERSIONS)) {
        const { io } = tap.load(name);

        for (const [kind, transports] of Object.entries(TRANSPORTS)) {
            await tap.group(`${version}, ${kind}`, async () => {
                await eachTransport(io, server, transports);
                await reconnecting(io, transports);
            });
        }
    }

    await tooOld(server);
});
