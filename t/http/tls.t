#!/usr/bin/env node
'use strict';

/*
 * TLS: WebSocket, polling and the upgrade, long messages, clients that read
 * slowly, and polling over HTTP/2 on the same port.
 */

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const http2 = require('node:http2');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const tls = require('node:tls');
const { reference, start } = require('../lib/fixture');
const eio = require('../lib/eio');
const { Socket } = require('../lib/sio');
const tap = require('../lib/tap');

const { is, isDeeply, ok, sleep, test } = tap;

const MAX = 1000000;
const QUIET = { pingInterval: 25000, pingTimeout: 20000 };

/* writes are cut into pieces as soon as the client stops reading */
const SNDBUF = '16k';


/* a certificate for this run, in a directory that goes with it */
function certificate() {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'realtime-tls-'));

    process.on('exit', () => fs.rmSync(dir, { recursive: true, force: true }));

    const res = spawnSync('openssl', [
        'req', '-x509', '-newkey', 'ec', '-pkeyopt',
        'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj',
        '/CN=localhost', '-keyout', `${dir}/key.pem`, '-out',
        `${dir}/cert.pem`
    ]);

    if (res.status !== 0) {
        throw new Error(`openssl: ${res.error || res.stderr}`);
    }

    return { cert: `${dir}/cert.pem`, key: `${dir}/key.pem` };
}


function listen(server) {
    return new Promise((resolve, reject) => {
        server.on('error', reject);
        server.listen(0, '127.0.0.1', () => resolve(server.address().port));
    });
}


async function freePort() {
    const probe = net.createServer();
    const port = await listen(probe);

    await new Promise((resolve) => probe.close(resolve));

    return port;
}


/*
 * Plain connections into TLS ones, so that the clients of t/lib can be used.
 * hold() stops reading from the server, release() goes on.
 */
class Tunnel {

    constructor(port, path) {
        this.target = port;
        this.path = path;
        this.sockets = new Set();
        this.bytes = 0;
        this.server = net.createServer((plain) => this.join(plain));
    }

    static async open(port, path) {
        const tunnel = new Tunnel(port, path);

        tunnel.port = await listen(tunnel.server);
        tap.cleanup(() => tunnel.close());

        return tunnel;
    }

    join(plain) {
        const secure = tls.connect({
            port: this.target, host: '127.0.0.1', rejectUnauthorized: false,
            ALPNProtocols: ['http/1.1']
        });

        secure.on('secureConnect', () => secure.setNoDelay(true));
        plain.setNoDelay(true);
        this.sockets.add(secure);

        secure.on('data', (part) => {
            this.bytes += part.length;
            plain.write(part);
        });

        plain.on('data', (part) => secure.write(part));
        secure.on('end', () => plain.end());
        plain.on('end', () => secure.end());
        secure.on('error', () => plain.destroy());
        plain.on('error', () => secure.destroy());
        plain.on('close', () => secure.destroy());

        secure.on('close', () => {
            this.sockets.delete(secure);
            plain.destroy();
        });
    }

    hold() {
        this.sockets.forEach((s) => s.pause());
    }

    release() {
        this.sockets.forEach((s) => s.resume());
    }

    close() {
        this.sockets.forEach((s) => s.destroy());
        this.server.close();
    }
}


/* nginx with a second port that speaks TLS; server.secure is that port */
async function secured(kind, files, opts = {}) {
    const port = await freePort();

    const server = await start(kind, {
        ...QUIET, ...opts,
        server: `
            listen 127.0.0.1:${port} ssl http2 sndbuf=${SNDBUF};
            ssl_protocols TLSv1.2 TLSv1.3;
            ssl_certificate ${files.cert};
            ssl_certificate_key ${files.key};`
    });

    server.secure = port;

    return server;
}


function pattern(size, seed) {
    const bytes = Buffer.alloc(size);

    for (let i = 0; i < size; i++) {
        bytes[i] = (i * 31 + (i >> 8) * 7 + seed) & 0xff;
    }

    return bytes;
}


/* what is there, back to "n" sessions */
async function settle(server, n) {
    let last;

    await tap.until(5000, async () => {
        last = (await server.metrics()).sessions.total;

        return last === n;

    }, () => `${n} sessions, got ${last}`);
}


