#!/usr/bin/env node
'use strict';

/*
 * What is read from the database, kept, and forgotten when others change it:
 * the reader, the listener and what is known, in the hands of a probe.
 */

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { request } = require('../lib/http');
const postgres = require('../lib/postgres');
const server = require('../lib/server');
const { group, is, isDeeply, like, ok, run, scale, sleep, test, until } = require('../lib/tap');

const TOP = path.resolve(__dirname, '..', '..');

const PROBE = path.join(path.dirname(server.MODULE),
                        'ngx_http_realtime_reader_probe_module.so');

/* more than it takes until a change is heard of, or the database is used
   again, ms */
const SOON = 5000 * scale;

/* longer than a fact is fresh by itself, and than hearing counts, ms */
const FRESH = 700;
const HEARD = 1500;

const ROOMS = `
    INSERT INTO realtime_rooms (name, type, visibility) VALUES
        ('channel', 'channel', 'public'), ('dm', 'dm', 'public'),
        ('group', 'group', 'public'), ('broadcast', 'broadcast', 'public'),
        ('secret', 'group', 'private'), ('nothing', NULL, NULL),
        ('Odd Name', 'channel', 'public');

    INSERT INTO realtime_room_members (room_id, user_id, left_at, host)
    SELECT r.id, m.user_id, m.left_at, m.host
    FROM (VALUES ('secret', 'ann', NULL::timestamptz, NULL),
                 ('secret', 'ben', NOW(), NULL),
                 ('secret', 'cat', NULL, 'web1'),
                 ('secret', U&'d\\FFFDe', NULL, NULL),
                 ('channel', 'ann', NULL, NULL)) AS m (name, user_id, left_at,
                                                      host)
    JOIN realtime_rooms AS r USING (name)`;


function build() {
    const file = path.relative(TOP, PROBE);
    const res = spawnSync('make', ['-s', file], { cwd: TOP });

    if (res.status !== 0) {
        throw new Error(`make ${file}: ${res.stderr}`);
    }
}


class Site {

    static async start(url, { more = '', ...extra } = {}) {
        const site = new Site();

        site.nginx = await server.start({
            main: `load_module ${PROBE};`,
            http: `client_body_buffer_size 1m;
                   probe_reader "${url}" ${more};`,
            locations: 'location = /ask { probe_reader_ask; }',
            ...extra
        });

        return site;
    }

    /* answers, a line for each */
    async send(lines, args = '') {
        const res = await request(this.nginx.port, {
            path: `/ask${args}`, method: 'POST', body: lines.join('\n')
        });

        is(res.status, 200, 'status');

        return String(res.body).trimEnd().split('\n').map((l) => l.trimEnd());
    }

    async room(name, user = '') {
        return (await this.send([`room\t${name}\t${user}`]))[0];
    }

    async user(user) {
        return (await this.send([`user\t${user}`]))[0];
    }

    async find(name, user = '') {
        return (await this.send([`find\t${name}\t${user}`]))[0];
    }

    /* asks, until the answer is that */
    answers(expected, name, user) {
        let now;

        return until(SOON, async () => {
            now = await this.room(name, user);

            return now === expected;

        }, () => `${name} ${user}: ${expected}: ${now}`);
    }

    /* a fact stays fresh: changes are heard */
    async hears(name = 'channel') {
        await until(SOON, async () => {
            await this.room(name);
            await sleep(FRESH);

            return /^fresh/.test(await this.find(name));

        }, () => `changes are heard: ${this.nginx.errorLog()}`);
    }

    log(re) {
        return this.nginx.errorLog().split('\n').filter((l) => re.test(l));
    }
}


