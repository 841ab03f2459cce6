'use strict';

/*
 * recovery.js: clients that lose their connections and come back for what they
 * missed (connection state recovery).
 */

const fs = require('node:fs');
const fixture = require('./fixture');
const { done, empty, join, unique } = require('./people');
const nginx = require('./server');
const { CONNECT, EVENT, BINARY_EVENT, Socket } = require('./sio');
const tap = require('./tap');
const tokens = require('./tokens');

const { is, isDeeply, like, ok } = tap;

/* where recovery works, and who is on which worker */
const LAYOUTS = [
    { name: '1 worker', workers: 1 },
    { name: '4 workers', workers: 4, reuseport: true }
];

/* noticed as gone in less than people.js' GONE, if nothing else tells */
const BEAT = { pingInterval: 2500, pingTimeout: 2000 };

const DIRECTIVES = `
    add_header X-Worker $pid always;
    realtime_jwt_secret "${tokens.SECRET}";
    realtime_namespace / /custom /other;
    realtime_on act relay;
    realtime_on shout echo;
`;

const LIMITS = `
    realtime_allow_anonymous on;
    realtime_limit_messages off;
    realtime_limit_room off;
    realtime_limit_connections off;
`;


/*
 * A socket that may be recovered: the last argument of each event, the offset,
 * is taken off.  "states" has for each namespace what it is to show: { sid,
 * pid, offset }; "trace" the names of events in the order in which they came,
 * "CONNECT" among them.
 */
class Lasting extends Socket {

    constructor(client) {
        super(client);
        this.states = {};
        this.trace = [];
        this.worker = Number(client.headers['x-worker']);
    }

    handle(pkt) {
        const { type, nsp, id, data } = pkt;
        const state = this.states[nsp] = this.states[nsp] || {};

        if (type === CONNECT) {
            this.trace.push('CONNECT');
            Object.assign(state, data);

        } else if (type === EVENT || type === BINARY_EVENT) {
            this.trace.push(data[0]);

            if (id === undefined) {
                like(data[data.length - 1], /^[\w-]{5,15}$/,
                     `the offset of "${data[0]}"`);
                state.offset = data.pop();
            }
        }

        super.handle(pkt);

        if (type === EVENT || type === BINARY_EVENT) {
            this.log[this.log.length - 1].offset = state.offset;
        }
    }

    /* the only argument of the next "event" in "nsp" */
    async heard(nsp, event) {
        const { args } = await this.events.next(5000,
            (e) => e.nsp === nsp && e.event === event, `"${event}" in ${nsp}`);

        is(args.length, 1, `arguments of "${event}"`);

        return args[0];
    }

    /* for good */
    async leave() {
        if (this.client.open) {
            Object.keys(this.sids).forEach((nsp) => this.disconnect(nsp));
            await this.client.posting;
        }
    }

    /* the same as Socket.ask(), in a namespace */
    async askIn(nsp, event, payload) {
        const id = this.nextId++;

        const promise = new Promise((resolve, reject) => {
            this.acks.set(id, { resolve, reject });
        });

        this.packet({ type: EVENT, nsp, id, data: [event, payload] });

        const [reply] = await tap.within(5000, promise, `ack of "${event}"`);

        ok(reply.success, `${event} in ${nsp}: ${JSON.stringify(reply)}`);

        return reply.data;
    }

    /*
     * Connects as "user" with what is "from" before; to whether that has been
     * recovered.  The greeting is read.
     */
    async enter({ nsp = '/', from = {}, auth = {}, user = null, claims }) {
        const { pid, offset } = from;

        if (user !== null && !auth.token) {
            auth.token = tokens.sign({ userId: user, ...claims });
        }

        this.user = user;
        this.packet({ type: CONNECT, nsp, data: { pid, offset, ...auth } });

        const { type, data } = await this.reply(nsp);

        is(type, CONNECT, `type of the answer (${JSON.stringify(data)})`);
        isDeeply(Object.keys(data), ['sid', 'pid'], 'members of CONNECT');
        like(data.pid, /^[\w-]{20}$/, 'pid');

        this.sids[nsp] = this.id = data.sid;

        return this.greeted(nsp, data, from);
    }

    async greeted(nsp, data, from) {
        const { recovered, ...hello } = await this.heard(nsp, 'connected');
        const same = data.pid === from.pid;

        is(hello.socketId, data.sid, 'socketId');
        is(recovered, same ? true : undefined, 'connected.recovered');

        if (from.sid) {
            is(data.sid === from.sid, same, 'the same id with the same pid');
        }

        if (this.user !== null) {
            const who = await this.heard(nsp, 'authenticated');

            is(who.userId, this.user, 'userId');
            is(who.recovered, recovered, 'authenticated.recovered');
            this.rooms = who.rooms;
        }

        this.recovered = same;

        return same;
    }
}


/* a connection without a namespace; "on" says which worker's pid will do */
async function dial(server, { on = () => true, ...options } = {}) {
    for (let i = 0; i < 64; i++) {
        const s = await Lasting.open(server, { ...options, nsp: null });

        if (on(s.worker)) {
            tap.cleanup(() => s.leave());
            return s;
        }

        await s.client.close();
    }

    return tap.fail('the kernel gives every connection to one worker');
}


/*
 * A socket, connected and greeted.  Options: user, claims, auth, nsp; from:
 * what a socket before it had; on, transport and all others of eio.js.
 */
async function come(server, options = {}) {
    const s = await dial(server, options);

    await s.enter(options);

    return s;
}


/*
 * Another connection of whoever "s" was, which listens no more; fails unless it
 * is recovered.
 */
