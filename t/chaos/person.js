'use strict';

/*
 * person.js: somebody in a few rooms, who writes down what comes, and may be
 * one of those who send.
 *
 * A sender numbers its messages, in each room by itself, and sends one at a
 * time.  When it is not told that a message was taken, it waits until it is
 * there again: if the message is among what it missed all is well, else it is
 * sent again.  When it has to begin anew it cannot know, and goes on with the
 * next number.
 *
 * It comes into the rooms that it visits, and leaves them, when it is told; what
 * it sees there begins with nothing, since it was not there from the beginning.
 */

const { Raw } = require('./raw');
const { Real } = require('./real');

/* what is told of others */
const GOSSIP = {
    'user:joined': (p) => [p.userId, p.roomName],
    'user:left': (p) => [p.userId, p.roomName],
    'presence:changed': (p) => [p.userId, p.status]
};


class Person {

    static async open(spec, random, book) {
        const p = new Person(spec, random, book);

        const on = {
            up: (how) => p.up(how), down: () => { p.greeted = false; },
            fresh: () => p.begin(), heard: () => p.heard(),
            event: (name, arg) => p.event(name, arg),
            refused: (why) => p.troubles.push(`${spec.id} is refused: ${why}`)
        };

        p.link = spec.real ? await Real.open(spec, random, on)
                           : new Raw(spec, random, on);
        p.link.connect();

        return p;
    }

    constructor(spec, random, book) {
        this.spec = spec;
        this.random = random;
        this.book = book;
        this.pieces = new Map([
            ...spec.rooms.map((r) => [r, []]),
            ...spec.visits.map((r) => [r, [[]]])
        ]);
        this.inside = new Set();
        this.visiting = new Set();
        this.moving = null;
        this.gossip = [];
        this.troubles = [];
        this.gaps = [];
        this.recoveries = 0;
        this.fresh = 0;
        this.resent = 0;
        this.first = true;
        this.greeted = false;
        this.last = Date.now();
        this.numbers = new Map(spec.rooms.map((r) => [r, 0]));
        this.acked = [];
        this.unsure = [];
        this.pending = null;
        this.turn = 0;
    }

    /* all is as it should be: connected, in its rooms, nothing owed */
    get settled() {
        return this.link.up && this.greeted
               && this.inside.size === this.spec.rooms.length
               && this.pending === null && !this.moving;
    }

    /* what comes before CONNECT is not delivered yet */
    heard() {
        if (this.link.up) {
            this.last = Date.now();
        }
    }

    /* a new session: whatever comes now begins a piece */
    begin() {
        this.pieces.forEach((list) => list.push([]));
        this.inside.clear();
        this.visiting.clear();
        this.moving = null;
    }

    up({ fresh }) {
        const { rooms } = this.spec;

        if (!this.first) {
            this.gaps.push([Date.now() - this.last, this.cause || 'server']);
            fresh ? this.fresh++ : this.recoveries++;
        }

        this.first = false;
        this.anew = fresh;
        this.cause = null;
        this.heard();

        rooms.filter((r) => !this.inside.has(r)).forEach((r) => this.join(r));

        /* it was not told whether it is there, or not any more: it is now */

        if (this.moving) {
            this.visit(this.moving, true);
        }
    }

    /* all that was missed has come */
    greeting({ recovered = false }) {
        if (recovered === this.anew) {
            this.troubles.push(`${this.spec.id}: recovered is ${recovered}`);
        }

        this.greeted = true;

        if (this.pending) {
            this.resume(this.anew);
        }
    }

    join(roomName) {
        this.link.emit('room:join', { roomName }, ({ success, error }) => {
            if (success) {
                this.inside.add(roomName);
                this.retry();
            } else {
                this.troubles.push(`${this.spec.id}: ${error.code}`);
            }
        });
    }

