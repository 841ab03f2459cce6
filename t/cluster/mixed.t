#!/usr/bin/env node
'use strict';

/*
 * Four servers that share rooms: two of Node, each with another package for
 * Redis, and two of nginx.  Everybody hears everything once, and who asks has
 * an answer of each, also while one of them is reloaded, and when it has gone.
 */

const cluster = require('../lib/cluster');
const tap = require('../lib/tap');

const MANY = 100;

/* as often as that is asked while nginx is reloaded */
const ASKED = 60;

const BYTES = Buffer.from([0, 1, 255, 128, 10]);

const names = (clients) => clients.map((client) => client.name).sort();


/* each says something to the room, by its own client or as a server */
async function saying(stage) {
    const { a, b, c, d } = stage.clients;
    const [first, second] = stage.hosts.map((host) => host.of && host.of('/'));

    await tap.test('servers speak to all', async () => {
        await stage.reaches(names([a, b, c, d]), [['e', BYTES]],
                            () => first.to('r1').emit('e', BYTES));

        await stage.reaches(names([a, b, c, d]), [['e', 1]],
                            () => second.emit('e', 1));
    });

    await tap.test('clients speak to all others', async () => {
        for (const client of [a, b, c, d]) {
            const said = { roomName: 'r1', n: BYTES };

            await stage.reaches(names([a, b, c, d].filter((o) => o !== client)),
                [['say', { ...said, userId: client.user }]],
                () => client.done('say', said));
        }
    });

    await tap.test('all speak at once', async () => {
        const clients = [a, b, c, d];
        const logs = await stage.heard(async () => {
            for (let n = 0; n < MANY; n++) {
                await Promise.all(clients.map(
                    (client) => client.done('say', { roomName: 'r1', n })));
            }

            await stage.hears(names(clients), MANY * 3);
        });

        for (const [name, log] of Object.entries(logs)) {
            for (const client of clients.filter((c) => c.name !== name)) {
                tap.isDeeply(log.filter(([, { userId }]) => {
                    return userId === client.user;

                }).map(([, { n }]) => n), Array.from({ length: MANY },
                    (e, n) => n), `what ${name} hears of ${client.name}`);
            }

            tap.is(log.length, MANY * 3, `number of events at ${name}`);
        }
    });
}


async function asking(stage, expected) {
    const clients = stage.all;
    const ids = clients.map((client) => client.id).sort();

    clients.forEach((client) => {
        client.answers = (ack, n) => ack([client.name, n]);
    });

    for (const host of stage.hosts.filter((h) => h.of)) {
        const io = host.of('/');

        tap.isDeeply((await io.in('r1').fetchSockets()).map((s) => s.id).sort(),
                     ids, 'sockets');

        const rooms = await io.adapter.allRooms();

        tap.isDeeply([...ids, 'r1'].filter((name) => !rooms.has(name)), [],
                     'rooms that nobody named');

        tap.isDeeply((await io.timeout(5000).emitWithAck('ask', 1)).sort(),
                     names(clients).map((name) => [name, 1]), 'answers');

        tap.isDeeply((await io.serverSideEmitWithAck('sse')).sort(), expected,
                     'answers of servers');
    }

    await stage.settle();
}


/* nobody waits for an answer that does not come */
async function reloaded(stage, host) {
    const io = stage.hosts[0].of('/');
    const { a, b } = stage.clients;
    let asked = 0;

    const loop = (async () => {
        while (asked < ASKED) {
            const found = (await io.fetchSockets()).map((s) => s.id);

            for (const client of [a, b]) {
                tap.ok(found.includes(client.id), `${client.name} is found`);
            }

            await io.serverSideEmitWithAck('sse');

            tap.isDeeply((await io.in([a.id, b.id]).timeout(5000)
                .emitWithAck('ask', 1)).sort(), [[a.name, 1], [b.name, 1]],
                'answers of those who are there');

            asked++;
            await tap.sleep(20);
        }
    })();

    await Promise.all([loop, host.server.reload()]);
}


async function scene(redis, kinds) {
    const control = await cluster.Emitting.start(redis);
    const hosts = [];

    for (const start of kinds) {
        hosts.push(await start(redis));
    }

    const stage = new cluster.Stage(redis, control, hosts[0], hosts[1]);

    stage.hosts = hosts;

    for (const host of hosts.filter((h) => h.of)) {
        host.of('/').on('sse', (ack) => ack && ack('here'));
    }

    for (const [i, name] of ['a', 'b', 'c', 'd'].entries()) {
        await stage.open(hosts[i], {
            [name]: { user: name, rooms: ['r1'],
                      transports: i % 2 ? ['websocket'] : undefined }
        });
    }

    await stage.settle();

    return stage;
}


const node = (redis) => cluster.Node.start(redis);
const other = (redis) => cluster.Node.start(redis, { ioredis: true });
const nginx = (name) => (redis) => cluster.Nginx.start(redis, { name });


tap.run(async () => {
    const { start } = require('../lib/redis');

    /* the tests are right if Node alone passes them */
    await tap.group('Node alone', async () => {
        const stage = await scene(await start(), [node, other, node, other]);

        await saying(stage);
        await tap.test('all are asked',
            () => asking(stage, ['here', 'here', 'here']));
    });

    await tap.group('Node and nginx', async () => {
        const stage = await scene(await start(),
            [node, other, nginx('the third'), nginx('the fourth')]);
        const [, , third, fourth] = stage.hosts;

        await saying(stage);
        await tap.test('all are asked',
            () => asking(stage, ['here', null, null]));

        await tap.test('one has gone', async () => {
            const { c, d } = stage.clients;

            await fourth.server.quit();
            await tap.within(5000, d.ended, 'its client\'s end');
            delete stage.clients.d;
            await asking(stage, ['here', null]);
            tap.ok(c.socket.connected, 'others stay');
        });

        await tap.test('one is reloaded', () => reloaded(stage, third),
                       { timeout: 30000 });
    });
});
