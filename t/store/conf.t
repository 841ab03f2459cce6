#!/usr/bin/env node
'use strict';

/*
 * The database in the configuration: what is wrong is said in one line, with
 * what would be right and never with the password, and a server whose database
 * is not to be had serves all the same.
 */

const fs = require('node:fs');
const { start: nginx } = require('../lib/fixture');
const { done, guest, join, refused, user } = require('../lib/people');
const postgres = require('../lib/postgres');
const { check } = require('../lib/server');
const tap = require('../lib/tap');
const tokens = require('../lib/tokens');

const { is, isDeeply, like, ok, sleep, test, until } = tap;

/* in no message, whatever is wrong */
const PASSWORD = 'hemlich-Q7x!';
const ENCODED = 'hemlich-Q7x%21';

const URL = `postgresql://me:${ENCODED}@127.0.0.1:5432/db`;

/* many attempts, and nothing new to say, ms */
const QUIET = 5000;

const LOCATION = `
    location /socket.io/ {
        realtime on;
        realtime_allow_anonymous on;
    }`;

const EXPECTED = /expected is postgresql:\/\/user:password@host:port\/dbname/;


function url(text) {
    return `realtime_postgres "${text}";`;
}


function pool(text) {
    return `${url(URL)} realtime_postgres_pool ${text};`;
}


/* [what, directives of http{}, what is said, expected is said, too] */

const ERRORS = [
    ['another scheme', url(`mysql://me:${ENCODED}@127.0.0.1/db`),
     /realtime_postgres is not a PostgreSQL URL/, EXPECTED],
    ['no scheme', url(`me:${ENCODED}@127.0.0.1/db`),
     /realtime_postgres is not a PostgreSQL URL/, EXPECTED],
    ['nothing', url(''), /realtime_postgres is not a PostgreSQL URL/, EXPECTED],
    ['port 0', url(`postgresql://me:${ENCODED}@127.0.0.1:0/db`),
     /realtime_postgres has a port that is not a number from 1 to 65535/,
     EXPECTED],
    ['port 65536', url(`postgresql://me:${ENCODED}@127.0.0.1:65536/db`),
     /realtime_postgres has a port that is not a number from 1 to 65535/,
     EXPECTED],
    ['a port of letters', url(`postgresql://me:${ENCODED}@127.0.0.1:x/db`),
     /realtime_postgres has a port that is not a number from 1 to 65535/,
     EXPECTED],
    ['a password with a slash', url(`postgresql://me:${PASSWORD}/@h/db`),
     /realtime_postgres has/, EXPECTED],
    ['a password with an @', url(`postgresql://me:${PASSWORD}@x@h/db`),
     /realtime_postgres has an "@" too many/, EXPECTED],
    ['a password with a %', url(`postgresql://me:${PASSWORD}%@h/db`),
     /realtime_postgres has a "%" that is not followed by two hex digits/,
     EXPECTED],
    ['an unknown parameter', url(`${URL}?${ENCODED}=1`),
     /realtime_postgres has a parameter that libpq does not know/, EXPECTED],
    ['an unknown keyword', url(`host=h password=${PASSWORD} sslmod=require`),
     /realtime_postgres has a parameter that libpq does not know/, EXPECTED],
    ['keywords without an end', url(`host=h password='${PASSWORD}`),
     /realtime_postgres cannot be parsed/, EXPECTED],
    ['a service', url(`service=x password=${PASSWORD}`),
     /realtime_postgres names a service/, EXPECTED],
    ['two hosts, three ports',
     url(`postgresql://me:${ENCODED}@/db?host=a,b&port=1,2,3`),
     /realtime_postgres has not one port for each host/, EXPECTED],
    ['realtime_postgres twice', `${url(URL)} ${url(URL)}`,
     /"realtime_postgres" directive is duplicate/],
    ['off, then a URL', `realtime_postgres off; ${url(URL)}`,
     /"realtime_postgres" directive is duplicate/],
    ['realtime_postgres_pool twice',
     `${pool('connect=1s')} realtime_postgres_pool idle=1s;`,
     /"realtime_postgres_pool" directive is duplicate/],
    ['realtime_host twice', 'realtime_host a; realtime_host b;',
     /"realtime_host" directive is duplicate/],
    ['two URLs', `realtime_postgres ${URL} ${URL};`,
     /invalid number of arguments in "realtime_postgres" directive/],
    ['no URL', 'realtime_postgres;',
     /invalid number of arguments in "realtime_postgres" directive/],
    ...['connect=x', 'connect=', 'statement=-1', 'idle=5q', 'connect=1.5s']
        .map((value) => [value, pool(value),
            new RegExp(`"${value}".*realtime_postgres_pool`),
            /a time, such as "5s"/]),
    ...['queue=', 'queue=255k', 'queue=2g', 'queue=many', 'queue=-1']
        .map((value) => [value, pool(value),
            new RegExp(`"${value}".*realtime_postgres_pool`),
            /a size from 256k to 1g, such as "16m"/]),
    ...['min=x', 'max=-1', 'min='].map((value) => [value, pool(value),
        new RegExp(`"${value}".*realtime_postgres_pool`), /a whole number/]),
    ...['timeout=5s', 'connect', '=', 'Connect=5s', ' connect=5s']
        .map((value) => [`"${value}"`, pool(`"${value}"`),
            new RegExp(`"${value}".*realtime_postgres_pool`),
            /"min=", "max=", "idle=", "connect=", "statement=" or "queue="/]),
    ['an empty host', 'realtime_host "";', /"".*realtime_host/,
     /a name of 1 to 255 bytes/],
    ['a long host', `realtime_host ${'h'.repeat(256)};`, /realtime_host/,
     /a name of 1 to 255 bytes/],
    ['realtime_log_events maybe', 'realtime_log_events maybe;',
     /"maybe".*realtime_log_events/, /"on" or "off"/],
    ['realtime_log_events on everything', 'realtime_log_events on everything;',
     /"everything".*realtime_log_events/, /"contents", behind "on"/],
    ['realtime_log_events off contents', 'realtime_log_events off contents;',
     /"contents".*realtime_log_events/, /"contents", behind "on"/],
    ['realtime_log_events twice',
     'realtime_log_events on; realtime_log_events off;',
     /"realtime_log_events" directive is duplicate/],
    ['realtime_log_event_types twice',
     'realtime_log_event_types a; realtime_log_event_types b;',
     /"realtime_log_event_types" directive is duplicate/],
    ['realtime_log_event_types of nothing', 'realtime_log_event_types;',
     /invalid number of arguments in "realtime_log_event_types"/]
];

