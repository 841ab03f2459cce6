#!/usr/bin/env node
'use strict';

/*
 * How much a user may say, and how often an address may connect, over all
 * hosts: each counts for itself, and hears a moment later what all have.
 */

const eio = require('../lib/eio');
const { hosts } = require('../lib/hosts');
const people = require('../lib/people');
const redisServer = require('../lib/redis');
const tap = require('../lib/tap');

const { guest, join, unique, user } = people;
const { is, ok, test, until } = tap;

/* until all hosts have heard of what one did, ms */
const HEARD = 15000;

const REALIP = `set_real_ip_from 127.0.0.1; real_ip_header X-Forwarded-For;`;


function location(where, ...limits) {
    const names = ['messages', 'room', 'connections', 'events'];

    return `location ${where} { realtime on; ${people.OPEN} ${REALIP}
        ${limits.map((limit, i) => {
            return `realtime_limit_${names[i]} ${limit || 'off'};`;
        }).join('\n')} }\n`;
}

const LOCATIONS = [
    location('/user/', '20 1h', '', '', ''),
    location('/room/', '', '6 1h', '', ''),
    location('/block/', '3 1h block=2h', '', '', ''),
    location('/many/', '2000 1h', '', '', ''),
    location('/connections/', '', '', '6 1h', ''),
    location('/events/', '', '', '', '8 1h')
].join('');


function say(s, roomName) {
    return s.ask('message:send', { roomName, content: 'x' });
}


/* how many of n that are said one by one are taken */
async function says(s, roomName, n) {
    let taken = 0;

    for (let i = 0; i < n; i++) {
        taken += (await say(s, roomName)).success ? 1 : 0;
    }

    return taken;
}


/*
 * Says something until it is refused: how often it was not.  It is one word
 * at a time, so that others are heard of in between.
 */
async function most(s, roomName) {
    let taken = 0;

    await until(HEARD, async () => {
        const { success, error } = await say(s, roomName);

        taken += success ? 1 : 0;
        is(success || error.code, success || 'RATE_LIMIT_EXCEEDED', 'code');
        await tap.sleep(250);

        return !success;

    }, 'too many');

    return taken;
}


/* a value of Redis, when it is so */
function stored(redis, key, value) {
    return until(HEARD, async () => await redis.command('GET', key) === value,
                 `${key} is ${value}`);
}


/* a user in a room, at each of the hosts */
async function pair(list, path, roomName = unique('room')) {
    const id = unique('anna');
    const sockets = [];

    for (const nginx of list) {
        const s = await user(nginx, id, { path });

        await join(s, roomName);
        sockets.push(s);
    }

    return [id, roomName, ...sockets];
}


async function messages(redis, a, b) {
    await test('messages of a user', async () => {
        const [id, roomName, one, two] = await pair([a, b], '/user/');

        is(await says(one, roomName, 10), 10, 'here');
        is(await says(two, roomName, 10), 10, 'there');
        await stored(redis, `rl:messages:${id}`, '20');

        const more = await most(one, roomName) + await most(two, roomName);

        ok(more <= 10, `${more} more`);

        const error = (await say(two, roomName)).error;

        ok(error.retryAfter > 3000, `retryAfter: ${error.retryAfter}`);

        /* nobody else is to blame */

        const [, , bob] = await pair([a], '/user/', roomName);

        is(await says(bob, roomName, 5), 5, 'another one');
    }, { timeout: 60000 });

    await test('messages in a room', async () => {
        const [id, roomName, one, two] = await pair([a, b], '/room/');
        const other = unique('room');

        is(await says(one, roomName, 5), 5, 'here');
        is(await says(two, roomName, 1), 1, 'there');
        await stored(redis, `rl:room:${roomName}:${id}`, '6');
        ok(await most(two, roomName) <= 4, 'no more there');

        /* who has said nothing meanwhile hears of it when it does */

        ok(await most(one, roomName) <= 1, 'no more here');

        await join(two, other);
        is(await says(two, other, 6), 6, 'another room');
    }, { timeout: 60000 });

    await test('a block', async () => {
        const [id, roomName, one, two] = await pair([a, b], '/block/');

        is(await says(one, roomName, 5), 3, 'here');
        await stored(redis, `rl:messages:${id}`, 'blocked');

        const more = await most(two, roomName);
        const { retryAfter } = (await say(two, roomName)).error;

        ok(more <= 3, `${more} there`);
        ok(retryAfter > 3600, `until the block ends: ${retryAfter}`);
    }, { timeout: 60000 });

    await test('events of every kind', async () => {
        const [id, , one, two] = await pair([a, b], '/events/');

        for (let i = 0; i < 3; i++) {
            is((await one.ask('ping')).success, true, 'here');
            is((await two.ask('ping')).success, true, 'there');
        }

        await stored(redis, `rl:events:${id}`, '8');
        await until(HEARD, async () => {
            const reply = [await one.ask('ping'), await two.ask('ping')];

            return reply.every((r) => !r.success);

        }, 'too many');
    }, { timeout: 60000 });

    await test('who has no name counts where it is', async () => {
        const roomName = unique('room');
        const s = await guest(a, { path: '/user/' });

        await join(s, roomName);
        is(await says(s, roomName, 22), 20, 'taken');
    }, { timeout: 60000 });

    await test('calls are far fewer than messages', async () => {
        const [id, roomName, one] = await pair([a], '/many/');
        const before = await calls(redis);

        for (let i = 0; i < 10; i++) {
            await Promise.all(Array.from({ length: 100 },
                                         () => say(one, roomName)));
        }

        await stored(redis, `rl:messages:${id}`, '1000');

        const n = await calls(redis) - before;

        ok(n < 500, `${n} calls`);
    }, { timeout: 60000 });
}


