'use strict';

/*
 * sio.js: Socket.IO 5 without a library, over a client of eio.js.
 */

const { Client } = require('./eio');
const Inbox = require('./inbox');
const tap = require('./tap');

const CONNECT = 0;
const DISCONNECT = 1;
const EVENT = 2;
const ACK = 3;
const CONNECT_ERROR = 4;
const BINARY_EVENT = 5;
const BINARY_ACK = 6;


/* the messages of a packet: a string, and its attachments */
function encode({ type, nsp = '/', id = '', data }) {
    const attachments = [];
    const json = data === undefined ? '' : JSON.stringify(take(data));
    const binary = attachments.length > 0;
    const kind = binary ? type + (BINARY_EVENT - EVENT) : type;

    function take(value) {
        if (Buffer.isBuffer(value)) {
            return { _placeholder: true, num: attachments.push(value) - 1 };
        }

        if (Array.isArray(value)) {
            return value.map(take);
        }

        if (value && typeof value === 'object') {
            return Object.fromEntries(
                Object.entries(value).map(([k, v]) => [k, take(v)]));
        }

        return value;
    }

    return [
        kind + (binary ? `${attachments.length}-` : '')
        + (nsp === '/' ? '' : `${nsp},`) + id + json,
        ...attachments
    ];
}


function decode(text) {
    const m = /^([0-6])(?:(\d+)-)?(?:(\/[^,]*)(?:,|$))?(\d+)?(.*)$/s.exec(text);

    if (!m) {
        tap.fail(`not a Socket.IO packet: ${text.slice(0, 200)}`);
    }

    return {
        type: Number(m[1]),
        count: m[2] ? Number(m[2]) : 0,
        nsp: m[3] || '/',
        id: m[4] === undefined ? undefined : Number(m[4]),
        data: m[5] ? JSON.parse(m[5]) : undefined
    };
}


function fill(value, attachments) {
    if (Array.isArray(value)) {
        return value.map((v) => fill(v, attachments));
    }

    if (value && typeof value === 'object') {
        if (value._placeholder === true) {
            return attachments[value.num];
        }

        return Object.fromEntries(
            Object.entries(value).map(([k, v]) => [k, fill(v, attachments)]));
    }

    return value;
}


/*
 * A connection: one engine session, any number of namespaces.  Events wait in
 * "events" as { nsp, event, args, id } until somebody asks for them; "log" has
 * all that ever came.
 */
class Socket {

    /* opens a session and joins "nsp" unless it is null */
    static async open(server, options = {}) {
        const socket = new this(await Client.open(server, options));
        const { nsp = '/', auth } = options;

        if (nsp !== null) {
            await socket.connect(nsp, auth);
        }

        return socket;
    }

    constructor(client) {
        this.client = client;
        this.events = new Inbox();
        this.replies = new Inbox();
        this.acks = new Map();
        this.log = [];
        this.nextId = 0;
        this.sids = {};
        this.closed = client.closed;

        this.loop().catch((e) => {
            this.events.close(e);
            this.replies.close(e);

            for (const { reject } of this.acks.values()) {
                reject(e);
            }

            client.end(e.message);
        });
    }

    async loop() {
        for ( ;; ) {
            const pkt = decode(await this.take(false));
            const attachments = [];

            while (attachments.length < pkt.count) {
                attachments.push(await this.take(true));
            }

            pkt.data = fill(pkt.data, attachments);
            this.handle(pkt);
        }
    }

    async take(binary) {
        const m = await this.client.messages.next(0x7fffffff / tap.scale);

        if (Buffer.isBuffer(m) !== binary) {
            tap.fail(`${binary ? 'an attachment' : 'text'} expected: ${m}`);
        }

        return m;
    }

    handle({ type, nsp, id, data }) {
        switch (type) {

        case EVENT:
        case BINARY_EVENT: {
            const item = { nsp, event: data[0], args: data.slice(1), id };

            this.log.push(item);
            this.events.push(item);
            break;
        }

        case ACK:
        case BINARY_ACK: {
            const waiter = this.acks.get(id);

            if (!waiter) {
                tap.fail(`an ack nobody waits for: ${id}`);
            }

            this.acks.delete(id);
            this.log.push({ nsp, ack: id, args: data });
            waiter.resolve(data);
            break;
        }

        default:
            this.replies.push({ type, nsp, data });
        }
    }

    packet(pkt) {
        for (const message of encode(pkt)) {
            this.client.send(message);
        }
    }

    /* resolves to the socket's id; throws { message, data } if refused */
    async connect(nsp = '/', auth) {
        this.packet({ type: CONNECT, nsp, data: auth });

        const { type, data } = await this.reply(nsp);

        if (type === CONNECT_ERROR) {
            throw Object.assign(new tap.Failure(data.message), data);
        }

        tap.is(type, CONNECT, 'type of the answer to CONNECT');
        this.sids[nsp] = data.sid;
        this.id = this.id || data.sid;

        return data.sid;
    }

    /* the next CONNECT, CONNECT_ERROR or DISCONNECT for "nsp" */
    reply(nsp = '/', ms = 5000) {
        return this.replies.next(ms, (r) => r.nsp === nsp,
                                 `a reply for "${nsp}"`);
    }

    emit(event, ...args) {
        this.packet({ type: EVENT, data: [event, ...args] });
    }

    emitTo(nsp, event, ...args) {
        this.packet({ type: EVENT, nsp, data: [event, ...args] });
    }

    /* emits and resolves to the arguments of the ack */
    call(event, ...args) {
        const id = this.nextId++;

        const promise = new Promise((resolve, reject) => {
            this.acks.set(id, { resolve, reject });
        });

        this.packet({ type: EVENT, id, data: [event, ...args] });

        return tap.within(5000, promise, `the ack of "${event}"`);
    }

    /* the one object that the chat events' acks have */
    async ask(event, ...args) {
        const reply = await this.call(event, ...args);

        tap.is(reply.length, 1, `arguments of the ack of "${event}"`);

        return reply[0];
    }

    ack(id, ...args) {
        this.packet({ type: ACK, id, data: args });
    }

    /* the arguments of the next event of that name, passing over others */
    async next(event, ms = 5000) {
        const item = await this.events.next(ms, (e) => e.event === event,
                                            `the event "${event}"`);

        return item.args;
    }

    /* its only argument */
    async one(event, ms) {
        const args = await this.next(event, ms);

        tap.is(args.length, 1, `arguments of "${event}"`);

        return args[0];
    }

    /* fails if "event" has come or comes within "ms" */
    none(event, ms = 200) {
        return this.events.none(ms, (e) => e.event === event,
                                `no "${event}" arrives`);
    }

    disconnect(nsp = '/') {
        this.packet({ type: DISCONNECT, nsp });
    }

    waitClose(ms) {
        return this.client.waitClose(ms);
    }

    destroy() {
        this.client.destroy();
    }
}


module.exports = {
    ACK, BINARY_ACK, BINARY_EVENT, CONNECT, CONNECT_ERROR, DISCONNECT, EVENT,
    Socket, decode, encode
};
