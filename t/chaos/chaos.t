#!/usr/bin/env node
'use strict';

/*
 * Everything that can break a connection, all at once: nginx is reloaded,
 * workers are killed or hang, connections are reset, fall silent, are half
 * open, nobody reads from them, or they are closed and opened over another
 * transport.  Everybody comes back, and nothing is lost, doubled or out of
 * order; nobody hears of those who came back, and once of those who did not.
 *
 * REALTIME_SECONDS   how long the storm goes on, with a thousand clients; a
 *                    short one with a few unless given
 * REALTIME_SEED      a number: the same people do the same again
 */

const util = require('node:util');
const { reference } = require('../lib/fixture');
const { SECRET } = require('../lib/tokens');
const server = require('../lib/server');
const tap = require('../lib/tap');
const { all, start } = require('./crews');
const gossip = require('./gossip');
const { Plan } = require('./plan');
const { Random } = require('../lib/random');
const { Tally } = require('./tally');

const { diag, is, isDeeply, ok, sleep, test } = tap;

const SEED = Number(process.env.REALTIME_SEED || Date.now() % 1000000);
const LONG = Boolean(process.env.REALTIME_SECONDS);

const SECONDS = Number(process.env.REALTIME_SECONDS || 6);

const SIZE = LONG
    ? { raw: 1000, real: 100, rooms: 50, senders: 20, observers: 4, bulk: 12 }
    : { raw: 120, real: 20, rooms: 12, senders: 10, observers: 2, bulk: 4 };

/* processes of raw clients; those of the real ones have another */
const CREWS = LONG ? 2 : 1;

const WORKERS = 4;

/* s: how long clients may be away; how long old workers send theirs away */
const WINDOW = (LONG ? 30 : 8) * tap.scale;
const DRAIN = LONG ? 2 : 1;

/* ms: between two cuts of the same client, between two blows to the server */
const EACH = LONG ? 20000 : 8000;
const PAUSE = LONG ? [300, 1800] : [300, 900];

/* how often which of these; how long a worker hangs, ms */
const BLOWS = { reloads: 4, kills: 4, hangs: 2 };
const HANG = [50, 400];

/* a port of this process's own with little room for what is not read */
const SLOW_PORT = 10000 + (process.pid % 2000) * 10 + 8;

const PATIENCE = 30000;

const LOCATION = `
    listen 127.0.0.1:${SLOW_PORT} sndbuf=16k;

    location /socket.io/ {
        realtime on;
        realtime_allow_anonymous on;
        realtime_jwt_secret "${SECRET}";
        realtime_presence_scope rooms;
        realtime_ping_interval ${1000 * tap.scale}ms;
        realtime_ping_timeout ${1000 * tap.scale}ms;
        realtime_send_buffer 64k;
        realtime_limit_connections off;
        realtime_limit_messages off;
        realtime_limit_room off;
        realtime_drain ${DRAIN}s;
    }
`;


/* a worker that is busy with something else for a while */
async function hang(pid, ms) {
    process.kill(pid, 'SIGSTOP');
    await sleep(ms);
    process.kill(pid, 'SIGCONT');
}


/* one blow; resolves to what it was, or to null if the worker had gone */
async function blow(target, kind, random) {
    const pid = random.pick(target.workerPids());

    try {
        if (kind === 'reloads') {
            target.signal('SIGHUP');

        } else if (kind === 'kills') {
            process.kill(pid, 'SIGKILL');

        } else {
            await hang(pid, random.between(...HANG));
        }

    } catch (e) {
        is(e.code, 'ESRCH', 'why it could not be done');

        return null;
    }

    return kind;
}


/* resolves to how many blows there were of each kind */
async function storm(target, random) {
    const end = Date.now() + SECONDS * 1000;
    const done = { reloads: 0, kills: 0, hangs: 0 };

    await sleep(500);

    while (Date.now() < end) {
        const never = Object.keys(done).find((kind) => !done[kind]);
        const kind = await blow(target, never || random.weighted(BLOWS),
                                random);

        if (kind) {
            done[kind]++;
        }

        await sleep(random.between(...PAUSE));
    }

    await tap.until(PATIENCE, () => target.workerPids().length === WORKERS,
                    'as many workers as before');

    return done;
}


