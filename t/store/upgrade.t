#!/usr/bin/env node
'use strict';

/*
 * A binary upgrade whose new master has an empty zone: two servers of one name
 * that do not see each other.  Each closes what it had, and nothing of the
 * other's; only the last one says that the host has gone.
 */

const fs = require('node:fs');
const path = require('node:path');
const ledger = require('../lib/ledger');
const { reference } = require('../lib/fixture');
const { join, unique } = require('../lib/people');
const { come } = require('../lib/recovery');
const nginx = require('../lib/server');
const tap = require('../lib/tap');

const { is, isDeeply, like, ok, test, until } = tap;

const TIMEOUT = { timeout: 60000 };

/* processes end within, ms */
const GONE = 20000;


function edit(server, from, to) {
    const file = path.join(server.dir, 'nginx.conf');
    const text = fs.readFileSync(file, 'utf8');

    ok(text.includes(from), `"${from}" in nginx.conf`);
    fs.writeFileSync(file, text.replaceAll(from, to));
}


/* somebody at a worker of that master, in a room */
async function guest(server, master, roomName) {
    const s = await tap.keep(() => come(server, {
        user: unique('user'),
        on: (pid) => server.workerPids(master).includes(pid)
    }));

    await join(s, roomName);

    return s;
}


/* { connection, membership, status } of somebody, "open" or how it ended */
async function state(pg, s) {
    const [row] = await pg.query(`
        SELECT CASE WHEN c.disconnected_at IS NULL THEN 'open'
                    ELSE c.disconnect_reason END AS connection,
               CASE WHEN m.left_at IS NULL THEN 'open' ELSE 'left' END
                    AS membership,
               p.status,
               (SELECT count(*) FROM realtime_events
                WHERE type = 'disconnect'
                AND data->>'socketId' = c.socket_id) AS ends
        FROM realtime_connections AS c
        JOIN realtime_room_members AS m USING (user_id)
        JOIN realtime_presence AS p USING (user_id)
        WHERE c.socket_id = $1`, [s.id]);

    return row;
}


const HERE = {
    connection: 'open', membership: 'open', status: 'online', ends: 0
};

const GOODBYE = {
    connection: 'server shutting down', membership: 'left',
    status: 'offline', ends: 1
};


/* "back": the new master goes, and the old one stays */
async function upgrade(pg, name, { from, to, back }) {
    const server = await ledger.serve(pg, {
        daemon: true, workers: 2, name, recovery: '2s', directives: 'realtime_drain 1s;',
        http: `realtime_zone realtime 16m;
               realtime_postgres_pool queue=1m; realtime_host "${name}";`
    });

    const old = server.pid;
    const roomName = unique('room');
    let fresh, first, second;

    await test(`${name}: both write`, async () => {
        first = await guest(server, old, roomName);
        await ledger.written(pg, first);

        const at = server.errorLog().length;

        edit(server, from, to);
        fresh = await server.upgrade();
        like(server.errorLog().slice(at), /zone .* is not taken over/, 'log');

        second = await guest(server, fresh, roomName);
        await ledger.written(pg, second);
        await ledger.written(pg, first);
        isDeeply(await state(pg, first), HERE, 'who is with the old one');
        isDeeply(await state(pg, second), HERE, 'who is with the new one');
    }, TIMEOUT);

    const [goes, stays] = back ? [fresh, old] : [old, fresh];
    const [gone, here] = back ? [second, first] : [first, second];

    await test(`${name}: one goes, with what it had`, async () => {
        const pids = server.workerPids(goes);

        process.kill(goes, 'SIGQUIT');
        await until(GONE, () => ![goes, ...pids].some(nginx.alive), 'it ends');
        server.follow(stays);

        await ledger.written(pg, here);

        /* those of a zone that is shared may come back for a while */
        await until(GONE, async () => {
            return (await state(pg, gone)).status === 'offline';
        }, 'the user has gone');
        isDeeply(await state(pg, gone), GOODBYE, 'who was with it');
        isDeeply(await state(pg, here), HERE, 'who is with the other');
    }, TIMEOUT);

    await test(`${name}: the last one closes everything`, async () => {
        const pids = server.workerPids(stays);

        process.kill(stays, 'SIGQUIT');
        await until(GONE, () => ![stays, ...pids].some(nginx.alive), 'end');

        for (const s of [first, second]) {
            isDeeply(await state(pg, s), GOODBYE, 'whoever was there');
        }

        await ledger.closed(pg, name);
        await ledger.consistent(pg);
        is(await pg.value(`SELECT count(*) FROM realtime_connections
                           WHERE disconnect_reason = 'host gone'`), 0,
           'connections that were closed by the wrong one');
        isDeeply(ledger.lost(server), [], 'lines of the error log');
    }, TIMEOUT);

    await server.stop();
}


if (reference) {
    tap.skipAll('nginx only');
}

tap.run(async () => {
    const pg = await ledger.database();

    await upgrade(pg, 'another zone', {
        from: 'realtime 16m;', to: 'realtime 32m;'
    });

    await upgrade(pg, 'another queue', { from: 'queue=1m', to: 'queue=2m' });

    await upgrade(pg, 'taken back', {
        from: 'realtime 16m;', to: 'realtime 32m;', back: true
    });
});
