#!/usr/bin/env node
'use strict';

/*
 * Reload, quit and the death of a worker with clients connected.
 */

const fs = require('node:fs');
const path = require('node:path');
const { reference, start } = require('../lib/fixture');
const nginx = require('../lib/server');
const eio = require('../lib/eio');
const { Socket } = require('../lib/sio');
const tap = require('../lib/tap');

const { is, isDeeply, ok, sleep, test } = tap;

const ROOM = 'lobby';

/* a polling client whose request died with a worker goes by the ping timeout */
const PINGS = { pingInterval: 700, pingTimeout: 700 };

/* old workers end their clients within this time, in ms */
const DRAIN = nginx.knows('realtime_drain') ? 'realtime_drain 1s;' : '';
const OLD_GONE = 20000;


function alive(pid) {
    return fs.existsSync(`/proc/${pid}`);
}


async function member(server, transport) {
    const s = await Socket.open(server, { transport });

    await s.ask('room:join', { roomName: ROOM });

    return s;
}


/* n members, every third over polling */
function members(server, n) {
    return Promise.all(Array.from({ length: n }, (_, i) => {
        return member(server, i % 3 === 2 ? 'polling' : 'websocket');
    }));
}


/* until the metrics say that "n" sessions with a membership each are left */
async function settle(server, n, ms = 5000) {
    let last;

    await tap.until(ms, async () => {
        const m = await server.metrics();

        last = [m.connections.total, m.sessions.total, m.rooms.memberships,
                m.rooms.total];

        return last[0] === n && last[1] === n && last[2] === n
               && last[3] === (n ? 1 : 0);

    }, () => `connections, sessions, memberships are ${n}, got ${last}`);
}


/* every worker that the metrics name is one that runs */
async function noGhosts(server) {
    const { workers } = await server.metrics();

    isDeeply(workers.filter((w) => w.pid && w.sessions && !alive(w.pid)), [],
             'dead workers with sessions');
}


async function reloading() {
    const server = await start('chat', {
        ...PINGS, workers: 4, reuseport: true, directives: DRAIN,
        name: 'reload'
    });

    const old = await members(server, 18);
    let oldPids;
    let fresh;

    await settle(server, 18);

    await test('reload: the new workers serve', async () => {
        oldPids = await server.reload();
        fresh = await tap.keep(() => members(server, 6));

        const { success } = await fresh[0].ask('message:send', {
            roomName: ROOM, content: 'hello'
        });

        is(success, true, 'success');

        for (const s of fresh) {
            is((await s.one('message:new')).content, 'hello', 'content');
        }
    });

    await test('reload: the old clients are sent away', async () => {
        await Promise.all(old.map((s) => s.waitClose(OLD_GONE)));
    }, { timeout: OLD_GONE + 1000 });

    await test('reload: the old workers end', async () => {
        await tap.until(OLD_GONE, () => !oldPids.some(alive), 'all ended');
    }, { timeout: OLD_GONE + 1000 });

    await test('reload: counts are those of the new clients', async () => {
        await settle(server, 6);
        await noGhosts(server);
    });

    await test('reload: the room knows who is left', async () => {
        const s = await Socket.open(server);
        const reply = await s.ask('room:join', { roomName: ROOM });

        is(reply.data.memberCount, 7, 'memberCount');
    });

    await Promise.all(fresh.map((s) => s.client.close()));

    await test('reload: many times, slots are used again', async () => {
        for (let i = 0; i < 6; i++) {
            const s = await Socket.open(server);
            const before = await server.reload();

            await s.waitClose(OLD_GONE);
            await tap.until(OLD_GONE, () => !before.some(alive), 'ended');
        }

        const s = await member(server);

        is((await s.ask('message:send', { roomName: ROOM, content: 'x' }))
           .success, true, 'success');
        await noGhosts(server);
    }, { timeout: 60000 });

    await test('reload: with a bad configuration nothing changes', async () => {
        const file = path.join(server.dir, 'nginx.conf');
        const good = fs.readFileSync(file);
        const s = await member(server);
        const pids = server.workerPids();

        server.allowed.push(/\[emerg\].*realtime_nonsense/);
        fs.writeFileSync(file, `${good}\nrealtime_nonsense;\n`);
        server.signal('SIGHUP');
        await tap.until(3000, () => /nonsense/.test(server.errorLog()));
        fs.writeFileSync(file, good);

        isDeeply(server.workerPids(), pids, 'workers');
        is((await s.ask('message:send', { roomName: ROOM, content: 'x' }))
           .success, true, 'success');
    });

    await server.stop();
}


async function quitting() {
    for (const workers of [1, 4]) {
        const server = await start('chat', {
            ...PINGS, workers, reuseport: workers > 1, directives: DRAIN,
            name: `quit, ${workers}`
        });

        const list = await members(server, 9);

        await test(`quit: ${workers} worker(s), exit code 0`, async () => {
            is(await server.quit(OLD_GONE), 0, 'exit code');
        }, { timeout: OLD_GONE + 1000 });

        await test(`quit: ${workers} worker(s), the clients see it`,
            async () => {
                for (const s of list) {
                    ok(await s.waitClose(1000), 'closed');
                }
            });

        await server.stop();
    }

    const server = await start('chat', { workers: 2, name: 'fast shutdown' });
    const list = await members(server, 6);

    await test('SIGTERM: at once, with clients connected', async () => {
        server.signal('SIGTERM');
        is(await tap.within(3000, server.ended, 'the end'), 0, 'exit code');
        await Promise.all(list.map((s) => s.waitClose(1000)));
    });

    await server.stop();
}


