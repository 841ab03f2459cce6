'use strict';

/*
 * eio.js: Engine.IO 4 without a library: polling requests one by one, and a
 * client that keeps a session going over polling, WebSocket, or from one to
 * the other.
 */

const { request } = require('./http');
const ws = require('./ws');
const Inbox = require('./inbox');
const tap = require('./tap');

const SEPARATOR = '\x1e';


/* packets are strings, type first; binary messages are Buffers */
function encode(packets) {
    return packets.map((p) => {
        return Buffer.isBuffer(p) ? `b${p.toString('base64')}` : p;
    }).join(SEPARATOR);
}


function decode(text) {
    return text.split(SEPARATOR).map((p) => {
        return p[0] === 'b' ? Buffer.from(p.slice(1), 'base64') : p;
    });
}


function query(path, args) {
    const pairs = Object.entries(args)
                        .filter(([, v]) => v !== undefined && v !== null)
                        .map(([k, v]) => `${k}=${encodeURIComponent(v)}`);

    return `${path}?${pairs.join('&')}`;
}


/*
 * A polling session by hand: each call is one request.  "server" needs a port
 * and a path.
 */
class Polling {

    constructor(server, options = {}) {
        this.server = server;
        this.path = options.path || server.path;
        this.options = options;
        this.sid = options.sid;
    }

    uri(transport = 'polling') {
        return query(this.path, {
            EIO: 4, transport, sid: this.sid, ...this.options.query
        });
    }

    request(options) {
        return request(this.server.port, {
            path: this.uri(),
            agent: this.options.agent,
            ...options,
            headers: { ...this.options.headers, ...options.headers }
        });
    }

    get(options = {}) {
        return this.request({ method: 'GET', ...options });
    }

    post(body, options = {}) {
        return this.request({
            method: 'POST',
            body: Array.isArray(body) ? encode(body) : body,
            ...options,
            headers: {
                'Content-Type': 'text/plain; charset=UTF-8',
                ...options.headers
            }
        });
    }

    /* the handshake; keeps the sid, answers what the server said */
    async open() {
        const res = await this.get();

        tap.is(res.status, 200, `status of the handshake (${res.text})`);
        tap.is(res.text[0], '0', 'type of the first packet');

        const data = JSON.parse(res.text.slice(1));

        this.sid = data.sid;
        this.headers = res.headers;

        return data;
    }

    /* the packets of one GET */
    async poll() {
        const res = await tap.within(5000, this.get(), 'a poll');

        tap.is(res.status, 200, `status of a poll (${res.text})`);

        return decode(res.text);
    }

    async send(...packets) {
        const res = await tap.within(5000, this.post(packets), 'a POST');

        tap.is(res.status, 200, `status of a POST (${res.text})`);
        tap.is(res.text, 'ok', 'body of a POST\'s answer');
    }
}


/* { status, text } or { status: 101, ws } of a WebSocket request */
function upgrade(server, args = {}, options = {}) {
    const uri = query(options.path || server.path, {
        EIO: 4, transport: 'websocket', ...args
    });

    return ws.handshake(server.port, uri, options);
}


/* an open WebSocket session: { ws, sid, handshake, headers } */
async function openWebSocket(server, options = {}) {
    const res = await upgrade(server, options.query, options);

    tap.is(res.status, 101, 'status of the WebSocket handshake');

    const first = await res.ws.recv();

    tap.is(first[0], '0', 'type of the first packet');

    const handshake = JSON.parse(first.slice(1));

    return { ws: res.ws, sid: handshake.sid, handshake, headers: res.headers };
}


/*
 * A session that looks after itself: polls, posts, answers pings.  Messages
 * arrive in "messages", strings or Buffers.  "closed" resolves to a word that
 * says why.
 */
class Client {

    static async open(server, options = {}) {
        const client = new Client(server, options);

        tap.cleanup(() => client.close());

        if (options.transport === 'polling') {
            await client.openPolling();
        } else {
            await client.openWebSocket();
        }

        return client;
    }

    constructor(server, options) {
        this.server = server;
        this.options = options;
        this.answerPings = options.pong !== false;
        this.messages = new Inbox();
        this.pings = 0;
        this.posts = [];
        this.posting = null;
        this.open = true;

        this.closed = new Promise((resolve) => {
            this.onClosed = resolve;
        });
    }

