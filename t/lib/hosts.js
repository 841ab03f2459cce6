'use strict';

/*
 * hosts.js: hosts that have one Redis.
 */

const server = require('./server');
const tap = require('./tap');


/* a host; options: server.js's, and url: of Redis */
function host(redis, { url = redis.url(), http = '', ...opts } = {}) {
    return server.start({
        workers: 2, reuseport: true, ...opts,
        http: `realtime_redis ${url}; ${http}`
    });
}


/* what it says of Redis */
async function figures(nginx) {
    return (await nginx.metrics()).redis;
}


/* resolves when all of them hear each other */
async function linked(...hosts) {
    for (const nginx of hosts) {
        await tap.until(20000, async () => {
            const { connected, nodes } = await figures(nginx);

            return connected && nodes >= hosts.length;

        }, () => `a link: ${nginx.errorLog()}`);
    }
}


/* a host for each name, that hear each other */
async function hosts(redis, locations, ...names) {
    const list = [];

    for (const name of names) {
        list.push(await host(redis, { locations, name }));
    }

    await linked(...list);

    return list;
}


module.exports = { figures, host, hosts, linked };
