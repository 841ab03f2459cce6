#!/usr/bin/env node
'use strict';

/*
 * Whatever clients send comes out of the database as it went in, and what
 * PostgreSQL cannot hold is replaced, or alone left out.
 *
 * REALTIME_SEED   of the random cases
 * REALTIME_CASES  how many
 */

const { start: nginx } = require('../lib/fixture');
const { done, guest, join, user } = require('../lib/people');
const postgres = require('../lib/postgres');
const { Random } = require('../lib/random');
const tap = require('../lib/tap');
const tokens = require('../lib/tokens');

const { is, isDeeply, like, ok, test, until } = tap;

const SEED = Number(process.env.REALTIME_SEED
                    || Math.floor(Math.random() * 2 ** 31));
const CASES = Number(process.env.REALTIME_CASES || 4000);

const ROOM = 'strings';

/* asked at once, at most */
const AT_ONCE = 200;

/* the longest that each may be */
const CONTENT = 5000;
const USER = 255;
const THREAD = 255;
const TEXT = 100;
const EMOJI = 10;
const NAMESPACE = 128;

const CONTROLS = Array.from({ length: 32 }, (_, i) => String.fromCharCode(i))
    .concat(Array.from({ length: 33 }, (_, i) => String.fromCharCode(127 + i)));

const BAD = ['\0', '\ud800', '\udfff', '\udc00\ud800', 'a\0b', '\ud83dx',
             '\udbff\ud800\udc00'];

const STRINGS = [
    'plain', ' ', '  two  ', '""', '"', '\\', '\\\\', '\\"', '"\\', '\\\\"',
    '\'', '\'\'', '`', '$$', '$1', '$1$', ';', '--', '/*', '*/', '%s%n%x',
    '%V', '%', '{', '}', '{}', '{{}}', '{,}', '{"a","b"}', '{NULL}', 'NULL',
    'null', 'Null', '"NULL"', ',', ',,', '(', ')', '[', ']', '[1:2]={1,2}',
    '{a,NULL,"}"}', '\\N', '\\.', '\\x00', '\\u0000', '\\\\u0000', '\\ud800',
    '\\t', '\t', '\n', '\r\n', 'a\tb\nc', 'E\'\\n\'', 'U&"\\0041"', '\u2028',
    '\'; DROP TABLE realtime_events; --', '"); DELETE FROM realtime_rooms; --',
    '\' OR 1=1 --', '$1); SELECT pg_sleep(10); --', '\';COMMIT;\'', '0', '-1',
    '1e400', 'true', 'infinity', 'now', '\ufeff', '\ufffd', '\ufffe', '\uffff',
    '\u{10ffff}', '\u{1f600}', '\u{1f468}\u200d\u{1f469}\u200d\u{1f467}',
    'e\u0301', '\u00e9', 'Z\u0351\u036b\u0343', '\u202eabc', '\u05e9\u05dc',
    '\u00ad', '\u200b', '\u4e2d\u6587', '<b>x</b>', '<script>', '&amp;', '&',
    '{"json":"\\"\\\\"}', '["a"]', '\\"},{"\\', ...CONTROLS
];


/* what is kept of a string */
function kept(text) {
    return text.replaceAll('\0', '\ufffd').toWellFormed();
}


/* the same of all JSON; of two keys that become one the last one counts */
function keptAll(value) {
    if (typeof value === 'string') {
        return kept(value);
    }

    if (Array.isArray(value)) {
        return value.map(keptAll);
    }

    if (value && typeof value === 'object') {
        return Object.fromEntries(Object.entries(value)
            .map(([k, v]) => [kept(k), keptAll(v)]));
    }

    return value;
}


/* the first "n" code points */
function cut(text, n) {
    return [...text].slice(0, n).join('');
}


/* the first characters that take no more than "n" bytes */
function cutBytes(text, n) {
    let end = '';

    for (const c of text) {
        if (Buffer.byteLength(end + c) > n) {
            break;
        }

        end += c;
    }

    return end;
}


