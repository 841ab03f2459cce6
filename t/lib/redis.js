'use strict';

/*
 * redis.js: a real Redis, in a directory of its own, as a user without rights.
 *
 * REALTIME_KEEP   the directory is kept
 *
 * It has one password, also over its Unix socket, and keeps nothing on disk.
 */

const crypto = require('node:crypto');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { freePort } = require('./server');
const { Service, demand, find } = require('./service');
const tap = require('./tap');


/* a self-signed certificate: its own authority.  { cert, key } */
async function certify(dir, name, alt) {
    const key = path.join(dir, `${name}.key`);
    const cert = path.join(dir, `${name}.pem`);

    await demand('openssl', [
        'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2',
        '-subj', `/CN=${name}`, '-addext', `subjectAltName=${alt}`,
        '-keyout', key, '-out', cert
    ]);

    fs.chmodSync(key, 0o644);
    fs.chmodSync(cert, 0o644);

    return { cert, key };
}


class Redis extends Service {

    constructor(opts) {
        super(opts.name || 'Redis');

        this.opts = opts;
        this.password = crypto.randomBytes(12).toString('hex');
        this.socket = path.join(this.dir, 'redis.sock');
    }

    get bad() {
        return /REDIS BUG REPORT|crashed by signal|ASSERTION FAILED/;
    }

    /* over TCP; options: scheme, user, password, host, port, db */
    url(opts = {}) {
        const { scheme, user, password, host, port, db } = {
            scheme: 'redis', user: '', password: this.password,
            host: '127.0.0.1', port: this.port, db: 0, ...opts
        };

        return `${scheme}://${password && `${user}:${password}@`}${host}:${port}`
               + (db ? `/${db}` : '');
    }

    /* over TLS */
    tlsUrl(opts = {}) {
        return this.url({ scheme: 'rediss', port: this.tlsPort, ...opts });
    }

    /* over its Unix socket */
    socketUrl(db = 0) {
        return `redis+unix://:${this.password}@${this.socket}`
               + (db ? `?db=${db}` : '');
    }

    async init() {
        const conf = {
            bind: '127.0.0.1',
            unixsocket: this.socket,
            unixsocketperm: 777,
            dir: this.dir,
            save: '""',
            appendonly: 'no',
            daemonize: 'no',
            requirepass: this.password,
            'enable-debug-command': 'yes',
            'io-threads': 1
        };

        this.port = await freePort();
        conf.port = this.port;

        if (this.opts.tls) {
            const { cert, key } = await certify(this.dir, 'localhost',
                'DNS:localhost,IP:127.0.0.1');

            this.give(key);
            this.ca = cert;
            this.tlsPort = await freePort();

            Object.assign(conf, {
                'tls-port': this.tlsPort,
                'tls-cert-file': cert,
                'tls-key-file': key,
                'tls-ca-cert-file': cert,
                'tls-auth-clients': 'no'
            });
        }

        Object.assign(conf, this.opts.conf);

        this.conf = this.write('redis.conf', Object.entries(conf)
            .map(([name, value]) => `${name} ${value}\n`).join('')
            + (this.opts.lines || []).map((line) => `${line}\n`).join(''));
    }

    async launch() {
        const before = this.log().length;

        this.run(find('redis-server'), [this.conf]);

        await tap.until(10000, () => this.exited !== null
            || /Ready to accept connections/.test(this.log().slice(before)),
            () => `Redis starts: ${this.log()}`);

        return this.exited === null;
    }

    /* the text that redis-cli makes of the answer */
    async command(...args) {
        const text = await demand(find('redis-cli'),
            ['-s', this.socket, ...args.map(String)],
            { env: { PATH: process.env.PATH, REDISCLI_AUTH: this.password } });

        return text.trimEnd();
    }

    halt(signal = 'SIGTERM') {
        return super.halt(signal);
    }

    /* up again at the same port, whether it runs or not */
    async restart() {
        await this.halt();

        if (!await this.launch()) {
            throw new Error(`Redis does not start: ${this.log()}`);
        }
    }

    async stop() {
        if (this.exited === null) {
            this.signal('SIGCONT', [this.pid]);
        }

        await super.stop();
    }
}


/*
 * Starts Redis.  Options: conf: { parameter: value }; lines: more of them;
 * tls: true; name: for the assertion at the end.
 */
async function start(opts = {}) {
    for (let i = 0; i < 3; i++) {
        const redis = new Redis(opts);

        await redis.init();

        if (await redis.launch()) {
            tap.cleanup(() => redis.stop());

            return redis;
        }

        const log = redis.log();

        redis.dismiss();

        if (!/Could not create server TCP|Address already in use/.test(log)) {
            throw new Error(`Redis does not start: ${log}`);
        }
    }

    throw new Error('Redis finds no free port');
}


/*
 * What speaks for a Redis that is broken: talk(socket, text, nth connection)
 * is called with what came.  { port, connections, close() }
 */
async function fake(talk, greet = () => {}) {
    const self = { connections: 0 };
    const sockets = new Set();

    const server = net.createServer((socket) => {
        const nth = self.connections++;

        sockets.add(socket);
        socket.on('error', () => {});
        socket.on('close', () => sockets.delete(socket));
        socket.on('data', (data) => talk(socket, data.toString('latin1'), nth));
        greet(socket, nth);
    });

    self.port = await freePort();

    self.close = () => {
        sockets.forEach((socket) => socket.destroy());
        server.close();
    };

    await new Promise((resolve) => {
        server.listen(self.port, '127.0.0.1', resolve);
    });

    tap.cleanup(self.close);

    return self;
}


module.exports = { Redis, certify, fake, start };
