'use strict';

/*
 * crowd.js: a process of many clients, who do what the program says and keep a
 * book of what the database is to know.
 *
 * People are numbered; what somebody does follows from the number.
 */

const { done, rejected } = require('../lib/people');
const recovery = require('../lib/recovery');
const tap = require('../lib/tap');

const { come } = recovery;

const AT_ONCE = 20;

const AGENTS = [
    ['Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like'
     + ' Gecko) Chrome/120.0.0.0 Safari/537.36',
     { type: 'desktop', os: 'Windows', browser: 'Chrome' }],

    ['Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1'
     + ' (KHTML, like Gecko) Version/17.1 Mobile/15E148 Safari/604.1',
     { type: 'mobile', os: 'iOS', browser: 'Safari' }],

    ['Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0',
     { type: 'desktop', os: 'Linux', browser: 'Firefox' }],

    ['Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like'
     + ' Gecko) Chrome/120.0.0.0 Mobile Safari/537.36',
     { type: 'mobile', os: 'Android', browser: 'Chrome' }],

    ['node-XMLHttpRequest', { type: 'server', os: null, browser: null }],
    ['"\\\\\'{}; DROP TABLE', { type: null, os: null, browser: null }],
    [null, { type: null, os: null, browser: null }]
];

/* what is said; what SQL and JSON have words for comes back as it is */
const WORDS = [
    'hello', '"quoted" \\ and {braces}, (more)', "'; DROP TABLE x;--", 'é🎉',
    'a\nb\tc', 'a\u0000b', '\ud800 alone', '<b>bold</b><script>x</script>',
    'NULL', '{}', '\\u0041', '$1'
];

const STATUSES = ['online', 'away', 'busy'];

/* [metadata.client_timestamp, what the log has of it] */
const TIMES = [
    [undefined, undefined],
    ['2026-01-02T03:04:05.678Z', '2026-01-02T03:04:05.678Z'],
    [1767323045678, '2026-01-02T03:04:05.678Z'],
    ['2026-01-02T03:04:05+01:30', '2026-01-02T03:04:05+01:30'],
    ['2026-02-30T03:04:05Z', undefined],
    ['yesterday', undefined],
    [{ at: 1 }, undefined],
    [-5, undefined]
];

/* a session says that it ends */
function finish(s) {
    return recovery.CUTS[s.client.transport]['a close packet'](s);
}


/* ways to go, and what the table says of it */
const WAYS = {

    /* a DISCONNECT in every namespace that it is in */
    says: {
        reason: 'client namespace disconnect',
        go: async (s) => {
            await s.leave();
            await finish(s);
        }
    },

    frame: {
        reason: 'transport close', only: 'websocket',
        go: (s) => recovery.CUTS.websocket['a close frame'](s)
    },

    packet: { reason: 'transport close', go: finish },

    reset: {
        reason: 'transport error', only: 'websocket',
        go: (s) => recovery.CUTS.websocket['a reset'](s)
    },

    silence: {
        reason: 'ping timeout', only: 'websocket',
        go: (s) => {
            s.client.answerPings = false;
            clearTimeout(s.client.watchdog);
        }
    },

    nonsense: {
        reason: 'parse error', only: 'websocket',
        go: async (s) => {
            s.client.packet('4nonsense');
            await s.client.closed;
        }
    }
};

const NAMES = Object.keys(WAYS);

/* one in so many has a token whose time comes, in s; many are slow to come */
const EXPIRES = 8;
const EXPIRE = 2 * (Number(process.env.REALTIME_PATIENCE) || 1);


/* as PostgreSQL has it: NUL and what is half of a character are none */
function stored(text) {
    return text.toWellFormed().replaceAll('\0', '\ufffd');
}


class Person {

    constructor(i, server, book) {
        this.i = i;
        this.server = server;
        this.book = book;

        /* public ones, one of each type, and a private one */
        this.rooms = [['hall', 5], ['group', 3], ['staff', 2]].map(
            ([name, n]) => `${name}-${i % (n * server.spread)}`);

        this.user = i % 6 === 5 ? null : `user-${i}-é"\\`;
        this.nsp = i % 5 === 4 ? '/other' : '/';
        this.sockets = [];
        this.inside = new Map();
    }

    /* 1 to 3 connections of a user, the third one in another namespace, too */
    get connections() {
        return this.user === null ? 1 : 1 + this.i % 3;
    }

    /* private rooms are for those whose tokens name them */
    get claims() {
        return { rooms: [...this.rooms, 'elsewhere'] };
    }