/* how many sessions, rooms, memberships and users "people" are */
function census(people) {
    const users = people.map((p) => p.userId).filter((u) => u !== null);

    return {
        sessions: people.length, away: 0, connections: people.length,
        sockets: people.length, workers: people.length,
        rooms: new Set(people.flatMap((p) => p.rooms)).size,
        memberships: people.reduce((n, p) => n + p.rooms.length, 0),
        users: new Set(users).size
    };
}


function counts(m) {
    return {
        sessions: m.sessions.total, away: m.sessions.away,
        connections: m.connections.total, sockets: m.sockets.total,
        workers: m.workers.reduce((sum, w) => sum + w.sessions, 0),
        rooms: m.rooms.total, memberships: m.rooms.memberships,
        users: m.users.total
    };
}


/* "people" are there and nobody else, nor is anybody away; the figures then */
async function present(target, people) {
    const expected = census(people);
    let m;

    await tap.until((WINDOW * 1000 + PATIENCE) / tap.scale, async () => {
        m = await target.metrics();

        return util.isDeepStrictEqual(counts(m), expected);

    }, () => `counts: ${util.inspect(counts(m))}, not ${
        util.inspect(expected)}`);

    return m;
}


function summary(tally, verdict, done, { totals, zone }) {
    const gaps = tally.gaps();
    const at = (part) => (gaps[Math.floor(gaps.length * part)] || [0])[0];
    const first = (kind) => gaps.find((gap) => gap[1] === kind)[0];

    const longest = [...new Set(gaps.map((gap) => gap[1]))]
        .map((kind) => `${kind} ${first(kind)}`);

    diag(`seed ${SEED}, ${tally.people.length} clients, ${SECONDS} s`);
    diag(`cuts: ${Object.entries(tally.cuts).map((c) => c.join(' '))
                        .join(', ')}`);
    diag(`reloads ${done.reloads}, kills ${done.kills}, hangs ${done.hangs}, `
         + `slow clients closed ${totals.slowClients}, zone repairs `
         + `${zone.repairs}`);
    diag(`recoveries ${tally.sum('recoveries')}, fresh sessions `
         + `${tally.sum('fresh')}; the server says ${totals.recovered}, `
         + `${totals.notRecovered}`);
    diag(`messages ${tally.messages.size}, deliveries ${verdict.deliveries}, `
         + `sent again ${tally.sum('resent')}`);
    diag(`lost ${verdict.lost}, duplicated ${verdict.duplicated}, out of order `
         + `${verdict.disordered}, gaps that were told ${verdict.gaps}`);
    diag(`twice by the client itself: ${tally.sum('again')}`);
    diag(`longest gap ${at(0)} ms, of one in a hundred ${at(0.01)} ms, of `
         + `every other ${at(0.5)} ms; after ${longest.join(', ')}`);
}


/* who was told what it should not, or not told what it should */
function rumours(tally, gone) {
    const anew = tally.anew();

    return tally.people.flatMap((p) => {
        const { rooms, leaver, userId } = tally.plan.people[p.id];

        return leaver || p.fresh || anew.has(userId) ? []
            : gossip.wrong(p.gossip, gone, rooms, anew)
                    .map((text) => `client ${p.id}: ${text}`);
    });
}


