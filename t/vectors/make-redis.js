'use strict';

/*
 * make-redis.js: writes msgpack.txt and adapter.txt, of what the real packages
 * send and how they read it.
 *
 *     node make-redis.js
 *
 * A line of msgpack.txt is "=<JSON> <msgpack>" if each becomes the other,
 * "><JSON> <msgpack>" if it is another form of that JSON, or "bad <msgpack>".
 * A line of adapter.txt is "<form>=<fields> <message>", or with ~ instead of =
 * where the message would be encoded in another way; "<form>!" is not taken,
 * "<form>?" not known.  The form is b, r, p (responses) or s; e and q are b and
 * r of the emitter.
 */

const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');

module.paths.push(path.join(__dirname, '..', 'node_modules'));

let ids = 0;

/* the packages make ids of it */
crypto.randomBytes = (n) => Buffer.alloc(n, ++ids);

const notepack = require('notepack.io');
const nodes = require('../lib/nodes');

const LINE = 4000;

const PLACEHOLDER = { _placeholder: true, num: 0 };


/* %XX for what would not stand on a line, or not in the first field */
function escape(bytes, blanks) {
    return [...Buffer.from(bytes)].map((b) =>
        (b < 0x20 || b > 0x7e || b === 0x25 || (blanks && b === 0x20)
            ? `%${b.toString(16).padStart(2, '0')}`
            : String.fromCharCode(b))).join('');
}


function write(name, comment, lines) {
    for (const line of lines) {
        if (line.length > LINE) {
            throw new Error(`a line of ${name} is too long`);
        }
    }

    fs.writeFileSync(path.join(__dirname, name),
                     `# ${comment}; written by make-redis.js\n`
                     + `${lines.join('\n')}\n`);
}


/* JSON text with placeholders */
function text(value) {
    let n = 0;

    const walk = (v) => {
        if (Buffer.isBuffer(v) || v instanceof ArrayBuffer) {
            return { ...PLACEHOLDER, num: n++ };
        }

        if (Array.isArray(v)) {
            return v.map(walk);
        }

        if (v && typeof v === 'object' && !(v instanceof Date)) {
            return Object.fromEntries(Object.entries(v).map(([k, x]) =>
                [k, walk(x)]));
        }

        return v;
    };

    return JSON.stringify(walk(value));
}


