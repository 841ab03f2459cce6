'use strict';

/*
 * nodes.js: nodes of a Socket.IO cluster, made of the real packages, whose
 * Redis only writes down what they publish.
 */

const { createAdapter, createShardedAdapter } =
    require('@socket.io/redis-adapter');
const { Emitter } = require('@socket.io/redis-emitter');

const SID = 'AAAAAAAAAAAAAAAAAAAA';


class Redis {

    constructor(sent) {
        this.sent = sent;
    }

    publish(channel, message) {
        this.sent.push({ channel, bytes: Buffer.from(message) });
    }

    async sPublish(channel, message) {
        this.publish(channel, message);
    }

    /* of every channel it is said that three nodes are there */
    async sendCommand(words) {
        return [words[2], '3'];
    }

    pSubscribe() {}
    subscribe() {}
    sSubscribe() {}
    on() {}
    off() {}

    listenerCount() {
        return 2;
    }
}


/* one socket, in the rooms "room1" and its own, that answers with "answer" */
function socket(answer) {
    const acks = new Map();

    acks.set = (id, ack) => setImmediate(() => ack(answer));

    return {
        id: SID,
        acks,
        client: { conn: {}, writeToEngine() {} },
        data: { name: 'café', n: 1.5 },
        handshake: { headers: { host: 'x' }, issued: 1700000000000,
                     auth: { token: 't' }, secure: false },
        rooms: new Set([SID, 'room1']),
        notifyOutgoingListeners() {},
        join() {},
        leave() {},
        disconnect() {}
    };
}


/*
 * A node: its adapter, what it has published, and how it is told what others
 * have.  "answer" is what its socket, and the node itself, answer with.
 */
function node(name, create, answer) {
    const sent = [];
    const redis = new Redis(sent);

    const nsp = {
        name,
        _ids: 0,
        sockets: new Map(),
        server: { opts: {}, encoder: { encode: () => [''] } },
        _onServerSideEmit(packet) {
            const last = packet[packet.length - 1];

            if (typeof last === 'function') {
                last(answer);
            }
        }
    };

    const adapter = create(redis, redis)(nsp);

    nsp.sockets.set(SID, socket(answer));
    adapter.addAll(SID, new Set([SID, 'room1']));

    return { adapter, sent };
}


function classic(name, answer = 'ok') {
    const made = node(name, createAdapter, answer);

    /* its id, as others are, but the same every time */
    made.adapter.uid = 'BXPiid';
    made.hear = (channel, bytes) => made.adapter.onrequest(channel, bytes);

    return made;
}


function sharded(name, answer = 'ok') {
    const made = node(name, createShardedAdapter, answer);

    made.adapter.uid = 'b24a3df68b0253d0';
    made.hear = (channel, bytes) => made.adapter.onRawMessage(bytes, channel);

    return made;
}


function emitter(name) {
    const sent = [];

    return { emitter: new Emitter(new Redis(sent), {}, name), sent };
}


/* who is meant, as broadcast operators tell adapters */
function options(rooms, except, flags = {}) {
    return { rooms: new Set(rooms), except: new Set(except), flags };
}


module.exports = { SID, classic, emitter, options, sharded };
