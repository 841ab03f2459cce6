#!/usr/bin/env node
'use strict';

/*
 * What is refused, with which status and body; origins; limits; and what
 * nginx -t says to a configuration that makes no sense.
 */

const { differs, reference, start } = require('../lib/fixture');
const { request } = require('../lib/http');
const eio = require('../lib/eio');
const nginx = require('../lib/server');
const tap = require('../lib/tap');

const { is, isDeeply, like, ok, test } = tap;

const UNKNOWN_TRANSPORT = { code: 0, message: 'Transport unknown' };
const UNKNOWN_SID = { code: 1, message: 'Session ID unknown' };
const BAD_METHOD = { code: 2, message: 'Bad handshake method' };
const BAD_REQUEST = { code: 3, message: 'Bad request' };
const FORBIDDEN = { code: 4, message: 'Forbidden' };
const BAD_VERSION = { code: 5, message: 'Unsupported protocol version' };


function fetch(server, args, options = {}) {
    return request(server.port, {
        path: eio.query(options.path || server.path, args), ...options
    });
}


function refused(res, status, body) {
    is(res.status, status, `status (${res.text})`);
    isDeeply(JSON.parse(res.text), body, 'body');
    like(res.headers['content-type'], /^application\/json/, 'type');
}


async function bodies(server) {
    const cases = [
        ['no transport', { EIO: 4 }, 'GET', UNKNOWN_TRANSPORT],
        ['transport=abc', { EIO: 4, transport: 'abc' }, 'GET',
         UNKNOWN_TRANSPORT],
        ['transport=constructor', { EIO: 4, transport: 'constructor' }, 'GET',
         UNKNOWN_TRANSPORT],
        ['transport=abc with a sid', { EIO: 4, transport: 'abc', sid: 'x' },
         'GET', UNKNOWN_TRANSPORT],
        ['an unknown sid', { EIO: 4, transport: 'polling', sid: 'zzz' }, 'GET',
         UNKNOWN_SID],
        ['an unknown sid', { EIO: 4, transport: 'polling', sid: 'zzz' },
         'POST', UNKNOWN_SID],
        ['POST without sid', { EIO: 4, transport: 'polling' }, 'POST',
         BAD_METHOD],
        ['PUT without sid', { EIO: 4, transport: 'polling' }, 'PUT',
         BAD_METHOD],
        ['DELETE without sid', { EIO: 4, transport: 'polling' }, 'DELETE',
         BAD_METHOD],
        ['transport=websocket without upgrade',
         { EIO: 4, transport: 'websocket' }, 'GET', BAD_REQUEST],
        ['EIO=3', { EIO: 3, transport: 'polling' }, 'GET', BAD_VERSION],
        ['EIO=abc', { EIO: 'abc', transport: 'polling' }, 'GET', BAD_VERSION],
        ['no EIO', { transport: 'polling' }, 'GET', BAD_VERSION]
    ];

    for (const [name, args, method, body] of cases) {
        await test(`${method}: ${name}: ${body.message}`, async () => {
            refused(await fetch(server, args, { method }), 400, body);
        });
    }

    await test('upgrade: an unknown sid: Session ID unknown', async () => {
        const res = await eio.upgrade(server, { sid: 'zzz' });

        is(res.status, 400, 'status');
        like(res.text, /Session ID unknown/, 'body');
    });

    await differs('upgrade: EIO=3: Unsupported protocol version', async () => {
        const res = await eio.upgrade(server, { EIO: 3 });

        is(res.status, 400, 'status');
        like(res.text, /Unsupported protocol version/, 'body');
    });

    await test('GET: transport=websocket for a polling session', async () => {
        const { sid } = await new eio.Polling(server).open();
        const args = { EIO: 4, transport: 'websocket', sid };

        refused(await fetch(server, args), 400, BAD_REQUEST);
    });

    await test('GET: transport=polling for a WebSocket session', async () => {
        const { sid } = await eio.openWebSocket(server);
        const args = { EIO: 4, transport: 'polling', sid };

        refused(await fetch(server, args), 400, BAD_REQUEST);
    });

    await test('query values are percent-decoded', async () => {
        const path = `${server.path}?EIO=%34&transport=pol%6cing`;

        is((await request(server.port, { path })).status, 200, 'status');
    });

    await test('the last of several values counts', async () => {
        const path = `${server.path}?EIO=3&transport=abc&transport=polling`
                     + '&EIO=4';

        is((await request(server.port, { path })).status, 200, 'status');
    });

    await differs('PUT with a sid is refused, the session lives', async () => {
        const p = new eio.Polling(server);

        await p.open();

        const res = await p.request({ method: 'PUT', body: 'x' });

        ok(res.status >= 400 && res.status < 600, `status ${res.status}`);
        await p.send('40');
        is((await p.poll())[0].slice(0, 2), '40', 'answer to CONNECT');
    });

    await differs('bad UTF-8 in a POST ends the session: 400', async () => {
        const p = new eio.Polling(server);

        await p.open();
        is((await p.post(Buffer.from([0x34, 0xff]))).status, 400, 'status');
        is((await p.get()).status, 400, 'status of the next poll');
    });

    await test('application/octet-stream ends the session: 400', async () => {
        const p = new eio.Polling(server);
        const headers = { 'Content-Type': 'application/octet-stream' };

        await p.open();
        is((await p.post('40', { headers })).status, 400, 'status');
        is((await p.get()).status, 400, 'status of the next poll');
    });

    await test('any other type is taken', async () => {
        const p = new eio.Polling(server);

        await p.open();
        await p.post('40', { headers: { 'Content-Type': 'text/html' } });
        is((await p.poll())[0].slice(0, 2), '40', 'answer to CONNECT');
    });
}


