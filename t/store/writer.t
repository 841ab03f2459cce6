#!/usr/bin/env node
'use strict';

/*
 * Whoever writes into the database dies, is reloaded, upgraded, cut off, while
 * clients talk: all that they were told was accepted is in the tables, once.
 *
 * REALTIME_ROUNDS  how often each of it happens, 3
 */

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const ledger = require('../lib/ledger');
const { reference } = require('../lib/fixture');
const { done, join, unique, user } = require('../lib/people');
const { come, cut } = require('../lib/recovery');
const nginx = require('../lib/server');
const tap = require('../lib/tap');

const { is, isDeeply, ok, sleep, test, until } = tap;

const ROUNDS = Number(process.env.REALTIME_ROUNDS) || 3;
const TALKERS = 12;
const TIMEOUT = { timeout: 120000 };

/* long enough for many batches, ms */
const WHILE = 250;

/* processes end within, ms */
const GONE = 15000;


/*
 * Says numbers, one after the other, and connects again when it has to.  What
 * was not answered may have been said.
 */
class Talker {

    constructor(server, roomName) {
        this.server = server;
        this.roomName = roomName;
        this.user = unique('talker');
        this.told = [];
        this.maybe = [];
        this.socket = null;
        this.over = false;
        this.running = this.run();
    }

    async run() {
        for (let n = 0; !this.over; ) {
            try {
                await this.enter();

            } catch (e) {
                await this.drop();
                continue;
            }

            const content = `${this.user} ${n++}`;

            try {
                await done(this.socket, 'message:send', {
                    roomName: this.roomName, content
                });

                this.told.push(content);

            } catch (e) {
                this.maybe.push(content);
                await this.drop();
            }

            await sleep(5);
        }
    }

    async enter() {
        if (this.socket === null) {
            const s = await come(this.server, { user: this.user });

            await join(s, this.roomName);
            this.socket = s;
        }
    }

    async drop() {
        this.socket = null;
        await sleep(50);
    }

    async stop() {
        this.over = true;
        await this.running;
    }
}


/* they talk while "fn" does what it does, and still do after it */
async function talking(server, roomName, fn) {
    const list = Array.from({ length: TALKERS },
                            () => new Talker(server, roomName));

    try {
        await until(GONE, () => list.every((t) => t.told.length > 5),
                    'all talk');
        await fn();

        const n = list.map((t) => t.told.length);

        await until(GONE, () => list.every((t, i) => t.told.length > n[i] + 5),
                    'all talk still');

    } finally {
        await Promise.all(list.map((t) => t.stop()));
    }

    return list;
}


/* what each room heard: { roomName, told, maybe } */
const rooms = [];


async function noted(pg, roomName, list) {
    const room = {
        roomName,
        told: list.flatMap((t) => t.told),
        maybe: list.flatMap((t) => t.maybe)
    };

    rooms.push(room);
    tap.diag(`${room.told.length} messages, ${room.maybe.length} uncertain`);
    await ledger.numbers(pg, roomName, room.told, room.maybe);
    await ledger.consistent(pg);
}


async function proved(pg, server, fn) {
    const roomName = unique('room');
    const list = await talking(server, roomName, fn);
    const clerk = await come(server, { user: unique('clerk') });

    await ledger.written(pg, clerk);
    await noted(pg, roomName, list);
    await clerk.leave();
}


async function times(n, fn) {
    for (let i = 0; i < n; i++) {
        await fn(i);
        await sleep(WHILE);
    }
}


function edit(server, from, to) {
    const conf = path.join(server.dir, 'nginx.conf');
    const text = fs.readFileSync(conf, 'utf8');

    ok(text.includes(from), `"${from}" in nginx.conf`);
    fs.writeFileSync(conf, text.replace(from, to));
}


/* rows whose end is missing are those of sockets that are there */
async function open(pg, server) {
    await until(ledger.WRITTEN, async () => {
        const { sessions } = await server.metrics();

        return await pg.value(`SELECT count(*) FROM realtime_connections
                               WHERE disconnected_at IS NULL`)
               === sessions.total + sessions.away;
    }, 'as many rows are open as there are sessions');
}


