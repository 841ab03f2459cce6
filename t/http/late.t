#!/usr/bin/env node
'use strict';

/*
 * A connection that a worker accepted before it was told to go brings its
 * first request when the worker has nothing left to do but wait for it.
 */

const fs = require('node:fs');
const { Polling } = require('../lib/eio');
const { connect } = require('../lib/http');
const { start } = require('../lib/server');
const tap = require('../lib/tap');

const { sleep, test } = tap;

const UPGRADE = ['Connection: Upgrade', 'Upgrade: websocket',
                 'Sec-WebSocket-Version: 13',
                 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='];

/* what comes late, for the session of somebody else, and what it gets */
const REQUESTS = {

    'a GET of a session elsewhere': {
        uri: (other) => other.uri(), answer: /^HTTP\/1.1 200 [^]*\r\n6/
    },

    'a WebSocket that would take a session over': {
        uri: (other) => other.uri('websocket'), headers: UPGRADE,
        answer: /^HTTP\/1.1 101 [^]*<closed>$/
    },

    'a handshake': {
        uri: () => '/socket.io/?EIO=4&transport=polling',
        answer: /^HTTP\/1.1 200 [^]*\r\n0{"sid":/
    },

    'a handshake of a WebSocket': {
        uri: () => '/socket.io/?EIO=4&transport=websocket', headers: UPGRADE,
        answer: /^HTTP\/1.1 101 [^]*0{"sid":[^]*<closed>$/
    }
};


/* the server's end of "socket" belongs to a process: it has been accepted */
function accepted({ localPort, remotePort }) {
    const hex = (port) => port.toString(16).toUpperCase().padStart(4, '0');

    return fs.readFileSync('/proc/net/tcp', 'latin1').split('\n').some((l) => {
        const [, local, remote, , , , , , , inode] = l.trim().split(/\s+/);

        return local && local.endsWith(`:${hex(remotePort)}`)
               && remote.endsWith(`:${hex(localPort)}`) && inode !== '0';
    });
}


async function late(name, { uri, headers = [], answer }) {
    const server = await start({
        workers: 1, path: '/socket.io/', name,
        locations: `location /socket.io/ {
            realtime on;
            realtime_allow_anonymous on;
            realtime_drain 2s;
        }`
    });

    await test(name, async () => {
        const socket = await connect(server.port);

        let got = '';

        socket.on('data', (data) => { got += data; });
        socket.on('close', () => { got += '<closed>'; });

        await tap.until(10000, () => accepted(socket),
                        'the worker has accepted it');
        await server.reload();
        await sleep(1000);              /* the old worker has nothing to do */

        const other = new Polling(server);

        await other.open();

        socket.write([`GET ${uri(other)} HTTP/1.1`, 'Host: x', ...headers,
                      '', ''].join('\r\n'));

        await tap.until(10000, () => answer.test(got), () => got);
        socket.destroy();
    }, { timeout: 30000 });

    await server.stop();
}


tap.run(async () => {
    for (const [name, request] of Object.entries(REQUESTS)) {
        await late(name, request);
    }
});