async function messages(server) {
    const tunnel = await Tunnel.open(server.secure, server.path);

    for (const size of [1, 125, 126, 16383, 16384, 65536, 300000, MAX - 1]) {
        await test(`WebSocket: messages of ${size} bytes both ways`,
            async () => {
                const client = await eio.Client.open(tunnel);
                const text = 'x'.repeat(size);
                const bytes = pattern(size, 3);

                client.send(text);
                client.send(bytes);
                client.send('end');
                ok(await client.recv() === text, 'the text');
                ok(bytes.equals(await client.recv()), 'the bytes');
                is(await client.recv(), 'end', 'what is behind');
            });
    }

    for (const size of [1, 20000, 300000, MAX - 1]) {
        await test(`polling: a message of ${size} bytes both ways`,
            async () => {
                const client = await eio.Client.open(tunnel,
                                                     { transport: 'polling' });
                const text = 'y'.repeat(size);

                client.send(text);
                ok(await client.recv() === text, 'the text');
                await client.close();
            });
    }

    await test('polling: binary messages', async () => {
        const client = await eio.Client.open(tunnel, { transport: 'polling' });
        const bytes = pattern(50000, 9);

        client.send(bytes);
        client.send('text');
        ok(bytes.equals(await client.recv()), 'the bytes');
        is(await client.recv(), 'text', 'the text');
        await client.close();
    });

    await test('a message over the limit ends the connection', async () => {
        const client = await eio.Client.open(tunnel);

        client.send('z'.repeat(MAX + 1));
        await client.waitClose();
        is(client.ws.closeFrame && client.ws.closeFrame.code, 1009, 'code');
    });

    await test('bytes one by one', async () => {
        const { ws } = await eio.openWebSocket(tunnel);
        const { frame } = require('../lib/ws');

        await ws.chopped(frame('4' + 'c'.repeat(200)), 1);
        is((await ws.recv()).length, 201, 'length');
    });

    await settle(server, 0);
}


/* n messages of "size" bytes, numbered: half of them text */
function numbered(n, size) {
    return Array.from({ length: n }, (_, i) => {
        return i % 2 ? Buffer.concat([Buffer.from(`${i}:`), pattern(size, i)])
                     : `${i}:${String(i % 10).repeat(size)}`;
    });
}


async function arrive(client, list, what) {
    for (let i = 0; i < list.length; i++) {
        const got = await client.recv();

        ok(Buffer.isBuffer(got) ? got.equals(list[i]) : got === list[i],
           `${what}: message ${i} of ${list.length} is the one sent`);
    }
}


async function slowness(server) {
    const sizes = [[3000, 40], [600, 4000], [40, 60000], [8, 400000]];

    for (const [n, size] of sizes) {
        await test(`a slow reader: ${n} messages of ${size} bytes`,
            async () => {
                const tunnel = await Tunnel.open(server.secure, server.path);
                const client = await eio.Client.open(tunnel);
                const list = numbered(n, size);

                client.send('first');
                is(await client.recv(), 'first', 'before');

                tunnel.hold();
                list.forEach((m) => client.send(m));
                await sleep(150);

                const before = tunnel.bytes;

                ok(before < n * size / 2, `${before} bytes while held`);
                tunnel.release();
                await arrive(client, list, 'after a pause');
            }, { timeout: 20000 });
    }

    await test('a slow reader that stops again and again', async () => {
        const tunnel = await Tunnel.open(server.secure, server.path);
        const client = await eio.Client.open(tunnel);
        const list = numbered(500, 9000);

        let going = true;

        const stutter = (async () => {
            while (going) {
                tunnel.hold();
                await sleep(15);
                tunnel.release();
                await sleep(3);
            }
        })();

        /* the queue grows while some of it is being written */

        for (let i = 0; i < list.length; i++) {
            client.send(list[i]);

            if (i % 50 === 0) {
                await sleep(10);
            }
        }

        await arrive(client, list, 'stuttering');
        going = false;
        await stutter;
    }, { timeout: 20000 });

    await test('one who reads nothing is closed', async () => {
        const tunnel = await Tunnel.open(server.secure, server.path);
        const client = await eio.Client.open(tunnel);
        const { slowClients } = (await server.metrics()).totals;

        tunnel.hold();

        for (let i = 0; i < 12; i++) {
            client.send('s'.repeat(900000));
        }

        await tap.until(5000, async () => {
            const { totals } = await server.metrics();

            return totals.slowClients === slowClients + 1;

        }, 'slowClients');
    });

    await settle(server, 0);
}


async function member(server, transport, roomName) {
    const s = await Socket.open(server, { transport });

    await s.ask('room:join', { roomName });

    return s;
}


