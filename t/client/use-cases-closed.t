#!/usr/bin/env node
'use strict';

/*
 * What is closed in each of conf.d/use-cases to those who have no business
 * there: other tests show what is open.
 */

const fs = require('node:fs');
const path = require('node:path');
const tap = require('../lib/tap');

tap.load('socket.io-client');
tap.load('jsonwebtoken');

const { CONF, Site } = require('../lib/site');
const nginx = require('../lib/server');
const tokens = require('../lib/tokens');

const { is, isDeeply, test } = tap;

/*
 * A room of each, whether any token opens it, who is told of presence, whether
 * typing is told, and the location that is the application's alone.
 */
const CASES = {
    '01-live-chat': { room: 'support-ticket-1', presence: 'rooms',
                      typing: true },
    '02-document-editing': { room: 'doc-1', presence: 'rooms', typing: true },
    '03-notifications': { room: 'user-1-notifications' },
    '04-dashboard': { room: 'admin-metrics' },
    '05-game': { room: 'game-session-1', presence: 'rooms',
                 backend: '/backend/' },
    '06-video-call': { room: 'call-room-1', presence: 'rooms' },
    '07-polls': { room: 'poll-1', open: true, backend: '/backend/' },
    '08-location': { room: 'delivery-1' },
    '09-auction': { room: 'auction-item-1', open: true,
                    backend: '/backend/' },
    '10-social-feed': { room: 'user-feed-1' },
    '11-stock-ticker': { room: 'ticker-1', open: true, anonymous: true },
    '12-smart-home': { room: 'home-network-1', presence: 'rooms',
                       backend: '/hub/', audience: 'home-hub', remote: true }
};

const REFUSED = 'AUTHENTICATION_FAILED';


/* tokens, signed with the right secret or not, that are for something else */
async function doors(site, is_) {
    const { anonymous, backend, audience = 'realtime-backend' } = is_;
    const other = site.auth('eve', { aud: 'somebody-else' });
    const forged = { token: tokens.sign({ userId: 'eve',
                                          aud: 'realtime-server' },
                                        { secret: 'x'.repeat(32) }) };

    for (const uri of ['/socket.io/', backend].filter(Boolean)) {
        is(await site.rejected({ path: uri, auth: other }), REFUSED, uri);
        is(await site.rejected({ path: uri, auth: forged }), REFUSED, uri);
    }

    if (!anonymous) {
        is(await site.rejected(), REFUSED, 'without a token');
    }

    if (backend) {
        is(await site.rejected({
            path: backend, auth: { token: site.token('eve') }
        }), REFUSED, 'a user at the application\'s door');
        is(await site.rejected({
            auth: site.auth('app', { aud: audience })
        }), REFUSED, 'the application at the users\' door');
        is(await site.knock(backend, '127.0.0.2'), is_.remote ? 200 : 403,
           'from elsewhere');
    }

    is(await site.knock('/socket.io/', '127.0.0.2'), 200, 'from anywhere');
}


/* a token that is good, and names no rooms */
async function inside(page, { room, open, presence, typing }) {
    const roomName = room;

    const code = async (...args) => {
        const { success, error } = await page.ask(...args);

        return success ? 'success' : error.code;
    };

    is(await code('room:join', { roomName: 'a-room-of-my-own' }),
       'ROOM_NOT_FOUND', 'a room that was not declared');
    is(await code('room:join', { roomName }),
       open ? 'success' : 'ROOM_ACCESS_DENIED', 'a room that is');
    is(await code('presence:request', { userId: 'somebody' }),
       presence ? 'PERMISSION_DENIED' : 'UNKNOWN_EVENT', 'presence');
    is(await code('typing:stop', { roomName: 'x' }),
       typing ? 'NOT_IN_ROOM' : 'UNKNOWN_EVENT', 'typing');
    is(await code('room:close', { roomName }), 'UNKNOWN_EVENT',
       'an event that nobody declared');
}


/* the same for the application's own location */
async function behind(site, is_) {
    const { backend, audience = 'realtime-backend', presence, remote } = is_;

    await inside(await site.backend('app', { aud: audience },
                                    { path: backend }),
                 { ...is_, presence: remote && presence });
}


async function withoutSecret(name, { anonymous }) {
    const { code, output } = nginx.check({
        locations: `include ${path.join(CONF, `${name}.conf`)};`
    });

    /* who forgets it does not have an open server: readers at the most */
    is(code === 0, Boolean(anonymous), `nginx -t: ${output}`);
}


tap.run(async () => {
    await test('all of them are here', async () => {
        isDeeply(fs.readdirSync(CONF).sort(),
                 Object.keys(CASES).map((name) => `${name}.conf`), 'files');
    });

    for (const [name, is_] of Object.entries(CASES)) {
        await tap.group(name, async () => {
            await test('no secret', () => withoutSecret(name, is_));

            const site = await Site.useCase(name);

            await test('at the doors', () => doors(site, is_));
            await test('inside', async () => {
                await inside(await site.page('eve'), is_);
            });

            if (is_.backend) {
                await test('behind', () => behind(site, is_));
            }

            await site.server.stop();
        });
    }
});
