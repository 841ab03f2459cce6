#!/usr/bin/env node
'use strict';

/*
 * A Redis that says anything: two hosts hear what no node of a Socket.IO
 * cluster sends.  People in another namespace go on talking to each other,
 * on both hosts, and notice nothing.
 *
 * REALTIME_SEED   of the messages that are made by chance
 */

const fs = require('node:fs');
const cluster = require('../lib/cluster');
const mischief = require('../lib/mischief');
const { Random } = require('../lib/random');
const redisServer = require('../lib/redis');
const tap = require('../lib/tap');

const SEED = Number(process.env.REALTIME_SEED) || Date.now() % 1000000007;

const MUTANTS = 20000;

/* how many are under way at a time */
const BATCH = 1000;

const HUGE = 30 * 1000 * 1000;

/* by itself it ends the connection of a listener that has so much to read */
const LARGE = { 'client-output-buffer-limit': 'pubsub 0 0 0' };

/* what a worker may have more than before: some of those at a time, MB */
const MEMORY = 64;

const SAY = ['alice', 'carol'];

/* of each host, in a room */
const VICTIMS = [
    {
        v1: { transports: ['websocket'] },
        v2: { transports: ['polling'] },
        v3: { user: 'bob' }
    },
    { v4: { transports: ['websocket'] }, v5: { user: 'bob' } }
];


/* resident, MB */
function memory(pid) {
    const status = fs.readFileSync(`/proc/${pid}/status`, 'latin1');

    return Number(/^VmRSS:\s+(\d+)/m.exec(status)[1]) / 1024;
}


/* two say what they count, all hear all of it, in order */
class Talk {

    constructor(clients) {
        this.clients = clients;
        this.said = Object.fromEntries(SAY.map((name) => [name, 0]));
        this.slowest = 0;
        this.going = true;
        this.heard = clients.map(() => Object.fromEntries(
            SAY.map((name) => [name, []])));

        clients.forEach((client, i) => client.socket.on('say',
            ({ by, n }) => this.heard[i][by].push(n)));

        this.over = Promise.all(SAY.map((name) => this.talk(name)));
        this.over.catch(() => {});
    }

    async talk(name) {
        const client = this.clients.find((c) => c.name === name);

        while (this.going) {
            const before = Date.now();

            await client.done('say', { roomName: 'all', by: name,
                                       n: this.said[name]++ });

            this.slowest = Math.max(this.slowest, Date.now() - before);
            await tap.sleep(5);
        }
    }

    async check() {
        this.going = false;
        await this.over;

        for (const [i, client] of this.clients.entries()) {
            for (const name of SAY.filter((n) => n !== client.name)) {
                const all = Array.from({ length: this.said[name] },
                                       (e, n) => n);
                const got = this.heard[i][name];

                await tap.until(5000, () => got.length >= all.length,
                    () => `${client.name} hears ${name}: ${got.length} of `
                          + `${all.length}`);

                tap.isDeeply(got, all, `what ${client.name} hears of ${name}`);
            }
        }

        return `${Object.values(this.said)} messages, the slowest took `
               + `${this.slowest} ms`;
    }
}


/* everything by which the hosts and those on them are seen to be well */
class Scene {

    async open() {
        this.redis = await redisServer.start({ conf: LARGE });
        this.control = await cluster.Emitting.start(this.redis);
        this.hosts = [];

        for (const name of ['one host', 'another host']) {
            this.hosts.push(await cluster.Nginx.start(this.redis, { name }));
        }

        const [one, another] = this.hosts;

        this.victims = new cluster.Stage(this.redis, this.control,
                                         this.control, one);
        this.people = new cluster.Stage(this.redis, this.control,
                                        this.control, another);

        await this.revive();
        await this.victims.linked(this.victims.all);

        const there = { nsp: '/admin', rooms: ['all'] };

        await this.people.open(one, {
            alice: { ...there, transports: ['websocket'] },
            bob: { ...there, transports: ['polling'] }
        });

        await this.people.open(another, {
            carol: { ...there, transports: ['websocket'] },
            dave: { ...there, transports: ['polling'] }
        });

        const { pub } = await cluster.nodeRedis(this.redis);

        this.pub = pub;
        this.pids = this.hosts.map((host) => host.server.workerPids());
        this.before = this.pids.flat().map(memory);
        this.talk = new Talk(this.people.all);
        await this.victims.settle();
    }

