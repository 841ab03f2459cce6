#!/usr/bin/env node
'use strict';

/*
 * Binary upgrade (USR2, WINCH, QUIT) with clients connected: the workers of
 * the old and of the new master have one zone, as two generations have over a
 * reload.  What becomes of a zone that the new one cannot have, or that a
 * configuration has no more.
 */

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { reference, start } = require('../lib/fixture');
const { Polling } = require('../lib/eio');
const flocks = require('../lib/flock');
const nginx = require('../lib/server');
const { Socket } = require('../lib/sio');
const tap = require('../lib/tap');

const { is, isDeeply, like, ok, sleep, test } = tap;

const ROOM = 'lobby';
const WORKERS = 2;

/* a session whose end the server was not told goes by the ping timeout */
const PINGS = { pingInterval: 500, pingTimeout: 4000 };

const DIRECTIVES = `
    add_header X-Worker $pid always;
    ${nginx.knows('realtime_drain') ? 'realtime_drain 1s;' : ''}
`;

/* in the epoch of a zone: its master goes on without it */
const GIVEN_UP = 0x80000000;

/* old workers end their clients within this time, in ms */
const GONE = 20000;

const TIMEOUT = { timeout: 40000 };

/* of the eventfds that a master makes for so few workers */
const WAKES = 32;

const PAGE = 4096;

/* fields of the label in the last page of a zone's memory */
const LABEL_LAYOUT = 8;
const LABEL_SIZE = 1048;
const LABEL_ADDR = 1056;
const LABEL_EPOCH = 1064;


function run(opts) {
    return start('chat', {
        ...PINGS, workers: WORKERS, reuseport: true, daemon: true,
        directives: DIRECTIVES, ...opts
    });
}


/* open descriptors of a process: [{ fd, link }] */
function descriptors(pid) {
    return fs.readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
        try {
            return { fd, link: fs.readlinkSync(`/proc/${pid}/fd/${fd}`) };

        } catch (e) {
            return [];                          /* closed meanwhile */
        }
    });
}


/* zones that a process holds: [{ fd, name, inode }], in order of names */
function zones(pid) {
    return descriptors(pid)
        .map(({ fd, link }) => ({
            fd, name: (/^\/memfd:ngx_realtime:(\S+) /.exec(link) || [])[1]
        }))
        .filter(({ name }) => name)
        .map((zone) => ({
            ...zone, inode: fs.statSync(`/proc/${pid}/fd/${zone.fd}`).ino
        }))
        .sort((a, b) => a.name.localeCompare(b.name));
}


function inodes(pid) {
    return zones(pid).map(({ inode }) => inode);
}


function eventfds(pid) {
    return descriptors(pid).filter(({ link }) => /eventfd/.test(link))
                           .map(({ fd }) => Number(fd)).sort((a, b) => a - b);
}


/* where it has them, and what for: one line each */
function mapped(pid) {
    return fs.readFileSync(`/proc/${pid}/maps`, 'latin1').split('\n')
             .filter((line) => / 00000000 .*memfd:ngx_realtime/.test(line));
}


/* a zone's memory, open for as long as the test runs */
class Memory {

    constructor(pid, name = 'realtime') {
        const { fd } = zones(pid).find((z) => z.name === name);

        this.fd = fs.openSync(`/proc/${pid}/fd/${fd}`, 'r+');
        this.label = fs.fstatSync(this.fd).size - PAGE;
        tap.cleanup(() => fs.closeSync(this.fd));
    }

    /* configurations that began with it */
    get epoch() {
        const word = Buffer.alloc(4);

        fs.readSync(this.fd, word, 0, 4, this.label + LABEL_EPOCH);

        return word.readUInt32LE();
    }

    /* writes into the label; what was there before */
    relabel(offset, bytes) {
        const before = Buffer.alloc(bytes.length);

        fs.readSync(this.fd, before, 0, bytes.length, this.label + offset);
        fs.writeSync(this.fd, bytes, 0, bytes.length, this.label + offset);

        return before;
    }

