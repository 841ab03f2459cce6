#!/usr/bin/env node
'use strict';

/*
 * What a host has to others: one of its workers speaks to them, and when that
 * one dies or goes, or Redis does, nobody hears anything twice or in another
 * order.
 */

const { io: connect } = require('socket.io-client');
const { createClient } = require('@redis/client');
const { createAdapter } = require('@socket.io/redis-adapter');
const { Emitter } = require('@socket.io/redis-emitter');
const { Server } = require('socket.io');
const http = require('node:http');
const people = require('../lib/people');
const redisServer = require('../lib/redis');
const server = require('../lib/server');
const tap = require('../lib/tap');

const { group, is, isDeeply, like, ok, sleep, test, until } = tap;

const location = (more = '') => `
    location /socket.io/ {
        realtime on;
        ${more}
        ${people.OPEN}
        realtime_namespace / ~^/game-;
        realtime_limit_messages off;
        realtime_limit_room off;
        realtime_limit_connections off;
        realtime_presence off;
        realtime_on say relay;
    }`;

/* messages of one flow, and the time between two, ms */
const FLOW = 300;
const PACE = 5;


function host(redis, name, opts = {}) {
    return server.start({
        workers: 2, reuseport: true, locations: location(opts.more), name,
        http: `realtime_redis ${opts.url || redis.url()};`
    });
}


async function stop(...hosts) {
    for (const nginx of hosts) {
        await nginx.stop();
    }
}


async function figures(nginx) {
    return (await nginx.metrics()).redis;
}


/* until all of them hear each other */
async function linked(...hosts) {
    for (const nginx of hosts) {
        await until(10000, async () => {
            const { connected, nodes } = await figures(nginx);

            return connected && nodes >= hosts.length;

        }, () => `a link: ${nginx.errorLog()}`);
    }
}


async function enter(nginx, room, user, opts) {
    const s = user ? await people.user(nginx, user, opts)
                   : await people.guest(nginx, opts);

    await people.done(s, 'room:join', { roomName: room });

    return s;
}


/* a guest in "room" whose worker is not "pid" */
async function elsewhere(nginx, room, pid) {
    for (let i = 0; i < 64; i++) {
        const before = (await nginx.metrics()).workers;
        const s = await enter(nginx, room);

        const at = (await nginx.metrics()).workers.find((w) => {
            const old = before.find((b) => b.pid === w.pid);

            return w.sessions > (old ? old.sessions : 0);
        });

        if (at.pid !== pid) {
            return s;
        }

        s.destroy();

        await until(5000, async () => {
            const { workers } = await nginx.metrics();

            return workers.every((w, n) => w.sessions === before[n].sessions);
        }, 'its end');
    }

    return tap.fail('all connections go to one worker');
}


/* one that a reload does not send away soon: whose turn it is, its id tells */
async function patient(nginx, room) {
    for ( ;; ) {
        const s = await enter(nginx, room);
        const turn = Buffer.from(s.client.sid).readUInt16LE(0) * 40503 % 65536;

        if (turn > 32768) {
            return s;
        }

        s.destroy();
    }
}


/* "from" says 1 to FLOW in "room", and what "act" does happens meanwhile */
async function flow(from, room, act) {
    const done = act && sleep(PACE * FLOW / 4).then(act);

    for (let n = 1; n <= FLOW; n++) {
        from.emit('say', { roomName: room, n });
        await sleep(PACE);
    }

    await done;
}


/* whoever hears says what it has heard, when the last one came */
async function heard(s, count = FLOW) {
    const all = () => s.log.filter((e) => e.event === 'say')
                           .map((e) => e.args[0].n);

    await until(15000, () => all().includes(count),
                () => `the last message, after ${all().length}`);

    return all();
}


const numbers = Array.from({ length: FLOW }, (_, i) => i + 1);


