#!/usr/bin/env node
'use strict';

/*
 * Users who join and leave the same room as fast as they can, many at once: a
 * row for each stay, one after the other, and those who are in have one that
 * is active, whoever wrote them.
 *
 * REALTIME_STAYS  how often each of them does, 30
 */

const ledger = require('../lib/ledger');
const { unique } = require('../lib/people');
const { reference } = require('../lib/fixture');
const { Random } = require('../lib/random');
const { come } = require('../lib/recovery');
const tap = require('../lib/tap');

const { is, isDeeply, test } = tap;

const STAYS = Number(process.env.REALTIME_STAYS) || 30;
const USERS = 30;

/* of one user, who has so many connections, one is as fast as all others */
const EAGER = 20;

/* packets that are sent without waiting for an answer */
const FLIGHT = 50;

const random = new Random(4711);


/* "n" stays; resolves when the server has answered all */
async function commute(s, roomName, n) {
    for (let i = 0; i < n; ) {
        const flight = [];

        for (let k = 0; k < FLIGHT && i < n; k++, i++) {
            flight.push(s.call('room:join', { roomName }),
                        s.call('room:leave', { roomName }));
        }

        for (const [reply] of await Promise.all(flight)) {
            is(reply.success, true, `success (${JSON.stringify(reply)})`);
        }
    }
}


/*
 * Each stays "n" times, and some are in at the end; resolves to what is to be
 * expected of each.
 */
async function crowd(server, pg, n, meanwhile = async () => {}) {
    const roomName = unique('room');
    const list = [];

    for (let i = 0; i < USERS; i++) {
        list.push(await come(server, { user: unique('user') }));
    }

    const plan = list.map((s, i) => ({
        s, user: s.user, stays: i === 0 ? n * EAGER : n,
        inside: random.below(2) === 1
    }));

    const all = Promise.all(plan.map(async (p) => {
        await commute(p.s, roomName, p.stays);

        if (p.inside) {
            await p.s.ask('room:join', { roomName });
        }
    }));

    await Promise.all([all, meanwhile(all)]);

    const clerk = await come(server, { user: unique('clerk') });

    await ledger.written(pg, clerk);

    return { roomName, plan };
}


async function compare(pg, { roomName, plan }) {
    const rows = await pg.query(`
        SELECT user_id, count(*) AS rows, count(left_at) AS over
        FROM realtime_room_members AS m JOIN realtime_rooms AS r
        ON r.id = m.room_id WHERE r.name = $1 GROUP BY 1`, [roomName]);

    const by = (a, b) => (a.user < b.user ? -1 : 1);

    isDeeply(
        rows.map((r) => ({ user: r.user_id, rows: r.rows, over: r.over }))
            .sort(by),
        plan.map((p) => ({
            user: p.user, rows: p.stays + (p.inside ? 1 : 0), over: p.stays
        })).sort(by), 'rows of each');

    await ledger.consistent(pg);
}


/* three connections of one user, which come and go as they like */
async function tabs(server, pg) {
    const roomName = unique('tabs');
    const user = unique('user');
    const list = [];

    for (let i = 0; i < 3; i++) {
        list.push(await come(server, { user }));
    }

    /* one is in all the time: the user is */
    await list[0].ask('room:join', { roomName });
    await Promise.all(list.slice(1).map((s) => commute(s, roomName, STAYS)));
    await ledger.written(pg, list[0]);
    await compare(pg, { roomName, plan: [{ user, stays: 0, inside: true }] });

    /* each comes and goes: as many as there are, and none is active */
    await list[0].ask('room:leave', { roomName });
    await Promise.all(list.map((s) => commute(s, roomName, STAYS)));
    await ledger.written(pg, list[0]);

    const [row] = await pg.query(`
        SELECT count(*) AS rows, count(left_at) AS over
        FROM realtime_room_members AS m JOIN realtime_rooms AS r
        ON r.id = m.room_id WHERE r.name = $1`, [roomName]);

    is(row.over, row.rows, 'stays that are over');
    tap.ok(row.rows > STAYS && row.rows <= 3 * STAYS + 1, `${row.rows} stays`);
    await ledger.consistent(pg);
}


async function deaths(pg, server, all) {
    let over = false;
    const end = () => { over = true; };

    all.then(end, end);

    while (!over) {
        const pid = await ledger.writer(pg, server);
        const [row] = await pg.admin(`
            SELECT pid FROM pg_stat_activity WHERE usename = 'realtime'
            AND query LIKE 'INSERT INTO realtime_room_members%' LIMIT 1`);

        if (row && pid) {
            await pg.admin('SELECT pg_terminate_backend($1)', [row.pid]);
        }

        await tap.sleep(random.below(300));
    }
}


if (reference) {
    tap.skipAll('nginx only');
}

tap.run(async () => {
    const pg = await ledger.database();
    const server = await ledger.serve(pg);

    await test('order: a row for each stay', async () => {
        await compare(pg, await crowd(server, pg, STAYS));
    }, { timeout: 120000 });

    await test('order: and connections to the database end', async () => {
        await compare(pg, await crowd(server, pg, STAYS, (all) => {
            return deaths(pg, server, all);
        }));
    }, { timeout: 120000 });

    await test('order: a user with several connections', async () => {
        await tabs(server, pg);
    }, { timeout: 120000 });

    await test('order: nothing was lost or refused', async () => {
        isDeeply(ledger.lost(server), [], 'lines of the error log');
    });

    await server.stop();
});