async function rooms(server) {
    const tunnel = await Tunnel.open(server.secure, server.path);
    const roomName = 'secret';

    await test('a room of all transports, with TLS and without', async () => {
        const list = await Promise.all([
            member(tunnel, 'websocket', roomName),
            member(tunnel, 'polling', roomName),
            member(server, 'websocket', roomName),
            member(server, 'polling', roomName)
        ]);

        for (const [i, s] of list.entries()) {
            await s.ask('message:send', { roomName, content: `from ${i}` });
        }

        for (const s of list) {
            for (let i = 0; i < list.length; i++) {
                is((await s.one('message:new')).content, `from ${i}`, 'order');
            }
        }

        await Promise.all(list.map((s) => s.client.close()));
    });

    await test('upgrades under traffic', async () => {
        const sender = await member(server, 'websocket', roomName);

        let sent = 0;
        let going = true;

        const traffic = (async () => {
            while (going) {
                sender.emit('message:send', { roomName, content: `${sent++}` });
                await sleep(4);
            }
        })();

        const movers = await Promise.all(Array.from({ length: 24 }, async () => {
            const s = await member(tunnel, 'polling', roomName);

            await sleep(Math.random() * 30);
            await s.client.upgrade();
            is((await s.ask('ping')).success, true, 'success');

            return s;
        }));

        going = false;
        await traffic;
        await sender.ask('message:send', { roomName, content: 'end' });

        for (const s of movers) {
            const has = (e) => e.event === 'message:new'
                               && e.args[0].content === 'end';

            await s.events.next(5000, has, 'the last message');

            const got = s.log.filter((e) => e.event === 'message:new')
                         .map((e) => e.args[0].content).slice(0, -1);

            isDeeply(got, got.map((_, i) => `${sent - got.length + i}`),
                     'all that was sent since');
        }
    });

    await test('half a TLS handshake, then nothing or noise', async () => {
        const quiet = net.connect(server.secure, '127.0.0.1');
        const noisy = net.connect(server.secure, '127.0.0.1');

        quiet.on('error', () => {});
        noisy.on('error', () => {});
        quiet.write(Buffer.from([0x16, 0x03, 0x01, 0x02]));
        noisy.write(Buffer.alloc(2000, 0x16));
        await sleep(50);

        const s = await Socket.open(tunnel);

        is((await s.ask('ping')).success, true, 'success');
        quiet.destroy();
        noisy.destroy();
    });

    await settle(server, 0);
}


function connect2(port) {
    const session = http2.connect(`https://127.0.0.1:${port}`, {
        rejectUnauthorized: false, servername: 'localhost'
    });

    session.on('error', () => {});
    tap.cleanup(() => session.destroy());

    return session;
}


/* { status, text } of one request; the promise has the stream */
function ask2(session, uri, body) {
    let stream;

    const promise = new Promise((resolve, reject) => {
        const parts = [];
        let status = 0;

        stream = session.request({
            ':path': uri, ':method': body === undefined ? 'GET' : 'POST',
            ...(body === undefined ? {}
                : { 'content-type': 'text/plain; charset=UTF-8' })
        }, { endStream: body === undefined });

        stream.on('response', (headers) => {
            status = headers[':status'];
        });

        stream.on('data', (part) => parts.push(part));
        stream.on('error', reject);
        stream.on('close', () => {
            resolve({ status, text: Buffer.concat(parts).toString() });
        });

        if (body !== undefined) {
            stream.end(body);
        }
    });

    promise.stream = stream;

    return promise;
}


/* what eio.Polling does, over a connection of HTTP/2 that others use too */
class Polling2 extends eio.Polling {

    constructor(server, session) {
        super(server);
        this.session = session;
    }

    get() {
        return ask2(this.session, this.uri());
    }

    post(packets) {
        return ask2(this.session, this.uri(), Array.isArray(packets)
                    ? eio.encode(packets) : packets);
    }
}


/* opens, connects, joins; resolves when all of the answers have come */
async function joined(server, session, roomName) {
    const p = new Polling2(server, session);
    const names = [];

    await p.open();
    await p.send('40', `42["room:join",{"roomName":"${roomName}"}]`);

    while (!names.includes('room:joined')) {
        for (const packet of await p.poll()) {
            names.push((/^42\["([^"]+)/.exec(packet) || [])[1]);
        }
    }

    return p;
}


