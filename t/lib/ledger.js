'use strict';

/*
 * ledger.js: an nginx that writes into a PostgreSQL, and what the tables say.
 */

const fs = require('node:fs');
const { done, join, unique } = require('./people');
const postgres = require('./postgres');
const recovery = require('./recovery');
const tap = require('./tap');

const { is, isDeeply, until } = tap;

/* a writer that died is followed by another one within seconds */
const WRITTEN = 20000;

const HALL = 'ledger';


/* a database with the tables */
async function database(opts) {
    const pg = await postgres.start(opts);

    await pg.apply();

    return pg;
}


/* a chat server, sockets of which may be recovered, that logs everything */
function serve(pg, opts = {}) {
    return recovery.serve({
        workers: 4, reuseport: true, ...opts,
        http: `
            realtime_postgres ${pg.url};
            realtime_log_event_types *;
            ${opts.http || ''}`
    });
}


/* the inodes of connections to a port of this machine */
function inodes(port) {
    const remote = `0100007F:${port.toString(16).toUpperCase()
                                   .padStart(4, '0')}`;

    return fs.readFileSync('/proc/net/tcp', 'latin1').split('\n')
             .map((line) => line.trim().split(/\s+/))
             .filter((f) => f[2] === remote && f[3] === '01')
             .map((f) => f[9]);
}


/* the inodes of sockets that a process has */
function sockets(pid) {
    try {
        const dir = `/proc/${pid}/fd`;

        return fs.readdirSync(dir).map((fd) => {
            try {
                return fs.readlinkSync(`${dir}/${fd}`);

            } catch (e) {
                return '';                      /* closed meanwhile */
            }
        }).map((l) => (/^socket:\[(\d+)\]$/.exec(l) || [])[1]).filter(Boolean);

    } catch (e) {
        return [];
    }
}


/* how many connections to the database each of "pids" has: { pid: n } */
function connections(pg, pids) {
    const list = inodes(pg.port);

    return Object.fromEntries(pids.map((pid) => {
        return [pid, sockets(pid).filter((i) => list.includes(i)).length];
    }));
}


/* the pid of the worker that writes, as soon as it is one of those */
function writer(pg, server, master) {
    return until(WRITTEN, async () => {
        const { writer: pid } = (await server.metrics()).database;
        const pids = server.workerPids(master);

        return pids.includes(pid) && connections(pg, [pid])[pid] && pid;
    }, 'one worker writes into PostgreSQL');
}


/* until the rows of all that was told so far are there: a word comes last */
async function written(pg, s) {
    const content = unique('mark');

    s.marks = s.marks || [];

    if (s.marks.length === 0) {
        await join(s, HALL);
    }

    s.marks.push(content);
    await done(s, 'message:send', { roomName: HALL, content });
    await until(WRITTEN, () => pg.value(
        `SELECT count(*) FROM realtime_events WHERE room_name = $1
         AND type = 'message' AND data->>'content' = $2`, [HALL, content]),
    'all is written');
}


/* messages in a room: each of "told" once, and "maybe" at most once */
async function numbers(pg, roomName, told, maybe = []) {
    const rows = await pg.query(`
        SELECT data->>'content' AS content, count(*) AS n FROM realtime_events
        WHERE type = 'message' AND room_name = $1 GROUP BY 1`, [roomName]);

    const got = new Map(rows.map((r) => [r.content, r.n]));
    const allowed = new Set([...told, ...maybe]);
    const missing = told.filter((c) => !got.has(c));

    isDeeply(missing.slice(0, 5), [],
             `missing (${missing.length} of ${told.length})`);
    isDeeply(rows.filter((r) => r.n > 1), [], 'double');
    isDeeply([...got.keys()].filter((c) => !allowed.has(c)), [], 'unknown');
}


/* what every table has to hold to, whatever happened */
async function consistent(pg) {
    for (const [what, sql] of Object.entries({
        'a socket with two rows':
            `SELECT socket_id FROM realtime_connections
             GROUP BY 1 HAVING count(*) > 1`,

        'a connection that ended before it began':
            `SELECT socket_id FROM realtime_connections
             WHERE disconnected_at < connected_at`,

        'a membership that ended before it began':
            `SELECT user_id, joined_at, left_at FROM realtime_room_members
             WHERE left_at < joined_at`,

        'memberships at the same time':
            `SELECT a.user_id FROM realtime_room_members AS a
             JOIN realtime_room_members AS b USING (user_id, room_id)
             WHERE a.id <> b.id
             AND a.joined_at < COALESCE(b.left_at, 'infinity')
             AND b.joined_at < COALESCE(a.left_at, 'infinity')`,

        'a message with two rows':
            `SELECT data->>'id' FROM realtime_events WHERE type = 'message'
             GROUP BY 1 HAVING count(*) > 1`
    })) {
        isDeeply(await pg.query(sql), [], what);
    }
}


/* nothing of "host" is open, and nobody is there */
async function closed(pg, host) {
    is(await pg.value(`SELECT count(*) FROM realtime_connections
                       WHERE disconnected_at IS NULL AND host = $1`, [host]),
       0, 'open connections');

    is(await pg.value(`SELECT count(*) FROM realtime_room_members
                       WHERE left_at IS NULL AND host = $1`, [host]),
       0, 'active memberships');

    isDeeply(await pg.query(`
        SELECT p.user_id, p.status FROM realtime_presence AS p
        WHERE status <> 'offline' AND EXISTS (
            SELECT FROM realtime_connections AS c
            WHERE c.user_id = p.user_id AND c.host = $1)`, [host]),
    [], 'users that are there');
}


/* a word of the error log that nobody wants to read */
function lost(server) {
    return server.errorLog().split('\n').filter((line) => {
        return /rows more were|a row is refused|no fact in zone/.test(line);
    });
}


module.exports = {
    HALL, WRITTEN, closed, connections, consistent, database, lost, numbers,
    serve, writer, written
};
