#!/usr/bin/env node
'use strict';

/*
 * A thousand users go at once and come back: what is told of that is bounded,
 * in the end everybody knows everything, and who was back within a second was
 * never away.
 */

const { reference } = require('../lib/fixture');
const { Line } = require('../lib/line');
const { start } = require('../lib/server');
const { SECRET } = require('../lib/tokens');
const tap = require('../lib/tap');

const { is, isDeeply, ok, sleep, test } = tap;

const USERS = 1000;
const ROOMS = 50;
const WATCHERS = 3;

/* every so many have a custom status */
const MOODY = 10;

/* deliveries of presence a second, and at once: hub/presence */
const RATE = 200000;
const BURST = 50000;

const GRACE = 1000;

/* so many connect at a time: no more than the backlog of the listen socket */
const AT_ONCE = 200;

const LOCATIONS = `
    location /socket.io/ {
        add_header X-Worker $pid always;
        realtime on;
        realtime_jwt_secret "${SECRET}";
        realtime_limit_connections off;
        realtime_limit_messages off;
        realtime_limit_room off;
    }
`;

const KILLED = [/exited on signal 9/, /shared memory zone .* was locked by/];


/* deliveries of presence to all clients, and how many at most in a second */
class Deliveries {

    constructor() {
        this.total = 0;
        this.most = 0;
        this.since = Date.now();
        this.recent = [];
    }

    add() {
        const slice = Math.floor(Date.now() / 100);
        const last = this.recent[this.recent.length - 1];

        this.total++;

        if (last && last.slice === slice) {
            last.n++;
            return;
        }

        this.recent.push({ slice, n: 1 });
        this.recent = this.recent.filter((r) => r.slice > slice - 10);
        this.most = Math.max(this.most,
                             this.recent.reduce((sum, r) => sum + r.n, 0));
    }
}


class Person {

    constructor(server, i, deliveries) {
        this.server = server;
        this.userId = `user-${i}`;
        this.roomName = `room-${i % ROOMS}`;
        this.moody = i % MOODY === 0;
        this.deliveries = deliveries;
        this.gap = 0;
    }

    async connect() {
        this.line = await tap.keep(() => Line.open(this.server, {
            userId: this.userId,
            on: (text) => {
                if (text.startsWith('42["presence:changed"')) {
                    this.deliveries.add();
                }
            }
        }));

        this.gap = this.gone ? Date.now() - this.gone : 0;
    }

    async join() {
        const { roomName } = this;
        const reply = await this.line.ask('room:join', { roomName });

        is(reply.success, true, 'success');
    }

    drop() {
        this.gone = Date.now();
        this.line.destroy();
    }
}


/* stays, with others on one worker, and keeps book of everybody's presence */
class Watcher {

    static async open(server, i) {
        const w = new Watcher();

        w.line = await tap.keep(() => Line.open(server, {
            userId: `watcher-${i}`, on: (text) => w.hear(text),
            accept: (headers) => {
                const pid = Number(headers['x-worker']);

                server.watched = server.watched || pid;

                return server.watched === pid;
            }
        }));

        return w;
    }

    constructor() {
        this.knows = new Map();
        this.news = [];
    }

    hear(text) {
        if (text.startsWith('42["presence:changed"')) {
            const [, p] = JSON.parse(text.slice(2));

            this.knows.set(p.userId, p);
            this.news.push(p.userId);
        }
    }
}


/* "one" for each, AT_ONCE of them at a time */
async function crowd(people, one) {
    const queue = people.slice();

    await Promise.all(Array.from({ length: AT_ONCE }, async () => {
        while (queue.length) {
            await one(queue.shift());
        }
    }));
}


function mood(p) {
    return { text: `the mood of ${p.userId}`, emoji: '\u{1f642}' };
}


/* waits until the watchers have it right: "status" of all "people" */
function known(watchers, people, status, ms = 30000) {
    let wrong;

    return tap.until(ms, () => {
        for (const w of watchers) {
            wrong = people.find((p) => {
                const k = w.knows.get(p.userId);

                return !k || k.status !== status
                       || (k.customStatus !== undefined) !== p.moody;
            });

            if (wrong) {
                return false;
            }
        }

        return true;

    }, () => `${wrong.userId} is known as ${status}`);
}


/* everybody is there, and known to be: for all that can be seen */
async function right(server, watchers, people) {
    await known(watchers, people, 'online');

    for (const w of watchers) {
        for (const p of people.filter((q) => q.moody)) {
            isDeeply(w.knows.get(p.userId), {
                userId: p.userId, status: 'online', customStatus: mood(p)
            }, 'a custom status');
        }
    }

    for (const p of people.slice(0, ROOMS)) {
        const { roomName } = p;

        isDeeply((await p.line.ask('room:join', { roomName })).data,
                 { roomName, memberCount: USERS / ROOMS }, 'a join');
    }

    const { sockets, users, rooms } = await server.metrics();

    is(sockets.total, USERS + WATCHERS, 'sockets');
    is(users.total, USERS + WATCHERS, 'users');
    is(rooms.memberships, USERS, 'memberships');
}


/* what was told from "before" on: broadcasts, deliveries */
async function report(server, what, before, deliveries) {
    const { totals } = await server.metrics();
    const broadcasts = totals.broadcasts - before.totals.broadcasts;

    tap.diag(`${what}: ${broadcasts} broadcasts in all, ${deliveries.total} `
             + `deliveries of presence, at most ${deliveries.most} a second, `
             + `in ${((Date.now() - deliveries.since) / 1000).toFixed(1)} s`);

    is(totals.slowClients, 0, 'slow clients');
    is(totals.lagged, 0, 'lagged');

    return broadcasts;
}


