'use strict';

/*
 * resp.js: a connection to a Redis of redis.js that pipelines and takes any
 * bytes: strings are bytes (latin1), here and in answers.
 */

const net = require('node:net');


class ReplyError extends Error {
}


/* an answer at "at" of "data": [value, where it ends], null: not all there */
function parse(data, at) {
    const end = data.indexOf('\r\n', at);

    if (end < 0) {
        return null;
    }

    const text = data.latin1Slice(at + 1, end);
    const n = Number(text);
    const next = end + 2;

    switch (String.fromCharCode(data[at])) {

    case '+':
        return [text, next];

    case '-':
        return [new ReplyError(text), next];

    case ':':
        return [n, next];

    case '$':
        if (n < 0) {
            return [null, next];
        }

        return data.length < next + n + 2 ? null
               : [data.latin1Slice(next, next + n), next + n + 2];

    case '*':
        return n < 0 ? [null, next] : array(data, n, next);

    default:
        throw new Error(`no RESP: ${data.latin1Slice(at, at + 80)}`);
    }
}


function array(data, n, at) {
    const list = [];

    while (list.length < n) {
        const one = parse(data, at);

        if (one === null) {
            return null;
        }

        list.push(one[0]);
        at = one[1];
    }

    return [list, at];
}


class Connection {

    constructor(socket) {
        this.socket = socket;
        this.data = Buffer.alloc(0);
        this.waiting = [];

        socket.on('data', (data) => this.receive(data));
        socket.on('error', (e) => this.end(e));
        socket.on('close', () => this.end(new Error('Redis has closed')));
    }

    receive(data) {
        this.data = Buffer.concat([this.data, data]);

        let at = 0;

        for ( ;; ) {
            const one = at < this.data.length ? parse(this.data, at) : null;

            if (one === null) {
                break;
            }

            const { resolve, reject } = this.waiting.shift();

            at = one[1];
            (one[0] instanceof Error ? reject : resolve)(one[0]);
        }

        this.data = this.data.subarray(at);
    }

    end(error) {
        this.waiting.splice(0).forEach(({ reject }) => reject(error));
    }

    /* resolves to the answer, rejects with what Redis does not like */
    send(...args) {
        const parts = args.map((arg) => {
            const text = Buffer.from(String(arg), 'latin1');

            return `$${text.length}\r\n${text.latin1Slice()}\r\n`;
        });

        this.socket.write(`*${args.length}\r\n${parts.join('')}`, 'latin1');

        return new Promise((resolve, reject) => {
            this.waiting.push({ resolve, reject });
        });
    }

    close() {
        this.socket.destroy();
    }
}


/* to "redis", signed in */
async function connect(redis) {
    const connection = new Connection(net.connect(redis.socket));

    await connection.send('AUTH', redis.password);

    return connection;
}


module.exports = { ReplyError, connect };