    event(name, arg) {
        if (name === 'message:new') {
            this.message(arg);

        } else if (name === 'connected') {
            this.greeting(arg);

        } else if (GOSSIP[name]) {
            this.gossip.push([name, ...GOSSIP[name](arg)]);

        } else if (name === 'error') {
            this.troubles.push(`${this.spec.id}: ${JSON.stringify(arg)}`);
        }
    }

    message({ id, roomName, content }) {
        const { pending, spec } = this;
        const lists = this.pieces.get(roomName);

        if (spec.visits.includes(roomName) && !this.visiting.has(roomName)) {
            this.troubles.push(`${spec.id} is not in ${roomName}: ${content}`);
        }

        lists[lists.length - 1].push(this.book.note(id, roomName, content));

        if (pending && pending.roomName === roomName
            && pending.content === content)
        {
            pending.seen = true;
        }
    }

    isIn(roomName) {
        return this.inside.has(roomName) || this.visiting.has(roomName);
    }

    saw(roomName, id) {
        const n = this.book.index.get(id);

        return this.pieces.get(roomName).some((list) => list.includes(n));
    }

    /* sending */

    /* the next message, unless there is one that is not done with */
    say() {
        const { rooms, id } = this.spec;

        if (!this.settled) {
            return false;
        }

        const roomName = rooms[this.turn++ % rooms.length];
        const number = this.numbers.get(roomName);

        this.numbers.set(roomName, number + 1);
        this.pending = { roomName, content: `${id}:${number}`, seen: false };
        this.send();

        return true;
    }

    send() {
        const { pending } = this;
        const { roomName, content } = pending;
        const metadata = this.spec.bulk ? { pad: 'x'.repeat(this.spec.bulk) }
                                        : undefined;

        this.link.emit('message:send', { roomName, content, metadata },
            ({ success, data, error }) => {
                if (!success) {
                    this.troubles.push(`${content}: ${error.code}`);
                } else {
                    this.acked.push([roomName, data.id]);
                }

                this.pending = null;
            });
    }

    /* connected again while nobody had said whether the message was taken */
    resume(fresh) {
        const { roomName, content, seen } = this.pending;

        if (!fresh && !seen) {
            this.resent++;
            this.pending.again = true;
            this.retry();
            return;
        }

        if (!seen) {
            this.unsure.push([roomName, content]);
        }

        this.pending = null;
    }

    /* once it is back in all rooms */
    retry() {
        const { pending, greeted, inside, spec } = this;

        if (pending && pending.again && greeted
            && inside.size === spec.rooms.length)
        {
            pending.again = false;
            this.send();
        }
    }

    /* comes into a room that it visits, or leaves it */
    move() {
        const roomName = this.random.pick(this.spec.visits);

        if (this.settled) {
            this.visit(roomName, !this.visiting.has(roomName));
        }
    }

    visit(roomName, come) {
        this.moving = roomName;

        if (come) {
            this.pieces.get(roomName).push([]);
            this.visiting.add(roomName);
        }

        this.link.emit(come ? 'room:join' : 'room:leave', { roomName },
            ({ success, error }) => {
                this.moving = null;

                if (!success) {
                    this.troubles.push(`${this.spec.id}: ${error.code}`);
                }

                if (!come || !success) {
                    this.visiting.delete(roomName);
                }
            });
    }

    /* what is done to it */

    cut(kind) {
        const done = this.link.cut(kind);

        this.cause = done ? kind : this.cause;

        return done;
    }

    stall(ms) {
        const done = this.link.stall(ms);

        this.cause = done ? 'stall' : this.cause;

        return done;
    }

    report() {
        const { spec, gossip, troubles, gaps, recoveries, fresh } = this;
        const { rooms } = spec;

        return {
            id: spec.id, gossip, troubles, gaps, recoveries, fresh,
            pieces: [...this.pieces].map(([name, lists]) => {
                return [name, lists,
                        !rooms.includes(name) && !this.visiting.has(name)];
            }),
            acked: this.acked, unsure: this.unsure,
            resent: this.resent, again: this.link.again || 0
        };
    }
}


module.exports = { Person };