async function answers(site) {
    await test('rooms of all kinds', async () => {
        isDeeply(await site.send([
            'room\tchannel\tann', 'room\tdm', 'room\tgroup', 'room\tbroadcast',
            'room\tsecret', 'room\tnothing\tann', 'room\tnowhere\tann'
        ]), ['OK 0', 'OK 1', 'OK 2', 'OK 3', 'OK 2 private', 'OK 0',
             'OK none']);
    });

    await test('members of a private room', async () => {
        isDeeply(await site.send([
            'room\tsecret\tann', 'room\tsecret\tben', 'room\tsecret\tcat',
            'room\tsecret\tdan', 'room\tsecret\td%00e', 'room\tsecret\td%FFe',
            'room\tsecret\td%EF%BF%BDe'
        ]), ['OK 2 private member', 'OK 2 private', 'OK 2 private',
             'OK 2 private', 'OK 2 private member', 'OK 2 private member',
             'OK 2 private member']);
    });

    await test('odd names are not there, and do no harm', async () => {
        isDeeply(await site.send([
            'room\tsec%00ret\tann', 'room\t%FF\t%FF', 'room\t"\\,{}\t\'',
            'room\tNULL\tNULL', 'room\tchannel\tann'
        ]), ['OK none', 'OK none', 'OK none', 'OK none', 'OK 0']);
    });
}


async function users(site, pg) {
    await test('a user\'s rooms, as joined, and the custom status',
        async () => {
            await pg.query(`
                INSERT INTO realtime_presence (user_id, status, custom_status)
                VALUES ('ann', 'away', '{"text": "x"}'), ('nil', 'away', 'null')
            `);

            await pg.query(`
                INSERT INTO realtime_room_members (room_id, user_id, joined_at)
                SELECT id, 'eve', TIMESTAMP '2020-01-01'
                       + CASE name WHEN 'dm' THEN INTERVAL '1 h'
                                   ELSE INTERVAL '2 h' END
                FROM realtime_rooms
                WHERE name IN ('dm', 'group', 'broadcast', 'Odd Name')`);

            isDeeply(await site.send(['user\teve', 'user\tann', 'user\tcat',
                                      'user\tnil', 'user\tnobody']), [
                'OK ["dm", "broadcast", "group"]',
                'OK ["channel", "secret"] {"text": "x"}',
                'OK []', 'OK []', 'OK []'
            ]);
        });

    await test('a thousand rooms of a user, no more', async () => {
        await pg.query(`
            WITH r AS (INSERT INTO realtime_rooms (name)
                       SELECT 'many-' || i FROM generate_series(1, 1200) AS i
                       RETURNING id)
            INSERT INTO realtime_room_members (room_id, user_id)
            SELECT id, 'max' FROM r`);

        const [, list] = (await site.user('max')).match(/^OK (\[.*\])$/);

        is(JSON.parse(list).length, 1000, 'rooms');
    });
}


async function legacy(pg) {
    const db = await pg.createDatabase();

    await db.apply();
    await db.query(`
        INSERT INTO realtime_rooms (name, visibility, type)
        VALUES ('v', 'public', 'group'), ('t', 'public', 'group')`);

    const rules = await db.query(`
        SELECT conname FROM pg_constraint
        WHERE conrelid = 'realtime_rooms'::regclass AND contype = 'c'`);

    for (const { conname } of rules) {
        await db.query(`ALTER TABLE realtime_rooms DROP CONSTRAINT ${conname}`);
    }

    await db.query(`
        UPDATE realtime_rooms SET visibility = 'hidden' WHERE name = 'v';
        UPDATE realtime_rooms SET type = 'forum' WHERE name = 't'`);

    const site = await Site.start(db.url());

    await test('unknown words let in least', async () => {
        isDeeply(await site.send(['room\tv', 'room\tt']),
                 ['OK 2 private', 'OK 0']);
    });

    await site.nginx.stop();
}


/* statements about rooms in the log of the server */
function queries(pg) {
    return pg.log().split('\n')
             .filter((l) => /execute .*SELECT x\.o, r\.id/.test(l)).length;
}


