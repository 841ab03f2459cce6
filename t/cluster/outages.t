#!/usr/bin/env node
'use strict';

/*
 * Whatever happens to Redis, to what hosts have to it, or to a host: whoever is
 * at the other hosts, or at the same one as long as it lives, does not notice
 * it among themselves, and soon after it all hear each other again.  What did
 * not come from other hosts was counted.
 *
 * REALTIME_SEED   a number: the same people do the same again
 */

const { reference } = require('../lib/fixture');
const cluster = require('../lib/hosts');
const redisServer = require('../lib/redis');
const tap = require('../lib/tap');
const { Fleet } = require('./fleet');
const { SEED, outage } = require('./outage');

const { diag, group, is, ok, sleep } = tap;

const HOSTS = 3;
/* whom the hosts are for Redis */
const USER = 'hosts';
const PASSWORD = 'secret';


/* the connections that the hosts have, as CLIENT LIST says them */
async function links(redis) {
    const text = await redis.command('CLIENT', 'LIST');

    return text.split('\n').map((line) => Object.fromEntries(
        line.split(' ').map((pair) => pair.split(/=(.*)/s)))
    ).filter(({ user }) => user === USER);
}


async function kill(redis, list) {
    for (const { id } of list) {
        await redis.command('CLIENT', 'KILL', 'ID', id);
    }
}


async function redisAway(redis, fleet) {
    await outage('killed, and begun again, empty', fleet, async () => {
        await redis.halt('SIGKILL');
        await sleep(1500);
        await redis.restart();
    }, { late: true });

    await outage('stopped for ten seconds', fleet, async () => {
        await redis.kill('SIGSTOP');
        await sleep(10000);
        await redis.kill('SIGCONT');
    });

    await outage('CLIENT PAUSE of three seconds', fleet, async () => {
        await redis.command('CLIENT', 'PAUSE', 3000, 'ALL');
        await sleep(3000);
    }, { late: true });
}


async function memory(redis, fleet) {
    await outage('memory is full', fleet, async () => {
        await redis.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
        await redis.command('CONFIG', 'SET', 'maxmemory', 1);
        ok(/^OOM/.test(await redis.command('SET', 'x', 1)), 'it is full');
        await sleep(1500);
        await redis.command('CONFIG', 'SET', 'maxmemory', 0);
    }, { late: true });
}


async function rights(redis, fleet) {
    const acl = (...words) => redis.command('ACL', 'SETUSER', USER, ...words);

    await outage('another password', fleet, async () => {
        await acl('resetpass', '>other');
        await redis.command('CLIENT', 'KILL', 'USER', USER);
        await sleep(1500);
        await acl('resetpass', `>${PASSWORD}`);
    }, { late: true });

    await outage('no channel is allowed', fleet, async () => {
        await acl('resetchannels');
        await sleep(1500);
        await acl('allchannels');
    });
}


async function connections(redis, fleet) {
    const some = async (what) => (await links(redis)).filter((l) => what(l));

    await outage('all links are cut', fleet, async () => {
        await redis.command('CLIENT', 'KILL', 'USER', USER);
    }, { late: true });

    await outage('all publishers are cut', fleet, async () => {
        await kill(redis, await some(({ sub, psub }) => !+sub && !+psub));
    }, { late: true });

    await outage('one subscriber is cut', fleet, async () => {
        const all = await some(({ sub, psub }) => +sub || +psub);

        is(all.length, HOSTS, 'subscribers');
        await kill(redis, [all[0]]);
    });
}


async function workers(redis, fleet) {
    const [host] = fleet.hosts;
    const linker = async () => (await cluster.figures(host)).linker;

    await outage('the linker is killed', fleet, async () => {
        await host.killWorker(await linker());
    }, { struck: [0] });

    await outage('reloads', fleet, async () => {
        for (let i = 0; i < 3; i++) {
            await host.reload();
            await sleep(400);
        }
    }, { struck: [0], late: true });

    await outage('all hosts reload at once', fleet, async () => {
        await Promise.all(fleet.hosts.map((h) => h.reload()));
    }, { struck: [0, 1, 2], late: true });
}


async function host(redis, fleet) {
    await outage('a whole host is killed, and begins again', fleet,
        async () => {
            await fleet.hosts[2].crash();
            await sleep(1500);
            await fleet.hosts[2].revive();
        }, { dead: [2] });
}


/* with a Redis and hosts that nothing has happened to yet */
async function afresh(fn) {
    const redis = await redisServer.start({
        lines: [`user ${USER} on >${PASSWORD} ~* &* +@all`]
    });

    const url = redis.url({ user: USER, password: PASSWORD });
    const fleet = await Fleet.start(redis, HOSTS, () => ({ url }));

    await fn(redis, fleet);
    await fleet.stop();
    await redis.stop();
}


const CAUSES = { redisAway, memory, rights, connections, workers, host };


if (reference) {
    tap.skipAll('nginx only');
}

tap.run(async () => {
    diag(`seed ${SEED}`);

    for (const [name, fn] of Object.entries(CAUSES)) {
        await group(name, () => afresh(fn));
    }
});
