#!/usr/bin/env node
'use strict';

/*
 * Engine.IO protocol 4: every case of its specification and of the official
 * test suite, against a location that echoes.
 */

const { differs, everyLayout } = require('../lib/fixture');
const { request } = require('../lib/http');
const eio = require('../lib/eio');
const tap = require('../lib/tap');

const { is, isDeeply, ok, sleep, test, within } = tap;

/* of the fixture, in ms */
const INTERVAL = 300;
const TIMEOUT = 200;

const HANDSHAKE = {
    pingInterval: INTERVAL, pingTimeout: TIMEOUT, maxPayload: 1000000
};


/* the session has ended, for whatever reason: it is not known any more */
async function gone(polling) {
    const res = await polling.get();

    is(res.status, 400, `status of a poll after the end (${res.text})`);
}


async function statusOf(server, args, method = 'GET', body) {
    const res = await request(server.port, {
        method, body, path: eio.query(server.path, args)
    });

    return res.status;
}


async function handshakePolling(server) {
    const get = (args) => statusOf(server, args);

    await test('polling: a handshake opens a session', async () => {
        const data = await new eio.Polling(server).open();

        ok(typeof data.sid === 'string' && data.sid.length >= 16, 'sid');
        isDeeply(data, { sid: data.sid, upgrades: ['websocket'], ...HANDSHAKE },
                 'handshake');
    });

    await test('polling: every session has an id of its own', async () => {
        const sids = new Set();

        for (let i = 0; i < 20; i++) {
            sids.add((await new eio.Polling(server).open()).sid);
        }

        is(sids.size, 20, 'different ids');
    });

    await test('polling: the handshake is text/plain in UTF-8', async () => {
        const res = await new eio.Polling(server).get();

        is(res.headers['content-type'], 'text/plain; charset=UTF-8', 'type');
    });

    await test('polling: another parameter does not matter', async () => {
        is(await get({ EIO: 4, transport: 'polling', t: 'abc', x: '1' }), 200,
           'status');
    });

    await test('polling: a path below the location\'s is served', async () => {
        const path = `${server.path}some/thing`;

        await new eio.Polling(server, { path }).open();
    });

    await test('polling: no EIO is refused', async () => {
        is(await get({ transport: 'polling' }), 400, 'status');
    });

    await test('polling: EIO=abc is refused', async () => {
        is(await get({ EIO: 'abc', transport: 'polling' }), 400, 'status');
    });

    await test('polling: EIO=3 is refused', async () => {
        is(await get({ EIO: 3, transport: 'polling' }), 400, 'status');
    });

    await test('polling: no transport is refused', async () => {
        is(await get({ EIO: 4 }), 400, 'status');
    });

    await test('polling: transport=abc is refused', async () => {
        is(await get({ EIO: 4, transport: 'abc' }), 400, 'status');
    });

    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
        await test(`polling: a handshake by ${method} is refused`, async () => {
            const args = { EIO: 4, transport: 'polling' };

            is(await statusOf(server, args, method, ''), 400, 'status');
        });
    }
}


async function handshakeWebSocket(server) {
    const refused = async (args) => {
        const uri = eio.query(server.path, args);
        const res = await require('../lib/ws').handshake(server.port, uri);

        /* the reference accepts some of these before it closes them */
        if (res.ws) {
            await res.ws.waitClose();
        } else {
            is(res.status, 400, 'status');
        }
    };

    await test('websocket: a handshake opens a session', async () => {
        const { sid, handshake } = await eio.openWebSocket(server);

        ok(typeof sid === 'string' && sid.length >= 16, 'sid');
        isDeeply(handshake, { sid, upgrades: [], ...HANDSHAKE }, 'handshake');
    });

    await test('websocket: no EIO is refused', async () => {
        await refused({ transport: 'websocket' });
    });

    await test('websocket: EIO=abc is refused', async () => {
        await refused({ EIO: 'abc', transport: 'websocket' });
    });

    await test('websocket: EIO=3 is refused', async () => {
        await refused({ EIO: 3, transport: 'websocket' });
    });

    await test('websocket: no transport is refused', async () => {
        await refused({ EIO: 4 });
    });

    await test('websocket: transport=abc is refused', async () => {
        await refused({ EIO: 4, transport: 'abc' });
    });

    await test('websocket: an unknown sid is refused', async () => {
        await refused({ EIO: 4, transport: 'websocket', sid: 'abc' });
    });

    await test('websocket: transport=polling is no upgrade', async () => {
        const uri = eio.query(server.path, { EIO: 4, transport: 'polling' });
        const res = await require('../lib/ws').handshake(server.port, uri);

        if (res.ws) {
            await res.ws.waitClose();
        } else {
            ok([200, 400].includes(res.status), `status ${res.status}`);
        }
    });

    await test('websocket: needs an upgrade request', async () => {
        is(await statusOf(server, { EIO: 4, transport: 'websocket' }), 400,
           'status');
    });
}