    /* as if that worker had the mutex: the first word of a slab pool */
    lock(pid) {
        const word = Buffer.alloc(8);

        word.writeBigUInt64LE(BigInt(pid));
        fs.writeSync(this.fd, word, 0, 8, 0);
    }
}


function edit(server, from, to) {
    const file = path.join(server.dir, 'nginx.conf');
    const text = fs.readFileSync(file, 'utf8');

    ok(text.includes(from), `"${from}" in nginx.conf`);
    fs.writeFileSync(file, text.replaceAll(from, to));
}


function worker(s) {
    return Number(s.client.headers['x-worker']);
}


/* a member of the room whose session is at a worker of that master */
async function member(server, master, transport = 'websocket') {
    for (let i = 0; i < 100; i++) {
        const s = await tap.keep(() => Socket.open(server, { transport }));

        if (server.workerPids(master).includes(worker(s))) {
            await s.ask('room:join', { roomName: ROOM });
            return s;
        }

        await s.client.close();
    }

    return tap.fail(`no connection reaches a worker of master ${master}`);
}


async function members(server, master, transports
    = ['websocket', 'polling', 'websocket'])
{
    const list = [];

    for (const transport of transports) {
        list.push(await member(server, master, transport));
    }

    return list;
}


/* what each of "list" says is heard by all of them, once, in one order */
async function conversation(list) {
    list.forEach((s) => {
        s.log.length = 0;
    });

    for (const [i, s] of list.entries()) {
        const reply = await s.ask('message:send', {
            roomName: ROOM, content: `said by ${i}`
        });

        is(reply.success, true, 'success');
    }

    for (const s of list) {
        const heard = () => s.log.filter((e) => e.event === 'message:new')
                             .map((e) => e.args[0].content);

        await tap.until(5000, () => heard().length >= list.length,
                        () => `all is heard at ${worker(s)}: ${heard()}`);
        isDeeply(heard(), list.map((_, i) => `said by ${i}`), 'heard');
    }
}


/* until the zone has "n" sessions, each a member of the room */
async function settle(server, n) {
    let last;

    await tap.until(15000, async () => {
        const m = await server.metrics();

        last = [m.sessions.total, m.rooms.memberships];

        return last[0] === n && last[1] === n;

    }, () => `sessions and memberships are ${n}, got ${last}`);
}


async function workersOf(server) {
    const { workers } = await server.metrics();

    return workers.map(({ pid }) => pid).filter((pid) => pid)
                  .sort((a, b) => a - b);
}


function pidsOf(server, ...masters) {
    return masters.flatMap((m) => server.workerPids(m)).sort((a, b) => a - b);
}


function close(list) {
    return Promise.all(list.map((s) => s.client.close()));
}


async function quitOld(server, fresh) {
    server.signal('SIGQUIT');
    is(await tap.within(GONE, server.ended, 'the old master\'s end'), 0,
       'exit code');
    server.follow(fresh);
}


/* one zone, which is the same, and nothing beside it */
async function sharing(server, old, fresh, name) {
    await test(`${name}: one zone and one set of eventfds`, async () => {
        const expected = mapped(old);

        is(expected.length, 2, 'zones of the old master');
        isDeeply(mapped(fresh), expected, 'addresses and files');
        isDeeply(inodes(fresh), inodes(old), 'descriptors of zones');
        isDeeply(eventfds(fresh), eventfds(old), 'eventfds');
        is(eventfds(fresh).length, WAKES, 'number of eventfds');

        for (const pid of pidsOf(server, old, fresh)) {
            isDeeply(mapped(pid), expected, `those of worker ${pid}`);
        }
    });

    await test(`${name}: the workers of both masters are in it`, async () => {
        await tap.until(5000, async () => {
            return String(await workersOf(server))
                   === String(pidsOf(server, old, fresh));
        });
    });
}