    note(type, room = null, user = this.user) {
        this.book.events.push([type, user, room]);
    }

    async open() {
        if (this.i % 20 === 0) {
            await rejected(this.server, { auth: { token: 'none' } });
            this.note('connection_error', null, null);
        }

        for (let k = 0; k < this.connections; k++) {
            await this.connect(k);
        }

        const rooms = this.rooms.slice(0, this.user === null ? 2 : 3);

        for (const [k, s] of this.sockets.entries()) {
            for (const room of rooms) {
                if (k === 0 || this.i % 2) {
                    await this.join(s, room);
                }
            }
        }
    }

    async connect(k, more = {}, reason = null) {
        const j = this.i * 3 + k;
        const [agent, device] = AGENTS[j % AGENTS.length];
        const transport = j % 4 === 3 ? 'polling' : 'websocket';
        let way = NAMES[j % NAMES.length];

        if (WAYS[way].only && WAYS[way].only !== transport) {
            way = 'says';
        }

        const s = await come(this.server, {
            user: this.user, claims: { ...this.claims, ...more },
            nsp: this.nsp, transport, headers: { 'User-Agent': agent }
        });

        s.nsp = this.nsp;
        s.way = way;
        this.sockets.push(s);
        this.note('connect');
        this.note('disconnect');
        this.book.connections.push({
            id: s.id, user: this.user, nsp: this.nsp, device,
            reason: reason || WAYS[way].reason
        });

        return s;
    }

    /* another one, whose token has its time soon */
    async expire() {
        const exp = Math.floor(Date.now() / 1000) + EXPIRE;

        const s = await this.connect(this.connections, { exp },
                                     'server namespace disconnect');

        await s.reply(s.nsp, 30000);
        await finish(s);
        this.note('error');
        this.sockets.pop();
    }

    /* asks, and is answered */
    async ask(s, event, payload) {
        const id = s.nextId++;

        const promise = new Promise((resolve, reject) => {
            s.acks.set(id, { resolve, reject });
        });

        s.packet({ type: 2, nsp: s.nsp, id, data: [event, payload] });

        const [reply] = await tap.within(20000, promise, `ack of ${event}`);

        return reply;
    }

    async must(s, event, payload) {
        const reply = await this.ask(s, event, payload);

        tap.ok(reply.success, `${event}: ${JSON.stringify(reply)}`);

        return reply.data;
    }

    async join(s, roomName) {
        const from = Date.now();

        await this.must(s, 'room:join', { roomName });
        this.note('room:join', roomName);

        if (this.nsp !== '/') {
            return;
        }

        this.book.rooms.push(roomName);

        if (this.user === null) {
            return;
        }

        const set = this.inside.get(roomName) || new Set();

        this.inside.set(roomName, set);

        if (set.size === 0) {
            this.book.stays.push({
                user: this.user, roomName, from, entered: Date.now(), left: null
            });
        }

        set.add(s);
    }

    /* the last one of the user's who leaves ends the stay */
    left(s, roomName, from, until) {
        const set = this.inside.get(roomName);

        if (set && set.delete(s) && set.size === 0) {
            const stay = this.book.stays.findLast((r) => {
                return r.user === this.user && r.roomName === roomName;
            });

            stay.left = [from, until];
        }
    }

    async leave(s, roomName) {
        const from = Date.now();

        await this.must(s, 'room:leave', { roomName });
        this.note('room:leave', roomName);
        this.left(s, roomName, from, Date.now());
    }

    async say(s, roomName, n) {
        const text = `${this.i} ${n} ${WORDS[(this.i + n) % WORDS.length]}`;
        const [at, when] = TIMES[(this.i + n) % TIMES.length];
        const hidden = roomName.startsWith('staff-') && !this.book.contents;

        const data = await this.must(s, 'message:send', {
            roomName, content: text,
            ...(at === undefined ? {} : { metadata: { client_timestamp: at } })
        });

        this.book.messages.push({
            id: data.id, at: data.timestamp, user: this.user, roomName,
            content: hidden ? null : stored(text.replace(
                '<b>bold</b><script>x</script>', '<b>bold</b>')),
            when: when === undefined ? null : when,
            hidden: roomName.startsWith('staff-')
        });
    }

    async error(s, code, event, payload) {
        const { success, error } = await this.ask(s, event, payload);

        tap.is(success, false, `success of ${event}`);
        tap.is(error.code, code, 'code');
        this.note('error');
        this.book.errors.push([code, this.user]);
    }

