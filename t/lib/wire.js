'use strict';

/*
 * wire.js: TCP connections that can be mistreated: one request after the
 * other, or a WebSocket.
 *
 * A connection that was put aside is not read and not written any more, and
 * stays open: to the server it looks as if the network had gone.
 */

const crypto = require('node:crypto');
const net = require('node:net');
const { WebSocket } = require('./ws');

/* how long connections are kept that were put aside, ms */
const ASIDE = 10000;


function silence(socket) {
    socket.removeAllListeners();
    socket.on('error', () => {});
    socket.pause();
    setTimeout(() => socket.destroy(), ASIDE).unref();
}


/* ends of a "socket"; what the server does after that is its own affair */
class Mortal {

    aside() {
        this.over = true;
        silence(this.socket);
    }

    reset() {
        this.over = true;
        this.socket.resetAndDestroy();
    }

    destroy() {
        this.over = true;
        this.socket.destroy();
    }
}


class Wire extends Mortal {

    /* "down" is called once, when the connection has ended by itself */
    constructor(port, down) {
        super();
        this.down = down;
        this.bytes = Buffer.alloc(0);
        this.waiting = null;
        this.over = false;
        this.socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
        this.socket.on('data', (part) => this.feed(part));
        this.socket.on('error', () => {});
        this.socket.on('close', () => this.end());
        this.socket.on('end', () => this.end());
    }

    end() {
        if (!this.over) {
            this.over = true;
            this.socket.destroy();
            this.down(this);
        }
    }

    /* "done" gets { status, head, text }; for 101 the wire is taken away */
    request(method, uri, { body, headers = '', done }) {
        const length = body === undefined ? '' :
                       'Content-Type: text/plain; charset=UTF-8\r\n'
                       + `Content-Length: ${Buffer.byteLength(body)}\r\n`;

        this.waiting = done;
        this.socket.write(`${method} ${uri} HTTP/1.1\r\nHost: 127.0.0.1\r\n`
                          + `${headers}${length}\r\n${body || ''}`);
    }

    feed(part) {
        this.bytes = this.bytes.length ? Buffer.concat([this.bytes, part])
                                       : part;

        const end = this.bytes.indexOf('\r\n\r\n');

        if (end === -1) {
            return;
        }

        const head = this.bytes.toString('latin1', 0, end);
        const status = Number(head.slice(9, 12));
        const length = /^content-length: (\d+)/im.exec(head);
        const size = status === 101 || !length ? 0 : Number(length[1]);

        if (this.bytes.length < end + 4 + size) {
            return;
        }

        const rest = this.bytes.subarray(end + 4);
        const done = this.waiting;

        this.bytes = Buffer.alloc(0);
        this.waiting = null;
        this.last = /^connection: close/im.test(head);

        if (done) {
            done({ status, head, rest, text: rest.toString() });
        }
    }
}


/*
 * A WebSocket.  "on" has open(), message(text), down(); after aside(), reset()
 * or destroy() nothing is called any more.
 */
class Frames extends Mortal {

    constructor(port, uri, on) {
        super();

        const key = crypto.randomBytes(16).toString('base64');

        this.on = on;
        this.over = false;
        this.wire = new Wire(port, () => this.end());
        this.wire.request('GET', uri, {
            headers: 'Connection: Upgrade\r\nUpgrade: websocket\r\n'
                     + 'Sec-WebSocket-Version: 13\r\n'
                     + `Sec-WebSocket-Key: ${key}\r\n`,
            done: (res) => this.answered(res)
        });
    }

    answered({ status, rest }) {
        const { socket } = this.wire;

        if (status !== 101) {
            this.wire.destroy();
            this.end();
            return;
        }

        this.wire.over = true;
        socket.removeAllListeners();
        this.ws = new WebSocket(socket);
        this.ws.messages = {
            push: (text) => this.over || this.on.message(text),
            close: () => this.end()
        };

        socket.on('end', () => this.end());
        this.on.open();
        this.ws.feed(rest);
    }

    get socket() {
        return this.wire.socket;
    }

    end() {
        if (!this.over) {
            this.over = true;
            this.socket.destroy();
            this.on.down(this.ws && this.ws.broken);
        }
    }

    send(text) {
        this.ws.send(text);
    }

    /* as browsers do: a Close frame, and the server ends it */
    close() {
        this.over = true;

        if (this.ws) {
            this.ws.close();
        }

        setTimeout(() => this.socket.destroy(), 1000).unref();
    }
}


module.exports = { Frames, Wire, silence };
