'use strict';

/*
 * line.js: a user over one WebSocket, with as little as possible in between,
 * for tests that have thousands or send as fast as they can.
 */

const { upgrade } = require('./eio');
const { sign } = require('./tokens');
const tap = require('./tap');


class Line {

    /*
     * Connects as "userId".  "on" gets the text of each event as it comes.
     * With "accept" answers are passed over until it is happy with the head
     * of one.
     */
    static async open(server, { userId, on, accept = () => true }) {
        for (let i = 0; i < 200; i++) {
            const res = await upgrade(server);

            tap.is(res.status, 101, 'status of the WebSocket handshake');

            if (accept(res.headers)) {
                const line = new Line(res.ws, userId, on);

                await line.connected;

                return line;
            }

            res.ws.destroy();
            await tap.sleep(5);
        }

        return tap.fail('no connection that is accepted');
    }

    constructor(ws, userId, on) {
        this.ws = ws;
        this.on = on;
        this.next = 0;
        this.acks = new Map();
        this.open = true;

        this.connected = new Promise((resolve, reject) => {
            this.resolve = resolve;
            this.reject = reject;
        });

        this.connected.catch(() => {});

        this.closed = new Promise((resolve) => {
            this.onClosed = resolve;
        });

        const before = ws.messages.items;

        ws.messages = {
            push: (text) => this.take(text), close: () => this.end()
        };

        before.forEach((text) => this.take(text));
        ws.send(`40{"token":"${sign({ userId })}"}`);
    }

    take(text) {
        if (text[0] === '2') {
            this.ws.send('3');

        } else if (text.startsWith('40')) {
            this.resolve();

        } else if (text.startsWith('43')) {
            const at = text.indexOf('[');
            const id = Number(text.slice(2, at));

            this.acks.get(id).resolve(JSON.parse(text.slice(at))[0]);
            this.acks.delete(id);

        } else if (text.startsWith('42') && this.on) {
            this.on(text);
        }
    }

    end() {
        if (this.open) {
            this.open = false;
            this.reject(new Error('closed'));
            this.acks.forEach(({ reject }) => reject(new Error('closed')));
            this.acks.clear();
            this.onClosed();
        }
    }

    emit(event, payload) {
        this.ws.send(`42${JSON.stringify([event, payload])}`);
    }

    /* resolves to the one object of the ack */
    ask(event, payload) {
        const id = this.next++;

        this.ws.send(`42${id}${JSON.stringify([event, payload])}`);

        return tap.within(15000, new Promise((resolve, reject) => {
            this.acks.set(id, { resolve, reject });
        }), `the ack of ${event}`);
    }

    /* breaks off */
    destroy() {
        this.end();
        this.ws.destroy();
    }
}


module.exports = { Line };
