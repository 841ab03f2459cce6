'use strict';

/*
 * stock.js: a Socket.IO client that connects again as socket.io-client does,
 * only faster, showing the pid and the offset that it knows.
 *
 * "on" has up({ fresh }), event(name, arg), heard(), down() and refused(why),
 * after which it does not try again; and fresh() before anything of a new
 * session is delivered.  Events that come before CONNECT are delivered just
 * before up(), and forgotten if the connection breaks in between: they come
 * again.
 */

const { Engine } = require('./engine');

/* the delay before it tries again, ms, and how much of it is by chance */
const DELAY = 100;
const LONGEST = 500;
const JITTER = 0.5;


class Stock {

    /* "hows" are the ways of engine.js to choose from each time */
    constructor({ port, path, token, hows }, random, on) {
        this.port = port;
        this.path = path;
        this.token = token;
        this.hows = hows;
        this.random = random;
        this.on = on;
        this.up = false;
        this.done = false;
        this.attempts = 0;
        this.next = 0;
        this.acks = new Map();
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
        const { pid, offset, token } = this;

        this.attempts = 0;
        this.engine.send(`0${JSON.stringify({ pid, offset, token })}`);
    }

    message(text) {
        switch (text[0]) {

        case '0':
            this.connected(JSON.parse(text.slice(1)));
            break;

        case '2': {
            const args = JSON.parse(text.slice(1));

            this.up ? this.deliver(args) : this.buffer.push(args);
            break;
        }

        case '3': {
            const at = text.indexOf('[');
            const id = Number(text.slice(1, at));
            const done = this.acks.get(id);

            if (!done) {
                this.refused(`an ack that nobody waits for: ${text}`);
                return;
            }

            this.acks.delete(id);
            done(JSON.parse(text.slice(at))[0]);
            break;
        }

        default:
            this.refused(text);
        }
    }

    connected({ pid }) {
        const fresh = this.pid === undefined || this.pid !== pid;

        this.pid = pid;
        this.up = true;

        if (fresh) {
            this.offset = undefined;
            this.on.fresh();
        }

        this.buffer.splice(0).forEach((args) => this.deliver(args));
        this.on.up({ fresh });
    }

    deliver(args) {
        const last = args[args.length - 1];

        this.on.event(args[0], args[1]);

        if (this.pid && typeof last === 'string') {
            this.offset = last;
        }
    }

    refused(why) {
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

    /* only while it is up */
    emit(event, arg, done) {
        let id = '';

        if (done) {
            id = this.next++;
            this.acks.set(id, done);
        }

        this.engine.send(`2${id}${JSON.stringify([event, arg])}`);
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


module.exports = { Stock };