/* of scripts, whoever made them */
async function calls(redis) {
    const info = String(await redis.command('INFO', 'commandstats'));

    return Number(/cmdstat_evalsha:calls=(\d+)/.exec(info)[1]);
}


async function addresses(redis, a, b) {
    const connects = async ({ port }, address) => {
        const target = { port, path: '/connections/' };
        const headers = { 'X-Forwarded-For': address };

        return (await new eio.Polling(target, { headers }).get()).status;
    };

    const all = async (list, key) => {
        let n = 0;

        for (const [nginx, address] of list) {
            is(await connects(nginx, address), 200, `status of ${n++}`);
        }

        await stored(redis, `rl:connections:${key}`, String(n));

        for (const nginx of [a, b]) {
            await until(HEARD, async () => {
                return await connects(nginx, list[0][1]) === 429;
            }, 'too many');
        }
    };

    await test('connections of an address', async () => {
        const at = '192.0.2.7';

        await all([[a, at], [b, at], [a, at], [b, at], [a, at], [b, at]], at);
        is(await connects(a, '192.0.2.8'), 200, 'another address');
    }, { timeout: 60000 });

    await test('connections of a network of IPv6', async () => {
        await all([1, 2, 3].map((i) => [a, `2001:db8::${i}`])
                  .concat([1, 2, 3].map((i) => [b, `2001:db8::ff:${i}`])),
                  '2001:db8::/64');
        is(await connects(b, '2001:db8:0:1::1'), 200, 'another network');
    }, { timeout: 60000 });
}


async function outage(redis, a, b) {
    await test('Redis goes: each host counts for itself', async () => {
        const [, roomName, one, two] = await pair([a, b], '/user/');

        await redis.kill('SIGKILL');
        is(await says(one, roomName, 25), 20, 'here');
        is(await says(two, roomName, 25), 20, 'there');
    }, { timeout: 60000 });

    await test('and is back: hosts count together again', async () => {
        await redis.restart();

        for (const nginx of [a, b]) {
            await until(20000, async () => {
                return (await nginx.metrics()).redis.connected;
            }, 'a link');
        }

        /* what is counted before a host has written all is its own matter */

        await until(30000, async () => {
            const [id, roomName, one] = await pair([a], '/user/');
            const [, , two] = await pair([b], '/user/', roomName);

            await says(one, roomName, 2);
            await says(two, roomName, 2);
            await tap.sleep(500);

            return await redis.command('GET', `rl:messages:${id}`) === '2'
                && await redis.command('GET', `rl:messages:${two.user}`)
                   === '2';

        }, 'both are counted');
    }, { timeout: 60000 });
}


async function main() {
    const redis = await redisServer.start();
    const [a, b] = await hosts(redis, LOCATIONS, 'a', 'b');

    await messages(redis, a, b);
    await addresses(redis, a, b);
    await outage(redis, a, b);

    await a.stop();
    await b.stop();
    await redis.stop();
}


tap.run(main);
