'use strict';

/*
 * crew.js: a process of many people; does what the program tells it.
 */

const { Book } = require('./book');
const { Person } = require('./person');
const { Random } = require('../lib/random');

const KINDS = { reset: 3, silence: 2, half: 3, switch: 2, stall: 2 };

/* how long somebody does not read, ms; those with much to read for longer */
const STALL = [300, 3000];
const LONG_STALL = [2000, 6000];

/* one in so many times it is one of those */
const SLOW = 8;

/* one in so many messages is the last that its sender's connection carries */
const RISK = 20;
const RISKS = ['reset', 'half', 'switch'];

const AT_ONCE = 20;


function sleep(ms) {
    return new Promise((resolve) => setTimeout(resolve, ms));
}


/* whether "check" came true within "ms" */
async function until(ms, check) {
    for (const end = Date.now() + ms; Date.now() < end; ) {
        if (check()) {
            return true;
        }

        await sleep(50);
    }

    return check();
}


class Crew {

    constructor({ seed, specs, scale }) {
        this.random = new Random(seed);
        this.specs = specs;
        this.scale = scale;
        this.book = new Book();
        this.people = [];
        this.cuts = {};
        this.running = false;
    }

    /* those who have not gone for good */
    get here() {
        return this.people.filter((p) => !p.link.done);
    }

    count(kind) {
        this.cuts[kind] = (this.cuts[kind] || 0) + 1;
    }

    /* whoever is not settled in time */
    async settle(ms) {
        const open = () => this.here.filter((p) => !p.settled);

        await until(ms * this.scale, () => open().length === 0);

        return open().map((p) => `${p.spec.id}: up ${p.link.up}, in `
            + `${p.inside.size} of ${p.spec.rooms.length} rooms, `
            + `pending ${JSON.stringify(p.pending)}, ${p.cause}`);
    }

    async open({ ms }) {
        for (const spec of this.specs) {
            const random = new Random(this.random.below(0x7fffffff));

            this.people.push(await Person.open(spec, random, this.book));

            await until(ms * this.scale, () => {
                return this.people.filter((p) => !p.settled).length < AT_ONCE;
            });
        }

        return this.settle(ms);
    }

    /*
     * "each": how long between two cuts of the same client, ms, 0: there are
     * none; "moves": between two moves of the same mover
     */
    storm({ seconds, each, moves = 0 }) {
        this.running = true;
        this.forget();

        this.people.filter((p) => p.spec.every).forEach((p) => this.talk(p, each));
        this.people.filter((p) => p.spec.leaver).forEach((p) => {
            this.vanish(p, seconds * 1000 * this.random.between(0.2, 0.9));
        });

        this.people.filter((p) => p.spec.visits.length && moves)
            .forEach((p) => this.wander(p, moves));

        if (each) {
            this.harm(each / this.people.length);
        }
    }

    async wander(p, ms) {
        for ( ;; ) {
            await sleep(ms * this.random.between(0, 2));

            if (!this.running) {
                return;
            }

            p.move();
        }
    }

    async talk(p, harm) {
        while (this.running) {
            const kind = this.random.pick(RISKS);

            if (p.say() && harm && !this.random.below(RISK) && p.cut(kind)) {
                this.count(kind);
            }

            await sleep(p.spec.every * this.random.between(0.5, 1.5));
        }
    }

    /* all connections of a user go together */
    async vanish(p, ms) {
        await sleep(ms);

        const { userId } = p.spec;
        const same = (o) => userId && o.spec.userId === userId;

        this.here.filter((o) => o === p || same(o)).forEach((o) => {
            o.link.vanish();
            this.count('vanish');
        });
    }

    /* somebody; "slow" are those who have much to read */
    victim() {
        const slow = this.here.filter((p) => p.spec.slow);

        return slow.length && !this.random.below(SLOW)
               ? this.random.pick(slow) : this.random.pick(this.here);
    }

    async harm(ms) {
        for ( ;; ) {
            await sleep(ms * this.random.between(0, 2));

            if (!this.running) {
                return;
            }

            const p = this.victim();
            const { slow } = p.spec;
            const kind = slow ? 'stall' : this.random.weighted(KINDS);

            const done = kind !== 'stall' ? p.cut(kind)
                : p.stall(this.random.between(...slow ? LONG_STALL : STALL));

            if (done) {
                this.count(kind);
            }
        }
    }

    async calm({ ms }) {
        this.running = false;

        return this.settle(ms);
    }

    /* one more message of each sender in each of its rooms: [room, id] */
    async words({ ms }) {
        const last = [];

        for (const p of this.here.filter((o) => o.spec.every)) {
            for (let i = 0; i < p.spec.rooms.length; i++) {
                p.say();
                await until(ms * this.scale, () => p.pending === null);
                last.push(p.acked[p.acked.length - 1]);
            }
        }

        return last;
    }

    /* who has not heard the last words */
    async heard({ ms, last }) {
        const all = () => this.here.filter((p) => last.some(([room, id]) => {
            return p.isIn(room) && !p.saw(room, id);
        }));

        await until(ms * this.scale, () => all().length === 0);

        return all().map((p) => `${p.spec.id}: up ${p.link.up}`);
    }

    report() {
        return {
            people: this.people.map((p) => p.report()), cuts: this.cuts,
            messages: this.book.list, wrong: this.book.wrong
        };
    }

    /* what was told so far is of no interest */
    forget() {
        this.people.forEach((p) => p.gossip.splice(0));
    }

    /* all go but the observers; a few of them without a word */
    go({ words }) {
        for (const p of this.here.filter((o) => !o.spec.observer)) {
            if (words || this.random.below(10)) {
                p.link.leave();
            } else {
                this.vanish(p, 0);
            }
        }
    }

    /* what the observers have heard */
    gossip() {
        return this.people.filter((p) => p.spec.observer)
                   .map((p) => ({ id: p.spec.id, gossip: p.gossip }));
    }

    end() {
        this.here.forEach((p) => p.link.leave());
    }
}


let crew;

process.on('message', async ({ id, name, args }) => {
    try {
        const result = name === 'start' ? void (crew = new Crew(args))
                                        : await crew[name](args);

        process.send({ id, result });

    } catch (e) {
        process.send({ id, error: e.stack });
    }
});

process.on('uncaughtException', (e) => process.send({ error: e.stack }));
process.on('unhandledRejection', (e) => process.send({ error: `${e.stack}` }));
process.on('disconnect', () => process.exit());
