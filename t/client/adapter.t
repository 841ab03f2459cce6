#!/usr/bin/env node
'use strict';

/*
 * The codecs of the Redis adapters against the real packages: notepack.io over
 * random values in both directions, and every message that the adapters and
 * the emitter publish, decoded and encoded again to the same bytes.
 *
 *     SEED=n COUNT=n prove t/client/adapter.t    other values, or more
 */

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const { Random } = require('../lib/random');
const tap = require('../lib/tap');

const { is, ok, test } = tap;

const ROOT = path.resolve(__dirname, '../..');
const SEED = Number(process.env.SEED || 1);
const COUNT = Number(process.env.COUNT || 4000);

const SOURCES = [
    'proto/rt_adapter', 'proto/rt_adapter_encode', 'proto/rt_adapter_list',
    'proto/rt_adapter_map', 'proto/rt_adapter_out',
    'proto/rt_msgpack', 'proto/rt_number', 'proto/rt_pack', 'proto/rt_unpack',
    'base/rt_buf', 'base/rt_json', 'base/rt_json_check', 'base/rt_time',
    'base/rt_utf8'
];

const TEXTS = ['', 'a', 'é', '€', '😀', '"', '\\', '\n', '\u0000', '\u001f',
               '\u007f', '\u2028', 'x'.repeat(29), 'ü'.repeat(16),
               'y'.repeat(300)];

const LENGTHS = [0, 1, 15, 16, 31, 32, 255, 256, 300];


/* the program that runs the codecs, in a directory of its own */
function build() {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'realtime-adapter-'));
    const program = path.join(dir, 'adapter');

    tap.cleanup(() => fs.rmSync(dir, { recursive: true, force: true }));

    execFileSync(process.env.CC || 'cc', [
        '-std=gnu11', '-O1', '-I', path.join(ROOT, 'src'), '-o', program,
        path.join(__dirname, 'adapter.c'),
        ...SOURCES.map((name) => path.join(ROOT, 'src', `${name}.c`))
    ], { stdio: ['ignore', 'inherit', 'inherit'] });

    return program;
}


/* what the program answers: lists of buffers, or texts of errors */
function ask(program, questions) {
    const hex = (bytes) => Buffer.from(bytes).toString('hex') || '-';
    const output = execFileSync(program, {
        input: questions.map(([command, ...args]) =>
            `${[command, ...args.map(hex)].join(' ')}\n`).join(''),
        maxBuffer: 1 << 30
    }).toString().split('\n').slice(0, -1);

    is(output.length, questions.length, 'answers');

    return output.map((line) => (line.startsWith('error') ? line
        : line.split(' ').map((word) =>
            Buffer.from(word === '-' ? '' : word, 'hex'))));
}


/* a value with its buffers as placeholders, and these */
function deconstruct(value) {
    const attachments = [];

    const walk = (v) => {
        if (v instanceof ArrayBuffer) {
            return walk(Buffer.from(v));
        }

        if (Buffer.isBuffer(v)) {
            return { _placeholder: true, num: attachments.push(v) - 1 };
        }

        if (Array.isArray(v)) {
            return v.map(walk);
        }

        if (v && typeof v === 'object' && !(v instanceof Date)) {
            const entries = Object.entries(v).map(([k, x]) => [k, walk(x)]);

            return Object.fromEntries(entries);
        }

        return v;
    };

    const text = JSON.stringify(walk(value));

    return { text, attachments };
}


function number(random) {
    switch (random.below(6)) {
    case 0:
        return random.below(300) - 150;

    case 1:
        return Math.floor((random.next() - 0.5) * 2 ** random.below(54));

    case 2:
        return random.pick([0x7f, 0x80, 0xff, 0x100, 0xffff, 0x10000,
                            0xffffffff, 0x100000000, -0x20, -0x21, -0x80,
                            -0x81, -0x8000, -0x8001, -0x80000000, -0x80000001,
                            Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER,
                            2 ** 53, 2 ** 63, -(2 ** 63), 0.1, 1e-7, 5e-324]);

    case 3:
        return random.next() * 10 ** (random.below(40) - 20) + 0.1;

    default:
        return double(random);
    }
}


