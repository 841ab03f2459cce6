#!/usr/bin/env node
'use strict';

/*
 * Hosts, and their Redis, each with a network of its own, and links between
 * them that are cut, or silent, or bad.
 *
 * REALTIME_SEED   a number: the same people do the same again
 */

const { reference } = require('../lib/fixture');
const cluster = require('../lib/hosts');
const { Network, obstacle } = require('../lib/netns');
const redisServer = require('../lib/redis');
const tap = require('../lib/tap');
const { Fleet } = require('./fleet');
const { SEED, outage } = require('./outage');

const { diag, skip, sleep } = tap;

const HOSTS = 3;

/* how long a link is away, ms: less and more than it takes to give it up */
const SHORT = 3000;
const LONG = 14000;


/* a note of how long it takes that host to say that it has no link */
async function noticed(host, from) {
    const end = from + LONG;

    while (Date.now() < end) {
        if (!(await cluster.figures(host)).connected) {
            diag(`a host notices it after ${Date.now() - from} ms`);
            return;
        }

        await sleep(100);
    }

    diag(`a host does not notice it within ${LONG} ms`);
}


async function cuts(network, fleet) {
    await outage('one link is cut', fleet, async () => {
        await network.cut(0);
        await sleep(SHORT);
        await network.mend(0);
    });

    await outage('all links are cut', fleet, async () => {
        await Promise.all(fleet.hosts.map((_, i) => network.cut(i)));
        await sleep(SHORT);
        await Promise.all(fleet.hosts.map((_, i) => network.mend(i)));
    });

    await outage('one is silent for a moment', fleet, async () => {
        await network.silence(1);
        await sleep(SHORT);
        await network.speak(1);
    });

    await outage('one is silent for long', fleet, async () => {
        const from = Date.now();

        await network.silence(1);
        await noticed(fleet.hosts[1], from);
        await sleep(Math.max(0, from + LONG - Date.now()));
        await network.speak(1);
    });
}


async function losses(network, fleet) {
    const name = 'one link loses every fifth packet';

    if (!await network.lose(2, 20)) {
        skip(name, 'this kernel has no netem');
        return;
    }

    await outage(name, fleet, async () => {
        await sleep(SHORT);
        await network.lose(2, 0);
    });
}


if (reference) {
    tap.skipAll('nginx only');
}

const why = obstacle();

if (why) {
    tap.skipAll(why);
}

tap.run(async () => {
    const network = await Network.start(HOSTS);

    const redis = await redisServer.start({
        netns: network.middle,
        conf: { bind: '0.0.0.0', 'protected-mode': 'no' }
    });

    const fleet = await Fleet.start(redis, HOSTS, (i) => ({
        netns: network.outside(i), reuseport: false,
        url: redis.url({ host: network.address(i) })
    }));

    diag(`seed ${SEED}`);

    await cuts(network, fleet);
    await losses(network, fleet);
});