function msgpack() {
    const both = [
        null, true, false, 0, 1, 127, 128, 255, 256, 65535, 65536, 4294967295,
        4294967296, Number.MAX_SAFE_INTEGER, -1, -32, -33, -128, -129, -32768,
        -32769, -2147483648, -2147483649, -Number.MAX_SAFE_INTEGER, 0.5, -0.5,
        0.1, 1e-7, 1.5e-300, 5e-324, 2 ** 53, 2 ** 60, -(2 ** 63), '', 'a',
        'é€😀', '"\\\b\f\n\r\t\u0000\u001f\u007f\u2028', 'x'.repeat(31),
        'x'.repeat(32), 'x'.repeat(255), 'x'.repeat(256), [], [1], [[[]]], {},
        { a: 1 }, { a: { b: [{}] }, c: null }, Array(15).fill(0),
        Array(16).fill(0), ['e', ...Array(300).fill(true)],
        Object.fromEntries(Array.from({ length: 15 }, (x, i) => [`k${i}`, i])),
        Object.fromEntries(Array.from({ length: 16 }, (x, i) => [`k${i}`, i])),
        Buffer.alloc(0), Buffer.from([1, 2, 3]), Buffer.alloc(255, 7),
        Buffer.alloc(256, 7), ['a', Buffer.from('x'), { b: Buffer.from('y') }],
        { _placeholder: true, num: 0 }, [{ _placeholder: true, num: 99 }],
        ['upload', { name: 'café.png', bytes: Buffer.from([0x89, 0x50]) }, 1.5]
    ];

    const one = [
        new Date(0), new Date(1000), new Date(1700000000123), new Date(-1),
        new Date(2 ** 32 * 1000), new Date(2 ** 34 * 1000), new Date(8.64e15),
        new Date(-8.64e15), [undefined, 1], NaN, Infinity, -Infinity
    ];

    /* what other senders, and older ones, do; read by notepack.io */
    const raw = [
        'cc01', 'cd0001', 'ce00000001', 'cf0000000000000001', 'd001', 'd0ff',
        'd1ffff', 'd2ffffffff', 'd3ffffffffffffffff', 'ca3fc00000',
        'cb7e37e43c8800759c', 'ca7f800000', 'caffc00000', 'ca3dcccccd',
        'cfffffffffffffffff',
        'cf0020000000000001', 'd38000000000000000', 'd90161', 'da000161',
        'db0000000161', 'c500017a', 'c6000000017a', 'c703000a0b0c',
        'c80003000a0b0c', 'c900000003000a0b0c', 'd700000000000000007b',
        'd7ffffffffff00000000', 'dc000101', 'dd0000000101', 'de0001a16101',
        'df00000001a16101', '8101a178', '81c3a178', '81c0a178', '81ffa178',
        '81cb3ff8000000000000a178', '81c40161a178', '83a16101a16202a16303',
        'a1ff', 'a4f09f9880', 'a3f09f98', 'a3eda080', 'a2c3c3', 'a4e28261ff'
    ];

    /* read in another way, on purpose */
    const other = [
        ['d40000', null], ['81a161d40000', { a: null }], ['d40501', null],
        ['c7030a010203', null], ['d80500000000000000000000000000000000', null],
        ['92c40101c40102', [{ ...PLACEHOLDER }, { ...PLACEHOLDER, num: 1 }]],
        ['9282ac5f706c616365686f6c646572c3a36e756d00c40141',
         [{ _placeholder: 1, num: 0 }, PLACEHOLDER]],
        ['92c4014182ac5f706c616365686f6c646572c3a36e756d05',
         [PLACEHOLDER, { _placeholder: 1, num: 5 }]],
        ['9282c40c5f706c616365686f6c646572c3a36e756d00c40141',
         [{ _placeholder: 1, num: 0 }, PLACEHOLDER]],
        ['9281ac5f706c616365686f6c64657291c3c40141',
         [{ _placeholder: [true] }, PLACEHOLDER]]
    ];

    const bad = [
        '', 'c1', 'a1', '91', '81', '81a161', 'd9', 'd905', 'da00', 'db000000',
        'dbffffffff61', 'c4', 'c405', 'c6ffffffff', 'cc', 'cd00', 'ce000000',
        'cf00000000000000', 'ca000000', 'cb00000000000000', 'd0', 'd3', 'd4',
        'd400', 'd5ff00', 'd8ff00', 'c7', 'c700', 'c80000', 'c9000000', 'dc00',
        'dcffff', 'ddffffffff', 'ddffffffff00', 'dfffffffff', 'de0001a161',
        '0000', 'c0c0', '9000', '819000', '818000', '81c7000100',
        '81d6ff0000000000', `${'91'.repeat(64)}90`, `${'81a161'.repeat(64)}80`
    ];

    write('msgpack.txt', 'msgpack and JSON', [
        ...both.map((v) => `=${escape(text(v), true)} `
                           + escape(notepack.encode(v))),
        ...one.map((v) => `>${escape(text(v), true)} `
                          + escape(notepack.encode(v))),
        ...raw.map((hex) => {
            const bytes = Buffer.from(hex, 'hex');

            return `>${escape(text(notepack.decode(bytes)), true)} `
                   + escape(bytes);
        }),
        ...other.map(([hex, v]) => `>${escape(JSON.stringify(v), true)} `
                                   + escape(Buffer.from(hex, 'hex'))),
        `>${'['.repeat(64)}${']'.repeat(64)} `
        + escape(Buffer.from(`${'91'.repeat(63)}90`, 'hex')),
        ...bad.map((hex) => `bad ${escape(Buffer.from(hex, 'hex'))}`)
    ]);
}


/* what is in a message, in the order that the unit test knows */
function fields(form, bytes) {
    const whole = bytes[0] === 0x7b ? JSON.parse(bytes)
                                    : notepack.decode(bytes);

    const broadcast = form === 'b' || form === 'e';
    const message = broadcast ? { uid: whole[0], packet: whole[1],
                                  opts: whole[2] } : whole;

    const inner = form === 's' ? message.data || {} : message;
    const opts = inner.opts || {};
    const flags = opts.flags || {};

    const event = inner.packet && !Array.isArray(inner.packet)
        && inner.packet.data && (broadcast || message.type === 7
                                 || (form === 's' && message.type === 3));

    const data = event ? inner.packet.data
        : inner.packet !== undefined ? inner.packet
        : form === 's' ? undefined : inner.data;

    const nsp = form === 's' ? message.nsp
        : event ? inner.packet.nsp || '/' : '';

    const untyped = form === 'p' && ![6, 8, 9].includes(message.type);
    const names = (list) => (list || []).map(String);

    return JSON.stringify([
        broadcast || untyped ? -1 : message.type, message.uid || '', nsp,
        inner.requestId || '', names(opts.rooms), names(opts.except),
        ['volatile', 'compress', 'broadcast', 'local', 'expectSingleResponse']
            .filter((f) => flags[f]),
        flags.timeout === undefined ? -1 : flags.timeout,
        names(inner.rooms), (inner.sockets || []).map((s) => s.id || s),
        inner.clientCount || 0, Boolean(inner.close), inner.sid || '',
        inner.room || ''
    ]) + (data === undefined ? '' : text(data));
}


