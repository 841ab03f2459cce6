#!/usr/bin/env node
'use strict';

/*
 * Three hosts with one Redis, and many clients who talk, come into rooms and
 * leave them: everybody who is in a room has every message of it, once, and
 * those of each sender in order; and so has everybody at the other hosts.
 *
 * REALTIME_CLIENTS   so many clients, for a minute; a few unless given
 * REALTIME_SECONDS   how long they talk
 * REALTIME_SEED      a number: the same people do the same again
 */

const { reference } = require('../lib/fixture');
const redisServer = require('../lib/redis');
const tap = require('../lib/tap');
const { Fleet } = require('./fleet');
const { Traffic, calm, whole } = require('./traffic');

const { diag, is, isDeeply, sleep, test } = tap;

const SEED = Number(process.env.REALTIME_SEED || Date.now() % 1000000);
const CLIENTS = Number(process.env.REALTIME_CLIENTS || 150);
const LONG = CLIENTS >= 1000;
const SECONDS = Number(process.env.REALTIME_SECONDS || (LONG ? 60 : 4));

const HOSTS = 3;
const PATIENCE = 120000;

/* everybody is in three rooms, so that 60 are in each of many, of each host
   20; ms between two messages of a sender */
const REAL = Math.ceil(CLIENTS / 20);

const SIZE = {
    raw: CLIENTS - REAL, real: REAL,
    rooms: Math.max(9, Math.floor(CLIENTS / 20)),
    senders: LONG ? 50 : 12, every: LONG ? 700 : 200,
    movers: Math.floor(CLIENTS / 10)
};

/* clients of one process */
const CROWD = 1000;


function summary(tally, verdict, { published, received }) {
    diag(`seed ${SEED}, ${HOSTS} hosts, ${tally.people.length} clients, `
         + `${SECONDS} s`);
    diag(`messages ${tally.messages.size}, deliveries ${verdict.deliveries}, `
         + `lost ${verdict.lost + verdict.unheard}, doubled `
         + `${verdict.duplicated}, out of order ${verdict.disordered}`);
    diag(`broadcasts of the hosts ${published}, received ${received}`);
}


if (reference) {
    tap.skipAll('nginx only');
}

tap.run(async () => {
    const redis = await redisServer.start();
    const fleet = await Fleet.start(redis, HOSTS);
    let traffic, tally;

    diag(`seed ${SEED}`);

    await test(`${CLIENTS} clients arrive at ${HOSTS} hosts`, async () => {
        traffic = await tap.keep(() => Traffic.start(fleet, {
            size: SIZE, seed: SEED, crews: Math.ceil(CLIENTS / CROWD)
        }));
    }, { timeout: PATIENCE });

    await test('all talk, some move, everybody hears the last', async () => {
        tally = await traffic.flow(() => sleep(SECONDS * 1000));
    }, { timeout: SECONDS * 1000 + PATIENCE });

    await test('everything is heard everywhere, once, in order', async () => {
        const verdict = tally.verdict();

        summary(tally, verdict, await fleet.sums());
        whole(tally, verdict);
        is(verdict.unheard, 0, 'not heard at another host');
    }, { timeout: PATIENCE });

    await test('nobody was disconnected or refused anything', async () => {
        calm(tally);
    });

    await test('and the hosts say the same', async () => {
        const { lost, missed, refused } = await fleet.sums();

        isDeeply({ lost, missed, refused }, { lost: 0, missed: 0, refused: 0 });
    });

    await traffic.end();
    await sleep(1000);
}, { timeout: (SECONDS + 600) * 1000 });
