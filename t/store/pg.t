#!/usr/bin/env node
'use strict';

/*
 * One connection to PostgreSQL inside of nginx, in the hands of the probe: a
 * module that does as the request says.
 */

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { dns } = require('../lib/dns');
const { request } = require('../lib/http');
const postgres = require('../lib/postgres');
const server = require('../lib/server');
const { cleanup, group, is, isDeeply, like, ok, run, sleep, test,
        until } = require('../lib/tap');

const TOP = path.resolve(__dirname, '..', '..');

const PROBE = path.join(path.dirname(server.MODULE),
                        'ngx_http_realtime_probe_module.so');


function build() {
    const file = path.relative(TOP, PROBE);
    const res = spawnSync('make', ['-s', file], { cwd: TOP });

    if (res.status !== 0) {
        throw new Error(`make ${file}: ${res.stderr}`);
    }
}


function options(url, more = '', http = '') {
    return {
        main: `load_module ${PROBE};`,
        http: `client_body_buffer_size 1m; ${http}
               probe_postgres "${url}" ${more};`,
        locations: 'location = /pg { probe; }'
    };
}


class Probe {

    constructor(nginx) {
        this.nginx = nginx;
    }

    static async start(url, more, http, extra) {
        return new Probe(await server.start({
            ...options(url, more, http), ...extra
        }));
    }

    async ask(args, lines) {
        const res = await request(this.nginx.port, {
            path: `/pg${args && `?${args}`}`,
            method: lines ? 'POST' : 'GET',
            body: lines && lines.join('\n')
        });

        is(res.status, 200, 'status');

        return String(res.body).trimEnd().split('\n').map((l) => l.trimEnd());
    }

    /* answers, a line for each query */
    send(...lines) {
        return this.ask('', lines);
    }

    async state(args = 'state') {
        return Object.fromEntries((await this.ask(args)).map((line) => {
            const at = line.indexOf('=');

            return [line.slice(0, at), line.slice(at + 1)];
        }));
    }

    async reaches(state, ms = 5000) {
        let now;

        await until(ms, async () => {
            now = await this.state();
            return now.state === state;
        }, () => `state ${state}: ${JSON.stringify(now)}`);

        return now;
    }

    log(re) {
        return this.nginx.errorLog().split('\n').filter((l) => re.test(l));
    }
}


async function queries(probe, pg) {
    await test('results come in order', async () => {
        isDeeply(await probe.send('SELECT 1', 'SELECT $1::text\ttwo', ';',
                                  'SELECT 3', 'SELECT 4 WHERE false'),
                 ['OK 1 1', 'OK 1 two', 'OK 1 3', 'OK 0']);
    });

    await test('a refusal undoes its segment and no other', async () => {
        await pg.query('CREATE TABLE IF NOT EXISTS t (a int PRIMARY KEY)');

        isDeeply(await probe.send('INSERT INTO t VALUES (1)', ';',
            'INSERT INTO t VALUES (2)', 'INSERT INTO t VALUES (1)',
            'INSERT INTO t VALUES (3)', ';', 'INSERT INTO t VALUES (4)'), [
            'OK 0', 'ABORT',
            'DECLINED 23505 duplicate key value violates unique constraint'
            + ' "t_pkey"|', 'ABORT', 'OK 0'
        ]);

        isDeeply(await pg.query('SELECT a FROM t ORDER BY a'),
                 [{ a: 1 }, { a: 4 }]);
    });

    await test('a commit that fails is a refusal', async () => {
        await pg.query('CREATE TABLE IF NOT EXISTS d'
                       + ' (a int UNIQUE DEFERRABLE INITIALLY DEFERRED)');

        const [one, two] = await probe.send('INSERT INTO d VALUES (1)',
                                            'INSERT INTO d VALUES (1)');

        is(one, 'ABORT');
        like(two, /^DECLINED 23505/);
        isDeeply(await probe.send('SELECT count(*) FROM d'), ['OK 1 0']);
    });

    await test('values do not get into messages, remedies do', async () => {
        isDeeply(await probe.send('SELECT $1::int\tsecret', ';',
                                  'SELECT * FROM nowhere'), [
            'DECLINED 22P02 a value does not fit its type|',
            'DECLINED 42P01 relation "nowhere" does not exist|run "realtimectl'
            + ' init"'
        ]);
    });

    await test('COPY ends the connection, not the worker', async () => {
        isDeeply(await probe.send('COPY t TO STDOUT'), ['ERROR']);
        await probe.reaches('ready');
    });

    await test('parameters and results of 5 MB', async () => {
        isDeeply(await probe.send('SELECT length($1::text)\t*5000000', ';',
            'SELECT length(repeat($1, 5000000)), repeat($1, 5000000)\ty'),
                 ['OK 1 5000000', 'OK 1 5000000']);
    }, { timeout: 30000 });

    await test('forgotten queries are executed and leave no trace', async () => {
        isDeeply(await probe.ask('forget', ['INSERT INTO t VALUES (10)',
                                            'SELECT pg_sleep(0.2)']),
                 ['FORGOTTEN', 'FORGOTTEN']);
        isDeeply(await probe.send('SELECT count(*) FROM t WHERE a = 10'),
                 ['OK 1 1']);
    });

    await test('many at once', async () => {
        const all = await Promise.all(Array.from({ length: 50 }, (v, i) =>
            probe.send(`SELECT ${i}`, ';', `SELECT ${i} + 1000`)));

        all.forEach((lines, i) => {
            isDeeply(lines, [`OK 1 ${i}`, `OK 1 ${i + 1000}`]);
        });
    });
}