/* requests of one polling session, and by whom they were answered */
async function polls(server, old, fresh, owners) {
    const p = new Polling(server);
    const answered = new Set();

    do {
        p.sid = undefined;
        await p.open();
    } while (!server.workerPids(owners).includes(
                 Number(p.headers['x-worker'])));

    await p.send('40');
    await p.poll();

    for (let i = 0; i < 400; i++) {
        const res = await p.post('42["ping"]');

        is(res.status, 200, `status of a POST (${res.text})`);
        answered.add(Number(res.headers['x-worker']));

        const answer = await p.get();

        is(answer.status, 200, `status of a GET (${answer.text})`);
        answered.add(Number(answer.headers['x-worker']));

        if ([old, fresh].every((m) => server.workerPids(m)
                                            .some((w) => answered.has(w))))
        {
            await p.send('1');
            return;
        }
    }

    tap.fail(`all requests are answered by ${[...answered]}`);
}


/*
 * A worker is killed with the mutex in its hands.  Clients of others stay; not
 * those who poll, since it may have had their request.
 */
async function killed(server, master, list) {
    const mine = server.workerPids(master);
    const pid = worker(list.find((s) => mine.includes(worker(s))));
    const locked = new RegExp(`zone "realtime" was locked by ${pid}`);

    server.allowed.push(locked);
    process.kill(pid, 'SIGSTOP');
    new Memory(master).lock(pid);

    await server.killWorker(pid, master);
    like(server.errorLog(), locked, 'the error log');

    const left = list.filter((s) => {
        return worker(s) !== pid && s.client.transport === 'websocket';
    });

    await close(list.filter((s) => !left.includes(s)));
    await settle(server, left.length);
    await conversation(left);

    return left;
}


async function upgrading() {
    const server = await run({ name: 'upgrade' });
    const old = server.pid;

    let list = await members(server, old);
    let fresh;

    await test('upgrade: a new master, a new epoch', async () => {
        const memory = new Memory(old);

        is(memory.epoch, 1, 'epoch');
        fresh = await server.upgrade();
        ok(fresh !== old, 'pid');
        is(memory.epoch, 2, 'epoch');
    }, TIMEOUT);

    await sharing(server, old, fresh, 'upgrade');

    await test('upgrade: old and new workers serve together', async () => {
        list = list.concat(await members(server, fresh));
        await settle(server, list.length);
        await conversation(list);
    }, TIMEOUT);

    for (const [name, owners] of [['old', old], ['new', fresh]]) {
        await test(`upgrade: a polling session of an ${name} worker`
                   + ' at all of them', async () => {
            await polls(server, old, fresh, owners);
            await settle(server, list.length);
        }, TIMEOUT);
    }

    for (const [name, master] of [['old', old], ['new', fresh]]) {
        await test(`upgrade: the death of an ${name} worker is settled`,
            async () => {
                list = await killed(server, master, list);
                list = list.concat(await members(server, master));
                await settle(server, list.length);
                await conversation(list);
            }, TIMEOUT);
    }

    await test('upgrade: WINCH sends the old clients away', async () => {
        const fore = server.workerPids(fresh);
        const away = list.filter((s) => !fore.includes(worker(s)));

        ok(away.length, 'clients at old workers');
        server.signal('SIGWINCH');
        await Promise.all(away.map((s) => s.waitClose(GONE)));
        await tap.until(GONE, () => server.workerPids(old).length === 0);

        list = list.filter((s) => fore.includes(worker(s)));
        await settle(server, list.length);
        await conversation(list);
    }, TIMEOUT);

    await test('upgrade: the new master goes on alone', async () => {
        const memory = new Memory(fresh);

        await quitOld(server, fresh);
        is(memory.epoch, 2, 'epoch');
        list.push(await member(server, fresh, 'polling'));
        await conversation(list);
        isDeeply(await workersOf(server), pidsOf(server, fresh), 'workers');
        ok(!fs.existsSync(path.join(server.dir, 'nginx.pid.oldbin')),
           'no pid file of the old one');
    }, TIMEOUT);

    await again(server, list);
    await ending(server);
}