async function dying(pg, server) {
    await test('writer: killed again and again', () => {
        return proved(pg, server, () => times(ROUNDS, async () => {
            const pid = await ledger.writer(pg, server);

            await server.killWorker(pid);

            const next = await ledger.writer(pg, server);

            ok(next !== pid, 'another writer');
        }));
    }, TIMEOUT);

    await test('writer: there is one, not more', async () => {
        const pid = await ledger.writer(pg, server);

        await sleep(1500);

        const n = ledger.connections(pg, server.workerPids());

        ok(n[pid] >= 2, 'it writes, and listens');
        delete n[pid];
        ok(Object.values(n).every((i) => i <= 1),
           `others read at most: ${JSON.stringify(n)}`);
    }, TIMEOUT);

    await test('writer: its connections are terminated', () => {
        return proved(pg, server, () => times(ROUNDS * 4, () => {
            return pg.admin(`SELECT pg_terminate_backend(pid)
                             FROM pg_stat_activity
                             WHERE usename = 'realtime'`);
        }));
    }, TIMEOUT);

    await test('writer: as many rows are open as connections', () => {
        return open(pg, server);
    }, TIMEOUT);
}


async function reloading(pg, server) {
    await test('reload: again and again', () => {
        return proved(pg, server, () => times(ROUNDS, () => server.reload()));
    }, TIMEOUT);

    await test('reload: more workers, and less', () => {
        return proved(pg, server, async () => {
            for (const n of [1, 6, 2, 4]) {
                edit(server, `worker_processes ${server.opts.workers};`,
                     `worker_processes ${n};`);
                server.opts.workers = n;
                await server.reload();
                await sleep(WHILE);
            }
        });
    }, TIMEOUT);

    await test('reload: a queue of another size', () => {
        return proved(pg, server, async () => {
            let before = 'queue=1m;';

            for (const size of ['2m', '512k', '1m']) {
                const now = `queue=${size};`;

                edit(server, before, now);
                before = now;

                const old = await server.reload();

                await until(60000, () => !old.some(nginx.alive), 'they end');
            }
        });
    }, TIMEOUT);

    await test('reload: as many rows are open as connections', () => {
        return open(pg, server);
    }, TIMEOUT);
}


async function upgrading(pg, server) {
    await test('upgrade: of the binary, twice', () => {
        return proved(pg, server, () => times(2, async () => {
            const old = server.pid;
            const pids = server.workerPids(old);
            const fresh = await server.upgrade();

            await sleep(WHILE);
            process.kill(old, 'SIGQUIT');
            server.follow(fresh);
            await until(60000, () => ![old, ...pids].some(nginx.alive),
                        'the old ones end');
        }));
    }, TIMEOUT);

    await test('upgrade: as many rows are open as connections', () => {
        return open(pg, server);
    }, TIMEOUT);
}


async function hostOf(pg, s) {
    await ledger.written(pg, s);

    return pg.value(`SELECT host FROM realtime_connections
                     WHERE socket_id = $1`, [s.id]);
}


/* all that was said before is there, and nothing is open */
async function quitting(pg, server) {
    await test('quit: all is written, and nothing is open', async () => {
        const s = await come(server, { user: unique('last') });
        const host = await hostOf(pg, s);
        const roomName = unique('room');
        const away = await come(server, { user: unique('away') });

        await join(s, roomName);
        await join(away, roomName);

        const list = Array.from({ length: TALKERS },
                                () => new Talker(server, roomName));

        await until(GONE, () => list.every((t) => t.told.length > 20));
        await cut(server, away, 'a close frame');
        server.signal('SIGQUIT');
        await server.ended;
        await Promise.all(list.map((t) => t.stop()));

        await noted(pg, roomName, list);
        await ledger.closed(pg, host);

        const rows = await pg.query(`
            SELECT DISTINCT disconnect_reason AS reason
            FROM realtime_connections WHERE socket_id = $1`, [s.id]);

        isDeeply(rows, [{ reason: 'server shutting down' }],
                 'the reason of one who was there');

        isDeeply(await pg.query(`
            SELECT disconnect_reason AS reason FROM realtime_connections
            WHERE socket_id = $1`, [away.id]), [{ reason: 'transport close' }],
                 'the reason of one who was away');

        isDeeply(await pg.query(`
            SELECT * FROM (SELECT data->>'socketId' AS id, type
                           FROM realtime_events WHERE type = 'connect') AS c
            FULL JOIN (SELECT data->>'socketId' AS id, type
                       FROM realtime_events WHERE type = 'disconnect') AS d
            USING (id) WHERE c.type IS NULL OR d.type IS NULL`), [],
                 'connections without an end, or a beginning');
    }, TIMEOUT);

    await server.stop();
}


