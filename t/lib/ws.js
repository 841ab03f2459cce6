'use strict';

/*
 * ws.js: a WebSocket client that can do everything wrong.
 *
 * It frames what it is told to frame, sends arbitrary bytes in pieces of any
 * size, and checks what the server must never do: mask, set reserved bits,
 * fragment control frames.
 */

const crypto = require('node:crypto');
const { connect } = require('./http');
const Inbox = require('./inbox');
const tap = require('./tap');

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';


/* one frame; everything a client could get wrong can be given */
function frame(payload = '', opts = {}) {
    const data = Buffer.isBuffer(payload) ? payload : Buffer.from(payload);
    const { fin = true, rsv = 0, op = 1, mask = true } = opts;
    const { length = data.length, form = null } = opts;
    const head = [(fin ? 0x80 : 0) | (rsv << 4) | op];
    const bit = mask ? 0x80 : 0;

    if (form === 64 || (form === null && length > 0xffff)) {
        const size = Buffer.alloc(8);

        size.writeBigUInt64BE(BigInt(length));
        head.push(bit | 127, ...size);

    } else if (form === 16 || (form === null && length > 125)) {
        head.push(bit | 126, length >> 8, length & 0xff);

    } else {
        head.push(bit | length);
    }

    if (!mask) {
        return Buffer.concat([Buffer.from(head), data]);
    }

    const key = opts.key || crypto.randomBytes(4);
    const masked = Buffer.from(data);

    for (let i = 0; i < masked.length; i++) {
        masked[i] ^= key[i & 3];
    }

    return Buffer.concat([Buffer.from(head), key, masked]);
}


function closePayload(code, reason = '') {
    const text = Buffer.from(reason);
    const payload = Buffer.alloc(2 + text.length);

    payload.writeUInt16BE(code);
    text.copy(payload, 2);

    return payload;
}


class WebSocket {

    constructor(socket) {
        this.socket = socket;
        this.bytes = Buffer.alloc(0);
        this.parts = null;
        this.messages = new Inbox();
        this.pongs = new Inbox();
        this.closeFrame = null;
        this.replyClose = true;
        this.paused = false;

        this.closed = new Promise((resolve) => {
            this.onClosed = resolve;
        });

        this.closing = new Promise((resolve) => {
            this.onClosing = resolve;
        });

        socket.on('data', (part) => this.feed(part));
        socket.on('error', () => {});
        socket.on('close', () => this.end());
    }

    /* { code, reason } of the server's close frame, code 1006 without one */
    end() {
        const last = this.closeFrame || { code: 1006, reason: '' };

        this.messages.close(new tap.Failure(`closed with ${last.code}`));
        this.pongs.close(new tap.Failure(`closed with ${last.code}`));
        this.onClosing(last);
        this.onClosed(last);
    }

    feed(part) {
        this.bytes = this.bytes.length ? Buffer.concat([this.bytes, part])
                                       : part;

        for ( ;; ) {
            const f = this.parse();

            if (f === null) {
                return;
            }

            this.take(f);
        }
    }

    parse() {
        const b = this.bytes;

        if (b.length < 2) {
            return null;
        }

        let length = b[1] & 0x7f;
        let at = 2;

        if (length >= 126) {
            at = length === 126 ? 4 : 10;

            if (b.length < at) {
                return null;
            }

            length = at === 4 ? b.readUInt16BE(2)
                              : Number(b.readBigUInt64BE(2));
        }

        if (b.length < at + length) {
            return null;
        }

        this.bytes = b.subarray(at + length);

        return {
            fin: b[0] >> 7,
            rsv: (b[0] >> 4) & 7,
            op: b[0] & 15,
            mask: b[1] >> 7,
            data: b.subarray(at, at + length)
        };
    }

    take(f) {
        if (f.mask || f.rsv || (f.op >= 8 && (!f.fin || f.data.length > 125))) {
            this.broken = `bad frame from the server: ${JSON.stringify(f)}`;
            this.messages.close(new tap.Failure(this.broken));
            this.socket.destroy();
            return;
        }

        switch (f.op) {

        case 0:
        case 1:
        case 2:
            this.message(f);
            break;

        case 8:
            this.closeFrame = {
                code: f.data.length >= 2 ? f.data.readUInt16BE(0) : 1005,
                reason: f.data.subarray(2).toString()
            };

            if (this.replyClose && !this.sentClose) {
                this.frame(f.data.subarray(0, 2), { op: 8 });
            }

            this.onClosing(this.closeFrame);
            break;

        case 9:
            this.frame(f.data, { op: 10 });
            break;

        case 10:
            this.pongs.push(f.data.toString());
            break;

        default:
            this.messages.close(new tap.Failure(`opcode ${f.op}`));
        }
    }