/* as above, on top of it; first it is taken back */
async function again(server, before) {
    const old = server.pid;

    let list = before;
    let fresh;

    await test('rollback: another new master', async () => {
        fresh = await server.upgrade();
        list = list.concat(await members(server, fresh));
        await conversation(list);
    }, TIMEOUT);

    await sharing(server, old, fresh, 'rollback');

    await test('rollback: QUIT to the new one, HUP to the old', async () => {
        const fore = server.workerPids(fresh);
        const away = list.filter((s) => fore.includes(worker(s)));

        process.kill(fresh, 'SIGQUIT');
        await Promise.all(away.map((s) => s.waitClose(GONE)));
        await tap.until(GONE, () => !nginx.alive(fresh), 'the new one ends');

        list = list.filter((s) => !away.includes(s));
        await settle(server, list.length);

        const had = inodes(old);

        const pids = await server.reload();
        await Promise.all(list.map((s) => s.waitClose(GONE)));
        await tap.until(GONE, () => !pids.some(nginx.alive), 'they end');

        list = await members(server, old);
        await settle(server, list.length);
        await conversation(list);
        isDeeply(inodes(old), had, 'the zones');
        is(Number(fs.readFileSync(path.join(server.dir, 'nginx.pid'))), old,
           'the pid file');
    }, TIMEOUT);

    await test('rollback: and upgraded after all', async () => {
        fresh = await server.upgrade();
        isDeeply(inodes(fresh), inodes(old), 'the zones');
        isDeeply(eventfds(fresh), eventfds(old), 'eventfds');
        list = list.concat(await members(server, fresh));
        await settle(server, list.length);
        await conversation(list);
        await quitOld(server, fresh);
        list = list.filter((s) => server.workerPids().includes(worker(s)));
        await settle(server, list.length);
        await conversation(list);
    }, TIMEOUT);

    await test('upgrade: the new master can reload', async () => {
        const had = inodes(fresh);
        const pids = await server.reload();

        await Promise.all(list.map((s) => s.waitClose(GONE)));
        await tap.until(GONE, () => !pids.some(nginx.alive), 'they end');
        isDeeply(inodes(fresh), had, 'the zones');
        is(eventfds(fresh).length, WAKES, 'eventfds');
        await conversation(await members(server, fresh));
    }, TIMEOUT);
}


/* in the end nothing is left of any master */
async function ending(server) {
    await test(`${server.opts.name}: nothing is left over`, async () => {
        const pids = pidsOf(server, ...server.masters);

        await server.quit(GONE);

        isDeeply([...server.masters, ...pids].filter(nginx.alive), [],
                 'processes');
        isDeeply(fs.readdirSync(server.dir).filter((f) => /pid/.test(f)), [],
                 'pid files');
    }, TIMEOUT);

    await server.stop();
}


/* polling requests land at any worker, and these have no common zone */
const PLAIN = ['websocket', 'websocket'];


/* a zone of its own for the new master, and the old one is left alone */
async function fresh(server, name, why, { back }) {
    const old = server.pid;
    const had = inodes(old);
    const list = await members(server, old, PLAIN);
    let next;

    await test(`${name}: the new master has an empty zone`, async () => {
        const from = server.errorLog().length;

        next = await server.upgrade();
        like(server.errorLog().slice(from), new RegExp(
            `\\[notice\\].*zone "realtime(_log)?" .* not taken over: ${why}`));

        isDeeply(zones(next).map((z) => z.name), ['realtime', 'realtime_log'],
                 'zones');
        is(inodes(next).some((i) => had.includes(i)), false, 'old zones');
        is(eventfds(next).length, WAKES, 'eventfds');
        is(mapped(next).length, 2, 'mapped zones');
        isDeeply(inodes(old), had, 'zones of the old master');
    }, TIMEOUT);

    const others = await members(server, next, PLAIN);

    await test(`${name}: each goes on with its own`, async () => {
        await conversation(list);
        await conversation(others);
    });

    if (back) {
        process.kill(next, 'SIGQUIT');
        await tap.until(GONE, () => !nginx.alive(next), 'the new one ends');

    } else {
        await quitOld(server, next);
    }

    await test(`${name}: one is left`, async () => {
        await conversation(back ? list : others);
        await close(list.concat(others));
        await settle(server, 0);
    }, TIMEOUT);
}


