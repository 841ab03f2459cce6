#!/usr/bin/env node
'use strict';

/*
 * What servers and emitters ask of other servers: who is there, that clients
 * enter rooms, leave them or go, and what clients answer.
 */

const cluster = require('../lib/cluster');
const tap = require('../lib/tap');

/* rooms have any names when a server says so */
const ROOMS = ['a#b', '\u00fc \u{1f600}', 'x'.repeat(20), '17', 'UPPER', '#'];

const BYTES = Buffer.from([0, 1, 255, 128, 10]);

const WEBSOCKET = { transports: ['websocket'] };

/* with the connection, or before it */
const CLOSED = /^(io server disconnect|transport close)$/;

/* no answer within this: what others answered is all */
const PATIENCE = 700;


const by = (key) => (a, b) => (a[key] < b[key] ? -1 : 1);


function ids(...clients) {
    return clients.map((client) => client.id).sort();
}


async function opened({ stage, from }) {
    await stage.open(stage.to, {
        one: { rooms: ['r1'], ...WEBSOCKET },
        two: { rooms: ['r1', 'r2'], transports: ['polling'] },
        bob: { user: 'bob', rooms: ['r2'] },
        admin: { nsp: '/admin', rooms: ['r1'] }
    });

    if (from === 'node') {
        await stage.open(stage.from, { own: { rooms: ['r1'] } });
    }

    await stage.settle();

    /* servers of one kind tell who was moved, those of the other do not */
    stage.ignored = ['user:joined', 'user:left'];
}


/* a socket as it is told of by its server, but for the time */
function described(remote, client, rooms) {
    const { handshake } = remote;

    tap.is(remote.id, client.id, 'its id');
    tap.isDeeply([...remote.rooms].sort(), [client.id, ...rooms].sort(),
                 'its rooms');
    tap.is(remote.data.userId ?? null, client.user, 'its user');
    tap.like(handshake.url, /^\/socket\.io\/\?.*EIO=4/, 'its URL');
    tap.is(handshake.query.EIO, '4', 'its query');
    tap.is(handshake.address.replace('::ffff:', ''), '127.0.0.1',
           'its address');
    tap.is(typeof handshake.headers, 'object', 'its headers');
    tap.is(handshake.secure, false, 'whether it is secure');
    tap.is(handshake.xdomain, false, 'whether it is of another origin');
    tap.ok(Math.abs(Date.now() - handshake.issued) < 600000, 'when it came');
    tap.ok(Math.abs(Date.now() - Date.parse(handshake.time)) < 600000,
           `when it came, as text: ${handshake.time}`);
}


async function fetching({ stage, to: kind }) {
    const io = stage.from.of('/');
    const { one, two, bob, own, admin } = stage.clients;
    const found = async (who) => (await who.fetchSockets()).sort(by('id'));

    await tap.test('all sockets', async () => {
        const all = await found(io);

        tap.isDeeply(all.map((s) => s.id), ids(one, two, bob, own), 'ids');

        const [a, b, c] = [one, two, bob]
            .map((client) => all.find((s) => s.id === client.id));

        described(a, one, ['r1']);
        described(b, two, ['r1', 'r2']);
        described(c, bob, kind === 'node' ? ['@bob', 'r2'] : ['r2']);
    });

    await tap.test('sockets of a namespace', async () => {
        const all = await found(stage.from.of('/admin'));

        tap.is(all.length, 1, 'number of sockets');
        described(all[0], admin, ['r1']);
    });

    await tap.test('sockets of a namespace that others do not have',
        async () => {
            tap.isDeeply(await found(stage.from.of('/only')), [], 'sockets');
        });

    for (const [name, who, expected] of [
        ['of a room', io.in('r1'), [one, two, own]],
        ['of several rooms', io.in(['r1', 'r2']), [one, two, bob, own]],
        ['except a room\'s', io.except('r1'), [bob]],
        ['of a room, except another\'s', io.in('r2').except('r1'), [bob]],
        ['by id', io.in(two.id), [two]],
        ['of a user', io.in('@bob'), [bob]],
        ['of a room where nobody is', io.in('none'), []]
    ]) {
        await tap.test(`sockets ${name}`, async () => {
            tap.isDeeply((await found(who)).map((s) => s.id), ids(...expected),
                         'ids');
        });
    }

    if (kind === 'nginx') {
        await tap.test('no secrets are told', async () => {
            for (const remote of await io.fetchSockets()) {
                if (remote.id !== own.id) {
                    const { headers, ...rest } = remote.handshake;
                    const names = Object.keys(headers).join(' ');
                    const text = JSON.stringify([headers, rest, remote.data]);

                    tap.ok(!/hush|eyJ/.test(text), `a secret: ${text}`);
                    tap.ok(!/cookie|authorization/i.test(names), names);
                }
            }
        });
    }
}