async function batches(site, pg) {
    await pg.set({ log_statement: 'all' });
    await sleep(500);

    await test('many are asked for at once', async () => {
        const before = queries(pg);
        const lines = [];

        for (let i = 0; i < 1000; i++) {
            lines.push(`room\t${i % 2 ? 'secret' : `b${i}`}\tann`);
        }

        const got = await site.send(lines);
        is(got.filter((l) => l === 'OK none').length, 500, 'rooms not there');
        is(got.filter((l) => l === 'OK 2 private member').length, 500, 'rooms');
        is(queries(pg) - before, 4, 'queries');
    });

    await test('requests together', async () => {
        const before = queries(pg);

        await Promise.all(Array.from({ length: 100 },
            () => site.room('secret', 'ann')));

        ok(queries(pg) - before < 100, 'queries');
    });

    await test('cancelled ones are not answered', async () => {
        isDeeply(await site.send(['room\tsecret\tann', 'user\tann'], '?cancel'),
                 ['cancelled', 'cancelled']);
        is(await site.room('secret', 'ann'), 'OK 2 private member');
    });

    await pg.set({ log_statement: 'none' });
}


async function facts(site) {
    await test('what was asked is known', async () => {
        await site.hears();
        await site.send(['drop\t\t']);

        is(await site.find('secret', 'ann'), 'unknown');
        await site.room('secret', 'ann');
        is(await site.find('secret', 'ann'), 'fresh 2 private member');
        is(await site.find('secret', 'ben'), 'unknown');
        is(await site.find('secret'), 'fresh 2 private');

        await site.room('channel', 'ann');
        is(await site.find('channel', 'anybody'), 'fresh 0');
    });

    await test('that a room is not there is not kept', async () => {
        is(await site.room('absent'), 'OK none');
        is(await site.find('absent'), 'unknown');
    });

    await test('dropping', async () => {
        await site.send(['room\tsecret\tann', 'room\tsecret\tben']);
        await site.room('channel', 'ann');

        isDeeply(await site.send([
            'drop\tsecret\tann', 'find\tsecret\tann', 'find\tsecret\tben',
            'drop\tsecret\t', 'find\tsecret\tben', 'find\tchannel\t',
            'drop\t\t', 'find\tchannel\t'
        ]), ['dropped', 'unknown', 'fresh 2 private', 'dropped', 'unknown',
             'fresh 0', 'dropped', 'unknown']);
    });

    await test('who died in the zone takes nothing along', async () => {
        await site.room('secret', 'ann');

        isDeeply(await site.send(['repair', 'find\tsecret\tann', 'repair',
                                  'drop\tsecret\tann', 'find\tsecret\tann']),
                 ['repaired', 'fresh 2 private member', 'repaired', 'dropped',
                  'unknown']);
    });

    await test('a part of the zone, no more', async () => {
        const all = [...Array(1200).keys()].map((i) => `many-${i + 1}`);

        await site.room('channel');

        for (let i = 0; i < all.length; i += 300) {
            await site.send(all.slice(i, i + 300).map((n) => `room\t${n}`));
            await site.find('channel');
        }

        isDeeply(await site.send(['find\tmany-1', 'find\tmany-1200',
                                  'find\tchannel']),
                 ['unknown', 'fresh 0', 'fresh 0']);
    });
}