async function losses(probe, pg) {
    await test('the server\'s end of a session, with its reason', async () => {
        const sleeping = probe.send('SELECT 1', 'SELECT pg_sleep(30)');

        await until(5000, () => pg.admin(`SELECT pg_terminate_backend(pid)
            FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'`)
            .then((rows) => rows.length), 'a session to end');

        isDeeply(await sleeping, ['ERROR', 'ERROR']);
        like((await probe.state()).reason, /terminating connection due to adm/);
        await probe.reaches('ready');
    });

    await test('what was answered before the end counts', async () => {
        isDeeply(await probe.send('SELECT 1', ';',
            'SELECT pg_terminate_backend(pg_backend_pid())'),
                 ['OK 1 1', 'ERROR']);
        await probe.reaches('ready');
    });

    await test('a server that is killed, and is back', async () => {
        const sleeping = probe.send('SELECT pg_sleep(30)');

        await until(5000, async () => (await probe.state()).busy === '1',
                    'a query under way');

        pg.killed = true;
        await pg.kill();
        isDeeply(await sleeping, ['ERROR']);

        await until(5000, async () => (await probe.state()).downs > 8,
                    'some attempts');

        const lines = probe.log(/\[error\].*realtime postgres/);
        const refused = lines.filter((line) => /refused/.test(line));

        is(refused.length, 1, `one line of it: ${lines}`);
        like(refused[0], /127\.0\.0\.1:\d+\/realtime: no connection: .*; check/);

        const later = probe.send('SELECT 1');

        await pg.restart();
        isDeeply(await later, ['OK 1 1']);
        ok(probe.log(/\[notice\].*postgres .*: connected/).length, 'told');
    }, { timeout: 30000 });

    await test('a server that hangs: the timers end it', async () => {
        await pg.signal('SIGSTOP', [pg.pid, ...pg.children()]);
        cleanup(() => pg.signal('SIGCONT', [pg.pid, ...pg.children()]));

        const t = Date.now();

        isDeeply(await probe.send('SELECT 1'), ['ERROR']);
        ok(Date.now() - t > 1000, 'not before its time');
        like((await probe.state()).reason, /no answer in time/);

        await until(5000, async () => /no connection in time/.test(
            (await probe.state()).reason), 'no connection');

        await pg.signal('SIGCONT', [pg.pid, ...pg.children()]);
        await probe.reaches('ready', 10000);
        isDeeply(await probe.send('SELECT 1'), ['OK 1 1']);
    }, { timeout: 30000 });
}


async function ends(pg) {
    await test('reload and quit with queries under way', async () => {
        const probe = await Probe.start(pg.db.url(), 'statement=20000');

        await probe.reaches('ready');

        const one = probe.send('SELECT pg_sleep(1)', 'SELECT 5');

        await sleep(100);
        await probe.nginx.reload();
        isDeeply(await one, ['OK 1', 'OK 1 5']);
        isDeeply(await probe.send('SELECT 6'), ['OK 1 6']);

        void probe.ask('forget', ['SELECT pg_sleep(1)',
            'INSERT INTO t VALUES (20)']).catch(() => {});
        await sleep(200);
        await probe.nginx.quit();
        is(await pg.value('SELECT count(*) FROM t WHERE a = 20'), 1,
           'what was under way');
    }, { timeout: 30000 });

    await test('closed for good', async () => {
        const probe = await Probe.start(pg.db.url());

        await probe.reaches('ready');

        const one = probe.send('SELECT pg_sleep(5)');

        await until(5000, async () => (await probe.state()).busy === '1',
                    'a query under way');
        is((await probe.state('close')).state, 'closed');
        isDeeply(await one, ['ERROR']);
        isDeeply(await probe.ask('now', ['SELECT 1']), ['AGAIN']);
    });

    await test('idle: closed, opened at the next query', async () => {
        const probe = await Probe.start(pg.db.url(), 'idle=200');

        await probe.reaches('ready');
        await probe.reaches('idle');
        isDeeply(await probe.send('SELECT 1'), ['OK 1 1']);
        is((await probe.state()).downs, '0');
        isDeeply(probe.log(/\[error\]/), []);
    });
}


