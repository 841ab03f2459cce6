#!/usr/bin/env node
'use strict';

/*
 * Clients that mean harm, or are broken.  Each gets what it deserves; two
 * bystanders keep talking to each other and notice nothing.
 */

const { differs, reference, start } = require('../lib/fixture');
const eio = require('../lib/eio');
const { connect, request } = require('../lib/http');
const { Socket } = require('../lib/sio');
const tap = require('../lib/tap');
const { frame } = require('../lib/ws');

const { is, isDeeply, ok, sleep, test } = tap;

const ROOM = 'bystanders';
const CONNECT_TIMEOUT = 700;

/* what is over is so sometime, on whatever machine: ms */
const GONE = 8000;
const MAX_PAYLOAD = 100000;

const BYTES = Buffer.from([1, 2, 3]);

/* reproducible noise */
let seed = 20240229;


function random(n) {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;

    return Math.floor(seed / 0x100000000 * n);
}


function noise(length) {
    return Buffer.from(Array.from({ length }, () => random(256)));
}


/* two members of a room who answer each other for as long as the test runs */
class Bystanders {

    async open(server) {
        const enter = async (transport) => {
            const s = await Socket.open(server, { transport });

            await s.ask('room:join', { roomName: ROOM });

            return s;
        };

        this.pair = [await enter('websocket'), await enter('polling')];
        await this.pair[0].one('user:joined');
        this.round = 0;
        this.slowest = 0;
        this.going = true;
        this.done = this.talk().catch((e) => {
            this.error = e;
        });
    }

    async talk() {
        while (this.going) {
            const started = Date.now();
            const content = `round ${this.round}`;
            const from = this.pair[this.round % 2];

            const reply = await from.ask('message:send',
                                         { roomName: ROOM, content });

            is(reply.success, true, 'success');

            for (const s of this.pair) {
                is((await s.one('message:new')).content, content, 'content');
            }

            this.round++;
            this.slowest = Math.max(this.slowest, Date.now() - started);
            await sleep(10);
        }
    }

    /* fails unless they have gone on since the last time */
    async check() {
        const { round } = this;

        await tap.until(3000, () => this.error || this.round > round + 1,
                        'the bystanders go on');

        if (this.error) {
            throw this.error;
        }

        const usual = ['connected', 'room:joined', 'message:new'];

        for (const s of this.pair) {
            isDeeply(s.events.items.filter((e) => !usual.includes(e.event)),
                     [], 'what else the bystanders got');
        }
    }

    async stop() {
        this.going = false;
        await this.done;

        if (this.error) {
            throw this.error;
        }

        ok(this.slowest < 2000 * tap.scale, `slowest: ${this.slowest} ms`);
    }
}


/* packets that end the session of a client that has joined "/" */
const MALFORMED = {
    'an unknown engine type': ['9'],
    'no engine type': ['hello'],
    'an unknown socket type': ['47'],
    'letters for a type': ['4abc'],
    'a letter for a type': ['4x'],
    'an object for an event': ['42{}'],
    'an event without a name': ['42[]'],
    'an event that is null': ['42[null]'],
    'an event that is a list': ['42[[]]'],
    'an event that ends early': ['42["x"'],
    'an event with a tail': ['42["x"]]'],
    'two events in one': ['42["x"]["y"]'],
    'an unfinished string': ['42["x'],
    'a wrong escape': ['42["\\q"]'],
    'a control character in a string': ['42["\u0001"]'],
    'single quotes': ['42[\'x\']'],
    'NaN': ['42["x",NaN]'],
    'a trailing comma': ['42["x",]'],
    'a hexadecimal number': ['42["x",0x10]'],
    'a reserved event': ['42["disconnect"]'],
    'CONNECT twice': ['40'],
    'CONNECT with a list': ['40/b,[]'],
    'CONNECT with an open object': ['40/b,{'],
    'CONNECT_ERROR': ['44{"message":"x"}'],
    'an event elsewhere': ['42/other,["x"]'],
    'an ack of an object': ['431{"a":1}'],
    'a binary event without count': ['45["x"]'],
    'a binary event with a letter': ['45a-["x"]'],
    'a binary event without dash': ['451["x",{"_placeholder":true,"num":0}]'],
    'too many attachments': ['4511-["x"]'],
    'very many attachments': ['4599999999999999999999-["x"]'],
    'a placeholder out of range':
        ['451-["x",{"_placeholder":true,"num":9}]', BYTES],
    'a placeholder that is text':
        ['451-["x",{"_placeholder":true,"num":"0"}]', BYTES],
    'an attachment of nothing': [BYTES],
    'text for an attachment':
        ['451-["x",{"_placeholder":true,"num":0}]', '42["x"]']
};