    message(f) {
        if (f.op) {
            this.parts = { op: f.op, list: [] };
        }

        this.parts.list.push(f.data);

        if (f.fin) {
            const data = Buffer.concat(this.parts.list);

            this.messages.push(this.parts.op === 1 ? data.toString() : data);
            this.parts = null;
        }
    }

    /* a string for a text message, a Buffer for a binary one */
    recv(ms) {
        return this.messages.next(ms);
    }

    raw(bytes) {
        this.socket.write(bytes);
    }

    frame(payload, opts) {
        this.raw(frame(payload, opts));
    }

    send(message) {
        this.frame(message, { op: Buffer.isBuffer(message) ? 2 : 1 });
    }

    /* "bytes" in pieces of "size", each in a segment of its own */
    async chopped(bytes, size) {
        for (let i = 0; i < bytes.length; i += size) {
            this.socket.write(bytes.subarray(i, i + size));
            await new Promise((resolve) => setImmediate(resolve));
        }
    }

    close(code, reason) {
        this.sentClose = true;
        this.frame(code === undefined ? '' : closePayload(code, reason),
                   { op: 8 });
    }

    /* resolves to { code, reason } when a close frame has come, or the end */
    waitCloseFrame(ms = 5000) {
        return tap.within(ms, this.closing, 'a close frame');
    }

    /* resolves to { code, reason } when the connection has ended */
    waitClose(ms = 5000) {
        return tap.within(ms, this.closed, 'the WebSocket\'s end');
    }

    destroy() {
        this.socket.destroy();
    }
}


/*
 * Asks for an upgrade.  Resolves to { status, headers, text, ws }: "ws" with
 * status 101 only.  "early" is sent in the same segment as the request.
 * "headers" replace those of the same name; null takes one away.
 */
async function handshake(port, path, options = {}) {
    const { method = 'GET', version = '1.1', early = '' } = options;
    const key = crypto.randomBytes(16).toString('base64');

    const headers = {
        'Host': `127.0.0.1:${port}`,
        'Connection': 'Upgrade',
        'Upgrade': 'websocket',
        'Sec-WebSocket-Version': '13',
        'Sec-WebSocket-Key': key,
        ...options.headers
    };

    const lines = Object.entries(headers).filter(([, v]) => v !== null)
                        .map(([k, v]) => `${k}: ${v}\r\n`);

    const socket = await connect(port);
    const head = `${method} ${path} HTTP/${version}\r\n${lines.join('')}\r\n`;

    socket.write(Buffer.concat([Buffer.from(head), Buffer.from(early)]));

    const res = await tap.within(5000, response(socket), 'the handshake');

    if (res.status !== 101) {
        socket.destroy();
        return res;
    }

    const accept = crypto.createHash('sha1').update(headers[
        'Sec-WebSocket-Key'] + GUID).digest('base64');

    tap.is(res.headers['sec-websocket-accept'], accept, 'the accept key');

    const ws = new WebSocket(socket);

    ws.feed(res.rest);

    return { ...res, ws };
}


/* the answer to an upgrade request: a 101's head, or a whole response */
function response(socket) {
    return new Promise((resolve, reject) => {
        let bytes = Buffer.alloc(0);

        const done = (ended) => {
            const res = parseResponse(bytes, ended);

            if (res) {
                socket.removeAllListeners('data');
                socket.removeAllListeners('end');
                resolve(res);

            } else if (ended) {
                reject(new tap.Failure(`closed after "${bytes}"`));
            }
        };

        socket.on('data', (part) => {
            bytes = Buffer.concat([bytes, part]);
            done(false);
        });

        socket.on('end', () => done(true));
        socket.on('close', () => done(true));
        socket.on('error', reject);
    });
}


function parseResponse(bytes, ended) {
    const end = bytes.indexOf('\r\n\r\n');

    if (end === -1) {
        return null;
    }

    const lines = bytes.subarray(0, end).toString().split('\r\n');
    const status = Number(lines[0].split(' ')[1]);
    const headers = {};

    for (const line of lines.slice(1)) {
        const colon = line.indexOf(':');

        headers[line.slice(0, colon).toLowerCase()] =
            line.slice(colon + 1).trim();
    }

    const rest = bytes.subarray(end + 4);

    if (status === 101) {
        return { status, headers, rest };
    }

    const length = headers['content-length'];

    if (!ended && (length === undefined || rest.length < Number(length))) {
        return null;
    }

    return { status, headers, text: rest.toString() };
}


/* a WebSocket; fails unless the server answers 101 */
async function open(port, path, options) {
    const res = await handshake(port, path, options);

    tap.is(res.status, 101, 'status of the WebSocket handshake');

    return res.ws;
}


module.exports = { WebSocket, closePayload, frame, handshake, open };
