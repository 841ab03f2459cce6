'use strict';

/*
 * mischief.js: messages that no node of a Socket.IO cluster sends.
 *
 * What is made here is [channel, bytes], for PUBLISH.
 */

const notepack = require('notepack.io');

const BROADCASTS = 'socket.io#/#';
const REQUESTS = 'socket.io-request#/#';
const RESPONSES = 'socket.io-response#/#';

/* what may stand where something else should */
const VALUES = [
    null, true, 0, -1, 7, 1.5, 2 ** 40, 2 ** 63, '', 'x', '@', '\0',
    'x'.repeat(300), Buffer.from([0xff]), [], [[]], [null, 1, {}], ['\ud83d'],
    ['@bob', ''], {}, { '': [] }, { rooms: [], length: -1 }, new Date(0)
];

/* how long msgpack says that something is which is not there at all */
const LENGTHS = [
    [0xdb, 0xff, 0xff, 0xff, 0xff], [0xc6, 0xff, 0xff, 0xff, 0xff],
    [0xdd, 0xff, 0xff, 0xff, 0xff], [0xdf, 0xff, 0xff, 0xff, 0xff],
    [0xdd, 0x7f, 0xff, 0xff, 0xff], [0xdf, 0x80, 0, 0, 0], [0xda, 0xff, 0xff],
    [0xc9, 0xff, 0xff, 0xff, 0xff, 0xff], [0xc5, 0xff, 0xff], [0xd9, 0xff],
    [0xc1], [0xd6, 0xff], [0xd8], [0xcf, 0xff]
];

/* bytes that mean something to msgpack or JSON */
const SPICE = Buffer.from([
    0, 0x7b, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc4, 0xc6,
    0xc7, 0xca, 0xcf, 0xd0, 0xd6, 0xd9, 0xda, 0xdb, 0xdc, 0xdd, 0xde, 0xdf,
    0xe0, 0xff, 0x22, 0x5b, 0x5d, 0x7d, 0x5c, 0x2c
]);

const pack = (value) => notepack.encode(value);
const unpack = (bytes) => notepack.decode(bytes);
const text = (value) => Buffer.from(JSON.stringify(value));


function broadcast(args, { uid = 'zzzzzz', rooms = [], ...more } = {}) {
    return [uid, { type: 2, data: ['e', ...args], nsp: '/' },
            { rooms, except: [], flags: {}, ...more }];
}


const REQUEST = {
    uid: 'zzzzzz', requestId: 'id', type: 0, opts: { rooms: [], except: [] },
    rooms: ['r1'], close: false, data: ['sse', 1], sid: 'x', room: 'r1',
    packet: { type: 2, data: ['ask', 1], nsp: '/' }
};


/* "value" with each of VALUES in each place, and with nothing there */
function* replaced(value) {
    yield* VALUES;

    if (value === null || typeof value !== 'object') {
        return;
    }

    for (const key of Object.keys(value)) {
        const copy = () => (Array.isArray(value) ? [...value] : { ...value });
        const without = copy();

        delete without[key];
        yield Array.isArray(without) ? without.filter(() => true) : without;

        for (const other of replaced(value[key])) {
            const changed = copy();

            changed[key] = other;
            yield changed;
        }
    }
}


function sound(bytes) {
    try {
        notepack.decode(bytes);

    } catch (e) {
        return false;
    }

    return true;
}


/* every piece of one, and what is not msgpack at all */
function ruins() {
    const whole = pack(broadcast([{ a: [1, 'two', Buffer.from('3')] }],
                                 { rooms: ['r1'] }));
    const all = [];

    for (let i = 0; i < whole.length; i++) {
        all.push(whole.subarray(0, i));
    }

    for (let i = 0; i < 256; i++) {
        all.push(Buffer.from([i]), Buffer.concat([whole, Buffer.from([i])]));
    }

    for (const length of LENGTHS.map((bytes) => Buffer.from(bytes))) {
        for (let i = 0; i < whole.length; i += 3) {
            all.push(Buffer.concat([whole.subarray(0, i), length]),
                     Buffer.concat([whole.subarray(0, i), length,
                                    whole.subarray(i)]));
        }
    }

    return all.filter((bytes) => !sound(bytes)).flatMap((bytes) => [
        BROADCASTS, REQUESTS, RESPONSES, `${BROADCASTS}r1#`
    ].map((channel) => [channel, bytes]));
}


function types() {
    const all = [];

    for (const value of replaced(broadcast([1]))) {
        all.push([BROADCASTS, pack(value)], [`${BROADCASTS}r1#`, pack(value)]);
    }

    for (let type = -1; type < 12; type++) {
        for (const value of replaced({ ...REQUEST, type })) {
            all.push([REQUESTS, type === 7 ? pack(value) : text(value)]);
        }
    }

    for (const value of replaced({ requestId: 'id', sockets: [{}],
                                   clientCount: 1, packet: 1, type: 8 }))
    {
        all.push([RESPONSES, text(value)], [RESPONSES, pack(value)]);
    }

    return all;
}


/* arrays in arrays, as deep as that, where an argument is */
function deep(depth) {
    const open = Buffer.alloc(depth, 0x91);
    const inner = Buffer.concat([open, Buffer.from([0xc0])]);
    const whole = pack(broadcast(['@@']));
    const at = whole.indexOf('\xa2@@', 'latin1');
    const [head, tail] = [whole.subarray(0, at), whole.subarray(at + 3)];
    const maps = Buffer.concat(Array.from({ length: depth / 4 },
        () => Buffer.from([0x81, 0xa1, 0x61])));
    const json = `${'['.repeat(depth)}${']'.repeat(depth)}`;

    return [
        [BROADCASTS, inner], [REQUESTS, inner], [RESPONSES, inner],
        [BROADCASTS, Buffer.concat([head, inner, tail])],
        [BROADCASTS, Buffer.concat([head, maps, Buffer.from([1]), tail])],
        [BROADCASTS, Buffer.concat([head, open])],
        [REQUESTS, Buffer.from(`{"type":5,"requestId":${json}}`)],
        [REQUESTS, Buffer.from(`{"type":6,"uid":"z","data":${json}}`)],
        [REQUESTS, Buffer.from('{"a":'.repeat(depth))]
    ];
}