/* [variables, what is said, expected] */

const VARIABLES = [
    [{ DATABASE_URL: `mysql://me:${ENCODED}@h/db` },
     /the environment variable DATABASE_URL is not a PostgreSQL URL/, EXPECTED],
    [{ DATABASE_URL: `postgres://me:${ENCODED}@127.0.0.1:99999/db` },
     /the environment variable DATABASE_URL has a port/, EXPECTED],
    [{ DATABASE_URL: `postgres://me:${ENCODED}@127.0.0.1/db?sslmod=x` },
     /the environment variable DATABASE_URL has a parameter/, EXPECTED],
    [{ POSTGRES_HOST: '127.0.0.1', POSTGRES_PORT: 'x',
       POSTGRES_PASSWORD: PASSWORD },
     /the environment variables POSTGRES_HOST, .* has a port|have a port/,
     EXPECTED],
    ...['DATABASE_POOL_CONNECTION_TIMEOUT', 'DATABASE_STATEMENT_TIMEOUT',
        'DATABASE_POOL_IDLE_TIMEOUT'].flatMap((name) => {
        return ['x', '-1', '5s', '1.5'].map((value) => [
            { DATABASE_URL: URL, [name]: value },
            new RegExp(`the environment variable ${name} is "${value}"`),
            /it must be a whole number above 0/
        ]);
    }),
    [{ REALTIME_LOG_EVENTS: 'maybe' },
     /the environment variable REALTIME_LOG_EVENTS is "maybe"/,
     /it must be "true" or "false"/]
];


