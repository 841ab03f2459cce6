#!/usr/bin/env node
'use strict';

/*
 * One order for all: every member of a room sees the same messages in the
 * same order, whatever worker and transport it has, and while it moves from
 * one to the other.
 */

const { reference, start } = require('../lib/fixture');
const { Socket } = require('../lib/sio');
const tap = require('../lib/tap');

const { is, isDeeply, test } = tap;


async function member(server, roomName, transport) {
    const s = await Socket.open(server, { transport });

    await s.ask('room:join', { roomName });

    return s;
}


/* contents of the messages so far, and of those from the join on */
function contents(s) {
    return s.log.filter((e) => e.event === 'message:new')
            .map((e) => e.args[0].content);
}


/* waits for the message "last" */
function seen(s, last, ms = 10000) {
    return s.events.next(ms, (e) => {
        return e.event === 'message:new' && e.args[0].content === last;
    }, `the message "${last}"`);
}


async function spread(server) {
    const { workers } = await server.metrics();

    return workers.filter((w) => w.sessions > 0).length;
}


async function crowd(server) {
    const SENDERS = 8;
    const RECEIVERS = 50;
    const EACH = 40;
    const roomName = 'crowd';
    const list = [];

    for (let i = 0; i < SENDERS + RECEIVERS; i++) {
        list.push(member(server, roomName,
                         i >= SENDERS && i % 2 ? 'polling' : 'websocket'));
    }

    const everybody = await Promise.all(list);
    const senders = everybody.slice(0, SENDERS);

    await test('50 receivers and 8 senders, on all workers', async () => {
        is(await spread(server), reference ? 1 : 4, 'workers with sessions');
    });

    await test('everybody gets everything', async () => {
        const acks = [];

        for (let n = 0; n < EACH; n++) {
            senders.forEach((s, i) => {
                acks.push(s.ask('message:send',
                                { roomName, content: `${i}:${n}` }));
            });

            await tap.sleep(n % 4 ? 0 : 10);
        }

        for (const reply of await Promise.all(acks)) {
            is(reply.success, true, 'success');
        }

        await senders[0].ask('message:send', { roomName, content: 'end' });
        await Promise.all(everybody.map((s) => seen(s, 'end')));

        for (const s of everybody) {
            is(contents(s).length, SENDERS * EACH + 1, 'messages');
        }
    }, { timeout: 30000 });

    await test('nothing twice', async () => {
        for (const s of everybody) {
            is(new Set(contents(s)).size, SENDERS * EACH + 1, 'different');
        }
    });

    await test('everybody in the same order', async () => {
        const first = contents(everybody[0]);

        for (const s of everybody) {
            isDeeply(contents(s), first, 'order');
        }
    });

    await test('every sender\'s messages in the order sent', async () => {
        const all = contents(everybody[0]);

        for (let i = 0; i < SENDERS; i++) {
            isDeeply(all.filter((c) => c.startsWith(`${i}:`)),
                     Array.from({ length: EACH }, (_, n) => `${i}:${n}`),
                     `messages of sender ${i}`);
        }
    });

    await test('messages and ids go together everywhere', async () => {
        const ids = new Map();

        for (const s of everybody) {
            for (const { event, args } of s.log) {
                if (event === 'message:new') {
                    const { id, content } = args[0];

                    is(ids.get(content) || id, id, `id of ${content}`);
                    ids.set(content, id);
                }
            }
        }
    });

    await Promise.all(everybody.map((s) => s.client.close()));
}


/* sends a message every few ms until stop() */
function traffic(senders, roomName) {
    let n = 0;
    let going = true;

    const loop = async () => {
        while (going) {
            senders[n % senders.length].emit('message:send', {
                roomName, content: `t${n++}`
            });

            await tap.sleep(8);
        }
    };

    const done = loop();

    return {
        stop: () => {
            going = false;
            return done;
        }
    };
}


/* one client's life: join, speak, upgrade while speaking, speak */
async function mover(server, roomName, name) {
    const s = await member(server, roomName, 'polling');
    const say = (n) => s.ask('message:send',
                             { roomName, content: `${name}:${n}` });
    const acks = [say(0)];

    await tap.sleep(Math.random() * 60);
    acks.push(say(1));

    const upgraded = s.client.upgrade();

    await tap.sleep(Math.random() * 10);
    acks.push(say(2));
    await upgraded;
    acks.push(say(3));

    for (const reply of await Promise.all(acks)) {
        is(reply.success, true, 'success');
    }

    is(s.client.transport, 'websocket', 'transport');

    return s;
}


/* "got" is a piece of "all" that reaches to the same end */
function contiguous(got, all, what) {
    const from = all.length - got.length;

    for (let i = 0; i < got.length; i++) {
        if (got[i] !== all[from + i]) {
            isDeeply(got.slice(i, i + 5), all.slice(from + i, from + i + 5),
                     `${what}, from message ${i} of ${got.length}`);
        }
    }
}


async function upgrades(server) {
    const WAVES = 20;
    const SIZE = 50;
    const roomName = 'moving';

    const senders = await Promise.all(Array.from({ length: 4 }, () => {
        return member(server, roomName, 'websocket');
    }));

    const witness = await member(server, roomName, 'websocket');
    const { stop } = traffic(senders, roomName);
    let total = 0;
    let failed = false;

    for (let w = 0; w < WAVES && !failed; w++) {
        failed = !await test(`${SIZE} upgrades under traffic, wave ${w + 1}`,
            async () => {
                const names = Array.from({ length: SIZE }, (_, i) => {
                    return `${w}.${i}`;
                });

                const movers = await Promise.all(names.map((name) => {
                    return mover(server, roomName, name);
                }));

                const last = `end of ${w}`;

                await witness.ask('message:send', { roomName, content: last });
                await seen(witness, last);

                const all = contents(witness);
                const upto = all.slice(0, all.indexOf(last) + 1);

                for (const s of movers) {
                    await seen(s, last);

                    const got = contents(s);

                    contiguous(got.slice(0, got.indexOf(last) + 1), upto,
                               'messages of one that moved');
                    total++;
                }

                for (const name of names) {
                    isDeeply(upto.filter((c) => c.startsWith(`${name}:`)),
                             [0, 1, 2, 3].map((n) => `${name}:${n}`),
                             `messages from ${name}`);
                }

                /* what is over need not be looked at again */
                witness.log.length = 0;

            }, { timeout: 20000 });
    }

    await stop();

    await test('a thousand upgrades in all', async () => {
        is(total, WAVES * SIZE, 'upgrades');
    });

    await test('all of the traffic has come through', async () => {
        await tap.sleep(100);

        for (const s of senders) {
            const got = contents(s).filter((c) => /^t\d+$/.test(c))
                                   .map((c) => Number(c.slice(1)));

            for (let i = 0; i < senders.length; i++) {
                const mine = got.filter((n) => n % senders.length === i);

                isDeeply(mine, mine.map((_, n) => i + n * senders.length),
                         `traffic of sender ${i}`);
            }

            isDeeply(got.slice().sort((a, b) => a - b), got.map((_, i) => i),
                     'all of it');
        }
    });

    senders.forEach((s) => s.destroy());
    witness.destroy();
}


tap.run(async () => {
    const server = await start('chat', { workers: 4, reuseport: true });

    await crowd(server);
    await upgrades(server);

    if (!reference) {
        await test('sessions and memberships go back to nothing', async () => {
            await tap.until(5000, async () => {
                const { sessions, rooms } = await server.metrics();

                return sessions.total === 0 && rooms.memberships === 0;
            });
        });
    }

});
