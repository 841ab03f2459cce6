#!/usr/bin/env node
'use strict';

/*
 * Socket.IO protocol 5: every case of its specification and of the official
 * test suite, against the fixture that the suite expects.
 */

const { differs, everyLayout } = require('../lib/fixture');
const eio = require('../lib/eio');
const sio = require('../lib/sio');
const tap = require('../lib/tap');

const { is, isDeeply, like, ok, sleep, test } = tap;

const BYTES = Buffer.from([1, 2, 3]);

const CONNECTED = /^40\{"sid":"[^"]+"\}$/;


/* a WebSocket that has no namespace yet; messages are whole packets */
async function bare(server) {
    return (await eio.openWebSocket(server)).ws;
}


/* one that has joined the main namespace and got its greeting */
async function joined(server) {
    const ws = await bare(server);

    ws.send('40');
    like(await ws.recv(), CONNECTED, 'answer to CONNECT');
    is(await ws.recv(), '42["auth",{}]', 'greeting');

    return ws;
}


async function receive(ws, ...messages) {
    for (const message of messages) {
        isDeeply(await ws.recv(), message, 'message');
    }
}


async function connecting(server) {
    await test('connect: main namespace', async () => {
        const ws = await bare(server);

        ws.send('40');

        const reply = await ws.recv();

        like(reply, CONNECTED, 'reply');
        ok(JSON.parse(reply.slice(2)).sid.length >= 16, 'sid');
        await receive(ws, '42["auth",{}]');
    });

    await test('connect: the sid is not the session\'s', async () => {
        const { ws, sid } = await eio.openWebSocket(server);

        ws.send('40');
        ok(JSON.parse((await ws.recv()).slice(2)).sid !== sid, 'another id');
    });

    await test('connect: main namespace with a payload', async () => {
        const ws = await bare(server);

        ws.send('40{"token":"123"}');
        like(await ws.recv(), CONNECTED, 'reply');
        await receive(ws, '42["auth",{"token":"123"}]');
    });

    for (const packet of ['40/custom', '40/custom,']) {
        await test(`connect: custom namespace, ${packet}`, async () => {
            const ws = await bare(server);

            ws.send(packet);
            like(await ws.recv(), /^40\/custom,\{"sid":"[^"]+"\}$/, 'reply');
            await receive(ws, '42/custom,["auth",{}]');
        });
    }

    await test('connect: custom namespace with a payload', async () => {
        const ws = await bare(server);

        ws.send('40/custom,{"token":"abc"}');
        like(await ws.recv(), /^40\/custom,\{"sid":"[^"]+"\}$/, 'reply');
        await receive(ws, '42/custom,["auth",{"token":"abc"}]');
    });

    await test('connect: a query belongs to the name', async () => {
        const ws = await bare(server);

        ws.send('40/custom?abc=def,');
        await receive(ws, '44/custom?abc=def,'
                          + '{"message":"Invalid namespace"}');
    });

    await test('connect: an unknown namespace is refused', async () => {
        const ws = await bare(server);

        ws.send('40/random');
        await receive(ws, '44/random,{"message":"Invalid namespace"}');
    });

    await test('connect: others can be joined after that', async () => {
        const ws = await bare(server);

        ws.send('40/random');
        await receive(ws, '44/random,{"message":"Invalid namespace"}');
        ws.send('40');
        like(await ws.recv(), CONNECTED, 'reply');
    });

    await test('connect: two namespaces, an id for each', async () => {
        const ws = await joined(server);

        ws.send('40/custom,');
        like(await ws.recv(), /^40\/custom,\{"sid":"[^"]+"\}$/, 'reply');
        await receive(ws, '42/custom,["auth",{}]');
        ws.send('42/custom,["message",1]');
        ws.send('42["message",2]');
        await receive(ws, '42/custom,["message-back",1]',
                      '42["message-back",2]');
    });

    await test('connect: an event before it closes', async () => {
        const ws = await bare(server);

        ws.send('42["message",1]');
        await ws.waitClose(450);
    });

    await test('connect: nonsense closes', async () => {
        const ws = await bare(server);

        ws.send('4abc');
        await ws.waitClose(450);
    });

    await test('connect: twice closes', async () => {
        const ws = await joined(server);

        ws.send('40');
        await ws.waitClose(450);
    });

    for (const data of ['"text"', '[]', 'true', '{', '{"a":}']) {
        await test(`connect: payload ${data} closes`, async () => {
            const ws = await bare(server);

            ws.send(`40${data}`);
            await ws.waitClose(450);
        });
    }
}


async function disconnecting(server) {
    await test('disconnect: main namespace', async () => {
        const ws = await joined(server);

        ws.send('41');
        await receive(ws, '2');
    });

    await test('disconnect: pings go on', async () => {
        const ws = await joined(server);

        ws.send('41');

        for (let i = 0; i < 3; i++) {
            await receive(ws, '2');
            ws.send('3');
        }
    });

    await test('disconnect: custom namespace, not the main one', async () => {
        const ws = await joined(server);

        ws.send('40/custom');
        await ws.recv();
        await receive(ws, '42/custom,["auth",{}]');
        ws.send('41/custom');
        ws.send('42["message","to the main namespace"]');
        await receive(ws, '42["message-back","to the main namespace"]');
    });

    await test('disconnect: one can connect again', async () => {
        const ws = await joined(server);

        ws.send('41');
        await sleep(50);
        ws.send('40');
        like(await ws.recv(), CONNECTED, 'reply');
    });

    await differs('disconnect: and connect in one segment', async () => {
        const ws = await joined(server);
        const { frame } = require('../lib/ws');

        ws.raw(Buffer.concat([frame('41'), frame('40')]));
        like(await ws.recv(), CONNECTED, 'reply');
        await receive(ws, '42["auth",{}]');
    });
}


async function messages(server) {
    const there = async (packets, ...back) => {
        const ws = await joined(server);

        for (const packet of [].concat(packets)) {
            ws.send(packet);
        }

        await receive(ws, ...back);
    };

    await test('message: plain text', async () => {
        await there('42["message",1,"2",{"3":[true]}]',
                    '42["message-back",1,"2",{"3":[true]}]');
    });

    await test('message: no arguments', async () => {
        await there('42["message"]', '42["message-back"]');
    });

    await test('message: with an attachment', async () => {
        await there(['452-["message",{"_placeholder":true,"num":0},'
                     + '{"_placeholder":true,"num":1}]',
                     BYTES, Buffer.from([4, 5, 6])],
                    '452-["message-back",{"_placeholder":true,"num":0},'
                    + '{"_placeholder":true,"num":1}]',
                    BYTES, Buffer.from([4, 5, 6]));
    });

    await test('message: an ack', async () => {
        await there('42456["message-with-ack",1,"2",{"3":[false]}]',
                    '43456[1,"2",{"3":[false]}]');
    });

    await test('message: an ack with id 0', async () => {
        await there('420["message-with-ack"]', '430[]');
    });

    await test('message: an ack with attachments', async () => {
        await there(['452-789["message-with-ack",'
                     + '{"_placeholder":true,"num":0},'
                     + '{"_placeholder":true,"num":1}]',
                     BYTES, Buffer.from([4, 5, 6])],
                    '462-789[{"_placeholder":true,"num":0},'
                    + '{"_placeholder":true,"num":1}]',
                    BYTES, Buffer.from([4, 5, 6]));
    });

    await test('message: attachments nested deep', async () => {
        await there(['451-["message",{"a":[{"b":'
                     + '{"_placeholder":true,"num":0}}]}]', BYTES],
                    '451-["message-back",{"a":[{"b":'
                    + '{"_placeholder":true,"num":0}}]}]', BYTES);
    });

    await test('message: ten attachments', async () => {
        const marks = Array.from({ length: 10 }, (_, num) => {
            return JSON.stringify({ _placeholder: true, num });
        }).join(',');

        const bytes = Array.from({ length: 10 }, (_, i) => Buffer.from([i]));

        await there([`4510-["message",${marks}]`, ...bytes],
                    `4510-["message-back",${marks}]`, ...bytes);
    });

    await test('message: in the custom namespace, with an ack', async () => {
        const ws = await bare(server);

        ws.send('40/custom,');
        await ws.recv();
        await ws.recv();
        ws.send('42/custom,12["message-with-ack","x"]');
        await receive(ws, '43/custom,12["x"]');
    });

    await test('message: every kind of JSON', async () => {
        const args = [null, true, false, 0, -1.5, 1e21, '', 'ü\u{1f680}', [],
                      {}, [[[]]], { a: { b: [1, { c: null }] } },
                      '\u0000\u001f"\\/', { '': '' }];
        const ws = await joined(server);

        ws.send(`42${JSON.stringify(['message', ...args])}`);

        const back = await ws.recv();

        isDeeply(JSON.parse(back.slice(2)), ['message-back', ...args], 'args');
    });

    await test('message: white space in the JSON', async () => {
        const ws = await joined(server);

        ws.send('42[ "message" , 1 , { "a" : [ ] } ]');
        isDeeply(JSON.parse((await ws.recv()).slice(2)),
                 ['message-back', 1, { a: [] }], 'event');
    });

    await test('message: an event name with escapes', async () => {
        await there('42["\\u006dessage",1]', '42["message-back",1]');
    });

    await test('message: a hundred in one go, in order', async () => {
        const ws = await joined(server);
        const { frame } = require('../lib/ws');
        const all = [];

        for (let i = 0; i < 100; i++) {
            all.push(frame(i % 2 ? `42["message",${i}]`
                                 : `42${i}["message-with-ack",${i}]`));
        }

        ws.raw(Buffer.concat(all));

        for (let i = 0; i < 100; i++) {
            is(await ws.recv(), i % 2 ? `42["message-back",${i}]`
                                      : `43${i}[${i}]`, 'answer');
        }
    });
}


async function invalid(server) {
    const closes = (name, ...packets) => test(`${name} closes`, async () => {
        const ws = await joined(server);

        for (const packet of packets) {
            ws.send(packet);
        }

        await ws.waitClose(450);
    });

    await closes('an unknown packet type', '4abc');
    await closes('type 7', '47');
    await closes('an invalid payload', '42{}');
    await closes('an empty array', '42[]');
    await closes('a payload that ends early', '42["message"');
    await closes('a payload with a tail', '42["message"]x');
    await closes('an invalid ack id', '42abc["message-with-ack",1]');
    await closes('an event of null', '42[null]');
    await closes('an event that is an object', '42[{}]');
    await closes('an event in a namespace not joined', '42/custom,["message"]');
    await closes('CONNECT_ERROR', '44{"message":"x"}');
    await closes('an ack that is no array', '431{}');
    await closes('eleven attachments', '4511-["message"]');
    await closes('an attachment count that is no number', '45x-["message"]');
    await closes('a binary event without a count', '45["message"]');
    await closes('an attachment nobody announced', BYTES);
    await closes('text where an attachment should come',
                 '451-["message",{"_placeholder":true,"num":0}]',
                 '42["message"]');
    await closes('a placeholder out of range',
                 '451-["message",{"_placeholder":true,"num":1}]', BYTES);
    await closes('a negative placeholder',
                 '451-["message",{"_placeholder":true,"num":-1}]', BYTES);

    for (const name of ['connect', 'connect_error', 'disconnect',
                        'disconnecting', 'newListener', 'removeListener'])
    {
        await closes(`the reserved event "${name}"`, `42["${name}"]`);
    }

    await differs('an event without payload closes', async () => {
        const ws = await joined(server);

        ws.send('42');
        await ws.waitClose(250);
    });

    await differs('an ack id over 2^53-1 closes', async () => {
        const ws = await joined(server);

        ws.send('429007199254740992["message-with-ack"]');
        await ws.waitClose(250);
    });

    await differs('an ack id of 2^53-1 does not', async () => {
        const ws = await joined(server);

        ws.send('429007199254740991["message-with-ack"]');
        await receive(ws, '439007199254740991[]');
    });

    await differs('an attachment count of 0x2 closes', async () => {
        const ws = await joined(server);

        ws.send('450x2-["message"]');
        await ws.waitClose(250);
    });

    await test('an ack for no question is ignored', async () => {
        const ws = await joined(server);

        ws.send('4399[1]');
        ws.send('42["message"]');
        await receive(ws, '42["message-back"]');
    });
}


async function polling(server) {
    const opened = async () => {
        const p = new eio.Polling(server);

        await p.open();
        await p.send('40');

        const packets = await p.poll();

        while (packets.length < 2) {
            packets.push(...await p.poll());
        }

        like(packets[0], CONNECTED, 'reply');
        is(packets[1], '42["auth",{}]', 'greeting');

        return p;
    };

    await test('polling: connect and a message', async () => {
        const p = await opened();

        await p.send('42["message",1]');
        isDeeply(await p.poll(), ['42["message-back",1]'], 'packets');
    });

    await test('polling: attachments', async () => {
        const p = await opened();

        await p.send('451-["message",{"_placeholder":true,"num":0}]', BYTES);

        const packets = await p.poll();

        while (packets.length < 2) {
            packets.push(...await p.poll());
        }

        isDeeply(packets, [
            '451-["message-back",{"_placeholder":true,"num":0}]', BYTES
        ], 'packets');
    });

    await test('polling: attachment in a POST of its own', async () => {
        const p = await opened();

        await p.send('451-3["message-with-ack",{"_placeholder":true,"num":0}]');
        await p.send(BYTES);

        const packets = await p.poll();

        while (packets.length < 2) {
            packets.push(...await p.poll());
        }

        isDeeply(packets, ['461-3[{"_placeholder":true,"num":0}]', BYTES],
                 'packets');
    });

    await test('polling: an invalid packet ends it', async () => {
        const p = await opened();

        await p.post('42{}');

        for (let i = 0; i < 3; i++) {
            const res = await p.get();

            if (res.status === 400) {
                return;
            }

            is(res.text, '6\x1e1', 'last words');
        }

        tap.fail('still there');
    });
}


async function upgrading(server) {
    await test('upgrade: the namespaces stay joined', async () => {
        const s = await sio.Socket.open(server, { transport: 'polling' });

        await s.connect('/custom', { a: 1 });
        isDeeply((await s.events.next()).args, [{}], 'greeting of /');
        isDeeply((await s.events.next()).args, [{ a: 1 }], 'of /custom');
        isDeeply(await s.call('message-with-ack', 1, BYTES), [1, BYTES],
                 'ack over polling');

        await s.client.upgrade();

        isDeeply(await s.call('message-with-ack', 2, BYTES), [2, BYTES],
                 'ack over websocket');
        s.emitTo('/custom', 'message', BYTES, 'x');

        const back = await s.events.next();

        is(back.nsp, '/custom', 'namespace');
        isDeeply(back.args, [BYTES, 'x'], 'arguments');
    });

    await test('upgrade: acks asked before arrive after', async () => {
        const s = await sio.Socket.open(server, { transport: 'polling' });
        const acks = [];

        for (let i = 0; i < 20; i++) {
            acks.push(s.call('message-with-ack', i));
        }

        await s.client.upgrade();

        for (let i = 20; i < 40; i++) {
            acks.push(s.call('message-with-ack', i));
        }

        isDeeply((await Promise.all(acks)).flat(),
                 Array.from({ length: 40 }, (_, i) => i), 'acks');
    });
}


tap.run(async () => {
    await everyLayout('socketio', {}, async (server) => {
        await connecting(server);
        await disconnecting(server);
        await messages(server);
        await invalid(server);
        await polling(server);
        await upgrading(server);
    });

    await everyLayout('socketio', { connectTimeout: 700 }, async (server) => {
        await test('no CONNECT within the time for it closes', async () => {
            const client = await eio.Client.open(server);
            const start = Date.now();

            await client.waitClose(3000);
            ok(Date.now() - start > 600, 'not before');
        });

        await test('a CONNECT in time does not', async () => {
            const client = await eio.Client.open(server);

            client.send('0');
            await sleep(1000);
            ok(client.open, 'open');
        });

        await differs('an attachment that never comes closes', async () => {
            const client = await eio.Client.open(server);

            client.send('0');
            await client.recv();
            client.send('51-["message",{"_placeholder":true,"num":0}]');

            const start = Date.now();

            await client.waitClose(3000);
            ok(Date.now() - start > 600, 'not before');
        });
    });
}, { clock: true });
