#!/usr/bin/env node
'use strict';

/*
 * python-socketio, over both transports.
 */

const { spawn, spawnSync } = require('node:child_process');
const path = require('node:path');
const readline = require('node:readline');
const { reference, start } = require('../lib/fixture');
const tap = require('../lib/tap');

/* Debian's, rather than another one earlier in PATH that lacks the package */
const PYTHON = process.env.PYTHON || '/usr/bin/python3';
const LIB = path.join(__dirname, '..', 'lib');

const DEFAULTS = { pingInterval: 25000, pingTimeout: 20000 };


if (spawnSync(PYTHON, ['-c', 'import socketio, aiohttp']).status !== 0) {
    tap.missing('python3-socketio or python3-aiohttp is missing');
}


/* each line of the script is { name, error } */
async function script(server, file, transport) {
    const args = [path.join(LIB, file), server.url, transport];
    const child = spawn(PYTHON, args, {
        stdio: ['ignore', 'pipe',
                process.env.REALTIME_DEBUG ? 'inherit' : 'ignore']
    });

    const ended = new Promise((resolve) => {
        child.on('close', (code, signal) => resolve(signal || code));
    });

    tap.cleanup(() => child.kill('SIGKILL'));

    for await (const line of readline.createInterface(child.stdout)) {
        const { name, error } = JSON.parse(line);

        if (reference && name === 'many messages') {
            tap.skip(name, 'the reference sends more than the client takes');
        } else {
            tap.note(!error, `${transport}: ${name}`, error);
        }
    }

    await tap.test(`${transport}: ${file} ends well`, async () => {
        tap.is(await ended, 0, 'exit code');
    });
}


tap.run(async () => {
    const servers = {};

    for (const [file, kind] of [['client.py', 'socketio'],
                                ['chat.py', 'chat']]) {
        if (reference && kind === 'chat') {
            continue;                   /* it knows no such events */
        }

        servers[file] = await start(kind, {
            ...DEFAULTS, workers: 4, reuseport: true, recovery: true
        });
    }

    for (const [file, server] of Object.entries(servers)) {
        for (const transport of ['polling', 'websocket', 'upgrade']) {
            await script(server, file, transport);
        }
    }
});