/* one at a time: each is as large as that */
function* huge(size) {
    const large = 'x'.repeat(size / 2);
    const binary = Buffer.alloc(size / 2, 0xc0);

    yield [BROADCASTS, Buffer.alloc(size, 0xc0)];
    yield [BROADCASTS, pack(broadcast([large, binary]))];
    yield [BROADCASTS, pack(broadcast([Array(size / 2).fill(0)]))];
    yield [BROADCASTS, pack(broadcast([1], { uid: large }))];
    yield [REQUESTS, text({ ...REQUEST, type: 5, requestId: large })];
    yield [RESPONSES, Buffer.alloc(size, '{"a":')];
}


/* as many rooms as nobody has */
function crowded(count, sid) {
    const rooms = Array.from({ length: count }, (e, i) => `many-${i}`);
    const one = { rooms: [sid], except: [] };
    const many = { rooms, except: rooms };

    return [
        [BROADCASTS, pack(broadcast([1], { rooms }))],
        [BROADCASTS, pack(broadcast([1], { except: rooms }))],
        [REQUESTS, text({ ...REQUEST, type: 2, opts: one, rooms })],
        [REQUESTS, text({ ...REQUEST, type: 3, opts: one, rooms })],
        [REQUESTS, text({ ...REQUEST, type: 2, opts: many, rooms: ['r1'] })],
        [REQUESTS, text({ ...REQUEST, type: 4, opts: many })],
        [REQUESTS, text({ ...REQUEST, type: 5, opts: many })],
        [REQUESTS, text({ ...REQUEST, type: 0, rooms })],
        [REQUESTS, pack({ ...REQUEST, type: 7, opts: { ...many, flags: {} } })],
        [REQUESTS, text({ ...REQUEST, type: 2, opts: {
            rooms: rooms.map(() => sid), except: [] }, rooms: ['r1'] })]
    ];
}


/* channels that a pattern lets through, and some that it does not */
function channels() {
    const good = pack(broadcast([1], { rooms: ['none'] }));

    return [
        `${BROADCASTS}${'x'.repeat(100000)}#`, `${BROADCASTS}#`,
        `${BROADCASTS}##`, `${BROADCASTS}none`, `${BROADCASTS}\0#`,
        `${BROADCASTS}\n#`, `${BROADCASTS}none#none#`, `${BROADCASTS}@#`,
        `${BROADCASTS}*#`, 'socket.io#none#', 'socket.io##', 'socket.io#',
        'socket.io#/none#', 'socket.io#/admin#none', 'socket.io#//#',
        'socket.io-request#/none#', 'socket.io-response#/zzzzzz#', 'rt:bus:',
        'socket.io-response#/#zzzzzz#', 'rt:bus:zzzzzz'
    ].flatMap((channel) => ['', '{', '\xff', good].map((bytes) => [
        channel, Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes, 'latin1')
    ])).concat([[Buffer.from(`${BROADCASTS}\xff\xfe#`, 'latin1'), good]]);
}


/* requests by the thousand, well-formed, and answers that nobody asked for */
function flood(count) {
    const all = [];

    for (let i = 0; i < count; i++) {
        const requestId = i % 7 ? `flood-${i}` : 'flood';
        const type = [5, 1, 0, 6, 7][i % 5];
        const flags = { timeout: [1, 100, 2 ** 40, -1][i % 4] };
        const request = { ...REQUEST, requestId, type,
                          opts: { ...REQUEST.opts, flags } };

        all.push([REQUESTS, type === 7 ? pack(request) : text(request)]);

        all.push([RESPONSES, i % 2
            ? text({ type: 8, requestId, clientCount: i })
            : pack({ type: 9, requestId, packet: 'nobody asked' })]);
    }

    return all;
}


/* one of the captured messages, or two, with something wrong */
function mutant(random, captured) {
    const [channel, bytes] = random.pick(captured);
    const [elsewhere, other] = random.pick(captured);
    const where = random.below(8) ? channel : elsewhere;

    let made = Buffer.from(bytes);

    for (let i = random.below(4); i >= 0; i--) {
        const at = random.below(made.length + 1);
        const end = Math.min(made.length, at + random.below(12));
        const cut = made.subarray(at, end);
        const [head, tail] = [made.subarray(0, at), made.subarray(at)];

        switch (random.below(7)) {

        case 0:
            made = head;
            break;

        case 1:
            made = Buffer.concat([head, made.subarray(end)]);
            break;

        case 2:
            made = Buffer.concat([head, cut, tail]);
            break;

        case 3:
            made = Buffer.concat([head, Buffer.from([random.pick(SPICE)]),
                                  tail]);
            break;

        case 4:
            made = Buffer.concat([head, other.subarray(
                random.below(other.length))]);
            break;

        default:
            if (at < made.length) {
                made[at] = random.below(2) ? random.pick(SPICE)
                                           : made[at] ^ 1 << random.below(8);
            }
        }
    }

    return [where, made];
}


module.exports = {
    BROADCASTS, REQUESTS, channels, crowded, deep, flood, huge, mutant, pack,
    ruins, types, unpack
};
