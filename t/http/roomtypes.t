#!/usr/bin/env node
'use strict';

/*
 * What kinds of rooms there are, who may enter them, and who is in: people,
 * not connections, whichever workers those are on.
 */

const fs = require('node:fs');
const path = require('node:path');
const {
    GONE, OPEN, apart, done, empty, got, guest, join, leave, refused, unique,
    user
} = require('../lib/people');
const { check, start } = require('../lib/server');
const tap = require('../lib/tap');

const { is, isDeeply, like, ok, test } = tap;

const DENIED = 'ROOM_ACCESS_DENIED';

const FULL = {
    code: DENIED, message: 'This room is for two, who are there'
};

const RULES = `
    realtime_room lobby;
    realtime_room dm-* type=dm;
    realtime_room dm-news-* type=broadcast visibility=public;
    realtime_room dm-hall type=channel;
    realtime_room team-open type=group visibility=public;
    realtime_room team-* type=group visibility=private;
    realtime_room secret type=dm visibility=private;
    realtime_room news type=broadcast;
    realtime_room crowd-* announce=off;
`;

const SERVER = {
    workers: 2, reuseport: true, path: '/socket.io/',
    server: `${OPEN} ${RULES} realtime_limit_messages off;
             realtime_limit_room off; realtime_limit_connections off;`,
    locations: `
        location /socket.io/ { realtime on; }
        location /closed/ { realtime on; realtime_room_create off; }
        location /other/ { realtime on; realtime_room dm-* type=group; }`
};


/* a user of that name, more or less, as apart() wants it */
function as(server, name, options) {
    const id = unique(name);

    return () => user(server, id, options);
}


async function rules(server) {
    /* [roomName, what a guest may do: null is nothing] */

    const rows = [
        ['lobby', 'write'], ['anything', 'write'], ['dm', 'write'],
        ['dm-hall', 'write'], ['dm-halls', 'write'], ['dm-news-1', 'read'],
        ['dm-news-', 'read'], ['dm-new', 'write'], ['news', 'read'],
        ['newsroom', 'write'], ['team', 'write'], ['team-open', 'write'],
        ['team-', null], ['team-a', null], ['team-open-2', null],
        ['secret', null]
    ];

    await test('exact rules go before prefixes, longer ones before shorter',
        async () => {
            const s = await guest(server);

            for (const [roomName, may] of rows) {
                if (may === null) {
                    is((await refused(s, DENIED, 'room:join', { roomName }))
                       .message, 'This room is private', roomName);
                    continue;
                }

                is(await join(s, roomName), 1, roomName);

                if (may === 'read') {
                    await refused(s, 'PERMISSION_DENIED', 'message:send',
                                  { roomName, content: 'x' });
                } else {
                    await done(s, 'message:send', { roomName, content: 'x' });
                }
            }
        });

    await test('rules of a location replace those outside', async () => {
        const s = await guest(server, { path: '/other/' });

        for (const roomName of ['dm-1', 'team-a', 'secret', 'news']) {
            await join(s, roomName);
            await done(s, 'message:send', { roomName, content: 'x' });
        }
    });

    await test('private rooms: tokens that name them', async () => {
        const claims = [
            [['team-a'], ['team-a'], ['team-b', 'team-', 'secret', 'lobby']],
            [['team-*', 'lobby'], ['team-a', 'team-', 'team-open', 'lobby'],
             ['secret', 'team']],
            [['*'], ['team-a', 'secret', 'lobby', 'new'], []],
            [[], [], ['team-a', 'lobby', 'new']],
            [undefined, ['lobby', 'new', 'team-open'], ['team-a', 'secret']]
        ];

        for (const [claim, open, closed] of claims) {
            const s = await user(server, unique('alice'),
                                 { claims: { rooms: claim } });

            for (const roomName of open) {
                await join(s, roomName);
            }

            for (const roomName of closed) {
                await refused(s, DENIED, 'room:join', { roomName });
            }

            s.client.close();
        }
    });
}


