#!/usr/bin/env node
'use strict';

/*
 * How much a user may say, in a room and altogether, on whatever connections
 * and workers; and how often an address may connect.
 */

const eio = require('../lib/eio');
const { request } = require('../lib/http');
const {
    OPEN, apart, done, got, guest, join, refused, unique, user
} = require('../lib/people');
const { check, start } = require('../lib/server');
const { Socket } = require('../lib/sio');
const tap = require('../lib/tap');

const { is, isDeeply, like, ok, sleep, test } = tap;

const SLOW = {
    code: 'RATE_LIMIT_EXCEEDED',
    message: 'Too many messages. Please slow down.'
};

const BUSY = { ...SLOW, message: 'Too many events. Please slow down.' };


function location(where, ...limits) {
    const names = ['messages', 'room', 'connections', 'events'];

    return `location ${where} { realtime on;
        ${limits.map((limit, i) => {
            return `realtime_limit_${names[i]} ${limit || 'off'};`;
        }).join('\n')} }\n`;
}

const LOCATIONS = [
    location('/socket.io/', '', '', ''),
    location('/user/', '5 1h block=2h', '', ''),
    location('/block/', '3 1h block=1s', '', ''),
    location('/window/', '3 2s', '', ''),
    location('/room/', '', '3 1h', ''),
    location('/room-block/', '', '1 1s block=3h', ''),
    location('/both/', '4 1h', '3 2h', ''),
    location('/events/', '', '', '', '5 1h block=2h'),
    'location /default/ { realtime on; realtime_limit_connections off; }'
].join('');


function says(s, roomName, content = 'x') {
    return done(s, 'message:send', { roomName, content });
}


/* is told to wait, as "said"; resolves to retryAfter */
async function waits(said, s, event, ...args) {
    const { retryAfter, ...error } = await refused(s, said.code, event,
                                                   ...args);

    isDeeply(error, said, 'the error');
    ok(Number.isInteger(retryAfter) && retryAfter > 0,
       `retryAfter ${retryAfter}`);

    return retryAfter;
}


function tooMuch(s, roomName) {
    return waits(SLOW, s, 'message:send', { roomName, content: 'too much' });
}


/* n at once; resolves to the acks */
function burst(s, roomName, n) {
    return Promise.all(Array.from({ length: n }, () => {
        return s.ask('message:send', { roomName, content: 'x' });
    }));
}


function accepted(replies) {
    return replies.filter((r) => r.success).length;
}


/* an hour, or two: some of it may have passed */
function about(got_, seconds, what = 'retryAfter') {
    ok(got_ <= seconds && got_ > seconds - 60, `${what}: ${got_}`);
}


/* sockets as apart() has them, of users named so, in a room */
async function people(server, where, ...names) {
    const roomName = unique('room');
    const ids = Object.fromEntries(names.map((name) => [name, unique(name)]));

    const list = await apart(server, ...names.map((name) => {
        return () => user(server, ids[name], { path: where });
    }));

    for (const s of list) {
        await join(s, roomName);
    }

    return [roomName, ...list];
}


