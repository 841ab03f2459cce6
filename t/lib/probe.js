'use strict';

/*
 * probe.js: connections to Redis inside of nginx, in the hands of a test, by a
 * module that does as the request says: t/bus/probe.
 */

const { spawnSync } = require('node:child_process');
const path = require('node:path');
const { request } = require('./http');
const server = require('./server');
const { is, until } = require('./tap');

const TOP = path.resolve(__dirname, '..', '..');

const PROBE = path.join(path.dirname(server.MODULE),
                        'ngx_http_realtime_redis_probe_module.so');


function build() {
    const file = path.relative(TOP, PROBE);
    const res = spawnSync('make', ['-s', file], { cwd: TOP });

    if (res.status !== 0) {
        throw new Error(`make ${file}: ${res.stderr}`);
    }
}


/* what: probe_redis, a connection, or probe_cluster */
function options(url, more = '', http = '', what = 'probe_redis') {
    return {
        main: `load_module ${PROBE};`,
        http: `client_body_buffer_size 8m; client_max_body_size 8m; ${http}
               ${what} "${url}" ${more};`,
        locations: 'location = /redis { probe; }'
    };
}


class Probe {

    constructor(nginx) {
        this.nginx = nginx;
    }

    static async start(...args) {
        return new this(await server.start(options(...args)));
    }

    async ask(args, lines) {
        const res = await request(this.nginx.port, {
            path: `/redis${args && `?${args}`}`,
            method: lines ? 'POST' : 'GET',
            body: lines && lines.join('\n')
        });

        is(res.status, 200, 'status');

        return String(res.body).trimEnd().split('\n').map((l) => l.trimEnd());
    }

    /* answers, a line for each command; blanks between arguments */
    send(...lines) {
        return this.ask('', lines.map((line) => line.replace(/ /g, '\t')));
    }

    async state(args = 'state') {
        return Object.fromEntries((await this.ask(args)).map((line) => {
            const at = line.indexOf('=');

            return [line.slice(0, at), line.slice(at + 1)];
        }));
    }

    async reaches(state, ms = 5000) {
        let now;

        await until(ms, async () => {
            now = await this.state();
            return now.state === state;
        }, () => `state ${state}: ${JSON.stringify(now)}`);

        return now;
    }

    async fails(reason, ms = 8000) {
        let now;

        await until(ms, async () => {
            now = await this.state();
            return reason.test(now.reason);
        }, () => `${reason}: ${JSON.stringify(now)}`);

        return now;
    }

    /* what has been pushed since, when there are n */
    async pushes(n) {
        const lines = [];

        await until(5000, async () => {
            lines.push(...(await this.ask('pushes')).filter((line) => line));
            return lines.length >= n;
        }, () => `${n} pushes: ${lines}`);

        return lines;
    }

    log(re) {
        return this.nginx.errorLog().split('\n').filter((l) => re.test(l));
    }
}


module.exports = { Probe, build, options };