function random(r, pieces, most) {
    const list = [];

    for (let i = r.below(most); i >= 0; i--) {
        list.push(r.weighted({ known: 6, unit: 2, bad: 1 }) === 'known'
                  ? r.pick(pieces)
                  : String.fromCharCode(r.below(65536)));
    }

    return list.join('');
}


/* all of "list" is asked by "ask", not too much of it at once */
async function each(list, ask) {
    for (let i = 0; i < list.length; i += AT_ONCE) {
        await Promise.all(list.slice(i, i + AT_ONCE).map(ask));
    }
}


class Scene {

    static async start() {
        const scene = new Scene();

        scene.pg = await postgres.start();
        await scene.pg.apply();

        scene.nginx = await nginx('chat', {
            workers: 2, reuseport: true,
            http: `realtime_postgres ${scene.pg.url};`,
            directives: `realtime_jwt_secret "${tokens.SECRET}";
                         realtime_sanitize off;
                         realtime_namespace ~^/;
                         realtime_typing_timeout 5m;
                         realtime_on strings:* ack;
                         realtime_log_events on contents;
                         realtime_log_event_types *;`
        });

        return scene;
    }

    /* rows of "sql" when there are "n", or fails */
    async rows(sql, n, ms = 20000) {
        let rows = [];

        await until(ms, async () => {
            rows = await this.pg.query(sql);
            return rows.length >= n;
        }, () => `${rows.length} of ${n} rows: ${sql}\n${this.said()}`);

        is(rows.length, n, 'rows');

        return rows;
    }

    said() {
        return this.nginx.errorLog().split('\n')
                   .filter((l) => l.includes('realtime postgres')).join('\n');
    }

    /* [content or metadata] of messages, as they are */
    messages(kind, n) {
        return this.rows(`SELECT data->'metadata'->>'n' AS n,
                                 data->>'content' AS content,
                                 data->>'threadId' AS thread,
                                 (data->'metadata')::text AS metadata
                          FROM realtime_events WHERE type = 'message'
                          AND data->'metadata'->>'kind' = '${kind}'
                          ORDER BY (data->'metadata'->>'n')::int`, n);
    }

    send(s, content, metadata, more = {}) {
        return done(s, 'message:send', {
            roomName: ROOM, content, metadata, ...more
        });
    }

    /* JSON as it is */
    raw(s, json) {
        const id = s.nextId++;

        const promise = new Promise((resolve, reject) => {
            s.acks.set(id, { resolve, reject });
        });

        s.client.send(`2${id}["message:send",{"roomName":"${ROOM}",`
                      + `"content":"raw","metadata":${json}}]`);

        return tap.within(5000, promise, 'an ack').then(([reply]) => {
            is(reply.success, true, JSON.stringify(reply));
        });
    }

    /* all that is done by "fn" waits, and is written together */
    async together(fn) {
        await this.pg.kill('SIGSTOP');

        try {
            await fn();

        } finally {
            await this.pg.kill('SIGCONT');
        }
    }
}


/* "content", thread and metadata of messages */
async function messages(scene, s) {
    const cases = [...new Set([...STRINGS, ...BAD])].concat(
        ['x'.repeat(CONTENT), '"'.repeat(CONTENT), '\\'.repeat(CONTENT),
         '\u{1f600}'.repeat(CONTENT), '\0'.repeat(CONTENT),
         '\ud800'.repeat(CONTENT)]);

    await test('contents, threads, keys and values of metadata', async () => {
        await each(cases, (text) => scene.send(s, text, {
            kind: 'known', n: cases.indexOf(text), text, [`k${text}`]: [text]
        }, { threadId: cut(text, THREAD) }));

        const rows = await scene.messages('known', cases.length);

        rows.forEach((row, n) => {
            const text = cases[n];
            const where = JSON.stringify(text.slice(0, 20));

            is(Number(row.n), n, 'number');
            is(row.content, kept(text), `content ${where}`);
            is(row.thread, kept(cut(text, THREAD)), `thread ${where}`);
            isDeeply(JSON.parse(row.metadata), keptAll({
                kind: 'known', n, text, [`k${text}`]: [text]
            }), `metadata ${where}`);
        });
    }, { timeout: 60000 });
}