    /* some words are orders, to disconnect them for example */
    async revive() {
        for (const [host, people] of VICTIMS.entries()) {
            for (const [name, opts] of Object.entries(people)) {
                const before = this.victims.clients[name];

                if (before && before.socket.connected) {
                    continue;
                }

                const client = await this.hosts[host].open(name, opts);

                await client.join('r1');
                this.victims.clients[name] = client;
            }
        }
    }

    async publish(messages) {
        for (let i = 0; i < messages.length; i += BATCH) {
            await Promise.all(messages.slice(i, i + BATCH)
                .map(([channel, bytes]) => this.pub.publish(channel, bytes)));
            await this.calm();
        }
    }

    /* both hosts have taken all that was published, and their people hear */
    calm() {
        return this.people.settle();
    }

    /* what the victims hear of it; all of them are still there */
    async hears(say) {
        const there = this.victims.all.length;
        const logs = await this.victims.heard(say);

        tap.is(this.victims.all.length, there, 'victims');

        return logs;
    }

    well() {
        tap.isDeeply(this.hosts.map((host) => host.server.workerPids()),
                     this.pids, 'pids of the workers');
    }
}


/* what is said between real nodes, as it is said: [channel, bytes] */
async function capture(scene) {
    const { sub } = await cluster.nodeRedis(scene.redis);
    const captured = [];

    /* nothing of the other namespace, in which others are not to notice */
    for (const pattern of ['socket.io#/#*', 'socket.io-re*#/#']) {
        await sub.pSubscribe(pattern, (bytes, channel) => {
            captured.push([channel.toString(), bytes]);
        }, true);
    }

    const node = await cluster.Node.start(scene.redis);
    const io = node.of('/');
    const control = scene.control.emitter;
    const bytes = Buffer.from('bytes');
    const ask = (who) => new Promise((resolve) => {
        who.timeout(200).emit('ask', { b: bytes }, resolve);
    });

    scene.victims.all[0].answers = (ack) => ack({ b: bytes });
    scene.victims.all[1].answers = (ack) => ack('text');

    await tap.until(5000, async () => (await scene.redis.command('PUBSUB',
        'NUMSUB', mischief.REQUESTS)).endsWith('3'), 'all servers');

    io.emit('e', 'text', 1.5, -1, 2 ** 40, null, { a: [{ b: new Date() }] });
    io.to('r1').emit('e', bytes, { deep: [Buffer.alloc(300)] });
    io.to(['r1', 'r2']).except(['x', 'y']).volatile.emit('e', 'x'.repeat(300));
    control.to('r1').emit('e', 1);
    control.except('r1').compress(true).emit('e', 2);
    io.serverSideEmit('sse', 1);
    control.serverSideEmit('sse', 2);
    io.in('r1').socketsJoin(['r2', 'r3']);
    io.in('r1').socketsLeave('r2');
    io.in('none').disconnectSockets(true);
    control.in('r1').socketsJoin('r4');
    await io.fetchSockets();
    await io.in('r1').fetchSockets();
    await io.adapter.allRooms();
    await io.serverSideEmitWithAck('sse', 1);
    await ask(io);
    await ask(io.in('r1'));
    await scene.victims.settle();
    await node.close();
    await sub.pUnsubscribe();

    return captured;
}


/* what one of us says, as it is said between hosts: [channel, bytes] */
async function overheard(scene) {
    const { sub } = await cluster.nodeRedis(scene.redis);
    const [v1] = scene.victims.all;
    const said = [];

    await sub.pSubscribe(`${mischief.BROADCASTS}*`, (bytes, channel) => {
        said.push([channel.toString(), bytes]);
    }, true);

    const first = await scene.hears(async () => {
        await v1.done('say', { roomName: 'r1', n: 1 });
        await scene.victims.hears(['v2', 'v4'], 1);
    });

    const event = ['say', { roomName: 'r1', n: 1, userId: null }];

    tap.isDeeply([first.v2, first.v4], [[event], [event]], 'at first');

    await sub.pUnsubscribe();

    const own = said.filter(([, bytes]) => bytes.includes('roomName'));

    tap.is(own.length, 1, 'messages that say it');

    return own[0];
}