async function messagesPolling(server) {
    const opened = async () => {
        const polling = new eio.Polling(server);

        await polling.open();

        return polling;
    };

    await test('polling: a message goes there and back', async () => {
        const p = await opened();
        const res = await p.post('4hello');

        is(res.status, 200, 'status');
        is(res.text, 'ok', 'body');
        isDeeply(await p.poll(), ['4hello'], 'packets');
    });

    await test('polling: a waiting poll gets it, too', async () => {
        const p = await opened();
        const poll = p.poll();

        await sleep(30);
        await p.send('4hello');
        isDeeply(await poll, ['4hello'], 'packets');
    });

    await test('polling: several packets in one payload', async () => {
        const p = await opened();

        await p.send('4test1', '4test2', '4test3');

        const res = await p.get();

        is(res.text, '4test1\x1e4test2\x1e4test3', 'payload');
    });

    await test('polling: packets of several requests, in order', async () => {
        const p = await opened();

        for (let i = 0; i < 5; i++) {
            await p.send(`4${i}`);
        }

        isDeeply(await p.poll(), ['40', '41', '42', '43', '44'], 'packets');
    });

    await test('polling: binary messages as base64', async () => {
        const p = await opened();

        await p.send(Buffer.from([1, 2, 3, 4]), '4text', Buffer.alloc(0));

        const res = await p.get();

        is(res.text, 'bAQIDBA==\x1e4text\x1eb', 'payload');
    });

    await test('polling: every length of binary data', async () => {
        const p = await opened();
        const sent = [];

        for (let n = 0; n < 12; n++) {
            sent.push(Buffer.alloc(n, 0xf0 + n));
        }

        await p.send(...sent);
        isDeeply(await p.poll(), sent, 'packets');
    });

    await test('polling: text in UTF-8 survives', async () => {
        const p = await opened();
        const text = '4utf8 — ü € \u{1f680} \u0000 "quoted" \\ \r\n\t';

        await p.send(text);
        isDeeply(await p.poll(), [text], 'packets');
    });

    await test('polling: an empty message', async () => {
        const p = await opened();

        await p.send('4');
        isDeeply(await p.poll(), ['4'], 'packets');
    });

    await differs('polling: 16 packets at most in one payload', async () => {
        const p = await opened();
        const sent = Array.from({ length: 40 }, (_, i) => `4${i}`);
        const got = [];

        await p.send(...sent);

        while (got.length < sent.length) {
            const packets = await p.poll();

            ok(packets.length <= 16, `${packets.length} packets`);
            got.push(...packets);
        }

        isDeeply(got, sent, 'packets');
    });

    await test('polling: 200 kB there and back', async () => {
        const p = await opened();
        const text = '4' + 'abcdefghij'.repeat(20000);

        await p.send(text);
        isDeeply(await p.poll(), [text], 'packets');
    });

    await test('polling: a chunked body', async () => {
        const p = await opened();
        const headers = { 'Transfer-Encoding': 'chunked' };
        const res = await p.post('4chunked', { headers });

        is(res.status, 200, 'status');
        isDeeply(await p.poll(), ['4chunked'], 'packets');
    });

    await test('polling: a session over one kept connection', async () => {
        const { Agent } = require('node:http');
        const agent = new Agent({ keepAlive: true, maxSockets: 1 });
        const p = new eio.Polling(server, { agent });

        tap.cleanup(() => agent.destroy());
        await p.open();

        for (let i = 0; i < 5; i++) {
            await p.send(`4${i}`);
            isDeeply(await p.poll(), [`4${i}`], 'packets');
        }
    });

    await test('polling: an invalid packet ends the session', async () => {
        const p = await opened();
        const res = await p.post('abc');

        ok(res.status === 400 || res.status === 200, `status ${res.status}`);
        await gone(p);
    });

    await differs('polling: it is answered 400', async () => {
        const p = await opened();
        const res = await p.post('abc');

        is(res.status, 400, 'status');
        await gone(p);
    });

    await test('polling: two polls at once end the session', async () => {
        const p = await opened();
        const first = p.get();

        await sleep(50);

        const second = await p.get();

        ok([400, 500].includes(second.status), `status ${second.status}`);
        is((await first).status, 200, 'status of the first');
        is((await first).text, '1', 'body of the first');
        await gone(p);
    });

    await test('polling: two polls in the same moment, too', async () => {
        const p = await opened();
        const both = await Promise.all([p.get(), p.get()]);
        const good = both.filter((r) => r.status === 200);

        isDeeply(good.map((r) => r.text), ['1'], 'bodies with status 200');
        ok(both.some((r) => [400, 500].includes(r.status)), 'one refused');
        await gone(p);
    });

    await test('polling: a poll given up ends the session', async () => {
        const p = await opened();
        const poll = p.get();

        await sleep(50);
        poll.abort();
        await sleep(10);
        await gone(p);
    });

    await test('polling: so it does when the next comes at once', async () => {
        const p = await opened();
        const poll = p.get();

        await sleep(50);
        poll.abort();
        await gone(p);
    });
}


