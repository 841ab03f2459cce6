'use strict';

/*
 * redis.js: runs a command with a private Redis in RT_BENCH_REDIS, and
 * two Node servers that have it, "port:pid,port:pid", in RT_BENCH_NODES.
 *
 *     node bench/redis.js build/rt-bench redis
 */

const { spawn } = require('node:child_process');
const path = require('node:path');
const redisServer = require('../t/lib/redis');
const tap = require('../t/lib/tap');
const { run } = require('./command');


/* { name: "port:pid", stop }; it ends with us at the latest */
async function node(url) {
    const child = spawn(process.execPath, [path.join(__dirname, 'node.js')], {
        stdio: ['pipe', 'pipe', 'inherit'],
        env: { PATH: process.env.PATH, NODE_ENV: 'production',
               RT_BENCH_REDIS: url }
    });

    const ended = new Promise((resolve) => child.on('exit', resolve));

    const stop = () => {
        child.stdin.end();

        return ended;
    };

    tap.cleanup(stop);

    const port = await tap.within(20000, Promise.race([
        new Promise((resolve) => child.stdout.once('data', resolve)),
        ended.then((code) => tap.fail(`a Node server ends: ${code}`))
    ]), 'a Node server');

    return { name: `${Number(port)}:${child.pid}`, stop };
}


tap.run(async () => {
    const redis = await redisServer.start();
    const nodes = [await node(redis.url()), await node(redis.url())];

    tap.is(await run(process.argv.slice(2), {
        RT_BENCH_REDIS: redis.url(),
        RT_BENCH_NODES: nodes.map((n) => n.name).join(',')
    }), 0, 'exit code');

    await Promise.all(nodes.map((n) => n.stop()));
    await redis.stop();
}, { timeout: 3600000 });