async function randoms(scene, s) {
    await test(`${CASES} random ones, seed ${SEED}`, async () => {
        const r = new Random(SEED);
        const pieces = [...STRINGS, ...BAD];
        const cases = [];

        for (let n = 0; n < CASES; n++) {
            const key = random(r, pieces, 4);

            cases.push({
                content: cut(random(r, pieces, 12), CONTENT),
                metadata: {
                    kind: 'random', n, text: random(r, pieces, 12),
                    [`k${key}`]: { [random(r, pieces, 4)]: [key, r.next()] }
                }
            });
        }

        await scene.together(() => each(cases, ({ content, metadata }) => {
            return scene.send(s, content, metadata);
        }));

        const rows = await scene.messages('random', CASES);

        rows.forEach((row, n) => {
            is(row.content, kept(cases[n].content), `content of case ${n}`);
            isDeeply(JSON.parse(row.metadata), keptAll(cases[n].metadata),
                     `metadata of case ${n}`);
        });
    }, { timeout: 90000 });
}


/* names of users and custom statuses */
async function people(scene) {
    /* what tokens may say */
    const valid = (t) => t.isWellFormed()
                         && !/[\0-\x1f\x7f-\x9f\ufffd]/.test(t);

    const ids = [...new Set(STRINGS.filter(valid).concat(
        ['u'.repeat(USER), '"'.repeat(USER), '\\'.repeat(USER),
         cutBytes('\u{1f600}'.repeat(USER), USER), '\''.repeat(USER)]))];

    const custom = (text) => ({
        text: cut(text, TEXT), emoji: cut(text, EMOJI)
    });

    await test('users, and what they are about', async () => {
        for (const id of ids) {
            const s = await user(scene.nginx, id).catch((e) => {
                throw new tap.Failure(`${escape(id)}: ${JSON.stringify(e)}`);
            });

            await done(s, 'presence:update', {
                status: 'busy', customStatus: custom(id.repeat(20))
            });

            s.client.close();
        }

        const list = [...ids].sort();
        const sql = (table, more = '') => `SELECT DISTINCT user_id
            FROM ${table} WHERE user_id <> 'talker' ${more}`;

        const where = `AND type = 'connect'`;

        for (const rows of [
            await scene.rows(sql('realtime_connections'), list.length),
            await scene.rows(sql('realtime_presence'), list.length),
            await scene.rows(sql('realtime_events', where), list.length)
        ]) {
            isDeeply(rows.map((row) => row.user_id).sort(), list, 'users');
        }

        const rows = await scene.pg.query(`SELECT user_id, custom_status
            FROM realtime_presence WHERE user_id <> 'talker'`);

        for (const row of rows) {
            isDeeply(row.custom_status, custom(row.user_id.repeat(20)),
                     `of ${row.user_id}`);
        }
    }, { timeout: 60000 });
}


async function statuses(scene, s) {
    const cases = [...STRINGS, ...BAD, '\ud800'.repeat(TEXT),
                   '\0'.repeat(TEXT), '\u0001'.repeat(TEXT)];

    await test('custom statuses', async () => {
        for (const text of cases) {
            const customStatus = {
                text: cut(text, TEXT), emoji: cut(text, EMOJI)
            };

            await done(s, 'presence:update', { status: 'away', customStatus });
        }

        const rows = await scene.rows(`SELECT data->'customStatus' AS custom
            FROM realtime_events WHERE type = 'presence:update'
            AND user_id = 'talker' ORDER BY xmin::text::int, created_at, ctid`,
            cases.length);

        isDeeply(rows.map((r) => JSON.stringify(r.custom)).sort(),
            cases.map((text) => JSON.stringify(keptAll({
                text: cut(text, TEXT), emoji: cut(text, EMOJI)
            }))).map((t) => {
                const { text, emoji } = JSON.parse(t);

                return JSON.stringify({ text, emoji });
            }).sort(), 'statuses');

        const last = cases[cases.length - 1];

        isDeeply(await scene.pg.value(`SELECT custom_status
            FROM realtime_presence WHERE user_id = 'talker'`),
            { text: last, emoji: cut(last, EMOJI) }, 'the last one');
    }, { timeout: 30000 });
}


