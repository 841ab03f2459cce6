#!/usr/bin/env node
'use strict';

/*
 * RFC 6455: framing, fragments, control frames, UTF-8, closing, limits and
 * the opening handshake.
 */

const { differs, reference, start } = require('../lib/fixture');
const eio = require('../lib/eio');
const { connect, request } = require('../lib/http');
const tap = require('../lib/tap');
const { closePayload, frame, handshake } = require('../lib/ws');

const { is, isDeeply, ok, sleep, test } = tap;

/* every size a length field can begin or end with */
const SIZES = [1, 2, 124, 125, 126, 127, 65534, 65535, 65536, 65537, 200000];


async function opened(server) {
    return (await eio.openWebSocket(server)).ws;
}


async function alive(ws) {
    ws.send('4alive');
    is(await ws.recv(), '4alive', 'echo');
}


/* the server fails the connection with a close frame of that code */
async function failsWith(ws, code) {
    const last = await ws.waitCloseFrame(2000);

    is(last.code, code, 'close code');
}


async function framing(server) {
    for (const size of SIZES) {
        await test(`a text message of ${size} bytes`, async () => {
            const ws = await opened(server);
            const text = '4' + 'x'.repeat(size - 1);

            ws.send(text);
            ok(await ws.recv() === text, 'the same back');
        });

        await test(`a binary message of ${size} bytes`, async () => {
            const ws = await opened(server);
            const bytes = Buffer.alloc(size, 0xa5);

            ws.send(bytes);
            ok(bytes.equals(await ws.recv()), 'the same back');
        });
    }

    await test('an empty binary message', async () => {
        const ws = await opened(server);

        ws.send(Buffer.alloc(0));
        isDeeply(await ws.recv(), Buffer.alloc(0), 'message');
    });

    await test('a mask of zeros', async () => {
        const ws = await opened(server);

        ws.frame('4hello', { key: Buffer.alloc(4) });
        is(await ws.recv(), '4hello', 'message');
    });

    await test('lengths in a longer form than needed', async () => {
        const ws = await opened(server);

        /* not minimal: either is fine, but not another reading */
        ws.frame('4hello', { form: 16 });
        ws.frame('4hello', { form: 64 });

        const first = await Promise.race([ws.recv(), ws.closed]);

        ok(first === '4hello' || first.code === 1002, `answer ${first}`);
    });
}