async function perUser(server) {
    await test('per user, over connections, workers and rooms', async () => {
        const [roomName, a, b, c, bob] = await people(server, '/user/',
            'alice', 'alice', 'alice', 'bob');
        const other = unique('room');

        ok(a.worker !== b.worker, 'two workers');
        await join(a, other);

        const d = await user(server, a.user, { path: '/user/',
                                               transport: 'polling' });

        await join(d, roomName);

        for (const [s, where] of [[a, roomName], [b, roomName], [c, roomName],
                                  [d, roomName], [a, other]]) {
            await says(s, where, 'fine');
        }

        for (const s of [a, b, c, d]) {
            about(await tooMuch(s, roomName), 7200);
        }

        about(await tooMuch(a, other), 7200);

        const e = await user(server, a.user, { path: '/user/' });

        await join(e, roomName);
        about(await tooMuch(e, roomName), 7200);

        /* others are not to blame, and everything else goes on */

        await says(bob, roomName, 'fine');
        await done(a, 'typing:start', { roomName });
        await done(a, 'presence:update', { status: 'busy' });
        await done(a, 'ping');
        await done(a, 'room:leave', { roomName });

        isDeeply(got(bob, 'message:new').map((m) => m.content),
                 ['fine', 'fine', 'fine', 'fine', 'fine'], 'what bob sees');
    }, { timeout: 30000 });

    await test('what is refused for another reason does not count',
        async () => {
            const roomName = unique('room');
            const s = await user(server, unique('alice'), { path: '/user/' });
            const reader = await user(server, s.user, {
                path: '/user/', claims: { permissions: ['read'] }
            });

            await join(s, roomName);
            await join(reader, roomName);

            for (let i = 0; i < 10; i++) {
                await refused(s, 'VALIDATION_ERROR', 'message:send',
                              { roomName, content: '' });
                await refused(s, 'NOT_IN_ROOM', 'message:send',
                              { roomName: 'elsewhere', content: 'x' });
                await refused(reader, 'PERMISSION_DENIED', 'message:send',
                              { roomName, content: 'x' });
            }

            is(accepted(await burst(s, roomName, 7)), 5, 'accepted');
        });

    await test('a block ends, and attempts do not make it longer', async () => {
        const [roomName, s] = await people(server, '/block/', 'alice');

        for (let i = 0; i < 3; i++) {
            is(accepted(await burst(s, roomName, 4)), 3, `round ${i}`);
            is(await tooMuch(s, roomName), 1, 'retryAfter');

            await tap.until(8000, async () => {
                const reply = await s.ask('message:send', { roomName,
                                                            content: 'x' });
                if (reply.success) {
                    return true;
                }

                is(reply.error.retryAfter, 1, 'retryAfter');

                return false;
            }, 'the end of the block');

            /* a whole allowance again, one of which is used */

            is(accepted(await burst(s, roomName, 4)), 2, 'what is left');
            await sleep(1000 * await tooMuch(s, roomName));
            s.log.length = 0;
            s.events.items.length = 0;
        }
    }, { timeout: 40000 });

    await test('a window ends when the server says so', async () => {
        const [roomName, s] = await people(server, '/window/', 'alice');

        for (let i = 0; i < 2; i++) {
            const replies = await burst(s, roomName, 5);

            is(accepted(replies), 3, 'accepted');
            ok(replies[4].error.retryAfter <= 2, 'retryAfter');
            await sleep(1000 * replies[4].error.retryAfter);
        }
    });
}


async function perRoom(server) {
    await test('per user and room', async () => {
        const [roomName, a, b, bob] = await people(server, '/room/', 'alice',
                                                   'alice', 'bob');
        const other = unique('room');

        for (const s of [a, b, bob]) {
            await join(s, other);
        }

        for (const s of [a, b, a]) {
            await says(s, roomName);
        }

        about(await tooMuch(a, roomName), 3600);
        about(await tooMuch(b, roomName), 3600);

        /* not in another room, and not to another user */

        is(accepted(await burst(b, other, 5)), 3, 'in another room');
        is(accepted(await burst(bob, roomName, 5)), 3, 'another user');
        about(await tooMuch(a, roomName), 3600);
    }, { timeout: 30000 });

    await test('per user and room, with a block', async () => {
        const [roomName, a] = await people(server, '/room-block/', 'alice');

        is(accepted(await burst(a, roomName, 3)), 1, 'accepted');
        about(await tooMuch(a, roomName), 3 * 3600);
    });

    await test('both limits: that of the user goes first', async () => {
        const [roomName, a] = await people(server, '/both/', 'alice');
        const other = unique('room');

        await join(a, other);
        is(accepted(await burst(a, roomName, 3)), 3, 'accepted');
        about(await tooMuch(a, roomName), 7200);
        about(await tooMuch(a, other), 3600);
    });
}