async function typing(scene, s) {
    const threads = [...new Set(STRINGS.concat(BAD, [
        'x'.repeat(THREAD), '"'.repeat(THREAD), '\u{1f600}'.repeat(THREAD)
    ]).map((t) => cut(t, THREAD)))];

    await test('threads where somebody types', async () => {
        const asked = [];

        await each(threads, async (threadId) => {
            const reply = await s.ask('typing:start', {
                roomName: ROOM, threadId
            });

            if (reply.success) {
                asked.push(kept(threadId));
            }
        });

        ok(asked.length > 10, `${asked.length} threads`);

        const wanted = [...new Set(asked)].sort();
        const rows = await scene.rows('SELECT thread_id FROM realtime_typing',
                                      wanted.length);

        isDeeply(rows.map((row) => row.thread_id).sort(), wanted, 'threads');
    });
}


async function names(scene, s) {
    const cases = [...STRINGS, ...BAD].map((t) => `strings:${cut(t, 50)}`)
        .concat(`strings:${'x'.repeat(92)}`);

    await test('names of events', async () => {
        await each(cases, (name) => s.call(name, { of: name }));

        const rows = await scene.rows(`SELECT type, data->>'of' AS of
            FROM realtime_events WHERE data ? 'of'`, cases.length);

        for (const { type, of } of rows) {
            is(type, of, 'type');
        }

        isDeeply(rows.map((row) => row.of).sort(), cases.map(kept).sort(),
                 'names');
    });

    await test('a long name is cut, an unknown one is data', async () => {
        const long = `strings:${'y'.repeat(247)}`;

        await s.call(long, {});
        await scene.rows(`SELECT 1 FROM realtime_events
                          WHERE type = '${long.slice(0, 100)}'`, 1);

        for (const name of STRINGS) {
            await s.call(`no ${name}`, {});
        }

        const rows = await scene.rows(`SELECT data->>'event' AS name
            FROM realtime_events WHERE type = 'error'
            AND data->>'event' LIKE 'no %'`, STRINGS.length);

        isDeeply(rows.map((row) => row.name).sort(),
                 STRINGS.map((t) => `no ${t}`).map(kept).sort(), 'names');
    });
}


async function namespaces(scene) {
    await test('namespaces', async () => {
        const asked = [];

        for (const text of [...STRINGS, 'n'.repeat(NAMESPACE - 2)]) {
            const nsp = `/.${text}`;

            if (!/[,?\0-\x1f\x7f]/.test(nsp)) {
                const s = await guest(scene.nginx);
                const sid = await s.connect(nsp).catch((e) => {
                    tap.diag(`${JSON.stringify(nsp)}: ${e.message}`);
                });

                if (sid) {
                    asked.push([sid, nsp]);
                }
            }
        }

        ok(asked.length > 10, `${asked.length} namespaces`);

        const rows = await scene.rows(`SELECT socket_id, namespace
            FROM realtime_connections WHERE namespace LIKE '/.%'`,
            asked.length);

        isDeeply(rows.map((r) => [r.socket_id, r.namespace]).sort(),
                 asked.sort(), 'namespaces');
    });
}


