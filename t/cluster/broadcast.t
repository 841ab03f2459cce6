#!/usr/bin/env node
'use strict';

/*
 * What servers and emitters say to clients of other servers: to everybody, to
 * rooms, to all but some, everything that JSON and buffers can say.
 */

const cluster = require('../lib/cluster');
const mischief = require('../lib/mischief');
const tap = require('../lib/tap');

const TEXT = 'text: \u017c\u00f3\u0142\u0107 \u{1f600} \u2028 "\\ \u0001\t\n';

const NESTED = { a: { b: [1, [2, [], {}], { '': null }] }, '\u00fc': TEXT };

/* more than a socket takes at once, and than any buffer of nginx */
const LARGE = 500000;

const MANY = 1000;

const everybody = ['plain', 'one', 'two', 'three', 'bob', 'own'];


/*
 * [name, who hears it, what they hear, what says it, who of them need not]:
 * who polls may be just about to.
 */
function rows({ clients }) {
    const { one, two } = clients;
    const date = new Date(1700000000123);
    const bytes = Buffer.from([0, 1, 255, 128, 10]);
    const large = 'x\u00e4'.repeat(LARGE / 2);
    const blob = Buffer.alloc(LARGE, 'a\xff\0');

    return [
        ['to everybody', everybody, [['e', 'hi']], (io) => io.emit('e', 'hi')],

        ['an event without arguments', everybody, [['bare']],
         (io) => io.emit('bare')],

        ['text, and its event\'s name', everybody, [[TEXT, TEXT, '']],
         (io) => io.emit(TEXT, TEXT, '')],

        ['numbers', everybody,
         [['n', 0, -1, 127, 128, -129, 65536, -2147483649, 2 ** 53, 2 ** 63,
           -(2 ** 63), 1.5, -0.001, 5e-324]],
         (io) => io.emit('n', 0, -1, 127, 128, -129, 65536, -2147483649,
                         2 ** 53, 2 ** 63, -(2 ** 63), 1.5, -0.001, 5e-324)],

        ['what is no number', everybody, [['n', null, null]],
         (io) => io.emit('n', NaN, -Infinity)],

        ['nothing, true and false', everybody,
         [['z', null, null, true, false]],
         (io) => io.emit('z', null, undefined, true, false)],

        ['what is nested', everybody, [['o', NESTED, [NESTED]]],
         (io) => io.emit('o', NESTED, [NESTED])],

        ['dates', everybody,
         [['d', date.toISOString(), { at: ['1970-01-01T00:00:00.000Z'] },
           '2446-05-10T22:38:55.999Z', '1969-12-31T23:59:59.001Z']],
         (io) => io.emit('d', date, { at: [new Date(0)] },
                         new Date('2446-05-10T22:38:55.999Z'), new Date(-999))],

        ['objects that say themselves what they are', everybody,
         [['j', 'me', { in: ['me'] }]],
         (io) => io.emit('j', { toJSON: () => 'me' },
                         { in: [{ toJSON: () => 'me' }] })],

        ['a buffer', everybody, [['b', bytes]], (io) => io.emit('b', bytes)],

        ['buffers in between', everybody,
         [['b', { deep: [bytes, { er: bytes }], n: 1 }, 'x', Buffer.alloc(0)]],
         (io) => io.emit('b', { deep: [bytes, { er: new Uint8Array(bytes) }],
                                n: 1 }, 'x', Buffer.alloc(0))],

        ['what looks like a place for a buffer', everybody,
         [['b', bytes, [{ _placeholder: 'no', num: 'none' }]]],
         (io) => io.emit('b', bytes, [{ _placeholder: 'no', num: 'none' }])],

        ['a large text', everybody, [['l', large]],
         (io) => io.emit('l', large)],

        ['a large buffer', everybody, [['l', blob]],
         (io) => io.emit('l', blob)],

        ['to a room', ['one', 'two', 'own'], [['e', 1]],
         (io) => io.to('r1').emit('e', 1)],

        ['a buffer to a room', ['one', 'two', 'own'], [['e', bytes]],
         (io) => io.to('r1').emit('e', bytes)],

        ['to several rooms, once', ['one', 'two', 'three', 'own'], [['e', 1]],
         (io) => io.to('r1').to('r2').to('none').emit('e', 1)],

        ['to a room where nobody is', [], [], (io) => io.to('r9').emit('e')],

        ['except a room', ['plain', 'one', 'bob', 'own'], [['e', 1]],
         (io) => io.except('r2').emit('e', 1)],

        ['to a room except a room', ['one', 'own'], [['e', 1]],
         (io) => io.to('r1').except(['r2', 'none']).emit('e', 1)],

        ['except sockets', ['plain', 'three', 'bob', 'own'], [['e', 1]],
         (io) => io.except([one.id, two.id]).emit('e', 1)],

        ['to a room except a socket', ['two', 'own'], [['e', 1]],
         (io) => io.to('r1').except(one.id).emit('e', 1)],

        ['to a socket', ['two'], [['e', 1]],
         (io) => io.to(two.id).emit('e', 1)],

        ['to a socket and a room', ['one', 'two', 'three'], [['e', 1]],
         (io) => io.to([one.id, 'r2']).emit('e', 1)],

        ['to a user', ['bob'], [['e', 1]], (io) => io.to('@bob').emit('e', 1)],

        ['except a user', everybody.filter((name) => name !== 'bob'),
         [['e', 1]], (io) => io.except('@bob').emit('e', 1)],

        ['volatile', everybody, [['e', 1]],
         (io) => io.volatile.emit('e', 1), ['two']],

        ['compressed, and not', everybody, [['e', 1], ['e', 2]],
         (io) => {
             io.compress(true).emit('e', 1);
             io.compress(false).emit('e', 2);
         }],

        ['to a namespace', ['admin'], [['e', bytes]],
         (io, admin) => admin.emit('e', bytes)],

        ['to a room of a namespace', ['admin'], [['e', 1]],
         (io, admin) => admin.to('r1').emit('e', 1)],

        ['to a namespace that others do not have', [], [],
         (io, admin, only) => only.emit('e', 1)],

        ['local', ['own'], [['e', 1]],
         (io) => io.local && io.local.emit('e', 1)],

        ['many, in one order', ['one', 'two', 'own'],
         Array.from({ length: MANY }, (e, i) => ['e', i]),
         (io) => {
             for (let i = 0; i < MANY; i++) {
                 (i % 3 ? io.to('r1') : io.to(['r1', 'none'])).emit('e', i);
             }
         }]
    ];
}