/* contents of messages until "last" has come */
async function contents(p, last) {
    const got = [];

    while (!got.includes(last)) {
        for (const packet of await p.poll()) {
            if (packet.startsWith('42["message:new"')) {
                got.push(JSON.parse(packet.slice(2))[1].content);
            }
        }
    }

    return got;
}


async function overHttp2(server) {
    await test('HTTP/2: a GET is held until there is something', async () => {
        const session = connect2(server.secure);
        const p = await joined(server, session, 'two');
        const other = await member(server, 'websocket', 'two');

        await p.poll();

        const held = p.get();

        is(await Promise.race([held, sleep(100)]), undefined, 'held');
        await other.ask('message:send', { roomName: 'two', content: 'here' });

        const res = await held;

        is(res.status, 200, 'status');
        ok(res.text.includes('"here"'), res.text);
        await p.send('1');
    });

    await test('HTTP/2: two sessions over one connection', async () => {
        const session = connect2(server.secure);
        const one = await joined(server, session, 'pair');
        const two = await joined(server, session, 'pair');
        const want = [];

        const say = (p, content) => {
            want.push(content);

            return p.send('42' + JSON.stringify(['message:send', {
                roomName: 'pair', content
            }]));
        };

        const got = Promise.all([contents(one, 'end'), contents(two, 'end')]);

        for (let i = 0; i < 20; i++) {
            await say(i % 2 ? one : two, `${i}`);
        }

        await say(one, 'end');

        for (const list of await got) {
            isDeeply(list, want, 'messages');
        }

        await Promise.all([one.send('1'), two.send('1')]);
    });

    await test('HTTP/2: a reset of the held GET ends that session alone',
        async () => {
            const session = connect2(server.secure);
            const one = await joined(server, session, 'reset');
            const two = await joined(server, session, 'reset');

            await one.poll();

            const held = one.get();
            const next = contents(two, 'still here');

            held.catch(() => {});
            await sleep(100);
            held.stream.close(http2.constants.NGHTTP2_CANCEL);

            await tap.until(3000, async () => {
                return (await server.metrics()).sessions.total === 1;

            }, 'one session is left');

            const res = await one.get();

            is(res.status, 400, 'status of a GET after it');
            is(JSON.parse(res.text).code, 1, 'code');

            await two.send('42["message:send",'
                           + '{"roomName":"reset","content":"still here"}]');
            isDeeply(await next, ['still here'], 'messages');
            await two.send('1');
        });

    await test('HTTP/2: the connection goes, and all sessions that wait',
        async () => {
            const session = connect2(server.secure);

            const list = await Promise.all([1, 2, 3, 4].map((n) => {
                return joined(server, session, `gone-${n}`);
            }));

            list.forEach((p) => {
                contents(p, 'never').catch(() => {});
            });

            await settle(server, 4);
            await sleep(50);
            session.destroy();
            await settle(server, 0);
        });

    await test('HTTP/2: no WebSocket', async () => {
        const session = connect2(server.secure);
        const uri = eio.query(server.path, { EIO: 4, transport: 'websocket' });

        is((await ask2(session, uri)).status, 400, 'status');
    });
}


/* bodies that do not fit nginx's buffer for them */
async function longHttp2(server) {
    for (const size of [10000, 17000, 100000, MAX - 1]) {
        await test(`HTTP/2: a message of ${size} bytes both ways`, async () => {
            const p = new Polling2(server, connect2(server.secure));
            const text = '4' + 'h'.repeat(size);

            await p.open();
            await p.send(text);

            const [packet] = await p.poll();

            ok(packet === text, 'the same back');
            await p.send('1');
        });
    }

    await test('HTTP/2: sessions of both versions on one port', async () => {
        const tunnel = await Tunnel.open(server.secure, server.path);
        const p = new Polling2(server, connect2(server.secure));
        const client = await eio.Client.open(tunnel);

        await p.open();
        await p.send('4second');
        client.send('first');
        is(await client.recv(), 'first', 'WebSocket');
        isDeeply(await p.poll(), ['4second'], 'HTTP/2');
        await p.send('1');
    });

    await settle(server, 0);
}


if (reference) {
    tap.skipAll('nginx only');
}

tap.run(async () => {
    const files = certificate();

    const engine = await secured('engine', files, {
        workers: 2, name: 'engine', directives: 'realtime_send_buffer 6m;'
    });

    const chat = await secured('chat', files, { workers: 4, name: 'chat' });

    await messages(engine);
    await slowness(engine);
    await longHttp2(engine);
    await rooms(chat);
    await overHttp2(chat);
});