async function messagesWebSocket(server) {
    const opened = async () => (await eio.openWebSocket(server)).ws;

    await test('websocket: a text message', async () => {
        const ws = await opened();

        ws.send('4hello');
        is(await ws.recv(), '4hello', 'message');
    });

    await test('websocket: a binary message', async () => {
        const ws = await opened();

        ws.send(Buffer.from([1, 2, 3, 4]));
        isDeeply(await ws.recv(), Buffer.from([1, 2, 3, 4]), 'message');
    });

    await test('websocket: many messages, in order', async () => {
        const ws = await opened();

        for (let i = 0; i < 200; i++) {
            ws.send(i % 3 ? `4${i}` : Buffer.from([i]));
        }

        for (let i = 0; i < 200; i++) {
            const message = await ws.recv();

            isDeeply(message, i % 3 ? `4${i}` : Buffer.from([i]), 'message');
        }
    });

    await test('websocket: an invalid packet closes it', async () => {
        const ws = await opened();

        ws.send('abc');
        await ws.waitClose();
    });

    await test('websocket: an empty text message closes it', async () => {
        const ws = await opened();

        ws.send('');
        await ws.waitClose();
    });

    for (const packet of ['7', '9', ':', 'Z']) {
        await test(`websocket: "${packet}" closes it`, async () => {
            const ws = await opened();

            ws.send(packet);
            await ws.waitClose();
        });
    }
}


async function heartbeatPolling(server) {
    await test('polling: pings that are answered', async () => {
        const p = new eio.Polling(server);

        await p.open();

        for (let i = 0; i < 3; i++) {
            isDeeply(await p.poll(), ['2'], 'packets');
            await p.send('3');
        }
    });

    await test('polling: the first ping after the interval', async () => {
        const p = new eio.Polling(server);

        await p.open();

        const start = Date.now();

        isDeeply(await p.poll(), ['2'], 'packets');

        const took = Date.now() - start;

        ok(took > INTERVAL - 50 && took < INTERVAL + 150 * tap.scale,
           `took ${took} ms`);
    });

    await test('polling: no pong ends the session after 500 ms', async () => {
        const p = new eio.Polling(server);

        await p.open();
        await sleep(INTERVAL + TIMEOUT);
        await gone(p);
    });

    await test('polling: not before that', async () => {
        const p = new eio.Polling(server);

        await p.open();
        await sleep(INTERVAL + TIMEOUT - 100);
        isDeeply(await p.poll(), ['2'], 'packets');
    });

    await test('polling: no pong ends a poll that waits', async () => {
        const p = new eio.Polling(server);

        await p.open();
        isDeeply(await p.poll(), ['2'], 'packets');

        const res = await within(1000, p.get(), 'the poll');

        ok(res.status === 400 || res.text === '1',
           `answer ${res.status} ${res.text}`);
        await gone(p);
    });

    await test('polling: pongs keep it for two seconds', async () => {
        const p = new eio.Polling(server);

        await p.open();

        for (let i = 0; i < 6; i++) {
            isDeeply(await p.poll(), ['2'], 'packets');
            await sleep(TIMEOUT / 4);
            await p.send('3');
        }

        await p.send('4still here');
        isDeeply(await p.poll(), ['4still here'], 'packets');
    });
}


async function heartbeatWebSocket(server) {
    await test('websocket: pings that are answered', async () => {
        const { ws } = await eio.openWebSocket(server);

        for (let i = 0; i < 4; i++) {
            is(await ws.recv(), '2', 'packet');
            ws.send('3');
        }
    });

    await test('websocket: no pong closes it after 500 ms', async () => {
        const { ws } = await eio.openWebSocket(server);
        const start = Date.now();

        await ws.waitClose(2000);

        const took = Date.now() - start;

        ok(took > INTERVAL + TIMEOUT - 60
           && took < INTERVAL + TIMEOUT + 250 * tap.scale, `took ${took} ms`);
    });

    await differs('websocket: any packet is a sign of life', async () => {
        const { ws } = await eio.openWebSocket(server);

        for (let i = 0; i < 4; i++) {
            is(await ws.recv(), '2', 'ping');
            await sleep(TIMEOUT / 4);
            ws.send('4alive');
            is(await ws.recv(), '4alive', 'echo');
        }
    });
}


