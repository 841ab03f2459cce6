#!/usr/bin/env node
'use strict';

/*
 * What a token says of its socket, wherever that goes; and the token's end.
 */

const {
    GONE, done, empty, got, join, moving, refused, statuses, unique, user
} = require('../lib/people');
const { start } = require('../lib/server');
const { DISCONNECT, Socket } = require('../lib/sio');
const tap = require('../lib/tap');
const tokens = require('../lib/tokens');

const { is, isDeeply, like, ok, test } = tap;

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const TRANSPORTS = ['polling', 'websocket'];


/* two sockets of the same room still hear each other */
async function talk(a, b, roomName) {
    for (const [from, to] of [[a, b], [b, a]]) {
        const content = unique('text');

        await done(from, 'message:send', { roomName, content });

        while ((await to.one('message:new')).content !== content) {
            /* what was said before */
        }
    }
}


/* when a token that is made now expires, s */
function soon() {
    return Math.floor(Date.now() / 1000) + 3;
}


/* "s" is told and put out; "other" sees it go; "id" is who it was */
async function expires(s, other, roomName, id) {
    isDeeply(await s.one('error', 8000), {
        code: 'TOKEN_EXPIRED', message: 'The token has expired'
    }, 'the event "error"');

    is((await s.reply()).type, DISCONNECT, 'type of the packet');
    ok(Math.floor(Date.now() / 1000) >= s.expires, 'not too early');
    isDeeply(await other.one('user:left'), { roomName, userId: id },
             'user:left');

    await tap.until(GONE, () => {
        return statuses(other, id).pop() === 'offline';
    }, () => `offline, not ${statuses(other, id)}`);

    /* the session lives on, and takes a better token */

    await s.connect('/', { token: tokens.sign({ userId: id }) });
    is((await s.one('authenticated')).userId, id, 'userId');
    isDeeply(await refused(s, 'NOT_IN_ROOM', 'message:send',
                           { roomName, content: 'x' }),
             { code: 'NOT_IN_ROOM', message: 'You are not in this room' },
             'the error');
}


async function expiry(server) {
    async function setUp(options) {
        const [roomName, id] = [unique('room'), unique('alice')];
        const other = await user(server, unique('bob'));
        const exp = soon();
        const s = await user(server, id, { claims: { exp }, ...options });

        s.expires = exp;
        await join(other, roomName);
        await join(s, roomName);

        return [s, other, roomName, id];
    }

    function upgraded(n) {
        return test(`a token expires behind an upgrade, ${n}`, async () => {
            const set = await setUp({ transport: 'polling' });

            await set[0].client.upgrade();
            await expires(...set);
        }, { timeout: 20000 });
    }

    await Promise.all([
        ...TRANSPORTS.map((transport) => {
            return test(`a token expires, ${transport}`, async () => {
                await expires(...await setUp({ transport }));
            }, { timeout: 20000 });
        }),

        /* some of them go to another worker */

        ...[1, 2, 3, 4].map(upgraded),

        test('a token expires, socket.io-client', async () => {
            const { io } = tap.load('socket.io-client');
            const token = tokens.sign({ userId: unique('alice'), exp: soon() });
            const s = io(server.url, { auth: { token }, reconnection: false });
            const errors = [];

            tap.cleanup(() => s.close());
            s.on('error', (e) => errors.push(e.code));

            is(await tap.within(8000, new Promise((resolve) => {
                s.on('disconnect', resolve);
            }), 'the end'), 'io server disconnect', 'reason');

            isDeeply(errors, ['TOKEN_EXPIRED'], 'errors');
        }, { timeout: 20000 }),

        test('one device expires, the other stays', async () => {
            const [s, other, roomName, id] = await setUp();
            const second = await user(server, id, { claims: { exp: null } });

            await join(second, roomName);
            is((await s.one('error', 8000)).code, 'TOKEN_EXPIRED', 'code');
            await s.reply();
            await talk(second, other, roomName);
            isDeeply(got(other, 'user:left'), [], 'user:left');
            isDeeply(statuses(other, id), ['online'], 'presence');
        }, { timeout: 20000 }),

        test('tokens for a very long time', async () => {
            for (const exp of [4102444800, 9e15, 1e300, null]) {
                const s = await user(server, unique('alice'),
                                     { claims: { exp } });

                await s.none('error', 100);
                await done(s, 'ping');
            }
        })
    ]);
}


async function claims(server) {
    await test('authenticated: what the token says', async () => {
        const seen = new Set();

        for (const rooms of [undefined, [], ['a', 'b-*'], ['\u0061']]) {
            const { greeting } = await user(server, unique('alice'),
                                            { claims: { rooms } });

            isDeeply(Object.keys(greeting), ['userId', 'sessionId', 'rooms'],
                     'fields');
            isDeeply(greeting.rooms, rooms || [], 'rooms');
            like(greeting.sessionId, UUID, 'sessionId');
            ok(!seen.has(greeting.sessionId), 'another sessionId each time');
            seen.add(greeting.sessionId);
        }
    });

    await test('authenticated: userId goes before sub', async () => {
        for (const [more, id] of [[{ sub: 'carl' }, 'carl'],
                                  [{ sub: 'carl', userId: 'b"\\\u00e9' },
                                   'b"\\\u00e9'],
                                  [{ userId: '\u{1f680}'.repeat(63) },
                                   '\u{1f680}'.repeat(63)]]) {
            const s = await Socket.open(server, {
                auth: { token: tokens.sign(more) }
            });

            is((await s.one('authenticated')).userId, id, 'userId');
        }
    });

    await empty(server);

    await test('claims go along to another worker', async () => {
        const id = unique('alice');
        const token = tokens.sign({ userId: id, rooms: ['a-*'],
                                    permissions: ['read'] });

        await moving(server, {}, {
            before: async (s) => {
                await s.connect('/', { token });
                await join(s, 'a-room');
            },

            after: async (s) => {
                await refused(s, 'ROOM_ACCESS_DENIED', 'room:join',
                              { roomName: 'b-room' });
                await refused(s, 'PERMISSION_DENIED', 'message:send',
                              { roomName: 'a-room', content: 'x' });
                await done(s, 'presence:update', { status: 'busy' });
                isDeeply(statuses(s, id), ['online', 'busy'], 'presence');
            }
        });
    }, { timeout: 20000 });
}


tap.run(async () => {
    const server = await start({
        workers: 2, reuseport: true, path: '/socket.io/',
        locations: `location /socket.io/ { realtime on;
                    realtime_jwt_secret "${tokens.SECRET}";
                    realtime_limit_room off; realtime_limit_connections off; }`
    });

    await claims(server);
    await expiry(server);
});