function silent(text) {
    ok(!text.includes(PASSWORD) && !text.includes(ENCODED)
       && !text.includes(PASSWORD.slice(0, 8)), 'no word of the password');
}


async function wrong() {
    for (const [what, http, said, expected] of ERRORS) {
        await test(`nginx -t: ${what}`, async () => {
            const { code, output } = check({ http, locations: LOCATION });

            is(code, 1, 'exit code');
            like(output, said, 'output');
            like(output, /\[emerg\].* in .*nginx\.conf:\d+/, 'the place');
            is(output.match(/\[emerg\]/g).length, 1, 'lines');
            silent(output);

            if (expected) {
                like(output, expected, 'what is expected');
            }
        });
    }

    for (const [env, said, expected] of VARIABLES) {
        const [name, value] = Object.entries(env).pop();

        await test(`nginx -t: ${name}=${value.split(':')[0]}`, async () => {
            const { code, output } = check({ env, locations: LOCATION });

            is(code, 1, 'exit code');
            like(output, said, 'output');
            like(output, expected, 'what is expected');
            is(output.match(/\[emerg\]/g).length, 1, 'lines');
            silent(output);
        });
    }
}


/* [what, directives, variables] */

const RIGHT = [
    ['a URL', url(URL)],
    ['keywords', url(`host=127.0.0.1 password=${PASSWORD}`)],
    ['a Unix socket', url('postgresql:///db?host=/nowhere')],
    ['IPv6', url(`postgres://me:${ENCODED}@[::1]:5432/db`)],
    ['several hosts', url(`postgres://me@127.0.0.1:1,127.0.0.2:2/db`)],
    ['off', 'realtime_postgres off;'],
    ['a pool', pool('min=1 max=5 idle=1m connect=500ms statement=0 queue=1g')],
    ['a pool without a database', 'realtime_postgres_pool idle=1s;'],
    ['off, and wrong variables', 'realtime_postgres off;',
     { DATABASE_URL: 'mysql://x', DATABASE_STATEMENT_TIMEOUT: 'x' }],
    ['a URL, and a wrong variable', url(URL), { DATABASE_URL: 'mysql://x' }],
    ['a pool, and wrong variables', pool('idle=1s connect=1s statement=1s'), {
        DATABASE_POOL_IDLE_TIMEOUT: 'x', DATABASE_STATEMENT_TIMEOUT: 'x',
        DATABASE_POOL_CONNECTION_TIMEOUT: 'x'
    }],
    ['empty variables', '', { DATABASE_URL: '', POSTGRES_HOST: '' }],
    ['a port alone', '', { POSTGRES_PORT: 'x' }],
    ['types', `realtime_log_event_types connect "a, b" message:* *;
               realtime_log_events on contents;`]
];


async function right() {
    for (const [what, http, env] of RIGHT) {
        await test(`nginx -t: ${what} is right`, async () => {
            const { code, output } = check({ http, env, locations: LOCATION });

            is(code, 0, `exit code: ${output}`);
            ok(!/\[(warn|error|emerg)\]/.test(output), `nothing: ${output}`);
            silent(output);
        });
    }
}


/* an nginx that does not get to its database, and says why once */
async function serves(what, http, said, opts = {}) {
    await test(`it serves: ${what}`, async () => {
        const server = await nginx('chat', {
            name: what, workers: 2, http, ...opts,
            directives: `realtime_jwt_secret "${tokens.SECRET}";
                         realtime_log_event_types *; realtime_room hall;`
        });

        const lines = () => server.errorLog().split('\n')
            .filter((l) => /\[(warn|error|crit)\].*realtime postgres/.test(l));

        await talks(server, opts.away);
        await until(10000, () => lines().length, 'it is said');

        const before = lines();

        await sleep(QUIET);
        await talks(server, opts.away);

        isDeeply(lines(), before, 'nothing is said again');
        is(before.length, 1, `lines:\n${before.join('\n')}`);
        like(before[0], said, 'the line');
        silent(server.errorLog());

        if (opts.password) {
            ok(!server.errorLog().includes(opts.password), 'nor this one');
        }

        /* what waits is not waited for */
        server.signal('SIGTERM');
        await server.ended;

    }, { timeout: 40000 });
}


