#!/usr/bin/env node
'use strict';

/*
 * What all hosts know of rooms and users: counted and told once, whichever
 * host somebody is at; and what becomes of it when a host, or Redis, goes.
 */

const { hosts } = require('../lib/hosts');
const people = require('../lib/people');
const redisServer = require('../lib/redis');
const tap = require('../lib/tap');

const { done, guest, join, leave, refused, unique, user } = people;
const { is, isDeeply, ok, sleep, test, until } = tap;

/* until a host that has vanished is purged, ms */
const VANISHED = 30000;

/* what was not told by then is not told, ms */
const QUIET = 1500;

const location = `
    location /socket.io/ {
        realtime on;
        ${people.OPEN}
        realtime_namespace / /other;
        realtime_limit_messages off;
        realtime_limit_room off;
        realtime_limit_connections off;
        realtime_room pair-* type=dm;
        realtime_typing_timeout 2s;
    }`;


async function stop(...list) {
    for (const nginx of list) {
        await nginx.stop();
    }
}


/* what each host says that a room has */
async function counts(list, roomName, n) {
    for (const nginx of list) {
        const s = await guest(nginx);

        await until(10000, async () => {
            const count = await join(s, roomName);

            await leave(s, roomName);

            return count === n + 1;

        }, `${n} people in ${roomName}`);

        await s.client.close();
    }
}


async function rooms(redis) {
    const [a, b, c] = await hosts(redis, location, 'a', 'b', 'c');

    await test('one count of all hosts, and each arrival is told', async () => {
        const room = unique('room');
        const anna = await user(a, unique('anna'));

        is(await join(anna, room), 1, 'the first');

        const bob = await user(b, unique('bob'));

        is(await join(bob, room), 2, 'the second, at another host');
        isDeeply(await anna.one('user:joined'),
                 { roomName: room, userId: bob.user }, 'told');

        const nobody = await guest(c);

        is(await join(nobody, room), 3, 'a third host');

        for (const s of [anna, bob]) {
            isDeeply(await s.one('user:joined'),
                     { roomName: room, userId: null }, 'an anonymous one');
        }

        await leave(nobody, room);

        for (const s of [anna, bob]) {
            isDeeply(await s.one('user:left'),
                     { roomName: room, userId: null }, 'it leaves');
        }

        await bob.client.close();
        isDeeply(await anna.one('user:left'),
                 { roomName: room, userId: bob.user }, 'he closes');
    });

    await test('a user on two hosts comes once and leaves once', async () => {
        const room = unique('room');
        const anna = await user(a, unique('anna'));
        const id = unique('bob');

        await join(anna, room);

        const one = await user(b, id);
        const two = await user(c, id);

        is(await join(one, room), 2, 'with one');
        await anna.one('user:joined');
        is(await join(two, room), 2, 'with two');
        await leave(one, room);
        await sleep(QUIET);
        is(people.got(anna, 'user:joined').length, 1, 'no second arrival');
        is(people.got(anna, 'user:left').length, 0, 'still there');
        await leave(two, room);
        isDeeply(await anna.one('user:left'), { roomName: room, userId: id },
                 'gone');
    });

    await test('a dm of two, whichever hosts they are at', async () => {
        const room = unique('pair');
        const anna = await user(a, unique('anna'));
        const bob = await user(b, unique('bob'));
        const carol = await user(c, unique('carol'));

        is(await join(anna, room), 1, 'one');
        is(await join(bob, room), 2, 'two');
        await refused(carol, 'ROOM_ACCESS_DENIED', 'room:join',
                      { roomName: room });
        await leave(bob, room);
        await anna.one('user:left');
        is(await join(carol, room), 2, 'instead of the other');
    });

    await test('who types, over all hosts', async () => {
        const room = unique('room');
        const anna = await user(a, unique('anna'));
        const bob = await user(b, unique('bob'));
        const carol = await user(c, unique('carol'));

        for (const s of [anna, bob, carol]) {
            await join(s, room);
        }

        await done(anna, 'typing:start', { roomName: room });
        isDeeply(await carol.one('typing:event'),
                 { roomName: room, users: [anna.user] }, 'one');
        await done(bob, 'typing:start', { roomName: room });
        isDeeply(await carol.one('typing:event'),
                 { roomName: room, users: [anna.user, bob.user] }, 'two');
        await done(anna, 'typing:stop', { roomName: room });
        isDeeply(await carol.one('typing:event'),
                 { roomName: room, users: [bob.user] }, 'one of them stops');
        isDeeply(await carol.one('typing:event'),
                 { roomName: room, users: [] }, 'the other one is due');
    });

    await test('presence, over all hosts', async () => {
        const anna = await user(a, unique('anna'));
        const id = unique('bob');
        const bob = await user(b, id);

        const seen = async () => {
            for ( ;; ) {
                const e = await anna.one('presence:changed');

                if (e.userId === id) {
                    return e;
                }
            }
        };

        isDeeply(await seen(), { userId: id, status: 'online' }, 'online');

        await done(bob, 'presence:update',
                   { status: 'busy', customStatus: { text: 'Lunch' } });
        isDeeply(await seen(), { userId: id, status: 'busy',
                                 customStatus: { text: 'Lunch' } }, 'busy');

        const again = await user(c, id);

        await bob.client.close();
        await sleep(QUIET);
        isDeeply(await done(anna, 'presence:request', { userId: id }),
                 { userId: id, status: 'busy',
                   customStatus: { text: 'Lunch' } }, 'still there');
        await seen();
        await again.client.close();
        isDeeply(await seen(), { userId: id, status: 'offline',
                                 customStatus: { text: 'Lunch' } }, 'gone');
    });

    await stop(a, b, c);
}