async function closing(server) {
    await test('polling: "1" ends the session', async () => {
        const p = new eio.Polling(server);

        await p.open();

        const poll = p.get();

        await sleep(50);
        is((await p.post('1')).status, 200, 'status of the POST');

        const res = await poll;

        is(res.status, 200, 'status of the poll');
        is(res.text, '6', 'body of the poll');
        await gone(p);
    });

    await test('polling: "1" right behind the poll', async () => {
        const p = new eio.Polling(server);

        await p.open();

        const [res, post] = await Promise.all([p.get(), p.post('1')]);

        is(res.status, 200, 'status of the poll');
        is(res.text, '6', 'body of the poll');
        is(post.status, 200, 'status of the POST');
        await gone(p);
    });

    await test('polling: "1" without a poll', async () => {
        const p = new eio.Polling(server);

        await p.open();
        is((await p.post('1')).status, 200, 'status of the POST');

        /* a poll that the POST has overtaken may still get its answer */
        const res = await p.get();

        ok(res.status === 400 || res.text === '6', `answer ${res.text}`);
        await gone(p);
    });

    await test('polling: after the end POSTs are refused', async () => {
        const p = new eio.Polling(server);

        await p.open();
        await p.post('1');
        is((await p.post('4late')).status, 400, 'status');
    });

    await test('websocket: a client that closes is answered', async () => {
        const { ws, sid } = await eio.openWebSocket(server);

        ws.close(1000);
        await ws.waitClose();
        await gone(new eio.Polling(server, { sid }));
    });

    await test('websocket: a client that vanishes is noticed', async () => {
        const { ws, sid } = await eio.openWebSocket(server);

        ws.destroy();
        await sleep(100);
        await gone(new eio.Polling(server, { sid }));
    });

    await differs('websocket: "1" closes it at once', async () => {
        const { ws } = await eio.openWebSocket(server);

        ws.send('1');
        await ws.waitClose(250);
    });

    await test('an unknown sid: 400', async () => {
        const p = new eio.Polling(server, { sid: 'nobody' });

        await gone(p);
        is((await p.post('4x')).status, 400, 'status of a POST');
    });

    await test('ids that only look like one: 400', async () => {
        const { sid } = await new eio.Polling(server).open();
        const last = sid[sid.length - 1] === 'A' ? 'B' : 'A';

        for (const other of [sid + 'A', sid.slice(0, -1), ' ' + sid,
                             sid.slice(0, -1) + last, '', 'a'.repeat(5000)])
        {
            if (other) {
                await gone(new eio.Polling(server, { sid: other }));
            }
        }
    });
}


