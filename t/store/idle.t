#!/usr/bin/env node
'use strict';

/*
 * A connection to the database that has nothing to do is closed, and comes
 * back with the next row; the one that listens stays.
 */

const { start } = require('../lib/fixture');
const { done, guest, join } = require('../lib/people');
const postgres = require('../lib/postgres');
const tap = require('../lib/tap');

const { is, test } = tap;


tap.run(async () => {
    const pg = await postgres.start();

    await pg.apply();

    const server = await start('chat', {
        workers: 2,
        http: `realtime_postgres ${pg.url};
               realtime_postgres_pool idle=300ms;`,
        directives: 'realtime_log_event_types message;'
    });

    const ours = () => pg.value(`SELECT COUNT(*) FROM pg_stat_activity
        WHERE application_name = 'ngx_http_realtime'`);

    const written = () => pg.value(`SELECT COUNT(*) FROM realtime_events
        WHERE type = 'message'`);

    await test('idle: closed, and there again when it is needed', async () => {
        const s = await guest(server);

        await join(s, 'general');

        for (let n = 1; n <= 3; n++) {
            await tap.until(10000, async () => await ours() === 1,
                            'no connection but that which listens');
            await done(s, 'message:send', {
                roomName: 'general', content: `${n}`
            });
            await tap.until(10000, async () => await written() === n,
                            `${n} messages are written`);
        }

        const { database } = await server.metrics();

        is(database.dropped, 0, 'dropped');
        is(database.bytesWaiting, 0, 'bytes that wait');
        await s.client.close();
    }, { timeout: 60000 });

    await server.stop();
    await pg.stop();
});