/* the writer has nothing to do any more, while another worker still has */
async function last(pg) {
    const server = await ledger.serve(pg, {
        workers: 2, name: 'last', recovery: false
    });
    const list = [];

    await test('quit: whoever goes last writes', async () => {
        const roomName = unique('room');

        for (let i = 0; i < 16; i++) {
            const s = await user(server, unique('user'));

            await join(s, roomName);
            list.push(s);
        }

        await ledger.written(pg, list[0]);

        const writer = await ledger.writer(pg, server);
        const [other] = server.workerPids().filter((pid) => pid !== writer);

        process.kill(other, 'SIGSTOP');

        /* those with the other one are answered later */
        const told = [];

        const answers = list.map((s) => {
            const content = `${s.user} says good-bye`;

            return done(s, 'message:send', { roomName, content })
                .then(() => told.push(content), () => {});
        });

        await until(GONE, () => told.length, 'answers of the writer');
        server.signal('SIGQUIT');
        await until(4000, () => !nginx.alive(writer)).catch(() => {});
        process.kill(other, 'SIGCONT');
        await Promise.all(answers);
        await server.ended;
        tap.diag(`${told.length} of ${list.length} were answered`);

        await ledger.numbers(pg, roomName, told,
                             list.map((s) => `${s.user} says good-bye`));

        isDeeply(await pg.query(`
            SELECT c.socket_id, c.worker, c.disconnect_reason
            FROM realtime_connections AS c
            WHERE socket_id = ANY($1) AND (disconnected_at IS NULL
            OR disconnect_reason <> 'server shutting down' OR NOT EXISTS (
                SELECT FROM realtime_events AS e WHERE type = 'disconnect'
                AND e.data->>'socketId' = c.socket_id))`,
        [list.map((s) => s.id)]), [], 'connections without an end');
    }, TIMEOUT);

    await server.stop();
}


/* what PostgreSQL got from a writer that is dead comes after what is newer */
async function late(pg) {
    const server = await ledger.serve(pg, { workers: 2, name: 'late' });

    await test('writer: an old batch that comes late is harmless', async () => {
        const roomName = unique('room');
        const s = await come(server, { user: unique('user') });

        await join(s, roomName);
        await ledger.written(pg, s);

        const writer = await ledger.writer(pg, server);

        const backends = (await pg.admin(`
            SELECT pid FROM pg_stat_activity WHERE usename = 'realtime'
            AND query LIKE '%realtime.quiet%' OR query IN ('COMMIT')
            OR query LIKE 'INSERT INTO realtime_events%'`)).map((r) => r.pid);

        ok(backends.length, 'the backend of the writer');

        const keep = s.worker === writer ? null : s;

        backends.forEach((pid) => process.kill(pid, 'SIGSTOP'));

        const t = keep || await come(server, {
            user: s.user, on: (pid) => pid !== writer
        });

        if (t !== s) {
            await join(t, roomName);
            await s.ask('room:leave', { roomName });
        }

        await done(t, 'room:leave', { roomName });
        await done(t, 'presence:update', { status: 'busy' });
        await sleep(500);
        await server.killWorker(writer);
        await ledger.writer(pg, server);
        await join(t, roomName);
        await done(t, 'presence:update', { status: 'away' });
        await sleep(1500);
        await ledger.written(pg, t);

        backends.forEach((pid) => process.kill(pid, 'SIGCONT'));
        await sleep(1500);

        const rows = await pg.query(`
            SELECT joined_at, left_at FROM realtime_room_members AS m
            JOIN realtime_rooms AS r ON r.id = m.room_id
            WHERE r.name = $1 AND user_id = $2 ORDER BY 1`,
        [roomName, t.user]);

        is(rows.length, 2, 'stays');
        is(rows[1].left_at, null, 'the end of the second one');
        is(await pg.value(`SELECT status FROM realtime_presence
                           WHERE user_id = $1`, [t.user]), 'away', 'status');
        await ledger.consistent(pg);
    }, TIMEOUT);

    await server.stop();
}