async function agents(scene) {
    const list = ['"', '\\', '{}', '\xff\xfe', '\xc3\x28', '\xed\xa0\x80',
                  'Mozilla/5.0 (X11; Linux x86_64) Firefox/1"\\{},\xff',
                  'x'.repeat(3000), '%n%s', '\'; DROP TABLE x; --'];

    await test('agents', async () => {
        const ids = [];

        for (const agent of list) {
            const s = await guest(scene.nginx, {
                headers: { 'User-Agent': agent }
            });

            ids.push(s.id);
        }

        const rows = await scene.rows(`SELECT device FROM realtime_connections
            WHERE socket_id IN (${ids.map((id) => `'${id}'`)})`, list.length);

        for (const { device } of rows) {
            isDeeply(Object.keys(device).sort(), ['browser', 'os', 'type'],
                     'device');
        }
    });
}


/* JSON that is as large as it may be */
async function extremes(scene) {
    const deep = `${'['.repeat(60)}${']'.repeat(60)}`;

    const cases = [
        ['depth 60', deep, deep],
        ['1e400', '1e400', `1${'0'.repeat(400)}`],
        ['15000 digits', '9'.repeat(15000), '9'.repeat(15000)],
        ['14000 decimals', `0.${'1'.repeat(14000)}`,
         `0.${'1'.repeat(14000)}`],
        ['1e-999', `${'1'.repeat(14000)}e-999`,
         `${'1'.repeat(13001)}.${'1'.repeat(999)}`],
        ['1e200000', '1e200000', '"1e200000"'],
        ['-1e-20000', '-1E-20000', '"-1E-20000"'],
        ['100000 digits', '9'.repeat(100000), `"${'9'.repeat(100000)}"`],
        ['20000 decimals', `[0.${'1'.repeat(20000)}]`,
         `["0.${'1'.repeat(20000)}"]`],
        ['duplicate keys', '{"a":1,"a":2}', '{"a": 2}'],
        ['duplicates by U+FFFD', '{"\\u0000":1,"\\ud800":2}', '{"\ufffd": 2}'],
        ['no key', '{"":{"":""}}', '{"": {"": ""}}'],
        ['escapes', '"\\\\u0000\\/\\b\\f\\n\\r\\t\\u0041\\\\\\u0000"',
         '"\\\\u0000/\\b\\f\\n\\r\\tA\\\\\ufffd"'],
        ['pairs', '"\\ud83d\\ude00\\ud83d\\ud83d\\ude00\\ude00"',
         '"\u{1f600}\ufffd\u{1f600}\ufffd"'],
        ['capitals', '"\\uD83D\\uDE00\\uD83D\\u0041\\uDBFF\\uDFFF"',
         '"\u{1f600}\ufffdA\u{10ffff}"'],
        ['400 kB', `"${'\\"'.repeat(200000)}"`, `"${'\\"'.repeat(200000)}"`],
        ['400 kB of U+0000', `"${'\\u0000'.repeat(66000)}"`,
         `"${'\ufffd'.repeat(66000)}"`],
        ['100000 elements', `[${'0,'.repeat(99999)}0]`,
         `[${'0, '.repeat(99999)}0]`],
        ['20000 keys', `{${Array.from({ length: 20000 }, (_, i) => {
            return `"${i}":null`;
        })}}`, null]
    ];

    for (const [name, json, text] of cases) {
        await test(`JSON: ${name}`, async () => {
            const kind = name.replace(/\W/g, '_');
            const s = await user(scene.nginx, 'talker');

            await join(s, ROOM);
            await scene.raw(s, `{"kind":"${kind}","n":0,"x":${json}}`);

            const [row] = await scene.rows(`SELECT
                (data->'metadata'->'x')::text AS x FROM realtime_events
                WHERE data->'metadata'->>'kind' = '${kind}'`, 1);

            if (text) {
                ok(row.x === text, `${row.x.slice(0, 100)} is `
                                   + text.slice(0, 100));
            }
        }, { timeout: 20000 });
    }
}