/* any finite number; notepack.io cannot send integers from 2^64 on */
function double(random) {
    const bytes = Buffer.alloc(8);

    for (;;) {
        for (let i = 0; i < 8; i++) {
            bytes[i] = random.below(256);
        }

        const d = bytes.readDoubleBE(0);

        if (Number.isFinite(d) && Math.abs(d) < 2 ** 63) {
            return d;
        }
    }
}


function string(random) {
    let text = '';

    for (let n = random.below(4); n > 0; n--) {
        text += random.pick(TEXTS);
    }

    return text;
}


/* "more" may also make what JSON does not have */
function value(random, depth, more = () => null) {
    const kinds = depth > 0 ? 9 : 6;

    switch (random.below(kinds)) {
    case 0:
        return number(random);

    case 1:
        return string(random);

    case 2:
        return random.pick([true, false, null]);

    case 3:
        return Buffer.alloc(random.pick(LENGTHS), random.below(256));

    case 4:
    case 5:
        return more(random);

    case 6:
    case 7:
        return Array.from({ length: random.pick([0, 1, 2, 3, 15, 16, 20]) },
                          () => value(random, depth - 1, more));

    default:
        return Object.fromEntries(
            Array.from({ length: random.pick([0, 1, 2, 3, 15, 16, 20]) },
                       (x, i) => [`k${i}${string(random)}`,
                                  value(random, depth - 1, more)]));
    }
}


/* what msgpack has besides, as the adapters send it */
function extra(random) {
    return random.pick([NaN, Infinity, -Infinity, new Date(0),
                        new Date(random.below(2e9) * 1000),
                        new Date(Math.floor(random.next() * 4e12)),
                        new Date(Math.floor((random.next() - 0.5) * 1.7e16)),
                        new Date(8.64e15), new Date(-8.64e15),
                        new Date(-1)]);
}


/* in any form that msgpack has for it */
function sloppy(random, v) {
    const wide = (first, widths, n) => {
        const fits = widths.filter((w) => n < 2 ** (8 * w));
        const w = random.pick(fits);
        const bytes = Buffer.alloc(1 + w);

        bytes[0] = first + widths.indexOf(w);
        bytes.writeUIntBE(n, 1, w);

        return bytes;
    };

    if (typeof v === 'string') {
        const bytes = Buffer.from(v);

        return Buffer.concat([wide(0xd9, [1, 2, 4], bytes.length), bytes]);
    }

    if (typeof v === 'number' && Number.isInteger(v) && v >= 0
        && v < 2 ** 32)
    {
        if (v < 2 ** 24 && random.below(3) === 0) {
            const bytes = Buffer.from([0xca, 0, 0, 0, 0]);

            bytes.writeFloatBE(v, 1);

            return bytes;
        }

        if (random.below(3) === 0) {
            const bytes = Buffer.alloc(9, random.pick([0xcf, 0xd3]));

            bytes.writeBigUInt64BE(BigInt(v), 1);

            return bytes;
        }

        return wide(0xcc, [1, 2, 4], v);
    }

    if (Buffer.isBuffer(v)) {

        /* 0xc7: as notepack.io 2 sent an ArrayBuffer */

        if (v.length < 256 && random.below(3) === 0) {
            return Buffer.concat([Buffer.from([0xc7, v.length, 0]), v]);
        }

        return Buffer.concat([wide(0xc4, [1, 2, 4], v.length), v]);
    }

    if (Array.isArray(v)) {
        return Buffer.concat([wide(0xdc, [2, 4], v.length),
                              ...v.map((x) => sloppy(random, x))]);
    }

    if (v && typeof v === 'object' && !(v instanceof Date)) {
        const entries = Object.entries(v);

        return Buffer.concat([wide(0xde, [2, 4], entries.length),
                              ...entries.flat().map((x) => sloppy(random, x))]);
    }

    return require('notepack.io').encode(v);
}


function unpacked(program, list) {
    const answers = ask(program, list.map(({ bytes }) => ['unpack', bytes]));

    answers.forEach((answer, i) => {
        const { text, attachments } = list[i];

        is(String(answer[0]), text, list[i].bytes.toString('hex'));
        is(answer.length - 1, attachments.length, 'attachments');

        attachments.forEach((a, n) => ok(a.equals(answer[n + 1]), text));
    });
}