async function refusing() {
    const server = await run({
        http: 'realtime_zone realtime 16m;', name: 'refused'
    });

    edit(server, 'realtime 16m;', 'realtime 32m;');
    await fresh(server, 'another size', 'it has another size', { back: true });

    edit(server, 'realtime 32m;', 'realtime 16m;');

    for (const [name, zone, offset, bytes, why] of [
        ['another layout', 'realtime', LABEL_LAYOUT, Buffer.alloc(4, 0x7f),
         'it has another layout'],
        ['another layout of the log', 'realtime_log', LABEL_LAYOUT,
         Buffer.alloc(4, 0x7f), 'it has another layout'],
        ['more than there is', 'realtime', LABEL_SIZE, Buffer.alloc(8, 0x7f),
         'it has another size'],
        ['an address that is not its own', 'realtime', LABEL_ADDR,
         Buffer.from('0000500000200000', 'hex'), 'its address is taken']
    ]) {
        const memory = new Memory(server.pid, zone);
        const before = memory.relabel(offset, bytes);

        await fresh(server, name, why, { back: true });
        memory.relabel(offset, before);
    }

    new Memory(server.pid).relabel(LABEL_LAYOUT, Buffer.alloc(4, 0x7f));
    await fresh(server, 'another layout, for good', 'it has another layout',
                { back: false });

    await test('and that one outlives the next upgrade', async () => {
        const old = server.pid;
        const list = await members(server, old);
        const next = await server.upgrade();

        isDeeply(inodes(next), inodes(old), 'the zones');
        await conversation(list.concat(await members(server, next)));
        await quitOld(server, next);
    }, TIMEOUT);

    await ending(server);
}


/* reloads until the workers of before are gone */
async function reloaded(server) {
    const from = server.errorLog().length;
    const pids = await server.reload();

    await tap.until(GONE, () => !pids.some(nginx.alive), 'old workers end');

    return server.errorLog().slice(from);
}


/* a master has two zones, none of "had", and as many eventfds as ever */
function renewed(server, had) {
    is(zones(server.pid).length, 2, 'zones');
    is(inodes(server.pid).some((i) => had.includes(i)), false, 'old zones');
    is(mapped(server.pid).length, 2, 'mapped zones');
    is(eventfds(server.pid).length, WAKES, 'eventfds');
}