/*
 * As without a database where the server says no; one that cannot be reached
 * may have rooms that not everybody may enter.
 */

async function talks(server, away) {
    const s = await user(server, 'somebody');

    await join(s, 'hall');

    if (away) {
        await refused(s, 'SERVER_BUSY', 'room:join', { roomName: 'room' });

    } else {
        await join(s, 'room');
    }

    await done(s, 'message:send', { roomName: 'hall', content: 'x' });
    await done(s, 'presence:update', { status: 'away' });
    s.client.close();
}


async function troubles(pg, empty, locked) {
    const at = (more) => `postgresql://realtime:${pg.password}@127.0.0.1:`
                         + `${pg.port}/${more}`;
    const { password } = pg;

    const bad = `127.0.0.1:${pg.port}`;

    await Promise.all([
        serves('a wrong password',
            url(`postgresql://realtime:${ENCODED}@${bad}/realtime`),
            /password authentication failed.*; check user and password of the/),
        serves('no password', url(`postgresql://realtime@${bad}/realtime`),
            /no password supplied.*; the URL needs a password/),
        serves('no such database', url(at('nothing')),
            /"nothing" does not exist; create the database, or check its name/,
            { password }),
        serves('no such role',
            url(`postgresql://nobody:${ENCODED}@${bad}/realtime`),
            /check (the user|user and password) of the URL/)
    ]);

    await Promise.all([
        serves('nobody listens',
            url(`postgresql://me:${ENCODED}@127.0.0.1:1/db`),
            /refused.*; check that the server runs and listens at that host/,
            { away: true }),
        serves('no Unix socket', url('postgresql://me@/db?host=/nowhere'),
            /No such file.*; check that the server runs and that its socket/,
            { away: true }),
        serves('no tables', url(empty.url()),
            /does not exist \(SQLSTATE 42\w+\): run "realtimectl init"/,
            { password }),
        serves('no rights', url(locked.url()),
            /permission denied.*\(SQLSTATE 42501\): GRANT the rights/,
            { password }),
        serves('a name that nobody knows', url(
            `postgresql://me:${ENCODED}@nowhere.invalid/db`),
            /the host cannot be resolved; check the host of the URL/,
            { away: true }),
        serves('TLS that the server does not have',
            url(at('realtime?sslmode=require')),
            /does not support SSL.*; turn on ssl at the server/,
            { password, away: true })
    ]);
}


async function unresolved() {
    await test('nginx -t: a name that nobody knows is a warning', async () => {
        const { code, output } = check({
            http: url(`postgresql://me:${ENCODED}@nowhere.invalid/db`),
            locations: LOCATION
        });

        is(code, 0, 'exit code');
        like(output, /\[warn\].*"nowhere.invalid" cannot be resolved now/,
             'output');
        silent(output);
    });
}


/* how many connections of nginx there are, and of which user */
function rows(db) {
    return db.value('SELECT count(*) FROM realtime_connections');
}


