#!/usr/bin/env node
'use strict';

/*
 * Rooms and members as the database has them: who may enter, which rooms a
 * user has, what a user was last; and that nobody but who asks waits for it.
 */

const { OPEN, done, guest, join, leave, refused, unique,
        user } = require('../lib/people');
const postgres = require('../lib/postgres');
const recovery = require('../lib/recovery');
const { start } = require('../lib/server');
const tap = require('../lib/tap');
const tokens = require('../lib/tokens');

const { Lasting } = recovery;
const { is, isDeeply, like, ok, sleep, test, until } = tap;

const DENIED = 'ROOM_ACCESS_DENIED';

/* a change by SQL acts within a second, on an idle machine */
const ACTS = 10000;

/* how long what was heard of the database counts in any case, and more, ms */
const FRESH = 700;

/* how long somebody waits for a database that does not answer, and more, ms */
const WAITS = 10000;

/* until it is noticed that a client has gone, ms */
const GONE = 20000;

const RULES = `
    realtime_limit_messages off; realtime_limit_room off;
    realtime_limit_connections off;
    realtime_room declared;
    realtime_room board-* visibility=private;
    realtime_log_events off;
`;


function serve(pg, opts = {}) {
    const { http = '', url = pg.url, ...more } = opts;

    return start({
        workers: 2, reuseport: true, path: '/socket.io/',
        http: `realtime_postgres ${url}; ${http}`,
        server: `${OPEN} ${RULES}`,
        locations: `
            location /socket.io/ { realtime on; realtime_namespace / /other; }
            location /closed/ { realtime on; realtime_room_create off; }
            location /quick/ {
                realtime on;
                realtime_ping_interval 300ms;
                realtime_ping_timeout 200ms;
            }`,
        ...more
    });
}


/* the id of a room that is made so */
function room(db, name, type = 'channel', visibility = 'public') {
    return db.value(`INSERT INTO realtime_rooms (name, type, visibility)
                     VALUES ($1, $2, $3) RETURNING id`,
                    [name, type, visibility]);
}


function member(db, name, id, more = '') {
    return db.query(`INSERT INTO realtime_room_members (room_id, user_id${
        more && ', host'}) SELECT id, $2${more && `, '${more}'`}
        FROM realtime_rooms WHERE name = $1`, [name, id]);
}


function expel(db, name, id) {
    return db.query(`UPDATE realtime_room_members SET left_at = NOW()
        WHERE user_id = $2 AND left_at IS NULL AND room_id =
            (SELECT id FROM realtime_rooms WHERE name = $1)`, [name, id]);
}


/* the room, with all that is written of it */
function drop(db, name) {
    return db.query(`
        BEGIN;
        LOCK TABLE realtime_room_members IN SHARE ROW EXCLUSIVE MODE;
        DELETE FROM realtime_room_members WHERE room_id =
            (SELECT id FROM realtime_rooms WHERE name = '${name}');
        DELETE FROM realtime_rooms WHERE name = '${name}';
        COMMIT`);
}


function turn(db, name, column, value) {
    return db.query(`UPDATE realtime_rooms SET ${column} = $2
                     WHERE name = $1`, [name, value]);
}


/* whether it may enter, and out again; null: nobody can tell */
async function enters(s, roomName) {
    const reply = await s.ask('room:join', { roomName });

    if (reply.success) {
        await leave(s, roomName);
        return true;
    }

    await s.one('error');

    if (reply.error.code === 'SERVER_BUSY') {
        return null;
    }

    is(reply.error.code, DENIED, `code: ${JSON.stringify(reply)}`);

    return false;
}