async function reconfiguring() {
    const server = await run({
        http: 'realtime_zone realtime 16m;', name: 'reload'
    });

    let had = inodes(server.pid);

    await test('reload: another size, and a log of its own', async () => {
        const s = await member(server, server.pid);
        const memory = new Memory(server.pid);

        /* the log of both has the same size */
        edit(server, 'realtime 16m;', 'realtime 20m;');
        like(await reloaded(server), /\[notice\].*its size was changed/);
        await s.waitClose(GONE);
        is(memory.epoch, GIVEN_UP + 1, 'epoch of the old zone');
        renewed(server, had);
        await conversation(await members(server, server.pid));
    }, TIMEOUT);

    await test('reload: after that, the same zone as ever', async () => {
        const memory = new Memory(server.pid);

        had = inodes(server.pid);
        await reloaded(server);
        await reloaded(server);
        is(memory.epoch, 3, 'epoch');
        isDeeply(inodes(server.pid), had, 'zones');
        await conversation(await members(server, server.pid));
    }, TIMEOUT);

    await test('reload: a bad configuration leaves no zone behind',
        async () => {
            const memory = new Memory(server.pid);

            server.allowed.push(/\[emerg\].*realtime_nonsense/);
            edit(server, 'realtime 20m;', 'realtime 64m;');
            fs.appendFileSync(path.join(server.dir, 'nginx.conf'),
                              '\nrealtime_nonsense;\n');
            server.signal('SIGHUP');
            await tap.until(3000, () => /nonsense/.test(server.errorLog()));
            await sleep(100);
            is(memory.epoch, 3, 'epoch');
            isDeeply(inodes(server.pid), had, 'zones');
            edit(server, '\nrealtime_nonsense;\n', '');
            edit(server, 'realtime 64m;', 'realtime 20m;');
        }, TIMEOUT);

    await test('reload: the module is another file', async () => {
        const copy = path.join(server.dir, 'another.so');

        fs.copyFileSync(nginx.MODULE, copy);
        edit(server, nginx.MODULE, copy);

        const s = await member(server, server.pid);
        const memory = new Memory(server.pid);

        like(await reloaded(server), /\[notice\].*the module is another file/);
        await s.waitClose(GONE);
        is(memory.epoch, GIVEN_UP + 3, 'epoch of the old zone');
        renewed(server, had);
        await conversation(await members(server, server.pid));
    }, TIMEOUT);

    await test('upgrade: a new master that does not start', async () => {
        const memory = new Memory(server.pid);
        const list = await members(server, server.pid);

        had = inodes(server.pid);
        fs.appendFileSync(path.join(server.dir, 'nginx.conf'),
                          '\nrealtime_folly;\n');
        server.allowed.push(/\[emerg\].*realtime_folly/,
                            /\[alert\].*changing binary|exited with code 1/);
        server.signal('SIGUSR2');
        await tap.until(5000, () => /exited with code 1/
                                    .test(server.errorLog()));
        await tap.until(5000, () => server.master() === server.pid);
        is(memory.epoch, 1, 'epoch');
        isDeeply(inodes(server.pid), had, 'zones');
        await conversation(list);
        edit(server, '\nrealtime_folly;\n', '');
    }, TIMEOUT);

    await test('reload: no zone any more', async () => {
        edit(server, 'realtime on;', 'realtime off;');
        edit(server, 'realtime_zone realtime 20m;', '');
        edit(server, 'realtime_metrics;', '');
        await reloaded(server);
        is(zones(server.pid).length, 0, 'zones');
        is(eventfds(server.pid).length, 0, 'eventfds');
        is(mapped(server.pid).length, 0, 'mapped zones');
    }, TIMEOUT);

    await test('upgrade: from no zone to one', async () => {
        edit(server, 'realtime off;', 'realtime on;');

        const next = await server.upgrade();

        is(zones(next).length, 2, 'zones');
        await quitOld(server, next);
        await conversation(await members(server, next));
    }, TIMEOUT);

    await test('upgrade: from a zone to none', async () => {
        edit(server, 'realtime on;', 'realtime off;');

        const next = await server.upgrade();

        is(zones(next).length, 0, 'zones');
        is(eventfds(next).length, 0, 'eventfds');
        await quitOld(server, next);
    }, TIMEOUT);

    await ending(server);
}


