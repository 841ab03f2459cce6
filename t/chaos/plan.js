'use strict';

/*
 * plan.js: who there is, and where: the same for the same seed.
 *
 * Everybody is in ROOMS_EACH rooms at random.  Every other one has a token;
 * every tenth of those has two connections.  Some will go for good, without a
 * word.  A few more are in a room where a lot is said, and so have much waiting
 * for them when they do not read; observers are in all rooms.
 *
 * Hosts, if there are several, are taken in turn, so that who has two
 * connections has them at two.  Movers come into a room more and leave it,
 * again and again.
 */

const { Random } = require('../lib/random');
const { sign } = require('../lib/tokens');

const ROOMS_EACH = 3;

/* who goes for good: one with two connections, one without a name, and so on */
const LEAVERS = 60;
const LEAVES = [7, 12, 37, 40];

/* what is said in that room, bytes, and how often, ms */
const BULK = 16000;
const BULK_EVERY = 100;

/* each sender's, ms */
const EVERY = 250;

/* the ways of raw clients, and the transports of real ones */
const HOWS = [
    ['polling'], ['websocket'], ['polling', 'websocket', 'upgrade'],
    ['upgrade', 'upgrade', 'websocket', 'polling']
];

const TRANSPORTS = [['polling', 'websocket'], ['polling'], ['websocket']];


class Plan {

    constructor({ seed, raw, real, rooms, senders, every = EVERY, movers = 0,
                  observers = 0, bulk = 0, hosts = 1, prefix = 'room' })
    {
        this.random = new Random(seed);
        this.hosts = hosts;
        this.people = [];
        this.rooms = Array.from({ length: rooms }, (_, i) => `${prefix}-${i}`);

        for (let i = 0; i < raw; i++) {
            this.add({ hows: HOWS[i % HOWS.length] });
        }

        for (let i = 0; i < real; i++) {
            this.add({
                real: true, transports: TRANSPORTS[i % TRANSPORTS.length]
            });
        }

        this.senders(senders, every);
        this.movers(movers);

        if (bulk) {
            this.bulk(bulk);
        }

        for (let i = 0; i < observers; i++) {
            this.one({
                hows: HOWS[2], rooms: this.rooms, observer: true,
                userId: `observer-${i}`
            });
        }
    }

    bulk(n) {
        for (let i = 0; i < n; i++) {
            this.one({
                hows: HOWS[1 + i % 3], rooms: ['bulk', this.rooms[0]],
                slow: true
            });
        }

        this.one({
            hows: HOWS[3], rooms: ['bulk'], bulk: BULK, every: BULK_EVERY
        });

        this.rooms.push('bulk');
    }

    one(spec) {
        const id = this.people.length;
        const { userId } = spec;

        this.people.push({
            id, every: 0, userId: null, leaver: false, visits: [],
            host: id % this.hosts,
            token: userId ? sign({ userId }) : undefined, ...spec
        });
    }

    add(spec) {
        const id = this.people.length;
        const before = this.people[id - 1];

        if (id % 20 === 1) {
            const { userId, rooms, leaver } = before;

            this.one({ ...spec, userId, rooms, leaver });
            return;
        }

        this.one({
            ...spec, userId: id % 2 ? null : `user-${id}`,
            leaver: LEAVES.includes(id % LEAVERS), rooms: this.some()
        });
    }

    some() {
        const rooms = new Set();

        while (rooms.size < ROOMS_EACH) {
            rooms.add(this.random.pick(this.rooms));
        }

        return [...rooms];
    }

    /* spread over all kinds of people, and over the rooms */
    senders(n, every) {
        const could = this.people.filter((p) => !p.leaver);

        for (let i = 0; i < n; i++) {
            const p = could[Math.floor(i * could.length / n)];
            const at = i * ROOMS_EACH;

            p.every = every;
            p.rooms = [0, 1, 2].map((k) => {
                return this.rooms[(at + k) % this.rooms.length];
            });

            could.filter((o) => o.userId && o.userId === p.userId)
                 .forEach((o) => { o.rooms = p.rooms; });
        }
    }

    /* those who have one connection, and do not send */
    movers(n) {
        const users = this.people.map((p) => p.userId);

        const could = this.people.filter(({ userId, every, leaver }) => {
            return !every && !leaver && (userId === null
                   || users.indexOf(userId) === users.lastIndexOf(userId));
        });

        for (let i = 0; i < n; i++) {
            const p = could[Math.floor(i * could.length / n)];

            p.visits = [this.random.pick(this.rooms.filter((r) => {
                return !p.rooms.includes(r);
            }))];
        }
    }

    /* those of each process, raw ones in "n" parts and real ones */
    crews(n) {
        const raw = this.people.filter((p) => !p.real);
        const parts = Array.from({ length: n }, (_, i) => {
            return raw.filter((p, k) => Math.floor(k * n / raw.length) === i);
        });

        return [...parts, this.people.filter((p) => p.real)];
    }
}


module.exports = { Plan };
