#!/usr/bin/env node
'use strict';

/*
 * realtime_changed: who listens hears of every change that a server may have
 * to act on, once, and of nothing else; who writes never fails for it.
 */

const postgres = require('../lib/postgres');
const tap = require('../lib/tap');

const { is, isDeeply, ok, test } = tap;

const ALL = { all: true };


class Ear {

    constructor(pg, client) {
        this.pg = pg;
        this.client = client;
        this.heard = [];
        client.on('notification', (n) => this.heard.push(n));
    }

    static async open(pg) {
        const ear = new Ear(pg, await tap.keep(() => pg.client()));

        await ear.client.query('LISTEN realtime_changed');

        return ear;
    }

    /* what a statement sends, as objects, in order of their text */
    async of(sql, params) {
        await this.pg.query(sql, params);
        await this.pg.query(`NOTIFY realtime_changed, 'end'`);

        return this.rest();
    }

    async rest() {
        await tap.until(5000, () => this.heard.some((n) => n.payload === 'end'),
                        'the last notification');

        const texts = this.heard.map((n) => n.payload)
                                .filter((text) => text !== 'end');

        this.heard = [];

        return texts.sort().map((text) => JSON.parse(text));
    }
}


async function rooms(ear) {
    const expect = (name, sql, payloads) => test(`rooms: ${name}`, async () => {
        isDeeply(await ear.of(sql), payloads, sql);
    });

    await expect('one comes', `INSERT INTO realtime_rooms (name) VALUES ('a')`,
                 [{ room: 'a' }]);
    await expect('several come at once', `INSERT INTO realtime_rooms (name)
                 VALUES ('b'), ('c'), ('d')`,
                 [{ room: 'b' }, { room: 'c' }, { room: 'd' }]);
    await expect('one is there already', `INSERT INTO realtime_rooms (name)
                 VALUES ('a') ON CONFLICT DO NOTHING`, []);
    await expect('one comes, one was there', `INSERT INTO realtime_rooms (name)
                 VALUES ('a'), ('e') ON CONFLICT DO NOTHING`, [{ room: 'e' }]);
    await expect('another type', `UPDATE realtime_rooms SET type = 'group'
                 WHERE name = 'a'`, [{ room: 'a' }]);
    await expect('another visibility', `UPDATE realtime_rooms
                 SET visibility = 'private' WHERE name <= 'b'`,
                 [{ room: 'a' }, { room: 'b' }]);
    await expect('no type any more', `UPDATE realtime_rooms SET type = NULL
                 WHERE name = 'b'`, [{ room: 'b' }]);
    await expect('the same again', `UPDATE realtime_rooms
                 SET visibility = 'private', type = type
                 WHERE name <= 'b'`, []);
    await expect('other columns', `UPDATE realtime_rooms
                 SET metadata = '{"x": 1}', created_at = now()`, []);
    await expect('by an upsert', `INSERT INTO realtime_rooms (name, type)
                 VALUES ('a', 'dm') ON CONFLICT (name)
                 DO UPDATE SET type = excluded.type`, [{ room: 'a' }]);
    await expect('another name', `UPDATE realtime_rooms SET name = 'z'
                 WHERE name = 'e'`, [{ room: 'e' }, { room: 'z' }]);
    await expect('two change names', `UPDATE realtime_rooms SET name = CASE name
                 WHEN 'c' THEN 'c2' ELSE 'd2' END WHERE name IN ('c', 'd')`,
                 ['c', 'c2', 'd', 'd2'].map((room) => ({ room })));
    await expect('some go', `DELETE FROM realtime_rooms
                 WHERE name IN ('z', 'c2', 'no')`,
                 [{ room: 'c2' }, { room: 'z' }]);
    await expect('a thousand come', `INSERT INTO realtime_rooms (name)
                 SELECT 'r' || n FROM generate_series(1000, 1999) AS n`,
                 Array.from({ length: 1000 }, (_, i) => ({
                     room: `r${1000 + i}` })));
    await expect('even more go', 'DELETE FROM realtime_rooms', [ALL]);
    await expect('all go', `TRUNCATE realtime_rooms CASCADE`, [ALL]);
}


