'use strict';

/*
 * real.js: the official client, with the same face as that of raw.js.
 *
 * What it has received but not handed out when its engine closes, since it
 * decodes packets a little later, or CONNECT had not come, it hands out after the
 * next CONNECT.  But their offset did not count when it connected, so they come
 * again.  Those are counted, and told to nobody.
 */

const { io } = require('socket.io-client');
const { Forwarder } = require('./forwarder');

const DELAY = 100;
const LONGEST = 500;


class Real {

    static async open({ port, path, token, transports }, random, on) {
        const real = new Real(random, on);

        real.forwarder = await Forwarder.open(port);
        real.start(path, token, transports);

        return real;
    }

    constructor(random, on) {
        this.random = random;
        this.on = on;
        this.up = false;
        this.done = false;
        this.pid = undefined;
        this.kept = new Map();
        this.again = 0;
    }

    start(path, token, transports) {
        const s = io(`http://127.0.0.1:${this.forwarder.port}`, {
            path, transports, forceNew: true, autoConnect: false,
            auth: token ? { token } : {}, timeout: 5000,
            reconnectionDelay: DELAY, reconnectionDelayMax: LONGEST
        });

        this.socket = s;

        s.on('connect', () => this.connected());
        s.on('disconnect', (why) => this.down(why));
        s.onAny((...args) => this.event(...args));

        s.on('connect_error', (e) => {
            if (!s.active) {
                this.on.refused(e.message);
            }
        });

        s.io.on('ping', () => this.on.heard());

        /* events that are kept, by their text, and whether each has been had */
        s.io.on('open', () => {
            this.kept = new Map(s.receiveBuffer.map((args) => {
                return [JSON.stringify(args), false];
            }));
        });
    }

    connect() {
        this.socket.connect();
    }

    /* before anything else that comes with this connection */
    begin() {
        const { _pid: pid } = this.socket;

        if (this.open) {
            return;
        }

        this.open = true;
        this.isFresh = this.pid === undefined || this.pid !== pid;
        this.pid = pid;

        if (this.isFresh) {
            this.on.fresh();
        }
    }

    connected() {
        this.begin();
        this.up = true;
        this.on.up({ fresh: this.isFresh });
    }

    event(...args) {
        this.begin();
        this.on.heard();

        const text = JSON.stringify(args);

        if (this.kept.get(text)) {
            this.kept.delete(text);
            this.again++;
            return;
        }

        if (this.kept.has(text)) {
            this.kept.set(text, true);
        }

        this.on.event(args[0], args[1]);
    }

    down(why) {
        const was = this.up;

        this.up = false;
        this.open = false;

        if (was) {
            this.on.down();
        }

        if (why === 'io server disconnect') {
            this.on.refused(why);
        }
    }

    emit(event, arg, done) {
        if (done) {
            this.socket.emit(event, arg, done);
        } else {
            this.socket.emit(event, arg);
        }
    }

    cut(kind) {
        if (kind === 'switch') {
            const { engine } = this.socket.io;

            return engine && engine.readyState === 'open'
                   ? (engine.close(), true) : false;
        }

        return this.forwarder[kind]();
    }

    stall(ms) {
        return this.forwarder.stall(ms);
    }

    leave() {
        this.done = true;
        this.socket.disconnect();
        this.up = false;
    }

    vanish() {
        this.done = true;
        this.up = false;
        this.socket.io.reconnection(false);
        this.forwarder[this.random.below(2) ? 'silence' : 'reset']();
        this.forwarder.close();
    }
}


module.exports = { Real };