/* the storm, and the calm after it; resolves to what is known then */
async function weather(target, crews, plan) {
    const stay = plan.people.filter((p) => !p.leaver);
    const long = { timeout: SECONDS * 1000 + PATIENCE * 2 };
    const known = {};

    await test(`${SECONDS} s of storm`, async () => {
        await all(crews, 'storm', { seconds: SECONDS, each: EACH * tap.scale });
        known.done = await storm(target, new Random(SEED));
        ok(known.done.kills && known.done.reloads, 'kills and reloads');
    }, long);

    await test('everybody is back', async () => {
        isDeeply(await all(crews, 'calm', { ms: PATIENCE }), [], 'who is not');
    }, { timeout: PATIENCE * 2 });

    await test('who is not there any more is counted out', async () => {
        await present(target, stay);
    }, { timeout: WINDOW * 1000 + PATIENCE * 2 });

    await test('everybody hears the last words', async () => {
        const last = await all(crews, 'words', { ms: 5000 });

        isDeeply(await all(crews, 'heard', { ms: PATIENCE, last }), [],
                 'who does not');
    }, { timeout: PATIENCE * 2 });

    known.tally = new Tally(plan, await all(crews, 'report'));
    known.verdict = known.tally.verdict();
    summary(known.tally, known.verdict, known.done, await target.metrics());

    return known;
}


async function verdicts({ tally, verdict }, plan) {
    const gone = plan.people.filter((p) => p.leaver);

    await test('nothing is lost, doubled or out of order', async () => {
        isDeeply(verdict.faults, [], 'faults');
        isDeeply(tally.wrong, [], 'contents');
        ok(verdict.deliveries > tally.messages.size, 'something was heard');
    });

    await test('nobody had to begin anew', async () => {
        is(tally.sum('fresh'), 0, 'fresh sessions');
    });

    await test('nobody was refused anything', async () => {
        isDeeply(tally.people.flatMap((p) => p.troubles).slice(0, 20), []);
    });

    await test('who came back was never away, who did not left once',
        async () => {
            isDeeply(rumours(tally, gone).slice(0, 20), [], 'rumours');
        });
}


/* all go but the observers, and then these */
async function farewell(target, crews, plan, before) {
    const observers = plan.people.filter((p) => p.observer);
    const gone = plan.people.filter((p) => !p.observer && !p.leaver);
    const long = { timeout: WINDOW * 1000 + PATIENCE * 3 };

    await test('all go, and each is told of once', async () => {
        await all(crews, 'forget', {});
        await all(crews, 'go', {});
        await present(target, observers);

        const faults = async () => (await all(crews, 'gossip')).flatMap((o) => {
            return gossip.wrong(o.gossip, gone, plan.people[o.id].rooms)
                         .map((text) => `observer ${o.id}: ${text}`);
        });

        await tap.until(PATIENCE, async () => !(await faults()).length,
                        'the observers are told').catch(() => {});

        /* nor are they told again */

        await sleep(1000);
        isDeeply((await faults()).slice(0, 20), [], 'what they were told');
    }, long);

    await test('and nothing is left', async () => {
        await all(crews, 'end');

        const m = await present(target, []);

        is(m.totals.lagged, 0, 'lagged');
        diag(`pages of the zone: ${before.zone.pagesUsed} before, `
             + `${m.zone.pagesUsed} now`);
        ok(m.zone.pagesUsed <= before.zone.pagesUsed + 2, 'pages of the zone');
    }, long);
}


if (reference) {
    tap.skipAll('nginx only');
}

tap.run(async () => {
    const target = await server.start({
        workers: WORKERS, path: '/socket.io/', server: LOCATION,
        http: 'realtime_zone realtime 128m;', recovery: `${WINDOW}s`,
        name: 'chaos'
    });

    target.allowed.push(...server.KILLED);

    const plan = new Plan({ ...SIZE, seed: SEED });
    const before = await target.metrics();
    let crews;

    diag(`seed ${SEED}`);

    await test(`${plan.people.length} clients arrive`, async () => {
        crews = await tap.keep(() => start(plan, {
            crews: CREWS, seed: SEED,
            where: (p) => ({
                path: target.path, port: p.slow ? SLOW_PORT : target.port
            })
        }));

        isDeeply(await all(crews, 'open', { ms: PATIENCE }), [], 'who did not');
        await present(target, plan.people);
        await sleep(1500);
    }, { timeout: PATIENCE * 3 });

    await verdicts(await weather(target, crews, plan), plan);
    await farewell(target, crews, plan, before);
    await target.stop();
}, { timeout: (SECONDS + 600) * 1000 });