/* [what, SQL, name, user, before, after] */
const CHANGES = [
    ['a room comes', `INSERT INTO realtime_rooms (name, visibility)
                      VALUES ('new', 'private')`,
     'new', 'ann', 'OK none', 'OK 0 private'],
    ['a room is of another type', `UPDATE realtime_rooms SET type = 'group'
                                   WHERE name = 'new'`,
     'new', 'ann', 'OK 0 private', 'OK 2 private'],
    ['a member comes', `INSERT INTO realtime_room_members (room_id, user_id)
                        SELECT id, 'ann' FROM realtime_rooms
                        WHERE name = 'new'`,
     'new', 'ann', 'OK 2 private', 'OK 2 private member'],
    ['a member leaves', `UPDATE realtime_room_members SET left_at = NOW()
                         WHERE user_id = 'ann' AND room_id =
                         (SELECT id FROM realtime_rooms WHERE name = 'new')`,
     'new', 'ann', 'OK 2 private member', 'OK 2 private'],
    ['a room is public', `UPDATE realtime_rooms SET visibility = 'public'
                          WHERE name = 'new'`,
     'new', 'ann', 'OK 2 private', 'OK 2'],
    ['a member is deleted', `DELETE FROM realtime_room_members
                             WHERE user_id = 'ann' AND left_at IS NULL`,
     'secret', 'ann', 'OK 2 private member', 'OK 2 private'],
    ['a room goes', `DELETE FROM realtime_room_members WHERE room_id =
                     (SELECT id FROM realtime_rooms WHERE name = 'new');
                     DELETE FROM realtime_rooms WHERE name = 'new'`,
     'new', 'ann', 'OK 2', 'OK none'],
    ['all go', 'TRUNCATE realtime_rooms CASCADE',
     'channel', 'ann', 'OK 0', 'OK none']
];


async function changes(site, pg) {
    await site.hears();

    for (const [what, sql, name, user, before, after] of CHANGES) {
        await test(what, async () => {
            is(await site.room(name, user), before);

            const { code, stderr } = await pg.db.psql(['-q', '-c', sql]);

            is(code, 0, stderr);

            await until(SOON, async () =>
                await site.find(name, user) === 'unknown', 'the change');

            is(await site.room(name, user), after);
        });
    }

    await test('nonsense may be about anything', async () => {
        for (const text of ['', 'x', '{"room": 1}', '[]', '{"what": 1}',
                            '{"room": "\\u0000', '{"all": true}'])
        {
            await pg.query(ROOMS.split(';')[0] + ' ON CONFLICT DO NOTHING');
            await site.hears();
            await site.room('channel');
            await pg.query(`SELECT pg_notify('realtime_changed', $1)`, [text]);

            await until(SOON, async () => await site.find('channel')
                        === 'unknown', text);
        }
    }, { timeout: 60000 });

    await pg.query('TRUNCATE realtime_rooms CASCADE');
    await pg.query(ROOMS);
}


async function underWay(site, pg) {
    await test('an answer that was under way is not known', async () => {
        await site.hears();

        const client = await pg.client();

        await client.query('BEGIN; LOCK TABLE realtime_rooms');

        const asked = site.room('secret', 'ann');

        await sleep(300);
        await site.send(['drop\tsecret\tann']);
        await client.query('COMMIT');

        is(await asked, 'OK 2 private member');
        is(await site.find('secret', 'ann'), 'unknown');
        is(await site.find('secret'), 'fresh 2 private');
    });

    await test('who waits for long has no answer, who comes is told so',
        async () => {
            const client = await pg.client();

            await client.query('BEGIN; LOCK TABLE realtime_rooms');

            const began = Date.now();
            const asked = site.room('secret', 'ann');

            await sleep(1400);
            is(await site.room('secret', 'ann'), 'declined');
            is(await asked, 'ERROR');
            ok(Date.now() - began > 1500, 'about two seconds');

            await client.query('COMMIT');
            await site.answers('OK 2 private member', 'secret', 'ann');
        });
}


async function deaths(pg) {
    const site = await Site.start(pg.url, { workers: 2 });

    await test('the listener is killed, another one listens', async () => {
        for (let i = 0; i < 2; i++) {
            await site.hears();
            await pg.query(`DELETE FROM realtime_rooms WHERE name = 'gone'`);

            await site.nginx.killWorker(await listener(site, pg));
            await sleep(HEARD);
            await site.hears();

            await site.room('dm');
            await pg.query(`UPDATE realtime_rooms SET type = '${
                i ? 'dm' : 'group'}' WHERE name = 'dm'`);

            await until(SOON, async () => await site.find('dm') === 'unknown',
                        'the change');
        }
    }, { timeout: 60000 });

    await test('a reload', async () => {
        await site.nginx.reload();
        await site.hears();
        is(await site.room('secret', 'ann'), 'OK 2 private member');
    }, { timeout: 30000 });

    await site.nginx.stop();
}