async function payloads(server) {
    await test('a body of the maximum is taken', async () => {
        const p = new eio.Polling(server);

        is((await p.open()).maxPayload, 2000, 'maxPayload');

        const res = await p.post('40{"a":"' + 'x'.repeat(1990) + '"}');

        is(res.status, 200, 'status');
    });

    await test('a larger one: 413, the session lives', async () => {
        const p = new eio.Polling(server);

        await p.open();
        is((await p.post('4'.repeat(2001))).status, 413, 'status');
        await p.send('40');
        is((await p.poll())[0].slice(0, 2), '40', 'answer to CONNECT');
    });

    await test('a larger one in chunks: 413', async () => {
        const p = new eio.Polling(server);
        const headers = { 'Transfer-Encoding': 'chunked' };

        await p.open();

        const status = await p.post('4'.repeat(4000), { headers })
                              .then((res) => res.status, () => 413);

        is(status, 413, 'status');
    });

    await test('a larger WebSocket message: 1009', async () => {
        const { ws, handshake } = await eio.openWebSocket(server);

        is(handshake.maxPayload, 2000, 'maxPayload');
        ws.send('4'.repeat(2001));
        is((await ws.waitClose()).code, 1009, 'close code');
    });
}


/* requests of a page of "origin" to the location at "path" */
async function fromOrigin(server, path, origin) {
    const headers = origin ? { Origin: origin } : {};
    const args = { EIO: 4, transport: 'polling' };
    const polling = await fetch(server, args, { path: eio.query(path, args),
                                                headers });
    const ws = await eio.upgrade(server, {}, { path, headers });

    return { polling, ws };
}


function allowed({ polling, ws }) {
    is(polling.status, 200, 'status over polling');
    is(ws.status, 101, 'status over WebSocket');
}


function forbidden({ polling, ws }) {
    refused(polling, 403, FORBIDDEN);
    is(ws.status, 403, 'status over WebSocket');
    isDeeply(JSON.parse(ws.text), FORBIDDEN, 'body over WebSocket');
}