async function ways(pg) {
    await test('Unix socket, notifications', async () => {
        const probe = await Probe.start(pg.db.socketUrl());

        isDeeply(await probe.send('LISTEN chan', ';',
            "SELECT pg_notify('chan', 'own')"), ['OK 0', 'OK 1']);
        await until(2000, async () => (await probe.state()).note === 'chan:own',
                    'our own');
        await pg.query("SELECT pg_notify('chan', 'other')");
        await until(2000, async () =>
            (await probe.state()).note === 'chan:other', 'another one');
    });

    await test('PgBouncer, by transaction', async () => {
        const bouncer = await postgres.startPgBouncer(pg);
        const probe = await Probe.start(bouncer.url, 'statement=500');

        isDeeply((await probe.send('SELECT 1', 'SELECT 2', ';',
            'SELECT pg_sleep(2)', ';', 'SHOW statement_timeout'))
            .map((line) => line.slice(0, 14)),
                 ['OK 1 1', 'OK 1 2', 'DECLINED 57014', 'OK 1 500ms']);

        const direct = await pg.client();

        is((await direct.query('SHOW statement_timeout')).rows[0]
            .statement_timeout, '0');

        const sleeping = probe.send('SELECT pg_sleep(0.3)');

        await sleep(50);
        await bouncer.restart();
        ok(['ERROR', 'OK 1'].includes((await sleeping)[0]), 'some answer');
        await probe.reaches('ready');
        isDeeply(await probe.send('SELECT 1'), ['OK 1 1']);
    }, { timeout: 30000 });

    await test('several hosts: the first one refuses', async () => {
        const url = `postgresql://realtime:${pg.password}@127.0.0.1:1,`
                    + `127.0.0.1:${pg.port}/realtime`;

        const probe = await Probe.start(url);

        isDeeply(await probe.send('SELECT 1'), ['OK 1 1']);
        is((await probe.state()).downs, '0');
    });

    await test('a wrong password is told once, with a remedy', async () => {
        const probe = await Probe.start(
            `postgresql://realtime:sEcReT@127.0.0.1:${pg.port}/realtime`);

        await until(5000, async () => (await probe.state()).downs > 3, 'tries');

        const lines = probe.log(/\[error\]/);

        is(lines.length, 1);
        like(lines[0], /password authentication failed.*; check user and pass/);
        ok(!/sEcReT/.test(probe.nginx.errorLog()), 'no password');
    });

    await test('output over its limit waits', async () => {
        const probe = await Probe.start(pg.db.url(), 'output=100000');
        const many = Array.from({ length: 40 }, () =>
            probe.send('SELECT pg_sleep(0.01), length($1::text)\t*400000'));

        for (const [line] of await Promise.all(many)) {
            is(line, 'OK 1');
        }

        ok((await probe.state()).drains > 0, 'it had to wait');
    }, { timeout: 60000 });
}


async function names(pg) {
    const url = (host) => `postgresql://realtime:${pg.password}@${host}:`
                          + `${pg.port}/realtime`;

    await test('localhost, without a resolver', async () => {
        const probe = await Probe.start(url('localhost'));

        isDeeply(await probe.send('SELECT 1'), ['OK 1 1']);
    });

    await test('a name that only the resolver knows', async () => {
        const zone = await dns('');
        const probe = await Probe.start(url('db.realtime.invalid'), '',
            `resolver 127.0.0.1:${zone.port} valid=1s ipv6=off;
             resolver_timeout 1s;`);

        like(probe.nginx.errorLog(), /\[warn\].*"db.realtime.invalid" cannot/);
        await until(5000, async () => /cannot be resolved/.test(
            (await probe.state()).reason), 'a failure');

        zone.address = '127.0.0.1';
        await probe.reaches('ready');
        isDeeply(await probe.send('SELECT 1'), ['OK 1 1']);
    });

    await test('a name that nobody knows', async () => {
        const probe = await Probe.start(url('db.realtime.invalid'));

        await until(5000, async () => /cannot be resolved/.test(
            (await probe.state()).reason), 'a failure');
        is(probe.log(/\[error\]/).length, 1);
    });
}