/* the same nginx again, at the same place */
async function resurrect(server) {
    const { dir } = server;

    server.child = spawn(nginx.NGINX, [
        '-p', dir, '-c', path.join(dir, 'nginx.conf'),
        '-e', path.join(dir, 'error.log')
    ], { stdio: 'ignore', env: nginx.environment(dir) });

    server.follow(server.child.pid);
    await server.ready();
}


async function slaughter(server) {
    const pids = server.workerPids();

    process.kill(server.pid, 'SIGKILL');
    pids.forEach((pid) => process.kill(pid, 'SIGKILL'));
    await server.ended;
    await until(GONE, () => !pids.some(nginx.alive), 'all are dead');
}


async function hosts(pg) {
    const here = await ledger.serve(pg, { workers: 2, name: 'here' });
    const there = await ledger.serve(pg, { workers: 2, name: 'there' });

    const other = await ledger.serve(pg, {
        workers: 2, name: 'other', http: 'realtime_host other;'
    });

    const roomName = unique('room');
    const names = [];
    const ids = [];
    let away;

    async function states() {
        return Promise.all(ids.map(async (id) => {
            const [row] = await pg.query(`
                SELECT disconnect_reason AS reason,
                       disconnected_at IS NULL AS open
                FROM realtime_connections WHERE socket_id = $1`, [id]);

            return row.open ? 'open' : row.reason;
        }));
    }

    async function active() {
        const rows = await pg.query(`
            SELECT host FROM realtime_room_members AS m JOIN realtime_rooms AS r
            ON r.id = m.room_id WHERE r.name = $1 AND left_at IS NULL`,
        [roomName]);

        return rows.map((r) => r.host).sort();
    }

    await test('host: each nginx is one, by its pid file', async () => {
        for (const server of [here, there, other]) {
            const s = await tap.keep(() => come(server, {
                user: unique('user')
            }));

            if (server === here) {
                away = s.user;
            }

            await join(s, roomName);
            names.push(await hostOf(pg, s));
            ids.push(s.id);
        }

        is(new Set(names).size, 3, `different (${names})`);
        is(names[2], 'other', 'the one that was given a name');
        isDeeply(await states(), ['open', 'open', 'open'], 'before');
        isDeeply(await active(), [...names].sort(), 'memberships before');
    }, TIMEOUT);

    await test('host: what it had open is closed when it is back', async () => {
        await slaughter(here);
        isDeeply(await states(), ['open', 'open', 'open'], 'while it is dead');

        await resurrect(here);
        await until(ledger.WRITTEN, async () => {
            return (await states())[0] !== 'open';
        }, 'rows of the dead are closed');

        isDeeply(await states(), ['host gone', 'open', 'open'], 'after');

        /* one after the other */
        await until(ledger.WRITTEN, () => pg.value(`
            SELECT status = 'offline' FROM realtime_presence
            WHERE user_id = $1`, [away]), 'presence');
        isDeeply(await active(), names.slice(1).sort(), 'memberships after');
        is(await pg.value(`SELECT count(*) FROM realtime_presence AS p
                           JOIN realtime_connections AS c USING (user_id)
                           WHERE c.socket_id = ANY($1)
                           AND p.status = 'online'`, [ids.slice(1)]), 2,
           'those of others are there');
    }, TIMEOUT);

    await test('host: and it is the same one as before', async () => {
        const s = await come(here, { user: unique('user') });

        is(await hostOf(pg, s), names[0], 'host');
        await s.leave();
    }, TIMEOUT);

    await test('host: a reload closes nothing', async () => {
        const s = await come(other, { user: unique('user') });

        await ledger.written(pg, s);
        await there.reload();
        await sleep(1500);
        is((await states())[2], 'open', 'another host');
        await ledger.consistent(pg);
    }, TIMEOUT);

    for (const server of [here, there, other]) {
        await server.stop();
    }
}


if (reference) {
    tap.skipAll('nginx only');
}

tap.run(async () => {
    const pg = await ledger.database();

    const server = await ledger.serve(pg, {
        daemon: true, name: 'writer', directives: 'realtime_drain 1s;',
        http: 'realtime_postgres_pool queue=1m;'
    });

    await dying(pg, server);
    await reloading(pg, server);
    await upgrading(pg, server);

    await test('writer: nothing was lost or refused', async () => {
        isDeeply(ledger.lost(server), [], 'lines of the error log');
    });

    await quitting(pg, server);
    await last(pg);
    await late(pg);
    await hosts(pg);
});