/* everything that the packages publish, with random values in it */
async function messages(random) {
    const nodes = require('../lib/nodes');
    const list = [];
    const nsp = random.pick(['/', '/admin', '/a#b']);
    const event = () => ['hello', value(random, 3), string(random)];
    const names = () => Array.from({ length: random.below(20) }, () =>
        string(random).slice(0, 40));

    const plain = () => JSON.parse(JSON.stringify(event(), (k, v) =>
        (v && v.type === 'Buffer' ? 'x' : v)));

    const flags = () => random.pick([{}, { volatile: true },
        { compress: false }, { volatile: true, compress: true },
        { broadcast: true }]);

    const options = (f) => nodes.options(names(), names(), f || flags());
    const ack = { timeout: 1 + random.below(20) };
    const nothing = () => {};
    const settle = () => new Promise((resolve) => setTimeout(resolve, 5));

    for (const kind of ['classic', 'sharded']) {
        const answer = kind === 'classic' ? plain() : value(random, 2);
        const a = nodes[kind](nsp);
        const b = nodes[kind](nsp, answer);

        b.adapter.uid = 'other-node';

        a.adapter.broadcast({ type: 2, data: event() }, options());
        a.adapter.broadcastWithAck({ type: 2, data: event() },
                                   nodes.options([], [], ack), nothing,
                                   nothing);
        a.adapter.addSockets(options(), names());
        a.adapter.delSockets(options(), names());
        a.adapter.disconnectSockets(options(), random.below(2) === 1);
        a.adapter.fetchSockets(nodes.options([], ['x'])).catch(nothing);
        a.adapter.serverSideEmit(plain());
        a.adapter.serverSideEmit([...plain(), nothing]);

        if (kind === 'classic') {
            a.adapter.allRooms().catch(nothing);
        }

        await settle();

        for (const { channel, bytes } of [...a.sent]) {
            const request = channel.includes('-request#');

            list.push([kind === 'sharded' ? 'sharded'
                       : request ? 'request' : 'broadcast', bytes]);

            if (kind === 'sharded' || request) {
                b.hear(channel, bytes);
            }
        }

        await settle();

        for (const { bytes } of b.sent) {
            list.push([kind === 'sharded' ? 'sharded' : 'response', bytes]);
        }
    }

    const { emitter, sent } = nodes.emitter(nsp);
    const to = random.below(2) ? emitter.to(names()).except(names()) : emitter;

    to.emit(...event());
    emitter.volatile.compress(true).in('r').emit('x', new Date(5));
    emitter.to('a').socketsJoin(names());
    emitter.to('a').except('b').socketsLeave('c');
    emitter.to(names()).disconnectSockets(true);
    emitter.serverSideEmit(...plain());

    for (const { channel, bytes } of sent) {
        list.push([channel.includes('-request#') ? 'emitter' : 'emitted',
                   bytes]);
    }

    return list;
}