/* what emitters in other languages send: [channel's end, message, who] */
function lenient() {
    const packet = { type: 2, data: ['e', 1], nsp: '/' };
    const r1 = ['one', 'two'];
    const all = ['plain', 'one', 'two', 'three', 'bob'];

    return [
        ['', [null, packet, { rooms: [], except: [], flags: {} }], all],
        ['', ['php', packet, {}], all],
        ['', ['php', packet, { rooms: [], flags: null }], all],
        ['', ['php', packet, { except: ['r2'] }], ['plain', 'one', 'bob']],
        ['', ['php', packet, { rooms: ['r1'], more: [{ x: 1 }] }], r1],
        ['r1#', ['php', packet, { rooms: ['r1'] }], r1],
        ['none#', ['php', packet, { rooms: ['r1'] }], []],
        ['', ['php', { data: ['e', 1], nsp: '/', type: 2 },
              { flags: {}, except: [], rooms: ['r1'] }], r1],
        ['', ['php', { type: 2, data: ['e', 1] }, { rooms: ['r1'] }], r1],
        ['', ['php', { ...packet, nsp: '/admin' }, { rooms: ['r1'] }], []]
    ];
}


async function raw(stage) {
    const { pub } = await cluster.nodeRedis(stage.redis);

    /* the mark has to come behind them */
    stage.mark = (n) => Promise.all(cluster.NAMESPACES.map((nsp) => pub.publish(
        `socket.io#${nsp}#`, mischief.pack(['php', {
            type: 2, data: ['mark', { n }], nsp
        }, {}]))));

    for (const [end, message, who] of lenient()) {
        const [, packet, opts] = message;

        await tap.test(`"${end}" ${JSON.stringify([packet, opts])}`,
            () => stage.reaches(who, [['e', 1]], () => pub.publish(
                `${mischief.BROADCASTS}${end}`, mischief.pack(message))));
    }
}


tap.run(async () => {
    const columns = ['node-node', 'emitter-node', 'node-nginx',
                     'emitter-nginx', 'node-node-sharded'];

    await cluster.matrix(columns, async (stage, { from }) => {
        await stage.open(stage.to, {
            plain: { transports: ['websocket'] },
            one: { rooms: ['r1'], transports: ['websocket'] },
            two: { rooms: ['r1', 'r2'], transports: ['polling'] },
            three: { rooms: ['r2'] },
            bob: { user: 'bob', transports: ['websocket'] },
            admin: { nsp: '/admin', rooms: ['r1'] }
        });

        if (from === 'node') {
            await stage.open(stage.from, { own: { rooms: ['r1'] } });
        }

        await stage.settle();

        for (const [name, who, events, say, may] of rows(stage)) {
            await tap.test(name, () => stage.reaches(who, events, () => {
                say(...['/', '/admin', '/only'].map((n) => stage.from.of(n)));
            }, may));
        }

        if (from === 'emitter') {
            await raw(stage);
        }

    }, ['/only']);
});