async function closed(server) {
    const at = { path: '/closed/' };
    const GONE_ = { code: 'ROOM_NOT_FOUND', message: 'There is no such room' };

    await test('room_create off: rooms that are declared', async () => {
        await empty(server);

        const s = await guest(server, at);

        for (const roomName of ['lobby', 'dm-1', 'dm-hall', 'news',
                                'team-open']) {
            is(await join(s, roomName), 1, roomName);
        }

        isDeeply(await refused(s, 'ROOM_NOT_FOUND', 'room:join',
                               { roomName: unique('room') }), GONE_, 'another');
        await refused(s, DENIED, 'room:join', { roomName: 'team-a' });
    });

    await test('room_create off: rooms that somebody is in', async () => {
        const roomName = unique('room');
        const first = await user(server, unique('alice'));
        const s = await user(server, unique('bob'), at);

        await refused(s, 'ROOM_NOT_FOUND', 'room:join', { roomName });
        is(await join(first, roomName), 1, 'memberCount');
        is(await join(s, roomName), 2, 'memberCount');
        await leave(first, roomName);
        is(await join(s, roomName), 1, 'joining twice');
        await leave(s, roomName);
        isDeeply(await refused(s, 'ROOM_NOT_FOUND', 'room:join', { roomName }),
                 GONE_, 'when all have left');
        isDeeply(got(first, 'user:left'), [], 'user:left');
    });

    await test('room_create off: what a token does not name is denied',
        async () => {
            const s = await user(server, unique('alice'),
                                 { ...at, claims: { rooms: ['mine'] } });

            await refused(s, DENIED, 'room:join', { roomName: 'yours' });
            await refused(s, 'ROOM_NOT_FOUND', 'room:join',
                          { roomName: 'mine' });
        });
}


async function direct(server) {
    await test('dm: two users, with any number of devices', async () => {
        const roomName = unique('dm');
        const alice = as(server, 'alice');
        const [a1, b1, a2, c, d, e] = await apart(server,
            alice, as(server, 'bob'), alice, as(server, 'carol'),
            as(server, 'dave'), () => guest(server));

        is(await join(a1, roomName), 1, 'memberCount');
        is(await join(a2, roomName), 1, 'memberCount, a device more');
        is(await join(b1, roomName), 2, 'memberCount');

        for (const s of [c, d, e]) {
            isDeeply(await refused(s, DENIED, 'room:join', { roomName }), FULL,
                     'the third');
            await refused(s, 'NOT_IN_ROOM', 'message:send',
                          { roomName, content: 'x' });
        }

        is(await join(a1, roomName), 2, 'twice');
        await leave(a1, roomName);
        await refused(c, DENIED, 'room:join', { roomName });
        is(await join(a1, roomName), 2, 'the first device again');

        await leave(a1, roomName);
        await leave(a2, roomName);
        isDeeply(await b1.one('user:left'), { roomName, userId: a1.user },
                 'user:left');

        is(await join(c, roomName), 2, 'a place is free');
        isDeeply(await b1.one('user:joined'), { roomName, userId: c.user },
                 'user:joined');
        await refused(a2, DENIED, 'room:join', { roomName });

        await done(c, 'message:send', { roomName, content: 'hello' });
        is((await b1.one('message:new')).content, 'hello', 'content');
        isDeeply(got(a1, 'message:new'), [], 'who has left');
    }, { timeout: 30000 });

    await test('dm: who breaks off makes room', async () => {
        const roomName = unique('dm');
        const [a, b, c] = await apart(server, as(server, 'alice'),
                                      as(server, 'bob'), as(server, 'carol'));

        await join(a, roomName);
        await join(b, roomName);
        await refused(c, DENIED, 'room:join', { roomName });
        b.destroy();
        await a.one('user:left');
        is(await join(c, roomName), 2, 'memberCount');
    }, { timeout: 30000 });

    await test('dm: of two guests', async () => {
        const roomName = unique('dm');
        const list = [];

        for (let i = 0; i < 3; i++) {
            list.push(await guest(server));
        }

        is(await join(list[0], roomName), 1, 'memberCount');
        is(await join(list[1], roomName), 2, 'memberCount');
        isDeeply(await refused(list[2], DENIED, 'room:join', { roomName }),
                 FULL, 'the third');
    });

    await test('dm: two race for the second place, one gets it', async () => {
        const [a, b, c] = await apart(server, as(server, 'alice'),
                                      as(server, 'bob'), as(server, 'carol'));

        await race([a], [b, c], 50, 1);
        await race([], [a, b, c], 50, 2);
    }, { timeout: 30000 });

    await test('dm: devices of two users race for the second place',
        async () => {
            const [bob, carol] = [as(server, 'bob'), as(server, 'carol')];
            const [a, ...others] = await apart(server, as(server, 'alice'),
                                               bob, carol, bob, carol);

            for (let i = 0; i < 30; i++) {
                const roomName = unique('dm');

                await join(a, roomName);

                const replies = await Promise.all(others.map((s) => {
                    return s.ask('room:join', { roomName });
                }));

                const inside = new Set(others.filter((_, n) => {
                    return replies[n].success;
                }).map((s) => s.user));

                is(inside.size, 1, 'users who got in');
                is(replies.filter((r) => r.success).length, 2, 'devices');
                is(await join(a, roomName), 2, 'memberCount');
            }
        }, { timeout: 30000 });
}