tap.run(async () => {
    const notepack = tap.load('notepack.io');
    const program = build();

    await test(`${COUNT} values to msgpack, seed ${SEED}`, () => {
        const random = new Random(SEED);
        const list = Array.from({ length: COUNT }, () => value(random, 4));

        const answers = ask(program, list.map((v) => {
            const { text, attachments } = deconstruct(v);

            return ['pack', text, ...attachments.slice(0, 60)];
        }));

        let binary = 0;

        answers.forEach((answer, i) => {
            const { text, attachments } = deconstruct(list[i]);

            if (attachments.length > 60) {
                is(answer, 'error placeholder stands for nothing', text);
                return;
            }

            binary += attachments.length > 0;
            is(answer[0].toString('hex'),
               notepack.encode(list[i]).toString('hex'), text);
        });

        ok(binary > COUNT / 10, 'values with attachments');
    }, { timeout: 120000 });

    await test(`${COUNT} values of msgpack, seed ${SEED}`, () => {
        const random = new Random(SEED);

        unpacked(program, Array.from({ length: COUNT }, () => {
            const v = value(random, 4, extra);

            return { bytes: notepack.encode(v), ...deconstruct(v) };
        }));
    }, { timeout: 120000 });

    await test(`${COUNT} values in other forms, seed ${SEED}`, () => {
        const random = new Random(SEED);

        unpacked(program, Array.from({ length: COUNT }, () => {
            const v = value(random, 4, extra);
            const bytes = sloppy(random, v);

            is(deconstruct(notepack.decode(bytes)).text, deconstruct(v).text,
               'notepack.io');

            return { bytes, ...deconstruct(v) };
        }));
    }, { timeout: 120000 });

    await test('what JSON.parse() changes', () => {
        const cases = ['1e999', '-1e999', '-0', '1.0', '1E2', '1e-400',
                       '0.1e1', '123456789012345678901234567890',
                       '9007199254740993', '-9007199254740993',
                       '18446744073709549568', '18446744073709551615',
                       '18446744073709551616', '"\\ud800x\\udc00"',
                       '"\\ud83d\\ude00"', '{"b":1,"a":2,"b":3}',
                       '{"2":1,"1":2}', '{"__proto__":1}',
                       `0.${'0'.repeat(400)}1e401`, `1${'0'.repeat(1000)}`,
                       `2.5${'0'.repeat(900)}1`, '4.35', '0.3e-5'];

        const packed = ask(program, cases.map((text) => ['pack', text]));
        const lone = (text) => JSON.parse(text, (k, v) =>
            (typeof v === 'string' ? v.toWellFormed?.()
                ?? Buffer.from(v).toString() : v));

        cases.forEach((text, i) => tap.isDeeply(
            notepack.decode(packed[i][0]),
            text.includes('__proto__') ? {} : Object.is(lone(text), -0) ? 0
            : lone(text), text));
    });

    await test(`${5 * COUNT} numbers, seed ${SEED}`, () => {
        const random = new Random(SEED);
        const list = [1e21, 1e20, 123456789012345680000, 1e-6, 1e-7, 1.5e-7,
                      Number.MAX_VALUE, Number.MIN_VALUE, 2 ** -1022, 2 ** 53,
                      ...Array.from({ length: 2046 },
                                    (x, i) => 2 ** (i - 1022)),
                      ...Array.from({ length: 5 * COUNT }, () =>
                          number(random))];

        ask(program, list.map((d) => ['number', String(d)]))
            .forEach((answer, i) => is(String(answer[0]), String(list[i]),
                                       'number'));
    }, { timeout: 120000 });

    await test('bytes that are no UTF-8', () => {
        const random = new Random(SEED);
        const special = [0x00, 0x22, 0x41, 0x7f, 0x80, 0xa0, 0xbf, 0xc0, 0xc2,
                         0xe0, 0xe1, 0xed, 0xef, 0xf0, 0xf1, 0xf4, 0xf5, 0xff,
                         0x90, 0x9f, 0x8f];

        unpacked(program, Array.from({ length: COUNT }, () => {
            const text = Buffer.from(Array.from(
                { length: random.below(31) }, () => random.pick(special)));

            return { bytes: Buffer.concat([Buffer.from([0xa0 | text.length]),
                                           text]),
                     text: JSON.stringify(text.toString()), attachments: [] };
        }));
    }, { timeout: 120000 });

    await test('all messages of the packages', async () => {
        const random = new Random(SEED);
        const kinds = {};

        for (let i = 0; i < 40; i++) {
            const list = await messages(random);
            const answers = ask(program, list);

            answers.forEach((answer, n) => {
                const [kind, bytes] = list[n];

                kinds[kind] = (kinds[kind] || 0) + 1;

                is(String(answer[0]), String(bytes),
                   `${kind} ${bytes.toString('latin1').slice(0, 2000)}`);
                ok(bytes.equals(answer[0]), kind);
            });
        }

        tap.diag(JSON.stringify(kinds));

        for (const kind of ['broadcast', 'request', 'response', 'sharded',
                            'emitter', 'emitted'])
        {
            ok(kinds[kind] > 20, kind);
        }
    }, { timeout: 120000 });
});
