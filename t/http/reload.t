#!/usr/bin/env node
'use strict';

/*
 * A reload with clients connected, who lose nothing by it: they are sent away
 * one after the other, come back by themselves, and have their sockets again
 * at the new workers.
 *
 * REALTIME_CLIENTS   how many there are in the first two tests: a thousand,
 *                    and a fifth of that over polling, unless given; and then
 *                    they go by the clock
 */

const fs = require('node:fs');
const path = require('node:path');
const { start } = require('../lib/fixture');
const shepherd = require('../lib/flock');
const { required, serious } = require('../lib/recovery');
const nginx = require('../lib/server');
const tap = require('../lib/tap');

const { diag, is, isDeeply, like, ok, sleep, test } = tap;

const {
    CLOSED, Flock, complete, content, silent, told, ways
} = shepherd;

const LONG = Boolean(process.env.REALTIME_CLIENTS);
const CLIENTS = Number(process.env.REALTIME_CLIENTS || 1000);

const WORKERS = 4;

/* seconds */
const DRAIN = LONG ? 10 : 5;

/*
 * How many times the even share may go in one second; how long after the last
 * turn, and how long without service beyond a client's own delay, ms.  When
 * others use the machine as well, nothing is proved but that there are turns.
 */
const CROWD = LONG ? 2 : 3;
const LATE = LONG ? 3000 : 20000;
const GAP = LONG ? 2000 : 20000;

/* a message every so many ms */
const EVERY = LONG ? 500 : 200;

const FEW = 60;

const TIMEOUT = { timeout: 120000 };
const GONE = 60000;

const DIRECTIVES = `
    ${shepherd.DIRECTIVES}
    realtime_max_connections 20000;
    realtime_max_rooms 20000;
`;


function run(opts) {
    return start('chat', {
        workers: WORKERS, reuseport: true, recovery: true, ...opts,
        http: `realtime_zone realtime 64m; ${opts.http || ''}`,
        directives: `${DIRECTIVES} ${opts.directives || ''}`
    });
}


function edit(server, from, to) {
    const file = path.join(server.dir, 'nginx.conf');
    const text = fs.readFileSync(file, 'utf8');

    ok(text.includes(from), `"${from}" in nginx.conf`);
    fs.writeFileSync(file, text.replaceAll(from, to));
}


/* the zone has those who are connected, and nothing of anybody else */
async function settled(server, n) {
    let last;

    await tap.until(30000, async () => {
        const m = await server.metrics();

        last = [m.sessions.total, m.sessions.away, m.sockets.total,
                m.rooms.memberships];

        return String(last) === String([n, 0, n, 2 * n]);

    }, () => `sessions, away, sockets, memberships of ${n}: ${last}`);
}


function ended(pids) {
    return tap.until(GONE, () => !pids.some(nginx.alive), 'old workers end');
}


/* reloads; resolves to the pids of the old workers and to when it was */
async function reload(server) {
    const at = Date.now();

    return { at, old: await server.reload() };
}


/* how many went in each second; the longest time without service */
function figures(people, { at, name }) {
    const breaks = people.flatMap((p) => p.breaks);
    const gaps = breaks.map((b) => b.until - b.at - b.delay);
    const seconds = [];

    breaks.forEach((b) => {
        const i = Math.max(0, Math.floor((b.at - at) / 1000));

        seconds[i] = (seconds[i] || 0) + 1;
    });

    const list = Array.from(seconds, (n) => n || 0);
    const last = Math.max(...breaks.map((b) => b.at)) - at;
    const gap = Math.round(Math.max(...gaps));

    diag(`${name}: went in each second ${list.join(' ')}; the last after`
         + ` ${last} ms; without service beyond the own delay for at most`
         + ` ${gap} ms, mean ${Math.round(mean(gaps))}`);

    return { seconds: list, last, gap };
}


function mean(list) {
    return list.reduce((sum, n) => sum + n, 0) / list.length;
}


