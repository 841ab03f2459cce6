'use strict';

/*
 * forwarder.js: a port of its own in front of the server, for a client whose
 * connections cannot be reached otherwise.
 */

const net = require('node:net');
const { silence } = require('../lib/wire');


class Forwarder {

    static async open(port) {
        const f = new Forwarder(port);

        await new Promise((resolve) => {
            f.listener.listen(0, '127.0.0.1', resolve);
        });

        return f;
    }

    constructor(port) {
        this.to = port;
        this.pairs = new Set();
        this.listener = net.createServer({ noDelay: true },
                                         (socket) => this.accept(socket));
    }

    get port() {
        return this.listener.address().port;
    }

    accept(client) {
        const server = net.connect({
            port: this.to, host: '127.0.0.1', noDelay: true
        });

        const pair = { client, server };

        for (const [one, other] of [[client, server], [server, client]]) {
            one.on('error', () => {});
            one.on('data', (part) => {
                if (!other.write(part)) {
                    one.pause();
                }
            });
            other.on('drain', () => pair.deaf === one || one.resume());
            one.on('end', () => other.end());
            one.on('close', () => {
                this.pairs.delete(pair);
                other.destroy();
            });
        }

        this.pairs.add(pair);
    }

    /* "fn" for each connection that is open; whether there was any */
    each(fn) {
        const pairs = [...this.pairs];

        pairs.forEach(fn);

        return pairs.length > 0;
    }

    reset() {
        return this.each(({ client, server }) => {
            client.resetAndDestroy();
            server.resetAndDestroy();
        });
    }

    /* nothing goes through any more; neither end is told */
    silence() {
        return this.each((pair) => {
            this.pairs.delete(pair);
            silence(pair.client);
            silence(pair.server);
        });
    }

    /* the client is told, the server is not */
    half() {
        return this.each((pair) => {
            this.pairs.delete(pair);
            silence(pair.server);
            pair.client.removeAllListeners();
            pair.client.on('error', () => {});
            pair.client.resetAndDestroy();
        });
    }

    /* nothing is taken from the server for a while */
    stall(ms) {
        return this.each((pair) => {
            pair.deaf = pair.server;
            pair.server.pause();

            setTimeout(() => {
                pair.deaf = null;
                pair.server.resume();
            }, ms).unref();
        });
    }

    close() {
        this.listener.close();
    }
}


module.exports = { Forwarder };