/* those that the reference lets pass */
const STRICT = {
    'an event of nothing': ['42'],
    'deep JSON': [`42["x",${'['.repeat(1000)}${']'.repeat(1000)}]`],
    'very deep JSON': [`42["x",${'['.repeat(90000)}`],
    'an ack id of 30 digits': [`42${'9'.repeat(30)}["x"]`],
    'an empty packet': ['']
};


async function malformed(server, bystanders, cases, check) {
    for (const [name, packets] of Object.entries(cases)) {
        await check(`over WebSocket: ${name}`, async () => {
            const s = await Socket.open(server);

            packets.forEach((p) => s.client.ws.send(p));
            await s.waitClose(600);
            await bystanders.check();
        });

        await check(`over polling: ${name}`, async () => {
            const p = new eio.Polling(server);

            await p.open();
            await p.send('40');
            await p.poll();
            await p.post(packets);

            for (let i = 0; i < 3; i++) {
                const res = await tap.within(1000, p.get(), 'the poll');

                if (res.status === 400) {
                    return bystanders.check();
                }
            }

            return tap.fail('the session is still there');
        });
    }
}


async function oversized(server, bystanders) {
    await test('too large over WebSocket: 1009', async () => {
        const { ws } = await eio.openWebSocket(server);

        ws.send('x'.repeat(MAX_PAYLOAD + 1));
        is((await ws.waitClose()).code, 1009, 'close code');
        await bystanders.check();
    });

    await test('too large over polling: 413, the session lives', async () => {
        const p = new eio.Polling(server);

        await p.open();
        is((await p.post('x'.repeat(MAX_PAYLOAD + 1))).status, 413, 'status');
        await p.send('40');
        is((await p.poll())[0].slice(0, 2), '40', 'answer to CONNECT');
        await bystanders.check();
    });

    await test('too large in all, in attachments', async () => {
        const s = await Socket.open(server);
        const list = Array.from({ length: 10 }, (_, num) => {
            return { _placeholder: true, num };
        });

        s.client.ws.send(`4510-${JSON.stringify(['x', ...list])}`);

        for (let i = 0; i < 10; i++) {
            s.client.ws.send(Buffer.alloc(MAX_PAYLOAD - 10));
        }

        /* taken or refused, but not the end of anything else */
        await Promise.race([s.waitClose(), s.one('error')]);
        await bystanders.check();
    });
}