async function many(name, { n, hows, how, every }) {
    const server = await run({
        name, directives: `realtime_drain ${DRAIN}s;`
    });

    const flock = await Flock.start(server, { n, hows });
    let reloaded;
    let people;

    await test(`${name}: ${n} clients recover over a reload`, async () => {
        await settled(server, n);
        await flock.talk({ every });
        await sleep(1000);
        reloaded = await reload(server);
        await ended(reloaded.old);

        const last = await flock.hush();

        people = await flock.report({ last });
        complete(people, last);
    }, TIMEOUT);

    await test(`${name}: everybody is told to go, once`, () => {
        isDeeply(ways(people), { [how]: n }, 'ends');
    });

    await test(`${name}: one after the other`, () => {
        const { seconds, last, gap } = figures(people,
                                               { name, at: reloaded.at });

        ok(Math.max(...seconds) <= CROWD * n / DRAIN, `turns: ${seconds}`);
        ok(last < DRAIN * 1000 + LATE, `the last one's: ${last}`);
        ok(gap < GAP, `without service: ${gap}`);
    });

    await test(`${name}: nobody has noticed, nothing is left over`,
        async () => {
            silent(people);
            await settled(server, n);

            const { totals, workers } = await server.metrics();

            is(totals.recovered, n, 'totals.recovered');
            is(totals.notRecovered, 0, 'totals.notRecovered');
            isDeeply(workers.map((w) => w.pid).filter((p) => p).sort(),
                     server.workerPids().sort(), 'workers');
            isDeeply(serious(server), [], 'lines of the error log');
        }, TIMEOUT);

    await flock.leave();
    await server.stop();
}


/* a server with a few, somebody says something all the while */
async function few(name, opts, fn) {
    const server = await run({ name, ...opts });
    const { before = () => {}, n = FEW } = opts;

    await before(server);

    const hows = ['websocket', 'polling', 'upgrade'];
    const flock = await Flock.start(server, { n, hows });

    await test(name, async () => {
        await flock.talk({ every: 50 });
        await fn(server, flock);
        await settled(server, n);
    }, TIMEOUT);

    await flock.leave();
    await server.stop();
}


/* what became of all when the last of the old workers has gone */
async function passed(flock, old) {
    await ended(old);

    const last = await flock.hush();

    return { last, people: await flock.report({ last }) };
}


/* the same of those who may have begun anew: they hear what is said then */
async function replaced(flock, old) {
    await ended(old);
    await flock.report({ last: 0 });
    await sleep(500);

    const last = await flock.hush();

    return { last, people: await flock.report({ last }) };
}


/* nothing is missing, nobody was cut, and all were told to go */
function well(people, last) {
    complete(people, last);
    silent(people);
    told(people);
}


async function turns() {
    await few('no drain: all at once', {
        http: 'realtime_drain 100s;', directives: 'realtime_drain 0;'
    }, async (server, flock) => {
        const { at, old } = await reload(server);
        const { last, people } = await passed(flock, old);

        well(people, last);
        ok(figures(people, { at, name: 'no drain' }).last < LATE, 'at once');
    });

    /* and not only when nginx has lost its patience */

    await few('drain, cut short by worker_shutdown_timeout', {
        main: 'worker_shutdown_timeout 2s;',
        directives: `realtime_drain ${LATE / 1000 + 60}s;`
    }, async (server, flock) => {
        const { at, old } = await reload(server);
        const { last, people } = await passed(flock, old);

        well(people, last);
        ok(figures(people, { at, name: 'cut short' }).last < 2000 + LATE,
           'in time');
    });

    await few('reload: a second one while the first drains', {
        directives: 'realtime_drain 4s;'
    }, async (server, flock) => {
        const first = await reload(server);

        await sleep(1500);

        const second = await reload(server);
        const { last, people } = await passed(
            flock, [...first.old, ...second.old]);

        well(people, last);
        ok(people.some((p) => p.breaks.length > 1), 'two turns');
    });
}


