'use strict';

/*
 * raw.js: a Socket.IO client that connects again as socket.io-client does,
 * only faster, showing the pid and the offset that it knows.
 *
 * "on" has up({ fresh }), event(name, arg), heard(), down() and refused(why),
 * after which it does not try again; and fresh() before anything of a new
 * session is delivered.  Events that come before CONNECT are delivered just
 * before up(), and forgotten if the connection breaks in between: they come
 * again.
 */

const { Engine } = require('../lib/engine');
const { Stock } = require('../lib/stock');

/* the delay before it tries again, ms, and how much of it is by chance */
const DELAY = 100;
const LONGEST = 500;
const JITTER = 0.5;


class Raw extends Stock {

    /* "hows" are the ways of engine.js to choose from each time */
    constructor({ port, path, token, hows }, random, on) {
        super();
        this.port = port;
        this.path = path;
        this.token = token;
        this.hows = hows;
        this.random = random;
        this.on = on;
        this.done = false;
        this.attempts = 0;
    }

    connect() {
        if (this.done) {
            return;
        }

        this.buffer = [];
        this.engine = new Engine({
            port: this.port, path: this.path, how: this.random.pick(this.hows),
            single: this.random.below(2) === 0
        }, {
            open: () => this.opened(),
            message: (text) => this.message(text),
            heard: () => this.on.heard(),
            down: (why) => this.down(why)
        });
    }

    opened() {
        this.attempts = 0;
        this.enter(this.token);
    }

    connected({ pid }) {
        const fresh = this.pid === undefined || this.pid !== pid;

        this.pid = pid;
        this.up = true;

        if (fresh) {
            this.offset = undefined;
            this.on.fresh();
        }

        this.unbuffer();
        this.on.up({ fresh });
    }

    deliver(args) {
        const last = args[args.length - 1];

        this.on.event(args[0], args[1]);

        if (this.pid && typeof last === 'string') {
            this.offset = last;
        }
    }

    trouble(why) {
        this.done = true;
        this.engine.destroy();
        this.on.refused(why);
    }

    down(why) {
        const was = this.up;

        this.up = false;
        this.acks.clear();

        if (was) {
            this.on.down();
        }

        if (!this.done) {
            const ms = Math.min(LONGEST, DELAY * 2 ** this.attempts++);

            setTimeout(() => this.connect(),
                       ms * this.random.between(1 - JITTER, 1 + JITTER));
        }
    }

    /*
     * "reset", "silence": noticed by nobody before the time is over, "half":
     * by the client only, "switch": closed on purpose.  Resolves to whether it
     * could be done.
     */
    cut(kind) {
        const { engine } = this;

        if (!engine || engine.over) {
            return false;
        }

        if (kind === 'silence') {
            if (!engine.patience) {
                return false;
            }

            engine.aside();
            setTimeout(() => this.down(kind), engine.patience);
            return true;
        }

        engine[{ reset: 'reset', half: 'aside', switch: 'close' }[kind]]();
        this.down(kind);

        return true;
    }

    stall(ms) {
        return this.engine ? this.engine.stall(ms) : false;
    }

    /* says good-bye */
    leave() {
        this.done = true;

        if (this.up) {
            this.engine.send('1');
            setTimeout(() => this.engine.close(), 500);
        }

        this.up = false;
    }

    /* goes without a word */
    vanish() {
        const { engine } = this;

        this.done = true;
        this.up = false;
        engine[this.random.below(2) ? 'aside' : 'reset']();
    }
}


module.exports = { Raw };