async function unfinished(server, bystanders) {
    await differs('an attachment that never comes', async () => {
        const s = await Socket.open(server);
        const started = Date.now();

        s.client.ws.send('451-["x",{"_placeholder":true,"num":0}]');
        await s.waitClose(GONE);
        ok(Date.now() - started > CONNECT_TIMEOUT - 100, 'not at once');
        await bystanders.check();
    });

    await differs('an attachment that never comes, over polling', async () => {
        const p = new eio.Polling(server);

        await p.open();
        await p.send('40');
        await p.poll();
        await p.send('451-["x",{"_placeholder":true,"num":0}]');
        await sleep(CONNECT_TIMEOUT * 1.5);

        const res = await p.get();

        ok(res.status === 400 || /(^|\x1e)1$/.test(res.text),
           `answer ${res.status} ${res.text}`);
        await bystanders.check();
    });

    await test('no CONNECT at all, both ways', async () => {
        const a = await eio.Client.open(server);
        const b = await eio.Client.open(server, { transport: 'polling' });

        await a.waitClose(GONE);
        await b.waitClose(GONE);
        await bystanders.check();
    });

    await test('100 requests that stop half-way', async () => {
        const sockets = await Promise.all(Array.from({ length: 100 }, () => {
            return connect(server.port);
        }));

        const uri = eio.query(server.path, { EIO: 4, transport: 'websocket' });
        const head = `GET ${uri} HTTP/1.1\r\nHost: localhost\r\n`
                     + 'Connection: Upgrade\r\nUpgrade: websocket\r\n'
                     + 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'
                     + 'Sec-WebSocket-Version: 13\r\n\r\n';

        sockets.forEach((s, i) => s.write(head.slice(0, head.length - i - 1)));
        await sleep(100);
        await bystanders.check();
        sockets.forEach((s) => s.destroy());
        await bystanders.check();
    });

    await test('50 WebSockets that vanish at once', async () => {
        await Promise.all(Array.from({ length: 50 }, async () => {
            (await eio.upgrade(server)).ws.destroy();
        }));

        await bystanders.check();
    });

    await test('50 handshakes whose answer nobody awaits', async () => {
        for (let i = 0; i < 50; i++) {
            const args = { EIO: 4, transport: 'polling' };
            const req = request(server.port, {
                path: eio.query(server.path, args)
            });

            req.catch(() => {});
            setTimeout(() => req.abort(), random(5));
        }

        await sleep(50);
        await bystanders.check();
    });

    await test('POSTs given up half-way', async () => {
        const p = new eio.Polling(server);

        await p.open();

        for (let i = 0; i < 20; i++) {
            const socket = await connect(server.port);

            socket.write(`POST ${p.uri()} HTTP/1.1\r\nHost: localhost\r\n`
                         + 'Content-Length: 100\r\n\r\n42["message');
            await sleep(2);
            socket.destroy();
        }

        /* the session may have ended; the reference ends it */
        const { status } = await p.post('40');

        ok([200, 400].includes(status), `status ${status}`);
        await bystanders.check();
    });

    await test('half a frame, and nothing more', async () => {
        const sockets = [];

        for (let i = 0; i < 20; i++) {
            const { ws } = await eio.openWebSocket(server);

            ws.raw(frame('4' + 'x'.repeat(1000)).subarray(0, 3 + i * 40));
            sockets.push(ws);
        }

        await bystanders.check();
        sockets.forEach((ws) => ws.destroy());
    });

    await test('an upgrade that stops after the probe', async () => {
        const p = new eio.Polling(server);

        await p.open();
        await p.send('40');

        const { ws } = await eio.upgrade(server, { sid: p.sid });

        ws.send('2probe');
        await ws.recv();
        ws.destroy();
        await sleep(30);

        const packets = await p.poll();

        ok(packets.some((m) => m.startsWith('40')), `answers ${packets}`);
        await bystanders.check();
    });

    await test('ten upgrades of one session at once', async () => {
        const p = new eio.Polling(server);

        await p.open();
        await p.send('40');
        await p.poll();

        await Promise.all(Array.from({ length: 10 }, async () => {
            const res = await eio.upgrade(server, { sid: p.sid });

            if (res.ws) {
                res.ws.send('2probe');
                res.ws.send('5');
            }
        }));

        await bystanders.check();
    });

    await test('two polls at once', async () => {
        const p = new eio.Polling(server);

        await p.open();

        const both = await Promise.all([p.get(), p.get()]);

        ok(both.some((r) => r.status !== 200), 'one refused');
        is((await p.get()).status, 400, 'status of a third');
        await bystanders.check();
    });
}