    /* a server that sends no ping in time is gone */
    expectPing() {
        const { pingInterval, pingTimeout } = this.handshake;

        clearTimeout(this.watchdog);

        if (this.open) {
            this.watchdog = setTimeout(() => this.end('no ping'),
                                       (pingInterval + pingTimeout)
                                       * tap.scale);
        }
    }

    end(why) {
        if (this.open) {
            this.open = false;
            clearTimeout(this.watchdog);
            this.messages.close(new tap.Failure(`session closed: ${why}`));
            this.onClosed(why);
        }
    }

    /* ends the session; the server is told */
    async close() {
        if (this.open && this.transport === 'polling' && this.sid) {
            this.pausing = true;
            await this.polling.post('1').catch(() => {});
        }

        this.destroy();
    }

    /* breaks off: an open WebSocket or poll ends, nothing is said */
    destroy() {
        this.end('destroyed');

        if (this.ws) {
            this.ws.destroy();
        }

        if (this.parked) {
            this.parked.abort();
        }
    }

    async openPolling() {
        this.transport = 'polling';
        this.polling = new Polling(this.server, this.options);
        this.handshake = await this.polling.open();
        this.sid = this.handshake.sid;
        this.headers = this.polling.headers;
        this.expectPing();
        this.poller = this.pollLoop();
    }

    async openWebSocket() {
        const { ws, sid, handshake, headers }
            = await openWebSocket(this.server, this.options);

        this.transport = 'websocket';
        this.sid = sid;
        this.handshake = handshake;
        this.headers = headers;
        this.expectPing();
        this.useWebSocket(ws);
    }

    useWebSocket(socket) {
        this.ws = socket;

        const loop = async () => {
            while (this.open) {
                this.take(await socket.messages.next(0x7fffffff / tap.scale));
            }
        };

        loop().catch((e) => this.end(e.message));
    }

    async pollLoop() {
        while (this.open && !this.pausing) {
            let res;

            this.parked = this.polling.get();

            try {
                res = await this.parked;

            } catch (e) {
                return this.end(e.message);
            }

            if (res.status !== 200) {
                return this.end(`status ${res.status}: ${res.text}`);
            }

            for (const packet of decode(res.text)) {
                this.take(packet);
            }
        }

        return undefined;
    }

    take(packet) {
        if (Buffer.isBuffer(packet)) {
            return this.messages.push(packet);
        }

        switch (packet[0]) {

        case '1':
            return this.end('close packet');

        case '2':
            this.pings++;
            this.expectPing();
            return this.answerPings ? this.packet(`3${packet.slice(1)}`) : 0;

        case '4':
            return this.messages.push(packet.slice(1));

        case '6':
            return 0;

        default:
            return this.end(`unexpected packet ${packet}`);
        }
    }

    packet(packet) {
        if (this.transport === 'websocket') {
            this.ws.send(packet);
            return;
        }

        this.posts.push(packet);
        this.posting = this.posting || this.postLoop();
    }

    async postLoop() {
        await null;

        while (this.open && this.posts.length
               && this.transport === 'polling')
        {
            const batch = this.posts.splice(0);

            try {
                const res = await this.polling.post(batch);

                if (res.status !== 200) {
                    this.end(`status ${res.status}: ${res.text}`);
                }

            } catch (e) {
                this.end(e.message);
            }
        }

        this.posting = null;
    }

    /* a message: a string or a Buffer */
    send(message) {
        this.packet(Buffer.isBuffer(message) ? message : `4${message}`);
    }

    /* moves to a WebSocket the way the official client does */
    async upgrade() {
        const res = await upgrade(this.server, { sid: this.sid },
                                  this.options);

        tap.is(res.status, 101, `status of the upgrade (${res.text})`);

        res.ws.send('2probe');
        tap.is(await res.ws.recv(), '3probe', 'answer to the probe');

        this.pausing = true;
        await tap.within(5000, this.poller, 'the last poll');
        await this.posting;

        res.ws.send('5');
        this.transport = 'websocket';

        for (const packet of this.posts.splice(0)) {
            res.ws.send(packet);
        }

        this.useWebSocket(res.ws);
    }

    recv(ms) {
        return this.messages.next(ms);
    }

    waitClose(ms = 5000) {
        return tap.within(ms, this.closed, 'the session\'s end');
    }
}


module.exports = {
    Client, Polling, decode, encode, openWebSocket, query, upgrade
};