async function origins(server) {
    const self = `http://127.0.0.1:${server.port}`;

    await test('origins: none is fine', async () => {
        allowed(await fromOrigin(server, '/socket.io/'));
    });

    await test('origins: the same is fine by default', async () => {
        allowed(await fromOrigin(server, '/socket.io/', self));
    });

    for (const origin of ['https://evil.example', 'null',
                          `http://127.0.0.1:${server.port + 1}`,
                          `${self}.evil.example`])
    {
        await test(`origins: ${origin.replace(/\d{5}/, 'PORT')} is not`,
            async () => {
                forbidden(await fromOrigin(server, '/socket.io/', origin));
            });
    }

    await test('origins: those of a list are fine', async () => {
        for (const origin of ['https://a.example', 'http://b.example:3000']) {
            allowed(await fromOrigin(server, '/list/', origin));
        }
    });

    for (const origin of ['https://c.example', 'http://a.example',
                          'https://a.example.evil', 'https://a.exampl',
                          'http://b.example'])
    {
        await test(`origins: ${origin}, not in the list, is not`, async () => {
            forbidden(await fromOrigin(server, '/list/', origin));
        });
    }

    await test('origins: the list\'s answer names the origin', async () => {
        const { polling } = await fromOrigin(server, '/list/',
                                             'https://a.example');

        is(polling.headers['access-control-allow-origin'], 'https://a.example',
           'allowed origin');
        is(polling.headers['access-control-allow-credentials'], 'true',
           'credentials');
        like(polling.headers.vary, /\bOrigin\b/i, 'Vary');
    });

    await test('origins: so do answers to GET and POST', async () => {
        const headers = { Origin: 'https://a.example' };
        const p = new eio.Polling(server, { path: '/list/', headers });

        await p.open();

        for (const res of [await p.post('40'), await p.get()]) {
            is(res.status, 200, 'status');
            is(res.headers['access-control-allow-origin'],
               'https://a.example', 'allowed origin');
        }
    });

    await test('origins: and refusals, so that pages see them', async () => {
        const res = await request(server.port, {
            path: '/list/?EIO=3&transport=polling',
            headers: { Origin: 'https://a.example' }
        });

        refused(res, 400, BAD_VERSION);
        is(res.headers['access-control-allow-origin'], 'https://a.example',
           'allowed origin');
    });

    await test('origins: * takes everybody', async () => {
        const res = await fromOrigin(server, '/any/', 'https://x.example');

        allowed(res);

        const { headers } = res.polling;
        const origin = headers['access-control-allow-origin'];

        ok(origin === '*' || origin === 'https://x.example',
           `allowed origin ${origin}`);
        ok(origin !== '*' || !headers['access-control-allow-credentials'],
           'no credentials for *');
    });

    await test('origins: a preflight request', async () => {
        const res = await request(server.port, {
            method: 'OPTIONS',
            path: '/list/?EIO=4&transport=polling',
            headers: {
                'Origin': 'https://a.example',
                'Access-Control-Request-Method': 'POST',
                'Access-Control-Request-Headers': 'content-type'
            }
        });

        is(res.status, 204, 'status');
        is(res.headers['access-control-allow-origin'], 'https://a.example',
           'allowed origin');
        like(res.headers['access-control-allow-methods'], /POST/, 'methods');
        like(res.headers['access-control-allow-headers'], /content-type/i,
             'headers');
    });

    await test('origins: a preflight from elsewhere', async () => {
        const res = await request(server.port, {
            method: 'OPTIONS',
            path: '/list/?EIO=4&transport=polling',
            headers: {
                'Origin': 'https://evil.example',
                'Access-Control-Request-Method': 'POST'
            }
        });

        is(res.headers['access-control-allow-origin'], undefined,
           'allowed origin');
    });
}


async function transports(server) {
    await test('realtime_transports websocket: no polling', async () => {
        const args = { EIO: 4, transport: 'polling' };

        refused(await fetch(server, args, {
            path: eio.query('/ws-only/', args)
        }), 400, UNKNOWN_TRANSPORT);
    });

    await test('realtime_transports websocket: WebSocket', async () => {
        await eio.openWebSocket(server, { path: '/ws-only/' });
    });

    await test('realtime_transports polling: no WebSocket', async () => {
        const res = await eio.upgrade(server, {}, { path: '/polling-only/' });

        is(res.status, 400, 'status');
        like(res.text, /Transport unknown/, 'body');
    });

    await test('realtime_transports polling: no upgrade offered', async () => {
        const p = new eio.Polling(server, { path: '/polling-only/' });

        isDeeply((await p.open()).upgrades, [], 'upgrades');
    });
}


async function connections() {
    const server = await start('chat', {
        workers: 2, reuseport: true, name: 'limited',
        directives: 'realtime_max_connections 2;'
    });

    const args = { EIO: 4, transport: 'polling' };

    await test('realtime_max_connections: one more gets 503', async () => {
        const one = await eio.openWebSocket(server);

        await new eio.Polling(server).open();

        for (let i = 0; i < 8; i++) {
            const res = await fetch(server, args);

            is(res.status, 503, 'status');
            like(res.headers['content-type'], /^application\/json/, 'type');
            like(res.headers['retry-after'], /^\d+$/, 'Retry-After');
            ok(typeof JSON.parse(res.text).message === 'string', 'message');
            is((await eio.upgrade(server)).status, 503, 'over WebSocket');
        }

        one.ws.close(1000);
        await one.ws.waitClose();
    });

    await test('realtime_max_connections: until one goes', async () => {
        await tap.until(2000, async () => {
            return (await fetch(server, args)).status === 200;
        });
    });
}