async function published() {
    const lines = [];
    const { options } = nodes;
    const nothing = () => {};
    const settle = () => new Promise((resolve) => setTimeout(resolve, 20));

    const add = (form, bytes) => lines.push(
        `${form}=${escape(fields(form, bytes), true)} ${escape(bytes)}`);

    for (const [kind, form, nsp, answer] of [
        ['classic', 'b', '/', 'client-ack'], ['classic', 'b', '/a#b', null],
        ['sharded', 's', '/', { ok: [1.5] }],
        ['sharded', 's', '/admin', Buffer.from([1, 2])]])
    {
        const a = nodes[kind](nsp);
        const b = nodes[kind](nsp, answer);
        const { adapter } = a;

        b.adapter.uid = kind === 'classic' ? 'aB3_-9' : '7b103f68e0a076e3';

        const emit = (rooms, except, flags, ...data) => adapter.broadcast(
            { type: 2, data }, options(rooms, except, flags));

        emit([], [], {}, 'hello', 'two', { three: 3 });
        emit(['room1'], [], {}, 'hello');
        emit(['a#b', 'é', 5], [nodes.SID], { volatile: true }, 'x', null);
        emit(Array.from({ length: 40 }, (x, i) => `room${i}`), ['y'],
             { volatile: true, compress: false, broadcast: true }, 'x', 1.5);
        emit([], [], { compress: true }, 'bin', Buffer.from([0, 255]),
             { deep: [Buffer.alloc(40, 1)] });
        emit([], [], {}, 'é'.repeat(100), '\u0000"\\');

        adapter.broadcastWithAck({ type: 2, data: ['ask', 1] },
            options([], [], { timeout: 10, expectSingleResponse: true }),
            nothing, nothing);
        adapter.addSockets(options(['room1'], ['x']), ['r7', 'r8']);
        adapter.delSockets(options([], ['x']), ['r7']);
        adapter.disconnectSockets(options(['room1'], []), true);
        adapter.disconnectSockets(options([], []), false);
        adapter.fetchSockets(options(['room1'], [])).catch(nothing);
        adapter.serverSideEmit(['sse', 2, { a: [true] }]);
        adapter.serverSideEmit(['sse', 'é', nothing]);

        if (kind === 'classic') {
            adapter.allRooms().catch(nothing);
        }

        await settle();

        for (const { channel, bytes } of [...a.sent]) {
            const request = channel.includes('-request#');

            add(request ? 'r' : form, bytes);

            if (request || kind === 'sharded') {
                b.hear(channel, bytes);
            }
        }

        if (kind === 'classic') {
            b.hear('socket.io-request#' + nsp + '#', Buffer.from(
                '{"uid":"u","requestId":"q","type":0,"rooms":["room1"]}'));
        }

        await settle();

        b.sent.forEach(({ bytes }) => add(kind === 'classic' ? 'p' : 's',
                                          bytes));
    }

    const { emitter, sent } = nodes.emitter('/');

    emitter.emit('hello', 'w');
    emitter.to('room1').except(['a', 'b']).volatile.compress(true)
           .emit('x', Buffer.from('y'));
    emitter.in(['room1', 'room2']).socketsJoin('r7');
    emitter.except('x').socketsLeave(['r7', 'r8']);
    emitter.to('room1').disconnectSockets(true);
    emitter.serverSideEmit('sse', 2);

    for (const { channel, bytes } of sent) {
        add(channel.includes('-request#') ? 'q' : 'e', bytes);
    }

    return lines;
}


