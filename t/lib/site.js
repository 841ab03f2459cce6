'use strict';

/*
 * site.js: an nginx for users' own code: their pages, each with the official
 * client and a token, and their applications' clients.
 */

const http = require('node:http');
const path = require('node:path');
const { io } = require('socket.io-client');
const Inbox = require('./inbox');
const server = require('./server');
const tap = require('./tap');
const tokens = require('./tokens');

const CONF = path.resolve(__dirname, '..', '..', 'conf.d', 'use-cases');

/* users' code signs its tokens with this */
process.env.REALTIME_JWT_SECRET = tokens.SECRET;

const { generateRealtimeToken } = require('../client/brief/token');


/* functions that users' code calls, and what they were called with */
class Screen {

    constructor(...names) {
        this.calls = new Inbox();

        for (const name of names) {
            this[name] = (...args) => this.calls.push({ name, args });
        }
    }

    /* the arguments of the next call of "name" */
    async called(name) {
        const { args } = await this.calls.next(5000, (c) => c.name === name,
                                               `a call of ${name}()`);

        return args;
    }

    never(name) {
        tap.isDeeply(this.calls.items.filter((c) => c.name === name), [],
                     `calls of ${name}()`);
    }
}


/* a socket, and all that came over it */
class Page {

    constructor(socket) {
        this.socket = socket;
        this.events = new Inbox();
        this.log = [];

        socket.onAny((event, ...args) => {

            /* the offset, which is the client's affair */

            tap.is(typeof args.pop(), 'string', 'the last argument');

            this.log.push({ event, args });
            this.events.push({ event, args });
        });

        tap.cleanup(() => socket.disconnect());
    }

    connected() {
        const { socket } = this;

        const promise = new Promise((resolve, reject) => {
            socket.once('connect', resolve);
            socket.once('connect_error', reject);
        });

        return tap.within(5000, promise, 'connecting');
    }

    /* the only argument of the next "event", passing over others */
    async one(event) {
        const { args } = await this.events.next(5000,
            (e) => e.event === event, `the event "${event}"`);

        tap.is(args.length, 1, `arguments of "${event}"`);

        return args[0];
    }

    ask(...args) {
        return tap.within(5000, this.socket.emitWithAck(...args),
                          `the ack of "${args[0]}"`);
    }

    /* fails unless the server does what it is asked for; to the ack's data */
    async done(...args) {
        const reply = await this.ask(...args);

        tap.ok(reply.success, `${args[0]}: ${JSON.stringify(reply)}`);

        return reply.data;
    }

    /* the code of the error that "args" ends in, which is told twice */
    async refused(...args) {
        const { success, error } = await this.ask(...args);

        tap.is(success, false, `success of "${args[0]}"`);
        tap.is((await this.one('error')).code, error.code,
               'code of the event "error"');

        return error.code;
    }

    join(roomName) {
        return this.done('room:join', { roomName });
    }

    /*
     * Until all has come that was sent before: answers do not overtake what
     * was emitted earlier.
     */
    async settled() {
        await this.done('pong', { timestamp: Date.now() });
    }

    /* fails if "event" came and nobody asked for it */
    async never(event) {
        await this.settled();
        tap.isDeeply(this.events.items.filter((e) => e.event === event), [],
                     `no "${event}"`);
    }
}


class Site {

    /* with conf.d/use-cases/NAME.conf as it stands */
    static useCase(name) {
        return Site.start({
            name, locations: `include ${path.join(CONF, `${name}.conf`)};`
        });
    }

    /* with defaults, but for "directives" and that all come from one address */
    static plain(directives, name) {
        return Site.start({
            name,
            locations: `
                location /socket.io/ {
                    realtime on;
                    realtime_limit_connections off;
                    ${directives}
                }`
        });
    }

    static async start(opts) {
        return new Site(await server.start({
            workers: 2, reuseport: true, recovery: true,
            env: { REALTIME_JWT_SECRET: tokens.SECRET },
            ...opts
        }));
    }

    constructor(nginx) {
        this.server = nginx;
        this.url = nginx.url;

        /* for users' code, whose server is where they have it */
        this.io = (url, options, build) => {
            tap.is(url, 'http://localhost:3101', 'the server\'s address');

            const socket = this.socket(options, build);

            tap.cleanup(() => socket.disconnect());

            return socket;
        };
    }

    /*
     * What "open" answers, once what it opens has got to another worker than
     * "not": [it, the worker's pid].
     */
    async elsewhere(open, not) {
        const count = async () => {
            const { workers } = await this.server.metrics();

            return new Map(workers.map((w) => [w.pid, w.sessions]));
        };

        for (let i = 0; i < 64; i++) {
            const before = await count();
            const page = await open();

            for (const [pid, n] of await count()) {
                if (pid !== not && n > (before.get(pid) || 0)) {
                    return [page, pid];
                }
            }

            page.socket.disconnect();
            await this.settled([...before.values()].reduce((a, b) => a + b, 0));
        }

        return tap.fail('the kernel gives every connection to one worker');
    }

    /* until the number of sessions is "n" */
    settled(n) {
        return tap.until(5000, async () => await this.sessions() === n,
                         `there are ${n} sessions`);
    }

    async sessions() {
        return (await this.server.metrics()).sessions.total;
    }

    token(userId, claims) {
        return generateRealtimeToken(userId, claims);
    }

    /* what CONNECT has, with claims as they are */
    auth(userId, claims) {
        return { token: tokens.sign({ userId, ...claims }) };
    }

    /* a socket as users' code makes it, with a connection of its own */
    socket(options, build = io) {
        return build(this.url, {
            forceNew: true, reconnectionDelay: 100, ...options
        });
    }

    async open(options) {
        const page = new Page(this.socket(options));

        await page.connected();

        return page;
    }

    /* somebody's page */
    page(userId, claims, options) {
        return this.open({
            auth: { token: this.token(userId, claims) }, ...options
        });
    }

    anonymous() {
        return this.open();
    }

    /* the application's own client, at a location of its own */
    backend(userId, claims = {}, options = {}) {
        const auth = this.auth(userId, { aud: 'realtime-backend', ...claims });

        return this.open({ path: '/backend/', auth, ...options });
    }

    /* the status of a handshake at "uri", from another address of this host */
    knock(uri, localAddress) {
        return new Promise((resolve, reject) => {
            http.get({
                host: '127.0.0.1', port: this.server.port, localAddress,
                path: `${uri}?EIO=4&transport=polling`, agent: false

            }, (res) => {
                res.resume();
                resolve(res.statusCode);

            }).on('error', reject);
        });
    }

    /* why a connection is refused */
    async rejected(options) {
        try {
            await this.open({ reconnection: false, ...options });

        } catch (e) {
            return e.data ? e.data.code : e.message;
        }

        return tap.fail('the connection is refused');
    }
}


module.exports = { CONF, Page, Screen, Site };
