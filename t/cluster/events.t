#!/usr/bin/env node
'use strict';

/*
 * The built-in events and relays among clients of different servers, which do
 * not see that the others' server is of another kind.
 */

const cluster = require('../lib/cluster');
const tap = require('../lib/tap');

const TEXT = '\u017c\u00f3\u0142\u0107 \u{1f600} \u2028 "\\ \u0001\t\n';

/* below what a client may send */
const LARGE = 500000;

const MANY = 300;


/* says it, and is told that it was heard */
function says(stage, said, event = 'say') {
    return stage.clients.alice.done(event, { roomName: 'r1', ...said });
}


/* a message has an id and a time of its server */
async function message(stage) {
    const { alice } = stage.clients;
    let data;

    const logs = await stage.heard(async () => {
        data = await alice.done('message:send', {
            roomName: 'r1', content: TEXT, threadId: 't-1',
            metadata: { n: [1.5, null, { deep: TEXT }] }
        });
    });

    tap.ok(data.id, 'its id');
    tap.is(new Date(data.timestamp).toISOString(), data.timestamp, 'its time');

    const event = ['message:new', {
        ...data, roomName: 'r1', userId: 'alice', content: TEXT,
        threadId: 't-1', metadata: { n: [1.5, null, { deep: TEXT }] }
    }];

    for (const [name, log] of Object.entries(logs)) {
        tap.isDeeply(log, name === 'dave' ? [] : [event],
                     `what ${name} hears`);
    }
}


/* [name, who hears it, events, what says it] */
function rows(stage) {
    const { alice } = stage.clients;
    const others = ['bob', 'carol', 'nobody', 'eve'];
    const bytes = Buffer.from([0, 1, 255, 128, 10]);
    const large = 'x\u00e4'.repeat(LARGE / 3);
    const blob = Buffer.alloc(LARGE, 'a\xff\0');
    const from = { roomName: 'r1', userId: 'alice' };

    const said = (what) => [['say', { ...from, ...what }]];
    const say = (what) => () => says(stage, what);
    const row = (name, what) => [name, others, said(what), say(what)];

    const typing = (thread) => ({ roomName: 'r1', ...thread });
    const types = (users, thread) => [['typing:event',
                                       { ...typing(thread), users }]];

    return [
        row('a relay', { n: 1 }),

        row('all that is JSON', {
            [TEXT]: TEXT, n: [0, -1, 1.5, 5e-324, 2 ** 53, -(2 ** 63)],
            z: [null, true, false, {}, [], [[]]], deep: { er: { still: '' } }
        }),

        row('buffers', { a: bytes, deep: { er: [bytes, Buffer.alloc(0)] } }),

        row('a large text', { large }),

        row('a large buffer', { blob }),

        ['to one user', ['bob'],
         said({ targetUserId: 'bob', fromUserId: 'alice', a: bytes }),
         say({ targetUserId: 'bob', a: bytes })],

        ['someone types', others, types(['alice']),
         () => alice.done('typing:start', typing())],

        ['someone does not type any more', others, types([]),
         () => alice.done('typing:stop', typing())],

        ['someone types in a thread', others,
         types(['alice'], { threadId: 't' }),
         () => alice.done('typing:start', typing({ threadId: 't' }))],

        ['nor there', others, types([], { threadId: 't' }),
         () => alice.done('typing:stop', typing({ threadId: 't' }))],

        ['someone enters a room', ['bob'],
         [['user:joined', { roomName: 'r2', userId: 'alice' }]],
         () => alice.done('room:join', { roomName: 'r2' })],

        ['someone leaves it', ['bob'],
         [['user:left', { roomName: 'r2', userId: 'alice' }]],
         () => alice.done('room:leave', { roomName: 'r2' })],

        ['someone without a name enters a room', ['bob'],
         [['user:joined', { roomName: 'r2', userId: null }]],
         () => stage.clients.eve.done('room:join', { roomName: 'r2' })]
    ];
}