/* "list" all want to enter at once: "n" do, and those inside know */
async function race(inside, list, rounds, n) {
    for (let i = 0; i < rounds; i++) {
        const roomName = unique('dm');

        for (const s of inside) {
            await join(s, roomName);
        }

        const replies = await Promise.all(list.map((s) => {
            return s.ask('room:join', { roomName });
        }));

        const [won, lost] = [replies.filter((r) => r.success),
                             replies.filter((r) => !r.success)];

        is(won.length, n, `who got in, round ${i}`);
        isDeeply(lost.map((r) => r.error), lost.map(() => FULL), 'the rest');

        const winners = list.filter((_, k) => replies[k].success);

        isDeeply(won.map((r) => r.data.memberCount).sort(),
                 won.map((_, k) => inside.length + 1 + k), 'memberCount');

        for (const s of inside) {
            for (const w of winners) {
                isDeeply(await s.one('user:joined'), {
                    roomName, userId: w.user
                }, 'user:joined');
            }
        }

        for (const s of [...inside, ...winners]) {
            await leave(s, roomName);
        }
    }
}


async function broadcast(server) {
    await test('broadcast: one speaks, all hear', async () => {
        const writer = { claims: { permissions: ['read', 'write'] } };
        const [w, a, g] = await apart(server, as(server, 'writer', writer),
                                      as(server, 'alice'),
                                      () => guest(server));

        for (const s of [w, a, g]) {
            await join(s, 'news');
        }

        const { id } = await done(w, 'message:send',
                                  { roomName: 'news', content: 'extra' });

        for (const s of [w, a, g]) {
            is((await s.one('message:new')).id, id, 'id');
        }

        for (const s of [a, g]) {
            await refused(s, 'PERMISSION_DENIED', 'message:send',
                          { roomName: 'news', content: 'x' });
        }
    }, { timeout: 30000 });
}


async function quiet(server) {
    await test('announce=off: who comes and goes is nobody\'s business',
        async () => {
            const roomName = unique('crowd');
            const [a, b] = await apart(server, as(server, 'alice'),
                                       as(server, 'bob'));
            const heard = () => a.log.filter((e) => {
                return e.event === 'user:joined' || e.event === 'user:left';
            });

            await join(a, roomName);
            is(await join(b, roomName), 2, 'memberCount');
            await done(b, 'message:send', { roomName, content: 'hello' });
            await a.one('message:new');
            await done(b, 'room:leave', { roomName });
            is(await join(b, roomName), 2, 'memberCount again');
            b.destroy();

            const c = await guest(server);

            await tap.until(GONE, async () => {
                const count = await join(c, roomName);

                await done(c, 'room:leave', { roomName });
                return count === 2;
            }, 'the one who was cut off has left');

            isDeeply(heard(), [], 'announcements');
        }, { timeout: 30000 });
}


