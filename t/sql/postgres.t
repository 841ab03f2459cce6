#!/usr/bin/env node
'use strict';

/*
 * The PostgreSQL and the PgBouncer of the tests: they start, stop, hang, die
 * and come back as told, and leave nothing behind, whatever ends the test.
 */

const { spawn, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const postgres = require('../lib/postgres');
const { alive } = require('../lib/server');
const tap = require('../lib/tap');

const { is, isDeeply, like, ok, test } = tap;


/* what psql says to a connection */
function psql(url, sql = 'SELECT current_user', env = {}) {
    const res = spawnSync('psql', ['-X', '-A', '-t', '-d', url, '-c', sql], {
        env: { PATH: process.env.PATH, PGCONNECT_TIMEOUT: '3', ...env }
    });

    return `${res.stdout}${res.stderr}`.trim();
}


async function ways(pg) {
    await test('over TCP and over the Unix socket, with a password', async () =>
    {
        is(psql(pg.url), 'realtime', 'TCP');
        is(psql(pg.socketUrl), 'realtime', 'socket');

        for (const url of [pg.url, pg.socketUrl]) {
            like(psql(url.replace(pg.password, 'wrong')),
                 /password authentication failed/);
        }

        is(await pg.value('SELECT current_user'), 'realtime', 'query()');
        is((await pg.admin('SELECT current_user AS u'))[0].u, 'postgres');
        ok(fs.statSync(pg.data).mode & 0o700, 'nobody else reads its files');
        is(fs.statSync(pg.data).mode & 0o077, 0, 'rights of others');
        ok(process.getuid() !== 0 || fs.statSync(pg.data).uid !== 0, 'user');
    });

    await test('rows: numbers, JSON, times, and databases of their own',
        async () => {
            const [row] = await pg.query(`SELECT $1::bigint AS n,
                '{"a": 1}'::jsonb AS j, date '2026-01-02' AS d,
                timestamptz '2026-01-02 03:04:05Z' AS t`, [7]);

            isDeeply(row, { n: 7, j: { a: 1 }, d: '2026-01-02',
                            t: new Date('2026-01-02T03:04:05Z') });

            const db = await pg.createDatabase();

            await db.query('CREATE TABLE here (n int)');
            is(await db.value(`SELECT to_regclass('here') IS NULL`), false);
            is(await pg.value(`SELECT to_regclass('here') IS NULL`), true);
            is(psql(db.url(), 'SELECT current_database()'), db.name);
        });

    await test('parameters, and who may connect, change while it runs',
        async () => {
            await pg.set({ statement_timeout: '50ms' });

            await tap.until(3000, () => pg.query('SELECT pg_sleep(0.2)')
                .then(() => false, (e) => /statement timeout/.test(e.message)));

            await pg.set({ statement_timeout: '0' });
            await pg.access('host all realtime all reject');
            await tap.until(3000, () => /rejects/.test(psql(pg.url)));
            await pg.access();
            await tap.until(3000, () => psql(pg.url) === 'realtime');
        });
}


async function lives(pg) {
    await pg.query('CREATE TABLE kept AS SELECT 1 AS n');

    const kept = () => pg.value('SELECT sum(n) FROM kept');

    await test('stopped: refused; started again: as it was', async () => {
        await pg.kill('SIGINT');
        like(psql(pg.url), /Connection refused/);
        await pg.restart();
        is(await kept(), 1);
    });

    await test('restarted while it runs, at the same address', async () => {
        const { pid, url } = pg;

        await pg.restart();
        ok(pg.pid !== pid && !alive(pid), 'another process');
        is(pg.url, url, 'url');
        is(await kept(), 1);
    });

    await test('killed: what was committed is there', async () => {
        const children = [...pg.children(), pg.pid];

        await pg.query('INSERT INTO kept VALUES (2)');
        await pg.kill('SIGKILL');
        isDeeply(children.filter(alive), [], 'processes that are left');
        like(psql(pg.url), /Connection refused/);
        await pg.restart();
        is(await kept(), 3);
    });

    await test('hung: connections are accepted, and no answer comes',
        async () => {
            await pg.query('SELECT 1');
            await pg.kill('SIGSTOP');
            like(psql(pg.url), /timeout expired/);

            let answered = false;

            const answer = kept().then((n) => {
                answered = true;
                return n;
            });

            await tap.sleep(200);
            ok(!answered, 'no answer');
            await pg.kill('SIGCONT');
            is(await answer, 3);
        });
}


async function tls() {
    const pg = await postgres.start({ tls: 'only', name: 'PostgreSQL, TLS' });

    await test('TLS, with a certificate that can be verified', async () => {
        const url = (more, host = 'localhost') => pg.db.url(more)
            .replace('127.0.0.1', host);

        const verify = `sslmode=verify-full&sslrootcert=${pg.ca}`;
        const inUse = 'SELECT ssl FROM pg_stat_ssl '
                    + 'WHERE pid = pg_backend_pid()';

        is(psql(url(verify), inUse), 't', 'name');
        is(psql(url(verify, '127.0.0.1'), inUse), 't', 'address');
        like(psql(url('sslmode=disable')), /no encryption/, 'without');
        like(psql(url('sslmode=verify-full&sslrootcert=/etc/ssl/certs/'
                      + 'ca-certificates.crt')), /certificate verify failed/);
        is(await pg.value('SELECT 1 AS n'), 1, 'query()');
    });
}


async function bouncer(pg) {
    const pool = await postgres.startPgBouncer(pg, {
        conf: { default_pool_size: 2 }
    });

    await test('PgBouncer: one connection serves many clients', async () => {
        is(psql(pool.url), 'realtime', 'TCP');
        is(psql(pool.socketUrl), 'realtime', 'socket');

        const pids = new Set();

        for (let i = 0; i < 5; i++) {
            pids.add(psql(pool.url, 'SELECT pg_backend_pid()'));
        }

        is(pids.size, 1, 'backends');
    });

    await test('PgBouncer: killed, hung and started again', async () => {
        await pool.kill('SIGSTOP');
        like(psql(pool.url), /timeout expired/);
        await pool.kill('SIGCONT');
        is(psql(pool.url), 'realtime', 'again');
        await pool.kill();
        like(psql(pool.url), /Connection refused/);
        await pool.restart();
        is(psql(pool.url), 'realtime', 'started again');
    });
}


/* a test in a process of its own, that tells where its servers are */
const CHILD = `
    const postgres = require(${JSON.stringify(require.resolve(
        '../lib/postgres'))});
    const tap = require(${JSON.stringify(require.resolve('../lib/tap'))});

    tap.run(async () => {
        const pg = await postgres.start();
        const pool = await postgres.startPgBouncer(pg);

        if (process.argv[1] === 'stopped') {
            await pg.kill('SIGSTOP');
        }

        if (process.argv[1] === 'killed') {
            await pg.kill('SIGKILL');
        }

        process.stderr.write(JSON.stringify({
            dirs: [pg.dir, pool.dir],
            pids: [pg.pid, ...pg.children(), pool.pid]
        }) + '\\n');

        if (process.argv[1] === 'exits') {
            process.exit();
        }

        if (process.argv[1] !== 'ends') {
            await tap.sleep(100000);
        }
    });`;


function segments() {
    return fs.readFileSync('/proc/sysvipc/shm', 'utf8').split('\n').slice(1)
             .map((line) => line.trim().split(/\s+/))
             .filter(([key, , , , creator]) => key && creator)
             .map(([, id, , , creator]) => ({ id, creator: Number(creator) }));
}


async function nothingLeft(how, signal) {
    await test(`nothing is left of a test that ${how}`, async () => {
        const child = spawn(process.execPath, ['-e', CHILD, how], {
            stdio: ['ignore', 'ignore', 'pipe']
        });

        let text = '';

        child.stderr.on('data', (data) => { text += data; });
        await tap.until(30000, () => text.includes('}\n'), () => text);

        const { dirs, pids } = JSON.parse(text);

        if (signal) {
            child.kill(signal);
        }

        await tap.until(20000, () => !pids.some(alive) && child.exitCode
            !== undefined && !dirs.some((dir) => fs.existsSync(dir)),
            () => `${pids.filter(alive)} ${dirs.filter(fs.existsSync)}`);

        isDeeply(segments().filter((s) => pids.includes(s.creator)), [],
                 'shared memory');
    }, { timeout: 40000 });
}


tap.run(async () => {
    const pg = await postgres.start();

    await ways(pg);
    await lives(pg);
    await tls();
    await bouncer(pg);

    await nothingLeft('ends');
    await nothingLeft('exits');
    await nothingLeft('is killed', 'SIGKILL');
    await nothingLeft('stopped', 'SIGKILL');
    await nothingLeft('killed', 'SIGKILL');

    await test('the binaries are those that were asked for', async () => {
        const file = fs.readlinkSync(`/proc/${pg.pid}/exe`);

        ok(path.isAbsolute(file), file);
    });
}, { timeout: 180000 });