async function defaults(server) {
    await test('by default: 10 a second in a room', async () => {
        const [roomName, a] = await people(server, '/default/', 'alice');
        const replies = await burst(a, roomName, 30);

        ok(accepted(replies) >= 10 && accepted(replies) < 30,
           `accepted: ${accepted(replies)}`);
        is(replies.find((r) => !r.success).error.retryAfter, 1, 'retryAfter');
    });

    await test('by default: 100 a minute, then nothing for 300 s', async () => {
        const [, a] = await people(server, '/default/', 'alice');
        let n = 0;

        for (let i = 0; i < 11; i++) {
            const roomName = unique('room');

            await join(a, roomName);
            n += accepted(await burst(a, roomName, 10));
        }

        is(n, 100, 'accepted');

        const roomName = unique('room');

        await join(a, roomName);
        about(await tooMuch(a, roomName), 300);
    });

    await test('off: as much as one likes', async () => {
        const [roomName, a] = await people(server, '/socket.io/', 'alice');

        is(accepted(await burst(a, roomName, 300)), 300, 'accepted');
    });
}


async function guests(server) {
    await test('guests count one by one', async () => {
        const roomName = unique('room');
        const list = await apart(server, ...[1, 2].map(() => {
            return () => guest(server, { path: '/user/' });
        }));

        for (const s of list) {
            await join(s, roomName);
            is(accepted(await burst(s, roomName, 7)), 5, 'accepted');
            about(await tooMuch(s, roomName), 7200);
        }

        /* who comes again is another one */

        const again = await guest(server, { path: '/user/' });

        await join(again, roomName);
        await says(again, roomName);
    }, { timeout: 30000 });

    await test('a user whose name is a guest\'s id is another one',
        async () => {
            const roomName = unique('room');
            const g = await guest(server, { path: '/user/' });
            const s = await user(server, g.client.sid, { path: '/user/' });

            await join(g, roomName);
            await join(s, roomName);
            is(accepted(await burst(g, roomName, 7)), 5, 'the guest');
            is(accepted(await burst(s, roomName, 7)), 5, 'the user');
        });
}


async function events(server) {
    await test('events of every kind count', async () => {
        const id = unique('alice');
        const at = { path: '/events/' };
        const roomName = unique('room');
        const [a, b] = await apart(server, () => user(server, id, at),
                                   () => user(server, id, at));

        await done(a, 'ping');
        await join(b, roomName);
        await refused(a, 'UNKNOWN_EVENT', 'whatever');
        await refused(b, 'VALIDATION_ERROR', 'room:join', {});
        await done(a, 'pong', { timestamp: 1 });

        for (const s of [a, b]) {
            for (const args of [['ping'], ['room:join', { roomName }],
                                ['whatever'], ['pong', {}],
                                ['message:send', { roomName, content: 'x' }],
                                ['room:leave', { roomName }]]) {
                about(await waits(BUSY, s, ...args), 7200);
            }
        }

        /* connecting is no event, and others are not to blame */

        const c = await user(server, id, at);

        about(await waits(BUSY, c, 'ping'), 7200);
        await done(await user(server, unique('bob'), at), 'ping');
        await done(await guest(server, at), 'ping');
    }, { timeout: 30000 });

    await test('events without an ack count, and are refused', async () => {
        const s = await guest(server, { path: '/events/' });

        for (let i = 0; i < 6; i++) {
            s.emit('ping');
        }

        const { retryAfter, ...error } = await s.one('error');

        isDeeply(error, BUSY, 'the error');
        about(retryAfter, 7200);
        is(got(s, 'pong').length, 5, 'answers');
    });
}


/* new sessions: the statuses of attempts by "transport" from "address" */

const TOO_MANY = {
    code: 'RATE_LIMIT_EXCEEDED',
    message: 'Too many new connections from your address'
};

async function connects(server, where, address, transport = 'polling') {
    const target = { port: server.port, path: where };
    const headers = { 'X-Forwarded-For': address };

    if (transport === 'polling') {
        return new eio.Polling(target, { headers }).get();
    }

    const res = await eio.upgrade(target, {}, { headers });

    if (res.ws) {
        res.ws.destroy();
    }

    return res;
}


