#!/usr/bin/env node
'use strict';

/*
 * The database goes away, in every way that databases do, and comes back while
 * users talk: they do not notice, and all that they said is there, once and in
 * order.
 *
 * REALTIME_CLIENTS  so many users, 1000 for example; else 60, and a few where
 *                   it takes no more
 * REALTIME_PACE     ms between two of all messages
 */

const { spawn, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { start: nginx } = require('../lib/fixture');
const postgres = require('../lib/postgres');
const { Crowd } = require('../lib/talk');
const tap = require('../lib/tap');
const tokens = require('../lib/tokens');

const { is, isDeeply, like, ok, sleep, until } = tap;

const CLIENTS = Number(process.env.REALTIME_CLIENTS || 60);
const FEW = Math.max(12, Math.floor(CLIENTS / 10));

const PACE = Number(process.env.REALTIME_PACE || 5);

/* how long it takes until rows are written again, at most, ms */
const PATIENCE = 40000;

/* lines of the error log about one outage: nobody reads more */
const LINES = 6;

/* longer than these, ms */
const STATEMENT = 1000;
const OUTAGE = 1500;
const HUNG = 4500;

/* a queue, and how much of it may be left when it is full, bytes */
const QUEUE = 262144;
const PAD = 4000;

/* users with messages that are missing, there twice, or not in order */
const WRONG = `
    SELECT user_id, count(*) AS rows, count(DISTINCT m) AS messages,
           max(m) AS last, bool_and(ordered) AS ordered
    FROM (SELECT user_id, (data->>'content')::int AS m,
                 COALESCE(created_at >= lag(created_at) OVER o
                          AND x >= lag(x) OVER o, true) AS ordered
          FROM (SELECT *, xmin::text::bigint AS x FROM realtime_events
                WHERE type = 'message') AS e
          WINDOW o AS (PARTITION BY user_id
                       ORDER BY (data->>'content')::int)) AS m
    GROUP BY user_id ORDER BY user_id`;


function quantile(sorted, q) {
    const at = Math.min(sorted.length - 1, Math.floor(sorted.length * q));

    return sorted.length ? sorted[at].toFixed(1) : '-';
}


function figures(what, { times }) {
    return `${what}: ${times.length} messages, median `
           + `${quantile(times, 0.5)} ms, p99 ${quantile(times, 0.99)} ms`;
}


function sum(said) {
    return Object.values(said).reduce((a, b) => a + b, 0);
}


/* a database, an nginx that writes there, and users who talk */
class Scene {

    static async start(name, pg, opts = {}) {
        const scene = new Scene();
        const { url = pg.url, clients = FEW, queue = '16m' } = opts;

        scene.name = name;
        scene.pg = pg;

        scene.nginx = await nginx('chat', {
            name, workers: 2, reuseport: true,
            http: `realtime_postgres "${url}";
                   realtime_postgres_pool connect=1s queue=${queue}
                                          statement=${STATEMENT}ms;`,
            directives: `realtime_jwt_secret "${tokens.SECRET}";
                         realtime_log_event_types message;`
        });

        scene.crowd = await Crowd.start(scene.nginx, {
            clients, pace: opts.pace || PACE, pad: opts.pad
        });

        return scene;
    }

    /* what the error log says of the database since the last time */
    lines() {
        const text = fs.readFileSync(path.join(this.nginx.dir, 'error.log'),
                                     'utf8');
        const lines = text.slice(this.at || 0).split('\n')
            .filter((line) => line.includes('realtime postgres'));

        this.at = text.length;

        return lines;
    }

    /* as many rows as messages, or what is missing */
    async written(n) {
        let rows;

        await until(PATIENCE, async () => {
            try {
                rows = await this.pg.value(`SELECT count(*)
                    FROM realtime_events WHERE type = 'message'`);

            } catch (e) {
                rows = e.message;
            }

            return rows >= n;

        }, () => `${rows} of ${n} messages are there:\n`
                 + this.lines().join('\n'));
    }

    /* each message is there once and in order */
    async complete({ said }) {
        await this.written(sum(said));

        const rows = new Map((await this.pg.query(WRONG))
            .map((row) => [row.user_id, row]));

        /* of many not everybody has said something yet */
        const all = Object.entries(said).filter(([, n]) => n > 0);

        for (const [id, n] of all) {
            isDeeply(rows.get(id), {
                user_id: id, rows: n, messages: n, last: n, ordered: true
            }, `messages of ${id}`);
        }

        is(rows.size, all.length, 'users');
    }

    async calm(ms, what) {
        await this.crowd.figures();
        await sleep(ms);

        const now = await this.crowd.figures();

        tap.diag(`${this.name}: ${figures(what, now)}`);
        isDeeply(now.wrong, [], 'messages that went wrong');
        is(now.gone, 0, 'users who were disconnected');

        return now;
    }

    /*
     * "bad" is done and, after "ms", "good"; meanwhile and later all goes on
     * as if nothing were.  "says" and "over" are lines of the error log, which
     * may have begun before when it is "early".
     */
    outage(name, { bad, good, ms = OUTAGE, says, over = /^connected$/,
                   early = false })
    {
        return tap.test(`${this.name}: ${name}`, async () => {
            if (!early) {
                this.lines();
            }

            await this.crowd.talk();
            await this.calm(400, `before: ${name}`);
            await bad();

            try {
                const { times } = await this.calm(ms, `during: ${name}`);

                ok(times.length > 0, 'messages during the outage');

            } finally {
                await good();
            }

            await this.calm(300, `after: ${name}`);
            await this.crowd.rest();
            await this.complete(await this.crowd.figures());

            this.explained(says, over);

        }, { timeout: 120000 });
    }

    explained(says, over) {
        const lines = this.lines().map((line) => line.replace(
            /^.*realtime postgres \S+ ?(?=\S)/, ''));

        const all = lines.join('\n');

        is(lines.filter((l) => says.test(l)).length, 1,
           `one line ${says} in\n${all}\n, number`);
        is(lines.filter((l) => over.test(l)).length, 1,
           `one line ${over} in\n${all}\n, number`);
        ok(over.test(lines[lines.length - 1]), `it comes last:\n${all}`);
        ok(lines.length <= LINES, `not more than ${LINES} lines:\n${all}`);
    }
}


/* as many are for superusers as nginx has, and more */
const ALONE = { conf: { autovacuum: 'off', max_connections: 20,
                        superuser_reserved_connections: 8 } };

/* nginx's connection ends now */
function sever(client) {
    return client.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                         WHERE application_name = 'ngx_http_realtime'`);
}


async function deaths(scene) {
    const { pg } = scene;

    await scene.outage('it is stopped, and started', {
        bad: async () => {
            await pg.closePools();
            await pg.halt();
        },
        good: () => pg.launch(),
        says: /refused.*; check that the server runs and listens/
    });

    await scene.outage('it is killed, and started', {
        bad: async () => {
            await pg.closePools();
            await pg.kill();
        },
        good: () => pg.restart(),
        says: /refused.*; check that the server runs and listens/
    });

    await scene.outage('it hangs, and goes on', {
        ms: HUNG,
        bad: () => pg.kill('SIGSTOP'),
        good: () => pg.kill('SIGCONT'),
        says: /connection lost: no answer in time/
    });
}


async function refusals(scene) {
    const { pg } = scene;
    const admin = await pg.client('postgres');
    const full = [];

    await scene.outage('pg_hba.conf lets nobody in', {
        bad: async () => {
            await pg.access('host all realtime 127.0.0.1/32 reject');
            await sleep(200);
            await sever(admin);
        },
        good: () => pg.access(),
        says: /pg_hba\.conf of the server has to let this host and user in/
    });

    await scene.outage('all connections are used up', {
        bad: async () => {
            await pg.closePools();

            for (let i = 0; i < 30; i++) {
                try {
                    full.push(await pg.client('postgres'));

                } catch (e) {
                    break;
                }
            }

            /* what nginx had is for superusers now */
            await sever(full[0]);
        },
        good: () => Promise.all(full.map((c) => c.end())),
        says: /; raise max_connections of the server/
    });

    await scene.outage('the database has another name', {
        bad: async () => {
            await pg.db.close();
            await pg.admin('ALTER DATABASE realtime ALLOW_CONNECTIONS false');
            await pg.admin(`SELECT pg_terminate_backend(pid)
                            FROM pg_stat_activity WHERE datname = 'realtime'`);
            await sleep(300);
            await pg.admin('ALTER DATABASE realtime RENAME TO other');
        },
        good: async () => {
            await pg.admin('ALTER DATABASE other RENAME TO realtime');
            await pg.admin('ALTER DATABASE realtime ALLOW_CONNECTIONS true');
        },
        says: /; create the database, or check its name in the URL/
    });
}


const AGAIN = /^rows are written again$/;

/* a small disk; undefined where nobody may mount one */
function disk(pg) {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'realtime-disk-'));

    const mounted = process.getuid() === 0 && spawnSync('mount',
        ['-t', 'tmpfs', '-o', 'size=16m,mode=777', 'realtime', dir])
        .status === 0;

    if (!mounted) {
        fs.rmdirSync(dir);
        return undefined;
    }

    pg.give(dir);

    /* also when the test is killed */
    const guard = spawn('/bin/sh', ['-c', 'read x; umount -l "$1"; rmdir "$1"',
                                    'guard', dir], {
        stdio: ['pipe', 'ignore', 'ignore'], detached: true
    });

    return {
        dir,
        fill() {
            const file = path.join(dir, 'full');

            spawnSync('dd', ['if=/dev/zero', `of=${file}`, 'bs=4k']);
        },
        empty() {
            fs.rmSync(path.join(dir, 'full'));
        },
        remove() {
            return new Promise((resolve) => {
                guard.on('exit', resolve);
                guard.stdin.end();
            });
        }
    };
}


async function troubles(scene) {
    const { pg } = scene;
    let locker;

    await scene.outage('the tables are missing, and come', {
        early: true,
        bad: () => {},
        good: () => pg.apply(),
        says: /rows wait, they cannot be written: .*: run "realtimectl init"/,
        over: AGAIN
    });

    await scene.outage('a table is locked', {
        ms: 3000,
        bad: async () => {
            locker = await pg.client();
            await locker.query(`BEGIN; LOCK TABLE realtime_events
                                IN ACCESS EXCLUSIVE MODE`);
        },
        good: () => locker.query('ROLLBACK'),
        says: /statement timeout.*: raise the statement timeout/,
        over: AGAIN
    });

    await scene.outage('a right is taken away, and given', {
        bad: () => pg.query('REVOKE INSERT ON realtime_events FROM realtime'),
        good: () => pg.query('GRANT INSERT ON realtime_events TO realtime'),
        says: /permission denied.*: GRANT the rights to the user of the URL/,
        over: AGAIN
    });
}


async function space(scene) {
    const { pg } = scene;
    const small = disk(pg);

    if (small) {
        tap.cleanup(() => small.remove());
        await pg.admin(`CREATE TABLESPACE small LOCATION '${small.dir}'`);
        await pg.admin('ALTER TABLE realtime_events SET TABLESPACE small', [],
                       'realtime');

    } else {
        await pg.query(`CREATE FUNCTION full_disk() RETURNS trigger
            LANGUAGE plpgsql AS $$ BEGIN
                RAISE EXCEPTION USING ERRCODE = 'disk_full';
            END $$`);
    }

    await scene.outage(small ? 'the disk is full'
                             : 'the disk is full, as a trigger says', {
        bad: () => (small ? small.fill() : pg.query(`CREATE TRIGGER full_disk
            BEFORE INSERT ON realtime_events EXECUTE FUNCTION full_disk()`)),
        good: () => (small ? small.empty()
                           : pg.query('DROP TRIGGER full_disk ON '
                                      + 'realtime_events')),
        ms: 3000,
        says: /53100\): the server's disk is full/,
        over: AGAIN
    });

    if (small) {
        await pg.admin('ALTER TABLE realtime_events SET TABLESPACE pg_default',
                       [], 'realtime');
        await pg.admin('DROP TABLESPACE small');
    }
}


/* it takes longer than the queue */
async function overflow(pg) {
    const scene = await Scene.start('a small queue', pg, {
        clients: 12, queue: QUEUE, pad: PAD
    });

    await tap.test('a small queue: what does not fit is dropped', async () => {
        let rows = 0;

        await scene.crowd.talk();
        await sleep(500);
        await scene.crowd.rest();

        const before = await scene.crowd.figures();

        await scene.complete(before);
        await pg.closePools();
        await pg.halt();

        await scene.crowd.talk();
        await until(20000, () => {
            return scene.nginx.errorLog().includes('were dropped');
        }, 'what is dropped is said');

        await scene.calm(500, 'while rows are dropped');
        await scene.crowd.rest();

        const during = await scene.crowd.figures();

        await pg.launch();
        await until(PATIENCE, async () => {
            const now = await scene.pg.value('SELECT count(*) '
                                             + 'FROM realtime_events');
            const same = now === rows && now > sum(before.said);

            rows = now;
            await sleep(300);

            return same;
        }, 'what waited is written');

        /* it is all as it was before */
        await scene.crowd.talk();
        await sleep(500);
        await scene.crowd.rest();

        const after = await scene.crowd.figures();
        const late = sum(after.said) - sum(during.said);

        isDeeply(after.wrong, [], 'messages that went wrong');
        is(after.gone, 0, 'users who were disconnected');
        await scene.written(rows + late);
        await holes(scene, before, during, after);

        const kept = rows - sum(before.said);

        ok(kept * PAD > QUEUE * 0.9, `${kept} rows fit into the queue`);
        await scene.nginx.quit();

        const said = scene.lines().filter((l) => l.includes('were dropped'));
        const total = Number(/ (\d+) in all/.exec(said[said.length - 1])[1]);

        is(rows + late + total, sum(after.said),
           `written and dropped (${said.join('\n')})`);
        ok(said.length <= 2, `lines about it:\n${said.join('\n')}`);
        like(said[0], /raise "queue" of realtime_postgres_pool/, 'a remedy');

        tap.diag(`a small queue: ${kept} rows waited, ${total} were dropped`);

    }, { timeout: 120000 });
}


/* nothing is there twice, and nothing is missing from before and from after */
async function holes({ pg }, before, during, after) {
    const rows = await pg.query(`SELECT user_id, (data->>'content')::int AS m
                                 FROM realtime_events ORDER BY 1, 2`);

    for (const [id, last] of Object.entries(after.said)) {
        const there = rows.filter((r) => r.user_id === id).map((r) => r.m);
        const set = new Set(there);

        is(set.size, there.length, `rows of ${id}`);

        for (let m = 1; m <= last; m++) {
            if (m <= before.said[id] || m > during.said[id]) {
                ok(set.has(m), `message ${m} of ${id}`);
            }
        }

        /* what was said before the queue was full: the first ones */
        const missing = there.findIndex((m, i) => m !== i + 1);

        ok(missing === -1 || missing > before.said[id],
           `the first hole of ${id}`);
    }
}


async function pooler(pg) {
    const bouncer = await postgres.startPgBouncer(pg);

    /* of users with the same names */
    await pg.query('TRUNCATE realtime_events');

    const scene = await Scene.start('PgBouncer', pg, { url: bouncer.url });

    await scene.outage('PgBouncer is stopped, and started', {
        bad: () => bouncer.halt('SIGTERM'),
        good: () => bouncer.launch(),
        says: /refused.*; check that the server runs and listens/
    });

    await scene.outage('the database behind it is', {
        ms: 3000,
        bad: async () => {
            await pg.closePools();
            await pg.halt();
        },
        good: () => pg.launch(),
        says: /(connection lost|no connection|rows wait)/,
        over: /^(connected|rows are written again)$/
    });

    await scene.crowd.close();
}


async function encrypted(pg) {
    await pg.query('TRUNCATE realtime_events');

    const scene = await Scene.start('TLS', pg, {
        url: pg.db.url(`sslmode=verify-full&sslrootcert=${pg.ca}`)
    });

    await scene.outage('it is stopped, and started', {
        bad: async () => {
            await pg.closePools();
            await pg.halt();
        },
        good: () => pg.launch(),
        says: /refused.*; check that the server runs and listens/
    });

    await refusals(scene);
    await scene.crowd.close();
}


async function first() {
    const pg = await postgres.start(ALONE);

    await pg.apply();

    const scene = await Scene.start('many', pg, { clients: CLIENTS });

    await deaths(scene);
    await scene.crowd.close();
    await pooler(pg);
}


async function second() {
    const pg = await postgres.start(ALONE);
    const scene = await Scene.start('troubles', pg);

    await troubles(scene);
    await space(scene);
    await scene.crowd.close();
}


async function third() {
    const pg = await postgres.start({ ...ALONE, tls: 'only' });

    await pg.apply();
    await overflow(pg);
    await encrypted(pg);
}


tap.run(() => Promise.all([first(), second(), third()]));