async function chopping(server) {
    const text = '4' + 'chopped ü '.repeat(20);

    const bytes = Buffer.concat([
        frame('4first'),
        frame(text.slice(0, 30), { fin: false }),
        frame('p', { op: 9 }),
        frame(text.slice(30, 31), { fin: false, op: 0 }),
        frame(text.slice(31), { op: 0 }),
        frame(Buffer.alloc(300, 7), { op: 2 }),
        frame('4last')
    ]);

    await test(`pieces of 1 to 40 and 100 to ${bytes.length} bytes`,
        async () => {
            const sizes = [];

            for (let n = 1; n <= bytes.length; n += n < 40 ? 1 : 60) {
                sizes.push(n);
            }

            for (const size of sizes) {
                const ws = await opened(server);

                await ws.chopped(bytes, size);
                is(await ws.recv(), '4first', `first, ${size}`);
                is(await ws.recv(), text, `text, ${size}`);
                isDeeply(await ws.recv(), Buffer.alloc(300, 7), `bin, ${size}`);
                is(await ws.recv(), '4last', `last, ${size}`);
                is(await ws.pongs.next(), 'p', `pong, ${size}`);
                ws.destroy();
            }
        }, { timeout: 20000 });

    await test('a cut at every byte of a small frame', async () => {
        const one = frame('4' + 'y'.repeat(130));

        for (let cut = 1; cut < one.length; cut++) {
            const ws = await opened(server);

            ws.raw(one.subarray(0, cut));
            await sleep(1);
            ws.raw(one.subarray(cut));
            is((await ws.recv()).length, 131, `length, cut ${cut}`);
            ws.destroy();
        }
    }, { timeout: 20000 });

    await differs('first frames in the segment of the request', async () => {
        const uri = eio.query(server.path, { EIO: 4, transport: 'websocket' });

        const { ws } = await handshake(server.port, uri, {
            early: Buffer.concat([frame('4one'), frame('4two')])
        });

        is((await ws.recv())[0], '0', 'handshake');
        is(await ws.recv(), '4one', 'first');
        is(await ws.recv(), '4two', 'second');
        await alive(ws);
    });

    await test('half a frame in the segment of the request', async () => {
        const uri = eio.query(server.path, { EIO: 4, transport: 'websocket' });
        const bytes2 = frame('4' + 'z'.repeat(50));

        for (const cut of [1, 2, 5, 6, 7, 30]) {
            const { ws } = await handshake(server.port, uri, {
                early: bytes2.subarray(0, cut)
            });

            is((await ws.recv())[0], '0', 'handshake');
            ws.raw(bytes2.subarray(cut));
            is((await ws.recv()).length, 51, 'length');
            ws.destroy();
        }
    });

    await differs('20 kB in the segment of the request', async () => {
        const uri = eio.query(server.path, { EIO: 4, transport: 'websocket' });

        const { ws } = await handshake(server.port, uri, {
            early: frame('4' + 'w'.repeat(20000))
        });

        is((await ws.recv())[0], '0', 'handshake');
        is((await ws.recv()).length, 20001, 'length');
    });

    await test('a request in pieces of one byte', async () => {
        const uri = eio.query(server.path, { EIO: 4, transport: 'websocket' });
        const socket = await connect(server.port);
        const head = `GET ${uri} HTTP/1.1\r\nHost: localhost\r\n`
                     + 'Connection: keep-alive, Upgrade\r\n'
                     + 'Upgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\n'
                     + 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';

        for (const byte of Buffer.from(head)) {
            socket.write(Buffer.from([byte]));
            await new Promise((resolve) => setImmediate(resolve));
        }

        const text = await new Promise((resolve) => {
            socket.once('data', (data) => resolve(data.toString('latin1')));
        });

        tap.like(text, /^HTTP\/1\.1 101 /, 'status');
        tap.like(text, /^sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=/mi,
                 'accept');
    });
}


async function fragments(server) {
    await test('a text message in three fragments', async () => {
        const ws = await opened(server);

        ws.frame('4he', { fin: false });
        ws.frame('ll', { fin: false, op: 0 });
        ws.frame('o', { op: 0 });
        is(await ws.recv(), '4hello', 'message');
    });

    await test('a binary message in fragments', async () => {
        const ws = await opened(server);

        ws.frame(Buffer.from([1]), { fin: false, op: 2 });
        ws.frame(Buffer.from([2, 3]), { op: 0 });
        isDeeply(await ws.recv(), Buffer.from([1, 2, 3]), 'message');
    });

    await test('empty fragments', async () => {
        const ws = await opened(server);

        ws.frame('', { fin: false });
        ws.frame('4hello', { fin: false, op: 0 });
        ws.frame('', { fin: false, op: 0 });
        ws.frame('', { op: 0 });
        is(await ws.recv(), '4hello', 'message');
    });

    await test('a ping between fragments is answered at once', async () => {
        const ws = await opened(server);

        ws.frame('4he', { fin: false });
        ws.frame('are you there?', { op: 9 });
        is(await ws.pongs.next(), 'are you there?', 'pong');
        ws.frame('llo', { op: 0 });
        is(await ws.recv(), '4hello', 'message');
    });

    await test('a close between fragments', async () => {
        const ws = await opened(server);

        ws.frame('4he', { fin: false });
        ws.close(1000);
        await failsWith(ws, 1000);
    });

    await test('a continuation of nothing: 1002', async () => {
        const ws = await opened(server);

        ws.frame('4hello', { op: 0 });
        await failsWith(ws, 1002);
    });

    await test('a new message before the end of one: 1002', async () => {
        const ws = await opened(server);

        ws.frame('4he', { fin: false });
        ws.frame('4hello');
        await failsWith(ws, 1002);
    });

    await test('200 fragments of one byte', async () => {
        const ws = await opened(server);
        const list = [frame('4', { fin: false })];

        for (let i = 0; i < 199; i++) {
            list.push(frame('f', { fin: i === 198, op: 0 }));
        }

        ws.raw(Buffer.concat(list));
        is(await ws.recv(), '4' + 'f'.repeat(199), 'message');
    });

    const many = (n) => {
        const list = [frame('4', { fin: false })];

        for (let i = 1; i < n; i++) {
            list.push(frame(i % 2 ? '' : 'f', { fin: i === n - 1, op: 0 }));
        }

        return Buffer.concat(list);
    };

    await test('16,384 fragments are taken', async () => {
        const ws = await opened(server);

        ws.raw(many(16384));
        is((await ws.recv()).length, 8192, 'length');
    });

    await differs('one more is not', async () => {
        const ws = await opened(server);

        ws.raw(many(16385));

        const { code } = await ws.waitCloseFrame(2000);

        ok([1008, 1009].includes(code), `close code ${code}`);
    });
}