/*
 * To a room, by the channel that requests take, too: the sharded adapter has
 * one of each room, and listens there some time after somebody entered it.
 */
function to(io, ...rooms) {
    return io.to([...rooms, 'none']);
}


/* what is asked, and everything that stands behind it, comes in order */
async function moving({ stage, sharded }) {
    const io = stage.from.of('/');
    const inside = (nsp, room) => (sharded ? to(nsp, room) : nsp.to(room));
    const { one, bob } = stage.clients;

    /* the others hear of it where servers tell them */
    const enter = (room, who, names) => stage.reaches(names, [['e', room]],
        async () => {
            who.socketsJoin(room);
            inside(io, room).emit('e', room);
        });

    for (const room of ROOMS) {
        await tap.test(`a room's sockets enter "${room}"`,
                       () => enter(room, io.in('r2'), ['two', 'bob']));
    }

    await tap.test('sockets leave rooms', async () => {
        await stage.reaches([], [], async () => {
            io.in('r2').socketsLeave(ROOMS);
            io.to(ROOMS).emit('e', 1);
        });
    });

    await tap.test('a socket enters several rooms', async () => {
        await stage.reaches(['one'], [['e', 'x'], ['e', 'y']], () => {
            io.in(one.id).socketsJoin(['x1', 'y1']);
            inside(io, 'x1').emit('e', 'x');
            inside(io, 'y1').emit('e', 'y');
            io.in(one.id).socketsLeave(['x1', 'y1']);
            io.to(['x1', 'y1']).emit('e', 'z');
        });
    });

    await tap.test('all but a room\'s sockets enter a room', async () => {
        await stage.reaches(['bob'], [['e', 1]], () => {
            io.except('r1').socketsJoin('z1');
            inside(io, 'z1').emit('e', 1);
            io.socketsLeave('z1');
            inside(io, 'z1').emit('e', 2);
        });
    });

    await tap.test('a user enters a room', async () => {
        await stage.reaches(['bob'], [['e', 1]], () => {
            io.in('@bob').socketsJoin('z2');
            inside(io, 'z2').emit('e', 1);
            io.in(bob.id).socketsLeave('z2');
            inside(io, 'z2').emit('e', 2);
        });
    });

    await tap.test('nobody leaves a room where nobody is', async () => {
        await stage.reaches([], [], () => io.in('none').socketsLeave('none'));
    });

    await tap.test('a namespace\'s sockets enter a room', async () => {
        await stage.reaches(['admin'], [['e', 1]], () => {
            stage.from.of('/admin').socketsJoin('q1');
            inside(stage.from.of('/admin'), 'q1').emit('e', 1);
            inside(io, 'q1').emit('e', 2);
        });
    });
}


/* nginx tells those in a room who was made to enter and leave it */
async function telling({ stage }) {
    const io = stage.from.of('/');
    const { one, bob } = stage.clients;
    const about = { roomName: 'j1', userId: 'bob' };

    stage.ignored = [];

    await tap.test('who was moved is told to others', async () => {
        /* the order of what is in several workers is not promised */
        await stage.heard(() => io.in(one.id).socketsJoin('j1'));

        await stage.reaches(['one'], [['user:joined', about]],
                            () => io.in(bob.id).socketsJoin('j1'));
        await stage.reaches(['one'], [['user:left', about]],
                            () => io.in(bob.id).socketsLeave('j1'));

        io.in(one.id).socketsLeave('j1');
    });

    stage.ignored = ['user:joined', 'user:left'];
}