/* the worker whose connection listens */
function listener(site, pg) {
    return until(SOON, async () => {
        const rows = await pg.query(`
            SELECT client_port AS port FROM pg_stat_activity
            WHERE query = 'SELECT 1' AND datname = 'realtime'
              AND client_port > 0`);

        return rows.map(({ port }) => owner(site.nginx, port)).find((p) => p);

    }, 'who listens');
}


/* which worker has the connection from that port, if any */
function owner(nginx, port) {
    const hex = port.toString(16).toUpperCase().padStart(4, '0');
    const sockets = fs.readFileSync('/proc/net/tcp', 'latin1').split('\n')
        .map((line) => line.trim().split(/\s+/))
        .filter(([, local]) => local && local.endsWith(`:${hex}`))
        .map((fields) => `socket:[${fields[9]}]`);

    return nginx.workerPids().find((pid) =>
        fs.readdirSync(`/proc/${pid}/fd`).some((fd) => {
            try {
                return sockets.includes(
                    fs.readlinkSync(`/proc/${pid}/fd/${fd}`));

            } catch (e) {
                return false;
            }
        }));
}


async function pooled(pg) {
    const bouncer = await postgres.startPgBouncer(pg);
    const site = await Site.start(bouncer.url);

    await test('through PgBouncer nothing is heard', async () => {
        await until(SOON, () => site.log(/\[notice\].*pooler/).length, 'notice');

        is(await site.room('secret', 'ann'), 'OK 2 private member');
        is(await site.find('secret', 'ann'), 'fresh 2 private member');
        await sleep(FRESH);
        is(await site.find('secret', 'ann'), 'stale 2 private member');
        is(site.log(/pooler/).length, 1, 'notices');
    });

    await site.nginx.stop();
    await bouncer.stop();
}


async function outages(pg) {
    const site = await Site.start(pg.url, { more: 'statement=1000' });

    async function away(what) {
        await until(SOON, async () => await site.room('secret', 'ann')
                    === 'declined', what);

        await sleep(HEARD);
        is(await site.find('secret', 'ann'), 'stale 2 private member');
        is(await site.find('absent'), 'unknown');
    }

    await test('the server is stopped, and goes on', async () => {
        await site.hears();
        await site.send(['room\tsecret\tann', 'room\tabsent']);

        pg.signal('SIGSTOP', [pg.pid, ...pg.children()]);

        is(await site.room('secret', 'ann'), 'ERROR');
        await away('a server that is stopped');

        pg.signal('SIGCONT', [pg.pid, ...pg.children()]);

        await site.answers('OK 2 private member', 'secret', 'ann');
        await site.hears();
    }, { timeout: 40000 });

    await test('the server ends, and is started again', async () => {
        await site.send(['room\tsecret\tann', 'room\tabsent']);
        await pg.closePools();
        await pg.halt();
        await away('a server that has ended');
        await sleep(2000);
        await pg.restart();

        await site.answers('OK 2 private member', 'secret', 'ann');
        await site.hears();
    }, { timeout: 60000 });

    await test('a table that is missing later is an outage', async () => {
        await pg.query('ALTER TABLE realtime_rooms RENAME TO elsewhere');
        const lines = () => site.log(/cannot be read: .*SQLSTATE 42P01/).length;

        /* the writer might have said so before */
        await until(SOON * 2, async () => {
            is(await site.room('secret', 'ann'), 'ERROR');
            return lines();
        }, 'a line');

        is(await site.room('secret', 'ann'), 'ERROR');
        await pg.query('ALTER TABLE elsewhere RENAME TO realtime_rooms');
        await site.answers('OK 2 private member', 'secret', 'ann');

        is(lines(), 1, 'lines');
    }, { timeout: 30000 });

    await site.nginx.stop();
}