async function members(ear) {
    const expect = (name, sql, payloads) => test(`members: ${name}`, async () =>
    {
        isDeeply(await ear.of(sql), payloads, sql);
    });

    const join = (rooms, users) => `
        INSERT INTO realtime_room_members (room_id, user_id)
        SELECT id, u FROM realtime_rooms, unnest('{${users}}'::text[]) AS u
        WHERE name = ANY ('{${rooms}}') ON CONFLICT DO NOTHING`;

    await ear.of(`INSERT INTO realtime_rooms (name)
                  SELECT chr(n) FROM generate_series(97, 122) AS n`);

    await expect('one comes', join('a', 'anna'), [{ room: 'a', user: 'anna' }]);
    await expect('one is in already', join('a', 'anna'), []);
    await expect('one comes into several', join('b,c', 'anna'), [
        { room: 'b', user: 'anna' }, { room: 'c', user: 'anna' }]);
    await expect('several come', join('a', 'ben,carl,dora'), [{ room: 'a' }]);
    await expect('several come into several', join('b,c,d', 'ben,carl'),
                 [{ room: 'b' }, { room: 'c' }, { room: 'd' }]);
    await expect('a thousand come', `
        INSERT INTO realtime_room_members (room_id, user_id)
        SELECT id, n FROM realtime_rooms, generate_series(1, 1000) AS n
        WHERE name = 'f'`, [{ room: 'f' }]);
    await expect('one leaves', `UPDATE realtime_room_members SET left_at = now()
        WHERE user_id = '7'`, [{ room: 'f', user: '7' }]);
    await expect('that was over before', `UPDATE realtime_room_members
        SET left_at = now() WHERE user_id = '7'`, []);
    await expect('one comes back', `UPDATE realtime_room_members
        SET left_at = NULL WHERE user_id = '7'`, [{ room: 'f', user: '7' }]);
    await expect('other columns', `UPDATE realtime_room_members
        SET joined_at = now()`, []);
    await expect('one that is over is written down', `
        INSERT INTO realtime_room_members (room_id, user_id, left_at)
        SELECT id, 'emil', now() FROM realtime_rooms WHERE name = 'a'`, []);
    await expect('one becomes another', `UPDATE realtime_room_members
        SET user_id = 'ada' WHERE user_id = 'dora'`, [{ room: 'a' }]);
    await expect('all leave', `UPDATE realtime_room_members SET left_at = now()
        WHERE user_id ~ '^[0-9]'`, [{ room: 'f' }]);
    await expect('what is over is deleted', `DELETE FROM realtime_room_members
        WHERE left_at IS NOT NULL`, []);
    await expect('one is deleted', `DELETE FROM realtime_room_members
        WHERE user_id = 'ada'`, [{ room: 'a', user: 'ada' }]);
    await expect('of no room', `INSERT INTO realtime_room_members (user_id)
        VALUES ('nobody')`, []);
    await expect('a room and its members go', `
        DELETE FROM realtime_room_members USING realtime_rooms AS r
        WHERE room_id = r.id AND name = 'd';
        DELETE FROM realtime_rooms WHERE name = 'd'`, [{ room: 'd' }]);
    await expect('all go', 'TRUNCATE realtime_room_members', [ALL]);

    await expect('one is in more than a thousand', `
        INSERT INTO realtime_rooms (name)
            SELECT 'r' || n FROM generate_series(1, 1100) AS n;
        INSERT INTO realtime_room_members (room_id, user_id)
            SELECT id, 'anna' FROM realtime_rooms`, [ALL]);
}