async function found({ stage, sharded }) {
    const io = stage.from.of('/');
    const { bob } = stage.clients;

    await tap.test('a socket that was found is spoken to', async () => {
        const [remote] = await io.in('@bob').fetchSockets();

        await stage.reaches(['bob'], [['e', BYTES], ['e', 2]], () => {
            remote.emit('e', BYTES);
            remote.join('f1');
            to(io, 'f1').emit('e', 2);
            remote.leave('f1');
            to(io, 'f1').emit('e', 3);
        });

        tap.isDeeply((await io.in('@bob').fetchSockets())
            .map((s) => [s.id, s.rooms.has('f1')]), [[bob.id, false]],
            'who is found');
    });

    if (sharded) {
        return;
    }

    await tap.test('all rooms', async () => {
        const rooms = await io.adapter.allRooms();
        const names = [...ids(...['one', 'two', 'bob', 'own']
            .map((name) => stage.clients[name])), 'r1', 'r2'];

        tap.isDeeply(names.filter((name) => !rooms.has(name)), [],
                     'rooms that nobody named');
        tap.isDeeply(ROOMS.filter((name) => rooms.has(name)), [],
                     'rooms where nobody is');
    });
}


/* what 8.x answers but does not ask any more */
async function old({ stage }) {
    await tap.test('ids of sockets, as older adapters ask', async () => {
        const { pub, sub } = await cluster.nodeRedis(stage.redis);
        const { one, two } = stage.clients;
        const heard = [];

        await sub.subscribe('socket.io-response#/#', (text) => {
            heard.push(JSON.parse(text));
        });

        await pub.publish('socket.io-request#/#', JSON.stringify({
            uid: 'abcdef', requestId: 'sockets', type: 0, rooms: ['r1']
        }));

        const wanted = ids(one, two).join();

        await tap.until(3000, () => heard.some(({ requestId, sockets }) => {
            return requestId === 'sockets' && sockets.sort().join() === wanted;

        }), () => `${wanted} in ${JSON.stringify(heard)}`);
    });
}


async function serverSide({ stage, to: kind, sharded }) {
    const io = stage.from.of('/');

    await tap.test('server-side emit', async () => {
        await stage.reaches([], [], () => io.serverSideEmit('sse', 1, BYTES));
    });

    await tap.test('server-side emit with an ack', async () => {
        const answers = await io.serverSideEmitWithAck('sse', 1);

        tap.isDeeply(answers.sort(), [
            ...(sharded ? ['control'] : []), kind === 'node' ? 'here' : null
        ], 'answers');
    });

    await tap.test('server-side emit, at once and twice', async () => {
        const answers = await Promise.all([
            io.serverSideEmitWithAck('sse', 1),
            stage.from.of('/admin').serverSideEmitWithAck('sse', 2)
        ]);

        tap.is(answers.flat().length, sharded ? 4 : 2, 'number of answers');
    });
}


/* whom "who" asks, and what they answer */
function ask(who, ...args) {
    return who.timeout(5000).emitWithAck('ask', ...args);
}


async function asking({ stage }) {
    const io = stage.from.of('/');
    const { one, two, bob, own, admin } = stage.clients;
    const all = [one, two, bob, own];

    const answers = (make) => all.forEach((client) => {
        client.answers = (ack, ...args) => ack(make(client, ...args));
    });

    await tap.test('one client answers', async () => {
        answers((client, q) => ({ [client.name]: [q, null, 1.5, '\u00fc'] }));

        tap.isDeeply(await ask(io.in(one.id), 'why'),
                     [{ one: ['why', null, 1.5, '\u00fc'] }], 'answers');
    });

    await tap.test('all answer', async () => {
        answers((client) => client.name);

        tap.isDeeply((await ask(io)).sort(), ['bob', 'one', 'own', 'two'],
                     'answers');
    });

    await tap.test('all of a room except some answer', async () => {
        tap.isDeeply((await ask(io.in(['r1', 'r2']).except([own.id, '@bob'])))
            .sort(), ['one', 'two'], 'answers');
    });

    await tap.test('buffers are asked and answered', async () => {
        answers((client, bytes) => ({ is: [bytes.deep, BYTES] }));

        tap.isDeeply(await ask(io.in('r1'), { deep: BYTES }),
                     Array.from({ length: 3 }, () => ({ is: [BYTES, BYTES] })),
                     'answers');
    });

    await tap.test('large answers', async () => {
        const large = 'x\u00e4'.repeat(100000);

        answers(() => large);
        tap.isDeeply(await ask(io.in('r1'), large), [large, large, large],
                     'answers');
    });

    await tap.test('nobody is asked', async () => {
        tap.isDeeply(await ask(io.in('none')), [], 'answers');
    });

    await tap.test('a namespace is asked', async () => {
        admin.answers = (ack) => ack('admin');

        tap.isDeeply(await ask(stage.from.of('/admin')), ['admin'], 'answers');
    });

    await tap.test('nothing is answered, and more than asked', async () => {
        all.forEach((client) => { client.answers = (ack) => ack(); });
        tap.isDeeply((await ask(io.in(one.id))).map((v) => v ?? null), [null],
                     'answers of who says nothing');

        all.forEach((client) => { client.answers = (ack) => ack(1, 2, 3); });
        tap.isDeeply(await ask(io.in(one.id)), [1], 'answers of who says more');
    });

    await tap.test('one does not answer', async () => {
        answers((client) => client.name);
        two.answers = () => {};

        const { error, got } = await new Promise((resolve) => {
            io.timeout(PATIENCE).emit('ask', (e, r) => {
                resolve({ error: e, got: r });
            });
        });

        tap.ok(error, 'there is an error');
        tap.isDeeply(got.sort(), ['bob', 'one', 'own'], 'answers of others');
    });

    await tap.test('many are asked at once', async () => {
        answers((client, n) => [client.name, n]);

        const got = await Promise.all(Array.from({ length: 50 },
            (e, n) => ask(io.in('r1'), n)));

        got.forEach((list, n) => tap.isDeeply(list.sort(),
            [['one', n], ['own', n], ['two', n]], `answers to ${n}`));
    });

    await stage.settle();
}