function location(text, path = '/socket.io/') {
    return `location ${path} { realtime on; ${text} }`;
}


async function configurations() {
    const open = 'realtime_allow_anonymous on;';

    const says = (name, opts, ...patterns) => test(`nginx -t: ${name}`,
        async () => {
            const { code, output } = nginx.check(opts);

            is(code, 1, `exit code (${output})`);
            patterns.forEach((p) => like(output, p, 'output'));
        });

    await test('nginx -t: a good configuration', async () => {
        const { code, output } = nginx.check({ locations: location(open) });

        is(code, 0, `exit code (${output})`);
    });

    await test('nginx -t: echo needs neither key nor anonymous', async () => {
        const { code, output } = nginx.check({
            locations: location('realtime_echo on;')
        });

        is(code, 0, `exit code (${output})`);
    });

    await test('nginx -t: variables give defaults', async () => {
        const { code, output } = nginx.check({
            locations: location(''),
            env: { REALTIME_ALLOW_ANONYMOUS: 'true',
                   REALTIME_PING_INTERVAL: '1000' }
        });

        is(code, 0, `exit code (${output})`);
    });

    await says('nobody could connect', { locations: location('') },
               /realtime_allow_anonymous/,
               nginx.knows('realtime_jwt_secret') ? /realtime_jwt/ : /./);

    const bad = [
        ['realtime_ping_interval', 'soon'], ['realtime_ping_interval', '0'],
        ['realtime_ping_timeout', '-1s'], ['realtime_ping_timeout', '0'],
        ['realtime_connect_timeout', 'x'], ['realtime_upgrade_timeout', 'x'],
        ['realtime_max_payload', 'huge'], ['realtime_max_payload', '0'],
        ['realtime_transports', 'pigeon'], ['realtime_max_connections', '0'],
        ['realtime_max_connections', 'many'], ['realtime_namespace', 'custom'],
        ['realtime_allow_anonymous', 'maybe'], ['realtime_echo', 'maybe'],
        ['realtime_send_buffer', '0'], ['realtime_on', 'message'],
        ['realtime_on', 'message frobnicate'],
        ['realtime_on', 'message echo as'], ['realtime_on', 'a b c d e']
    ];

    for (const [directive, value] of bad) {
        await says(`${directive} ${value}`, {
            locations: location(`${open} ${directive} ${value};`)
        }, new RegExp(directive));
    }

    await says('a directive twice', {
        locations: location(`${open} realtime_echo on; realtime_echo off;`)
    }, /duplicate/);

    await says('realtime_zone too small', {
        http: 'realtime_zone rt 1k;', locations: location(open)
    }, /realtime_zone|too small/);

    await says('realtime_zone with nonsense', {
        http: 'realtime_zone rt large;', locations: location(open)
    }, /realtime_zone|large/);

    for (const [name, value] of [['REALTIME_PING_INTERVAL', 'soon'],
                                 ['REALTIME_PING_TIMEOUT', '-5'],
                                 ['REALTIME_MAX_CONNECTIONS', 'many'],
                                 ['REALTIME_ALLOW_ANONYMOUS', 'perhaps']])
    {
        await says(`${name}=${value}`, {
            locations: location(open.repeat(
                name === 'REALTIME_ALLOW_ANONYMOUS' ? 0 : 1)),
            env: { [name]: value }
        }, new RegExp(name), new RegExp(value));
    }
}


tap.run(async () => {
    const open = 'realtime_allow_anonymous on;';

    const server = await start('chat', {
        workers: 2, reuseport: true,
        locations: location(`${open} realtime_cors_origin https://a.example `
                            + 'http://b.example:3000;', '/list/')
                   + location(`${open} realtime_cors_origin *;`, '/any/')
                   + location(`${open} realtime_transports websocket;`,
                              '/ws-only/')
                   + location(`${open} realtime_transports polling;`,
                              '/polling-only/')
    });

    await bodies(server);
    await payloads(await start('chat', {
        workers: 2, maxPayload: 2000, name: 'small payloads'
    }));

    if (!reference) {
        await origins(server);
        await transports(server);
        await connections();
        await configurations();
    }
});