async function none(pg) {
    const wrong = pg.url.replace(/:[^:@]*@/, ':wrong@');
    const bare = await pg.createDatabase();

    const sites = [
        ['a wrong password', wrong],
        ['no such database', pg.url.replace(/\/realtime$/, '/elsewhere')],
        ['no tables', bare.url()]
    ];

    for (const [what, url] of sites) {
        const site = await Site.start(url);

        await test(`${what}: there is no database`, async () => {
            is(await site.room('secret', 'ann'), 'DONE');
            like(await site.room('secret', 'ann'), /^(done|DONE)$/);
            like(await site.user('ann'), /^(done|DONE)$/);
        });

        if (what === 'no tables') {
            await test('then there is', async () => {
                await bare.apply();
                await site.answers('OK none', 'secret', 'ann');
                await bare.query('DROP TABLE realtime_rooms CASCADE');
                is(await site.room('secret', 'ann'), 'ERROR');
            });
        }

        await site.nginx.stop();
    }

    await test('what may not be read is there: an outage', async () => {
        await pg.admin(`CREATE ROLE poor LOGIN PASSWORD '${pg.password}'`);

        const site = await Site.start(pg.db.url('', 'poor'));

        is(await site.room('secret', 'ann'), 'ERROR');
        await site.nginx.stop();
    }, { timeout: 30000 });

    await test('nor is one without TLS that is to have it none', async () => {
        const site = await Site.start(`${pg.url}?sslmode=require`);

        is(await site.room('secret', 'ann'), 'ERROR');
        is(await site.room('secret', 'ann'), 'declined');
        await site.nginx.stop();
    }, { timeout: 30000 });

    await test('nobody there is an outage from the start', async () => {
        const site = await Site.start('postgresql://u:p@127.0.0.1:1/d');

        is(await site.room('secret', 'ann'), 'ERROR');
        is(await site.room('secret', 'ann'), 'declined');
        await site.nginx.stop();
    }, { timeout: 30000 });
}


async function idling(pg) {
    const count = () => pg.value(`
        SELECT count(*) FROM pg_stat_activity
        WHERE usename = 'realtime' AND query LIKE 'SELECT x.o, r.id%'`);

    const site = await Site.start(pg.url, { more: 'idle=300' });

    await test('an idle connection is closed, and made again', async () => {
        is(await site.room('secret', 'ann'), 'OK 2 private member');
        await until(SOON, async () => await count() === 0, 'the end');
        is(await site.room('secret', 'ann'), 'OK 2 private member');
    });

    await site.nginx.stop();

    const kept = await Site.start(pg.url, { more: 'idle=300 min=1' });

    await test('unless some are kept', async () => {
        is(await kept.room('secret', 'ann'), 'OK 2 private member');
        await sleep(1000);
        is(await count(), 1, 'connections');
    });

    await kept.nginx.stop();
}


run(async () => {
    build();

    const pg = await postgres.start();

    await pg.apply();
    await pg.query(ROOMS);

    const site = await Site.start(pg.url);

    await group('answers', () => answers(site));
    await group('users', () => users(site, pg));
    await group('words', () => legacy(pg));
    await group('batches', () => batches(site, pg));
    await group('facts', () => facts(site));
    await group('under way', () => underWay(site, pg));
    await group('changes', () => changes(site, pg));
    await site.nginx.stop();

    await group('PgBouncer', () => pooled(pg));
    await group('deaths', () => deaths(pg));
    await group('idle', () => idling(pg));
    await group('none', () => none(pg));
    await group('outages', () => outages(pg));
});