async function membership(server) {
    await test('a user comes once and goes once, with many devices',
        async () => {
            const roomName = unique('room');
            const alice = as(server, 'alice');
            const [bob, ...devices] = await apart(server, as(server, 'bob'),
                                                  alice, alice, alice, alice);
            const { user: id } = devices[0];

            devices.push(await user(server, id, { transport: 'polling' }));
            is(await join(bob, roomName), 1, 'memberCount');

            for (const s of devices) {
                is(await join(s, roomName), 2, 'memberCount');
            }

            await devices[4].client.upgrade();

            /* by every way out; the last one is heard of */

            await leave(devices[0], roomName);
            devices[1].destroy();
            await devices[2].client.close();
            devices[3].disconnect();

            await tap.until(GONE, async () => {
                return (await server.metrics()).sockets.total === 3;
            }, 'three sockets are left');

            is(await join(bob, roomName), 2, 'memberCount');
            isDeeply(got(bob, 'user:left'), [], 'user:left so far');
            isDeeply(got(bob, 'user:joined'), [{ roomName, userId: id }],
                     'user:joined');

            await leave(devices[4], roomName);
            isDeeply(await bob.one('user:left'), { roomName, userId: id },
                     'user:left');
            is(await join(bob, roomName), 1, 'memberCount');

            is(await join(devices[0], roomName), 2, 'in again');
            await bob.one('user:joined');
            isDeeply(await bob.one('user:joined'), { roomName, userId: id },
                     'user:joined');
        }, { timeout: 30000 });

    await test('devices that race in and out are one person', async () => {
        const roomName = unique('room');
        const alice = as(server, 'alice');
        const [bob, ...devices] = await apart(server, as(server, 'bob'), alice,
                                              alice, alice);

        await join(bob, roomName);

        for (let i = 0; i < 30; i++) {
            const counts = await Promise.all(devices.map((s) => {
                return join(s, roomName);
            }));

            isDeeply(counts, [2, 2, 2], 'memberCount');
            await Promise.all(devices.map((s) => leave(s, roomName)));
        }

        await tap.until(GONE, () => got(bob, 'user:left').length === 30,
                        'the last has left');

        /* one after the other, never two of a kind */

        isDeeply(bob.log.filter((e) => /^user:/.test(e.event))
                 .map((e) => e.event),
                 Array.from({ length: 60 }, (_, i) => {
                     return i % 2 ? 'user:left' : 'user:joined';
                 }), 'what bob sees');
    }, { timeout: 30000 });

    await test('guests are one each, a room is of one namespace', async () => {
        const roomName = unique('room');
        const [a, b] = [await guest(server), await guest(server)];

        is(await join(a, roomName), 1, 'memberCount');
        is(await join(b, roomName), 2, 'memberCount');
        isDeeply(await a.one('user:joined'), { roomName, userId: null },
                 'user:joined');
        b.destroy();
        isDeeply(await a.one('user:left'), { roomName, userId: null },
                 'user:left');
    });
}


async function killed(server) {
    await test('kill -9 of a worker: who was only there has left',
        async () => {
            const [roomName, dm] = [unique('room'), unique('dm')];
            const alice = as(server, 'alice');
            const [bob, carol, a1, a2] = await apart(server, as(server, 'bob'),
                as(server, 'carol'), alice, alice);

            is(bob.worker, a1.worker, 'bob and a1 are together');
            is(carol.worker, a2.worker, 'carol and a2 are together');

            for (const s of [bob, carol, a1, a2]) {
                await join(s, roomName);
            }

            await join(bob, dm);
            await join(carol, dm);
            await refused(a1, DENIED, 'room:join', { roomName: dm });

            bob.log.length = 0;
            await server.killWorker(carol.worker);
            await Promise.all([carol.waitClose(), a2.waitClose()]);

            isDeeply([await bob.one('user:left'), await bob.one('user:left')]
                     .map((e) => e.roomName).sort(), [dm, roomName].sort(),
                     'rooms that were left');

            is(await join(bob, roomName), 2, 'memberCount');
            is(await join(a1, dm), 2, 'the place is free');
            isDeeply(got(bob, 'user:left').map((e) => e.userId),
                     [carol.user, carol.user], 'who left');

            /* and comes back */

            const again = await user(server, carol.user);

            is(await join(again, roomName), 3, 'memberCount');
            isDeeply(await refused(again, DENIED, 'room:join',
                                   { roomName: dm }), FULL, 'the dm is full');

            await done(again, 'message:send', { roomName, content: 'back' });
            is((await a1.one('message:new')).content, 'back', 'content');
        }, { timeout: 30000 });
}


