'use strict';

/*
 * engine.js: an Engine.IO session that looks after itself as that of
 * engine.io-client does, and can be cut, deafened or left alone.
 *
 * "how" is "polling", "websocket", or "upgrade": from the one to the other.
 * With "single" every poll has a connection of its own, and so may be at any
 * worker.  "on" has open(), message(text), heard() for whatever came, and
 * down(why), which is called once at most.
 */

const { Frames, Wire } = require('./wire');

const SEPARATOR = '\x1e';

/* how long opening may take, ms */
const PATIENCE = 5000;

/* how often one who does not read says that it lives, ms */
const MURMUR = 400;


class Engine {

    constructor({ port, path, how, single }, on) {
        this.port = port;
        this.path = path;
        this.how = how;
        this.single = single;
        this.on = on;
        this.over = false;
        this.deaf = false;
        this.queue = [];
        this.wires = new Set();
        this.timer = setTimeout(() => this.end('timeout'), PATIENCE);

        if (how === 'websocket') {
            this.frames = this.websocket({
                open: () => {}, message: (text) => this.take(text)
            });

        } else {
            this.polls();
        }
    }

    uri(transport) {
        return `${this.path}?EIO=4&transport=${transport}`
               + (this.sid ? `&sid=${this.sid}` : '');
    }

    websocket({ open, message }) {
        return new Frames(this.port, this.uri('websocket'), {
            open, message, down: (broken) => this.end(broken || 'ws closed')
        });
    }

    end(why) {
        if (!this.over) {
            this.destroy();
            this.on.down(why);
        }
    }

    /* whatever is there, each treated in the same way */
    each(method) {
        this.over = true;
        clearTimeout(this.timer);
        clearInterval(this.murmur);
        this.wires.forEach((wire) => wire[method]());
        [this.frames, this.probe].forEach((f) => f && f[method]());
    }

    destroy() {
        this.each('destroy');
    }

    reset() {
        this.each('reset');
    }

    aside() {
        this.each('aside');
    }

    /* a transport that is closed on purpose */
    close() {
        this.over = true;

        if (this.frames) {
            this.frames.close();
            this.frames = null;

        } else if (this.sid) {
            this.wire().request('POST', this.uri('polling'), { body: '1' });
            setTimeout(() => this.destroy(), 1000).unref();
            return;
        }

        this.destroy();
    }

    /* nothing is read for a while; something is said, so as to be alive */
    stall(ms) {
        if (this.deaf || this.over || !this.sid) {
            return false;
        }

        this.deaf = true;
        clearTimeout(this.timer);
        this.pause(true);
        this.murmur = setInterval(() => this.packet('3'), MURMUR);

        setTimeout(() => {
            clearInterval(this.murmur);
            this.deaf = false;

            if (!this.over) {
                this.pause(false);
                this.expectPing();
            }
        }, ms).unref();

        return true;
    }

    pause(stop) {
        if (this.frames) {
            stop ? this.frames.socket.pause() : this.frames.socket.resume();

        } else if (!stop && this.held) {
            this.held = false;
            this.poll();
        }
    }

    /* packets */

    expectPing() {
        clearTimeout(this.timer);

        if (!this.deaf) {
            this.timer = setTimeout(() => this.end('ping timeout'),
                                    this.patience);
        }
    }

    take(packet) {
        if (this.over) {
            return;
        }

        this.on.heard();

        switch (packet[0]) {

        case '0':
            this.opened(JSON.parse(packet.slice(1)));
            break;

        case '1':
            this.end('closed by the server');
            break;

        case '2':
            this.expectPing();
            this.packet('3');
            break;

        case '4':
            this.on.message(packet.slice(1));
            break;

        case '6':
            break;

        default:
            this.end(`unexpected packet ${packet.slice(0, 40)}`);
        }
    }

    opened({ sid, pingInterval, pingTimeout }) {
        this.sid = sid;
        this.patience = pingInterval + pingTimeout;
        this.expectPing();
        this.on.open();

        if (this.how === 'upgrade' && !this.over) {
            this.upgrade();
        }
    }

    send(message) {
        this.packet(`4${message}`);
    }

    packet(packet) {
        if (this.over) {
            return;
        }

        if (this.frames) {
            this.frames.send(packet);

        } else {
            this.queue.push(packet);
            this.flush();
        }
    }

    /* polling */

    wire() {
        const wire = new Wire(this.port, () => {
            this.wires.delete(wire);

            if (wire.waiting) {
                this.end('connection lost');
            }
        });

        this.wires.add(wire);

        return wire;
    }

    /* one that is free for "name", kept from the last time where it may be */
    free(name) {
        const kept = this[name];

        if (kept && !kept.over && !kept.last && !this.single) {
            return kept;
        }

        if (kept) {
            this.wires.delete(kept);
            kept.destroy();
        }

        this[name] = this.wire();

        return this[name];
    }

    polls() {
        this.free('getter').request('GET', this.uri('polling'), {
            done: (res) => this.polled(res)
        });
    }

    poll() {
        if (this.over) {
            return;
        }

        if (this.pausing) {
            this.pausing();

        } else if (this.deaf) {
            this.held = true;

        } else {
            this.polls();
        }
    }

    polled({ status, text }) {
        if (status !== 200) {
            this.end(`status ${status}: ${text}`);
            return;
        }

        text.split(SEPARATOR).forEach((packet) => this.take(packet));
        this.poll();
    }

    flush() {
        if (this.posting || this.pausing || !this.queue.length || this.over) {
            return;
        }

        this.posting = true;
        this.post(this.queue.splice(0).join(SEPARATOR));
    }

    post(body) {
        this.free('poster').request('POST', this.uri('polling'), {
            body, done: (res) => this.posted(res)
        });
    }

    posted({ status, text }) {
        if (this.over) {
            return;
        }

        this.posting = false;

        if (status !== 200) {
            this.end(`status ${status}: ${text}`);

        } else if (this.switching) {
            this.switching();

        } else {
            this.flush();
        }
    }

    /* from polling to WebSocket; one that fails leaves all as it is */

    upgrade() {
        const probe = new Frames(this.port, this.uri('websocket'), {
            open: () => probe.send('2probe'),
            message: (text) => this.probed(probe, text),
            down: (why) => (this.frames || this.pausing
                            ? this.end(why || 'ws closed') : null)
        });

        this.probe = probe;
    }

    probed(probe, text) {
        if (this.frames) {
            this.take(text);
            return;
        }

        if (text !== '3probe' || this.over) {
            probe.destroy();
            return;
        }

        /* the poll that waits is answered, and so is what is being posted */

        this.pausing = () => {
            this.switching = () => this.switched(probe);

            if (!this.posting) {
                this.switching();
            }
        };

        if (this.held) {
            this.held = false;
            this.pausing();
        }
    }

    switched(probe) {
        this.switching = null;
        this.pausing = null;
        this.frames = probe;
        this.probe = null;
        probe.send('5');
        this.wires.forEach((wire) => wire.destroy());
        this.wires.clear();
        this.queue.splice(0).forEach((packet) => probe.send(packet));

        if (this.deaf) {
            this.pause(true);
        }
    }
}


module.exports = { Engine };
