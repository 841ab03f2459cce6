'use strict';

/*
 * cluster.js: servers of both kinds that share rooms by Redis, and clients
 * that do not see which kind theirs is.
 *
 * A column of the matrix is a pair of kinds, "node -> nginx".  "node -> node"
 * is the real thing on both sides: a row that fails there is wrong itself.
 * Arguments of a test are the columns that are wanted, "node-nginx" or
 * "node-nginx-sharded" for example.
 */

const { io: connect } = require('socket.io-client');
const { createAdapter, createShardedAdapter } =
    require('@socket.io/redis-adapter');
const { Emitter } = require('@socket.io/redis-emitter');
const { createClient } = require('@redis/client');
const IoRedis = require('ioredis');
const app = require('./app');
const Inbox = require('./inbox');
const redisServer = require('./redis');
const server = require('./server');
const tap = require('./tap');
const tokens = require('./tokens');

/* what every server has; others are for one side only */
const NAMESPACES = ['/', '/admin'];

/* events that come whenever they like, and are looked at by those who ask */
const LATE = ['connected', 'authenticated', 'presence:changed', 'room:joined',
              'room:left', 'linked'];

const SECRETS = {
    authorization: 'Bearer hush-authorization',
    'proxy-authorization': 'Basic hush-proxy',
    cookie: 'session=hush-cookie'
};

const LOCATION = `
    location /socket.io/ {
        realtime on;
        realtime_allow_anonymous on;
        realtime_namespace ${NAMESPACES.join(' ')};
        realtime_limit_messages off;
        realtime_limit_room off;
        realtime_limit_connections off;
        realtime_on say relay;
        realtime_on mark relay;
    }`;

/* for what never comes, not for what is slow: ms */
const PATIENCE = 20000;

/* columns: each has ports, and a process has ten of them */
const AT_A_TIME = 3;

let marks = 0;


/* clients of Redis as applications have them: { pub, sub } of either package */
async function nodeRedis(redis) {
    const pub = createClient({ url: redis.url() });
    const sub = pub.duplicate();

    for (const client of [pub, sub]) {
        client.on('error', (e) => tap.diag(`redis: ${e.message}`));
        await client.connect();
        tap.cleanup(() => client.close());
    }

    return { pub, sub };
}


function ioRedis(redis) {
    const pub = new IoRedis(redis.url());
    const sub = pub.duplicate();

    for (const client of [pub, sub]) {
        client.on('error', (e) => tap.diag(`ioredis: ${e.message}`));
        tap.cleanup(() => client.quit());
    }

    return { pub, sub };
}


/* a client that keeps what it hears; what is asked of it, "answers" does */
class Client {

    constructor(name, socket, { nsp, user = null }) {
        this.name = name;
        this.nsp = nsp;
        this.user = user;
        this.rooms = new Set();
        this.socket = socket;
        this.log = [];
        this.late = new Inbox();
        this.marks = new Inbox();
        this.answers = () => {};
        this.ended = new Promise((resolve) => {
            socket.once('disconnect', resolve);
        });

        socket.onAny((event, ...args) => this.hear(event, args));
        tap.cleanup(() => socket.disconnect());
    }

    get id() {
        return this.socket.id;
    }

    hear(event, args) {
        if (event === 'mark') {
            this.marks.push({ n: args[0].n, log: this.log.splice(0) });

        } else if (LATE.includes(event)) {
            this.late.push([event, ...args]);

        } else if (typeof args[args.length - 1] === 'function') {
            const ack = args.pop();

            this.log.push([event, ...args]);
            this.answers(ack, ...args);

        } else {
            this.log.push([event, ...args]);
        }
    }

    connected() {
        const promise = new Promise((resolve, reject) => {
            this.socket.once('connect', resolve);
            this.socket.once('connect_error', reject);
        });

        return tap.within(5000, promise, `${this.name} connects`);
    }

