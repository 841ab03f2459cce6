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
        this.password = opts.password
                        || crypto.randomBytes(12).toString('hex');
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

        if (this.opts.cluster) {
            this.busPort = await freePort(this.port);

            Object.assign(conf, {
                'cluster-enabled': 'yes',
                'cluster-port': this.busPort,
                'cluster-node-timeout': 1000,
                'cluster-replica-validity-factor': 0,
                'repl-diskless-sync-delay': 0,
                masterauth: this.password
            });
        }

        Object.assign(conf, this.opts.conf);

        this.conf = this.write('redis.conf', Object.entries(conf)
            .map(([name, value]) => `${name} ${value}\n`).join('')
            + (this.opts.lines || []).map((line) => `${line}\n`).join(''));
    }

    async launch() {
        const before = this.log().length;

        this.run(find('redis-server'), [this.conf], this.opts.netns);

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
 * tls: true; cluster: true; password; netns: the network namespace that it
 * has to be in; name: for the assertion at the end.
 */
async function start(opts = {}) {
    let log;

    for (let i = 0; i < 3; i++) {
        const redis = new Redis(opts);

        await redis.init();

        if (await redis.launch()) {
            tap.cleanup(() => redis.stop());

            return redis;
        }

        log = redis.log();
        redis.dismiss();

        if (!/Could not create server TCP|Address already in use/.test(log)) {
            throw new Error(`Redis does not start: ${log}`);
        }
    }

    throw new Error(`Redis finds no free port: ${log}`);
}


class Cluster {

    constructor(masters) {
        this.masters = masters;
        this.replicas = [];
        this.nodes = [...masters];
    }

    url(opts) {
        const [first, ...rest] = this.masters;

        return [first.url(opts), ...rest.map((m) => `127.0.0.1:${m.port}`)]
            .join(',');
    }

    /* a number of "CLUSTER INFO" */
    static async info(node, name) {
        const text = await node.command('CLUSTER', 'INFO');

        return new RegExp(`^${name}:(\\S+)`, 'm').exec(text)[1];
    }

    /* all know each other, and all slots are served */
    async settled(ms = 20000) {
        const n = String(this.nodes.length);

        await tap.until(ms, async () => (await Promise.all(this.nodes.map(
            async (node) => await Cluster.info(node, 'cluster_state') === 'ok'
                && await Cluster.info(node, 'cluster_known_nodes') === n)))
            .every(Boolean), 'the cluster is well');
    }

    /* one more, that has no slots */
    async add() {
        const node = await start({
            cluster: true, password: this.masters[0].password,
            name: `node ${this.nodes.length} of the cluster`
        });

        node.id = await node.command('CLUSTER', 'MYID');
        await this.masters[0].command('CLUSTER', 'MEET', '127.0.0.1',
                                      node.port, node.busPort);
        this.nodes.push(node);
        await this.settled();

        return node;
    }

    /* a replica of a master, in step with it */
    async replicate(master) {
        const node = await this.add();

        await node.command('CLUSTER', 'REPLICATE', master.id);
        this.replicas.push(node);

        await tap.until(10000, async () => /master_link_status:up/
            .test(await node.command('INFO', 'replication')), 'in step');

        return node;
    }

    /* it is of the cluster no more, and does not know */
    async dismiss(node) {
        this.nodes = this.nodes.filter((n) => n !== node);

        for (const other of this.nodes) {
            await other.command('CLUSTER', 'FORGET', node.id);
        }

        await node.command('CLUSTER', 'RESET');
        await this.settled();
    }

    slot(key) {
        return this.nodes.find((n) => n.exited === null)
            .command('CLUSTER', 'KEYSLOT', key).then(Number);
    }

    /* a key of the nth master's, as the slots were given in the beginning */
    async key(n, prefix = 'key') {
        for (let i = 0; ; i++) {
            const slot = await this.slot(`${prefix}${i}`);

            if (Math.floor(slot * this.masters.length / 16384) === n) {
                return `${prefix}${i}`;
            }
        }
    }

    /* a slot is being moved: keys are asked for at the other end */
    async migrating(slot, from, to) {
        await to.command('CLUSTER', 'SETSLOT', slot, 'IMPORTING', from.id);
        await from.command('CLUSTER', 'SETSLOT', slot, 'MIGRATING', to.id);
    }

    async moved(slot, from, to, keys = []) {
        for (const key of keys) {
            await from.command('MIGRATE', '127.0.0.1', to.port, key, 0, 5000,
                               'AUTH', to.password);
        }

        await to.command('CLUSTER', 'SETSLOT', slot, 'NODE', to.id);
        await from.command('CLUSTER', 'SETSLOT', slot, 'NODE', to.id);
    }
}


/* a cluster of masters, each with its share of slots in order */
async function cluster(n = 3) {
    const password = crypto.randomBytes(12).toString('hex');
    const masters = [];

    for (let i = 0; i < n; i++) {
        masters.push(await start({
            cluster: true, password, name: `node ${i} of the cluster`
        }));
    }

    for (const [i, node] of masters.entries()) {
        const from = Math.ceil(i * 16384 / n);
        const to = Math.ceil((i + 1) * 16384 / n) - 1;

        node.id = await node.command('CLUSTER', 'MYID');
        await node.command('CLUSTER', 'ADDSLOTSRANGE', from, to);
        await node.command('CLUSTER', 'SET-CONFIG-EPOCH', i + 1);
        await masters[0].command('CLUSTER', 'MEET', '127.0.0.1', node.port,
                                 node.busPort);
    }

    const self = new Cluster(masters);

    await self.settled();

    return self;
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


module.exports = { Cluster, Redis, certify, cluster, fake, start };