/* "n" more may come from there, then no more */
async function fits(server, where, addresses, n, seconds) {
    for (let i = 0; i < n; i++) {
        const transport = i % 2 ? 'websocket' : 'polling';
        const { status } = await connects(server, where,
                                          addresses[i % addresses.length],
                                          transport);

        is(status, i % 2 ? 101 : 200, `status of ${i}, ${transport}`);
    }

    let after;

    for (const transport of ['polling', 'websocket']) {
        for (const address of addresses) {
            const res = await connects(server, where, address, transport);

            is(res.status, 429, `status, ${transport}, ${address}`);
            like(res.headers['content-type'], /^application\/json/, 'type');
            is(res.headers['cache-control'], 'no-store', 'Cache-Control');
            isDeeply(JSON.parse(res.text), TOO_MANY, 'body');

            after = Number(res.headers['retry-after']);
            about(after, seconds, 'Retry-After');
        }
    }

    return after;
}


const REALIP = `set_real_ip_from 127.0.0.1; real_ip_header X-Forwarded-For;
                real_ip_recursive on;`;

async function addresses() {
    const server = await start({
        name: 'addresses', workers: 2, reuseport: true,
        env: { REALTIME_RATE_LIMIT: '7' },
        server: 'realtime_allow_anonymous on;',
        locations: `
            location /three/ { realtime on; ${REALIP}
                               realtime_limit_connections 3 1h; }
            location /block/ { realtime on; ${REALIP}
                               realtime_limit_connections 2 1s block=2h; }
            location /short/ { realtime on; ${REALIP}
                               realtime_limit_connections 2 2s; }
            location /off/ { realtime on; ${REALIP}
                             realtime_limit_connections off; }
            location /env/ { realtime on; ${REALIP} }
            location /echo/ { realtime on; realtime_echo on; ${REALIP} }
            location /outer/ { realtime on; ${REALIP}
                location /outer/echo/ { realtime_echo on; }
                location /outer/inner/ { realtime_allow_anonymous on; }
            }
            location /limited/ { realtime on; ${REALIP}
                realtime_limit_connections 2 1h;
                location /limited/echo/ { realtime_echo on; }
            }
            location /plain/ { realtime on;
                               realtime_limit_connections 4 1h; }`
    });

    await test('connections per address: 429 for both transports', async () => {
        await fits(server, '/three/', ['192.0.2.1'], 3, 3600);
        await fits(server, '/three/', ['192.0.2.2'], 3, 3600);
    });

    await test('connections: an IPv6 network of 64 bits is one', async () => {
        await fits(server, '/three/', ['2001:db8:1:2::1', '2001:db8:1:2::2',
                                       '2001:db8:1:2:ffff:ffff:ffff:ffff'],
                   3, 3600);
        await fits(server, '/three/', ['2001:db8:1:3::1'], 3, 3600);
        await fits(server, '/three/', ['2001:db8:0:2::1'], 3, 3600);
    });

    await test('connections: an IPv4 address in IPv6 is itself', async () => {
        await fits(server, '/three/', ['192.0.2.3', '::ffff:192.0.2.3'], 3,
                   3600);
        await fits(server, '/three/', ['::ffff:192.0.2.4'], 3, 3600);
    });

    await test('connections: a block', async () => {
        await fits(server, '/block/', ['192.0.2.5'], 2, 7200);
    });

    await test('connections: a window ends when the server says so',
        async () => {
            for (let i = 0; i < 2; i++) {
                const list = await Promise.all([1, 2, 3, 4].map(() => {
                    return connects(server, '/short/', '192.0.2.6');
                }));

                isDeeply(list.map((r) => r.status).sort(),
                         [200, 200, 429, 429], 'statuses');

                const { headers } = list.find((r) => r.status === 429);

                await sleep(1000 * Number(headers['retry-after']));
            }
        });

    await test('connections: a session that is there may go on', async () => {
        const headers = { 'X-Forwarded-For': '192.0.2.7' };
        const at = { path: '/three/', headers };
        const list = [];

        for (const transport of ['polling', 'websocket', 'polling']) {
            list.push(await Socket.open(server, { ...at, transport }));
        }

        is((await connects(server, '/three/', '192.0.2.7')).status, 429,
           'status of one more');

        await list[2].client.upgrade();

        for (const s of list) {
            for (let i = 0; i < 3; i++) {
                await done(s, 'ping');
            }

            await s.client.close();
        }

        /* who leaves does not make room: it is new ones that count */

        is((await connects(server, '/three/', '192.0.2.7')).status, 429,
           'status when all have gone');
    });

    await test('connections: what is no handshake does not count', async () => {
        const headers = { 'X-Forwarded-For': '192.0.2.8' };

        for (const args of ['', '?EIO=3&transport=polling',
                            '?EIO=4&transport=smoke', '?EIO=4',
                            '?EIO=4&transport=websocket',
                            '?EIO=4&transport=polling&sid=unknown']) {
            for (let i = 0; i < 3; i++) {
                is((await request(server.port, { path: `/three/${args}`,
                                                 headers })).status,
                   400, `status of ${args}`);
            }
        }

        await fits(server, '/three/', ['192.0.2.8'], 3, 3600);
    });

    await test('connections: off, and an echo', async () => {
        for (const where of ['/off/', '/echo/', '/outer/echo/']) {
            for (let i = 0; i < 20; i++) {
                is((await connects(server, where, '192.0.2.9')).status, 200,
                   'status');
            }
        }
    });

    await test('connections: REALTIME_RATE_LIMIT a minute', async () => {
        await fits(server, '/env/', ['192.0.2.10'], 7, 60);
        await fits(server, '/outer/inner/', ['192.0.2.13'], 7, 60);
        await fits(server, '/limited/echo/', ['192.0.2.14'], 2, 3600);
    });

    await test('connections: a header that nobody trusts means nothing',
        async () => {
            await fits(server, '/plain/', ['192.0.2.11', '192.0.2.12',
                                           '2001:db8::1'], 4, 3600);
        });
}