async function upgrading(server) {
    const opened = async () => {
        const p = new eio.Polling(server);

        await p.open();

        return p;
    };

    const probed = async (p) => {
        const { ws } = await eio.upgrade(server, { sid: p.sid });

        ws.send('2probe');
        is(await ws.recv(), '3probe', 'answer to the probe');

        return ws;
    };

    const upgraded = async () => {
        const p = await opened();
        const ws = await probed(p);

        ws.send('5');
        ws.send('4hello');
        is(await ws.recv(), '4hello', 'echo');

        return { p, ws };
    };

    await test('upgrade: messages pass afterwards', async () => {
        const p = await opened();
        const ws = await probed(p);

        ws.send('5');
        ws.send('4hello');
        is(await ws.recv(), '4hello', 'message');
    });

    await test('upgrade: a waiting poll gets a noop', async () => {
        const p = await opened();
        const poll = p.poll();

        await sleep(30);

        const ws = await probed(p);

        isDeeply(await poll, ['6'], 'packets');
        ws.send('5');
        ws.send('4hello');
        is(await ws.recv(), '4hello', 'message');
    });

    await test('upgrade: so does a poll after the probe', async () => {
        const p = await opened();
        const ws = await probed(p);

        isDeeply(await within(250, p.poll(), 'the poll'), ['6'], 'packets');
        ws.send('5');
        ws.send('4hello');
        is(await ws.recv(), '4hello', 'message');
    });

    await test('upgrade: messages sent before are not lost', async () => {
        const p = await opened();

        await p.send('4one', '4two');

        const ws = await probed(p);

        await p.send('4three');

        const packets = await p.poll();

        ws.send('5');

        while (packets.length < 3) {
            packets.push(await ws.recv());
        }

        isDeeply(packets.filter((m) => m !== '6'), ['4one', '4two', '4three'],
                 'messages');
    });

    await test('upgrade: POSTs count while probing', async () => {
        const p = await opened();
        const ws = await probed(p);

        await p.send('4posted');

        const packets = await p.poll();

        isDeeply(packets.filter((m) => m !== '6'), ['4posted'], 'messages');
        ws.send('5');
        ws.send('4hello');
        is(await ws.recv(), '4hello', 'message');
    });

    await test('upgrade: "2probe" and "5" in one go', async () => {
        const p = await opened();
        const { ws } = await eio.upgrade(server, { sid: p.sid });

        ws.send('2probe');
        ws.send('5');
        ws.send('4hello');
        is(await ws.recv(), '3probe', 'answer to the probe');
        is(await ws.recv(), '4hello', 'message');
    });

    await test('upgrade: afterwards requests are refused', async () => {
        const { p, ws } = await upgraded();

        await gone(p);
        ws.send('4still here');
        is(await ws.recv(), '4still here', 'message');
    });

    await test('upgrade: right behind "5", too', async () => {
        for (let i = 0; i < 20; i++) {
            const p = await opened();
            const { ws } = await eio.upgrade(server, { sid: p.sid });

            ws.send('2probe');
            is(await ws.recv(), '3probe', 'answer to the probe');
            ws.send('5');
            await gone(p);
            ws.send('4hello');
            is(await ws.recv(), '4hello', 'message');
            ws.destroy();
        }
    });

    await test('upgrade: a second WebSocket, before any probe', async () => {
        const p = await opened();
        const { ws } = await eio.upgrade(server, { sid: p.sid });
        const res = await eio.upgrade(server, { sid: p.sid });

        if (res.ws) {
            await res.ws.waitClose();
        } else {
            is(res.status, 400, 'status');
        }

        ws.send('2probe');
        is(await ws.recv(), '3probe', 'answer to the probe');
        ws.send('5');
        ws.send('4hello');
        is(await ws.recv(), '4hello', 'message');
    });

    await test('upgrade: a second WebSocket is closed', async () => {
        const { p, ws } = await upgraded();
        const res = await eio.upgrade(server, { sid: p.sid });

        if (res.ws) {
            await res.ws.waitClose();
        } else {
            is(res.status, 400, 'status');
        }

        ws.send('4hello');
        is(await ws.recv(), '4hello', 'message');
    });

    await differs('upgrade: not of a WebSocket-only session', async () => {
        const { ws, sid } = await eio.openWebSocket(server);
        const res = await eio.upgrade(server, { sid });

        if (res.ws) {
            await res.ws.waitClose(400);
        } else {
            is(res.status, 400, 'status');
        }

        ws.send('4hello');

        const got = [await ws.recv(), await ws.recv()];

        ok(got.includes('4hello'), `echo among ${got}`);
    });

    await test('upgrade: heartbeats go on on the WebSocket', async () => {
        const { ws } = await upgraded();

        for (let i = 0; i < 3; i++) {
            is(await ws.recv(), '2', 'ping');
            ws.send('3');
        }
    });

    await test('upgrade: nonsense closes the probing one only', async () => {
        const p = await opened();
        const { ws } = await eio.upgrade(server, { sid: p.sid });

        ws.send('4too early');
        await ws.waitClose(400);
        await p.send('4hello');
        isDeeply(await p.poll(), ['4hello'], 'packets');
    });

    await test('upgrade: so does a probe that goes away', async () => {
        const p = await opened();
        const ws = await probed(p);

        ws.destroy();
        await sleep(50);
        await p.send('4hello');

        const packets = await p.poll();

        isDeeply(packets.filter((m) => m !== '6'), ['4hello'], 'packets');
    });

    await test('upgrade: it can be tried again', async () => {
        const p = await opened();
        const first = await probed(p);

        first.destroy();
        await sleep(50);

        const ws = await probed(p);

        ws.send('5');
        ws.send('4hello');
        is(await ws.recv(), '4hello', 'message');
    });

    await test('upgrade: its close ends the session', async () => {
        const { p, ws } = await upgraded();

        ws.close(1000);
        await ws.waitClose();
        await gone(p);
    });
}


tap.run(() => everyLayout('engine', {}, async (server) => {
    await handshakePolling(server);
    await handshakeWebSocket(server);
    await messagesPolling(server);
    await messagesWebSocket(server);
    await heartbeatPolling(server);
    await heartbeatWebSocket(server);
    await closing(server);
    await upgrading(server);
}), { clock: true });