/* the status of an answer over TLS */
function https(socketPath) {
    return new Promise((resolve, reject) => {
        const { request: ask } = require('node:https');

        ask({ socketPath, path: '/pg?state', rejectUnauthorized: false },
            (res) => res.resume().on('end', () => resolve(res.statusCode)))
            .on('error', reject).end();
    });
}


async function tls() {
    const pg = await postgres.start({ tls: 'only', name: 'with TLS' });
    const stranger = path.join(pg.dir, 'stranger.pem');

    spawnSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes',
        '-subj', '/CN=stranger', '-keyout', '/dev/null', '-out', stranger]);

    const url = (host, ca) => `postgresql://realtime:${pg.password}@${host}:`
        + `${pg.port}/realtime?sslmode=verify-full&sslrootcert=${ca}`;

    await test('verify-full, by the name, at an address', async () => {
        const probe = await Probe.start(url('localhost', pg.ca));

        isDeeply(await probe.send('SELECT ssl FROM pg_stat_ssl WHERE pid ='
            + ' pg_backend_pid()', 'SELECT length($1::text)\t*5000000', ';',
            'SELECT 1, repeat($1, 5000000)\ty'),
                 ['OK 1 t', 'OK 1 5000000', 'OK 1 1']);
        await queries(probe, pg);
    }, { timeout: 60000 });

    const other = `host=other.invalid hostaddr=127.0.0.1 port=${pg.port}`
        + ` user=realtime password=${pg.password} dbname=realtime`
        + ` sslmode=verify-full sslrootcert=${pg.ca}`;

    for (const [name, where, expected] of [
        ['authority', url('localhost', stranger),
            /certificate verify failed.*; check sslrootcert/],
        ['name', other, /server certificate for "localhost".*; the host of/]])
    {
        await test(`the wrong ${name}`, async () => {
            const socket = path.join(pg.dir, `https.${name}`);

            const probe = await Probe.start(where, '', '', {
                server: `listen unix:${socket} ssl;
                         ssl_certificate ${pg.ca};
                         ssl_certificate_key ${path.join(pg.dir, 'server.key')};`
            });

            /* nginx looks into the same queue of errors as libpq */
            await until(5000, async () => {
                is(await https(socket), 200, 'status');
                return (await probe.state()).downs > 4;
            }, 'failures');

            like(probe.log(/\[error\]/).join(' '), expected);
        });
    }
}


/* the configuration */
async function conf() {
    const bad = [
        ['http://a/b', /is not a PostgreSQL URL/],
        ['postgresql://u:pass@h:99999/d', /port that is not/],
        ['postgresql://u:pa/ss@h/d', /"@" too many/],
        ['postgresql://u:pa/ss', /port that is not/],
        ['postgresql://u:pa@ss@h/d', /"@" too many/],
        ['postgresql://u:pa%zzss@h/d', /two hex digits/],
        ['postgresql://u:pass@h/d?nonsense=1', /does not know/],
        ['host=h nonsense=1 password=pass', /does not know/],
        ['postgresql://u:pass@h:1,h:2,h:3,h:x/d', /port that is not/],
        ['host=a,b,c port=1,2', /one port for each/],
        ['service=x', /service/]
    ];

    for (const [url, expected] of bad) {
        await test(`refused: ${url}`, async () => {
            const res = server.check(options(url));

            is(res.code, 1, 'exit code');
            like(res.output, /\[emerg\].*"probe_postgres" .*expected is post/);
            like(res.output, expected);
            ok(!/pass|pa\/ss|pa@ss/.test(res.output.replace(/:password@/, '')),
               'no password');
        });
    }

    const good = ['postgresql://', 'postgres://h.invalid', 'host=/tmp dbname=x',
                  'postgresql://u:p@[::1]:5433/d?sslmode=require',
                  'host=127.0.0.1,::1 port=1,2', 'host=127.0.0.1,::1 port=1'];

    for (const url of good) {
        await test(`taken: ${url}`, async () => {
            const res = server.check(options(url));

            is(res.code, 0, res.output);
        });
    }
}


run(async () => {
    build();

    await group('configuration', conf);

    const pg = await postgres.start();
    const probe = await Probe.start(pg.db.url(), 'statement=1000 connect=500');

    await group('queries', () => queries(probe, pg));
    await group('ends', () => ends(pg));
    await group('ways', () => ways(pg));
    await group('names', () => names(pg));
    await group('TLS', tls);
    await group('losses', () => losses(probe, pg));
});