    /* all that came before mark "n" and behind the one before it */
    async until(n) {
        const { log } = await this.marks.next(PATIENCE, (m) => m.n === n,
                                              `mark ${n} at ${this.name}`);

        tap.isDeeply(this.marks.items.map((m) => m.n), [],
                     `more marks at ${this.name}`);

        return log;
    }

    /* fails unless the server does it; to the data of the ack */
    async done(event, arg) {
        const reply = await tap.within(PATIENCE,
            this.socket.emitWithAck(event, arg), `the ack of "${event}"`);

        tap.ok(reply.success, `${event}: ${JSON.stringify(reply)}`);

        return reply.data;
    }

    async join(roomName) {
        const data = await this.done('room:join', { roomName });

        this.rooms.add(roomName);

        return data;
    }

    /* until it has heard that another one entered a room */
    met(other, roomName) {
        return tap.until(5000, () => this.log.some(([event, data]) => {
            return event === 'user:joined' && data.roomName === roomName
                   && data.userId === other.user;

        }), `${this.name} hears that ${other.name} entered ${roomName}`);
    }
}


/* a place to connect to, whatever its kind */
class Host {

    /*
     * A client.  Options: nsp; user: its id; transports; over: another client,
     * whose connection it shares.
     */
    async open(name, opts = {}) {
        const { nsp = '/', user, transports, over } = opts;
        const auth = user ? { token: tokens.sign({ userId: user }) } : {};

        const socket = over
            ? over.socket.io.socket(nsp, { auth })
            : connect(`${this.url}${nsp}`, {
                forceNew: true, reconnection: false, transports, auth,
                extraHeaders: SECRETS
            });

        const client = new Client(name, socket, { nsp, user });

        await client.connected();

        return client;
    }
}


class Node extends Host {

    /* options: namespaces; ioredis: that package; sharded: that adapter */
    static async start(redis, opts = {}) {
        const { namespaces = NAMESPACES, ioredis, sharded } = opts;
        const { pub, sub } = ioredis ? ioRedis(redis) : await nodeRedis(redis);
        const create = sharded ? createShardedAdapter : createAdapter;
        const self = new Node();

        self.app = await app.start(create(pub, sub), namespaces);
        self.url = self.app.url;
        tap.cleanup(() => self.app.stop());

        return self;
    }

    of(nsp) {
        return this.app.io.of(nsp);
    }

    close() {
        return this.app.stop();
    }
}


class Nginx extends Host {

    static async start(redis, opts = {}) {
        const { sharded, http = '', ...more } = opts;
        const self = new Nginx();

        self.server = await server.start({
            workers: 2, reuseport: true,
            locations: LOCATION,
            ...more,
            http: `realtime_redis ${redis.url()};
                   ${sharded ? 'realtime_redis_adapter sharded;' : ''} ${http}`,
            env: { REALTIME_JWT_SECRET: tokens.SECRET }
        });

        self.url = self.server.url;

        return self;
    }
}


/* an emitter is a server without clients, and knows the classic adapter only */
class Emitting {

    static async start(redis) {
        const { pub } = await nodeRedis(redis);
        const self = new Emitting();

        self.emitter = new Emitter(pub);

        return self;
    }

    of(nsp) {
        return nsp === '/' ? this.emitter : this.emitter.of(nsp);
    }
}


const KINDS = { node: Node, nginx: Nginx, emitter: Emitting };


/* servers, and clients by name */
class Stage {

    /* "control" is an emitter: its word reaches all */
    constructor(redis, control, from, to) {
        this.redis = redis;
        this.control = control;
        this.from = from;
        this.to = to;
        this.clients = {};
        this.ignored = [];
    }

    /*
     * Opens clients, by name, with the options of Host.open() and the rooms
     * that they enter, of which those in there have heard then.
     */
    async open(host, people) {
        const clients = [];

        for (const [name, opts] of Object.entries(people)) {
            this.clients[name] = await host.open(name, {
                ...opts, over: this.clients[opts.over]
            });

            clients.push(this.clients[name]);
        }

        await this.linked(clients);

        for (const client of clients) {
            for (const room of people[client.name].rooms || []) {
                await client.join(room);
                await Promise.all(this.all
                    .filter((c) => c !== client && c.nsp === client.nsp
                                   && c.rooms.has(room))
                    .map((c) => c.met(client, room)));
            }
        }
    }