/* whatever clients say of the time, queries of it do not fail */
async function times(scene, s) {
    const list = [
        0, 1, 1e12, 253402300799999, 253402300800000, 1e15, 1e18,
        18446744073709551615, -1, 1.5, '1e3', '0000-00-00T00:00:00.000Z',
        '0000-01-01T00:00:00Z', '2026-02-29T00:00:00Z', '2026-02-30T00:00:00Z',
        '2026-13-01T00:00:00Z', '2026-01-01T24:00:00Z', '2026-01-01T24:00:01Z',
        '2026-01-01T23:59:60Z', '2026-01-01T23:59:61Z', '2026-01-01T00:60:00Z',
        '2026-01-01T00:00:00+24:00', '2026-01-01T00:00:00+15:59',
        '2026-01-01T00:00:00-99:99', '2026-01-01', '2026-01-01T00:00:00',
        '9999-12-31T23:59:59.999Z', '+275760-09-13T00:00:00.000Z', 'now',
        'infinity', '', ...STRINGS
    ];

    await test('client_timestamp is a time, or is not there', async () => {
        await each(list, (at, i) => scene.send(s, 'time', {
            kind: 'time', n: 1, client_timestamp: at
        }));

        await scene.rows(`SELECT 1 FROM realtime_events
            WHERE data->'metadata'->>'kind' = 'time'`, list.length);

        await scene.pg.query(`SELECT
            max(created_at - (data->>'client_timestamp')::TIMESTAMP),
            max((data->>'client_timestamp')::TIMESTAMPTZ)
            FROM realtime_events`);
    });
}


/* what the table does not take: nothing else suffers */
async function refusals(scene, s) {
    const bad = '"unacceptable"';

    await scene.pg.query(`ALTER TABLE realtime_events ADD CONSTRAINT never
        CHECK (data->'metadata'->>'x' IS DISTINCT FROM 'unacceptable')`);

    await test('a row that is refused, among 4000', async () => {
        await scene.together(() => each(
            Array.from({ length: 4001 }, (_, n) => n), (n) => {
                return n === 1777
                       ? scene.raw(s, `{"kind":"one","n":0,"x":${bad}}`)
                       : scene.send(s, 'good', { kind: 'one', n });
            }));

        const rows = await scene.messages('one', 4000);

        isDeeply(rows.map((row) => Number(row.n)),
                 Array.from({ length: 4001 }, (_, n) => n)
                      .filter((n) => n !== 1777), 'numbers');

        like(scene.said(), /\[error\].*: a row is refused: .*SQLSTATE 23514/,
             'the error log');

        await until(5000,
            () => /: 1 rows more were refused by the database, 1 in all/
                  .test(scene.said()), 'it is counted');
    }, { timeout: 60000 });

    await test('many that are refused, among others', async () => {
        const n = 600;
        const before = scene.said().split('\n').length;
        const t = Date.now();

        await scene.together(() => each(
            Array.from({ length: n }, (_, i) => i), (i) => {
                return i % 3
                       ? scene.send(s, 'good', { kind: 'many', n: i })
                       : scene.raw(s, `{"kind":"many","n":0,"x":${bad}}`);
            }));

        await scene.messages('many', n * 2 / 3);
        tap.diag(`${n} rows, a third of them bad: ${Date.now() - t} ms`);

        const lines = scene.said().split('\n').length - before;

        ok(lines < 10, `${lines} lines of the error log`);
    }, { timeout: 90000 });

    await test('all goes on', async () => {
        await scene.send(s, 'good', { kind: 'after', n: 0 });
        await scene.messages('after', 1);
        ok(!scene.said().includes('unacceptable'), 'no data in the error log');
    });
}


tap.run(async () => {
    const scene = await Scene.start();
    const s = await user(scene.nginx, 'talker');

    tap.diag(`REALTIME_SEED=${SEED}`);
    await join(s, ROOM);
    await messages(scene, s);
    await randoms(scene, s);
    await people(scene);
    await statuses(scene, s);
    await typing(scene, s);
    await names(scene, s);
    await namespaces(scene);
    await agents(scene);
    await extremes(scene);
    await times(scene, s);
    await refusals(scene, s);
});