async function exchange(redis) {
    const a = await host(redis, 'one');
    const b = await host(redis, 'two');

    await linked(a, b);

    await test('messages of a room', async () => {
        const room = people.unique('room');
        const ann = await enter(a, room, people.unique('ann'));
        const bob = await enter(b, room, people.unique('bob'));
        const away = await enter(b, people.unique('room'));

        await people.done(ann, 'message:send',
                          { roomName: room, content: 'h\u00e9llo' });

        is((await bob.one('message:new')).content, 'h\u00e9llo', 'there');
        is((await ann.one('message:new')).content, 'h\u00e9llo', 'here');

        await people.done(bob, 'message:send',
                          { roomName: room, content: 'back' });

        is((await ann.one('message:new')).content, 'back', 'and back');
        isDeeply(away.log.filter((e) => e.event === 'message:new'), [],
                 'nobody else hears it');
    });

    await test('what is passed on, but not to its sender', async () => {
        const room = people.unique('room');
        const ann = await enter(a, room);
        const bob = await enter(b, room);
        const file = Buffer.from([0, 1, 255]);

        ann.emit('say', { roomName: room, file, list: [file, 1.5] }, 'more');

        const [said, more] = await bob.next('say');

        isDeeply([said.file, said.list, more], [file, [file, 1.5], 'more'],
                 'with its attachments');

        await people.done(bob, 'message:send', { roomName: room, content: '.' });
        await ann.one('message:new');
        isDeeply(ann.log.filter((e) => e.event === 'say'), [], 'not to ann');
    });

    await test('to one user, of those who are in the room', async () => {
        const room = people.unique('room');
        const name = people.unique('bob');
        const ann = await enter(a, room, people.unique('ann'));
        const bob = await enter(b, room, name);
        const other = await enter(b, people.unique('room'), name);
        const eve = await enter(b, room, people.unique('eve'));

        ann.emit('say', { roomName: room, targetUserId: name, n: 1 });
        is((await bob.one('say')).n, 1, 'to bob');

        ann.emit('say', { roomName: room, n: 2 });
        is((await bob.one('say')).n, 2, 'then to all');
        is((await eve.one('say')).n, 2, 'of the room');
        isDeeply(other.log.filter((e) => e.event === 'say'), [],
                 'not where bob is elsewhere');
    });

    await test('a namespace is heard as soon as somebody is in it', async () => {
        const nsp = `/game-${people.unique('x')}`;
        const ann = await people.guest(a, { nsp });
        const bob = await people.guest(b, { nsp });

        await until(5000, async () => {
            return await redis.command('PUBSUB', 'NUMSUB',
                                       `socket.io-request#${nsp}#`)
                   === `socket.io-request#${nsp}#\n2`;
        }, 'two that listen');

        for (const s of [ann, bob]) {
            s.emitTo(nsp, 'room:join', { roomName: 'r' });
            await s.next('room:joined').catch(() => {});
        }

        ann.emitTo(nsp, 'say', { roomName: 'r', n: 1 });
        is((await bob.one('say')).n, 1, 'in the namespace');
    });

    await foreign(redis, a, b);

    await test('figures', async () => {
        const { requests, published, received, ...rest } = await figures(a);
        const pids = a.workerPids();

        ok(published > 0 && received > 0, 'what was said and heard');
        ok(pids.includes(rest.linker), 'one worker has the link');
        delete rest.linker;
        isDeeply(rest, { connected: true, nodes: rest.nodes, lost: 0,
                         missed: 0, refused: 0 }, 'the others');
    });

    await stop(a, b);
}


/* a Node server, and an emitter */
async function foreign(redis, a, b) {
    const pub = createClient({ url: redis.url() });
    const sub = pub.duplicate();

    for (const client of [pub, sub]) {
        client.on('error', (e) => tap.diag(e.message));
        await client.connect();
        tap.cleanup(() => client.close());
    }

    const web = http.createServer();
    const node = new Server(web, { adapter: createAdapter(pub, sub) });

    tap.cleanup(() => node.close());
    node.on('connection', (socket) => {
        socket.join('square');
        socket.on('say', (said) => socket.to('square').emit('say', said));
    });

    await new Promise((resolve) => web.listen(0, '127.0.0.1', resolve));

    const eve = connect(`http://127.0.0.1:${web.address().port}`,
                        { forceNew: true, transports: ['websocket'] });

    tap.cleanup(() => eve.disconnect());
    await new Promise((resolve) => eve.on('connect', resolve));

    const next = (event) => tap.within(5000, new Promise((resolve) => {
        eve.once(event, (...args) => resolve(args));
    }), event);

    await test('an emitter, and a Node server, and back', async () => {
        const ann = await enter(a, 'square');
        const bob = await enter(b, 'square');
        const file = Buffer.from('file');

        new Emitter(pub).to('square').emit('news', 1, file);
        isDeeply(await ann.next('news'), [1, file], 'at one');
        isDeeply(await bob.next('news'), [1, file], 'at the other');

        eve.emit('say', { n: 2 });
        is((await ann.one('say')).n, 2, 'from Node');
        await bob.one('say');

        const got = next('say');

        ann.emit('say', { roomName: 'square', n: 3, file });
        isDeeply((await got)[0].file, file, 'to Node');
        is((await bob.one('say')).n, 3, 'and to the other');
    });

    await test('nobody here has an answer, and says so', async () => {
        isDeeply(await node.serverSideEmitWithAck('who'), [null, null],
                 'one from each');
    });
}


async function killed(redis) {
    const a = await host(redis, 'its linker dies');
    const b = await host(redis, 'hears it');

    await linked(a, b);

    await test('the linker is killed while messages flow', async () => {
        const room = people.unique('room');
        const { linker } = await figures(a);
        const ann = await elsewhere(a, room, linker);
        const bob = await enter(b, room);

        await flow(ann, room, () => a.killWorker(linker));

        isDeeply(await heard(bob), numbers, 'each once, in order');

        const now = await figures(a);

        ok(now.linker && now.linker !== linker, 'another one has the link');
        is(now.lost, 0, 'lost');
    }, { timeout: 30000 });

    await stop(a, b);
}