    get all() {
        return Object.values(this.clients).filter((c) => c.socket.connected);
    }

    /* until whatever is published reaches these: links take their time */
    async linked(clients) {
        const deaf = new Set(clients);

        for (const client of deaf) {
            client.socket.on('linked', () => deaf.delete(client));
        }

        await tap.until(10000, async () => {
            for (const nsp of NAMESPACES) {
                this.control.of(nsp).emit('linked');
            }

            await tap.sleep(20);

            return deaf.size === 0;

        }, () => `these hear of Redis: ${[...deaf].map((c) => c.name)}`);
    }

    /* says a mark, behind all else from there, where anybody is */
    mark(n) {
        for (const nsp of new Set(this.all.map((c) => c.nsp))) {
            this.from.of(nsp).emit('mark', { n });
        }
    }

    /*
     * What each client hears, by name: what "say" makes come, and nothing
     * that comes later.
     */
    async heard(say) {
        const n = ++marks;
        const clients = this.all;

        await say();
        await this.mark(n);

        const logs = await Promise.all(clients.map((c) => c.until(n)));

        return Object.fromEntries(clients.map((c, i) => [c.name,
            logs[i].filter(([event]) => !this.ignored.includes(event))]));
    }

    /* "say" makes those and nobody else hear these events; "may" or may not */
    async reaches(names, events, say, may = []) {
        const got = await this.heard(async () => {
            await say();
            await this.hears(names.filter((n) => !may.includes(n)),
                             events.length);
        });

        for (const [name, log] of Object.entries(got)) {
            if (may.includes(name) && log.length === 0) {
                continue;
            }

            tap.isDeeply(log, names.includes(name) ? events : [],
                         `what ${name} hears`);
        }
    }

    /*
     * Until they have heard so many events, or should have: what comes instead
     * is for who looks at them.  What is announced may take a detour.
     */
    async hears(names, count) {
        const end = Date.now() + 3000 * tap.scale;
        const clients = this.all.filter((c) => names.includes(c.name));

        while (Date.now() < end && clients.some((c) => c.log.length < count)) {
            await tap.sleep(2);
        }
    }

    /* what was said before is of no interest any more */
    async settle() {
        await this.heard(() => {});
    }
}


async function play(column, fn, only) {
    const [from, to, sharded] = column.split('-');
    const name = `${from} -> ${to}${sharded ? `, ${sharded}` : ''}`;
    const opts = { sharded };

    await tap.group(name, async () => {
        const redis = await redisServer.start({ name: `Redis of ${name}` });

        const start = (kind, more) => KINDS[kind].start(redis, {
            ...opts, ...(kind === 'node' && more)
        });

        const stage = new Stage(redis,
            await start(sharded ? 'node' : 'emitter'),
            await start(from, { namespaces: [...NAMESPACES, ...only] }),
            await start(to));

        await fn(stage, { from, to, sharded });
    });
}


/*
 * "fn" with the servers of each column, some at a time; "columns" is what the
 * test does by itself: kinds and, where servers have the sharded adapter, that
 * word.  "only" are namespaces that the sender has, and nobody else.
 */
async function matrix(columns, fn, only = []) {
    const wanted = process.argv.slice(2);
    const left = wanted.length ? wanted : [...columns];

    /* every server wants to be told of the end */
    process.setMaxListeners(0);

    await Promise.all(Array.from({ length: AT_A_TIME }, async () => {
        while (left.length) {
            await play(left.shift(), fn, only);
        }
    }));
}


module.exports = {
    Emitting, NAMESPACES, Nginx, Node, Stage, matrix, nodeRedis
};