async function kinds(server, pg) {
    await test('private rooms: members of the database', async () => {
        const [alice, bob] = [unique('alice'), unique('bob')];
        const [secret, board] = [unique('secret'), unique('board')];

        await room(pg, secret, 'group', 'private');
        await room(pg, board, 'group', 'public');
        await member(pg, secret, alice);
        await member(pg, board, alice);

        const [a, b, g] = [await user(server, alice), await user(server, bob),
                           await guest(server)];

        is(await join(a, secret), 1, 'memberCount');
        is(await join(a, board), 1, 'memberCount where a location says it');

        for (const s of [b, g]) {
            for (const roomName of [secret, board]) {
                is((await refused(s, DENIED, 'room:join', { roomName }))
                   .message, 'This room is private', roomName);
            }
        }

        /* one that the location has never heard of */
        await refused(a, DENIED, 'room:join', { roomName: unique('board') });
    });

    await test('a stay of the server is no membership, nor one that is over',
        async () => {
            const [name, id] = [unique('secret'), unique('alice')];

            await room(pg, name, 'group', 'private');
            await member(pg, name, id, 'other');

            const s = await user(server, id);

            is(await enters(s, name), false, 'a stay');
            await pg.query('UPDATE realtime_room_members SET left_at = NOW()');
            await member(pg, name, id);
            await expel(pg, name, id);
            is(await enters(s, name), false, 'over');
        });

    await test('a token that names the room is enough', async () => {
        const name = unique('secret');

        await room(pg, name, 'group', 'private');

        const s = await user(server, unique('alice'),
                             { claims: { rooms: [name] } });

        is(await join(s, name), 1, 'memberCount');
    });

    await test('types', async () => {
        const [dm, news] = [unique('dm'), unique('news')];

        await room(pg, dm, 'dm');
        await room(pg, news, 'broadcast');

        const [a, b, c] = [await guest(server), await guest(server),
                           await guest(server)];

        is(await join(a, dm), 1, 'first');
        is(await join(b, dm), 2, 'second');
        like((await refused(c, DENIED, 'room:join', { roomName: dm })).message,
             /for two/, 'third');

        await join(a, news);
        await refused(a, 'PERMISSION_DENIED', 'message:send',
                      { roomName: news, content: 'x' });
    });

    await test('neither type nor visibility: a public channel', async () => {
        const name = unique('bare');

        await room(pg, name, null, null);

        const s = await guest(server);

        await join(s, name);
        await done(s, 'message:send', { roomName: name, content: 'x' });
    });

    await test('realtime_room_create off: rooms of the database', async () => {
        const [there, not, made] = [unique('there'), unique('not'),
                                    unique('made')];
        const s = await guest(server, { path: '/closed/' });
        const other = await guest(server);

        await room(pg, there);
        await join(s, there);
        await join(s, 'declared');
        await refused(s, 'ROOM_NOT_FOUND', 'room:join', { roomName: not });

        /* made by somebody elsewhere, and empty again */
        await join(other, made);
        await until(ACTS, () => pg.value(`SELECT count(*) FROM realtime_rooms
            WHERE name = $1`, [made]), 'a row');
        await leave(other, made);
        await join(s, made);
    });

    await test('other namespaces have rooms of their own', async () => {
        const name = unique('secret');

        await room(pg, name, 'group', 'private');

        const s = await guest(server);

        await s.connect('/other');
        s.emitTo('/other', 'room:join', { roomName: name });
        isDeeply(await s.one('room:joined'),
                 { roomName: name, memberCount: 1 }, 'it may');
    });
}


async function changes(server, pg, name) {
    const acts = (what, f) => until(ACTS, f, what);

    await test(`${name}: what SQL changes acts soon`, async () => {
        const [secret, id] = [unique('secret'), unique('alice')];

        await room(pg, secret, 'group', 'private');

        const s = await user(server, id);

        is(await enters(s, secret), false, 'no member');
        await member(pg, secret, id);
        await acts('a member', () => enters(s, secret));
        await expel(pg, secret, id);
        await acts('none any more', async () => await enters(s, secret) === false);

        await turn(pg, secret, 'visibility', 'public');
        await acts('public', () => enters(s, secret));
        await turn(pg, secret, 'visibility', 'private');
        await acts('private', async () => await enters(s, secret) === false);

        await drop(pg, secret);
        await acts('gone, and made again', () => enters(s, secret));
    }, { timeout: 60000 });
}


