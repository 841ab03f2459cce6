#!/usr/bin/env node
'use strict';

/*
 * Several locations over one zone, each with rules of its own: a session keeps
 * those of the location where it was opened, and what one location declares of
 * a room holds for those who came in by another.
 */

const eio = require('../lib/eio');
const { done, guest, join, refused, unique, user } = require('../lib/people');
const { request } = require('../lib/http');
const { start } = require('../lib/server');
const { Socket } = require('../lib/sio');
const tap = require('../lib/tap');
const tokens = require('../lib/tokens');

const { is, isDeeply, ok, test } = tap;

/* more than one session may try */
const TRIES = 8;

const locations = `
    realtime_limit_connections off;

    location /open/ {
        realtime on;
        realtime_allow_anonymous on;
    }

    location /strict/ {
        realtime on;
        realtime_jwt_secret "${tokens.SECRET}";
        realtime_room staff-* visibility=private;
        realtime_room news-* type=broadcast;
        realtime_room two-* type=dm;
        realtime_presence_scope rooms;
        realtime_allow_anonymous on;
    }

    location /any/ {
        realtime on;
        realtime_allow_anonymous on;
        realtime_on * relay;
    }
`;


/* the same server, another location of it */
function at(server, path) {
    return Object.assign(Object.create(server), {
        path, opts: { ...server.opts, path }
    });
}


async function elsewhere(server) {
    const open = at(server, '/open/');
    const strict = at(server, '/strict/');

    for (let i = 0; i < 8; i++) {
        const p = new eio.Polling(open);

        await p.open();

        for (const method of ['GET', 'POST']) {
            const res = await request(server.port, {
                method,
                path: `/strict/?EIO=4&transport=polling&sid=${p.sid}`,
                body: method === 'POST' ? '40' : undefined
            });

            is(res.status, 400, `status of a ${method}`);
            isDeeply(res.json(), { code: 1, message: 'Session ID unknown' },
                     'body');
        }

        const res = await eio.upgrade(strict, { sid: p.sid });

        is(res.status, 400, 'status of an upgrade');

        /* and it lives on where it is */

        await p.send('40');
        ok((await p.poll())[0].startsWith('40{'), 'CONNECT');
        await p.post('1');
    }
}


/* what was declared later, or elsewhere, counts as well */
async function declared(server) {
    const open = at(server, '/open/');
    const strict = at(server, '/strict/');
    const [news, two, staff] = ['news-', 'two-', 'staff-'].map(unique);

    const early = await guest(open);
    const other = await guest(open);

    for (const room of [news, two, staff]) {
        await join(early, room);
    }

    await join(other, two);

    const reader = await user(strict, unique('reader'));
    const writer = await user(strict, unique('writer'), {
        claims: { permissions: ['read', 'write'], rooms: [news, staff] }
    });

    await join(reader, news);
    await refused(reader, 'PERMISSION_DENIED', 'message:send',
                  { roomName: news, content: 'no' });
    await join(writer, news);
    await done(writer, 'message:send', { roomName: news, content: 'yes' });

    await refused(reader, 'ROOM_ACCESS_DENIED', 'room:join',
                  { roomName: two });

    await refused(reader, 'ROOM_ACCESS_DENIED', 'room:join',
                  { roomName: staff });
    await join(writer, staff);

    /* from now on it is private, whichever way one comes */

    await refused(other, 'ROOM_ACCESS_DENIED', 'room:join',
                  { roomName: staff });

    for (const s of [early, other, reader, writer]) {
        await s.client.close();
    }
}


async function oracle(server) {
    const strict = at(server, '/strict/');
    const asker = await guest(strict);
    const somebody = await user(strict, unique('somebody'));

    for (const userId of [somebody.user, unique('nobody')]) {
        await refused(asker, 'PERMISSION_DENIED', 'presence:request',
                      { userId });
    }

    await asker.client.close();
    await somebody.client.close();
}


/* what only the server says, with a row for events of any name */
async function forged(server) {
    const roomName = unique('room');
    const s = await guest(at(server, '/any/'));

    await join(s, roomName);

    for (const event of ['connected', 'authenticated', 'message:new',
                         'room:joined', 'room:left', 'user:joined',
                         'user:left', 'typing:event', 'presence:changed',
                         'error'])
    {
        await refused(s, 'UNKNOWN_EVENT', event, { roomName });
    }

    await done(s, 'message:newer', { roomName });
    await s.client.close();
}


/* a signature is work: nobody may ask for it without end */
async function guessing(server) {
    const strict = at(server, '/strict/');

    for (const transport of ['polling', 'websocket']) {
        const s = await Socket.open(strict, { transport, nsp: null });
        let refusals = 0;

        while (refusals < 2 * TRIES) {
            try {
                await s.connect('/', { token: 'x.y.z' });

            } catch (e) {
                if (!e.data) {
                    break;
                }

                refusals++;
            }
        }

        ok(refusals <= TRIES, `${transport}: ${refusals} tokens were refused`);
        await s.waitClose(3000);
    }
}


tap.run(async () => {
    const server = await start({ workers: 2, path: '/open/', locations });

    await test('a session is unknown at another location',
        () => elsewhere(server));

    await test('what a room is declared to be', () => declared(server));

    await test('presence is no business of strangers', () => oracle(server));

    await test('no prefix lets clients forge what the server says',
        () => forged(server));

    await test('tokens are not tried for ever', () => guessing(server));

    await server.stop();
});