/* nginx as administrators run it beside the one that serves */
async function commands() {
    const server = await run({ name: 'command line' });
    const had = inodes(server.pid);
    const args = ['-p', server.dir, '-c', path.join(server.dir, 'nginx.conf'),
                  '-e', path.join(server.dir, 'error.log')];

    /* as if a new master ran them */
    const env = { ...process.env, NGINX: '' };

    if (process.env.REALTIME_PRELOAD) {
        env.LD_PRELOAD = process.env.REALTIME_PRELOAD;
        env.ASAN_OPTIONS = 'detect_leaks=0';
    }

    const fd = zones(server.pid).map((z) => {
        return fs.openSync(`/proc/${server.pid}/fd/${z.fd}`, 'r+');
    });

    const stdio = ['ignore', 'pipe', 'pipe', ...fd];

    await test('command line: -t takes nothing over', async () => {
        await tap.until(5000, async () => {
            return String(await workersOf(server))
                   === String(pidsOf(server, server.pid));
        });

        const res = spawnSync(nginx.NGINX, ['-t', ...args], { env, stdio });

        is(res.status, 0, `exit code (${res.stderr})`);
        is(/realtime/.test(String(res.stderr).replaceAll(server.dir, '')),
           false, `a word of the zone (${res.stderr})`);
        isDeeply(await workersOf(server), pidsOf(server, server.pid),
                 'workers');
    }, TIMEOUT);

    await test('command line: -s reload takes nothing over', async () => {
        const pids = server.workerPids();
        const res = spawnSync(nginx.NGINX, ['-s', 'reload', ...args],
                              { env, stdio });

        is(res.status, 0, `exit code (${res.stderr})`);
        await tap.until(GONE, () => !pids.some(nginx.alive), 'a reload');
        isDeeply(inodes(server.pid), had, 'zones');
        is(eventfds(server.pid).length, WAKES, 'eventfds');
        await conversation(await members(server, server.pid));
    }, TIMEOUT);

    fd.forEach((one) => fs.closeSync(one));
    await ending(server);
}


/* until a whole flock has come over, is told nothing, and misses nothing */
async function moved(server, flock, why) {
    let left;

    await tap.until(GONE, async () => {
        left = (await flock.now()).filter((p) => p.breaks.length === 0);

        return left.length === 0;

    }, () => `all are sent away, not ${left.length}`);

    const last = await flock.hush();
    const people = await flock.report({ last });

    flocks.complete(people, last);
    flocks.silent(people);
    flocks.told(people);

    const { sessions, totals } = await server.metrics();

    isDeeply(sessions, { total: flock.n, away: 0 }, `sessions, ${why}`);
    is(totals.notRecovered, 0, 'totals.notRecovered');

    await flock.all('forget');
    await flock.talk({ every: 50 });
}


/* clients come over to the new master, and back, and recover each time */
async function recovering() {
    const server = await run({
        name: 'recovery', recovery: true,
        directives: `${flocks.DIRECTIVES} realtime_drain 2s;`
    });

    const flock = await flocks.Flock.start(server, {
        n: 60, hows: ['websocket', 'polling', 'upgrade']
    });

    const old = server.pid;
    let fresh;

    await flock.talk({ every: 50 });

    await test('recovery: WINCH, at the new master\'s workers', async () => {
        fresh = await server.upgrade();
        server.signal('SIGWINCH');
        await moved(server, flock, 'at the new ones');
        await tap.until(GONE, () => server.workerPids(old).length === 0);
        isDeeply(await workersOf(server), pidsOf(server, fresh), 'workers');
    }, TIMEOUT);

    await test('recovery: taken back, HUP and QUIT', async () => {
        server.signal('SIGHUP');
        await tap.until(5000, () => server.workerPids(old).length >= WORKERS);
        process.kill(fresh, 'SIGQUIT');
        await moved(server, flock, 'at the old ones');
        await tap.until(GONE, () => !nginx.alive(fresh), 'the new one ends');
    }, TIMEOUT);

    await test('recovery: QUIT without WINCH', async () => {
        fresh = await server.upgrade();

        const over = quitOld(server, fresh);

        await moved(server, flock, 'at the newest ones');
        await over;
        isDeeply(await workersOf(server), pidsOf(server, fresh), 'workers');
    }, TIMEOUT);

    await flock.leave();
    await ending(server);
}


if (reference) {
    tap.skipAll('nginx only');
}

tap.run(async () => {
    await Promise.all([upgrading(), refusing()]);
    await Promise.all([reconfiguring(), commands()]);
    await recovering();
});