/* whom a room's members do not see they do not reach, wherever he is */
function hidden(stage) {
    return tap.test('to a user who is not in the room', async () => {
        await stage.reaches([], [],
                            () => says(stage, { targetUserId: 'dave' }));
    });
}


/* many, in two rooms: whoever is in both sees one order */
async function order(stage) {
    const rooms = ['r1', 'all'];
    const sent = Array.from({ length: MANY }, (e, n) => rooms[n % 2]);

    const logs = await stage.heard(() => Promise.all(
        sent.map((roomName, n) => says(stage, { roomName, n }))));

    const whole = sent.map((roomName, n) => ['say', {
        roomName, n, userId: 'alice'
    }]);

    for (const [name, log] of Object.entries(logs)) {
        tap.isDeeply(log, name === 'alice' ? [] : name === 'dave'
                     ? whole.filter(([, { roomName }]) => roomName === 'all')
                     : whole, `what ${name} hears`);
    }
}


/* until all others know that the user's status is that */
async function present(stage, userId, told) {
    for (const client of stage.all) {
        if (client.name !== userId) {
            const [, got] = await client.late.next(5000,
                ([event, data]) => event === 'presence:changed'
                    && data.userId === userId && data.status === told.status,
                `${told.status} at ${client.name}`);

            tap.isDeeply(got, { userId, ...told }, 'presence');
        }
    }
}


function presence(stage) {
    const { alice } = stage.clients;

    return tap.test('presence', async () => {
        const told = { status: 'busy',
                       customStatus: { text: TEXT, emoji: '\u{1f600}' } };

        await alice.done('presence:update', told);
        await present(stage, 'alice', told);

        const zoe = await stage.from.open('zoe', { user: 'zoe' });

        await present(stage, 'zoe', { status: 'online' });
        zoe.socket.disconnect();
        await present(stage, 'zoe', { status: 'offline' });
    });
}


/* whoever is in a room with one who goes hears that */
function gone(stage, frank) {
    return tap.test('someone goes', async () => {
        const left = ['user:left', { roomName: 'r3', userId: 'frank' }];

        await stage.reaches(['bob'], [left], () => frank.socket.disconnect());
    });
}


/* marks are relayed: who says them has heard all before that is its ack */
function mark(stage, n) {
    return says(stage, { roomName: 'all', n }, 'mark')
        .then(() => stage.clients.alice.hear('mark', [{ n }]));
}


tap.run(async () => {
    const columns = ['node-node', 'nginx-node', 'node-nginx', 'nginx-nginx',
                     'node-node-sharded'];

    await cluster.matrix(columns, async (stage, { from, to }) => {
        await stage.open(stage.to, {
            bob: { user: 'bob', rooms: ['all', 'r1', 'r2', 'r3'],
                   transports: ['websocket'] },
            carol: { user: 'carol', rooms: ['all', 'r1'],
                     transports: ['polling'] },
            dave: { user: 'dave', rooms: ['all'] },
            nobody: { rooms: ['all', 'r1'], transports: ['websocket'] }
        });

        await stage.open(stage.from, {
            alice: { user: 'alice', rooms: ['all', 'r1'] },
            eve: { rooms: ['all', 'r1'], transports: ['websocket'] },
            frank: { user: 'frank', rooms: ['r3'] }
        });

        const { frank } = stage.clients;

        delete stage.clients.frank;

        stage.mark = (n) => mark(stage, n);
        await stage.settle();

        await tap.test('a message', () => message(stage));

        for (const [name, who, events, say] of rows(stage)) {
            await tap.test(name, () => stage.reaches(who, events, say));
        }

        /* Node does not know of users, nor of rooms in rooms */
        if (from === 'nginx' && to === 'nginx') {
            await hidden(stage);
        }

        await tap.test('many, in one order', () => order(stage));
        await presence(stage);
        await gone(stage, frank);
    });
});