    async talk() {
        const { sockets, i } = this;
        const rooms = this.rooms.slice(0, this.user === null ? 2 : 3);

        for (const [n, roomName] of [...rooms, ...rooms].entries()) {
            await this.say(sockets[0], roomName, n);
        }

        await this.error(sockets[0], 'NOT_IN_ROOM', 'message:send',
                         { roomName: 'elsewhere', content: 'x' });
        await this.error(sockets[0], 'UNKNOWN_EVENT', 'no:such', {});
        await this.error(sockets[0], 'VALIDATION_ERROR', 'message:send',
                         { roomName: rooms[0], content: '' });

        /* it leaves, and comes back; with others of the user's in it, or not */
        for (let n = 0; n < i % 4; n++) {
            await this.leave(sockets[0], rooms[0]);
            await this.join(sockets[0], rooms[0]);
        }

        if (i % 7 === 0) {
            for (const s of sockets.filter((t) => {
                return t === sockets[0] || i % 2;
            })) {
                await this.leave(s, rooms[1]);
            }
        }

        if (this.user !== null) {
            await this.state(sockets[0], rooms[0]);
        }

        /* whoever leaves types no more */
        if (i % 14 === 0) {
            await this.leave(sockets[0], rooms[0]);
            await this.join(sockets[0], rooms[0]);

            this.book.typing = this.book.typing.filter(([, user]) => {
                return user !== this.user;
            });
        }
    }

    async state(s, roomName) {
        const { i } = this;

        if (i % 3) {
            for (const n of [1, 0]) {
                const status = STATUSES[(i + n) % STATUSES.length];

                const customStatus = i % 2
                    ? { text: WORDS[i % 6], emoji: '🎉' } : undefined;

                await this.must(s, 'presence:update', { status, customStatus });
                this.note('presence:update');
                this.status = status;
                this.custom = customStatus || null;
            }
        }

        for (const threadId of [undefined, 'a thread']) {
            await this.must(s, 'typing:start', { roomName, threadId });
            this.note('typing:start', roomName);

            if (i % 2) {
                await this.must(s, 'typing:stop', { roomName, threadId });
                this.note('typing:stop', roomName);

            } else if (this.nsp === '/') {
                this.book.typing.push([roomName, this.user, threadId || null]);
            }
        }
    }

    /* what the table has of the user, who is "here" or not */
    presence() {
        if (this.user === null || this.nsp !== '/') {
            return null;
        }

        const { text, emoji } = this.custom || {};

        return {
            user: this.user, status: this.status || 'online',
            custom: text === undefined ? null : { text: stored(text), emoji }
        };
    }

    /* who can lose a connection and get it back */
    async lose() {
        for (const s of this.sockets) {
            if ((this.i + this.sockets.indexOf(s)) % 3 === 0) {
                await finish(s);
                s.away = true;
            }
        }
    }

    async return() {
        for (const [k, s] of this.sockets.entries()) {
            if (s.away) {
                const t = await recovery.back(this.server, s, {
                    nsp: this.nsp, claims: this.claims
                });

                t.nsp = s.nsp;
                t.way = s.way;
                this.sockets[k] = t;

                for (const set of this.inside.values()) {
                    if (set.delete(s)) {
                        set.add(t);
                    }
                }
            }
        }
    }

    async end() {
        if (this.user !== null && this.i % EXPIRES === 0) {
            await this.expire();
        }

        const from = Date.now();

        await Promise.all(this.sockets.map((s) => WAYS[s.way].go(s)));

        for (const s of this.sockets) {
            for (const room of this.inside.keys()) {
                this.left(s, room, from, Infinity);
            }
        }
    }
}


class Crowd {

    constructor({ first, n, port, path, workers, contents, spread }) {
        this.server = { port, path, spread, opts: { workers } };

        this.book = {
            contents, connections: [], rooms: [], stays: [], events: [],
            messages: [], errors: [], typing: []
        };

        this.people = Array.from({ length: n }, (_, i) => {
            return new Person(first + i, this.server, this.book);
        });
    }

    async all(what) {
        const list = [...this.people];

        await Promise.all(Array.from({ length: AT_ONCE }, async () => {
            while (list.length) {
                await list.shift()[what]();
            }
        }));

        return {
            ...this.book,
            presence: this.people.map((p) => p.presence()).filter(Boolean)
        };
    }
}


if (require.main === module) {
    let crowd;

    process.on('message', async ({ what, options }) => {
        try {
            crowd = crowd || new Crowd(options);
            process.send({ book: await crowd.all(what) });

        } catch (e) {
            process.send({ error: e.stack });
        }
    });

    process.on('disconnect', () => process.exit());
}
