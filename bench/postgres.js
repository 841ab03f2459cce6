'use strict';

/*
 * postgres.js: runs a command with a private PostgreSQL in DATABASE_URL, and
 * says what has been written there, and what that cost the database.
 *
 *     node bench/postgres.js build/rt-bench echo
 */

const fs = require('node:fs');
const postgres = require('../t/lib/postgres');
const tap = require('../t/lib/tap');
const { run } = require('./command');

/* clock ticks of the kernel's accounting, per second */
const TICKS = 100;


/* CPU seconds of a process and of its children that have ended */
function cpu(pid) {
    try {
        const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
        const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');

        return fields.slice(11, 15).reduce((sum, n) => sum + Number(n), 0)
               / TICKS;

    } catch (e) {
        return 0;
    }
}


tap.run(async () => {
    const pg = await postgres.start({});

    await pg.apply();

    const before = cpu(pg.pid);

    tap.is(await run(process.argv.slice(2), { DATABASE_URL: pg.url }), 0,
           'exit code');

    const events = await pg.value('SELECT COUNT(*) FROM realtime_events');
    const rows = await pg.value('SELECT COUNT(*) FROM realtime_connections');
    const spent = pg.children().reduce((sum, pid) => sum + cpu(pid),
                                       cpu(pg.pid)) - before;

    tap.diag(`${events} events and ${rows} connections in the tables, for`
             + ` ${spent.toFixed(1)} s of the database's CPU`);

    await pg.stop();
}, { timeout: 3600000 });