async function vanishing(redis) {
    const [a, b, c] = await hosts(redis, location, 'd', 'e', 'f');

    await test('a host vanishes: its users are gone, once', async () => {
        const room = unique('room');
        const anna = await user(a, unique('anna'));
        const bob = await user(b, unique('bob'));
        const carol = await user(c, unique('carol'));
        const nobody = await guest(c);

        for (const s of [anna, bob, carol, nobody]) {
            await join(s, room);
        }

        await c.vanish();

        for (const s of [anna, bob]) {
            await until(VANISHED, () =>
                people.got(s, 'user:left').length === 2, 'two have left');
            isDeeply(people.got(s, 'user:left').map((e) => e.userId).sort(),
                     [carol.user, null].sort(), 'who has left');
            await until(10000, () => people.statuses(s, carol.user)
                .filter((status) => status === 'offline').length === 1,
                        'offline');
        }

        await sleep(QUIET);
        is(people.got(anna, 'user:left').length, 2, 'not twice');
        await counts([a, b], room, 2);
    }, { timeout: 60000 });

    await test('a linker is killed: nothing is lost', async () => {
        const room = unique('room');
        const anna = await user(a, unique('anna'));

        await join(anna, room);

        const { linker } = (await b.metrics()).redis;
        const list = [];

        for (let i = 0; i < 20; i++) {
            list.push(await user(b, unique('bob')));
        }

        const ending = b.killWorker(linker);

        for (const s of list) {
            s.ask('room:join', { roomName: room }).catch(() => {});
        }

        await ending;
        await until(20000, async () => {
            const { redis: figures } = await b.metrics();

            return figures.connected && figures.linker !== linker;

        }, 'another linker');

        const here = new Set();

        await until(20000, async () => {
            const dave = await user(b, unique('dave'));
            const n = await join(dave, room);

            await leave(dave, room);
            await dave.client.close();

            here.clear();

            for (const e of people.got(anna, 'user:joined')) {
                here.add(e.userId);
            }

            for (const e of people.got(anna, 'user:left')) {
                here.delete(e.userId);
            }

            here.delete(dave.user);

            return n === here.size + 2;

        }, () => `as many as were told: ${here.size}`);

        await counts([a, b], room, here.size + 1);
    }, { timeout: 60000 });

    await test('a host quits: its users leave, once', async () => {
        const room = unique('room');
        const anna = await user(a, unique('anna'));
        const bob = await user(b, unique('bob'));

        await join(anna, room);
        await join(bob, room);
        await b.stop();
        await until(VANISHED, () =>
            people.got(anna, 'user:left').length === 1, 'left');
        await sleep(QUIET);
        is(people.got(anna, 'user:left').length, 1, 'once');
        await counts([a], room, 1);
    }, { timeout: 60000 });

    await stop(a, c);
}


async function outage() {
    const redis = await redisServer.start();
    const [a, b] = await hosts(redis, location, 'g', 'h');

    await test('Redis goes, and is back without what it knew', async () => {
        const room = unique('room');
        const anna = await user(a, unique('anna'));
        const bob = await user(b, unique('bob'));

        await join(anna, room);
        is(await join(bob, room), 2, 'both');

        await redis.kill('SIGKILL');

        const carol = await user(a, unique('carol'));

        await join(carol, room);
        await until(10000, () => people.got(anna, 'user:joined')
            .some((e) => e.userId === carol.user), 'told here');

        await redis.restart();

        await until(20000, () => people.got(bob, 'user:joined')
            .some((e) => e.userId === carol.user), 'told there');
        await counts([a, b], room, 3);
        is(people.got(anna, 'user:joined')
            .filter((e) => e.userId === carol.user).length, 1, 'once');
    }, { timeout: 60000 });

    await stop(a, b);
    await redis.stop();
}


async function main() {
    const redis = await redisServer.start();

    await rooms(redis);
    await vanishing(redis);
    await outage();

    await redis.stop();
}


tap.run(main);