async function control(server) {
    await test('a ping is answered with its payload', async () => {
        const ws = await opened(server);

        for (const payload of ['', 'x', 'y'.repeat(125)]) {
            ws.frame(payload, { op: 9 });
            is(await ws.pongs.next(), payload, 'pong');
        }

        await alive(ws);
    });

    await test('a pong that nobody asked for is ignored', async () => {
        const ws = await opened(server);

        ws.frame('pong', { op: 10 });
        await alive(ws);
    });

    await test('a ping of 126 bytes: 1002', async () => {
        const ws = await opened(server);

        ws.frame('y'.repeat(126), { op: 9 });
        await failsWith(ws, 1002);
    });

    await test('a ping in fragments: 1002', async () => {
        const ws = await opened(server);

        ws.frame('y', { op: 9, fin: false });
        await failsWith(ws, 1002);
    });

    await test('a close in fragments: 1002', async () => {
        const ws = await opened(server);

        ws.frame(closePayload(1000), { op: 8, fin: false });
        await failsWith(ws, 1002);
    });

    for (const rsv of [1, 2, 4, 7]) {
        await test(`reserved bits ${rsv}: 1002`, async () => {
            const ws = await opened(server);

            ws.frame('4hello', { rsv });
            await failsWith(ws, 1002);
        });
    }

    for (const op of [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]) {
        await test(`opcode ${op}: 1002`, async () => {
            const ws = await opened(server);

            ws.frame('', { op });
            await failsWith(ws, 1002);
        });
    }

    for (const op of [1, 2, 8, 9, 10]) {
        await test(`opcode ${op} without a mask: 1002`, async () => {
            const ws = await opened(server);

            ws.frame(op === 8 ? closePayload(1000) : '4hello',
                     { op, mask: false });
            await failsWith(ws, 1002);
        });
    }

    await test('what is behind a bad frame is not served', async () => {
        const ws = await opened(server);

        ws.raw(Buffer.concat([frame('4one'), frame('', { op: 3 }),
                              frame('4two')]));
        is(await ws.recv(), '4one', 'before');
        await failsWith(ws, 1002);
        is(ws.messages.length, 0, 'messages after');
    });
}


