'use strict';

/*
 * node.js: what rt-bench compares with: Socket.IO's own server, with its
 * adapter for Redis, that does what nginx does with "realtime_on say relay".
 * Prints its port; ends when stdin does.
 */

const { createClient } = require('../t/node_modules/@redis/client');
const { createAdapter } = require('../t/node_modules/@socket.io/redis-adapter');
const { Server } = require('../t/node_modules/socket.io');
const http = require('node:http');


function joined(socket, { roomName }, ack) {
    socket.join(roomName);
    ack({ success: true });
}


function said(socket, data) {
    if (socket.rooms.has(data.roomName)) {
        socket.to(data.roomName).emit('say', data);
    }
}


async function main() {
    const pub = createClient({ url: process.env.RT_BENCH_REDIS });
    const sub = pub.duplicate();

    for (const client of [pub, sub]) {
        client.on('error', (e) => process.stderr.write(`${e.message}\n`));
        await client.connect();
    }

    const web = http.createServer();
    const io = new Server(web, {
        adapter: createAdapter(pub, sub, { key: 'rt-bench-node' })
    });

    io.on('connection', (socket) => {
        socket.on('room:join', (...args) => joined(socket, ...args));
        socket.on('say', (data) => said(socket, data));
    });

    web.listen(0, '127.0.0.1', 4096, () => {
        process.stdout.write(`${web.address().port}\n`);
    });

    process.stdin.on('end', () => process.exit(0));
    process.stdin.resume();
}


main();