/* the last that is asked of them */
async function going({ stage }) {
    const io = stage.from.of('/');
    const { one, two, bob, own, admin } = stage.clients;
    const reason = (client) => tap.within(5000, client.ended,
                                          `${client.name} goes`);

    await stage.open(stage.to, {
        zoe: WEBSOCKET,
        'zoe, admin': { over: 'zoe', nsp: '/admin' }
    });

    const { zoe, 'zoe, admin': other } = stage.clients;

    await tap.test('a socket is disconnected', async () => {
        io.in(zoe.id).disconnectSockets();
        tap.is(await reason(zoe), 'io server disconnect', 'reason');
        tap.ok(other.socket.connected, 'its connection stays');
        await stage.reaches(['zoe, admin', 'admin'], [['e', 1]],
                            () => stage.from.of('/admin').emit('e', 1));
    });

    await tap.test('a connection is closed', async () => {
        stage.from.of('/admin').in(other.id).disconnectSockets(true);
        tap.like(await reason(other), CLOSED, 'reason');
        await tap.until(5000, () => !other.socket.io.engine
            || other.socket.io.engine.readyState === 'closed', 'its end');
    });

    await tap.test('a room\'s sockets are disconnected', async () => {
        io.in('r2').except('@bob').disconnectSockets();
        tap.is(await reason(two), 'io server disconnect', 'reason');
        await stage.reaches(['one', 'bob', 'own'], [['e', 1]],
                            () => io.emit('e', 1));
    });

    await tap.test('connections of a user are closed', async () => {
        io.in('@bob').disconnectSockets(true);
        tap.like(await reason(bob), CLOSED, 'reason');
    });

    await tap.test('all are disconnected', async () => {
        io.disconnectSockets();

        for (const client of own ? [one, own] : [one]) {
            tap.is(await reason(client), 'io server disconnect', 'reason');
        }

        await stage.reaches(['admin'], [['e', 1]],
                            () => stage.from.of('/admin').emit('e', 1));
        tap.ok(admin.socket.connected, 'another namespace stays');
    });
}


/* the others answer when servers ask */
function serve({ stage, to: kind, sharded }) {
    const answer = (host, word) => cluster.NAMESPACES.forEach((nsp) => {
        host.of(nsp).on('sse', (...args) => {
            if (typeof args[args.length - 1] === 'function') {
                args.pop()(word);
            }
        });
    });

    if (kind === 'node') {
        answer(stage.to, 'here');
    }

    if (sharded) {
        answer(stage.control, 'control');
    }
}


tap.run(async () => {
    const columns = ['node-node', 'emitter-node', 'node-nginx', 'emitter-nginx',
                     'node-node-sharded'];

    await cluster.matrix(columns, async (stage, kinds) => {
        const column = { stage, ...kinds };

        serve(column);
        await opened(column);

        if (kinds.from === 'node') {
            await fetching(column);
            await found(column);
            await serverSide(column);
            await asking(column);

        } else {
            await tap.test('server-side emit', () => stage.reaches([], [],
                () => stage.from.of('/').serverSideEmit('sse', 1)));
        }

        if (!kinds.sharded) {
            await old(column);
        }

        await moving(column);

        if (kinds.to === 'nginx') {
            await telling(column);
        }

        await going(column);

    }, ['/only']);
});