async function reloaded(server) {
    await test('a reload: rooms are what the new configuration says',
        async () => {
            await empty(server);

            const s = await guest(server);
            const file = path.join(server.dir, 'nginx.conf');
            const text = fs.readFileSync(file, 'utf8');

            await join(s, 'news');
            await refused(s, 'PERMISSION_DENIED', 'message:send',
                          { roomName: 'news', content: 'x' });

            fs.writeFileSync(file, text
                .replace('realtime_room news type=broadcast;',
                         'realtime_room news;')
                .replace('realtime_room lobby;',
                         'realtime_room lobby visibility=private;'));

            await server.reload();
            await s.client.close();
            await empty(server);

            const next = await guest(server);

            is(await join(next, 'news'), 1, 'memberCount');
            await done(next, 'message:send', { roomName: 'news',
                                               content: 'x' });
            await refused(next, DENIED, 'room:join', { roomName: 'lobby' });
        }, { timeout: 30000 });
}


async function mistakes() {
    const rows = [
        ['', /invalid number of arguments/],
        ['""', /invalid name "" of realtime_room: it must be 1 to 255/],
        ['Lobby', /invalid name "Lobby" of realtime_room/],
        ['a*b', /invalid name "a\*b" of realtime_room/],
        ['a**', /invalid name "a\*\*" of realtime_room/],
        ['x'.repeat(256), /invalid name "x+" of realtime_room/],
        ['a type=club',
         /parameter "type=club" of realtime_room: it must be "type=" and/],
        ['a type=', /invalid parameter "type=" of realtime_room/],
        ['a dm', /invalid parameter "dm" of realtime_room/],
        ['a visibility=hidden', /invalid parameter "visibility=hidden"/],
        ['a type=dm type=group',
         /"type=group" of realtime_room comes after another one of its kind/],
        ['a type=dm type=dm', /parameter "type=dm" of realtime_room comes/],
        ['a visibility=public visibility=private',
         /parameter "visibility=private" of realtime_room comes/],
        ['a announce=no', /invalid parameter "announce=no" of realtime_room/],
        ['a type=dm visibility=public announce=on more',
         /invalid number of arguments/]
    ];

    for (const [args, said] of rows) {
        await test(`nginx -t: realtime_room ${args.slice(0, 40)}`, async () => {
            const { code, output } = check({
                server: `${OPEN} realtime_room ${args};`,
                locations: 'location /socket.io/ { realtime on; }'
            });

            is(code, 1, 'exit code');
            like(output, said, 'output');
        });
    }

    await test('nginx -t: realtime_room: the longest names', async () => {
        const { code, output } = check({
            server: `${OPEN} realtime_room ${'x'.repeat(255)};
                     realtime_room ${'y'.repeat(254)}* type=dm;
                     realtime_room a*;`,
            locations: 'location /socket.io/ { realtime on; }'
        });

        is(code, 0, `exit code (${output})`);
        ok(!/warn/.test(output), 'no warning');
    });
}


tap.run(async () => {
    const server = await start(SERVER);

    await rules(server);
    await closed(server);
    await direct(server);
    await broadcast(server);
    await quiet(server);
    await membership(server);
    await killed(server);
    await reloaded(server);
    await mistakes();
});