function written() {
    const packet = { type: 2, data: ['a'], nsp: '/' };
    const lines = [];

    /* as other senders would have it, or older ones */
    const loose = [
        ['b', ['u', { type: 2, data: ['a'] }, {}]],
        ['b', ['u', { ...packet, type: 5, more: [1] }, { x: {}, rooms: null }]],
        ['b', ['u', { nsp: '/n', data: [7, new Date(0)], type: 2 },
               { flags: {}, rooms: ['r'] }, 'more']],
        ['b', ['u', packet, { rooms: [-1, 1.5, 'x'], flags: null }]],
        ['r', { type: 1, requestId: 'q', extra: { type: 5 } }],
        ['r', { type: 2, opts: {}, rooms: ['r'] }],
        ['r', { type: 2, sid: 's', room: 'r', requestId: 'q' }],
        ['r', { type: 4, sid: 's', close: 1, uid: 'u' }],
        ['r', { type: 0, requestId: 'q', uid: 'u' }],
        ['p', { requestId: 'q' }],
        ['p', { requestId: 'q', rooms: [], type: 44 }],
        ['p', { type: 6, requestId: 'q' }],
        ['p', { type: 6, requestId: 'q', data: null }],
        ['p', { type: 9, requestId: 'q' }],
        ['s', { type: 1, uid: 'u', nsp: '/' }],
        ['s', { type: 13, uid: 'u', nsp: '/', data: {} }],
        ['s', { uid: 'u', nsp: '/', type: 12, data: { requestId: 'q' } }]
    ];

    for (const [form, message] of loose) {
        const list = [notepack.encode(message)];

        if (form !== 'b') {
            list.push(Buffer.from(JSON.stringify(message, null, 1)));
        }

        for (const bytes of list) {
            lines.push(`${form}~${escape(fields(form, bytes), true)} `
                       + escape(bytes));
        }
    }

    const opts = { rooms: [], except: [], flags: {} };

    const refused = [
        ['b', ['u', packet]], ['b', []], ['b', {}], ['b', null], ['b', 'x'],
        ['b', ['u', null, opts]], ['b', ['u', packet, null]],
        ['b', ['u', { ...packet, type: 3 }, opts]],
        ['b', ['u', { ...packet, type: undefined }, opts]],
        ['b', ['u', { ...packet, data: [] }, opts]],
        ['b', ['u', { ...packet, data: [null] }, opts]],
        ['b', ['u', { ...packet, data: 'x' }, opts]],
        ['b', ['u', packet, { ...opts, rooms: 'room' }]],
        ['b', ['u', packet, { ...opts, except: { a: 1 } }]],
        ['r', { type: 1 }], ['r', { type: 0, requestId: 5 }],
        ['r', { type: 2, rooms: ['r'] }], ['r', { type: 4, close: true }],
        ['r', { type: 3, opts: 5, rooms: ['r'] }],
        ['r', { type: 2, opts: {}, rooms: 'r' }],
        ['r', { type: 5, requestId: 'q' }], ['r', { type: 6 }],
        ['r', { type: 6, data: [] }], ['r', { type: 7, requestId: 'q', opts }],
        ['r', { type: 7, packet, opts }],
        ['r', { type: 7, requestId: 'q', packet }], ['r', []],
        ['p', {}], ['p', { type: 8, requestId: 'q' }],
        ['p', { type: 8, requestId: 'q', clientCount: -1 }],
        ['p', { requestId: 'q', sockets: {} }],
        ['s', { type: 3, uid: 'u', nsp: '/' }],
        ['s', { type: 3, uid: 'u', nsp: '/', data: { packet } }],
        ['s', { type: 4, uid: 'u', nsp: '/', data: { rooms: ['r'] } }],
        ['s', { type: 7, uid: 'u', nsp: '/', data: { opts } }],
        ['s', { type: 9, uid: 'u', nsp: '/', data: { packet: {} } }],
        ['s', { type: 11, uid: 'u', nsp: '/', data: { requestId: 'q' } }]
    ];

    for (const [form, message] of refused) {
        lines.push(`${form}! ${escape(notepack.encode(message))}`);
    }

    for (const [form, message] of [['r', {}], ['r', { type: 8 }],
        ['r', { type: 99 }], ['r', { type: -1 }], ['r', { type: '1' }],
        ['s', {}], ['s', { type: 0 }], ['s', { type: 14 }]])
    {
        lines.push(`${form}? ${escape(JSON.stringify(message))}`);
    }

    const whole = notepack.encode(['u', packet, opts]);

    lines.push(`b! ${escape(Buffer.concat([whole, Buffer.from([0xc0])]))}`);
    lines.push(`b! ${escape(whole.subarray(0, -1))}`);
    lines.push('r! {"type":1,"requestId":"q"', 'r! {"type":1}{}', 'b! %20',
               'r! {"type":1,"requestId":"%ff"}');

    return lines;
}


(async () => {
    msgpack();

    write('adapter.txt', 'messages of the Redis adapters',
          [...await published(), ...written()]);

    process.exit(0);
})();
