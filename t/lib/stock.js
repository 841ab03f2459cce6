'use strict';

/*
 * stock.js: the packets of a Socket.IO client in "/", as socket.io-client
 * takes them: events that come before CONNECT are kept until it comes, and are
 * for deliver(); pid and offset are shown when it connects.
 *
 * Who extends it has an Engine in "engine", and connected(data), deliver(args)
 * and trouble(what).
 */


class Stock {

    constructor() {
        this.up = false;
        this.next = 0;
        this.acks = new Map();
        this.buffer = [];
    }

    /* "token" may be undefined, as pid and offset are at first */
    enter(token) {
        const { pid, offset } = this;

        this.engine.send(`0${JSON.stringify({ pid, offset, token })}`);
    }

    message(text) {
        switch (text[0]) {

        case '0':
            this.connected(JSON.parse(text.slice(1)));
            break;

        case '2': {
            const args = JSON.parse(text.slice(1));

            this.up ? this.deliver(args) : this.buffer.push(args);
            break;
        }

        case '3':
            this.acked(text);
            break;

        default:
            this.trouble(text);
        }
    }

    acked(text) {
        const at = text.indexOf('[');
        const id = Number(text.slice(1, at));
        const done = this.acks.get(id);

        if (!done) {
            this.trouble(`an ack that nobody waits for: ${text}`);
            return;
        }

        this.acks.delete(id);
        done(JSON.parse(text.slice(at))[0]);
    }

    /* "up" is set: what was kept is for deliver() now */
    unbuffer() {
        this.buffer.splice(0).forEach((args) => this.deliver(args));
    }

    /* only while it is up */
    emit(event, arg, done) {
        let id = '';

        if (done) {
            id = this.next++;
            this.acks.set(id, done);
        }

        this.engine.send(`2${id}${JSON.stringify([event, arg])}`);
    }
}


module.exports = { Stock };