/*
 * Who comes to a server without recovery has no pid and gets no offsets, while
 * others in the same room have both; flock.js looks at every event.
 */
async function switching() {
    await few('reload: recovery is turned off', {
        recovery: '4s', directives: 'realtime_drain 3s;'
    }, async (server, flock) => {
        edit(server, 'realtime_recovery on 4s;', 'realtime_recovery off;');

        const { old } = await reload(server);
        const { last, people } = await replaced(flock, old);

        content(people);
        told(people);
        ok(last > 0, 'messages');
        ok(people.every((p) => p.pieces.length === 2
                               && p.breaks.every((b) => !b.recovered)),
           'fresh sessions');
    });

    await few('reload: recovery is turned on', {
        recovery: false, directives: 'realtime_drain 3s;'
    }, async (server, flock) => {
        edit(server, 'realtime_recovery off;', 'realtime_recovery on 4s;');

        const first = await reload(server);

        await ended(first.old);

        const before = await flock.report({ last: 0 });

        content(before);
        told(before);
        ok(before.every((p) => p.breaks.every((b) => !b.recovered)
                               && p.pieces.length === 2), 'fresh sessions');

        await flock.all('forget');

        const second = await reload(server);
        const { people } = await passed(flock, second.old);

        content(people);
        silent(people);
        told(people);
        ok(people.every((p) => p.breaks.every((b) => b.recovered)
                               && p.pieces.length === 2), 'recovered');
    });
}


/*
 * The new workers have another zone.  Everybody begins anew there; until then
 * they talk to each other in the old one, but for those who poll: their next
 * request comes to a new worker, who does not know them.
 */
async function renewed(server, flock, notice) {
    const from = server.errorLog().length;
    const { old } = await reload(server);
    const { last, people } = await replaced(flock, old);

    like(server.errorLog().slice(from), notice, 'the error log');
    content(people);
    ok(last > 0, 'messages');
    isDeeply(people.filter(({ breaks, pieces }) => {
        return breaks.length !== 1 || breaks[0].recovered
               || pieces.length !== 2 || pieces[0][0] !== 1;
    }), [], 'who has not begun anew');
    is(ways(people)['1001'], FEW * 2 / 3, 'who was told to go');
}


/* what nginx loads from now on, without a reload */
function replace(file) {
    fs.copyFileSync(nginx.MODULE, `${file}.new`);
    fs.renameSync(`${file}.new`, file);
}


/* nginx has loaded a copy of the module */
async function copied(server) {
    const copy = path.join(server.dir, 'copy.so');

    replace(copy);
    edit(server, nginx.MODULE, copy);
    await ended(await server.reload());
}


async function other() {
    await few('reload: another size of the zone', {
        directives: 'realtime_drain 3s;'
    }, async (server, flock) => {
        edit(server, 'realtime_zone realtime 64m;',
             'realtime_zone realtime 48m;');
        await renewed(server, flock, /\[notice\].*its size was changed/);
    });

    /* the dynamic linker knows it by its name */

    await few('reload: the file of the module was replaced', {
        directives: 'realtime_drain 3s;', before: (server) => copied(server)
    }, async (server, flock) => {
        replace(path.join(server.dir, 'copy.so'));

        const { old } = await reload(server);
        const { last, people } = await passed(flock, old);

        well(people, last);
    });

    await few('reload: the module is another file', {
        directives: 'realtime_drain 3s;', before: (server) => copied(server)
    }, async (server, flock) => {
        edit(server, path.join(server.dir, 'copy.so'), nginx.MODULE);
        await renewed(server, flock, /\[notice\].*the module is another file/);
    });
}


required();

tap.run(async () => {
    await many('WebSocket', {
        n: CLIENTS, hows: ['websocket'], how: 1001, every: EVERY
    });

    await many('polling', {
        n: CLIENTS / 5, hows: ['polling'], how: CLOSED,
        every: 2 * EVERY
    });

    await turns();
    await switching();
    await other();
});
