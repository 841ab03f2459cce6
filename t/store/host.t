#!/usr/bin/env node
'use strict';

/*
 * What a host left open when it died is closed when it is back, however much
 * that is: in portions, none of which is too much for the database.
 */

const ledger = require('../lib/ledger');
const { reference } = require('../lib/fixture');
const { come } = require('../lib/recovery');
const tap = require('../lib/tap');

const { is, ok, test, until } = tap;

const TIMEOUT = { timeout: 120000 };

/* rows that are closed at once, and more than that */
const PORTION = 4096;
const MANY = 10000;

/* too many for the time that a statement has, each takes more than a ms */
const SLOW = 1600;

/* until all of it is closed, ms */
const CLOSED = 60000;


/* open rows of "host": users 1 to "n", each in a room */
async function left(pg, host, n) {
    await pg.query(`INSERT INTO realtime_rooms (name) VALUES ($1)`, [host]);

    await pg.query(`
        INSERT INTO realtime_connections (socket_id, user_id, host,
                                          connected_at, last_activity)
        SELECT $1 || i, $1 || i, $1, NOW() - INTERVAL '1 minute', NOW()
        FROM generate_series(1, $2::integer) AS i`, [host, n]);

    await pg.query(`
        INSERT INTO realtime_room_members (room_id, user_id, host, joined_at)
        SELECT r.id, $1 || i, $1, NOW() - INTERVAL '1 minute'
        FROM generate_series(1, $2::integer) AS i, realtime_rooms AS r
        WHERE r.name = $1`, [host, n]);

    await pg.query(`
        INSERT INTO realtime_presence (user_id, status, last_seen, updated_at)
        SELECT $1 || i, 'online', NOW() - INTERVAL '1 minute',
               NOW() - INTERVAL '1 minute'
        FROM generate_series(1, $2::integer) AS i`, [host, n]);
}


/* rows of a table that one transaction has written, at most */
function most(pg, table) {
    return pg.value(`SELECT max(n) FROM (SELECT count(*) AS n FROM ${table}
                     GROUP BY xmin::text) AS written`);
}


async function closing(pg, host, { n, pool = '' }) {
    const server = await ledger.serve(pg, {
        workers: 2, name: host,
        http: `realtime_host ${host}; ${pool}`
    });

    const began = Date.now();
    const clerk = await come(server);

    await until(CLOSED, () => pg.value(`
        SELECT count(*) FROM realtime_presence
        WHERE status = 'online' AND user_id LIKE $1 || '%'`, [host])
        .then((open) => open === 0), 'they are closed');

    tap.diag(`${host}: ${n} users took ${Date.now() - began} ms`);
    await ledger.written(pg, clerk);
    await clerk.leave();
    await until(ledger.WRITTEN, () => pg.value(`
        SELECT disconnected_at IS NOT NULL FROM realtime_connections
        WHERE socket_id = $1`, [clerk.id]), 'the clerk has gone');
    await ledger.closed(pg, host);
    is(await pg.value(`SELECT count(*) FROM realtime_connections
                       WHERE host = $1 AND disconnect_reason = 'host gone'`,
    [host]), n, 'connections that were closed');

    return server;
}


async function portions() {
    const pg = await ledger.database();

    await test('host: what it had open is closed in portions', async () => {
        await left(pg, 'other', 10);
        await left(pg, 'many', MANY);

        const server = await closing(pg, 'many', { n: MANY });

        for (const table of ['realtime_connections', 'realtime_room_members',
                             'realtime_presence'])
        {
            const n = await most(pg, table);

            ok(n > PORTION / 2 && n <= PORTION, `rows at once of ${table}: ${n}`);
        }

        is(await pg.value(`SELECT count(*) FROM realtime_connections
                           WHERE host = 'other' AND disconnected_at IS NULL`),
           10, 'connections of another host');
        is(await pg.value(`SELECT count(*) FROM realtime_presence
                           WHERE status = 'online' AND user_id LIKE 'other%'`),
           10, 'users of another host');

        await server.stop();
    }, TIMEOUT);
}


async function slowly() {
    const pg = await ledger.database();

    await pg.query(`CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql
                    AS $$ BEGIN PERFORM pg_sleep(0.001); RETURN NEW; END $$`);

    await test('host: a portion that takes too long is halved', async () => {
        await left(pg, 'slow', SLOW);
        await pg.query(`CREATE TRIGGER slow BEFORE UPDATE
                        ON realtime_connections FOR EACH ROW
                        WHEN (NEW.disconnect_reason = 'host gone')
                        EXECUTE FUNCTION slow()`);

        const server = await closing(pg, 'slow', {
            n: SLOW, pool: 'realtime_postgres_pool statement=1500ms;'
        });

        ok(server.errorLog().includes('raise the statement timeout'),
           'it was too much at first');
        await server.stop();
    }, TIMEOUT);
}


if (reference) {
    tap.skipAll('nginx only');
}

tap.run(() => Promise.all([portions(), slowly()]));