async function quiet(pg, ear) {
    const write = `
        INSERT INTO realtime_rooms (name) VALUES ('quiet');
        UPDATE realtime_rooms SET type = 'dm' WHERE name = 'quiet';
        INSERT INTO realtime_room_members (room_id, user_id)
            SELECT id, 'anna' FROM realtime_rooms WHERE name = 'quiet';
        UPDATE realtime_room_members SET left_at = now()
            WHERE user_id = 'anna' AND left_at IS NULL;
        DELETE FROM realtime_room_members;
        DELETE FROM realtime_rooms WHERE name = 'quiet';
        TRUNCATE realtime_room_members;`;

    await test('quiet: nothing is sent, in that transaction', async () => {
        await ear.of('TRUNCATE realtime_rooms CASCADE');

        isDeeply(await ear.of(`BEGIN; SET LOCAL realtime.quiet = 'on'; ${write}
                               COMMIT`), [], 'by SET LOCAL');
        isDeeply(await ear.of(`BEGIN;
                               SELECT set_config('realtime.quiet', 'on', true);
                               ${write} COMMIT`), [], 'by set_config');
    });

    await test('quiet: in the statement itself', async () => {
        isDeeply(await ear.of(`
            WITH quiet AS MATERIALIZED (
                SELECT set_config('realtime.quiet', 'on', true))
            INSERT INTO realtime_rooms (name) SELECT $1 FROM quiet`,
            ['here']), []);
    });

    await test('quiet: over afterwards, and for other words', async () => {
        const client = await pg.client();

        await client.query(`
            BEGIN; SET LOCAL realtime.quiet = 'on'; COMMIT;
            INSERT INTO realtime_rooms (name) VALUES ('loud');
            BEGIN; SET LOCAL realtime.quiet = 'off';
            INSERT INTO realtime_rooms (name) VALUES ('louder'); COMMIT`);
        isDeeply(await ear.of('SELECT 1'),
                 [{ room: 'loud' }, { room: 'louder' }]);
    });

    await test('what is rolled back was not', async () => {
        isDeeply(await ear.of(`BEGIN;
            INSERT INTO realtime_rooms (name) VALUES ('never'); ROLLBACK`), []);
    });
}


/* as long, and as strange, as names can be */
async function strange(ear) {
    const names = ['"', '\\', '\x01', '\u20ac', '\u{1f600}', '\'', '</script>']
        .map((c) => c.repeat(255 / [...c].length));

    await test('names of any kind, and of any length', async () => {
        for (const name of names) {
            isDeeply(await ear.of(
                'INSERT INTO realtime_rooms (name) VALUES ($1)', [name]),
                [{ room: name }]);
            isDeeply(await ear.of(`
                INSERT INTO realtime_room_members (room_id, user_id)
                SELECT id, $1::text FROM realtime_rooms WHERE name = $1::text`,
                [name]),
                [{ room: name, user: name }]);
        }
    });
}


async function refused(pg, ear) {
    await test('who may write only the memberships is heard, too', async () => {
        await pg.admin(`CREATE ROLE clerk LOGIN PASSWORD '${pg.password}'`);
        await pg.query(`
            INSERT INTO realtime_rooms (id, name) VALUES
                ('00000000-0000-4000-8000-000000000001', 'office');
            GRANT INSERT ON realtime_room_members TO clerk`);

        const client = await pg.client('clerk');

        await client.query(`INSERT INTO realtime_room_members (room_id, user_id)
            VALUES ('00000000-0000-4000-8000-000000000001', 'anna')`);
        isDeeply(await ear.of('SELECT 1'), [
            { room: 'office', user: 'anna' }, { room: 'office' }]);
    });

    await test('nobody else calls the triggers\' functions', async () => {
        is(await pg.value(`SELECT count(*) FROM pg_proc
            WHERE prosecdef AND has_function_privilege('clerk', oid,
                                                       'EXECUTE')`), 0);
        is(await pg.value('SELECT count(*) FROM pg_proc WHERE prosecdef'), 3);
    });

    await test('when a notification fails the write does not', async () => {
        await pg.query(`ALTER FUNCTION realtime_notify(text[], text[])
                        RENAME TO gone`);
        await pg.query(`INSERT INTO realtime_rooms (name) VALUES ('still')`);
        await pg.query(`INSERT INTO realtime_room_members (room_id, user_id)
                        SELECT id, 'anna' FROM realtime_rooms
                        WHERE name = 'still'`);
        await pg.query(`ALTER FUNCTION gone(text[], text[])
                        RENAME TO realtime_notify`);
        is(await pg.value(`SELECT count(*) FROM realtime_rooms
                           WHERE name = 'still'`), 1, 'rooms');
        ok(/WARNING: {2}the servers are not told of a change/.test(pg.log()),
           'a warning in the log');
    });
}


tap.run(async () => {
    const pg = await postgres.start();

    await pg.apply();

    const ear = await Ear.open(pg);

    await rooms(ear);
    await members(ear);
    await quiet(pg, ear);
    await strange(ear);
    await refused(pg, ear);
});