async function utf8(server) {
    const good = {
        'two bytes': 'ü', 'three bytes': '—€\uffff', 'four bytes': '\u{10ffff}',
        'edges': '\u007f\u0080\u07ff\u0800\ud7ff\ue000\u{10000}'
    };

    const bad = {
        'a lone continuation': [0x80],
        'an unfinished sequence': [0xc3],
        'a sequence with a hole': [0xe2, 0x28, 0xa1],
        'an overlong slash': [0xc0, 0xaf],
        'an overlong of three': [0xe0, 0x80, 0xaf],
        'an overlong of four': [0xf0, 0x80, 0x80, 0xaf],
        'a surrogate': [0xed, 0xa0, 0x80],
        'beyond U+10FFFF': [0xf4, 0x90, 0x80, 0x80],
        'byte f5': [0xf5, 0x80, 0x80, 0x80],
        'byte fe': [0xfe],
        'byte ff': [0xff]
    };

    for (const [name, text] of Object.entries(good)) {
        await test(`UTF-8: ${name}, whole and in single bytes`, async () => {
            const ws = await opened(server);
            const bytes = Buffer.from(`4${text}`);

            ws.frame(bytes);
            is(await ws.recv(), `4${text}`, 'whole');

            for (let i = 0; i < bytes.length; i++) {
                ws.frame(bytes.subarray(i, i + 1), {
                    op: i ? 0 : 1, fin: i === bytes.length - 1
                });
            }

            is(await ws.recv(), `4${text}`, 'one byte a fragment');
        });
    }

    for (const [name, list] of Object.entries(bad)) {
        await test(`UTF-8: ${name}: 1007`, async () => {
            const ws = await opened(server);

            ws.frame(Buffer.from([0x34, ...list]));
            await failsWith(ws, 1007);
        });

        await test(`UTF-8: ${name}, in two fragments: 1007`, async () => {
            const ws = await opened(server);
            const bytes = Buffer.from([0x34, ...list]);

            ws.frame(bytes.subarray(0, -1), { fin: false });
            ws.frame(bytes.subarray(-1), { op: 0 });
            await failsWith(ws, 1007);
        });
    }

    await differs('UTF-8: a bad fragment is noticed before the last',
        async () => {
            const ws = await opened(server);

            ws.frame(Buffer.from([0x34, 0xff]), { fin: false });
            await failsWith(ws, 1007);
        });

    await differs('UTF-8: a bad byte is noticed before the frame ends',
        async () => {
            const ws = await opened(server);
            const bytes = frame(Buffer.from([0x34, 0xff, ...Buffer.alloc(90)]));

            ws.raw(bytes.subarray(0, 12));
            await failsWith(ws, 1007);
        });

    await test('UTF-8: binary messages may hold anything', async () => {
        const ws = await opened(server);

        ws.send(Buffer.from([0xff, 0xfe, 0x80]));
        isDeeply(await ws.recv(), Buffer.from([0xff, 0xfe, 0x80]), 'message');
    });
}


async function closing(server) {
    for (const code of [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011,
                        3000, 3999, 4000, 4999])
    {
        await test(`close ${code} is echoed`, async () => {
            const ws = await opened(server);

            ws.close(code, 'bye');
            await failsWith(ws, code);
        });
    }

    await test('a close without a code is answered', async () => {
        const ws = await opened(server);

        ws.close();

        const { code } = await ws.waitClose();

        ok([1000, 1005].includes(code), `close code ${code}`);
    });

    for (const code of [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000,
                        65535])
    {
        await test(`close ${code}: 1002`, async () => {
            const ws = await opened(server);

            ws.close(code);
            await failsWith(ws, 1002);
        });
    }

    await test('a close of one byte: 1002', async () => {
        const ws = await opened(server);

        ws.frame('x', { op: 8 });
        await failsWith(ws, 1002);
    });

    await test('a close with a bad reason: 1007', async () => {
        const ws = await opened(server);

        ws.sentClose = true;
        ws.frame(Buffer.from([0x03, 0xe8, 0xff]), { op: 8 });
        await failsWith(ws, 1007);
    });

    await test('messages behind a close are not served', async () => {
        const ws = await opened(server);

        ws.close(1000);
        ws.send('4late');
        await failsWith(ws, 1000);
        is(ws.messages.length, 0, 'messages after');
    });

    await test('the TCP connection ends after a close', async () => {
        const ws = await opened(server);

        ws.close(1000);
        await ws.waitClose(1000);
    });

    await test('so it does after a failure', async () => {
        const ws = await opened(server);

        ws.frame('', { op: 3 });
        await ws.waitClose(1000);
    });

    await test('also if the client does not answer', async () => {
        const ws = await opened(server);

        ws.replyClose = false;
        ws.frame('', { op: 3 });
        await ws.waitClose(4000);
    });

    await test('a connection cut in the middle of a frame', async () => {
        const { ws, sid } = await eio.openWebSocket(server);

        ws.raw(frame('4hello').subarray(0, 4));
        await sleep(20);
        ws.destroy();
        await sleep(80);

        const res = await new eio.Polling(server, { sid }).get();

        is(res.status, 400, 'status of the session');
    });
}