async function reloaded(redis) {
    const opts = { more: 'realtime_drain 300s;' };
    const a = await host(redis, 'is reloaded', opts);
    const b = await host(redis, 'the other', opts);

    await linked(a, b);

    await test('reload while messages flow both ways', async () => {
        const room = people.unique('room');
        const ann = await patient(a, room);
        const bob = await patient(b, room);
        const { linker } = await figures(a);

        await Promise.all([flow(ann, room, () => a.reload()),
                           flow(bob, room)]);

        isDeeply(await heard(bob), numbers, 'there');
        isDeeply(await heard(ann), numbers, 'here');

        await until(5000, async () => {
            const now = (await figures(a)).linker;

            return now && now !== linker;
        }, 'a new worker has the link');

        const { lost, missed } = await figures(a);

        isDeeply([lost, missed], [0, 0], 'lost and missed');
    }, { timeout: 30000 });

    await stop(a, b);
}


async function away() {
    const redis = await redisServer.start({ name: 'Redis that is killed' });
    const a = await host(redis, 'without Redis');
    const b = await host(redis, 'the other without');

    await linked(a, b);

    await test('Redis is killed, and started again', async () => {
        const room = people.unique('room');
        const ann = await enter(a, room);
        const amy = await enter(a, room);
        const bob = await enter(b, room);

        await flow(ann, room, async () => {
            await redis.halt('SIGKILL');
            await sleep(FLOW * PACE / 4);
        });

        isDeeply(await heard(amy), numbers, 'who is near does not notice');
        ok(bob.log.every((e) => e.event !== 'say' || e.args[0].n < FLOW),
           'who is not hears nothing');
        is((await figures(a)).connected, false, 'and that shows');

        await redis.restart();
        isDeeply(await heard(bob), numbers, 'then everything, in order');
        is((await figures(a)).lost, 0, 'lost');

        const lines = a.errorLog().split('\n')
                       .filter((l) => /realtime redis .*(lost|no conn)/.test(l));

        ok(lines.length <= 3, `lines about it: ${lines.join('\n')}`);
    }, { timeout: 40000 });

    await stop(a, b);
}


async function refused(redis) {
    const url = redis.url({ password: 'wrong' });
    const a = await host(redis, 'with a wrong password', { url });

    await test('a wrong password is told once', async () => {
        const room = people.unique('room');
        const lines = () => a.errorLog().split('\n')
                             .filter((l) => /realtime redis/.test(l));

        await until(5000, () => lines().length, 'a line');

        const ann = await enter(a, room);
        const bob = await enter(a, room);

        await flow(ann, room);
        isDeeply(await heard(bob), numbers, 'local life goes on');

        is(lines().length, 1, `lines: ${lines().join('\n')}`);
        like(lines()[0], /password/i, 'says what is wrong');
        ok(!a.errorLog().includes('wrong@'), 'and not the password');
    }, { timeout: 30000 });
}


async function directives() {
    const cases = [
        ['realtime_redis http://x', /realtime_redis/],
        ['realtime_redis redis://x redis://y', /several URLs/],
        ['realtime_redis redis://127.0.0.1 what', /"what" of "realtime_redis"/],
        ['realtime_redis redis://127.0.0.1 key=x', /"certificate="/],
        ['realtime_redis off; realtime_redis off', /is duplicate/],
        ['realtime_redis_adapter odd',
         /"odd" of "realtime_redis_adapter".*"classic" or "sharded"/],
        ['realtime_redis_adapter sharded', /not supported yet/],
        ['realtime_redis_adapter classic key=', /"key=" .*1 to 128/]
    ];

    for (const [text, error] of cases) {
        await test(`nginx -t: ${text}`, () => {
            const { code, output } = server.check({
                http: `${text};`, locations: location()
            });

            is(code, 1, 'exit code');
            like(output, error, 'the error');
        });
    }

    await test('nginx -t: a bad variable', () => {
        const { code, output } = server.check({
            locations: location(), env: { REALTIME_REDIS_URL: 'ftp://x' }
        });

        is(code, 1, 'exit code');
        like(output, /REALTIME_REDIS_URL/, 'the error');
    });

    await test('nginx -t: off, whatever the variable says', () => {
        is(server.check({
            http: 'realtime_redis off;', locations: location(),
            env: { REALTIME_REDIS_URL: 'ftp://x' }
        }).code, 0, 'exit code');
    });
}


tap.run(async () => {
    await group('configuration', directives);

    const redis = await redisServer.start();

    await group('two hosts', () => exchange(redis));
    await group('killed', () => killed(redis));
    await group('reload', () => reloaded(redis));
    await group('away', away);
    await group('refused', () => refused(redis));
});
