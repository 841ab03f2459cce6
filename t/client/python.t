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
const SCRIPT = path.join(__dirname, '..', 'lib', 'client.py');

const DEFAULTS = { pingInterval: 25000, pingTimeout: 20000 };


if (spawnSync(PYTHON, ['-c', 'import socketio, aiohttp']).status !== 0) {
    tap.missing('python3-socketio or python3-aiohttp is missing');
}


/* each line of the script is { name, error } */
async function script(server, transport) {
    const child = spawn(PYTHON, [SCRIPT, server.url, transport], {
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

    await tap.test(`${transport}: the script ends well`, async () => {
        tap.is(await ended, 0, 'exit code');
    });
}


tap.run(async () => {
    const server = await start('socketio', {
        ...DEFAULTS, workers: 4, reuseport: true
    });

    for (const transport of ['polling', 'websocket', 'upgrade']) {
        await script(server, transport);
    }
});