async function limits(server) {
    const MAX = 1000000;

    await test('a message of the maximum size', async () => {
        const ws = await opened(server);
        const text = '4' + 'm'.repeat(MAX - 1);

        ws.send(text);
        ok(await ws.recv() === text, 'the same back');
    });

    await test('one byte more: 1009', async () => {
        const ws = await opened(server);

        ws.send('4' + 'm'.repeat(MAX));
        await failsWith(ws, 1009);
    });

    await test('a binary one, too', async () => {
        const ws = await opened(server);

        ws.send(Buffer.alloc(MAX + 1));
        await failsWith(ws, 1009);
    });

    await test('the head of a frame is enough to refuse it', async () => {
        const ws = await opened(server);

        ws.raw(frame('', { length: MAX + 1, form: 64 }));
        await failsWith(ws, 1009);
    });

    await test('fragments count together: 1009', async () => {
        const ws = await opened(server);

        ws.frame('4' + 'm'.repeat(MAX - 1), { fin: false });
        ws.frame('m', { op: 0 });
        await failsWith(ws, 1009);
    });

    await test('a length of 2^63 - 1', async () => {
        const ws = await opened(server);

        ws.raw(Buffer.from([0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff,
                            0xff, 0xff, 1, 2, 3, 4]));

        const { code } = await ws.waitCloseFrame(2000);

        ok([1002, 1009].includes(code), `close code ${code}`);
    });

    await test('a length with the highest bit set', async () => {
        const ws = await opened(server);

        ws.raw(Buffer.from([0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                            0xff, 0xff, 1, 2, 3, 4]));

        const { code } = await ws.waitCloseFrame(2000);

        ok([1002, 1009].includes(code), `close code ${code}`);
    });
}


async function handshakes(server) {
    const uri = eio.query(server.path, { EIO: 4, transport: 'websocket' });

    const refused = (name, options, statuses = [400], check = test) => {
        return check(name, async () => {
            const res = await handshake(server.port, uri, options);

            ok(statuses.includes(res.status), `status ${res.status}`);
        });
    };

    await refused('handshake: by POST',
                  { method: 'POST', headers: { 'Content-Length': 0 } },
                  [400, 405]);
    await refused('handshake: HTTP/1.0', { version: '1.0' }, [400, 426, 505],
                  differs);
    await refused('handshake: without a key',
                  { headers: { 'Sec-WebSocket-Key': null } });

    for (const key of ['short', 'dGhlIHNhbXBsZSBub25jZQ', '%%%%%%%%%%%%%%%%%%'
                       + '%%%%%%', 'dGhlIHNhbXBsZSBub25jZQ==x',
                       'dGhlIHNhbXBsZSBub25jZWFh'])
    {
        await refused(`handshake: key "${key}"`,
                      { headers: { 'Sec-WebSocket-Key': key } });
    }

    await refused('handshake: version 12',
                  { headers: { 'Sec-WebSocket-Version': '12' } }, [400, 426]);
    await refused('handshake: no version',
                  { headers: { 'Sec-WebSocket-Version': null } }, [400, 426]);
    await refused('handshake: upgrade to something else',
                  { headers: { 'Upgrade': 'h2c' } }, [400, 426]);

    await test('handshake: header names and values in any case', async () => {
        const { ws } = await handshake(server.port, uri, { headers: {
            'Connection': null, 'Upgrade': null,
            'CONNECTION': 'keep-alive , UPGRADE', 'upgrade': 'WebSocket'
        } });

        is((await ws.recv())[0], '0', 'first packet');
    });

    await test('handshake: a subprotocol is not chosen', async () => {
        const res = await handshake(server.port, uri, {
            headers: { 'Sec-WebSocket-Protocol': 'chat, superchat' }
        });

        is(res.status, 101, 'status');
    });

    await test('handshake: no extension unless configured', async () => {
        const res = await handshake(server.port, uri, {
            headers: { 'Sec-WebSocket-Extensions': 'permessage-deflate' }
        });

        is(res.status, 101, 'status');
        is(res.headers['sec-websocket-extensions'], undefined, 'extension');
    });

    await test('handshake: refused ones leave the server well', async () => {
        const res = await request(server.port, {
            path: eio.query(server.path, { EIO: 4, transport: 'polling' })
        });

        is(res.status, 200, 'status');
    });
}


tap.run(async () => {
    const server = await start('engine', {
        workers: 2, pingInterval: 25000, pingTimeout: 20000
    });

    await framing(server);
    await chopping(server);
    await fragments(server);
    await control(server);
    await utf8(server);
    await closing(server);
    await limits(server);
    await handshakes(server);

    if (!reference) {
        await test('no session is left', async () => {
            await tap.until(3000, async () => {
                return (await server.metrics()).sessions.total <= 1;
            });
        });
    }
});