/* it is told that it is out, and why */
async function out(s, roomName) {
    isDeeply(await s.one('room:left', ACTS), { roomName }, 'room:left');
    isDeeply(await s.one('error'), {
        code: DENIED, message: 'You are not a member of this room any more'
    }, 'error');
    await refused(s, 'NOT_IN_ROOM', 'message:send', { roomName, content: 'x' });
}


async function inside(server, pg) {
    await test('who is no member any more is out', async () => {
        const [name, alice, bob] = [unique('secret'), unique('alice'),
                                    unique('bob')];

        await room(pg, name, 'group', 'private');
        await member(pg, name, alice);
        await member(pg, name, bob);

        const [a, a2, b] = [await user(server, alice),
                            await user(server, alice),
                            await user(server, bob)];

        await join(a, name);
        await join(a2, name);
        await join(b, name);
        await expel(pg, name, alice);
        await Promise.all([a, a2].map((s) => out(s, name)));
        isDeeply(await b.one('user:left'), { roomName: name, userId: alice },
                 'the others hear of it');
        await done(b, 'message:send', { roomName: name, content: 'x' });
        await b.none('user:left');
        is(await enters(a, name), false, 'nor may it come back');
    });

    await test('a room becomes private: members and guests', async () => {
        const name = unique('room');
        const [alice, bob, carol] = ['alice', 'bob', 'carol'].map(unique);

        await room(pg, name);
        await member(pg, name, alice);

        const rooms = [name];
        const [a, b, c, g] = [await user(server, alice),
                              await user(server, bob),
                              await user(server, carol, { claims: { rooms } }),
                              await guest(server)];

        for (const s of [a, b, c, g]) {
            await join(s, name);
        }

        await turn(pg, name, 'visibility', 'private');
        await Promise.all([b, g].map((s) => out(s, name)));

        for (const s of [a, c]) {
            await done(s, 'message:send', { roomName: name, content: 'x' });
        }

        is(await join(a, name), 2, 'who is left');
    });

    await test('a room becomes one where few write', async () => {
        const name = unique('room');

        await room(pg, name);

        const [a, b] = [await user(server, unique('alice')),
                        await guest(server)];

        for (const s of [a, b]) {
            await join(s, name);
            await done(s, 'message:send', { roomName: name, content: 'x' });
        }

        await turn(pg, name, 'type', 'broadcast');

        for (const s of [a, b]) {
            await until(ACTS, async () => {
                const reply = await s.ask('message:send',
                                          { roomName: name, content: 'x' });

                return !reply.success
                       && reply.error.code === 'PERMISSION_DENIED';
            }, 'no more');
        }
    });

    await test('several at once, also where a location says it is private',
        async () => {
            for (const name of [unique('secret'), unique('board')]) {
                const ids = ['alice', 'bob', 'carol'].map(unique);
                const people = [];

                await room(pg, name, 'group', 'private');

                for (const id of ids) {
                    await member(pg, name, id);
                    people.push(await user(server, id));
                    await join(people[people.length - 1], name);
                }

                await pg.query(`UPDATE realtime_room_members
                    SET left_at = NOW() WHERE user_id = ANY($1)
                    AND left_at IS NULL`, [ids.slice(1)]);
                await Promise.all(people.slice(1).map((s) => out(s, name)));
                await done(people[0], 'message:send',
                           { roomName: name, content: 'x' });
            }
        });

    await test('a private room goes: nobody stays', async () => {
        const [name, id] = [unique('secret'), unique('alice')];

        await room(pg, name, 'group', 'private');
        await member(pg, name, id);

        const s = await user(server, id);

        await join(s, name);
        await drop(pg, name);
        await out(s, name);
    });

    await test('who is there becomes a member', async () => {
        const [name, id] = [unique('room'), unique('alice')];
        const s = await user(server, id);
        const rows = () => pg.query(`SELECT host IS NULL AS durable
            FROM realtime_room_members WHERE user_id = $1
            AND left_at IS NULL`, [id]);

        await room(pg, name);
        await join(s, name);
        await until(ACTS, async () => (await rows()).length, 'a stay');
        await member(pg, name, id);
        isDeeply(await rows(), [{ durable: true }], 'one row');

        await turn(pg, name, 'visibility', 'private');
        await leave(s, name);
        is(await enters(s, name), true, 'a member');
        isDeeply((await user(server, id)).greeting.rooms, [name], 'rooms');
    });
}