/* our own words, and a peer's, come back */
async function loops(scene) {
    const own = await overheard(scene);
    const again = await scene.hears(() => scene.publish(
        Array.from({ length: 1000 }, () => own)));

    tap.isDeeply(Object.values(again).flat(), [], 'again');
}


/* numbers that are not those of the host in whose name they come */
async function forged(scene) {
    const [, bytes] = await overheard(scene);
    const [uid, packet, opts] = mischief.unpack(bytes);
    const [v1] = scene.victims.all;
    const { seq } = opts.rt;
    const to = `${mischief.BROADCASTS}none#`;

    for (const other of [2 ** 50, seq + 3, 1, 2 ** 53 - 1, seq + 100000, 0, -1,
                         1.5, 'x']) {

        const again = [uid, packet, { ...opts, rt: { ...opts.rt, seq: other } }];

        const logs = await scene.hears(async () => {
            await scene.publish([[to, mischief.pack(again)]]);
            await v1.done('say', { roomName: 'r1', n: 2 });
            await scene.victims.hears(['v2', 'v4'], 1);
        });

        const event = ['say', { roomName: 'r1', n: 2, userId: null }];

        tap.isDeeply([logs.v2, logs.v4], [[event], [event]],
                     `after the number ${other}`);
    }

    scene.well();
}


async function seeded(scene, captured) {
    const random = new Random(SEED);

    tap.diag(`REALTIME_SEED=${SEED}, messages captured: ${captured.length}`);

    for (let done = 0; done < MUTANTS; done += BATCH) {
        await scene.revive();
        await scene.publish(Array.from({ length: BATCH },
            () => mischief.mutant(random, captured)));
    }

    scene.well();
}


function bounded(scene) {
    const after = scene.pids.flat().map(memory);

    tap.diag(`MB of workers: ${scene.before.map(Math.round)}, `
             + `then ${after.map(Math.round)}`);

    if (!process.env.REALTIME_PRELOAD) {
        after.forEach((now, i) => tap.ok(now - scene.before[i] < MEMORY,
            `${scene.before[i]} MB that became ${now}`));
    }
}


/* at most a line a second tells of it, whatever it is */
async function reported(scene, since) {
    const seconds = (Date.now() - since) / 1000;

    for (const { server } of scene.hosts) {
        const lines = server.errorLog().split('\n').filter(
            (line) => /\[(warn|error|crit)\]/.test(line));

        tap.ok(lines.length, 'it is told');
        tap.ok(lines.length < 2 * seconds + 10,
               `${lines.length} lines in ${seconds} s:\n`
               + lines.slice(0, 5).join('\n'));
        tap.ok((await server.metrics()).redis.refused > 0, 'it is counted');
    }
}


tap.run(async () => {
    const scene = new Scene();
    const since = Date.now();

    await scene.open();

    const captured = await capture(scene);

    const attack = (name, messages) => tap.test(name, async () => {
        await scene.revive();
        await scene.publish(messages(scene.victims.clients.v1));
        scene.well();

    }, { timeout: 30000 });

    await tap.test('what was said before, again', () => loops(scene));

    await tap.test('numbers of others', () => forged(scene));

    await tap.test('msgpack in ruins', async () => {
        const logs = await scene.hears(() => scene.publish(mischief.ruins()));

        tap.isDeeply(Object.values(logs).flat(), [], 'what is heard of it');
    }, { timeout: 30000 });

    await attack('channels with odd names', mischief.channels);
    await attack('deep nesting', () => mischief.deep(100000));
    await attack('wrong types', mischief.types);
    await attack('requests and responses by the thousand',
                 () => mischief.flood(5000));

    await attack('100,000 rooms', ({ id }) => mischief.crowded(100000, id));

    await tap.test('30 MB', async () => {
        for (const message of mischief.huge(HUGE)) {
            await scene.publish([message]);
        }

        scene.well();

    }, { timeout: 60000 });

    await tap.test('messages with something wrong by chance',
                   () => seeded(scene, captured), { timeout: 120000 });

    await tap.test('others went on talking', async () => {
        tap.diag(await scene.talk.check());
    });

    await tap.test('memory', async () => bounded(scene));
    await tap.test('what is told of it', () => reported(scene, since));
});