/* contents of the messages that "s" got, from "first" on */
function after(s, first) {
    const all = s.log.filter((e) => e.event === 'message:new')
                 .map((e) => e.args[0].content);

    return all.slice(all.indexOf(first));
}


async function oneDeath(server, list, round) {
    const pid = server.workerPids()[round % 4];
    const first = `start of round ${round}`;
    const closed = new Set();
    let going = true;

    list.forEach((s) => {
        s.log.length = 0;
        s.closed.then(() => closed.add(s));
    });

    await list[0].ask('message:send', { roomName: ROOM, content: first });

    /* everybody talks all the time */
    const talk = async (s, i) => {
        for (let n = 0; going && s.client.open; n++) {
            const reply = await s.ask('message:send', {
                roomName: ROOM, content: `${round}:${i}:${n}`
            });

            is(reply.success, true, 'success');
            await sleep(15);
        }
    };

    const talks = list.map((s, i) => {
        return talk(s, i).catch((e) => {
            if (s.client.open) {
                throw e;
            }
        });
    });

    await sleep(150);
    await server.killWorker(pid);
    await sleep(400);
    going = false;

    const settled = await Promise.allSettled(talks);

    /* those who have not heard of it yet miss a ping */
    await sleep(PINGS.pingInterval + PINGS.pingTimeout + 200);

    return { closed, settled, first };
}


async function dying() {
    const server = await start('chat', {
        ...PINGS, workers: 4, reuseport: true, name: 'death'
    });

    let list = await members(server, 20);
    let n = list.length;

    for (let round = 0; round < 4; round++) {
        const name = `a worker dies (${round + 1} of 4)`;
        let result;

        await settle(server, n);
        result = await oneDeath(server, list, round);

        const left = list.filter((s) => s.client.open
                                        && !result.closed.has(s));
        const lost = n - left.length;

        await test(`${name}: some are lost, most go on`, async () => {
            ok(left.length >= 5, `${left.length} of ${n} left`);

            for (const [i, r] of result.settled.entries()) {
                if (left.includes(list[i]) && r.status === 'rejected') {
                    throw r.reason;
                }
            }
        });

        await test(`${name}: those left miss nothing`, async () => {
            const last = `end of round ${round}`;

            await left[0].ask('message:send',
                              { roomName: ROOM, content: last });

            for (const s of left) {
                await tap.until(5000, () => after(s, result.first)
                                            .includes(last), last);
                isDeeply(after(s, result.first), after(left[0], result.first),
                         'messages in order');
            }
        });

        await test(`${name}: the counts are right soon`, async () => {
            await settle(server, left.length, 6000);
            await noGhosts(server);
        });

        await test(`${name}: those left hear who is gone`, async () => {
            for (const s of left) {
                await tap.until(3000, () => {
                    return s.log.filter((e) => e.event === 'user:left')
                            .length === lost;

                }, () => `user:left for ${lost}, got ${s.log.filter((e) => {
                    return e.event === 'user:left';
                }).length}`);
            }
        });

        list = left;

        await test(`${name}: new clients are served`, async () => {
            const more = await tap.keep(() => {
                return members(server, Math.max(lost, 1));
            });

            list = left.concat(more);
            is((await more[0].ask('message:send', {
                roomName: ROOM, content: 'new here'
            })).success, true, 'success');
        });

        n = list.length;
    }

    await Promise.all(list.map((s) => s.client.close()));

    await test('a worker dies: nothing is left in the end', async () => {
        await settle(server, 0);
    });

    await test('all workers die at once: those after them serve', async () => {
        await member(server);

        const pids = server.workerPids();

        server.allowed.push(/exited on signal 9/);
        pids.forEach((pid) => process.kill(pid, 'SIGKILL'));

        await tap.until(5000, () => {
            const now = server.workerPids();

            return now.length === 4 && !now.some((p) => pids.includes(p));
        });

        const s = await member(server);

        await s.ask('message:send', { roomName: ROOM, content: 'x' });
        await s.client.close();
        await settle(server, 0, 6000);
    });

    await server.stop();
}


async function upgradesAndDeath() {
    const server = await start('chat', {
        ...PINGS, workers: 2, reuseport: true, name: 'death in an upgrade'
    });

    await test('a worker dies with upgrades half-way', async () => {
        for (let round = 0; round < 2; round++) {
            await Promise.all(Array.from({ length: 12 }, async () => {
                const p = new eio.Polling(server);

                await p.open();
                await p.send('40');

                const { ws } = await eio.upgrade(server, { sid: p.sid });

                ws.send('2probe');
                await ws.recv();
            }));

            await server.killWorker(server.workerPids()[round]);
        }

        await settle(server, 0, 6000);

        const s = await Socket.open(server, { transport: 'polling' });

        await s.client.upgrade();
        is((await s.ask('ping')).success, true, 'success');
    }, { timeout: 20000 });

    await server.stop();
}


if (reference) {
    tap.skipAll('nginx only');
}

tap.run(async () => {
    await Promise.all([reloading(), dying()]);
    await Promise.all([quitting(), upgradesAndDeath()]);
});