async function missed(server, pg) {
    await test('what changed while nobody could hear it', async () => {
        const [name, id] = [unique('secret'), unique('alice')];
        const crowd = await guest(server);

        await room(pg, name, 'group', 'private');
        await member(pg, name, id);

        const s = await user(server, id);

        await join(s, name);

        for (let i = 0; i < 40; i++) {
            await join(crowd, unique('crowd'));
        }

        await pg.access('host all realtime all reject\n'
                        + 'local all realtime reject');
        await pg.admin(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                        WHERE usename = 'realtime'`);
        await pg.admin(`BEGIN; SET LOCAL realtime.quiet = 'on';
            UPDATE realtime_room_members SET left_at = NOW()
            WHERE user_id = '${id}' AND left_at IS NULL; COMMIT`, [],
                       'realtime');
        await sleep(FRESH);
        await s.none('room:left');
        await pg.access();
        await s.next('room:left', WAITS);
    }, { timeout: 30000 });
}


async function lasting(pg) {
    const server = await recovery.serve({
        name: 'recovery', workers: 2, reuseport: true,
        http: `realtime_postgres ${pg.url};`
    });

    const back = async (change) => {
        const [name, id] = [unique('secret'), unique('alice')];

        await room(pg, name, 'group', 'private');
        await member(pg, name, id);

        const token = tokens.sign({ userId: id });
        const other = await Lasting.open(server, {
            auth: { token: tokens.sign({ userId: 'bob', rooms: [name] }) }
        });
        const s = await Lasting.open(server, { auth: { token } });
        const { pid } = s.states['/'];

        await join(other, name);
        await join(s, name);
        await done(other, 'message:send', { roomName: name, content: '1' });
        is((await s.one('message:new')).content, '1', 'before');
        s.destroy();

        await change(name, id);
        await done(other, 'message:send', { roomName: name, content: '2' });

        const auth = { token, pid, offset: s.states['/'].offset };

        return { name, t: await Lasting.open(server, { auth }),
                 sid: s.states['/'].sid };
    };

    await test('a member comes back', async () => {
        const { name, t, sid } = await back(() => sleep(FRESH));

        is(t.states['/'].sid, sid, 'the same socket');
        is((await t.one('message:new')).content, '2', 'what it missed');
        await t.none('room:left');
        await done(t, 'message:send', { roomName: name, content: '3' });
    });

    await test('one who is none any more is told nothing of what was said',
        async () => {
            const { name, t, sid } = await back(async (room_, id) => {
                await expel(pg, room_, id);
                await sleep(FRESH);
            });

            /* somebody new where that is known at once */
            if (t.states['/'].sid === sid) {
                await out(t, name);
            }

            await t.none('message:new');
            is(await enters(t, name), false, 'and may not enter');
        });

    await test('nor one who was in a public room that is private now',
        async () => {
            const name = unique('room');
            const token = tokens.sign({ userId: unique('eve') });

            await room(pg, name);

            const s = await Lasting.open(server, { auth: { token } });
            const { pid } = s.states['/'];

            await join(s, name);
            s.destroy();
            await turn(pg, name, 'visibility', 'private');

            const other = await Lasting.open(server, {
                auth: { token: tokens.sign({ userId: 'bob', rooms: [name] }) }
            });

            await join(other, name);
            await done(other, 'message:send', { roomName: name, content: '2' });

            const auth = { token, pid, offset: s.states['/'].offset };
            const t = await Lasting.open(server, { auth });

            if (t.states['/'].sid === s.states['/'].sid) {
                await out(t, name);
            }

            await t.none('message:new');
        });

    await server.stop();
}


async function greeting(server, pg) {
    await test('authenticated: rooms of the token and of the database',
        async () => {
            const id = unique('alice');
            const names = [unique('b'), unique('a'), unique('c')];
            const [here, over] = [unique('here'), unique('over')];

            for (const name of [...names, here, over]) {
                await room(pg, name, 'group', 'private');
            }

            for (const name of names) {
                await member(pg, name, id);
            }

            await member(pg, here, id, 'some-host');
            await member(pg, over, id);
            await expel(pg, over, id);

            const s = await user(server, id);

            isDeeply(s.greeting.rooms, names, 'in the order of joining');

            const rooms = ['x', names[1]];
            const t = await user(server, id, { claims: { rooms } });

            isDeeply(t.greeting.rooms, ['x', names[1], names[0], names[2]],
                     'each once');

            isDeeply((await user(server, unique('bob'))).greeting.rooms, [],
                     'somebody without');
        });

    await test('what is said right after CONNECT comes behind the greeting',
        async () => {
            for (const transport of ['polling', 'websocket']) {
                const s = await user(server, unique('alice'), { transport });
                const name = unique('room');

                s.emit('room:join', { roomName: name });
                s.emit('message:send', { roomName: name, content: 'x' });
                s.emit('room:leave', { roomName: name });
                s.emit('room:join', { roomName: name });
                s.emit('message:send', { roomName: name, content: 'y' });
                s.emit('ping');
                await s.one('pong');

                const all = s.log.map((e) => e.event)
                    .filter((e) => e !== 'presence:changed');

                isDeeply(all, ['connected', 'authenticated', 'room:joined',
                               'message:new', 'room:left', 'room:joined',
                               'message:new', 'pong'], transport);
            }
        });
}


async function presence(server, pg) {
    const row = (id) => pg.value(`SELECT custom_status FROM realtime_presence
                                  WHERE user_id = $1`, [id]);
    const custom = { text: 'in a meeting', emoji: '📅' };

    const keep = (id, value) => pg.query(`INSERT INTO realtime_presence
        (user_id, status, custom_status) VALUES ($1, 'offline', $2)`,
        [id, JSON.stringify(value)]);

    await test('a custom status comes back with its user', async () => {
        const id = unique('alice');
        const other = await user(server, unique('bob'));

        await keep(id, custom);

        isDeeply(await done(other, 'presence:request', { userId: id }),
                 { userId: id, status: 'offline', customStatus: custom },
                 'before');

        const s = await user(server, id);

        for ( ;; ) {
            const e = await other.one('presence:changed');

            if (e.userId === id && e.status === 'online' && e.customStatus) {
                isDeeply(e.customStatus, custom, 'told to the others');
                break;
            }
        }

        isDeeply(await done(s, 'presence:request', { userId: id }),
                 { userId: id, status: 'online', customStatus: custom },
                 'then');

        await until(ACTS, () => pg.value(`SELECT status = 'online'
            FROM realtime_presence WHERE user_id = $1`, [id]), 'online');
        isDeeply(await row(id), custom, 'the row keeps it');

        await done(s, 'presence:update', { status: 'busy', customStatus: {} });
        await until(ACTS, async () => await row(id) === null, 'none');

        /* and stays away */
        s.client.close();

        const again = await user(server, id);

        isDeeply(await done(again, 'presence:request', { userId: id }),
                 { userId: id, status: 'online' }, 'taken away');
    });

    await test('what nobody could have set is not told', async () => {
        const values = [{ text: 'x'.repeat(101) }, { text: 5 }, [], 'x', 7,
                        null, { emoji: 'x'.repeat(11) },
                        { text: 'x', more: 'y'.repeat(5000) }];

        for (const value of values) {
            const id = unique('alice');

            await keep(id, value);

            const s = await user(server, id);

            isDeeply(await done(s, 'presence:request', { userId: id }),
                     { userId: id, status: 'online' }, JSON.stringify(value));
        }
    });

    await test('a user whom nobody has ever seen', async () => {
        const s = await guest(server);
        const id = unique('nobody');

        isDeeply(await done(s, 'presence:request', { userId: id }),
                 { userId: id, status: 'offline' }, 'presence');
    });
}


/* nothing that reads rooms gets an answer until it is over */
async function hung(pg, f) {
    const client = await pg.client();

    await client.query('BEGIN; LOCK TABLE realtime_rooms, realtime_presence');

    try {
        return await f();

    } finally {
        await client.query('COMMIT');
    }
}


async function waiting(server, pg) {
    await test('while one waits, others do not, nor does what it is sent',
        async () => {
            const name = unique('room');
            const [a, b] = [await guest(server), await guest(server)];

            await join(a, 'declared');
            await join(b, 'declared');

            await hung(pg, async () => {
                a.emit('room:join', { roomName: name });
                a.emit('message:send', { roomName: 'declared', content: '2' });
                await done(b, 'message:send',
                           { roomName: 'declared', content: '1' });
                is((await a.one('message:new')).content, '1', 'it is sent');
            });

            is((await a.one('message:new', WAITS)).content, '2', 'its own');

            const joined = a.log.findIndex((e) => e.event === 'room:joined'
                                            && e.args[0].roomName === name);
            const said = a.log.findIndex((e) => e.event === 'message:new'
                                         && e.args[0].content === '2');

            ok(joined > 0 && joined < said, 'in order');
        });

    await test('who waits may change its transport', async () => {
        const name = unique('room');
        const s = await guest(server, { transport: 'polling' });

        await hung(pg, async () => {
            const joined = s.call('room:join', { roomName: name });

            await s.client.upgrade();

            const [reply] = await joined;

            ok(reply, 'an answer');
        });

        /* the question was given up, and its connection made anew */
        await until(WAITS, async () => (await s.ask('room:join',
            { roomName: unique('after') })).success, 'after');
    });

    await test('who waits may go', async () => {
        const before = (await server.metrics()).sessions.total;

        for (const transport of ['websocket', 'polling']) {
            const s = await guest(server, { transport });

            await hung(pg, async () => {
                s.emit('room:join', { roomName: unique('room') });
                await sleep(50);
                s.destroy();
                await sleep(100);
            });
        }

        await until(GONE, async () =>
            (await server.metrics()).sessions.total <= before, 'gone');
    });

    await test('an answer that is overtaken lets nobody in', async () => {
        const [name, id] = [unique('secret'), unique('alice')];
        const s = await user(server, id);

        await room(pg, name, 'group', 'private');
        await member(pg, name, id);

        /* the question is about what was before, its answer comes behind */
        await pg.query(`CREATE POLICY slow ON realtime_rooms
            USING (name <> '${name}' OR pg_sleep(1) IS NOT NULL);
            ALTER TABLE realtime_rooms ENABLE ROW LEVEL SECURITY;
            ALTER TABLE realtime_rooms FORCE ROW LEVEL SECURITY`);

        const joined = s.ask('room:join', { roomName: name });

        await sleep(300);
        await pg.admin(`BEGIN; SET LOCAL realtime.quiet = 'on';
            UPDATE realtime_room_members SET left_at = NOW()
            WHERE user_id = '${id}' AND left_at IS NULL;
            SELECT pg_notify('realtime_changed', '{"room":"${name}"}');
            COMMIT`, undefined, 'realtime');

        is((await joined).success, false, 'success');
        await s.one('error');
        await pg.query(`ALTER TABLE realtime_rooms DISABLE ROW LEVEL SECURITY;
                        ALTER TABLE realtime_rooms NO FORCE ROW LEVEL SECURITY;
                        DROP POLICY slow ON realtime_rooms`);
        await refused(s, 'NOT_IN_ROOM', 'message:send',
                      { roomName: name, content: 'x' });

    }, { timeout: 20000 });

    await test('who waits and answers no ping stays', async () => {
        const s = await guest(server, { path: '/quick/' });

        await hung(pg, async () => {
            s.emit('room:join', { roomName: unique('room') });
            await sleep(1200);
        });

        await s.one('room:joined', WAITS);
    });

    await test('nobody waits for ever', async () => {
        const s = await guest(server);
        const name = unique('room');

        await hung(pg, async () => {
            const [reply] = await tap.within(WAITS,
                s.call('room:join', { roomName: name }), 'an answer');

            is(reply.success, false, 'success');
            is(reply.error.code, 'SERVER_BUSY', 'code');
        });

        await until(WAITS, async () =>
            (await s.ask('room:join', { roomName: name })).success, 'then');
    });
}

async function outage() {
    const pg = await postgres.start();

    await pg.apply();

    const server = await serve(pg, { name: 'outage' });
    const [id, other] = [unique('alice'), unique('bob')];
    const [open, secret, board] = [unique('open'), unique('secret'),
                                   unique('board')];
    const taken = unique('taken');

    await room(pg, open);
    await room(pg, secret, 'group', 'private');
    await room(pg, board, 'group', 'private');
    await member(pg, secret, id);
    await member(pg, board, id);

    const s = await user(server, id);
    const g = await guest(server);

    is(await enters(s, open), true, 'open');
    is(await enters(s, secret), true, 'secret');
    is(await enters(s, board), true, 'board');
    is(await enters(g, secret), false, 'secret to a guest');
    await join(g, taken);

    const away = async (what) => {
        await test(`${what}: what is known goes on, what is not has to wait`,
            async () => {
                const busy = (x, roomName) => until(WAITS, async () => {
                    const reply = await x.ask('room:join', { roomName });

                    return !reply.success
                           && reply.error.code === 'SERVER_BUSY';
                }, `SERVER_BUSY for ${roomName}`);

                await busy(s, unique('unknown'));
                await busy(s, unique('board'));

                is(await enters(s, open), true, 'open');
                is(await enters(s, secret), true, 'secret');
                is(await enters(s, board), true, 'board');
                is(await enters(g, secret), false, 'secret to a guest');
                is(await enters(s, taken), true, 'where somebody is');
                is(await enters(g, 'declared'), true, 'declared');

                /* a member perhaps, nobody knows */
                const b = await user(server, unique('bob'));

                isDeeply(b.greeting.rooms, [], 'rooms of the greeting');
                await busy(b, secret);
                b.client.close();

            }, { timeout: 60000 });
    };

    const back = async (what) => {
        await test(`${what}: all is known again`, async () => {
            const name = unique('new');

            await until(40000, async () =>
                (await s.ask('room:join', { roomName: name })).success,
                'a room that nobody knew');
            await member(pg, secret, other);

            const b = await user(server, other);

            await until(WAITS, () => enters(b, secret), 'a new member');
            await expel(pg, secret, other);
            await until(WAITS, async () => await enters(b, secret) === false,
                        'no more');
            b.client.close();

        }, { timeout: 60000 });
    };

    await pg.kill();
    await away('killed');
    await pg.restart();
    await back('started again');

    pg.signal('SIGSTOP', [pg.pid, ...pg.children()]);
    await away('hung');
    pg.signal('SIGCONT', [pg.pid, ...pg.children()]);
    await back('it goes on');

    await server.stop();
}


tap.run(async () => {
    const pg = await postgres.start();

    await pg.apply();

    const server = await serve(pg);

    await kinds(server, pg);
    await greeting(server, pg);
    await presence(server, pg);
    await changes(server, pg, 'directly');
    await inside(server, pg);
    await missed(server, pg);
    await lasting(pg);
    await waiting(server, pg);
    await server.stop();

    const bouncer = await postgres.startPgBouncer(pg);
    const through = await serve(pg, { name: 'bouncer', url: bouncer.url });

    await changes(through, pg, 'through PgBouncer');
    await through.stop();

    await outage();
});