async function defaults(pg) {
    const dbs = [];

    for (let i = 0; i < 3; i++) {
        const db = await pg.createDatabase();

        await db.apply();
        dbs.push(db);
    }

    const parts = (db) => ({
        POSTGRES_HOST: '127.0.0.1', POSTGRES_PORT: String(pg.port),
        POSTGRES_DB: db.name, POSTGRES_USER: 'realtime',
        POSTGRES_PASSWORD: pg.password
    });

    const used = async (name, http, env, wanted) => {
        await test(`where it writes: ${name}`, async () => {
            for (const db of dbs) {
                await db.query('TRUNCATE realtime_connections');
            }

            const server = await nginx('chat', { name, http, env });

            await guest(server);

            if (wanted) {
                await until(10000, () => rows(wanted), 'a row');

            } else {
                await sleep(1500);
            }

            for (const db of dbs) {
                is(await rows(db), db === wanted ? 1 : 0, `rows in ${db.name}`);
            }

            ok(!server.errorLog().includes(pg.password), 'no password');
            await server.stop();

        }, { timeout: 20000 });
    };

    const [a, b, c] = dbs;

    await used('DATABASE_URL', '', { DATABASE_URL: a.url() }, a);
    await used('POSTGRES_*', '', parts(b), b);
    await used('DATABASE_URL before POSTGRES_*', '',
               { DATABASE_URL: a.url(), ...parts(b) }, a);
    await used('the directive before all', url(c.url()),
               { DATABASE_URL: a.url(), ...parts(b) }, c);
    await used('off before all', 'realtime_postgres off;',
               { DATABASE_URL: a.url(), ...parts(b) }, null);
    await used('nothing', '', {}, null);
}


async function types(pg) {
    const db = await pg.createDatabase();

    await db.apply();

    const logged = async (name, directives, env, wanted) => {
        await test(`what is logged: ${name}`, async () => {
            await db.query('TRUNCATE realtime_events, realtime_connections');

            const server = await nginx('chat', {
                name, env, directives: `${directives}
                    realtime_jwt_secret "${tokens.SECRET}";`,
                http: url(db.url())
            });

            const s = await user(server, 'somebody');

            await join(s, 'room');
            await done(s, 'message:send', { roomName: 'room', content: 'x' });
            await s.ask('message:send', { roomName: 'other', content: 'x' });
            s.client.close();

            await until(10000, () => db.value(`SELECT count(*)
                FROM realtime_connections
                WHERE disconnected_at IS NOT NULL`), 'its end');

            isDeeply((await db.query(`SELECT DISTINCT type FROM realtime_events
                ORDER BY type`)).map((r) => r.type), wanted, 'types');
            await server.stop();

        }, { timeout: 20000 });
    };

    const some = ['connect', 'disconnect', 'error'];

    await logged('the default', '', {}, some);
    await logged('REALTIME_LOG_EVENTS=false', '',
                 { REALTIME_LOG_EVENTS: 'false' }, []);
    await logged('on, whatever the variable says', 'realtime_log_events on;',
                 { REALTIME_LOG_EVENTS: 'false' }, some);
    await logged('off', 'realtime_log_events off;',
                 { REALTIME_LOG_EVENTS: 'true' }, []);
    await logged('REALTIME_LOG_EVENT_TYPES', '',
                 { REALTIME_LOG_EVENT_TYPES: ' message , room:join,, ' },
                 ['message', 'room:join']);
    await logged('types, whatever the variable says',
                 'realtime_log_event_types error;',
                 { REALTIME_LOG_EVENT_TYPES: '*' }, ['error']);
    await logged('all', 'realtime_log_event_types *;', {},
                 ['connect', 'disconnect', 'error', 'message', 'room:join']);
}


/* nothing at all is as secret as to be logged at the debug level */
async function debug(pg) {
    await test('no password at the debug level', async () => {
        const server = await nginx('chat', {
            name: 'debug',
            main: 'error_log debug.log debug;',
            http: `realtime_postgres ${pg.url};`
        });

        await guest(server);
        await until(10000, () => rows(pg.db), 'a row');

        const text = server.errorLog()
                     + fs.readFileSync(`${server.dir}/debug.log`, 'latin1');

        ok(!text.includes(pg.password), 'no password');

    }, { timeout: 20000 });
}


tap.run(async () => {
    await wrong();
    await right();
    await unresolved();

    const pg = await postgres.start();

    await pg.apply();

    const empty = await pg.createDatabase();
    const locked = await pg.createDatabase();

    await locked.apply();
    await locked.query(`REVOKE INSERT ON realtime_connections
                        FROM realtime`);

    await Promise.all([
        troubles(pg, empty, locked),
        (async () => {
            await defaults(pg);
            await types(pg);
            await debug(pg);
        })()
    ]);
});