async function noisy(server, bystanders) {
    await test('noise instead of HTTP', async () => {
        for (let i = 0; i < 50; i++) {
            const socket = await connect(server.port);

            socket.on('data', () => {});
            socket.write(noise(1 + random(2000)));
            setTimeout(() => socket.destroy(), 20);
        }

        await bystanders.check();
    });

    await test('noise instead of frames', async () => {
        for (let i = 0; i < 100; i++) {
            const { ws } = await eio.openWebSocket(server);

            ws.raw(noise(1 + random(300)));
            setTimeout(() => ws.destroy(), 20);
        }

        await bystanders.check();
    });

    await test('noise in good frames', async () => {
        for (let i = 0; i < 100; i++) {
            const s = await Socket.open(server);

            s.client.ws.frame(noise(1 + random(200)), { op: 1 + i % 2 });
            s.client.ws.frame(`4${noise(random(200)).toString('latin1')}`);
        }

        await bystanders.check();
    });

    await test('good packets with one byte changed', async () => {
        const good = Buffer.from('42["message:send",{"roomName":"noise",'
                                 + '"content":"x","metadata":{"a":[1]}}]');

        for (let i = 0; i < 150; i++) {
            const s = await Socket.open(server);
            const bad = Buffer.from(good);

            bad[random(bad.length)] = random(256);
            s.client.ws.frame(bad);
            s.client.ws.frame(good);
            s.client.ws.close(1000);
        }

        await bystanders.check();
    }, { timeout: 20000 });

    await test('noise in POSTs', async () => {
        for (let i = 0; i < 50; i++) {
            const p = new eio.Polling(server);

            await p.open();

            const res = await p.post(noise(1 + random(300)));

            ok([200, 400].includes(res.status), `status ${res.status}`);
        }

        await bystanders.check();
    });

    await test('only separators', async () => {
        for (const body of ['\x1e', '\x1e\x1e\x1e', '4\x1e', '\x1e4', '']) {
            const p = new eio.Polling(server);

            await p.open();

            const res = await p.post(body);

            ok([200, 400].includes(res.status), `status ${res.status}`);
        }

        await bystanders.check();
    });

    await test('long and odd query strings', async () => {
        for (const text of ['', '&&&&', '=', '%', '%4', '%zz', 'sid=%00',
                            'sid=' + '%41'.repeat(2000), 'EIO', 'EIO=4&'
                            + 'a=b&'.repeat(1000), 'transport=polling&EIO=4'
                            + '&sid=../../etc/passwd'])
        {
            const res = await request(server.port, {
                path: `${server.path}?${text}`
            });

            ok([400, 414].includes(res.status), `status ${res.status}`);
        }

        await bystanders.check();
    });
}


/* sends to the room until it is told that a member has left */
async function flood(sender, roomName, what) {
    const blob = Buffer.alloc(MAX_PAYLOAD - 1000, 1);

    for (let i = 0; i < 400; i++) {
        sender.emit('blob', { roomName, blob });

        if (sender.events.items.some((e) => e.event === 'user:left')) {
            return;
        }

        await sleep(5);
    }

    await sender.one('user:left', 2000).catch(() => tap.fail(what));
}


async function slow(server, bystanders) {
    for (const transport of ['websocket', 'polling']) {
        await test(`a ${transport} client that never reads is closed`,
            async () => {
                const roomName = `slow-${transport}`;
                const sender = await Socket.open(server);
                const healthy = await Socket.open(server);
                const sloth = await Socket.open(server, { transport });

                for (const s of [sender, healthy, sloth]) {
                    await s.ask('room:join', { roomName });
                }

                if (transport === 'websocket') {
                    sloth.client.ws.socket.pause();
                } else {
                    sloth.client.pausing = true;
                    await sloth.ask('ping');
                }

                await flood(sender, roomName, 'it is not closed');

                /* a healthy one of the same room is still there */
                const { success } = await healthy.ask('message:send', {
                    roomName, content: 'still here'
                });

                is(success, true, 'success');
                ok(healthy.client.open, 'the healthy one is open');
                await bystanders.check();

            }, { timeout: 20000 });
    }

    await test('a client that sends and never reads its acks', async () => {
        const s = await Socket.open(server);
        const before = (await server.metrics()).connections.total;

        s.client.ws.socket.pause();

        const batch = Buffer.concat(Array.from({ length: 200 }, (_, i) => {
            return frame(`42${i}["mirror","${'x'.repeat(20000)}"]`);
        }));

        let total = before;

        for (let i = 0; i < 20 && total >= before; i++) {
            s.client.ws.raw(batch);
            await sleep(50);
            total = (await server.metrics()).connections.total;
        }

        await bystanders.check();
    }, { timeout: 20000 });
}


tap.run(async () => {
    const server = await start('chat', {
        workers: 4, reuseport: true, connectTimeout: CONNECT_TIMEOUT,
        maxPayload: MAX_PAYLOAD,
        directives: 'realtime_send_buffer 256k; realtime_on blob relay;'
                    + ' realtime_on mirror ack;'
    });

    const bystanders = new Bystanders();

    await bystanders.open(server);
    await malformed(server, bystanders, MALFORMED, test);
    await malformed(server, bystanders, STRICT, differs);
    await oversized(server, bystanders);
    await unfinished(server, bystanders);
    await noisy(server, bystanders);

    if (!reference) {
        await slow(server, bystanders);
    }

    await test('the bystanders have noticed nothing', async () => {
        await bystanders.stop();
    });
});