async function hundred() {
    const server = await start({
        name: 'a hundred', workers: 2, reuseport: true,
        locations: `location /socket.io/ { realtime on;
                    realtime_allow_anonymous on; }`
    });

    await test('connections by default: 100 a minute', async () => {
        await fits(server, '/socket.io/', ['192.0.2.1'], 100, 60);
    }, { timeout: 30000 });
}


async function mistakes() {
    const values = ['', 'on', '5', '0 1s', '-1 1s', '1.5 1s', 'x 1s', '5 0s',
                    '5 x', '5 -1s', 'off 1s', '5 1s block', '5 1s block=',
                    '5 1s block=0', '5 1s block=x', '5 1s 2s',
                    '99999999999 1s', '5 1s block=1s more', '5 9999d'];

    for (const name of ['messages', 'room', 'connections', 'events']) {
        await test(`nginx -t: realtime_limit_${name}`, async () => {
            for (const value of values) {
                const { code, output } = check({
                    locations: `location / { realtime on;
                                realtime_allow_anonymous on;
                                realtime_limit_${name} ${value}; }`
                });

                is(code, 1, `exit code of "${value}" (${output})`);
                like(output, new RegExp(`invalid (value ".*" of|number of `
                     + `arguments in) "?realtime_limit_${name}`), 'output');
            }

            like(check({ locations: `location / { realtime on;
                         realtime_limit_${name} 1 1s;
                         realtime_limit_${name} off; }` }).output,
                 /"realtime_limit_\w+" directive is duplicate/, 'twice');
        });
    }

    await test('nginx -t: REALTIME_RATE_LIMIT', async () => {
        for (const value of ['0', '-1', 'many', '1.5', '10 ']) {
            const { code, output } = check({
                env: { REALTIME_RATE_LIMIT: value }, server: OPEN,
                locations: 'location / { realtime on; }'
            });

            is(code, 1, `exit code of "${value}"`);
            like(output, /REALTIME_RATE_LIMIT is ".*": it must be a whole/,
                 'output');
        }
    });
}


tap.run(async () => {
    const server = await start({
        workers: 2, reuseport: true, path: '/socket.io/', server: OPEN,
        locations: LOCATIONS
    });

    await Promise.all([
        (async () => {
            await perUser(server);
            await perRoom(server);
            await defaults(server);
            await guests(server);
            await events(server);
        })(),
        addresses(), hundred()
    ]);

    await mistakes();
});