function fresh(people) {
    const deliveries = new Deliveries();

    people.forEach((p) => Object.assign(p, { deliveries, gap: 0 }));

    return deliveries;
}


/* a second's budget, what may be saved up, and who overdraws it */
function bounded(deliveries) {
    ok(deliveries.most <= RATE * 1.1 + BURST + USERS,
       `deliveries in a second: ${deliveries.most}`);
}


async function arrive(server, watchers, people) {
    const deliveries = fresh(people);
    const before = await server.metrics();

    await crowd(people, async (p) => {
        await p.connect();
        await p.join();

        if (p.moody) {
            await p.line.ask('presence:update', {
                status: 'online', customStatus: mood(p)
            });
        }
    });

    await right(server, watchers, people);
    await report(server, 'they arrive', before, deliveries);
    bounded(deliveries);
}


/* those of "people" of whom anything was told */
function flapped(people, watchers) {
    const news = new Set(watchers.flatMap((w) => w.news));

    return people.map((p) => p.userId).filter((id) => news.has(id));
}


/* all are cut off, and most are back within the second */
async function blink(server, watchers, people) {
    const deliveries = fresh(people);
    const before = await server.metrics();

    watchers.forEach((w) => w.news.splice(0));

    for (let i = 0; i < people.length; i += AT_ONCE) {
        const some = people.slice(i, i + AT_ONCE);

        some.forEach((p) => p.drop());
        await crowd(some, (p) => p.connect());
    }

    /* nobody is late who is in time: twice as long as it takes to be told */

    await sleep(GRACE * 2);

    const quick = people.filter((p) => p.gap < GRACE * 0.9);

    await report(server, `${quick.length} blink`, before, deliveries);

    /* how many are is the machine's affair */

    tap.diag(`${quick.length} of ${USERS} were quick`);
    isDeeply(flapped(quick, watchers), [], 'who flapped');

    await crowd(people, (p) => p.join());
    await right(server, watchers, people);
}


/* a worker dies; its clients come back at once, before anybody noticed */
async function death(server, watchers, people) {
    const deliveries = fresh(people);
    const before = await server.metrics();
    const pid = server.workerPids().find((p) => p !== server.watched);
    const lost = new Set();

    watchers.forEach((w) => w.news.splice(0));
    people.forEach((p) => p.line.closed.then(() => {
        p.gone = Date.now();
        lost.add(p);
    }));

    await server.killWorker(pid);

    await tap.until(3000, async () => {
        const { workers } = before;

        return lost.size === workers.find((w) => w.pid === pid).sessions;
    }, () => `those of the worker are cut off, got ${lost.size}`);

    await crowd([...lost], (p) => p.connect());
    await crowd([...lost], (p) => p.join());

    await tap.until(8000, async () => {
        return (await server.metrics()).sockets.total === USERS + WATCHERS;
    }, 'what the worker left is settled');

    await sleep(GRACE * 1.5);

    const n = await report(server, `${lost.size} lose their worker`, before,
                           deliveries);

    /* it is settled in a second or so, and their own second begins then */

    const quick = [...lost].filter((p) => p.gap < GRACE * 0.9);

    tap.diag(`${quick.length} of ${lost.size} were quick`);
    isDeeply(flapped(quick, watchers), [], 'who flapped');

    /* left and joined again at most, if settled in between; the presence of
       those who were slow besides */

    ok(n <= 4 * lost.size - 2 * quick.length, `broadcasts: ${n}`);
    await right(server, watchers, people);
}


/* all go, it is told, and all come back */
async function absence(server, watchers, people) {
    const gone = fresh(people);
    const before = await server.metrics();

    people.forEach((p) => p.drop());

    await known(watchers, people, 'offline');
    await report(server, 'all go', before, gone);

    const deliveries = fresh(people);
    const between = await server.metrics();

    await crowd(people, async (p) => {
        await p.connect();
        await p.join();
    });

    await right(server, watchers, people);

    const n = await report(server, 'all come back', between, deliveries);

    /* each is online, and has joined: no more than that */

    ok(n <= 2 * USERS, `broadcasts: ${n}`);
    bounded(deliveries);
}


if (reference) {
    tap.skipAll('nginx only');
}

tap.run(async () => {
    const server = await start({
        workers: 2, path: '/socket.io/', server: LOCATIONS, name: 'reconnect'
    });

    const watchers = [];
    const people = Array.from({ length: USERS },
                              (_, i) => new Person(server, i));
    const long = { timeout: 60000 };

    for (let i = 0; i < WATCHERS; i++) {
        watchers.push(await Watcher.open(server, i));
    }

    server.allowed.push(...KILLED);

    await test(`${USERS} users arrive`,
               () => arrive(server, watchers, people), long);
    await test('who is back within a second was never away',
               () => blink(server, watchers, people), long);

    await test('a worker dies: its users are never away',
               () => death(server, watchers, people), long);
    await test('all go and come back: each is told of once',
               () => absence(server, watchers, people), long);

    people.forEach((p) => p.drop());
    watchers.forEach((w) => w.line.destroy());

    await test('and nothing is left', async () => {
        await tap.until(10000, async () => {
            const m = await server.metrics();

            return m.sessions.total === 0 && m.users.total === 0
                   && m.rooms.total === 0
                   && m.users.idle === USERS / MOODY;
        });
    }, { timeout: 15000 });

    await server.stop();
});