async function back(server, s, options = {}) {
    const { nsp = '/' } = options;

    const who = {
        user: s.user, transport: s.client.transport,
        path: s.client.options.path, ...options
    };

    const t = await dial(server, who);

    s.handle = () => {};
    await t.enter({ from: s.states[nsp], ...who });
    ok(t.recovered, 'recovered');

    return t;
}


/* another worker than that of "s", if there is any */
function elsewhere(server, s) {
    return server.opts.workers === 1 ? () => true
                                     : (worker) => worker !== s.worker;
}


/* ways of losing a connection that the server notices at once */
const CUTS = {

    websocket: {
        'a reset': (s) => {
            s.client.ws.socket.resetAndDestroy();
            s.client.end('reset');
        },

        'an end': (s) => s.destroy(),

        'a close frame': async (s) => {
            s.client.ws.close(1000);
            await s.client.ws.waitClose();
        },

        'a close packet': async (s) => {
            s.client.packet('1');
            await s.client.ws.waitClose();
        }
    },

    polling: {
        'a close packet': (s) => s.client.close()
    }
};


/* one of them, until the server has noticed; nobody else comes or goes */
async function cut(server, s, how) {
    const { sessions } = await server.metrics();
    const ways = CUTS[s.client.transport];

    await (how ? ways[how] : Object.values(ways)[0])(s);
    await connected(server, sessions.total - 1);
}


/* until there are so many sessions with a client */
function connected(server, n) {
    return tap.until(10000, async () => {
        return (await server.metrics()).sessions.total === n;

    }, `${n} clients are connected`);
}


function words(word, n, first = 0) {
    return Array.from({ length: n }, (_, i) => `${word} ${first + i}`);
}


/* messages, sent one after the other and accepted */
async function say(s, roomName, contents) {
    await Promise.all(contents.map((content) => {
        return done(s, 'message:send', { roomName, content });
    }));
}


/* the messages of a room that "s" got */
function heard(s, roomName) {
    return s.log.filter((e) => e.event === 'message:new'
                               && e.args[0].roomName === roomName)
            .map((e) => e.args[0].content);
}


/* until "s" has got all that was for it so far */
async function settled(s) {
    await done(s, 'pong', { timestamp: Date.now() });
}


/*
 * What those who come back are told, in order: what they missed, then CONNECT,
 * as the reference has it; but if that is more than a segment holds, CONNECT
 * first, because the official client keeps what comes before it, and keeps it
 * when the connection breaks, too.
 */
function isReplay(s, events, { large = false } = {}) {
    const order = [...(large ? ['CONNECT', ...events] : [...events, 'CONNECT']),
                   'connected', ...(s.user === null ? [] : ['authenticated'])];

    isDeeply(told(s).slice(0, order.length), order, 'events after a return');
}


/* the trace without what may come at any time: presence is told later */
function told(s) {
    return s.trace.filter((name) => name !== 'presence:changed');
}


/* two users on two workers, in one room; alice has the options */
async function pair(server, options) {
    const roomName = unique('room');
    const bob = await come(server, { user: unique('bob') });

    const alice = await come(server, {
        user: unique('alice'), on: elsewhere(server, bob), ...options
    });

    await join(bob, roomName);
    await join(alice, roomName);

    return { alice, bob, roomName };
}


/* comes with what is "from" another one, and is not let */
async function fresh(server, options) {
    const s = await come(server, options);

    ok(!s.recovered, 'not recovered');

    return s;
}


/* until "s" has n messages of the room */
function has(s, roomName, n) {
    return tap.until(10000, () => heard(s, roomName).length >= n,
                     () => `${n} messages, not ${heard(s, roomName).length}`);
}


/* the sockets of somebody, one after the other, have all "contents" */
async function complete(roomName, contents, ...sockets) {
    const earlier = sockets.slice(0, -1).map((s) => heard(s, roomName)).flat();
    const last = sockets[sockets.length - 1];

    await has(last, roomName, contents.length - earlier.length);
    await settled(last);

    isDeeply([...earlier, ...heard(last, roomName)], contents, 'messages');
}


/* lines of the error log that say more than "info" */
function serious(server) {
    return server.errorLog().split('\n').filter((line) => {
        return /\[(warn|error|crit|alert|emerg)\]/.test(line)
               && !server.allowed.some((a) => a.test(line));
    });
}


/* a chat server whose sockets may be recovered */
function serve(opts) {
    return fixture.start('chat', {
        ...BEAT, recovery: true, ...opts,
        directives: opts.directives,
        server: `${DIRECTIVES} ${opts.server || ''}`
    });
}


function location(path, directives) {
    return `location ${path} { realtime on; ${LIMITS} ${directives} }\n`;
}


/* "fn" with a server of each layout, one after the other */
async function everyLayout(opts, fn) {
    for (const layout of LAYOUTS) {
        await tap.group(layout.name, async () => {
            const server = await serve({ ...opts, ...layout });

            await fn(server);
            await server.stop();
        });
    }
}


/* ends the file unless there is recovery to test */
function required() {
    if (fixture.reference) {
        tap.skipAll('nginx only');
    }

    if (!nginx.knows('realtime_recovery')) {
        tap.missing(`no recovery in ${fs.realpathSync(nginx.MODULE)}`);
    }
}


/* a test that begins when all of the one before have gone */
function test(server, name, fn, opts) {
    return tap.test(name, async () => {
        await empty(server);
        await fn();
    }, { timeout: 30000, ...opts });
}


module.exports = {
    CUTS, Lasting, back, come, complete, connected, cut, dial, elsewhere,
    everyLayout, fresh, has, heard, isReplay, location, pair, required, say,
    serious, serve, settled, test, told, words
};
