#!/usr/bin/env node
'use strict';

/*
 * The database of several hosts: a user is a member of a room, and online, as
 * long as at any of them.
 */

const people = require('../lib/people');
const postgres = require('../lib/postgres');
const redisServer = require('../lib/redis');
const server = require('../lib/server');
const tap = require('../lib/tap');

const { done, join, leave, unique, user } = people;
const { is, isDeeply, test, until } = tap;

/* until it is written, ms */
const WRITTEN = 20000;

/* until a host that has vanished is purged, ms */
const VANISHED = 40000;

const location = `
    location /socket.io/ {
        realtime on;
        ${people.OPEN}
        realtime_limit_connections off;
    }`;


async function host(redis, pg, name) {
    const nginx = await server.start({
        workers: 2, reuseport: true, locations: location, name,
        http: `realtime_redis ${redis.url()};
               realtime_postgres ${pg.url}; realtime_host ${name};`
    });

    await until(10000, async () => {
        return (await nginx.metrics()).redis.connected;
    }, 'a link');

    return nginx;
}


/* who wrote the memberships of a user that have not ended */
async function members(pg, roomName, id) {
    const rows = await pg.query(`SELECT m.host
        FROM realtime_room_members AS m JOIN realtime_rooms AS r
        ON r.id = m.room_id WHERE r.name = $1 AND m.user_id = $2
        AND m.left_at IS NULL`, [roomName, id]);

    return rows.map((row) => row.host);
}


function written(pg, roomName, id, hosts, ms = WRITTEN) {
    let last;

    return until(ms, async () => {
        last = await members(pg, roomName, id);

        return JSON.stringify(last) === JSON.stringify(hosts);

    }, () => `${hosts} of ${roomName}: ${last}`);
}


function presence(pg, id, status, ms = WRITTEN) {
    return until(ms, async () => {
        return await pg.value(`SELECT status FROM realtime_presence
                               WHERE user_id = $1`, [id]) === status;

    }, `${id} is ${status}`);
}


/* all that was said before is in the database, as this is */
async function settled(pg, ...list) {
    for (const nginx of list) {
        const [roomName, id] = [unique('mark'), unique('mark')];
        const s = await user(nginx, id);

        await join(s, roomName);
        await written(pg, roomName, id, [nginx.opts.name]);
        await s.client.close();
    }
}


async function stays(pg, a, b) {
    await test('at two hosts: a member until gone from both', async () => {
        for (const [first, second] of [[a, b], [b, a]]) {
            const [roomName, id] = [unique('room'), unique('anna')];
            const one = await user(first, id);
            const two = await user(second, id);

            await join(one, roomName);
            await written(pg, roomName, id, [first.opts.name]);
            await join(two, roomName);
            await written(pg, roomName, id, [second.opts.name]);

            await leave(one, roomName);
            await settled(pg, first, second);
            isDeeply(await members(pg, roomName, id), [second.opts.name],
                     'still there');
            await leave(two, roomName);
            await written(pg, roomName, id, []);
        }
    }, { timeout: 90000 });

    await test('the last to leave ends what another host wrote', async () => {
        const [roomName, id] = [unique('room'), unique('anna')];
        const one = await user(a, id);
        const two = await user(b, id);

        await join(one, roomName);
        await written(pg, roomName, id, ['a']);
        await join(two, roomName);
        await written(pg, roomName, id, ['b']);
        await leave(two, roomName);
        await settled(pg, a, b);
        isDeeply(await members(pg, roomName, id), ['b'], 'still there');
        await leave(one, roomName);
        await written(pg, roomName, id, []);
    }, { timeout: 90000 });

    await test('in and out, here and there', async () => {
        const [roomName, id] = [unique('room'), unique('anna')];
        const one = await user(a, id);
        const two = await user(b, id);

        for (let i = 0; i < 10; i++) {
            await join(one, roomName);
            await leave(one, roomName);
            await join(two, roomName);
            await leave(two, roomName);
        }

        await written(pg, roomName, id, []);
        await join(one, roomName);
        await written(pg, roomName, id, ['a']);
        await settled(pg, a, b);
        isDeeply(await members(pg, roomName, id), ['a'], 'there');
    }, { timeout: 90000 });

    await test('a member by an administrator stays one', async () => {
        const [roomName, id] = [unique('room'), unique('anna')];
        const one = await user(a, unique('bob'));

        await join(one, roomName);
        await written(pg, roomName, one.user, ['a']);
        await pg.query(`INSERT INTO realtime_room_members (room_id, user_id)
            SELECT id, $2 FROM realtime_rooms WHERE name = $1`,
                       [roomName, id]);

        const s = await user(b, id);

        await join(s, roomName);
        await leave(s, roomName);
        await settled(pg, a, b);
        isDeeply(await members(pg, roomName, id), [null], 'still');
    }, { timeout: 90000 });

    await test('online until offline everywhere', async () => {
        const id = unique('anna');
        const one = await user(a, id);
        const two = await user(b, id);

        await done(one, 'presence:update', { status: 'busy' });
        await presence(pg, id, 'busy');
        await one.client.close();
        await tap.sleep(3000);
        await settled(pg, a, b);
        is(await pg.value(`SELECT status <> 'offline' FROM realtime_presence
                           WHERE user_id = $1`, [id]), true, 'still there');
        await two.client.close();
        await presence(pg, id, 'offline');
    }, { timeout: 90000 });
}


async function vanishing(redis, pg, a) {
    const c = await host(redis, pg, 'c');

    await test('a host vanishes: who was only there has left', async () => {
        const [roomName, id, other] = [unique('room'), unique('anna'),
                                       unique('bob')];
        const here = await user(a, id);
        const there = await user(c, id);
        const bob = await user(c, other);

        await join(here, roomName);
        await written(pg, roomName, id, ['a']);
        await join(there, roomName);
        await written(pg, roomName, id, ['c']);
        await join(bob, roomName);
        await written(pg, roomName, other, ['c']);

        await c.vanish();
        await written(pg, roomName, other, [], VANISHED);
        await presence(pg, other, 'offline', VANISHED);
        isDeeply(await members(pg, roomName, id), ['c'], 'who is here is in');
        await leave(here, roomName);
        await written(pg, roomName, id, []);
    }, { timeout: 90000 });
}


async function main() {
    const redis = await redisServer.start();
    const pg = await postgres.start();

    await pg.apply();

    const a = await host(redis, pg, 'a');
    const b = await host(redis, pg, 'b');

    await stays(pg, a, b);
    await vanishing(redis, pg, a);

    await a.stop();
    await b.stop();
    await redis.stop();
    await pg.stop();
}


tap.run(main);
